/* SPDX-License-Identifier: Apache-2.0 */
/* internal - what the files of this directory share. */
#ifndef KEE_VAT_RAW_INTERNAL_H
#define KEE_VAT_RAW_INTERNAL_H

#include "vat/liveslots/internal.h"

/* On the root instance: what must live as long as the vat. */
enum kee_raw_tag {
    KEE_RAW_TAG_DELIVER = KEE_TAG_RAW, /* the dispatch function */
    KEE_RAW_TAG_SYSCALL,               /* the syscall object */
};

struct kee_raw {
    struct kee_ls_vref result; /* that the message asks for; size 0 once settled or taken */
    struct kee_ls_vref taken;  /* the same, once the vat took it; size 0 once settled */
    /* Of one delivery or one syscall; whatever may be jumped over leaves its bytes here. */
    struct kee_buf method;
    struct kee_buf body;
    struct kee_buf slots; /* u32 size | bytes, each */
    uint32_t slot_count;
    struct kee_buf why;
};

static inline struct kee_raw *kee_raw_of(txMachine *the)
{
    return kee_ls_of(the)->raw;
}

/* A buffer of megabytes is rare; its storage goes back. */
void kee_raw_clear(struct kee_buf *buf);

/* Throws: which and why, or ends the process on a fault. */
void kee_raw_throw(txMachine *the, int outcome) __attribute__((noreturn));

/* Pushes what a vat calls vref: a number for an object, the name itself for a promise. */
void kee_raw_push_slot(txMachine *the, struct kee_bytes vref);
/* Pushes a frozen array of them. */
void kee_raw_push_slots(txMachine *the, struct kee_vp_strings vrefs);

/* Appends an engine string as JSON has it, in quotes. Uses raw->method. */
void kee_raw_put_quoted(txMachine *the, struct kee_buf *out, const txSlot *string);

/* Settles a promise the vat decides, with a body that was looked through. */
void kee_raw_settle(struct kee_ls *ls, struct kee_bytes promise, bool rejected,
                    struct kee_bytes body, struct kee_vp_strings slots);

/* Pushes the syscall object. */
void kee_raw_push_syscall(txMachine *the);

#endif
