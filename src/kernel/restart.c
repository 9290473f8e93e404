/* SPDX-License-Identifier: Apache-2.0 */
/*
 * restart - the one path by which an incarnation ends, whatever the cause: in one transaction
 *
 *   - the incarnation counts up;
 *   - promises the old heap decided reject with the vatUpgraded record, all others stay;
 *   - subscriptions go, and with them every promise of the c-list: no heap knows them any more. Those
 *     that durable data watches stay, and the next heap hears of them; they are known by their row in
 *     the collection of the vat's own store that its row watchedPromiseTableID names;
 *   - exports that are not durable lose their owner, so that sends to them reject; o+0 stays, bound
 *     to the next root;
 *   - imports that only the heap held are dropped. Those that durable data holds are known by the
 *     row vom.rc.VREF of the vat's own store; those that weak collections have as keys, by rows
 *     vom.ir.VREF|ID: these stay recognizable.
 *
 * A raw vat's exports are numbers that any later heap of it understands, and it keeps what imports it
 * likes in its own rows: both stay, until the others or the vat let them go.
 *
 * The cost is the number of c-list rows of this vat; nothing is done for vats that had no worker.
 */
#include <stdio.h>

#include "kernel/internal.h"

typedef int row_fn(struct kee_kernel *kernel, struct kee_vat *vat, struct kee_kref kref,
                   struct kee_bytes vref, bool reachable, const char *why);

/* Calls fn for each c-list row whose vref starts with head; fn may remove that row. */
static int each_row(struct kee_kernel *kernel, struct kee_vat *vat, const char *head, row_fn *fn,
                    const char *why)
{
    struct kee_buf *hold = kee_scratch_take(kernel);
    struct kee_key prefix, at;
    struct kee_bytes key, value;
    struct kee_clist_row row;
    struct kee_kref kref;
    int r;

    (void)kee_key_clist(&prefix, vat->id, kee_bytes_str(head));
    at = prefix;
    for (;;) {
        r = kee_world_next(kernel->world, kee_key_view(&prefix), kee_key_view(&at), &key, &value);
        if (r != 0) {
            break;
        }
        at.size = 0;
        kee_key_add(&at, key);
        if (!kee_kref_parse(value, &kref)) {
            r = kee_row_corrupt(kee_key_view(&at), "KREF");
            break;
        }
        r = kee_clist_find(kernel, vat, kref, hold, &row);
        if (r == KEE_STORE_ABSENT) {
            r = kee_row_corrupt(kee_key_view(&at), "a c-list row with its inverse");
        }
        r = r != 0 ? r : fn(kernel, vat, kref, row.vref, row.reachable, why);
        if (r != 0) {
            break;
        }
    }
    kee_scratch_give(kernel, hold);
    return r == KEE_STORE_ABSENT ? 0 : r;
}

/* Does durable data watch the promise? Then a later heap of this vat wants to hear of it. */
static int find_watch(struct kee_kernel *kernel, struct kee_vat *vat, struct kee_bytes vref,
                      bool *watched)
{
    struct kee_key key;
    struct kee_bytes value;
    struct kee_vref_parts table;
    int r;

    *watched = false;
    if (vat->life == KEE_VAT_DYING || vat->raw) {
        return 0;
    }
    (void)kee_key_vat(&key, vat->id, ".s.watchedPromiseTableID");
    r = kee_world_get(kernel->world, kee_key_view(&key), &value);
    if (r != 0 || !kee_vref_parse(value, &table) || !table.is_virtual) {
        return r == KEE_STORE_ABSENT ? 0 : r; /* the vat writes what it likes there */
    }
    (void)kee_key_vat(&key, vat->id, ".s.vc.");
    kee_key_add_number(&key, table.instance);
    kee_key_add(&key, KEE_BYTES_LIT(".s"));
    kee_key_add(&key, vref);
    r = kee_world_get(kernel->world, kee_key_view(&key), &value);
    *watched = r == 0;
    return r == KEE_STORE_ABSENT ? 0 : r;
}

/* The old heap decided it; settler is told nothing. */
static int reject_decided(struct kee_kernel *kernel, struct kee_vat *vat, struct kee_kref kref,
                          struct kee_endpoint_id settler, const char *why)
{
    struct kee_buf *body = kee_scratch_take(kernel);
    int r;

    if (vat->life == KEE_VAT_DYING && kernel->last_words.size > 0) {
        kee_buf_put_bytes(body, kee_buf_bytes(&kernel->last_words));
    } else if (vat->life == KEE_VAT_DYING) {
        kee_error_body(body, "Error", kee_bytes_str("[KERNEL:VAT_TERMINATED] vat terminated"));
    } else {
        kee_buf_printf(body,
                       "#{\"incarnationNumber\":%llu,\"name\":\"vatUpgraded\","
                       "\"upgradeMessage\":\"vat restarted: ",
                       (unsigned long long)vat->incarnation);
        kee_json_escape(body, kee_bytes_str(why));
        kee_buf_put_str(body, "\"}");
    }
    r = kee_buf_status(body);
    r = r != 0 ? r
               : kee_promise_settle(kernel, kref, settler, true, kee_bytes_of(NULL, 0),
                                    kee_buf_bytes(body));
    kee_scratch_give(kernel, body);
    return r;
}

static int forget_promise(struct kee_kernel *kernel, struct kee_vat *vat, struct kee_kref kref,
                          struct kee_bytes vref, bool reachable, const char *why)
{
    struct kee_buf *hold = kee_scratch_take(kernel);
    struct kee_promise promise;
    bool watched = false;
    int r;

    (void)reachable;
    r = kee_promise_get(kernel, kref, hold, &promise);
    r = r != 0 ? r : find_watch(kernel, vat, vref, &watched);
    if (r == 0 && promise.state == 'u') {
        if (kee_endpoint_is_vat(promise.decider, vat->id) && !promise.expected) {
            struct kee_endpoint_id settler =
                watched ? KEE_ENDPOINT_NONE : kee_endpoint_of_vat(vat->id);
            r = reject_decided(kernel, vat, kref, settler, why);
        } else if (!watched) {
            r = kee_promise_unsubscribe(kernel, kref, kee_endpoint_of_vat(vat->id));
        }
    }
    if (r == 0 && !watched) {
        r = kee_clist_remove(kernel, vat, kref, vref);
        r = r != 0 ? r : kee_promise_count(kernel, kref, -1);
    }
    kee_scratch_give(kernel, hold);
    return r;
}

static int abandon_export(struct kee_kernel *kernel, struct kee_vat *vat, struct kee_kref kref,
                          struct kee_bytes vref, bool reachable, const char *why)
{
    struct kee_vref_parts parts;
    int r;

    (void)reachable;
    (void)why;
    if (kee_vref_parse(vref, &parts) && vat->life != KEE_VAT_DYING &&
        (parts.is_durable || kee_kref_equal(kref, vat->root))) {
        return 0;
    }
    r = kee_clist_remove(kernel, vat, kref, vref);
    return r != 0 ? r : kee_object_orphan(kernel, kref);
}

static int drop_import(struct kee_kernel *kernel, struct kee_vat *vat, struct kee_kref kref,
                       struct kee_bytes vref, bool reachable, const char *why)
{
    struct kee_key key;
    struct kee_bytes value;
    int r;

    (void)why;
    (void)kee_key_vat(&key, vat->id, ".s.vom.rc.");
    kee_key_add(&key, vref);
    r = vat->life == KEE_VAT_DYING ? KEE_STORE_ABSENT
                                   : kee_world_get(kernel->world, kee_key_view(&key), &value);
    if (r != KEE_STORE_ABSENT) {
        return r; /* durable data holds it */
    }
    if (vat->life != KEE_VAT_DYING) {
        (void)kee_key_vat(&key, vat->id, ".s.vom.ir.");
        kee_key_add(&key, vref);
        kee_key_add(&key, KEE_BYTES_LIT("|"));
        r = kee_world_next(kernel->world, kee_key_view(&key), kee_key_view(&key), &value, NULL);
    }
    if (r == 0 && reachable) {
        r = kee_clist_set_flag(kernel, vat, kref, vref, false);
        return r != 0 ? r : kee_object_count(kernel, kref, -1, 0);
    }
    if (r != KEE_STORE_ABSENT) {
        return r;
    }
    r = kee_clist_remove(kernel, vat, kref, vref);
    return r != 0 ? r : kee_object_count(kernel, kref, reachable ? -1 : 0, -1);
}

int kee_vat_restart(struct kee_kernel *kernel, struct kee_vat *vat, const char *why)
{
    struct kee_key key;
    int r;

    kee_assert(vat->worker == KEE_WORKER_NONE);
    vat->stale = false;
    vat->incarnation++;
    r = kee_vat_save(kernel, vat, false);
    r = r != 0 ? r : each_row(kernel, vat, "p", forget_promise, why);
    if (!vat->raw || vat->life == KEE_VAT_DYING) {
        r = r != 0 ? r : each_row(kernel, vat, "o+", abandon_export, why);
        r = r != 0 ? r : each_row(kernel, vat, "o-", drop_import, why);
    }
    r = r != 0 ? r : kee_world_delete(kernel->world, kee_key_of_vat(&key, "awake.", vat->id));
    if (r != 0) {
        return kee_fault(r, "restart of v%llu", (unsigned long long)vat->id.n);
    }
    if (kernel->tracing) {
        struct kee_event event;
        kee_event_begin(&event, "vat-restart");
        kee_event_id(&event, "vat", 'v', vat->id.n);
        kee_event_number(&event, "incarnation", vat->incarnation);
        kee_event_text(&event, "why", kee_bytes_str(why));
        kee_event_emit(kernel, &event);
    }
    return 0;
}

int kee_vat_terminate(struct kee_kernel *kernel, struct kee_vat *vat, const char *why)
{
    struct kee_key key;
    int r;

    if (vat->life == KEE_VAT_DYING) {
        return 0;
    }
    kee_vat_drop_worker(kernel, vat, true);
    kee_txn_begin(kernel);
    vat->life = KEE_VAT_DYING;
    r = kee_vat_restart(kernel, vat, why); /* dying: this lets go of everything */
    r = r != 0 ? r
               : kee_world_put(kernel->world, kee_key_of_vat(&key, "dying.", vat->id),
                               kee_bytes_of(NULL, 0));
    r = kee_txn_end(kernel, r);
    kernel->sweep_dying = true;
    if (r == 0 && kernel->tracing) {
        struct kee_event event;
        kee_event_begin(&event, "vat-terminated");
        kee_event_id(&event, "vat", 'v', vat->id.n);
        kee_event_text(&event, "why", kee_bytes_str(why));
        kee_event_emit(kernel, &event);
    }
    return r;
}
