/* SPDX-License-Identifier: Apache-2.0 */
/* dispatch - deliveries in, and the end of a crank: the public functions of liveslots.h. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/fault.h"
#include "vat/liveslots/cycles.h"
#include "vat/liveslots/gc.h"
#include "vat/liveslots/hp.h"
#include "vat/liveslots/marshal.h"
#include "vat/liveslots/promises.h"
#include "vat/liveslots/root.h"
#include "vat/liveslots/start.h"
#include "vat/liveslots/tables.h"
#include "vat/liveslots/weak.h"

/* What the buffer of syscalls may keep from one crank to the next. */
#define SYSCALLS_KEPT_BYTES_MAX ((size_t)1024 * 1024)

/* ---- Life ---- */

int kee_ls_new(struct kee_ls **out, struct sxMachine *machine, const struct kee_ls_host *host)
{
    struct kee_ls *ls = calloc(1, sizeof(*ls));

    if (!ls) {
        return kee_fault(KEE_FAULT_MEMORY, "liveslots");
    }
    ls->machine = machine;
    ls->host = host;
    ls->ids = (struct kee_ls_ids){1, 1, 5, false};
    ls->error_id = 70000;
    kee_list_init(&ls->capdatas);
    kee_list_init(&ls->capdatas_free);
    machine->liveslots = ls;
    ls->root = kee_root_instance(machine);
    if (kee_gc_new(ls) < 0 || kee_weak_new(ls) < 0 || kee_vom_new(ls) < 0) {
        kee_ls_free(ls);
        return kee_fault(KEE_FAULT_MEMORY, "the tables of liveslots");
    }
    *out = ls;
    return 0;
}

void kee_ls_free(struct kee_ls *ls)
{
    if (!ls) {
        return;
    }
    kee_vom_free(ls);
    kee_gc_free(ls);
    kee_weak_free(ls);
    for (uint32_t i = 0; i < ls->entry_count; i += KEE_LS_ENTRY_BLOCK) {
        free(i == 0 ? ls->entries[1] - 1 : ls->entries[i]);
    }
    free(ls->entries);
    kee_ls_capdata_free(ls);
    kee_map_fini(&ls->by_vref);
    kee_map_fini(&ls->slot_map);
    kee_buf_fini(&ls->syscalls);
    kee_buf_fini(&ls->imported);
    kee_buf_fini(&ls->text);
    kee_buf_fini(&ls->members);
    kee_buf_fini(&ls->reader_slots);
    kee_buf_fini(&ls->resolutions);
    kee_buf_fini(&ls->names);
    ls->machine->liveslots = NULL;
    free(ls);
}

/* ---- Failure ---- */

void kee_ls_fail(struct kee_ls *ls, const char *format, ...)
{
    va_list arguments;

    if (ls->error[0] != '\0') {
        return;
    }
    va_start(arguments, format);
    vsnprintf(ls->error, sizeof(ls->error), format, arguments);
    va_end(arguments);
}

const char *kee_ls_error(const struct kee_ls *ls)
{
    return ls->error[0] != '\0' ? ls->error : NULL;
}

/* Fails the crank with the pending exception as the reason. */
void kee_ls_fail_with_exception(txMachine *the, const char *what)
{
    struct kee_ls *ls = kee_ls_of(the);
    char text[384];

    mxPush(mxException);
    mxException = mxUndefined;
    kee_describe(the, the->stack, text, sizeof(text));
    mxPop();
    kee_ls_fail(ls, "%s: %s", what, text);
}

void kee_ls_log_exception(txMachine *the, const char *what)
{
    struct kee_ls *ls = kee_ls_of(the);
    char text[400], line[700];

    mxPush(mxException);
    mxException = mxUndefined;
    kee_describe(the, the->stack, text, sizeof(text));
    mxPop();
    snprintf(line, sizeof(line), "%s: %s", what, text);
    ls->host->log(ls->host->context, KEE_VP_ERROR, kee_bytes_str(line));
}

/* ---- Messages ---- */

/* The kernel wants to hear, under that name, how the promise on the stack settles. */
static void answer_as(txMachine *the, struct kee_bytes name)
{
    struct kee_ls *ls = kee_ls_of(the);
    struct kee_ls_entry *entry = kee_ls_entry_of(ls, name);
    struct kee_vref_parts parts;

    if (entry && entry->imported && kee_ls_entry_object(entry)) {
        /* Known here before: now it is ours to settle, with what the method gives. */
        txSlot *promise = kee_ls_entry_object(entry);
        entry->exported = true;
        entry->imported = false; /* the one hold passes over */
        kee_hp_settle_remote(the, promise, false, the->stack);
        kee_promise_follow(the, entry, promise);
        return;
    }
    if (!kee_vref_parse(name, &parts) || parts.type != KEE_VREF_PROMISE) {
        kee_ls_throw(the, XS_TYPE_ERROR, "the result \"%.*s\" is no promise", (int)name.size,
                     (const char *)name.data);
    }
    if (entry) {
        kee_ls_forget(ls, entry);
    }
    entry = kee_entry_new(the, KEE_LS_PROMISE, &parts, the->stack->value.reference);
    kee_promise_follow(the, entry, the->stack->value.reference);
}

static bool is_name(const txSlot *value)
{
    return kee_is_string(value) || value->kind == XS_SYMBOL_KIND;
}

/* The items of the array on the stack are pushed: method, arguments; of [name], which asks for a
 * property, the name and undefined. Gives what kind of send it is. */
static int push_methargs(txMachine *the)
{
    txSlot *value = the->stack;
    txSlot *array;
    txSlot *method;
    txIndex length = 0;

    if (kee_ls_pass_style(the, value) == KEE_STYLE_COPY_ARRAY) {
        length = value->value.reference->next->value.array.length;
    }
    if (length != 1 && length != 2) {
        mxTypeError("a message must be [method, arguments], or [property]");
    }
    array = value->value.reference->next;
    mxPushSlot(array->value.array.address);
    method = the->stack;
    if (length == 1) {
        mxPushUndefined();
        if (!is_name(method) && method->kind != XS_INTEGER_KIND && method->kind != XS_NUMBER_KIND) {
            mxTypeError("the property a message asks for must be a string, symbol or number");
        }
        return KEE_HP_GET;
    }
    mxPushSlot(array->value.array.address + 1);
    if (kee_ls_pass_style(the, the->stack) != KEE_STYLE_COPY_ARRAY) {
        mxTypeError("the arguments of a message must be an array");
    }
    if (method->kind == XS_UNDEFINED_KIND) {
        return KEE_HP_APPLY_FUNCTION;
    }
    if (!is_name(method)) {
        mxTypeError("the method of a message must be a string or symbol");
    }
    return KEE_HP_APPLY_METHOD;
}

/* Pushes the promise for the answer. What is wrong with the message is the sender's mistake, or a
 * target that has gone since: the sender hears of it, the vat goes on. */
static void push_answer(txMachine *the, struct kee_bytes target, struct kee_vp_capdata methargs)
{
    txSlot *answer;

    mxPushUndefined();
    answer = the->stack;
    {
        mxTry(the)
        {
            int op;
            kee_ls_value_of_vref(the, target, kee_bytes_of(NULL, 0));
            kee_ls_unserialize(the, methargs.body, methargs.slots);
            op = push_methargs(the);
            kee_hp_send(the, op, answer - 1, the->stack + 1, the->stack);
        }
        mxCatch(the)
        {
            txSlot *promise = kee_hp_new(the);
            mxPush(mxException);
            mxException = mxUndefined;
            kee_ls_harden(the, the->stack);
            kee_hp_reject(the, promise, the->stack);
            mxPop();
        }
    }
    answer->kind = the->stack->kind;
    answer->value = the->stack->value;
    the->stack = answer;
}

static void deliver_message(txMachine *the, struct kee_vp_reader *reader)
{
    struct kee_bytes target = kee_vp_take_string(reader);
    struct kee_bytes result = kee_vp_take_string(reader);
    struct kee_vp_capdata methargs = kee_vp_take_capdata(reader);

    if (!kee_vp_reader_end(reader)) {
        mxRangeError("malformed message");
    }
    push_answer(the, target, methargs);
    if (result.size > 0) {
        answer_as(the, result);
    }
    mxPop();
}

/* ---- The crank ---- */

void kee_ls_begin(struct kee_ls *ls)
{
    if (ls->syscalls.room > SYSCALLS_KEPT_BYTES_MAX) {
        kee_buf_fini(&ls->syscalls);
        ls->syscalls = KEE_BUF_EMPTY;
    }
    kee_buf_clear(&ls->syscalls);
    ls->syscall_count = 0;
    ls->error[0] = '\0';
    ls->collecting = false;
    ls->starting = false;
    kee_buf_clear(&ls->reader_slots);
    kee_ls_capdata_reset(ls);
    kee_vom_begin(ls);
}

static struct kee_vp_strings take_vrefs(txMachine *the, struct kee_vp_reader *reader)
{
    struct kee_vp_strings vrefs = kee_vp_take_strings(reader);

    if (!kee_vp_reader_end(reader)) {
        mxRangeError("malformed list of vrefs");
    }
    return vrefs;
}

static void dispatch(txMachine *the, uint8_t delivery, struct kee_bytes fields)
{
    struct kee_vp_reader reader = {fields, false};
    struct kee_ls_reap reap;

    switch (delivery) {
    case KEE_VP_MESSAGE:
        deliver_message(the, &reader);
        break;
    case KEE_VP_NOTIFY:
        kee_promises_notify(the, fields);
        break;
    case KEE_VP_DROP_EXPORTS:
        kee_gc_drop_exports(the, take_vrefs(the, &reader));
        break;
    case KEE_VP_RETIRE_EXPORTS:
        kee_gc_retire_exports(the, take_vrefs(the, &reader));
        break;
    case KEE_VP_RETIRE_IMPORTS:
        kee_gc_retire_imports(the, take_vrefs(the, &reader));
        break;
    case KEE_VP_BRING_OUT_YOUR_DEAD:
        kee_cycles_take(the, fields, &reap);
        kee_cycles_empty(the, reap.unreachable);
        kee_gc_bring_out_your_dead(the, reap.last);
        if (reap.asks_heap) {
            kee_cycles_tell_heap(the);
        }
        break;
    default:
        kee_ls_throw(the, XS_TYPE_ERROR, "unknown delivery %u", (unsigned)delivery);
    }
}

void kee_ls_deliver(struct kee_ls *ls, uint8_t delivery, struct kee_bytes fields)
{
    txMachine *the = ls->machine;

    if (!ls->started) {
        kee_ls_fail(ls, "a delivery before the vat has started");
        return;
    }
    {
        mxTry(the)
        {
            dispatch(the, delivery, fields);
        }
        mxCatch(the)
        {
            kee_ls_fail_with_exception(the, "illegal delivery");
        }
    }
}

bool kee_ls_quiescent(struct kee_ls *ls)
{
    txMachine *the = ls->machine;

    if (ls->starting && !ls->started) {
        kee_ls_fail(ls, "buildRootObject() did not settle within its crank");
    }
    {
        mxTry(the)
        {
            kee_vom_flush(the);
        }
        mxCatch(the)
        {
            kee_ls_fail_with_exception(the, "durable state could not be written");
        }
    }
    return the->promiseJobs != 0;
}

void kee_ls_wake(txMachine *the, uint64_t wait_ms, uint32_t timers)
{
    struct kee_ls *ls = kee_ls_of(the);
    struct kee_buf *out = kee_ls_syscall(ls, KEE_VP_CALL_WAKE);

    kee_buf_put_u64(out, wait_ms);
    kee_buf_put_u32(out, timers);
    kee_ls_check(the, kee_buf_status(out));
}

void kee_ls_done(struct kee_ls *ls, struct kee_buf *out)
{
    kee_buf_put_u32(out, ls->syscall_count);
    kee_buf_put_bytes(out, kee_buf_bytes(&ls->syscalls));
    kee_vom_put_changes(ls, out);
    kee_ls_capdata_reset(ls);
}

/* ---- Callbacks ---- */

size_t kee_ls_callbacks(void (**out)(struct sxMachine *), size_t room)
{
    static const txCallback own[] = {fx_harden, kee_promise_settled};
    size_t hp_count, start_count, vom_count, weak_count;
    const txCallback *hp = kee_hp_callbacks(&hp_count);
    const txCallback *start = kee_start_callbacks(&start_count);
    const struct kee_ls_function *vom = kee_vom_functions(&vom_count);
    const struct kee_ls_function *weak = kee_weak_functions(&weak_count);
    size_t own_count = sizeof(own) / sizeof(own[0]);
    size_t all = own_count + hp_count + start_count + vom_count + weak_count;

    for (size_t i = 0; i < all && i < room; i++) {
        size_t at = i;
        if (at < own_count) {
            out[i] = own[at];
        } else if ((at -= own_count) < hp_count) {
            out[i] = hp[at];
        } else if ((at -= hp_count) < start_count) {
            out[i] = start[at];
        } else if ((at -= start_count) < vom_count) {
            out[i] = vom[at].callback;
        } else {
            out[i] = weak[at - vom_count].callback;
        }
    }
    return all;
}
