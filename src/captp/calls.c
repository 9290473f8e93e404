/* SPDX-License-Identifier: Apache-2.0 */
/*
 * calls - calls and gets of the other side.
 *
 *   target      a call                    a get
 *   an object   to the kernel             to the kernel
 *   a promise   to the kernel, at once    once it has settled: looked up here if it is data
 *
 * What comes after a get that waits waits behind it, so that the order on one target holds. A call on an
 * answer that itself waits waits for that.
 */
#include <stdlib.h>

#include "base/fault.h"
#include "captp/session.h"
#include "kernel/kernel.h"
#include "value/body.h"

static int send_to(struct kee_captp *session, struct kee_captp_call *call, struct kee_bytes name);
static int aim_at_thing(struct kee_captp *session, struct kee_captp_call *call,
                        struct kee_captp_thing *promise);

/* ---- answers that are settled here ---- */

static int hold_names(struct kee_captp *session, const struct kee_body *body)
{
    struct kee_kref kref;
    int r = 0;

    for (size_t i = 0; r == 0 && i < body->slot_count; i++) {
        if (kee_kref_parse(body->slots[i], &kref)) {
            r = kee_peer_hold(session->kernel, session->peer, kref);
        }
    }
    return r;
}

/* From now on what waits for it may go on. */
static void is_known(struct kee_captp *session, struct kee_captp_answer *answer)
{
    if (!kee_list_is_empty(&answer->waiting)) {
        kee_list_append(&session->ready, &answer->ready);
    }
}

static int return_here(struct kee_captp *session, struct kee_captp_answer *answer, bool rejected,
                       const struct kee_body *body)
{
    struct kee_vp_capdata data;
    int r = kee_captp_word_set(&answer->word, body);

    answer->state = KEE_CAPTP_ANSWER_HERE;
    answer->rejected = rejected;
    data = kee_captp_word_data(&answer->word);
    r = r != 0 ? r : kee_captp_emit_return(session, answer, rejected, &data);
    if (r == 0) {
        is_known(session, answer);
    }
    return r;
}

int kee_captp_refuse(struct kee_captp *session, struct kee_captp_answer *answer, const char *name,
                     const char *message)
{
    struct kee_arena arena = KEE_ARENA_EMPTY;
    struct kee_body body;
    int r = message == NULL ? kee_fault(KEE_FAULT_MEMORY, "a sentence")
                            : kee_captp_error(session, name, kee_bytes_str(message), &arena, &body);

    r = r != 0 ? r : return_here(session, answer, true, &body);
    kee_arena_fini(&arena);
    return r;
}

int kee_captp_settle_here(struct kee_captp *session, struct kee_captp_answer *answer, bool rejected,
                          const struct kee_body *body)
{
    /* One mention that is told, one for as long as the answer may be spoken to. */
    int r = hold_names(session, body);

    r = r != 0 ? r : hold_names(session, body);
    if (r > 0) {
        return kee_captp_refuse(session, answer, "Error", kee_kernel_why(session->kernel));
    }
    return r != 0 ? r : return_here(session, answer, rejected, body);
}

/* What one answer came to, another comes to. */
static int settle_alike(struct kee_captp *session, struct kee_captp_answer *answer, bool rejected,
                        const struct kee_vp_capdata *data)
{
    struct kee_arena arena = KEE_ARENA_EMPTY;
    struct kee_bytes *names = kee_arena_alloc(&arena, data->slots.count * sizeof *names);
    struct kee_body body = {data->body, names, data->slots.count};
    struct kee_vp_strings slots = data->slots;
    struct kee_bytes name;
    int r = names == NULL ? kee_fault(KEE_FAULT_MEMORY, "names") : 0;

    for (size_t i = 0; r == 0 && kee_vp_strings_next(&slots, &name); i++) {
        names[i] = name;
    }
    r = r != 0 ? r : kee_captp_settle_here(session, answer, rejected, &body);
    kee_arena_fini(&arena);
    return r;
}

int kee_captp_forget(struct kee_captp *session, struct kee_captp_answer *answer)
{
    struct kee_vp_strings slots = kee_captp_word_data(&answer->word).slots;
    struct kee_bytes name;
    struct kee_kref kref;
    int r = 0;

    if (answer->state == KEE_CAPTP_ANSWER_SENT && !answer->rowless) {
        r = kee_captp_order(session, KEE_CAPTP_LET_GO, answer->thing->kref, NULL);
    }
    while (r == 0 && kee_vp_strings_next(&slots, &name)) {
        if (kee_kref_parse(name, &kref)) {
            r = kee_captp_order(session, KEE_CAPTP_LET_GO, kref, NULL);
        }
    }
    if (r == 0) {
        kee_captp_answer_free(session, answer);
    }
    return r;
}

/* ---- properties ---- */

static struct kee_value *number_of(struct kee_arena *arena, double number)
{
    struct kee_value *value = kee_value_new(arena, KEE_VALUE_NUMBER);

    if (value != NULL) {
        value->as.number = number;
    }
    return value;
}

/* Of data. NULL: memory is out. */
static struct kee_value *property_of(const struct kee_value *value, struct kee_bytes name,
                                     struct kee_arena *arena)
{
    bool is_length = kee_bytes_equal(name, KEE_BYTES_LIT("length"));
    uint64_t index;

    switch (value->kind) {
    case KEE_VALUE_RECORD:
        for (size_t i = 0; i < value->as.record.count; i++) {
            if (kee_bytes_equal(value->as.record.members[i].name, name)) {
                return value->as.record.members[i].value;
            }
        }
        break;
    case KEE_VALUE_ARRAY:
        if (is_length) {
            return number_of(arena, (double)value->as.array.count);
        }
        if (kee_bytes_decimal(name, &index) && index < value->as.array.count) {
            return value->as.array.items[index];
        }
        break;
    case KEE_VALUE_STRING:
        if (is_length) { /* in UTF-16 units: one for each lead byte, two above the basic plane */
            size_t units = 0;
            for (size_t i = 0; i < value->as.text.size; i++) {
                uint8_t c = value->as.text.data[i];
                units += (c & 0xc0) != 0x80;
                units += c >= 0xf0;
            }
            return number_of(arena, (double)units);
        }
        break;
    case KEE_VALUE_ERROR:
        if (kee_bytes_equal(name, KEE_BYTES_LIT("message"))) {
            return kee_value_string(arena, value->as.error.message);
        }
        if (kee_bytes_equal(name, KEE_BYTES_LIT("name"))) {
            return kee_value_string(arena, value->as.error.name);
        }
        break;
    case KEE_VALUE_TAGGED:
        if (kee_bytes_equal(name, KEE_BYTES_LIT("payload"))) {
            return value->as.tagged.payload;
        }
        break;
    default:
        break;
    }
    return kee_value_new(arena, KEE_VALUE_UNDEFINED);
}

static int answer_get(struct kee_captp *session, struct kee_captp_call *call,
                      const struct kee_value *value, struct kee_arena *arena)
{
    struct kee_bytes name = kee_buf_bytes(&call->property);
    struct kee_buf why = KEE_BUF_EMPTY;
    const struct kee_value *found;
    struct kee_body body;
    int r;

    if (value->kind == KEE_VALUE_NULL || value->kind == KEE_VALUE_UNDEFINED) {
        kee_buf_printf(&why, "cannot read properties of %s (reading '%.*s')",
                       value->kind == KEE_VALUE_NULL ? "null" : "undefined",
                       (int)(name.size < 60 ? name.size : 60), (const char *)name.data);
        r = kee_buf_status(&why);
        r = r != 0 ? r : kee_captp_refuse(session, call->answer, "TypeError", kee_buf_cstr(&why));
        kee_buf_fini(&why);
        return r;
    }
    found = property_of(value, name, arena);
    r = found == NULL ? kee_fault(KEE_FAULT_MEMORY, "a property")
                      : kee_body_encode(found, arena, &body, &why);
    if (r == 0) {
        r = kee_captp_settle_here(session, call->answer, false, &body);
    } else if (r > 0) {
        r = kee_captp_refuse(session, call->answer, "Error", kee_buf_cstr(&why));
    }
    kee_buf_fini(&why);
    return r;
}

/* ---- one call on what has settled, or need not ---- */

/* The target is known to be value: a reference that is spoken to, or data. A promise that a promise came
 * to is the kernel's to follow, who sees circles; one that a get found may be looked into. Takes call. */
static int call_value(struct kee_captp *session, struct kee_captp_call *call,
                      const struct kee_value *value, bool found, struct kee_arena *arena)
{
    struct kee_captp_thing *promise;
    struct kee_kref kref;
    int r;

    if (value->kind == KEE_VALUE_REMOTABLE || value->kind == KEE_VALUE_PROMISE) {
        promise = found && kee_kref_parse(value->as.ref.slot, &kref) && kee_kref_is_promise(kref)
                      ? kee_captp_thing_get(session, kref)
                      : NULL;
        return promise != NULL ? aim_at_thing(session, call, promise)
                               : send_to(session, call, value->as.ref.slot);
    }
    r = call->gets ? answer_get(session, call, value, arena)
                   : kee_captp_refuse(session, call->answer, "TypeError",
                                      "the target is data, not an object: it has no methods");
    kee_captp_call_free(call);
    return r;
}

/* The target has settled as data says. Takes call. */
static int call_settled(struct kee_captp *session, struct kee_captp_call *call, bool rejected,
                        bool found, const struct kee_vp_capdata *data)
{
    struct kee_arena arena = KEE_ARENA_EMPTY;
    struct kee_buf why = KEE_BUF_EMPTY;
    struct kee_value *value = NULL;
    int r;

    if (rejected) {
        r = settle_alike(session, call->answer, true, data);
        kee_captp_call_free(call);
        return r;
    }
    r = kee_captp_value_tree(data, &arena, &value, &why);
    if (r == 0) {
        r = call_value(session, call, value, found, &arena);
    } else {
        r = r < 0 ? r : kee_captp_refuse(session, call->answer, "Error", kee_buf_cstr(&why));
        kee_captp_call_free(call);
    }
    kee_buf_fini(&why);
    kee_arena_fini(&arena);
    return r;
}

/* Looks into the promise, which has settled as we have heard. Takes call. */
static int get_from(struct kee_captp *session, struct kee_captp_call *call,
                    struct kee_captp_thing *promise)
{
    struct kee_buf name = KEE_BUF_EMPTY, hold = KEE_BUF_EMPTY;
    struct kee_vp_capdata data = {0};
    char state = 'u';
    int r;

    kee_buf_put_kref(&name, promise->kref);
    r = kee_buf_status(&name);
    r = r != 0 ? r
               : kee_peer_look(session->kernel, session->peer, kee_buf_bytes(&name), &hold, &state,
                               &data);
    if (r == 0 && state != 'u') {
        /* What was looked at was mentioned; ours are the mentions that settle_here makes. */
        r = kee_captp_unheard(session, &data);
        if (r == 0) {
            r = call_settled(session, call, state == 'r', false, &data);
        } else {
            kee_captp_call_free(call);
        }
    } else {
        r = r < 0 ? r
                  : kee_captp_refuse(session, call->answer, "Error",
                                     "the promise is no longer known");
        kee_captp_call_free(call);
    }
    kee_buf_fini(&hold);
    kee_buf_fini(&name);
    return r;
}

/* The other side's objects that a call named which came to nothing. */
static int unsaid_names(struct kee_captp *session, const struct kee_captp_word *word)
{
    struct kee_vp_strings slots = kee_captp_word_data(word).slots;
    struct kee_bytes name;
    int r = 0;

    while (r == 0 && kee_vp_strings_next(&slots, &name)) {
        if (kee_bytes_has_prefix(name, KEE_BYTES_LIT("o+"))) {
            r = kee_captp_emit_drop(session, name, 1);
        }
    }
    return r;
}

/* To the kernel. Takes call. */
static int send_to(struct kee_captp *session, struct kee_captp_call *call, struct kee_bytes name)
{
    struct kee_captp_answer *answer = call->answer;
    struct kee_vp_capdata data = kee_captp_word_data(&call->word);
    struct kee_kref promise;
    int r = kee_captp_revive(session, data.slots);

    r = r != 0 ? r : kee_peer_send(session->kernel, session->peer, name, data, &promise);

    if (r == 0) {
        r = kee_captp_answer_sent(session, answer, promise);
        if (r == 0) {
            is_known(session, answer);
        }
    } else if (r > 0) {
        r = kee_captp_refuse(session, answer, "Error", kee_kernel_why(session->kernel));
        r = r != 0 ? r : unsaid_names(session, &call->word);
    }
    kee_captp_call_free(call);
    return r;
}

static int send_to_thing(struct kee_captp *session, struct kee_captp_call *call,
                         const struct kee_captp_thing *thing)
{
    struct kee_buf name = KEE_BUF_EMPTY;
    int r;

    kee_buf_put_kref(&name, thing->kref);
    r = kee_buf_status(&name);
    if (r == 0) {
        r = send_to(session, call, kee_buf_bytes(&name));
    } else {
        kee_captp_call_free(call);
    }
    kee_buf_fini(&name);
    return r;
}

/* ---- where a call is aimed ---- */

/* At a promise of the kernel. Takes call. */
static int aim_at_thing(struct kee_captp *session, struct kee_captp_call *call,
                        struct kee_captp_thing *promise)
{
    if (!kee_list_is_empty(&promise->waiting) || (call->gets && !promise->settled)) {
        kee_list_append(&promise->waiting, &call->link);
        kee_captp_thing_wake(session, promise);
        return 0;
    }
    return call->gets ? get_from(session, call, promise) : send_to_thing(session, call, promise);
}

/* At an answer. Takes call. */
static int aim_at_answer(struct kee_captp *session, struct kee_captp_call *call,
                         struct kee_captp_answer *answer)
{
    struct kee_vp_capdata data;

    switch (answer->state) {
    case KEE_CAPTP_ANSWER_WAITS:
        kee_list_append(&answer->waiting, &call->link);
        return 0;
    case KEE_CAPTP_ANSWER_SENT:
        return aim_at_thing(session, call, answer->thing);
    case KEE_CAPTP_ANSWER_HERE:
        break;
    }
    data = kee_captp_word_data(&answer->word);
    return call_settled(session, call, answer->rejected, true, &data);
}

int kee_captp_run(struct kee_captp *session, struct kee_captp_thing *promise)
{
    struct kee_link now;
    int r = 0;

    /* Off the promise first: what is aimed at it from here on does not wait. */
    kee_list_init(&now);
    promise->busy = true;
    while (!kee_list_is_empty(&promise->waiting)) {
        struct kee_link *link = promise->waiting.next;
        kee_list_remove(link);
        kee_list_append(&now, link);
    }
    while (!kee_list_is_empty(&now)) {
        struct kee_captp_call *call = KEE_CONTAINER(now.next, struct kee_captp_call, link);
        kee_list_remove(&call->link);
        if (r == 0) {
            r = aim_at_thing(session, call, promise);
        } else {
            kee_captp_call_free(call);
        }
    }
    promise->busy = false;
    if (r == 0 && promise->pinned) {
        promise->pinned = false;
        r = kee_captp_order(session, KEE_CAPTP_LET_GO, promise->kref, NULL);
    }
    if (r == 0) {
        kee_captp_thing_rest(session, promise);
    }
    return r;
}

int kee_captp_run_ready(struct kee_captp *session)
{
    int r = 0;

    while (r == 0 && !kee_list_is_empty(&session->ready)) {
        struct kee_captp_answer *answer =
            KEE_CONTAINER(session->ready.next, struct kee_captp_answer, ready);
        kee_list_remove(&answer->ready);
        while (r == 0 && !kee_list_is_empty(&answer->waiting)) {
            struct kee_captp_call *call =
                KEE_CONTAINER(answer->waiting.next, struct kee_captp_call, link);
            kee_list_remove(&call->link);
            r = aim_at_answer(session, call, answer);
        }
        if (r == 0 && answer->unwanted && answer->returned) {
            r = kee_captp_forget(session, answer);
        }
    }
    return r;
}

/* Finds the target and aims. Takes call. */
static int aim(struct kee_captp *session, struct kee_captp_call *call, struct kee_bytes target,
               struct kee_arena *arena)
{
    struct kee_captp_answer *answer = kee_captp_answer_find(session, target);
    struct kee_captp_thing *promise = NULL;
    struct kee_buf why = KEE_BUF_EMPTY;
    struct kee_bytes name;
    struct kee_kref kref;
    int r;

    if (answer != NULL && answer != call->answer) {
        kee_captp_answer_used(session, answer);
        return aim_at_answer(session, call, answer);
    }
    if (kee_captp_is_slot(target) && target.data[1] == '+') {
        kee_buf_put_str(&why, "the target of a call is a thing of ours, not one of yours");
        r = KEE_VALUE_BAD;
    } else if (target.data[0] == 'q') {
        kee_buf_printf(&why, "there is no question %.*s, or its answer is forgotten",
                       (int)target.size, (const char *)target.data);
        r = KEE_VALUE_BAD;
    } else {
        r = kee_captp_name_in(session, target, arena, &name, &why);
    }
    if (r != 0) {
        r = r < 0 ? r : kee_captp_refuse(session, call->answer, "Error", kee_buf_cstr(&why));
        r = r != 0 ? r : unsaid_names(session, &call->word);
        kee_captp_call_free(call);
    } else {
        if (kee_kref_parse(name, &kref) && kee_kref_is_promise(kref)) {
            promise = kee_captp_thing_get(session, kref);
        }
        r = promise != NULL ? aim_at_thing(session, call, promise) : send_to(session, call, name);
    }
    kee_buf_fini(&why);
    return r;
}

static int call_new(struct kee_captp_answer *answer, const struct kee_body *body,
                    const struct kee_captp_method *method, struct kee_captp_call **out)
{
    struct kee_captp_call *call = calloc(1, sizeof *call);
    int r;

    if (call == NULL) {
        return kee_fault(KEE_FAULT_MEMORY, "a call");
    }
    kee_list_init(&call->link);
    call->answer = answer;
    call->gets = method->gets;
    kee_buf_put_bytes(&call->property, method->property);
    r = kee_captp_word_set(&call->word, body);
    r = r != 0 ? r : kee_buf_status(&call->property);
    if (r != 0) {
        kee_captp_call_free(call);
        return r;
    }
    *out = call;
    return 0;
}

static int mention_own(struct kee_captp *session, const struct kee_body *body)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < body->slot_count; i++) {
        if (kee_bytes_has_prefix(body->slots[i], KEE_BYTES_LIT("p+"))) {
            r = kee_captp_own_mention(session, body->slots[i]);
        }
    }
    return r;
}

int kee_captp_call(struct kee_captp *session, const struct kee_captp_op *op,
                   struct kee_captp_answer *answer)
{
    struct kee_arena arena = KEE_ARENA_EMPTY;
    struct kee_buf why = KEE_BUF_EMPTY;
    struct kee_captp_method method;
    struct kee_captp_call *call = NULL;
    struct kee_body body;
    int r;

    if (op->trap) {
        kee_buf_put_str(&why, "calls that wait (trap) are not supported");
        r = KEE_VALUE_BAD;
    } else {
        r = kee_captp_value_in(session, &op->value, &method, &arena, &body, &why);
    }
    if (r > 0) {
        r = kee_captp_refuse(session, answer, "TypeError", kee_buf_cstr(&why));
        r = r != 0 ? r : kee_captp_unsaid(session, &op->value);
    } else if (r == 0) {
        r = mention_own(session, &body);
        r = r != 0 ? r : call_new(answer, &body, &method, &call);
        r = r != 0 ? r : aim(session, call, op->target, &arena);
    }
    kee_buf_fini(&why);
    kee_arena_fini(&arena);
    return r;
}
