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

/* Where the bytes stop being UTF-8 that a string of the engine can hold; size if nowhere. A NUL would
 * end the string early. */
static size_t utf8_end(struct kee_bytes text)
{
    size_t i = 0;
    while (i < text.size) {
        uint8_t c = text.data[i];
        size_t more = c < 0x80 ? 0 : c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : 1;
        uint32_t code = more == 0 ? c : (uint32_t)(c & (0x3f >> more));
        if (c == 0 || (c >= 0x80 && c < 0xc2) || c > 0xf4 || text.size - i <= more) {
            return i;
        }
        for (size_t k = 1; k <= more; k++) {
            if ((text.data[i + k] & 0xc0) != 0x80) {
                return i;
            }
            code = code << 6 | (text.data[i + k] & 0x3f);
        }
        if ((more == 2 && (code < 0x800 || (code >= 0xd800 && code < 0xe000))) ||
            (more == 3 && (code < 0x10000 || code > 0x10ffff))) {
            return i;
        }
        i += more + 1;
    }
    return text.size;
}

/* What a character of four bytes has more than its two surrogates. */
static size_t wide_characters(struct kee_bytes text)
{
    size_t count = 0;
    for (size_t i = 0; i < text.size; i++) {
        count += text.data[i] >= 0xf0;
    }
    return count;
}

size_t kee_engine_text_room(txMachine *the, struct kee_bytes text)
{
    size_t end = utf8_end(text);
    if (end != text.size) {
        fxThrowMessage(the, NULL, 0, XS_SYNTAX_ERROR, "not UTF-8 text at byte %lu",
                       (unsigned long)end);
    }
    return text.size + 2 * wide_characters(text);
}

static char *put_surrogate(char *out, uint32_t code)
{
    *out++ = (char)(0xe0 | code >> 12);
    *out++ = (char)(0x80 | (code >> 6 & 0x3f));
    *out++ = (char)(0x80 | (code & 0x3f));
    return out;
}

void kee_engine_text_copy(char *out, struct kee_bytes text)
{
    const uint8_t *p = text.data;
    const uint8_t *end = p + text.size;
    while (p < end) {
        if (*p >= 0xf0) {
            uint32_t code = (uint32_t)(p[0] & 7) << 18 | (uint32_t)(p[1] & 0x3f) << 12 |
                            (uint32_t)(p[2] & 0x3f) << 6 | (p[3] & 0x3f);
            code -= 0x10000;
            out = put_surrogate(out, 0xd800 | code >> 10);
            out = put_surrogate(out, 0xdc00 | (code & 0x3ff));
            p += 4;
        } else {
            *out++ = (char)*p++;
        }
    }
    *out = '\0';
}

void kee_engine_push_text(txMachine *the, struct kee_bytes text)
{
    size_t room = kee_engine_text_room(the, text);
    mxPushUndefined();
    the->stack->value.string = fxNewChunk(the, (txSize)room + 1);
    kee_engine_text_copy(the->stack->value.string, text);
    the->stack->kind = XS_STRING_KIND;
}
