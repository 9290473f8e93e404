/* SPDX-License-Identifier: Apache-2.0 */
/* describe - one reference, by its kref or by a vat's own name for it, as a record. */
#include "kernel/internal.h"

/* The record of the listing, with the two names before it. */
struct wider {
    kee_record_fn *fn;
    void *context;
    struct kee_event names;
};

static void widen(void *context, const struct kee_record *record)
{
    struct wider *wider = context;
    struct kee_record *out = &wider->names.record;

    for (size_t i = 0; i < record->count && out->count < KEE_RECORD_FIELDS_MAX; i++) {
        if (strcmp(record->fields[i].name, "kref") != 0) {
            out->fields[out->count++] = record->fields[i];
        }
    }
    wider->fn(wider->context, out);
}

/* Fills in the name that was not given: *name is in hold. */
static int names_of_vat(struct kee_kernel *kernel, struct kee_vat *vat, struct kee_bytes reference,
                        struct kee_kref *kref, struct kee_buf *hold, struct kee_bytes *name)
{
    struct kee_clist_row row;
    int r = kee_kref_is_none(*kref) ? kee_clist_lookup(kernel, vat, reference, kref) : 0;

    r = r != 0 ? r : kee_clist_find(kernel, vat, *kref, hold, &row);
    if (r == 0) {
        *name = row.vref;
    }
    return r;
}

static int names_of_peer(struct kee_kernel *kernel, struct kee_peer_id peer,
                         struct kee_bytes reference, struct kee_kref *kref, struct kee_buf *hold,
                         struct kee_bytes *name)
{
    struct kee_peer_row row;
    int r = 0;

    if (kee_kref_is_none(*kref)) {
        r = reference.size <= KEE_LIMIT_PEER_NAME_BYTES
                ? kee_peer_own_find(kernel, peer, reference, kref)
                : KEE_STORE_ABSENT;
    }
    r = r != 0 ? r : kee_peer_row_get(kernel, peer, *kref, hold, &row);
    if (r == 0) {
        *name = row.name;
    }
    return r;
}

static int both_names(struct kee_kernel *kernel, struct kee_endpoint_id of,
                      struct kee_bytes reference, struct kee_kref *kref, struct kee_buf *hold,
                      struct kee_bytes *name)
{
    struct kee_peer_id peer = kee_endpoint_peer(of);
    struct kee_vat *vat;
    bool exists;
    int r;

    if (peer.n != 0) {
        exists = kee_map_get(&kernel->peers, peer.n) != NULL;
        r = exists ? names_of_peer(kernel, peer, reference, kref, hold, name) : KEE_STORE_ABSENT;
    } else {
        r = kee_vat_load(kernel, kee_endpoint_vat(of), &vat);
        exists = r == 0 && vat != NULL;
        r = r != 0 || !exists ? r : names_of_vat(kernel, vat, reference, kref, hold, name);
    }
    if (r < 0 || (r == 0 && exists)) {
        return r;
    }
    if (!exists) {
        return kee_kernel_decline(kernel, KEE_KERNEL_NO_SUCH, "there is no %s %c%llu",
                                  peer.n != 0 ? "session" : "vat", peer.n != 0 ? 'r' : 'v',
                                  (unsigned long long)(of.bits / 2));
    }
    return kee_kernel_decline(kernel, KEE_KERNEL_NO_SUCH, "%c%llu does not know %.*s",
                              peer.n != 0 ? 'r' : 'v', (unsigned long long)(of.bits / 2),
                              (int)(reference.size < 90 ? reference.size : 90),
                              (const char *)reference.data);
}

int kee_kernel_describe(struct kee_kernel *kernel, struct kee_bytes reference,
                        struct kee_endpoint_id of, kee_record_fn *fn, void *context)
{
    struct wider wider = {.fn = fn, .context = context};
    struct kee_buf *hold;
    struct kee_bytes name = {0};
    struct kee_kref kref = KEE_KREF_NONE;
    int r = 0;

    if (!kee_kref_parse(reference, &kref) && kee_endpoint_is_none(of)) {
        return kee_kernel_decline(kernel, KEE_KERNEL_BAD,
                                  "a vat's own name means something in that vat only: say which");
    }
    hold = kee_scratch_take(kernel);
    if (!kee_endpoint_is_none(of)) {
        r = both_names(kernel, of, reference, &kref, hold, &name);
    }
    if (r == 0) {
        kee_event_begin(&wider.names, "reference");
        kee_event_kref(&wider.names, "kref", kref);
        kee_event_text(&wider.names, "vref", name);
        r = kee_kernel_show(kernel, kref, widen, &wider);
    }
    kee_scratch_give(kernel, hold);
    return r;
}
