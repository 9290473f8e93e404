/* SPDX-License-Identifier: Apache-2.0 */
/*
 * farewell - the last crank of a heap that ends in order.
 *
 *   asked to end ──► what is in flight comes home ──► bringOutYourDead, the last ──► the restart rule,
 *                                                     or (closing) nothing more
 *
 * Only vats with a kind that wants to hear of sleep get one: their store has the row vom.sleepers. A
 * heap that ends otherwise (a kill, a failed crank) hears nothing.
 */
#include <stdio.h>

#include "kernel/internal.h"

int kee_farewell_wanted(struct kee_kernel *kernel, const struct kee_vat *vat, bool *wanted)
{
    struct kee_key key;
    struct kee_bytes value;
    int r;

    *wanted = false;
    if (vat->worker != KEE_WORKER_READY || vat->life == KEE_VAT_DYING) {
        return 0;
    }
    (void)kee_key_vat(&key, vat->id, ".s.vom.sleepers");
    r = kee_world_get(kernel->world, kee_key_view(&key), &value);
    *wanted = r == 0;
    return r == KEE_STORE_ABSENT ? 0 : r;
}

void kee_farewell_begin(struct kee_kernel *kernel, struct kee_vat *vat, const char *why)
{
    kee_assert(!vat->parting);
    vat->parting = true;
    (void)snprintf(vat->parting_why, sizeof vat->parting_why, "%s", why);
    kernel->partings++;
}

void kee_farewell_over(struct kee_kernel *kernel, struct kee_vat *vat)
{
    if (vat->parting) {
        kee_assert(kernel->partings > 0);
        kernel->partings--;
        vat->parting = false;
    }
}

int kee_farewell_done(struct kee_kernel *kernel, struct kee_vat *vat)
{
    if (vat->parting && !kernel->closing && vat->life != KEE_VAT_DYING) {
        return kee_vat_restart_now(kernel, vat, vat->parting_why);
    }
    kee_farewell_over(kernel, vat);
    return 0;
}

int kee_farewell_pump(struct kee_kernel *kernel)
{
    struct kee_vat *vat;
    size_t at = 0;
    int r = 0;

    while (r == 0 && kernel->partings > 0 && (vat = kee_map_next(&kernel->vats, &at)) != NULL) {
        if (vat->parting && vat->flight_count == 0) {
            kee_buf_clear(&kernel->out);
            r = kee_vat_send_reap(kernel, vat, true);
            if (r == 0) {
                kernel->host->worker_send(kernel->host->context, vat->id,
                                          kee_buf_bytes(&kernel->out));
            }
        }
    }
    return r;
}

int kee_kernel_close(struct kee_kernel *kernel)
{
    struct kee_vat *vat;
    size_t at = 0;
    int r = 0;

    kernel->closing = true;
    while (r == 0 && (vat = kee_map_next(&kernel->vats, &at)) != NULL) {
        bool wanted = false;
        r = vat->parting ? 0 : kee_farewell_wanted(kernel, vat, &wanted);
        if (r == 0 && wanted) {
            kee_farewell_begin(kernel, vat, "");
        }
    }
    return r;
}

bool kee_kernel_is_parting(const struct kee_kernel *kernel, struct kee_vat_id id)
{
    const struct kee_vat *vat = kee_map_get(&kernel->vats, id.n);

    return vat != NULL && vat->parting;
}

uint64_t kee_kernel_partings(const struct kee_kernel *kernel)
{
    return kernel->partings;
}
