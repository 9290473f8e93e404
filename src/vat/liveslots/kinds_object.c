/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Objects of kinds in memory, and the calls of their methods.
 *
 *   single   representative ──proto──► methods of the kind     named by its base vref
 *   multi    facet i ──proto──► methods of facet i
 *              │ ▲                                             named by base vref :i
 *              ▼ │
 *            cohort ──► record of all facets                   the cohort is named by the base vref
 *
 * The cohort is reachable from each facet and holds them all, so facets live and die together.
 */
#include "vat/liveslots/durable.h"
#include "vat/liveslots/kinds.h"

#include <stdio.h>

void kee_kind_base(struct kee_key *out, const struct kee_kind *kind, uint64_t instance)
{
    kee_key_begin(out, kind->durable ? "o+d" : "o+v");
    kee_key_decimal(out, kind->id);
    kee_key_put(out, kee_bytes_str("/"));
    kee_key_decimal(out, instance);
}

static void push_single(txMachine *the, struct kee_kind *kind, struct kee_bytes base)
{
    mxPushSlot(kind->parts[KEE_KIND_PROTO]);
    fxNewObjectInstance(the);
    kee_ls_register(the, base, the->stack->value.reference);
    kee_kind_seal(the->stack->value.reference);
}

/* Leaves the record of facets. */
static void push_cohort(txMachine *the, struct kee_kind *kind, struct kee_bytes base)
{
    txSlot *cohort, *record;
    mxPush(mxObjectPrototype);
    record = fxNewObjectInstance(the);
    cohort = kee_vom_push_holder(the);
    kee_vom_put(the, cohort, KEE_VOM_TAG_COHORT, the->stack + 1);
    kee_vom_put(the, record, KEE_VOM_TAG_RECORD, the->stack); /* for weak collections */
    for (size_t i = 0; i < kind->facet_count; i++) {
        mxPushSlot(kind->parts[KEE_KIND_PROTO]);
        fxGetAll(the, XS_NO_ID, (txIndex)i);
        txSlot *facet = fxNewObjectInstance(the);
        kee_vom_put_integer(the, facet, KEE_VOM_TAG_FACET, (int32_t)i);
        kee_vom_put(the, facet, KEE_VOM_TAG_COHORT, the->stack + 1);
        kee_kind_seal(facet);
        mxPushSlot(kind->parts[KEE_KIND_NAMES]);
        fxGetAll(the, XS_NO_ID, (txIndex)i);
        txSlot *at = fxAt(the, the->stack);
        txID id = at->value.at.id;
        txIndex index = at->value.at.index;
        mxPop();
        mxBehaviorDefineOwnProperty(the, record, id, index, the->stack,
                                    XS_DONT_DELETE_FLAG | XS_DONT_ENUM_FLAG | XS_DONT_SET_FLAG);
        mxPop();
    }
    kee_ls_register(the, base, the->stack->value.reference);
    mxPop();
    kee_ls_harden(the, the->stack);
}

void kee_kind_push_new(txMachine *the, struct kee_kind *kind, struct kee_bytes base)
{
    if (kind->multi) {
        push_cohort(the, kind, base);
    } else {
        push_single(the, kind, base);
    }
}

void kee_kind_push_object(txMachine *the, struct kee_bytes vref, const struct kee_vref_parts *parts)
{
    struct kee_kind *kind = kee_kind_of(kee_ls_of(the), parts->id);
    if (kind->sort != KEE_KIND_USER) {
        if (kind->sort == KEE_KIND_HANDLES) {
            kee_kind_push_handle(the, parts->instance);
        } else {
            kee_kind_push_maker(the, parts->instance);
        }
        return;
    }
    struct kee_key base; /* a copy: vref may be borrowed from where names are looked up */
    kee_key_begin(&base, "");
    kee_key_put(&base, kee_vom_base(vref));
    if (parts->has_facet != kind->multi || (kind->multi && parts->facet >= kind->facet_count)) {
        kee_ls_throw(the, XS_UNKNOWN_ERROR, "%.*s: kind \"%.*s\" has %zu facets", (int)vref.size,
                     (const char *)vref.data, (int)kind->tag.size, (const char *)kind->tag.data,
                     kind->facet_count);
    }
    struct kee_ls_entry *entry = kee_ls_entry_of(kee_ls_of(the), kee_key_bytes(&base));
    txSlot *object = entry == NULL ? NULL : kee_ls_entry_object(entry);
    if (object == NULL && kind->foreign) {
        kee_foreign_push(the, kind, parts->instance, kee_key_bytes(&base));
    } else if (object == NULL) {
        kee_kind_push_new(the, kind, kee_key_bytes(&base));
    } else if (kind->multi) {
        mxPushSlot(kee_tag_find(object, KEE_VOM_TAG_COHORT));
    } else {
        mxPushReference(object);
    }
    if (kind->multi) {
        mxPushSlot(kind->parts[KEE_KIND_NAMES]);
        fxGetAll(the, XS_NO_ID, (txIndex)parts->facet);
        txSlot *at = fxAt(the, the->stack);
        txID id = at->value.at.id;
        txIndex index = at->value.at.index;
        mxPop();
        fxGetAll(the, id, index);
    }
}

/* ---- Which object of the kind is value? ---- */

#define FACET_NONE (-1)
#define FACET_ANY (-2)

/* Gives the instance if value is an object of kind (and that facet), 0 otherwise. */
static uint64_t instance_of(txMachine *the, const txSlot *value, const struct kee_kind *kind,
                            int32_t facet)
{
    txSlot *named, *number;
    if (value->kind != XS_REFERENCE_KIND) {
        return 0;
    }
    named = value->value.reference;
    number = kee_tag_find(named, KEE_VOM_TAG_FACET);
    if ((number == NULL) != (facet == FACET_NONE)) {
        return 0;
    }
    if (number != NULL) {
        if (facet != FACET_ANY && number->value.integer != facet) {
            return 0;
        }
        named = kee_tag_find(named, KEE_VOM_TAG_COHORT)->value.reference;
    }
    const struct kee_ls_entry *entry = kee_vom_entry(the, named);
    return entry != NULL && entry->number == kind->id ? entry->instance : 0;
}

static txSlot *home(txMachine *the)
{
    return mxFunctionInstanceHome(mxFunction->value.reference)->value.home.object;
}

static struct kee_kind *home_kind(txMachine *the)
{
    struct kee_kind *kind = NULL;
    if (kee_ls_of(the) != NULL) {
        kind = kee_kind_of(kee_ls_of(the), kee_vom_number(home(the), KEE_VOM_TAG_KIND));
    }
    if (kind == NULL) {
        mxTypeError("no such kind");
    }
    return kind;
}

static int32_t home_facet(txMachine *the)
{
    txSlot *facet = kee_tag_find(home(the), KEE_VOM_TAG_FACET);
    return facet == NULL ? FACET_NONE : facet->value.integer;
}

/* What a method throws its caller may keep: it is made passable and hardened, as exos do. */
static void rethrow(txMachine *the)
{
    mxPush(mxException);
    txSlot *thrown = the->stack;
    mxException = mxUndefined;
    if (thrown->kind == XS_REFERENCE_KIND && kee_vom_has_tools(the)) {
        mxPushUndefined();
        kee_vom_push_tool(the, "toThrowable");
        mxCall();
        mxPushSlot(thrown);
        mxRunCount(1);
        thrown = the->stack;
    }
    mxException.kind = thrown->kind;
    mxException.value = thrown->value;
    fxJump(the);
}

static void call_behavior(txMachine *the, struct kee_kind *kind, uint64_t instance, txInteger count)
{
    mxTry(the)
    {
        mxPushUndefined();
        mxPushSlot(kee_tag_find(home(the), KEE_VOM_TAG_VALUE));
        mxCall();
        kee_kind_push_context(the, kind, instance);
        for (txInteger i = 0; i < count; i++) {
            mxPushSlot(mxArgv(i));
        }
        mxRunCount(count + 1);
        mxPullSlot(mxResult);
    }
    mxCatch(the)
    {
        rethrow(the);
    }
}

/* The behaviour of a method without guard: it gets the context first. */
void kee_kind_method(txMachine *the)
{
    struct kee_kind *kind = home_kind(the);
    uint64_t instance = instance_of(the, mxThis, kind, home_facet(the));
    txInteger count = mxArgc;
    if (instance == 0) {
        char text[200];
        mxPushReference(mxFunction->value.reference);
        mxGetID(mxID(_name));
        kee_describe_value(the, mxThis, text, sizeof(text));
        kee_ls_throw(the, XS_UNKNOWN_ERROR, "\"%s\" may only be applied to a valid instance: %s",
                     fxToString(the, the->stack), text);
    }
    call_behavior(the, kind, instance, count);
}

/* What remotables made by npm's exo tell of their guard; a kind with methods of C has none. */
void kee_kind_no_guard(txMachine *the)
{
}

void kee_kind_context_provider(txMachine *the)
{
    struct kee_kind *kind = home_kind(the);
    uint64_t instance = mxArgc < 1 ? 0 : instance_of(the, mxArgv(0), kind, home_facet(the));
    if (instance != 0) {
        kee_kind_push_context(the, kind, instance);
        mxPullSlot(mxResult);
    }
}

static void describe_argument(txMachine *the, char *text, size_t size)
{
    if (mxArgc < 1) {
        snprintf(text, size, "undefined");
    } else {
        kee_describe_value(the, mxArgv(0), text, size);
    }
}

void kee_kind_amplify(txMachine *the)
{
    struct kee_kind *kind = home_kind(the);
    if (mxArgc < 1 || instance_of(the, mxArgv(0), kind, FACET_ANY) == 0) {
        char text[200];
        describe_argument(the, text, sizeof(text));
        kee_ls_throw(the, XS_UNKNOWN_ERROR, "Must be a facet of \"%.*s\": %s", (int)kind->tag.size,
                     (const char *)kind->tag.data, text);
    }
    txSlot *cohort = kee_tag_find(mxArgv(0)->value.reference, KEE_VOM_TAG_COHORT);
    mxPushSlot(kee_tag_find(cohort->value.reference, KEE_VOM_TAG_COHORT));
    mxPullSlot(mxResult);
}

/* The number of the facet that argument 1 names; throws if the kind has none of that name. */
static int32_t facet_argument(txMachine *the, struct kee_kind *kind)
{
    if (mxArgc < 2 || mxArgv(1)->kind == XS_UNDEFINED_KIND) {
        return kind->multi ? FACET_ANY : FACET_NONE;
    }
    for (size_t i = 0; i < kind->facet_count; i++) {
        mxPushSlot(kind->parts[KEE_KIND_NAMES]);
        fxGetAll(the, XS_NO_ID, (txIndex)i);
        bool same = fxIsSameValue(the, the->stack, mxArgv(1), 0);
        mxPop();
        if (same) {
            return (int32_t)i;
        }
    }
    char text[100];
    kee_describe_value(the, mxArgv(1), text, sizeof(text));
    kee_ls_throw(the, XS_UNKNOWN_ERROR,
                 kind->multi
                     ? "exo class kit \"%.*s\" has no facet named %s"
                     : "facetName can only be used with an exo class kit: \"%.*s\" has no facet %s",
                 (int)kind->tag.size, (const char *)kind->tag.data, text);
}

void kee_kind_is_instance(txMachine *the)
{
    struct kee_kind *kind = home_kind(the);
    int32_t facet = facet_argument(the, kind);
    mxResult->kind = XS_BOOLEAN_KIND;
    mxResult->value.boolean = mxArgc > 0 && instance_of(the, mxArgv(0), kind, facet) != 0;
}

/* ---- Making ---- */

/* Pushes what init gives for the arguments of the maker, or an empty record. */
static void push_initial(txMachine *the, struct kee_kind *kind)
{
    txSlot *init = kind->parts[KEE_KIND_INIT];
    txInteger count = mxArgc;
    if (!fxIsCallable(the, init)) {
        fxNewObject(the);
        return;
    }
    mxPushUndefined();
    mxPushSlot(init);
    mxCall();
    for (txInteger i = 0; i < count; i++) {
        mxPushSlot(mxArgv(i));
    }
    mxRunCount(count);
    if (the->stack->kind != XS_REFERENCE_KIND || fxIsCallable(the, the->stack)) {
        char text[100];
        kee_describe_value(the, the->stack, text, sizeof(text));
        kee_ls_throw(the, XS_UNKNOWN_ERROR, "initial data must be object, not %s (kind \"%.*s\")",
                     text, (int)kind->tag.size, (const char *)kind->tag.data);
    }
}

static uint64_t next_instance(txMachine *the, struct kee_kind *kind)
{
    uint64_t instance = kind->next_instance++;
    if (kind->durable) {
        struct kee_key key;
        kee_key_begin(&key, "vom.dkind.");
        kee_key_decimal(&key, kind->id);
        kee_key_put(&key, kee_bytes_str(".nextID"));
        kee_vom_set_number(the, &key, kind->next_instance);
    }
    return instance;
}

void kee_kind_maker(txMachine *the)
{
    struct kee_kind *kind = home_kind(the);
    uint64_t instance = next_instance(the, kind);
    struct kee_key base;
    push_initial(the, kind);
    txSlot *data = the->stack;
    mxPush(mxArrayPrototype);
    txSlot *keys = fxNewArrayInstance(the)->next;
    mxBehaviorOwnKeys(the, data->value.reference, XS_EACH_NAME_FLAG, keys);
    struct kee_state *state = kee_state_new(the, kind, instance);
    for (txSlot *key = keys->next; key != NULL; key = key->next) {
        struct kee_field_name name = {key->value.at.id, key->value.at.index};
        mxPushSlot(data);
        fxGetAll(the, name.id, name.index);
        kee_state_field_set(the, state, name, the->stack);
        mxPop();
    }
    state->dirty = true;
    kee_state_enter(the, state);
    kee_kind_base(&base, kind, instance);
    kee_kind_push_new(the, kind, kee_key_bytes(&base));
    mxPullSlot(mxResult);
    if (kind->tracked) {
        kee_hooks_loose(the, kee_key_bytes(&base), true);
    }
    if (fxIsCallable(the, kind->parts[KEE_KIND_FINISH])) {
        mxPushUndefined();
        mxPushSlot(kind->parts[KEE_KIND_FINISH]);
        mxCall();
        kee_kind_push_context(the, kind, instance);
        mxRunCount(1);
        mxPop();
    }
}
