/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of how a vat ends itself: what its last crank did counts, or, with failure, does not. */
#include "cm.h"

#include <stdio.h>

#include "kernel_rig.h"

struct fixture {
    struct rig rig;
    char alice[24], bob[24];
};

static void text(struct kee_bytes bytes, char out[40])
{
    (void)snprintf(out, 40, "%.*s", (int)bytes.size, (const char *)bytes.data);
}

/* bob has a promise to settle, for call 2, and a message, call 3, whose crank is at hand. */
static void fixture_init(struct fixture *f, struct rig_delivery *at_hand)
{
    rig_init(&f->rig);
    rig_launch(&f->rig, "alice bob", 1);
    assert_true(rig_ok(&f->rig, 1));
    rig_run(&f->rig);
    rig_root(&f->rig, 1, f->alice);
    rig_root(&f->rig, 2, f->bob);
    assert_int_equal(rig_send(&f->rig, f->bob, "#[\"later\",[]]", NULL, 2), 0);
    rig_run(&f->rig);
    assert_true(rig_ok(&f->rig, 2));
    assert_int_equal(rig_send(&f->rig, f->bob, "#[\"leave\",[\"$0\"]]", f->alice, 3), 0);
    rig_run(&f->rig);
    assert_true(rig_take(&f->rig, 2, at_hand));
}

static void count(void *context, const struct kee_record *record)
{
    (void)record;
    ++*(int *)context;
}

static void is_gone(struct fixture *f)
{
    int vats = 0;

    for (int i = 0; i < 10; i++) {
        rig_run(&f->rig);
    }
    assert_int_equal(rig_audit(&f->rig), 0);
    assert_int_equal(kee_kernel_list_vats(f->rig.kernel, count, &vats), 0);
    assert_int_equal(vats, 1);
    assert_int_equal(f->rig.vats[2].starts, 1);
    rig_fini(&f->rig);
}

/* Ends with a message to alice and a row, both of which count unless the exit is a failure. */
static void leave(struct fixture *f, const struct rig_delivery *at_hand, bool failure,
                  const char *reason)
{
    struct rig_reply reply;
    char result[40];

    text(at_hand->result, result);
    rig_reply_begin(&reply, at_hand->number, NULL);
    rig_reply_send(&reply, "o-50", "#[\"bye\",[]]", NULL, NULL);
    rig_reply_exit(&reply, failure, reason);
    rig_reply_resolve(&reply, result, false, "#\"left\"", NULL);
    rig_reply_end(&f->rig, 2, &reply, "left=1");
    rig_run(&f->rig);
}

static void an_exit_is_a_crank_and_the_end(void **state)
{
    struct fixture f;
    struct rig_delivery d;

    fixture_init(&f, &d);
    leave(&f, &d, false, "#\"done\"");
    assert_string_equal(rig_answer(&f.rig, 3)->body, "#\"left\"");
    assert_int_equal(rig_answer(&f.rig, 2)->status, KEE_ANSWER_REJECTED);
    assert_non_null(strstr(rig_answer(&f.rig, 2)->body, "VAT_TERMINATED"));
    assert_true(rig_take(&f.rig, 1, &d));
    assert_bytes_text(d.body, "#[\"bye\",[]]");
    is_gone(&f);
}

static void an_exit_with_failure_takes_its_crank_back(void **state)
{
    struct fixture f;
    struct rig_delivery d;

    fixture_init(&f, &d);
    /* What waits behind is refused, not lost. */
    assert_int_equal(rig_send(&f.rig, f.bob, "#[\"more\",[]]", NULL, 4), 0);
    leave(&f, &d, true, "#{\"#error\":\"why\",\"name\":\"TypeError\"}");
    for (uint64_t call = 2; call <= 3; call++) {
        assert_int_equal(rig_answer(&f.rig, call)->status, KEE_ANSWER_REJECTED);
        assert_string_equal(rig_answer(&f.rig, call)->body,
                            "#{\"#error\":\"why\",\"name\":\"TypeError\"}");
    }
    assert_int_equal(rig_answer(&f.rig, 4)->status, KEE_ANSWER_REJECTED);
    assert_non_null(strstr(rig_answer(&f.rig, 4)->body, "VAT_TERMINATED"));
    assert_false(rig_take(&f.rig, 1, &d));
    is_gone(&f);
}

static void the_end_is_one_with_what_it_says(void **state)
{
    struct fixture f;
    struct rig_delivery d;

    fixture_init(&f, &d);
    leave(&f, &d, true, "#\"why\"");
    rig_crash(&f.rig); /* after the answer: what it says is durable */
    assert_string_equal(rig_answer(&f.rig, 3)->body, "#\"why\"");
    is_gone(&f);
}

static void a_malformed_exit_is_none(void **state)
{
    struct fixture f;
    struct rig_delivery d;
    struct rig_reply reply;

    fixture_init(&f, &d);
    rig_reply_begin(&reply, d.number, NULL);
    rig_reply_exit(&reply, true, "#\"why\"");
    kee_buf_put_u8(&reply.buf, 99); /* one syscall more, of no kind */
    reply.calls++;
    rig_reply_end(&f.rig, 2, &reply, NULL);
    rig_run(&f.rig);
    assert_int_equal(f.rig.vats[2].starts, 2); /* a failed crank, as any */
    assert_int_equal(rig_audit(&f.rig), 0);
    rig_fini(&f.rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_exit_is_a_crank_and_the_end),
        cmocka_unit_test(an_exit_with_failure_takes_its_crank_back),
        cmocka_unit_test(the_end_is_one_with_what_it_says),
        cmocka_unit_test(a_malformed_exit_is_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
