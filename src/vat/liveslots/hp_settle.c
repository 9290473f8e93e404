/* SPDX-License-Identifier: Apache-2.0 */
/* hp_settle - states of handled promises, and settling them. */
#include "vat/liveslots/hp.h"
#include "vat/liveslots/root.h"

txSlot *kee_hp_state_of(txSlot *promise)
{
    for (txSlot *slot = promise->next; slot && (slot->flag & XS_INTERNAL_FLAG); slot = slot->next) {
        if (slot->ID >= KEE_HP_PLAIN && slot->ID <= KEE_HP_STALE) {
            return slot;
        }
    }
    return NULL;
}

static txSlot *forwarded_to(txSlot *promise)
{
    txSlot *state = kee_hp_state_of(promise);

    return state && state->ID == KEE_HP_FORWARDED ? state->value.reference : NULL;
}

txSlot *kee_hp_shorten(txSlot *promise)
{
    txSlot *end = promise;
    txSlot *next;

    while ((next = forwarded_to(end))) {
        end = next;
    }
    while ((next = forwarded_to(promise)) && next != end) {
        kee_hp_state_of(promise)->value.reference = end;
        promise = next;
    }
    return end;
}

txSlot *kee_hp_new(txMachine *the)
{
    txSlot *promise;

    mxPush(mxPromisePrototype);
    promise = fxNewPromiseInstance(the);
    mxPromiseStatus(promise)->value.integer = mxPendingStatus;
    (void)kee_tag_make(the, promise, KEE_HP_POSTPONED);
    promise->flag |= XS_DONT_PATCH_FLAG | XS_DONT_MARSHALL_FLAG;
    return promise;
}

txSlot *kee_hp_new_plain(txMachine *the)
{
    txSlot *promise;

    mxPush(mxPromisePrototype);
    promise = fxNewPromiseInstance(the);
    mxPromiseStatus(promise)->value.integer = mxPendingStatus;
    promise->flag |= XS_DONT_PATCH_FLAG | XS_DONT_MARSHALL_FLAG;
    return promise;
}

/* Queues the reactions of promise, which has just settled with the value on its result slot. */
static void settle(txMachine *the, txSlot *promise, txInteger status, txSlot *value)
{
    txSlot *result = mxPromiseResult(promise);
    txSlot *reaction = mxPromiseThens(promise)->value.reference->next;

    result->kind = value->kind;
    result->value = value->value;
    mxPromiseStatus(promise)->value.integer = status;
    if (!reaction && status == mxRejectedStatus) {
        fxAddUnhandledRejection(the, promise);
    }
    for (; reaction; reaction = reaction->next) {
        mxPushReference(reaction->value.reference);
        if (status == mxFulfilledStatus) {
            mxPush(mxOnResolvedPromiseFunction);
        } else {
            mxPush(mxOnRejectedPromiseFunction);
        }
        mxCall();
        mxPushSlot(result);
        fxQueueJob(the, 1, promise);
    }
    mxPromiseThens(promise)->value.reference->next = C_NULL;
}

/* Pushes value.then if value is an object. Returns whether it can be called. */
static bool push_then(txMachine *the, txSlot *value)
{
    mxPushSlot(value);
    mxGetID(mxID(_then));
    return fxIsCallable(the, the->stack);
}

void kee_hp_reject_engine(txMachine *the, txSlot *promise, txSlot *reason)
{
    settle(the, promise, mxRejectedStatus, reason);
}

void kee_hp_queue_thenable(txMachine *the, txSlot *promise, txSlot *value, txSlot *then)
{
    mxPushSlot(value);
    mxPush(mxOnThenableFunction);
    mxCall();
    fxPushPromiseFunctions(the, promise);
    mxPushSlot(then);
    fxQueueJob(the, 3, promise);
}

void kee_hp_fulfill_engine(txMachine *the, txSlot *promise, txSlot *value)
{
    {
        mxTry(the)
        {
            if (mxIsReference(value)) {
                if (value->value.reference == promise) {
                    mxTypeError("promise resolves itself");
                }
                if (push_then(the, value)) {
                    kee_hp_queue_thenable(the, promise, value, the->stack);
                    mxPop();
                    goto done;
                }
                mxPop();
            }
            settle(the, promise, mxFulfilledStatus, value);
done:;
        }
        mxCatch(the)
        {
            mxPush(mxException);
            mxException = mxUndefined;
            settle(the, promise, mxRejectedStatus, the->stack);
            mxPop();
        }
    }
}

/* Queues what was postponed; the promise knows by now where it goes. */
static void requeue(txMachine *the, txSlot *list)
{
    for (txSlot *item = list->value.list.first; item; item = item->next) {
        mxPushReference(item->value.reference);
        mxPushSlot(kee_root(the, KEE_ROOT_JOB));
        mxCall();
        fxQueueJob(the, 0, NULL);
    }
}

/* Moves the promise out of a state in which it took sends. Pushes the list of postponed records, or
 * undefined. */
static txSlot *leave_state(txMachine *the, txSlot *promise)
{
    txSlot *state = kee_hp_state_of(promise);

    mxPushUndefined();
    if (state && state->ID == KEE_HP_POSTPONED && state->kind == XS_LIST_KIND) {
        the->stack->value.list = state->value.list;
        the->stack->kind = XS_LIST_KIND;
    }
    if (state) {
        state->ID = KEE_HP_PLAIN;
        state->kind = XS_UNDEFINED_KIND;
    }
    return state;
}

static void enter_state(txSlot *state, enum kee_hp_state id, txSlot *instance)
{
    if (state) {
        state->ID = (txID)id;
        state->kind = XS_REFERENCE_KIND;
        state->value.reference = instance;
    }
}

/* Pushes a plain promise that promise follows. */
static void push_followed(txMachine *the, txSlot *promise)
{
    txSlot *between = kee_hp_new_plain(the);
    txSlot *stack = the->stack;

    fxPushPromiseFunctions(the, promise);
    fxPromiseThen(the, between, the->stack + 1, the->stack, NULL, NULL);
    the->stack = stack;
}

void kee_hp_push_between(txMachine *the, txSlot *promise)
{
    txSlot *state = kee_hp_state_of(promise);

    if (state->kind == XS_UNDEFINED_KIND) {
        mxPushReference(promise);
    } else if (state->kind == XS_REFERENCE_KIND) {
        mxPushSlot(state);
    } else {
        push_followed(the, promise);
        state->kind = XS_REFERENCE_KIND;
        state->value.reference = the->stack->value.reference;
    }
}

/* A promise that turns out to follow itself has nowhere to send to. Returns whether it keeps a state. */
static bool become_itself(txSlot *promise)
{
    txSlot *state = kee_hp_state_of(promise);

    if (state && state->ID == KEE_HP_REMOTE) {
        state->ID = KEE_HP_STALE;
        state->kind = XS_UNDEFINED_KIND;
    }
    return state && (state->ID == KEE_HP_STALE || state->ID == KEE_HP_HANDLER);
}

/* The promise, which took sends until now, will settle with value. A promise in *value is replaced by the
 * one furthest on that it is known to follow, the promise between if that is the result of a send. Pushes
 * what was postponed, as leave_state does. */
static void commit(txMachine *the, txSlot *promise, txSlot *value)
{
    txSlot *state;

    if (mxIsReference(value) && mxIsPromise(value->value.reference) &&
        kee_hp_shorten(value->value.reference) == promise && become_itself(promise)) {
        mxPushUndefined();
        value->value.reference = promise;
        return;
    }
    state = leave_state(the, promise);
    if (mxIsReference(value)) {
        txSlot *instance = value->value.reference;
        if (mxIsPromise(instance)) {
            txSlot *end = kee_hp_shorten(instance);
            txSlot *other = kee_hp_state_of(end);
            value->value.reference = end;
            if (other && end != promise && other->ID == KEE_HP_PRESENCE) {
                enter_state(state, KEE_HP_PRESENCE, other->value.reference);
            } else if (other && end != promise && other->ID != KEE_HP_PLAIN) {
                enter_state(state, KEE_HP_FORWARDED, end);
                if (other->ID == KEE_HP_REMOTE) {
                    kee_hp_push_between(the, end);
                    value->value.reference = the->stack->value.reference;
                    mxPop();
                }
            }
        } else if (kee_hp_is_presence(the, instance)) {
            enter_state(state, KEE_HP_PRESENCE, instance);
        }
    }
}

void kee_hp_resolve(txMachine *the, txSlot *promise, txSlot *value)
{
    txSlot *end;

    mxPushReference(promise);
    mxPushSlot(value);
    end = the->stack;
    commit(the, promise, end);
    kee_hp_fulfill_engine(the, promise, end);
    if (the->stack->kind == XS_LIST_KIND) {
        requeue(the, the->stack);
    }
    mxPop();
    mxPop();
    mxPop();
}

void kee_hp_reject(txMachine *the, txSlot *promise, txSlot *reason)
{
    txSlot *waiting;

    mxPushReference(promise);
    (void)leave_state(the, promise);
    waiting = the->stack;
    settle(the, promise, mxRejectedStatus, reason);
    if (waiting->kind == XS_LIST_KIND) {
        requeue(the, waiting);
    }
    mxPop();
    mxPop();
}

void kee_hp_become_remote(txMachine *the, txSlot *promise, bool result)
{
    txSlot *state;

    mxPushReference(promise);
    state = leave_state(the, promise);
    if (state) {
        state->ID = KEE_HP_REMOTE;
        if (result) {
            state->kind = XS_BOOLEAN_KIND;
            state->value.boolean = 1;
        }
    }
    if (the->stack->kind == XS_LIST_KIND) {
        requeue(the, the->stack);
    }
    mxPop();
    mxPop();
}

/* The same for the result of a send, whose state is state. */
static void settle_result(txMachine *the, txSlot *promise, txSlot *state, bool rejected,
                          txSlot *value)
{
    txSlot *between;
    txSlot *end;

    mxPushReference(promise);
    mxPushSlot(state);
    between = the->stack;
    mxPushSlot(value);
    end = the->stack;
    if (rejected) {
        (void)leave_state(the, promise);
    } else {
        commit(the, promise, end);
    }
    if (!rejected && between->kind != XS_REFERENCE_KIND && mxIsReference(end) &&
        end->value.reference != promise) {
        mxPushSlot(end);
        mxGetID(mxID(_then));
        if (fxIsCallable(the, the->stack)) {
            push_followed(the, promise);
            between->kind = XS_REFERENCE_KIND;
            between->value.reference = the->stack->value.reference;
        }
    }
    if (!rejected && between->kind == XS_REFERENCE_KIND && mxIsReference(end) &&
        end->value.reference == promise) {
        /* It follows itself. */
        end->value.reference = between->value.reference;
    }
    if (between->kind != XS_REFERENCE_KIND) {
        kee_hp_queue_hop(the, promise, rejected, end);
    } else if (rejected) {
        kee_hp_reject_engine(the, between->value.reference, end);
    } else {
        kee_hp_fulfill_engine(the, between->value.reference, end);
    }
}

void kee_hp_settle_remote(txMachine *the, txSlot *promise, bool rejected, txSlot *value)
{
    txSlot *state = kee_hp_state_of(promise);
    txSlot *stack = the->stack;

    if (state && state->ID == KEE_HP_REMOTE && state->kind != XS_UNDEFINED_KIND) {
        settle_result(the, promise, state, rejected, value);
    } else if (rejected) {
        kee_hp_reject(the, promise, value);
    } else {
        kee_hp_resolve(the, promise, value);
    }
    the->stack = stack;
}

void kee_hp_when(txMachine *the, txSlot *promise, txCallback callback, txSlot *home)
{
    txSlot *function = fxNewHostFunction(the, callback, 1, XS_NO_ID, XS_NO_ID);

    mxFunctionInstanceHome(function)->value.home.object = home;
    fxPromiseThen(the, promise, the->stack, the->stack, NULL, NULL);
    mxPop();
}

bool kee_hp_is_presence(txMachine *the, txSlot *instance)
{
    return kee_tag_find(instance, KEE_TAG_HANDLER) || kee_hp_presence_entry(the, instance);
}

struct kee_ls_entry *kee_hp_presence_entry(txMachine *the, txSlot *instance)
{
    struct kee_ls *ls = kee_ls_of(the);
    txSlot *tag = ls ? kee_tag_find(instance, KEE_TAG_VREF) : NULL;
    struct kee_ls_entry *entry = tag ? ls->entries[tag->value.integer] : NULL;

    return entry && entry->kind == KEE_LS_PRESENCE ? entry : NULL;
}
