/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peer_clist - what a peer means by a name, and what it calls a thing.
 *
 *   PE-1  an import's row is named by its kref; an export's row has its inverse, whose LIST names it.
 *   PE-2  an import's row holds one reference; an export's row of a promise too, of an object none.
 *   PE-3  a promise that is mentioned and unsettled has the peer among its subscribers.
 */
#include "kernel/internal.h"

/* "o+3" and "p+3" are the peer's own; what follows the sign is any text a key can hold. */
static bool is_own_name(struct kee_bytes name)
{
    if (name.size < 3 || name.size > KEE_LIMIT_PEER_NAME_BYTES ||
        (name.data[0] != 'o' && name.data[0] != 'p') || name.data[1] != '+') {
        return false;
    }
    for (size_t i = 2; i < name.size; i++) {
        if (name.data[i] <= ' ' || name.data[i] > '~') {
            return false;
        }
    }
    return true;
}

static bool is_export(const struct kee_peer_row *row)
{
    return row->name.size > 1 && row->name.data[1] == '+';
}

int kee_peer_row_parse(struct kee_bytes key, struct kee_bytes value, struct kee_peer_row *out)
{
    struct kee_bytes mentions;

    out->name = kee_bytes_cut(&value, ' ');
    mentions = kee_bytes_cut(&value, ' ');
    out->is_answer = kee_bytes_equal(value, KEE_BYTES_LIT("a"));
    return out->name.size > 2 && out->name.size <= KEE_LIMIT_PEER_NAME_BYTES &&
                   kee_bytes_decimal(mentions, &out->mentions)
               ? 0
               : kee_row_corrupt(key, "NAME MENTIONS");
}

int kee_peer_row_get(struct kee_kernel *kernel, struct kee_peer_id peer, struct kee_kref kref,
                     struct kee_buf *hold, struct kee_peer_row *out)
{
    struct kee_bytes value;
    struct kee_key key;
    int r = kee_world_get(kernel->world, kee_key_peer_kref(&key, peer, kref), &value);

    if (r != 0) {
        return r;
    }
    kee_buf_clear(hold);
    kee_buf_put_bytes(hold, value);
    r = kee_buf_status(hold);
    return r != 0 ? r : kee_peer_row_parse(kee_key_view(&key), kee_buf_bytes(hold), out);
}

static int put_row(struct kee_kernel *kernel, struct kee_peer *peer, struct kee_kref kref,
                   const struct kee_peer_row *row, bool fresh)
{
    struct kee_buf *value = kee_scratch_take(kernel);
    struct kee_key key;
    int r;

    kee_buf_put_bytes(value, row->name);
    kee_buf_put_char(value, ' ');
    kee_buf_put_decimal(value, row->mentions);
    if (row->is_answer) {
        kee_buf_put_str(value, " a");
    }
    r = kee_row_put(kernel, kee_key_peer_kref(&key, peer->id, kref), value, fresh);
    kee_scratch_give(kernel, value);
    return r;
}

int kee_peer_row_change(struct kee_kernel *kernel, struct kee_peer *peer, struct kee_kref kref,
                        const struct kee_peer_row *row)
{
    return put_row(kernel, peer, kref, row, false);
}

/* Sessions come and go, most of them without a trace: the peer's own row is there while it has others. */
static int put_own_row(struct kee_kernel *kernel, struct kee_peer *peer)
{
    struct kee_buf *value = kee_scratch_take(kernel);
    struct kee_key key;
    int r;

    kee_buf_put_decimal(value, kernel->boot);
    kee_buf_put_char(value, ' ');
    kee_buf_put_str(value, peer->label);
    r = kee_row_put(kernel, kee_key_peer(&key, peer->id, ""), value, false);
    kee_scratch_give(kernel, value);
    peer->stored = true;
    return r;
}

int kee_peer_row_add(struct kee_kernel *kernel, struct kee_peer *peer, struct kee_kref kref,
                     const struct kee_peer_row *row, bool fresh)
{
    int r;

    kee_peer_touch(kernel, peer);
    peer->rows++;
    r = peer->stored ? 0 : put_own_row(kernel, peer);
    return r != 0 ? r : put_row(kernel, peer, kref, row, fresh);
}

/* What an own name stands for, as a LIST in hold. */
static int own_get(struct kee_kernel *kernel, struct kee_peer_id peer, struct kee_bytes name,
                   struct kee_buf *hold)
{
    struct kee_bytes value;
    struct kee_key key;
    int r = kee_world_get(kernel->world, kee_key_peer_name(&key, peer, name), &value);

    kee_buf_clear(hold);
    if (r == 0) {
        kee_buf_put_bytes(hold, value);
    }
    return r != 0 ? r : kee_buf_status(hold);
}

/* kref leaves what the name stands for. */
static int own_remove(struct kee_kernel *kernel, struct kee_peer *peer, struct kee_bytes name,
                      struct kee_kref kref, bool *was_last)
{
    struct kee_buf *hold = kee_scratch_take(kernel);
    struct kee_buf *left = kee_scratch_take(kernel);
    struct kee_bytes list;
    struct kee_kref one;
    struct kee_key key;
    int r = own_get(kernel, peer->id, name, hold);

    list = kee_buf_bytes(hold);
    while (r == 0 && kee_krefs_next(&list, &one)) {
        if (!kee_kref_equal(one, kref)) {
            if (left->size > 0) {
                kee_buf_put_char(left, ',');
            }
            kee_buf_put_kref(left, one);
        }
    }
    *was_last = left->size == 0;
    (void)kee_key_peer_name(&key, peer->id, name);
    if (r == 0) {
        r = *was_last ? kee_world_delete(kernel->world, kee_key_view(&key))
                      : kee_row_put(kernel, kee_key_view(&key), left, false);
    }
    kee_scratch_give(kernel, left);
    kee_scratch_give(kernel, hold);
    return r == KEE_STORE_ABSENT ? kee_row_corrupt(kee_key_view(&key), "a row, found none") : r;
}

int kee_peer_row_remove(struct kee_kernel *kernel, struct kee_peer *peer, struct kee_kref kref,
                        const struct kee_peer_row *row, bool *was_last)
{
    struct kee_key key;
    int r = 0;

    *was_last = true;
    kee_peer_touch(kernel, peer);
    if (is_export(row)) {
        r = own_remove(kernel, peer, row->name, kref, was_last);
    }
    r = r != 0 ? r : kee_world_delete(kernel->world, kee_key_peer_kref(&key, peer->id, kref));
    if (r == 0 && peer->rows > 0 && --peer->rows == 0) { /* of older boots they are not counted */
        r = kee_world_delete(kernel->world, kee_key_peer(&key, peer->id, ""));
        peer->stored = false;
    }
    return r;
}

static int own_put(struct kee_kernel *kernel, struct kee_peer *peer, struct kee_bytes name,
                   struct kee_kref first, struct kee_bytes others)
{
    struct kee_buf *list = kee_scratch_take(kernel);
    struct kee_key key;
    int r;

    kee_buf_put_kref(list, first);
    if (others.size > 0) {
        kee_buf_put_char(list, ',');
        kee_buf_put_bytes(list, others);
    }
    r = kee_row_put(kernel, kee_key_peer_name(&key, peer->id, name), list, false);
    kee_scratch_give(kernel, list);
    return r;
}

int kee_peer_own_find(struct kee_kernel *kernel, struct kee_peer_id peer, struct kee_bytes name,
                      struct kee_kref *out)
{
    struct kee_buf *hold = kee_scratch_take(kernel);
    struct kee_bytes list;
    int r = own_get(kernel, peer, name, hold);

    list = kee_buf_bytes(hold);
    if (r == 0 && !kee_krefs_next(&list, out)) {
        r = kee_row_corrupt(name, "LIST of krefs");
    }
    kee_scratch_give(kernel, hold);
    return r;
}

int kee_peer_own_prepend(struct kee_kernel *kernel, struct kee_peer *peer, struct kee_bytes name,
                         struct kee_kref first)
{
    struct kee_buf *hold = kee_scratch_take(kernel);
    int r = own_get(kernel, peer->id, name, hold);

    r = r != 0 ? r : own_put(kernel, peer, name, first, kee_buf_bytes(hold));
    kee_scratch_give(kernel, hold);
    return r;
}

/* ---- names the peer says ---- */

static int full(struct kee_kernel *kernel, const struct kee_peer *peer)
{
    return kee_kernel_decline(kernel, KEE_KERNEL_STATE,
                              "the session holds %llu references, and may hold no more",
                              (unsigned long long)peer->rows);
}

/* A new name of the peer's: a new object or promise. */
static int own_new(struct kee_kernel *kernel, struct kee_peer *peer, struct kee_bytes name,
                   struct kee_kref *out)
{
    struct kee_endpoint_id self = kee_endpoint_of_peer(peer->id);
    struct kee_peer_row row = {.name = name};
    int r;

    if (peer->rows >= peer->rows_max) {
        return full(kernel, peer);
    }
    if (name.data[0] == 'p') {
        r = kee_promise_new(kernel, self, 1, out);
    } else {
        r = kee_object_new(kernel, self, out);
        kee_buf_put_u64(&kernel->dropped_todo, out->bits); /* unless it is held by then */
        r = r != 0 ? r : kee_buf_status(&kernel->dropped_todo);
    }
    r = r != 0 ? r : kee_peer_row_add(kernel, peer, *out, &row, true);
    return r != 0 ? r : own_put(kernel, peer, name, *out, kee_bytes_of(NULL, 0));
}

static int no_such(struct kee_kernel *kernel, struct kee_bytes name)
{
    return kee_kernel_decline(kernel, KEE_KERNEL_NO_SUCH, "there is no %.*s", (int)name.size,
                              (const char *)name.data);
}

/* A result that was kept in memory is named after all: a promise again, settled as it was. */
static int revive(struct kee_kernel *kernel, const struct kee_peer_answer *answer,
                  struct kee_kref *out)
{
    int r = kee_promise_new(kernel, KEE_ENDPOINT_NONE, 1, out);

    r = r != 0 ? r
               : kee_promise_settle(kernel, *out, KEE_ENDPOINT_NONE, answer->rejected,
                                    kee_bytes_of(NULL, 0), kee_buf_bytes(&answer->body));
    return r != 0 ? r : kee_promise_count(kernel, *out, -1); /* whoever names it holds it */
}

static int kref_named(struct kee_kernel *kernel, struct kee_peer *peer, struct kee_bytes name,
                      struct kee_kref *out)
{
    const struct kee_peer_answer *answer;
    struct kee_bytes value;
    struct kee_key key;
    int r = kee_world_get(kernel->world, kee_key_peer_kref(&key, peer->id, *out), &value);

    if (r != KEE_STORE_ABSENT) {
        return r;
    }
    answer = kee_peer_answer(peer, *out);
    if (answer != NULL) {
        return revive(kernel, answer, out);
    }
    r = peer->privileged ? kee_kref_need_reachable(kernel, *out) : KEE_KERNEL_NO_SUCH;
    return r > 0 ? no_such(kernel, name) : r;
}

int kee_peer_kref_of(struct kee_kernel *kernel, struct kee_peer *peer, struct kee_bytes name,
                     struct kee_kref *out)
{
    int r;

    if (kee_kref_parse(name, out) && kee_kref_kind(*out) != KEE_KREF_DEVICE) {
        return kref_named(kernel, peer, name, out);
    }
    if (!is_own_name(name)) {
        return kee_kernel_decline(kernel, KEE_KERNEL_BAD, "\"%.*s\" is no name of an object",
                                  (int)(name.size < 60 ? name.size : 60), (const char *)name.data);
    }
    r = kee_peer_own_find(kernel, peer->id, name, out);
    return r == KEE_STORE_ABSENT ? own_new(kernel, peer, name, out) : r;
}

/* ---- mentions ---- */

/* The krefs of a LIST that have been met in it so far. Short lists are searched, long ones have a map. */
struct met {
    struct kee_bytes list;
    struct kee_map map;
    size_t count;
};

#define MET_SEARCHED 16

static int meet(struct met *met, struct kee_kref kref, bool *again)
{
    struct kee_bytes list = met->list;
    struct kee_kref one;

    *again = false;
    met->count++;
    if (met->count == MET_SEARCHED) { /* those before it go into the map */
        for (size_t i = 1; i < met->count && kee_krefs_next(&list, &one); i++) {
            if (kee_map_put(&met->map, one.bits, met) != 0) {
                return KEE_FAULT_MEMORY;
            }
        }
    }
    if (met->count >= MET_SEARCHED) {
        *again = kee_map_get(&met->map, kref.bits) != NULL;
        return *again ? 0 : kee_map_put(&met->map, kref.bits, met);
    }
    for (size_t i = 1; i < met->count && kee_krefs_next(&list, &one); i++) {
        *again = *again || kee_kref_equal(one, kref);
    }
    return 0;
}

/* The peer has named a thing of its own in what it says: it counts so, too. */
static int own_mentioned(struct kee_kernel *kernel, struct kee_peer *peer, struct kee_kref kref)
{
    struct kee_buf *hold = kee_scratch_take(kernel);
    struct kee_peer_row row;
    int r = kee_peer_row_get(kernel, peer->id, kref, hold, &row);

    if (r == 0 && is_export(&row)) {
        row.mentions++;
        r = kee_peer_row_change(kernel, peer, kref, &row);
    }
    kee_scratch_give(kernel, hold);
    return r == KEE_STORE_ABSENT ? 0 : r;
}

int kee_peer_krefs_of(struct kee_kernel *kernel, struct kee_peer *peer, struct kee_vp_strings slots,
                      struct kee_buf *out)
{
    struct met met = {0};
    struct kee_bytes name;
    struct kee_kref kref;
    bool again;
    int r = 0;

    while (r == 0 && kee_vp_strings_next(&slots, &name)) {
        r = kee_peer_kref_of(kernel, peer, name, &kref);
        if (r != 0) {
            break;
        }
        if (out->size > 0) {
            kee_buf_put_char(out, ',');
        }
        kee_buf_put_kref(out, kref);
        met.list = kee_buf_bytes(out);
        r = kee_buf_status(out);
        r = r != 0 ? r : meet(&met, kref, &again);
        if (r == 0 && !again && name.data[0] != 'k') {
            r = own_mentioned(kernel, peer, kref);
        }
    }
    if (out->size == 0) {
        kee_buf_put_char(out, '-');
    }
    kee_map_fini(&met.map);
    return r != 0 ? r : kee_buf_status(out);
}

/* The peer is to hear how the promise settles: when it does, or, if it has, after this crank's news. */
static int let_know(struct kee_kernel *kernel, struct kee_peer *peer, struct kee_kref kref)
{
    struct kee_buf *hold;
    struct kee_promise promise;
    int r;

    if (!kee_kref_is_promise(kref)) {
        return 0;
    }
    hold = kee_scratch_take(kernel);
    r = kee_promise_get(kernel, kref, hold, &promise);
    if (r == 0 && promise.state == 'u') {
        r = kee_promise_subscribe(kernel, kref, kee_endpoint_of_peer(peer->id));
    } else if (r == 0) {
        kee_buf_put_u64(&kernel->tell_todo, peer->id.n);
        kee_buf_put_u64(&kernel->tell_todo, kref.bits);
        r = kee_buf_status(&kernel->tell_todo);
    }
    kee_scratch_give(kernel, hold);
    return r;
}

int kee_peer_mention(struct kee_kernel *kernel, struct kee_peer *peer, struct kee_kref kref,
                     bool again, struct kee_buf *name)
{
    struct kee_buf *hold = kee_scratch_take(kernel);
    struct kee_peer_row row;
    bool first = false;
    int r = kee_peer_row_get(kernel, peer->id, kref, hold, &row);

    if (r == 0 && !is_export(&row) && !again) {
        first = row.mentions++ == 0;
        r = kee_peer_row_change(kernel, peer, kref, &row);
    } else if (r == KEE_STORE_ABSENT) {
        kee_buf_clear(hold);
        kee_buf_put_kref(hold, kref);
        row = (struct kee_peer_row){.name = kee_buf_bytes(hold), .mentions = 1};
        first = true;
        r = peer->rows >= peer->rows_max ? full(kernel, peer) : kee_buf_status(hold);
        r = r != 0 ? r : kee_peer_row_add(kernel, peer, kref, &row, false);
        r = r != 0 ? r : kee_kref_hold(kernel, kref);
    }
    if (r == 0 && name != NULL) {
        kee_buf_put_bytes(name, row.name);
        r = kee_buf_status(name);
    }
    r = r != 0 || !first ? r : let_know(kernel, peer, kref);
    kee_scratch_give(kernel, hold);
    return r;
}

int kee_peer_mention_list(struct kee_kernel *kernel, struct kee_peer *peer, struct kee_bytes list,
                          struct kee_buf *out, uint32_t *count)
{
    struct kee_buf *name = kee_scratch_take(kernel);
    struct met met = {.list = list};
    struct kee_kref kref;
    bool again;
    int r = 0;

    for (*count = 0; r == 0 && kee_krefs_next(&list, &kref); (*count)++) {
        kee_buf_clear(name);
        r = meet(&met, kref, &again);
        r = r != 0 ? r : kee_peer_mention(kernel, peer, kref, again, name);
        if (r == 0) {
            kee_vp_put_string(out, kee_buf_bytes(name));
        }
    }
    kee_map_fini(&met.map);
    kee_scratch_give(kernel, name);
    return r != 0 ? r : kee_buf_status(out);
}

int kee_peer_result_new(struct kee_kernel *kernel, struct kee_peer *peer, struct kee_kref *out)
{
    struct kee_buf *text = kee_scratch_take(kernel);
    struct kee_peer_row row = {.mentions = 1, .is_answer = true};
    int r;

    kee_buf_put_endpoint(text, kee_endpoint_of_peer(peer->id));
    r = peer->rows >= peer->rows_max ? full(kernel, peer) : kee_buf_status(text);
    r = r != 0 ? r : kee_promise_new_for(kernel, KEE_ENDPOINT_NONE, 1, kee_buf_bytes(text), out);
    if (r == 0) {
        kee_buf_clear(text);
        kee_buf_put_kref(text, *out);
        row.name = kee_buf_bytes(text);
        r = kee_buf_status(text);
        r = r != 0 ? r : kee_peer_row_add(kernel, peer, *out, &row, true);
    }
    kee_scratch_give(kernel, text);
    return r;
}

int kee_peer_result_add(struct kee_kernel *kernel, struct kee_peer *peer, struct kee_kref kref,
                        struct kee_buf *name)
{
    struct kee_buf *hold = kee_scratch_take(kernel);
    struct kee_peer_row row;
    int r = kee_peer_row_get(kernel, peer->id, kref, hold, &row);

    if (r == KEE_STORE_ABSENT) {
        kee_buf_clear(hold);
        kee_buf_put_kref(hold, kref);
        row = (struct kee_peer_row){.name = kee_buf_bytes(hold)};
        r = peer->rows >= peer->rows_max ? full(kernel, peer) : kee_buf_status(hold);
        r = r != 0 ? r : kee_peer_row_add(kernel, peer, kref, &row, false);
        r = r != 0 ? r : kee_kref_hold(kernel, kref);
    }
    if (r == 0) {
        kee_buf_put_bytes(name, row.name);
        r = kee_buf_status(name);
    }
    kee_scratch_give(kernel, hold);
    return r;
}
