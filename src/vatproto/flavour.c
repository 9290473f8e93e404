/* SPDX-License-Identifier: Apache-2.0 */
/* flavour - the names of flavours; see carrier.h. */
#include "vatproto/carrier.h"

static const char *const names[KEE_FLAVOURS] = {"", "process", "shared", "inline", "native"};

const char *kee_flavour_name(enum kee_flavour flavour)
{
    return names[flavour];
}

bool kee_flavour_parse(struct kee_bytes text, enum kee_flavour *out)
{
    for (int i = KEE_FLAVOUR_PROCESS; i < KEE_FLAVOURS; i++) {
        if (kee_bytes_equal(text, kee_bytes_str(names[i]))) {
            *out = (enum kee_flavour)i;
            return true;
        }
    }
    return false;
}
