/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of kernel/restart.c: what a crank that fails and a worker that dies cost, and whom. */
#include "cm.h"

#include <stdio.h>

#include "pair_rig.h"

static void an_illegal_syscall_costs_the_crank_and_is_tried_twice(void **state)
{
    struct pair f;
    struct rig_delivery d;
    struct rig_reply reply;

    pair_init(&f);
    assert_int_equal(rig_send(&f.rig, f.b, "#[\"bad\",[]]", NULL, 2), 0);
    for (int i = 0; i < 2; i++) {
        rig_run(&f.rig);
        if (i > 0) {
            assert_true(rig_ok(&f.rig, 2)); /* START of the next incarnation */
            rig_run(&f.rig);
        }
        assert_true(rig_take(&f.rig, 2, &d));
        rig_reply_begin(&reply, d.number, NULL);
        rig_reply_send(&reply, "o-999", "#[\"x\",[]]", NULL, NULL);
        rig_reply_end(&f.rig, 2, &reply, "lost=1");
        assert_int_equal(rig_audit(&f.rig), 0);
    }
    rig_run(&f.rig);
    assert_int_equal(rig_answer(&f.rig, 2)->status, KEE_ANSWER_REJECTED);
    assert_non_null(strstr(rig_answer(&f.rig, 2)->body, "ILLEGAL_SYSCALL"));
    assert_non_null(strstr(rig_answer(&f.rig, 2)->body, "o-999"));
    assert_int_equal(f.rig.vats[2].kills, 2);
    pair_fini(&f);
}

static void b_dies(struct pair *f)
{
    f->rig.vats[2].running = false;
    assert_int_equal(kee_kernel_worker_gone(f->rig.kernel, (struct kee_vat_id){2},
                                            f->rig.vats[2].incarnation, "killed by signal 11"),
                     0);
    rig_run(&f->rig);
    assert_true(rig_ok(&f->rig, 2)); /* START */
    rig_run(&f->rig);
}

static void answer_one(struct pair *f, const char *expected)
{
    struct rig_delivery d;
    struct rig_reply reply;
    char result[40];

    assert_true(rig_take(&f->rig, 2, &d));
    assert_bytes_text(d.body, expected);
    rig_text(d.result, result);
    rig_reply_begin(&reply, d.number, NULL);
    rig_reply_resolve(&reply, result, false, "#1", NULL);
    rig_reply_end(&f->rig, 2, &reply, NULL);
    rig_run(&f->rig);
}

/* However often it happens: it was not the message's doing. */
static void a_message_of_a_lost_worker_does_not_count_as_tried(void **state)
{
    struct pair f;

    pair_init(&f);
    assert_int_equal(rig_send(&f.rig, f.b, "#[\"waits\",[]]", NULL, 2), 0);
    rig_run(&f.rig);
    for (int i = 0; i < 5; i++) {
        f.rig.vats[2].running = false;
        assert_int_equal(kee_kernel_worker_lost(f.rig.kernel, (struct kee_vat_id){2},
                                                f.rig.vats[2].incarnation, "its neighbour's doing"),
                         0);
        rig_run(&f.rig);
        assert_true(rig_ok(&f.rig, 2)); /* START */
        rig_run(&f.rig);
    }
    assert_null(rig_answer(&f.rig, 2));
    answer_one(&f, "#[\"waits\",[]]");
    assert_int_equal(rig_answer(&f.rig, 2)->status, KEE_ANSWER_FULFILLED);
    assert_int_equal(rig_audit(&f.rig), 0);
    pair_fini(&f);
}

/* A worker keeps the ends of cranks back while there is more to read: whoever is first in line is blamed
 * for its death, whichever message it was. */
static void a_message_before_the_deadly_one_is_not_rejected_for_it(void **state)
{
    struct pair f;
    struct rig_delivery d;

    pair_init(&f);
    assert_int_equal(rig_send(&f.rig, f.b, "#[\"good\",[]]", NULL, 2), 0);
    assert_int_equal(rig_send(&f.rig, f.b, "#[\"deadly\",[]]", NULL, 3), 0);
    rig_run(&f.rig);
    assert_true(rig_take(&f.rig, 2, &d));
    assert_true(rig_take(&f.rig, 2, &d)); /* sent ahead; the end of the first never came out */
    b_dies(&f);
    answer_one(&f, "#[\"good\",[]]"); /* alone this time */
    assert_int_equal(rig_answer(&f.rig, 2)->status, KEE_ANSWER_FULFILLED);
    for (int i = 0; i < 2; i++) {
        assert_null(rig_answer(&f.rig, 3));
        assert_true(rig_take(&f.rig, 2, &d));
        assert_bytes_text(d.body, "#[\"deadly\",[]]");
        assert_int_equal(rig_send(&f.rig, f.b, "#[\"after\",[]]", NULL, 4 + (uint64_t)i), 0);
        rig_run(&f.rig);
        assert_true(i == 0 || !rig_take(&f.rig, 2, &d)); /* what was tried goes alone */
        b_dies(&f);
    }
    assert_int_equal(rig_answer(&f.rig, 3)->status, KEE_ANSWER_REJECTED);
    answer_one(&f, "#[\"after\",[]]");
    answer_one(&f, "#[\"after\",[]]");
    assert_int_equal(rig_audit(&f.rig), 0);
    pair_fini(&f);
}

static void a_dead_worker_rejects_what_its_heap_decided(void **state)
{
    struct pair f;
    struct rig_delivery d;
    struct rig_reply reply;

    pair_init(&f);
    assert_int_equal(rig_send(&f.rig, f.b, "#[\"later\",[]]", NULL, 2), 0);
    rig_run(&f.rig);
    assert_true(rig_ok(&f.rig, 2)); /* the result stays open, decided by v2 */
    rig_run(&f.rig);
    assert_null(rig_answer(&f.rig, 2));
    f.rig.vats[2].running = false;
    assert_int_equal(kee_kernel_worker_gone(f.rig.kernel, (struct kee_vat_id){2},
                                            f.rig.vats[2].incarnation, "killed by signal 9"),
                     0);
    rig_run(&f.rig);
    assert_int_equal(rig_answer(&f.rig, 2)->status, KEE_ANSWER_REJECTED);
    assert_non_null(strstr(rig_answer(&f.rig, 2)->body, "\"name\":\"vatUpgraded\""));
    assert_non_null(strstr(rig_answer(&f.rig, 2)->body, "killed by signal 9"));
    assert_int_equal(rig_send(&f.rig, f.b, "#[\"again\",[]]", NULL, 3), 0);
    rig_run(&f.rig);
    assert_int_equal(f.rig.vats[2].starts, 2);
    assert_true(rig_take(&f.rig, 2, &d)); /* START */
    rig_reply_begin(&reply, d.number, NULL);
    rig_reply_end(&f.rig, 2, &reply, NULL);
    rig_run(&f.rig);
    assert_true(rig_take(&f.rig, 2, &d));
    assert_bytes_text(d.body, "#[\"again\",[]]");
    rig_reply_begin(&reply, d.number, NULL);
    rig_reply_end(&f.rig, 2, &reply, NULL);
    pair_fini(&f);
}

/* An ephemeral export dies with its incarnation, a durable one and the root do not. */
static void ephemeral_exports_are_abandoned_at_restart(void **state)
{
    struct pair f;
    struct rig_delivery d;
    struct rig_reply reply;
    char result[40], krefs[200];

    pair_init(&f);
    assert_int_equal(rig_send(&f.rig, f.b, "#[\"give\",[]]", NULL, 2), 0);
    rig_run(&f.rig);
    assert_true(rig_take(&f.rig, 2, &d));
    rig_text(d.result, result);
    rig_reply_begin(&reply, d.number, NULL);
    rig_reply_resolve(&reply, result, false, "#[\"$0\",\"$1\"]", "o+9 o+d10/1");
    rig_reply_end(&f.rig, 2, &reply, NULL);
    rig_run(&f.rig);
    (void)snprintf(krefs, sizeof krefs, "%s", rig_answer(&f.rig, 2)->slots);
    rig_crash(&f.rig);
    assert_int_equal(rig_audit(&f.rig), 0);
    *strchr(krefs, ' ') = 0;
    /* The console's hold on both went with the old boot; what is left is what was rejected. */
    rig_run(&f.rig);
    assert_int_equal(rig_audit(&f.rig), 0);
    assert_int_equal(rig_send(&f.rig, krefs, "#[\"x\",[]]", NULL, 3), KEE_KERNEL_NO_SUCH);
    pair_fini(&f);
}

static void a_crank_over_its_deadline_is_undone(void **state)
{
    struct pair f;

    pair_init(&f);
    assert_int_equal(rig_send(&f.rig, f.b, "#[\"spin\",[]]", NULL, 2), 0);
    rig_run(&f.rig);
    for (int i = 0; i < 2; i++) {
        f.rig.now_ms += 30000;
        rig_run(&f.rig); /* kills, and starts again */
        assert_int_equal(f.rig.vats[2].kills, i + 1);
        (void)rig_ok(&f.rig, 2); /* START */
        rig_run(&f.rig);
    }
    assert_int_equal(rig_answer(&f.rig, 2)->status, KEE_ANSWER_REJECTED);
    assert_non_null(strstr(rig_answer(&f.rig, 2)->body, "deadline"));
    pair_fini(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_illegal_syscall_costs_the_crank_and_is_tried_twice),
        cmocka_unit_test(a_message_of_a_lost_worker_does_not_count_as_tried),
        cmocka_unit_test(a_message_before_the_deadly_one_is_not_rejected_for_it),
        cmocka_unit_test(a_dead_worker_rejects_what_its_heap_decided),
        cmocka_unit_test(ephemeral_exports_are_abandoned_at_restart),
        cmocka_unit_test(a_crank_over_its_deadline_is_undone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
