/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of the store in memory. */
#include "cm.h"

#include "store_conformance.h"

static void settle(struct kee_store *store)
{
}

static int setup(void **state)
{
    static struct conformance c;

    assert_int_equal(kee_store_memory_open(&c.store), 0);
    c.settle = settle;
    *state = &c;
    return 0;
}

static int teardown(void **state)
{
    struct conformance *c = *state;

    c->store->ops->close(c->store);
    return 0;
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
    for (uint64_t seed = 1; seed <= 20; seed++) {
        conformance_random(*state, seed);
        (void)teardown(state);
        (void)setup(state);
    }
}

#define WITH_STORE(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STORE(rows_come_back), WITH_STORE(any_byte_and_size),   WITH_STORE(walks),
        WITH_STORE(stages),         WITH_STORE(agrees_with_a_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
