/* SPDX-License-Identifier: Apache-2.0 */
/* audit - do the tables and the heap say the same? For tests, after every crank. */
#include "base/assert.h"
#include "vat/liveslots/tables.h"
#include "vat/liveslots/weak.h"

/* Reasons to keep the object that the entry itself tells. */
static uint32_t reasons(const struct kee_ls_entry *entry)
{
    return (uint32_t)entry->exported_reachable + (uint32_t)entry->imported +
           (uint32_t)entry->exported + entry->data_refs;
}

/* LS-1: the object carries this entry's index, or that of a newer name for the same object, or none
 * when that newer name is gone. */
static bool carries_index(const struct kee_ls *ls, const struct kee_ls_entry *entry)
{
    txSlot *object = kee_ls_entry_object(entry);
    txSlot *tag = object ? kee_tag_find(object, KEE_TAG_VREF) : NULL;
    const struct kee_ls_entry *other;

    if (!object) {
        return true;
    }
    if (!tag || tag->value.integer < 0 || (uint32_t)tag->value.integer >= ls->entry_count) {
        return false;
    }
    if (tag->value.integer == (txInteger)entry->index) {
        return true;
    }
    other = ls->entries[tag->value.integer];
    return entry->kind == KEE_LS_PROMISE &&
           (!other || (other->kind == KEE_LS_PROMISE && kee_ls_entry_object(other) == object));
}

static const char *entry_fault(const struct kee_ls *ls, struct kee_ls_entry *entry)
{
    struct kee_ls_vref vref;

    if (entry->kind == KEE_LS_FREE) {
        return entry->slot->kind == XS_UNDEFINED_KIND ? NULL : "a free entry refers to something";
    }
    kee_ls_entry_vref(entry, &vref);
    if (kee_ls_entry_of((struct kee_ls *)(uintptr_t)ls, kee_ls_vref_bytes(&vref)) != entry) {
        return "the map does not lead from a vref to its entry";
    }
    if (!carries_index(ls, entry)) {
        return "LS-1: an object does not carry the index of its entry";
    }
    if ((entry->held > 0) != (entry->slot->kind == XS_REFERENCE_KIND)) {
        return "LS-2: an entry's slot is strong without a reason, or weak with one";
    }
    if (entry->kind != KEE_LS_VIRTUAL && entry->held != reasons(entry)) {
        return "an entry is held for reasons it does not tell";
    }
    if (entry->imported && entry->exported) {
        return "a promise is decided by both sides";
    }
    return NULL;
}

const char *kee_ls_audit(const struct kee_ls *ls)
{
    size_t used = 0;
    size_t free_count = 0;

    for (uint32_t i = 1; i < ls->entry_count; i++) {
        const char *fault = entry_fault(ls, ls->entries[i]);
        if (fault) {
            return fault;
        }
        used += ls->entries[i]->kind != KEE_LS_FREE;
    }
    if (used != ls->by_vref.count) {
        return "the map has other vrefs than there are entries";
    }
    for (uint32_t i = ls->entry_free; i != 0; i = (uint32_t)ls->entries[i]->number) {
        if (ls->entries[i]->kind != KEE_LS_FREE || ++free_count > ls->entry_count) {
            return "the chain of free entries is broken";
        }
    }
    if (ls->entry_count > 0 && used + free_count + 1 != ls->entry_count) {
        return "an entry is neither used nor free";
    }
    return kee_weak_audit(ls);
}
