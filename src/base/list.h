/* SPDX-License-Identifier: Apache-2.0 */
/*
 * list - an intrusive, doubly linked ring. The owner embeds a kee_link in each item and a kee_link
 * as the head; an item is in at most one list through each of its links.
 */
#ifndef KEE_BASE_LIST_H
#define KEE_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct kee_link {
    struct kee_link *prev;
    struct kee_link *next;
};

/* The struct that holds link as its member. */
#define KEE_CONTAINER(link, type, member) ((type *)(void *)((char *)(link)-offsetof(type, member)))

static inline void kee_list_init(struct kee_link *head)
{
    head->prev = head->next = head;
}
static inline bool kee_list_is_empty(const struct kee_link *head)
{
    return head->next == head;
}
static inline void kee_list_append(struct kee_link *head, struct kee_link *link)
{
    link->prev = head->prev;
    link->next = head;
    head->prev->next = link;
    head->prev = link;
}
static inline void kee_list_prepend(struct kee_link *head, struct kee_link *link)
{
    kee_list_append(head->next, link);
}
/* Leaves link as an empty list of its own, so that removing twice is harmless. */
static inline void kee_list_remove(struct kee_link *link)
{
    link->prev->next = link->next;
    link->next->prev = link->prev;
    kee_list_init(link);
}

#endif
