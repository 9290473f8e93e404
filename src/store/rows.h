/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rows - what a world holds in memory: a table of rows, each with its value in two layers.
 *
 *     now     what a reader sees            a value, or absent
 *     below   what the filling batch lies   a value, absent, or unknown: nobody has read it yet
 *             over: the sealed batch, or
 *             the store
 *
 * A row is *dirty* while it belongs to the filling batch, *sealed* while it belongs to the batch being
 * written, and clean otherwise: then it is a copy of the store's row (or of its absence), kept as a
 * cache and evicted by a clock hand. Only an evicted row is read from the store again, so that no
 * reader can see a half-written batch.
 *
 * Dirty and sealed rows lie over the store and take part in range steps. They are put in order only
 * when a range step asks for it: most rows live and die between two of them.
 *
 * Threads  none, except that another thread may read the keys and values of sealed rows.
 * Returns  0 done; <0 fault.
 *
 * Invariants, verified whole by kee_rows_audit():
 *   RW-1  a row is either in the index, or in the list of unordered rows, or clean.
 *   RW-2  a clean row has now and below equal and known; a sealed row has below known.
 *   RW-3  clean_bytes is the cost of all clean rows; count is the number of rows.
 */
#ifndef KEE_STORE_ROWS_H
#define KEE_STORE_ROWS_H

#include "base/list.h"
#include "store/omap.h"

/* A value, shared by the layers that hold it. Never changes once made. */
struct kee_blob {
    uint32_t refs;
    uint32_t size;
    uint8_t data[];
};

#define KEE_BLOB_UNKNOWN ((struct kee_blob *)NULL)
#define KEE_BLOB_ABSENT ((struct kee_blob *)(uintptr_t)1)

static inline bool kee_blob_is_value(const struct kee_blob *blob)
{
    return (uintptr_t)blob > 1;
}

int kee_blob_new(struct kee_blob **out, struct kee_bytes bytes);
struct kee_blob *kee_blob_ref(struct kee_blob *blob);
void kee_blob_unref(struct kee_blob *blob); /* accepts unknown and absent */

static inline struct kee_bytes kee_blob_bytes(const struct kee_blob *blob)
{
    return kee_bytes_of(blob->data, blob->size);
}

enum kee_row_mark {
    KEE_ROW_DIRTY = 1,
    KEE_ROW_SEALED = 2,
    KEE_ROW_INDEXED = 4, /* kept by rows.c */
    KEE_ROW_USED = 8,    /* read since the clock hand came by */
    KEE_ROW_FRESH = 16,  /* made by put_new: once gone, nobody will ask for it again */
};

struct kee_row {
    struct kee_omap_item item; /* its key points at the end of this row */
    struct kee_row *chain;
    uint64_t hash;
    struct kee_blob *now;
    struct kee_blob *below;
    struct kee_link dirty; /* in the world's list of dirty rows */
    struct kee_link order; /* in rows.unordered, while lying over the store and not indexed */
    uint32_t marks;
    uint8_t key[];
};

struct kee_rows {
    struct kee_row **heads;
    size_t room; /* a power of two */
    size_t count;
    uint64_t seed;
    size_t clean_bytes;
    size_t hand;
    struct kee_omap index;
    struct kee_link unordered;
};

int kee_rows_init(struct kee_rows *rows);
void kee_rows_fini(struct kee_rows *rows);

uint64_t kee_rows_hash(const struct kee_rows *rows, struct kee_bytes key);
/* hash is kee_rows_hash() of key, so that looking up and adding compute it once. */
struct kee_row *kee_rows_find(const struct kee_rows *rows, struct kee_bytes key, uint64_t hash);
/* A clean row, not yet in the table, with value in both layers. Takes value also when it fails. */
int kee_rows_add(struct kee_rows *rows, struct kee_bytes key, uint64_t hash, struct kee_blob *value,
                 struct kee_row **out);
/* The row must be clean. */
void kee_rows_drop(struct kee_rows *rows, struct kee_row *row);

/* mark is DIRTY or SEALED. The layers of a row that becomes clean are equal by then. */
void kee_rows_mark(struct kee_rows *rows, struct kee_row *row, enum kee_row_mark mark);
void kee_rows_unmark(struct kee_rows *rows, struct kee_row *row, enum kee_row_mark mark);

/* Puts all rows that lie over the store into the index. On a fault some are still unordered. */
int kee_rows_order(struct kee_rows *rows);
/* The first row with a key > after that lies over the store; after kee_rows_order(). */
struct kee_row *kee_rows_next(const struct kee_rows *rows, struct kee_bytes after);

/* Evicts clean rows until their cost is at most bytes_max. */
void kee_rows_trim(struct kee_rows *rows, size_t bytes_max);

/* 0 if all invariants hold, else the number of the first one broken. */
int kee_rows_audit(const struct kee_rows *rows);

#endif
