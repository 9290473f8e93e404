/* SPDX-License-Identifier: Apache-2.0 */
/* peer_bed - what the tests of peers begin with: a vat, and a peer that may send to its root. */
#ifndef KEE_TEST_PEER_BED_H
#define KEE_TEST_PEER_BED_H

#include <stdio.h>

#include "cm.h"
#include "peer_rig.h"

struct bed {
    struct rig rig;
    struct peer_rig peers;
    struct kee_peer_id r1;
    char root[24];
};

/* A vat v1, launched and quiet, and a peer r1 that has been given its root. */
static inline void begin(struct bed *bed)
{
    rig_init(&bed->rig);
    peer_rig_init(&bed->peers, &bed->rig);
    rig_launch(&bed->rig, "alice", 0);
    assert_true(rig_ok(&bed->rig, 1));
    rig_run(&bed->rig);
    bed->r1 = peer_rig_open(&bed->peers, "owner");
    rig_root(&bed->rig, 1, bed->root);
    assert_int_equal(peer_rig_hold(&bed->peers, bed->r1, bed->root), 0);
}

static inline void check(struct bed *bed)
{
    rig_run(&bed->rig);
    assert_int_equal(rig_audit(&bed->rig), 0);
}

static inline void end(struct bed *bed)
{
    check(bed);
    assert_int_equal(bed->peers.count, 0);
    rig_fini(&bed->rig);
}

#define HEARS(bed, line)                                                                           \
    do {                                                                                           \
        const char *heard_ = peer_rig_take(&(bed)->peers, (bed)->r1);                              \
        assert_non_null(heard_);                                                                   \
        assert_string_equal(heard_, line);                                                         \
    } while (0)

#define LINE(out, ...) ((void)snprintf(out, 400, __VA_ARGS__), (out))

/* v1's next message or notification; words about garbage before it are answered. */
static inline void vat_takes(struct bed *bed, struct rig_delivery *d)
{
    struct rig_reply reply;

    rig_run(&bed->rig);
    assert_true(rig_take(&bed->rig, 1, d));
    while (d->kind > KEE_VP_NOTIFY) {
        rig_reply_begin(&reply, d->number, NULL);
        rig_reply_end(&bed->rig, 1, &reply, NULL);
        rig_run(&bed->rig);
        assert_true(rig_take(&bed->rig, 1, d));
    }
}

/* v1 takes a message; what it resolves the result with. */
static inline void vat_answers(struct bed *bed, const char *body, const char *slots)
{
    struct rig_delivery d;
    struct rig_reply reply;
    char result[40];

    rig_run(&bed->rig);
    assert_true(rig_take(&bed->rig, 1, &d));
    assert_int_equal(d.kind, KEE_VP_MESSAGE);
    rig_text(d.result, result);
    rig_reply_begin(&reply, d.number, NULL);
    rig_reply_resolve(&reply, result, false, body, slots);
    rig_reply_end(&bed->rig, 1, &reply, NULL);
    check(bed);
}

/* v1 is sent something by the peer, and does what the test puts into reply. */
static inline void vat_begins(struct bed *bed, const char *slots, struct rig_delivery *d,
                              struct rig_reply *reply)
{
    assert_int_equal(peer_rig_send(&bed->peers, bed->r1, bed->root, "#[\"go\",[]]", slots, NULL),
                     0);
    rig_run(&bed->rig);
    assert_true(rig_take(&bed->rig, 1, d));
    assert_int_equal(d->kind, KEE_VP_MESSAGE);
    rig_reply_begin(reply, d->number, NULL);
}

/* The name v1 has been given for slot i of a delivery. */
static inline const char *slot(const struct rig_delivery *d, uint32_t i, char out[40])
{
    struct kee_vp_strings slots = d->slots;
    struct kee_bytes one = {0};

    for (uint32_t n = 0; n <= i; n++) {
        assert_true(kee_vp_strings_next(&slots, &one));
    }
    rig_text(one, out);
    return out;
}

#endif
