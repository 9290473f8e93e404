/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: the JSON text in a vat's rows. What is read is written, and that is read the same. */
#include <stdlib.h>

#include "base/assert.h"
#include "vat/liveslots/rowtext.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_string(struct kee_bytes text)
{
    struct kee_buf first = KEE_BUF_EMPTY, written = KEE_BUF_EMPTY, second = KEE_BUF_EMPTY;
    struct kee_row_cursor cursor = kee_row_read(text);

    kee_row_string(&cursor, &first);
    if (!cursor.failed && kee_bytes_is_utf8(kee_buf_bytes(&first))) {
        kee_row_put_string(&written, kee_buf_bytes(&first));
        cursor = kee_row_read(kee_buf_bytes(&written));
        kee_row_string(&cursor, &second);
        kee_assert(!cursor.failed && cursor.rest.size == 0);
        kee_assert(kee_bytes_equal(kee_buf_bytes(&first), kee_buf_bytes(&second)));
    }
    kee_buf_fini(&first);
    kee_buf_fini(&written);
    kee_buf_fini(&second);
}

static void check_capdata(struct kee_bytes text)
{
    struct kee_buf body = KEE_BUF_EMPTY, slots = KEE_BUF_EMPTY, written = KEE_BUF_EMPTY;
    struct kee_row_cursor cursor = kee_row_read(text);
    uint32_t count = kee_row_capdata(&cursor, &body, &slots);

    if (!cursor.failed) {
        struct kee_vp_strings all = {kee_buf_bytes(&slots), count};
        struct kee_bytes slot;
        uint32_t found = 0;
        kee_row_put_capdata(&written, kee_buf_bytes(&body), all);
        while (kee_vp_strings_next(&all, &slot)) {
            found++;
        }
        kee_assert(found == count);
        kee_buf_clear(&slots);
        cursor = kee_row_read(kee_buf_bytes(&written));
        kee_assert(kee_row_capdata(&cursor, NULL, &slots) == count && !cursor.failed);
    }
    kee_buf_fini(&body);
    kee_buf_fini(&slots);
    kee_buf_fini(&written);
}

/* An object of anything, as states and tables are. */
static void walk(struct kee_bytes text)
{
    struct kee_row_cursor cursor = kee_row_read(text);
    struct kee_buf name = KEE_BUF_EMPTY;
    size_t members = 0;

    kee_row_enter(&cursor, '{');
    while (kee_row_member(&cursor, &name)) {
        struct kee_row_cursor again = cursor;
        struct kee_bytes value = kee_row_value(&cursor);
        kee_assert(cursor.failed ||
                   (value.data >= text.data && value.data + value.size <= text.data + text.size));
        (void)kee_row_number(&again);
        kee_assert(members++ <= text.size);
        kee_buf_clear(&name);
    }
    cursor = kee_row_read(text);
    kee_row_enter(&cursor, '[');
    while (kee_row_element(&cursor)) {
        (void)kee_row_value(&cursor);
        kee_assert(members++ <= 2 * text.size);
    }
    kee_buf_fini(&name);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct kee_bytes text = kee_bytes_of(data, size);

    check_string(text);
    check_capdata(text);
    walk(text);
    return 0;
}
