/* SPDX-License-Identifier: Apache-2.0 */
/*
 * marshal_write - passable values to smallcaps text, byte for byte as @endo/marshal writes them.
 *
 * Runs no JavaScript once it has begun, so nothing changes under it. Vrefs are given out only when the
 * whole value has been written: a value that is refused uses up no number.
 */
#include "base/assert.h"
#include "vat/liveslots/marshal_writer.h"
#include "vat/liveslots/pass_style.h"
#include "vat/liveslots/root.h"

/* Slots searched one by one; beyond, a map of instances is used. */
#define SLOTS_LINEAR 16u
/* Steps of a path told in an error. */
#define PATH_STEPS_MAX 16u

void kee_write_refuse(struct kee_writer *w, const char *why)
{
    kee_ls_throw(w->the, XS_UNKNOWN_ERROR, "%s", why);
}

/* ---- Text ---- */

static bool starts_special(const char *text)
{
    return text[0] >= '!' && text[0] <= '-';
}

void kee_write_string(struct kee_writer *w, const txSlot *string)
{
    kee_json_put_string(w->out, string, starts_special(string->value.string) ? "!" : "");
}

static void write_number(struct kee_writer *w, const txSlot *value)
{
    char text[64];
    double number = value->value.number;

    if (value->kind == XS_INTEGER_KIND) {
        kee_buf_printf(w->out, "%d", (int)value->value.integer);
    } else if (isnan(number)) {
        kee_buf_put_str(w->out, "\"#NaN\"");
    } else if (isinf(number)) {
        kee_buf_put_str(w->out, number > 0 ? "\"#Infinity\"" : "\"#-Infinity\"");
    } else if (number == 0) {
        kee_buf_put_char(w->out, '0');
    } else {
        kee_buf_put_str(w->out, fxNumberToString(w->the->dtoa, number, text, sizeof(text), 0, 0));
    }
}

static void write_bigint(struct kee_writer *w, txSlot *value)
{
    txMachine *the = w->the;

    mxPushSlot(value);
    fxToString(the, the->stack);
    kee_json_put_string(w->out, the->stack, the->stack->value.string[0] == '-' ? "" : "+");
    mxPop();
}

static void write_symbol(struct kee_writer *w, txID symbol)
{
    txMachine *the = w->the;
    struct kee_buf *text = &w->ls->text;

    kee_buf_clear(text);
    if (!kee_put_symbol_name(the, symbol, text)) {
        kee_write_refuse(w, "Only registered symbols or well-known symbols are passable");
    }
    kee_ls_check(the, kee_buf_status(text));
    kee_ls_push_string(the, kee_buf_bytes(text));
    kee_json_put_string(w->out, the->stack, "%");
    mxPop();
}

/* ---- Slots ---- */

/* The index of the value's slot; *is_new when this is its first use. */
static uint32_t slot_index(struct kee_writer *w, txSlot *value, bool *is_new)
{
    txMachine *the = w->the;
    txSlot *instance = value->value.reference;
    txSlot *slot = w->slots->value.list.first;

    *is_new = false;
    if (w->slot_count <= SLOTS_LINEAR) {
        for (uint32_t i = 0; slot; slot = slot->next, i++) {
            if (slot->value.reference == instance) {
                return i;
            }
        }
    } else {
        uintptr_t index = (uintptr_t)kee_map_get(&w->ls->slot_map, (uintptr_t)instance);
        if (index != 0) {
            return (uint32_t)index - 1;
        }
    }
    if (w->slot_count >= KEE_LIMIT_SLOTS) {
        mxRangeError("syscall capdata too large: too many slots");
    }
    *is_new = true;
    slot = fxNewSlot(the);
    slot->kind = XS_REFERENCE_KIND;
    slot->value.reference = instance;
    if (w->slots->value.list.last) {
        w->slots->value.list.last->next = slot;
    } else {
        w->slots->value.list.first = slot;
    }
    w->slots->value.list.last = slot;
    w->slot_count++;
    if (w->slot_count == SLOTS_LINEAR + 1) {
        uintptr_t i = 1;
        kee_map_fini(&w->ls->slot_map);
        for (slot = w->slots->value.list.first; slot; slot = slot->next, i++) {
            kee_ls_check(
                the, kee_map_put(&w->ls->slot_map, (uintptr_t)slot->value.reference, (void *)i));
        }
    } else if (w->slot_count > SLOTS_LINEAR + 1) {
        kee_ls_check(the, kee_map_put(&w->ls->slot_map, (uintptr_t)instance,
                                      (void *)(uintptr_t)w->slot_count));
    }
    return w->slot_count - 1;
}

static void write_slot(struct kee_writer *w, txSlot *value, bool promise)
{
    txMachine *the = w->the;
    bool is_new;
    uint32_t index = slot_index(w, value, &is_new);
    char before[16];

    if (promise || !is_new) {
        kee_buf_printf(w->out, "\"%c%u\"", promise ? '&' : '$', (unsigned)index);
        return;
    }
    kee_ls_push_interface(the, value);
    if (kee_is_string(the->stack)) {
        snprintf(before, sizeof(before), "$%u.", (unsigned)index);
        kee_json_put_string(w->out, the->stack, before);
    } else {
        kee_buf_printf(w->out, "\"$%u\"", (unsigned)index);
    }
    mxPop();
}

/* ---- Containers ---- */

void kee_write_enter(struct kee_writer *w, txSlot *instance)
{
    txMachine *the = w->the;

    for (uint32_t i = 0; i < w->depth; i++) {
        if (w->within[i] == instance) {
            kee_write_refuse(w, "Pass-by-copy data cannot be cyclic");
        }
    }
    if (w->depth == KEE_LIMIT_VALUE_DEPTH) {
        mxRangeError("Cannot pass data nested deeper than %u", KEE_LIMIT_VALUE_DEPTH);
    }
    if (w->out->size > KEE_LIMIT_BODY_BYTES) {
        mxRangeError("syscall capdata too large");
    }
    w->within[w->depth] = instance;
    w->steps[w->depth].id = XS_NO_ID;
    w->steps[w->depth].index = 0;
    w->depth++;
}

static void write_array(struct kee_writer *w, txSlot *instance)
{
    txMachine *the = w->the;
    txSlot *array = instance->next;
    txIndex length = array->value.array.length;

    if (fxGetIndexSize(the, array) != length) {
        kee_write_refuse(w, "Arrays must not have holes");
    }
    for (txSlot *slot = array->next; slot; slot = slot->next) {
        if (!(slot->flag & XS_INTERNAL_FLAG)) {
            mxTypeError("Arrays must not have non-indexes");
        }
    }
    kee_write_enter(w, instance);
    kee_buf_put_char(w->out, '[');
    for (txIndex i = 0; i < length; i++) {
        txSlot *item = array->value.array.address + i;
        w->steps[w->depth - 1].index = i;
        if (item->kind == XS_ACCESSOR_KIND || item->kind == XS_UNINITIALIZED_KIND ||
            (item->flag & XS_DONT_ENUM_FLAG)) {
            kee_write_refuse(w, "Array items must be enumerable data");
        }
        if (i > 0) {
            kee_buf_put_char(w->out, ',');
        }
        mxPushSlot(item);
        kee_write_value(w, the->stack);
        mxPop();
    }
    kee_buf_put_char(w->out, ']');
    w->depth--;
}

static void write_tagged(struct kee_writer *w, txSlot *instance)
{
    txMachine *the = w->the;
    txID payload = kee_ls_id(the, "payload");

    kee_write_enter(w, instance);
    kee_buf_put_str(w->out, "{\"#tag\":");
    kee_write_string(w, kee_own_property(instance, mxID(_Symbol_toStringTag)));
    kee_buf_put_str(w->out, ",\"payload\":");
    w->steps[w->depth - 1].id = payload;
    kee_write_value(w, kee_own_property(instance, payload));
    kee_buf_put_char(w->out, '}');
    w->depth--;
}

/* ---- Errors ---- */

static void write_error_id(struct kee_writer *w)
{
    uint64_t id = w->ls->error_id + ++w->errors;

    kee_buf_put_str(w->out, ",\"errorId\":\"error:liveSlots:v");
    kee_buf_put_decimal(w->out, w->ls->vat);
    kee_buf_put_char(w->out, '#');
    kee_buf_put_decimal(w->out, id);
    kee_buf_put_str(w->out, "\",\"name\":");
}

static void write_error(struct kee_writer *w, const txSlot *message, const txSlot *name)
{
    kee_buf_put_str(w->out, "{\"#error\":");
    kee_write_string(w, message);
    write_error_id(w);
    kee_write_string(w, name);
    kee_buf_put_char(w->out, '}');
}

/* An error inside data is of one of the engine's classes and has no name of its own. */
static void write_inner_error(struct kee_writer *w, txSlot *instance)
{
    kee_buf_put_str(w->out, "{\"#error\":");
    kee_write_string(w, kee_own_property(instance, mxID(_message)));
    write_error_id(w);
    kee_buf_printf(w->out, "\"%s\"}", kee_error_class(w->the, instance));
}

/* ---- Values ---- */

static void write_object(struct kee_writer *w, txSlot *value, enum kee_ls_style style)
{
    txSlot *instance = value->value.reference;

    switch (style) {
    case KEE_STYLE_COPY_ARRAY:
        write_array(w, instance);
        break;
    case KEE_STYLE_COPY_RECORD:
        kee_write_record(w, instance);
        break;
    case KEE_STYLE_TAGGED:
        write_tagged(w, instance);
        break;
    case KEE_STYLE_ERROR:
        write_inner_error(w, instance);
        break;
    default:
        write_slot(w, value, style == KEE_STYLE_PROMISE);
        break;
    }
}

void kee_write_value(struct kee_writer *w, txSlot *value)
{
    enum kee_ls_style style = kee_ls_pass_style(w->the, value);

    switch (style) {
    case KEE_STYLE_UNDEFINED:
        kee_buf_put_str(w->out, "\"#undefined\"");
        break;
    case KEE_STYLE_NULL:
        kee_buf_put_str(w->out, "null");
        break;
    case KEE_STYLE_BOOLEAN:
        kee_buf_put_str(w->out, value->value.boolean ? "true" : "false");
        break;
    case KEE_STYLE_NUMBER:
        write_number(w, value);
        break;
    case KEE_STYLE_BIGINT:
        write_bigint(w, value);
        break;
    case KEE_STYLE_STRING:
        kee_write_string(w, value);
        break;
    case KEE_STYLE_SYMBOL:
        write_symbol(w, value->value.symbol);
        break;
    default:
        write_object(w, value, style);
        break;
    }
}

/* ---- Beginning and end ---- */

/* Appends where in the value the writer stood, as in args[0].price. */
static void put_path(struct kee_writer *w, struct kee_buf *text)
{
    for (uint32_t i = 0; i < w->depth; i++) {
        struct kee_write_step step = w->steps[i];
        if (i == PATH_STEPS_MAX) {
            kee_buf_put_str(text, "...");
            break;
        }
        if (w->methargs && i == 0) {
            kee_buf_put_str(text, step.index == 0 ? "method" : "args");
        } else if (step.id == XS_NO_ID) {
            kee_buf_printf(text, "[%u]", (unsigned)step.index);
        } else {
            kee_buf_printf(text, ".%s", fxName(w->the, step.id));
        }
    }
}

/* Adds the path to the message of the pending exception, if it is an error that has one. */
static void tell_path(struct kee_writer *w)
{
    txMachine *the = w->the;
    struct kee_buf *text = &w->ls->text;
    txSlot *message;

    if (w->depth == (w->methargs ? 1u : 0u) || mxException.kind != XS_REFERENCE_KIND) {
        return;
    }
    message = kee_own_property(mxException.value.reference, mxID(_message));
    if (!message || !kee_is_string(message)) {
        return;
    }
    kee_buf_clear(text);
    kee_ls_put_string(text, message);
    kee_buf_put_str(text, " (at ");
    put_path(w, text);
    kee_buf_put_char(text, ')');
    if (kee_buf_status(text) < 0 || text->size > 2048) {
        return;
    }
    kee_ls_push_string(the, kee_buf_bytes(text));
    message->kind = the->stack->kind;
    message->value = the->stack->value;
    mxPop();
}

/* Gives the collected values their vrefs and puts them into the capdata. */
static void finish(struct kee_writer *w, struct kee_ls_capdata *out)
{
    txMachine *the = w->the;
    struct kee_ls_vref vref;

    if (w->out->size > KEE_LIMIT_BODY_BYTES) {
        mxRangeError("syscall capdata too large");
    }
    for (txSlot *slot = w->slots->value.list.first; slot; slot = slot->next) {
        kee_ls_slot_for_value(the, slot, &vref);
        kee_buf_put_u32(&out->slots, vref.size);
        kee_buf_put(&out->slots, vref.text, vref.size);
    }
    out->slot_count = w->slot_count;
    kee_ls_check(the, kee_buf_status(&out->slots));
    kee_ls_check(the, kee_buf_status(&out->body));
    w->ls->error_id += w->errors;
}

/* What is to be written: one value, an error by message and name, or a method and its arguments. Without
 * arguments (undefined) the method is the name of a property. */
struct subject {
    txSlot *value;
    txSlot *message, *name;
    txSlot *method, *args;
};

static void write_subject(struct kee_writer *w, const struct subject *subject)
{
    if (subject->args) {
        w->methargs = true;
        w->depth = 1;
        w->within[0] = NULL;
        w->steps[0].id = XS_NO_ID;
        w->steps[0].index = 0;
        kee_buf_put_str(w->out, "#[");
        kee_write_value(w, subject->method);
        if (subject->args->kind != XS_UNDEFINED_KIND) {
            kee_buf_put_char(w->out, ',');
            w->steps[0].index = 1;
            kee_write_value(w, subject->args);
        }
        kee_buf_put_char(w->out, ']');
        w->depth = 0;
        return;
    }
    kee_buf_put_char(w->out, '#');
    if (subject->message) {
        write_error(w, subject->message, subject->name);
    } else {
        kee_assert(subject->value);
        kee_write_value(w, subject->value);
    }
}

static void serialize(txMachine *the, const struct subject *subject, struct kee_ls_capdata *out)
{
    struct kee_writer w;

    w.the = the;
    w.ls = kee_ls_of(the);
    w.out = &out->body;
    w.slot_count = 0;
    w.errors = 0;
    w.depth = 0;
    w.methargs = false;
    kee_buf_clear(&out->body);
    kee_buf_clear(&out->slots);
    out->slot_count = 0;
    kee_buf_clear(&w.ls->members);
    mxPushList();
    w.slots = the->stack;
    {
        mxTry(the)
        {
            write_subject(&w, subject);
            finish(&w, out);
        }
        mxCatch(the)
        {
            tell_path(&w);
            fxJump(the);
        }
    }
    mxPop();
}

void kee_ls_serialize(txMachine *the, txSlot *value, struct kee_ls_capdata *out)
{
    struct subject subject = {.value = value};

    if (mxIsReference(value) && kee_error_class(the, value->value.reference)) {
        /* What was thrown is told even if it could not pass as data. This may run JS, first of all. */
        txSlot *stack = the->stack;
        mxPushSlot(value);
        mxGetID(mxID(_message));
        fxToString(the, the->stack);
        subject.message = the->stack;
        mxPushSlot(value);
        mxGetID(mxID(_name));
        fxToString(the, the->stack);
        subject.name = the->stack;
        serialize(the, &subject, out);
        the->stack = stack;
        return;
    }
    serialize(the, &subject, out);
}

void kee_ls_serialize_methargs(txMachine *the, txSlot *method, txSlot *args,
                               struct kee_ls_capdata *out)
{
    struct subject subject = {.method = method, .args = args};

    serialize(the, &subject, out);
}
