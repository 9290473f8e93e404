/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: names as text. What is read as one is written back the same; nothing else is read. */
#include <stdlib.h>

#include "base/assert.h"
#include "base/ids.h"
#include "store/schema.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void same(struct kee_buf *written, struct kee_bytes text)
{
    kee_assert(kee_buf_status(written) == 0);
    kee_assert(kee_bytes_equal(kee_buf_bytes(written), text));
    kee_buf_clear(written);
}

static void check_vref(struct kee_buf *out, struct kee_bytes text)
{
    struct kee_vref_parts parts;

    if (!kee_vref_parse(text, &parts)) {
        return;
    }
    kee_buf_put_char(out, (char)parts.type);
    kee_buf_put_char(out, parts.exported ? '+' : '-');
    if (parts.is_virtual) {
        kee_buf_put_char(out, parts.is_durable ? 'd' : 'v');
    }
    kee_buf_put_decimal(out, parts.id);
    if (parts.is_virtual) {
        kee_buf_put_char(out, '/');
        kee_buf_put_decimal(out, parts.instance);
    }
    if (parts.has_facet) {
        kee_buf_put_char(out, ':');
        kee_buf_put_decimal(out, parts.facet);
    }
    same(out, text);
}

static void check_seq(struct kee_bytes text)
{
    struct kee_key key = {.size = 0};
    uint64_t n;

    if (kee_seq_parse(text, &n)) {
        kee_key_add_seq(&key, n);
        kee_assert(kee_bytes_equal(kee_key_view(&key), text));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct kee_bytes text = kee_bytes_of(data, size);
    struct kee_buf out = KEE_BUF_EMPTY;
    struct kee_kref kref;
    uint64_t n;

    if (kee_kref_parse(text, &kref)) {
        kee_assert(!kee_kref_is_none(kref));
        kee_buf_put_kref(&out, kref);
        same(&out, text);
    }
    if (kee_id_parse(text, 'v', &n)) {
        kee_buf_put_char(&out, 'v');
        kee_buf_put_decimal(&out, n);
        same(&out, text);
    }
    if (kee_bytes_decimal(text, &n)) {
        kee_buf_put_decimal(&out, n);
        same(&out, text);
    }
    check_vref(&out, text);
    check_seq(text);
    kee_buf_fini(&out);
    return 0;
}
