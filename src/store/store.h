/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store - an ordered map of bytes to bytes that can be written in atomic, durable batches.
 *
 * This is the interface every implementation has (memory, SQLite, later PostgreSQL). The kernel never
 * uses it directly: it works on a world (world.h), which merges unwritten batches over it.
 *
 * Keys order by memcmp. A key has 1 to KEE_LIMIT_KEY_BYTES bytes, a value 0 to KEE_LIMIT_VALUE_BYTES.
 * Threads  all functions are called on the kernel's thread. write() may hand the batch to a thread of
 *          the implementation; it then calls done() back on the kernel's thread (through whatever wakes
 *          the caller's loop). Reads stay legal meanwhile and see either all or nothing of the batch.
 * Returns  0 done; KEE_STORE_ABSENT; <0 fault.
 */
#ifndef KEE_STORE_STORE_H
#define KEE_STORE_STORE_H

#include "base/bytes.h"

enum kee_store_outcome { KEE_STORE_ABSENT = 1 };

struct kee_change {
    struct kee_bytes key;
    struct kee_bytes value;
    bool deletes; /* value is then empty */
};

struct kee_store;

/* r: 0 when the batch is durable; <0 when nothing of it is, and nothing further may be written. */
typedef void kee_store_done_fn(void *context, int r);

struct kee_store_ops {
    /* The value of key. Writes *value (cleared first) only on 0. */
    int (*get)(struct kee_store *store, struct kee_bytes key, struct kee_buf *value);
    /* The first row with a key > after, which may lie in *key. value may be NULL when only the key is
     * wanted. */
    int (*next)(struct kee_store *store, struct kee_bytes after, struct kee_buf *key,
                struct kee_buf *value);
    /* Writes changes (sorted by key, each key once) as one durable batch, then calls done once. It
     * keeps the changes and what they point at until then. One write at a time. On a fault returned
     * here nothing was begun and done is not called. */
    int (*write)(struct kee_store *store, const struct kee_change *changes, size_t count,
                 kee_store_done_fn *done, void *context);
    /* Takes a part of a batch that is too large for memory, and returns when the changes are no longer
     * needed. Nothing of it is seen or durable until the next write(), which makes one batch of all parts
     * and its own changes. Keys ascend over all parts. Not while a write is under way. */
    int (*stage)(struct kee_store *store, const struct kee_change *changes, size_t count);
    /* Drops what was staged since the last write. */
    void (*unstage)(struct kee_store *store);
    void (*close)(struct kee_store *store); /* waits for a write under way, calls its done; frees */
};

struct kee_store {
    const struct kee_store_ops *ops;
};

/* A store in memory, for tests and what-if: forgets all at close. done is called before write returns. */
int kee_store_memory_open(struct kee_store **out);

#endif
