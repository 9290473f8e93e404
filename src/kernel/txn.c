/* SPDX-License-Identifier: Apache-2.0 */
/*
 * txn - how the kernel changes rows: a crank of the world, numbers that are never used twice, and what
 * every file of the kernel needs for it.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "kernel/internal.h"

struct kee_buf *kee_scratch_take(struct kee_kernel *kernel)
{
    struct kee_buf *buf;

    kee_assert(kernel->spare_count > 0);
    buf = kernel->spare[--kernel->spare_count];
    kee_buf_clear(buf);
    return buf;
}

void kee_scratch_give(struct kee_kernel *kernel, struct kee_buf *buf)
{
    kee_assert(kernel->spare_count < KEE_SPARES);
    if (buf->room > 65536) { /* a large body does not stay in memory for ever */
        kee_buf_fini(buf);
    }
    kernel->spare[kernel->spare_count++] = buf;
}

const char *kee_kernel_why(const struct kee_kernel *kernel)
{
    return kernel->why.size > 0 ? (const char *)kernel->why.data : "";
}

int kee_kernel_decline(struct kee_kernel *kernel, int outcome, const char *format, ...)
{
    char text[500];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    kee_buf_clear(&kernel->why);
    kee_buf_put(&kernel->why, text, strlen(text) + 1);
    return outcome;
}

/* ---- rows ---- */

int kee_keys_next(struct kee_kernel *kernel, const struct kee_key *prefix, struct kee_key *at)
{
    struct kee_bytes key;
    int r;

    r = kee_world_next(kernel->world, kee_key_view(prefix),
                       kee_key_view(at->size > 0 ? at : prefix), &key, NULL);
    if (r == 0) {
        at->size = 0;
        kee_key_add(at, key);
    }
    return r;
}

int kee_keys_next_id(struct kee_kernel *kernel, const struct kee_key *prefix, struct kee_key *at,
                     char letter, uint64_t *id)
{
    int r = kee_keys_next(kernel, prefix, at);

    if (r == 0 && !kee_id_parse(kee_key_rest(at, prefix), letter, id)) {
        return kee_row_corrupt(kee_key_view(at), "a key that ends in a name like v1 or s1");
    }
    return r;
}

int kee_keys_next_vat(struct kee_kernel *kernel, const struct kee_key *prefix, struct kee_key *at,
                      struct kee_vat_id *id)
{
    for (;;) {
        struct kee_key end = *prefix;
        struct kee_bytes rest, name;
        bool is_vat;
        int r = kee_keys_next(kernel, prefix, at);

        if (r != 0) {
            return r;
        }
        rest = kee_key_rest(at, prefix);
        name = kee_bytes_cut(&rest, '.');
        is_vat = kee_bytes_decimal(name, &id->n);
        kee_key_add(&end, name);
        kee_key_add(&end, KEE_BYTES_LIT(".~"));
        if (kee_bytes_compare(kee_key_view(&end), kee_key_view(at)) > 0) {
            *at = end; /* never back, whatever a damaged key is like */
        }
        if (is_vat) {
            return 0;
        }
    }
}

int kee_row_corrupt(struct kee_bytes key, const char *expected)
{
    return kee_fault(KEE_FAULT_CORRUPT, "store row \"%.*s\": expected %s", (int)key.size,
                     (const char *)key.data, expected);
}

int kee_row_need(struct kee_kernel *kernel, struct kee_bytes key, struct kee_bytes *value)
{
    int r;

    *value = kee_bytes_of(NULL, 0); /* so that callers may copy first and check afterwards */
    r = kee_world_get(kernel->world, key, value);
    return r == KEE_STORE_ABSENT ? kee_row_corrupt(key, "a row, found none") : r;
}

int kee_row_put(struct kee_kernel *kernel, struct kee_bytes key, struct kee_buf *value, bool fresh)
{
    int r = kee_buf_status(value);

    if (r != 0) {
        return r;
    }
    return fresh ? kee_world_put_new(kernel->world, key, kee_buf_bytes(value))
                 : kee_world_put(kernel->world, key, kee_buf_bytes(value));
}

int kee_rows_delete(struct kee_kernel *kernel, struct kee_bytes prefix, size_t max, bool *left)
{
    struct kee_key at = {0};
    struct kee_bytes key;
    int r;

    kee_key_add(&at, prefix);
    for (size_t i = 0; i < max; i++) {
        r = kee_world_next(kernel->world, prefix, kee_key_view(&at), &key, NULL);
        if (r != 0) {
            *left = false;
            return r == KEE_STORE_ABSENT ? 0 : r;
        }
        at.size = 0;
        kee_key_add(&at, key);
        r = kee_world_delete(kernel->world, kee_key_view(&at));
        if (r != 0) {
            return r;
        }
    }
    *left = true;
    return 0;
}

/* ---- ids ---- */

int kee_ids_put(struct kee_kernel *kernel)
{
    const struct kee_ids *ids = &kernel->reserved;
    struct kee_buf *row = kee_scratch_take(kernel);
    int r;

    kee_buf_printf(row, "%llu %llu %llu %llu %llu %llu %llu", (unsigned long long)ids->vat,
                   (unsigned long long)ids->subcluster, (unsigned long long)ids->object,
                   (unsigned long long)ids->promise, (unsigned long long)ids->seq,
                   (unsigned long long)kernel->boot, (unsigned long long)ids->peer);
    r = kee_row_put(kernel, KEE_BYTES_LIT("ids"), row, false);
    kee_scratch_give(kernel, row);
    return r;
}

int kee_ids_take(struct kee_kernel *kernel, char kind, uint64_t *out)
{
    uint64_t *next, *reserved;
    uint64_t block = 1; /* of these there are few: their numbers stay dense */

    switch (kind) {
    case 'v':
        next = &kernel->next.vat;
        reserved = &kernel->reserved.vat;
        break;
    case 's':
        next = &kernel->next.subcluster;
        reserved = &kernel->reserved.subcluster;
        break;
    case 'r':
        next = &kernel->next.peer;
        reserved = &kernel->reserved.peer;
        block = KEE_LIMIT_ID_BLOCK; /* many sessions leave nothing else in the store */
        break;
    case 'o':
        next = &kernel->next.object;
        reserved = &kernel->reserved.object;
        block = KEE_LIMIT_ID_BLOCK;
        break;
    case 'p':
        next = &kernel->next.promise;
        reserved = &kernel->reserved.promise;
        block = KEE_LIMIT_ID_BLOCK;
        break;
    default:
        next = &kernel->next.seq;
        reserved = &kernel->reserved.seq;
        block = KEE_LIMIT_ID_BLOCK;
        break;
    }
    *out = (*next)++;
    if (*next > *reserved) {
        *reserved = *out + block;
        return kee_ids_put(kernel);
    }
    return 0;
}

int kee_ids_read(struct kee_kernel *kernel)
{
    uint64_t *fields[] = {&kernel->reserved.vat,    &kernel->reserved.subcluster,
                          &kernel->reserved.object, &kernel->reserved.promise,
                          &kernel->reserved.seq,    &kernel->boot};
    struct kee_bytes row;
    int r = kee_row_need(kernel, KEE_BYTES_LIT("ids"), &row);

    for (size_t i = 0; r == 0 && i < sizeof fields / sizeof *fields; i++) {
        if (!kee_bytes_decimal(kee_bytes_cut(&row, ' '), fields[i])) {
            r = kee_row_corrupt(KEE_BYTES_LIT("ids"), "six numbers");
        }
    }
    kernel->reserved.peer = 1; /* of a store that is older than peers */
    if (r == 0 && row.size > 0 && !kee_bytes_decimal(row, &kernel->reserved.peer)) {
        r = kee_row_corrupt(KEE_BYTES_LIT("ids"), "seven numbers");
    }
    kernel->next = kernel->reserved;
    return r;
}

/* ---- cranks of the world ---- */

void kee_txn_begin(struct kee_kernel *kernel)
{
    kee_world_begin(kernel->world);
}

void kee_txn_undo(struct kee_kernel *kernel)
{
    size_t at = 0;
    struct kee_vat *vat;

    kee_world_undo(kernel->world);
    kee_outputs_undo(kernel);
    kee_peers_undo(kernel);
    kee_buf_clear(&kernel->dead_todo);
    kee_buf_clear(&kernel->dropped_todo);
    kee_buf_clear(&kernel->tell_todo);
    kee_buf_clear(&kernel->settled_todo);
    /* Numbers spent stay spent; reservations made in this crank are not in the store. */
    kernel->reserved = kernel->next;
    while ((vat = kee_map_next(&kernel->vats, &at)) != NULL) {
        vat->reserved_object = vat->next_object;
        vat->reserved_promise = vat->next_promise;
        vat->queue_known = false;
        vat->has_queue = true;
        kee_vat_mark_busy(kernel, vat);
    }
}
/* Promises that nothing refers to go, and what their data names is let go: perhaps further ones. */
static int bury_promises(struct kee_kernel *kernel)
{
    struct kee_buf *hold = kee_scratch_take(kernel);
    struct kee_promise promise;
    struct kee_bytes slots, body;
    struct kee_kref kref;
    struct kee_key key;
    int r = 0;

    for (size_t at = 0; r == 0 && at < kernel->dead_todo.size; at += sizeof kref.bits) {
        memcpy(&kref.bits, kernel->dead_todo.data + at, sizeof kref.bits);
        r = kee_promise_get(kernel, kref, hold, &promise);
        if (r == KEE_STORE_ABSENT || (r == 0 && promise.references > 0)) {
            r = 0;
            continue;
        }
        if (r == 0 && promise.state != 'u') {
            r = kee_promise_data(kernel, kref, hold, &slots, &body);
            r = r != 0 ? r : kee_world_delete(kernel->world, kee_key_kref(&key, "", kref, ".d"));
            r = r != 0 ? r : kee_krefs_release(kernel, slots);
        }
        r = r != 0 ? r : kee_world_delete(kernel->world, kee_key_kref(&key, "", kref, ""));
    }
    kee_buf_clear(&kernel->dead_todo);
    kee_scratch_give(kernel, hold);
    return r;
}

int kee_txn_commit(struct kee_kernel *kernel)
{
    int r = kee_tell_rest(kernel);

    r = r != 0 ? r : bury_promises(kernel);
    r = r != 0 ? r : kee_peers_drop_objects(kernel);
    if (r != 0) {
        kee_txn_undo(kernel);
        return r;
    }
    kee_world_commit(kernel->world);
    kee_outputs_commit(kernel);
    kee_peers_commit(kernel);
    if (kernel->dirty_batch != kee_world_filling(kernel->world)) {
        kernel->dirty_batch = kee_world_filling(kernel->world);
        kernel->dirty_since_ms = kernel->now_ms;
    }
    return 0;
}

int kee_txn_end(struct kee_kernel *kernel, int r)
{
    if (r == 0) {
        return kee_txn_commit(kernel);
    }
    kee_txn_undo(kernel);
    return r;
}
