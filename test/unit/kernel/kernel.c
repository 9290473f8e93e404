/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of kernel/kernel.h, with workers played by the test. */
#include "cm.h"

#include <stdio.h>

#include "kernel_rig.h"

struct fixture {
    struct rig rig;
    char a[24], b[24]; /* roots of v1 and v2 */
};

/* Two vats launched, bootstrap answered. */
static void fixture_init(struct fixture *f)
{
    struct rig_delivery delivery;
    struct rig_reply reply;
    char result[40];

    rig_init(&f->rig);
    rig_launch(&f->rig, "alice bob", 1);
    assert_true(rig_take(&f->rig, 1, &delivery));
    assert_int_equal(delivery.kind, KEE_VP_MESSAGE);
    assert_bytes_text(delivery.target, "o+0");
    assert_bytes_text(delivery.body, "#[\"bootstrap\",[{\"alice\":\"$0.Alleged: vatRoot\","
                                     "\"bob\":\"$1.Alleged: vatRoot\"},{}]]");
    assert_int_equal(delivery.slots.count, 2);
    (void)snprintf(result, sizeof result, "%.*s", (int)delivery.result.size,
                   (const char *)delivery.result.data);
    rig_reply_begin(&reply, delivery.number, NULL);
    rig_reply_resolve(&reply, result, false, "#\"up\"", NULL);
    rig_reply_end(&f->rig, 1, &reply, NULL);
    rig_run(&f->rig);
    assert_non_null(rig_answer(&f->rig, 1));
    assert_string_equal(rig_answer(&f->rig, 1)->body, "#\"up\"");
    rig_root(&f->rig, 1, f->a);
    rig_root(&f->rig, 2, f->b);
    assert_int_equal(rig_audit(&f->rig), 0);
}

static void fixture_fini(struct fixture *f)
{
    assert_int_equal(rig_audit(&f->rig), 0);
    rig_fini(&f->rig);
}

static void text(struct kee_bytes bytes, char out[40])
{
    (void)snprintf(out, 40, "%.*s", (int)bytes.size, (const char *)bytes.data);
}

static void a_message_is_answered_and_leaves_no_trace(void **state)
{
    struct fixture f;
    struct rig_delivery d;
    struct rig_reply reply;
    char result[40];

    fixture_init(&f);
    assert_int_equal(rig_send(&f.rig, f.b, "#[\"greet\",[\"x\"]]", NULL, 2), 0);
    rig_run(&f.rig);
    assert_true(rig_take(&f.rig, 2, &d));
    text(d.result, result);
    rig_reply_begin(&reply, d.number, NULL);
    rig_reply_resolve(&reply, result, false, "#\"hello\"", NULL);
    rig_reply_end(&f.rig, 2, &reply, "greeted=1");
    assert_null(rig_answer(&f.rig, 2)); /* nothing leaves before its batch is durable */
    rig_run(&f.rig);
    assert_string_equal(rig_answer(&f.rig, 2)->body, "#\"hello\"");
    fixture_fini(&f);
}

/* a sends to b with a result; b answers; a is notified. */
static void vats_talk_and_promises_come_back(void **state)
{
    struct fixture f;
    struct rig_delivery d;
    struct rig_reply reply;
    struct kee_bytes slot;
    char result[40];

    fixture_init(&f);
    assert_int_equal(rig_send(&f.rig, f.a, "#[\"go\",[\"$0\"]]", f.b, 0), 0);
    rig_run(&f.rig);
    assert_true(rig_take(&f.rig, 1, &d));
    assert_int_equal(d.slots.count, 1);
    rig_reply_begin(&reply, d.number, NULL);
    rig_reply_send(&reply, "o-50", "#[\"ping\",[\"$0\"]]", "o+7", "p+5");
    rig_reply_subscribe(&reply, "p+5");
    rig_reply_end(&f.rig, 1, &reply, NULL);
    assert_int_equal(rig_audit(&f.rig), 0);
    rig_run(&f.rig);
    assert_true(rig_take(&f.rig, 2, &d));
    assert_bytes_text(d.body, "#[\"ping\",[\"$0\"]]");
    text(d.result, result);
    rig_reply_begin(&reply, d.number, NULL);
    rig_reply_resolve(&reply, result, false, "#\"$0\"", "o-50");
    rig_reply_end(&f.rig, 2, &reply, NULL);
    rig_run(&f.rig);
    assert_true(rig_take(&f.rig, 1, &d));
    assert_int_equal(d.kind, KEE_VP_NOTIFY);
    assert_bytes_text(d.target, "p+5");
    assert_true(kee_vp_strings_next(&d.slots, &slot));
    assert_bytes_text(slot, "o+7"); /* own object, own name */
    rig_reply_begin(&reply, d.number, NULL);
    rig_reply_end(&f.rig, 1, &reply, NULL);
    fixture_fini(&f);
}

static void an_illegal_syscall_costs_the_crank_and_is_tried_twice(void **state)
{
    struct fixture f;
    struct rig_delivery d;
    struct rig_reply reply;

    fixture_init(&f);
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
    fixture_fini(&f);
}

static void b_dies(struct fixture *f)
{
    f->rig.vats[2].running = false;
    assert_int_equal(kee_kernel_worker_gone(f->rig.kernel, (struct kee_vat_id){2},
                                            f->rig.vats[2].incarnation, "killed by signal 11"),
                     0);
    rig_run(&f->rig);
    assert_true(rig_ok(&f->rig, 2)); /* START */
    rig_run(&f->rig);
}

static void answer_one(struct fixture *f, const char *expected)
{
    struct rig_delivery d;
    struct rig_reply reply;
    char result[40];

    assert_true(rig_take(&f->rig, 2, &d));
    assert_bytes_text(d.body, expected);
    text(d.result, result);
    rig_reply_begin(&reply, d.number, NULL);
    rig_reply_resolve(&reply, result, false, "#1", NULL);
    rig_reply_end(&f->rig, 2, &reply, NULL);
    rig_run(&f->rig);
}

/* However often it happens: it was not the message's doing. */
static void a_message_of_a_lost_worker_does_not_count_as_tried(void **state)
{
    struct fixture f;

    fixture_init(&f);
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
    fixture_fini(&f);
}

/* A worker keeps the ends of cranks back while there is more to read: whoever is first in line is blamed
 * for its death, whichever message it was. */
static void a_message_before_the_deadly_one_is_not_rejected_for_it(void **state)
{
    struct fixture f;
    struct rig_delivery d;

    fixture_init(&f);
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
    fixture_fini(&f);
}

static void count_promises(void *context, const struct kee_record *record)
{
    *(int *)context += record->fields[0].value.data[1] == 'p';
}

static int promises_of_b(struct fixture *f)
{
    int count = 0;

    assert_int_equal(
        kee_kernel_list_clist(f->rig.kernel, (struct kee_vat_id){2}, count_promises, &count), 0);
    return count;
}

/* b tells how a promise settled while a message to it is on the way: the name goes with that message,
 * unless b asks for it again. */
static void a_told_promise_leaves_with_the_last_delivery_that_names_it(void **state)
{
    struct fixture f;
    struct rig_delivery first, second;
    struct rig_reply reply;
    char names[2][40];

    for (int asks = 0; asks < 2; asks++) {
        fixture_init(&f);
        assert_int_equal(rig_send(&f.rig, f.a, "#[\"go\",[\"$0\"]]", f.b, 0), 0);
        rig_run(&f.rig);
        assert_true(rig_take(&f.rig, 1, &first));
        rig_reply_begin(&reply, first.number, NULL);
        rig_reply_send(&reply, "o-50", "#[\"one\",[]]", NULL, "p+5");
        rig_reply_send(&reply, "p+5", "#[\"two\",[]]", NULL, "p+6");
        rig_reply_end(&f.rig, 1, &reply, NULL);
        rig_run(&f.rig);
        assert_true(rig_take(&f.rig, 2, &first));
        text(first.result, names[0]);
        rig_reply_begin(&reply, first.number, NULL);
        rig_reply_resolve(&reply, names[0], false, "#1", NULL);
        assert_true(rig_take(&f.rig, 2, &second));
        assert_bytes_text(second.target, names[0]);
        text(second.result, names[1]);
        rig_reply_end(&f.rig, 2, &reply, NULL);
        rig_run(&f.rig);
        assert_int_equal(promises_of_b(&f), 2);
        rig_reply_begin(&reply, second.number, NULL);
        if (asks) {
            rig_reply_subscribe(&reply, names[0]);
        }
        rig_reply_resolve(&reply, names[1], false, "#2", NULL);
        rig_reply_end(&f.rig, 2, &reply, NULL);
        rig_run(&f.rig);
        assert_int_equal(promises_of_b(&f), asks);
        assert_int_equal(rig_audit(&f.rig), 0);
        if (asks) {
            assert_true(rig_take(&f.rig, 2, &second));
            assert_int_equal(second.kind, KEE_VP_NOTIFY);
            rig_reply_begin(&reply, second.number, NULL);
            rig_reply_end(&f.rig, 2, &reply, NULL);
            rig_run(&f.rig);
            assert_int_equal(promises_of_b(&f), 0);
        }
        fixture_fini(&f);
    }
}

static void a_dead_worker_rejects_what_its_heap_decided(void **state)
{
    struct fixture f;
    struct rig_delivery d;
    struct rig_reply reply;

    fixture_init(&f);
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
    fixture_fini(&f);
}

/* An ephemeral export dies with its incarnation, a durable one and the root do not. */
static void ephemeral_exports_are_abandoned_at_restart(void **state)
{
    struct fixture f;
    struct rig_delivery d;
    struct rig_reply reply;
    char result[40], krefs[200];

    fixture_init(&f);
    assert_int_equal(rig_send(&f.rig, f.b, "#[\"give\",[]]", NULL, 2), 0);
    rig_run(&f.rig);
    assert_true(rig_take(&f.rig, 2, &d));
    text(d.result, result);
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
    fixture_fini(&f);
}

static void counted(void *context)
{
    ++*(int *)context;
}

static void a_step_delivers_exactly_one(void **state)
{
    struct fixture f;
    int steps = 0;

    fixture_init(&f);
    kee_kernel_pause(f.rig.kernel);
    assert_int_equal(rig_send(&f.rig, f.b, "#[\"one\",[]]", NULL, 0), 0);
    assert_int_equal(rig_send(&f.rig, f.b, "#[\"two\",[]]", NULL, 0), 0);
    rig_run(&f.rig);
    assert_false(rig_ok(&f.rig, 2));
    assert_int_equal(kee_kernel_step(f.rig.kernel, counted, &steps), 0);
    rig_run(&f.rig);
    assert_true(rig_ok(&f.rig, 2));
    assert_int_equal(steps, 1);
    rig_run(&f.rig);
    assert_false(rig_ok(&f.rig, 2));
    kee_kernel_resume(f.rig.kernel);
    rig_run(&f.rig);
    assert_true(rig_ok(&f.rig, 2));
    assert_int_equal(kee_kernel_step(f.rig.kernel, counted, &steps), KEE_KERNEL_STATE);
    fixture_fini(&f);
}

static void a_crank_over_its_deadline_is_undone(void **state)
{
    struct fixture f;

    fixture_init(&f);
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
    fixture_fini(&f);
}

static void terminating_rejects_what_waits(void **state)
{
    struct fixture f;

    fixture_init(&f);
    assert_int_equal(rig_send(&f.rig, f.b, "#[\"one\",[]]", NULL, 2), 0);
    rig_run(&f.rig);
    assert_true(rig_ok(&f.rig, 2)); /* open result, decided by v2 */
    assert_int_equal(rig_send(&f.rig, f.b, "#[\"two\",[]]", NULL, 3), 0);
    assert_int_equal(kee_kernel_terminate_vat(f.rig.kernel, (struct kee_vat_id){2}), 0);
    rig_run(&f.rig);
    assert_non_null(strstr(rig_answer(&f.rig, 2)->body, "VAT_TERMINATED"));
    assert_non_null(strstr(rig_answer(&f.rig, 3)->body, "VAT_TERMINATED"));
    assert_int_equal(rig_audit(&f.rig), 0);
    assert_int_equal(kee_kernel_terminate_vat(f.rig.kernel, (struct kee_vat_id){2}),
                     KEE_KERNEL_NO_SUCH);
    fixture_fini(&f);
}

static void a_vat_that_does_not_start_takes_its_launch_back(void **state)
{
    struct rig rig;
    struct rig_reply reply;
    struct kee_launch_vat vat = {.name = KEE_BYTES_LIT("x"),
                                 .code_name = KEE_BYTES_LIT("x.js"),
                                 .code = KEE_BYTES_LIT("throw 1"),
                                 .parameters = {.body = KEE_BYTES_LIT("#{}")}};
    struct kee_launch launch = {.config = KEE_BYTES_LIT("{}"),
                                .bootstrap = KEE_BYTES_LIT("x"),
                                .vats = &vat,
                                .vat_count = 1};
    struct rig_delivery d;
    char root[24];

    rig_init(&rig);
    assert_int_equal(kee_kernel_launch(rig.kernel, &launch, 5), 0);
    assert_true(rig_take(&rig, 1, &d));
    rig_reply_begin(&reply, d.number, "thrown: 1");
    rig_reply_end(&rig, 1, &reply, NULL);
    rig_run(&rig);
    assert_int_equal(rig_answer(&rig, 5)->status, KEE_ANSWER_DECLINED);
    assert_string_equal(rig_answer(&rig, 5)->why, "vat \"x\" did not start: thrown: 1");
    rig_root(&rig, 1, root);
    assert_string_equal(root, "");
    assert_int_equal(rig_audit(&rig), 0);
    rig_fini(&rig);
}

/* A message to a promise its vat decides goes to that vat at once, ahead of the resolution. */
static void messages_to_a_promise_are_pipelined(void **state)
{
    struct fixture f;
    struct rig_delivery d;
    struct rig_reply reply;

    fixture_init(&f);
    assert_int_equal(rig_send(&f.rig, f.a, "#[\"go\",[\"$0\"]]", f.b, 0), 0);
    rig_run(&f.rig);
    assert_true(rig_take(&f.rig, 1, &d));
    rig_reply_begin(&reply, d.number, NULL);
    rig_reply_send(&reply, "o-50", "#[\"first\",[]]", NULL, "p+5");
    rig_reply_send(&reply, "p+5", "#[\"second\",[]]", NULL, "p+6");
    rig_reply_end(&f.rig, 1, &reply, NULL);
    rig_run(&f.rig);
    assert_true(rig_ok(&f.rig, 2)); /* first: result open, now decided by v2 */
    rig_run(&f.rig);
    assert_true(rig_take(&f.rig, 2, &d));
    assert_bytes_text(d.body, "#[\"second\",[]]");
    assert_bytes_text(d.target, "p-60");
    rig_reply_begin(&reply, d.number, NULL);
    rig_reply_end(&f.rig, 2, &reply, NULL);
    fixture_fini(&f);
}

static void dropped_exports_reach_their_owner(void **state)
{
    struct fixture f;
    struct rig_delivery d;
    struct rig_reply reply;

    fixture_init(&f);
    assert_int_equal(rig_send(&f.rig, f.a, "#[\"go\",[\"$0\"]]", f.b, 0), 0);
    rig_run(&f.rig);
    assert_true(rig_take(&f.rig, 1, &d));
    rig_reply_begin(&reply, d.number, NULL);
    rig_reply_send(&reply, "o-50", "#[\"take\",[\"$0\"]]", "o+7", NULL);
    rig_reply_end(&f.rig, 1, &reply, NULL);
    rig_run(&f.rig);
    assert_true(rig_take(&f.rig, 2, &d));
    rig_reply_begin(&reply, d.number, NULL);
    rig_reply_names(&reply, KEE_VP_CALL_DROP_IMPORTS, "o-50");
    rig_reply_names(&reply, KEE_VP_CALL_RETIRE_IMPORTS, "o-50");
    rig_reply_end(&f.rig, 2, &reply, NULL);
    rig_run(&f.rig);
    assert_true(rig_take(&f.rig, 1, &d));
    assert_int_equal(d.kind, KEE_VP_DROP_EXPORTS);
    rig_reply_begin(&reply, d.number, NULL);
    rig_reply_end(&f.rig, 1, &reply, NULL);
    rig_run(&f.rig);
    assert_true(rig_take(&f.rig, 1, &d));
    assert_int_equal(d.kind, KEE_VP_RETIRE_EXPORTS);
    rig_reply_begin(&reply, d.number, NULL);
    rig_reply_end(&f.rig, 1, &reply, NULL);
    rig_run(&f.rig);
    assert_false(rig_ok(&f.rig, 1));
    fixture_fini(&f);
}

/* What lost its owner is forgotten by who still recognizes it, once nobody can reach it. */
static void orphans_are_retired_by_their_importers(void **state)
{
    struct fixture f;
    struct rig_delivery d;
    struct rig_reply reply;
    struct kee_bytes name;

    fixture_init(&f);
    assert_int_equal(rig_send(&f.rig, f.a, "#[\"go\",[\"$0\"]]", f.b, 0), 0);
    rig_run(&f.rig);
    assert_true(rig_take(&f.rig, 1, &d));
    rig_reply_begin(&reply, d.number, NULL);
    rig_reply_send(&reply, "o-50", "#[\"take\",[\"$0\"]]", "o+7", NULL);
    rig_reply_end(&f.rig, 1, &reply, NULL);
    rig_run(&f.rig);
    assert_true(rig_ok(&f.rig, 2)); /* v2 holds it */
    f.rig.vats[1].running = false;
    assert_int_equal(kee_kernel_worker_gone(f.rig.kernel, (struct kee_vat_id){1},
                                            f.rig.vats[1].incarnation, "killed"),
                     0);
    rig_run(&f.rig);
    assert_false(rig_ok(&f.rig, 2)); /* it can still reach it: sends reject, that is all */
    assert_int_equal(rig_send(&f.rig, f.b, "#[\"drop\",[]]", NULL, 0), 0);
    rig_run(&f.rig);
    assert_true(rig_take(&f.rig, 2, &d));
    rig_reply_begin(&reply, d.number, NULL);
    rig_reply_names(&reply, KEE_VP_CALL_DROP_IMPORTS, "o-50");
    rig_reply_end(&f.rig, 2, &reply, NULL);
    rig_run(&f.rig);
    assert_true(rig_take(&f.rig, 2, &d));
    assert_int_equal(d.kind, KEE_VP_RETIRE_IMPORTS);
    assert_true(kee_vp_strings_next(&d.slots, &name));
    assert_bytes_text(name, "o-50");
    rig_reply_begin(&reply, d.number, NULL);
    rig_reply_end(&f.rig, 2, &reply, NULL);
    rig_run(&f.rig);
    assert_false(rig_ok(&f.rig, 2));
    fixture_fini(&f);
}

static struct kee_kref kref_of(const char *text)
{
    struct kee_kref kref;

    assert_true(kee_kref_parse(kee_bytes_str(text), &kref));
    return kref;
}

/* v1 sends a new object of its own to v2, which is then the only one to hold it. */
static void give_one(struct fixture *f)
{
    struct rig_delivery d;
    struct rig_reply reply;

    assert_int_equal(rig_send(&f->rig, f->a, "#[\"go\",[\"$0\"]]", f->b, 0), 0);
    rig_run(&f->rig);
    assert_true(rig_take(&f->rig, 1, &d));
    rig_reply_begin(&reply, d.number, NULL);
    rig_reply_send(&reply, "o-50", "#[\"take\",[\"$0\"]]", "o+d10/1", NULL);
    rig_reply_end(&f->rig, 1, &reply, NULL);
    rig_run(&f->rig);
    assert_true(rig_ok(&f->rig, 2));
    rig_run(&f->rig);
}

static void last_object(void *context, const struct kee_record *record)
{
    (void)snprintf(context, 24, "%.*s", (int)record->fields[0].value.size,
                   (const char *)record->fields[0].value.data);
}

/* Drops v2's import of it, in the crank of a message to v2's root. */
static void drop_it(struct fixture *f)
{
    struct rig_delivery d;
    struct rig_reply reply;

    assert_int_equal(rig_send(&f->rig, f->b, "#[\"drop\",[]]", NULL, 0), 0);
    rig_run(&f->rig);
    assert_true(rig_take(&f->rig, 2, &d));
    rig_reply_begin(&reply, d.number, NULL);
    rig_reply_names(&reply, KEE_VP_CALL_DROP_IMPORTS, "o-50");
    rig_reply_names(&reply, KEE_VP_CALL_RETIRE_IMPORTS, "o-50");
    rig_reply_end(&f->rig, 2, &reply, NULL);
    rig_run(&f->rig);
}

static void a_pin_holds_until_it_is_taken_back(void **state)
{
    struct fixture f;
    struct rig_delivery d;
    char it[24] = "";

    fixture_init(&f);
    give_one(&f);
    assert_int_equal(kee_kernel_list_objects(f.rig.kernel, last_object, it), 0);
    assert_int_equal(kee_kernel_unpin(f.rig.kernel, kref_of(it)), KEE_KERNEL_STATE);
    assert_int_equal(kee_kernel_pin(f.rig.kernel, kref_of(it)), 0);
    assert_int_equal(kee_kernel_pin(f.rig.kernel, kref_of(it)), 0);
    assert_int_equal(rig_audit(&f.rig), 0);
    drop_it(&f);
    assert_false(rig_ok(&f.rig, 1)); /* its owner is told nothing */
    assert_int_equal(kee_kernel_unpin(f.rig.kernel, kref_of(it)), 0);
    assert_int_equal(kee_kernel_pin(f.rig.kernel, kref_of(it)), KEE_KERNEL_STATE);
    rig_run(&f.rig);
    assert_true(rig_take(&f.rig, 1, &d));
    assert_int_equal(d.kind, KEE_VP_DROP_EXPORTS);
    assert_int_equal(kee_kernel_pin(f.rig.kernel, kref_of("ko999999")), KEE_KERNEL_NO_SUCH);
    fixture_fini(&f);
}

struct held {
    uint64_t references;
    char text[400];
};

static void add_holder(void *context, const struct kee_record *record)
{
    struct held *held = context;
    uint64_t n = 0;

    for (size_t i = 0; i < record->count; i++) {
        const struct kee_field *field = &record->fields[i];
        if (strcmp(field->name, "references") == 0) {
            assert_true(kee_bytes_decimal(field->value, &n));
        }
        if (i < 2) {
            size_t at = strlen(held->text);
            (void)snprintf(held->text + at, sizeof held->text - at, "%.*s%s",
                           (int)field->value.size, (const char *)field->value.data,
                           i == 0 ? " " : "; ");
        }
    }
    held->references += n;
}

/* Every kind of holder is found, and together they are what the counts say. */
static void holders_are_found(void **state)
{
    struct fixture f;
    struct rig_delivery d;
    struct rig_reply reply;
    struct held held = {0};
    char it[24] = "";

    fixture_init(&f);
    give_one(&f);
    assert_int_equal(kee_kernel_list_objects(f.rig.kernel, last_object, it), 0);
    assert_int_equal(kee_kernel_pin(f.rig.kernel, kref_of(it)), 0);
    assert_int_equal(rig_send(&f.rig, f.b, "#[\"back\",[]]", NULL, 41), 0);
    rig_run(&f.rig);
    assert_true(rig_take(&f.rig, 2, &d));
    rig_reply_begin(&reply, d.number, NULL);
    rig_reply_send(&reply, "o-50", "#[\"itself\",[\"$0\",\"$0\"]]", "o-50 o-50", NULL);
    rig_reply_resolve(&reply, "p-60", false, "#\"$0\"", "o-50");
    rig_reply_end(&f.rig, 2, &reply, NULL);
    kee_kernel_pause(f.rig.kernel);
    rig_run(&f.rig);
    assert_int_equal(kee_kernel_who_holds(f.rig.kernel, kref_of(it), add_holder, &held), 0);
    assert_string_equal(held.text, "v1 owner; v2 import; operator pin; console named in an "
                                   "answer; v1 queue; ");
    assert_int_equal(held.references, 6); /* the message names it three times */
    assert_int_equal(kee_kernel_who_holds(f.rig.kernel, kref_of("ko999999"), add_holder, &held),
                     KEE_KERNEL_NO_SUCH);
    fixture_fini(&f);
}

static void written(void *context, int r)
{
    (void)context;
    assert_int_equal(r, 0);
}

/* What a vat was still to hear goes with it. */
static void a_vat_takes_what_it_was_to_hear_along(void **state)
{
    struct fixture f;
    struct rig_delivery d;
    struct rig_reply reply;

    fixture_init(&f);
    give_one(&f);
    assert_int_equal(kee_kernel_terminate_vat(f.rig.kernel, (struct kee_vat_id){1}), 0);
    assert_int_equal(rig_send(&f.rig, f.b, "#[\"drop\",[]]", NULL, 0), 0);
    rig_run(&f.rig);
    assert_true(rig_take(&f.rig, 2, &d));
    kee_kernel_pause(f.rig.kernel); /* v2 is not told that what it still recognizes is gone */
    rig_reply_begin(&reply, d.number, NULL);
    rig_reply_names(&reply, KEE_VP_CALL_DROP_IMPORTS, "o-50");
    rig_reply_end(&f.rig, 2, &reply, NULL);
    assert_int_equal(kee_kernel_terminate_vat(f.rig.kernel, (struct kee_vat_id){2}), 0);
    rig_run(&f.rig);
    fixture_fini(&f); /* with an audit */
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
        struct fixture f;
        char it[24] = "";
        fixture_init(&f);
        give_one(&f);
        assert_int_equal(kee_kernel_list_objects(f.rig.kernel, last_object, it), 0);
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
        fixture_fini(&f); /* with an audit */
    }
}

/* What only a person can judge is left as it is. */
static void what_cannot_be_mended_is_left(void **state)
{
    struct fixture f;

    fixture_init(&f);
    give_one(&f);
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
    struct fixture f;
    uint64_t before = 0;
    int calls = 0;

    fixture_init(&f);
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
    fixture_fini(&f);
}

static void a_pin_outlives_a_crash(void **state)
{
    struct fixture f;
    char it[24] = "";

    fixture_init(&f);
    give_one(&f);
    assert_int_equal(kee_kernel_list_objects(f.rig.kernel, last_object, it), 0);
    assert_int_equal(kee_kernel_pin(f.rig.kernel, kref_of(it)), 0);
    assert_int_equal(kee_world_flush(f.rig.world), 0);
    rig_crash(&f.rig);
    rig_run(&f.rig);
    assert_int_equal(rig_audit(&f.rig), 0);
    assert_int_equal(kee_kernel_unpin(f.rig.kernel, kref_of(it)), 0);
    fixture_fini(&f);
}

/* What is queued rejects as well as what comes later; what the worker has been handed is carried out. */
static void a_revoked_object_is_sent_to_in_vain(void **state)
{
    struct fixture f;
    struct rig_delivery d;
    bool more;

    fixture_init(&f);
    assert_int_equal(rig_send(&f.rig, f.b, "#[\"one\",[]]", NULL, 31), 0);
    rig_run(&f.rig);
    kee_kernel_pause(f.rig.kernel);
    assert_int_equal(rig_send(&f.rig, f.b, "#[\"two\",[]]", NULL, 32), 0);
    assert_int_equal(kee_kernel_revoke(f.rig.kernel, kref_of(f.b)), 0);
    assert_int_equal(kee_kernel_revoke(f.rig.kernel, kref_of(f.b)), 0);
    assert_int_equal(rig_send(&f.rig, f.b, "#[\"three\",[]]", NULL, 33), 0);
    kee_kernel_resume(f.rig.kernel);
    assert_int_equal(kee_kernel_run(f.rig.kernel, f.rig.now_ms, &more), 0);
    rig_run(&f.rig);
    assert_true(rig_take(&f.rig, 2, &d));
    assert_bytes_text(d.body, "#[\"one\",[]]");
    assert_false(rig_take(&f.rig, 2, &d));
    for (uint64_t call = 32; call <= 33; call++) {
        assert_non_null(rig_answer(&f.rig, call));
        assert_int_equal(rig_answer(&f.rig, call)->status, KEE_ANSWER_REJECTED);
        assert_non_null(strstr(rig_answer(&f.rig, call)->body, "[KERNEL:OBJECT_REVOKED] "));
    }
    assert_int_equal(kee_world_flush(f.rig.world), 0);
    rig_crash(&f.rig);
    assert_int_equal(rig_send(&f.rig, f.b, "#[\"four\",[]]", NULL, 34), 0);
    rig_run(&f.rig);
    assert_non_null(strstr(rig_answer(&f.rig, 34)->body, "[KERNEL:OBJECT_REVOKED] "));
    assert_int_equal(kee_kernel_revoke(f.rig.kernel, kref_of("kp999999")), KEE_KERNEL_NO_SUCH);
    fixture_fini(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_is_answered_and_leaves_no_trace),
        cmocka_unit_test(vats_talk_and_promises_come_back),
        cmocka_unit_test(an_illegal_syscall_costs_the_crank_and_is_tried_twice),
        cmocka_unit_test(a_message_of_a_lost_worker_does_not_count_as_tried),
        cmocka_unit_test(a_message_before_the_deadly_one_is_not_rejected_for_it),
        cmocka_unit_test(a_told_promise_leaves_with_the_last_delivery_that_names_it),
        cmocka_unit_test(a_dead_worker_rejects_what_its_heap_decided),
        cmocka_unit_test(ephemeral_exports_are_abandoned_at_restart),
        cmocka_unit_test(a_step_delivers_exactly_one),
        cmocka_unit_test(a_crank_over_its_deadline_is_undone),
        cmocka_unit_test(terminating_rejects_what_waits),
        cmocka_unit_test(a_vat_that_does_not_start_takes_its_launch_back),
        cmocka_unit_test(messages_to_a_promise_are_pipelined),
        cmocka_unit_test(dropped_exports_reach_their_owner),
        cmocka_unit_test(orphans_are_retired_by_their_importers),
        cmocka_unit_test(a_pin_holds_until_it_is_taken_back),
        cmocka_unit_test(a_pin_outlives_a_crash),
        cmocka_unit_test(holders_are_found),
        cmocka_unit_test(counting_goes_in_pieces),
        cmocka_unit_test(a_vat_takes_what_it_was_to_hear_along),
        cmocka_unit_test(what_can_be_mended_is),
        cmocka_unit_test(what_cannot_be_mended_is_left),
        cmocka_unit_test(a_revoked_object_is_sent_to_in_vain),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
