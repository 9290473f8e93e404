/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tree - the public passable values of keeve/value.h, which are the nodes of value/value.h.
 *
 *   built by a host    nodes on the heap, each a struct keeve_value, children owned by their parent
 *   shown to a host    nodes in an arena, seen through a const struct keeve_value pointer
 *
 * Reading works on either, through the node alone; only what was built here is changed or freed.
 */
#ifndef KEE_LIB_TREE_H
#define KEE_LIB_TREE_H

#include "keeve/value.h"
#include "value/value.h"

struct keeve_value {
    struct kee_value node; /* first: a pointer to it is one to the whole */
    size_t room;           /* of items or members */
};

static inline const struct kee_value *kee_tree_node(const struct keeve_value *value)
{
    return (const struct kee_value *)(const void *)value;
}

/* Every text of the node must have a NUL after it, as the decoders of value/ see to. */
static inline const struct keeve_value *kee_tree_show(const struct kee_value *node)
{
    return (const struct keeve_value *)(const void *)node;
}

/* A tree on the heap; NULL when memory is out. */
struct keeve_value *kee_tree_copy(const struct kee_value *node);

/* Is text UTF-8 without surrogates or needlessly long forms? */
bool kee_tree_is_utf8(struct kee_bytes text);

#endif
