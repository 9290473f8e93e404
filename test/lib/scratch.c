/* SPDX-License-Identifier: Apache-2.0 */
#include "scratch.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    return remove(path);
}

void scratch_init(struct scratch *scratch)
{
    (void)snprintf(scratch->path, sizeof scratch->path, "/tmp/keeve-test-XXXXXX");
    kee_assert(mkdtemp(scratch->path) != NULL);
}

void scratch_init_in_memory(struct scratch *scratch)
{
    (void)snprintf(scratch->path, sizeof scratch->path, "/dev/shm/keeve-test-XXXXXX");
    if (mkdtemp(scratch->path) == NULL) {
        scratch_init(scratch);
    }
}

void scratch_fini(struct scratch *scratch)
{
    (void)nftw(scratch->path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

const char *scratch_join(const struct scratch *scratch, const char *name, char room[128])
{
    (void)snprintf(room, 128, "%s/%s", scratch->path, name);
    return room;
}

void scratch_remove(const struct scratch *scratch, const char *name)
{
    char path[128];

    (void)nftw(scratch_join(scratch, name, path), remove_one, 8, FTW_DEPTH | FTW_PHYS);
}
