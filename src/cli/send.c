/* SPDX-License-Identifier: Apache-2.0 */
/* send - keeve send: one call, its arguments and its result as JSON. */
#include <stdio.h>

#include "base/fault.h"
#include "base/ids.h"
#include "cli/capdata.h"
#include "cli/control.h"
#include "cli/print.h"
#include "value/json.h"

/* [method, args] as a tree. Gives an enum kee_exit. */
static int build_call(const struct kee_cli *cli, struct kee_arena *arena, struct kee_value **out)
{
    int count = cli->argc - 2;
    struct kee_value *call = kee_value_array(arena, 2);
    struct kee_value *args = kee_value_array(arena, (size_t)count);
    struct kee_buf why = KEE_BUF_EMPTY;
    int status = KEE_EXIT_OK;

    if (call == NULL || args == NULL) {
        return kee_cli_error("out of memory");
    }
    call->as.array.items[0] = kee_value_string(arena, kee_bytes_str(cli->argv[1]));
    call->as.array.items[1] = args;
    for (int i = 0; i < count && status == KEE_EXIT_OK; i++) {
        const char *text = cli->argv[2 + i];
        int r =
            kee_value_from_json_text(kee_bytes_str(text), arena, &args->as.array.items[i], &why);
        if (r < 0) {
            status = kee_cli_fault();
        } else if (r > 0) {
            status =
                kee_cli_usage_error(cli, "argument %d, %s: %s%s", i + 1, text, kee_cli_text(&why),
                                    text[0] != '"' && text[0] != '{' && text[0] != '['
                                        ? "; a string is written '\"text\"'"
                                        : "");
        }
    }
    kee_buf_fini(&why);
    *out = call;
    return status;
}

static int show_result(const struct kee_cli *cli, const json_t *result, struct kee_arena *arena)
{
    const char *settled = json_string_value(json_object_get(result, "status"));
    const json_t *capdata = json_object_get(result, "value");
    bool rejected = settled == NULL || strcmp(settled, "fulfilled") != 0;
    struct kee_buf text = KEE_BUF_EMPTY;
    const struct kee_value *value = kee_print_value_of(capdata, arena, &text);

    if (value == NULL) {
        /* Not ours to hide: what came is shown as it came. */
        kee_print_json(capdata);
        (void)kee_cli_error("the result above cannot be shown as a value: %s", kee_cli_text(&text));
        kee_buf_fini(&text);
        return KEE_EXIT_FAILED;
    }
    if (!rejected) {
        kee_print_value(cli, value);
    } else if (cli->json_asked) {
        kee_print_value(cli, value);
    } else {
        kee_buf_put_rejection(&text, value);
        fflush(stdout);
        fprintf(stderr, "error: %s\n", kee_cli_text(&text));
    }
    kee_buf_fini(&text);
    return rejected ? KEE_EXIT_FAILED : KEE_EXIT_OK;
}

int kee_cmd_send(struct kee_cli *cli)
{
    struct kee_arena arena = KEE_ARENA_EMPTY;
    struct kee_value *call = NULL;
    struct kee_kref target;
    json_t *methargs = NULL;
    json_t *result = NULL;
    int status;

    if (!kee_cli_operands(cli, 2, -1)) {
        return KEE_EXIT_USAGE;
    }
    if (!kee_kref_parse(kee_bytes_str(cli->argv[0]), &target)) {
        return kee_cli_usage_error(cli, "expected a reference such as ko4, found \"%s\"",
                                   cli->argv[0]);
    }
    status = build_call(cli, &arena, &call);
    if (status == KEE_EXIT_OK) {
        status = kee_capdata_json(call, &arena, &methargs);
    }
    if (status == KEE_EXIT_OK) {
        status = kee_cli_call(cli, "send",
                              json_pack("{s:s,s:o}", "target", cli->argv[0], "methargs", methargs),
                              &result);
    }
    if (status == KEE_EXIT_OK) {
        status = show_result(cli, result, &arena);
    }
    json_decref(result);
    kee_arena_fini(&arena);
    return status;
}
