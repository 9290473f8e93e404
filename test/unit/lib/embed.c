/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of keeve/keeve.h and keeve/vat.h: a kernel in this program, with vats in C alone (probe_rig.h). */
#include "cm.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "probe_rig.h"

static void rows_outlive_the_kernel(void **state)
{
    struct probe_rig fixture;
    struct probe_heard heard;
    char root[KEEVE_NAME_SIZE];

    (void)state;
    probe_rig_init(&fixture);
    probe_launch_one(&fixture);
    assert_string_equal(probe_ask(&fixture, fixture.root, "get", "[\"k\"]", &heard), "null");
    (void)probe_ask(&fixture, fixture.root, "set", "[\"k\",\"v\\u0000w\"]", &heard);
    assert_string_equal(probe_ask(&fixture, fixture.root, "get", "[\"k\"]", &heard),
                        "\"v\\u0000w\"");
    probe_rig_reopen(&fixture);
    assert_int_equal(keeve_find_root(fixture.kernel, NULL, "a", root), KEEVE_OK);
    assert_string_equal(root, fixture.root);
    assert_string_equal(probe_ask(&fixture, root, "get", "[\"k\"]", &heard), "\"v\\u0000w\"");
    assert_int_equal(keeve_find_root(fixture.kernel, "s2", "a", root), KEEVE_NO_SUCH);
    assert_int_equal(keeve_find_root(fixture.kernel, NULL, "b", root), KEEVE_NO_SUCH);
    probe_rig_fini(&fixture);
}

static void a_crank_sees_its_own_rows_in_order(void **state)
{
    struct probe_rig fixture;
    struct probe_heard heard;

    (void)state;
    probe_rig_init(&fixture);
    probe_launch_one(&fixture);
    (void)probe_ask(&fixture, fixture.root, "set", "[\"m.b\",\"1\"]", &heard);
    (void)probe_ask(&fixture, fixture.root, "set", "[\"m.d\",\"1\"]", &heard);
    (void)probe_ask(&fixture, fixture.root, "set", "[\"m.f\",\"1\"]", &heard);
    (void)probe_ask(&fixture, fixture.root, "set", "[\"m\",\"1\"]", &heard);
    (void)probe_ask(&fixture, fixture.root, "set", "[\"n\",\"1\"]", &heard);
    assert_string_equal(probe_ask(&fixture, fixture.root, "muddle", "[\"m.\",\"\"]", &heard),
                        "[\"m.a\",\"m.b\",\"m.e\",\"m.f\"]");
    assert_string_equal(probe_ask(&fixture, fixture.root, "list", "[\"m\",\"\"]", &heard),
                        "[\"m\",\"m.a\",\"m.b\",\"m.e\",\"m.f\"]");
    assert_string_equal(probe_ask(&fixture, fixture.root, "list", "[\"\",\"m.b\"]", &heard),
                        "[\"m.e\",\"m.f\",\"n\"]");
    probe_rig_fini(&fixture);
}

static void a_failed_crank_leaves_nothing(void **state)
{
    struct probe_rig fixture;
    struct probe_heard heard;

    (void)state;
    probe_rig_init(&fixture);
    probe_launch_one(&fixture);
    /* Tried twice, then rejected by name. */
    (void)probe_ask(&fixture, fixture.root, "fail", "[\"k\"]", &heard);
    assert_int_equal(heard.status, KEEVE_ANSWER_REJECTED);
    assert_non_null(strstr(heard.text, "[KERNEL:DELIVERY_FAILED]"));
    assert_non_null(strstr(heard.text, "as it was told"));
    assert_string_equal(probe_ask(&fixture, fixture.root, "get", "[\"k\"]", &heard), "null");
    assert_int_equal(fixture.starts, 3);
    probe_rig_fini(&fixture);
    /* The first time only: the second try is answered, and the first left no row. */
    probe_rig_init(&fixture);
    probe_launch_one(&fixture);
    assert_string_equal(probe_ask(&fixture, fixture.root, "once", "[\"k\"]", &heard), "null");
    assert_int_equal(heard.status, KEEVE_ANSWER_FULFILLED);
    assert_int_equal(fixture.starts, 2);
    probe_rig_fini(&fixture);
}

static void promises_go_between_vats(void **state)
{
    struct probe_rig fixture;
    struct probe_heard heard, later = {0};
    char b[KEEVE_NAME_SIZE], args[200];

    (void)state;
    probe_rig_init(&fixture);
    probe_launch(&fixture, TWO_VATS, &heard);
    assert_int_equal(keeve_find_root(fixture.kernel, heard.subcluster, "b", b), KEEVE_OK);
    (void)snprintf(args, sizeof args, "[{\"kref\":\"%s\"},\"which\"]", b);
    assert_string_equal(probe_ask(&fixture, fixture.root, "ask", args, &heard), "\"o+0\"");
    /* A rejection arrives as one, with its reason. */
    (void)snprintf(args, sizeof args, "[{\"kref\":\"%s\"},\"nonsense\"]", b);
    assert_string_equal(probe_ask(&fixture, fixture.root, "ask", args, &heard),
                        "{\"@error\":\"no such method\",\"name\":\"TypeError\"}");
    assert_int_equal(heard.status, KEEVE_ANSWER_REJECTED);
    /* An answer that comes in a later crank. */
    probe_send(&fixture, b, "later", "[]", &later);
    (void)probe_ask(&fixture, b, "which", "[]", &heard);
    assert_int_equal(later.count, 0);
    (void)probe_ask(&fixture, b, "finish", "[[1,{\"@bigint\":\"2\"}]]", &heard);
    probe_wait(&fixture, &later, 1);
    assert_string_equal(later.text, "[1,{\"@bigint\":\"2\"}]");
    probe_rig_fini(&fixture);
}

static void a_promise_dies_with_the_heap_that_owes_it(void **state)
{
    struct probe_rig fixture;
    struct probe_heard later;

    (void)state;
    probe_rig_init(&fixture);
    probe_launch_one(&fixture);
    probe_send(&fixture, fixture.root, "later", "[]", &later);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(keeve_wait(fixture.kernel, 10), KEEVE_OK);
    }
    assert_int_equal(keeve_restart(fixture.kernel, "v1", "a test"), KEEVE_OK);
    probe_wait(&fixture, &later, 1);
    assert_int_equal(later.status, KEEVE_ANSWER_REJECTED);
    assert_non_null(strstr(later.text, "vatUpgraded"));
    probe_rig_fini(&fixture);
}

static void exports_are_durable_or_not(void **state)
{
    struct probe_rig fixture;
    struct probe_heard heard;
    char brief[KEEVE_NAME_SIZE], lasting[KEEVE_NAME_SIZE];

    (void)state;
    probe_rig_init(&fixture);
    probe_launch_one(&fixture);
    (void)probe_ask(&fixture, fixture.root, "make", "[]", &heard);
    (void)snprintf(brief, sizeof brief, "%s", heard.kref);
    (void)probe_ask(&fixture, fixture.root, "makeDurable", "[]", &heard);
    (void)snprintf(lasting, sizeof lasting, "%s", heard.kref);
    assert_string_equal(probe_ask(&fixture, brief, "which", "[]", &heard), "\"o+7\"");
    assert_string_equal(probe_ask(&fixture, lasting, "which", "[]", &heard), "\"o+d10/1\"");
    assert_string_equal(probe_ask(&fixture, lasting, NULL, "[]", &heard), "\"o+d10/1\"");
    assert_int_equal(keeve_pin(fixture.kernel, lasting), KEEVE_OK);
    probe_rig_reopen(&fixture);
    assert_string_equal(probe_ask(&fixture, lasting, "which", "[]", &heard), "\"o+d10/1\"");
    (void)probe_ask(&fixture, fixture.root, "make", "[]", &heard);
    assert_string_not_equal(heard.kref, brief); /* the number is the vat's, the kref is new */
    assert_int_equal(keeve_unpin(fixture.kernel, lasting), KEEVE_OK);
    assert_int_equal(keeve_unpin(fixture.kernel, lasting), KEEVE_STATE);
    assert_int_equal(keeve_revoke(fixture.kernel, lasting), KEEVE_OK);
    (void)probe_ask(&fixture, fixture.root, "which", "[]", &heard);
    probe_rig_fini(&fixture);
}

static void what_is_dropped_is_collected(void **state)
{
    struct probe_rig fixture;
    struct probe_heard heard;
    char made[KEEVE_NAME_SIZE];

    (void)state;
    probe_rig_init(&fixture);
    probe_launch_one(&fixture);
    (void)probe_ask(&fixture, fixture.root, "make", "[]", &heard);
    (void)snprintf(made, sizeof made, "%s", heard.kref);
    (void)probe_ask(&fixture, fixture.root, "which", "[]", &heard);
    assert_int_equal(fixture.drops, 0);
    assert_int_equal(keeve_hold(fixture.kernel, made),
                     KEEVE_OK); /* holding twice is holding once */
    assert_int_equal(keeve_drop(fixture.kernel, made), KEEVE_OK);
    assert_int_equal(keeve_drop(fixture.kernel, made), KEEVE_OK);
    for (int i = 0; fixture.drops == 0; i++) {
        assert_true(i < PATIENCE_TURNS);
        assert_int_equal(keeve_wait(fixture.kernel, 10), KEEVE_OK);
    }
    (void)probe_ask(&fixture, fixture.root, "which", "[]", &heard);
    assert_int_equal(fixture.drops, 1);
    assert_int_equal(keeve_send(fixture.kernel, made, "which", NULL, NULL, NULL, NULL),
                     KEEVE_NO_SUCH);
    assert_int_equal(keeve_collect(fixture.kernel), KEEVE_OK);
    for (int i = 0; fixture.collects == 0; i++) {
        assert_true(i < PATIENCE_TURNS);
        assert_int_equal(keeve_wait(fixture.kernel, 10), KEEVE_OK);
    }
    probe_rig_fini(&fixture);
}

/* While an answer that names it is on its way, dropping does not take it away. */
static void dropping_does_not_cross_an_answer(void **state)
{
    struct probe_rig fixture;
    struct probe_heard first, second;

    (void)state;
    probe_rig_init(&fixture);
    probe_launch_one(&fixture);
    (void)probe_ask(&fixture, fixture.root, "make", "[]", &first);
    probe_send(&fixture, fixture.root, "make", "[]", &second);
    for (int i = 0; second.count == 0; i++) {
        assert_true(i < PATIENCE_TURNS);
        assert_int_equal(keeve_drop(fixture.kernel, first.kref), KEEVE_OK);
        assert_int_equal(keeve_wait(fixture.kernel, 10), KEEVE_OK);
    }
    /* Either it was told anew, or it was collected before and a new one made. */
    assert_string_equal(probe_ask(&fixture, second.kref, "which", "[]", &first), "\"o+7\"");
    probe_rig_fini(&fixture);
}

static void kept_imports_outlive_restarts(void **state)
{
    struct probe_rig fixture;
    struct probe_heard heard;
    char b[KEEVE_NAME_SIZE], args[200];

    (void)state;
    probe_rig_init(&fixture);
    probe_launch(&fixture, TWO_VATS, &heard);
    assert_int_equal(keeve_find_root(fixture.kernel, NULL, "b", b), KEEVE_OK);
    (void)probe_ask(&fixture, b, "makeDurable", "[]", &heard);
    (void)snprintf(args, sizeof args, "[{\"kref\":\"%s\"}]", heard.kref);
    (void)probe_ask(&fixture, fixture.root, "put", args, &heard);
    assert_int_equal(heard.status, KEEVE_ANSWER_FULFILLED);
    probe_rig_reopen(&fixture);
    assert_string_equal(probe_ask(&fixture, fixture.root, "poke", "[]", &heard), "\"o+d10/1\"");
    probe_rig_fini(&fixture);
}

static void a_vat_that_is_not_there_is_declined(void **state)
{
    struct probe_rig fixture;
    struct probe_heard heard;
    struct keeve_value *status = NULL;
    int64_t vats = -1;

    (void)state;
    probe_rig_init(&fixture);
    probe_launch(&fixture,
                 "{\"bootstrap\":\"a\",\"vats\":{\"a\":{\"bundleName\":\"nobody\","
                 "\"creationOptions\":{\"flavour\":\"native\"}}}}",
                 &heard);
    assert_int_equal(heard.status, KEEVE_ANSWER_DECLINED);
    assert_non_null(strstr(heard.text, "registered as \"nobody\""));
    probe_launch(&fixture,
                 "{\"bootstrap\":\"a\",\"vats\":{\"a\":" PROBE ",\"parameters\":{\"refuse\":1}}}}",
                 &heard);
    assert_int_equal(heard.status, KEEVE_ANSWER_DECLINED);
    assert_non_null(strstr(heard.text, "asked to refuse"));
    fixture.stops++; /* one that did not start is not stopped */
    probe_launch(
        &fixture,
        "{\"bootstrap\":\"a\",\"vats\":{\"a\":{\"sourceSpec\":\"data:text/javascript,1\"}}}",
        &heard);
    assert_int_equal(heard.status, KEEVE_ANSWER_DECLINED); /* native only */
    assert_int_equal(keeve_status(fixture.kernel, &status), KEEVE_OK);
    assert_true(keeve_value_int64(keeve_value_member(status, "vats"), &vats) && vats == 0);
    keeve_value_free(status);
    probe_rig_fini(&fixture);
}

static void mistakes_are_told(void **state)
{
    struct probe_rig fixture;
    struct probe_heard heard = {0};
    struct keeve_value *no_array = keeve_make_number(1);
    struct keeve_value *bad_ref = keeve_value_from_json("[{\"kref\":\"ko999\"}]", NULL, 0);
    struct keeve_kernel *kernel;

    (void)state;
    probe_rig_init(&fixture);
    probe_launch_one(&fixture);
    kernel = fixture.kernel;
    assert_int_equal(keeve_launch(kernel, "{", NULL, probe_on_answer, &heard, NULL), KEEVE_BAD);
    assert_int_equal(keeve_launch(kernel, "{}", NULL, probe_on_answer, &heard, NULL), KEEVE_BAD);
    assert_non_null(strstr(keeve_why(kernel), "bootstrap"));
    assert_int_equal(keeve_launch(kernel, ONE_VAT, "relative", probe_on_answer, &heard, NULL),
                     KEEVE_BAD);
    assert_int_equal(keeve_send(kernel, "o+0", "x", NULL, probe_on_answer, &heard, NULL),
                     KEEVE_BAD);
    assert_int_equal(keeve_send(kernel, "ko999", "x", NULL, probe_on_answer, &heard, NULL),
                     KEEVE_NO_SUCH);
    assert_int_equal(keeve_send(kernel, fixture.root, "x", no_array, probe_on_answer, &heard, NULL),
                     KEEVE_BAD);
    assert_int_equal(keeve_send(kernel, fixture.root, "x", bad_ref, probe_on_answer, &heard, NULL),
                     KEEVE_NO_SUCH);
    assert_int_equal(keeve_send(kernel, fixture.root, "\xff", NULL, probe_on_answer, &heard, NULL),
                     KEEVE_BAD);
    assert_int_equal(keeve_terminate(kernel, "x"), KEEVE_BAD);
    assert_int_equal(keeve_terminate(kernel, "v99"), KEEVE_NO_SUCH);
    assert_int_equal(keeve_restart(kernel, "s1", NULL), KEEVE_BAD);
    assert_int_equal(keeve_register(kernel, &probe_program), KEEVE_STATE);
    probe_program.size--;
    assert_int_equal(keeve_register(kernel, &probe_program), KEEVE_BAD);
    probe_program.size++;
    assert_int_equal(heard.count, 0);
    (void)probe_ask(&fixture, fixture.root, "trespass", "[]", &heard);
    assert_int_equal(fixture.trespassed, KEEVE_STATE);
    keeve_value_free(no_array);
    keeve_value_free(bad_ref);
    probe_rig_fini(&fixture);
}

static void a_wrong_system_call_fails_the_crank(void **state)
{
    struct probe_rig fixture;
    struct probe_heard heard;

    (void)state;
    probe_rig_init(&fixture);
    probe_launch_one(&fixture);
    (void)probe_ask(&fixture, fixture.root, "ask", "[\"nonsense\",\"x\"]", &heard);
    assert_int_equal(heard.status, KEEVE_ANSWER_REJECTED);
    assert_non_null(strstr(heard.text, "expected the name of an object or a promise"));
    (void)probe_ask(&fixture, fixture.root, "ask", "[\"o-999\",\"x\"]", &heard);
    assert_int_equal(heard.status, KEEVE_ANSWER_REJECTED);
    assert_non_null(strstr(heard.text, "ILLEGAL_SYSCALL"));
    (void)probe_ask(&fixture, fixture.root, "forget", "[\"o+0\"]", &heard);
    assert_int_equal(heard.status, KEEVE_ANSWER_REJECTED);
    assert_string_equal(probe_ask(&fixture, fixture.root, "which", "[]", &heard), "\"o+0\"");
    probe_rig_fini(&fixture);
}

static void closing_tells_every_call(void **state)
{
    struct probe_rig fixture;
    struct probe_heard heard, later, cancelled;
    uint64_t call = 0;

    (void)state;
    probe_rig_init(&fixture);
    probe_launch_one(&fixture);
    probe_send(&fixture, fixture.root, "later", "[]", &later);
    cancelled = (struct probe_heard){0};
    assert_int_equal(
        keeve_send(fixture.kernel, fixture.root, "later", NULL, probe_on_answer, &cancelled, &call),
        KEEVE_OK);
    (void)probe_ask(&fixture, fixture.root, "which", "[]", &heard);
    keeve_cancel(fixture.kernel, call);
    keeve_cancel(fixture.kernel, call);
    probe_rig_fini(&fixture);
    assert_int_equal(later.count, 1);
    assert_int_equal(later.status, KEEVE_ANSWER_LOST);
    assert_int_equal(cancelled.count, 0);
}

static void paused_nothing_is_delivered(void **state)
{
    struct probe_rig fixture;
    struct probe_heard heard, durable = {0};
    struct keeve_value *status = NULL;

    (void)state;
    probe_rig_init(&fixture);
    probe_launch_one(&fixture);
    keeve_pause(fixture.kernel);
    assert_true(keeve_is_paused(fixture.kernel));
    probe_send(&fixture, fixture.root, "set", "[\"k\",\"v\"]", &heard);
    assert_int_equal(keeve_when_durable(fixture.kernel, probe_on_answer, &durable), KEEVE_OK);
    probe_wait(&fixture, &durable, 1);
    assert_int_equal(durable.status, KEEVE_ANSWER_FULFILLED);
    assert_int_equal(heard.count, 0);
    assert_int_equal(keeve_status(fixture.kernel, &status), KEEVE_OK);
    assert_true(keeve_value_is_string(keeve_value_member(status, "state"), "paused"));
    assert_string_equal(
        keeve_value_text(
            keeve_value_member(
                keeve_value_member(
                    keeve_value_member(
                        keeve_value_item(keeve_value_member(status, "subclusters"), 0), "vats"),
                    "a"),
                "root"),
            NULL),
        fixture.root);
    keeve_value_free(status);
    keeve_resume(fixture.kernel);
    probe_wait(&fixture, &heard, 1);
    assert_int_equal(keeve_flush(fixture.kernel), KEEVE_OK);
    probe_rig_fini(&fixture);
}

static void vats_end(void **state)
{
    struct probe_rig fixture;
    struct probe_heard heard;

    (void)state;
    probe_rig_init(&fixture);
    probe_launch_one(&fixture);
    (void)probe_ask(&fixture, fixture.root, "exit", "[]", &heard);
    (void)probe_ask(&fixture, fixture.root, "which", "[]", &heard);
    assert_int_equal(heard.status, KEEVE_ANSWER_REJECTED);
    probe_launch(&fixture, ONE_VAT, &heard);
    assert_int_equal(keeve_terminate(fixture.kernel, heard.subcluster), KEEVE_OK);
    (void)probe_ask(&fixture, fixture.root, "which", "[]", &heard);
    assert_int_equal(heard.status, KEEVE_ANSWER_REJECTED);
    probe_rig_fini(&fixture);
}

static void what_cannot_be_opened_says_why(void **state)
{
    struct scratch scratch;
    struct keeve_kernel *kernel = NULL, *other = NULL;
    struct keeve_error error;
    struct keeve_options options = {.size = sizeof options, .native_only = true};

    (void)state;
    scratch_init_in_memory(&scratch);
    assert_int_equal(keeve_open(&kernel, &options, &error), KEEVE_BAD);
    options.directory = scratch.path;
    options.size = 3;
    assert_int_equal(keeve_open(&kernel, &options, &error), KEEVE_BAD);
    options.size = sizeof options;
    options.native_only = false;
    options.worker_program = "/nonexistent/keeve-vat";
    assert_int_equal(keeve_open(&kernel, &options, &error), KEEVE_REFUSED);
    assert_non_null(strstr(error.text, "/nonexistent/keeve-vat"));
    options.native_only = true;
    assert_int_equal(keeve_open(&kernel, &options, NULL), KEEVE_OK);
    assert_int_equal(keeve_open(&other, &options, &error), KEEVE_REFUSED);
    assert_null(other);
    assert_true(strlen(error.text) > 0);
    keeve_close(kernel);
    keeve_close(NULL);
    options.directory = "/nonexistent/world";
    assert_int_equal(keeve_open(&kernel, &options, &error), KEEVE_REFUSED);
    scratch_fini(&scratch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_outlive_the_kernel),
        cmocka_unit_test(a_crank_sees_its_own_rows_in_order),
        cmocka_unit_test(a_failed_crank_leaves_nothing),
        cmocka_unit_test(promises_go_between_vats),
        cmocka_unit_test(a_promise_dies_with_the_heap_that_owes_it),
        cmocka_unit_test(exports_are_durable_or_not),
        cmocka_unit_test(what_is_dropped_is_collected),
        cmocka_unit_test(dropping_does_not_cross_an_answer),
        cmocka_unit_test(kept_imports_outlive_restarts),
        cmocka_unit_test(a_vat_that_is_not_there_is_declined),
        cmocka_unit_test(mistakes_are_told),
        cmocka_unit_test(a_wrong_system_call_fails_the_crank),
        cmocka_unit_test(closing_tells_every_call),
        cmocka_unit_test(paused_nothing_is_delivered),
        cmocka_unit_test(vats_end),
        cmocka_unit_test(what_cannot_be_opened_says_why),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
