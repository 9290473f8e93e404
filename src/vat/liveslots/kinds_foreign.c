/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Foreign kinds: objects that JavaScript makes, under names, counts and rows of ours.
 *
 *   registerKind(id, reanimator, deleter, durable)      once in each incarnation
 *   registerValue(base vref, object)                    when an object is new
 *   reanimator(base vref) ──► object                    when the name comes up and memory has none
 *   deleter(base vref) ──► may more be garbage now?     in the crank that deletes its row
 *
 * A row vom.<base vref> stands for as long as the object does. Its fields belong to whoever made the
 * kind; the functions for them are for our own layer in JavaScript (src/vat/js/gems), which shows them
 * to users as a context or as a plain object.
 */
#include "vat/liveslots/kinds.h"
#include "vat/liveslots/kinds_build.h"

#include "vat/liveslots/durable.h"

/* ---- Arguments ---- */

static bool is_text(const txSlot *value)
{
    return value->kind == XS_STRING_KIND || value->kind == XS_STRING_X_KIND;
}

static void wrong(txMachine *the, const char *function, const char *expected, txSlot *found)
{
    char text[200];

    kee_describe_value(the, found, text, sizeof(text));
    kee_ls_throw(the, XS_TYPE_ERROR, "%s: expected %s, found %s", function, expected, text);
}

/* The kind id that a number or decimal string is; 0 if it is none that was ever given out. */
static uint64_t kind_id(txMachine *the, txSlot *value)
{
    struct kee_buf *text = &kee_ls_of(the)->text;
    uint64_t id = 0;

    if (value->kind == XS_INTEGER_KIND && value->value.integer > 0) {
        id = (uint64_t)value->value.integer;
    } else if (is_text(value)) {
        kee_buf_clear(text);
        kee_ls_put_string(text, value);
        if (!kee_bytes_decimal(kee_buf_bytes(text), &id)) {
            id = 0;
        }
    }
    return id < kee_ls_of(the)->ids.export_id ? id : 0;
}

/* A base vref, copied into key; throws unless it is of a foreign kind. */
static struct kee_kind *take_base(txMachine *the, const char *function, txSlot *value,
                                  struct kee_key *key, uint64_t *instance)
{
    struct kee_buf *text = &kee_ls_of(the)->text;
    struct kee_vref_parts parts;
    struct kee_kind *kind = NULL;

    if (is_text(value)) {
        kee_buf_clear(text);
        kee_ls_put_string(text, value);
        if (kee_vref_parse(kee_buf_bytes(text), &parts) && parts.is_virtual && !parts.has_facet) {
            kind = kee_kind_of(kee_ls_of(the), parts.id);
        }
    }
    if (kind == NULL || !kind->foreign || kind->durable != parts.is_durable ||
        parts.instance == 0) {
        wrong(the, function, "a base reference such as \"o+d12/1\" of a registered kind", value);
        return NULL;
    }
    *instance = parts.instance;
    kee_kind_base(key, kind, parts.instance);
    return kind;
}

static struct kee_state *state_argument(txMachine *the, struct kee_field_name *name)
{
    struct kee_key base;
    uint64_t instance;
    txSlot *value = kee_kind_push_argument(the, 0);
    struct kee_kind *kind = take_base(the, "field", value, &base, &instance);
    struct kee_state *state = kee_state_of(the, kind, instance);

    if (name != NULL) {
        txSlot *at = fxAt(the, kee_kind_push_argument(the, 1));
        *name = (struct kee_field_name){at->value.at.id, at->value.at.index};
    }
    return state;
}

/* ---- Kinds ---- */

static bool has_descriptor(txMachine *the, uint64_t id)
{
    struct kee_key key;
    struct kee_bytes value;

    kee_key_begin(&key, "vom.dkind.");
    kee_key_decimal(&key, id);
    kee_key_put(&key, kee_bytes_str(".descriptor"));
    return kee_vom_get(the, kee_key_bytes(&key), &value);
}

static void save_next(txMachine *the, const struct kee_kind *kind)
{
    struct kee_key key;

    if (kind->durable) {
        kee_key_begin(&key, "vom.dkind.");
        kee_key_decimal(&key, kind->id);
        kee_key_put(&key, kee_bytes_str(".nextID"));
        kee_vom_set_number(the, &key, kind->next_instance);
    }
}

static struct kee_kind *new_kind(txMachine *the, uint64_t id, bool durable)
{
    struct kee_kind *kind = kee_kind_add(the, id, KEE_KIND_USER, durable);

    kee_buf_put_str(&kind->tag, "kind ");
    kee_buf_put_decimal(&kind->tag, id);
    kee_ls_check(the, kee_buf_status(&kind->tag));
    kee_kind_save(the, kind);
    save_next(the, kind);
    return kind;
}

/* The kind that the first argument of registerKind() names: by its handle or its id. */
static struct kee_kind *named_kind(txMachine *the, txSlot *name, bool durable)
{
    struct kee_kind *kind = kee_kind_of_handle(the, name);

    if (kind == NULL) {
        uint64_t id = kind_id(the, name);
        if (id == 0) {
            wrong(the, "registerKind",
                  "a kind handle, or a number that allocateNextID(\"exportID\") gave", name);
        }
        kind = kee_kind_of(kee_ls_of(the), id);
        if (kind == NULL) {
            kind = has_descriptor(the, id) ? kee_kind_load(the, id) : new_kind(the, id, durable);
        }
    }
    if (kind->sort != KEE_KIND_USER || kind->durable != durable) {
        kee_ls_throw(the, XS_TYPE_ERROR, "registerKind: kind %llu is %s",
                     (unsigned long long)kind->id,
                     kind->sort != KEE_KIND_USER ? "one of liveslots' own"
                     : kind->durable             ? "durable, and stays so"
                                                 : "not durable, and stays so");
    }
    if (kind->defined) {
        kee_kind_error(the, kind, "redefinition of kind \"%.*s\"");
    }
    return kind;
}

static const txSlot *push_function(txMachine *the, txInteger i, const char *what)
{
    txSlot *value = kee_kind_push_argument(the, i);

    if (value->kind == XS_UNDEFINED_KIND) {
        return NULL;
    }
    if (!fxIsCallable(the, value)) {
        wrong(the, "registerKind", what, value);
    }
    return value;
}

void kee_foreign_register_kind(txMachine *the)
{
    kee_kind_require_liveslots(the);
    txSlot *name = kee_kind_push_argument(the, 0);
    const txSlot *reanimator = push_function(the, 1, "a function that revives an object");
    const txSlot *deleter = push_function(the, 2, "a function that hears of a deletion");
    txSlot *durable = kee_kind_push_argument(the, 3);
    const txSlot *sleeper = push_function(the, 4, "a function that hears of sleep");

    if (reanimator == NULL) {
        wrong(the, "registerKind", "a function that revives an object",
              kee_kind_push_argument(the, 1));
        return;
    }
    struct kee_kind *kind =
        named_kind(the, name, durable->kind == XS_UNDEFINED_KIND || fxToBoolean(the, durable));
    kind->foreign = true;
    kind->defined = true;
    kee_kind_set_part(kind, KEE_KIND_REANIMATOR, reanimator);
    kee_hooks_set(the, kind, deleter, sleeper);
}

void kee_foreign_allocate_id(txMachine *the)
{
    struct kee_ls *ls;
    uint64_t id = 0;

    kee_kind_require_liveslots(the);
    ls = kee_ls_of(the);
    txSlot *name = kee_kind_push_argument(the, 0);
    const char *text = is_text(name) ? name->value.string : "";
    if (strcmp(text, "exportID") == 0) {
        id = kee_ls_next_export_id(ls);
    } else if (strcmp(text, "collectionID") == 0) {
        id = kee_ls_next_collection_id(ls);
    } else if (strcmp(text, "promiseID") == 0) {
        id = kee_ls_next_promise_id(ls);
    } else {
        wrong(the, "allocateNextID", "\"exportID\", \"collectionID\" or \"promiseID\"", name);
    }
    mxResult->kind = XS_NUMBER_KIND;
    mxResult->value.number = (double)id;
    if (id <= INT32_MAX) {
        mxResult->kind = XS_INTEGER_KIND;
        mxResult->value.integer = (txInteger)id;
    }
}

void kee_foreign_set_maker(txMachine *the)
{
    struct kee_kind *kind = kee_kind_of_handle(the, kee_kind_push_argument(the, 0));
    txSlot *function = kee_kind_push_argument(the, 1);

    if (kind == NULL || !fxIsCallable(the, function)) {
        mxTypeError("a kind handle and a function are wanted");
    }
    kee_kind_set_maker(the, kind, function);
}

/* ---- Objects ---- */

/* Names value, on the stack, by base. Throws unless it can be named so. */
static void name_value(txMachine *the, struct kee_kind *kind, struct kee_bytes base, txSlot *value)
{
    struct kee_ls_entry *entry;
    struct kee_ls_vref old;

    kee_ls_harden(the, value);
    if (kee_ls_pass_style(the, value) != KEE_STYLE_REMOTABLE) {
        char text[200];
        kee_describe_value(the, value, text, sizeof(text));
        kee_ls_throw(the, XS_TYPE_ERROR,
                     "an object of kind \"%.*s\" must be a remotable, such as Far(name, methods), "
                     "not %s",
                     (int)kind->tag.size, (const char *)kind->tag.data, text);
    }
    if (kee_ls_vref_of(the, value, &old)) {
        if (kee_bytes_equal(kee_ls_vref_bytes(&old), base)) {
            return;
        }
        kee_ls_throw(the, XS_TYPE_ERROR, "%.*s cannot become %.*s: an object has one name",
                     (int)old.size, old.text, (int)base.size, (const char *)base.data);
    }
    entry = kee_ls_entry_of(kee_ls_of(the), base);
    if (entry != NULL && kee_ls_entry_object(entry) != NULL) {
        kee_ls_throw(the, XS_TYPE_ERROR, "%.*s is another object in memory already", (int)base.size,
                     (const char *)base.data);
    }
    kee_ls_register(the, base, value->value.reference);
}

void kee_foreign_push(txMachine *the, struct kee_kind *kind, uint64_t instance,
                      struct kee_bytes base)
{
    volatile bool thrown = false;
    txSlot *result;

    if (!kee_state_is_stored(the, kind, instance)) {
        kee_ls_throw(the, XS_REFERENCE_ERROR, "%.*s is gone: nothing reached it any more",
                     (int)base.size, (const char *)base.data);
    }
    mxPushUndefined();
    result = the->stack;
    kee_hooks_enter(the, kind, instance, "revived");
    {
        mxTry(the)
        {
            mxPushUndefined();
            mxPushSlot(kind->parts[KEE_KIND_REANIMATOR]);
            mxCall();
            kee_ls_push_string(the, base);
            mxRunCount(1);
            name_value(the, kind, base, the->stack);
            result->kind = the->stack->kind;
            result->value = the->stack->value;
        }
        mxCatch(the)
        {
            thrown = true;
        }
    }
    the->stack = result;
    kee_hooks_leave(kee_ls_of(the)->vom);
    if (thrown) {
        fxJump(the);
    }
}

/* Gives a new instance its row. */
static void store_new(txMachine *the, struct kee_kind *kind, uint64_t instance,
                      struct kee_bytes base)
{
    struct kee_state *state = kee_state_new(the, kind, instance);

    state->dirty = true;
    kee_state_enter(the, state);
    kee_hooks_loose(the, base, true);
}

void kee_foreign_register_value(txMachine *the)
{
    struct kee_key base;
    uint64_t instance;

    kee_kind_require_liveslots(the);
    txSlot *name = kee_kind_push_argument(the, 0);
    txSlot *value = kee_kind_push_argument(the, 1);
    struct kee_kind *kind = take_base(the, "registerValue", name, &base, &instance);
    if (mxArgc > 2 && fxToBoolean(the, mxArgv(2))) {
        kee_kind_error(the, kind, "objects of the registered kind \"%.*s\" have no facets");
    }
    name_value(the, kind, kee_key_bytes(&base), value);
    if (!kee_state_is_stored(the, kind, instance)) {
        store_new(the, kind, instance, kee_key_bytes(&base));
    }
    if (instance >= kind->next_instance) {
        kind->next_instance = instance + 1;
        save_next(the, kind);
    }
}

void kee_foreign_new(txMachine *the)
{
    struct kee_kind *kind = kee_kind_of_handle(the, kee_kind_push_argument(the, 0));
    struct kee_key base;

    if (kind == NULL || !kind->foreign) {
        mxTypeError("the handle of a registered kind is wanted");
        return;
    }
    kee_kind_base(&base, kind, kind->next_instance);
    store_new(the, kind, kind->next_instance, kee_key_bytes(&base));
    kind->next_instance++;
    save_next(the, kind);
    kee_ls_push_string(the, kee_key_bytes(&base));
    mxPullSlot(mxResult);
}

void kee_foreign_discard(txMachine *the)
{
    struct kee_key base;
    uint64_t instance;
    struct kee_kind *kind =
        take_base(the, "discard", kee_kind_push_argument(the, 0), &base, &instance);

    (void)kee_state_delete(the, kind, instance);
    kee_hooks_loose(the, kee_key_bytes(&base), false);
}

/* ---- Fields ---- */

void kee_foreign_field_get(txMachine *the)
{
    struct kee_field_name name;
    struct kee_state *state = state_argument(the, &name);

    if (kee_state_field(state, name) != NULL) {
        kee_state_push_field(the, state, name);
        mxPullSlot(mxResult);
    }
}

void kee_foreign_field_set(txMachine *the)
{
    struct kee_field_name name;
    struct kee_state *state = state_argument(the, &name);
    txSlot *value = kee_kind_push_argument(the, 2);

    kee_ls_harden(the, value);
    kee_state_field_set(the, state, name, value);
}

void kee_foreign_field_has(txMachine *the)
{
    struct kee_field_name name;
    struct kee_state *state = state_argument(the, &name);

    mxResult->kind = XS_BOOLEAN_KIND;
    mxResult->value.boolean = kee_state_field(state, name) != NULL;
}

void kee_foreign_field_delete(txMachine *the)
{
    struct kee_field_name name;
    struct kee_state *state = state_argument(the, &name);

    mxResult->kind = XS_BOOLEAN_KIND;
    mxResult->value.boolean = kee_state_field_delete(the, state, name);
}

void kee_foreign_field_names(txMachine *the)
{
    const struct kee_state *state = state_argument(the, NULL);

    fxNewArray(the, 0);
    for (size_t i = 0; i < state->count; i++) {
        txSlot *names = the->stack;
        kee_key_of_name(the, state->fields[i].name);
        mxPushSlot(names);
        fxSetAll(the, XS_NO_ID, (txIndex)i);
        mxPop();
    }
    mxPullSlot(mxResult);
}
