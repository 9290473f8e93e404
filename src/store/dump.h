/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dump - a whole store as text, and back; docs/formats/store.md draws the text.
 *
 * Both ways memory stays within a few megabytes and the largest row, whatever the size of the store.
 *
 * Returns  0 done; an outcome; <0 fault.
 */
#ifndef KEE_STORE_DUMP_H
#define KEE_STORE_DUMP_H

#include "store/store.h"

enum kee_dump_outcome {
    KEE_DUMP_MALFORMED = 1, /* the text is not a whole and unchanged dump */
    KEE_DUMP_NOT_EMPTY,     /* the store has rows already */
};

/* Takes the next piece of the text; <0 ends the writing with that fault. */
typedef int kee_dump_sink_fn(void *context, struct kee_bytes piece);
/* Fills room with up to size bytes and says how many in *got; 0 at the end. <0 ends the reading. */
typedef int kee_dump_source_fn(void *context, uint8_t *room, size_t size, size_t *got);

/* The store must not be written meanwhile. */
int kee_dump_write(struct kee_store *store, kee_dump_sink_fn *sink, void *context);

/* Writes all rows of the text into an empty store as one batch: all or nothing. On an outcome *why
 * (appended to) names the line, what was expected and what was found; the store is empty as before.
 * Only when 0 is returned, done is called as by the store's write(). */
int kee_dump_read(struct kee_store *store, kee_dump_source_fn *source, void *source_context,
                  struct kee_buf *why, kee_store_done_fn *done, void *done_context);

#endif
