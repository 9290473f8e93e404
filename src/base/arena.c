/* SPDX-License-Identifier: Apache-2.0 */
/* arena - see arena.h. Blocks in a list, the newest first; what is large gets a block of its own. */
#include "base/arena.h"

#include <stdlib.h>

#define BLOCK_BYTES 8192u
#define ALIGNMENT 16u

struct kee_arena_block {
    struct kee_arena_block *older;
    size_t used;
    size_t room;
    /* The content follows; the padding keeps it aligned. */
    size_t padding;
};

void kee_arena_fini(struct kee_arena *arena)
{
    while (arena->newest != NULL) {
        struct kee_arena_block *older = arena->newest->older;
        free(arena->newest);
        arena->newest = older;
    }
}

void *kee_arena_alloc(struct kee_arena *arena, size_t size)
{
    struct kee_arena_block *block = arena->newest;
    void *out;

    if (size > SIZE_MAX / 2) {
        return NULL;
    }
    size = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (block == NULL || block->room - block->used < size) {
        size_t room = size > BLOCK_BYTES ? size : BLOCK_BYTES;
        block = calloc(1, sizeof *block + room);
        if (block == NULL) {
            return NULL;
        }
        block->room = room;
        block->older = arena->newest;
        arena->newest = block;
    }
    out = (uint8_t *)(block + 1) + block->used;
    block->used += size;
    return out;
}

struct kee_bytes kee_arena_copy(struct kee_arena *arena, struct kee_bytes bytes)
{
    uint8_t *copy = bytes.size == SIZE_MAX ? NULL : kee_arena_alloc(arena, bytes.size + 1);

    if (copy == NULL) {
        return kee_bytes_of(NULL, 0);
    }
    if (bytes.size > 0) {
        memcpy(copy, bytes.data, bytes.size);
    }
    return kee_bytes_of(copy, bytes.size);
}
