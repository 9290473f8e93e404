/* SPDX-License-Identifier: Apache-2.0 */
/* logs - keeve logs: what vats wrote to their console. */
#include <stdio.h>
#include <time.h>

#include "base/ids.h"
#include "cli/control.h"
#include "cli/print.h"

static void put_time(struct kee_buf *line, json_int_t time_ms)
{
    time_t seconds = (time_t)(time_ms / 1000);
    struct tm parts;
    char text[32] = "";

    if (localtime_r(&seconds, &parts) != NULL) {
        strftime(text, sizeof text, "%H:%M:%S", &parts);
    }
    kee_buf_printf(line, "%s.%03d", text, (int)(time_ms % 1000));
}

static bool on_line(void *context, const json_t *event)
{
    const struct kee_cli *cli = context;
    const char *vat = json_string_value(json_object_get(event, "vat"));
    const char *level = json_string_value(json_object_get(event, "level"));
    const json_t *text = json_object_get(event, "text");
    struct kee_buf line = KEE_BUF_EMPTY;

    if (cli->json) {
        kee_print_json(event);
        return fflush(stdout) == 0;
    }
    put_time(&line, json_integer_value(json_object_get(event, "time_ms")));
    kee_buf_printf(&line, "  %-4s %-5s ", vat == NULL ? "" : vat, level == NULL ? "" : level);
    kee_buf_put_visible(&line, kee_bytes_of(json_string_value(text), json_string_length(text)));
    puts(kee_cli_text(&line));
    kee_buf_fini(&line);
    return fflush(stdout) == 0;
}

int kee_cmd_logs(struct kee_cli *cli)
{
    bool follow = kee_cli_take_flag(cli, "--follow") || kee_cli_take_flag(cli, "-f");
    json_t *params = NULL;
    json_t *result = NULL;
    uint64_t n;
    int status;

    if (!kee_cli_operands(cli, 0, 1)) {
        return KEE_EXIT_USAGE;
    }
    if (cli->argc == 1 && !kee_id_parse(kee_bytes_str(cli->argv[0]), 'v', &n)) {
        return kee_cli_usage_error(cli, "expected a vat such as v2, found \"%s\"", cli->argv[0]);
    }
    params = json_pack("{s:b}", "follow", follow);
    if (cli->argc == 1) {
        json_object_set_new(params, "vat", json_string(cli->argv[0]));
    }
    status = kee_cli_call_stream(cli, "logs", params, on_line, cli, &result);
    json_decref(result);
    return status;
}
