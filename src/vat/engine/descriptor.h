/* SPDX-License-Identifier: Apache-2.0 */
/* descriptor - the one descriptor of a worker process: blocking reads and writes. */
#ifndef KEE_VAT_ENGINE_DESCRIPTOR_H
#define KEE_VAT_ENGINE_DESCRIPTOR_H

#include "base/bytes.h"

/* Appends what there is, at least a byte; false at the end of the stream. Without memory in has failed,
 * and that is true. */
bool kee_descriptor_read(int fd, struct kee_buf *in);
/* False if nobody reads any more. */
bool kee_descriptor_write(int fd, struct kee_bytes bytes);

#endif
