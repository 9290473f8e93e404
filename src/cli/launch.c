/* SPDX-License-Identifier: Apache-2.0 */
/* launch - keeve launch: a cluster configuration, read here and carried out by the daemon. */
#include <stdio.h>

#include "base/limits.h"
#include "cli/control.h"
#include "cli/print.h"
#include "os/file.h"
#include "value/json.h"

/* The configuration as JSON, and the absolute directory it lies in. Gives an enum kee_exit. */
static int read_config(const char *path, json_t **config, struct kee_buf *directory)
{
    struct kee_buf text = KEE_BUF_EMPTY;
    struct kee_buf why = KEE_BUF_EMPTY;
    json_error_t error;
    int status = KEE_EXIT_OK;
    int r = kee_file_read(path, KEE_LIMIT_BODY_BYTES, &text, &why);

    if (r == 0) {
        r = kee_file_absolute(path, directory);
    }
    if (r < 0) {
        status = kee_cli_fault();
    } else if (r > 0) {
        status = kee_cli_error("the configuration: %s", kee_cli_text(&why));
    } else {
        while (directory->size > 1 && directory->data[directory->size - 1] != '/') {
            directory->size--;
        }
        *config = json_loadb((const char *)text.data, text.size, JSON_REJECT_DUPLICATES, &error);
        if (*config == NULL) {
            status = kee_cli_error("%s, line %d, column %d: expected JSON: %s", path, error.line,
                                   error.column, error.text);
        } else if (!json_is_object(*config)) {
            status = kee_cli_error("%s: expected an object with \"bootstrap\" and \"vats\"", path);
        }
    }
    kee_buf_fini(&why);
    kee_buf_fini(&text);
    return status;
}

static void show_warnings(const json_t *warnings)
{
    struct kee_buf text = KEE_BUF_EMPTY;
    json_t *warning;
    size_t index;

    json_array_foreach((json_t *)warnings, index, warning)
    {
        kee_buf_clear(&text);
        kee_buf_put_visible(&text,
                            kee_bytes_of(json_string_value(warning), json_string_length(warning)));
        fprintf(stderr, "warning: %s\n", kee_cli_text(&text));
    }
    kee_buf_fini(&text);
}

static void show_result(const struct kee_cli *cli, const json_t *result)
{
    const char *subcluster = json_string_value(json_object_get(result, "subclusterId"));
    const char *root = json_string_value(json_object_get(result, "rootKref"));
    const json_t *capdata = json_object_get(result, "bootstrapResult");
    struct kee_arena arena = KEE_ARENA_EMPTY;
    struct kee_buf text = KEE_BUF_EMPTY;
    struct kee_buf why = KEE_BUF_EMPTY;
    const struct kee_value *value =
        json_is_object(capdata) ? kee_print_value_of(capdata, &arena, &why) : NULL;

    if (value != NULL) {
        kee_buf_put_value_json(&text, value);
    } else {
        kee_buf_put_str(&text, "null");
    }
    if (cli->json) {
        printf("{\"subclusterId\":\"%s\",\"rootKref\":\"%s\",\"bootstrapResult\":%s}\n",
               subcluster == NULL ? "" : subcluster, root == NULL ? "" : root, kee_cli_text(&text));
    } else {
        printf("subcluster  %s\nroot        %s\n", subcluster == NULL ? "-" : subcluster,
               root == NULL ? "-" : root);
        kee_buf_clear(&why);
        kee_buf_put_visible(&why, kee_bytes_str(kee_cli_text(&text)));
        printf("result      %s\n", kee_cli_text(&why));
    }
    kee_buf_fini(&why);
    kee_buf_fini(&text);
    kee_arena_fini(&arena);
}

int kee_cmd_launch(struct kee_cli *cli)
{
    struct kee_buf directory = KEE_BUF_EMPTY;
    json_t *config = NULL;
    json_t *result = NULL;
    json_t *params = NULL;
    int status;

    if (!kee_cli_operands(cli, 1, 1)) {
        return KEE_EXIT_USAGE;
    }
    status = read_config(cli->argv[0], &config, &directory);
    if (status == KEE_EXIT_OK) {
        params = json_pack("{s:O,s:s%}", "config", config, "directory", directory.data,
                           directory.size > 1 ? directory.size - 1 : directory.size);
        status = params == NULL ? kee_cli_error("the directory's name is not UTF-8")
                                : kee_cli_call(cli, "launch", params, &result);
    }
    if (status == KEE_EXIT_OK) {
        show_warnings(json_object_get(result, "warnings"));
        show_result(cli, result);
    }
    json_decref(result);
    json_decref(config);
    kee_buf_fini(&directory);
    return status;
}
