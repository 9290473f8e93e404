/* SPDX-License-Identifier: Apache-2.0 */
/* host - what the core tells: answers, console lines, workers that end, batches on the disk. */
#include "daemon/daemon_internal.h"
#include "daemon/facade.h"
#include "daemon/io.h"
#include "daemon/system.h"
#include "os/clock.h"

static void on_answer(void *context, uint64_t call, const struct kee_answer *answer)
{
    kee_daemon_answer(context, call, answer);
}

static void on_log(void *context, struct kee_vat_id vat, enum kee_vp_log_level level,
                   struct kee_bytes text)
{
    struct kee_log_line line = {
        .time_ms = kee_clock_wall_ms(), .vat = vat, .level = level, .text = text};

    kee_daemon_on_log(context, &line);
}

static void on_trace(void *context, const struct kee_record *event)
{
    kee_daemon_on_trace(context, event);
}

static void on_peer_news(void *context, struct kee_peer_id peer, const struct kee_peer_news *news)
{
    struct kee_daemon *daemon = context;

    if (peer.n == kee_facade_peer(daemon).n) {
        kee_facade_news(daemon, news);
    } else {
        kee_sessions_news(&daemon->sessions, peer, news);
    }
}

static void on_peer_lost(void *context, struct kee_peer_id peer, const char *why)
{
    kee_sessions_lost(&((struct kee_daemon *)context)->sessions, peer, why);
}

static bool wants_round(void *context)
{
    struct kee_daemon *daemon = context;

    return kee_facade_wants_round(daemon) || daemon->channels_stray ||
           kee_sessions_want_round(&daemon->sessions) || kee_system_wants_round(daemon);
}

static void on_gone(void *context, struct kee_vat_id vat, uint64_t incarnation, const char *why)
{
    struct kee_daemon *daemon = context;

    kee_privileges_log(&daemon->own, "worker-gone", "vat=v%llu incarnation=%llu why=\"%s\"",
                       (unsigned long long)vat.n, (unsigned long long)incarnation, why);
}

static void on_note(void *context, const char *text)
{
    kee_privileges_log(&((struct kee_daemon *)context)->own, "note", "text=\"%s\"", text);
}

static void on_durable(void *context, uint64_t batch)
{
    kee_pending_durable(context, batch);
    kee_sessions_flush(&((struct kee_daemon *)context)->sessions);
}

static bool waits(void *context)
{
    return !kee_list_is_empty(&((struct kee_daemon *)context)->durables);
}

static void on_round(void *context)
{
    struct kee_daemon *daemon = context;

    kee_core_set_now(&daemon->core); /* what is begun here has its deadline from now on */
    kee_daemon_set_tracing(daemon);
    kee_export_resume_all(daemon);
    kee_pending_restarts(daemon);
    kee_sessions_round(&daemon->sessions);
    (void)kee_core_check(&daemon->core, kee_facade_round(daemon));
    (void)kee_core_check(&daemon->core, kee_io_round(daemon));
    (void)kee_core_check(&daemon->core, kee_system_round(daemon));
    if (daemon->leaving && !daemon->stopping && kee_kernel_partings(daemon->core.kernel) == 0) {
        kee_daemon_stop(daemon);
    }
}

static void on_fault(void *context)
{
    kee_loop_stop(((struct kee_daemon *)context)->own.loop);
}

const struct kee_core_events kee_daemon_core_events = {
    .answer = on_answer,
    .peer_news = on_peer_news,
    .peer_lost = on_peer_lost,
    .wants_round = wants_round,
    .log = on_log,
    .trace = on_trace,
    .gone = on_gone,
    .note = on_note,
    .durable = on_durable,
    .waits = waits,
    .round = on_round,
    .fault = on_fault,
};
