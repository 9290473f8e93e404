/* SPDX-License-Identifier: Apache-2.0 */
/*
 * linger - promises that were just told, for the deliveries that were sent ahead.
 *
 * The kernel sends deliveries before it has seen the end of the cranks before them. One may thus name
 * a promise that a crank before it has told: a pipelined message does so all the time. The name is
 * gone from the tables by then, and meeting it again would mean to import the promise, subscribe to it
 * and send the message back through the kernel. So the latest few are kept until nothing is waiting to
 * be read.
 */
#include "vat/liveslots/linger.h"

#include "vat/liveslots/root.h"

void kee_linger_add(txMachine *the, const struct kee_ls_vref *vref, txSlot *promise)
{
    struct kee_ls *ls = kee_ls_of(the);
    struct kee_lingering *place = &ls->lingering[ls->linger_next];

    if (!place->slot) {
        txSlot *list = kee_root(the, KEE_ROOT_ENTRIES)->value.reference;
        place->slot = fxNewSlot(the);
        place->slot->flag = XS_INTERNAL_FLAG;
        place->slot->next = list->next;
        list->next = place->slot;
    }
    place->vref = *vref;
    place->slot->kind = XS_REFERENCE_KIND;
    place->slot->value.reference = promise;
    ls->linger_next = (ls->linger_next + 1) % KEE_LINGERING;
    ls->lingers = true;
}

txSlot *kee_linger_find(const struct kee_ls *ls, struct kee_bytes vref)
{
    for (size_t i = 0; ls->lingers && i < KEE_LINGERING; i++) {
        const struct kee_lingering *place = &ls->lingering[i];
        if (place->slot && place->slot->kind == XS_REFERENCE_KIND &&
            kee_bytes_equal(kee_ls_vref_bytes(&place->vref), vref)) {
            return place->slot->value.reference;
        }
    }
    return NULL;
}

void kee_ls_caught_up(struct kee_ls *ls)
{
    for (size_t i = 0; ls->lingers && i < KEE_LINGERING; i++) {
        if (ls->lingering[i].slot) {
            ls->lingering[i].slot->kind = XS_UNDEFINED_KIND;
        }
    }
    ls->lingers = false;
}
