/* SPDX-License-Identifier: Apache-2.0 */
/*
 * output - a file that appears whole or not at all: written beside its place, moved there at the end.
 *
 * Returns  0 done; <0 fault, with what is known of the reason.
 */
#ifndef KEE_OS_OUTPUT_H
#define KEE_OS_OUTPUT_H

#include "base/bytes.h"

struct kee_output;

/* path NULL is standard output. */
int kee_output_open(struct kee_output **out, const char *path);
int kee_output_put(struct kee_output *output, struct kee_bytes bytes);
/* Puts the file in its place, durable, replacing an older one. Frees output in any case. */
int kee_output_finish(struct kee_output *output);
/* Leaves nothing behind. Accepts NULL. */
void kee_output_abandon(struct kee_output *output);

#endif
