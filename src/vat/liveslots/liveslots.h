/* SPDX-License-Identifier: Apache-2.0 */
/*
 * liveslots - the trusted layer inside a vat, in C on the engine's own data: it turns values into
 * bodies and slots and back, dispatches deliveries, collects syscalls, and keeps durable state.
 *
 *   worker loop ──deliver──► dispatch ──► user code ──E()──► HandledPromise (hp_*.c)
 *        ▲                     │                                │
 *        └── kee_ls_outcome ◄──┴── marshal, tables, vatstore ◄──┘
 *
 * One liveslots per process: it lives in the machine of the worker. Nothing here does I/O; what it
 * needs from the outside comes through kee_ls_host.
 * Threads  none.
 */
#ifndef KEE_VAT_LIVESLOTS_LIVESLOTS_H
#define KEE_VAT_LIVESLOTS_LIVESLOTS_H

#include "base/bytes.h"
#include "vatproto/vatproto.h"

struct kee_ls;
struct sxMachine; /* the engine's machine, xs.h */

/* What the worker loop provides. found: 1 yes, 0 no row, <0 the kernel is gone: end the process. */
struct kee_ls_host {
    void *context;
    int (*store_get)(void *context, struct kee_bytes key, struct kee_buf *value);
    int (*store_next)(void *context, struct kee_bytes prior, struct kee_buf *key,
                      struct kee_buf *value);
    void (*log)(void *context, enum kee_vp_log_level level, struct kee_bytes text);
};

/* When the boot image is made, before any package is evaluated: puts the globals HandledPromise and
 * VatData into the machine. npm's packages read both while they load, so they are loaded into the image,
 * once; their functions find the liveslots of the vat at call time (machine->liveslots), and throw
 * before there is one. Objects go into the image; no C pointer does. */
void kee_ls_install(struct sxMachine *machine);

/* When all packages are evaluated, before the image is written: the weak collections that stand in the
 * heap now are memos of those packages, see weak.h. */
void kee_ls_packages_loaded(struct sxMachine *machine);

/* The C functions that may be found in the heap, for the image's callback table, always in the same
 * order. Writes at most room of them to out; returns how many there are. */
size_t kee_ls_callbacks(void (**out)(struct sxMachine *), size_t room);

/* In a fresh worker, after the image was read: binds the tables of C to the heap. Keeps host. */
int kee_ls_new(struct kee_ls **out, struct sxMachine *machine, const struct kee_ls_host *host);
/* Frees the tables of C; the machine is not to be run any more. */
void kee_ls_free(struct kee_ls *ls);

/* Evaluating is the engine's work (engine/code.h); it gives the namespace as a slot on the stack and
 * liveslots calls buildRootObject(vatPowers, parameters, baggage) and awaits it. The crank is run to
 * quiescence by the engine between run and done:
 *
 *   kee_ls_begin(ls);                          clears what the last crank collected
 *   kee_ls_prepare(ls, &start), code is evaluated, kee_ls_start(ls, &start): inside the engine's host
 *   frame; or kee_ls_deliver(ls, fields)
 *   ... engine drains promise jobs ...
 *   kee_ls_done(ls, out)                        appends the DONE frame's tail:
 *                                               u32 count, syscalls, u32 count, store changes
 *
 * A crank that failed (illegal delivery, buildRootObject rejected or still pending at quiescence,
 * exitVatWithFailure) says so by kee_ls_error(), NULL otherwise. */
void kee_ls_begin(struct kee_ls *ls);
/* Before the vat's code is evaluated, which may already define kinds: takes start->rows, loads the id
 * counters, and pushes an object whose own properties become globals of the vat's compartment, beside
 * those of the engine (it may be empty). */
void kee_ls_prepare(struct kee_ls *ls, const struct kee_vp_start *start);
/* Then: pushes an object whose own properties are what the vat was granted by name. */
void kee_ls_push_inventory(struct kee_ls *ls, const struct kee_vp_start *start);
/* Pops the namespace. */
void kee_ls_start(struct kee_ls *ls, const struct kee_vp_start *start);
void kee_ls_deliver(struct kee_ls *ls, uint8_t delivery, struct kee_bytes fields);
/* Between cranks, when all that has been read is delivered: what was kept for the next one goes. */
void kee_ls_caught_up(struct kee_ls *ls);
/* Inside a crank: tells the kernel how long until the first timer is due, and how many are set. */
void kee_ls_wake(struct sxMachine *machine, uint64_t wait_ms, uint32_t timers);
const char *kee_ls_error(const struct kee_ls *ls);
/* Called at quiescence, may queue further jobs (returns true then: drain again and call once more):
 * flushes durable state into store changes, and collects resolutions. */
bool kee_ls_quiescent(struct kee_ls *ls);
void kee_ls_done(struct kee_ls *ls, struct kee_buf *out);

#endif
