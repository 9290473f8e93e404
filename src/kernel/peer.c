/* SPDX-License-Identifier: Apache-2.0 */
/* peer - what a peer says: each word is checked, and is a crank of its own. See peer.h. */
#include "kernel/peer.h"

#include <stdio.h>
#include <stdlib.h>

#include "kernel/internal.h"

/* ---- open and close ---- */

struct kee_peer *kee_peer_hearing(const struct kee_kernel *kernel, struct kee_peer_id id)
{
    struct kee_peer *peer = id.n != 0 ? kee_map_get(&kernel->peers, id.n) : NULL;

    return peer != NULL && !peer->over && !peer->doomed ? peer : NULL;
}

void kee_peer_touch(struct kee_kernel *kernel, struct kee_peer *peer)
{
    if (kee_list_is_empty(&peer->touched)) {
        peer->rows_before = peer->rows;
        peer->stored_before = peer->stored;
        kee_list_append(&kernel->peers_touched, &peer->touched);
    }
}

void kee_peer_doom(struct kee_kernel *kernel, struct kee_peer *peer, const char *why)
{
    if (!peer->doomed) {
        kee_peer_touch(kernel, peer);
        peer->doomed = true;
        (void)snprintf(peer->why, sizeof peer->why, "%s", why);
    }
}

void kee_peer_free(struct kee_peer *peer)
{
    if (peer == NULL) {
        return;
    }
    while (!kee_list_is_empty(&peer->answers)) {
        kee_peer_answer_free(peer, KEE_CONTAINER(peer->answers.next, struct kee_peer_answer, link));
    }
    kee_map_fini(&peer->answers_by);
    if (peer->last != NULL) {
        kee_buf_fini(&peer->last->text);
        free(peer->last);
    }
    kee_list_remove(&peer->touched);
    free(peer);
}

int kee_peer_new(struct kee_kernel *kernel, struct kee_peer_id id, struct kee_bytes label,
                 struct kee_peer **out)
{
    struct kee_peer *peer = calloc(1, sizeof *peer);
    int r;

    if (peer == NULL) {
        return kee_fault(KEE_FAULT_MEMORY, "a session");
    }
    kee_list_init(&peer->touched);
    kee_list_init(&peer->answers);
    peer->id = id;
    peer->rows_max = KEE_LIMIT_PEER_ROWS;
    label.size = label.size < KEE_LIMIT_PEER_LABEL_BYTES ? label.size : KEE_LIMIT_PEER_LABEL_BYTES;
    memcpy(peer->label, label.data, label.size);
    peer->last = calloc(1, sizeof *peer->last);
    if (peer->last == NULL) {
        kee_peer_free(peer);
        return kee_fault(KEE_FAULT_MEMORY, "a session");
    }
    kee_list_init(&peer->last->link);
    peer->last->peer = id;
    peer->last->lost = true;
    r = kee_buf_reserve(&peer->last->text, sizeof peer->why);
    r = r != 0 ? r : kee_map_put(&kernel->peers, id.n, peer);
    if (r != 0) {
        kee_peer_free(peer);
        return r;
    }
    *out = peer;
    return 0;
}

static bool is_plain(struct kee_bytes text)
{
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < ' ' || text.data[i] == 127) {
            return false;
        }
    }
    return true;
}

int kee_peer_open(struct kee_kernel *kernel, const struct kee_peer_options *options,
                  struct kee_peer_id *out)
{
    struct kee_peer *peer = NULL;
    int r;

    if (options->label.size > KEE_LIMIT_PEER_LABEL_BYTES || !is_plain(options->label)) {
        return kee_kernel_decline(
            kernel, KEE_KERNEL_BAD,
            "expected a label of at most %u bytes, without control characters",
            KEE_LIMIT_PEER_LABEL_BYTES);
    }
    kee_txn_begin(kernel);
    r = kee_ids_take(kernel, 'r', &out->n);
    r = r != 0 ? r : kee_peer_new(kernel, *out, options->label, &peer);
    r = kee_txn_end(kernel, r);
    if (r != 0) {
        if (peer != NULL) {
            (void)kee_map_remove(&kernel->peers, out->n);
            kee_peer_free(peer);
        }
        return r;
    }
    kee_assert(peer != NULL);
    peer->privileged = options->privileged;
    peer->parks = options->parks;
    peer->rows_max = options->rows_max != 0 ? options->rows_max : KEE_LIMIT_PEER_ROWS;
    return 0;
}

/* Hears nothing any more; its rows go in slices. */
static void end(struct kee_kernel *kernel, struct kee_peer *peer)
{
    struct kee_event event;

    peer->over = true;
    kernel->sweep_peers = true;
    if (kernel->tracing) {
        kee_event_begin(&event, "peer-over");
        kee_event_id(&event, "peer", 'r', peer->id.n);
        kee_event_text(&event, "why", kee_bytes_str(peer->why));
        kee_event_emit(kernel, &event);
    }
}

int kee_peer_close(struct kee_kernel *kernel, struct kee_peer_id id, const char *why)
{
    struct kee_peer *peer = kee_peer_hearing(kernel, id);

    if (peer != NULL) {
        (void)snprintf(peer->why, sizeof peer->why, "%s", why);
        end(kernel, peer);
        kee_outputs_forget(kernel, peer);
    }
    return 0;
}

void kee_peers_commit(struct kee_kernel *kernel)
{
    while (!kee_list_is_empty(&kernel->peers_touched)) {
        struct kee_peer *peer = KEE_CONTAINER(kernel->peers_touched.next, struct kee_peer, touched);

        kee_list_remove(&peer->touched);
        if (peer->doomed && !peer->over) {
            kee_buf_put_str(&peer->last->text, peer->why); /* there is room */
            peer->last->batch = kee_world_filling(kernel->world);
            kee_list_append(&kernel->outputs, &peer->last->link);
            peer->last = NULL;
            end(kernel, peer);
        }
    }
}

void kee_peers_undo(struct kee_kernel *kernel)
{
    while (!kee_list_is_empty(&kernel->peers_touched)) {
        struct kee_peer *peer = KEE_CONTAINER(kernel->peers_touched.next, struct kee_peer, touched);

        kee_list_remove(&peer->touched);
        peer->doomed = peer->over && peer->doomed;
        peer->rows = peer->rows_before;
        peer->stored = peer->stored_before;
    }
}

void kee_peers_free(struct kee_kernel *kernel)
{
    struct kee_peer *peer;
    size_t at = 0;

    while ((peer = kee_map_next(&kernel->peers, &at)) != NULL) {
        kee_peer_free(peer);
    }
    kee_map_fini(&kernel->peers);
}

/* ---- what a peer says ---- */

int kee_peer_need(struct kee_kernel *kernel, struct kee_peer_id id, struct kee_peer **out)
{
    *out = kee_peer_hearing(kernel, id);
    return *out != NULL ? 0
                        : kee_kernel_decline(kernel, KEE_KERNEL_STATE, "session r%llu is over",
                                             (unsigned long long)id.n);
}

static int check_size(struct kee_kernel *kernel, const struct kee_vp_capdata *data)
{
    if (data->body.size <= KEE_LIMIT_BODY_BYTES && data->slots.count <= KEE_LIMIT_SLOTS) {
        return 0;
    }
    return kee_kernel_decline(kernel, KEE_KERNEL_BAD,
                              "a body of %zu bytes with %u references is over the limit of %u "
                              "bytes, %u references",
                              data->body.size, data->slots.count, KEE_LIMIT_BODY_BYTES,
                              KEE_LIMIT_SLOTS);
}

static void trace_say(struct kee_kernel *kernel, const struct kee_peer *peer, const char *name,
                      const struct kee_item *item)
{
    struct kee_event event;

    if (!kernel->tracing) {
        return;
    }
    kee_event_begin(&event, "say");
    kee_event_id(&event, "peer", 'r', peer->id.n);
    kee_event_text(&event, "name", kee_bytes_str(name));
    kee_event_kref(&event, "target", item->target);
    if (item->type == 'm') {
        kee_event_text(&event, "method", kee_methargs_method(item->body));
    }
    kee_event_kref(&event, "result", item->result);
    kee_event_text(&event, "body", item->body);
    kee_event_text(&event, "slots", item->slots.size > 1 ? item->slots : kee_bytes_of(NULL, 0));
    kee_event_emit(kernel, &event);
}

static int say_message(struct kee_kernel *kernel, struct kee_peer *peer, struct kee_bytes target,
                       const struct kee_vp_capdata *methargs, struct kee_kref *result)
{
    struct kee_buf *slots = kee_scratch_take(kernel);
    struct kee_buf *from = kee_scratch_take(kernel);
    struct kee_item item = {.type = 'm', .body = methargs->body};
    int r;

    kee_buf_put_endpoint(from, kee_endpoint_of_peer(peer->id));
    r = kee_buf_status(from);
    r = r != 0 ? r : kee_peer_kref_of(kernel, peer, target, &item.target);
    r = r != 0 ? r : kee_peer_krefs_of(kernel, peer, methargs->slots, slots);
    if (r == 0 && result != NULL) {
        r = kee_peer_result_new(kernel, peer, &item.result);
        *result = item.result;
    }
    if (r == 0) {
        item.from = kee_buf_bytes(from);
        item.slots = kee_buf_bytes(slots);
        trace_say(kernel, peer, "send", &item);
        r = kee_route(kernel, &item, true);
    }
    kee_scratch_give(kernel, from);
    kee_scratch_give(kernel, slots);
    return r;
}

int kee_peer_send(struct kee_kernel *kernel, struct kee_peer_id id, struct kee_bytes target,
                  struct kee_vp_capdata methargs, struct kee_kref *result)
{
    struct kee_peer *peer;
    int r = kee_peer_need(kernel, id, &peer);

    r = r != 0 ? r : check_size(kernel, &methargs);
    if (r != 0) {
        return r;
    }
    kee_txn_begin(kernel);
    return kee_txn_end(kernel, say_message(kernel, peer, target, &methargs, result));
}

/* A promise the peer is to settle, by its name for it. */
static int need_decided(struct kee_kernel *kernel, struct kee_peer *peer, struct kee_bytes name,
                        struct kee_kref *out)
{
    struct kee_buf *hold;
    struct kee_promise promise;
    int r = kee_peer_kref_of(kernel, peer, name, out);

    if (r != 0) {
        return r;
    }
    if (!kee_kref_is_promise(*out)) {
        return kee_kernel_decline(kernel, KEE_KERNEL_BAD, "%.*s is no promise", (int)name.size,
                                  (const char *)name.data);
    }
    hold = kee_scratch_take(kernel);
    r = kee_promise_get(kernel, *out, hold, &promise);
    if (r == KEE_STORE_ABSENT ||
        (r == 0 && (promise.state != 'u' || !kee_endpoint_is_peer(promise.decider, peer->id)))) {
        r = kee_kernel_decline(kernel, KEE_KERNEL_NO_SUCH,
                               "%.*s is not the session's to settle, or is settled", (int)name.size,
                               (const char *)name.data);
    }
    kee_scratch_give(kernel, hold);
    return r;
}

/* The row of a result it was to settle goes, unless it was mentioned besides. */
static int settled_by(struct kee_kernel *kernel, struct kee_peer *peer, struct kee_kref promise)
{
    struct kee_buf *hold = kee_scratch_take(kernel);
    struct kee_peer_row row;
    bool unused;
    int r = kee_peer_row_get(kernel, peer->id, promise, hold, &row);

    if (r == 0 && row.mentions == 0 && row.name.data[0] == 'k') {
        r = kee_peer_row_remove(kernel, peer, promise, &row, &unused);
        r = r != 0 ? r : kee_promise_count(kernel, promise, -1);
    }
    kee_scratch_give(kernel, hold);
    return r == KEE_STORE_ABSENT ? 0 : r;
}

static int say_settle(struct kee_kernel *kernel, struct kee_peer *peer, struct kee_bytes name,
                      bool rejected, const struct kee_vp_capdata *data)
{
    struct kee_buf *slots = kee_scratch_take(kernel);
    struct kee_item item = {.type = 's', .body = data->body};
    int r = need_decided(kernel, peer, name, &item.target);

    r = r != 0 ? r : kee_peer_krefs_of(kernel, peer, data->slots, slots);
    if (r == 0) {
        item.slots = kee_buf_bytes(slots);
        trace_say(kernel, peer, rejected ? "reject" : "fulfill", &item);
        r = kee_promise_settle(kernel, item.target, kee_endpoint_of_peer(peer->id), rejected,
                               item.slots, item.body);
    }
    r = r != 0 ? r : settled_by(kernel, peer, item.target);
    kee_scratch_give(kernel, slots);
    return r;
}

int kee_peer_settle(struct kee_kernel *kernel, struct kee_peer_id id, struct kee_bytes promise,
                    bool rejected, struct kee_vp_capdata data)
{
    struct kee_peer *peer;
    int r = kee_peer_need(kernel, id, &peer);

    r = r != 0 ? r : check_size(kernel, &data);
    if (r != 0) {
        return r;
    }
    kee_txn_begin(kernel);
    return kee_txn_end(kernel, say_settle(kernel, peer, promise, rejected, &data));
}
