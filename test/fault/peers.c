/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One fault in a scripted life of a vat and two peers, at every place in turn: each allocation of the
 * kernel, each call of the store. What follows is what the daemon does then: it ends, and another opens.
 * Then the audit holds, nothing is left of the peers but what the vat and the services hold of them, and
 * a new peer gets its answers. Without a fault the script comes to its end.
 */
#include "cm.h"

#include <stdio.h>

#include "alloc_fault.h"
#include "base/fault.h"
#include "base/limits.h"
#include "peer_rig.h"

struct play {
    struct rig rig;
    struct peer_rig peers;
    struct kee_peer_id host, client;
    char root[24];
    uint64_t names, steps;
};

/* Asked for "a", the vat sends to the first thing it is given; and it answers whatever it is asked. */
static void one_crank(struct play *play, const struct rig_delivery *d)
{
    struct kee_vp_strings slots = d->slots;
    struct kee_bytes slot;
    struct rig_reply reply;
    char object[40], other[40], result[40], vpid[40];

    rig_reply_begin(&reply, d->number, NULL);
    if (d->kind == KEE_VP_MESSAGE) {
        if (kee_bytes_has_prefix(d->body, KEE_BYTES_LIT("#[\"a\"")) &&
            kee_vp_strings_next(&slots, &slot)) {
            rig_text(slot, object);
            (void)snprintf(vpid, sizeof vpid, "p+%u", (unsigned)++play->names);
            (void)snprintf(other, sizeof other, "o+%u p+%u", (unsigned)play->names,
                           (unsigned)play->names + 1000);
            rig_reply_send(&reply, object, "#[\"take\",[\"$0\",\"&1\"]]", other, vpid);
            rig_reply_subscribe(&reply, vpid);
            rig_reply_send(&reply, vpid, "#[\"more\",[]]", NULL, NULL);
            (void)snprintf(other, sizeof other, "p+%u", (unsigned)play->names + 1000);
            rig_reply_resolve(&reply, other, false, "#5", NULL);
        }
        if (d->result.size > 0) {
            rig_text(d->result, result);
            rig_reply_resolve(&reply, result, false, "#\"$0\"", "o+0");
        }
    }
    rig_reply_end(&play->rig, 1, &reply, NULL);
}

static void run(struct play *play)
{
    struct rig_delivery d;
    bool moved = true;

    for (int rounds = 0; moved && !play->rig.faulted; rounds++) {
        assert_true(rounds < 1000);
        rig_run(&play->rig);
        moved = !play->rig.faulted && rig_take(&play->rig, 1, &d);
        if (moved) {
            one_crank(play, &d);
        }
    }
}

/* The first message this peer has heard that wants a result. What comes before it is passed over. */
static bool hears_message(struct play *play, struct kee_peer_id peer, char target[24],
                          char result[24])
{
    const char *heard;
    char from[24];

    while ((heard = peer_rig_take(&play->peers, peer)) != NULL ||
           peer_rig_take(&play->peers, play->client) != NULL) {
        if (heard != NULL &&
            sscanf(heard, "message %23s from %23s result %23[^:]:", target, from, result) == 3) {
            return true;
        }
    }
    return false;
}

static bool step(struct play *play, int r)
{
    assert_true(r <= 0); /* nothing of this is to be declined */
    play->steps += r == 0;
    run(play);
    return r == 0 && !play->rig.faulted;
}

/* What the host calls by this name. Looking is not what is to fail. */
struct naming {
    const char *name;
    char *out;
};

static void on_row(void *context, const struct kee_record *record)
{
    struct naming *naming = context;

    if (kee_bytes_equal(record->fields[1].value, kee_bytes_str(naming->name))) {
        rig_text(record->fields[0].value, naming->out);
    }
}

static const char *kref_of(struct play *play, const char *name, char out[40])
{
    struct naming naming = {name, out};
    uint64_t fails_at = play->rig.store_fails_at;

    play->rig.store_fails_at = 0;
    assert_int_equal(kee_kernel_list_peer_clist(play->rig.kernel, play->host, on_row, &naming), 0);
    play->rig.store_fails_at = fails_at;
    assert_true(out[0] != 0);
    return out;
}

static int serve(struct play *play, struct kee_peer_id peer, const char *object)
{
    struct kee_kref kref;
    int r;

    rig_enter(&play->rig);
    r = kee_service_register(play->rig.kernel, peer, KEE_BYTES_LIT("one"), kee_bytes_str(object),
                             false, &kref);
    (void)rig_well(&play->rig, r);
    return r;
}

static int look(struct play *play, struct kee_peer_id peer, const char *promise)
{
    struct kee_buf hold = KEE_BUF_EMPTY;
    struct kee_vp_capdata data;
    char state;
    int r;

    rig_enter(&play->rig);
    r = kee_peer_look(play->rig.kernel, peer, kee_bytes_str(promise), &hold, &state, &data);
    (void)rig_well(&play->rig, r);
    kee_buf_fini(&hold);
    return r;
}

static int close_peer(struct play *play, struct kee_peer_id peer)
{
    int r;

    rig_enter(&play->rig);
    r = kee_peer_close(play->rig.kernel, peer, "bye");
    (void)rig_well(&play->rig, r);
    return r;
}

/* True if it came to its end. */
static bool script(struct play *play)
{
    struct peer_rig *peers = &play->peers;
    char kp[24], ko[40] = "", asked[24], target[24];

    play->host = peer_rig_open(peers, "host");
    play->client = play->rig.faulted ? play->host : peer_rig_open(peers, "client");
    if (play->rig.faulted || !step(play, peer_rig_hold(peers, play->host, play->root)) ||
        !step(play, peer_rig_hold(peers, play->client, play->root)) ||
        !step(play, peer_rig_send(peers, play->host, play->root, "#[\"a\",[\"$0\",\"&1\"]]",
                                  "o+1 p+2 o+1", kp)) ||
        !hears_message(play, play->host, target, asked) ||
        !step(play, look(play, play->host, kp)) ||
        !step(play, peer_rig_settle(peers, play->host, asked, false, "#[\"$0\"]", "o+3")) ||
        !step(play, serve(play, play->host, "o+4")) ||
        !step(play, peer_rig_hold(peers, play->client, kref_of(play, "o+1", ko))) ||
        !step(play, peer_rig_send(peers, play->client, ko, "#[\"b\",[]]", "o+7", kp)) ||
        !hears_message(play, play->host, target, asked) ||
        !step(play, peer_rig_settle(peers, play->host, asked, true, "#\"no\"", NULL)) ||
        !step(play, look(play, play->client, kp)) ||
        !step(play, peer_rig_drop(peers, play->client, kp, 1)) ||
        !step(play, peer_rig_settle(peers, play->host, "p+2", false, "#\"$0\"", play->root)) ||
        !step(play, peer_rig_drop(peers, play->host, "p+2", 1)) ||
        !step(play, close_peer(play, play->host)) ||
        !step(play, serve(play, play->client, "o+9"))) {
        return false;
    }
    peers->count = 0;
    return step(play, close_peer(play, play->client));
}

static void open_play(struct play *play)
{
    *play = (struct play){.names = 100};
    rig_init(&play->rig);
    rig_launch(&play->rig, "alice", 0);
    run(play);
    assert_int_equal(kee_world_flush(play->rig.world), 0);
    rig_crash(&play->rig); /* the first life of a kernel allocates most */
    rig_root(&play->rig, 1, play->root);
    peer_rig_init(&play->peers, &play->rig);
    play->rig.faults_on = alloc_fault_on;
}

static void judge(struct play *play)
{
    struct kee_bytes key;
    struct kee_peer_id peer;
    char kp[24];

    play->rig.faults_on = NULL;
    play->rig.store_fails_at = 0;
    if (!play->rig.faulted) {
        assert_int_equal(rig_audit(&play->rig), 0);
    }
    rig_crash(&play->rig);
    rig_run(&play->rig);
    play->rig.now_ms += KEE_PEER_LEASE_MS;
    assert_int_equal(rig_audit(&play->rig), 0);
    run(play);
    assert_true(
        kee_world_next(play->rig.world, KEE_BYTES_LIT("r"), KEE_BYTES_LIT("r"), &key, NULL) > 0);
    play->peers.count = 0;
    peer = peer_rig_open(&play->peers, "again");
    assert_int_equal(peer_rig_hold(&play->peers, peer, play->root), 0);
    assert_int_equal(peer_rig_send(&play->peers, peer, play->root, "#[\"a\",[]]", NULL, kp), 0);
    run(play);
    assert_non_null(peer_rig_take(&play->peers, peer));
    assert_int_equal(rig_audit(&play->rig), 0);
    rig_fini(&play->rig);
}

static void whichever_allocation_fails(void **state)
{
    static struct play play;
    uint64_t nth = 0;
    bool fired = true, ended = false;

    (void)state;
    while (fired) {
        open_play(&play);
        alloc_fault_arm(++nth);
        ended = script(&play);
        fired = alloc_fault_disarm();
        judge(&play);
    }
    assert_true(ended);
    print_message("%u places, %u steps\n", (unsigned)nth - 1, (unsigned)play.steps);
    assert_true(nth > 50 && play.steps == 16);
}

static void whichever_store_call_fails(void **state)
{
    static struct play play;
    uint64_t nth = 0;
    bool fired = true, ended = false;

    (void)state;
    while (fired) {
        open_play(&play);
        play.rig.store_fails_at = ++nth;
        ended = script(&play);
        fired = play.rig.store_fails_at == 0;
        judge(&play);
    }
    assert_true(ended);
    print_message("%u calls\n", (unsigned)nth - 1);
    assert_true(nth > 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(whichever_allocation_fails),
        TEST(whichever_store_call_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
