/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: a zip archive. Every entry lies in the archive, and what is refused is refused with a
 * sentence. */
#include <stdlib.h>

#include "base/assert.h"
#include "base/limits.h"
#include "vat/engine/zip.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Larger claims are refused by the sum of all, which is the caller's. */
#define UNPACKED_MAX (1u << 20)

static void unpack(const struct kee_zip_entry *entry, char *why)
{
    uint8_t *out = malloc(entry->size + 1);
    kee_assert(out != NULL);
    out[entry->size] = 0x5a;
    kee_assert(kee_zip_unpack(entry, out, why) == 0 || why[0] != '\0');
    kee_assert(out[entry->size] == 0x5a);
    free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct kee_bytes zip = kee_bytes_of(data, size);
    char why[KEE_ZIP_WHY_BYTES] = "";
    struct kee_zip_entry entry;
    uint32_t count = 0;
    size_t at = 0;
    if (kee_zip_open(zip, &at, &count, why) != 0) {
        kee_assert(why[0] != '\0');
        return 0;
    }
    kee_assert(count <= KEE_LIMIT_ARCHIVE_FILES);
    for (uint32_t i = 0; i < count; i++) {
        if (kee_zip_entry(zip, at, &entry, why) != 0) {
            kee_assert(why[0] != '\0');
            return 0;
        }
        kee_assert(entry.next > at && entry.next <= size);
        kee_assert(entry.packed.data >= data && entry.packed.size <= size);
        if (entry.size <= UNPACKED_MAX) {
            unpack(&entry, why);
        }
        at = entry.next;
    }
    return 0;
}
