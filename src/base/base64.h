/* SPDX-License-Identifier: Apache-2.0 */
/* base64 - text of the alphabet A-Z a-z 0-9 + / back into bytes; trailing '=' may be missing. */
#ifndef KEE_BASE_BASE64_H
#define KEE_BASE_BASE64_H

#include "base/bytes.h"

/* Room that the bytes of a text of that size surely have. */
static inline size_t kee_base64_room(size_t text_size)
{
    return text_size / 4 * 3 + 3;
}

/* Writes the bytes, sets *size. False if text is malformed; then *size is where. */
bool kee_base64_decode(uint8_t *out, size_t *size, struct kee_bytes text);

#endif
