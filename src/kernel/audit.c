/* SPDX-License-Identifier: Apache-2.0 */
/*
 * audit - walks every row and checks what must hold between them:
 *
 *   CL-4  an import of an object has a row koN.i.vM, and only an import
 *   CL-1  c-list rows come in pairs            OB-1  reachable <= recognizable
 *   RC-1  an object's counts are what refers to it: importers, queue rows, data, holds,
 *         pins, its launch
 *   RC-2  the same of a promise's references   PR-1  a subscriber knows the promise
 *   PR-2  settled data there if and only if the promise is settled
 *   PR-3  what messages are parked at says so, and is unsettled
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
    kee_record_fn *fn;
    void *context;
    int violations;
    struct kee_vat_id vat; /* whose c-list is being walked */
    struct kee_kernel *kernel;
};

__attribute__((format(printf, 4, 5))) static void violation(struct audit *audit,
                                                            const char *invariant,
                                                            struct kee_bytes where,
                                                            const char *format, ...)
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
        if (r != 0 || !kee_bytes_has_prefix(inverse, rest)) {
            violation(audit, "CL-1", rest, "no inverse row");
        }
        return r < 0 ? r : 0;
    }
    vref = kee_bytes_cut(&value, ' ');
    reachable = kee_bytes_equal(value, KEE_BYTES_LIT("r"));
    r = kee_world_get(kernel->world, kee_key_clist(&key, audit->vat, vref), &inverse);
    pair = r == 0 && kee_bytes_equal(inverse, rest);
    if (!pair) {
        violation(audit, "CL-1", rest, "no inverse row");
    }
    if (kee_kref_is_promise(kref)) {
        return r < 0 ? r : add(audit, kref, 1, 1);
    }
    if (r < 0 || vref.data[1] != '-') {
        return r < 0 ? r : 0;
    }
    r = kee_world_get(kernel->world, kee_key_importer(&key, kref, audit->vat), &inverse);
    if (r != 0) {
        violation(audit, "CL-4", rest, "an import of v%llu without its row",
                  (unsigned long long)audit->vat.n);
    }
    return r < 0 ? r : add(audit, kref, reachable, 1);
}

static void on_vat(void *context, const struct kee_record *record)
{
    struct audit *audit = context;
    struct kee_vat *vat;
    struct kee_key key;
    struct kee_vat_id id;

    if (!kee_id_parse(record->fields[0].value, 'v', &id.n) ||
        kee_vat_load(audit->kernel, id, &vat) != 0 || vat == NULL) {
        violation(audit, "RC-1", record->fields[0].value, "unreadable");
        return;
    }
    audit->vat = id;
    if (add(audit, vat->root, 1, 1) != 0 || /* held by its launch */
        kee_rows_each(audit->kernel, kee_key_vat(&key, id, ".c."), on_clist, NULL, audit) != 0) {
        violation(audit, "CL-1", record->fields[0].value, "unreadable");
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

    (void)kernel;
    (void)fn;
    (void)value;
    return kee_kref_parse(rest, &kref) ? add(context, kref, 1, 1) : 0;
}

/* Rows kpN, kpN.d and kpN.q.SEQ. */
static int on_promise(struct kee_kernel *kernel, struct kee_bytes rest, struct kee_bytes value,
                      kee_record_fn *fn, void *context)
{
    struct audit *audit = context;
    struct kee_bytes number = kee_bytes_cut(&rest, '.');
    struct kee_bytes list, where = number, unused;
    struct kee_vat_id id;
    struct tally *tally = NULL;
    struct kee_key key;
    uint64_t n;
    int r;

    if (!kee_bytes_decimal(number, &n)) {
        return 0;
    }
    if (rest.size > 0 && rest.data[0] == 'q') {
        r = kee_world_get(kernel->world,
                          kee_key_kref(&key, "", kee_kref_make(KEE_KREF_PROMISE, n), ""), &unused);
        if (r != 0 || unused.data[0] != 'q') {
            violation(audit, "PR-3", where, "a message is parked at what does not say so");
        }
        return r < 0 ? r : on_queue(kernel, rest, value, fn, context);
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
    if (r < 0 || (r == 0) != (value.data[0] != 'u' && value.data[0] != 'q')) {
        violation(audit, "PR-2", where, "settled and data do not agree");
    }
    (void)kee_bytes_cut(&value, ' ');
    (void)kee_bytes_cut(&value, ' ');
    (void)kee_bytes_cut(&value, ' ');
    for (list = value; list.size > 0;) {
        if (kee_id_parse(kee_bytes_cut(&list, ','), 'v', &id.n) &&
            kee_world_get(kernel->world, kee_key_clist_kref(&key, id, tally->kref), &unused) != 0) {
            violation(audit, "PR-1", where, "v%llu subscribes to what it does not know",
                      (unsigned long long)id.n);
        }
    }
    return 0;
}

static int on_object(struct kee_kernel *kernel, struct kee_bytes rest, struct kee_bytes value,
                     kee_record_fn *fn, void *context)
{
    struct tally *tally = NULL;
    struct kee_vat_id id;
    struct kee_key key;
    uint64_t n;
    int r;

    (void)fn;
    (void)value;
    if (!kee_bytes_decimal(kee_bytes_cut(&rest, '.'), &n)) {
        return 0;
    }
    if (rest.data != NULL) { /* koN.i.vM */
        (void)kee_bytes_cut(&rest, '.');
        if (kee_id_parse(rest, 'v', &id.n) &&
            kee_world_get(kernel->world,
                          kee_key_clist_kref(&key, id, kee_kref_make(KEE_KREF_OBJECT, n)),
                          &value) != 0) {
            violation(context, "CL-4", rest, "said to import ko%llu, which it does not know",
                      (unsigned long long)n);
        }
        return 0;
    }
    r = tally_of(context, kee_kref_make(KEE_KREF_OBJECT, n), &tally);
    if (r == 0) {
        tally->has_row = true;
    }
    return r;
}

static int compare(struct audit *audit, struct tally *tally)
{
    struct kee_buf *hold = kee_scratch_take(audit->kernel);
    struct kee_promise promise;
    struct kee_object object;
    struct kee_key key;
    struct kee_bytes where = kee_key_kref(&key, "", tally->kref, "");
    int r = 0;

    if (!tally->has_row) {
        violation(audit, "RC-1", where, "%llu references to what has no row",
                  (unsigned long long)tally->reachable);
    } else if (kee_kref_is_promise(tally->kref)) {
        r = kee_promise_get(audit->kernel, tally->kref, hold, &promise);
        if (r == 0 && promise.references != tally->reachable) {
            violation(audit, "RC-2", where, "counts %llu references, found %llu",
                      (unsigned long long)promise.references, (unsigned long long)tally->reachable);
        }
    } else {
        r = kee_object_get(audit->kernel, tally->kref, &object);
        if (r == 0 && object.reachable != tally->reachable) {
            violation(audit, "RC-1", where, "counts %llu reachable, found %llu",
                      (unsigned long long)object.reachable, (unsigned long long)tally->reachable);
        }
        if (r == 0 && object.recognizable != tally->recognizable) {
            violation(audit, "RC-1", where, "counts %llu recognizable, found %llu",
                      (unsigned long long)object.recognizable,
                      (unsigned long long)tally->recognizable);
        }
    }
    kee_scratch_give(audit->kernel, hold);
    return r;
}

int kee_kernel_audit(struct kee_kernel *kernel, kee_record_fn *fn, void *context)
{
    struct audit audit = {.fn = fn, .context = context, .kernel = kernel};
    struct tally *tally = NULL;
    size_t at = 0;
    int r;

    r = kee_kernel_list_vats(kernel, on_vat, &audit);
    r = r != 0 ? r : kee_rows_each(kernel, KEE_BYTES_LIT("q."), on_queue, NULL, &audit);
    r = r != 0 ? r : kee_rows_each(kernel, KEE_BYTES_LIT("hold."), on_hold, NULL, &audit);
    r = r != 0 ? r : kee_rows_each(kernel, KEE_BYTES_LIT("pin."), on_hold, NULL, &audit);
    r = r != 0 ? r : kee_rows_each(kernel, KEE_BYTES_LIT("kp"), on_promise, NULL, &audit);
    r = r != 0 ? r : kee_rows_each(kernel, KEE_BYTES_LIT("ko"), on_object, NULL, &audit);
    while (r == 0 && (tally = kee_map_next(&audit.tallies, &at)) != NULL) {
        r = compare(&audit, tally);
    }
    for (at = 0; (tally = kee_map_next(&audit.tallies, &at)) != NULL;) {
        free(tally);
    }
    kee_map_fini(&audit.tallies);
    return r != 0 ? r : audit.violations;
}
