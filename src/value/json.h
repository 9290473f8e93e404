/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json - passable values as JSON for people and scripts.
 *
 * What JSON has is written as itself. The rest are objects:
 *   {"kref":"ko4"}                      a reference: exactly this member, wholly a kref
 *   {"@bigint":"7"}   {"@undefined":true}   {"@number":"NaN"}   {"@symbol":"@@asyncIterator"}
 *   {"@tagged":"tag","payload":...}     {"@error":"message","name":"TypeError"}
 *   {"@record":{...}}                   a record that would otherwise be taken for one of these
 *
 * A member name that begins with '@' is refused outside these forms, so that a slip is not sent as
 * data. What one direction writes, the other reads back equal.
 */
#ifndef KEE_VALUE_JSON_H
#define KEE_VALUE_JSON_H

#include <jansson.h>

#include "value/value.h"

/* With the forms above. Outcome BAD. */
int kee_value_from_json_text(struct kee_bytes text, struct kee_arena *arena, struct kee_value **out,
                             struct kee_buf *why);

/* JSON as it stands, without forms: the parameters of a configuration. Borrows json. Outcome BAD. */
int kee_value_from_plain_json(const json_t *json, struct kee_arena *arena, struct kee_value **out,
                              struct kee_buf *why);

/* Appends to buf, on one line, with the forms above. */
void kee_buf_put_value_json(struct kee_buf *buf, const struct kee_value *value);

/* What a person calls a JSON value: "an array"; NULL is "nothing". */
const char *kee_json_kind_name(const json_t *json);

#endif
