/* SPDX-License-Identifier: Apache-2.0 */
/*
 * omap - an ordered map over byte keys: a binary trie that branches only where two keys differ.
 *
 *              (3.5)                 A branch tests one bit of the key: here bit 5 of byte 3. Keys with
 *             /     \                the bit clear hang left, the others right, so that walking from
 *          kp1    (4.1)              left to right gives the order of memcmp. A key that ends counts as
 *                 /    \             smaller than any byte (a ninth bit above the eight).
 *             kp12    kp17
 *
 * Owns     the branches. The items are the caller's: each embeds a kee_omap_item whose key stays put and
 *          unchanged while the item is in the map.
 * Threads  none.
 * Returns  0 done; <0 fault.
 *
 * Invariants, verified whole by kee_omap_audit():
 *   OM-1  the bit a branch tests lies behind the bit its parent tests.
 *   OM-2  walking from left to right gives ever greater keys, count of them.
 */
#ifndef KEE_STORE_OMAP_H
#define KEE_STORE_OMAP_H

#include "base/bytes.h"

struct kee_omap_item {
    struct kee_bytes key;
};

struct kee_omap {
    uintptr_t root; /* 0: empty. An item; or a branch, with the lowest bit set */
    size_t count;
};

#define KEE_OMAP_EMPTY ((struct kee_omap){0, 0})

/* Frees the branches; the items are left alone. */
void kee_omap_fini(struct kee_omap *map);

/* The item with this key, or NULL. */
struct kee_omap_item *kee_omap_get(const struct kee_omap *map, struct kee_bytes key);
/* The first item with a key greater than after, or NULL. */
struct kee_omap_item *kee_omap_next(const struct kee_omap *map, struct kee_bytes after);
/* The first item of all (its key may be empty), or NULL. */
struct kee_omap_item *kee_omap_first(const struct kee_omap *map);

/* Keeps item until it is removed. No item with its key may be in the map. */
int kee_omap_insert(struct kee_omap *map, struct kee_omap_item *item);
/* item must be in the map. Cannot fail. */
void kee_omap_remove(struct kee_omap *map, struct kee_omap_item *item);

/* Puts item in the place of old, which is in the map and has the same key. Cannot fail. */
void kee_omap_replace(struct kee_omap *map, struct kee_omap_item *old, struct kee_omap_item *item);

/* 0 if all invariants hold, else the number of the first one broken. */
int kee_omap_audit(const struct kee_omap *map);

#endif
