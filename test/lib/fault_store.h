/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fault_store - a store in memory that a test can hold up and make fail.
 *
 * While held, a write stays under way until finish() is called, and reads do not see it. Each get, next,
 * write and stage counts as a call; the call number fail_at (from 1; 0: never) returns a fault instead.
 */
#ifndef KEE_TEST_FAULT_STORE_H
#define KEE_TEST_FAULT_STORE_H

#include "store/store.h"

struct fault_store {
    struct kee_store store;
    struct kee_store *inner;
    bool holds;
    uint64_t calls;
    uint64_t gets;
    uint64_t nexts;
    uint64_t fail_at;
    /* The write under way, or the last one: only counts are valid once it is done. */
    const struct kee_change *changes;
    size_t count;
    uint64_t writes;
    bool writing;
    kee_store_done_fn *done;
    void *context;
};

/* Owned by the caller's frame; closing it (as kee_world_free does) frees what it holds. */
void fault_store_init(struct fault_store *store);
/* Ends the write under way with r: 0 writes it, a fault drops it. */
void fault_store_finish(struct fault_store *store, int r);

#endif
