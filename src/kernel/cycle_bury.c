/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cycle_bury - names to each vat the objects of its own that nothing reaches.
 *
 * A vat keeps up to three rows of an object: its state, what the kernel knows of it, how often stored
 * data refers to it; a store has no state row. All three tables are walked, each object is named once.
 * One vat at a time is told, and answers, before the walk goes on; a vat that sleeps is woken for it.
 */
#include "kernel/cycle.h"

/* Does the vat take for exported what the kernel abandoned with an earlier heap? */
static int is_forgotten_export(struct kee_kernel *kernel, struct kee_vat_id vat,
                               struct kee_bytes vref, bool *out)
{
    struct kee_bytes value;
    struct kee_key key;
    int r;

    (void)kee_key_vat(&key, vat, ".s.vom.es.");
    kee_key_add(&key, vref);
    r = kee_world_get(kernel->world, kee_key_view(&key), &value);
    *out = r == 0;
    if (r == 0 && vref.size <= KEE_LIMIT_VREF_BYTES) {
        r = kee_world_get(kernel->world, kee_key_clist(&key, vat, vref), &value);
        *out = r == KEE_STORE_ABSENT;
    }
    return r == KEE_STORE_ABSENT ? 0 : r;
}

/* An object of the vat that was there when the epoch began, and is not marked: name it? */
static int consider(struct kee_kernel *kernel, struct kee_cycle_vat *vat, struct kee_bytes vref,
                    struct kee_vat *hearer)
{
    struct kee_vref_parts parts;
    struct kee_space *space;
    bool forgotten;
    int r;

    if (!kee_vref_parse(vref, &parts) || !parts.is_virtual || parts.has_facet ||
        (!parts.is_durable && hearer->worker == KEE_WORKER_NONE)) {
        return 0; /* what is only virtual is of a heap that is gone: not worth waking the vat for */
    }
    r = kee_cycle_space(kernel, vat, &parts, true, &space);
    if (r != 0 || space == NULL ||
        (space->sort != KEE_SPACE_KIND &&
         kee_marks_is_marked(&vat->touched.marks, parts.instance))) {
        return r;
    }
    r = kee_marks_list(&space->marks, parts.instance);
    if (r == 1 && !parts.is_durable) {
        r = is_forgotten_export(kernel, vat->id, vref, &forgotten);
        r = r == 0 && !forgotten;
    }
    if (r == 1) {
        kee_vp_put_string(&hearer->unreachable, vref);
        hearer->unreachable_count++;
        kernel->cycle->named++;
        r = kee_buf_status(&hearer->unreachable);
    }
    return r;
}

/* The rest of one vat's three tables, until there are enough names. */
static int walk_vat(struct kee_kernel *kernel, struct kee_cycle_vat *vat, struct kee_budget *budget,
                    struct kee_vat *hearer)
{
    static const char *const tables[] = {".s.vom.es.", ".s.vom.", ".s.vom.rc."};
    struct kee_cycle *cycle = kernel->cycle;
    struct kee_bytes key, vref;
    struct kee_key head, prefix;
    int r = 0;

    while (r == 0 && budget->rows > 0 && hearer->unreachable_count < KEE_CYCLE_NAMES_MAX &&
           cycle->bury_part < 3) {
        (void)kee_key_vat(&head, vat->id, tables[cycle->bury_part]);
        prefix = head;
        kee_key_add(&prefix, KEE_BYTES_LIT("o+"));
        r = kee_world_next(kernel->world, kee_key_view(&prefix),
                           kee_key_view(cycle->bury_at.size > 0 ? &cycle->bury_at : &prefix), &key,
                           NULL);
        if (r != 0) {
            r = r == KEE_STORE_ABSENT ? 0 : r;
            cycle->bury_part += r == 0;
            cycle->bury_at.size = 0;
            continue;
        }
        budget->rows--;
        cycle->bury_at.size = 0;
        kee_key_add(&cycle->bury_at, key);
        vref = kee_key_rest(&cycle->bury_at, &head);
        r = consider(kernel, vat, vref, hearer);
    }
    return r;
}

/* Moves on to the next vat; ABSENT at the end. */
static int next_vat(struct kee_kernel *kernel, struct kee_budget *budget)
{
    struct kee_cycle *cycle = kernel->cycle;
    struct kee_key prefix = {0};

    kee_key_add(&prefix, KEE_BYTES_LIT("v"));
    cycle->bury_part = 0;
    cycle->bury_at.size = 0;
    budget->rows--;
    return kee_keys_next_vat(kernel, &prefix, &cycle->vat_at, &cycle->bury_vat);
}

/* May names be given to the vat? Then *out. */
static int hearer(struct kee_kernel *kernel, struct kee_cycle_vat **marked, struct kee_vat **out)
{
    struct kee_bytes value;
    struct kee_key key;
    int r = kee_cycle_vat(kernel, kernel->cycle->bury_vat, marked);

    *out = NULL;
    if (r != 0 || (*marked)->opaque || !(*marked)->tables_known) {
        return r;
    }
    (void)kee_key_vat(&key, (*marked)->id, ".s." KEE_VATROW_MAKERS_KEY); /* may have come since */
    r = kee_world_get(kernel->world, kee_key_view(&key), &value);
    if (r < 0 || (r == 0 && !kee_bytes_decimal(value, &(*marked)->makers))) {
        return r; /* a vat that writes what it likes there is told nothing */
    }
    r = kee_vat_load(kernel, kernel->cycle->bury_vat, out);
    if (r == 0 && *out != NULL && ((*out)->life == KEE_VAT_DYING || (*out)->broken)) {
        *out = NULL;
    }
    return r;
}

/* Goes on with the vat at hand. */
static int bury_in(struct kee_kernel *kernel, struct kee_budget *budget, bool *waits)
{
    struct kee_cycle *cycle = kernel->cycle;
    struct kee_cycle_vat *marked;
    struct kee_vat *vat;
    int r = hearer(kernel, &marked, &vat);

    if (r != 0 || vat == NULL) {
        cycle->bury_vat.n = 0;
        return r;
    }
    if (vat->unreachable_told) {
        *waits = true;
        return 0;
    }
    r = walk_vat(kernel, marked, budget, vat);
    if (r == 0 && cycle->bury_part == 3 && vat->unreachable_count == 0) {
        cycle->bury_vat.n = 0;
    } else if (r == 0 && (cycle->bury_part == 3 || vat->unreachable_count == KEE_CYCLE_NAMES_MAX)) {
        vat->unreachable_told = true;
        vat->reap_wanted = true;
        kee_vat_mark_busy(kernel, vat);
        *waits = true;
    }
    return r;
}

int kee_cycle_bury(struct kee_kernel *kernel, struct kee_budget *budget, bool *waits, bool *done)
{
    int r = 0;

    *waits = *done = false;
    while (r == 0 && budget->rows > 0 && !*waits) {
        r = kernel->cycle->bury_vat.n == 0 ? next_vat(kernel, budget)
                                           : bury_in(kernel, budget, waits);
    }
    if (r == KEE_STORE_ABSENT) {
        *done = true;
        return 0;
    }
    return r;
}
