/* SPDX-License-Identifier: Apache-2.0 */
/* assert - see assert.h. */
#include "base/assert.h"

#include <stdio.h>
#include <stdlib.h>

_Noreturn void kee_assert_failed(const char *condition, const char *file, int line)
{
    (void)fprintf(stderr, "keeve: assertion failed: %s (%s:%d)\n", condition, file, line);
    abort();
}
