/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of kernel/marks.h: against a plain table, over two spaces that share one list of what is gray. */
#include "cm.h"

#include <stdlib.h>

#include "kernel/marks.h"

enum { NUMBERS = 3000, SPACES = 2 };

static uint64_t next_random(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return *seed >> 33;
}

struct fixture {
    struct kee_link gray;
    struct kee_marks spaces[SPACES];
};

static void fixture_init(struct fixture *f)
{
    kee_list_init(&f->gray);
    for (size_t i = 0; i < SPACES; i++) {
        kee_marks_init(&f->spaces[i], &f->gray);
    }
}

static void fixture_fini(struct fixture *f)
{
    for (size_t i = 0; i < SPACES; i++) {
        kee_marks_fini(&f->spaces[i]);
    }
    assert_true(kee_list_is_empty(&f->gray));
}

static void each_number_turns_gray_and_black_once(void **state)
{
    static bool marked[SPACES][NUMBERS], taken[SPACES][NUMBERS];
    struct fixture f;
    struct kee_marks *marks;
    uint64_t n, seed = 1, count[SPACES] = {0};

    fixture_init(&f);
    for (uint32_t i = 0; i < 20000; i++) {
        size_t space = next_random(&seed) % SPACES;
        if (next_random(&seed) % 2 == 0) {
            n = next_random(&seed) % NUMBERS;
            count[space] += !marked[space][n];
            marked[space][n] = true;
            assert_int_equal(kee_marks_mark(&f.spaces[space], n), 0);
            assert_true(kee_marks_has_room(&f.spaces[space], n));
        } else if (kee_marks_take_gray(&f.gray, &marks, &n)) {
            space = (size_t)(marks - f.spaces);
            assert_true(marked[space][n] && !taken[space][n]);
            taken[space][n] = true;
        }
    }
    while (kee_marks_take_gray(&f.gray, &marks, &n)) {
        assert_false(taken[marks - f.spaces][n]);
        taken[marks - f.spaces][n] = true;
    }
    for (size_t space = 0; space < SPACES; space++) {
        assert_int_equal(f.spaces[space].marked, count[space]);
        for (n = 0; n < NUMBERS; n++) {
            assert_int_equal(kee_marks_is_marked(&f.spaces[space], n), marked[space][n]);
            assert_int_equal(taken[space][n], marked[space][n]);
        }
    }
    fixture_fini(&f);
}

static void only_white_numbers_are_listed_and_once(void **state)
{
    struct fixture f;
    struct kee_marks *marks;
    uint64_t n;

    fixture_init(&f);
    assert_int_equal(kee_marks_mark(&f.spaces[0], 5), 0);
    assert_int_equal(kee_marks_list(&f.spaces[0], 5), 0);
    assert_int_equal(kee_marks_list(&f.spaces[0], 6), 1);
    assert_int_equal(kee_marks_list(&f.spaces[0], 6), 0);
    assert_false(kee_marks_is_marked(&f.spaces[0], 6));
    assert_false(kee_marks_has_room(&f.spaces[0], (uint64_t)1 << 60));
    assert_int_equal(kee_marks_list(&f.spaces[0], (uint64_t)1 << 60), 1);
    assert_true(kee_marks_take_gray(&f.gray, &marks, &n) && n == 5);
    assert_int_equal(kee_marks_list(&f.spaces[0], 5), 0);
    assert_false(kee_marks_take_gray(&f.gray, &marks, &n));
    fixture_fini(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_number_turns_gray_and_black_once),
        cmocka_unit_test(only_white_numbers_are_listed_and_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
