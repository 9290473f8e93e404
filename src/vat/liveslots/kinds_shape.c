/* SPDX-License-Identifier: Apache-2.0 */
/* The shape of a state: what may change in it between two definitions, and the accessors it gives. */
#include <string.h>

#include "vat/liveslots/durable.h"
#include "vat/liveslots/kinds_build.h"

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
    txSlot *alternatives = kee_kind_push_member(the, pattern, "payload");
    kee_kind_push_member(the, alternatives, "length");
    txInteger count = fxToInteger(the, the->stack);
    mxPop();
    for (txInteger i = 0; i < count && !allows; i++) {
        mxPushSlot(alternatives);
        fxGetAll(the, XS_NO_ID, (txIndex)i);
        allows = the->stack->kind == XS_UNDEFINED_KIND;
        if (has_tag(the, the->stack, "match:kind")) {
            kee_kind_push_member(the, the->stack, "payload");
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
        kee_kind_error(
            the, kind,
            "durable Kind stateShape mismatch (kind \"%.*s\"): there must be a shape on both "
            "sides, or on none");
    }
    kee_kind_push_keys(the, before, XS_EACH_NAME_FLAG);
    txSlot *keys = the->stack;
    for (txIndex i = 0; i < kee_kind_array_length(keys); i++) {
        struct kee_field_name name = kee_kind_key_of_item(the, keys, i);
        if (!has_own(the, after, name) || !same_member(the, before, after, name)) {
            shape_mismatch(the, kind, name, "the stored shape has another pattern for it");
        }
    }
    mxPop();
    kee_kind_push_keys(the, after, XS_EACH_NAME_FLAG);
    keys = the->stack;
    for (txIndex i = 0; i < kee_kind_array_length(keys); i++) {
        struct kee_field_name name = kee_kind_key_of_item(the, keys, i);
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
            kee_kind_error(the, kind, "durable Kind stateShape mismatch (slots of kind \"%.*s\")");
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

void kee_kind_take_shape(txMachine *the, struct kee_kind *kind, const txSlot *options)
{
    mxPushUndefined();
    txSlot *shape = the->stack;
    if (options->kind == XS_REFERENCE_KIND) {
        kee_kind_push_member(the, options, "stateShape");
        shape->kind = the->stack->kind;
        shape->value = the->stack->value;
        mxPop();
    }
    kee_ls_harden(the, shape);
    if (shape->kind != XS_UNDEFINED_KIND) {
        if (kee_ls_pass_style(the, shape) != KEE_STYLE_COPY_RECORD) {
            kee_kind_error(the, kind, "A stateShape must be a copyRecord (kind \"%.*s\")");
        }
        mxPushUndefined();
        kee_vom_push_tool(the, "assertPattern");
        mxCall();
        mxPushSlot(shape);
        mxRunCount(1);
        mxPop();
    }
    kee_kind_set_part(kind, KEE_KIND_STATE_SHAPE, shape);
    if (kind->durable) {
        settle_shape(the, kind, shape);
    }
    mxPop();
}

/* The prototype of states: plain, with accessors for the fields of a shape. */
void kee_kind_make_state_proto(txMachine *the, struct kee_kind *kind)
{
    mxPush(mxObjectPrototype);
    fxNewObjectInstance(the);
    kee_kind_set_part(kind, KEE_KIND_FIELDS, the->stack);
    mxPop();
    fxNewObject(the);
    kee_kind_set_part(kind, KEE_KIND_STATE_PROTO, the->stack);
    mxPop();
    txSlot *shape = kind->parts[KEE_KIND_STATE_SHAPE];
    txSlot *proto = kind->parts[KEE_KIND_STATE_PROTO];
    if (shape->kind == XS_REFERENCE_KIND) {
        kee_kind_push_keys(the, shape, XS_EACH_NAME_FLAG);
        txSlot *keys = the->stack;
        for (txIndex i = 0; i < kee_kind_array_length(keys); i++) {
            kee_kind_define_accessor(the, kind, proto->value.reference,
                                     kee_kind_key_of_item(the, keys, i));
        }
        mxPop();
    }
    kee_ls_harden(the, proto);
}
