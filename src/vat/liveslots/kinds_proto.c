/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Prototypes of kinds. A kind without guard gets methods of C. Guards, and methods that get their
 * context as `this`, are npm's: its defendPrototype makes the prototype, and calls our context
 * provider on each call.
 */
#include "vat/liveslots/kinds_build.h"

/* Pushes a function of the kind, with a home that knows kind, facet and behaviour. */
txSlot *kee_kind_push_function(txMachine *the, struct kee_kind *kind, txCallback callback,
                               int length, txID name, int32_t facet, const txSlot *value)
{
    txSlot *function = fxNewHostFunction(the, callback, length, name, XS_NO_ID);
    txSlot *home = kee_vom_push_holder(the);
    mxFunctionInstanceHome(function)->value.home.object = home;
    mxPop();
    kee_vom_put_number(the, home, KEE_VOM_TAG_KIND, kind->id);
    if (facet >= 0) {
        kee_vom_put_integer(the, home, KEE_VOM_TAG_FACET, facet);
    }
    if (value != NULL) {
        kee_vom_put(the, home, KEE_VOM_TAG_VALUE, value);
    }
    return the->stack;
}

/* Pushes the text `In "foo" method of (tag facet)` as an id. */
static txID method_name(txMachine *the, struct kee_bytes tag, struct kee_field_name name)
{
    struct kee_buf *text = &kee_ls_of(the)->text;
    kee_key_of_name(the, name);
    kee_buf_clear(text);
    kee_buf_put_str(text, "In \"");
    kee_ls_put_string(text, the->stack);
    kee_buf_put_str(text, "\" method of (");
    kee_buf_put_bytes(text, tag);
    kee_buf_put_str(text, ")");
    mxPop();
    return fxNewNameC(the, (txString)(uintptr_t)kee_buf_cstr(text));
}

static txInteger function_length(txMachine *the, const txSlot *function)
{
    kee_kind_push_member(the, function, "length");
    txInteger length = fxToInteger(the, the->stack);
    mxPop();
    return length;
}

/* Pushes an object with a method of C for each of behavior's, then makes it a remotable. */
static void push_own_proto(txMachine *the, struct kee_kind *kind, struct kee_bytes tag,
                           int32_t facet, const txSlot *behavior)
{
    struct kee_buf *text = &kee_ls_of(the)->text;
    bool far = kee_vom_has_tools(the);
    if (far) {
        fxNewObject(the);
    } else {
        kee_buf_clear(text);
        kee_buf_put_str(text, "Alleged: ");
        kee_buf_put_bytes(text, tag);
        kee_ls_push_remotable_proto(the, kee_buf_bytes(text));
        fxNewObjectInstance(the);
    }
    txSlot *proto = the->stack;
    kee_kind_push_keys(the, behavior, XS_EACH_NAME_FLAG | XS_EACH_SYMBOL_FLAG);
    txSlot *keys = the->stack;
    for (txIndex i = 0; i < kee_kind_array_length(keys); i++) {
        struct kee_field_name name = kee_kind_key_of_item(the, keys, i);
        if (name.id == mxID(_constructor)) {
            continue; /* of a class's prototype; no method */
        }
        mxPushSlot(behavior);
        fxGetAll(the, name.id, name.index);
        txInteger length = function_length(the, the->stack);
        kee_kind_push_function(the, kind, kee_kind_method, length, method_name(the, tag, name),
                               facet, the->stack);
        mxBehaviorDefineOwnProperty(the, proto->value.reference, name.id, name.index, the->stack,
                                    XS_DONT_DELETE_FLAG | XS_DONT_ENUM_FLAG | XS_DONT_SET_FLAG);
        mxPop();
        mxPop();
    }
    mxPop();
    kee_kind_push_function(the, kind, kee_kind_no_guard, 0, kee_ls_id(the, "__getInterfaceGuard__"),
                           facet, NULL);
    mxBehaviorDefineOwnProperty(the, proto->value.reference,
                                kee_ls_id(the, "__getInterfaceGuard__"), 0, the->stack,
                                XS_DONT_DELETE_FLAG | XS_DONT_ENUM_FLAG | XS_DONT_SET_FLAG);
    mxPop();
    if (far) {
        mxPushUndefined();
        kee_vom_push_tool(the, "Far");
        mxCall();
        kee_ls_push_string(the, tag);
        mxPushSlot(proto);
        mxRunCount(2);
        proto->kind = the->stack->kind;
        proto->value = the->stack->value;
        mxPop();
    }
    kee_ls_harden(the, the->stack);
}

/* Calls npm's defendPrototype or defendPrototypeKit; pushes what it gives. */
static void push_defended(txMachine *the, struct kee_kind *kind, const txSlot *behavior,
                          const struct kee_kind_options *options)
{
    mxPushUndefined();
    kee_vom_push_tool(the, kind->multi ? "defendPrototypeKit" : "defendPrototype");
    mxCall();
    kee_ls_push_string(the, kee_buf_bytes(&kind->tag));
    if (kind->multi) {
        fxNewObject(the);
        txSlot *providers = the->stack;
        for (txIndex i = 0; i < kind->facet_count; i++) {
            struct kee_field_name name = kee_kind_key_of_item(the, kind->parts[KEE_KIND_NAMES], i);
            kee_kind_push_function(the, kind, kee_kind_context_provider, 1, XS_NO_ID, (int32_t)i,
                                   NULL);
            mxBehaviorDefineOwnProperty(the, providers->value.reference, name.id, name.index,
                                        the->stack,
                                        XS_DONT_DELETE_FLAG | XS_DONT_ENUM_FLAG | XS_DONT_SET_FLAG);
            mxPop();
        }
    } else {
        kee_kind_push_function(the, kind, kee_kind_context_provider, 1, XS_NO_ID, -1, NULL);
    }
    kee_ls_harden(the, the->stack);
    mxPushSlot(behavior);
    mxPushBoolean(options->thisful);
    mxPushSlot(options->guard);
    mxRunCount(5);
    kee_ls_harden(the, the->stack);
}

/* Leaves PROTO on the kind: a prototype, or an array of them. */
void kee_kind_make_protos(txMachine *the, struct kee_kind *kind, const txSlot *behavior,
                          const struct kee_kind_options *options)
{
    bool defended = options->thisful || options->guard->kind != XS_UNDEFINED_KIND;
    if (!kind->multi) {
        if (defended) {
            push_defended(the, kind, behavior, options);
        } else {
            push_own_proto(the, kind, kee_buf_bytes(&kind->tag), -1, behavior);
        }
        kee_kind_set_part(kind, KEE_KIND_PROTO, the->stack);
        mxPop();
        return;
    }
    fxNewArray(the, 0);
    txSlot *protos = the->stack;
    if (defended) {
        push_defended(the, kind, behavior, options);
    } else {
        mxPushUndefined();
    }
    txSlot *kit = the->stack;
    for (txIndex i = 0; i < kind->facet_count; i++) {
        struct kee_field_name name = kee_kind_key_of_item(the, kind->parts[KEE_KIND_NAMES], i);
        mxPushSlot(defended ? kit : behavior);
        fxGetAll(the, name.id, name.index);
        if (!defended) {
            struct kee_key tag;
            kee_key_begin(&tag, "");
            kee_key_put(&tag, kee_buf_bytes(&kind->tag));
            kee_key_put(&tag, kee_bytes_str(" "));
            struct kee_buf *text = &kee_ls_of(the)->text;
            kee_key_of_name(the, name);
            kee_buf_clear(text);
            kee_ls_put_string(text, the->stack);
            mxPop();
            kee_key_put(&tag, kee_buf_bytes(text));
            txSlot *facet = the->stack;
            push_own_proto(the, kind, kee_key_bytes(&tag), (int32_t)i, facet);
            facet->kind = the->stack->kind;
            facet->value = the->stack->value;
            mxPop();
        }
        mxPushSlot(protos);
        fxSetAll(the, XS_NO_ID, i);
        mxPop();
    }
    mxPop();
    kee_kind_set_part(kind, KEE_KIND_PROTO, protos);
    mxPop();
}
