/* SPDX-License-Identifier: Apache-2.0 */
/*
 * captp - one session of Endo's CapTP (npm @endo/captp 4.5.1) as a step machine between a wire and a peer
 * of the kernel. The wire is docs/formats/captp.md.
 *
 *   kee_captp_receive(text) ──► kee_peer_send, settle, drop (kernel/peer.h)
 *   kee_captp_news(news)    ──► emit(text)
 *
 * Pure: one JSON text per message in and out; carriers cut and join them (net/channel.h).
 *
 * Owner sessions name things after their krefs (o+ko42, p+kp7); granted ones see numbers from 1,000,000
 * on, which mean nothing elsewhere, and krefs mean nothing to them.
 *
 * Owns     its tables, and its peer, which it opens and closes.
 * Threads  none.
 * Returns  0 done; <0 fault of kernel or memory; >0 outcome ENDED: it is over, and closed() said why.
 */
#ifndef KEE_CAPTP_CAPTP_H
#define KEE_CAPTP_CAPTP_H

#include "kernel/peer.h"

struct kee_captp;

enum kee_captp_outcome { KEE_CAPTP_ENDED = 1 };

struct kee_captp_events {
    /* A message for the wire, borrowed. */
    void (*emit)(void *context, struct kee_bytes text);
    /* Once: over by the other side's CTP_DISCONNECT, or by a fault of what it sent. Free it later, not in
     * here. A CTP_DISCONNECT with the reason was emitted before. */
    void (*closed)(void *context, const char *why);
    /* At the first CTP_BOOTSTRAP, if options had no bootstrap: for what is made when it is first wanted.
     * None: it cannot be made. */
    struct kee_kref (*bootstrap)(void *context);
};

struct kee_captp_options {
    struct kee_bytes label;
    bool owner;                /* names are krefs, its peer is privileged */
    struct kee_kref bootstrap; /* held for the session; none: events know */
    /* 0: base/limits.h has the defaults */
    uint64_t questions_max; /* of the other side unanswered: beyond it the session ends */
    uint64_t rows_max;
};

int kee_captp_new(struct kee_captp **out, struct kee_kernel *kernel,
                  const struct kee_captp_options *options, const struct kee_captp_events *events,
                  void *context);
/* Closes the peer. NULL is fine. */
void kee_captp_free(struct kee_captp *session);
struct kee_peer_id kee_captp_peer(const struct kee_captp *session);
/* Calls of the other side that are not answered. They may wait for what it is still to say. */
uint64_t kee_captp_questions(const struct kee_captp *session);

int kee_captp_receive(struct kee_captp *session, struct kee_bytes text);
/* From within kee_kernel_durable(): emits, but does not call the kernel. */
void kee_captp_news(struct kee_captp *session, const struct kee_peer_news *news);
/* Orders that news brought about and that the kernel could not take then; to be called in the next round
 * if wants_round(). */
int kee_captp_round(struct kee_captp *session);
bool kee_captp_wants_round(const struct kee_captp *session);
/* Emits CTP_DISCONNECT; nothing more comes of it. */
void kee_captp_end(struct kee_captp *session, const char *why);

/* Checks the tables against one another; 0 if they agree, else why says what does not. */
int kee_captp_audit(const struct kee_captp *session, struct kee_buf *why);

#endif
