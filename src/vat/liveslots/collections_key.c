/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys as text whose byte order is the order of the values: numbers by their bits, sign turned; bigints
 * by how many digits they have, then by the digits, both as complements when negative.
 */
#include "vat/liveslots/collections.h"

#include <math.h>
#include <stdio.h>

/* A key is at most this long, counted as JavaScript counts. */
#define KEY_UNITS_MAX 219u

static size_t utf16_units(struct kee_bytes text)
{
    size_t units = 0;
    for (size_t i = 0; i < text.size; i++) {
        units += (text.data[i] & 0xc0) != 0x80;
        units += text.data[i] >= 0xf0;
    }
    return units;
}

static void put_number(struct kee_key *out, double number)
{
    char text[18];
    uint64_t bits = UINT64_C(0x7ff8000000000000);
    if (number == 0) {
        number = 0; /* never -0 */
    }
    if (!isnan(number)) {
        memcpy(&bits, &number, sizeof(bits));
    }
    bits ^= number < 0 ? UINT64_MAX : UINT64_C(1) << 63;
    snprintf(text, sizeof(text), "f%016llx", (unsigned long long)bits);
    kee_key_put(out, kee_bytes_str(text));
}

/* digits without leading zeros, of a negative number: what is missing to the next power of ten. */
static void put_complement(struct kee_key *out, struct kee_bytes digits)
{
    size_t last = digits.size; /* behind the last digit that is not 0 */
    while (last > 1 && digits.data[last - 1] == '0') {
        last--;
    }
    for (size_t i = 0; i < digits.size; i++) {
        char c = (char)digits.data[i];
        char turned = i >= last ? '0' : (char)('0' + (i == last - 1 ? 10 : 9) - (c - '0'));
        kee_key_put(out, kee_bytes_of(&turned, 1));
    }
}

static void put_bigint(struct kee_key *out, bool negative, struct kee_bytes digits)
{
    char count[24];
    int width = snprintf(count, sizeof(count), "%zu", digits.size);
    kee_key_put(out, kee_bytes_str(negative ? "n" : "p"));
    for (int i = 1; i < width; i++) {
        kee_key_put(out, kee_bytes_str(negative ? "#" : "~"));
    }
    if (negative) {
        size_t power = 1;
        for (int i = 0; i < width; i++) {
            power *= 10;
        }
        snprintf(count, sizeof(count), "%0*zu", width, power - digits.size);
    }
    kee_key_put(out, kee_bytes_str(count));
    kee_key_put(out, kee_bytes_str(":"));
    if (negative) {
        put_complement(out, digits);
    } else {
        kee_key_put(out, digits);
    }
}

/* Bigints and symbols go through their smallcaps text: #"+12", #"-3", #"%name". */
static void put_by_marshal(txMachine *the, txSlot *key, struct kee_key *out)
{
    struct kee_ls_capdata *capdata = kee_ls_capdata_new(the);
    struct kee_ls_capdata *plain = kee_ls_capdata_new(the);
    kee_ls_serialize(the, key, capdata);
    struct kee_row_cursor cursor =
        kee_row_read(kee_bytes_of(capdata->body.data + 1, capdata->body.size - 1));
    kee_row_string(&cursor, &plain->body);
    struct kee_bytes text = kee_buf_bytes(&plain->body);
    if (cursor.failed || text.size < 2) {
        mxTypeError("this value cannot be a key");
    }
    struct kee_bytes tail = kee_bytes_of(text.data + 1, text.size - 1);
    if (text.data[0] == '%') {
        kee_key_put(out, kee_bytes_str("y"));
        kee_key_put(out, tail);
    } else {
        put_bigint(out, text.data[0] == '-', tail);
    }
    kee_ls_capdata_done(kee_ls_of(the), plain);
    kee_ls_capdata_done(kee_ls_of(the), capdata);
}

static void put_string(txMachine *the, txSlot *key, struct kee_key *out)
{
    struct kee_buf *text = &kee_ls_of(the)->text;
    kee_buf_clear(text);
    kee_ls_put_string(text, key);
    kee_ls_check(the, kee_buf_status(text));
    kee_key_put(out, kee_bytes_str("s"));
    kee_key_put(out, kee_buf_bytes(text));
}

void kee_store_encode(txMachine *the, txSlot *key, struct kee_key *out)
{
    size_t start = out->size;
    switch (key->kind) {
    case XS_UNDEFINED_KIND:
        kee_key_put(out, kee_bytes_str("z"));
        break;
    case XS_NULL_KIND:
        kee_key_put(out, kee_bytes_str("v"));
        break;
    case XS_BOOLEAN_KIND:
        kee_key_put(out, kee_bytes_str(key->value.boolean ? "btrue" : "bfalse"));
        break;
    case XS_INTEGER_KIND:
        put_number(out, key->value.integer);
        break;
    case XS_NUMBER_KIND:
        put_number(out, key->value.number);
        break;
    case XS_STRING_KIND:
    case XS_STRING_X_KIND:
        put_string(the, key, out);
        break;
    case XS_BIGINT_KIND:
    case XS_BIGINT_X_KIND:
    case XS_SYMBOL_KIND:
        put_by_marshal(the, key, out);
        break;
    default:
        mxTypeError("a key must be a scalar: a primitive value or a remotable");
    }
    if (out->cut ||
        utf16_units(kee_bytes_of(out->text + start, out->size - start)) > KEY_UNITS_MAX) {
        kee_ls_throw(the, XS_UNKNOWN_ERROR, "key too large");
    }
}

void kee_store_encode_vref(struct kee_bytes vref, uint64_t ordinal, struct kee_key *out)
{
    char text[32];
    snprintf(text, sizeof(text), "r%010llu:", (unsigned long long)ordinal);
    kee_key_put(out, kee_bytes_str(text));
    kee_key_put(out, vref);
}

static bool push_number(txMachine *the, struct kee_bytes hex)
{
    uint64_t bits = 0;
    double number;
    if (hex.size != 16) {
        return false;
    }
    for (size_t i = 0; i < hex.size; i++) {
        uint8_t c = hex.data[i];
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))) {
            return false;
        }
        bits = bits << 4 | (c <= '9' ? c - 48u : c - 87u);
    }
    bits ^= bits >> 63 ? UINT64_C(1) << 63 : UINT64_MAX;
    memcpy(&number, &bits, sizeof(number));
    mxPushNumber(number);
    if (number >= -2147483648.0 && number <= 2147483647.0 && number == (int32_t)number) {
        the->stack->kind = XS_INTEGER_KIND;
        the->stack->value.integer = (int32_t)number;
    }
    return true;
}

/* Pushes what a smallcaps string stands for. */
static void push_by_marshal(txMachine *the, char mark, struct kee_bytes text)
{
    struct kee_ls_capdata *capdata = kee_ls_capdata_new(the);
    struct kee_ls_capdata *plain = kee_ls_capdata_new(the);
    kee_buf_put_char(&plain->body, mark);
    kee_buf_put_bytes(&plain->body, text);
    kee_buf_put_char(&capdata->body, '#');
    kee_row_put_string(&capdata->body, kee_buf_bytes(&plain->body));
    kee_ls_check(the, kee_buf_status(&capdata->body));
    kee_ls_unserialize(the, kee_buf_bytes(&capdata->body), kee_ls_capdata_slots(capdata));
    kee_ls_capdata_done(kee_ls_of(the), plain);
    kee_ls_capdata_done(kee_ls_of(the), capdata);
}

static bool push_bigint(txMachine *the, bool negative, struct kee_bytes rest)
{
    struct kee_bytes digits = rest;
    struct kee_key complement;
    while (digits.size > 0 && *digits.data != ':') {
        digits.data++;
        digits.size--;
    }
    if (digits.size < 2) {
        return false;
    }
    digits.data++;
    digits.size--;
    if (negative) {
        kee_key_begin(&complement, "");
        put_complement(&complement, digits);
        digits = kee_key_bytes(&complement);
    }
    push_by_marshal(the, negative ? '-' : '+', digits);
    return true;
}

static bool push_decoded(txMachine *the, char mark, struct kee_bytes rest)
{
    switch (mark) {
    case 's':
        kee_ls_push_string(the, rest);
        return true;
    case 'f':
        return push_number(the, rest);
    case 'p':
    case 'n':
        return push_bigint(the, mark == 'n', rest);
    case 'b':
        mxPushBoolean(kee_bytes_equal(rest, kee_bytes_str("true")));
        return true;
    case 'v':
        mxPushNull();
        return true;
    case 'z':
        mxPushUndefined();
        return true;
    case 'y':
        push_by_marshal(the, '%', rest);
        return true;
    case 'r':
        if (rest.size < 12) {
            return false;
        }
        kee_ls_value_of_vref(the, kee_bytes_of(rest.data + 11, rest.size - 11),
                             kee_bytes_of(NULL, 0));
        return true;
    default:
        return false;
    }
}

void kee_store_decode(txMachine *the, struct kee_bytes encoded)
{
    if (encoded.size == 0 ||
        !push_decoded(the, (char)*encoded.data, kee_bytes_of(encoded.data + 1, encoded.size - 1))) {
        kee_vom_corrupt(the, encoded);
    }
}
