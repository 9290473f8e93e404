/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gc - references that end.
 *
 * An object in memory is one pillar of its vref; stored data and the kernel are others. Pillars may
 * fall at any time, but only bringOutYourDead looks: what the vat tells the kernel about garbage does
 * not depend on when the engine happened to collect.
 *
 *   weak slot cleared ──┐
 *   stored count zero ──┴─► dead ──nothing holds it──► drop, delete, retire
 *   recognizer gone ──────► retired ──nobody knows it──► retire
 */
#include "vat/liveslots/gc.h"

#include <stdlib.h>

#include "vat/engine/engine.h"
#include "vat/liveslots/remains.h"
#include "vat/liveslots/root.h"
#include "vat/liveslots/tables.h"
#include "vat/liveslots/weak.h"

/* Sets of vrefs, each a row of struct kee_ls_vref, in no order and with doubles until sorted. */
struct kee_ls_gc {
    struct kee_buf dead;
    struct kee_buf retired;
    struct kee_buf work;
    struct kee_buf drop_imports;
    struct kee_buf retire_imports;
    struct kee_buf retire_exports;
    size_t buried; /* virtual objects, in this crank */
};

int kee_gc_new(struct kee_ls *ls)
{
    ls->gc = calloc(1, sizeof(*ls->gc));
    return ls->gc ? 0 : -1;
}

void kee_gc_free(struct kee_ls *ls)
{
    if (ls->gc) {
        kee_buf_fini(&ls->gc->dead);
        kee_buf_fini(&ls->gc->retired);
        kee_buf_fini(&ls->gc->work);
        kee_buf_fini(&ls->gc->drop_imports);
        kee_buf_fini(&ls->gc->retire_imports);
        kee_buf_fini(&ls->gc->retire_exports);
        free(ls->gc);
        ls->gc = NULL;
    }
}

static void set_add(struct kee_buf *set, struct kee_bytes vref)
{
    struct kee_ls_vref row = {.size = 0};

    if (vref.size <= sizeof(row.text)) {
        row.size = (uint8_t)vref.size;
        memcpy(row.text, vref.data, vref.size);
        kee_buf_put(set, &row, sizeof(row));
    }
}

static size_t set_count(const struct kee_buf *set)
{
    return set->size / sizeof(struct kee_ls_vref);
}

static struct kee_ls_vref set_at(const struct kee_buf *set, size_t i)
{
    struct kee_ls_vref row;

    memcpy(&row, set->data + i * sizeof(row), sizeof(row));
    return row;
}

static int compare_rows(const void *a, const void *b)
{
    return kee_bytes_compare(kee_ls_vref_bytes(a), kee_ls_vref_bytes(b));
}

/* Sorts and takes doubles out. */
static void set_sort(txMachine *the, struct kee_buf *set)
{
    size_t count = set_count(set);
    size_t kept = 0;

    kee_ls_check(the, kee_buf_status(set));
    if (count < 2) {
        return;
    }
    qsort(set->data, count, sizeof(struct kee_ls_vref), compare_rows);
    for (size_t i = 0; i < count; i++) {
        struct kee_ls_vref row = set_at(set, i);
        if (kept == 0 || compare_rows(set->data + (kept - 1) * sizeof(row), &row) != 0) {
            memcpy(set->data + kept * sizeof(row), &row, sizeof(row));
            kept++;
        }
    }
    set->size = kept * sizeof(struct kee_ls_vref);
}

static bool set_has(const struct kee_buf *sorted, struct kee_bytes vref)
{
    struct kee_ls_vref row = {.size = (uint8_t)vref.size};

    if (sorted->size == 0) {
        return false;
    }
    memcpy(row.text, vref.data, vref.size);
    return bsearch(&row, sorted->data, set_count(sorted), sizeof(row), compare_rows) != NULL;
}

void kee_ls_possibly_dead(struct kee_ls *ls, struct kee_bytes base_vref)
{
    set_add(&ls->gc->dead, base_vref);
}

void kee_ls_possibly_retired(struct kee_ls *ls, struct kee_bytes vref)
{
    set_add(&ls->gc->retired, vref);
}

/* ---- The dead ---- */

/* After a collection: whose weak slot has been cleared? */
static void find_cleared(struct kee_ls *ls)
{
    for (uint32_t i = 1; i < ls->entry_count; i++) {
        struct kee_ls_entry *entry = ls->entries[i];
        struct kee_ls_vref vref;
        if (entry->kind == KEE_LS_FREE || entry->kind == KEE_LS_DEVICE ||
            kee_ls_entry_object(entry)) {
            continue;
        }
        if (entry->kind == KEE_LS_PROMISE) {
            kee_ls_forget(ls, entry); /* named once in virtual data or in a refused message */
            continue;
        }
        kee_ls_entry_vref(entry, &vref);
        kee_ls_possibly_dead(ls, kee_ls_vref_bytes(&vref));
    }
}

static void retire_export(struct kee_ls *ls, struct kee_bytes vref)
{
    set_add(&ls->gc->retire_exports, vref);
}

/* Looks at one vref that may be dead. Returns whether its end may have freed more. */
static bool look_at(txMachine *the, struct kee_bytes vref)
{
    struct kee_ls *ls = kee_ls_of(the);
    struct kee_vref_parts parts;
    struct kee_ls_entry *entry = kee_ls_entry_of(ls, vref);
    bool again = false;

    if (!kee_vref_parse(vref, &parts) || parts.type != KEE_VREF_OBJECT ||
        (entry && kee_ls_entry_object(entry))) {
        return false;
    }
    if (parts.is_virtual) {
        if (!kee_vom_is_reachable(the, vref)) {
            ls->gc->buried++;
            again = kee_vom_delete_virtual(the, vref, retire_export);
            again = kee_weak_forget(ls, vref) || again;
        } else if (entry) {
            (void)kee_vom_will_sleep(the, entry);
        }
    } else if (parts.exported) {
        if (entry && entry->exported_recognizable) {
            retire_export(ls, vref);
        }
        again = kee_vom_cease_recognition(the, vref);
    } else if (!kee_vom_is_reachable(the, vref)) {
        set_add(&ls->gc->drop_imports, vref);
        kee_ls_possibly_retired(ls, vref);
    }
    /* The state of a virtual object, deleted above, may have given the entry another meaning. */
    entry = kee_ls_entry_of(ls, vref);
    if (entry && !kee_ls_entry_object(entry)) {
        kee_ls_forget(ls, entry);
    }
    return again;
}

/* Leaves a virtual object's vref to the next bringOutYourDead. Nothing in memory stands for it. */
static void put_off(txMachine *the, struct kee_bytes vref)
{
    struct kee_ls *ls = kee_ls_of(the);
    struct kee_ls_entry *entry = kee_ls_entry_of(ls, vref);

    if (entry && !kee_ls_entry_object(entry) && kee_vom_is_reachable(the, vref) &&
        kee_vom_will_sleep(the, entry)) {
        entry = kee_ls_entry_of(ls, vref);
    }
    if (entry && !kee_ls_entry_object(entry)) {
        kee_ls_forget(ls, entry);
    }
    kee_ls_possibly_dead(ls, vref);
}

/* Virtual objects cost rows and so are buried within a budget: those left over are named again the
 * next time, which the kernel brings about when a reap has changed that many rows. */
static void find_dead(txMachine *the)
{
    struct kee_ls *ls = kee_ls_of(the);
    struct kee_ls_gc *gc = ls->gc;
    bool again;

    gc->buried = 0;

    do {
        struct kee_buf spare;
        again = false;
        kee_engine_collect_inside(kee_engine_of(the));
        find_cleared(ls);
        kee_weak_find_cleared(ls);
        set_sort(the, &gc->dead);
        spare = gc->work;
        gc->work = gc->dead;
        gc->dead = spare;
        kee_buf_clear(&gc->dead);
        for (size_t i = 0; i < set_count(&gc->work); i++) {
            struct kee_ls_vref row = set_at(&gc->work, i);
            struct kee_bytes vref = kee_ls_vref_bytes(&row);
            bool is_virtual = vref.size > 2 && vref.data[0] == 'o' && vref.data[2] > '9';
            if (is_virtual && gc->buried >= KEE_LIMIT_DEAD_PER_REAP) {
                put_off(the, vref);
            } else {
                again = look_at(the, vref) || again;
            }
        }
    } while (gc->buried < KEE_LIMIT_DEAD_PER_REAP && (again || gc->dead.size > 0));
}

static void find_retired(txMachine *the)
{
    struct kee_ls *ls = kee_ls_of(the);
    struct kee_ls_gc *gc = ls->gc;

    set_sort(the, &gc->drop_imports);
    set_sort(the, &gc->retired);
    for (size_t i = 0; i < set_count(&gc->retired); i++) {
        struct kee_ls_vref row = set_at(&gc->retired, i);
        struct kee_bytes vref = kee_ls_vref_bytes(&row);
        struct kee_vref_parts parts;
        struct kee_ls_entry *entry;
        if (!kee_vref_parse(vref, &parts) || parts.exported) {
            continue;
        }
        entry = kee_ls_entry_of(ls, vref);
        if (!set_has(&gc->drop_imports, vref) &&
            ((entry && kee_ls_entry_object(entry)) || kee_vom_is_reachable(the, vref))) {
            continue;
        }
        if (!kee_weak_recognizes(ls, vref) && !kee_vom_is_recognizable(the, vref)) {
            set_add(&gc->retire_imports, vref);
        }
    }
    kee_buf_clear(&gc->retired);
}

static void tell(txMachine *the, enum kee_vp_syscall call, struct kee_buf *set)
{
    struct kee_ls *ls = kee_ls_of(the);

    set_sort(the, set);
    if (set->size > 0) {
        struct kee_buf *out = kee_ls_syscall(ls, call);
        kee_buf_put_u32(out, (uint32_t)set_count(set));
        for (size_t i = 0; i < set_count(set); i++) {
            struct kee_ls_vref row = set_at(set, i);
            kee_vp_put_string(out, kee_ls_vref_bytes(&row));
        }
        kee_ls_check(the, kee_buf_status(out));
    }
    kee_buf_clear(set);
}

/* Tells the kinds of all virtual objects in memory; true if one wanted to hear it. */
static bool all_will_sleep(txMachine *the)
{
    struct kee_ls *ls = kee_ls_of(the);
    bool told = false;

    for (uint32_t i = 1; i < ls->entry_count; i++) {
        struct kee_ls_entry *entry = ls->entries[i];
        if (entry->kind == KEE_LS_VIRTUAL && kee_ls_entry_object(entry)) {
            told = kee_vom_will_sleep(the, entry) || told;
        }
    }
    return told;
}

void kee_gc_bring_out_your_dead(txMachine *the, bool last)
{
    struct kee_ls_gc *gc = kee_ls_of(the)->gc;

    kee_vom_find_loose(the);
    kee_remains_walk(the);
    find_dead(the);
    if (last && all_will_sleep(the)) {
        find_dead(the);
    }
    find_retired(the);
    tell(the, KEE_VP_CALL_DROP_IMPORTS, &gc->drop_imports);
    tell(the, KEE_VP_CALL_RETIRE_IMPORTS, &gc->retire_imports);
    tell(the, KEE_VP_CALL_RETIRE_EXPORTS, &gc->retire_exports);
}

/* ---- What the kernel lets go of ---- */

static void refuse(txMachine *the, struct kee_bytes vref)
{
    kee_ls_throw(the, XS_TYPE_ERROR, "wrong kind of vref in a delivery about garbage: %.*s",
                 (int)vref.size, (const char *)vref.data);
}

static bool is_export(struct kee_bytes vref, struct kee_vref_parts *parts)
{
    return kee_vref_parse(vref, parts) && parts->type == KEE_VREF_OBJECT && parts->exported;
}

/* The kernel reaches these exports no more; when retired, it does not know them either. */
static void let_go_of_exports(txMachine *the, struct kee_vp_strings vrefs, bool retired)
{
    struct kee_bytes vref;

    while (kee_vp_strings_next(&vrefs, &vref)) {
        struct kee_vref_parts parts;
        struct kee_ls_entry *entry;
        if (!is_export(vref, &parts)) {
            refuse(the, vref);
        }
        if (parts.is_virtual) {
            kee_vom_set_export_status(the, vref, retired ? KEE_VOM_NONE : KEE_VOM_RECOGNIZABLE);
            continue;
        }
        entry = kee_ls_entry_of(kee_ls_of(the), vref);
        if (entry && retired) {
            entry->exported_recognizable = false;
        } else if (entry && entry->exported_reachable) {
            entry->exported_reachable = false;
            kee_entry_release(entry);
        }
    }
}

void kee_gc_drop_exports(txMachine *the, struct kee_vp_strings vrefs)
{
    let_go_of_exports(the, vrefs, false);
}

void kee_gc_retire_exports(txMachine *the, struct kee_vp_strings vrefs)
{
    let_go_of_exports(the, vrefs, true);
}

void kee_gc_retire_imports(txMachine *the, struct kee_vp_strings vrefs)
{
    struct kee_bytes vref;

    while (kee_vp_strings_next(&vrefs, &vref)) {
        struct kee_vref_parts parts;
        if (!kee_vref_parse(vref, &parts) || parts.type != KEE_VREF_OBJECT || parts.exported) {
            refuse(the, vref);
        }
        (void)kee_weak_forget(kee_ls_of(the), vref);
        (void)kee_vom_cease_recognition(the, vref);
    }
}
