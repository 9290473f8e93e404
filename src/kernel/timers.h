/* SPDX-License-Identifier: Apache-2.0 */
/*
 * timers - when the vats that have set timers are to be woken.
 *
 * A vat's timers live in its heap and end with it. Of all that a vat has set the kernel knows two
 * numbers: how many, and how long until the first; the worker says both at the end of a crank in which
 * they changed.
 *
 *   WAKE, in a crank ──► asked ──next round, when the time is known──► heap, by due_ms
 *                                                                        │ due
 *             a delivery TIMER, in the order of the vat's queue ◄── fired ◄
 *
 * A timer that has become due takes its place behind what is queued for the vat then and before what
 * comes later, once for all that are due: however often a vat has itself woken, its messages come in
 * between, and other vats are served as ever.
 *
 * Invariants
 *   TI-1  a vat without a worker has none.
 *   TI-2  the heap knows a vat at its place, and only there.
 */
#ifndef KEE_KERNEL_TIMERS_H
#define KEE_KERNEL_TIMERS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"

struct kee_kernel;
struct kee_vat;

/* Of one vat. */
struct kee_timer {
    uint32_t count;         /* timers it has set; 0: nothing else here counts */
    uint64_t wait_ms;       /* until the first is due, from the round after the crank that asked */
    uint64_t due_ms;        /* while in the heap */
    size_t place;           /* in the heap, from 1; 0: not there */
    bool fired;             /* due: a delivery waits, before rows of SEQ seq and later */
    uint64_t seq;           /* while fired */
    struct kee_link asking; /* in kernel->timers.asking from the crank to the round */
};

/* Of all. */
struct kee_timers {
    struct kee_vat **heap; /* the one due first at [0] */
    size_t count, room;
    struct kee_link asking;
};

void kee_timers_init(struct kee_timers *timers);
void kee_timers_fini(struct kee_timers *timers);

/* The vat asks to be woken after so long, for the first of so many timers; it replaces what it asked
 * before. count 0: it has none any more. While a delivery for its timers is on the way to it, only the
 * count is taken: that crank will ask anew. */
void kee_timer_ask(struct kee_kernel *kernel, struct kee_vat *vat, uint64_t wait_ms,
                   uint32_t count);
/* The heap that had set them is gone. */
void kee_timer_forget(struct kee_kernel *kernel, struct kee_vat *vat);
/* A round begins, kernel->now_ms is fresh: what is due fires. */
int kee_timers_run(struct kee_kernel *kernel);
/* When the next is due; UINT64_MAX for never. */
uint64_t kee_timers_wake_at_ms(const struct kee_kernel *kernel);

#endif
