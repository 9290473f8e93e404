/* SPDX-License-Identifier: Apache-2.0 */
/* shared - see shared.h. */
#include "vat/engine/shared.h"

#include <malloc.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/map.h"
#include "vat/engine/descriptor.h"
#include "vat/engine/image.h"
#include "vat/engine/worker.h"
#include "vatproto/vatproto.h"

/* A larger buffer is given back once it was written. */
#define KEPT_BYTES ((size_t)1024 * 1024)

struct shared;

struct tenant {
    struct shared *shared;
    uint64_t vat, incarnation;
    struct kee_worker *worker;
};

struct shared {
    int fd;
    const struct kee_image *image;
    struct kee_engine *spare; /* a machine nobody has yet */
    struct kee_map tenants;   /* vat to tenant */
    struct tenant *at;        /* whose frames come; NULL: nobody's, they are passed over */
    struct tenant *said;      /* whose frames we last said we send */
    struct kee_buf in;
    size_t taken;
    struct kee_buf out;
    jmp_buf over; /* out of a tenant that leaves */
};

static _Noreturn void end(int status, const char *why)
{
    if (why != NULL) {
        fprintf(stderr, "keeve-vat: %s\n", why);
    }
    _exit(status);
}

/* The stream. */

struct frame {
    uint8_t type;
    struct kee_bytes fields;
    struct kee_bytes whole;
};

/* The next whole frame, valid until the one after it. */
static void next_frame(struct shared *shared, struct frame *out)
{
    for (;;) {
        struct kee_bytes rest =
            kee_bytes_of(shared->in.data + shared->taken, shared->in.size - shared->taken);
        size_t size = 0;
        int r = kee_vp_frame_cut(rest, &out->type, &out->fields, &size);
        if (r < 0) {
            end(KEE_WORKER_FAULT, "the kernel sent a malformed frame");
        }
        if (r > 0) {
            out->whole = kee_bytes_of(rest.data, size);
            shared->taken += size;
            return;
        }
        kee_buf_consume(&shared->in, shared->taken);
        shared->taken = 0;
        if (!kee_descriptor_read(shared->fd, &shared->in)) {
            end(KEE_WORKER_CLOSED, NULL);
        }
        if (kee_buf_status(&shared->in) != 0) {
            end(KEE_WORKER_FAULT, "no memory for a frame");
        }
    }
}

static void put_name(struct shared *shared, enum kee_vp_type type, uint64_t vat,
                     uint64_t incarnation)
{
    size_t place = kee_vp_frame_open(&shared->out, type);
    kee_buf_put_u64(&shared->out, vat);
    kee_buf_put_u64(&shared->out, incarnation);
    kee_vp_frame_close(&shared->out, place);
}

static void send_out(struct shared *shared)
{
    if (kee_buf_status(&shared->out) != 0) {
        end(KEE_WORKER_FAULT, "no memory for an answer");
    }
    if (!kee_descriptor_write(shared->fd, kee_buf_bytes(&shared->out))) {
        end(KEE_WORKER_CLOSED, NULL);
    }
    if (shared->out.room > KEPT_BYTES) {
        kee_buf_fini(&shared->out);
    }
    kee_buf_clear(&shared->out);
}

/* A tenant's link. */

static void write_frames(void *context, struct kee_bytes frames)
{
    struct tenant *tenant = context;
    struct shared *shared = tenant->shared;
    if (shared->said != tenant) {
        /* One write, so that the daemon wakes once. */
        put_name(shared, KEE_VP_FOR, tenant->vat, tenant->incarnation);
        kee_buf_put_bytes(&shared->out, frames);
        send_out(shared);
        shared->said = tenant;
    } else if (!kee_descriptor_write(shared->fd, frames)) {
        end(KEE_WORKER_CLOSED, NULL);
    }
}

static void take_frame(struct shared *shared, const struct frame *frame);
static bool take_name(const struct frame *frame, uint64_t *vat, uint64_t *incarnation);

/* Inside a crank only frames of the vat that runs can come: it has a DELIVER unanswered. A CLOSE of it
 * waits in the stream until the crank is over, but ends one that waits for a row. */
static void read_frames(void *context, struct kee_buf *in)
{
    struct tenant *tenant = context;
    struct shared *shared = tenant->shared;
    struct frame frame;
    uint64_t vat = 0;
    uint64_t incarnation = 0;
    for (;;) {
        next_frame(shared, &frame);
        if (frame.type < KEE_VP_FOR) {
            kee_buf_put_bytes(in, frame.whole);
            return;
        }
        if (frame.type != KEE_VP_CLOSE || !take_name(&frame, &vat, &incarnation)) {
            end(KEE_WORKER_FAULT, "the kernel sent another vat's frames inside a crank");
        }
        if (vat == tenant->vat) {
            shared->taken -= frame.whole.size; /* the main loop's to read */
            longjmp(shared->over, 1);
        }
        take_frame(shared, &frame);
    }
}

static _Noreturn void leave(void *context, int status, const char *why)
{
    struct tenant *tenant = context;
    if (status != KEE_WORKER_FAILED) {
        end(status, why);
    }
    longjmp(tenant->shared->over, 1);
}

/* Tenants. */

static void free_tenant(struct shared *shared, struct tenant *tenant)
{
    if (tenant == NULL) {
        return;
    }
    (void)kee_map_remove(&shared->tenants, tenant->vat);
    shared->at = shared->at == tenant ? NULL : shared->at;
    shared->said = shared->said == tenant ? NULL : shared->said;
    kee_worker_free(tenant->worker);
    free(tenant);
    malloc_trim(0);
}

static struct tenant *new_tenant(struct shared *shared, uint64_t vat, uint64_t incarnation)
{
    struct tenant *tenant = calloc(1, sizeof *tenant);
    const struct kee_worker_link link = {
        .context = tenant, .read = read_frames, .write = write_frames, .leave = leave};
    char why[512] = "";
    if (tenant == NULL || kee_map_put(&shared->tenants, vat, tenant) != 0) {
        end(KEE_WORKER_FAULT, "no memory for a vat");
    }
    if (shared->spare == NULL &&
        kee_image_engine(&shared->spare, shared->image, why, sizeof why) != 0) {
        end(KEE_WORKER_FAULT, why[0] == '\0' ? kee_fault_text() : why);
    }
    *tenant = (struct tenant){.shared = shared, .vat = vat, .incarnation = incarnation};
    if (kee_worker_new(&tenant->worker, &shared->spare, &link) != 0) {
        end(KEE_WORKER_FAULT, kee_fault_text());
    }
    return tenant;
}

/* Runs what has come for the tenant; one that leaves is freed. */
static void run(struct shared *shared)
{
    if (setjmp(shared->over) == 0) {
        kee_worker_work(shared->at->worker);
    } else {
        free_tenant(shared, shared->at);
    }
}

/* The loop. */

static bool take_name(const struct frame *frame, uint64_t *vat, uint64_t *incarnation)
{
    struct kee_vp_reader reader = {.rest = frame->fields};
    *vat = kee_vp_take_u64(&reader);
    *incarnation = kee_vp_take_u64(&reader);
    return kee_vp_reader_end(&reader) && *vat != 0;
}

static void take_frame(struct shared *shared, const struct frame *frame)
{
    uint64_t vat = 0;
    uint64_t incarnation = 0;
    struct tenant *tenant;
    if (frame->type != KEE_VP_FOR && frame->type != KEE_VP_CLOSE) {
        if (shared->at != NULL) {
            kee_worker_take(shared->at->worker, frame->whole);
        }
        return;
    }
    if (!take_name(frame, &vat, &incarnation)) {
        end(KEE_WORKER_FAULT, "the kernel sent a malformed frame");
    }
    tenant = kee_map_get(&shared->tenants, vat);
    if (tenant != NULL && tenant->incarnation != incarnation) {
        if (frame->type == KEE_VP_FOR) {
            end(KEE_WORKER_FAULT, "the kernel began a vat again that it had not closed");
        }
        tenant = NULL;
    }
    if (frame->type == KEE_VP_FOR) {
        shared->at = tenant == NULL ? new_tenant(shared, vat, incarnation) : tenant;
        return;
    }
    free_tenant(shared, tenant);
    put_name(shared, KEE_VP_CLOSED, vat, incarnation);
    send_out(shared);
}

/* The next frame is here already, and is of the same vat. */
static bool has_more(const struct shared *shared)
{
    struct frame frame;
    size_t size;
    return kee_vp_frame_cut(
               kee_bytes_of(shared->in.data + shared->taken, shared->in.size - shared->taken),
               &frame.type, &frame.fields, &size) > 0 &&
           frame.type < KEE_VP_FOR;
}

int kee_shared_run(struct kee_engine **engine, const struct kee_image *image, int fd)
{
    struct shared shared = {.fd = fd, .image = image, .spare = *engine};
    struct frame frame;
    *engine = NULL;
    for (;;) {
        next_frame(&shared, &frame);
        take_frame(&shared, &frame);
        /* All that is here for one vat is given to it at once, so that it answers at once. */
        if (shared.at != NULL && !has_more(&shared)) {
            run(&shared);
        }
    }
}
