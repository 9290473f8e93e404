/* SPDX-License-Identifier: Apache-2.0 */
/* json_text - see json_text.h. */
#include "daemon/json_text.h"

#include "value/text.h"

#define REPLACEMENT "\xef\xbf\xbd"

/* Size of the UTF-8 sequence at the front of text, 0 if there is none (or it is NUL). */
static size_t sequence_size(struct kee_bytes text)
{
    const uint8_t *p = text.data;
    size_t size;

    if (p[0] < 0x80) {
        return p[0] != 0;
    }
    size = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
    if (p[0] < 0xc2 || p[0] > 0xf4 || text.size < size) {
        return 0;
    }
    for (size_t i = 1; i < size; i++) {
        if ((p[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    /* Too long a form, a surrogate, beyond the last code point. */
    if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
        (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f)) {
        return 0;
    }
    return size;
}

static bool is_clean(struct kee_bytes text)
{
    while (text.size > 0) {
        size_t size = sequence_size(text);
        if (size == 0) {
            return false;
        }
        text = kee_bytes_of(text.data + size, text.size - size);
    }
    return true;
}

void kee_json_put_text(struct kee_buf *buf, struct kee_bytes text)
{
    struct kee_buf clean = KEE_BUF_EMPTY;

    if (is_clean(text)) {
        kee_buf_put_json_string(buf, text);
        return;
    }
    while (text.size > 0) {
        size_t size = sequence_size(text);
        if (size == 0) {
            kee_buf_put_str(&clean, REPLACEMENT);
            size = 1;
        } else {
            kee_buf_put(&clean, text.data, size);
        }
        text = kee_bytes_of(text.data + size, text.size - size);
    }
    if (clean.failed) {
        buf->failed = true;
    } else {
        kee_buf_put_json_string(buf, kee_buf_bytes(&clean));
    }
    kee_buf_fini(&clean);
}

static void put_name(struct kee_buf *buf, const char *name)
{
    uint8_t last = buf->size == 0 ? '{' : buf->data[buf->size - 1];

    if (last != '{' && last != '[') {
        kee_buf_put_char(buf, ',');
    }
    kee_buf_put_char(buf, '"');
    kee_buf_put_str(buf, name);
    kee_buf_put_str(buf, "\":");
}

void kee_json_put_text_member(struct kee_buf *buf, const char *name, struct kee_bytes text)
{
    put_name(buf, name);
    kee_json_put_text(buf, text);
}

void kee_json_put_number_member(struct kee_buf *buf, const char *name, uint64_t number)
{
    put_name(buf, name);
    kee_buf_put_decimal(buf, number);
}

void kee_json_put_capdata(struct kee_buf *buf, struct kee_vp_capdata capdata)
{
    struct kee_bytes slot;
    bool first = true;

    kee_buf_put_str(buf, "{");
    kee_json_put_text_member(buf, "body", capdata.body);
    kee_buf_put_str(buf, ",\"slots\":[");
    while (kee_vp_strings_next(&capdata.slots, &slot)) {
        if (!first) {
            kee_buf_put_char(buf, ',');
        }
        first = false;
        kee_json_put_text(buf, slot);
    }
    kee_buf_put_str(buf, "]}");
}

void kee_json_put_record(struct kee_buf *buf, const struct kee_record *record, bool with_kind)
{
    kee_buf_put_char(buf, '{');
    if (with_kind) {
        kee_json_put_text_member(buf, "event", kee_bytes_str(record->kind));
    }
    for (size_t i = 0; i < record->count; i++) {
        const struct kee_field *field = &record->fields[i];
        uint64_t number;
        /* A number too large for 64 bits, or none at all, is still shown: as text. */
        if (field->is_number && kee_bytes_decimal(field->value, &number)) {
            kee_json_put_number_member(buf, field->name, number);
        } else {
            kee_json_put_text_member(buf, field->name, field->value);
        }
    }
    kee_buf_put_char(buf, '}');
}
