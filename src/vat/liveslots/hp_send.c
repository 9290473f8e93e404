/* SPDX-License-Identifier: Apache-2.0 */
/* hp_send - one eventual send: its record, its job, and where it goes. */
#include "vat/liveslots/hp.h"
#include "vat/liveslots/root.h"

struct kee_hp_record kee_hp_record_of(txSlot *instance)
{
    struct kee_hp_record record;

    record.op = instance->next;
    record.target = record.op->next;
    record.prop = record.target->next;
    record.args = record.prop->next;
    record.result = record.args->next;
    return record;
}

/* Pushes a new record. */
static txSlot *record_new(txMachine *the, int op, txSlot *target, txSlot *prop, txSlot *args,
                          txSlot *result)
{
    txSlot *instance = fxNewInstance(the);
    txSlot *last = fxNextIntegerProperty(the, instance, op, XS_NO_ID, XS_INTERNAL_FLAG);

    last = fxNextSlotProperty(the, last, target, XS_NO_ID, XS_INTERNAL_FLAG);
    last = fxNextSlotProperty(the, last, prop, XS_NO_ID, XS_INTERNAL_FLAG);
    last = fxNextSlotProperty(the, last, args, XS_NO_ID, XS_INTERNAL_FLAG);
    fxNextSlotProperty(the, last, result, XS_NO_ID, XS_INTERNAL_FLAG);
    return instance;
}

static void queue(txMachine *the, txSlot *record)
{
    mxPushReference(record);
    mxPushSlot(kee_root(the, KEE_ROOT_JOB));
    mxCall();
    fxQueueJob(the, 0, NULL);
}

/* Rejects the record's result with the pending exception, if anybody may ask for it. */
static void fail(txMachine *the, txSlot *record)
{
    struct kee_hp_record r = kee_hp_record_of(record);

    mxPush(mxException);
    mxException = mxUndefined;
    if (r.result->kind == XS_REFERENCE_KIND) {
        {
            mxTry(the)
            {
                kee_ls_harden(the, the->stack);
            }
            mxCatch(the)
            {
                mxException = mxUndefined; /* an unhardenable reason is still a reason */
            }
        }
        kee_hp_reject(the, r.result->value.reference, the->stack);
    }
    mxPop();
}

/* Takes the outcome on the stack as the record's result. */
static void answer(txMachine *the, txSlot *record)
{
    struct kee_hp_record r = kee_hp_record_of(record);

    kee_ls_harden(the, the->stack);
    if (r.result->kind == XS_REFERENCE_KIND) {
        kee_hp_resolve(the, r.result->value.reference, the->stack);
    }
    mxPop();
}

/* The target is known to be this value, which is no promise that could still change. */
static void send_to_value(txMachine *the, txSlot *record, txSlot *value)
{
    struct kee_hp_record r = kee_hp_record_of(record);
    int op = r.op->value.integer & ~KEE_HP_SEND_ONLY;

    if (value->kind == XS_REFERENCE_KIND) {
        txSlot *handler = kee_tag_find(value->value.reference, KEE_TAG_HANDLER);
        struct kee_ls_entry *entry = kee_hp_presence_entry(the, value->value.reference);
        if (entry && op != KEE_HP_GET) {
            kee_ls_send(the, record, entry);
            return;
        }
        if (handler) {
            kee_hp_apply_handler(the, "presenceHandler", handler, record, value);
            answer(the, record);
            return;
        }
    }
    kee_hp_apply_local(the, op, value, r.prop, r.args);
    answer(the, record);
}

static void wait_for(txMachine *the, txSlot *record, txSlot *promise)
{
    struct kee_hp_record r = kee_hp_record_of(record);

    r.target->kind = XS_REFERENCE_KIND;
    r.target->value.reference = promise;
    kee_hp_when(the, promise, kee_hp_continue, record);
}

static void send_to_settled(txMachine *the, txSlot *record, txSlot *promise, txSlot *value)
{
    struct kee_hp_record r = kee_hp_record_of(record);

    if (mxPromiseStatus(promise)->value.integer == mxFulfilledStatus) {
        mxPushSlot(value);
        send_to_value(the, record, the->stack);
        mxPop();
        return;
    }
    /* A rejection reaches the sender a turn later than a value: it passes by the promise that would have
     * been sent to. */
    r.op->value.integer |= KEE_HP_LOST;
    r.target->kind = value->kind;
    r.target->value = value->value;
    queue(the, record);
}

static void lose(txMachine *the, txSlot *record)
{
    struct kee_hp_record r = kee_hp_record_of(record);

    mxException.kind = r.target->kind;
    mxException.value = r.target->value;
    fail(the, record);
}

/* Appends the record to the list that the promise's state is while it waits. */
static void postpone(txMachine *the, txSlot *record, txSlot *state)
{
    txSlot *slot = fxNewSlot(the);

    slot->kind = XS_REFERENCE_KIND;
    slot->value.reference = record;
    if (state->kind == XS_LIST_KIND) {
        state->value.list.last->next = slot;
    } else {
        state->value.list.first = slot;
        state->kind = XS_LIST_KIND;
    }
    state->value.list.last = slot;
}

static void send_to_promise(txMachine *the, txSlot *record, txSlot *promise)
{
    struct kee_hp_record r = kee_hp_record_of(record);
    txSlot *state;

    promise = kee_hp_shorten(promise);
    state = kee_hp_state_of(promise);
    switch (state ? state->ID : KEE_HP_PLAIN) {
    case KEE_HP_POSTPONED:
        postpone(the, record, state);
        return;
    case KEE_HP_HANDLER:
        mxPushReference(promise);
        kee_hp_apply_handler(the, "pendingHandler", state, record, the->stack);
        answer(the, record);
        mxPop();
        return;
    case KEE_HP_PRESENCE:
        mxPushReference(state->value.reference);
        send_to_value(the, record, the->stack);
        mxPop();
        return;
    case KEE_HP_REMOTE:
        if ((r.op->value.integer & ~KEE_HP_SEND_ONLY) != KEE_HP_GET) {
            txSlot *tag = kee_tag_find(promise, KEE_TAG_VREF);
            if (tag && tag->value.integer > 0) {
                kee_ls_send(the, record, kee_ls_of(the)->entries[tag->value.integer]);
                return;
            }
        }
        break; /* a property of a value that is not here yet */
    default:
        break;
    }
    if (mxPromiseStatus(promise)->value.integer == mxPendingStatus) {
        wait_for(the, record, promise);
    } else {
        send_to_settled(the, record, promise, mxPromiseResult(promise));
    }
}

void kee_hp_job(txMachine *the)
{
    txSlot *record = mxThis->value.reference;

    {
        mxTry(the)
        {
            struct kee_hp_record r = kee_hp_record_of(record);
            if (r.op->value.integer & KEE_HP_LOST) {
                lose(the, record);
            } else if (mxIsReference(r.target) && mxIsPromise(r.target->value.reference)) {
                send_to_promise(the, record, r.target->value.reference);
            } else {
                send_to_value(the, record, r.target);
            }
        }
        mxCatch(the)
        {
            fail(the, record);
        }
    }
}

/* The promise a send waited for has settled. */
void kee_hp_continue(txMachine *the)
{
    txSlot *record = mxFunctionInstanceHome(mxFunction->value.reference)->value.home.object;

    {
        mxTry(the)
        {
            struct kee_hp_record r = kee_hp_record_of(record);
            send_to_settled(the, record, r.target->value.reference, mxArgv(0));
        }
        mxCatch(the)
        {
            fail(the, record);
        }
    }
}

void kee_hp_send(txMachine *the, int op, txSlot *target, txSlot *prop, txSlot *args)
{
    txSlot *result;
    txSlot *known;
    txSlot *record;

    if (op & KEE_HP_SEND_ONLY) {
        mxPushUndefined();
    } else {
        kee_hp_new(the);
    }
    result = the->stack;
    kee_ls_harden(the, target);
    mxPushSlot(target);
    known = the->stack;
    if (mxIsReference(known) && !kee_hp_is_presence(the, known->value.reference)) {
        /* Promises that could lie, and thenables, are replaced by a promise that cannot. */
        if (!mxIsPromise(known->value.reference) || !kee_hp_state_of(known->value.reference)) {
            bool is_promise = mxIsPromise(known->value.reference);
            if (!is_promise) {
                mxPushSlot(known);
                mxGetID(mxID(_then));
                is_promise = fxIsCallable(the, the->stack);
                mxPop();
            }
            if (is_promise) {
                kee_hp_push_resolved(the, known);
                mxPullSlot(known);
            }
        }
    }
    record = record_new(the, op, known, prop, args, result);
    if (mxIsReference(known) && mxIsPromise(known->value.reference) &&
        !kee_hp_state_of(known->value.reference)) {
        wait_for(the, record, known->value.reference);
    } else {
        queue(the, record);
    }
    mxPop();
    mxPop();
}
