/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vom - what the files of durable state share: the vat's rows, its kinds, and where the values that
 * belong to them hang in the heap.
 *
 *   vom.c          start, flush, the entry points of internal.h that only hand on
 *   vatstore.c     rows, seen through the writes of the crank       rowtext.c  JSON in rows
 *   refcounts.c    who holds what: rows vom.rc, vom.es, vom.ir
 *   kinds*.c       kinds of objects and their state: rows vom.<base vref>, vom.dkind, vom.vkind,
 *                  vom.loose, vom.sleepers, makerKindID
 *   collections*.c stores and the baggage: rows vc.<id>.
 *   watched.c      promises that are watched across restarts
 *
 * The heap holds no pointer of ours. What C must find again hangs in hidden slots (enum kee_vom_tag)
 * of instances that ls->root reaches.
 */
#ifndef KEE_VAT_LIVESLOTS_VOM_H
#define KEE_VAT_LIVESLOTS_VOM_H

#include "vat/liveslots/internal.h"
#include "vat/liveslots/remains.h"
#include "vat/liveslots/rowtext.h"
#include "vat/liveslots/vatstore.h"

enum kee_vom_tag {
    KEE_VOM_TAG_HOME = KEE_TAG_VOM, /* on the root: the instance from which the rest hangs */
    KEE_VOM_TAG_TOOLS,              /* on the root: functions of the boot bundle, an object */
    KEE_VOM_TAG_PROTOS,             /* on the root: prototypes of stores, an array */
    KEE_VOM_TAG_COHORT,             /* on a facet: its cohort. On a cohort: the record of facets */
    KEE_VOM_TAG_FACET,              /* on a facet: its number */
    KEE_VOM_TAG_KIND,               /* on states, functions of a kind: the kind id, a number */
    KEE_VOM_TAG_INSTANCE,           /* on a state: the instance, a number */
    KEE_VOM_TAG_NAME,               /* on an accessor's home: the id of its field, an integer */
    KEE_VOM_TAG_VALUE,              /* what belongs to the holder: a behaviour, a value */
    KEE_VOM_TAG_SCHEMA,             /* on a store: its schema, once read: see collections.h */
    KEE_VOM_TAG_KEY_SHAPE,
    KEE_VOM_TAG_VALUE_SHAPE,
    KEE_VOM_TAG_GENERATION, /* on a store: counts additions, an integer */
    KEE_VOM_TAG_MODE,       /* on an iterator: what it gives */
    KEE_VOM_TAG_RECORD,     /* on a record of facets: their cohort */
    KEE_VOM_TAG_VATDATA,    /* on the root: VatData with what the boot bundle adds to it */
};

/* A key under construction, on the C stack. Too long a one is cut and remembered. */
struct kee_key {
    size_t size;
    bool cut;
    char text[KEE_LIMIT_KEY_BYTES];
};

static inline void kee_key_put(struct kee_key *key, struct kee_bytes bytes)
{
    if (bytes.size > sizeof(key->text) - key->size) {
        key->cut = true;
        return;
    }
    if (bytes.size > 0) {
        memcpy(key->text + key->size, bytes.data, bytes.size);
    }
    key->size += bytes.size;
}
static inline void kee_key_begin(struct kee_key *key, const char *prefix)
{
    key->size = 0;
    key->cut = false;
    kee_key_put(key, kee_bytes_str(prefix));
}
void kee_key_decimal(struct kee_key *key, uint64_t n);
static inline struct kee_bytes kee_key_bytes(const struct kee_key *key)
{
    return kee_bytes_of(key->text, key->size);
}

struct kee_kind;

struct kee_vom {
    struct kee_vatstore *store;
    struct kee_map kinds;     /* kind id to struct kee_kind */
    uint64_t kind_of_handles; /* K of o+dK/I, whose I are kind ids */
    uint64_t kind_of_makers;  /* the same for makers; 0 until one was named */
    bool makers_known;        /* kind_of_makers is as its row says */
    txSlot *maker_proto;      /* of functions that are makers, once there is one */
    uint64_t store_kinds[8];  /* in the order of kee_store_names */
    struct kee_buf row;       /* a row under construction; used up before anything else runs */
    struct kee_link states;   /* of this crank, see kinds.h */
    size_t state_count;
    struct kee_buf watched; /* vpids watched while the vat starts: u32 size | bytes, each */
    uint32_t watched_count;
    struct kee_buf busy;  /* base vrefs being revived or deleted: struct kee_ls_vref, a stack */
    struct kee_buf loose; /* how far the list of objects without a pillar was read; a key */
    bool loose_done;      /* it was read whole */
    struct kee_remains remains;
    bool tracked;          /* some kind has a list */
    bool sleepers_written; /* the row stands that says: some kind wants to hear of sleep */
    txSlot *home;          /* the instance at KEE_VOM_TAG_HOME */
    txSlot *crank_home;    /* what lives until the end of the crank hangs from here */
};

/* Rows. These end the process when the kernel is gone. */
bool kee_vom_get(txMachine *the, struct kee_bytes key, struct kee_bytes *value);
/* The first row after prior whose key starts with prefix, as prior does. */
bool kee_vom_next(txMachine *the, struct kee_bytes prefix, struct kee_bytes prior,
                  struct kee_bytes *key, struct kee_bytes *value);
void kee_vom_set(txMachine *the, struct kee_bytes key, struct kee_bytes value);
void kee_vom_set_key(txMachine *the, const struct kee_key *key, struct kee_bytes value);
void kee_vom_set_number(txMachine *the, const struct kee_key *key, uint64_t n);
void kee_vom_delete(txMachine *the, struct kee_bytes key);
/* Says that a row is not what its format says, and throws. */
void kee_vom_corrupt(txMachine *the, struct kee_bytes key) __attribute__((noreturn));
void kee_vom_parse(txMachine *the, struct kee_bytes vref, struct kee_vref_parts *parts);
static inline struct kee_bytes kee_vom_base(struct kee_bytes vref)
{
    const uint8_t *colon = vref.size == 0 ? NULL : memchr(vref.data, ':', vref.size);
    return colon == NULL ? vref : kee_bytes_of(vref.data, (size_t)(colon - vref.data));
}

/* The entry of a representative, cohort, store or handle; NULL for any other instance. */
struct kee_ls_entry *kee_vom_entry(txMachine *the, txSlot *instance);

/* Pushes a new instance without prototype or properties, for hidden slots. */
txSlot *kee_vom_push_holder(txMachine *the);
/* Puts value under tag on instance, in place of what was there. */
void kee_vom_put(txMachine *the, txSlot *instance, txID tag, const txSlot *value);
void kee_vom_put_integer(txMachine *the, txSlot *instance, txID tag, int32_t n);
void kee_vom_put_number(txMachine *the, txSlot *instance, txID tag, uint64_t n);
/* The number under tag, or 0. */
uint64_t kee_vom_number(txSlot *instance, txID tag);
/* Keeps value alive for as long as the worker (home) or the crank (crank_home) lives. */
void kee_vom_hang(txMachine *the, txSlot *home, const txSlot *value);
/* Pushes a tool of the boot bundle, a function; throws a TypeError that names it if it is missing. */
void kee_vom_push_tool(txMachine *the, const char *name);
bool kee_vom_has_tools(txMachine *the);

/* ---- refcounts.c ---- */

bool kee_refs_is_durable(txMachine *the, struct kee_bytes vref);
/* Stored data refers to vref once more. Throws if it names an object that is not in memory. */
void kee_refs_add(txMachine *the, struct kee_bytes vref);
/* Once less; returns true when an object in memory was let go. */
bool kee_refs_remove(txMachine *the, struct kee_bytes vref);
bool kee_refs_remove_all(txMachine *the, struct kee_vp_strings slots);
/* before becomes after: what is in both keeps its counts. */
void kee_refs_change(txMachine *the, struct kee_vp_strings before, struct kee_vp_strings after);
void kee_refs_add_recognizer(txMachine *the, struct kee_bytes vref, uint64_t collection);
void kee_refs_remove_recognizer(txMachine *the, struct kee_bytes vref, uint64_t collection);

#endif
