/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pair_rig - a kernel with two vats, launched and at rest: where most tests of the kernel begin.
 */
#ifndef KEE_TEST_PAIR_RIG_H
#define KEE_TEST_PAIR_RIG_H

#include "kernel_rig.h"

struct pair {
    struct rig rig;
    char a[24], b[24]; /* roots of v1 and v2 */
};

/* Two vats launched, bootstrap answered. */
void pair_init(struct pair *pair);
/* With an audit. */
void pair_fini(struct pair *pair);
/* v1 sends a new object of its own, o+d10/1, to v2, which is then the only one to hold it, as o-50. */
void pair_give(struct pair *pair);
/* For kee_kernel_list_objects(): leaves the name of the last in context, char[24]. */
void pair_last_object(void *context, const struct kee_record *record);

#endif
