/* SPDX-License-Identifier: Apache-2.0 */
/* status - how the daemon is, in one object. */
#include "lib/status.h"
#include "base/fault.h"
#include "daemon/daemon_internal.h"
#include "daemon/json_text.h"
#include "keeve/version.h"
#include "os/process.h"

static const char *durability_name(enum kee_durability durability)
{
    static const char *const names[] = {"full", "normal", "off"};

    return names[durability];
}

static void put_epochs(struct kee_daemon *daemon, struct kee_buf *json)
{
    struct kee_epoch_stats epochs;

    kee_kernel_epochs(daemon->core.kernel, &epochs);
    kee_buf_put_str(json, ",\"cycles\":{\"state\":\"");
    kee_buf_put_str(json, epochs.state);
    kee_buf_put_char(json, '"');
    kee_json_put_number_member(json, "epochs", epochs.epochs);
    kee_json_put_number_member(json, "survivors", epochs.survivors);
    kee_json_put_number_member(json, "unreachable", epochs.unreachable);
    kee_buf_put_char(json, '}');
}

struct door_rows {
    struct kee_buf *json;
    bool first;
};

static void put_door(void *context, const struct kee_record *record)
{
    struct door_rows *rows = context;

    if (!rows->first) {
        kee_buf_put_char(rows->json, ',');
    }
    rows->first = false;
    kee_json_put_record(rows->json, record, false);
}

static void put_doors(struct kee_daemon *daemon, struct kee_buf *json)
{
    struct door_rows rows = {json, true};

    kee_buf_put_str(json, ",\"doors\":[");
    kee_doors_list(&daemon->doors, put_door, &rows);
    kee_buf_put_char(json, ']');
    kee_json_put_number_member(json, "sessions", daemon->sessions.count);
}

static void put_status(struct kee_daemon *daemon, const struct kee_status *status,
                       const char *subclusters, struct kee_buf *json)
{
    kee_buf_put_char(json, '{');
    kee_json_put_text_member(json, "version", KEE_BYTES_LIT(KEEVE_VERSION));
    kee_json_put_number_member(json, "pid", (uint64_t)kee_process_self());
    kee_json_put_text_member(json, "home", kee_bytes_str(daemon->own.home));
    kee_json_put_text_member(json, "state",
                             kee_kernel_is_paused(daemon->core.kernel) ? KEE_BYTES_LIT("paused")
                                                                       : KEE_BYTES_LIT("running"));
    kee_json_put_number_member(json, "uptime_ms",
                               kee_loop_now_ms(daemon->own.loop) - daemon->started_ms);
    kee_buf_put_str(json, daemon->own.jailed ? ",\"jail\":true" : ",\"jail\":false");
    kee_json_put_text_member(json, "flavour", kee_bytes_str(kee_flavour_name(daemon->flavour)));
    kee_buf_put_str(json, kee_vathost_carries(daemon->core.vathost, KEE_FLAVOUR_INLINE)
                              ? ",\"inline\":true"
                              : ",\"inline\":false");
    kee_json_put_text_member(json, "durability",
                             kee_bytes_str(durability_name(daemon->own.durability)));
    kee_json_put_number_member(json, "vats", status->vats);
    kee_json_put_number_member(json, "awake", status->awake);
    kee_json_put_number_member(json, "queued", status->queued);
    kee_json_put_number_member(json, "collecting", kee_kernel_collecting(daemon->core.kernel));
    put_epochs(daemon, json);
    put_doors(daemon, json);
    kee_buf_put_str(json, ",\"subclusters\":");
    kee_buf_put_str(json, subclusters);
    kee_json_put_number_member(json, "store_syncs", kee_store_sqlite_syncs(daemon->core.store));
    kee_json_put_number_member(json, "cranks", status->cranks);
    kee_buf_put_char(json, '}');
}

void kee_daemon_status(struct kee_daemon *daemon, struct kee_request *request, const json_t *params)
{
    struct kee_buf json = KEE_BUF_EMPTY;
    struct kee_status status;
    char *list = NULL;
    int r;

    (void)params;
    r = kee_status_read(&status, daemon->core.kernel);
    if (r == 0) {
        list = json_dumps(status.subclusters, JSON_COMPACT);
        put_status(daemon, &status, list == NULL ? "[]" : list, &json);
    }
    if (r != 0) {
        kee_daemon_decline(daemon, request, r);
    } else if (json.failed || list == NULL) {
        kee_request_error(request, "FAULT", "out of memory");
    } else {
        kee_request_result(request, kee_buf_bytes(&json));
    }
    free(list);
    kee_buf_fini(&json);
    kee_status_fini(&status);
}
