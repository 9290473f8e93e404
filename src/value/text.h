/* SPDX-License-Identifier: Apache-2.0 */
/* text - JSON's leaves as text: quoted strings, numbers as JavaScript writes them. */
#ifndef KEE_VALUE_TEXT_H
#define KEE_VALUE_TEXT_H

#include "base/bytes.h"

/* A JSON string with its quotes. text is UTF-8; it is passed on as it is but for what JSON demands.
 * Half a surrogate pair, as in a tree, is escaped. */
void kee_buf_put_json_string(struct kee_buf *buf, struct kee_bytes text);
/* The same, with one byte put before the text inside the quotes. */
void kee_buf_put_json_string_marked(struct kee_buf *buf, char mark, struct kee_bytes text);

/* The shortest decimal text that reads back as number, laid out as JavaScript does: 1e21, 0.000001,
 * 5e-7. -0 is written as 0. number is finite. */
void kee_buf_put_number(struct kee_buf *buf, double number);

/* Orders by UTF-16 code units, as JavaScript sorts names; both are as in a tree. */
int kee_text_compare_utf16(struct kee_bytes a, struct kee_bytes b);

#endif
