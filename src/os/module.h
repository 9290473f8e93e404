/* SPDX-License-Identifier: Apache-2.0 */
/* module - a shared object that is loaded into this process. It stays until the process ends. */
#ifndef KEE_OS_MODULE_H
#define KEE_OS_MODULE_H

#include "base/bytes.h"

/* Gives what the symbol names; otherwise NULL, with the system's reason in why. */
void *kee_module_symbol(const char *path, const char *symbol, struct kee_buf *why);

#endif
