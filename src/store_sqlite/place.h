/* SPDX-License-Identifier: Apache-2.0 */
/*
 * place - the directory of a store: taking its lock, telling a store from other files, making one.
 *
 * Returns  0 done; an outcome of store_sqlite.h, with its text in why; <0 fault.
 */
#ifndef KEE_STORE_SQLITE_PLACE_H
#define KEE_STORE_SQLITE_PLACE_H

#include "base/bytes.h"

/* The version of the schema; stored in the file's user_version. */
#define KEE_STORE_SQLITE_SCHEMA 1

struct kee_place {
    struct kee_buf directory;
    struct kee_buf file;
    struct kee_buf lock;
    int lock_fd; /* -1: not held */
};

/* Takes the lock; makes the directory if may_make. The place is to be left in any case. */
int kee_place_enter(struct kee_place *place, const char *directory, bool may_make,
                    struct kee_buf *why);
void kee_place_leave(struct kee_place *place);

/* MISSING, NOT_STORE or VERSION; 0 if the file's head is that of a store. Only reads. */
int kee_place_check(struct kee_place *place, struct kee_buf *why);
/* Makes an empty store: beside its place first, then moved there. */
int kee_place_make(struct kee_place *place, const char *vfs);

#endif
