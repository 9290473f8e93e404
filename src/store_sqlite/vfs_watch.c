/* SPDX-License-Identifier: Apache-2.0 */
/* vfs_watch - see vfs_watch.h. SQLite's names (xRead, iOfst) are kept where its interface asks. */
#include "store_sqlite/vfs_watch.h"

#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/fault.h"

struct kee_vfs {
    sqlite3_vfs vfs; /* first: SQLite hands it back */
    sqlite3_vfs *real;
    const struct kee_vfs_watch *watch;
    _Atomic uint64_t syncs;
    char name[40];
};

struct file {
    sqlite3_file file; /* first: SQLite hands it back */
    struct kee_vfs *vfs;
    const char *path;   /* SQLite keeps it until the file is closed */
    sqlite3_file *real; /* lies behind this struct */
};

static struct kee_vfs *vfs_of(sqlite3_vfs *vfs)
{
    return (struct kee_vfs *)vfs;
}

static struct file *file_of(sqlite3_file *file)
{
    return (struct file *)file;
}

static sqlite3_file *real_of(sqlite3_file *file)
{
    return file_of(file)->real;
}

static int tell(const struct kee_vfs *vfs, struct kee_vfs_op op)
{
    if (op.path == NULL) {
        op.path = "";
    }
    return vfs->watch == NULL ? SQLITE_OK : vfs->watch->before(vfs->watch->context, &op);
}

static int tell_file(sqlite3_file *file, struct kee_vfs_op op)
{
    op.path = file_of(file)->path;
    return tell(file_of(file)->vfs, op);
}

/* --- files --- */

static int file_close(sqlite3_file *file)
{
    return real_of(file)->pMethods->xClose(real_of(file));
}

static int file_read(sqlite3_file *file, void *data, int size, sqlite3_int64 offset)
{
    int r = tell_file(
        file, (struct kee_vfs_op){.kind = KEE_VFS_READ, .offset = offset, .size = (size_t)size});

    return r != SQLITE_OK ? r : real_of(file)->pMethods->xRead(real_of(file), data, size, offset);
}

static int file_write(sqlite3_file *file, const void *data, int size, sqlite3_int64 offset)
{
    int r = tell_file(
        file, (struct kee_vfs_op){
                  .kind = KEE_VFS_WRITE, .offset = offset, .data = data, .size = (size_t)size});

    return r != SQLITE_OK ? r : real_of(file)->pMethods->xWrite(real_of(file), data, size, offset);
}

static int file_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    int r = tell_file(file, (struct kee_vfs_op){.kind = KEE_VFS_TRUNCATE, .offset = size});

    return r != SQLITE_OK ? r : real_of(file)->pMethods->xTruncate(real_of(file), size);
}

static int file_sync(sqlite3_file *file, int flags)
{
    int r = tell_file(file, (struct kee_vfs_op){.kind = KEE_VFS_SYNC});

    if (r != SQLITE_OK) {
        return r;
    }
    atomic_fetch_add(&file_of(file)->vfs->syncs, 1);
    return real_of(file)->pMethods->xSync(real_of(file), flags);
}

static int file_size(sqlite3_file *file, sqlite3_int64 *size)
{
    return real_of(file)->pMethods->xFileSize(real_of(file), size);
}

static int file_lock(sqlite3_file *file, int level)
{
    return real_of(file)->pMethods->xLock(real_of(file), level);
}

static int file_unlock(sqlite3_file *file, int level)
{
    return real_of(file)->pMethods->xUnlock(real_of(file), level);
}

static int file_check_lock(sqlite3_file *file, int *out)
{
    return real_of(file)->pMethods->xCheckReservedLock(real_of(file), out);
}

static int file_control(sqlite3_file *file, int op, void *arg)
{
    return real_of(file)->pMethods->xFileControl(real_of(file), op, arg);
}

static int file_sector_size(sqlite3_file *file)
{
    return real_of(file)->pMethods->xSectorSize(real_of(file));
}

static int file_traits(sqlite3_file *file)
{
    return real_of(file)->pMethods->xDeviceCharacteristics(real_of(file));
}

static int file_shm_map(sqlite3_file *file, int page, int size, int extend, void volatile **out)
{
    return real_of(file)->pMethods->xShmMap(real_of(file), page, size, extend, out);
}

static int file_shm_lock(sqlite3_file *file, int offset, int count, int flags)
{
    return real_of(file)->pMethods->xShmLock(real_of(file), offset, count, flags);
}

static void file_shm_barrier(sqlite3_file *file)
{
    real_of(file)->pMethods->xShmBarrier(real_of(file));
}

static int file_shm_unmap(sqlite3_file *file, int deletes)
{
    return real_of(file)->pMethods->xShmUnmap(real_of(file), deletes);
}

/* Version 2 leaves out mapped reads (xFetch): every read passes file_read. */
static const sqlite3_io_methods file_methods = {
    .iVersion = 2,
    .xClose = file_close,
    .xRead = file_read,
    .xWrite = file_write,
    .xTruncate = file_truncate,
    .xSync = file_sync,
    .xFileSize = file_size,
    .xLock = file_lock,
    .xUnlock = file_unlock,
    .xCheckReservedLock = file_check_lock,
    .xFileControl = file_control,
    .xSectorSize = file_sector_size,
    .xDeviceCharacteristics = file_traits,
    .xShmMap = file_shm_map,
    .xShmLock = file_shm_lock,
    .xShmBarrier = file_shm_barrier,
    .xShmUnmap = file_shm_unmap,
};

/* --- the file system --- */

static int vfs_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *out, int flags,
                    int *flags_out)
{
    struct file *file = file_of(out);
    struct kee_vfs *self = vfs_of(vfs);
    int r = tell(self, (struct kee_vfs_op){.kind = KEE_VFS_OPEN, .path = path});

    *file = (struct file){.vfs = self, .path = path, .real = (sqlite3_file *)(file + 1)};
    if (r == SQLITE_OK) {
        r = self->real->xOpen(self->real, path, file->real, flags, flags_out);
    }
    if (r == SQLITE_OK) {
        file->file.pMethods = &file_methods;
    }
    return r;
}

static int vfs_delete(sqlite3_vfs *vfs, const char *path, int sync_directory)
{
    int r = tell(vfs_of(vfs), (struct kee_vfs_op){.kind = KEE_VFS_DELETE, .path = path});

    return r != SQLITE_OK ? r : vfs_of(vfs)->real->xDelete(vfs_of(vfs)->real, path, sync_directory);
}

static int vfs_access(sqlite3_vfs *vfs, const char *path, int flags, int *out)
{
    return vfs_of(vfs)->real->xAccess(vfs_of(vfs)->real, path, flags, out);
}

static int vfs_full_path(sqlite3_vfs *vfs, const char *path, int room, char *out)
{
    return vfs_of(vfs)->real->xFullPathname(vfs_of(vfs)->real, path, room, out);
}

static int vfs_randomness(sqlite3_vfs *vfs, int size, char *out)
{
    return vfs_of(vfs)->real->xRandomness(vfs_of(vfs)->real, size, out);
}

static int vfs_sleep(sqlite3_vfs *vfs, int us)
{
    return vfs_of(vfs)->real->xSleep(vfs_of(vfs)->real, us);
}

static int vfs_time(sqlite3_vfs *vfs, double *out)
{
    return vfs_of(vfs)->real->xCurrentTime(vfs_of(vfs)->real, out);
}

static int vfs_last_error(sqlite3_vfs *vfs, int room, char *out)
{
    return vfs_of(vfs)->real->xGetLastError(vfs_of(vfs)->real, room, out);
}

static int vfs_time_ms(sqlite3_vfs *vfs, sqlite3_int64 *out)
{
    return vfs_of(vfs)->real->xCurrentTimeInt64(vfs_of(vfs)->real, out);
}

int kee_vfs_new(struct kee_vfs **out, const struct kee_vfs_watch *watch)
{
    sqlite3_vfs *real = sqlite3_vfs_find(NULL);
    struct kee_vfs *self = calloc(1, sizeof *self);

    if (self == NULL || real == NULL) {
        free(self);
        return kee_fault(KEE_FAULT_MEMORY, "file layer of SQLite");
    }
    self->real = real;
    self->watch = watch;
    (void)snprintf(self->name, sizeof self->name, "kee-watch-%p", (void *)self);
    self->vfs = (sqlite3_vfs){
        .iVersion = 2,
        .szOsFile = (int)sizeof(struct file) + real->szOsFile,
        .mxPathname = real->mxPathname,
        .zName = self->name,
        .xOpen = vfs_open,
        .xDelete = vfs_delete,
        .xAccess = vfs_access,
        .xFullPathname = vfs_full_path,
        .xRandomness = vfs_randomness,
        .xSleep = vfs_sleep,
        .xCurrentTime = vfs_time,
        .xGetLastError = vfs_last_error,
        .xCurrentTimeInt64 = vfs_time_ms,
    };
    if (sqlite3_vfs_register(&self->vfs, 0) != SQLITE_OK) {
        free(self);
        return kee_fault(KEE_FAULT_MEMORY, "file layer of SQLite");
    }
    *out = self;
    return 0;
}

void kee_vfs_free(struct kee_vfs *vfs)
{
    if (vfs != NULL) {
        (void)sqlite3_vfs_unregister(&vfs->vfs);
        free(vfs);
    }
}

const char *kee_vfs_name(const struct kee_vfs *vfs)
{
    return vfs->name;
}

uint64_t kee_vfs_syncs(const struct kee_vfs *vfs)
{
    return atomic_load(&vfs->syncs);
}
