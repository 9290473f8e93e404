/* SPDX-License-Identifier: Apache-2.0 */
/*
 * captp_rig - one session of CapTP over a kernel_rig, the other side played by the test. The session's
 * bootstrap is the root of v1. What is emitted is kept as lines, to be taken one by one.
 */
#ifndef KEE_TEST_CAPTP_RIG_H
#define KEE_TEST_CAPTP_RIG_H

#include "captp/captp.h"
#include "kernel_rig.h"

struct captp_rig {
    struct rig rig;
    struct kee_captp *session;
    struct kee_buf out; /* lines */
    size_t taken;       /* bytes of out */
    char line[1 << 16]; /* the last that was taken */
    char root[24];
    bool closed;
    char why[400];
};

/* A kernel with the vats named, the first of which is v1; they have answered their starts. */
void captp_rig_init(struct captp_rig *rig, const char *vats);
void captp_rig_fini(struct captp_rig *rig);
/* max: of unanswered questions; 0 for the default. */
void captp_rig_open(struct captp_rig *rig, bool owner, uint64_t max);
void captp_rig_close(struct captp_rig *rig);
/* The other side says text; then all goes on until it waits. Gives what receive gave. */
int captp_rig_say(struct captp_rig *rig, const char *text);
int captp_rig_say_bytes(struct captp_rig *rig, struct kee_bytes text);
/* Lets all go on until it waits for a vat or for the other side. */
void captp_rig_run(struct captp_rig *rig);
/* The next line of what was emitted, or NULL. */
const char *captp_rig_take(struct captp_rig *rig);
/* A CTP_CALL; slots of the wire between blanks. */
int captp_rig_call(struct captp_rig *rig, const char *question, const char *target,
                   const char *body, const char *slots);
/* v1's next message or notification; what else it is told before is answered. False if there is none. */
bool captp_rig_vat(struct captp_rig *rig, struct rig_delivery *out);
/* Answers that message: the result settles. */
void captp_rig_answer(struct captp_rig *rig, const struct rig_delivery *message, bool rejected,
                      const char *body, const char *slots);

#endif
