/* SPDX-License-Identifier: Apache-2.0 */
/* json_memory - see json_memory.h. */
#include "value/json_memory.h"

#include <stdlib.h>

#include "base/assert.h"

void *kee_json_malloc(size_t size)
{
    void *memory = malloc(size);

    kee_assert(memory != NULL); /* the header says why */
    return memory;
}
