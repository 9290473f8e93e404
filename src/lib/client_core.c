/* SPDX-License-Identifier: Apache-2.0 */
/* client_core - a connection begins, hears, tells, ends; see client.h. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/fault.h"
#include "lib/client.h"
#include "lib/tree.h"
#include "value/text.h"

/* Callbacks of one turn: those that callbacks bring about come in the next. */
#define TOLD_PER_TURN 4096

int kee_client_new(struct keeve_client **out, int (*emit)(void *context, struct kee_bytes text),
                   void *context)
{
    struct keeve_client *client = calloc(1, sizeof *client);

    if (client == NULL) {
        return kee_fault(KEE_FAULT_MEMORY, "a client");
    }
    client->emit = emit;
    client->emit_context = context;
    client->last = KEE_CLIENT_FIRST_NUMBER - 1;
    kee_list_init(&client->asked_order);
    kee_list_init(&client->objects);
    kee_list_init(&client->waiting);
    kee_list_init(&client->told);
    kee_list_init(&client->due);
    kee_list_init(&client->idle);
    *out = client;
    return 0;
}

/* ---- results ---- */

enum keeve_result kee_client_decline(struct keeve_client *client, enum keeve_result result,
                                     const char *format, ...)
{
    va_list args;

    kee_buf_clear(&client->why);
    va_start(args, format);
    kee_buf_vprintf(&client->why, format, args);
    va_end(args);
    return result;
}

enum keeve_result kee_client_no_memory(struct keeve_client *client)
{
    kee_fault_clear();
    return kee_client_decline(client, KEEVE_MEMORY, "out of memory");
}

enum keeve_result kee_client_may(struct keeve_client *client)
{
    return client->lost ? kee_client_decline(client, KEEVE_LOST, "%s", client->lost_why) : KEEVE_OK;
}

const char *keeve_client_why(const struct keeve_client *client)
{
    struct kee_buf *why = (struct kee_buf *)&client->why; /* gains a NUL, no content */
    const char *text = kee_buf_cstr(why);

    return text == NULL ? "out of memory" : text;
}

/* ---- hearing ---- */

static int hear_return(struct keeve_client *client, const struct kee_captp_op *op,
                       struct kee_client_data *data)
{
    struct kee_client_ref *row = NULL;
    uint64_t number;
    int r = kee_client_data_read(client, op->value, data);

    if (r < 0) {
        return r;
    }
    if (op->id.size > 2 && memcmp(op->id.data, "q-", 2) == 0 &&
        kee_bytes_decimal(kee_bytes_of(op->id.data + 2, op->id.size - 2), &number) && number > 0) {
        row = kee_map_get(&client->own, number);
    }
    if (row != NULL && row->kind == KEE_REF_OWN_PROMISE && row->as.promise.asked) {
        row->as.promise.asked = false;
        kee_client_settle(client, row, data);
        kee_client_idle(client, row);
    }
    return 0;
}

static int hear_resolve(struct keeve_client *client, const struct kee_captp_op *op,
                        struct kee_client_data *data)
{
    struct kee_client_ref *row;
    int r = kee_client_data_read(client, op->value, data);

    if (r < 0) {
        return r;
    }
    row = kee_client_find(client, op->id); /* the name is already ours */
    if (row != NULL && row->kind == KEE_REF_THEIR_PROMISE) {
        kee_client_settle(client, row, data);
    }
    return 0;
}

/* Of an incoming target, which is a question of theirs or a slot. */
static struct kee_client_ref *target_of(const struct keeve_client *client, struct kee_bytes target)
{
    const struct kee_client_asked *asked = kee_client_asked_find(client, target);
    uint8_t name[KEEVE_NAME_SIZE];

    if (asked != NULL) {
        return asked->row;
    }
    if (!kee_captp_is_slot(target) || target.size > sizeof name || target.data[1] != '-') {
        return NULL;
    }
    memcpy(name, target.data, target.size);
    name[1] = '+';
    return kee_client_find(client, kee_bytes_of(name, target.size));
}

static int hear_call(struct keeve_client *client, const struct kee_captp_op *op,
                     struct kee_client_data *data)
{
    struct kee_client_ref *target = target_of(client, op->target);
    struct kee_client_asked *asked;
    struct kee_client_ref *result;
    int r;

    if (target != NULL) {
        kee_client_use(target); /* the question it may be the answer of can be asked anew */
    }
    asked = kee_client_asked_add(client, op->id);
    r = asked == NULL ? KEE_FAULT_MEMORY : kee_client_data_read(client, op->value, data);
    if (r >= 0) {
        result = asked->row;
        if (r > 0) {
            kee_client_spoil(client, result, "Error", data->why);
            r = 0;
        } else if (op->trap) {
            kee_client_spoil(client, result, "TypeError", "this side takes no synchronous calls");
        } else if (target == NULL) {
            kee_client_spoil(client, result, "Error", "the target of this call is not there");
        } else {
            r = kee_client_route(client, target, data, result);
        }
    }
    if (target != NULL) {
        kee_client_unuse(client, target);
    }
    return r;
}

static int hear_bootstrap(struct keeve_client *client, const struct kee_captp_op *op)
{
    struct kee_client_asked *asked = kee_client_asked_add(client, op->id);
    struct kee_value value = {.kind = KEE_VALUE_UNDEFINED};
    struct kee_client_data *data = NULL;

    if (client->offered != NULL) {
        value.kind = KEE_VALUE_REMOTABLE;
        value.as.ref.slot = client->offered->name;
    }
    if (asked == NULL ||
        kee_client_data_of(client, &value, false, KEEVE_ANSWER_FULFILLED, &data) != KEEVE_OK) {
        return KEE_FAULT_MEMORY;
    }
    kee_client_settle(client, asked->row, data);
    kee_client_data_release(client, data);
    return 0;
}

static void drop_one(struct keeve_client *client, struct kee_bytes id, uint64_t refs)
{
    struct kee_client_asked *asked = kee_client_asked_find(client, id);
    struct kee_client_ref *row;

    if (asked != NULL) {
        kee_client_asked_drop(client, asked);
        return;
    }
    row = target_of(client, id);
    if (row != NULL) {
        row->mentions -= refs < row->mentions ? refs : row->mentions;
        kee_client_idle(client, row);
    }
}

static void hear_drop(struct keeve_client *client, const struct kee_captp_op *op)
{
    drop_one(client, op->id, op->refs);
    for (size_t i = 0; i < op->more_count; i++) {
        drop_one(client, op->more[i].id, op->more[i].refs);
    }
}

static void hear_disconnect(struct keeve_client *client, const struct kee_captp_op *op)
{
    struct kee_captp_op echo = {.type = KEE_CAPTP_DISCONNECT, .reason = op->reason};

    (void)kee_client_emit(client, &echo);
    kee_client_break(client, "the other side ended the connection%s%.*s",
                     op->reason.size == 0 ? "" : ": ",
                     (int)(op->reason.size < 400 ? op->reason.size : 400),
                     op->reason.size == 0 ? "" : (const char *)op->reason.data);
}

static int hear(struct keeve_client *client, const struct kee_captp_op *op,
                struct kee_client_data *data)
{
    switch (op->type) {
    case KEE_CAPTP_BOOTSTRAP:
        return hear_bootstrap(client, op);
    case KEE_CAPTP_CALL:
        return hear_call(client, op, data);
    case KEE_CAPTP_RETURN:
        return hear_return(client, op, data);
    case KEE_CAPTP_RESOLVE:
        return hear_resolve(client, op, data);
    case KEE_CAPTP_DROP:
        hear_drop(client, op);
        return 0;
    case KEE_CAPTP_DISCONNECT:
        hear_disconnect(client, op);
        return 0;
    case KEE_CAPTP_TRAP_ITERATE:
        return 0; /* of a synchronous call, none of which is under way */
    }
    kee_assert(false);
}

void kee_client_receive(struct keeve_client *client, struct kee_bytes text)
{
    struct kee_client_data *data;
    struct kee_captp_op op;
    int r;

    if (client->lost) {
        return;
    }
    data = kee_client_data_new(KEEVE_ANSWER_FULFILLED);
    r = data == NULL ? KEE_FAULT_MEMORY : kee_captp_op_read(text, &data->arena, &op, &client->why);
    if (r == 0) {
        data->status = op.rejected ? KEEVE_ANSWER_REJECTED : KEEVE_ANSWER_FULFILLED;
        r = hear(client, &op, data);
    } else if (r > 0) {
        kee_client_hang_up(client, keeve_client_why(client));
    }
    if (r < 0) {
        kee_fault_clear();
        kee_client_break(client, "out of memory");
    }
    kee_client_data_release(client, data);
    kee_client_drain(client);
    kee_client_sweep(client);
}

/* ---- ending ---- */

void kee_client_break(struct keeve_client *client, const char *format, ...)
{
    va_list args;

    if (client->lost) {
        return;
    }
    client->lost = true;
    va_start(args, format);
    (void)vsnprintf(client->lost_why, sizeof client->lost_why, format, args);
    va_end(args);
}

void kee_client_hang_up(struct keeve_client *client, const char *why)
{
    struct kee_captp_op op = {.type = KEE_CAPTP_DISCONNECT};
    struct kee_buf reason = KEE_BUF_EMPTY;

    if (client->lost) {
        return;
    }
    kee_client_break(client, "%s", why);
    if (kee_bytes_is_utf8(kee_bytes_str(client->lost_why))) {
        kee_buf_put_json_string(&reason, kee_bytes_str(client->lost_why));
    }
    if (!reason.failed) {
        op.reason = kee_buf_bytes(&reason);
        (void)kee_client_emit(client, &op);
    }
    kee_buf_fini(&reason);
}

static void free_event(struct keeve_client *client, struct kee_client_event *event)
{
    kee_list_remove(&event->link);
    kee_list_remove(&event->waiting);
    if (event->row != NULL) {
        kee_client_unuse(client, event->row);
    }
    if (event->result != NULL) {
        kee_client_unuse(client, event->result);
    }
    kee_client_data_release(client, event->data);
    free(event);
}

/* What waits is told that the connection is lost, and then that nobody calls any more. */
static void lose(struct keeve_client *client)
{
    client->lost_told = true;
    while (!kee_list_is_empty(&client->waiting)) {
        struct kee_client_event *event =
            KEE_CONTAINER(client->waiting.next, struct kee_client_event, waiting);
        kee_list_remove(&event->waiting);
        kee_list_remove(&event->link);
        kee_list_append(&client->told, &event->link);
    }
    while (!kee_list_is_empty(&client->objects)) {
        struct kee_client_ref *row =
            KEE_CONTAINER(client->objects.next, struct kee_client_ref, as.object.link);
        kee_list_remove(&row->as.object.link);
        if (row->as.object.gone != NULL) {
            kee_list_append(&client->told, &row->as.object.gone->link);
            row->as.object.gone = NULL;
        }
    }
}

/* ---- telling ---- */

static void tell_answer(struct keeve_client *client, const struct kee_client_event *event)
{
    struct keeve_answer answer = {.status = KEEVE_ANSWER_LOST, .why = client->lost_why};

    if (event->data != NULL) {
        answer.value = kee_tree_show(kee_client_data_node(event->data));
        answer.status = event->data->status;
        answer.why = event->data->why;
        if (answer.value != NULL) {
            kee_client_data_hold(event->data);
        }
    }
    event->fn(event->context, &answer);
}

/* [method, args], [null, args] or [property]. */
static bool read_delivery(const struct kee_value *node, struct keeve_delivery *out)
{
    static const struct kee_value none = {.kind = KEE_VALUE_ARRAY};
    const struct kee_value *name;
    const struct kee_value *args = &none;

    if (node == NULL || node->kind != KEE_VALUE_ARRAY || node->as.array.count == 0 ||
        node->as.array.count > 2) {
        return false;
    }
    name = node->as.array.items[0];
    out->get = node->as.array.count == 1;
    if (!out->get) {
        args = node->as.array.items[1];
    }
    out->args = kee_tree_show(args);
    if (name->kind == KEE_VALUE_STRING || name->kind == KEE_VALUE_SYMBOL) {
        out->method = keeve_value_text(kee_tree_show(name), NULL);
    } else if (out->get || (name->kind != KEE_VALUE_NULL && name->kind != KEE_VALUE_UNDEFINED)) {
        return false;
    }
    return args->kind == KEE_VALUE_ARRAY;
}

static void tell_delivery(struct keeve_client *client, const struct kee_client_event *event)
{
    struct keeve_delivery delivery = {.object = (const char *)event->row->name.data,
                                      .result = (const char *)event->result->name.data};
    const struct kee_value *node = kee_client_data_node(event->data);

    if (!read_delivery(node, &delivery)) {
        kee_client_spoil(client, event->result, "TypeError",
                         node == NULL ? event->data->why : "expected a method and its arguments");
        return;
    }
    kee_client_data_hold(event->data);
    event->result->held = true;
    event->result->as.promise.host_settles = event->result->as.promise.of_delivery = true;
    event->row->as.object.deliver(event->row->as.object.context, client, &delivery);
}

void kee_client_tell(struct keeve_client *client)
{
    if (client->lost && !client->lost_told) {
        lose(client);
    }
    client->in_callback = true;
    for (int i = 0; !kee_list_is_empty(&client->told) && (i < TOLD_PER_TURN || client->lost); i++) {
        struct kee_client_event *event =
            KEE_CONTAINER(client->told.next, struct kee_client_event, link);
        kee_list_remove(&event->link);
        switch (event->kind) {
        case KEE_EVENT_ANSWER:
            tell_answer(client, event);
            break;
        case KEE_EVENT_DELIVERY:
            tell_delivery(client, event);
            break;
        case KEE_EVENT_GONE:
            event->gone(event->context);
            break;
        }
        free_event(client, event);
        kee_client_drain(client);
        kee_client_sweep(client);
        if (client->lost && !client->lost_told) {
            lose(client);
        }
    }
    client->in_callback = false;
}

/* ---- freeing ---- */

/* Cuts a row off from all others. */
static void free_promise(struct keeve_client *client, struct kee_client_promise *promise)
{
    while (!kee_list_is_empty(&promise->waiters)) {
        free_event(client, KEE_CONTAINER(promise->waiters.next, struct kee_client_event, link));
    }
    while (!kee_list_is_empty(&promise->queue)) {
        struct kee_client_message *message =
            KEE_CONTAINER(promise->queue.next, struct kee_client_message, link);
        kee_list_remove(&message->link);
        kee_client_data_release(client, message->data);
        kee_client_unuse(client, message->result);
        free(message);
    }
    kee_client_data_release(client, promise->data);
    promise->data = NULL;
    kee_list_remove(&promise->follower);
    promise->follows = NULL;
    free(promise->answers); /* not listed any more */
    promise->answers = NULL;
}

static void free_promises(struct keeve_client *client, const struct kee_map *map)
{
    struct kee_client_ref *row;
    size_t at = 0;

    while ((row = kee_map_next(map, &at)) != NULL) {
        for (; row != NULL; row = row->next) {
            if (kee_client_is_promise(row)) {
                free_promise(client, &row->as.promise);
            }
        }
    }
}

static void free_rows(struct keeve_client *client, struct kee_map *map)
{
    struct kee_client_ref *row;
    size_t at = 0;

    while ((row = kee_map_next(map, &at)) != NULL) {
        kee_client_remove(client, row);
        at = 0; /* removing moves cells */
    }
    kee_map_fini(map);
}

void kee_client_free(struct keeve_client *client)
{
    if (client == NULL) {
        return;
    }
    client->lost = true; /* nothing is emitted any more */
    while (!kee_list_is_empty(&client->told)) {
        free_event(client, KEE_CONTAINER(client->told.next, struct kee_client_event, link));
    }
    while (!kee_list_is_empty(&client->asked_order)) {
        struct kee_client_asked *asked =
            KEE_CONTAINER(client->asked_order.next, struct kee_client_asked, link);
        if (!asked->returned) {
            asked->row->as.promise.answers = NULL;
            asked->returned = true;
        }
        kee_client_asked_drop(client, asked);
    }
    free_promises(client, &client->own);
    free_promises(client, &client->theirs);
    free_rows(client, &client->own);
    free_rows(client, &client->theirs);
    kee_map_fini(&client->asked);
    kee_buf_fini(&client->text);
    kee_buf_fini(&client->why);
    free(client);
}
