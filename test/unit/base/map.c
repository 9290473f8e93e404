/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of base/map.h: against a plain array, through growth and long runs of removals. */
#include "cm.h"

#include <stdbool.h>

#include "base/map.h"

enum { KEYS = 700 };

static uint64_t next_random(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return *seed >> 33;
}

static void an_empty_map_holds_nothing(void **state)
{
    struct kee_map map = KEE_MAP_EMPTY;
    size_t at = 0;

    assert_null(kee_map_get(&map, 1));
    assert_null(kee_map_remove(&map, 1));
    assert_null(kee_map_next(&map, &at));
    kee_map_fini(&map);
}

static void put_replaces(void **state)
{
    struct kee_map map = KEE_MAP_EMPTY;
    int one, two;

    assert_int_equal(kee_map_put(&map, UINT64_MAX, &one), 0);
    assert_int_equal(kee_map_put(&map, UINT64_MAX, &two), 0);
    assert_int_equal(map.count, 1);
    assert_ptr_equal(kee_map_get(&map, UINT64_MAX), &two);
    assert_ptr_equal(kee_map_remove(&map, UINT64_MAX), &two);
    assert_int_equal(map.count, 0);
    kee_map_fini(&map);
}

/* Keys that share a home cell and wrap round the end come from multiples of a large power of two. */
static uint64_t key_of(size_t i)
{
    return i % 3 == 0 ? ((uint64_t)i + 1) << 40 : (uint64_t)i + 1;
}

static void check_whole(const struct kee_map *map, const bool *present, char *things)
{
    size_t expected = 0, seen = 0, at = 0;
    char *thing;

    for (size_t i = 0; i < KEYS; i++) {
        assert_ptr_equal(kee_map_get(map, key_of(i)), present[i] ? &things[i] : NULL);
        expected += present[i];
    }
    assert_int_equal(map->count, expected);
    while ((thing = kee_map_next(map, &at)) != NULL) {
        assert_true(thing >= things && thing < things + KEYS && present[thing - things]);
        seen++;
    }
    assert_int_equal(seen, expected);
}

static void random_puts_and_removals_agree_with_an_array(void **state)
{
    struct kee_map map = KEE_MAP_EMPTY;
    static bool present[KEYS];
    static char things[KEYS];
    uint64_t seed = 1;

    for (int round = 0; round < 40000; round++) {
        size_t i = next_random(&seed) % KEYS;
        /* Alternate between filling and draining, so that both growth and long shifts happen. */
        bool put = next_random(&seed) % 100 < ((round / 2000) % 2 == 0 ? 80u : 20u);
        if (put) {
            assert_int_equal(kee_map_put(&map, key_of(i), &things[i]), 0);
        } else {
            assert_ptr_equal(kee_map_remove(&map, key_of(i)), present[i] ? &things[i] : NULL);
        }
        present[i] = put;
        if (round % 500 == 0) {
            check_whole(&map, present, things);
        }
    }
    check_whole(&map, present, things);
    kee_map_fini(&map);
}

static void what_is_reserved_is_there(void **state)
{
    struct kee_map map = KEE_MAP_EMPTY;
    char thing = 0;

    (void)state;
    for (size_t more = 1; more <= KEYS; more += 7) {
        const struct kee_map_cell *cells;

        assert_int_equal(kee_map_put(&map, UINT64_MAX, &thing), 0);
        assert_int_equal(kee_map_reserve(&map, more), 0);
        cells = map.cells;
        for (size_t i = 0; i < more; i++) {
            assert_int_equal(kee_map_put(&map, i + 1, &thing), 0);
        }
        assert_ptr_equal(map.cells, cells); /* it did not grow */
        assert_true(map.count < map.room);
        kee_map_fini(&map);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_empty_map_holds_nothing),
        TEST(put_replaces),
        TEST(what_is_reserved_is_there),
        TEST(random_puts_and_removals_agree_with_an_array),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
