/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core - see core.h.
 *
 * The kernel's actions come from inside the kernel and must not call it; events come from the loop and
 * do.
 */
#include "lib/core.h"

#include "base/fault.h"
#include "os/entropy.h"

/* Rounds of vats in this thread between two looks at what else has happened. */
#define CARRIED_ROUNDS 16u

int kee_core_check(struct kee_core *core, int r)
{
    if (r < 0 && core->fault == 0) {
        core->fault = r;
        kee_buf_put_str(&core->fault_text, kee_fault_text());
        kee_fault_clear();
        /* Nothing was let out that is not durable, and nothing will be. */
        kee_vathost_kill_all(core->vathost);
        core->events->fault(core->context);
    }
    return r;
}

void kee_core_set_now(struct kee_core *core)
{
    kee_kernel_set_now(core->kernel, kee_loop_now_ms(core->loop));
}

/* ---- what the kernel asks of the world ---- */

static void worker_start(void *context, struct kee_vat_id vat, uint64_t incarnation,
                         enum kee_flavour flavour, struct kee_subcluster_id owner)
{
    kee_vathost_start(((struct kee_core *)context)->vathost, vat, incarnation, flavour, owner);
}

static bool worker_waits(void *context, struct kee_vat_id vat)
{
    return kee_vathost_waits(((struct kee_core *)context)->vathost, vat);
}

static void worker_send(void *context, struct kee_vat_id vat, struct kee_bytes frames)
{
    kee_vathost_send(((struct kee_core *)context)->vathost, vat, frames);
}

static void worker_kill(void *context, struct kee_vat_id vat)
{
    kee_vathost_kill(((struct kee_core *)context)->vathost, vat);
}

static void on_answer(void *context, uint64_t call, const struct kee_answer *answer)
{
    struct kee_core *core = context;

    core->answered = true;
    core->events->answer(core->context, call, answer);
}

static void on_peer_news(void *context, struct kee_peer_id peer, const struct kee_peer_news *news)
{
    struct kee_core *core = context;

    core->answered = true;
    if (core->events->peer_news != NULL) {
        core->events->peer_news(core->context, peer, news);
    }
}

static void on_peer_lost(void *context, struct kee_peer_id peer, const char *why)
{
    struct kee_core *core = context;

    if (core->events->peer_lost != NULL) {
        core->events->peer_lost(core->context, peer, why);
    }
}

static void on_log(void *context, struct kee_vat_id vat, enum kee_vp_log_level level,
                   struct kee_bytes text)
{
    struct kee_core *core = context;

    core->events->log(core->context, vat, level, text);
}

static void on_trace(void *context, const struct kee_record *event)
{
    struct kee_core *core = context;

    core->events->trace(core->context, event);
}

static void entropy(void *context, uint8_t *out, size_t size)
{
    (void)context;
    kee_entropy_fill(out, size);
}

/* ---- what workers tell the kernel ---- */

static int on_frame(void *context, struct kee_vat_id vat, uint64_t incarnation, uint8_t type,
                    struct kee_bytes fields)
{
    struct kee_core *core = context;

    if (core->fault < 0) {
        return core->fault;
    }
    kee_core_set_now(core);
    return kee_core_check(core, kee_kernel_frame(core->kernel, vat, incarnation, type, fields));
}

static void on_gone(void *context, struct kee_vat_id vat, uint64_t incarnation, const char *why)
{
    struct kee_core *core = context;

    core->events->gone(core->context, vat, incarnation, why);
    if (core->fault == 0) {
        kee_core_set_now(core);
        (void)kee_core_check(core, kee_kernel_worker_gone(core->kernel, vat, incarnation, why));
    }
}

static void on_lost(void *context, struct kee_vat_id vat, uint64_t incarnation, const char *why)
{
    struct kee_core *core = context;

    core->events->gone(core->context, vat, incarnation, why);
    if (core->fault == 0) {
        kee_core_set_now(core);
        (void)kee_core_check(core, kee_kernel_worker_lost(core->kernel, vat, incarnation, why));
    }
}

static void on_note(void *context, const char *text)
{
    struct kee_core *core = context;

    core->events->note(core->context, text);
}

static const struct kee_vathost_events vathost_events = {on_frame, on_gone, on_note, on_lost};

/* ---- the round ---- */

/* From inside the world: the kernel hears of it in the round. */
static void on_durable(void *context, int r)
{
    struct kee_core *core = context;

    if (r < 0) {
        (void)kee_core_check(core, r);
    } else {
        core->durable_news = true;
    }
}

static int tell_durable(struct kee_core *core)
{
    int r = 0;

    while (core->durable_news && r == 0 && core->fault == 0) {
        core->durable_news = false;
        r = kee_kernel_durable(core->kernel);
        core->events->durable(core->context, kee_world_durable(core->world));
    }
    return r;
}

static bool is_writing(const struct kee_core *core)
{
    return kee_world_durable(core->world) + 1 < kee_world_filling(core->world);
}

static int flush_if_due(struct kee_core *core, uint64_t now_ms)
{
    int r;

    if (is_writing(core) ||
        (!core->events->waits(core->context) && !kee_kernel_flush_due(core->kernel, now_ms))) {
        return 0;
    }
    r = kee_world_flush(core->world);
    if (r == 0 && !is_writing(core)) {
        /* There was nothing to write: all that was ever committed is durable. */
        core->events->durable(core->context, UINT64_MAX);
    }
    return r;
}

static void set_timer(struct kee_core *core)
{
    uint64_t at_ms = kee_kernel_wake_at_ms(core->kernel);
    uint64_t flush_at_ms = kee_kernel_flush_at_ms(core->kernel);

    /* While a batch is being written its end wakes us. */
    if (!is_writing(core) && flush_at_ms < at_ms) {
        at_ms = flush_at_ms;
    }
    kee_timer_set(core->timer, at_ms);
}

static bool on_round(void *context)
{
    struct kee_core *core = context;
    uint64_t now_ms = kee_loop_now_ms(core->loop);
    bool more = false;
    int r;

    if (core->fault < 0 || core->stopping) {
        return false;
    }
    kee_vathost_round(core->vathost);
    core->events->round(core->context);
    r = tell_durable(core);
    if (r == 0) {
        r = kee_kernel_run(core->kernel, now_ms, &more);
    }
    /* What is carried in this thread wakes nobody: it goes on at once, others have their turn soon. */
    for (unsigned i = 0;
         r == 0 && core->fault == 0 && i < CARRIED_ROUNDS && kee_vathost_is_busy(core->vathost);
         i++) {
        kee_vathost_round(core->vathost);
        if (core->fault == 0) {
            r = kee_kernel_run(core->kernel, now_ms, &more);
        }
    }
    if (core->may_bind) {
        kee_vathost_place(core->vathost, kee_kernel_flights(core->kernel));
    }
    if (r == 0) {
        r = flush_if_due(core, now_ms);
    }
    if (r == 0) {
        r = tell_durable(core); /* a batch without net effect was durable at once */
    }
    if (core->answered && core->may_bind && kee_kernel_flights(core->kernel) == 0) {
        kee_loop_expect(core->loop);
    }
    core->answered = false;
    if (kee_core_check(core, r) == 0 && core->fault == 0) {
        set_timer(core);
    }
    return more || kee_vathost_is_busy(core->vathost) ||
           (core->fault == 0 && core->events->wants_round != NULL &&
            core->events->wants_round(core->context));
}

static void on_timer(void *context)
{
    (void)context; /* waking up is all: the round does the work */
}

static void on_store_event(void *context, unsigned events)
{
    (void)events;
    kee_store_sqlite_dispatch(((struct kee_core *)context)->store);
}

/* ---- opening and closing ---- */

int kee_core_open_workers(struct kee_core *core, struct kee_loop *loop,
                          const struct kee_core_options *options,
                          const struct kee_core_events *events, void *context, struct kee_buf *why)
{
    int r;

    *core = (struct kee_core){
        .loop = loop, .events = events, .context = context, .may_bind = options->may_bind};
    r = kee_vathost_new(&core->vathost, loop, &options->vathost, &vathost_events, core);
    if (r == 0) {
        r = kee_vathost_wait_ready(core->vathost, options->ready_timeout_ms, why);
    }
    if (r == 0 && options->allow_inline) {
        r = kee_vathost_load_inline(core->vathost, options->vathost.program, why);
    }
    return r > 0 ? KEE_CORE_REFUSED : r;
}

static int open_loop(struct kee_core *core)
{
    int r = kee_timer_new(&core->timer, core->loop, on_timer, core);

    if (r == 0) {
        r = kee_watch_new(&core->store_watch, core->loop, kee_store_sqlite_fd(core->store),
                          on_store_event, core);
    }
    if (r == 0) {
        kee_watch_set(core->store_watch, KEE_WATCH_READ);
        kee_loop_on_round(core->loop, on_round, core);
    }
    return r;
}

int kee_core_open_kernel(struct kee_core *core, struct kee_store **store,
                         const struct kee_core_options *options, struct kee_buf *why)
{
    int r = kee_world_new(&core->world, *store);

    if (r < 0) {
        return r;
    }
    core->store = *store;
    *store = NULL;
    kee_world_on_durable(core->world, on_durable, core);
    core->host = (struct kee_kernel_host){
        .context = core,
        .worker_start = worker_start,
        .worker_send = worker_send,
        .worker_kill = worker_kill,
        .worker_waits = worker_waits,
        .answer = on_answer,
        .peer_news = on_peer_news,
        .peer_lost = on_peer_lost,
        .log = on_log,
        .trace = on_trace,
        .entropy = entropy,
    };
    r = kee_kernel_open(&core->kernel, core->world, &core->host, &options->kernel, why);
    return r > 0 ? KEE_CORE_REFUSED : r < 0 ? r : open_loop(core);
}

void kee_core_stop(struct kee_core *core)
{
    core->stopping = true;
}

int kee_core_flush(struct kee_core *core)
{
    while (core->fault == 0 && (is_writing(core) || kee_world_pending_bytes(core->world) > 0 ||
                                core->events->waits(core->context))) {
        if (kee_core_check(core, kee_world_flush(core->world)) < 0) {
            break;
        }
        kee_store_sqlite_wait(core->store);
        (void)kee_core_check(core, tell_durable(core));
        core->events->durable(core->context, is_writing(core) ? 0 : UINT64_MAX);
    }
    return core->fault;
}

void kee_core_settle(struct kee_core *core)
{
    core->stopping = true;
    kee_vathost_kill_all(core->vathost);
    (void)kee_core_flush(core);
}

void kee_core_close(struct kee_core *core)
{
    if (core->loop != NULL) {
        kee_loop_on_round(core->loop, NULL, NULL);
    }
    kee_watch_free(core->store_watch);
    kee_timer_free(core->timer);
    kee_vathost_free(core->vathost);
    kee_kernel_free(core->kernel);
    kee_world_free(core->world);
    kee_buf_fini(&core->fault_text);
    *core = (struct kee_core){0};
}
