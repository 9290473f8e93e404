/* SPDX-License-Identifier: Apache-2.0 */
/*
 * player - a host that does what its standard input says, one line each, and knows one native program,
 * "actor", which is actor.js in C.
 *
 *   launch CONFIG               send KREF METHOD ARGS-AS-JSON        root NAME        restart VAT
 *
 * It answers each line with one: "status JSON", or the kref.
 * usage: player DIRECTORY KEEVE-VAT
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "keeve/keeve.h"
#include "keeve/vat.h"

struct actor {
    int64_t heap;
    char owed[KEEVE_NAME_SIZE];                          /* what promise() left */
    char asked[KEEVE_NAME_SIZE], asker[KEEVE_NAME_SIZE]; /* one question at a time */
};

static int actor_start(void *context, struct keeve_vat *vat, const struct keeve_value *parameters,
                       void **state)
{
    (void)context;
    (void)parameters;
    *state = calloc(1, sizeof(struct actor));
    return *state == NULL ? keeve_vat_fail(vat, "out of memory") : 0;
}

static int64_t number_row(struct keeve_vat *vat, const char *key)
{
    const void *data;

    return keeve_vat_get(vat, key, &data, NULL) == KEEVE_OK ? strtoll(data, NULL, 10) : 0;
}

/* The durable object, o+d10/1: an account. */
static int account(struct keeve_vat *vat, const struct keeve_message *message)
{
    int64_t sum = number_row(vat, "sum"), more = 0;
    char text[24];

    if (strcmp(message->method, "add") == 0 &&
        keeve_value_int64(keeve_value_item(message->args, 0), &more)) {
        sum += more;
        (void)snprintf(text, sizeof text, "%" PRId64, sum);
        (void)keeve_vat_set(vat, "sum", text, strlen(text));
    }
    return keeve_vat_answer(vat, message, keeve_make_number((double)sum));
}

static int forward(struct actor *actor, struct keeve_vat *vat, const struct keeve_message *message,
                   const char *target, const char *method, size_t first)
{
    struct keeve_value *args = keeve_make_array();

    for (size_t i = first; i < keeve_value_count(message->args); i++) {
        (void)keeve_array_add(args, keeve_value_copy(keeve_value_item(message->args, i)));
    }
    (void)snprintf(actor->asker, sizeof actor->asker, "%s", message->result);
    (void)keeve_vat_send(vat, target, method, args, actor->asked);
    keeve_value_free(args);
    return (int)keeve_vat_subscribe(vat, actor->asked);
}

/* Rows and what they keep. */
static int remember(struct actor *actor, struct keeve_vat *vat, const struct keeve_message *message)
{
    const struct keeve_value *first = keeve_value_item(message->args, 0);
    const void *row;
    char text[400];

    if (strcmp(message->method, "set") == 0) {
        (void)keeve_value_to_json(keeve_value_item(message->args, 1), text, sizeof text);
        (void)keeve_vat_set(vat, keeve_value_text(first, NULL), text, strlen(text));
        return keeve_vat_answer(vat, message, keeve_make_undefined());
    }
    if (strcmp(message->method, "get") == 0) {
        return keeve_vat_get(vat, keeve_value_text(first, NULL), &row, NULL) == KEEVE_OK
                   ? keeve_vat_answer(vat, message, keeve_value_from_json(row, NULL, 0))
                   : keeve_vat_answer(vat, message, keeve_make_undefined());
    }
    if (strcmp(message->method, "keep") == 0) {
        const char *import = keeve_value_text(first, NULL);
        (void)keeve_vat_keep(vat, import);
        (void)keeve_vat_set(vat, "kept", import, strlen(import));
        return keeve_vat_answer(vat, message, keeve_make_undefined());
    }
    if (keeve_vat_get(vat, "kept", &row, NULL) != KEEVE_OK) {
        return keeve_vat_refuse(vat, message, "Error", "nothing is kept");
    }
    return forward(actor, vat, message, row, keeve_value_text(first, NULL), 1);
}

static int root(struct actor *actor, struct keeve_vat *vat, const struct keeve_message *message)
{
    const struct keeve_value *first = keeve_value_item(message->args, 0);
    const struct keeve_value *second = keeve_value_item(message->args, 1);
    const char *method = message->method;

    if (strcmp(method, "bootstrap") == 0) {
        return keeve_vat_answer(vat, message, keeve_make_string("ready"));
    } else if (strcmp(method, "echo") == 0) {
        return keeve_vat_answer(vat, message, keeve_value_copy(message->args));
    } else if (strcmp(method, "fail") == 0) {
        return keeve_vat_refuse(vat, message, "RangeError", keeve_value_text(first, NULL));
    } else if (strcmp(method, "same") == 0) {
        return keeve_vat_answer(vat, message, keeve_make_boolean(keeve_value_equal(first, second)));
    } else if (strcmp(method, "heap") == 0) {
        return keeve_vat_answer(vat, message, keeve_make_number((double)++actor->heap));
    } else if (strcmp(method, "fleeting") == 0) {
        return keeve_vat_answer(vat, message, keeve_make_ref("o+1"));
    } else if (strcmp(method, "account") == 0) {
        return keeve_vat_answer(vat, message, keeve_make_ref("o+d10/1"));
    } else if (strcmp(method, "promise") == 0) {
        (void)snprintf(actor->owed, sizeof actor->owed, "%s", message->result);
        return 0;
    } else if (strcmp(method, "settle") == 0) {
        (void)keeve_vat_fulfil(vat, actor->owed, first);
        return keeve_vat_answer(vat, message, keeve_make_undefined());
    } else if (strcmp(method, "call") == 0) {
        return forward(actor, vat, message, keeve_value_text(first, NULL),
                       keeve_value_text(second, NULL), 2);
    } else if (strcmp(method, "leave") == 0) {
        (void)keeve_vat_exit(vat);
        return keeve_vat_answer(vat, message, keeve_make_string("left"));
    }
    return remember(actor, vat, message);
}

static int actor_message(void *state, struct keeve_vat *vat, const struct keeve_message *message)
{
    if (strcmp(message->target, "o+d10/1") == 0) {
        return account(vat, message);
    }
    if (strcmp(message->target, "o+1") == 0) {
        return keeve_vat_answer(vat, message, keeve_make_string("pong"));
    }
    return root(state, vat, message);
}

static int actor_notify(void *state, struct keeve_vat *vat, const char *promise, bool rejected,
                        const struct keeve_value *value)
{
    struct actor *actor = state;

    (void)promise;
    return (int)(rejected ? keeve_vat_reject(vat, actor->asker, value)
                          : keeve_vat_fulfil(vat, actor->asker, value));
}

static void on_answer(void *context, const struct keeve_answer *answer)
{
    static const char *const names[] = {"fulfilled", "rejected", "declined", "lost"};
    char text[4000] = "";

    if (answer->value != NULL) {
        (void)keeve_value_to_json(answer->value, text, sizeof text);
    }
    printf("%s %s\n", names[answer->status], answer->value != NULL ? text : answer->why);
    (void)fflush(stdout);
    --*(int *)context;
}

static enum keeve_result send_line(struct keeve_kernel *kernel, char *rest, int *waiting)
{
    const char *target = strsep(&rest, " ");
    const char *method = strsep(&rest, " ");
    struct keeve_value *args = keeve_value_from_json(rest == NULL ? "[]" : rest, NULL, 0);
    enum keeve_result r = keeve_send(kernel, target, method, args, on_answer, waiting, NULL);

    *waiting += r == KEEVE_OK;
    keeve_value_free(args);
    return r;
}

/* One line. What is not answered at once is answered by on_answer(). */
static void obey(struct keeve_kernel *kernel, char *line, int *waiting)
{
    char *rest = line;
    const char *word = strsep(&rest, " ");
    char kref[KEEVE_NAME_SIZE];
    enum keeve_result r;

    if (strcmp(word, "launch") == 0) {
        r = keeve_launch(kernel, rest, "/", on_answer, waiting, NULL);
        *waiting += r == KEEVE_OK;
    } else if (strcmp(word, "send") == 0) {
        r = send_line(kernel, rest, waiting);
    } else if (strcmp(word, "root") == 0) {
        r = keeve_find_root(kernel, NULL, rest, kref);
        if (r == KEEVE_OK) {
            puts(kref);
        }
    } else {
        r = keeve_restart(kernel, rest, "a test");
        if (r == KEEVE_OK) {
            puts("restarted");
        }
    }
    if (r != KEEVE_OK) {
        printf("result %d %s\n", (int)r, keeve_why(kernel));
    }
    (void)fflush(stdout);
}

int main(int argc, char **argv)
{
    static const struct keeve_native program = {.size = sizeof program,
                                                .name = "actor",
                                                .start = actor_start,
                                                .message = actor_message,
                                                .notify = actor_notify,
                                                .stop = free};
    struct keeve_options options = {.size = sizeof options};
    struct keeve_kernel *kernel;
    struct keeve_error error;
    char line[8000];
    int waiting = 0;

    options.directory = argc == 3 ? argv[1] : NULL;
    options.worker_program = argc == 3 ? argv[2] : NULL;
    if (keeve_open(&kernel, &options, &error) != KEEVE_OK ||
        keeve_register(kernel, &program) != KEEVE_OK) {
        fprintf(stderr, "player: %s\n", error.text);
        return 1;
    }
    while (fgets(line, sizeof line, stdin) != NULL) {
        line[strcspn(line, "\n")] = 0;
        bool leaves_open = strstr(line, " promise ") != NULL;
        obey(kernel, line, &waiting);
        /* A promise that is left open waits on; everything else is answered before the next line. */
        while (waiting > 0 && !leaves_open) {
            if (keeve_wait(kernel, -1) != KEEVE_OK) {
                fprintf(stderr, "player: %s\n", keeve_why(kernel));
                return 1;
            }
        }
    }
    keeve_close(kernel);
    return 0;
}
