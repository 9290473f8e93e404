/* SPDX-License-Identifier: Apache-2.0 */
/* audit - keeve audit: does every invariant of the kernel's tables hold? */
#include <stdio.h>

#include "cli/control.h"
#include "cli/print.h"

int kee_cmd_audit(struct kee_cli *cli)
{
    json_t *result = NULL;
    const json_t *violations;
    int status;

    if (!kee_cli_operands(cli, 0, 0)) {
        return KEE_EXIT_USAGE;
    }
    status = kee_cli_call(cli, "audit", NULL, &result);
    violations = json_object_get(result, "violations");
    if (status == KEE_EXIT_OK && !json_is_array(violations)) {
        status = kee_cli_error("the daemon's answer has no list of violations");
    } else if (status == KEE_EXIT_OK) {
        kee_print_rows(cli, violations, "every invariant holds");
        status = json_array_size(violations) == 0 ? KEE_EXIT_OK : KEE_EXIT_FAILED;
    }
    json_decref(result);
    return status;
}
