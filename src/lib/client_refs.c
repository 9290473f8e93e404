/* SPDX-License-Identifier: Apache-2.0 */
/* client_refs - rows of references: found by name, kept by who uses them, gone with the last; see
 * client.h. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/fault.h"
#include "base/ids.h"
#include "lib/client.h"

static bool is_theirs(const struct kee_client_ref *row)
{
    return row->kind == KEE_REF_THEIR_OBJECT || row->kind == KEE_REF_THEIR_PROMISE;
}

static struct kee_client_ref *find_theirs(const struct keeve_client *client, struct kee_bytes name)
{
    struct kee_client_ref *row = kee_map_get(&client->theirs, kee_client_hash(name));

    while (row != NULL && !kee_bytes_equal(row->name, name)) {
        row = row->next;
    }
    return row;
}

bool kee_client_is_kref(struct kee_bytes name)
{
    struct kee_kref kref;

    return name.size > 0 && name.data[0] == 'k' && kee_kref_parse(name, &kref);
}

bool kee_client_is_name(struct kee_bytes name)
{
    return kee_captp_is_slot(name) || kee_client_is_kref(name);
}

struct kee_bytes kee_client_wire_name(struct kee_bytes name, char room[KEEVE_NAME_SIZE])
{
    if (!kee_client_is_kref(name)) {
        return name;
    }
    (void)snprintf(room, KEEVE_NAME_SIZE, "%c-%.*s", name.data[1] == 'p' ? 'p' : 'o',
                   (int)name.size, (const char *)name.data);
    return kee_bytes_str(room);
}

struct kee_bytes kee_client_host_name(struct kee_bytes slot)
{
    struct kee_bytes rest = kee_bytes_of(slot.data + 2, slot.size - 2);
    char room[KEEVE_NAME_SIZE];

    return slot.data[1] == '-' && kee_client_is_kref(rest) &&
                   kee_bytes_equal(kee_client_wire_name(rest, room), slot)
               ? rest
               : slot;
}

struct kee_client_ref *kee_client_find(const struct keeve_client *client, struct kee_bytes name)
{
    char room[KEEVE_NAME_SIZE];
    struct kee_client_ref *row;
    uint64_t number;

    name = kee_client_wire_name(name, room);
    if (!kee_captp_is_slot(name)) {
        return NULL;
    }
    if (name.data[1] == '-') {
        return find_theirs(client, name);
    }
    if (!kee_bytes_decimal(kee_bytes_of(name.data + 2, name.size - 2), &number) || number == 0) {
        return NULL;
    }
    row = kee_map_get(&client->own, number);
    return row != NULL && row->name.data[0] == name.data[0] ? row : NULL;
}

/* ---- making ---- */

static struct kee_client_ref *new_row(enum kee_ref_kind kind, struct kee_bytes name, uint64_t key)
{
    struct kee_client_ref *row = calloc(1, sizeof *row + name.size + 1);
    struct kee_client_promise *promise;

    if (row == NULL) {
        (void)kee_fault(KEE_FAULT_MEMORY, "a reference");
        return NULL;
    }
    memcpy(row + 1, name.data, name.size);
    row->name = kee_bytes_of(row + 1, name.size);
    row->kind = kind;
    row->key = key;
    kee_list_init(&row->idle);
    if (kee_client_is_promise(row)) {
        promise = &row->as.promise;
        kee_list_init(&promise->follower);
        kee_list_init(&promise->followers);
        kee_list_init(&promise->waiters);
        kee_list_init(&promise->queue);
        kee_list_init(&promise->due_link);
    } else {
        kee_list_init(&row->as.object.link);
    }
    return row;
}

struct kee_client_ref *kee_client_add_own(struct keeve_client *client, enum kee_ref_kind kind)
{
    char name[KEEVE_NAME_SIZE];
    struct kee_client_ref *row;
    uint64_t number = client->last + 1;

    (void)snprintf(name, sizeof name, "%c+%" PRIu64, kind == KEE_REF_OWN_OBJECT ? 'o' : 'p',
                   number);
    row = new_row(kind, kee_bytes_str(name), number);
    if (row != NULL && kee_map_put(&client->own, number, row) < 0) {
        free(row);
        return NULL;
    }
    client->last = row == NULL ? client->last : number;
    return row;
}

struct kee_client_ref *kee_client_add_theirs(struct keeve_client *client, struct kee_bytes name)
{
    struct kee_client_ref *row = find_theirs(client, name);
    uint64_t hash = kee_client_hash(name);

    if (row == NULL) {
        row =
            new_row(name.data[0] == 'p' ? KEE_REF_THEIR_PROMISE : KEE_REF_THEIR_OBJECT, name, hash);
        if (row == NULL) {
            return NULL;
        }
        row->next = kee_map_get(&client->theirs, hash);
        if (kee_map_put(&client->theirs, hash, row) < 0) {
            free(row);
            return NULL;
        }
    }
    return row;
}

/* ---- going ---- */

static void unlink_theirs(struct keeve_client *client, struct kee_client_ref *row)
{
    struct kee_client_ref *first = kee_map_get(&client->theirs, row->key);

    if (first == row && row->next == NULL) {
        (void)kee_map_remove(&client->theirs, row->key);
    } else if (first == row) {
        (void)kee_map_put(&client->theirs, row->key, row->next); /* the cell is there */
    } else {
        while (first->next != row) {
            first = first->next;
        }
        first->next = row->next;
    }
}

void kee_client_remove(struct keeve_client *client, struct kee_client_ref *row)
{
    if (row == NULL) {
        return;
    }
    kee_list_remove(&row->idle);
    if (is_theirs(row)) {
        unlink_theirs(client, row);
    } else {
        (void)kee_map_remove(&client->own, row->key);
    }
    if (kee_client_is_promise(row)) {
        kee_list_remove(&row->as.promise.due_link);
        kee_list_remove(&row->as.promise.follower);
        if (row->as.promise.follows != NULL) {
            kee_client_unuse(client, row->as.promise.follows);
        }
        kee_client_data_release(client, row->as.promise.data);
    } else {
        kee_list_remove(&row->as.object.link);
        free(row->as.object.gone);
    }
    free(row);
}

static bool is_kept(const struct kee_client_ref *row)
{
    if (row->held || row->uses > 0) {
        return true;
    }
    switch (row->kind) {
    case KEE_REF_THEIR_OBJECT:
    case KEE_REF_THEIR_PROMISE:
        return false;
    case KEE_REF_OWN_OBJECT:
        return row->mentions > 0;
    case KEE_REF_OWN_PROMISE:
        return row->mentions > 0 || row->as.promise.asked || row->as.promise.due;
    }
    kee_assert(false);
}

void kee_client_idle(struct keeve_client *client, struct kee_client_ref *row)
{
    if (!is_kept(row)) {
        kee_list_remove(&row->idle);
        kee_list_append(&client->idle, &row->idle);
    }
}

void kee_client_unuse(struct keeve_client *client, struct kee_client_ref *row)
{
    kee_assert(row->uses > 0);
    row->uses--;
    kee_client_idle(client, row);
}

static void say_drop(struct keeve_client *client, struct kee_bytes name, uint64_t refs)
{
    struct kee_captp_op op = {.type = KEE_CAPTP_DROP, .id = name, .refs = refs};

    if (!client->lost && kee_client_emit(client, &op) < 0) {
        kee_client_break(client, "out of memory");
    }
}

static void let_go(struct keeve_client *client, struct kee_client_ref *row)
{
    if (is_theirs(row) && row->mentions > 0) {
        say_drop(client, row->name, row->mentions);
    } else if (row->kind == KEE_REF_OWN_PROMISE && row->as.promise.was_asked) {
        char name[KEEVE_NAME_SIZE];
        (void)snprintf(name, sizeof name, "q-%" PRIu64, row->key);
        say_drop(client, kee_bytes_str(name), 1);
    } else if (row->kind == KEE_REF_OWN_OBJECT && row->as.object.gone != NULL) {
        kee_list_append(&client->told, &row->as.object.gone->link);
        row->as.object.gone = NULL;
    }
    kee_client_remove(client, row);
}

void kee_client_sweep(struct keeve_client *client)
{
    while (!kee_list_is_empty(&client->idle)) {
        struct kee_client_ref *row = KEE_CONTAINER(client->idle.next, struct kee_client_ref, idle);
        kee_list_remove(&row->idle);
        if (!is_kept(row)) {
            let_go(client, row);
        }
    }
}

void kee_client_mention(struct keeve_client *client, const struct kee_body *body)
{
    for (size_t i = 0; i < body->slot_count; i++) {
        struct kee_client_ref *row =
            body->slots[i].data[1] == '+' ? kee_client_find(client, body->slots[i]) : NULL;
        if (row == NULL) {
            continue;
        }
        row->mentions++;
        if (row->kind == KEE_REF_OWN_PROMISE) {
            row->as.promise.exported = true;
            if (row->as.promise.data != NULL && !row->as.promise.resolved) {
                kee_client_due(client, row);
            }
        }
    }
}

/* ---- what the host does with names ---- */

enum keeve_result keeve_client_drop(struct keeve_client *client, const char *ref)
{
    struct kee_bytes name = ref == NULL ? kee_bytes_of(NULL, 0) : kee_bytes_str(ref);
    struct kee_client_ref *row;

    if (!kee_client_is_name(name)) {
        return kee_client_decline(
            client, KEEVE_BAD, "expected the name of a reference, found %s%.60s%s",
            ref == NULL ? "none" : "\"", ref == NULL ? "" : ref, ref == NULL ? "" : "\"");
    }
    row = kee_client_find(client, name);
    if (row == NULL || !row->held) {
        return KEEVE_OK;
    }
    row->held = false;
    if (row->kind == KEE_REF_OWN_PROMISE && row->as.promise.host_settles) {
        row->as.promise.host_settles = false;
        kee_client_spoil(client, row, "Error", "who was to settle this promise has dropped it");
        kee_client_drain(client);
    }
    kee_client_idle(client, row);
    kee_client_sweep(client);
    return KEEVE_OK;
}

void keeve_client_drop_all(struct keeve_client *client, const struct keeve_value *value)
{
    enum keeve_kind kind = keeve_value_kind(value);

    if (kind == KEEVE_REMOTABLE || kind == KEEVE_PROMISE) {
        const char *name = keeve_value_text(value, NULL);
        if (name[0] == 'k' || (name[0] != 0 && name[1] == '-')) {
            (void)keeve_client_drop(client, name);
        }
    }
    for (size_t i = 0; i < keeve_value_count(value); i++) {
        keeve_client_drop_all(client, keeve_value_item(value, i));
    }
}

const char *keeve_ref_kref(const char *ref)
{
    return ref != NULL && kee_client_is_kref(kee_bytes_str(ref)) ? ref : NULL;
}
