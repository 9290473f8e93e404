/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clist - one vat's capability list: which kref each vref stands for, and back. The only place where
 * a name of one world becomes a name of the other.
 *
 *   CL-1  every row vN.c.KREF has its inverse vN.c.VREF, and the other way.
 *   CL-2  an import counts once in its object's recognizable, and in reachable while its flag is r.
 *   CL-3  a name the kernel allocated (o-N, p-N) is never allocated again.
 *   CL-4  an import of an object has a row koN.i.vM, and only an import.
 */
#include "kernel/internal.h"

static int parse_row(struct kee_key *key, struct kee_bytes value, struct kee_buf *hold,
                     struct kee_clist_row *out)
{
    struct kee_bytes flag;
    int r;

    kee_buf_clear(hold);
    kee_buf_put_bytes(hold, value);
    r = kee_buf_status(hold);
    if (r < 0) {
        return r;
    }
    flag = kee_buf_bytes(hold);
    out->vref = kee_bytes_cut(&flag, ' ');
    out->reachable = kee_bytes_equal(flag, KEE_BYTES_LIT("r"));
    if ((!out->reachable && !kee_bytes_equal(flag, KEE_BYTES_LIT("_"))) || out->vref.size < 3 ||
        out->vref.size > KEE_LIMIT_VREF_BYTES) {
        return kee_row_corrupt(kee_key_view(key), "VREF FLAG");
    }
    return 0;
}

int kee_clist_find(struct kee_kernel *kernel, struct kee_vat *vat, struct kee_kref kref,
                   struct kee_buf *hold, struct kee_clist_row *out)
{
    struct kee_key key;
    struct kee_bytes value;
    int r;

    r = kee_world_get(kernel->world, kee_key_clist_kref(&key, vat->id, kref), &value);
    return r != 0 ? r : parse_row(&key, value, hold, out);
}

static int put_row(struct kee_kernel *kernel, struct kee_vat *vat, struct kee_kref kref,
                   struct kee_bytes vref, bool reachable, bool fresh)
{
    struct kee_buf *row = kee_scratch_take(kernel);
    struct kee_key key;
    int r;

    kee_buf_put_bytes(row, vref);
    kee_buf_put_str(row, reachable ? " r" : " _");
    r = kee_row_put(kernel, kee_key_clist_kref(&key, vat->id, kref), row, fresh);
    kee_scratch_give(kernel, row);
    return r;
}

static bool is_object_import(struct kee_kref kref, struct kee_bytes vref)
{
    return !kee_kref_is_promise(kref) && vref.data[1] == '-';
}

int kee_clist_add(struct kee_kernel *kernel, struct kee_vat *vat, struct kee_kref kref,
                  struct kee_bytes vref)
{
    struct kee_buf *row = kee_scratch_take(kernel);
    struct kee_key key;
    int r;

    /* A kref is paired with a vat once in its life, but for promises and dropped imports. */
    r = put_row(kernel, vat, kref, vref, true, false);
    kee_buf_put_kref(row, kref);
    /* A name that the kernel allocated is new (CL-3): if it goes again, the disk need not hear of it. */
    r = r != 0 ? r
               : kee_row_put(kernel, kee_key_clist(&key, vat->id, vref), row, vref.data[1] == '-');
    if (r == 0 && is_object_import(kref, vref)) {
        r = kee_world_put(kernel->world, kee_key_importer(&key, kref, vat->id),
                          kee_bytes_of(NULL, 0));
    }
    kee_scratch_give(kernel, row);
    return r;
}

int kee_clist_set_flag(struct kee_kernel *kernel, struct kee_vat *vat, struct kee_kref kref,
                       struct kee_bytes vref, bool reachable)
{
    return put_row(kernel, vat, kref, vref, reachable, false);
}

int kee_clist_remove(struct kee_kernel *kernel, struct kee_vat *vat, struct kee_kref kref,
                     struct kee_bytes vref)
{
    struct kee_key key;
    int r;

    r = kee_world_delete(kernel->world, kee_key_clist(&key, vat->id, vref));
    if (r == 0 && is_object_import(kref, vref)) {
        r = kee_world_delete(kernel->world, kee_key_importer(&key, kref, vat->id));
    }
    return r != 0 ? r : kee_world_delete(kernel->world, kee_key_clist_kref(&key, vat->id, kref));
}

int kee_clist_lookup(struct kee_kernel *kernel, struct kee_vat *vat, struct kee_bytes vref,
                     struct kee_kref *out)
{
    struct kee_key key;
    struct kee_bytes value;
    int r;

    if (vref.size == 0 || vref.size > KEE_LIMIT_VREF_BYTES) {
        return KEE_CLIST_UNKNOWN;
    }
    r = kee_world_get(kernel->world, kee_key_clist(&key, vat->id, vref), &value);
    if (r == KEE_STORE_ABSENT) {
        return KEE_CLIST_UNKNOWN;
    }
    if (r < 0) {
        return r;
    }
    /* A vat that says "ko5" finds the row of the other direction, which is no kref. */
    return kee_kref_parse(value, out) ? 0 : KEE_CLIST_UNKNOWN;
}

/* An object that fell to recognizable only is named again by its owner or sent again to an importer. */
static int refresh(struct kee_kernel *kernel, struct kee_vat *vat, struct kee_kref kref,
                   struct kee_bytes vref)
{
    struct kee_buf *hold = kee_scratch_take(kernel);
    struct kee_clist_row row;
    int r = 0;

    if (!kee_kref_is_promise(kref)) {
        r = kee_clist_find(kernel, vat, kref, hold, &row);
        if (r == 0 && !row.reachable) {
            r = kee_clist_set_flag(kernel, vat, kref, vref, true);
            if (r == 0 && vref.data[1] == '-') {
                r = kee_object_count(kernel, kref, 1, 0);
            }
        }
    }
    kee_scratch_give(kernel, hold);
    return r;
}

int kee_clist_kref_of(struct kee_kernel *kernel, struct kee_vat *vat, struct kee_bytes vref,
                      struct kee_kref *out)
{
    struct kee_endpoint_id self = kee_endpoint_of_vat(vat->id);
    struct kee_vref_parts parts;
    int r;

    r = kee_clist_lookup(kernel, vat, vref, out);
    if (r == 0) {
        return refresh(kernel, vat, *out, vref);
    }
    if (r < 0) {
        return r;
    }
    if (!kee_vref_parse(vref, &parts) || vref.size > KEE_LIMIT_VREF_BYTES) {
        return kee_kernel_decline(kernel, KEE_CLIST_UNKNOWN, "\"%.*s\" is not a vref",
                                  (int)(vref.size < 90 ? vref.size : 90), (const char *)vref.data);
    }
    if (!parts.exported || parts.type == KEE_VREF_DEVICE) {
        return kee_kernel_decline(kernel, KEE_CLIST_UNKNOWN,
                                  "the vat was never given \"%.*s\", or has dropped it",
                                  (int)vref.size, (const char *)vref.data);
    }
    r = parts.type == KEE_VREF_PROMISE ? kee_promise_new(kernel, self, 1, out)
                                       : kee_object_new(kernel, self, out);
    return r != 0 ? r : kee_clist_add(kernel, vat, *out, vref);
}

/* The next name of the kernel's own making. */
static int allocate_vref(struct kee_kernel *kernel, struct kee_vat *vat, struct kee_kref kref,
                         struct kee_buf *out)
{
    bool promise = kee_kref_is_promise(kref);
    uint64_t *next = promise ? &vat->next_promise : &vat->next_object;
    uint64_t *reserved = promise ? &vat->reserved_promise : &vat->reserved_object;
    int r;

    if (*next >= *reserved) {
        *reserved = *next + KEE_LIMIT_ID_BLOCK;
        r = kee_vat_save(kernel, vat, false);
        if (r < 0) {
            return r;
        }
    }
    kee_buf_put_str(out, promise ? "p-" : "o-");
    kee_buf_put_decimal(out, (*next)++);
    return kee_buf_status(out);
}

int kee_clist_vref_of(struct kee_kernel *kernel, struct kee_vat *vat, struct kee_kref kref,
                      struct kee_buf *out)
{
    struct kee_buf *hold = kee_scratch_take(kernel);
    size_t before = out->size;
    struct kee_clist_row row;
    int r;

    r = kee_clist_find(kernel, vat, kref, hold, &row);
    if (r == 0) {
        kee_buf_put_bytes(out, row.vref);
        r = kee_buf_status(out);
        if (r == 0 && !row.reachable) {
            r = refresh(kernel, vat, kref, row.vref);
        }
    } else if (r == KEE_STORE_ABSENT) {
        kee_buf_clear(hold);
        r = allocate_vref(kernel, vat, kref, hold);
        r = r != 0 ? r : kee_clist_add(kernel, vat, kref, kee_buf_bytes(hold));
        r = r != 0 ? r : kee_kref_hold(kernel, kref);
        kee_buf_put_bytes(out, kee_buf_bytes(hold));
        r = r != 0 ? r : kee_buf_status(out);
    }
    if (r == 0 && kernel->cycle != NULL && !vat->heap_unknown) {
        kee_cycle_gives(kernel, vat, kee_bytes_of(out->data + before, out->size - before));
    }
    kee_scratch_give(kernel, hold);
    return r;
}

/* Marks kref in all deliveries in flight, from first on, that name it. Does any? */
static bool flights_name(struct kee_vat *vat, uint32_t first, struct kee_kref kref, bool told)
{
    bool any = false;

    for (uint32_t i = first; i < vat->flight_count; i++) {
        struct kee_flight *flight = kee_vat_flight(vat, i);
        for (size_t j = 0; j < flight->named_count; j++) {
            if (kee_kref_equal(flight->named[j].kref, kref)) {
                flight->named[j].told = told;
                any = true;
            }
        }
    }
    return any;
}

void kee_clist_keep_promise(struct kee_vat *vat, struct kee_kref kref)
{
    (void)flights_name(vat, 0, kref, false);
}

int kee_clist_retire_promise(struct kee_kernel *kernel, struct kee_vat *vat, struct kee_kref kref,
                             uint32_t first_flight)
{
    struct kee_buf *hold;
    struct kee_clist_row row;
    int r;

    if (flights_name(vat, first_flight, kref, true)) {
        return 0; /* the worker will meet the name again, and either knows it still or subscribes */
    }
    hold = kee_scratch_take(kernel);
    r = kee_clist_find(kernel, vat, kref, hold, &row);
    if (r == 0) {
        r = kee_clist_remove(kernel, vat, kref, row.vref);
        r = r != 0 ? r : kee_promise_count(kernel, kref, -1);
    } else if (r == KEE_STORE_ABSENT) {
        r = 0;
    }
    kee_scratch_give(kernel, hold);
    return r;
}
