/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who holds what. An object of the vat stands on up to three pillars: the heap, stored data
 * (vom.rc), and for what the vat made itself the kernel (vom.es). When one falls the name goes to
 * kee_ls_possibly_dead(), and bringOutYourDead looks whether any pillar is left.
 *
 *   vom.rc.<base vref>        "2": references from stored data. No row is none
 *   vom.es.<base vref>        a letter per facet: r the kernel reaches, s it only sees, n neither
 *   vom.ir.<vref>|<id>        "1": the weak collection id has an entry under vref
 *
 * Remotables and promises are counted by their entries in memory: they end with the heap.
 */
#include "vat/liveslots/kinds.h"
#include "vat/liveslots/vom.h"

#include <stdlib.h>

static void key_of(struct kee_key *key, const char *prefix, struct kee_bytes name)
{
    kee_key_begin(key, prefix);
    kee_key_put(key, name);
}

static uint64_t count_of(txMachine *the, struct kee_bytes base)
{
    struct kee_key key;
    struct kee_bytes value;
    uint64_t count = 0;
    key_of(&key, "vom.rc.", base);
    if (kee_vom_get(the, kee_key_bytes(&key), &value) && !kee_bytes_decimal(value, &count)) {
        kee_vom_corrupt(the, kee_key_bytes(&key));
    }
    return count;
}

static void count_set(txMachine *the, struct kee_bytes base, uint64_t count)
{
    struct kee_key key;
    key_of(&key, "vom.rc.", base);
    if (count > 0) {
        kee_vom_set_number(the, &key, count);
        if (count == 1) {
            kee_hooks_loose(the, base, false);
        }
        return;
    }
    kee_vom_delete(the, kee_key_bytes(&key));
    kee_hooks_loose(the, base, true);
    kee_ls_possibly_dead(kee_ls_of(the), base);
}

bool kee_refs_is_durable(txMachine *the, struct kee_bytes vref)
{
    struct kee_vref_parts parts;
    kee_vom_parse(the, vref, &parts);
    if (parts.type == KEE_VREF_DEVICE) {
        return true;
    }
    return parts.type == KEE_VREF_OBJECT && (!parts.exported || parts.is_durable);
}

/* The entry in memory that a remotable or promise is counted by. */
static struct kee_ls_entry *entry_of(txMachine *the, struct kee_bytes vref)
{
    struct kee_ls_entry *entry = kee_ls_entry_of(kee_ls_of(the), vref);
    if (entry == NULL) {
        kee_ls_throw(the, XS_UNKNOWN_ERROR, "no object in memory for %.*s", (int)vref.size,
                     (const char *)vref.data);
    }
    return entry;
}

static bool counted_by_row(const struct kee_vref_parts *parts)
{
    return parts->type == KEE_VREF_OBJECT && (!parts->exported || parts->is_virtual);
}

static bool counted_by_entry(const struct kee_vref_parts *parts)
{
    return parts->type == KEE_VREF_PROMISE || (parts->type == KEE_VREF_OBJECT && parts->exported);
}

void kee_refs_add(txMachine *the, struct kee_bytes vref)
{
    struct kee_vref_parts parts;
    kee_vom_parse(the, vref, &parts);
    if (counted_by_row(&parts)) {
        struct kee_bytes base = kee_vom_base(vref);
        count_set(the, base, count_of(the, base) + 1);
    } else if (counted_by_entry(&parts)) {
        kee_ls_data_hold(kee_ls_of(the), entry_of(the, vref));
    }
}

bool kee_refs_remove(txMachine *the, struct kee_bytes vref)
{
    struct kee_vref_parts parts;
    kee_vom_parse(the, vref, &parts);
    if (counted_by_row(&parts)) {
        struct kee_bytes base = kee_vom_base(vref);
        uint64_t count = count_of(the, base);
        if (count == 0) {
            kee_ls_fail(kee_ls_of(the), "stored data lets go of %.*s, which it did not hold",
                        (int)base.size, (const char *)base.data);
            return false;
        }
        count_set(the, base, count - 1);
        return false;
    }
    return counted_by_entry(&parts) && kee_ls_data_release(kee_ls_of(the), entry_of(the, vref));
}

bool kee_refs_remove_all(txMachine *the, struct kee_vp_strings slots)
{
    struct kee_bytes vref;
    bool freed = false;
    while (kee_vp_strings_next(&slots, &vref)) {
        freed = kee_refs_remove(the, vref) || freed;
    }
    return freed;
}

static bool has(struct kee_vp_strings slots, struct kee_bytes vref)
{
    struct kee_bytes other;
    while (kee_vp_strings_next(&slots, &other)) {
        if (kee_bytes_equal(other, vref)) {
            return true;
        }
    }
    return false;
}

/* A name that stands twice in one list counts once, on either side, as it always did in such rows:
 * lists that marshal makes name each object once. */
void kee_refs_change(txMachine *the, struct kee_vp_strings before, struct kee_vp_strings after)
{
    struct kee_bytes vref;
    struct kee_vp_strings walk = after;
    while (kee_vp_strings_next(&walk, &vref)) {
        if (!has(before, vref)) {
            kee_refs_add(the, vref);
        }
    }
    walk = before;
    while (kee_vp_strings_next(&walk, &vref)) {
        if (!has(after, vref)) {
            kee_refs_remove(the, vref);
        }
    }
}

/* ---- What the kernel reaches and sees ---- */

/* Fills letters with the stored ones and n behind them; gives how many there are. */
static size_t export_letters(txMachine *the, struct kee_bytes base, size_t facets,
                             char letters[KEE_LIMIT_FACETS])
{
    struct kee_key key;
    struct kee_bytes value;
    size_t size = 0;
    key_of(&key, "vom.es.", base);
    if (kee_vom_get(the, kee_key_bytes(&key), &value)) {
        size = value.size < KEE_LIMIT_FACETS ? value.size : KEE_LIMIT_FACETS;
        memcpy(letters, value.data, size);
    }
    while (size < facets && size < KEE_LIMIT_FACETS) {
        letters[size++] = 'n';
    }
    return size;
}

void kee_vom_set_export_status(txMachine *the, struct kee_bytes vref, enum kee_vom_export status)
{
    static const char letter_of[] = {'n', 's', 'r'};
    struct kee_vref_parts parts;
    struct kee_bytes base = kee_vom_base(vref);
    char letters[KEE_LIMIT_FACETS];
    struct kee_key key;
    kee_vom_parse(the, vref, &parts);
    size_t facet = parts.has_facet ? parts.facet : 0;
    size_t size = export_letters(the, base, kee_kind_facet_count(the, parts.id), letters);
    if (facet >= size) {
        kee_ls_throw(the, XS_UNKNOWN_ERROR, "%.*s: there is no such facet, only %zu",
                     (int)vref.size, (const char *)vref.data, size);
    }
    letters[facet] = letter_of[status];
    key_of(&key, "vom.es.", base);
    bool reached = memchr(letters, 'r', size) != NULL;
    if (status == KEE_VOM_NONE && !reached && memchr(letters, 's', size) == NULL) {
        kee_vom_delete(the, kee_key_bytes(&key));
    } else {
        kee_vom_set_key(the, &key, kee_bytes_of(letters, size));
    }
    if (status == KEE_VOM_RECOGNIZABLE && !reached && count_of(the, base) == 0) {
        kee_hooks_loose(the, base, true);
        kee_ls_possibly_dead(kee_ls_of(the), base);
    }
}

bool kee_vom_is_reachable(txMachine *the, struct kee_bytes base_vref)
{
    char letters[KEE_LIMIT_FACETS];
    if (count_of(the, base_vref) > 0) {
        return true;
    }
    size_t size = export_letters(the, base_vref, 0, letters);
    return memchr(letters, 'r', size) != NULL;
}

/* ---- Weak collections that know a name ---- */

void kee_refs_add_recognizer(txMachine *the, struct kee_bytes vref, uint64_t collection)
{
    struct kee_key key;
    key_of(&key, "vom.ir.", vref);
    kee_key_put(&key, kee_bytes_str("|"));
    kee_key_decimal(&key, collection);
    kee_vom_set_key(the, &key, kee_bytes_str("1"));
}

void kee_refs_remove_recognizer(txMachine *the, struct kee_bytes vref, uint64_t collection)
{
    struct kee_key key;
    struct kee_vref_parts parts;
    kee_vom_parse(the, vref, &parts);
    key_of(&key, "vom.ir.", vref);
    kee_key_put(&key, kee_bytes_str("|"));
    kee_key_decimal(&key, collection);
    kee_vom_delete(the, kee_key_bytes(&key));
    if (!parts.exported) {
        kee_ls_possibly_retired(kee_ls_of(the), vref);
    }
}

bool kee_vom_is_recognizable(txMachine *the, struct kee_bytes vref)
{
    struct kee_key key;
    struct kee_bytes found, value;
    key_of(&key, "vom.ir.", vref);
    kee_key_put(&key, kee_bytes_str("|"));
    return kee_vom_next(the, kee_key_bytes(&key), kee_key_bytes(&key), &found, &value) &&
           kee_bytes_has_prefix(found, kee_key_bytes(&key));
}

static bool cease_one(txMachine *the, struct kee_bytes vref)
{
    struct kee_key prefix, at;
    struct kee_bytes found, value;
    bool freed = false;
    key_of(&prefix, "vom.ir.", vref);
    kee_key_put(&prefix, kee_bytes_str("|"));
    at = prefix;
    while (kee_vom_next(the, kee_key_bytes(&prefix), kee_key_bytes(&at), &found, &value) &&
           kee_bytes_has_prefix(found, kee_key_bytes(&prefix))) {
        uint64_t collection;
        at.size = 0;
        kee_key_put(&at, found);
        if (!kee_bytes_decimal(kee_bytes_of(at.text + prefix.size, at.size - prefix.size),
                               &collection)) {
            kee_vom_corrupt(the, kee_key_bytes(&at));
        }
        kee_vom_delete(the, kee_key_bytes(&at));
        freed = kee_collection_forget_key(the, collection, vref) || freed;
    }
    return freed;
}

bool kee_vom_cease_recognition(txMachine *the, struct kee_bytes vref)
{
    struct kee_vref_parts parts;
    kee_vom_parse(the, vref, &parts);
    size_t facets = parts.is_virtual && !parts.has_facet ? kee_kind_facets(the, parts.id) : 0;
    if (facets == 0) {
        return cease_one(the, vref);
    }
    /* A base vref stands for all its facets: weak collections know those. */
    bool freed = false;
    for (size_t i = 0; i < facets; i++) {
        struct kee_key facet;
        kee_key_begin(&facet, "");
        kee_key_put(&facet, vref);
        kee_key_put(&facet, kee_bytes_str(":"));
        kee_key_decimal(&facet, i);
        freed = cease_one(the, kee_key_bytes(&facet)) || freed;
    }
    return freed;
}

/* Calls fn for each facet of which the kernel knows what one of the letters says. */
static void each_facet(txMachine *the, struct kee_bytes base, bool faceted, const char *which,
                       void (*fn)(struct kee_ls *ls, struct kee_bytes vref))
{
    char letters[KEE_LIMIT_FACETS];
    size_t size = export_letters(the, base, 0, letters);
    for (size_t i = 0; i < size; i++) {
        struct kee_key vref;
        if (strchr(which, letters[i]) == NULL || letters[i] == '\0') {
            continue;
        }
        kee_key_begin(&vref, "");
        kee_key_put(&vref, base);
        if (faceted) {
            kee_key_put(&vref, kee_bytes_str(":"));
            kee_key_decimal(&vref, i);
        }
        fn(kee_ls_of(the), kee_key_bytes(&vref));
    }
}

bool kee_vom_empty_virtual(txMachine *the, struct kee_bytes base_vref,
                           void (*abandon)(struct kee_ls *ls, struct kee_bytes vref))
{
    struct kee_vref_parts parts;
    const struct kee_kind *kind;
    struct kee_key key;
    kee_vom_parse(the, base_vref, &parts);
    kind = kee_kind_of(kee_ls_of(the), parts.id);
    if (kind == NULL || (kind->sort != KEE_KIND_USER && kind->sort != KEE_KIND_STORE)) {
        return false; /* what stands for a kind stays */
    }
    each_facet(the, base_vref, kee_kind_facets(the, parts.id) > 0, "rs", abandon);
    (void)kee_kind_delete_stored(the, base_vref, &parts);
    key_of(&key, "vom.es.", base_vref);
    kee_vom_delete(the, kee_key_bytes(&key));
    return true;
}

bool kee_vom_delete_virtual(txMachine *the, struct kee_bytes base_vref,
                            void (*retire)(struct kee_ls *ls, struct kee_bytes vref))
{
    struct kee_vref_parts parts;
    struct kee_key key;
    kee_vom_parse(the, base_vref, &parts);
    each_facet(the, base_vref, kee_kind_facets(the, parts.id) > 0, "s", retire);
    bool freed = kee_kind_delete_stored(the, base_vref, &parts);
    key_of(&key, "vom.rc.", base_vref);
    kee_vom_delete(the, kee_key_bytes(&key));
    key_of(&key, "vom.es.", base_vref);
    kee_vom_delete(the, kee_key_bytes(&key));
    return kee_vom_cease_recognition(the, base_vref) || freed;
}
