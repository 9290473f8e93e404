/* SPDX-License-Identifier: Apache-2.0 */
/* facade_internal - what the files of the facade share. */
#ifndef KEE_DAEMON_FACADE_INTERNAL_H
#define KEE_DAEMON_FACADE_INTERNAL_H

#include "daemon/daemon_internal.h"
#include "daemon/facade.h"

/* An object of the daemon's peer: "o+NUMBER". */
struct kee_facade_object {
    struct kee_link link;
    uint64_t number;
    struct kee_kref kref;
    const struct kee_order_method *methods;
    void *object;
};

struct kee_facade {
    struct kee_daemon *daemon;
    struct kee_peer_id peer;
    struct kee_kref kref;
    struct kee_link objects;
    uint64_t number_last;
    struct kee_link heard;    /* struct kee_heard: to be done in the next round */
    struct kee_link promises; /* orders that wait for a promise */
    struct kee_link partings; /* orders that wait for the end of a vat's old heap */
    struct kee_map calls;     /* orders that wait for a launch, by the number of the call */
    int fault;                /* of what came from within the kernel */
};

/* Mentions of name that our peer does not need any more. */
int kee_facade_let_go(struct kee_facade *facade, struct kee_bytes name, uint64_t count);
/* "o+1" as a kref; false if it is no object of ours. */
bool kee_facade_kref_of(const struct kee_facade *facade, struct kee_bytes name,
                        struct kee_kref *out);
/* How our peer says kref. */
void kee_facade_put_name(const struct kee_facade *facade, struct kee_kref kref,
                         struct kee_buf *out);

/* The order goes on with settled() when the promise, of which our peer has a row, settles. Takes
 * order. */
int kee_facade_await(struct kee_order *order, struct kee_kref promise,
                     int (*settled)(struct kee_order *order, bool rejected,
                                    struct kee_vp_capdata data));
/* When the vat has no old heap any more, the order returns nothing. Takes order. */
int kee_facade_await_parting(struct kee_order *order, struct kee_vat_id vat);

extern const struct kee_order_method kee_facade_methods[];
extern const struct kee_order_method kee_registry_methods[];

/* facade_launch.c: what a launch came to. Takes order. */
int kee_facade_launched(struct kee_order *order, const struct kee_answer *answer);

/* facade_vats.c */
int kee_facade_get_status(struct kee_order *order);
int kee_facade_get_vats(struct kee_order *order);
int kee_facade_get_vat_ids(struct kee_order *order);
int kee_facade_get_subcluster(struct kee_order *order);
int kee_facade_get_subclusters(struct kee_order *order);
int kee_facade_terminate_all(struct kee_order *order);
/* The root object of a vat; outcome NO_SUCH. */
int kee_facade_root_of(struct kee_facade *facade, struct kee_vat_id vat, struct kee_kref *out);
/* The root object named so ("counter", "s1/counter", the name of a system subcluster). Outcomes: 1
 * there is none; 2 there are several. */
int kee_facade_find_root(struct kee_facade *facade, struct kee_bytes name, struct kee_kref *out);

/* facade_launch.c */
int kee_facade_launch(struct kee_order *order);

/* facade_names.c */
int kee_facade_get_registry(struct kee_order *order);
int kee_facade_get_root(struct kee_order *order);
int kee_facade_get_system_root(struct kee_order *order);
int kee_facade_register_service(struct kee_order *order);
int kee_facade_unregister_service(struct kee_order *order);

/* facade_refs.c */
int kee_facade_queue_message(struct kee_order *order);
int kee_facade_resolve(struct kee_order *order);
int kee_facade_subscribe(struct kee_order *order);
int kee_facade_drop(struct kee_order *order);
int kee_facade_ping_vat(struct kee_order *order);
int kee_facade_is_revoked(struct kee_order *order);

#endif
