/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of kernel/cycle.h that need a certain order of events; test/sim/cycles.c does the rest. */
#include "cm.h"

#include <stdio.h>
#include <stdlib.h>

#include "peer_rig.h"

#define SENT_AHEAD 16 /* KEE_LIMIT_SENT_AHEAD */

struct fixture {
    struct rig rig;
    char roots[4][24];
};

static void answer_all(struct fixture *f)
{
    bool any = true;

    while (any) {
        any = false;
        rig_run(&f->rig);
        for (uint64_t vat = 1; vat <= 3; vat++) {
            any = rig_ok(&f->rig, vat) || any;
        }
    }
}

static void fixture_init(struct fixture *f)
{
    memset(f, 0, sizeof *f);
    rig_init(&f->rig);
    f->rig.options.epoch_rows = 1;
    rig_crash(&f->rig); /* the option counts from the next opening on */
    rig_launch(&f->rig, "one two three", 1);
    answer_all(f);
    for (uint64_t vat = 1; vat <= 3; vat++) {
        rig_root(&f->rig, vat, f->roots[vat]);
    }
}

/* Gives a vat another's root; out is its name for it. */
static void introduce(struct fixture *f, uint64_t vat, uint64_t other, char out[24])
{
    struct rig_delivery delivery;
    struct rig_reply reply;
    struct kee_bytes slot;

    assert_int_equal(rig_send(&f->rig, f->roots[vat], "#[\"hi\",[]]", f->roots[other], 0), 0);
    rig_run(&f->rig);
    assert_true(rig_take(&f->rig, vat, &delivery));
    assert_true(kee_vp_strings_next(&delivery.slots, &slot));
    (void)snprintf(out, 24, "%.*s", (int)slot.size, (const char *)slot.data);
    rig_reply_begin(&reply, delivery.number, NULL);
    rig_reply_end(&f->rig, vat, &reply, NULL);
    rig_run(&f->rig);
}

/* Answers a bringOutYourDead: the heap holds nothing. */
static void tell_heap(struct fixture *f, uint64_t vat)
{
    struct rig_delivery delivery;
    struct rig_reply reply;

    assert_true(rig_take(&f->rig, vat, &delivery));
    assert_int_equal(delivery.kind, KEE_VP_BRING_OUT_YOUR_DEAD);
    assert_true(delivery.asks_heap);
    rig_reply_begin(&reply, delivery.number, NULL);
    rig_reply_names(&reply, KEE_VP_CALL_HEAP, "");
    rig_reply_end(&f->rig, vat, &reply, NULL);
}

/* Vat 2 sends a message whose result it calls p+9, more than fit into the pipe, and one to the result that
 * alone holds o+d10/1. */
static void send_pipelined(struct fixture *f, const char *root_of_three)
{
    struct rig_delivery delivery;
    struct rig_reply reply;

    assert_int_equal(rig_send(&f->rig, f->roots[2], "#[\"go\",[]]", NULL, 0), 0);
    rig_run(&f->rig);
    assert_true(rig_take(&f->rig, 2, &delivery));
    rig_reply_begin(&reply, delivery.number, NULL);
    rig_reply_send(&reply, root_of_three, "#[\"first\",[]]", NULL, "p+9");
    for (int i = 1; i < SENT_AHEAD; i++) {
        rig_reply_send(&reply, root_of_three, "#[\"more\",[]]", NULL, NULL);
    }
    rig_reply_send(&reply, "p+9", "#[\"last\",[]]", "o+d10/1", NULL);
    rig_reply_end(&f->rig, 2, &reply, NULL);
    rig_run(&f->rig);
}

/* Vat 3 answers what is in its pipe; the first result is the root of vat 1. */
static void settle_first(struct fixture *f, const char *root_of_one)
{
    struct rig_delivery delivery;

    for (int i = 0; i < SENT_AHEAD; i++) {
        struct rig_reply reply;
        char result[40];
        assert_true(rig_take(&f->rig, 3, &delivery));
        rig_reply_begin(&reply, delivery.number, NULL);
        if (i == 0) {
            rig_text(delivery.result, result);
            rig_reply_resolve(&reply, result, false, "#\"$0\"", root_of_one);
        }
        rig_reply_end(&f->rig, 3, &reply, NULL);
    }
    rig_round(&f->rig);
}

static uint64_t survivors_when_moved_after(uint32_t slices)
{
    struct fixture f;
    struct kee_epoch_stats stats = {.state = ""};
    char root_of_three[24], root_of_one[24];

    fixture_init(&f);
    introduce(&f, 2, 3, root_of_three);
    introduce(&f, 3, 1, root_of_one);
    send_pipelined(&f, root_of_three);
    assert_int_equal(kee_kernel_collect(f.rig.kernel), 0);
    rig_round(&f.rig);
    rig_round(&f.rig);
    tell_heap(&f, 1);
    tell_heap(&f, 2);
    for (int i = 0; i < SENT_AHEAD; i++) { /* so that what comes to vat 1 now stays in its queue */
        assert_int_equal(rig_send(&f.rig, f.roots[1], "#[\"hi\",[]]", NULL, 0), 0);
    }
    for (uint32_t i = 0; i < slices; i++) {
        f.rig.now_ms++;
        rig_round(&f.rig);
    }
    settle_first(&f, root_of_one);
    tell_heap(&f, 3);
    for (int i = 0; i < 500 && strcmp(stats.state, "none") != 0; i++) {
        f.rig.now_ms++;
        rig_round(&f.rig);
        kee_kernel_epochs(f.rig.kernel, &stats);
    }
    assert_string_equal(stats.state, "none");
    assert_int_equal(stats.epochs, 1);
    assert_int_equal(rig_audit(&f.rig), 0);
    rig_fini(&f.rig);
    return stats.survivors;
}

/* Wherever the marker is: a message that goes from a queue it has yet to look at into one it has looked at
 * is not lost sight of. */
static void a_message_that_moves_between_queues_is_marked(void **state)
{
    for (uint32_t slices = 0; slices < 60; slices++) {
        assert_int_equal(survivors_when_moved_after(slices), 4); /* three roots, and o+d10/1 */
    }
}

/* Vat 1 has an object of the peer's, and sends it one of its own: before an epoch, or when so many slices
 * of it are done. Gives how many objects the epoch reached. */
static uint64_t survivors_when_told_after(uint32_t slices, bool service)
{
    static struct peer_rig peers;
    struct fixture f;
    struct kee_epoch_stats stats = {.state = ""};
    struct rig_delivery delivery;
    struct rig_reply reply;
    struct kee_peer_id peer;
    struct kee_kref kref;
    char object[40] = "";
    struct kee_bytes slot;

    fixture_init(&f);
    peer_rig_init(&peers, &f.rig);
    peer = peer_rig_open(&peers, "host");
    assert_int_equal(peer_rig_hold(&peers, peer, f.roots[1]), 0);
    if (service) {
        assert_int_equal(kee_service_register(f.rig.kernel, peer, KEE_BYTES_LIT("it"),
                                              KEE_BYTES_LIT("o+2"), false, &kref),
                         0);
    }
    for (const char *slots = "o+1";; slots = NULL) {
        assert_int_equal(peer_rig_send(&peers, peer, f.roots[1], "#[\"go\",[]]", slots, NULL), 0);
        rig_run(&f.rig);
        assert_true(rig_take(&f.rig, 1, &delivery));
        if (slots == NULL) {
            break;
        }
        assert_true(kee_vp_strings_next(&delivery.slots, &slot));
        rig_text(slot, object);
        rig_reply_begin(&reply, delivery.number, NULL);
        rig_reply_end(&f.rig, 1, &reply, NULL);
    }
    assert_int_equal(kee_kernel_collect(f.rig.kernel), 0);
    for (uint32_t i = 0; i < slices; i++) {
        f.rig.now_ms++;
        rig_round(&f.rig);
    }
    rig_reply_begin(&reply, delivery.number, NULL);
    rig_reply_send(&reply, object, "#[\"take\",[\"$0\"]]", "o+d10/1", NULL);
    rig_reply_end(&f.rig, 1, &reply, NULL);
    for (int i = 0; i < 500 && strcmp(stats.state, "none") != 0; i++) {
        f.rig.now_ms++;
        rig_round(&f.rig);
        for (uint64_t vat = 1; vat <= 3; vat++) {
            if (f.rig.vats[vat].in.size > 0) {
                tell_heap(&f, vat);
            }
        }
        kee_kernel_epochs(f.rig.kernel, &stats);
    }
    assert_string_equal(stats.state, "none");
    assert_int_equal(stats.epochs, 1);
    assert_int_equal(rig_audit(&f.rig), 0);
    rig_fini(&f.rig);
    return stats.survivors;
}

/* What a peer holds is a root, whenever it came to hold it; so is a service. Its own object, which only a
 * heap held that says it holds nothing, is none. */
static void what_peers_hold_is_reached(void **state)
{
    (void)state;
    for (uint32_t slices = 0; slices < 40; slices++) {
        assert_int_equal(survivors_when_told_after(slices, false), 4);
        assert_int_equal(survivors_when_told_after(slices, true), 5);
    }
}

static void an_epoch_asked_for_while_paused_waits_for_the_heaps(void **state)
{
    struct fixture f;
    struct kee_epoch_stats stats;

    fixture_init(&f);
    kee_kernel_pause(f.rig.kernel);
    assert_int_equal(kee_kernel_collect(f.rig.kernel), 0);
    for (int i = 0; i < 100; i++) {
        f.rig.now_ms++;
        rig_round(&f.rig);
    }
    kee_kernel_epochs(f.rig.kernel, &stats);
    assert_string_equal(stats.state, "waiting");
    assert_int_equal(kee_kernel_wake_at_ms(f.rig.kernel), UINT64_MAX);
    kee_kernel_resume(f.rig.kernel);
    rig_round(&f.rig);
    for (uint64_t vat = 1; vat <= 3; vat++) {
        tell_heap(&f, vat);
    }
    rig_run(&f.rig);
    kee_kernel_epochs(f.rig.kernel, &stats);
    assert_string_equal(stats.state, "none");
    assert_int_equal(stats.survivors, 3);
    rig_fini(&f.rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_that_moves_between_queues_is_marked),
        cmocka_unit_test(what_peers_hold_is_reached),
        cmocka_unit_test(an_epoch_asked_for_while_paused_waits_for_the_heaps),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
