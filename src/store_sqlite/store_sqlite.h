/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_sqlite - the default store: one directory, one SQLite file in it, no server.
 *
 *     DIRECTORY/lock                held while the store is open
 *     DIRECTORY/keeve.sqlite        two tables: kv(key, value), ordered by key, and large(key, value)
 *     DIRECTORY/keeve.sqlite-wal    batches not yet moved into the file (SQLite's write-ahead log)
 *     DIRECTORY/keeve.sqlite-shm    SQLite's index of that log, rebuilt when needed
 *
 * Table kv has a row for each key. It keeps small values beside the keys, where they are found with one
 * descent. A value of more than KEE_STORE_SQLITE_SMALL bytes lies in table large, and NULL in its place:
 * SQLite reads a row whole to compare its key, so that large rows would slow down all their neighbours.
 *
 * Batches are written by a thread of the store's own, through a connection of its own; reads go
 * through another one on the kernel's thread and never wait for a disk sync.
 *
 * Threads  all functions are called on the kernel's thread. When a write is done, the descriptor of
 *          kee_store_sqlite_fd() turns readable; the owner's loop then calls dispatch(), which calls
 *          the write's done().
 * Returns  as store.h; open also the outcomes below.
 */
#ifndef KEE_STORE_SQLITE_STORE_SQLITE_H
#define KEE_STORE_SQLITE_STORE_SQLITE_H

#include "store/store.h"
#include "store_sqlite/vfs_watch.h"

enum kee_store_sqlite_outcome {
    KEE_STORE_SQLITE_MISSING = 1, /* must_exist, and there is none */
    KEE_STORE_SQLITE_BUSY,        /* another process has it open */
    KEE_STORE_SQLITE_NOT_STORE,   /* something else lies there, or a damaged file */
    KEE_STORE_SQLITE_VERSION,     /* made by another version of the schema */
};

/* A quarter of what a page could hold of one row: pages keep eight rows or more. */
#define KEE_STORE_SQLITE_SMALL 480

enum kee_durability {
    KEE_DURABILITY_FULL = 0, /* a batch is done when it is on the disk */
    KEE_DURABILITY_NORMAL, /* survives a crash of the process; the last batches may go with the power */
    KEE_DURABILITY_OFF, /* the same, and losing power may damage the store */
};

struct kee_store_sqlite_options {
    const char *directory; /* made if missing, but not its parent */
    enum kee_durability durability;
    bool must_exist;                   /* do not make a new store */
    const struct kee_vfs_watch *watch; /* NULL, or told of every file operation; kept until close */
};

/* On an outcome *why (appended to) says what was expected, what was found, and where. A file that is
 * not a store, or of another version, is not touched. A store is made whole or not at all. */
int kee_store_sqlite_open(struct kee_store **out, const struct kee_store_sqlite_options *options,
                          struct kee_buf *why);

/* A store for reading alone that shows what is durable in of now, whatever is written there later. It may
 * be given to another thread and outlive of. While it is open the log of of grows: close it soon. */
int kee_store_sqlite_snapshot(struct kee_store **out, const struct kee_store *of);

/* The store must be one opened here. */
int kee_store_sqlite_fd(const struct kee_store *store);
/* Calls done() of a write that has ended; does nothing if none has. */
void kee_store_sqlite_dispatch(struct kee_store *store);
/* Waits until no write is under way, its done() called. done() may begin another: that one too. */
void kee_store_sqlite_wait(struct kee_store *store);
/* How often SQLite has asked the system to bring a file to the disk since open. */
uint64_t kee_store_sqlite_syncs(const struct kee_store *store);

#endif
