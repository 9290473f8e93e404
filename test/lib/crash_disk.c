/* SPDX-License-Identifier: Apache-2.0 */
#include "crash_disk.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"

enum { SECTOR = 512 };

static void load(struct crash_file *file)
{
    FILE *in = fopen(file->path, "rb");
    uint8_t room[4096];
    size_t size;

    if (in == NULL) {
        return;
    }
    file->exists = true;
    while ((size = fread(room, 1, sizeof room, in)) > 0) {
        kee_buf_put(&file->durable, room, size);
    }
    (void)fclose(in);
}

static struct crash_file *file_of(struct crash_disk *disk, const char *path)
{
    struct crash_file *file;

    for (size_t i = 0; i < disk->count; i++) {
        if (strcmp(disk->files[i].path, path) == 0) {
            return &disk->files[i];
        }
    }
    kee_assert(disk->count < CRASH_DISK_FILES);
    file = &disk->files[disk->count++];
    *file = (struct crash_file){.durable = KEE_BUF_EMPTY};
    (void)snprintf(file->path, sizeof file->path, "%s", path);
    load(file); /* before its first operation: all of it is on the disk */
    return file;
}

static void resize(struct kee_buf *buf, size_t size)
{
    static const uint8_t zeros[SECTOR];

    while (buf->size < size) {
        size_t left = size - buf->size;
        kee_buf_put(buf, zeros, left < SECTOR ? left : SECTOR);
    }
    buf->size = size;
    kee_assert(kee_buf_status(buf) == 0);
}

static void apply(struct kee_buf *buf, int64_t offset, const uint8_t *data, size_t size)
{
    if (buf->size < (size_t)offset + size) {
        resize(buf, (size_t)offset + size);
    }
    memcpy(buf->data + offset, data, size);
}

static void remember(struct crash_file *file, const struct kee_vfs_op *op)
{
    struct crash_write *write;

    if (file->since_count == file->since_room) {
        file->since_room = file->since_room == 0 ? 64 : file->since_room * 2;
        file->since = realloc(file->since, file->since_room * sizeof *file->since);
        kee_assert(file->since != NULL);
    }
    write = &file->since[file->since_count++];
    *write = (struct crash_write){op->kind == KEE_VFS_TRUNCATE, op->offset, KEE_BUF_EMPTY};
    kee_buf_put(&write->data, op->data, op->size);
    kee_assert(kee_buf_status(&write->data) == 0);
}

static void forget(struct crash_file *file)
{
    for (size_t i = 0; i < file->since_count; i++) {
        kee_buf_fini(&file->since[i].data);
    }
    file->since_count = 0;
}

static void bring_to_disk(struct crash_file *file)
{
    for (size_t i = 0; i < file->since_count; i++) {
        struct crash_write *write = &file->since[i];
        if (write->truncates) {
            resize(&file->durable, (size_t)write->offset);
        } else {
            apply(&file->durable, write->offset, write->data.data, write->data.size);
        }
    }
    forget(file);
    file->exists = true;
}

/* Some crashes keep nearly all that was not synced, some nearly nothing, some half. */
static void lose_power(struct crash_disk *disk)
{
    uint64_t odds = rng_below(&disk->rng, 5);

    for (size_t i = 0; i < disk->count; i++) {
        struct crash_file *file = &disk->files[i];
        for (size_t j = 0; j < file->since_count; j++) {
            struct crash_write *write = &file->since[j];
            size_t size = write->data.size;
            if (write->truncates && rng_below(&disk->rng, 4) < odds) {
                resize(&file->durable, (size_t)write->offset);
            }
            for (size_t at = 0; at < size; at += SECTOR) {
                if (rng_below(&disk->rng, 4) < odds) {
                    apply(&file->durable, write->offset + (int64_t)at, write->data.data + at,
                          size - at < SECTOR ? size - at : SECTOR);
                }
            }
        }
        file->exists = file->exists || rng_below(&disk->rng, 2) == 0;
        forget(file);
    }
}

static int on_operation(void *context, const struct kee_vfs_op *op)
{
    struct crash_disk *disk = context;
    struct crash_file *file;
    bool crashed;
    bool counts =
        op->kind == KEE_VFS_SYNC ||
        (!disk->counts_syncs_only &&
         (op->kind == KEE_VFS_WRITE || op->kind == KEE_VFS_TRUNCATE || op->kind == KEE_VFS_DELETE));

    pthread_mutex_lock(&disk->mutex);
    if (!disk->crashed) {
        file = file_of(disk, op->path);
        if (counts && disk->left-- == 0) {
            disk->crashed = true;
            lose_power(disk);
        } else if (op->kind == KEE_VFS_WRITE || op->kind == KEE_VFS_TRUNCATE) {
            remember(file, op);
            file->written = true;
        } else if (op->kind == KEE_VFS_SYNC) {
            bring_to_disk(file);
        } else if (op->kind == KEE_VFS_DELETE) {
            forget(file);
            kee_buf_clear(&file->durable);
            file->exists = false;
        }
    }
    crashed = disk->crashed;
    pthread_mutex_unlock(&disk->mutex);
    return crashed ? SQLITE_IOERR : SQLITE_OK;
}

void crash_disk_init(struct crash_disk *disk, uint64_t seed, uint64_t left, bool syncs_only)
{
    *disk = (struct crash_disk){.watch = {on_operation, disk},
                                .rng = {seed},
                                .left = left,
                                .counts_syncs_only = syncs_only};
    kee_assert(pthread_mutex_init(&disk->mutex, NULL) == 0);
}

void crash_disk_fini(struct crash_disk *disk)
{
    for (size_t i = 0; i < disk->count; i++) {
        forget(&disk->files[i]);
        free(disk->files[i].since);
        kee_buf_fini(&disk->files[i].durable);
    }
    (void)pthread_mutex_destroy(&disk->mutex);
}

void crash_disk_save(struct crash_disk *disk, const char *directory)
{
    for (size_t i = 0; i < disk->count; i++) {
        struct crash_file *file = &disk->files[i];
        const char *name = strrchr(file->path, '/');
        char path[256];
        FILE *out;
        if (!file->exists || name == NULL) {
            continue;
        }
        (void)snprintf(path, sizeof path, "%s%s", directory, name);
        out = fopen(path, "wb");
        kee_assert(out != NULL);
        kee_assert(file->durable.size == 0 ||
                   fwrite(file->durable.data, file->durable.size, 1, out) == 1);
        kee_assert(fclose(out) == 0);
    }
}
