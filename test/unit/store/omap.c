/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of store/omap.h. */
#include "cm.h"

#include <stdio.h>

#include "base/bytes.h"
#include "rng.h"
#include "store/omap.h"

enum { KEYS = 300, STEPS = 4000, SEEDS = 20, KEY_SIZE = 12 };

struct entry {
    struct kee_omap_item item;
    uint8_t key[KEY_SIZE];
    bool in;
};

/* Keys with long common beginnings, some the beginning of others, one of them empty. */
static void make_keys(struct rng *rng, struct entry *entries)
{
    for (size_t i = 0; i < KEYS; i++) {
        bool again = true;
        while (again) {
            size_t size = i == 0 ? 0 : rng_below(rng, KEY_SIZE + 1);
            for (size_t j = 0; j < size; j++) {
                static const uint8_t letters[] = {0, 1, 'a', 'a', 'b', 127, 128, 255};
                entries[i].key[j] = letters[rng_below(rng, sizeof letters)];
            }
            entries[i].item.key = kee_bytes_of(entries[i].key, size);
            entries[i].in = false;
            again = false;
            for (size_t j = 0; j < i; j++) {
                again = again || kee_bytes_equal(entries[i].item.key, entries[j].item.key);
            }
        }
    }
}

static struct entry *naive_next(struct entry *entries, struct kee_bytes after)
{
    struct entry *best = NULL;

    for (size_t i = 0; i < KEYS; i++) {
        struct entry *entry = &entries[i];
        if (entry->in && kee_bytes_compare(entry->item.key, after) > 0 &&
            (best == NULL || kee_bytes_compare(entry->item.key, best->item.key) < 0)) {
            best = entry;
        }
    }
    return best;
}

static void agrees_with_a_naive_map(void **state)
{
    static struct entry entries[KEYS];

    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct rng rng = {seed};
        struct kee_omap map = KEE_OMAP_EMPTY;
        print_message("seed %u\n", (unsigned)seed);
        make_keys(&rng, entries);
        for (size_t step = 0; step < STEPS; step++) {
            struct entry *entry = &entries[rng_below(&rng, KEYS)];
            struct entry *next = naive_next(entries, entry->item.key);
            assert_ptr_equal(kee_omap_get(&map, entry->item.key), entry->in ? &entry->item : NULL);
            assert_ptr_equal(kee_omap_next(&map, entry->item.key), next ? &next->item : NULL);
            if (entry->in) {
                kee_omap_remove(&map, &entry->item);
            } else {
                assert_int_equal(kee_omap_insert(&map, &entry->item), 0);
            }
            entry->in = !entry->in;
            if (step % 64 == 0) {
                assert_int_equal(kee_omap_audit(&map), 0);
            }
        }
        kee_omap_fini(&map);
        assert_null(kee_omap_first(&map));
    }
}

static void keys_may_end_or_hold_any_byte(void **state)
{
    static const char *const texts[] = {"", "\xff", "a", "a\x01", "ab", "b"};
    struct kee_omap_item items[6];
    struct kee_omap map = KEE_OMAP_EMPTY;
    struct kee_omap_item *at;

    assert_null(kee_omap_first(&map));
    assert_null(kee_omap_next(&map, KEE_BYTES_LIT("")));
    for (size_t i = 0; i < 6; i++) {
        items[i].key = kee_bytes_str(texts[i]);
        assert_int_equal(kee_omap_insert(&map, &items[i]), 0);
    }
    at = kee_omap_first(&map);
    for (size_t i = 0; i < 6; i++) {
        static const unsigned order[] = {0, 2, 3, 4, 5, 1};
        assert_ptr_equal(at, &items[order[i]]);
        at = kee_omap_next(&map, at->key);
    }
    assert_null(at);
    kee_omap_fini(&map);
}

static void an_item_can_take_the_place_of_another(void **state)
{
    struct kee_omap_item a = {KEE_BYTES_LIT("a")};
    struct kee_omap_item b = {KEE_BYTES_LIT("b")};
    struct kee_omap_item other = {KEE_BYTES_LIT("b")};
    struct kee_omap map = KEE_OMAP_EMPTY;

    assert_int_equal(kee_omap_insert(&map, &a), 0);
    assert_int_equal(kee_omap_insert(&map, &b), 0);
    kee_omap_replace(&map, &b, &other);
    assert_ptr_equal(kee_omap_get(&map, b.key), &other);
    assert_int_equal(map.count, 2);
    assert_int_equal(kee_omap_audit(&map), 0);
    kee_omap_fini(&map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(agrees_with_a_naive_map),
        TEST(keys_may_end_or_hold_any_byte),
        TEST(an_item_can_take_the_place_of_another),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
