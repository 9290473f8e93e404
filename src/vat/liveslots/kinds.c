/* SPDX-License-Identifier: Apache-2.0 */
/* The table of kinds, and what is stored of a kind as such. */
#include "vat/liveslots/kinds.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/fault.h"

struct kee_kind *kee_kind_of(struct kee_ls *ls, uint64_t id)
{
    return ls == NULL || ls->vom == NULL || id == 0 ? NULL : kee_map_get(&ls->vom->kinds, id);
}

struct kee_kind *kee_kind_add(txMachine *the, uint64_t id, enum kee_kind_sort sort, bool durable)
{
    struct kee_vom *vom = kee_ls_of(the)->vom;
    struct kee_kind *kind = calloc(1, sizeof(*kind));
    kee_assert(id != 0 && kee_map_get(&vom->kinds, id) == NULL);
    if (kind == NULL || kee_map_put(&vom->kinds, id, kind) < 0) {
        free(kind);
        kee_ls_check(the, KEE_FAULT_MEMORY);
        return NULL;
    }
    kind->id = id;
    kind->sort = sort;
    kind->durable = durable;
    kind->next_instance = 1;
    kind->defined = sort != KEE_KIND_USER;
    if (sort == KEE_KIND_USER) {
        kind->holder = kee_vom_push_holder(the);
        kee_vom_hang(the, vom->home, the->stack);
        mxPop();
        for (int part = KEE_KIND_PARTS - 1; part >= 0; part--) {
            mxPushUndefined();
            kee_vom_hang(the, kind->holder, the->stack);
            mxPop();
            kind->parts[part] = kind->holder->next;
        }
    }
    return kind;
}

void kee_kind_free(struct kee_kind *kind)
{
    kee_buf_fini(&kind->tag);
    kee_buf_fini(&kind->facets);
    kee_buf_fini(&kind->state_shape);
    kee_map_fini(&kind->states);
    free(kind);
}

size_t kee_kind_facets(txMachine *the, uint64_t id)
{
    struct kee_kind *kind = kee_kind_of(kee_ls_of(the), id);
    return kind != NULL && kind->multi ? kind->facet_count : 0;
}

size_t kee_kind_facet_count(txMachine *the, uint64_t id)
{
    size_t facets = kee_kind_facets(the, id);
    return facets > 0 ? facets : 1;
}

bool kee_kind_delete_stored(txMachine *the, struct kee_bytes base,
                            const struct kee_vref_parts *parts)
{
    struct kee_kind *kind = kee_kind_find(the, parts->id);
    if (kind == NULL) {
        kee_ls_fail(kee_ls_of(the), "%.*s is to be deleted and belongs to no known kind",
                    (int)base.size, (const char *)base.data);
        return false;
    }
    /* A name may come up twice: as a heap object that went, and as stored data that let go. */
    switch (kind->sort) {
    case KEE_KIND_HANDLES:
    case KEE_KIND_MAKERS:
        break; /* a kind stays known: its objects may outlive its handle */
    case KEE_KIND_STORE:
        return kee_collection_delete(the, kind, parts->instance);
    case KEE_KIND_USER:
        break;
    }
    if (kind->sort != KEE_KIND_USER) {
        return false;
    }
    bool more = kee_hooks_deleted(the, kind, parts->instance);
    more = kee_state_delete(the, kind, parts->instance) || more;
    if (kind->tracked) {
        kee_hooks_loose(the, base, false);
    }
    return more;
}

/* ---- Descriptors ---- */

static void descriptor_key(struct kee_key *key, const struct kee_kind *kind)
{
    kee_key_begin(key, kind->durable ? "vom.dkind." : "vom.vkind.");
    kee_key_decimal(key, kind->id);
    kee_key_put(key, kee_bytes_str(".descriptor"));
}

void kee_kind_save(txMachine *the, struct kee_kind *kind)
{
    struct kee_buf *row = &kee_ls_of(the)->vom->row;
    struct kee_key key;
    kee_buf_clear(row);
    kee_buf_put_str(row, "{\"kindID\":\"");
    kee_buf_put_decimal(row, kind->id);
    kee_buf_put_str(row, "\",\"tag\":");
    kee_row_put_string(row, kee_buf_bytes(&kind->tag));
    if (kind->unfaceted) {
        kee_buf_put_str(row, ",\"unfaceted\":true");
    }
    if (kind->facets.size > 0) {
        kee_buf_put_str(row, ",\"facets\":");
        kee_buf_put_bytes(row, kee_buf_bytes(&kind->facets));
    }
    if (kind->state_shape.size > 0) {
        kee_buf_put_str(row, ",\"stateShapeCapData\":");
        kee_buf_put_bytes(row, kee_buf_bytes(&kind->state_shape));
    }
    kee_buf_put_char(row, '}');
    kee_ls_check(the, kee_buf_status(row));
    descriptor_key(&key, kind);
    kee_vom_set_key(the, &key, kee_buf_bytes(row));
}

static bool read_descriptor(struct kee_kind *kind, struct kee_bytes text, struct kee_buf *name)
{
    struct kee_row_cursor cursor = kee_row_read(text);
    kee_row_enter(&cursor, '{');
    kee_buf_clear(name);
    while (kee_row_member(&cursor, name)) {
        struct kee_bytes which = kee_buf_bytes(name);
        struct kee_bytes value = kee_row_value(&cursor);
        if (kee_bytes_equal(which, kee_bytes_str("tag"))) {
            struct kee_row_cursor tag = kee_row_read(value);
            kee_row_string(&tag, &kind->tag);
            cursor.failed = cursor.failed || tag.failed;
        } else if (kee_bytes_equal(which, kee_bytes_str("unfaceted"))) {
            kind->unfaceted = kee_bytes_equal(value, kee_bytes_str("true"));
        } else if (kee_bytes_equal(which, kee_bytes_str("facets"))) {
            kee_buf_put_bytes(&kind->facets, value);
        } else if (kee_bytes_equal(which, kee_bytes_str("stateShapeCapData"))) {
            kee_buf_put_bytes(&kind->state_shape, value);
        }
        kee_buf_clear(name);
    }
    return !cursor.failed;
}

struct kee_kind *kee_kind_load(txMachine *the, uint64_t id)
{
    struct kee_kind *kind = kee_kind_of(kee_ls_of(the), id);
    struct kee_key key;
    struct kee_bytes value;
    if (kind != NULL) {
        return kind;
    }
    kind = kee_kind_add(the, id, KEE_KIND_USER, true);
    descriptor_key(&key, kind);
    if (!kee_vom_get(the, kee_key_bytes(&key), &value) ||
        !read_descriptor(kind, value, &kee_ls_of(the)->vom->row)) {
        kee_vom_corrupt(the, kee_key_bytes(&key));
    }
    kee_key_begin(&key, "vom.dkind.");
    kee_key_decimal(&key, id);
    kee_key_put(&key, kee_bytes_str(".nextID"));
    if (!kee_vom_get(the, kee_key_bytes(&key), &value) ||
        !kee_bytes_decimal(value, &kind->next_instance)) {
        kee_vom_corrupt(the, kee_key_bytes(&key));
    }
    return kind;
}

/* ---- Handles ---- */

/* Pushes a new handle object for the kind, named o+d<handles>/<kind>; it lives as long as the worker. */
static void push_handle(txMachine *the, struct kee_kind *kind)
{
    struct kee_key vref;
    kee_ls_push_remotable_proto(the, kee_bytes_str("Alleged: kind"));
    fxNewObjectInstance(the);
    kee_key_begin(&vref, "o+d");
    kee_key_decimal(&vref, kee_ls_of(the)->vom->kind_of_handles);
    kee_key_put(&vref, kee_bytes_str("/"));
    kee_key_decimal(&vref, kind->id);
    kee_ls_register(the, kee_key_bytes(&vref), the->stack->value.reference);
    kee_kind_seal(the->stack->value.reference);
    kind->parts[KEE_KIND_HANDLE]->kind = the->stack->kind;
    kind->parts[KEE_KIND_HANDLE]->value = the->stack->value;
}

void kee_kind_push_handle(txMachine *the, uint64_t id)
{
    struct kee_kind *kind = kee_kind_load(the, id);
    if (kind->parts[KEE_KIND_HANDLE]->kind == XS_REFERENCE_KIND) {
        mxPushSlot(kind->parts[KEE_KIND_HANDLE]);
    } else {
        push_handle(the, kind);
    }
}

struct kee_kind *kee_kind_of_handle(txMachine *the, const txSlot *value)
{
    struct kee_ls *ls = kee_ls_of(the);
    const struct kee_ls_entry *entry =
        value->kind == XS_REFERENCE_KIND ? kee_vom_entry(the, value->value.reference) : NULL;
    return entry != NULL && entry->number == ls->vom->kind_of_handles
               ? kee_kind_of(ls, entry->instance)
               : NULL;
}

/* ---- At the end of START ---- */

void kee_kinds_insist_defined(txMachine *the)
{
    const struct kee_bytes prefix = KEE_BYTES_LIT("vom.dkind.");
    struct kee_ls *ls = kee_ls_of(the);
    struct kee_buf *missing = &ls->text;
    struct kee_bytes found, value;
    struct kee_key at;
    unsigned count = 0;

    kee_key_begin(&at, "vom.dkind.");
    kee_buf_clear(missing);
    while (kee_vom_next(the, prefix, kee_key_bytes(&at), &found, &value) &&
           kee_bytes_has_prefix(found, prefix)) {
        struct kee_bytes rest = kee_bytes_of(found.data + prefix.size, found.size - prefix.size);
        struct kee_bytes number = kee_bytes_cut(&rest, '.');
        uint64_t id;
        at.size = 0;
        kee_key_put(&at, found);
        if (!kee_bytes_equal(rest, kee_bytes_str("descriptor")) ||
            !kee_bytes_decimal(number, &id)) {
            continue;
        }
        struct kee_kind *kind = kee_kind_load(the, id);
        if (!kind->defined) {
            kee_buf_put_str(missing, count++ > 0 ? "," : "");
            kee_buf_put_bytes(missing, kee_buf_bytes(&kind->tag));
        }
    }
    if (count > 0) {
        kee_ls_throw(
            the, XS_UNKNOWN_ERROR,
            "defineDurableKind not called for tags: [%s]; every durable kind of the store must "
            "be defined again while the vat starts: prepareExoClass(baggage, tag, guard, init, "
            "methods), or defineDurableKind(handle, init, behavior) with the handle that was "
            "kept in baggage",
            kee_buf_cstr(missing));
    }
}
