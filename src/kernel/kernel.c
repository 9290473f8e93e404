/* SPDX-License-Identifier: Apache-2.0 */
/* kernel - opening, events, the round of work; see kernel.h. */
#include "kernel/kernel.h"

#include <stdio.h>
#include <stdlib.h>

#include "kernel/internal.h"

#define DEADLINE_CHECK_MS 100u
#define PUMPS_PER_RUN 1000u

/* ---- open ---- */

static int first_rows(struct kee_kernel *kernel)
{
    int r;

    kernel->next = (struct kee_ids){1, 1, 1, 1, 1, 1};
    kernel->reserved = kernel->next;
    kernel->boot = 1;
    r = kee_world_put(kernel->world, KEE_BYTES_LIT("version"), KEE_BYTES_LIT(KEE_SCHEMA_VERSION));
    return r != 0 ? r : kee_ids_put(kernel);
}

/* Vats with something queued. */
static int find_queues(struct kee_kernel *kernel)
{
    struct kee_key prefix = {0}, at = {0};
    struct kee_vat_id id;
    struct kee_vat *vat;
    int r;

    kee_key_add(&prefix, KEE_BYTES_LIT("q.v"));
    while ((r = kee_keys_next_vat(kernel, &prefix, &at, &id)) == 0) {
        r = kee_vat_load(kernel, id, &vat);
        if (r != 0) {
            return r;
        }
        if (vat != NULL) {
            kee_vat_mark_busy(kernel, vat);
        }
    }
    return r == KEE_STORE_ABSENT ? 0 : r;
}

/* Launches that the last boot did not finish. */
static int take_back_launches(struct kee_kernel *kernel)
{
    struct kee_key prefix = {0}, at = {0};
    struct kee_subcluster_id id;
    int r;

    kee_key_add(&prefix, KEE_BYTES_LIT("launching."));
    while ((r = kee_keys_next_id(kernel, &prefix, &at, 's', &id.n)) == 0) {
        r = kee_kernel_terminate_subcluster(kernel, id);
        if (r < 0) {
            return r;
        }
    }
    return r == KEE_STORE_ABSENT ? 0 : r;
}

static int open_world(struct kee_kernel *kernel, struct kee_buf *why)
{
    struct kee_bytes version;
    int r = kee_world_get(kernel->world, KEE_BYTES_LIT("version"), &version);

    if (r == 0 && !kee_bytes_equal(version, KEE_BYTES_LIT(KEE_SCHEMA_VERSION))) {
        kee_buf_printf(why, "the store has rows of version %.*s; this keeve reads version %s",
                       (int)version.size, (const char *)version.data, KEE_SCHEMA_VERSION);
        return KEE_KERNEL_STATE;
    }
    if (kernel->options.look_only) {
        if (r == KEE_STORE_ABSENT) {
            kee_buf_put_str(why, "the store has no rows of a kernel: no daemon has used it yet");
            return KEE_KERNEL_STATE;
        }
        return r != 0 ? r : kee_ids_read(kernel);
    }
    kee_txn_begin(kernel);
    if (r == KEE_STORE_ABSENT) {
        r = first_rows(kernel);
    } else if (r == 0) {
        r = kee_ids_read(kernel);
        kernel->boot++;
        r = r != 0 ? r : kee_ids_put(kernel);
    }
    r = kee_txn_end(kernel, r);
    r = r != 0 ? r : kee_cycle_open(kernel);
    r = r != 0 ? r : kee_peers_open(kernel);
    r = r != 0 ? r : find_queues(kernel);
    return r != 0 ? r : take_back_launches(kernel);
}

int kee_kernel_open(struct kee_kernel **out, struct kee_world *world,
                    const struct kee_kernel_host *host, const struct kee_kernel_options *options,
                    struct kee_buf *why)
{
    struct kee_kernel *kernel = calloc(1, sizeof *kernel);
    int r = 0;

    if (kernel == NULL) {
        return kee_fault(KEE_FAULT_MEMORY, "the kernel");
    }
    kernel->world = world;
    kernel->host = host;
    kernel->options = *options;
    kernel->paused = options->paused;
    if (kernel->options.steps_per_crank_max == 0) {
        kernel->options.steps_per_crank_max = KEE_DEFAULT_STEPS_MAX;
    }
    if (kernel->options.heap_bytes_max == 0) {
        kernel->options.heap_bytes_max = KEE_DEFAULT_HEAP_MAX;
    }
    if (kernel->options.flavour == KEE_FLAVOUR_UNSAID) {
        kernel->options.flavour = KEE_FLAVOUR_PROCESS;
    }
    if (kernel->options.deadline_ms == 0) {
        kernel->options.deadline_ms = KEE_DEFAULT_DEADLINE_MS;
    }
    kee_list_init(&kernel->busy);
    kee_timers_init(&kernel->timers);
    kee_list_init(&kernel->outputs);
    kee_list_init(&kernel->outputs_new);
    kee_list_init(&kernel->peers_touched);
    kee_list_init(&kernel->launches);
    kernel->sweep_dying = kernel->sweep_awake = kernel->sweep_holds = true;
    while (r == 0 && kernel->spare_count < KEE_SPARES) {
        struct kee_buf *spare = calloc(1, sizeof *spare);
        r = spare == NULL ? kee_fault(KEE_FAULT_MEMORY, "the kernel") : 0;
        if (r == 0) {
            kernel->spare[kernel->spare_count++] = spare;
        }
    }
    r = r != 0 ? r : open_world(kernel, why);
    if (r != 0) {
        kee_kernel_free(kernel);
        return r;
    }
    *out = kernel;
    return 0;
}

void kee_kernel_free(struct kee_kernel *kernel)
{
    size_t at = 0;
    struct kee_vat *vat;
    struct kee_call *call;

    if (kernel == NULL) {
        return;
    }
    kee_cycle_close(kernel);
    while ((vat = kee_map_next(&kernel->vats, &at)) != NULL) {
        kee_vat_free(kernel, vat);
    }
    for (at = 0; (call = kee_map_next(&kernel->calls, &at)) != NULL;) {
        free(call);
    }
    kee_launches_free(kernel);
    kee_outputs_free(kernel);
    kee_peers_free(kernel);
    kee_timers_fini(&kernel->timers);
    kee_map_fini(&kernel->vats);
    kee_map_fini(&kernel->calls);
    kee_map_fini(&kernel->waits);
    kee_buf_fini(&kernel->why);
    kee_buf_fini(&kernel->out);
    kee_buf_fini(&kernel->dead_todo);
    kee_buf_fini(&kernel->dropped_todo);
    kee_buf_fini(&kernel->tell_todo);
    kee_buf_fini(&kernel->last_words);
    kee_buf_fini(&kernel->settled_todo);
    while (kernel->spare_count > 0) {
        struct kee_buf *spare = kernel->spare[--kernel->spare_count];
        kee_buf_fini(spare);
        free(spare);
    }
    free(kernel);
}

/* ---- events ---- */

/* A worker reads its vat's store: as of the last committed crank. */
static int answer_row(struct kee_kernel *kernel, struct kee_vat *vat, bool next,
                      struct kee_bytes fields)
{
    struct kee_vp_reader reader = {.rest = fields};
    struct kee_bytes name = kee_vp_take_string(&reader);
    struct kee_bytes found = {0}, value = {0};
    struct kee_key prefix, key;
    size_t place;
    int r;

    (void)kee_key_vat(&prefix, vat->id, ".s.");
    if (!kee_vp_reader_end(&reader) || name.size + prefix.size > KEE_LIMIT_KEY_BYTES ||
        vat->flight_count == 0) {
        return kee_crank_failed(kernel, vat, "the worker sent a malformed frame");
    }
    key = prefix;
    kee_key_add(&key, name);
    r = next ? kee_world_next(kernel->world, kee_key_view(&prefix), kee_key_view(&key), &found,
                              &value)
             : kee_world_get(kernel->world, kee_key_view(&key), &value);
    if (r < 0) {
        return r;
    }
    if (next && r == 0) {
        name = kee_bytes_of(found.data + prefix.size, found.size - prefix.size);
    }
    kee_buf_clear(&kernel->out);
    place = kee_vp_frame_open(&kernel->out, KEE_VP_ROW);
    kee_buf_put_u8(&kernel->out, r == 0);
    kee_vp_put_string(&kernel->out, name);
    kee_vp_put_string(&kernel->out, r == 0 ? value : kee_bytes_of(NULL, 0));
    kee_vp_frame_close(&kernel->out, place);
    r = kee_buf_status(&kernel->out);
    if (r == 0) {
        kernel->host->worker_send(kernel->host->context, vat->id, kee_buf_bytes(&kernel->out));
    }
    return r;
}

static int take_log(struct kee_kernel *kernel, struct kee_vat *vat, struct kee_bytes fields)
{
    struct kee_vp_reader reader = {.rest = fields};
    uint8_t level = kee_vp_take_u8(&reader);
    struct kee_bytes text = kee_vp_take_string(&reader);

    if (!kee_vp_reader_end(&reader) || level > KEE_VP_ERROR) {
        return kee_crank_failed(kernel, vat, "the worker sent a malformed frame");
    }
    kernel->host->log(kernel->host->context, vat->id, (enum kee_vp_log_level)level, text);
    return 0;
}

static struct kee_vat *living(struct kee_kernel *kernel, struct kee_vat_id id, uint64_t incarnation)
{
    struct kee_vat *vat = kee_map_get(&kernel->vats, id.n);

    return vat != NULL && vat->worker != KEE_WORKER_NONE && vat->incarnation == incarnation ? vat
                                                                                            : NULL;
}

int kee_kernel_frame(struct kee_kernel *kernel, struct kee_vat_id id, uint64_t incarnation,
                     uint8_t type, struct kee_bytes fields)
{
    struct kee_vat *vat = living(kernel, id, incarnation);

    if (vat == NULL) {
        return 0;
    }
    switch (type) {
    case KEE_VP_DONE:
        return kee_crank_done(kernel, vat, fields);
    case KEE_VP_GET:
    case KEE_VP_NEXT:
        return answer_row(kernel, vat, type == KEE_VP_NEXT, fields);
    case KEE_VP_LOG:
        return take_log(kernel, vat, fields);
    default:
        return kee_crank_failed(kernel, vat, "the worker sent a frame of no known type");
    }
}

int kee_kernel_worker_gone(struct kee_kernel *kernel, struct kee_vat_id id, uint64_t incarnation,
                           const char *why)
{
    struct kee_vat *vat = living(kernel, id, incarnation);

    return vat == NULL ? 0 : kee_crank_failed(kernel, vat, why);
}

int kee_kernel_worker_lost(struct kee_kernel *kernel, struct kee_vat_id id, uint64_t incarnation,
                           const char *why)
{
    struct kee_vat *vat = living(kernel, id, incarnation);

    return vat == NULL ? 0 : kee_crank_lost(kernel, vat, why);
}

static bool is_late(struct kee_kernel *kernel, struct kee_vat *vat)
{
    const struct kee_kernel_host *host = kernel->host;

    if (vat->flight_count == 0) {
        return false;
    }
    if (host->worker_waits != NULL && host->worker_waits(host->context, vat->id)) {
        vat->crank_began_ms = kernel->now_ms; /* it has not begun */
    }
    return kernel->now_ms > vat->crank_began_ms + kernel->options.deadline_ms;
}

static int check_deadlines(struct kee_kernel *kernel)
{
    char why[80];
    size_t at = 0;
    struct kee_vat *vat;
    int r = 0;

    if (kernel->flights == 0 || kernel->now_ms < kernel->deadline_check_ms) {
        return 0;
    }
    kernel->deadline_check_ms = kernel->now_ms + DEADLINE_CHECK_MS;
    (void)snprintf(why, sizeof why, "the crank passed its deadline of %llu ms",
                   (unsigned long long)kernel->options.deadline_ms);
    while (r == 0 && (vat = kee_map_next(&kernel->vats, &at)) != NULL) {
        if (is_late(kernel, vat)) {
            r = kee_crank_failed(kernel, vat, why);
            at = 0; /* the table may have changed */
        }
    }
    return r;
}

/* ---- the round ---- */

static int pump_all(struct kee_kernel *kernel, bool *more)
{
    uint32_t pumps = 0;
    int r = 0;

    while (r == 0 && !kee_list_is_empty(&kernel->busy)) {
        struct kee_vat *vat = KEE_CONTAINER(kernel->busy.next, struct kee_vat, busy);
        if (pumps++ == PUMPS_PER_RUN) {
            *more = true;
            break;
        }
        kee_list_remove(&vat->busy);
        r = kee_vat_pump(kernel, vat, false);
    }
    return r;
}

void kee_kernel_set_now(struct kee_kernel *kernel, uint64_t now_ms)
{
    kernel->now_ms = now_ms;
}

int kee_kernel_run(struct kee_kernel *kernel, uint64_t now_ms, bool *more)
{
    int r;

    *more = false;
    kernel->now_ms = now_ms;
    r = check_deadlines(kernel);
    r = r != 0 ? r : kee_timers_run(kernel);
    if (r == 0) {
        r = kernel->paused ? kee_step_on(kernel) : pump_all(kernel, more);
    }
    if (r == 0 && kernel->partings > 0) {
        r = kee_farewell_pump(kernel);
    }
    r = r != 0 ? r : kee_sweep(kernel, more);
    return r != 0 ? r : kee_cycle_run(kernel, more);
}

uint64_t kee_kernel_wake_at_ms(const struct kee_kernel *kernel)
{
    uint64_t deadline_ms = kernel->flights > 0 ? kernel->deadline_check_ms : UINT64_MAX;
    uint64_t timer_ms = kee_timers_wake_at_ms(kernel);
    uint64_t cycle_ms = kee_cycle_wake_at_ms(kernel);
    uint64_t lease_ms = kernel->lease_over_ms != 0 ? kernel->lease_over_ms : UINT64_MAX;

    deadline_ms = deadline_ms < timer_ms ? deadline_ms : timer_ms;
    deadline_ms = deadline_ms < lease_ms ? deadline_ms : lease_ms;
    return deadline_ms < cycle_ms ? deadline_ms : cycle_ms;
}

uint64_t kee_kernel_flush_at_ms(const struct kee_kernel *kernel)
{
    bool dirty = kernel->dirty_batch == kee_world_filling(kernel->world) &&
                 kee_world_pending_bytes(kernel->world) > 0;

    return dirty ? kernel->dirty_since_ms + KEE_FLUSH_AFTER_MS : UINT64_MAX;
}

bool kee_kernel_flush_due(const struct kee_kernel *kernel, uint64_t now_ms)
{
    return kee_outputs_wait(kernel) || kee_world_pending_bytes(kernel->world) >= KEE_FLUSH_BYTES ||
           now_ms >= kee_kernel_flush_at_ms(kernel);
}

uint64_t kee_kernel_flights(const struct kee_kernel *kernel)
{
    return kernel->flights;
}

bool kee_kernel_is_idle(const struct kee_kernel *kernel)
{
    return kernel->flights == 0 && kee_list_is_empty(&kernel->busy) && !kernel->sweep_dying &&
           kernel->partings == 0 && !kernel->sweep_awake && !kernel->sweep_holds &&
           !kernel->sweep_peers && kee_list_is_empty(&kernel->launches);
}
