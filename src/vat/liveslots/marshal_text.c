/* SPDX-License-Identifier: Apache-2.0 */
/* marshal_text - JSON strings, both ways. */
#include "vat/liveslots/marshal_reader.h"
#include "vat/liveslots/root.h"

/* ---- Reading ---- */

static unsigned read_hex4(struct kee_reader *r)
{
    unsigned unit = 0;

    for (int i = 0; i < 4; i++) {
        int c = r->at < r->end ? *r->at++ : 0;
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (digit < 0) {
            kee_read_malformed(r, "bad \\u escape");
        }
        unit = unit << 4 | (unsigned)digit;
    }
    return unit;
}

/* After a backslash: appends what it stands for. Surrogates are appended each by itself, which is how
 * the engine keeps pairs. */
static void read_escape(struct kee_reader *r, struct kee_buf *text)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    int c = r->at < r->end ? *r->at++ : 0;
    const char *found = c ? strchr(from, c) : NULL;

    if (found) {
        kee_buf_put_char(text, to[found - from]);
    } else if (c == 'u') {
        kee_put_utf8(text, read_hex4(r));
    } else {
        kee_read_malformed(r, "bad escape");
    }
}

struct kee_bytes kee_read_text(struct kee_reader *r)
{
    struct kee_buf *text = &r->ls->text;
    const uint8_t *from;

    kee_read_expect(r, '"');
    from = r->at;
    while (r->at < r->end && *r->at >= 0x20 && *r->at != '"' && *r->at != '\\') {
        r->at++;
    }
    if (r->at < r->end && *r->at == '"') {
        return kee_bytes_of(from, (size_t)(r->at++ - from));
    }
    kee_buf_clear(text);
    kee_buf_put(text, from, (size_t)(r->at - from));
    for (;;) {
        if (r->at == r->end || *r->at < 0x20) {
            kee_read_malformed(r, "unfinished string");
        }
        if (*r->at == '"') {
            r->at++;
            break;
        }
        if (*r->at == '\\') {
            r->at++;
            read_escape(r, text);
        } else {
            kee_buf_put_char(text, (char)*r->at++);
        }
    }
    kee_ls_check(r->the, kee_buf_status(text));
    return kee_buf_bytes(text);
}

/* ---- Writing ---- */

static void put_unit_escaped(struct kee_buf *out, unsigned unit)
{
    switch (unit) {
    case '"':
        kee_buf_put_str(out, "\\\"");
        return;
    case '\\':
        kee_buf_put_str(out, "\\\\");
        return;
    case '\b':
        kee_buf_put_str(out, "\\b");
        return;
    case '\f':
        kee_buf_put_str(out, "\\f");
        return;
    case '\n':
        kee_buf_put_str(out, "\\n");
        return;
    case '\r':
        kee_buf_put_str(out, "\\r");
        return;
    case '\t':
        kee_buf_put_str(out, "\\t");
        return;
    default:
        kee_buf_printf(out, "\\u%04x", unit);
        return;
    }
}

void kee_json_put_string(struct kee_buf *out, const txSlot *string, const char *before)
{
    const uint8_t *at = (const uint8_t *)string->value.string;
    const uint8_t *from = at;

    kee_buf_put_char(out, '"');
    kee_buf_put_str(out, before);
    for (;;) {
        const uint8_t *next;
        unsigned unit, low = 0;
        while (*at >= 0x20 && *at != '"' && *at != '\\' && *at != 0xED && *at != 0xC0) {
            at++;
        }
        kee_buf_put(out, from, (size_t)(at - from));
        if (*at == 0) {
            break;
        }
        next = kee_utf16_next(at, &unit);
        if ((unit & 0xFC00) == 0xD800 && *next == 0xED) {
            const uint8_t *after = kee_utf16_next(next, &low);
            if ((low & 0xFC00) == 0xDC00) {
                kee_put_utf8(out, 0x10000 + ((unit & 0x3FF) << 10) + (low & 0x3FF));
                at = from = after;
                continue;
            }
        }
        if ((unit & 0xF800) == 0xD800 || unit < 0x80) {
            put_unit_escaped(out, unit); /* lone surrogates and controls */
        } else {
            kee_buf_put(out, at, (size_t)(next - at));
        }
        at = from = next;
    }
    kee_buf_put_char(out, '"');
}
