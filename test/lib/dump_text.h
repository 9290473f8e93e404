/* SPDX-License-Identifier: Apache-2.0 */
/* dump_text - the text of a store in memory: a sink and a source for store/dump.h, and its closing line. */
#ifndef KEE_TEST_DUMP_TEXT_H
#define KEE_TEST_DUMP_TEXT_H

#include "base/bytes.h"

/* Begins as {0}; the owner frees all. */
struct dump_text {
    struct kee_buf all;
    size_t at; /* read until here */
};

/* A kee_dump_sink_fn and a kee_dump_source_fn; context is a struct dump_text. */
int dump_text_append(void *context, struct kee_bytes piece);
int dump_text_take(void *context, uint8_t *room, size_t size, size_t *got);

/* Appends "end ROWS SUM" as the format wants it. */
void dump_text_close(struct kee_buf *all);

#endif
