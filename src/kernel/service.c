/* SPDX-License-Identifier: Apache-2.0 */
/*
 * service - durable names of peers' objects.
 *
 *   SV-1  a row service.NAME holds one reference to its object, until the name goes.
 *
 * When its host comes back, the object that it offers under the name becomes the old one: the row of the
 * old object gets the new owner, and the peer's name for it stands for the old kref from then on. A kref
 * that the peer's name has had before stays its second meaning until nothing reaches it.
 */
#include "kernel/internal.h"

static bool is_name(struct kee_bytes name)
{
    if (name.size == 0 || name.size > KEE_LIMIT_SERVICE_NAME_BYTES) {
        return false;
    }
    for (size_t i = 0; i < name.size; i++) {
        if (name.data[i] <= ' ' || name.data[i] > '~') {
            return false;
        }
    }
    return true;
}

static int get(struct kee_kernel *kernel, struct kee_bytes name, struct kee_kref *out,
               bool *system_only)
{
    struct kee_bytes row;
    struct kee_key key;
    int r;

    if (!is_name(name)) {
        return KEE_STORE_ABSENT;
    }
    r = kee_world_get(kernel->world, kee_key_service(&key, name), &row);
    if (r != 0) {
        return r;
    }
    if (!kee_kref_parse(kee_bytes_cut(&row, ' '), out)) {
        return kee_row_corrupt(kee_key_view(&key), "KREF [system]");
    }
    *system_only = row.size > 0;
    return 0;
}

static int put(struct kee_kernel *kernel, struct kee_bytes name, struct kee_kref kref,
               bool system_only)
{
    struct kee_buf *row = kee_scratch_take(kernel);
    struct kee_key key;
    int r;

    kee_buf_put_kref(row, kref);
    if (system_only) {
        kee_buf_put_str(row, " system");
    }
    r = kee_row_put(kernel, kee_key_service(&key, name), row, false);
    kee_scratch_give(kernel, row);
    return r;
}

int kee_service_of(struct kee_kernel *kernel, struct kee_kref kref, struct kee_buf *out)
{
    struct kee_bytes prefix = KEE_BYTES_LIT("service."), key, value;
    struct kee_key at = {0};
    struct kee_kref one;
    int r;

    kee_key_add(&at, prefix);
    for (;;) {
        r = kee_world_next(kernel->world, prefix, kee_key_view(&at), &key, &value);
        if (r != 0) {
            return r;
        }
        at.size = 0;
        kee_key_add(&at, key);
        if (kee_kref_parse(kee_bytes_cut(&value, ' '), &one) && kee_kref_equal(one, kref)) {
            kee_buf_put_bytes(out, kee_bytes_of(at.text + prefix.size, at.size - prefix.size));
            return kee_buf_status(out);
        }
    }
}

/* The object is the peer's own? Outcome BAD if not. */
static int need_own(struct kee_kernel *kernel, struct kee_peer *peer, struct kee_bytes name,
                    struct kee_kref *kref, struct kee_object *object)
{
    int r = kee_peer_kref_of(kernel, peer, name, kref);

    r = r != 0 || kee_kref_is_promise(*kref) ? r : kee_object_get(kernel, *kref, object);
    if (r == 0 && (kee_kref_is_promise(*kref) || !kee_endpoint_is_peer(object->owner, peer->id))) {
        r = kee_kernel_decline(kernel, KEE_KERNEL_BAD,
                               "%.*s is no object of the session: only those can be services",
                               (int)name.size, (const char *)name.data);
    }
    return r;
}

/* What the peer calls fresh is the object old from now on. */
static int rebind(struct kee_kernel *kernel, struct kee_peer *peer, struct kee_kref fresh,
                  struct kee_kref old)
{
    struct kee_buf *hold = kee_scratch_take(kernel);
    struct kee_peer_row row, second;
    struct kee_object object;
    int r = kee_peer_row_get(kernel, peer->id, fresh, hold, &row);

    r = r != 0 ? r : kee_object_get(kernel, old, &object);
    if (r == 0) {
        object.owner = kee_endpoint_of_peer(peer->id);
        r = kee_object_put(kernel, old, &object, false);
    }
    r = r != 0 ? r : kee_peer_row_add(kernel, peer, old, &row, false);
    r = r != 0 ? r : kee_peer_own_prepend(kernel, peer, row.name, old);
    if (r == 0) { /* mentions count for the first meaning */
        second = row;
        second.mentions = 0;
        r = kee_peer_row_change(kernel, peer, fresh, &second);
        kee_buf_put_u64(&kernel->dropped_todo, fresh.bits);
        r = r != 0 ? r : kee_buf_status(&kernel->dropped_todo);
    }
    kee_scratch_give(kernel, hold);
    return r == KEE_STORE_ABSENT ? kee_row_corrupt(KEE_BYTES_LIT("service."), "its object") : r;
}

/* Under a name that had an object before. */
static int register_again(struct kee_kernel *kernel, struct kee_peer *peer, struct kee_bytes name,
                          struct kee_kref fresh, struct kee_kref old)
{
    struct kee_object object;
    int r = kee_object_get(kernel, old, &object);

    if (r != 0) {
        return r == KEE_STORE_ABSENT ? kee_row_corrupt(name, "a service's object") : r;
    }
    if (kee_kref_equal(fresh, old)) {
        return 0;
    }
    if (kee_peer_hearing(kernel, kee_endpoint_peer(object.owner)) != NULL) {
        return kee_kernel_decline(kernel, KEE_KERNEL_STATE,
                                  "the service '%.*s' is provided by session r%llu", (int)name.size,
                                  (const char *)name.data,
                                  (unsigned long long)kee_endpoint_peer(object.owner).n);
    }
    if (!kee_endpoint_is_none(object.owner)) { /* its peer is over, and not swept yet */
        r = kee_peer_take_export(kernel, kee_endpoint_peer(object.owner), old);
    }
    return r != 0 ? r : rebind(kernel, peer, fresh, old);
}

static int bind(struct kee_kernel *kernel, struct kee_peer *peer, struct kee_bytes name,
                struct kee_bytes object_name, bool system_only, struct kee_kref *out)
{
    struct kee_object object;
    struct kee_kref fresh;
    bool was_system;
    int r = need_own(kernel, peer, object_name, &fresh, &object);

    if (r != 0) {
        return r;
    }
    r = get(kernel, name, out, &was_system);
    if (r == KEE_STORE_ABSENT) {
        *out = fresh;
        r = kee_kref_hold(kernel, fresh);
    } else if (r == 0) {
        r = register_again(kernel, peer, name, fresh, *out);
    }
    return r != 0 ? r : put(kernel, name, *out, system_only);
}

int kee_service_register(struct kee_kernel *kernel, struct kee_peer_id id, struct kee_bytes name,
                         struct kee_bytes object, bool system_only, struct kee_kref *out)
{
    struct kee_peer *peer;
    int r = kee_peer_need(kernel, id, &peer);

    if (r == 0 && !is_name(name)) {
        r = kee_kernel_decline(kernel, KEE_KERNEL_BAD,
                               "the name of a service is at most %u printable characters, without "
                               "blanks",
                               KEE_LIMIT_SERVICE_NAME_BYTES);
    }
    if (r != 0) {
        return r;
    }
    kee_txn_begin(kernel);
    return kee_txn_end(kernel, bind(kernel, peer, name, object, system_only, out));
}

static int unbind(struct kee_kernel *kernel, struct kee_bytes name, struct kee_kref kref)
{
    struct kee_object object;
    struct kee_key key;
    int r = kee_object_get(kernel, kref, &object);

    if (r == 0 && kee_endpoint_peer(object.owner).n != 0) {
        r = kee_peer_take_export(kernel, kee_endpoint_peer(object.owner), kref);
    }
    r = r != 0 ? r : kee_world_delete(kernel->world, kee_key_service(&key, name));
    return r != 0 ? r : kee_kref_release(kernel, kref);
}

int kee_service_unregister(struct kee_kernel *kernel, struct kee_bytes name)
{
    struct kee_kref kref;
    bool system_only;
    int r = kee_service_find(kernel, name, &kref, &system_only);

    if (r != 0) {
        return r;
    }
    kee_txn_begin(kernel);
    return kee_txn_end(kernel, unbind(kernel, name, kref));
}

int kee_service_find(struct kee_kernel *kernel, struct kee_bytes name, struct kee_kref *out,
                     bool *system_only)
{
    int r = get(kernel, name, out, system_only);

    return r != KEE_STORE_ABSENT ? r
                                 : kee_kernel_decline(kernel, KEE_KERNEL_NO_SUCH,
                                                      "no registered kernel service '%.*s'",
                                                      (int)(name.size < 200 ? name.size : 200),
                                                      (const char *)name.data);
}
