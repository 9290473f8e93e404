/* SPDX-License-Identifier: Apache-2.0 */
/* vathost - see vathost.h. */
#include "vathost/vathost_internal.h"

#include <stdlib.h>

#include "base/fault.h"
#include "base/limits.h"
#include "os/process.h"

/* Rounds of one kind in a row before processes are moved: moving costs a system call for each. */
#define ALONE_ROUNDS 64u
#define CROWD_ROUNDS 8u

int kee_vathost_new(struct kee_vathost **out, struct kee_loop *loop,
                    const struct kee_vathost_options *options,
                    const struct kee_vathost_events *events, void *context)
{
    struct kee_vathost *host = calloc(1, sizeof *host);
    int r;

    if (host == NULL) {
        return kee_fault(KEE_FAULT_MEMORY, "vat host");
    }
    host->loop = loop;
    host->events = events;
    host->context = context;
    kee_list_init(&host->workers);
    host->core = -1;
    r = kee_zygote_new(&host->zygote, host, options);
    if (r < 0) {
        free(host);
        return r;
    }
    *out = host;
    return 0;
}

int kee_vathost_wait_ready(struct kee_vathost *host, int timeout_ms, struct kee_buf *why)
{
    return kee_zygote_wait_ready(host->zygote, timeout_ms, why);
}

void kee_vathost_free(struct kee_vathost *host)
{
    if (host == NULL) {
        return;
    }
    kee_zygote_free(host->zygote);
    while (!kee_list_is_empty(&host->workers)) {
        kee_worker_destroy(KEE_CONTAINER(host->workers.next, struct kee_worker, link));
    }
    kee_map_fini(&host->by_vat);
    free(host);
}

/* A worker that could not even be made is one that ended at once, so that the kernel hears of it in
 * the one way it knows. Without memory for that, the vat's deadline speaks for it. */
void kee_vathost_start(struct kee_vathost *host, struct kee_vat_id vat, uint64_t incarnation)
{
    struct kee_worker *worker;

    kee_vathost_kill(host, vat);
    if (kee_worker_new(&worker, host, vat, incarnation) < 0) {
        host->events->note(host->context, kee_fault_text());
        kee_fault_clear();
        return;
    }
    if (worker->passed_fd >= 0) {
        kee_zygote_fork(host->zygote, worker);
    }
}

void kee_vathost_send(struct kee_vathost *host, struct kee_vat_id vat, struct kee_bytes frames)
{
    struct kee_worker *worker = kee_map_get(&host->by_vat, vat.n);

    if (worker == NULL || worker->stream == NULL) {
        return;
    }
    kee_stream_write(worker->stream, frames);
    if (kee_stream_backlog(worker->stream) > KEE_LIMIT_WORKER_BACKLOG_BYTES) {
        kee_worker_fail(worker, "does not read what it is sent");
    }
}

int kee_vathost_pid(const struct kee_vathost *host, struct kee_vat_id vat)
{
    const struct kee_worker *worker = kee_map_get(&host->by_vat, vat.n);

    return worker == NULL ? 0 : (int)worker->pid;
}

static void bind_all(struct kee_vathost *host, int core)
{
    host->core = core;
    kee_process_bind(0, core);
    for (struct kee_link *link = host->workers.next; link != &host->workers; link = link->next) {
        struct kee_worker *worker = KEE_CONTAINER(link, struct kee_worker, link);
        if (worker->pid > 0) {
            kee_process_bind(worker->pid, core);
        }
    }
}

void kee_vathost_place(struct kee_vathost *host, uint64_t flights)
{
    if (flights > 1) {
        host->alone_count = 0;
        if (host->core >= 0 && ++host->crowd_count >= CROWD_ROUNDS) {
            bind_all(host, -1);
        }
    } else if (flights == 1) {
        host->crowd_count = 0;
        if (host->core < 0 && ++host->alone_count >= ALONE_ROUNDS) {
            bind_all(host, kee_process_core());
        }
    }
}

void kee_vathost_kill(struct kee_vathost *host, struct kee_vat_id vat)
{
    struct kee_worker *worker = kee_map_get(&host->by_vat, vat.n);

    if (worker != NULL) {
        kee_worker_discard(worker);
    }
}

void kee_vathost_kill_all(struct kee_vathost *host)
{
    struct kee_link *link = host->workers.next;

    while (link != &host->workers) {
        struct kee_worker *worker = KEE_CONTAINER(link, struct kee_worker, link);
        link = link->next;
        kee_worker_discard(worker);
    }
}

void kee_vathost_round(struct kee_vathost *host)
{
    struct kee_link *link = host->workers.next;

    /* A report may start, kill and free other workers: after one, look again from the front. */
    while (host->over_count > 0 && link != &host->workers) {
        struct kee_worker *worker = KEE_CONTAINER(link, struct kee_worker, link);
        link = link->next;
        if (worker->over && !worker->in_callback) {
            kee_worker_settle(worker);
            link = host->workers.next;
        }
    }
}

size_t kee_vathost_count(const struct kee_vathost *host)
{
    return host->count;
}
