/* SPDX-License-Identifier: Apache-2.0 */
/*
 * facade - the kernel as an object: what its owner, and system vats, hold to rule it. docs/facade.md
 * lists its methods.
 *
 *   host's news ─► kee_facade_news() ─► a list ─► kee_facade_round(): orders are done and answered
 *
 * It is an object of the peer "kernel", which the daemon opens at every start, under the service name
 * kernelFacet, so that it is the same kref for ever. The registry and I/O channels are objects of the
 * same peer.
 *
 * Returns  0 done; <0 fault.
 */
#ifndef KEE_DAEMON_FACADE_H
#define KEE_DAEMON_FACADE_H

#include "daemon/order.h"

/* At every start, once the kernel is open. */
int kee_facade_open(struct kee_daemon *daemon);
void kee_facade_close(struct kee_daemon *daemon);

struct kee_peer_id kee_facade_peer(const struct kee_daemon *daemon);
/* Makes sure that there is the object: not before someone wants it, and from then on at every start. */
int kee_facade_bind(struct kee_daemon *daemon);
/* What owner sessions bootstrap to; held by its service. Binds it. Not from within the kernel. */
struct kee_kref kee_facade_kref(struct kee_daemon *daemon);

/* From within the kernel: only keep what the news of our peer and the answers of launches say. False:
 * the call is none of ours. */
void kee_facade_news(struct kee_daemon *daemon, const struct kee_peer_news *news);
bool kee_facade_answer(struct kee_daemon *daemon, uint64_t call, const struct kee_answer *answer);
bool kee_facade_wants_round(const struct kee_daemon *daemon);
/* Does what was heard. */
int kee_facade_round(struct kee_daemon *daemon);

/* ---- further objects of the same peer ---- */

/* An object with these methods; object is what its orders are given. Stays until it is removed. */
int kee_facade_add_object(struct kee_daemon *daemon, const struct kee_order_method *methods,
                          void *object, struct kee_bytes service, struct kee_kref *out);
/* Its orders are rejected from now on, its service name goes. */
int kee_facade_remove_object(struct kee_daemon *daemon, struct kee_bytes service,
                             struct kee_kref kref);

#endif
