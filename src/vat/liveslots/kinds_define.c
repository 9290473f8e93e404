/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Defining kinds: what VatData's functions for kinds do.
 *
 * A kind without guard gets methods of C. Guards, and methods that get their context as `this`, are
 * npm's: its defendPrototype makes the prototype, and calls our context provider on each call.
 */
#include <string.h>

#include "vat/liveslots/durable.h"
#include "vat/liveslots/kinds.h"

/* ---- Small things about values ---- */

static void require_liveslots(txMachine *the)
{
    if (kee_ls_of(the) == NULL || kee_ls_of(the)->vom == NULL ||
        kee_ls_of(the)->vom->home == NULL) {
        mxTypeError("durable state is not there before the vat starts");
    }
}

/* Pushes argument i, or undefined. */
static txSlot *push_argument(txMachine *the, txInteger i)
{
    if (i < mxArgc) {
        mxPushSlot(mxArgv(i));
    } else {
        mxPushUndefined();
    }
    return the->stack;
}

/* Pushes a new array of the own keys of object. */
static void push_keys(txMachine *the, const txSlot *object, txFlag which)
{
    mxPush(mxArrayPrototype);
    txSlot *array = fxNewArrayInstance(the);
    txSlot *item = array->next;
    mxBehaviorOwnKeys(the, object->value.reference, which, array->next);
    while ((item = item->next) != NULL) {
        array->next->value.array.length++;
        fxKeyAt(the, item->value.at.id, item->value.at.index, item);
    }
    fxCacheArray(the, array);
}

static txIndex array_length(const txSlot *array)
{
    return array->value.reference->next->value.array.length;
}

static struct kee_field_name key_of_item(txMachine *the, const txSlot *array, txIndex i)
{
    mxPushSlot(array);
    fxGetAll(the, XS_NO_ID, i);
    txSlot *at = fxAt(the, the->stack);
    struct kee_field_name name = {at->value.at.id, at->value.at.index};
    mxPop();
    return name;
}

static txSlot *push_member(txMachine *the, const txSlot *object, const char *name)
{
    mxPushSlot(object);
    mxGetID(kee_ls_id(the, name));
    return the->stack;
}

static void set_part(struct kee_kind *kind, enum kee_kind_part part, const txSlot *value)
{
    kind->parts[part]->kind = value->kind;
    kind->parts[part]->value = value->value;
}

enum shape { SHAPE_NOT, SHAPE_ONE, SHAPE_MANY };

/* Is behavior a record of functions, or a record of such records? */
static enum shape shape_of(txMachine *the, const txSlot *behavior, bool inner)
{
    enum shape shape = SHAPE_NOT;
    if (behavior->kind != XS_REFERENCE_KIND || fxIsCallable(the, (txSlot *)(uintptr_t)behavior)) {
        return SHAPE_NOT;
    }
    push_keys(the, behavior, XS_EACH_NAME_FLAG | XS_EACH_SYMBOL_FLAG);
    txSlot *keys = the->stack;
    for (txIndex i = 0; i < array_length(keys); i++) {
        struct kee_field_name name = key_of_item(the, keys, i);
        enum shape member = SHAPE_NOT;
        mxPushSlot(keys);
        fxGetAll(the, XS_NO_ID, i);
        bool symbol = the->stack->kind == XS_SYMBOL_KIND; /* symbols name methods, no facets */
        mxPop();
        mxPushSlot(behavior);
        fxGetAll(the, name.id, name.index);
        if (fxIsCallable(the, the->stack)) {
            member = SHAPE_ONE;
        } else if (!inner && !symbol && shape_of(the, the->stack, true) == SHAPE_ONE) {
            member = SHAPE_MANY;
        }
        mxPop();
        if (member == SHAPE_NOT || (shape != SHAPE_NOT && member != shape)) {
            mxPop();
            return SHAPE_NOT;
        }
        shape = member;
    }
    mxPop();
    return shape == SHAPE_NOT ? SHAPE_ONE : shape; /* no members at all: a facet without methods */
}

/* Throws an Error; the format has one %.*s, for the kind's tag. */
#define kind_error(the, kind, format)                                                              \
    kee_ls_throw((the), XS_UNKNOWN_ERROR, (format), (int)(kind)->tag.size,                         \
                 (const char *)(kind)->tag.data)

/* ---- Facets ---- */

static bool json_has_string(struct kee_bytes json, struct kee_bytes text)
{
    struct kee_row_cursor cursor = kee_row_read(json);
    struct kee_buf item = KEE_BUF_EMPTY;
    bool found = false;
    kee_row_enter(&cursor, '[');
    while (!found && kee_row_element(&cursor)) {
        kee_buf_clear(&item);
        kee_row_string(&cursor, &item);
        found = kee_bytes_equal(kee_buf_bytes(&item), text);
    }
    kee_buf_fini(&item);
    return found;
}

/* The names of the stored facets come first, in their old order; then the new ones, sorted. Every old
 * one must be among those proposed. Leaves NAMES and the JSON text on the kind. */
static void settle_facets(txMachine *the, struct kee_kind *kind, txSlot *proposed)
{
    struct kee_ls *ls = kee_ls_of(the);
    struct kee_buf *text = &ls->text;
    struct kee_buf *json = &ls->vom->row;
    struct kee_row_cursor cursor = kee_row_read(kee_buf_bytes(&kind->facets));
    size_t count = 0;

    fxNewArray(the, 0);
    txSlot *names = the->stack;
    kee_buf_clear(json);
    if (kind->facets.size > 0) {
        kee_row_enter(&cursor, '[');
        for (kee_buf_clear(text); kee_row_element(&cursor); kee_buf_clear(text)) {
            struct kee_field_name name;
            kee_row_string(&cursor, text);
            kee_name_of_text(the, kee_buf_bytes(text), &name);
            if (mxBehaviorGetProperty(the, proposed->value.reference, name.id, name.index,
                                      XS_OWN) == NULL) {
                kee_ls_throw(
                    the, XS_TYPE_ERROR,
                    "durable kind \"%.*s\": facet \"%.*s\" of the original definition is missing",
                    (int)kind->tag.size, (const char *)kind->tag.data, (int)text->size,
                    (const char *)text->data);
            }
            kee_ls_push_string(the, kee_buf_bytes(text));
            mxPushSlot(names);
            fxSetAll(the, XS_NO_ID, (txIndex)count);
            mxPop();
            kee_buf_put_char(json, count++ > 0 ? ',' : '[');
            kee_row_put_string(json, kee_buf_bytes(text));
        }
    }
    push_keys(the, proposed, XS_EACH_NAME_FLAG);
    mxDub();
    mxDub();
    mxGetID(mxID(_sort));
    mxCall();
    mxRunCount(0);
    mxPop();
    txSlot *sorted = the->stack;
    for (txIndex i = 0; i < array_length(sorted); i++) {
        mxPushSlot(sorted);
        fxGetAll(the, XS_NO_ID, i);
        kee_buf_clear(text);
        kee_ls_put_string(text, the->stack);
        if (kind->facets.size == 0 ||
            !json_has_string(kee_buf_bytes(&kind->facets), kee_buf_bytes(text))) {
            mxPushSlot(names);
            fxSetAll(the, XS_NO_ID, (txIndex)count);
            kee_buf_put_char(json, count++ > 0 ? ',' : '[');
            kee_row_put_string(json, kee_buf_bytes(text));
        }
        mxPop();
    }
    mxPop();
    if (count < 2) {
        kind_error(the, kind, "A multi-facet object must have multiple facets (kind \"%.*s\")");
    }
    if (count > KEE_LIMIT_FACETS) {
        kind_error(the, kind, "kind \"%.*s\" has too many facets");
    }
    kee_buf_put_char(json, ']');
    kee_buf_clear(&kind->facets);
    kee_buf_put_bytes(&kind->facets, kee_buf_bytes(json));
    kee_ls_check(the, kee_buf_status(&kind->facets));
    kind->facet_count = count;
    set_part(kind, KEE_KIND_NAMES, names);
    mxPop();
}

/* ---- State shape ---- */

/* Is pattern, on the stack, tagged so? Such an object has its tag under Symbol.toStringTag. */
static bool has_tag(txMachine *the, txSlot *pattern, const char *tag)
{
    bool same = false;
    if (pattern->kind == XS_REFERENCE_KIND && kee_ls_pass_style(the, pattern) == KEE_STYLE_TAGGED) {
        mxPushSlot(pattern);
        mxGetID(mxID(_Symbol_toStringTag));
        same = strcmp(fxToString(the, the->stack), tag) == 0;
        mxPop();
    }
    return same;
}

/* Does pattern, on the stack, plainly allow a field to be missing: M.or() with undefined in it? */
static bool allows_absence(txMachine *the, txSlot *pattern)
{
    bool allows = false;
    if (!has_tag(the, pattern, "match:or")) {
        return false;
    }
    txSlot *alternatives = push_member(the, pattern, "payload");
    push_member(the, alternatives, "length");
    txInteger count = fxToInteger(the, the->stack);
    mxPop();
    for (txInteger i = 0; i < count && !allows; i++) {
        mxPushSlot(alternatives);
        fxGetAll(the, XS_NO_ID, (txIndex)i);
        allows = the->stack->kind == XS_UNDEFINED_KIND;
        if (has_tag(the, the->stack, "match:kind")) {
            push_member(the, the->stack, "payload");
            allows = strcmp(fxToString(the, the->stack), "undefined") == 0;
            mxPop();
        }
        mxPop();
    }
    mxPop();
    return allows;
}

/* Is the member of that name the same pattern in both shapes? Slots are compared by the caller. */
static bool same_member(txMachine *the, const txSlot *before, const txSlot *after,
                        struct kee_field_name name)
{
    struct kee_ls_capdata *one = kee_ls_capdata_new(the);
    struct kee_ls_capdata *other = kee_ls_capdata_new(the);
    mxPushSlot(before);
    fxGetAll(the, name.id, name.index);
    kee_ls_serialize(the, the->stack, one);
    mxPop();
    mxPushSlot(after);
    fxGetAll(the, name.id, name.index);
    kee_ls_serialize(the, the->stack, other);
    mxPop();
    bool same = kee_bytes_equal(kee_buf_bytes(&one->body), kee_buf_bytes(&other->body));
    kee_ls_capdata_done(kee_ls_of(the), one);
    kee_ls_capdata_done(kee_ls_of(the), other);
    return same;
}

static bool has_own(txMachine *the, const txSlot *object, struct kee_field_name name)
{
    return object->kind == XS_REFERENCE_KIND &&
           mxBehaviorGetProperty(the, object->value.reference, name.id, name.index, XS_OWN) != NULL;
}

static void shape_mismatch(txMachine *the, struct kee_kind *kind, struct kee_field_name name,
                           const char *what)
{
    kee_key_of_name(the, name);
    kee_ls_throw(the, XS_UNKNOWN_ERROR,
                 "durable Kind stateShape mismatch (kind \"%.*s\", field \"%s\"): %s",
                 (int)kind->tag.size, (const char *)kind->tag.data, the->stack->value.string, what);
}

/* before and after are on the stack: fields of before must stand as they were, others be optional. */
static void insist_compatible(txMachine *the, struct kee_kind *kind, txSlot *before, txSlot *after)
{
    if (before->kind != XS_REFERENCE_KIND || after->kind != XS_REFERENCE_KIND) {
        kind_error(
            the, kind,
            "durable Kind stateShape mismatch (kind \"%.*s\"): there must be a shape on both "
            "sides, or on none");
    }
    push_keys(the, before, XS_EACH_NAME_FLAG);
    txSlot *keys = the->stack;
    for (txIndex i = 0; i < array_length(keys); i++) {
        struct kee_field_name name = key_of_item(the, keys, i);
        if (!has_own(the, after, name) || !same_member(the, before, after, name)) {
            shape_mismatch(the, kind, name, "the stored shape has another pattern for it");
        }
    }
    mxPop();
    push_keys(the, after, XS_EACH_NAME_FLAG);
    keys = the->stack;
    for (txIndex i = 0; i < array_length(keys); i++) {
        struct kee_field_name name = key_of_item(the, keys, i);
        if (!has_own(the, before, name)) {
            mxPushSlot(after);
            fxGetAll(the, name.id, name.index);
            if (!allows_absence(the, the->stack)) {
                shape_mismatch(the, kind, name,
                               "a new field must be M.opt(...) or M.or(..., undefined)");
            }
            mxPop();
        }
    }
    mxPop();
}

static void settle_shape(txMachine *the, struct kee_kind *kind, txSlot *shape)
{
    struct kee_ls *ls = kee_ls_of(the);
    struct kee_ls_capdata *before = kee_ls_capdata_new(the);
    struct kee_ls_capdata *after = kee_ls_capdata_new(the);
    struct kee_buf *row = &ls->vom->row;

    kee_ls_serialize(the, shape, after);
    kee_durable_insist(the, shape, after, "stateShape");
    if (kind->state_shape.size > 0) {
        struct kee_row_cursor cursor = kee_row_read(kee_buf_bytes(&kind->state_shape));
        before->slot_count = kee_row_capdata(&cursor, &before->body, &before->slots);
        if (!kee_bytes_equal(kee_buf_bytes(&before->body), kee_buf_bytes(&after->body))) {
            kee_ls_unserialize(the, kee_buf_bytes(&before->body), kee_ls_capdata_slots(before));
            insist_compatible(the, kind, the->stack, shape);
            mxPop();
        }
        if (!kee_bytes_equal(kee_buf_bytes(&before->slots), kee_buf_bytes(&after->slots))) {
            kind_error(the, kind, "durable Kind stateShape mismatch (slots of kind \"%.*s\")");
        }
    }
    kee_refs_change(the, kee_ls_capdata_slots(before), kee_ls_capdata_slots(after));
    kee_buf_clear(row);
    kee_row_put_capdata(row, kee_buf_bytes(&after->body), kee_ls_capdata_slots(after));
    kee_buf_clear(&kind->state_shape);
    kee_buf_put_bytes(&kind->state_shape, kee_buf_bytes(row));
    kee_ls_check(the, kee_buf_status(&kind->state_shape));
    kee_ls_capdata_done(ls, before);
    kee_ls_capdata_done(ls, after);
}

static void take_shape(txMachine *the, struct kee_kind *kind, const txSlot *options)
{
    mxPushUndefined();
    txSlot *shape = the->stack;
    if (options->kind == XS_REFERENCE_KIND) {
        push_member(the, options, "stateShape");
        shape->kind = the->stack->kind;
        shape->value = the->stack->value;
        mxPop();
    }
    kee_ls_harden(the, shape);
    if (shape->kind != XS_UNDEFINED_KIND) {
        if (kee_ls_pass_style(the, shape) != KEE_STYLE_COPY_RECORD) {
            kind_error(the, kind, "A stateShape must be a copyRecord (kind \"%.*s\")");
        }
        mxPushUndefined();
        kee_vom_push_tool(the, "assertPattern");
        mxCall();
        mxPushSlot(shape);
        mxRunCount(1);
        mxPop();
    }
    set_part(kind, KEE_KIND_STATE_SHAPE, shape);
    if (kind->durable) {
        settle_shape(the, kind, shape);
    }
    mxPop();
}

/* The prototype of states: plain, with accessors for the fields of a shape. */
static void make_state_proto(txMachine *the, struct kee_kind *kind)
{
    mxPush(mxObjectPrototype);
    fxNewObjectInstance(the);
    set_part(kind, KEE_KIND_FIELDS, the->stack);
    mxPop();
    fxNewObject(the);
    set_part(kind, KEE_KIND_STATE_PROTO, the->stack);
    mxPop();
    txSlot *shape = kind->parts[KEE_KIND_STATE_SHAPE];
    txSlot *proto = kind->parts[KEE_KIND_STATE_PROTO];
    if (shape->kind == XS_REFERENCE_KIND) {
        push_keys(the, shape, XS_EACH_NAME_FLAG);
        txSlot *keys = the->stack;
        for (txIndex i = 0; i < array_length(keys); i++) {
            kee_kind_define_accessor(the, kind, proto->value.reference, key_of_item(the, keys, i));
        }
        mxPop();
    }
    kee_ls_harden(the, proto);
}

/* ---- Prototypes ---- */

/* Pushes a function of the kind, with a home that knows kind, facet and behaviour. */
static txSlot *push_function(txMachine *the, struct kee_kind *kind, txCallback callback, int length,
                             txID name, int32_t facet, const txSlot *value)
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
    push_member(the, function, "length");
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
    push_keys(the, behavior, XS_EACH_NAME_FLAG | XS_EACH_SYMBOL_FLAG);
    txSlot *keys = the->stack;
    for (txIndex i = 0; i < array_length(keys); i++) {
        struct kee_field_name name = key_of_item(the, keys, i);
        if (name.id == mxID(_constructor)) {
            continue; /* of a class's prototype; no method */
        }
        mxPushSlot(behavior);
        fxGetAll(the, name.id, name.index);
        txInteger length = function_length(the, the->stack);
        push_function(the, kind, kee_kind_method, length, method_name(the, tag, name), facet,
                      the->stack);
        mxBehaviorDefineOwnProperty(the, proto->value.reference, name.id, name.index, the->stack,
                                    XS_DONT_DELETE_FLAG | XS_DONT_ENUM_FLAG | XS_DONT_SET_FLAG);
        mxPop();
        mxPop();
    }
    mxPop();
    push_function(the, kind, kee_kind_no_guard, 0, kee_ls_id(the, "__getInterfaceGuard__"), facet,
                  NULL);
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

struct options {
    txSlot *guard; /* on the stack, undefined if there is none */
    bool thisful;
};

/* Calls npm's defendPrototype or defendPrototypeKit; pushes what it gives. */
static void push_defended(txMachine *the, struct kee_kind *kind, const txSlot *behavior,
                          const struct options *options)
{
    mxPushUndefined();
    kee_vom_push_tool(the, kind->multi ? "defendPrototypeKit" : "defendPrototype");
    mxCall();
    kee_ls_push_string(the, kee_buf_bytes(&kind->tag));
    if (kind->multi) {
        fxNewObject(the);
        txSlot *providers = the->stack;
        for (txIndex i = 0; i < kind->facet_count; i++) {
            struct kee_field_name name = key_of_item(the, kind->parts[KEE_KIND_NAMES], i);
            push_function(the, kind, kee_kind_context_provider, 1, XS_NO_ID, (int32_t)i, NULL);
            mxBehaviorDefineOwnProperty(the, providers->value.reference, name.id, name.index,
                                        the->stack,
                                        XS_DONT_DELETE_FLAG | XS_DONT_ENUM_FLAG | XS_DONT_SET_FLAG);
            mxPop();
        }
    } else {
        push_function(the, kind, kee_kind_context_provider, 1, XS_NO_ID, -1, NULL);
    }
    kee_ls_harden(the, the->stack);
    mxPushSlot(behavior);
    mxPushBoolean(options->thisful);
    mxPushSlot(options->guard);
    mxRunCount(5);
    kee_ls_harden(the, the->stack);
}

/* Leaves PROTO on the kind: a prototype, or an array of them. */
static void make_protos(txMachine *the, struct kee_kind *kind, const txSlot *behavior,
                        const struct options *options)
{
    bool defended = options->thisful || options->guard->kind != XS_UNDEFINED_KIND;
    if (!kind->multi) {
        if (defended) {
            push_defended(the, kind, behavior, options);
        } else {
            push_own_proto(the, kind, kee_buf_bytes(&kind->tag), -1, behavior);
        }
        set_part(kind, KEE_KIND_PROTO, the->stack);
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
        struct kee_field_name name = key_of_item(the, kind->parts[KEE_KIND_NAMES], i);
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
    set_part(kind, KEE_KIND_PROTO, protos);
    mxPop();
}

/* ---- Defining ---- */

static void hand_out(txMachine *the, struct kee_kind *kind, const txSlot *options, const char *name,
                     txCallback callback, const char *function_name)
{
    txSlot *receiver = push_member(the, options, name);
    if (receiver->kind != XS_UNDEFINED_KIND) {
        if (callback == kee_kind_amplify && !kind->multi) {
            kind_error(the, kind, "Only facets of an exo class kit can be amplified, not \"%.*s\"");
        }
        mxPushUndefined();
        mxPushSlot(receiver);
        mxCall();
        push_function(the, kind, callback, 1, kee_ls_id(the, function_name), -1, NULL);
        kee_ls_harden(the, the->stack);
        mxRunCount(1);
        mxPop();
    }
    mxPop();
}

/* Pushes the guard for the kind out of its options, and gives whether methods are thisful. Older
 * callers hand over the kit of guards under the name of the single one. */
static struct options take_options(txMachine *the, struct kee_kind *kind, const txSlot *options)
{
    struct options out = {NULL, false};
    mxPushUndefined();
    out.guard = the->stack;
    if (options->kind != XS_REFERENCE_KIND) {
        return out;
    }
    push_member(the, options, "thisfulMethods");
    out.thisful = fxToBoolean(the, the->stack);
    mxPop();
    push_member(the, options, "interfaceGuard");
    push_member(the, options, "interfaceGuardKit");
    txSlot *kit = the->stack, *single = the->stack + 1;
    if (!kind->multi && kit->kind != XS_UNDEFINED_KIND) {
        kind_error(the, kind,
                   "Use an interfaceGuard, not interfaceGuardKit, to protect class \"%.*s\"");
    }
    if (kind->multi && kit->kind != XS_UNDEFINED_KIND && single->kind != XS_UNDEFINED_KIND) {
        kind_error(
            the, kind,
            "Use an interfaceGuardKit, not an interfaceGuard, to protect class kit \"%.*s\"");
    }
    txSlot *chosen = kind->multi && kit->kind != XS_UNDEFINED_KIND ? kit : single;
    out.guard->kind = chosen->kind;
    out.guard->value = chosen->value;
    mxPop();
    mxPop();
    return out;
}

/* init, behavior and options are on the stack. The result is the maker. */
static void define(txMachine *the, struct kee_kind *kind, bool multi, txSlot *init,
                   txSlot *behavior, txSlot *options)
{
    enum shape shape = shape_of(the, behavior, false);
    if (shape == SHAPE_NOT || (shape == SHAPE_MANY) != multi) {
        kind_error(
            the, kind,
            multi ? "invalid behavior specifier for \"%.*s\": facets are wanted, each a record of "
                    "functions"
                  : "invalid behavior specifier for \"%.*s\": a record of functions is wanted");
    }
    if (kind->unfaceted && multi) {
        kind_error(the, kind, "defineDurableKindMulti called for unfaceted KindHandle \"%.*s\"");
    }
    if (kind->facets.size > 0 && !multi) {
        kind_error(the, kind, "defineDurableKind called for faceted KindHandle \"%.*s\"");
    }
    kind->multi = multi;
    struct options chosen = take_options(the, kind, options);
    if (multi) {
        settle_facets(the, kind, behavior);
    }
    take_shape(the, kind, options);
    if (kind->durable) {
        kind->unfaceted = !multi;
        kee_kind_save(the, kind);
    }
    set_part(kind, KEE_KIND_INIT, init);
    if (options->kind == XS_REFERENCE_KIND) {
        push_member(the, options, "finish");
        set_part(kind, KEE_KIND_FINISH, the->stack);
        mxPop();
    }
    make_state_proto(the, kind);
    make_protos(the, kind, behavior, &chosen);
    kind->defined = true;
    if (options->kind == XS_REFERENCE_KIND) {
        hand_out(the, kind, options, "receiveAmplifier", kee_kind_amplify, "amplify");
        hand_out(the, kind, options, "receiveInstanceTester", kee_kind_is_instance, "isInstance");
    }
    push_function(the, kind, kee_kind_maker, 0, kee_ls_id(the, "makeNewInstance"), -1, NULL);
    kee_ls_harden(the, the->stack);
    mxPullSlot(mxResult);
}

static void take_tag(txMachine *the, struct kee_kind *kind, txSlot *tag)
{
    kee_ls_put_string(&kind->tag, tag);
    kee_ls_check(the, kee_buf_status(&kind->tag));
}

static txSlot *tag_argument(txMachine *the)
{
    txSlot *tag = push_argument(the, 0);
    if (tag->kind != XS_STRING_KIND && tag->kind != XS_STRING_X_KIND) {
        char text[100];
        kee_describe_value(the, tag, text, sizeof(text));
        kee_ls_throw(the, XS_UNKNOWN_ERROR, "the tag of a kind must be a string, not %s", text);
    }
    return tag;
}

static void define_virtual(txMachine *the, bool multi)
{
    require_liveslots(the);
    txSlot *tag = tag_argument(the);
    struct kee_kind *kind =
        kee_kind_add(the, kee_ls_next_export_id(kee_ls_of(the)), KEE_KIND_USER, false);
    take_tag(the, kind, tag);
    kee_kind_save(the, kind);
    txSlot *init = push_argument(the, 1);
    txSlot *behavior = push_argument(the, 2);
    define(the, kind, multi, init, behavior, push_argument(the, 3));
}

static void define_of_handle(txMachine *the, bool multi, txSlot *handle, txSlot *init,
                             txSlot *behavior, txSlot *options)
{
    struct kee_kind *kind;
    require_liveslots(the);
    kind = kee_kind_of_handle(the, handle);
    if (kind == NULL) {
        char text[100];
        kee_describe_value(the, handle, text, sizeof(text));
        kee_ls_throw(the, XS_UNKNOWN_ERROR, "unknown handle %s: makeKindHandle() makes handles",
                     text);
    }
    if (kind->defined) {
        kind_error(the, kind, "redefinition of durable kind \"%.*s\"");
    }
    define(the, kind, multi, init, behavior, options);
}

static void define_durable(txMachine *the, bool multi)
{
    txSlot *handle = push_argument(the, 0);
    txSlot *init = push_argument(the, 1);
    txSlot *behavior = push_argument(the, 2);
    define_of_handle(the, multi, handle, init, behavior, push_argument(the, 3));
}

void kee_kind_define(txMachine *the, txSlot *handle, txSlot *init, txSlot *behavior,
                     txSlot *options)
{
    define_of_handle(the, false, handle, init, behavior, options);
}

void kee_kind_define_virtual(txMachine *the)
{
    define_virtual(the, false);
}
void kee_kind_define_virtual_multi(txMachine *the)
{
    define_virtual(the, true);
}
void kee_kind_define_durable(txMachine *the)
{
    define_durable(the, false);
}
void kee_kind_define_durable_multi(txMachine *the)
{
    define_durable(the, true);
}

void kee_kind_make_handle(txMachine *the)
{
    require_liveslots(the);
    txSlot *tag = tag_argument(the);
    struct kee_key key;
    struct kee_kind *kind =
        kee_kind_add(the, kee_ls_next_export_id(kee_ls_of(the)), KEE_KIND_USER, true);
    take_tag(the, kind, tag);
    kee_kind_save(the, kind);
    kee_key_begin(&key, "vom.dkind.");
    kee_key_decimal(&key, kind->id);
    kee_key_put(&key, kee_bytes_str(".nextID"));
    kee_vom_set_number(the, &key, kind->next_instance);
    kee_kind_push_handle(the, kind->id);
    mxPullSlot(mxResult);
}

void kee_kind_can_be_durable(txMachine *the)
{
    require_liveslots(the);
    struct kee_ls_capdata *capdata = kee_ls_capdata_new(the);
    kee_ls_serialize(the, push_argument(the, 0), capdata);
    mxResult->kind = XS_BOOLEAN_KIND;
    mxResult->value.boolean = kee_durable_all(the, capdata);
    kee_ls_capdata_done(kee_ls_of(the), capdata);
}
