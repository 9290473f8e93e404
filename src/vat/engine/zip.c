/* SPDX-License-Identifier: Apache-2.0 */
/* zip - see zip.h. */
#include "vat/engine/zip.h"

#include <stdio.h>
#include <zlib.h>

#include "base/limits.h"

#define END_BYTES 22u
#define ENTRY_BYTES 46u
#define LOCAL_BYTES 30u
/* The comment after the end record. */
#define COMMENT_MAX 65535u

static const uint8_t end_mark[] = {'P', 'K', 5, 6};
static const uint8_t entry_mark[] = {'P', 'K', 1, 2};
static const uint8_t local_mark[] = {'P', 'K', 3, 4};

static uint32_t u16_at(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8;
}

static uint32_t u32_at(const uint8_t *p)
{
    return u16_at(p) | u16_at(p + 2) << 16;
}

static int bad(char *why, const char *format, ...) __attribute__((format(printf, 2, 3)));

static int bad(char *why, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)vsnprintf(why, KEE_ZIP_WHY_BYTES, format, args);
    va_end(args);
    return KEE_ZIP_BAD;
}

/* The end record, searched from the end, since a comment may follow it; NULL if there is none. */
static const uint8_t *find_end(struct kee_bytes zip)
{
    size_t back = END_BYTES;
    while (back <= zip.size && back <= END_BYTES + COMMENT_MAX) {
        const uint8_t *p = zip.data + zip.size - back;
        if (memcmp(p, end_mark, sizeof end_mark) == 0 && u16_at(p + 20) == back - END_BYTES) {
            return p;
        }
        back++;
    }
    return NULL;
}

int kee_zip_open(struct kee_bytes zip, size_t *at, uint32_t *count, char *why)
{
    const uint8_t *end = find_end(zip);
    uint32_t size;
    uint32_t offset;
    if (end == NULL) {
        return bad(why, "expected a zip archive, found %zu bytes without its end record (cut off?)",
                   zip.size);
    }
    *count = u16_at(end + 10);
    size = u32_at(end + 12);
    offset = u32_at(end + 16);
    if (u16_at(end + 4) != 0 || u16_at(end + 6) != 0 || u16_at(end + 8) != *count) {
        return bad(why, "expected a zip archive in one volume");
    }
    if (*count > KEE_LIMIT_ARCHIVE_FILES) {
        return bad(why, "expected at most %u files in a zip archive, found %u",
                   KEE_LIMIT_ARCHIVE_FILES, *count);
    }
    if ((uint64_t)offset + size > (uint64_t)(end - zip.data)) {
        return bad(why, "the directory of the zip archive lies outside of it (cut off?)");
    }
    *at = offset;
    return 0;
}

int kee_zip_entry(struct kee_bytes zip, size_t at, struct kee_zip_entry *out, char *why)
{
    const uint8_t *entry;
    const uint8_t *local;
    uint64_t start;
    uint32_t method;
    uint32_t packed;
    if (at > zip.size || zip.size - at < ENTRY_BYTES ||
        memcmp(zip.data + at, entry_mark, sizeof entry_mark) != 0) {
        return bad(why, "expected an entry of the zip directory at byte %zu", at);
    }
    entry = zip.data + at;
    out->name = kee_bytes_of(entry + ENTRY_BYTES, u16_at(entry + 28));
    out->next = at + ENTRY_BYTES + out->name.size + u16_at(entry + 30) + u16_at(entry + 32);
    if (out->next > zip.size) {
        return bad(why, "the entry of the zip directory at byte %zu is cut off", at);
    }
    out->crc = u32_at(entry + 16);
    packed = u32_at(entry + 20);
    out->size = u32_at(entry + 24);
    method = u16_at(entry + 10);
    out->deflated = method == 8;
    if ((u16_at(entry + 8) & 1) != 0 || (method != 0 && method != 8)) {
        return bad(why, "expected a file stored or deflated, found method %u%s at byte %zu", method,
                   (u16_at(entry + 8) & 1) != 0 ? ", encrypted," : "", at);
    }
    start = u32_at(entry + 42);
    if (start + LOCAL_BYTES > zip.size ||
        memcmp(zip.data + start, local_mark, sizeof local_mark) != 0) {
        return bad(why, "expected a file of the zip archive at byte %llu",
                   (unsigned long long)start);
    }
    local = zip.data + start;
    start += LOCAL_BYTES + u16_at(local + 26) + u16_at(local + 28);
    if (start + packed > zip.size) {
        return bad(why, "a file of the zip archive ends at byte %llu, but there are %zu",
                   (unsigned long long)start + packed, zip.size);
    }
    if (!out->deflated && packed != out->size) {
        return bad(why, "a stored file of the zip archive has %u bytes and is said to have %u",
                   packed, out->size);
    }
    out->packed = kee_bytes_of(zip.data + start, packed);
    return 0;
}

/* Exactly size bytes, or it is not what the directory says. */
static bool inflate_whole(const struct kee_zip_entry *entry, uint8_t *out)
{
    z_stream stream = {.next_in = (Bytef *)(uintptr_t)entry->packed.data,
                       .avail_in = (uInt)entry->packed.size,
                       .next_out = out,
                       .avail_out = entry->size};
    int r = inflateInit2(&stream, -MAX_WBITS);
    if (r != Z_OK) {
        return false;
    }
    r = inflate(&stream, Z_FINISH);
    (void)inflateEnd(&stream);
    return r == Z_STREAM_END && stream.avail_out == 0;
}

int kee_zip_unpack(const struct kee_zip_entry *entry, uint8_t *out, char *why)
{
    if (!entry->deflated) {
        if (entry->size > 0) {
            memcpy(out, entry->packed.data, entry->size);
        }
    } else if (!inflate_whole(entry, out)) {
        return bad(why, "expected %u bytes of deflated data in %u, found it damaged or longer",
                   entry->size, (unsigned)entry->packed.size);
    }
    if (crc32(crc32(0, NULL, 0), out, entry->size) != entry->crc) {
        return bad(why, "the checksum of a file of %u bytes is not the one of the zip directory",
                   entry->size);
    }
    return 0;
}
