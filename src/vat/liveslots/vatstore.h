/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vatstore - the worker's view of its vat's rows: what the kernel holds, seen through the writes of
 * the crank that runs.
 *
 *     get, next ──► rows in key order ──(unknown)──► kee_vatstore_source, the kernel
 *     set, delete ─► the same rows, marked dirty ──► kee_vatstore_flush, into the DONE frame
 *
 * A row remembers what the kernel holds (unknown, absent, a value) and what the crank made of it. A
 * row also remembers whether the kernel may hold keys between it and its successor, so that walking
 * a range twice asks once. The vat alone writes its rows, so what was learnt stays true for as long
 * as the worker lives; clean rows are let go when they take more than the bound.
 *
 * Owns     its rows. Keeps the source.
 * Threads  none.
 * Returns  1 a row, 0 none, <0 a fault of the source, which ends the worker.
 *
 * Invariants, verified whole by kee_vatstore_audit():
 *   VS-1  rows are in strictly ascending order of keys.
 *   VS-2  a row without base knowledge and without a write of the crank holds no value.
 *   VS-3  the byte count is that of the rows.
 */
#ifndef KEE_VAT_LIVESLOTS_VATSTORE_H
#define KEE_VAT_LIVESLOTS_VATSTORE_H

#include "base/bytes.h"

struct kee_vatstore;

/* The kernel's rows, as of the end of the crank before. found as in kee_ls_host. */
struct kee_vatstore_source {
    void *context;
    int (*get)(void *context, struct kee_bytes key, struct kee_buf *value);
    int (*next)(void *context, struct kee_bytes prior, struct kee_buf *key, struct kee_buf *value);
};

int kee_vatstore_new(struct kee_vatstore **out, const struct kee_vatstore_source *source);
void kee_vatstore_free(struct kee_vatstore *store);

/* A row that came ahead of being asked for. */
int kee_vatstore_prime(struct kee_vatstore *store, struct kee_bytes key, struct kee_bytes value);

/* The value is borrowed until the next call on store. */
int kee_vatstore_get(struct kee_vatstore *store, struct kee_bytes key, struct kee_bytes *value);
/* The first key after prior in byte order that starts with prefix (which may be empty); prior starts
 * with it, and need not exist. Both borrowed likewise. Rows beyond the prefix are not looked at, were
 * they deleted by the thousand in this crank. */
int kee_vatstore_next(struct kee_vatstore *store, struct kee_bytes prefix, struct kee_bytes prior,
                      struct kee_bytes *key, struct kee_bytes *value);

/* A write that makes the crank larger than a frame may be is dropped, and kee_vatstore_overfull()
 * is true from then on: the crank cannot be committed. */
int kee_vatstore_set(struct kee_vatstore *store, struct kee_bytes key, struct kee_bytes value);
int kee_vatstore_delete(struct kee_vatstore *store, struct kee_bytes key);
bool kee_vatstore_overfull(const struct kee_vatstore *store);

/* Appends the net changes of the crank in key order, as a DONE frame has them: u32 count, changes.
 * From then on they count as the kernel's. */
void kee_vatstore_flush(struct kee_vatstore *store, struct kee_buf *out);

/* Asserts the invariants; for tests. */
void kee_vatstore_audit(const struct kee_vatstore *store);

#endif
