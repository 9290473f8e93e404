/* SPDX-License-Identifier: Apache-2.0 */
/* writer - see writer.h. */
#include "store_sqlite/writer.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/fault.h"
#include "store_sqlite/store_sqlite.h"

/* The log is moved into the file when it has this many pages: about 4 MB, so that opening after a
 * crash reads no more, and syncs of the file are few. */
enum { CHECKPOINT_PAGES = 1000 };

enum state { IDLE, ASKED, ENDED };

struct kee_writer {
    /* The thread's alone. */
    sqlite3 *db;
    sqlite3_stmt *begin;
    sqlite3_stmt *commit;
    sqlite3_stmt *put;
    sqlite3_stmt *put_large;
    sqlite3_stmt *delete;
    sqlite3_stmt *delete_large;
    int log_pages;
    bool failed;

    pthread_t thread;
    bool has_thread;
    bool has_mutex;
    int fd;

    /* Under the mutex. */
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    enum state state;
    bool quits;
    enum kee_writer_task task;
    const struct kee_change *changes;
    size_t count;
    int result;
    char text[512]; /* of the fault, for the owner's thread */
};

static int sqlite_fault(struct kee_writer *writer, const char *what)
{
    return kee_fault(KEE_FAULT_STORE, "%s: %s", what, sqlite3_errmsg(writer->db));
}

static int run(struct kee_writer *writer, sqlite3_stmt *statement, const char *what)
{
    int code = sqlite3_step(statement);
    int r = code == SQLITE_DONE ? 0 : sqlite_fault(writer, what);

    (void)sqlite3_reset(statement);
    return r;
}

/* SQLite takes a NULL pointer for the value NULL, even of size 0. */
static int bind(sqlite3_stmt *statement, int at, struct kee_bytes bytes)
{
    return sqlite3_bind_blob(statement, at, bytes.size == 0 ? "" : (const void *)bytes.data,
                             (int)bytes.size, SQLITE_STATIC);
}

static int write_change(struct kee_writer *writer, const struct kee_change *change)
{
    bool is_large = change->value.size > KEE_STORE_SQLITE_SMALL;
    sqlite3_stmt *row = change->deletes ? writer->delete : writer->put;
    sqlite3_stmt *large = is_large ? writer->put_large : writer->delete_large;
    int code = bind(row, 1, change->key);

    if (code == SQLITE_OK) {
        code = bind(large, 1, change->key);
    }
    if (code == SQLITE_OK && is_large) {
        code = sqlite3_bind_null(row, 2);
    } else if (code == SQLITE_OK && !change->deletes) {
        code = bind(row, 2, change->value);
    }
    if (code == SQLITE_OK && is_large) {
        code = bind(large, 2, change->value);
    }
    if (code != SQLITE_OK) {
        return sqlite_fault(writer, "bind a row");
    }
    code = run(writer, row, "write a row");
    return code < 0 ? code : run(writer, large, "write a large value");
}

static int roll_back(struct kee_writer *writer)
{
    if (sqlite3_get_autocommit(writer->db) ||
        sqlite3_exec(writer->db, "ROLLBACK", NULL, NULL, NULL) == SQLITE_OK) {
        return 0;
    }
    return sqlite_fault(writer, "roll back");
}

static int write_changes(struct kee_writer *writer, enum kee_writer_task task,
                         const struct kee_change *changes, size_t count)
{
    int r = 0;

    if (writer->failed) {
        return kee_fault(KEE_FAULT_STORE, "an earlier write or checkpoint failed");
    }
    if (task == KEE_WRITER_DROP) {
        r = roll_back(writer);
    } else if (sqlite3_get_autocommit(writer->db)) {
        r = run(writer, writer->begin, "begin");
    }
    for (size_t i = 0; i < count && r == 0; i++) {
        r = write_change(writer, &changes[i]);
    }
    if (r == 0 && task == KEE_WRITER_BATCH) {
        r = run(writer, writer->commit, "commit");
    }
    if (r < 0) {
        writer->failed = true;
        if (task != KEE_WRITER_DROP) {
            (void)roll_back(writer);
        }
    }
    return r;
}

static int count_pages(void *context, sqlite3 *db, const char *name, int pages)
{
    struct kee_writer *writer = context;

    writer->log_pages = pages;
    return SQLITE_OK;
}

static void checkpoint(struct kee_writer *writer)
{
    int code;

    if (writer->failed || writer->log_pages < CHECKPOINT_PAGES) {
        return;
    }
    code = sqlite3_wal_checkpoint_v2(writer->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    if (code != SQLITE_OK && code != SQLITE_BUSY && code != SQLITE_LOCKED) {
        writer->failed = true;
    }
}

static void report(struct kee_writer *writer, int r)
{
    uint64_t one = 1;
    ssize_t size;

    pthread_mutex_lock(&writer->mutex);
    writer->result = r;
    if (r < 0) {
        (void)snprintf(writer->text, sizeof writer->text, "%s", kee_fault_text());
        kee_fault_clear();
    }
    writer->state = ENDED;
    /* The descriptor is readable exactly while a result waits: both change under the mutex. */
    do {
        size = write(writer->fd, &one, sizeof one);
    } while (size < 0 && errno == EINTR);
    kee_assert(size == sizeof one);
    pthread_cond_broadcast(&writer->changed);
    pthread_mutex_unlock(&writer->mutex);
}

static void *serve(void *context)
{
    struct kee_writer *writer = context;

    for (;;) {
        enum kee_writer_task task;
        const struct kee_change *changes;
        size_t count;
        bool quits;
        pthread_mutex_lock(&writer->mutex);
        while (writer->state != ASKED && !writer->quits) {
            pthread_cond_wait(&writer->changed, &writer->mutex);
        }
        quits = writer->state != ASKED;
        task = writer->task;
        changes = writer->changes;
        count = writer->count;
        pthread_mutex_unlock(&writer->mutex);
        if (quits) {
            return NULL;
        }
        report(writer, write_changes(writer, task, changes, count));
        if (task == KEE_WRITER_BATCH) {
            checkpoint(writer);
        }
    }
}

static int prepare(struct kee_writer *writer)
{
    const struct {
        sqlite3_stmt **out;
        const char *text;
    } list[] = {
        {&writer->begin, "BEGIN IMMEDIATE"},
        {&writer->commit, "COMMIT"},
        {&writer->put, "REPLACE INTO kv(key, value) VALUES(?1, ?2)"},
        {&writer->put_large, "REPLACE INTO large(key, value) VALUES(?1, ?2)"},
        {&writer->delete, "DELETE FROM kv WHERE key = ?1"},
        {&writer->delete_large, "DELETE FROM large WHERE key = ?1"},
    };

    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {
        if (sqlite3_prepare_v3(writer->db, list[i].text, -1, SQLITE_PREPARE_PERSISTENT, list[i].out,
                               NULL) != SQLITE_OK) {
            return sqlite_fault(writer, list[i].text);
        }
    }
    (void)sqlite3_wal_hook(writer->db, count_pages, writer); /* and no automatic checkpoint */
    return 0;
}

static int start_thread(struct kee_writer *writer)
{
    sigset_t all;
    sigset_t before;
    int code;

    if (pthread_mutex_init(&writer->mutex, NULL) != 0) {
        return kee_fault(KEE_FAULT_SYSTEM, "mutex of the writer");
    }
    if (pthread_cond_init(&writer->changed, NULL) != 0) {
        (void)pthread_mutex_destroy(&writer->mutex);
        return kee_fault(KEE_FAULT_SYSTEM, "condition of the writer");
    }
    writer->has_mutex = true;
    writer->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (writer->fd < 0) {
        return kee_fault(KEE_FAULT_SYSTEM, "eventfd of the writer");
    }
    /* Signals are the owner's business. */
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    code = pthread_create(&writer->thread, NULL, serve, writer);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (code != 0) {
        return kee_fault(KEE_FAULT_SYSTEM, "thread of the writer");
    }
    writer->has_thread = true;
    return 0;
}

int kee_writer_new(struct kee_writer **out, sqlite3 *db)
{
    struct kee_writer *writer = calloc(1, sizeof *writer);
    int r;

    if (writer == NULL) {
        (void)sqlite3_close(db);
        return kee_fault(KEE_FAULT_MEMORY, "writer");
    }
    writer->db = db;
    writer->fd = -1;
    r = prepare(writer);
    if (r == 0) {
        r = start_thread(writer);
    }
    if (r < 0) {
        kee_writer_free(writer);
        return r;
    }
    *out = writer;
    return 0;
}

void kee_writer_free(struct kee_writer *writer)
{
    if (writer == NULL) {
        return;
    }
    if (writer->has_thread) {
        pthread_mutex_lock(&writer->mutex);
        kee_assert(writer->state == IDLE);
        writer->quits = true;
        pthread_cond_broadcast(&writer->changed);
        pthread_mutex_unlock(&writer->mutex);
        (void)pthread_join(writer->thread, NULL);
    }
    (void)sqlite3_finalize(writer->begin);
    (void)sqlite3_finalize(writer->commit);
    (void)sqlite3_finalize(writer->put);
    (void)sqlite3_finalize(writer->put_large);
    (void)sqlite3_finalize(writer->delete);
    (void)sqlite3_finalize(writer->delete_large);
    if (writer->failed) {
        /* Closing would move the log into a file whose state is in doubt. */
        (void)sqlite3_db_config(writer->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, (int *)NULL);
    }
    (void)sqlite3_close(writer->db);
    if (writer->fd >= 0) {
        (void)close(writer->fd);
    }
    if (writer->has_mutex) {
        (void)pthread_cond_destroy(&writer->changed);
        (void)pthread_mutex_destroy(&writer->mutex);
    }
    free(writer);
}

void kee_writer_begin(struct kee_writer *writer, enum kee_writer_task task,
                      const struct kee_change *changes, size_t count)
{
    pthread_mutex_lock(&writer->mutex);
    kee_assert(writer->state == IDLE);
    writer->task = task;
    writer->changes = changes;
    writer->count = count;
    writer->state = ASKED;
    pthread_cond_broadcast(&writer->changed);
    pthread_mutex_unlock(&writer->mutex);
}

bool kee_writer_collect(struct kee_writer *writer, bool wait, int *result)
{
    uint64_t units;
    ssize_t size;
    bool ended;

    pthread_mutex_lock(&writer->mutex);
    while (wait && writer->state == ASKED) {
        pthread_cond_wait(&writer->changed, &writer->mutex);
    }
    ended = writer->state == ENDED;
    if (ended) {
        *result = writer->result < 0 ? kee_fault(writer->result, "%s", writer->text) : 0;
        writer->state = IDLE;
        size = read(writer->fd, &units, sizeof units);
        kee_assert(size == sizeof units);
    }
    pthread_mutex_unlock(&writer->mutex);
    return ended;
}

int kee_writer_fd(const struct kee_writer *writer)
{
    return writer->fd;
}
