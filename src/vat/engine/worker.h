/* SPDX-License-Identifier: Apache-2.0 */
/*
 * worker - one vat: frames in, one crank each, frames out (vatproto/vatproto.h).
 *
 *   process.c   a process for one vat        reads and writes block on its descriptor
 *   shared.c    a process for several        the same, each vat in its turn
 *   inline.c    in the kernel's thread       what is written is an event at once
 *
 * Output is written when no whole frame of input is left, when it is a line of the console or a
 * question, and at the end; so a batch of deliveries is answered by one write.
 *
 * Owns     engine and liveslots. Threads none.
 */
#ifndef KEE_VAT_ENGINE_WORKER_H
#define KEE_VAT_ENGINE_WORKER_H

#include "vat/engine/engine.h"

enum kee_worker_exit {
    KEE_WORKER_CLOSED = 0, /* the kernel closed its end */
    KEE_WORKER_FAULT = 1,  /* a malformed frame, or no memory for buffers */
    KEE_WORKER_FAILED = 2, /* a crank failed: its DONE was written */
};

/* What stands between the vat and its kernel. */
struct kee_worker_link {
    void *context;
    /* Appends at least a byte of this vat's frames, however long that takes, or leaves. */
    void (*read)(void *context, struct kee_buf *in);
    /* All of it, or leaves. Whole frames. */
    void (*write)(void *context, struct kee_bytes frames);
    /* The vat is over: ends the process, or jumps out of the call of kee_worker_work that is under way.
     * Never returns. why is NULL if there is nothing to say beyond what was written. */
    void (*leave)(void *context, int status, const char *why) __attribute__((noreturn));
};

struct kee_worker;

/* Takes the engine, a machine just read from the image. Copies link. */
int kee_worker_new(struct kee_worker **out, struct kee_engine **engine,
                   const struct kee_worker_link *link);
/* Also in the middle of a crank that was jumped out of. */
void kee_worker_free(struct kee_worker *worker);

/* Input: read through the link, or given. */
void kee_worker_fill(struct kee_worker *worker);
void kee_worker_take(struct kee_worker *worker, struct kee_bytes frames);
/* Runs all frames that are whole, the first of which is START, and writes what they gave. */
void kee_worker_work(struct kee_worker *worker);

/* process.c: runs the vat whose frames come over fd until it leaves, which ends this process. Takes the
 * engine. Gives the status to exit with if it could not begin. */
int kee_worker_run(struct kee_engine **engine, int fd);

#endif
