/* SPDX-License-Identifier: Apache-2.0 */
#include "vat/liveslots/rowtext.h"

#include "base/limits.h"

/* Is a lone surrogate, in its three bytes, at the front? */
static bool is_surrogate(const uint8_t *at, size_t left)
{
    return left >= 3 && at[0] == 0xed && at[1] >= 0xa0 && (at[2] & 0xc0) == 0x80;
}

static void put_escape(struct kee_buf *out, unsigned unit)
{
    static const char hex[] = "0123456789abcdef";
    const char text[6] = {
        '\\', 'u', hex[unit >> 12 & 15], hex[unit >> 8 & 15], hex[unit >> 4 & 15], hex[unit & 15]};
    kee_buf_put(out, text, sizeof(text));
}

static const char *short_escape(uint8_t c)
{
    switch (c) {
    case '"':
        return "\\\"";
    case '\\':
        return "\\\\";
    case '\b':
        return "\\b";
    case '\f':
        return "\\f";
    case '\n':
        return "\\n";
    case '\r':
        return "\\r";
    case '\t':
        return "\\t";
    default:
        return NULL;
    }
}

void kee_row_put_string(struct kee_buf *out, struct kee_bytes text)
{
    size_t plain = 0; /* start of what is yet to be copied as it is */
    kee_buf_put_char(out, '"');
    for (size_t i = 0; i < text.size; i++) {
        uint8_t c = text.data[i];
        bool surrogate = is_surrogate(text.data + i, text.size - i);
        if (c >= 0x20 && c != '"' && c != '\\' && !surrogate) {
            continue;
        }
        if (i > plain) {
            kee_buf_put(out, text.data + plain, i - plain);
        }
        if (surrogate) {
            put_escape(out, 0xd000u | (unsigned)(text.data[i + 1] & 0x3f) << 6 |
                                (text.data[i + 2] & 0x3fu));
            i += 2;
        } else if (short_escape(c) != NULL) {
            kee_buf_put_str(out, short_escape(c));
        } else {
            put_escape(out, c);
        }
        plain = i + 1;
    }
    if (text.size > plain) {
        kee_buf_put(out, text.data + plain, text.size - plain);
    }
    kee_buf_put_char(out, '"');
}

void kee_row_put_capdata(struct kee_buf *out, struct kee_bytes body, struct kee_vp_strings slots)
{
    struct kee_bytes slot;
    bool first = true;
    kee_buf_put_str(out, "{\"body\":");
    kee_row_put_string(out, body);
    kee_buf_put_str(out, ",\"slots\":[");
    while (kee_vp_strings_next(&slots, &slot)) {
        if (!first) {
            kee_buf_put_char(out, ',');
        }
        first = false;
        kee_row_put_string(out, slot);
    }
    kee_buf_put_str(out, "]}");
}

static bool fail(struct kee_row_cursor *cursor)
{
    cursor->failed = true;
    cursor->rest.size = 0;
    return false;
}

static int peek(struct kee_row_cursor *cursor)
{
    while (cursor->rest.size > 0 && (*cursor->rest.data == ' ' || *cursor->rest.data == '\n' ||
                                     *cursor->rest.data == '\t' || *cursor->rest.data == '\r')) {
        cursor->rest.data++;
        cursor->rest.size--;
    }
    return cursor->rest.size > 0 ? *cursor->rest.data : -1;
}

static bool take(struct kee_row_cursor *cursor, char c)
{
    if (peek(cursor) != c) {
        return fail(cursor);
    }
    cursor->rest.data++;
    cursor->rest.size--;
    return true;
}

void kee_row_enter(struct kee_row_cursor *cursor, char bracket)
{
    take(cursor, bracket);
    cursor->first = true;
}

/* Before an item: the comma, or the closing bracket. */
static bool item(struct kee_row_cursor *cursor, char close)
{
    if (peek(cursor) == close) {
        take(cursor, close);
        cursor->first = false;
        return false;
    }
    if (!cursor->first && !take(cursor, ',')) {
        return false;
    }
    cursor->first = false;
    return !cursor->failed;
}

bool kee_row_member(struct kee_row_cursor *cursor, struct kee_buf *name)
{
    if (!item(cursor, '}')) {
        return false;
    }
    kee_row_string(cursor, name);
    return take(cursor, ':');
}

bool kee_row_element(struct kee_row_cursor *cursor)
{
    return item(cursor, ']');
}

static bool take_unit(struct kee_bytes *rest, unsigned *unit)
{
    if (rest->size < 4) {
        return false;
    }
    *unit = 0;
    for (int i = 0; i < 4; i++) {
        uint8_t c = rest->data[i];
        unsigned digit = c >= '0' && c <= '9'   ? c - 48u
                         : c >= 'a' && c <= 'f' ? c - 87u
                         : c >= 'A' && c <= 'F' ? c - 55u
                                                : 16u;
        if (digit > 15) {
            return false;
        }
        *unit = *unit << 4 | digit;
    }
    rest->data += 4;
    rest->size -= 4;
    return true;
}

static void put_code_point(struct kee_buf *out, unsigned c)
{
    if (c < 0x80) {
        kee_buf_put_u8(out, (uint8_t)c);
    } else if (c < 0x800) {
        kee_buf_put_u8(out, (uint8_t)(0xc0 | c >> 6));
        kee_buf_put_u8(out, (uint8_t)(0x80 | (c & 0x3f)));
    } else if (c < 0x10000) {
        kee_buf_put_u8(out, (uint8_t)(0xe0 | c >> 12));
        kee_buf_put_u8(out, (uint8_t)(0x80 | (c >> 6 & 0x3f)));
        kee_buf_put_u8(out, (uint8_t)(0x80 | (c & 0x3f)));
    } else {
        kee_buf_put_u8(out, (uint8_t)(0xf0 | c >> 18));
        kee_buf_put_u8(out, (uint8_t)(0x80 | (c >> 12 & 0x3f)));
        kee_buf_put_u8(out, (uint8_t)(0x80 | (c >> 6 & 0x3f)));
        kee_buf_put_u8(out, (uint8_t)(0x80 | (c & 0x3f)));
    }
}

/* Behind a backslash: appends what it stands for. */
static bool unescape(struct kee_bytes *rest, struct kee_buf *out)
{
    static const char from[] = "\"\\/bfnrt";
    static const char to[] = "\"\\/\b\f\n\r\t";
    const char *found;
    unsigned unit, low;
    if (rest->size == 0) {
        return false;
    }
    char c = (char)*rest->data;
    rest->data++;
    rest->size--;
    found = memchr(from, c, sizeof(from) - 1);
    if (found != NULL) {
        kee_buf_put_char(out, to[found - from]);
        return true;
    }
    if (c != 'u' || !take_unit(rest, &unit)) {
        return false;
    }
    if (unit >= 0xd800 && unit < 0xdc00 && rest->size >= 6 && rest->data[0] == '\\' &&
        rest->data[1] == 'u') {
        struct kee_bytes ahead = kee_bytes_of(rest->data + 2, rest->size - 2);
        if (take_unit(&ahead, &low) && low >= 0xdc00 && low < 0xe000) {
            *rest = ahead;
            unit = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
        }
    }
    put_code_point(out, unit);
    return true;
}

void kee_row_string(struct kee_row_cursor *cursor, struct kee_buf *out)
{
    if (!take(cursor, '"')) {
        return;
    }
    struct kee_bytes rest = cursor->rest;
    for (;;) {
        size_t plain = 0;
        while (plain < rest.size && rest.data[plain] != '"' && rest.data[plain] != '\\') {
            plain++;
        }
        if (plain == rest.size) {
            fail(cursor);
            return;
        }
        if (plain > 0 && out != NULL) {
            kee_buf_put(out, rest.data, plain);
        }
        uint8_t mark = rest.data[plain];
        rest.data += plain + 1;
        rest.size -= plain + 1;
        if (out != NULL && out->failed) {
            fail(cursor);
            return;
        }
        if (mark == '"') {
            cursor->rest = rest;
            return;
        }
        if (out == NULL) {
            if (rest.size > 0) {
                rest.data++; /* whatever is escaped: its first byte cannot end the string */
                rest.size--;
            }
        } else if (!unescape(&rest, out)) {
            fail(cursor);
            return;
        }
    }
}

uint64_t kee_row_number(struct kee_row_cursor *cursor)
{
    uint64_t n = 0;
    size_t digits = 0;
    peek(cursor);
    while (digits < cursor->rest.size && cursor->rest.data[digits] >= '0' &&
           cursor->rest.data[digits] <= '9' && n < (UINT64_C(1) << 53)) {
        n = n * 10 + (cursor->rest.data[digits++] - '0');
    }
    if (digits == 0) {
        fail(cursor);
        return 0;
    }
    cursor->rest.data += digits;
    cursor->rest.size -= digits;
    return n;
}

/* Reads past one value without looking inside more than its brackets ask for. */
static void skip(struct kee_row_cursor *cursor, unsigned depth)
{
    int c = peek(cursor);
    if (depth == 0) {
        fail(cursor);
    } else if (c == '"') {
        kee_row_string(cursor, NULL);
    } else if (c == '{') {
        kee_row_enter(cursor, '{');
        while (kee_row_member(cursor, NULL)) {
            skip(cursor, depth - 1);
        }
    } else if (c == '[') {
        kee_row_enter(cursor, '[');
        while (kee_row_element(cursor)) {
            skip(cursor, depth - 1);
        }
    } else {
        static const char ends[] = {',', ']', '}', ' ', '\n', '\t', '\r'};
        size_t size = 0;
        while (size < cursor->rest.size &&
               memchr(ends, cursor->rest.data[size], sizeof ends) == NULL) {
            size++;
        }
        if (size == 0) {
            fail(cursor);
            return;
        }
        cursor->rest.data += size;
        cursor->rest.size -= size;
    }
}

struct kee_bytes kee_row_value(struct kee_row_cursor *cursor)
{
    peek(cursor);
    const uint8_t *start = cursor->rest.data;
    skip(cursor, KEE_LIMIT_VALUE_DEPTH);
    cursor->first = false;
    return cursor->failed ? kee_bytes_of(NULL, 0)
                          : kee_bytes_of(start, (size_t)(cursor->rest.data - start));
}

static uint32_t take_slots(struct kee_row_cursor *cursor, struct kee_buf *slots)
{
    uint32_t count = 0;
    kee_row_enter(cursor, '[');
    while (kee_row_element(cursor)) {
        count++;
        if (slots == NULL) {
            kee_row_string(cursor, NULL);
            continue;
        }
        size_t place = slots->size;
        kee_buf_put_u32(slots, 0);
        kee_row_string(cursor, slots);
        if (!slots->failed) {
            uint32_t size = (uint32_t)(slots->size - place - 4);
            for (int i = 0; i < 4; i++) {
                slots->data[place + (size_t)i] = (uint8_t)(size >> 8 * i);
            }
        }
    }
    return count;
}

uint32_t kee_row_capdata(struct kee_row_cursor *cursor, struct kee_buf *body, struct kee_buf *slots)
{
    uint32_t count = 0;
    uint8_t room[16];
    bool body_seen = false;
    kee_row_enter(cursor, '{');
    for (;;) {
        /* The two names are told apart by their text as it stands; nobody escapes plain letters. */
        if (!item(cursor, '}')) {
            break;
        }
        if (cursor->rest.size < sizeof("\"body\":")) {
            fail(cursor);
            break;
        }
        memcpy(room, cursor->rest.data, 7);
        kee_row_string(cursor, NULL);
        if (!take(cursor, ':')) {
            break;
        }
        if (memcmp(room, "\"body\"", 6) == 0) {
            body_seen = true;
            kee_row_string(cursor, body);
        } else if (memcmp(room, "\"slots\"", 7) == 0) {
            count = take_slots(cursor, slots);
        } else {
            kee_row_value(cursor);
        }
        cursor->first = false;
    }
    if (!body_seen || (slots != NULL && slots->failed)) {
        fail(cursor); /* of a lack of memory it is said when the crank ends */
    }
    return cursor->failed ? 0 : count;
}
