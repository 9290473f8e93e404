/* SPDX-License-Identifier: Apache-2.0 */
/* secret - see secret.h. */
#include "daemon/secret.h"

#include <sodium/utils.h>

#include "base/fault.h"
#include "os/entropy.h"
#include "os/file.h"

#define BITS_BYTES 32u

static bool parse(char out[KEE_SECRET_BYTES + 1], struct kee_bytes text)
{
    uint8_t bits[BITS_BYTES];
    size_t size = 0;

    if (text.size > 0 && text.data[text.size - 1] == '\n') {
        text.size--;
    }
    if (text.size != KEE_SECRET_BYTES ||
        sodium_base642bin(bits, sizeof bits, (const char *)text.data, text.size, NULL, &size, NULL,
                          sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0 ||
        size != sizeof bits) {
        return false;
    }
    memcpy(out, text.data, KEE_SECRET_BYTES);
    out[KEE_SECRET_BYTES] = '\0';
    sodium_memzero(bits, sizeof bits);
    return true;
}

/* Whole or not at all: a file that was begun bears another name. */
static int make(char out[KEE_SECRET_BYTES + 1], struct kee_buf *path)
{
    uint8_t bits[BITS_BYTES];
    struct kee_buf begun = KEE_BUF_EMPTY, text = KEE_BUF_EMPTY;
    int r;

    kee_entropy_fill(bits, sizeof bits);
    (void)sodium_bin2base64(out, KEE_SECRET_BYTES + 1, bits, sizeof bits,
                            sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    sodium_memzero(bits, sizeof bits);
    kee_buf_printf(&begun, "%s.new", kee_buf_cstr(path));
    kee_buf_printf(&text, "%s\n", out);
    r = begun.failed || text.failed ? kee_fault(KEE_FAULT_MEMORY, "secret")
                                    : kee_file_write(kee_buf_cstr(&begun), kee_buf_bytes(&text));
    if (r == 0) {
        r = kee_file_rename(kee_buf_cstr(&begun), kee_buf_cstr(path));
    }
    if (text.data != NULL) {
        sodium_memzero(text.data, text.size);
    }
    kee_buf_fini(&begun);
    kee_buf_fini(&text);
    return r;
}

int kee_secret_of(char out[KEE_SECRET_BYTES + 1], const char *home, const char *name,
                  struct kee_buf *why)
{
    struct kee_buf path = KEE_BUF_EMPTY, text = KEE_BUF_EMPTY, unread = KEE_BUF_EMPTY;
    int r;

    kee_buf_printf(&path, "%s/secrets", home);
    r = path.failed ? kee_fault(KEE_FAULT_MEMORY, "secret")
                    : kee_file_home(kee_buf_cstr(&path), why);
    kee_buf_printf(&path, "/%s", name);
    if (r == 0 && path.failed) {
        r = kee_fault(KEE_FAULT_MEMORY, "secret");
    }
    if (r == 0) {
        r = kee_file_read(kee_buf_cstr(&path), 2 * KEE_SECRET_BYTES, &text, &unread);
        if (r == KEE_FILE_ABSENT) {
            r = make(out, &path);
        } else if (r == 0 && !parse(out, kee_buf_bytes(&text))) {
            kee_buf_printf(why,
                           "%s: expected a secret of 256 bits in base64url; remove the file, and "
                           "a new one is made",
                           kee_buf_cstr(&path));
            r = KEE_FILE_UNFIT;
        } else if (r > 0) {
            kee_buf_put_bytes(why, kee_buf_bytes(&unread));
        }
    }
    if (text.data != NULL) {
        sodium_memzero(text.data, text.size);
    }
    kee_buf_fini(&path);
    kee_buf_fini(&text);
    kee_buf_fini(&unread);
    return r;
}
