/* SPDX-License-Identifier: Apache-2.0 */
/*
 * syscall - what a crank asked for, checked and applied in order.
 *
 * All of it runs inside the crank's transaction: the first illegal one makes the whole crank undone.
 * The names come from the vat, so everything is looked up in its c-list first.
 */
#include "kernel/internal.h"

enum { ILLEGAL = KEE_KERNEL_BAD };

static void trace_call(struct kee_kernel *kernel, struct kee_vat *vat, const char *name,
                       struct kee_kref target, struct kee_kref result, struct kee_bytes body,
                       struct kee_bytes slots)
{
    struct kee_event event;

    if (!kernel->tracing) {
        return;
    }
    kee_event_begin(&event, "syscall");
    kee_event_id(&event, "vat", 'v', vat->id.n);
    kee_event_text(&event, "name", kee_bytes_str(name));
    kee_event_kref(&event, "target", target);
    kee_event_text(&event, "method",
                   body.size > 0 && !kee_kref_is_none(target) && name[0] == 's'
                       ? kee_methargs_method(body)
                       : kee_bytes_of(NULL, 0));
    kee_event_kref(&event, "result", result);
    kee_event_text(&event, "body", body);
    kee_event_text(&event, "slots", slots);
    kee_event_emit(kernel, &event);
}

/* Vrefs of a body as a LIST of krefs, made if the vat made them. */
static int translate_slots(struct kee_kernel *kernel, struct kee_vat *vat,
                           struct kee_vp_capdata capdata, struct kee_buf *out)
{
    struct kee_bytes vref;
    struct kee_kref kref;
    int r = 0;

    if (capdata.slots.count > KEE_LIMIT_SLOTS || capdata.body.size > KEE_LIMIT_BODY_BYTES) {
        return kee_kernel_decline(kernel, ILLEGAL,
                                  "a body of %zu bytes with %u references is over the limit of %u "
                                  "bytes, %u references",
                                  capdata.body.size, capdata.slots.count, KEE_LIMIT_BODY_BYTES,
                                  KEE_LIMIT_SLOTS);
    }
    while (r == 0 && kee_vp_strings_next(&capdata.slots, &vref)) {
        r = kee_clist_kref_of(kernel, vat, vref, &kref);
        if (r == 0) {
            if (out->size > 0) {
                kee_buf_put_char(out, ',');
            }
            kee_buf_put_kref(out, kref);
        }
    }
    if (out->size == 0) {
        kee_buf_put_char(out, '-');
    }
    return r != 0 ? r : kee_buf_status(out);
}

static bool is_decider(const struct kee_vat *vat, const struct kee_promise *promise)
{
    return promise->state == 'u' && kee_endpoint_is_vat(promise->decider, vat->id) &&
           !promise->expected;
}

/* The promise a send is to settle: of the vat's own making or decided by it, and unsettled. */
static int take_result(struct kee_kernel *kernel, struct kee_vat *vat, struct kee_bytes vpid,
                       struct kee_kref *out)
{
    struct kee_buf *hold = kee_scratch_take(kernel);
    struct kee_promise promise;
    int r = 0;

    *out = KEE_KREF_NONE;
    if (vpid.size > 0) {
        r = kee_clist_kref_of(kernel, vat, vpid, out);
        if (r == 0 && !kee_kref_is_promise(*out)) {
            r = kee_kernel_decline(kernel, ILLEGAL, "the result \"%.*s\" of a send is no promise",
                                   (int)vpid.size, (const char *)vpid.data);
        }
        r = r != 0 ? r : kee_promise_get(kernel, *out, hold, &promise);
        if (r == 0 && !is_decider(vat, &promise)) {
            r = kee_kernel_decline(kernel, ILLEGAL,
                                   "the result \"%.*s\" of a send is not the vat's to decide",
                                   (int)vpid.size, (const char *)vpid.data);
        }
        r = r != 0 ? r : kee_promise_decide(kernel, *out, KEE_ENDPOINT_NONE, false);
    }
    kee_scratch_give(kernel, hold);
    return r;
}

static int do_send(struct kee_kernel *kernel, struct kee_vat *vat, struct kee_vp_reader *reader)
{
    struct kee_bytes target = kee_vp_take_string(reader);
    struct kee_vp_capdata methargs = kee_vp_take_capdata(reader);
    struct kee_bytes result = kee_vp_take_string(reader);
    struct kee_item item = {.type = 'm', .body = methargs.body};
    struct kee_buf *slots;
    struct kee_key from;
    int r;

    if (reader->failed) {
        return 0;
    }
    slots = kee_scratch_take(kernel);
    item.from = kee_key_vat(&from, vat->id, "");
    r = kee_clist_kref_of(kernel, vat, target, &item.target);
    r = r != 0 ? r : translate_slots(kernel, vat, methargs, slots);
    r = r != 0 ? r : take_result(kernel, vat, result, &item.result);
    if (r == 0) {
        item.slots = kee_buf_bytes(slots);
        trace_call(kernel, vat, "send", item.target, item.result, item.body, item.slots);
        r = kee_route(kernel, &item, true);
    }
    kee_scratch_give(kernel, slots);
    return r;
}

static int do_subscribe(struct kee_kernel *kernel, struct kee_vat *vat,
                        struct kee_vp_reader *reader)
{
    struct kee_bytes vpid = kee_vp_take_string(reader);
    struct kee_buf *hold = kee_scratch_take(kernel);
    struct kee_promise promise;
    struct kee_kref kref = KEE_KREF_NONE;
    int r = 0;

    if (!reader->failed) {
        r = kee_clist_kref_of(kernel, vat, vpid, &kref);
        if (r == 0 && !kee_kref_is_promise(kref)) {
            r = kee_kernel_decline(kernel, ILLEGAL, "subscribing to \"%.*s\", which is no promise",
                                   (int)vpid.size, (const char *)vpid.data);
        }
        r = r != 0 ? r : kee_promise_get(kernel, kref, hold, &promise);
        if (r == 0) {
            trace_call(kernel, vat, "subscribe", kref, KEE_KREF_NONE, kee_bytes_of(NULL, 0),
                       kee_bytes_of(NULL, 0));
            kee_clist_keep_promise(vat, kref);
            r = promise.state == 'u'
                    ? kee_promise_subscribe(kernel, kref, kee_endpoint_of_vat(vat->id))
                    : kee_notify_push(kernel, vat->id, kref, KEE_ENDPOINT_NONE);
        }
    }
    kee_scratch_give(kernel, hold);
    return r;
}

static int resolve_one(struct kee_kernel *kernel, struct kee_vat *vat, struct kee_vp_reader *reader)
{
    struct kee_bytes vpid = kee_vp_take_string(reader);
    bool rejected = kee_vp_take_u8(reader) != 0;
    struct kee_vp_capdata data = kee_vp_take_capdata(reader);
    struct kee_buf *hold, *slots;
    struct kee_promise promise;
    struct kee_kref kref;
    int r;

    if (reader->failed) {
        return 0;
    }
    hold = kee_scratch_take(kernel);
    slots = kee_scratch_take(kernel);
    r = kee_clist_kref_of(kernel, vat, vpid, &kref);
    if (r == 0 && !kee_kref_is_promise(kref)) {
        r = kee_kernel_decline(kernel, ILLEGAL, "resolving \"%.*s\", which is no promise",
                               (int)vpid.size, (const char *)vpid.data);
    }
    r = r != 0 ? r : kee_promise_get(kernel, kref, hold, &promise);
    if (r == 0 && !is_decider(vat, &promise)) {
        r = kee_kernel_decline(
            kernel, ILLEGAL, "[KERNEL:BAD_PROMISE_RESOLUTION] \"%.*s\" is not the vat's to settle",
            (int)vpid.size, (const char *)vpid.data);
    }
    r = r != 0 ? r : translate_slots(kernel, vat, data, slots);
    if (r == 0) {
        trace_call(kernel, vat, rejected ? "reject" : "resolve", kref, KEE_KREF_NONE, data.body,
                   kee_buf_bytes(slots));
        r = kee_promise_settle(kernel, kref, kee_endpoint_of_vat(vat->id), rejected,
                               kee_buf_bytes(slots), data.body);
    }
    kee_scratch_give(kernel, slots);
    kee_scratch_give(kernel, hold);
    return r;
}

/* The outcomes of one call may name each other's promises: the names go when all are told. */
static int retire_settled(struct kee_kernel *kernel, struct kee_vat *vat,
                          struct kee_vp_reader reader, uint32_t count)
{
    struct kee_kref kref;
    int r = 0;

    for (uint32_t i = 0; i < count && r == 0 && !reader.failed; i++) {
        struct kee_bytes vpid = kee_vp_take_string(&reader);
        (void)kee_vp_take_u8(&reader);
        (void)kee_vp_take_capdata(&reader);
        r = kee_clist_lookup(kernel, vat, vpid, &kref);
        r = r != 0 ? r : kee_clist_retire_promise(kernel, vat, kref, 1);
    }
    return r;
}

static int do_resolve(struct kee_kernel *kernel, struct kee_vat *vat, struct kee_vp_reader *reader)
{
    uint32_t count = kee_vp_take_u32(reader);
    struct kee_vp_reader again = *reader;
    int r = 0;

    for (uint32_t i = 0; i < count && r == 0 && !reader->failed; i++) {
        r = resolve_one(kernel, vat, reader);
    }
    return r != 0 || reader->failed ? r : retire_settled(kernel, vat, again, count);
}

/* One name of dropImports, retireImports, retireExports or abandonExports. */
static int release_one(struct kee_kernel *kernel, struct kee_vat *vat, enum kee_vp_syscall call,
                       struct kee_bytes vref)
{
    bool of_exports = call == KEE_VP_CALL_RETIRE_EXPORTS || call == KEE_VP_CALL_ABANDON_EXPORTS;
    struct kee_buf *hold = kee_scratch_take(kernel);
    struct kee_vref_parts parts;
    struct kee_clist_row row;
    struct kee_kref kref;
    int r;

    r = kee_vref_parse(vref, &parts) && parts.type == KEE_VREF_OBJECT &&
                parts.exported == of_exports
            ? kee_clist_lookup(kernel, vat, vref, &kref)
            : KEE_CLIST_UNKNOWN;
    r = r != 0 ? r : kee_clist_find(kernel, vat, kref, hold, &row);
    if (r > 0) {
        r = kee_kernel_decline(kernel, ILLEGAL,
                               "dropping or retiring \"%.*s\", which the vat does "
                               "not have",
                               (int)(vref.size < 90 ? vref.size : 90), (const char *)vref.data);
    } else if (r == 0 && kee_kref_equal(kref, vat->root)) {
        r = kee_kernel_decline(kernel, ILLEGAL, "the root object cannot be retired");
    } else if (r == 0 && row.reachable && call == KEE_VP_CALL_RETIRE_EXPORTS) {
        r = kee_kernel_decline(kernel, ILLEGAL, "retiring \"%.*s\", which others can reach",
                               (int)vref.size, (const char *)vref.data);
    } else if (r == 0 && row.reachable && call == KEE_VP_CALL_RETIRE_IMPORTS) {
        r = kee_kernel_decline(kernel, ILLEGAL, "retiring \"%.*s\" without dropping it first",
                               (int)vref.size, (const char *)vref.data);
    } else if (r == 0 && call == KEE_VP_CALL_DROP_IMPORTS) {
        if (row.reachable) {
            r = kee_clist_set_flag(kernel, vat, kref, vref, false);
            r = r != 0 ? r : kee_object_count(kernel, kref, -1, 0);
        }
    } else if (r == 0) {
        r = kee_clist_remove(kernel, vat, kref, vref);
        r = r != 0       ? r
            : of_exports ? kee_object_orphan(kernel, kref)
                         : kee_object_count(kernel, kref, 0, -1);
    }
    kee_scratch_give(kernel, hold);
    return r;
}

static int do_release(struct kee_kernel *kernel, struct kee_vat *vat, enum kee_vp_syscall call,
                      struct kee_vp_reader *reader)
{
    static const char *const names[] = {[KEE_VP_CALL_DROP_IMPORTS] = "dropImports",
                                        [KEE_VP_CALL_RETIRE_IMPORTS] = "retireImports",
                                        [KEE_VP_CALL_RETIRE_EXPORTS] = "retireExports",
                                        [KEE_VP_CALL_ABANDON_EXPORTS] = "abandonExports"};
    struct kee_vp_strings vrefs = kee_vp_take_strings(reader);
    struct kee_bytes vref;
    int r = 0;

    trace_call(kernel, vat, names[call], KEE_KREF_NONE, KEE_KREF_NONE, kee_bytes_of(NULL, 0),
               kee_bytes_of(NULL, 0));
    while (r == 0 && kee_vp_strings_next(&vrefs, &vref)) {
        r = release_one(kernel, vat, call, vref);
    }
    return r;
}

/* How long until its first timer is due, and how many it has. */
static void do_wake(struct kee_kernel *kernel, struct kee_vat *vat, struct kee_vp_reader *reader)
{
    uint64_t wait_ms = kee_vp_take_u64(reader);
    uint32_t count = kee_vp_take_u32(reader);
    struct kee_event event;

    if (reader->failed) {
        return;
    }
    /* Not undone with the crank: one that is undone ends the heap, and what it had set. */
    kee_timer_ask(kernel, vat, wait_ms, count);
    if (kernel->tracing) {
        kee_event_begin(&event, "syscall");
        kee_event_id(&event, "vat", 'v', vat->id.n);
        kee_event_text(&event, "name", KEE_BYTES_LIT("wake"));
        kee_event_number(&event, "timers", count);
        kee_event_number(&event, "wait_ms", wait_ms);
        kee_event_emit(kernel, &event);
    }
}

int kee_syscalls_apply(struct kee_kernel *kernel, struct kee_vat *vat, struct kee_vp_reader *reader,
                       struct kee_exit *exit)
{
    uint32_t count = kee_vp_take_u32(reader);
    int r = 0;

    *exit = (struct kee_exit){0};
    for (uint32_t i = 0; i < count && r == 0 && !reader->failed; i++) {
        uint8_t call = kee_vp_take_u8(reader);
        switch (call) {
        case KEE_VP_CALL_SEND:
            r = do_send(kernel, vat, reader);
            break;
        case KEE_VP_CALL_SUBSCRIBE:
            r = do_subscribe(kernel, vat, reader);
            break;
        case KEE_VP_CALL_RESOLVE:
            r = do_resolve(kernel, vat, reader);
            break;
        case KEE_VP_CALL_DROP_IMPORTS:
        case KEE_VP_CALL_RETIRE_IMPORTS:
        case KEE_VP_CALL_RETIRE_EXPORTS:
        case KEE_VP_CALL_ABANDON_EXPORTS:
            r = do_release(kernel, vat, (enum kee_vp_syscall)call, reader);
            break;
        case KEE_VP_CALL_HEAP:
            r = kee_cycle_heap(kernel, vat, kee_vp_take_strings(reader));
            break;
        case KEE_VP_CALL_EXIT:
            exit->said = true;
            exit->failure = kee_vp_take_u8(reader) != 0;
            exit->reason = kee_vp_take_capdata(reader);
            trace_call(kernel, vat, "exit", KEE_KREF_NONE, KEE_KREF_NONE, kee_bytes_of(NULL, 0),
                       kee_bytes_of(NULL, 0));
            break;
        case KEE_VP_CALL_WAKE:
            do_wake(kernel, vat, reader);
            break;
        default:
            reader->failed = true;
            break;
        }
    }
    return r;
}
