/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of how vats are told of promises: those whose outcomes name each other are told of at once. */
#include "cm.h"

#include <stdio.h>

#include "pair_rig.h"

/* v1 sends "one" and "two" to v2 for p+1 and p+2, and asks for both. */
static void ask_twice(struct pair *pair, char first[40], char second[40])
{
    static const char *const results[] = {"p+1", "p+2"};
    struct rig_delivery d;
    struct rig_reply reply;

    assert_int_equal(rig_send(&pair->rig, pair->a, "#[\"go\",[\"$0\"]]", pair->b, 0), 0);
    rig_run(&pair->rig);
    assert_true(rig_take(&pair->rig, 1, &d));
    rig_reply_begin(&reply, d.number, NULL);
    for (size_t i = 0; i < 2; i++) {
        rig_reply_send(&reply, "o-50", "#[\"ask\",[]]", NULL, results[i]);
        rig_reply_subscribe(&reply, results[i]);
    }
    rig_reply_end(&pair->rig, 1, &reply, NULL);
    rig_run(&pair->rig);
    assert_true(rig_take(&pair->rig, 2, &d));
    rig_text(d.result, first);
    rig_reply_begin(&reply, d.number, NULL);
    rig_reply_end(&pair->rig, 2, &reply, NULL);
    assert_true(rig_take(&pair->rig, 2, &d));
    rig_text(d.result, second);
    rig_reply_begin(&reply, d.number, NULL);
    rig_reply_end(&pair->rig, 2, &reply, NULL);
    rig_run(&pair->rig);
}

static void has_slot(const struct rig_delivery *d, const char *vref)
{
    struct kee_vp_strings slots = d->slots;
    struct kee_bytes slot;

    assert_int_equal(slots.count, 1);
    assert_true(kee_vp_strings_next(&slots, &slot));
    assert_bytes_text(slot, vref);
}

/* What follows is nothing: both were told of, both names are gone, no name was made. */
static void is_told_once(struct pair *pair)
{
    struct rig_delivery d;
    struct rig_reply reply;

    assert_true(rig_take(&pair->rig, 1, &d));
    assert_int_equal(d.kind, KEE_VP_NOTIFY);
    assert_int_equal(d.further, 1);
    assert_bytes_text(d.target, "p+1");
    has_slot(&d, "p+2");
    assert_true(rig_further(&d));
    assert_bytes_text(d.target, "p+2");
    has_slot(&d, "p+1");
    assert_false(rig_further(&d));
    rig_reply_begin(&reply, d.number, NULL);
    rig_reply_end(&pair->rig, 1, &reply, NULL);
    rig_run(&pair->rig);
    /* Sent ahead, before the first was answered, as a word the vat knows already. */
    while (rig_take(&pair->rig, 1, &d)) {
        assert_int_equal(d.kind, KEE_VP_NOTIFY);
        assert_bytes_text(d.target, "p+2");
        rig_reply_begin(&reply, d.number, NULL);
        rig_reply_end(&pair->rig, 1, &reply, NULL);
    }
    rig_run(&pair->rig);
    assert_false(rig_take(&pair->rig, 1, &d));
}

/* Two calls of one crank; slots of each are the other's promise. */
static void settle_both(struct pair *pair, const char *first, const char *second)
{
    struct rig_delivery d;
    struct rig_reply reply;

    assert_int_equal(rig_send(&pair->rig, pair->b, "#[\"settle\",[]]", NULL, 0), 0);
    rig_run(&pair->rig);
    assert_true(rig_take(&pair->rig, 2, &d));
    rig_reply_begin(&reply, d.number, NULL);
    rig_reply_resolve_pair(&reply, first, "#[\"&0\"]", second, second, "#[\"&0\"]", first);
    rig_reply_end(&pair->rig, 2, &reply, NULL);
    rig_run(&pair->rig);
}

static void outcomes_of_one_call_name_each_other(void **state)
{
    struct pair pair;
    char first[40], second[40];

    pair_init(&pair);
    ask_twice(&pair, first, second);
    settle_both(&pair, first, second);
    assert_int_equal(pair.rig.vats[2].starts, 1); /* no illegal call */
    is_told_once(&pair);
    pair_fini(&pair);
}

/* The kernel dies while the vat is being told: it is another heap then, which had asked for nothing. */
static void a_heap_that_ended_is_not_told(void **state)
{
    struct pair pair;
    struct rig_delivery d;
    char first[40], second[40];

    pair_init(&pair);
    ask_twice(&pair, first, second);
    settle_both(&pair, first, second);
    assert_true(rig_take(&pair.rig, 1, &d));
    assert_int_equal(d.further, 1);
    rig_worker_dies(&pair.rig, 1);
    rig_run(&pair.rig);
    assert_int_equal(rig_audit(&pair.rig), 0);
    while (rig_take(&pair.rig, 1, &d)) {
        assert_int_not_equal(d.kind, KEE_VP_NOTIFY);
    }
    pair_fini(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(outcomes_of_one_call_name_each_other),
        cmocka_unit_test(a_heap_that_ended_is_not_told),
    };

    return cmocka_run_group_tests_name("kernel/notify", tests, NULL, NULL);
}
