/* SPDX-License-Identifier: Apache-2.0 */
/* status - how the daemon is, in one object. */
#include "base/fault.h"
#include "daemon/daemon_internal.h"
#include "daemon/json_text.h"
#include "keeve/version.h"
#include "os/process.h"

/* What the listing of vats adds up to, and its rows by subcluster: {"s1":{"alice":{vat, root}}}. */
struct sums {
    json_t *by_subcluster;
    uint64_t vats;
    uint64_t awake;
    uint64_t queued;
    uint64_t cranks;
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

static uint64_t number(const struct kee_record *record, const char *name)
{
    uint64_t n = 0;

    (void)kee_bytes_decimal(field(record, name), &n);
    return n;
}

static json_t *text(const struct kee_record *record, const char *name)
{
    struct kee_bytes value = field(record, name);

    return json_stringn(value.size == 0 ? "" : (const char *)value.data, value.size);
}

static void add_vat(void *context, const struct kee_record *record)
{
    struct sums *sums = context;
    struct kee_bytes name = field(record, "name");
    struct kee_bytes subcluster = field(record, "subcluster");
    json_t *vats =
        json_object_getn(sums->by_subcluster, (const char *)subcluster.data, subcluster.size);
    json_t *vat = json_pack("{s:o,s:o}", "vat", text(record, "vat"), "root", text(record, "root"));

    sums->vats++;
    sums->awake += kee_bytes_equal(field(record, "state"), KEE_BYTES_LIT("awake"));
    sums->queued += number(record, "queued");
    sums->cranks += number(record, "deliveries");
    if (vats == NULL) {
        vats = json_object();
        if (json_object_setn_new(sums->by_subcluster, (const char *)subcluster.data,
                                 subcluster.size, vats) < 0) {
            vats = NULL;
        }
    }
    if (vats == NULL || json_object_setn_new(vats, (const char *)name.data, name.size, vat) < 0) {
        sums->failed = true;
    }
}

struct subclusters {
    struct sums *sums;
    json_t *list;
};

static void add_subcluster(void *context, const struct kee_record *record)
{
    struct subclusters *of = context;
    struct kee_bytes id = field(record, "subcluster");
    json_t *vats = json_object_getn(of->sums->by_subcluster, (const char *)id.data, id.size);
    json_t *row = json_pack("{s:o,s:o,s:o,s:o}", "id", text(record, "subcluster"), "bootstrap",
                            text(record, "bootstrap"), "state", text(record, "state"), "vats",
                            vats == NULL ? json_object() : json_incref(vats));

    if (json_array_append_new(of->list, row) < 0) {
        of->sums->failed = true;
    }
}

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

static void put_status(struct kee_daemon *daemon, const struct sums *sums, const char *subclusters,
                       struct kee_buf *json)
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
    kee_json_put_number_member(json, "vats", sums->vats);
    kee_json_put_number_member(json, "awake", sums->awake);
    kee_json_put_number_member(json, "queued", sums->queued);
    kee_json_put_number_member(json, "collecting", kee_kernel_collecting(daemon->core.kernel));
    put_epochs(daemon, json);
    kee_buf_put_str(json, ",\"subclusters\":");
    kee_buf_put_str(json, subclusters);
    kee_json_put_number_member(json, "store_syncs", kee_store_sqlite_syncs(daemon->core.store));
    kee_json_put_number_member(json, "cranks", sums->cranks);
    kee_buf_put_char(json, '}');
}

void kee_daemon_status(struct kee_daemon *daemon, struct kee_request *request, const json_t *params)
{
    struct sums sums = {.by_subcluster = json_object()};
    struct subclusters of = {&sums, json_array()};
    struct kee_buf json = KEE_BUF_EMPTY;
    char *list = NULL;
    int r;

    (void)params;
    r = kee_kernel_list_vats(daemon->core.kernel, add_vat, &sums);
    if (r == 0) {
        r = kee_kernel_list_subclusters(daemon->core.kernel, add_subcluster, &of);
    }
    if (r == 0) {
        list = json_dumps(of.list, JSON_COMPACT);
        put_status(daemon, &sums, list == NULL ? "[]" : list, &json);
    }
    if (r != 0) {
        kee_daemon_decline(daemon, request, r);
    } else if (sums.failed || json.failed || list == NULL) {
        kee_request_error(request, "FAULT", "out of memory");
    } else {
        kee_request_result(request, kee_buf_bytes(&json));
    }
    free(list);
    kee_buf_fini(&json);
    json_decref(of.list);
    json_decref(sums.by_subcluster);
}
