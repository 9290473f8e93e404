/* SPDX-License-Identifier: Apache-2.0 */
/* methods - what each method of docs/formats/control.md does; the longer ones are in calls.c,
 * streams.c and status.c. */
#include <stdio.h>

#include "base/fault.h"
#include "base/limits.h"
#include "daemon/daemon_internal.h"
#include "daemon/facade.h"
#include "daemon/grants.h"
#include "daemon/io.h"
#include "daemon/json_text.h"

void kee_daemon_bad(struct kee_request *request, const char *format, ...)
{
    struct kee_buf text = KEE_BUF_EMPTY;
    va_list args;

    va_start(args, format);
    kee_buf_vprintf(&text, format, args);
    va_end(args);
    kee_request_error(request, "BAD", text.failed ? "bad parameters" : kee_buf_cstr(&text));
    kee_buf_fini(&text);
}

void kee_daemon_decline(struct kee_daemon *daemon, struct kee_request *request, int r)
{
    static const char *const codes[] = {
        [KEE_KERNEL_NO_SUCH] = "NO_SUCH", [KEE_KERNEL_BAD] = "BAD", [KEE_KERNEL_STATE] = "STATE"};

    if (kee_core_check(&daemon->core, r) < 0) {
        kee_request_error(request, "FAULT", kee_buf_cstr(&daemon->core.fault_text));
        return;
    }
    kee_request_error(request, (size_t)r < sizeof codes / sizeof *codes ? codes[r] : "STATE",
                      kee_kernel_why(daemon->core.kernel));
}

/* The number in "v3" or "s3" under key, or false after saying what was expected. */
static bool take_id(struct kee_request *request, const json_t *params, const char *key, char letter,
                    uint64_t *out)
{
    const json_t *json = json_object_get(params, key);

    if (json_is_string(json) && kee_id_parse(kee_bytes_str(json_string_value(json)), letter, out)) {
        return true;
    }
    kee_daemon_bad(request, "%s: expected a %s such as %c2, found %s%.40s%s", key, key, letter,
                   json_is_string(json) ? "\"" : "",
                   json_is_string(json) ? json_string_value(json)
                   : json == NULL       ? "nothing"
                                        : "no string",
                   json_is_string(json) ? "\"" : "");
    return false;
}

/* The same of a vat or a session: "v3" or "r3". */
static bool take_endpoint(struct kee_request *request, const json_t *params, const char *key,
                          struct kee_endpoint_id *out)
{
    const json_t *json = json_object_get(params, key);

    if (json_is_string(json) && kee_endpoint_parse(kee_bytes_str(json_string_value(json)), out)) {
        return true;
    }
    kee_daemon_bad(request,
                   "%s: expected a vat such as v2 or a session such as r2, found %s%.40s%s", key,
                   json_is_string(json) ? "\"" : "",
                   json_is_string(json) ? json_string_value(json)
                   : json == NULL       ? "nothing"
                                        : "no string",
                   json_is_string(json) ? "\"" : "");
    return false;
}

static void settle_order(struct kee_daemon *daemon, struct kee_request *request, int r)
{
    if (r != 0) {
        kee_daemon_decline(daemon, request, r);
    } else {
        kee_pending_when_durable(daemon, request, KEE_PENDING_DURABLE);
    }
}

static void terminate(struct kee_daemon *daemon, struct kee_request *request, const json_t *params)
{
    struct kee_subcluster_id subcluster;
    struct kee_vat_id vat;

    if (json_object_get(params, "subcluster") != NULL) {
        if (take_id(request, params, "subcluster", 's', &subcluster.n)) {
            int r = kee_kernel_terminate_subcluster(daemon->core.kernel, subcluster);
            settle_order(daemon, request, r != 0 ? r : kee_io_close(daemon, subcluster));
        }
    } else if (take_id(request, params, "vat", 'v', &vat.n)) {
        settle_order(daemon, request, kee_kernel_terminate_vat(daemon->core.kernel, vat));
    }
}

static void restart_vat(struct kee_daemon *daemon, struct kee_request *request,
                        const json_t *params)
{
    struct kee_vat_id vat;

    struct kee_pending *pending;
    int r;

    if (!take_id(request, params, "vat", 'v', &vat.n)) {
        return;
    }
    r = kee_kernel_restart_vat(daemon->core.kernel, vat, "asked for by its operator");
    if (r != 0 || !kee_kernel_is_parting(daemon->core.kernel, vat)) {
        settle_order(daemon, request, r);
        return;
    }
    pending = kee_pending_new(daemon, request, KEE_PENDING_RESTART);
    if (pending != NULL) {
        pending->vat = vat;
        kee_list_append(&daemon->restarts, &pending->link);
    }
}

static void reap(struct kee_daemon *daemon, struct kee_request *request, const json_t *params)
{
    struct kee_vat_id vat = {0};

    if (json_object_get(params, "vat") == NULL || take_id(request, params, "vat", 'v', &vat.n)) {
        settle_order(daemon, request, kee_kernel_reap(daemon->core.kernel, vat));
    }
}

static void collect(struct kee_daemon *daemon, struct kee_request *request, const json_t *params)
{
    (void)params;
    settle_order(daemon, request, kee_kernel_collect(daemon->core.kernel));
}

/* The kref under key "kref", or false after saying what was expected. */
static bool take_kref(struct kee_request *request, const json_t *params, struct kee_kref *out)
{
    const json_t *json = json_object_get(params, "kref");
    const char *text = json_is_string(json) ? json_string_value(json) : NULL;

    if (text != NULL && kee_kref_parse(kee_bytes_str(text), out)) {
        return true;
    }
    kee_daemon_bad(request, "kref: expected a reference such as ko4, found %s%.40s%s",
                   text == NULL ? "no string" : "\"", text == NULL ? "" : text,
                   text == NULL ? "" : "\"");
    return false;
}

static void order_kref(struct kee_daemon *daemon, struct kee_request *request, const json_t *params,
                       int (*order)(struct kee_kernel *kernel, struct kee_kref kref))
{
    struct kee_kref kref;

    if (take_kref(request, params, &kref)) {
        settle_order(daemon, request, order(daemon->core.kernel, kref));
    }
}

static void pin(struct kee_daemon *daemon, struct kee_request *request, const json_t *params)
{
    order_kref(daemon, request, params, kee_kernel_pin);
}

static void hold(struct kee_daemon *daemon, struct kee_request *request, const json_t *params)
{
    order_kref(daemon, request, params, kee_kernel_hold);
}

static void unpin(struct kee_daemon *daemon, struct kee_request *request, const json_t *params)
{
    order_kref(daemon, request, params, kee_kernel_unpin);
}

static void facet(struct kee_daemon *daemon, struct kee_request *request, const json_t *params)
{
    const json_t *json = json_object_get(params, "facet");
    struct kee_buf text = KEE_BUF_EMPTY;
    struct kee_vat_id vat;
    struct kee_kref kref;
    int r;

    if (!take_id(request, params, "vat", 'v', &vat.n)) {
        return;
    }
    if (!json_is_integer(json) || json_integer_value(json) < 0) {
        kee_daemon_bad(request, "facet: expected a number from 0 up");
        return;
    }
    r = kee_kernel_facet(daemon->core.kernel, vat, (uint64_t)json_integer_value(json), &kref);
    if (r == 0) {
        kee_buf_put_str(&text, "{\"kref\":\"");
        kee_buf_put_kref(&text, kref);
        kee_buf_put_str(&text, "\"}");
        r = kee_buf_status(&text);
    }
    if (r == 0) {
        kee_request_result(request, kee_buf_bytes(&text));
    } else {
        settle_order(daemon, request, r);
    }
    kee_buf_fini(&text);
}

static void revoke(struct kee_daemon *daemon, struct kee_request *request, const json_t *params)
{
    order_kref(daemon, request, params, kee_kernel_revoke);
}

static void tell_state(struct kee_daemon *daemon, struct kee_request *request)
{
    kee_request_result(request, kee_kernel_is_paused(daemon->core.kernel)
                                    ? KEE_BYTES_LIT("{\"state\":\"paused\"}")
                                    : KEE_BYTES_LIT("{\"state\":\"running\"}"));
}

static void pause_kernel(struct kee_daemon *daemon, struct kee_request *request,
                         const json_t *params)
{
    (void)params;
    kee_kernel_pause(daemon->core.kernel);
    tell_state(daemon, request);
}

static void run_kernel(struct kee_daemon *daemon, struct kee_request *request, const json_t *params)
{
    (void)params;
    kee_kernel_resume(daemon->core.kernel);
    tell_state(daemon, request);
}

static void stop(struct kee_daemon *daemon, struct kee_request *request, const json_t *params)
{
    struct kee_pending *pending = kee_pending_new(daemon, request, KEE_PENDING_STOP);

    (void)params;
    if (pending != NULL) {
        kee_list_append(&daemon->stoppers, &pending->link);
        kee_privileges_log(&daemon->own, "stop", "why=\"asked by a client\"");
        kee_daemon_stop(daemon);
    }
}

/* ---- listings ---- */

static void put_row(void *context, const struct kee_record *record)
{
    struct kee_buf *json = context;

    if (json->size > 1) {
        kee_buf_put_char(json, ',');
    }
    kee_json_put_record(json, record, false);
}

static void end_listing(struct kee_daemon *daemon, struct kee_request *request,
                        struct kee_buf *json, const char *end, int r)
{
    kee_buf_put_str(json, end);
    if (r != 0) {
        kee_daemon_decline(daemon, request, r);
    } else if (json->failed || json->size > KEE_LIMIT_CONTROL_LINE_BYTES - 1024) {
        kee_request_error(request, "FAULT",
                          json->failed ? "out of memory" : "the listing is longer than 64 MB");
    } else {
        kee_request_result(request, kee_buf_bytes(json));
    }
    kee_buf_fini(json);
}

typedef int list_fn(struct kee_kernel *kernel, kee_record_fn *fn, void *context);

static void list(struct kee_daemon *daemon, struct kee_request *request, list_fn *fn)
{
    struct kee_buf json = KEE_BUF_EMPTY;

    kee_buf_put_char(&json, '[');
    end_listing(daemon, request, &json, "]", fn(daemon->core.kernel, put_row, &json));
}

static void sessions(struct kee_daemon *daemon, struct kee_request *request, const json_t *params)
{
    struct kee_buf json = KEE_BUF_EMPTY;

    (void)params;
    kee_buf_put_char(&json, '[');
    end_listing(daemon, request, &json, "]", kee_sessions_list(&daemon->sessions, put_row, &json));
}

static void urls(struct kee_daemon *daemon, struct kee_request *request, const json_t *params)
{
    const char *name = json_string_value(json_object_get(params, "name"));
    struct kee_buf json = KEE_BUF_EMPTY;

    name = name == NULL ? "owner" : name;
    kee_buf_put_char(&json, '[');
    if (kee_doors_list_urls(&daemon->doors, kee_bytes_str(name), put_row, &json)) {
        end_listing(daemon, request, &json, "]", 0);
    } else {
        kee_buf_clear(&json);
        kee_buf_printf(&json, "there is no grant %.80s; keeve grants lists them", name);
        kee_request_error(request, "NO_SUCH", json.failed ? "no such grant" : kee_buf_cstr(&json));
        kee_buf_fini(&json);
    }
}

struct vat_rows {
    struct kee_daemon *daemon;
    struct kee_buf json;
};

/* The kernel knows no processes: the worker's is added here. */
static void put_vat_row(void *context, const struct kee_record *record)
{
    struct vat_rows *rows = context;
    struct kee_record wider = *record;
    struct kee_vat_id vat = {0};
    char text[16];
    int pid;

    if (record->count > 0 && record->count < KEE_RECORD_FIELDS_MAX &&
        kee_id_parse(record->fields[0].value, 'v', &vat.n)) {
        pid = kee_vathost_pid(rows->daemon->core.vathost, vat);
        (void)snprintf(text, sizeof text, "%d", pid);
        wider.fields[wider.count++] =
            (struct kee_field){.name = "pid", .value = kee_bytes_str(text), .is_number = true};
    }
    put_row(&rows->json, &wider);
}

static void vats(struct kee_daemon *daemon, struct kee_request *request, const json_t *params)
{
    struct vat_rows rows = {daemon, KEE_BUF_EMPTY};

    (void)params;
    kee_buf_put_char(&rows.json, '[');
    end_listing(daemon, request, &rows.json, "]",
                kee_kernel_list_vats(daemon->core.kernel, put_vat_row, &rows));
}

static void queue(struct kee_daemon *daemon, struct kee_request *request, const json_t *params)
{
    (void)params;
    list(daemon, request, kee_kernel_list_queue);
}

static void objects(struct kee_daemon *daemon, struct kee_request *request, const json_t *params)
{
    (void)params;
    list(daemon, request, kee_kernel_list_objects);
}

static void promises(struct kee_daemon *daemon, struct kee_request *request, const json_t *params)
{
    (void)params;
    list(daemon, request, kee_kernel_list_promises);
}

static void subclusters(struct kee_daemon *daemon, struct kee_request *request,
                        const json_t *params)
{
    (void)params;
    list(daemon, request, kee_kernel_list_subclusters);
}

static void services(struct kee_daemon *daemon, struct kee_request *request, const json_t *params)
{
    int r = kee_facade_bind(daemon);

    (void)params;
    if (r != 0) {
        kee_daemon_decline(daemon, request, r);
    } else {
        list(daemon, request, kee_kernel_list_services);
    }
}

static void peers(struct kee_daemon *daemon, struct kee_request *request, const json_t *params)
{
    (void)params;
    list(daemon, request, kee_kernel_list_peers);
}

static void clist(struct kee_daemon *daemon, struct kee_request *request, const json_t *params)
{
    struct kee_buf json = KEE_BUF_EMPTY;
    struct kee_kernel *kernel = daemon->core.kernel;
    struct kee_endpoint_id of;

    if (take_endpoint(request, params, "vat", &of)) {
        kee_buf_put_char(&json, '[');
        end_listing(daemon, request, &json, "]",
                    kee_endpoint_peer(of).n != 0
                        ? kee_kernel_list_peer_clist(kernel, kee_endpoint_peer(of), put_row, &json)
                        : kee_kernel_list_clist(kernel, kee_endpoint_vat(of), put_row, &json));
    }
}

static void who_holds(struct kee_daemon *daemon, struct kee_request *request, const json_t *params)
{
    struct kee_buf json = KEE_BUF_EMPTY;
    struct kee_kref kref;

    if (take_kref(request, params, &kref)) {
        kee_buf_put_char(&json, '[');
        end_listing(daemon, request, &json, "]",
                    kee_kernel_who_holds(daemon->core.kernel, kref, put_row, &json));
    }
}

static void describe(struct kee_daemon *daemon, struct kee_request *request, const json_t *params)
{
    const char *reference = json_string_value(json_object_get(params, "reference"));
    struct kee_buf json = KEE_BUF_EMPTY;
    struct kee_endpoint_id of = KEE_ENDPOINT_NONE;

    if (reference == NULL) {
        kee_daemon_bad(request, "reference: expected a kref or a vat's own name, found no string");
    } else if (json_object_get(params, "vat") == NULL ||
               take_endpoint(request, params, "vat", &of)) {
        end_listing(
            daemon, request, &json, "",
            kee_kernel_describe(daemon->core.kernel, kee_bytes_str(reference), of, put_row, &json));
    }
}

static void put_violation(void *context, const struct kee_record *record)
{
    struct kee_buf *json = context;

    if (json->data[json->size - 1] != '[') {
        kee_buf_put_char(json, ',');
    }
    kee_json_put_record(json, record, false);
}

static void audit(struct kee_daemon *daemon, struct kee_request *request, const json_t *params)
{
    struct kee_buf json = KEE_BUF_EMPTY;
    int r;

    (void)params;
    kee_buf_put_str(&json, "{\"violations\":[");
    r = json.failed ? KEE_FAULT_MEMORY
                    : kee_kernel_audit(daemon->core.kernel, put_violation, &json);
    end_listing(daemon, request, &json, "]}", r < 0 ? r : 0);
}

static void export_store(struct kee_daemon *daemon, struct kee_request *request,
                         const json_t *params)
{
    (void)params;
    if (!kee_list_is_empty(&daemon->exports)) {
        kee_request_error(request, "STATE", "another export is under way");
        return;
    }
    kee_pending_when_durable(daemon, request, KEE_PENDING_EXPORT);
}

/* ---- the table ---- */

struct method {
    const char *name;
    void (*run)(struct kee_daemon *daemon, struct kee_request *request, const json_t *params);
};

static const struct method methods[] = {
    {"status", kee_daemon_status},
    {"launch", kee_daemon_launch},
    {"send", kee_daemon_send},
    {"vats", vats},
    {"clist", clist},
    {"queue", queue},
    {"objects", objects},
    {"promises", promises},
    {"subclusters", subclusters},
    {"services", services},
    {"peers", peers},
    {"sessions", sessions},
    {"urls", urls},
    {"grant", kee_daemon_grant},
    {"grants", kee_daemon_grants},
    {"revoke-grant", kee_daemon_revoke_grant},
    {"who-holds", who_holds},
    {"describe", describe},
    {"stats", kee_daemon_stats},
    {"terminate", terminate},
    {"restart-vat", restart_vat},
    {"reap", reap},
    {"collect", collect},
    {"facet", facet},
    {"hold", hold},
    {"pin", pin},
    {"unpin", unpin},
    {"revoke", revoke},
    {"pause", pause_kernel},
    {"run", run_kernel},
    {"step", kee_daemon_step},
    {"trace", kee_daemon_trace},
    {"logs", kee_daemon_logs},
    {"export", export_store},
    {"audit", audit},
    {"stop", stop},
};

static void on_request(void *context, struct kee_request *request, const char *method,
                       const json_t *params)
{
    struct kee_daemon *daemon = context;

    if (daemon->core.fault < 0 || daemon->stopping ||
        (daemon->leaving && strcmp(method, "stop") != 0)) {
        kee_request_error(request, "STATE", "the daemon is stopping");
        return;
    }
    kee_core_set_now(&daemon->core);
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        if (strcmp(methods[i].name, method) == 0) {
            methods[i].run(daemon, request, params);
            return;
        }
    }
    kee_daemon_bad(request, "there is no method \"%.80s\"", method);
}

static void on_cancelled(void *context, struct kee_request *request)
{
    struct kee_daemon *daemon = context;
    struct kee_pending *pending = kee_request_data(request);

    if (pending == NULL) {
        return;
    }
    if (pending->kind == KEE_PENDING_CALL && daemon->core.fault == 0) {
        kee_kernel_forget_call(daemon->core.kernel, pending->call);
    }
    kee_pending_free(pending);
}

static void on_note(void *context, const char *text)
{
    kee_privileges_log(&((struct kee_daemon *)context)->own, "note", "text=\"%s\"", text);
}

const struct kee_control_handler kee_daemon_control_handler = {on_request, on_cancelled, on_note};
