/* SPDX-License-Identifier: Apache-2.0 */
/* store_memory - the store that forgets; see store.h. */
#include <stdlib.h>

#include "base/fault.h"
#include "base/list.h"
#include "store/omap.h"
#include "store/store.h"

struct cell {
    struct kee_omap_item item; /* its key lies at the start of bytes, the value behind it */
    size_t value_size;
    uint8_t bytes[];
};

struct memory {
    struct kee_store store;
    struct kee_omap cells;
};

static struct memory *memory_of(struct kee_store *store)
{
    return KEE_CONTAINER(store, struct memory, store);
}

static struct cell *cell_of(struct kee_omap_item *item)
{
    return KEE_CONTAINER(item, struct cell, item);
}

static int copy_value(struct cell *cell, struct kee_buf *value)
{
    kee_buf_clear(value);
    kee_buf_put(value, cell->bytes + cell->item.key.size, cell->value_size);
    return kee_buf_status(value);
}

static int memory_get(struct kee_store *store, struct kee_bytes key, struct kee_buf *value)
{
    struct kee_omap_item *item = kee_omap_get(&memory_of(store)->cells, key);

    return item == NULL ? KEE_STORE_ABSENT : copy_value(cell_of(item), value);
}

static int memory_next(struct kee_store *store, struct kee_bytes after, struct kee_buf *key,
                       struct kee_buf *value)
{
    struct kee_omap_item *item = kee_omap_next(&memory_of(store)->cells, after);
    int r;

    if (item == NULL) {
        return KEE_STORE_ABSENT;
    }
    kee_buf_clear(key);
    kee_buf_put_bytes(key, item->key);
    r = kee_buf_status(key);
    return r == 0 && value != NULL ? copy_value(cell_of(item), value) : r;
}

static int cell_new(struct cell **out, const struct kee_change *change)
{
    struct cell *cell = malloc(sizeof *cell + change->key.size + change->value.size);

    if (cell == NULL) {
        return kee_fault(KEE_FAULT_MEMORY, "row of %zu bytes", change->value.size);
    }
    memcpy(cell->bytes, change->key.data, change->key.size);
    if (change->value.size > 0) {
        memcpy(cell->bytes + change->key.size, change->value.data, change->value.size);
    }
    cell->item.key = kee_bytes_of(cell->bytes, change->key.size);
    cell->value_size = change->value.size;
    *out = cell;
    return 0;
}

static void remove_cell(struct memory *memory, struct kee_omap_item *item)
{
    kee_omap_remove(&memory->cells, item);
    free(cell_of(item));
}

/* Builds the new map beside the old one's cells, so that a fault on the way leaves all as it was. */
static int memory_write(struct kee_store *store, const struct kee_change *changes, size_t count,
                        kee_store_done_fn *done, void *context)
{
    struct memory *memory = memory_of(store);
    struct cell **fresh = calloc(count == 0 ? 1 : count, sizeof(struct cell *));
    struct kee_omap_item **old = calloc(count == 0 ? 1 : count, sizeof(struct kee_omap_item *));
    size_t applied = 0;
    int r = 0;

    if (fresh == NULL || old == NULL) {
        r = kee_fault(KEE_FAULT_MEMORY, "batch of %zu rows", count);
        goto out;
    }
    for (size_t i = 0; i < count && r == 0; i++) {
        r = changes[i].deletes ? 0 : cell_new(&fresh[i], &changes[i]);
    }
    if (r < 0) {
        goto out;
    }
    /* New keys first: only they need memory. Should that fail, taking them out again cannot. */
    for (applied = 0; applied < count && r == 0; applied++) {
        old[applied] = kee_omap_get(&memory->cells, changes[applied].key);
        if (fresh[applied] != NULL && old[applied] == NULL) {
            r = kee_omap_insert(&memory->cells, &fresh[applied]->item);
        }
    }
    if (r < 0) {
        for (size_t i = 0; i + 1 < applied; i++) {
            if (fresh[i] != NULL && old[i] == NULL) {
                kee_omap_remove(&memory->cells, &fresh[i]->item);
            }
        }
        goto out;
    }
    for (size_t i = 0; i < count; i++) {
        if (old[i] != NULL && fresh[i] != NULL) {
            kee_omap_replace(&memory->cells, old[i], &fresh[i]->item);
            free(cell_of(old[i]));
        } else if (old[i] != NULL) {
            remove_cell(memory, old[i]);
        }
        fresh[i] = NULL;
    }
out:
    for (size_t i = 0; fresh != NULL && i < count; i++) {
        free(fresh[i]);
    }
    free(fresh);
    free(old);
    if (r == 0) {
        done(context, 0);
    }
    return r;
}

static void memory_close(struct kee_store *store)
{
    struct memory *memory = memory_of(store);
    struct kee_omap_item *item;

    while ((item = kee_omap_first(&memory->cells)) != NULL) {
        remove_cell(memory, item);
    }
    kee_omap_fini(&memory->cells);
    free(memory);
}

int kee_store_memory_open(struct kee_store **out)
{
    static const struct kee_store_ops ops = {
        .get = memory_get, .next = memory_next, .write = memory_write, .close = memory_close};
    struct memory *memory = malloc(sizeof *memory);

    if (memory == NULL) {
        return kee_fault(KEE_FAULT_MEMORY, "memory store");
    }
    memory->store.ops = &ops;
    memory->cells = KEE_OMAP_EMPTY;
    *out = &memory->store;
    return 0;
}
