/* SPDX-License-Identifier: Apache-2.0 */
/* text - see text.h. */
#include "value/text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"

static void put_escaped(struct kee_buf *buf, struct kee_bytes text)
{
    size_t clean = 0; /* start of what can be copied whole */

    for (size_t i = 0; i < text.size; i++) {
        uint8_t c = text.data[i];
        const char *letters = "btn.fr"; /* for 8 to 13; 11 has none */
        if (c >= 0x20 && c != '"' && c != '\\') {
            continue;
        }
        kee_buf_put(buf, text.data + clean, i - clean);
        clean = i + 1;
        if (c == '"' || c == '\\') {
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
    /* The lead bytes f0 to f4 stand for surrogates d800 and up, which come before e000 to ffff. */
    uint8_t x = a.data[i];
    uint8_t y = b.data[i];
    if (x >= 0xf0 && (y == 0xee || y == 0xef)) {
        return -1;
    }
    if (y >= 0xf0 && (x == 0xee || x == 0xef)) {
        return 1;
    }
    return (x > y) - (x < y);
}
