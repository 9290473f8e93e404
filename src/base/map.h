/* SPDX-License-Identifier: Apache-2.0 */
/*
 * map - a hash table from 64-bit numbers to pointers it does not own. The number 0 is no key.
 */
#ifndef KEE_BASE_MAP_H
#define KEE_BASE_MAP_H

#include <stddef.h>
#include <stdint.h>

struct kee_map_cell {
    uint64_t key;
    void *value;
};

struct kee_map {
    struct kee_map_cell *cells;
    size_t room; /* 0 or a power of two */
    size_t count;
};

#define KEE_MAP_EMPTY ((struct kee_map){NULL, 0, 0})

void kee_map_fini(struct kee_map *map);
void *kee_map_get(const struct kee_map *map, uint64_t key); /* NULL if absent */
/* value must not be NULL; replaces an earlier one. Returns 0 or KEE_FAULT_MEMORY. */
int kee_map_put(struct kee_map *map, uint64_t key, void *value);
/* Room for so many more, which kee_map_put() takes without a fault. Returns 0 or KEE_FAULT_MEMORY. */
int kee_map_reserve(struct kee_map *map, size_t more);
void *kee_map_remove(struct kee_map *map, uint64_t key); /* what was there, or NULL */

/* Walks all cells in no order: start with *at = 0; NULL at the end. Do not change the map meanwhile. */
void *kee_map_next(const struct kee_map *map, size_t *at);

#endif
