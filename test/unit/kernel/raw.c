/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of what the kernel does differently for raw vats: names that outlive the heap, one delivery at a
 * time, no messages for promises it has yet to settle. */
#include "cm.h"

#include <stdio.h>

#include "kernel_rig.h"

struct fixture {
    struct rig rig;
    char plain[24], raw[24]; /* roots of v1 and v2 */
};

static void fixture_init(struct fixture *f)
{
    rig_init(&f->rig);
    rig_launch(&f->rig, "plain raw", 1);
    assert_true(rig_ok(&f->rig, 1)); /* bootstrap */
    rig_run(&f->rig);
    rig_root(&f->rig, 1, f->plain);
    rig_root(&f->rig, 2, f->raw);
}

static void fixture_fini(struct fixture *f)
{
    assert_int_equal(rig_audit(&f->rig), 0);
    rig_fini(&f->rig);
}

/* The kref that the plain vat knows as vref, found by having it answer with it. From then on durable data
 * of the plain vat holds it. */
static void ask_for(struct fixture *f, const char *vref, uint64_t call, char out[24])
{
    struct rig_delivery d;
    struct rig_reply reply;
    char result[40], row[40];

    assert_int_equal(rig_send(&f->rig, f->plain, "#[\"get\",[]]", NULL, call), 0);
    rig_run(&f->rig);
    assert_true(rig_take(&f->rig, 1, &d));
    rig_text(d.result, result);
    rig_reply_begin(&reply, d.number, NULL);
    rig_reply_resolve(&reply, result, false, "#\"$0\"", vref);
    (void)snprintf(row, sizeof row, "vom.rc.%s=1", vref);
    rig_reply_end(&f->rig, 1, &reply, row);
    rig_run(&f->rig);
    (void)snprintf(out, 24, "%.23s", rig_answer(&f->rig, call)->slots);
    out[strcspn(out, " ")] = '\0';
}

/* The raw vat is told of the plain one's root, and sends it facet 7. */
static void introduce(struct fixture *f)
{
    struct rig_delivery d;
    struct rig_reply reply;

    assert_int_equal(rig_send(&f->rig, f->raw, "#[\"meet\",[\"$0\"]]", f->plain, 0), 0);
    rig_run(&f->rig);
    assert_true(rig_take(&f->rig, 2, &d));
    rig_reply_begin(&reply, d.number, NULL);
    rig_reply_send(&reply, "o-50", "[\"take\",[]]", "o+7", NULL);
    rig_reply_end(&f->rig, 2, &reply, NULL);
    rig_run(&f->rig);
    assert_true(rig_ok(&f->rig, 1));
    rig_run(&f->rig);
}

static void exports_and_imports_outlive_the_heap(void **state)
{
    struct fixture f;
    struct rig_delivery d;
    struct rig_reply reply;
    char facet[24];

    fixture_init(&f);
    introduce(&f);
    ask_for(&f, "o-51", 2, facet);
    rig_crash(&f.rig);
    assert_int_equal(rig_send(&f.rig, facet, "#[\"again\",[]]", NULL, 0), 0);
    rig_run(&f.rig);
    assert_true(rig_ok(&f.rig, 2)); /* START */
    rig_run(&f.rig);
    assert_true(rig_take(&f.rig, 2, &d));
    assert_bytes_text(d.target, "o+7");
    rig_reply_begin(&reply, d.number, NULL);
    rig_reply_send(&reply, "o-50", "[\"still\",[]]", NULL, NULL);
    rig_reply_end(&f.rig, 2, &reply, NULL);
    rig_run(&f.rig);
    assert_true(rig_ok(&f.rig, 1)); /* START */
    rig_run(&f.rig);
    assert_true(rig_take(&f.rig, 1, &d));
    assert_bytes_text(d.target, "o+0");
    assert_bytes_text(d.body, "[\"still\",[]]");
    rig_reply_begin(&reply, d.number, NULL);
    rig_reply_end(&f.rig, 1, &reply, NULL);
    fixture_fini(&f);
}

static void promises_of_the_old_heap_are_rejected(void **state)
{
    struct fixture f;
    struct rig_delivery d;

    fixture_init(&f);
    assert_int_equal(rig_send(&f.rig, f.raw, "#[\"slow\",[]]", NULL, 2), 0);
    rig_run(&f.rig);
    assert_true(rig_ok(&f.rig, 2)); /* the result is taken, and not settled */
    rig_run(&f.rig);
    assert_int_equal(rig_send(&f.rig, f.raw, "#[\"die\",[]]", NULL, 0), 0);
    rig_run(&f.rig);
    for (int i = 0; i < 2; i++) {
        struct rig_reply reply;
        assert_true(rig_take(&f.rig, 2, &d));
        if (d.kind == 0) {
            rig_reply_begin(&reply, d.number, NULL);
            rig_reply_end(&f.rig, 2, &reply, NULL);
            rig_run(&f.rig);
            assert_true(rig_take(&f.rig, 2, &d));
        }
        rig_reply_begin(&reply, d.number, "died");
        rig_reply_end(&f.rig, 2, &reply, NULL);
        rig_run(&f.rig);
    }
    assert_non_null(rig_answer(&f.rig, 2));
    assert_int_equal(rig_answer(&f.rig, 2)->status, KEE_ANSWER_REJECTED);
    assert_non_null(strstr(rig_answer(&f.rig, 2)->body, "vatUpgraded"));
    fixture_fini(&f);
}

static void a_dropped_import_comes_again_under_a_new_name(void **state)
{
    struct fixture f;
    struct rig_delivery d;
    struct rig_reply reply;
    struct kee_bytes slot;

    fixture_init(&f);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(rig_send(&f.rig, f.raw, "#[\"meet\",[\"$0\"]]", f.plain, 0), 0);
    }
    rig_run(&f.rig);
    assert_true(rig_take(&f.rig, 2, &d));
    /* The second message was not sent ahead: the first crank may let go of what it names. */
    assert_int_equal(f.rig.vats[2].in.size, 0);
    rig_reply_begin(&reply, d.number, NULL);
    rig_reply_names(&reply, KEE_VP_CALL_DROP_IMPORTS, "o-50");
    rig_reply_names(&reply, KEE_VP_CALL_RETIRE_IMPORTS, "o-50");
    rig_reply_end(&f.rig, 2, &reply, NULL);
    rig_run(&f.rig);
    assert_true(rig_take(&f.rig, 2, &d));
    assert_true(kee_vp_strings_next(&d.slots, &slot));
    assert_bytes_text(slot, "o-51");
    rig_reply_begin(&reply, d.number, NULL);
    rig_reply_end(&f.rig, 2, &reply, NULL);
    fixture_fini(&f);
}

/* What is sent to the result of a message to a raw vat goes where the result turns out to be. */
static void messages_wait_for_what_a_raw_vat_has_yet_to_settle(void **state)
{
    struct fixture f;
    struct rig_delivery d;
    struct rig_reply reply;
    char result[40];

    fixture_init(&f);
    assert_int_equal(rig_send(&f.rig, f.plain, "#[\"go\",[\"$0\"]]", f.raw, 0), 0);
    rig_run(&f.rig);
    assert_true(rig_take(&f.rig, 1, &d));
    rig_reply_begin(&reply, d.number, NULL);
    rig_reply_send(&reply, "o-50", "#[\"first\",[]]", NULL, "p+5");
    rig_reply_send(&reply, "p+5", "#[\"second\",[]]", NULL, "p+6");
    rig_reply_end(&f.rig, 1, &reply, NULL);
    rig_run(&f.rig);
    assert_true(rig_take(&f.rig, 2, &d));
    assert_bytes_text(d.body, "#[\"first\",[]]");
    rig_text(d.result, result);
    rig_reply_begin(&reply, d.number, NULL);
    rig_reply_end(&f.rig, 2, &reply, NULL);
    rig_run(&f.rig);
    assert_int_equal(f.rig.vats[2].in.size, 0); /* second waits at the promise */
    assert_int_equal(rig_audit(&f.rig), 0);
    assert_int_equal(rig_send(&f.rig, f.raw, "#[\"settle\",[]]", NULL, 0), 0);
    rig_run(&f.rig);
    assert_true(rig_take(&f.rig, 2, &d));
    assert_bytes_text(d.body, "#[\"settle\",[]]");
    rig_reply_begin(&reply, d.number, NULL);
    rig_reply_resolve(&reply, result, false, "{\"@qclass\":\"slot\",\"index\":0}", "o+9");
    rig_reply_end(&f.rig, 2, &reply, NULL);
    rig_run(&f.rig);
    assert_true(rig_take(&f.rig, 2, &d));
    assert_bytes_text(d.body, "#[\"second\",[]]");
    assert_bytes_text(d.target, "o+9");
    rig_reply_begin(&reply, d.number, NULL);
    rig_reply_end(&f.rig, 2, &reply, NULL);
    fixture_fini(&f);
}

/* Whoever wires raw vats together names their facets, before the vats do. */
static void facets_can_be_named_from_outside(void **state)
{
    struct fixture f;
    struct rig_delivery d;
    struct kee_kref kref, again;
    char text[24];

    fixture_init(&f);
    assert_int_equal(kee_kernel_facet(f.rig.kernel, (struct kee_vat_id){2}, 7, &kref), 0);
    assert_int_equal(kee_kernel_facet(f.rig.kernel, (struct kee_vat_id){2}, 7, &again), 0);
    assert_true(kee_kref_equal(kref, again));
    (void)snprintf(text, sizeof text, "ko%llu", (unsigned long long)kee_kref_number(kref));
    assert_int_equal(rig_send(&f.rig, text, "#[\"hi\",[]]", NULL, 0), 0);
    rig_run(&f.rig);
    assert_true(rig_take(&f.rig, 2, &d));
    assert_bytes_text(d.target, "o+7");
    assert_int_equal(kee_kernel_facet(f.rig.kernel, (struct kee_vat_id){2}, 0, &kref), 0);
    (void)snprintf(text, sizeof text, "ko%llu", (unsigned long long)kee_kref_number(kref));
    assert_string_equal(text, f.raw);
    assert_int_equal(kee_kernel_facet(f.rig.kernel, (struct kee_vat_id){1}, 7, &kref),
                     KEE_KERNEL_STATE);
    assert_int_equal(kee_kernel_facet(f.rig.kernel, (struct kee_vat_id){9}, 7, &kref),
                     KEE_KERNEL_NO_SUCH);
    assert_int_equal(kee_kernel_facet(f.rig.kernel, (struct kee_vat_id){2}, UINT64_MAX, &kref),
                     KEE_KERNEL_BAD);
    fixture_fini(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(exports_and_imports_outlive_the_heap),
        TEST(promises_of_the_old_heap_are_rejected),
        TEST(a_dropped_import_comes_again_under_a_new_name),
        TEST(messages_wait_for_what_a_raw_vat_has_yet_to_settle),
        TEST(facets_can_be_named_from_outside),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
