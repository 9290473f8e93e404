/* SPDX-License-Identifier: Apache-2.0 */
/* client_calls - what a host asks of the other side; see keeve/client.h. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/fault.h"
#include "lib/client.h"
#include "lib/tree.h"

/* The row of a target's name; one is made of a kref's. */
static enum keeve_result find_target(struct keeve_client *client, const char *target,
                                     struct kee_client_ref **out)
{
    struct kee_bytes name = target == NULL ? kee_bytes_of(NULL, 0) : kee_bytes_str(target);
    bool is_kref = kee_client_is_kref(name);
    char room[KEEVE_NAME_SIZE];

    if (!kee_client_is_name(name)) {
        return kee_client_decline(client, KEEVE_BAD,
                                  "expected the name of a reference, found %s%.60s%s",
                                  target == NULL ? "none" : "\"", target == NULL ? "" : target,
                                  target == NULL ? "" : "\"");
    }
    *out = is_kref ? kee_client_add_theirs(client, kee_client_wire_name(name, room))
                   : kee_client_find(client, name);
    if (*out == NULL && is_kref) {
        return kee_client_no_memory(client);
    }
    if (!is_kref && (*out == NULL || (!(*out)->held && (*out)->kind != KEE_REF_OWN_OBJECT))) {
        return kee_client_decline(client, KEEVE_NO_SUCH, "%.60s is not held, or not any more",
                                  target);
    }
    return KEEVE_OK;
}

/* A promise for what a call will answer, used once on behalf of the call. */
static struct kee_client_ref *new_result(struct keeve_client *client, keeve_answer_fn *fn,
                                         void *context)
{
    struct kee_client_ref *row = kee_client_add_own(client, KEE_REF_OWN_PROMISE);

    if (row != NULL && fn != NULL && kee_client_wait_for(client, row, fn, context) < 0) {
        kee_client_remove(client, row);
        return NULL;
    }
    if (row != NULL) {
        kee_client_use(row);
    }
    return row;
}

static void forget_waiters(struct keeve_client *client, struct kee_client_ref *row)
{
    while (!kee_list_is_empty(&row->as.promise.waiters)) {
        struct kee_client_event *event =
            KEE_CONTAINER(row->as.promise.waiters.next, struct kee_client_event, link);
        kee_list_remove(&event->link);
        kee_list_remove(&event->waiting);
        kee_client_unuse(client, row);
        free(event);
    }
}

/* The call is on its way, or it is as if there had been none. */
static enum keeve_result finish(struct keeve_client *client, struct kee_client_ref *row,
                                enum keeve_result status, char result[KEEVE_NAME_SIZE])
{
    if (row != NULL) {
        if (status != KEEVE_OK) {
            forget_waiters(client, row);
        } else if (result != NULL) {
            row->held = true;
            (void)snprintf(result, KEEVE_NAME_SIZE, "%s", (const char *)row->name.data);
        }
        kee_client_unuse(client, row);
    }
    kee_client_drain(client);
    kee_client_sweep(client);
    return status;
}

enum keeve_result keeve_client_bootstrap(struct keeve_client *client, keeve_answer_fn *fn,
                                         void *context, char result[KEEVE_NAME_SIZE])
{
    struct kee_captp_op op = {.type = KEE_CAPTP_BOOTSTRAP};
    enum keeve_result status = kee_client_may(client);
    struct kee_client_ref *row;
    char id[KEEVE_NAME_SIZE];

    if (status != KEEVE_OK) {
        return status;
    }
    row = new_result(client, fn, context);
    if (row == NULL) {
        return kee_client_no_memory(client);
    }
    (void)snprintf(id, sizeof id, "q-%" PRIu64, row->key);
    op.id = kee_bytes_str(id);
    if (kee_client_emit(client, &op) < 0) {
        return finish(client, row, kee_client_no_memory(client), result);
    }
    row->as.promise.asked = row->as.promise.was_asked = row->as.promise.bootstrap = true;
    return finish(client, row, KEEVE_OK, result);
}

/* Sends message, [method, args] or [property], to target: straight onto the wire if it can go there
 * now. */
static enum keeve_result send_to(struct keeve_client *client, struct kee_client_ref *target,
                                 const struct kee_value *message, struct kee_client_ref *result)
{
    struct kee_arena arena = KEE_ARENA_EMPTY;
    struct kee_client_data *data = NULL;
    char room[KEEVE_NAME_SIZE];
    struct kee_bytes wire = kee_client_wire_target(kee_client_end_of(client, target), room);
    struct kee_body body;
    enum keeve_result status;
    int r = 0;

    if (wire.data != NULL) {
        status = kee_client_encode(client, message, true, &arena, &body);
        if (status == KEEVE_OK) {
            r = kee_client_ask(client, wire, &body, result);
        }
        kee_arena_fini(&arena);
    } else {
        status = kee_client_data_of(client, message, true, KEEVE_ANSWER_FULFILLED, &data);
        if (status == KEEVE_OK) {
            r = kee_client_route(client, target, data, result);
        }
        kee_client_data_release(client, data);
    }
    return r < 0 ? kee_client_no_memory(client) : status;
}

static enum keeve_result ask(struct keeve_client *client, const char *target,
                             const struct kee_value *message, keeve_answer_fn *fn, void *context,
                             char result[KEEVE_NAME_SIZE])
{
    enum keeve_result status = kee_client_may(client);
    struct kee_client_ref *to = NULL;
    struct kee_client_ref *row = NULL;

    if (status == KEEVE_OK) {
        status = find_target(client, target, &to);
    }
    if (status != KEEVE_OK) {
        return status;
    }
    kee_assert(to != NULL);
    kee_client_use(to);
    row = new_result(client, fn, context);
    status = row == NULL ? kee_client_no_memory(client) : send_to(client, to, message, row);
    kee_client_unuse(client, to);
    return finish(client, row, status, result);
}

/* A method's or a property's name. */
static enum keeve_result read_name(struct keeve_client *client, const char *text,
                                   struct kee_value *out)
{
    out->kind = strncmp(text, "@@", 2) == 0 ? KEE_VALUE_SYMBOL : KEE_VALUE_STRING;
    out->as.text = kee_bytes_str(text);
    return kee_tree_is_utf8(out->as.text)
               ? KEEVE_OK
               : kee_client_decline(client, KEEVE_BAD, "the name is not UTF-8");
}

enum keeve_result keeve_client_send(struct keeve_client *client, const char *target,
                                    const char *method, const struct keeve_value *args,
                                    keeve_answer_fn *fn, void *context,
                                    char result[KEEVE_NAME_SIZE])
{
    struct kee_value none = {.kind = KEE_VALUE_ARRAY};
    struct kee_value name = {.kind = KEE_VALUE_NULL};
    struct kee_value *items[2] = {&name, &none};
    struct kee_value message = {.kind = KEE_VALUE_ARRAY, .as.array = {items, 2}};
    enum keeve_result status = method == NULL ? KEEVE_OK : read_name(client, method, &name);

    if (status != KEEVE_OK) {
        return status;
    }
    if (args != NULL && keeve_value_kind(args) != KEEVE_ARRAY) {
        return kee_client_decline(client, KEEVE_BAD, "arguments: expected an array, found %s",
                                  keeve_kind_name(keeve_value_kind(args)));
    }
    if (args != NULL) {
        items[1] = (struct kee_value *)(void *)kee_tree_node(args); /* only read */
    }
    return ask(client, target, &message, fn, context, result);
}

enum keeve_result keeve_client_get(struct keeve_client *client, const char *target,
                                   const char *property, keeve_answer_fn *fn, void *context,
                                   char result[KEEVE_NAME_SIZE])
{
    struct kee_value name;
    struct kee_value *items[1] = {&name};
    struct kee_value message = {.kind = KEE_VALUE_ARRAY, .as.array = {items, 1}};
    enum keeve_result status;

    if (property == NULL) {
        return kee_client_decline(client, KEEVE_BAD, "expected the name of a property, found none");
    }
    status = read_name(client, property, &name);
    return status == KEEVE_OK ? ask(client, target, &message, fn, context, result) : status;
}

enum keeve_result keeve_client_when(struct keeve_client *client, const char *promise,
                                    keeve_answer_fn *fn, void *context)
{
    enum keeve_result status = kee_client_may(client);
    struct kee_client_ref *row = NULL;

    if (status == KEEVE_OK) {
        struct kee_bytes name = promise == NULL ? kee_bytes_of(NULL, 0) : kee_bytes_str(promise);
        row = kee_client_find(client, name);
        if (fn == NULL || (row != NULL ? !kee_client_is_promise(row) : !kee_client_is_name(name))) {
            status = kee_client_decline(client, KEEVE_BAD,
                                        "expected the name of a promise and a callback");
        } else if (row == NULL || !row->held) {
            status = kee_client_decline(client, KEEVE_NO_SUCH, "%.60s is not held, or not any more",
                                        promise);
        } else if (kee_client_wait_for(client, row, fn, context) < 0) {
            status = kee_client_no_memory(client);
        }
    }
    return status;
}

void keeve_client_cancel(struct keeve_client *client, const char *promise)
{
    struct kee_client_ref *row =
        promise == NULL ? NULL : kee_client_find(client, kee_bytes_str(promise));
    struct kee_link *link = client->told.next;

    if (row == NULL || !kee_client_is_promise(row)) {
        return;
    }
    kee_client_use(row);
    forget_waiters(client, row);
    while (link != &client->told) {
        struct kee_client_event *event = KEE_CONTAINER(link, struct kee_client_event, link);
        link = link->next;
        if (event->kind == KEE_EVENT_ANSWER && event->row == row) {
            kee_list_remove(&event->link);
            kee_list_remove(&event->waiting);
            kee_client_data_release(client, event->data);
            kee_client_unuse(client, row);
            free(event);
        }
    }
    kee_client_unuse(client, row);
    kee_client_sweep(client);
}
