/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hp - HandledPromise on the engine's own promises: a promise with one hidden slot more, whose tag is
 * its state.
 *
 *   POSTPONED ──resolve──► PLAIN | FORWARDED | PRESENCE        sends wait in a list until then
 *   HANDLER   ──resolve──► the same                            sends go to a JavaScript handler
 *   REMOTE    ──resolve──► the same                            sends go to the kernel, to its vref
 *
 *   PLAIN      what the engine knows is all there is: pending, fulfilled or rejected
 *   FORWARDED  resolved to another handled promise, to which its sends go
 *   PRESENCE   resolved to a presence, known already though the engine settles it later
 *
 * A promise resolved to itself is rejected, but whoever took its sends still does: a handler is asked
 * as before, the kernel is not (STALE).
 *
 * A send is one record and one job. Where it goes is decided in the job, on the state at that time: if
 * the target is a promise still open, whoever handles it takes the send, or else the send waits for the
 * promise among those that asked before and after. A send that a POSTPONED promise takes is answered with
 * a further promise, and is made anew once the first knows where it goes.
 *
 * The turns in which things happen are those of npm's @endo/eventual-send, to which
 * random programs compare them (test/interop/eventual-send).
 */
#ifndef KEE_VAT_LIVESLOTS_HP_H
#define KEE_VAT_LIVESLOTS_HP_H

#include "vat/liveslots/internal.h"

enum kee_hp_state {
    KEE_HP_PLAIN = 0x7eed0020,
    KEE_HP_POSTPONED, /* undefined, or the list of postponed records */
    KEE_HP_HANDLER,   /* reference to the handler */
    KEE_HP_FORWARDED, /* reference to the promise */
    KEE_HP_PRESENCE,  /* reference to the presence */
    KEE_HP_REMOTE, /* the promise also has KEE_TAG_VREF. true: the result of a send; reference: the
                     * promise between, which the result follows */
    KEE_HP_STALE,  /* was REMOTE and became itself; undefined */
};

enum kee_hp_op {
    KEE_HP_GET,
    KEE_HP_APPLY_FUNCTION,
    KEE_HP_APPLY_METHOD,
    KEE_HP_SEND_ONLY = 4, /* added to one of the above */
    KEE_HP_LOST = 8,      /* the target has been rejected: it is the reason now */
    KEE_HP_WAITING = 16,  /* also waits for the target to settle */
    KEE_HP_TAKEN = 32,    /* has been taken, and need not wait any more */
    KEE_HP_AGAIN = 64,    /* was postponed: its job makes the send anew */
    KEE_HP_GOT = 128,     /* gets a property of what a promise the kernel decides has become */
    KEE_HP_HOP = 256,     /* no send: its job settles the target with the result */
    KEE_HP_ASK = 512, /* no send: its job reads then of the target, told is the send for which */
};

#define KEE_HP_BASE (KEE_HP_SEND_ONLY - 1)

/* The fields of a record, in the order of its slots. */
struct kee_hp_record {
    txSlot *op;     /* integer */
    txSlot *target; /* any value */
    txSlot *prop;   /* string, symbol or undefined */
    txSlot *args;   /* array or undefined */
    txSlot *result; /* promise, or undefined for a send only */
    txSlot *told;   /* what a handler is told is the result; NULL: result */
};

struct kee_hp_record kee_hp_record_of(txSlot *instance);

/* The slot whose ID is the state; NULL on a promise that is not handled. */
txSlot *kee_hp_state_of(txSlot *promise);
/* Follows forwarding from a promise as far as it is known. */
txSlot *kee_hp_shorten(txSlot *promise);

/* Pushes a fresh hardened promise, POSTPONED. */
txSlot *kee_hp_new(txMachine *the);
/* Pushes a fresh hardened promise without a state. */
txSlot *kee_hp_new_plain(txMachine *the);
/* Settle a promise made by kee_hp_new or by the constructor. value is rooted by the caller; resolving
 * reads its then (runs JS). A second settling is ignored by callers, not here. */
void kee_hp_resolve(txMachine *the, txSlot *promise, txSlot *value);
void kee_hp_reject(txMachine *the, txSlot *promise, txSlot *reason);
/* Sends to promise, which is not settled and has a vref, go to the kernel from now on. */
void kee_hp_become_remote(txMachine *the, txSlot *promise, bool result);
/* Settles a promise that the kernel decided. Whoever waits for the result of a send hears a turn later:
 * in npm's liveslots it follows a promise of liveslots' own. */
void kee_hp_settle_remote(txMachine *the, txSlot *promise, bool rejected, txSlot *value);
/* Pushes the promise that a property of promise, a remote one, waits for. */
void kee_hp_push_between(txMachine *the, txSlot *promise);
/* Queues the job that settles promise, in the engine alone. */
void kee_hp_queue_hop(txMachine *the, txSlot *promise, bool rejected, txSlot *value);
/* The plain part of settling: what the engine does, without the state. */
void kee_hp_fulfill_engine(txMachine *the, txSlot *promise, txSlot *value);
void kee_hp_reject_engine(txMachine *the, txSlot *promise, txSlot *reason);
/* The promise will ask value, whose then was found to be the function then, in a job. */
void kee_hp_queue_thenable(txMachine *the, txSlot *promise, txSlot *value, txSlot *then);

/* Pushes the promise for value, as HandledPromise.resolve gives it. May run JS. */
void kee_hp_push_resolved(txMachine *the, txSlot *value);
/* Is its then surely Promise.prototype.then? */
bool kee_hp_is_safe(txMachine *the, txSlot *promise);

/* Queues a send. target, prop and args are rooted by the caller, args is a hardened array. Pushes the
 * result promise, or undefined for a send only. */
void kee_hp_send(txMachine *the, int op, txSlot *target, txSlot *prop, txSlot *args);
/* The same; told is what a handler is told is the result. */
void kee_hp_send_telling(txMachine *the, int op, txSlot *target, txSlot *prop, txSlot *args,
                         txSlot *told);
/* Is instance a presence: made by resolveWithPresence or standing for an object elsewhere? */
bool kee_hp_is_presence(txMachine *the, txSlot *instance);
/* Does it stand for an object of the kernel's? */
struct kee_ls_entry *kee_hp_presence_entry(txMachine *the, txSlot *instance);

/* Calls function once promise settles, in a job of its own, with the value. The function's home object
 * is home; from there callback finds the promise, whose status says which way it went. */
void kee_hp_when(txMachine *the, txSlot *promise, txCallback callback, txSlot *home);

/* hp_local.c: what a send does to a value of this vat. Pushes what the method returned; throws. */
void kee_hp_apply_local(txMachine *the, int op, txSlot *value, txSlot *prop, txSlot *args);
/* Pushes an array of the names of value's methods, symbols first. Runs getters and proxies. */
void kee_hp_push_method_names(txMachine *the, txSlot *value);
/* Appends an array of names as in ["a","b"]. */
void kee_hp_put_names(txMachine *the, txSlot *names, struct kee_buf *out);
/* Appends a string or symbol as a message quotes it. */
void kee_hp_put_quoted(txMachine *the, txSlot *key, struct kee_buf *out);

/* What typeof says, but "null" for null. */
const char *kee_hp_type_of(txMachine *the, txSlot *value);
/* Throws an error of that text, which is cut if very long, and frees it. */
void kee_hp_throw_text(txMachine *the, txError which, struct kee_buf *text)
    __attribute__((noreturn));

/* hp_handler.c: sends to handlers written in JavaScript. Pushes the handler's answer; throws. */
void kee_hp_apply_handler(txMachine *the, const char *which, txSlot *handler, txSlot *record,
                          txSlot *target);

/* send.c: a send to the presence or promise of entry becomes a syscall; the record's result becomes
 * the remote promise. Throws what cannot be passed. */
void kee_ls_send(txMachine *the, txSlot *record, struct kee_ls_entry *entry);

/* Host functions. */
void kee_hp_job(txMachine *the);
void kee_hp_continue(txMachine *the);
void kee_hp_build(txMachine *the); /* pushes the constructor */
const txCallback *kee_hp_callbacks(size_t *count);

#endif
