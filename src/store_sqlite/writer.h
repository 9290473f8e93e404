/* SPDX-License-Identifier: Apache-2.0 */
/*
 * writer - the thread that writes batches, through a connection only it uses.
 *
 *     owner's thread        begin()                            collect()
 *                              │                                   ▲
 *     writer's thread          ▼  one transaction  ──► done, fd ───┘ ──► checkpoint when the log is long
 *
 * The checkpoint comes after the batch was reported: it delays at most the next batch. Its failure
 * makes the next batch fail, as the state of the file is then in doubt; the log still has it all.
 *
 * Threads  all functions are called by the owner. The changes belong to the thread from begin() until
 *          collect() has reported them.
 */
#ifndef KEE_STORE_SQLITE_WRITER_H
#define KEE_STORE_SQLITE_WRITER_H

#include <sqlite3.h>

#include "store/store.h"

struct kee_writer;

/* Takes db (closes it at free, or at once when it fails). */
int kee_writer_new(struct kee_writer **out, sqlite3 *db);
/* No batch may be under way. Returns after the thread has ended and the connection is closed. */
void kee_writer_free(struct kee_writer *writer);

enum kee_writer_task {
    KEE_WRITER_BATCH, /* the changes, and all parts before them: one transaction */
    KEE_WRITER_PART,  /* the changes; the transaction stays open */
    KEE_WRITER_DROP,  /* the parts so far */
};

void kee_writer_begin(struct kee_writer *writer, enum kee_writer_task task,
                      const struct kee_change *changes, size_t count);
/* Has the batch ended? If so, writes its result. With wait, waits for it. */
bool kee_writer_collect(struct kee_writer *writer, bool wait, int *result);
int kee_writer_fd(const struct kee_writer *writer);

#endif
