/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peer_rig - peers played by a test, over a kernel_rig. What they hear is kept as lines of text, to be
 * taken one by one:
 *
 *   message o+3 from v1 result kp4: #["hi",["$0"]] ko2      result and slots only if there are any
 *   fulfilled kp4: #7        rejected kp4: #{...}           dropped o+3 after 2
 *   lost: WHY
 */
#ifndef KEE_TEST_PEER_RIG_H
#define KEE_TEST_PEER_RIG_H

#include "kernel_rig.h"

#define PEER_RIG_LINES 256

struct peer_rig {
    struct rig *rig;
    struct {
        uint64_t peer;
        char text[400];
    } heard[PEER_RIG_LINES];
    size_t first, count;
};

/* Listens to the peers of the rig. */
void peer_rig_init(struct peer_rig *peers, struct rig *rig);
struct kee_peer_id peer_rig_open(struct peer_rig *peers, const char *label);
/* The next line that is waiting, of this peer; NULL if there is none, or the next is another's. */
const char *peer_rig_take(struct peer_rig *peers, struct kee_peer_id peer);
/* Says a message; slots are names, space-separated. result: NULL, or gets the kref as text. */
int peer_rig_send(struct peer_rig *peers, struct kee_peer_id peer, const char *target,
                  const char *body, const char *slots, char result[24]);
int peer_rig_settle(struct peer_rig *peers, struct kee_peer_id peer, const char *promise,
                    bool rejected, const char *body, const char *slots);
int peer_rig_drop(struct peer_rig *peers, struct kee_peer_id peer, const char *name,
                  uint64_t count);
int peer_rig_hold(struct peer_rig *peers, struct kee_peer_id peer, const char *kref);

#endif
