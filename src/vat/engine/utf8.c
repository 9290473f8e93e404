/* SPDX-License-Identifier: Apache-2.0 */
/* utf8 - see utf8.h. Chunks move at an allocation: bytes and strings are looked up again after each. */
#include "vat/engine/utf8.h"

#include "vat/engine/engine_internal.h"

#define REPLACEMENT 0xfffdu

/* ---- bytes ---- */

enum taken { WHOLE, BROKEN, UNFINISHED };

/* The least and the greatest that may follow a first byte, and how many; false if none starts so. */
static bool starts(uint8_t first, size_t *more, uint8_t *least, uint8_t *most)
{
    *least = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    *most = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
    *more = first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
    return first >= 0xc2 && first <= 0xf4;
}

/* Takes one character off the front; of what is none, the longest start of one. bytes is not empty. */
static enum taken take_code(struct kee_bytes *bytes, uint32_t *code)
{
    const uint8_t *at = bytes->data;
    uint8_t least, most;
    size_t more, i;
    enum taken taken = WHOLE;

    *code = at[0];
    i = 1;
    if (at[0] >= 0x80 && !starts(at[0], &more, &least, &most)) {
        taken = BROKEN;
    } else if (at[0] >= 0x80) {
        *code = at[0] & (0x3fu >> more);
        for (; i <= more && i < bytes->size && at[i] >= least && at[i] <= most; i++) {
            *code = *code << 6 | (at[i] & 0x3fu);
            least = 0x80;
            most = 0xbf;
        }
        if (i <= more) {
            taken = i == bytes->size ? UNFINISHED : BROKEN;
        }
    }
    if (taken != WHOLE) {
        *code = REPLACEMENT;
    }
    *bytes = kee_bytes_of(at + i, bytes->size - i);
    return taken;
}

/* The bytes that three arguments from the first on name, until the next allocation. */
static struct kee_bytes bytes_of(txMachine *the, txInteger first)
{
    txInteger offset = mxArgc < first + 3 ? -1 : fxToInteger(the, mxArgv(first + 1));
    txInteger size = mxArgc < first + 3 ? -1 : fxToInteger(the, mxArgv(first + 2));
    txInteger room = mxArgc < first + 3 ? 0 : fxGetArrayBufferLength(the, mxArgv(first));
    if (offset < 0 || size < 0 || offset > room || size > room - offset) {
        mxRangeError("bytes outside of their buffer");
    }
    if (size == 0) {
        return kee_bytes_of(NULL, 0);
    }
    return kee_bytes_of((const uint8_t *)fxToArrayBuffer(the, mxArgv(first)) + offset,
                        (size_t)size);
}

void kee_utf8_decode(txMachine *the)
{
    struct kee_bytes bytes = bytes_of(the, 0);
    bool fatal = mxArgc > 3 && fxToBoolean(the, mxArgv(3));
    uint32_t code;
    size_t size = 1;
    txString out;

    while (bytes.size > 0) {
        if (take_code(&bytes, &code) != WHOLE && fatal) {
            mxTypeError("the bytes are no UTF-8");
        }
        size += (size_t)fxCESU8Length((txInteger)code);
    }
    if (size > KEE_ENGINE_CHUNK_RANGE) {
        fxAbort(the, XS_NOT_ENOUGH_MEMORY_EXIT);
    }
    out = fxNewChunk(the, (txSize)size);
    mxResult->value.string = out;
    mxResult->kind = XS_STRING_KIND;
    bytes = bytes_of(the, 0);
    while (bytes.size > 0) {
        (void)take_code(&bytes, &code);
        out = fxCESU8Encode(out, (txInteger)code);
    }
    *out = 0;
}

void kee_utf8_unfinished(txMachine *the)
{
    struct kee_bytes bytes = bytes_of(the, 0);
    txInteger unfinished = 0;

    /* No character is longer than four bytes: what is unfinished began in the last three. */
    for (size_t back = 1; back <= 3 && back <= bytes.size; back++) {
        struct kee_bytes end = kee_bytes_of(bytes.data + bytes.size - back, back);
        uint32_t code;
        if (end.data[0] >= 0xc0) {
            unfinished = take_code(&end, &code) == UNFINISHED ? (txInteger)back : 0;
            break;
        }
    }
    mxResult->kind = XS_INTEGER_KIND;
    mxResult->value.integer = unfinished;
}

/* ---- text ---- */

/* A unit of UTF-16 of the engine's string. */
static const uint8_t *take_unit(const uint8_t *at, uint32_t *unit)
{
    if (at[0] < 0x80) {
        *unit = at[0];
        return at + 1;
    }
    if (at[0] < 0xe0) {
        *unit = (uint32_t)(at[0] & 0x1f) << 6 | (at[1] & 0x3f);
        return at + 2;
    }
    *unit = (uint32_t)(at[0] & 0x0f) << 12 | (uint32_t)(at[1] & 0x3f) << 6 | (at[2] & 0x3f);
    return at + 3;
}

/* A character; half of a pair gives U+FFFD. units: how many of UTF-16 it has. */
static const uint8_t *take_character(const uint8_t *at, uint32_t *code, uint32_t *units)
{
    const uint8_t *after;
    uint32_t low;

    at = take_unit(at, code);
    *units = 1;
    if (*code >= 0xd800 && *code < 0xe000) {
        after = *at == 0 ? at : take_unit(at, &low);
        if (*code < 0xdc00 && after != at && low >= 0xdc00 && low < 0xe000) {
            *code = 0x10000 + ((*code - 0xd800) << 10) + (low - 0xdc00);
            *units = 2;
            return after;
        }
        *code = REPLACEMENT;
    }
    return at;
}

static size_t length_of(uint32_t code)
{
    return code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
}

static uint8_t *put_code(uint8_t *out, uint32_t code)
{
    static const uint8_t heads[] = {0, 0, 0xc0, 0xe0, 0xf0};
    size_t length = length_of(code);

    for (size_t i = length; i-- > 1; code >>= 6) {
        out[i] = (uint8_t)(0x80 | (code & 0x3f));
    }
    out[0] = (uint8_t)(heads[length] | code);
    return out + length;
}

void kee_utf8_encode(txMachine *the)
{
    const uint8_t *at;
    uint32_t code, units;
    size_t size = 0;
    uint8_t *out;

    if (mxArgc < 1) {
        mxTypeError("no text");
    }
    at = (const uint8_t *)fxToString(the, mxArgv(0));
    while (*at != 0) {
        at = take_character(at, &code, &units);
        size += length_of(code);
    }
    if (size > KEE_ENGINE_CHUNK_RANGE) {
        fxAbort(the, XS_NOT_ENOUGH_MEMORY_EXIT);
    }
    fxArrayBuffer(the, mxResult, NULL, (txInteger)size, -1);
    if (size > 0) {
        out = fxToArrayBuffer(the, mxResult);
        for (at = (const uint8_t *)mxArgv(0)->value.string; *at != 0;) {
            at = take_character(at, &code, &units);
            out = put_code(out, code);
        }
    }
}

/* Takes the number on the stack as an item of the array below it. */
static void set_item(txMachine *the, txIndex index)
{
    txSlot *array = the->stack + 1;
    mxPushSlot(array);
    fxSetIndex(the, index);
    mxPop();
}

void kee_utf8_encode_into(txMachine *the)
{
    const uint8_t *at;
    const uint8_t *after;
    uint32_t code, units, read = 0;
    struct kee_bytes room;
    uint8_t *out;

    if (mxArgc < 4) {
        mxTypeError("no text or no buffer");
    }
    at = (const uint8_t *)fxToString(the, mxArgv(0));
    room = bytes_of(the, 1);
    out = (uint8_t *)(uintptr_t)room.data;
    while (*at != 0) {
        after = take_character(at, &code, &units);
        if (length_of(code) > room.size - (size_t)(out - room.data)) {
            break;
        }
        out = put_code(out, code);
        read += units;
        at = after;
    }
    code = (uint32_t)(out - room.data);
    mxPush(mxArrayPrototype);
    fxNewArrayInstance(the);
    mxPushInteger((txInteger)read);
    set_item(the, 0);
    mxPushInteger((txInteger)code);
    set_item(the, 1);
    mxPullSlot(mxResult);
}
