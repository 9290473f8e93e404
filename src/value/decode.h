/* SPDX-License-Identifier: Apache-2.0 */
/* decode - what the decoders of this directory share: reading JSON, and the state of one reading. */
#ifndef KEE_VALUE_DECODE_H
#define KEE_VALUE_DECODE_H

#include <jansson.h>

#include "value/place.h"
#include "value/value.h"

struct kee_decode {
    struct kee_arena *arena;
    struct kee_buf *why;
    const struct kee_bytes *slots;
    size_t slot_count;
    bool hidden; /* texts have what lone.h hides */
};

/* Parses text as one JSON value of any kind; the caller decrefs *out. Outcome BAD. */
int kee_decode_json(struct kee_decode *decode, struct kee_bytes text, json_t **out);

/* Turns a member of an array or record into a value: what differs between the encodings. */
typedef int kee_decode_fn(struct kee_decode *decode, const json_t *json,
                          const struct kee_place *place, struct kee_value **out);

kee_decode_fn kee_decode_smallcaps;
kee_decode_fn kee_decode_capdata;

/* Outcome BAD beyond KEE_LIMIT_VALUE_DEPTH: each level costs frames of the C stack. */
int kee_decode_depth(struct kee_decode *decode, const struct kee_place *place);

/* Null, booleans, numbers and arrays mean the same everywhere. Not for strings and objects. */
int kee_decode_plain(struct kee_decode *decode, const json_t *json, const struct kee_place *place,
                     kee_decode_fn *item, struct kee_value **out);

/* Every member through item, names as they stand. */
int kee_decode_members(struct kee_decode *decode, const json_t *json, const struct kee_place *place,
                       kee_decode_fn *item, struct kee_value **out);

/* A copy in the arena of a JSON string's content, or of a member's name; data NULL when memory is out. */
struct kee_bytes kee_decode_copy(struct kee_decode *decode, struct kee_bytes text);
struct kee_bytes kee_decode_text(struct kee_decode *decode, const json_t *json);

int kee_decode_string(struct kee_decode *decode, struct kee_bytes text, struct kee_value **out);
int kee_decode_number(struct kee_decode *decode, double number, struct kee_value **out);
/* digits: outcome BAD unless they are a bigint's. */
int kee_decode_bigint(struct kee_decode *decode, struct kee_bytes digits,
                      const struct kee_place *place, struct kee_value **out);
int kee_decode_symbol(struct kee_decode *decode, struct kee_bytes name, struct kee_value **out);
int kee_decode_slot(struct kee_decode *decode, uint64_t index, struct kee_bytes iface,
                    const struct kee_place *place, struct kee_value **out);
/* name may have data NULL: "Error" then. */
int kee_decode_error(struct kee_decode *decode, struct kee_bytes name, struct kee_bytes message,
                     struct kee_bytes id, struct kee_value **out);
/* undefined, NaN, Infinity, -Infinity by name; outcome BAD otherwise. */
int kee_decode_constant(struct kee_decode *decode, struct kee_bytes name,
                        const struct kee_place *place, struct kee_value **out);

#endif
