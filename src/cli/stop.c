/* SPDX-License-Identifier: Apache-2.0 */
/* stop - keeve stop: ends the daemon in order and waits until its process is gone. */
#include <stdio.h>

#include "cli/control.h"
#include "os/process.h"

#define GONE_TIMEOUT_MS 60000

static int wait_gone(const struct kee_cli *cli, json_int_t pid)
{
    if (!kee_process_wait_gone((pid_t)pid, GONE_TIMEOUT_MS)) {
        return kee_cli_error("process %lld was told to stop and still runs after %d seconds",
                             (long long)pid, GONE_TIMEOUT_MS / 1000);
    }
    if (!cli->json) {
        printf("stopped\n");
    }
    return KEE_EXIT_OK;
}

int kee_cmd_stop(struct kee_cli *cli)
{
    struct kee_control *control = NULL;
    json_t *status = NULL;
    json_t *result = NULL;
    json_int_t pid;
    int exit_status;
    int r;

    if (!kee_cli_operands(cli, 0, 0)) {
        return KEE_EXIT_USAGE;
    }
    r = kee_control_open(&control, cli->home);
    if (r == KEE_CONTROL_NO_DAEMON) {
        if (!cli->json) {
            printf("no daemon is running for %s\n", cli->home);
        }
        return KEE_EXIT_OK;
    }
    if (r == 0) {
        r = kee_control_call(control, "status", NULL, NULL, NULL, &status);
    }
    pid = json_integer_value(json_object_get(status, "pid"));
    if (r == 0) {
        r = kee_control_call(control, "stop", NULL, NULL, NULL, &result);
    }
    if (r < 0) {
        exit_status = kee_cli_fault();
    } else if (r > 0) {
        exit_status = kee_cli_error("%s", kee_control_message(control));
    } else {
        exit_status = wait_gone(cli, pid);
    }
    json_decref(status);
    json_decref(result);
    kee_control_free(control);
    return exit_status;
}
