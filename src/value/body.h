/* SPDX-License-Identifier: Apache-2.0 */
/*
 * body - passable values as bodies: text that names references by their index into a list of slots.
 *
 *   smallcaps   '#' and JSON; special forms are strings with a first character from '!' to '-'
 *                  "!text" a string that would look special    "+7" "-7" bigint    "%name" symbol
 *                  "#undefined" "#NaN" "#Infinity" "#-Infinity"
 *                  "$0.Alleged: thing" or "$0" object in slot 0     "&1" promise in slot 1
 *                  {"#tag":t,"payload":p}    {"#error":message,"name":n}
 *   capdata     JSON; special forms are records with a member "@qclass"
 *
 * The kernel gets smallcaps, the other side of a host session capdata; read are both.
 * docs/formats/bodies.md has the whole of it.
 */
#ifndef KEE_VALUE_BODY_H
#define KEE_VALUE_BODY_H

#include "value/value.h"

/* Writes a smallcaps body; text and slots are made in the arena. Record members are sorted by name.
 * Outcome BAD: too deep, too large, too many references. */
int kee_body_encode(const struct kee_value *value, struct kee_arena *arena, struct kee_body *out,
                    struct kee_buf *why);

/* The same as capdata, as npm's @endo/marshal writes it: an interface where its slot is named first, none
 * for promises. */
int kee_capdata_encode(const struct kee_value *value, struct kee_arena *arena, struct kee_body *out,
                       struct kee_buf *why);

/* Reads either encoding; what out holds is in the arena. Outcome BAD: why says what is wrong. */
int kee_body_decode(struct kee_body body, struct kee_arena *arena, struct kee_value **out,
                    struct kee_buf *why);

#endif
