/* SPDX-License-Identifier: Apache-2.0 */
/* peer_view - listings of peers and services, for people and tools. Nothing is changed. */
#include <stdlib.h>

#include "kernel/internal.h"

static void view_peer(const struct kee_peer *peer, kee_record_fn *fn, void *context)
{
    struct kee_event event;

    kee_event_begin(&event, "peer");
    kee_event_id(&event, "peer", 'r', peer->id.n);
    kee_event_text(&event, "label", kee_bytes_str(peer->label));
    kee_event_text(&event, "state", peer->over ? KEE_BYTES_LIT("over") : KEE_BYTES_LIT("open"));
    kee_event_number(&event, "rows", peer->rows);
    kee_event_number(&event, "waiting", peer->backlog);
    if (peer->over) {
        kee_event_text(&event, "why", kee_bytes_str(peer->why));
    }
    fn(context, &event.record);
}

static int compare(const void *a, const void *b)
{
    const struct kee_peer *const *left = a, *const *right = b;

    return (*left)->id.n < (*right)->id.n ? -1 : (*left)->id.n > (*right)->id.n;
}

/* Those that have no row in the store included. */
int kee_kernel_list_peers(struct kee_kernel *kernel, kee_record_fn *fn, void *context)
{
    const struct kee_peer **peers = calloc(kernel->peers.count + 1, sizeof(struct kee_peer *));
    const struct kee_peer *peer;
    size_t at = 0, count = 0;

    if (peers == NULL) {
        return kee_fault(KEE_FAULT_MEMORY, "a list of sessions");
    }
    while ((peer = kee_map_next(&kernel->peers, &at)) != NULL) {
        peers[count++] = peer;
    }
    qsort(peers, count, sizeof(struct kee_peer *), compare);
    for (size_t i = 0; i < count; i++) {
        view_peer(peers[i], fn, context);
    }
    free(peers);
    return 0;
}

static int view_row(struct kee_kernel *kernel, struct kee_bytes rest, struct kee_bytes value,
                    kee_record_fn *fn, void *context)
{
    struct kee_buf *hold;
    struct kee_event event;
    struct kee_object object;
    struct kee_promise promise;
    struct kee_peer_row row;
    struct kee_kref kref;
    int r;

    if (!kee_kref_parse(rest, &kref)) {
        return 0; /* an inverse row */
    }
    r = kee_peer_row_parse(rest, value, &row);
    if (r != 0) {
        return r;
    }
    hold = kee_scratch_take(kernel);
    kee_event_begin(&event, "clist");
    kee_event_kref(&event, "kref", kref);
    kee_event_text(&event, "vref", row.name);
    kee_event_text(&event, "direction",
                   row.name.data[1] == '+' ? KEE_BYTES_LIT("export") : KEE_BYTES_LIT("import"));
    kee_event_number(&event, "mentions", row.mentions);
    if (kee_kref_is_promise(kref)) {
        r = kee_promise_get(kernel, kref, hold, &promise);
        if (r == 0) {
            kee_event_endpoint(&event, "decider", promise.decider);
        }
    } else {
        r = kee_object_get(kernel, kref, &object);
        if (r == 0) {
            kee_event_endpoint(&event, "owner", object.owner);
        }
    }
    fn(context, &event.record);
    kee_scratch_give(kernel, hold);
    return r < 0 ? r : 0;
}

int kee_kernel_list_peer_clist(struct kee_kernel *kernel, struct kee_peer_id id, kee_record_fn *fn,
                               void *context)
{
    struct kee_key key;

    if (kee_map_get(&kernel->peers, id.n) == NULL) {
        return kee_kernel_decline(kernel, KEE_KERNEL_NO_SUCH, "there is no session r%llu",
                                  (unsigned long long)id.n);
    }
    return kee_rows_each(kernel, kee_key_peer(&key, id, ".c."), view_row, fn, context);
}

static int view_service(struct kee_kernel *kernel, struct kee_bytes rest, struct kee_bytes value,
                        kee_record_fn *fn, void *context)
{
    struct kee_bytes kref = kee_bytes_cut(&value, ' ');
    struct kee_object object = {0};
    struct kee_event event;
    struct kee_kref parsed;
    int r = 0;

    if (kee_kref_parse(kref, &parsed)) {
        r = kee_object_get(kernel, parsed, &object);
    }
    kee_event_begin(&event, "service");
    kee_event_text(&event, "name", rest);
    kee_event_text(&event, "kref", kref);
    kee_event_text(&event, "system_only",
                   kee_bytes_has_prefix(value, KEE_BYTES_LIT("system")) ? KEE_BYTES_LIT("yes")
                                                                        : KEE_BYTES_LIT("no"));
    if (kee_peer_hearing(kernel, kee_endpoint_peer(object.owner)) != NULL) {
        kee_event_endpoint(&event, "peer", object.owner);
    }
    fn(context, &event.record);
    return r < 0 ? r : 0;
}

int kee_kernel_list_services(struct kee_kernel *kernel, kee_record_fn *fn, void *context)
{
    return kee_rows_each(kernel, KEE_BYTES_LIT("service."), view_service, fn, context);
}
