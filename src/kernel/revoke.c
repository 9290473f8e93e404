/* SPDX-License-Identifier: Apache-2.0 */
/*
 * revoke - an object that nobody may send to any more.
 *
 * The mark stands in the object's own row, which routing and delivery read anyway: a message that is
 * sent later is refused when it is routed, one that is queued when its turn comes, one that is parked
 * at a promise when that settles. Counts and c-lists stay as they are, so that garbage is found as
 * before; the mark goes with the row.
 */
#include "kernel/internal.h"

int kee_kernel_revoke(struct kee_kernel *kernel, struct kee_kref kref)
{
    struct kee_object object;
    int r = kee_kref_need(kernel, kref);

    if (r != 0) {
        return r;
    }
    if (kee_kref_kind(kref) != KEE_KREF_OBJECT) {
        return kee_kernel_decline(kernel, KEE_KERNEL_BAD,
                                  "only objects can be revoked: expected a kref such as ko4");
    }
    r = kee_object_get(kernel, kref, &object);
    if (r != 0 || object.revoked) {
        return r;
    }
    kee_txn_begin(kernel);
    object.revoked = true;
    return kee_txn_end(kernel, kee_object_put(kernel, kref, &object, false));
}
