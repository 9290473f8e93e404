/* SPDX-License-Identifier: Apache-2.0 */
/*
 * contents - what the frame of a delivery says: a message, or how promises settled.
 *
 * A vat is told of a promise together with every settled promise that its outcome leads to. The vat's
 * names of settled promises end with the telling; were each told of alone, promises whose outcomes name
 * each other would get new names, be asked for and be told of in turn, for ever.
 */
#include <stdlib.h>

#include "kernel/internal.h"

static int append_named(struct kee_flight *flight, struct kee_kref kref)
{
    struct kee_named *longer =
        realloc(flight->named, (flight->named_count + 1) * sizeof *flight->named);

    if (longer == NULL) {
        return kee_fault(KEE_FAULT_MEMORY, "a delivery's names");
    }
    longer[flight->named_count++] = (struct kee_named){.kref = kref};
    flight->named = longer;
    return 0;
}

/* Puts the vat's name for kref as a string; remembers promises for kee_clist_retire_promise. */
static int put_vref(struct kee_kernel *kernel, struct kee_vat *vat, struct kee_flight *flight,
                    struct kee_kref kref)
{
    struct kee_buf *text = kee_scratch_take(kernel);
    int r;

    r = kee_clist_vref_of(kernel, vat, kref, text);
    if (r == 0) {
        kee_vp_put_string(&kernel->out, kee_buf_bytes(text));
        if (kee_kref_is_promise(kref)) {
            r = append_named(flight, kref);
        }
    }
    kee_scratch_give(kernel, text);
    return r;
}

static int put_slots(struct kee_kernel *kernel, struct kee_vat *vat, struct kee_flight *flight,
                     struct kee_bytes slots)
{
    struct kee_kref kref;
    int r = 0;

    kee_buf_put_u32(&kernel->out, (uint32_t)kee_krefs_count(slots));
    while (r == 0 && kee_krefs_next(&slots, &kref)) {
        r = put_vref(kernel, vat, flight, kref);
    }
    return r;
}

int kee_put_message(struct kee_kernel *kernel, struct kee_vat *vat, struct kee_flight *flight,
                    const struct kee_item *item)
{
    int r = put_vref(kernel, vat, flight, item->target);

    if (r == 0) {
        if (kee_kref_is_none(item->result)) {
            kee_vp_put_string(&kernel->out, kee_bytes_of(NULL, 0));
        } else {
            r = put_vref(kernel, vat, flight, item->result);
        }
    }
    kee_vp_put_string(&kernel->out, item->body);
    return r != 0 ? r : put_slots(kernel, vat, flight, item->slots);
}

/* Puts how a promise settled; its slots are left in the buffer. told: the vat need not have asked. */
static int put_outcome(struct kee_kernel *kernel, struct kee_vat *vat, struct kee_flight *flight,
                       struct kee_kref promise, bool told, struct kee_buf *slots_out)
{
    struct kee_buf *hold = kee_scratch_take(kernel);
    struct kee_promise row;
    struct kee_bytes slots, body;
    int r;

    r = kee_promise_get(kernel, promise, hold, &row);
    if (r == 0) {
        kee_assert(row.state != 'u');
        r = put_vref(kernel, vat, flight, promise);
        kee_buf_put_u8(&kernel->out, row.state == 'r');
    }
    if (r == 0) {
        flight->named[flight->named_count - 1].told = told;
    }
    r = r != 0 ? r : kee_promise_data(kernel, promise, hold, &slots, &body);
    if (r == 0) {
        kee_vp_put_string(&kernel->out, body);
        r = put_slots(kernel, vat, flight, slots);
    }
    if (r == 0) {
        kee_buf_clear(slots_out);
        kee_buf_put_bytes(slots_out, slots);
        r = kee_buf_status(slots_out);
    }
    kee_scratch_give(kernel, hold);
    return r;
}

static bool is_among(const struct kee_buf *krefs, struct kee_kref kref)
{
    struct kee_kref other;

    for (size_t at = 0; at < krefs->size; at += sizeof other) {
        memcpy(&other, krefs->data + at, sizeof other);
        if (kee_kref_equal(other, kref)) {
            return true;
        }
    }
    return false;
}

/* Appends to found the settled promises among slots that are not in it, up to the limit. */
static int find_settled(struct kee_kernel *kernel, struct kee_bytes slots, struct kee_buf *found)
{
    struct kee_buf *hold = kee_scratch_take(kernel);
    struct kee_promise row;
    struct kee_kref kref;
    int r = 0;

    while (r == 0 && found->size / sizeof kref < KEE_LIMIT_NOTIFY_PROMISES &&
           kee_krefs_next(&slots, &kref)) {
        if (!kee_kref_is_promise(kref) || is_among(found, kref)) {
            continue;
        }
        kee_buf_clear(hold);
        r = kee_promise_get(kernel, kref, hold, &row);
        if (r == 0 && row.state != 'u') {
            kee_buf_put(found, &kref, sizeof kref);
            r = kee_buf_status(found);
        }
    }
    kee_scratch_give(kernel, hold);
    return r;
}

/* Vats without liveslots ask for each promise by themselves, and may keep names they were given. */
static bool is_told_all(const struct kee_vat *vat)
{
    return !vat->raw && vat->flavour != KEE_FLAVOUR_NATIVE;
}

int kee_put_notify(struct kee_kernel *kernel, struct kee_vat *vat, struct kee_flight *flight,
                   struct kee_kref promise)
{
    struct kee_buf *found = kee_scratch_take(kernel);
    struct kee_buf *slots = kee_scratch_take(kernel);
    size_t place = kernel->out.size;
    struct kee_kref kref;
    uint32_t count = 0;
    int r;

    kee_buf_put_u32(&kernel->out, 0);
    kee_buf_put(found, &promise, sizeof promise);
    r = kee_buf_status(found);
    for (size_t at = 0; r == 0 && at < found->size; at += sizeof kref) {
        memcpy(&kref, found->data + at, sizeof kref);
        r = put_outcome(kernel, vat, flight, kref, count > 0, slots);
        count++;
        if (r == 0 && is_told_all(vat) && kernel->out.size - place < KEE_LIMIT_NOTIFY_BYTES) {
            r = find_settled(kernel, kee_buf_bytes(slots), found);
        }
    }
    r = r != 0 ? r : kee_buf_status(&kernel->out);
    if (r == 0) {
        kee_buf_set_u32(&kernel->out, place, count);
    }
    kee_scratch_give(kernel, slots);
    kee_scratch_give(kernel, found);
    return r;
}
