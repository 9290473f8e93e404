/* SPDX-License-Identifier: Apache-2.0 */
/* pace - pause, run and step. */
#include <stdio.h>

#include "cli/control.h"
#include "cli/print.h"

static int change(struct kee_cli *cli, const char *method)
{
    json_t *result = NULL;
    const char *state;
    int status;

    if (!kee_cli_operands(cli, 0, 0)) {
        return KEE_EXIT_USAGE;
    }
    status = kee_cli_call(cli, method, NULL, &result);
    state = json_string_value(json_object_get(result, "state"));
    if (status == KEE_EXIT_OK && cli->json) {
        kee_print_json(result);
    } else if (status == KEE_EXIT_OK) {
        puts(state == NULL ? "done" : state);
    }
    json_decref(result);
    return status;
}

int kee_cmd_pause(struct kee_cli *cli)
{
    return change(cli, "pause");
}

int kee_cmd_run(struct kee_cli *cli)
{
    return change(cli, "run");
}

int kee_cmd_step(struct kee_cli *cli)
{
    json_t *result = NULL;
    json_t *event;
    size_t index;
    int status;

    if (!kee_cli_operands(cli, 0, 0)) {
        return KEE_EXIT_USAGE;
    }
    status = kee_cli_call(cli, "step", NULL, &result);
    json_array_foreach(json_object_get(result, "events"), index, event)
    {
        kee_print_event(cli, event);
    }
    json_decref(result);
    return status;
}
