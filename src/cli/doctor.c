/* SPDX-License-Identifier: Apache-2.0 */
/*
 * doctor - keeve doctor: is the store of a stopped home whole? Reads every row, checks every invariant
 * of the kernel's tables, says of each finding what it means, and mends what can be mended without
 * losing anything, after writing everything down as text.
 */
#include <stdio.h>

#include "base/fault.h"
#include "cli/control.h"
#include "cli/print.h"
#include "kernel/kernel.h"
#include "os/file.h"
#include "os/output.h"
#include "store/dump.h"
#include "store_sqlite/store_sqlite.h"

#define BACKUPS_MAX 10000u

struct doctor {
    struct kee_cli *cli;
    struct kee_store *store; /* the world's */
    struct kee_world *world;
    struct kee_kernel *kernel;
    uint64_t rows;
    uint64_t findings, repairable;
    bool quiet;  /* counts only */
    int written; /* what the store said to the repair */
};

struct finding {
    const char *invariant;
    const char *means;
};

#define KEE_FINDING(invariant, means) {invariant, means},
static const struct finding findings[] = {
#include "cli/findings.def"
};
#undef KEE_FINDING

static const char *meaning_of(struct kee_bytes invariant)
{
    for (size_t i = 0; i < sizeof findings / sizeof *findings; i++) {
        if (kee_bytes_equal(invariant, kee_bytes_str(findings[i].invariant))) {
            return findings[i].means;
        }
    }
    return "An invariant of the kernel's tables does not hold.";
}

static json_t *text_of(struct kee_bytes text)
{
    json_t *json = json_stringn((const char *)text.data, text.size);

    return json != NULL ? json : json_string("(not UTF-8)");
}

static void print_finding(const json_t *finding)
{
    struct kee_buf line = KEE_BUF_EMPTY;

    kee_buf_put_visible(&line, kee_bytes_str(json_string_value(json_object_get(finding, "where"))));
    kee_buf_put_str(&line, ": ");
    kee_buf_put_visible(&line, kee_bytes_str(json_string_value(json_object_get(finding, "found"))));
    printf("%s\n    %s\n    %s\n", kee_cli_text(&line),
           json_string_value(json_object_get(finding, "meaning")),
           json_object_get(finding, "repaired") != NULL
               ? json_is_true(json_object_get(finding, "repaired")) ? "Repaired." : "Left as it is."
           : json_is_true(json_object_get(finding, "repairable"))
               ? "keeve doctor --repair puts it right."
               : "It takes a person: keeve export shows the rows.");
    kee_buf_fini(&line);
}

static void on_violation(void *context, const struct kee_record *record)
{
    struct doctor *doctor = context;
    json_t *finding = json_object();

    doctor->findings++;
    for (size_t i = 0; i < record->count; i++) {
        const struct kee_field *field = &record->fields[i];
        bool yes = kee_bytes_equal(field->value, KEE_BYTES_LIT("yes"));
        bool flag = strncmp(field->name, "repair", 6) == 0;
        (void)json_object_set_new(finding, field->name,
                                  flag ? json_boolean(yes) : text_of(field->value));
        doctor->repairable += flag && yes;
        if (strcmp(field->name, "invariant") == 0) {
            (void)json_object_set_new(finding, "meaning", json_string(meaning_of(field->value)));
        }
    }
    if (!doctor->quiet && doctor->cli->json) {
        kee_print_json(finding);
    } else if (!doctor->quiet) {
        print_finding(finding);
    }
    json_decref(finding);
}

/* ---- the store, read whole ---- */

static int count_lines(void *context, struct kee_bytes piece)
{
    struct doctor *doctor = context;

    for (size_t i = 0; i < piece.size; i++) {
        doctor->rows += piece.data[i] == '\n';
    }
    return 0;
}

static int put_piece(void *context, struct kee_bytes piece)
{
    return kee_output_put(context, piece);
}

/* A name in the home that is not taken: backup-1.keeve, backup-2.keeve... */
static int free_name(const struct kee_cli *cli, struct kee_buf *out)
{
    struct kee_buf why = KEE_BUF_EMPTY;
    int fd;
    int r = 0;

    for (unsigned n = 1; r == 0 && n < BACKUPS_MAX; n++) {
        kee_buf_clear(out);
        kee_buf_printf(out, "%s/backup-%u.keeve", cli->home, n);
        r = kee_file_open_read(&fd, kee_cli_text(out), &why);
        if (r == 0) {
            kee_file_close(fd);
        }
    }
    kee_buf_fini(&why);
    return r < 0 ? r : kee_buf_status(out);
}

static int back_up(struct doctor *doctor)
{
    struct kee_output *output = NULL;
    struct kee_buf path = KEE_BUF_EMPTY;
    int r = free_name(doctor->cli, &path);

    r = r != 0 ? r : kee_output_open(&output, kee_cli_text(&path));
    if (r == 0) {
        r = kee_dump_write(doctor->store, put_piece, output);
        if (r == 0) {
            r = kee_output_finish(output);
        } else {
            kee_output_abandon(output);
        }
    }
    if (r == 0) {
        fprintf(stderr, "as it was: %s\n", kee_cli_text(&path));
    }
    kee_buf_fini(&path);
    return r;
}

/* ---- the kernel over it ---- */

static void on_written(void *context, int r)
{
    ((struct doctor *)context)->written = r;
}

static int repair(struct doctor *doctor)
{
    int r = back_up(doctor);

    doctor->findings = doctor->repairable = 0;
    r = r != 0 ? r : kee_kernel_repair(doctor->kernel, on_violation, doctor);
    if (r == 0) {
        kee_world_on_durable(doctor->world, on_written, doctor);
        r = kee_world_flush(doctor->world);
    }
    if (r == 0) {
        kee_store_sqlite_wait(doctor->store);
        r = doctor->written;
    }
    return r;
}

static int open_kernel(struct doctor *doctor, struct kee_buf *why)
{
    static const struct kee_kernel_host nobody = {0}; /* nothing is delivered here */
    static const struct kee_kernel_options options = {.look_only = true};
    struct kee_buf directory = kee_cli_home_path(doctor->cli, "store");
    struct kee_store_sqlite_options at = {.directory = kee_cli_text(&directory),
                                          .must_exist = true};
    int r = kee_store_sqlite_open(&doctor->store, &at, why);

    if (r == 0) {
        r = kee_dump_write(doctor->store, count_lines, doctor);
        if (r == 0) {
            r = kee_world_new(&doctor->world, doctor->store);
        }
        if (r != 0) {
            doctor->store->ops->close(doctor->store);
        }
    }
    r = r != 0 ? r : kee_kernel_open(&doctor->kernel, doctor->world, &nobody, &options, why);
    kee_buf_fini(&directory);
    return r;
}

static void conclude(const struct doctor *doctor, bool repaired)
{
    unsigned long long rows = doctor->rows < 2 ? 0 : doctor->rows - 2;

    if (doctor->cli->json) {
        printf("{\"rows\":%llu,\"findings\":%llu,\"repairable\":%llu}\n", rows,
               (unsigned long long)doctor->findings, (unsigned long long)doctor->repairable);
    } else if (doctor->findings == 0) {
        printf("%s%llu rows read, every invariant holds\n", repaired ? "now " : "", rows);
    } else {
        printf("%s%llu rows read, %llu finding%s, %llu of them repairable\n",
               repaired ? "now " : "", rows, (unsigned long long)doctor->findings,
               doctor->findings == 1 ? "" : "s", (unsigned long long)doctor->repairable);
    }
}

static int examine(struct doctor *doctor, bool repairs)
{
    struct kee_buf why = KEE_BUF_EMPTY;
    bool repaired = false;
    int status = KEE_EXIT_OK;
    int r = open_kernel(doctor, &why);

    if (r == 0) {
        doctor->quiet = repairs; /* the repair tells of the same */
        r = kee_kernel_audit(doctor->kernel, on_violation, doctor);
        r = r < 0 ? r : 0;
        doctor->quiet = false;
    }
    if (r == 0 && repairs && doctor->findings > 0) {
        r = repair(doctor);
        if (r == 0) {
            doctor->quiet = repaired = true;
            doctor->findings = doctor->repairable = 0;
            r = kee_kernel_audit(doctor->kernel, on_violation, doctor);
            r = r < 0 ? r : 0;
        }
    }
    if (r < 0) {
        status = kee_cli_error("the store cannot be read any further: %s", kee_fault_text());
    } else if (r > 0) {
        status = kee_cli_error("%s", kee_cli_text(&why));
    } else {
        conclude(doctor, repaired);
        status = doctor->findings == 0 ? KEE_EXIT_OK : KEE_EXIT_FAILED;
    }
    kee_buf_fini(&why);
    return status;
}

int kee_cmd_doctor(struct kee_cli *cli)
{
    bool repairs = kee_cli_take_flag(cli, "--repair");
    struct doctor doctor = {.cli = cli};
    int status;

    if (!kee_cli_operands(cli, 0, 0)) {
        return KEE_EXIT_USAGE;
    }
    status =
        kee_cli_need_no_daemon(cli, "keeve audit checks it as it runs, doctor needs it stopped");
    if (status != KEE_EXIT_OK) {
        return status;
    }
    status = examine(&doctor, repairs);
    kee_kernel_free(doctor.kernel);
    kee_world_free(doctor.world); /* closes the store */
    return status;
}
