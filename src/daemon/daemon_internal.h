/* SPDX-License-Identifier: Apache-2.0 */
/*
 * daemon_internal - what the files of the daemon share.
 *
 *   loop events ─► core: vathost, kernel ─ answers, log, trace ─► host.c ─► control
 *              ├─► control ─ requests ─► methods.c, calls.c, streams.c ─► kernel
 *              └─► doors ─ channels ─► sessions.c ─► kernel ─ news ─► host.c ─► sessions.c
 *
 * Every request that is not answered at once has a pending, found from the request, from the kernel's
 * call number, or from a list; it goes when it is answered or cancelled.
 */
#ifndef KEE_DAEMON_INTERNAL_H
#define KEE_DAEMON_INTERNAL_H

#include "base/list.h"
#include "base/map.h"
#include "daemon/control.h"
#include "daemon/daemon.h"
#include "daemon/doors.h"
#include "daemon/logs.h"
#include "lib/core.h"

enum kee_pending_kind {
    KEE_PENDING_CALL,    /* waits for the kernel's answer */
    KEE_PENDING_RESTART, /* waits for the end of a vat's old heap, then for the disk */
    KEE_PENDING_DURABLE, /* was done; waits for the disk */
    KEE_PENDING_EXPORT,  /* waits for the disk, then for its thread */
    KEE_PENDING_STEP,
    KEE_PENDING_TRACE,
    KEE_PENDING_LOGS,
    KEE_PENDING_STOP,
};

struct kee_export;
struct kee_facade;
struct kee_system;

struct kee_pending {
    struct kee_link link;
    enum kee_pending_kind kind;
    struct kee_daemon *daemon;
    struct kee_request *request;
    uint64_t call;                       /* CALL */
    json_t *warnings;                    /* CALL of a launch; NULL for a send */
    struct kee_subcluster_id subcluster; /* CALL of a launch: what it makes */
    uint64_t batch;                      /* DURABLE, EXPORT */
    struct kee_export *export;           /* EXPORT, once begun */
    struct kee_vat_id vat;               /* RESTART; LOGS: of one vat only, or 0 */
    struct kee_buf events;               /* STEP: what happened, as JSON */
};

struct kee_daemon {
    struct kee_privileges own;
    struct kee_core core;
    struct kee_control_server *control;
    struct kee_doors doors;
    struct kee_sessions sessions;
    struct kee_logs *logs;
    struct kee_signal *signals[2];
    struct kee_facade *facade;
    struct kee_system *system; /* NULL: keeve start named none */
    struct kee_link channels;  /* struct kee_io */
    bool channels_stray;       /* a launch came to nothing: its channels are to be closed */
    enum kee_flavour flavour;  /* of vats launched without one */
    struct kee_map calls;      /* call number to pending */
    uint64_t call_last;
    struct kee_link durables; /* in the order of their batches */
    struct kee_link exports;
    struct kee_link tracers;
    struct kee_link log_followers;
    struct kee_link restarts;
    struct kee_link stoppers;
    struct kee_pending *step; /* NULL: none, or its client left */
    bool step_under_way;
    bool tracing;
    bool leaving; /* only farewells are delivered any more; stopping comes after them */
    bool stopping;
    uint64_t started_ms;
};

/* daemon.c: ends the loop once vats that want a last crank have had it; at once if it was asked for
 * before. */
void kee_daemon_stop(struct kee_daemon *daemon);

/* host.c: what the core tells. */
extern const struct kee_core_events kee_daemon_core_events;

/* pending.c. new: answers the request with an error and gives NULL when memory is out. */
struct kee_pending *kee_pending_new(struct kee_daemon *daemon, struct kee_request *request,
                                    enum kee_pending_kind kind);
void kee_pending_free(struct kee_pending *pending);
/* End the request and free the pending. */
void kee_pending_result(struct kee_pending *pending, struct kee_bytes json);
void kee_pending_error(struct kee_pending *pending, const char *code, const char *message);
/* Goes on once all that was committed up to now is durable: answers an order (DURABLE) with {}, begins
 * an EXPORT. */
void kee_pending_when_durable(struct kee_daemon *daemon, struct kee_request *request,
                              enum kee_pending_kind kind);
/* Goes on with restarts whose vat has no old heap any more. */
void kee_pending_restarts(struct kee_daemon *daemon);
/* Goes on with those whose batch is not after durable. */
void kee_pending_durable(struct kee_daemon *daemon, uint64_t durable);
/* At the end: every request that still waits. */
void kee_pending_end_all(struct kee_daemon *daemon, const char *code, const char *message);

/* export.c: called when what was committed before the request is durable. */
void kee_export_begin(struct kee_pending *pending);
void kee_export_free(struct kee_export *export);
/* Goes on with those whose client has read enough. */
void kee_export_resume_all(struct kee_daemon *daemon);

/* methods.c */
extern const struct kee_control_handler kee_daemon_control_handler;
/* Reports an outcome of the kernel, or its fault. */
void kee_daemon_decline(struct kee_daemon *daemon, struct kee_request *request, int r);
void kee_daemon_bad(struct kee_request *request, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* calls.c */
void kee_daemon_launch(struct kee_daemon *daemon, struct kee_request *request,
                       const json_t *params);
void kee_daemon_send(struct kee_daemon *daemon, struct kee_request *request, const json_t *params);
void kee_daemon_answer(struct kee_daemon *daemon, uint64_t call, const struct kee_answer *answer);

/* streams.c */
void kee_daemon_trace(struct kee_daemon *daemon, struct kee_request *request, const json_t *params);
void kee_daemon_logs(struct kee_daemon *daemon, struct kee_request *request, const json_t *params);
void kee_daemon_step(struct kee_daemon *daemon, struct kee_request *request, const json_t *params);
void kee_daemon_on_trace(struct kee_daemon *daemon, const struct kee_record *event);
void kee_daemon_on_log(struct kee_daemon *daemon, const struct kee_log_line *line);
/* Tracing is on while someone wants it. Not from inside the kernel. */
void kee_daemon_set_tracing(struct kee_daemon *daemon);

/* stats.c */
void kee_daemon_stats(struct kee_daemon *daemon, struct kee_request *request, const json_t *params);

/* status.c */
void kee_daemon_status(struct kee_daemon *daemon, struct kee_request *request,
                       const json_t *params);

#endif
