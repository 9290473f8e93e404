/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cut - bytes as they come, cut into whole texts; and texts as they are sent.
 *
 *   lines        TEXT\n            or \r\n; an empty line says nothing
 *   netstrings   LENGTH:TEXT,
 *
 * The first byte of a connection tells which, if neither was agreed upon: a digit begins a netstring. The
 * caller shows what is there, and again, longer, what was not taken.
 *
 * Owns     nothing.
 * Threads  none; pure.
 */
#ifndef KEE_NET_CUT_H
#define KEE_NET_CUT_H

#include "base/bytes.h"

enum kee_cut_kind {
    KEE_CUT_OPEN, /* not told yet */
    KEE_CUT_LINES,
    KEE_CUT_NETSTRINGS,
};

enum kee_cut_result {
    KEE_CUT_MORE, /* nothing whole is left */
    KEE_CUT_TEXT,
    KEE_CUT_NOTHING, /* bytes went that say nothing: an empty line */
    KEE_CUT_BAD,     /* why says what is wrong; nothing more can be cut */
};

struct kee_cut {
    enum kee_cut_kind kind;
    size_t text_max;
    size_t looked;   /* bytes of an unfinished line that hold no newline */
    const char *why; /* BAD: for a person; static */
};

void kee_cut_init(struct kee_cut *cut, enum kee_cut_kind kind, size_t text_max);

/* Takes one piece from the front of *rest. *text is borrowed from it. */
enum kee_cut_result kee_cut_next(struct kee_cut *cut, struct kee_bytes *rest,
                                 struct kee_bytes *text);

/* What goes before and after a text of that size, at most KEE_CUT_HEAD_BYTES before. */
#define KEE_CUT_HEAD_BYTES 24
size_t kee_cut_put_head(const struct kee_cut *cut, uint8_t head[KEE_CUT_HEAD_BYTES],
                        size_t text_size);
struct kee_bytes kee_cut_tail(const struct kee_cut *cut);

#endif
