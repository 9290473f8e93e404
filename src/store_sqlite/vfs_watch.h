/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vfs_watch - a layer between SQLite and its files that passes everything on, counts disk syncs, and
 * tells a watcher of every operation first. The watcher may refuse it: the operation then fails with
 * the code it gives and is not carried out.
 *
 * Threads  operations come from any thread that uses a connection, and so does the watcher's call.
 */
#ifndef KEE_STORE_SQLITE_VFS_WATCH_H
#define KEE_STORE_SQLITE_VFS_WATCH_H

#include <stddef.h>
#include <stdint.h>

enum kee_vfs_kind {
    KEE_VFS_OPEN,
    KEE_VFS_READ,
    KEE_VFS_WRITE,
    KEE_VFS_TRUNCATE, /* to offset */
    KEE_VFS_SYNC,
    KEE_VFS_DELETE,
};

struct kee_vfs_op {
    enum kee_vfs_kind kind;
    const char *path; /* "" for a temporary file */
    int64_t offset;
    const void *data; /* of a write */
    size_t size;
};

struct kee_vfs_watch {
    int (*before)(void *context, const struct kee_vfs_op *op); /* SQLITE_OK or an error code */
    void *context;
};

struct kee_vfs;

/* Registers the layer with SQLite under a name of its own. watch may be NULL; it is kept. */
int kee_vfs_new(struct kee_vfs **out, const struct kee_vfs_watch *watch);
/* No file may be open through it. */
void kee_vfs_free(struct kee_vfs *vfs);
const char *kee_vfs_name(const struct kee_vfs *vfs);
uint64_t kee_vfs_syncs(const struct kee_vfs *vfs);

#endif
