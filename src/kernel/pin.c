/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pin - objects and promises held by the operator, whatever vats do with them.
 *
 *   RC-3  a row pin.KREF holds one reference to what it names, until it is unpinned; it outlives every
 *         restart, unlike what the console holds.
 */
#include "kernel/internal.h"

int kee_is_pinned(struct kee_kernel *kernel, struct kee_kref kref, bool *out)
{
    struct kee_key key;
    struct kee_bytes value;
    int r = kee_world_get(kernel->world, kee_key_kref(&key, "pin.", kref, ""), &value);

    *out = r == 0;
    return r == KEE_STORE_ABSENT ? 0 : r;
}

int kee_kref_need_reachable(struct kee_kernel *kernel, struct kee_kref kref)
{
    struct kee_object object;
    int r = kee_kref_need(kernel, kref);

    if (r != 0 || kee_kref_is_promise(kref)) {
        return r;
    }
    r = kee_object_get(kernel, kref, &object);
    if (r != 0 || object.reachable > 0) {
        return r != 0 ? r : kee_cycle_may_hold(kernel, kref);
    }
    return kee_kernel_decline(kernel, KEE_KERNEL_STATE,
                              "nothing reaches ko%llu any more: it is being collected",
                              (unsigned long long)kee_kref_number(kref));
}

int kee_kernel_pin(struct kee_kernel *kernel, struct kee_kref kref)
{
    struct kee_key key;
    bool pinned;
    int r = kee_kref_need_reachable(kernel, kref);

    r = r != 0 ? r : kee_is_pinned(kernel, kref, &pinned);
    if (r != 0 || pinned) {
        return r;
    }
    kee_txn_begin(kernel);
    r = kee_world_put(kernel->world, kee_key_kref(&key, "pin.", kref, ""), kee_bytes_of(NULL, 0));
    r = r != 0 ? r : kee_kref_hold(kernel, kref);
    return kee_txn_end(kernel, r);
}

int kee_kernel_unpin(struct kee_kernel *kernel, struct kee_kref kref)
{
    struct kee_key key;
    bool pinned;
    int r = kee_is_pinned(kernel, kref, &pinned);

    if (r != 0) {
        return r;
    }
    (void)kee_key_kref(&key, "pin.", kref, "");
    if (!pinned) {
        return kee_kernel_decline(kernel, KEE_KERNEL_STATE, "%.*s is not pinned", (int)key.size - 4,
                                  (const char *)key.text + 4);
    }
    kee_txn_begin(kernel);
    r = kee_world_delete(kernel->world, kee_key_view(&key));
    r = r != 0 ? r : kee_kref_release(kernel, kref);
    return kee_txn_end(kernel, r);
}

int kee_kernel_hold(struct kee_kernel *kernel, struct kee_kref kref)
{
    int r = kee_kref_need_reachable(kernel, kref);

    if (r != 0) {
        return r;
    }
    kee_txn_begin(kernel);
    r = kee_hold_add(kernel, kref);
    return kee_txn_end(kernel, r);
}

int kee_kernel_drop(struct kee_kernel *kernel, struct kee_kref kref)
{
    int r;

    if (kee_map_get(&kernel->waits, kref.bits) != NULL || kee_answers_name(kernel, kref)) {
        return 0; /* the hold is a call's, or an answer's that is still to be heard */
    }
    kee_txn_begin(kernel);
    r = kee_hold_remove(kernel, kref);
    return kee_txn_end(kernel, r);
}
