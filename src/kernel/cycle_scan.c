/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cycle_scan - walks the roots, and follows what is marked and has not been looked into.
 *
 * Every walk keeps its place as a key, so that rows may come and go between two slices: what comes is
 * marked by a barrier, what goes holds nothing any more.
 */
#include "kernel/cycle.h"

#define ROOT_PARTS 7 /* tables of rows that roots stand in */

/* A row of many bytes costs as much as several. */
static void spend(struct kee_budget *budget, size_t bytes)
{
    size_t rows = 1 + bytes / 4096;

    budget->rows = budget->rows > rows ? budget->rows - (uint32_t)rows : 0;
}

/* ---- roots ---- */

static int scan_hold(struct kee_kernel *kernel, struct kee_bytes rest, struct kee_bytes value)
{
    struct kee_kref kref;

    (void)value;
    return kee_kref_parse(rest, &kref) ? kee_cycle_mark_object(kernel, kref) : 0;
}

static int scan_item(struct kee_kernel *kernel, struct kee_bytes rest, struct kee_bytes value)
{
    struct kee_item item;
    int r = kee_item_parse(rest, value, &item);

    r = r != 0 ? r : kee_cycle_mark_object(kernel, item.target);
    return r != 0 ? r : kee_cycle_mark_list(kernel, item.slots);
}

/* N, N.d or N.q.SEQ: the data of a promise, or what is parked at it. */
static int scan_promise(struct kee_kernel *kernel, struct kee_bytes rest, struct kee_bytes value)
{
    struct kee_bytes part = rest;

    (void)kee_bytes_cut(&part, '.');
    if (kee_bytes_equal(part, KEE_BYTES_LIT("d"))) {
        return kee_cycle_mark_list(kernel, kee_bytes_cut(&value, ' '));
    }
    return part.size > 0 ? scan_item(kernel, rest, value) : 0;
}

/* N.c.KREF of a peer: what it imports. */
static int scan_peer(struct kee_kernel *kernel, struct kee_bytes rest, struct kee_bytes value)
{
    (void)kee_bytes_cut(&rest, '.');
    (void)kee_bytes_cut(&rest, '.');
    return kee_bytes_equal(kee_bytes_cut(&value, ' '), rest) ? scan_hold(kernel, rest, value) : 0;
}

static int scan_service(struct kee_kernel *kernel, struct kee_bytes rest, struct kee_bytes value)
{
    (void)rest;
    return scan_hold(kernel, kee_bytes_cut(&value, ' '), value);
}

/* What the vat was granted by name. */
static int scan_inventory(struct kee_kernel *kernel, struct kee_vat_id id)
{
    struct kee_bytes list, name;
    struct kee_kref kref;
    struct kee_key key;
    int r = kee_world_get(kernel->world, kee_key_vat(&key, id, ".inventory"), &list);

    while (r == 0 && kee_inventory_next(&list, &name, &kref)) {
        r = kee_cycle_mark_object(kernel, kref);
    }
    return r == KEE_STORE_ABSENT ? 0 : r;
}

/* Has the vat no liveslots, so that its rows are its own affair? words: what follows its state. */
static bool is_foreign(struct kee_bytes words)
{
    while (words.size > 0) {
        struct kee_bytes word = kee_bytes_cut(&words, ' ');
        if (kee_bytes_equal(word, KEE_BYTES_LIT("raw")) ||
            kee_bytes_equal(word, KEE_BYTES_LIT("native"))) {
            return true;
        }
    }
    return false;
}

/* The root of a vat, and the tables that its liveslots finds by name. A vat without liveslots has no such
 * tables, and may have written the names of its imports wherever it likes: it holds them all. */
static int scan_vat(struct kee_kernel *kernel, struct kee_vat_id id, struct kee_bytes row)
{
    struct kee_cycle_vat *vat;
    struct kee_bytes value, field;
    struct kee_kref root = KEE_KREF_NONE;
    struct kee_key key;
    const char *name;
    int r;

    for (int i = 0; i < 7; i++) { /* SUBCLUSTER INCARNATION ROOT NEXT-o- NEXT-p- CODE-HASH STATE */
        field = kee_bytes_cut(&row, ' ');
        if (i == 2 && !kee_kref_parse(field, &root)) {
            return kee_row_corrupt(KEE_BYTES_LIT("vN"), "the row of a vat");
        }
    }
    r = kee_cycle_mark_object(kernel, root);
    r = r != 0 ? r : scan_inventory(kernel, id);
    r = r != 0 ? r : kee_cycle_vat(kernel, id, &vat);
    if (r == 0 && is_foreign(row)) {
        kee_cycle_make_opaque(kernel, vat);
        return 0;
    }
    for (size_t i = 0; r == 0 && (name = kee_vatrow_root(i)) != NULL; i++) {
        (void)kee_key_vat(&key, id, ".s.");
        kee_key_add(&key, kee_bytes_str(name));
        r = kee_world_get(kernel->world, kee_key_view(&key), &value);
        r = r == 0 ? kee_cycle_mark_vref(kernel, vat, value) : r == KEE_STORE_ABSENT ? 0 : r;
    }
    return r;
}

/* N and the parts of a vat. Moves *at past what need not be looked at. */
static int scan_vat_part(struct kee_kernel *kernel, struct kee_bytes rest, struct kee_bytes value,
                         struct kee_key *at)
{
    struct kee_bytes kinds = KEE_BYTES_LIT("s.vom.dkind.");
    struct kee_bytes number = kee_bytes_cut(&rest, '.');
    struct kee_cycle_vat *vat;
    struct kee_vat_id id;
    int r;

    if (!kee_bytes_decimal(number, &id.n)) {
        return 0; /* another row that begins with v */
    }
    if (rest.data == NULL) {
        r = scan_vat(kernel, id, value);
        (void)kee_key_vat(at, id, ".s.vom.dkind.");
        return r;
    }
    if (kee_bytes_has_prefix(rest, kinds)) {
        r = kee_cycle_vat(kernel, id, &vat);
        return r != 0 ? r : kee_cycle_mark_slots(kernel, vat, value);
    }
    (void)kee_key_vat(at, id, "/"); /* behind all its parts */
    return 0;
}

int kee_cycle_scan_roots(struct kee_kernel *kernel, struct kee_budget *budget)
{
    static const struct {
        const char *prefix;
        int (*scan)(struct kee_kernel *kernel, struct kee_bytes rest, struct kee_bytes value);
    } parts[] = {
        {"pin.", scan_hold}, {"hold.", scan_hold},       {"q.v", scan_item}, {"kp", scan_promise},
        {"r", scan_peer},    {"service.", scan_service}, {"v", NULL},
    };
    struct kee_cycle *cycle = kernel->cycle;
    struct kee_key at = cycle->root_at;
    int r = 0;

    _Static_assert(sizeof parts / sizeof *parts == ROOT_PARTS, "is_scanned asks for the last");
    while (r == 0 && budget->rows > 0 && cycle->root_part < ROOT_PARTS) {
        struct kee_bytes prefix = kee_bytes_str(parts[cycle->root_part].prefix);
        struct kee_bytes key, value, rest;
        r = kee_world_next(kernel->world, prefix, at.size > 0 ? kee_key_view(&at) : prefix, &key,
                           &value);
        if (r != 0) {
            r = r == KEE_STORE_ABSENT ? 0 : r;
            cycle->root_part += r == 0;
            at.size = 0;
            continue;
        }
        spend(budget, value.size);
        at.size = 0;
        kee_key_add(&at, key);
        cycle->root_at = at; /* rest must outlive a change of at */
        rest = kee_bytes_of(cycle->root_at.text + prefix.size, at.size - prefix.size);
        r = parts[cycle->root_part].scan != NULL ? parts[cycle->root_part].scan(kernel, rest, value)
                                                 : scan_vat_part(kernel, rest, value, &at);
    }
    cycle->root_at = at;
    return r;
}

/* ---- vats that do not say what they hold ---- */

static int scan_opaque(struct kee_kernel *kernel, struct kee_budget *budget)
{
    struct kee_cycle *cycle = kernel->cycle;
    struct kee_cycle_vat *vat = KEE_CONTAINER(cycle->opaque.next, struct kee_cycle_vat, pending);
    struct kee_key prefix;
    struct kee_bytes value;
    struct kee_kref kref;
    int r = 0;

    (void)kee_key_vat(&prefix, vat->id, ".c.ko");
    while (r == 0 && budget->rows > 0) {
        struct kee_bytes key;
        r = kee_world_next(kernel->world, kee_key_view(&prefix),
                           kee_key_view(cycle->opaque_at.size > 0 ? &cycle->opaque_at : &prefix),
                           &key, &value);
        if (r != 0) {
            break;
        }
        spend(budget, 0);
        cycle->opaque_at.size = 0;
        kee_key_add(&cycle->opaque_at, key);
        key = kee_bytes_of(key.data + prefix.size - 2, key.size - prefix.size + 2);
        if (value.size > 2 && value.data[1] == '-' && value.data[value.size - 1] == 'r' &&
            kee_kref_parse(key, &kref)) {
            r = kee_cycle_mark_object(kernel, kref);
        }
    }
    if (r == KEE_STORE_ABSENT) {
        kee_list_remove(&vat->pending);
        cycle->opaque_at.size = 0;
        r = 0;
    }
    return r;
}

/* ---- what is marked ---- */

/* koN leads to what its owner means by it. */
static int scan_object(struct kee_kernel *kernel, uint64_t number)
{
    struct kee_kref kref = kee_kref_make(KEE_KREF_OBJECT, number);
    struct kee_cycle_vat *vat;
    struct kee_object object = {0};
    struct kee_vat_id owner;
    struct kee_bytes value;
    struct kee_key key;
    int r = kee_object_get(kernel, kref, &object);

    owner = kee_endpoint_vat(object.owner);
    if (r != 0 || owner.n == 0) { /* a peer's leads nowhere: what it holds is its rows' */
        return r == KEE_STORE_ABSENT ? 0 : r;
    }
    r = kee_cycle_vat(kernel, owner, &vat);
    if (r != 0 || vat->opaque) {
        return r;
    }
    r = kee_world_get(kernel->world, kee_key_clist_kref(&key, vat->id, kref), &value);
    if (r != 0) {
        return r == KEE_STORE_ABSENT ? 0 : r;
    }
    return kee_cycle_mark_vref(kernel, vat, kee_bytes_cut(&value, ' '));
}

/* o-N leads to what the kernel means by it. */
static int scan_import(struct kee_kernel *kernel, struct kee_cycle_vat *vat, uint64_t number)
{
    struct kee_bytes value;
    struct kee_kref kref;
    struct kee_key key;
    int r;

    (void)kee_key_vat(&key, vat->id, ".c.o-");
    kee_key_add_number(&key, number);
    r = kee_world_get(kernel->world, kee_key_view(&key), &value);
    if (r != 0) {
        return r == KEE_STORE_ABSENT ? 0 : r;
    }
    return kee_kref_parse(value, &kref) ? kee_cycle_mark_object(kernel, kref) : 0;
}

static int scan_state(struct kee_kernel *kernel, const struct kee_space *space, uint64_t instance,
                      struct kee_budget *budget)
{
    struct kee_bytes value;
    struct kee_key key;
    int r;

    (void)kee_key_vat(&key, space->vat->id, space->durable ? ".s.vom.o+d" : ".s.vom.o+v");
    kee_key_add_number(&key, space->kind);
    kee_key_add(&key, KEE_BYTES_LIT("/"));
    kee_key_add_number(&key, instance);
    r = kee_world_get(kernel->world, kee_key_view(&key), &value);
    if (r != 0) {
        return r == KEE_STORE_ABSENT ? 0 : r;
    }
    spend(budget, value.size);
    return kee_cycle_mark_slots(kernel, space->vat, value);
}

/* The entries of the store at hand, as many as the budget allows. */
static int scan_store(struct kee_kernel *kernel, struct kee_budget *budget)
{
    struct kee_cycle *cycle = kernel->cycle;
    struct kee_cycle_vat *vat = cycle->store_space->vat;
    struct kee_key prefix, own;
    struct kee_vatrow row;
    int r = 0;

    (void)kee_key_vat(&own, vat->id, ".s.");
    (void)kee_key_vat(&prefix, vat->id, ".s.vc.");
    kee_key_add_number(&prefix, cycle->store);
    kee_key_add(&prefix, KEE_BYTES_LIT("."));
    while (r == 0 && budget->rows > 0) {
        struct kee_bytes key, value;
        r = kee_world_next(kernel->world, kee_key_view(&prefix),
                           kee_key_view(cycle->store_at.size > 0 ? &cycle->store_at : &prefix),
                           &key, &value);
        if (r != 0) {
            break;
        }
        spend(budget, value.size);
        cycle->store_at.size = 0;
        kee_key_add(&cycle->store_at, key);
        kee_vatrow_read(kee_bytes_of(key.data + own.size, key.size - own.size), &row);
        if (row.key.size > 0 && cycle->store_space->sort == KEE_SPACE_STORES) {
            r = kee_cycle_mark_vref(kernel, vat, row.key);
        }
        r = r != 0 ? r : kee_cycle_mark_slots(kernel, vat, value);
    }
    if (r == KEE_STORE_ABSENT) {
        cycle->store_space = NULL;
        r = 0;
    }
    return r;
}

static int scan_marked(struct kee_kernel *kernel, struct kee_space *space, uint64_t n,
                       struct kee_budget *budget)
{
    struct kee_cycle *cycle = kernel->cycle;

    switch (space->sort) {
    case KEE_SPACE_OBJECTS:
        return scan_object(kernel, n);
    case KEE_SPACE_IMPORTS:
        return scan_import(kernel, space->vat, n);
    case KEE_SPACE_KIND:
        return scan_state(kernel, space, n, budget);
    case KEE_SPACE_STORES:
    case KEE_SPACE_WEAK_STORES:
        cycle->store_space = space;
        cycle->store = n;
        cycle->store_at.size = 0;
        break;
    case KEE_SPACE_TOUCHED:
        break;
    }
    return 0;
}

int kee_cycle_scan_gray(struct kee_kernel *kernel, struct kee_budget *budget)
{
    struct kee_cycle *cycle = kernel->cycle;
    struct kee_marks *marks;
    uint64_t n;
    int r = 0;

    while (r == 0 && budget->rows > 0) {
        if (!kee_list_is_empty(&cycle->opaque)) {
            r = scan_opaque(kernel, budget);
        } else if (cycle->store_space != NULL) {
            r = scan_store(kernel, budget);
        } else if (kee_marks_take_gray(&cycle->gray, &marks, &n)) {
            spend(budget, 0);
            r = scan_marked(kernel, KEE_CONTAINER(marks, struct kee_space, marks), n, budget);
        } else {
            break;
        }
    }
    return r;
}

bool kee_cycle_is_scanned(const struct kee_cycle *cycle)
{
    return cycle->root_part == ROOT_PARTS && kee_list_is_empty(&cycle->opaque) &&
           cycle->store_space == NULL && kee_list_is_empty(&cycle->gray);
}
