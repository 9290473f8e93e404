/* SPDX-License-Identifier: Apache-2.0 */
/* tables - what of values and vrefs only the core of this directory uses; see internal.h for the rest. */
#ifndef KEE_VAT_LIVESLOTS_TABLES_H
#define KEE_VAT_LIVESLOTS_TABLES_H

#include "vat/liveslots/internal.h"

/* A new entry, already in the map, referring to object weakly; marks object with its index. Throws when
 * the vref's numbers are beyond what the tables can name. */
struct kee_ls_entry *kee_entry_new(txMachine *the, enum kee_ls_kind kind,
                                   const struct kee_vref_parts *parts, txSlot *object);
/* The base vref as a number: of an entry; of a name, 0 when no entry can have it. */
uint64_t kee_entry_key(const struct kee_ls_entry *entry);
uint64_t kee_parts_key(const struct kee_vref_parts *parts);
/* Is that number of an imported object? Gives its vref. */
bool kee_key_import(uint64_t key, struct kee_ls_vref *out);
/* A new slot on the rooted list, undefined. */
txSlot *kee_entries_slot(txMachine *the);
/* One reason more, or less, to keep the object. */
void kee_entry_hold(struct kee_ls_entry *entry);
void kee_entry_release(struct kee_ls_entry *entry);
/* A promise the kernel has been told about, or has told us about, is no more to be named: forgotten
 * unless virtual data refers to it. */
void kee_entry_retire_promise(struct kee_ls *ls, struct kee_ls_entry *entry);
/* The entry of an object that has a vref of its own; NULL otherwise. */
struct kee_ls_entry *kee_entry_of_object(struct kee_ls *ls, txSlot *object);
/* Pushes an imported promise for vref, REMOTE; no subscription. */
struct kee_ls_entry *kee_import_promise(txMachine *the, const struct kee_vref_parts *parts);
/* promise becomes the imported promise of a new p+N. */
struct kee_ls_entry *kee_import_result(txMachine *the, txSlot *promise);

#endif
