/* SPDX-License-Identifier: Apache-2.0 */
/* client_asked - questions of the other side, whose answers it may name as targets; see client.h. */
#include <stdlib.h>

#include "base/fault.h"
#include "base/limits.h"
#include "lib/client.h"

struct kee_client_asked *kee_client_asked_find(const struct keeve_client *client,
                                               struct kee_bytes id)
{
    struct kee_client_asked *asked = kee_map_get(&client->asked, kee_client_hash(id));

    while (asked != NULL && !kee_bytes_equal(asked->id, id)) {
        asked = asked->next;
    }
    return asked;
}

static void free_if_over(struct keeve_client *client, struct kee_client_asked *asked)
{
    if (!asked->listed && asked->returned) {
        kee_client_unuse(client, asked->row);
        free(asked);
    }
}

static void unlist(struct keeve_client *client, struct kee_client_asked *asked)
{
    struct kee_client_asked *first = kee_map_get(&client->asked, asked->hash);

    if (first == asked && asked->next == NULL) {
        (void)kee_map_remove(&client->asked, asked->hash);
    } else if (first == asked) {
        (void)kee_map_put(&client->asked, asked->hash, asked->next); /* the cell is there */
    } else {
        while (first->next != asked) {
            first = first->next;
        }
        first->next = asked->next;
    }
    asked->listed = false;
    kee_list_remove(&asked->link);
    client->asked_count--;
}

void kee_client_asked_drop(struct keeve_client *client, struct kee_client_asked *asked)
{
    unlist(client, asked);
    free_if_over(client, asked);
}

void kee_client_asked_done(struct keeve_client *client, struct kee_client_asked *asked)
{
    asked->returned = true;
    free_if_over(client, asked);
}

/* A peer that drops no questions is not served for ever by keeping all of its answers. */
static void forget_oldest(struct keeve_client *client)
{
    struct kee_link *link = client->asked_order.next;

    while (client->asked_count >= KEE_LIMIT_CLIENT_ANSWERS && link != &client->asked_order) {
        struct kee_client_asked *asked = KEE_CONTAINER(link, struct kee_client_asked, link);
        link = link->next;
        if (!asked->returned) {
            break;
        }
        kee_client_asked_drop(client, asked);
    }
}

struct kee_client_asked *kee_client_asked_add(struct keeve_client *client, struct kee_bytes id)
{
    struct kee_client_asked *asked = kee_client_asked_find(client, id);

    if (asked != NULL) {
        kee_client_asked_drop(client, asked); /* the name is taken for a new question */
    }
    forget_oldest(client);
    asked = calloc(1, sizeof *asked + id.size);
    if (asked == NULL) {
        (void)kee_fault(KEE_FAULT_MEMORY, "a question");
        return NULL;
    }
    memcpy(asked + 1, id.data, id.size);
    asked->id = kee_bytes_of(asked + 1, id.size);
    asked->hash = kee_client_hash(id);
    asked->next = kee_map_get(&client->asked, asked->hash);
    asked->row = kee_client_add_own(client, KEE_REF_OWN_PROMISE);
    if (asked->row == NULL || kee_map_put(&client->asked, asked->hash, asked) < 0) {
        kee_client_remove(client, asked->row);
        free(asked);
        return NULL;
    }
    kee_client_use(asked->row);
    asked->row->as.promise.answers = asked;
    asked->listed = true;
    kee_list_append(&client->asked_order, &asked->link);
    client->asked_count++;
    return asked;
}
