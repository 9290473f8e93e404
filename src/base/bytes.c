/* SPDX-License-Identifier: Apache-2.0 */
/* bytes - see bytes.h. */
#include "base/bytes.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/fault.h"

int kee_bytes_compare(struct kee_bytes a, struct kee_bytes b)
{
    size_t common = a.size < b.size ? a.size : b.size;
    int order = common == 0 ? 0 : memcmp(a.data, b.data, common);

    if (order != 0) {
        return order;
    }
    return (a.size > b.size) - (a.size < b.size);
}

bool kee_bytes_has_prefix(struct kee_bytes bytes, struct kee_bytes prefix)
{
    return bytes.size >= prefix.size &&
           (prefix.size == 0 || memcmp(bytes.data, prefix.data, prefix.size) == 0);
}

struct kee_bytes kee_bytes_cut(struct kee_bytes *rest, char mark)
{
    struct kee_bytes whole = *rest;
    const uint8_t *at = whole.size == 0 ? NULL : memchr(whole.data, mark, whole.size);

    if (at == NULL) {
        *rest = kee_bytes_of(NULL, 0);
        return whole;
    }
    *rest = kee_bytes_of(at + 1, whole.size - (size_t)(at - whole.data) - 1);
    return kee_bytes_of(whole.data, (size_t)(at - whole.data));
}

bool kee_bytes_decimal(struct kee_bytes bytes, uint64_t *out)
{
    uint64_t n = 0;

    if (bytes.size == 0 || bytes.size > 20 || (bytes.size > 1 && bytes.data[0] == '0')) {
        return false;
    }
    for (size_t i = 0; i < bytes.size; i++) {
        uint8_t c = bytes.data[i];
        if (c < '0' || c > '9' || n > (UINT64_MAX - (c - '0')) / 10) {
            return false;
        }
        n = n * 10 + (c - '0');
    }
    *out = n;
    return true;
}

static bool continues(struct kee_bytes rest, size_t at)
{
    return at < rest.size && (rest.data[at] & 0xc0) == 0x80;
}

size_t kee_utf8_size(struct kee_bytes rest)
{
    uint8_t first = rest.data[0];

    if (first < 0x80) {
        return 1;
    }
    if (first >= 0xc2 && first <= 0xdf && continues(rest, 1)) {
        return 2;
    }
    if (first >= 0xe0 && first <= 0xef && continues(rest, 1) && continues(rest, 2)) {
        bool is_long = first == 0xe0 && rest.data[1] < 0xa0;
        bool is_surrogate = first == 0xed && rest.data[1] >= 0xa0;
        return is_long || is_surrogate ? 0 : 3;
    }
    if (first >= 0xf0 && first <= 0xf4 && continues(rest, 1) && continues(rest, 2) &&
        continues(rest, 3)) {
        bool is_long = first == 0xf0 && rest.data[1] < 0x90;
        bool is_beyond = first == 0xf4 && rest.data[1] >= 0x90;
        return is_long || is_beyond ? 0 : 4;
    }
    return 0;
}

bool kee_bytes_is_utf8(struct kee_bytes bytes)
{
    for (size_t at = 0; at < bytes.size;) {
        size_t size = kee_utf8_size(kee_bytes_of(bytes.data + at, bytes.size - at));
        if (size == 0) {
            return false;
        }
        at += size;
    }
    return true;
}

void kee_buf_fini(struct kee_buf *buf)
{
    free(buf->data);
    *buf = KEE_BUF_EMPTY;
}

void kee_buf_clear(struct kee_buf *buf)
{
    buf->size = 0;
    buf->failed = false;
}

int kee_buf_reserve(struct kee_buf *buf, size_t size)
{
    size_t room;
    uint8_t *data;

    if (buf->failed) {
        return KEE_FAULT_MEMORY;
    }
    if (buf->data != NULL && buf->room - buf->size > size) { /* one byte stays for a NUL */
        return 0;
    }
    room = buf->room < 64 ? 64 : buf->room * 2;
    if (size > SIZE_MAX / 4 || buf->size > SIZE_MAX / 4) {
        buf->failed = true;
        return kee_fault(KEE_FAULT_MEMORY, "buffer of %zu bytes", size);
    }
    if (room < buf->size + size + 1) {
        room = buf->size + size + 1;
    }
    data = realloc(buf->data, room);
    if (data == NULL) {
        buf->failed = true;
        return kee_fault(KEE_FAULT_MEMORY, "buffer of %zu bytes", room);
    }
    buf->data = data;
    buf->room = room;
    return 0;
}

void kee_buf_put(struct kee_buf *buf, const void *data, size_t size)
{
    if (size == 0 || kee_buf_reserve(buf, size) < 0) {
        return;
    }
    memcpy(buf->data + buf->size, data, size);
    buf->size += size;
}

void kee_buf_put_bytes(struct kee_buf *buf, struct kee_bytes bytes)
{
    kee_buf_put(buf, bytes.data, bytes.size);
}

void kee_buf_put_str(struct kee_buf *buf, const char *text)
{
    kee_buf_put(buf, text, strlen(text));
}

void kee_buf_put_char(struct kee_buf *buf, char c)
{
    kee_buf_put(buf, &c, 1);
}

void kee_buf_put_decimal(struct kee_buf *buf, uint64_t n)
{
    char text[20];
    size_t at = sizeof text;

    do {
        text[--at] = (char)('0' + n % 10);
        n /= 10;
    } while (n != 0);
    kee_buf_put(buf, text + at, sizeof text - at);
}

void kee_buf_vprintf(struct kee_buf *buf, const char *format, va_list args)
{
    va_list again;
    int size;

    va_copy(again, args);
    size = vsnprintf(NULL, 0, format, args);
    if (size < 0) {
        buf->failed = true;
    } else if (kee_buf_reserve(buf, (size_t)size) == 0) {
        (void)vsnprintf((char *)buf->data + buf->size, (size_t)size + 1, format, again);
        buf->size += (size_t)size;
    }
    va_end(again);
}

void kee_buf_printf(struct kee_buf *buf, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    kee_buf_vprintf(buf, format, args);
    va_end(args);
}

void kee_buf_put_u8(struct kee_buf *buf, uint8_t n)
{
    kee_buf_put(buf, &n, 1);
}

void kee_buf_put_u32(struct kee_buf *buf, uint32_t n)
{
    uint8_t raw[4] = {(uint8_t)n, (uint8_t)(n >> 8), (uint8_t)(n >> 16), (uint8_t)(n >> 24)};

    kee_buf_put(buf, raw, sizeof raw);
}

void kee_buf_set_u32(struct kee_buf *buf, size_t place, uint32_t n)
{
    uint8_t raw[4] = {(uint8_t)n, (uint8_t)(n >> 8), (uint8_t)(n >> 16), (uint8_t)(n >> 24)};

    if (!buf->failed) {
        kee_assert(place + sizeof raw <= buf->size);
        memcpy(buf->data + place, raw, sizeof raw);
    }
}

void kee_buf_put_u64(struct kee_buf *buf, uint64_t n)
{
    kee_buf_put_u32(buf, (uint32_t)n);
    kee_buf_put_u32(buf, (uint32_t)(n >> 32));
}

void kee_buf_consume(struct kee_buf *buf, size_t size)
{
    if (size >= buf->size) {
        buf->size = 0;
        return;
    }
    memmove(buf->data, buf->data + size, buf->size - size);
    buf->size -= size;
}

int kee_buf_status(const struct kee_buf *buf)
{
    return buf->failed ? KEE_FAULT_MEMORY : 0;
}

const char *kee_buf_cstr(struct kee_buf *buf)
{
    if (kee_buf_reserve(buf, 1) < 0) {
        return NULL;
    }
    buf->data[buf->size] = 0;
    return (const char *)buf->data;
}
