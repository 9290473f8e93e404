/* SPDX-License-Identifier: Apache-2.0 */
/* facade_refs - methods of the kernel's facade on references: sending to, getting, dropping them. */
#include "base/fault.h"
#include "base/limits.h"
#include "daemon/facade_internal.h"
#include "value/body.h"

static struct kee_kernel *kernel_of(const struct kee_order *order)
{
    return order->facade->daemon->core.kernel;
}

static int out_of_memory(struct kee_order *order)
{
    kee_order_free(order);
    return kee_fault(KEE_FAULT_MEMORY, "an order to the kernel");
}

/* ---- sending ---- */

/* Sends [method, args], or [method] if args is NULL, and waits. Takes order. */
static int send_and_wait(struct kee_order *order, struct kee_kref target, struct kee_value *method,
                         struct kee_value *args,
                         int (*settled)(struct kee_order *order, bool rejected,
                                        struct kee_vp_capdata data))
{
    struct kee_value *methargs = kee_value_array(&order->arena, args == NULL ? 1 : 2);
    struct kee_buf why = KEE_BUF_EMPTY, slots = KEE_BUF_EMPTY, name = KEE_BUF_EMPTY;
    struct kee_vp_capdata data = {0};
    struct kee_body body = {0};
    struct kee_kref result;
    int r;

    if (methargs == NULL || method == NULL) {
        return out_of_memory(order);
    }
    methargs->as.array.items[0] = method;
    if (args != NULL) {
        methargs->as.array.items[1] = args;
    }
    r = kee_body_encode(methargs, &order->arena, &body, &why);
    for (size_t i = 0; r == 0 && i < body.slot_count; i++) {
        kee_vp_put_string(&slots, body.slots[i]);
        data.slots.count++;
    }
    kee_facade_put_name(order->facade, target, &name);
    if (r == 0) {
        r = slots.failed ? kee_buf_status(&slots) : kee_buf_status(&name);
    }
    if (r > 0) {
        r = kee_order_reject(order, "RangeError", "%s", kee_buf_cstr(&why));
    } else if (r == 0) {
        data.body = body.text;
        data.slots.raw = kee_buf_bytes(&slots);
        r = kee_peer_send(kernel_of(order), order->facade->peer, kee_buf_bytes(&name), data,
                          &result);
        r = r == 0 ? kee_facade_await(order, result, settled) : kee_order_did(order, r);
    }
    kee_buf_fini(&name);
    kee_buf_fini(&slots);
    kee_buf_fini(&why);
    return r;
}

/* {body, slots: [kref...]}; what it names is held for whoever asked. */
static int return_capdata(struct kee_order *order, bool rejected, struct kee_vp_capdata data)
{
    struct kee_vp_strings slots = data.slots;
    struct kee_value *list, *record;
    struct kee_bytes slot;
    struct kee_kref kref;
    int r = 0;

    if (rejected) {
        return kee_order_settle(order, true, data);
    }
    list = kee_value_array(&order->arena, data.slots.count);
    for (size_t i = 0; r == 0 && list != NULL && kee_vp_strings_next(&slots, &slot); i++) {
        if (kee_facade_kref_of(order->facade, slot, &kref) || kee_kref_parse(slot, &kref)) {
            r = kee_order_give(order, kref);
            list->as.array.items[i] = kee_order_kref_text(order, kref);
        } else {
            list->as.array.items[i] = kee_order_text(order, slot);
        }
        if (list->as.array.items[i] == NULL) {
            list = NULL;
        }
    }
    if (r < 0) {
        kee_order_free(order);
        return r;
    }
    record = kee_order_record(order, "body", kee_order_text(order, data.body), "slots", list,
                              (char *)NULL);
    return kee_order_return(order, record);
}

int kee_facade_queue_message(struct kee_order *order)
{
    const struct kee_value *method = kee_order_arg(order, 1);
    const struct kee_value *args = kee_order_arg(order, 2);
    struct kee_value *none = NULL;
    struct kee_kref target;
    int r = kee_order_take_kref(order, 0, "target", &target);

    if (r != 0) {
        return r;
    }
    if (method == NULL || (method->kind != KEE_VALUE_STRING && method->kind != KEE_VALUE_SYMBOL)) {
        return kee_order_expected(order, "method", "the name of a method", method);
    }
    if (args != NULL && args->kind != KEE_VALUE_ARRAY) {
        return kee_order_expected(order, "args", "an array of arguments", args);
    }
    if (args == NULL) {
        none = kee_value_array(&order->arena, 0);
        if (none == NULL) {
            return out_of_memory(order);
        }
    }
    return send_and_wait(order, target, order->args[1], args != NULL ? order->args[2] : none,
                         return_capdata);
}

static bool says(struct kee_bytes text, const char *piece)
{
    size_t size = strlen(piece);

    for (size_t at = 0; at + size <= text.size; at++) {
        if (memcmp(text.data + at, piece, size) == 0) {
            return true;
        }
    }
    return false;
}

/* The vat's word is enough, whatever it says; what the kernel says in its place is none of the vat's. */
static int return_ping(struct kee_order *order, bool rejected, struct kee_vp_capdata data)
{
    return rejected && says(data.body, "\"[KERNEL:") ? kee_order_settle(order, true, data)
                                                     : kee_order_return_text(order, "pong");
}

int kee_facade_ping_vat(struct kee_order *order)
{
    struct kee_value *name;
    struct kee_vat_id vat;
    struct kee_kref root;
    int r = kee_order_take_id(order, 0, "id", 'v', "a vat such as v2", &vat.n);

    if (r != 0) {
        return r;
    }
    r = kee_facade_root_of(order->facade, vat, &root);
    if (r < 0) {
        kee_order_free(order);
        return r;
    }
    if (r > 0) {
        return kee_order_reject(order, "Error", "there is no vat v%llu", (unsigned long long)vat.n);
    }
    /* A property of its root that every object has: asking for it runs nobody's code. */
    name = kee_value_new(&order->arena, KEE_VALUE_SYMBOL);
    if (name != NULL) {
        name->as.text = KEE_BYTES_LIT("@@toStringTag");
    }
    return send_and_wait(order, root, name, NULL, return_ping);
}

/* ---- getting ---- */

static void read_revoked(void *context, const struct kee_record *record)
{
    for (size_t i = 0; i < record->count; i++) {
        if (strcmp(record->fields[i].name, "revoked") == 0) {
            *(bool *)context = kee_bytes_equal(record->fields[i].value, KEE_BYTES_LIT("yes"));
        }
    }
}

int kee_facade_is_revoked(struct kee_order *order)
{
    struct kee_value *answer;
    struct kee_kref kref;
    bool revoked = false;
    int r = kee_order_take_kref(order, 0, "kref", &kref);

    if (r != 0) {
        return r;
    }
    r = kee_kernel_show(kernel_of(order), kref, read_revoked, &revoked);
    if (r != 0) {
        return kee_order_did(order, r);
    }
    answer = kee_value_new(&order->arena, KEE_VALUE_BOOLEAN);
    if (answer != NULL) {
        answer->as.boolean = revoked;
    }
    return kee_order_return(order, answer);
}

static int return_alike(struct kee_order *order, bool rejected, struct kee_vp_capdata data)
{
    return kee_order_settle(order, rejected, data);
}

/* Settles as the promise does. */
static int follow(struct kee_order *order, struct kee_kref promise)
{
    int r = kee_peer_hold(kernel_of(order), order->facade->peer, promise);

    return r != 0 ? kee_order_did(order, r) : kee_facade_await(order, promise, return_alike);
}

/* Interface names of the field's packages begin so. */
static int take_iface(struct kee_order *order, struct kee_bytes *out)
{
    struct kee_buf text = KEE_BUF_EMPTY;
    int r;

    *out = kee_bytes_of(NULL, 0);
    if (kee_order_arg(order, 1) == NULL) {
        return 0;
    }
    r = kee_order_take_string(order, 1, "iface", out);
    if (r != 0 || out->size == 0 || kee_bytes_has_prefix(*out, KEE_BYTES_LIT("Alleged: "))) {
        return r;
    }
    kee_buf_put_str(&text, "Alleged: ");
    kee_buf_put_bytes(&text, *out);
    r = kee_buf_status(&text);
    *out = kee_arena_copy(&order->arena, kee_buf_bytes(&text));
    kee_buf_fini(&text);
    if (r == 0 && out->data == NULL) {
        r = kee_fault(KEE_FAULT_MEMORY, "the name of an interface");
    }
    if (r < 0) {
        kee_order_free(order);
    }
    return r;
}

int kee_facade_resolve(struct kee_order *order)
{
    struct kee_facade *facade = order->facade;
    struct kee_buf name = KEE_BUF_EMPTY;
    struct kee_bytes iface;
    struct kee_kref kref;
    bool revoked = false;
    int r = kee_order_take_kref(order, 0, "kref", &kref);

    r = r != 0 ? r : take_iface(order, &iface);
    if (r != 0) {
        return r;
    }
    if (kee_kref_is_promise(kref)) {
        return follow(order, kref);
    }
    r = kee_kernel_show(kernel_of(order), kref, read_revoked, &revoked);
    kee_facade_put_name(facade, kref, &name);
    r = r != 0 ? r : kee_buf_status(&name);
    if (r == 0 && revoked) {
        r = kee_order_reject(order, "Error", "[KERNEL:OBJECT_REVOKED] %s has been revoked",
                             kee_buf_cstr(&name));
    } else if (r == 0 && name.data[0] == 'k') {
        /* Held while it is being answered with: the answer cannot name what nothing reaches. */
        r = kee_peer_hold(facade->daemon->core.kernel, facade->peer, kref);
        r = r != 0 ? kee_order_did(order, r) : kee_order_return_ref(order, kref, iface);
        if (r >= 0) {
            int dropped = kee_facade_let_go(facade, kee_buf_bytes(&name), 1);
            r = dropped < 0 ? dropped : r;
        }
    } else if (r == 0) {
        r = kee_order_return_ref(order, kref, iface);
    } else {
        r = kee_order_did(order, r);
    }
    kee_buf_fini(&name);
    return r;
}

int kee_facade_subscribe(struct kee_order *order)
{
    struct kee_kref kref;
    int r = kee_order_take_kref(order, 0, "kpref", &kref);

    if (r != 0) {
        return r;
    }
    return kee_kref_is_promise(kref) ? follow(order, kref)
                                     : kee_order_expected(order, "kpref", "a promise such as kp7",
                                                          kee_order_arg(order, 0));
}

/* ---- dropping ---- */

/* "ko4" or the object. */
static bool is_kref(const struct kee_value *value, struct kee_kref *out)
{
    return (value->kind == KEE_VALUE_STRING && kee_kref_parse(value->as.text, out)) ||
           ((value->kind == KEE_VALUE_REMOTABLE || value->kind == KEE_VALUE_PROMISE) &&
            kee_kref_parse(value->as.ref.slot, out));
}

/* A kref, or [kref, count]. */
static bool is_drop(const struct kee_value *value, struct kee_kref *kref, uint64_t *count)
{
    const struct kee_value *number;

    *count = 1;
    if (value->kind != KEE_VALUE_ARRAY) {
        return is_kref(value, kref);
    }
    if (value->as.array.count != 2 || !is_kref(value->as.array.items[0], kref)) {
        return false;
    }
    number = value->as.array.items[1];
    if (number->kind != KEE_VALUE_NUMBER || !(number->as.number >= 0) ||
        number->as.number > 9007199254740991.0) {
        return false;
    }
    *count = (uint64_t)number->as.number;
    return true;
}

static int drop_one(struct kee_order *order, struct kee_kref kref, uint64_t count)
{
    struct kee_buf name = KEE_BUF_EMPTY;
    struct kee_peer_id peer;
    int r;

    if (!kee_id_parse(order->from, 'r', &peer.n)) {
        r = count == 0 ? 0 : kee_kernel_drop(kernel_of(order), kref);
        return r < 0 ? r : 0;
    }
    kee_buf_put_kref(&name, kref);
    r = kee_buf_status(&name);
    r = r != 0 || count == 0 ? r
                             : kee_peer_drop(kernel_of(order), peer, kee_buf_bytes(&name), count);
    kee_buf_fini(&name);
    return r < 0 ? r : 0;
}

int kee_facade_drop(struct kee_order *order)
{
    static const char wanted[] = "a kref, an array of krefs, or an array of [kref, count]";
    const struct kee_value *value = kee_order_arg(order, 0);
    struct kee_value *const *items;
    struct kee_value *single = order->args[0];
    struct kee_kref kref;
    uint64_t count;
    size_t size;
    int r = 0;

    if (value == NULL) {
        return kee_order_expected(order, "krefs", wanted, value);
    }
    items = value->kind == KEE_VALUE_ARRAY ? value->as.array.items : &single;
    size = value->kind == KEE_VALUE_ARRAY ? value->as.array.count : 1;
    /* All of it is looked at first: half of a batch is not dropped. */
    for (size_t i = 0; i < size; i++) {
        if (!is_drop(items[i], &kref, &count)) {
            return kee_order_expected(order, "krefs", wanted, items[i]);
        }
    }
    for (size_t i = 0; r == 0 && i < size; i++) {
        (void)is_drop(items[i], &kref, &count);
        r = drop_one(order, kref, count);
    }
    if (r < 0) {
        kee_order_free(order);
        return r;
    }
    return kee_order_return_nothing(order);
}
