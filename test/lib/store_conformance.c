/* SPDX-License-Identifier: Apache-2.0 */
#include "store_conformance.h"

#include "cm.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "rng.h"

static void take_result(void *context, int r)
{
    int *result = context;

    assert_int_equal(*result, 1); /* once */
    *result = r;
}

void conformance_write(struct conformance *c, const struct kee_change *changes, size_t count)
{
    int result = 1;

    assert_int_equal(c->store->ops->write(c->store, changes, count, take_result, &result), 0);
    c->settle(c->store);
    assert_int_equal(result, 0);
}

void conformance_put(struct conformance *c, const char *key, const char *value)
{
    struct kee_change change = {kee_bytes_str(key), kee_bytes_str(value), false};

    conformance_write(c, &change, 1);
}

void conformance_expect(struct conformance *c, const char *key, const char *value)
{
    struct kee_buf seen = KEE_BUF_EMPTY;
    int r = c->store->ops->get(c->store, kee_bytes_str(key), &seen);

    assert_int_equal(r, value == NULL ? KEE_STORE_ABSENT : 0);
    if (value != NULL) {
        assert_bytes_text(seen, value);
    }
    kee_buf_fini(&seen);
}

void conformance_rows_come_back(struct conformance *c)
{
    struct kee_change changes[] = {
        {kee_bytes_str("a"), kee_bytes_str("3"), false},
        {kee_bytes_str("b"), kee_bytes_of(NULL, 0), true},
        {kee_bytes_str("c"), kee_bytes_str("4"), false},
        {kee_bytes_str("nothing"), kee_bytes_of(NULL, 0), true},
    };

    conformance_expect(c, "a", NULL);
    conformance_put(c, "a", "1");
    conformance_put(c, "b", "2");
    conformance_expect(c, "a", "1");
    conformance_write(c, changes, 4);
    conformance_expect(c, "a", "3");
    conformance_expect(c, "b", NULL);
    conformance_expect(c, "c", "4");
    conformance_write(c, NULL, 0);
    conformance_expect(c, "c", "4");
}

void conformance_any_byte_and_size(struct conformance *c)
{
    uint8_t *value = malloc(KEE_LIMIT_VALUE_BYTES);
    uint8_t *key = malloc(KEE_LIMIT_KEY_BYTES);
    struct kee_buf seen = KEE_BUF_EMPTY;
    struct kee_change changes[3];

    for (size_t i = 0; i < KEE_LIMIT_VALUE_BYTES; i++) {
        value[i] = (uint8_t)(i * 7 + i / 251);
    }
    memset(key, 0xff, KEE_LIMIT_KEY_BYTES);
    changes[0] = (struct kee_change){kee_bytes_of("\0", 1), kee_bytes_of("\0\xff\0", 3), false};
    changes[1] = (struct kee_change){kee_bytes_of("\0\0", 2), kee_bytes_of(NULL, 0), false};
    changes[2] = (struct kee_change){kee_bytes_of(key, KEE_LIMIT_KEY_BYTES),
                                     kee_bytes_of(value, KEE_LIMIT_VALUE_BYTES), false};
    conformance_write(c, changes, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(c->store->ops->get(c->store, changes[i].key, &seen), 0);
        assert_true(kee_bytes_equal(kee_buf_bytes(&seen), changes[i].value));
    }
    kee_buf_fini(&seen);
    free(value);
    free(key);
}

void conformance_walks(struct conformance *c)
{
    struct kee_buf key = KEE_BUF_EMPTY;
    struct kee_buf value = KEE_BUF_EMPTY;
    const struct kee_store_ops *ops = c->store->ops;

    assert_int_equal(ops->next(c->store, kee_bytes_str(""), &key, &value), KEE_STORE_ABSENT);
    conformance_put(c, "a", "1");
    conformance_put(c, "ab", "2");
    conformance_put(c, "b", "3");
    assert_int_equal(ops->next(c->store, kee_bytes_str(""), &key, &value), 0);
    assert_bytes_text(key, "a");
    assert_bytes_text(value, "1");
    assert_int_equal(ops->next(c->store, kee_buf_bytes(&key), &key, NULL), 0);
    assert_bytes_text(key, "ab");
    /* A row written behind the place of the walk is found by the next step. */
    conformance_put(c, "aa", "late");
    conformance_put(c, "ac", "late");
    assert_int_equal(ops->next(c->store, kee_bytes_str("ab"), &key, &value), 0);
    assert_bytes_text(key, "ac");
    assert_bytes_text(value, "late");
    assert_int_equal(ops->next(c->store, kee_bytes_str("ac"), &key, &value), 0);
    assert_bytes_text(key, "b");
    assert_int_equal(ops->next(c->store, kee_bytes_str("b"), &key, &value), KEE_STORE_ABSENT);
    assert_int_equal(ops->next(c->store, kee_bytes_str("b"), &key, &value), KEE_STORE_ABSENT);
    kee_buf_fini(&key);
    kee_buf_fini(&value);
}

void conformance_stages(struct conformance *c)
{
    struct kee_change first[] = {{kee_bytes_str("a"), kee_bytes_str("2"), false},
                                 {kee_bytes_str("b"), kee_bytes_of(NULL, 0), true}};
    struct kee_change second = {kee_bytes_str("c"), kee_bytes_str("3"), false};
    struct kee_change last = {kee_bytes_str("d"), kee_bytes_str("4"), false};

    conformance_put(c, "a", "1");
    conformance_put(c, "b", "1");
    for (int round = 0; round < 2; round++) {
        assert_int_equal(c->store->ops->stage(c->store, first, 2), 0);
        assert_int_equal(c->store->ops->stage(c->store, &second, 1), 0);
        conformance_expect(c, "a", "1");
        conformance_expect(c, "b", "1");
        conformance_expect(c, "c", NULL);
        if (round == 0) {
            c->store->ops->unstage(c->store);
            conformance_write(c, NULL, 0);
            conformance_expect(c, "a", "1");
            conformance_expect(c, "c", NULL);
        }
    }
    conformance_write(c, &last, 1);
    conformance_expect(c, "a", "2");
    conformance_expect(c, "b", NULL);
    conformance_expect(c, "c", "3");
    conformance_expect(c, "d", "4");
}

enum { KEYS = 80, BATCHES = 40, VALUE_WORDS = 100 };

/* Key i as text; ordered as i is. */
static struct kee_bytes key_at(char room[8], size_t i)
{
    return kee_bytes_of(room, (size_t)snprintf(room, 8, "k%03zu", i));
}

/* What the number n (not 0) stands for: 8 bytes, or more than any store keeps beside its keys. */
static struct kee_bytes value_at(uint64_t room[VALUE_WORDS], uint64_t n)
{
    for (size_t i = 0; i < VALUE_WORDS; i++) {
        room[i] = n + i;
    }
    return kee_bytes_of(room, n % 4 == 1 ? sizeof(uint64_t) * VALUE_WORDS : sizeof(uint64_t));
}

static void expect_all(struct conformance *c, const uint64_t *model)
{
    struct kee_buf key = KEE_BUF_EMPTY;
    struct kee_buf value = KEE_BUF_EMPTY;
    uint64_t words[VALUE_WORDS];
    char room[8];

    for (size_t i = 0; i < KEYS; i++) {
        int r = c->store->ops->get(c->store, key_at(room, i), &value);
        assert_int_equal(r, model[i] == 0 ? KEE_STORE_ABSENT : 0);
        assert_true(r != 0 || kee_bytes_equal(kee_buf_bytes(&value), value_at(words, model[i])));
    }
    for (size_t i = 0; i <= KEYS; i++) {
        bool ends = i == KEYS;
        if (!ends && model[i] == 0) {
            continue;
        }
        assert_int_equal(c->store->ops->next(c->store, kee_buf_bytes(&key), &key, &value),
                         ends ? KEE_STORE_ABSENT : 0);
        assert_true(ends || kee_bytes_equal(kee_buf_bytes(&key), key_at(room, i)));
        assert_true(ends || kee_bytes_equal(kee_buf_bytes(&value), value_at(words, model[i])));
    }
    kee_buf_fini(&key);
    kee_buf_fini(&value);
}

void conformance_random(struct conformance *c, uint64_t seed)
{
    struct rng rng = {seed};
    uint64_t before[KEYS] = {0};
    uint64_t after[KEYS] = {0};
    char rooms[KEYS][8];
    static uint64_t words[KEYS][VALUE_WORDS];
    struct kee_buf value = KEE_BUF_EMPTY;

    print_message("seed %u\n", (unsigned)seed);
    for (size_t batch = 0; batch < BATCHES; batch++) {
        struct kee_change changes[KEYS];
        size_t count = 0;
        int result = 1;
        for (size_t i = 0; i < KEYS; i++) {
            if (rng_below(&rng, 4) == 0) {
                bool deletes = rng_below(&rng, 3) == 0;
                after[i] = deletes ? 0 : rng_next(&rng) | 1;
                changes[count++] = (struct kee_change){
                    key_at(rooms[i], i),
                    deletes ? kee_bytes_of(NULL, 0) : value_at(words[i], after[i]), deletes};
            }
        }
        assert_int_equal(c->store->ops->write(c->store, changes, count, take_result, &result), 0);
        /* While the write is under way a read sees the row as before or as after. */
        for (size_t i = 0; i < KEYS; i += 7) {
            char room[8];
            int r = c->store->ops->get(c->store, key_at(room, i), &value);
            uint64_t seen = 0;
            assert_true(r >= 0);
            if (r == 0) {
                memcpy(&seen, value.data, sizeof seen);
            }
            assert_true(seen == before[i] || seen == after[i]);
        }
        c->settle(c->store);
        assert_int_equal(result, 0);
        memcpy(before, after, sizeof before);
        expect_all(c, after);
    }
    kee_buf_fini(&value);
}
