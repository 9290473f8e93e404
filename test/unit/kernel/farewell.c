/* SPDX-License-Identifier: Apache-2.0 */
/* The last crank of a heap that ends in order: who gets one, what waits for it, what cuts it short. */
#include "cm.h"

#include "kernel_rig.h"

/* Two vats; the first has a kind that wants to hear of sleep. */
static void init(struct rig *rig)
{
    struct rig_delivery delivery;
    struct rig_reply reply;

    rig_init(rig);
    rig_launch(rig, "alice bob", 1);
    assert_true(rig_take(rig, 1, &delivery));
    rig_reply_begin(&reply, delivery.number, NULL);
    rig_reply_end(rig, 1, &reply, "vom.sleepers=1");
    rig_run(rig);
}

static void fini(struct rig *rig)
{
    assert_int_equal(rig_audit(rig), 0);
    rig_fini(rig);
}

static struct kee_vat_id vat(uint64_t n)
{
    return (struct kee_vat_id){n};
}

static void a_restart_waits_for_the_last_crank(void **state)
{
    struct rig rig;
    struct rig_delivery d;
    struct rig_reply reply;

    init(&rig);
    assert_int_equal(kee_kernel_restart_vat(rig.kernel, vat(1), "a test"), 0);
    assert_true(kee_kernel_is_parting(rig.kernel, vat(1)));
    assert_int_equal(kee_kernel_restart_vat(rig.kernel, vat(1), "a test"), KEE_KERNEL_STATE);
    assert_false(kee_kernel_is_idle(rig.kernel));
    rig_run(&rig);
    assert_true(rig_take(&rig, 1, &d));
    assert_int_equal(d.kind, KEE_VP_BRING_OUT_YOUR_DEAD);
    assert_true(kee_kernel_is_parting(rig.kernel, vat(1)));
    rig_reply_begin(&reply, d.number, NULL);
    rig_reply_end(&rig, 1, &reply, "told=1");
    assert_false(kee_kernel_is_parting(rig.kernel, vat(1)));
    assert_int_equal(kee_kernel_partings(rig.kernel), 0);
    rig_run(&rig);
    fini(&rig);
}

static void a_vat_without_hooks_is_restarted_at_once(void **state)
{
    struct rig rig;

    init(&rig);
    assert_int_equal(kee_kernel_restart_vat(rig.kernel, vat(2), "a test"), 0);
    assert_false(kee_kernel_is_parting(rig.kernel, vat(2)));
    fini(&rig);
}

static void closing_asks_those_that_want_it_also_while_paused(void **state)
{
    struct rig rig;
    struct rig_delivery d;
    char root[24];

    init(&rig);
    rig_root(&rig, 1, root);
    kee_kernel_pause(rig.kernel);
    assert_int_equal(kee_kernel_close(rig.kernel), 0);
    assert_int_equal(kee_kernel_partings(rig.kernel), 1);
    assert_int_equal(rig_send(&rig, root, "#[\"late\",[]]", NULL, 2), 0);
    rig_run(&rig);
    assert_false(rig_take(&rig, 2, &d));
    assert_true(rig_ok(&rig, 1));
    assert_int_equal(kee_kernel_partings(rig.kernel), 0);
    rig_run(&rig);
    assert_false(rig_take(&rig, 1, &d)); /* the message waits for the next boot */
    fini(&rig);
}

static void a_worker_that_dies_has_parted(void **state)
{
    struct rig rig;

    init(&rig);
    assert_int_equal(kee_kernel_restart_vat(rig.kernel, vat(1), "a test"), 0);
    rig_run(&rig);
    rig_worker_dies(&rig, 1);
    assert_false(kee_kernel_is_parting(rig.kernel, vat(1)));
    assert_int_equal(kee_kernel_partings(rig.kernel), 0);
    rig_run(&rig);
    fini(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_restart_waits_for_the_last_crank),
        cmocka_unit_test(a_vat_without_hooks_is_restarted_at_once),
        cmocka_unit_test(closing_asks_those_that_want_it_also_while_paused),
        cmocka_unit_test(a_worker_that_dies_has_parted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
