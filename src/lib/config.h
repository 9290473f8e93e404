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

enum kee_channel_type {
    KEE_CHANNEL_CONSOLE,
    KEE_CHANNEL_FILE,
    KEE_CHANNEL_SOCKET,  /* listens at a path */
    KEE_CHANNEL_LISTEN,  /* listens at HOST:PORT */
    KEE_CHANNEL_NETWORK, /* connects to HOST:PORT */
};

enum kee_channel_unit {
    KEE_CHANNEL_LINE,
    KEE_CHANNEL_STRING,
    KEE_CHANNEL_CHARS,
    KEE_CHANNEL_BYTES,
};

/* An I/O channel that vats of the configuration are given. */
struct kee_config_channel {
    struct kee_bytes name;
    enum kee_channel_type type;
    enum kee_channel_unit unit;
    bool in, out;           /* can be read, written */
    struct kee_bytes place; /* an absolute path, or HOST:PORT; a NUL follows it */
};

struct kee_config {
    struct kee_arena arena; /* what the rest points at */
    struct kee_launch launch;
    const struct kee_config_channel *channels;
    size_t channel_count;
    json_t *warnings; /* array of strings */
};

/* directory is absolute; NULL if there is none, and then relative paths are refused. The configuration
 * is to be fini'd whatever is returned. */
int kee_config_read(struct kee_config *out, const json_t *json, const char *directory,
                    struct kee_buf *why);
/* Only the channels of a configuration that was read before, and is kept with its subcluster. To be
 * fini'd likewise. */
int kee_config_read_channels(struct kee_config *out, const json_t *json, struct kee_buf *why);
void kee_config_fini(struct kee_config *config);

#endif
