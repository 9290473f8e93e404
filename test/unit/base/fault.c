/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of base/fault.h. */
#include "cm.h"

#include "base/fault.h"

static void context_is_joined_innermost_first(void **state)
{
    kee_fault_clear();
    assert_string_equal(kee_fault_text(), "no fault");
    assert_int_equal(kee_fault(KEE_FAULT_STORE, "row %d", 7), KEE_FAULT_STORE);
    assert_int_equal(kee_fault(KEE_FAULT_STORE, "send from v%u", 2u), KEE_FAULT_STORE);
    assert_string_equal(kee_fault_text(), "row 7; in send from v2");
    kee_fault_clear();
    assert_string_equal(kee_fault_text(), "no fault");
}

static void want_of_memory_says_so(void **state)
{
    kee_fault_clear();
    assert_int_equal(kee_fault(KEE_FAULT_MEMORY, "a %s", "row"), KEE_FAULT_MEMORY);
    assert_int_equal(kee_fault(KEE_FAULT_MEMORY, "a send"), KEE_FAULT_MEMORY);
    assert_string_equal(kee_fault_text(), "out of memory: a row; in a send");
    kee_fault_clear();
}

static void endless_context_stays_in_its_bounds(void **state)
{
    char line[200];

    memset(line, 'x', sizeof line - 1);
    line[sizeof line - 1] = 0;
    kee_fault_clear();
    for (int i = 0; i < 1000; i++) {
        (void)kee_fault(KEE_FAULT_SYSTEM, "%s", line);
    }
    assert_true(strlen(kee_fault_text()) < 512);
    assert_memory_equal(kee_fault_text(), "xxxx", 4);
    kee_fault_clear();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(context_is_joined_innermost_first),
        TEST(want_of_memory_says_so),
        TEST(endless_context_stays_in_its_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
