/* SPDX-License-Identifier: Apache-2.0 */
/* The methods of stores, and their iterators. */
#include "vat/liveslots/collections.h"

#include "vat/liveslots/durable.h"

static txSlot *push_argument(txMachine *the, txInteger i)
{
    if (i < mxArgc) {
        mxPushSlot(mxArgv(i));
    } else {
        mxPushUndefined();
    }
    return the->stack;
}

static void give_boolean(txMachine *the, bool value)
{
    mxResult->kind = XS_BOOLEAN_KIND;
    mxResult->value.boolean = value;
}

static void this_map(txMachine *the, struct kee_store *store)
{
    kee_store_of(the, mxThis, store);
    if (store->set) {
        mxTypeError("this method belongs to map stores");
    }
}

static void this_set(txMachine *the, struct kee_store *store)
{
    kee_store_of(the, mxThis, store);
    if (!store->set) {
        mxTypeError("this method belongs to set stores");
    }
}

static void this_strong(txMachine *the, struct kee_store *store)
{
    kee_store_of(the, mxThis, store);
    if (store->weak) {
        mxTypeError("the entries of a weak store cannot be listed");
    }
}

void kee_store_method_has(txMachine *the)
{
    struct kee_store store;
    kee_store_of(the, mxThis, &store);
    give_boolean(the, kee_store_has(the, &store, push_argument(the, 0)));
}

void kee_store_method_get(txMachine *the)
{
    struct kee_store store;
    this_map(the, &store);
    kee_store_push_get(the, &store, push_argument(the, 0));
    mxPullSlot(mxResult);
}

void kee_store_method_init(txMachine *the)
{
    struct kee_store store;
    this_map(the, &store);
    txSlot *key = push_argument(the, 0);
    kee_store_init(the, &store, key, push_argument(the, 1), false);
}

void kee_store_method_set(txMachine *the)
{
    struct kee_store store;
    this_map(the, &store);
    txSlot *key = push_argument(the, 0);
    kee_store_set(the, &store, key, push_argument(the, 1));
}

void kee_store_method_delete(txMachine *the)
{
    struct kee_store store;
    kee_store_of(the, mxThis, &store);
    kee_store_delete(the, &store, push_argument(the, 0));
}

static void add(txMachine *the, const struct kee_store *store, txSlot *key)
{
    if (!kee_store_has(the, store, key)) {
        mxPushNull();
        kee_store_init(the, store, key, the->stack, true);
        mxPop();
    }
}

void kee_store_method_add(txMachine *the)
{
    struct kee_store store;
    this_set(the, &store);
    add(the, &store, push_argument(the, 0));
}

/* Replaces the value on the stack, a copySet or copyMap, by an array of what is in it. */
static void open_copy(txMachine *the, const char *tool)
{
    txSlot *value = the->stack;
    mxPushUndefined();
    kee_vom_push_tool(the, tool);
    mxCall();
    mxPushSlot(value);
    mxRunCount(1);
    value->kind = the->stack->kind;
    value->value = the->stack->value;
    mxPop();
}

static bool is_iterable(txMachine *the, txSlot *value)
{
    if (value->kind == XS_UNDEFINED_KIND || value->kind == XS_NULL_KIND) {
        return false;
    }
    mxPushSlot(value);
    mxGetID(mxID(_Symbol_iterator));
    bool is = fxIsCallable(the, the->stack);
    mxPop();
    return is;
}

void kee_store_method_add_all(txMachine *the)
{
    struct kee_store store;
    kee_store_of(the, mxThis, &store);
    txSlot *source = push_argument(the, 0);
    if (!is_iterable(the, source)) {
        if (source->kind != XS_REFERENCE_KIND) {
            kee_ls_throw(the, XS_UNKNOWN_ERROR, "provided data source is not iterable");
        }
        open_copy(the, store.set ? "getCopySetKeys" : "getCopyMapEntries");
    }
    mxPushUndefined();
    txSlot *iterator = the->stack;
    mxPushUndefined();
    txSlot *next = the->stack;
    mxPushUndefined();
    txSlot *item = the->stack;
    fxGetIterator(the, source, iterator, next, 0);
    while (fxIteratorNext(the, iterator, next, item)) {
        if (store.set) {
            add(the, &store, item);
            continue;
        }
        mxPushSlot(item);
        fxGetAll(the, XS_NO_ID, 0);
        txSlot *key = the->stack;
        mxPushSlot(item);
        fxGetAll(the, XS_NO_ID, 1);
        txSlot *value = the->stack;
        if (kee_store_has(the, &store, key)) {
            kee_store_set(the, &store, key, value);
        } else {
            kee_store_init(the, &store, key, value, true);
        }
        mxPop();
        mxPop();
    }
}

/* ---- Iterators ----
 *
 * An iterator knows its store, the encoded key it gave last, the patterns it selects by, and how many
 * additions the store had seen: adding keys during an iteration is refused, deleting is not. */

enum { GIVE_KEYS = 1, GIVE_VALUES = 2, DONE = 4 };

static bool selects(const txSlot *pattern)
{
    return pattern->kind == XS_REFERENCE_KIND;
}

/* Pushes an iterator over the store. Patterns are arguments first and second of the method. */
static void push_iterator(txMachine *the, const struct kee_store *store, int32_t mode)
{
    txSlot *key_shape = push_argument(the, 0);
    txSlot *value_shape = push_argument(the, 1);
    mxPushSlot(kee_tag_find(
        kee_tag_find(mxPromiseConstructor.value.reference, KEE_TAG_ROOT)->value.reference,
        KEE_VOM_TAG_PROTOS));
    fxGetAll(the, XS_NO_ID, KEE_STORE_PROTO_ITERATOR);
    txSlot *iterator = fxNewObjectInstance(the);
    mxPushReference(store->instance);
    kee_vom_put(the, iterator, KEE_VOM_TAG_COHORT, the->stack);
    mxPop();
    kee_vom_put(the, iterator, KEE_VOM_TAG_KEY_SHAPE, key_shape);
    kee_vom_put(the, iterator, KEE_VOM_TAG_VALUE_SHAPE, value_shape);
    kee_vom_put_integer(the, iterator, KEE_VOM_TAG_GENERATION, kee_store_generation(store));
    kee_vom_put_integer(the, iterator, KEE_VOM_TAG_MODE, mode);
    mxPushUndefined();
    kee_vom_put(the, iterator, KEE_VOM_TAG_VALUE, the->stack);
    mxPop();
    kee_kind_seal(iterator);
}

static bool matches(txMachine *the, txSlot *value, const txSlot *pattern)
{
    if (!selects(pattern)) {
        return true;
    }
    mxPushUndefined();
    kee_vom_push_tool(the, "matches");
    mxCall();
    mxPushSlot(value);
    mxPushSlot(pattern);
    mxRunCount(2);
    bool fits = fxToBoolean(the, the->stack);
    mxPop();
    return fits;
}

/* Takes the iterator's next row; at is where it stands. False at the end. */
static bool next_row(txMachine *the, txSlot *iterator, const struct kee_store *store,
                     struct kee_key *at, size_t *prefix_size)
{
    txSlot *last = kee_tag_find(iterator, KEE_VOM_TAG_VALUE);
    struct kee_bytes found, row;
    struct kee_key end;
    kee_store_prefix(at, store->id);
    *prefix_size = at->size;
    end = *at;
    kee_key_put(&end, kee_bytes_str("{")); /* behind every encoded key, before every other row */
    if (last->kind == XS_STRING_KIND || last->kind == XS_STRING_X_KIND) {
        struct kee_buf *text = &kee_ls_of(the)->text;
        kee_buf_clear(text);
        kee_ls_put_string(text, last);
        kee_key_put(at, kee_buf_bytes(text));
    }
    if (!kee_vom_next(the, kee_bytes_of(end.text, *prefix_size), kee_key_bytes(at), &found, &row) ||
        kee_bytes_compare(found, kee_key_bytes(&end)) >= 0) {
        return false;
    }
    at->size = 0;
    kee_key_put(at, found);
    kee_ls_push_string(the, kee_bytes_of(at->text + *prefix_size, at->size - *prefix_size));
    kee_vom_put(the, iterator, KEE_VOM_TAG_VALUE, the->stack);
    mxPop();
    return true;
}

/* Pushes key and value of the row, each undefined if nobody needs it; false if patterns pass it over,
 * with nothing pushed. */
static bool push_selected(txMachine *the, txSlot *iterator, const struct kee_store *store,
                          const struct kee_key *at, size_t prefix_size, int32_t mode)
{
    txSlot *key_shape = kee_tag_find(iterator, KEE_VOM_TAG_KEY_SHAPE);
    txSlot *value_shape = kee_tag_find(iterator, KEE_VOM_TAG_VALUE_SHAPE);
    struct kee_bytes row;
    if ((mode & GIVE_KEYS) || selects(key_shape)) {
        kee_store_decode(the, kee_bytes_of(at->text + prefix_size, at->size - prefix_size));
    } else {
        mxPushUndefined();
    }
    if (!matches(the, the->stack, key_shape)) {
        mxPop();
        return false;
    }
    if (((mode & GIVE_VALUES) || selects(value_shape)) &&
        kee_vom_get(the, kee_key_bytes(at), &row)) {
        kee_store_push_value(the, store, row);
    } else {
        mxPushUndefined();
    }
    if (!matches(the, the->stack, value_shape)) {
        mxPop();
        mxPop();
        return false;
    }
    return true;
}

/* Pushes what the iterator gives next; false at the end, with nothing pushed. */
static bool push_next(txMachine *the, txSlot *iterator)
{
    txSlot *mode = kee_tag_find(iterator, KEE_VOM_TAG_MODE);
    struct kee_store store;
    struct kee_key at;
    size_t prefix_size;
    if (mode->value.integer & DONE) {
        return false;
    }
    kee_store_of(the, kee_tag_find(iterator, KEE_VOM_TAG_COHORT), &store);
    if (kee_store_generation(&store) !=
        kee_tag_find(iterator, KEE_VOM_TAG_GENERATION)->value.integer) {
        mode->value.integer |= DONE;
        kee_ls_throw(the, XS_UNKNOWN_ERROR, "keys in store cannot be added to during iteration");
    }
    do {
        if (!next_row(the, iterator, &store, &at, &prefix_size)) {
            mode->value.integer |= DONE;
            return false;
        }
    } while (!push_selected(the, iterator, &store, &at, prefix_size, mode->value.integer));
    txSlot *key = the->stack + 1, *value = the->stack;
    if ((mode->value.integer & (GIVE_KEYS | GIVE_VALUES)) == (GIVE_KEYS | GIVE_VALUES)) {
        mxPush(mxArrayPrototype);
        txSlot *pair = fxNewArrayInstance(the);
        fxNextSlotProperty(the, fxNextSlotProperty(the, pair->next, key, XS_NO_ID, XS_NO_FLAG),
                           value, XS_NO_ID, XS_NO_FLAG);
        pair->next->value.array.length = 2;
        fxCacheArray(the, pair);
        key->kind = the->stack->kind;
        key->value = the->stack->value;
        mxPop();
    } else if (mode->value.integer & GIVE_VALUES) {
        key->kind = value->kind;
        key->value = value->value;
    }
    mxPop();
    return true;
}

static void push_result(txMachine *the, bool done)
{
    /* The value is on the stack already. */
    txSlot *value = the->stack;
    mxPush(mxObjectPrototype);
    txSlot *result = fxNewObjectInstance(the);
    txSlot *last = fxNextSlotProperty(the, result, value, mxID(_value), XS_NO_FLAG);
    last = last->next = fxNewSlot(the);
    last->ID = mxID(_done);
    last->kind = XS_BOOLEAN_KIND;
    last->value.boolean = done;
    mxPullSlot(mxResult);
}

static txSlot *this_iterator(txMachine *the)
{
    if (kee_ls_of(the) == NULL || mxThis->kind != XS_REFERENCE_KIND ||
        kee_tag_find(mxThis->value.reference, KEE_VOM_TAG_MODE) == NULL) {
        mxTypeError("this is no iterator over a store");
    }
    return mxThis->value.reference;
}

void kee_store_iterator_next(txMachine *the)
{
    bool more = push_next(the, this_iterator(the));
    if (!more) {
        mxPushUndefined();
    }
    push_result(the, !more);
}

void kee_store_iterator_return(txMachine *the)
{
    kee_tag_find(this_iterator(the), KEE_VOM_TAG_MODE)->value.integer |= DONE;
    push_argument(the, 0);
    push_result(the, true);
}

static void give_iterator(txMachine *the, int32_t mode)
{
    struct kee_store store;
    this_strong(the, &store);
    push_iterator(the, &store, store.set ? GIVE_KEYS : mode);
    mxPullSlot(mxResult);
}

void kee_store_method_keys(txMachine *the)
{
    give_iterator(the, GIVE_KEYS);
}

void kee_store_method_values(txMachine *the)
{
    give_iterator(the, GIVE_VALUES);
}

void kee_store_method_entries(txMachine *the)
{
    struct kee_store store;
    this_map(the, &store);
    give_iterator(the, GIVE_KEYS | GIVE_VALUES);
}

void kee_store_method_snapshot(txMachine *the)
{
    struct kee_store store;
    this_strong(the, &store);
    mxPushUndefined();
    kee_vom_push_tool(the, store.set ? "makeCopySet" : "makeCopyMap");
    mxCall();
    push_iterator(the, &store, store.set ? GIVE_KEYS : GIVE_KEYS | GIVE_VALUES);
    txSlot *iterator = the->stack;
    /* push_iterator leaves its two patterns below the iterator; the call wants the iterator alone. */
    txSlot *place = the->stack + 2;
    place->kind = iterator->kind;
    place->value = iterator->value;
    the->stack = place;
    mxRunCount(1);
    mxPullSlot(mxResult);
}

void kee_store_method_get_size(txMachine *the)
{
    struct kee_store store;
    uint64_t size = 0;
    this_strong(the, &store);
    if ((mxArgc < 1 || !selects(mxArgv(0))) && (mxArgc < 2 || !selects(mxArgv(1)))) {
        size = kee_store_size(the, &store);
    } else {
        push_iterator(the, &store, GIVE_KEYS);
        txSlot *iterator = the->stack->value.reference;
        while (push_next(the, iterator)) {
            mxPop();
            size++;
        }
    }
    mxResult->kind = XS_INTEGER_KIND;
    mxResult->value.integer = (txInteger)size;
}

void kee_store_method_clear(txMachine *the)
{
    struct kee_store store;
    this_strong(the, &store);
    if ((mxArgc < 1 || !selects(mxArgv(0))) && (mxArgc < 2 || !selects(mxArgv(1)))) {
        kee_store_clear(the, &store);
        return;
    }
    push_iterator(the, &store, GIVE_KEYS);
    txSlot *iterator = the->stack->value.reference;
    while (push_next(the, iterator)) {
        kee_store_delete(the, &store, the->stack);
        mxPop();
    }
}

/* The names of all methods of a store, as remotables made by Far have them. */
void kee_store_method_names(txMachine *the)
{
    struct kee_store store;
    kee_store_of(the, mxThis, &store);
    mxPush(mxArrayPrototype);
    txSlot *array = fxNewArrayInstance(the);
    txSlot *item = array->next;
    mxBehaviorOwnKeys(the, store.instance->value.instance.prototype, XS_EACH_NAME_FLAG,
                      array->next);
    while ((item = item->next) != NULL) {
        array->next->value.array.length++;
        fxKeyAt(the, item->value.at.id, item->value.at.index, item);
    }
    fxCacheArray(the, array);
    txSlot *names = the->stack;
    mxPushSlot(names);
    mxDub();
    mxGetID(mxID(_sort));
    mxCall();
    mxRunCount(0);
    mxPop();
    kee_ls_harden(the, names);
    mxPullSlot(mxResult);
}

/* ---- VatData's makers ---- */

static void make(txMachine *the, enum kee_store_sort sort, const char *label_default)
{
    if (kee_ls_of(the) == NULL || kee_ls_of(the)->vom == NULL ||
        kee_ls_of(the)->vom->home == NULL) {
        mxTypeError("durable state is not there before the vat starts");
    }
    txSlot *label = push_argument(the, 0);
    if (label->kind == XS_UNDEFINED_KIND) {
        kee_ls_push_string(the, kee_bytes_str(label_default));
        label = the->stack;
    } else if (label->kind != XS_STRING_KIND && label->kind != XS_STRING_X_KIND) {
        char text[100];
        kee_describe_value(the, label, text, sizeof(text));
        kee_ls_throw(the, XS_UNKNOWN_ERROR, "the label of a store must be a string, not %s", text);
    }
    kee_store_push_new(the, sort, label, push_argument(the, 1));
    mxPullSlot(mxResult);
}

void kee_store_make_map(txMachine *the)
{
    make(the, KEE_STORE_MAP, "map");
}
void kee_store_make_weak_map(txMachine *the)
{
    make(the, KEE_STORE_WEAK_MAP, "weakMap");
}
void kee_store_make_set(txMachine *the)
{
    make(the, KEE_STORE_SET, "set");
}
void kee_store_make_weak_set(txMachine *the)
{
    make(the, KEE_STORE_WEAK_SET, "weakSet");
}
