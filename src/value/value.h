/* SPDX-License-Identifier: Apache-2.0 */
/*
 * value - the tree of passable values that stands between codecs.
 *
 *   smallcaps body ─┐                            ┌─ smallcaps body + slots
 *   capdata body ───┼──►  struct kee_value  ──►──┤
 *   JSON text ──────┘                            └─ JSON text
 *
 * Bodies are opaque to the kernel; this tree exists only at doors: the command line, the parameters
 * of a launch, later host sessions.
 *
 * Owns     nothing: nodes and text live in the arena they were made in.
 * Returns  of the codecs: 0 done; KEE_VALUE_BAD, with a sentence in why naming the place in the
 *          value, what was expected and what was found; <0 fault.
 */
#ifndef KEE_VALUE_VALUE_H
#define KEE_VALUE_VALUE_H

#include "base/arena.h"
#include "base/bytes.h"

enum kee_value_outcome { KEE_VALUE_BAD = 1 };

enum kee_value_kind {
    KEE_VALUE_NULL,
    KEE_VALUE_UNDEFINED,
    KEE_VALUE_BOOLEAN,
    KEE_VALUE_NUMBER, /* a double, as in JavaScript */
    KEE_VALUE_BIGINT, /* text: decimal digits without leading zero, perhaps a '-' */
    KEE_VALUE_STRING, /* text: UTF-8; half a surrogate pair stands as its three bytes */
    KEE_VALUE_SYMBOL, /* text: its name; well-known ones begin with @@ */
    KEE_VALUE_ARRAY,
    KEE_VALUE_RECORD,
    KEE_VALUE_TAGGED,
    KEE_VALUE_ERROR,
    KEE_VALUE_REMOTABLE, /* ref: an object or a device */
    KEE_VALUE_PROMISE,   /* ref */
};

struct kee_value {
    enum kee_value_kind kind;
    union {
        bool boolean;
        double number;
        struct kee_bytes text;
        struct {
            struct kee_value **items;
            size_t count;
        } array;
        struct {
            struct kee_member *members; /* in the order they were given; names are unique */
            size_t count;
        } record;
        struct {
            struct kee_bytes tag;
            struct kee_value *payload;
        } tagged;
        struct {
            struct kee_bytes name;
            struct kee_bytes message;
            struct kee_bytes id; /* empty if it has none */
        } error;
        struct {
            struct kee_bytes slot;  /* the reference's name: "ko4", "o-50" */
            struct kee_bytes iface; /* empty if not told */
        } ref;
    } as;
};

struct kee_member {
    struct kee_bytes name;
    struct kee_value *value;
};

/* A body and the references it names by index. Borrowed or in an arena, as the maker says. */
struct kee_body {
    struct kee_bytes text;
    const struct kee_bytes *slots;
    size_t slot_count;
};

/* Makers: NULL when memory is out. Text is borrowed, to live as long as the node. */
struct kee_value *kee_value_new(struct kee_arena *arena, enum kee_value_kind kind);
struct kee_value *kee_value_string(struct kee_arena *arena, struct kee_bytes text);
struct kee_value *kee_value_array(struct kee_arena *arena,
                                  size_t count); /* items to be filled in */
struct kee_value *kee_value_record(struct kee_arena *arena, size_t count); /* likewise */
/* A PROMISE if the slot's name says so (kp..., p+..., p-...), else a REMOTABLE. */
struct kee_value *kee_value_ref(struct kee_arena *arena, struct kee_bytes slot,
                                struct kee_bytes iface);

/* Same kind and content; NaN equals itself, 0 equals -0, record members in any order, interface
 * names not compared (they are hints). */
bool kee_value_equal(const struct kee_value *a, const struct kee_value *b);

/* What a person calls a value of this kind: "an array". */
const char *kee_value_kind_name(enum kee_value_kind kind);

/* True if text is '-'? and decimal digits, without leading zeros and without "-0". */
bool kee_value_is_bigint_text(struct kee_bytes text);

#endif
