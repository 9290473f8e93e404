/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of peers: what they say, what they hear, and what is counted of it. */
#include "peer_bed.h"

static void a_call_comes_back(void **state)
{
    struct bed bed;
    char result[24], text[400];

    (void)state;
    begin(&bed);
    assert_int_equal(peer_rig_send(&bed.peers, bed.r1, bed.root, "#[\"add\",[1]]", NULL, result),
                     0);
    check(&bed);
    vat_answers(&bed, "#7", NULL);
    HEARS(&bed, LINE(text, "fulfilled %s: #7", result));
    /* The result is known until it is dropped. */
    struct kee_buf hold = KEE_BUF_EMPTY;
    struct kee_vp_capdata data;
    char settled;
    assert_int_equal(
        kee_peer_look(bed.rig.kernel, bed.r1, kee_bytes_str(result), &hold, &settled, &data), 0);
    assert_int_equal(settled, 'f');
    assert_true(kee_bytes_equal(data.body, KEE_BYTES_LIT("#7")));
    assert_int_equal(peer_rig_drop(&bed.peers, bed.r1, result, 1), 0);
    assert_int_equal(
        kee_peer_look(bed.rig.kernel, bed.r1, kee_bytes_str(result), &hold, &settled, &data),
        KEE_KERNEL_NO_SUCH);
    kee_buf_fini(&hold);
    end(&bed);
}

/* Calls that leave nothing behind write nothing: after the first, which reserves numbers. */
static void a_call_without_effect_writes_nothing(void **state)
{
    struct bed bed;
    char result[24], text[400];
    uint64_t writes = 0;

    (void)state;
    begin(&bed);
    for (uint32_t i = 0; i < 20; i++) {
        struct rig_delivery d;
        struct rig_reply reply;
        char vpid[40];

        assert_int_equal(
            peer_rig_send(&bed.peers, bed.r1, bed.root, "#[\"add\",[1]]", NULL, result), 0);
        for (bool more = true; more;) { /* the kernel works, and nothing is flushed meanwhile */
            assert_int_equal(kee_kernel_run(bed.rig.kernel, bed.rig.now_ms, &more), 0);
        }
        while (!rig_take(&bed.rig, 1, &d) || d.kind != KEE_VP_MESSAGE) {
            rig_reply_begin(&reply, d.number, NULL); /* a bringOutYourDead now and then */
            rig_reply_end(&bed.rig, 1, &reply, NULL);
            bool more;
            assert_int_equal(kee_kernel_run(bed.rig.kernel, bed.rig.now_ms, &more), 0);
        }
        rig_text(d.result, vpid);
        rig_reply_begin(&reply, d.number, NULL);
        rig_reply_resolve(&reply, vpid, false, "#7", NULL);
        rig_reply_end(&bed.rig, 1, &reply, NULL);
        rig_run(&bed.rig);
        HEARS(&bed, LINE(text, "fulfilled %s: #7", result));
        if (i == 1) {
            writes = bed.rig.writes;
        }
    }
    assert_int_equal(bed.rig.writes, writes);
    end(&bed);
}

static void names_that_were_not_given_mean_nothing(void **state)
{
    struct bed bed;
    struct kee_peer_id other;

    (void)state;
    begin(&bed);
    other = peer_rig_open(&bed.peers, "grant");
    assert_int_equal(peer_rig_send(&bed.peers, other, bed.root, "#[\"a\",[]]", NULL, NULL),
                     KEE_KERNEL_NO_SUCH);
    assert_int_equal(peer_rig_send(&bed.peers, bed.r1, "ko999", "#[\"a\",[]]", NULL, NULL),
                     KEE_KERNEL_NO_SUCH);
    assert_int_equal(
        peer_rig_send(&bed.peers, bed.r1, bed.root, "#[\"a\",[\"$0\"]]", "ko999", NULL),
        KEE_KERNEL_NO_SUCH);
    assert_int_equal(peer_rig_send(&bed.peers, bed.r1, "o-1", "#[\"a\",[]]", NULL, NULL),
                     KEE_KERNEL_BAD);
    assert_int_equal(peer_rig_send(&bed.peers, bed.r1, "o+", "#[\"a\",[]]", NULL, NULL),
                     KEE_KERNEL_BAD);
    assert_int_equal(peer_rig_send(&bed.peers, bed.r1, "kd1", "#[\"a\",[]]", NULL, NULL),
                     KEE_KERNEL_BAD);
    assert_int_equal(peer_rig_settle(&bed.peers, bed.r1, "kp999", false, "#1", NULL),
                     KEE_KERNEL_NO_SUCH);
    assert_int_equal(peer_rig_settle(&bed.peers, bed.r1, bed.root, false, "#1", NULL),
                     KEE_KERNEL_BAD);
    assert_int_equal(peer_rig_drop(&bed.peers, bed.r1, "o+1", 1), KEE_KERNEL_BAD);
    assert_int_equal(peer_rig_drop(&bed.peers, bed.r1, "ko999", 1), 0);
    assert_int_equal(peer_rig_drop(&bed.peers, bed.r1, "p+9", 1), 0);
    check(&bed);
    end(&bed);
}

static void a_vat_calls_a_peers_object(void **state)
{
    struct bed bed;
    struct rig_delivery d;
    struct rig_reply reply;
    char object[40];

    (void)state;
    begin(&bed);
    vat_begins(&bed, "o+1", &d, &reply);
    rig_reply_send(&reply, slot(&d, 0, object), "#[\"hi\",[\"$0\"]]", "o+5", "p+6");
    rig_reply_subscribe(&reply, "p+6");
    rig_reply_end(&bed.rig, 1, &reply, NULL);
    check(&bed);
    HEARS(&bed, "message o+1 from v1 result kp1: #[\"hi\",[\"$0\"]] ko3");
    assert_int_equal(peer_rig_settle(&bed.peers, bed.r1, "kp1", false, "#\"ok\"", NULL), 0);
    assert_int_equal(peer_rig_settle(&bed.peers, bed.r1, "kp1", false, "#1", NULL),
                     KEE_KERNEL_NO_SUCH);
    check(&bed);
    assert_true(rig_take(&bed.rig, 1, &d));
    assert_int_equal(d.kind, KEE_VP_NOTIFY);
    assert_true(kee_bytes_equal(d.target, KEE_BYTES_LIT("p+6")));
    rig_reply_begin(&reply, d.number, NULL);
    rig_reply_end(&bed.rig, 1, &reply, NULL);
    check(&bed);
    /* ko3 is held until it is dropped. */
    assert_int_equal(peer_rig_send(&bed.peers, bed.r1, "ko3", "#[\"back\",[]]", NULL, NULL), 0);
    assert_int_equal(peer_rig_drop(&bed.peers, bed.r1, "ko3", 1), 0);
    assert_int_equal(peer_rig_send(&bed.peers, bed.r1, "ko3", "#[\"back\",[]]", NULL, NULL),
                     KEE_KERNEL_NO_SUCH);
    check(&bed);
    assert_true(rig_ok(&bed.rig, 1));
    end(&bed);
}

static void a_failed_crank_says_nothing(void **state)
{
    struct bed bed;
    struct rig_delivery d;
    struct rig_reply reply;
    char object[40];

    (void)state;
    begin(&bed);
    vat_begins(&bed, "o+1", &d, &reply);
    rig_reply_send(&reply, slot(&d, 0, object), "#[\"hi\",[]]", NULL, NULL);
    rig_reply_send(&reply, "o-999", "#[\"illegal\",[]]", NULL, NULL);
    rig_reply_end(&bed.rig, 1, &reply, NULL);
    check(&bed);
    assert_int_equal(bed.peers.count, 0);
    /* Tried once more, it is said once. */
    assert_true(rig_ok(&bed.rig, 1)); /* START */
    rig_run(&bed.rig);
    assert_true(rig_take(&bed.rig, 1, &d));
    rig_reply_begin(&reply, d.number, NULL);
    rig_reply_send(&reply, slot(&d, 0, object), "#[\"hi\",[]]", NULL, NULL);
    rig_reply_end(&bed.rig, 1, &reply, NULL);
    check(&bed);
    HEARS(&bed, "message o+1 from v1: #[\"hi\",[]]");
    end(&bed);
}

/* v1 lets go of the import it knows as vref. */
static void vat_drops(struct bed *bed, const char *vref)
{
    struct rig_delivery d;
    struct rig_reply reply;

    vat_begins(bed, NULL, &d, &reply);
    rig_reply_names(&reply, KEE_VP_CALL_DROP_IMPORTS, vref);
    rig_reply_names(&reply, KEE_VP_CALL_RETIRE_IMPORTS, vref);
    rig_reply_end(&bed->rig, 1, &reply, NULL);
    check(bed);
}

static void what_nothing_reaches_is_dropped(void **state)
{
    struct bed bed;
    struct rig_delivery d;
    struct rig_reply reply;
    char object[40], again[40];

    (void)state;
    begin(&bed);
    vat_begins(&bed, "o+1 o+1", &d, &reply);
    (void)slot(&d, 0, object);
    rig_reply_end(&bed.rig, 1, &reply, NULL);
    check(&bed);
    vat_begins(&bed, "o+1", &d, &reply); /* mentioned again: the same object */
    assert_string_equal(slot(&d, 0, again), object);
    rig_reply_end(&bed.rig, 1, &reply, NULL);
    vat_drops(&bed, object);
    HEARS(&bed, "dropped o+1 after 2");
    vat_begins(&bed, "o+1", &d, &reply); /* the name stands for another */
    assert_string_not_equal(slot(&d, 0, again), object);
    rig_reply_end(&bed.rig, 1, &reply, NULL);
    check(&bed);
    vat_drops(&bed, again);
    HEARS(&bed, "dropped o+1 after 1");
    end(&bed);
}

/* An object named in vain is told of at once; so is one that comes straight back. */
static void what_was_never_held_is_dropped(void **state)
{
    struct bed bed;

    (void)state;
    begin(&bed);
    assert_int_equal(peer_rig_send(&bed.peers, bed.r1, "o+4", "#[\"self\",[]]", NULL, NULL), 0);
    check(&bed);
    HEARS(&bed, "message o+4 from r1: #[\"self\",[]]");
    HEARS(&bed, "dropped o+4 after 0");
    end(&bed);
}

static void promises_are_told_once_each(void **state)
{
    struct bed bed;
    struct rig_delivery d;
    struct rig_reply reply;
    char object[40];

    (void)state;
    begin(&bed);
    vat_begins(&bed, "o+1", &d, &reply);
    (void)slot(&d, 0, object);
    rig_reply_send(&reply, object, "#[\"wait\",[\"&0\"]]", "p+5", NULL);
    rig_reply_send(&reply, object, "#[\"wait\",[\"&0\"]]", "p+5", NULL);
    rig_reply_end(&bed.rig, 1, &reply, NULL);
    check(&bed);
    HEARS(&bed, "message o+1 from v1: #[\"wait\",[\"&0\"]] kp1");
    HEARS(&bed, "message o+1 from v1: #[\"wait\",[\"&0\"]] kp1");
    vat_begins(&bed, NULL, &d, &reply);
    rig_reply_resolve(&reply, "p+5", false, "#[\"$0\",\"&1\"]", "o+7 p+8");
    rig_reply_end(&bed.rig, 1, &reply, NULL);
    check(&bed);
    HEARS(&bed, "fulfilled kp1: #[\"$0\",\"&1\"] ko3 kp2");
    assert_int_equal(peer_rig_drop(&bed.peers, bed.r1, "kp1", 1), 0);
    /* There is one mention left, and it is settled. */
    assert_int_equal(peer_rig_send(&bed.peers, bed.r1, "kp1", "#[\"a\",[]]", NULL, NULL), 0);
    assert_int_equal(peer_rig_drop(&bed.peers, bed.r1, "kp1", 9), 0);
    assert_int_equal(peer_rig_send(&bed.peers, bed.r1, "kp1", "#[\"a\",[]]", NULL, NULL),
                     KEE_KERNEL_NO_SUCH);
    check(&bed);
    end(&bed);
}

/* A promise that has settled already is mentioned: how it settled is heard after what mentions it. */
static void a_settled_promise_follows_its_mention(void **state)
{
    struct bed bed;
    struct rig_delivery d;
    struct rig_reply reply;
    char object[40];

    (void)state;
    begin(&bed);
    vat_begins(&bed, "o+1", &d, &reply);
    rig_reply_send(&reply, slot(&d, 0, object), "#[\"see\",[\"&0\"]]", "p+5", NULL);
    rig_reply_resolve(&reply, "p+5", true, "#\"no\"", NULL);
    rig_reply_end(&bed.rig, 1, &reply, NULL);
    check(&bed);
    HEARS(&bed, "message o+1 from v1: #[\"see\",[\"&0\"]] kp1");
    HEARS(&bed, "rejected kp1: #\"no\"");
    assert_int_equal(peer_rig_drop(&bed.peers, bed.r1, "kp1", 1), 0);
    end(&bed);
}

static void pipelining_reaches_the_peer_at_once(void **state)
{
    struct bed bed;
    struct rig_delivery d;
    struct rig_reply reply;
    char object[40], promise[40];

    (void)state;
    begin(&bed);
    vat_begins(&bed, "o+1 p+2", &d, &reply);
    rig_reply_send(&reply, slot(&d, 0, object), "#[\"first\",[]]", NULL, "p+5");
    rig_reply_send(&reply, "p+5", "#[\"second\",[]]", NULL, "p+6");
    rig_reply_send(&reply, slot(&d, 1, promise), "#[\"third\",[]]", NULL, NULL);
    rig_reply_end(&bed.rig, 1, &reply, NULL);
    check(&bed);
    HEARS(&bed, "message o+1 from v1 result kp2: #[\"first\",[]]");
    HEARS(&bed, "message kp2 from v1 result kp3: #[\"second\",[]]");
    HEARS(&bed, "message p+2 from v1: #[\"third\",[]]");
    assert_int_equal(peer_rig_settle(&bed.peers, bed.r1, "kp2", false, "#\"$0\"", "o+9"), 0);
    assert_int_equal(peer_rig_settle(&bed.peers, bed.r1, "kp3", true, "#\"no\"", NULL), 0);
    assert_int_equal(peer_rig_settle(&bed.peers, bed.r1, "p+2", false, "#\"$0\"", bed.root), 0);
    assert_int_equal(peer_rig_drop(&bed.peers, bed.r1, "p+2", 0), 0);
    check(&bed);
    end(&bed);
}

/* What a peer sends to the result of its own message, and to what that settled with. */
static void a_peer_sends_to_its_results(void **state)
{
    struct bed bed;
    struct rig_delivery d;
    char first[24], second[24], text[400];

    (void)state;
    begin(&bed);
    assert_int_equal(peer_rig_send(&bed.peers, bed.r1, bed.root, "#[\"a\",[]]", NULL, first), 0);
    assert_int_equal(peer_rig_send(&bed.peers, bed.r1, first, "#[\"b\",[]]", NULL, second), 0);
    vat_answers(&bed, "#\"$0\"", "o+5");
    HEARS(&bed, LINE(text, "fulfilled %s: #\"$0\" ko2", first));
    vat_answers(&bed, "#8", NULL);
    HEARS(&bed, LINE(text, "fulfilled %s: #8", second));
    assert_int_equal(peer_rig_send(&bed.peers, bed.r1, first, "#[\"c\",[]]", NULL, NULL), 0);
    rig_run(&bed.rig);
    assert_true(rig_take(&bed.rig, 1, &d));
    assert_true(kee_bytes_equal(d.target, KEE_BYTES_LIT("o+5")));
    /* Data has no methods, in memory as in rows. */
    assert_int_equal(peer_rig_send(&bed.peers, bed.r1, second, "#[\"d\",[]]", NULL, first), 0);
    check(&bed);
    assert_non_null(strstr(peer_rig_take(&bed.peers, bed.r1), "it has no methods"));
    struct rig_reply reply;
    rig_reply_begin(&reply, d.number, NULL);
    rig_reply_end(&bed.rig, 1, &reply, NULL);
    end(&bed);
}

static void a_drop_takes_nothing_from_a_mention_it_crosses(void **state)
{
    struct bed bed;
    struct rig_delivery d;
    struct rig_reply reply;
    char object[40];

    (void)state;
    begin(&bed);
    vat_begins(&bed, "o+1", &d, &reply);
    (void)slot(&d, 0, object);
    rig_reply_send(&reply, object, "#[\"a\",[\"$0\"]]", "o+5", NULL);
    rig_reply_end(&bed.rig, 1, &reply, NULL);
    vat_begins(&bed, NULL, &d, &reply);
    rig_reply_send(&reply, object, "#[\"b\",[\"$0\"]]", "o+5", NULL);
    rig_reply_end(&bed.rig, 1, &reply, NULL);
    /* The peer has heard of one mention when it drops. */
    assert_int_equal(peer_rig_drop(&bed.peers, bed.r1, "ko3", 1), 0);
    check(&bed);
    HEARS(&bed, "message o+1 from v1: #[\"a\",[\"$0\"]] ko3");
    HEARS(&bed, "message o+1 from v1: #[\"b\",[\"$0\"]] ko3");
    assert_int_equal(peer_rig_send(&bed.peers, bed.r1, "ko3", "#[\"c\",[]]", NULL, NULL), 0);
    rig_run(&bed.rig);
    assert_true(rig_ok(&bed.rig, 1));
    end(&bed);
}

static void a_revoked_object_hears_nothing(void **state)
{
    struct bed bed;
    struct rig_delivery d;
    struct rig_reply reply;
    char object[40];

    (void)state;
    begin(&bed);
    vat_begins(&bed, "o+1", &d, &reply);
    assert_int_equal(rig_order(&bed.rig, kee_kernel_revoke, rig_kref("ko2")), 0);
    rig_reply_send(&reply, slot(&d, 0, object), "#[\"hi\",[]]", NULL, "p+5");
    rig_reply_subscribe(&reply, "p+5");
    rig_reply_end(&bed.rig, 1, &reply, NULL);
    check(&bed);
    assert_true(rig_take(&bed.rig, 1, &d));
    assert_int_equal(d.kind, KEE_VP_NOTIFY);
    assert_true(d.rejected);
    rig_reply_begin(&reply, d.number, NULL);
    rig_reply_end(&bed.rig, 1, &reply, NULL);
    end(&bed);
}

/* Paused, what a peer says waits in the queue like any message. */
static void a_pause_holds_what_is_said(void **state)
{
    struct bed bed;
    struct rig_delivery d;
    char result[24], text[400];

    (void)state;
    begin(&bed);
    kee_kernel_pause(bed.rig.kernel);
    assert_int_equal(peer_rig_send(&bed.peers, bed.r1, bed.root, "#[\"a\",[]]", NULL, result), 0);
    check(&bed);
    assert_false(rig_take(&bed.rig, 1, &d));
    kee_kernel_resume(bed.rig.kernel);
    vat_answers(&bed, "#1", NULL);
    HEARS(&bed, LINE(text, "fulfilled %s: #1", result));
    end(&bed);
}

/* Two peers: one calls the other, through the kernel alone. */
static void peers_call_each_other(void **state)
{
    struct bed bed;
    struct kee_peer_id r2;
    struct rig_delivery d;
    struct rig_reply reply;
    char result[24], text[400];

    (void)state;
    begin(&bed);
    r2 = peer_rig_open(&bed.peers, "other");
    vat_begins(&bed, "o+1", &d, &reply);
    assert_int_equal(peer_rig_hold(&bed.peers, r2, "ko2"), 0);
    assert_int_equal(peer_rig_send(&bed.peers, r2, "ko2", "#[\"x\",[\"$0\"]]", "o+1", result), 0);
    check(&bed);
    HEARS(&bed, LINE(text, "message o+1 from r2 result %s: #[\"x\",[\"$0\"]] ko3", result));
    assert_int_equal(peer_rig_settle(&bed.peers, bed.r1, result, false, "#\"$0\"", "ko3"), 0);
    check(&bed);
    assert_string_equal(peer_rig_take(&bed.peers, r2),
                        LINE(text, "fulfilled %s: #\"$0\" o+1", result));
    assert_int_equal(peer_rig_drop(&bed.peers, r2, result, 1), 0);
    assert_int_equal(peer_rig_drop(&bed.peers, bed.r1, "ko3", 1), 0);
    check(&bed);
    assert_string_equal(peer_rig_take(&bed.peers, r2), "dropped o+1 after 1");
    rig_reply_end(&bed.rig, 1, &reply, NULL);
    end(&bed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_call_comes_back),
        TEST(a_call_without_effect_writes_nothing),
        TEST(names_that_were_not_given_mean_nothing),
        TEST(a_vat_calls_a_peers_object),
        TEST(a_failed_crank_says_nothing),
        TEST(what_nothing_reaches_is_dropped),
        TEST(what_was_never_held_is_dropped),
        TEST(promises_are_told_once_each),
        TEST(a_settled_promise_follows_its_mention),
        TEST(pipelining_reaches_the_peer_at_once),
        TEST(a_peer_sends_to_its_results),
        TEST(a_drop_takes_nothing_from_a_mention_it_crosses),
        TEST(a_revoked_object_hears_nothing),
        TEST(a_pause_holds_what_is_said),
        TEST(peers_call_each_other),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
