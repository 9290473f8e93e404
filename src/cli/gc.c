/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gc - keeve gc: has vats report what they no longer use, waits until what follows from that has
 * happened, and says what went.
 *
 * What one vat lets go of may be the last hold on something of another vat, which then has something
 * to report: so it goes in rounds, until one changes nothing. Then cycles are looked for, which may have
 * held more.
 */
#include <stdio.h>

#include "cli/print.h"
#include "cli/stats.h"
#include "os/clock.h"

#define ROUNDS_MAX 20
#define LOOK_AGAIN_MS 10
#define PATIENCE_MS 30000
#define PATIENCE_FOR_CYCLES_MS 600000 /* the whole store is looked at */

static const char *const counted[] = {"exports", "imports", "weak", "promises",
                                      "objects", "entries", "rows", "bytes"};

/* Waits until no vat has anything left to report. *busy: it still had when patience ended. */
static int wait_quiet(struct kee_cli *cli, int patience_ms, bool *busy)
{
    int status = KEE_EXIT_OK;
    json_t *result = NULL;

    *busy = true;
    for (int waited = 0; status == KEE_EXIT_OK && *busy && waited < patience_ms;
         waited += LOOK_AGAIN_MS) {
        status = kee_cli_call(cli, "status", NULL, &result);
        if (status == KEE_EXIT_OK) {
            *busy = json_integer_value(json_object_get(result, "collecting")) > 0;
            json_decref(result);
        }
        if (*busy) {
            kee_clock_sleep_ms(LOOK_AGAIN_MS);
        }
    }
    return status;
}

static int one_round(struct kee_cli *cli, const char *vat, bool *busy)
{
    json_t *result = NULL;
    int status =
        kee_cli_call(cli, "reap", vat == NULL ? NULL : json_pack("{s:s}", "vat", vat), &result);

    json_decref(result);
    return status == KEE_EXIT_OK ? wait_quiet(cli, PATIENCE_MS, busy) : status;
}

/* Rounds until one changes nothing; *last is what is kept then. */
static int reap_rounds(struct kee_cli *cli, const char *vat, json_t **last, bool *busy)
{
    bool changed = true;
    int status = KEE_EXIT_OK;
    json_t *now = NULL;

    for (int i = 0; status == KEE_EXIT_OK && changed && !*busy && i < ROUNDS_MAX; i++) {
        status = one_round(cli, vat, busy);
        status = status != KEE_EXIT_OK ? status : kee_stats_of_all(cli, &now);
        changed = !json_equal(*last, now);
        json_decref(*last);
        *last = now;
        now = NULL;
    }
    return status;
}

static int collect_cycles(struct kee_cli *cli, bool *busy)
{
    json_t *result = NULL;
    int status = kee_cli_call(cli, "collect", NULL, &result);

    json_decref(result);
    return status == KEE_EXIT_OK ? wait_quiet(cli, PATIENCE_FOR_CYCLES_MS, busy) : status;
}

/* A row for each vat that has less or more than before: differences, less is what went. */
static json_t *compare(const json_t *before, const json_t *after)
{
    json_t *rows = json_array();
    json_t *was;
    json_t *is;
    size_t index, at;

    json_array_foreach((json_t *)before, index, was)
    {
        const char *vat = json_string_value(json_object_get(was, "vat"));
        json_array_foreach((json_t *)after, at, is)
        {
            const char *same = json_string_value(json_object_get(is, "vat"));
            json_t *row;
            bool differs = false;

            if (vat == NULL || same == NULL || strcmp(vat, same) != 0) {
                continue;
            }
            row = json_pack("{s:s,s:O*}", "vat", vat, "name", json_object_get(is, "name"));
            for (size_t i = 0; i < sizeof counted / sizeof *counted; i++) {
                json_int_t change = json_integer_value(json_object_get(is, counted[i])) -
                                    json_integer_value(json_object_get(was, counted[i]));
                (void)json_object_set_new(row, counted[i], json_integer(change));
                differs = differs || change != 0;
            }
            if (differs) {
                (void)json_array_append(rows, row);
            }
            json_decref(row);
        }
    }
    return rows;
}

static int refuse_paused(struct kee_cli *cli)
{
    json_t *result = NULL;
    const char *state;
    int status = kee_cli_call(cli, "status", NULL, &result);

    if (status == KEE_EXIT_OK) {
        state = json_string_value(json_object_get(result, "state"));
        if (state != NULL && strcmp(state, "paused") == 0) {
            status = kee_cli_error("the kernel is paused: vats cannot report; see: keeve run");
        }
    }
    json_decref(result);
    return status;
}

int kee_cmd_gc(struct kee_cli *cli)
{
    json_t *before = NULL, *last = NULL, *rows;
    const char *vat;
    bool busy = false;
    int status;

    if (!kee_cli_operands(cli, 0, 1)) {
        return KEE_EXIT_USAGE;
    }
    vat = cli->argc == 1 ? cli->argv[0] : NULL;
    status = refuse_paused(cli);
    status = status != KEE_EXIT_OK ? status : kee_stats_of_all(cli, &before);
    last = json_incref(before);
    status = status != KEE_EXIT_OK ? status : reap_rounds(cli, vat, &last, &busy);
    if (status == KEE_EXIT_OK && vat == NULL && !busy) {
        status = collect_cycles(cli, &busy);
        status = status != KEE_EXIT_OK ? status : reap_rounds(cli, vat, &last, &busy);
    }
    if (status == KEE_EXIT_OK) {
        rows = compare(before, last);
        kee_print_rows(cli, rows, "nothing to collect");
        json_decref(rows);
        if (busy) {
            fputs("vats were still reporting after 30 s\n", stderr);
        }
    }
    json_decref(before);
    json_decref(last);
    return status;
}
