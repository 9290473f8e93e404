/* SPDX-License-Identifier: Apache-2.0 */
/* natives - the small ones: echo, linked, leaver, bad. See natives.h. */
#include "natives.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int conformance_unknown(struct keeve_vat *vat, const struct keeve_message *message)
{
    char text[200];

    (void)snprintf(text, sizeof text, "target has no method \"%s\"",
                   message->method == NULL ? "" : message->method);
    return keeve_vat_refuse(vat, message, "TypeError", text);
}

int64_t conformance_int(const struct keeve_message *message, size_t index)
{
    int64_t number = 0;

    (void)keeve_value_int64(keeve_value_item(message->args, index), &number);
    return number;
}

const char *conformance_text(const struct keeve_message *message, size_t index)
{
    const char *text = keeve_value_text(keeve_value_item(message->args, index), NULL);

    return text == NULL ? "" : text;
}

static int start_empty(void *context, struct keeve_vat *vat, const struct keeve_value *parameters,
                       void **state)
{
    (void)context;
    (void)vat;
    (void)parameters;
    *state = NULL;
    return 0;
}

/* ---- echo ---- */

static struct keeve_value *kinds(void)
{
    struct keeve_value *record = keeve_make_record();

    (void)keeve_record_set(record, "a", keeve_make_number(1));
    return keeve_make_array_of(
        (size_t)10, keeve_make_undefined(), keeve_make_number((double)NAN),
        keeve_make_number((double)INFINITY), keeve_make_number(-0.0),
        keeve_make_bigint_text("1000000000000000000000000000000"), keeve_make_string("text"),
        keeve_make_symbol("s"),
        keeve_make_array_of((size_t)2, keeve_make_number(1),
                            keeve_make_array_of((size_t)1, keeve_make_number(2))),
        record, keeve_make_error("Error", "e"));
}

static int answer_long(struct keeve_vat *vat, const struct keeve_message *message)
{
    size_t size = (size_t)conformance_int(message, 0);
    char *text = malloc(size + 1);
    int r;

    if (text == NULL) {
        return keeve_vat_fail(vat, "out of memory");
    }
    memset(text, 'x', size);
    r = keeve_vat_answer(vat, message, keeve_make_string_sized(text, size));
    free(text);
    return r;
}

static int echo_message(void *state, struct keeve_vat *vat, const struct keeve_message *message)
{
    const char *method = message->method;

    (void)state;
    if (strcmp(method, "bootstrap") == 0) {
        return keeve_vat_answer(vat, message, keeve_make_string("ready"));
    } else if (strcmp(method, "echo") == 0) {
        return keeve_vat_answer(vat, message, keeve_value_copy(message->args));
    } else if (strcmp(method, "fail") == 0) {
        return keeve_vat_refuse(vat, message, "RangeError", conformance_text(message, 0));
    } else if (strcmp(method, "kinds") == 0) {
        return keeve_vat_answer(vat, message, kinds());
    } else if (strcmp(method, "long") == 0) {
        return answer_long(vat, message);
    } else if (strcmp(method, "log") == 0) {
        keeve_vat_log(vat, KEEVE_LOG, conformance_text(message, 0));
        return keeve_vat_answer(vat, message, keeve_make_undefined());
    }
    return conformance_unknown(vat, message);
}

/* ---- linked: a list as long as one asks ---- */

#define LINKS_MAX 1000
#define HELD_MAX 100

/* A message to what another message will give may come ahead of that one: it is held until then. */
struct held {
    char target[KEEVE_NAME_SIZE], method[8], result[KEEVE_NAME_SIZE];
};

struct linked {
    uint64_t made;
    int64_t counts[LINKS_MAX]; /* what o+1, o+2, ... count */
    size_t held_count;
    struct held held[HELD_MAX];
    /* What has been given: a message to it may have been on its way already. */
    char given[LINKS_MAX][KEEVE_NAME_SIZE];
};

static int linked_start(void *context, struct keeve_vat *vat, const struct keeve_value *parameters,
                        void **state)
{
    (void)context;
    (void)parameters;
    *state = calloc(1, sizeof(struct linked));
    return *state == NULL ? keeve_vat_fail(vat, "out of memory") : 0;
}

/* Hands out a new link, then works on what was held for it. */
static int give_link(struct linked *linked, struct keeve_vat *vat, const char *result,
                     int64_t count);

static int work_on_link(struct linked *linked, struct keeve_vat *vat, int64_t count,
                        const char *method, const char *result)
{
    struct keeve_value *value;
    int r;

    if (strcmp(method, "next") == 0) {
        return give_link(linked, vat, result, count + 1);
    }
    value = keeve_make_number((double)count);
    r = (int)keeve_vat_fulfil(vat, result, value);
    keeve_value_free(value);
    return r;
}

static int give_link(struct linked *linked, struct keeve_vat *vat, const char *result,
                     int64_t count)
{
    char name[KEEVE_NAME_SIZE];
    struct keeve_value *link;
    int r;

    if (linked->made == LINKS_MAX) {
        return keeve_vat_fail(vat, "too many links");
    }
    (void)snprintf(linked->given[linked->made], KEEVE_NAME_SIZE, "%s", result);
    linked->counts[linked->made++] = count;
    keeve_ref_object(linked->made, name);
    link = keeve_make_ref_named(name, "Alleged: link");
    r = (int)keeve_vat_fulfil(vat, result, link);
    keeve_value_free(link);
    for (size_t i = 0; r == 0 && i < linked->held_count; i++) {
        struct held held = linked->held[i];
        if (strcmp(held.target, result) == 0) {
            linked->held[i] = linked->held[--linked->held_count];
            r = work_on_link(linked, vat, count, held.method, held.result);
            i = (size_t)-1; /* it may have taken others out */
        }
    }
    return r;
}

static int hold(struct linked *linked, struct keeve_vat *vat, const struct keeve_message *message)
{
    struct held *held = &linked->held[linked->held_count];

    for (uint64_t i = 0; i < linked->made; i++) {
        if (strcmp(linked->given[i], message->target) == 0) {
            return work_on_link(linked, vat, linked->counts[i], message->method, message->result);
        }
    }
    if (linked->held_count == HELD_MAX) {
        return keeve_vat_fail(vat, "too many messages came ahead");
    }
    linked->held_count++;
    (void)snprintf(held->target, sizeof held->target, "%s", message->target);
    (void)snprintf(held->method, sizeof held->method, "%s", message->method);
    (void)snprintf(held->result, sizeof held->result, "%s", message->result);
    return 0;
}

static int linked_message(void *state, struct keeve_vat *vat, const struct keeve_message *message)
{
    struct linked *linked = state;
    const char *method = message->method;
    uint64_t link;

    if (strcmp(method, "bootstrap") == 0) {
        return keeve_vat_answer(vat, message, keeve_make_string("ready"));
    } else if (strcmp(method, "one") == 0) {
        return keeve_vat_answer(vat, message, keeve_value_copy(keeve_value_item(message->args, 0)));
    } else if (strcmp(method, "first") == 0) {
        return give_link(linked, vat, message->result, 0);
    } else if (strcmp(method, "next") != 0 && strcmp(method, "n") != 0) {
        return conformance_unknown(vat, message);
    } else if (message->target[0] == 'p') {
        return hold(linked, vat, message);
    }
    link = strtoull(message->target + 2, NULL, 10);
    return work_on_link(linked, vat, link == 0 ? 0 : linked->counts[link - 1], method,
                        message->result);
}

/* ---- leaver ---- */

static int leaver_message(void *state, struct keeve_vat *vat, const struct keeve_message *message)
{
    const char *method = message->method;

    (void)state;
    if (strcmp(method, "bootstrap") == 0) {
        return keeve_vat_answer(vat, message, keeve_make_string("ready"));
    } else if (strcmp(method, "ping") == 0) {
        return keeve_vat_answer(vat, message, keeve_make_string("pong"));
    } else if (strcmp(method, "leave") == 0) {
        (void)keeve_vat_exit(vat);
        return keeve_vat_answer(vat, message, keeve_make_string("left"));
    } else if (strcmp(method, "fail") == 0) {
        return keeve_vat_fail(vat, "could not");
    }
    return conformance_unknown(vat, message);
}

/* ---- bad: does not start ---- */

static int bad_start(void *context, struct keeve_vat *vat, const struct keeve_value *parameters,
                     void **state)
{
    (void)context;
    (void)parameters;
    (void)state;
    return keeve_vat_fail(vat, "not today");
}

/* ---- all ---- */

static const struct keeve_native echo = {
    .size = sizeof echo, .name = "echo", .start = start_empty, .message = echo_message};
static const struct keeve_native linked_program = {.size = sizeof linked_program,
                                                   .name = "linked",
                                                   .start = linked_start,
                                                   .message = linked_message,
                                                   .stop = free};
static const struct keeve_native leaver = {
    .size = sizeof leaver, .name = "leaver", .start = start_empty, .message = leaver_message};
static const struct keeve_native bad = {.size = sizeof bad, .name = "bad", .start = bad_start};

const struct keeve_native *const *conformance_programs(void)
{
    static const struct keeve_native *const all[] = {
        &echo, &linked_program, &leaver, &bad, &conformance_talker, &conformance_durable, NULL};

    return all;
}
