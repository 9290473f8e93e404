/* SPDX-License-Identifier: Apache-2.0 */
/*
 * launch - launching a configuration, whoever asked: a client, the kernel's facade, the daemon itself.
 *
 * Returns  0 done, the answer comes under the number of the call; <0 fault; >0 outcome, with a sentence
 *          in why.
 */
#ifndef KEE_DAEMON_LAUNCH_H
#define KEE_DAEMON_LAUNCH_H

#include "daemon/daemon_internal.h"

struct kee_launch_order {
    const json_t *config;
    const char *directory;    /* relative paths are taken from it; NULL: there are none */
    bool system;              /* may have services that are for the system only */
    struct kee_peer_id asker; /* as in struct kee_launch */
    uint64_t call;
};

/* warnings: gives an array of texts. */
int kee_daemon_begin_launch(struct kee_daemon *daemon, const struct kee_launch_order *order,
                            json_t **warnings, struct kee_subcluster_id *out, struct kee_buf *why);

/* How a rejected bootstrap is told. */
void kee_daemon_put_bootstrap_rejected(struct kee_buf *message, const struct kee_answer *answer);

#endif
