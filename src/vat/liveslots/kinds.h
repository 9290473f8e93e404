/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kinds - kinds of virtual and durable objects, and the state of their instances.
 *
 *   vom.dkind.<K>.descriptor   {"kindID":"10","tag":"counter","unfaceted":true,"stateShapeCapData":..}
 *   vom.dkind.<K>.nextID       the next instance number of a durable kind
 *   vom.vkind.<K>.descriptor   {"kindID":"11","tag":"..."}, written and never read
 *   vom.o+dK/I, vom.o+vK/I     the state of an instance: {"field":capdata,...}
 *
 * A method finds its object by the name of `this`, and gets {state, self} or {state, facets} made for
 * this crank. A state is read once in a crank and written once, when the crank is quiescent.
 */
#ifndef KEE_VAT_LIVESLOTS_KINDS_H
#define KEE_VAT_LIVESLOTS_KINDS_H

#include "vat/liveslots/vom.h"

enum kee_kind_sort {
    KEE_KIND_HANDLES, /* K of the handles; their I are kind ids */
    KEE_KIND_MAKERS,  /* K of the makers; their I are kind ids */
    KEE_KIND_STORE,
    KEE_KIND_USER,
};

/* What is on a kind's holder in the heap, in this order behind its tags. */
enum kee_kind_part {
    KEE_KIND_INIT,
    KEE_KIND_FINISH,
    KEE_KIND_PROTO,       /* the prototype, or an array of them, one per facet */
    KEE_KIND_STATE_PROTO, /* of states; has the accessors when there is a state shape */
    KEE_KIND_STATE_SHAPE, /* the shape, or undefined */
    KEE_KIND_FIELDS,      /* an object whose own accessors are those of all fields seen */
    KEE_KIND_HANDLE,
    KEE_KIND_NAMES,      /* names of the facets, an array of strings in order of their numbers */
    KEE_KIND_MAKER,      /* of a durable kind: the function that makes its objects */
    KEE_KIND_REANIMATOR, /* of a foreign kind: gives the object of a base vref */
    KEE_KIND_CLEANUP,    /* hears that an object was deleted; undefined if nobody wants to */
    KEE_KIND_SLEEPER,    /* hears that an object leaves memory; undefined if nobody wants to */
    KEE_KIND_PARTS,
};

struct kee_kind {
    uint64_t id;
    enum kee_kind_sort sort;
    bool durable;
    bool defined; /* behaviour is known in this incarnation */
    bool multi;
    bool foreign;       /* objects are made by JavaScript: registerKind() */
    bool tracked;       /* objects without a pillar but the heap are listed: kinds_hooks.c */
    uint32_t store;     /* STORE: which, an index into kee_vom.store_kinds */
    size_t facet_count; /* of a multi-faceted kind, 0 otherwise */
    uint64_t next_instance;
    struct kee_buf tag;
    struct kee_buf facets;      /* JSON text of the descriptor's array, or empty */
    bool unfaceted;             /* the descriptor says so */
    struct kee_buf state_shape; /* JSON text of the descriptor's capdata, or empty */
    struct kee_map states;      /* instance number to struct kee_state, of this crank */
    txSlot *holder;
    txSlot *parts[KEE_KIND_PARTS]; /* slots of the holder */
};

/* The kind of that id, or NULL. */
struct kee_kind *kee_kind_of(struct kee_ls *ls, uint64_t id);
/* Makes a kind known; there must be none of that id. */
struct kee_kind *kee_kind_add(txMachine *the, uint64_t id, enum kee_kind_sort sort, bool durable);
void kee_kind_free(struct kee_kind *kind);
/* Facets of a multi-faceted kind, 0 for a single one. */
size_t kee_kind_facets(txMachine *the, uint64_t id);
/* Letters in an export status row: 1 for a single one. */
size_t kee_kind_facet_count(txMachine *the, uint64_t id);
/* Deletes what is stored of an object nothing reaches; true if that let go of something in memory. */
bool kee_kind_delete_stored(txMachine *the, struct kee_bytes base,
                            const struct kee_vref_parts *parts);
/* Writes the descriptor. */
void kee_kind_save(txMachine *the, struct kee_kind *kind);
/* The durable kind of that id, read from its descriptor if it is not known yet. */
struct kee_kind *kee_kind_load(txMachine *the, uint64_t id);
/* Pushes the kind's handle. */
void kee_kind_push_handle(txMachine *the, uint64_t id);
/* The kind of that id, also that of makers, which is read when it is first wanted. NULL if none. */
struct kee_kind *kee_kind_find(txMachine *the, uint64_t id);
/* The kind a handle stands for, or NULL if value is no handle. */
struct kee_kind *kee_kind_of_handle(txMachine *the, const txSlot *value);
/* START: throws an Error that names the durable kinds without behaviour. */
void kee_kinds_insist_defined(txMachine *the);

/* Pushes the representative, cohort's facet or handle that vref names. kinds_object.c */
void kee_kind_push_object(txMachine *the, struct kee_bytes vref,
                          const struct kee_vref_parts *parts);
/* Pushes what a maker gives: the representative, or the record of facets. */
void kee_kind_push_new(txMachine *the, struct kee_kind *kind, struct kee_bytes base);
void kee_kind_base(struct kee_key *out, const struct kee_kind *kind, uint64_t instance);
/* Pushes the context of an object for this crank. kinds_state.c */
void kee_kind_push_context(txMachine *the, struct kee_kind *kind, uint64_t instance);

/* ---- State of an instance in this crank. kinds_state.c ---- */

/* The name of a field as the engine has it: an id, or for "0" and the like an index. */
struct kee_field_name {
    txID id;
    txIndex index;
};

struct kee_field {
    struct kee_field_name name;
    size_t start; /* of its capdata in the row, if not changed */
    size_t size;
    bool changed;
    struct kee_buf own; /* its capdata as JSON, if changed */
    txSlot *value;      /* on the state's holder; XS_UNINITIALIZED_KIND until read */
};

struct kee_state {
    struct kee_link link; /* in kee_vom.states */
    struct kee_kind *kind;
    uint64_t instance;
    bool entered; /* its kind finds it; not yet while init's fields are checked */
    bool dirty;
    size_t count;
    size_t room;
    struct kee_field *fields;
    struct kee_buf row; /* as read */
    txSlot *holder;     /* values hang from it */
    txSlot *context;    /* a slot of the holder: the context once made */
};

/* An empty state for a new instance: fields come by kee_state_field_set(), then it is entered. */
struct kee_state *kee_state_new(txMachine *the, struct kee_kind *kind, uint64_t instance);
void kee_state_enter(txMachine *the, struct kee_state *state);
/* The state of an instance, read if need be; throws when there is none. */
struct kee_state *kee_state_of(txMachine *the, struct kee_kind *kind, uint64_t instance);
struct kee_field *kee_state_field(struct kee_state *state, struct kee_field_name name);
/* Serializes value into the field, made if missing, counting references. Throws, changing nothing. */
void kee_state_field_set(txMachine *the, struct kee_state *state, struct kee_field_name name,
                         txSlot *value);
/* Takes the field away, counting references; false if there was none. */
bool kee_state_field_delete(txMachine *the, struct kee_state *state, struct kee_field_name name);
/* Pushes the field's value; throws when it is malformed or does not fit the shape. */
void kee_state_push_field(txMachine *the, struct kee_state *state, struct kee_field_name name);
/* Pushes a new object whose accessors are the fields of the state. */
void kee_state_push_accessors(txMachine *the, struct kee_state *state);
/* Is there a row for the instance? */
bool kee_state_is_stored(txMachine *the, const struct kee_kind *kind, uint64_t instance);
/* Deletes the stored state; true if that let go of something in memory. */
bool kee_state_delete(txMachine *the, struct kee_kind *kind, uint64_t instance);
void kee_states_flush(txMachine *the);
void kee_states_clear(struct kee_ls *ls);
void kee_state_free(struct kee_state *state);
/* Gives instance the kind's accessors of that field as an own property. */
void kee_kind_define_accessor(txMachine *the, struct kee_kind *kind, txSlot *instance,
                              struct kee_field_name name);
/* Freezes a fresh plain object whose values are hardened already. */
void kee_kind_seal(txSlot *instance);
void kee_name_of_text(txMachine *the, struct kee_bytes text, struct kee_field_name *out);
/* Pushes the name as a string. */
void kee_key_of_name(txMachine *the, struct kee_field_name name);

/* Defines the single-faceted durable kind of a handle; the maker becomes mxResult. All on the stack. */
void kee_kind_define(txMachine *the, txSlot *handle, txSlot *init, txSlot *behavior,
                     txSlot *options);

/* ---- Makers with a name of their own. kinds_maker.c ---- */

/* Marks function, on the stack, as the maker of a durable kind: a remotable that data may hold. */
void kee_kind_set_maker(txMachine *the, struct kee_kind *kind, txSlot *function);
/* Pushes the maker of the kind of that id. */
void kee_kind_push_maker(txMachine *the, uint64_t id);
struct kee_kind *kee_kind_of_makers(txMachine *the);

/* ---- Foreign kinds. kinds_foreign.c ---- */

/* Pushes the object that the kind's reanimator gives for a base vref. */
void kee_foreign_push(txMachine *the, struct kee_kind *kind, uint64_t instance,
                      struct kee_bytes base);

/* Members of VatData. */
void kee_foreign_register_kind(txMachine *the);
void kee_foreign_register_value(txMachine *the);
void kee_foreign_allocate_id(txMachine *the);
/* For the layer in JavaScript alone: makers, rows of new instances, their fields. */
void kee_foreign_set_maker(txMachine *the);
void kee_foreign_new(txMachine *the);
void kee_foreign_discard(txMachine *the);
void kee_foreign_field_get(txMachine *the);
void kee_foreign_field_set(txMachine *the);
void kee_foreign_field_has(txMachine *the);
void kee_foreign_field_delete(txMachine *the);
void kee_foreign_field_names(txMachine *the);

/* ---- What a kind hears of the lives of its objects. kinds_hooks.c ---- */

/* Takes cleanup and willSleep from the options of a definition. */
void kee_hooks_take(txMachine *the, struct kee_kind *kind, const txSlot *options);
void kee_hooks_set(txMachine *the, struct kee_kind *kind, const txSlot *cleanup,
                   const txSlot *sleeper);
/* Nothing but the heap holds the object of a tracked kind, or something else does again. */
void kee_hooks_loose(txMachine *the, struct kee_bytes base, bool loose);
/* The object was deleted: tells the kind. True if it says that more may be garbage now. */
bool kee_hooks_deleted(txMachine *the, struct kee_kind *kind, uint64_t instance);
/* Begins and ends the time during which an object cannot be revived. */
void kee_hooks_enter(txMachine *the, struct kee_kind *kind, uint64_t instance, const char *what);
void kee_hooks_leave(struct kee_vom *vom);

/* ---- Host functions: rows of kee_vom_functions ---- */

/* Members of VatData. kinds_define.c */
void kee_kind_define_virtual(txMachine *the);
void kee_kind_define_virtual_multi(txMachine *the);
void kee_kind_define_durable(txMachine *the);
void kee_kind_define_durable_multi(txMachine *the);
void kee_kind_make_handle(txMachine *the);
void kee_kind_can_be_durable(txMachine *the);
/* Functions with a home that knows the kind. kinds_object.c, kinds_state.c */
void kee_kind_maker(txMachine *the);
void kee_kind_method(txMachine *the);
void kee_kind_no_guard(txMachine *the);
void kee_kind_context_provider(txMachine *the);
void kee_kind_amplify(txMachine *the);
void kee_kind_is_instance(txMachine *the);
void kee_kind_state_get(txMachine *the);
void kee_kind_state_set(txMachine *the);

/* ---- collections.c ---- */

/* The weak collection has an entry whose key has ceased to be: deletes it. */
bool kee_collection_forget_key(txMachine *the, uint64_t collection, struct kee_bytes vref);
bool kee_collection_delete(txMachine *the, struct kee_kind *kind, uint64_t collection);
void kee_collection_push(txMachine *the, struct kee_kind *kind, struct kee_bytes base);

#endif
