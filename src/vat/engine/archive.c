/* SPDX-License-Identifier: Apache-2.0 */
/*
 * archive - see archive.h.
 *
 * Chunks move at an allocation, so the bytes of a buffer are looked up again after each, and a file is
 * unpacked into a chunk that stands on the stack already: nothing is lost when the engine throws.
 */
#include "vat/engine/archive.h"

#include <sodium.h>

#include "base/base64.h"
#include "base/limits.h"
#include "vat/engine/engine_internal.h"
#include "vat/engine/zip.h"

static void throw_bad(txMachine *the, const char *why)
{
    fxThrowMessage(the, NULL, 0, XS_TYPE_ERROR, "%s", why);
}

void kee_archive_unbase64(txMachine *the)
{
    struct kee_bytes text;
    size_t size;
    if (mxArgc < 1) {
        mxTypeError("no text");
    }
    fxToString(the, mxArgv(0));
    size = kee_base64_room(strlen(mxArgv(0)->value.string));
    mxPushUndefined(); /* the bytes, in a chunk of their own while the length is not known */
    the->stack->value.string = fxNewChunk(the, (txSize)size);
    the->stack->kind = XS_STRING_KIND;
    text = kee_bytes_str(mxArgv(0)->value.string);
    if (!kee_base64_decode((uint8_t *)the->stack->value.string, &size, text)) {
        char why[96];
        the->stack->value.string[0] = '\0';
        snprintf(why, sizeof why, "expected base64, found something else at character %zu of %zu",
                 size, text.size);
        throw_bad(the, why);
    }
    fxArrayBuffer(the, mxResult, NULL, (txInteger)size, -1);
    if (size > 0) {
        memcpy(fxToArrayBuffer(the, mxResult), the->stack->value.string, size);
    }
    mxPop();
}

/* The archive of the first argument, until the next allocation. */
static struct kee_bytes archive_of(txMachine *the)
{
    if (mxArgc < 1) {
        mxTypeError("no archive");
    }
    return kee_bytes_of(fxToArrayBuffer(the, mxArgv(0)),
                        (size_t)fxGetArrayBufferLength(the, mxArgv(0)));
}

/* Pushes a string. */
static void push_name(txMachine *the, struct kee_bytes name)
{
    char copy[1024];
    if (name.size == 0 || name.size >= sizeof copy) {
        mxTypeError("expected a file name of 1 to %d bytes in the zip archive, found %d",
                    (int)sizeof copy - 1, (int)name.size);
    }
    memcpy(copy, name.data, name.size); /* the archive may move */
    kee_engine_push_text(the, kee_bytes_of(copy, name.size));
}

static void push_number(txMachine *the, txInteger index, txSlot *array)
{
    mxPushSlot(array);
    fxSetIndex(the, (txIndex)index);
    mxPop();
}

void kee_archive_list(txMachine *the)
{
    char why[KEE_ZIP_WHY_BYTES];
    struct kee_zip_entry entry;
    uint64_t unpacked = 0;
    uint32_t count;
    size_t at;
    txSlot *array;
    if (kee_zip_open(archive_of(the), &at, &count, why) != 0) {
        throw_bad(the, why);
    }
    mxPush(mxArrayPrototype);
    fxNewArrayInstance(the);
    array = the->stack;
    for (uint32_t i = 0; i < count; i++) {
        if (kee_zip_entry(archive_of(the), at, &entry, why) != 0) {
            throw_bad(the, why);
        }
        unpacked += entry.size;
        if (unpacked > KEE_LIMIT_ARCHIVE_BYTES) {
            mxTypeError("expected at most %d bytes unpacked in a zip archive, found more",
                        (int)KEE_LIMIT_ARCHIVE_BYTES);
        }
        push_name(the, entry.name);
        push_number(the, (txInteger)(2 * i), array);
        mxPushInteger((txInteger)at);
        push_number(the, (txInteger)(2 * i + 1), array);
        at = entry.next;
    }
    mxPullSlot(mxResult);
}

/* Pushes the unpacked file of the second argument as a chunk of size bytes and a NUL. */
static size_t push_file(txMachine *the)
{
    char why[KEE_ZIP_WHY_BYTES];
    struct kee_zip_entry entry;
    txInteger at = mxArgc < 2 ? -1 : fxToInteger(the, mxArgv(1));
    if (at < 0 || kee_zip_entry(archive_of(the), (size_t)at, &entry, why) != 0) {
        throw_bad(the, at < 0 ? "no such file in the zip archive" : why);
    }
    if (entry.size > KEE_LIMIT_ARCHIVE_BYTES) {
        throw_bad(the, "a file of the zip archive is too large");
    }
    mxPushUndefined();
    the->stack->value.string = fxNewChunk(the, (txSize)entry.size + 1);
    the->stack->value.string[0] = '\0';
    the->stack->kind = XS_STRING_KIND;
    if (kee_zip_entry(archive_of(the), (size_t)at, &entry, why) != 0 ||
        kee_zip_unpack(&entry, (uint8_t *)the->stack->value.string, why) != 0) {
        the->stack->value.string[0] = '\0';
        throw_bad(the, why);
    }
    the->stack->value.string[entry.size] = '\0';
    return entry.size;
}

void kee_archive_text(txMachine *the)
{
    size_t size = push_file(the);
    txSlot *file = the->stack;
    size_t room = kee_engine_text_room(the, kee_bytes_of(file->value.string, size));
    if (room != size) {
        mxPushUndefined();
        the->stack->value.string = fxNewChunk(the, (txSize)room + 1);
        kee_engine_text_copy(the->stack->value.string, kee_bytes_of(file->value.string, size));
        the->stack->kind = XS_STRING_KIND;
        mxPullSlot(file);
    }
    mxPullSlot(mxResult);
}

void kee_archive_bytes(txMachine *the)
{
    size_t size = push_file(the);
    fxArrayBuffer(the, mxResult, NULL, (txInteger)size, -1);
    if (size > 0) {
        memcpy(fxToArrayBuffer(the, mxResult), the->stack->value.string, size);
    }
    mxPop();
}

void kee_archive_sha512(txMachine *the)
{
    uint8_t hash[crypto_hash_sha512_BYTES];
    char text[2 * sizeof hash + 1];
    size_t size = push_file(the);
    crypto_hash_sha512(hash, (const uint8_t *)the->stack->value.string, size);
    sodium_bin2hex(text, sizeof text, hash, sizeof hash);
    mxPop();
    kee_engine_push_text(the, kee_bytes_str(text));
    mxPullSlot(mxResult);
}
