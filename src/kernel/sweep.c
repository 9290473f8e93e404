/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sweep - background work, in slices that each commit: a crash between two only leaves the rest.
 *
 *   dying.vN   queue rows reject, store rows, gc rows and the vat's own rows go
 *   awake.vN   of an older boot: the restart rule
 *   hold.KREF  of an older boot: released
 *   rN         a peer that is over: peer_over.c
 *   gc.vN.KREF objects whose counts fell: dropExports and retireExports to their owner, retireImports
 *              to the importers of what nobody owns, when the vat is awake and idle; what sleeps hears
 *              of it when it wakes
 */
#include <stdio.h>
#include <stdlib.h>

#include "kernel/internal.h"

static int reject_queue(struct kee_kernel *kernel, struct kee_vat *vat, size_t max, size_t *done)
{
    struct kee_buf *hold = kee_scratch_take(kernel);
    struct kee_item item;
    uint64_t seq;
    int r = 0;

    for (*done = 0; *done < max; (*done)++) {
        r = kee_queue_next(kernel, vat, 0, hold, &seq, &item);
        r = r != 0 ? r : kee_queue_delete(kernel, vat, seq);
        r = r != 0 ? r
                   : kee_item_reject(kernel, &item,
                                     "[KERNEL:VAT_TERMINATED] the vat of the target is gone");
        if (r != 0) {
            break;
        }
    }
    kee_scratch_give(kernel, hold);
    return r == KEE_STORE_ABSENT ? 0 : r;
}

/* The code row goes with the last vat that uses it. */
static int release_code(struct kee_kernel *kernel, struct kee_vat *vat)
{
    struct kee_key key, prefix;
    struct kee_bytes found, value;
    int r;

    prefix.size = 0;
    kee_key_add(&prefix, KEE_BYTES_LIT("code."));
    kee_key_add(&prefix, kee_bytes_str(vat->code));
    key = prefix;
    kee_key_add(&key, KEE_BYTES_LIT(".v"));
    kee_key_add_number(&key, vat->id.n);
    r = kee_world_delete(kernel->world, kee_key_view(&key));
    if (r != 0) {
        return r;
    }
    key = prefix;
    kee_key_add(&key, KEE_BYTES_LIT("."));
    r = kee_world_next(kernel->world, kee_key_view(&key), kee_key_view(&key), &found, &value);
    return r == KEE_STORE_ABSENT ? kee_world_delete(kernel->world, kee_key_view(&prefix)) : r;
}

/* The last of a vat, and of its subcluster if it was the last member. */
static int bury(struct kee_kernel *kernel, struct kee_vat *vat)
{
    static const char *const parts[] = {"", ".name", ".code", ".globals", ".parameters"};
    struct kee_key key, prefix;
    struct kee_bytes found, value;
    int r;

    r = release_code(kernel, vat);
    for (size_t i = 0; r == 0 && i < sizeof parts / sizeof *parts; i++) {
        r = kee_world_delete(kernel->world, kee_key_vat(&key, vat->id, parts[i]));
    }
    r = r != 0 ? r : kee_world_delete(kernel->world, kee_key_of_vat(&key, "dying.", vat->id));
    (void)kee_key_subcluster(&key, vat->subcluster, ".v.v");
    kee_key_add_number(&key, vat->id.n);
    r = r != 0 ? r : kee_world_delete(kernel->world, kee_key_view(&key));
    (void)kee_key_subcluster(&prefix, vat->subcluster, ".v.");
    r = r != 0 ? r
               : kee_world_next(kernel->world, kee_key_view(&prefix), kee_key_view(&prefix), &found,
                                &value);
    if (r != KEE_STORE_ABSENT) {
        return r;
    }
    r = kee_world_delete(kernel->world, kee_key_subcluster(&key, vat->subcluster, ""));
    r = r != 0
            ? r
            : kee_world_delete(kernel->world, kee_key_subcluster(&key, vat->subcluster, ".config"));
    key.size = 0;
    kee_key_add(&key, KEE_BYTES_LIT("launching.s"));
    kee_key_add_number(&key, vat->subcluster.n);
    return r != 0 ? r : kee_world_delete(kernel->world, kee_key_view(&key));
}

static int sweep_dying(struct kee_kernel *kernel, bool *more)
{
    struct kee_key prefix = {0}, at = {0};
    struct kee_vat_id id;
    struct kee_vat *vat;
    size_t done;
    bool left = false, buried = false;
    int r;

    kee_key_add(&prefix, KEE_BYTES_LIT("dying."));
    r = kee_keys_next_id(kernel, &prefix, &at, 'v', &id.n);
    if (r != 0) {
        kernel->sweep_dying = false;
        return r == KEE_STORE_ABSENT ? 0 : r;
    }
    *more = true;
    r = kee_vat_load(kernel, id, &vat);
    if (r != 0 || vat == NULL) {
        return r != 0 ? r : kee_row_corrupt(kee_key_view(&at), "a vat");
    }
    kee_txn_begin(kernel);
    r = reject_queue(kernel, vat, KEE_SWEEP_SLICE, &done);
    if (r == 0 && done < KEE_SWEEP_SLICE) {
        (void)kee_key_vat(&prefix, id, ".s.");
        r = kee_rows_delete(kernel, kee_key_view(&prefix), KEE_SWEEP_SLICE, &left);
        if (r == 0 && !left) { /* what it was still to hear of garbage */
            (void)kee_key_of_vat(&prefix, "gc.", id);
            kee_key_add(&prefix, KEE_BYTES_LIT("."));
            r = kee_rows_delete(kernel, kee_key_view(&prefix), KEE_SWEEP_SLICE, &left);
        }
        if (r == 0 && !left) {
            /* The root object is the subcluster's to hold; with the vat that hold goes. */
            r = kee_object_orphan(kernel, vat->root);
            r = r != 0 ? r : kee_kref_release(kernel, vat->root);
            r = r != 0 ? r : kee_inventory_release(kernel, id);
            r = r != 0 ? r : bury(kernel, vat);
            buried = true;
        }
    }
    r = kee_txn_end(kernel, r);
    if (r == 0 && buried) {
        (void)kee_map_remove(&kernel->vats, id.n);
        kee_vat_free(kernel, vat);
    }
    return r;
}

static int sweep_awake(struct kee_kernel *kernel, bool *more)
{
    struct kee_key prefix = {0};
    struct kee_vat_id id;
    struct kee_vat *vat;
    int r;

    kee_key_add(&prefix, KEE_BYTES_LIT("awake."));
    r = kee_keys_next_id(kernel, &prefix, &kernel->awake_at, 'v', &id.n);
    if (r != 0) {
        kernel->sweep_awake = false;
        return r == KEE_STORE_ABSENT ? 0 : r;
    }
    *more = true;
    r = kee_vat_load(kernel, id, &vat);
    if (r != 0 || vat == NULL || !vat->stale || vat->life == KEE_VAT_DYING) {
        return r;
    }
    kee_txn_begin(kernel);
    return kee_txn_end(kernel, kee_vat_restart(kernel, vat, "the daemon was restarted"));
}

/* Lets one go if it is of an older boot. */
static int sweep_hold(struct kee_kernel *kernel, const struct kee_key *prefix,
                      const struct kee_key *at)
{
    struct kee_bytes value;
    struct kee_kref kref;
    uint64_t boot;
    int r;

    r = kee_row_need(kernel, kee_key_view(at), &value);
    if (r == 0 &&
        (!kee_bytes_decimal(value, &boot) || !kee_kref_parse(kee_key_rest(at, prefix), &kref))) {
        r = kee_row_corrupt(kee_key_view(at), "hold.KREF with a BOOT");
    }
    return r != 0 || boot >= kernel->boot ? r : kee_hold_remove(kernel, kref);
}

static int sweep_holds(struct kee_kernel *kernel, bool *more)
{
    struct kee_key prefix = {0}, at = kernel->hold_at;
    bool done = false;
    int r = 0;

    kee_key_add(&prefix, KEE_BYTES_LIT("hold."));
    kee_txn_begin(kernel);
    for (uint32_t i = 0; r == 0 && !done && i < KEE_SWEEP_SLICE; i++) {
        r = kee_keys_next(kernel, &prefix, &at);
        done = r == KEE_STORE_ABSENT;
        r = done ? 0 : r;
        if (r == 0 && !done) {
            r = sweep_hold(kernel, &prefix, &at);
        }
    }
    r = kee_txn_end(kernel, r);
    if (r == 0) {
        kernel->hold_at = at;
        kernel->sweep_holds = !done;
        *more = *more || !done;
    }
    return r;
}

/* What is due for one object of a vat's gc list; 0 if nothing is, and it leaves the list. */
static int look_at(struct kee_kernel *kernel, struct kee_vat *vat, struct kee_kref kref,
                   uint8_t *due)
{
    struct kee_buf *hold = kee_scratch_take(kernel);
    struct kee_clist_row row;
    struct kee_object object;
    struct kee_key key;
    int r;

    *due = 0;
    r = kee_object_get(kernel, kref, &object);
    r = r != 0 ? r : kee_clist_find(kernel, vat, kref, hold, &row);
    if (r == 0 && !kee_endpoint_is_vat(
                      object.owner, vat->id)) { /* an import: it is forgotten when nobody owns it */
        *due =
            kee_endpoint_is_none(object.owner) && object.reachable == 0 ? KEE_VP_RETIRE_IMPORTS : 0;
    } else if (r == 0 && object.reachable == 0 && row.reachable) {
        *due = KEE_VP_DROP_EXPORTS;
    } else if (r == 0 && object.recognizable == 0) {
        *due = KEE_VP_RETIRE_EXPORTS;
    }
    kee_scratch_give(kernel, hold);
    if (r >= 0 && *due == 0) {
        r = kee_world_delete(kernel->world, kee_key_gc(&key, vat->id, kref));
    }
    return r;
}

static int put_gc_frame(struct kee_kernel *kernel, struct kee_vat *vat, struct kee_flight *flight)
{
    struct kee_buf *hold = kee_scratch_take(kernel);
    struct kee_clist_row row;
    size_t place = kee_vp_frame_open(&kernel->out, KEE_VP_DELIVER);
    int r = 0;

    kee_buf_put_u64(&kernel->out, flight->number);
    kee_buf_put_u8(&kernel->out, flight->delivery);
    kee_buf_put_u32(&kernel->out, (uint32_t)flight->dropped_count);
    for (size_t i = 0; i < flight->dropped_count && r == 0; i++) {
        r = kee_clist_find(kernel, vat, flight->dropped[i], hold, &row);
        kee_vp_put_string(&kernel->out, row.vref);
    }
    kee_vp_frame_close(&kernel->out, place);
    kee_scratch_give(kernel, hold);
    return r != 0 ? r : kee_buf_status(&kernel->out);
}

/* Objects of the vat's gc list for which the same thing is due, up to a slice. */
static int collect_due(struct kee_kernel *kernel, struct kee_vat *vat, struct kee_flight *flight)
{
    struct kee_key prefix, at = {0};
    struct kee_kref kref;
    uint8_t due;
    int r;

    flight->dropped = calloc(KEE_SWEEP_SLICE, sizeof *flight->dropped);
    if (flight->dropped == NULL) {
        return kee_fault(KEE_FAULT_MEMORY, "a delivery's names");
    }
    (void)kee_key_of_vat(&prefix, "gc.", vat->id);
    kee_key_add(&prefix, KEE_BYTES_LIT("."));
    for (uint32_t looked = 0; looked < 10 * KEE_SWEEP_SLICE; looked++) {
        r = kee_keys_next(kernel, &prefix, &at);
        if (r != 0) {
            return r == KEE_STORE_ABSENT ? 0 : r;
        }
        if (!kee_kref_parse(kee_key_rest(&at, &prefix), &kref)) {
            return kee_row_corrupt(kee_key_view(&at), "gc.vN.koM");
        }
        r = look_at(kernel, vat, kref, &due);
        if (r != 0) {
            return r;
        }
        if (due == 0 || (flight->dropped_count > 0 && due != flight->delivery)) {
            vat->gc_wanted = vat->gc_wanted || due != 0;
            continue;
        }
        flight->delivery = due;
        flight->dropped[flight->dropped_count++] = kref;
        if (flight->dropped_count == KEE_SWEEP_SLICE) {
            break;
        }
    }
    vat->gc_wanted = true; /* there may be more */
    return 0;
}

int kee_gc_pump(struct kee_kernel *kernel, struct kee_vat *vat, bool *sent)
{
    struct kee_flight flight = {.number = vat->frames_sent + 1};
    int r;

    *sent = false;
    if (!vat->gc_wanted) {
        return 0;
    }
    vat->gc_wanted = false;
    kee_txn_begin(kernel);
    r = collect_due(kernel, vat, &flight);
    r = kee_txn_end(kernel, r);
    if (r == 0 && flight.dropped_count > 0) {
        r = put_gc_frame(kernel, vat, &flight);
    }
    if (r != 0 || flight.dropped_count == 0) {
        free(flight.dropped);
        return r;
    }
    kee_vat_push_flight(kernel, vat, &flight);
    *sent = true;
    kee_trace_housekeeping(kernel, vat, &flight);
    return 0;
}

int kee_sweep(struct kee_kernel *kernel, bool *more)
{
    int r = 0;

    if (kernel->sweep_dying) {
        r = sweep_dying(kernel, more);
    } else if (kernel->sweep_awake) {
        r = sweep_awake(kernel, more);
    } else if (kernel->sweep_holds) {
        r = sweep_holds(kernel, more);
    } else if (kernel->sweep_peers || kernel->now_ms >= kernel->lease_over_ms) {
        r = kee_peers_sweep(kernel, more);
    }
    *more = *more || kernel->sweep_dying || kernel->sweep_awake || kernel->sweep_holds ||
            kernel->sweep_peers;
    return r;
}
