/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bytes - a borrowed run of bytes, and a buffer that grows.
 *
 * A kee_bytes never owns. A kee_buf owns its storage; appending remembers the first failure, so a
 * sequence of appends is checked once, at its end, with kee_buf_status().
 */
#ifndef KEE_BASE_BYTES_H
#define KEE_BASE_BYTES_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct kee_bytes {
    const uint8_t *data; /* may be NULL when size is 0 */
    size_t size;
};

/* A string literal, a C string, or a piece of memory seen as bytes. */
#define KEE_BYTES_LIT(text) ((struct kee_bytes){(const uint8_t *)(text), sizeof(text) - 1})

static inline struct kee_bytes kee_bytes_of(const void *data, size_t size)
{
    return (struct kee_bytes){(const uint8_t *)data, size};
}

static inline struct kee_bytes kee_bytes_str(const char *text)
{
    return kee_bytes_of(text, strlen(text));
}

/* Orders like memcmp, a shorter run before its extensions. */
int kee_bytes_compare(struct kee_bytes a, struct kee_bytes b);

static inline bool kee_bytes_equal(struct kee_bytes a, struct kee_bytes b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

bool kee_bytes_has_prefix(struct kee_bytes bytes, struct kee_bytes prefix);

/* Cuts *rest at the first byte equal to mark and gives what stood before it; the mark itself goes.
 * Without a mark, gives all of *rest and leaves it empty with data NULL. */
struct kee_bytes kee_bytes_cut(struct kee_bytes *rest, char mark);

/* Reads the whole of bytes as a decimal number without sign, blank or leading zero (but "0").
 * Returns false on anything else, and on overflow. */
bool kee_bytes_decimal(struct kee_bytes bytes, uint64_t *out);

/* The size of the UTF-8 character that rest, which is not empty, begins with; 0 if it is none. */
size_t kee_utf8_size(struct kee_bytes rest);
bool kee_bytes_is_utf8(struct kee_bytes bytes);

struct kee_buf {
    uint8_t *data;
    size_t size;
    size_t room;
    bool failed; /* an append ran out of memory; the content is not to be used */
};

#define KEE_BUF_EMPTY ((struct kee_buf){NULL, 0, 0, false})

void kee_buf_fini(struct kee_buf *buf);
/* Forgets the content and the failure, keeps the storage. */
void kee_buf_clear(struct kee_buf *buf);
/* Makes room for size further bytes. Returns 0 or KEE_FAULT_MEMORY, also remembered. */
int kee_buf_reserve(struct kee_buf *buf, size_t size);
void kee_buf_put(struct kee_buf *buf, const void *data, size_t size);
void kee_buf_put_bytes(struct kee_buf *buf, struct kee_bytes bytes);
void kee_buf_put_str(struct kee_buf *buf, const char *text);
void kee_buf_put_char(struct kee_buf *buf, char c);
void kee_buf_put_decimal(struct kee_buf *buf, uint64_t n);
void kee_buf_printf(struct kee_buf *buf, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void kee_buf_vprintf(struct kee_buf *buf, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));
/* Little-endian, for frames. */
void kee_buf_put_u8(struct kee_buf *buf, uint8_t n);
void kee_buf_put_u32(struct kee_buf *buf, uint32_t n);
void kee_buf_put_u64(struct kee_buf *buf, uint64_t n);
/* Over the four bytes that a put_u32 left at place. */
void kee_buf_set_u32(struct kee_buf *buf, size_t place, uint32_t n);
/* Removes the first size bytes. */
void kee_buf_consume(struct kee_buf *buf, size_t size);

static inline struct kee_bytes kee_buf_bytes(const struct kee_buf *buf)
{
    return kee_bytes_of(buf->data, buf->size);
}

/* 0, or KEE_FAULT_MEMORY if any append failed since the last clear. */
int kee_buf_status(const struct kee_buf *buf);

/* The content as a C string: a NUL is kept after the last byte but not counted. NULL if failed. */
const char *kee_buf_cstr(struct kee_buf *buf);

#endif
