/* SPDX-License-Identifier: Apache-2.0 */
/* gc - references that the vat lets go of, and those it is told to let go of. */
#ifndef KEE_VAT_LIVESLOTS_GC_H
#define KEE_VAT_LIVESLOTS_GC_H

#include "vat/liveslots/internal.h"

int kee_gc_new(struct kee_ls *ls);
void kee_gc_free(struct kee_ls *ls);

/* BRING_OUT_YOUR_DEAD: collects, deletes what nothing reaches, and tells the kernel. last: the heap
 * ends in order after this crank, so kinds hear that all their objects leave memory. */
void kee_gc_bring_out_your_dead(txMachine *the, bool last);

void kee_gc_drop_exports(txMachine *the, struct kee_vp_strings vrefs);
void kee_gc_retire_exports(txMachine *the, struct kee_vp_strings vrefs);
void kee_gc_retire_imports(txMachine *the, struct kee_vp_strings vrefs);

#endif
