/* SPDX-License-Identifier: Apache-2.0 */
/*
 * place - where in a value a codec stands, kept as a chain on the stack and written only when
 * something is wrong there: "at [1].price: expected ..., found ...".
 */
#ifndef KEE_VALUE_PLACE_H
#define KEE_VALUE_PLACE_H

#include "base/bytes.h"

struct kee_place {
    const struct kee_place *outer; /* NULL at the root */
    struct kee_bytes name;         /* of a member; data NULL for an item */
    size_t index;                  /* of an item */
    unsigned depth;
};

#define KEE_PLACE_ROOT ((struct kee_place){NULL, {NULL, 0}, 0, 0})

static inline struct kee_place kee_place_item(const struct kee_place *outer, size_t index)
{
    return (struct kee_place){outer, {NULL, 0}, index, outer->depth + 1};
}

struct kee_place kee_place_member(const struct kee_place *outer, struct kee_bytes name);

/* Writes "at PLACE: " and the sentence into why (cleared first). Returns KEE_VALUE_BAD. */
int kee_place_bad(const struct kee_place *place, struct kee_buf *why, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* At most this much of found text goes into a sentence; give it to "%.*s". */
#define KEE_PLACE_SHOWN(bytes)                                                                     \
    (int)((bytes).size < 40 ? (bytes).size : 40), (const char *)(bytes).data

#endif
