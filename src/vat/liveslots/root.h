/* SPDX-License-Identifier: Apache-2.0 */
/* root - the root instance in the heap, and tools on engine slots for the core of this directory. */
#ifndef KEE_VAT_LIVESLOTS_ROOT_H
#define KEE_VAT_LIVESLOTS_ROOT_H

#include "vat/liveslots/internal.h"

enum kee_root_id {
    KEE_ROOT_ENTRIES = 1,     /* the list whose slots refer to named objects */
    KEE_ROOT_HARDEN,          /* the engine's harden */
    KEE_ROOT_JOB,             /* the one function of all jobs of eventual sends */
    KEE_ROOT_PASS_STYLE,      /* Symbol.for('passStyle') */
    KEE_ROOT_HANDLED_PROMISE, /* the constructor */
};

txSlot *kee_root_instance(txMachine *the);
txSlot *kee_root(txMachine *the, enum kee_root_id id);

/* Pushes an error of that class. */
void kee_push_error(txMachine *the, txError which, struct kee_bytes message);
/* Throws the value on the stack. */
void kee_throw_top(txMachine *the) __attribute__((noreturn));

/* The next UTF-16 unit of an engine string; at must not stand on its end. */
const uint8_t *kee_utf16_next(const uint8_t *at, unsigned *unit);
void kee_put_utf8(struct kee_buf *buf, uint32_t c);

static inline bool kee_is_string(const txSlot *slot)
{
    return slot->kind == XS_STRING_KIND || slot->kind == XS_STRING_X_KIND;
}

#endif
