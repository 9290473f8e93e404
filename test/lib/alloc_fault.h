/* SPDX-License-Identifier: Apache-2.0 */
/*
 * alloc_fault - an allocation that fails when the test wants it to. Link with --wrap=malloc,
 * --wrap=calloc and --wrap=realloc; for jansson give alloc_fault_malloc to json_set_alloc_funcs().
 * Armed and asked by one thread; allocations of others count.
 */
#ifndef KEE_TEST_ALLOC_FAULT_H
#define KEE_TEST_ALLOC_FAULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The nth allocation from now fails (1 is the next), once. Allocations count while it is on. */
void alloc_fault_arm(uint64_t nth);
void alloc_fault_on(bool on);
/* Whether it has failed; nothing is armed afterwards. */
bool alloc_fault_disarm(void);

/* arm and on in one; disarm and off. */
void alloc_fault_begin(uint64_t nth);
bool alloc_fault_end(void);

/* From now on one state for this process and those it forks: what a child arms and meets is seen here.
 * One of them is at work at a time. */
void alloc_fault_share(void);

/* For json_set_alloc_funcs(), with free. */
void *alloc_fault_malloc(size_t size);

#endif
