/* SPDX-License-Identifier: Apache-2.0 */
/*
 * arena - memory that is freed all at once: the tree of one message, the work of one crank.
 *
 * Owns     its blocks. What it gives lives until fini.
 * Threads  none.
 */
#ifndef KEE_BASE_ARENA_H
#define KEE_BASE_ARENA_H

#include "base/bytes.h"

struct kee_arena_block;

struct kee_arena {
    struct kee_arena_block *newest;
};

#define KEE_ARENA_EMPTY ((struct kee_arena){NULL})

void kee_arena_fini(struct kee_arena *arena);

/* Zeroed and aligned for any type; NULL when memory is out. size 0 gives a valid pointer. */
void *kee_arena_alloc(struct kee_arena *arena, size_t size);

/* A copy with a NUL after it that is not counted; data is NULL when memory is out. */
struct kee_bytes kee_arena_copy(struct kee_arena *arena, struct kee_bytes bytes);

#endif
