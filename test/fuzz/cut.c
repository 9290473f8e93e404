/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: bytes of a connection into texts. However they come in pieces, the texts are the same; each
 * is UTF-8 and within its limit; what is put on the wire is read back. */
#include <stdlib.h>

#include "base/assert.h"
#include "net/cut.h"

#define TEXT_MAX 64u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Shows data in pieces that grow by step bytes (0: at once), appends all texts; false if it was bad. */
static bool run(struct kee_buf *out, const uint8_t *data, size_t size, size_t step)
{
    struct kee_cut cut;
    size_t from = 0, to = step == 0 ? size : 0;

    kee_cut_init(&cut, KEE_CUT_OPEN, TEXT_MAX);
    for (;;) {
        struct kee_bytes rest = kee_bytes_of(data + from, to - from), text;
        enum kee_cut_result result;
        while ((result = kee_cut_next(&cut, &rest, &text)) == KEE_CUT_TEXT ||
               result == KEE_CUT_NOTHING) {
            kee_assert(text.size <= TEXT_MAX);
            kee_assert(kee_bytes_is_utf8(text));
            if (result == KEE_CUT_TEXT) {
                kee_buf_printf(out, "%zu:", text.size);
                kee_buf_put_bytes(out, text);
                kee_buf_put_char(out, ',');
            }
        }
        if (result == KEE_CUT_BAD) {
            kee_assert(cut.why != NULL);
            return false;
        }
        from = to - rest.size;
        if (to == size) {
            return true;
        }
        to = size - to < step ? size : to + step;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct kee_buf whole = KEE_BUF_EMPTY, pieces = KEE_BUF_EMPTY, again = KEE_BUF_EMPTY;
    bool good = run(&whole, data, size, 0);

    for (size_t step = 1; step <= 3; step++) {
        kee_buf_clear(&pieces);
        kee_assert(run(&pieces, data, size, step) == good);
        kee_assert(kee_bytes_equal(kee_buf_bytes(&pieces), kee_buf_bytes(&whole)));
    }
    /* The texts, written as netstrings, are the same texts. */
    kee_assert(run(&again, whole.data, whole.size, 0));
    kee_assert(kee_bytes_equal(kee_buf_bytes(&again), kee_buf_bytes(&whole)));
    kee_buf_fini(&whole);
    kee_buf_fini(&pieces);
    kee_buf_fini(&again);
    return 0;
}
