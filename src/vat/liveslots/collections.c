/* SPDX-License-Identifier: Apache-2.0 */
/* A store and its rows. */
#include "vat/liveslots/collections.h"

#include <stdio.h>

#include "base/assert.h"
#include "vat/liveslots/durable.h"

#define TAG_COUNT "|entryCount"
#define TAG_ORDINAL "|nextOrdinal"
#define TAG_SCHEMATA "|schemata"

/* The shapes of keys that C checks by itself, as their bodies begin. */
#define SHAPE_SCALAR "{\"#tag\":\"match:scalar\",\"payload\":\"#undefined\"}"
#define SHAPE_STRING "{\"#tag\":\"match:string\",\"payload\":[]}"
#define SHAPE_BOTH "{\"#tag\":\"match:and\",\"payload\":[" SHAPE_SCALAR "," SHAPE_STRING "]}"

void kee_store_prefix(struct kee_key *key, uint64_t id)
{
    kee_key_begin(key, "vc.");
    kee_key_decimal(key, id);
    kee_key_put(key, kee_bytes_str("."));
}

static void row_key(struct kee_key *key, uint64_t id, const char *mark, struct kee_bytes tail)
{
    kee_store_prefix(key, id);
    kee_key_put(key, kee_bytes_str(mark));
    kee_key_put(key, tail);
}

static uint64_t number_at(txMachine *the, const struct kee_key *key)
{
    struct kee_bytes value;
    uint64_t n;
    if (!kee_vom_get(the, kee_key_bytes(key), &value) || !kee_bytes_decimal(value, &n)) {
        kee_vom_corrupt(the, kee_key_bytes(key));
    }
    return n;
}

static void store_from(struct kee_store *out, const struct kee_kind *kind, uint64_t id)
{
    out->id = id;
    out->sort = kind->store % KEE_STORE_SORTS;
    out->durable = kind->store >= KEE_STORE_SORTS;
    out->weak = out->sort == KEE_STORE_WEAK_MAP || out->sort == KEE_STORE_WEAK_SET;
    out->set = out->sort == KEE_STORE_SET || out->sort == KEE_STORE_WEAK_SET;
    out->instance = NULL;
}

void kee_store_of(txMachine *the, txSlot *value, struct kee_store *out)
{
    struct kee_ls_entry *entry =
        value->kind == XS_REFERENCE_KIND ? kee_vom_entry(the, value->value.reference) : NULL;
    struct kee_kind *kind = entry == NULL ? NULL : kee_kind_of(kee_ls_of(the), entry->number);
    if (kind == NULL || kind->sort != KEE_KIND_STORE) {
        mxTypeError("this method belongs to stores");
    }
    store_from(out, kind, entry->instance);
    out->instance = value->value.reference;
}

/* ---- Schema ---- */

static enum kee_store_check check_of(struct kee_bytes body)
{
    static const struct {
        const char *start;
        enum kee_store_check check;
    } known[] = {
        {"#{\"keyShape\":" SHAPE_SCALAR ",\"label\":", KEE_CHECK_SCALAR},
        {"#{\"keyShape\":" SHAPE_STRING ",\"label\":", KEE_CHECK_STRING},
        {"#{\"keyShape\":" SHAPE_BOTH ",\"label\":", KEE_CHECK_STRING},
        {"#{\"label\":", KEE_CHECK_ANY},
    };
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (kee_bytes_has_prefix(body, kee_bytes_str(known[i].start))) {
            return known[i].check;
        }
    }
    return KEE_CHECK_PATTERN;
}

static void keep_member(txMachine *the, txSlot *instance, txID tag, const char *name)
{
    mxDub();
    mxGetID(kee_ls_id(the, name));
    kee_vom_put(the, instance, tag, the->stack);
    mxPop();
}

/* What the store is like, read into hidden slots of its object at the first use. */
static enum kee_store_check schema_of(txMachine *the, const struct kee_store *store)
{
    txSlot *slot = kee_tag_find(store->instance, KEE_VOM_TAG_SCHEMA);
    struct kee_bytes row;
    struct kee_key key;
    if (slot != NULL) {
        return (enum kee_store_check)slot->value.integer;
    }
    row_key(&key, store->id, TAG_SCHEMATA, kee_bytes_of(NULL, 0));
    if (!kee_vom_get(the, kee_key_bytes(&key), &row)) {
        mxReferenceError("the store is gone: nothing reached it any more");
    }
    struct kee_ls_capdata *capdata = kee_ls_capdata_new(the);
    struct kee_row_cursor cursor = kee_row_read(row);
    capdata->slot_count = kee_row_capdata(&cursor, &capdata->body, &capdata->slots);
    if (cursor.failed) {
        kee_vom_corrupt(the, kee_key_bytes(&key));
    }
    enum kee_store_check check = check_of(kee_buf_bytes(&capdata->body));
    kee_ls_unserialize(the, kee_buf_bytes(&capdata->body), kee_ls_capdata_slots(capdata));
    kee_ls_capdata_done(kee_ls_of(the), capdata);
    keep_member(the, store->instance, KEE_VOM_TAG_VALUE, "label");
    keep_member(the, store->instance, KEE_VOM_TAG_KEY_SHAPE, "keyShape");
    keep_member(the, store->instance, KEE_VOM_TAG_VALUE_SHAPE, "valueShape");
    mxPop();
    kee_vom_put_integer(the, store->instance, KEE_VOM_TAG_SCHEMA, (int32_t)check);
    return check;
}

const char *kee_store_label(txMachine *the, const struct kee_store *store)
{
    schema_of(the, store);
    txSlot *label = kee_tag_find(store->instance, KEE_VOM_TAG_VALUE);
    return label->kind == XS_STRING_KIND || label->kind == XS_STRING_X_KIND ? label->value.string
                                                                            : "";
}

/* Calls mustMatch(value, shape, `invalid key type for collection "label"`). */
static void must_match(txMachine *the, const struct kee_store *store, txSlot *value,
                       const txSlot *shape, const char *what)
{
    char text[300];
    snprintf(text, sizeof(text), "invalid %s type for collection \"%.200s\"", what,
             kee_store_label(the, store));
    mxPushUndefined();
    kee_vom_push_tool(the, "mustMatch");
    mxCall();
    mxPushSlot(value);
    mxPushSlot(shape);
    kee_ls_push_string(the, kee_bytes_str(text));
    mxRunCount(3);
    mxPop();
}

static bool is_scalar(txMachine *the, txSlot *key)
{
    return key->kind != XS_REFERENCE_KIND || kee_ls_pass_style(the, key) == KEE_STYLE_REMOTABLE;
}

static bool key_fits(txMachine *the, const struct kee_store *store, txSlot *key)
{
    bool fits;
    switch (schema_of(the, store)) {
    case KEE_CHECK_ANY:
    case KEE_CHECK_SCALAR:
        return is_scalar(the, key);
    case KEE_CHECK_STRING:
        return key->kind == XS_STRING_KIND || key->kind == XS_STRING_X_KIND;
    case KEE_CHECK_PATTERN:
        break;
    }
    mxPushUndefined();
    kee_vom_push_tool(the, "matches");
    mxCall();
    mxPushSlot(key);
    mxPushSlot(kee_tag_find(store->instance, KEE_VOM_TAG_KEY_SHAPE));
    mxRunCount(2);
    fits = fxToBoolean(the, the->stack);
    mxPop();
    return fits && is_scalar(the, key);
}

static void insist_key(txMachine *the, const struct kee_store *store, txSlot *key)
{
    if (key_fits(the, store, key)) {
        return;
    }
    enum kee_store_check check = schema_of(the, store);
    if (check == KEE_CHECK_PATTERN) {
        must_match(the, store, key, kee_tag_find(store->instance, KEE_VOM_TAG_KEY_SHAPE), "key");
    }
    char text[200];
    kee_describe_value(the, key, text, sizeof(text));
    kee_ls_throw(the, XS_UNKNOWN_ERROR, "invalid key type for collection \"%s\": %s - Must be a %s",
                 kee_store_label(the, store), text,
                 check == KEE_CHECK_STRING ? "string" : "scalar: a primitive value or a remotable");
}

static void insist_value(txMachine *the, const struct kee_store *store, txSlot *value)
{
    schema_of(the, store);
    txSlot *shape = kee_tag_find(store->instance, KEE_VOM_TAG_VALUE_SHAPE);
    if (shape->kind != XS_UNDEFINED_KIND) {
        must_match(the, store, value, shape, "value");
    }
}

/* ---- Entries ---- */

struct place {
    struct kee_key key; /* of the entry's row */
    bool is_remotable;
    bool has_ordinal;
    struct kee_ls_vref vref;
};

/* Where the entry of key is, or would be. A remotable that was never used here has no ordinal yet. */
static void locate(txMachine *the, const struct kee_store *store, txSlot *key, struct place *out)
{
    struct kee_key ordinal_key;
    struct kee_bytes value;
    uint64_t ordinal;
    out->is_remotable = key->kind == XS_REFERENCE_KIND;
    out->has_ordinal = false;
    kee_store_prefix(&out->key, store->id);
    if (!out->is_remotable) {
        kee_store_encode(the, key, &out->key);
        return;
    }
    kee_ls_slot_for_value(the, key, &out->vref);
    row_key(&ordinal_key, store->id, "|", kee_ls_vref_bytes(&out->vref));
    if (kee_vom_get(the, kee_key_bytes(&ordinal_key), &value)) {
        if (!kee_bytes_decimal(value, &ordinal)) {
            kee_vom_corrupt(the, kee_key_bytes(&ordinal_key));
        }
        out->has_ordinal = true;
        kee_store_encode_vref(kee_ls_vref_bytes(&out->vref), ordinal, &out->key);
    }
}

static bool find(txMachine *the, const struct place *place, struct kee_bytes *row)
{
    return (!place->is_remotable || place->has_ordinal) &&
           kee_vom_get(the, kee_key_bytes(&place->key), row);
}

static void insist_found(txMachine *the, const struct kee_store *store, txSlot *key,
                         struct place *place, struct kee_bytes *row)
{
    insist_key(the, store, key);
    locate(the, store, key, place);
    if (find(the, place, row)) {
        return;
    }
    char text[300];
    kee_describe_value(the, key, text, sizeof(text));
    kee_ls_throw(the, XS_UNKNOWN_ERROR, "key %s not found in collection \"%s\"", text,
                 kee_store_label(the, store));
}

bool kee_store_has(txMachine *the, const struct kee_store *store, txSlot *key)
{
    struct place place;
    struct kee_bytes row;
    if (!key_fits(the, store, key)) {
        return false;
    }
    locate(the, store, key, &place);
    return find(the, &place, &row);
}

void kee_store_push_value(txMachine *the, const struct kee_store *store, struct kee_bytes row)
{
    struct kee_ls_capdata *capdata = kee_ls_capdata_new(the);
    struct kee_row_cursor cursor = kee_row_read(row);
    capdata->slot_count = kee_row_capdata(&cursor, &capdata->body, &capdata->slots);
    if (cursor.failed) {
        struct kee_key key;
        kee_store_prefix(&key, store->id);
        kee_vom_corrupt(the, kee_key_bytes(&key));
    }
    kee_ls_unserialize(the, kee_buf_bytes(&capdata->body), kee_ls_capdata_slots(capdata));
    kee_ls_capdata_done(kee_ls_of(the), capdata);
    insist_value(the, store, the->stack);
}

void kee_store_push_get(txMachine *the, const struct kee_store *store, txSlot *key)
{
    struct place place;
    struct kee_bytes row;
    insist_found(the, store, key, &place, &row);
    kee_store_push_value(the, store, row);
}

static void add_to_count(txMachine *the, const struct kee_store *store, int by)
{
    struct kee_key key;
    if (store->weak) {
        return;
    }
    row_key(&key, store->id, TAG_COUNT, kee_bytes_of(NULL, 0));
    uint64_t count = number_at(the, &key);
    kee_vom_set_number(the, &key, by < 0 ? count - 1 : count + 1);
}

/* Serializes value, checked against shape and durability. */
static struct kee_ls_capdata *value_capdata(txMachine *the, const struct kee_store *store,
                                            txSlot *value)
{
    insist_value(the, store, value);
    struct kee_ls_capdata *capdata = kee_ls_capdata_new(the);
    kee_ls_serialize(the, value, capdata);
    if (store->durable) {
        kee_durable_insist(the, value, capdata, "the value for collection \"%.100s\"",
                           kee_store_label(the, store));
    }
    return capdata;
}

static void write_entry(txMachine *the, const struct kee_key *key,
                        const struct kee_ls_capdata *capdata)
{
    struct kee_buf *row = &kee_ls_of(the)->vom->row;
    kee_buf_clear(row);
    kee_row_put_capdata(row, kee_buf_bytes(&capdata->body), kee_ls_capdata_slots(capdata));
    kee_ls_check(the, kee_buf_status(row));
    kee_vom_set_key(the, key, kee_buf_bytes(row));
}

static void add_all_refs(txMachine *the, struct kee_vp_strings slots)
{
    struct kee_bytes vref;
    while (kee_vp_strings_next(&slots, &vref)) {
        kee_refs_add(the, vref);
    }
}

/* Gives the remotable an ordinal, and place its key. */
static void add_key(txMachine *the, const struct kee_store *store, txSlot *key, struct place *place)
{
    struct kee_bytes vref = kee_ls_vref_bytes(&place->vref);
    struct kee_key next, own;
    if (store->durable && !kee_refs_is_durable(the, vref)) {
        char text[200];
        kee_describe_value(the, key, text, sizeof(text));
        kee_ls_throw(the, XS_UNKNOWN_ERROR, "key (%s) is not durable: collection \"%s\" is", text,
                     kee_store_label(the, store));
    }
    row_key(&next, store->id, TAG_ORDINAL, kee_bytes_of(NULL, 0));
    uint64_t ordinal = number_at(the, &next);
    row_key(&own, store->id, "|", vref);
    kee_vom_set_number(the, &own, ordinal);
    kee_vom_set_number(the, &next, ordinal + 1);
    if (store->weak) {
        kee_refs_add_recognizer(the, vref, store->id);
    } else {
        kee_refs_add(the, vref);
    }
    kee_store_encode_vref(vref, ordinal, &place->key);
}

void kee_store_init(txMachine *the, const struct kee_store *store, txSlot *key, txSlot *value,
                    bool checked)
{
    struct place place;
    struct kee_bytes row;
    insist_key(the, store, key);
    locate(the, store, key, &place);
    if (!checked && find(the, &place, &row)) {
        char text[300];
        kee_describe_value(the, key, text, sizeof(text));
        kee_ls_throw(the, XS_UNKNOWN_ERROR, "key %s already registered in collection \"%s\"", text,
                     kee_store_label(the, store));
    }
    struct kee_ls_capdata *capdata = value_capdata(the, store, value);
    kee_vom_put_integer(the, store->instance, KEE_VOM_TAG_GENERATION,
                        kee_store_generation(store) + 1);
    if (place.is_remotable) {
        add_key(the, store, key, &place);
    }
    add_all_refs(the, kee_ls_capdata_slots(capdata));
    write_entry(the, &place.key, capdata);
    kee_ls_capdata_done(kee_ls_of(the), capdata);
    add_to_count(the, store, 1);
}

int32_t kee_store_generation(const struct kee_store *store)
{
    txSlot *slot = kee_tag_find(store->instance, KEE_VOM_TAG_GENERATION);
    return slot == NULL ? 0 : slot->value.integer;
}

/* The slots of a value's row, without its body. */
static struct kee_ls_capdata *slots_of_row(txMachine *the, const struct kee_key *key,
                                           struct kee_bytes row)
{
    struct kee_ls_capdata *capdata = kee_ls_capdata_new(the);
    struct kee_row_cursor cursor = kee_row_read(row);
    capdata->slot_count = kee_row_capdata(&cursor, NULL, &capdata->slots);
    if (cursor.failed) {
        kee_vom_corrupt(the, kee_key_bytes(key));
    }
    return capdata;
}

void kee_store_set(txMachine *the, const struct kee_store *store, txSlot *key, txSlot *value)
{
    struct place place;
    struct kee_bytes row;
    insist_key(the, store, key);
    kee_ls_harden(the, value);
    struct kee_ls_capdata *after = value_capdata(the, store, value);
    insist_found(the, store, key, &place, &row);
    struct kee_ls_capdata *before = slots_of_row(the, &place.key, row);
    kee_refs_change(the, kee_ls_capdata_slots(before), kee_ls_capdata_slots(after));
    write_entry(the, &place.key, after);
    kee_ls_capdata_done(kee_ls_of(the), before);
    kee_ls_capdata_done(kee_ls_of(the), after);
}

static bool drop_row(txMachine *the, const struct kee_key *key, struct kee_bytes row)
{
    struct kee_ls_capdata *held = slots_of_row(the, key, row);
    bool freed = kee_refs_remove_all(the, kee_ls_capdata_slots(held));
    kee_ls_capdata_done(kee_ls_of(the), held);
    kee_vom_delete(the, kee_key_bytes(key));
    return freed;
}

void kee_store_delete(txMachine *the, const struct kee_store *store, txSlot *key)
{
    struct place place;
    struct kee_bytes row;
    insist_found(the, store, key, &place, &row);
    drop_row(the, &place.key, row);
    if (place.is_remotable) {
        struct kee_bytes vref = kee_ls_vref_bytes(&place.vref);
        struct kee_key ordinal;
        row_key(&ordinal, store->id, "|", vref);
        kee_vom_delete(the, kee_key_bytes(&ordinal));
        if (store->weak) {
            kee_refs_remove_recognizer(the, vref, store->id);
        } else {
            kee_refs_remove(the, vref);
        }
    }
    add_to_count(the, store, -1);
}

uint64_t kee_store_size(txMachine *the, const struct kee_store *store)
{
    struct kee_key key;
    row_key(&key, store->id, TAG_COUNT, kee_bytes_of(NULL, 0));
    return number_at(the, &key);
}

static bool is_meta(struct kee_bytes tail)
{
    return kee_bytes_equal(tail, kee_bytes_str(TAG_COUNT)) ||
           kee_bytes_equal(tail, kee_bytes_str(TAG_ORDINAL)) ||
           kee_bytes_equal(tail, kee_bytes_str(TAG_SCHEMATA));
}

/* Deletes all entries and ordinals, letting go of what they held. Reads no key as a value. */
static bool drop_all(txMachine *the, uint64_t id, bool weak)
{
    struct kee_key prefix, at;
    struct kee_bytes found, row;
    bool freed = false;
    kee_store_prefix(&prefix, id);
    at = prefix;
    while (kee_vom_next(the, kee_key_bytes(&prefix), kee_key_bytes(&at), &found, &row) &&
           kee_bytes_has_prefix(found, kee_key_bytes(&prefix))) {
        at.size = 0;
        kee_key_put(&at, found);
        struct kee_bytes tail = kee_bytes_of(at.text + prefix.size, at.size - prefix.size);
        if (is_meta(tail)) {
            continue;
        }
        if (tail.size == 0 || *tail.data != '|') {
            freed = drop_row(the, &at, row) || freed;
            continue;
        }
        struct kee_bytes vref = kee_bytes_of(tail.data + 1, tail.size - 1);
        if (weak) {
            kee_refs_remove_recognizer(the, vref, id);
        } else {
            freed = kee_refs_remove(the, vref) || freed;
        }
        kee_vom_delete(the, kee_key_bytes(&at));
    }
    return freed;
}

void kee_store_clear(txMachine *the, const struct kee_store *store)
{
    struct kee_key key;
    drop_all(the, store->id, store->weak);
    if (!store->weak) {
        row_key(&key, store->id, TAG_COUNT, kee_bytes_of(NULL, 0));
        kee_vom_set_number(the, &key, 0);
    }
}

/* ---- What garbage asks for ---- */

bool kee_collection_forget_key(txMachine *the, uint64_t collection, struct kee_bytes vref)
{
    struct kee_key ordinal_key, key;
    struct kee_bytes row;
    uint64_t ordinal;
    row_key(&ordinal_key, collection, "|", vref);
    if (!kee_vom_get(the, kee_key_bytes(&ordinal_key), &row) || !kee_bytes_decimal(row, &ordinal)) {
        kee_vom_corrupt(the, kee_key_bytes(&ordinal_key));
    }
    kee_store_prefix(&key, collection);
    kee_store_encode_vref(vref, ordinal, &key);
    kee_vom_delete(the, kee_key_bytes(&ordinal_key));
    return kee_vom_get(the, kee_key_bytes(&key), &row) && drop_row(the, &key, row);
}

bool kee_collection_delete(txMachine *the, struct kee_kind *kind, uint64_t collection)
{
    struct kee_store store;
    struct kee_key key;
    struct kee_bytes row;
    bool freed;
    store_from(&store, kind, collection);
    row_key(&key, collection, TAG_SCHEMATA, kee_bytes_of(NULL, 0));
    if (!kee_vom_get(the, kee_key_bytes(&key), &row)) {
        return false; /* deleted already */
    }
    freed = drop_all(the, collection, store.weak);
    if (!kee_vom_get(the, kee_key_bytes(&key), &row)) {
        kee_vom_corrupt(the, kee_key_bytes(&key));
    }
    freed = drop_row(the, &key, row) || freed;
    row_key(&key, collection, TAG_ORDINAL, kee_bytes_of(NULL, 0));
    kee_vom_delete(the, kee_key_bytes(&key));
    row_key(&key, collection, TAG_COUNT, kee_bytes_of(NULL, 0));
    kee_vom_delete(the, kee_key_bytes(&key));
    return freed;
}
