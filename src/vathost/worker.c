/* SPDX-License-Identifier: Apache-2.0 */
/* worker - one process of one incarnation of a vat; see vathost_internal.h. */
#include <stdlib.h>

#include "base/assert.h"
#include "base/fault.h"
#include "base/limits.h"
#include "os/unix_socket.h"
#include "vathost/vathost_internal.h"
#include "vatproto/vatproto.h"

/* Large frames then need few wake-ups; the system may give less. */
#define SOCKET_BYTES (1024 * 1024)

/* What the worker's own words say of its end is taken before what is guessed later. */
static void remember_why(struct kee_worker *worker, struct kee_bytes why)
{
    if (worker->present && worker->why.size == 0) {
        kee_buf_put_bytes(&worker->why, why);
    }
}

static void doom(struct kee_worker *worker)
{
    worker->doomed = true;
    kee_process_kill(worker->pid); /* no effect on one that is ending already, its status stands */
}

/* Its process is gone, or never was. */
static void set_over(struct kee_worker *worker)
{
    if (!worker->over) {
        worker->over = true;
        worker->host->over_count++;
    }
}

static void close_stream(struct kee_worker *worker)
{
    kee_stream_free(worker->stream);
    worker->stream = NULL;
}

static void leave_map(struct kee_worker *worker)
{
    if (worker->present && worker->vat.n != 0) {
        (void)kee_map_remove(&worker->host->by_vat, worker->vat.n);
    }
    worker->present = false;
}

static void free_worker(struct kee_worker *worker)
{
    leave_map(worker);
    close_stream(worker);
    kee_watch_free(worker->exit_watch);
    kee_unix_close(worker->exit_fd);
    kee_unix_close(worker->passed_fd);
    kee_list_remove(&worker->request);
    kee_list_remove(&worker->link);
    worker->host->count--;
    worker->host->over_count -= worker->over;
    kee_buf_fini(&worker->why);
    free(worker);
}

void kee_worker_settle(struct kee_worker *worker)
{
    struct kee_vathost *host = worker->host;
    struct kee_buf why = worker->why;
    struct kee_vat_id vat = worker->vat;
    uint64_t incarnation = worker->incarnation;
    struct kee_shared *shared = worker->shared;
    bool report = worker->present;

    if (!worker->over || worker->in_callback) {
        return;
    }
    worker->why = KEE_BUF_EMPTY;
    free_worker(worker);
    if (report && !host->broken) {
        const char *text = kee_buf_cstr(&why);
        text = text == NULL ? "ended" : text;
        if (shared != NULL) {
            kee_shared_ended(shared, text);
        } else {
            host->events->gone(host->context, vat, incarnation, text);
        }
    }
    kee_buf_fini(&why);
}

/* Shows frames to the owner, who may kill this very worker meanwhile. */
static size_t on_data(void *context, struct kee_bytes bytes)
{
    struct kee_worker *worker = context;
    struct kee_vathost *host = worker->host;
    struct kee_bytes rest = bytes;
    struct kee_bytes fields;
    uint8_t type;
    size_t size;
    int r;

    worker->in_callback = true;
    while (worker->present && !worker->doomed && !host->broken) {
        r = kee_vp_frame_cut(rest, &type, &fields, &size);
        if (r == 0) {
            break;
        }
        if (r < 0) {
            kee_worker_fail(worker, "sent something that is not a frame");
            break;
        }
        rest = kee_bytes_of(rest.data + size, rest.size - size);
        if (worker->shared != NULL) {
            kee_shared_frame(worker->shared, type, fields);
        } else if (host->events->frame(host->context, worker->vat, worker->incarnation, type,
                                       fields) < 0) {
            host->broken = true;
        }
    }
    worker->in_callback = false;
    return bytes.size - rest.size;
}

static void on_ended(void *context, const char *why)
{
    struct kee_worker *worker = context;

    (void)why; /* the process that ended says more than its socket */
    close_stream(worker);
    doom(worker);
}

static const struct kee_stream_handler stream_handler = {on_data, on_ended, NULL};

static void on_exit_event(void *context, unsigned events)
{
    struct kee_worker *worker = context;
    struct kee_buf status = KEE_BUF_EMPTY;

    (void)events;
    if (!kee_process_reap(worker->pid, &status)) {
        return;
    }
    worker->pid = 0;
    kee_watch_set(worker->exit_watch, 0);
    if (worker->present && worker->stream != NULL) {
        kee_stream_read_now(worker->stream); /* its last words */
    }
    remember_why(worker, kee_buf_bytes(&status));
    kee_buf_fini(&status);
    set_over(worker);
    kee_worker_settle(worker);
}

int kee_worker_new(struct kee_worker **out, struct kee_vathost *host, struct kee_vat_id vat,
                   uint64_t incarnation)
{
    struct kee_worker *worker = calloc(1, sizeof *worker);
    int ends[2];
    int r;

    if (worker == NULL || (vat.n != 0 && kee_map_put(&host->by_vat, vat.n, worker) < 0)) {
        free(worker);
        return kee_fault(KEE_FAULT_MEMORY, "worker of v%llu", (unsigned long long)vat.n);
    }
    worker->host = host;
    worker->vat = vat;
    worker->incarnation = incarnation;
    worker->exit_fd = worker->passed_fd = -1;
    worker->present = true;
    kee_list_init(&worker->request);
    kee_list_append(&host->workers, &worker->link);
    host->count++;
    *out = worker;
    r = kee_unix_pair(ends, SOCKET_BYTES);
    if (r == 0) {
        worker->passed_fd = ends[1];
        r = kee_stream_new(&worker->stream, host->loop, ends[0], &stream_handler, worker);
        if (r < 0) {
            kee_unix_close(ends[0]);
            kee_unix_close(ends[1]);
            worker->passed_fd = -1;
        }
    }
    if (r < 0) {
        kee_worker_forked(worker, 0, kee_fault_text());
        kee_fault_clear();
    }
    return 0;
}

void kee_worker_send(struct kee_worker *worker, struct kee_bytes frames)
{
    if (worker->stream == NULL) {
        return;
    }
    kee_stream_write(worker->stream, frames);
    if (kee_stream_backlog(worker->stream) > KEE_LIMIT_WORKER_BACKLOG_BYTES) {
        kee_worker_fail(worker, "does not read what it is sent");
    }
}

void kee_worker_forked(struct kee_worker *worker, pid_t pid, const char *why_not)
{
    int r;

    kee_list_remove(&worker->request);
    kee_unix_close(worker->passed_fd);
    worker->passed_fd = -1;
    if (pid == 0) {
        remember_why(worker, kee_bytes_str(why_not));
        close_stream(worker);
        set_over(worker); /* the next round reports it */
        return;
    }
    worker->pid = pid;
    kee_process_bind(pid, worker->host->core); /* not where the zygote happens to be bound */
    r = kee_process_watch_fd(&worker->exit_fd, pid);
    if (r == 0 && worker->exit_fd >= 0) {
        r = kee_watch_new(&worker->exit_watch, worker->host->loop, worker->exit_fd, on_exit_event,
                          worker);
    }
    if (r < 0 || worker->exit_fd < 0) {
        /* It cannot be supervised, so it must not run. */
        remember_why(worker, kee_bytes_str(r < 0 ? kee_fault_text() : "ended at once"));
        kee_fault_clear();
        kee_process_kill(pid);
        kee_process_wait(pid);
        worker->pid = 0;
        close_stream(worker);
        set_over(worker);
        return;
    }
    kee_watch_set(worker->exit_watch, KEE_WATCH_READ);
    if (worker->doomed) {
        kee_process_kill(pid);
    }
}

void kee_worker_discard(struct kee_worker *worker)
{
    leave_map(worker);
    close_stream(worker);
    doom(
        worker); /* the exit watch reaps and frees it, or the next round after the zygote's answer */
    if (worker->passed_fd >= 0) {
        kee_list_remove(&worker->request); /* the zygote never heard of it */
        set_over(worker);
    }
}

void kee_worker_fail(struct kee_worker *worker, const char *why)
{
    remember_why(worker, kee_bytes_str(why));
    close_stream(worker);
    doom(worker);
}

void kee_worker_destroy(struct kee_worker *worker)
{
    kee_assert(!worker->in_callback);
    leave_map(worker);
    if (worker->pid > 0) {
        kee_process_kill(worker->pid);
        kee_process_wait(worker->pid);
    }
    free_worker(worker);
}
