/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of store/world.h: each rule of the merge by itself. test/unit/store/world_model.c mixes them. */
#include "cm.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/fault.h"
#include "base/limits.h"
#include "fault_store.h"
#include "store/world.h"

struct fixture {
    struct fault_store store;
    struct kee_world *world;
    int notified;
    int result;
};

static void count_notice(void *context, int r)
{
    struct fixture *f = context;

    f->notified++;
    f->result = r;
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);

    fault_store_init(&f->store);
    assert_int_equal(kee_world_new(&f->world, &f->store.store), 0);
    kee_world_on_durable(f->world, count_notice, f);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(kee_world_audit(f->world), 0);
    kee_world_free(f->world);
    free(f);
    kee_fault_clear();
    return 0;
}

static struct kee_bytes B(const char *text) {
    return kee_bytes_str(text);
}

static void
put(struct fixture *f, const char *key, const char *value)
{
    assert_int_equal(kee_world_put(f->world, B(key), B(value)), 0);
}

static void put_new(struct fixture *f, const char *key, const char *value)
{
    assert_int_equal(kee_world_put_new(f->world, B(key), B(value)), 0);
}

static void delete (struct fixture *f, const char *key)
{
    assert_int_equal(kee_world_delete(f->world, B(key)), 0);
}

/* Inside one crank. */
static void commit_put(struct fixture *f, const char *key, const char *value)
{
    kee_world_begin(f->world);
    put(f, key, value);
    kee_world_commit(f->world);
}

static void expect(struct fixture *f, const char *key, const char *value)
{
    struct kee_bytes seen;

    if (value == NULL) {
        assert_int_equal(kee_world_get(f->world, B(key), &seen), KEE_STORE_ABSENT);
        return;
    }
    assert_int_equal(kee_world_get(f->world, B(key), &seen), 0);
    assert_bytes_text(seen, value);
}

/* All rows with prefix, as "key=value " pieces. */
static void expect_walk(struct fixture *f, const char *prefix, const char *rows)
{
    struct kee_buf text = KEE_BUF_EMPTY;
    struct kee_bytes key = B("");
    struct kee_bytes value;
    int r;

    while ((r = kee_world_next(f->world, B(prefix), key, &key, &value)) == 0) {
        kee_buf_put_bytes(&text, key);
        kee_buf_put_char(&text, '=');
        kee_buf_put_bytes(&text, value);
        kee_buf_put_char(&text, ' ');
    }
    assert_int_equal(r, KEE_STORE_ABSENT);
    assert_string_equal(kee_buf_cstr(&text), rows);
    kee_buf_fini(&text);
}

static void flush(struct fixture *f)
{
    assert_int_equal(kee_world_flush(f->world), 0);
}

static void commits_are_seen_before_they_are_written(void **state)
{
    struct fixture *f = *state;

    expect(f, "a", NULL);
    kee_world_begin(f->world);
    put(f, "a", "1");
    expect(f, "a", "1");
    kee_world_commit(f->world);
    expect(f, "a", "1");
    assert_int_equal(f->store.writes, 0);
    assert_int_equal(kee_world_filling(f->world), 1);
    assert_int_equal(kee_world_durable(f->world), 0);
    assert_int_equal(kee_world_pending_bytes(f->world), 2);
    flush(f);
    assert_int_equal(f->store.writes, 1);
    assert_int_equal(kee_world_filling(f->world), 2);
    assert_int_equal(kee_world_durable(f->world), 1);
    assert_int_equal(kee_world_pending_bytes(f->world), 0);
    assert_int_equal(f->notified, 1);
    expect(f, "a", "1");
}

static void undo_restores_every_kind_of_row(void **state)
{
    struct fixture *f = *state;

    commit_put(f, "stored", "s");
    flush(f);
    commit_put(f, "filling", "f");
    kee_world_begin(f->world);
    put(f, "stored", "x");
    put(f, "stored", "y");
    delete (f, "filling");
    put(f, "blind", "b");
    put_new(f, "new", "n");
    delete (f, "new");
    delete (f, "nothing");
    expect_walk(f, "", "blind=b stored=y ");
    kee_world_undo(f->world);
    expect_walk(f, "", "filling=f stored=s ");
    expect(f, "blind", NULL);
    expect(f, "new", NULL);
    assert_int_equal(kee_world_pending_bytes(f->world), 8);
    kee_world_begin(f->world);
    kee_world_undo(f->world);
    expect_walk(f, "", "filling=f stored=s ");
}

static void what_cancels_out_is_not_written(void **state)
{
    struct fixture *f = *state;

    commit_put(f, "kept", "old");
    flush(f);
    kee_world_begin(f->world);
    put_new(f, "q.1", "message");
    kee_world_commit(f->world);
    kee_world_begin(f->world);
    delete (f, "q.1");
    expect(f, "kept", "old");
    put(f, "kept", "new");
    put(f, "kept", "old");
    expect(f, "never", NULL);
    put(f, "never", "was");
    kee_world_commit(f->world);
    kee_world_begin(f->world);
    delete (f, "never");
    kee_world_commit(f->world);
    assert_int_equal(kee_world_pending_bytes(f->world), 0);
    assert_int_equal(kee_world_durable(f->world), 1);
    flush(f);
    assert_int_equal(f->store.writes, 1); /* only the first */
    assert_int_equal(kee_world_durable(f->world), 2);
    assert_int_equal(f->notified, 2);
    flush(f); /* nothing was committed since: nothing to tell */
    assert_int_equal(kee_world_durable(f->world), 2);
    assert_int_equal(f->notified, 2);
}

static void a_blind_put_or_delete_is_written(void **state)
{
    struct fixture *f = *state;

    commit_put(f, "a", "1");
    kee_world_begin(f->world);
    delete (f, "a");
    kee_world_commit(f->world);
    flush(f);
    assert_int_equal(f->store.writes, 1); /* the store might have had one: nobody looked */
    assert_int_equal(f->store.count, 1);
    assert_int_equal(f->store.gets, 0);
}

static void a_put_of_what_is_there_is_dropped(void **state)
{
    struct fixture *f = *state;

    commit_put(f, "a", "1");
    flush(f);
    commit_put(f, "a", "1");
    assert_int_equal(kee_world_pending_bytes(f->world), 0);
    flush(f);
    assert_int_equal(f->store.writes, 1);
}

static void reads_merge_filling_sealed_and_store(void **state)
{
    struct fixture *f = *state;

    kee_world_begin(f->world);
    put(f, "p", "0");
    put(f, "p.a", "store");
    put(f, "p.b", "store");
    put(f, "p.c", "store");
    put(f, "p.d", "store");
    put(f, "q", "beyond");
    kee_world_commit(f->world);
    flush(f);
    f->store.holds = true;
    kee_world_begin(f->world);
    put(f, "p.b", "sealed");
    delete (f, "p.c");
    put(f, "p.bb", "sealed");
    put(f, "p.e", "sealed");
    kee_world_commit(f->world);
    flush(f);
    assert_true(f->store.writing);
    kee_world_begin(f->world);
    delete (f, "p.a");
    put(f, "p.c", "filling");
    delete (f, "p.bb");
    put(f, "p.f", "filling");
    expect_walk(f, "p.", "p.b=sealed p.c=filling p.d=store p.e=sealed p.f=filling ");
    expect_walk(f, "p", "p=0 p.b=sealed p.c=filling p.d=store p.e=sealed p.f=filling ");
    kee_world_undo(f->world);
    expect_walk(f, "p.", "p.a=store p.b=sealed p.bb=sealed p.d=store p.e=sealed ");
    fault_store_finish(&f->store, 0);
    assert_int_equal(kee_world_durable(f->world), 2);
    expect_walk(f, "p.", "p.a=store p.b=sealed p.bb=sealed p.d=store p.e=sealed ");
    expect_walk(f, "", "p=0 p.a=store p.b=sealed p.bb=sealed p.d=store p.e=sealed q=beyond ");
    expect_walk(f, "r", "");
}

static void next_can_leave_the_value_out(void **state)
{
    struct fixture *f = *state;
    struct kee_bytes key;

    commit_put(f, "a", "1");
    flush(f);
    commit_put(f, "b", "2");
    assert_int_equal(kee_world_next(f->world, B(""), B(""), &key, NULL), 0);
    assert_bytes_text(key, "a");
    assert_int_equal(kee_world_next(f->world, B(""), key, &key, NULL), 0);
    assert_bytes_text(key, "b");
    assert_int_equal(kee_world_next(f->world, B("b"), B("a"), &key, NULL), 0);
    assert_bytes_text(key, "b");
}

static void borrowed_bytes_may_be_passed_back(void **state)
{
    struct fixture *f = *state;
    struct kee_bytes key, value;

    commit_put(f, "a", "1");
    commit_put(f, "b", "2");
    commit_put(f, "c", "3");
    flush(f);
    assert_int_equal(kee_world_next(f->world, B(""), B("a"), &key, &value), 0);
    assert_bytes_text(key, "b");
    /* As the prefix too, which is looked at last: no further key begins with "b". */
    assert_int_equal(kee_world_next(f->world, key, key, &key, &value), KEE_STORE_ABSENT);
}

/* The queue of a young promise: no row on the disk has its prefix, nor that of the next. */
static void steps_over_nothing_ask_the_store_once(void **state)
{
    struct fixture *f = *state;
    struct kee_bytes key;
    char prefix[12];

    commit_put(f, "kp1", "1");
    commit_put(f, "z", "1");
    flush(f);
    for (int i = 200; i < 260; i++) {
        (void)snprintf(prefix, sizeof prefix, "kp%d.q.", i);
        kee_world_begin(f->world);
        assert_int_equal(kee_world_next(f->world, B(prefix), B(prefix), &key, NULL),
                         KEE_STORE_ABSENT);
        kee_world_commit(f->world);
    }
    assert_int_equal(f->store.nexts, 1);
    /* What is written meanwhile is found all the same, wherever it lies by then. */
    f->store.holds = true;
    commit_put(f, "kp230.q.1", "m");
    expect_walk(f, "kp230.q.", "kp230.q.1=m ");
    flush(f);
    expect_walk(f, "kp230.q.", "kp230.q.1=m ");
    fault_store_finish(&f->store, 0);
    expect_walk(f, "kp230.q.", "kp230.q.1=m ");
    expect_walk(f, "kp229.q.", "");
    expect_walk(f, "kp", "kp1=1 kp230.q.1=m ");
    assert_int_equal(kee_world_next(f->world, B("y"), B("y"), &key, NULL), KEE_STORE_ABSENT);
    expect_walk(f, "z", "z=1 ");
    expect_walk(f, "zz", "");
}

static void a_batch_fills_while_another_is_written(void **state)
{
    struct fixture *f = *state;

    f->store.holds = true;
    commit_put(f, "a", "1");
    flush(f);
    commit_put(f, "a", "2");
    commit_put(f, "b", "1");
    assert_int_equal(kee_world_filling(f->world), 2);
    flush(f); /* one write at a time */
    assert_int_equal(f->store.writes, 1);
    fault_store_finish(&f->store, 0);
    assert_int_equal(kee_world_durable(f->world), 1);
    expect(f, "a", "2");
    flush(f);
    assert_int_equal(f->store.count, 2);
    fault_store_finish(&f->store, 0);
    assert_int_equal(kee_world_durable(f->world), 2);
    /* Back to what the sealed batch holds: that is no net effect, though the store differs still. */
    commit_put(f, "a", "3");
    flush(f);
    commit_put(f, "a", "4");
    commit_put(f, "a", "3");
    fault_store_finish(&f->store, 0);
    flush(f);
    assert_int_equal(kee_world_durable(f->world), 4);
    assert_false(f->store.writing);
}

static void flush_does_nothing_inside_a_crank(void **state)
{
    struct fixture *f = *state;

    commit_put(f, "a", "1");
    kee_world_begin(f->world);
    put(f, "b", "2");
    flush(f);
    assert_int_equal(f->store.writes, 0);
    kee_world_undo(f->world);
    flush(f);
    assert_int_equal(f->store.count, 1);
}

static void a_failed_write_ends_all_writing(void **state)
{
    struct fixture *f = *state;

    f->store.holds = true;
    commit_put(f, "a", "1");
    flush(f);
    commit_put(f, "b", "2");
    fault_store_finish(&f->store, KEE_FAULT_STORE);
    assert_int_equal(f->result, KEE_FAULT_STORE);
    assert_int_equal(kee_world_durable(f->world), 0);
    kee_world_begin(f->world);
    assert_true(kee_world_put(f->world, B("c"), B("3")) < 0);
    assert_true(kee_world_delete(f->world, B("a")) < 0);
    kee_world_undo(f->world);
    assert_true(kee_world_flush(f->world) < 0);
    assert_int_equal(f->store.writes, 1);
}

static void a_write_refused_at_once_ends_it_too(void **state)
{
    struct fixture *f = *state;

    commit_put(f, "a", "1");
    f->store.fail_at = f->store.calls + 1;
    assert_true(kee_world_flush(f->world) < 0);
    assert_int_equal(f->notified, 1);
    assert_true(f->result < 0);
    assert_true(kee_world_flush(f->world) < 0);
}

/* Under the address sanitizer this also proves that nothing borrowed was freed. */
static void values_borrowed_in_a_crank_live_until_it_ends(void **state)
{
    struct fixture *f = *state;
    struct kee_bytes stored, first, second, key, row, found;

    commit_put(f, "a", "stored");
    flush(f);
    kee_world_begin(f->world);
    assert_int_equal(kee_world_get(f->world, B("a"), &stored), 0);
    put_new(f, "b", "first");
    assert_int_equal(kee_world_get(f->world, B("b"), &first), 0);
    put(f, "a", "changed");
    put(f, "b", "second");
    assert_int_equal(kee_world_get(f->world, B("b"), &second), 0);
    assert_int_equal(kee_world_next(f->world, B("b"), B(""), &key, &row), 0);
    assert_int_equal(kee_world_put(f->world, B("c"), stored), 0);
    delete (f, "a");
    delete (f, "b");
    assert_int_equal(kee_world_get(f->world, B("c"), &found), 0);
    assert_bytes_text(stored, "stored");
    assert_bytes_text(first, "first");
    assert_bytes_text(second, "second");
    assert_bytes_text(key, "b");
    assert_bytes_text(row, "second");
    assert_bytes_text(found, "stored");
    kee_world_commit(f->world);
    expect_walk(f, "", "c=stored ");
}

static void cold_rows_are_read_once_and_the_cache_is_bounded(void **state)
{
    enum { ROWS = 64, SIZE = 256 * 1024 };
    struct fixture *f = *state;
    char *value = malloc(SIZE + 1);
    struct kee_bytes seen;
    uint64_t gets;

    memset(value, 'x', SIZE);
    value[SIZE] = 0;
    for (int i = 0; i < ROWS; i++) {
        char key[8];
        (void)snprintf(key, sizeof key, "k%02d", i);
        commit_put(f, key, value);
        flush(f);
    }
    gets = f->store.gets;
    for (int round = 0; round < 3; round++) {
        kee_world_begin(f->world);
        assert_int_equal(kee_world_get(f->world, B("k00"), &seen), 0);
        assert_int_equal(kee_world_get(f->world, B("nothing"), &seen), KEE_STORE_ABSENT);
        kee_world_commit(f->world);
    }
    assert_int_equal(f->store.gets - gets, 2);
    /* All rows together are four times the cache: going through them again must read most again. */
    gets = f->store.gets;
    for (int i = 0; i < 2 * ROWS; i++) {
        char key[8];
        (void)snprintf(key, sizeof key, "k%02d", i % ROWS);
        kee_world_begin(f->world);
        assert_int_equal(kee_world_get(f->world, B(key), &seen), 0);
        assert_int_equal(seen.size, SIZE);
        kee_world_commit(f->world);
    }
    assert_true(f->store.gets - gets >= ROWS);
    free(value);
}

static void what_is_not_written_yet_is_never_evicted(void **state)
{
    enum { ROWS = 40, SIZE = 256 * 1024 };
    struct fixture *f = *state;
    char *value = malloc(SIZE + 1);

    memset(value, 'x', SIZE);
    value[SIZE] = 0;
    f->store.holds = true;
    for (int i = 0; i < ROWS; i++) {
        char key[8];
        (void)snprintf(key, sizeof key, "k%02d", i);
        commit_put(f, key, value);
        if (i == ROWS / 2) {
            flush(f); /* half sealed, half filling: each more than the cache holds */
        }
    }
    fault_store_finish(&f->store, 0); /* the first half is clean now, and too large to stay */
    f->store.gets = 0;
    commit_put(f, "other", "1");
    for (int i = 0; i < ROWS; i++) {
        char key[8];
        (void)snprintf(key, sizeof key, "k%02d", i);
        expect(f, key, value);
    }
    assert_in_range(f->store.gets, 1, ROWS / 2 + 1);
    free(value);
}

static void rows_out_of_bounds_are_faults(void **state)
{
    struct fixture *f = *state;
    static char key[KEE_LIMIT_KEY_BYTES + 1];
    uint8_t *large = calloc(1, KEE_LIMIT_VALUE_BYTES + 1);

    memset(key, 'k', sizeof key);
    kee_world_begin(f->world);
    assert_true(kee_world_put(f->world, B(""), B("x")) < 0);
    assert_true(kee_world_delete(f->world, B("")) < 0);
    assert_true(kee_world_put(f->world, kee_bytes_of(key, sizeof key), B("x")) < 0);
    assert_true(kee_world_put(f->world, B("k"), kee_bytes_of(large, KEE_LIMIT_VALUE_BYTES + 1)) <
                0);
    assert_int_equal(kee_world_put(f->world, kee_bytes_of(key, sizeof key - 1), B("")), 0);
    assert_int_equal(kee_world_put(f->world, B("k"), kee_bytes_of(large, KEE_LIMIT_VALUE_BYTES)),
                     0);
    kee_world_undo(f->world);
    free(large);
}

#define WITH_WORLD(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(commits_are_seen_before_they_are_written),
        WITH_WORLD(undo_restores_every_kind_of_row),
        WITH_WORLD(what_cancels_out_is_not_written),
        WITH_WORLD(a_blind_put_or_delete_is_written),
        WITH_WORLD(a_put_of_what_is_there_is_dropped),
        WITH_WORLD(reads_merge_filling_sealed_and_store),
        WITH_WORLD(next_can_leave_the_value_out),
        WITH_WORLD(borrowed_bytes_may_be_passed_back),
        WITH_WORLD(steps_over_nothing_ask_the_store_once),
        WITH_WORLD(a_batch_fills_while_another_is_written),
        WITH_WORLD(flush_does_nothing_inside_a_crank),
        WITH_WORLD(a_failed_write_ends_all_writing),
        WITH_WORLD(a_write_refused_at_once_ends_it_too),
        WITH_WORLD(values_borrowed_in_a_crank_live_until_it_ends),
        WITH_WORLD(cold_rows_are_read_once_and_the_cache_is_bounded),
        WITH_WORLD(what_is_not_written_yet_is_never_evicted),
        WITH_WORLD(rows_out_of_bounds_are_faults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
