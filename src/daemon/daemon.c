/* SPDX-License-Identifier: Apache-2.0 */
/* daemon - opening, the loop, stopping; see daemon.h. */
#include <signal.h>

#include "base/fault.h"
#include "daemon/daemon_internal.h"
#include "daemon/facade.h"
#include "daemon/grants.h"
#include "daemon/io.h"
#include "daemon/system.h"
#include "keeve/version.h"
#include "os/process.h"

/* It is ready in milliseconds; a machine may be busy. */
#define ZYGOTE_TIMEOUT_MS 20000

void kee_daemon_stop(struct kee_daemon *daemon)
{
    int r = daemon->leaving ? 0 : kee_kernel_close(daemon->core.kernel);

    daemon->stopping = daemon->stopping || daemon->leaving ||
                       kee_core_check(&daemon->core, r) != 0 ||
                       kee_kernel_partings(daemon->core.kernel) == 0;
    daemon->leaving = true;
    if (daemon->stopping) {
        kee_core_stop(&daemon->core);
        kee_loop_stop(daemon->own.loop);
    }
}

static void on_signal(void *context)
{
    struct kee_daemon *daemon = context;

    kee_privileges_log(&daemon->own, "stop", "why=\"asked by a signal\"");
    kee_daemon_stop(daemon);
}

/* What the zygote said on its standard error, if that is our log, belongs to the reason. */
static int open_core(struct kee_daemon *daemon, const struct kee_daemon_options *given,
                     struct kee_buf *why)
{
    struct kee_core_options options = {
        .vathost = {.program = kee_buf_cstr(&daemon->own.vat_program),
                    .unjailed = !daemon->own.jailed,
                    .stderr_fd = given->detached ? daemon->own.log_fd : -1},
        .kernel = {.paused = given->paused,
                   .flavour = given->flavour,
                   .deadline_ms = given->deadline_ms,
                   .steps_per_crank_max = given->steps_per_crank_max},
        .allow_inline = given->allow_inline,
        .ready_timeout_ms = ZYGOTE_TIMEOUT_MS,
        .may_bind = true,
    };
    size_t before = daemon->own.log_bytes;
    int r = kee_core_open_workers(&daemon->core, daemon->own.loop, &options,
                                  &kee_daemon_core_events, daemon, why);

    if (r > 0 && given->detached) {
        kee_buf_put_char(why, '\n');
        kee_privileges_read_log(&daemon->own, before, why);
    }
    if (r == 0 && given->natives != NULL) {
        kee_vathost_carry(daemon->core.vathost, KEE_FLAVOUR_NATIVE, given->natives);
    }
    return r != 0 ? r : kee_core_open_kernel(&daemon->core, &daemon->own.store, &options, why);
}

static int open_loop(struct kee_daemon *daemon)
{
    struct kee_loop *loop = daemon->own.loop;
    int listener = daemon->own.listener;
    int r = kee_signal_new(&daemon->signals[0], loop, SIGTERM, on_signal, daemon);

    if (r == 0) {
        r = kee_signal_new(&daemon->signals[1], loop, SIGINT, on_signal, daemon);
    }
    if (r == 0) {
        daemon->own.listener = -1;
        r = kee_control_server_new(&daemon->control, loop, listener, &kee_daemon_control_handler,
                                   daemon);
    }
    return r;
}

static int open_all(struct kee_daemon *daemon, const struct kee_daemon_options *options,
                    struct kee_buf *why)
{
    int r = kee_logs_new(&daemon->logs);

    if (r == 0) {
        r = open_core(daemon, options, why);
    }
    if (r == 0) {
        r = kee_facade_open(daemon);
    }
    if (r == 0) {
        r = kee_io_rebind(daemon);
    }
    if (r == 0 && options->system != NULL) {
        r = kee_system_open(daemon, options->system, why);
    }
    if (r == 0) {
        r = open_loop(daemon);
    }
    if (r == 0) {
        r = kee_doors_open(&daemon->doors, &options->doors, why);
    }
    if (r == 0) {
        r = kee_grants_open(daemon);
    }
    return r;
}

/* What was asked for and cannot be done any more is said too, and last that it stops. */
static void stop_in_order(struct kee_daemon *daemon)
{
    const char *fault = NULL;

    kee_core_settle(&daemon->core);
    if (daemon->core.fault < 0) {
        fault = kee_buf_cstr(&daemon->core.fault_text);
        kee_privileges_log(&daemon->own, "fault", "text=\"%s\"", fault);
    }
    kee_sessions_end_all(&daemon->sessions, fault);
    kee_pending_end_all(daemon, fault != NULL ? "FAULT" : "STATE",
                        fault != NULL ? fault : "the daemon is stopping");
    while (!kee_list_is_empty(&daemon->stoppers)) {
        kee_pending_result(KEE_CONTAINER(daemon->stoppers.next, struct kee_pending, link),
                           KEE_BYTES_LIT("{}"));
    }
}

static void close_all(struct kee_daemon *daemon)
{
    kee_doors_close(&daemon->doors);
    kee_sessions_fini(&daemon->sessions);
    kee_control_server_free(daemon->control);
    for (int i = 0; i < 2; i++) {
        kee_signal_free(daemon->signals[i]);
    }
    (void)kee_io_close(daemon, (struct kee_subcluster_id){0});
    kee_facade_close(daemon);
    kee_system_close(daemon);
    kee_core_close(&daemon->core);
    kee_doors_fini(&daemon->doors); /* turns the loop, on which nothing else may be any more */
    kee_logs_free(daemon->logs);
    kee_map_fini(&daemon->calls);
    kee_privileges_log(&daemon->own, "stopped", "pid=%d", (int)kee_process_self());
    kee_privileges_close(&daemon->own);
}

static void work(struct kee_daemon *daemon, const struct kee_daemon_options *options,
                 void (*ready)(void *context), void *context)
{
    daemon->started_ms = kee_loop_now_ms(daemon->own.loop);
    kee_privileges_log(&daemon->own, "start", "pid=%d version=%s home=\"%s\" jail=%s%s",
                       (int)kee_process_self(), KEEVE_VERSION, daemon->own.home,
                       daemon->own.jailed ? "on" : "off",
                       options->allow_inline ? " inline=allowed" : "");
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

    daemon.flavour = options->flavour;
    kee_process_ignore_broken_pipes();
    if (options->allow_inline) {
        kee_process_set_utc();
    }
    kee_process_raise_file_limit();
    kee_list_init(&daemon.channels);
    kee_list_init(&daemon.durables);
    kee_list_init(&daemon.exports);
    kee_list_init(&daemon.tracers);
    kee_list_init(&daemon.log_followers);
    kee_list_init(&daemon.stoppers);
    kee_list_init(&daemon.restarts);
    r = kee_privileges_open(&daemon.own, &options->own, why);
    if (r != 0) {
        return r;
    }
    kee_doors_init(&daemon.doors, &daemon);
    kee_sessions_init(&daemon.sessions, &daemon);
    r = open_all(&daemon, options, why);
    if (r == 0) {
        work(&daemon, options, ready, context);
        r = daemon.core.fault;
    } else {
        kee_privileges_log(&daemon.own, "refused", "why=\"%s\"",
                           r < 0 ? kee_fault_text() : kee_buf_cstr(why));
    }
    if (daemon.core.fault < 0) {
        r = kee_fault(daemon.core.fault, "%s", kee_buf_cstr(&daemon.core.fault_text));
    }
    close_all(&daemon);
    return r;
}
