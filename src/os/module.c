/* SPDX-License-Identifier: Apache-2.0 */
/* module - see module.h. */
#include "os/module.h"

#include <dlfcn.h>

void *kee_module_symbol(const char *path, const char *symbol, struct kee_buf *why)
{
    void *module = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    void *found = module == NULL ? NULL : dlsym(module, symbol);

    if (found == NULL) {
        const char *reason = dlerror();
        kee_buf_put_str(why, reason == NULL ? "cannot be loaded" : reason);
    }
    return found;
}
