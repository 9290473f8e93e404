/* SPDX-License-Identifier: Apache-2.0 */
/* listings - the commands that show one table of the kernel as it is. */
#include "cli/control.h"
#include "cli/print.h"

static int show(struct kee_cli *cli, const char *method, json_t *params, const char *empty)
{
    json_t *rows = NULL;
    int status = kee_cli_call(cli, method, params, &rows);

    if (status == KEE_EXIT_OK && !json_is_array(rows)) {
        status = kee_cli_error("the daemon's answer to %s is no listing", method);
    } else if (status == KEE_EXIT_OK) {
        kee_print_rows(cli, rows, empty);
    }
    json_decref(rows);
    return status;
}

int kee_cmd_vats(struct kee_cli *cli)
{
    return kee_cli_operands(cli, 0, 0) ? show(cli, "vats", NULL, "no vats") : KEE_EXIT_USAGE;
}

int kee_cmd_clist(struct kee_cli *cli)
{
    return kee_cli_operands(cli, 1, 1)
               ? show(cli, "clist", json_pack("{s:s}", "vat", cli->argv[0]), "no references")
               : KEE_EXIT_USAGE;
}

int kee_cmd_queue(struct kee_cli *cli)
{
    return kee_cli_operands(cli, 0, 0) ? show(cli, "queue", NULL, "nothing is queued")
                                       : KEE_EXIT_USAGE;
}

int kee_cmd_objects(struct kee_cli *cli)
{
    return kee_cli_operands(cli, 0, 0) ? show(cli, "objects", NULL, "no objects") : KEE_EXIT_USAGE;
}

int kee_cmd_promises(struct kee_cli *cli)
{
    return kee_cli_operands(cli, 0, 0) ? show(cli, "promises", NULL, "no promises")
                                       : KEE_EXIT_USAGE;
}

int kee_cmd_who_holds(struct kee_cli *cli)
{
    return kee_cli_operands(cli, 1, 1)
               ? show(cli, "who-holds", json_pack("{s:s}", "kref", cli->argv[0]),
                      "nothing holds it")
               : KEE_EXIT_USAGE;
}

int kee_cmd_services(struct kee_cli *cli)
{
    return kee_cli_operands(cli, 0, 0) ? show(cli, "services", NULL, "no services")
                                       : KEE_EXIT_USAGE;
}

int kee_cmd_subclusters(struct kee_cli *cli)
{
    return kee_cli_operands(cli, 0, 0) ? show(cli, "subclusters", NULL, "no subclusters")
                                       : KEE_EXIT_USAGE;
}

int kee_cmd_sessions(struct kee_cli *cli)
{
    return kee_cli_operands(cli, 0, 0) ? show(cli, "sessions", NULL, "no sessions")
                                       : KEE_EXIT_USAGE;
}

int kee_cmd_url(struct kee_cli *cli)
{
    if (!kee_cli_operands(cli, 0, 1)) {
        return KEE_EXIT_USAGE;
    }
    return show(cli, "urls",
                cli->argc == 0 ? NULL : json_pack("{s:s}", "name", cli->argv[0]), "no doors");
}
