/* SPDX-License-Identifier: Apache-2.0 */
/* map - open addressing with linear probing and backward-shift removal; see map.h. */
#include "base/map.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/fault.h"

static size_t home_of(const struct kee_map *map, uint64_t key)
{
    return (size_t)((key * 0x9E3779B97F4A7C15u) >> 20) & (map->room - 1);
}

void kee_map_fini(struct kee_map *map)
{
    free(map->cells);
    *map = KEE_MAP_EMPTY;
}

static struct kee_map_cell *cell_of(const struct kee_map *map, uint64_t key)
{
    size_t at;

    if (map->room == 0) {
        return NULL;
    }
    for (at = home_of(map, key); map->cells[at].key != 0; at = (at + 1) & (map->room - 1)) {
        if (map->cells[at].key == key) {
            return &map->cells[at];
        }
    }
    return NULL;
}

void *kee_map_get(const struct kee_map *map, uint64_t key)
{
    struct kee_map_cell *cell = cell_of(map, key);

    return cell == NULL ? NULL : cell->value;
}

static void place(struct kee_map *map, uint64_t key, void *value)
{
    size_t at = home_of(map, key);

    while (map->cells[at].key != 0) {
        at = (at + 1) & (map->room - 1);
    }
    map->cells[at] = (struct kee_map_cell){key, value};
    map->count++;
}

static int grow(struct kee_map *map)
{
    struct kee_map bigger = {NULL, map->room == 0 ? 16 : map->room * 2, 0};

    bigger.cells = calloc(bigger.room, sizeof *bigger.cells);
    if (bigger.cells == NULL) {
        return kee_fault(KEE_FAULT_MEMORY, "map of %zu cells", bigger.room);
    }
    for (size_t i = 0; i < map->room; i++) {
        if (map->cells[i].key != 0) {
            place(&bigger, map->cells[i].key, map->cells[i].value);
        }
    }
    free(map->cells);
    *map = bigger;
    return 0;
}

int kee_map_reserve(struct kee_map *map, size_t more)
{
    int r = 0;

    kee_assert(more > 0);
    /* Three quarters are taken at most, before the last of them is placed. */
    while (r == 0 && (map->count + more - 1) * 4 >= map->room * 3) {
        r = grow(map);
    }
    return r;
}

int kee_map_put(struct kee_map *map, uint64_t key, void *value)
{
    struct kee_map_cell *cell = cell_of(map, key);
    int r;

    kee_assert(key != 0 && value != NULL);
    if (cell != NULL) {
        cell->value = value;
        return 0;
    }
    r = kee_map_reserve(map, 1);
    if (r < 0) {
        return r;
    }
    place(map, key, value);
    return 0;
}

void *kee_map_remove(struct kee_map *map, uint64_t key)
{
    struct kee_map_cell *cell = cell_of(map, key);
    size_t hole, at;
    void *value;

    if (cell == NULL) {
        return NULL;
    }
    value = cell->value;
    hole = (size_t)(cell - map->cells);
    for (at = (hole + 1) & (map->room - 1); map->cells[at].key != 0;
         at = (at + 1) & (map->room - 1)) {
        size_t home = home_of(map, map->cells[at].key);
        /* Move the cell back unless its home lies strictly between the hole and itself. */
        if (((at - home) & (map->room - 1)) >= ((at - hole) & (map->room - 1))) {
            map->cells[hole] = map->cells[at];
            hole = at;
        }
    }
    map->cells[hole] = (struct kee_map_cell){0, NULL};
    map->count--;
    return value;
}

void *kee_map_next(const struct kee_map *map, size_t *at)
{
    while (*at < map->room) {
        struct kee_map_cell *cell = &map->cells[(*at)++];
        if (cell->key != 0) {
            return cell->value;
        }
    }
    return NULL;
}
