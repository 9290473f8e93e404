/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shared - a process with several vats of one owner; vatproto/zygote.h draws what goes to and fro.
 *
 *   kernel ─ frames of v3 ─► tenant v3 ─┐ the runner: what it is sent goes on at once
 *            frames of v5 ─► tenant v5  ├─► FOR, frames ─► process: one machine for each vat
 *            frames of v8 ─► tenant v8 ─┘ the others' frames are held until it has answered all
 *
 * Since only one vat of the process has deliveries unanswered, it is known who was running when the
 * process ends: that vat is gone, the others are lost, which is not their doing.
 *
 * A vat that is killed while it runs cannot be ended without the others. It becomes a leaver: the
 * process is asked to close it when the crank is over, and killed if that takes long.
 */
#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "base/limits.h"
#include "vathost/vathost_internal.h"
#include "vatproto/vatproto.h"

/* How long a crank that nobody wants any more may go on before it costs its neighbours. */
#define LEAVE_MS 1000u

struct kee_tenant {
    struct kee_link link; /* in the shared's tenants */
    struct kee_shared *shared;
    struct kee_vat_id vat;
    uint64_t incarnation;
    struct kee_buf held; /* frames for when it is its turn */
    uint64_t unanswered; /* STARTs and DELIVERs that went on */
    bool opened;         /* the process has a machine for it */
    bool failed;         /* its last DONE said so: the process has freed the machine */
};

struct kee_shared {
    struct kee_link link; /* in the host's shareds; alone once it takes no more */
    struct kee_vathost *host;
    struct kee_worker *worker;
    struct kee_subcluster_id owner;
    struct kee_link tenants;
    size_t count;
    struct kee_tenant *runner; /* has deliveries unanswered; NULL: nobody has */
    struct kee_tenant *leaver; /* the runner, when it was killed; not among the tenants */
    struct kee_tenant *named;  /* whose frames the process expects */
    uint64_t from_vat;         /* whose frames the process said it sends; 0 nobody's */
    uint64_t from_incarnation;
    struct kee_timer *timer;
    bool inside; /* an event is out: only its end may free */
};

/* With frames after it, in one write, so that the process wakes once. */
static void send_name(struct kee_shared *shared, enum kee_vp_type type,
                      const struct kee_tenant *tenant, struct kee_bytes frames)
{
    struct kee_buf frame = KEE_BUF_EMPTY;
    size_t place = kee_vp_frame_open(&frame, type);

    kee_buf_put_u64(&frame, tenant->vat.n);
    kee_buf_put_u64(&frame, tenant->incarnation);
    kee_vp_frame_close(&frame, place);
    kee_buf_put_bytes(&frame, frames);
    if (kee_buf_status(&frame) < 0) {
        kee_worker_fail(shared->worker, "no memory for a frame");
    } else {
        kee_worker_send(shared->worker, kee_buf_bytes(&frame));
    }
    kee_buf_fini(&frame);
}

static void free_tenant(struct kee_tenant *tenant)
{
    struct kee_shared *shared = tenant->shared;

    if (shared->leaver == tenant) {
        shared->leaver = NULL;
        kee_timer_set(shared->timer, KEE_NEVER_MS);
    } else {
        (void)kee_map_remove(&shared->host->tenants, tenant->vat.n);
        shared->count--;
    }
    shared->runner = shared->runner == tenant ? NULL : shared->runner;
    shared->named = shared->named == tenant ? NULL : shared->named;
    kee_list_remove(&tenant->link);
    kee_buf_fini(&tenant->held);
    free(tenant);
}

/* Its process is somebody else's to end. */
static void free_shared(struct kee_shared *shared)
{
    if (shared->leaver != NULL) {
        free_tenant(shared->leaver);
    }
    while (!kee_list_is_empty(&shared->tenants)) {
        free_tenant(KEE_CONTAINER(shared->tenants.next, struct kee_tenant, link));
    }
    kee_list_remove(&shared->link);
    kee_timer_free(shared->timer);
    free(shared);
}

/* Ends the process, which nobody lives in or nobody can use, without a word. */
static void end_process(struct kee_shared *shared)
{
    struct kee_worker *worker = shared->worker;

    free_shared(shared);
    worker->shared = NULL;
    kee_worker_discard(worker);
}

static uint64_t count_deliveries(struct kee_bytes frames)
{
    struct kee_bytes fields;
    uint64_t count = 0;
    uint8_t type;
    size_t size;

    while (kee_vp_frame_cut(frames, &type, &fields, &size) > 0) {
        count += type == KEE_VP_START || type == KEE_VP_DELIVER;
        frames = kee_bytes_of(frames.data + size, frames.size - size);
    }
    return count;
}

static void send_on(struct kee_tenant *tenant, struct kee_bytes frames)
{
    struct kee_shared *shared = tenant->shared;

    if (shared->named != tenant) {
        send_name(shared, KEE_VP_FOR, tenant, frames);
        shared->named = tenant;
        tenant->opened = true;
    } else {
        kee_worker_send(shared->worker, frames);
    }
    tenant->unanswered += count_deliveries(frames);
    shared->runner = tenant->unanswered > 0 ? tenant : shared->runner;
}

/* Nobody is running: whoever has waited longest is next. */
static void next_turn(struct kee_shared *shared)
{
    struct kee_link *link = shared->tenants.next;

    while (shared->runner == NULL && link != &shared->tenants) {
        struct kee_tenant *tenant = KEE_CONTAINER(link, struct kee_tenant, link);
        link = link->next;
        if (tenant->held.size > 0) {
            send_on(tenant, kee_buf_bytes(&tenant->held));
            kee_buf_fini(&tenant->held);
            kee_list_remove(&tenant->link);
            kee_list_append(&shared->tenants, &tenant->link);
        }
    }
}

static bool others_wait(const struct kee_tenant *tenant)
{
    const struct kee_link *head = &tenant->shared->tenants;

    for (const struct kee_link *link = head->next; link != head; link = link->next) {
        if (KEE_CONTAINER(link, struct kee_tenant, link)->held.size > 0) {
            return true;
        }
    }
    return false;
}

void kee_shared_send(struct kee_vathost *host, struct kee_vat_id vat, struct kee_bytes frames)
{
    struct kee_tenant *tenant = kee_map_get(&host->tenants, vat.n);
    struct kee_shared *shared;
    bool asked;

    if (tenant == NULL || tenant->failed) {
        return;
    }
    shared = tenant->shared;
    /* A row is what the runner waits for. More deliveries for it would keep the others waiting. */
    asked = count_deliveries(frames) == 0;
    if (shared->runner == tenant ? asked || !others_wait(tenant) : shared->runner == NULL) {
        send_on(tenant, frames);
        return;
    }
    kee_buf_put_bytes(&tenant->held, frames);
    if (kee_buf_status(&tenant->held) < 0 || tenant->held.size > KEE_LIMIT_WORKER_BACKLOG_BYTES) {
        kee_worker_fail(shared->worker, "has no room for what waits for it");
    }
}

/* ---- what the process says ---- */

/* A DONE is the answer to the oldest unanswered; one that failed to all of them. */
static void count_answer(struct kee_tenant *tenant, struct kee_bytes fields)
{
    struct kee_vp_reader reader = {.rest = fields};

    (void)kee_vp_take_u64(&reader);
    tenant->unanswered--;
    if (kee_vp_take_u8(&reader) != KEE_VP_OK) {
        tenant->failed = true;
        tenant->unanswered = 0;
    }
}

/* Of a leaver nobody wants to hear; but its failure is its end. */
static void take_of_leaver(struct kee_shared *shared, uint8_t type, struct kee_bytes fields)
{
    if (type == KEE_VP_DONE && shared->leaver->unanswered > 0) {
        count_answer(shared->leaver, fields);
    }
}

static void take_frame(struct kee_shared *shared, uint8_t type, struct kee_bytes fields)
{
    struct kee_tenant *tenant = shared->runner;
    struct kee_vathost *host = shared->host;

    if (tenant == NULL || tenant->vat.n != shared->from_vat ||
        tenant->incarnation != shared->from_incarnation || tenant->unanswered == 0) {
        kee_worker_fail(shared->worker, "sent frames of a vat that was not running");
        return;
    }
    if (tenant == shared->leaver) {
        take_of_leaver(shared, type, fields);
        return;
    }
    if (type == KEE_VP_DONE) {
        count_answer(tenant, fields);
        shared->runner = tenant->unanswered > 0 ? tenant : NULL;
    }
    shared->inside = true;
    if (host->events->frame(host->context, tenant->vat, tenant->incarnation, type, fields) < 0) {
        host->broken = true;
    }
    shared->inside = false;
}

static void take_closed(struct kee_shared *shared, uint64_t vat, uint64_t incarnation)
{
    struct kee_tenant *leaver = shared->leaver;

    if (leaver != NULL && leaver->vat.n == vat && leaver->incarnation == incarnation) {
        free_tenant(leaver);
    }
}

void kee_shared_frame(struct kee_shared *shared, uint8_t type, struct kee_bytes fields)
{
    struct kee_vp_reader reader = {.rest = fields};
    uint64_t vat, incarnation;

    if (type != KEE_VP_FOR && type != KEE_VP_CLOSED) {
        take_frame(shared, type, fields);
    } else {
        vat = kee_vp_take_u64(&reader);
        incarnation = kee_vp_take_u64(&reader);
        if (!kee_vp_reader_end(&reader)) {
            kee_worker_fail(shared->worker, "sent a malformed frame");
        } else if (type == KEE_VP_CLOSED) {
            take_closed(shared, vat, incarnation);
        } else {
            shared->from_vat = vat;
            shared->from_incarnation = incarnation;
        }
    }
    if (shared->count == 0) {
        end_process(shared);
    } else {
        next_turn(shared);
    }
}

/* First nobody is to be found in it, then everybody is told: they may be started again meanwhile. */
void kee_shared_ended(struct kee_shared *shared, const char *why)
{
    struct kee_vathost *host = shared->host;
    struct kee_tenant *runner = shared->runner;
    struct kee_buf text = KEE_BUF_EMPTY;
    const char *lost;

    kee_list_remove(&shared->link);
    kee_buf_printf(&text, "%s, with the other vats of its process", why);
    lost = text.failed ? why : kee_buf_cstr(&text);
    for (struct kee_link *link = shared->tenants.next; link != &shared->tenants;
         link = link->next) {
        (void)kee_map_remove(&host->tenants, KEE_CONTAINER(link, struct kee_tenant, link)->vat.n);
    }
    while (!kee_list_is_empty(&shared->tenants) && !host->broken) {
        struct kee_tenant *tenant = KEE_CONTAINER(shared->tenants.next, struct kee_tenant, link);
        kee_list_remove(&tenant->link);
        if (tenant == runner) {
            host->events->gone(host->context, tenant->vat, tenant->incarnation, why);
        } else if (host->events->lost != NULL) {
            host->events->lost(host->context, tenant->vat, tenant->incarnation, lost);
        }
        kee_buf_fini(&tenant->held);
        free(tenant);
    }
    kee_buf_fini(&text);
    free_shared(shared);
}

/* ---- coming and going ---- */

static void on_timer(void *context)
{
    struct kee_shared *shared = context;

    kee_worker_fail(shared->worker, "was ended for one of its vats that did not stop");
}

static int new_shared(struct kee_shared **out, struct kee_vathost *host,
                      struct kee_subcluster_id owner)
{
    struct kee_shared *shared = calloc(1, sizeof *shared);
    int r;

    if (shared == NULL) {
        return kee_fault(KEE_FAULT_MEMORY, "a shared process");
    }
    shared->host = host;
    shared->owner = owner;
    kee_list_init(&shared->link);
    kee_list_init(&shared->tenants);
    r = kee_timer_new(&shared->timer, host->loop, on_timer, shared);
    r = r != 0 ? r : kee_worker_new(&shared->worker, host, (struct kee_vat_id){0}, 0);
    if (r < 0) {
        kee_timer_free(shared->timer);
        free(shared);
        return r;
    }
    shared->worker->shared = shared;
    kee_list_append(&host->shareds, &shared->link);
    if (shared->worker->passed_fd >= 0) {
        kee_zygote_fork(host->zygote, shared->worker);
    }
    *out = shared;
    return 0;
}

/* One of the owner's processes that has room and is not about to end. */
static struct kee_shared *find_shared(struct kee_vathost *host, struct kee_subcluster_id owner)
{
    for (struct kee_link *link = host->shareds.next; link != &host->shareds; link = link->next) {
        struct kee_shared *shared = KEE_CONTAINER(link, struct kee_shared, link);
        if (shared->owner.n == owner.n && shared->count < KEE_LIMIT_SHARED_VATS &&
            shared->leaver == NULL && !shared->worker->doomed && !shared->worker->over) {
            return shared;
        }
    }
    return NULL;
}

int kee_shared_start(struct kee_vathost *host, struct kee_vat_id vat, uint64_t incarnation,
                     struct kee_subcluster_id owner)
{
    struct kee_shared *shared = find_shared(host, owner);
    struct kee_tenant *tenant = calloc(1, sizeof *tenant);
    int r = tenant == NULL ? kee_fault(KEE_FAULT_MEMORY, "a vat in a shared process") : 0;

    if (r == 0 && shared == NULL) {
        r = new_shared(&shared, host, owner);
    }
    r = r != 0 ? r : kee_map_put(&host->tenants, vat.n, tenant);
    if (r < 0) {
        free(tenant);
        return r;
    }
    tenant->shared = shared;
    tenant->vat = vat;
    tenant->incarnation = incarnation;
    kee_list_append(&shared->tenants, &tenant->link);
    shared->count++;
    return 0;
}

void kee_shared_kill(struct kee_vathost *host, struct kee_vat_id vat)
{
    struct kee_tenant *tenant = kee_map_get(&host->tenants, vat.n);
    struct kee_shared *shared;

    if (tenant == NULL) {
        return;
    }
    shared = tenant->shared;
    if (tenant->opened && !tenant->failed) {
        send_name(shared, KEE_VP_CLOSE, tenant, kee_bytes_of(NULL, 0));
    }
    if (shared->runner == tenant) {
        (void)kee_map_remove(&host->tenants, vat.n);
        shared->count--;
        kee_list_remove(&tenant->link);
        shared->leaver = tenant;
        kee_timer_set(shared->timer, kee_loop_now_ms(host->loop) + LEAVE_MS);
    } else {
        free_tenant(tenant);
    }
    if (shared->count == 0 && !shared->inside) {
        end_process(shared);
    } else {
        next_turn(shared);
    }
}

void kee_shared_forget_all(struct kee_vathost *host)
{
    while (!kee_list_is_empty(&host->shareds)) {
        struct kee_shared *shared = KEE_CONTAINER(host->shareds.next, struct kee_shared, link);
        shared->worker->shared = NULL;
        free_shared(shared);
    }
}

bool kee_shared_waits(const struct kee_vathost *host, struct kee_vat_id vat)
{
    const struct kee_tenant *tenant = kee_map_get(&host->tenants, vat.n);

    return tenant != NULL && tenant->shared->runner != tenant;
}

int kee_shared_pid(const struct kee_vathost *host, struct kee_vat_id vat)
{
    const struct kee_tenant *tenant = kee_map_get(&host->tenants, vat.n);

    return tenant == NULL ? 0 : (int)tenant->shared->worker->pid;
}
