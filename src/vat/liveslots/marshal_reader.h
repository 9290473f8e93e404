/* SPDX-License-Identifier: Apache-2.0 */
/* marshal_reader - what the files that read bodies share. */
#ifndef KEE_VAT_LIVESLOTS_MARSHAL_READER_H
#define KEE_VAT_LIVESLOTS_MARSHAL_READER_H

#include "vat/liveslots/marshal.h"

/* Flags of what is built frozen. */
#define KEE_READ_FIXED (XS_DONT_DELETE_FLAG | XS_DONT_SET_FLAG)
#define KEE_READ_HARDENED (XS_DONT_PATCH_FLAG | XS_DONT_MARSHALL_FLAG)

struct kee_reader {
    txMachine *the;
    struct kee_ls *ls;
    const uint8_t *at, *end;
    bool smallcaps;
    size_t slots_from; /* place of our slots in ls->reader_slots */
    uint32_t slot_count;
    uint32_t depth;
};

/* Throws, saying how far from the end. */
void kee_read_malformed(struct kee_reader *r, const char *what) __attribute__((noreturn));

static inline void kee_read_skip_blanks(struct kee_reader *r)
{
    while (r->at < r->end &&
           (*r->at == ' ' || *r->at == '\t' || *r->at == '\n' || *r->at == '\r')) {
        r->at++;
    }
}

/* The next byte that is not blank, or -1. */
static inline int kee_read_peek(struct kee_reader *r)
{
    kee_read_skip_blanks(r);
    return r->at < r->end ? *r->at : -1;
}

static inline void kee_read_expect(struct kee_reader *r, char c)
{
    if (kee_read_peek(r) != c) {
        kee_read_malformed(r, "a comma, colon or bracket is missing");
    }
    r->at++;
}

/* Does a string of smallcaps mean something else than itself? */
static inline bool kee_read_is_special(struct kee_bytes text)
{
    return text.size > 0 && text.data[0] >= '!' && text.data[0] <= '-';
}

/* marshal_text.c: the text between quotes, in the body itself, or in ls->text if it has escapes. */
struct kee_bytes kee_read_text(struct kee_reader *r);

/* marshal_read.c. Each pushes what it is named after. */
void kee_read_value(struct kee_reader *r);
void kee_read_special(struct kee_reader *r, struct kee_bytes text);
void kee_read_bigint(struct kee_reader *r, struct kee_bytes text); /* [+-]digits */
/* promise: -1 either will do. */
void kee_read_slot(struct kee_reader *r, uint64_t index, struct kee_bytes iface, int promise);
/* One container further in. */
void kee_read_deeper(struct kee_reader *r);

/* An object being read. Members are taken into a record as they come. At most one of them says that the
 * object is something else; its value is kept aside until the end. */
enum kee_read_mark { KEE_MARK_NONE, KEE_MARK_TAG, KEE_MARK_ERROR, KEE_MARK_QCLASS };

struct kee_object {
    txSlot *record; /* instance */
    txSlot *marked; /* stack slot: the value of the marking member */
    txSlot *last;   /* named property, if count > 0 */
    enum kee_read_mark mark;
    uint32_t count; /* of named properties */
    bool unsorted;
};

/* marshal_read_object.c */
void kee_read_object(struct kee_reader *r);
/* The member of a special record, NULL if it has none of that name. */
txSlot *kee_read_member(struct kee_reader *r, struct kee_object *object, const char *name);
void kee_read_refuse_others(struct kee_reader *r, struct kee_object *object, uint32_t known);
/* Push what the object is. */
void kee_read_tagged(struct kee_reader *r, struct kee_object *object, txSlot *tag);
void kee_read_error(struct kee_reader *r, struct kee_object *object, txSlot *message);
/* marshal_read_capdata.c: the same, for an object with @qclass. */
void kee_read_qclass(struct kee_reader *r, struct kee_object *object, txSlot *qclass);

#endif
