/* SPDX-License-Identifier: Apache-2.0 */
/* facade_launch - launching a subcluster through the kernel's facade. */
#include <math.h>

#include "base/fault.h"
#include "daemon/facade_internal.h"
#include "daemon/io.h"
#include "daemon/launch.h"

static json_t *json_of(const struct kee_value *value);

static json_t *json_of_number(double number)
{
    if (number == floor(number) && fabs(number) < 9007199254740992.0) {
        return json_integer((json_int_t)number);
    }
    return isfinite(number) ? json_real(number) : NULL;
}

static json_t *json_of_array(const struct kee_value *value)
{
    json_t *json = json_array();

    for (size_t i = 0; json != NULL && i < value->as.array.count; i++) {
        if (json_array_append_new(json, json_of(value->as.array.items[i])) < 0) {
            json_decref(json);
            json = NULL;
        }
    }
    return json;
}

static json_t *json_of_record(const struct kee_value *value)
{
    json_t *json = json_object();

    for (size_t i = 0; json != NULL && i < value->as.record.count; i++) {
        const struct kee_member *member = &value->as.record.members[i];
        if (member->value->kind != KEE_VALUE_UNDEFINED &&
            json_object_setn_new(json, (const char *)member->name.data, member->name.size,
                                 json_of(member->value)) < 0) {
            json_decref(json);
            json = NULL;
        }
    }
    return json;
}

/* As JSON has it; NULL for what it has not. As deep as a value may be. */
static json_t *json_of(const struct kee_value *value)
{
    switch (value->kind) {
    case KEE_VALUE_NULL:
        return json_null();
    case KEE_VALUE_BOOLEAN:
        return json_boolean(value->as.boolean);
    case KEE_VALUE_NUMBER:
        return json_of_number(value->as.number);
    case KEE_VALUE_STRING:
        return json_stringn((const char *)value->as.text.data, value->as.text.size);
    case KEE_VALUE_ARRAY:
        return json_of_array(value);
    case KEE_VALUE_RECORD:
        return json_of_record(value);
    default:
        return NULL;
    }
}

/* A number of its own, under which the answer comes. */
static int number(struct kee_order *order)
{
    order->call = ++order->facade->daemon->call_last;
    return kee_map_put(&order->facade->calls, order->call, order);
}

int kee_facade_launch(struct kee_order *order)
{
    const struct kee_value *value = kee_order_arg(order, 0);
    struct kee_launch_order launch = {.system = false};
    struct kee_buf why = KEE_BUF_EMPTY;
    json_t *config = NULL, *warnings = NULL;
    int r;

    if (value != NULL && value->kind == KEE_VALUE_RECORD) {
        config = json_of(value);
    }
    if (config == NULL) {
        return kee_order_expected(order, "config", "a cluster configuration, all of it JSON",
                                  value);
    }
    r = number(order);
    if (r < 0) {
        order->call = 0;
        kee_order_free(order);
        json_decref(config);
        return r;
    }
    launch.config = config;
    launch.call = order->call;
    if (!kee_id_parse(order->from, 'r', &launch.asker.n)) {
        launch.asker.n = 0;
    }
    r = kee_daemon_begin_launch(order->facade->daemon, &launch, &warnings, &order->subcluster,
                                &why);
    if (r > 0) {
        r = kee_order_reject(order, "Error", "%s", why.failed ? "" : kee_buf_cstr(&why));
    } else if (r < 0) {
        kee_order_free(order);
    }
    json_decref(warnings);
    json_decref(config);
    kee_buf_fini(&why);
    return r;
}

/* {body, slots}: the asker holds what it names already. */
static struct kee_value *capdata_value(struct kee_order *order, struct kee_vp_capdata data)
{
    struct kee_vp_strings slots = data.slots;
    struct kee_value *list = kee_value_array(&order->arena, data.slots.count);
    struct kee_bytes slot;

    for (size_t i = 0; list != NULL && kee_vp_strings_next(&slots, &slot); i++) {
        list->as.array.items[i] = kee_order_text(order, slot);
        list = list->as.array.items[i] == NULL ? NULL : list;
    }
    return kee_order_record(order, "body", kee_order_text(order, data.body), "slots", list,
                            (char *)NULL);
}

int kee_facade_launched(struct kee_order *order, const struct kee_answer *answer)
{
    struct kee_buf text = KEE_BUF_EMPTY;
    int r;

    if (answer->status == KEE_ANSWER_DECLINED) {
        r = kee_io_close(order->facade->daemon, order->subcluster);
        if (r < 0) {
            kee_order_free(order);
            return r;
        }
        return kee_order_reject(order, "Error", "%s", answer->why);
    }
    if (answer->status == KEE_ANSWER_REJECTED) {
        kee_daemon_put_bootstrap_rejected(&text, answer);
        r = kee_buf_status(&text);
        r = r != 0 ? r : kee_order_reject(order, "Error", "%s", kee_buf_cstr(&text));
        kee_buf_fini(&text);
        return r;
    }
    kee_buf_printf(&text, "s%llu", (unsigned long long)answer->subcluster.n);
    r = kee_buf_status(&text);
    if (r == 0) {
        r = kee_order_return(
            order,
            kee_order_record(order, "subclusterId", kee_order_text(order, kee_buf_bytes(&text)),
                             "rootKref", kee_order_kref_text(order, answer->root),
                             "bootstrapResult", capdata_value(order, answer->data), (char *)NULL));
    } else {
        kee_order_free(order);
    }
    kee_buf_fini(&text);
    return r;
}
