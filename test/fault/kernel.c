/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One fault in a scripted life of three vats, at every place in turn: each allocation of the kernel,
 * each call of the store, each frame that a worker sends. After it (and after the reopening that a fault
 * of memory or store asks for) the audit holds, every vat answers, and what was acknowledged is there.
 *
 *   console ──go(n)──► alice ──take──► bob ──back──► alice       carol answers pings
 *                        └ writes row n; go's answer comes when take's has come
 */
#include "cm.h"

#include <stdio.h>
#include <stdlib.h>

#include "alloc_fault.h"
#include "base/fault.h"
#include "kernel_rig.h"

enum { ALICE = 1, BOB, CAROL, VATS = CAROL };
enum { GOES = 3 };

struct play {
    struct rig rig;
    uint64_t names;       /* numbers of objects and promises are never used again */
    uint64_t calls;       /* asked so far */
    bool acked[GOES + 1]; /* which go was answered */
    uint64_t frames;      /* sent by workers since the script began */
    uint64_t spoil_at;
    unsigned how;
    bool spoiled;
    char waiting[GOES + 1][24]; /* by go: alice's name of its result */
    char asked[GOES + 1][24];   /* and of bob's answer */
};

/* ---- the vats ---- */

static bool says(const struct rig_delivery *d, const char *start)
{
    return kee_bytes_has_prefix(d->body, kee_bytes_str(start));
}

static void copy(char out[24], struct kee_bytes text)
{
    (void)snprintf(out, 24, "%.*s", (int)text.size, (const char *)text.data);
}

static uint64_t number_in(const struct rig_delivery *d)
{
    char text[40];
    unsigned long long n = 0;

    (void)snprintf(text, sizeof text, "%.*s", (int)d->body.size, (const char *)d->body.data);
    assert_int_equal(sscanf(text, "#[\"go\",[\"$0\",%llu", &n), 1);
    assert_true(n >= 1 && n <= GOES);
    return n;
}

static void first_slot(const struct rig_delivery *d, char out[24])
{
    struct kee_vp_strings slots = d->slots;
    struct kee_bytes slot = KEE_BYTES_LIT("");

    assert_true(kee_vp_strings_next(&slots, &slot));
    copy(out, slot);
}

static void alice(struct play *play, const struct rig_delivery *d, struct rig_reply *reply,
                  char rows[64])
{
    char bob[24], thing[24], vpid[24];

    if (d->kind == KEE_VP_MESSAGE && says(d, "#[\"go\"")) {
        uint64_t n = number_in(d);
        first_slot(d, bob);
        play->names++;
        (void)snprintf(thing, sizeof thing, n % 2 ? "o+d10/%u" : "o+%u", (unsigned)play->names);
        (void)snprintf(vpid, sizeof vpid, "p+%u", (unsigned)play->names);
        rig_reply_send(reply, bob, "#[\"take\",[\"$0\"]]", thing, vpid);
        rig_reply_subscribe(reply, vpid);
        copy(play->waiting[n], d->result);
        copy(play->asked[n], kee_bytes_str(vpid));
        (void)snprintf(rows, 64, "n%u=%s vom.rc.%s=1", (unsigned)n, thing, bob);
    } else if (d->kind == KEE_VP_NOTIFY) {
        for (uint64_t n = 1; n <= GOES; n++) {
            if (kee_bytes_equal(d->target, kee_bytes_str(play->asked[n])) &&
                play->waiting[n][0] != 0) {
                rig_reply_resolve(reply, play->waiting[n], d->rejected, "#\"done\"", NULL);
                play->waiting[n][0] = 0;
            }
        }
    } else if (d->kind == KEE_VP_MESSAGE && d->result.size > 0) {
        copy(vpid, d->result);
        rig_reply_resolve(reply, vpid, false, "#\"here\"", NULL);
    }
}

static void bob(struct play *play, const struct rig_delivery *d, struct rig_reply *reply)
{
    char thing[24], mine[24], vpid[24];

    copy(vpid, d->result);
    if (d->kind == KEE_VP_MESSAGE && says(d, "#[\"take\"")) {
        first_slot(d, thing);
        (void)snprintf(mine, sizeof mine, "o+%u", (unsigned)++play->names);
        rig_reply_send(reply, thing, "#[\"back\",[\"$0\"]]", mine, NULL);
        rig_reply_resolve(reply, vpid, false, "#\"taken\"", NULL);
        rig_reply_names(reply, KEE_VP_CALL_DROP_IMPORTS, thing);
    } else if (d->kind == KEE_VP_MESSAGE && vpid[0] != 0) {
        rig_reply_resolve(reply, vpid, false, "#\"here\"", NULL);
    }
}

static void one_crank(struct play *play, uint64_t vat, const struct rig_delivery *d)
{
    struct rig_reply reply;
    char rows[64] = "";
    char vpid[24];

    rig_reply_begin(&reply, d->number, NULL);
    if (d->kind != 0 && vat == ALICE) {
        alice(play, d, &reply, rows);
    } else if (d->kind != 0 && vat == BOB) {
        bob(play, d, &reply);
    } else if (d->kind == KEE_VP_MESSAGE && d->result.size > 0) {
        copy(vpid, d->result);
        rig_reply_resolve(&reply, vpid, false, "#\"here\"", NULL);
    }
    rig_reply_end(&play->rig, vat, &reply, rows);
}

/* Until nothing moves. A fault is followed by what the daemon does then: it ends, and another opens. */
static void run(struct play *play)
{
    struct rig *rig = &play->rig;
    struct rig_delivery d;
    bool moved = true;

    for (int rounds = 0; moved; rounds++) {
        assert_true(rounds < 1000);
        moved = false;
        rig_run(rig);
        for (uint64_t vat = 1; vat <= VATS && !rig->faulted; vat++) {
            if (rig_take(rig, vat, &d)) {
                one_crank(play, vat, &d);
                moved = true;
            }
        }
        if (rig->faulted) {
            rig_crash(rig);
            assert_int_equal(rig_audit(rig), 0);
            moved = true;
        }
    }
}

/* ---- the script ---- */

static void open_play(struct play *play)
{
    *play = (struct play){.names = 100};
    rig_init(&play->rig);
    rig_launch(&play->rig, "alice bob carol", ++play->calls);
    assert_true(rig_ok(&play->rig, ALICE)); /* bootstrap, whose result stays open */
    run(play);
    assert_int_equal(kee_world_flush(play->rig.world), 0);
}

static bool answered(struct play *play, uint64_t call)
{
    const struct rig_answer *answer = rig_answer(&play->rig, call);

    return answer != NULL && answer->status == KEE_ANSWER_FULFILLED;
}

static void script(struct play *play)
{
    struct rig *rig = &play->rig;
    char to[24], with[24], body[40];

    for (uint64_t n = 1; n <= GOES; n++) {
        rig_root(rig, ALICE, to);
        rig_root(rig, BOB, with);
        (void)snprintf(body, sizeof body, "#[\"go\",[\"$0\",%u]]", (unsigned)n);
        (void)rig_send(rig, to, body, with, ++play->calls);
        run(play);
        play->acked[n] = answered(play, play->calls);
        if (n == 2) { /* what was dropped is looked for, and a vat begins anew */
            (void)kee_kernel_reap(rig->kernel, (struct kee_vat_id){0});
            run(play);
            if (!rig->faulted) {
                rig_worker_dies(rig, BOB);
            }
            run(play);
        }
    }
}

static void judge(struct play *play)
{
    struct rig *rig = &play->rig;
    char root[24], key[24];
    struct kee_bytes value;

    rig->store_fails_at = 0;
    assert_int_equal(rig_audit(rig), 0);
    for (uint64_t vat = 1; vat <= VATS; vat++) {
        uint64_t call = ++play->calls;
        rig_root(rig, vat, root);
        assert_true(root[0] != 0);
        assert_int_equal(rig_send(rig, root, "#[\"ping\",[]]", NULL, call), 0);
        run(play);
        assert_true(answered(play, call));
    }
    rig_crash(rig);
    for (uint64_t n = 1; n <= GOES; n++) {
        (void)snprintf(key, sizeof key, "v1.s.n%u", (unsigned)n);
        assert_true(!play->acked[n] || kee_world_get(rig->world, kee_bytes_str(key), &value) == 0);
    }
    assert_int_equal(rig_audit(rig), 0);
    rig_fini(rig);
}

static void whichever_allocation_fails(void **state)
{
    static struct play play;
    uint64_t nth = 0, unhurt = 0;
    bool fired = true;

    while (fired) {
        open_play(&play);
        rig_crash(&play.rig); /* the first life of a kernel allocates most */
        play.rig.faults_on = alloc_fault_on;
        alloc_fault_arm(++nth);
        script(&play);
        fired = alloc_fault_disarm();
        play.rig.faults_on = NULL;
        unhurt += play.acked[1] && play.acked[2] && play.acked[3];
        judge(&play);
    }
    print_message("%u places; all was answered in spite of it at %u\n", (unsigned)nth - 1,
                  (unsigned)unhurt - 1);
    assert_true(nth > 100 && unhurt > 1);
}

static void whichever_store_call_fails(void **state)
{
    static struct play play;
    uint64_t nth = 0;
    bool fired = true;

    while (fired) {
        open_play(&play);
        rig_crash(&play.rig);                /* so that nothing is in memory */
        play.rig.faults_on = alloc_fault_on; /* nothing is armed: faults are the store's */
        play.rig.store_fails_at = ++nth;
        script(&play);
        fired = play.rig.store_fails_at == 0;
        play.rig.faults_on = NULL;
        judge(&play);
    }
    print_message("%u calls\n", (unsigned)nth - 1);
    assert_true(nth > 20);
}

/* ---- frames ---- */

enum { LOST, TWICE, CUT, LONGER, OTHER_NUMBER, WAYS };

static enum rig_way spoil(struct rig *rig, uint64_t vat, struct kee_buf *fields)
{
    struct play *play = (struct play *)rig; /* its first member */

    if (++play->frames != play->spoil_at) {
        return RIG_WAY_ONCE;
    }
    play->spoiled = true;
    switch (play->how) {
    case LOST:
        rig_worker_dies(rig, vat);
        return RIG_WAY_LOST;
    case TWICE:
        return RIG_WAY_TWICE;
    case LONGER:
        kee_buf_put_u8(fields, 0);
        return RIG_WAY_ONCE;
    case OTHER_NUMBER:
        fields->data[0] ^= 0x40;
        return RIG_WAY_ONCE;
    default: /* CUT: at a place of its own for each frame */
        fields->size = (fields->size - 1) * (play->spoil_at * 7 % 10) / 10;
        return RIG_WAY_ONCE;
    }
}

static void whichever_frame_is_spoiled(void **state)
{
    static struct play play;

    for (unsigned how = 0; how < WAYS; how++) {
        uint64_t nth = 0;
        bool spoiled = true;
        while (spoiled) {
            open_play(&play);
            play.rig.on_done = spoil;
            play.spoil_at = ++nth;
            play.how = how;
            script(&play);
            spoiled = play.spoiled;
            play.rig.on_done = NULL;
            judge(&play);
        }
        assert_true(nth > 10);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(whichever_allocation_fails),
        TEST(whichever_store_call_fails),
        TEST(whichever_frame_is_spoiled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
