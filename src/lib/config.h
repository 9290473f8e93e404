/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config - a cluster configuration, checked and made into what the kernel launches.
 *
 *   {"bootstrap":"alice","vats":{"alice":{"bundleSpec":"alice.js","parameters":{...},"globals":[...]}}}
 *
 * docs/config/README.md draws it. A key nobody knows is refused by name; a key that is known but not
 * used yet is named in a warning. Code is read here: from a path, taken from the configuration's
 * directory if relative, or a file: or data: URL.
 *
 * Returns  0 done; KEE_CONFIG_BAD with a sentence in why: the key, what was expected, what was found;
 *          <0 fault.
 */
#ifndef KEE_LIB_CONFIG_H
#define KEE_LIB_CONFIG_H

#include <jansson.h>

#include "base/arena.h"
#include "kernel/kernel.h"

enum kee_config_outcome { KEE_CONFIG_BAD = 1 };

struct kee_config {
    struct kee_arena arena; /* what launch points at */
    struct kee_launch launch;
    json_t *warnings; /* array of strings */
};

/* directory is absolute; NULL if there is none, and then relative paths are refused. The configuration
 * is to be fini'd whatever is returned. */
int kee_config_read(struct kee_config *out, const json_t *json, const char *directory,
                    struct kee_buf *why);
void kee_config_fini(struct kee_config *config);

#endif
