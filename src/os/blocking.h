/* SPDX-License-Identifier: Apache-2.0 */
/* blocking - plain reading and writing of descriptors that block, for programs that do one thing. */
#ifndef KEE_OS_BLOCKING_H
#define KEE_OS_BLOCKING_H

#include "base/bytes.h"

enum kee_fd_outcome { KEE_FD_GONE = 1 /* the process at the other end of the socket is gone */ };

/* Writes all. Outcome GONE. */
int kee_fd_write_all(int fd, struct kee_bytes bytes);
/* Waits for some bytes; *n is 0 at the end. Outcome GONE. */
int kee_fd_read(int fd, uint8_t *out, size_t size, size_t *n);
/* Harmless for -1. */
void kee_fd_close(int fd);

#endif
