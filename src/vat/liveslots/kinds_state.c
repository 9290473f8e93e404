/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state of an instance in one crank.
 *
 *   row ──read──► kee_state: text of each field ──getter──► value, kept until the crank is over
 *                              ▲                               │
 *   row ◄──flush── dirty ──────┴────────setter, serialize──────┘
 *
 * Values hang from the state's holder, so that a field read twice in a crank is the same object, and
 * holders hang from the crank. A state object outlives the crank: it knows its kind and number only.
 */
#include "vat/liveslots/kinds.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/fault.h"
#include "vat/liveslots/durable.h"

static void base_key(struct kee_key *key, const struct kee_kind *kind, uint64_t instance)
{
    struct kee_key base;
    kee_kind_base(&base, kind, instance);
    kee_key_begin(key, "vom.");
    kee_key_put(key, kee_key_bytes(&base));
}

void kee_state_free(struct kee_state *state)
{
    kee_list_remove(&state->link);
    if (state->entered) {
        kee_map_remove(&state->kind->states, state->instance);
    }
    for (size_t i = 0; i < state->count; i++) {
        kee_buf_fini(&state->fields[i].own);
    }
    free(state->fields);
    kee_buf_fini(&state->row);
    free(state);
}

void kee_states_clear(struct kee_ls *ls)
{
    while (!kee_list_is_empty(&ls->vom->states)) {
        kee_state_free(KEE_CONTAINER(ls->vom->states.next, struct kee_state, link));
    }
}

struct kee_state *kee_state_new(txMachine *the, struct kee_kind *kind, uint64_t instance)
{
    struct kee_vom *vom = kee_ls_of(the)->vom;
    struct kee_state *state = calloc(1, sizeof(*state));
    if (state == NULL) {
        kee_ls_check(the, KEE_FAULT_MEMORY);
        return NULL;
    }
    kee_list_init(&state->link);
    kee_list_append(&vom->states, &state->link);
    state->kind = kind;
    state->instance = instance;
    state->holder = kee_vom_push_holder(the);
    kee_vom_hang(the, vom->crank_home, the->stack);
    state->context = kee_tag_make(the, state->holder, KEE_VOM_TAG_VALUE);
    mxPop();
    return state;
}

void kee_state_enter(txMachine *the, struct kee_state *state)
{
    kee_ls_check(the, kee_map_put(&state->kind->states, state->instance, state));
    state->entered = true;
}

struct kee_field *kee_state_field(struct kee_state *state, struct kee_field_name name)
{
    for (size_t i = 0; i < state->count; i++) {
        if (state->fields[i].name.id == name.id && state->fields[i].name.index == name.index) {
            return &state->fields[i];
        }
    }
    return NULL;
}

static struct kee_field *add_field(txMachine *the, struct kee_state *state,
                                   struct kee_field_name name)
{
    struct kee_field *field;
    if (state->count == state->room) {
        size_t room = state->room == 0 ? 4 : state->room * 2;
        struct kee_field *fields = realloc(state->fields, room * sizeof(*fields));
        if (fields == NULL) {
            kee_ls_check(the, KEE_FAULT_MEMORY);
            return NULL;
        }
        state->fields = fields;
        state->room = room;
    }
    field = &state->fields[state->count];
    *field = (struct kee_field){.name = name};
    /* Each field has a slot of its own: kee_tag_make would give all of them the same. */
    mxPushReference(state->holder);
    txSlot *slot = fxNewSlot(the);
    mxPop();
    slot->flag = XS_INTERNAL_FLAG;
    slot->ID = KEE_VOM_TAG_NAME;
    slot->kind = XS_UNINITIALIZED_KIND;
    slot->next = state->context->next;
    state->context->next = slot;
    field->value = slot;
    state->count++;
    return field;
}

/* The field's capdata as JSON: in the row, or what the crank made of it. */
static struct kee_bytes field_capdata(const struct kee_state *state, const struct kee_field *field)
{
    return field->changed ? kee_buf_bytes(&field->own)
                          : kee_bytes_of(state->row.data + field->start, field->size);
}

void kee_name_of_text(txMachine *the, struct kee_bytes text, struct kee_field_name *out)
{
    kee_ls_push_string(the, text);
    txSlot *at = fxAt(the, the->stack);
    *out = (struct kee_field_name){at->value.at.id, at->value.at.index};
    mxPop();
}

static void read_fields(txMachine *the, struct kee_state *state)
{
    struct kee_row_cursor cursor = kee_row_read(kee_buf_bytes(&state->row));
    struct kee_buf *name = &kee_ls_of(the)->vom->row;
    kee_row_enter(&cursor, '{');
    for (;;) {
        struct kee_field_name id;
        kee_buf_clear(name);
        if (!kee_row_member(&cursor, name)) {
            break;
        }
        struct kee_bytes value = kee_row_value(&cursor);
        if (cursor.failed) {
            break;
        }
        kee_name_of_text(the, kee_buf_bytes(name), &id);
        struct kee_field *field = add_field(the, state, id);
        field->start = (size_t)(value.data - state->row.data);
        field->size = value.size;
    }
    if (cursor.failed) {
        struct kee_key key;
        base_key(&key, state->kind, state->instance);
        kee_vom_corrupt(the, kee_key_bytes(&key));
    }
}

struct kee_state *kee_state_of(txMachine *the, struct kee_kind *kind, uint64_t instance)
{
    struct kee_state *state = kee_map_get(&kind->states, instance);
    struct kee_bytes value;
    struct kee_key key;
    if (state != NULL) {
        return state;
    }
    base_key(&key, kind, instance);
    if (!kee_vom_get(the, kee_key_bytes(&key), &value)) {
        kee_ls_throw(the, XS_UNKNOWN_ERROR,
                     "the state of %.*s is gone: nothing reached it any more", (int)key.size - 4,
                     key.text + 4);
    }
    state = kee_state_new(the, kind, instance);
    if (!kee_vom_get(the, kee_key_bytes(&key), &value)) {
        kee_vom_corrupt(the, kee_key_bytes(&key));
    }
    kee_buf_put_bytes(&state->row, value);
    kee_ls_check(the, kee_buf_status(&state->row));
    read_fields(the, state);
    kee_state_enter(the, state);
    return state;
}

static void check_shape(txMachine *the, struct kee_kind *kind, struct kee_field_name name,
                        txSlot *value)
{
    txSlot *shape = kind->parts[KEE_KIND_STATE_SHAPE];
    if (shape->kind != XS_REFERENCE_KIND) {
        return;
    }
    if (mxBehaviorGetProperty(the, shape->value.reference, name.id, name.index, XS_OWN) == NULL) {
        kee_key_of_name(the, name);
        kee_ls_throw(
            the, XS_TYPE_ERROR,
            "State must only have fields described by stateShape: \"%s\" of kind \"%.*s\" is "
            "none",
            the->stack->value.string, (int)kind->tag.size, (const char *)kind->tag.data);
    }
    mxPushUndefined();
    kee_vom_push_tool(the, "mustMatch");
    mxCall();
    mxPushSlot(value);
    mxPushSlot(shape);
    mxGetAll(name.id, name.index);
    mxRunCount(2);
    mxPop();
}

/* Pushes the name as a string. */
void kee_key_of_name(txMachine *the, struct kee_field_name name)
{
    mxPushUndefined();
    fxKeyAt(the, name.id, name.index, the->stack);
    if (the->stack->kind == XS_SYMBOL_KIND) {
        fxToString(the, the->stack);
    }
}

void kee_state_field_set(txMachine *the, struct kee_state *state, struct kee_field_name name,
                         txSlot *value)
{
    struct kee_ls *ls = kee_ls_of(the);
    struct kee_ls_capdata *before, *after;
    struct kee_field *field;

    check_shape(the, state->kind, name, value);
    after = kee_ls_capdata_new(the);
    kee_ls_serialize(the, value, after);
    if (state->kind->durable) {
        kee_key_of_name(the, name);
        kee_durable_insist(the, value, after, state->kind->foreign ? "%s" : "state.%s",
                           the->stack->value.string);
        mxPop();
    }
    before = kee_ls_capdata_new(the);
    field = kee_state_field(state, name);
    if (field != NULL && (field->changed || field->size > 0)) {
        struct kee_row_cursor cursor = kee_row_read(field_capdata(state, field));
        before->slot_count = kee_row_capdata(&cursor, NULL, &before->slots);
    }
    kee_refs_change(the, kee_ls_capdata_slots(before), kee_ls_capdata_slots(after));
    kee_ls_capdata_done(ls, before);
    if (field == NULL) {
        field = add_field(the, state, name);
    }
    kee_buf_clear(&field->own);
    kee_row_put_capdata(&field->own, kee_buf_bytes(&after->body), kee_ls_capdata_slots(after));
    kee_ls_check(the, kee_buf_status(&field->own));
    kee_ls_capdata_done(ls, after);
    field->changed = true;
    field->value->kind = value->kind;
    field->value->value = value->value;
    state->dirty = true;
}

bool kee_state_field_delete(txMachine *the, struct kee_state *state, struct kee_field_name name)
{
    struct kee_field *field = kee_state_field(state, name);
    struct kee_ls_capdata *held;

    if (field == NULL) {
        return false;
    }
    held = kee_ls_capdata_new(the);
    struct kee_row_cursor cursor = kee_row_read(field_capdata(state, field));
    held->slot_count = kee_row_capdata(&cursor, NULL, &held->slots);
    (void)kee_refs_remove_all(the, kee_ls_capdata_slots(held));
    kee_ls_capdata_done(kee_ls_of(the), held);
    field->value->kind = XS_UNDEFINED_KIND;
    kee_buf_fini(&field->own);
    size_t at = (size_t)(field - state->fields);
    memmove(field, field + 1, (state->count - at - 1) * sizeof(*field));
    state->count--;
    state->dirty = true;
    return true;
}

bool kee_state_is_stored(txMachine *the, const struct kee_kind *kind, uint64_t instance)
{
    struct kee_key key;
    struct kee_bytes value;
    if (kee_map_get(&kind->states, instance) != NULL) {
        return true;
    }
    base_key(&key, kind, instance);
    return kee_vom_get(the, kee_key_bytes(&key), &value);
}

/* ---- At the end of the crank ---- */

static void flush_state(txMachine *the, struct kee_state *state)
{
    struct kee_buf *row = &kee_ls_of(the)->vom->row;
    struct kee_buf *text = &kee_ls_of(the)->text;
    struct kee_key key;
    kee_buf_clear(row);
    kee_buf_put_char(row, '{');
    for (size_t i = 0; i < state->count; i++) {
        if (i > 0) {
            kee_buf_put_char(row, ',');
        }
        kee_key_of_name(the, state->fields[i].name);
        kee_buf_clear(text);
        kee_ls_put_string(text, the->stack);
        mxPop();
        kee_row_put_string(row, kee_buf_bytes(text));
        kee_buf_put_char(row, ':');
        kee_buf_put_bytes(row, field_capdata(state, &state->fields[i]));
    }
    kee_buf_put_char(row, '}');
    kee_ls_check(the, kee_buf_status(row));
    base_key(&key, state->kind, state->instance);
    kee_vom_set_key(the, &key, kee_buf_bytes(row));
    state->dirty = false;
}

void kee_states_flush(txMachine *the)
{
    struct kee_link *head = &kee_ls_of(the)->vom->states;
    for (struct kee_link *at = head->next; at != head; at = at->next) {
        struct kee_state *state = KEE_CONTAINER(at, struct kee_state, link);
        if (state->entered && state->dirty) {
            flush_state(the, state);
        }
    }
}

bool kee_state_delete(txMachine *the, struct kee_kind *kind, uint64_t instance)
{
    struct kee_state *state;
    struct kee_bytes row;
    bool freed = false;
    struct kee_key key;
    base_key(&key, kind, instance);
    if (!kee_vom_get(the, kee_key_bytes(&key), &row)) {
        return false; /* deleted already */
    }
    state = kee_state_of(the, kind, instance);
    for (size_t i = 0; i < state->count; i++) {
        struct kee_ls_capdata *held = kee_ls_capdata_new(the);
        struct kee_row_cursor cursor = kee_row_read(field_capdata(state, &state->fields[i]));
        held->slot_count = kee_row_capdata(&cursor, NULL, &held->slots);
        freed = kee_refs_remove_all(the, kee_ls_capdata_slots(held)) || freed;
        kee_ls_capdata_done(kee_ls_of(the), held);
        state->fields[i].value->kind =
            XS_UNDEFINED_KIND; /* a hook may have read it in this crank */
    }
    state->context->kind = XS_UNDEFINED_KIND;
    kee_vom_delete(the, kee_key_bytes(&key));
    kee_state_free(state);
    return freed;
}

/* ---- Accessors ---- */

/* The state that `this` of an accessor is; the field it is about. */
static struct kee_state *accessed(txMachine *the, struct kee_field_name *name)
{
    txSlot *home = mxFunctionInstanceHome(mxFunction->value.reference)->value.home.object;
    uint64_t id = kee_vom_number(home, KEE_VOM_TAG_KIND);
    struct kee_kind *kind = kee_kind_of(kee_ls_of(the), id);
    if (!mxIsReference(mxThis) || kind == NULL ||
        kee_vom_number(mxThis->value.reference, KEE_VOM_TAG_KIND) != id) {
        kee_ls_throw(the, XS_UNKNOWN_ERROR, "state accessors can only be applied to state");
    }
    txSlot *slot = kee_tag_find(home, KEE_VOM_TAG_NAME);
    *name = (struct kee_field_name){slot->value.at.id, slot->value.at.index};
    return kee_state_of(the, kind, kee_vom_number(mxThis->value.reference, KEE_VOM_TAG_INSTANCE));
}

void kee_state_push_field(txMachine *the, struct kee_state *state, struct kee_field_name name)
{
    struct kee_field *field = kee_state_field(state, name);
    kee_assert(field != NULL);
    if (field->value->kind == XS_UNINITIALIZED_KIND) {
        struct kee_ls_capdata *capdata = kee_ls_capdata_new(the);
        struct kee_row_cursor cursor = kee_row_read(field_capdata(state, field));
        capdata->slot_count = kee_row_capdata(&cursor, &capdata->body, &capdata->slots);
        if (cursor.failed) {
            struct kee_key key;
            base_key(&key, state->kind, state->instance);
            kee_vom_corrupt(the, kee_key_bytes(&key));
        }
        kee_ls_unserialize(the, kee_buf_bytes(&capdata->body), kee_ls_capdata_slots(capdata));
        kee_ls_capdata_done(kee_ls_of(the), capdata);
        check_shape(the, state->kind, name, the->stack);
        field = kee_state_field(state, name);
        kee_assert(field != NULL);
        field->value->kind = the->stack->kind;
        field->value->value = the->stack->value;
        mxPop();
    }
    mxPushSlot(field->value);
}

void kee_kind_state_get(txMachine *the)
{
    struct kee_field_name name;
    struct kee_state *state = accessed(the, &name);
    const struct kee_field *field = kee_state_field(state, name);
    if (field == NULL) {
        check_shape(the, state->kind, name, mxResult); /* undefined: a field added later */
        return;
    }
    if (field->value->kind == XS_UNINITIALIZED_KIND) {
        kee_state_push_field(the, state, name);
        mxPullSlot(mxResult);
        return;
    }
    mxResult->kind = field->value->kind;
    mxResult->value = field->value->value;
}

void kee_kind_state_set(txMachine *the)
{
    struct kee_field_name name;
    struct kee_state *state = accessed(the, &name);
    mxPushUndefined();
    if (mxArgc > 0) {
        the->stack->kind = mxArgv(0)->kind;
        the->stack->value = mxArgv(0)->value;
    }
    kee_state_field_set(the, state, name, the->stack);
}

/* Pushes the accessor function for a field, with its home. */
static void push_accessor(txMachine *the, struct kee_kind *kind, struct kee_field_name name,
                          txCallback callback, int length)
{
    txSlot *function = fxNewHostFunction(the, callback, length, XS_NO_ID, XS_NO_ID);
    txSlot *home = kee_vom_push_holder(the);
    mxFunctionInstanceHome(function)->value.home.object = home;
    mxPop();
    kee_vom_put_number(the, home, KEE_VOM_TAG_KIND, kind->id);
    txSlot *slot = kee_tag_make(the, home, KEE_VOM_TAG_NAME);
    slot->kind = XS_AT_KIND;
    slot->value.at.id = name.id;
    slot->value.at.index = name.index;
    kee_ls_harden(the, the->stack);
}

/* The accessors of a field, made once for a kind; they stay on its object of fields, which also keeps
 * the name's id in use. */
static txSlot *accessors(txMachine *the, struct kee_kind *kind, struct kee_field_name name)
{
    txSlot *fields = kind->parts[KEE_KIND_FIELDS]->value.reference;
    txSlot *slot = mxBehaviorGetProperty(the, fields, name.id, name.index, XS_OWN);
    if (slot == NULL) {
        push_accessor(the, kind, name, kee_kind_state_get, 0);
        push_accessor(the, kind, name, kee_kind_state_set, 1);
        txSlot both = {.kind = XS_ACCESSOR_KIND, .flag = XS_DONT_DELETE_FLAG};
        both.value.accessor.getter = the->stack[1].value.reference;
        both.value.accessor.setter = the->stack[0].value.reference;
        mxBehaviorDefineOwnProperty(the, fields, name.id, name.index, &both,
                                    XS_GETTER_FLAG | XS_SETTER_FLAG | XS_DONT_DELETE_FLAG |
                                        XS_DONT_ENUM_FLAG);
        mxPop();
        mxPop();
        slot = mxBehaviorGetProperty(the, fields, name.id, name.index, XS_OWN);
    }
    return slot;
}

void kee_kind_define_accessor(txMachine *the, struct kee_kind *kind, txSlot *instance,
                              struct kee_field_name name)
{
    txSlot *made = accessors(the, kind, name);
    txSlot both = {.kind = XS_ACCESSOR_KIND, .flag = XS_DONT_DELETE_FLAG};
    both.value.accessor = made->value.accessor;
    mxBehaviorDefineOwnProperty(the, instance, name.id, name.index, &both,
                                XS_GETTER_FLAG | XS_SETTER_FLAG | XS_DONT_DELETE_FLAG |
                                    XS_DONT_ENUM_FLAG);
}

/* ---- The context of a crank ---- */

/* Nothing can be added, taken away or changed any more. */
void kee_kind_seal(txSlot *instance)
{
    for (txSlot *slot = instance->next; slot != NULL; slot = slot->next) {
        if (!(slot->flag & XS_INTERNAL_FLAG)) {
            slot->flag |= slot->kind == XS_ACCESSOR_KIND ? XS_DONT_DELETE_FLAG
                                                         : XS_DONT_DELETE_FLAG | XS_DONT_SET_FLAG;
        }
    }
    instance->flag |= XS_DONT_PATCH_FLAG | XS_DONT_MARSHALL_FLAG;
}

void kee_state_push_accessors(txMachine *the, struct kee_state *state)
{
    struct kee_kind *kind = state->kind;
    mxPushSlot(kind->parts[KEE_KIND_STATE_PROTO]);
    txSlot *instance = fxNewObjectInstance(the);
    kee_vom_put_number(the, instance, KEE_VOM_TAG_KIND, kind->id);
    kee_vom_put_number(the, instance, KEE_VOM_TAG_INSTANCE, state->instance);
    if (kind->parts[KEE_KIND_STATE_SHAPE]->kind != XS_REFERENCE_KIND) {
        for (size_t i = 0; i < state->count; i++) {
            kee_kind_define_accessor(the, kind, instance, state->fields[i].name);
        }
    }
    kee_kind_seal(instance);
}

void kee_kind_push_context(txMachine *the, struct kee_kind *kind, uint64_t instance)
{
    struct kee_state *state = kee_state_of(the, kind, instance);
    struct kee_key base;
    if (state->context->kind == XS_REFERENCE_KIND) {
        mxPushSlot(state->context);
        return;
    }
    kee_state_push_accessors(the, state);
    kee_kind_base(&base, kind, instance);
    struct kee_ls_entry *entry = kee_ls_entry_of(kee_ls_of(the), kee_key_bytes(&base));
    txSlot *object = entry == NULL ? NULL : kee_ls_entry_object(entry);
    if (object == NULL) {
        kee_ls_throw(the, XS_UNKNOWN_ERROR, "%.*s is not in memory", (int)base.size, base.text);
    }
    if (kind->multi) {
        mxPushSlot(kee_tag_find(object, KEE_VOM_TAG_COHORT));
    } else {
        mxPushReference(object);
    }
    mxPush(mxObjectPrototype);
    txSlot *context = fxNewObjectInstance(the);
    txSlot *last =
        fxNextSlotProperty(the, context, the->stack + 2, kee_ls_id(the, "state"), XS_NO_FLAG);
    fxNextSlotProperty(the, last, the->stack + 1, kee_ls_id(the, kind->multi ? "facets" : "self"),
                       XS_NO_FLAG);
    kee_kind_seal(context);
    state->context->kind = XS_REFERENCE_KIND;
    state->context->value.reference = context;
    the->stack += 3;
    mxPushReference(context);
}
