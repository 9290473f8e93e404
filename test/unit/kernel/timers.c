/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of kernel/timers.h: what a vat asks for, when it is delivered, in what order, and when not. */
#include "cm.h"

#include <stdio.h>

#include "kernel_rig.h"

/* Two vats launched, bootstrap answered with nothing. */
static void begin(struct rig *rig)
{
    rig_init(rig);
    rig_launch(rig, "alice bob", 0);
    assert_true(rig_ok(rig, 1));
    rig_run(rig);
}

static void end(struct rig *rig)
{
    assert_int_equal(rig_audit(rig), 0);
    rig_fini(rig);
}

/* Takes one delivery, which must be of that kind, and asks in it to be woken; count 0 for none. */
static void answer(struct rig *rig, uint64_t vat, uint8_t kind, uint64_t wait_ms, uint32_t count)
{
    struct rig_delivery delivery;
    struct rig_reply reply;

    assert_true(rig_take(rig, vat, &delivery));
    assert_int_equal(delivery.kind, kind);
    rig_reply_begin(&reply, delivery.number, NULL);
    rig_reply_wake(&reply, wait_ms, count);
    rig_reply_end(rig, vat, &reply, NULL);
    rig_run(rig);
}

static void say(struct rig *rig, uint64_t vat, const char *body)
{
    char root[24];

    rig_root(rig, vat, root);
    assert_int_equal(rig_send(rig, root, body, NULL, 0), 0);
}

/* The vat has a crank, and asks in it. */
static void ask(struct rig *rig, uint64_t vat, uint64_t wait_ms, uint32_t count)
{
    say(rig, vat, "#[\"set\",[]]");
    rig_run(rig);
    answer(rig, vat, KEE_VP_MESSAGE, wait_ms, count);
}

static void later(struct rig *rig, uint64_t ms)
{
    rig->now_ms += ms;
    rig_run(rig);
}

static bool has_frames(const struct rig *rig, uint64_t vat)
{
    return rig->vats[vat].in.size > 0;
}

static void a_vat_is_woken_when_it_is_time(void **state)
{
    struct rig rig;

    begin(&rig);
    ask(&rig, 1, 100, 3);
    assert_int_equal(kee_kernel_wake_at_ms(rig.kernel), rig.now_ms + 100);
    assert_true(kee_kernel_is_idle(rig.kernel));
    later(&rig, 99);
    assert_false(has_frames(&rig, 1));
    later(&rig, 1);
    answer(&rig, 1, KEE_VP_TIMER, 50, 2);
    assert_int_equal(kee_kernel_wake_at_ms(rig.kernel), rig.now_ms + 50);
    later(&rig, 1000);
    answer(&rig, 1, KEE_VP_TIMER, 0, 0);
    later(&rig, 1000);
    assert_false(has_frames(&rig, 1));
    assert_int_equal(kee_kernel_wake_at_ms(rig.kernel), UINT64_MAX);
    end(&rig);
}

/* The time counts from the crank's end, though the kernel last looked at the clock before it. */
static void the_wait_counts_from_the_round_after_the_crank(void **state)
{
    struct rig rig;
    struct rig_delivery delivery;
    struct rig_reply reply;

    begin(&rig);
    say(&rig, 1, "#[\"set\",[]]");
    rig_run(&rig);
    rig.now_ms += 5000;
    assert_true(rig_take(&rig, 1, &delivery));
    rig_reply_begin(&reply, delivery.number, NULL);
    rig_reply_wake(&reply, 10, 1);
    rig_reply_end(&rig, 1, &reply, NULL);
    rig_run(&rig);
    assert_false(has_frames(&rig, 1));
    later(&rig, 9);
    assert_false(has_frames(&rig, 1));
    later(&rig, 1);
    assert_true(has_frames(&rig, 1));
    end(&rig);
}

static void the_last_asked_counts(void **state)
{
    struct rig rig;

    begin(&rig);
    ask(&rig, 1, 100, 1);
    ask(&rig, 1, 10, 2);
    assert_int_equal(kee_kernel_wake_at_ms(rig.kernel), rig.now_ms + 10);
    ask(&rig, 1, 500, 1);
    assert_int_equal(kee_kernel_wake_at_ms(rig.kernel), rig.now_ms + 500);
    ask(&rig, 2, 100, 1);
    assert_int_equal(kee_kernel_wake_at_ms(rig.kernel), rig.now_ms + 100);
    ask(&rig, 2, 0, 0);
    later(&rig, 400);
    assert_false(has_frames(&rig, 1));
    assert_false(has_frames(&rig, 2));
    ask(&rig, 1, UINT64_MAX, 1); /* never */
    assert_int_equal(kee_kernel_wake_at_ms(rig.kernel), UINT64_MAX);
    later(&rig, 1u << 30);
    assert_false(has_frames(&rig, 1));
    end(&rig);
}

/* What was queued when the time came goes first, what came later goes after, and asking again for what
 * is due already does not push it back. */
static void a_timer_takes_its_place_in_the_queue(void **state)
{
    struct rig rig;

    begin(&rig);
    ask(&rig, 1, 10, 1);
    kee_kernel_pause(rig.kernel);
    say(&rig, 1, "#[\"before\",[]]");
    later(&rig, 10);
    say(&rig, 1, "#[\"after\",[]]");
    later(&rig, 10);
    assert_false(has_frames(&rig, 1));
    kee_kernel_resume(rig.kernel);
    later(&rig, 1);
    answer(&rig, 1, KEE_VP_MESSAGE, 0, 1);
    answer(&rig, 1, KEE_VP_TIMER, 0, 0);
    answer(&rig, 1, KEE_VP_MESSAGE, 0, 0);
    assert_false(has_frames(&rig, 1));
    end(&rig);
}

/* A vat that is due again at the end of each crank gets its messages, and so does another. */
static void a_storm_of_timers_starves_nobody(void **state)
{
    struct rig rig;
    struct rig_delivery delivery;
    struct rig_reply reply;
    int timers = 0, messages = 0, others = 0;

    begin(&rig);
    ask(&rig, 1, 0, 1);
    for (int i = 0; i < 40; i++) {
        char body[40];
        (void)snprintf(body, sizeof body, "#[\"n\",[%d]]", i);
        say(&rig, 1, body);
        say(&rig, 2, body);
        later(&rig, 1);
        while (rig_take(&rig, 1, &delivery)) {
            timers += delivery.kind == KEE_VP_TIMER;
            messages += delivery.kind == KEE_VP_MESSAGE;
            rig_reply_begin(&reply, delivery.number, NULL);
            rig_reply_wake(&reply, 0, 1);
            rig_reply_end(&rig, 1, &reply, NULL);
        }
        while (rig_ok(&rig, 2)) {
            others++;
        }
    }
    assert_int_equal(messages, 40);
    assert_int_equal(others, 40);
    assert_in_range(timers, 35, 85);
    end(&rig);
}

static void timers_end_with_their_heap(void **state)
{
    struct rig rig;

    begin(&rig);
    ask(&rig, 1, 10, 1);
    assert_int_equal(kee_kernel_restart_vat(rig.kernel, (struct kee_vat_id){1}, "for a test"), 0);
    assert_int_equal(kee_kernel_wake_at_ms(rig.kernel), UINT64_MAX);
    later(&rig, 100);
    answer(&rig, 1, 0, 0, 0); /* START */
    later(&rig, 100);
    assert_false(has_frames(&rig, 1));
    ask(&rig, 1, 10, 1);
    later(&rig, 10); /* due, and sent */
    assert_int_equal(kee_kernel_worker_gone(rig.kernel, (struct kee_vat_id){1},
                                            rig.vats[1].incarnation, "for a test"),
                     0);
    later(&rig, 100);
    answer(&rig, 1, 0, 0, 0);
    later(&rig, 100);
    assert_false(has_frames(&rig, 1));
    ask(&rig, 2, 10, 1);
    assert_int_equal(kee_kernel_terminate_vat(rig.kernel, (struct kee_vat_id){2}), 0);
    later(&rig, 100);
    assert_int_equal(kee_kernel_wake_at_ms(rig.kernel), UINT64_MAX);
    end(&rig);
}

/* A crank that throws takes the timers along that it ran, and is not tried again. */
static void a_failed_crank_is_not_repeated(void **state)
{
    struct rig rig;
    struct rig_delivery delivery;
    struct rig_reply reply;

    begin(&rig);
    ask(&rig, 1, 10, 1);
    later(&rig, 10);
    assert_true(rig_take(&rig, 1, &delivery));
    assert_int_equal(delivery.kind, KEE_VP_TIMER);
    rig_reply_begin(&reply, delivery.number, "out of computation");
    rig_reply_end(&rig, 1, &reply, NULL);
    later(&rig, 100);
    assert_int_equal(rig.vats[1].starts, 2);
    answer(&rig, 1, 0, 0, 0);
    later(&rig, 100);
    assert_false(has_frames(&rig, 1));
    end(&rig);
}

static void count_one(void *context)
{
    ++*(int *)context;
}

static void paused_it_waits_for_a_step(void **state)
{
    struct rig rig;
    int steps = 0;

    begin(&rig);
    ask(&rig, 1, 10, 1);
    kee_kernel_pause(rig.kernel);
    later(&rig, 9);
    assert_int_equal(kee_kernel_step(rig.kernel, count_one, &steps), KEE_KERNEL_STATE);
    later(&rig, 1);
    assert_false(has_frames(&rig, 1));
    say(&rig, 2, "#[\"later\",[]]");
    assert_int_equal(kee_kernel_step(rig.kernel, count_one, &steps), 0);
    rig_run(&rig);
    assert_false(has_frames(&rig, 2));
    answer(&rig, 1, KEE_VP_TIMER, 0, 0);
    assert_int_equal(steps, 1);
    assert_int_equal(kee_kernel_step(rig.kernel, count_one, &steps), 0);
    rig_run(&rig);
    assert_true(rig_ok(&rig, 2));
    rig_run(&rig);
    assert_int_equal(steps, 2);
    end(&rig);
}

struct found {
    uint64_t timers, wait_ms, rows;
};

static void on_row(void *context, const struct kee_record *record)
{
    struct found *found = context;

    for (size_t i = 0; i < record->count; i++) {
        const struct kee_field *field = &record->fields[i];
        if (strcmp(field->name, "timers") == 0 && kee_bytes_decimal(field->value, &found->timers)) {
            found->rows++;
        }
        if (strcmp(field->name, "timer_in_ms") == 0) {
            (void)kee_bytes_decimal(field->value, &found->wait_ms);
        }
        if (strcmp(field->name, "type") == 0) {
            assert_bytes_text(field->value, "timer");
            found->rows++;
        }
    }
}

static void they_are_shown(void **state)
{
    struct rig rig;
    struct found found = {0};

    begin(&rig);
    ask(&rig, 2, 10, 7);
    later(&rig, 4);
    assert_int_equal(kee_kernel_list_vats(rig.kernel, on_row, &found), 0);
    assert_int_equal(found.timers, 7);
    assert_int_equal(found.wait_ms, 6);
    found.rows = 0;
    assert_int_equal(kee_kernel_list_queue(rig.kernel, on_row, &found), 0);
    assert_int_equal(found.rows, 0);
    later(&rig, 6);
    assert_int_equal(kee_kernel_list_queue(rig.kernel, on_row, &found), 0);
    assert_int_equal(found.rows, 1);
    end(&rig);
}

/* Many vats, each woken at a time of its own, in the order of these. */
static void many_vats_are_woken_in_turn(void **state)
{
    struct rig rig;
    uint64_t order[12] = {7, 3, 11, 1, 5, 9, 2, 12, 4, 8, 6, 10};
    uint64_t began;

    rig_init(&rig);
    rig_launch(&rig, "a b c d e f g h i j k l", 0);
    assert_true(rig_ok(&rig, 1));
    rig_run(&rig);
    for (uint64_t vat = 1; vat <= 12; vat++) {
        ask(&rig, vat, 100 * order[vat - 1], 1);
    }
    ask(&rig, 4, 0, 0); /* which was to be the first */
    began = rig.now_ms;
    for (uint64_t turn = 2; turn <= 12; turn++) {
        assert_int_equal(kee_kernel_wake_at_ms(rig.kernel), began + 100 * turn);
        later(&rig, began + 100 * turn - rig.now_ms);
        for (uint64_t vat = 1; vat <= 12; vat++) {
            assert_int_equal(has_frames(&rig, vat), order[vat - 1] == turn);
            (void)rig_ok(&rig, vat);
        }
        rig_run(&rig);
    }
    end(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_vat_is_woken_when_it_is_time),
        cmocka_unit_test(the_wait_counts_from_the_round_after_the_crank),
        cmocka_unit_test(the_last_asked_counts),
        cmocka_unit_test(a_timer_takes_its_place_in_the_queue),
        cmocka_unit_test(a_storm_of_timers_starves_nobody),
        cmocka_unit_test(timers_end_with_their_heap),
        cmocka_unit_test(a_failed_crank_is_not_repeated),
        cmocka_unit_test(paused_it_waits_for_a_step),
        cmocka_unit_test(they_are_shown),
        cmocka_unit_test(many_vats_are_woken_in_turn),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
