/* SPDX-License-Identifier: Apache-2.0 */
/*
 * internal - what the files of the kernel share. kernel.h is what others see.
 *
 *   kernel.c     open, events, the round of work    txn.c      cranks of the world, rows, numbers
 *   vat.c        vats touched, their rows           crank.c    a crank's end: commit or undo
 *   kobject.c    objects and their counts           syscall.c  what a crank asked for, applied
 *   kpromise.c   promises                           restart.c  the restart rule
 *   clist.c      kref and vref                      sweep.c    dying vats, older boots, garbage
 *   runq.c       routing, queues                    hostcall.c calls from outside, holds
 *   deliver.c    deliveries out                     subcluster.c, inventory.c launching
 *   peer*.c, news.c, service.c, output.c            endpoints outside: peer_internal.h
 *   timers.c     when vats are to be woken          farewell.c the last crank of a heap
 *   cycle*.c, marks.c  cycles, see cycle.h
 *   step.c, control.c, pin.c, revoke.c              an operator's orders
 *   view.c, describe.c, holders.c, stats.c,         looking
 *   audit.c, strays.c, trace.c
 *
 * Every change is made inside a crank of the world (kee_world_begin .. commit or undo), so a function
 * that returns a fault leaves nothing behind once its caller has undone.
 */
#ifndef KEE_KERNEL_INTERNAL_H
#define KEE_KERNEL_INTERNAL_H

#include "base/fault.h"
#include "base/list.h"
#include "base/map.h"
#include "kernel/kernel.h"
#include "kernel/peer.h"
#include "kernel/timers.h"
#include "store/schema.h"

#define KEE_DEFAULT_STEPS_MAX 400000000u /* some two to four seconds of engine work */
#define KEE_DEFAULT_HEAP_MAX (256u * 1024 * 1024)
#define KEE_DEFAULT_DEADLINE_MS 20000u
#define KEE_SPARES 32 /* scratch buffers: more than any path nests */
/* A bringOutYourDead costs the vat a collection of its whole heap. It comes when what may have died
 * since the last one - so much for each delivery, and all the heap has grown by - outweighs it. */
#define KEE_REAP_DELIVERY_BYTES 1024u
#define KEE_REAP_GROWTH_WEIGHT 4u /* what has a name weighs most outside of the engine's heap */
#define KEE_REAP_BYTES (1u << 20) /* and this much more: small heaps are not reaped all the time */
#define KEE_SWEEP_SLICE 200u      /* rows in one slice of background work */
#define KEE_CYCLE_NAMES_MAX 1000u /* unreachable objects named to a vat at once */
#define KEE_FLUSH_BYTES (1024u * 1024)
#define KEE_FLUSH_AFTER_MS 5u

/* ---- vats ---- */

enum kee_vat_life { KEE_VAT_NEW, KEE_VAT_LIVE, KEE_VAT_DYING };
enum kee_worker_state { KEE_WORKER_NONE, KEE_WORKER_STARTING, KEE_WORKER_READY };

/* A promise that the frame of a delivery names. */
struct kee_named {
    struct kee_kref kref;
    bool told; /* the vat is told, or has said, how it settled: the name goes with this delivery */
};

/* One delivery a worker has been sent and has not answered. */
struct kee_flight {
    uint8_t delivery;        /* enum kee_vp_delivery; 0 for START */
    uint64_t number;         /* the frame's seq; counts within an incarnation */
    uint64_t item_seq;       /* the queue row it came from; 0 if none */
    bool alone;              /* nothing is sent after it until it is answered */
    struct kee_named *named; /* owned */
    size_t named_count;
    struct kee_kref *dropped; /* of GC deliveries: the objects; owned */
    size_t dropped_count;
    bool asks_heap, heap_told; /* of BRING_OUT_YOUR_DEAD: what the heap holds was asked, was told */
    bool names_unreachable;    /* and it names objects that nothing reaches */
    bool last;                 /* of BRING_OUT_YOUR_DEAD: the heap ends after it */
};

struct kee_vat {
    struct kee_vat_id id;
    struct kee_subcluster_id subcluster;
    enum kee_vat_life life;
    uint64_t incarnation;
    struct kee_kref root;
    uint64_t next_object, reserved_object; /* o-N numbers in memory and on disk */
    uint64_t next_promise, reserved_promise;
    char code[65]; /* SHA-256 in hex */
    bool raw;      /* without liveslots: its exports are numbers, which outlive its heap */
    enum kee_flavour flavour;

    enum kee_worker_state worker;
    bool has_queue;       /* may have queue rows that are not in flight */
    bool queue_known;     /* queue holds the SEQ of every queue row, oldest first */
    struct kee_buf queue; /* uint64_t, from queue_first on */
    size_t queue_first;
    bool reap_wanted, gc_wanted;
    /* Of the epoch under way; see cycle.h. */
    bool heap_unknown; /* awake since before it began, and has not said what its heap holds */
    struct kee_buf unreachable; /* vrefs to be named to the vat, as strings of a frame */
    uint32_t unreachable_count;
    bool unreachable_told; /* they wait for the vat, or it is at them */
    bool parting;          /* its heap is to end, and hears of it first: farewell.c */
    char parting_why[100];
    bool stale;  /* awake in an older boot: to be restarted before anything is delivered */
    bool broken; /* cannot start; why in broken_why */
    char broken_why[200];
    uint32_t gc_tries;      /* words about garbage that ended the worker, in a row */
    uint32_t start_tries;   /* starts that ended the worker, in a row */
    uint64_t frames_sent;   /* numbers deliveries of this incarnation */
    uint64_t last_sent_seq; /* queue position up to which items are in flight; 0 none */
    uint64_t crank_began_ms;
    uint64_t deliveries, deliveries_since_reap;
    uint64_t heap_bytes;   /* live, as the worker says; garbage it has names for counts as live */
    uint64_t reaped_bytes; /* heap_bytes after the start or the last reap; 0 while not known */
    struct kee_timer timer;
    struct kee_flight flights[KEE_LIMIT_SENT_AHEAD];
    uint32_t flight_first, flight_count;
    struct kee_link busy; /* in kernel->busy when there may be something to do */
};

struct kee_launching;

/* A call from outside that waits for a promise. */
struct kee_call {
    uint64_t number;
    struct kee_kref promise;
    struct kee_subcluster_id subcluster; /* of a launch, else 0 */
    struct kee_kref root;
    struct kee_peer_id asker; /* who is to hold what the answer names; 0: the console */
};

/* Collections of cycles since open, and what is between two. */
struct kee_epochs {
    uint64_t count, named;
    uint64_t survivors;              /* objects reached by the last one; kept in the store */
    uint64_t grown;                  /* objects exported since */
    uint64_t active_ms;              /* when a crank was last under way */
    uint64_t slice_cranks, slice_ms; /* when the last slice was done */
    bool wanted;
    bool waits; /* for vats to say what they hold, or to be done with what they were told */
};

struct kee_ids {
    uint64_t vat, subcluster, object, promise, seq, peer;
};

struct kee_kernel {
    struct kee_world *world;
    const struct kee_kernel_host *host;
    struct kee_kernel_options options;
    struct kee_buf why;
    struct kee_ids next, reserved;
    uint64_t boot;
    struct kee_map vats;  /* id -> struct kee_vat */
    struct kee_map calls; /* call number -> struct kee_call */
    struct kee_map waits; /* promise bits -> struct kee_call (one call waits for one promise) */
    struct kee_link busy;
    struct kee_link outputs;     /* answers and news of committed cranks, in their order */
    struct kee_link outputs_new; /* of the crank under way */
    struct kee_map peers;        /* id -> struct kee_peer: open, or being swept */
    struct kee_link peers_touched;
    struct kee_link launches;
    uint64_t now_ms;
    uint64_t cranks;                      /* committed or undone since open */
    uint64_t dirty_batch, dirty_since_ms; /* the batch that was last changed first, and when */
    uint64_t deadline_check_ms;           /* when deadlines are to be looked at next */
    bool paused, tracing;
    bool stepping;              /* one item may be delivered */
    struct kee_vat_id step_vat; /* whose crank is the step under way; 0 none */
    void (*step_done)(void *context);
    void *step_context;
    /* background work: each is set when there may be some */
    bool sweep_dying, sweep_awake, sweep_holds, sweep_peers;
    uint64_t lease_over_ms; /* of peers of older boots; 0: not begun; UINT64_MAX: none */
    struct kee_key awake_at,
        hold_at; /* how far these two have come; what comes later is of this boot */

    struct kee_timers timers;
    struct kee_cycle *cycle; /* the epoch under way, or NULL */
    struct kee_epochs epochs;
    bool closing;      /* nothing is delivered any more but farewells */
    uint64_t partings; /* vats that are parting */
    uint64_t flights;  /* deliveries out, over all vats */
    /* Work that would recurse as deep as a vat likes, done in a loop instead. */
    struct kee_buf settled_todo; /* promises whose parked messages are to be routed: u64 bits */
    struct kee_buf dead_todo;    /* promises that nothing refers to: u64 bits */
    struct kee_buf dropped_todo; /* objects of peers that nothing may reach: u64 bits */
    struct kee_buf tell_todo; /* settled promises that peers are to hear of: u64 peer, u64 bits */
    struct kee_buf
        last_words; /* while a vat ends by its own failure: what its promises reject with */
    bool settling;
    struct kee_buf out;                /* frames for one worker_send */
    struct kee_buf *spare[KEE_SPARES]; /* scratch buffers not in use */
    size_t spare_count;
};

/* Scratch memory: a cleared buffer, to be given back. Never NULL: all are made at open, and no path
 * nests as deep as there are. */
struct kee_buf *kee_scratch_take(struct kee_kernel *kernel);
void kee_scratch_give(struct kee_kernel *kernel, struct kee_buf *buf);

int kee_kernel_decline(struct kee_kernel *kernel, int outcome, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Numbers, never reused; reserved durably in blocks. kind: 'v', 's', 'o', 'p', 'q'. */
int kee_ids_put(struct kee_kernel *kernel);
int kee_ids_read(struct kee_kernel *kernel);
int kee_ids_take(struct kee_kernel *kernel, char kind, uint64_t *out);

/* A row that must be there. */
int kee_row_need(struct kee_kernel *kernel, struct kee_bytes key, struct kee_bytes *value);
int kee_row_corrupt(struct kee_bytes key, const char *expected);
int kee_row_put(struct kee_kernel *kernel, struct kee_bytes key, struct kee_buf *value, bool fresh);
/* Moves *at to the next key that starts with prefix; an empty *at starts before the first.
 * KEE_STORE_ABSENT at the end. Rows may be changed between two steps. */
int kee_keys_next(struct kee_kernel *kernel, const struct kee_key *prefix, struct kee_key *at);
/* The same where what follows prefix is an id such as v12. */
int kee_keys_next_id(struct kee_kernel *kernel, const struct kee_key *prefix, struct kee_key *at,
                     char letter, uint64_t *id);
/* The next vat whose number follows prefix; its other rows, which may be millions, are skipped. */
int kee_keys_next_vat(struct kee_kernel *kernel, const struct kee_key *prefix, struct kee_key *at,
                      struct kee_vat_id *id);
/* What follows prefix in a key that starts with it. */
static inline struct kee_bytes kee_key_rest(const struct kee_key *key, const struct kee_key *prefix)
{
    return kee_bytes_of(key->text + prefix->size, key->size - prefix->size);
}
/* Deletes up to max rows that start with prefix; *left: there are more. */
int kee_rows_delete(struct kee_kernel *kernel, struct kee_bytes prefix, size_t max, bool *left);

/* vat.c: the vat if it exists, NULL in *out if not. */
int kee_vat_load(struct kee_kernel *kernel, struct kee_vat_id id, struct kee_vat **out);
/* Does it take messages for promises it has yet to settle? Nobody and raw vats do not: such messages
 * are parked. Who is gone does, and they are refused. */
int kee_endpoint_takes_ahead(struct kee_kernel *kernel, struct kee_endpoint_id id, bool *out);
int kee_vat_save(struct kee_kernel *kernel, struct kee_vat *vat, bool fresh);
void kee_vat_mark_busy(struct kee_kernel *kernel, struct kee_vat *vat);
void kee_vat_forget_flights(struct kee_kernel *kernel, struct kee_vat *vat);
struct kee_flight *kee_vat_flight(struct kee_vat *vat, uint32_t i); /* i-th in flight */
/* A delivery whose frame is complete goes out behind those in flight; what it owns is the vat's now. */
void kee_vat_push_flight(struct kee_kernel *kernel, struct kee_vat *vat,
                         const struct kee_flight *flight);
void kee_vat_pop_flight(struct kee_kernel *kernel, struct kee_vat *vat);
void kee_vat_drop_worker(struct kee_kernel *kernel, struct kee_vat *vat, bool kill);
void kee_vat_free(struct kee_kernel *kernel, struct kee_vat *vat);

/* ---- objects (kobject.c) ---- */

struct kee_object {
    struct kee_endpoint_id owner; /* none: gone */
    struct kee_peer_id late;      /* the peer it was of, if it is gone; 0: a vat's */
    uint64_t reachable, recognizable;
    bool revoked; /* sends to it reject, for good */
};

int kee_object_get(struct kee_kernel *kernel, struct kee_kref kref, struct kee_object *out);
int kee_object_put(struct kee_kernel *kernel, struct kee_kref kref, const struct kee_object *object,
                   bool fresh);
int kee_object_new(struct kee_kernel *kernel, struct kee_endpoint_id owner, struct kee_kref *out);
/* Changes both counts; a count that reaches 0 puts the object on the gc list. */
int kee_object_count(struct kee_kernel *kernel, struct kee_kref kref, int reachable,
                     int recognizable);
/* The owner is gone: sends reject from now on; the row goes when nobody recognizes it. */
int kee_object_orphan(struct kee_kernel *kernel, struct kee_kref kref);

/* A reference held by a queue row, settled data or a hold: counts both parts, or a promise's one. */
int kee_kref_hold(struct kee_kernel *kernel, struct kee_kref kref);
int kee_kref_release(struct kee_kernel *kernel, struct kee_kref kref);
/* The same over a LIST ("ko1,kp2" or "-"). */
int kee_krefs_hold(struct kee_kernel *kernel, struct kee_bytes list);
int kee_krefs_release(struct kee_kernel *kernel, struct kee_bytes list);
/* Takes the next kref of a LIST; false at its end. The list was checked when written. */
bool kee_krefs_next(struct kee_bytes *list, struct kee_kref *out);
size_t kee_krefs_count(struct kee_bytes list);

/* ---- promises (kpromise.c) ---- */

struct kee_promise {
    char state; /* u, f, r */
    uint64_t references;
    struct kee_endpoint_id decider;
    bool expected; /* decider has yet to be delivered the message this is the result of */
    bool parked;   /* messages are parked at it */
    struct kee_bytes subscribers; /* LIST "v1,r2" or "-": in the buffer given to get */
};

int kee_promise_get(struct kee_kernel *kernel, struct kee_kref kref, struct kee_buf *hold,
                    struct kee_promise *out);
int kee_promise_put(struct kee_kernel *kernel, struct kee_kref kref,
                    const struct kee_promise *promise, bool fresh);
/* references counts from the start what the caller is about to store. */
int kee_promise_new(struct kee_kernel *kernel, struct kee_endpoint_id decider, uint64_t references,
                    struct kee_kref *out);
int kee_promise_new_for(struct kee_kernel *kernel, struct kee_endpoint_id decider,
                        uint64_t references, struct kee_bytes subscribers, struct kee_kref *out);
int kee_promise_count(struct kee_kernel *kernel, struct kee_kref kref, int by);
int kee_promise_decide(struct kee_kernel *kernel, struct kee_kref kref,
                       struct kee_endpoint_id decider, bool expected);
/* A message is about to be parked at it. */
int kee_promise_park(struct kee_kernel *kernel, struct kee_kref kref);
int kee_promise_subscribe(struct kee_kernel *kernel, struct kee_kref kref,
                          struct kee_endpoint_id id);
int kee_promise_unsubscribe(struct kee_kernel *kernel, struct kee_kref kref,
                            struct kee_endpoint_id id);
/* Settled data, in hold. */
int kee_promise_data(struct kee_kernel *kernel, struct kee_kref kref, struct kee_buf *hold,
                     struct kee_bytes *slots, struct kee_bytes *body);
/* Settles: stores data (holding its slots), wakes subscribers but settler, the calls, and what is
 * parked. */
int kee_promise_settle(struct kee_kernel *kernel, struct kee_kref kref,
                       struct kee_endpoint_id settler, bool rejected, struct kee_bytes slots,
                       struct kee_bytes body);
/* Rejects with an Error of this message. */
int kee_promise_reject_text(struct kee_kernel *kernel, struct kee_kref kref,
                            struct kee_endpoint_id settler, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* A smallcaps body of an error. */
void kee_error_body(struct kee_buf *out, const char *name, struct kee_bytes message);
/* Text as it stands inside a JSON string. */
void kee_json_escape(struct kee_buf *out, struct kee_bytes text);

/* ---- c-lists (clist.c) ---- */

enum kee_clist_outcome { KEE_CLIST_UNKNOWN = 1 };

struct kee_clist_row {
    struct kee_bytes vref; /* in the buffer given */
    bool reachable;
};

int kee_clist_find(struct kee_kernel *kernel, struct kee_vat *vat, struct kee_kref kref,
                   struct kee_buf *hold, struct kee_clist_row *out);
/* What does the vat mean by vref? Makes a new object or promise of it if the vat made the name.
 * Outcome UNKNOWN, with a sentence in kernel->why: a mistake of the vat. */
int kee_clist_kref_of(struct kee_kernel *kernel, struct kee_vat *vat, struct kee_bytes vref,
                      struct kee_kref *out);
/* The same without making anything, nor refreshing reachability. */
int kee_clist_lookup(struct kee_kernel *kernel, struct kee_vat *vat, struct kee_bytes vref,
                     struct kee_kref *out);
/* The vat's name for kref, appended to out as text; made if it has none, made reachable. */
int kee_clist_vref_of(struct kee_kernel *kernel, struct kee_vat *vat, struct kee_kref kref,
                      struct kee_buf *out);
int kee_clist_add(struct kee_kernel *kernel, struct kee_vat *vat, struct kee_kref kref,
                  struct kee_bytes vref);
int kee_clist_set_flag(struct kee_kernel *kernel, struct kee_vat *vat, struct kee_kref kref,
                       struct kee_bytes vref, bool reachable);
/* Both rows go; counts are the caller's. */
int kee_clist_remove(struct kee_kernel *kernel, struct kee_vat *vat, struct kee_kref kref,
                     struct kee_bytes vref);
/* A settled promise leaves the c-list: now, or with the last of the deliveries in flight, from
 * first_flight on, that name it. */
int kee_clist_retire_promise(struct kee_kernel *kernel, struct kee_vat *vat, struct kee_kref kref,
                             uint32_t first_flight);
/* The vat asked to be notified of it after all: it stays. */
void kee_clist_keep_promise(struct kee_vat *vat, struct kee_kref kref);

/* ---- queues (runq.c) ---- */

struct kee_item {
    char type; /* m, n */
    struct kee_bytes from;
    uint64_t tries;
    struct kee_kref target; /* the promise of a notification */
    struct kee_kref result; /* or none */
    struct kee_bytes slots, body;
};

int kee_item_parse(struct kee_bytes key, struct kee_bytes value, struct kee_item *out);
void kee_item_format(struct kee_buf *out, const struct kee_item *item);
/* Puts a message where it belongs: a vat's queue, a promise, or back as a rejection. fresh: the
 * references it names are not yet counted. */
int kee_route(struct kee_kernel *kernel, const struct kee_item *item, bool fresh);
/* from: who settled it; nobody is the kernel. */
int kee_notify_push(struct kee_kernel *kernel, struct kee_vat_id vat, struct kee_kref promise,
                    struct kee_endpoint_id from);
/* Rejects the result of an item that cannot be delivered and releases what it held. The caller has
 * deleted, or is about to delete, its row. */
int kee_item_reject(struct kee_kernel *kernel, const struct kee_item *item, const char *text);
int kee_item_release(struct kee_kernel *kernel, const struct kee_item *item);
int kee_item_hold(struct kee_kernel *kernel, const struct kee_item *item);
/* All that is parked at a promise is routed again: now, or by the caller that is at it already. */
int kee_parked_release(struct kee_kernel *kernel, struct kee_kref promise);
/* A queue row that has been delivered, moved or refused goes. */
int kee_queue_delete(struct kee_kernel *kernel, struct kee_vat *vat, uint64_t seq);
/* The first queue row after seq, as an item in hold; KEE_STORE_ABSENT if none. */
int kee_queue_next(struct kee_kernel *kernel, struct kee_vat *vat, uint64_t after,
                   struct kee_buf *hold, uint64_t *seq, struct kee_item *out);

/* ---- deliveries, cranks ---- */

/* What the frame of a delivery says, into out; remembers the promises it names in the flight. */
int kee_put_message(struct kee_kernel *kernel, struct kee_vat *vat, struct kee_flight *flight,
                    const struct kee_item *item);
int kee_put_notify(struct kee_kernel *kernel, struct kee_vat *vat, struct kee_flight *flight,
                   struct kee_kref promise);
int kee_vat_pump(struct kee_kernel *kernel, struct kee_vat *vat, bool one);
/* The SEQ of what is to be delivered to the vat next: of a queue row, which is then in item, or the place
 * of a timer, which goes before a row of that SEQ. KEE_STORE_ABSENT if there is nothing. */
int kee_vat_next(struct kee_kernel *kernel, struct kee_vat *vat, struct kee_buf *hold,
                 uint64_t *seq, struct kee_item *item, bool *is_timer);
/* Tells the trace of a delivery that carries no message and no notification. */
void kee_trace_housekeeping(struct kee_kernel *kernel, const struct kee_vat *vat,
                            const struct kee_flight *flight);
/* Carries a step on: starts the worker it needs, or hands out its one item. */
int kee_step_on(struct kee_kernel *kernel);
/* Appends a bringOutYourDead to kernel->out. Nothing may be in flight. */
int kee_vat_send_reap(struct kee_kernel *kernel, struct kee_vat *vat, bool last);
int kee_vat_start(struct kee_kernel *kernel, struct kee_vat *vat);
int kee_crank_done(struct kee_kernel *kernel, struct kee_vat *vat, struct kee_bytes fields);
/* The worker is of no more use: undo, restart, blame the delivery in flight. */
int kee_crank_failed(struct kee_kernel *kernel, struct kee_vat *vat, const char *why);
/* The same, for a reason that is not the vat's. */
int kee_crank_lost(struct kee_kernel *kernel, struct kee_vat *vat, const char *why);
/* What a vat said about ending itself. */
struct kee_exit {
    bool said;
    bool failure;                 /* the crank is to be undone */
    struct kee_vp_capdata reason; /* borrowed; slots are vrefs */
};

/* >0 outcome with a sentence in why: illegal. */
int kee_syscalls_apply(struct kee_kernel *kernel, struct kee_vat *vat, struct kee_vp_reader *reader,
                       struct kee_exit *exit);
/* farewell.c: does the vat want a last crank, should its heap end in order? */
int kee_farewell_wanted(struct kee_kernel *kernel, const struct kee_vat *vat, bool *wanted);
void kee_farewell_begin(struct kee_kernel *kernel, struct kee_vat *vat, const char *why);
/* Sends what can be sent. */
int kee_farewell_pump(struct kee_kernel *kernel);
/* The last crank was committed. */
int kee_farewell_done(struct kee_kernel *kernel, struct kee_vat *vat);
/* The heap has ended, whichever way. */
void kee_farewell_over(struct kee_kernel *kernel, struct kee_vat *vat);

/* control.c: ends the heap at once. */
int kee_vat_restart_now(struct kee_kernel *kernel, struct kee_vat *vat, const char *why);
int kee_vat_restart(struct kee_kernel *kernel, struct kee_vat *vat, const char *why);
int kee_vat_terminate(struct kee_kernel *kernel, struct kee_vat *vat, const char *why);
int kee_sweep(struct kee_kernel *kernel, bool *more);
/* GC deliveries that are due to this vat: at most one frame. *sent: one was. */
int kee_gc_pump(struct kee_kernel *kernel, struct kee_vat *vat, bool *sent);

/* ---- cycles (cycle.c) ---- */

int kee_cycle_open(struct kee_kernel *kernel);
void kee_cycle_close(struct kee_kernel *kernel);
int kee_cycle_run(struct kee_kernel *kernel, bool *more);
uint64_t kee_cycle_wake_at_ms(const struct kee_kernel *kernel);
/* A vat says what its heap holds; then, that the crank is committed, or the heap is gone. */
int kee_cycle_heap(struct kee_kernel *kernel, struct kee_vat *vat, struct kee_vp_strings vrefs);
int kee_cycle_heap_asked(struct kee_kernel *kernel, struct kee_vat *vat, bool told);
void kee_cycle_heap_known(struct kee_kernel *kernel, struct kee_vat *vat);
void kee_cycle_told(struct kee_kernel *kernel, struct kee_vat *vat);
/* May somebody outside begin to hold the object? Outcome STATE: an epoch has found that nothing reaches
 * it, and its vat is about to empty it. */
int kee_cycle_may_hold(struct kee_kernel *kernel, struct kee_kref kref);

/* Barriers, for while an epoch is under way. They never fail. */
void kee_cycle_holds(struct kee_kernel *kernel, struct kee_kref kref);
void kee_cycle_gives(struct kee_kernel *kernel, struct kee_vat *vat, struct kee_bytes vref);
void kee_cycle_moves(struct kee_kernel *kernel, const struct kee_item *item);
void kee_cycle_row_changes(struct kee_kernel *kernel, struct kee_vat *vat, struct kee_bytes name,
                           const struct kee_bytes *value);

/* ---- launches and calls ---- */

/* ---- inventories (inventory.c) ---- */

/* Takes "NAME KREF" off a LIST of such; false at its end. */
bool kee_inventory_next(struct kee_bytes *list, struct kee_bytes *name, struct kee_kref *kref);
/* The LIST of a vat, empty if it has none, in hold. */
int kee_inventory_get(struct kee_kernel *kernel, struct kee_vat_id vat, struct kee_buf *hold);
/* Of a launch. Outcomes with a sentence in why: a name or an object that cannot be. */
int kee_inventory_check(struct kee_kernel *kernel, struct kee_vp_strings inventory);
/* Holds what a new vat is granted. */
int kee_inventory_put(struct kee_kernel *kernel, const struct kee_vat *vat,
                      struct kee_vp_strings inventory);
/* Appends name, vref, name, vref... for START, making c-list rows. */
int kee_inventory_name(struct kee_kernel *kernel, struct kee_vat *vat, struct kee_buf *out,
                       uint32_t *count);
/* The vat is buried. */
int kee_inventory_release(struct kee_kernel *kernel, struct kee_vat_id vat);

/* A START ended: well if why is NULL. Carries the launch on, if the vat is of one. */
int kee_launch_progress(struct kee_kernel *kernel, struct kee_vat *vat, const char *why,
                        bool *consumed);
void kee_launches_free(struct kee_kernel *kernel);
int kee_call_wait(struct kee_kernel *kernel, uint64_t number, struct kee_kref promise,
                  struct kee_subcluster_id subcluster, struct kee_kref root,
                  struct kee_peer_id asker);
/* A promise settled inside the crank under way. */
int kee_calls_settled(struct kee_kernel *kernel, struct kee_kref promise, bool rejected,
                      struct kee_bytes slots, struct kee_bytes body);
/* An answer that has not been let out names it. */
bool kee_answers_name(struct kee_kernel *kernel, struct kee_kref kref);
int kee_answer_decline(struct kee_kernel *kernel, uint64_t call, const char *why);
int kee_hold_add(struct kee_kernel *kernel, struct kee_kref kref);
int kee_hold_remove(struct kee_kernel *kernel, struct kee_kref kref);
int kee_is_pinned(struct kee_kernel *kernel, struct kee_kref kref, bool *out);
/* Is there a row of that name? Outcome NO_SUCH, with a sentence in why. */
int kee_kref_need(struct kee_kernel *kernel, struct kee_kref kref);
/* The same, and that something reaches it: a hold must not bring back what is being collected. Outcome
 * STATE besides. */
int kee_kref_need_reachable(struct kee_kernel *kernel, struct kee_kref kref);

/* A crank of the world with its outputs. commit may fault; it has undone then. */
void kee_txn_begin(struct kee_kernel *kernel);
int kee_txn_commit(struct kee_kernel *kernel);
void kee_txn_undo(struct kee_kernel *kernel);
/* Ends with commit if r is 0, else undoes; gives r, or the fault of the commit. */
int kee_txn_end(struct kee_kernel *kernel, int r);

/* view.c: calls row for each row under prefix, with copies of the rest of its key and of its value. */
typedef int kee_row_fn(struct kee_kernel *kernel, struct kee_bytes rest, struct kee_bytes value,
                       kee_record_fn *fn, void *context);
int kee_rows_each(struct kee_kernel *kernel, struct kee_bytes prefix, kee_row_fn *row,
                  kee_record_fn *fn, void *context);

/* ---- audit.c, strays.c ---- */

struct kee_audit {
    struct kee_kernel *kernel;
    kee_record_fn *fn; /* NULL: only counted */
    void *context;
    int violations;
    bool mends; /* inside a crank: what is mendable is put right by who found it */
};

void kee_audit_violation(struct kee_audit *audit, const char *invariant, struct kee_bytes where,
                         bool mendable, const char *format, ...)
    __attribute__((format(printf, 5, 6)));
int kee_audit_strays(struct kee_audit *audit);

/* ---- trace.c: builds one record and hands it out; all no-ops while tracing is off ---- */

struct kee_event {
    struct kee_record record;
    char text[12][80]; /* storage for the numbers and short names of one event */
    size_t used;
};

void kee_event_begin(struct kee_event *event, const char *kind);
void kee_event_text(struct kee_event *event, const char *name, struct kee_bytes value);
void kee_event_number(struct kee_event *event, const char *name, uint64_t n);
void kee_event_id(struct kee_event *event, const char *name, char letter, uint64_t n);
/* Nothing if it is nobody. */
void kee_event_endpoint(struct kee_event *event, const char *name, struct kee_endpoint_id id);
void kee_event_kref(struct kee_event *event, const char *name, struct kee_kref kref);
void kee_event_emit(struct kee_kernel *kernel, struct kee_event *event);
/* The method of a methargs body, if it is plainly there: for people's eyes only. */
struct kee_bytes kee_methargs_method(struct kee_bytes body);

#include "kernel/peer_internal.h"

#endif
