/* SPDX-License-Identifier: Apache-2.0 */
/*
 * host - what the kernel asks of the world, and what workers tell the kernel.
 *
 * Actions come from inside the kernel and must not call it; events come from the loop and do.
 */
#include "daemon/daemon_internal.h"
#include "os/clock.h"
#include "os/entropy.h"

static void worker_start(void *context, struct kee_vat_id vat, uint64_t incarnation)
{
    kee_vathost_start(((struct kee_daemon *)context)->vathost, vat, incarnation);
}

static void worker_send(void *context, struct kee_vat_id vat, struct kee_bytes frames)
{
    kee_vathost_send(((struct kee_daemon *)context)->vathost, vat, frames);
}

static void worker_kill(void *context, struct kee_vat_id vat)
{
    kee_vathost_kill(((struct kee_daemon *)context)->vathost, vat);
}

static void answer(void *context, uint64_t call, const struct kee_answer *of)
{
    kee_daemon_answer(context, call, of);
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

static void entropy(void *context, uint8_t *out, size_t size)
{
    (void)context;
    kee_entropy_fill(out, size);
}

void kee_daemon_host_init(struct kee_daemon *daemon)
{
    daemon->host = (struct kee_kernel_host){
        .context = daemon,
        .worker_start = worker_start,
        .worker_send = worker_send,
        .worker_kill = worker_kill,
        .answer = answer,
        .log = on_log,
        .trace = on_trace,
        .entropy = entropy,
    };
}

static int on_frame(void *context, struct kee_vat_id vat, uint64_t incarnation, uint8_t type,
                    struct kee_bytes fields)
{
    struct kee_daemon *daemon = context;

    if (daemon->fault < 0) {
        return daemon->fault;
    }
    return kee_daemon_check(daemon,
                            kee_kernel_frame(daemon->kernel, vat, incarnation, type, fields));
}

static void on_gone(void *context, struct kee_vat_id vat, uint64_t incarnation, const char *why)
{
    struct kee_daemon *daemon = context;

    kee_privileges_log(&daemon->own, "worker-gone", "vat=v%llu incarnation=%llu why=\"%s\"",
                       (unsigned long long)vat.n, (unsigned long long)incarnation, why);
    if (daemon->fault == 0) {
        (void)kee_daemon_check(daemon,
                               kee_kernel_worker_gone(daemon->kernel, vat, incarnation, why));
    }
}

static void on_note(void *context, const char *text)
{
    kee_privileges_log(&((struct kee_daemon *)context)->own, "note", "text=\"%s\"", text);
}

const struct kee_vathost_events kee_daemon_vathost_events = {on_frame, on_gone, on_note};
