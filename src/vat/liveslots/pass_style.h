/* SPDX-License-Identifier: Apache-2.0 */
/* pass_style - what the writer needs beyond kee_ls_pass_style(). */
#ifndef KEE_VAT_LIVESLOTS_PASS_STYLE_H
#define KEE_VAT_LIVESLOTS_PASS_STYLE_H

#include "vat/liveslots/internal.h"

/* Own property of an ordinary object or function, NULL if there is none; ids only, no index. */
txSlot *kee_own_property(txSlot *instance, txID id);
/* The same along the prototypes; NULL also when a proxy stands in the way. */
txSlot *kee_any_property(txMachine *the, txSlot *instance, txID id);
/* The name of the engine's class of errors it inherits from: "TypeError". NULL if it is no error. */
const char *kee_error_class(txMachine *the, txSlot *instance);
/* Frozen, as far as the instance itself and its own properties go. */
bool kee_is_frozen(txSlot *instance);
txID kee_pass_style_id(txMachine *the);
/* The name of a passable symbol as smallcaps writes it, without the %; false if not passable. */
bool kee_put_symbol_name(txMachine *the, txID symbol, struct kee_buf *out);
/* Pushes the symbol of such a name. Throws. */
void kee_push_symbol(txMachine *the, struct kee_bytes name);

#endif
