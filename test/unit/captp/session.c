/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of captp/captp.h against a kernel: bounds, what is kept and for how long, what is left in the end.
 * What is said and answered is in the transcripts of test/golden/captp. */
#include "cm.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "captp_rig.h"

static struct captp_rig rig;

static void begin(bool owner, uint64_t max)
{
    captp_rig_init(&rig, "alice");
    captp_rig_open(&rig, owner, max);
}

static void end(void)
{
    struct kee_buf why = KEE_BUF_EMPTY;

    assert_int_equal(kee_captp_audit(rig.session, &why), 0);
    kee_buf_fini(&why);
    captp_rig_close(&rig);
    captp_rig_run(&rig);
    assert_int_equal(rig_audit(&rig.rig), 0);
    captp_rig_fini(&rig);
}

static void call(unsigned question, const char *target, const char *body, const char *slots)
{
    char id[40];

    (void)snprintf(id, sizeof id, "q-%u", question);
    (void)captp_rig_call(&rig, id, target, body, slots);
}

/* v1 answers its next message. */
static void answer(const char *body, const char *slots)
{
    struct rig_delivery d;

    do {
        assert_true(captp_rig_vat(&rig, &d));
        captp_rig_answer(&rig, &d, false, body, slots);
    } while (d.kind != KEE_VP_MESSAGE);
}

static void drop(const char *name, unsigned refs)
{
    char text[200];

    (void)snprintf(text, sizeof text, "{\"type\":\"CTP_DROP\",\"slotID\":\"%s\",\"decRefs\":%u}",
                   name, refs);
    assert_int_equal(captp_rig_say(&rig, text), 0);
}

/* The next line has both parts. */
static void says(const char *part, const char *other)
{
    const char *line = captp_rig_take(&rig);

    assert_non_null(line);
    if (strstr(line, part) == NULL || strstr(line, other) == NULL) {
        fail_msg("expected %s and %s, found %s", part, other, line);
    }
}

static void says_nothing(void)
{
    assert_null(captp_rig_take(&rig));
}

static void count_row(void *context, const struct kee_record *record)
{
    (*(size_t *)context)++;
}

static size_t rows(void)
{
    size_t count = 0;

    assert_int_equal(
        kee_kernel_list_peer_clist(rig.rig.kernel, kee_captp_peer(rig.session), count_row, &count),
        0);
    return count;
}

static void too_many_questions_end_a_session(void **state)
{
    begin(true, 3);
    for (unsigned i = 1; i <= 3; i++) {
        call(i, "o-ko1", "[\"a\",[]]", NULL);
    }
    assert_int_equal(kee_captp_questions(rig.session), 3);
    assert_false(rig.closed);
    answer("#1", NULL);
    call(4, "o-ko1", "[\"a\",[]]", NULL);
    assert_false(rig.closed);
    call(5, "o-ko1", "[\"a\",[]]", NULL);
    assert_true(rig.closed);
    says("q-1", "result");
    says("CTP_DISCONNECT", "too many questions");
    assert_int_equal(captp_rig_say(&rig, "{}"), KEE_CAPTP_ENDED);
    says_nothing();
    end();
}

/* What its answers hold is let go of, the oldest first, although the other side drops none of them. */
static void old_answers_are_forgotten(void **state)
{
    begin(false, 0);
    call(1, "q-0", "[\"a\",[]]", NULL);
    says("q-1", "there is no question q-0");
    assert_int_equal(captp_rig_say(&rig, "{\"type\":\"CTP_BOOTSTRAP\",\"questionID\":\"q-2\"}"), 0);
    for (unsigned i = 3; i <= KEE_LIMIT_CAPTP_RETURNED + 2; i++) {
        char slots[24];
        call(i, "q-2", "[\"make\",[]]", NULL);
        (void)snprintf(slots, sizeof slots, "o+%u", i + 100);
        answer("#\"$0.Alleged: made\"", slots);
        while (captp_rig_take(&rig) != NULL) {
        }
    }
    /* The oldest are q-1 and q-3: what is spoken to, as q-2, counts as new. */
    call(99990, "q-4", "[\"still\",[]]", NULL); /* and stays, since it was spoken to */
    answer("#1", NULL);
    says("q-99990", "result");
    for (unsigned i = 0; i < 3; i++) {
        call(99991 + i, "q-4", "[\"more\",[]]", NULL);
        answer("#1", NULL);
        says("q-9999", "result");
    }
    call(99995, "q-4", "[\"stays\",[]]", NULL);
    answer("#1", NULL);
    says("q-99995", "result");
    call(99996, "q-3", "[\"gone\",[]]", NULL);
    says("q-99996", "there is no question q-3");
    call(99997, "q-5", "[\"gone\",[]]", NULL);
    says("q-99997", "there is no question q-5");
    assert_true(rows() <= 2 * KEE_LIMIT_CAPTP_RETURNED + 2);
    end();
}

static void ten_thousand_presences_leave_nothing(void **state)
{
    enum { ROUNDS = 10, EACH = 1000 };
    size_t before;

    begin(false, 0);
    before = rows();
    assert_int_equal(captp_rig_say(&rig, "{\"type\":\"CTP_BOOTSTRAP\",\"questionID\":\"q-1\"}"), 0);
    says("q-1", "o+1000000");
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct kee_buf body = KEE_BUF_EMPTY, slots = KEE_BUF_EMPTY;
        char name[40];
        kee_buf_put_str(&body, "#[");
        for (unsigned i = 0; i < EACH; i++) {
            kee_buf_printf(&body, "%s\"$%u\"", i > 0 ? "," : "", i);
            kee_buf_printf(&slots, "%so+%u", i > 0 ? " " : "", 10 + round * EACH + i);
        }
        kee_buf_put_char(&body, ']');
        call(2 + round, "o-1000000", "[\"many\",[]]", NULL);
        answer(kee_buf_cstr(&body), kee_buf_cstr(&slots));
        assert_non_null(captp_rig_take(&rig));
        assert_true(rows() >= EACH);
        for (unsigned i = 0; i < EACH; i++) {
            (void)snprintf(name, sizeof name, "o-%u", 1000001 + round * EACH + i);
            drop(name, 1);
        }
        (void)snprintf(name, sizeof name, "q-%u", 2 + round);
        drop(name, 1);
        kee_buf_fini(&body);
        kee_buf_fini(&slots);
    }
    drop("o-1000000", 1);
    drop("q-1", 1);
    assert_int_equal(rows(), before);
    says_nothing();
    end();
}

static void take_promise(unsigned question, unsigned promise)
{
    char name[40];

    (void)snprintf(name, sizeof name, "p+%u", promise);
    call(question, "o-ko1", "[\"take\",[{\"@qclass\":\"slot\",\"index\":0}]]", name);
    answer("#1", NULL);
}

static void resolve(unsigned promise, const char *body, const char *slot)
{
    char text[300];

    (void)snprintf(text, sizeof text,
                   "{\"type\":\"CTP_RESOLVE\",\"promiseID\":\"p-%u\",\"res\":{\"body\":\"%s\","
                   "\"slots\":[%s]}}",
                   promise, body, slot);
    assert_int_equal(captp_rig_say(&rig, text), 0);
}

#define SLOT_0 "{\\\"@qclass\\\":\\\"slot\\\",\\\"index\\\":0}"

/* With objects of the other side in it, which must be held as long as the promise may be named. */
static void settled_promises_of_the_other_side_are_kept_for_a_while(void **state)
{
    begin(true, 0);
    for (unsigned i = 1; i <= KEE_LIMIT_CAPTP_KEPT + 1; i++) {
        take_promise(i, i);
        says("CTP_RETURN", "result");
        resolve(i, SLOT_0, "\"o+1\"");
    }
    says("CTP_DROP", "\"p-1\"");
    says_nothing();
    end();
}

/* Others leave no row, are let go of at once, and are what they were when they are named again. */
static void settled_promises_of_the_other_side_hold_nothing(void **state)
{
    struct rig_delivery d;
    struct rig_reply reply;
    char text[80], promise[40], result[40];
    size_t before;

    begin(true, 0);
    take_promise(1, 1);
    says("CTP_RETURN", "result");
    drop("q-1", 1);
    before = rows();
    resolve(1, SLOT_0, "\"o-ko1\"");
    says("CTP_DROP", "\"slotID\":\"p-1\",\"decRefs\":1");
    assert_int_equal(rows(), before - 1);
    for (unsigned i = 2; i <= 3; i++) {
        call(i, "o-ko1", "[\"again\",[{\"@qclass\":\"slot\",\"index\":0}]]", "p+1");
        says("CTP_DROP", "\"slotID\":\"p-1\",\"decRefs\":1");
        assert_true(captp_rig_vat(&rig, &d));
        assert_true(kee_vp_strings_next(&d.slots, &(struct kee_bytes){NULL, 0}));
        rig_text(d.result, result);
        /* It follows the message it was named in. */
        (void)snprintf(promise, sizeof promise, "p-%d", atoi(result + 2) + 1);
        rig_reply_begin(&reply, d.number, NULL);
        rig_reply_subscribe(&reply, promise);
        rig_reply_end(&rig.rig, 1, &reply, NULL);
        captp_rig_run(&rig);
        assert_true(captp_rig_vat(&rig, &d));
        assert_int_equal(d.kind, KEE_VP_NOTIFY);
        assert_false(d.rejected);
        assert_bytes_text(d.body, "#\"$0\"");
        rig_reply_begin(&reply, d.number, NULL);
        rig_reply_resolve(&reply, result, false, "#1", "");
        rig_reply_end(&rig.rig, 1, &reply, NULL);
        captp_rig_run(&rig);
        (void)snprintf(text, sizeof text, "q-%u", i);
        says("CTP_RETURN", text);
        drop(text, 1);
        assert_int_equal(rows(), before - 1);
    }
    end();
}

static void answered_questions_are_dropped_in_time(void **state)
{
    char text[300];

    begin(true, 0);
    call(1, "o-ko1", "[\"take\",[{\"@qclass\":\"slot\",\"index\":0}]]", "o+1");
    for (unsigned i = 1; i <= KEE_LIMIT_CAPTP_KEPT + 1; i++) {
        struct rig_delivery d;
        struct rig_reply reply;
        if (i > 1) {
            call(i, "o-ko1", "[\"again\",[]]", NULL);
        }
        assert_true(captp_rig_vat(&rig, &d));
        rig_reply_begin(&reply, d.number, NULL);
        rig_reply_send(&reply, "o-50", "#[\"note\",[]]", "", "");
        rig_text(d.result, text);
        rig_reply_resolve(&reply, text, false, "#1", "");
        rig_reply_end(&rig.rig, 1, &reply, NULL);
        captp_rig_run(&rig);
        says("CTP_CALL", "\"o-1\"");
        says("CTP_RETURN", "result");
        (void)snprintf(text, sizeof text,
                       "{\"type\":\"CTP_RETURN\",\"answerID\":\"q-%u\",\"result\":{\"body\":\"7\","
                       "\"slots\":[]}}",
                       i);
        assert_int_equal(captp_rig_say(&rig, text), 0);
    }
    says("CTP_DROP", "\"q-1\"");
    says_nothing();
    end();
}

/* A drop that crosses a mention: there the promise is a new one, and must be told anew. */
static void a_promise_whose_drop_crosses_a_mention_is_told_again(void **state)
{
    begin(true, 0);
    call(1, "o-ko1", "[\"promise\",[]]", NULL);
    answer("#[\"&0\"]", "p+7");
    says("CTP_RETURN", "p+kp2");
    call(2, "o-ko1", "[\"promise\",[]]", NULL);
    answer("#[\"&0\"]", "p+7");
    says("CTP_RETURN", "p+kp2");
    call(3, "o-ko1", "[\"settle\",[]]", NULL);
    {
        struct rig_delivery d;
        struct rig_reply reply;
        char result[40];
        assert_true(captp_rig_vat(&rig, &d));
        rig_text(d.result, result);
        rig_reply_begin(&reply, d.number, NULL);
        rig_reply_resolve(&reply, "p+7", false, "#\"kept\"", "");
        rig_reply_resolve(&reply, result, false, "#1", "");
        rig_reply_end(&rig.rig, 1, &reply, NULL);
        captp_rig_run(&rig);
    }
    says("CTP_RESOLVE", "kept");
    says("CTP_RETURN", "q-3");
    drop("p-kp2", 1); /* of the two mentions it had heard one */
    says("CTP_RESOLVE", "kept");
    drop("p-kp2", 1);
    says_nothing();
    end();
}

/* The result of a call, told as a promise besides: what it came to is said twice, and mentioned twice. */
static void a_result_told_twice_counts_twice(void **state)
{
    struct rig_delivery d;
    struct rig_reply reply;
    char result[40], body[80];

    begin(true, 0);
    call(1, "o-ko1", "[\"tell\",[{\"@qclass\":\"slot\",\"index\":0}]]", "o+1");
    assert_true(captp_rig_vat(&rig, &d));
    rig_text(d.result, result);
    rig_reply_begin(&reply, d.number, NULL);
    (void)snprintf(body, sizeof body, "#[\"result\",[\"&0\"]]");
    rig_reply_send(&reply, "o-50", body, result, "");
    rig_reply_end(&rig.rig, 1, &reply, NULL);
    captp_rig_run(&rig);
    says("CTP_CALL", "p+kp1");
    call(2, "o-ko1", "[\"now\",[]]", NULL);
    assert_true(captp_rig_vat(&rig, &d));
    rig_reply_begin(&reply, d.number, NULL);
    rig_reply_resolve(&reply, result, false, "#\"$0.Alleged: both\"", "o+10");
    rig_text(d.result, result);
    rig_reply_resolve(&reply, result, false, "#1", "");
    rig_reply_end(&rig.rig, 1, &reply, NULL);
    captp_rig_run(&rig);
    says("\"q-1\"", "o+ko3");
    says("CTP_RESOLVE", "o+ko3");
    says("\"q-2\"", "result");
    drop("q-1", 1);
    drop("p-kp1", 1);
    drop("o-ko3", 1);
    call(3, "o-ko3", "[\"here\",[]]", NULL);
    answer("#1", "");
    says("\"q-3\"", "result");
    drop("o-ko3", 1);
    call(4, "o-ko3", "[\"gone\",[]]", NULL);
    says("\"q-4\"", "there is no ko3");
    end();
}

/* A get waits for a promise that is dropped meanwhile: it is answered all the same. */
static void what_waits_holds_what_it_waits_for(void **state)
{
    struct rig_delivery d;
    struct rig_reply reply;
    char result[40];

    begin(false, 0);
    assert_int_equal(captp_rig_say(&rig, "{\"type\":\"CTP_BOOTSTRAP\",\"questionID\":\"q-1\"}"), 0);
    says("q-1", "o+1000000");
    call(2, "q-1", "[\"promise\",[]]", NULL);
    answer("#[\"&0\"]", "p+7");
    says("CTP_RETURN", "p+1000001");
    call(3, "p-1000001", "[\"x\"]", NULL);
    call(4, "p-1000001", "[\"after\",[]]", NULL);
    drop("p-1000001", 1);
    drop("q-2", 1);
    assert_int_equal(kee_captp_questions(rig.session), 2);
    call(5, "q-1", "[\"settle\",[]]", NULL);
    assert_true(captp_rig_vat(&rig, &d));
    rig_text(d.result, result);
    rig_reply_begin(&reply, d.number, NULL);
    rig_reply_resolve(&reply, "p+7", false, "#{\"x\":\"$0\"}", "o+20");
    rig_reply_resolve(&reply, result, false, "#1", "");
    rig_reply_end(&rig.rig, 1, &reply, NULL);
    captp_rig_run(&rig);
    says("q-5", "result");
    says("q-3", "o+1000002");
    says("q-4", "exception"); /* a call on data */
    assert_int_equal(kee_captp_questions(rig.session), 0);
    for (unsigned i = 1; i <= 5; i++) {
        (void)snprintf(result, sizeof result, "q-%u", i);
        drop(result, 1);
    }
    drop("o-1000002", 1);
    drop("o-1000000", 1);
    assert_int_equal(rows(), 1);
    end();
}

static void a_session_that_ends_leaves_nothing(void **state)
{
    struct rig_delivery d;

    begin(true, 0);
    call(1, "o-ko1", "[\"take\",[{\"@qclass\":\"slot\",\"index\":0}]]", "p+1");
    call(2, "o-ko1", "[\"wait\",[]]", NULL);
    assert_true(captp_rig_vat(&rig, &d));
    captp_rig_answer(&rig, &d, false, "#[\"$0\",\"&1\"]", "o+10 p+11");
    assert_int_equal(rows(), 6); /* the root, p+1, two results, o+10, p+11 */
    assert_int_equal(captp_rig_say(&rig, "{\"type\":\"CTP_DISCONNECT\"}"), KEE_CAPTP_ENDED);
    says("q-1", "result");
    says("CTP_DISCONNECT", "epoch");
    captp_rig_close(&rig);
    captp_rig_run(&rig);
    answer("#2", NULL); /* the call runs on, and nobody hears of it */
    says_nothing();
    assert_int_equal(rig_audit(&rig.rig), 0);
    captp_rig_open(&rig, true, 0);
    assert_int_equal(rows(), 1);
    end();
}

/* Slots that no part of the body speaks of, and a body that is no method. */
static void words_of_a_strange_vat_do_no_harm(void **state)
{
    struct rig_delivery d;
    struct rig_reply reply;
    char result[40];

    begin(true, 0);
    call(1, "o-ko1", "[\"take\",[{\"@qclass\":\"slot\",\"index\":0}]]", "o+1");
    assert_true(captp_rig_vat(&rig, &d));
    rig_text(d.result, result);
    rig_reply_begin(&reply, d.number, NULL);
    rig_reply_send(&reply, "o-50", "#\"no method\"", "o+21", "p+22");
    rig_reply_send(&reply, "o-50", "#[\"fine\",[\"$1\"]]", "o+20 o+21 o+20", "");
    rig_reply_resolve(&reply, result, false, "#[", "o+23");
    rig_reply_subscribe(&reply, "p+22");
    rig_reply_end(&rig.rig, 1, &reply, NULL);
    captp_rig_run(&rig);
    says("CTP_CALL", "\"slots\":[\"o+ko");
    says("CTP_RETURN", "a value cannot be told");
    assert_true(captp_rig_vat(&rig, &d));
    assert_int_equal(d.kind, KEE_VP_NOTIFY);
    assert_true(d.rejected);
    captp_rig_answer(&rig, &d, false, "", "");
    assert_int_equal(rows(), 4); /* the root, o+1, the result, and what one call named */
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(too_many_questions_end_a_session),
        TEST(old_answers_are_forgotten),
        TEST(ten_thousand_presences_leave_nothing),
        TEST(settled_promises_of_the_other_side_are_kept_for_a_while),
        TEST(settled_promises_of_the_other_side_hold_nothing),
        TEST(answered_questions_are_dropped_in_time),
        TEST(a_promise_whose_drop_crosses_a_mention_is_told_again),
        TEST(a_result_told_twice_counts_twice),
        TEST(what_waits_holds_what_it_waits_for),
        TEST(a_session_that_ends_leaves_nothing),
        TEST(words_of_a_strange_vat_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
