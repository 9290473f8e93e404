/* SPDX-License-Identifier: Apache-2.0 */
/* control - what an operator may ask of vats and of the kernel as a whole. */
#include "kernel/internal.h"

static int need_vat(struct kee_kernel *kernel, struct kee_vat_id id, struct kee_vat **out)
{
    int r = kee_vat_load(kernel, id, out);

    if (r == 0 && (*out == NULL || (*out)->life == KEE_VAT_DYING)) {
        return kee_kernel_decline(kernel, KEE_KERNEL_NO_SUCH, "there is no vat v%llu",
                                  (unsigned long long)id.n);
    }
    return r;
}

int kee_kernel_need_vat(struct kee_kernel *kernel, struct kee_vat_id id)
{
    struct kee_vat *vat;

    return need_vat(kernel, id, &vat);
}

/* A step or a launch that waits for this vat will wait no longer. */
static int give_up_on(struct kee_kernel *kernel, struct kee_vat *vat, const char *why)
{
    bool consumed;

    if (kernel->step_vat.n == vat->id.n) {
        kernel->step_vat.n = 0;
        kernel->step_done(kernel->step_context);
    }
    return kee_launch_progress(kernel, vat, why, &consumed);
}

int kee_kernel_terminate_vat(struct kee_kernel *kernel, struct kee_vat_id id)
{
    struct kee_vat *vat;
    int r = need_vat(kernel, id, &vat);

    r = r != 0 ? r : kee_vat_terminate(kernel, vat, "terminated by the owner");
    return r != 0 ? r : give_up_on(kernel, vat, "terminated by the owner");
}

int kee_vat_restart_now(struct kee_kernel *kernel, struct kee_vat *vat, const char *why)
{
    int r;

    kee_vat_drop_worker(kernel, vat, true);
    vat->broken = false;
    vat->start_tries = 0;
    kee_txn_begin(kernel);
    r = kee_txn_end(kernel, kee_vat_restart(kernel, vat, why));
    return r != 0 ? r : give_up_on(kernel, vat, why);
}

int kee_kernel_restart_vat(struct kee_kernel *kernel, struct kee_vat_id id, const char *why)
{
    struct kee_vat *vat;
    bool wanted = false;
    int r = need_vat(kernel, id, &vat);

    if (r == 0 && vat->parting) {
        return kee_kernel_decline(kernel, KEE_KERNEL_STATE, "v%llu is being restarted already",
                                  (unsigned long long)id.n);
    }
    r = r != 0 ? r : kee_farewell_wanted(kernel, vat, &wanted);
    if (r == 0 && wanted) {
        kee_farewell_begin(kernel, vat, why);
        return 0;
    }
    return r != 0 ? r : kee_vat_restart_now(kernel, vat, why);
}

int kee_kernel_reap(struct kee_kernel *kernel, struct kee_vat_id id)
{
    struct kee_vat *vat;
    size_t at = 0;
    int r = 0;

    if (id.n != 0) {
        r = need_vat(kernel, id, &vat);
        if (r == 0) {
            vat->reap_wanted = vat->worker != KEE_WORKER_NONE;
            kee_vat_mark_busy(kernel, vat);
        }
        return r;
    }
    while ((vat = kee_map_next(&kernel->vats, &at)) != NULL) {
        if (vat->worker != KEE_WORKER_NONE) {
            vat->reap_wanted = true;
            kee_vat_mark_busy(kernel, vat);
        }
    }
    return r;
}

void kee_kernel_pause(struct kee_kernel *kernel)
{
    kernel->paused = true;
}

void kee_kernel_resume(struct kee_kernel *kernel)
{
    kernel->paused = false;
    if (kernel->stepping) { /* overtaken: it will be delivered with the rest */
        kernel->stepping = false;
        kernel->step_done(kernel->step_context);
    }
}

bool kee_kernel_is_paused(const struct kee_kernel *kernel)
{
    return kernel->paused;
}

void kee_kernel_trace(struct kee_kernel *kernel, bool on)
{
    kernel->tracing = on;
}
