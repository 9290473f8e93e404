/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kernel - vats, objects, promises, c-lists and the run queue, as a function from events to actions.
 *
 *   events in                                   actions out (kee_kernel_host)
 *   a frame from a worker, a worker gone,       start, feed and kill workers; answer a call;
 *   a batch durable, the time, a host's call    trace events, console lines
 *
 * All state is rows of the world (store/schema.h); in memory are only the workers' deliveries in
 * flight, the calls that wait, and a table of vats that have been touched. The kernel has no clock,
 * descriptor or thread. The caller's loop, after every round of events:
 *
 *   kee_kernel_run(kernel, now_ms)     hands deliveries to workers, does a slice of background work
 *   kee_world_flush(world)             when kee_kernel_flush_due() says so
 *   kee_kernel_durable(kernel)         after the world reports: lets answers out
 *
 * Actions are called from inside these functions and must not call back into the kernel.
 *
 * Threads  none: the kernel lives on one loop.
 * Returns  0 done; <0 fault: stop the daemon's work, kill all workers and reopen the store;
 *          >0 outcome (enum kee_kernel_outcome), with a sentence for a person in kee_kernel_why().
 */
#ifndef KEE_KERNEL_KERNEL_H
#define KEE_KERNEL_KERNEL_H

#include "base/ids.h"
#include "store/world.h"
#include "vatproto/carrier.h"
#include "vatproto/vatproto.h"

struct kee_kernel;
struct kee_peer_news; /* peer.h */

enum kee_kernel_outcome {
    KEE_KERNEL_NO_SUCH = 1, /* no vat, object, promise or subcluster of that name */
    KEE_KERNEL_BAD,         /* the request itself is malformed; why() says what was expected */
    KEE_KERNEL_STATE,       /* not possible in the present state (stepping while running...) */
};

/* Text that names a thing or a state: field order is the order a person reads. */
struct kee_field {
    const char *name; /* static */
    struct kee_bytes value;
    bool is_number; /* the value is decimal digits */
};

#define KEE_RECORD_FIELDS_MAX 16

/* A row of a listing, or one trace event. Borrowed for the call. */
struct kee_record {
    const char *kind; /* static: "vat", "clist", "queue", "deliver", "syscall"... */
    size_t count;
    struct kee_field fields[KEE_RECORD_FIELDS_MAX];
};

typedef void kee_record_fn(void *context, const struct kee_record *record);

/* What became of a call. capdata: body text and krefs ("ko4"). */
enum kee_answer_status { KEE_ANSWER_FULFILLED, KEE_ANSWER_REJECTED, KEE_ANSWER_DECLINED };

struct kee_answer {
    enum kee_answer_status status;
    struct kee_vp_capdata data; /* FULFILLED, REJECTED */
    const char *why;            /* DECLINED: a sentence */
    /* of a launch */
    struct kee_subcluster_id subcluster;
    struct kee_kref root;
};

struct kee_kernel_host {
    void *context;
    /* A worker for this incarnation, in what its flavour says; frames may be sent at once and wait
     * until it runs. Vats of one owner may share a process. */
    void (*worker_start)(void *context, struct kee_vat_id vat, uint64_t incarnation,
                         enum kee_flavour flavour, struct kee_subcluster_id owner);
    /* Whole frames, borrowed. */
    void (*worker_send)(void *context, struct kee_vat_id vat, struct kee_bytes frames);
    /* Ends it. worker_gone for this incarnation is neither needed nor harmful afterwards. */
    void (*worker_kill)(void *context, struct kee_vat_id vat);
    /* True if the worker has not come to what it was sent, because another vat is running where it is
     * to run: its deadline has not begun. NULL: never. */
    bool (*worker_waits)(void *context, struct kee_vat_id vat);
    /* Only after what it says is durable; once for each call. */
    void (*answer)(void *context, uint64_t call, const struct kee_answer *answer);
    /* What a peer hears, in the order of commits, and that it is ended because of what it was to hear;
     * likewise durable. NULL if there are no peers. */
    void (*peer_news)(void *context, struct kee_peer_id peer, const struct kee_peer_news *news);
    void (*peer_lost)(void *context, struct kee_peer_id peer, const char *why);
    void (*log)(void *context, struct kee_vat_id vat, enum kee_vp_log_level level,
                struct kee_bytes text);
    void (*trace)(void *context, const struct kee_record *event); /* only while tracing is on */
    void (*entropy)(void *context, uint8_t *out, size_t size);
};

struct kee_kernel_options {
    uint64_t steps_per_crank_max; /* engine steps of one crank; 0 takes the default */
    uint64_t heap_bytes_max;      /* of one vat; 0 takes the default */
    uint64_t deadline_ms;         /* wall time of one crank; 0 takes the default */
    enum kee_flavour flavour;     /* of vats launched without one; UNSAID: process */
    bool paused;                  /* begin without delivering */
    uint32_t epoch_rows; /* a slice of a collection of cycles looks at; 0 takes the default */
    bool look_only; /* for looking and mending alone: opening changes nothing, run is not called */
};

/* Opens the kernel on a world, writing the first rows if it is empty. Borrows world and host until
 * free. Outcome STATE: the world is of another schema version. */
int kee_kernel_open(struct kee_kernel **out, struct kee_world *world,
                    const struct kee_kernel_host *host, const struct kee_kernel_options *options,
                    struct kee_buf *why);
void kee_kernel_free(struct kee_kernel *kernel);
const char *kee_kernel_why(const struct kee_kernel *kernel);

/* The time now, to be told after waiting and before events and calls: what begins with them has its
 * deadline from here on. */
void kee_kernel_set_now(struct kee_kernel *kernel, uint64_t now_ms);

/* Events. A frame for an incarnation that is over is ignored. */
int kee_kernel_frame(struct kee_kernel *kernel, struct kee_vat_id vat, uint64_t incarnation,
                     uint8_t type, struct kee_bytes fields);
/* The worker ended by itself or by a kill from outside; why is text for a person ("killed by signal
 * 9"). A frame that cannot be cut is reported so too. */
int kee_kernel_worker_gone(struct kee_kernel *kernel, struct kee_vat_id vat, uint64_t incarnation,
                           const char *why);
/* The same, but for a reason outside the vat, such as another vat of the same process: what it was sent
 * and has not answered is delivered again and does not count as tried. */
int kee_kernel_worker_lost(struct kee_kernel *kernel, struct kee_vat_id vat, uint64_t incarnation,
                           const char *why);
int kee_kernel_durable(struct kee_kernel *kernel);

/* Hands out what can be delivered, kills what is over its deadline, does background work in slices.
 * *more: call again soon even without an event. */
int kee_kernel_run(struct kee_kernel *kernel, uint64_t now_ms, bool *more);
/* When run() must be called at the latest though nothing happens; UINT64_MAX for never. */
uint64_t kee_kernel_wake_at_ms(const struct kee_kernel *kernel);
/* True if an answer waits for the disk, or the batch is large or old enough. */
bool kee_kernel_flush_due(const struct kee_kernel *kernel, uint64_t now_ms);
/* When a flush will be due if nothing else happens; UINT64_MAX for never. */
uint64_t kee_kernel_flush_at_ms(const struct kee_kernel *kernel);
/* True if nothing is queued, in flight or to be swept. */
bool kee_kernel_is_idle(const struct kee_kernel *kernel);
/* Deliveries that workers have been sent and have not answered. */
uint64_t kee_kernel_flights(const struct kee_kernel *kernel);

/* ---- calls. call is the caller's number (not 0), given back in answer(). ---- */

struct kee_launch_vat {
    struct kee_bytes name;      /* unique in the launch */
    struct kee_bytes code_name; /* where the code came from, for messages */
    struct kee_bytes code;      /* text; kept in the store under its SHA-256 */
    struct kee_vp_capdata parameters;
    struct kee_vp_strings globals;
    struct kee_vp_strings inventory; /* name, kref, name, kref...: objects held for its life */
    enum kee_flavour flavour;        /* UNSAID: the kernel's default; kept with the vat */
    bool raw; /* its code is a dispatch function, without liveslots; kept likewise */
};

struct kee_launch {
    struct kee_bytes config;    /* the configuration's JSON text, kept for show */
    struct kee_bytes bootstrap; /* name of the vat whose root gets bootstrap(vats, services) */
    const struct kee_launch_vat *vats;
    size_t vat_count;
    /* Names of services, which bootstrap gets as the record of its second argument. One that is not
     * registered, or is for the system only, declines the launch: no registered kernel service 'NAME'. */
    struct kee_vp_strings services;
    bool system; /* may have services that are for the system only */
    /* Names of I/O channels, which bootstrap finds among the services: NAME stands for the service
     * io:sN:NAME, sN being the subcluster, to be registered before the caller goes on. */
    struct kee_vp_strings channels;
    struct kee_peer_id
        asker; /* to whom the answer's references are mentioned; 0: the console holds them */
};

/* All or nothing: if a vat fails to start, the subcluster is taken back and the answer is DECLINED,
 * naming the vat. Otherwise answered when bootstrap's result settles. */
int kee_kernel_launch(struct kee_kernel *kernel, const struct kee_launch *launch, uint64_t call);
/* The subcluster that a launch is making which has not come to its bootstrap; 0: none. */
struct kee_subcluster_id kee_kernel_launch_of(const struct kee_kernel *kernel, uint64_t call);
/* methargs: capdata of [method, args], slots are krefs. call 0: nobody waits for the result. */
int kee_kernel_send(struct kee_kernel *kernel, struct kee_kref target,
                    struct kee_vp_capdata methargs, uint64_t call);
/* Forgets a call whose caller is gone. */
void kee_kernel_forget_call(struct kee_kernel *kernel, uint64_t call);

int kee_kernel_terminate_vat(struct kee_kernel *kernel, struct kee_vat_id vat);
int kee_kernel_terminate_subcluster(struct kee_kernel *kernel, struct kee_subcluster_id subcluster);
/* The old heap ends before this returns; or after a last crank, for as long as is_parting(), if the vat
 * has a kind that wants one. Outcome STATE: it is being restarted already. */
int kee_kernel_restart_vat(struct kee_kernel *kernel, struct kee_vat_id vat, const char *why);
bool kee_kernel_is_parting(const struct kee_kernel *kernel, struct kee_vat_id vat);
/* The daemon is about to end: nothing is delivered any more, but vats with a kind that wants to hear of
 * it get a last crank. Run on until partings() is 0. */
int kee_kernel_close(struct kee_kernel *kernel);
uint64_t kee_kernel_partings(const struct kee_kernel *kernel);
/* Asks for a bringOutYourDead of one vat, or of all that are awake if vat is 0. */
int kee_kernel_reap(struct kee_kernel *kernel, struct kee_vat_id vat);

/* The kref of a raw vat's export of that number, made if the vat has not named it yet; held for the
 * console until the next open. Outcomes NO_SUCH; STATE: not a raw vat; BAD. */
int kee_kernel_facet(struct kee_kernel *kernel, struct kee_vat_id vat, uint64_t facet,
                     struct kee_kref *out);
/* A durable hold on an object or promise, until it is unpinned; pinning twice is pinning once. Outcome
 * STATE: nothing reaches it any more, so that its owner may have let go of it already. */
int kee_kernel_pin(struct kee_kernel *kernel, struct kee_kref kref);
/* Outcome STATE if it is not pinned. */
int kee_kernel_unpin(struct kee_kernel *kernel, struct kee_kref kref);
/* The console's hold, which every answer takes on what it names: until it is dropped or the kernel is
 * opened anew; holding twice is holding once. Outcome STATE as of pin. */
int kee_kernel_hold(struct kee_kernel *kernel, struct kee_kref kref);
/* Nothing happens if it is not held, or if an answer that names it has not been let out. */
int kee_kernel_drop(struct kee_kernel *kernel, struct kee_kref kref);
/* From now on every send to the object rejects, also what is queued but not yet handed to its vat.
 * Nothing undoes it; a second time changes nothing. Outcome BAD: no object. */
int kee_kernel_revoke(struct kee_kernel *kernel, struct kee_kref kref);

void kee_kernel_pause(struct kee_kernel *kernel);
void kee_kernel_resume(struct kee_kernel *kernel);
bool kee_kernel_is_paused(const struct kee_kernel *kernel);
/* Paused only: lets exactly one item be delivered (the oldest). Outcome STATE if running or if
 * nothing is queued. on_done() comes when its crank is committed or undone. */
int kee_kernel_step(struct kee_kernel *kernel, void (*on_done)(void *context), void *context);

void kee_kernel_trace(struct kee_kernel *kernel, bool on);

/* ---- listings: fields as named ---- */

/* vat name subcluster state flavour incarnation root deliveries queued in_crank timers timer_in_ms why
 * state: new, awake, asleep, broken */
int kee_kernel_list_vats(struct kee_kernel *kernel, kee_record_fn *fn, void *context);
/* Outcome NO_SUCH unless there is the vat. */
int kee_kernel_need_vat(struct kee_kernel *kernel, struct kee_vat_id vat);
/* kref vref direction reachable owner|decider */
int kee_kernel_list_clist(struct kee_kernel *kernel, struct kee_vat_id vat, kee_record_fn *fn,
                          void *context);
/* seq vat type from target result tries flight body slots       (also messages parked at promises, and
 * timers that are due) */
int kee_kernel_list_queue(struct kee_kernel *kernel, kee_record_fn *fn, void *context);
/* subcluster bootstrap state vats */
int kee_kernel_list_subclusters(struct kee_kernel *kernel, kee_record_fn *fn, void *context);
/* Appends the configuration that a subcluster was launched from, as JSON text. Outcome NO_SUCH. */
int kee_kernel_config(struct kee_kernel *kernel, struct kee_subcluster_id subcluster,
                      struct kee_buf *out);
/* kref owner reachable recognizable pinned revoked */
int kee_kernel_list_objects(struct kee_kernel *kernel, kee_record_fn *fn, void *context);
/* kref state decider subscribers references body slots */
int kee_kernel_list_promises(struct kee_kernel *kernel, kee_record_fn *fn, void *context);

/* One object or promise, as in the listings. Outcome NO_SUCH. */
int kee_kernel_show(struct kee_kernel *kernel, struct kee_kref kref, kee_record_fn *fn,
                    void *context);
/* The same, of a kref or of a vat's or peer's own name for it: kref vref, then the fields of the listing.
 * of may be nobody for a kref; then there is no vref. Outcomes NO_SUCH, BAD. */
int kee_kernel_describe(struct kee_kernel *kernel, struct kee_bytes reference,
                        struct kee_endpoint_id of, kee_record_fn *fn, void *context);
/* What keeps an object or promise alive: holder how references vref stored as seq. The references add
 * up to what reaches it (an owner's and a recognizable import's are 0); stored: how often the durable
 * data of that vat names it. Outcome NO_SUCH. */
int kee_kernel_who_holds(struct kee_kernel *kernel, struct kee_kref kref, kee_record_fn *fn,
                         void *context);

/* What one vat keeps in the kernel's tables and in its own store. */
struct kee_vat_stats {
    uint64_t exports;     /* objects of its own that the kernel knows */
    uint64_t durable;     /* of these, those that outlive its heap */
    uint64_t imports;     /* objects of others that it can reach */
    uint64_t weak;        /* that it can only recognize */
    uint64_t promises;    /* it knows */
    uint64_t decides;     /* of these, those it is to settle */
    uint64_t rows, bytes; /* of its store, keys included */
    uint64_t objects;     /* virtual and durable objects with state in it */
    uint64_t entries;     /* of its collections */
    uint64_t queued;      /* what waits for it, or is being delivered */
};

#define KEE_STATS_ROWS_MAX 20000u              /* that one call looks at */
#define KEE_STATS_BYTES_MAX (8u * 1024 * 1024) /* and what these may hold */

/* Adds to *out what rows after *at hold, as many as the bounds above allow, so that a call takes
 * milliseconds however large the store is; *at moves on, and is empty again when all was counted. Begin
 * with it empty. If cranks are committed between two calls, what is counted is of two moments. Outcome
 * NO_SUCH; BAD if *at is not a place in the vat. */
int kee_kernel_stats(struct kee_kernel *kernel, struct kee_vat_id vat, struct kee_buf *at,
                     struct kee_vat_stats *out);
/* Asks for a collection of cycles: an epoch, in the background. One under way is followed by another. */
int kee_kernel_collect(struct kee_kernel *kernel);

/* Collections of cycles. */
struct kee_epoch_stats {
    const char *state;    /* none, marking, waiting (for vats to say what they hold), burying */
    uint64_t epochs;      /* completed since open */
    uint64_t survivors;   /* objects that the last one reached */
    uint64_t unreachable; /* objects named to their vats since open */
};

void kee_kernel_epochs(const struct kee_kernel *kernel, struct kee_epoch_stats *out);
/* Vats that are awake and have yet to report what they no longer use, or to be told of it; and one more
 * while an epoch is wanted or under way. */
uint64_t kee_kernel_collecting(const struct kee_kernel *kernel);

/* Walks every table and checks each invariant; 0 if all hold, else the number of violations, each
 * reported as a record "violation" with fields invariant, where, found, repairable. */
int kee_kernel_audit(struct kee_kernel *kernel, kee_record_fn *fn, void *context);
/* Puts right what can be without losing anything, in one crank: rows that stand for nothing go, counts
 * become what was found. Reports as the audit does, with repaired for repairable. Audit again
 * afterwards. Not while a worker runs. */
int kee_kernel_repair(struct kee_kernel *kernel, kee_record_fn *fn, void *context);

#endif
