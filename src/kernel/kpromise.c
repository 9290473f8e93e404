/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kpromise - promises: unsettled with a decider, or settled with data.
 *
 * A promise's row counts the c-list rows, queue rows, settled data and holds that name it. At zero it
 * goes, and what its data names is released; that may run as deep as a vat likes to nest, so it is
 * done in a loop at the end of the crank (kee_txn_commit), not by recursion.
 */
#include <stdarg.h>
#include <stdio.h>

#include "kernel/internal.h"

int kee_promise_get(struct kee_kernel *kernel, struct kee_kref kref, struct kee_buf *hold,
                    struct kee_promise *out)
{
    struct kee_key key;
    struct kee_bytes row, state, references, decider;
    int r;

    r = kee_world_get(kernel->world, kee_key_kref(&key, "", kref, ""), &row);
    if (r != 0) {
        return r;
    }
    kee_buf_clear(hold);
    kee_buf_put_bytes(hold, row);
    r = kee_buf_status(hold);
    if (r < 0) {
        return r;
    }
    row = kee_buf_bytes(hold);
    state = kee_bytes_cut(&row, ' ');
    references = kee_bytes_cut(&row, ' ');
    decider = kee_bytes_cut(&row, ' ');
    out->subscribers = row;
    out->decider = KEE_ENDPOINT_NONE;
    out->expected = decider.size > 0 && decider.data[0] == '>';
    if (out->expected) {
        (void)kee_bytes_cut(&decider, '>');
    }
    if (state.size != 1 || !kee_bytes_decimal(references, &out->references) || row.size == 0 ||
        (!kee_bytes_equal(decider, KEE_BYTES_LIT("-")) &&
         !kee_endpoint_parse(decider, &out->decider))) {
        return kee_row_corrupt(kee_key_view(&key), "STATE REFERENCES DECIDER SUBSCRIBERS");
    }
    out->state = (char)state.data[0];
    out->parked = out->state == 'q';
    if (out->parked) {
        out->state = 'u';
    }
    return 0;
}

static int promise_need(struct kee_kernel *kernel, struct kee_kref kref, struct kee_buf *hold,
                        struct kee_promise *out)
{
    int r = kee_promise_get(kernel, kref, hold, out);

    return r == KEE_STORE_ABSENT ? kee_fault(KEE_FAULT_CORRUPT, "kp%llu is named but has no row",
                                             (unsigned long long)kee_kref_number(kref))
                                 : r;
}

int kee_promise_put(struct kee_kernel *kernel, struct kee_kref kref,
                    const struct kee_promise *promise, bool fresh)
{
    struct kee_buf *row = kee_scratch_take(kernel);
    struct kee_key key;
    int r;

    kee_buf_put_char(row, promise->parked ? 'q' : promise->state);
    kee_buf_put_char(row, ' ');
    kee_buf_put_decimal(row, promise->references);
    kee_buf_put_str(row, promise->expected && !kee_endpoint_is_none(promise->decider) ? " >" : " ");
    kee_buf_put_endpoint(row, promise->decider);
    kee_buf_put_char(row, ' ');
    kee_buf_put_bytes(row, promise->subscribers);
    r = kee_row_put(kernel, kee_key_kref(&key, "", kref, ""), row, fresh);
    kee_scratch_give(kernel, row);
    return r;
}

int kee_promise_new_for(struct kee_kernel *kernel, struct kee_endpoint_id decider,
                        uint64_t references, struct kee_bytes subscribers, struct kee_kref *out)
{
    struct kee_promise promise = {
        .state = 'u', .references = references, .decider = decider, .subscribers = subscribers};
    uint64_t n;
    int r;

    r = kee_ids_take(kernel, 'p', &n);
    if (r < 0) {
        return r;
    }
    *out = kee_kref_make(KEE_KREF_PROMISE, n);
    return kee_promise_put(kernel, *out, &promise, true);
}

int kee_promise_new(struct kee_kernel *kernel, struct kee_endpoint_id decider, uint64_t references,
                    struct kee_kref *out)
{
    return kee_promise_new_for(kernel, decider, references, KEE_BYTES_LIT("-"), out);
}

int kee_promise_count(struct kee_kernel *kernel, struct kee_kref kref, int by)
{
    struct kee_buf *hold = kee_scratch_take(kernel);
    struct kee_promise promise;
    int r;

    r = promise_need(kernel, kref, hold, &promise);
    if (r == 0 && by < 0 && promise.references == 0) {
        r = kee_fault(KEE_FAULT_CORRUPT, "count of kp%llu below zero",
                      (unsigned long long)kee_kref_number(kref));
    }
    if (r == 0) {
        promise.references += (uint64_t)(int64_t)by;
        r = kee_promise_put(kernel, kref, &promise, false);
    }
    if (r == 0 && promise.references == 0) {
        kee_buf_put_u64(&kernel->dead_todo, kref.bits);
        r = kee_buf_status(&kernel->dead_todo);
    }
    kee_scratch_give(kernel, hold);
    return r;
}

int kee_promise_decide(struct kee_kernel *kernel, struct kee_kref kref,
                       struct kee_endpoint_id decider, bool expected)
{
    struct kee_buf *hold = kee_scratch_take(kernel);
    struct kee_promise promise;
    bool takes, release = false;
    int r;

    r = promise_need(kernel, kref, hold, &promise);
    r = r != 0 ? r : kee_endpoint_takes_ahead(kernel, decider, &takes);
    if (r == 0) {
        kee_assert(promise.state == 'u');
        release = promise.parked && takes;
        promise.parked = promise.parked && !release;
        promise.decider = decider;
        promise.expected = expected;
        r = kee_promise_put(kernel, kref, &promise, false);
    }
    kee_scratch_give(kernel, hold);
    return r == 0 && release ? kee_parked_release(kernel, kref) : r;
}

int kee_promise_park(struct kee_kernel *kernel, struct kee_kref kref)
{
    struct kee_buf *hold = kee_scratch_take(kernel);
    struct kee_promise promise;
    int r;

    r = promise_need(kernel, kref, hold, &promise);
    if (r == 0 && !promise.parked) {
        promise.parked = true;
        r = kee_promise_put(kernel, kref, &promise, false);
    }
    kee_scratch_give(kernel, hold);
    return r;
}

/* Copies list without id; tells whether it was there. */
static bool list_without(struct kee_buf *out, struct kee_bytes list, struct kee_endpoint_id id)
{
    struct kee_endpoint_id listed;
    struct kee_bytes one;
    bool found = false;

    while (list.size > 0) {
        one = kee_bytes_cut(&list, ',');
        if (!kee_endpoint_parse(one, &listed)) {
            continue; /* "-" */
        }
        if (kee_endpoint_equal(listed, id)) {
            found = true;
            continue;
        }
        if (out->size > 0) {
            kee_buf_put_char(out, ',');
        }
        kee_buf_put_bytes(out, one);
    }
    return found;
}

static int change_subscribers(struct kee_kernel *kernel, struct kee_kref kref,
                              struct kee_endpoint_id id, bool add)
{
    struct kee_buf *hold = kee_scratch_take(kernel);
    struct kee_buf *list = kee_scratch_take(kernel);
    struct kee_promise promise;
    bool found;
    int r;

    r = promise_need(kernel, kref, hold, &promise);
    if (r != 0 || promise.state != 'u') {
        goto out;
    }
    found = list_without(list, promise.subscribers, id);
    if (add) {
        if (found) {
            goto out;
        }
        if (list->size > 0) {
            kee_buf_put_char(list, ',');
        }
        kee_buf_put_endpoint(list, id);
    } else if (!found) {
        goto out;
    }
    if (list->size == 0) {
        kee_buf_put_char(list, '-');
    }
    r = kee_buf_status(list);
    if (r == 0) {
        promise.subscribers = kee_buf_bytes(list);
        r = kee_promise_put(kernel, kref, &promise, false);
    }
out:
    kee_scratch_give(kernel, list);
    kee_scratch_give(kernel, hold);
    return r;
}

int kee_promise_subscribe(struct kee_kernel *kernel, struct kee_kref kref,
                          struct kee_endpoint_id id)
{
    return change_subscribers(kernel, kref, id, true);
}

int kee_promise_unsubscribe(struct kee_kernel *kernel, struct kee_kref kref,
                            struct kee_endpoint_id id)
{
    return change_subscribers(kernel, kref, id, false);
}

int kee_promise_data(struct kee_kernel *kernel, struct kee_kref kref, struct kee_buf *hold,
                     struct kee_bytes *slots, struct kee_bytes *body)
{
    struct kee_key key;
    struct kee_bytes row;
    int r;

    r = kee_row_need(kernel, kee_key_kref(&key, "", kref, ".d"), &row);
    if (r < 0) {
        return r;
    }
    kee_buf_clear(hold);
    kee_buf_put_bytes(hold, row);
    r = kee_buf_status(hold);
    if (r < 0) {
        return r;
    }
    *body = kee_buf_bytes(hold);
    *slots = kee_bytes_cut(body, ' ');
    return 0;
}

/* A peer hears how a promise that it was mentioned settled even if it settles it itself. */
static int wake_subscribers(struct kee_kernel *kernel, struct kee_kref kref,
                            struct kee_endpoint_id settler, struct kee_bytes subscribers,
                            bool rejected, struct kee_bytes slots, struct kee_bytes body)
{
    struct kee_endpoint_id id;
    int r = 0;

    while (r == 0 && subscribers.size > 0) {
        struct kee_bytes one = kee_bytes_cut(&subscribers, ',');
        if (!kee_endpoint_parse(one, &id)) {
            continue; /* "-" */
        }
        if (kee_endpoint_peer(id).n != 0) {
            r = kee_tell_settled(kernel, kee_endpoint_peer(id), kref, rejected, slots, body);
        } else if (!kee_endpoint_equal(id, settler)) {
            r = kee_notify_push(kernel, kee_endpoint_vat(id), kref, settler);
        }
    }
    return r;
}

int kee_promise_settle(struct kee_kernel *kernel, struct kee_kref kref,
                       struct kee_endpoint_id settler, bool rejected, struct kee_bytes slots,
                       struct kee_bytes body)
{
    struct kee_buf *hold = kee_scratch_take(kernel);
    struct kee_buf *data = kee_scratch_take(kernel);
    struct kee_promise promise;
    struct kee_bytes subscribers;
    struct kee_key key;
    bool parked = false;
    int r;

    /* Before the row is read: a hostile vat may settle a promise with itself. */
    r = kee_krefs_hold(kernel, slots);
    r = r != 0 ? r : promise_need(kernel, kref, hold, &promise);
    if (r != 0) {
        goto out;
    }
    kee_assert(promise.state == 'u');
    subscribers = promise.subscribers;
    parked = promise.parked;
    promise.parked = false;
    promise.state = rejected ? 'r' : 'f';
    promise.decider = KEE_ENDPOINT_NONE;
    promise.expected = false;
    promise.subscribers = KEE_BYTES_LIT("-");
    if (slots.size == 0) {
        slots = KEE_BYTES_LIT("-");
    }
    kee_buf_put_bytes(data, slots);
    kee_buf_put_char(data, ' ');
    kee_buf_put_bytes(data, body);
    r = kee_row_put(kernel, kee_key_kref(&key, "", kref, ".d"), data, true);
    r = r != 0 ? r : kee_promise_put(kernel, kref, &promise, false);
    r = r != 0 ? r : wake_subscribers(kernel, kref, settler, subscribers, rejected, slots, body);
    r = r != 0 ? r : kee_calls_settled(kernel, kref, rejected, slots, body);
    r = r != 0 || !parked ? r : kee_parked_release(kernel, kref);
out:
    kee_scratch_give(kernel, data);
    kee_scratch_give(kernel, hold);
    return r;
}

void kee_json_escape(struct kee_buf *out, struct kee_bytes text)
{
    for (size_t i = 0; i < text.size; i++) {
        uint8_t c = text.data[i];
        if (c == '"' || c == '\\') {
            kee_buf_put_char(out, '\\');
            kee_buf_put_char(out, (char)c);
        } else if (c < 0x20) {
            kee_buf_printf(out, "\\u%04x", c);
        } else {
            kee_buf_put_char(out, (char)c);
        }
    }
}

/* A smallcaps string: one that begins with a special character is marked plain. */
static void put_smallcaps_string(struct kee_buf *out, struct kee_bytes text)
{
    kee_buf_put_char(out, '"');
    if (text.size > 0 && text.data[0] >= '!' && text.data[0] <= '-') {
        kee_buf_put_char(out, '!');
    }
    kee_json_escape(out, text);
    kee_buf_put_char(out, '"');
}

void kee_error_body(struct kee_buf *out, const char *name, struct kee_bytes message)
{
    kee_buf_put_str(out, "#{\"#error\":");
    put_smallcaps_string(out, message);
    kee_buf_put_str(out, ",\"name\":");
    put_smallcaps_string(out, kee_bytes_str(name));
    kee_buf_put_char(out, '}');
}

int kee_promise_reject_text(struct kee_kernel *kernel, struct kee_kref kref,
                            struct kee_endpoint_id settler, const char *format, ...)
{
    struct kee_buf *body = kee_scratch_take(kernel);
    char text[512];
    va_list args;
    int r;

    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    kee_error_body(body, "Error", kee_bytes_str(text));
    r = kee_buf_status(body);
    r = r != 0 ? r
               : kee_promise_settle(kernel, kref, settler, true, kee_bytes_of(NULL, 0),
                                    kee_buf_bytes(body));
    kee_scratch_give(kernel, body);
    return r;
}
