/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session - the parts of the session machine, to one another.
 *
 *   session.c   what the other side says, message by message
 *   calls.c     its calls and gets: at once, or when what they wait for has settled
 *   news.c      what the kernel tells
 *   orders.c    what news could not do in the kernel, done
 *
 * Returns  0 done; <0 fault; >0 KEE_CAPTP_ENDED.
 */
#ifndef KEE_CAPTP_SESSION_H
#define KEE_CAPTP_SESSION_H

#include "captp/words.h"

/* The other side is at fault: says so and ends. Gives KEE_CAPTP_ENDED. */
int kee_captp_fail(struct kee_captp *session, const char *why);

/* A call whose answer has been made. */
int kee_captp_call(struct kee_captp *session, const struct kee_captp_op *op,
                   struct kee_captp_answer *answer);
/* The promise has settled: what waits for it goes on. */
int kee_captp_run(struct kee_captp *session, struct kee_captp_thing *promise);
/* What waits for answers that are known now goes on. */
int kee_captp_run_ready(struct kee_captp *session);

/* Settles an answer here and returns it: with a value of the kernel's, or an error. */
int kee_captp_settle_here(struct kee_captp *session, struct kee_captp_answer *answer, bool rejected,
                          const struct kee_body *body);
/* message: NULL if there was no memory for it. */
int kee_captp_refuse(struct kee_captp *session, struct kee_captp_answer *answer, const char *name,
                     const char *message);
/* The answer goes; what it held is let go of, by orders. */
int kee_captp_forget(struct kee_captp *session, struct kee_captp_answer *answer);

/* Carries out all orders; lets the oldest of what is kept go. */
int kee_captp_carry_out(struct kee_captp *session);

/* Before names are given to the kernel: those of promises that are settled and have no row get one. */
int kee_captp_revive(struct kee_captp *session, struct kee_vp_strings names);

/* Rejects a promise that the other side is to settle, by an order. message: as above. */
int kee_captp_order_reject(struct kee_captp *session, struct kee_kref promise, const char *name,
                           const char *message);

#endif
