/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peers - the peers of a simulation: host sessions that say what a die says, and keep the books that an
 * honest session keeps.
 *
 *   an import   as often as it was mentioned, less what was dropped: what is left can be named
 *   an export   as often as it was named: the kernel lets go of it as often, and then it means nothing
 *   a promise   settles once while it is held
 */
#ifndef KEE_TEST_SIM_PEERS_H
#define KEE_TEST_SIM_PEERS_H

#include "kernel_rig.h"
#include "rng.h"

#define SIM_PEERS 3
#define SIM_PEER_NAMES 96
#define SIM_SENDERS 12 /* vats and peers that number what they send */

struct sim_name {
    char text[40];
    uint64_t count; /* mentions heard, or said */
    bool told;      /* a promise: how it settled was heard */
    bool answer;    /* the result of what it sent */
};

struct sim_names {
    struct sim_name names[SIM_PEER_NAMES];
    size_t count;
};

struct sim_peer {
    struct kee_peer_id id; /* 0: not open */
    bool privileged;
    struct sim_names imports, exports, decided;
    uint64_t next, sent;
    uint64_t heard_from[SIM_SENDERS];
};

struct sim_peers {
    struct rig *rig;
    struct rng *rng;
    struct sim_peer peers[SIM_PEERS];
    uint64_t said, heard;
};

/* Listens to what peers hear. Senders are numbered from 1; those of peers follow first_sender. */
void sim_peers_init(struct sim_peers *sim, struct rig *rig, struct rng *rng);
/* One of them does something; number is that of the first peer as a sender. */
void sim_peers_act(struct sim_peers *sim, uint64_t first_sender);
/* The process has died. */
void sim_peers_crash(struct sim_peers *sim);
/* All are closed, and leave nothing behind. */
void sim_peers_close(struct sim_peers *sim);

#endif
