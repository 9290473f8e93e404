/* SPDX-License-Identifier: Apache-2.0 */
/*
 * subcluster - vats launched together from one configuration: all of them, or none.
 *
 *   rows of all vats, one commit ──► START each, in the order given ──► bootstrap(vats, services)
 *        launching.sN marks it           a failure takes all back            its result is the answer
 */
#include <sodium/crypto_hash_sha256.h>
#include <sodium/utils.h>
#include <stdio.h>
#include <stdlib.h>

#include "kernel/internal.h"

struct kee_launching {
    struct kee_link link;
    struct kee_subcluster_id subcluster;
    uint64_t call;
    size_t bootstrap; /* index of the vat */
    size_t started;
    size_t count;
    struct kee_buf services; /* names, as strings of a frame */
    uint32_t service_count;
    struct kee_buf channels; /* likewise */
    uint32_t channel_count;
    bool system;
    struct kee_peer_id asker;
    struct kee_vat_id vats[];
};

static void launching_free(struct kee_launching *launching)
{
    kee_buf_fini(&launching->services);
    kee_buf_fini(&launching->channels);
    free(launching);
}

static struct kee_vp_strings services_of(const struct kee_launching *launching)
{
    return (struct kee_vp_strings){kee_buf_bytes(&launching->services), launching->service_count};
}

/* A service that a subcluster may have. Outcome NO_SUCH. */
static int find_service(struct kee_kernel *kernel, struct kee_bytes name, bool system,
                        struct kee_kref *out)
{
    bool system_only = false;
    int r = kee_service_find(kernel, name, out, &system_only);

    if (r == 0 && system_only && !system) {
        r = kee_kernel_decline(kernel, KEE_KERNEL_NO_SUCH, "no registered kernel service '%.*s'",
                               (int)name.size, (const char *)name.data);
    }
    return r;
}

static int check_services(struct kee_kernel *kernel, struct kee_vp_strings services, bool system)
{
    struct kee_vp_strings rest = services;
    struct kee_bytes name;
    struct kee_kref kref;
    int r = 0;

    if (services.count > KEE_LIMIT_LAUNCH_SERVICES) {
        return kee_kernel_decline(kernel, KEE_KERNEL_BAD,
                                  "services: expected at most %u names, found %u",
                                  KEE_LIMIT_LAUNCH_SERVICES, services.count);
    }
    while (r == 0 && kee_vp_strings_next(&rest, &name)) {
        r = find_service(kernel, name, system, &kref);
    }
    return r;
}

static int check(struct kee_kernel *kernel, const struct kee_launch *launch, size_t *bootstrap)
{
    bool found = false;
    int r;

    if (launch->vat_count == 0) {
        return kee_kernel_decline(kernel, KEE_KERNEL_BAD, "a launch needs at least one vat");
    }
    for (size_t i = 0; i < launch->vat_count; i++) {
        const struct kee_launch_vat *vat = &launch->vats[i];
        if (vat->code.size > KEE_LIMIT_BUNDLE_BYTES) {
            return kee_kernel_decline(
                kernel, KEE_KERNEL_BAD,
                "the code of vat \"%.*s\" has %zu bytes, over the limit of %u", (int)vat->name.size,
                (const char *)vat->name.data, vat->code.size, KEE_LIMIT_BUNDLE_BYTES);
        }
        if (vat->parameters.slots.count > 0) {
            return kee_kernel_decline(kernel, KEE_KERNEL_BAD,
                                      "parameters of a vat cannot hold references");
        }
        r = kee_inventory_check(kernel, vat->inventory);
        if (r != 0) {
            return r;
        }
        for (size_t j = 0; j < i; j++) {
            if (kee_bytes_equal(vat->name, launch->vats[j].name)) {
                return kee_kernel_decline(kernel, KEE_KERNEL_BAD, "two vats are named \"%.*s\"",
                                          (int)vat->name.size, (const char *)vat->name.data);
            }
        }
        if (kee_bytes_equal(vat->name, launch->bootstrap)) {
            *bootstrap = i;
            found = true;
        }
    }
    return found ? check_services(kernel, launch->services, launch->system)
                 : kee_kernel_decline(kernel, KEE_KERNEL_BAD,
                                      "bootstrap names \"%.*s\", which is none of the vats",
                                      (int)launch->bootstrap.size,
                                      (const char *)launch->bootstrap.data);
}

static int put(struct kee_kernel *kernel, struct kee_bytes key, struct kee_bytes value)
{
    return kee_world_put(kernel->world, key, value);
}

static int put_code(struct kee_kernel *kernel, struct kee_vat *vat, struct kee_bytes code)
{
    uint8_t hash[crypto_hash_sha256_BYTES];
    struct kee_key key;
    struct kee_bytes value;
    int r;

    (void)crypto_hash_sha256(hash, code.data, code.size);
    (void)sodium_bin2hex(vat->code, sizeof vat->code, hash, sizeof hash);
    key.size = 0;
    kee_key_add(&key, KEE_BYTES_LIT("code."));
    kee_key_add(&key, kee_bytes_str(vat->code));
    r = kee_world_get(kernel->world, kee_key_view(&key), &value);
    if (r == KEE_STORE_ABSENT) {
        r = put(kernel, kee_key_view(&key), code);
    }
    kee_key_add(&key, KEE_BYTES_LIT(".v"));
    kee_key_add_number(&key, vat->id.n);
    return r != 0 ? r : put(kernel, kee_key_view(&key), kee_bytes_of(NULL, 0));
}

static int put_globals(struct kee_kernel *kernel, struct kee_vat *vat,
                       struct kee_vp_strings globals)
{
    struct kee_buf *list = kee_scratch_take(kernel);
    struct kee_bytes one;
    struct kee_key key;
    int r;

    while (kee_vp_strings_next(&globals, &one)) {
        if (list->size > 0) {
            kee_buf_put_char(list, ',');
        }
        kee_buf_put_bytes(list, one);
    }
    if (list->size == 0) {
        kee_buf_put_char(list, '-');
    }
    r = kee_row_put(kernel, kee_key_vat(&key, vat->id, ".globals"), list, true);
    kee_scratch_give(kernel, list);
    return r;
}

static int new_vat(struct kee_kernel *kernel, const struct kee_launch_vat *given,
                   struct kee_subcluster_id subcluster, struct kee_vat *vat)
{
    struct kee_key key;
    int r;

    *vat = (struct kee_vat){.subcluster = subcluster,
                            .next_object = 50,
                            .reserved_object = 50,
                            .next_promise = 60,
                            .reserved_promise = 60,
                            .raw = given->raw};
    vat->flavour = given->flavour != KEE_FLAVOUR_UNSAID ? given->flavour : kernel->options.flavour;
    r = kee_ids_take(kernel, 'v', &vat->id.n);
    r = r != 0 ? r : kee_object_new(kernel, kee_endpoint_of_vat(vat->id), &vat->root);
    r = r != 0 ? r : kee_kref_hold(kernel, vat->root);
    r = r != 0 ? r : kee_clist_add(kernel, vat, vat->root, KEE_BYTES_LIT("o+0"));
    r = r != 0 ? r : put_code(kernel, vat, given->code);
    r = r != 0 ? r : kee_vat_save(kernel, vat, true);
    r = r != 0 ? r : put(kernel, kee_key_vat(&key, vat->id, ".name"), given->name);
    r = r != 0 ? r : put(kernel, kee_key_vat(&key, vat->id, ".code"), given->code_name);
    r = r != 0 ? r : put(kernel, kee_key_vat(&key, vat->id, ".parameters"), given->parameters.body);
    r = r != 0 ? r : put_globals(kernel, vat, given->globals);
    r = r != 0 ? r : kee_inventory_put(kernel, vat, given->inventory);
    (void)kee_key_subcluster(&key, subcluster, ".v.v");
    kee_key_add_number(&key, vat->id.n);
    return r != 0 ? r : put(kernel, kee_key_view(&key), given->name);
}

static struct kee_bytes launching_key(struct kee_key *key, struct kee_subcluster_id id)
{
    key->size = 0;
    kee_key_add(key, KEE_BYTES_LIT("launching.s"));
    kee_key_add_number(key, id.n);
    return kee_key_view(key);
}

static int put_subcluster(struct kee_kernel *kernel, const struct kee_launching *launching,
                          const char *state)
{
    struct kee_buf *row = kee_scratch_take(kernel);
    struct kee_key key;
    int r;

    kee_buf_printf(row, "%s v%llu", state,
                   (unsigned long long)launching->vats[launching->bootstrap].n);
    r = kee_row_put(kernel, kee_key_subcluster(&key, launching->subcluster, ""), row, false);
    kee_scratch_give(kernel, row);
    return r;
}

static int create(struct kee_kernel *kernel, const struct kee_launch *launch,
                  struct kee_launching *launching)
{
    struct kee_key key;
    struct kee_vat vat;
    int r;

    r = kee_ids_take(kernel, 's', &launching->subcluster.n);
    for (size_t i = 0; r == 0 && i < launch->vat_count; i++) {
        r = new_vat(kernel, &launch->vats[i], launching->subcluster, &vat);
        launching->vats[launching->count++] = vat.id;
    }
    r = r != 0 ? r : put_subcluster(kernel, launching, "launching");
    r = r != 0 ? r
               : put(kernel, kee_key_subcluster(&key, launching->subcluster, ".config"),
                     launch->config);
    return r != 0 ? r
                  : put(kernel, launching_key(&key, launching->subcluster), kee_bytes_of(NULL, 0));
}

static int start_next(struct kee_kernel *kernel, struct kee_launching *launching)
{
    struct kee_vat *vat;
    int r = kee_vat_load(kernel, launching->vats[launching->started], &vat);

    if (r != 0) {
        return r;
    }
    kee_assert(vat != NULL);
    return kee_vat_start(kernel, vat);
}

int kee_kernel_launch(struct kee_kernel *kernel, const struct kee_launch *launch, uint64_t call)
{
    struct kee_launching *launching;
    size_t bootstrap = 0;
    int r;

    r = check(kernel, launch, &bootstrap);
    if (r != 0) {
        return r;
    }
    launching = calloc(1, sizeof *launching + launch->vat_count * sizeof *launching->vats);
    if (launching == NULL) {
        return kee_fault(KEE_FAULT_MEMORY, "a launch");
    }
    launching->call = call;
    launching->bootstrap = bootstrap;
    launching->system = launch->system;
    launching->service_count = launch->services.count;
    kee_buf_put_bytes(&launching->services, launch->services.raw);
    launching->channel_count = launch->channels.count;
    kee_buf_put_bytes(&launching->channels, launch->channels.raw);
    launching->asker = launch->asker;
    kee_list_init(&launching->link);
    kee_txn_begin(kernel);
    r = kee_buf_status(&launching->services);
    r = r != 0 ? r : kee_buf_status(&launching->channels);
    r = r != 0 ? r : create(kernel, launch, launching);
    r = kee_txn_end(kernel, r);
    if (r != 0) {
        launching_free(launching);
        return r;
    }
    kee_list_append(&kernel->launches, &launching->link);
    return start_next(kernel, launching);
}

struct kee_subcluster_id kee_kernel_launch_of(const struct kee_kernel *kernel, uint64_t call)
{
    for (struct kee_link *link = kernel->launches.next; link != &kernel->launches;
         link = link->next) {
        struct kee_launching *one = KEE_CONTAINER(link, struct kee_launching, link);
        if (one->call == call) {
            return one->subcluster;
        }
    }
    return (struct kee_subcluster_id){0};
}

int kee_kernel_config(struct kee_kernel *kernel, struct kee_subcluster_id subcluster,
                      struct kee_buf *out)
{
    struct kee_key key;
    struct kee_bytes value;
    int r = kee_world_get(kernel->world, kee_key_subcluster(&key, subcluster, ".config"), &value);

    if (r == KEE_STORE_ABSENT) {
        return kee_kernel_decline(kernel, KEE_KERNEL_NO_SUCH, "there is no subcluster s%llu",
                                  (unsigned long long)subcluster.n);
    }
    kee_buf_put_bytes(out, r == 0 ? value : kee_bytes_of(NULL, 0));
    return r != 0 ? r : kee_buf_status(out);
}

/* The name of a vat in its configuration. */
static int vat_name(struct kee_kernel *kernel, struct kee_vat_id id, struct kee_buf *out)
{
    struct kee_key key;
    struct kee_bytes value;
    int r = kee_row_need(kernel, kee_key_vat(&key, id, ".name"), &value);

    kee_buf_put_bytes(out, value);
    return r != 0 ? r : kee_buf_status(out);
}

/* "name":"$I.Alleged: iface", and the slot. */
static void put_member(struct kee_buf *body, struct kee_buf *slots, struct kee_bytes name, size_t i,
                       struct kee_bytes iface, struct kee_kref kref)
{
    kee_buf_put_char(body, '"');
    if (name.size > 0 && name.data[0] >= '!' && name.data[0] <= '-') {
        kee_buf_put_char(body, '!');
    }
    kee_json_escape(body, name);
    kee_buf_printf(body, "\":\"$%zu.Alleged: ", i);
    kee_json_escape(body, iface);
    kee_buf_put_char(body, '"');
    kee_buf_put_str(slots, i > 0 ? "," : "");
    kee_buf_put_kref(slots, kref);
}

static int put_services(struct kee_kernel *kernel, const struct kee_launching *launching,
                        struct kee_buf *body, struct kee_buf *slots)
{
    struct kee_vp_strings services = services_of(launching);
    struct kee_bytes name;
    struct kee_kref kref;
    size_t i = launching->count;
    int r = 0;

    while (r == 0 && kee_vp_strings_next(&services, &name)) {
        r = find_service(kernel, name, launching->system, &kref);
        if (r == 0) {
            kee_buf_put_str(body, i > launching->count ? "," : "");
            put_member(body, slots, name, i++, name, kref);
        }
    }
    return r;
}

/* I/O channels: as further services. */
static int put_channels(struct kee_kernel *kernel, const struct kee_launching *launching,
                        struct kee_buf *body, struct kee_buf *slots)
{
    struct kee_vp_strings channels = {kee_buf_bytes(&launching->channels),
                                      launching->channel_count};
    struct kee_buf *service = kee_scratch_take(kernel);
    size_t i = launching->count + launching->service_count;
    struct kee_bytes name;
    struct kee_kref kref;
    int r = 0;

    while (r == 0 && kee_vp_strings_next(&channels, &name)) {
        kee_buf_clear(service);
        kee_buf_printf(service, "io:s%llu:", (unsigned long long)launching->subcluster.n);
        kee_buf_put_bytes(service, name);
        r = kee_buf_status(service);
        r = r != 0 ? r : find_service(kernel, kee_buf_bytes(service), true, &kref);
        if (r == 0) {
            kee_buf_put_str(body, i > launching->count ? "," : "");
            put_member(body, slots, name, i++, name, kref);
        }
    }
    kee_scratch_give(kernel, service);
    return r;
}

/* ["bootstrap", [{name: root, ...}, {name: service, ...}]] in smallcaps, and its slots. */
static int bootstrap_message(struct kee_kernel *kernel, const struct kee_launching *launching,
                             struct kee_buf *body, struct kee_buf *slots)
{
    struct kee_buf *name = kee_scratch_take(kernel);
    struct kee_vat *vat;
    int r = 0;

    kee_buf_put_str(body, "#[\"bootstrap\",[{");
    for (size_t i = 0; r == 0 && i < launching->count; i++) {
        kee_buf_clear(name);
        r = kee_vat_load(kernel, launching->vats[i], &vat);
        r = r != 0 ? r : vat_name(kernel, launching->vats[i], name);
        if (r != 0) {
            break;
        }
        kee_buf_put_str(body, i > 0 ? "," : "");
        put_member(body, slots, kee_buf_bytes(name), i, KEE_BYTES_LIT("vatRoot"), vat->root);
    }
    kee_buf_put_str(body, "},{");
    r = r != 0 ? r : put_services(kernel, launching, body, slots);
    r = r != 0 ? r : put_channels(kernel, launching, body, slots);
    kee_buf_put_str(body, "}]]");
    kee_scratch_give(kernel, name);
    return r != 0 ? r : kee_buf_status(body);
}

static int bootstrap(struct kee_kernel *kernel, struct kee_launching *launching)
{
    struct kee_buf *body = kee_scratch_take(kernel);
    struct kee_buf *slots = kee_scratch_take(kernel);
    struct kee_item item = {.type = 'm', .from = KEE_BYTES_LIT("console")};
    struct kee_vat *vat;
    struct kee_key key;
    int r;

    kee_txn_begin(kernel);
    r = kee_vat_load(kernel, launching->vats[launching->bootstrap], &vat);
    r = r != 0 ? r : kee_world_delete(kernel->world, launching_key(&key, launching->subcluster));
    r = r != 0 ? r : put_subcluster(kernel, launching, "running");
    r = r != 0 ? r : bootstrap_message(kernel, launching, body, slots);
    if (r == 0 && launching->call != 0) {
        r = kee_promise_new(kernel, KEE_ENDPOINT_NONE, 0, &item.result);
        r = r != 0 ? r
                   : kee_call_wait(kernel, launching->call, item.result, launching->subcluster,
                                   vat->root, launching->asker);
    }
    if (r == 0) {
        item.target = vat->root;
        item.slots = kee_buf_bytes(slots);
        item.body = kee_buf_bytes(body);
        r = kee_route(kernel, &item, true);
    }
    r = kee_txn_end(kernel, r);
    kee_scratch_give(kernel, slots);
    kee_scratch_give(kernel, body);
    return r;
}

/* All of it goes; why is the answer. */
static int decline(struct kee_kernel *kernel, struct kee_launching *launching, const char *why)
{
    char text[400];
    int r;

    (void)snprintf(text, sizeof text, "%s", why); /* why may be the kernel's own */
    r = kee_kernel_terminate_subcluster(kernel, launching->subcluster);
    if (r == 0 && launching->call != 0) {
        kee_txn_begin(kernel);
        r = kee_txn_end(kernel, kee_answer_decline(kernel, launching->call, text));
    }
    return r;
}

static int take_back(struct kee_kernel *kernel, struct kee_launching *launching,
                     struct kee_vat *vat, const char *why)
{
    struct kee_buf *name = kee_scratch_take(kernel);
    char text[400];
    int r;

    r = vat_name(kernel, vat->id, name);
    if (r == 0) {
        (void)snprintf(text, sizeof text, "vat \"%s\" did not start: %s", kee_buf_cstr(name), why);
        r = decline(kernel, launching, text);
    }
    kee_scratch_give(kernel, name);
    return r;
}

int kee_launch_progress(struct kee_kernel *kernel, struct kee_vat *vat, const char *why,
                        bool *consumed)
{
    struct kee_launching *launching = NULL;
    int r;

    *consumed = false;
    for (struct kee_link *link = kernel->launches.next; link != &kernel->launches;
         link = link->next) {
        struct kee_launching *one = KEE_CONTAINER(link, struct kee_launching, link);
        if (one->vats[one->started].n == vat->id.n) {
            launching = one;
            break;
        }
    }
    if (launching == NULL) {
        return 0;
    }
    if (why == NULL && ++launching->started < launching->count) {
        return start_next(kernel, launching);
    }
    kee_list_remove(&launching->link);
    *consumed = why != NULL;
    r = why == NULL ? bootstrap(kernel, launching) : take_back(kernel, launching, vat, why);
    if (r > 0) { /* a service has gone since */
        r = decline(kernel, launching, kee_kernel_why(kernel));
    }
    launching_free(launching);
    return r;
}

void kee_launches_free(struct kee_kernel *kernel)
{
    while (!kee_list_is_empty(&kernel->launches)) {
        struct kee_launching *launching =
            KEE_CONTAINER(kernel->launches.next, struct kee_launching, link);
        kee_list_remove(&launching->link);
        launching_free(launching);
    }
}

/* A launch that is ended from outside before it was answered. */
static int forget_launch(struct kee_kernel *kernel, struct kee_subcluster_id id)
{
    int r = 0;

    for (struct kee_link *link = kernel->launches.next; link != &kernel->launches;
         link = link->next) {
        struct kee_launching *one = KEE_CONTAINER(link, struct kee_launching, link);
        if (one->subcluster.n == id.n) {
            kee_list_remove(link);
            if (one->call != 0) {
                kee_txn_begin(kernel);
                r = kee_answer_decline(kernel, one->call, "the subcluster was terminated");
                r = kee_txn_end(kernel, r);
            }
            launching_free(one);
            break;
        }
    }
    return r;
}

int kee_kernel_terminate_subcluster(struct kee_kernel *kernel, struct kee_subcluster_id id)
{
    struct kee_key prefix, at;
    struct kee_bytes value;
    struct kee_vat_id vat_id;
    struct kee_vat *vat;
    int r;

    r = kee_world_get(kernel->world, kee_key_subcluster(&at, id, ""), &value);
    if (r == KEE_STORE_ABSENT) {
        return kee_kernel_decline(kernel, KEE_KERNEL_NO_SUCH, "there is no subcluster s%llu",
                                  (unsigned long long)id.n);
    }
    r = r != 0 ? r : forget_launch(kernel, id);
    (void)kee_key_subcluster(&prefix, id, ".v.");
    at.size = 0;
    while (r == 0) {
        r = kee_keys_next_id(kernel, &prefix, &at, 'v', &vat_id.n);
        r = r != 0 ? r : kee_vat_load(kernel, vat_id, &vat);
        if (r == 0 && vat != NULL) {
            r = kee_vat_terminate(kernel, vat, "its subcluster was terminated");
        }
    }
    return r == KEE_STORE_ABSENT ? 0 : r;
}
