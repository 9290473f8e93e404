/* SPDX-License-Identifier: Apache-2.0 */
/* order - see order.h. */
#include "daemon/order.h"

#include <stdarg.h>
#include <stdlib.h>

#include "base/fault.h"
#include "base/limits.h"
#include "daemon/facade_internal.h"
#include "value/body.h"
#include "value/json.h"
#include "value/place.h"
#include "value/text.h"

static struct kee_kernel *kernel_of(const struct kee_order *order)
{
    return order->facade->daemon->core.kernel;
}

/* ---- from its being heard ---- */

static struct kee_bytes move(const struct kee_buf *text, size_t *at, size_t size)
{
    struct kee_bytes piece = kee_bytes_of(text->data + *at, size);

    *at += size;
    return piece;
}

int kee_order_new(struct kee_order **out, struct kee_facade *facade,
                  const struct kee_peer_news *news)
{
    struct kee_order *order = calloc(1, sizeof *order);
    size_t at = 0;
    int r;

    if (order == NULL) {
        return kee_fault(KEE_FAULT_MEMORY, "a message to the kernel");
    }
    kee_list_init(&order->link);
    order->facade = facade;
    kee_buf_put_bytes(&order->text, news->target);
    kee_buf_put_bytes(&order->text, news->result);
    kee_buf_put_bytes(&order->text, news->from);
    kee_buf_put_bytes(&order->text, news->data.body);
    kee_buf_put_bytes(&order->text, news->data.slots.raw);
    r = kee_buf_status(&order->text);
    if (r < 0) {
        kee_order_free(order);
        return r;
    }
    order->target = move(&order->text, &at, news->target.size);
    order->result = move(&order->text, &at, news->result.size);
    order->from = move(&order->text, &at, news->from.size);
    order->methargs.body = move(&order->text, &at, news->data.body.size);
    order->methargs.slots.raw = move(&order->text, &at, news->data.slots.raw.size);
    order->methargs.slots.count = news->data.slots.count;
    *out = order;
    return 0;
}

void kee_order_free(struct kee_order *order)
{
    if (order == NULL) {
        return;
    }
    kee_list_remove(&order->link);
    if (order->call != 0) {
        (void)kee_map_remove(&order->facade->calls, order->call);
    }
    kee_arena_fini(&order->arena);
    kee_buf_fini(&order->text);
    free(order);
}

/* What news mentioned is let go of. */
static int drop_mentions(struct kee_order *order)
{
    struct kee_vp_strings slots = order->methargs.slots;
    struct kee_bytes slot;
    int r = 0;

    while (r >= 0 && kee_vp_strings_next(&slots, &slot)) {
        r = kee_facade_let_go(order->facade, slot, 1);
    }
    return r;
}

static int read_methargs(struct kee_order *order, struct kee_value **out, struct kee_buf *why)
{
    struct kee_vp_strings strings = order->methargs.slots;
    struct kee_bytes *slots = kee_arena_alloc(&order->arena, (strings.count + 1u) * sizeof *slots);
    struct kee_body body = {.text = order->methargs.body, .slots = slots};

    if (slots == NULL) {
        return kee_fault(KEE_FAULT_MEMORY, "a message to the kernel");
    }
    while (kee_vp_strings_next(&strings, &slots[body.slot_count])) {
        body.slot_count++;
    }
    return kee_body_decode(body, &order->arena, out, why);
}

static const struct kee_order_method *find(const struct kee_order_method *methods,
                                           struct kee_bytes name)
{
    for (; methods->name != NULL; methods++) {
        if (kee_bytes_equal(name, kee_bytes_str(methods->name))) {
            return methods;
        }
    }
    return NULL;
}

static int reject_unknown(struct kee_order *order, const struct kee_order_method *methods,
                          struct kee_bytes name)
{
    struct kee_buf text = KEE_BUF_EMPTY;
    int r;

    kee_buf_put_str(&text, "target has no method ");
    kee_buf_put_json_string(&text, kee_bytes_of(name.data, name.size < 80 ? name.size : 80));
    kee_buf_put_str(&text, ", has [");
    for (const struct kee_order_method *one = methods; one->name != NULL; one++) {
        kee_buf_printf(&text, "%s\"%s\"", one == methods ? "" : ",", one->name);
    }
    kee_buf_put_char(&text, ']');
    r = kee_buf_status(&text);
    r = r != 0 ? r : kee_order_reject(order, "TypeError", "%s", kee_buf_cstr(&text));
    kee_buf_fini(&text);
    return r;
}

static int return_names(struct kee_order *order, const struct kee_order_method *methods)
{
    struct kee_value *names;
    size_t count = 0;

    while (methods[count].name != NULL) {
        count++;
    }
    names = kee_value_array(&order->arena, count);
    for (size_t i = 0; names != NULL && i < count; i++) {
        names->as.array.items[i] = kee_order_text(order, kee_bytes_str(methods[i].name));
    }
    return kee_order_return(order, names);
}

static int dispatch(struct kee_order *order, const struct kee_order_method *methods,
                    const struct kee_value *methargs)
{
    const struct kee_value *name;
    const struct kee_value *args;

    if (methargs->kind != KEE_VALUE_ARRAY || methargs->as.array.count == 0) {
        return kee_order_reject(order, "TypeError", "a message must be [method, arguments]");
    }
    name = methargs->as.array.items[0];
    args = methargs->as.array.count > 1 ? methargs->as.array.items[1] : NULL;
    if (args == NULL && name->kind == KEE_VALUE_STRING && find(methods, name->as.text) != NULL) {
        return kee_order_reject(order, "TypeError", "%s is a method: it is called, not got",
                                find(methods, name->as.text)->name);
    }
    if (args == NULL) {
        return kee_order_return_nothing(order); /* a property that is not there */
    }
    if (name->kind != KEE_VALUE_STRING || args->kind != KEE_VALUE_ARRAY) {
        return kee_order_reject(order, "TypeError",
                                "Cannot invoke target as a function; typeof target is \"object\"");
    }
    order->args = args->as.array.items;
    order->count = args->as.array.count;
    order->method = find(methods, name->as.text);
    if (order->method == NULL) {
        return kee_bytes_equal(name->as.text, KEE_BYTES_LIT("__getMethodNames__"))
                   ? return_names(order, methods)
                   : reject_unknown(order, methods, name->as.text);
    }
    if (order->count < order->method->count_min) {
        return kee_order_reject(
            order, "TypeError", "%s%s: expected at least %zu arguments, found %zu",
            order->method->name, order->method->parameters, order->method->count_min, order->count);
    }
    return order->method->run(order);
}

int kee_order_run(struct kee_order *order, const struct kee_order_method *methods)
{
    struct kee_buf why = KEE_BUF_EMPTY;
    struct kee_value *methargs = NULL;
    int r = read_methargs(order, &methargs, &why);

    if (r > 0) {
        r = kee_order_reject(order, "TypeError", "%s", kee_buf_cstr(&why));
    } else if (r == 0) {
        r = dispatch(order, methods, methargs);
    }
    kee_buf_fini(&why);
    return r;
}

/* ---- taking arguments ---- */

const struct kee_value *kee_order_arg(const struct kee_order *order, size_t index)
{
    return index < order->count && order->args[index]->kind != KEE_VALUE_UNDEFINED
               ? order->args[index]
               : NULL;
}

static void put_found(struct kee_buf *text, const struct kee_value *found)
{
    if (found == NULL) {
        kee_buf_put_str(text, "nothing");
    } else if (found->kind == KEE_VALUE_STRING) {
        struct kee_bytes shown = found->as.text;
        while (shown.size > 60 || (shown.size > 0 && !kee_bytes_is_utf8(shown))) {
            shown.size = shown.size > 60 ? 60 : shown.size - 1;
        }
        kee_buf_put_json_string(text, shown);
    } else {
        kee_buf_put_str(text, kee_value_kind_name(found->kind));
    }
}

int kee_order_expected(struct kee_order *order, const char *name, const char *wanted,
                       const struct kee_value *found)
{
    struct kee_buf text = KEE_BUF_EMPTY;
    int r;

    put_found(&text, found);
    r = kee_buf_status(&text);
    r = r != 0 ? r
               : kee_order_reject(order, "TypeError", "%s%s: %s: expected %s, found %s",
                                  order->method->name, order->method->parameters, name, wanted,
                                  kee_buf_cstr(&text));
    kee_buf_fini(&text);
    return r;
}

int kee_order_take_kref(struct kee_order *order, size_t index, const char *name,
                        struct kee_kref *out)
{
    const struct kee_value *value = kee_order_arg(order, index);
    struct kee_bytes text = {0};

    if (value != NULL && value->kind == KEE_VALUE_STRING) {
        text = value->as.text;
    } else if (value != NULL &&
               (value->kind == KEE_VALUE_REMOTABLE || value->kind == KEE_VALUE_PROMISE)) {
        text = value->as.ref.slot;
        if (kee_facade_kref_of(order->facade, text, out)) {
            return 0;
        }
    }
    if (kee_kref_parse(text, out)) {
        return 0;
    }
    return kee_order_expected(order, name, "a kref such as ko4, or the object itself", value);
}

int kee_order_take_string(struct kee_order *order, size_t index, const char *name,
                          struct kee_bytes *out)
{
    const struct kee_value *value = kee_order_arg(order, index);

    if (value == NULL || value->kind != KEE_VALUE_STRING) {
        return kee_order_expected(order, name, "a string", value);
    }
    *out = value->as.text;
    return 0;
}

int kee_order_take_id(struct kee_order *order, size_t index, const char *name, char letter,
                      const char *wanted, uint64_t *out)
{
    const struct kee_value *value = kee_order_arg(order, index);

    if (value == NULL || value->kind != KEE_VALUE_STRING ||
        !kee_id_parse(value->as.text, letter, out)) {
        return kee_order_expected(order, name, wanted, value);
    }
    return 0;
}

const struct kee_value *kee_order_option(const struct kee_order *order, size_t index,
                                         const char *name)
{
    const struct kee_value *record = kee_order_arg(order, index);

    for (size_t i = 0;
         record != NULL && record->kind == KEE_VALUE_RECORD && i < record->as.record.count; i++) {
        if (kee_bytes_equal(record->as.record.members[i].name, kee_bytes_str(name))) {
            return record->as.record.members[i].value;
        }
    }
    return NULL;
}

/* ---- answering ---- */

int kee_order_settle(struct kee_order *order, bool rejected, struct kee_vp_capdata data)
{
    int r = 0;

    if (order->result.size > 0) {
        r = kee_peer_settle(kernel_of(order), order->facade->peer, order->result, rejected, data);
    }
    if (r > 0) {
        /* Nobody waits any more; or the answer cannot be told, and then why is. */
        struct kee_vp_capdata why = {0};
        struct kee_buf body = KEE_BUF_EMPTY;
        kee_buf_put_str(&body, "#{\"#error\":");
        kee_buf_put_json_string(&body, kee_bytes_str(kee_kernel_why(kernel_of(order))));
        kee_buf_put_str(&body, ",\"name\":\"Error\"}");
        r = kee_buf_status(&body);
        why.body = kee_buf_bytes(&body);
        if (r == 0) {
            r = kee_peer_settle(kernel_of(order), order->facade->peer, order->result, true, why);
        }
        kee_buf_fini(&body);
    }
    if (r >= 0) {
        r = drop_mentions(order);
    }
    kee_order_free(order);
    return r < 0 ? r : KEE_ORDER_DONE;
}

static int settle_value(struct kee_order *order, bool rejected, const struct kee_value *value)
{
    struct kee_buf why = KEE_BUF_EMPTY, slots = KEE_BUF_EMPTY;
    struct kee_vp_capdata data = {0};
    struct kee_body body;
    int r;

    if (value == NULL) {
        return kee_fault(KEE_FAULT_MEMORY, "an answer of the kernel");
    }
    r = kee_body_encode(value, &order->arena, &body, &why);
    if (r > 0) {
        r = rejected ? 0
                     : kee_order_reject(order, "RangeError", "the answer cannot be told: %s",
                                        kee_buf_cstr(&why));
        kee_buf_fini(&why);
        return r;
    }
    for (size_t i = 0; r == 0 && i < body.slot_count; i++) {
        kee_vp_put_string(&slots, body.slots[i]);
        data.slots.count++;
    }
    r = r != 0 ? r : kee_buf_status(&slots);
    data.slots.raw = kee_buf_bytes(&slots);
    data.body = body.text;
    r = r != 0 ? r : kee_order_settle(order, rejected, data);
    kee_buf_fini(&slots);
    kee_buf_fini(&why);
    return r;
}

int kee_order_return(struct kee_order *order, const struct kee_value *value)
{
    return settle_value(order, false, value);
}

int kee_order_return_nothing(struct kee_order *order)
{
    static const struct kee_value undefined = {.kind = KEE_VALUE_UNDEFINED};

    return settle_value(order, false, &undefined);
}

int kee_order_return_text(struct kee_order *order, const char *text)
{
    return settle_value(order, false, kee_order_text(order, kee_bytes_str(text)));
}

int kee_order_return_ref(struct kee_order *order, struct kee_kref kref, struct kee_bytes iface)
{
    struct kee_buf name = KEE_BUF_EMPTY;
    struct kee_bytes copy;
    int r;

    kee_facade_put_name(order->facade, kref, &name);
    r = kee_buf_status(&name);
    copy = kee_arena_copy(&order->arena, kee_buf_bytes(&name));
    kee_buf_fini(&name);
    if (r == 0 && copy.data == NULL) {
        r = kee_fault(KEE_FAULT_MEMORY, "an answer of the kernel");
    }
    return r != 0 ? r : settle_value(order, false, kee_value_ref(&order->arena, copy, iface));
}

int kee_order_reject(struct kee_order *order, const char *name, const char *format, ...)
{
    struct kee_value *error = kee_value_new(&order->arena, KEE_VALUE_ERROR);
    struct kee_buf text = KEE_BUF_EMPTY;
    va_list args;
    int r;

    va_start(args, format);
    kee_buf_vprintf(&text, format, args);
    va_end(args);
    r = kee_buf_status(&text);
    if (r == 0 && error != NULL) {
        error->as.error.name = kee_bytes_str(name);
        error->as.error.message = kee_arena_copy(&order->arena, kee_buf_bytes(&text));
        error = error->as.error.message.data == NULL ? NULL : error;
    }
    kee_buf_fini(&text);
    return r != 0 ? r : settle_value(order, true, error);
}

int kee_order_did(struct kee_order *order, int r)
{
    return r < 0   ? r
           : r > 0 ? kee_order_reject(order, "Error", "%s", kee_kernel_why(kernel_of(order)))
                   : kee_order_return_nothing(order);
}

int kee_order_give(struct kee_order *order, struct kee_kref kref)
{
    struct kee_peer_id peer;
    int r;

    if (kee_id_parse(order->from, 'r', &peer.n)) {
        r = kee_peer_hold(kernel_of(order), peer, kref);
    } else {
        r = kee_kernel_hold(kernel_of(order), kref);
    }
    return r < 0 ? r : 0; /* who is gone holds nothing */
}

/* ---- making values ---- */

struct kee_value *kee_order_text(struct kee_order *order, struct kee_bytes text)
{
    struct kee_bytes copy = kee_arena_copy(&order->arena, text);

    return copy.data == NULL ? NULL : kee_value_string(&order->arena, copy);
}

struct kee_value *kee_order_kref_text(struct kee_order *order, struct kee_kref kref)
{
    struct kee_buf text = KEE_BUF_EMPTY;
    struct kee_value *value;

    kee_buf_put_kref(&text, kref);
    value = text.failed ? NULL : kee_order_text(order, kee_buf_bytes(&text));
    kee_buf_fini(&text);
    return value;
}

struct kee_value *kee_order_json(struct kee_order *order, const json_t *json)
{
    struct kee_buf why = KEE_BUF_EMPTY;
    struct kee_value *value = NULL;

    if (json == NULL) {
        return kee_value_new(&order->arena, KEE_VALUE_UNDEFINED);
    }
    if (kee_value_from_plain_json(json, &order->arena, &value, &why) != 0) {
        value = NULL;
    }
    kee_buf_fini(&why);
    return value;
}

struct kee_value *kee_order_record(struct kee_order *order, ...)
{
    struct kee_value *record;
    const char *name;
    va_list args;
    size_t count = 0;

    va_start(args, order);
    while (va_arg(args, const char *) != NULL) {
        (void)va_arg(args, struct kee_value *);
        count++;
    }
    va_end(args);
    record = kee_value_record(&order->arena, count);
    va_start(args, order);
    for (size_t i = 0; record != NULL && (name = va_arg(args, const char *)) != NULL; i++) {
        struct kee_member *member = &record->as.record.members[i];
        member->name = kee_bytes_str(name);
        member->value = va_arg(args, struct kee_value *);
        record = member->value == NULL ? NULL : record;
    }
    va_end(args);
    return record;
}
