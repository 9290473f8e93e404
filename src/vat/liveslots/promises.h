/* SPDX-License-Identifier: Apache-2.0 */
/* promises - what the kernel and the vat tell each other about promises. */
#ifndef KEE_VAT_LIVESLOTS_PROMISES_H
#define KEE_VAT_LIVESLOTS_PROMISES_H

#include "vat/liveslots/internal.h"

/* promise is ours to settle under entry's name: when it settles, the kernel hears. */
void kee_promise_follow(txMachine *the, struct kee_ls_entry *entry, txSlot *promise);
/* A syscall has just named these slots. Tells the kernel at once of those promises among them whose
 * settling it was told before, under names now retired, and follows the rest. */
void kee_promises_named(txMachine *the, struct kee_vp_strings slots);
/* NOTIFY: fields are those of the delivery. Throws on a malformed one. */
void kee_promises_notify(txMachine *the, struct kee_bytes fields);

/* Host function. */
void kee_promise_settled(txMachine *the);

#endif
