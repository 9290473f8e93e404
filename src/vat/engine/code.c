/* SPDX-License-Identifier: Apache-2.0 */
/* code - see code.h. The work is done by js/load.js, in the boot image. */
#include "vat/engine/code.h"

#include "vat/engine/engine_internal.h"

/* Pushes an array of the names. */
static void push_names(txMachine *the, struct kee_vp_strings names)
{
    struct kee_bytes name;
    txInteger index = 0;
    txSlot *array;
    mxPush(mxArrayPrototype);
    fxNewArrayInstance(the);
    array = the->stack;
    while (kee_vp_strings_next(&names, &name)) {
        kee_engine_push_text(the, name);
        mxPushSlot(array);
        fxSetIndex(the, (txIndex)index++);
        mxPop();
    }
}

void kee_code_load(txMachine *the, struct kee_bytes name, struct kee_bytes code,
                   struct kee_vp_strings globals, bool raw)
{
    txSlot *inventory = the->stack;
    txSlot *own = inventory + 1;
    mxPushUndefined();
    mxPush(mxGlobal);
    fxGetID(the, fxID(the, (txString) "keeveLoad"));
    mxCall();
    kee_engine_push_text(the, code);
    kee_engine_push_text(the, name);
    push_names(the, globals);
    mxPushSlot(own);
    mxPushSlot(inventory);
    mxPushBoolean(raw);
    mxRunCount(6);
    own->kind = the->stack->kind;
    own->value = the->stack->value;
    the->stack = own;
}

void kee_code_check(txMachine *the, struct kee_bytes code)
{
    txSlot *own = the->stack;
    mxPushUndefined();
    mxPush(mxGlobal);
    fxGetID(the, fxID(the, (txString) "keeveCheck"));
    mxCall();
    kee_engine_push_text(the, code);
    mxPushSlot(own);
    mxRunCount(2);
    own->kind = the->stack->kind;
    own->value = the->stack->value;
    mxPop();
}
