/* SPDX-License-Identifier: Apache-2.0 */
/*
 * source - the code of a vat, from where its configuration says.
 *
 *   alice.js  ../b/alice.bundle  /abs/alice.js     a path; relative ones from the given directory
 *   file:///abs/alice.js                           percent escapes are undone
 *   data:text/javascript,export%20const...         data:application/json;base64,eyJtb2R1...
 *
 * A module that imports others by relative paths comes with them (modules.h).
 */
#ifndef KEE_LIB_SOURCE_H
#define KEE_LIB_SOURCE_H

#include "base/arena.h"
#include "base/bytes.h"

enum kee_source_outcome { KEE_SOURCE_BAD = 1 };

struct kee_source {
    struct kee_bytes name; /* for messages */
    struct kee_bytes code;
};

/* Both are in the arena. Outcome BAD: why says what was expected and found. */
int kee_source_read(struct kee_source *out, struct kee_bytes spec, const char *directory,
                    struct kee_arena *arena, struct kee_buf *why);

#endif
