/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of store_sqlite/store_sqlite.h: as a store, and what only it does. */
#include "cm.h"

#include <poll.h>
#include <semaphore.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fault.h"
#include "scratch.h"
#include "store_conformance.h"
#include "store_sqlite/store_sqlite.h"

struct watcher {
    struct kee_vfs_watch watch;
    _Atomic int reads;
    _Atomic bool disk_is_full;
    _Atomic bool sync_fails;
    _Atomic bool file_is_full; /* the database itself; the log has room */
    _Atomic bool holds;        /* the next write waits until the semaphore is posted */
    sem_t hold;
};

struct fixture {
    struct conformance c; /* first: parts of the conformance suite take it */
    struct scratch scratch;
    struct kee_store_sqlite_options options;
    struct kee_buf why;
    char room[128];
    struct watcher watcher;
};

static void open_store(struct fixture *f)
{
    assert_int_equal(kee_store_sqlite_open(&f->c.store, &f->options, &f->why), 0);
    assert_int_equal(f->why.size, 0);
}

static void close_store(struct fixture *f)
{
    if (f->c.store != NULL) {
        f->c.store->ops->close(f->c.store);
        f->c.store = NULL;
    }
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);

    scratch_init(&f->scratch);
    f->options.directory = scratch_join(&f->scratch, "store", f->room);
    f->c.settle = kee_store_sqlite_wait;
    open_store(f);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    close_store(f);
    kee_buf_fini(&f->why);
    scratch_fini(&f->scratch);
    free(f);
    kee_fault_clear();
    return 0;
}

static const char *file_of(struct fixture *f, char room[160])
{
    (void)snprintf(room, 160, "%s/keeve.sqlite", f->options.directory);
    return room;
}

/* Opening must end in outcome, with each of the two texts in why, and change nothing of the file. */
static void expect_refusal(struct fixture *f, int outcome, const char *text, const char *other)
{
    struct kee_store *store = NULL;
    const char *why;

    kee_buf_clear(&f->why);
    assert_int_equal(kee_store_sqlite_open(&store, &f->options, &f->why), outcome);
    assert_null(store);
    why = kee_buf_cstr(&f->why);
    if (strstr(why, text) == NULL || strstr(why, other) == NULL) {
        fail_msg("expected '%s' and '%s' in: %s", text, other, why);
    }
    kee_buf_clear(&f->why);
}

static void write_file(const char *path, const char *text, size_t size)
{
    FILE *file = fopen(path, "wb");

    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static void run_sql(const char *path, const char *sql)
{
    sqlite3 *db;

    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void rows_come_back(void **state)
{
    conformance_rows_come_back(*state);
}

static void any_byte_and_size(void **state)
{
    conformance_any_byte_and_size(*state);
}

static void walks(void **state)
{
    conformance_walks(*state);
}

static void stages(void **state)
{
    conformance_stages(*state);
}

static void agrees_with_a_model(void **state)
{
    for (uint64_t seed = 1; seed <= 5; seed++) {
        conformance_random(*state, seed);
        (void)teardown(state);
        (void)setup(state);
    }
}

static void large_values_leave_nothing_behind(void **state)
{
    struct fixture *f = *state;
    char large[2000];
    char room[160];

    memset(large, 'x', sizeof large);
    large[sizeof large - 1] = 0;
    conformance_put(&f->c, "a", "small");
    conformance_put(&f->c, "a", large);
    conformance_expect(&f->c, "a", large);
    conformance_put(&f->c, "a", "small");
    conformance_expect(&f->c, "a", "small");
    conformance_put(&f->c, "b", large);
    conformance_write(&f->c, &(struct kee_change){kee_bytes_str("b"), {NULL, 0}, true}, 1);
    close_store(f);
    run_sql(file_of(f, room), "CREATE TEMP TABLE none(x CHECK(x = 0));"
                              "INSERT INTO none SELECT count(*) FROM large");
}

static void rows_survive_closing(void **state)
{
    struct fixture *f = *state;

    conformance_put(&f->c, "a", "1");
    close_store(f);
    f->options.must_exist = true;
    open_store(f);
    conformance_expect(&f->c, "a", "1");
}

static void take_result(void *context, int r)
{
    int *result = context;

    *result = r;
}

static void the_descriptor_tells_when_a_write_is_done(void **state)
{
    struct fixture *f = *state;
    struct kee_change change = {kee_bytes_str("a"), kee_bytes_str("1"), false};
    struct pollfd pollfd = {.fd = kee_store_sqlite_fd(f->c.store), .events = POLLIN};
    uint64_t syncs = kee_store_sqlite_syncs(f->c.store);
    int result = 1;

    kee_store_sqlite_dispatch(f->c.store); /* nothing under way */
    assert_int_equal(poll(&pollfd, 1, 0), 0);
    assert_int_equal(f->c.store->ops->write(f->c.store, &change, 1, take_result, &result), 0);
    assert_int_equal(result, 1); /* never before the owner dispatches */
    assert_int_equal(poll(&pollfd, 1, 60000), 1);
    kee_store_sqlite_dispatch(f->c.store);
    assert_int_equal(result, 0);
    assert_int_equal(poll(&pollfd, 1, 0), 0);
    assert_true(kee_store_sqlite_syncs(f->c.store) > syncs);
}

static void only_full_durability_syncs_each_batch(void **state)
{
    struct fixture *f = *state;

    for (int durability = KEE_DURABILITY_FULL; durability <= KEE_DURABILITY_OFF; durability++) {
        uint64_t syncs;
        close_store(f);
        f->options.durability = (enum kee_durability)durability;
        open_store(f);
        conformance_put(&f->c, "a", "0"); /* begins the log */
        syncs = kee_store_sqlite_syncs(f->c.store);
        for (int i = 0; i < 10; i++) {
            conformance_put(&f->c, "a", i % 2 == 0 ? "1" : "2");
        }
        syncs = kee_store_sqlite_syncs(f->c.store) - syncs;
        assert_int_equal(syncs, durability == KEE_DURABILITY_FULL ? 10 : 0);
    }
}

static void a_second_opener_is_told_who_holds_the_lock(void **state)
{
    struct fixture *f = *state;
    char pid[24];

    (void)snprintf(pid, sizeof pid, "by process %ld:", (long)getpid());
    expect_refusal(f, KEE_STORE_SQLITE_BUSY, pid, "store/lock");
    conformance_put(&f->c, "a", "1"); /* the holder is not disturbed */
    close_store(f);
    open_store(f);
}

static void a_missing_store_is_not_made_unasked(void **state)
{
    struct fixture *f = *state;
    char room[128];
    struct stat st;

    close_store(f);
    f->options.must_exist = true;
    f->options.directory = scratch_join(&f->scratch, "other", room);
    expect_refusal(f, KEE_STORE_SQLITE_MISSING, "expected a store", "other");
    assert_true(stat(room, &st) < 0);
    assert_int_equal(mkdir(room, 0700), 0);
    expect_refusal(f, KEE_STORE_SQLITE_MISSING, "expected a store", "other/keeve.sqlite");
}

static void another_version_is_refused_untouched(void **state)
{
    struct fixture *f = *state;
    char room[160];
    char wal[176];
    struct stat st;

    close_store(f);
    run_sql(file_of(f, room), "PRAGMA journal_mode=DELETE; PRAGMA user_version=7");
    expect_refusal(f, KEE_STORE_SQLITE_VERSION, "expected 1, found 7", "keeve.sqlite");
    (void)snprintf(wal, sizeof wal, "%s-wal", room);
    assert_true(stat(wal, &st) < 0);
}

static void other_files_are_refused_untouched(void **state)
{
    static const char text[] = "these are the notes of my holiday, and no database at all; do keep "
                               "them, whatever a program may think of a file with such a name";
    struct fixture *f = *state;
    char room[160];
    char seen[sizeof text + 1];
    FILE *file;

    close_store(f);
    write_file(file_of(f, room), text, sizeof text);
    expect_refusal(f, KEE_STORE_SQLITE_NOT_STORE, "not a store", "another kind");
    file = fopen(room, "rb");
    assert_int_equal(fread(seen, 1, sizeof seen, file), sizeof text);
    assert_memory_equal(seen, text, sizeof text);
    (void)fclose(file);
    write_file(room, "", 0);
    expect_refusal(f, KEE_STORE_SQLITE_NOT_STORE, "not a store", "an empty file");
    assert_int_equal(unlink(room), 0);
    run_sql(room, "CREATE TABLE mine(x)");
    expect_refusal(f, KEE_STORE_SQLITE_NOT_STORE, "application id 0x4b656576", "0x00000000");
}

static void a_damaged_file_is_refused(void **state)
{
    struct fixture *f = *state;
    char room[160];
    FILE *file;

    close_store(f);
    file = fopen(file_of(f, room), "r+b");
    assert_int_equal(fseek(file, 100, SEEK_SET), 0);
    for (int i = 100; i < 8192; i++) {
        assert_int_equal(fputc(0xa5, file), 0xa5);
    }
    (void)fclose(file);
    expect_refusal(f, KEE_STORE_SQLITE_NOT_STORE, "is damaged", "keeve.sqlite");
}

static void a_log_without_its_file_is_refused(void **state)
{
    struct fixture *f = *state;
    char room[160];
    char log[176];

    close_store(f);
    (void)unlink(file_of(f, room));
    (void)snprintf(log, sizeof log, "%s-wal", room);
    write_file(log, "x", 1);
    expect_refusal(f, KEE_STORE_SQLITE_NOT_STORE, "is missing", "keeve.sqlite-wal");
}

static void an_interrupted_making_is_made_again(void **state)
{
    struct fixture *f = *state;
    char room[160];
    char half[176];

    close_store(f);
    (void)unlink(file_of(f, room));
    (void)snprintf(half, sizeof half, "%s.new", room);
    write_file(half, "half", 4);
    open_store(f);
    conformance_put(&f->c, "a", "1");
}

static void others_may_not_read_the_store(void **state)
{
    struct fixture *f = *state;
    char room[160];
    char log[176];
    struct stat st;

    conformance_put(&f->c, "a", "1");
    assert_int_equal(stat(f->options.directory, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    assert_int_equal(stat(file_of(f, room), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    (void)snprintf(log, sizeof log, "%s-wal", room);
    assert_int_equal(stat(log, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
}

/* --- with a watcher on the file operations --- */

static int on_operation(void *context, const struct kee_vfs_op *op)
{
    struct watcher *watcher = context;

    if (op->kind == KEE_VFS_READ) {
        watcher->reads++;
    }
    if (op->kind == KEE_VFS_WRITE && watcher->holds) {
        watcher->holds = false;
        (void)sem_wait(&watcher->hold);
    }
    if (op->kind == KEE_VFS_WRITE &&
        (watcher->disk_is_full ||
         (watcher->file_is_full && strstr(op->path, ".sqlite-wal") == NULL))) {
        return SQLITE_FULL;
    }
    return op->kind == KEE_VFS_SYNC && watcher->sync_fails ? SQLITE_IOERR_FSYNC : SQLITE_OK;
}

/* Opens the store anew, its operations watched and counted from here. */
static void watch(struct fixture *f)
{
    close_store(f);
    f->watcher = (struct watcher){.watch = {on_operation, &f->watcher}};
    (void)sem_init(&f->watcher.hold, 0, 0);
    f->options.watch = &f->watcher.watch;
    open_store(f);
}

static void a_failed_write_ends_all_writing(void **state)
{
    struct fixture *f = *state;
    struct kee_change change = {kee_bytes_str("a"), kee_bytes_str("2"), false};

    for (int which = 0; which < 2; which++) {
        int result = 1;
        watch(f);
        conformance_put(&f->c, "a", "1");
        f->watcher.disk_is_full = which == 0;
        f->watcher.sync_fails = which == 1;
        assert_int_equal(f->c.store->ops->write(f->c.store, &change, 1, take_result, &result), 0);
        kee_store_sqlite_wait(f->c.store);
        assert_int_equal(result, KEE_FAULT_STORE);
        assert_non_null(strstr(kee_fault_text(), which == 0 ? "full" : "disk I/O error"));
        kee_fault_clear();
        f->watcher.disk_is_full = f->watcher.sync_fails = false;
        assert_true(f->c.store->ops->write(f->c.store, &change, 1, take_result, &result) < 0);
        conformance_expect(&f->c, "a", "1");
        kee_fault_clear();
        close_store(f);
        open_store(f);
        conformance_put(&f->c, "a", "3");
    }
}

/* The log takes every batch, but cannot be moved into the file: that must not go on for ever. */
static void a_failed_checkpoint_ends_all_writing(void **state)
{
    enum { SIZE = 1000000, BATCHES = 20 };
    struct fixture *f = *state;
    char *value = malloc(SIZE + 1);
    int done = 0;
    int result = 0;

    memset(value, 'x', SIZE);
    value[SIZE] = 0;
    watch(f);
    f->watcher.file_is_full = true;
    while (result == 0 && done < BATCHES) {
        char key[8] = {'k', (char)('a' + done)};
        struct kee_change change = {kee_bytes_str(key), kee_bytes_str(value), false};
        assert_int_equal(f->c.store->ops->write(f->c.store, &change, 1, take_result, &result), 0);
        kee_store_sqlite_wait(f->c.store);
        done += result == 0;
    }
    assert_int_equal(result, KEE_FAULT_STORE);
    assert_in_range(done, 2, BATCHES - 1);
    kee_fault_clear();
    close_store(f);
    f->options.watch = NULL;
    open_store(f);
    for (int i = 0; i < done; i++) {
        char key[8] = {'k', (char)('a' + i)};
        conformance_expect(&f->c, key, value);
    }
    free(value);
}

static void a_walk_begun_during_a_write_sees_it_when_done(void **state)
{
    struct fixture *f = *state;
    struct kee_change change = {kee_bytes_str("b"), kee_bytes_str("2"), false};
    struct kee_buf key = KEE_BUF_EMPTY;
    int result = 1;

    watch(f);
    conformance_put(&f->c, "a", "1");
    conformance_put(&f->c, "c", "3");
    f->watcher.holds = true;
    assert_int_equal(f->c.store->ops->write(f->c.store, &change, 1, take_result, &result), 0);
    assert_int_equal(f->c.store->ops->next(f->c.store, kee_bytes_str(""), &key, NULL), 0);
    assert_bytes_text(key, "a");
    (void)sem_post(&f->watcher.hold);
    kee_store_sqlite_wait(f->c.store);
    assert_int_equal(result, 0);
    assert_int_equal(f->c.store->ops->next(f->c.store, kee_buf_bytes(&key), &key, NULL), 0);
    assert_bytes_text(key, "b");
    kee_buf_fini(&key);
}

static void fill(struct fixture *f, int rows)
{
    enum { SIZE = 4000 };
    static char value[SIZE + 1];

    memset(value, 'x', SIZE);
    for (int i = 0; i < rows;) {
        struct kee_change changes[64];
        char keys[64][12];
        size_t count = 0;
        for (; i < rows && count < 64; i++, count++) {
            int size = snprintf(keys[count], sizeof keys[count], "k%08d", i);
            changes[count] = (struct kee_change){kee_bytes_of(keys[count], (size_t)size),
                                                 kee_bytes_of(value, SIZE), false};
        }
        conformance_write(&f->c, changes, count);
    }
}

static void opening_reads_a_handful_of_pages(void **state)
{
    struct fixture *f = *state;
    int reads_at_most = 0;

    for (int rows = 10; rows <= 8000; rows = rows == 10 ? 8000 : rows * 2) {
        watch(f);
        f->options.durability = KEE_DURABILITY_OFF;
        fill(f, rows); /* up to 32 MB */
        watch(f);
        conformance_expect(&f->c, "nothing", NULL);
        if (rows == 10) {
            reads_at_most = f->watcher.reads + 3; /* the tree may have become deeper */
        }
        assert_true(f->watcher.reads <= reads_at_most);
    }
    assert_true(reads_at_most < 20);
}

static void the_log_stays_short(void **state)
{
    struct fixture *f = *state;
    char room[160];
    char log[176];
    struct stat st;

    (void)snprintf(log, sizeof log, "%s-wal", file_of(f, room));
    for (int i = 0; i < 12; i++) {
        fill(f, 1000); /* 4 MB each time */
        conformance_expect(&f->c, "k00000001x", NULL);
    }
    assert_int_equal(stat(log, &st), 0);
    assert_true(st.st_size < 20 << 20);
}

#define WITH_STORE(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STORE(rows_come_back),
        WITH_STORE(any_byte_and_size),
        WITH_STORE(walks),
        WITH_STORE(stages),
        WITH_STORE(agrees_with_a_model),
        WITH_STORE(large_values_leave_nothing_behind),
        WITH_STORE(rows_survive_closing),
        WITH_STORE(the_descriptor_tells_when_a_write_is_done),
        WITH_STORE(only_full_durability_syncs_each_batch),
        WITH_STORE(a_second_opener_is_told_who_holds_the_lock),
        WITH_STORE(a_missing_store_is_not_made_unasked),
        WITH_STORE(another_version_is_refused_untouched),
        WITH_STORE(other_files_are_refused_untouched),
        WITH_STORE(a_damaged_file_is_refused),
        WITH_STORE(a_log_without_its_file_is_refused),
        WITH_STORE(an_interrupted_making_is_made_again),
        WITH_STORE(others_may_not_read_the_store),
        WITH_STORE(a_failed_write_ends_all_writing),
        WITH_STORE(a_failed_checkpoint_ends_all_writing),
        WITH_STORE(a_walk_begun_during_a_write_sees_it_when_done),
        WITH_STORE(opening_reads_a_handful_of_pages),
        WITH_STORE(the_log_stays_short),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
