/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zygote - a booted process that only forks: one worker for each request of the daemon
 * (vatproto/zygote.h).
 */
#ifndef KEE_VAT_ENGINE_ZYGOTE_H
#define KEE_VAT_ENGINE_ZYGOTE_H

#include <stdbool.h>

#include "vat/engine/engine.h"

struct kee_image;

/* What is made before there are vats. */
struct kee_zygote {
    struct kee_engine *engine; /* taken by the worker it becomes */
    struct kee_image *image;   /* for the machines of further vats */
    bool jailed;
};

/* Serves the control socket until its other end is closed. Gives the status to exit with. In the
 * workers it does not return. */
int kee_zygote_run(struct kee_zygote *zygote, int control_fd);

/* What a worker does first: keeps fd as descriptor 3 (and stderr), gives up all rights, runs the vat, or
 * as many as come. Gives the status to exit with. */
int kee_zygote_become_worker(struct kee_zygote *zygote, int fd, bool shared);

#endif
