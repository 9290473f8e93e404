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

/* A change that waits for its batch to be whole. */
struct waiting {
    struct cell *fresh; /* owned; NULL: deletes */
    struct kee_omap_item *old;
    struct kee_buf key; /* of a deletion */
};

struct memory {
    struct kee_store store;
    struct kee_omap cells;
    struct waiting *waiting;
    size_t waiting_count;
    size_t waiting_room;
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

/* Forgets all that waits but the first count. */
static void cut_waiting(struct memory *memory, size_t count)
{
    while (memory->waiting_count > count) {
        struct waiting *waiting = &memory->waiting[--memory->waiting_count];
        free(waiting->fresh);
        kee_buf_fini(&waiting->key);
    }
}

static int reserve_waiting(struct memory *memory, size_t count)
{
    size_t room = memory->waiting_room == 0 ? 64 : memory->waiting_room;
    struct waiting *waiting;

    while (room < memory->waiting_count + count) {
        room *= 2;
    }
    if (room == memory->waiting_room) {
        return 0;
    }
    waiting = realloc(memory->waiting, room * sizeof *waiting);
    if (waiting == NULL) {
        return kee_fault(KEE_FAULT_MEMORY, "batch of %zu rows", room);
    }
    memory->waiting = waiting;
    memory->waiting_room = room;
    return 0;
}

static int memory_stage(struct kee_store *store, const struct kee_change *changes, size_t count)
{
    struct memory *memory = memory_of(store);
    size_t before = memory->waiting_count;
    int r = reserve_waiting(memory, count);

    for (size_t i = 0; i < count && r == 0; i++) {
        struct waiting *waiting = &memory->waiting[memory->waiting_count++];
        *waiting = (struct waiting){.key = KEE_BUF_EMPTY};
        if (changes[i].deletes) {
            kee_buf_put_bytes(&waiting->key, changes[i].key);
            r = kee_buf_status(&waiting->key);
        } else {
            r = cell_new(&waiting->fresh, &changes[i]);
        }
    }
    if (r < 0) {
        cut_waiting(memory, before);
    }
    return r;
}

static void memory_unstage(struct kee_store *store)
{
    cut_waiting(memory_of(store), 0);
}

/* Puts the new keys into the map. Only that needs memory; taking them out again cannot fail. */
static int insert_waiting(struct memory *memory)
{
    for (size_t i = 0; i < memory->waiting_count; i++) {
        struct waiting *waiting = &memory->waiting[i];
        struct kee_bytes key =
            waiting->fresh != NULL ? waiting->fresh->item.key : kee_buf_bytes(&waiting->key);
        int r = 0;
        waiting->old = kee_omap_get(&memory->cells, key);
        if (waiting->fresh != NULL && waiting->old == NULL) {
            r = kee_omap_insert(&memory->cells, &waiting->fresh->item);
        }
        if (r < 0) {
            while (i-- > 0) {
                waiting = &memory->waiting[i];
                if (waiting->fresh != NULL && waiting->old == NULL) {
                    kee_omap_remove(&memory->cells, &waiting->fresh->item);
                }
            }
            return r;
        }
    }
    return 0;
}

static int memory_write(struct kee_store *store, const struct kee_change *changes, size_t count,
                        kee_store_done_fn *done, void *context)
{
    struct memory *memory = memory_of(store);
    size_t staged = memory->waiting_count;
    int r = memory_stage(store, changes, count);

    if (r < 0) {
        return r;
    }
    r = insert_waiting(memory);
    if (r < 0) {
        cut_waiting(memory, staged);
        return r;
    }
    for (size_t i = 0; i < memory->waiting_count; i++) {
        struct waiting *waiting = &memory->waiting[i];
        if (waiting->old != NULL && waiting->fresh != NULL) {
            kee_omap_replace(&memory->cells, waiting->old, &waiting->fresh->item);
            free(cell_of(waiting->old));
        } else if (waiting->old != NULL) {
            remove_cell(memory, waiting->old);
        }
        waiting->fresh = NULL; /* the map's now */
    }
    cut_waiting(memory, 0);
    done(context, 0);
    return 0;
}

static void memory_close(struct kee_store *store)
{
    struct memory *memory = memory_of(store);
    struct kee_omap_item *item;

    while ((item = kee_omap_first(&memory->cells)) != NULL) {
        remove_cell(memory, item);
    }
    kee_omap_fini(&memory->cells);
    cut_waiting(memory, 0);
    free(memory->waiting);
    free(memory);
}

int kee_store_memory_open(struct kee_store **out)
{
    static const struct kee_store_ops ops = {
        .get = memory_get,
        .next = memory_next,
        .write = memory_write,
        .stage = memory_stage,
        .unstage = memory_unstage,
        .close = memory_close,
    };
    struct memory *memory = calloc(1, sizeof *memory);

    if (memory == NULL) {
        return kee_fault(KEE_FAULT_MEMORY, "memory store");
    }
    memory->store.ops = &ops;
    memory->cells = KEE_OMAP_EMPTY;
    *out = &memory->store;
    return 0;
}
