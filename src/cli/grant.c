/* SPDX-License-Identifier: Apache-2.0 */
/* grant - keeve grant and keeve revoke-grant: who may have what, without ruling the kernel. */
#include <stdio.h>

#include "base/ids.h"
#include "cli/control.h"
#include "cli/print.h"

/* The URLs of what was just granted: what it was granted for. */
static int show_urls(struct kee_cli *cli, const char *name)
{
    json_t *rows = NULL;
    int status = kee_cli_call(cli, "urls", json_pack("{s:s}", "name", name), &rows);

    if (status == KEE_EXIT_OK) {
        kee_print_rows(cli, rows, "no doors");
    }
    json_decref(rows);
    return status;
}

int kee_cmd_grant(struct kee_cli *cli)
{
    const char *name = kee_cli_take_option(cli, "--name");
    json_t *result = NULL;
    struct kee_kref kref;
    int status;

    if (!kee_cli_operands(cli, 1, 1)) {
        return KEE_EXIT_USAGE;
    }
    if (name == NULL) {
        return kee_cli_usage_error(cli, "expected --name with the name that the grant is to have");
    }
    if (!kee_kref_parse(kee_bytes_str(cli->argv[0]), &kref)) {
        return kee_cli_usage_error(cli, "expected a reference such as ko4, found \"%s\"",
                                   cli->argv[0]);
    }
    status = kee_cli_call(cli, "grant", json_pack("{s:s,s:s}", "kref", cli->argv[0], "name", name),
                          &result);
    json_decref(result);
    return status == KEE_EXIT_OK ? show_urls(cli, name) : status;
}

int kee_cmd_revoke_grant(struct kee_cli *cli)
{
    json_t *result = NULL;
    int status;

    if (!kee_cli_operands(cli, 1, 1)) {
        return KEE_EXIT_USAGE;
    }
    status = kee_cli_call(cli, "revoke-grant", json_pack("{s:s}", "name", cli->argv[0]), &result);
    if (status == KEE_EXIT_OK && !cli->json) {
        printf("%s taken back\n", cli->argv[0]);
    }
    json_decref(result);
    return status;
}
