/* SPDX-License-Identifier: Apache-2.0 */
/* durable - may a value be stored durably, and if not, where inside it is what may not? */
#ifndef KEE_VAT_LIVESLOTS_DURABLE_H
#define KEE_VAT_LIVESLOTS_DURABLE_H

#include "vat/liveslots/vom.h"

/* capdata is value, serialized. Throws an Error that names the path to the first object of value
 * that does not outlive the heap; the path starts with what format says: "state.owner". */
void kee_durable_insist(txMachine *the, txSlot *value, const struct kee_ls_capdata *capdata,
                        const char *format, ...) __attribute__((format(printf, 4, 5)));
bool kee_durable_all(txMachine *the, const struct kee_ls_capdata *capdata);
/* Writes value in words for a message: "\"text\"", "12n", "the remotable \"Alleged: purse\"". */
void kee_describe_value(txMachine *the, txSlot *value, char *text, size_t size);

#endif
