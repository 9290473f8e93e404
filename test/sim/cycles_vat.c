/* SPDX-License-Identifier: Apache-2.0 */
#include "cycles_vat.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "store/schema.h"

#define OBJECT "o+d10/"
#define STORE "o+d6/"

static uint32_t pick(struct mini_vat *vat, uint32_t below)
{
    return (uint32_t)rng_below(vat->rng, below);
}

/* ---- names ---- */

bool mini_has(const struct mini_names *names, const char *name)
{
    for (size_t i = 0; i < names->count; i++) {
        if (strcmp(names->text[i], name) == 0) {
            return true;
        }
    }
    return false;
}

void mini_add(struct mini_names *names, const char *name)
{
    if (!mini_has(names, name)) {
        kee_assert(names->count < MINI_NAMES);
        (void)snprintf(names->text[names->count++], MINI_NAME, "%s", name);
    }
}

void mini_remove(struct mini_names *names, const char *name)
{
    for (size_t i = 0; i < names->count; i++) {
        if (strcmp(names->text[i], name) == 0) {
            memmove(names->text[i], names->text[names->count - 1], MINI_NAME);
            names->count--;
            return;
        }
    }
}

static void any(struct mini_vat *vat, const struct mini_names *names, char out[MINI_NAME])
{
    out[0] = 0;
    if (names->count > 0) {
        (void)snprintf(out, MINI_NAME, "%s", names->text[pick(vat, (uint32_t)names->count)]);
    }
}

/* ---- rows ---- */

static struct mini_row *row_at(const struct mini_vat *vat, const char *key)
{
    for (size_t i = 0; i < vat->row_count; i++) {
        if (strcmp(vat->rows[i].key, key) == 0) {
            return (struct mini_row *)&vat->rows[i];
        }
    }
    return NULL;
}

static const char *row_get(const struct mini_vat *vat, const char *key)
{
    const struct mini_row *row = row_at(vat, key);

    return row == NULL || row->absent ? NULL : row->value;
}

static void row_set(struct mini_vat *vat, const char *key, const char *value)
{
    struct mini_row *row = row_at(vat, key);

    if (row == NULL) {
        for (size_t i = 0; i < vat->row_count && row == NULL; i++) {
            row = vat->rows[i].absent && !vat->rows[i].changed ? &vat->rows[i] : NULL;
        }
        if (row == NULL) {
            kee_assert(vat->row_count < MINI_ROWS);
            row = &vat->rows[vat->row_count++];
        }
        (void)snprintf(row->key, sizeof row->key, "%s", key);
    }
    (void)snprintf(row->value, sizeof row->value, "%s", value);
    row->absent = false;
    row->changed = true;
}

static void row_delete(struct mini_vat *vat, const char *key)
{
    struct mini_row *row = row_at(vat, key);

    if (row != NULL && !row->absent) {
        row->absent = row->changed = true;
    }
}

void mini_reload(struct mini_vat *vat)
{
    struct kee_bytes key, value;
    struct kee_key prefix, at;

    vat->row_count = 0;
    (void)kee_key_vat(&prefix, (struct kee_vat_id){vat->n}, ".s.");
    at = prefix;
    while (kee_world_next(vat->rig->world, kee_key_view(&prefix), kee_key_view(&at), &key,
                          &value) == 0) {
        char name[64], text[MINI_TEXT];
        (void)snprintf(name, sizeof name, "%.*s", (int)(key.size - prefix.size),
                       (const char *)key.data + prefix.size);
        (void)snprintf(text, sizeof text, "%.*s", (int)value.size, (const char *)value.data);
        at.size = 0;
        kee_key_add(&at, key);
        row_set(vat, name, text);
        row_at(vat, name)->changed = false;
    }
    mini_forget_heap(vat);
}

static void relearn(void *context, const struct kee_record *record)
{
    struct mini_vat *vat = context;
    char vref[MINI_NAME];

    (void)snprintf(vref, sizeof vref, "%.*s", (int)record->fields[1].value.size,
                   (const char *)record->fields[1].value.data);
    if (vref[0] == 'o' && vref[1] == '-') {
        mini_add(&vat->known, vref);
    }
}

void mini_forget_heap(struct mini_vat *vat)
{
    vat->heap.count = vat->known.count = vat->promises.count = 0;
    kee_assert(kee_kernel_list_clist(vat->rig->kernel, (struct kee_vat_id){vat->n}, relearn, vat) ==
               0);
}

/* ---- counts ---- */

static void count(struct mini_vat *vat, const char *vref, int by)
{
    char key[64], text[24];
    const char *value;
    long n;

    (void)snprintf(key, sizeof key, "vom.rc.%s", vref);
    value = row_get(vat, key);
    n = (value == NULL ? 0 : strtol(value, NULL, 10)) + by;
    kee_assert(n >= 0);
    (void)snprintf(text, sizeof text, "%ld", n);
    if (n > 0) {
        row_set(vat, key, text);
    } else {
        row_delete(vat, key);
    }
}

static bool counted(const struct mini_vat *vat, const char *vref)
{
    char key[64];

    (void)snprintf(key, sizeof key, "vom.rc.%s", vref);
    return row_get(vat, key) != NULL;
}

static void set_status(struct mini_vat *vat, const char *vref, const char *letter)
{
    char key[64];

    (void)snprintf(key, sizeof key, "vom.es.%s", vref);
    if (letter == NULL) {
        row_delete(vat, key);
    } else {
        row_set(vat, key, letter);
    }
}

static const char *status(const struct mini_vat *vat, const char *vref)
{
    char key[64];

    (void)snprintf(key, sizeof key, "vom.es.%s", vref);
    return row_get(vat, key);
}

/* ---- objects ---- */

static bool is_store(const char *vref)
{
    return strncmp(vref, STORE, strlen(STORE)) == 0;
}

static void state_key(char out[64], const char *vref)
{
    (void)snprintf(out, 64, is_store(vref) ? "vc.%s.|schemata" : "vom.%s",
                   is_store(vref) ? vref + strlen(STORE) : vref);
}

bool mini_exists(const struct mini_vat *vat, const char *vref)
{
    char key[64];

    state_key(key, vref);
    return row_get(vat, key) != NULL;
}

/* Calls fn for each quoted name in text. */
static void quoted(const char *text, void (*fn)(void *context, const char *vref), void *context)
{
    for (const char *at = text; (at = strstr(at, "\"o")) != NULL;) {
        char name[MINI_NAME];
        size_t size = strcspn(++at, "\"");
        (void)snprintf(name, sizeof name, "%.*s", (int)size, at);
        fn(context, name);
        at += size + 1;
    }
}

void mini_edges(const struct mini_vat *vat, const char *vref,
                void (*fn)(void *context, const char *vref), void *context)
{
    char key[64];

    if (!is_store(vref)) {
        state_key(key, vref);
        if (row_get(vat, key) != NULL) {
            quoted(row_get(vat, key), fn, context);
        }
        return;
    }
    (void)snprintf(key, sizeof key, "vc.%s.", vref + strlen(STORE));
    for (size_t i = 0; i < vat->row_count; i++) {
        const struct mini_row *row = &vat->rows[i];
        if (row->absent || strncmp(row->key, key, strlen(key)) != 0) {
            continue;
        }
        quoted(row->value, fn, context);
        if (row->key[strlen(key)] == 'r') {
            fn(context, strchr(row->key, ':') + 1);
        }
    }
}

static void let_go(void *context, const char *vref)
{
    count(context, vref, -1);
}

static void capdata(char out[MINI_TEXT], const char *one, const char *other)
{
    (void)snprintf(out, MINI_TEXT, "{\"body\":\"#0\",\"slots\":[%s%s%s%s%s%s%s]}",
                   one[0] ? "\"" : "", one, one[0] ? "\"" : "", one[0] && other[0] ? "," : "",
                   other[0] ? "\"" : "", other, other[0] ? "\"" : "");
}

/* Both names, each once, are what the object refers to from now on. */
static void set_state(struct mini_vat *vat, const char *vref, const char *one, const char *other)
{
    char key[64], slots[MINI_TEXT], value[MINI_TEXT + 10];

    if (strcmp(one, other) == 0) {
        other = "";
    }
    state_key(key, vref);
    if (one[0]) {
        count(vat, one, 1);
    }
    if (other[0]) {
        count(vat, other, 1);
    }
    mini_edges(vat, vref, let_go, vat);
    capdata(slots, one, other);
    (void)snprintf(value, sizeof value, "{\"a\":%s}", slots);
    row_set(vat, key, value);
}

/* Entry j of a store: j even a value, j odd a key that is a reference. */
static void set_entry(struct mini_vat *vat, const char *store, uint32_t j, const char *name)
{
    char prefix[64], value[MINI_TEXT];

    (void)snprintf(prefix, sizeof prefix,
                   j % 2 == 0 ? "vc.%s.s%u" : "vc.%s.r%010u:", store + strlen(STORE), j);
    for (size_t i = 0; i < vat->row_count; i++) {
        struct mini_row *row = &vat->rows[i];
        if (row->absent || strncmp(row->key, prefix, strlen(prefix)) != 0) {
            continue;
        }
        if (j % 2 != 0) {
            count(vat, row->key + strlen(prefix), -1);
        }
        quoted(row->value, let_go, vat);
        row->absent = row->changed = true;
        break;
    }
    if (name[0] == 0) {
        return;
    }
    count(vat, name, 1);
    capdata(value, j % 2 == 0 ? name : "", "");
    if (j % 2 != 0) {
        (void)snprintf(prefix + strlen(prefix), sizeof prefix - strlen(prefix), "%s", name);
    }
    row_set(vat, prefix, value);
}

static void empty(struct mini_vat *vat, const char *vref)
{
    char key[64];

    if (!mini_exists(vat, vref)) {
        return;
    }
    if (is_store(vref)) {
        for (uint32_t j = 0; j < 4; j++) {
            set_entry(vat, vref, j, "");
        }
    } else {
        mini_edges(vat, vref, let_go, vat);
    }
    state_key(key, vref);
    row_delete(vat, key);
}

static uint64_t next_number(struct mini_vat *vat, const char *key)
{
    const char *value = row_get(vat, key);
    uint64_t n = value == NULL ? 5 : strtoull(value, NULL, 10);
    char text[24];

    (void)snprintf(text, sizeof text, "%llu", (unsigned long long)n + 1);
    row_set(vat, key, text);
    return n;
}

/* ---- what a crank does ---- */

static void make_tables(struct mini_vat *vat)
{
    if (row_get(vat, "kindIDID") != NULL) {
        return;
    }
    row_set(vat, "kindIDID", "1");
    row_set(vat, "storeKindIDTable",
            "{\"scalarMapStore\":2,\"scalarDurableMapStore\":6,\"scalarDurableWeakMapStore\":7}");
    row_set(vat, "baggageID", "o+d6/1");
    row_set(vat, "watcherTableID", "o+d6/2");
    row_set(vat, "watchedPromiseTableID", "o+d6/3");
    for (int i = 1; i <= 3; i++) {
        char key[64], name[MINI_NAME];
        (void)snprintf(key, sizeof key, "vc.%d.|schemata", i);
        row_set(vat, key, "{\"body\":\"#{}\",\"slots\":[]}");
        (void)snprintf(name, sizeof name, "o+d6/%d", i);
        count(vat, name, 1);
    }
}

static void act_make(struct mini_vat *vat)
{
    char one[MINI_NAME], other[MINI_NAME], name[MINI_NAME], key[64];

    any(vat, &vat->heap, one);
    any(vat, &vat->heap, other);
    if (vat->heap.count > 20) {
        return;
    }
    if (pick(vat, 3) == 0) {
        (void)snprintf(name, sizeof name, STORE "%llu",
                       (unsigned long long)next_number(vat, "idCounters"));
        state_key(key, name);
        row_set(vat, key, "{\"body\":\"#{}\",\"slots\":[]}");
        set_entry(vat, name, pick(vat, 4), one);
    } else {
        (void)snprintf(name, sizeof name, OBJECT "%llu",
                       (unsigned long long)next_number(vat, "vom.dkind.10.nextID"));
        set_state(vat, name, one, pick(vat, 2) ? other : "");
    }
    mini_add(&vat->heap, name);
}

static void act_change(struct mini_vat *vat)
{
    char which[MINI_NAME], one[MINI_NAME] = "", other[MINI_NAME] = "";

    if (pick(vat, 4) == 0) {
        (void)snprintf(which, sizeof which, "o+d6/1");
    } else {
        any(vat, &vat->heap, which);
    }
    if (pick(vat, 5) > 0) {
        any(vat, &vat->heap, one);
    }
    if (pick(vat, 2) == 0) {
        any(vat, &vat->heap, other);
    }
    if (which[0] == 0 || which[1] == '-') {
        return;
    }
    if (is_store(which)) {
        set_entry(vat, which, pick(vat, 4), one);
    } else {
        set_state(vat, which, one, other);
    }
}

static void into_heap(void *context, const char *vref)
{
    struct mini_vat *vat = context;

    if (vat->heap.count < 40) {
        mini_add(&vat->heap, vref);
    }
}

static void act_read(struct mini_vat *vat)
{
    char which[MINI_NAME];

    any(vat, &vat->heap, which);
    if (which[0] == 0 || pick(vat, 3) == 0) {
        (void)snprintf(which, sizeof which, "o+d6/1");
    }
    if (which[1] != '-') {
        mini_edges(vat, which, into_heap, vat);
    }
}

static void act_forget(struct mini_vat *vat)
{
    char which[MINI_NAME];

    any(vat, &vat->heap, which);
    if (which[0] != 0) {
        mini_remove(&vat->heap, which);
    }
}

/* Moves something out of a row into the heap alone. */
static void act_take(struct mini_vat *vat)
{
    char which[MINI_NAME];

    any(vat, &vat->heap, which);
    if (which[0] == 0 || pick(vat, 3) == 0) {
        (void)snprintf(which, sizeof which, "o+d6/1");
    }
    if (which[1] == '-' || vat->heap.count > 30) {
        return;
    }
    mini_edges(vat, which, into_heap, vat);
    if (is_store(which)) {
        for (uint32_t j = 0; j < 4; j++) {
            set_entry(vat, which, j, "");
        }
    } else {
        set_state(vat, which, "", "");
    }
}

static void some_slots(struct mini_vat *vat, char out[MINI_TEXT])
{
    out[0] = 0;
    for (uint32_t i = pick(vat, 3); i > 0; i--) {
        char name[MINI_NAME];
        any(vat, &vat->heap, name);
        if (name[0] == 0 || strstr(out, name) != NULL) {
            continue;
        }
        if (name[1] == '+') {
            set_status(vat, name, "r");
        }
        (void)snprintf(out + strlen(out), MINI_TEXT - strlen(out), "%s%s", out[0] ? " " : "", name);
    }
}

static void act_send(struct mini_vat *vat, struct rig_reply *reply)
{
    char target[MINI_NAME], slots[MINI_TEXT], result[MINI_NAME];

    any(vat, pick(vat, 2) == 0 ? &vat->promises : &vat->heap, target);
    if (target[0] == 0 || (target[0] == 'o' && target[1] != '-') || vat->promises.count > 20) {
        return;
    }
    some_slots(vat, slots);
    (void)snprintf(result, sizeof result, "p+%llu", (unsigned long long)++vat->next_promise);
    rig_reply_send(reply, target, "#[\"m\",[]]", slots, result);
    rig_reply_subscribe(reply, result);
    mini_add(&vat->promises, result);
}

static void act(struct mini_vat *vat, struct rig_reply *reply)
{
    for (uint32_t i = pick(vat, 6); i > 0; i--) {
        switch (pick(vat, 9)) {
        case 0:
            act_make(vat);
            break;
        case 1:
        case 2:
            act_change(vat);
            break;
        case 3:
            act_read(vat);
            break;
        case 4:
        case 5:
            act_forget(vat);
            break;
        case 6:
            act_take(vat);
            break;
        default:
            act_send(vat, reply);
            break;
        }
    }
}

/* ---- garbage ---- */

/* Every own object that has a row. */
static void own_names(const struct mini_vat *vat, struct mini_names *out)
{
    out->count = 0;
    for (size_t i = 0; i < vat->row_count; i++) {
        const struct mini_row *row = &vat->rows[i];
        unsigned long long n;
        char name[MINI_NAME] = "";
        if (row->absent) {
            continue;
        }
        if (sscanf(row->key, "vc.%llu.|schemata", &n) == 1 && strstr(row->key, "|schemata")) {
            (void)snprintf(name, sizeof name, STORE "%llu", n);
        } else if (strncmp(row->key, "vom.o+", 6) == 0) {
            (void)snprintf(name, sizeof name, "%s", row->key + 4);
        } else if (strncmp(row->key, "vom.rc.o+", 9) == 0 ||
                   strncmp(row->key, "vom.es.o+", 9) == 0) {
            (void)snprintf(name, sizeof name, "%s", row->key + 7);
        }
        if (name[0] != 0) {
            mini_add(out, name);
        }
    }
}

static void append(char *list, size_t room, const char *name)
{
    size_t at = strlen(list);

    kee_assert(at + strlen(name) + 2 < room);
    (void)snprintf(list + at, room - at, "%s%s", at > 0 ? " " : "", name);
}

static bool bury_one(struct mini_vat *vat, char *retired, size_t room)
{
    struct mini_names own;

    own_names(vat, &own);
    for (size_t i = 0; i < own.count; i++) {
        const char *name = own.text[i];
        const char *letter = status(vat, name);
        if (mini_has(&vat->heap, name) || counted(vat, name) ||
            (letter != NULL && letter[0] == 'r')) {
            continue;
        }
        empty(vat, name);
        if (letter != NULL) {
            append(retired, room, name);
            set_status(vat, name, NULL);
        }
        return true;
    }
    return false;
}

static void reap(struct mini_vat *vat, const struct rig_delivery *delivery, struct rig_reply *reply)
{
    static char dropped[4000], retired[4000], heap[4000];

    dropped[0] = retired[0] = heap[0] = 0;
    while (bury_one(vat, retired, sizeof retired)) {
    }
    for (size_t i = 0; i < vat->known.count;) {
        const char *name = vat->known.text[i];
        if (mini_has(&vat->heap, name) || counted(vat, name)) {
            i++;
            continue;
        }
        append(dropped, sizeof dropped, name);
        mini_remove(&vat->known, name);
    }
    if (dropped[0] != 0) {
        rig_reply_names(reply, KEE_VP_CALL_DROP_IMPORTS, dropped);
        rig_reply_names(reply, KEE_VP_CALL_RETIRE_IMPORTS, dropped);
    }
    if (retired[0] != 0) {
        rig_reply_names(reply, KEE_VP_CALL_RETIRE_EXPORTS, retired);
    }
    if (delivery->asks_heap && !vat->mute) {
        for (size_t i = 0; i < vat->heap.count; i++) {
            append(heap, sizeof heap, vat->heap.text[i]);
        }
        rig_reply_names(reply, KEE_VP_CALL_HEAP, heap);
    }
}

static void name_of(struct kee_bytes vref, char out[MINI_NAME])
{
    (void)snprintf(out, MINI_NAME, "%.*s", (int)vref.size, (const char *)vref.data);
}

static void take_slots(struct mini_vat *vat, struct kee_vp_strings slots)
{
    struct kee_bytes vref;
    char name[MINI_NAME];

    while (kee_vp_strings_next(&slots, &vref)) {
        name_of(vref, name);
        if (name[0] != 'o' || strcmp(name, "o+0") == 0) {
            continue;
        }
        if (name[1] == '-') {
            mini_add(&vat->known, name);
        } else if (mini_exists(vat, name)) {
            set_status(vat, name, "r");
        }
        if (vat->heap.count < 60) {
            mini_add(&vat->heap, name);
        }
    }
}

/* A method has its object in hand. */
static void take_target(struct mini_vat *vat, struct kee_bytes target)
{
    char name[MINI_NAME];

    name_of(target, name);
    if (name[0] == 'o' && strcmp(name, "o+0") != 0) {
        kee_assert(mini_exists(vat, name));
        if (vat->heap.count < 60) {
            mini_add(&vat->heap, name);
        }
    }
}

static void told_of_exports(struct mini_vat *vat, const struct rig_delivery *delivery)
{
    struct kee_vp_strings slots = delivery->slots;
    struct kee_bytes vref;
    char name[MINI_NAME];

    while (kee_vp_strings_next(&slots, &vref)) {
        name_of(vref, name);
        if (delivery->kind == KEE_VP_RETIRE_IMPORTS) {
            mini_remove(&vat->known, name);
        } else if (delivery->kind == KEE_VP_RETIRE_EXPORTS) {
            set_status(vat, name, NULL);
        } else if (status(vat, name) != NULL) {
            set_status(vat, name, "s");
        }
    }
}

static void empty_unreachable(struct mini_vat *vat, const struct rig_delivery *delivery,
                              struct rig_reply *reply,
                              void (*check)(void *context, uint64_t vat, const char *vref),
                              void *context)
{
    struct kee_vp_strings slots = delivery->slots;
    struct kee_bytes vref;
    char name[MINI_NAME];

    while (kee_vp_strings_next(&slots, &vref)) {
        name_of(vref, name);
        check(context, vat->n, name);
        kee_assert(!mini_has(&vat->heap, name));
    }
    slots = delivery->slots;
    while (kee_vp_strings_next(&slots, &vref)) {
        name_of(vref, name);
        empty(vat, name);
        if (status(vat, name) != NULL) {
            rig_reply_names(reply, KEE_VP_CALL_ABANDON_EXPORTS, name);
            set_status(vat, name, NULL);
        }
    }
}

static void finish(struct mini_vat *vat, struct rig_reply *reply)
{
    static char rows[200000];
    size_t at = 0;

    rows[0] = 0;
    for (size_t i = 0; i < vat->row_count; i++) {
        struct mini_row *row = &vat->rows[i];
        if (!row->changed) {
            continue;
        }
        at += (size_t)snprintf(rows + at, sizeof rows - at, "%s%s%s%s", at > 0 ? " " : "", row->key,
                               row->absent ? "" : "=", row->absent ? "" : row->value);
        row->changed = false;
    }
    rig_reply_end(vat->rig, vat->n, reply, rows);
}

bool mini_crank(struct mini_vat *vat, void (*check)(void *context, uint64_t vat, const char *vref),
                void *context)
{
    struct rig_delivery delivery;
    struct rig_reply reply;
    char result[MINI_NAME], slots[MINI_TEXT];

    if (!rig_take(vat->rig, vat->n, &delivery)) {
        return false;
    }
    rig_reply_begin(&reply, delivery.number, NULL);
    switch (delivery.kind) {
    case 0:
        mini_reload(vat);
        make_tables(vat);
        break;
    case KEE_VP_MESSAGE:
        make_tables(vat);
        take_slots(vat, delivery.slots);
        take_target(vat, delivery.target);
        if (!vat->idle) {
            act(vat, &reply);
        }
        if (delivery.result.size > 0) {
            name_of(delivery.result, result);
            slots[0] = 0;
            if (!vat->idle) {
                some_slots(vat, slots);
            }
            /* What was sent to the result goes on to the one object it is. */
            rig_reply_resolve(&reply, result, false,
                              slots[0] != 0 && strchr(slots, ' ') == NULL ? "#\"$0\"" : "#[1]",
                              slots);
        }
        break;
    case KEE_VP_NOTIFY:
        do {
            name_of(delivery.target, result);
            mini_remove(&vat->promises, result);
            take_slots(vat, delivery.slots);
        } while (rig_further(&delivery));
        if (!vat->idle) {
            act(vat, &reply);
        }
        break;
    case KEE_VP_BRING_OUT_YOUR_DEAD:
        empty_unreachable(vat, &delivery, &reply, check, context);
        reap(vat, &delivery, &reply);
        break;
    default:
        told_of_exports(vat, &delivery);
        break;
    }
    finish(vat, &reply);
    return true;
}
