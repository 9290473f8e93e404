/* SPDX-License-Identifier: Apache-2.0 */
/* globals - see globals.h. */
#include "lib/globals.h"

#include <string.h>

#define NAME_COUNT (sizeof names / sizeof *names)

static const char *const names[] = {
    "setTimeout",      "clearTimeout", "setInterval", "clearInterval",   "Date",    "Math",
    "crypto",          "SubtleCrypto", "fetch",       "Request",         "Headers", "Response",
    "TextEncoder",     "TextDecoder",  "URL",         "URLSearchParams", "atob",    "btoa",
    "AbortController", "AbortSignal",
};

bool kee_global_is_known(const char *name)
{
    for (size_t i = 0; i < NAME_COUNT; i++) {
        if (strcmp(name, names[i]) == 0) {
            return true;
        }
    }
    return false;
}

void kee_buf_put_globals(struct kee_buf *buf)
{
    for (size_t i = 0; i < NAME_COUNT; i++) {
        kee_buf_put_char(buf, ' ');
        kee_buf_put_str(buf, names[i]);
    }
}
