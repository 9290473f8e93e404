/* SPDX-License-Identifier: Apache-2.0 */
/*
 * collections - the big stores: map, set, weak map, weak set, each virtual or durable.
 *
 *   vc.<id>.<encoded key>     the value's capdata      keys sort as their values do, see below
 *   vc.<id>.|<vref>           the ordinal of a remotable used as a key
 *   vc.<id>.|entryCount       how many entries (not of weak stores)
 *   vc.<id>.|nextOrdinal      the next ordinal
 *   vc.<id>.|schemata         capdata of {keyShape, label, valueShape}
 *
 *   encoded key   s<text>  f<16 hex digits>  p<digits>:<n>  n<complement>:<complement>  btrue  v null
 *                 z undefined  y<symbol name>  r<10 digits of the ordinal>:<vref>
 *
 * A store object carries its name only; its methods stand on one prototype per sort of store. What a
 * store is like (label, shapes) is read once and kept in hidden slots of the object.
 */
#ifndef KEE_VAT_LIVESLOTS_COLLECTIONS_H
#define KEE_VAT_LIVESLOTS_COLLECTIONS_H

#include "vat/liveslots/kinds.h"
#include "vat/liveslots/vom.h"

/* Sorts of stores: an index into kee_vom.store_kinds; +4 is the durable one. */
enum kee_store_sort { KEE_STORE_MAP, KEE_STORE_WEAK_MAP, KEE_STORE_SET, KEE_STORE_WEAK_SET };
#define KEE_STORE_SORTS 4u
#define KEE_STORE_KINDS 8u
/* Behind the prototypes of the sorts, in the array at KEE_VOM_TAG_PROTOS. */
#define KEE_STORE_PROTO_ITERATOR 4u

/* How much of the key shape C knows by itself. */
enum kee_store_check { KEE_CHECK_ANY = 1, KEE_CHECK_SCALAR, KEE_CHECK_STRING, KEE_CHECK_PATTERN };

struct kee_store {
    uint64_t id;
    enum kee_store_sort sort;
    bool durable;
    bool weak;
    bool set;
    txSlot *instance; /* rooted by the caller */
};

/* ---- Keys. collections_key.c ---- */

/* Appends the encoding of a scalar that is no remotable. Throws when it is no scalar, or too long. */
void kee_store_encode(txMachine *the, txSlot *key, struct kee_key *out);
/* The same for a remotable of that name and ordinal. */
void kee_store_encode_vref(struct kee_bytes vref, uint64_t ordinal, struct kee_key *out);
/* Pushes the value of an encoded key. */
void kee_store_decode(txMachine *the, struct kee_bytes encoded);

/* ---- A store and its rows. collections.c ---- */

/* Which store is value? Throws unless it is one with the wanted methods. */
void kee_store_of(txMachine *the, txSlot *value, struct kee_store *out);
/* Pushes a new store. options is a record or undefined; label a string. base_shape: the shape of keys
 * is that alone (STRING) or narrows it (SCALAR). */
void kee_store_push_new(txMachine *the, enum kee_store_sort sort, txSlot *label, txSlot *options);
/* label as text, borrowed until the next allocation. */
const char *kee_store_label(txMachine *the, const struct kee_store *store);
bool kee_store_has(txMachine *the, const struct kee_store *store, txSlot *key);
void kee_store_push_get(txMachine *the, const struct kee_store *store, txSlot *key);
/* The key must not be there. checked: the caller has looked. */
void kee_store_init(txMachine *the, const struct kee_store *store, txSlot *key, txSlot *value,
                    bool checked);
void kee_store_set(txMachine *the, const struct kee_store *store, txSlot *key, txSlot *value);
void kee_store_delete(txMachine *the, const struct kee_store *store, txSlot *key);
void kee_store_clear(txMachine *the, const struct kee_store *store);
uint64_t kee_store_size(txMachine *the, const struct kee_store *store);
void kee_store_prefix(struct kee_key *key, uint64_t id);
/* Pushes the value whose capdata the row holds, checked against the shape of values. */
void kee_store_push_value(txMachine *the, const struct kee_store *store, struct kee_bytes row);
int32_t kee_store_generation(const struct kee_store *store);

/* ---- Whole life. collections_start.c ---- */

/* When the image is made: pushes the array of prototypes. */
void kee_collections_install(txMachine *the);
/* START: kind ids of stores; the baggage and the two tables of watched promises, made if missing. */
void kee_collections_start(txMachine *the);

/* ---- Methods: rows of kee_vom_functions. collections_method.c ---- */
void kee_store_method_has(txMachine *the);
void kee_store_method_get(txMachine *the);
void kee_store_method_init(txMachine *the);
void kee_store_method_set(txMachine *the);
void kee_store_method_delete(txMachine *the);
void kee_store_method_add(txMachine *the);
void kee_store_method_add_all(txMachine *the);
void kee_store_method_keys(txMachine *the);
void kee_store_method_values(txMachine *the);
void kee_store_method_entries(txMachine *the);
void kee_store_method_snapshot(txMachine *the);
void kee_store_method_get_size(txMachine *the);
void kee_store_method_clear(txMachine *the);
void kee_store_method_names(txMachine *the);
void kee_store_iterator_next(txMachine *the);
void kee_store_iterator_return(txMachine *the);
void kee_store_make_map(txMachine *the);
void kee_store_make_weak_map(txMachine *the);
void kee_store_make_set(txMachine *the);
void kee_store_make_weak_set(txMachine *the);

#endif
