/* SPDX-License-Identifier: Apache-2.0 */
/*
 * export - keeve export: the whole store as text, from the daemon if one runs, else from the store.
 */
#include <stdio.h>

#include "base/fault.h"
#include "cli/control.h"
#include "os/output.h"
#include "store/dump.h"
#include "store_sqlite/store_sqlite.h"

struct writing {
    struct kee_output *output;
    uint64_t lines; /* the rows, a first line and a last one */
    int r;
};

static int put_piece(void *context, struct kee_bytes piece)
{
    struct writing *writing = context;

    for (size_t i = 0; i < piece.size; i++) {
        writing->lines += piece.data[i] == '\n';
    }
    writing->r = kee_output_put(writing->output, piece);
    return writing->r;
}

static bool on_piece(void *context, const json_t *event)
{
    struct kee_bytes piece = kee_bytes_of(json_string_value(event), json_string_length(event));

    return put_piece(context, piece) == 0;
}

/* Gives an enum kee_exit. */
static int from_store(const struct kee_cli *cli, struct writing *writing)
{
    struct kee_buf directory = kee_cli_home_path(cli, "store");
    struct kee_store_sqlite_options options = {.directory = kee_cli_text(&directory),
                                               .must_exist = true};
    struct kee_buf why = KEE_BUF_EMPTY;
    struct kee_store *store = NULL;
    int status = KEE_EXIT_OK;
    int r = kee_store_sqlite_open(&store, &options, &why);

    if (r == 0) {
        r = kee_dump_write(store, put_piece, writing);
        store->ops->close(store);
    }
    if (r < 0) {
        status = kee_cli_fault();
    } else if (r > 0) {
        status = kee_cli_error("%s", kee_cli_text(&why));
    }
    kee_buf_fini(&directory);
    kee_buf_fini(&why);
    return status;
}

static int from_daemon(struct kee_control *control, struct writing *writing)
{
    json_t *result = NULL;
    int r = kee_control_call(control, "export", NULL, on_piece, writing, &result);
    int status = KEE_EXIT_OK;

    if (r > 0) {
        status = kee_cli_error("%s", kee_control_message(control));
    } else if (r < 0 || writing->r < 0) {
        status = kee_cli_fault();
    }
    json_decref(result);
    return status;
}

int kee_cmd_export(struct kee_cli *cli)
{
    struct kee_control *control = NULL;
    struct writing writing = {.output = NULL};
    const char *path;
    int status = KEE_EXIT_OK;
    int r;

    if (!kee_cli_operands(cli, 0, 1)) {
        return KEE_EXIT_USAGE;
    }
    path = cli->argc == 1 && strcmp(cli->argv[0], "-") != 0 ? cli->argv[0] : NULL;
    r = kee_control_open(&control, cli->home);
    if (r < 0 || kee_output_open(&writing.output, path) < 0) {
        kee_control_free(control);
        return kee_cli_fault();
    }
    status = r == 0 ? from_daemon(control, &writing) : from_store(cli, &writing);
    kee_control_free(control);
    if (status != KEE_EXIT_OK) {
        kee_output_abandon(writing.output);
        return status;
    }
    if (kee_output_finish(writing.output) < 0) {
        return kee_cli_fault();
    }
    if (path != NULL) {
        fprintf(stderr, "%llu rows written to %s\n",
                (unsigned long long)(writing.lines < 2 ? 0 : writing.lines - 2), path);
    }
    return KEE_EXIT_OK;
}
