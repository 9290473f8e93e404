/* SPDX-License-Identifier: Apache-2.0 */
/* encode - what the writers of bodies share: the state of one writing. */
#ifndef KEE_VALUE_ENCODE_H
#define KEE_VALUE_ENCODE_H

#include "base/map.h"
#include "value/place.h"
#include "value/value.h"

struct kee_encode {
    struct kee_arena *arena;
    struct kee_buf *why;
    struct kee_buf text;
    struct kee_map seen; /* hash of a slot's name, or the next free number after it, to its index */
    struct kee_buf slots; /* struct kee_bytes, one after another */
    size_t slot_count;
};

/* The index of slot, given at its first use. Outcome BAD: too many. */
int kee_encode_slot(struct kee_encode *encode, struct kee_bytes slot, const struct kee_place *place,
                    size_t *index, bool *first);

/* The members of a record in order of their names; in the arena. */
int kee_encode_sorted(struct kee_encode *encode, const struct kee_value *record,
                      const struct kee_member ***out);

/* Outcome BAD. */
int kee_encode_too_deep(struct kee_encode *encode, const struct kee_place *place);

/* Ends a writing that came to r: makes the body in the arena, and frees what else there is. Outcome BAD:
 * too large. */
int kee_encode_end(struct kee_encode *encode, int r, struct kee_body *out);

#endif
