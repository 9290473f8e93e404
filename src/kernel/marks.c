/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/marks.h"

#include <stdlib.h>

#include "base/fault.h"

#define WORDS (KEE_MARKS_CHUNK / 64)

struct chunk {
    struct kee_link gray; /* linked to itself while no number here is gray */
    struct kee_marks *of;
    uint64_t first; /* the number of its first bit */
    uint64_t marked[WORDS], scanned[WORDS];
};

void kee_marks_fini(struct kee_marks *marks)
{
    struct chunk *chunk;
    size_t at = 0;

    while ((chunk = kee_map_next(&marks->chunks, &at)) != NULL) {
        kee_list_remove(&chunk->gray);
        free(chunk);
    }
    kee_map_fini(&marks->chunks);
}

static struct chunk *find(const struct kee_marks *marks, uint64_t n)
{
    return kee_map_get(&marks->chunks, n / KEE_MARKS_CHUNK + 1);
}

static struct chunk *make(struct kee_marks *marks, uint64_t n)
{
    struct chunk *chunk = find(marks, n);

    if (chunk != NULL) {
        return chunk;
    }
    chunk = calloc(1, sizeof *chunk);
    if (chunk == NULL || kee_map_put(&marks->chunks, n / KEE_MARKS_CHUNK + 1, chunk) < 0) {
        free(chunk);
        return NULL;
    }
    kee_list_init(&chunk->gray);
    chunk->of = marks;
    chunk->first = n - n % KEE_MARKS_CHUNK;
    return chunk;
}

static uint64_t bit_of(uint64_t n)
{
    return (uint64_t)1 << (n % 64);
}

static size_t word_of(uint64_t n)
{
    return (size_t)(n % KEE_MARKS_CHUNK / 64);
}

bool kee_marks_has_room(const struct kee_marks *marks, uint64_t n)
{
    return find(marks, n) != NULL;
}

int kee_marks_mark(struct kee_marks *marks, uint64_t n)
{
    struct chunk *chunk = make(marks, n);

    if (chunk == NULL) {
        return kee_fault(KEE_FAULT_MEMORY, "marks");
    }
    if ((chunk->marked[word_of(n)] & bit_of(n)) == 0) {
        chunk->marked[word_of(n)] |= bit_of(n);
        marks->marked++;
        if (kee_list_is_empty(&chunk->gray)) {
            kee_list_append(marks->gray, &chunk->gray);
        }
    }
    return 0;
}

bool kee_marks_is_marked(const struct kee_marks *marks, uint64_t n)
{
    const struct chunk *chunk = find(marks, n);

    return chunk != NULL && (chunk->marked[word_of(n)] & bit_of(n)) != 0;
}

int kee_marks_list(struct kee_marks *marks, uint64_t n)
{
    struct chunk *chunk = make(marks, n);

    if (chunk == NULL) {
        return kee_fault(KEE_FAULT_MEMORY, "marks");
    }
    if (((chunk->marked[word_of(n)] | chunk->scanned[word_of(n)]) & bit_of(n)) != 0) {
        return 0;
    }
    chunk->scanned[word_of(n)] |= bit_of(n);
    return 1;
}

bool kee_marks_take_gray(struct kee_link *gray, struct kee_marks **marks, uint64_t *n)
{
    while (!kee_list_is_empty(gray)) {
        struct chunk *chunk = KEE_CONTAINER(gray->next, struct chunk, gray);
        for (size_t i = 0; i < WORDS; i++) {
            uint64_t left = chunk->marked[i] & ~chunk->scanned[i];
            if (left != 0) {
                chunk->scanned[i] |= left & -left;
                *marks = chunk->of;
                *n = chunk->first + i * 64 + (uint64_t)__builtin_ctzll(left);
                return true;
            }
        }
        kee_list_remove(&chunk->gray);
    }
    return false;
}
