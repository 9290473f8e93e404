/* SPDX-License-Identifier: Apache-2.0 */
/* step - one delivery at a time, while the kernel is paused. */
#include "kernel/internal.h"

/* The vat whose queue holds the oldest item that can be delivered; NULL if none. */
static int oldest(struct kee_kernel *kernel, struct kee_vat **out)
{
    struct kee_buf *hold = kee_scratch_take(kernel);
    struct kee_item item;
    uint64_t seq, best = UINT64_MAX;
    bool is_timer, best_is_timer = false;
    int r = 0;

    *out = NULL;
    for (struct kee_link *link = kernel->busy.next; link != &kernel->busy; link = link->next) {
        struct kee_vat *vat = KEE_CONTAINER(link, struct kee_vat, busy);
        if (vat->life == KEE_VAT_DYING) {
            continue;
        }
        r = kee_vat_next(kernel, vat, hold, &seq, &item, &is_timer);
        if (r == 0 && (seq < best || (seq == best && is_timer && !best_is_timer))) {
            best = seq;
            best_is_timer = is_timer;
            *out = vat;
        } else if (r < 0) {
            break;
        }
        r = 0;
    }
    kee_scratch_give(kernel, hold);
    return r;
}

int kee_kernel_step(struct kee_kernel *kernel, void (*on_done)(void *context), void *context)
{
    struct kee_vat *vat;
    int r;

    if (!kernel->paused) {
        return kee_kernel_decline(kernel, KEE_KERNEL_STATE,
                                  "the kernel is running; pause it before stepping");
    }
    if (kernel->stepping || kernel->step_vat.n != 0) {
        return kee_kernel_decline(kernel, KEE_KERNEL_STATE, "a step is already under way");
    }
    r = oldest(kernel, &vat);
    if (r != 0) {
        return r;
    }
    if (vat == NULL) {
        return kee_kernel_decline(kernel, KEE_KERNEL_STATE, "nothing is queued");
    }
    kernel->stepping = true;
    kernel->step_done = on_done;
    kernel->step_context = context;
    return 0;
}

/* Carries a step on: start the worker, or hand out the one item. */
int kee_step_on(struct kee_kernel *kernel)
{
    struct kee_vat *vat;
    int r;

    while (kernel->stepping && kernel->flights == 0 && kernel->partings == 0 && !kernel->closing) {
        r = oldest(kernel, &vat);
        if (r != 0) {
            return r;
        }
        if (vat == NULL) { /* what was queued could not be delivered */
            kernel->stepping = false;
            kernel->step_done(kernel->step_context);
            return 0;
        }
        r = kee_vat_pump(kernel, vat, true);
        if (r != 0) {
            return r;
        }
        if (vat->worker == KEE_WORKER_READY && vat->flight_count > 0) {
            kernel->stepping = false;
            kernel->step_vat = vat->id;
        }
    }
    return 0;
}
