/* SPDX-License-Identifier: Apache-2.0 */
/* engine - see engine.h: the machine's life, the crank and its jump record, the meter, the outcomes. */
#include "vat/engine/engine_internal.h"

#include <sodium.h>

#include "base/assert.h"
#include "base/fault.h"

/* A small heap: it grows in proportion to what lives (heap.c), and what is not touched costs nothing
 * in a forked worker. */
static const txCreation creation = {
    .initialChunkSize = 512 * 1024,
    .incrementalChunkSize = 256 * 1024,
    .initialHeapCount = 16 * 1024,
    .incrementalHeapCount = 16 * 1024,
    .stackCount = 8192,
    .initialKeyCount = 16000,
    .incrementalKeyCount = 8000,
    .nameModulo = 1993,
    .symbolModulo = 127,
    .parserBufferSize = 8 * 1024 * 1024,
    .parserTableModulo = 1993,
};

int kee_engine_new(struct kee_engine **out)
{
    struct kee_engine *engine = calloc(1, sizeof *engine);
    txCreation copy = creation;
    if (engine == NULL) {
        return kee_fault(KEE_FAULT_MEMORY, "new engine");
    }
    engine->machine = fxCreateMachine(&copy, (txString) "keeve", engine, XS_NO_ID);
    if (engine->machine == NULL) {
        free(engine);
        return kee_fault(KEE_FAULT_MEMORY, "new machine");
    }
    engine->live_slots = engine->machine->currentHeapCount;
    engine->live_chunks = engine->machine->currentChunksSize;
    *out = engine;
    return 0;
}

void kee_engine_free(struct kee_engine *engine)
{
    if (engine != NULL) {
        if (engine->machine != NULL) {
            fxDeleteMachine(engine->machine);
        }
        free(engine);
    }
}

struct sxMachine *kee_engine_machine(struct kee_engine *engine)
{
    return engine->machine;
}

struct kee_engine *kee_engine_of(struct sxMachine *machine)
{
    return machine->context;
}

void kee_engine_set_host(struct kee_engine *engine, const struct kee_engine_host *host)
{
    engine->host = *host;
}

void kee_engine_set_limits(struct kee_engine *engine, uint64_t steps_max, uint64_t heap_bytes_max)
{
    engine->steps_max = steps_max;
    engine->heap_max = heap_bytes_max;
}

void kee_engine_log(struct kee_engine *engine, enum kee_vp_log_level level, struct kee_bytes text)
{
    if (engine->host.log != NULL) {
        engine->host.log(engine->host.context, level, text);
    }
}

const char *kee_engine_failure(const struct kee_engine *engine)
{
    return engine->failure;
}

uint64_t kee_engine_steps(const struct kee_engine *engine)
{
    return engine->steps;
}

/* The meter: a 32-bit count that wraps, read in intervals and at the end of the crank. */

static void count_steps(struct kee_engine *engine, txU4 index)
{
    engine->steps += index - engine->meter_seen;
    engine->meter_seen = index;
}

static txBoolean meter_met(txMachine *the, txU4 index)
{
    struct kee_engine *engine = the->context;
    count_steps(engine, index);
    if (engine->host.goes_on != NULL && engine->steps >= KEE_ENGINE_LONG_STEPS) {
        engine->host.goes_on(engine->host.context);
    }
    if (index > UINT32_MAX / 2) {
        the->meterIndex = 0;
        engine->meter_seen = 0;
    }
    if (engine->steps_limit == 0 || engine->steps <= engine->steps_limit) {
        return 1;
    }
    if (engine->host.more_steps != NULL) {
        uint64_t limit =
            engine->host.more_steps(engine->host.context, engine->steps, engine->steps_limit);
        if (limit > engine->steps_limit) {
            engine->steps_limit = limit;
            return 1;
        }
    }
    return 0;
}

/* Outcomes. */

static void report_rejection(struct kee_engine *engine)
{
    txMachine *the = engine->machine;
    struct kee_buf line = KEE_BUF_EMPTY;
    char text[512];
    if (engine->rejections++ < KEE_ENGINE_REJECTIONS_REPORTED) {
        kee_engine_describe(the, &mxException, text, sizeof text);
        kee_buf_put_str(&line, "unhandled rejection: ");
        kee_engine_put_text(&line, text);
        if (kee_buf_status(&line) == 0) {
            kee_engine_log(engine, KEE_VP_ERROR, kee_buf_bytes(&line));
        }
        kee_buf_fini(&line);
    }
    mxException.kind = XS_UNDEFINED_KIND;
}

void kee_engine_aborted(struct kee_engine *engine, int status)
{
    txMachine *the = engine->machine;
    if (status == XS_UNHANDLED_REJECTION_EXIT) {
        report_rejection(engine);
        return;
    }
    if (status == XS_UNHANDLED_EXCEPTION_EXIT) {
        kee_engine_describe(the, &mxException, engine->failure, sizeof engine->failure);
    }
    the->abortStatus = status == 0 ? XS_FATAL_CHECK_EXIT : status;
    fxExitToHost(the);
}

/* Puts the outcome of an aborted crank in words. */
static enum kee_engine_outcome name_outcome(struct kee_engine *engine)
{
    txMachine *the = engine->machine;
    char *text = engine->failure;
    size_t size = sizeof engine->failure;
    switch (the->abortStatus) {
    case 0:
        kee_engine_describe(the, &mxException, text, size);
        return KEE_ENGINE_THROWN;
    case XS_UNHANDLED_EXCEPTION_EXIT:
        return KEE_ENGINE_THROWN;
    case XS_NOT_ENOUGH_MEMORY_EXIT:
        if (engine->heap_max == 0) {
            snprintf(text, size, "ran out of memory");
        } else {
            snprintf(text, size, "ran out of memory (limit %llu MB)",
                     (unsigned long long)(engine->heap_max >> 20));
        }
        return KEE_ENGINE_NO_MEMORY;
    case XS_STACK_OVERFLOW_EXIT:
        snprintf(text, size, "stack overflow");
        return KEE_ENGINE_STACK;
    case XS_NO_MORE_KEYS_EXIT:
        snprintf(text, size, "ran out of property names");
        return KEE_ENGINE_NO_KEYS;
    case XS_TOO_MUCH_COMPUTATION_EXIT:
        snprintf(text, size, "ran out of computation (limit %llu steps)",
                 (unsigned long long)engine->steps_limit);
        return KEE_ENGINE_NO_STEPS;
    default:
        snprintf(text, size, "the engine stopped with status %d", the->abortStatus);
        return KEE_ENGINE_BROKEN;
    }
}

/* The crank. */

static void drain(txMachine *the)
{
    do {
        while (the->promiseJobs) {
            the->promiseJobs = 0;
            fxRunPromiseJobs(the);
        }
        fxEndJob(the);
    } while (the->promiseJobs);
}

static void report_rejections(struct kee_engine *engine)
{
    fxCheckUnhandledRejections(engine->machine, 1);
    if (engine->rejections > KEE_ENGINE_REJECTIONS_REPORTED) {
        char text[64];
        snprintf(text, sizeof text, "%u more unhandled rejections",
                 engine->rejections - KEE_ENGINE_REJECTIONS_REPORTED);
        kee_engine_log(engine, KEE_VP_ERROR, kee_bytes_str(text));
    }
    engine->rejections = 0;
}

static void run_inside(struct kee_engine *engine, const struct kee_engine_crank *crank)
{
    txMachine *the = engine->machine;
    fxBeginHost(the);
    fxBeginMetering(the, meter_met, KEE_ENGINE_METER_INTERVAL);
    crank->run(crank->context, the);
    drain(the);
    while (crank->settled != NULL && crank->settled(crank->context)) {
        drain(the);
    }
    count_steps(engine, the->meterIndex);
    fxEndMetering(the);
    report_rejections(engine);
    fxEndHost(the);
    kee_engine_settle_heap(engine);
}

int kee_engine_crank(struct kee_engine *engine, const struct kee_engine_crank *crank)
{
    txMachine *the = engine->machine;
    txJump jump;
    volatile int outcome = 0;
    unsigned long starved;

    kee_assert(the->firstJump == NULL); /* a crank is never inside another */
    engine->steps = 0;
    engine->steps_limit = engine->steps_max;
    engine->meter_seen = 0;
    engine->failure[0] = '\0';
    the->abortStatus = 0;
    starved = kee_fault_starved();

    jump.nextJump = NULL;
    jump.stack = the->stack;
    jump.scope = the->scope;
    jump.frame = the->frame;
    jump.code = the->code;
    jump.flag = 0;
    the->firstJump = &jump;
    if (c_setjmp(jump.buffer) == 0) {
        run_inside(engine, crank);
        if (kee_fault_starved() != starved) {
            /* Whoever was refused may have gone on with less, or thrown what vat code caught. */
            the->abortStatus = XS_NOT_ENOUGH_MEMORY_EXIT;
            outcome = (int)name_outcome(engine);
        }
    } else {
        if (kee_fault_starved() != starved) {
            the->abortStatus = XS_NOT_ENOUGH_MEMORY_EXIT; /* whatever it was called */
        }
        outcome = (int)name_outcome(engine);
        mxException.kind = XS_UNDEFINED_KIND;
        count_steps(engine, the->meterIndex);
        fxEndMetering(the);
        the->stack = jump.stack;
        the->scope = jump.scope;
        the->frame = jump.frame;
        the->code = jump.code;
    }
    the->firstJump = NULL;
    return outcome;
}

/* Randomness: xoshiro256++, seeded by the kernel. Good enough for Math.random, which promises
 * nothing; keys come from a cipher's stream, whose key is derived from the seed. */

static uint64_t rotate(uint64_t x, int k)
{
    return (x << k) | (x >> (64 - k));
}

double kee_engine_random(struct kee_engine *engine)
{
    uint64_t *s = engine->random;
    uint64_t result = rotate(s[0] + s[3], 23) + s[0];
    uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate(s[3], 45);
    return (double)(result >> 11) * 0x1.0p-53;
}

void kee_engine_random_bytes(struct kee_engine *engine, uint8_t *out, size_t size)
{
    uint8_t nonce[crypto_stream_chacha20_NONCEBYTES] = {0};
    /* Each call has a stream of its own. */
    for (size_t i = 0; i < sizeof engine->secret_calls; i++) {
        nonce[i] = (uint8_t)(engine->secret_calls >> (8 * i));
    }
    engine->secret_calls++;
    crypto_stream_chacha20(out, size, nonce, engine->secret_key);
}

void kee_engine_set_seed(struct kee_engine *engine, struct kee_bytes seed)
{
    static const char context[] = "keeve: crypto of a vat";
    crypto_generichash(engine->secret_key, sizeof engine->secret_key, seed.data, seed.size,
                       (const uint8_t *)context, sizeof context);
    engine->secret_calls = 0;
    memset(engine->random, 0, sizeof engine->random);
    if (seed.size > 0) {
        memcpy(engine->random, seed.data,
               seed.size < sizeof engine->random ? seed.size : sizeof engine->random);
    }
    if ((engine->random[0] | engine->random[1] | engine->random[2] | engine->random[3]) == 0) {
        engine->random[0] = 1; /* the all-zero state is a fixed point */
    }
    for (int i = 0; i < 16; i++) {
        kee_engine_random(engine); /* lets neighbouring seeds part */
    }
}
