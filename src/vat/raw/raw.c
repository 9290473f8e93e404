/* SPDX-License-Identifier: Apache-2.0 */
/* raw - see raw.h: start, deliveries, the end of a crank. */
#include "vat/raw/raw.h"

#include <stdlib.h>

#include <jansson.h>

#include "base/fault.h"
#include "vat/engine/engine.h"
#include "vat/liveslots/pass_style.h"
#include "vat/liveslots/root.h"
#include "vat/liveslots/start.h"
#include "vat/liveslots/vom.h"
#include "vat/raw/internal.h"
#include "vat/raw/text.h"

/* The result of a message that nobody settles. */
#define UNDEFINED_BODY KEE_BYTES_LIT("#\"#undefined\"")

int kee_raw_new(struct kee_ls *ls)
{
    ls->raw = calloc(1, sizeof *ls->raw);
    if (ls->raw == NULL) {
        return kee_fault(KEE_FAULT_MEMORY, "a raw vat");
    }
    /* Left to itself, the library would open a source of randomness, which the jail forbids. */
    json_object_seed(1);
    return 0;
}

void kee_raw_free(struct kee_ls *ls)
{
    if (ls->raw != NULL) {
        kee_buf_fini(&ls->raw->method);
        kee_buf_fini(&ls->raw->body);
        kee_buf_fini(&ls->raw->slots);
        kee_buf_fini(&ls->raw->why);
        free(ls->raw);
        ls->raw = NULL;
    }
}

/* ---- Start ---- */

void kee_raw_prepare(struct kee_ls *ls, const struct kee_vp_start *start)
{
    txMachine *the = ls->machine;

    ls->vat = start->vat;
    kee_vom_prefetch(ls, start->rows);
    for (int i = 0; i < 2; i++) {
        mxPush(mxObjectPrototype);
        fxNewObjectInstance(the);
    }
}

/* Keeps the value on the stack, and pops it. */
static void keep(txMachine *the, txID tag)
{
    txSlot *slot = kee_tag_make(the, kee_ls_of(the)->root, tag);

    slot->kind = the->stack->kind;
    slot->value = the->stack->value;
    mxPop();
}

void kee_raw_start(struct kee_ls *ls, const struct kee_vp_start *start)
{
    txMachine *the = ls->machine;
    txSlot *namespace = the->stack;

    {
        mxTry(the)
        {
            mxPushSlot(namespace);
            mxGetID(mxID(_default));
            if (!fxIsCallable(the, the->stack)) {
                char text[256];
                kee_describe(the, the->stack, text, sizeof text);
                kee_ls_throw(the, XS_TYPE_ERROR,
                             "expected the default export of a raw vat to be a function "
                             "deliver(syscall, facet, method, args, slots), found %s",
                             text);
            }
            keep(the, KEE_RAW_TAG_DELIVER);
            kee_raw_push_syscall(the);
            keep(the, KEE_RAW_TAG_SYSCALL);
            ls->started = true;
        }
        mxCatch(the)
        {
            kee_ls_fail_with_exception(the, "the vat could not start");
        }
    }
    the->stack = namespace + 1;
    (void)start;
}

/* ---- Messages ---- */

/* Capdata of what was thrown, without running code of the vat. */
static void put_error(txMachine *the, txSlot *thrown, struct kee_buf *body)
{
    const char *class = NULL;
    txSlot *message = NULL;
    char text[384];

    if (thrown->kind == XS_REFERENCE_KIND && !mxIsProxy(thrown->value.reference)) {
        class = kee_error_class(the, thrown->value.reference);
        message = kee_own_property(thrown->value.reference, mxID(_message));
    }
    kee_buf_put_str(body, "{\"@qclass\":\"error\",\"message\":");
    if (class != NULL && message != NULL && kee_is_string(message)) {
        kee_raw_put_quoted(the, body, message);
    } else {
        txSlot string = {.kind = XS_STRING_X_KIND};
        kee_describe(the, thrown, text, sizeof text);
        string.value.string = text;
        kee_raw_put_quoted(the, body, &string);
    }
    kee_buf_printf(body, ",\"name\":\"%s\"}", class == NULL ? "Error" : class);
}

/* Takes the exception: to the log, and to whoever waits for the result. */
static void refuse(txMachine *the, const char *what)
{
    struct kee_ls *ls = kee_ls_of(the);
    struct kee_raw *raw = ls->raw;
    struct kee_ls_vref result = raw->result.size > 0 ? raw->result : raw->taken;
    struct kee_buf line = KEE_BUF_EMPTY;
    char text[384];

    mxPush(mxException);
    mxException = mxUndefined;
    kee_describe(the, the->stack, text, sizeof text);
    kee_buf_printf(&line, "%s: %s", what, text);
    if (kee_buf_status(&line) == 0) {
        ls->host->log(ls->host->context, KEE_VP_ERROR, kee_buf_bytes(&line));
    }
    kee_buf_fini(&line);
    if (result.size > 0) {
        struct kee_vp_strings none = {.count = 0};
        kee_raw_clear(&raw->body);
        put_error(the, the->stack, &raw->body);
        kee_ls_check(the, kee_buf_status(&raw->body));
        kee_raw_settle(ls, kee_ls_vref_bytes(&result), true, kee_buf_bytes(&raw->body), none);
        raw->result.size = 0;
    }
    mxPop();
}

/* Pushes this, the function, the place of the result, and the syscall object. */
static void push_call(txMachine *the)
{
    mxPushUndefined();
    mxPushSlot(kee_tag_find(kee_ls_of(the)->root, KEE_RAW_TAG_DELIVER));
    mxCall();
    mxPushSlot(kee_tag_find(kee_ls_of(the)->root, KEE_RAW_TAG_SYSCALL));
}

static void call_deliver(txMachine *the, struct kee_bytes target, struct kee_vp_capdata methargs)
{
    struct kee_raw *raw = kee_raw_of(the);
    bool has_method = false;
    int r;

    kee_raw_clear(&raw->method);
    kee_raw_clear(&raw->body);
    kee_raw_clear(&raw->why);
    r = kee_raw_read_message(methargs, &has_method, &raw->method, &raw->body, &raw->why);
    if (r == 0 && !kee_bytes_has_prefix(target, KEE_BYTES_LIT("o+"))) {
        kee_buf_put_str(&raw->why, "a raw vat takes messages for its facets only");
        r = KEE_RAW_BAD;
    }
    if (r != 0) {
        kee_raw_throw(the, r);
    }
    push_call(the);
    kee_raw_push_slot(the, target);
    if (has_method) {
        kee_ls_push_string(the, kee_buf_bytes(&raw->method));
    } else {
        mxPushUndefined();
    }
    kee_ls_push_string(the, kee_buf_bytes(&raw->body));
    kee_raw_push_slots(the, methargs.slots);
    mxRunCount(5);
    mxPop();
}

static void deliver_message(txMachine *the, struct kee_vp_reader *reader)
{
    struct kee_raw *raw = kee_raw_of(the);
    struct kee_bytes target = kee_vp_take_string(reader);
    struct kee_bytes result = kee_vp_take_string(reader);
    struct kee_vp_capdata methargs = kee_vp_take_capdata(reader);

    if (!kee_vp_reader_end(reader) || result.size > sizeof raw->result.text) {
        mxRangeError("malformed message");
    }
    raw->result.size = (uint8_t)result.size;
    if (result.size > 0) {
        memcpy(raw->result.text, result.data, result.size);
    }
    {
        mxTry(the)
        {
            call_deliver(the, target, methargs);
        }
        mxCatch(the)
        {
            refuse(the, "deliver threw");
        }
    }
}

/* ---- What else the kernel says, to a method of the dispatch function if there is one ---- */

/* Pushes a call of deliver[name] with the syscall object as its first argument, if there is one. */
static bool push_method(txMachine *the, const char *name)
{
    mxPushSlot(kee_tag_find(kee_ls_of(the)->root, KEE_RAW_TAG_DELIVER));
    mxDub();
    mxGetID(kee_ls_id(the, name));
    if (!fxIsCallable(the, the->stack)) {
        the->stack += 2;
        return false;
    }
    mxCall();
    mxPushSlot(kee_tag_find(kee_ls_of(the)->root, KEE_RAW_TAG_SYSCALL));
    return true;
}

static void notify_one(txMachine *the, struct kee_vp_reader *reader)
{
    struct kee_raw *raw = kee_raw_of(the);
    struct kee_bytes promise = kee_vp_take_string(reader);
    bool rejected = kee_vp_take_u8(reader) != 0;
    struct kee_vp_capdata data = kee_vp_take_capdata(reader);
    int r;

    if (reader->failed) {
        mxRangeError("malformed notification");
    }
    kee_raw_clear(&raw->body);
    kee_raw_clear(&raw->why);
    r = kee_raw_read_data(data, &raw->body, &raw->why);
    if (r < 0) {
        kee_raw_throw(the, r);
    }
    if (r > 0) { /* whoever settled it wrote nonsense; the vat must not wait for ever */
        kee_raw_clear(&raw->body);
        rejected = true;
        kee_buf_put_str(&raw->body, "{\"@qclass\":\"error\",\"message\":\"the promise was settled "
                                    "with a malformed body\",\"name\":\"Error\"}");
        data.slots = (struct kee_vp_strings){.count = 0};
    }
    if (push_method(the, "notify")) {
        kee_raw_push_slot(the, promise);
        mxPushBoolean(rejected);
        kee_ls_push_string(the, kee_buf_bytes(&raw->body));
        kee_raw_push_slots(the, data.slots);
        mxRunCount(5);
        mxPop();
    }
}

static void notify(txMachine *the, struct kee_vp_reader *reader)
{
    uint32_t count = kee_vp_take_u32(reader);

    for (uint32_t i = 0; i < count && !reader->failed; i++) {
        mxTry(the)
        {
            notify_one(the, reader);
        }
        mxCatch(the)
        {
            refuse(the, "notify threw");
        }
    }
}

static void tell(txMachine *the, const char *name, struct kee_vp_reader *reader)
{
    struct kee_vp_strings vrefs = kee_vp_take_strings(reader);

    if (!kee_vp_reader_end(reader)) {
        mxRangeError("malformed list of vrefs");
    }
    {
        mxTry(the)
        {
            if (push_method(the, name)) {
                kee_raw_push_slots(the, vrefs);
                mxRunCount(2);
                mxPop();
            }
        }
        mxCatch(the)
        {
            refuse(the, name);
        }
    }
}

static void dispatch(txMachine *the, uint8_t delivery, struct kee_bytes fields)
{
    struct kee_vp_reader reader = {fields, false};

    switch (delivery) {
    case KEE_VP_MESSAGE:
        deliver_message(the, &reader);
        break;
    case KEE_VP_NOTIFY:
        notify(the, &reader);
        break;
    case KEE_VP_DROP_EXPORTS:
        tell(the, "dropExports", &reader);
        break;
    case KEE_VP_RETIRE_EXPORTS:
        tell(the, "retireExports", &reader);
        break;
    case KEE_VP_RETIRE_IMPORTS:
        tell(the, "retireImports", &reader);
        break;
    case KEE_VP_BRING_OUT_YOUR_DEAD:
        kee_engine_collect_inside(kee_engine_of(the));
        break;
    default:
        kee_ls_throw(the, XS_TYPE_ERROR, "unknown delivery %u", (unsigned)delivery);
    }
}

void kee_raw_deliver(struct kee_ls *ls, uint8_t delivery, struct kee_bytes fields)
{
    txMachine *the = ls->machine;

    ls->raw->result.size = 0;
    ls->raw->taken.size = 0;
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

bool kee_raw_quiescent(struct kee_ls *ls)
{
    struct kee_raw *raw = ls->raw;

    if (ls->machine->promiseJobs == 0 && raw->result.size > 0) {
        struct kee_vp_strings none = {.count = 0};
        kee_raw_settle(ls, kee_ls_vref_bytes(&raw->result), false, UNDEFINED_BODY, none);
        raw->result.size = 0;
    }
    return ls->machine->promiseJobs != 0;
}
