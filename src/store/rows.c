/* SPDX-License-Identifier: Apache-2.0 */
/* rows - a chained hash table with a clock hand over its clean rows; see rows.h. */
#include "store/rows.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/fault.h"

enum { OVER = KEE_ROW_DIRTY | KEE_ROW_SEALED, ROOM_AT_FIRST = 256 };

int kee_blob_new(struct kee_blob **out, struct kee_bytes bytes)
{
    struct kee_blob *blob;

    kee_assert(bytes.size <= UINT32_MAX);
    blob = malloc(sizeof *blob + bytes.size);
    if (blob == NULL) {
        return kee_fault(KEE_FAULT_MEMORY, "value of %zu bytes", bytes.size);
    }
    blob->refs = 1;
    blob->size = (uint32_t)bytes.size;
    if (bytes.size > 0) {
        memcpy(blob->data, bytes.data, bytes.size);
    }
    *out = blob;
    return 0;
}

struct kee_blob *kee_blob_ref(struct kee_blob *blob)
{
    if (kee_blob_is_value(blob)) {
        blob->refs++;
    }
    return blob;
}

void kee_blob_unref(struct kee_blob *blob)
{
    if (kee_blob_is_value(blob) && --blob->refs == 0) {
        free(blob);
    }
}

/* What a clean row counts in the cache; close to what malloc takes for it. */
static size_t cost_of(const struct kee_row *row)
{
    size_t cost = sizeof *row + row->item.key.size + 16;

    return kee_blob_is_value(row->now) ? cost + sizeof *row->now + row->now->size + 16 : cost;
}

int kee_rows_init(struct kee_rows *rows)
{
    *rows = (struct kee_rows){.room = ROOM_AT_FIRST, .index = KEE_OMAP_EMPTY};
    kee_list_init(&rows->unordered);
    rows->heads = calloc(rows->room, sizeof(struct kee_row *));
    return rows->heads == NULL ? kee_fault(KEE_FAULT_MEMORY, "table of rows") : 0;
}

static void row_free(struct kee_row *row)
{
    kee_blob_unref(row->now);
    kee_blob_unref(row->below);
    free(row);
}

void kee_rows_fini(struct kee_rows *rows)
{
    for (size_t i = 0; rows->heads != NULL && i < rows->room; i++) {
        while (rows->heads[i] != NULL) {
            struct kee_row *row = rows->heads[i];
            rows->heads[i] = row->chain;
            row_free(row);
        }
    }
    kee_omap_fini(&rows->index);
    free(rows->heads);
    rows->heads = NULL;
}

static uint64_t mix(uint64_t a, uint64_t b)
{
    __uint128_t wide = (__uint128_t)a * b;

    return (uint64_t)wide ^ (uint64_t)(wide >> 64);
}

uint64_t kee_rows_hash(const struct kee_rows *rows, struct kee_bytes key)
{
    const uint64_t odd = 0x9E3779B97F4A7C15u;
    uint64_t hash = rows->seed ^ (key.size * odd);
    uint64_t word;
    size_t at = 0;

    for (; key.size - at >= 8; at += 8) {
        memcpy(&word, key.data + at, 8);
        hash = mix(hash ^ word, odd ^ rows->seed);
    }
    word = 0;
    if (key.size > at) {
        memcpy(&word, key.data + at, key.size - at);
    }
    return mix(hash ^ word, 0xD6E8FEB86659FD93u ^ rows->seed);
}

struct kee_row *kee_rows_find(const struct kee_rows *rows, struct kee_bytes key, uint64_t hash)
{
    struct kee_row *row = rows->heads[hash & (rows->room - 1)];

    while (row != NULL && (row->hash != hash || !kee_bytes_equal(row->item.key, key))) {
        row = row->chain;
    }
    return row;
}

/* Doubles the table. If memory is short the chains get longer instead: never a failure. */
static void grow(struct kee_rows *rows)
{
    size_t room = rows->room * 2;
    struct kee_row **heads = calloc(room, sizeof(struct kee_row *));

    if (heads == NULL) {
        return;
    }
    for (size_t i = 0; i < rows->room; i++) {
        while (rows->heads[i] != NULL) {
            struct kee_row *row = rows->heads[i];
            rows->heads[i] = row->chain;
            row->chain = heads[row->hash & (room - 1)];
            heads[row->hash & (room - 1)] = row;
        }
    }
    free(rows->heads);
    rows->heads = heads;
    rows->room = room;
    rows->hand = 0;
}

int kee_rows_add(struct kee_rows *rows, struct kee_bytes key, uint64_t hash, struct kee_blob *value,
                 struct kee_row **out)
{
    struct kee_row *row = malloc(sizeof *row + key.size);

    if (row == NULL) {
        kee_blob_unref(value);
        return kee_fault(KEE_FAULT_MEMORY, "row with a key of %zu bytes", key.size);
    }
    if (rows->count >= rows->room) {
        grow(rows);
    }
    memcpy(row->key, key.data, key.size);
    row->item.key = kee_bytes_of(row->key, key.size);
    row->hash = hash;
    row->now = value;
    row->below = kee_blob_ref(value);
    row->marks = 0;
    kee_list_init(&row->dirty);
    kee_list_init(&row->order);
    row->chain = rows->heads[hash & (rows->room - 1)];
    rows->heads[hash & (rows->room - 1)] = row;
    rows->count++;
    rows->clean_bytes += cost_of(row);
    *out = row;
    return 0;
}

void kee_rows_drop(struct kee_rows *rows, struct kee_row *row)
{
    struct kee_row **at = &rows->heads[row->hash & (rows->room - 1)];

    kee_assert((row->marks & OVER) == 0); /* RW-1 */
    while (*at != row) {
        at = &(*at)->chain;
    }
    *at = row->chain;
    rows->count--;
    rows->clean_bytes -= cost_of(row);
    row_free(row);
}

void kee_rows_mark(struct kee_rows *rows, struct kee_row *row, enum kee_row_mark mark)
{
    if ((row->marks & OVER) == 0) {
        rows->clean_bytes -= cost_of(row);
        kee_list_append(&rows->unordered, &row->order);
    }
    row->marks |= (uint32_t)mark;
}

void kee_rows_unmark(struct kee_rows *rows, struct kee_row *row, enum kee_row_mark mark)
{
    row->marks &= ~(uint32_t)mark;
    if ((row->marks & OVER) != 0) {
        return;
    }
    if ((row->marks & KEE_ROW_INDEXED) != 0) {
        kee_omap_remove(&rows->index, &row->item);
        row->marks &= ~(uint32_t)KEE_ROW_INDEXED;
    } else {
        kee_list_remove(&row->order);
    }
    rows->clean_bytes += cost_of(row);
}

int kee_rows_order(struct kee_rows *rows)
{
    while (!kee_list_is_empty(&rows->unordered)) {
        struct kee_row *row = KEE_CONTAINER(rows->unordered.next, struct kee_row, order);
        int r = kee_omap_insert(&rows->index, &row->item);
        if (r < 0) {
            return r;
        }
        kee_list_remove(&row->order);
        row->marks |= KEE_ROW_INDEXED;
    }
    return 0;
}

struct kee_row *kee_rows_next(const struct kee_rows *rows, struct kee_bytes after)
{
    struct kee_omap_item *item = kee_omap_next(&rows->index, after);

    return item == NULL ? NULL : KEE_CONTAINER(item, struct kee_row, item);
}

void kee_rows_trim(struct kee_rows *rows, size_t bytes_max)
{
    /* Two rounds at most: the first takes the marks of use away. */
    for (size_t steps = rows->room * 2; steps > 0 && rows->clean_bytes > bytes_max; steps--) {
        struct kee_row *row = rows->heads[rows->hand];
        while (row != NULL) {
            struct kee_row *chain = row->chain;
            if ((row->marks & OVER) == 0 && (row->marks & KEE_ROW_USED) == 0) {
                kee_rows_drop(rows, row);
            } else {
                row->marks &= ~(uint32_t)KEE_ROW_USED;
            }
            row = chain;
        }
        rows->hand = (rows->hand + 1) & (rows->room - 1);
    }
}

static bool row_is_sound(const struct kee_row *row)
{
    if ((row->marks & OVER) == 0) {
        return row->now == row->below && row->now != KEE_BLOB_UNKNOWN;
    }
    return row->now != KEE_BLOB_UNKNOWN &&
           ((row->marks & KEE_ROW_SEALED) == 0 || row->below != KEE_BLOB_UNKNOWN);
}

int kee_rows_audit(const struct kee_rows *rows)
{
    size_t count = 0;
    size_t clean_bytes = 0;
    size_t indexed = 0;

    for (size_t i = 0; i < rows->room; i++) {
        for (const struct kee_row *row = rows->heads[i]; row != NULL; row = row->chain) {
            bool over = (row->marks & OVER) != 0;
            bool is_indexed = (row->marks & KEE_ROW_INDEXED) != 0;
            bool waits = !kee_list_is_empty(&row->order);
            if (over ? is_indexed == waits : is_indexed || waits) {
                return 1;
            }
            if (!row_is_sound(row)) {
                return 2;
            }
            count++;
            clean_bytes += over ? 0 : cost_of(row);
            indexed += is_indexed;
        }
    }
    if (kee_omap_audit(&rows->index) != 0 || indexed != rows->index.count) {
        return 1;
    }
    return count == rows->count && clean_bytes == rows->clean_bytes ? 0 : 3;
}
