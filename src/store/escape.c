/* SPDX-License-Identifier: Apache-2.0 */
/* escape - see escape.h. */
#include "store/escape.h"

/* The size of the printable character that rest begins with; 0 if it must be escaped. */
static size_t printable(struct kee_bytes rest)
{
    size_t size = kee_utf8_size(rest);
    uint8_t first = rest.data[0];

    if (size == 1) {
        return first >= 0x20 && first != 0x7f && first != '\\';
    }
    return size == 2 && first == 0xc2 && rest.data[1] < 0xa0 ? 0 : size; /* U+0080 to U+009F */
}

static void put_escape(struct kee_buf *buf, uint8_t byte)
{
    static const char digits[] = "0123456789abcdef";

    kee_buf_put_char(buf, '\\');
    switch (byte) {
    case '\\':
        kee_buf_put_char(buf, '\\');
        break;
    case '\t':
        kee_buf_put_char(buf, 't');
        break;
    case '\n':
        kee_buf_put_char(buf, 'n');
        break;
    case '\r':
        kee_buf_put_char(buf, 'r');
        break;
    default:
        kee_buf_put_char(buf, 'x');
        kee_buf_put_char(buf, digits[byte >> 4]);
        kee_buf_put_char(buf, digits[byte & 15]);
    }
}

void kee_buf_put_escaped(struct kee_buf *buf, struct kee_bytes bytes)
{
    size_t plain = 0; /* where the run of printable characters began */
    size_t at = 0;

    while (at < bytes.size) {
        size_t size = printable(kee_bytes_of(bytes.data + at, bytes.size - at));
        if (size > 0) {
            at += size;
            continue;
        }
        kee_buf_put(buf, bytes.data + plain, at - plain);
        put_escape(buf, bytes.data[at++]);
        plain = at;
    }
    kee_buf_put(buf, bytes.data + plain, at - plain);
}

static int digit(uint8_t c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Reads the escape at text[*at], which is a backslash. */
static bool take_escape(struct kee_bytes text, size_t *at, uint8_t *out)
{
    static const char letters[] = "\\tnr";
    static const char meanings[] = "\\\t\n\r";
    size_t left = text.size - *at;
    const uint8_t *from = text.data + *at;
    const char *letter;

    if (left >= 4 && from[1] == 'x' && digit(from[2]) >= 0 && digit(from[3]) >= 0) {
        *out = (uint8_t)(digit(from[2]) * 16 + digit(from[3]));
        *at += 4;
        return true;
    }
    letter = left < 2 || from[1] == 0 ? NULL : strchr(letters, from[1]);
    if (letter == NULL) {
        return false;
    }
    *out = (uint8_t)meanings[letter - letters];
    *at += 2;
    return true;
}

const char *kee_buf_put_unescaped(struct kee_buf *buf, struct kee_bytes text, size_t *at)
{
    size_t plain = 0;
    uint8_t byte;

    *at = 0;
    while (*at < text.size) {
        uint8_t c = text.data[*at];
        if (c < 0x20 || c == 0x7f) {
            return "an escape for a control character";
        }
        if (c != '\\') {
            ++*at;
            continue;
        }
        kee_buf_put(buf, text.data + plain, *at - plain);
        if (!take_escape(text, at, &byte)) {
            return "one of \\\\ \\t \\n \\r \\xHH";
        }
        kee_buf_put_u8(buf, byte);
        plain = *at;
    }
    kee_buf_put(buf, text.data + plain, *at - plain);
    return NULL;
}
