/* SPDX-License-Identifier: Apache-2.0 */
#include "vat/liveslots/cycles.h"

void kee_cycles_take(txMachine *the, struct kee_bytes fields, struct kee_ls_reap *out)
{
    struct kee_vp_reader reader = {fields, false};
    uint8_t flags;

    *out = (struct kee_ls_reap){0};
    if (fields.size == 0) {
        return;
    }
    flags = kee_vp_take_u8(&reader);
    out->asks_heap = (flags & KEE_VP_REAP_HEAP) != 0;
    out->last = (flags & KEE_VP_REAP_LAST) != 0;
    out->unreachable = kee_vp_take_strings(&reader);
    if (!kee_vp_reader_end(&reader)) {
        kee_ls_throw(the, XS_RANGE_ERROR, "malformed bringOutYourDead");
    }
}

static void abandon(struct kee_ls *ls, struct kee_bytes vref)
{
    struct kee_buf *out = kee_ls_syscall(ls, KEE_VP_CALL_ABANDON_EXPORTS);

    kee_buf_put_u32(out, 1);
    kee_vp_put_string(out, vref);
}

void kee_cycles_empty(txMachine *the, struct kee_vp_strings unreachable)
{
    struct kee_ls *ls = kee_ls_of(the);
    struct kee_bytes vref;

    while (kee_vp_strings_next(&unreachable, &vref)) {
        struct kee_ls_entry *entry = kee_ls_entry_of(ls, vref);
        struct kee_vref_parts parts;
        if (!kee_vref_parse(vref, &parts) || !parts.is_virtual || parts.has_facet) {
            kee_ls_throw(the, XS_TYPE_ERROR, "not a virtual object: %.*s", (int)vref.size,
                         (const char *)vref.data);
        }
        if ((entry == NULL || kee_ls_entry_object(entry) == NULL) &&
            kee_vom_empty_virtual(the, vref, abandon)) {
            kee_ls_possibly_dead(ls, vref);
        }
    }
    kee_ls_check(the, kee_buf_status(&ls->syscalls));
}

void kee_cycles_tell_heap(txMachine *the)
{
    struct kee_ls *ls = kee_ls_of(the);
    struct kee_buf *out = kee_ls_syscall(ls, KEE_VP_CALL_HEAP);
    size_t list = kee_vp_list_open(out);
    uint32_t count = 0;

    for (uint32_t i = 1; i < ls->entry_count; i++) {
        const struct kee_ls_entry *entry = ls->entries[i];
        struct kee_ls_vref vref;
        if ((entry->kind != KEE_LS_PRESENCE && entry->kind != KEE_LS_VIRTUAL) ||
            kee_ls_entry_object(entry) == NULL) {
            continue;
        }
        kee_ls_entry_vref(entry, &vref);
        kee_vp_put_string(out, kee_ls_vref_bytes(&vref));
        count++;
    }
    kee_vp_list_close(out, list, count);
    kee_ls_check(the, kee_buf_status(out));
}
