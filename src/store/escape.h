/* SPDX-License-Identifier: Apache-2.0 */
/*
 * escape - bytes as one line of printable UTF-8, and back: the text of docs/formats/store.md.
 *
 * A backslash is \\, a tab \t, a line feed \n, a carriage return \r; every other control character and
 * every byte that is not part of UTF-8 is \x and two hexadecimal digits. All else stands for itself.
 */
#ifndef KEE_STORE_ESCAPE_H
#define KEE_STORE_ESCAPE_H

#include "base/bytes.h"

void kee_buf_put_escaped(struct kee_buf *buf, struct kee_bytes bytes);

/* Appends what text stands for. Returns NULL; or what was expected, *at then being the place in text of
 * what was found instead. Running out of memory shows in kee_buf_status(). */
const char *kee_buf_put_unescaped(struct kee_buf *buf, struct kee_bytes text, size_t *at);

#endif
