/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ops - one message of Endo's CapTP: its JSON text as a struct, and back. docs/formats/captp.md has the
 * wire; kernel sessions and the client in C share this.
 *
 *   {"type":"CTP_CALL","epoch":0,"questionID":"q-2","target":"o-1","method":{"body":"[...]","slots":[]}}
 *
 * Names are text as the sender wrote it: nothing here turns a sign. epoch is written as 0 and not read.
 *
 * Owns     nothing: what is read lives in the arena it was read into.
 * Returns  0 done; KEE_CAPTP_BAD, with a sentence in why naming the field, what was expected and what was
 *          found; <0 fault.
 */
#ifndef KEE_CAPTP_OPS_H
#define KEE_CAPTP_OPS_H

#include "base/arena.h"
#include "value/value.h"

enum kee_captp_op_outcome { KEE_CAPTP_BAD = 1 };

enum kee_captp_op_type {
    KEE_CAPTP_BOOTSTRAP,    /* id */
    KEE_CAPTP_CALL,         /* id, target, value (the method), trap */
    KEE_CAPTP_RETURN,       /* id of the question, rejected, value */
    KEE_CAPTP_RESOLVE,      /* id of the promise, as its importer names it; rejected, value */
    KEE_CAPTP_DROP,         /* id of the import, refs; more of the same */
    KEE_CAPTP_DISCONNECT,   /* reason */
    KEE_CAPTP_TRAP_ITERATE, /* id, value */
};

/* One of many imports that a message lets go of. */
struct kee_captp_drop {
    struct kee_bytes id;
    uint64_t refs;
};

struct kee_captp_op {
    enum kee_captp_op_type type;
    bool trap;
    bool rejected;           /* exception, rej: not result, res */
    struct kee_bytes id;     /* "q-7", "p-3", "o-1" */
    struct kee_bytes target; /* "o-1", "p-4", "q-7" */
    struct kee_body value;
    uint64_t refs; /* decRefs; 0 if absent */
    const struct kee_captp_drop *more;
    size_t more_count;
    struct kee_bytes reason; /* JSON text; empty if absent */
};

int kee_captp_op_read(struct kee_bytes text, struct kee_arena *arena, struct kee_captp_op *out,
                      struct kee_buf *why);

/* Appends to buf, on one line without its end. */
void kee_captp_op_write(struct kee_buf *buf, const struct kee_captp_op *op);

/* "CTP_CALL" */
const char *kee_captp_type_name(enum kee_captp_op_type type);

/*
 * A slot is a letter (o object, p promise, t object for synchronous calls), a sign (+ the sender's own, -
 * the receiver's) and the rest, any text that is not empty.
 */
static inline bool kee_captp_is_slot(struct kee_bytes slot)
{
    return slot.size > 2 && (slot.data[0] == 'o' || slot.data[0] == 'p' || slot.data[0] == 't') &&
           (slot.data[1] == '+' || slot.data[1] == '-');
}

#endif
