/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vathost_internal - what the files of vathost share.
 *
 * A worker is a process, of one vat or (shared.c) of several. It is in the host's map while it is the
 * vat's present one, and in the host's list until its process has been waited for:
 *
 *   start ─► asked (zygote has the request) ─► running (pid known) ─► ended
 *                └── killed, or its stream ended: as soon as the pid is known it is killed and reaped
 */
#ifndef KEE_VATHOST_INTERNAL_H
#define KEE_VATHOST_INTERNAL_H

#include "base/list.h"
#include "base/map.h"
#include "os/loop.h"
#include "os/process.h"
#include "os/stream.h"
#include "vathost/vathost.h"

struct kee_zygote;
struct kee_shared;

struct kee_worker {
    struct kee_link link;    /* in the host's workers */
    struct kee_link request; /* in the zygote's requests, until the pid is known */
    struct kee_vathost *host;
    struct kee_vat_id vat; /* 0 if it is shared */
    uint64_t incarnation;
    struct kee_shared *shared;    /* the vats in it, if it is; NULL once they have been told */
    struct kee_stream *stream;    /* NULL once closed */
    struct kee_watch *exit_watch; /* of the pidfd */
    int exit_fd;                  /* pidfd; -1 while there is none */
    int passed_fd;                /* the worker's end, until the zygote has it; -1 after */
    pid_t pid;                    /* 0: not known yet, or reaped */
    bool present;                 /* somebody wants it: in the host's map, or shared */
    bool doomed;                  /* to be killed as soon as there is something to kill */
    bool over;                    /* no process: its row can go once reported */
    bool in_callback;             /* freed by whoever is inside, not before */
    struct kee_buf why;           /* not empty: must be reported */
};

struct kee_vathost {
    struct kee_loop *loop;
    const struct kee_vathost_events *events;
    void *context;
    struct kee_map by_vat;
    struct kee_map tenants; /* vat to its place in a shared process */
    struct kee_link shareds;
    struct kee_map carried; /* vat to its carrier, where it is not a worker of ours */
    struct kee_carrier carriers[KEE_FLAVOURS]; /* without start: none */
    struct kee_link workers;
    size_t count;
    size_t over_count; /* workers that are over and not freed yet */
    struct kee_zygote *zygote;
    bool busy;                         /* a carrier was sent something, or has more to do */
    bool broken;                       /* a frame gave a fault: show nothing more */
    int core;                          /* the one all run on together; -1: anywhere */
    uint32_t alone_count, crowd_count; /* rounds in a row with one delivery out; with more, since */
};

/* worker.c. vat 0: for several. */
int kee_worker_new(struct kee_worker **out, struct kee_vathost *host, struct kee_vat_id vat,
                   uint64_t incarnation);
/* Whole frames; fails it if it does not read. */
void kee_worker_send(struct kee_worker *worker, struct kee_bytes frames);
/* The zygote's answer: a pid, or 0 with a reason. */
void kee_worker_forked(struct kee_worker *worker, pid_t pid, const char *why_not);
/* Takes it out of the map and ends its process; nothing will be reported. May free it. */
void kee_worker_discard(struct kee_worker *worker);
/* It can not go on: ends it, to be reported by the next round. */
void kee_worker_fail(struct kee_worker *worker, const char *why);
/* Reports and frees it if it is time. */
void kee_worker_settle(struct kee_worker *worker);
/* At the end of the host: waits for the process. */
void kee_worker_destroy(struct kee_worker *worker);

/* shared.c. A vat's place in a process with others of its owner; the map of tenants finds it. */
int kee_shared_start(struct kee_vathost *host, struct kee_vat_id vat, uint64_t incarnation,
                     struct kee_subcluster_id owner);
void kee_shared_send(struct kee_vathost *host, struct kee_vat_id vat, struct kee_bytes frames);
void kee_shared_kill(struct kee_vathost *host, struct kee_vat_id vat);
/* Forgets all places; the processes are the caller's to end. */
void kee_shared_forget_all(struct kee_vathost *host);
bool kee_shared_waits(const struct kee_vathost *host, struct kee_vat_id vat);
int kee_shared_pid(const struct kee_vathost *host, struct kee_vat_id vat);
/* The process said something; it ended, for the reason why. Frees shared. */
void kee_shared_frame(struct kee_shared *shared, uint8_t type, struct kee_bytes fields);
void kee_shared_ended(struct kee_shared *shared, const char *why);

/* zygote.c */
int kee_zygote_new(struct kee_zygote **out, struct kee_vathost *host,
                   const struct kee_vathost_options *options);
int kee_zygote_wait_ready(struct kee_zygote *zygote, int timeout_ms, struct kee_buf *why);
void kee_zygote_free(struct kee_zygote *zygote);
/* Asks for a process around worker->passed_fd. The answer comes by kee_worker_forked(). */
void kee_zygote_fork(struct kee_zygote *zygote, struct kee_worker *worker);

#endif
