/* SPDX-License-Identifier: Apache-2.0 */
/* vathost - see vathost.h. */
#include "vathost/vathost_internal.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/fault.h"
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
    kee_list_init(&host->shareds);
    host->core = -1;
    r = options->program == NULL ? 0 : kee_zygote_new(&host->zygote, host, options);
    if (r < 0) {
        free(host);
        return r;
    }
    *out = host;
    return 0;
}

int kee_vathost_wait_ready(struct kee_vathost *host, int timeout_ms, struct kee_buf *why)
{
    return host->zygote == NULL ? 0 : kee_zygote_wait_ready(host->zygote, timeout_ms, why);
}

void kee_vathost_free(struct kee_vathost *host)
{
    if (host == NULL) {
        return;
    }
    kee_zygote_free(host->zygote);
    kee_shared_forget_all(host);
    while (!kee_list_is_empty(&host->workers)) {
        kee_worker_destroy(KEE_CONTAINER(host->workers.next, struct kee_worker, link));
    }
    for (size_t i = 0; i < KEE_FLAVOURS; i++) {
        if (host->carriers[i].free != NULL) {
            host->carriers[i].free(host->carriers[i].context);
        }
    }
    kee_map_fini(&host->by_vat);
    kee_map_fini(&host->tenants);
    kee_map_fini(&host->carried);
    free(host);
}

void kee_vathost_carry(struct kee_vathost *host, enum kee_flavour flavour,
                       const struct kee_carrier *carrier)
{
    kee_assert(flavour == KEE_FLAVOUR_INLINE || flavour == KEE_FLAVOUR_NATIVE);
    kee_assert(host->carriers[flavour].start == NULL);
    host->carriers[flavour] = *carrier;
}

bool kee_vathost_carries(const struct kee_vathost *host, enum kee_flavour flavour)
{
    bool is_process = flavour == KEE_FLAVOUR_PROCESS || flavour == KEE_FLAVOUR_SHARED;

    return (is_process && host->zygote != NULL) || host->carriers[flavour].start != NULL;
}

static int start_carried(struct kee_vathost *host, struct kee_vat_id vat, uint64_t incarnation,
                         struct kee_carrier *carrier)
{
    int r = kee_map_put(&host->carried, vat.n, carrier);

    if (r == 0) {
        carrier->start(carrier->context, vat, incarnation);
        host->busy = true;
    }
    return r < 0 ? kee_fault(r, "a place for v%llu", (unsigned long long)vat.n) : 0;
}

static int start_process(struct kee_vathost *host, struct kee_vat_id vat, uint64_t incarnation)
{
    struct kee_worker *worker;
    int r = kee_worker_new(&worker, host, vat, incarnation);

    if (r == 0 && worker->passed_fd >= 0) {
        kee_zygote_fork(host->zygote, worker);
    }
    return r;
}

/* A worker that is over as soon as it is there. */
static int refuse(struct kee_vathost *host, struct kee_vat_id vat, uint64_t incarnation,
                  enum kee_flavour flavour)
{
    struct kee_worker *worker;
    struct kee_buf why = KEE_BUF_EMPTY;
    int r = kee_worker_new(&worker, host, vat, incarnation);

    if (r == 0) {
        kee_buf_printf(&why, "this kernel was not opened to run vats of the flavour %s%s",
                       kee_flavour_name(flavour),
                       flavour == KEE_FLAVOUR_INLINE ? " (keeve start --inline)"
                       : flavour == KEE_FLAVOUR_NATIVE
                           ? "; they run in the program they are part of"
                           : "");
        kee_worker_forked(worker, 0, why.failed ? "out of memory" : kee_buf_cstr(&why));
    }
    kee_buf_fini(&why);
    return r;
}

/* A worker that could not even be made is one that ended at once, so that the kernel hears of it in
 * the one way it knows. Without memory for that, the vat's deadline speaks for it. */
void kee_vathost_start(struct kee_vathost *host, struct kee_vat_id vat, uint64_t incarnation,
                       enum kee_flavour flavour, struct kee_subcluster_id owner)
{
    int r;

    kee_vathost_kill(host, vat);
    if (!kee_vathost_carries(host, flavour)) {
        r = refuse(host, vat, incarnation, flavour);
    } else if (flavour == KEE_FLAVOUR_PROCESS) {
        r = start_process(host, vat, incarnation);
    } else if (flavour == KEE_FLAVOUR_SHARED) {
        r = kee_shared_start(host, vat, incarnation, owner);
    } else {
        r = start_carried(host, vat, incarnation, &host->carriers[flavour]);
    }
    if (r < 0) {
        host->events->note(host->context, kee_fault_text());
        kee_fault_clear();
    }
}

void kee_vathost_send(struct kee_vathost *host, struct kee_vat_id vat, struct kee_bytes frames)
{
    struct kee_worker *worker = kee_map_get(&host->by_vat, vat.n);
    struct kee_carrier *carrier = kee_map_get(&host->carried, vat.n);

    if (carrier != NULL) {
        carrier->send(carrier->context, vat, frames);
        host->busy = true;
        return;
    }
    if (worker != NULL) {
        kee_worker_send(worker, frames);
    } else {
        kee_shared_send(host, vat, frames);
    }
}

bool kee_vathost_waits(const struct kee_vathost *host, struct kee_vat_id vat)
{
    /* Carried vats run one after the other, inside a round: what is late has waited for another. */
    return kee_map_get(&host->carried, vat.n) != NULL || kee_shared_waits(host, vat);
}

int kee_vathost_pid(const struct kee_vathost *host, struct kee_vat_id vat)
{
    const struct kee_worker *worker = kee_map_get(&host->by_vat, vat.n);

    return worker == NULL ? kee_shared_pid(host, vat) : (int)worker->pid;
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
    struct kee_carrier *carrier = kee_map_remove(&host->carried, vat.n);

    if (carrier != NULL) {
        carrier->kill(carrier->context, vat);
    }
    if (worker != NULL) {
        kee_worker_discard(worker);
    }
    kee_shared_kill(host, vat);
}

void kee_vathost_kill_all(struct kee_vathost *host)
{
    struct kee_link *link = host->workers.next;

    kee_shared_forget_all(host);
    while (link != &host->workers) {
        struct kee_worker *worker = KEE_CONTAINER(link, struct kee_worker, link);
        link = link->next;
        kee_worker_discard(worker);
    }
    for (size_t i = 0; i < KEE_FLAVOURS; i++) {
        if (host->carriers[i].kill_all != NULL) {
            host->carriers[i].kill_all(host->carriers[i].context);
        }
    }
    kee_map_fini(&host->carried);
}

static int on_carried_frame(void *context, struct kee_vat_id vat, uint64_t incarnation,
                            uint8_t type, struct kee_bytes fields)
{
    struct kee_vathost *host = context;
    int r = host->events->frame(host->context, vat, incarnation, type, fields);

    if (r < 0) {
        host->broken = true;
    }
    return r;
}

static void on_carried_gone(void *context, struct kee_vat_id vat, uint64_t incarnation,
                            const char *why)
{
    struct kee_vathost *host = context;

    (void)kee_map_remove(&host->carried, vat.n);
    if (!host->broken) {
        host->events->gone(host->context, vat, incarnation, why);
    }
}

void kee_vathost_round(struct kee_vathost *host)
{
    const struct kee_carrier_events events = {host, on_carried_frame, on_carried_gone};
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
    host->busy = false;
    for (size_t i = 0; i < KEE_FLAVOURS && !host->broken; i++) {
        if (host->carriers[i].round != NULL &&
            host->carriers[i].round(host->carriers[i].context, &events)) {
            host->busy = true;
        }
    }
}

bool kee_vathost_is_busy(const struct kee_vathost *host)
{
    return host->busy && !host->broken;
}

size_t kee_vathost_count(const struct kee_vathost *host)
{
    return host->count;
}
