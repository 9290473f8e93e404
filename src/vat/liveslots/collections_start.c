/* SPDX-License-Identifier: Apache-2.0 */
/* Making stores, the prototypes they share, and the stores every vat has. */
#include "vat/liveslots/collections.h"

#include "base/assert.h"
#include "vat/liveslots/durable.h"

static const char *const kind_names[KEE_STORE_KINDS] = {
    "scalarMapStore",        "scalarWeakMapStore",        "scalarSetStore",
    "scalarWeakSetStore",    "scalarDurableMapStore",     "scalarDurableWeakMapStore",
    "scalarDurableSetStore", "scalarDurableWeakSetStore",
};

/* ---- Prototypes ---- */

#define COMMON                                                                                     \
    {kee_store_method_has, 1, "has"}, {kee_store_method_delete, 1, "delete"},                      \
        {kee_store_method_add_all, 1, "addAll"},                                                   \
    {                                                                                              \
        kee_store_method_names, 0, "__getMethodNames__"                                            \
    }
#define STRONG                                                                                     \
    {kee_store_method_keys, 0, "keys"}, {kee_store_method_values, 0, "values"},                    \
        {kee_store_method_snapshot, 0, "snapshot"}, {kee_store_method_get_size, 0, "getSize"},     \
    {                                                                                              \
        kee_store_method_clear, 0, "clear"                                                         \
    }
#define MAP                                                                                        \
    {kee_store_method_get, 1, "get"}, {kee_store_method_init, 2, "init"},                          \
    {                                                                                              \
        kee_store_method_set, 2, "set"                                                             \
    }

static const struct kee_ls_function map_methods[] = {
    COMMON, MAP, STRONG, {kee_store_method_entries, 0, "entries"}};
static const struct kee_ls_function weak_map_methods[] = {COMMON, MAP};
static const struct kee_ls_function set_methods[] = {
    COMMON, STRONG, {kee_store_method_add, 1, "add"}};
static const struct kee_ls_function weak_set_methods[] = {COMMON, {kee_store_method_add, 1, "add"}};

static const struct {
    const char *interface;
    const struct kee_ls_function *rows;
    size_t count;
} sorts[KEE_STORE_SORTS] = {
    {"Alleged: mapStore", map_methods, sizeof(map_methods) / sizeof(map_methods[0])},
    {"Alleged: weakMapStore", weak_map_methods,
     sizeof(weak_map_methods) / sizeof(weak_map_methods[0])},
    {"Alleged: setStore", set_methods, sizeof(set_methods) / sizeof(set_methods[0])},
    {"Alleged: weakSetStore", weak_set_methods,
     sizeof(weak_set_methods) / sizeof(weak_set_methods[0])},
};

static void define_method(txMachine *the, txSlot *object, const struct kee_ls_function *row)
{
    txID id = kee_ls_id(the, row->name);
    fxNewHostFunction(the, row->callback, row->length, id, XS_NO_ID);
    mxBehaviorDefineOwnProperty(the, object, id, 0, the->stack,
                                XS_DONT_DELETE_FLAG | XS_DONT_ENUM_FLAG | XS_DONT_SET_FLAG);
    mxPop();
}

void kee_collections_install(txMachine *the)
{
    static const struct kee_ls_function iterator[] = {{kee_store_iterator_next, 0, "next"},
                                                      {kee_store_iterator_return, 1, "return"}};
    fxNewArray(the, 0);
    txSlot *protos = the->stack;
    for (unsigned sort = 0; sort < KEE_STORE_SORTS; sort++) {
        kee_ls_push_remotable_proto(the, kee_bytes_str(sorts[sort].interface));
        txSlot *proto = fxNewObjectInstance(the);
        for (size_t i = 0; i < sorts[sort].count; i++) {
            define_method(the, proto, &sorts[sort].rows[i]);
        }
        kee_ls_harden(the, the->stack);
        mxPushSlot(protos);
        fxSetAll(the, XS_NO_ID, sort);
        mxPop();
    }
    mxPush(mxIteratorPrototype);
    txSlot *proto = fxNewObjectInstance(the);
    define_method(the, proto, &iterator[0]);
    define_method(the, proto, &iterator[1]);
    /* Hardened with the primordials it inherits from, by lockdown or the first harden after it. */
    mxPushSlot(protos);
    fxSetAll(the, XS_NO_ID, KEE_STORE_PROTO_ITERATOR);
    mxPop();
}

/* ---- Making ---- */

void kee_collection_push(txMachine *the, struct kee_kind *kind, struct kee_bytes base)
{
    struct kee_key name; /* a copy: registering may move what base is borrowed from */
    kee_key_begin(&name, "");
    kee_key_put(&name, base);
    mxPushSlot(kee_tag_find(
        kee_tag_find(mxPromiseConstructor.value.reference, KEE_TAG_ROOT)->value.reference,
        KEE_VOM_TAG_PROTOS));
    fxGetAll(the, XS_NO_ID, (txIndex)(kind->store % KEE_STORE_SORTS));
    txSlot *instance = fxNewObjectInstance(the);
    kee_ls_register(the, kee_key_bytes(&name), the->stack->value.reference);
    kee_kind_seal(instance);
}

/* The stored shape of keys of stores users make is that of scalars, narrowed by their own. The text of
 * theirs follows the prefix in body; puts the brackets around it. */
static void narrow_key_shape(struct kee_ls_capdata *capdata)
{
    static const char before[] = "#{\"keyShape\":";
    static const char scalar[] = "{\"#tag\":\"match:scalar\",\"payload\":\"#undefined\"}";
    struct kee_buf out = KEE_BUF_EMPTY;
    struct kee_bytes body = kee_buf_bytes(&capdata->body);
    struct kee_row_cursor cursor = kee_row_read(
        kee_bytes_of(body.data + sizeof(before) - 1, body.size - (sizeof(before) - 1)));
    struct kee_bytes shape = kee_row_value(&cursor);
    kee_buf_put_str(&out, before);
    kee_buf_put_str(&out, "{\"#tag\":\"match:and\",\"payload\":[");
    kee_buf_put_str(&out, scalar);
    kee_buf_put_char(&out, ',');
    kee_buf_put_bytes(&out, shape);
    kee_buf_put_str(&out, "]}");
    kee_buf_put_bytes(&out, cursor.rest);
    kee_buf_fini(&capdata->body);
    capdata->body = out;
}

static void take_shape(txMachine *the, txSlot *record, txSlot *options, const char *name)
{
    mxPushSlot(options);
    mxGetID(kee_ls_id(the, name));
    txSlot *shape = the->stack;
    if (shape->kind != XS_UNDEFINED_KIND) {
        kee_ls_harden(the, shape);
        mxPushUndefined();
        kee_vom_push_tool(the, "assertPattern");
        mxCall();
        mxPushSlot(shape);
        mxRunCount(1);
        mxPop();
        mxBehaviorDefineOwnProperty(the, record->value.reference, kee_ls_id(the, name), 0, shape,
                                    XS_DONT_DELETE_FLAG | XS_DONT_ENUM_FLAG | XS_DONT_SET_FLAG);
    }
    mxPop();
}

/* Gives the capdata of {keyShape, label, valueShape}. */
static struct kee_ls_capdata *schemata_of(txMachine *the, txSlot *label, txSlot *options)
{
    static const char scalar[] =
        "#{\"keyShape\":{\"#tag\":\"match:scalar\",\"payload\":\"#undefined\"},";
    struct kee_ls_capdata *capdata = kee_ls_capdata_new(the);
    txID label_id = kee_ls_id(the, "label");
    bool narrowed = false;
    fxNewObject(the);
    txSlot *record = the->stack;
    mxBehaviorDefineOwnProperty(the, record->value.reference, label_id, 0, label,
                                XS_DONT_DELETE_FLAG | XS_DONT_ENUM_FLAG | XS_DONT_SET_FLAG);
    if (options->kind == XS_REFERENCE_KIND) {
        take_shape(the, record, options, "keyShape");
        take_shape(the, record, options, "valueShape");
        narrowed = mxBehaviorGetProperty(the, record->value.reference, kee_ls_id(the, "keyShape"),
                                         0, XS_OWN) != NULL;
    }
    kee_ls_harden(the, record);
    kee_ls_serialize(the, record, capdata);
    mxPop();
    if (narrowed) {
        narrow_key_shape(capdata);
    } else {
        struct kee_ls_capdata *whole = kee_ls_capdata_new(the);
        kee_buf_put_str(&whole->body, scalar);
        kee_buf_put(&whole->body, capdata->body.data + 2, capdata->body.size - 2); /* behind "#{" */
        kee_buf_put_bytes(&whole->slots, kee_buf_bytes(&capdata->slots));
        whole->slot_count = capdata->slot_count;
        kee_ls_capdata_done(kee_ls_of(the), capdata);
        capdata = whole;
    }
    kee_ls_check(the, kee_buf_status(&capdata->body));
    return capdata;
}

/* Pushes a new store whose schemata is capdata. */
static void push_store(txMachine *the, unsigned index, const struct kee_ls_capdata *capdata)
{
    struct kee_ls *ls = kee_ls_of(the);
    struct kee_kind *kind = kee_kind_of(ls, ls->vom->store_kinds[index]);
    uint64_t id = kee_ls_next_collection_id(ls);
    struct kee_vp_strings slots = kee_ls_capdata_slots(capdata);
    struct kee_bytes vref;
    struct kee_key key, base;

    kee_store_prefix(&key, id);
    kee_key_put(&key, kee_bytes_str("|nextOrdinal"));
    kee_vom_set_number(the, &key, 1);
    if (index % KEE_STORE_SORTS == KEE_STORE_MAP || index % KEE_STORE_SORTS == KEE_STORE_SET) {
        kee_store_prefix(&key, id);
        kee_key_put(&key, kee_bytes_str("|entryCount"));
        kee_vom_set_number(the, &key, 0);
    }
    while (kee_vp_strings_next(&slots, &vref)) {
        kee_refs_add(the, vref);
    }
    kee_buf_clear(&ls->vom->row);
    kee_row_put_capdata(&ls->vom->row, kee_buf_bytes(&capdata->body),
                        kee_ls_capdata_slots(capdata));
    kee_ls_check(the, kee_buf_status(&ls->vom->row));
    kee_store_prefix(&key, id);
    kee_key_put(&key, kee_bytes_str("|schemata"));
    kee_vom_set_key(the, &key, kee_buf_bytes(&ls->vom->row));
    kee_kind_base(&base, kind, id);
    kee_collection_push(the, kind, kee_key_bytes(&base));
}

void kee_store_push_new(txMachine *the, enum kee_store_sort sort, txSlot *label, txSlot *options)
{
    bool durable = false;
    if (options->kind == XS_REFERENCE_KIND) {
        mxPushSlot(options);
        mxGetID(kee_ls_id(the, "durable"));
        durable = fxToBoolean(the, the->stack);
        mxPop();
    }
    struct kee_ls_capdata *capdata = schemata_of(the, label, options);
    if (durable) {
        mxPushUndefined(); /* the path names the store; its shapes are named by their slots' text */
        kee_durable_insist(the, the->stack, capdata, "a shape of the new store");
        mxPop();
    }
    push_store(the, (unsigned)sort + (durable ? KEE_STORE_SORTS : 0), capdata);
    kee_ls_capdata_done(kee_ls_of(the), capdata);
}

/* ---- START ---- */

static void load_kinds(txMachine *the)
{
    struct kee_vom *vom = kee_ls_of(the)->vom;
    const struct kee_bytes key = KEE_BYTES_LIT("storeKindIDTable");
    struct kee_bytes value;
    if (kee_vom_get(the, key, &value)) {
        struct kee_row_cursor cursor = kee_row_read(value);
        kee_row_enter(&cursor, '{');
        for (kee_buf_clear(&vom->row); kee_row_member(&cursor, &vom->row);
             kee_buf_clear(&vom->row)) {
            uint64_t id = kee_row_number(&cursor);
            for (unsigned i = 0; i < KEE_STORE_KINDS; i++) {
                if (kee_bytes_equal(kee_buf_bytes(&vom->row), kee_bytes_str(kind_names[i]))) {
                    vom->store_kinds[i] = id;
                }
            }
        }
        if (cursor.failed) {
            kee_vom_corrupt(the, key);
        }
    }
    kee_buf_clear(&vom->row);
    for (unsigned i = 0; i < KEE_STORE_KINDS; i++) {
        if (vom->store_kinds[i] == 0) {
            vom->store_kinds[i] = kee_ls_next_export_id(kee_ls_of(the));
        }
        struct kee_kind *kind =
            kee_kind_add(the, vom->store_kinds[i], KEE_KIND_STORE, i >= KEE_STORE_SORTS);
        kind->store = i;
        kee_buf_put_str(&vom->row, i == 0 ? "{\"" : ",\"");
        kee_buf_put_str(&vom->row, kind_names[i]);
        kee_buf_put_str(&vom->row, "\":");
        kee_buf_put_decimal(&vom->row, vom->store_kinds[i]);
    }
    kee_buf_put_char(&vom->row, '}');
    kee_vom_set(the, key, kee_buf_bytes(&vom->row));
}

/* A durable map that the vat has from its first start, its name in a row; held for ever. */
static void provide_map(txMachine *the, const char *row, const char *schemata)
{
    struct kee_ls *ls = kee_ls_of(the);
    struct kee_ls_vref vref;
    struct kee_bytes value;
    if (kee_vom_get(the, kee_bytes_str(row), &value)) {
        return;
    }
    struct kee_ls_capdata *capdata = kee_ls_capdata_new(the);
    kee_buf_put_str(&capdata->body, schemata);
    push_store(the, KEE_STORE_SORTS + KEE_STORE_MAP, capdata);
    kee_ls_capdata_done(ls, capdata);
    if (!kee_ls_vref_of(the, the->stack, &vref)) {
        kee_assert(!"a new store has a name");
    }
    mxPop();
    kee_vom_set(the, kee_bytes_str(row), kee_ls_vref_bytes(&vref));
    kee_refs_add(the, kee_ls_vref_bytes(&vref));
}

void kee_collections_start(txMachine *the)
{
    load_kinds(the);
    provide_map(the, "baggageID",
                "#{\"keyShape\":{\"#tag\":\"match:string\",\"payload\":[]},\"label\":\"baggage\"}");
    provide_map(the, "watcherTableID",
                "#{\"keyShape\":{\"#tag\":\"match:scalar\",\"payload\":\"#undefined\"},"
                "\"label\":\"promiseWatcherByKind\"}");
    provide_map(the, "watchedPromiseTableID",
                "#{\"keyShape\":{\"#tag\":\"match:and\",\"payload\":[{\"#tag\":\"match:scalar\","
                "\"payload\":\"#undefined\"},{\"#tag\":\"match:string\",\"payload\":[]}]},"
                "\"label\":\"watchedPromises\"}");
}

void kee_vom_push_baggage(txMachine *the)
{
    struct kee_bytes value;
    struct kee_key name;
    kee_key_begin(&name, "");
    if (!kee_vom_get(the, kee_bytes_str("baggageID"), &value)) {
        kee_vom_corrupt(the, kee_bytes_str("baggageID"));
    }
    kee_key_put(&name, value);
    kee_ls_value_of_vref(the, kee_key_bytes(&name), kee_bytes_of(NULL, 0));
}
