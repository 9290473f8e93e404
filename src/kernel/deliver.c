/* SPDX-License-Identifier: Apache-2.0 */
/*
 * deliver - hands queue rows to workers as frames.
 *
 * A delivery makes the c-list rows its frame names in a crank of the world of its own. The queue row
 * stays where it is until the worker's crank commits; if that never comes, the restart rule removes
 * what the delivery added to the c-list, and the row is delivered again.
 */
#include <stdio.h>
#include <stdlib.h>

#include "kernel/internal.h"

static void trace_delivery(struct kee_kernel *kernel, struct kee_vat *vat,
                           const struct kee_item *item)
{
    struct kee_event event;

    if (!kernel->tracing) {
        return;
    }
    kee_event_begin(&event, "deliver");
    kee_event_id(&event, "vat", 'v', vat->id.n);
    kee_event_number(&event, "delivery", vat->frames_sent + 1);
    kee_event_text(&event, "type",
                   item->type == 'm' ? KEE_BYTES_LIT("message") : KEE_BYTES_LIT("notify"));
    kee_event_text(&event, "from", item->from);
    kee_event_kref(&event, item->type == 'm' ? "target" : "promise", item->target);
    if (item->type == 'm') {
        kee_event_text(&event, "method", kee_methargs_method(item->body));
        kee_event_kref(&event, "result", item->result);
        kee_event_text(&event, "body", item->body);
        kee_event_text(&event, "slots", item->slots);
    }
    kee_event_emit(kernel, &event);
}

void kee_trace_housekeeping(struct kee_kernel *kernel, const struct kee_vat *vat,
                            const struct kee_flight *flight)
{
    static const char *const names[] = {
        [KEE_VP_DROP_EXPORTS] = "dropExports",
        [KEE_VP_RETIRE_EXPORTS] = "retireExports",
        [KEE_VP_RETIRE_IMPORTS] = "retireImports",
        [KEE_VP_BRING_OUT_YOUR_DEAD] = "bringOutYourDead",
        [KEE_VP_TIMER] = "timer",
    };
    struct kee_event event;

    if (!kernel->tracing) {
        return;
    }
    kee_event_begin(&event, "deliver");
    kee_event_id(&event, "vat", 'v', vat->id.n);
    kee_event_number(&event, "delivery", flight->number);
    kee_event_text(&event, "type", kee_bytes_str(names[flight->delivery]));
    if (flight->delivery == KEE_VP_TIMER) {
        kee_event_number(&event, "timers", vat->timer.count);
    } else {
        kee_event_number(&event, "references", flight->dropped_count);
    }
    kee_event_emit(kernel, &event);
}

/* What to do with the row at the head: deliver it, or has the world moved on meanwhile? */
enum verdict { DELIVER, DROP, REROUTE };

static int judge(struct kee_kernel *kernel, struct kee_vat *vat, const struct kee_item *item,
                 enum verdict *out)
{
    struct kee_buf *hold = kee_scratch_take(kernel);
    struct kee_clist_row row;
    struct kee_promise promise;
    struct kee_object object;
    int r;

    *out = DELIVER;
    if (item->type == 'n') { /* a vat that no longer knows the promise was restarted or notified */
        r = kee_clist_find(kernel, vat, item->target, hold, &row);
        *out = r == KEE_STORE_ABSENT ? DROP : DELIVER;
    } else if (kee_kref_is_promise(item->target)) {
        r = kee_promise_get(kernel, item->target, hold, &promise);
        if (r == 0 && (promise.state != 'u' || !kee_endpoint_is_vat(promise.decider, vat->id))) {
            *out = REROUTE;
        }
    } else {
        r = kee_object_get(kernel, item->target, &object);
        if (r == KEE_STORE_ABSENT || !kee_endpoint_is_vat(object.owner, vat->id) ||
            object.revoked) {
            *out = REROUTE;
        }
    }
    kee_scratch_give(kernel, hold);
    return r == KEE_STORE_ABSENT ? 0 : r;
}

/* A row that is not to be delivered leaves the queue. */
static int pass_over(struct kee_kernel *kernel, struct kee_vat *vat, uint64_t seq,
                     const struct kee_item *item, bool reroute)
{
    int r;

    kee_txn_begin(kernel);
    r = kee_queue_delete(kernel, vat, seq);
    if (r == 0) {
        r = reroute ? kee_route(kernel, item, false) : kee_item_release(kernel, item);
    }
    return kee_txn_end(kernel, r);
}

static int deliver(struct kee_kernel *kernel, struct kee_vat *vat, uint64_t seq,
                   const struct kee_item *item)
{
    struct kee_flight flight = {.delivery = item->type == 'm' ? KEE_VP_MESSAGE : KEE_VP_NOTIFY,
                                .number = vat->frames_sent + 1,
                                .item_seq = seq,
                                .alone = item->tries > 0};
    size_t before = kernel->out.size;
    size_t place;
    int r;

    kee_txn_begin(kernel);
    place = kee_vp_frame_open(&kernel->out, KEE_VP_DELIVER);
    kee_buf_put_u64(&kernel->out, flight.number);
    kee_buf_put_u8(&kernel->out, flight.delivery);
    r = item->type == 'm' ? kee_put_message(kernel, vat, &flight, item)
                          : kee_put_notify(kernel, vat, &flight, item->target);
    kee_vp_frame_close(&kernel->out, place);
    r = r != 0 ? r : kee_buf_status(&kernel->out);
    r = kee_txn_end(kernel, r);
    if (r != 0) {
        free(flight.named);
        kernel->out.size = before;
        return r;
    }
    trace_delivery(kernel, vat, item);
    kee_vat_push_flight(kernel, vat, &flight);
    vat->last_sent_seq = seq;
    vat->deliveries++;
    vat->deliveries_since_reap++;
    return 0;
}

/* Rejects all that waits for a vat that cannot start. */
static int refuse_all(struct kee_kernel *kernel, struct kee_vat *vat)
{
    struct kee_buf *hold = kee_scratch_take(kernel);
    struct kee_item item;
    char text[300];
    uint64_t seq;
    int r;

    (void)snprintf(text, sizeof text, "[KERNEL:DELIVERY_FAILED] vat v%llu cannot start: %s",
                   (unsigned long long)vat->id.n, vat->broken_why);
    for (;;) {
        r = kee_queue_next(kernel, vat, 0, hold, &seq, &item);
        if (r != 0) {
            break;
        }
        kee_txn_begin(kernel);
        r = kee_queue_delete(kernel, vat, seq);
        r = r != 0 ? r : kee_item_reject(kernel, &item, text);
        r = kee_txn_end(kernel, r);
        if (r != 0) {
            break;
        }
    }
    kee_scratch_give(kernel, hold);
    vat->has_queue = false;
    return r == KEE_STORE_ABSENT ? 0 : r;
}

static bool is_exclusive(const struct kee_flight *flight)
{
    return flight->delivery != KEE_VP_MESSAGE && flight->delivery != KEE_VP_NOTIFY &&
           flight->delivery != KEE_VP_TIMER;
}

int kee_vat_next(struct kee_kernel *kernel, struct kee_vat *vat, struct kee_buf *hold,
                 uint64_t *seq, struct kee_item *item, bool *is_timer)
{
    int r = kee_queue_next(kernel, vat, vat->last_sent_seq, hold, seq, item);

    if (r == KEE_STORE_ABSENT) {
        vat->has_queue = false;
    }
    *is_timer = vat->timer.fired && (r == KEE_STORE_ABSENT || (r == 0 && *seq >= vat->timer.seq));
    if (*is_timer) {
        *seq = vat->timer.seq;
        r = 0;
    }
    return r;
}

/* An epoch asks a vat for its heap and tells it what nothing reaches: see cycle.h. */
static void put_reap(struct kee_kernel *kernel, struct kee_vat *vat, struct kee_flight *flight)
{
    flight->asks_heap = vat->heap_unknown;
    flight->names_unreachable = vat->unreachable_told;
    if (flight->asks_heap || flight->names_unreachable || flight->last) {
        kee_buf_put_u8(&kernel->out, (flight->asks_heap ? KEE_VP_REAP_HEAP : 0) |
                                         (flight->last ? KEE_VP_REAP_LAST : 0));
        kee_buf_put_u32(&kernel->out, vat->unreachable_count);
        kee_buf_put_bytes(&kernel->out, kee_buf_bytes(&vat->unreachable));
    }
}

/* A delivery that is not about anything queued. last: of a bringOutYourDead, the heap ends after it. */
static int send_bare(struct kee_kernel *kernel, struct kee_vat *vat, enum kee_vp_delivery kind,
                     bool last)
{
    struct kee_flight flight = {
        .delivery = (uint8_t)kind, .number = vat->frames_sent + 1, .last = last};
    size_t place = kee_vp_frame_open(&kernel->out, KEE_VP_DELIVER);

    kee_buf_put_u64(&kernel->out, flight.number);
    kee_buf_put_u8(&kernel->out, flight.delivery);
    if (kind == KEE_VP_BRING_OUT_YOUR_DEAD) {
        put_reap(kernel, vat, &flight);
    }
    kee_vp_frame_close(&kernel->out, place);
    kee_vat_push_flight(kernel, vat, &flight);
    kee_trace_housekeeping(kernel, vat, &flight);
    return kee_buf_status(&kernel->out);
}

/* Has the vat's code look at what is due: a crank of its own, sent ahead like a message. */
static int send_timer(struct kee_kernel *kernel, struct kee_vat *vat)
{
    vat->timer.fired = false;
    vat->deliveries++;
    vat->deliveries_since_reap++;
    return send_bare(kernel, vat, KEE_VP_TIMER, false);
}

/* A raw vat lets names go whenever it likes, so that what it is sent must follow what it has said. */
static uint32_t sent_ahead_max(const struct kee_vat *vat)
{
    return vat->raw ? 1 : KEE_LIMIT_SENT_AHEAD;
}

/* Sends queue rows ahead until the worker has enough, or one only. */
static int pump_queue(struct kee_kernel *kernel, struct kee_vat *vat, bool one)
{
    struct kee_buf *hold = kee_scratch_take(kernel);
    struct kee_item item;
    enum verdict verdict;
    bool is_timer;
    uint64_t seq;
    int r = 0;

    while ((vat->has_queue || vat->timer.fired) && vat->flight_count < sent_ahead_max(vat)) {
        if (vat->flight_count > 0 && (is_exclusive(kee_vat_flight(vat, 0)) ||
                                      kee_vat_flight(vat, vat->flight_count - 1)->alone)) {
            break;
        }
        r = kee_vat_next(kernel, vat, hold, &seq, &item, &is_timer);
        if (r == 0 && !is_timer && item.tries > 0 && vat->flight_count > 0) {
            break; /* it has ended a worker: nothing shall be out with it that could be blamed for it */
        }
        verdict = DELIVER;
        r = r != 0 || is_timer ? r : judge(kernel, vat, &item, &verdict);
        if (r != 0) {
            r = r == KEE_STORE_ABSENT ? 0 : r;
            break;
        }
        if (is_timer) {
            r = send_timer(kernel, vat);
        } else if (verdict != DELIVER) {
            r = pass_over(kernel, vat, seq, &item, verdict == REROUTE);
        } else {
            r = deliver(kernel, vat, seq, &item);
        }
        if (r != 0 || (one && verdict == DELIVER)) {
            break;
        }
    }
    kee_scratch_give(kernel, hold);
    return r;
}

int kee_vat_send_reap(struct kee_kernel *kernel, struct kee_vat *vat, bool last)
{
    vat->reap_wanted = false;
    vat->deliveries_since_reap = 0;
    vat->reaped_bytes = 0;
    return send_bare(kernel, vat, KEE_VP_BRING_OUT_YOUR_DEAD, last);
}

static bool reap_due(const struct kee_vat *vat)
{
    uint64_t may_be_dead = vat->deliveries_since_reap * KEE_REAP_DELIVERY_BYTES;

    if (vat->reaped_bytes != 0 && vat->heap_bytes > vat->reaped_bytes) {
        may_be_dead += KEE_REAP_GROWTH_WEIGHT * (vat->heap_bytes - vat->reaped_bytes);
    }
    return vat->reap_wanted || may_be_dead > KEE_REAP_BYTES + vat->reaped_bytes;
}

int kee_vat_pump(struct kee_kernel *kernel, struct kee_vat *vat, bool one)
{
    bool sent = false;
    int r = 0;

    if (vat->life == KEE_VAT_DYING || vat->parting || kernel->closing) {
        return 0;
    }
    if (vat->stale) {
        kee_txn_begin(kernel);
        r = kee_txn_end(kernel, kee_vat_restart(kernel, vat, "the daemon was restarted"));
        if (r != 0) {
            return r;
        }
    }
    if (vat->worker == KEE_WORKER_NONE) {
        if (vat->broken) {
            return vat->has_queue ? refuse_all(kernel, vat) : 0;
        }
        return vat->has_queue || vat->unreachable_told ? kee_vat_start(kernel, vat) : 0;
    }
    if (vat->worker == KEE_WORKER_STARTING) {
        return 0;
    }
    kee_buf_clear(&kernel->out);
    if (vat->flight_count == 0 && !one) {
        r = kee_gc_pump(kernel, vat, &sent);
        if (r == 0 && !sent && reap_due(vat)) {
            r = kee_vat_send_reap(kernel, vat, false);
        }
    }
    /* A vat that always has more to do must be reaped, too: what is due waits for an empty pipe. */
    if (r == 0 && (one || vat->flight_count == 0 || !reap_due(vat))) {
        r = pump_queue(kernel, vat, one);
    }
    if (r == 0 && kernel->out.size > 0) {
        kernel->host->worker_send(kernel->host->context, vat->id, kee_buf_bytes(&kernel->out));
    }
    return r;
}

/* The rows a small store holds go along with START, so that a start asks nothing back. */
static int put_rows(struct kee_kernel *kernel, struct kee_vat *vat, struct kee_buf *out,
                    uint32_t *count)
{
    struct kee_key prefix, at;
    struct kee_bytes key, value;
    int r = 0;

    (void)kee_key_vat(&prefix, vat->id, ".s.");
    at = prefix;
    for (*count = 0; r == 0 && *count < 128 && out->size < 32768; *count += 2) {
        r = kee_world_next(kernel->world, kee_key_view(&prefix), kee_key_view(&at), &key, &value);
        if (r != 0 || out->size + value.size > 65536) {
            break;
        }
        kee_vp_put_string(out, kee_bytes_of(key.data + prefix.size, key.size - prefix.size));
        kee_vp_put_string(out, value);
        at.size = 0;
        kee_key_add(&at, key);
    }
    return r == KEE_STORE_ABSENT ? 0 : r;
}

/* "Date,console" as the strings of a frame. */
static uint32_t put_names(struct kee_buf *out, struct kee_bytes list)
{
    uint32_t count = 0;

    while (list.size > 0 && !kee_bytes_equal(list, KEE_BYTES_LIT("-"))) {
        kee_vp_put_string(out, kee_bytes_cut(&list, ','));
        count++;
    }
    return count;
}

static int read_into(struct kee_kernel *kernel, struct kee_bytes key, struct kee_buf *out)
{
    struct kee_bytes value;
    int r = kee_row_need(kernel, key, &value);

    kee_buf_put_bytes(out, value);
    return r != 0 ? r : kee_buf_status(out);
}

static int put_start(struct kee_kernel *kernel, struct kee_vat *vat,
                     struct kee_vp_strings inventory)
{
    struct kee_buf *parts[5];
    struct kee_vp_start start = {.version = KEE_VP_VERSION,
                                 .vat = vat->id.n,
                                 .incarnation = vat->incarnation,
                                 .inventory = inventory,
                                 .steps_per_crank_max = kernel->options.steps_per_crank_max,
                                 .heap_bytes_max = kernel->options.heap_bytes_max,
                                 .raw = vat->raw};
    uint8_t seed[32];
    struct kee_key key;
    int r;

    for (size_t i = 0; i < 5; i++) {
        parts[i] = kee_scratch_take(kernel);
    }
    kernel->host->entropy(kernel->host->context, seed, sizeof seed);
    key.size = 0;
    kee_key_add(&key, KEE_BYTES_LIT("code."));
    kee_key_add(&key, kee_bytes_str(vat->code));
    r = read_into(kernel, kee_key_view(&key), parts[0]);
    r = r != 0 ? r : read_into(kernel, kee_key_vat(&key, vat->id, ".code"), parts[1]);
    r = r != 0 ? r : read_into(kernel, kee_key_vat(&key, vat->id, ".parameters"), parts[2]);
    r = r != 0 ? r : read_into(kernel, kee_key_vat(&key, vat->id, ".globals"), parts[3]);
    start.seed = kee_bytes_of(seed, sizeof seed);
    if (r == 0) {
        struct kee_buf *names = kee_scratch_take(kernel);
        r = put_rows(kernel, vat, parts[4], &start.rows.count);
        start.globals.count = put_names(names, kee_buf_bytes(parts[3]));
        start.globals.raw = kee_buf_bytes(names);
        start.code = kee_buf_bytes(parts[0]);
        start.code_name = kee_buf_bytes(parts[1]);
        start.parameters.body = kee_buf_bytes(parts[2]);
        start.rows.raw = kee_buf_bytes(parts[4]);
        kee_buf_clear(&kernel->out);
        kee_vp_start_put(&kernel->out, &start);
        r = r != 0 ? r : kee_buf_status(&kernel->out);
        kee_scratch_give(kernel, names);
    }
    for (size_t i = 5; i-- > 0;) {
        kee_scratch_give(kernel, parts[i]);
    }
    return r;
}

/* A vat that gets a worker is marked awake in the store, so that an older boot's can be told, and knows
 * what it was granted. */
static int mark_awake(struct kee_kernel *kernel, struct kee_vat *vat, struct kee_buf *names,
                      struct kee_vp_strings *inventory)
{
    struct kee_buf *value = kee_scratch_take(kernel);
    struct kee_key key;
    int r;

    kee_txn_begin(kernel);
    kee_buf_put_decimal(value, kernel->boot);
    r = kee_row_put(kernel, kee_key_of_vat(&key, "awake.", vat->id), value, false);
    r = r != 0 ? r : kee_inventory_name(kernel, vat, names, &inventory->count);
    inventory->raw = kee_buf_bytes(names);
    r = kee_txn_end(kernel, r);
    kee_scratch_give(kernel, value);
    return r;
}

int kee_vat_start(struct kee_kernel *kernel, struct kee_vat *vat)
{
    struct kee_buf *names = kee_scratch_take(kernel);
    struct kee_vp_strings inventory = {0};
    int r;

    r = mark_awake(kernel, vat, names, &inventory);
    r = r != 0 ? r : put_start(kernel, vat, inventory);
    kee_scratch_give(kernel, names);
    if (r != 0) {
        return r;
    }
    vat->worker = KEE_WORKER_STARTING;
    vat->last_sent_seq = 0;
    vat->deliveries_since_reap = 0;
    vat->reaped_bytes = 0;
    kee_vat_push_flight(kernel, vat, &(struct kee_flight){0});
    if (kernel->tracing) {
        struct kee_event event;
        kee_event_begin(&event, "vat-start");
        kee_event_id(&event, "vat", 'v', vat->id.n);
        kee_event_number(&event, "incarnation", vat->incarnation);
        kee_event_emit(kernel, &event);
    }
    kernel->host->worker_start(kernel->host->context, vat->id, vat->incarnation, vat->flavour,
                               vat->subcluster);
    kernel->host->worker_send(kernel->host->context, vat->id, kee_buf_bytes(&kernel->out));
    return 0;
}
