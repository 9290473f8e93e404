/* SPDX-License-Identifier: Apache-2.0 */
/* timers - see timers.h. */
#include "vat/engine/timers.h"

#include "os/clock.h"
#include "vat/engine/engine_internal.h"
#include "vat/liveslots/liveslots.h"

/* The object with begin, next and report, on the global of the start realm, which no vat sees. */
static txString const holder = "keeveTimers";

/* keeveHost.timed(object) */
void kee_timers_host_timed(txMachine *the)
{
    struct kee_engine *engine = the->context;
    if (mxArgc < 1) {
        mxTypeError("timed: expected an object");
    }
    mxPushSlot(mxArgv(0));
    mxPush(mxGlobal);
    fxDefineID(the, fxID(the, holder), XS_DONT_ENUM_FLAG,
               XS_DONT_ENUM_FLAG | XS_DONT_DELETE_FLAG | XS_DONT_SET_FLAG);
    mxPop();
    engine->has_timers = true;
}

/* keeveHost.clock(): milliseconds since some start, with a fraction. */
void kee_timers_host_clock(txMachine *the)
{
    mxResult->kind = XS_NUMBER_KIND;
    mxResult->value.number = (double)kee_clock_steady_us() / 1000;
}

/* keeveHost.wake(wait, count) */
void kee_timers_host_wake(txMachine *the)
{
    double wait = mxArgc < 2 ? 0 : fxToNumber(the, mxArgv(0));
    uint32_t count = mxArgc < 2 ? 0 : (uint32_t)fxToUnsigned(the, mxArgv(1));
    /* What is farther away than a double counts milliseconds is never. */
    kee_ls_wake(the, wait < 0x1p53 ? (uint64_t)wait : UINT64_MAX, count);
}

/* Calls a method of the holder; its result is on the stack. */
static void call(txMachine *the, const char *name)
{
    mxPush(mxGlobal);
    fxGetID(the, fxID(the, holder));
    mxDub();
    fxGetID(the, fxID(the, (txString)name));
    mxCall();
    mxRunCount(0);
}

void kee_timers_begin(txMachine *the)
{
    if (((struct kee_engine *)the->context)->has_timers) {
        call(the, "begin");
        mxPop();
    }
}

bool kee_timers_next(txMachine *the)
{
    bool ran = false;
    if (((struct kee_engine *)the->context)->has_timers) {
        call(the, "next");
        ran = fxToBoolean(the, the->stack);
        mxPop();
    }
    return ran;
}

void kee_timers_report(txMachine *the)
{
    if (((struct kee_engine *)the->context)->has_timers) {
        call(the, "report");
        mxPop();
    }
}
