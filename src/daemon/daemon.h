/* SPDX-License-Identifier: Apache-2.0 */
/*
 * daemon - one home's kernel at work: store, world, kernel, workers, control socket
 * and doors on one loop.
 */
#ifndef KEE_DAEMON_DAEMON_H
#define KEE_DAEMON_DAEMON_H

#include "daemon/doors.h"
#include "daemon/privileges.h"
#include "vatproto/carrier.h"

enum kee_daemon_outcome { KEE_DAEMON_REFUSED = 1 };

struct kee_daemon_options {
    struct kee_privileges_options own;
    struct kee_doors_options doors;
    enum kee_flavour flavour; /* of vats launched without one; UNSAID: process */
    bool allow_inline;        /* vats may run in the daemon itself, unjailed */
    bool paused;              /* begin without delivering */
    const char *system;       /* a file that lists system subclusters; absolute; NULL: none */
    bool detached; /* nobody reads our standard error: what comes after ready goes to the log */
    uint64_t deadline_ms, steps_per_crank_max; /* of a crank; 0: the kernel's defaults */
    /* Carries vats in C, and is freed with the workers' host once that is open. NULL: there are none. */
    const struct kee_carrier *natives;
};

/* Runs until it is told to stop, by the control socket or a signal. ready is called when clients are
 * served. Outcome REFUSED, with a sentence in why: it did not start. <0: it broke down, and
 * kee_fault_text() says how; what was durable before is safe. */
int kee_daemon_run(const struct kee_daemon_options *options, void (*ready)(void *context),
                   void *context, struct kee_buf *why);

#endif
