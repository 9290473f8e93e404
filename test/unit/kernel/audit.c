/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of kernel/audit.c, strays.c and stats.c, over stores with rows put there by the test. */
#include "cm.h"

#include <stdio.h>

#include "pair_rig.h"

static void written(void *context, int r)
{
    (void)context;
    assert_int_equal(r, 0);
}

static int put_raw(struct rig *rig, const char *key, const char *value)
{
    struct kee_change change = {.key = kee_bytes_str(key),
                                .value = kee_bytes_str(value == NULL ? "" : value),
                                .deletes = value == NULL};

    return rig->store->ops->write(rig->store, &change, 1, written, NULL);
}

/* Damage of every kind that can be mended is found by the audit, and mended; nothing is after that. */
static void what_can_be_mended_is(void **state)
{
    static const struct {
        const char *key;
        const char *value;
    } damage[] = {{"gc.v77.ko1", ""}, {"hold.ko4711", "1"}, {"pin.kp4711", ""},
                  {"awake.v77", "1"}, {"ko1.i.v2", ""},     {"ko3", "v1 9 9"},
                  {"ko3", "v1 0 0"},  {"ko2.i.v1", NULL},   {"ko3", "v1 1 2 revoked"}};

    for (size_t i = 0; i < sizeof damage / sizeof *damage; i++) {
        struct pair f;
        char it[24] = "";
        pair_init(&f);
        pair_give(&f);
        assert_int_equal(kee_kernel_list_objects(f.rig.kernel, pair_last_object, it), 0);
        assert_string_equal(it, "ko3");
        assert_int_equal(kee_world_flush(f.rig.world), 0);
        assert_int_equal(put_raw(&f.rig, damage[i].key, damage[i].value), 0);
        f.rig.options.look_only = true;
        rig_crash(&f.rig);
        assert_true(rig_audit(&f.rig) > 0);
        assert_true(rig_audit(&f.rig) > 0); /* looking changes nothing */
        assert_int_equal(kee_kernel_repair(f.rig.kernel, NULL, NULL), 0);
        assert_int_equal(rig_audit(&f.rig), 0);
        assert_int_equal(kee_world_flush(f.rig.world), 0);
        f.rig.options.look_only = false;
        rig_crash(&f.rig);
        rig_run(&f.rig);
        pair_fini(&f); /* with an audit */
    }
}

/* What only a person can judge is left as it is. */
static void what_cannot_be_mended_is_left(void **state)
{
    struct pair f;

    pair_init(&f);
    pair_give(&f);
    assert_int_equal(kee_world_flush(f.rig.world), 0);
    assert_int_equal(put_raw(&f.rig, "ko3", NULL), 0); /* v2 imports it */
    f.rig.options.look_only = true;
    rig_crash(&f.rig);
    assert_int_equal(rig_audit(&f.rig), 1);
    assert_int_equal(kee_kernel_repair(f.rig.kernel, NULL, NULL), 0);
    assert_int_equal(rig_audit(&f.rig), 1);
    rig_fini(&f.rig);
}

/* However much there is, a call looks at so many rows, and the pieces add up. */
static void counting_goes_in_pieces(void **state)
{
    enum { ROWS = 2 * KEE_STATS_ROWS_MAX + 7 };
    static char keys[ROWS][24];
    static struct kee_change changes[ROWS];
    struct kee_vat_stats stats = {0};
    struct kee_buf at = KEE_BUF_EMPTY;
    struct pair f;
    uint64_t before = 0;
    int calls = 0;

    pair_init(&f);
    assert_int_equal(kee_kernel_stats(f.rig.kernel, (struct kee_vat_id){2}, &at, &stats), 0);
    assert_int_equal(at.size, 0);
    assert_int_equal(stats.exports, 1);
    assert_int_equal(stats.rows, 0);
    for (int i = 0; i < ROWS; i++) {
        (void)snprintf(keys[i], sizeof keys[i], "v2.s.vom.o+d9/%07d", i);
        changes[i] =
            (struct kee_change){.key = kee_bytes_str(keys[i]), .value = KEE_BYTES_LIT("x")};
    }
    assert_int_equal(f.rig.store->ops->write(f.rig.store, changes, ROWS, written, NULL), 0);
    stats = (struct kee_vat_stats){0};
    do {
        assert_int_equal(kee_kernel_stats(f.rig.kernel, (struct kee_vat_id){2}, &at, &stats), 0);
        assert_true(stats.rows - before <= KEE_STATS_ROWS_MAX);
        before = stats.rows;
        assert_true(++calls < 10);
    } while (at.size > 0);
    assert_int_equal(stats.rows, ROWS);
    assert_int_equal(stats.objects, ROWS);
    assert_int_equal(stats.bytes, (uint64_t)ROWS * (strlen(keys[0]) - 5 + 1));
    assert_int_equal(stats.exports, 1);
    assert_int_equal(calls, 3);
    kee_buf_put_str(&at, "v1.s.of another vat");
    assert_int_equal(kee_kernel_stats(f.rig.kernel, (struct kee_vat_id){2}, &at, &stats),
                     KEE_KERNEL_BAD);
    kee_buf_fini(&at);
    pair_fini(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_can_be_mended_is),
        cmocka_unit_test(what_cannot_be_mended_is_left),
        cmocka_unit_test(counting_goes_in_pieces),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
