/* SPDX-License-Identifier: Apache-2.0 */
#include "vat/liveslots/watched.h"

#include <stdio.h>

#include "vat/liveslots/collections.h"
#include "vat/liveslots/kinds.h"
#include "vat/liveslots/start.h"

/* ---- Small things ---- */

static txSlot *push_argument(txMachine *the, txInteger i)
{
    if (i < mxArgc) {
        mxPushSlot(mxArgv(i));
    } else {
        mxPushUndefined();
    }
    return the->stack;
}

static txSlot *push_item(txMachine *the, const txSlot *array, txIndex i)
{
    mxPushSlot(array);
    fxGetAll(the, XS_NO_ID, i);
    return the->stack;
}

static txIndex length_of(txMachine *the, const txSlot *array)
{
    mxPushSlot(array);
    mxGetID(mxID(_length));
    txIndex length = (txIndex)fxToInteger(the, the->stack);
    mxPop();
    return length;
}

/* Takes the value on the stack as item i of the array. */
static void take_item(txMachine *the, const txSlot *array, txIndex i)
{
    mxPushSlot(array);
    fxSetAll(the, XS_NO_ID, i);
    mxPop();
}

static txSlot *home(txMachine *the)
{
    return mxFunctionInstanceHome(mxFunction->value.reference)->value.home.object;
}

/* Pushes a function with a home that holds value and a mode. */
static void push_function(txMachine *the, txCallback callback, int length, const txSlot *value,
                          int32_t mode)
{
    txSlot *function = fxNewHostFunction(the, callback, length, XS_NO_ID, XS_NO_ID);
    txSlot *holder = kee_vom_push_holder(the);
    mxFunctionInstanceHome(function)->value.home.object = holder;
    mxPop();
    kee_vom_put(the, holder, KEE_VOM_TAG_VALUE, value);
    kee_vom_put_integer(the, holder, KEE_VOM_TAG_MODE, mode);
    kee_ls_harden(the, the->stack);
}

/* A turn of its own, with the value on the stack as `this` of the callback; pops it. */
static void queue(txMachine *the, txCallback callback)
{
    fxNewHostFunction(the, callback, 0, XS_NO_ID, XS_NO_ID);
    mxCall();
    fxQueueJob(the, 0, NULL);
}

/* Pushes the table whose name is in the row. */
static void push_table(txMachine *the, const char *row, struct kee_store *store)
{
    struct kee_bytes value;
    struct kee_key name;
    kee_key_begin(&name, "");
    if (!kee_vom_get(the, kee_bytes_str(row), &value)) {
        kee_vom_corrupt(the, kee_bytes_str(row));
    }
    kee_key_put(&name, value);
    kee_ls_value_of_vref(the, kee_key_bytes(&name), kee_bytes_of(NULL, 0));
    kee_store_of(the, the->stack, store);
}

/* ---- Watchers of a kind ---- */

enum { HANDLER_DEFAULT_FULFILLED, HANDLER_DEFAULT_REJECTED, HANDLER_GIVEN };

/* A method of a watcher: (context, value, ...args) to handler(value, ...args). */
void kee_watched_handler(txMachine *the)
{
    txSlot *handler = kee_tag_find(home(the), KEE_VOM_TAG_VALUE);
    int32_t mode = kee_tag_find(home(the), KEE_VOM_TAG_MODE)->value.integer;
    txInteger count = mxArgc;
    if (mode == HANDLER_DEFAULT_REJECTED) {
        push_argument(the, 1);
        mxException.kind = the->stack->kind;
        mxException.value = the->stack->value;
        fxJump(the);
    }
    if (mode != HANDLER_GIVEN) {
        return;
    }
    mxPushUndefined();
    mxPushSlot(handler);
    mxCall();
    for (txInteger i = 1; i < count; i++) {
        mxPushSlot(mxArgv(i));
    }
    mxRunCount(count < 1 ? 0 : count - 1);
    mxPullSlot(mxResult);
}

static void push_handler(txMachine *the, txInteger argument, int32_t mode)
{
    txSlot *handler = push_argument(the, argument);
    if (handler->kind != XS_UNDEFINED_KIND) {
        if (!fxIsCallable(the, handler)) {
            mxTypeError("a handler of a promise watcher must be a function");
        }
        mode = HANDLER_GIVEN;
    }
    push_function(the, kee_watched_handler, 2, handler, mode);
    handler->kind = the->stack->kind;
    handler->value = the->stack->value;
    mxPop();
}

/* providePromiseWatcher(handle, onFulfilled, onRejected) */
void kee_watched_provide(txMachine *the)
{
    struct kee_store table;
    push_handler(the, 1, HANDLER_DEFAULT_FULFILLED);
    txSlot *fulfilled = the->stack;
    push_handler(the, 2, HANDLER_DEFAULT_REJECTED);
    txSlot *rejected = the->stack;
    fxNewObject(the);
    txSlot *behavior = the->stack;
    txSlot *last = fxNextSlotProperty(the, behavior->value.reference, fulfilled,
                                      kee_ls_id(the, "onFulfilled"), XS_NO_FLAG);
    fxNextSlotProperty(the, last, rejected, kee_ls_id(the, "onRejected"), XS_NO_FLAG);
    mxPushUndefined();
    txSlot *none = the->stack;
    txSlot *handle = push_argument(the, 0);
    kee_kind_define(the, handle, none, behavior, none); /* the maker is the result, for now */
    mxPushSlot(mxResult);
    txSlot *maker = the->stack;
    push_table(the, "watcherTableID", &table);
    if (kee_store_has(the, &table, handle)) {
        kee_store_push_get(the, &table, handle);
    } else {
        mxPushUndefined();
        mxPushSlot(maker);
        mxCall();
        mxRunCount(0);
        kee_store_init(the, &table, handle, the->stack, true);
    }
    mxPullSlot(mxResult);
}

/* ---- Entering a watch ---- */

/* watchPromise(promise, watcher, ...args) */
void kee_watched_watch(txMachine *the)
{
    if (kee_ls_of(the) == NULL || kee_ls_of(the)->vom == NULL ||
        kee_ls_of(the)->vom->home == NULL) {
        mxTypeError("durable state is not there before the vat starts");
    }
    fxNewArray(the, 0);
    txSlot *watch = the->stack;
    for (txInteger i = 0; i < mxArgc; i++) {
        mxPushSlot(mxArgv(i));
        take_item(the, watch, (txIndex)i);
    }
    queue(the, kee_watched_enter_job);
}

static bool has_method(txMachine *the, const txSlot *watcher, const char *name)
{
    mxPushSlot(watcher);
    mxGetID(kee_ls_id(the, name));
    bool has = the->stack->kind != XS_UNDEFINED_KIND && the->stack->kind != XS_NULL_KIND;
    if (has && !fxIsCallable(the, the->stack)) {
        mxTypeError("a method of a promise watcher must be a function");
    }
    mxPop();
    return has;
}

static void check_watcher(txMachine *the, txSlot *watcher)
{
    struct kee_ls_vref vref;
    struct kee_vref_parts parts;
    kee_ls_slot_for_value(the, watcher, &vref);
    if (!kee_vref_parse(kee_ls_vref_bytes(&vref), &parts) || !parts.is_virtual) {
        kee_ls_throw(the, XS_UNKNOWN_ERROR, "promise watcher must be a virtual object");
    }
    bool fulfilled = has_method(the, watcher, "onFulfilled");
    if (!has_method(the, watcher, "onRejected") && !fulfilled) {
        kee_ls_throw(the, XS_UNKNOWN_ERROR,
                     "promise watcher must implement at least one handler method");
    }
}

/* Tells the watches of vpid when the promise settles. */
static void follow(txMachine *the, txSlot *promise, const txSlot *vpid)
{
    push_function(the, kee_watched_settled, 1, vpid, 1);
    txSlot *fulfilled = the->stack;
    push_function(the, kee_watched_settled, 1, vpid, 0);
    fxPromiseThen(the, promise->value.reference, fulfilled, the->stack, NULL, NULL);
    mxPop();
    mxPop();
}

/* Pushes watches, or an empty array, with one more: [watcher, ...args] of entered = [p, watcher, ...]. */
static void push_watches(txMachine *the, const txSlot *before, const txSlot *entered)
{
    txIndex count = before->kind == XS_REFERENCE_KIND ? length_of(the, before) : 0;
    txIndex length = length_of(the, entered);
    fxNewArray(the, 0);
    txSlot *watches = the->stack;
    for (txIndex i = 0; i < count; i++) {
        push_item(the, before, i);
        take_item(the, watches, i);
    }
    fxNewArray(the, 0);
    txSlot *watch = the->stack;
    for (txIndex i = 1; i < length; i++) {
        push_item(the, entered, i);
        take_item(the, watch, i - 1);
    }
    take_item(the, watches, count);
    kee_ls_harden(the, watches);
}

static void enter(txMachine *the, txSlot *entered)
{
    struct kee_vom *vom = kee_ls_of(the)->vom;
    struct kee_ls_vref vref;
    struct kee_store table;
    txSlot *promise = push_item(the, entered, 0);
    check_watcher(the, push_item(the, entered, 1));
    if (promise->kind == XS_REFERENCE_KIND && mxIsPromise(promise->value.reference)) {
        kee_ls_harden(the, promise); /* names are given to what cannot change only */
    }
    kee_ls_slot_for_value(the, promise, &vref);
    if (vref.text[0] != 'p') {
        kee_ls_throw(the, XS_UNKNOWN_ERROR, "watchPromise only watches promises");
    }
    kee_ls_push_string(the, kee_ls_vref_bytes(&vref));
    txSlot *vpid = the->stack;
    push_table(the, "watchedPromiseTableID", &table);
    if (kee_store_has(the, &table, vpid)) {
        kee_store_push_get(the, &table, vpid);
        txSlot *before = the->stack;
        push_watches(the, before, entered);
        kee_store_set(the, &table, vpid, the->stack);
        return;
    }
    mxPushUndefined();
    txSlot *none = the->stack;
    push_watches(the, none, entered);
    kee_store_init(the, &table, vpid, the->stack, true);
    if (!kee_ls_of(the)->started) {
        kee_vp_put_string(&vom->watched, kee_ls_vref_bytes(&vref));
        vom->watched_count++;
    }
    follow(the, promise, vpid);
    if (kee_ls_maybe_export_promise(the, kee_ls_vref_bytes(&vref))) {
        kee_ls_subscribe(kee_ls_of(the), kee_ls_vref_bytes(&vref));
    }
}

void kee_watched_enter_job(txMachine *the)
{
    {
        mxTry(the)
        {
            enter(the, mxThis);
        }
        mxCatch(the)
        {
            kee_ls_log_exception(the, "watchPromise");
        }
    }
}

/* ---- Telling ---- */

/* Queues a turn for one watch, with this = [[watcher, ...args], value, fulfilled]. */
static void queue_watch(txMachine *the, const txSlot *watch, const txSlot *value, bool fulfilled)
{
    fxNewArray(the, 0);
    txSlot *told = the->stack;
    mxPushSlot(watch);
    take_item(the, told, 0);
    mxPushSlot(value);
    take_item(the, told, 1);
    mxPushBoolean(fulfilled);
    take_item(the, told, 2);
    queue(the, kee_watched_tell_job);
}

void kee_watched_settled(txMachine *the)
{
    bool fulfilled = kee_tag_find(home(the), KEE_VOM_TAG_MODE)->value.integer == 1;
    struct kee_store table;
    mxPushSlot(kee_tag_find(home(the), KEE_VOM_TAG_VALUE));
    txSlot *vpid = the->stack;
    txSlot *value = push_argument(the, 0);
    {
        mxTry(the)
        {
            push_table(the, "watchedPromiseTableID", &table);
            kee_store_push_get(the, &table, vpid);
            txSlot *watches = the->stack;
            kee_store_delete(the, &table, vpid);
            txIndex count = length_of(the, watches);
            for (txIndex i = 0; i < count; i++) {
                queue_watch(the, push_item(the, watches, i), value, fulfilled);
            }
        }
        mxCatch(the)
        {
            kee_ls_log_exception(the, "a watched promise settled");
        }
    }
}

static void tell(txMachine *the, const txSlot *told)
{
    txSlot *watch = push_item(the, told, 0);
    txSlot *value = push_item(the, told, 1);
    bool fulfilled = fxToBoolean(the, push_item(the, told, 2));
    txSlot *watcher = push_item(the, watch, 0);
    txIndex count = length_of(the, watch);
    const char *name = fulfilled ? "onFulfilled" : "onRejected";
    if (!has_method(the, watcher, name)) {
        if (!fulfilled) {
            mxException.kind = value->kind;
            mxException.value = value->value;
            fxJump(the);
        }
        return;
    }
    mxPushSlot(watcher);
    mxDub();
    mxGetID(kee_ls_id(the, name));
    mxCall();
    mxPushSlot(value);
    for (txIndex i = 1; i < count; i++) {
        push_item(the, watch, i);
    }
    mxRunCount((txInteger)count);
}

void kee_watched_tell_job(txMachine *the)
{
    {
        mxTry(the)
        {
            tell(the, mxThis);
        }
        mxCatch(the)
        {
            kee_ls_log_exception(the, "a promise watcher");
        }
    }
}

/* ---- START ---- */

static bool entered_now(const struct kee_vom *vom, struct kee_bytes vpid)
{
    struct kee_vp_strings now = {kee_buf_bytes(&vom->watched), vom->watched_count};
    struct kee_bytes other;
    while (kee_vp_strings_next(&now, &other)) {
        if (kee_bytes_equal(other, vpid)) {
            return true;
        }
    }
    return false;
}

void kee_watched_start(txMachine *the)
{
    struct kee_vom *vom = kee_ls_of(the)->vom;
    struct kee_key prefix, at;
    struct kee_bytes found, row;
    struct kee_store table;
    push_table(the, "watchedPromiseTableID", &table);
    kee_store_prefix(&prefix, table.id);
    kee_key_put(&prefix, kee_bytes_str("s"));
    at = prefix;
    while (kee_vom_next(the, kee_key_bytes(&prefix), kee_key_bytes(&at), &found, &row) &&
           kee_bytes_has_prefix(found, kee_key_bytes(&prefix))) {
        at.size = 0;
        kee_key_put(&at, found);
        struct kee_bytes vpid = kee_bytes_of(at.text + prefix.size, at.size - prefix.size);
        if (!entered_now(vom, vpid)) {
            kee_ls_push_string(the, vpid);
            txSlot *name = the->stack;
            kee_ls_revive_promise(the, vpid);
            follow(the, the->stack, name);
            mxPop();
            mxPop();
        }
    }
    mxPop();
    kee_buf_clear(&vom->watched);
    vom->watched_count = 0;
}
