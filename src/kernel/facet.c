/* SPDX-License-Identifier: Apache-2.0 */
/* facet - exports of raw vats named from outside, by whoever wires such vats together. */
#include "kernel/internal.h"

/* What a vat's number can name without loss. */
#define FACET_MAX 9007199254740991u

static int name_facet(struct kee_kernel *kernel, struct kee_vat *vat, uint64_t facet,
                      struct kee_kref *out)
{
    struct kee_buf *vref = kee_scratch_take(kernel);
    int r;

    kee_buf_put_str(vref, "o+");
    kee_buf_put_decimal(vref, facet);
    r = kee_buf_status(vref);
    r = r != 0 ? r : kee_clist_kref_of(kernel, vat, kee_buf_bytes(vref), out);
    r = r != 0 ? r : kee_hold_add(kernel, *out);
    kee_scratch_give(kernel, vref);
    return r;
}

int kee_kernel_facet(struct kee_kernel *kernel, struct kee_vat_id id, uint64_t facet,
                     struct kee_kref *out)
{
    struct kee_vat *vat;
    int r = kee_vat_load(kernel, id, &vat);

    if (r != 0) {
        return r;
    }
    if (vat == NULL || vat->life == KEE_VAT_DYING) {
        return kee_kernel_decline(kernel, KEE_KERNEL_NO_SUCH, "there is no vat v%llu",
                                  (unsigned long long)id.n);
    }
    if (!vat->raw) {
        return kee_kernel_decline(kernel, KEE_KERNEL_STATE,
                                  "v%llu is no raw vat: it names its objects itself",
                                  (unsigned long long)id.n);
    }
    if (facet > FACET_MAX) {
        return kee_kernel_decline(kernel, KEE_KERNEL_BAD, "a facet is a number up to 2^53 - 1");
    }
    kee_txn_begin(kernel);
    return kee_txn_end(kernel, name_facet(kernel, vat, facet, out));
}
