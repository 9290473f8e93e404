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

struct service {
    struct kee_kref kref;
    bool system_only;
    bool held; /* the name only holds the object */
};

static int get(struct kee_kernel *kernel, struct kee_bytes name, struct service *out)
{
    struct kee_bytes row, word;
    struct kee_key key;
    int r;

    if (!is_name(name)) {
        return KEE_STORE_ABSENT;
    }
    r = kee_world_get(kernel->world, kee_key_service(&key, name), &row);
    if (r != 0) {
        return r;
    }
    *out = (struct service){0};
    if (!kee_kref_parse(kee_bytes_cut(&row, ' '), &out->kref)) {
        return kee_row_corrupt(kee_key_view(&key), "KREF [system] [held]");
    }
    while (row.size > 0) {
        word = kee_bytes_cut(&row, ' ');
        out->system_only = out->system_only || kee_bytes_equal(word, KEE_BYTES_LIT("system"));
        out->held = out->held || kee_bytes_equal(word, KEE_BYTES_LIT("held"));
    }
    return 0;
}

static int put(struct kee_kernel *kernel, struct kee_bytes name, const struct service *service)
{
    struct kee_buf *row = kee_scratch_take(kernel);
    struct kee_key key;
    int r;

    kee_buf_put_kref(row, service->kref);
    kee_buf_put_str(row, service->system_only ? " system" : "");
    kee_buf_put_str(row, service->held ? " held" : "");
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

/* The peer may have been given the object before, as that of somebody else. */
static int forget_import(struct kee_kernel *kernel, struct kee_peer *peer, struct kee_kref kref)
{
    struct kee_buf *hold = kee_scratch_take(kernel);
    struct kee_peer_row row;
    bool unused;
    int r = kee_peer_row_get(kernel, peer->id, kref, hold, &row);

    r = r != 0 ? r : kee_peer_row_remove(kernel, peer, kref, &row, &unused);
    r = r != 0 ? r : kee_kref_release(kernel, kref);
    kee_scratch_give(kernel, hold);
    return r == KEE_STORE_ABSENT ? 0 : r;
}

/* What the peer calls fresh is the object old from now on. */
static int rebind(struct kee_kernel *kernel, struct kee_peer *peer, struct kee_kref fresh,
                  struct kee_kref old)
{
    struct kee_buf *hold = kee_scratch_take(kernel);
    struct kee_peer_row row, second;
    struct kee_object object;
    int r = kee_peer_row_get(kernel, peer->id, fresh, hold, &row);

    r = r != 0 ? r : forget_import(kernel, peer, old);
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

static int check_name(struct kee_kernel *kernel, struct kee_bytes name)
{
    return is_name(name) ? 0
                         : kee_kernel_decline(
                               kernel, KEE_KERNEL_BAD,
                               "the name of a service is at most %u printable characters, without "
                               "blanks",
                               KEE_LIMIT_SERVICE_NAME_BYTES);
}

static int bind(struct kee_kernel *kernel, struct kee_peer *peer, struct kee_bytes name,
                struct kee_bytes object_name, bool system_only, struct kee_kref *out)
{
    struct service service = {0};
    struct kee_object object;
    struct kee_kref fresh;
    int r = need_own(kernel, peer, object_name, &fresh, &object);

    if (r != 0) {
        return r;
    }
    r = get(kernel, name, &service);
    if (r == KEE_STORE_ABSENT) {
        service.kref = fresh;
        r = kee_kref_hold(kernel, fresh);
    } else if (r == 0 && service.held) { /* a vat's object had the name */
        r = kee_kref_hold(kernel, fresh);
        r = r != 0 ? r : kee_kref_release(kernel, service.kref);
        service.kref = fresh;
    } else if (r == 0) {
        r = register_again(kernel, peer, name, fresh, service.kref);
    }
    *out = service.kref;
    service.held = false;
    service.system_only = system_only;
    return r != 0 ? r : put(kernel, name, &service);
}

int kee_service_register(struct kee_kernel *kernel, struct kee_peer_id id, struct kee_bytes name,
                         struct kee_bytes object, bool system_only, struct kee_kref *out)
{
    struct kee_peer *peer;
    int r = kee_peer_need(kernel, id, &peer);

    r = r != 0 ? r : check_name(kernel, name);
    if (r != 0) {
        return r;
    }
    kee_txn_begin(kernel);
    return kee_txn_end(kernel, bind(kernel, peer, name, object, system_only, out));
}

/* The name holds the object from now on, and lets go of the one before. */
static int hold(struct kee_kernel *kernel, struct kee_bytes name, struct kee_kref kref,
                bool system_only)
{
    struct service before = {0};
    struct service service = {kref, system_only, true};
    struct kee_object object;
    int r = get(kernel, name, &before);

    if (r == 0 && !before.held) {
        r = kee_object_get(kernel, before.kref, &object);
        if (r == 0 && kee_peer_hearing(kernel, kee_endpoint_peer(object.owner)) != NULL) {
            r = kee_kernel_decline(kernel, KEE_KERNEL_STATE, "the service '%.*s' is provided",
                                   (int)name.size, (const char *)name.data);
        }
    } else if (r == KEE_STORE_ABSENT) {
        r = 0;
    }
    r = r != 0 ? r : kee_kref_hold(kernel, kref);
    r = r != 0 || kee_kref_is_none(before.kref) ? r : kee_kref_release(kernel, before.kref);
    return r != 0 ? r : put(kernel, name, &service);
}

int kee_service_hold(struct kee_kernel *kernel, struct kee_bytes name, struct kee_kref object)
{
    int r = check_name(kernel, name);

    r = r != 0 ? r : kee_kref_need_reachable(kernel, object);
    if (r != 0) {
        return r;
    }
    kee_txn_begin(kernel);
    return kee_txn_end(kernel, hold(kernel, name, object, true));
}

/* Whose object it is, if that is an open peer, and what that calls it. */
static int find_provider(struct kee_kernel *kernel, struct kee_kref kref, struct kee_peer **out,
                         struct kee_buf *name)
{
    struct kee_buf *row_text = kee_scratch_take(kernel);
    struct kee_peer_row row;
    struct kee_object object;
    int r = kee_object_get(kernel, kref, &object);

    *out = NULL;
    if (r == 0) {
        *out = kee_peer_hearing(kernel, kee_endpoint_peer(object.owner));
    }
    if (*out != NULL) {
        r = kee_peer_row_get(kernel, (*out)->id, kref, row_text, &row);
        kee_buf_put_bytes(name, r == 0 ? row.name : kee_bytes_of(NULL, 0));
    }
    kee_scratch_give(kernel, row_text);
    return r < 0 ? r : kee_buf_status(name);
}

int kee_service_register_kref(struct kee_kernel *kernel, struct kee_bytes name,
                              struct kee_kref object, bool system_only, struct kee_kref *out)
{
    struct kee_buf *own = kee_scratch_take(kernel);
    struct kee_peer *peer = NULL;
    int r = check_name(kernel, name);

    r = r != 0 ? r : kee_kref_need_reachable(kernel, object);
    if (r == 0 && kee_kref_is_promise(object)) {
        r = kee_kernel_decline(kernel, KEE_KERNEL_BAD, "a promise cannot be a service");
    }
    r = r != 0 ? r : find_provider(kernel, object, &peer, own);
    if (r == 0) {
        kee_txn_begin(kernel);
        *out = object;
        r = kee_txn_end(kernel, peer != NULL
                                    ? bind(kernel, peer, name, kee_buf_bytes(own), system_only, out)
                                    : hold(kernel, name, object, system_only));
    }
    kee_scratch_give(kernel, own);
    return r;
}

static int unbind(struct kee_kernel *kernel, struct kee_bytes name, const struct service *service)
{
    struct kee_object object;
    struct kee_key key;
    int r = service->held ? KEE_STORE_ABSENT : kee_object_get(kernel, service->kref, &object);

    if (r == 0 && kee_endpoint_peer(object.owner).n != 0) {
        r = kee_peer_take_export(kernel, kee_endpoint_peer(object.owner), service->kref);
    }
    r = r < 0 ? r : kee_world_delete(kernel->world, kee_key_service(&key, name));
    return r != 0 ? r : kee_kref_release(kernel, service->kref);
}

static int find(struct kee_kernel *kernel, struct kee_bytes name, struct service *out)
{
    int r = get(kernel, name, out);

    return r != KEE_STORE_ABSENT ? r
                                 : kee_kernel_decline(kernel, KEE_KERNEL_NO_SUCH,
                                                      "no registered kernel service '%.*s'",
                                                      (int)(name.size < 200 ? name.size : 200),
                                                      (const char *)name.data);
}

int kee_service_unregister(struct kee_kernel *kernel, struct kee_bytes name)
{
    struct service service;
    int r = find(kernel, name, &service);

    if (r != 0) {
        return r;
    }
    kee_txn_begin(kernel);
    return kee_txn_end(kernel, unbind(kernel, name, &service));
}

int kee_service_find(struct kee_kernel *kernel, struct kee_bytes name, struct kee_kref *out,
                     bool *system_only)
{
    struct service service = {0};
    int r = find(kernel, name, &service);

    *out = service.kref;
    *system_only = service.system_only;
    return r;
}
