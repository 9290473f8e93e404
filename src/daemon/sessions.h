/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sessions - hosts that entered through a door: a channel and a session machine (captp/captp.h) each.
 *
 *   channel ─ text ─► session ─► kernel          from the loop
 *   kernel ─ news ─► session ─ text ─► channel   once durable; the kernel is not called then
 *
 * A host that does not read is not read from until that changes; one whose unread output passes its bound
 * is cut. A session that is over is taken apart in the next round.
 *
 * Returns  0 done; <0 fault.
 */
#ifndef KEE_DAEMON_SESSIONS_H
#define KEE_DAEMON_SESSIONS_H

#include "base/list.h"
#include "base/map.h"
#include "kernel/kernel.h"
#include "kernel/peer.h"
#include "net/channel.h"

struct kee_daemon;

struct kee_sessions {
    struct kee_daemon *daemon;
    struct kee_map by_peer; /* those that are not over */
    struct kee_link all;
    struct kee_link over;
    struct kee_link waking; /* news gave them orders for the next round */
    struct kee_link saying; /* those with texts that are gathered */
    size_t count;
};

struct kee_guest;

void kee_sessions_init(struct kee_sessions *sessions, struct kee_daemon *daemon);
/* Once the kernel is not at work any more. */
void kee_sessions_fini(struct kee_sessions *sessions);

/* Takes channel. door: "unix", "tcp", "web"; static. */
void kee_sessions_enter(struct kee_sessions *sessions, const struct kee_guest *guest,
                        const char *door, struct kee_channel *channel);
/* The guest is no longer one: its sessions are over at once. */
void kee_sessions_cut(struct kee_sessions *sessions, const struct kee_guest *guest,
                      const char *why);
/* All are told, and are over. fault: NULL if the daemon stops; only an owner hears what it was. */
void kee_sessions_end_all(struct kee_sessions *sessions, const char *fault);

/* From within the kernel. */
void kee_sessions_news(struct kee_sessions *sessions, struct kee_peer_id peer,
                       const struct kee_peer_news *news);
void kee_sessions_lost(struct kee_sessions *sessions, struct kee_peer_id peer, const char *why);

void kee_sessions_round(struct kee_sessions *sessions);
/* All that sessions were told leaves: after news, and at the end of their round. */
void kee_sessions_flush(struct kee_sessions *sessions);
bool kee_sessions_want_round(const struct kee_sessions *sessions);

/* peer label door age_ms rows calls unread of each */
int kee_sessions_list(struct kee_sessions *sessions, kee_record_fn *fn, void *context);

#endif
