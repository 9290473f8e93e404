/* SPDX-License-Identifier: Apache-2.0 */
/* omap - a crit-bit tree; see omap.h. */
#include "store/omap.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/fault.h"

/* The bit tested: byte `byte` of the key, seen as a nine-bit symbol, masked by `mask`. */
struct branch {
    uintptr_t side[2];
    uint32_t byte;
    uint32_t mask;
};

static bool is_branch(uintptr_t at)
{
    return (at & 1) != 0;
}

static struct branch *branch_of(uintptr_t at)
{
    return (struct branch *)(at - 1);
}

static struct kee_omap_item *item_of(uintptr_t at)
{
    return (struct kee_omap_item *)at;
}

/* A key's end is smaller than any byte that could stand there. */
static uint32_t symbol(struct kee_bytes key, size_t byte)
{
    return byte < key.size ? 256u | key.data[byte] : 0;
}

static unsigned side_of(const struct branch *branch, struct kee_bytes key)
{
    return (symbol(key, branch->byte) & branch->mask) != 0;
}

/* The item whose path agrees with key in every bit that a branch on the way tests. */
static struct kee_omap_item *closest(const struct kee_omap *map, struct kee_bytes key)
{
    uintptr_t at = map->root;

    while (is_branch(at)) {
        const struct branch *branch = branch_of(at);
        at = branch->side[side_of(branch, key)];
    }
    return item_of(at);
}

static struct kee_omap_item *leftmost(uintptr_t at)
{
    while (is_branch(at)) {
        at = branch_of(at)->side[0];
    }
    return item_of(at);
}

/* Where two keys part. Returns false if they are equal. */
static bool parting(struct kee_bytes a, struct kee_bytes b, uint32_t *byte, uint32_t *mask)
{
    size_t common = a.size < b.size ? a.size : b.size;
    size_t i = 0;
    uint32_t differ;

    while (i < common && a.data[i] == b.data[i]) {
        i++;
    }
    if (i == a.size && i == b.size) {
        return false;
    }
    differ = symbol(a, i) ^ symbol(b, i);
    *byte = (uint32_t)i;
    *mask = 1u << (31 - __builtin_clz(differ));
    return true;
}

static bool tests_before(const struct branch *branch, uint32_t byte, uint32_t mask)
{
    return branch->byte < byte || (branch->byte == byte && branch->mask > mask);
}

void kee_omap_fini(struct kee_omap *map)
{
    /* Unhooks the left side of each branch until the tree is a list: no stack, whatever the depth. */
    uintptr_t at = map->root;

    while (is_branch(at)) {
        struct branch *branch = branch_of(at);
        uintptr_t left = branch->side[0];
        if (is_branch(left)) {
            branch->side[0] = branch_of(left)->side[1];
            branch_of(left)->side[1] = at;
            at = left;
        } else {
            at = branch->side[1];
            free(branch);
        }
    }
    *map = KEE_OMAP_EMPTY;
}

struct kee_omap_item *kee_omap_get(const struct kee_omap *map, struct kee_bytes key)
{
    struct kee_omap_item *item = map->root == 0 ? NULL : closest(map, key);

    return item != NULL && kee_bytes_equal(item->key, key) ? item : NULL;
}

struct kee_omap_item *kee_omap_first(const struct kee_omap *map)
{
    return map->root == 0 ? NULL : leftmost(map->root);
}

struct kee_omap_item *kee_omap_next(const struct kee_omap *map, struct kee_bytes after)
{
    uintptr_t at = map->root;
    uintptr_t greater = 0; /* the nearest subtree known to hold only greater keys */
    struct kee_omap_item *near;
    uint32_t byte = UINT32_MAX;
    uint32_t mask = 0;
    bool differs;

    if (at == 0) {
        return NULL;
    }
    near = closest(map, after);
    differs = parting(after, near->key, &byte, &mask);
    while (is_branch(at) && (!differs || tests_before(branch_of(at), byte, mask))) {
        const struct branch *branch = branch_of(at);
        unsigned side = side_of(branch, after);
        if (side == 0) {
            greater = branch->side[1];
        }
        at = branch->side[side];
    }
    /* All keys below `at` part from `after` at the same bit, and so lie on the same side of it. */
    if (differs && (symbol(after, byte) & mask) == 0) {
        return leftmost(at);
    }
    return greater == 0 ? NULL : leftmost(greater);
}

int kee_omap_insert(struct kee_omap *map, struct kee_omap_item *item)
{
    uintptr_t *at = &map->root;
    struct branch *branch;
    uint32_t byte;
    uint32_t mask;
    unsigned side;
    bool parts;

    kee_assert(((uintptr_t)item & 1) == 0 && item->key.size < UINT32_MAX);
    if (map->root == 0) {
        map->root = (uintptr_t)item;
        map->count = 1;
        return 0;
    }
    parts = parting(item->key, closest(map, item->key)->key, &byte, &mask);
    kee_assert(parts); /* OM-2 */
    branch = malloc(sizeof *branch);
    if (branch == NULL) {
        return kee_fault(KEE_FAULT_MEMORY, "ordered map of %zu items", map->count);
    }
    while (is_branch(*at) && tests_before(branch_of(*at), byte, mask)) {
        at = &branch_of(*at)->side[side_of(branch_of(*at), item->key)];
    }
    branch->byte = byte;
    branch->mask = mask;
    side = side_of(branch, item->key);
    branch->side[side] = (uintptr_t)item;
    branch->side[1 - side] = *at;
    *at = (uintptr_t)branch + 1;
    map->count++;
    return 0;
}

void kee_omap_remove(struct kee_omap *map, struct kee_omap_item *item)
{
    uintptr_t *at = &map->root;
    uintptr_t *parent = NULL;
    struct branch *branch;

    kee_assert(map->root != 0);
    while (is_branch(*at)) {
        parent = at;
        at = &branch_of(*at)->side[side_of(branch_of(*at), item->key)];
    }
    kee_assert(item_of(*at) == item);
    map->count--;
    if (parent == NULL) {
        map->root = 0;
        return;
    }
    branch = branch_of(*parent);
    *parent = branch->side[at == &branch->side[0] ? 1 : 0];
    free(branch);
}

void kee_omap_replace(struct kee_omap *map, struct kee_omap_item *old, struct kee_omap_item *item)
{
    uintptr_t *at = &map->root;

    kee_assert(((uintptr_t)item & 1) == 0 && map->root != 0);
    while (is_branch(*at)) {
        at = &branch_of(*at)->side[side_of(branch_of(*at), item->key)];
    }
    kee_assert(item_of(*at) == old);
    *at = (uintptr_t)item;
}

int kee_omap_audit(const struct kee_omap *map)
{
    const struct kee_omap_item *item;
    const struct kee_omap_item *last = NULL;
    size_t count = 0;

    for (item = kee_omap_first(map); item != NULL; item = kee_omap_next(map, item->key)) {
        uintptr_t at = map->root;
        const struct branch *above = NULL;
        while (is_branch(at)) {
            const struct branch *branch = branch_of(at);
            if (above != NULL && !tests_before(above, branch->byte, branch->mask)) {
                return 1;
            }
            above = branch;
            at = branch->side[side_of(branch, item->key)];
        }
        if (item_of(at) != item || (last != NULL && kee_bytes_compare(last->key, item->key) >= 0)) {
            return 2;
        }
        last = item;
        count++;
    }
    return count == map->count ? 0 : 2;
}
