/* SPDX-License-Identifier: Apache-2.0 */
/* streams - trace, step and logs: what happens, told as it happens. */
#include "base/fault.h"
#include "base/limits.h"
#include "daemon/daemon_internal.h"
#include "daemon/json_text.h"

void kee_daemon_set_tracing(struct kee_daemon *daemon)
{
    bool wanted = !kee_list_is_empty(&daemon->tracers) || daemon->step_under_way;

    if (wanted != daemon->tracing) {
        daemon->tracing = wanted;
        kee_kernel_trace(daemon->core.kernel, wanted);
    }
}

void kee_daemon_trace(struct kee_daemon *daemon, struct kee_request *request, const json_t *params)
{
    struct kee_pending *pending = kee_pending_new(daemon, request, KEE_PENDING_TRACE);

    (void)params;
    if (pending != NULL) {
        kee_list_append(&daemon->tracers, &pending->link);
        kee_daemon_set_tracing(daemon);
    }
}

/* To each of a list; one that is too slow leaves the list by being told. */
static void tell_all(struct kee_link *list, struct kee_bytes json)
{
    struct kee_link *link = list->next;

    while (link != list) {
        struct kee_pending *pending = KEE_CONTAINER(link, struct kee_pending, link);
        link = link->next;
        (void)kee_request_event(pending->request, json);
    }
}

void kee_daemon_on_trace(struct kee_daemon *daemon, const struct kee_record *event)
{
    struct kee_buf json = KEE_BUF_EMPTY;
    struct kee_pending *step = daemon->step;

    kee_json_put_record(&json, event, true);
    if (!json.failed) {
        if (step != NULL && step->events.size < KEE_LIMIT_CONTROL_STREAM_BYTES) {
            kee_buf_put_str(&step->events, step->events.size == 0 ? "" : ",");
            kee_buf_put_bytes(&step->events, kee_buf_bytes(&json));
        }
        tell_all(&daemon->tracers, kee_buf_bytes(&json));
    }
    kee_buf_fini(&json);
}

/* From inside the kernel: tracing is switched off in the next round. */
static void on_stepped(void *context)
{
    struct kee_daemon *daemon = context;
    struct kee_pending *step = daemon->step;
    struct kee_buf json = KEE_BUF_EMPTY;

    daemon->step_under_way = false;
    if (step == NULL) {
        return;
    }
    kee_buf_put_str(&json, "{\"events\":[");
    kee_buf_put_bytes(&json, kee_buf_bytes(&step->events));
    kee_buf_put_str(&json, "]}");
    if (json.failed || step->events.failed) {
        kee_pending_error(step, "FAULT", "out of memory");
    } else {
        kee_pending_result(step, kee_buf_bytes(&json));
    }
    kee_buf_fini(&json);
}

void kee_daemon_step(struct kee_daemon *daemon, struct kee_request *request, const json_t *params)
{
    struct kee_pending *pending;
    int r;

    (void)params;
    if (daemon->step_under_way) {
        kee_request_error(request, "STATE", "a step is under way");
        return;
    }
    pending = kee_pending_new(daemon, request, KEE_PENDING_STEP);
    if (pending == NULL) {
        return;
    }
    daemon->step = pending;
    daemon->step_under_way = true;
    kee_daemon_set_tracing(daemon);
    r = kee_kernel_step(daemon->core.kernel, on_stepped, daemon);
    if (r != 0) {
        daemon->step_under_way = false;
        kee_pending_free(pending);
        kee_daemon_decline(daemon, request, r);
    }
}

static bool wants(const struct kee_pending *pending, const struct kee_log_line *line)
{
    return pending->vat.n == 0 || pending->vat.n == line->vat.n;
}

void kee_daemon_on_log(struct kee_daemon *daemon, const struct kee_log_line *line)
{
    struct kee_log_line cut = *line;
    struct kee_link *link = daemon->log_followers.next;
    struct kee_buf json = KEE_BUF_EMPTY;

    if (cut.text.size > KEE_LIMIT_LOG_LINE_BYTES) {
        cut.text.size = KEE_LIMIT_LOG_LINE_BYTES;
    }
    kee_logs_add(daemon->logs, &cut);
    if (link == &daemon->log_followers) {
        return;
    }
    kee_log_line_put(&json, &cut);
    while (link != &daemon->log_followers && !json.failed) {
        struct kee_pending *pending = KEE_CONTAINER(link, struct kee_pending, link);
        link = link->next;
        if (wants(pending, &cut)) {
            (void)kee_request_event(pending->request, kee_buf_bytes(&json));
        }
    }
    kee_buf_fini(&json);
}

/* The lines there are: at most a thousand of bounded size, so they are told at once. */
static void tell_line(void *context, const struct kee_log_line *line)
{
    const struct kee_pending *pending = context;
    struct kee_buf json = KEE_BUF_EMPTY;

    if (wants(pending, line)) {
        kee_log_line_put(&json, line);
        if (!json.failed) {
            (void)kee_request_event(pending->request, kee_buf_bytes(&json));
        }
    }
    kee_buf_fini(&json);
}

struct wanted_lines {
    struct kee_vat_id vat;
    bool any;
};

static void look_at_line(void *context, const struct kee_log_line *line)
{
    struct wanted_lines *wanted = context;

    wanted->any = wanted->any || line->vat.n == wanted->vat.n;
}

/* Outcome NO_SUCH: there is no such vat, nor are there lines of one that is gone. */
static int need_lines_or_vat(struct kee_daemon *daemon, struct kee_vat_id vat)
{
    struct wanted_lines wanted = {.vat = vat};

    kee_logs_walk(daemon->logs, look_at_line, &wanted);
    return wanted.any ? 0 : kee_kernel_need_vat(daemon->core.kernel, vat);
}

void kee_daemon_logs(struct kee_daemon *daemon, struct kee_request *request, const json_t *params)
{
    const json_t *vat = json_object_get(params, "vat");
    struct kee_pending *pending;
    struct kee_vat_id id = {0};
    int r;

    if (vat != NULL && (!json_is_string(vat) ||
                        !kee_id_parse(kee_bytes_str(json_string_value(vat)), 'v', &id.n))) {
        kee_daemon_bad(request, "vat: expected a vat such as v2");
        return;
    }
    r = vat == NULL ? 0 : need_lines_or_vat(daemon, id);
    if (r != 0) {
        kee_daemon_decline(daemon, request, r);
        return;
    }
    if (kee_request_backlog(request) > KEE_LIMIT_CONTROL_BACKLOG_BYTES) {
        kee_request_error(request, "STATE", "earlier answers have not been read");
        return;
    }
    pending = kee_pending_new(daemon, request, KEE_PENDING_LOGS);
    if (pending == NULL) {
        return;
    }
    pending->vat = id;
    kee_logs_walk(daemon->logs, tell_line, pending);
    if (json_is_true(json_object_get(params, "follow"))) {
        kee_list_append(&daemon->log_followers, &pending->link);
    } else {
        kee_pending_result(pending, KEE_BYTES_LIT("{}"));
    }
}
