/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lone - half surrogate pairs, which JavaScript's strings may hold and UTF-8 may not.
 *
 *   in JSON text   \ud800                in a tree   its three bytes, ed a0 80
 *
 * The parser of JSON refuses them, so they are hidden from it: before parsing each becomes a mark and its
 * four digits, after parsing three bytes. U+10FFFF, which is no character, is the mark; where a text has
 * it itself, an x follows in place of digits.
 */
#ifndef KEE_VALUE_LONE_H
#define KEE_VALUE_LONE_H

#include "base/arena.h"

/* Has JSON text such a half? */
bool kee_lone_found(struct kee_bytes json);
/* Appends json with the halves, and the marks there were, hidden. */
void kee_lone_hide(struct kee_bytes json, struct kee_buf *out);
/* The way back, for a text that was parsed; data NULL when memory is out. */
struct kee_bytes kee_lone_show(struct kee_bytes text, struct kee_arena *arena);

/* The half at the front of text, in its three bytes; 0 if there is none. */
static inline uint32_t kee_lone_at(struct kee_bytes text)
{
    if (text.size < 3 || text.data[0] != 0xed || text.data[1] < 0xa0) {
        return 0;
    }
    return 0xd000u | (uint32_t)(text.data[1] & 0x3f) << 6 | (text.data[2] & 0x3f);
}

#endif
