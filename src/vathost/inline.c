/* SPDX-License-Identifier: Apache-2.0 */
/* inline - loads the module that carries vats in this thread, and has it carry them. */
#include <string.h>

#include "os/module.h"
#include "vathost/vathost_internal.h"

#define MODULE "keeve-inline.so"
#define IMAGE "keeve-vat.image"

int kee_vathost_load_inline(struct kee_vathost *host, const char *program, struct kee_buf *why)
{
    struct kee_buf module = KEE_BUF_EMPTY, image = KEE_BUF_EMPTY;
    struct kee_carrier carrier;
    kee_inline_open_fn *open_module = NULL;
    const char *slash = strrchr(program, '/');
    struct kee_bytes directory =
        slash == NULL ? KEE_BYTES_LIT("./") : kee_bytes_of(program, (size_t)(slash - program) + 1);
    char text[512] = "";
    int r = KEE_VATHOST_NOT_READY;

    kee_buf_put_bytes(&module, directory);
    kee_buf_put_str(&module, MODULE);
    kee_buf_put_bytes(&image, directory);
    kee_buf_put_str(&image, IMAGE);
    kee_buf_put_str(why, "vats cannot run inside this process: ");
    if (!module.failed && !image.failed) {
        /* What a module gives is one pointer to data; POSIX has it hold a function's. */
        *(void **)&open_module = kee_module_symbol(kee_buf_cstr(&module), KEE_INLINE_SYMBOL, why);
    }
    if (open_module != NULL) {
        if (open_module(&carrier, kee_buf_cstr(&image), text, sizeof text) == 0) {
            kee_vathost_carry(host, KEE_FLAVOUR_INLINE, &carrier);
            kee_buf_clear(why);
            r = 0;
        }
        kee_buf_put_str(why, text);
    }
    kee_buf_fini(&module);
    kee_buf_fini(&image);
    return r;
}
