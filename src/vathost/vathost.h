/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vathost - what vats live in: one worker for each awake vat, in a process forked by a zygote, or what
 * a carrier of the vat's flavour makes of it.
 *
 *   kernel ──start, send, kill──► vathost ──frames──► worker   (process: one per vat, jailed)
 *   kernel ◄──frame, gone──────── vathost                ▲ fork
 *                                  │ └──descriptor──► zygote
 *                                  └──start, send, kill──► carrier (inline, native)
 *
 * A worker is our own child, so its end is seen and explained here. When the zygote ends it is started
 * again; workers that it made go on.
 *
 * start, send and kill may be called from inside the events; the events are never called from inside
 * them: what fails at once is reported by the next kee_vathost_round().
 *
 * Threads  none: lives on one loop.
 * Returns  0 done; <0 fault.
 */
#ifndef KEE_VATHOST_VATHOST_H
#define KEE_VATHOST_VATHOST_H

#include "base/ids.h"
#include "os/loop.h"
#include "vatproto/carrier.h"

enum kee_vathost_outcome { KEE_VATHOST_NOT_READY = 1 };

struct kee_vathost;

struct kee_vathost_events {
    /* A whole frame; fields are borrowed. <0 passes a fault up: nothing more of this worker's frames is
     * shown, and the owner is expected to end the host. */
    int (*frame)(void *context, struct kee_vat_id vat, uint64_t incarnation, uint8_t type,
                 struct kee_bytes fields);
    /* The worker ended though nobody killed it through kee_vathost_kill(). Once, and the last word of
     * this worker. why: "exited with status 1" */
    void (*gone)(void *context, struct kee_vat_id vat, uint64_t incarnation, const char *why);
    /* Something an operator may want to know. */
    void (*note)(void *context, const char *text);
    /* In place of gone: the worker ended, but for a reason outside the vat; it was not running what it
     * had been sent last. */
    void (*lost)(void *context, struct kee_vat_id vat, uint64_t incarnation, const char *why);
};

struct kee_vathost_options {
    const char
        *program;  /* path of keeve-vat; copied. NULL: there are no processes, only carriers */
    bool unjailed; /* workers run without a system call filter: for systems that have none */
    int stderr_fd; /* for what zygote and workers cannot say in frames; -1 ours */
};

/* Starts the zygote. Keeps events and context until free. */
int kee_vathost_new(struct kee_vathost **out, struct kee_loop *loop,
                    const struct kee_vathost_options *options,
                    const struct kee_vathost_events *events, void *context);
/* Waits until the zygote can fork; before anything is started. Outcome KEE_VATHOST_NOT_READY, with a
 * sentence in why: it ended, it does not confine workers though it must, or it took too long. */
int kee_vathost_wait_ready(struct kee_vathost *host, int timeout_ms, struct kee_buf *why);
/* Kills every process and waits for it. */
void kee_vathost_free(struct kee_vathost *host);

/* Vats of this flavour are carried by what carrier points at from now on, once for each flavour but
 * process and shared; takes the carrier, which is freed with the host. A flavour that nothing carries is
 * refused: the vat is gone at once. */
void kee_vathost_carry(struct kee_vathost *host, enum kee_flavour flavour,
                       const struct kee_carrier *carrier);
bool kee_vathost_carries(const struct kee_vathost *host, enum kee_flavour flavour);

/* Has vats of the flavour inline carried by the module keeve-inline.so beside program, with the boot
 * image there. They share this process with all that is in it, unjailed. Outcome KEE_VATHOST_NOT_READY,
 * with a sentence in why. */
int kee_vathost_load_inline(struct kee_vathost *host, const char *program, struct kee_buf *why);

/* A worker for this incarnation; takes the place of an earlier one of the vat, which is killed. */
void kee_vathost_start(struct kee_vathost *host, struct kee_vat_id vat, uint64_t incarnation,
                       enum kee_flavour flavour, struct kee_subcluster_id owner);
/* Whole frames. Ignored if the vat has no worker. */
void kee_vathost_send(struct kee_vathost *host, struct kee_vat_id vat, struct kee_bytes frames);
/* Where workers and this thread run, told after each round: together on one core while deliveries go out
 * one at a time, so that neither wakes a sleeping core for the other; anywhere once there are more. */
void kee_vathost_place(struct kee_vathost *host, uint64_t flights);
/* Ends the vat's worker without a report. Ignored if there is none. */
void kee_vathost_kill(struct kee_vathost *host, struct kee_vat_id vat);
void kee_vathost_kill_all(struct kee_vathost *host);

/* The vat has a worker, which has not come to what it was sent: another vat is running where it is to
 * run. */
bool kee_vathost_waits(const struct kee_vathost *host, struct kee_vat_id vat);
/* The process of the vat's worker; 0 while there is none, or if it is ours. */
int kee_vathost_pid(const struct kee_vathost *host, struct kee_vat_id vat);
/* Reports what failed at once, and lets carriers work. Call after each round of events. */
void kee_vathost_round(struct kee_vathost *host);
/* A carrier has work: end no round of the loop by waiting for events. */
bool kee_vathost_is_busy(const struct kee_vathost *host);
/* Workers that have not ended. */
size_t kee_vathost_count(const struct kee_vathost *host);

#endif
