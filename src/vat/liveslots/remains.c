/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The walk goes once through these rows in an incarnation, in the order of the stages: objects before
 * what they hold, so that most of it is found by its counts.
 *
 *   vom.o+v  vom.es.o+v  vom.rc.o+v  vom.vkind    of virtual kinds and stores of an earlier heap
 *   vc.<id>.                                      of stores of an earlier heap that nothing holds
 *   vom.o+d                                       durable objects that nothing holds: looked at as dead
 *
 * No kind need be known for it: what a row refers to stands in the row.
 */
#include "vat/liveslots/remains.h"

#include "vat/liveslots/collections.h"
#include "vat/liveslots/kinds.h"
#include "vat/liveslots/vom.h"

#define ROW "vom.remains"

/* What is to be done with a row. key is its key, name what stands there behind the stage's prefix. */
typedef void visit_fn(txMachine *the, struct kee_key *key, struct kee_bytes name,
                      struct kee_bytes value);

static struct kee_remains *remains_of(txMachine *the)
{
    return &kee_ls_of(the)->vom->remains;
}

/* ---- What is let go ---- */

/* Lets go of what a row of an earlier heap held. Objects of that heap have no count worth keeping, and
 * promises and remotables were counted in its memory. */
static void release(txMachine *the, struct kee_bytes vref)
{
    struct kee_vref_parts parts;
    struct kee_bytes value;
    struct kee_key key;

    kee_vom_parse(the, vref, &parts);
    if (parts.type != KEE_VREF_OBJECT || (parts.exported && !parts.is_durable)) {
        return;
    }
    kee_key_begin(&key, "vom.rc.");
    kee_key_put(&key, kee_vom_base(vref));
    if (kee_vom_get(the, kee_key_bytes(&key), &value)) {
        (void)kee_refs_remove(the, vref);
    }
}

static void release_all(txMachine *the, struct kee_ls_capdata *held)
{
    struct kee_vp_strings slots = kee_ls_capdata_slots(held);
    struct kee_bytes vref;

    while (kee_vp_strings_next(&slots, &vref)) {
        release(the, vref);
    }
    kee_ls_capdata_done(kee_ls_of(the), held);
}

static void drop_capdata(txMachine *the, struct kee_key *key, struct kee_bytes value)
{
    struct kee_ls_capdata *held = kee_ls_capdata_new(the);
    struct kee_row_cursor cursor = kee_row_read(value);

    held->slot_count = kee_row_capdata(&cursor, NULL, &held->slots);
    if (cursor.failed) {
        kee_vom_corrupt(the, kee_key_bytes(key));
    }
    release_all(the, held);
    kee_vom_delete(the, kee_key_bytes(key));
}

/* ---- Virtual objects ---- */

/* name is "<kind>/<instance>". The kinds of virtual stores are the same in all incarnations, and one
 * registered by number may be: its objects of an earlier heap are left alone. */
static bool is_bygone(txMachine *the, const struct kee_key *key, struct kee_bytes name)
{
    const struct kee_remains *remains = remains_of(the);
    const struct kee_vom *vom = kee_ls_of(the)->vom;
    struct kee_bytes rest = name;
    uint64_t kind, instance;

    if (!kee_bytes_decimal(kee_bytes_cut(&rest, '/'), &kind) ||
        !kee_bytes_decimal(rest, &instance)) {
        kee_vom_corrupt(the, kee_key_bytes(key));
    }
    for (unsigned i = 0; i < KEE_STORE_SORTS; i++) {
        if (vom->store_kinds[i] == kind) {
            return instance < remains->collections_below;
        }
    }
    return kind < remains->kinds_below && kee_kind_of(kee_ls_of(the), kind) == NULL;
}

static void visit_state(txMachine *the, struct kee_key *key, struct kee_bytes name,
                        struct kee_bytes value)
{
    struct kee_buf *member = &kee_ls_of(the)->vom->row;
    struct kee_row_cursor cursor = kee_row_read(value);
    struct kee_ls_capdata *held;

    if (!is_bygone(the, key, name)) {
        return;
    }
    held = kee_ls_capdata_new(the);
    kee_row_enter(&cursor, '{');
    for (kee_buf_clear(member); kee_row_member(&cursor, member); kee_buf_clear(member)) {
        held->slot_count += kee_row_capdata(&cursor, NULL, &held->slots);
    }
    if (cursor.failed) {
        kee_vom_corrupt(the, kee_key_bytes(key));
    }
    release_all(the, held);
    kee_vom_delete(the, kee_key_bytes(key));
}

static void visit_status(txMachine *the, struct kee_key *key, struct kee_bytes name,
                         struct kee_bytes value)
{
    (void)value;
    if (is_bygone(the, key, name)) {
        kee_vom_delete(the, kee_key_bytes(key));
    }
}

static void visit_descriptor(txMachine *the, struct kee_key *key, struct kee_bytes name,
                             struct kee_bytes value)
{
    struct kee_bytes rest = name;
    uint64_t kind;

    (void)value;
    if (!kee_bytes_decimal(kee_bytes_cut(&rest, '.'), &kind)) {
        kee_vom_corrupt(the, kee_key_bytes(key));
    }
    if (kind < remains_of(the)->kinds_below) {
        kee_vom_delete(the, kee_key_bytes(key));
    }
}

/* ---- Stores ---- */

/* The name that store id has if it is a durable one of this sort. */
static void durable_name(txMachine *the, unsigned sort, uint64_t id, struct kee_key *out)
{
    kee_key_begin(out, "o+d");
    kee_key_decimal(out, kee_ls_of(the)->vom->store_kinds[KEE_STORE_SORTS + sort]);
    kee_key_put(out, kee_bytes_str("/"));
    kee_key_decimal(out, id);
}

/* Does anything hold a durable store of that id? If not it does not matter whether it was durable. */
static bool is_held(txMachine *the, uint64_t id)
{
    for (unsigned sort = 0; sort < KEE_STORE_SORTS; sort++) {
        struct kee_ls_entry *entry;
        struct kee_key vref;
        durable_name(the, sort, id, &vref);
        entry = kee_ls_entry_of(kee_ls_of(the), kee_key_bytes(&vref));
        if ((entry != NULL && kee_ls_entry_object(entry) != NULL) ||
            kee_vom_is_reachable(the, kee_key_bytes(&vref))) {
            return true;
        }
    }
    return false;
}

/* A durable store that has ended may still be recognized: those who do hear of it as of any other. */
static void bury_name(txMachine *the, uint64_t id)
{
    for (unsigned sort = 0; sort < KEE_STORE_SORTS; sort++) {
        struct kee_key vref, status;
        struct kee_bytes value;
        durable_name(the, sort, id, &vref);
        kee_key_begin(&status, "vom.es.");
        kee_key_put(&status, kee_key_bytes(&vref));
        if (kee_vom_get(the, kee_key_bytes(&status), &value) ||
            kee_vom_is_recognizable(the, kee_key_bytes(&vref))) {
            kee_ls_possibly_dead(kee_ls_of(the), kee_key_bytes(&vref));
        }
    }
}

/* A row of a store that has ended; tail stands behind "vc.<id>.". Numbers stay until the schemata, the
 * last row: a walk that is begun anew in the middle wants to know what kind of store it is. */
static void drop_store_row(txMachine *the, struct kee_key *key, struct kee_bytes tail,
                           struct kee_bytes value)
{
    struct kee_remains *remains = remains_of(the);
    uint64_t id = remains->store;

    if (tail.size == 0 || *tail.data != '|') {
        drop_capdata(the, key, value);
    } else if (kee_bytes_equal(tail, kee_bytes_str("|schemata"))) {
        static const char *const numbers[] = {"|entryCount", "|nextOrdinal"};
        drop_capdata(the, key, value);
        for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
            kee_store_prefix(key, id);
            kee_key_put(key, kee_bytes_str(numbers[i]));
            kee_vom_delete(the, kee_key_bytes(key));
        }
        bury_name(the, id);
    } else if (!kee_bytes_equal(tail, kee_bytes_str("|entryCount")) &&
               !kee_bytes_equal(tail, kee_bytes_str("|nextOrdinal"))) {
        struct kee_bytes vref = kee_bytes_of(tail.data + 1, tail.size - 1);
        if (remains->store_weak) {
            kee_refs_remove_recognizer(the, vref, id);
        } else {
            release(the, vref);
        }
        kee_vom_delete(the, kee_key_bytes(key));
    }
}

static void visit_store(txMachine *the, struct kee_key *key, struct kee_bytes name,
                        struct kee_bytes value)
{
    struct kee_remains *remains = remains_of(the);
    struct kee_bytes tail = name;
    uint64_t id;

    if (!kee_bytes_decimal(kee_bytes_cut(&tail, '.'), &id)) {
        kee_vom_corrupt(the, kee_key_bytes(key));
    }
    if (remains->store != id) {
        struct kee_bytes count;
        struct kee_key number;
        remains->store = 0;
        if (id >= remains->collections_below || is_held(the, id)) {
            kee_key_begin(key, "vc."); /* on with the next store */
            kee_key_decimal(key, id);
            kee_key_put(key, kee_bytes_str("/"));
            return;
        }
        kee_store_prefix(&number, id);
        kee_key_put(&number, kee_bytes_str("|entryCount"));
        remains->store_weak = !kee_vom_get(the, kee_key_bytes(&number), &count);
        remains->store = id;
        if (!kee_vom_get(the, kee_key_bytes(key), &value)) {
            kee_vom_corrupt(the, kee_key_bytes(key));
        }
    }
    struct kee_key row = *key;
    drop_store_row(the, &row, kee_bytes_of(row.text + row.size - tail.size, tail.size), value);
}

/* ---- Durable objects ---- */

static void visit_durable(txMachine *the, struct kee_key *key, struct kee_bytes name,
                          struct kee_bytes value)
{
    const size_t prefix = sizeof("vom.") - 1;
    struct kee_bytes base = kee_bytes_of(key->text + prefix, key->size - prefix);
    struct kee_ls *ls = kee_ls_of(the);
    struct kee_ls_entry *entry = kee_ls_entry_of(ls, base);

    struct kee_vref_parts parts;

    (void)name;
    (void)value;
    kee_vom_parse(the, base, &parts);
    if ((entry == NULL || kee_ls_entry_object(entry) == NULL) && !kee_vom_is_reachable(the, base) &&
        kee_kind_find(the, parts.id) != NULL) {
        kee_ls_possibly_dead(ls, base);
    }
}

/* ---- The walk ---- */

static const struct {
    const char *prefix;
    visit_fn *visit;
} stages[] = {
    {"vom.o+v", visit_state},         {"vom.es.o+v", visit_status}, {"vom.rc.o+v", visit_status},
    {"vom.vkind.", visit_descriptor}, {"vc.", visit_store},         {"vom.o+d", visit_durable},
};
#define STAGES (sizeof(stages) / sizeof(stages[0]))

void kee_remains_begin(txMachine *the)
{
    struct kee_remains *remains = remains_of(the);
    const struct kee_ls *ls = kee_ls_of(the);

    remains->kinds_below = ls->ids.export_id;
    remains->collections_below = ls->ids.collection_id;
}

/* Visits the next row; false when the walk is done. */
static bool step(txMachine *the)
{
    struct kee_remains *remains = remains_of(the);
    struct kee_bytes prefix = kee_bytes_str(stages[remains->stage].prefix);
    struct kee_bytes found, value;
    struct kee_key at;

    kee_key_begin(&at, "");
    kee_key_put(&at, remains->at.size > 0 ? kee_buf_bytes(&remains->at) : prefix);
    kee_buf_clear(&remains->at);
    if (!kee_vom_next(the, prefix, kee_key_bytes(&at), &found, &value)) {
        remains->stage++;
        return remains->stage < STAGES;
    }
    at.size = 0;
    kee_key_put(&at, found);
    stages[remains->stage].visit(the, &at,
                                 kee_bytes_of(at.text + prefix.size, at.size - prefix.size), value);
    kee_buf_put_bytes(&remains->at, kee_key_bytes(&at));
    kee_ls_check(the, kee_buf_status(&remains->at));
    return true;
}

void kee_remains_walk(txMachine *the)
{
    struct kee_remains *remains = remains_of(the);
    const struct kee_bytes row = KEE_BYTES_LIT(ROW);
    struct kee_bytes value;

    if (remains->stage == STAGES || remains->kinds_below == 0) {
        return;
    }
    for (unsigned i = 0; i < KEE_LIMIT_REMAINS_PER_REAP; i++) {
        if (!step(the)) {
            if (kee_vom_get(the, row, &value)) {
                kee_vom_delete(the, row);
            }
            return;
        }
    }
    /* A text that no reap before has left there: the kernel sees that the row changed. */
    kee_vom_set(the, row, kee_buf_bytes(&remains->at));
}

void kee_remains_free(struct kee_remains *remains)
{
    kee_buf_fini(&remains->at);
}
