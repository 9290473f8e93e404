/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weak - WeakMap and WeakSet that know objects by their vrefs.
 *
 * A presence or representative may leave the heap and come back as another object of the same name. An
 * entry under it stays until the name itself ends, so that user code cannot tell what was collected.
 * Every other key is the engine's business, as ever.
 *
 * There is one kind of WeakMap and WeakSet: the engine's, whose methods are replaced here before any
 * package is evaluated. So each compartment and subclass has it, and nothing else is within reach.
 * Those that npm's packages made in the boot image are memos of what they found true of an object;
 * they go by identity, since a memo shall not outlive the object it saves looking at.
 */
#ifndef KEE_VAT_LIVESLOTS_WEAK_H
#define KEE_VAT_LIVESLOTS_WEAK_H

#include "vat/liveslots/internal.h"

/* The methods, which may stand in the heap. */
const struct kee_ls_function *kee_weak_functions(size_t *count);
/* When the image is made, before any package: gives the engine's two prototypes our methods. */
void kee_weak_install(txMachine *the);

int kee_weak_new(struct kee_ls *ls);
void kee_weak_free(struct kee_ls *ls);

/* After a collection that clears weak references: forgets the collections it has taken. Imports that
 * nothing knows any more may then be retired. */
void kee_weak_find_cleared(struct kee_ls *ls);
/* Does a collection have an entry under that name? */
bool kee_weak_recognizes(struct kee_ls *ls, struct kee_bytes vref);
/* The name has ceased to be, and those of its facets: their entries go. True when there were any,
 * since their values may have held more. */
bool kee_weak_forget(struct kee_ls *ls, struct kee_bytes base_vref);
/* NULL, or what is wrong. */
const char *kee_weak_audit(const struct kee_ls *ls);

#endif
