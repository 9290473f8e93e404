/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crash_disk - a model of a disk below SQLite that loses power at a chosen operation.
 *
 * For each file it knows what a sync has brought to the disk, and the writes since. At the crash the
 * disk keeps a random part of those writes, down to sectors of 512 bytes, in any combination; a file
 * that was new and never synced may be gone. From then on every operation fails.
 *
 *     struct crash_disk disk;
 *     crash_disk_init(&disk, seed, number of changes, or only of syncs, before the crash);
 *     ... open a store with &disk.watch and use it until a write fails ...
 *     crash_disk_save(&disk, directory);      what a restarted machine would find
 */
#ifndef KEE_TEST_CRASH_DISK_H
#define KEE_TEST_CRASH_DISK_H

#include <pthread.h>

#include "base/bytes.h"
#include "rng.h"
#include "store_sqlite/vfs_watch.h"

enum { CRASH_DISK_FILES = 8 };

struct crash_write {
    bool truncates;
    int64_t offset;
    struct kee_buf data;
};

struct crash_file {
    char path[160];
    bool exists;  /* for sure: it did before, or was synced */
    bool written; /* since the beginning */
    struct kee_buf durable;
    struct crash_write *since;
    size_t since_count;
    size_t since_room;
};

struct crash_disk {
    struct kee_vfs_watch watch;
    pthread_mutex_t mutex;
    struct rng rng;
    uint64_t left; /* operations before the crash */
    bool counts_syncs_only;
    bool crashed;
    struct crash_file files[CRASH_DISK_FILES];
    size_t count;
};

void crash_disk_init(struct crash_disk *disk, uint64_t seed, uint64_t left, bool syncs_only);
/* No file may be open on it. */
void crash_disk_fini(struct crash_disk *disk);
/* Writes the files, by their last names, into a directory that exists. */
void crash_disk_save(struct crash_disk *disk, const char *directory);

#endif
