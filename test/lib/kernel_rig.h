/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kernel_rig - a kernel over a store in memory, with workers played by the test.
 *
 * The rig keeps what the kernel sends to each vat; the test takes deliveries and answers them with a
 * DONE frame it puts together. The store outlives the kernel, so that a crash can be played: with
 * rig_crash() all that was not flushed is gone.
 */
#ifndef KEE_TEST_KERNEL_RIG_H
#define KEE_TEST_KERNEL_RIG_H

#include "kernel/kernel.h"
#include "kernel/peer.h"

#define RIG_VATS 16

struct rig_vat {
    bool running;
    uint64_t incarnation;
    struct kee_buf in; /* frames not yet taken */
    uint32_t starts, kills;
};

struct rig_answer {
    uint64_t call;
    enum kee_answer_status status;
    char body[400];
    char slots[200];
    char why[400];
};

struct rig;

/* What becomes of a frame on its way from a worker to the kernel. */
enum rig_way { RIG_WAY_ONCE, RIG_WAY_TWICE, RIG_WAY_LOST };

struct rig {
    struct kee_store *store; /* outlives kernels */
    struct kee_world *world;
    struct kee_kernel *kernel;
    struct kee_kernel_host host;
    struct kee_kernel_options options;
    struct rig_vat vats[RIG_VATS]; /* by number */
    struct rig_answer answers[64];
    size_t answer_count;
    uint64_t now_ms;
    uint32_t logs;
    /* Of every action and every event of the trace so far, if tracing: the same seed gives the same. */
    bool tracing;
    uint64_t traced;
    /* For tests of faults: told when the kernel is entered and left. A fault then sets faulted, after
     * which only rig_crash() makes sense; without faults_on a fault fails the test. */
    void (*faults_on)(bool on);
    bool faulted;
    uint64_t writes;                /* rows that went to the store */
    struct kee_vp_strings services; /* of what is launched */
    uint64_t store_fails_at;        /* this many store calls from now fail; 0 never */
    /* May change the fields of a DONE. NULL: all arrive as they are. */
    enum rig_way (*on_done)(struct rig *rig, uint64_t vat, struct kee_buf *fields);
    kee_record_fn *on_event; /* of the trace; NULL: nobody looks */
    void *event_context;
    /* What peers hear; news NULL: the peer is ended, for the reason why. NULL: nobody listens. */
    void (*on_news)(void *context, struct kee_peer_id peer, const struct kee_peer_news *news,
                    const char *why);
    void *news_context;
};

void rig_init(struct rig *rig);
/* Around what a test asks of the kernel itself: faults may happen in between. rig_well gives true if all
 * is well; a fault is noted, if faults are being played. */
void rig_enter(struct rig *rig);
void rig_leave(struct rig *rig);
bool rig_well(struct rig *rig, int r);
void rig_fini(struct rig *rig);
/* The process dies and another opens the store: workers gone, unflushed batches lost. */
void rig_crash(struct rig *rig);
/* The worker of vat ends by itself. */
void rig_worker_dies(struct rig *rig, uint64_t vat);
/* Lets the kernel work until it waits for a worker; flushes and lets answers out. */
void rig_run(struct rig *rig);
/* One round of it. */
void rig_round(struct rig *rig);
int rig_audit(struct rig *rig);

/* Launches vats named by a space-separated list; the first is the bootstrap, those whose names begin with
 * "raw" are raw. Answers their STARTs. */
void rig_launch(struct rig *rig, const char *names, uint64_t call);

/* One delivery taken from a vat's frames; fields borrowed until the next take for that vat. */
struct rig_delivery {
    uint64_t number;
    uint8_t kind; /* 0 for START */
    struct kee_bytes target, result, body;
    struct kee_vp_strings slots;
    bool rejected;    /* of a notification, whose vpid is target */
    bool asks_heap;   /* of a bringOutYourDead, whose slots are unreachable objects of the vat */
    uint32_t further; /* of a notification: promises it tells of besides */
    struct kee_bytes rest;
};

bool rig_take(struct rig *rig, uint64_t vat, struct rig_delivery *out);
/* Goes on to the next promise of a notification. */
bool rig_further(struct rig_delivery *delivery);

/* A DONE frame: begin, calls, end. Everything in the vat's own names. */
struct rig_reply {
    struct kee_buf buf;
    size_t calls_at;
    uint32_t calls;
};
void rig_reply_begin(struct rig_reply *reply, uint64_t number, const char *error);
void rig_reply_send(struct rig_reply *reply, const char *target, const char *body,
                    const char *slots, const char *result);
void rig_reply_subscribe(struct rig_reply *reply, const char *vpid);
void rig_reply_resolve(struct rig_reply *reply, const char *vpid, bool rejected, const char *body,
                       const char *slots);
/* One call that settles two promises, each with one slot. */
void rig_reply_resolve_pair(struct rig_reply *reply, const char *first, const char *first_body,
                            const char *first_slot, const char *second, const char *second_body,
                            const char *second_slot);
void rig_reply_names(struct rig_reply *reply, enum kee_vp_syscall call, const char *vrefs);
/* Slots: none. */
void rig_reply_exit(struct rig_reply *reply, bool failure, const char *body);
void rig_reply_wake(struct rig_reply *reply, uint64_t wait_ms, uint32_t timers);
/* rows: "key=value" or "key" for a deletion, space-separated; NULL for none. */
void rig_reply_end(struct rig *rig, uint64_t vat, struct rig_reply *reply, const char *rows);
/* Takes one delivery and answers it without any call. */
bool rig_ok(struct rig *rig, uint64_t vat);

/* Sends from outside: body is the methargs text, slots krefs, space-separated. */
int rig_send(struct rig *rig, const char *kref, const char *body, const char *slots, uint64_t call);
/* An order about one kref; gives what the kernel said. */
int rig_order(struct rig *rig, int (*order)(struct kee_kernel *kernel, struct kee_kref kref),
              struct kee_kref kref);
/* The answer to call, or NULL. */
const struct rig_answer *rig_answer(struct rig *rig, uint64_t call);
/* The root of vat number n. */
void rig_root(struct rig *rig, uint64_t vat, char out[24]);

/* Bytes as a string, cut to fit. */
void rig_text(struct kee_bytes bytes, char out[40]);
/* The kref that text names. */
struct kee_kref rig_kref(const char *text);

#endif
