/* SPDX-License-Identifier: Apache-2.0 */
/* alloc_fault - see alloc_fault.h. */
#include "alloc_fault.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>

/* The names are the linker's. */
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);

/* Atomic, since a program may have a thread that allocates, too. */
struct state {
    _Atomic uint64_t left; /* 0: nothing armed */
    atomic_bool on;
    atomic_bool fired;
};

static struct state own;
static struct state *state = &own;

static bool fails(void)
{
    if (!atomic_load_explicit(&state->on, memory_order_relaxed) ||
        atomic_load_explicit(&state->left, memory_order_relaxed) == 0 ||
        atomic_fetch_sub_explicit(&state->left, 1, memory_order_relaxed) != 1) {
        return false;
    }
    state->fired = true;
    return true;
}

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    return fails() ? NULL : __real_realloc(old, size);
}

void alloc_fault_arm(uint64_t nth)
{
    state->left = nth;
    state->fired = false;
}

void alloc_fault_on(bool on)
{
    state->on = on;
}

bool alloc_fault_disarm(void)
{
    state->left = 0;
    return state->fired;
}

void alloc_fault_begin(uint64_t nth)
{
    alloc_fault_arm(nth);
    alloc_fault_on(true);
}

bool alloc_fault_end(void)
{
    alloc_fault_on(false);
    return alloc_fault_disarm();
}

void alloc_fault_share(void)
{
    void *room =
        mmap(NULL, sizeof *state, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (room == MAP_FAILED) {
        abort();
    }
    state = room;
}

void *alloc_fault_malloc(size_t size)
{
    return __wrap_malloc(size);
}
