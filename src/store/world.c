/* SPDX-License-Identifier: Apache-2.0 */
/* world - cranks over batches over a store; see world.h, and rows.h for the layers of a row. */
#include "store/world_internal.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/fault.h"
#include "base/limits.h"

int kee_world_new(struct kee_world **out, struct kee_store *store)
{
    struct kee_world *world = calloc(1, sizeof *world);

    if (world == NULL) {
        return kee_fault(KEE_FAULT_MEMORY, "world");
    }
    if (kee_rows_init(&world->rows) < 0) {
        free(world);
        return KEE_FAULT_MEMORY;
    }
    kee_list_init(&world->dirty);
    world->filling = 1;
    world->store = store;
    *out = world;
    return 0;
}

void kee_world_seed(struct kee_world *world, uint64_t seed)
{
    kee_assert(world->rows.count == 0);
    world->rows.seed = seed;
}

void kee_world_free(struct kee_world *world)
{
    if (world == NULL) {
        return;
    }
    world->notify = NULL;
    if (world->in_crank) {
        kee_world_undo(world);
    }
    world->store->ops->close(world->store); /* may still call done(): the rows must be there */
    kee_rows_fini(&world->rows);
    free(world->undo);
    free(world->sealed);
    free(world->changes);
    kee_buf_fini(&world->scratch);
    kee_buf_fini(&world->step_key[0]);
    kee_buf_fini(&world->step_key[1]);
    kee_buf_fini(&world->step_value);
    kee_buf_fini(&world->gap_from);
    kee_buf_fini(&world->gap_to);
    free(world);
}

/* What the row adds to the batch: nothing if the batch leaves it as it was. */
static size_t weight_of(const struct kee_row *row)
{
    if ((row->marks & KEE_ROW_DIRTY) == 0 || row->now == row->below) {
        return 0;
    }
    return row->item.key.size + (kee_blob_is_value(row->now) ? row->now->size : 0);
}

static void make_dirty(struct kee_world *world, struct kee_row *row)
{
    kee_rows_mark(&world->rows, row, KEE_ROW_DIRTY);
    kee_list_append(&world->dirty, &row->dirty);
}

static void make_undirty(struct kee_world *world, struct kee_row *row)
{
    kee_list_remove(&row->dirty);
    kee_rows_unmark(&world->rows, row, KEE_ROW_DIRTY);
}

/* --- cranks --- */

void kee_world_begin(struct kee_world *world)
{
    kee_assert(!world->in_crank);
    kee_rows_trim(&world->rows, KEE_LIMIT_WORLD_CACHE_BYTES);
    world->in_crank = true;
}

void kee_world_commit(struct kee_world *world)
{
    size_t spent = 0;

    kee_assert(world->in_crank);
    for (size_t i = 0; i < world->undo_count; i++) {
        struct kee_row *row = world->undo[i].row;
        kee_blob_unref(world->undo[i].now);
        if ((row->marks & KEE_ROW_DIRTY) == 0 || row->now != row->below) {
            continue;
        }
        /* The batch leaves this row as it found it. A new one that came and went is not worth
         * caching; but later entries may name it, so it is dropped after the loop. */
        make_undirty(world, row);
        if (row->now == KEE_BLOB_ABSENT &&
            (row->marks & (KEE_ROW_SEALED | KEE_ROW_FRESH)) == KEE_ROW_FRESH) {
            world->undo[spent++].row = row;
        }
    }
    for (size_t i = 0; i < spent; i++) {
        kee_rows_drop(&world->rows, world->undo[i].row);
    }
    world->undo_count = 0;
    world->in_crank = false;
    world->commits++;
}

void kee_world_undo(struct kee_world *world)
{
    kee_assert(world->in_crank);
    while (world->undo_count > 0) {
        struct past *past = &world->undo[--world->undo_count];
        struct kee_row *row = past->row;
        world->pending_bytes -= weight_of(row);
        kee_blob_unref(row->now);
        row->now = past->now;
        if (past->was_dirty) {
            world->pending_bytes += weight_of(row);
            continue;
        }
        make_undirty(world, row);
        if (row->now == KEE_BLOB_UNKNOWN) {
            kee_rows_drop(&world->rows, row);
        }
    }
    world->in_crank = false;
}

/* --- reads --- */

int kee_world_row_of(struct kee_world *world, struct kee_bytes key, struct kee_row **out)
{
    uint64_t hash = kee_rows_hash(&world->rows, key);
    struct kee_blob *value = KEE_BLOB_ABSENT;
    int r;

    *out = kee_rows_find(&world->rows, key, hash);
    if (*out != NULL) {
        (*out)->marks |= KEE_ROW_USED;
        return 0;
    }
    r = world->store->ops->get(world->store, key, &world->scratch);
    if (r < 0) {
        return r;
    }
    if (r == 0) {
        r = kee_blob_new(&value, kee_buf_bytes(&world->scratch));
        if (r < 0) {
            return r;
        }
    }
    return kee_rows_add(&world->rows, key, hash, value, out);
}

int kee_world_get(struct kee_world *world, struct kee_bytes key, struct kee_bytes *value)
{
    struct kee_row *row;
    int r = kee_world_row_of(world, key, &row);

    if (r < 0) {
        return r;
    }
    if (row->now == KEE_BLOB_ABSENT) {
        return KEE_STORE_ABSENT;
    }
    *value = kee_blob_bytes(row->now);
    return 0;
}

/* --- changes --- */

static int ready_to_change(struct kee_world *world, struct kee_bytes key, size_t value_size)
{
    kee_assert(world->in_crank);
    if (world->failed < 0) {
        return kee_fault(world->failed, "a world whose store failed");
    }
    if (key.size == 0 || key.size > KEE_LIMIT_KEY_BYTES || value_size > KEE_LIMIT_VALUE_BYTES) {
        return kee_fault(KEE_FAULT_STORE, "a row of %zu + %zu bytes: expected 1 to %u + 0 to %u",
                         key.size, value_size, KEE_LIMIT_KEY_BYTES, KEE_LIMIT_VALUE_BYTES);
    }
    if (world->undo_count == world->undo_room) {
        size_t room = world->undo_room == 0 ? 64 : world->undo_room * 2;
        struct past *undo = realloc(world->undo, room * sizeof *undo);
        if (undo == NULL) {
            return kee_fault(KEE_FAULT_MEMORY, "undo log of %zu changes", room);
        }
        world->undo = undo;
        world->undo_room = room;
    }
    return 0;
}

/* Takes now. Cannot fail: ready_to_change() made the room. */
static void change(struct kee_world *world, struct kee_row *row, struct kee_blob *now)
{
    bool was_dirty = (row->marks & KEE_ROW_DIRTY) != 0;

    world->pending_bytes -= weight_of(row);
    world->undo[world->undo_count++] = (struct past){row, row->now, was_dirty};
    if (!was_dirty) {
        make_dirty(world, row);
    }
    row->now = now;
    world->pending_bytes += weight_of(row);
}

static bool holds(const struct kee_blob *blob, struct kee_bytes bytes)
{
    return kee_blob_is_value(blob) && kee_bytes_equal(kee_blob_bytes(blob), bytes);
}

static int put(struct kee_world *world, struct kee_bytes key, struct kee_bytes value, bool is_new)
{
    uint64_t hash = kee_rows_hash(&world->rows, key);
    struct kee_row *row;
    struct kee_blob *now;
    int r = ready_to_change(world, key, value.size);

    if (r < 0) {
        return r;
    }
    row = kee_rows_find(&world->rows, key, hash);
    if (row != NULL && holds(row->now, value)) {
        return 0;
    }
    if (row != NULL && holds(row->below, value)) {
        now = kee_blob_ref(row->below); /* back to what lies below: no net effect */
    } else {
        r = kee_blob_new(&now, value);
        if (r < 0) {
            return r;
        }
    }
    if (row == NULL) {
        r = kee_rows_add(&world->rows, key, hash, KEE_BLOB_UNKNOWN, &row);
        if (r < 0) {
            kee_blob_unref(now);
            return r;
        }
        if (is_new) {
            row->below = KEE_BLOB_ABSENT;
            row->marks |= KEE_ROW_FRESH;
        }
    }
    change(world, row, now);
    return 0;
}

int kee_world_put(struct kee_world *world, struct kee_bytes key, struct kee_bytes value)
{
    return put(world, key, value, false);
}

int kee_world_put_new(struct kee_world *world, struct kee_bytes key, struct kee_bytes value)
{
    return put(world, key, value, true);
}

int kee_world_delete(struct kee_world *world, struct kee_bytes key)
{
    uint64_t hash = kee_rows_hash(&world->rows, key);
    struct kee_row *row;
    int r = ready_to_change(world, key, 0);

    if (r < 0) {
        return r;
    }
    row = kee_rows_find(&world->rows, key, hash);
    if (row == NULL) {
        r = kee_rows_add(&world->rows, key, hash, KEE_BLOB_UNKNOWN, &row);
        if (r < 0) {
            return r;
        }
    }
    if (row->now != KEE_BLOB_ABSENT) {
        change(world, row, KEE_BLOB_ABSENT);
    }
    return 0;
}

/* --- batches --- */

uint64_t kee_world_filling(const struct kee_world *world)
{
    return world->filling;
}

uint64_t kee_world_durable(const struct kee_world *world)
{
    return world->durable;
}

size_t kee_world_pending_bytes(const struct kee_world *world)
{
    return world->pending_bytes;
}

void kee_world_on_durable(struct kee_world *world, kee_store_done_fn *notify, void *context)
{
    world->notify = notify;
    world->notify_context = context;
}

static void tell(struct kee_world *world, int r)
{
    if (world->notify != NULL) {
        world->notify(world->notify_context, r);
    }
}

static int by_key(const void *a, const void *b)
{
    const struct kee_row *const *left = a;
    const struct kee_row *const *right = b;

    return kee_bytes_compare((*left)->item.key, (*right)->item.key);
}

static int reserve_sealed(struct kee_world *world, size_t count)
{
    size_t room = world->sealed_room == 0 ? 256 : world->sealed_room;
    struct kee_row **sealed;
    struct kee_change *changes;

    while (room < count) {
        room *= 2;
    }
    if (room == world->sealed_room) {
        return 0;
    }
    sealed = realloc(world->sealed, room * sizeof(struct kee_row *));
    if (sealed != NULL) {
        world->sealed = sealed;
    }
    changes = realloc(world->changes, room * sizeof *changes);
    if (changes != NULL) {
        world->changes = changes;
    }
    if (sealed == NULL || changes == NULL) {
        return kee_fault(KEE_FAULT_MEMORY, "batch of %zu rows", count);
    }
    world->sealed_room = room;
    return 0;
}

/* Moves every dirty row into the sealed batch, in order. */
static int seal(struct kee_world *world)
{
    size_t count = 0;
    int r;

    for (struct kee_link *at = world->dirty.next; at != &world->dirty; at = at->next) {
        count++;
    }
    r = reserve_sealed(world, count);
    if (r < 0) {
        return r;
    }
    world->sealed_count = count;
    count = 0;
    while (!kee_list_is_empty(&world->dirty)) {
        struct kee_row *row = KEE_CONTAINER(world->dirty.next, struct kee_row, dirty);
        kee_rows_mark(&world->rows, row, KEE_ROW_SEALED);
        make_undirty(world, row);
        kee_blob_unref(row->below);
        row->below = kee_blob_ref(row->now); /* keeps the bytes while they are written */
        world->sealed[count++] = row;
    }
    qsort(world->sealed, count, sizeof(struct kee_row *), by_key);
    for (size_t i = 0; i < count; i++) {
        const struct kee_row *row = world->sealed[i];
        bool deletes = row->below == KEE_BLOB_ABSENT;
        world->changes[i] = (struct kee_change){
            .key = row->item.key,
            .value = deletes ? kee_bytes_of(NULL, 0) : kee_blob_bytes(row->below),
            .deletes = deletes,
        };
    }
    world->pending_bytes = 0;
    return 0;
}

static void fail(struct kee_world *world, int r)
{
    world->failed = r; /* the sealed rows stay sealed: nothing of them may be read from the store */
    tell(world, r);
}

static void written(void *context, int r)
{
    struct kee_world *world = context;

    kee_assert(world->writing);
    world->writing = false;
    world->gap = GAP_NONE;
    if (r < 0) {
        fail(world, r);
        return;
    }
    for (size_t i = 0; i < world->sealed_count; i++) {
        struct kee_row *row = world->sealed[i];
        kee_rows_unmark(&world->rows, row, KEE_ROW_SEALED);
        if ((row->marks & KEE_ROW_DIRTY) == 0 && row->now == KEE_BLOB_ABSENT) {
            kee_rows_drop(&world->rows, row);
        }
    }
    world->sealed_count = 0;
    world->durable = world->filling - 1;
    tell(world, 0);
}

int kee_world_flush(struct kee_world *world)
{
    int r;

    if (world->failed < 0) {
        return kee_fault(world->failed, "a world whose store failed");
    }
    if (world->in_crank || world->writing || world->commits == 0) {
        return 0;
    }
    if (kee_list_is_empty(&world->dirty)) {
        world->commits = 0;
        world->durable = world->filling++;
        tell(world, 0);
        return 0;
    }
    r = seal(world);
    if (r < 0) {
        return r;
    }
    world->commits = 0;
    world->filling++;
    world->writing = true;
    r = world->store->ops->write(world->store, world->changes, world->sealed_count, written, world);
    if (r < 0) {
        world->writing = false;
        fail(world, r);
    }
    return r;
}

int kee_world_audit(const struct kee_world *world)
{
    size_t bytes = 0;
    int r = kee_rows_audit(&world->rows);

    if (r != 0) {
        return r;
    }
    for (const struct kee_link *at = world->dirty.next; at != &world->dirty; at = at->next) {
        const struct kee_row *row = KEE_CONTAINER(at, struct kee_row, dirty);
        if ((row->marks & KEE_ROW_DIRTY) == 0 || (!world->in_crank && row->now == row->below)) {
            return 4;
        }
        bytes += weight_of(row);
    }
    return bytes == world->pending_bytes ? 0 : 5;
}
