/* SPDX-License-Identifier: Apache-2.0 */
/* lone - see lone.h. */
#include "value/lone.h"

#define MARK KEE_BYTES_LIT("\xf4\x8f\xbf\xbf")

static struct kee_bytes from(struct kee_bytes bytes, size_t at)
{
    return kee_bytes_of(bytes.data + at, bytes.size - at);
}

static int hex_of(uint8_t c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The number of an escape \uXXXX at the front, or -1. */
static int escape_at(struct kee_bytes json)
{
    int code = 0;

    if (json.size < 6 || json.data[0] != '\\' || json.data[1] != 'u') {
        return -1;
    }
    for (size_t i = 2; i < 6; i++) {
        int digit = hex_of(json.data[i]);
        if (digit < 0) {
            return -1;
        }
        code = code * 16 + digit;
    }
    return code;
}

static bool is_high(int code)
{
    return code >= 0xd800 && code < 0xdc00;
}

static bool is_low(int code)
{
    return code >= 0xdc00 && code < 0xe000;
}

/* What stands at the front, a backslash: how many bytes, and whether it is a half. */
static size_t take_escape(struct kee_bytes json, int *code, bool *lone)
{
    *code = escape_at(json);
    *lone = is_low(*code);
    if (is_high(*code)) {
        *lone = !is_low(escape_at(from(json, 6)));
        return *lone ? 6 : 12;
    }
    return *code >= 0 ? 6 : json.size < 2 ? json.size : 2;
}

bool kee_lone_found(struct kee_bytes json)
{
    const uint8_t *at;
    bool lone = false;
    int code;

    while (!lone && json.size > 0 && (at = memchr(json.data, '\\', json.size)) != NULL) {
        json = from(json, (size_t)(at - json.data));
        json = from(json, take_escape(json, &code, &lone));
    }
    return lone;
}

void kee_lone_hide(struct kee_bytes json, struct kee_buf *out)
{
    while (json.size > 0) {
        size_t size = 1;
        int code;
        bool lone = false;

        if (json.data[0] == '\\') {
            size = take_escape(json, &code, &lone);
        }
        if (lone) {
            kee_buf_put_bytes(out, MARK);
            kee_buf_printf(out, "%04x", (unsigned)code);
        } else if (kee_bytes_has_prefix(json, MARK)) {
            size = MARK.size;
            kee_buf_put_bytes(out, MARK);
            kee_buf_put_char(out, 'x');
        } else if (size == 12 && code == 0xdbff && escape_at(from(json, 6)) == 0xdfff) {
            kee_buf_put_bytes(out, MARK);
            kee_buf_put_char(out, 'x');
        } else {
            kee_buf_put(out, json.data, size);
        }
        json = from(json, size);
    }
}

struct kee_bytes kee_lone_show(struct kee_bytes text, struct kee_arena *arena)
{
    uint8_t *out = kee_arena_alloc(arena, text.size + 1); /* it only gets shorter */
    size_t size = 0;

    while (out != NULL && text.size > 0) {
        if (!kee_bytes_has_prefix(text, MARK)) {
            out[size++] = text.data[0];
            text = from(text, 1);
            continue;
        }
        text = from(text, MARK.size);
        if (text.size == 0 || text.data[0] == 'x') {
            memcpy(out + size, MARK.data, MARK.size);
            size += MARK.size;
            text = from(text, text.size == 0 ? 0 : 1);
            continue;
        }
        out[size++] = 0xed; /* d, and then three digits */
        out[size++] = (uint8_t)(0x80 | hex_of(text.data[1]) << 2 | hex_of(text.data[2]) >> 2);
        out[size++] = (uint8_t)(0x80 | (hex_of(text.data[2]) & 3) << 4 | hex_of(text.data[3]));
        text = from(text, 4);
    }
    return kee_bytes_of(out, size);
}
