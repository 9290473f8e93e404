/* SPDX-License-Identifier: Apache-2.0 */
/* send - messages out, syscalls, and the capdata they carry. */
#include "vat/liveslots/hp.h"
#include "vat/liveslots/marshal.h"
#include "vat/liveslots/promises.h"
#include "vat/liveslots/root.h"
#include "vat/liveslots/tables.h"

#include <stdlib.h>

/* What a buffer may keep between uses. */
#define KEPT_BYTES_MAX ((size_t)64 * 1024)

/* ---- Capdata ---- */

struct kee_ls_capdata *kee_ls_capdata_new(txMachine *the)
{
    struct kee_ls *ls = kee_ls_of(the);
    struct kee_ls_capdata *capdata;

    if (kee_list_is_empty(&ls->capdatas_free)) {
        capdata = calloc(1, sizeof(*capdata));
        if (!capdata) {
            kee_ls_check(the, -1);
            return NULL;
        }
        kee_list_init(&capdata->link);
    } else {
        capdata = KEE_CONTAINER(ls->capdatas_free.next, struct kee_ls_capdata, link);
        kee_list_remove(&capdata->link);
        kee_buf_clear(&capdata->body);
        kee_buf_clear(&capdata->slots);
        capdata->slot_count = 0;
    }
    kee_list_append(&ls->capdatas, &capdata->link);
    return capdata;
}

/* A body of megabytes is rare; its storage goes back. */
static void trim(struct kee_buf *buf)
{
    if (buf->room > KEPT_BYTES_MAX) {
        kee_buf_fini(buf);
        *buf = KEE_BUF_EMPTY;
    }
}

void kee_ls_capdata_done(struct kee_ls *ls, struct kee_ls_capdata *capdata)
{
    trim(&capdata->body);
    trim(&capdata->slots);
    kee_list_remove(&capdata->link);
    kee_list_append(&ls->capdatas_free, &capdata->link);
}

void kee_ls_capdata_reset(struct kee_ls *ls)
{
    while (!kee_list_is_empty(&ls->capdatas)) {
        kee_ls_capdata_done(ls, KEE_CONTAINER(ls->capdatas.next, struct kee_ls_capdata, link));
    }
}

void kee_ls_capdata_free(struct kee_ls *ls)
{
    kee_ls_capdata_reset(ls);
    while (!kee_list_is_empty(&ls->capdatas_free)) {
        struct kee_ls_capdata *capdata =
            KEE_CONTAINER(ls->capdatas_free.next, struct kee_ls_capdata, link);
        kee_list_remove(&capdata->link);
        kee_buf_fini(&capdata->body);
        kee_buf_fini(&capdata->slots);
        free(capdata);
    }
}

/* ---- Syscalls ---- */

struct kee_buf *kee_ls_syscall(struct kee_ls *ls, enum kee_vp_syscall call)
{
    ls->syscall_count++;
    kee_buf_put_u8(&ls->syscalls, (uint8_t)call);
    return &ls->syscalls;
}

void kee_ls_put_capdata(struct kee_buf *buf, const struct kee_ls_capdata *capdata)
{
    kee_vp_put_string(buf, kee_buf_bytes(&capdata->body));
    kee_buf_put_u32(buf, capdata->slot_count);
    kee_buf_put_bytes(buf, kee_buf_bytes(&capdata->slots));
}

void kee_ls_subscribe(struct kee_ls *ls, struct kee_bytes vref)
{
    kee_vp_put_string(kee_ls_syscall(ls, KEE_VP_CALL_SUBSCRIBE), vref);
}

void kee_ls_retain_exports(txMachine *the, struct kee_vp_strings slots)
{
    struct kee_ls *ls = kee_ls_of(the);
    struct kee_bytes vref;

    while (kee_vp_strings_next(&slots, &vref)) {
        struct kee_vref_parts parts;
        struct kee_ls_entry *entry;
        if (!kee_vref_parse(vref, &parts) || parts.type != KEE_VREF_OBJECT || !parts.exported) {
            continue;
        }
        if (parts.is_virtual) {
            kee_vom_set_export_status(the, vref, KEE_VOM_REACHABLE);
            continue;
        }
        entry = kee_ls_entry_of(ls, vref);
        if (entry && !entry->exported_reachable) {
            entry->exported_reachable = true;
            entry->exported_recognizable = true;
            kee_entry_hold(entry);
        }
    }
}

/* ---- Sending ---- */

void kee_ls_send(txMachine *the, txSlot *record, struct kee_ls_entry *entry)
{
    struct kee_ls *ls = kee_ls_of(the);
    struct kee_hp_record r = kee_hp_record_of(record);
    struct kee_ls_capdata *capdata = kee_ls_capdata_new(the);
    struct kee_ls_vref target, result = {.size = 0};
    struct kee_vp_strings slots;
    struct kee_buf *out;

    kee_ls_entry_vref(entry, &target);
    kee_ls_serialize_methargs(the, r.prop, r.args, capdata);
    slots = kee_ls_capdata_slots(capdata);
    kee_ls_retain_exports(the, slots);
    if (r.result->kind == XS_REFERENCE_KIND) {
        kee_ls_entry_vref(kee_import_result(the, r.result->value.reference), &result);
    }
    out = kee_ls_syscall(ls, KEE_VP_CALL_SEND);
    kee_vp_put_string(out, kee_ls_vref_bytes(&target));
    kee_ls_put_capdata(out, capdata);
    kee_vp_put_string(out, kee_ls_vref_bytes(&result));
    kee_ls_check(the, kee_buf_status(out));
    if (capdata->slot_count > 0) {
        kee_promises_named(the, slots);
    }
    kee_ls_capdata_done(ls, capdata);
    if (result.size > 0) {
        kee_ls_subscribe(ls, kee_ls_vref_bytes(&result));
    }
}
