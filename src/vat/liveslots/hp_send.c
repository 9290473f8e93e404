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
    record.told = record.result->next;
    return record;
}

/* Pushes a new record. */
static txSlot *record_new(txMachine *the, int op, txSlot *target, txSlot *prop, txSlot *args,
                          txSlot *result, txSlot *told)
{
    txSlot *instance = fxNewInstance(the);
    txSlot *last = fxNextIntegerProperty(the, instance, op, XS_NO_ID, XS_INTERNAL_FLAG);

    last = fxNextSlotProperty(the, last, target, XS_NO_ID, XS_INTERNAL_FLAG);
    last = fxNextSlotProperty(the, last, prop, XS_NO_ID, XS_INTERNAL_FLAG);
    last = fxNextSlotProperty(the, last, args, XS_NO_ID, XS_INTERNAL_FLAG);
    last = fxNextSlotProperty(the, last, result, XS_NO_ID, XS_INTERNAL_FLAG);
    if (told) {
        fxNextSlotProperty(the, last, told, XS_NO_ID, XS_INTERNAL_FLAG);
    }
    return instance;
}

/* The record's job. If the target is a settled promise, it counts as asked. */
static void queue(txMachine *the, txSlot *record, txSlot *settled)
{
    mxPushReference(record);
    mxPushSlot(kee_root(the, KEE_ROOT_JOB));
    mxCall();
    fxQueueJob(the, 0, settled);
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
    if (r.op->value.integer & KEE_HP_GOT) {
        kee_hp_fulfill_engine(the, r.result->value.reference, the->stack);
    } else if (r.result->kind == XS_REFERENCE_KIND) {
        kee_hp_resolve(the, r.result->value.reference, the->stack);
    }
    mxPop();
}

/* The target is known to be this value, which is no promise that could still change. */
static void send_to_value(txMachine *the, txSlot *record, txSlot *value)
{
    struct kee_hp_record r = kee_hp_record_of(record);
    int op = r.op->value.integer & KEE_HP_BASE;

    if (value->kind == XS_REFERENCE_KIND) {
        txSlot *handler = kee_tag_find(value->value.reference, KEE_TAG_HANDLER);
        struct kee_ls_entry *entry = kee_hp_presence_entry(the, value->value.reference);
        if (entry && (r.op->value.integer & KEE_HP_GOT)) {
            /* What waits for it is a plain promise, which follows that of a send made now. */
            kee_hp_send(the, op, value, r.prop, r.args);
            answer(the, record);
            return;
        }
        if (entry) {
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
    if (r.op->value.integer & KEE_HP_GOT) {
        mxException.kind = value->kind;
        mxException.value = value->value;
        fail(the, record);
        return;
    }
    /* A rejection reaches the sender a turn later than a value: it passes by the promise that would have
     * been sent to. */
    r.op->value.integer |= KEE_HP_LOST;
    r.target->kind = value->kind;
    r.target->value = value->value;
    queue(the, record, NULL);
}

static void lose(txMachine *the, txSlot *record)
{
    struct kee_hp_record r = kee_hp_record_of(record);

    mxException.kind = r.target->kind;
    mxException.value = r.target->value;
    fail(the, record);
}

/* The promise, in that state, takes the send later: what is asked now is answered by what will be. */
static void postpone(txMachine *the, txSlot *record, txSlot *promise, txSlot *state)
{
    struct kee_hp_record r = kee_hp_record_of(record);
    int op = (r.op->value.integer & (KEE_HP_BASE | KEE_HP_SEND_ONLY)) | KEE_HP_AGAIN;
    txSlot *slot;
    txSlot *target;
    txSlot *result;

    mxPushReference(promise);
    target = the->stack;
    if (op & KEE_HP_SEND_ONLY) {
        mxPushUndefined();
    } else {
        kee_hp_new(the);
    }
    result = the->stack;
    (void)record_new(the, op, target, r.prop, r.args, result, NULL);
    slot = fxNewSlot(the);
    slot->kind = XS_REFERENCE_KIND;
    slot->value.reference = the->stack->value.reference;
    if (state->kind == XS_LIST_KIND) {
        state->value.list.last->next = slot;
    } else {
        state->value.list.first = slot;
        state->kind = XS_LIST_KIND;
    }
    state->value.list.last = slot;
    mxPop();
    answer(the, record);
    mxPop();
}

/* What was postponed is sent now. */
static void send_again(txMachine *the, txSlot *record)
{
    struct kee_hp_record r = kee_hp_record_of(record);
    int op = r.op->value.integer & (KEE_HP_BASE | KEE_HP_SEND_ONLY);

    kee_hp_send(the, op, r.target, r.prop, r.args);
    answer(the, record);
}

/* A property of a value that is not here yet: the answer is a promise for what the value will give. It is
 * asked here, not sent after the promise: if that becomes data, only who has the data can tell. */
static void get_later(txMachine *the, txSlot *record, txSlot *promise)
{
    struct kee_hp_record r = kee_hp_record_of(record);
    txSlot *target;
    txSlot *result;
    txSlot *later;

    kee_hp_push_between(the, promise);
    target = the->stack;
    kee_hp_new_plain(the);
    result = the->stack;
    later = record_new(the, KEE_HP_GET | KEE_HP_GOT, target, r.prop, r.args, result, NULL);
    wait_for(the, later, target->value.reference);
    mxPop();
    answer(the, record);
    mxPop();
}

/* The send is somebody's now; what it held is not needed while the target is open. */
static void take(txSlot *record)
{
    kee_hp_record_of(record).op->value.integer |= KEE_HP_TAKEN;
}

static void let_go(txSlot *record)
{
    struct kee_hp_record r = kee_hp_record_of(record);

    r.prop->kind = XS_UNDEFINED_KIND;
    r.args->kind = XS_UNDEFINED_KIND;
    r.result->kind = XS_UNDEFINED_KIND;
}

/* Gives the send to whoever takes sends to promise, an open promise; if nobody does, the send waits. */
static void send_to_promise(txMachine *the, txSlot *record, txSlot *promise)
{
    struct kee_hp_record r = kee_hp_record_of(record);
    txSlot *end = kee_hp_shorten(promise);
    txSlot *state = kee_hp_state_of(end);
    txSlot *tag;

    switch (state ? state->ID : KEE_HP_PLAIN) {
    case KEE_HP_POSTPONED:
        take(record);
        postpone(the, record, end, state);
        break;
    case KEE_HP_HANDLER:
        take(record);
        mxPushReference(end);
        kee_hp_apply_handler(the, "pendingHandler", state, record, the->stack);
        answer(the, record);
        mxPop();
        break;
    case KEE_HP_PRESENCE:
        take(record);
        mxPushReference(state->value.reference);
        send_to_value(the, record, the->stack);
        mxPop();
        break;
    case KEE_HP_REMOTE:
        take(record);
        tag = kee_tag_find(end, KEE_TAG_VREF);
        if ((r.op->value.integer & KEE_HP_BASE) == KEE_HP_GET || !tag || tag->value.integer <= 0) {
            get_later(the, record, end);
            break;
        }
        kee_ls_send(the, record, kee_ls_of(the)->entries[tag->value.integer]);
        break;
    case KEE_HP_STALE:
        take(record);
        kee_ls_throw(the, XS_UNKNOWN_ERROR, "mIPromise handler called after resolution");
        break;
    default:
        if (!(r.op->value.integer & KEE_HP_WAITING)) {
            wait_for(the, record, promise);
        }
        return;
    }
    let_go(record);
}

static bool is_settled(txSlot *promise)
{
    return mxPromiseStatus(promise)->value.integer != mxPendingStatus;
}

/* Is it no promise, and would reading its then run code? */
static bool has_lively_then(txMachine *the, txSlot *value)
{
    txSlot *instance = mxIsReference(value) ? value->value.reference : NULL;

    if (instance && mxIsPromise(instance)) {
        return false;
    }
    for (; instance; instance = fxGetPrototype(the, instance)) {
        txSlot *slot;
        if (mxIsProxy(instance)) {
            return true;
        }
        slot = mxBehaviorGetProperty(the, instance, mxID(_then), 0, XS_OWN);
        if (slot) {
            return slot->kind == XS_ACCESSOR_KIND;
        }
    }
    return false;
}

/* The target was no promise of ours when it was asked for its then. Here it is asked once more, as npm's
 * does; all it can do is throw. */
static void ask_again(txMachine *the, txSlot *target, txSlot *record)
{
    struct kee_hp_record r = kee_hp_record_of(record);

    {
        mxTry(the)
        {
            mxPushSlot(target);
            mxGetID(mxID(_then));
            mxPop();
        }
        mxCatch(the)
        {
            if (!(r.op->value.integer & (KEE_HP_TAKEN | KEE_HP_LOST))) {
                r.op->value.integer |= KEE_HP_LOST;
                r.target->kind = mxException.kind;
                r.target->value = mxException.value;
                queue(the, record, NULL);
            }
            mxException = mxUndefined;
        }
    }
}

/* Has record, the send to a promise for what target says, ask target again in a job. */
static void queue_asking(txMachine *the, txSlot *record, txSlot *target)
{
    txSlot *told;
    txSlot *undefined;

    mxPushReference(record);
    told = the->stack;
    mxPushUndefined();
    undefined = the->stack;
    queue(the, record_new(the, KEE_HP_ASK, target, undefined, undefined, undefined, told), NULL);
    mxPop();
    mxPop();
    mxPop();
}

void kee_hp_queue_hop(txMachine *the, txSlot *promise, bool rejected, txSlot *value)
{
    txSlot *target;
    txSlot *undefined;

    mxPushReference(promise);
    target = the->stack;
    mxPushUndefined();
    undefined = the->stack;
    queue(the,
          record_new(the, rejected ? KEE_HP_HOP | KEE_HP_LOST : KEE_HP_HOP, target, undefined,
                     undefined, value, NULL),
          NULL);
    mxPop();
    mxPop();
    mxPop();
}

static void hop(txMachine *the, struct kee_hp_record r)
{
    if (r.op->value.integer & KEE_HP_LOST) {
        kee_hp_reject_engine(the, r.target->value.reference, r.result);
    } else {
        kee_hp_fulfill_engine(the, r.target->value.reference, r.result);
    }
}

/* Is it settled, and does nobody take its sends? Only what became itself has both. */
static bool is_final(txSlot *promise)
{
    txSlot *state = kee_hp_state_of(kee_hp_shorten(promise));

    return is_settled(promise) &&
           (mxPromiseStatus(promise)->value.integer == mxFulfilledStatus || !state ||
            (state->ID != KEE_HP_STALE && state->ID != KEE_HP_HANDLER));
}

static void run_job(txMachine *the, txSlot *record)
{
    struct kee_hp_record r = kee_hp_record_of(record);

    if (r.op->value.integer & KEE_HP_LOST) {
        lose(the, record);
    } else if (r.op->value.integer & KEE_HP_AGAIN) {
        send_again(the, record);
    } else if (!mxIsReference(r.target) || !mxIsPromise(r.target->value.reference)) {
        send_to_value(the, record, r.target);
    } else if (!(r.op->value.integer & KEE_HP_WAITING) && is_final(r.target->value.reference)) {
        send_to_settled(the, record, r.target->value.reference,
                        mxPromiseResult(r.target->value.reference));
    } else {
        send_to_promise(the, record, r.target->value.reference);
    }
}

void kee_hp_job(txMachine *the)
{
    txSlot *record = mxThis->value.reference;
    struct kee_hp_record r = kee_hp_record_of(record);
    bool first = !(r.op->value.integer & (KEE_HP_LOST | KEE_HP_AGAIN | KEE_HP_HOP | KEE_HP_ASK));
    bool lively = first && has_lively_then(the, r.target);

    if (r.op->value.integer & KEE_HP_HOP) {
        hop(the, r);
        return;
    }
    if (r.op->value.integer & KEE_HP_ASK) {
        ask_again(the, r.target, r.told->value.reference);
        return;
    }
    {
        mxTry(the)
        {
            run_job(the, record);
        }
        mxCatch(the)
        {
            fail(the, record);
        }
    }
    if (lively) {
        r.op->value.integer |= KEE_HP_TAKEN;
        ask_again(the, r.target, record);
    }
}

/* The promise a send waited for has settled. */
void kee_hp_continue(txMachine *the)
{
    txSlot *record = mxFunctionInstanceHome(mxFunction->value.reference)->value.home.object;
    struct kee_hp_record r = kee_hp_record_of(record);

    if (r.op->value.integer & (KEE_HP_TAKEN | KEE_HP_LOST)) {
        return;
    }
    {
        mxTry(the)
        {
            send_to_settled(the, record, r.target->value.reference, mxArgv(0));
        }
        mxCatch(the)
        {
            fail(the, record);
        }
    }
}

/* Replaces a thenable by a promise for what it will say, and a promise that could lie by one that
 * cannot. */
static void trust(txMachine *the, txSlot *known)
{
    txSlot *promise;

    if (!mxIsReference(known) || kee_hp_is_presence(the, known->value.reference)) {
        return;
    }
    if (mxIsPromise(known->value.reference)) {
        if (!kee_hp_is_safe(the, known->value.reference)) {
            kee_hp_push_resolved(the, known);
            mxPullSlot(known);
        }
        return;
    }
    mxPushUndefined();
    promise = the->stack;
    {
        mxTry(the)
        {
            mxPushSlot(known);
            mxGetID(mxID(_then));
            if (fxIsCallable(the, the->stack)) {
                txSlot *instance = kee_hp_new_plain(the);
                *promise = *the->stack;
                promise->next = NULL;
                kee_hp_queue_thenable(the, instance, known, the->stack + 1);
            }
        }
        mxCatch(the)
        {
            txSlot *instance = kee_hp_new_plain(the);
            promise->kind = XS_REFERENCE_KIND;
            promise->value.reference = instance;
            mxPush(mxException);
            mxException = mxUndefined;
            kee_hp_reject_engine(the, instance, the->stack);
        }
    }
    the->stack = promise;
    if (promise->kind == XS_REFERENCE_KIND) {
        known->kind = XS_REFERENCE_KIND;
        known->value.reference = promise->value.reference;
    }
    mxPop();
}

/* The record's first job, or the promise that will start it. */
static void launch(txMachine *the, txSlot *record, txSlot *known)
{
    struct kee_hp_record r = kee_hp_record_of(record);
    txSlot *promise;
    txSlot *state;

    if (!mxIsReference(known) || !mxIsPromise(known->value.reference)) {
        queue(the, record, NULL);
        return;
    }
    promise = known->value.reference;
    state = kee_hp_state_of(promise);
    if (!state || (state->ID == KEE_HP_PLAIN && !is_settled(promise))) {
        wait_for(the, record, promise);
    } else if (is_settled(promise)) {
        queue(the, record, promise);
    } else {
        /* A promise the kernel decides cannot settle before the job. */
        if (kee_hp_state_of(kee_hp_shorten(promise))->ID != KEE_HP_REMOTE) {
            r.op->value.integer |= KEE_HP_WAITING;
            wait_for(the, record, promise);
        }
        queue(the, record, NULL);
    }
}

void kee_hp_send_telling(txMachine *the, int op, txSlot *target, txSlot *prop, txSlot *args,
                         txSlot *told)
{
    txSlot *result;
    txSlot *known;
    txSlot *record;
    bool ask;

    if (op & KEE_HP_SEND_ONLY) {
        mxPushUndefined();
    } else {
        kee_hp_new(the);
    }
    result = the->stack;
    kee_ls_harden(the, target);
    mxPushSlot(target);
    known = the->stack;
    trust(the, known);
    ask = mxIsReference(known) && known->value.reference != target->value.reference &&
          has_lively_then(the, target);
    record = record_new(the, op, known, prop, args, result, told);
    launch(the, record, known);
    if (ask) {
        queue_asking(the, record, target);
    }
    mxPop();
    mxPop();
}

void kee_hp_send(txMachine *the, int op, txSlot *target, txSlot *prop, txSlot *args)
{
    kee_hp_send_telling(the, op, target, prop, args, NULL);
}
