/* SPDX-License-Identifier: Apache-2.0 */
/* entropy - random bytes nobody can guess. Without them nothing may go on: the process ends. */
#ifndef KEE_OS_ENTROPY_H
#define KEE_OS_ENTROPY_H

#include <stddef.h>
#include <stdint.h>

void kee_entropy_fill(uint8_t *out, size_t size);

#endif
