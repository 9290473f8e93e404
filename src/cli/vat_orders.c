/* SPDX-License-Identifier: Apache-2.0 */
/* vat_orders - the commands that order something done with a vat or an object: no result to show. */
#include <stdio.h>

#include "base/ids.h"
#include "cli/control.h"

static bool is_id(const char *text, char letter)
{
    uint64_t n;

    return kee_id_parse(kee_bytes_str(text), letter, &n);
}

static int order(struct kee_cli *cli, const char *method, json_t *params, const char *done)
{
    json_t *result = NULL;
    int status = kee_cli_call(cli, method, params, &result);

    if (status == KEE_EXIT_OK && !cli->json) {
        printf("%s%s%s\n", cli->argc > 0 ? cli->argv[0] : "", cli->argc > 0 ? " " : "", done);
    }
    json_decref(result);
    return status;
}

int kee_cmd_terminate(struct kee_cli *cli)
{
    const char *kind;

    if (!kee_cli_operands(cli, 1, 1)) {
        return KEE_EXIT_USAGE;
    }
    kind = is_id(cli->argv[0], 'v') ? "vat" : is_id(cli->argv[0], 's') ? "subcluster" : NULL;
    if (kind == NULL) {
        return kee_cli_usage_error(
            cli, "expected a vat or subcluster such as v2 or s1, found \"%s\"", cli->argv[0]);
    }
    return order(cli, "terminate", json_pack("{s:s}", kind, cli->argv[0]), "terminated");
}

int kee_cmd_restart_vat(struct kee_cli *cli)
{
    if (!kee_cli_operands(cli, 1, 1)) {
        return KEE_EXIT_USAGE;
    }
    if (!is_id(cli->argv[0], 'v')) {
        return kee_cli_usage_error(cli, "expected a vat such as v2, found \"%s\"", cli->argv[0]);
    }
    return order(cli, "restart-vat", json_pack("{s:s}", "vat", cli->argv[0]), "restarted");
}

int kee_cmd_reap(struct kee_cli *cli)
{
    if (!kee_cli_operands(cli, 0, 1)) {
        return KEE_EXIT_USAGE;
    }
    if (cli->argc == 1 && !is_id(cli->argv[0], 'v')) {
        return kee_cli_usage_error(cli, "expected a vat such as v2, found \"%s\"", cli->argv[0]);
    }
    return order(cli, "reap", cli->argc == 1 ? json_pack("{s:s}", "vat", cli->argv[0]) : NULL,
                 "asked to report");
}

static int order_kref(struct kee_cli *cli, const char *method, const char *done)
{
    struct kee_kref kref;

    if (!kee_cli_operands(cli, 1, 1)) {
        return KEE_EXIT_USAGE;
    }
    if (!kee_kref_parse(kee_bytes_str(cli->argv[0]), &kref)) {
        return kee_cli_usage_error(cli, "expected a reference such as ko4, found \"%s\"",
                                   cli->argv[0]);
    }
    return order(cli, method, json_pack("{s:s}", "kref", cli->argv[0]), done);
}

int kee_cmd_pin(struct kee_cli *cli)
{
    return order_kref(cli, "pin", "pinned");
}

int kee_cmd_unpin(struct kee_cli *cli)
{
    return order_kref(cli, "unpin", "unpinned");
}

int kee_cmd_revoke(struct kee_cli *cli)
{
    return order_kref(cli, "revoke", "revoked");
}
