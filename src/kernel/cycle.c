/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cycle - when an epoch begins, how it goes on beside other work, and how it ends. See cycle.h.
 *
 * While cranks run, a slice is small, and comes once for so many of them or once a millisecond; a kernel
 * that has nothing else to do goes on until it is done.
 */
#include "kernel/cycle.h"

#define SLICE_BUSY 64u       /* rows */
#define CRANKS_PER_SLICE 16u /* while busy */
#define QUIET_MS 1000u       /* an epoch begins by itself after so long without a crank */
#define GROWTH_MIN 1000u     /* and after so many new exports... */
#define GROWTH_OF 4u /* ...which are at least a quarter of those that survived the last one; */
#define GROWTH_BUSY 100000u /* or, busy or not, after so many, if there were fewer survivors */

/* ---- growth ---- */

static bool has_grown(const struct kee_kernel *kernel)
{
    return kernel->epochs.grown >= GROWTH_MIN &&
           kernel->epochs.grown >= kernel->epochs.survivors / GROWTH_OF;
}

static bool has_grown_much(const struct kee_kernel *kernel)
{
    return kernel->epochs.grown >= GROWTH_BUSY && kernel->epochs.grown >= kernel->epochs.survivors;
}

int kee_cycle_open(struct kee_kernel *kernel)
{
    struct kee_bytes value;
    int r = kee_world_get(kernel->world, KEE_BYTES_LIT("survivors"), &value);

    if (r == 0 && !kee_bytes_decimal(value, &kernel->epochs.survivors)) {
        return kee_row_corrupt(KEE_BYTES_LIT("survivors"), "a number");
    }
    return r == KEE_STORE_ABSENT ? 0 : r;
}

static int save_survivors(struct kee_kernel *kernel)
{
    struct kee_buf *row = kee_scratch_take(kernel);
    int r;

    kee_txn_begin(kernel);
    kee_buf_put_decimal(row, kernel->epochs.survivors);
    r = kee_row_put(kernel, KEE_BYTES_LIT("survivors"), row, false);
    r = kee_txn_end(kernel, r);
    kee_scratch_give(kernel, row);
    return r;
}

/* ---- begin and end ---- */

/* Without memory there is no epoch now: nothing is lost. */
static void begin(struct kee_kernel *kernel)
{
    struct kee_vat *vat;
    size_t at = 0;

    kernel->epochs.wanted = false;
    kernel->epochs.grown = 0;
    kernel->cycle = kee_cycle_new();
    if (kernel->cycle == NULL) {
        return;
    }
    while ((vat = kee_map_next(&kernel->vats, &at)) != NULL) {
        if (vat->worker != KEE_WORKER_NONE) {
            vat->heap_unknown = true;
            vat->reap_wanted = true;
            kernel->cycle->heaps_due++;
            kee_vat_mark_busy(kernel, vat);
        }
    }
}

static void trace_epoch(struct kee_kernel *kernel, bool given_up)
{
    struct kee_event event;

    if (!kernel->tracing) {
        return;
    }
    kee_event_begin(&event, "epoch");
    kee_event_number(&event, "epoch", kernel->epochs.count);
    kee_event_number(&event, "reached", kernel->cycle->objects.marks.marked);
    kee_event_number(&event, "unreachable", kernel->cycle->named);
    if (given_up) {
        kee_event_text(&event, "why", KEE_BYTES_LIT("given up: memory or a read failed"));
    }
    kee_event_emit(kernel, &event);
}

static void end(struct kee_kernel *kernel)
{
    struct kee_vat *vat;
    size_t at = 0;

    while ((vat = kee_map_next(&kernel->vats, &at)) != NULL) {
        vat->heap_unknown = false;
        kee_cycle_told(kernel, vat);
    }
    kee_cycle_free(kernel->cycle);
    kernel->cycle = NULL;
}

static int finish(struct kee_kernel *kernel)
{
    int r;

    kernel->epochs.count++;
    kernel->epochs.survivors = kernel->cycle->objects.marks.marked;
    kernel->epochs.named += kernel->cycle->named;
    trace_epoch(kernel, false);
    r = save_survivors(kernel);
    end(kernel);
    return r;
}

void kee_cycle_close(struct kee_kernel *kernel)
{
    if (kernel->cycle != NULL) {
        end(kernel);
    }
}

/* ---- heaps ---- */

int kee_cycle_heap(struct kee_kernel *kernel, struct kee_vat *vat, struct kee_vp_strings vrefs)
{
    struct kee_cycle_vat *marked;
    struct kee_bytes vref;
    int r;

    if (kernel->cycle == NULL || !vat->heap_unknown || !kee_vat_flight(vat, 0)->asks_heap) {
        return 0;
    }
    r = kee_cycle_vat(kernel, vat->id, &marked);
    while (r == 0 && kee_vp_strings_next(&vrefs, &vref)) {
        r = kee_cycle_mark_vref(kernel, marked, vref);
    }
    kee_vat_flight(vat, 0)->heap_told = r == 0;
    return r;
}

void kee_cycle_heap_known(struct kee_kernel *kernel, struct kee_vat *vat)
{
    if (vat->heap_unknown) {
        vat->heap_unknown = false;
        kernel->cycle->heaps_due--;
        kernel->epochs.waits = false;
    }
}

/* The vat was asked, and its crank is committed. */
int kee_cycle_heap_asked(struct kee_kernel *kernel, struct kee_vat *vat, bool told)
{
    struct kee_cycle_vat *marked;
    int r = 0;

    if (kernel->cycle == NULL || !vat->heap_unknown) {
        return 0;
    }
    if (!told) {
        r = kee_cycle_vat(kernel, vat->id, &marked);
        if (r == 0) {
            kee_cycle_make_opaque(kernel, marked);
        }
    }
    kee_cycle_heap_known(kernel, vat);
    return r;
}

/* The vat has emptied what was named to it, or its heap is gone and another epoch will name it. */
void kee_cycle_told(struct kee_kernel *kernel, struct kee_vat *vat)
{
    kernel->epochs.waits = kernel->epochs.waits && !vat->unreachable_told;
    kee_buf_fini(&vat->unreachable);
    vat->unreachable = KEE_BUF_EMPTY;
    vat->unreachable_count = 0;
    vat->unreachable_told = false;
}

/* ---- slices ---- */

static int slice(struct kee_kernel *kernel, uint32_t rows, bool *waits)
{
    struct kee_cycle *cycle = kernel->cycle;
    struct kee_budget budget = {rows};
    bool done;
    int r;

    *waits = false;
    if (cycle->failed) {
        trace_epoch(kernel, true);
        end(kernel);
        return 0;
    }
    if (cycle->phase == KEE_CYCLE_BURY) {
        r = kee_cycle_bury(kernel, &budget, waits, &done);
        return r == 0 && done ? finish(kernel) : r;
    }
    r = kee_cycle_scan_gray(kernel, &budget);
    r = r != 0 ? r : kee_cycle_scan_roots(kernel, &budget);
    if (r == 0 && kee_cycle_is_scanned(cycle)) {
        *waits = cycle->heaps_due > 0;
        cycle->phase = *waits ? KEE_CYCLE_MARK : KEE_CYCLE_BURY;
    }
    return r;
}

static bool is_busy(const struct kee_kernel *kernel)
{
    return kernel->flights > 0 || !kee_list_is_empty(&kernel->busy);
}

int kee_cycle_run(struct kee_kernel *kernel, bool *more)
{
    struct kee_epochs *epochs = &kernel->epochs;
    bool busy = is_busy(kernel);
    uint32_t rows;
    int r;

    if (busy) {
        epochs->active_ms = kernel->now_ms;
    }
    if (kernel->cycle == NULL) {
        bool quiet = !busy && kernel->now_ms >= epochs->active_ms + QUIET_MS;
        if (epochs->wanted || has_grown_much(kernel) || (quiet && has_grown(kernel))) {
            begin(kernel);
            epochs->waits = false;
            *more = true;
        }
        return 0;
    }
    if (busy && kernel->cranks < epochs->slice_cranks + CRANKS_PER_SLICE &&
        kernel->now_ms == epochs->slice_ms) {
        return 0;
    }
    epochs->slice_cranks = kernel->cranks;
    epochs->slice_ms = kernel->now_ms;
    rows = kernel->options.epoch_rows > 0 ? kernel->options.epoch_rows
           : busy                         ? SLICE_BUSY
                                          : KEE_SWEEP_SLICE;
    r = slice(kernel, rows, &epochs->waits);
    *more = *more || (!busy && !epochs->waits);
    return r;
}

uint64_t kee_cycle_wake_at_ms(const struct kee_kernel *kernel)
{
    if (kernel->cycle != NULL) {
        return kernel->epochs.waits ? UINT64_MAX : kernel->now_ms + 1;
    }
    return has_grown(kernel) ? kernel->epochs.active_ms + QUIET_MS : UINT64_MAX;
}

/* ---- an operator ---- */

int kee_kernel_collect(struct kee_kernel *kernel)
{
    kernel->epochs.wanted = true;
    return 0;
}

void kee_kernel_epochs(const struct kee_kernel *kernel, struct kee_epoch_stats *out)
{
    const struct kee_cycle *cycle = kernel->cycle;

    *out = (struct kee_epoch_stats){
        .state = cycle == NULL                    ? "none"
                 : cycle->phase == KEE_CYCLE_BURY ? "burying"
                 : kernel->epochs.waits           ? "waiting"
                                                  : "marking",
        .epochs = kernel->epochs.count,
        .survivors = kernel->epochs.survivors,
        .unreachable = kernel->epochs.named,
    };
}

static int is_condemned(struct kee_kernel *kernel, struct kee_kref kref, bool *out)
{
    struct kee_cycle_vat *vat;
    struct kee_space *space;
    struct kee_vref_parts parts;
    struct kee_object object = {0};
    struct kee_vat_id owner;
    struct kee_bytes value;
    struct kee_key key;
    int r;

    *out = false;
    if (kernel->cycle == NULL || kernel->cycle->phase != KEE_CYCLE_BURY ||
        kee_kref_kind(kref) != KEE_KREF_OBJECT) {
        return 0;
    }
    r = kee_object_get(kernel, kref, &object);
    owner = kee_endpoint_vat(object.owner);
    if (r != 0 || owner.n == 0) {
        return r == KEE_STORE_ABSENT ? 0 : r;
    }
    r = kee_world_get(kernel->world, kee_key_clist_kref(&key, owner, kref), &value);
    if (r != 0 || !kee_vref_parse(kee_bytes_cut(&value, ' '), &parts) || !parts.is_virtual) {
        return r == KEE_STORE_ABSENT ? 0 : r;
    }
    r = kee_cycle_vat(kernel, owner, &vat);
    r = r != 0 || vat->opaque ? r : kee_cycle_space(kernel, vat, &parts, true, &space);
    if (r == 0 && !vat->opaque && space != NULL) {
        *out = !kee_marks_is_marked(&space->marks, parts.instance) &&
               !(space->sort != KEE_SPACE_KIND &&
                 kee_marks_is_marked(&vat->touched.marks, parts.instance));
    }
    return r;
}

int kee_cycle_may_hold(struct kee_kernel *kernel, struct kee_kref kref)
{
    bool condemned;
    int r = is_condemned(kernel, kref, &condemned);

    if (r != 0 || !condemned) {
        return r;
    }
    return kee_kernel_decline(kernel, KEE_KERNEL_STATE,
                              "nothing reaches ko%llu any more: it is being collected",
                              (unsigned long long)kee_kref_number(kref));
}
