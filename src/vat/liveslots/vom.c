/* SPDX-License-Identifier: Apache-2.0 */
#include "vat/liveslots/vom.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/fault.h"
#include "vat/liveslots/collections.h"
#include "vat/liveslots/kinds.h"
#include "vat/liveslots/watched.h"

/* ---- Rows ---- */

/* Writes n at the end of text; gives where it starts. These rows are written too often for printf. */
static struct kee_bytes decimal(uint64_t n, char text[24])
{
    size_t at = 24;
    do {
        text[--at] = (char)('0' + n % 10);
        n /= 10;
    } while (n > 0);
    return kee_bytes_of(text + at, 24 - at);
}

void kee_key_decimal(struct kee_key *key, uint64_t n)
{
    char text[24];
    kee_key_put(key, decimal(n, text));
}

bool kee_vom_get(txMachine *the, struct kee_bytes key, struct kee_bytes *value)
{
    int r = kee_vatstore_get(kee_ls_of(the)->vom->store, key, value);
    kee_ls_check(the, r);
    return r > 0;
}

bool kee_vom_next(txMachine *the, struct kee_bytes prefix, struct kee_bytes prior,
                  struct kee_bytes *key, struct kee_bytes *value)
{
    int r = kee_vatstore_next(kee_ls_of(the)->vom->store, prefix, prior, key, value);
    kee_ls_check(the, r);
    return r > 0;
}

static void check_overfull(struct kee_ls *ls)
{
    if (kee_vatstore_overfull(ls->vom->store)) {
        kee_ls_fail(ls,
                    "a crank wrote more durable state than %u MB, or a value above %u MB, or a key "
                    "above %u bytes",
                    KEE_LIMIT_FRAME_BYTES >> 20, KEE_LIMIT_VALUE_BYTES >> 20, KEE_LIMIT_KEY_BYTES);
    }
}

void kee_vom_set(txMachine *the, struct kee_bytes key, struct kee_bytes value)
{
    struct kee_ls *ls = kee_ls_of(the);
    kee_ls_check(the, kee_vatstore_set(ls->vom->store, key, value));
    check_overfull(ls);
}

void kee_vom_set_key(txMachine *the, const struct kee_key *key, struct kee_bytes value)
{
    if (key->cut) {
        kee_ls_throw(the, XS_UNKNOWN_ERROR, "key too large: more than %u bytes",
                     KEE_LIMIT_KEY_BYTES);
    }
    kee_vom_set(the, kee_key_bytes(key), value);
}

void kee_vom_set_number(txMachine *the, const struct kee_key *key, uint64_t n)
{
    char text[24];
    kee_vom_set_key(the, key, decimal(n, text));
}

void kee_vom_delete(txMachine *the, struct kee_bytes key)
{
    struct kee_ls *ls = kee_ls_of(the);
    kee_ls_check(the, kee_vatstore_delete(ls->vom->store, key));
    check_overfull(ls);
}

void kee_vom_corrupt(txMachine *the, struct kee_bytes key)
{
    int size = key.size > 200 ? 200 : (int)key.size;
    kee_ls_fail(kee_ls_of(the), "the stored row \"%.*s\" is not what its format says", size,
                (const char *)key.data);
    kee_ls_throw(the, XS_UNKNOWN_ERROR, "the stored row \"%.*s\" is not what its format says", size,
                 (const char *)key.data);
}

void kee_vom_parse(txMachine *the, struct kee_bytes vref, struct kee_vref_parts *parts)
{
    if (!kee_vref_parse(vref, parts)) {
        kee_ls_throw(the, XS_UNKNOWN_ERROR, "\"%.*s\" is no reference",
                     vref.size > 100 ? 100 : (int)vref.size, (const char *)vref.data);
    }
}

/* ---- The heap ---- */

txSlot *kee_vom_push_holder(txMachine *the)
{
    return fxNewInstance(the);
}

void kee_vom_put(txMachine *the, txSlot *instance, txID tag, const txSlot *value)
{
    txSlot *slot = kee_tag_make(the, instance, tag);
    slot->kind = value->kind;
    slot->value = value->value;
}

void kee_vom_put_integer(txMachine *the, txSlot *instance, txID tag, int32_t n)
{
    txSlot *slot = kee_tag_make(the, instance, tag);
    slot->kind = XS_INTEGER_KIND;
    slot->value.integer = n;
}

void kee_vom_put_number(txMachine *the, txSlot *instance, txID tag, uint64_t n)
{
    txSlot *slot = kee_tag_make(the, instance, tag);
    slot->kind = XS_NUMBER_KIND;
    slot->value.number = (double)n;
}

uint64_t kee_vom_number(txSlot *instance, txID tag)
{
    txSlot *slot = kee_tag_find(instance, tag);
    return slot != NULL && slot->kind == XS_NUMBER_KIND ? (uint64_t)slot->value.number : 0;
}

void kee_vom_hang(txMachine *the, txSlot *home, const txSlot *value)
{
    txSlot *slot = fxNewSlot(the); /* value is rooted by the caller */
    slot->flag = XS_INTERNAL_FLAG;
    slot->ID = KEE_VOM_TAG_VALUE;
    slot->kind = value->kind;
    slot->value = value->value;
    slot->next = home->next;
    home->next = slot;
}

static txSlot *root_of(txMachine *the)
{
    txSlot *slot = kee_tag_find(mxPromiseConstructor.value.reference, KEE_TAG_ROOT);
    kee_assert(slot != NULL);
    return slot->value.reference;
}

/* A holder under tag on the root, made if missing. */
static txSlot *home_of(txMachine *the, txID tag)
{
    txSlot *slot = kee_tag_find(root_of(the), tag);
    if (slot == NULL) {
        kee_vom_push_holder(the);
        kee_vom_put(the, root_of(the), tag, the->stack);
        mxPop();
        slot = kee_tag_find(root_of(the), tag);
    }
    return slot->value.reference;
}

bool kee_vom_has_tools(txMachine *the)
{
    return kee_tag_find(root_of(the), KEE_VOM_TAG_TOOLS) != NULL;
}

void kee_vom_push_tool(txMachine *the, const char *name)
{
    txSlot *tools = kee_tag_find(root_of(the), KEE_VOM_TAG_TOOLS);
    if (tools != NULL) {
        mxPushSlot(tools);
        mxGetID(kee_ls_id(the, name));
        if (fxIsCallable(the, the->stack)) {
            return;
        }
    }
    kee_ls_throw(the, XS_UNKNOWN_ERROR, "%s is needed, and the boot bundle did not bring it", name);
}

/* The boot bundle gives the functions of @endo/exo and @endo/patterns that C calls, once. */
static void take_tools(txMachine *the)
{
    if (mxArgc < 1 || !mxIsReference(mxArgv(0))) {
        mxTypeError("an object of functions is wanted");
    }
    if (kee_vom_has_tools(the)) {
        mxTypeError("the tools were given already");
    }
    kee_vom_put(the, root_of(the), KEE_VOM_TAG_TOOLS, mxArgv(0));
}

/* The boot bundle gives VatData with what it adds to it, once. */
static void take_vatdata(txMachine *the)
{
    if (mxArgc < 1 || !mxIsReference(mxArgv(0)) ||
        kee_tag_find(root_of(the), KEE_VOM_TAG_VATDATA) != NULL) {
        mxTypeError("VatData is wanted, once");
    }
    kee_vom_put(the, root_of(the), KEE_VOM_TAG_VATDATA, mxArgv(0));
}

/* The members of VatData first, then what stands in the heap elsewhere. */
static const struct kee_ls_function functions[] = {
    {kee_kind_define_virtual, 3, "defineKind"},
    {kee_kind_define_virtual_multi, 3, "defineKindMulti"},
    {kee_kind_define_durable, 3, "defineDurableKind"},
    {kee_kind_define_durable_multi, 3, "defineDurableKindMulti"},
    {kee_kind_make_handle, 1, "makeKindHandle"},
    {kee_kind_can_be_durable, 1, "canBeDurable"},
    {kee_store_make_map, 0, "makeScalarBigMapStore"},
    {kee_store_make_weak_map, 0, "makeScalarBigWeakMapStore"},
    {kee_store_make_set, 0, "makeScalarBigSetStore"},
    {kee_store_make_weak_set, 0, "makeScalarBigWeakSetStore"},
    {kee_watched_provide, 3, "providePromiseWatcher"},
    {kee_watched_watch, 2, "watchPromise"},
    {kee_foreign_register_kind, 4, "registerKind"},
    {kee_foreign_register_value, 2, "registerValue"},
    {kee_foreign_register_value, 2, "registerEntry"},
    {kee_foreign_allocate_id, 1, "allocateNextID"},
#define VATDATA_COUNT 16
    {kee_foreign_set_maker, 2, "setMaker"}, /* these for src/vat/js alone, as keeveKinds */
    {kee_foreign_new, 1, "newInstance"},
    {kee_foreign_discard, 1, "discard"},
    {kee_foreign_field_get, 2, "getField"},
    {kee_foreign_field_set, 3, "setField"},
    {kee_foreign_field_has, 2, "hasField"},
    {kee_foreign_field_delete, 2, "deleteField"},
    {kee_foreign_field_names, 1, "fieldNames"},
#define KINDS_COUNT 8
    {take_tools, 1, "keeveVatTools"},
    {take_vatdata, 1, "keeveVatData"},
    {kee_kind_maker, 0, "makeNewInstance"},
    {kee_kind_method, 0, "method"},
    {kee_kind_no_guard, 0, "__getInterfaceGuard__"},
    {kee_kind_context_provider, 1, "contextProvider"},
    {kee_kind_amplify, 1, "amplify"},
    {kee_kind_is_instance, 1, "isInstance"},
    {kee_kind_state_get, 0, "get"},
    {kee_kind_state_set, 1, "set"},
    {kee_store_method_has, 1, "has"},
    {kee_store_method_get, 1, "get"},
    {kee_store_method_init, 2, "init"},
    {kee_store_method_set, 2, "set"},
    {kee_store_method_delete, 1, "delete"},
    {kee_store_method_add, 1, "add"},
    {kee_store_method_add_all, 1, "addAll"},
    {kee_store_method_keys, 0, "keys"},
    {kee_store_method_values, 0, "values"},
    {kee_store_method_entries, 0, "entries"},
    {kee_store_method_snapshot, 0, "snapshot"},
    {kee_store_method_get_size, 0, "getSize"},
    {kee_store_method_clear, 0, "clear"},
    {kee_store_method_names, 0, "__getMethodNames__"},
    {kee_store_iterator_next, 0, "next"},
    {kee_store_iterator_return, 1, "return"},
    {kee_watched_handler, 2, "handler"},
    {kee_watched_enter_job, 0, "enter"},
    {kee_watched_settled, 1, "settled"},
    {kee_watched_tell_job, 0, "tell"},
};

const struct kee_ls_function *kee_vom_functions(size_t *count)
{
    *count = sizeof(functions) / sizeof(functions[0]);
    return functions;
}

void kee_vom_push_vatdata(txMachine *the)
{
    txSlot *whole = kee_tag_find(root_of(the), KEE_VOM_TAG_VATDATA);
    if (whole != NULL) {
        mxPushSlot(whole);
    } else {
        kee_ls_push_functions(the, functions, VATDATA_COUNT);
    }
}

/* The value on the stack becomes a global that the boot bundle takes and deletes. */
static void define_global(txMachine *the, const char *name)
{
    mxPush(mxGlobal);
    fxDefineID(the, kee_ls_id(the, name), XS_DONT_ENUM_FLAG,
               XS_DONT_ENUM_FLAG | XS_DONT_DELETE_FLAG | XS_DONT_SET_FLAG);
    mxPop();
}

void kee_vom_install(txMachine *the)
{
    fxNewHostFunction(the, take_tools, 1, kee_ls_id(the, "keeveVatTools"), XS_NO_ID);
    define_global(the, "keeveVatTools");
    fxNewHostFunction(the, take_vatdata, 1, kee_ls_id(the, "keeveVatData"), XS_NO_ID);
    define_global(the, "keeveVatData");
    kee_ls_push_functions(the, functions + VATDATA_COUNT, KINDS_COUNT);
    define_global(the, "keeveKinds");
    kee_collections_install(the);
    kee_vom_put(the, root_of(the), KEE_VOM_TAG_PROTOS, the->stack);
    mxPop();
}

/* ---- A worker's life ---- */

int kee_vom_new(struct kee_ls *ls)
{
    const struct kee_vatstore_source source = {ls->host->context, ls->host->store_get,
                                               ls->host->store_next};
    struct kee_vom *vom = calloc(1, sizeof(*vom));
    if (vom == NULL) {
        return KEE_FAULT_MEMORY;
    }
    kee_list_init(&vom->states);
    ls->vom = vom;
    int r = kee_vatstore_new(&vom->store, &source);
    if (r < 0) {
        free(vom);
        ls->vom = NULL;
    }
    return r;
}

void kee_vom_free(struct kee_ls *ls)
{
    struct kee_vom *vom = ls->vom;
    struct kee_kind *kind;
    size_t at = 0;
    if (vom == NULL) {
        return;
    }
    kee_states_clear(ls);
    while ((kind = kee_map_next(&vom->kinds, &at)) != NULL) {
        kee_kind_free(kind);
    }
    kee_map_fini(&vom->kinds);
    kee_buf_fini(&vom->row);
    kee_buf_fini(&vom->watched);
    kee_buf_fini(&vom->busy);
    kee_buf_fini(&vom->loose);
    kee_remains_free(&vom->remains);
    kee_vatstore_free(vom->store);
    free(vom);
    ls->vom = NULL;
}

void kee_vom_begin(struct kee_ls *ls)
{
    kee_states_clear(ls);
    kee_buf_clear(&ls->vom->busy);
    if (ls->vom->crank_home != NULL) {
        ls->vom->crank_home->next = NULL;
    }
}

void kee_vom_prefetch(struct kee_ls *ls, struct kee_vp_strings rows)
{
    struct kee_bytes key, value;
    while (kee_vp_strings_next(&rows, &key) && kee_vp_strings_next(&rows, &value)) {
        if (kee_vatstore_prime(ls->vom->store, key, value) < 0) {
            return; /* rows not kept are asked for when they are wanted */
        }
    }
}

/* ---- START ---- */

static void load_ids(txMachine *the)
{
    struct kee_ls_ids *ids = &kee_ls_of(the)->ids;
    const struct kee_bytes key = KEE_BYTES_LIT("idCounters");
    struct kee_buf *name = &kee_ls_of(the)->vom->row;
    struct kee_bytes value;

    *ids = (struct kee_ls_ids){1, 1, 5, true};
    if (!kee_vom_get(the, key, &value)) {
        /* A new vat. One question shows that there are no rows at all, and saves those after it. */
        struct kee_bytes first;
        kee_vom_next(the, kee_bytes_of(NULL, 0), kee_bytes_of(NULL, 0), &first, &value);
        return;
    }
    struct kee_row_cursor cursor = kee_row_read(value);
    kee_row_enter(&cursor, '{');
    kee_buf_clear(name);
    while (kee_row_member(&cursor, name)) {
        uint64_t n = kee_row_number(&cursor);
        struct kee_bytes which = kee_buf_bytes(name);
        if (kee_bytes_equal(which, kee_bytes_str("exportID"))) {
            ids->export_id = n;
        } else if (kee_bytes_equal(which, kee_bytes_str("collectionID"))) {
            ids->collection_id = n;
        } else if (kee_bytes_equal(which, kee_bytes_str("promiseID"))) {
            ids->promise_id = n;
        }
        kee_buf_clear(name);
    }
    if (cursor.failed) {
        kee_vom_corrupt(the, key);
    }
    kee_remains_begin(the);
}

static void save_ids(txMachine *the)
{
    struct kee_ls *ls = kee_ls_of(the);
    char text[160];
    if (!ls->ids.dirty) {
        return;
    }
    int size =
        snprintf(text, sizeof(text), "{\"exportID\":%llu,\"collectionID\":%llu,\"promiseID\":%llu}",
                 (unsigned long long)ls->ids.export_id, (unsigned long long)ls->ids.collection_id,
                 (unsigned long long)ls->ids.promise_id);
    kee_vom_set(the, kee_bytes_str("idCounters"), kee_bytes_of(text, (size_t)size));
    ls->ids.dirty = false;
}

static void load_kind_of_handles(txMachine *the)
{
    struct kee_vom *vom = kee_ls_of(the)->vom;
    const struct kee_bytes key = KEE_BYTES_LIT("kindIDID");
    struct kee_bytes value;
    struct kee_key row;
    if (kee_vom_get(the, key, &value)) {
        if (!kee_bytes_decimal(value, &vom->kind_of_handles)) {
            kee_vom_corrupt(the, key);
        }
    } else {
        vom->kind_of_handles = kee_ls_next_export_id(kee_ls_of(the));
        kee_key_begin(&row, "kindIDID");
        kee_vom_set_number(the, &row, vom->kind_of_handles);
    }
    kee_kind_add(the, vom->kind_of_handles, KEE_KIND_HANDLES, true);
}

void kee_vom_start(txMachine *the)
{
    struct kee_vom *vom = kee_ls_of(the)->vom;
    vom->home = home_of(the, KEE_VOM_TAG_HOME);
    kee_vom_push_holder(the);
    kee_vom_hang(the, vom->home, the->stack);
    vom->crank_home = the->stack->value.reference;
    mxPop();
    load_ids(the);
    load_kind_of_handles(the);
    kee_collections_start(the);
}

void kee_vom_started(txMachine *the)
{
    kee_watched_start(the);
    kee_kinds_insist_defined(the);
}

/* ---- Entry points that hand on ---- */

void kee_vom_value_of_vref(txMachine *the, struct kee_bytes vref,
                           const struct kee_vref_parts *parts)
{
    struct kee_kind *kind = kee_kind_find(the, parts->id);
    if (kind == NULL || (!kind->defined && kind->sort == KEE_KIND_USER)) {
        kee_ls_throw(
            the, XS_REFERENCE_ERROR,
            "%.*s belongs to a kind that was not defined yet in this incarnation; define it "
            "before reading what refers to it",
            (int)vref.size, (const char *)vref.data);
    }
    if (kind->sort == KEE_KIND_STORE) {
        struct kee_ls_entry *entry = kee_ls_entry_of(kee_ls_of(the), vref);
        txSlot *object = entry == NULL ? NULL : kee_ls_entry_object(entry);
        if (object != NULL) {
            mxPushReference(object);
        } else {
            kee_collection_push(the, kind, vref);
        }
    } else {
        kee_kind_push_object(the, vref, parts);
    }
}

struct kee_ls_entry *kee_vom_entry(txMachine *the, txSlot *instance)
{
    struct kee_ls *ls = kee_ls_of(the);
    txSlot *index = kee_tag_find(instance, KEE_TAG_VREF);
    struct kee_ls_entry *entry;
    if (ls == NULL || index == NULL || index->kind != XS_INTEGER_KIND ||
        index->value.integer <= 0) {
        return NULL;
    }
    entry = ls->entries[index->value.integer];
    return entry->kind == KEE_LS_VIRTUAL ? entry : NULL;
}

bool kee_vom_vref_of(txMachine *the, txSlot *instance, struct kee_ls_vref *out)
{
    txSlot *facet = kee_tag_find(instance, KEE_VOM_TAG_FACET);
    struct kee_ls_entry *entry;
    if (facet != NULL) {
        instance = kee_tag_find(instance, KEE_VOM_TAG_COHORT)->value.reference;
    }
    entry = kee_vom_entry(the, instance);
    if (entry == NULL) {
        return false;
    }
    kee_ls_entry_vref(entry, out);
    if (facet != NULL) {
        out->size =
            (uint8_t)(out->size + snprintf(out->text + out->size, sizeof(out->text) - out->size,
                                           ":%d", (int)facet->value.integer));
    }
    return true;
}

void kee_vom_flush(txMachine *the)
{
    kee_states_flush(the);
    save_ids(the);
}

void kee_vom_put_changes(struct kee_ls *ls, struct kee_buf *out)
{
    kee_vatstore_flush(ls->vom->store, out);
}
