/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of what becomes of a peer's things when it is over: closed, lost, or of an older boot. */
#include "peer_bed.h"
#include "store/schema.h"

static uint64_t count_rows(struct bed *bed)
{
    struct kee_key at = {0};
    struct kee_bytes key;
    uint64_t count = 0;

    while (kee_world_next(bed->rig.world, kee_bytes_of(NULL, 0), kee_key_view(&at), &key, NULL) ==
           0) {
        count++;
        at.size = 0;
        kee_key_add(&at, key);
    }
    return count;
}

/* v1 has o+1 and p+2 of the peer, and has sent to o+1 with a result it waits for. */
static void entangle(struct bed *bed, char object[40], char promise[40])
{
    struct rig_delivery d;
    struct rig_reply reply;

    vat_begins(bed, "o+1 p+2", &d, &reply);
    rig_reply_send(&reply, slot(&d, 0, object), "#[\"ask\",[\"$0\",\"&1\"]]", "o+5 p+6", "p+7");
    rig_reply_subscribe(&reply, "p+7");
    rig_reply_subscribe(&reply, slot(&d, 1, promise));
    rig_reply_end(&bed->rig, 1, &reply, NULL);
    check(bed);
    HEARS(bed, "message o+1 from v1 result kp3: #[\"ask\",[\"$0\",\"&1\"]] ko3 kp2");
}

/* v1 is told that a promise was rejected; why is in the error. */
static void vat_is_told(struct bed *bed, const char *vpid, const char *why)
{
    struct rig_delivery d;
    struct rig_reply reply;
    char text[400];

    vat_takes(bed, &d);
    assert_int_equal(d.kind, KEE_VP_NOTIFY);
    assert_true(d.rejected);
    assert_true(kee_bytes_equal(d.target, kee_bytes_str(vpid)));
    (void)snprintf(text, sizeof text, "%.*s", (int)d.body.size, (const char *)d.body.data);
    assert_non_null(strstr(text, why));
    rig_reply_begin(&reply, d.number, NULL);
    rig_reply_end(&bed->rig, 1, &reply, NULL);
    check(bed);
}

/* v1 is told to send to the peer's object. */
static void vat_is_asked(struct bed *bed, struct rig_delivery *d)
{
    assert_int_equal(rig_send(&bed->rig, bed->root, "#[\"go\",[]]", NULL, 0), 0);
    vat_takes(bed, d);
}

/* It does, and is refused, with this reason. */
static void vat_is_refused(struct bed *bed, const struct rig_delivery *d, const char *object,
                           const char *why)
{
    struct rig_reply reply;

    rig_reply_begin(&reply, d->number, NULL);
    rig_reply_send(&reply, object, "#[\"hi\",[]]", NULL, "p+9");
    rig_reply_subscribe(&reply, "p+9");
    rig_reply_end(&bed->rig, 1, &reply, NULL);
    vat_is_told(bed, "p+9", why);
}

static void what_waits_for_a_closed_peer_is_rejected(void **state)
{
    static const char why[] = "[KERNEL:PEER_GONE] the host session r1 is over: the connection was";
    struct bed bed;
    struct rig_delivery d;
    char object[40], promise[40];
    uint64_t rows;

    (void)state;
    begin(&bed);
    entangle(&bed, object, promise);
    vat_is_asked(&bed, &d);
    assert_int_equal(kee_peer_close(bed.rig.kernel, bed.r1, "the connection was lost"), 0);
    assert_int_equal(rig_audit(&bed.rig), 0);
    vat_is_refused(&bed, &d, object, why); /* before its rows have gone */
    vat_is_told(&bed, promise, why);
    vat_is_told(&bed, "p+7", why);
    vat_is_asked(&bed, &d);
    vat_is_refused(&bed, &d, object, "[KERNEL:PEER_GONE] the host session r1 is over");
    assert_int_equal(peer_rig_send(&bed.peers, bed.r1, bed.root, "#[\"a\",[]]", NULL, NULL),
                     KEE_KERNEL_STATE);
    assert_int_equal(peer_rig_hold(&bed.peers, bed.r1, bed.root), KEE_KERNEL_STATE);
    assert_int_equal(kee_peer_close(bed.rig.kernel, bed.r1, "again"), 0);
    check(&bed);
    /* v1 hears that nobody reaches what it gave the peer, and forgets the peer's object. */
    while (rig_ok(&bed.rig, 1)) {
        rig_run(&bed.rig);
    }
    rows = count_rows(&bed);
    bed.r1 = peer_rig_open(&bed.peers, "again");
    assert_int_equal(bed.r1.n, 2);
    assert_int_equal(peer_rig_hold(&bed.peers, bed.r1, bed.root), 0);
    assert_int_equal(kee_peer_close(bed.rig.kernel, bed.r1, ""), 0);
    check(&bed);
    assert_int_equal(count_rows(&bed), rows);
    end(&bed);
}

/* A peer that holds nothing leaves no row; its own is there from the first reference to the last. */
static void a_peer_without_references_is_not_in_the_store(void **state)
{
    struct bed bed;
    struct kee_peer_id r2;
    uint64_t rows;

    begin(&bed);
    check(&bed);
    rows = count_rows(&bed);
    r2 = peer_rig_open(&bed.peers, "guest");
    assert_int_equal(count_rows(&bed), rows);
    assert_int_equal(peer_rig_hold(&bed.peers, r2, "ko4711"), KEE_KERNEL_NO_SUCH);
    assert_int_equal(count_rows(&bed), rows);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(peer_rig_hold(&bed.peers, r2, bed.root), 0);
        assert_int_equal(count_rows(&bed), rows + 2);
        check(&bed);
        assert_int_equal(peer_rig_drop(&bed.peers, r2, bed.root, 1), 0);
        assert_int_equal(count_rows(&bed), rows);
        check(&bed);
    }
    assert_int_equal(kee_peer_close(bed.rig.kernel, r2, ""), 0);
    check(&bed);
    assert_int_equal(count_rows(&bed), rows);
    end(&bed);
}

/* After a crash the same: nothing of an older boot is there but what others hold of it. */
static void a_peer_does_not_outlive_its_boot(void **state)
{
    struct bed bed;
    char object[40], promise[40];
    struct rig_delivery d;
    struct rig_reply reply;

    (void)state;
    begin(&bed);
    entangle(&bed, object, promise);
    /* v1 keeps the peer's object in durable data. */
    vat_begins(&bed, NULL, &d, &reply);
    rig_reply_end(&bed.rig, 1, &reply, "vom.rc.o-50=1");
    assert_string_equal(object, "o-50");
    check(&bed);
    assert_int_equal(kee_world_flush(bed.rig.world), 0);
    rig_crash(&bed.rig);
    assert_int_equal(rig_audit(&bed.rig), 0);
    check(&bed);
    assert_int_equal(bed.peers.count, 0);
    bed.r1 = peer_rig_open(&bed.peers, "owner");
    assert_true(bed.r1.n > 1); /* numbers are not given twice */
    assert_int_equal(rig_send(&bed.rig, bed.root, "#[\"go\",[]]", NULL, 0), 0);
    rig_run(&bed.rig);
    assert_true(rig_ok(&bed.rig, 1)); /* START */
    rig_run(&bed.rig);
    assert_true(rig_ok(&bed.rig, 1));
    check(&bed);
    vat_is_asked(&bed, &d);
    vat_is_refused(&bed, &d, "o-50", "[KERNEL:PEER_GONE] the host session r1 is over");
    end(&bed);
}

/* Promises that were parked, and results of peers among each other. */
static void peers_that_wait_for_a_peer_hear_of_its_end(void **state)
{
    struct bed bed;
    struct kee_peer_id r2;
    char first[24], second[24], text[400];
    const char *heard;

    (void)state;
    begin(&bed);
    r2 = peer_rig_open(&bed.peers, "other");
    assert_int_equal(peer_rig_send(&bed.peers, bed.r1, bed.root, "#[\"a\",[]]", "o+1", NULL), 0);
    assert_int_equal(peer_rig_hold(&bed.peers, r2, "ko2"), 0);
    assert_int_equal(peer_rig_send(&bed.peers, r2, "ko2", "#[\"x\",[]]", NULL, first), 0);
    assert_int_equal(peer_rig_send(&bed.peers, r2, first, "#[\"y\",[]]", NULL, second), 0);
    check(&bed);
    HEARS(&bed, LINE(text, "message o+1 from r2 result %s: #[\"x\",[]]", first));
    HEARS(&bed, LINE(text, "message %s from r2 result %s: #[\"y\",[]]", first, second));
    assert_int_equal(kee_peer_close(bed.rig.kernel, bed.r1, "bye"), 0);
    check(&bed);
    for (int i = 0; i < 2; i++) {
        heard = peer_rig_take(&bed.peers, r2);
        assert_non_null(heard);
        assert_non_null(strstr(heard, "rejected kp"));
        assert_non_null(strstr(heard, "[KERNEL:PEER_GONE] the host session r1 is over: bye"));
    }
    assert_true(rig_ok(&bed.rig, 1));
    end(&bed);
}

/* News that are not out yet are not heard once the peer is closed. */
static void a_closed_peer_hears_nothing(void **state)
{
    struct bed bed;
    struct rig_delivery d;
    struct rig_reply reply;
    char object[40];

    (void)state;
    begin(&bed);
    vat_begins(&bed, "o+1", &d, &reply);
    rig_reply_send(&reply, slot(&d, 0, object), "#[\"hi\",[]]", NULL, "p+5");
    rig_reply_end(&bed.rig, 1, &reply, NULL);
    assert_int_equal(kee_peer_close(bed.rig.kernel, bed.r1, ""), 0);
    check(&bed);
    end(&bed);
}

/* A crank that says more than the peer may have ends the peer, and not the vat, and not the daemon. */
static void too_much_news_end_the_peer(void **state)
{
    struct bed bed;
    struct rig_delivery d;
    struct rig_reply reply;
    char object[40];
    static char body[1 << 20];
    size_t count = 0;
    const char *heard;

    (void)state;
    begin(&bed);
    memset(body, 'x', sizeof body - 1);
    vat_begins(&bed, "o+1", &d, &reply);
    (void)slot(&d, 0, object);
    for (int i = 0; i < 70; i++) {
        rig_reply_send(&reply, object, body, NULL, NULL);
    }
    rig_reply_send(&reply, object, "#[\"last\",[]]", NULL, "p+5");
    rig_reply_subscribe(&reply, "p+5");
    rig_reply_end(&bed.rig, 1, &reply, NULL);
    check(&bed);
    while ((heard = peer_rig_take(&bed.peers, bed.r1)) != NULL &&
           strncmp(heard, "message", 7) == 0) {
        count++;
    }
    assert_in_range(count, 60, 64);
    assert_non_null(heard);
    assert_string_equal(heard, "lost: more than 67108864 bytes wait for it");
    vat_is_told(&bed, "p+5", "[KERNEL:PEER_GONE] the host session r1 is over: more than");
    end(&bed);
}

/* The same of its c-list; a word of its own is declined instead. */
static void too_many_references_end_the_peer(void **state)
{
    struct kee_peer_options options = {.label = KEE_BYTES_LIT("small"), .rows_max = 3};
    struct bed bed;
    struct rig_delivery d;
    struct rig_reply reply;
    char object[40];

    (void)state;
    begin(&bed);
    assert_int_equal(kee_peer_open(bed.rig.kernel, &options, &bed.r1), 0);
    assert_int_equal(peer_rig_hold(&bed.peers, bed.r1, bed.root), 0);
    assert_int_equal(
        peer_rig_send(&bed.peers, bed.r1, bed.root, "#[\"a\",[]]", "o+1 o+2 o+3", NULL),
        KEE_KERNEL_STATE);
    check(&bed);
    vat_begins(&bed, "o+1", &d, &reply); /* of the three that were declined nothing is left */
    (void)slot(&d, 0, object);
    rig_reply_send(&reply, object, "#[\"a\",[]]", "o+5", NULL);
    rig_reply_send(&reply, object, "#[\"b\",[]]", "o+6", NULL);
    rig_reply_end(&bed.rig, 1, &reply, NULL);
    check(&bed);
    HEARS(&bed, "message o+1 from v1: #[\"a\",[]] ko5");
    HEARS(&bed, "lost: the session holds 3 references, and may hold no more");
    while (rig_ok(&bed.rig, 1)) {
        rig_run(&bed.rig);
    }
    end(&bed);
}

/* A crank that would have ended the peer is undone: nothing has happened. */
static void an_undone_crank_ends_no_peer(void **state)
{
    struct kee_peer_options options = {.label = KEE_BYTES_LIT("small"), .rows_max = 2};
    struct bed bed;
    struct rig_delivery d;
    struct rig_reply reply;
    char object[40];

    (void)state;
    begin(&bed);
    assert_int_equal(kee_peer_open(bed.rig.kernel, &options, &bed.r1), 0);
    assert_int_equal(peer_rig_hold(&bed.peers, bed.r1, bed.root), 0);
    vat_begins(&bed, "o+1", &d, &reply);
    rig_reply_send(&reply, slot(&d, 0, object), "#[\"a\",[]]", "o+5", NULL);
    rig_reply_send(&reply, "o-999", "#[\"illegal\",[]]", NULL, NULL);
    rig_reply_end(&bed.rig, 1, &reply, NULL);
    check(&bed);
    assert_true(rig_ok(&bed.rig, 1)); /* START */
    rig_run(&bed.rig);
    assert_true(rig_take(&bed.rig, 1, &d));
    rig_reply_begin(&reply, d.number, NULL);
    rig_reply_send(&reply, slot(&d, 0, object), "#[\"b\",[]]", NULL, NULL);
    rig_reply_end(&bed.rig, 1, &reply, NULL);
    check(&bed);
    HEARS(&bed, "message o+1 from v1: #[\"b\",[]]");
    end(&bed);
}

/* A vat that ends lets go of what it held of a peer's. */
static void a_terminated_vat_lets_go_of_a_peers_objects(void **state)
{
    struct bed bed;
    struct rig_delivery d;
    struct rig_reply reply;

    (void)state;
    begin(&bed);
    vat_begins(&bed, "o+1", &d, &reply);
    rig_reply_end(&bed.rig, 1, &reply, NULL);
    check(&bed);
    assert_int_equal(kee_kernel_terminate_vat(bed.rig.kernel, (struct kee_vat_id){1}), 0);
    check(&bed);
    HEARS(&bed, "dropped o+1 after 1");
    end(&bed);
}

/* Who comes back soon after a restart of the daemon finds what it held by its kref; who does not, does not
 * hold it for ever. */
static void what_a_host_held_waits_for_it_after_a_restart(void **state)
{
    struct bed bed;
    char result[24];

    (void)state;
    begin(&bed);
    assert_int_equal(peer_rig_send(&bed.peers, bed.r1, bed.root, "#[\"make\",[]]", NULL, result),
                     0);
    vat_answers(&bed, "#\"$0\"", "o+d10/1");
    HEARS(&bed, "fulfilled kp1: #\"$0\" ko2");
    assert_int_equal(kee_world_flush(bed.rig.world), 0);
    for (int i = 0; i < 2; i++) { /* of two restarts, too */
        rig_crash(&bed.rig);
        check(&bed);
        bed.rig.now_ms += KEE_PEER_LEASE_MS - 1;
        check(&bed);
    }
    bed.r1 = peer_rig_open(&bed.peers, "owner");
    assert_int_equal(peer_rig_hold(&bed.peers, bed.r1, "ko2"), 0);
    assert_true(kee_kernel_wake_at_ms(bed.rig.kernel) <= bed.rig.now_ms + 1);
    bed.rig.now_ms++;
    check(&bed);
    assert_int_equal(peer_rig_hold(&bed.peers, bed.r1, "ko2"), 0);
    assert_int_equal(peer_rig_drop(&bed.peers, bed.r1, "ko2", 2), 0);
    assert_int_equal(peer_rig_hold(&bed.peers, bed.r1, "ko2"), KEE_KERNEL_STATE); /* let go of */
    end(&bed);
}

/* A store that was written before there were peers opens: their number is 1. */
static void an_older_store_opens(void **state)
{
    struct bed bed;
    struct kee_bytes ids;
    char text[100];

    (void)state;
    begin(&bed);
    assert_int_equal(kee_peer_close(bed.rig.kernel, bed.r1, ""), 0);
    check(&bed);
    assert_int_equal(kee_world_get(bed.rig.world, KEE_BYTES_LIT("ids"), &ids), 0);
    (void)snprintf(text, sizeof text, "%.*s", (int)ids.size, (const char *)ids.data);
    *strrchr(text, ' ') = 0; /* without its last number */
    kee_world_begin(bed.rig.world);
    assert_int_equal(kee_world_put(bed.rig.world, KEE_BYTES_LIT("ids"), kee_bytes_str(text)), 0);
    kee_world_commit(bed.rig.world);
    assert_int_equal(kee_world_flush(bed.rig.world), 0);
    rig_crash(&bed.rig);
    bed.r1 = peer_rig_open(&bed.peers, "first");
    assert_int_equal(bed.r1.n, 1);
    end(&bed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_waits_for_a_closed_peer_is_rejected),
        TEST(a_peer_without_references_is_not_in_the_store),
        TEST(a_peer_does_not_outlive_its_boot),
        TEST(peers_that_wait_for_a_peer_hear_of_its_end),
        TEST(a_closed_peer_hears_nothing),
        TEST(too_much_news_end_the_peer),
        TEST(too_many_references_end_the_peer),
        TEST(an_undone_crank_ends_no_peer),
        TEST(a_terminated_vat_lets_go_of_a_peers_objects),
        TEST(what_a_host_held_waits_for_it_after_a_restart),
        TEST(an_older_store_opens),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
