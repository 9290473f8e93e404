/* SPDX-License-Identifier: Apache-2.0 */
/* host - the C functions that boot.js and the compartments stand on, and their place in the image. */
#include "vat/engine/host.h"

#include "base/assert.h"
#include "vat/engine/archive.h"
#include "vat/engine/engine_internal.h"
#include "vat/engine/timers.h"
#include "vat/engine/utf8.h"
#include "vat/liveslots/liveslots.h"

/* keeveHost.log(level, text) */
static void host_log(txMachine *the)
{
    struct kee_buf text = KEE_BUF_EMPTY;
    txInteger level;
    if (mxArgc < 2) {
        return;
    }
    level = fxToInteger(the, mxArgv(0));
    fxToString(the, mxArgv(1));
    if (level < KEE_VP_DEBUG || level > KEE_VP_ERROR) {
        mxRangeError("console: level %d", (int)level);
    }
    /* Nothing below throws: the buffer is freed. */
    kee_engine_put_text(&text, mxArgv(1)->value.string);
    if (kee_buf_status(&text) == 0) {
        kee_engine_log(the->context, (enum kee_vp_log_level)level, kee_buf_bytes(&text));
    }
    kee_buf_fini(&text);
}

/* keeveHost.random() */
static void host_random(txMachine *the)
{
    mxResult->kind = XS_NUMBER_KIND;
    mxResult->value.number = kee_engine_random(the->context);
}

/* keeveHost.randomBytes(size): an ArrayBuffer. */
static void host_random_bytes(txMachine *the)
{
    txInteger size = mxArgc < 1 ? -1 : fxToInteger(the, mxArgv(0));
    if (size < 0 || size > 65536) {
        mxRangeError("random bytes: %d", (int)size);
    }
    fxArrayBuffer(the, mxResult, NULL, size, -1);
    if (size > 0) {
        kee_engine_random_bytes(the->context, fxToArrayBuffer(the, mxResult), (size_t)size);
    }
}

/* keeveInstall() */
static void host_install(txMachine *the)
{
    kee_ls_install(the);
}

/* The order is part of the image's format. */
static const txCallback own_callbacks[] = {
    fx_harden,
    fx_lockdown,
    host_log,
    host_random,
    host_random_bytes,
    kee_archive_unbase64,
    kee_archive_list,
    kee_archive_text,
    kee_archive_bytes,
    kee_archive_sha512,
    host_install,
    kee_utf8_decode,
    kee_utf8_unfinished,
    kee_utf8_encode,
    kee_utf8_encode_into,
    kee_timers_host_clock,
    kee_timers_host_wake,
    kee_timers_host_timed,
};

#define OWN_COUNT (sizeof own_callbacks / sizeof own_callbacks[0])

size_t kee_host_callbacks(txCallback *out, size_t room)
{
    size_t more = kee_ls_callbacks(out + OWN_COUNT, room - OWN_COUNT);
    kee_assert(OWN_COUNT + more <= room);
    memcpy(out, own_callbacks, sizeof own_callbacks);
    return OWN_COUNT + more;
}

static void define_function(txMachine *the, const char *name, txCallback callback, txInteger length)
{
    fxNewHostFunction(the, callback, length, (txInteger)fxID(the, (txString)name), XS_NO_ID);
    mxPush(mxGlobal);
    fxDefineID(the, fxID(the, (txString)name), XS_DONT_ENUM_FLAG,
               XS_DONT_ENUM_FLAG | XS_DONT_DELETE_FLAG | XS_DONT_SET_FLAG);
    mxPop();
}

/* A method of the object at the top of the stack. */
static void add_method(txMachine *the, const char *name, txCallback callback, txInteger length)
{
    txSlot *object = the->stack;
    fxNewHostFunction(the, callback, length, (txInteger)fxID(the, (txString)name), XS_NO_ID);
    mxPushSlot(object);
    fxSetID(the, fxID(the, (txString)name));
    mxPop();
}

void kee_host_install(txMachine *the)
{
    define_function(the, "harden", fx_harden, 1);
    define_function(the, "lockdown", fx_lockdown, 0);

    mxPush(mxObjectPrototype);
    fxNewObjectInstance(the);
    add_method(the, "log", host_log, 2);
    add_method(the, "random", host_random, 0);
    add_method(the, "randomBytes", host_random_bytes, 1);
    add_method(the, "clock", kee_timers_host_clock, 0);
    add_method(the, "wake", kee_timers_host_wake, 2);
    add_method(the, "timed", kee_timers_host_timed, 1);
    add_method(the, "decodeUtf8", kee_utf8_decode, 4);
    add_method(the, "unfinishedUtf8", kee_utf8_unfinished, 3);
    add_method(the, "encodeUtf8", kee_utf8_encode, 1);
    add_method(the, "encodeUtf8Into", kee_utf8_encode_into, 4);
    add_method(the, "unbase64", kee_archive_unbase64, 1);
    add_method(the, "zipList", kee_archive_list, 1);
    add_method(the, "zipText", kee_archive_text, 2);
    add_method(the, "zipBytes", kee_archive_bytes, 2);
    add_method(the, "sha512", kee_archive_sha512, 2);
    mxPush(mxGlobal);
    fxSetID(the, fxID(the, (txString) "keeveHost"));
    mxPop();
    define_function(the, "keeveInstall", host_install, 0);
}
