/* SPDX-License-Identifier: Apache-2.0 */
/*
 * worker - one vat: frames in, one crank each, frames out (vatproto/vatproto.h).
 *
 * Reads and writes block. Output is written when no whole frame of input is left, when it is a line
 * of the console or a question, and at the end; so a batch of deliveries is answered by one write.
 */
#ifndef KEE_VAT_ENGINE_WORKER_H
#define KEE_VAT_ENGINE_WORKER_H

#include "vat/engine/engine.h"

enum kee_worker_exit {
    KEE_WORKER_CLOSED = 0, /* the kernel closed its end */
    KEE_WORKER_FAULT = 1,  /* a malformed frame, or no memory for buffers; said on stderr */
    KEE_WORKER_FAILED = 2, /* a crank failed: its DONE was sent */
};

/* Runs the vat whose frames come over fd, in a machine just read from the image. Gives the status
 * to exit with. */
int kee_worker_run(struct kee_engine *engine, int fd);

#endif
