/* SPDX-License-Identifier: Apache-2.0 */
/* base64 - see base64.h. */
#include "base/base64.h"

static int digit_of(uint8_t c)
{
    if (c >= 'A' && c <= 'Z') {
        return c - 'A';
    }
    if (c >= 'a' && c <= 'z') {
        return c - 'a' + 26;
    }
    if (c >= '0' && c <= '9') {
        return c - '0' + 52;
    }
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

bool kee_base64_decode(uint8_t *out, size_t *size, struct kee_bytes text)
{
    uint32_t bits = 0;
    unsigned count = 0;
    unsigned padding = 0;
    size_t written = 0;

    while (text.size > 0 && padding < 2 && text.data[text.size - 1] == '=') {
        text.size--;
        padding++;
    }
    for (size_t i = 0; i < text.size; i++) {
        int digit = digit_of(text.data[i]);
        if (digit < 0) {
            *size = i;
            return false;
        }
        bits = bits << 6 | (uint32_t)digit;
        count += 6;
        if (count >= 8) {
            count -= 8;
            out[written++] = (uint8_t)(bits >> count);
        }
    }
    *size = count < 6 ? written : text.size;
    return count < 6;
}
