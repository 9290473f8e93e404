/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tables - values and their vrefs, both ways.
 *
 *   by_vref ── base vref ──► entry ── slot on the rooted list ──► object
 *                              ▲                                    │
 *                              └───────── KEE_TAG_VREF: index ◄─────┘
 *
 * Invariants
 *   LS-1  an object carries the index of one entry that refers to it: of the newest, when a result
 *         promise of ours became the result of a send of ours as well. No other object carries it.
 *   LS-2  an entry's slot is a reference if and only if held > 0.
 */
#include "vat/liveslots/tables.h"

#include <stdlib.h>

#include "base/assert.h"
#include "vat/liveslots/hp.h"
#include "vat/liveslots/linger.h"
#include "vat/liveslots/root.h"

/* ---- Keys of the map: base vrefs as numbers ---- */

#define KEY_NUMBER_BITS 60u /* plain ones: 3 bits of space, 1 that marks a plain one, the number */
#define KEY_KIND_BITS 24u   /* virtual ones: the kind, the instance */
#define KEY_INSTANCE_BITS 36u

/* 0 if the numbers are out of range. */
static uint64_t key_of(enum kee_ls_kind kind, bool negative, bool durable, uint64_t number,
                       uint64_t instance)
{
    uint64_t space;

    if (kind == KEE_LS_VIRTUAL) {
        if (number >> KEY_KIND_BITS || instance >> KEY_INSTANCE_BITS) {
            return 0;
        }
        space = durable ? 7u : 6u;
        return space | number << 4 | instance << (4 + KEY_KIND_BITS);
    }
    if (number >> KEY_NUMBER_BITS) {
        return 0;
    }
    space = kind == KEE_LS_PROMISE ? 2u : kind == KEE_LS_DEVICE ? 4u : 0u;
    return (space | (negative ? 1u : 0u)) | 8u | number << 4;
}

uint64_t kee_parts_key(const struct kee_vref_parts *parts)
{
    enum kee_ls_kind kind = parts->is_virtual                 ? KEE_LS_VIRTUAL
                            : parts->type == KEE_VREF_PROMISE ? KEE_LS_PROMISE
                            : parts->type == KEE_VREF_DEVICE  ? KEE_LS_DEVICE
                                                              : KEE_LS_REMOTABLE;

    return key_of(kind, !parts->exported, parts->is_durable, parts->id, parts->instance);
}

uint64_t kee_entry_key(const struct kee_ls_entry *entry)
{
    return key_of(entry->kind, entry->negative, entry->durable, entry->number, entry->instance);
}

bool kee_key_import(uint64_t key, struct kee_ls_vref *out)
{
    if ((key & 15u) != (8u | 1u)) {
        return false;
    }
    out->size =
        (uint8_t)snprintf(out->text, sizeof(out->text), "o-%llu", (unsigned long long)(key >> 4));
    return true;
}

/* ---- Entries ---- */

txSlot *kee_entries_slot(txMachine *the)
{
    txSlot *slot = fxNewSlot(the);
    txSlot *list = kee_root(the, KEE_ROOT_ENTRIES)->value.reference;

    slot->flag = XS_INTERNAL_FLAG;
    slot->next = list->next;
    list->next = slot;
    return slot;
}

/* Where entry number index lies, which is made next: behind the last one, or at the start of a block. The
 * first block has no entry 0. */
static struct kee_ls_entry *place_of(struct kee_ls *ls, uint32_t index)
{
    struct kee_ls_entry *block;

    if (index > 1 && index % KEE_LS_ENTRY_BLOCK != 0) {
        return ls->entries[index - 1] + 1;
    }
    block = calloc(KEE_LS_ENTRY_BLOCK, sizeof(*block));
    return block && index == 1 ? block + 1 : block;
}

/* A free entry with its slot on the rooted list. */
static struct kee_ls_entry *entry_take(txMachine *the)
{
    struct kee_ls *ls = kee_ls_of(the);
    struct kee_ls_entry *entry;
    uint32_t index = ls->entry_free;

    if (index != 0) {
        entry = ls->entries[index];
        ls->entry_free = (uint32_t)entry->number;
        return entry;
    }
    if (ls->entry_count == ls->entry_room) {
        uint32_t room = ls->entry_room ? ls->entry_room * 2 : 64;
        struct kee_ls_entry **grown = realloc(ls->entries, room * sizeof(struct kee_ls_entry *));
        if (!grown || room > INT32_MAX) {
            kee_ls_check(the, -1);
            return NULL;
        }
        ls->entries = grown;
        ls->entry_room = room;
    }
    index = ls->entry_count > 0 ? ls->entry_count : 1;
    entry = place_of(ls, index);
    if (!entry) {
        kee_ls_check(the, -1);
        return NULL;
    }
    ls->entries[0] = NULL;
    ls->entries[index] = entry;
    ls->entry_count = index + 1;
    entry->index = index;
    entry->slot = kee_entries_slot(the);
    return entry;
}

static void entry_give(struct kee_ls *ls, struct kee_ls_entry *entry)
{
    txSlot *slot = entry->slot;
    uint32_t index = entry->index;

    slot->kind = XS_UNDEFINED_KIND;
    memset(entry, 0, sizeof(*entry));
    entry->slot = slot;
    entry->index = index;
    entry->number = ls->entry_free;
    ls->entry_free = index;
}

static void refer_to(struct kee_ls_entry *entry, txSlot *object)
{
    if (entry->held > 0) {
        entry->slot->kind = XS_REFERENCE_KIND;
        entry->slot->value.reference = object;
    } else {
        entry->slot->kind = XS_WEAK_REF_KIND;
        entry->slot->value.weakRef.target = object;
        entry->slot->value.weakRef.link = NULL;
    }
}

txSlot *kee_ls_entry_object(const struct kee_ls_entry *entry)
{
    switch (entry->slot->kind) {
    case XS_REFERENCE_KIND:
        return entry->slot->value.reference;
    case XS_WEAK_REF_KIND:
        return entry->slot->value.weakRef.target;
    default:
        return NULL;
    }
}

struct kee_ls_entry *kee_entry_new(txMachine *the, enum kee_ls_kind kind,
                                   const struct kee_vref_parts *parts, txSlot *object)
{
    struct kee_ls *ls = kee_ls_of(the);
    struct kee_ls_entry *entry;
    txSlot *tag;
    uint64_t key = kee_parts_key(parts);

    if (key == 0) {
        kee_ls_throw(the, XS_RANGE_ERROR, "a vref's numbers are too large: %llu/%llu",
                     (unsigned long long)parts->id, (unsigned long long)parts->instance);
    }
    kee_assert(!kee_map_get(&ls->by_vref, key)); /* LS-1 */
    mxPushReference(object);
    tag = kee_tag_make(the, object, KEE_TAG_VREF);
    entry = entry_take(the);
    mxPop();
    entry->kind = kind;
    entry->negative = !parts->exported;
    entry->durable = parts->is_durable;
    entry->number = parts->id;
    entry->instance = parts->instance;
    refer_to(entry, object);
    tag->kind = XS_INTEGER_KIND;
    tag->value.integer = (txInteger)entry->index;
    kee_ls_check(the, kee_map_put(&ls->by_vref, key, entry));
    return entry;
}

void kee_ls_forget(struct kee_ls *ls, struct kee_ls_entry *entry)
{
    txSlot *object = kee_ls_entry_object(entry);

    if (object) {
        txSlot *tag = kee_tag_find(object, KEE_TAG_VREF);
        kee_assert(tag); /* LS-1 */
        if (tag->value.integer == (txInteger)entry->index) {
            tag->value.integer = 0;
        }
    }
    kee_map_remove(&ls->by_vref, kee_entry_key(entry));
    entry_give(ls, entry);
}

void kee_entry_hold(struct kee_ls_entry *entry)
{
    txSlot *object = kee_ls_entry_object(entry);

    entry->held++;
    if (entry->held == 1 && object) {
        refer_to(entry, object);
    }
}

void kee_entry_release(struct kee_ls_entry *entry)
{
    txSlot *object = kee_ls_entry_object(entry);

    kee_assert(entry->held > 0); /* LS-2 */
    entry->held--;
    if (entry->held == 0 && object) {
        refer_to(entry, object);
    }
}

void kee_ls_data_hold(struct kee_ls *ls, struct kee_ls_entry *entry)
{
    (void)ls;
    entry->data_refs++;
    kee_entry_hold(entry);
}

bool kee_ls_data_release(struct kee_ls *ls, struct kee_ls_entry *entry)
{
    bool last;

    kee_assert(entry->data_refs > 0);
    last = --entry->data_refs == 0;
    kee_entry_release(entry);
    if (last && entry->kind == KEE_LS_PROMISE && entry->gone_from_kernel) {
        kee_ls_forget(ls, entry);
    }
    return last;
}

void kee_entry_retire_promise(struct kee_ls *ls, struct kee_ls_entry *entry)
{
    if (entry->imported) {
        entry->imported = false;
        kee_entry_release(entry);
    }
    if (entry->exported) {
        entry->exported = false;
        kee_entry_release(entry);
    }
    if (entry->data_refs == 0) {
        kee_ls_forget(ls, entry);
    } else {
        entry->gone_from_kernel = true;
    }
}

/* ---- vref to entry ---- */

struct kee_ls_entry *kee_ls_entry_of(struct kee_ls *ls, struct kee_bytes vref)
{
    struct kee_vref_parts parts;
    uint64_t key;

    if (!kee_vref_parse(vref, &parts)) {
        return NULL;
    }
    key = kee_parts_key(&parts);
    return key ? kee_map_get(&ls->by_vref, key) : NULL;
}

void kee_ls_entry_vref(const struct kee_ls_entry *entry, struct kee_ls_vref *out)
{
    char sign = entry->negative ? '-' : '+';
    int size;

    switch (entry->kind) {
    case KEE_LS_VIRTUAL:
        size = snprintf(out->text, sizeof(out->text), "o+%c%llu/%llu", entry->durable ? 'd' : 'v',
                        (unsigned long long)entry->number, (unsigned long long)entry->instance);
        break;
    case KEE_LS_PROMISE:
    case KEE_LS_DEVICE:
        size = snprintf(out->text, sizeof(out->text), "%c%c%llu",
                        entry->kind == KEE_LS_PROMISE ? 'p' : 'd', sign,
                        (unsigned long long)entry->number);
        break;
    default:
        size = snprintf(out->text, sizeof(out->text), "o%c%llu", sign,
                        (unsigned long long)entry->number);
        break;
    }
    out->size = (uint8_t)size;
}

/* ---- value to vref ---- */

struct kee_ls_entry *kee_entry_of_object(struct kee_ls *ls, txSlot *object)
{
    txSlot *tag = kee_tag_find(object, KEE_TAG_VREF);

    return tag && tag->value.integer > 0 ? ls->entries[tag->value.integer] : NULL;
}

bool kee_ls_vref_of(txMachine *the, txSlot *value, struct kee_ls_vref *out)
{
    struct kee_ls *ls = kee_ls_of(the);
    struct kee_ls_entry *entry;

    if (value->kind != XS_REFERENCE_KIND) {
        return false;
    }
    entry = kee_entry_of_object(ls, value->value.reference);
    if (entry && entry->kind != KEE_LS_VIRTUAL) {
        kee_ls_entry_vref(entry, out);
        return true;
    }
    if (kee_vom_vref_of(the, value->value.reference, out)) {
        return true;
    }
    if (entry) {
        kee_ls_entry_vref(entry, out);
        return true;
    }
    return false;
}

void kee_ls_slot_for_value(txMachine *the, txSlot *value, struct kee_ls_vref *out)
{
    struct kee_ls *ls = kee_ls_of(the);
    struct kee_vref_parts parts = {.type = KEE_VREF_OBJECT, .exported = true};
    struct kee_ls_entry *entry;
    enum kee_ls_style style;

    if (kee_ls_vref_of(the, value, out)) {
        return;
    }
    style = kee_ls_pass_style(the, value);
    if (style == KEE_STYLE_PROMISE) {
        parts.type = KEE_VREF_PROMISE;
        parts.id = kee_ls_next_promise_id(ls);
        entry = kee_entry_new(the, KEE_LS_PROMISE, &parts, value->value.reference);
    } else if (style == KEE_STYLE_REMOTABLE) {
        if (kee_vom_name_maker(the, value, out)) {
            return;
        }
        parts.id = kee_ls_next_export_id(ls);
        entry = kee_entry_new(the, KEE_LS_REMOTABLE, &parts, value->value.reference);
    } else {
        kee_ls_throw(the, XS_TYPE_ERROR, "only remotables and promises can be named by a vref");
    }
    kee_ls_entry_vref(entry, out);
}

/* ---- vref to value ---- */

static void push_presence(txMachine *the, const struct kee_vref_parts *parts, struct kee_bytes vref,
                          struct kee_bytes iface)
{
    char text[KEE_LIMIT_VREF_BYTES + 32];
    txSlot *instance;

    if (iface.size == 0) {
        int size = snprintf(text, sizeof(text), "Alleged: %s %.*s",
                            parts->type == KEE_VREF_DEVICE ? "device" : "presence", (int)vref.size,
                            (const char *)vref.data);
        iface = kee_bytes_of(text, (size_t)size);
    }
    kee_ls_push_remotable_proto(the, iface);
    instance = fxNewInstance(the);
    instance->value.instance.prototype = (the->stack + 1)->value.reference;
    instance->flag |= XS_DONT_PATCH_FLAG | XS_DONT_MARSHALL_FLAG;
    kee_entry_new(the, parts->type == KEE_VREF_DEVICE ? KEE_LS_DEVICE : KEE_LS_PRESENCE, parts,
                  instance);
    *(the->stack + 1) = *the->stack;
    (the->stack + 1)->next = NULL;
    mxPop();
}

struct kee_ls_entry *kee_import_promise(txMachine *the, const struct kee_vref_parts *parts)
{
    txSlot *promise = kee_hp_new(the);
    struct kee_ls_entry *entry = kee_entry_new(the, KEE_LS_PROMISE, parts, promise);

    kee_hp_become_remote(the, promise, false);
    entry->imported = true;
    kee_entry_hold(entry);
    return entry;
}

struct kee_ls_entry *kee_import_result(txMachine *the, txSlot *promise)
{
    struct kee_vref_parts parts = {.type = KEE_VREF_PROMISE, .exported = true};
    struct kee_ls_entry *entry;

    parts.id = kee_ls_next_promise_id(kee_ls_of(the));
    entry = kee_entry_new(the, KEE_LS_PROMISE, &parts, promise);
    kee_hp_become_remote(the, promise, true);
    entry->imported = true;
    kee_entry_hold(entry);
    return entry;
}

void kee_ls_revive_promise(txMachine *the, struct kee_bytes vref)
{
    struct kee_ls_entry *entry = kee_ls_entry_of(kee_ls_of(the), vref);
    struct kee_vref_parts parts;

    if (entry && kee_ls_entry_object(entry)) {
        mxPushReference(kee_ls_entry_object(entry));
        return;
    }
    if (!kee_vref_parse(vref, &parts) || parts.type != KEE_VREF_PROMISE) {
        kee_ls_throw(the, XS_TYPE_ERROR, "not the vref of a promise: %.*s", (int)vref.size,
                     (const char *)vref.data);
    }
    (void)kee_import_promise(the, &parts);
}

void kee_ls_value_of_vref(txMachine *the, struct kee_bytes vref, struct kee_bytes iface)
{
    struct kee_ls *ls = kee_ls_of(the);
    struct kee_ls_entry *entry;
    struct kee_vref_parts parts;
    txSlot *object;

    if (!kee_vref_parse(vref, &parts)) {
        kee_ls_throw(the, XS_TYPE_ERROR, "invalid vref \"%.*s\"", (int)vref.size,
                     (const char *)vref.data);
    }
    if (parts.is_virtual) {
        kee_vom_value_of_vref(the, vref, &parts);
        return;
    }
    entry = kee_map_get(&ls->by_vref, kee_parts_key(&parts));
    object = entry ? kee_ls_entry_object(entry) : NULL;
    if (object) {
        mxPushReference(object);
        return;
    }
    if (entry) {
        kee_ls_forget(ls, entry); /* taken by a collection, not yet noticed: it is new again */
    }
    if (parts.type == KEE_VREF_PROMISE) {
        object = kee_linger_find(ls, vref);
        if (object) {
            mxPushReference(object);
            return;
        }
        (void)kee_import_promise(the, &parts);
        if (!ls->collecting) {
            kee_ls_subscribe(ls, vref);
        } else {
            kee_buf_put_u32(&ls->imported, (uint32_t)vref.size);
            kee_buf_put_bytes(&ls->imported, vref);
        }
        return;
    }
    if (parts.exported) {
        kee_ls_throw(the, XS_UNKNOWN_ERROR, "I don't remember allocating \"%.*s\"", (int)vref.size,
                     (const char *)vref.data);
    }
    push_presence(the, &parts, vref, iface);
}

struct kee_ls_entry *kee_ls_register(txMachine *the, struct kee_bytes base_vref, txSlot *object)
{
    struct kee_ls *ls = kee_ls_of(the);
    struct kee_vref_parts parts;
    struct kee_ls_entry *old;

    if (!kee_vref_parse(base_vref, &parts) || !parts.is_virtual || parts.has_facet) {
        kee_ls_throw(the, XS_TYPE_ERROR, "not a base vref: %.*s", (int)base_vref.size,
                     (const char *)base_vref.data);
    }
    old = kee_ls_entry_of(ls, base_vref);
    if (old) {
        kee_ls_forget(ls, old);
    }
    return kee_entry_new(the, KEE_LS_VIRTUAL, &parts, object);
}

uint64_t kee_ls_next_export_id(struct kee_ls *ls)
{
    ls->ids.dirty = true;
    return ls->ids.export_id++;
}

uint64_t kee_ls_next_collection_id(struct kee_ls *ls)
{
    ls->ids.dirty = true;
    return ls->ids.collection_id++;
}

uint64_t kee_ls_next_promise_id(struct kee_ls *ls)
{
    ls->ids.dirty = true;
    return ls->ids.promise_id++;
}
