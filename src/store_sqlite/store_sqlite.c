/* SPDX-License-Identifier: Apache-2.0 */
/* store_sqlite - opening, reading, and handing batches to the writer; see store_sqlite.h. */
#include "store_sqlite/store_sqlite.h"

#include <sqlite3.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/fault.h"
#include "base/list.h"
#include "store_sqlite/place.h"
#include "store_sqlite/writer.h"

struct sqlite_store {
    struct kee_store store;
    struct kee_place place;
    struct kee_vfs *vfs;
    struct kee_writer *writer;

    sqlite3 *db; /* for reading, on the kernel's thread */
    sqlite3_stmt *get;
    sqlite3_stmt *get_large;
    sqlite3_stmt *walk;
    sqlite3_stmt *begin;
    sqlite3_stmt *end;
    /* Reads share one read transaction while no write is under way: taking SQLite's locks for each
     * would cost more than the read. It ends before a write begins, so that it never keeps the writer
     * from starting its log anew. */
    bool in_snapshot;
    /* The walk statement stands on the row that next() gave last, whose key is this. */
    bool walking;
    struct kee_buf walk_key;

    bool writing;
    bool failed;
    kee_store_done_fn *done;
    void *context;
};

static struct sqlite_store *self_of(struct kee_store *store)
{
    return KEE_CONTAINER(store, struct sqlite_store, store);
}

static int sqlite_fault(const struct sqlite_store *self, const char *what)
{
    return kee_fault(KEE_FAULT_STORE, "%s: %s", what, sqlite3_errmsg(self->db));
}

/* --- reads --- */

static void stop_walk(struct sqlite_store *self)
{
    (void)sqlite3_reset(self->walk);
    self->walking = false;
}

static int begin_snapshot(struct sqlite_store *self)
{
    if (self->in_snapshot || self->writing) {
        return 0;
    }
    if (sqlite3_step(self->begin) != SQLITE_DONE) {
        (void)sqlite3_reset(self->begin);
        return sqlite_fault(self, "begin to read");
    }
    (void)sqlite3_reset(self->begin);
    self->in_snapshot = true;
    return 0;
}

static int end_snapshot(struct sqlite_store *self)
{
    int code;

    stop_walk(self);
    if (!self->in_snapshot) {
        return 0;
    }
    code = sqlite3_step(self->end);
    (void)sqlite3_reset(self->end);
    if (code != SQLITE_DONE) {
        return sqlite_fault(self, "end reading");
    }
    self->in_snapshot = false;
    return 0;
}

/* SQLite takes a NULL pointer for the value NULL, even of size 0. */
static int bind(sqlite3_stmt *statement, struct kee_bytes bytes, sqlite3_destructor_type life)
{
    return sqlite3_bind_blob(statement, 1, bytes.size == 0 ? "" : (const void *)bytes.data,
                             (int)bytes.size, life);
}

static int copy_column(sqlite3_stmt *statement, int column, struct kee_buf *out)
{
    const void *data = sqlite3_column_blob(statement, column);

    kee_buf_clear(out);
    kee_buf_put(out, data, (size_t)sqlite3_column_bytes(statement, column));
    return kee_buf_status(out);
}

static int read_large(struct sqlite_store *self, struct kee_bytes key, struct kee_buf *value)
{
    int code = bind(self->get_large, key, SQLITE_STATIC);
    int r;

    if (code == SQLITE_OK) {
        code = sqlite3_step(self->get_large);
    }
    if (code == SQLITE_ROW) {
        r = copy_column(self->get_large, 0, value);
    } else if (code == SQLITE_DONE) {
        r = kee_fault(KEE_FAULT_CORRUPT, "a large value is missing");
    } else {
        r = sqlite_fault(self, "read a large value");
    }
    (void)sqlite3_reset(self->get_large);
    return r;
}

/* The value of the row that statement stands on. */
static int read_value(struct sqlite_store *self, sqlite3_stmt *statement, int column,
                      struct kee_bytes key, struct kee_buf *value)
{
    if (sqlite3_column_type(statement, column) == SQLITE_NULL) {
        return read_large(self, key, value);
    }
    return copy_column(statement, column, value);
}

static int sqlite_get(struct kee_store *store, struct kee_bytes key, struct kee_buf *value)
{
    struct sqlite_store *self = self_of(store);
    int r = begin_snapshot(self);
    int code;

    if (r < 0) {
        return r;
    }
    code = bind(self->get, key, SQLITE_STATIC);
    if (code == SQLITE_OK) {
        code = sqlite3_step(self->get);
    }
    if (code == SQLITE_ROW) {
        r = read_value(self, self->get, 0, key, value);
    } else {
        r = code == SQLITE_DONE ? KEE_STORE_ABSENT : sqlite_fault(self, "read a row");
    }
    (void)sqlite3_reset(self->get);
    return r;
}

static int sqlite_next(struct kee_store *store, struct kee_bytes after, struct kee_buf *key,
                       struct kee_buf *value)
{
    struct sqlite_store *self = self_of(store);
    int r = begin_snapshot(self);
    int code;

    if (r < 0) {
        return r;
    }
    if (!self->walking || !kee_bytes_equal(after, kee_buf_bytes(&self->walk_key))) {
        stop_walk(self);
        if (bind(self->walk, after, SQLITE_TRANSIENT) != SQLITE_OK) {
            return sqlite_fault(self, "bind a key");
        }
    }
    code = sqlite3_step(self->walk);
    if (code != SQLITE_ROW) {
        r = code == SQLITE_DONE ? KEE_STORE_ABSENT : sqlite_fault(self, "read the next row");
        stop_walk(self);
        return r;
    }
    r = copy_column(self->walk, 0, key);
    if (r == 0 && value != NULL) {
        r = read_value(self, self->walk, 1, kee_buf_bytes(key), value);
    }
    kee_buf_clear(&self->walk_key);
    kee_buf_put_bytes(&self->walk_key, kee_buf_bytes(key));
    self->walking = r == 0 && kee_buf_status(&self->walk_key) == 0;
    if (!self->walking) {
        stop_walk(self);
    }
    return r;
}

/* --- writes --- */

/* One write at a time, none after one that failed, and none under a snapshot. */
static int ready_to_write(struct sqlite_store *self)
{
    kee_assert(!self->writing);
    if (self->failed) {
        return kee_fault(KEE_FAULT_STORE, "an earlier write failed");
    }
    return end_snapshot(self);
}

static int sqlite_write(struct kee_store *store, const struct kee_change *changes, size_t count,
                        kee_store_done_fn *done, void *context)
{
    struct sqlite_store *self = self_of(store);
    int r = ready_to_write(self);

    if (r < 0) {
        return r;
    }
    self->writing = true;
    self->done = done;
    self->context = context;
    kee_writer_begin(self->writer, KEE_WRITER_BATCH, changes, count);
    return 0;
}

/* The writer's thread does it, as only it uses the writing connection; nobody waits but this one. */
static int sqlite_stage(struct kee_store *store, const struct kee_change *changes, size_t count)
{
    struct sqlite_store *self = self_of(store);
    int r = ready_to_write(self);

    if (r < 0) {
        return r;
    }
    kee_writer_begin(self->writer, KEE_WRITER_PART, changes, count);
    (void)kee_writer_collect(self->writer, true, &r);
    self->failed = r < 0;
    return r;
}

static void sqlite_unstage(struct kee_store *store)
{
    struct sqlite_store *self = self_of(store);
    int r;

    kee_assert(!self->writing);
    if (!self->failed) {
        kee_writer_begin(self->writer, KEE_WRITER_DROP, NULL, 0);
        (void)kee_writer_collect(self->writer, true, &r);
        self->failed = r < 0;
    }
}

static void finish(struct sqlite_store *self, int r)
{
    stop_walk(self); /* it may stand in the state before the batch */
    self->writing = false;
    self->failed = r < 0;
    self->done(self->context, r);
}

void kee_store_sqlite_dispatch(struct kee_store *store)
{
    struct sqlite_store *self = self_of(store);
    int r;

    if (self->writing && kee_writer_collect(self->writer, false, &r)) {
        finish(self, r);
    }
}

void kee_store_sqlite_wait(struct kee_store *store)
{
    struct sqlite_store *self = self_of(store);
    int r;

    while (self->writing && kee_writer_collect(self->writer, true, &r)) {
        finish(self, r);
    }
}

int kee_store_sqlite_fd(const struct kee_store *store)
{
    return kee_writer_fd(((const struct sqlite_store *)store)->writer);
}

uint64_t kee_store_sqlite_syncs(const struct kee_store *store)
{
    return kee_vfs_syncs(((const struct sqlite_store *)store)->vfs);
}

/* --- open and close --- */

static void sqlite_close(struct kee_store *store)
{
    struct sqlite_store *self = self_of(store);

    if (self->writer != NULL) {
        kee_store_sqlite_wait(store);
    }
    (void)sqlite3_finalize(self->get);
    (void)sqlite3_finalize(self->get_large);
    (void)sqlite3_finalize(self->walk);
    (void)sqlite3_finalize(self->begin);
    (void)sqlite3_finalize(self->end);
    (void)sqlite3_close(self->db); /* before the writer's: the last one tidies up the log */
    kee_writer_free(self->writer);
    kee_vfs_free(self->vfs);
    kee_place_leave(&self->place);
    kee_buf_fini(&self->walk_key);
    free(self);
}

static int connect(struct sqlite_store *self, const char *settings, sqlite3 **out)
{
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;
    int code =
        sqlite3_open_v2(kee_buf_cstr(&self->place.file), out, flags, kee_vfs_name(self->vfs));

    if (code == SQLITE_OK) {
        code = sqlite3_exec(*out, settings, NULL, NULL, NULL);
    }
    return code;
}

static int refuse(struct sqlite_store *self, sqlite3 *db, int code, struct kee_buf *why)
{
    if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB) {
        kee_buf_printf(why, "%s is damaged: %s", kee_buf_cstr(&self->place.file),
                       sqlite3_errmsg(db));
        return KEE_STORE_SQLITE_NOT_STORE;
    }
    return kee_fault(KEE_FAULT_STORE, "open %s: %s", kee_buf_cstr(&self->place.file),
                     sqlite3_errmsg(db));
}

static int connect_writer(struct sqlite_store *self, enum kee_durability durability,
                          struct kee_buf *why)
{
    static const char *const settings[] = {
        [KEE_DURABILITY_FULL] = "PRAGMA synchronous=FULL;",
        [KEE_DURABILITY_NORMAL] = "PRAGMA synchronous=NORMAL;",
        [KEE_DURABILITY_OFF] = "PRAGMA synchronous=OFF;",
    };
    sqlite3 *db = NULL;
    int code = connect(self, settings[durability], &db);
    int r;

    if (code == SQLITE_OK) {
        /* After a large batch the log's file is cut back to this size. */
        code = sqlite3_exec(db,
                            "PRAGMA cache_size=-8000; PRAGMA journal_size_limit=16777216;"
                            "PRAGMA temp_store=MEMORY; PRAGMA busy_timeout=5000",
                            NULL, NULL, NULL);
    }
    if (code != SQLITE_OK) {
        r = refuse(self, db, code, why);
        (void)sqlite3_close(db);
        return r;
    }
    return kee_writer_new(&self->writer, db);
}

static int connect_reader(struct sqlite_store *self, struct kee_buf *why)
{
    const struct {
        sqlite3_stmt **out;
        const char *text;
    } list[] = {
        {&self->get, "SELECT value FROM kv WHERE key = ?1"},
        {&self->get_large, "SELECT value FROM large WHERE key = ?1"},
        {&self->walk, "SELECT key, value FROM kv WHERE key > ?1 ORDER BY key"},
        {&self->begin, "BEGIN"},
        {&self->end, "COMMIT"},
    };
    int code = connect(self,
                       "PRAGMA query_only=1; PRAGMA cache_size=-8000; PRAGMA temp_store=MEMORY;"
                       "PRAGMA busy_timeout=5000",
                       &self->db);

    for (size_t i = 0; i < sizeof list / sizeof list[0] && code == SQLITE_OK; i++) {
        code = sqlite3_prepare_v3(self->db, list[i].text, -1, SQLITE_PREPARE_PERSISTENT,
                                  list[i].out, NULL);
    }
    return code == SQLITE_OK ? 0 : refuse(self, self->db, code, why);
}

static int find_or_make(struct sqlite_store *self, bool may_make, struct kee_buf *why)
{
    int r = kee_place_check(&self->place, why);

    if (r != KEE_STORE_SQLITE_MISSING) {
        return r;
    }
    if (may_make) {
        return kee_place_make(&self->place, kee_vfs_name(self->vfs));
    }
    kee_buf_printf(why, "expected a store at %s, found no file", kee_buf_cstr(&self->place.file));
    return r;
}

static const struct kee_store_ops ops = {
    .get = sqlite_get,
    .next = sqlite_next,
    .write = sqlite_write,
    .stage = sqlite_stage,
    .unstage = sqlite_unstage,
    .close = sqlite_close,
};

/* A transaction sees the state of its first read. */
static int fix_snapshot(struct sqlite_store *self)
{
    struct kee_buf key = KEE_BUF_EMPTY;
    int r = sqlite_next(&self->store, KEE_BYTES_LIT(""), &key, NULL);

    kee_buf_fini(&key);
    return r < 0 ? r : 0;
}

int kee_store_sqlite_snapshot(struct kee_store **out, const struct kee_store *of)
{
    const struct kee_buf *file = &((const struct sqlite_store *)of)->place.file;
    struct sqlite_store *self = calloc(1, sizeof *self);
    struct kee_buf why = KEE_BUF_EMPTY;
    int r;

    if (self == NULL) {
        return kee_fault(KEE_FAULT_MEMORY, "snapshot of a store");
    }
    self->store.ops = &ops;
    self->failed = true; /* it is never written */
    self->place.lock_fd = -1;
    kee_buf_put_bytes(&self->place.file, kee_buf_bytes(file));
    r = kee_buf_status(&self->place.file);
    if (r == 0) {
        r = kee_vfs_new(&self->vfs, NULL);
    }
    if (r == 0) {
        r = connect_reader(self, &why);
    }
    if (r == 0) {
        r = fix_snapshot(self);
    }
    if (r > 0) {
        r = kee_fault(KEE_FAULT_CORRUPT, "%s", kee_buf_cstr(&why));
    }
    kee_buf_fini(&why);
    if (r < 0) {
        sqlite_close(&self->store);
        return r;
    }
    *out = &self->store;
    return 0;
}

int kee_store_sqlite_open(struct kee_store **out, const struct kee_store_sqlite_options *options,
                          struct kee_buf *why)
{
    struct sqlite_store *self = calloc(1, sizeof *self);
    int r;

    if (self == NULL) {
        return kee_fault(KEE_FAULT_MEMORY, "store");
    }
    self->store.ops = &ops;
    r = kee_place_enter(&self->place, options->directory, !options->must_exist, why);
    if (r == 0) {
        r = kee_vfs_new(&self->vfs, options->watch);
    }
    if (r == 0) {
        r = find_or_make(self, !options->must_exist, why);
    }
    if (r == 0) {
        r = connect_writer(self, options->durability, why);
    }
    if (r == 0) {
        r = connect_reader(self, why);
    }
    if (r != 0) {
        sqlite_close(&self->store);
        return r;
    }
    *out = &self->store;
    return 0;
}
