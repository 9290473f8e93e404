/* SPDX-License-Identifier: Apache-2.0 */
/* grants - see grants.h. */
#include "daemon/grants.h"

#include "base/fault.h"
#include "daemon/json_text.h"
#include "kernel/peer.h"

#define PREFIX "grant:"

static struct kee_bytes field(const struct kee_record *record, const char *name)
{
    for (size_t i = 0; i < record->count; i++) {
        if (strcmp(record->fields[i].name, name) == 0) {
            return record->fields[i].value;
        }
    }
    return KEE_BYTES_LIT("");
}

/* "shop" of the service "grant:shop"; empty for other services. */
static struct kee_bytes name_of(const struct kee_record *record)
{
    struct kee_bytes service = field(record, "name");
    size_t size = sizeof PREFIX - 1;

    return kee_bytes_has_prefix(service, KEE_BYTES_LIT(PREFIX))
               ? kee_bytes_of(service.data + size, service.size - size)
               : kee_bytes_of(NULL, 0);
}

static void put_service(struct kee_buf *out, struct kee_bytes name)
{
    kee_buf_put_str(out, PREFIX);
    kee_buf_put_bytes(out, name);
}

/* ---- at the start ---- */

static void add_grant(void *context, const struct kee_record *record)
{
    struct kee_bytes name = name_of(record);

    if (name.size > 0) {
        kee_vp_put_string(context, name);
        kee_vp_put_string(context, field(record, "kref"));
    }
}

int kee_grants_open(struct kee_daemon *daemon)
{
    struct kee_buf grants = KEE_BUF_EMPTY, why = KEE_BUF_EMPTY;
    struct kee_vp_strings rest;
    struct kee_bytes name, text;
    struct kee_kref kref;
    int r = kee_kernel_list_services(daemon->core.kernel, add_grant, &grants);

    r = r != 0 ? r : kee_buf_status(&grants);
    rest = (struct kee_vp_strings){kee_buf_bytes(&grants), UINT32_MAX};
    while (r == 0 && rest.raw.size > 0 && kee_vp_strings_next(&rest, &name) &&
           kee_vp_strings_next(&rest, &text)) {
        kee_buf_clear(&why);
        r = kee_kref_parse(text, &kref) ? kee_doors_open_grant(daemon, name, kref, &why) : 0;
        if (r > 0) {
            kee_privileges_log(&daemon->own, "note", "text=\"grant %.*s: %s\"", (int)name.size,
                               (const char *)name.data, why.failed ? "" : kee_buf_cstr(&why));
            r = 0;
        }
    }
    kee_buf_fini(&grants);
    kee_buf_fini(&why);
    return r;
}

/* ---- the control methods ---- */

/* Opens the door to what the service holds; without a door there is no grant. */
static int open_grant(struct kee_daemon *daemon, struct kee_bytes service, struct kee_bytes name,
                      struct kee_kref kref, struct kee_buf *why)
{
    int r = kee_service_hold(daemon->core.kernel, service, kref);
    int undone;

    if (r != 0) {
        kee_buf_put_str(why, r > 0 ? kee_kernel_why(daemon->core.kernel) : "");
        return r;
    }
    r = kee_doors_open_grant(daemon, name, kref, why);
    if (r != 0) {
        undone = kee_service_unregister(daemon->core.kernel, service);
        r = undone < 0 ? undone : r;
    }
    return r;
}

void kee_daemon_grant(struct kee_daemon *daemon, struct kee_request *request, const json_t *params)
{
    const char *text = json_string_value(json_object_get(params, "kref"));
    const char *name = json_string_value(json_object_get(params, "name"));
    struct kee_buf service = KEE_BUF_EMPTY, why = KEE_BUF_EMPTY;
    struct kee_kref kref, before;
    bool system_only;
    int r;

    if (text == NULL || !kee_kref_parse(kee_bytes_str(text), &kref) ||
        kee_kref_kind(kref) != KEE_KREF_OBJECT) {
        kee_daemon_bad(request, "kref: expected an object such as ko4, found %s%.40s%s",
                       text == NULL ? "no string" : "\"", text == NULL ? "" : text,
                       text == NULL ? "" : "\"");
        return;
    }
    if (name == NULL) {
        kee_daemon_bad(request, "name: expected the name that the grant is to have");
        return;
    }
    put_service(&service, kee_bytes_str(name));
    r = kee_buf_status(&service);
    r = r != 0
            ? r
            : kee_service_find(daemon->core.kernel, kee_buf_bytes(&service), &before, &system_only);
    if (r == 0) {
        kee_buf_printf(&why, "there is a grant %.80s already; keeve revoke-grant takes it back",
                       name);
        kee_request_error(request, "STATE", why.failed ? "out of memory" : kee_buf_cstr(&why));
    } else {
        r = r < 0 ? r
                  : open_grant(daemon, kee_buf_bytes(&service), kee_bytes_str(name), kref, &why);
        if (r > 0) {
            kee_request_error(request, "BAD", why.failed ? "out of memory" : kee_buf_cstr(&why));
        } else if (r < 0) {
            kee_daemon_decline(daemon, request, r);
        } else {
            kee_pending_when_durable(daemon, request, KEE_PENDING_DURABLE);
        }
    }
    kee_buf_fini(&service);
    kee_buf_fini(&why);
}

static void put_grant(void *context, const struct kee_record *record)
{
    struct kee_buf *json = context;
    struct kee_bytes name = name_of(record);

    if (name.size > 0) {
        kee_buf_put_str(json, json->size > 1 ? ",{" : "{");
        kee_json_put_text_member(json, "grant", name);
        kee_json_put_text_member(json, "kref", field(record, "kref"));
        kee_buf_put_char(json, '}');
    }
}

void kee_daemon_grants(struct kee_daemon *daemon, struct kee_request *request, const json_t *params)
{
    struct kee_buf json = KEE_BUF_EMPTY;
    int r;

    (void)params;
    kee_buf_put_char(&json, '[');
    r = kee_kernel_list_services(daemon->core.kernel, put_grant, &json);
    kee_buf_put_char(&json, ']');
    if (r != 0) {
        kee_daemon_decline(daemon, request, r);
    } else if (json.failed) {
        kee_request_error(request, "FAULT", "out of memory");
    } else {
        kee_request_result(request, kee_buf_bytes(&json));
    }
    kee_buf_fini(&json);
}

void kee_daemon_revoke_grant(struct kee_daemon *daemon, struct kee_request *request,
                             const json_t *params)
{
    const char *name = json_string_value(json_object_get(params, "name"));
    struct kee_buf service = KEE_BUF_EMPTY, why = KEE_BUF_EMPTY;
    int r;

    if (name == NULL) {
        kee_daemon_bad(request, "name: expected the name of a grant");
        return;
    }
    put_service(&service, kee_bytes_str(name));
    r = kee_buf_status(&service);
    r = r != 0 ? r : kee_service_unregister(daemon->core.kernel, kee_buf_bytes(&service));
    if (r > 0) {
        kee_buf_printf(&why, "there is no grant %.80s; keeve grants lists them", name);
        kee_request_error(request, "NO_SUCH", why.failed ? "no such grant" : kee_buf_cstr(&why));
    } else if (r < 0) {
        kee_daemon_decline(daemon, request, r);
    } else {
        /* At once, whatever is under way: nobody who came by it says or hears anything more. */
        kee_doors_close_grant(daemon, kee_bytes_str(name));
        kee_pending_when_durable(daemon, request, KEE_PENDING_DURABLE);
    }
    kee_buf_fini(&service);
    kee_buf_fini(&why);
}
