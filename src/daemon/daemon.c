/* SPDX-License-Identifier: Apache-2.0 */
/* daemon - opening, the loop, stopping; see daemon.h. */
#include <signal.h>

#include "base/fault.h"
#include "daemon/daemon_internal.h"
#include "keeve/version.h"
#include "os/process.h"

/* It is ready in milliseconds; a machine may be busy. */
#define ZYGOTE_TIMEOUT_MS 20000

int kee_daemon_check(struct kee_daemon *daemon, int r)
{
    if (r < 0 && daemon->fault == 0) {
        daemon->fault = r;
        kee_buf_put_str(&daemon->fault_text, kee_fault_text());
        kee_fault_clear();
        /* Nothing was let out that is not durable, and nothing will be. */
        kee_vathost_kill_all(daemon->vathost);
        kee_loop_stop(daemon->own.loop);
    }
    return r;
}

/* From inside the world: the kernel hears of it in the round. */
static void on_durable(void *context, int r)
{
    struct kee_daemon *daemon = context;

    if (r < 0) {
        (void)kee_daemon_check(daemon, r);
    } else {
        daemon->durable_news = true;
    }
}

static int tell_durable(struct kee_daemon *daemon)
{
    int r = 0;

    while (daemon->durable_news && r == 0 && daemon->fault == 0) {
        daemon->durable_news = false;
        r = kee_kernel_durable(daemon->kernel);
        kee_pending_durable(daemon, kee_world_durable(daemon->world));
    }
    return r;
}

static bool is_writing(const struct kee_daemon *daemon)
{
    return kee_world_durable(daemon->world) + 1 < kee_world_filling(daemon->world);
}

static int flush_if_due(struct kee_daemon *daemon, uint64_t now_ms)
{
    int r;

    if (is_writing(daemon) ||
        (kee_list_is_empty(&daemon->durables) && !kee_kernel_flush_due(daemon->kernel, now_ms))) {
        return 0;
    }
    r = kee_world_flush(daemon->world);
    if (r == 0 && !is_writing(daemon)) {
        /* There was nothing to write: all that was ever committed is durable. */
        kee_pending_durable(daemon, UINT64_MAX);
    }
    return r;
}

static void set_timer(struct kee_daemon *daemon)
{
    uint64_t at_ms = kee_kernel_wake_at_ms(daemon->kernel);
    uint64_t flush_at_ms = kee_kernel_flush_at_ms(daemon->kernel);

    /* While a batch is being written its end wakes us. */
    if (!is_writing(daemon) && flush_at_ms < at_ms) {
        at_ms = flush_at_ms;
    }
    kee_timer_set(daemon->timer, at_ms);
}

static bool on_round(void *context)
{
    struct kee_daemon *daemon = context;
    uint64_t now_ms = kee_loop_now_ms(daemon->own.loop);
    bool more = false;
    int r;

    if (daemon->fault < 0 || daemon->stopping) {
        return false;
    }
    kee_vathost_round(daemon->vathost);
    kee_daemon_set_tracing(daemon);
    kee_export_resume_all(daemon);
    r = tell_durable(daemon);
    if (r == 0) {
        r = kee_kernel_run(daemon->kernel, now_ms, &more);
    }
    kee_vathost_place(daemon->vathost, kee_kernel_flights(daemon->kernel));
    if (r == 0) {
        r = flush_if_due(daemon, now_ms);
    }
    if (r == 0) {
        r = tell_durable(daemon); /* a batch without net effect was durable at once */
    }
    if (kee_daemon_check(daemon, r) == 0 && daemon->fault == 0) {
        set_timer(daemon);
    }
    return more;
}

static void on_timer(void *context)
{
    (void)context; /* waking up is all: the round does the work */
}

static void on_store_event(void *context, unsigned events)
{
    (void)events;
    kee_store_sqlite_dispatch(((struct kee_daemon *)context)->store);
}

static void on_signal(void *context)
{
    struct kee_daemon *daemon = context;

    kee_privileges_log(&daemon->own, "stop", "why=\"asked by a signal\"");
    daemon->stopping = true;
    kee_loop_stop(daemon->own.loop);
}

static int open_kernel(struct kee_daemon *daemon, const struct kee_daemon_options *options,
                       struct kee_buf *why)
{
    struct kee_kernel_options kernel_options = {.paused = options->paused};
    int r;

    daemon->store = daemon->own.store;
    r = kee_world_new(&daemon->world, daemon->store);
    if (r < 0) {
        return r;
    }
    daemon->own.store = NULL;
    kee_world_on_durable(daemon->world, on_durable, daemon);
    kee_daemon_host_init(daemon);
    return kee_kernel_open(&daemon->kernel, daemon->world, &daemon->host, &kernel_options, why);
}

static int open_vathost(struct kee_daemon *daemon, bool detached)
{
    struct kee_vathost_options options = {
        .program = kee_buf_cstr(&daemon->own.vat_program),
        .unjailed = !daemon->own.jailed,
        .stderr_fd = detached ? daemon->own.log_fd : -1,
    };

    return kee_vathost_new(&daemon->vathost, daemon->own.loop, &options, &kee_daemon_vathost_events,
                           daemon);
}

/* What the zygote said on its standard error, if that is our log, belongs to the reason. */
static int wait_for_zygote(struct kee_daemon *daemon, bool detached, struct kee_buf *why)
{
    size_t before = daemon->own.log_bytes;
    int r = kee_vathost_wait_ready(daemon->vathost, ZYGOTE_TIMEOUT_MS, why);

    if (r > 0 && detached) {
        kee_buf_put_char(why, '\n');
        kee_privileges_read_log(&daemon->own, before, why);
    }
    return r;
}

static int open_loop(struct kee_daemon *daemon)
{
    struct kee_loop *loop = daemon->own.loop;
    int listener = daemon->own.listener;
    int r = kee_timer_new(&daemon->timer, loop, on_timer, daemon);

    if (r == 0) {
        r = kee_watch_new(&daemon->store_watch, loop, kee_store_sqlite_fd(daemon->store),
                          on_store_event, daemon);
    }
    if (r == 0) {
        kee_watch_set(daemon->store_watch, KEE_WATCH_READ);
        r = kee_signal_new(&daemon->signals[0], loop, SIGTERM, on_signal, daemon);
    }
    if (r == 0) {
        r = kee_signal_new(&daemon->signals[1], loop, SIGINT, on_signal, daemon);
    }
    if (r == 0) {
        daemon->own.listener = -1;
        r = kee_control_server_new(&daemon->control, loop, listener, &kee_daemon_control_handler,
                                   daemon);
    }
    kee_loop_on_round(loop, on_round, daemon);
    return r;
}

static int open_all(struct kee_daemon *daemon, const struct kee_daemon_options *options,
                    struct kee_buf *why)
{
    int r = kee_logs_new(&daemon->logs);

    if (r == 0) {
        r = open_vathost(daemon, options->detached);
    }
    if (r == 0) {
        r = wait_for_zygote(daemon, options->detached, why);
    }
    if (r == 0) {
        r = open_kernel(daemon, options, why);
    }
    if (r == 0) {
        r = open_loop(daemon);
    }
    return r;
}

/* Workers first: what they had under way is taken as never run. Then all that was committed goes to the
 * disk, and what waited for it is said. */
static void stop_in_order(struct kee_daemon *daemon)
{
    kee_vathost_kill_all(daemon->vathost);
    while (daemon->fault == 0 &&
           (is_writing(daemon) || kee_world_pending_bytes(daemon->world) > 0 ||
            !kee_list_is_empty(&daemon->durables))) {
        if (kee_daemon_check(daemon, kee_world_flush(daemon->world)) < 0) {
            break;
        }
        kee_store_sqlite_wait(daemon->store);
        (void)kee_daemon_check(daemon, tell_durable(daemon));
        kee_pending_durable(daemon, is_writing(daemon) ? 0 : UINT64_MAX);
    }
    if (daemon->fault < 0) {
        kee_privileges_log(&daemon->own, "fault", "text=\"%s\"", kee_buf_cstr(&daemon->fault_text));
    }
    kee_pending_end_all(daemon, daemon->fault < 0 ? "FAULT" : "STATE",
                        daemon->fault < 0 ? kee_buf_cstr(&daemon->fault_text)
                                          : "the daemon is stopping");
    while (!kee_list_is_empty(&daemon->stoppers)) {
        kee_pending_result(KEE_CONTAINER(daemon->stoppers.next, struct kee_pending, link),
                           KEE_BYTES_LIT("{}"));
    }
}

static void close_all(struct kee_daemon *daemon)
{
    kee_control_server_free(daemon->control);
    for (int i = 0; i < 2; i++) {
        kee_signal_free(daemon->signals[i]);
    }
    kee_watch_free(daemon->store_watch);
    kee_timer_free(daemon->timer);
    kee_vathost_free(daemon->vathost);
    kee_kernel_free(daemon->kernel);
    kee_world_free(daemon->world);
    kee_logs_free(daemon->logs);
    kee_map_fini(&daemon->calls);
    kee_privileges_log(&daemon->own, "stopped", "pid=%d", (int)kee_process_self());
    kee_privileges_close(&daemon->own);
}

static void work(struct kee_daemon *daemon, const struct kee_daemon_options *options,
                 void (*ready)(void *context), void *context)
{
    daemon->started_ms = kee_loop_now_ms(daemon->own.loop);
    kee_privileges_log(&daemon->own, "start", "pid=%d version=%s home=\"%s\" jail=%s",
                       (int)kee_process_self(), KEEVE_VERSION, daemon->own.home,
                       daemon->own.jailed ? "on" : "off");
    ready(context);
    if (options->detached) {
        kee_process_redirect_errors(daemon->own.log_fd);
    }
    (void)kee_loop_run(daemon->own.loop);
    stop_in_order(daemon);
}

int kee_daemon_run(const struct kee_daemon_options *options, void (*ready)(void *context),
                   void *context, struct kee_buf *why)
{
    struct kee_daemon daemon = {0};
    int r;

    kee_process_ignore_broken_pipes();
    kee_process_raise_file_limit();
    kee_list_init(&daemon.durables);
    kee_list_init(&daemon.exports);
    kee_list_init(&daemon.tracers);
    kee_list_init(&daemon.log_followers);
    kee_list_init(&daemon.stoppers);
    r = kee_privileges_open(&daemon.own, &options->own, why);
    if (r != 0) {
        return r;
    }
    r = open_all(&daemon, options, why);
    if (r == 0) {
        work(&daemon, options, ready, context);
        r = daemon.fault;
    } else {
        kee_privileges_log(&daemon.own, "refused", "why=\"%s\"",
                           r < 0 ? kee_fault_text() : kee_buf_cstr(why));
    }
    close_all(&daemon);
    if (daemon.fault < 0) {
        r = kee_fault(daemon.fault, "%s", kee_buf_cstr(&daemon.fault_text));
    }
    kee_buf_fini(&daemon.fault_text);
    return r;
}
