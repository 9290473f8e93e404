/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of what a host relies on: holds of the console, the time of calls, words about garbage. */
#include "cm.h"

#include "kernel_rig.h"

/* Two vats launched, bootstrap answered with nothing. */
static void begin(struct rig *rig)
{
    rig_init(rig);
    rig_launch(rig, "alice bob", 0);
    assert_true(rig_ok(rig, 1));
    rig_run(rig);
}

static void end(struct rig *rig)
{
    assert_int_equal(rig_audit(rig), 0);
    rig_fini(rig);
}

/* v1 answers a call with an object of its own; gives the kref. */
static struct kee_kref answer_with(struct rig *rig, const char *vref, uint64_t call)
{
    struct rig_delivery d;
    struct rig_reply reply;
    struct kee_kref kref;
    char root[24], result[40];

    rig_root(rig, 1, root);
    assert_int_equal(rig_send(rig, root, "#[\"make\",[]]", NULL, call), 0);
    rig_run(rig);
    assert_true(rig_take(rig, 1, &d));
    rig_text(d.result, result);
    rig_reply_begin(&reply, d.number, NULL);
    rig_reply_resolve(&reply, result, false, "#\"$0\"", vref);
    rig_reply_end(rig, 1, &reply, NULL);
    rig_run(rig);
    assert_non_null(rig_answer(rig, call));
    assert_true(kee_kref_parse(kee_bytes_str(rig_answer(rig, call)->slots), &kref));
    return kref;
}

static void refuse(struct rig *rig, uint8_t kind)
{
    struct rig_delivery d;
    struct rig_reply reply;

    assert_true(rig_take(rig, 1, &d));
    if (d.kind == 0) { /* a new incarnation starts first */
        rig_reply_begin(&reply, d.number, NULL);
        rig_reply_end(rig, 1, &reply, NULL);
        rig_run(rig);
        assert_true(rig_take(rig, 1, &d));
    }
    assert_int_equal(d.kind, kind);
    rig_reply_begin(&reply, d.number, "not now");
    rig_reply_end(rig, 1, &reply, NULL);
    rig_run(rig);
}

static void an_answer_is_held_until_it_is_dropped(void **state)
{
    struct rig rig;
    struct kee_kref kref;

    (void)state;
    begin(&rig);
    kref = answer_with(&rig, "o+d10/1", 2);
    assert_false(rig_ok(&rig, 1));
    assert_int_equal(rig_order(&rig, kee_kernel_hold, kref), 0); /* once more is still once */
    assert_int_equal(rig_order(&rig, kee_kernel_drop, kref), 0);
    assert_int_equal(rig_order(&rig, kee_kernel_drop, kref), 0);
    rig_run(&rig);
    assert_int_equal(rig_order(&rig, kee_kernel_hold, kref), KEE_KERNEL_STATE);
    assert_true(rig_ok(&rig, 1)); /* dropExports */
    rig_run(&rig);
    assert_true(rig_ok(&rig, 1)); /* retireExports */
    rig_run(&rig);
    assert_int_equal(rig_order(&rig, kee_kernel_hold, kref), KEE_KERNEL_NO_SUCH);
    end(&rig);
}

/* What an answer names that has not been let out is not let go of by a drop that could not know. */
static void a_drop_does_not_cross_an_answer(void **state)
{
    struct rig rig;
    struct rig_delivery d;
    struct rig_reply reply;
    struct kee_kref kref;
    char root[24], result[40];

    (void)state;
    begin(&rig);
    kref = answer_with(&rig, "o+d10/1", 2);
    rig_root(&rig, 1, root);
    assert_int_equal(rig_send(&rig, root, "#[\"again\",[]]", NULL, 3), 0);
    rig_run(&rig);
    assert_true(rig_take(&rig, 1, &d));
    rig_text(d.result, result);
    rig_reply_begin(&reply, d.number, NULL);
    rig_reply_resolve(&reply, result, false, "#\"$0\"", "o+d10/1");
    rig_reply_end(&rig, 1, &reply, NULL);
    assert_null(rig_answer(&rig, 3)); /* committed, not yet durable */
    assert_int_equal(rig_order(&rig, kee_kernel_drop, kref), 0);
    rig_run(&rig);
    assert_non_null(rig_answer(&rig, 3));
    assert_false(rig_ok(&rig, 1)); /* nothing about garbage: it is held */
    assert_int_equal(rig_order(&rig, kee_kernel_drop, kref), 0);
    rig_run(&rig);
    assert_true(rig_ok(&rig, 1)); /* dropExports */
    rig_run(&rig);
    end(&rig);
}

/* The vat may let go of a dropped export in the very crank that tells of it, or export it anew. */
static void a_dropped_export_is_the_vats_at_once(void **state)
{
    struct rig rig;
    struct rig_delivery d;
    struct rig_reply reply;
    struct kee_kref kref;

    (void)state;
    begin(&rig);
    kref = answer_with(&rig, "o+d10/1", 2);
    assert_int_equal(rig_order(&rig, kee_kernel_drop, kref), 0);
    rig_run(&rig);
    assert_true(rig_take(&rig, 1, &d));
    assert_int_equal(d.kind, KEE_VP_DROP_EXPORTS);
    rig_reply_begin(&reply, d.number, NULL);
    rig_reply_send(&reply, "o-50", "#[\"take\",[\"$0\"]]", "o+d10/1", NULL);
    rig_reply_end(&rig, 1, &reply, NULL);
    rig_run(&rig);
    assert_int_equal(rig_audit(&rig), 0);
    assert_true(rig_take(&rig, 2, &d)); /* and there it is */
    rig_reply_begin(&reply, d.number, NULL);
    rig_reply_names(&reply, KEE_VP_CALL_DROP_IMPORTS, "o-50");
    rig_reply_names(&reply, KEE_VP_CALL_RETIRE_IMPORTS, "o-50");
    rig_reply_end(&rig, 2, &reply, NULL);
    rig_run(&rig);
    assert_true(rig_take(&rig, 1, &d));
    assert_int_equal(d.kind, KEE_VP_DROP_EXPORTS);
    rig_reply_begin(&reply, d.number, NULL);
    rig_reply_names(&reply, KEE_VP_CALL_RETIRE_EXPORTS, "o+d10/1");
    rig_reply_end(&rig, 1, &reply, NULL);
    rig_run(&rig);
    assert_false(rig_ok(&rig, 1));
    assert_int_equal(rig.vats[1].kills, 0);
    end(&rig);
}

/* A vat that fails whenever it hears of garbage is not told for ever. */
static void garbage_is_told_twice_at_most(void **state)
{
    struct rig rig;
    struct kee_kref kref;

    (void)state;
    begin(&rig);
    kref = answer_with(&rig, "o+d10/1", 2);
    assert_int_equal(rig_order(&rig, kee_kernel_drop, kref), 0);
    rig_run(&rig);
    refuse(&rig, KEE_VP_DROP_EXPORTS);
    refuse(&rig, KEE_VP_DROP_EXPORTS);
    assert_int_equal(rig_audit(&rig), 0);
    refuse(&rig, KEE_VP_RETIRE_EXPORTS);
    refuse(&rig, KEE_VP_RETIRE_EXPORTS);
    assert_int_equal(rig_audit(&rig), 0);
    (void)rig_ok(&rig, 1); /* perhaps the start of one more incarnation */
    rig_run(&rig);
    assert_false(rig_ok(&rig, 1));
    assert_int_equal(rig_order(&rig, kee_kernel_hold, kref), KEE_KERNEL_NO_SUCH);
    end(&rig);
}

/* What a call starts after a long wait has its deadline from the call on. */
static void a_launch_after_a_long_wait_has_its_time(void **state)
{
    struct rig rig;

    (void)state;
    begin(&rig);
    rig.now_ms += 1000000;
    kee_kernel_set_now(rig.kernel, rig.now_ms);
    rig_launch(&rig, "carol", 2); /* runs the kernel while the vat is starting */
    assert_true(rig_ok(&rig, 3));
    assert_int_equal(rig.vats[3].kills, 0);
    end(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_is_held_until_it_is_dropped),
        cmocka_unit_test(a_drop_does_not_cross_an_answer),
        cmocka_unit_test(a_dropped_export_is_the_vats_at_once),
        cmocka_unit_test(garbage_is_told_twice_at_most),
        cmocka_unit_test(a_launch_after_a_long_wait_has_its_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
