/* SPDX-License-Identifier: Apache-2.0 */
/*
 * marshal_write - passable values to smallcaps text, byte for byte as @endo/marshal writes them.
 *
 * Runs no JavaScript once it has begun, so nothing changes under it. Vrefs are given out only when the
 * whole value has been written: a value that is refused uses up no number.
 */
#include <stdlib.h>

#include "base/assert.h"
#include "vat/liveslots/marshal.h"
#include "vat/liveslots/pass_style.h"
#include "vat/liveslots/root.h"

/* Slots searched one by one; beyond, a map of instances is used. */
#define SLOTS_LINEAR 16u
/* Steps of a path told in an error. */
#define PATH_STEPS_MAX 16u

struct step {
    txID id; /* XS_NO_ID: an index */
    txIndex index;
};

struct writer {
    txMachine *the;
    struct kee_ls *ls;
    struct kee_buf *out;
    txSlot *slots; /* XS_LIST_KIND on the engine's stack: the values that become slots, in order */
    uint32_t slot_count;
    uint64_t errors; /* ids used so far */
    uint32_t depth;
    bool methargs; /* the root is [method, args] */
    txSlot *within[KEE_LIMIT_VALUE_DEPTH];
    struct step steps[KEE_LIMIT_VALUE_DEPTH];
};

/* A property of a record, while its record is being written. */
struct member {
    txSlot *slot;    /* NULL for an indexed one, whose value stands in a chunk */
    txID id;         /* XS_NO_ID for an indexed one */
    txIndex index;   /* of an indexed one: its key */
    txIndex place;   /* of an indexed one: among the items */
    size_t from, to; /* what was written for it */
};

static void write_value(struct writer *w, txSlot *value);

static void refuse(struct writer *w, const char *why)
{
    kee_ls_throw(w->the, XS_UNKNOWN_ERROR, "%s", why);
}

/* ---- Text ---- */

static bool starts_special(const char *text)
{
    return text[0] >= '!' && text[0] <= '-';
}

static void put_unit_escaped(struct kee_buf *out, unsigned unit)
{
    switch (unit) {
    case '"':
        kee_buf_put_str(out, "\\\"");
        return;
    case '\\':
        kee_buf_put_str(out, "\\\\");
        return;
    case '\b':
        kee_buf_put_str(out, "\\b");
        return;
    case '\f':
        kee_buf_put_str(out, "\\f");
        return;
    case '\n':
        kee_buf_put_str(out, "\\n");
        return;
    case '\r':
        kee_buf_put_str(out, "\\r");
        return;
    case '\t':
        kee_buf_put_str(out, "\\t");
        return;
    default:
        kee_buf_printf(out, "\\u%04x", unit);
        return;
    }
}

void kee_json_put_string(struct kee_buf *out, const txSlot *string, const char *before)
{
    const uint8_t *at = (const uint8_t *)string->value.string;
    const uint8_t *from = at;

    kee_buf_put_char(out, '"');
    kee_buf_put_str(out, before);
    for (;;) {
        const uint8_t *next;
        unsigned unit, low = 0;
        while (*at >= 0x20 && *at != '"' && *at != '\\' && *at != 0xED && *at != 0xC0) {
            at++;
        }
        kee_buf_put(out, from, (size_t)(at - from));
        if (*at == 0) {
            break;
        }
        next = kee_utf16_next(at, &unit);
        if ((unit & 0xFC00) == 0xD800 && *next == 0xED) {
            const uint8_t *after = kee_utf16_next(next, &low);
            if ((low & 0xFC00) == 0xDC00) {
                kee_put_utf8(out, 0x10000 + ((unit & 0x3FF) << 10) + (low & 0x3FF));
                at = from = after;
                continue;
            }
        }
        if ((unit & 0xF800) == 0xD800 || unit < 0x80) {
            put_unit_escaped(out, unit); /* lone surrogates and controls */
        } else {
            kee_buf_put(out, at, (size_t)(next - at));
        }
        at = from = next;
    }
    kee_buf_put_char(out, '"');
}

/* A string as smallcaps: with a bang if it would mean something else. */
static void write_string(struct writer *w, const txSlot *string)
{
    kee_json_put_string(w->out, string, starts_special(string->value.string) ? "!" : "");
}

static void write_number(struct writer *w, const txSlot *value)
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

static void write_bigint(struct writer *w, txSlot *value)
{
    txMachine *the = w->the;

    mxPushSlot(value);
    fxToString(the, the->stack);
    kee_json_put_string(w->out, the->stack, the->stack->value.string[0] == '-' ? "" : "+");
    mxPop();
}

static void write_symbol(struct writer *w, txID symbol)
{
    txMachine *the = w->the;
    struct kee_buf *text = &w->ls->text;

    kee_buf_clear(text);
    if (!kee_put_symbol_name(the, symbol, text)) {
        refuse(w, "Only registered symbols or well-known symbols are passable");
    }
    kee_ls_check(the, kee_buf_status(text));
    kee_ls_push_string(the, kee_buf_bytes(text));
    kee_json_put_string(w->out, the->stack, "%");
    mxPop();
}

/* ---- Slots ---- */

/* The index of the value's slot; *is_new when this is its first use. */
static uint32_t slot_index(struct writer *w, txSlot *value, bool *is_new)
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

static void write_slot(struct writer *w, txSlot *value, bool promise)
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

static void enter(struct writer *w, txSlot *instance)
{
    txMachine *the = w->the;

    for (uint32_t i = 0; i < w->depth; i++) {
        if (w->within[i] == instance) {
            refuse(w, "Pass-by-copy data cannot be cyclic");
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

static void write_array(struct writer *w, txSlot *instance)
{
    txMachine *the = w->the;
    txSlot *array = instance->next;
    txIndex length = array->value.array.length;

    if (fxGetIndexSize(the, array) != length) {
        refuse(w, "Arrays must not have holes");
    }
    for (txSlot *slot = array->next; slot; slot = slot->next) {
        if (!(slot->flag & XS_INTERNAL_FLAG)) {
            mxTypeError("Arrays must not have non-indexes");
        }
    }
    enter(w, instance);
    kee_buf_put_char(w->out, '[');
    for (txIndex i = 0; i < length; i++) {
        txSlot *item = array->value.array.address + i;
        w->steps[w->depth - 1].index = i;
        if (item->kind == XS_ACCESSOR_KIND || item->kind == XS_UNINITIALIZED_KIND ||
            (item->flag & XS_DONT_ENUM_FLAG)) {
            refuse(w, "Array items must be enumerable data");
        }
        if (i > 0) {
            kee_buf_put_char(w->out, ',');
        }
        mxPushSlot(item);
        write_value(w, the->stack);
        mxPop();
    }
    kee_buf_put_char(w->out, ']');
    w->depth--;
}

/* As UTF-16: the engine's strings order the same way byte by byte, but for NUL. */
static int compare_keys(const char *a, const char *b)
{
    const uint8_t *p = (const uint8_t *)a, *q = (const uint8_t *)b;
    int left, right;

    while (*p == *q && *p) {
        p++;
        q++;
    }
    left = *p == 0 ? -1 : *p == 0xC0 ? 0 : *p;
    right = *q == 0 ? -1 : *q == 0xC0 ? 0 : *q;
    return left - right;
}

static const char *key_text(txMachine *the, const struct member *member, char *digits, size_t size)
{
    if (member->id != XS_NO_ID) {
        return fxGetKey(the, member->id)->value.key.string;
    }
    snprintf(digits, size, "%u", (unsigned)member->index);
    return digits;
}

static int compare_members(const void *a, const void *b, void *context)
{
    char left[16], right[16];

    return compare_keys(key_text(context, a, left, sizeof(left)),
                        key_text(context, b, right, sizeof(right)));
}

/* Indices first, in the order of numbers; the rest as it was written. */
static int compare_places(const void *a, const void *b)
{
    const struct member *left = a, *right = b;

    if ((left->id == XS_NO_ID) != (right->id == XS_NO_ID)) {
        return left->id == XS_NO_ID ? -1 : 1;
    }
    if (left->id == XS_NO_ID) {
        return left->index < right->index ? -1 : left->index > right->index;
    }
    return left->from < right->from ? -1 : left->from > right->from;
}

/* Collects the members of a record behind those of the records around it. Returns how many; *indexed
 * says whether one of them has an index for a key. */
static size_t take_members(struct writer *w, txSlot *instance, bool *indexed)
{
    struct kee_buf *members = &w->ls->members;
    size_t from = members->size;

    *indexed = false;
    for (txSlot *slot = instance->next; slot; slot = slot->next) {
        struct member member = {.slot = slot, .id = slot->ID};
        if (!(slot->flag & XS_INTERNAL_FLAG)) {
            kee_buf_put(members, &member, sizeof(member));
        } else if (slot->kind == XS_ARRAY_KIND) {
            txIndex count = fxGetIndexSize(w->the, slot);
            for (txIndex i = 0; i < count; i++) {
                txSlot *item = slot->value.array.address + i;
                struct member at = {.index = *((txIndex *)item), .place = i};
                if (item->kind != XS_UNINITIALIZED_KIND) {
                    kee_buf_put(members, &at, sizeof(at));
                    *indexed = true;
                }
            }
        }
    }
    kee_ls_check(w->the, kee_buf_status(members));
    return (members->size - from) / sizeof(struct member);
}

static txSlot *find_item(txSlot *instance, txIndex place)
{
    for (txSlot *slot = instance->next; slot; slot = slot->next) {
        if (slot->kind == XS_ARRAY_KIND && (slot->flag & XS_INTERNAL_FLAG)) {
            return slot->value.array.address + place;
        }
    }
    return NULL;
}

/* Writes a member with its key. */
static void write_member(struct writer *w, txSlot *instance, const struct member *member)
{
    txMachine *the = w->the;
    txSlot *slot = member->slot ? member->slot : find_item(instance, member->place);

    w->steps[w->depth - 1].id = member->id;
    w->steps[w->depth - 1].index = member->index;
    if (slot->kind == XS_ACCESSOR_KIND) {
        refuse(w, "property must not be an accessor");
    }
    if (slot->flag & XS_DONT_ENUM_FLAG) {
        refuse(w, "property must be enumerable");
    }
    mxPushSlot(slot);
    if (member->id == XS_NO_ID) {
        kee_buf_printf(w->out, "\"%u\"", (unsigned)member->index);
    } else {
        txSlot key = {.kind = XS_STRING_KIND};
        key.value.string = fxGetKey(the, member->id)->value.key.string;
        write_string(w, &key);
    }
    kee_buf_put_char(w->out, ':');
    write_value(w, the->stack);
    mxPop();
}

/* Puts the members just written, from start on, into the order of places. Calls nothing that could be
 * jumped out of. */
static int reorder(struct writer *w, size_t start, struct member *members, size_t count)
{
    struct kee_buf text = KEE_BUF_EMPTY;
    int status;

    qsort(members, count, sizeof(*members), compare_places);
    for (size_t i = 0; i < count; i++) {
        if (i > 0) {
            kee_buf_put_char(&text, ',');
        }
        kee_buf_put(&text, w->out->data + members[i].from, members[i].to - members[i].from);
    }
    status = kee_buf_status(&text);
    if (status == 0 && text.size > 0) {
        memcpy(w->out->data + start, text.data, text.size);
    }
    kee_buf_fini(&text);
    return status;
}

/* Members are visited in the order of their names, which gives slots their numbers; indices are then
 * moved to the front, where JSON.stringify has them. */
static void write_record(struct writer *w, txSlot *instance)
{
    txMachine *the = w->the;
    struct kee_buf *members = &w->ls->members;
    size_t from = members->size;
    size_t start, count;
    bool indexed;

    enter(w, instance);
    count = take_members(w, instance, &indexed);
    if (count > 1) {
        qsort_r(members->data + from, count, sizeof(struct member), compare_members, the);
    }
    kee_buf_put_char(w->out, '{');
    start = w->out->size;
    for (size_t i = 0; i < count; i++) {
        struct member member;
        memcpy(&member, members->data + from + i * sizeof(member), sizeof(member));
        if (i > 0) {
            kee_buf_put_char(w->out, ',');
        }
        member.from = w->out->size;
        write_member(w, instance, &member);
        member.to = w->out->size;
        memcpy(members->data + from + i * sizeof(member), &member, sizeof(member));
    }
    kee_ls_check(the, kee_buf_status(w->out));
    if (indexed) {
        kee_ls_check(the,
                     reorder(w, start, (struct member *)(void *)(members->data + from), count));
    }
    members->size = from;
    kee_buf_put_char(w->out, '}');
    w->depth--;
}

static void write_tagged(struct writer *w, txSlot *instance)
{
    txMachine *the = w->the;
    txID payload = kee_ls_id(the, "payload");

    enter(w, instance);
    kee_buf_put_str(w->out, "{\"#tag\":");
    write_string(w, kee_own_property(instance, mxID(_Symbol_toStringTag)));
    kee_buf_put_str(w->out, ",\"payload\":");
    w->steps[w->depth - 1].id = payload;
    write_value(w, kee_own_property(instance, payload));
    kee_buf_put_char(w->out, '}');
    w->depth--;
}

/* ---- Errors ---- */

static void write_error_id(struct writer *w)
{
    uint64_t id = w->ls->error_id + ++w->errors;

    kee_buf_put_str(w->out, ",\"errorId\":\"error:liveSlots:v");
    kee_buf_put_decimal(w->out, w->ls->vat);
    kee_buf_put_char(w->out, '#');
    kee_buf_put_decimal(w->out, id);
    kee_buf_put_str(w->out, "\",\"name\":");
}

static void write_error(struct writer *w, const txSlot *message, const txSlot *name)
{
    kee_buf_put_str(w->out, "{\"#error\":");
    write_string(w, message);
    write_error_id(w);
    write_string(w, name);
    kee_buf_put_char(w->out, '}');
}

/* An error inside data is of one of the engine's classes and has no name of its own. */
static void write_inner_error(struct writer *w, txSlot *instance)
{
    kee_buf_put_str(w->out, "{\"#error\":");
    write_string(w, kee_own_property(instance, mxID(_message)));
    write_error_id(w);
    kee_buf_printf(w->out, "\"%s\"}", kee_error_class(w->the, instance));
}

/* ---- Values ---- */

static void write_object(struct writer *w, txSlot *value, enum kee_ls_style style)
{
    txSlot *instance = value->value.reference;

    switch (style) {
    case KEE_STYLE_COPY_ARRAY:
        write_array(w, instance);
        break;
    case KEE_STYLE_COPY_RECORD:
        write_record(w, instance);
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

static void write_value(struct writer *w, txSlot *value)
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
        write_string(w, value);
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
static void put_path(struct writer *w, struct kee_buf *text)
{
    for (uint32_t i = 0; i < w->depth; i++) {
        struct step step = w->steps[i];
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
static void tell_path(struct writer *w)
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
static void finish(struct writer *w, struct kee_ls_capdata *out)
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

/* What is to be written: one value, an error by message and name, or a method and its arguments. */
struct subject {
    txSlot *value;
    txSlot *message, *name;
    txSlot *method, *args;
};

static void write_subject(struct writer *w, const struct subject *subject)
{
    if (subject->args) {
        w->methargs = true;
        w->depth = 1;
        w->within[0] = NULL;
        w->steps[0].id = XS_NO_ID;
        w->steps[0].index = 0;
        kee_buf_put_str(w->out, "#[");
        write_value(w, subject->method);
        kee_buf_put_char(w->out, ',');
        w->steps[0].index = 1;
        write_value(w, subject->args);
        kee_buf_put_char(w->out, ']');
        w->depth = 0;
        return;
    }
    kee_buf_put_char(w->out, '#');
    if (subject->message) {
        write_error(w, subject->message, subject->name);
    } else {
        kee_assert(subject->value);
        write_value(w, subject->value);
    }
}

static void serialize(txMachine *the, const struct subject *subject, struct kee_ls_capdata *out)
{
    struct writer w;

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
