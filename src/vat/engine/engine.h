/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine - one JavaScript machine and the rules it runs under: crank by crank, counted in steps,
 * bounded in memory, collected when a crank is over.
 *
 *   kee_engine_crank ── run() ── drain jobs ── settled()? ── unhandled rejections ── collect
 *          ▲                                                                           │
 *          └─ abort: stack, memory, steps, keys  ◄──── one jump record around it all ──┘
 *
 * Owns     the machine and its heap. Keeps the options' context until free.
 * Threads  none; one machine per process is usual, several are possible.
 * Returns  0 done; <0 fault; >0 one of kee_engine_outcome, in words by kee_engine_failure().
 *
 * After an outcome that is not 0 the heap is consistent enough to report from, no more: the crank is
 * half done and jobs may be left. The process of a worker ends then.
 */
#ifndef KEE_VAT_ENGINE_ENGINE_H
#define KEE_VAT_ENGINE_ENGINE_H

#include "base/bytes.h"
#include "vatproto/vatproto.h"

struct kee_engine;
struct sxMachine;

enum kee_engine_outcome {
    KEE_ENGINE_THROWN = 1, /* what ran let an exception out */
    KEE_ENGINE_NO_MEMORY,  /* the heap would pass its limit, or the process has no more */
    KEE_ENGINE_NO_STEPS,   /* the crank used up its steps */
    KEE_ENGINE_STACK,      /* recursion too deep */
    KEE_ENGINE_NO_KEYS,    /* too many different property names */
    KEE_ENGINE_BROKEN,     /* the engine gave up for another reason */
};

struct kee_engine_host {
    void *context;
    /* A console line. text is borrowed and not terminated. */
    void (*log)(void *context, enum kee_vp_log_level level, struct kee_bytes text);
    /* Inside a crank, every so many steps: more than a short one takes. NULL: nobody minds. */
    void (*goes_on)(void *context);
    /* Asked inside the crank when a limit is met; may block, as long as it likes. Returns the new
     * limit to go on, or a number not above the present one to end the crank. NULL always ends it. */
    uint64_t (*more_steps)(void *context, uint64_t used, uint64_t limit);
    uint64_t (*more_memory)(void *context, uint64_t wanted, uint64_t limit);
};

/* A fresh machine, not locked down, with the standard globals of the engine. */
int kee_engine_new(struct kee_engine **out);
void kee_engine_free(struct kee_engine *engine);

struct sxMachine *kee_engine_machine(struct kee_engine *engine);

/* Copies host. Until set, nothing is logged and limits are hard. */
void kee_engine_set_host(struct kee_engine *engine, const struct kee_engine_host *host);
/* Steps per crank and bytes of heap; 0 is no limit. */
void kee_engine_set_limits(struct kee_engine *engine, uint64_t steps_max, uint64_t heap_bytes_max);
/* Seeds the vat's own randomness from 32 bytes. */
void kee_engine_set_seed(struct kee_engine *engine, struct kee_bytes seed);

struct kee_engine_crank {
    void *context;
    /* Runs inside a host frame of the machine: may use the engine's API and may throw. */
    void (*run)(void *context, struct sxMachine *machine);
    /* At quiescence; returns true if it queued further jobs, to be drained before it is asked again.
     * May be NULL. */
    bool (*settled)(void *context);
};

/* Runs one crank to quiescence. Outcomes: all. */
int kee_engine_crank(struct kee_engine *engine, const struct kee_engine_crank *crank);

/* What the last outcome was, as a user may read it: "ran out of memory (limit 128 MB)". */
const char *kee_engine_failure(const struct kee_engine *engine);

/* Steps of the last crank; bytes live after the last collection. */
uint64_t kee_engine_steps(const struct kee_engine *engine);
uint64_t kee_engine_heap_live(const struct kee_engine *engine);
/* Bytes taken from the system for the heap: what the limit is compared with. */
uint64_t kee_engine_heap_charged(const struct kee_engine *engine);

/* A whole collection, the only kind that clears weak references (bringOutYourDead). Gives free pages
 * back to the system. Not inside a crank. */
void kee_engine_collect(struct kee_engine *engine);
/* The same from inside a crank's run(). */
void kee_engine_collect_inside(struct kee_engine *engine);

/* A random number in [0, 1) from the vat's seed. */
double kee_engine_random(struct kee_engine *engine);
/* size bytes that nobody without the seed can guess. */
void kee_engine_random_bytes(struct kee_engine *engine, uint8_t *out, size_t size);
void kee_engine_log(struct kee_engine *engine, enum kee_vp_log_level level, struct kee_bytes text);

/* Which engine a machine belongs to. */
struct kee_engine *kee_engine_of(struct sxMachine *machine);

/* Once in each thread that runs an engine, before the first: where its C stack ends. */
void kee_engine_thread_init(void);
/* The same, for a program that is there to run engines: how malloc gives back, too. */
void kee_engine_process_init(void);

#endif
