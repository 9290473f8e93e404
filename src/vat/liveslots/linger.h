/* SPDX-License-Identifier: Apache-2.0 */
/* linger - promises that were just told; see linger.c. */
#ifndef KEE_VAT_LIVESLOTS_LINGER_H
#define KEE_VAT_LIVESLOTS_LINGER_H

#include "vat/liveslots/internal.h"

/* The kernel was told under that name how the promise settled. promise must be rooted: allocates. */
void kee_linger_add(txMachine *the, const struct kee_ls_vref *vref, txSlot *promise);
/* The promise of that name if it lingers, or NULL. */
txSlot *kee_linger_find(const struct kee_ls *ls, struct kee_bytes vref);

#endif
