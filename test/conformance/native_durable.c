/* SPDX-License-Identifier: Apache-2.0 */
/*
 * native_durable - the vat "durable" of scenarios.mjs in C.
 *
 * Rows     map.KEY       a value of the map, as JSON, or "ref NAME"
 *          account.N     what account o+d10/N has, as JSON: [n, note]
 *          accounts      how many there are
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "natives.h"

struct durable {
    int64_t heap;
};

static int durable_start(void *context, struct keeve_vat *vat, const struct keeve_value *parameters,
                         void **state)
{
    (void)context;
    (void)parameters;
    *state = calloc(1, sizeof(struct durable));
    return *state == NULL ? keeve_vat_fail(vat, "out of memory") : 0;
}

static enum keeve_result put(struct keeve_vat *vat, const char *key,
                             const struct keeve_value *value)
{
    char text[400];

    (void)keeve_value_to_json(value, text, sizeof text);
    return keeve_vat_set(vat, key, text, strlen(text));
}

/* The value is the caller's; NULL if there is no such row. */
static struct keeve_value *take(struct keeve_vat *vat, const char *key)
{
    const void *row;

    return keeve_vat_get(vat, key, &row, NULL) == KEEVE_OK ? keeve_value_from_json(row, NULL, 0)
                                                           : NULL;
}

/* ---- accounts ---- */

static int put_account(struct keeve_vat *vat, uint64_t number, struct keeve_value *n,
                       struct keeve_value *note)
{
    struct keeve_value *both = keeve_make_array_of((size_t)2, n, note);
    char key[40];
    enum keeve_result r;

    (void)snprintf(key, sizeof key, "account.%" PRIu64, number);
    r = put(vat, key, both);
    keeve_value_free(both);
    return (int)r;
}

static int make_account(struct keeve_vat *vat, const struct keeve_message *message)
{
    const struct keeve_value *first = keeve_value_item(message->args, 0);
    char name[KEEVE_NAME_SIZE], text[24];
    uint64_t number = 1;
    const void *row;

    if (keeve_vat_get(vat, "accounts", &row, NULL) == KEEVE_OK) {
        number = strtoull(row, NULL, 10) + 1;
    }
    (void)snprintf(text, sizeof text, "%" PRIu64, number);
    (void)keeve_vat_set(vat, "accounts", text, strlen(text));
    (void)put_account(vat, number, keeve_value_copy(first), keeve_make_string("new"));
    keeve_ref_durable(10, number, name);
    return keeve_vat_answer(vat, message, keeve_make_ref_named(name, "Alleged: account"));
}

static int account_message(struct keeve_vat *vat, const struct keeve_message *message)
{
    uint64_t number = strtoull(strchr(message->target, '/') + 1, NULL, 10);
    struct keeve_value *both;
    char key[40];
    int r;

    (void)snprintf(key, sizeof key, "account.%" PRIu64, number);
    both = take(vat, key);
    if (strcmp(message->method, "note") == 0) {
        (void)put_account(vat, number, keeve_value_copy(keeve_value_item(both, 0)),
                          keeve_value_copy(keeve_value_item(message->args, 0)));
        r = keeve_vat_answer(vat, message, keeve_make_undefined());
    } else if (strcmp(message->method, "add") == 0) {
        int64_t n = 0;
        (void)keeve_value_int64(keeve_value_item(both, 0), &n);
        n += conformance_int(message, 0);
        (void)put_account(vat, number, keeve_make_bigint(n),
                          keeve_value_copy(keeve_value_item(both, 1)));
        r = keeve_vat_answer(vat, message, keeve_make_bigint(n));
    } else if (strcmp(message->method, "read") == 0) {
        r = keeve_vat_answer(vat, message, keeve_value_copy(both));
    } else {
        r = conformance_unknown(vat, message);
    }
    keeve_value_free(both);
    return r;
}

/* ---- the map ---- */

static int answer_row(struct keeve_vat *vat, const struct keeve_message *message)
{
    char key[200], why[300];
    struct keeve_value *value;

    (void)snprintf(key, sizeof key, "map.%s", conformance_text(message, 0));
    value = take(vat, key);
    if (value != NULL) {
        return keeve_vat_answer(vat, message, value);
    }
    (void)snprintf(why, sizeof why, "key \"%s\" not found in collection \"map\"", key + 4);
    return keeve_vat_refuse(vat, message, "Error", why);
}

static int answer_keys(struct keeve_vat *vat, const struct keeve_message *message)
{
    struct keeve_value *keys = keeve_make_array();
    const char *key = "";

    while (keeve_vat_next(vat, "map.", key, &key) == KEEVE_OK) {
        (void)keeve_array_add(keys, keeve_make_string(key + 4));
    }
    return keeve_vat_answer(vat, message, keys);
}

static int set_row(struct keeve_vat *vat, const struct keeve_message *message)
{
    char key[200];

    (void)snprintf(key, sizeof key, "map.%s", conformance_text(message, 0));
    return (int)put(vat, key, keeve_value_item(message->args, 1));
}

static int remove_row(struct keeve_vat *vat, const struct keeve_message *message)
{
    char key[200];

    (void)snprintf(key, sizeof key, "map.%s", conformance_text(message, 0));
    return (int)keeve_vat_delete(vat, key);
}

/* ---- */

static int durable_message(void *state, struct keeve_vat *vat, const struct keeve_message *message)
{
    struct durable *durable = state;
    const char *method = message->method;

    if (strncmp(message->target, "o+d10/", 6) == 0) {
        return account_message(vat, message);
    } else if (strcmp(method, "bootstrap") == 0) {
        return keeve_vat_answer(vat, message, keeve_make_string("ready"));
    } else if (strcmp(method, "make") == 0) {
        return make_account(vat, message);
    } else if (strcmp(method, "heap") == 0) {
        return keeve_vat_answer(vat, message, keeve_make_number((double)++durable->heap));
    } else if (strcmp(method, "fleeting") == 0) {
        return keeve_vat_answer(vat, message, keeve_make_ref_named("o+1", "Alleged: fleeting"));
    } else if (strcmp(method, "ping") == 0) {
        return keeve_vat_answer(vat, message, keeve_make_string("pong"));
    } else if (strcmp(method, "set") == 0) {
        (void)set_row(vat, message);
        return keeve_vat_answer(vat, message, keeve_make_undefined());
    } else if (strcmp(method, "get") == 0) {
        return answer_row(vat, message);
    } else if (strcmp(method, "keys") == 0) {
        return answer_keys(vat, message);
    } else if (strcmp(method, "remove") == 0) {
        (void)remove_row(vat, message);
        return keeve_vat_answer(vat, message, keeve_make_undefined());
    } else if (strcmp(method, "throws") == 0) {
        (void)set_row(vat, message);
        return keeve_vat_refuse(vat, message, "Error", "after writing");
    } else if (strcmp(method, "breaks") == 0) {
        (void)set_row(vat, message);
        (void)keeve_vat_send(vat, conformance_text(message, 2), "heap", NULL, NULL);
        return keeve_vat_fail(vat, "could not");
    } else if (strcmp(method, "disown") == 0) {
        (void)keeve_vat_disown(vat, "o+1");
        return keeve_vat_answer(vat, message, keeve_make_undefined());
    }
    return conformance_unknown(vat, message);
}

const struct keeve_native conformance_durable = {.size = sizeof conformance_durable,
                                                 .name = "durable",
                                                 .start = durable_start,
                                                 .message = durable_message,
                                                 .stop = free};
