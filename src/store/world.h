/* SPDX-License-Identifier: Apache-2.0 */
/*
 * world - the state the kernel works on: batches not yet durable, merged over a store.
 *
 *     crank  ──commit──►  filling batch N+1  ──seal──►  batch N (being written)  ──►  store
 *            (undo log)    in memory                     in memory, read only         durable
 *
 * All writes happen inside a crank: begin, put and delete, then commit (the batch keeps them) or undo
 * (as if never begun). Reads see the crank, N+1, N and the store merged, deletions included.
 *
 * Puts and deletes that cancel out inside one batch never reach the store. put_new() tells the world
 * that the store cannot hold the key (its id was never used before); a row made by put_new and
 * deleted in the same batch costs nothing. A put of the value the store already has is dropped when
 * the world has seen that value. A batch without net effect is not written: it is durable at once.
 *
 * Threads  none: one world belongs to one loop.
 * Returns  0 done; KEE_STORE_ABSENT; <0 fault: the crank must be undone.
 */
#ifndef KEE_STORE_WORLD_H
#define KEE_STORE_WORLD_H

#include "store/store.h"

struct kee_world;

/* Keeps store (and closes it at free). Commits not yet durable at free are lost, as in a crash, but
 * for the batch being written. */
int kee_world_new(struct kee_world **out, struct kee_store *store);
void kee_world_free(struct kee_world *world);
/* Keys come from vats too: a secret seed keeps them from choosing keys that collide in the table of
 * rows. Before the first read or write; without it the seed is 0. */
void kee_world_seed(struct kee_world *world, uint64_t seed);

/* One crank at a time. */
void kee_world_begin(struct kee_world *world);
void kee_world_commit(struct kee_world *world);
void kee_world_undo(struct kee_world *world);

/* Reads are legal inside and outside a crank, and what they give is borrowed; copy to keep.
 *   get, inside a crank    valid until its commit or undo, whatever is put or deleted meanwhile (the
 *                          undo log holds every value the crank saw).
 *   get, outside           valid until the next call that is not a get; a write that becomes durable
 *                          counts as such a call.
 *   next                   key and value are valid that long too, but at most until the next next().
 * Borrowed bytes may be passed to any function of the world as long as they are valid. */
int kee_world_get(struct kee_world *world, struct kee_bytes key, struct kee_bytes *value);
/* The first row with key > after and key starting with prefix (prefix may be empty). value may be NULL
 * when only the key is wanted. To walk, pass the key found last as after: starting over from the
 * prefix would step over all that was deleted before. */
int kee_world_next(struct kee_world *world, struct kee_bytes prefix, struct kee_bytes after,
                   struct kee_bytes *key, struct kee_bytes *value);

/* Inside a crank only. The bytes are copied. Deleting an absent key is no error. A key or value out of
 * the bounds of store.h is a fault: who takes keys from a vat checks them first. */
int kee_world_put(struct kee_world *world, struct kee_bytes key, struct kee_bytes value);
int kee_world_put_new(struct kee_world *world, struct kee_bytes key, struct kee_bytes value);
int kee_world_delete(struct kee_world *world, struct kee_bytes key);

/* The number of the batch that a commit made now goes into (1, 2, ...), and of the last durable one:
 * an output that belongs to batch b may leave when b <= durable. */
uint64_t kee_world_filling(const struct kee_world *world);
uint64_t kee_world_durable(const struct kee_world *world);
/* Bytes of keys and values changed in the filling batch: the caller flushes at a bound of its own. */
size_t kee_world_pending_bytes(const struct kee_world *world);

/* Seals the filling batch and writes it; does nothing inside a crank, while a batch is being written,
 * or when nothing is pending (an empty batch counts as durable at once: durable() moves up).
 * notify() is called when durable() has moved up, or with r < 0 when the write failed: then the world
 * refuses every further write and the owner must reopen. It may be called before flush returns, may
 * flush again, but may not free the world. A fault of flush itself that was not notified (memory) left
 * all as it was: flush again later. */
int kee_world_flush(struct kee_world *world);
void kee_world_on_durable(struct kee_world *world, kee_store_done_fn *notify, void *context);

/* For tests: 0 if the invariants of rows.h and those of the batches hold, else which one is broken. */
int kee_world_audit(const struct kee_world *world);

#endif
