/* SPDX-License-Identifier: Apache-2.0 */
/*
 * xs_platform - the functions the engine expects of its platform. Memory is charged to the engine
 * that owns the machine (its context); there are no file modules and no debugger.
 */
#include <malloc.h>
#include <sys/mman.h>

#include "base/assert.h"
#include "base/fault.h"
#include "vat/engine/engine_internal.h"

/* The end of this thread's C stack, looked up once: asking the system opens a file of /proc, and the
 * engine asks at every parse. The one mutable global here; no machine comes with the question. */
static _Thread_local char *stack_end;

char *fxCStackLimit(void)
{
    return stack_end;
}

static int compare_bytes(const void *a, const void *b)
{
    return memcmp(a, b, 1);
}

/* The C library asks for the size of the memory at the first large sort, a system call that the jail
 * does not have, and remembers it. */
static void sort_once(void)
{
    char items[4096] = {1};
    qsort(items, sizeof items, 1, compare_bytes);
}

void kee_engine_thread_init(void)
{
    pthread_attr_t attributes;
    void *base = NULL;
    size_t size = 0;
    int r = pthread_getattr_np(pthread_self(), &attributes);
    kee_assert(r == 0);
    r = pthread_attr_getstack(&attributes, &base, &size);
    kee_assert(r == 0);
    pthread_attr_destroy(&attributes);
#ifdef mxASANStackMargin
    stack_end = (char *)base + (size_t)mxASANStackMargin + (size_t)128 * 1024;
#else
    stack_end = (char *)base + (size_t)128 * 1024;
#endif
    sort_once();
}

void kee_engine_process_init(void)
{
    kee_engine_thread_init();
    /* The parser takes and frees 8 MB at every parse: without a fixed threshold malloc keeps them. */
    mallopt(M_MMAP_THRESHOLD, 256 * 1024);
    mallopt(M_TRIM_THRESHOLD, 256 * 1024);
}

void *fxAllocateChunks(txMachine *the, txSize size)
{
    struct kee_engine *engine = the->context;
    char *base = (char *)the->firstBlock;
    if (size < 0 || (size_t)size > KEE_ENGINE_CHUNK_RANGE) {
        return NULL;
    }
    if (base != NULL) {
        size_t used = (size_t)((char *)the->firstBlock->limit - base);
        if (used + (size_t)size > KEE_ENGINE_CHUNK_RANGE ||
            !kee_engine_charge(engine, (size_t)size)) {
            return NULL;
        }
        kee_engine_scale_steps(engine);
        return base + used;
    }
    if (!kee_engine_charge(engine, (size_t)size)) {
        return NULL;
    }
    void *range = mmap(NULL, KEE_ENGINE_CHUNK_RANGE, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return range == MAP_FAILED ? NULL : range;
}

void fxFreeChunks(txMachine *the, void *chunks)
{
    munmap(chunks, KEE_ENGINE_CHUNK_RANGE);
}

txSlot *fxAllocateSlots(txMachine *the, txSize count)
{
    struct kee_engine *engine = the->context;
    if (count <= 0 || !kee_engine_charge(engine, (size_t)count * sizeof(txSlot))) {
        return NULL;
    }
    kee_engine_scale_steps(engine);
    txSlot *slots = kee_engine_calloc((size_t)count, sizeof(txSlot));
    if (slots == NULL && engine->machine == NULL) {
        fxAbort(the, XS_NOT_ENOUGH_MEMORY_EXIT); /* the stack of a new machine is taken as given */
    }
    return slots;
}

void fxFreeSlots(txMachine *the, void *slots)
{
    free(slots);
}

void fxCreateMachinePlatform(txMachine *the)
{
}

void fxDeleteMachinePlatform(txMachine *the)
{
}

void fxQueuePromiseJobs(txMachine *the)
{
    the->promiseJobs = 1;
}

txID fxFindModule(txMachine *the, txSlot *realm, txID module, txSlot *slot)
{
    return XS_NO_ID;
}

void fxLoadModule(txMachine *the, txSlot *module, txID id)
{
}

static void *given(void *memory)
{
    if (memory == NULL) {
        kee_fault_starve();
    }
    return memory;
}

void *kee_engine_malloc(size_t size)
{
    return given(malloc(size));
}

void *kee_engine_calloc(size_t count, size_t size)
{
    return given(calloc(count, size));
}

void *kee_engine_realloc(void *old, size_t size)
{
    return given(realloc(old, size));
}

void fxAbort(txMachine *the, int status)
{
    struct kee_engine *engine = the->context;
    if (engine->machine == NULL) { /* while it is being made or read: its maker catches this */
        engine->making_failed = status;
        the->abortStatus = status;
        fxExitToHost(the);
    }
    kee_engine_aborted(engine, status);
}

void kee_engine_starved(void *machine)
{
    fxAbort(machine, XS_NOT_ENOUGH_MEMORY_EXIT);
}
