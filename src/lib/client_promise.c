/* SPDX-License-Identifier: Apache-2.0 */
/* client_promise - promises settled and followed, messages sent to where they now belong; see
 * client.h. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/fault.h"
#include "lib/client.h"
#include "lib/tree.h"

int kee_client_emit(struct keeve_client *client, const struct kee_captp_op *op)
{
    int r;

    kee_buf_clear(&client->text);
    kee_captp_op_write(&client->text, op);
    r = kee_buf_status(&client->text);
    return r < 0 ? r : client->emit(client->emit_context, kee_buf_bytes(&client->text));
}

/* ---- where a message goes ---- */

static struct kee_client_ref *followed_to(struct kee_client_ref *row)
{
    while (kee_client_is_promise(row) && row->as.promise.follows != NULL) {
        row = row->as.promise.follows;
    }
    return row;
}

struct kee_client_ref *kee_client_end_of(const struct keeve_client *client,
                                         struct kee_client_ref *row)
{
    row = followed_to(row);
    if (kee_client_is_promise(row) && row->as.promise.data != NULL &&
        row->as.promise.data->status == KEEVE_ANSWER_FULFILLED) {
        struct kee_client_ref *object = kee_client_data_row(client, row->as.promise.data);
        return object == NULL ? row : object; /* never a promise: that would have been followed */
    }
    return row;
}

struct kee_bytes kee_client_wire_target(const struct kee_client_ref *row,
                                        char room[KEEVE_NAME_SIZE])
{
    const struct kee_client_promise *promise = &row->as.promise;

    switch (row->kind) {
    case KEE_REF_THEIR_OBJECT:
        return row->name;
    case KEE_REF_THEIR_PROMISE:
        return promise->data == NULL ? row->name : kee_bytes_of(NULL, 0);
    case KEE_REF_OWN_PROMISE:
        if (promise->data == NULL && promise->asked && !promise->bootstrap) {
            (void)snprintf(room, KEEVE_NAME_SIZE, "q-%" PRIu64, row->key);
            return kee_bytes_str(room);
        }
        break;
    case KEE_REF_OWN_OBJECT:
        break;
    }
    return kee_bytes_of(NULL, 0);
}

int kee_client_ask(struct keeve_client *client, struct kee_bytes target,
                   const struct kee_body *body, struct kee_client_ref *result)
{
    char id[KEEVE_NAME_SIZE];
    struct kee_captp_op op = {.type = KEE_CAPTP_CALL, .target = target, .value = *body};
    int r;

    (void)snprintf(id, sizeof id, "q-%" PRIu64, result->key);
    op.id = kee_bytes_str(id);
    r = kee_client_emit(client, &op);
    if (r < 0) {
        return r;
    }
    result->as.promise.asked = result->as.promise.was_asked = true;
    kee_client_mention(client, body);
    return 0;
}

/* A property of data that is here. */
static int get_member(struct keeve_client *client, struct kee_client_data *of,
                      struct kee_client_data *message, struct kee_client_ref *result)
{
    static const struct kee_value undefined = {.kind = KEE_VALUE_UNDEFINED};
    const struct kee_value *record = kee_client_data_node(of);
    const struct kee_value *name = message->node->as.array.items[0];
    const struct kee_value *found = &undefined;
    struct kee_client_data *data = NULL;

    for (size_t i = 0; record->kind == KEE_VALUE_RECORD && i < record->as.record.count; i++) {
        if (kee_bytes_equal(record->as.record.members[i].name, name->as.text)) {
            found = record->as.record.members[i].value;
        }
    }
    if (kee_client_data_of(client, found, false, KEEVE_ANSWER_FULFILLED, &data) != KEEVE_OK) {
        return KEE_FAULT_MEMORY;
    }
    kee_client_settle(client, result, data);
    kee_client_data_release(client, data);
    return 0;
}

static bool is_get(struct kee_client_data *message)
{
    const struct kee_value *node = kee_client_data_node(message);

    return node != NULL && node->kind == KEE_VALUE_ARRAY && node->as.array.count == 1 &&
           node->as.array.items[0]->kind == KEE_VALUE_STRING;
}

static int answer_from(struct keeve_client *client, struct kee_client_ref *promise,
                       struct kee_client_data *message, struct kee_client_ref *result)
{
    struct kee_client_data *data = promise->as.promise.data;
    const struct kee_value *node;

    if (data->status != KEEVE_ANSWER_FULFILLED) {
        kee_client_settle(client, result, data);
        return 0;
    }
    node = kee_client_data_node(data);
    if (node != NULL && is_get(message)) {
        return get_member(client, data, message, result);
    }
    kee_client_spoil(client, result, "TypeError",
                     node == NULL ? "the target of this call is a value that cannot be read"
                                  : "the target of this call is data, and no object");
    return 0;
}

static int deliver(struct keeve_client *client, struct kee_client_ref *object,
                   struct kee_client_data *data, struct kee_client_ref *result)
{
    struct kee_client_event *event = calloc(1, sizeof *event);

    if (event == NULL) {
        return kee_fault(KEE_FAULT_MEMORY, "a delivery");
    }
    kee_list_init(&event->waiting);
    event->kind = KEE_EVENT_DELIVERY;
    event->row = object;
    event->result = result;
    event->data = data;
    data->refs++;
    kee_client_use(object);
    kee_client_use(result);
    kee_list_append(&client->told, &event->link);
    return 0;
}

static int queue(struct kee_client_ref *promise, struct kee_client_data *data,
                 struct kee_client_ref *result)
{
    struct kee_client_message *message = calloc(1, sizeof *message);

    if (message == NULL) {
        return kee_fault(KEE_FAULT_MEMORY, "a message that waits");
    }
    message->data = data;
    message->result = result;
    data->refs++;
    kee_client_use(result);
    kee_list_append(&promise->as.promise.queue, &message->link);
    return 0;
}

int kee_client_route(struct keeve_client *client, struct kee_client_ref *target,
                     struct kee_client_data *data, struct kee_client_ref *result)
{
    struct kee_client_ref *end = kee_client_end_of(client, target);
    char room[KEEVE_NAME_SIZE];
    struct kee_bytes wire = kee_client_wire_target(end, room);

    if (wire.data != NULL) {
        return kee_client_ask(client, wire, &data->body, result);
    }
    if (end->kind == KEE_REF_OWN_OBJECT) {
        return deliver(client, end, data, result);
    }
    kee_assert(kee_client_is_promise(end));
    return end->as.promise.data != NULL ? answer_from(client, end, data, result)
                                        : queue(end, data, result);
}

/* ---- settling ---- */

void kee_client_due(struct keeve_client *client, struct kee_client_ref *promise)
{
    promise->as.promise.due = true;
    kee_list_remove(&promise->as.promise.due_link);
    kee_list_append(&client->due, &promise->as.promise.due_link);
}

bool kee_client_would_circle(struct kee_client_ref *promise, struct kee_client_ref *followed)
{
    return followed_to(followed) == promise;
}

static void follow(struct keeve_client *client, struct kee_client_ref *promise,
                   struct kee_client_ref *other)
{
    promise->as.promise.follows = other;
    kee_client_use(other);
    kee_list_append(&other->as.promise.followers, &promise->as.promise.follower);
    kee_client_due(client, promise);
}

void kee_client_settle(struct keeve_client *client, struct kee_client_ref *promise,
                       struct kee_client_data *data)
{
    struct kee_client_ref *row = NULL;

    if (promise->as.promise.data != NULL || promise->as.promise.follows != NULL) {
        return;
    }
    if (data->status == KEEVE_ANSWER_FULFILLED) {
        row = kee_client_data_row(client, data);
    }
    if (row != NULL && kee_client_is_promise(row)) {
        row = followed_to(row);
        if (row == promise) {
            kee_client_spoil(client, promise, "TypeError",
                             "a promise was to become what it becomes itself");
            return;
        }
        if (row->as.promise.data == NULL) {
            follow(client, promise, row);
            return;
        }
        data = row->as.promise.data;
    }
    data->refs++;
    promise->as.promise.data = data;
    kee_client_due(client, promise);
}

void kee_client_spoil(struct keeve_client *client, struct kee_client_ref *promise, const char *name,
                      const char *message)
{
    struct kee_client_data *data = kee_client_data_error(client, name, message);

    if (data == NULL) {
        kee_client_break(client, "out of memory");
        return;
    }
    kee_client_settle(client, promise, data);
    kee_client_data_release(client, data);
}

/* Tells the other side what a promise became: as the answer to its question, or as a resolution. */
static int say_settled(struct keeve_client *client, enum kee_captp_op_type type,
                       struct kee_bytes id, struct kee_client_data *data)
{
    struct kee_captp_op op = {.type = type, .id = id};
    struct kee_client_data *error = NULL;
    int r;

    if (data->status == KEEVE_ANSWER_DECLINED) {
        error = kee_client_data_error(client, "Error", data->why);
        if (error == NULL) {
            return KEE_FAULT_MEMORY;
        }
        data = error;
    }
    op.rejected = data->status != KEEVE_ANSWER_FULFILLED;
    op.value = data->body;
    r = kee_client_emit(client, &op);
    if (r == 0) {
        kee_client_mention(client, &data->body);
    }
    kee_client_data_release(client, error);
    return r;
}

static int say_resolved(struct keeve_client *client, struct kee_client_ref *row)
{
    char id[KEEVE_NAME_SIZE];

    row->as.promise.resolved = true;
    (void)snprintf(id, sizeof id, "p-%" PRIu64, row->key); /* as the receiver names it */
    return say_settled(client, KEE_CAPTP_RESOLVE, kee_bytes_str(id), row->as.promise.data);
}

static int route_queue(struct keeve_client *client, struct kee_client_ref *row)
{
    int r = 0;

    while (r == 0 && !kee_list_is_empty(&row->as.promise.queue)) {
        struct kee_client_message *message =
            KEE_CONTAINER(row->as.promise.queue.next, struct kee_client_message, link);
        r = kee_client_route(client, row, message->data, message->result);
        if (r == 0) {
            kee_list_remove(&message->link);
            kee_client_data_release(client, message->data);
            kee_client_unuse(client, message->result);
            free(message);
        }
    }
    return r;
}

static void tell_waiters(struct keeve_client *client, struct kee_client_promise *promise)
{
    while (!kee_list_is_empty(&promise->waiters)) {
        struct kee_client_event *event =
            KEE_CONTAINER(promise->waiters.next, struct kee_client_event, link);
        kee_list_remove(&event->waiting);
        kee_list_remove(&event->link);
        event->data = promise->data;
        promise->data->refs++;
        kee_list_append(&client->told, &event->link);
    }
}

static void settle_followers(struct keeve_client *client, struct kee_client_promise *promise)
{
    while (!kee_list_is_empty(&promise->followers)) {
        struct kee_client_ref *follower =
            KEE_CONTAINER(promise->followers.next, struct kee_client_ref, as.promise.follower);
        struct kee_client_ref *followed = follower->as.promise.follows;
        kee_list_remove(&follower->as.promise.follower);
        follower->as.promise.follows = NULL;
        kee_client_unuse(client, followed);
        kee_client_settle(client, follower, promise->data);
    }
}

static int work_off(struct keeve_client *client, struct kee_client_ref *row)
{
    struct kee_client_promise *promise = &row->as.promise;
    int r = 0;

    if (promise->data != NULL) {
        tell_waiters(client, promise);
        settle_followers(client, promise);
        if (row->kind == KEE_REF_OWN_PROMISE && promise->exported && !promise->resolved) {
            r = say_resolved(client, row);
        }
        if (r == 0 && promise->answers != NULL) {
            struct kee_client_asked *asked = promise->answers;
            promise->answers = NULL;
            r = say_settled(client, KEE_CAPTP_RETURN, asked->id, promise->data);
            kee_client_asked_done(client, asked);
        }
    }
    return r == 0 ? route_queue(client, row) : r;
}

void kee_client_drain(struct keeve_client *client)
{
    while (!client->lost && !kee_list_is_empty(&client->due)) {
        struct kee_client_ref *row =
            KEE_CONTAINER(client->due.next, struct kee_client_ref, as.promise.due_link);
        kee_list_remove(&row->as.promise.due_link);
        kee_client_use(row);
        row->as.promise.due = false;
        if (work_off(client, row) < 0) {
            kee_client_break(client, "out of memory");
        }
        kee_client_unuse(client, row);
    }
}

int kee_client_wait_for(struct keeve_client *client, struct kee_client_ref *promise,
                        keeve_answer_fn *fn, void *context)
{
    struct kee_client_event *event = calloc(1, sizeof *event);

    if (event == NULL) {
        return kee_fault(KEE_FAULT_MEMORY, "a callback");
    }
    event->kind = KEE_EVENT_ANSWER;
    event->fn = fn;
    event->context = context;
    event->row = promise;
    kee_list_init(&event->waiting);
    kee_client_use(promise);
    if (promise->as.promise.data != NULL) {
        event->data = promise->as.promise.data;
        event->data->refs++;
        kee_list_append(&client->told, &event->link);
    } else {
        kee_list_append(&promise->as.promise.waiters, &event->link);
        kee_list_append(&client->waiting, &event->waiting);
    }
    return 0;
}
