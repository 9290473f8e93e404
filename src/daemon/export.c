/* SPDX-License-Identifier: Apache-2.0 */
/*
 * export - the store's text to a client, while everything goes on.
 *
 *   thread: a snapshot of the store ─ dump ─► socket ─► stream on the loop ─► events to the client
 *
 * The snapshot is of what is durable when the request is carried out, and the request waits until all
 * that was committed before it is. A client that reads slowly fills the socket, and the thread waits.
 */
#include <stdlib.h>

#include "base/fault.h"
#include "base/limits.h"
#include "daemon/daemon_internal.h"
#include "daemon/json_text.h"
#include "os/blocking.h"
#include "os/stream.h"
#include "os/thread.h"
#include "os/unix_socket.h"
#include "store/dump.h"

struct kee_export {
    struct kee_pending *pending;
    struct kee_stream *stream;
    struct kee_thread *thread;
    uint64_t lines; /* the rows, a first line and a last one */
    /* Of the thread, until it is joined. */
    struct kee_store *snapshot;
    int fd;
    int r;
    struct kee_buf fault;
};

static int put_piece(void *context, struct kee_bytes piece)
{
    const struct kee_export *export = context;
    int r = kee_fd_write_all(export->fd, piece);

    return r > 0 ? kee_fault(KEE_FAULT_SYSTEM, "nobody reads the export any more") : r;
}

static void dump(void *context)
{
    struct kee_export *export = context;

    export->r = kee_dump_write(export->snapshot, put_piece, export);
    if (export->r < 0) {
        kee_buf_put_str(&export->fault, kee_fault_text());
    }
    export->snapshot->ops->close(export->snapshot);
    kee_fd_close(export->fd); /* tells the loop */
}

/* Characters are not cut in two: bytes at the end that begin one wait for the rest. */
static size_t whole_characters(struct kee_bytes bytes)
{
    size_t size = bytes.size;

    while (size > 0 && (bytes.data[size - 1] & 0xc0) == 0x80) {
        size--;
    }
    if (size == 0 || bytes.data[size - 1] < 0x80) {
        return bytes.size;
    }
    return size - 1;
}

static size_t on_data(void *context, struct kee_bytes bytes)
{
    struct kee_export *export = context;
    struct kee_request *request = export->pending->request;
    struct kee_bytes piece = kee_bytes_of(bytes.data, whole_characters(bytes));
    struct kee_buf json = KEE_BUF_EMPTY;

    for (size_t i = 0; i < piece.size; i++) {
        export->lines += piece.data[i] == '\n';
    }
    kee_json_put_text(&json, piece);
    if (json.failed) {
        kee_pending_error(export->pending, "FAULT", "out of memory");
    } else if (piece.size == 0 || kee_request_event(request, kee_buf_bytes(&json))) {
        if (kee_request_backlog(request) > KEE_LIMIT_CONTROL_BACKLOG_BYTES) {
            kee_stream_pause(export->stream, true); /* the round resumes it */
        }
    }
    kee_buf_fini(&json);
    return piece.size;
}

static void on_ended(void *context, const char *why)
{
    struct kee_export *export = context;
    struct kee_pending *pending = export->pending;
    struct kee_buf json = KEE_BUF_EMPTY;

    (void)why;
    kee_thread_join(export->thread);
    export->thread = NULL;
    kee_buf_put_str(&json, "{\"rows\":");
    kee_buf_put_decimal(&json, export->lines < 2 ? 0 : export->lines - 2);
    kee_buf_put_char(&json, '}');
    if (export->r < 0 || json.failed) {
        kee_pending_error(pending, "FAULT",
                          export->r < 0 ? kee_buf_cstr(&export->fault) : "out of memory");
    } else {
        kee_pending_result(pending, kee_buf_bytes(&json));
    }
    kee_buf_fini(&json);
}

static const struct kee_stream_handler stream_handler = {on_data, on_ended, NULL};

void kee_export_free(struct kee_export *export)
{
    if (export == NULL) {
        return;
    }
    kee_stream_free(export->stream); /* a thread that still writes fails now */
    kee_thread_join(export->thread);
    kee_buf_fini(&export->fault);
    free(export);
}

static int begin(struct kee_export *export, struct kee_daemon *daemon)
{
    int ends[2];
    int r = kee_unix_pair(ends, 0);

    if (r < 0) {
        return r;
    }
    export->fd = ends[1];
    r = kee_stream_new(&export->stream, daemon->own.loop, ends[0], &stream_handler, export);
    if (r < 0) {
        kee_unix_close(ends[0]);
    } else {
        r = kee_store_sqlite_snapshot(&export->snapshot, daemon->core.store);
    }
    if (r == 0) {
        r = kee_thread_start(&export->thread, dump, export);
        if (r < 0) {
            export->snapshot->ops->close(export->snapshot);
        }
    }
    if (r < 0) {
        kee_unix_close(ends[1]);
    }
    return r;
}

void kee_export_begin(struct kee_pending *pending)
{
    struct kee_export *export = calloc(1, sizeof *export);
    int r;

    if (export == NULL) {
        kee_pending_error(pending, "FAULT", "out of memory");
        return;
    }
    export->pending = pending;
    pending->export = export;
    kee_list_remove(&pending->link);
    kee_list_append(&pending->daemon->exports, &pending->link);
    r = begin(export, pending->daemon);
    if (r < 0) {
        kee_pending_error(pending, "FAULT", kee_fault_text());
        kee_fault_clear();
    }
}

void kee_export_resume_all(struct kee_daemon *daemon)
{
    for (struct kee_link *link = daemon->exports.next; link != &daemon->exports;
         link = link->next) {
        struct kee_pending *pending = KEE_CONTAINER(link, struct kee_pending, link);
        if (kee_request_backlog(pending->request) <= KEE_LIMIT_CONTROL_BACKLOG_BYTES) {
            kee_stream_pause(pending->export->stream, false);
        }
    }
}
