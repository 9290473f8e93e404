/* SPDX-License-Identifier: Apache-2.0 */
/* calls - launch and send: requests the kernel answers when vats have done their work. */
#include <stdlib.h>

#include "base/fault.h"
#include "base/limits.h"
#include "daemon/daemon_internal.h"
#include "daemon/facade.h"
#include "daemon/io.h"
#include "daemon/json_text.h"
#include "daemon/launch.h"
#include "daemon/system.h"

/* A pending with a number of its own, known to answer(). */
static struct kee_pending *new_call(struct kee_daemon *daemon, struct kee_request *request)
{
    struct kee_pending *pending = kee_pending_new(daemon, request, KEE_PENDING_CALL);

    if (pending == NULL) {
        return NULL;
    }
    pending->call = ++daemon->call_last;
    if (kee_map_put(&daemon->calls, pending->call, pending) < 0) {
        kee_fault_clear();
        kee_pending_error(pending, "FAULT", "out of memory");
        return NULL;
    }
    return pending;
}

/* r is what the kernel said to the call: 0 is "wait". */
static void settle_call(struct kee_daemon *daemon, struct kee_pending *pending, int r)
{
    struct kee_request *request = pending->request;

    if (r != 0) {
        kee_pending_free(pending);
        kee_daemon_decline(daemon, request, r);
    }
}

void kee_daemon_launch(struct kee_daemon *daemon, struct kee_request *request, const json_t *params)
{
    const json_t *directory = json_object_get(params, "directory");
    struct kee_launch_order order = {.config = json_object_get(params, "config"),
                                     .directory = json_string_value(directory)};
    struct kee_buf why = KEE_BUF_EMPTY;
    struct kee_pending *pending;
    int r;

    if (directory != NULL && (!json_is_string(directory) || *json_string_value(directory) != '/')) {
        kee_daemon_bad(request, "directory: expected an absolute path");
        return;
    }
    pending = new_call(daemon, request);
    if (pending == NULL) {
        return;
    }
    order.call = pending->call;
    r = kee_daemon_begin_launch(daemon, &order, &pending->warnings, &pending->subcluster, &why);
    if (r > 0) {
        kee_pending_error(pending, "BAD", why.failed ? "out of memory" : kee_buf_cstr(&why));
    } else if (r < 0) {
        kee_pending_free(pending);
        kee_daemon_decline(daemon, request, r);
    }
    kee_buf_fini(&why);
}

/* Reads {"body":...,"slots":[...]}. The body is borrowed from json, the slots are in room. */
static bool take_capdata(const json_t *json, struct kee_vp_capdata *out, struct kee_buf *room,
                         struct kee_request *request)
{
    const json_t *body = json_object_get(json, "body");
    const json_t *slots = json_object_get(json, "slots");
    const json_t *slot;
    struct kee_kref kref;
    size_t index;

    *out = (struct kee_vp_capdata){0};
    if (!json_is_string(body) || (slots != NULL && !json_is_array(slots))) {
        kee_daemon_bad(request, "methargs: expected {\"body\":TEXT,\"slots\":[KREF...]}");
        return false;
    }
    out->body = kee_bytes_of(json_string_value(body), json_string_length(body));
    if (out->body.size > KEE_LIMIT_BODY_BYTES || json_array_size(slots) > KEE_LIMIT_SLOTS) {
        kee_daemon_bad(
            request, "methargs: expected at most %u bytes and %u slots, found %zu and %zu",
            KEE_LIMIT_BODY_BYTES, KEE_LIMIT_SLOTS, out->body.size, json_array_size(slots));
        return false;
    }
    json_array_foreach(slots, index, slot)
    {
        struct kee_bytes text =
            json_is_string(slot) ? kee_bytes_of(json_string_value(slot), json_string_length(slot))
                                 : kee_bytes_of(NULL, 0);
        if (!kee_kref_parse(text, &kref)) {
            kee_daemon_bad(request,
                           "methargs.slots[%zu]: expected a kref such as ko4, found \"%.40s\"",
                           index, json_is_string(slot) ? json_string_value(slot) : "no string");
            return false;
        }
        kee_vp_put_string(room, text);
        out->slots.count++;
    }
    out->slots.raw = kee_buf_bytes(room);
    if (room->failed) {
        kee_request_error(request, "FAULT", "out of memory");
    }
    return !room->failed;
}

void kee_daemon_send(struct kee_daemon *daemon, struct kee_request *request, const json_t *params)
{
    const json_t *target_json = json_object_get(params, "target");
    struct kee_buf slots = KEE_BUF_EMPTY;
    struct kee_vp_capdata methargs;
    struct kee_pending *pending;
    struct kee_kref target;

    if (!json_is_string(target_json) ||
        !kee_kref_parse(kee_bytes_str(json_string_value(target_json)), &target)) {
        kee_daemon_bad(request, "target: expected a kref such as ko4, found %s%.40s%s",
                       json_is_string(target_json) ? "\"" : "no string",
                       json_is_string(target_json) ? json_string_value(target_json) : "",
                       json_is_string(target_json) ? "\"" : "");
        return;
    }
    if (take_capdata(json_object_get(params, "methargs"), &methargs, &slots, request)) {
        pending = new_call(daemon, request);
        if (pending != NULL) {
            settle_call(daemon, pending,
                        kee_kernel_send(daemon->core.kernel, target, methargs, pending->call));
        }
    }
    kee_buf_fini(&slots);
}

static void put_launched(struct kee_buf *json, const struct kee_pending *pending,
                         const struct kee_answer *answer)
{
    char *warnings = json_dumps(pending->warnings, JSON_COMPACT);

    kee_buf_put_str(json, "{\"subclusterId\":\"s");
    kee_buf_put_decimal(json, answer->subcluster.n);
    kee_buf_put_str(json, "\",\"rootKref\":\"");
    kee_buf_put_kref(json, answer->root);
    kee_buf_put_str(json, "\",\"bootstrapResult\":");
    kee_json_put_capdata(json, answer->data);
    kee_buf_put_str(json, ",\"warnings\":");
    kee_buf_put_str(json, warnings == NULL ? "[]" : warnings);
    kee_buf_put_char(json, '}');
    free(warnings);
}

void kee_daemon_answer(struct kee_daemon *daemon, uint64_t call, const struct kee_answer *answer)
{
    struct kee_pending *pending = kee_map_get(&daemon->calls, call);
    struct kee_buf text = KEE_BUF_EMPTY;

    if (pending == NULL) {
        (void)(kee_facade_answer(daemon, call, answer) || kee_system_answer(daemon, call, answer));
        return;
    }
    if (answer->status == KEE_ANSWER_DECLINED) {
        kee_io_stray(daemon, pending->subcluster);
        kee_pending_error(pending, "DECLINED", answer->why);
        return;
    }
    if (pending->warnings != NULL && answer->status == KEE_ANSWER_REJECTED) {
        kee_daemon_put_bootstrap_rejected(&text, answer);
        kee_pending_error(pending, text.failed ? "FAULT" : "DECLINED",
                          text.failed ? "out of memory" : kee_buf_cstr(&text));
        kee_buf_fini(&text);
        return;
    }
    if (pending->warnings != NULL) {
        put_launched(&text, pending, answer);
    } else {
        kee_buf_put_str(&text, answer->status == KEE_ANSWER_FULFILLED
                                   ? "{\"status\":\"fulfilled\",\"value\":"
                                   : "{\"status\":\"rejected\",\"value\":");
        kee_json_put_capdata(&text, answer->data);
        kee_buf_put_char(&text, '}');
    }
    if (text.failed) {
        kee_pending_error(pending, "FAULT", "out of memory");
    } else {
        kee_pending_result(pending, kee_buf_bytes(&text));
    }
    kee_buf_fini(&text);
}
