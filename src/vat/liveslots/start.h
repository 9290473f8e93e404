/* SPDX-License-Identifier: Apache-2.0 */
/* start - the first crank of an incarnation, and what vat code gets in it. */
#ifndef KEE_VAT_LIVESLOTS_START_H
#define KEE_VAT_LIVESLOTS_START_H

#include "vat/liveslots/internal.h"

/* A value in words, without running JS: "TypeError: x", "the string \"x\"", "an array". */
void kee_describe(txMachine *the, txSlot *value, char *text, size_t size);
/* The pending exception becomes the reason of the crank's failure. */
void kee_ls_fail_with_exception(txMachine *the, const char *what);

const txCallback *kee_start_callbacks(size_t *count);

#endif
