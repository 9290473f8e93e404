/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rowtext - the JSON text in the rows of a vat's store, written as JSON.stringify writes it so that
 * rows equal those of other implementations byte for byte:
 *
 *   capdata   {"body":"#...","slots":["o+d10/1"]}
 *   state     {"name":capdata,...}      descriptors and tables: small objects of numbers and strings
 *
 * Text is UTF-8; a lone surrogate stands in memory as its three bytes and in a row as \udXXX.
 * Reading is by a cursor that goes failed for good at the first thing wrong; check it last.
 */
#ifndef KEE_VAT_LIVESLOTS_ROWTEXT_H
#define KEE_VAT_LIVESLOTS_ROWTEXT_H

#include "base/bytes.h"
#include "vatproto/vatproto.h"

void kee_row_put_string(struct kee_buf *out, struct kee_bytes text);
void kee_row_put_capdata(struct kee_buf *out, struct kee_bytes body, struct kee_vp_strings slots);

struct kee_row_cursor {
    struct kee_bytes rest;
    bool first; /* nothing of the object or array entered last was read yet */
    bool failed;
};

static inline struct kee_row_cursor kee_row_read(struct kee_bytes text)
{
    return (struct kee_row_cursor){text, true, false};
}

/* Steps into an object ('{') or array ('['). */
void kee_row_enter(struct kee_row_cursor *cursor, char bracket);
/* The next member of the object: its name is appended to name, and its value is to be read next.
 * False behind the last one, which also steps out. */
bool kee_row_member(struct kee_row_cursor *cursor, struct kee_buf *name);
/* The same for an array. */
bool kee_row_element(struct kee_row_cursor *cursor);
/* Reads a string value, appending it to out. */
void kee_row_string(struct kee_row_cursor *cursor, struct kee_buf *out);
/* Reads a whole number of at most 2^53. */
uint64_t kee_row_number(struct kee_row_cursor *cursor);
/* Reads any value and gives its text, borrowed from what the cursor reads. */
struct kee_bytes kee_row_value(struct kee_row_cursor *cursor);

/* Reads a capdata. body and slots (as in frames) are appended to; either may be NULL. Returns the
 * number of slots. */
uint32_t kee_row_capdata(struct kee_row_cursor *cursor, struct kee_buf *body,
                         struct kee_buf *slots);

#endif
