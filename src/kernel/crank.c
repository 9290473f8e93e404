/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crank - the end of a crank: all of it becomes one commit, or nothing of it but the report.
 *
 *   DONE ok ──► queue row away, decider moves ──► syscalls ──► store changes ──► commit
 *   DONE failed, illegal syscall, worker gone, deadline ──► undo ──► the restart rule; the message in
 *   flight is tried once more by the next incarnation, then its result rejects by name
 */
#include <stdio.h>

#include "kernel/internal.h"

/* What the delivery itself changes, now that it has happened. */
static int consume_item(struct kee_kernel *kernel, struct kee_vat *vat, uint64_t seq)
{
    struct kee_buf *hold = kee_scratch_take(kernel);
    struct kee_item item;
    struct kee_bytes value;
    struct kee_key key;
    int r;

    r = kee_row_need(kernel, kee_key_queue(&key, vat->id, seq), &value);
    kee_buf_put_bytes(hold, value);
    r = r != 0 ? r : kee_buf_status(hold);
    r = r != 0 ? r : kee_item_parse(kee_key_view(&key), kee_buf_bytes(hold), &item);
    r = r != 0 ? r : kee_queue_delete(kernel, vat, seq);
    if (r == 0 && item.type == 'n') {
        r = kee_clist_retire_promise(kernel, vat, item.target, 1);
    } else if (r == 0 && !kee_kref_is_none(item.result)) {
        r = kee_promise_decide(kernel, item.result, kee_endpoint_of_vat(vat->id), false);
    }
    r = r != 0 ? r : kee_item_release(kernel, &item);
    kee_scratch_give(kernel, hold);
    return r;
}

/* A GC delivery has been carried out: the owner holds these no longer, or knows them no longer. */
static int consume_gc(struct kee_kernel *kernel, struct kee_vat *vat,
                      const struct kee_flight *flight)
{
    struct kee_buf *hold = kee_scratch_take(kernel);
    struct kee_clist_row row;
    int r = 0;

    for (size_t i = 0; i < flight->dropped_count && r == 0; i++) {
        struct kee_kref kref = flight->dropped[i];
        r = kee_clist_find(kernel, vat, kref, hold, &row);
        if (r == KEE_STORE_ABSENT) {
            r = 0; /* the vat retired it itself in the same crank or before */
        } else if (r == 0 && flight->delivery == KEE_VP_DROP_EXPORTS) {
            r = kee_clist_set_flag(kernel, vat, kref, row.vref, false);
        } else if (r == 0) {
            r = kee_clist_remove(kernel, vat, kref, row.vref);
            r = r != 0 ? r
                : flight->delivery == KEE_VP_RETIRE_IMPORTS
                    ? kee_object_count(kernel, kref, row.reachable ? -1 : 0, -1)
                    : kee_object_orphan(kernel, kref);
        }
    }
    vat->gc_wanted = true;
    kee_scratch_give(kernel, hold);
    return r;
}

static int apply_store_changes(struct kee_kernel *kernel, struct kee_vat *vat,
                               struct kee_vp_reader *reader)
{
    bool reaping = kee_vat_flight(vat, 0)->delivery == KEE_VP_BRING_OUT_YOUR_DEAD;
    uint32_t count = kee_vp_take_u32(reader);
    struct kee_key prefix, key;
    int r = 0;

    (void)kee_key_vat(&prefix, vat->id, ".s.");
    for (uint32_t i = 0; i < count && r == 0 && !reader->failed; i++) {
        bool sets = kee_vp_take_u8(reader) != 0;
        struct kee_bytes name = kee_vp_take_string(reader);
        struct kee_bytes value = sets ? kee_vp_take_string(reader) : kee_bytes_of(NULL, 0);
        if (reader->failed) {
            break;
        }
        if (name.size == 0 || name.size + prefix.size > KEE_LIMIT_KEY_BYTES ||
            value.size > KEE_LIMIT_VALUE_BYTES) {
            return kee_kernel_decline(kernel, KEE_KERNEL_BAD,
                                      "a store row of %zu + %zu bytes is over the limit of %u + %u",
                                      name.size, value.size, KEE_LIMIT_KEY_BYTES,
                                      KEE_LIMIT_VALUE_BYTES);
        }
        if (sets && reaping && kee_bytes_equal(name, KEE_BYTES_LIT("vom.remains"))) {
            vat->reap_wanted = true; /* its walk through rows of earlier heaps is to go on */
        }
        if (kernel->cycle != NULL) {
            kee_cycle_row_changes(kernel, vat, name, sets ? &value : NULL);
        }
        key = prefix;
        kee_key_add(&key, name);
        r = sets ? kee_world_put(kernel->world, kee_key_view(&key), value)
                 : kee_world_delete(kernel->world, kee_key_view(&key));
    }
    if (count >= KEE_LIMIT_DEAD_PER_REAP && reaping) {
        vat->reap_wanted = true; /* it had a budget, and has more */
    }
    return r;
}

static int apply(struct kee_kernel *kernel, struct kee_vat *vat, struct kee_vp_reader *reader,
                 struct kee_exit *exit)
{
    struct kee_flight *flight = kee_vat_flight(vat, 0);
    int r = 0;

    if (flight->item_seq != 0) {
        r = consume_item(kernel, vat, flight->item_seq);
    }
    if (r == 0 && flight->delivery == KEE_VP_DROP_EXPORTS) {
        /* First: the vat may retire what was dropped, or export it anew, in this very crank. */
        r = consume_gc(kernel, vat, flight);
    }
    r = r != 0 ? r : kee_syscalls_apply(kernel, vat, reader, exit);
    if (r == 0 && exit->failure && !reader->failed) {
        return 0; /* to be undone */
    }
    for (size_t i = 0; r == 0 && i < flight->named_count; i++) {
        if (flight->named[i].told) {
            r = kee_clist_retire_promise(kernel, vat, flight->named[i].kref, 1);
        }
    }
    r = r != 0 ? r : apply_store_changes(kernel, vat, reader);
    if (r == 0 && flight->dropped_count > 0) {
        if (flight->delivery != KEE_VP_DROP_EXPORTS) {
            r = consume_gc(kernel, vat, flight);
        }
        vat->gc_tries = 0;
    }
    if (r == 0 && flight->delivery == 0 && vat->life == KEE_VAT_NEW) {
        vat->life = KEE_VAT_LIVE;
        r = kee_vat_save(kernel, vat, false);
    }
    if (r == 0 && !kee_vp_reader_end(reader)) {
        r = kee_kernel_decline(kernel, KEE_KERNEL_BAD, "a malformed frame");
    }
    return r;
}

static void trace_end(struct kee_kernel *kernel, struct kee_vat *vat, uint64_t number,
                      const char *why, uint64_t steps)
{
    struct kee_event event;

    if (!kernel->tracing) {
        return;
    }
    kee_event_begin(&event, why == NULL ? "commit" : "undo");
    kee_event_number(&event, "crank", kernel->cranks);
    kee_event_id(&event, "vat", 'v', vat->id.n);
    kee_event_number(&event, "delivery", number);
    if (why != NULL) {
        kee_event_text(&event, "why", kee_bytes_str(why));
    } else {
        kee_event_number(&event, "steps", steps);
    }
    kee_event_emit(kernel, &event);
}

static void step_ended(struct kee_kernel *kernel, struct kee_vat *vat, bool was_start)
{
    if (kernel->step_vat.n == vat->id.n && !was_start && kernel->step_done != NULL) {
        kernel->step_vat.n = 0;
        kernel->step_done(kernel->step_context);
    }
}

static int start_ended(struct kee_kernel *kernel, struct kee_vat *vat)
{
    bool consumed;

    vat->worker = KEE_WORKER_READY;
    vat->start_tries = 0;
    vat->gc_wanted = true; /* what it owns may have been dropped while it had no worker */
    return kee_launch_progress(kernel, vat, NULL, &consumed);
}

/* What follows for the epoch from a bringOutYourDead that has been carried out. */
static int reaped(struct kee_kernel *kernel, struct kee_vat *vat)
{
    const struct kee_flight *flight = kee_vat_flight(vat, 0);

    if (flight->names_unreachable) {
        kee_cycle_told(kernel, vat);
    }
    return flight->asks_heap ? kee_cycle_heap_asked(kernel, vat, flight->heap_told) : 0;
}

/* The vat ends, and takes back what its last crank did. The message is spent; its result, and whatever
 * else the vat was to settle, rejects with the reason. A vat that says so while it starts has not
 * started. */
static int end_with_failure(struct kee_kernel *kernel, struct kee_vat *vat,
                            const struct kee_vp_capdata *reason, uint64_t steps)
{
    struct kee_flight *flight = kee_vat_flight(vat, 0);
    bool was_last = flight->last;
    char why[400];
    int r = 0;

    (void)snprintf(why, sizeof why, "the vat has exited with failure: %.*s",
                   (int)(reason->body.size < 340 ? reason->body.size : 340),
                   (const char *)reason->body.data);
    if (flight->delivery == 0) {
        return kee_crank_failed(kernel, vat, why);
    }
    kee_buf_clear(&kernel->last_words);
    if (reason->slots.count == 0) { /* what only the dead crank exported cannot be named */
        kee_buf_put_bytes(&kernel->last_words, reason->body);
    }
    r = kee_buf_status(&kernel->last_words);
    if (r == 0 && flight->item_seq != 0) {
        kee_txn_begin(kernel);
        r = kee_txn_end(kernel, consume_item(kernel, vat, flight->item_seq));
    }
    if (r == 0) {
        kernel->cranks++;
        trace_end(kernel, vat, flight->number, why, steps);
        r = kee_vat_terminate(kernel, vat, why);
    }
    kee_buf_clear(&kernel->last_words);
    step_ended(kernel, vat, false);
    return r == 0 && was_last ? kee_farewell_done(kernel, vat) : r;
}

int kee_crank_done(struct kee_kernel *kernel, struct kee_vat *vat, struct kee_bytes fields)
{
    struct kee_vp_reader reader = {.rest = fields};
    uint64_t number = kee_vp_take_u64(&reader);
    uint8_t status = kee_vp_take_u8(&reader);
    struct kee_bytes error = kee_vp_take_string(&reader);
    uint64_t steps = kee_vp_take_u64(&reader);
    struct kee_exit exit;
    bool was_start, was_last;
    char why[400];
    int r;

    vat->heap_bytes = kee_vp_take_u64(&reader);
    if (reader.failed || vat->flight_count == 0 || number != kee_vat_flight(vat, 0)->number) {
        return kee_crank_failed(kernel, vat, "the worker sent a malformed frame");
    }
    if (status != KEE_VP_OK) {
        (void)snprintf(why, sizeof why, "%.*s", (int)(error.size < 350 ? error.size : 350),
                       (const char *)error.data);
        return kee_crank_failed(kernel, vat, why);
    }
    kee_txn_begin(kernel);
    r = apply(kernel, vat, &reader, &exit);
    if (r == 0 && exit.failure) { /* else a malformed frame was declined */
        kee_txn_undo(kernel);
        return end_with_failure(kernel, vat, &exit.reason, steps);
    }
    r = kee_txn_end(kernel, r);
    if (r > 0) {
        (void)snprintf(why, sizeof why, "[KERNEL:VAT_FATAL:ILLEGAL_SYSCALL] %s",
                       kee_kernel_why(kernel));
        return kee_crank_failed(kernel, vat, why);
    }
    if (r < 0) {
        return kee_fault(r, "a crank of v%llu", (unsigned long long)vat->id.n);
    }
    kernel->cranks++;
    if (vat->reaped_bytes == 0) { /* just started or reaped */
        vat->reaped_bytes = vat->heap_bytes;
    }
    trace_end(kernel, vat, number, NULL, steps);
    was_start = kee_vat_flight(vat, 0)->delivery == 0;
    r = reaped(kernel, vat);
    was_last = kee_vat_flight(vat, 0)->last;
    kee_vat_pop_flight(kernel, vat);
    kee_vat_mark_busy(kernel, vat);
    if (r == 0 && was_start) {
        r = start_ended(kernel, vat);
    }
    if (r == 0 && exit.said) {
        r = kee_vat_terminate(kernel, vat, "the vat has exited");
    }
    step_ended(kernel, vat, was_start);
    return r == 0 && was_last ? kee_farewell_done(kernel, vat) : r;
}

/* The message whose crank ended the worker: again from the start, or, the second time, rejected. */
static int blame(struct kee_kernel *kernel, struct kee_vat *vat, uint64_t seq, const char *why)
{
    struct kee_buf *hold = kee_scratch_take(kernel);
    struct kee_buf *row = kee_scratch_take(kernel);
    struct kee_item item;
    struct kee_bytes value;
    struct kee_key key;
    char text[500];
    int r;

    r = kee_row_need(kernel, kee_key_queue(&key, vat->id, seq), &value);
    kee_buf_put_bytes(hold, value);
    r = r != 0 ? r : kee_buf_status(hold);
    r = r != 0 ? r : kee_item_parse(kee_key_view(&key), kee_buf_bytes(hold), &item);
    if (r == 0 && ++item.tries < KEE_LIMIT_TRIES) {
        kee_item_format(row, &item);
        r = kee_row_put(kernel, kee_key_view(&key), row, false);
    } else if (r == 0) {
        (void)snprintf(text, sizeof text, "[KERNEL:DELIVERY_FAILED] tried %u times: %s",
                       KEE_LIMIT_TRIES, why);
        r = kee_queue_delete(kernel, vat, seq);
        r = r != 0 ? r : kee_item_reject(kernel, &item, text);
    }
    kee_scratch_give(kernel, row);
    kee_scratch_give(kernel, hold);
    return r;
}

/* A START that did not end well: once more if the worker just died, else the vat is broken. */
static int start_failed(struct kee_kernel *kernel, struct kee_vat *vat, const char *why,
                        bool *consumed)
{
    if (vat->life == KEE_VAT_NEW || ++vat->start_tries >= KEE_LIMIT_TRIES) {
        vat->broken = true;
        (void)snprintf(vat->broken_why, sizeof vat->broken_why, "%s", why);
    }
    return kee_launch_progress(kernel, vat, why, consumed);
}

/* What a vat fails to take note of again and again is so all the same: else it would be told for ever. */
static int give_up_gc(struct kee_kernel *kernel, struct kee_vat *vat)
{
    struct kee_flight *flight = vat->flight_count > 0 ? kee_vat_flight(vat, 0) : NULL;

    if (flight == NULL || flight->dropped_count == 0 || ++vat->gc_tries < KEE_LIMIT_TRIES) {
        return 0;
    }
    vat->gc_tries = 0;
    kee_txn_begin(kernel);
    return kee_txn_end(kernel, consume_gc(kernel, vat, flight));
}

int kee_crank_failed(struct kee_kernel *kernel, struct kee_vat *vat, const char *why)
{
    bool in_crank = vat->flight_count > 0;
    bool was_start = in_crank && kee_vat_flight(vat, 0)->delivery == 0;
    uint64_t number = in_crank ? kee_vat_flight(vat, 0)->number : 0;
    uint64_t seq = in_crank ? kee_vat_flight(vat, 0)->item_seq : 0;
    bool consumed = false;
    int r;

    if (in_crank) {
        kernel->cranks++;
        trace_end(kernel, vat, number, why, 0);
    }
    r = give_up_gc(kernel, vat);
    if (r != 0) {
        return r;
    }
    kee_vat_drop_worker(kernel, vat, true);
    kee_txn_begin(kernel);
    r = seq != 0 ? blame(kernel, vat, seq, why) : 0;
    r = r != 0 ? r : kee_vat_restart(kernel, vat, why);
    r = kee_txn_end(kernel, r);
    if (r == 0 && was_start) {
        r = start_failed(kernel, vat, why, &consumed);
    }
    if (!consumed) {
        step_ended(kernel, vat, was_start);
    }
    return r;
}

int kee_crank_lost(struct kee_kernel *kernel, struct kee_vat *vat, const char *why)
{
    bool in_crank = vat->flight_count > 0;
    bool was_start = in_crank && kee_vat_flight(vat, 0)->delivery == 0;
    int r;

    if (in_crank) {
        trace_end(kernel, vat, kee_vat_flight(vat, 0)->number, why, 0);
    }
    kee_vat_drop_worker(kernel, vat, true);
    kee_txn_begin(kernel);
    r = kee_txn_end(kernel, kee_vat_restart(kernel, vat, why));
    if (r == 0 && was_start && vat->life == KEE_VAT_NEW) {
        r = kee_vat_start(kernel, vat); /* a launch waits for it */
    }
    step_ended(kernel, vat, was_start);
    return r;
}
