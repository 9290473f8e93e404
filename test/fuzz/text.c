/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz target: the small readers of text. Escaped bytes come back; base64 writes no byte beyond its
 * room; imports lie in the text they were found in, and none leads out of its root; what the daemon
 * says is UTF-8.
 */
#include <stdlib.h>

#include "base/assert.h"
#include "base/base64.h"
#include "daemon/json_text.h"
#include "lib/imports.h"
#include "store/escape.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_escape(struct kee_bytes text, struct kee_buf *out)
{
    struct kee_buf back = KEE_BUF_EMPTY;
    size_t at = 0;

    kee_buf_put_escaped(out, text);
    kee_assert(kee_bytes_is_utf8(kee_buf_bytes(out)));
    kee_assert(kee_buf_put_unescaped(&back, kee_buf_bytes(out), &at) == NULL);
    kee_assert(kee_bytes_equal(kee_buf_bytes(&back), text));
    kee_buf_clear(&back);
    kee_assert(kee_buf_put_unescaped(&back, text, &at) == NULL || at <= text.size);
    kee_buf_fini(&back);
    kee_buf_clear(out);
}

static void check_base64(struct kee_bytes text)
{
    size_t room = kee_base64_room(text.size);
    uint8_t *bytes = malloc(room);
    size_t size = 0;

    kee_assert(bytes != NULL);
    if (kee_base64_decode(bytes, &size, text)) {
        kee_assert(size <= room);
    } else {
        kee_assert(size <= text.size);
    }
    free(bytes);
}

static void check_imports(struct kee_bytes text, struct kee_buf *path)
{
    struct kee_bytes rest = text;
    struct kee_bytes specifier;

    while (kee_imports_next(&rest, &specifier)) {
        kee_assert(specifier.data >= text.data &&
                   specifier.data + specifier.size <= text.data + text.size);
        kee_assert(rest.size == 0 || rest.data + rest.size == text.data + text.size);
        if (kee_imports_resolve(path, KEE_BYTES_LIT("vats/a.js"), specifier)) {
            struct kee_bytes parts = kee_buf_bytes(path);
            kee_assert(parts.size == 0 || parts.data[0] != '/');
            while (parts.size > 0) {
                kee_assert(!kee_bytes_equal(kee_bytes_cut(&parts, '/'), KEE_BYTES_LIT("..")));
            }
        }
        kee_buf_clear(path);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct kee_bytes text = kee_bytes_of(data, size);
    struct kee_buf out = KEE_BUF_EMPTY;

    check_escape(text, &out);
    check_base64(text);
    check_imports(text, &out);
    kee_json_put_text(&out, text);
    kee_assert(kee_bytes_is_utf8(kee_buf_bytes(&out)));
    kee_buf_fini(&out);
    return 0;
}
