/* SPDX-License-Identifier: Apache-2.0 */
/* vat - the vats that have been touched since open: their rows in memory, and their workers. */
#include <stdlib.h>

#include "kernel/internal.h"

static const char *const life_names[] = {"new", "live", "dying"};

static int parse(struct kee_key *key, struct kee_bytes row, struct kee_vat *vat)
{
    struct kee_bytes subcluster = kee_bytes_cut(&row, ' ');
    struct kee_bytes incarnation = kee_bytes_cut(&row, ' ');
    struct kee_bytes root = kee_bytes_cut(&row, ' ');
    struct kee_bytes objects = kee_bytes_cut(&row, ' ');
    struct kee_bytes promises = kee_bytes_cut(&row, ' ');
    struct kee_bytes code = kee_bytes_cut(&row, ' ');
    struct kee_bytes life;

    if (!kee_id_parse(subcluster, 's', &vat->subcluster.n) ||
        !kee_bytes_decimal(incarnation, &vat->incarnation) || !kee_kref_parse(root, &vat->root) ||
        !kee_bytes_decimal(objects, &vat->reserved_object) ||
        !kee_bytes_decimal(promises, &vat->reserved_promise) || code.size != sizeof vat->code - 1) {
        return kee_row_corrupt(kee_key_view(key), "the row of a vat");
    }
    vat->next_object = vat->reserved_object;
    vat->next_promise = vat->reserved_promise;
    memcpy(vat->code, code.data, code.size);
    life = kee_bytes_cut(&row, ' ');
    vat->flavour = KEE_FLAVOUR_PROCESS;
    while (row.size > 0) {
        struct kee_bytes word = kee_bytes_cut(&row, ' ');
        if (kee_bytes_equal(word, KEE_BYTES_LIT("raw"))) {
            vat->raw = true;
        } else if (!kee_flavour_parse(word, &vat->flavour)) {
            return kee_row_corrupt(kee_key_view(key), "a vat's flavour");
        }
    }
    for (size_t i = 0; i < sizeof life_names / sizeof *life_names; i++) {
        if (kee_bytes_equal(life, kee_bytes_str(life_names[i]))) {
            vat->life = (enum kee_vat_life)i;
            return 0;
        }
    }
    return kee_row_corrupt(kee_key_view(key), "a vat's state");
}

int kee_vat_save(struct kee_kernel *kernel, struct kee_vat *vat, bool fresh)
{
    struct kee_buf *row = kee_scratch_take(kernel);
    struct kee_key key;
    int r;

    kee_buf_printf(row, "s%llu %llu ", (unsigned long long)vat->subcluster.n,
                   (unsigned long long)vat->incarnation);
    kee_buf_put_kref(row, vat->root);
    kee_buf_printf(row, " %llu %llu %s %s", (unsigned long long)vat->reserved_object,
                   (unsigned long long)vat->reserved_promise, vat->code, life_names[vat->life]);
    if (vat->flavour != KEE_FLAVOUR_PROCESS) {
        kee_buf_printf(row, " %s", kee_flavour_name(vat->flavour));
    }
    if (vat->raw) {
        kee_buf_put_str(row, " raw");
    }
    r = kee_row_put(kernel, kee_key_vat(&key, vat->id, ""), row, fresh);
    kee_scratch_give(kernel, row);
    return r;
}

/* A worker of an older boot left its heap behind: the restart rule has not been carried out yet. */
static int was_awake_before(struct kee_kernel *kernel, struct kee_vat *vat)
{
    struct kee_key key;
    struct kee_bytes value;
    uint64_t boot = 0;
    int r;

    r = kee_world_get(kernel->world, kee_key_of_vat(&key, "awake.", vat->id), &value);
    if (r == 0) {
        vat->stale = kee_bytes_decimal(value, &boot) && boot < kernel->boot;
    }
    return r == KEE_STORE_ABSENT ? 0 : r;
}

int kee_vat_load(struct kee_kernel *kernel, struct kee_vat_id id, struct kee_vat **out)
{
    struct kee_vat *vat = kee_map_get(&kernel->vats, id.n);
    struct kee_bytes row;
    struct kee_key key;
    int r;

    *out = vat;
    if (vat != NULL || id.n == 0) {
        return 0;
    }
    r = kee_world_get(kernel->world, kee_key_vat(&key, id, ""), &row);
    if (r != 0) {
        return r == KEE_STORE_ABSENT ? 0 : r;
    }
    vat = calloc(1, sizeof *vat);
    if (vat == NULL) {
        return kee_fault(KEE_FAULT_MEMORY, "vat v%llu", (unsigned long long)id.n);
    }
    vat->id = id;
    kee_list_init(&vat->busy);
    kee_list_init(&vat->timer.asking);
    r = parse(&key, row, vat);
    r = r != 0 ? r : was_awake_before(kernel, vat);
    r = r != 0 ? r : kee_map_put(&kernel->vats, id.n, vat);
    if (r < 0) {
        free(vat);
        return r;
    }
    vat->has_queue = true; /* not known yet; the first pump finds out */
    *out = vat;
    return 0;
}

int kee_endpoint_takes_ahead(struct kee_kernel *kernel, struct kee_endpoint_id id, bool *out)
{
    const struct kee_peer *peer = kee_peer_hearing(kernel, kee_endpoint_peer(id));
    struct kee_vat *vat;
    int r = kee_vat_load(kernel, kee_endpoint_vat(id), &vat);

    *out = r == 0 && !kee_endpoint_is_none(id) && (vat == NULL || !vat->raw) &&
           (peer == NULL || !peer->parks);
    return r;
}

void kee_vat_mark_busy(struct kee_kernel *kernel, struct kee_vat *vat)
{
    if (kee_list_is_empty(&vat->busy)) {
        kee_list_append(&kernel->busy, &vat->busy);
    }
}

void kee_vat_push_flight(struct kee_kernel *kernel, struct kee_vat *vat,
                         const struct kee_flight *flight)
{
    *kee_vat_flight(vat, vat->flight_count) = *flight;
    vat->frames_sent = flight->number;
    if (vat->flight_count++ == 0) {
        vat->crank_began_ms = kernel->now_ms;
    }
    kernel->flights++;
}

struct kee_flight *kee_vat_flight(struct kee_vat *vat, uint32_t i)
{
    return &vat->flights[(vat->flight_first + i) % KEE_LIMIT_SENT_AHEAD];
}

void kee_vat_pop_flight(struct kee_kernel *kernel, struct kee_vat *vat)
{
    struct kee_flight *flight = kee_vat_flight(vat, 0);

    kee_assert(vat->flight_count > 0 && kernel->flights > 0);
    free(flight->named);
    free(flight->dropped);
    *flight = (struct kee_flight){0};
    vat->flight_first = (vat->flight_first + 1) % KEE_LIMIT_SENT_AHEAD;
    vat->flight_count--;
    kernel->flights--;
    vat->crank_began_ms = kernel->now_ms;
}

void kee_vat_forget_flights(struct kee_kernel *kernel, struct kee_vat *vat)
{
    while (vat->flight_count > 0) {
        kee_vat_pop_flight(kernel, vat);
    }
    vat->last_sent_seq = 0;
    vat->has_queue = true;
    kee_vat_mark_busy(kernel, vat);
}

void kee_vat_drop_worker(struct kee_kernel *kernel, struct kee_vat *vat, bool kill)
{
    if (vat->worker != KEE_WORKER_NONE && kill) {
        kernel->host->worker_kill(kernel->host->context, vat->id);
    }
    vat->worker = KEE_WORKER_NONE;
    kee_timer_forget(kernel, vat);
    kee_cycle_heap_known(kernel, vat); /* there is none */
    kee_cycle_told(kernel, vat);
    kee_farewell_over(kernel, vat);
    kee_vat_forget_flights(kernel, vat);
}

void kee_vat_free(struct kee_kernel *kernel, struct kee_vat *vat)
{
    if (vat == NULL) {
        return;
    }
    while (vat->flight_count > 0) {
        kee_vat_pop_flight(kernel, vat);
    }
    kee_timer_forget(kernel, vat);
    kee_list_remove(&vat->busy);
    kee_buf_fini(&vat->queue);
    kee_buf_fini(&vat->unreachable);
    free(vat);
}
