/* SPDX-License-Identifier: Apache-2.0 */
/* facade_vats - methods of the kernel's facade on vats and subclusters: what there is. */
#include "base/fault.h"
#include "daemon/facade_internal.h"

/* What runs: {vats: [{id, config, subclusterId}], subclusters: [{id, config, vats}],
 * roots: [{name, kref, vatId, subclusterId}], services: [{name, kref, systemOnly}]} */
struct picture {
    json_t *vats, *subclusters, *roots, *services;
    bool failed;
};

static struct kee_bytes field(const struct kee_record *record, const char *name)
{
    for (size_t i = 0; i < record->count; i++) {
        if (strcmp(record->fields[i].name, name) == 0) {
            return record->fields[i].value;
        }
    }
    return KEE_BYTES_LIT("");
}

static json_t *text(const struct kee_record *record, const char *name)
{
    struct kee_bytes value = field(record, name);

    return json_stringn(value.size == 0 ? "" : (const char *)value.data, value.size);
}

static void add(struct picture *picture, json_t *list, json_t *row)
{
    if (json_array_append_new(list, row) < 0) {
        picture->failed = true;
    }
}

static void add_subcluster(void *context, const struct kee_record *record)
{
    struct picture *picture = context;

    add(picture, picture->subclusters,
        json_pack("{s:o,s:o,s:o}", "id", text(record, "subcluster"), "config", json_object(),
                  "vats", json_object()));
}

/* What each was launched from. */
static int add_configs(struct picture *picture, struct kee_kernel *kernel)
{
    struct kee_buf config = KEE_BUF_EMPTY;
    struct kee_subcluster_id id;
    json_t *row, *json;
    size_t i;
    int r = 0;

    json_array_foreach(picture->subclusters, i, row)
    {
        const char *name = json_string_value(json_object_get(row, "id"));
        if (r == 0 && name != NULL && kee_id_parse(kee_bytes_str(name), 's', &id.n)) {
            kee_buf_clear(&config);
            r = kee_kernel_config(kernel, id, &config);
            json = r != 0 ? NULL : json_loadb((const char *)config.data, config.size, 0, NULL);
            if (json != NULL && json_object_set_new(row, "config", json) < 0) {
                picture->failed = true;
            }
            r = r > 0 ? 0 : r;
        }
    }
    kee_buf_fini(&config);
    return r;
}

static json_t *find_subcluster(const struct picture *picture, struct kee_bytes id)
{
    json_t *row;
    size_t i;

    json_array_foreach(picture->subclusters, i, row)
    {
        if (kee_bytes_equal(id, kee_bytes_str(json_string_value(json_object_get(row, "id"))))) {
            return row;
        }
    }
    return NULL;
}

static void add_vat(void *context, const struct kee_record *record)
{
    struct picture *picture = context;
    struct kee_bytes name = field(record, "name");
    json_t *subcluster = find_subcluster(picture, field(record, "subcluster"));
    json_t *vats = json_object_get(json_object_get(subcluster, "config"), "vats");
    json_t *config = json_object_getn(vats, (const char *)name.data, name.size);

    if (kee_bytes_equal(field(record, "state"), KEE_BYTES_LIT("dying"))) {
        return;
    }
    add(picture, picture->vats,
        json_pack("{s:o,s:o,s:o}", "id", text(record, "vat"), "config",
                  config == NULL ? json_object() : json_incref(config), "subclusterId",
                  text(record, "subcluster")));
    add(picture, picture->roots,
        json_pack("{s:o,s:o,s:o,s:o}", "name", text(record, "name"), "kref", text(record, "root"),
                  "vatId", text(record, "vat"), "subclusterId", text(record, "subcluster")));
    if (subcluster != NULL &&
        json_object_setn_new(json_object_get(subcluster, "vats"), (const char *)name.data,
                             name.size, text(record, "vat")) < 0) {
        picture->failed = true;
    }
}

static void add_service(void *context, const struct kee_record *record)
{
    struct picture *picture = context;
    bool system_only = kee_bytes_equal(field(record, "system_only"), KEE_BYTES_LIT("yes"));

    add(picture, picture->services,
        json_pack("{s:o,s:o,s:b}", "name", text(record, "name"), "kref", text(record, "kref"),
                  "systemOnly", system_only));
}

static void picture_fini(struct picture *picture)
{
    json_decref(picture->vats);
    json_decref(picture->subclusters);
    json_decref(picture->roots);
    json_decref(picture->services);
}

/* To be fini'd whatever is returned. */
static int take_picture(struct picture *out, struct kee_facade *facade)
{
    struct kee_kernel *kernel = facade->daemon->core.kernel;
    int r;

    *out = (struct picture){json_array(), json_array(), json_array(), json_array(), false};
    r = kee_kernel_list_subclusters(kernel, add_subcluster, out);
    r = r != 0 ? r : add_configs(out, kernel);
    r = r != 0 ? r : kee_kernel_list_vats(kernel, add_vat, out);
    r = r != 0 ? r : kee_kernel_list_services(kernel, add_service, out);
    if (r >= 0 && (out->failed || out->vats == NULL || out->subclusters == NULL ||
                   out->roots == NULL || out->services == NULL)) {
        r = kee_fault(KEE_FAULT_MEMORY, "what the kernel runs");
    }
    return r;
}

/* Returns one part of the picture, or what make gives of it. */
static int return_picture(struct kee_order *order, json_t *(*make)(const struct picture *picture))
{
    struct picture picture;
    json_t *json = NULL;
    int r = take_picture(&picture, order->facade);

    if (r == 0) {
        json = make(&picture);
        r = json == NULL ? kee_fault(KEE_FAULT_MEMORY, "what the kernel runs") : 0;
    }
    if (r != 0) {
        kee_order_free(order);
        r = r < 0 ? r : KEE_ORDER_DONE;
    } else {
        r = kee_order_return(order, kee_order_json(order, json));
    }
    json_decref(json);
    picture_fini(&picture);
    return r;
}

static json_t *make_status(const struct picture *picture)
{
    return json_pack("{s:O,s:O,s:{s:s},s:O,s:O}", "vats", picture->vats, "subclusters",
                     picture->subclusters, "remoteComms", "state", "disconnected", "roots",
                     picture->roots, "services", picture->services);
}

static json_t *make_vats(const struct picture *picture)
{
    return json_incref(picture->vats);
}

static json_t *make_subclusters(const struct picture *picture)
{
    return json_incref(picture->subclusters);
}

static json_t *make_vat_ids(const struct picture *picture)
{
    json_t *ids = json_array();
    json_t *row;
    size_t i;

    json_array_foreach(picture->vats, i, row)
    {
        if (json_array_append(ids, json_object_get(row, "id")) < 0) {
            json_decref(ids);
            return NULL;
        }
    }
    return ids;
}

int kee_facade_get_status(struct kee_order *order)
{
    return return_picture(order, make_status);
}

int kee_facade_get_vats(struct kee_order *order)
{
    return return_picture(order, make_vats);
}

int kee_facade_get_vat_ids(struct kee_order *order)
{
    return return_picture(order, make_vat_ids);
}

int kee_facade_get_subclusters(struct kee_order *order)
{
    return return_picture(order, make_subclusters);
}

int kee_facade_get_subcluster(struct kee_order *order)
{
    struct picture picture;
    uint64_t id;
    int r = kee_order_take_id(order, 0, "id", 's', "a subcluster such as s1", &id);

    if (r != 0) {
        return r;
    }
    r = take_picture(&picture, order->facade);
    if (r < 0) {
        kee_order_free(order);
    } else {
        json_t *found = find_subcluster(&picture, order->args[0]->as.text);
        r = kee_order_return(order, kee_order_json(order, found));
    }
    picture_fini(&picture);
    return r;
}

/* ---- roots ---- */

int kee_facade_root_of(struct kee_facade *facade, struct kee_vat_id vat, struct kee_kref *out)
{
    struct picture picture;
    const char *id;
    uint64_t n;
    json_t *row;
    size_t i;
    int r = take_picture(&picture, facade);

    r = r < 0 ? r : KEE_KERNEL_NO_SUCH;
    json_array_foreach(picture.roots, i, row)
    {
        id = json_string_value(json_object_get(row, "vatId"));
        if (r > 0 && kee_id_parse(kee_bytes_str(id), 'v', &n) && n == vat.n &&
            kee_kref_parse(kee_bytes_str(json_string_value(json_object_get(row, "kref"))), out)) {
            r = 0;
        }
    }
    picture_fini(&picture);
    return r;
}

/* "counter" or "s1/counter". */
static bool is_named(const json_t *row, struct kee_bytes name)
{
    struct kee_bytes rest = name;
    struct kee_bytes first = kee_bytes_cut(&rest, '/');
    struct kee_bytes own = kee_bytes_str(json_string_value(json_object_get(row, "name")));
    struct kee_bytes of = kee_bytes_str(json_string_value(json_object_get(row, "subclusterId")));

    return kee_bytes_equal(name, own) || (kee_bytes_equal(first, of) && kee_bytes_equal(rest, own));
}

int kee_facade_find_root(struct kee_facade *facade, struct kee_bytes name, struct kee_kref *out)
{
    struct picture picture;
    struct kee_buf service = KEE_BUF_EMPTY;
    size_t count = 0;
    json_t *row;
    size_t i;
    bool system_only;
    int r;

    kee_buf_put_str(&service, "system:");
    kee_buf_put_bytes(&service, name);
    r = kee_buf_status(&service);
    r = r != 0 ? r
               : kee_service_find(facade->daemon->core.kernel, kee_buf_bytes(&service), out,
                                  &system_only);
    kee_buf_fini(&service);
    if (r <= 0) {
        return r;
    }
    r = take_picture(&picture, facade);
    json_array_foreach(picture.roots, i, row)
    {
        if (r == 0 && is_named(row, name) &&
            kee_kref_parse(kee_bytes_str(json_string_value(json_object_get(row, "kref"))), out)) {
            count++;
        }
    }
    picture_fini(&picture);
    return r < 0 ? r : count == 1 ? 0 : count == 0 ? 1 : 2;
}

/* ---- orders ---- */

static int terminate_all(struct kee_order *order, const json_t *vats)
{
    struct kee_kernel *kernel = order->facade->daemon->core.kernel;
    struct kee_vat_id vat;
    json_t *row;
    size_t i;
    int r = 0;

    json_array_foreach((json_t *)vats, i, row)
    {
        if (r == 0 && kee_id_parse(kee_bytes_str(json_string_value(json_object_get(row, "id"))),
                                   'v', &vat.n)) {
            r = kee_kernel_terminate_vat(kernel, vat);
            r = r > 0 ? 0 : r; /* it went meanwhile */
        }
    }
    return r;
}

int kee_facade_terminate_all(struct kee_order *order)
{
    struct picture picture;
    int r = take_picture(&picture, order->facade);

    r = r != 0 ? r : terminate_all(order, picture.vats);
    picture_fini(&picture);
    if (r < 0) {
        kee_order_free(order);
        return r;
    }
    return kee_order_return_nothing(order);
}
