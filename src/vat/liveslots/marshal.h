/* SPDX-License-Identifier: Apache-2.0 */
/* marshal - the parts of marshalling that only the core of this directory uses. */
#ifndef KEE_VAT_LIVESLOTS_MARSHAL_H
#define KEE_VAT_LIVESLOTS_MARSHAL_H

#include "vat/liveslots/internal.h"

/* Writes [method, args] as the body of a message. args is a hardened array. Throws. */
void kee_ls_serialize_methargs(txMachine *the, txSlot *method, txSlot *args,
                               struct kee_ls_capdata *out);

/* Forgets all capdata of the crank. */
void kee_ls_capdata_reset(struct kee_ls *ls);
void kee_ls_capdata_free(struct kee_ls *ls);

/* Appends an engine string as JSON text, quotes included, as JSON.stringify writes it. */
void kee_json_put_string(struct kee_buf *out, const txSlot *string, const char *before);

/* Pushes an error of the class of that name (Error if there is none such). message is on the stack and
 * is replaced by the error. */
void kee_push_named_error(txMachine *the, struct kee_bytes name);

#endif
