/* SPDX-License-Identifier: Apache-2.0 */
/* entropy - see entropy.h. */
#include "os/entropy.h"

#include <errno.h>
#include <sys/random.h>

#include "base/assert.h"

void kee_entropy_fill(uint8_t *out, size_t size)
{
    while (size > 0) {
        ssize_t n = getrandom(out, size, 0);
        kee_assert(n > 0 || errno == EINTR); /* the call is older than any kernel we run on */
        if (n > 0) {
            out += n;
            size -= (size_t)n;
        }
    }
}
