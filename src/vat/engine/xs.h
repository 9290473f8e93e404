/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine/xs.h - the engine's own header, for C that works on its data. The name avoids the include
 * path of the engine's public header: include this one as "vat/engine/xs.h".
 *
 * Frames of ours that an exception may jump over own nothing; chunk pointers (strings, array items)
 * die at the next call that can allocate; slots never move but must be reachable to stay.
 */
#ifndef KEE_VAT_ENGINE_XS_H
#define KEE_VAT_ENGINE_XS_H

#include <xsAll.h>
#include <xsScript.h>
#include <xsSnapshot.h>

/* Made visible by our patch: a rejected promise without reactions is entered here, once. */
void fxAddUnhandledRejection(txMachine *the, txSlot *promise);
char *fxCStackLimit(void);
/* Not in the engine's header: adds count slots, a number in the thousands, to the heap. */
void fxGrowSlots(txMachine *the, txSize count);

#endif
