/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inline - vats in the thread that calls: the engine as a module a kernel may load (vatproto/carrier.h).
 *
 *   start ─► tenant ─ machine read from the image
 *   send  ─► its inbox ─ round ─► worker runs what came ─ frame ─► event ─► kernel
 *                                    ▲ reads inside a crank            │
 *                                    └──────────── ROW ◄── send ◄──────┘
 *
 * There is no process around the vat: no jail, no limit but the engine's own, and nothing that could end
 * a crank from outside. What ends one is its meter.
 */
#include "vat/inline.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/fault.h"
#include "base/list.h"
#include "base/map.h"
#include "vat/engine/image.h"
#include "vat/engine/worker.h"
#include "vatproto/vatproto.h"

struct inline_host;

struct tenant {
    struct kee_link link;  /* in the host's tenants */
    struct kee_link ready; /* in the host's ready ones while there is something in the inbox */
    struct inline_host *host;
    struct kee_vat_id vat;
    uint64_t incarnation;
    struct kee_worker *worker; /* NULL: it could not be made, why says why */
    struct kee_buf inbox;
    struct kee_buf why; /* of its end */
    bool running;
    bool killed; /* nobody is to hear of it; freed when it does not run any more */
    bool left;   /* its worker is over */
    jmp_buf over;
};

struct inline_host {
    struct kee_image *image;
    struct kee_map by_vat; /* the tenants that were not killed */
    struct kee_link tenants;
    struct kee_link ready;
    const struct kee_carrier_events *events; /* of the round under way */
    bool broken;                             /* an event gave a fault */
};

/* A worker's link. */

static void read_frames(void *context, struct kee_buf *in)
{
    struct tenant *tenant = context;
    if (tenant->killed || tenant->host->broken || tenant->inbox.size == 0) {
        if (!tenant->killed && !tenant->host->broken) {
            kee_buf_put_str(&tenant->why, "was not answered");
        }
        longjmp(tenant->over, 1);
    }
    kee_buf_put_bytes(in, kee_buf_bytes(&tenant->inbox));
    kee_buf_clear(&tenant->inbox);
}

static void write_frames(void *context, struct kee_bytes frames)
{
    struct tenant *tenant = context;
    struct inline_host *host = tenant->host;
    struct kee_bytes fields;
    uint8_t type;
    size_t size;
    while (!tenant->killed && !host->broken &&
           kee_vp_frame_cut(frames, &type, &fields, &size) > 0) {
        frames = kee_bytes_of(frames.data + size, frames.size - size);
        if (host->events->frame(host->events->context, tenant->vat, tenant->incarnation, type,
                                fields) < 0) {
            host->broken = true;
        }
    }
}

static _Noreturn void leave(void *context, int status, const char *why)
{
    struct tenant *tenant = context;
    kee_buf_put_str(&tenant->why, why != NULL ? why : "ended");
    longjmp(tenant->over, status);
}

/* Tenants. */

static void free_tenant(struct tenant *tenant)
{
    if (!tenant->killed) {
        (void)kee_map_remove(&tenant->host->by_vat, tenant->vat.n);
    }
    kee_list_remove(&tenant->link);
    kee_list_remove(&tenant->ready);
    kee_worker_free(tenant->worker);
    kee_buf_fini(&tenant->inbox);
    kee_buf_fini(&tenant->why);
    free(tenant);
}

static void kill_tenant(struct tenant *tenant)
{
    if (!tenant->running) {
        free_tenant(tenant);
    } else if (!tenant->killed) {
        (void)kee_map_remove(&tenant->host->by_vat, tenant->vat.n);
        tenant->killed = true;
    }
}

static void make_worker(struct tenant *tenant)
{
    const struct kee_worker_link link = {
        .context = tenant, .read = read_frames, .write = write_frames, .leave = leave};
    struct kee_engine *engine = NULL;
    char why[512] = "";
    int r = kee_image_engine(&engine, tenant->host->image, why, sizeof why);
    r = r != 0 ? r : kee_worker_new(&tenant->worker, &engine, &link);
    if (r != 0) {
        kee_buf_put_str(&tenant->why, r < 0 ? kee_fault_text() : why);
        kee_engine_free(engine);
    }
}

static void start(void *context, struct kee_vat_id vat, uint64_t incarnation)
{
    struct inline_host *host = context;
    struct tenant *tenant = kee_map_get(&host->by_vat, vat.n);
    if (tenant != NULL) {
        kill_tenant(tenant);
    }
    tenant = calloc(1, sizeof *tenant);
    if (tenant == NULL || kee_map_put(&host->by_vat, vat.n, tenant) < 0) {
        free(tenant); /* the kernel waits in vain; it will be short of memory itself */
        return;
    }
    tenant->host = host;
    tenant->vat = vat;
    tenant->incarnation = incarnation;
    kee_list_append(&host->tenants, &tenant->link);
    kee_list_append(&host->ready, &tenant->ready);
    make_worker(tenant);
}

static void send(void *context, struct kee_vat_id vat, struct kee_bytes frames)
{
    struct inline_host *host = context;
    struct tenant *tenant = kee_map_get(&host->by_vat, vat.n);
    if (tenant == NULL) {
        return;
    }
    kee_buf_put_bytes(&tenant->inbox, frames);
    if (!tenant->running && kee_list_is_empty(&tenant->ready)) {
        kee_list_append(&host->ready, &tenant->ready);
    }
}

static void kill_vat(void *context, struct kee_vat_id vat)
{
    struct tenant *tenant = kee_map_get(&((struct inline_host *)context)->by_vat, vat.n);
    if (tenant != NULL) {
        kill_tenant(tenant);
    }
}

static void kill_all(void *context)
{
    struct inline_host *host = context;
    struct kee_link *link = host->tenants.next;
    while (link != &host->tenants) {
        struct tenant *tenant = KEE_CONTAINER(link, struct tenant, link);
        link = link->next;
        kill_tenant(tenant);
    }
}

/* Runs all that has come for the tenant, which may end by it. */
static void run(struct tenant *tenant)
{
    struct inline_host *host = tenant->host;
    struct kee_buf why = KEE_BUF_EMPTY;
    if (tenant->worker == NULL || kee_buf_status(&tenant->inbox) != 0) {
        tenant->left = true;
        if (tenant->why.size == 0) {
            kee_buf_put_str(&tenant->why, "no memory for a frame");
        }
    } else {
        tenant->running = true;
        if (setjmp(tenant->over) == 0) {
            kee_worker_take(tenant->worker, kee_buf_bytes(&tenant->inbox));
            kee_buf_clear(&tenant->inbox);
            kee_worker_work(tenant->worker);
        } else {
            tenant->left = true;
        }
        tenant->running = false;
    }
    if (tenant->left && !tenant->killed && !host->broken) {
        const struct kee_vat_id vat = tenant->vat;
        const uint64_t incarnation = tenant->incarnation;
        why = tenant->why;
        tenant->why = KEE_BUF_EMPTY;
        free_tenant(tenant);
        host->events->gone(host->events->context, vat, incarnation,
                           why.failed ? "ended" : kee_buf_cstr(&why));
        kee_buf_fini(&why);
    } else if (tenant->left || tenant->killed) {
        free_tenant(tenant);
    }
}

static bool round_of_all(void *context, const struct kee_carrier_events *events)
{
    struct inline_host *host = context;
    size_t count = 0;
    for (struct kee_link *link = host->ready.next; link != &host->ready; link = link->next) {
        count++;
    }
    host->events = events;
    while (count-- > 0 && !kee_list_is_empty(&host->ready) && !host->broken) {
        struct tenant *tenant = KEE_CONTAINER(host->ready.next, struct tenant, ready);
        kee_list_remove(&tenant->ready);
        run(tenant);
    }
    host->events = NULL;
    return !kee_list_is_empty(&host->ready) && !host->broken;
}

static void free_all(void *context)
{
    struct inline_host *host = context;
    kill_all(host);
    kee_map_fini(&host->by_vat);
    kee_image_close(host->image);
    free(host);
}

int kee_inline_open(struct kee_carrier *out, const char *image, char *why, size_t why_size)
{
    struct inline_host *host = calloc(1, sizeof *host);
    int r;
    if (host == NULL) {
        snprintf(why, why_size, "out of memory");
        return 1;
    }
    kee_engine_thread_init();
    kee_list_init(&host->tenants);
    kee_list_init(&host->ready);
    r = kee_image_open(&host->image, image, why, why_size);
    if (r != 0) {
        if (r < 0) {
            snprintf(why, why_size, "%s", kee_fault_text());
        }
        free(host);
        return 1;
    }
    *out = (struct kee_carrier){.context = host,
                                .start = start,
                                .send = send,
                                .kill = kill_vat,
                                .kill_all = kill_all,
                                .round = round_of_all,
                                .free = free_all};
    return 0;
}
