/* SPDX-License-Identifier: Apache-2.0 */
/* peer_hold - what a peer holds: letting go of it, being given it, looking into it. See peer.h. */
#include <stdio.h>
#include <stdlib.h>

#include "kernel/internal.h"

/* ---- results kept in memory ---- */

struct kee_peer_answer *kee_peer_answer(const struct kee_peer *peer, struct kee_kref promise)
{
    return kee_map_get(&peer->answers_by, promise.bits);
}

void kee_peer_answer_free(struct kee_peer *peer, struct kee_peer_answer *answer)
{
    kee_list_remove(&answer->link);
    (void)kee_map_remove(&peer->answers_by, answer->promise.bits);
    kee_buf_fini(&answer->body);
    free(answer);
}

int kee_peer_ready_to_keep(struct kee_peer *peer)
{
    return peer->answers_by.room > 0 ? 0
                                     : kee_map_reserve(&peer->answers_by, KEE_LIMIT_PEER_ANSWERS);
}

void kee_peer_keep_answer(struct kee_kernel *kernel, struct kee_peer_id id,
                          struct kee_peer_answer *answer)
{
    struct kee_peer *peer = kee_map_get(&kernel->peers, id.n);
    int r;

    kee_assert(peer != NULL && kee_peer_answer(peer, answer->promise) == NULL);
    if (peer->answers_by.count == KEE_LIMIT_PEER_ANSWERS) {
        kee_peer_answer_free(peer, KEE_CONTAINER(peer->answers.next, struct kee_peer_answer, link));
    }
    kee_list_append(&peer->answers, &answer->link);
    r = kee_map_put(&peer->answers_by, answer->promise.bits, answer);
    kee_assert(r == 0);
}

/* ---- letting go ---- */

int kee_peer_release_promise(struct kee_kernel *kernel, struct kee_peer *peer, struct kee_kref kref,
                             const char *why)
{
    struct kee_endpoint_id self = kee_endpoint_of_peer(peer->id);
    struct kee_buf *hold = kee_scratch_take(kernel);
    struct kee_promise promise;
    struct kee_peer_row row;
    bool unused;
    int r = kee_promise_get(kernel, kref, hold, &promise);

    if (r == 0 && promise.state == 'u') {
        r = kee_endpoint_equal(promise.decider, self)
                ? kee_promise_reject_text(kernel, kref, self, "[KERNEL:PEER_GONE] %s", why)
                : kee_promise_unsubscribe(kernel, kref, self);
    }
    /* Read now: with the rejection the row may have gone. */
    r = r != 0 ? r : kee_peer_row_get(kernel, peer->id, kref, hold, &row);
    r = r != 0 ? r : kee_peer_row_remove(kernel, peer, kref, &row, &unused);
    r = r != 0 ? r : kee_promise_count(kernel, kref, -1);
    kee_scratch_give(kernel, hold);
    return r == KEE_STORE_ABSENT ? 0 : r;
}

/* The last mention of an import is taken away. */
static int forget_import(struct kee_kernel *kernel, struct kee_peer *peer, struct kee_kref kref,
                         struct kee_peer_row *row)
{
    struct kee_endpoint_id self = kee_endpoint_of_peer(peer->id);
    struct kee_buf *hold;
    struct kee_promise promise;
    bool decides, unused;
    int r;

    if (!kee_kref_is_promise(kref)) {
        r = kee_peer_row_remove(kernel, peer, kref, row, &unused);
        return r != 0 ? r : kee_kref_release(kernel, kref);
    }
    hold = kee_scratch_take(kernel);
    r = kee_promise_get(kernel, kref, hold, &promise);
    decides = r == 0 && promise.state == 'u' && kee_endpoint_equal(promise.decider, self);
    kee_scratch_give(kernel, hold);
    if (r != 0 || !decides) {
        return r != 0 ? r : kee_peer_release_promise(kernel, peer, kref, "");
    }
    row->mentions = 0; /* it is still to settle it */
    r = kee_peer_row_change(kernel, peer, kref, row);
    return r != 0 ? r : kee_promise_unsubscribe(kernel, kref, self);
}

static int drop_import(struct kee_kernel *kernel, struct kee_peer *peer, struct kee_kref kref,
                       uint64_t count)
{
    struct kee_peer_answer *answer = kee_kref_is_promise(kref) ? kee_peer_answer(peer, kref) : NULL;
    struct kee_buf *hold;
    struct kee_peer_row row;
    int r;

    if (answer != NULL && count > 0) { /* the mention of a result */
        kee_peer_answer_free(peer, answer);
        count--;
    }
    hold = kee_scratch_take(kernel);
    r = count == 0 ? KEE_STORE_ABSENT : kee_peer_row_get(kernel, peer->id, kref, hold, &row);
    if (r == 0 && row.name.data[0] == 'k' && row.mentions > 0) {
        if (row.mentions > count) {
            row.mentions -= count;
            r = kee_peer_row_change(kernel, peer, kref, &row);
        } else {
            r = forget_import(kernel, peer, kref, &row);
        }
    }
    kee_scratch_give(kernel, hold);
    return r == KEE_STORE_ABSENT ? 0 : r;
}

static int drop_promise(struct kee_kernel *kernel, struct kee_peer *peer, struct kee_bytes name)
{
    struct kee_kref kref;
    char why[80];
    int r = kee_peer_own_find(kernel, peer->id, name, &kref);

    (void)snprintf(why, sizeof why, "the host session r%llu has let go of the promise",
                   (unsigned long long)peer->id.n);
    r = r != 0 ? r : kee_peer_release_promise(kernel, peer, kref, why);
    return r == KEE_STORE_ABSENT ? 0 : r;
}

int kee_peer_drop(struct kee_kernel *kernel, struct kee_peer_id id, struct kee_bytes name,
                  uint64_t count)
{
    struct kee_peer *peer;
    struct kee_kref kref;
    int r = kee_peer_need(kernel, id, &peer);

    if (r != 0) {
        return r;
    }
    if (kee_kref_parse(name, &kref)) {
        kee_txn_begin(kernel);
        return kee_txn_end(kernel, drop_import(kernel, peer, kref, count));
    }
    if (name.size > KEE_LIMIT_PEER_NAME_BYTES || !kee_bytes_has_prefix(name, KEE_BYTES_LIT("p+"))) {
        return kee_kernel_decline(kernel, KEE_KERNEL_BAD,
                                  "\"%.*s\" is nothing that a session can let go of",
                                  (int)(name.size < 60 ? name.size : 60), (const char *)name.data);
    }
    kee_txn_begin(kernel);
    return kee_txn_end(kernel, drop_promise(kernel, peer, name));
}

/* ---- being given ---- */

int kee_peer_hold(struct kee_kernel *kernel, struct kee_peer_id id, struct kee_kref kref)
{
    struct kee_peer *peer;
    int r = kee_peer_need(kernel, id, &peer);

    r = r != 0 ? r : kee_kref_need_reachable(kernel, kref);
    if (r != 0) {
        return r;
    }
    kee_txn_begin(kernel);
    return kee_txn_end(kernel, kee_peer_mention(kernel, peer, kref, false, NULL));
}

/* ---- looking ---- */

/* hold gets the body, then the slots as strings of a frame. */
static int look(struct kee_kernel *kernel, struct kee_peer *peer, struct kee_kref kref,
                struct kee_buf *hold, char *state, struct kee_vp_capdata *data)
{
    struct kee_buf *row = kee_scratch_take(kernel);
    struct kee_promise promise;
    struct kee_bytes slots, body;
    uint32_t count = 0;
    size_t size;
    int r = kee_promise_get(kernel, kref, row, &promise);

    *state = r == 0 ? promise.state : 'u';
    if (r == 0 && *state != 'u') {
        r = kee_promise_data(kernel, kref, row, &slots, &body);
        if (r == 0) {
            size = body.size;
            kee_buf_put_bytes(hold, body);
            r = kee_peer_mention_list(kernel, peer, slots, hold, &count);
        }
        if (r == 0) {
            data->body = kee_bytes_of(hold->data, size);
            data->slots.raw = kee_bytes_of(hold->data + size, hold->size - size);
            data->slots.count = count;
        }
    }
    kee_scratch_give(kernel, row);
    return r;
}

int kee_peer_look(struct kee_kernel *kernel, struct kee_peer_id id, struct kee_bytes promise,
                  struct kee_buf *hold, char *state, struct kee_vp_capdata *data)
{
    const struct kee_peer_answer *answer;
    struct kee_peer *peer;
    struct kee_kref kref;
    struct kee_bytes value;
    struct kee_key key;
    int r = kee_peer_need(kernel, id, &peer);

    if (r != 0) {
        return r;
    }
    kee_buf_clear(hold);
    *state = 'u';
    *data = (struct kee_vp_capdata){0};
    if (kee_kref_parse(promise, &kref)) {
        answer = kee_peer_answer(peer, kref);
        if (answer != NULL) {
            *state = answer->rejected ? 'r' : 'f';
            kee_buf_put_bytes(hold, kee_buf_bytes(&answer->body));
            data->body = kee_buf_bytes(hold);
            return kee_buf_status(hold);
        }
        r = kee_world_get(kernel->world, kee_key_peer_kref(&key, id, kref), &value);
    } else {
        r = promise.size <= KEE_LIMIT_PEER_NAME_BYTES
                ? kee_peer_own_find(kernel, id, promise, &kref)
                : KEE_STORE_ABSENT;
    }
    if (r == KEE_STORE_ABSENT || (r == 0 && !kee_kref_is_promise(kref))) {
        return kee_kernel_decline(kernel, KEE_KERNEL_NO_SUCH, "there is no promise %.*s",
                                  (int)(promise.size < 60 ? promise.size : 60),
                                  (const char *)promise.data);
    }
    if (r != 0) {
        return r;
    }
    kee_txn_begin(kernel);
    return kee_txn_end(kernel, look(kernel, peer, kref, hold, state, data));
}
