/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows live in a skip list: order is needed for ranges and for the flush, and nothing ever has to be
 * balanced. A row's levels come from a counter, not from chance, so that runs repeat.
 */
#include "vat/liveslots/vatstore.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/fault.h"
#include "base/limits.h"
#include "vatproto/vatproto.h"

#define LEVELS 16u
/* The kernel puts the vat's prefix before a key: "v", a number, ".s.". */
#define KEY_BYTES_MAX (KEE_LIMIT_KEY_BYTES - 32u)

enum base { BASE_UNKNOWN, BASE_ABSENT, BASE_PRESENT };

struct value {
    uint8_t *data;
    size_t size;
};

struct row {
    enum base base;
    bool dirty;     /* the crank wrote it: now is what holds */
    bool present;   /* meaningful if dirty */
    bool gap_empty; /* the kernel holds no key between this row and its successor */
    uint8_t height;
    uint64_t used;
    struct value before; /* the kernel's value, if BASE_PRESENT */
    struct value now;    /* the crank's value, if dirty and present */
    struct row *prev;
    size_t key_size;
    uint8_t *key;
    struct row *forward[]; /* height of them */
};

struct kee_vatstore {
    struct kee_vatstore_source source;
    struct row *head; /* stands before every key; its own key is empty */
    uint64_t clock;   /* counts calls */
    uint64_t births;
    size_t bytes;     /* of all rows */
    size_t let_go_at; /* letting go is tried again when the bytes have grown to this */
    size_t dirty_bytes;
    bool overfull;
    struct row **dirty; /* the rows the crank wrote, in no order */
    size_t dirty_count;
    size_t dirty_room;
    struct row *hand; /* where letting go went on last; NULL is the start */
    struct kee_buf key;
    struct kee_buf value;
};

static struct kee_bytes row_key(const struct row *row)
{
    return kee_bytes_of(row->key, row->key_size);
}

static size_t row_bytes(const struct row *row)
{
    return sizeof(*row) + row->height * sizeof(struct row *) + row->key_size + row->before.size +
           row->now.size;
}

static struct row *row_new(struct kee_bytes key, uint8_t height)
{
    struct row *row = calloc(1, sizeof(*row) + height * sizeof(struct row *) + key.size + 1);
    if (row == NULL) {
        return NULL;
    }
    row->height = height;
    row->key = (uint8_t *)&row->forward[height];
    row->key_size = key.size;
    if (key.size > 0) {
        memcpy(row->key, key.data, key.size);
    }
    return row;
}

static void row_free(struct row *row)
{
    free(row->before.data);
    free(row->now.data);
    free(row);
}

static int value_set(struct value *value, struct kee_bytes bytes)
{
    uint8_t *copy = malloc(bytes.size + 1);
    if (copy == NULL) {
        return kee_fault(KEE_FAULT_MEMORY, "a row of %zu bytes", bytes.size);
    }
    if (bytes.size > 0) {
        memcpy(copy, bytes.data, bytes.size);
    }
    free(value->data);
    value->data = copy;
    value->size = bytes.size;
    return 0;
}

static void value_clear(struct value *value)
{
    free(value->data);
    *value = (struct value){NULL, 0};
}

int kee_vatstore_new(struct kee_vatstore **out, const struct kee_vatstore_source *source)
{
    struct kee_vatstore *store = calloc(1, sizeof(*store));
    *out = NULL;
    if (store == NULL) {
        return kee_fault(KEE_FAULT_MEMORY, "the vat's store");
    }
    store->source = *source;
    store->head = row_new(kee_bytes_of(NULL, 0), LEVELS);
    if (store->head == NULL) {
        free(store);
        return kee_fault(KEE_FAULT_MEMORY, "the vat's store");
    }
    store->head->base = BASE_ABSENT; /* no row has an empty key */
    store->bytes = row_bytes(store->head);
    store->let_go_at = KEE_LIMIT_VATSTORE_CACHE;
    *out = store;
    return 0;
}

void kee_vatstore_free(struct kee_vatstore *store)
{
    if (store == NULL) {
        return;
    }
    for (struct row *row = store->head; row != NULL;) {
        struct row *next = row->forward[0];
        row_free(row);
        row = next;
    }
    kee_buf_fini(&store->key);
    kee_buf_fini(&store->value);
    free(store->dirty);
    free(store);
}

/* The last row before key on each level; gives the row of key itself, or NULL. */
static struct row *search(struct kee_vatstore *store, struct kee_bytes key,
                          struct row *before[LEVELS])
{
    struct row *row = store->head;
    for (unsigned level = LEVELS; level-- > 0;) {
        while (row->forward[level] != NULL &&
               kee_bytes_compare(row_key(row->forward[level]), key) < 0) {
            row = row->forward[level];
        }
        before[level] = row;
    }
    row = row->forward[0];
    return row != NULL && kee_bytes_equal(row_key(row), key) ? row : NULL;
}

static uint8_t next_height(struct kee_vatstore *store)
{
    uint64_t mixed = (++store->births * 0x9e3779b97f4a7c15u) ^ 0x5851f42d4c957f2du;
    uint8_t height = 1;
    mixed ^= mixed >> 29;
    while (height < LEVELS && (mixed & 3) == 0) {
        mixed >>= 2;
        height++;
    }
    return height;
}

static void unlink_row(struct kee_vatstore *store, struct row *row)
{
    struct row *before[LEVELS];
    struct row *found = search(store, row_key(row), before);
    kee_assert(found == row); /* VS-1 */
    /* What the row knew of its surroundings stays known only if the kernel has nothing there. */
    row->prev->gap_empty = row->prev->gap_empty && row->gap_empty && row->base == BASE_ABSENT;
    for (unsigned level = 0; level < row->height; level++) {
        before[level]->forward[level] = row->forward[level];
    }
    if (row->forward[0] != NULL) {
        row->forward[0]->prev = row->prev;
    }
    if (store->hand == row) {
        store->hand = row->forward[0];
    }
    store->bytes -= row_bytes(row);
    row_free(row);
}

/* Lets clean rows go that have rested longest, once there are too many bytes. Rows used since
 * `since` stay: a caller still holds them. When the crank's own writes leave too little to let go,
 * the next try waits until as much again has come in. */
static void let_go(struct kee_vatstore *store, uint64_t since)
{
    uint64_t old = store->clock > 1024 ? store->clock - 1024 : 0;
    const size_t target = KEE_LIMIT_VATSTORE_CACHE / 4 * 3;

    if (store->bytes <= store->let_go_at) {
        return;
    }
    for (int round = 0; round < 2 && store->bytes > target; round++) {
        struct row *row = store->hand != NULL ? store->hand : store->head->forward[0];
        while (row != NULL && store->bytes > target) {
            struct row *next = row->forward[0];
            bool rested = round == 0 ? row->used < old && row->used < since : row->used < since;
            if (!row->dirty && rested) {
                unlink_row(store, row);
            }
            row = next;
        }
        store->hand = row;
    }
    store->let_go_at = store->bytes + KEE_LIMIT_VATSTORE_CACHE / 4;
}

/* The row of key, made if need be. NULL is a lack of memory. */
static struct row *row_of(struct kee_vatstore *store, struct kee_bytes key)
{
    struct row *before[LEVELS];
    struct row *row = search(store, key, before);
    uint64_t since = store->clock; /* rows of this call and the one before stay */

    store->clock++;
    if (row != NULL) {
        row->used = store->clock;
        return row;
    }
    row = row_new(key, next_height(store));
    if (row == NULL) {
        (void)kee_fault(KEE_FAULT_MEMORY, "a row of the vat's store");
        return NULL;
    }
    for (unsigned level = 0; level < row->height; level++) {
        row->forward[level] = before[level]->forward[level];
        before[level]->forward[level] = row;
    }
    row->prev = before[0];
    if (row->forward[0] != NULL) {
        row->forward[0]->prev = row;
    }
    row->gap_empty = row->prev->gap_empty;
    row->base = row->gap_empty ? BASE_ABSENT : BASE_UNKNOWN;
    row->used = store->clock;
    store->bytes += row_bytes(row);
    let_go(store, since);
    return row;
}

static int base_set(struct kee_vatstore *store, struct row *row, struct kee_bytes value)
{
    store->bytes -= row->before.size;
    int r = value_set(&row->before, value);
    store->bytes += row->before.size;
    if (r == 0) {
        row->base = BASE_PRESENT;
    }
    return r;
}

static bool row_value(const struct row *row, struct kee_bytes *value)
{
    const struct value *held = row->dirty ? &row->now : &row->before;
    bool present = row->dirty ? row->present : row->base == BASE_PRESENT;
    *value = present ? kee_bytes_of(held->data, held->size) : kee_bytes_of(NULL, 0);
    return present;
}

int kee_vatstore_prime(struct kee_vatstore *store, struct kee_bytes key, struct kee_bytes value)
{
    struct row *row = row_of(store, key);
    if (row == NULL) {
        return KEE_FAULT_MEMORY;
    }
    return row->base == BASE_UNKNOWN ? base_set(store, row, value) : 0;
}

int kee_vatstore_get(struct kee_vatstore *store, struct kee_bytes key, struct kee_bytes *value)
{
    struct row *row = row_of(store, key);
    int r;
    *value = kee_bytes_of(NULL, 0);
    if (row == NULL) {
        return KEE_FAULT_MEMORY;
    }
    if (!row->dirty && row->base == BASE_UNKNOWN) {
        kee_buf_clear(&store->value);
        r = store->source.get(store->source.context, key, &store->value);
        if (r < 0) {
            return r;
        }
        row->base = BASE_ABSENT;
        if (r > 0) {
            r = kee_buf_status(&store->value);
            r = r < 0 ? r : base_set(store, row, kee_buf_bytes(&store->value));
            if (r < 0) {
                return r;
            }
        }
    }
    return row_value(row, value) ? 1 : 0;
}

/* Learns from the kernel which key follows row, so that the gap behind row is known. */
static int learn_gap(struct kee_vatstore *store, struct row *row)
{
    struct row *found;
    int r;
    kee_buf_clear(&store->key);
    kee_buf_clear(&store->value);
    r = store->source.next(store->source.context, row_key(row), &store->key, &store->value);
    if (r < 0 || kee_buf_status(&store->key) < 0 || kee_buf_status(&store->value) < 0) {
        return r < 0 ? r : KEE_FAULT_MEMORY;
    }
    found = NULL;
    if (r > 0) {
        if (kee_bytes_compare(kee_buf_bytes(&store->key), row_key(row)) <= 0) {
            return kee_fault(KEE_FAULT_CORRUPT, "the kernel's next key does not come after");
        }
        found = row_of(store, kee_buf_bytes(&store->key));
        if (found == NULL) {
            return KEE_FAULT_MEMORY;
        }
        if (found->base != BASE_PRESENT) {
            r = base_set(store, found, kee_buf_bytes(&store->value));
            if (r < 0) {
                return r;
            }
        }
    }
    for (struct row *at = row; at != found && at != NULL; at = at->forward[0]) {
        at->gap_empty = true;
        if (at != row && at->base == BASE_UNKNOWN) {
            at->base = BASE_ABSENT;
        }
    }
    return 0;
}

int kee_vatstore_next(struct kee_vatstore *store, struct kee_bytes prefix, struct kee_bytes prior,
                      struct kee_bytes *key, struct kee_bytes *value)
{
    struct row *row = prior.size > 0 ? row_of(store, prior) : store->head;
    *key = *value = kee_bytes_of(NULL, 0);
    if (row == NULL) {
        return KEE_FAULT_MEMORY;
    }
    for (;;) {
        if (!row->gap_empty) {
            row->used = ++store->clock;
            int r = learn_gap(store, row);
            if (r < 0) {
                return r;
            }
        }
        row = row->forward[0];
        if (row == NULL || !kee_bytes_has_prefix(row_key(row), prefix)) {
            return 0;
        }
        row->used = store->clock;
        if (!row->dirty && row->base == BASE_UNKNOWN) {
            struct kee_bytes ignored;
            int r = kee_vatstore_get(store, row_key(row), &ignored);
            if (r < 0) {
                return r;
            }
        }
        if (row_value(row, value)) {
            *key = row_key(row);
            return 1;
        }
    }
}

/* Enters row among those the crank wrote. */
static int row_dirty(struct kee_vatstore *store, struct row *row)
{
    if (row->dirty) {
        return 0;
    }
    if (store->dirty_count == store->dirty_room) {
        size_t room = store->dirty_room == 0 ? 64 : store->dirty_room * 2;
        struct row **rows = realloc(store->dirty, room * sizeof(void *));
        if (rows == NULL) {
            return kee_fault(KEE_FAULT_MEMORY, "the rows of a crank");
        }
        store->dirty = rows;
        store->dirty_room = room;
    }
    store->dirty[store->dirty_count++] = row;
    store->dirty_bytes += row->key_size;
    row->dirty = true;
    return 0;
}

static int row_write(struct kee_vatstore *store, struct kee_bytes key,
                     const struct kee_bytes *value)
{
    struct row *row;
    size_t size = key.size + (value != NULL ? value->size : 0);
    int r = 0;
    if (key.size == 0 || key.size > KEY_BYTES_MAX ||
        (value != NULL && value->size > KEE_LIMIT_VALUE_BYTES) ||
        store->dirty_bytes + size > KEE_LIMIT_FRAME_BYTES) {
        store->overfull = true;
        return 0;
    }
    row = row_of(store, key);
    if (row == NULL) {
        return KEE_FAULT_MEMORY;
    }
    r = row_dirty(store, row);
    if (r < 0) {
        return r;
    }
    store->bytes -= row->now.size;
    store->dirty_bytes -= row->now.size;
    if (value != NULL) {
        r = value_set(&row->now, *value);
    } else {
        value_clear(&row->now);
    }
    store->bytes += row->now.size;
    store->dirty_bytes += row->now.size;
    row->present = value != NULL && r == 0;
    return r;
}

int kee_vatstore_set(struct kee_vatstore *store, struct kee_bytes key, struct kee_bytes value)
{
    return row_write(store, key, &value);
}

int kee_vatstore_delete(struct kee_vatstore *store, struct kee_bytes key)
{
    return row_write(store, key, NULL);
}

bool kee_vatstore_overfull(const struct kee_vatstore *store)
{
    return store->overfull;
}

/* Does the crank leave the row other than the kernel has it? */
static bool row_changed(const struct row *row)
{
    switch (row->base) {
    case BASE_UNKNOWN:
        return true;
    case BASE_ABSENT:
        return row->present;
    case BASE_PRESENT:
        break;
    }
    return !row->present || !kee_bytes_equal(kee_bytes_of(row->now.data, row->now.size),
                                             kee_bytes_of(row->before.data, row->before.size));
}

static int compare_rows(const void *a, const void *b)
{
    return kee_bytes_compare(row_key(*(struct row *const *)a), row_key(*(struct row *const *)b));
}

void kee_vatstore_flush(struct kee_vatstore *store, struct kee_buf *out)
{
    size_t place = kee_vp_list_open(out);
    uint32_t count = 0;
    if (store->dirty_count > 1) {
        qsort(store->dirty, store->dirty_count, sizeof(void *), compare_rows);
    }
    for (size_t i = 0; i < store->dirty_count; i++) {
        struct row *row = store->dirty[i];
        if (row_changed(row)) {
            kee_buf_put_u8(out, row->present ? 1 : 0);
            kee_vp_put_string(out, row_key(row));
            if (row->present) {
                kee_vp_put_string(out, kee_bytes_of(row->now.data, row->now.size));
            }
            count++;
        }
        store->bytes -= row->before.size;
        value_clear(&row->before);
        row->before = row->now;
        row->now = (struct value){NULL, 0};
        row->base = row->present ? BASE_PRESENT : BASE_ABSENT;
        row->dirty = row->present = false;
    }
    store->dirty_count = 0;
    store->dirty_bytes = 0;
    kee_vp_list_close(out, place, count);
    let_go(store, store->clock + 1);
}

void kee_vatstore_audit(const struct kee_vatstore *store)
{
    size_t bytes = row_bytes(store->head);
    size_t dirty = 0;
    for (const struct row *row = store->head->forward[0]; row != NULL; row = row->forward[0]) {
        kee_assert(kee_bytes_compare(row_key(row->prev), row_key(row)) < 0); /* VS-1 */
        kee_assert(row->dirty || !row->present);
        kee_assert(row->base == BASE_PRESENT || row->before.data == NULL); /* VS-2 */
        kee_assert((row->dirty && row->present) || row->now.data == NULL);
        bytes += row_bytes(row);
        dirty += row->dirty ? row->key_size + row->now.size : 0;
    }
    kee_assert(bytes == store->bytes); /* VS-3 */
    kee_assert(dirty == store->dirty_bytes);
}
