/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peer - endpoints outside the kernel: host sessions, and the daemon's own objects.
 *
 *   what a peer says     kee_peer_send, settle, drop...    each a crank of its own, done on return
 *   what a peer hears    news: message, settled, dropped   in the order of commits, once durable
 *
 * A peer (rN) has a c-list like a vat's, with one name for each thing:
 *
 *   "ko4" "kp7"   what it imports, by kref. A row counts mentions: how often news, the result of a send
 *                 or a hold has named it to the peer; kee_peer_drop() takes mentions away, and with the
 *                 last one the row goes. (So a drop that crosses a mention takes nothing from it.)
 *   "o+3" "p+3"   what it exports, by names it makes; a new name makes a new object or promise. The
 *                 kernel says when nothing reaches an object any more: news DROPPED, the row is gone,
 *                 and the name may stand for a new object afterwards.
 *   "kp9"         also the result of a message the peer heard, which it is to settle.
 *
 * A row of a promise holds it, whoever decides it, settled or not, until it is dropped. Whenever a
 * promise is mentioned that was not mentioned before, news SETTLED follows once, at once if it is settled
 * already; also if it is the peer itself that settles it ("kp9", the result of what it heard, that was
 * mentioned to it besides). A mention is counted once for each piece of news that names the thing in its
 * data, however often; target and result of a message are none. The result of a message that the peer
 * sent, settled with little data and no references, is kept in memory instead of in rows, for the last
 * KEE_LIMIT_PEER_ANSWERS of them.
 *
 * DROPPED says how often the peer's words had named the object when the kernel let go of it, as CTP_DROP
 * does: what the peer has named since stands for a new object.
 *
 * A peer that has no references has no row in the store: one that comes, asks and goes costs the disk
 * nothing of its own. Else its rows are in the store, so that what others hold of a peer's is never
 * forgotten, but a peer does not outlive its boot: at the next open its objects have no owner (sends
 * reject with [KERNEL:PEER_GONE]), the promises it was to settle reject the same way, and
 * KEE_PEER_LEASE_MS later what it held is let go; a host that comes back meanwhile finds it by its
 * kref. All in slices, like a dying vat.
 *
 * Slots of what a peer says are names as above; it may name its own export by its kref, too. Unless it is
 * privileged, naming a kref it has no row for is an outcome NO_SUCH, as if it did not exist; a privileged
 * one may name whatever is reachable. What a peer that is over says is an outcome STATE.
 *
 * Threads, returns: as kernel.h. News come from within kee_kernel_durable(), and must not call back into
 * the kernel.
 */
#ifndef KEE_KERNEL_PEER_H
#define KEE_KERNEL_PEER_H

#include "base/ids.h"          /* struct kee_peer_id { uint64_t n; } */
#include "vatproto/vatproto.h" /* struct kee_vp_capdata */

struct kee_kernel;
struct kee_record;
typedef void kee_record_fn(void *context, const struct kee_record *record);

enum kee_peer_news_kind {
    /* target (the peer's "o+3", "p+3", or "kp9" that it is to settle), data is methargs, result ("kp10",
     * to be settled by the peer; empty: nobody waits), from */
    KEE_PEER_MESSAGE,
    KEE_PEER_SETTLED, /* target "kp7", rejected, data */
    KEE_PEER_DROPPED, /* target "o+3", mentions */
};

/* Borrowed for the call. Slots of data are the peer's names. */
struct kee_peer_news {
    enum kee_peer_news_kind kind;
    struct kee_bytes target;
    struct kee_bytes result;
    struct kee_bytes from; /* "v3", "r2", "console" */
    bool rejected;
    struct kee_vp_capdata data;
    uint64_t mentions; /* of DROPPED: words of the peer that named it in their data */
};

struct kee_peer_options {
    struct kee_bytes label; /* for people: "owner", "grant shop", "kernel"; copied */
    bool privileged;
    /* What is sent to promises that it is to settle is not told to it, but waits until they are. */
    bool parks;
    /* Of its c-list; 0 takes the default. What would pass it is an outcome STATE for a peer's own words;
     * news that would pass it end the peer: peer_lost of the kernel's host. */
    uint64_t rows_max;
};

int kee_peer_open(struct kee_kernel *kernel, const struct kee_peer_options *options,
                  struct kee_peer_id *out);
/* It hears nothing more. Takes effect at once, goes on in slices. why: for those who waited for it. */
int kee_peer_close(struct kee_kernel *kernel, struct kee_peer_id peer, const char *why);

/* methargs: capdata of [method, args]; [undefined, args] calls the target itself; [name] gets a property.
 * result: NULL if nobody waits, or gets the kref of a promise, mentioned once. Outcomes BAD, NO_SUCH,
 * STATE: nothing happened. */
int kee_peer_send(struct kee_kernel *kernel, struct kee_peer_id peer, struct kee_bytes target,
                  struct kee_vp_capdata methargs, struct kee_kref *result);
/* Settles a promise the peer is to settle: "p+3", or "kp9", whose row goes unless it was mentioned
 * otherwise. Outcomes BAD, NO_SUCH (also: settled already, not its own). */
int kee_peer_settle(struct kee_kernel *kernel, struct kee_peer_id peer, struct kee_bytes promise,
                    bool rejected, struct kee_vp_capdata data);
/* Takes mentions of an import away (more than there are: all), or lets go of a promise of its own ("p+3",
 * count is not looked at; unsettled: it is rejected). Nothing happens if there is no row. */
int kee_peer_drop(struct kee_kernel *kernel, struct kee_peer_id peer, struct kee_bytes name,
                  uint64_t count);
/* Mentions a thing to the peer, whether privileged or not: on behalf of who may give it. Outcomes
 * NO_SUCH; STATE: nothing reaches it. */
int kee_peer_hold(struct kee_kernel *kernel, struct kee_peer_id peer, struct kee_kref kref);
/* Settled data of a promise the peer has a row for; slots are its names, and are mentioned. *state: 'u',
 * 'f', 'r'. data is in hold. Outcome NO_SUCH. */
int kee_peer_look(struct kee_kernel *kernel, struct kee_peer_id peer, struct kee_bytes promise,
                  struct kee_buf *hold, char *state, struct kee_vp_capdata *data);

/* peer label state rows waiting (news it has not heard) of all, those that are over included until their
 * rows are gone. */
int kee_kernel_list_peers(struct kee_kernel *kernel, kee_record_fn *fn, void *context);
/* kref vref direction mentions owner|decider: vref is the peer's name. Outcome NO_SUCH. */
int kee_kernel_list_peer_clist(struct kee_kernel *kernel, struct kee_peer_id peer,
                               kee_record_fn *fn, void *context);

/* ---- services: objects of peers under durable names ---- */

/* Binds a name to a peer's object. If the name had an object before, that object becomes this one (same
 * kref, for all who hold it): so a service survives a restart of its host. name: printable ASCII without
 * blanks, at most 200 bytes. Outcomes BAD; STATE: a peer that is open provides it. */
int kee_service_register(struct kee_kernel *kernel, struct kee_peer_id peer, struct kee_bytes name,
                         struct kee_bytes object, bool system_only, struct kee_kref *out);
/* The same for an object that exists: of an open peer, as if that registered it; otherwise the name holds
 * the object as a pin does, in the place of one it held before. STATE, too: nothing reaches it. */
int kee_service_register_kref(struct kee_kernel *kernel, struct kee_bytes name,
                              struct kee_kref object, bool system_only, struct kee_kref *out);
/* A name, for the system only, that no more than holds the object, whoever's it is. */
int kee_service_hold(struct kee_kernel *kernel, struct kee_bytes name, struct kee_kref object);
/* The name goes; its object rejects, if it was registered and not only held. Outcome NO_SUCH. */
int kee_service_unregister(struct kee_kernel *kernel, struct kee_bytes name);
/* Outcome NO_SUCH. */
int kee_service_find(struct kee_kernel *kernel, struct kee_bytes name, struct kee_kref *out,
                     bool *system_only);
/* name kref system_only peer (empty: no one provides it now) */
int kee_kernel_list_services(struct kee_kernel *kernel, kee_record_fn *fn, void *context);

#endif
