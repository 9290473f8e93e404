/* SPDX-License-Identifier: Apache-2.0 */
/*
 * audit - walks every row and checks what must hold between them:
 *
 *   CL-4  an import of an object has a row koN.i.vM, and only an import
 *   CL-1  c-list rows come in pairs            OB-1  reachable <= recognizable
 *   RC-1  an object's counts are what refers to it: importers, queue rows, data, holds,
 *         pins, its launch, inventories, imports of peers, services
 *   RC-2  the same of a promise's references   PR-1  a subscriber knows the promise
 *   PR-2  settled data there if and only if the promise is settled
 *   PR-3  what messages are parked at says so, and is unsettled
 *   PE-1  a peer's import is named by its kref; its export has an inverse row, which names it
 *   PE-3  a promise that is mentioned to a peer and unsettled has it among its subscribers
 *   PE-4  a peer knows the objects it owns, and the promises it is to settle
 *   ST-1  no row stands for a vat or an object that is not there (strays.c)
 *
 * With mending on, what can be put right from what was found is: strays go, counts become what was
 * found, the importers of an object what the c-lists say. The rest needs a person.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "kernel/internal.h"

struct tally {
    struct kee_kref kref;
    uint64_t reachable, recognizable; /* of a promise: references in the first */
    bool has_row;
};

struct audit {
    struct kee_map tallies; /* kref bits -> struct tally */
    struct kee_audit common;
    struct kee_vat_id vat; /* whose c-list is being walked */
    int fault;             /* that ended the walk of a vat: what was found is not all there is */
};

void kee_audit_violation(struct kee_audit *audit, const char *invariant, struct kee_bytes where,
                         bool mendable, const char *format, ...)
{
    struct kee_event event;
    char text[120];
    va_list args;

    audit->violations++;
    if (audit->fn == NULL) {
        return;
    }
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    kee_event_begin(&event, "violation");
    kee_event_text(&event, "invariant", kee_bytes_str(invariant));
    kee_event_text(&event, "where", where);
    kee_event_text(&event, "found", kee_bytes_str(text));
    kee_event_text(&event, audit->mends ? "repaired" : "repairable",
                   mendable ? KEE_BYTES_LIT("yes") : KEE_BYTES_LIT("no"));
    audit->fn(audit->context, &event.record);
}

static int tally_of(struct audit *audit, struct kee_kref kref, struct tally **out)
{
    struct tally *tally = kee_map_get(&audit->tallies, kref.bits);
    int r = 0;

    if (tally == NULL) {
        tally = calloc(1, sizeof *tally);
        if (tally == NULL) {
            return kee_fault(KEE_FAULT_MEMORY, "an audit");
        }
        tally->kref = kref;
        r = kee_map_put(&audit->tallies, kref.bits, tally);
        if (r != 0) {
            free(tally);
            return r;
        }
    }
    *out = tally;
    return 0;
}

static int add(struct audit *audit, struct kee_kref kref, unsigned reachable, unsigned recognizable)
{
    struct tally *tally = NULL;
    int r = tally_of(audit, kref, &tally);

    if (r == 0) {
        tally->reachable += reachable;
        tally->recognizable += recognizable;
    }
    return r;
}

static int add_list(struct audit *audit, struct kee_bytes list)
{
    struct kee_kref kref;
    int r = 0;

    while (r == 0 && kee_krefs_next(&list, &kref)) {
        r = add(audit, kref, 1, 1);
    }
    return r;
}

static int add_item(struct audit *audit, const struct kee_item *item)
{
    int r = add(audit, item->target, 1, 1);

    if (r == 0 && item->type == 'm') {
        r = add_list(audit, item->slots);
        if (r == 0 && !kee_kref_is_none(item->result)) {
            r = add(audit, item->result, 1, 1);
        }
    }
    return r;
}

static int on_clist(struct kee_kernel *kernel, struct kee_bytes rest, struct kee_bytes value,
                    kee_record_fn *fn, void *context)
{
    struct audit *audit = context;
    struct kee_bytes vref, inverse;
    struct kee_key key;
    struct kee_kref kref;
    bool reachable, pair;
    int r;

    (void)fn;
    if (!kee_kref_parse(rest, &kref)) { /* vref -> kref: the kref's row must name it back */
        r = kee_kref_parse(value, &kref)
                ? kee_world_get(kernel->world, kee_key_clist_kref(&key, audit->vat, kref), &inverse)
                : KEE_STORE_ABSENT;
        if (r < 0) {
            return r;
        }
        if (r != 0 || !kee_bytes_has_prefix(inverse, rest)) {
            kee_audit_violation(&audit->common, "CL-1", rest, false, "no inverse row");
        }
        return 0;
    }
    vref = kee_bytes_cut(&value, ' ');
    if (vref.size < 3 || vref.size > KEE_LIMIT_VREF_BYTES) {
        kee_audit_violation(&audit->common, "CL-1", rest, false, "no name of the vat's");
        return 0;
    }
    reachable = kee_bytes_equal(value, KEE_BYTES_LIT("r"));
    r = kee_world_get(kernel->world, kee_key_clist(&key, audit->vat, vref), &inverse);
    if (r < 0) {
        return r;
    }
    pair = r == 0 && kee_bytes_equal(inverse, rest);
    if (!pair) {
        kee_audit_violation(&audit->common, "CL-1", rest, false, "no inverse row");
    }
    if (kee_kref_is_promise(kref)) {
        return add(audit, kref, 1, 1);
    }
    if (vref.data[1] != '-') {
        return 0;
    }
    r = kee_world_get(kernel->world, kee_key_importer(&key, kref, audit->vat), &inverse);
    if (r == KEE_STORE_ABSENT) {
        kee_audit_violation(&audit->common, "CL-4", rest, true,
                            "an import of v%llu without its row", (unsigned long long)audit->vat.n);
        r = !audit->common.mends
                ? 0
                : kee_world_put(kernel->world, kee_key_view(&key), kee_bytes_of(NULL, 0));
    }
    return r < 0 ? r : add(audit, kref, reachable, 1);
}

static int add_inventory(struct audit *audit, struct kee_vat_id vat)
{
    struct kee_kernel *kernel = audit->common.kernel;
    struct kee_buf *hold = kee_scratch_take(kernel);
    struct kee_bytes list, name;
    struct kee_kref kref;
    int r = kee_inventory_get(kernel, vat, hold);

    list = kee_buf_bytes(hold);
    while (r == 0 && kee_inventory_next(&list, &name, &kref)) {
        r = add(audit, kref, 1, 1);
    }
    kee_scratch_give(kernel, hold);
    return r;
}

/* A row that is none is a finding. Of any other fault nothing is to be concluded. */
static void cannot_read(struct audit *audit, int r, const char *invariant, struct kee_bytes where)
{
    if (r < 0 && r != KEE_FAULT_CORRUPT) {
        audit->fault = r;
    } else {
        kee_audit_violation(&audit->common, invariant, where, false, "unreadable");
    }
}

static void on_vat(void *context, const struct kee_record *record)
{
    struct audit *audit = context;
    struct kee_vat *vat;
    struct kee_key key;
    struct kee_vat_id id;
    int r = 0;

    if (audit->fault != 0) {
        return;
    }
    if (!kee_id_parse(record->fields[0].value, 'v', &id.n) ||
        (r = kee_vat_load(audit->common.kernel, id, &vat)) != 0 || vat == NULL) {
        cannot_read(audit, r, "RC-1", record->fields[0].value);
        return;
    }
    audit->vat = id;
    r = add(audit, vat->root, 1, 1); /* held by its launch */
    r = r != 0 ? r : add_inventory(audit, id);
    r = r != 0 ? r
               : kee_rows_each(audit->common.kernel, kee_key_vat(&key, id, ".c."), on_clist, NULL,
                               audit);
    if (r != 0) {
        cannot_read(audit, r, "CL-1", record->fields[0].value);
    }
}

static int on_queue(struct kee_kernel *kernel, struct kee_bytes rest, struct kee_bytes value,
                    kee_record_fn *fn, void *context)
{
    struct kee_item item;
    int r = kee_item_parse(rest, value, &item);

    (void)kernel;
    (void)fn;
    return r != 0 ? r : add_item(context, &item);
}

static int on_hold(struct kee_kernel *kernel, struct kee_bytes rest, struct kee_bytes value,
                   kee_record_fn *fn, void *context)
{
    struct kee_kref kref;
    struct kee_key key;
    int r;

    (void)fn;
    if (!kee_kref_parse(rest, &kref)) {
        return 0;
    }
    r = kee_world_get(kernel->world, kee_key_kref(&key, "", kref, ""), &value);
    return r != 0 ? r < 0 ? r : 0 : add(context, kref, 1, 1); /* of nothing: a stray */
}

/* ---- peers ---- */

static bool list_has(struct kee_bytes list, struct kee_bytes item)
{
    while (list.size > 0) {
        if (kee_bytes_equal(kee_bytes_cut(&list, ','), item)) {
            return true;
        }
    }
    return false;
}

/* KEE_STORE_ABSENT: the vat or the peer does not. */
static int knows(struct kee_kernel *kernel, struct kee_endpoint_id id, struct kee_kref kref)
{
    struct kee_peer_id peer = kee_endpoint_peer(id);
    struct kee_bytes value;
    struct kee_key key;

    return kee_world_get(kernel->world,
                         peer.n != 0 ? kee_key_peer_kref(&key, peer, kref)
                                     : kee_key_clist_kref(&key, kee_endpoint_vat(id), kref),
                         &value);
}

/* Does the peer that owns or decides it know it? Else a violation. */
static int check_known(struct audit *audit, struct kee_bytes endpoint, struct kee_kref kref,
                       struct kee_bytes where)
{
    struct kee_endpoint_id id;
    int r;

    if (!kee_endpoint_parse(endpoint, &id) || kee_endpoint_peer(id).n == 0) {
        return 0;
    }
    r = knows(audit->common.kernel, id, kref);
    if (r == KEE_STORE_ABSENT) {
        kee_audit_violation(&audit->common, "PE-4", where, false, "%.*s does not know it",
                            (int)endpoint.size, (const char *)endpoint.data);
    }
    return r < 0 ? r : 0;
}

/* A promise that is mentioned. */
static int check_subscribed(struct audit *audit, struct kee_peer_id peer, struct kee_kref kref,
                            struct kee_bytes where)
{
    struct kee_kernel *kernel = audit->common.kernel;
    struct kee_buf *hold = kee_scratch_take(kernel);
    struct kee_buf *name = kee_scratch_take(kernel);
    struct kee_promise promise;
    int r = kee_promise_get(kernel, kref, hold, &promise);

    kee_buf_put_endpoint(name, kee_endpoint_of_peer(peer));
    r = r != 0 ? r : kee_buf_status(name);
    if (r == 0 && promise.state == 'u' && !list_has(promise.subscribers, kee_buf_bytes(name))) {
        kee_audit_violation(&audit->common, "PE-3", where, false,
                            "r%llu would not hear how it settles", (unsigned long long)peer.n);
    }
    kee_scratch_give(kernel, name);
    kee_scratch_give(kernel, hold);
    return r < 0 ? r : 0;
}

/* rN.c.KREF */
static int check_peer_kref(struct audit *audit, struct kee_peer_id peer, struct kee_bytes text,
                           struct kee_kref kref, struct kee_bytes value)
{
    struct kee_bytes name = kee_bytes_cut(&value, ' '), inverse;
    struct kee_bytes mentions = kee_bytes_cut(&value, ' ');
    struct kee_key key;
    uint64_t count = 0;
    int r = 0;

    if (!kee_bytes_decimal(mentions, &count) || name.size < 3 ||
        name.size > KEE_LIMIT_PEER_NAME_BYTES) {
        kee_audit_violation(&audit->common, "PE-1", text, false, "expected NAME MENTIONS");
        return 0;
    }
    if (kee_bytes_equal(name, text)) {
        if (kee_kref_is_promise(kref) && count > 0) {
            r = check_subscribed(audit, peer, kref, text);
        }
        return r != 0 ? r : add(audit, kref, 1, 1);
    }
    r = kee_world_get(audit->common.kernel->world, kee_key_peer_name(&key, peer, name), &inverse);
    if (r != 0 || name.data[1] != '+' || !list_has(inverse, text)) {
        kee_audit_violation(&audit->common, "PE-1", text, false, "no inverse row");
    }
    return r < 0 ? r : kee_kref_is_promise(kref) ? add(audit, kref, 1, 1) : 0;
}

/* rN.c.NAME */
static int check_peer_name(struct audit *audit, struct kee_peer_id peer, struct kee_bytes name,
                           struct kee_bytes list)
{
    struct kee_bytes row;
    struct kee_kref kref;
    struct kee_key key;
    int r = 0;

    while (r >= 0 && list.size > 0) {
        r = kee_kref_parse(kee_bytes_cut(&list, ','), &kref)
                ? kee_world_get(audit->common.kernel->world, kee_key_peer_kref(&key, peer, kref),
                                &row)
                : KEE_STORE_ABSENT;
        if (r >= 0 && (r != 0 || !kee_bytes_equal(kee_bytes_cut(&row, ' '), name))) {
            kee_audit_violation(&audit->common, "PE-1", name, false, "no inverse row");
        }
    }
    return r < 0 ? r : 0;
}

/* rN, and the two above. */
static int on_peer(struct kee_kernel *kernel, struct kee_bytes rest, struct kee_bytes value,
                   kee_record_fn *fn, void *context)
{
    struct kee_bytes number = kee_bytes_cut(&rest, '.');
    struct kee_peer_id peer;
    struct kee_kref kref;

    (void)kernel;
    (void)fn;
    if (!kee_bytes_decimal(number, &peer.n) || rest.data == NULL) {
        return 0;
    }
    (void)kee_bytes_cut(&rest, '.');
    return kee_kref_parse(rest, &kref) ? check_peer_kref(context, peer, rest, kref, value)
                                       : check_peer_name(context, peer, rest, value);
}

static int on_service(struct kee_kernel *kernel, struct kee_bytes rest, struct kee_bytes value,
                      kee_record_fn *fn, void *context)
{
    (void)rest;
    return on_hold(kernel, kee_bytes_cut(&value, ' '), value, fn, context);
}

/* Rows kpN, kpN.d and kpN.q.SEQ. */
static int on_promise(struct kee_kernel *kernel, struct kee_bytes rest, struct kee_bytes value,
                      kee_record_fn *fn, void *context)
{
    struct audit *audit = context;
    struct kee_bytes number = kee_bytes_cut(&rest, '.');
    struct kee_bytes list, where = number, unused, decider;
    struct kee_endpoint_id id;
    struct tally *tally = NULL;
    struct kee_key key;
    uint64_t n;
    int r;

    if (!kee_bytes_decimal(number, &n) || n == 0) {
        return 0;
    }
    if (rest.size > 0 && rest.data[0] == 'q') {
        r = kee_world_get(kernel->world,
                          kee_key_kref(&key, "", kee_kref_make(KEE_KREF_PROMISE, n), ""), &unused);
        if (r < 0) {
            return r;
        }
        if (r != 0 || unused.size == 0 || unused.data[0] != 'q') {
            kee_audit_violation(&audit->common, "PR-3", where, false,
                                "a message is parked at what does not say so");
        }
        return on_queue(kernel, rest, value, fn, context);
    }
    if (rest.size > 0) {
        return add_list(audit, kee_bytes_cut(&value, ' '));
    }
    r = tally_of(audit, kee_kref_make(KEE_KREF_PROMISE, n), &tally);
    if (r != 0) {
        return r;
    }
    tally->has_row = true;
    r = kee_world_get(kernel->world, kee_key_kref(&key, "", tally->kref, ".d"), &unused);
    if (r < 0) {
        return r;
    }
    if (value.size == 0 || (r == 0) != (value.data[0] != 'u' && value.data[0] != 'q')) {
        kee_audit_violation(&audit->common, "PR-2", where, false, "settled and data do not agree");
    }
    (void)kee_bytes_cut(&value, ' ');
    (void)kee_bytes_cut(&value, ' ');
    decider = kee_bytes_cut(&value, ' ');
    for (list = value; list.size > 0;) {
        struct kee_bytes one = kee_bytes_cut(&list, ',');
        if (!kee_endpoint_parse(one, &id)) {
            continue;
        }
        r = knows(kernel, id, tally->kref);
        if (r < 0) {
            return r;
        }
        if (r != 0) {
            kee_audit_violation(&audit->common, "PR-1", where, false,
                                "%.*s subscribes to what it does not know", (int)one.size,
                                (const char *)one.data);
        }
    }
    return check_known(audit, decider, tally->kref, where);
}

/* A row koN.i.vM: vat M's c-list must know the object. */
static int check_importer(struct audit *audit, struct kee_kref kref, struct kee_bytes vat,
                          struct kee_bytes row)
{
    struct kee_kernel *kernel = audit->common.kernel;
    struct kee_bytes value;
    struct kee_vat_id id;
    struct kee_key key;
    int r;

    if (!kee_id_parse(vat, 'v', &id.n)) {
        return 0;
    }
    r = kee_world_get(kernel->world, kee_key_clist_kref(&key, id, kref), &value);
    if (r != KEE_STORE_ABSENT) {
        return r;
    }
    kee_audit_violation(&audit->common, "CL-4", vat, true,
                        "said to import ko%llu, which it does not know",
                        (unsigned long long)kee_kref_number(kref));
    return audit->common.mends ? kee_world_delete(kernel->world, row) : 0;
}

static int on_object(struct kee_kernel *kernel, struct kee_bytes rest, struct kee_bytes value,
                     kee_record_fn *fn, void *context)
{
    struct kee_bytes row = kee_bytes_of(rest.data - 2, rest.size + 2); /* with its "ko" */
    struct tally *tally = NULL;
    uint64_t n;
    int r;

    (void)kernel;
    (void)fn;
    if (!kee_bytes_decimal(kee_bytes_cut(&rest, '.'), &n) || n == 0) {
        return 0;
    }
    if (rest.data != NULL) { /* koN.i.vM */
        (void)kee_bytes_cut(&rest, '.');
        return check_importer(context, kee_kref_make(KEE_KREF_OBJECT, n), rest, row);
    }
    r = tally_of(context, kee_kref_make(KEE_KREF_OBJECT, n), &tally);
    if (r == 0) {
        tally->has_row = true;
        r = check_known(context, kee_bytes_cut(&value, ' '), tally->kref, row);
    }
    return r;
}

static int compare_promise(struct audit *audit, const struct tally *tally, struct kee_bytes where)
{
    struct kee_kernel *kernel = audit->common.kernel;
    struct kee_buf *hold = kee_scratch_take(kernel);
    struct kee_promise promise;
    int r = kee_promise_get(kernel, tally->kref, hold, &promise);

    if (r == 0 && promise.references != tally->reachable) {
        kee_audit_violation(
            &audit->common, "RC-2", where, true, "counts %llu references, found %llu",
            (unsigned long long)promise.references, (unsigned long long)tally->reachable);
        if (audit->common.mends) { /* first one too many, so that falling to 0 buries it */
            promise.references = tally->reachable + 1;
            r = kee_promise_put(kernel, tally->kref, &promise, false);
            r = r != 0 ? r : kee_promise_count(kernel, tally->kref, -1);
        }
    }
    kee_scratch_give(kernel, hold);
    return r;
}

static int compare_object(struct audit *audit, const struct tally *tally, struct kee_bytes where)
{
    struct kee_kernel *kernel = audit->common.kernel;
    struct kee_object object;
    int r = kee_object_get(kernel, tally->kref, &object);

    if (r != 0 ||
        (object.reachable == tally->reachable && object.recognizable == tally->recognizable)) {
        return r;
    }
    kee_audit_violation(
        &audit->common, "RC-1", where, true,
        "counts %llu reachable, %llu recognizable, found %llu and %llu",
        (unsigned long long)object.reachable, (unsigned long long)object.recognizable,
        (unsigned long long)tally->reachable, (unsigned long long)tally->recognizable);
    if (audit->common.mends) { /* first one too many, so that falling to 0 is acted on */
        object.reachable = tally->reachable + 1;
        object.recognizable = tally->recognizable + 1;
        r = kee_object_put(kernel, tally->kref, &object, false);
        r = r != 0 ? r : kee_object_count(kernel, tally->kref, -1, -1);
    }
    return r;
}

static int compare(struct audit *audit, struct tally *tally)
{
    struct kee_key key;
    struct kee_bytes where = kee_key_kref(&key, "", tally->kref, "");

    if (!tally->has_row) {
        kee_audit_violation(&audit->common, "RC-1", where, false,
                            "%llu references to what has no row",
                            (unsigned long long)tally->reachable);
        return 0;
    }
    return kee_kref_is_promise(tally->kref) ? compare_promise(audit, tally, where)
                                            : compare_object(audit, tally, where);
}

static int walk(struct audit *audit)
{
    struct kee_kernel *kernel = audit->common.kernel;
    struct tally *tally;
    size_t at = 0;
    int r;

    r = kee_audit_strays(&audit->common);
    r = r != 0 ? r : kee_kernel_list_vats(kernel, on_vat, audit);
    r = r != 0 ? r : audit->fault;
    r = r != 0 ? r : kee_rows_each(kernel, KEE_BYTES_LIT("q."), on_queue, NULL, audit);
    r = r != 0 ? r : kee_rows_each(kernel, KEE_BYTES_LIT("hold."), on_hold, NULL, audit);
    r = r != 0 ? r : kee_rows_each(kernel, KEE_BYTES_LIT("pin."), on_hold, NULL, audit);
    r = r != 0 ? r : kee_rows_each(kernel, KEE_BYTES_LIT("r"), on_peer, NULL, audit);
    r = r != 0 ? r : kee_rows_each(kernel, KEE_BYTES_LIT("service."), on_service, NULL, audit);
    r = r != 0 ? r : kee_rows_each(kernel, KEE_BYTES_LIT("kp"), on_promise, NULL, audit);
    r = r != 0 ? r : kee_rows_each(kernel, KEE_BYTES_LIT("ko"), on_object, NULL, audit);
    while (r == 0 && (tally = kee_map_next(&audit->tallies, &at)) != NULL) {
        r = compare(audit, tally);
    }
    for (at = 0; (tally = kee_map_next(&audit->tallies, &at)) != NULL;) {
        free(tally);
    }
    kee_map_fini(&audit->tallies);
    return r;
}

int kee_kernel_audit(struct kee_kernel *kernel, kee_record_fn *fn, void *context)
{
    struct audit audit = {.common = {.kernel = kernel, .fn = fn, .context = context}};
    int r = walk(&audit);

    return r != 0 ? r : audit.common.violations;
}

int kee_kernel_repair(struct kee_kernel *kernel, kee_record_fn *fn, void *context)
{
    struct audit audit = {
        .common = {.kernel = kernel, .fn = fn, .context = context, .mends = true}};

    kee_txn_begin(kernel);
    return kee_txn_end(kernel, walk(&audit));
}
