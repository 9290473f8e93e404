/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weak - entries under vrefs, of WeakMaps and WeakSets.
 *
 *   heap   WeakMap ──KEE_TAG_WEAK──► holder ──► index, value, value, ...
 *             ▲                                          ▲
 *   C      collection (weak slot, rooted) ──► rows ──────┘
 *             ▲                                │
 *          by index                       by base vref: the rows of one name, of all collections
 *
 * The value of an entry is a slot on the holder and lives as long as the collection, whatever becomes of
 * the key. A row without entry keeps its slot for the next one.
 *
 * Invariants
 *   LS-3  a row in use is in the list of its collection and in the chain of its name, and in no other.
 *   LS-4  a collection has rows in use, or its holder is empty.
 */
#include "vat/liveslots/weak.h"

#include <stdlib.h>

#include "base/assert.h"
#include "vat/liveslots/root.h"
#include "vat/liveslots/tables.h"
#include "vat/liveslots/vom.h"

#define FACET_NONE (-1) /* the object has no facets */
#define FACET_RECORD                                                                               \
    (-2) /* the record of all facets, which has no vref and comes and goes as they do */

struct weak_row {
    struct kee_link link;  /* in its collection's rows or spare */
    struct weak_row *next; /* of the same base vref */
    struct weak_collection *collection;
    uint64_t base; /* kee_entry_key() */
    int32_t facet;
    txSlot *value; /* on the holder */
};

struct weak_collection {
    txSlot *slot; /* on the rooted list; weakly refers to the WeakMap or WeakSet */
    txSlot *holder;
    uint32_t index;
    uint32_t next_free;
    struct kee_link rows;
    struct kee_link spare;
};

struct kee_ls_weak {
    struct weak_collection **collections; /* [0] is never used */
    uint32_t count;
    uint32_t room;
    uint32_t free; /* chained by next_free; 0 is none */
    struct kee_map by_base;
};

int kee_weak_new(struct kee_ls *ls)
{
    ls->weak = calloc(1, sizeof(*ls->weak));
    return ls->weak ? 0 : -1;
}

static struct weak_row *row_of(struct kee_link *link)
{
    return KEE_CONTAINER(link, struct weak_row, link);
}

static void free_list(struct kee_link *list)
{
    while (!kee_list_is_empty(list)) {
        struct weak_row *row = row_of(list->next);
        kee_list_remove(&row->link);
        free(row);
    }
}

void kee_weak_free(struct kee_ls *ls)
{
    if (!ls->weak) {
        return;
    }
    for (uint32_t i = 1; i < ls->weak->count; i++) {
        free_list(&ls->weak->collections[i]->rows);
        free_list(&ls->weak->collections[i]->spare);
        free(ls->weak->collections[i]);
    }
    free(ls->weak->collections);
    kee_map_fini(&ls->weak->by_base);
    free(ls->weak);
    ls->weak = NULL;
}

/* ---- Keys ---- */

struct weak_key {
    uint64_t base;
    int32_t facet;
};

/* Is value an object that may come and go under one name? One walk over its hidden slots: this is in the
 * way of every use of a WeakMap. */
static bool key_of(struct kee_ls *ls, const txSlot *value, struct weak_key *key)
{
    const txSlot *named = NULL;
    const txSlot *cohort = NULL;
    const struct kee_ls_entry *entry;

    if (value->kind != XS_REFERENCE_KIND) {
        return false;
    }
    key->facet = FACET_NONE;
    for (const txSlot *slot = value->value.reference->next; slot && (slot->flag & XS_INTERNAL_FLAG);
         slot = slot->next) {
        if (slot->kind == XS_WEAK_ENTRY_KIND) {
            continue;
        }
        if (slot->ID == (txID)KEE_TAG_VREF) {
            named = slot;
        } else if (slot->ID == (txID)KEE_VOM_TAG_FACET) {
            key->facet = slot->value.integer;
        } else if (slot->ID == (txID)KEE_VOM_TAG_COHORT) {
            cohort = slot;
        } else if (slot->ID == (txID)KEE_VOM_TAG_RECORD) {
            key->facet = FACET_RECORD;
            cohort = slot;
        }
    }
    if (key->facet != FACET_NONE && cohort) {
        named = kee_tag_find(cohort->value.reference, KEE_TAG_VREF);
    }
    if (!named || named->value.integer <= 0) {
        return false;
    }
    entry = ls->entries[named->value.integer];
    if (entry->kind != KEE_LS_PRESENCE && entry->kind != KEE_LS_VIRTUAL &&
        entry->kind != KEE_LS_DEVICE) {
        return false;
    }
    key->base = kee_entry_key(entry);
    return true;
}

/* ---- Collections ---- */

/* Not when a collection of garbage has taken it and nobody has looked since: then nothing of the holder
 * may be touched. */
static bool is_alive(const struct weak_collection *collection)
{
    return collection->slot->kind == XS_WEAK_REF_KIND && collection->slot->value.weakRef.target;
}

static struct weak_collection *collection_of(struct kee_ls *ls, txSlot *instance)
{
    txSlot *tag = kee_tag_find(instance, KEE_TAG_WEAK);

    return tag && tag->kind == XS_REFERENCE_KIND
               ? ls->weak->collections[tag->value.reference->next->value.integer]
               : NULL;
}

static struct weak_collection *collection_take(txMachine *the, struct kee_ls_weak *weak)
{
    struct weak_collection *collection;

    if (weak->free != 0) {
        collection = weak->collections[weak->free];
        weak->free = collection->next_free;
        return collection;
    }
    if (weak->count == weak->room) {
        uint32_t room = weak->room ? weak->room * 2 : 16;
        struct weak_collection **grown =
            realloc(weak->collections, room * sizeof(struct weak_collection *));
        if (!grown || room > INT32_MAX) {
            kee_ls_check(the, -1);
            return NULL;
        }
        weak->collections = grown;
        weak->room = room;
    }
    collection = calloc(1, sizeof(*collection));
    if (!collection) {
        kee_ls_check(the, -1);
        return NULL;
    }
    collection->index = weak->count == 0 ? 1 : weak->count;
    weak->collections[0] = NULL;
    weak->collections[collection->index] = collection;
    weak->count = collection->index + 1;
    kee_list_init(&collection->rows);
    kee_list_init(&collection->spare);
    collection->slot = kee_entries_slot(the);
    return collection;
}

/* The first slot of a holder. */
static txSlot *index_slot(txMachine *the, uint32_t index)
{
    txSlot *slot = fxNewSlot(the);

    slot->flag = XS_INTERNAL_FLAG;
    slot->kind = XS_INTEGER_KIND;
    slot->value.integer = (txInteger)index;
    return slot;
}

/* The collection of a WeakMap that has none yet. The WeakMap is rooted: it is called. */
static struct weak_collection *collection_new(txMachine *the, txSlot *instance)
{
    struct weak_collection *collection;
    txSlot *holder, *tag;

    holder = fxNewInstance(the);
    tag = kee_tag_make(the, instance, KEE_TAG_WEAK);
    collection = collection_take(the, kee_ls_of(the)->weak);
    holder->next = index_slot(the, collection->index);
    tag->kind = XS_REFERENCE_KIND;
    tag->value.reference = holder;
    mxPop();
    collection->holder = holder;
    collection->slot->kind = XS_WEAK_REF_KIND;
    collection->slot->value.weakRef.target = instance;
    collection->slot->value.weakRef.link = NULL;
    return collection;
}

/* ---- Rows ---- */

static struct weak_row *row_find(const struct kee_ls *ls, const struct weak_collection *collection,
                                 const struct weak_key *key)
{
    struct weak_row *row = collection ? kee_map_get(&ls->weak->by_base, key->base) : NULL;

    while (row && (row->collection != collection || row->facet != key->facet)) {
        row = row->next;
    }
    return row;
}

static struct weak_row *row_take(txMachine *the, struct weak_collection *collection)
{
    struct weak_row *row;
    txSlot *value;

    if (!kee_list_is_empty(&collection->spare)) {
        row = row_of(collection->spare.next);
        kee_list_remove(&row->link);
        return row;
    }
    value = fxNewSlot(the);
    value->flag = XS_INTERNAL_FLAG;
    value->next = collection->holder->next->next;
    collection->holder->next->next = value;
    row = calloc(1, sizeof(*row));
    if (!row) {
        kee_ls_check(the, -1);
        return NULL;
    }
    row->collection = collection;
    row->value = value;
    return row;
}

static struct weak_row *row_new(txMachine *the, struct weak_collection *collection,
                                const struct weak_key *key)
{
    struct kee_ls *ls = kee_ls_of(the);
    struct weak_row *row = row_take(the, collection);

    row->base = key->base;
    row->facet = key->facet;
    row->next = kee_map_get(&ls->weak->by_base, key->base);
    kee_list_append(&collection->rows, &row->link);
    kee_ls_check(the, kee_map_put(&ls->weak->by_base, key->base, row));
    return row;
}

/* Takes the row out of the chain of its name. */
static void row_unchain(struct kee_ls *ls, struct weak_row *row)
{
    struct weak_row *first = kee_map_get(&ls->weak->by_base, row->base);

    kee_assert(first); /* LS-3 */
    if (first != row) {
        while (first->next != row) {
            first = first->next;
            kee_assert(first); /* LS-3 */
        }
        first->next = row->next;
    } else if (row->next) {
        /* Replacing a value needs no room. */
        int r = kee_map_put(&ls->weak->by_base, row->base, row->next);
        kee_assert(r == 0);
    } else {
        kee_map_remove(&ls->weak->by_base, row->base);
    }
    row->next = NULL;
}

/* The entry goes, its value with it. */
static void row_give(struct kee_ls *ls, struct weak_row *row)
{
    struct weak_collection *collection = row->collection;

    row_unchain(ls, row);
    kee_list_remove(&row->link);
    if (!is_alive(collection)) {
        free(row);
        return;
    }
    row->value->kind = XS_UNDEFINED_KIND;
    kee_list_append(&collection->spare, &row->link);
    if (kee_list_is_empty(&collection->rows)) {
        free_list(&collection->spare);
        collection->holder->next->next = NULL; /* LS-4 */
    }
}

/* ---- The ends of names and of collections ---- */

bool kee_weak_recognizes(struct kee_ls *ls, struct kee_bytes vref)
{
    struct kee_vref_parts parts;

    return ls->weak->by_base.count > 0 && kee_vref_parse(vref, &parts) &&
           kee_map_get(&ls->weak->by_base, kee_parts_key(&parts)) != NULL;
}

bool kee_weak_forget(struct kee_ls *ls, struct kee_bytes base_vref)
{
    struct kee_vref_parts parts;
    struct weak_row *row, *next;
    bool any = false;

    if (ls->weak->by_base.count == 0 || !kee_vref_parse(base_vref, &parts)) {
        return false;
    }
    for (row = kee_map_get(&ls->weak->by_base, kee_parts_key(&parts)); row; row = next) {
        next = row->next;
        row_give(ls, row);
        any = true;
    }
    return any;
}

/* An entry under that name has gone: was it the last that knew an import? */
static void look_at_import(struct kee_ls *ls, uint64_t base)
{
    struct kee_ls_vref vref;

    if (!kee_map_get(&ls->weak->by_base, base) && kee_key_import(base, &vref)) {
        kee_ls_possibly_retired(ls, kee_ls_vref_bytes(&vref));
    }
}

/* The WeakMap is gone, and with it the holder and all slots on it. */
static void collection_end(struct kee_ls *ls, struct weak_collection *collection)
{
    while (!kee_list_is_empty(&collection->rows)) {
        struct weak_row *row = row_of(collection->rows.next);
        row_unchain(ls, row);
        look_at_import(ls, row->base);
        kee_list_remove(&row->link);
        free(row);
    }
    free_list(&collection->spare);
    collection->holder = NULL;
    collection->slot->kind = XS_UNDEFINED_KIND;
    collection->next_free = ls->weak->free;
    ls->weak->free = collection->index;
}

void kee_weak_find_cleared(struct kee_ls *ls)
{
    for (uint32_t i = 1; i < ls->weak->count; i++) {
        struct weak_collection *collection = ls->weak->collections[i];
        if (collection->holder && !is_alive(collection)) {
            collection_end(ls, collection);
        }
    }
}

const char *kee_weak_audit(const struct kee_ls *ls)
{
    size_t listed = 0;
    size_t chained = 0;
    size_t at = 0;
    const struct weak_row *row;

    for (uint32_t i = 1; i < ls->weak->count; i++) {
        struct weak_collection *collection = ls->weak->collections[i];
        if (!collection->holder && !kee_list_is_empty(&collection->rows)) {
            return "LS-3: rows of a weak collection that is gone";
        }
        if (collection->holder && is_alive(collection) && kee_list_is_empty(&collection->rows) &&
            collection->holder->next->next) {
            return "LS-4: an empty weak collection holds values";
        }
        for (struct kee_link *link = collection->rows.next; link != &collection->rows;
             link = link->next) {
            listed++;
        }
    }
    while ((row = kee_map_next(&ls->weak->by_base, &at)) != NULL) {
        for (; row; row = row->next) {
            chained++;
        }
    }
    return listed == chained ? NULL : "LS-3: a weak collection's rows are not those of its names";
}

/* ---- Methods ---- */

/* Is this a call that concerns a name? Otherwise the engine sees to it, errors and all. *collection is
 * NULL when the WeakMap has no entry under any name yet. */
static bool by_name(txMachine *the, txKind kind, struct weak_key *key,
                    struct weak_collection **collection)
{
    struct kee_ls *ls = kee_ls_of(the);
    txSlot *list;

    if (!ls || mxArgc < 1 || mxThis->kind != XS_REFERENCE_KIND || !key_of(ls, mxArgv(0), key)) {
        return false;
    }
    list = mxThis->value.reference->next;
    if (!list || !(list->flag & XS_INTERNAL_FLAG) || list->kind != kind ||
        (list->flag & XS_DONT_SET_FLAG) || list->ID == (txID)KEE_TAG_MEMO ||
        mxThis->value.reference == mxWeakMapPrototype.value.reference ||
        mxThis->value.reference == mxWeakSetPrototype.value.reference) {
        return false;
    }
    *collection = collection_of(ls, mxThis->value.reference);
    return true;
}

static void give_boolean(txMachine *the, bool truth)
{
    mxResult->kind = XS_BOOLEAN_KIND;
    mxResult->value.boolean = truth;
}

static void put(txMachine *the, struct weak_collection *collection, const struct weak_key *key,
                const txSlot *value)
{
    struct weak_row *row = row_find(kee_ls_of(the), collection, key);

    if (!row) {
        if (!collection) {
            collection = collection_new(the, mxThis->value.reference);
        }
        row = row_new(the, collection, key);
    }
    row->value->kind = value->kind;
    row->value->value = value->value;
    *mxResult = *mxThis;
}

static void take_out(txMachine *the, struct weak_collection *collection, const struct weak_key *key)
{
    struct kee_ls *ls = kee_ls_of(the);
    struct weak_row *row = row_find(ls, collection, key);

    if (row) {
        row_give(ls,
                 row); /* the key is at hand: when it goes, it is looked at whether to retire it */
    }
    give_boolean(the, row != NULL);
}

static void map_get(txMachine *the)
{
    struct weak_key key;
    struct weak_collection *collection;
    struct weak_row *row;

    if (!by_name(the, XS_WEAK_MAP_KIND, &key, &collection)) {
        fx_WeakMap_prototype_get(the);
        return;
    }
    row = row_find(kee_ls_of(the), collection, &key);
    if (row) {
        mxResult->kind = row->value->kind;
        mxResult->value = row->value->value;
    }
}

static void map_has(txMachine *the)
{
    struct weak_key key;
    struct weak_collection *collection;

    if (by_name(the, XS_WEAK_MAP_KIND, &key, &collection)) {
        give_boolean(the, row_find(kee_ls_of(the), collection, &key) != NULL);
    } else {
        fx_WeakMap_prototype_has(the);
    }
}

static void map_set(txMachine *the)
{
    struct weak_key key;
    struct weak_collection *collection;

    if (by_name(the, XS_WEAK_MAP_KIND, &key, &collection)) {
        put(the, collection, &key, mxArgc > 1 ? mxArgv(1) : &mxUndefined);
    } else {
        fx_WeakMap_prototype_set(the);
    }
}

static void map_delete(txMachine *the)
{
    struct weak_key key;
    struct weak_collection *collection;

    if (by_name(the, XS_WEAK_MAP_KIND, &key, &collection)) {
        take_out(the, collection, &key);
    } else {
        fx_WeakMap_prototype_delete(the);
    }
}

static void set_has(txMachine *the)
{
    struct weak_key key;
    struct weak_collection *collection;

    if (by_name(the, XS_WEAK_SET_KIND, &key, &collection)) {
        give_boolean(the, row_find(kee_ls_of(the), collection, &key) != NULL);
    } else {
        fx_WeakSet_prototype_has(the);
    }
}

static void set_add(txMachine *the)
{
    struct weak_key key;
    struct weak_collection *collection;

    if (by_name(the, XS_WEAK_SET_KIND, &key, &collection)) {
        put(the, collection, &key, &mxUndefined);
    } else {
        fx_WeakSet_prototype_add(the);
    }
}

static void set_delete(txMachine *the)
{
    struct weak_key key;
    struct weak_collection *collection;

    if (by_name(the, XS_WEAK_SET_KIND, &key, &collection)) {
        take_out(the, collection, &key);
    } else {
        fx_WeakSet_prototype_delete(the);
    }
}

static const struct kee_ls_function functions[] = {
    {map_delete, 1, "delete"}, {map_get, 1, "get"},       {map_has, 1, "has"}, {map_set, 2, "set"},
#define MAP_COUNT 4
    {set_add, 1, "add"},       {set_delete, 1, "delete"}, {set_has, 1, "has"},
};

#define COUNT (sizeof(functions) / sizeof(functions[0]))

const struct kee_ls_function *kee_weak_functions(size_t *count)
{
    *count = COUNT;
    return functions;
}

void kee_weak_install(txMachine *the)
{
    for (size_t i = 0; i < COUNT; i++) {
        txID id = kee_ls_id(the, functions[i].name);
        fxNewHostFunction(the, functions[i].callback, functions[i].length, id, XS_NO_ID);
        if (i < MAP_COUNT) {
            mxPush(mxWeakMapPrototype);
        } else {
            mxPush(mxWeakSetPrototype);
        }
        fxDefineID(the, id, XS_DONT_ENUM_FLAG,
                   XS_DONT_ENUM_FLAG | XS_DONT_DELETE_FLAG | XS_DONT_SET_FLAG);
        mxPop();
    }
}

/* The engine has every weak collection on a list: those on it now are memos. */
void kee_ls_packages_loaded(struct sxMachine *machine)
{
    for (txSlot *list = machine->firstWeakListLink; list; list = list->value.weakList.link) {
        list->ID = (txID)KEE_TAG_MEMO;
    }
}
