/* SPDX-License-Identifier: Apache-2.0 */
/* facade_names - finding first references by name: services, roots of vats, system subclusters. */
#include "base/fault.h"
#include "base/limits.h"
#include "daemon/facade_internal.h"

static struct kee_kernel *kernel_of(const struct kee_order *order)
{
    return order->facade->daemon->core.kernel;
}

/* Names with a colon are the daemon's own: io:s1:log, grant:shop, system:clock. */
static bool is_own(struct kee_bytes name)
{
    return kee_bytes_equal(name, KEE_BYTES_LIT("kernelFacet")) ||
           kee_bytes_equal(name, KEE_BYTES_LIT("kernelRegistry")) ||
           kee_bytes_has_prefix(name, KEE_BYTES_LIT("io:")) ||
           kee_bytes_has_prefix(name, KEE_BYTES_LIT("grant:")) ||
           kee_bytes_has_prefix(name, KEE_BYTES_LIT("system:"));
}

int kee_facade_get_registry(struct kee_order *order)
{
    struct kee_kref kref;
    bool system_only;
    int r =
        kee_service_find(kernel_of(order), KEE_BYTES_LIT("kernelRegistry"), &kref, &system_only);

    return r != 0 ? kee_order_did(order, r)
                  : kee_order_return_ref(order, kref, KEE_BYTES_LIT("Alleged: kernelRegistry"));
}

/* What find_root said of a name. */
static int answer_root(struct kee_order *order, struct kee_bytes name, int r, struct kee_kref kref)
{
    int shown = (int)(name.size < 80 ? name.size : 80);

    if (r < 0) {
        kee_order_free(order);
        return r;
    }
    if (r > 1) {
        return kee_order_reject(order, "Error",
                                "there are several roots named \"%.*s\": put the subcluster before "
                                "it, as in s1/%.*s",
                                shown, (const char *)name.data, shown, (const char *)name.data);
    }
    return r > 0 ? kee_order_reject(order, "Error", "nothing is named \"%.*s\"", shown,
                                    (const char *)name.data)
                 : kee_order_return_ref(order, kref, kee_bytes_of(NULL, 0));
}

int kee_facade_get_root(struct kee_order *order)
{
    struct kee_bytes name;
    struct kee_kref kref = KEE_KREF_NONE;
    int r = kee_order_take_string(order, 0, "name", &name);

    return r != 0
               ? r
               : answer_root(order, name, kee_facade_find_root(order->facade, name, &kref), kref);
}

/* The name as the daemon keeps it of a system subcluster. */
static int find_system(struct kee_order *order, struct kee_bytes name, struct kee_kref *out)
{
    struct kee_buf service = KEE_BUF_EMPTY;
    bool system_only;
    int r;

    kee_buf_put_str(&service, "system:");
    kee_buf_put_bytes(&service, name);
    r = kee_buf_status(&service);
    r = r != 0 ? r : kee_service_find(kernel_of(order), kee_buf_bytes(&service), out, &system_only);
    kee_buf_fini(&service);
    return r;
}

int kee_facade_get_system_root(struct kee_order *order)
{
    struct kee_bytes name;
    struct kee_kref kref;
    int r = kee_order_take_string(order, 0, "name", &name);

    if (r != 0) {
        return r;
    }
    r = find_system(order, name, &kref);
    if (r < 0) {
        kee_order_free(order);
        return r;
    }
    return r > 0 ? kee_order_reject(order, "Error", "there is no system subcluster \"%.*s\"",
                                    (int)(name.size < 80 ? name.size : 80), (const char *)name.data)
                 : kee_order_return(order, kee_order_kref_text(order, kref));
}

/* ---- services ---- */

static int take_name(struct kee_order *order, struct kee_bytes *out)
{
    int r = kee_order_take_string(order, 0, "name", out);

    if (r == 0 && is_own(*out)) {
        r = kee_order_expected(order, "name", "a name that is not one of the kernel's own",
                               kee_order_arg(order, 0));
    }
    return r;
}

int kee_facade_register_service(struct kee_order *order)
{
    const struct kee_value *system_only = kee_order_option(order, 2, "systemOnly");
    const struct kee_value *object = kee_order_arg(order, 1);
    struct kee_bytes name;
    struct kee_kref kref;
    int r = take_name(order, &name);

    if (r != 0) {
        return r;
    }
    if (object == NULL || object->kind != KEE_VALUE_REMOTABLE ||
        !kee_kref_parse(object->as.ref.slot, &kref)) {
        return kee_order_expected(order, "object", "an object of a host or a vat", object);
    }
    if (kee_order_arg(order, 2) != NULL && kee_order_arg(order, 2)->kind != KEE_VALUE_RECORD) {
        return kee_order_expected(order, "options", "a record such as {systemOnly: true}",
                                  kee_order_arg(order, 2));
    }
    if (system_only != NULL && system_only->kind != KEE_VALUE_BOOLEAN) {
        return kee_order_expected(order, "options.systemOnly", "true or false", system_only);
    }
    r = kee_service_register_kref(kernel_of(order), name, kref,
                                  system_only != NULL && system_only->as.boolean, &kref);
    return r != 0 ? kee_order_did(order, r)
                  : kee_order_return(order, kee_order_kref_text(order, kref));
}

int kee_facade_unregister_service(struct kee_order *order)
{
    struct kee_bytes name;
    int r = take_name(order, &name);

    return r != 0 ? r : kee_order_did(order, kee_service_unregister(kernel_of(order), name));
}

/* ---- the registry ---- */

static int lookup(struct kee_order *order)
{
    struct kee_bytes name;
    struct kee_kref kref = KEE_KREF_NONE;
    bool system_only;
    int r = kee_order_take_string(order, 0, "name", &name);

    if (r != 0) {
        return r;
    }
    r = kee_service_find(kernel_of(order), name, &kref, &system_only);
    if (r > 0) {
        r = kee_facade_find_root(order->facade, name, &kref);
    }
    return answer_root(order, name, r, kref);
}

struct names {
    json_t *list;
    bool failed;
    const char *field_name;
};

static void add_name(void *context, const struct kee_record *record)
{
    struct names *names = context;

    for (size_t i = 0; i < record->count; i++) {
        struct kee_bytes value = record->fields[i].value;
        if (strcmp(record->fields[i].name, names->field_name) == 0 && value.size > 0 &&
            json_array_append_new(names->list, json_stringn((const char *)value.data, value.size)) <
                0) {
            names->failed = true;
        }
    }
}

static int list(struct kee_order *order)
{
    struct names names = {json_array(), false, "name"};
    int r = kee_kernel_list_services(kernel_of(order), add_name, &names);

    r = r != 0 ? r : kee_kernel_list_vats(kernel_of(order), add_name, &names);
    if (r < 0 || names.list == NULL || names.failed) {
        kee_order_free(order);
        r = r < 0 ? r : kee_fault(KEE_FAULT_MEMORY, "the names of the registry");
    } else {
        r = kee_order_return(order, kee_order_json(order, names.list));
    }
    json_decref(names.list);
    return r;
}

const struct kee_order_method kee_registry_methods[] = {
    {"lookup", "(name)", 1, lookup},
    {"list", "()", 0, list},
    {NULL, NULL, 0, NULL},
};
