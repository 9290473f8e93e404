/* SPDX-License-Identifier: Apache-2.0 */
/* vatproto - see vatproto.h. */
#include "vatproto/vatproto.h"

#include "base/assert.h"
#include "base/limits.h"

static uint32_t load_u32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static void store_u32(uint8_t *p, uint32_t n)
{
    p[0] = (uint8_t)n;
    p[1] = (uint8_t)(n >> 8);
    p[2] = (uint8_t)(n >> 16);
    p[3] = (uint8_t)(n >> 24);
}

static const uint8_t *take(struct kee_vp_reader *reader, size_t size)
{
    const uint8_t *at = reader->rest.data;

    if (reader->failed || reader->rest.size < size) {
        reader->failed = true;
        return NULL;
    }
    reader->rest = kee_bytes_of(at + size, reader->rest.size - size);
    return at;
}

uint8_t kee_vp_take_u8(struct kee_vp_reader *reader)
{
    const uint8_t *p = take(reader, 1);

    return p == NULL ? 0 : *p;
}

uint32_t kee_vp_take_u32(struct kee_vp_reader *reader)
{
    const uint8_t *p = take(reader, 4);

    return p == NULL ? 0 : load_u32(p);
}

uint64_t kee_vp_take_u64(struct kee_vp_reader *reader)
{
    uint64_t low = kee_vp_take_u32(reader);
    uint64_t high = kee_vp_take_u32(reader);

    return reader->failed ? 0 : low | high << 32;
}

struct kee_bytes kee_vp_take_string(struct kee_vp_reader *reader)
{
    uint32_t size = kee_vp_take_u32(reader);
    const uint8_t *p = take(reader, size);

    return p == NULL ? kee_bytes_of(NULL, 0) : kee_bytes_of(p, size);
}

struct kee_vp_strings kee_vp_take_strings(struct kee_vp_reader *reader)
{
    struct kee_vp_strings strings = {.count = kee_vp_take_u32(reader)};
    const uint8_t *first = reader->rest.data;

    if (strings.count > KEE_LIMIT_FRAME_BYTES / 4) {
        reader->failed = true;
    }
    for (uint32_t i = 0; i < strings.count && !reader->failed; i++) {
        (void)kee_vp_take_string(reader);
    }
    if (reader->failed) {
        return (struct kee_vp_strings){0};
    }
    strings.raw = kee_bytes_of(first, (size_t)(reader->rest.data - first));
    return strings;
}

bool kee_vp_strings_next(struct kee_vp_strings *strings, struct kee_bytes *out)
{
    struct kee_vp_reader reader = {.rest = strings->raw};

    if (strings->count == 0) {
        return false;
    }
    *out = kee_vp_take_string(&reader);
    kee_assert(!reader.failed); /* checked when the list was taken */
    strings->raw = reader.rest;
    strings->count--;
    return true;
}

struct kee_vp_capdata kee_vp_take_capdata(struct kee_vp_reader *reader)
{
    struct kee_vp_capdata capdata;

    capdata.body = kee_vp_take_string(reader);
    capdata.slots = kee_vp_take_strings(reader);
    return capdata;
}

bool kee_vp_reader_end(const struct kee_vp_reader *reader)
{
    return !reader->failed && reader->rest.size == 0;
}

size_t kee_vp_frame_open(struct kee_buf *buf, enum kee_vp_type type)
{
    size_t place = buf->size;

    kee_buf_put_u32(buf, 0);
    kee_buf_put_u8(buf, (uint8_t)type);
    return place;
}

void kee_vp_frame_close(struct kee_buf *buf, size_t place)
{
    if (!buf->failed) {
        store_u32(buf->data + place, (uint32_t)(buf->size - place - 4));
    }
}

void kee_vp_put_string(struct kee_buf *buf, struct kee_bytes string)
{
    kee_buf_put_u32(buf, (uint32_t)string.size);
    kee_buf_put_bytes(buf, string);
}

size_t kee_vp_list_open(struct kee_buf *buf)
{
    size_t place = buf->size;

    kee_buf_put_u32(buf, 0);
    return place;
}

void kee_vp_list_close(struct kee_buf *buf, size_t place, uint32_t count)
{
    if (!buf->failed) {
        store_u32(buf->data + place, count);
    }
}

int kee_vp_frame_cut(struct kee_bytes stream, uint8_t *type, struct kee_bytes *fields,
                     size_t *frame_size)
{
    uint32_t size;

    if (stream.size < 4) {
        return 0;
    }
    size = load_u32(stream.data);
    if (size == 0 || size > KEE_LIMIT_FRAME_BYTES) {
        return -1;
    }
    if (stream.size - 4 < size) {
        return 0;
    }
    *type = stream.data[4];
    *fields = kee_bytes_of(stream.data + 5, size - 1);
    *frame_size = (size_t)size + 4;
    return 1;
}

bool kee_vp_start_take(struct kee_bytes fields, struct kee_vp_start *out)
{
    struct kee_vp_reader reader = {.rest = fields};
    uint8_t raw;

    out->version = kee_vp_take_u32(&reader);
    out->vat = kee_vp_take_u64(&reader);
    out->incarnation = kee_vp_take_u64(&reader);
    out->steps_per_crank_max = kee_vp_take_u64(&reader);
    out->heap_bytes_max = kee_vp_take_u64(&reader);
    raw = kee_vp_take_u8(&reader);
    out->seed = kee_vp_take_string(&reader);
    out->code_name = kee_vp_take_string(&reader);
    out->code = kee_vp_take_string(&reader);
    out->globals = kee_vp_take_strings(&reader);
    out->parameters = kee_vp_take_capdata(&reader);
    out->rows = kee_vp_take_strings(&reader);
    out->inventory = kee_vp_take_strings(&reader);
    out->raw = raw == 1;
    return kee_vp_reader_end(&reader) && out->version == KEE_VP_VERSION && raw <= 1 &&
           out->rows.count % 2 == 0 && out->inventory.count % 2 == 0;
}

static void put_strings(struct kee_buf *buf, struct kee_vp_strings strings)
{
    kee_buf_put_u32(buf, strings.count);
    kee_buf_put_bytes(buf, strings.raw);
}

void kee_vp_start_put(struct kee_buf *buf, const struct kee_vp_start *start)
{
    size_t place = kee_vp_frame_open(buf, KEE_VP_START);

    kee_buf_put_u32(buf, start->version);
    kee_buf_put_u64(buf, start->vat);
    kee_buf_put_u64(buf, start->incarnation);
    kee_buf_put_u64(buf, start->steps_per_crank_max);
    kee_buf_put_u64(buf, start->heap_bytes_max);
    kee_buf_put_u8(buf, start->raw);
    kee_vp_put_string(buf, start->seed);
    kee_vp_put_string(buf, start->code_name);
    kee_vp_put_string(buf, start->code);
    put_strings(buf, start->globals);
    kee_vp_put_string(buf, start->parameters.body);
    put_strings(buf, start->parameters.slots);
    put_strings(buf, start->rows);
    put_strings(buf, start->inventory);
    kee_vp_frame_close(buf, place);
}
