/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory runs out at the n-th allocation, for every n: a crank that meets it is undone without a trace,
 * a flush that meets it can be called again, a dump that meets it leaves the store empty.
 */
#include "cm.h"

#include <stdio.h>
#include <stdlib.h>

#include "alloc_fault.h"
#include "base/fault.h"
#include "dump_text.h"
#include "store/dump.h"
#include "store/world.h"

enum { ROWS = 700 }; /* more than the tables of a world hold at first */

static struct kee_bytes key_at(char room[12], size_t i)
{
    return kee_bytes_of(room, (size_t)snprintf(room, 12, "k%04zu", i));
}

static struct kee_world *world_with_rows(void)
{
    struct kee_store *store;
    struct kee_world *world;
    char room[12];

    assert_int_equal(kee_store_memory_open(&store), 0);
    assert_int_equal(kee_world_new(&world, store), 0);
    kee_world_begin(world);
    for (size_t i = 0; i < 100; i += 2) {
        assert_int_equal(kee_world_put(world, key_at(room, i), key_at(room, i)), 0);
    }
    kee_world_commit(world);
    assert_int_equal(kee_world_flush(world), 0);
    kee_world_begin(world);
    for (size_t i = 0; i < 100; i += 10) {
        assert_int_equal(kee_world_put(world, key_at(room, i), kee_bytes_str("filling")), 0);
    }
    kee_world_commit(world);
    return world;
}

/* All rows that next() gives, as text. */
static void read_all(struct kee_world *world, struct kee_buf *out)
{
    struct kee_bytes key = kee_bytes_str("");
    struct kee_bytes value;
    int r;

    kee_buf_clear(out);
    while ((r = kee_world_next(world, kee_bytes_str(""), key, &key, &value)) == 0) {
        kee_buf_put_bytes(out, key);
        kee_buf_put_char(out, '=');
        kee_buf_put_bytes(out, value);
        kee_buf_put_char(out, ' ');
    }
    assert_int_equal(r, KEE_STORE_ABSENT);
}

static int one_crank(struct kee_world *world)
{
    char room[12];
    struct kee_bytes key;
    struct kee_bytes value;
    int r = 0;

    for (size_t i = 0; i < ROWS && r >= 0; i++) {
        key = key_at(room, i);
        switch (i % 4) {
        case 0:
            r = kee_world_put(world, key, kee_bytes_str("changed"));
            break;
        case 1:
            r = i < 100 ? kee_world_get(world, key, &value)
                        : kee_world_put_new(world, key, kee_bytes_str("new"));
            break;
        case 2:
            r = kee_world_delete(world, key);
            break;
        default:
            r = kee_world_next(world, kee_bytes_str("k"), kee_bytes_str("k"), &key, &value);
        }
    }
    return r;
}

static void a_crank_is_undone_without_a_trace(void **state)
{
    struct kee_buf before = KEE_BUF_EMPTY;
    struct kee_buf after = KEE_BUF_EMPTY;
    uint64_t nth = 0;
    bool fired = true;

    while (fired) {
        struct kee_world *world = world_with_rows();
        size_t pending = kee_world_pending_bytes(world);
        int r;
        read_all(world, &before);
        kee_world_begin(world);
        alloc_fault_begin(++nth);
        r = one_crank(world);
        fired = alloc_fault_end();
        /* A table that cannot grow is no failure: its chains get longer. */
        assert_true(fired || r >= 0);
        kee_world_undo(world);
        assert_int_equal(kee_world_audit(world), 0);
        assert_int_equal(kee_world_pending_bytes(world), pending);
        read_all(world, &after);
        assert_true(kee_bytes_equal(kee_buf_bytes(&before), kee_buf_bytes(&after)));
        kee_world_free(world);
    }
    assert_true(nth > ROWS);
    kee_buf_fini(&before);
    kee_buf_fini(&after);
    kee_fault_clear();
}

static void count_notice(void *context, int r)
{
    int *last = context;

    *last = r;
}

/* A flush either leaves the batch filling, or tells that the store failed: never half of each. */
static void a_flush_is_all_or_nothing(void **state)
{
    struct kee_buf before = KEE_BUF_EMPTY;
    struct kee_buf after = KEE_BUF_EMPTY;
    uint64_t nth = 0;
    bool fired = true;

    while (fired) {
        struct kee_world *world = world_with_rows();
        uint64_t durable = kee_world_durable(world);
        int told = 1;
        int r;
        kee_world_on_durable(world, count_notice, &told);
        kee_world_begin(world);
        assert_true(one_crank(world) >= 0);
        kee_world_commit(world);
        read_all(world, &before);
        alloc_fault_begin(++nth);
        r = kee_world_flush(world);
        fired = alloc_fault_end();
        assert_int_equal(kee_world_audit(world), 0);
        assert_int_equal(kee_world_durable(world), durable + (r == 0 ? 1 : 0));
        assert_true(r == 0 || fired);
        assert_true(told == 1 ? r < 0 : told == r); /* told of its success or failure */
        if (r < 0 && told == 1) {
            assert_int_equal(kee_world_flush(world), 0); /* nothing was lost: try again */
            assert_int_equal(kee_world_durable(world), durable + 1);
        }
        read_all(world, &after);
        assert_true(kee_bytes_equal(kee_buf_bytes(&before), kee_buf_bytes(&after)));
        kee_world_free(world);
    }
    assert_true(nth > 100);
    kee_buf_fini(&before);
    kee_buf_fini(&after);
    kee_fault_clear();
}

static void a_world_is_made_or_not(void **state)
{
    uint64_t nth = 0;
    bool fired = true;

    while (fired) {
        struct kee_store *store = NULL;
        struct kee_world *world = NULL;
        int r;
        alloc_fault_begin(++nth);
        r = kee_store_memory_open(&store);
        if (r == 0) {
            r = kee_world_new(&world, store);
        }
        fired = alloc_fault_end();
        assert_int_equal(r < 0, fired);
        if (world != NULL) {
            kee_world_free(world);
        } else if (store != NULL) {
            store->ops->close(store); /* still the caller's */
        }
    }
    assert_true(nth > 2);
    kee_fault_clear();
}

static struct kee_store *store_with_rows(void)
{
    struct kee_store *store;
    struct kee_change changes[30];
    char rooms[30][12];
    int result = 1;

    assert_int_equal(kee_store_memory_open(&store), 0);
    for (size_t i = 0; i < 30; i++) {
        changes[i] = (struct kee_change){key_at(rooms[i], i), kee_bytes_str("\tvalue"), false};
    }
    assert_int_equal(store->ops->write(store, changes, 30, count_notice, &result), 0);
    assert_int_equal(result, 0);
    return store;
}

static void a_dump_is_all_or_nothing(void **state)
{
    uint64_t nth = 0;
    bool fired = true;
    struct kee_buf key = KEE_BUF_EMPTY;
    struct kee_buf why = KEE_BUF_EMPTY;

    while (fired) {
        struct kee_store *store = store_with_rows();
        struct kee_store *other;
        struct dump_text text = {KEE_BUF_EMPTY, 0};
        int told = 1;
        int r;
        assert_int_equal(kee_store_memory_open(&other), 0);
        alloc_fault_begin(++nth);
        r = kee_dump_write(store, dump_text_append, &text);
        if (r == 0) {
            r = kee_dump_read(other, dump_text_take, &text, &why, count_notice, &told);
        }
        fired = alloc_fault_end();
        assert_int_equal(r < 0, fired);
        assert_int_equal(told, r < 0 ? 1 : 0);
        assert_int_equal(other->ops->next(other, kee_bytes_str(""), &key, NULL),
                         r < 0 ? KEE_STORE_ABSENT : 0);
        store->ops->close(store);
        other->ops->close(other);
        kee_buf_fini(&text.all);
    }
    assert_true(nth > 40);
    kee_buf_fini(&key);
    kee_buf_fini(&why);
    kee_fault_clear();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_crank_is_undone_without_a_trace),
        TEST(a_flush_is_all_or_nothing),
        TEST(a_world_is_made_or_not),
        TEST(a_dump_is_all_or_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
