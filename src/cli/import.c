/* SPDX-License-Identifier: Apache-2.0 */
/* import - keeve import: fills the store of an empty home from the text that export writes. */
#include <stdio.h>

#include "base/fault.h"
#include "cli/control.h"
#include "os/blocking.h"
#include "os/file.h"
#include "store/dump.h"
#include "store_sqlite/store_sqlite.h"

struct reading {
    int fd;
    uint64_t lines;
};

static int next_piece(void *context, uint8_t *room, size_t size, size_t *got)
{
    struct reading *reading = context;
    int r = kee_fd_read(reading->fd, room, size, got);

    if (r == KEE_FD_GONE) {
        return kee_fault(KEE_FAULT_SYSTEM, "reading: the writer is gone");
    }
    for (size_t i = 0; r == 0 && i < *got; i++) {
        reading->lines += room[i] == '\n';
    }
    return r;
}

static void on_written(void *context, int r)
{
    *(int *)context = r;
}

/* Gives an enum kee_exit. */
static int fill(struct kee_store *store, struct reading *reading)
{
    struct kee_buf why = KEE_BUF_EMPTY;
    int written = 0;
    int status = KEE_EXIT_OK;
    int r = kee_dump_read(store, next_piece, reading, &why, on_written, &written);

    if (r == 0) {
        kee_store_sqlite_wait(store);
        r = written;
    }
    if (r < 0) {
        status = kee_cli_fault();
    } else if (r == KEE_DUMP_NOT_EMPTY) {
        status = kee_cli_error("the store has rows already; import only fills an empty home");
    } else if (r > 0) {
        status = kee_cli_error("%s", kee_cli_text(&why));
    }
    kee_buf_fini(&why);
    return status;
}

static int into_store(const struct kee_cli *cli, struct reading *reading)
{
    struct kee_buf directory = kee_cli_home_path(cli, "store");
    struct kee_store_sqlite_options options = {.directory = kee_cli_text(&directory)};
    struct kee_buf why = KEE_BUF_EMPTY;
    struct kee_store *store = NULL;
    int status = KEE_EXIT_OK;
    int r = kee_file_home(cli->home, &why);

    if (r == 0) {
        r = kee_store_sqlite_open(&store, &options, &why);
    }
    if (r == 0) {
        status = fill(store, reading);
        store->ops->close(store);
    } else if (r < 0) {
        status = kee_cli_fault();
    } else {
        status = kee_cli_error("%s", kee_cli_text(&why));
    }
    kee_buf_fini(&directory);
    kee_buf_fini(&why);
    return status;
}

int kee_cmd_import(struct kee_cli *cli)
{
    struct kee_buf why = KEE_BUF_EMPTY;
    struct reading reading = {.fd = -1};
    int status;

    if (!kee_cli_operands(cli, 1, 1)) {
        return KEE_EXIT_USAGE;
    }
    status = kee_cli_need_no_daemon(cli, "import needs an empty home without one");
    if (status != KEE_EXIT_OK) {
        return status;
    }
    if (strcmp(cli->argv[0], "-") == 0) {
        reading.fd = 0;
    } else if (kee_file_open_read(&reading.fd, cli->argv[0], &why) != 0) {
        status = kee_cli_error("%s", kee_cli_text(&why));
        kee_buf_fini(&why);
        return status;
    }
    status = into_store(cli, &reading);
    kee_fd_close(reading.fd);
    if (status == KEE_EXIT_OK) {
        fprintf(stderr, "%llu rows read\n",
                (unsigned long long)(reading.lines < 2 ? 0 : reading.lines - 2));
    }
    return status;
}
