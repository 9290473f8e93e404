/* SPDX-License-Identifier: Apache-2.0 */
/* imports - see imports.h. */
#include "lib/imports.h"

static bool is_word(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '$' || c >= 0x80;
}

static bool word_at(struct kee_bytes text, size_t at, struct kee_bytes word)
{
    return text.size - at >= word.size && memcmp(text.data + at, word.data, word.size) == 0 &&
           (at == 0 || (!is_word(text.data[at - 1]) && text.data[at - 1] != '.')) &&
           (text.size - at == word.size || !is_word(text.data[at + word.size]));
}

/* Behind blanks, comments and an opening parenthesis, as dynamic imports have. */
static size_t skip_blanks(struct kee_bytes text, size_t at)
{
    while (at < text.size) {
        const uint8_t *p = text.data + at;
        if (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r' || *p == '(') {
            at++;
        } else if (*p == '/' && text.size - at > 1 && p[1] == '/') {
            const uint8_t *end = memchr(p, '\n', text.size - at);
            at = end == NULL ? text.size : (size_t)(end - text.data);
        } else if (*p == '/' && text.size - at > 1 && p[1] == '*') {
            const uint8_t *end = memmem(p + 2, text.size - at - 2, "*/", 2);
            at = end == NULL ? text.size : (size_t)(end - text.data) + 2;
        } else {
            break;
        }
    }
    return at;
}

/* A string at that place that may be a relative path. */
static bool specifier_at(struct kee_bytes text, size_t at, struct kee_bytes *out)
{
    size_t end = at + 1;
    if (at >= text.size || (text.data[at] != '\'' && text.data[at] != '"')) {
        return false;
    }
    while (end < text.size && text.data[end] != text.data[at]) {
        if (text.data[end] == '\n' || text.data[end] == '\\' || text.data[end] == 0) {
            return false;
        }
        end++;
    }
    *out = kee_bytes_of(text.data + at + 1, end - at - 1);
    return end < text.size && (kee_bytes_has_prefix(*out, KEE_BYTES_LIT("./")) ||
                               kee_bytes_has_prefix(*out, KEE_BYTES_LIT("../")));
}

bool kee_imports_next(struct kee_bytes *rest, struct kee_bytes *specifier)
{
    /* All of the text is looked at from its start, as a word shows by what stands before it. */
    for (size_t at = 0; at < rest->size; at++) {
        size_t size = word_at(*rest, at, KEE_BYTES_LIT("from"))     ? 4
                      : word_at(*rest, at, KEE_BYTES_LIT("import")) ? 6
                                                                    : 0;
        if (size > 0 && specifier_at(*rest, skip_blanks(*rest, at + size), specifier)) {
            size_t end = (size_t)(specifier->data - rest->data) + specifier->size;
            *rest = kee_bytes_of(rest->data + end, rest->size - end);
            return true;
        }
    }
    *rest = kee_bytes_of(NULL, 0);
    return false;
}

/* Takes the last part of the path in out, from the offset on; false if there is none. */
static bool pop(struct kee_buf *out, size_t start)
{
    if (out->size == start) {
        return false;
    }
    out->size--; /* the slash */
    while (out->size > start && out->data[out->size - 1] != '/') {
        out->size--;
    }
    return true;
}

bool kee_imports_resolve(struct kee_buf *out, struct kee_bytes module, struct kee_bytes specifier)
{
    size_t start = out->size;
    size_t directory = module.size;
    bool is_file = false;

    while (directory > 0 && module.data[directory - 1] != '/') {
        directory--;
    }
    kee_buf_put(out, module.data, directory);
    while (specifier.size > 0) {
        struct kee_bytes part = kee_bytes_cut(&specifier, '/');
        is_file = false;
        if (kee_bytes_equal(part, KEE_BYTES_LIT(".."))) {
            if (!pop(out, start)) {
                return false;
            }
        } else if (part.size > 0 && !kee_bytes_equal(part, KEE_BYTES_LIT("."))) {
            kee_buf_put_bytes(out, part);
            kee_buf_put_char(out, '/');
            is_file = true;
        }
    }
    if (is_file && out->size > start) {
        out->size--;
    }
    return !out->failed;
}
