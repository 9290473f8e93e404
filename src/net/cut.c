/* SPDX-License-Identifier: Apache-2.0 */
/* cut - see cut.h. */
#include "net/cut.h"

#include <stdio.h>

/* Digits of a length: beyond them it is over every limit. */
#define LENGTH_DIGITS_MAX 9u

void kee_cut_init(struct kee_cut *cut, enum kee_cut_kind kind, size_t text_max)
{
    *cut = (struct kee_cut){.kind = kind, .text_max = text_max};
}

static enum kee_cut_result bad(struct kee_cut *cut, const char *why)
{
    cut->why = why;
    return KEE_CUT_BAD;
}

static enum kee_cut_result give(struct kee_cut *cut, struct kee_bytes *text, struct kee_bytes found)
{
    if (!kee_bytes_is_utf8(found)) {
        return bad(cut, "a text is not UTF-8");
    }
    *text = found;
    return KEE_CUT_TEXT;
}

static void skip(struct kee_bytes *rest, size_t size)
{
    *rest = kee_bytes_of(rest->data + size, rest->size - size);
}

static enum kee_cut_result next_line(struct kee_cut *cut, struct kee_bytes *rest,
                                     struct kee_bytes *text)
{
    const uint8_t *end = rest->size <= cut->looked
                             ? NULL
                             : memchr(rest->data + cut->looked, '\n', rest->size - cut->looked);
    struct kee_bytes line =
        kee_bytes_of(rest->data, end == NULL ? rest->size : (size_t)(end - rest->data));

    if (line.size > cut->text_max + 1) {
        return bad(cut, "a line is longer than this connection may send");
    }
    if (end == NULL) {
        cut->looked = rest->size;
        return KEE_CUT_MORE;
    }
    cut->looked = 0;
    skip(rest, line.size + 1);
    if (line.size > 0 && line.data[line.size - 1] == '\r') {
        line.size--;
    }
    if (line.size > cut->text_max) {
        return bad(cut, "a line is longer than this connection may send");
    }
    return line.size == 0 ? KEE_CUT_NOTHING : give(cut, text, line);
}

static enum kee_cut_result next_netstring(struct kee_cut *cut, struct kee_bytes *rest,
                                          struct kee_bytes *text)
{
    size_t digits = 0;
    uint64_t size = 0;

    while (digits < rest->size && digits <= LENGTH_DIGITS_MAX && rest->data[digits] >= '0' &&
           rest->data[digits] <= '9') {
        digits++;
    }
    if (digits > LENGTH_DIGITS_MAX) {
        return bad(cut, "a netstring is longer than this connection may send");
    }
    if (digits > 0 && !kee_bytes_decimal(kee_bytes_of(rest->data, digits), &size)) {
        return bad(cut, "a netstring's length begins with 0");
    }
    if (digits < rest->size && (digits == 0 || rest->data[digits] != ':')) {
        return bad(cut, "expected a netstring: LENGTH:TEXT,");
    }
    if (digits == rest->size) {
        return KEE_CUT_MORE;
    }
    if (size > cut->text_max) {
        return bad(cut, "a netstring is longer than this connection may send");
    }
    if (rest->size < digits + 1 + size + 1) {
        return KEE_CUT_MORE;
    }
    if (rest->data[digits + 1 + size] != ',') {
        return bad(cut, "a netstring does not end with a comma");
    }
    *text = kee_bytes_of(rest->data + digits + 1, (size_t)size);
    skip(rest, digits + 1 + (size_t)size + 1);
    return give(cut, text, *text);
}

enum kee_cut_result kee_cut_next(struct kee_cut *cut, struct kee_bytes *rest,
                                 struct kee_bytes *text)
{
    *text = kee_bytes_of(NULL, 0);
    if (rest->size == 0) {
        return KEE_CUT_MORE;
    }
    if (cut->kind == KEE_CUT_OPEN) {
        cut->kind =
            rest->data[0] >= '0' && rest->data[0] <= '9' ? KEE_CUT_NETSTRINGS : KEE_CUT_LINES;
    }
    return cut->kind == KEE_CUT_NETSTRINGS ? next_netstring(cut, rest, text)
                                           : next_line(cut, rest, text);
}

size_t kee_cut_put_head(const struct kee_cut *cut, uint8_t head[KEE_CUT_HEAD_BYTES],
                        size_t text_size)
{
    return cut->kind == KEE_CUT_NETSTRINGS
               ? (size_t)snprintf((char *)head, KEE_CUT_HEAD_BYTES, "%zu:", text_size)
               : 0;
}

struct kee_bytes kee_cut_tail(const struct kee_cut *cut)
{
    return cut->kind == KEE_CUT_NETSTRINGS ? KEE_BYTES_LIT(",") : KEE_BYTES_LIT("\n");
}
