/* SPDX-License-Identifier: Apache-2.0 */
/* hp - the constructor HandledPromise and its static methods. */
#include "vat/liveslots/hp.h"

#include "vat/liveslots/root.h"

/* ---- new HandledPromise(executor, handler) ----
 *
 * The three functions an executor gets share a home object:
 *   promise (reference) -> settled (boolean) -> target (null until it was resolved, then to what)
 */
struct settler {
    txSlot *promise;
    txSlot *settled;
    txSlot *target;
};

static struct settler settler_of(txMachine *the)
{
    struct settler s;

    s.promise = mxFunctionInstanceHome(mxFunction->value.reference)->value.home.object->next;
    s.settled = s.promise->next;
    s.target = s.settled->next;
    return s;
}

/* Settles with the pending exception as the reason. */
static void reject_with_exception(txMachine *the, struct settler s)
{
    mxPush(mxException);
    mxException = mxUndefined;
    kee_hp_reject(the, s.promise->value.reference, the->stack);
}

static void hp_resolve(txMachine *the)
{
    struct settler s = settler_of(the);

    if (s.settled->value.boolean) {
        return;
    }
    s.settled->value.boolean = 1;
    if (mxArgc > 0) {
        mxPushSlot(mxArgv(0));
    } else {
        mxPushUndefined();
    }
    s.target->kind = the->stack->kind;
    s.target->value = the->stack->value;
    if (mxIsReference(s.target) && mxIsPromise(s.target->value.reference)) {
        s.target->value.reference = kee_hp_shorten(s.target->value.reference);
    }
    kee_hp_resolve(the, s.promise->value.reference, the->stack);
    mxPop();
}

static void hp_reject(txMachine *the)
{
    struct settler s = settler_of(the);

    if (s.settled->value.boolean) {
        return;
    }
    if (mxArgc > 0) {
        mxPushSlot(mxArgv(0));
    } else {
        mxPushUndefined();
    }
    kee_ls_harden(the, the->stack);
    s.settled->value.boolean = 1;
    kee_hp_reject(the, s.promise->value.reference, the->stack);
    mxPop();
}

static void check_handler(txMachine *the, txSlot *handler)
{
    const char *type;

    if (!mxIsReference(handler)) {
        /* As npm's assert says it, which tells no value to who catches the error. */
        type = handler->kind == XS_NULL_KIND ? "object" : kee_hp_type_of(the, handler);
        kee_ls_throw(the, XS_TYPE_ERROR, "Handler (%s %s) cannot be a primitive",
                     strchr("aeiou", type[0]) ? "an" : "a", type);
    }
}

/* Pushes new Proxy(target, handler) as the options ask, giving its revoke function away if asked. */
static void push_proxy(txMachine *the, txSlot *options)
{
    txSlot *target;
    txSlot *callback;
    bool revocable;

    mxPushSlot(options);
    mxGetID(kee_ls_id(the, "target"));
    target = the->stack;
    mxPushSlot(options);
    mxGetID(kee_ls_id(the, "revokerCallback"));
    callback = the->stack;
    revocable = callback->kind == XS_REFERENCE_KIND;
    mxPush(mxProxyConstructor);
    if (revocable) {
        mxDub();
        mxGetID(kee_ls_id(the, "revocable"));
        mxCall();
    } else {
        mxNew();
    }
    mxPushSlot(target);
    mxPushSlot(options);
    mxGetID(kee_ls_id(the, "handler"));
    mxRunCount(2);
    if (revocable) {
        mxPushUndefined();
        mxPushSlot(callback);
        mxCall();
        mxPushSlot(callback - 1);
        mxGetID(kee_ls_id(the, "revoke"));
        mxRunCount(1);
        mxPop();
        mxGetID(kee_ls_id(the, "proxy"));
    }
    mxPullSlot(target);
    mxPop(); /* callback */
}

static void make_presence(txMachine *the, struct settler s)
{
    txSlot *handler;
    txSlot *options;
    txSlot *slot;
    txSlot *presence;

    if (mxArgc > 0 && mxArgv(0)->kind != XS_UNDEFINED_KIND) {
        mxPushSlot(mxArgv(0));
    } else {
        txSlot *state = kee_hp_state_of(s.promise->value.reference);
        if (state && state->ID == KEE_HP_HANDLER) {
            mxPushSlot(state);
        } else {
            /* Without any handler, sends to the presence are sends to a local object. */
            mxPush(mxObjectPrototype);
            fxNewObjectInstance(the);
        }
    }
    handler = the->stack;
    check_handler(the, handler);
    mxPushUndefined();
    options = the->stack;
    if (mxArgc > 1 && mxArgv(1)->kind != XS_UNDEFINED_KIND) {
        mxPushSlot(mxArgv(1));
        mxGetID(kee_ls_id(the, "proxy"));
        mxPullSlot(options);
    }
    if (options->kind == XS_REFERENCE_KIND) {
        push_proxy(the, options);
    } else {
        fxNewInstance(the);
    }
    presence = the->stack->value.reference;
    slot = kee_tag_make(the, presence, KEE_TAG_HANDLER);
    slot->kind = XS_REFERENCE_KIND;
    slot->value.reference = handler->value.reference;
    slot = kee_tag_make(the, presence, KEE_TAG_PROMISE);
    slot->kind = XS_REFERENCE_KIND;
    slot->value.reference = s.promise->value.reference;
    s.target->kind = XS_REFERENCE_KIND;
    s.target->value.reference = presence;
}

static void hp_resolve_with_presence(txMachine *the)
{
    struct settler s = settler_of(the);

    if (s.settled->value.boolean) {
        mxResult->kind = s.target->kind;
        mxResult->value = s.target->value;
        return;
    }
    {
        mxTry(the)
        {
            make_presence(the, s);
            s.settled->value.boolean = 1;
            kee_hp_resolve(the, s.promise->value.reference, s.target);
            mxResult->kind = s.target->kind;
            mxResult->value = s.target->value;
        }
        mxCatch(the)
        {
            if (!s.settled->value.boolean) {
                s.settled->value.boolean = 1;
                reject_with_exception(the, s);
                kee_throw_top(the);
            }
            fxJump(the);
        }
    }
}

static void push_settler(txMachine *the, txCallback callback, txInteger length, txSlot *home)
{
    txSlot *function = fxNewHostFunction(the, callback, length, XS_NO_ID, XS_NO_ID);

    mxFunctionInstanceHome(function)->value.home.object = home;
}

/* Pushes the functions that settle promise, which is rooted by the caller. */
static void push_settlers(txMachine *the, txSlot *promise)
{
    txSlot *home = fxNewInstance(the);
    txSlot *rooted = the->stack;
    txSlot *slot = fxNextReferenceProperty(the, home, promise, XS_NO_ID, XS_INTERNAL_FLAG);

    slot = fxNextBooleanProperty(the, slot, 0, XS_NO_ID, XS_INTERNAL_FLAG);
    fxNextNullProperty(the, slot, XS_NO_ID, XS_INTERNAL_FLAG);
    push_settler(the, hp_resolve, 1, home);
    push_settler(the, hp_reject, 1, home);
    push_settler(the, hp_resolve_with_presence, 2, home);
    /* The functions keep their home; its place goes. */
    for (slot = rooted; slot > the->stack; slot--) {
        slot->kind = (slot - 1)->kind;
        slot->value = (slot - 1)->value;
    }
    mxPop();
}

static void hp_construct(txMachine *the)
{
    txSlot *promise;
    txSlot *slot;
    txSlot *handler = NULL;

    if (mxIsUndefined(mxTarget)) {
        kee_ls_throw(the, XS_UNKNOWN_ERROR, "must be invoked with \"new\"");
    }
    if (mxArgc > 1 && mxArgv(1)->kind != XS_UNDEFINED_KIND) {
        handler = mxArgv(1);
        check_handler(the, handler);
    }
    mxPushSlot(mxTarget);
    fxGetPrototypeFromConstructor(the, &mxPromisePrototype);
    promise = fxNewPromiseInstance(the);
    mxPullSlot(mxResult);
    mxPromiseStatus(promise)->value.integer = mxPendingStatus;
    slot = kee_tag_make(the, promise, handler ? KEE_HP_HANDLER : KEE_HP_POSTPONED);
    if (handler) {
        slot->kind = XS_REFERENCE_KIND;
        slot->value.reference = handler->value.reference;
    }
    promise->flag |= XS_DONT_PATCH_FLAG | XS_DONT_MARSHALL_FLAG;
    mxPushUndefined();
    if (mxArgc > 0) {
        mxPushSlot(mxArgv(0));
    } else {
        mxPushUndefined();
    }
    mxCall();
    push_settlers(the, promise);
    mxRunCount(3);
    mxPop();
}

/* ---- HandledPromise.resolve ---- */

static bool has_own(txSlot *instance, txID id)
{
    for (txSlot *slot = instance->next; slot; slot = slot->next) {
        if (!(slot->flag & XS_INTERNAL_FLAG) && slot->ID == id) {
            return true;
        }
    }
    return false;
}

bool kee_hp_is_safe(txMachine *the, txSlot *promise)
{
    return mxIsPromise(promise) &&
           promise->value.instance.prototype == mxPromisePrototype.value.reference &&
           !has_own(promise, mxID(_then)) && !has_own(promise, mxID(_constructor));
}

/* In a turn of its own: a handled promise asks one of doubtful kind for its outcome, and the promise that
 * was given out follows it. */
static void hp_assimilate(txMachine *the)
{
    txSlot *home = mxFunctionInstanceHome(mxFunction->value.reference)->value.home.object;
    txSlot *promise = home->next;
    txSlot *doubtful = promise->next;

    {
        mxTry(the)
        {
            txSlot *handled = kee_hp_new(the);
            mxPushSlot(doubtful);
            mxDub();
            mxGetID(mxID(_then));
            mxCall();
            push_settlers(the, handled);
            mxPop();
            mxRunCount(2);
            mxPop();
            kee_hp_fulfill_engine(the, promise->value.reference, the->stack);
            mxPop();
        }
        mxCatch(the)
        {
            mxPush(mxException);
            mxException = mxUndefined;
            kee_hp_reject_engine(the, promise->value.reference, the->stack);
            mxPop();
        }
    }
}

void kee_hp_push_resolved(txMachine *the, txSlot *value)
{
    txSlot *result;
    txSlot *slot;

    if (mxIsReference(value)) {
        txSlot *instance = value->value.reference;
        if (kee_hp_is_presence(the, instance)) {
            slot = kee_tag_find(instance, KEE_TAG_PROMISE);
            if (!slot) {
                txSlot *promise = kee_hp_new(the);
                kee_hp_resolve(the, promise, value);
                slot = kee_tag_make(the, instance, KEE_TAG_PROMISE);
                slot->kind = XS_REFERENCE_KIND;
                slot->value.reference = promise;
                return;
            }
            mxPushSlot(slot);
            return;
        }
    }
    mxPushUndefined();
    result = the->stack;
    mxPush(mxPromiseConstructor);
    mxPushSlot(value);
    fx_Promise_resolveAux(the);
    mxPop();
    mxPop();
    kee_ls_harden(the, result);
    if (mxIsReference(result) && !kee_hp_is_safe(the, result->value.reference)) {
        txSlot *promise = kee_hp_new_plain(the);
        txSlot *home = fxNewInstance(the);
        slot = fxNextReferenceProperty(the, home, promise, XS_NO_ID, XS_INTERNAL_FLAG);
        fxNextSlotProperty(the, slot, result, XS_NO_ID, XS_INTERNAL_FLAG);
        mxPushUndefined();
        fxNewHostFunction(the, hp_assimilate, 0, XS_NO_ID, XS_NO_ID);
        mxFunctionInstanceHome(the->stack->value.reference)->value.home.object = home;
        mxCall();
        fxQueueJob(the, 0, NULL);
        mxPop();
        mxPullSlot(result);
    }
}

static void hp_static_resolve(txMachine *the)
{
    if (mxArgc > 0) {
        mxPushSlot(mxArgv(0));
    } else {
        mxPushUndefined();
    }
    kee_hp_push_resolved(the, the->stack);
    mxPullSlot(mxResult);
    mxPop();
}

/* ---- get, applyFunction, applyMethod, and the same without a result ---- */

static void push_argument(txMachine *the, txInteger i)
{
    if (mxArgc > i) {
        mxPushSlot(mxArgv(i));
    } else {
        mxPushUndefined();
    }
}

/* Pushes argument i as a property name: a symbol stays, all else becomes a string. */
static void push_name(txMachine *the, txInteger i)
{
    push_argument(the, i);
    if (the->stack->kind != XS_SYMBOL_KIND) {
        fxToString(the, the->stack);
    }
}

/* Pushes a hardened array of what argument i iterates over. */
static void push_args(txMachine *the, txInteger i)
{
    txSlot *array;
    txSlot *iterator;
    txSlot *next;
    txSlot *value;
    txSlot *last;

    mxPush(mxArrayPrototype);
    array = fxNewArrayInstance(the)->next;
    push_argument(the, i);
    mxTemporary(iterator);
    mxTemporary(next);
    mxTemporary(value);
    fxGetIterator(the, value + 2 + 1, iterator, next, 0);
    last = array;
    while (fxIteratorNext(the, iterator, next, value)) {
        last = last->next = fxNewSlot(the);
        last->kind = value->kind;
        last->value = value->value;
        array->value.array.length++;
    }
    fxCacheArray(the, (value + 4)->value.reference);
    the->stack += 4;
    kee_ls_harden(the, the->stack);
}

static void start_send(txMachine *the, int op)
{
    txSlot *stack = the->stack;
    txSlot *target;
    txSlot *prop;

    push_argument(the, 0);
    target = the->stack;
    if ((op & ~KEE_HP_SEND_ONLY) == KEE_HP_APPLY_FUNCTION) {
        mxPushUndefined();
        prop = the->stack;
        push_args(the, 1);
    } else {
        push_name(the, 1);
        prop = the->stack;
        if ((op & ~KEE_HP_SEND_ONLY) == KEE_HP_APPLY_METHOD) {
            push_args(the, 2);
        } else {
            mxPushUndefined();
        }
    }
    kee_hp_send(the, op, target, prop, the->stack);
    mxPullSlot(mxResult);
    the->stack = stack;
}

static void hp_get(txMachine *the)
{
    start_send(the, KEE_HP_GET);
}
static void hp_get_send_only(txMachine *the)
{
    start_send(the, KEE_HP_GET | KEE_HP_SEND_ONLY);
}
static void hp_apply_function(txMachine *the)
{
    start_send(the, KEE_HP_APPLY_FUNCTION);
}
static void hp_apply_function_send_only(txMachine *the)
{
    start_send(the, KEE_HP_APPLY_FUNCTION | KEE_HP_SEND_ONLY);
}
static void hp_apply_method(txMachine *the)
{
    start_send(the, KEE_HP_APPLY_METHOD);
}
static void hp_apply_method_send_only(txMachine *the)
{
    start_send(the, KEE_HP_APPLY_METHOD | KEE_HP_SEND_ONLY);
}

static const struct kee_ls_function statics[] = {
    {hp_get, 2, "get"},
    {hp_get_send_only, 2, "getSendOnly"},
    {hp_apply_function, 2, "applyFunction"},
    {hp_apply_function_send_only, 2, "applyFunctionSendOnly"},
    {hp_apply_method, 3, "applyMethod"},
    {hp_apply_method_send_only, 3, "applyMethodSendOnly"},
    {hp_static_resolve, 1, "resolve"},
};

static const txCallback callbacks[] = {
    hp_construct,
    hp_resolve,
    hp_reject,
    hp_resolve_with_presence,
    hp_assimilate,
    kee_hp_job,
    kee_hp_continue,
    hp_get,
    hp_get_send_only,
    hp_apply_function,
    hp_apply_function_send_only,
    hp_apply_method,
    hp_apply_method_send_only,
    hp_static_resolve,
};

const txCallback *kee_hp_callbacks(size_t *count)
{
    *count = sizeof(callbacks) / sizeof(callbacks[0]);
    return callbacks;
}

/* One level, since lockdown has not come yet: what is reached through prototypes it hardens. */
static void freeze(txSlot *instance)
{
    instance->flag |= XS_DONT_PATCH_FLAG;
    for (txSlot *slot = instance->next; slot; slot = slot->next) {
        if (!(slot->flag & XS_INTERNAL_FLAG)) {
            slot->flag |= XS_DONT_DELETE_FLAG | XS_DONT_SET_FLAG;
        }
    }
}

void kee_hp_build(txMachine *the)
{
    txSlot *function =
        fxNewHostFunction(the, hp_construct, 2, kee_ls_id(the, "HandledPromise"), XS_NO_ID);
    txSlot *last = fxLastProperty(the, function);

    function->flag |= XS_CAN_CONSTRUCT_FLAG;
    function->value.instance.prototype = mxPromiseConstructor.value.reference;
    last = fxNextSlotProperty(the, last, &mxPromisePrototype, mxID(_prototype), XS_GET_ONLY);
    for (size_t i = 0; i < sizeof(statics) / sizeof(statics[0]); i++) {
        last = fxNextHostFunctionProperty(the, last, statics[i].callback, statics[i].length,
                                          kee_ls_id(the, statics[i].name), XS_DONT_ENUM_FLAG);
        freeze(last->value.reference);
    }
    freeze(function);
}
