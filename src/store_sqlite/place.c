/* SPDX-License-Identifier: Apache-2.0 */
/* place - see place.h. */
#include "store_sqlite/place.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fault.h"
#include "store_sqlite/store_sqlite.h"

/* "Keev": marks the file as ours in SQLite's own header. */
#define APPLICATION_ID 0x4B656576u

enum { HEAD_SIZE = 100, AT_VERSION = 60, AT_APPLICATION = 68 };

static int system_fault(const char *what, struct kee_buf *path)
{
    return kee_fault(KEE_FAULT_SYSTEM, "%s %s: %s", what, kee_buf_cstr(path), strerror(errno));
}

static void path_of(struct kee_buf *out, const char *directory, const char *name)
{
    *out = KEE_BUF_EMPTY;
    kee_buf_printf(out, "%s%s", directory, name);
}

/* Who holds the lock wrote its process id into it. */
static void tell_holder(struct kee_place *place, struct kee_buf *why)
{
    char text[24];
    ssize_t size = pread(place->lock_fd, text, sizeof text, 0);
    struct kee_bytes rest = kee_bytes_of(text, size < 0 ? 0 : (size_t)size);
    uint64_t pid;

    kee_buf_printf(why, "%s is in use", kee_buf_cstr(&place->directory));
    if (kee_bytes_decimal(kee_bytes_cut(&rest, '\n'), &pid)) {
        kee_buf_printf(why, " by process %llu", (unsigned long long)pid);
    }
    kee_buf_printf(why, ": it holds the lock %s", kee_buf_cstr(&place->lock));
}

static int take_lock(struct kee_place *place, struct kee_buf *why)
{
    char text[24];
    int size;

    place->lock_fd = open(kee_buf_cstr(&place->lock), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (place->lock_fd < 0) {
        return system_fault("open", &place->lock);
    }
    if (flock(place->lock_fd, LOCK_EX | LOCK_NB) < 0) {
        if (errno != EWOULDBLOCK) {
            return system_fault("lock", &place->lock);
        }
        tell_holder(place, why);
        return KEE_STORE_SQLITE_BUSY;
    }
    /* For the text of the next process that wants it; the lock itself does not depend on it. */
    size = snprintf(text, sizeof text, "%ld\n", (long)getpid());
    if (ftruncate(place->lock_fd, 0) < 0 || pwrite(place->lock_fd, text, (size_t)size, 0) != size) {
        return system_fault("write", &place->lock);
    }
    return 0;
}

int kee_place_enter(struct kee_place *place, const char *directory, bool may_make,
                    struct kee_buf *why)
{
    struct stat st;

    place->lock_fd = -1;
    path_of(&place->directory, directory, "");
    path_of(&place->file, directory, "/keeve.sqlite");
    path_of(&place->lock, directory, "/lock");
    if (kee_buf_cstr(&place->directory) == NULL || kee_buf_cstr(&place->file) == NULL ||
        kee_buf_cstr(&place->lock) == NULL) {
        return KEE_FAULT_MEMORY;
    }
    if (stat(directory, &st) < 0) {
        if (errno != ENOENT) {
            return system_fault("look at", &place->directory);
        }
        if (!may_make) {
            kee_buf_printf(why, "expected a store in %s, found no such directory", directory);
            return KEE_STORE_SQLITE_MISSING;
        }
        if (mkdir(directory, 0700) < 0 && errno != EEXIST) {
            return system_fault("make directory", &place->directory);
        }
    } else if (!S_ISDIR(st.st_mode)) {
        kee_buf_printf(why, "expected a directory at %s, found another kind of file", directory);
        return KEE_STORE_SQLITE_NOT_STORE;
    }
    return take_lock(place, why);
}

void kee_place_leave(struct kee_place *place)
{
    if (place->lock_fd >= 0) {
        (void)close(place->lock_fd);
        place->lock_fd = -1;
    }
    kee_buf_fini(&place->directory);
    kee_buf_fini(&place->file);
    kee_buf_fini(&place->lock);
}

static uint32_t big_endian(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static int judge_head(struct kee_place *place, const uint8_t *head, ssize_t size,
                      struct kee_buf *why)
{
    const char *path = kee_buf_cstr(&place->file);
    uint32_t version;

    if (size < HEAD_SIZE || memcmp(head, "SQLite format 3", 16) != 0) {
        kee_buf_printf(why, "%s is not a store of Keeve: expected an SQLite database, found %s",
                       path, size == 0 ? "an empty file" : "a file of another kind");
        return KEE_STORE_SQLITE_NOT_STORE;
    }
    if (big_endian(head + AT_APPLICATION) != APPLICATION_ID) {
        kee_buf_printf(why,
                       "%s is not a store of Keeve: expected application id 0x%08x in its head, "
                       "found 0x%08x",
                       path, APPLICATION_ID, big_endian(head + AT_APPLICATION));
        return KEE_STORE_SQLITE_NOT_STORE;
    }
    version = big_endian(head + AT_VERSION);
    if (version != KEE_STORE_SQLITE_SCHEMA) {
        kee_buf_printf(why, "%s has another schema version: expected %d, found %u", path,
                       KEE_STORE_SQLITE_SCHEMA, version);
        return KEE_STORE_SQLITE_VERSION;
    }
    return 0;
}

static int judge_absence(struct kee_place *place, struct kee_buf *why)
{
    struct kee_buf log;
    int r = KEE_STORE_SQLITE_MISSING;

    path_of(&log, kee_buf_cstr(&place->file), "-wal");
    if (kee_buf_cstr(&log) == NULL) {
        return KEE_FAULT_MEMORY;
    }
    if (access(kee_buf_cstr(&log), F_OK) == 0) {
        kee_buf_printf(why, "%s is missing, but its log %s is there: put the file back",
                       kee_buf_cstr(&place->file), kee_buf_cstr(&log));
        r = KEE_STORE_SQLITE_NOT_STORE;
    }
    kee_buf_fini(&log);
    return r;
}

int kee_place_check(struct kee_place *place, struct kee_buf *why)
{
    uint8_t head[HEAD_SIZE];
    ssize_t size;
    int fd = open(kee_buf_cstr(&place->file), O_RDONLY | O_CLOEXEC);

    if (fd < 0) {
        return errno == ENOENT ? judge_absence(place, why) : system_fault("open", &place->file);
    }
    size = pread(fd, head, sizeof head, 0);
    (void)close(fd);
    if (size < 0) {
        return system_fault("read", &place->file);
    }
    return judge_head(place, head, size, why);
}

/* Removes what an earlier, interrupted making left behind. */
static int remove_leftovers(struct kee_buf *path)
{
    static const char *const endings[] = {"", "-wal", "-shm", "-journal"};

    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        struct kee_buf name;
        int r = 0;
        path_of(&name, kee_buf_cstr(path), endings[i]);
        if (kee_buf_cstr(&name) == NULL) {
            return KEE_FAULT_MEMORY;
        }
        if (unlink(kee_buf_cstr(&name)) < 0 && errno != ENOENT) {
            r = system_fault("remove", &name);
        }
        kee_buf_fini(&name);
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

static int fill_new(struct kee_buf *path, const char *vfs)
{
    /* The log is switched on last, so that the head of the file itself tells id and version. */
    static const char script[] = "PRAGMA application_id=0x4B656576;"
                                 "PRAGMA user_version=1;"
                                 "CREATE TABLE kv(key BLOB PRIMARY KEY, value BLOB) WITHOUT ROWID;"
                                 "CREATE TABLE large(key BLOB PRIMARY KEY, value BLOB NOT NULL);"
                                 "PRAGMA journal_mode=WAL;";
    sqlite3 *db = NULL;
    int r = 0;
    /* Made here for its mode: the log and the index take theirs from it. */
    int fd = open(kee_buf_cstr(path), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    if (fd < 0) {
        return system_fault("make", path);
    }
    (void)close(fd);
    if (sqlite3_open_v2(kee_buf_cstr(path), &db, SQLITE_OPEN_READWRITE, vfs) != SQLITE_OK ||
        sqlite3_exec(db, script, NULL, NULL, NULL) != SQLITE_OK) {
        r = kee_fault(KEE_FAULT_STORE, "make %s: %s", kee_buf_cstr(path), sqlite3_errmsg(db));
    }
    if (sqlite3_close(db) != SQLITE_OK && r == 0) {
        r = kee_fault(KEE_FAULT_STORE, "close %s", kee_buf_cstr(path));
    }
    return r;
}

static int move_to_place(struct kee_place *place, struct kee_buf *path)
{
    int fd;
    int r = 0;

    if (rename(kee_buf_cstr(path), kee_buf_cstr(&place->file)) < 0) {
        return system_fault("move into place", path);
    }
    fd = open(kee_buf_cstr(&place->directory), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) < 0) {
        r = system_fault("sync directory", &place->directory);
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    return r;
}

int kee_place_make(struct kee_place *place, const char *vfs)
{
    struct kee_buf path;
    int r;

    path_of(&path, kee_buf_cstr(&place->file), ".new");
    r = kee_buf_cstr(&path) == NULL ? KEE_FAULT_MEMORY : remove_leftovers(&path);
    if (r == 0) {
        r = fill_new(&path, vfs);
    }
    if (r == 0) {
        r = move_to_place(place, &path);
    }
    kee_buf_fini(&path);
    return r;
}
