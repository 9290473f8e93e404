/* SPDX-License-Identifier: Apache-2.0 */
/* cycles - the vat's part in the kernel's collection of cycles. */
#ifndef KEE_VAT_LIVESLOTS_CYCLES_H
#define KEE_VAT_LIVESLOTS_CYCLES_H

#include "vat/liveslots/internal.h"

/* BRING_OUT_YOUR_DEAD: what the kernel says and asks besides. */
struct kee_ls_reap {
    bool asks_heap;
    bool last; /* the heap ends in order after this crank */
    struct kee_vp_strings unreachable;
};

/* Reads the fields of the delivery; throws. */
void kee_cycles_take(txMachine *the, struct kee_bytes fields, struct kee_ls_reap *out);
/* Empties objects that nothing reaches: what their state refers to is let go of, and they are looked at
 * as possibly dead. One that stands in memory is left alone: then something did reach it. */
void kee_cycles_empty(txMachine *the, struct kee_vp_strings unreachable);
/* After the collection: names to the kernel the imports and virtual objects that stand in memory. */
void kee_cycles_tell_heap(txMachine *the);

#endif
