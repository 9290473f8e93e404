/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vatrows - reads the rows that liveslots keeps in the store of its vat, as far as references go. The
 * format is docs/formats/vat-rows.md; src/vat/liveslots writes it, inside the worker.
 *
 *   vom.o+dK/I   state of an object   ──slots──►  o+dK/I  o+vK/I  own objects   o-N  imports
 *   vc.C.KEY     entry of a store     ──slots, and a key that is a reference──►
 *
 * What a row holds was written by a vat. A row that is not of the format leads nowhere, which can hurt
 * only the vat that wrote it.
 *
 * Owns nothing: what is read is borrowed from key and value. Threads: none.
 */
#ifndef KEE_VATROWS_VATROWS_H
#define KEE_VATROWS_VATROWS_H

#include "base/ids.h"

enum kee_vatrow_sort {
    KEE_VATROW_OTHER, /* counts, status, indexes: leads nowhere */
    KEE_VATROW_STATE, /* own: whose state it is */
    KEE_VATROW_ENTRY, /* store: which one; key: the vref that is the key, or empty */
    KEE_VATROW_KIND,  /* the descriptor of a durable kind, whose shape may hold references */
    KEE_VATROW_TABLE, /* the value is the vref of a store that the vat finds by name */
};

struct kee_vatrow {
    enum kee_vatrow_sort sort;
    struct kee_vref_parts own;
    uint64_t store;
    struct kee_bytes key;
};

/* What is the row of that key? key stands without the prefix of its vat. */
void kee_vatrow_read(struct kee_bytes key, struct kee_vatrow *out);

/* The rows of sort TABLE, and "vom.dkind.", under which those of sort KIND stand. NULL at the end. */
const char *kee_vatrow_root(size_t i);

/* Walks the slots of every capdata in a value: start with the value, take until false. */
struct kee_vatrow_slots {
    struct kee_bytes rest;
    bool inside; /* of a list of slots */
};

static inline struct kee_vatrow_slots kee_vatrow_slots_of(struct kee_bytes value)
{
    return (struct kee_vatrow_slots){value, false};
}

bool kee_vatrow_slots_next(struct kee_vatrow_slots *slots, struct kee_bytes *vref);

/* Which kinds are stores: the value of the row storeKindIDTable. */
#define KEE_VATROW_STORES_KEY "storeKindIDTable"
#define KEE_VATROW_HANDLES_KEY "kindIDID"
#define KEE_VATROW_MAKERS_KEY "makerKindID"
#define KEE_VATROW_STORE_KINDS 8

struct kee_vatrow_stores {
    struct {
        uint64_t kind;
        bool weak; /* its entries do not hold their keys */
    } of[KEE_VATROW_STORE_KINDS];
    size_t count;
};

void kee_vatrow_stores_read(struct kee_bytes value, struct kee_vatrow_stores *out);
/* Is kind a store? */
bool kee_vatrow_is_store(const struct kee_vatrow_stores *stores, uint64_t kind, bool *weak);

#endif
