/* SPDX-License-Identifier: Apache-2.0 */
/*
 * promises - following our promises for the kernel, and settling theirs.
 *
 * A promise that was settled and told is forgotten by name, but the promise itself keeps the fact
 * (KEE_TAG_KNOWN). When it is sent again it gets a new name, and the kernel is told in the same breath
 * how it settled.
 */
#include "vat/liveslots/promises.h"

#include <stdlib.h>

#include "vat/liveslots/hp.h"
#include "vat/liveslots/linger.h"
#include "vat/liveslots/marshal.h"
#include "vat/liveslots/root.h"
#include "vat/liveslots/tables.h"

/* ---- Collecting resolutions ----
 *
 * One syscall tells of a promise and, transitively, of every promise its value names whose outcome is
 * known. The batch is a list of entries with their capdata, on buffers of kee_ls. */
#define SCAN_DEPTH_MAX 64u

struct resolution {
    struct kee_ls_entry *entry;
    struct kee_ls_capdata *capdata;
    bool rejected;
};

struct batch {
    struct kee_ls *ls;
    size_t count; /* of struct resolution in ls->resolutions */
};

static struct batch batch_begin(struct kee_ls *ls)
{
    struct batch batch = {ls, 0};

    kee_buf_clear(&ls->resolutions);
    return batch;
}

static struct resolution batch_at(const struct batch *batch, size_t i)
{
    struct resolution resolution;

    memcpy(&resolution, batch->ls->resolutions.data + i * sizeof(resolution), sizeof(resolution));
    return resolution;
}

/* Writes a value, or why it could not be written. Returns whether it could. */
static bool serialize_outcome(txMachine *the, txSlot *value, struct kee_ls_capdata *out)
{
    volatile bool good = false;

    {
        mxTry(the)
        {
            kee_ls_serialize(the, value, out);
            good = true;
        }
        mxCatch(the)
        {
            mxPush(mxException);
            mxException = mxUndefined;
        }
    }
    if (good) {
        return true;
    }
    {
        mxTry(the)
        {
            kee_ls_serialize(the, the->stack, out);
        }
        mxCatch(the)
        {
            /* Even the reason cannot pass. */
            mxException = mxUndefined;
            kee_push_error(the, XS_TYPE_ERROR, KEE_BYTES_LIT("the outcome cannot be passed"));
            kee_ls_serialize(the, the->stack, out);
            mxPop();
        }
    }
    mxPop();
    return false;
}

static void collect(txMachine *the, struct batch *batch, struct kee_ls_entry *entry, bool rejected,
                    txSlot *value)
{
    struct resolution resolution = {entry, kee_ls_capdata_new(the), rejected};

    entry->in_batch = true;
    if (!serialize_outcome(the, value, resolution.capdata)) {
        resolution.rejected = true;
    }
    kee_ls_retain_exports(the, kee_ls_capdata_slots(resolution.capdata));
    kee_buf_put(&batch->ls->resolutions, &resolution, sizeof(resolution));
    kee_ls_check(the, kee_buf_status(&batch->ls->resolutions));
    batch->count++;
}

/* Collects the promises among slots that are known to have settled, each followed by those its value
 * names. */
static void scan(txMachine *the, struct batch *batch, struct kee_vp_strings slots, unsigned depth)
{
    struct kee_bytes vref;

    while (kee_vp_strings_next(&slots, &vref)) {
        struct kee_ls_entry *entry = kee_ls_entry_of(batch->ls, vref);
        txSlot *promise =
            entry && entry->kind == KEE_LS_PROMISE ? kee_ls_entry_object(entry) : NULL;
        if (promise && !entry->in_batch && kee_tag_find(promise, KEE_TAG_KNOWN)) {
            size_t at = batch->count;
            collect(the, batch, entry, mxPromiseStatus(promise)->value.integer == mxRejectedStatus,
                    mxPromiseResult(promise));
            if (depth < SCAN_DEPTH_MAX) {
                scan(the, batch, kee_ls_capdata_slots(batch_at(batch, at).capdata), depth + 1);
            }
        }
    }
}

/* Whatever a chain of promises longer than that has left out. */
static void scan_rest(txMachine *the, struct batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        scan(the, batch, kee_ls_capdata_slots(batch_at(batch, i).capdata), 0);
    }
}

static void put_batch(txMachine *the, struct batch *batch)
{
    struct kee_buf *out = kee_ls_syscall(batch->ls, KEE_VP_CALL_RESOLVE);

    kee_buf_put_u32(out, (uint32_t)batch->count);
    for (size_t i = 0; i < batch->count; i++) {
        struct resolution resolution = batch_at(batch, i);
        struct kee_ls_vref vref;
        kee_ls_entry_vref(resolution.entry, &vref);
        kee_vp_put_string(out, kee_ls_vref_bytes(&vref));
        kee_buf_put_u8(out, resolution.rejected);
        kee_ls_put_capdata(out, resolution.capdata);
    }
    kee_ls_check(the, kee_buf_status(out));
}

/* ---- Following what the kernel has newly heard of ---- */

static int compare_vrefs(const void *a, const void *b)
{
    struct kee_bytes left, right;

    memcpy(&left, a, sizeof(left));
    memcpy(&right, b, sizeof(right));
    return kee_bytes_compare(left, right);
}

/* Follows, in the order of their names, the promises that slots and the batch's values name. */
static void follow_new(txMachine *the, struct batch *batch, struct kee_vp_strings slots)
{
    struct kee_buf *names = &batch->ls->names;
    struct kee_bytes vref;
    size_t count;

    kee_buf_clear(names);
    for (size_t i = 0;; i++) {
        while (kee_vp_strings_next(&slots, &vref)) {
            if (vref.size > 0 && vref.data[0] == KEE_VREF_PROMISE) {
                kee_buf_put(names, &vref, sizeof(vref));
            }
        }
        if (i == batch->count) {
            break;
        }
        slots = kee_ls_capdata_slots(batch_at(batch, i).capdata);
    }
    kee_ls_check(the, kee_buf_status(names));
    count = names->size / sizeof(vref);
    if (count > 1) {
        qsort(names->data, count, sizeof(vref), compare_vrefs);
    }
    for (size_t i = 0; i < count; i++) {
        memcpy(&vref, names->data + i * sizeof(vref), sizeof(vref));
        (void)kee_ls_maybe_export_promise(the, vref);
    }
}

/* After the syscall: the names of the batch are gone. */
static void retire_batch(struct batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        struct kee_ls_entry *entry = batch_at(batch, i).entry;
        txSlot *promise = kee_ls_entry_object(entry);
        struct kee_ls_vref vref;

        entry->in_batch = false;
        kee_ls_entry_vref(entry, &vref);
        if (promise) {
            kee_linger_add(batch->ls->machine, &vref, promise);
        }
        kee_entry_retire_promise(batch->ls, entry);
    }
}

static void free_batch(struct batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        kee_ls_capdata_done(batch->ls, batch_at(batch, i).capdata);
    }
}

void kee_promises_named(txMachine *the, struct kee_vp_strings slots)
{
    struct batch batch = batch_begin(kee_ls_of(the));

    scan(the, &batch, slots, 0);
    scan_rest(the, &batch);
    if (batch.count > 0) {
        put_batch(the, &batch);
        retire_batch(&batch);
    }
    follow_new(the, &batch, slots);
    free_batch(&batch);
}

/* The promise of entry has settled: the kernel hears. */
static void tell(txMachine *the, struct kee_ls_entry *entry, txSlot *promise, bool rejected,
                 txSlot *value)
{
    struct batch batch = batch_begin(kee_ls_of(the));
    struct kee_vp_strings none = {{NULL, 0}, 0};
    txSlot *known = kee_tag_make(the, promise, KEE_TAG_KNOWN);

    known->kind = XS_BOOLEAN_KIND;
    known->value.boolean = rejected;
    collect(the, &batch, entry, rejected, value);
    scan(the, &batch, kee_ls_capdata_slots(batch_at(&batch, 0).capdata), 0);
    scan_rest(the, &batch);
    put_batch(the, &batch);
    retire_batch(&batch);
    follow_new(the, &batch, none);
    free_batch(&batch);
}

void kee_promise_settled(txMachine *the)
{
    struct kee_ls *ls = kee_ls_of(the);
    txSlot *home = mxFunctionInstanceHome(mxFunction->value.reference)->value.home.object;
    struct kee_ls_entry *entry = ls->entries[home->next->value.integer];
    txSlot *promise = entry->kind == KEE_LS_PROMISE ? kee_ls_entry_object(entry) : NULL;
    bool rejected;

    if (!promise || !entry->exported ||
        mxPromiseStatus(promise)->value.integer == mxPendingStatus) {
        return; /* told already, in another promise's batch; the entry may be another's by now */
    }
    rejected = mxPromiseStatus(promise)->value.integer == mxRejectedStatus;
    mxPushSlot(mxPromiseResult(promise));
    {mxTry(the){kee_ls_harden(the, the->stack);
}
mxCatch(the)
{
    mxException = mxUndefined; /* serializing will say so */
}
}
{
    mxTry(the)
    {
        tell(the, entry, promise, rejected, the->stack);
    }
    mxCatch(the)
    {
        mxException = mxUndefined;
        kee_ls_fail(ls, "the outcome of a promise could not be told");
    }
}
mxPop();
}

void kee_promise_follow(txMachine *the, struct kee_ls_entry *entry, txSlot *promise)
{
    txSlot *home;

    if (!entry->exported) {
        entry->exported = true;
        kee_entry_hold(entry);
    }
    home = fxNewInstance(the);
    fxNextIntegerProperty(the, home, (txInteger)entry->index, XS_NO_ID, XS_INTERNAL_FLAG);
    kee_hp_when(the, promise, kee_promise_settled, home);
    mxPop();
}

bool kee_ls_maybe_export_promise(txMachine *the, struct kee_bytes vref)
{
    struct kee_ls_entry *entry = kee_ls_entry_of(kee_ls_of(the), vref);
    txSlot *promise = entry && entry->kind == KEE_LS_PROMISE ? kee_ls_entry_object(entry) : NULL;

    if (!promise || entry->exported || entry->imported) {
        return false;
    }
    entry->gone_from_kernel = false;
    kee_promise_follow(the, entry, promise);
    return true;
}

/* ---- Settling what the kernel tells ---- */

/* Pushes the value of data. If it cannot be read, that is its decider's mistake: pushes why, and returns
 * false. */
static bool push_outcome(txMachine *the, struct kee_vp_capdata data)
{
    txSlot *outcome;
    volatile bool good = false;

    mxPushUndefined();
    outcome = the->stack;
    {
        mxTry(the)
        {
            kee_ls_unserialize(the, data.body, data.slots);
            good = true;
        }
        mxCatch(the)
        {
            mxPush(mxException);
            mxException = mxUndefined;
            kee_ls_harden(the, the->stack);
        }
    }
    outcome->kind = the->stack->kind;
    outcome->value = the->stack->value;
    the->stack = outcome;
    return good;
}

static struct kee_ls_entry *notify_one(txMachine *the, struct kee_bytes vpid, bool rejected,
                                       struct kee_vp_capdata data)
{
    struct kee_ls *ls = kee_ls_of(the);
    struct kee_ls_entry *entry = kee_ls_entry_of(ls, vpid);
    txSlot *promise;

    if (!entry || entry->kind != KEE_LS_PROMISE || !entry->imported) {
        return NULL; /* stale: we have become the decider, or an earlier incarnation asked */
    }
    promise = kee_ls_entry_object(entry);
    rejected = !push_outcome(the, data) || rejected;
    kee_hp_settle_remote(the, promise, rejected, the->stack);
    mxPop();
    return entry;
}

/* Subscribes, in the order of their names, to promises that came in and are still open. */
static void subscribe_imported(txMachine *the)
{
    struct kee_ls *ls = kee_ls_of(the);
    struct kee_vp_reader reader = {kee_buf_bytes(&ls->imported), false};
    struct kee_buf *names = &ls->names;
    struct kee_bytes vref;
    size_t count;

    kee_buf_clear(names);
    while (reader.rest.size > 0) {
        struct kee_ls_entry *entry;
        vref = kee_vp_take_string(&reader);
        entry = kee_ls_entry_of(ls, vref);
        if (entry && entry->imported) {
            kee_buf_put(names, &vref, sizeof(vref));
        }
    }
    kee_ls_check(the, kee_buf_status(names));
    count = names->size / sizeof(vref);
    if (count > 1) {
        qsort(names->data, count, sizeof(vref), compare_vrefs);
    }
    for (size_t i = 0; i < count; i++) {
        memcpy(&vref, names->data + i * sizeof(vref), sizeof(vref));
        kee_ls_subscribe(ls, vref);
    }
}

void kee_promises_notify(txMachine *the, struct kee_bytes fields)
{
    struct kee_ls *ls = kee_ls_of(the);
    struct kee_vp_reader reader = {fields, false};
    uint32_t count = kee_vp_take_u32(&reader);
    struct kee_vp_strings retired = {{NULL, 0}, 0};
    struct kee_ls_capdata *told = kee_ls_capdata_new(the); /* its slots: the vpids that were ours */
    struct kee_bytes vpid;

    ls->collecting = true;
    kee_buf_clear(&ls->imported);
    for (uint32_t i = 0; i < count; i++) {
        bool rejected;
        struct kee_vp_capdata data;
        vpid = kee_vp_take_string(&reader);
        rejected = kee_vp_take_u8(&reader) != 0;
        data = kee_vp_take_capdata(&reader);
        if (reader.failed) {
            mxRangeError("malformed notify");
        }
        if (notify_one(the, vpid, rejected, data)) {
            kee_vp_put_string(&told->slots, vpid);
            told->slot_count++;
        }
    }
    ls->collecting = false;
    kee_ls_check(the, kee_buf_status(&ls->imported));
    kee_ls_check(the, kee_buf_status(&told->slots));
    retired = kee_ls_capdata_slots(told);
    while (kee_vp_strings_next(&retired, &vpid)) {
        struct kee_ls_entry *entry = kee_ls_entry_of(ls, vpid);
        if (entry && entry->imported) {
            kee_entry_retire_promise(ls, entry);
        }
    }
    kee_ls_capdata_done(ls, told);
    subscribe_imported(the);
}
