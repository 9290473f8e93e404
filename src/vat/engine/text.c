/* SPDX-License-Identifier: Apache-2.0 */
/* text - the engine's strings as UTF-8. It keeps a character above U+FFFF as two surrogates of three
 * bytes each, and NUL as C0 80. */
#include "vat/engine/engine_internal.h"

/* A surrogate at text: its value, else 0. */
static uint32_t surrogate(const uint8_t *text)
{
    if (text[0] == 0xed && text[1] >= 0xa0 && text[2] != 0) {
        return 0xd000u | (uint32_t)(text[1] & 0x3f) << 6 | (text[2] & 0x3f);
    }
    return 0;
}

void kee_engine_put_text(struct kee_buf *out, const char *string)
{
    const uint8_t *text = (const uint8_t *)string;
    while (*text != 0) {
        uint32_t high = surrogate(text);
        uint32_t low = high >= 0xd800 && high < 0xdc00 ? surrogate(text + 3) : 0;
        if (low >= 0xdc00 && low < 0xe000) {
            uint32_t code = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
            const uint8_t bytes[] = {
                (uint8_t)(0xf0 | code >> 18),
                (uint8_t)(0x80 | (code >> 12 & 0x3f)),
                (uint8_t)(0x80 | (code >> 6 & 0x3f)),
                (uint8_t)(0x80 | (code & 0x3f)),
            };
            kee_buf_put(out, bytes, sizeof bytes);
            text += 6;
        } else if (high != 0) {
            kee_buf_put_str(out, "\xef\xbf\xbd"); /* half of a pair: U+FFFD */
            text += 3;
        } else if (text[0] == 0xc0 && text[1] == 0x80) {
            kee_buf_put_char(out, '\0');
            text += 2;
        } else {
            kee_buf_put_char(out, (char)*text);
            text++;
        }
    }
}
