/* SPDX-License-Identifier: Apache-2.0 */
/*
 * heap - what a machine's memory is charged to, and when it is collected.
 *
 * Left to itself the engine grows by fixed steps, and each step costs collections: with a large live
 * heap almost every allocation collects. So the collection is made when a crank is over, once the heap
 * has doubled, and room is made at once in proportion to what lives.
 */
#include <malloc.h>
#include <sys/mman.h>

#include "vat/engine/engine_internal.h"

/* Garbage below this is not worth a collection. */
#define SLACK_SLOTS 8192
#define SLACK_CHUNKS (256 * 1024)
/* Slots are added in whole thousands: the engine's own counting goes wrong with one or two. */
#define SLOTS_UNIT 1024
#define CHUNKS_UNIT ((size_t)64 * 1024)
#define PAGE 4096u
/* The least step of growth inside a crank. */
#define CHUNKS_STEP ((size_t)256 * 1024)
#define SLOTS_STEP ((size_t)16 * 1024)

bool kee_engine_has_room(const struct kee_engine *engine, size_t bytes)
{
    return engine->heap_max == 0 || engine->heap_charged + bytes <= engine->heap_max;
}

bool kee_engine_charge(struct kee_engine *engine, size_t bytes)
{
    if (!kee_engine_has_room(engine, bytes) && engine->host.more_memory != NULL) {
        uint64_t wanted = engine->heap_charged + bytes;
        uint64_t limit = engine->host.more_memory(engine->host.context, wanted, engine->heap_max);
        if (limit > engine->heap_max) {
            engine->heap_max = limit;
        }
    }
    if (!kee_engine_has_room(engine, bytes)) {
        return false;
    }
    engine->heap_charged += bytes;
    return true;
}

/* The next step of growth inside a crank: wanted, so that a crank which fills the heap collects a few
 * times and not hundreds; but not more than a quarter of what the limit leaves, so that it is not met
 * early. */
static size_t next_step(const struct kee_engine *engine, size_t wanted, size_t least)
{
    size_t step = wanted;
    if (engine->heap_max != 0) {
        size_t left = engine->heap_max > engine->heap_charged
                          ? (size_t)(engine->heap_max - engine->heap_charged)
                          : 0;
        step = step < left / 4 ? step : left / 4;
    }
    return step > least ? step : least;
}

void kee_engine_scale_steps(struct kee_engine *engine)
{
    txMachine *the = engine->machine;
    if (the != NULL) {
        /* A collection takes the spare room of arrays away, so that each growing one is copied once
         * after it: chunks need as much again as is in use, slots half as much. */
        size_t chunks = next_step(engine, (size_t)the->currentChunksSize, CHUNKS_STEP);
        size_t slots = next_step(engine, (size_t)the->currentHeapCount * sizeof(txSlot) / 2,
                                 SLOTS_STEP * sizeof(txSlot));
        the->minimumChunksSize = (txSize)(chunks / CHUNKS_UNIT * CHUNKS_UNIT);
        the->minimumHeapCount = (txSize)(slots / sizeof(txSlot) / SLOTS_UNIT * SLOTS_UNIT);
    }
}

void kee_engine_reset_steps(struct kee_engine *engine)
{
    engine->machine->minimumChunksSize = CHUNKS_STEP;
    engine->machine->minimumHeapCount = SLOTS_STEP;
}

uint64_t kee_engine_heap_live(const struct kee_engine *engine)
{
    return (uint64_t)engine->live_slots * sizeof(txSlot) + (uint64_t)engine->live_chunks;
}

uint64_t kee_engine_heap_charged(const struct kee_engine *engine)
{
    return engine->heap_charged;
}

/* Weak references stay as they are unless weak is true. */
static void collect(struct kee_engine *engine, bool weak)
{
    txMachine *the = engine->machine;
    fxCollect(the, weak ? XS_COMPACT_FLAG : XS_COMPACT_FLAG | XS_ORGANIC_FLAG);
    engine->live_slots = the->currentHeapCount;
    engine->live_chunks = the->currentChunksSize;
}

/* Room for as many slots again as live, if the limit has it. */
static void grow_slots(struct kee_engine *engine)
{
    txMachine *the = engine->machine;
    txSize spare = the->maximumHeapCount - the->currentHeapCount;
    txSize wanted = engine->live_slots + SLACK_SLOTS;
    if (spare < wanted) {
        txSize count = (wanted - spare + SLOTS_UNIT - 1) / SLOTS_UNIT * SLOTS_UNIT;
        if (kee_engine_has_room(engine, (size_t)count * sizeof(txSlot))) {
            fxGrowSlots(the, count);
        }
    }
}

/* The same for chunks. The block is extended in place, in the range reserved for it; the engine's
 * own way would collect again first. */
static void grow_chunks(struct kee_engine *engine)
{
    txMachine *the = engine->machine;
    txBlock *block = the->firstBlock;
    size_t used = (size_t)(block->limit - (txByte *)block);
    txSize spare = (txSize)(block->limit - block->current);
    txSize wanted = engine->live_chunks + SLACK_CHUNKS;
    if (spare < wanted) {
        txSize size =
            (wanted - spare + (txSize)CHUNKS_UNIT - 1) / (txSize)CHUNKS_UNIT * (txSize)CHUNKS_UNIT;
        if (used + (size_t)size <= KEE_ENGINE_CHUNK_RANGE &&
            kee_engine_has_room(engine, (size_t)size) && kee_engine_charge(engine, (size_t)size)) {
            block->limit += size;
            the->maximumChunksSize += size;
        }
    }
}

void kee_engine_settle_heap(struct kee_engine *engine)
{
    txMachine *the = engine->machine;
    if (the->currentHeapCount <= 2 * engine->live_slots + SLACK_SLOTS &&
        the->currentChunksSize <= 2 * engine->live_chunks + SLACK_CHUNKS) {
        return;
    }
    collect(engine, false);
    grow_slots(engine);
    grow_chunks(engine);
}

/* Pages that hold nothing any more go back to the system: a vat keeps what lives in it, not the most
 * that one crank ever needed. */
static void give_back(txMachine *the)
{
    txBlock *block = the->firstBlock;
    uintptr_t from = ((uintptr_t)block->current + PAGE - 1) & ~(uintptr_t)(PAGE - 1);
    uintptr_t to = (uintptr_t)block->limit & ~(uintptr_t)(PAGE - 1);

    if (from < to) {
        madvise((void *)from, to - from, MADV_DONTNEED);
    }
    malloc_trim(0);
}

void kee_engine_collect_inside(struct kee_engine *engine)
{
    collect(engine, true);
    give_back(engine->machine);
}

static void collect_in_crank(void *context, struct sxMachine *machine)
{
    kee_engine_collect_inside(context);
}

void kee_engine_collect(struct kee_engine *engine)
{
    const struct kee_engine_crank crank = {.context = engine, .run = collect_in_crank};
    kee_engine_crank(engine, &crank);
}
