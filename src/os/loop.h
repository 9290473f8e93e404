/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loop - waits for descriptors, times and signals, and calls back.
 *
 *   events of one wake-up ──► callbacks, in no order ──► the round, once ──► sleep again
 *
 * The round is where the owner acts on all that the callbacks brought: it runs after every wake-up,
 * timers included, and before the loop sleeps.
 *
 * Owns     nothing of the caller's: a watch borrows its descriptor, which is closed after it is freed.
 * Threads  none: everything happens inside kee_loop_run().
 * Returns  0 done; <0 fault.
 */
#ifndef KEE_OS_LOOP_H
#define KEE_OS_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KEE_NEVER_MS UINT64_MAX

enum kee_watch_events {
    KEE_WATCH_READ = 1,
    KEE_WATCH_WRITE = 2,
    KEE_WATCH_BROKEN = 4, /* only seen: the descriptor has an error; nothing is watched any more */
};

struct kee_loop;
struct kee_watch;
struct kee_timer;
struct kee_signal;
struct uv_loop_s;

int kee_loop_new(struct kee_loop **out);
/* All watches, timers and signals must have been freed. */
void kee_loop_free(struct kee_loop *loop);
/* Runs until kee_loop_stop() is called. */
int kee_loop_run(struct kee_loop *loop);
void kee_loop_stop(struct kee_loop *loop);

/* For a loop inside another one, in place of kee_loop_run(): */
/* Readable when an event is there. */
int kee_loop_fd(const struct kee_loop *loop);
/* For how long nothing is to be done unless an event comes; -1 for ever. */
int kee_loop_timeout_ms(struct kee_loop *loop);
/* Waits for an event, for at most timeout_ms (-1: for ever), or for a signal. */
void kee_loop_wait(const struct kee_loop *loop, int timeout_ms);
/* The round, then the events that are there, without waiting. True: something was called back or the
 * round wants to be called again, so another pass is due. */
bool kee_loop_pass(struct kee_loop *loop);

/* The loop of libuv that it is, for libraries that join one. */
struct uv_loop_s *kee_loop_uv(struct kee_loop *loop);

/* Time of the present wake-up on a clock that never goes back; cheap. */
uint64_t kee_loop_now_ms(const struct kee_loop *loop);
/* Makes now of it, outside a wake-up. */
void kee_loop_look_at_clock(struct kee_loop *loop);
/* round gives true to be called again at once, after looking at events without waiting. */
void kee_loop_on_round(struct kee_loop *loop, bool (*round)(void *context), void *context);
/* From within a round or an event: another event is likely to come at once, so that before the loop
 * sleeps it looks out for one, for some tens of microseconds, giving way to whoever else can run. Waking
 * a core that sleeps takes as long. */
void kee_loop_expect(struct kee_loop *loop);
/* Room for one read, shared by all streams of the loop: valid until the callback returns. */
uint8_t *kee_loop_scratch(struct kee_loop *loop, size_t *size);

/* Watches nothing until set. A peer that is gone shows as READ. */
int kee_watch_new(struct kee_watch **out, struct kee_loop *loop, int fd,
                  void (*fn)(void *context, unsigned events), void *context);
void kee_watch_set(struct kee_watch *watch, unsigned events);
void kee_watch_free(struct kee_watch *watch);

int kee_timer_new(struct kee_timer **out, struct kee_loop *loop, void (*fn)(void *context),
                  void *context);
/* Fires once at at_ms (of kee_loop_now_ms); KEE_NEVER_MS switches it off. */
void kee_timer_set(struct kee_timer *timer, uint64_t at_ms);
void kee_timer_free(struct kee_timer *timer);

int kee_signal_new(struct kee_signal **out, struct kee_loop *loop, int number,
                   void (*fn)(void *context), void *context);
void kee_signal_free(struct kee_signal *signal);

#endif
