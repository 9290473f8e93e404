/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cycle_mark - marks, and the barriers that keep them true while cranks go on.
 *
 * Marking only sets a bit; what the bit leads to is looked up later, by a slice. A number is marked
 * only when there is a row for it or for a neighbour in its chunk, so that a vat cannot make the kernel
 * take more memory than its own rows do.
 */
#include <stdlib.h>

#include "kernel/cycle.h"

/* ---- spaces ---- */

static void space_init(struct kee_space *space, struct kee_cycle *cycle, enum kee_space_sort sort,
                       struct kee_cycle_vat *vat)
{
    *space = (struct kee_space){.sort = sort, .vat = vat};
    kee_marks_init(&space->marks, &cycle->gray);
}

static void vat_free(struct kee_cycle_vat *vat)
{
    struct kee_space *space;
    size_t at = 0;

    while ((space = kee_map_next(&vat->kinds, &at)) != NULL) {
        kee_marks_fini(&space->marks);
        free(space);
    }
    kee_map_fini(&vat->kinds);
    kee_marks_fini(&vat->imports.marks);
    kee_marks_fini(&vat->strong.marks);
    kee_marks_fini(&vat->weak.marks);
    kee_marks_fini(&vat->touched.marks);
    kee_list_remove(&vat->pending);
    free(vat);
}

struct kee_cycle *kee_cycle_new(void)
{
    struct kee_cycle *cycle = calloc(1, sizeof *cycle);

    if (cycle != NULL) {
        kee_list_init(&cycle->gray);
        kee_list_init(&cycle->opaque);
        space_init(&cycle->objects, cycle, KEE_SPACE_OBJECTS, NULL);
    }
    return cycle;
}

void kee_cycle_free(struct kee_cycle *cycle)
{
    struct kee_cycle_vat *vat;
    size_t at = 0;

    if (cycle == NULL) {
        return;
    }
    while ((vat = kee_map_next(&cycle->vats, &at)) != NULL) {
        vat_free(vat);
    }
    kee_map_fini(&cycle->vats);
    kee_marks_fini(&cycle->objects.marks);
    free(cycle);
}

static struct kee_bytes row_of(struct kee_key *key, struct kee_vat_id vat, struct kee_bytes name)
{
    (void)kee_key_vat(key, vat, ".s.");
    kee_key_add(key, name);
    return kee_key_view(key);
}

/* Which kinds are stores, and which is that of handles: written when the vat first starts. */
static int read_tables(struct kee_kernel *kernel, struct kee_cycle_vat *vat)
{
    struct kee_bytes value;
    struct kee_key key;
    int r;

    r = kee_world_get(kernel->world, row_of(&key, vat->id, KEE_BYTES_LIT(KEE_VATROW_HANDLES_KEY)),
                      &value);
    if (r == 0) {
        (void)kee_bytes_decimal(value, &vat->handles);
        r = kee_world_get(kernel->world,
                          row_of(&key, vat->id, KEE_BYTES_LIT(KEE_VATROW_STORES_KEY)), &value);
    }
    if (r == 0) {
        kee_vatrow_stores_read(value, &vat->stores);
        vat->tables_known = true;
    }
    return r == KEE_STORE_ABSENT ? 0 : r;
}

int kee_cycle_vat(struct kee_kernel *kernel, struct kee_vat_id id, struct kee_cycle_vat **out)
{
    struct kee_cycle *cycle = kernel->cycle;
    struct kee_cycle_vat *vat = kee_map_get(&cycle->vats, id.n);

    if (vat == NULL) {
        vat = calloc(1, sizeof *vat);
        if (vat == NULL || kee_map_put(&cycle->vats, id.n, vat) < 0) {
            free(vat);
            return kee_fault(KEE_FAULT_MEMORY, "marks of v%llu", (unsigned long long)id.n);
        }
        vat->id = id;
        kee_list_init(&vat->pending);
        space_init(&vat->imports, cycle, KEE_SPACE_IMPORTS, vat);
        space_init(&vat->strong, cycle, KEE_SPACE_STORES, vat);
        space_init(&vat->weak, cycle, KEE_SPACE_WEAK_STORES, vat);
        space_init(&vat->touched, cycle, KEE_SPACE_TOUCHED, vat);
    }
    *out = vat;
    return vat->tables_known ? 0 : read_tables(kernel, vat);
}

int kee_cycle_space(struct kee_kernel *kernel, struct kee_cycle_vat *vat,
                    const struct kee_vref_parts *parts, bool make, struct kee_space **out)
{
    uint64_t key = parts->id * 2 + parts->is_durable;
    bool weak;

    *out = NULL;
    if (parts->id == vat->handles || parts->id == vat->makers || parts->id == 0) {
        return 0;
    }
    if (kee_vatrow_is_store(&vat->stores, parts->id, &weak)) {
        *out = weak ? &vat->weak : &vat->strong;
        return 0;
    }
    *out = kee_map_get(&vat->kinds, key);
    if (*out == NULL && make) {
        *out = calloc(1, sizeof **out);
        if (*out == NULL || kee_map_put(&vat->kinds, key, *out) < 0) {
            free(*out);
            *out = NULL;
            return kee_fault(KEE_FAULT_MEMORY, "marks of v%llu", (unsigned long long)vat->id.n);
        }
        space_init(*out, kernel->cycle, KEE_SPACE_KIND, vat);
        (*out)->kind = parts->id;
        (*out)->durable = parts->is_durable;
    }
    return 0;
}

void kee_cycle_make_opaque(struct kee_kernel *kernel, struct kee_cycle_vat *vat)
{
    if (!vat->opaque) {
        vat->opaque = true;
        kee_list_append(&kernel->cycle->opaque, &vat->pending);
    }
}

/* ---- marking ---- */

int kee_cycle_mark_object(struct kee_kernel *kernel, struct kee_kref kref)
{
    return kee_kref_kind(kref) != KEE_KREF_OBJECT || kee_kref_is_none(kref)
               ? 0
               : kee_marks_mark(&kernel->cycle->objects.marks, kee_kref_number(kref));
}

int kee_cycle_mark_list(struct kee_kernel *kernel, struct kee_bytes list)
{
    struct kee_kref kref;
    int r = 0;

    while (r == 0 && kee_krefs_next(&list, &kref)) {
        r = kee_cycle_mark_object(kernel, kref);
    }
    return r;
}

/* The row that shows that there is such an object; for a store, one that each has. */
static struct kee_bytes row_of_own(struct kee_key *key, const struct kee_space *space,
                                   const struct kee_vref_parts *parts)
{
    (void)kee_key_vat(key, space->vat->id, space->sort == KEE_SPACE_KIND ? ".s.vom.o+" : ".s.vc.");
    if (space->sort == KEE_SPACE_KIND) {
        kee_key_add(key, parts->is_durable ? KEE_BYTES_LIT("d") : KEE_BYTES_LIT("v"));
        kee_key_add_number(key, parts->id);
        kee_key_add(key, KEE_BYTES_LIT("/"));
        kee_key_add_number(key, parts->instance);
    } else {
        kee_key_add_number(key, parts->instance);
        kee_key_add(key, KEE_BYTES_LIT(".|schemata"));
    }
    return kee_key_view(key);
}

static int mark_own(struct kee_kernel *kernel, struct kee_cycle_vat *vat,
                    const struct kee_vref_parts *parts)
{
    struct kee_space *space, sought = {.vat = vat, .sort = KEE_SPACE_KIND};
    struct kee_bytes value;
    struct kee_key key;
    int r = kee_cycle_space(kernel, vat, parts, false, &space);

    if (r != 0 || (space == NULL && parts->id == vat->handles)) {
        return r;
    }
    if (space == NULL || !kee_marks_has_room(&space->marks, parts->instance)) {
        r = kee_world_get(kernel->world, row_of_own(&key, space != NULL ? space : &sought, parts),
                          &value);
        if (r != 0) {
            return r == KEE_STORE_ABSENT ? 0 : r; /* it leads nowhere */
        }
        r = kee_cycle_space(kernel, vat, parts, true, &space);
    }
    return r != 0 || space == NULL ? r : kee_marks_mark(&space->marks, parts->instance);
}

static int mark_import(struct kee_kernel *kernel, struct kee_cycle_vat *vat, uint64_t number,
                       struct kee_bytes vref)
{
    struct kee_bytes value;
    struct kee_key key;

    if (!kee_marks_has_room(&vat->imports.marks, number)) {
        int r = kee_world_get(kernel->world, kee_key_clist(&key, vat->id, vref), &value);
        if (r != 0) {
            return r == KEE_STORE_ABSENT ? 0 : r;
        }
    }
    return kee_marks_mark(&vat->imports.marks, number);
}

int kee_cycle_mark_vref(struct kee_kernel *kernel, struct kee_cycle_vat *vat, struct kee_bytes vref)
{
    struct kee_vref_parts parts;

    if (vref.size > KEE_LIMIT_VREF_BYTES || !kee_vref_parse(vref, &parts) ||
        parts.type != KEE_VREF_OBJECT) {
        return 0;
    }
    if (!parts.exported) {
        return mark_import(kernel, vat, parts.id, vref);
    }
    return parts.is_virtual ? mark_own(kernel, vat, &parts) : 0;
}

int kee_cycle_mark_slots(struct kee_kernel *kernel, struct kee_cycle_vat *vat,
                         struct kee_bytes value)
{
    struct kee_vatrow_slots slots = kee_vatrow_slots_of(value);
    struct kee_bytes vref;
    int r = 0;

    while (r == 0 && kee_vatrow_slots_next(&slots, &vref)) {
        r = kee_cycle_mark_vref(kernel, vat, vref);
    }
    return r;
}

/* ---- barriers ---- */

/* A barrier has no say in the crank it stands in: when it fails the epoch is given up. */
static void note(struct kee_kernel *kernel, int r)
{
    if (r < 0) {
        kee_fault_clear();
        kernel->cycle->failed = true;
    }
}

void kee_cycle_holds(struct kee_kernel *kernel, struct kee_kref kref)
{
    note(kernel, kee_cycle_mark_object(kernel, kref));
}

/* Marked by the vat's own name for it: an object that comes back to its owner may be retired before the
 * kernel's name is looked into, and then no longer leads to it. */
void kee_cycle_gives(struct kee_kernel *kernel, struct kee_vat *vat, struct kee_bytes vref)
{
    struct kee_cycle_vat *marked;
    int r = kee_cycle_vat(kernel, vat->id, &marked);

    note(kernel, r != 0 ? r : kee_cycle_mark_vref(kernel, marked, vref));
}

void kee_cycle_moves(struct kee_kernel *kernel, const struct kee_item *item)
{
    note(kernel, kee_cycle_mark_object(kernel, item->target));
    note(kernel, kee_cycle_mark_list(kernel, item->slots));
}

static int mark_row(struct kee_kernel *kernel, struct kee_cycle_vat *vat,
                    const struct kee_vatrow *row, struct kee_bytes value)
{
    int r = 0;

    if (row->sort == KEE_VATROW_TABLE) {
        return kee_cycle_mark_vref(kernel, vat, value);
    }
    if (row->key.size > 0) {
        r = kee_cycle_mark_vref(kernel, vat, row->key);
    }
    return r != 0 ? r : kee_cycle_mark_slots(kernel, vat, value);
}

/* An object whose row is written is not named in this epoch. */
static int mark_written(struct kee_kernel *kernel, struct kee_cycle_vat *vat,
                        const struct kee_vatrow *row)
{
    struct kee_space *space;
    int r = 0;

    if (row->sort == KEE_VATROW_ENTRY) {
        return kee_marks_mark(&vat->touched.marks, row->store);
    }
    if (row->sort == KEE_VATROW_STATE) {
        r = kee_cycle_space(kernel, vat, &row->own, true, &space);
        r = r != 0 || space == NULL ? r : kee_marks_mark(&space->marks, row->own.instance);
    }
    return r;
}

static int row_changes(struct kee_kernel *kernel, struct kee_vat *vat, struct kee_bytes name,
                       const struct kee_bytes *value)
{
    struct kee_cycle_vat *marked;
    struct kee_vatrow row;
    struct kee_bytes old;
    struct kee_key key;
    int r;

    kee_vatrow_read(name, &row);
    if (row.sort == KEE_VATROW_OTHER) {
        return 0;
    }
    r = kee_cycle_vat(kernel, vat->id, &marked);
    if (r != 0 || marked->opaque) {
        return r;
    }
    if (kernel->cycle->phase ==
        KEE_CYCLE_BURY) { /* all is marked: only what is new must be told apart */
        return value != NULL ? mark_written(kernel, marked, &row) : 0;
    }
    /* What its heap may have taken out of the row is marked with the heap, while that is unknown; but
     * what a crank does after it told its heap is not. */
    if (!vat->heap_unknown || kee_vat_flight(vat, 0)->asks_heap) {
        r = kee_world_get(kernel->world, row_of(&key, vat->id, name), &old);
        r = r == 0 ? mark_row(kernel, marked, &row, old) : r == KEE_STORE_ABSENT ? 0 : r;
    }
    if (r == 0 && value != NULL) {
        r = mark_written(kernel, marked, &row);
        r = r != 0 ? r : mark_row(kernel, marked, &row, *value);
    }
    return r;
}

void kee_cycle_row_changes(struct kee_kernel *kernel, struct kee_vat *vat, struct kee_bytes name,
                           const struct kee_bytes *value)
{
    note(kernel, row_changes(kernel, vat, name, value));
}
