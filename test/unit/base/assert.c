/* SPDX-License-Identifier: Apache-2.0 */
/* Death tests: an assertion of base ends the process before anything else happens. */
#include "cm.h"

#include "base/assert.h"
#include "base/ids.h"
#include "base/map.h"
#include "death.h"

static void fail_plainly(void)
{
    kee_assert(1 + 1 == 3);
}

static void pass_plainly(void)
{
    kee_assert(1 + 1 == 2);
}

static void put_no_kref(void)
{
    struct kee_buf buf = KEE_BUF_EMPTY;

    kee_buf_put_kref(&buf, KEE_KREF_NONE);
    kee_buf_fini(&buf);
}

static void map_key_zero(void)
{
    struct kee_map map = KEE_MAP_EMPTY;
    int thing = 0;

    (void)kee_map_put(&map, 0, &thing);
}

static void map_no_value(void)
{
    struct kee_map map = KEE_MAP_EMPTY;

    (void)kee_map_put(&map, 1, NULL);
}

static void a_false_condition_ends_the_process_and_is_named(void **state)
{
    assert_true(death_says(fail_plainly, "1 + 1 == 3"));
    assert_true(death_says(fail_plainly, "assert.c"));
}

static void a_true_condition_goes_on(void **state)
{
    assert_false(death_says(pass_plainly, ""));
}

static void misuse_is_an_assertion(void **state)
{
    assert_true(death_says(put_no_kref, "kee_kref_is_none"));
    assert_true(death_says(map_key_zero, "key != 0"));
    assert_true(death_says(map_no_value, "value != NULL"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_false_condition_ends_the_process_and_is_named),
        TEST(a_true_condition_goes_on),
        TEST(misuse_is_an_assertion),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
