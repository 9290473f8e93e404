/* SPDX-License-Identifier: Apache-2.0 */
/* Small things about the values that definitions of kinds are made of. */
#include "vat/liveslots/kinds_build.h"

void kee_kind_require_liveslots(txMachine *the)
{
    if (kee_ls_of(the) == NULL || kee_ls_of(the)->vom == NULL ||
        kee_ls_of(the)->vom->home == NULL) {
        mxTypeError("durable state is not there before the vat starts");
    }
}

/* Pushes argument i, or undefined. */
txSlot *kee_kind_push_argument(txMachine *the, txInteger i)
{
    if (i < mxArgc) {
        mxPushSlot(mxArgv(i));
    } else {
        mxPushUndefined();
    }
    return the->stack;
}

/* Pushes a new array of the own keys of object. */
void kee_kind_push_keys(txMachine *the, const txSlot *object, txFlag which)
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

txIndex kee_kind_array_length(const txSlot *array)
{
    return array->value.reference->next->value.array.length;
}

struct kee_field_name kee_kind_key_of_item(txMachine *the, const txSlot *array, txIndex i)
{
    mxPushSlot(array);
    fxGetAll(the, XS_NO_ID, i);
    txSlot *at = fxAt(the, the->stack);
    struct kee_field_name name = {at->value.at.id, at->value.at.index};
    mxPop();
    return name;
}

txSlot *kee_kind_push_member(txMachine *the, const txSlot *object, const char *name)
{
    mxPushSlot(object);
    mxGetID(kee_ls_id(the, name));
    return the->stack;
}

void kee_kind_set_part(struct kee_kind *kind, enum kee_kind_part part, const txSlot *value)
{
    kind->parts[part]->kind = value->kind;
    kind->parts[part]->value = value->value;
}

/* Is behavior a record of functions, or a record of such records? */
enum kee_behavior_shape kee_behavior_shape(txMachine *the, const txSlot *behavior, bool inner)
{
    enum kee_behavior_shape shape = KEE_BEHAVIOR_NONE;
    if (behavior->kind != XS_REFERENCE_KIND || fxIsCallable(the, (txSlot *)(uintptr_t)behavior)) {
        return KEE_BEHAVIOR_NONE;
    }
    kee_kind_push_keys(the, behavior, XS_EACH_NAME_FLAG | XS_EACH_SYMBOL_FLAG);
    txSlot *keys = the->stack;
    for (txIndex i = 0; i < kee_kind_array_length(keys); i++) {
        struct kee_field_name name = kee_kind_key_of_item(the, keys, i);
        enum kee_behavior_shape member = KEE_BEHAVIOR_NONE;
        mxPushSlot(keys);
        fxGetAll(the, XS_NO_ID, i);
        bool symbol = the->stack->kind == XS_SYMBOL_KIND; /* symbols name methods, no facets */
        mxPop();
        mxPushSlot(behavior);
        fxGetAll(the, name.id, name.index);
        if (fxIsCallable(the, the->stack)) {
            member = KEE_BEHAVIOR_ONE;
        } else if (!inner && !symbol &&
                   kee_behavior_shape(the, the->stack, true) == KEE_BEHAVIOR_ONE) {
            member = KEE_BEHAVIOR_FACETS;
        }
        mxPop();
        if (member == KEE_BEHAVIOR_NONE || (shape != KEE_BEHAVIOR_NONE && member != shape)) {
            mxPop();
            return KEE_BEHAVIOR_NONE;
        }
        shape = member;
    }
    mxPop();
    return shape == KEE_BEHAVIOR_NONE ? KEE_BEHAVIOR_ONE
                                      : shape; /* no members at all: a facet without methods */
}
