/* SPDX-License-Identifier: Apache-2.0 */
/* marshal_writer - what the files that write bodies share. */
#ifndef KEE_VAT_LIVESLOTS_MARSHAL_WRITER_H
#define KEE_VAT_LIVESLOTS_MARSHAL_WRITER_H

#include "vat/liveslots/marshal.h"

struct kee_write_step {
    txID id; /* XS_NO_ID: an index */
    txIndex index;
};

struct kee_writer {
    txMachine *the;
    struct kee_ls *ls;
    struct kee_buf *out;
    txSlot *slots; /* XS_LIST_KIND on the engine's stack: the values that become slots, in order */
    uint32_t slot_count;
    uint64_t errors; /* ids used so far */
    uint32_t depth;
    bool methargs; /* the root is [method, args] */
    txSlot *within[KEE_LIMIT_VALUE_DEPTH];
    struct kee_write_step steps[KEE_LIMIT_VALUE_DEPTH];
};

/* marshal_write.c */
void kee_write_value(struct kee_writer *w, txSlot *value);
/* As smallcaps: with a bang if it would mean something else. */
void kee_write_string(struct kee_writer *w, const txSlot *string);
/* One container further in. */
void kee_write_enter(struct kee_writer *w, txSlot *instance);
void kee_write_refuse(struct kee_writer *w, const char *why) __attribute__((noreturn));

/* marshal_write_record.c */
void kee_write_record(struct kee_writer *w, txSlot *instance);

#endif
