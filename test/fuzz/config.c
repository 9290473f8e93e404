/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: a cluster configuration. It is read, or refused with a sentence. */
#include <jansson.h>
#include <stdlib.h>

#include "base/assert.h"
#include "lib/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Files are not for a fuzzer to name: every path is made relative, which is refused here. */
static bool names_files(const char *text)
{
    return strstr(text, "\"/") != NULL || strstr(text, "file:") != NULL ||
           strchr(text, '\\') != NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct kee_buf why = KEE_BUF_EMPTY, copy = KEE_BUF_EMPTY;
    json_t *json = json_loadb((const char *)data, size, JSON_DECODE_ANY, NULL);
    struct kee_config config;
    int r;

    kee_buf_put(&copy, data, size);
    if (json != NULL && !names_files(kee_buf_cstr(&copy))) {
        r = kee_config_read(&config, json, NULL, &why);
        kee_assert(r >= 0);
        kee_assert((r == 0) == (why.size == 0));
        kee_assert(r != 0 || config.launch.vat_count > 0);
        kee_config_fini(&config);
    }
    json_decref(json);
    kee_buf_fini(&copy);
    kee_buf_fini(&why);
    return 0;
}
