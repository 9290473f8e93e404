/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peer_over - what becomes of a peer's things: objects that nothing reaches while it is open, and all of
 * it when it is over, in slices that each commit.
 *
 *   an import           is let go of
 *   a promise it was    rejects with [KERNEL:PEER_GONE]
 *   to settle
 *   an object of its    has no owner: sends reject with [KERNEL:PEER_GONE], for its row says whose it was
 *
 * At open all peers there are rows of are over: they were of an older boot. Their hosts did not leave,
 * the kernel did: what they import is held for KEE_PEER_LEASE_MS more, for them to find.
 */
#include <stdio.h>
#include <stdlib.h>

#include "kernel/internal.h"

int kee_peer_gone_text(struct kee_kernel *kernel, struct kee_peer_id id, struct kee_kref target,
                       struct kee_buf *out)
{
    const struct kee_peer *peer = kee_map_get(&kernel->peers, id.n);
    struct kee_buf *service = kee_scratch_take(kernel);
    int r =
        kee_kref_is_promise(target) ? KEE_STORE_ABSENT : kee_service_of(kernel, target, service);

    kee_buf_put_str(out, "[KERNEL:PEER_GONE] ");
    if (r == 0) {
        kee_buf_printf(out, "nobody provides the service '%s' now", kee_buf_cstr(service));
    } else if (r == KEE_STORE_ABSENT) {
        kee_buf_printf(out, "the host session r%llu is over", (unsigned long long)id.n);
        if (peer != NULL && peer->why[0] != 0) {
            kee_buf_put_str(out, ": ");
            kee_buf_put_str(out, peer->why);
        }
        r = 0;
    }
    kee_scratch_give(kernel, service);
    return r != 0 ? r : kee_buf_status(out);
}

int kee_peer_take_export(struct kee_kernel *kernel, struct kee_peer_id id, struct kee_kref kref)
{
    struct kee_peer *peer = kee_map_get(&kernel->peers, id.n);
    struct kee_buf *hold = kee_scratch_take(kernel);
    struct kee_peer_row row;
    bool was_last;
    int r = peer == NULL ? KEE_STORE_ABSENT : kee_peer_row_get(kernel, id, kref, hold, &row);

    r = r != 0 ? r : kee_peer_row_remove(kernel, peer, kref, &row, &was_last);
    if (r == 0 && was_last && kee_peer_hearing(kernel, id) != NULL) {
        r = kee_tell_dropped(kernel, peer, kref, &row);
    }
    kee_scratch_give(kernel, hold);
    r = r == KEE_STORE_ABSENT ? 0 : r;
    return r != 0 ? r : kee_object_orphan(kernel, kref);
}

/* ---- objects that nothing reaches ---- */

static int drop_object(struct kee_kernel *kernel, struct kee_kref kref)
{
    struct kee_object object;
    struct kee_peer_id owner;
    int r = kee_object_get(kernel, kref, &object);

    if (r == 0 && object.reachable == 0) {
        owner = kee_endpoint_peer(object.owner);
        r = kee_peer_hearing(kernel, owner) != NULL ? kee_peer_take_export(kernel, owner, kref) : 0;
    }
    return r == KEE_STORE_ABSENT ? 0 : r;
}

int kee_peers_drop_objects(struct kee_kernel *kernel)
{
    struct kee_kref kref;
    int r = 0;

    for (size_t at = 0; r == 0 && at < kernel->dropped_todo.size; at += sizeof kref.bits) {
        memcpy(&kref.bits, kernel->dropped_todo.data + at, sizeof kref.bits);
        r = drop_object(kernel, kref);
    }
    kee_buf_clear(&kernel->dropped_todo);
    return r;
}

/* ---- the end ---- */

static int end_row(struct kee_kernel *kernel, struct kee_peer *peer, struct kee_kref kref,
                   const struct kee_peer_row *row)
{
    char why[300];
    bool unused;
    int r;

    if (kee_kref_is_promise(kref)) {
        (void)snprintf(why, sizeof why, "the host session r%llu is over: %s",
                       (unsigned long long)peer->id.n, peer->why);
        return kee_peer_release_promise(kernel, peer, kref, why);
    }
    if (row->name.data[0] == 'o') {
        return kee_peer_take_export(kernel, peer->id, kref);
    }
    if (peer->leased) {
        peer->keeps = true;
        return 0;
    }
    r = kee_peer_row_remove(kernel, peer, kref, row, &unused);
    return r != 0 ? r : kee_kref_release(kernel, kref);
}

/* Some rows of the c-list; *done: there are no more. */
static int end_rows(struct kee_kernel *kernel, struct kee_peer *peer, bool *done)
{
    struct kee_buf *hold = kee_scratch_take(kernel);
    struct kee_key prefix;
    struct kee_peer_row row;
    struct kee_kref kref;
    int r = 0;

    (void)kee_key_peer(&prefix, peer->id, ".c.k");
    for (uint32_t i = 0; r == 0 && i < KEE_SWEEP_SLICE; i++) {
        struct kee_bytes rest;
        r = kee_keys_next(kernel, &prefix, &peer->swept_at);
        if (r != 0) {
            break;
        }
        rest = kee_key_rest(&peer->swept_at, &prefix);
        if (!kee_kref_parse(kee_bytes_of(rest.data - 1, rest.size + 1), &kref)) {
            r = kee_row_corrupt(kee_key_view(&peer->swept_at), "rN.c.KREF");
            break;
        }
        r = kee_peer_row_get(kernel, peer->id, kref, hold, &row);
        r = r != 0 ? r : end_row(kernel, peer, kref, &row);
    }
    *done = r == KEE_STORE_ABSENT;
    kee_scratch_give(kernel, hold);
    return *done ? 0 : r;
}

/* The clock is first seen in a round after open. */
static void watch_lease(struct kee_kernel *kernel)
{
    struct kee_peer *peer;
    size_t at = 0;

    if (kernel->lease_over_ms == 0) {
        kernel->lease_over_ms = kernel->now_ms + KEE_PEER_LEASE_MS;
    }
    if (kernel->lease_over_ms > kernel->now_ms) {
        return;
    }
    kernel->lease_over_ms = UINT64_MAX;
    while ((peer = kee_map_next(&kernel->peers, &at)) != NULL) {
        if (peer->leased) {
            peer->leased = peer->keeps = peer->waits = false;
            peer->swept_at.size = 0;
            kernel->sweep_peers = true;
        }
    }
}

static struct kee_peer *next_over(const struct kee_kernel *kernel)
{
    struct kee_peer *peer;
    size_t at = 0;

    while ((peer = kee_map_next(&kernel->peers, &at)) != NULL) {
        if (peer->over && !peer->waits) {
            return peer;
        }
    }
    return NULL;
}

int kee_peers_sweep(struct kee_kernel *kernel, bool *more)
{
    struct kee_peer *peer;
    struct kee_key key;
    bool done = false, last;
    int r;

    watch_lease(kernel);
    peer = next_over(kernel);
    if (peer == NULL) {
        kernel->sweep_peers = false;
        return 0;
    }
    *more = true;
    kee_txn_begin(kernel);
    r = end_rows(kernel, peer, &done);
    last = done && !peer->keeps;
    if (r == 0 && last && peer->stored) {
        r = kee_world_delete(kernel->world, kee_key_peer(&key, peer->id, ""));
    }
    r = kee_txn_end(kernel, r);
    if (r != 0) {
        peer->swept_at.size = 0;
    } else if (done && !last) {
        peer->waits = true;
    } else if (done) {
        (void)kee_map_remove(&kernel->peers, peer->id.n);
        kee_peer_free(peer);
    }
    return r;
}

int kee_peers_open(struct kee_kernel *kernel)
{
    struct kee_key prefix = {0}, at = {0};
    struct kee_bytes label;
    struct kee_vat_id number;
    struct kee_peer *peer;
    struct kee_key key;
    int r;

    kernel->lease_over_ms = UINT64_MAX;
    kee_key_add(&prefix, KEE_BYTES_LIT("r"));
    while ((r = kee_keys_next_vat(kernel, &prefix, &at, &number)) == 0) {
        struct kee_peer_id id = {number.n};
        r = kee_world_get(kernel->world, kee_key_peer(&key, id, ""), &label);
        if (r == KEE_STORE_ABSENT) {
            continue; /* rows without a peer: an audit says so */
        }
        if (r == 0) {
            (void)kee_bytes_cut(&label, ' ');
            r = kee_peer_new(kernel, id, label, &peer);
        }
        if (r != 0) {
            return r;
        }
        peer->over = peer->leased = peer->stored = true;
        kernel->lease_over_ms = 0;
        (void)snprintf(peer->why, sizeof peer->why, "the daemon was restarted");
        kernel->sweep_peers = true;
    }
    return r == KEE_STORE_ABSENT ? 0 : r;
}
