/* SPDX-License-Identifier: Apache-2.0 */
/* trace - keeve trace, and how an event reads. */
#include <stdio.h>

#include "cli/control.h"
#include "cli/print.h"
#include "value/json.h"

static const char *field(const json_t *event, const char *name)
{
    const char *text = json_string_value(json_object_get(event, name));

    return text == NULL ? "" : text;
}

/* The body's arguments as people write them; if they are not [method, args], nothing. */
static void put_arguments(struct kee_buf *line, const json_t *event)
{
    struct kee_arena arena = KEE_ARENA_EMPTY;
    struct kee_buf why = KEE_BUF_EMPTY;
    struct kee_buf text = KEE_BUF_EMPTY;
    const struct kee_value *value = kee_print_value_of(event, &arena, &why);

    if (value != NULL && value->kind == KEE_VALUE_ARRAY && value->as.array.count == 2 &&
        value->as.array.items[1]->kind == KEE_VALUE_ARRAY) {
        kee_buf_put_value_json(&text, value->as.array.items[1]);
        (void)kee_cli_text(&text);
        text.data[0] = '(';
        text.data[text.size - 1] = ')';
    } else if (value != NULL) {
        kee_buf_put_char(&text, ' ');
        kee_buf_put_value_json(&text, value);
    }
    kee_buf_put_visible(line, kee_bytes_str(kee_cli_text(&text)));
    kee_buf_fini(&text);
    kee_buf_fini(&why);
    kee_arena_fini(&arena);
}

static void put_field(struct kee_buf *line, const json_t *event, const char *name,
                      const char *before, const char *after)
{
    const char *text = field(event, name);

    if (text[0] != '\0') {
        kee_buf_put_str(line, before);
        kee_buf_put_visible(line, kee_bytes_str(text));
        kee_buf_put_str(line, after);
    }
}

/* Fields that have no place in the sentence of their kind. */
static void put_others(struct kee_buf *line, const json_t *event)
{
    const char *name;
    json_t *of;

    json_object_foreach((json_t *)event, name, of)
    {
        if (strcmp(name, "event") == 0 || strcmp(name, "vat") == 0 || strcmp(name, "crank") == 0) {
            continue;
        }
        if (json_is_string(of) && json_string_length(of) > 0) {
            kee_buf_printf(line, " %s=", name);
            kee_buf_put_visible(line, kee_bytes_str(json_string_value(of)));
        } else if (json_is_integer(of)) {
            kee_buf_printf(line, " %s=%lld", name, (long long)json_integer_value(of));
        }
    }
}

static void put_event(struct kee_buf *line, const json_t *event)
{
    const char *kind = field(event, "event");
    const json_t *crank = json_object_get(event, "crank");
    bool delivery = strcmp(kind, "deliver") == 0;

    if (json_is_integer(crank)) {
        kee_buf_printf(line, "crank %lld  ", (long long)json_integer_value(crank));
    }
    put_field(line, event, "vat", "", " ");
    if (!delivery && strcmp(kind, "syscall") != 0) {
        kee_buf_put_visible(line, kee_bytes_str(kind));
        put_others(line, event);
        return;
    }
    put_field(line, event, delivery ? "type" : "name", delivery ? "< " : "> ", "");
    put_field(line, event, "target", " ", "");
    put_field(line, event, "kref", " (", ")");
    put_field(line, event, "method", ".", "");
    if (json_is_string(json_object_get(event, "body")) && field(event, "body")[0] != '\0') {
        put_arguments(line, event);
    }
    put_field(line, event, "result", " result ", "");
}

void kee_print_event(const struct kee_cli *cli, const json_t *event)
{
    struct kee_buf line = KEE_BUF_EMPTY;

    if (cli->json) {
        kee_print_json(event);
        return;
    }
    put_event(&line, event);
    puts(kee_cli_text(&line));
    kee_buf_fini(&line);
}

static bool on_event(void *context, const json_t *event)
{
    kee_print_event(context, event);
    return fflush(stdout) == 0;
}

int kee_cmd_trace(struct kee_cli *cli)
{
    json_t *result = NULL;
    int status;

    if (!kee_cli_operands(cli, 0, 0)) {
        return KEE_EXIT_USAGE;
    }
    status = kee_cli_call_stream(cli, "trace", NULL, on_event, cli, &result);
    json_decref(result);
    return status;
}
