/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of kernel/kernel.h, with workers played by the test: messages, promises, steps, launches. */
#include "cm.h"

#include "pair_rig.h"

static void a_message_is_answered_and_leaves_no_trace(void **state)
{
    struct pair f;
    struct rig_delivery d;
    struct rig_reply reply;
    char result[40];

    pair_init(&f);
    assert_int_equal(rig_send(&f.rig, f.b, "#[\"greet\",[\"x\"]]", NULL, 2), 0);
    rig_run(&f.rig);
    assert_true(rig_take(&f.rig, 2, &d));
    rig_text(d.result, result);
    rig_reply_begin(&reply, d.number, NULL);
    rig_reply_resolve(&reply, result, false, "#\"hello\"", NULL);
    rig_reply_end(&f.rig, 2, &reply, "greeted=1");
    assert_null(rig_answer(&f.rig, 2)); /* nothing leaves before its batch is durable */
    rig_run(&f.rig);
    assert_string_equal(rig_answer(&f.rig, 2)->body, "#\"hello\"");
    pair_fini(&f);
}

/* a sends to b with a result; b answers; a is notified. */
static void vats_talk_and_promises_come_back(void **state)
{
    struct pair f;
    struct rig_delivery d;
    struct rig_reply reply;
    struct kee_bytes slot;
    char result[40];

    pair_init(&f);
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
    rig_text(d.result, result);
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
    pair_fini(&f);
}

static void count_promises(void *context, const struct kee_record *record)
{
    *(int *)context += record->fields[0].value.data[1] == 'p';
}

static int promises_of_b(struct pair *f)
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
    struct pair f;
    struct rig_delivery first, second;
    struct rig_reply reply;
    char names[2][40];

    for (int asks = 0; asks < 2; asks++) {
        pair_init(&f);
        assert_int_equal(rig_send(&f.rig, f.a, "#[\"go\",[\"$0\"]]", f.b, 0), 0);
        rig_run(&f.rig);
        assert_true(rig_take(&f.rig, 1, &first));
        rig_reply_begin(&reply, first.number, NULL);
        rig_reply_send(&reply, "o-50", "#[\"one\",[]]", NULL, "p+5");
        rig_reply_send(&reply, "p+5", "#[\"two\",[]]", NULL, "p+6");
        rig_reply_end(&f.rig, 1, &reply, NULL);
        rig_run(&f.rig);
        assert_true(rig_take(&f.rig, 2, &first));
        rig_text(first.result, names[0]);
        rig_reply_begin(&reply, first.number, NULL);
        rig_reply_resolve(&reply, names[0], false, "#1", NULL);
        assert_true(rig_take(&f.rig, 2, &second));
        assert_bytes_text(second.target, names[0]);
        rig_text(second.result, names[1]);
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
        pair_fini(&f);
    }
}

static void counted(void *context)
{
    ++*(int *)context;
}

static void a_step_delivers_exactly_one(void **state)
{
    struct pair f;
    int steps = 0;

    pair_init(&f);
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
    pair_fini(&f);
}

static void terminating_rejects_what_waits(void **state)
{
    struct pair f;

    pair_init(&f);
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
    pair_fini(&f);
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
    struct pair f;
    struct rig_delivery d;
    struct rig_reply reply;

    pair_init(&f);
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
    pair_fini(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_is_answered_and_leaves_no_trace),
        cmocka_unit_test(vats_talk_and_promises_come_back),
        cmocka_unit_test(a_told_promise_leaves_with_the_last_delivery_that_names_it),
        cmocka_unit_test(a_step_delivers_exactly_one),
        cmocka_unit_test(terminating_rejects_what_waits),
        cmocka_unit_test(a_vat_that_does_not_start_takes_its_launch_back),
        cmocka_unit_test(messages_to_a_promise_are_pipelined),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
