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

/* Fills in the name that was not given. */
static int both_names(struct kee_kernel *kernel, struct kee_vat *vat, struct kee_bytes reference,
                      struct kee_kref *kref, struct kee_buf *hold, struct kee_clist_row *row)
{
    unsigned long long n = vat->id.n;
    int r;

    if (kee_kref_is_none(*kref)) {
        r = kee_clist_lookup(kernel, vat, reference, kref);
        r = r != 0 ? r : kee_clist_find(kernel, vat, *kref, hold, row);
    } else {
        r = kee_clist_find(kernel, vat, *kref, hold, row);
    }
    if (r <= 0) {
        return r;
    }
    return kee_kernel_decline(kernel, KEE_KERNEL_NO_SUCH, "v%llu does not know %.*s", n,
                              (int)(reference.size < 90 ? reference.size : 90),
                              (const char *)reference.data);
}

int kee_kernel_describe(struct kee_kernel *kernel, struct kee_bytes reference, struct kee_vat_id id,
                        kee_record_fn *fn, void *context)
{
    struct wider wider = {.fn = fn, .context = context};
    struct kee_buf *hold;
    struct kee_clist_row row = {0};
    struct kee_vat *vat = NULL;
    struct kee_kref kref = KEE_KREF_NONE;
    int r = 0;

    if (!kee_kref_parse(reference, &kref) && id.n == 0) {
        return kee_kernel_decline(kernel, KEE_KERNEL_BAD,
                                  "a vat's own name means something in that vat only: say which");
    }
    r = id.n == 0 ? 0 : kee_vat_load(kernel, id, &vat);
    if (r == 0 && id.n != 0 && vat == NULL) {
        return kee_kernel_decline(kernel, KEE_KERNEL_NO_SUCH, "there is no vat v%llu",
                                  (unsigned long long)id.n);
    }
    hold = kee_scratch_take(kernel);
    r = r != 0 || vat == NULL ? r : both_names(kernel, vat, reference, &kref, hold, &row);
    if (r == 0) {
        kee_event_begin(&wider.names, "reference");
        kee_event_kref(&wider.names, "kref", kref);
        kee_event_text(&wider.names, "vref", row.vref);
        r = kee_kernel_show(kernel, kref, widen, &wider);
    }
    kee_scratch_give(kernel, hold);
    return r;
}
