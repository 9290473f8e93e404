/* SPDX-License-Identifier: Apache-2.0 */
/* start - START: vatPowers, buildRootObject, the root object. */
#include "vat/liveslots/start.h"

#include <stdio.h>

#include "vat/liveslots/hp.h"
#include "vat/liveslots/pass_style.h"
#include "vat/liveslots/root.h"
#include "vat/liveslots/tables.h"

/* ---- In words ---- */

static void describe_error(txMachine *the, txSlot *instance, char *text, size_t size)
{
    txSlot *name = kee_own_property(instance, mxID(_name));
    txSlot *message = kee_own_property(instance, mxID(_message));

    snprintf(text, size, "%s: %s",
             name && kee_is_string(name) ? name->value.string : kee_error_class(the, instance),
             message && kee_is_string(message) ? message->value.string : "");
}

static void describe_object(txMachine *the, txSlot *value, char *text, size_t size)
{
    txSlot *instance = value->value.reference;

    if (mxIsProxy(instance)) {
        snprintf(text, size, "a proxy");
    } else if (kee_error_class(the, instance)) {
        describe_error(the, instance, text, size);
    } else if (mxIsPromise(instance)) {
        snprintf(text, size, "a promise");
    } else if (fxIsCallable(the, value)) {
        snprintf(text, size, "a function");
    } else if (instance->next && instance->next->kind == XS_ARRAY_KIND &&
               (instance->flag & XS_EXOTIC_FLAG)) {
        snprintf(text, size, "an array");
    } else {
        snprintf(text, size, "an object");
    }
}

void kee_describe(txMachine *the, txSlot *value, char *text, size_t size)
{
    switch (value->kind) {
    case XS_UNDEFINED_KIND:
        snprintf(text, size, "undefined");
        break;
    case XS_NULL_KIND:
        snprintf(text, size, "null");
        break;
    case XS_BOOLEAN_KIND:
        snprintf(text, size, value->value.boolean ? "true" : "false");
        break;
    case XS_INTEGER_KIND:
        snprintf(text, size, "the number %d", (int)value->value.integer);
        break;
    case XS_NUMBER_KIND:
        snprintf(text, size, "the number %g", value->value.number);
        break;
    case XS_STRING_KIND:
    case XS_STRING_X_KIND:
        snprintf(text, size, "the string \"%.200s\"", value->value.string);
        break;
    case XS_REFERENCE_KIND:
        describe_object(the, value, text, size);
        break;
    default:
        snprintf(text, size, "a symbol or bigint");
        break;
    }
}

/* ---- vatPowers ---- */

static void leave(txMachine *the, bool failure)
{
    struct kee_ls *ls = kee_ls_of(the);
    struct kee_ls_capdata *capdata = kee_ls_capdata_new(the);
    struct kee_buf *out;

    if (mxArgc > 0) {
        mxPushSlot(mxArgv(0));
    } else {
        mxPushUndefined();
    }
    kee_ls_harden(the, the->stack);
    kee_ls_serialize(the, the->stack, capdata);
    kee_ls_retain_exports(the, kee_ls_capdata_slots(capdata));
    out = kee_ls_syscall(ls, KEE_VP_CALL_EXIT);
    kee_buf_put_u8(out, failure);
    kee_ls_put_capdata(out, capdata);
    kee_ls_check(the, kee_buf_status(out));
    kee_ls_capdata_done(ls, capdata);
    mxPop();
}

static void exit_vat(txMachine *the)
{
    leave(the, false);
}

static void exit_vat_with_failure(txMachine *the)
{
    leave(the, true);
}

/* Copies the properties of the object on the stack behind last, and drops it. */
static txSlot *take_properties(txMachine *the, txSlot *last)
{
    if (the->stack->kind == XS_REFERENCE_KIND) {
        for (txSlot *slot = the->stack->value.reference->next; slot; slot = slot->next) {
            if (!(slot->flag & XS_INTERNAL_FLAG)) {
                last = fxNextSlotProperty(the, last, slot, slot->ID, XS_NO_FLAG);
            }
        }
    }
    mxPop();
    return last;
}

/* Pushes what vat code gets as its first argument. */
static void push_powers(txMachine *the)
{
    static const char *const globals[] = {"WeakMap", "WeakSet"};
    txSlot *powers;
    txSlot *last;

    mxPush(mxObjectPrototype);
    powers = the->stack;
    last = fxLastProperty(the, fxNewObjectInstance(the));
    last =
        fxNextHostFunctionProperty(the, last, exit_vat, 1, kee_ls_id(the, "exitVat"), XS_NO_FLAG);
    last = fxNextHostFunctionProperty(the, last, exit_vat_with_failure, 1,
                                      kee_ls_id(the, "exitVatWithFailure"), XS_NO_FLAG);
    kee_vom_push_vatdata(the);
    last = fxNextSlotProperty(the, last, the->stack, kee_ls_id(the, "VatData"), XS_NO_FLAG);
    last = take_properties(the, last);
    /* Made in JavaScript with the boot image; a machine without one has none. */
    mxPush(mxGlobal);
    mxGetID(kee_ls_id(the, "keeveVatPowers"));
    last = take_properties(the, last);
    for (size_t i = 0; i < sizeof(globals) / sizeof(globals[0]); i++) {
        txID id = kee_ls_id(the, globals[i]);
        mxPush(mxGlobal);
        mxGetID(id);
        last = fxNextSlotProperty(the, last, the->stack, id, XS_NO_FLAG);
        mxPop();
    }
    kee_ls_harden(the, powers);
}

/* ---- The root ---- */

/* Throws unless the value can be a root; the text names what was found. */
static void check_root(txMachine *the, txSlot *value)
{
    struct kee_ls *ls = kee_ls_of(the);
    struct kee_ls_vref vref;
    char text[256];
    volatile bool remotable = false;

    if (kee_ls_vref_of(the, value, &vref)) {
        kee_ls_throw(the, XS_UNKNOWN_ERROR,
                     "buildRootObject() must return ephemeral, not virtual/durable object: "
                     "it returned %.*s",
                     (int)vref.size, vref.text);
    }
    kee_describe(the, value, text, sizeof(text));
    {
        mxTry(the)
        {
            remotable = kee_ls_pass_style(the, value) == KEE_STYLE_REMOTABLE;
        }
        mxCatch(the)
        {
            char why[256];
            mxPush(mxException);
            mxException = mxUndefined;
            kee_describe(the, the->stack, why, sizeof(why));
            mxPop();
            kee_ls_throw(the, XS_UNKNOWN_ERROR,
                         "buildRootObject() for vat v%llu returned %s, which is not Far (%s)",
                         (unsigned long long)ls->vat, text, why);
        }
    }
    if (!remotable) {
        kee_ls_throw(the, XS_UNKNOWN_ERROR,
                     "buildRootObject() for vat v%llu returned %s, which is not Far",
                     (unsigned long long)ls->vat, text);
    }
}

static void root_fulfilled(txMachine *the)
{
    struct kee_ls *ls = kee_ls_of(the);
    struct kee_vref_parts parts = {.type = KEE_VREF_OBJECT, .exported = true, .id = 0};

    if (ls->started) {
        return;
    }
    {
        mxTry(the)
        {
            struct kee_ls_entry *entry;
            check_root(the, mxArgv(0));
            kee_vom_started(the);
            entry = kee_entry_new(the, KEE_LS_REMOTABLE, &parts, mxArgv(0)->value.reference);
            entry->exported_reachable = true;
            entry->exported_recognizable = true;
            kee_entry_hold(entry);
            ls->started = true;
        }
        mxCatch(the)
        {
            kee_ls_fail_with_exception(the, "start failed");
        }
    }
}

static void root_rejected(txMachine *the)
{
    char text[384];

    kee_describe(the, mxArgv(0), text, sizeof(text));
    kee_ls_fail(kee_ls_of(the), "buildRootObject() failed: %s", text);
}

static void call_build_root(txMachine *the, txSlot *namespace, const struct kee_vp_start *start)
{
    txSlot *builder;

    mxPushUndefined();
    mxPushSlot(namespace);
    mxGetID(kee_ls_id(the, "buildRootObject"));
    builder = the->stack;
    if (!fxIsCallable(the, builder)) {
        char text[256];
        kee_describe(the, builder, text, sizeof(text));
        mxPushSlot(namespace);
        mxGetID(mxID(_default));
        kee_ls_throw(the, XS_UNKNOWN_ERROR,
                     "vat source %.*s lacks buildRootObject() function: found %s%s",
                     (int)start->code_name.size, (const char *)start->code_name.data, text,
                     fxIsCallable(the, the->stack)
                         ? "; for a vat that is its default export, deliver(syscall, ...), say "
                           "\"creationOptions\": { \"raw\": true }"
                         : "");
    }
    mxCall();
    push_powers(the);
    kee_ls_unserialize(the, start->parameters.body, start->parameters.slots);
    kee_vom_push_baggage(the);
    mxRunCount(3);
}

static void start_vat(txMachine *the, txSlot *namespace, const struct kee_vp_start *start)
{
    txSlot *promise;

    call_build_root(the, namespace, start);
    kee_hp_push_resolved(the, the->stack);
    promise = the->stack;
    fxNewHostFunction(the, root_fulfilled, 1, XS_NO_ID, XS_NO_ID);
    fxNewHostFunction(the, root_rejected, 1, XS_NO_ID, XS_NO_ID);
    fxPromiseThen(the, promise->value.reference, the->stack + 1, the->stack, NULL, NULL);
    the->stack += 4;
}

void kee_ls_prepare(struct kee_ls *ls, const struct kee_vp_start *start)
{
    txMachine *the = ls->machine;

    ls->vat = start->vat;
    ls->starting = true;
    kee_vom_prefetch(ls, start->rows);
    kee_vom_start(the);
    mxPush(mxObjectPrototype);
    fxNewObjectInstance(the);
}

void kee_ls_push_inventory(struct kee_ls *ls, const struct kee_vp_start *start)
{
    txMachine *the = ls->machine;
    struct kee_vp_strings inventory = start->inventory;
    struct kee_bytes name, vref;
    txSlot *holder;
    txID id;

    mxPush(mxObjectPrototype);
    fxNewObjectInstance(the);
    holder = the->stack;
    while (kee_vp_strings_next(&inventory, &name) && kee_vp_strings_next(&inventory, &vref)) {
        kee_ls_value_of_vref(the, vref, kee_bytes_of(NULL, 0));
        kee_ls_push_string(the, name);
        id = fxNewName(the, the->stack);
        mxPop();
        mxPushSlot(holder);
        fxDefineID(the, id, XS_NO_FLAG, XS_DONT_ENUM_FLAG | XS_DONT_DELETE_FLAG | XS_DONT_SET_FLAG);
        mxPop();
    }
}

void kee_ls_start(struct kee_ls *ls, const struct kee_vp_start *start)
{
    txMachine *the = ls->machine;
    txSlot *namespace = the->stack;

    {
        mxTry(the)
        {
            start_vat(the, namespace, start);
        }
        mxCatch(the)
        {
            kee_ls_fail_with_exception(the, "buildRootObject() failed");
        }
    }
    the->stack = namespace + 1;
}

static const txCallback callbacks[] = {exit_vat, exit_vat_with_failure, root_fulfilled,
                                       root_rejected};

const txCallback *kee_start_callbacks(size_t *count)
{
    *count = sizeof(callbacks) / sizeof(callbacks[0]);
    return callbacks;
}
