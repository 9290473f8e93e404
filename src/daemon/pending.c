/* SPDX-License-Identifier: Apache-2.0 */
/* pending - requests that wait for something; see daemon_internal.h. */
#include <stdlib.h>

#include "base/fault.h"
#include "daemon/daemon_internal.h"

struct kee_pending *kee_pending_new(struct kee_daemon *daemon, struct kee_request *request,
                                    enum kee_pending_kind kind)
{
    struct kee_pending *pending = calloc(1, sizeof *pending);

    if (pending == NULL) {
        kee_request_error(request, "FAULT", "out of memory");
        return NULL;
    }
    kee_list_init(&pending->link);
    pending->kind = kind;
    pending->daemon = daemon;
    pending->request = request;
    kee_request_set_data(request, pending);
    return pending;
}

void kee_pending_free(struct kee_pending *pending)
{
    struct kee_daemon *daemon = pending->daemon;

    kee_list_remove(&pending->link);
    if (pending->kind == KEE_PENDING_CALL) {
        (void)kee_map_remove(&daemon->calls, pending->call);
    }
    if (daemon->step == pending) {
        daemon->step = NULL;
    }
    kee_export_free(pending->export);
    json_decref(pending->warnings);
    kee_buf_fini(&pending->events);
    free(pending);
}

void kee_pending_result(struct kee_pending *pending, struct kee_bytes json)
{
    struct kee_request *request = pending->request;

    kee_request_result(request, json);
    kee_pending_free(pending);
}

void kee_pending_error(struct kee_pending *pending, const char *code, const char *message)
{
    struct kee_request *request = pending->request;

    kee_request_error(request, code, message);
    kee_pending_free(pending);
}

void kee_pending_when_durable(struct kee_daemon *daemon, struct kee_request *request,
                              enum kee_pending_kind kind)
{
    struct kee_pending *pending = kee_pending_new(daemon, request, kind);

    if (pending != NULL) {
        pending->batch = kee_world_filling(daemon->core.world);
        kee_list_append(&daemon->durables, &pending->link);
    }
}

void kee_pending_restarts(struct kee_daemon *daemon)
{
    for (struct kee_link *link = daemon->restarts.next; link != &daemon->restarts;) {
        struct kee_pending *pending = KEE_CONTAINER(link, struct kee_pending, link);
        link = link->next;
        if (!kee_kernel_is_parting(daemon->core.kernel, pending->vat)) {
            kee_list_remove(&pending->link);
            pending->kind = KEE_PENDING_DURABLE;
            pending->batch = kee_world_filling(daemon->core.world);
            kee_list_append(&daemon->durables, &pending->link);
        }
    }
}

void kee_pending_durable(struct kee_daemon *daemon, uint64_t durable)
{

    while (!kee_list_is_empty(&daemon->durables)) {
        struct kee_pending *pending =
            KEE_CONTAINER(daemon->durables.next, struct kee_pending, link);
        if (pending->batch > durable) {
            break;
        }
        if (pending->kind == KEE_PENDING_EXPORT) {
            kee_export_begin(pending);
        } else {
            kee_pending_result(pending, KEE_BYTES_LIT("{}"));
        }
    }
}

static void end_list(struct kee_link *list, const char *code, const char *message)
{
    while (!kee_list_is_empty(list)) {
        kee_pending_error(KEE_CONTAINER(list->next, struct kee_pending, link), code, message);
    }
}

void kee_pending_end_all(struct kee_daemon *daemon, const char *code, const char *message)
{
    size_t at = 0;
    struct kee_pending *pending;

    while ((pending = kee_map_next(&daemon->calls, &at)) != NULL) {
        kee_pending_error(pending, code, message);
        at = 0; /* removing moves cells */
    }
    if (daemon->step != NULL) {
        kee_pending_error(daemon->step, code, message);
    }
    end_list(&daemon->restarts, code, message);
    end_list(&daemon->durables, code, message);
    end_list(&daemon->exports, code, message);
    end_list(&daemon->tracers, code, message);
    end_list(&daemon->log_followers, code, message);
}
