/* SPDX-License-Identifier: Apache-2.0 */
/*
 * native_talker - the vat "talker" of scenarios.mjs in C.
 *
 * Rows     kept          the name of an import that is kept
 *          label.NAME    what an import is labelled with, as JSON, while it can be recognized
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "natives.h"

#define THINGS_MAX 64
#define ASKED_MAX 1024

/* What is to be done when an answer comes. */
enum purpose { FORWARD, WRAP, COUNT, NOTE };

struct asked {
    char promise[KEEVE_NAME_SIZE], result[KEEVE_NAME_SIZE];
    enum purpose purpose;
};

struct talker {
    size_t asked_count;
    struct asked asked[ASKED_MAX];
    int counted, to_count;
    char owed[KEEVE_NAME_SIZE]; /* what promise() left, or hand() made */
    bool handed;
    struct keeve_value *log;
    /* Its own things: those it holds itself, and of which others have let go. */
    size_t first, count;
    bool dropped[THINGS_MAX + 1];
    /* Others' things: held, and no longer held. */
    size_t held_count, loose_count;
    char held[THINGS_MAX][KEEVE_NAME_SIZE], loose[THINGS_MAX][KEEVE_NAME_SIZE];
};

static int talker_start(void *context, struct keeve_vat *vat, const struct keeve_value *parameters,
                        void **state)
{
    struct talker *talker = calloc(1, sizeof *talker);

    (void)context;
    (void)parameters;
    if (talker != NULL) {
        talker->log = keeve_make_array();
    }
    *state = talker;
    return talker == NULL ? keeve_vat_fail(vat, "out of memory") : 0;
}

static void talker_stop(void *state)
{
    keeve_value_free(((struct talker *)state)->log);
    free(state);
}

/* ---- asking others ---- */

static int await(struct talker *talker, struct keeve_vat *vat, const char *promise,
                 enum purpose purpose, const char *result)
{
    struct asked *asked = &talker->asked[talker->asked_count];

    if (talker->asked_count == ASKED_MAX) {
        return keeve_vat_fail(vat, "too much is asked");
    }
    talker->asked_count++;
    asked->purpose = purpose;
    (void)snprintf(asked->promise, sizeof asked->promise, "%s", promise);
    (void)snprintf(asked->result, sizeof asked->result, "%s", result == NULL ? "" : result);
    return (int)keeve_vat_subscribe(vat, promise);
}

/* Takes args. */
static int ask(struct talker *talker, struct keeve_vat *vat, const char *target, const char *method,
               struct keeve_value *args, enum purpose purpose, const char *result)
{
    char promise[KEEVE_NAME_SIZE];
    int r = (int)keeve_vat_send(vat, target, method, args, promise);

    keeve_value_free(args);
    return r != 0 ? r : await(talker, vat, promise, purpose, result);
}

static int forward(struct talker *talker, struct keeve_vat *vat,
                   const struct keeve_message *message)
{
    struct keeve_value *args = keeve_make_array();

    for (size_t i = 2; i < keeve_value_count(message->args); i++) {
        (void)keeve_array_add(args, keeve_value_copy(keeve_value_item(message->args, i)));
    }
    return ask(talker, vat, conformance_text(message, 0), conformance_text(message, 1), args,
               FORWARD, message->result);
}

/* n numbered messages at once. */
static int ask_many(struct talker *talker, struct keeve_vat *vat,
                    const struct keeve_message *message, int n, enum purpose purpose)
{
    int r = 0;

    talker->counted = 0;
    talker->to_count = n;
    for (int i = 0; r == 0 && i < n; i++) {
        r = ask(talker, vat, conformance_text(message, 0), "one",
                keeve_make_array_of((size_t)1, keeve_make_number(i)), purpose, message->result);
    }
    return r;
}

/* Each message goes to what the one before it will give. */
static int chain(struct talker *talker, struct keeve_vat *vat, const struct keeve_message *message)
{
    char target[KEEVE_NAME_SIZE], promise[KEEVE_NAME_SIZE];
    int64_t n = conformance_int(message, 1);

    (void)snprintf(target, sizeof target, "%s", conformance_text(message, 0));
    for (int64_t i = 0; i < n; i++) {
        struct keeve_value *args = keeve_make_array_of((size_t)1, keeve_make_number((double)i));
        (void)keeve_vat_send(vat, target, "next", args, promise);
        keeve_value_free(args);
        (void)snprintf(target, sizeof target, "%s", promise);
    }
    return ask(talker, vat, target, "n", NULL, FORWARD, message->result);
}

static int hand(struct talker *talker, struct keeve_vat *vat, const struct keeve_message *message)
{
    (void)keeve_vat_new_promise(vat, talker->owed);
    talker->handed = true;
    return ask(talker, vat, conformance_text(message, 0), "wait",
               keeve_make_array_of((size_t)1, keeve_make_ref(talker->owed)), FORWARD,
               message->result);
}

static int wait_for(struct talker *talker, struct keeve_vat *vat,
                    const struct keeve_message *message)
{
    const struct keeve_value *first = keeve_value_item(message->args, 0);

    if (keeve_value_kind(first) == KEEVE_PROMISE) {
        return await(talker, vat, keeve_value_text(first, NULL), WRAP, message->result);
    }
    return keeve_vat_answer(vat, message, keeve_make_array_of((size_t)1, keeve_value_copy(first)));
}

static int talker_notify(void *state, struct keeve_vat *vat, const char *promise, bool rejected,
                         const struct keeve_value *value)
{
    struct talker *talker = state;
    struct keeve_value *made = NULL;
    struct asked asked;
    size_t i = 0;
    int r = 0;

    while (i < talker->asked_count && strcmp(talker->asked[i].promise, promise) != 0) {
        i++;
    }
    if (i == talker->asked_count) {
        return keeve_vat_fail(vat, "a notice about something else");
    }
    asked = talker->asked[i];
    talker->asked[i] = talker->asked[--talker->asked_count];
    if (rejected) {
        return (int)keeve_vat_reject(vat, asked.result, value);
    }
    if (asked.purpose == FORWARD) {
        return (int)keeve_vat_fulfil(vat, asked.result, value);
    } else if (asked.purpose == NOTE) {
        return keeve_array_add(talker->log, keeve_value_copy(value)) ? 0 : 1;
    } else if (asked.purpose == WRAP) {
        made = keeve_make_array_of((size_t)1, keeve_value_copy(value));
    } else if (++talker->counted == talker->to_count) {
        made = keeve_make_number(talker->counted);
    }
    if (made != NULL) {
        r = (int)keeve_vat_fulfil(vat, asked.result, made);
    }
    keeve_value_free(made);
    return r;
}

/* ---- holding ---- */

static int give_again(struct talker *talker, struct keeve_vat *vat,
                      const struct keeve_message *message)
{
    struct keeve_value *things = keeve_make_array();

    for (size_t i = talker->first; i < talker->first + talker->count; i++) {
        char name[KEEVE_NAME_SIZE];
        keeve_ref_object(i, name);
        (void)keeve_array_add(things, keeve_make_ref_named(name, "Alleged: thing"));
        talker->dropped[i] = false;
    }
    return ask(talker, vat, conformance_text(message, 0), "hold",
               keeve_make_array_of((size_t)1, things), FORWARD, message->result);
}

static int give(struct talker *talker, struct keeve_vat *vat, const struct keeve_message *message)
{
    size_t first = talker->first + talker->count;
    int64_t n = conformance_int(message, 1);

    if (n < 0 || first + (size_t)n > THINGS_MAX) {
        return keeve_vat_fail(vat, "too many things");
    }
    talker->first = first == 0 ? 1 : first;
    talker->count = (size_t)n;
    return give_again(talker, vat, message);
}

static int hold(struct talker *talker, struct keeve_vat *vat, const struct keeve_message *message)
{
    const struct keeve_value *things = keeve_value_item(message->args, 0);
    size_t n = keeve_value_count(things);

    for (size_t i = 0; i < n && talker->held_count < THINGS_MAX; i++) {
        (void)snprintf(talker->held[talker->held_count++], KEEVE_NAME_SIZE, "%s",
                       keeve_value_text(keeve_value_item(things, i), NULL));
    }
    return keeve_vat_answer(vat, message, keeve_make_number((double)n));
}

static int drop(struct talker *talker, struct keeve_vat *vat, const struct keeve_message *message)
{
    for (size_t i = talker->first; i < talker->first + talker->count; i++) {
        if (talker->dropped[i]) {
            char name[KEEVE_NAME_SIZE];
            keeve_ref_object(i, name);
            (void)keeve_vat_retire_export(vat, name);
        }
    }
    talker->first += talker->count;
    talker->count = 0;
    memcpy(talker->loose, talker->held, sizeof talker->held);
    talker->loose_count = talker->held_count;
    talker->held_count = 0;
    return keeve_vat_answer(vat, message, keeve_make_undefined());
}

static int talker_dropped(void *state, struct keeve_vat *vat, const char *exported)
{
    struct talker *talker = state;
    size_t number = strtoull(exported + 2, NULL, 10);

    if (number < talker->first || number >= talker->first + talker->count) {
        return (int)keeve_vat_retire_export(vat, exported);
    }
    talker->dropped[number] = true;
    return 0;
}

/* What is labelled can still be recognized: it is dropped and not retired. */
static int talker_collect(void *state, struct keeve_vat *vat)
{
    struct talker *talker = state;
    char key[KEEVE_NAME_SIZE + 8];
    const void *row;

    for (size_t i = 0; i < talker->loose_count; i++) {
        (void)keeve_vat_drop(vat, talker->loose[i]);
        (void)snprintf(key, sizeof key, "label.%s", talker->loose[i]);
        if (keeve_vat_get(vat, key, &row, NULL) == KEEVE_NO_SUCH) {
            (void)keeve_vat_retire(vat, talker->loose[i]);
        }
    }
    talker->loose_count = 0;
    return 0;
}

static int talker_import_gone(void *state, struct keeve_vat *vat, const char *imported)
{
    char key[KEEVE_NAME_SIZE + 8];

    (void)state;
    (void)snprintf(key, sizeof key, "label.%s", imported);
    return (int)keeve_vat_delete(vat, key);
}

static int label(struct talker *talker, struct keeve_vat *vat, const struct keeve_message *message)
{
    const char *text = conformance_text(message, 0);
    char key[KEEVE_NAME_SIZE + 8];

    for (size_t i = 0; i < talker->held_count; i++) {
        (void)snprintf(key, sizeof key, "label.%s", talker->held[i]);
        (void)keeve_vat_set(vat, key, text, strlen(text));
    }
    return keeve_vat_answer(vat, message, keeve_make_undefined());
}

static int answer_labels(struct talker *talker, struct keeve_vat *vat,
                         const struct keeve_message *message)
{
    struct keeve_value *labels = keeve_make_array();
    char key[KEEVE_NAME_SIZE + 8];
    const void *row;

    for (size_t i = 0; i < talker->held_count; i++) {
        (void)snprintf(key, sizeof key, "label.%s", talker->held[i]);
        (void)keeve_array_add(labels, keeve_vat_get(vat, key, &row, NULL) == KEEVE_OK
                                          ? keeve_make_string(row)
                                          : keeve_make_string("none"));
    }
    return keeve_vat_answer(vat, message, labels);
}

static int keep(struct keeve_vat *vat, const struct keeve_message *message)
{
    const char *name = conformance_text(message, 0);

    (void)keeve_vat_keep(vat, name);
    (void)keeve_vat_set(vat, "kept", name, strlen(name));
    return keeve_vat_answer(vat, message, keeve_make_undefined());
}

static int kept(struct talker *talker, struct keeve_vat *vat, const struct keeve_message *message)
{
    const void *row;

    return keeve_vat_get(vat, "kept", &row, NULL) == KEEVE_OK
               ? ask(talker, vat, row, conformance_text(message, 0), NULL, FORWARD, message->result)
               : keeve_vat_refuse(vat, message, "Error", "nothing is kept");
}

/* ---- */

static int holding_message(struct talker *talker, struct keeve_vat *vat,
                           const struct keeve_message *message)
{
    const char *method = message->method;

    if (strcmp(method, "give") == 0) {
        return give(talker, vat, message);
    } else if (strcmp(method, "again") == 0) {
        return give_again(talker, vat, message);
    } else if (strcmp(method, "hold") == 0) {
        return hold(talker, vat, message);
    } else if (strcmp(method, "drop") == 0) {
        return drop(talker, vat, message);
    } else if (strcmp(method, "keep") == 0) {
        return keep(vat, message);
    } else if (strcmp(method, "kept") == 0) {
        return kept(talker, vat, message);
    } else if (strcmp(method, "label") == 0) {
        return label(talker, vat, message);
    } else if (strcmp(method, "labels") == 0) {
        return answer_labels(talker, vat, message);
    }
    return conformance_unknown(vat, message);
}

static int settle(struct talker *talker, struct keeve_vat *vat, const struct keeve_message *message,
                  bool rejects)
{
    const struct keeve_value *first = keeve_value_item(message->args, 0);
    struct keeve_value *error = NULL;
    int r = 0;

    if (rejects) {
        error = keeve_make_error("Error", conformance_text(message, 0));
    }
    /* In the order of liveslots: a result that was left open comes after this one's. */
    if (!talker->handed) {
        r = keeve_vat_answer(vat, message, keeve_make_undefined());
    }
    if (r == 0) {
        r = (int)(rejects ? keeve_vat_reject(vat, talker->owed, error)
                          : keeve_vat_fulfil(vat, talker->owed, first));
    }
    if (r == 0 && talker->handed) {
        r = keeve_vat_answer(vat, message, keeve_make_undefined());
    }
    keeve_value_free(error);
    return r;
}

static int talker_message(void *state, struct keeve_vat *vat, const struct keeve_message *message)
{
    struct talker *talker = state;
    const struct keeve_value *first = keeve_value_item(message->args, 0);
    const struct keeve_value *second = keeve_value_item(message->args, 1);
    const char *method = message->method;

    if (strcmp(method, "bootstrap") == 0) {
        return keeve_vat_answer(vat, message, keeve_make_string("ready"));
    } else if (strcmp(method, "same") == 0) {
        return keeve_vat_answer(vat, message, keeve_make_boolean(keeve_value_equal(first, second)));
    } else if (strcmp(method, "twice") == 0) {
        return keeve_vat_answer(
            vat, message,
            keeve_make_array_of((size_t)2, keeve_value_copy(first), keeve_value_copy(first)));
    } else if (strcmp(method, "promise") == 0) {
        (void)snprintf(talker->owed, sizeof talker->owed, "%s", message->result);
        talker->handed = false;
        return 0;
    } else if (strcmp(method, "settle") == 0 || strcmp(method, "spoil") == 0) {
        return settle(talker, vat, message, strcmp(method, "spoil") == 0);
    } else if (strcmp(method, "hand") == 0) {
        return hand(talker, vat, message);
    } else if (strcmp(method, "wait") == 0) {
        return wait_for(talker, vat, message);
    } else if (strcmp(method, "chain") == 0) {
        return chain(talker, vat, message);
    } else if (strcmp(method, "call") == 0) {
        return forward(talker, vat, message);
    } else if (strcmp(method, "many") == 0) {
        return ask_many(talker, vat, message, (int)conformance_int(message, 1), COUNT);
    } else if (strcmp(method, "one") == 0) {
        return keeve_vat_answer(vat, message, keeve_value_copy(first));
    } else if (strcmp(method, "order") == 0) {
        int r = ask_many(talker, vat, message, 3, NOTE);
        return r != 0 ? r : keeve_vat_answer(vat, message, keeve_make_undefined());
    } else if (strcmp(method, "log") == 0) {
        return keeve_vat_answer(vat, message, keeve_value_copy(talker->log));
    }
    return holding_message(talker, vat, message);
}

const struct keeve_native conformance_talker = {.size = sizeof conformance_talker,
                                                .name = "talker",
                                                .start = talker_start,
                                                .message = talker_message,
                                                .notify = talker_notify,
                                                .dropped = talker_dropped,
                                                .import_gone = talker_import_gone,
                                                .collect = talker_collect,
                                                .stop = talker_stop};
