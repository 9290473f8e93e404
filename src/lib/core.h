/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core - a kernel at work: store, world, kernel and workers of one directory on one loop.
 *
 *   loop events ─► vathost ─ frames ─► kernel ─ actions ─► vathost, the owner's events
 *   after each round of events: durable ─► run ─► flush
 *
 * The daemon puts a control socket before it, libkeeve the functions of keeve/keeve.h.
 *
 * After a fault nothing more is done and nothing more is let out: what was durable before is safe.
 *
 * Owns     what it opens, and the store. Borrows the loop until close.
 * Threads  none: lives on one loop.
 * Returns  0 done; <0 fault; >0 outcome REFUSED, with a sentence in why.
 */
#ifndef KEE_LIB_CORE_H
#define KEE_LIB_CORE_H

#include "kernel/kernel.h"
#include "os/loop.h"
#include "store_sqlite/store_sqlite.h"
#include "vathost/vathost.h"

enum kee_core_outcome { KEE_CORE_REFUSED = 1 };

/* What the owner hears. answer, log, trace and what concerns peers come from inside the kernel, which
 * must not be called then; gone and note from the loop. */
struct kee_core_events {
    void (*answer)(void *context, uint64_t call, const struct kee_answer *answer);
    /* As in kernel.h. NULL: the owner opens no peers. */
    void (*peer_news)(void *context, struct kee_peer_id peer, const struct kee_peer_news *news);
    void (*peer_lost)(void *context, struct kee_peer_id peer, const char *why);
    void (*log)(void *context, struct kee_vat_id vat, enum kee_vp_log_level level,
                struct kee_bytes text);
    void (*trace)(void *context, const struct kee_record *event);
    /* A worker ended by itself; the kernel hears of it after this. */
    void (*gone)(void *context, struct kee_vat_id vat, uint64_t incarnation, const char *why);
    void (*note)(void *context, const char *text);
    /* All batches up to this one are durable; UINT64_MAX: all that was ever committed is. */
    void (*durable)(void *context, uint64_t batch);
    /* True while someone waits for durable(), so that the batch is written soon. */
    bool (*waits)(void *context);
    /* Each round, before the kernel works. */
    void (*round)(void *context);
    /* Asked at the end of a round: is there something to be done in another one, at once? NULL: never. */
    bool (*wants_round)(void *context);
    /* Once, with the text in fault_text. */
    void (*fault)(void *context);
};

struct kee_core_options {
    struct kee_vathost_options vathost;
    struct kee_kernel_options kernel;
    bool allow_inline; /* vats may run in this process, unjailed */
    /* Waits until workers can be made, or refuses. What the system said of it is the owner's to add. */
    int ready_timeout_ms;
    bool may_bind; /* this thread may be bound to a core: it is the kernel's own */
};

struct kee_core {
    struct kee_loop *loop;
    struct kee_world *world;
    struct kee_store *store; /* the world's; for its descriptor and counters */
    struct kee_kernel *kernel;
    struct kee_vathost *vathost;
    int fault; /* <0: nothing may be done any more */
    struct kee_buf fault_text;
    /* private */
    struct kee_kernel_host host;
    const struct kee_core_events *events;
    void *context;
    struct kee_timer *timer;
    struct kee_watch *store_watch;
    bool durable_news;
    bool answered; /* somebody may ask again at once */
    bool may_bind;
    bool stopping;
};

/* Starts the workers' host, before any store is touched. core is to be closed whatever is returned. */
int kee_core_open_workers(struct kee_core *core, struct kee_loop *loop,
                          const struct kee_core_options *options,
                          const struct kee_core_events *events, void *context, struct kee_buf *why);
/* Takes store (NULL is left behind) and begins: from now on the loop's rounds are the core's. */
int kee_core_open_kernel(struct kee_core *core, struct kee_store **store,
                         const struct kee_core_options *options, struct kee_buf *why);
/* Ends every process and frees; what is not durable is lost, unless kee_core_settle() came before. */
void kee_core_close(struct kee_core *core);

/* Tells the kernel the time; before calls of the owner that come after waiting. */
void kee_core_set_now(struct kee_core *core);
/* r unchanged; a fault ends the core's work. */
int kee_core_check(struct kee_core *core, int r);
/* Waits until all that was committed is on the disk, and what waited for it is told. */
int kee_core_flush(struct kee_core *core);
/* From now on rounds do nothing. */
void kee_core_stop(struct kee_core *core);
/* Stops in order. Workers first: what they had under way is taken as never run. Then all that was
 * committed goes to the disk, and what waited for it is said. */
void kee_core_settle(struct kee_core *core);

#endif
