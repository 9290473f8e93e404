/* SPDX-License-Identifier: Apache-2.0 */
/*
 * syscall - the object a raw vat gets with each delivery, and what it may ask of the kernel by it.
 *
 * No call runs code of the vat: arguments are taken as they are or refused, by an exception that names
 * what was expected. A call that is refused has had no effect. Whether a slot is known, the kernel
 * decides when the crank is over: a crank that named one the vat does not have is undone.
 */
#include <math.h>

#include "base/fault.h"
#include "vat/liveslots/root.h"
#include "vat/liveslots/start.h"
#include "vat/liveslots/vom.h"
#include "vat/raw/internal.h"
#include "vat/raw/text.h"

/* What a vat's number can name without loss. */
#define NUMBER_MAX 9007199254740991.0
/* The kernel puts the vat's prefix before a key: "v", a number, ".s.". */
#define KEY_BYTES_MAX (KEE_LIMIT_KEY_BYTES - 32u)
#define KEPT_BYTES_MAX ((size_t)64 * 1024)

static const txSlot no_argument = {.kind = XS_UNDEFINED_KIND};

static const txSlot *argument(txMachine *the, int i)
{
    return i < mxArgc ? mxArgv(i) : &no_argument;
}

void kee_raw_clear(struct kee_buf *buf)
{
    if (buf->room > KEPT_BYTES_MAX) {
        kee_buf_fini(buf);
        *buf = KEE_BUF_EMPTY;
    }
    kee_buf_clear(buf);
}

void kee_raw_throw(txMachine *the, int outcome)
{
    if (outcome < 0) {
        kee_ls_check(the, outcome);
    }
    kee_ls_throw(the, XS_TYPE_ERROR, "%s", kee_buf_cstr(&kee_raw_of(the)->why));
}

/* ---- Slots ---- */

void kee_raw_push_slot(txMachine *the, struct kee_bytes vref)
{
    struct kee_vref_parts parts;

    if (kee_vref_parse(vref, &parts) && parts.type == KEE_VREF_OBJECT && !parts.is_virtual &&
        (double)parts.id <= NUMBER_MAX) {
        double number = (double)parts.id;
        mxPushNumber(parts.exported ? number : -number);
        return;
    }
    kee_ls_push_string(the, vref);
}

void kee_raw_push_slots(txMachine *the, struct kee_vp_strings vrefs)
{
    struct kee_bytes vref;
    txSlot *array;
    txIndex i = 0;

    mxPush(mxArrayPrototype);
    fxNewArrayInstance(the);
    array = the->stack;
    while (kee_vp_strings_next(&vrefs, &vref)) {
        kee_raw_push_slot(the, vref);
        mxPushSlot(array);
        fxSetIndex(the, i++);
        mxPop();
    }
    kee_ls_harden(the, array);
}

static void put_vref(struct kee_ls_vref *out, char type, char sign, uint64_t number)
{
    struct kee_buf text = KEE_BUF_EMPTY;

    kee_buf_put_char(&text, type);
    kee_buf_put_char(&text, sign);
    kee_buf_put_decimal(&text, number);
    out->size = text.size <= sizeof out->text ? (uint8_t)text.size : 0;
    if (kee_buf_status(&text) == 0) {
        memcpy(out->text, text.data, out->size);
    }
    kee_buf_fini(&text);
}

static bool number_slot(double number, struct kee_ls_vref *out)
{
    double size = fabs(number);

    if (!(size <= NUMBER_MAX) || size != floor(size)) {
        return false;
    }
    put_vref(out, 'o', number < 0 ? '-' : '+', (uint64_t)size);
    return true;
}

static bool text_slot(const char *text, struct kee_ls_vref *out)
{
    struct kee_vref_parts parts;
    size_t size = strnlen(text, sizeof out->text + 1);
    bool fits = size <= sizeof out->text && kee_vref_parse(kee_bytes_of(text, size), &parts) &&
                !parts.is_virtual && parts.type != KEE_VREF_DEVICE &&
                (double)parts.id <= NUMBER_MAX;

    if (fits) {
        memcpy(out->text, text, size);
        out->size = (uint8_t)size;
    }
    return fits;
}

/* A number, or a name as the c-list has it. */
static bool slot_of(const txSlot *value, struct kee_ls_vref *out)
{
    switch (value->kind) {
    case XS_INTEGER_KIND:
        return number_slot(value->value.integer, out);
    case XS_NUMBER_KIND:
        return number_slot(value->value.number, out);
    case XS_STRING_KIND:
    case XS_STRING_X_KIND:
        return text_slot(value->value.string, out);
    default:
        return false;
    }
}

static void take_slot(txMachine *the, const txSlot *value, const char *what,
                      struct kee_ls_vref *out)
{
    if (!slot_of(value, out)) {
        mxPushSlot(value);
        char text[256];
        kee_describe(the, the->stack, text, sizeof text);
        kee_ls_throw(the, XS_TYPE_ERROR,
                     "%s: expected the number of a facet (from 0 up) or of an import (below 0), or "
                     "the name of a promise, found %s",
                     what, text);
    }
}

static void take_promise(txMachine *the, const txSlot *value, const char *what,
                         struct kee_ls_vref *out)
{
    if (!slot_of(value, out) || out->text[0] != 'p') {
        kee_ls_throw(the, XS_TYPE_ERROR,
                     "%s: expected the name of a promise, as \"p+1\" for one of this vat's making",
                     what);
    }
}

/* The items of a plain array without holes; false for any other value. */
static bool array_items(txMachine *the, const txSlot *value, const txSlot **items, txIndex *count)
{
    txSlot *array;

    if (value->kind != XS_REFERENCE_KIND) {
        return false;
    }
    array = value->value.reference->next;
    if (array == NULL || array->kind != XS_ARRAY_KIND ||
        (value->value.reference->flag & XS_EXOTIC_FLAG) == 0 ||
        fxGetIndexSize(the, array) != array->value.array.length) {
        return false;
    }
    *count = array->value.array.length;
    *items = array->value.array.address;
    return true;
}

/* Into raw->slots. Nothing of it runs code or allocates in the heap. */
static void take_slots(txMachine *the, const txSlot *value, const char *what)
{
    struct kee_raw *raw = kee_raw_of(the);
    struct kee_ls_vref vref;
    const txSlot *items = NULL;
    txIndex count = 0;

    kee_raw_clear(&raw->slots);
    raw->slot_count = 0;
    if (value->kind == XS_UNDEFINED_KIND) {
        return;
    }
    if (!array_items(the, value, &items, &count)) {
        kee_ls_throw(the, XS_TYPE_ERROR, "%s: expected an array of slots", what);
    }
    if (count > KEE_LIMIT_SLOTS) {
        kee_ls_throw(the, XS_RANGE_ERROR, "%s: expected at most %u slots, found %u", what,
                     KEE_LIMIT_SLOTS, (unsigned)count);
    }
    for (txIndex i = 0; i < count; i++) {
        if (!slot_of(&items[i], &vref)) {
            kee_ls_throw(the, XS_TYPE_ERROR,
                         "%s[%u]: expected the number of a facet or import, or the name of a "
                         "promise",
                         what, (unsigned)i);
        }
        kee_vp_put_string(&raw->slots, kee_ls_vref_bytes(&vref));
        raw->slot_count++;
    }
    kee_ls_check(the, kee_buf_status(&raw->slots));
}

static struct kee_vp_strings slots_of(const struct kee_raw *raw)
{
    return (struct kee_vp_strings){kee_buf_bytes(&raw->slots), raw->slot_count};
}

/* ---- Text ---- */

static const txSlot *take_string(txMachine *the, int i, const char *what)
{
    const txSlot *value = argument(the, i);

    if (!kee_is_string(value)) {
        kee_ls_throw(the, XS_TYPE_ERROR, "%s: expected a string", what);
    }
    return value;
}

void kee_raw_put_quoted(txMachine *the, struct kee_buf *out, const txSlot *string)
{
    struct kee_raw *raw = kee_raw_of(the);

    kee_raw_clear(&raw->method);
    kee_ls_put_string(&raw->method, string);
    kee_buf_put_char(out, '"');
    for (size_t i = 0; i < raw->method.size; i++) {
        uint8_t c = raw->method.data[i];
        if (c < 0x20) {
            kee_buf_printf(out, "\\u%04x", c);
            continue;
        }
        if (c == '"' || c == '\\') {
            kee_buf_put_char(out, '\\');
        }
        kee_buf_put_char(out, (char)c);
    }
    kee_buf_put_char(out, '"');
}

static void check_body(txMachine *the, int (*check)(struct kee_vp_capdata, struct kee_buf *),
                       const char *what)
{
    struct kee_raw *raw = kee_raw_of(the);
    struct kee_vp_capdata data = {kee_buf_bytes(&raw->body), slots_of(raw)};
    int r;

    kee_ls_check(the, kee_buf_status(&raw->body));
    if (raw->body.size > KEE_LIMIT_BODY_BYTES) {
        kee_ls_throw(the, XS_RANGE_ERROR, "%s: expected at most %u bytes, found %zu", what,
                     KEE_LIMIT_BODY_BYTES, raw->body.size);
    }
    if (kee_ls_of(the)->syscalls.size > KEE_LIMIT_FRAME_BYTES) {
        kee_ls_throw(the, XS_RANGE_ERROR, "the crank has sent more than %u MB",
                     KEE_LIMIT_FRAME_BYTES >> 20);
    }
    kee_raw_clear(&raw->why);
    r = check(data, &raw->why);
    if (r != 0) {
        struct kee_buf sentence = KEE_BUF_EMPTY;
        kee_buf_printf(&sentence, "%s: expected JSON text in the capdata encoding: ", what);
        kee_buf_put_bytes(&sentence, kee_buf_bytes(&raw->why));
        kee_raw_clear(&raw->why);
        kee_buf_put_bytes(&raw->why, kee_buf_bytes(&sentence));
        kee_buf_fini(&sentence);
        kee_raw_throw(the, r);
    }
}

/* Argument i as a body, with the slots of raw. */
static void take_data(txMachine *the, int i)
{
    struct kee_raw *raw = kee_raw_of(the);

    kee_raw_clear(&raw->body);
    if (argument(the, i)->kind == XS_UNDEFINED_KIND) {
        kee_buf_put_str(&raw->body, "{\"@qclass\":\"undefined\"}");
        return;
    }
    kee_ls_put_string(&raw->body, take_string(the, i, "data"));
    if (raw->body.size > 0 && raw->body.data[0] == '#') {
        kee_ls_throw(the, XS_TYPE_ERROR, "data: expected JSON text in the capdata encoding");
    }
    check_body(the, kee_raw_check_data, "data");
}

/* Arguments 1 and 2 as [method, arguments]. */
static void take_message(txMachine *the)
{
    struct kee_raw *raw = kee_raw_of(the);
    const txSlot *method = argument(the, 1);

    kee_raw_clear(&raw->body);
    kee_buf_put_char(&raw->body, '[');
    if (method->kind == XS_UNDEFINED_KIND || method->kind == XS_NULL_KIND) {
        kee_buf_put_str(&raw->body, "{\"@qclass\":\"undefined\"}");
    } else {
        kee_raw_put_quoted(the, &raw->body, take_string(the, 1, "the method"));
    }
    kee_buf_put_char(&raw->body, ',');
    kee_ls_put_string(&raw->body, take_string(the, 2, "the arguments"));
    kee_buf_put_char(&raw->body, ']');
    check_body(the, kee_raw_check_message, "the arguments");
}

static void put_capdata(struct kee_buf *out, struct kee_bytes body, struct kee_vp_strings slots)
{
    kee_vp_put_string(out, body);
    kee_buf_put_u32(out, slots.count);
    kee_buf_put_bytes(out, slots.raw);
}

/* ---- Messages and promises ---- */

/* send(target, method, args, slots = [], result = none) */
static void call_send(txMachine *the)
{
    struct kee_raw *raw = kee_raw_of(the);
    struct kee_ls_vref target, result = {.size = 0};
    struct kee_buf *out;

    take_slot(the, argument(the, 0), "the target", &target);
    take_slots(the, argument(the, 3), "slots");
    if (argument(the, 4)->kind != XS_UNDEFINED_KIND) {
        take_promise(the, argument(the, 4), "the result", &result);
    }
    take_message(the);
    out = kee_ls_syscall(kee_ls_of(the), KEE_VP_CALL_SEND);
    kee_vp_put_string(out, kee_ls_vref_bytes(&target));
    put_capdata(out, kee_buf_bytes(&raw->body), slots_of(raw));
    kee_vp_put_string(out, kee_ls_vref_bytes(&result));
    kee_ls_check(the, kee_buf_status(out));
}

/* subscribe(promise) */
static void call_subscribe(txMachine *the)
{
    struct kee_ls_vref promise;

    take_promise(the, argument(the, 0), "the promise", &promise);
    kee_ls_subscribe(kee_ls_of(the), kee_ls_vref_bytes(&promise));
    kee_ls_check(the, kee_buf_status(&kee_ls_of(the)->syscalls));
}

void kee_raw_settle(struct kee_ls *ls, struct kee_bytes promise, bool rejected,
                    struct kee_bytes body, struct kee_vp_strings slots)
{
    struct kee_buf *out = kee_ls_syscall(ls, KEE_VP_CALL_RESOLVE);

    if (kee_bytes_equal(promise, kee_ls_vref_bytes(&ls->raw->taken))) {
        ls->raw->taken.size = 0;
    }
    kee_buf_put_u32(out, 1);
    kee_vp_put_string(out, promise);
    kee_buf_put_u8(out, rejected);
    put_capdata(out, body, slots);
    kee_ls_check(ls->machine, kee_buf_status(out));
}

/* resolve(promise, rejected, data, slots = []) */
static void call_resolve(txMachine *the)
{
    struct kee_raw *raw = kee_raw_of(the);
    struct kee_ls_vref promise;
    const txSlot *rejected = argument(the, 1);

    take_promise(the, argument(the, 0), "the promise", &promise);
    if (rejected->kind != XS_BOOLEAN_KIND) {
        mxTypeError("rejected: expected true or false");
    }
    take_slots(the, argument(the, 3), "slots");
    take_data(the, 2);
    kee_raw_settle(kee_ls_of(the), kee_ls_vref_bytes(&promise), rejected->value.boolean,
                   kee_buf_bytes(&raw->body), slots_of(raw));
}

/* takeResult(): the name of the promise the message is to settle, or undefined. */
static void call_take_result(txMachine *the)
{
    struct kee_raw *raw = kee_raw_of(the);

    if (raw->result.size > 0) {
        kee_ls_push_string(the, kee_ls_vref_bytes(&raw->result));
        mxResult->kind = the->stack->kind;
        mxResult->value = the->stack->value;
        mxPop();
        raw->taken = raw->result;
        raw->result.size = 0;
    }
}

/* ---- Garbage ---- */

/* dropImports(slots): lets the names go; what comes again comes under a new one. */
static void call_drop_imports(txMachine *the)
{
    static const enum kee_vp_syscall calls[] = {KEE_VP_CALL_DROP_IMPORTS,
                                                KEE_VP_CALL_RETIRE_IMPORTS};
    struct kee_raw *raw = kee_raw_of(the);
    struct kee_vp_strings slots;
    struct kee_bytes vref;

    take_slots(the, argument(the, 0), "slots");
    slots = slots_of(raw);
    while (kee_vp_strings_next(&slots, &vref)) {
        if (!kee_bytes_has_prefix(vref, KEE_BYTES_LIT("o-"))) {
            mxTypeError("slots: expected numbers of imports, which are below 0");
        }
    }
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        struct kee_buf *out = kee_ls_syscall(kee_ls_of(the), calls[i]);
        kee_buf_put_u32(out, raw->slot_count);
        kee_buf_put_bytes(out, kee_buf_bytes(&raw->slots));
        kee_ls_check(the, kee_buf_status(out));
    }
}

/* ---- The vat's rows ---- */

/* The key stays in raw->method until the next call. */
static struct kee_bytes take_key(txMachine *the, const char *what, bool may_be_empty)
{
    struct kee_raw *raw = kee_raw_of(the);

    kee_raw_clear(&raw->method);
    kee_ls_put_string(&raw->method, take_string(the, 0, what));
    kee_ls_check(the, kee_buf_status(&raw->method));
    if (raw->method.size > KEY_BYTES_MAX || (raw->method.size == 0 && !may_be_empty)) {
        kee_ls_throw(the, XS_RANGE_ERROR, "%s: expected 1 to %u bytes, found %zu", what,
                     KEY_BYTES_MAX, raw->method.size);
    }
    return kee_buf_bytes(&raw->method);
}

static void give_text(txMachine *the, struct kee_bytes text)
{
    kee_ls_push_string(the, text);
    mxResult->kind = the->stack->kind;
    mxResult->value = the->stack->value;
    mxPop();
}

/* vatstoreGet(key) */
static void call_vatstore_get(txMachine *the)
{
    struct kee_bytes value;

    if (kee_vom_get(the, take_key(the, "the key", false), &value)) {
        give_text(the, value);
    }
}

/* vatstoreSet(key, value) */
static void call_vatstore_set(txMachine *the)
{
    struct kee_raw *raw = kee_raw_of(the);
    struct kee_bytes key = take_key(the, "the key", false);

    kee_raw_clear(&raw->body);
    kee_ls_put_string(&raw->body, take_string(the, 1, "the value"));
    kee_ls_check(the, kee_buf_status(&raw->body));
    if (raw->body.size > KEE_LIMIT_VALUE_BYTES) {
        kee_ls_throw(the, XS_RANGE_ERROR, "the value: expected at most %u bytes, found %zu",
                     KEE_LIMIT_VALUE_BYTES, raw->body.size);
    }
    kee_vom_set(the, key, kee_buf_bytes(&raw->body));
}

/* vatstoreDelete(key) */
static void call_vatstore_delete(txMachine *the)
{
    kee_vom_delete(the, take_key(the, "the key", false));
}

/* vatstoreGetNextKey(prior): the first key after prior, in the order of bytes. */
static void call_vatstore_next(txMachine *the)
{
    struct kee_bytes prior = take_key(the, "the prior key", true);
    struct kee_bytes key, value;

    if (kee_vom_next(the, kee_bytes_of(NULL, 0), prior, &key, &value)) {
        give_text(the, key);
    }
}

/* ---- The end ---- */

/* exit(failure = false, data = undefined) */
static void call_exit(txMachine *the)
{
    struct kee_raw *raw = kee_raw_of(the);
    bool failure = argument(the, 0)->kind == XS_BOOLEAN_KIND && argument(the, 0)->value.boolean;
    struct kee_buf *out;

    take_slots(the, &no_argument, "slots");
    take_data(the, 1);
    out = kee_ls_syscall(kee_ls_of(the), KEE_VP_CALL_EXIT);
    kee_buf_put_u8(out, failure);
    put_capdata(out, kee_buf_bytes(&raw->body), slots_of(raw));
    kee_ls_check(the, kee_buf_status(out));
}

void kee_raw_push_syscall(txMachine *the)
{
    static const struct kee_ls_function rows[] = {
        {call_send, 5, "send"},
        {call_subscribe, 1, "subscribe"},
        {call_resolve, 4, "resolve"},
        {call_take_result, 0, "takeResult"},
        {call_drop_imports, 1, "dropImports"},
        {call_vatstore_get, 1, "vatstoreGet"},
        {call_vatstore_set, 2, "vatstoreSet"},
        {call_vatstore_delete, 1, "vatstoreDelete"},
        {call_vatstore_next, 1, "vatstoreGetNextKey"},
        {call_exit, 2, "exit"},
    };

    kee_ls_push_functions(the, rows, sizeof rows / sizeof *rows);
}
