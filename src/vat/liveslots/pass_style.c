/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pass_style - what a value passes as between vats: the rules of @endo/pass-style, on engine slots.
 *
 * Nothing here runs JavaScript: properties are read as slots, accessors and proxies are refused.
 */
#include "vat/liveslots/pass_style.h"

#include "vat/liveslots/root.h"

#define CHAIN_MAX 64u

static void refuse(txMachine *the, const char *why)
{
    kee_ls_throw(the, XS_UNKNOWN_ERROR, "%s", why);
}

/* The flags of a property that can no longer change. */
static bool is_fixed(const txSlot *slot)
{
    if (!(slot->flag & XS_DONT_DELETE_FLAG)) {
        return false;
    }
    return slot->kind == XS_ACCESSOR_KIND || (slot->flag & XS_DONT_SET_FLAG);
}

bool kee_is_frozen(txSlot *instance)
{
    if (!(instance->flag & XS_DONT_PATCH_FLAG)) {
        return false;
    }
    for (txSlot *slot = instance->next; slot; slot = slot->next) {
        if (slot->kind == XS_ARRAY_KIND && (slot->flag & XS_INTERNAL_FLAG)) {
            txIndex count = fxGetIndexSize(NULL, slot);
            for (txIndex i = 0; i < count; i++) {
                if (!is_fixed(slot->value.array.address + i)) {
                    return false;
                }
            }
        } else if (!(slot->flag & XS_INTERNAL_FLAG) && !is_fixed(slot)) {
            return false;
        }
    }
    return true;
}

txSlot *kee_own_property(txSlot *instance, txID id)
{
    for (txSlot *slot = instance->next; slot; slot = slot->next) {
        if (slot->ID == id && !(slot->flag & XS_INTERNAL_FLAG)) {
            return slot;
        }
    }
    return NULL;
}

txSlot *kee_any_property(txMachine *the, txSlot *instance, txID id)
{
    for (unsigned depth = 0; instance && depth < CHAIN_MAX; depth++) {
        txSlot *slot;
        if (mxIsProxy(instance)) {
            return NULL;
        }
        slot = kee_own_property(instance, id);
        if (slot) {
            return slot;
        }
        instance = fxGetPrototype(the, instance);
    }
    return NULL;
}

const char *kee_error_class(txMachine *the, txSlot *instance)
{
    static const char *const names[XS_ERROR_COUNT] = {
        [XS_UNKNOWN_ERROR] = "Error",      [XS_EVAL_ERROR] = "EvalError",
        [XS_RANGE_ERROR] = "RangeError",   [XS_REFERENCE_ERROR] = "ReferenceError",
        [XS_SYNTAX_ERROR] = "SyntaxError", [XS_TYPE_ERROR] = "TypeError",
        [XS_URI_ERROR] = "URIError",       [XS_AGGREGATE_ERROR] = "AggregateError",
    };

    for (unsigned depth = 0; instance && depth < CHAIN_MAX && !mxIsProxy(instance); depth++) {
        for (txError which = XS_UNKNOWN_ERROR; depth > 0 && which < XS_ERROR_COUNT; which++) {
            if (instance == mxErrorPrototypes(which).value.reference) {
                return names[which];
            }
        }
        instance = fxGetPrototype(the, instance);
    }
    return NULL;
}

txID kee_pass_style_id(txMachine *the)
{
    return kee_root(the, KEE_ROOT_PASS_STYLE)->value.symbol;
}

static bool text_is(const txSlot *slot, const char *text)
{
    return kee_is_string(slot) && strcmp(slot->value.string, text) == 0;
}

static bool has_prefix(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

static bool is_iface(const txSlot *slot)
{
    return kee_is_string(slot) && (strcmp(slot->value.string, "Remotable") == 0 ||
                                   has_prefix(slot->value.string, "Alleged: ") ||
                                   has_prefix(slot->value.string, "DebugName: "));
}

/* ---- Symbols ---- */

static const struct {
    const char *name;
    txID id;
} well_known[] = {
    {"asyncIterator", _Symbol_asyncIterator},
    {"hasInstance", _Symbol_hasInstance},
    {"isConcatSpreadable", _Symbol_isConcatSpreadable},
    {"iterator", _Symbol_iterator},
    {"match", _Symbol_match},
    {"matchAll", _Symbol_matchAll},
    {"replace", _Symbol_replace},
    {"search", _Symbol_search},
    {"species", _Symbol_species},
    {"split", _Symbol_split},
    {"toPrimitive", _Symbol_toPrimitive},
    {"toStringTag", _Symbol_toStringTag},
    {"unscopables", _Symbol_unscopables},
};

bool kee_put_symbol_name(txMachine *the, txID symbol, struct kee_buf *out)
{
    txSlot *key;

    for (size_t i = 0; i < sizeof(well_known) / sizeof(well_known[0]); i++) {
        if (well_known[i].id == symbol) {
            kee_buf_put_str(out, "@@");
            kee_buf_put_str(out, well_known[i].name);
            return true;
        }
    }
    /* Only Symbol.for puts symbols into the table: a key of kind KEY that is no name. */
    key = fxGetKey(the, symbol);
    if (!key || (key->kind != XS_KEY_KIND && key->kind != XS_KEY_X_KIND) ||
        (key->flag & XS_DONT_ENUM_FLAG)) {
        return false;
    }
    if (has_prefix(key->value.key.string, "@@")) {
        kee_buf_put_str(out, "@@");
    }
    {
        txSlot name = {.kind = XS_STRING_KIND};
        name.value.string = key->value.key.string;
        kee_ls_put_string(out, &name);
    }
    return true;
}

void kee_push_symbol(txMachine *the, struct kee_bytes name)
{
    if (name.size >= 2 && name.data[0] == '@' && name.data[1] == '@') {
        name.data += 2;
        name.size -= 2;
        if (!(name.size >= 2 && name.data[0] == '@' && name.data[1] == '@')) {
            for (size_t i = 0; i < sizeof(well_known) / sizeof(well_known[0]); i++) {
                if (kee_bytes_equal(name, kee_bytes_str(well_known[i].name))) {
                    mxPushSymbol(well_known[i].id);
                    return;
                }
            }
            kee_ls_throw(the, XS_UNKNOWN_ERROR, "Reserved for well known symbol \"%.*s\"",
                         (int)(name.size > 200 ? 200 : name.size), (const char *)name.data);
        }
    }
    mxPush(mxSymbolConstructor);
    mxDub();
    mxGetID(mxID(_for));
    mxCall();
    kee_ls_push_string(the, name);
    mxRunCount(1);
}

/* ---- Remotables ---- */

/* The own properties of a remotable object: methods, or its interface text. */
static void check_remotable_properties(txMachine *the, txSlot *instance)
{
    txID pass_style = kee_pass_style_id(the);

    for (txSlot *slot = instance->next; slot; slot = slot->next) {
        if (slot->flag & XS_INTERNAL_FLAG) {
            if (slot->kind == XS_ARRAY_KIND && slot->value.array.address) {
                refuse(the, "cannot serialize Remotables with indexed properties");
            }
            continue;
        }
        if (slot->kind == XS_ACCESSOR_KIND) {
            kee_ls_throw(the, XS_UNKNOWN_ERROR,
                         "cannot serialize Remotables with accessors like \"%s\"",
                         fxName(the, slot->ID));
        }
        if (slot->ID == mxID(_Symbol_toStringTag) && is_iface(slot)) {
            continue;
        }
        if (slot->ID == pass_style) {
            refuse(the, "A pass-by-remote cannot shadow \"[Symbol(passStyle)]\"");
        }
        if (!fxIsCallable(the, slot) || kee_any_property(the, slot->value.reference, pass_style)) {
            kee_ls_throw(the, XS_UNKNOWN_ERROR,
                         "cannot serialize Remotables with non-methods like \"%s\"",
                         fxName(the, slot->ID));
        }
    }
}

/* Own properties of a Far function: its name, its length, maybe an interface text. */
static void check_function_properties(txMachine *the, txSlot *instance)
{
    for (txSlot *slot = instance->next; slot; slot = slot->next) {
        if (slot->flag & XS_INTERNAL_FLAG) {
            continue;
        }
        if ((slot->ID == mxID(_name) && kee_is_string(slot)) ||
            (slot->ID == mxID(_length) &&
             (slot->kind == XS_INTEGER_KIND || slot->kind == XS_NUMBER_KIND)) ||
            (slot->ID == mxID(_Symbol_toStringTag) && is_iface(slot))) {
            continue;
        }
        kee_ls_throw(the, XS_UNKNOWN_ERROR,
                     "Far functions unexpected properties besides .name and .length [\"%s\"]",
                     fxName(the, slot->ID));
    }
}

/* A tag record says "remotable" and the interface, and nothing else. */
static bool is_tag_record(txMachine *the, txSlot *proto)
{
    txSlot *style = kee_own_property(proto, kee_pass_style_id(the));
    txSlot *iface = kee_own_property(proto, mxID(_Symbol_toStringTag));
    unsigned count = 0;

    for (txSlot *slot = proto->next; slot; slot = slot->next) {
        count += !(slot->flag & XS_INTERNAL_FLAG);
    }
    return style && iface && count == 2 && text_is(style, "remotable") && is_iface(iface) &&
           (style->flag & XS_DONT_ENUM_FLAG) && (iface->flag & XS_DONT_ENUM_FLAG) &&
           !mxIsProxy(proto) && kee_is_frozen(proto);
}

static void throw_not_declared(txMachine *the)
{
    refuse(the, "Remotables must be explicitly declared");
}

static void check_function(txMachine *the, txSlot *instance)
{
    txSlot *proto = fxGetPrototype(the, instance);

    check_function_properties(the, instance);
    if (!proto || proto == mxFunctionPrototype.value.reference || !is_tag_record(the, proto)) {
        throw_not_declared(the);
    }
    proto = fxGetPrototype(the, proto);
    if (proto != mxFunctionPrototype.value.reference &&
        !(proto && fxGetPrototype(the, proto) == mxFunctionPrototype.value.reference)) {
        refuse(the, "For functions, a tagRecord must inherit from Function.prototype");
    }
}

static void check_remotable(txMachine *the, txSlot *instance)
{
    txSlot *object_proto = mxObjectPrototype.value.reference;

    for (unsigned depth = 0; depth < CHAIN_MAX; depth++) {
        txSlot *proto = fxGetPrototype(the, instance);
        txSlot *above;
        if (mxIsProxy(instance)) {
            refuse(the, "Cannot pass proxies");
        }
        if (!kee_is_frozen(instance)) {
            refuse(the, "cannot serialize non-frozen objects");
        }
        check_remotable_properties(the, instance);
        if (!proto || proto == object_proto) {
            throw_not_declared(the);
        }
        above = fxGetPrototype(the, proto);
        if (above == object_proto || !above) {
            if (!is_tag_record(the, proto) || !above) {
                throw_not_declared(the);
            }
            return;
        }
        instance = proto;
    }
    refuse(the, "Remotable with too long a chain of prototypes");
}

void kee_ls_push_interface(txMachine *the, txSlot *remotable)
{
    txSlot *slot = NULL;

    if (remotable->kind == XS_REFERENCE_KIND) {
        slot = kee_any_property(the, remotable->value.reference, mxID(_Symbol_toStringTag));
    }
    if (slot && kee_is_string(slot)) {
        mxPushSlot(slot);
    } else {
        mxPushUndefined();
    }
}

void kee_ls_push_remotable_proto(txMachine *the, struct kee_bytes iface)
{
    txFlag fixed = XS_DONT_DELETE_FLAG | XS_DONT_ENUM_FLAG | XS_DONT_SET_FLAG;
    txSlot *instance;
    txSlot *slot;

    mxPush(mxObjectPrototype);
    instance = fxNewObjectInstance(the);
    mxPushStringC("remotable");
    slot = fxNextSlotProperty(the, instance, the->stack, kee_pass_style_id(the), fixed);
    mxPop();
    kee_ls_push_string(the, iface);
    fxNextSlotProperty(the, slot, the->stack, mxID(_Symbol_toStringTag), fixed);
    mxPop();
    instance->flag |= XS_DONT_PATCH_FLAG | XS_DONT_MARSHALL_FLAG;
}

/* ---- All values ---- */

static bool is_array(const txSlot *instance)
{
    return instance->next && (instance->next->flag & XS_INTERNAL_FLAG) &&
           instance->next->kind == XS_ARRAY_KIND && (instance->flag & XS_EXOTIC_FLAG);
}

static void check_promise(txMachine *the, txSlot *instance)
{
    if (fxGetPrototype(the, instance) != mxPromisePrototype.value.reference) {
        refuse(the, "Promise - Must inherit from Promise.prototype");
    }
    for (txSlot *slot = instance->next; slot; slot = slot->next) {
        if (!(slot->flag & XS_INTERNAL_FLAG)) {
            kee_ls_throw(the, XS_UNKNOWN_ERROR,
                         "Promise - Must not have any own properties: \"%s\"",
                         fxName(the, slot->ID));
        }
    }
}

static void check_thenable(txMachine *the, txSlot *instance)
{
    txSlot *then = kee_any_property(the, instance, mxID(_then));

    if (then && fxIsCallable(the, then)) {
        refuse(the, "Cannot pass non-promise thenables");
    }
}

static void check_error(txMachine *the, txSlot *instance)
{
    txSlot *proto = fxGetPrototype(the, instance);
    bool intrinsic = false;

    for (txError which = XS_UNKNOWN_ERROR; which < XS_ERROR_COUNT; which++) {
        intrinsic = intrinsic || proto == mxErrorPrototypes(which).value.reference;
    }
    if (!intrinsic) {
        refuse(the, "Passable Error must inherit from an error class .prototype");
    }
    if (!kee_own_property(instance, mxID(_message))) {
        refuse(the, "Passable Error must have an own \"message\" string property");
    }
    for (txSlot *slot = instance->next; slot; slot = slot->next) {
        if (slot->flag & XS_INTERNAL_FLAG) {
            continue;
        }
        if (!(slot->flag & XS_DONT_ENUM_FLAG)) {
            kee_ls_throw(the, XS_UNKNOWN_ERROR,
                         "Passable Error \"%s\" own property must not be enumerable",
                         fxName(the, slot->ID));
        }
        if ((slot->ID == mxID(_message) || slot->ID == mxID(_stack)) && kee_is_string(slot)) {
            continue;
        }
        if ((slot->ID == mxID(_cause) || slot->ID == mxID(_errors)) &&
            slot->kind == XS_REFERENCE_KIND) {
            continue; /* not written */
        }
        kee_ls_throw(the, XS_UNKNOWN_ERROR, "Passable Error has extra unpassed property \"%s\"",
                     fxName(the, slot->ID));
    }
}

/* A plain object: data without symbols and bare functions, or something remotable. */
static bool is_record(txMachine *the, txSlot *instance)
{
    if (fxGetPrototype(the, instance) != mxObjectPrototype.value.reference ||
        (instance->flag & XS_EXOTIC_FLAG)) {
        return false;
    }
    for (txSlot *slot = instance->next; slot; slot = slot->next) {
        if (slot->flag & XS_INTERNAL_FLAG) {
            if (slot->kind != XS_ARRAY_KIND && slot->kind != XS_WEAK_ENTRY_KIND &&
                slot->kind != XS_PRIVATE_KIND && slot->ID < (txID)KEE_TAG_ROOT) {
                return false; /* a Date, a Map... made to inherit from Object.prototype */
            }
            continue;
        }
        if (!fxIsKeyName(the, slot->ID)) {
            return false;
        }
        if (fxIsCallable(the, slot) &&
            !kee_any_property(the, slot->value.reference, kee_pass_style_id(the))) {
            return false;
        }
    }
    return true;
}

static void check_tagged(txMachine *the, txSlot *instance, txID pass_style)
{
    txSlot *tag = kee_own_property(instance, mxID(_Symbol_toStringTag));
    txSlot *payload = kee_own_property(instance, kee_ls_id(the, "payload"));

    for (txSlot *slot = instance->next; slot; slot = slot->next) {
        if (!(slot->flag & XS_INTERNAL_FLAG) && slot != tag && slot != payload &&
            slot->ID != pass_style) {
            kee_ls_throw(the, XS_UNKNOWN_ERROR, "Unexpected properties on tagged record [\"%s\"]",
                         fxName(the, slot->ID));
        }
    }
    if (!tag || !kee_is_string(tag) || !payload || payload->kind == XS_ACCESSOR_KIND ||
        (payload->flag & XS_DONT_ENUM_FLAG) ||
        fxGetPrototype(the, instance) != mxObjectPrototype.value.reference) {
        refuse(the, "malformed tagged record");
    }
}

static enum kee_ls_style object_style(txMachine *the, txSlot *instance)
{
    txID pass_style = kee_pass_style_id(the);
    txSlot *style;

    if (mxIsProxy(instance)) {
        refuse(the, "Cannot pass proxies");
    }
    if (kee_tag_find(instance, KEE_TAG_VREF)) {
        if (mxIsPromise(instance)) {
            return KEE_STYLE_PROMISE;
        }
        return KEE_STYLE_REMOTABLE; /* looked at when it was first named */
    }
    if (!kee_ls_is_hardened(instance) && !kee_is_frozen(instance)) {
        refuse(the, "Cannot pass non-frozen objects like (an object). Use harden()");
    }
    if (mxIsFunction(instance)) {
        check_thenable(the, instance);
        check_function(the, instance);
        return KEE_STYLE_REMOTABLE;
    }
    if (mxIsPromise(instance)) {
        check_promise(the, instance);
        return KEE_STYLE_PROMISE;
    }
    check_thenable(the, instance);
    style = kee_any_property(the, instance, pass_style);
    if (style) {
        if (text_is(style, "tagged") && kee_own_property(instance, pass_style)) {
            check_tagged(the, instance, pass_style);
            return KEE_STYLE_TAGGED;
        }
        if (!text_is(style, "remotable")) {
            refuse(the, "Unrecognized PassStyle");
        }
        check_remotable(the, instance);
        return KEE_STYLE_REMOTABLE;
    }
    if (is_array(instance)) {
        if (fxGetPrototype(the, instance) != mxArrayPrototype.value.reference) {
            mxTypeError("Malformed array");
        }
        return KEE_STYLE_COPY_ARRAY;
    }
    if (is_record(the, instance)) {
        return KEE_STYLE_COPY_RECORD;
    }
    if (kee_error_class(the, instance)) {
        check_error(the, instance);
        return KEE_STYLE_ERROR;
    }
    check_remotable(the, instance);
    return KEE_STYLE_REMOTABLE;
}

enum kee_ls_style kee_ls_pass_style(txMachine *the, txSlot *value)
{
    switch (value->kind) {
    case XS_UNDEFINED_KIND:
        return KEE_STYLE_UNDEFINED;
    case XS_NULL_KIND:
        return KEE_STYLE_NULL;
    case XS_BOOLEAN_KIND:
        return KEE_STYLE_BOOLEAN;
    case XS_INTEGER_KIND:
    case XS_NUMBER_KIND:
        return KEE_STYLE_NUMBER;
    case XS_STRING_KIND:
    case XS_STRING_X_KIND:
        return KEE_STYLE_STRING;
    case XS_SYMBOL_KIND:
        return KEE_STYLE_SYMBOL;
    case XS_BIGINT_KIND:
    case XS_BIGINT_X_KIND:
        return KEE_STYLE_BIGINT;
    case XS_REFERENCE_KIND:
        return object_style(the, value->value.reference);
    default:
        refuse(the, "Cannot pass this value");
        return KEE_STYLE_UNDEFINED;
    }
}
