/* SPDX-License-Identifier: Apache-2.0 */
/* facade_methods - the table of the methods of the kernel's facade, and those that are one order. */
#include "base/fault.h"
#include "daemon/facade_internal.h"
#include "daemon/io.h"

#define A_VAT "a vat such as v2"
#define A_SUBCLUSTER "a subcluster such as s1"

static struct kee_kernel *kernel_of(const struct kee_order *order)
{
    return order->facade->daemon->core.kernel;
}

static int ping(struct kee_order *order)
{
    return kee_order_return_text(order, "pong");
}

static int terminate_subcluster(struct kee_order *order)
{
    struct kee_subcluster_id id;
    int r = kee_order_take_id(order, 0, "id", 's', A_SUBCLUSTER, &id.n);

    if (r != 0) {
        return r;
    }
    r = kee_kernel_terminate_subcluster(kernel_of(order), id);
    if (r == 0) {
        r = kee_io_close(order->facade->daemon, id);
    }
    return kee_order_did(order, r);
}

static int terminate_vat(struct kee_order *order)
{
    struct kee_vat_id vat;
    int r = kee_order_take_id(order, 0, "id", 'v', A_VAT, &vat.n);

    return r != 0 ? r : kee_order_did(order, kee_kernel_terminate_vat(kernel_of(order), vat));
}

static int restart_vat(struct kee_order *order)
{
    struct kee_vat_id vat;
    int r = kee_order_take_id(order, 0, "id", 'v', A_VAT, &vat.n);

    if (r != 0) {
        return r;
    }
    r = kee_kernel_restart_vat(kernel_of(order), vat, "asked for through the kernel's facade");
    return r == 0 ? kee_facade_await_parting(order, vat) : kee_order_did(order, r);
}

static int revoke(struct kee_order *order)
{
    struct kee_kref kref;
    int r = kee_order_take_kref(order, 0, "kref", &kref);

    return r != 0 ? r : kee_order_did(order, kee_kernel_revoke(kernel_of(order), kref));
}

/* The root of the vat that is named, or an answer. */
static int take_root(struct kee_order *order, struct kee_kref *out)
{
    struct kee_vat_id vat;
    int r = kee_order_take_id(order, 0, "id", 'v', A_VAT, &vat.n);

    if (r != 0) {
        return r;
    }
    r = kee_facade_root_of(order->facade, vat, out);
    if (r < 0) {
        kee_order_free(order);
    } else if (r > 0) {
        r = kee_order_reject(order, "Error", "there is no vat v%llu", (unsigned long long)vat.n);
    }
    return r;
}

static int pin_vat_root(struct kee_order *order)
{
    struct kee_kref root;
    int r = take_root(order, &root);

    if (r != 0) {
        return r;
    }
    r = kee_kernel_pin(kernel_of(order), root);
    return r != 0 ? kee_order_did(order, r)
                  : kee_order_return(order, kee_order_kref_text(order, root));
}

static int unpin_vat_root(struct kee_order *order)
{
    struct kee_kref root;
    int r = take_root(order, &root);

    return r != 0 ? r : kee_order_did(order, kee_kernel_unpin(kernel_of(order), root));
}

static int reap_vats(struct kee_order *order)
{
    struct kee_vat_id vat = {0};
    int r = 0;

    if (kee_order_arg(order, 0) != NULL) {
        r = kee_order_take_id(order, 0, "id", 'v', A_VAT, &vat.n);
    }
    return r != 0 ? r : kee_order_did(order, kee_kernel_reap(kernel_of(order), vat));
}

static int collect_garbage(struct kee_order *order)
{
    int r = kee_kernel_reap(kernel_of(order), (struct kee_vat_id){0});

    return kee_order_did(order, r != 0 ? r : kee_kernel_collect(kernel_of(order)));
}

static int refuse_query(struct kee_order *order)
{
    return kee_order_reject(
        order, "Error",
        "executeDBQuery: the store is no database of tables to be asked in SQL; "
        "keeve export writes it as text");
}

static int refuse_clear(struct kee_order *order)
{
    return kee_order_reject(order, "Error",
                            "%s: a kernel is not emptied while it runs; terminate its subclusters, "
                            "or stop the daemon and remove its home",
                            order->method->name);
}

static int refuse_remote(struct kee_order *order)
{
    return kee_order_reject(order, "Error", "%s: kernels do not speak to each other yet",
                            order->method->name);
}

const struct kee_order_method kee_facade_methods[] = {
    {"ping", "()", 0, ping},
    {"getStatus", "()", 0, kee_facade_get_status},
    {"launchSubcluster", "(config)", 1, kee_facade_launch},
    {"terminateSubcluster", "(id)", 1, terminate_subcluster},
    {"getSubcluster", "(id)", 1, kee_facade_get_subcluster},
    {"getSubclusters", "()", 0, kee_facade_get_subclusters},
    {"getSystemSubclusterRoot", "(name)", 1, kee_facade_get_system_root},
    {"queueMessage", "(target, method, args?)", 2, kee_facade_queue_message},
    {"getPresence", "(kref, iface?)", 1, kee_facade_resolve},
    {"resolveKref", "(kref, iface?)", 1, kee_facade_resolve},
    {"subscribePromise", "(kpref)", 1, kee_facade_subscribe},
    {"dropKref", "(krefs)", 1, kee_facade_drop},
    {"getVats", "()", 0, kee_facade_get_vats},
    {"getVatIds", "()", 0, kee_facade_get_vat_ids},
    {"pingVat", "(id)", 1, kee_facade_ping_vat},
    {"restartVat", "(id)", 1, restart_vat},
    {"terminateVat", "(id)", 1, terminate_vat},
    {"terminateAllVats", "()", 0, kee_facade_terminate_all},
    {"pinVatRoot", "(id)", 1, pin_vat_root},
    {"unpinVatRoot", "(id)", 1, unpin_vat_root},
    {"reapVats", "(id?)", 0, reap_vats},
    {"collectGarbage", "()", 0, collect_garbage},
    {"revoke", "(kref)", 1, revoke},
    {"isRevoked", "(kref)", 1, kee_facade_is_revoked},
    {"getRegistry", "()", 0, kee_facade_get_registry},
    {"getRoot", "(name)", 1, kee_facade_get_root},
    {"registerKernelServiceObject", "(name, object, options?)", 2, kee_facade_register_service},
    {"unregisterKernelServiceObject", "(name)", 1, kee_facade_unregister_service},
    {"executeDBQuery", "(sql)", 0, refuse_query},
    {"clearState", "()", 0, refuse_clear},
    {"clearStorage", "()", 0, refuse_clear},
    {"reset", "()", 0, refuse_clear},
    {"issueOcapURL", "(kref)", 0, refuse_remote},
    {"redeemOcapURL", "(url)", 0, refuse_remote},
    {"initRemoteComms", "(options?)", 0, refuse_remote},
    {NULL, NULL, 0, NULL},
};
