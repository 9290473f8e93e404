/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hostcall - calls from outside, and what the console holds.
 *
 * A call waits for one promise, on which it has a hold (a row, so that it counts). When the promise
 * settles inside a crank, an answer is made there; it leaves when the crank's batch is durable. What
 * the answer names is held for the console until the next open, so that a person can use the krefs
 * that were printed.
 */
#include <stdlib.h>

#include "kernel/internal.h"

int kee_hold_add(struct kee_kernel *kernel, struct kee_kref kref)
{
    struct kee_buf *boot = kee_scratch_take(kernel);
    struct kee_key key;
    struct kee_bytes value;
    bool held;
    int r;

    kee_buf_put_decimal(boot, kernel->boot);
    r = kee_world_get(kernel->world, kee_key_kref(&key, "hold.", kref, ""), &value);
    held = r == 0;
    if (r == KEE_STORE_ABSENT || (held && !kee_bytes_equal(value, kee_buf_bytes(boot)))) {
        r = kee_row_put(kernel, kee_key_view(&key), boot, false);
    }
    kee_scratch_give(kernel, boot);
    return r != 0 || held ? r : kee_kref_hold(kernel, kref);
}

int kee_hold_remove(struct kee_kernel *kernel, struct kee_kref kref)
{
    struct kee_key key;
    struct kee_bytes value;
    int r;

    r = kee_world_get(kernel->world, kee_key_kref(&key, "hold.", kref, ""), &value);
    if (r != 0) {
        return r == KEE_STORE_ABSENT ? 0 : r;
    }
    r = kee_world_delete(kernel->world, kee_key_view(&key));
    return r != 0 ? r : kee_kref_release(kernel, kref);
}

int kee_call_wait(struct kee_kernel *kernel, uint64_t number, struct kee_kref promise,
                  struct kee_subcluster_id subcluster, struct kee_kref root,
                  struct kee_peer_id asker)
{
    struct kee_call *call;
    int r;

    r = kee_hold_add(kernel, promise);
    if (r != 0) {
        return r;
    }
    call = calloc(1, sizeof *call);
    if (call == NULL) {
        return kee_fault(KEE_FAULT_MEMORY, "a call");
    }
    *call = (struct kee_call){.number = number,
                              .promise = promise,
                              .subcluster = subcluster,
                              .root = root,
                              .asker = asker};
    r = kee_map_put(&kernel->calls, number, call);
    if (r == 0) {
        r = kee_map_put(&kernel->waits, promise.bits, call);
        if (r != 0) {
            (void)kee_map_remove(&kernel->calls, number);
        }
    }
    if (r != 0) {
        free(call);
    }
    return r;
}

/* What an answer names is held by who asked, if that is still there. */
static int hold_for(struct kee_kernel *kernel, struct kee_peer_id asker, struct kee_kref kref)
{
    struct kee_peer *peer = kee_peer_hearing(kernel, asker);

    if (asker.n == 0) {
        return kee_hold_add(kernel, kref);
    }
    return peer == NULL ? 0 : kee_peer_mention(kernel, peer, kref, false, NULL);
}

/* Body and slots as one buffer; the answer points into it. */
static int answer_fill(struct kee_kernel *kernel, struct kee_output *pending,
                       struct kee_peer_id asker, struct kee_bytes slots, struct kee_bytes body)
{
    struct kee_buf *one = kee_scratch_take(kernel);
    struct kee_kref kref;
    uint32_t count = 0;
    int r = 0;

    kee_buf_put_bytes(&pending->text, body);
    while (r == 0 && kee_krefs_next(&slots, &kref)) {
        kee_buf_clear(one);
        kee_buf_put_kref(one, kref);
        kee_vp_put_string(&pending->text, kee_buf_bytes(one));
        count++;
        r = hold_for(kernel, asker, kref);
    }
    kee_scratch_give(kernel, one);
    r = r != 0 ? r : kee_buf_status(&pending->text);
    if (r == 0) {
        uint8_t *data = pending->text.data;
        pending->answer.data.body = kee_bytes_of(data, body.size);
        pending->answer.data.slots.raw =
            kee_bytes_of(data + body.size, pending->text.size - body.size);
        pending->answer.data.slots.count = count;
    }
    return r;
}

int kee_calls_settled(struct kee_kernel *kernel, struct kee_kref promise, bool rejected,
                      struct kee_bytes slots, struct kee_bytes body)
{
    struct kee_call *call = kee_map_get(&kernel->waits, promise.bits);
    struct kee_output *pending;
    int r;

    if (call == NULL) {
        return 0;
    }
    pending = kee_output_new(kernel, call->number, NULL);
    if (pending == NULL) {
        return KEE_FAULT_MEMORY;
    }
    pending->answer.status = rejected ? KEE_ANSWER_REJECTED : KEE_ANSWER_FULFILLED;
    pending->answer.subcluster = call->subcluster;
    pending->answer.root = call->root;
    r = answer_fill(kernel, pending, call->asker, slots, body);
    return r != 0 ? r : kee_hold_remove(kernel, promise);
}

int kee_answer_decline(struct kee_kernel *kernel, uint64_t call, const char *why)
{
    struct kee_output *pending = kee_output_new(kernel, call, NULL);

    if (pending == NULL) {
        return KEE_FAULT_MEMORY;
    }
    pending->answer.status = KEE_ANSWER_DECLINED;
    kee_buf_put_str(&pending->text, why);
    pending->answer.why = kee_buf_cstr(&pending->text);
    return kee_buf_status(&pending->text);
}

void kee_kernel_forget_call(struct kee_kernel *kernel, uint64_t number)
{
    struct kee_call *call = kee_map_remove(&kernel->calls, number);

    /* The hold on the promise stays until it settles or the next open: nothing can be written here. */
    if (call != NULL) {
        (void)kee_map_remove(&kernel->waits, call->promise.bits);
        free(call);
    }
}

bool kee_answers_name(struct kee_kernel *kernel, struct kee_kref kref)
{
    struct kee_bytes text;
    struct kee_kref one;

    for (struct kee_link *link = kernel->outputs.next; link != &kernel->outputs;
         link = link->next) {
        struct kee_vp_strings slots =
            KEE_CONTAINER(link, struct kee_output, link)->answer.data.slots;
        while (kee_vp_strings_next(&slots, &text)) {
            if (kee_kref_parse(text, &one) && kee_kref_equal(one, kref)) {
                return true;
            }
        }
    }
    return false;
}

/* Slots from outside: krefs that exist, as a LIST. */
static int check_slots(struct kee_kernel *kernel, struct kee_vp_strings slots, struct kee_buf *out)
{
    struct kee_bytes text, value;
    struct kee_kref kref;
    struct kee_key key;
    int r = 0;

    while (kee_vp_strings_next(&slots, &text)) {
        if (!kee_kref_parse(text, &kref)) {
            return kee_kernel_decline(kernel, KEE_KERNEL_BAD, "\"%.*s\" is not a kref like ko4",
                                      (int)(text.size < 60 ? text.size : 60),
                                      (const char *)text.data);
        }
        r = kee_world_get(kernel->world, kee_key_kref(&key, "", kref, ""), &value);
        if (r == KEE_STORE_ABSENT) {
            return kee_kernel_decline(kernel, KEE_KERNEL_NO_SUCH, "there is no %.*s",
                                      (int)text.size, (const char *)text.data);
        }
        r = r != 0 ? r : kee_cycle_may_hold(kernel, kref);
        if (r != 0) {
            return r;
        }
        if (out->size > 0) {
            kee_buf_put_char(out, ',');
        }
        kee_buf_put_kref(out, kref);
    }
    if (out->size == 0) {
        kee_buf_put_char(out, '-');
    }
    return kee_buf_status(out);
}

int kee_kref_need(struct kee_kernel *kernel, struct kee_kref kref)
{
    struct kee_key key;
    struct kee_bytes value;
    int r;

    r = kee_world_get(kernel->world, kee_key_kref(&key, "", kref, ""), &value);
    if (r == KEE_STORE_ABSENT) {
        (void)kee_key_kref(&key, "", kref, "");
        return kee_kernel_decline(kernel, KEE_KERNEL_NO_SUCH, "there is no %.*s", (int)key.size,
                                  (const char *)key.text);
    }
    return r;
}

int kee_kernel_send(struct kee_kernel *kernel, struct kee_kref target,
                    struct kee_vp_capdata methargs, uint64_t call)
{
    struct kee_buf *slots = kee_scratch_take(kernel);
    struct kee_item item = {
        .type = 'm', .from = KEE_BYTES_LIT("console"), .target = target, .body = methargs.body};
    int r;

    kee_txn_begin(kernel);
    if (methargs.body.size > KEE_LIMIT_BODY_BYTES || methargs.slots.count > KEE_LIMIT_SLOTS) {
        r = kee_kernel_decline(kernel, KEE_KERNEL_BAD,
                               "a message of %zu bytes is over the limit "
                               "of %u",
                               methargs.body.size, KEE_LIMIT_BODY_BYTES);
    } else {
        r = kee_kref_need(kernel, target);
        r = r != 0 ? r : kee_cycle_may_hold(kernel, target);
    }
    r = r != 0 ? r : check_slots(kernel, methargs.slots, slots);
    if (r == 0 && call != 0) {
        /* References: the call's hold; kee_route adds the queue row's. */
        r = kee_promise_new(kernel, KEE_ENDPOINT_NONE, 0, &item.result);
        r = r != 0 ? r
                   : kee_call_wait(kernel, call, item.result, (struct kee_subcluster_id){0},
                                   KEE_KREF_NONE, (struct kee_peer_id){0});
    }
    if (r == 0) {
        item.slots = kee_buf_bytes(slots);
        r = kee_route(kernel, &item, true);
    }
    r = kee_txn_end(kernel, r);
    if (r != 0 && call != 0) {
        kee_kernel_forget_call(kernel, call);
    }
    kee_scratch_give(kernel, slots);
    return r;
}
