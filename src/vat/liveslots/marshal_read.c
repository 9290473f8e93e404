/* SPDX-License-Identifier: Apache-2.0 */
/*
 * marshal_read - smallcaps and capdata text to hardened values, in one pass over the JSON.
 *
 * A value is built frozen, so that nothing of it needs to be walked again. What comes in is hostile:
 * every step checks, and the first thing wrong throws.
 */
#include "vat/liveslots/marshal_reader.h"
#include "vat/liveslots/pass_style.h"
#include "vat/liveslots/root.h"

void kee_read_malformed(struct kee_reader *r, const char *what)
{
    kee_ls_throw(r->the, XS_SYNTAX_ERROR, "malformed body: %s, %zu bytes before its end", what,
                 (size_t)(r->end - r->at));
}

static void expect_word(struct kee_reader *r, const char *word)
{
    size_t size = strlen(word);

    if ((size_t)(r->end - r->at) < size || memcmp(r->at, word, size) != 0) {
        kee_read_malformed(r, "unknown word");
    }
    r->at += size;
}

static bool is_decimal(struct kee_bytes digits)
{
    for (size_t i = 0; i < digits.size; i++) {
        if (digits.data[i] < '0' || digits.data[i] > '9') {
            return false;
        }
    }
    return digits.size > 0;
}

/* text is [+-]digits */
void kee_read_bigint(struct kee_reader *r, struct kee_bytes text)
{
    txMachine *the = r->the;
    struct kee_bytes digits = text;

    if (text.size > 0 && (text.data[0] == '+' || text.data[0] == '-')) {
        digits.data++;
        digits.size--;
    }
    if (!is_decimal(digits)) {
        mxSyntaxError("Cannot convert to a BigInt");
    }
    kee_ls_push_string(the, text);
    (void)fxToBigInt(the, the->stack, 1);
}

/* ---- Slots ---- */

static struct kee_bytes slot_at(struct kee_reader *r, uint64_t index)
{
    struct kee_bytes slot;

    if (index >= r->slot_count) {
        kee_ls_throw(r->the, XS_RANGE_ERROR, "slot index %llu out of range (%u slots)",
                     (unsigned long long)index, (unsigned)r->slot_count);
    }
    memcpy(&slot, r->ls->reader_slots.data + r->slots_from + index * sizeof(slot), sizeof(slot));
    return slot;
}

/* promise: -1 either will do. */
void kee_read_slot(struct kee_reader *r, uint64_t index, struct kee_bytes iface, int promise)
{
    txMachine *the = r->the;
    struct kee_bytes slot = slot_at(r, index);

    kee_ls_value_of_vref(the, slot, iface);
    if (promise >= 0 && (slot.data[0] == KEE_VREF_PROMISE) != promise) {
        kee_ls_throw(the, XS_TYPE_ERROR, "slot %llu (%.*s) must be a %s", (unsigned long long)index,
                     (int)slot.size, (const char *)slot.data, promise ? "promise" : "remotable");
    }
}

/* text is "$0.Alleged: x", "$0" or "&1" */
static void push_encoded_slot(struct kee_reader *r, struct kee_bytes text)
{
    struct kee_bytes iface = {text.data + 1, text.size - 1};
    struct kee_bytes digits = kee_bytes_cut(&iface, '.');
    uint64_t index;

    if (!kee_bytes_decimal(digits, &index)) {
        kee_read_malformed(r, "bad slot index");
    }
    kee_read_slot(r, index, iface, text.data[0] == '&');
}

/* ---- Strings that mean something ---- */

static void push_constant(struct kee_reader *r, struct kee_bytes text)
{
    txMachine *the = r->the;

    if (kee_bytes_equal(text, KEE_BYTES_LIT("#undefined"))) {
        mxPushUndefined();
    } else if (kee_bytes_equal(text, KEE_BYTES_LIT("#NaN"))) {
        mxPushNumber(NAN);
    } else if (kee_bytes_equal(text, KEE_BYTES_LIT("#Infinity"))) {
        mxPushNumber(INFINITY);
    } else if (kee_bytes_equal(text, KEE_BYTES_LIT("#-Infinity"))) {
        mxPushNumber(-INFINITY);
    } else {
        kee_ls_throw(the, XS_TYPE_ERROR, "unknown constant \"%.*s\"",
                     (int)(text.size > 200 ? 200 : text.size), (const char *)text.data);
    }
}

void kee_read_special(struct kee_reader *r, struct kee_bytes text)
{
    struct kee_bytes rest = {text.data + 1, text.size - 1};

    switch (text.data[0]) {
    case '!':
        kee_ls_push_string(r->the, rest);
        break;
    case '%':
        kee_push_symbol(r->the, rest);
        break;
    case '#':
        push_constant(r, text);
        break;
    case '+':
    case '-':
        kee_read_bigint(r, text);
        break;
    case '$':
    case '&':
        push_encoded_slot(r, text);
        break;
    default:
        kee_ls_throw(r->the, XS_UNKNOWN_ERROR, "Special char \"%c\" reserved for future use",
                     text.data[0]);
    }
}

static void read_string(struct kee_reader *r)
{
    struct kee_bytes text = kee_read_text(r);

    if (r->smallcaps && kee_read_is_special(text)) {
        kee_read_special(r, text);
    } else {
        kee_ls_push_string(r->the, text);
    }
}

/* ---- Numbers ---- */

static bool is_digit(struct kee_reader *r)
{
    return r->at < r->end && *r->at >= '0' && *r->at <= '9';
}

static void skip_digits(struct kee_reader *r)
{
    if (!is_digit(r)) {
        kee_read_malformed(r, "bad number");
    }
    while (is_digit(r)) {
        r->at++;
    }
}

static void read_number(struct kee_reader *r)
{
    txMachine *the = r->the;
    const uint8_t *from = r->at;
    bool whole = true;
    struct kee_buf *text = &r->ls->text;

    if (*r->at == '-') {
        r->at++;
    }
    if (r->at < r->end && *r->at == '0') {
        r->at++;
    } else {
        skip_digits(r);
    }
    if (r->at < r->end && *r->at == '.') {
        whole = false;
        r->at++;
        skip_digits(r);
    }
    if (r->at < r->end && (*r->at == 'e' || *r->at == 'E')) {
        whole = false;
        r->at++;
        if (r->at < r->end && (*r->at == '+' || *r->at == '-')) {
            r->at++;
        }
        skip_digits(r);
    }
    if (whole && r->at - from <= 9 && !(*from == '-' && from[1] == '0')) {
        int number = 0;
        for (const uint8_t *p = from + (*from == '-'); p < r->at; p++) {
            number = number * 10 + (*p - '0');
        }
        mxPushInteger(*from == '-' ? -number : number);
        return;
    }
    kee_buf_clear(text);
    kee_buf_put(text, from, (size_t)(r->at - from));
    kee_ls_check(the, kee_buf_status(text));
    mxPushNumber(fxStringToNumber(the->dtoa, (txString)(uintptr_t)kee_buf_cstr(text), 1));
}

/* ---- Arrays ---- */

void kee_read_deeper(struct kee_reader *r)
{
    txMachine *the = r->the;

    if (++r->depth > KEE_LIMIT_VALUE_DEPTH) {
        mxRangeError("Cannot read data nested deeper than %u", KEE_LIMIT_VALUE_DEPTH);
    }
}

static void read_array(struct kee_reader *r)
{
    txMachine *the = r->the;
    txSlot *instance;
    txSlot *array;
    txSlot *last;

    kee_read_deeper(r);
    r->at++;
    mxPush(mxArrayPrototype);
    instance = fxNewArrayInstance(the);
    array = last = instance->next;
    if (kee_read_peek(r) == ']') {
        r->at++;
    } else {
        for (;;) {
            kee_read_value(r);
            last->next = fxNewSlot(the);
            last = last->next;
            last->kind = the->stack->kind;
            last->value = the->stack->value;
            mxPop();
            array->value.array.length++;
            if (kee_read_peek(r) != ',') {
                break;
            }
            r->at++;
        }
        kee_read_expect(r, ']');
        fxCacheArray(the, instance);
        for (txIndex i = 0; i < array->value.array.length; i++) {
            array->value.array.address[i].flag |= KEE_READ_FIXED;
        }
    }
    array->flag |= XS_DONT_SET_FLAG;
    instance->flag |= KEE_READ_HARDENED;
    r->depth--;
}

void kee_read_value(struct kee_reader *r)
{
    txMachine *the = r->the;
    int c = kee_read_peek(r);

    switch (c) {
    case '"':
        read_string(r);
        break;
    case '{':
        kee_read_object(r);
        break;
    case '[':
        read_array(r);
        break;
    case 't':
        expect_word(r, "true");
        mxPushBoolean(1);
        break;
    case 'f':
        expect_word(r, "false");
        mxPushBoolean(0);
        break;
    case 'n':
        expect_word(r, "null");
        mxPushNull();
        break;
    default:
        if (c != '-' && (c < '0' || c > '9')) {
            kee_read_malformed(r, "a value is missing");
        }
        read_number(r);
        break;
    }
}

/* Lays the slots out as an array behind those of readers that are at work further out. */
static void take_slots(struct kee_reader *r, struct kee_vp_strings slots)
{
    struct kee_buf *table = &r->ls->reader_slots;
    struct kee_bytes slot;

    while (table->size % sizeof(slot) != 0) {
        kee_buf_put_char(table, 0);
    }
    r->slots_from = table->size;
    r->slot_count = 0;
    while (kee_vp_strings_next(&slots, &slot)) {
        kee_buf_put(table, &slot, sizeof(slot));
        r->slot_count++;
    }
    kee_ls_check(r->the, kee_buf_status(table));
}

void kee_ls_unserialize(txMachine *the, struct kee_bytes body, struct kee_vp_strings slots)
{
    struct kee_reader r = {.the = the, .ls = kee_ls_of(the)};

    r.at = body.data;
    r.end = body.data + body.size;
    if (body.size > 0 && body.data[0] == '#') {
        r.smallcaps = true;
        r.at++;
    }
    take_slots(&r, slots);
    kee_read_value(&r);
    if (kee_read_peek(&r) >= 0) {
        kee_read_malformed(&r, "something follows the value");
    }
    r.ls->reader_slots.size = r.slots_from;
}
