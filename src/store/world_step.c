/* SPDX-License-Identifier: Apache-2.0 */
/* world_step - walking through a world in the order of its keys; see world.h. */
#include "base/limits.h"
#include "store/world_internal.h"

static void give(const struct kee_row *row, struct kee_bytes *key, struct kee_bytes *value)
{
    *key = row->item.key;
    if (value != NULL) {
        *value = kee_blob_bytes(row->now);
    }
}

/* Is it known that the store has no row > after with this prefix? */
static bool lies_in_gap(const struct kee_world *world, struct kee_bytes prefix,
                        struct kee_bytes after)
{
    struct kee_bytes to = kee_buf_bytes(&world->gap_to);

    if (world->gap == GAP_NONE || kee_bytes_compare(after, kee_buf_bytes(&world->gap_from)) < 0) {
        return false;
    }
    return world->gap == GAP_OPEN ||
           (kee_bytes_compare(after, to) < 0 && !kee_bytes_has_prefix(to, prefix));
}

static int store_next(struct kee_world *world, struct kee_bytes prefix, struct kee_bytes after,
                      bool wants_value)
{
    struct kee_buf *key = &world->step_key[world->turn];
    int r;

    if (lies_in_gap(world, prefix, after)) {
        return KEE_STORE_ABSENT;
    }
    kee_buf_clear(&world->gap_from);
    kee_buf_put_bytes(&world->gap_from, after);
    r = world->store->ops->next(world->store, after, key, wants_value ? &world->step_value : NULL);
    kee_buf_clear(&world->gap_to);
    if (r == 0) {
        kee_buf_put_bytes(&world->gap_to, kee_buf_bytes(key));
    }
    world->gap = r == 0 ? GAP_BOUNDED : GAP_OPEN;
    if (r < 0 || kee_buf_status(&world->gap_from) < 0 || kee_buf_status(&world->gap_to) < 0) {
        world->gap = GAP_NONE;
    }
    return r;
}

/* The first row > after in memory or in the store, whichever comes first; deleted ones are skipped.
 * If none has the prefix, it may as well give none. */
static int step(struct kee_world *world, struct kee_bytes prefix, struct kee_bytes after,
                struct kee_bytes *key, struct kee_bytes *value)
{
    const struct kee_buf *store_key = &world->step_key[world->turn];
    struct kee_row *row = kee_rows_next(&world->rows, after);
    int r = store_next(world, prefix, after, value != NULL);

    while (r == 0 && row != NULL) {
        int order = kee_bytes_compare(row->item.key, kee_buf_bytes(store_key));
        if (order > 0) {
            break;
        }
        if (row->now != KEE_BLOB_ABSENT) {
            r = KEE_STORE_ABSENT;
            break;
        }
        if (order == 0) {
            r = store_next(world, prefix, row->item.key, value != NULL);
        }
        row = kee_rows_next(&world->rows, row->item.key);
    }
    if (r < 0) {
        return r;
    }
    if (r == 0) {
        *key = kee_buf_bytes(store_key);
        if (value != NULL) {
            *value = kee_buf_bytes(&world->step_value);
        }
        return 0;
    }
    while (row != NULL && row->now == KEE_BLOB_ABSENT) {
        row = kee_rows_next(&world->rows, row->item.key);
    }
    if (row == NULL) {
        return KEE_STORE_ABSENT;
    }
    give(row, key, value);
    return 0;
}

int kee_world_next(struct kee_world *world, struct kee_bytes prefix, struct kee_bytes after,
                   struct kee_bytes *key, struct kee_bytes *value)
{
    struct kee_bytes found_key;
    struct kee_bytes found_value;
    struct kee_row *row;
    int r = kee_rows_order(&world->rows);

    if (r < 0) {
        return r;
    }
    world->turn = 1 - world->turn;
    if (prefix.size > 0 && kee_bytes_compare(after, prefix) < 0) {
        /* The prefix itself may be a key; stepping finds only what comes behind it. */
        r = kee_world_row_of(world, prefix, &row);
        if (r < 0) {
            return r;
        }
        if (row->now != KEE_BLOB_ABSENT) {
            give(row, key, value);
            return 0;
        }
        after = prefix;
    }
    r = step(world, prefix, after, &found_key, value == NULL ? NULL : &found_value);
    if (r == 0 && !kee_bytes_has_prefix(found_key, prefix)) {
        r = KEE_STORE_ABSENT;
    }
    if (r == 0) {
        *key = found_key;
        if (value != NULL) {
            *value = found_value;
        }
    }
    if (!world->in_crank) {
        kee_rows_trim(&world->rows, KEE_LIMIT_WORLD_CACHE_BYTES);
    }
    return r;
}
