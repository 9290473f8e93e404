/* SPDX-License-Identifier: Apache-2.0 */
/* config_internal - what the files that read a configuration share. */
#ifndef KEE_LIB_CONFIG_INTERNAL_H
#define KEE_LIB_CONFIG_INTERNAL_H

#include "lib/config.h"

/* One reading: where we are, and what is found. */
struct kee_config_reading {
    struct kee_config *config;
    const char *directory;
    struct kee_buf *why;
    size_t code_bytes;
    json_t *io; /* channels with their paths made absolute; NULL: there are none */
};

/* place and key name what is wrong: "vats.alice" and "globals". found NULL: what is there is wrong by
 * its kind. Gives BAD. */
int kee_config_expected(struct kee_config_reading *reading, const char *place, const char *key,
                        const char *wanted, const json_t *found);
/* Copies into the configuration's arena. */
int kee_config_keep(struct kee_config_reading *reading, struct kee_bytes *out,
                    struct kee_bytes bytes);

int kee_config_read_services(struct kee_config_reading *reading, const json_t *json);
int kee_config_read_io(struct kee_config_reading *reading, const json_t *json);

#endif
