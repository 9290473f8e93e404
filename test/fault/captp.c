/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An allocation fails in a scripted session of CapTP, each in turn: in the session machine or in the kernel
 * under it. What was being done ends with a fault, or, where news cannot give one, with the end of the
 * session; nothing leaks (a sanitizer sees to that), and after the reopening that a fault asks for the audit
 * holds and a new session is served.
 */
#include "cm.h"

#include <stdio.h>
#include <stdlib.h>

#include "alloc_fault.h"
#include "captp_rig.h"

static struct captp_rig rig;
static unsigned answers; /* CTP_RETURN and CTP_RESOLVE that were emitted */

static bool going(void)
{
    return !rig.rig.faulted && !rig.closed && rig.session != NULL;
}

static void count_said(void)
{
    const char *line;

    while ((line = captp_rig_take(&rig)) != NULL) {
        answers += strstr(line, "CTP_RETURN") != NULL || strstr(line, "CTP_RESOLVE") != NULL;
    }
}

static void say(const char *text)
{
    if (going()) {
        (void)captp_rig_say(&rig, text);
    }
}

static void call(const char *question, const char *target, const char *body, const char *slots)
{
    if (going()) {
        (void)captp_rig_call(&rig, question, target, body, slots);
    }
}

/* v1 takes a message, and may send something with it. */
static void vat(const char *send, const char *slots, bool rejected, const char *body,
                const char *body_slots)
{
    struct rig_delivery d;
    struct rig_reply reply;
    char result[40];

    if (!going() || !captp_rig_vat(&rig, &d)) {
        return;
    }
    rig_text(d.result, result);
    rig_reply_begin(&reply, d.number, NULL);
    if (send != NULL) {
        rig_reply_send(&reply, send, "#[\"go\",[\"$0\"]]", slots, "p+40");
        rig_reply_subscribe(&reply, "p+40");
    }
    if (result[0] != 0) {
        rig_reply_resolve(&reply, result, rejected, body, body_slots);
    }
    rig_reply_end(&rig.rig, 1, &reply, NULL);
    captp_rig_run(&rig);
}

static void script(bool owner)
{
    char text[300];

    captp_rig_open(&rig, owner, 0);
    say("{\"type\":\"CTP_BOOTSTRAP\",\"questionID\":\"q-1\"}");
    call("q-2", "q-1",
         "[\"use\",[{\"@qclass\":\"slot\",\"index\":0},{\"@qclass\":\"slot\",\"index\":1}]]",
         "o+1 p+1");
    vat("o-50", "o+9", false, "#{\"a\":[\"$0\",\"&1\"],\"b\":\"$2\"}", "o+9 p+41 o-50");
    call("q-3", "q-2", "[\"a\"]", NULL);
    call("q-4", "q-3", "[\"1\"]", NULL);
    call("q-5", "q-1", "[\"later\",[{\"@qclass\":\"oops\"}]]", "o+3");
    call("q-6", "q-1", "[\"later\",[]]", NULL);
    call("q-7", "q-6", "[\"x\"]", NULL);
    call("q-8", "q-7", "[\"go\",[]]", NULL);
    say("{\"type\":\"CTP_RETURN\",\"answerID\":\"q-1\",\"result\":{\"body\":\"{\\\"@qclass\\\":"
        "\\\"slot\\\","
        "\\\"index\\\":0}\",\"slots\":[\"o+2\"]}}");
    say("{\"type\":\"CTP_RESOLVE\",\"promiseID\":\"p-1\",\"rej\":{\"body\":\"7\",\"slots\":[]}}");
    for (unsigned i = 0; i < 3; i++) {
        vat(NULL, NULL, i == 2, "#{\"x\":\"$0\"}", "o+9");
    }
    (void)snprintf(text, sizeof text, "{\"type\":\"CTP_DROP\",\"slotID\":\"o-%s\",\"decRefs\":1}",
                   owner ? "ko2" : "1000001");
    say(text);
    for (unsigned i = 1; i <= 8; i++) {
        (void)snprintf(text, sizeof text,
                       "{\"type\":\"CTP_DROP\",\"slotID\":\"q-%u\",\"decRefs\":1}", i);
        say(text);
    }
    say("{\"type\":\"CTP_DISCONNECT\",\"reason\":\"enough\"}");
}

static void each_allocation_may_fail(void **state)
{
    unsigned answers_of_all = 0;

    (void)state;
    for (unsigned owner = 0; owner < 2; owner++) {
        bool fired = true;
        for (uint64_t nth = 0; fired; nth++) { /* 0: none does */
            captp_rig_init(&rig, "alice");
            rig.rig.faults_on = alloc_fault_on;
            answers = 0;
            if (nth > 0) {
                alloc_fault_arm(nth);
            }
            script(owner == 1);
            fired = nth == 0 || alloc_fault_disarm();
            alloc_fault_on(false);
            count_said();
            if (nth == 0) {
                answers_of_all = answers;
                assert_true(answers >= 8);
            } else if (!fired) {
                assert_int_equal(answers, answers_of_all);
            }
            captp_rig_close(&rig);
            if (rig.rig.faulted) {
                rig_crash(&rig.rig);
            }
            rig.rig.faults_on = NULL;
            captp_rig_run(&rig);
            assert_int_equal(rig_audit(&rig.rig), 0);
            captp_rig_open(&rig, true, 0);
            assert_int_equal(
                captp_rig_say(&rig, "{\"type\":\"CTP_BOOTSTRAP\",\"questionID\":\"q-1\"}"), 0);
            assert_non_null(captp_rig_take(&rig));
            captp_rig_fini(&rig);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(each_allocation_may_fail)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
