/* SPDX-License-Identifier: Apache-2.0 */
/*
 * alloc_fault - an allocation that fails when the test wants it to. Link with --wrap=malloc,
 * --wrap=calloc and --wrap=realloc. One thread.
 */
#ifndef KEE_TEST_ALLOC_FAULT_H
#define KEE_TEST_ALLOC_FAULT_H

#include <stdbool.h>
#include <stdint.h>

/* The nth allocation from now fails (1 is the next), once. Allocations count while it is on. */
void alloc_fault_arm(uint64_t nth);
void alloc_fault_on(bool on);
/* Whether it has failed; nothing is armed afterwards. */
bool alloc_fault_disarm(void);

#endif
