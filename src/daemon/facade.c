/* SPDX-License-Identifier: Apache-2.0 */
/* facade - the daemon's own peer: its objects, what it hears, what its orders wait for. See facade.h. */
#include "daemon/facade.h"

#include <stdlib.h>

#include "base/fault.h"
#include "daemon/facade_internal.h"

/* News or an answer, kept until the kernel may be called. */
struct kee_heard {
    struct kee_link link;
    struct kee_order *order; /* a message; or whose launch was answered */
    bool answered;
    struct kee_buf text;      /* what the rest points into */
    struct kee_bytes promise; /* that settled */
    bool rejected;
    struct kee_vp_capdata data;
    struct kee_answer answer;
};

/* ---- what our peer says ---- */

int kee_facade_let_go(struct kee_facade *facade, struct kee_bytes name, uint64_t count)
{
    struct kee_kref kref;

    if (!kee_kref_parse(name, &kref)) {
        return 0; /* a name of our own */
    }
    return kee_peer_drop(facade->daemon->core.kernel, facade->peer, name, count);
}

static struct kee_facade_object *find_object(const struct kee_facade *facade, struct kee_bytes name)
{
    uint64_t number;

    if (name.size < 3 || memcmp(name.data, "o+", 2) != 0 ||
        !kee_bytes_decimal(kee_bytes_of(name.data + 2, name.size - 2), &number)) {
        return NULL;
    }
    for (struct kee_link *link = facade->objects.next; link != &facade->objects;
         link = link->next) {
        struct kee_facade_object *object = KEE_CONTAINER(link, struct kee_facade_object, link);
        if (object->number == number) {
            return object;
        }
    }
    return NULL;
}

bool kee_facade_kref_of(const struct kee_facade *facade, struct kee_bytes name,
                        struct kee_kref *out)
{
    const struct kee_facade_object *object = find_object(facade, name);

    if (object != NULL) {
        *out = object->kref;
    }
    return object != NULL;
}

void kee_facade_put_name(const struct kee_facade *facade, struct kee_kref kref, struct kee_buf *out)
{
    for (struct kee_link *link = facade->objects.next; link != &facade->objects;
         link = link->next) {
        struct kee_facade_object *object = KEE_CONTAINER(link, struct kee_facade_object, link);
        if (kee_kref_equal(object->kref, kref)) {
            kee_buf_printf(out, "o+%llu", (unsigned long long)object->number);
            return;
        }
    }
    kee_buf_put_kref(out, kref);
}

/* ---- objects ---- */

int kee_facade_add_object(struct kee_daemon *daemon, const struct kee_order_method *methods,
                          void *object, struct kee_bytes service, struct kee_kref *out)
{
    struct kee_facade *facade = daemon->facade;
    struct kee_facade_object *added = calloc(1, sizeof *added);
    struct kee_buf name = KEE_BUF_EMPTY;
    int r;

    if (added == NULL) {
        return kee_fault(KEE_FAULT_MEMORY, "an object of the daemon");
    }
    added->number = ++facade->number_last;
    added->methods = methods;
    added->object = object;
    kee_buf_printf(&name, "o+%llu", (unsigned long long)added->number);
    r = kee_buf_status(&name);
    if (r == 0) {
        r = kee_service_register(daemon->core.kernel, facade->peer, service, kee_buf_bytes(&name),
                                 true, &added->kref);
    }
    kee_buf_fini(&name);
    if (r != 0) {
        free(added);
        return r;
    }
    kee_list_append(&facade->objects, &added->link);
    *out = added->kref;
    return 0;
}

int kee_facade_remove_object(struct kee_daemon *daemon, struct kee_bytes service,
                             struct kee_kref kref)
{
    struct kee_facade *facade = daemon->facade;
    int r = kee_service_unregister(daemon->core.kernel, service);

    for (struct kee_link *link = facade->objects.next; link != &facade->objects;
         link = link->next) {
        struct kee_facade_object *object = KEE_CONTAINER(link, struct kee_facade_object, link);
        if (kee_kref_equal(object->kref, kref)) {
            kee_list_remove(&object->link);
            free(object);
            break;
        }
    }
    return r < 0 ? r : 0;
}

int kee_facade_open(struct kee_daemon *daemon)
{
    static const struct kee_peer_options options = {.label = {(const uint8_t *)"kernel", 6},
                                                    .privileged = true,
                                                    .rows_max = UINT64_MAX,
                                                    .parks = true};
    struct kee_facade *facade = calloc(1, sizeof *facade);
    struct kee_kref kref;
    bool system_only;
    int r;

    if (facade == NULL) {
        return kee_fault(KEE_FAULT_MEMORY, "the kernel's facade");
    }
    daemon->facade = facade;
    facade->daemon = daemon;
    kee_list_init(&facade->objects);
    kee_list_init(&facade->heard);
    kee_list_init(&facade->promises);
    kee_list_init(&facade->partings);
    r = kee_peer_open(daemon->core.kernel, &options, &facade->peer);
    if (r == 0) {
        r = kee_service_find(daemon->core.kernel, KEE_BYTES_LIT("kernelFacet"), &kref,
                             &system_only);
        r = r != 0 ? (r < 0 ? r : 0) : kee_facade_bind(daemon);
    }
    return r > 0 ? kee_fault(KEE_FAULT_CORRUPT, "the kernel's facade: %s",
                             kee_kernel_why(daemon->core.kernel))
                 : r;
}

int kee_facade_bind(struct kee_daemon *daemon)
{
    struct kee_facade *facade = daemon->facade;
    struct kee_kref registry;
    int r;

    if (!kee_kref_is_none(facade->kref)) {
        return 0;
    }
    r = kee_facade_add_object(daemon, kee_facade_methods, NULL, KEE_BYTES_LIT("kernelFacet"),
                              &facade->kref);
    return r != 0 ? r
                  : kee_facade_add_object(daemon, kee_registry_methods, NULL,
                                          KEE_BYTES_LIT("kernelRegistry"), &registry);
}

static void heard_free(struct kee_heard *heard, bool with_order)
{
    kee_list_remove(&heard->link);
    kee_buf_fini(&heard->text);
    if (with_order) {
        kee_order_free(heard->order);
    }
    free(heard);
}

static void free_orders(struct kee_link *list)
{
    while (!kee_list_is_empty(list)) {
        kee_order_free(KEE_CONTAINER(list->next, struct kee_order, link));
    }
}

void kee_facade_close(struct kee_daemon *daemon)
{
    struct kee_facade *facade = daemon->facade;
    struct kee_order *order;
    size_t at = 0;

    if (facade == NULL) {
        return;
    }
    while (!kee_list_is_empty(&facade->heard)) {
        struct kee_heard *heard = KEE_CONTAINER(facade->heard.next, struct kee_heard, link);
        heard_free(heard, !heard->answered);
    }
    free_orders(&facade->promises);
    free_orders(&facade->partings);
    while ((order = kee_map_next(&facade->calls, &at)) != NULL) {
        kee_order_free(order);
        at = 0; /* removing moves cells */
    }
    while (!kee_list_is_empty(&facade->objects)) {
        struct kee_facade_object *object =
            KEE_CONTAINER(facade->objects.next, struct kee_facade_object, link);
        kee_list_remove(&object->link);
        free(object);
    }
    kee_map_fini(&facade->calls);
    free(facade);
    daemon->facade = NULL;
}

struct kee_peer_id kee_facade_peer(const struct kee_daemon *daemon)
{
    return daemon->facade == NULL ? (struct kee_peer_id){0} : daemon->facade->peer;
}

struct kee_kref kee_facade_kref(struct kee_daemon *daemon)
{
    if (daemon->facade == NULL || kee_core_check(&daemon->core, kee_facade_bind(daemon)) != 0) {
        return KEE_KREF_NONE;
    }
    return daemon->facade->kref;
}

/* ---- hearing, from within the kernel ---- */

static struct kee_heard *heard_new(struct kee_facade *facade)
{
    struct kee_heard *heard = calloc(1, sizeof *heard);

    if (heard == NULL) {
        facade->fault = kee_fault(KEE_FAULT_MEMORY, "news for the daemon");
        return NULL;
    }
    kee_list_init(&heard->link);
    return heard;
}

/* Copies data, and before it name, into text. */
static int copy_data(struct kee_buf *text, struct kee_bytes *name, struct kee_vp_capdata *data)
{
    size_t name_size = name->size, body_size = data->body.size;

    kee_buf_put_bytes(text, *name);
    kee_buf_put_bytes(text, data->body);
    kee_buf_put_bytes(text, data->slots.raw);
    if (text->failed) {
        return kee_buf_status(text);
    }
    *name = kee_bytes_of(text->data, name_size);
    data->body = kee_bytes_of(text->data + name_size, body_size);
    data->slots.raw =
        kee_bytes_of(text->data + name_size + body_size, text->size - name_size - body_size);
    return 0;
}

void kee_facade_news(struct kee_daemon *daemon, const struct kee_peer_news *news)
{
    struct kee_facade *facade = daemon->facade;
    struct kee_heard *heard;
    int r = 0;

    if (news->kind != KEE_PEER_MESSAGE && news->kind != KEE_PEER_SETTLED) {
        return; /* nothing reaches an object of ours any more: it is kept for its service */
    }
    heard = heard_new(facade);
    if (heard == NULL) {
        return;
    }
    if (news->kind == KEE_PEER_MESSAGE) {
        r = kee_order_new(&heard->order, facade, news);
    } else {
        heard->promise = news->target;
        heard->rejected = news->rejected;
        heard->data = news->data;
        r = copy_data(&heard->text, &heard->promise, &heard->data);
    }
    if (r < 0) {
        facade->fault = r;
        heard_free(heard, true);
        return;
    }
    kee_list_append(&facade->heard, &heard->link);
}

bool kee_facade_answer(struct kee_daemon *daemon, uint64_t call, const struct kee_answer *answer)
{
    struct kee_facade *facade = daemon->facade;
    struct kee_order *order = facade == NULL ? NULL : kee_map_get(&facade->calls, call);
    struct kee_heard *heard;
    struct kee_bytes why;

    if (order == NULL) {
        return false;
    }
    heard = heard_new(facade);
    if (heard == NULL) {
        return true;
    }
    heard->order = order;
    heard->answered = true;
    heard->answer = *answer;
    why = answer->why == NULL ? kee_bytes_of(NULL, 0)
                              : kee_bytes_of(answer->why, strlen(answer->why) + 1);
    if (copy_data(&heard->text, &why, &heard->answer.data) < 0) {
        facade->fault = KEE_FAULT_MEMORY;
        heard_free(heard, false);
        return true;
    }
    heard->answer.why = answer->why == NULL ? NULL : (const char *)why.data;
    kee_list_append(&facade->heard, &heard->link);
    return true;
}

/* ---- doing, in a round ---- */

int kee_facade_await(struct kee_order *order, struct kee_kref promise,
                     int (*settled)(struct kee_order *order, bool rejected,
                                    struct kee_vp_capdata data))
{
    struct kee_buf name = KEE_BUF_EMPTY;
    int r;

    kee_buf_put_kref(&name, promise);
    r = kee_buf_status(&name);
    if (r == 0) {
        order->promise = kee_arena_copy(&order->arena, kee_buf_bytes(&name));
        r = order->promise.data == NULL ? kee_fault(KEE_FAULT_MEMORY, "a wait for a promise") : 0;
    }
    kee_buf_fini(&name);
    if (r < 0) {
        kee_order_free(order);
        return r;
    }
    order->settled = settled;
    kee_list_append(&order->facade->promises, &order->link);
    return 0;
}

int kee_facade_await_parting(struct kee_order *order, struct kee_vat_id vat)
{
    order->vat = vat;
    kee_list_append(&order->facade->partings, &order->link);
    return 0;
}

static int do_message(struct kee_facade *facade, struct kee_order *order)
{
    struct kee_facade_object *object = find_object(facade, order->target);

    if (object == NULL) {
        return kee_order_reject(order, "Error",
                                "[KERNEL:OBJECT_DELETED] the target no longer exists");
    }
    order->object = object->object;
    return kee_order_run(order, object->methods);
}

/* Everyone who waited for it goes on; our peer needs its row no longer, nor what the data names. */
static int do_settled(struct kee_facade *facade, const struct kee_heard *heard)
{
    struct kee_vp_strings slots = heard->data.slots;
    struct kee_bytes slot;
    int r = 0;

    for (struct kee_link *link = facade->promises.next; r >= 0 && link != &facade->promises;) {
        struct kee_order *order = KEE_CONTAINER(link, struct kee_order, link);
        link = link->next;
        if (kee_bytes_equal(order->promise, heard->promise)) {
            kee_list_remove(&order->link);
            r = order->settled(order, heard->rejected, heard->data);
        }
    }
    while (r >= 0 && kee_vp_strings_next(&slots, &slot)) {
        r = kee_facade_let_go(facade, slot, 1);
    }
    return r < 0 ? r : kee_facade_let_go(facade, heard->promise, UINT64_MAX);
}

static int do_partings(struct kee_facade *facade)
{
    int r = 0;

    for (struct kee_link *link = facade->partings.next; r >= 0 && link != &facade->partings;) {
        struct kee_order *order = KEE_CONTAINER(link, struct kee_order, link);
        link = link->next;
        if (!kee_kernel_is_parting(facade->daemon->core.kernel, order->vat)) {
            kee_list_remove(&order->link);
            r = kee_order_return_nothing(order);
        }
    }
    return r;
}

bool kee_facade_wants_round(const struct kee_daemon *daemon)
{
    return daemon->facade != NULL && !kee_list_is_empty(&daemon->facade->heard);
}

int kee_facade_round(struct kee_daemon *daemon)
{
    struct kee_facade *facade = daemon->facade;
    int r;

    if (facade == NULL || daemon->leaving) {
        return 0;
    }
    r = facade->fault;
    while (r >= 0 && !kee_list_is_empty(&facade->heard)) {
        struct kee_heard *heard = KEE_CONTAINER(facade->heard.next, struct kee_heard, link);
        kee_list_remove(&heard->link);
        r = heard->answered        ? kee_facade_launched(heard->order, &heard->answer)
            : heard->order != NULL ? do_message(facade, heard->order)
                                   : do_settled(facade, heard);
        heard_free(heard, false);
    }
    return r < 0 ? r : do_partings(facade);
}
