/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kinds_build - what the files that define kinds share.
 *
 *   kinds_define.c ──► kinds_facets.c  names of facets      kinds_value.c  keys, members, arguments
 *                 ├──► kinds_shape.c   shape of the state
 *                 └──► kinds_proto.c   methods
 *
 * "Pushes" leaves one more value on the engine's stack; arguments are rooted by the caller.
 */
#ifndef KEE_VAT_LIVESLOTS_KINDS_BUILD_H
#define KEE_VAT_LIVESLOTS_KINDS_BUILD_H

#include "vat/liveslots/kinds.h"

/* Throws an Error; the format has one %.*s, for the kind's tag. */
#define kee_kind_error(the, kind, format)                                                          \
    kee_ls_throw((the), XS_UNKNOWN_ERROR, (format), (int)(kind)->tag.size,                         \
                 (const char *)(kind)->tag.data)

/* ---- kinds_value.c ---- */

/* Throws before the vat starts, when there is no durable state. */
void kee_kind_require_liveslots(txMachine *the);
/* Pushes argument i of the host function at work, or undefined. */
txSlot *kee_kind_push_argument(txMachine *the, txInteger i);
/* Pushes a new array of the own keys of object. */
void kee_kind_push_keys(txMachine *the, const txSlot *object, txFlag which);
txIndex kee_kind_array_length(const txSlot *array);
struct kee_field_name kee_kind_key_of_item(txMachine *the, const txSlot *array, txIndex i);
txSlot *kee_kind_push_member(txMachine *the, const txSlot *object, const char *name);
void kee_kind_set_part(struct kee_kind *kind, enum kee_kind_part part, const txSlot *value);

enum kee_behavior_shape { KEE_BEHAVIOR_NONE, KEE_BEHAVIOR_ONE, KEE_BEHAVIOR_FACETS };

/* Is behavior a record of functions, or (unless inner) a record of such records? */
enum kee_behavior_shape kee_behavior_shape(txMachine *the, const txSlot *behavior, bool inner);

/* ---- kinds_facets.c, kinds_shape.c, kinds_proto.c: each leaves its parts on the kind ---- */

/* Every stored facet must be among those proposed. */
void kee_kind_settle_facets(txMachine *the, struct kee_kind *kind, txSlot *proposed);
void kee_kind_take_shape(txMachine *the, struct kee_kind *kind, const txSlot *options);
void kee_kind_make_state_proto(txMachine *the, struct kee_kind *kind);

struct kee_kind_options {
    txSlot *guard; /* on the stack, undefined if there is none */
    bool thisful;
};

void kee_kind_make_protos(txMachine *the, struct kee_kind *kind, const txSlot *behavior,
                          const struct kee_kind_options *options);
/* Pushes a function of the kind, with a home that knows kind, facet (if not < 0) and value (if not
 * NULL). */
txSlot *kee_kind_push_function(txMachine *the, struct kee_kind *kind, txCallback callback,
                               int length, txID name, int32_t facet, const txSlot *value);

#endif
