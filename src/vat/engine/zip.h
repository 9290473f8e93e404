/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zip - reads a zip archive that lies in memory. Files are stored or deflated, in one volume, not
 * encrypted, below 4 GB; anything else is said to be so.
 *
 *   local header | data | local header | data ... | directory entries | end record
 *                                                   ^ an entry is named by its offset
 *
 * The archive is hostile: every offset and size is checked against the bytes at hand, the sum of the
 * unpacked sizes against limits.h, and inflating stops at the size that the directory names.
 *
 * Returns 0, or KEE_ZIP_BAD with what was expected and found in why. Nothing is allocated but zlib's
 * own state inside kee_zip_unpack.
 */
#ifndef KEE_VAT_ENGINE_ZIP_H
#define KEE_VAT_ENGINE_ZIP_H

#include "base/bytes.h"

enum kee_zip_outcome { KEE_ZIP_BAD = 1 };

#define KEE_ZIP_WHY_BYTES 256

struct kee_zip_entry {
    struct kee_bytes name;
    struct kee_bytes packed;
    uint32_t size;
    uint32_t crc;
    bool deflated;
    size_t next; /* where the entry after it stands */
};

/* Finds the directory: *at is the first entry, *count how many there are. */
int kee_zip_open(struct kee_bytes zip, size_t *at, uint32_t *count, char *why);
/* The entry at that offset. */
int kee_zip_entry(struct kee_bytes zip, size_t at, struct kee_zip_entry *out, char *why);
/* Writes entry->size bytes to out and checks them. */
int kee_zip_unpack(const struct kee_zip_entry *entry, uint8_t *out, char *why);

#endif
