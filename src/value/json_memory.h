/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_memory - where jansson gets its memory. Without memory it may lose characters of a text and say
 * nothing; so a program that uses it ends instead, as it would by a kill, which harms nothing.
 */
#ifndef KEE_VALUE_JSON_MEMORY_H
#define KEE_VALUE_JSON_MEMORY_H

#include <stddef.h>

/* For json_set_alloc_funcs(), with free. Never gives NULL. */
void *kee_json_malloc(size_t size);

#endif
