/* SPDX-License-Identifier: Apache-2.0 */
/* scratch - a directory of a test's own, removed with all in it. */
#ifndef KEE_TEST_SCRATCH_H
#define KEE_TEST_SCRATCH_H

#include <stddef.h>

struct scratch {
    char path[64];
};

void scratch_init(struct scratch *scratch);
/* On a file system in memory where there is one: for tests that sync often on a disk of their own. */
void scratch_init_in_memory(struct scratch *scratch);
void scratch_fini(struct scratch *scratch);
/* Joins to a path: valid until the caller's room goes. */
const char *scratch_join(const struct scratch *scratch, const char *name, char room[128]);
/* A file in it, or a directory with all in it, if it is there. */
void scratch_remove(const struct scratch *scratch, const char *name);

#endif
