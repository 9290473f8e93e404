/* SPDX-License-Identifier: Apache-2.0 */
/* encode - see encode.h. */
#include "value/encode.h"

#include <stdlib.h>

#include "base/fault.h"
#include "base/limits.h"
#include "value/text.h"

struct slot_seen {
    struct kee_bytes slot;
    size_t index;
};

static uint64_t hash_of(struct kee_bytes text)
{
    uint64_t hash = 14695981039346656037u;

    for (size_t i = 0; i < text.size; i++) {
        hash = (hash ^ text.data[i]) * 1099511628211u;
    }
    return hash | 1;
}

int kee_encode_slot(struct kee_encode *encode, struct kee_bytes slot, const struct kee_place *place,
                    size_t *index, bool *first)
{
    uint64_t key = hash_of(slot);
    struct slot_seen *seen;

    while ((seen = kee_map_get(&encode->seen, key)) != NULL) {
        if (kee_bytes_equal(seen->slot, slot)) {
            *index = seen->index;
            *first = false;
            return 0;
        }
        key = key + 1 == 0 ? 1 : key + 1;
    }
    if (encode->slot_count == KEE_LIMIT_SLOTS) {
        return kee_place_bad(place, encode->why, "more than %u references in one value",
                             KEE_LIMIT_SLOTS);
    }
    seen = kee_arena_alloc(encode->arena, sizeof *seen);
    if (seen == NULL) {
        return kee_fault(KEE_FAULT_MEMORY, "a slot");
    }
    seen->slot = slot;
    seen->index = *index = encode->slot_count++;
    *first = true;
    kee_buf_put(&encode->slots, &slot, sizeof slot);
    return kee_map_put(&encode->seen, key, seen);
}

static int member_order(const void *a, const void *b)
{
    const struct kee_member *const *x = a;
    const struct kee_member *const *y = b;

    return kee_text_compare_utf16((*x)->name, (*y)->name);
}

int kee_encode_sorted(struct kee_encode *encode, const struct kee_value *record,
                      const struct kee_member ***out)
{
    size_t count = record->as.record.count;
    const struct kee_member **sorted = kee_arena_alloc(encode->arena, count * sizeof(void *));

    if (sorted == NULL) {
        return kee_fault(KEE_FAULT_MEMORY, "sorting a record's members");
    }
    for (size_t i = 0; i < count; i++) {
        sorted[i] = &record->as.record.members[i];
    }
    qsort(sorted, count, sizeof(void *), member_order);
    *out = sorted;
    return 0;
}

int kee_encode_too_deep(struct kee_encode *encode, const struct kee_place *place)
{
    return kee_place_bad(place, encode->why, "nested deeper than %u levels", KEE_LIMIT_VALUE_DEPTH);
}

int kee_encode_end(struct kee_encode *encode, int r, struct kee_body *out)
{
    struct kee_place root = KEE_PLACE_ROOT;

    if (r == 0) {
        r = kee_buf_status(&encode->text);
    }
    if (r == 0) {
        r = kee_buf_status(&encode->slots);
    }
    if (r == 0 && encode->text.size > KEE_LIMIT_BODY_BYTES) {
        r = kee_place_bad(&root, encode->why, "the body has %zu bytes; the limit is %u",
                          encode->text.size, KEE_LIMIT_BODY_BYTES);
    }
    if (r == 0) {
        struct kee_bytes slots = kee_arena_copy(encode->arena, kee_buf_bytes(&encode->slots));
        out->text = kee_arena_copy(encode->arena, kee_buf_bytes(&encode->text));
        out->slots = (const struct kee_bytes *)(const void *)slots.data;
        out->slot_count = encode->slot_count;
        if (slots.data == NULL || out->text.data == NULL) {
            r = kee_fault(KEE_FAULT_MEMORY, "a body");
        }
    }
    kee_buf_fini(&encode->text);
    kee_buf_fini(&encode->slots);
    kee_map_fini(&encode->seen);
    return r;
}
