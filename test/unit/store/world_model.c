/* SPDX-License-Identifier: Apache-2.0 */
/* The world against a model: random cranks, flushes at any point, writes that end later. */
#include "cm.h"

#include <stdio.h>

#include "base/fault.h"
#include "fault_store.h"
#include "rng.h"
#include "store/world.h"

enum { KEYS = 48, STEPS = 6000, SEEDS = 30, BORROWS = 32 };

/* A state of the whole map: 0 is absent, else what the row holds. */
struct rows {
    uint64_t at[KEYS];
};

struct borrow {
    struct kee_bytes bytes;
    uint64_t number;
};

struct model {
    struct rng rng;
    struct fault_store store;
    struct kee_world *world;
    struct rows now;       /* with the crank under way */
    struct rows committed; /* without it */
    struct rows sealed;    /* with the batch being written */
    struct rows stored;
    bool in_crank;
    bool may_write; /* something was committed since the last seal */
    struct borrow borrows[BORROWS];
    size_t borrow_count;
};

/* Names that are beginnings of others, in ascending order of i. */
static struct kee_bytes key_at(char room[16], size_t i)
{
    static const char *const endings[] = {"", ".a", ".b", "0"};
    int size = snprintf(room, 16, "v%02zu%s", i / 4, endings[i % 4]);

    return kee_bytes_of(room, (size_t)size);
}

static void borrow(struct model *m, struct kee_bytes bytes, uint64_t number)
{
    if (m->in_crank && m->borrow_count < BORROWS) {
        m->borrows[m->borrow_count++] = (struct borrow){bytes, number};
    }
}

static void check_borrows(struct model *m)
{
    for (size_t i = 0; i < m->borrow_count; i++) {
        assert_true(kee_bytes_equal(m->borrows[i].bytes, kee_bytes_of(&m->borrows[i].number, 8)));
    }
    m->borrow_count = 0;
}

static void change(struct model *m, size_t i)
{
    char room[16];
    struct kee_bytes key = key_at(room, i);
    /* Few different values, so that a row often comes back to what it was. */
    uint64_t number = 1 + rng_below(&m->rng, 3);
    struct kee_bytes value = kee_bytes_of(&number, 8);

    if (rng_below(&m->rng, 3) == 0) {
        assert_int_equal(kee_world_delete(m->world, key), 0);
        number = 0;
    } else if (m->now.at[i] == 0 && m->sealed.at[i] == 0 && m->committed.at[i] == 0 &&
               m->stored.at[i] == 0) {
        assert_int_equal(kee_world_put_new(m->world, key, value), 0);
    } else {
        assert_int_equal(kee_world_put(m->world, key, value), 0);
    }
    m->now.at[i] = number;
}

static void check_get(struct model *m, size_t i)
{
    char room[16];
    struct kee_bytes value;
    int r = kee_world_get(m->world, key_at(room, i), &value);

    assert_int_equal(r, m->now.at[i] == 0 ? KEE_STORE_ABSENT : 0);
    if (r == 0) {
        assert_true(kee_bytes_equal(value, kee_bytes_of(&m->now.at[i], 8)));
        borrow(m, value, m->now.at[i]);
    }
}

/* From a random key on, through the rest of the map or of a prefix. */
static void check_walk(struct model *m)
{
    char room[16];
    char prefix_room[16];
    struct kee_bytes prefix = kee_bytes_str("");
    struct kee_bytes key;
    struct kee_bytes value;
    size_t i = rng_below(&m->rng, KEYS);

    if (rng_below(&m->rng, 2) == 0) {
        prefix = key_at(prefix_room, rng_below(&m->rng, KEYS));
    }
    key = key_at(room, i);
    for (;;) {
        char other[16];
        int r = kee_world_next(m->world, prefix, key, &key, &value);
        for (i++; i < KEYS; i++) {
            if (m->now.at[i] != 0 && kee_bytes_has_prefix(key_at(other, i), prefix)) {
                break;
            }
        }
        assert_int_equal(r, i < KEYS ? 0 : KEE_STORE_ABSENT);
        if (r != 0) {
            return;
        }
        assert_true(kee_bytes_equal(key, key_at(other, i)));
        assert_true(kee_bytes_equal(value, kee_bytes_of(&m->now.at[i], 8)));
    }
}

static void check_store(struct model *m)
{
    struct kee_buf value = KEE_BUF_EMPTY;
    char room[16];

    for (size_t i = 0; i < KEYS; i++) {
        int r = m->store.inner->ops->get(m->store.inner, key_at(room, i), &value);
        assert_int_equal(r, m->stored.at[i] == 0 ? KEE_STORE_ABSENT : 0);
        assert_true(r != 0 ||
                    kee_bytes_equal(kee_buf_bytes(&value), kee_bytes_of(&m->stored.at[i], 8)));
    }
    kee_buf_fini(&value);
}

static void end_crank(struct model *m, bool commits)
{
    check_borrows(m);
    if (commits) {
        kee_world_commit(m->world);
        m->committed = m->now;
        m->may_write = true;
    } else {
        kee_world_undo(m->world);
        m->now = m->committed;
    }
    m->in_crank = false;
}

static void flush(struct model *m)
{
    bool seals = !m->in_crank && m->may_write && !m->store.writing;
    uint64_t writes = m->store.writes;
    uint64_t filling = kee_world_filling(m->world);

    assert_int_equal(kee_world_flush(m->world), 0);
    assert_int_equal(kee_world_filling(m->world), filling + (seals ? 1 : 0));
    if (!seals) {
        assert_int_equal(m->store.writes, writes);
        return;
    }
    m->may_write = false;
    m->sealed = m->committed;
    if (m->store.writes == writes) {
        /* Nothing was written: then there was nothing to write. */
        assert_memory_equal(&m->sealed, &m->stored, sizeof m->stored);
        assert_int_equal(kee_world_durable(m->world), filling);
    }
}

static void finish(struct model *m)
{
    if (m->store.writing) {
        fault_store_finish(&m->store, 0);
        m->stored = m->sealed;
        check_store(m);
        assert_true(kee_world_durable(m->world) + 1 == kee_world_filling(m->world));
    }
}

static void take_step(struct model *m)
{
    switch (rng_below(&m->rng, 16)) {
    case 0:
    case 1:
        if (!m->in_crank) {
            kee_world_begin(m->world);
            m->in_crank = true;
        } else {
            end_crank(m, rng_below(&m->rng, 3) != 0);
        }
        break;
    case 2:
        check_walk(m);
        break;
    case 3:
        flush(m);
        break;
    case 4:
        finish(m);
        break;
    case 5:
    case 6:
    case 7:
    case 8:
        check_get(m, rng_below(&m->rng, KEYS));
        break;
    default:
        if (m->in_crank) {
            change(m, rng_below(&m->rng, KEYS));
        }
    }
}

static void agrees_with_a_model(void **state)
{
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct model m = {.rng = {seed}};
        print_message("seed %u\n", (unsigned)seed);
        fault_store_init(&m.store);
        m.store.holds = true;
        assert_int_equal(kee_world_new(&m.world, &m.store.store), 0);
        kee_world_seed(m.world, seed);
        for (size_t step = 0; step < STEPS; step++) {
            take_step(&m);
            assert_int_equal(kee_world_audit(m.world), 0);
        }
        if (m.in_crank) {
            end_crank(&m, true);
        }
        finish(&m);
        flush(&m);
        finish(&m);
        assert_memory_equal(&m.stored, &m.committed, sizeof m.stored);
        assert_int_equal(kee_world_pending_bytes(m.world), 0);
        kee_world_free(m.world);
    }
}

/* A store call that fails fails one operation; undone, the crank has left no trace. */
static void each_store_call_may_fail(void **state)
{
    for (uint64_t nth = 1, fired = true; fired; nth++) {
        struct model m = {.rng = {5}};
        struct kee_bytes key;
        struct kee_bytes value;
        char room[16];
        int r = 0;
        fault_store_init(&m.store);
        assert_int_equal(kee_world_new(&m.world, &m.store.store), 0);
        kee_world_begin(m.world);
        for (size_t i = 0; i < KEYS; i += 2) {
            m.now.at[i] = i + 1;
            assert_int_equal(kee_world_put(m.world, key_at(room, i), kee_bytes_of(&m.now.at[i], 8)),
                             0);
        }
        kee_world_commit(m.world);
        assert_int_equal(kee_world_flush(m.world), 0);
        m.store.fail_at = m.store.calls + nth;
        kee_world_begin(m.world);
        for (size_t i = 0; i < KEYS && r >= 0; i++) {
            r = kee_world_delete(m.world, key_at(room, i));
            if (r >= 0) {
                r = kee_world_get(m.world, key_at(room, KEYS - 1 - i), &value);
            }
            if (r >= 0) {
                r = kee_world_next(m.world, kee_bytes_str("v"), kee_bytes_str(""), &key, &value);
            }
        }
        fired = r < 0;
        kee_world_undo(m.world);
        m.store.fail_at = 0;
        assert_int_equal(kee_world_audit(m.world), 0);
        assert_int_equal(kee_world_pending_bytes(m.world), 0);
        for (size_t i = 0; i < KEYS; i++) {
            check_get(&m, i);
        }
        check_walk(&m);
        kee_world_free(m.world);
        assert_true(nth > 10 || fired);
    }
    kee_fault_clear();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(agrees_with_a_model),
        TEST(each_store_call_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
