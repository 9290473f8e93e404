/* SPDX-License-Identifier: Apache-2.0 */
/* status - what a kernel runs, counted, and its subclusters with their vats. */
#ifndef KEE_LIB_STATUS_H
#define KEE_LIB_STATUS_H

#include <jansson.h>

#include "kernel/kernel.h"

struct kee_status {
    uint64_t vats;
    uint64_t awake;
    uint64_t queued;
    uint64_t cranks;
    json_t *subclusters; /* array of {id, bootstrap, state, vats: {"alice": {vat, root}}} */
};

/* To be fini'd whatever is returned. Returns what the kernel says, or a fault. */
int kee_status_read(struct kee_status *out, struct kee_kernel *kernel);
void kee_status_fini(struct kee_status *status);

#endif
