/* SPDX-License-Identifier: Apache-2.0 */
/* text - see text.h. */
#include "value/text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "value/lone.h"

static void put_escaped(struct kee_buf *buf, struct kee_bytes text)
{
    size_t clean = 0; /* start of what can be copied whole */

    for (size_t i = 0; i < text.size; i++) {
        uint8_t c = text.data[i];
        const char *letters = "btn.fr"; /* for 8 to 13; 11 has none */
        uint32_t lone = 0;
        if (c == 0xed) {
            lone = kee_lone_at(kee_bytes_of(text.data + i, text.size - i));
        }
        if (c >= 0x20 && c != '"' && c != '\\' && lone == 0) {
            continue;
        }
        kee_buf_put(buf, text.data + clean, i - clean);
        clean = i + 1;
        if (lone != 0) {
            kee_buf_printf(buf, "\\u%04x", lone);
            i += 2;
            clean = i + 1;
        } else if (c == '"' || c == '\\') {
            kee_buf_put_char(buf, '\\');
            kee_buf_put_char(buf, (char)c);
        } else if (c >= 8 && c <= 13 && c != 11) {
            kee_buf_put_char(buf, '\\');
            kee_buf_put_char(buf, letters[c - 8]);
        } else {
            kee_buf_printf(buf, "\\u%04x", c);
        }
    }
    if (clean < text.size) {
        kee_buf_put(buf, text.data + clean, text.size - clean);
    }
}

void kee_buf_put_json_string(struct kee_buf *buf, struct kee_bytes text)
{
    kee_buf_put_char(buf, '"');
    put_escaped(buf, text);
    kee_buf_put_char(buf, '"');
}

void kee_buf_put_json_string_marked(struct kee_buf *buf, char mark, struct kee_bytes text)
{
    kee_buf_put_char(buf, '"');
    kee_buf_put_char(buf, mark);
    put_escaped(buf, text);
    kee_buf_put_char(buf, '"');
}

/* Finds the fewest digits that read back as number: digits without point, and the exponent of ten
 * that stands before the first of them as 0.DIGITS. */
static int shortest_digits(double number, char digits[20], int *point)
{
    char text[40];
    int count = 0;

    for (int precision = 0; precision <= 16; precision++) {
        snprintf(text, sizeof text, "%.*e", precision, number);
        if (strtod(text, NULL) == number) {
            break;
        }
    }
    char *e = strchr(text, 'e');
    kee_assert(e != NULL);
    *point = (int)strtol(e + 1, NULL, 10) + 1; /* our own snprintf wrote it */
    for (char *at = text; at < e; at++) {
        if (*at >= '0' && *at <= '9') {
            digits[count++] = *at;
        }
    }
    while (count > 1 && digits[count - 1] == '0') {
        count--;
    }
    digits[count] = '\0';
    return count;
}

static void put_zeros(struct kee_buf *buf, int count)
{
    while (count-- > 0) {
        kee_buf_put_char(buf, '0');
    }
}

void kee_buf_put_number(struct kee_buf *buf, double number)
{
    char digits[20];
    int point;
    int count;

    kee_assert(isfinite(number));
    if (number == 0) {
        kee_buf_put_char(buf, '0');
        return;
    }
    if (number < 0) {
        kee_buf_put_char(buf, '-');
        number = -number;
    }
    if (number < 9007199254740992.0 && number == (double)(uint64_t)number) {
        kee_buf_put_decimal(buf, (uint64_t)number);
        return;
    }
    count = shortest_digits(number, digits, &point);
    if (point > 21 || point < -5) {
        kee_buf_put_char(buf, digits[0]);
        if (count > 1) {
            kee_buf_put_char(buf, '.');
            kee_buf_put_str(buf, digits + 1);
        }
        kee_buf_printf(buf, "e%+d", point - 1);
    } else if (point <= 0) {
        kee_buf_put_str(buf, "0.");
        put_zeros(buf, -point);
        kee_buf_put_str(buf, digits);
    } else if (count <= point) {
        kee_buf_put_str(buf, digits);
        put_zeros(buf, point - count);
    } else {
        kee_buf_put(buf, digits, (size_t)point);
        kee_buf_put_char(buf, '.');
        kee_buf_put_str(buf, digits + point);
    }
}

/* The UTF-16 unit that a character with the lead byte ed or more begins with. */
static uint32_t first_unit(struct kee_bytes text)
{
    const uint8_t *at = text.data;

    if (at[0] < 0xf0) {
        return (at[0] & 0x0fu) << 12 | (at[1] & 0x3fu) << 6 | (at[2] & 0x3fu);
    }
    return 0xd7c0u + ((at[0] & 7u) << 8 | (at[1] & 0x3fu) << 2 | (at[2] & 0x3fu) >> 4);
}

/* How a text that begins with the first half of a pair stands to one with the whole pair: only units from
 * e000 on come after a second half. */
static int after_half(struct kee_bytes text)
{
    return text.size > 3 && (text.data[3] == 0xee || text.data[3] == 0xef) ? 1 : -1;
}

int kee_text_compare_utf16(struct kee_bytes a, struct kee_bytes b)
{
    size_t common = a.size < b.size ? a.size : b.size;
    size_t i = 0;

    while (i < common && a.data[i] == b.data[i]) {
        i++;
    }
    if (i == common) {
        return (a.size > b.size) - (a.size < b.size);
    }
    /* Up to d7ff the order of bytes is that of units. */
    uint8_t x = a.data[i];
    uint8_t y = b.data[i];
    if (x < 0xed || y < 0xed) {
        return (x > y) - (x < y);
    }
    struct kee_bytes rest_a = kee_bytes_of(a.data + i, a.size - i);
    struct kee_bytes rest_b = kee_bytes_of(b.data + i, b.size - i);
    uint32_t unit_a = first_unit(rest_a);
    uint32_t unit_b = first_unit(rest_b);
    if (unit_a != unit_b) {
        return unit_a < unit_b ? -1 : 1;
    }
    return x == 0xed ? after_half(rest_a) : -after_half(rest_b);
}
