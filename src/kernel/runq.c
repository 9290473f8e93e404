/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runq - where messages and notifications wait, and how they find their place.
 *
 * Each vat has one queue, in the order of SEQ, which counts over the whole kernel: what one sender
 * sends to one receiver is a FIFO lane inside it, and with one flow the whole is a plain FIFO. A
 * message to an unsettled promise goes to the vat that decides it, or is parked at the promise.
 *
 *   RQ-1  a row holds one reference to its target, its result and each of its slots.
 */
#include "kernel/internal.h"

static bool parse_optional_kref(struct kee_bytes text, struct kee_kref *out)
{
    if (kee_bytes_equal(text, KEE_BYTES_LIT("-"))) {
        *out = KEE_KREF_NONE;
        return true;
    }
    return kee_kref_parse(text, out);
}

int kee_item_parse(struct kee_bytes key, struct kee_bytes value, struct kee_item *out)
{
    struct kee_bytes type = kee_bytes_cut(&value, ' ');
    struct kee_bytes tries, target, result;

    *out = (struct kee_item){.type = type.size == 1 ? (char)type.data[0] : 0};
    out->from = kee_bytes_cut(&value, ' ');
    tries = kee_bytes_cut(&value, ' ');
    target = kee_bytes_cut(&value, ' ');
    if (!kee_bytes_decimal(tries, &out->tries) || !kee_kref_parse(target, &out->target)) {
        return kee_row_corrupt(key, "ITEM");
    }
    if (out->type == 'n') {
        return 0;
    }
    result = kee_bytes_cut(&value, ' ');
    out->slots = kee_bytes_cut(&value, ' ');
    out->body = value;
    if (out->type != 'm' || !parse_optional_kref(result, &out->result)) {
        return kee_row_corrupt(key, "ITEM");
    }
    return 0;
}

void kee_item_format(struct kee_buf *out, const struct kee_item *item)
{
    (void)kee_buf_reserve(out, item->slots.size + item->body.size + 100);
    kee_buf_put_char(out, item->type);
    kee_buf_put_char(out, ' ');
    kee_buf_put_bytes(out, item->from);
    kee_buf_put_char(out, ' ');
    kee_buf_put_decimal(out, item->tries);
    kee_buf_put_char(out, ' ');
    kee_buf_put_kref(out, item->target);
    if (item->type == 'n') {
        return;
    }
    kee_buf_put_char(out, ' ');
    if (kee_kref_is_none(item->result)) {
        kee_buf_put_char(out, '-');
    } else {
        kee_buf_put_kref(out, item->result);
    }
    kee_buf_put_char(out, ' ');
    kee_buf_put_bytes(out, item->slots.size > 0 ? item->slots : KEE_BYTES_LIT("-"));
    kee_buf_put_char(out, ' ');
    kee_buf_put_bytes(out, item->body);
}

/* ---- the queue of one vat ---- */

static size_t queue_count(const struct kee_vat *vat)
{
    return vat->queue.size / sizeof(uint64_t) - vat->queue_first;
}

static uint64_t queue_seq(const struct kee_vat *vat, size_t i)
{
    uint64_t seq;

    memcpy(&seq, vat->queue.data + (vat->queue_first + i) * sizeof seq, sizeof seq);
    return seq;
}

static void queue_append(struct kee_vat *vat, uint64_t seq)
{
    if (vat->queue_known) {
        kee_buf_put(&vat->queue, &seq, sizeof seq);
        vat->queue_known = !vat->queue.failed;
    }
}

/* Reads which rows there are: after open, and after a crank was undone. */
static int queue_load(struct kee_kernel *kernel, struct kee_vat *vat)
{
    struct kee_key prefix, at = {0};
    int r;

    kee_buf_clear(&vat->queue);
    vat->queue_first = 0;
    (void)kee_key_of_vat(&prefix, "q.", vat->id);
    kee_key_add(&prefix, KEE_BYTES_LIT("."));
    while ((r = kee_keys_next(kernel, &prefix, &at)) == 0) {
        uint64_t seq;
        if (!kee_seq_parse(kee_bytes_of(at.text + prefix.size, at.size - prefix.size), &seq)) {
            return kee_row_corrupt(kee_key_view(&at), "a SEQ of 16 digits at its end");
        }
        kee_buf_put(&vat->queue, &seq, sizeof seq);
    }
    if (r == KEE_STORE_ABSENT) {
        r = kee_buf_status(&vat->queue);
    }
    vat->queue_known = r == 0;
    return r;
}

int kee_queue_delete(struct kee_kernel *kernel, struct kee_vat *vat, uint64_t seq)
{
    struct kee_key key;

    for (size_t i = 0; vat->queue_known && i < queue_count(vat); i++) {
        if (queue_seq(vat, i) == seq) { /* at the front, or behind what is in flight */
            uint8_t *front = vat->queue.data + vat->queue_first * sizeof seq;
            memmove(front + sizeof seq, front, i * sizeof seq);
            vat->queue_first++;
            break;
        }
    }
    if (vat->queue_first >= 1024 && vat->queue_first * 2 * sizeof seq >= vat->queue.size) {
        kee_buf_consume(&vat->queue, vat->queue_first * sizeof seq);
        vat->queue_first = 0;
    }
    return kee_world_delete(kernel->world, kee_key_queue(&key, vat->id, seq));
}

int kee_queue_next(struct kee_kernel *kernel, struct kee_vat *vat, uint64_t after,
                   struct kee_buf *hold, uint64_t *seq, struct kee_item *out)
{
    struct kee_bytes value;
    struct kee_key key;
    size_t i = 0;
    int r;

    r = vat->queue_known ? 0 : queue_load(kernel, vat);
    if (r != 0) {
        return r;
    }
    while (i < queue_count(vat) && queue_seq(vat, i) <= after) {
        i++;
    }
    if (i == queue_count(vat)) {
        return KEE_STORE_ABSENT;
    }
    *seq = queue_seq(vat, i);
    r = kee_row_need(kernel, kee_key_queue(&key, vat->id, *seq), &value);
    if (r != 0) {
        return r;
    }
    kee_buf_clear(hold);
    kee_buf_put_bytes(hold, value);
    r = kee_buf_status(hold);
    return r != 0 ? r : kee_item_parse(kee_key_view(&key), kee_buf_bytes(hold), out);
}

/* ---- routing ---- */

static int push(struct kee_kernel *kernel, struct kee_vat *vat, const struct kee_item *item)
{
    struct kee_buf *row = kee_scratch_take(kernel);
    struct kee_key key;
    uint64_t seq;
    int r;

    r = kee_ids_take(kernel, 'q', &seq);
    if (r == 0) {
        kee_item_format(row, item);
        r = kee_row_put(kernel, kee_key_queue(&key, vat->id, seq), row, true);
    }
    kee_scratch_give(kernel, row);
    if (r == 0) {
        queue_append(vat, seq);
        vat->has_queue = true;
        kee_vat_mark_busy(kernel, vat);
    }
    if (r == 0 && item->type == 'm' && !kee_kref_is_none(item->result)) {
        /* What is sent to the result follows it into the same queue. */
        r = kee_promise_decide(kernel, item->result, kee_endpoint_of_vat(vat->id), true);
    }
    return r;
}

static int park(struct kee_kernel *kernel, const struct kee_item *item)
{
    struct kee_buf *row = kee_scratch_take(kernel);
    struct kee_key key;
    uint64_t seq;
    int r = 0;

    if (!kee_kref_is_none(item->result)) {
        r = kee_promise_decide(kernel, item->result, KEE_ENDPOINT_NONE, false);
    }
    r = r != 0 ? r : kee_promise_park(kernel, item->target);
    r = r != 0 ? r : kee_ids_take(kernel, 'q', &seq);
    if (r == 0) {
        kee_item_format(row, item);
        r = kee_row_put(kernel, kee_key_parked(&key, item->target, seq), row, true);
    }
    kee_scratch_give(kernel, row);
    return r;
}

int kee_item_release(struct kee_kernel *kernel, const struct kee_item *item)
{
    int r = kee_kref_release(kernel, item->target);

    if (r == 0 && item->type == 'm') {
        r = kee_krefs_release(kernel, item->slots);
        if (r == 0 && !kee_kref_is_none(item->result)) {
            r = kee_kref_release(kernel, item->result);
        }
    }
    return r;
}

int kee_item_hold(struct kee_kernel *kernel, const struct kee_item *item)
{
    int r = kee_kref_hold(kernel, item->target);

    r = r != 0 ? r : kee_krefs_hold(kernel, item->slots);
    return r != 0 || kee_kref_is_none(item->result) ? r : kee_kref_hold(kernel, item->result);
}

static bool is_unsettled(struct kee_kernel *kernel, struct kee_kref promise, int *r)
{
    struct kee_buf *hold = kee_scratch_take(kernel);
    struct kee_promise row;

    *r = kee_promise_get(kernel, promise, hold, &row);
    kee_scratch_give(kernel, hold);
    if (*r == KEE_STORE_ABSENT) {
        *r = 0;
        return false;
    }
    return *r == 0 && row.state == 'u';
}

static int reject_result(struct kee_kernel *kernel, const struct kee_item *item, const char *text)
{
    int r = 0;

    if (item->type == 'm' && !kee_kref_is_none(item->result) &&
        is_unsettled(kernel, item->result, &r)) {
        r = kee_promise_reject_text(kernel, item->result, KEE_ENDPOINT_NONE, "%s", text);
    }
    return r;
}

int kee_item_reject(struct kee_kernel *kernel, const struct kee_item *item, const char *text)
{
    int r = reject_result(kernel, item, text);

    return r != 0 ? r : kee_item_release(kernel, item);
}

/* The item's target was rejected: so is its result, with the same data. */
static int reject_alike(struct kee_kernel *kernel, const struct kee_item *item,
                        struct kee_bytes slots, struct kee_bytes body)
{
    int r = 0;

    if (!kee_kref_is_none(item->result) && is_unsettled(kernel, item->result, &r)) {
        r = kee_promise_settle(kernel, item->result, KEE_ENDPOINT_NONE, true, slots, body);
    }
    return r != 0 ? r : kee_item_release(kernel, item);
}

/* Is this body one reference and nothing else: smallcaps "$0..." or capdata's slot 0? */
static bool is_one_reference(struct kee_bytes body)
{
    struct kee_bytes smallcaps = KEE_BYTES_LIT("#\"$0");
    struct kee_bytes capdata = KEE_BYTES_LIT("{\"@qclass\":\"slot\"");
    struct kee_bytes rest;

    if (kee_bytes_has_prefix(body, smallcaps)) {
        rest = kee_bytes_of(body.data + smallcaps.size, body.size - smallcaps.size);
        return rest.size == 1 || (rest.size > 1 && rest.data[0] == '.');
    }
    return kee_bytes_has_prefix(body, capdata);
}

enum routing {
    ROUTE_OWNER, /* to the vat, or the peer */
    ROUTE_PARK,
    ROUTE_FORWARD,
    ROUTE_REJECT_ALIKE,
    ROUTE_REJECT,
    ROUTE_REVOKED
};

/* Where does a message to target go? FORWARD gives the next target; REJECT_ALIKE leaves data in hold. */
static int route_promise(struct kee_kernel *kernel, struct kee_kref *target, struct kee_buf *hold,
                         struct kee_endpoint_id *owner, struct kee_bytes *slots,
                         struct kee_bytes *body, enum routing *out)
{
    struct kee_promise promise;
    struct kee_bytes list;
    struct kee_kref next;
    bool takes;
    int r;

    r = kee_promise_get(kernel, *target, hold, &promise);
    if (r != 0) {
        return r == KEE_STORE_ABSENT ? kee_row_corrupt(KEE_BYTES_LIT("kp"), "a promise row") : r;
    }
    if (promise.state == 'u') {
        *owner = promise.decider;
        r = kee_endpoint_takes_ahead(kernel, promise.decider, &takes);
        *out = takes ? ROUTE_OWNER : ROUTE_PARK;
        return r;
    }
    r = kee_promise_data(kernel, *target, hold, slots, body);
    if (r < 0) {
        return r;
    }
    if (promise.state == 'r') {
        *out = ROUTE_REJECT_ALIKE;
        return 0;
    }
    list = *slots;
    if (kee_krefs_count(list) == 1 && is_one_reference(*body) && kee_krefs_next(&list, &next)) {
        *target = next;
        *out = ROUTE_FORWARD;
        return 0;
    }
    *out = ROUTE_REJECT;
    return 0;
}

static int route_object(struct kee_kernel *kernel, struct kee_kref target,
                        struct kee_endpoint_id *owner, enum routing *out)
{
    struct kee_object object = {0};
    int r;

    r = kee_object_get(kernel, target, &object);
    if (r < 0) {
        return r;
    }
    *owner = !kee_endpoint_is_none(object.owner) ? object.owner : kee_endpoint_of_peer(object.late);
    *out = object.revoked                 ? ROUTE_REVOKED
           : kee_endpoint_is_none(*owner) ? ROUTE_REJECT
                                          : ROUTE_OWNER;
    return 0;
}

/* Moves the item's hold from its old target to a new one. */
static int retarget(struct kee_kernel *kernel, struct kee_item *item, struct kee_kref target)
{
    int r = kee_kref_hold(kernel, target);

    r = r != 0 ? r : kee_kref_release(kernel, item->target);
    item->target = target;
    return r;
}

static int push_to(struct kee_kernel *kernel, struct kee_vat_id id, const struct kee_item *item)
{
    struct kee_vat *vat;
    int r;

    r = kee_vat_load(kernel, id, &vat);
    if (r < 0) {
        return r;
    }
    if (vat == NULL || vat->life == KEE_VAT_DYING) {
        return kee_item_reject(kernel, item,
                               "[KERNEL:VAT_TERMINATED] the vat of the target is gone");
    }
    return push(kernel, vat, item);
}

/* A peer is told at once, and its own rows hold what it is told of; the item holds nothing. */
static int tell(struct kee_kernel *kernel, struct kee_peer_id peer, const struct kee_item *item)
{
    struct kee_buf *text;
    int r = kee_tell_message(kernel, peer, item);

    if (r == KEE_TELL_GONE) {
        text = kee_scratch_take(kernel);
        r = kee_peer_gone_text(kernel, peer, item->target, text);
        r = r != 0 ? r : reject_result(kernel, item, kee_buf_cstr(text));
        kee_scratch_give(kernel, text);
    }
    return r;
}

/* What a message comes to; if it goes to a vat or is parked, it holds what it names. */
struct route {
    enum routing routing;
    struct kee_endpoint_id owner;
    struct kee_kref target;
    struct kee_bytes slots, body; /* REJECT_ALIKE */
};

/* A promise fulfilled with a reference forwards; liveslots never fulfils one with a promise, but a
 * hostile vat may: each step then follows an older promise, and a cycle is stopped here. */
static int find_route(struct kee_kernel *kernel, struct kee_buf *hold, struct route *route)
{
    int r = 0;

    route->routing = ROUTE_FORWARD;
    for (uint32_t steps = 0; r == 0 && route->routing == ROUTE_FORWARD; steps++) {
        if (steps > 64) {
            route->routing = ROUTE_REJECT;
            break;
        }
        r = kee_kref_is_promise(route->target)
                ? route_promise(kernel, &route->target, hold, &route->owner, &route->slots,
                                &route->body, &route->routing)
                : route_object(kernel, route->target, &route->owner, &route->routing);
    }
    return r;
}

/* To anywhere but a peer. */
static int dispatch(struct kee_kernel *kernel, const struct route *route,
                    const struct kee_item *item)
{
    switch (route->routing) {
    case ROUTE_OWNER:
        return push_to(kernel, kee_endpoint_vat(route->owner), item);
    case ROUTE_PARK:
        return park(kernel, item);
    case ROUTE_REJECT_ALIKE:
        return reject_alike(kernel, item, route->slots, route->body);
    case ROUTE_REVOKED:
        return kee_item_reject(kernel, item, "[KERNEL:OBJECT_REVOKED] the target has been revoked");
    case ROUTE_FORWARD:
    case ROUTE_REJECT:
        break;
    }
    return kee_item_reject(kernel, item,
                           kee_kref_is_promise(route->target)
                               ? "the target is data, not an object: it has no methods"
                               : "[KERNEL:OBJECT_DELETED] the target no longer exists");
}

int kee_route(struct kee_kernel *kernel, const struct kee_item *given, bool fresh)
{
    struct kee_buf *hold = kee_scratch_take(kernel);
    struct kee_item item = *given;
    struct route route = {.target = item.target};
    struct kee_peer_id peer;
    int r;

    if (!fresh && kernel->cycle != NULL) {
        kee_cycle_moves(kernel, given);
    }
    r = find_route(kernel, hold, &route);
    peer.n = r == 0 && route.routing == ROUTE_OWNER ? kee_endpoint_peer(route.owner).n : 0;
    if (r == 0 && peer.n != 0) {
        item.target = route.target;
        r = tell(kernel, peer, &item);
        r = r != 0 || fresh ? r : kee_item_release(kernel, given);
        goto out;
    }
    if (fresh) {
        item.target = route.target;
        r = r != 0 ? r : kee_item_hold(kernel, &item);
    } else if (r == 0 && !kee_kref_equal(route.target, item.target)) {
        r = retarget(kernel, &item, route.target);
    }
    r = r != 0 ? r : dispatch(kernel, &route, &item);
out:
    kee_scratch_give(kernel, hold);
    return r;
}

int kee_notify_push(struct kee_kernel *kernel, struct kee_vat_id id, struct kee_kref promise,
                    struct kee_endpoint_id from)
{
    struct kee_buf *name;
    struct kee_item item = {.type = 'n', .target = promise};
    struct kee_vat *vat;
    int r;

    r = kee_vat_load(kernel, id, &vat);
    if (r < 0 || vat == NULL || vat->life == KEE_VAT_DYING) {
        return r;
    }
    name = kee_scratch_take(kernel);
    if (kee_endpoint_is_none(from)) {
        kee_buf_put_str(name, "kernel");
    } else {
        kee_buf_put_endpoint(name, from);
    }
    item.from = kee_buf_bytes(name);
    r = kee_buf_status(name);
    r = r != 0 ? r : kee_kref_hold(kernel, promise);
    r = r != 0 ? r : push(kernel, vat, &item);
    kee_scratch_give(kernel, name);
    return r;
}

/* Routes what is parked at one promise, oldest first. */
static int release_one(struct kee_kernel *kernel, struct kee_kref promise)
{
    struct kee_buf *hold = kee_scratch_take(kernel);
    struct kee_key prefix, at;
    struct kee_bytes key, value;
    struct kee_item item;
    int r;

    (void)kee_key_kref(&prefix, "", promise, ".q.");
    for (at = prefix;;) {
        r = kee_world_next(kernel->world, kee_key_view(&prefix), kee_key_view(&at), &key, &value);
        if (r != 0) {
            break;
        }
        at.size = 0;
        kee_key_add(&at, key);
        kee_buf_clear(hold);
        kee_buf_put_bytes(hold, value);
        r = kee_buf_status(hold);
        r = r != 0 ? r : kee_item_parse(kee_key_view(&at), kee_buf_bytes(hold), &item);
        r = r != 0 ? r : kee_world_delete(kernel->world, kee_key_view(&at));
        r = r != 0 ? r : kee_route(kernel, &item, false);
        if (r != 0) {
            break;
        }
    }
    kee_scratch_give(kernel, hold);
    return r == KEE_STORE_ABSENT ? 0 : r;
}

int kee_parked_release(struct kee_kernel *kernel, struct kee_kref promise)
{
    size_t at = 0;
    int r;

    kee_buf_put_u64(&kernel->settled_todo, promise.bits);
    r = kee_buf_status(&kernel->settled_todo);
    if (r < 0 || kernel->settling) {
        return r; /* whoever is settling will come to it */
    }
    kernel->settling = true;
    while (r == 0 && at < kernel->settled_todo.size) {
        struct kee_kref next;
        memcpy(&next.bits, kernel->settled_todo.data + at, sizeof next.bits);
        at += sizeof next.bits;
        r = release_one(kernel, next);
    }
    kee_buf_clear(&kernel->settled_todo);
    kernel->settling = false;
    return r;
}
