/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of who holds an object: drops, pins, kernel/holders.c, and revoking. */
#include "cm.h"

#include <stdio.h>

#include "pair_rig.h"

static void dropped_exports_reach_their_owner(void **state)
{
    struct pair f;
    struct rig_delivery d;
    struct rig_reply reply;

    pair_init(&f);
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
    pair_fini(&f);
}

/* What lost its owner is forgotten by who still recognizes it, once nobody can reach it. */
static void orphans_are_retired_by_their_importers(void **state)
{
    struct pair f;
    struct rig_delivery d;
    struct rig_reply reply;
    struct kee_bytes name;

    pair_init(&f);
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
    pair_fini(&f);
}

/* Drops v2's import of it, in the crank of a message to v2's root. */
static void drop_it(struct pair *f)
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
    struct pair f;
    struct rig_delivery d;
    char it[24] = "";

    pair_init(&f);
    pair_give(&f);
    assert_int_equal(kee_kernel_list_objects(f.rig.kernel, pair_last_object, it), 0);
    assert_int_equal(kee_kernel_unpin(f.rig.kernel, rig_kref(it)), KEE_KERNEL_STATE);
    assert_int_equal(kee_kernel_pin(f.rig.kernel, rig_kref(it)), 0);
    assert_int_equal(kee_kernel_pin(f.rig.kernel, rig_kref(it)), 0);
    assert_int_equal(rig_audit(&f.rig), 0);
    drop_it(&f);
    assert_false(rig_ok(&f.rig, 1)); /* its owner is told nothing */
    assert_int_equal(kee_kernel_unpin(f.rig.kernel, rig_kref(it)), 0);
    assert_int_equal(kee_kernel_pin(f.rig.kernel, rig_kref(it)), KEE_KERNEL_STATE);
    rig_run(&f.rig);
    assert_true(rig_take(&f.rig, 1, &d));
    assert_int_equal(d.kind, KEE_VP_DROP_EXPORTS);
    assert_int_equal(kee_kernel_pin(f.rig.kernel, rig_kref("ko999999")), KEE_KERNEL_NO_SUCH);
    pair_fini(&f);
}

static void a_pin_outlives_a_crash(void **state)
{
    struct pair f;
    char it[24] = "";

    pair_init(&f);
    pair_give(&f);
    assert_int_equal(kee_kernel_list_objects(f.rig.kernel, pair_last_object, it), 0);
    assert_int_equal(kee_kernel_pin(f.rig.kernel, rig_kref(it)), 0);
    assert_int_equal(kee_world_flush(f.rig.world), 0);
    rig_crash(&f.rig);
    rig_run(&f.rig);
    assert_int_equal(rig_audit(&f.rig), 0);
    assert_int_equal(kee_kernel_unpin(f.rig.kernel, rig_kref(it)), 0);
    pair_fini(&f);
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
    struct pair f;
    struct rig_delivery d;
    struct rig_reply reply;
    struct held held = {0};
    char it[24] = "";

    pair_init(&f);
    pair_give(&f);
    assert_int_equal(kee_kernel_list_objects(f.rig.kernel, pair_last_object, it), 0);
    assert_int_equal(kee_kernel_pin(f.rig.kernel, rig_kref(it)), 0);
    assert_int_equal(rig_send(&f.rig, f.b, "#[\"back\",[]]", NULL, 41), 0);
    rig_run(&f.rig);
    assert_true(rig_take(&f.rig, 2, &d));
    rig_reply_begin(&reply, d.number, NULL);
    rig_reply_send(&reply, "o-50", "#[\"itself\",[\"$0\",\"$0\"]]", "o-50 o-50", NULL);
    rig_reply_resolve(&reply, "p-60", false, "#\"$0\"", "o-50");
    rig_reply_end(&f.rig, 2, &reply, NULL);
    kee_kernel_pause(f.rig.kernel);
    rig_run(&f.rig);
    assert_int_equal(kee_kernel_who_holds(f.rig.kernel, rig_kref(it), add_holder, &held), 0);
    assert_string_equal(held.text, "v1 owner; v2 import; operator pin; console named in an "
                                   "answer; v1 queue; ");
    assert_int_equal(held.references, 6); /* the message names it three times */
    assert_int_equal(kee_kernel_who_holds(f.rig.kernel, rig_kref("ko999999"), add_holder, &held),
                     KEE_KERNEL_NO_SUCH);
    pair_fini(&f);
}

/* What a vat was still to hear goes with it. */
static void a_vat_takes_what_it_was_to_hear_along(void **state)
{
    struct pair f;
    struct rig_delivery d;
    struct rig_reply reply;

    pair_init(&f);
    pair_give(&f);
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
    pair_fini(&f); /* with an audit */
}

/* What is queued rejects as well as what comes later; what the worker has been handed is carried out. */
static void a_revoked_object_is_sent_to_in_vain(void **state)
{
    struct pair f;
    struct rig_delivery d;
    bool more;

    pair_init(&f);
    assert_int_equal(rig_send(&f.rig, f.b, "#[\"one\",[]]", NULL, 31), 0);
    rig_run(&f.rig);
    kee_kernel_pause(f.rig.kernel);
    assert_int_equal(rig_send(&f.rig, f.b, "#[\"two\",[]]", NULL, 32), 0);
    assert_int_equal(kee_kernel_revoke(f.rig.kernel, rig_kref(f.b)), 0);
    assert_int_equal(kee_kernel_revoke(f.rig.kernel, rig_kref(f.b)), 0);
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
    assert_int_equal(kee_kernel_revoke(f.rig.kernel, rig_kref("kp999999")), KEE_KERNEL_NO_SUCH);
    pair_fini(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dropped_exports_reach_their_owner),
        cmocka_unit_test(orphans_are_retired_by_their_importers),
        cmocka_unit_test(a_pin_holds_until_it_is_taken_back),
        cmocka_unit_test(a_pin_outlives_a_crash),
        cmocka_unit_test(holders_are_found),
        cmocka_unit_test(a_vat_takes_what_it_was_to_hear_along),
        cmocka_unit_test(a_revoked_object_is_sent_to_in_vain),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
