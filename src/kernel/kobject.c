/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kobject - objects: who owns them, and how many can reach or recognize them.
 *
 * An object's row counts its importers, the queue rows, settled promises and holds that name it. The
 * owner's own c-list row does not count. reachable <= recognizable (OB-1).
 */
#include "kernel/internal.h"

/* vN, rN, - or -rN. */
static bool parse_owner(struct kee_bytes text, struct kee_object *out)
{
    out->owner = KEE_ENDPOINT_NONE;
    out->late.n = 0;
    if (text.size > 0 && text.data[0] == '-') {
        return text.size == 1 ||
               kee_id_parse(kee_bytes_of(text.data + 1, text.size - 1), 'r', &out->late.n);
    }
    return kee_endpoint_parse(text, &out->owner);
}

int kee_object_get(struct kee_kernel *kernel, struct kee_kref kref, struct kee_object *out)
{
    struct kee_key key;
    struct kee_bytes row, owner, reach, recognize;
    int r;

    r = kee_world_get(kernel->world, kee_key_kref(&key, "", kref, ""), &row);
    if (r != 0) {
        return r;
    }
    owner = kee_bytes_cut(&row, ' ');
    reach = kee_bytes_cut(&row, ' ');
    recognize = kee_bytes_cut(&row, ' ');
    out->revoked = kee_bytes_equal(row, KEE_BYTES_LIT("revoked"));
    if (!parse_owner(owner, out) || !kee_bytes_decimal(reach, &out->reachable) ||
        !kee_bytes_decimal(recognize, &out->recognizable) || (row.size > 0 && !out->revoked)) {
        return kee_row_corrupt(kee_key_view(&key), "OWNER REACHABLE RECOGNIZABLE [revoked]");
    }
    return 0;
}

int kee_object_put(struct kee_kernel *kernel, struct kee_kref kref, const struct kee_object *object,
                   bool fresh)
{
    struct kee_buf *row = kee_scratch_take(kernel);
    struct kee_key key;
    int r;

    kee_assert(object->reachable <= object->recognizable); /* OB-1 */
    kee_buf_put_endpoint(row, object->owner);
    if (kee_endpoint_is_none(object->owner) && object->late.n != 0) {
        kee_buf_put_endpoint(row, kee_endpoint_of_peer(object->late));
    }
    kee_buf_put_char(row, ' ');
    kee_buf_put_decimal(row, object->reachable);
    kee_buf_put_char(row, ' ');
    kee_buf_put_decimal(row, object->recognizable);
    if (object->revoked) {
        kee_buf_put_str(row, " revoked");
    }
    r = kee_row_put(kernel, kee_key_kref(&key, "", kref, ""), row, fresh);
    kee_scratch_give(kernel, row);
    return r;
}

int kee_object_new(struct kee_kernel *kernel, struct kee_endpoint_id owner, struct kee_kref *out)
{
    struct kee_object object = {.owner = owner};
    uint64_t n;
    int r;

    r = kee_ids_take(kernel, 'o', &n);
    if (r < 0) {
        return r;
    }
    *out = kee_kref_make(KEE_KREF_OBJECT, n);
    kernel->epochs.grown++;
    return kee_object_put(kernel, *out, &object, true);
}

/* Puts an object on a vat's gc list. */
static int mark(struct kee_kernel *kernel, struct kee_vat_id id, struct kee_kref kref)
{
    struct kee_vat *vat;
    struct kee_key key;
    int r;

    r = kee_vat_load(kernel, id, &vat);
    if (r != 0 || vat == NULL) {
        return r;
    }
    vat->gc_wanted = true;
    kee_vat_mark_busy(kernel, vat);
    return kee_world_put(kernel->world, kee_key_gc(&key, id, kref), kee_bytes_of(NULL, 0));
}

/* Nobody can reach it and nobody owns it: who still recognizes it is to forget it. */
static int mark_importers(struct kee_kernel *kernel, struct kee_kref kref)
{
    struct kee_key prefix, at = {0};
    struct kee_vat_id id;
    int r;

    (void)kee_key_kref(&prefix, "", kref, ".i.");
    while ((r = kee_keys_next_id(kernel, &prefix, &at, 'v', &id.n)) == 0) {
        r = mark(kernel, id, kref);
        if (r != 0) {
            return r;
        }
    }
    return r == KEE_STORE_ABSENT ? 0 : r;
}

/* A count reached zero: the owner is to hear of it, or, without an owner, those who still recognize it;
 * the last trace goes with the last of them. */
static int fell(struct kee_kernel *kernel, struct kee_kref kref, const struct kee_object *object)
{
    struct kee_key key;

    if (kee_endpoint_peer(object->owner).n != 0) { /* looked at when the crank is done */
        kee_buf_put_u64(&kernel->dropped_todo, kref.bits);
        return kee_buf_status(&kernel->dropped_todo);
    }
    if (!kee_endpoint_is_none(object->owner)) {
        return mark(kernel, kee_endpoint_vat(object->owner), kref);
    }
    if (object->recognizable == 0) {
        return kee_world_delete(kernel->world, kee_key_kref(&key, "", kref, ""));
    }
    return object->reachable == 0 ? mark_importers(kernel, kref) : 0;
}

int kee_object_count(struct kee_kernel *kernel, struct kee_kref kref, int reachable,
                     int recognizable)
{
    struct kee_object object;
    int r;

    r = kee_object_get(kernel, kref, &object);
    if (r == KEE_STORE_ABSENT) {
        return kee_fault(KEE_FAULT_CORRUPT, "ko%llu is counted but has no row",
                         (unsigned long long)kee_kref_number(kref));
    }
    if (r < 0) {
        return r;
    }
    if ((reachable < 0 && object.reachable == 0) ||
        (recognizable < 0 && object.recognizable == 0)) {
        return kee_fault(KEE_FAULT_CORRUPT, "count of ko%llu below zero",
                         (unsigned long long)kee_kref_number(kref));
    }
    if (reachable > 0 && kernel->cycle != NULL) {
        kee_cycle_holds(kernel, kref);
    }
    object.reachable += (uint64_t)(int64_t)reachable;
    object.recognizable += (uint64_t)(int64_t)recognizable;
    r = kee_object_put(kernel, kref, &object, false);
    if (r == 0 && ((reachable < 0 && object.reachable == 0) ||
                   (recognizable < 0 && object.recognizable == 0))) {
        r = fell(kernel, kref, &object);
    }
    return r;
}

int kee_object_orphan(struct kee_kernel *kernel, struct kee_kref kref)
{
    struct kee_object object;
    struct kee_key key;
    int r;

    r = kee_object_get(kernel, kref, &object);
    if (r != 0 || kee_endpoint_is_none(object.owner)) {
        return r < 0 ? r : 0;
    }
    if (kee_endpoint_peer(object.owner).n != 0) {
        object.late = kee_endpoint_peer(object.owner);
        object.late.n = kee_peer_hearing(kernel, object.late) != NULL ? 0 : object.late.n;
    } else {
        r = kee_world_delete(kernel->world, kee_key_gc(&key, kee_endpoint_vat(object.owner), kref));
        if (r != 0) {
            return r;
        }
    }
    object.owner = KEE_ENDPOINT_NONE;
    r = kee_object_put(kernel, kref, &object, false);
    return r != 0 ? r : fell(kernel, kref, &object);
}

int kee_kref_hold(struct kee_kernel *kernel, struct kee_kref kref)
{
    return kee_kref_is_promise(kref) ? kee_promise_count(kernel, kref, 1)
                                     : kee_object_count(kernel, kref, 1, 1);
}

int kee_kref_release(struct kee_kernel *kernel, struct kee_kref kref)
{
    return kee_kref_is_promise(kref) ? kee_promise_count(kernel, kref, -1)
                                     : kee_object_count(kernel, kref, -1, -1);
}

bool kee_krefs_next(struct kee_bytes *list, struct kee_kref *out)
{
    struct kee_bytes one;

    if (list->size == 0 || kee_bytes_equal(*list, KEE_BYTES_LIT("-"))) {
        return false;
    }
    one = kee_bytes_cut(list, ',');
    return kee_kref_parse(one, out);
}

size_t kee_krefs_count(struct kee_bytes list)
{
    struct kee_kref kref;
    size_t count = 0;

    while (kee_krefs_next(&list, &kref)) {
        count++;
    }
    return count;
}

int kee_krefs_hold(struct kee_kernel *kernel, struct kee_bytes list)
{
    struct kee_kref kref;
    int r = 0;

    while (r == 0 && kee_krefs_next(&list, &kref)) {
        r = kee_kref_hold(kernel, kref);
    }
    return r;
}

int kee_krefs_release(struct kee_kernel *kernel, struct kee_bytes list)
{
    struct kee_kref kref;
    int r = 0;

    while (r == 0 && kee_krefs_next(&list, &kref)) {
        r = kee_kref_release(kernel, kref);
    }
    return r;
}
