/* SPDX-License-Identifier: Apache-2.0 */
/* hp_handler - sends to handlers written in JavaScript, with the fallbacks between operations. */
#include "vat/liveslots/hp.h"
#include "vat/liveslots/root.h"

static const char *op_name(int op)
{
    switch (op) {
    case KEE_HP_GET:
        return "get";
    case KEE_HP_APPLY_FUNCTION:
        return "applyFunction";
    case KEE_HP_APPLY_METHOD:
        return "applyMethod";
    case KEE_HP_GET | KEE_HP_SEND_ONLY:
        return "getSendOnly";
    case KEE_HP_APPLY_FUNCTION | KEE_HP_SEND_ONLY:
        return "applyFunctionSendOnly";
    default:
        return "applyMethodSendOnly";
    }
}

/* Pushes handler and its function for op; false, with nothing pushed, if it has none. */
static bool push_function(txMachine *the, txSlot *handler, const char *name)
{
    mxPushSlot(handler);
    mxDub();
    mxGetID(kee_ls_id(the, name));
    if (fxIsCallable(the, the->stack)) {
        return true;
    }
    mxPop();
    mxPop();
    return false;
}

/* Calls the function pushed by push_function with (target, what op takes, result). The handler of a
 * presence gets one argument more, undefined. */
static void run_handler(txMachine *the, int op, struct kee_hp_record r, txSlot *target,
                        bool presence)
{
    txInteger count = 2;

    mxCall();
    mxPushSlot(target);
    if (op != KEE_HP_APPLY_FUNCTION) {
        mxPushSlot(r.prop);
        count++;
    }
    if (op != KEE_HP_GET) {
        mxPushSlot(r.args);
        count++;
    }
    mxPushSlot(r.told ? r.told : r.result);
    if (presence) {
        mxPushUndefined();
        count++;
    }
    mxRunCount(count);
}

/* applyMethod by get and applyFunction, of which the second is told the result of the whole. Pushes the
 * promise for the answer. */
static void get_then_apply(txMachine *the, struct kee_hp_record r, txSlot *target, bool presence)
{
    txSlot *got;
    txSlot *told = r.told ? r.told : r.result;

    mxPushUndefined();
    kee_hp_send_telling(the, KEE_HP_GET, target, r.prop, the->stack, the->stack);
    got = the->stack;
    mxPushUndefined();
    kee_hp_send_telling(the, KEE_HP_APPLY_FUNCTION, got, the->stack, r.args,
                        presence ? the->stack : told);
    *(got + 1) = *the->stack;
    mxPop();
    mxPop();
    mxPop();
}

/* applyFunction by applyMethod without a name, which takes the list of lists of arguments. */
static void apply_nameless(txMachine *the, struct kee_hp_record r, txSlot *target, bool presence)
{
    mxCall();
    mxPushSlot(target);
    mxPushUndefined();
    mxPush(mxArrayPrototype);
    fxNewArrayInstance(the);
    fxSetIndexSize(the, the->stack->value.reference->next, 1, XS_CHUNK);
    {
        txSlot *item = the->stack->value.reference->next->value.array.address;
        *((txIndex *)item) = 0;
        item->ID = XS_NO_ID;
        item->kind = r.args->kind;
        item->value = r.args->value;
    }
    kee_ls_harden(the, the->stack);
    if (presence) {
        mxPushUndefined();
    } else {
        mxPushSlot(r.told ? r.told : r.result);
    }
    mxRunCount(4);
}

static void throw_no_methods(txMachine *the, const char *which, txSlot *handler, int op)
{
    struct kee_buf text = KEE_BUF_EMPTY;

    kee_hp_push_method_names(the, handler);
    kee_buf_printf(&text, "\"%s\" is defined but has no methods needed for \"%s\" (has ", which,
                   op_name(op));
    kee_hp_put_names(the, the->stack, &text);
    kee_buf_put_char(&text, ')');
    kee_hp_throw_text(the, XS_TYPE_ERROR, &text);
}

void kee_hp_apply_handler(txMachine *the, const char *which, txSlot *handler, txSlot *record,
                          txSlot *target)
{
    struct kee_hp_record r = kee_hp_record_of(record);
    int op = r.op->value.integer & (KEE_HP_BASE | KEE_HP_SEND_ONLY);
    int base = op & KEE_HP_BASE;
    bool presence = strcmp(which, "presenceHandler") == 0;

    if ((op & KEE_HP_SEND_ONLY) && push_function(the, handler, op_name(op))) {
        run_handler(the, base, r, target, presence);
    } else if (push_function(the, handler, op_name(base))) {
        run_handler(the, base, r, target, presence);
    } else if (base == KEE_HP_APPLY_METHOD) {
        get_then_apply(the, r, target, presence);
    } else if (base == KEE_HP_APPLY_FUNCTION &&
               push_function(the, handler, op_name(KEE_HP_APPLY_METHOD))) {
        apply_nameless(the, r, target, presence);
    } else {
        throw_no_methods(the, which, handler, op);
    }
}
