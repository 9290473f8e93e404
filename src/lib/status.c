/* SPDX-License-Identifier: Apache-2.0 */
/* status - see status.h. */
#include "lib/status.h"

#include "base/fault.h"

/* What the listing of vats adds up to, and its rows by subcluster: {"s1":{"alice":{vat, root}}}. */
struct sums {
    struct kee_status *status;
    json_t *by_subcluster;
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

    sums->status->vats++;
    sums->status->awake += kee_bytes_equal(field(record, "state"), KEE_BYTES_LIT("awake"));
    sums->status->queued += number(record, "queued");
    sums->status->cranks += number(record, "deliveries");
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

static void add_subcluster(void *context, const struct kee_record *record)
{
    struct sums *sums = context;
    struct kee_bytes id = field(record, "subcluster");
    json_t *vats = json_object_getn(sums->by_subcluster, (const char *)id.data, id.size);
    json_t *row = json_pack("{s:o,s:o,s:o,s:o}", "id", text(record, "subcluster"), "bootstrap",
                            text(record, "bootstrap"), "state", text(record, "state"), "vats",
                            vats == NULL ? json_object() : json_incref(vats));

    if (json_array_append_new(sums->status->subclusters, row) < 0) {
        sums->failed = true;
    }
}

int kee_status_read(struct kee_status *out, struct kee_kernel *kernel)
{
    struct sums sums = {.status = out};
    int r;

    *out = (struct kee_status){.subclusters = json_array()};
    sums.by_subcluster = json_object();
    r = kee_kernel_list_vats(kernel, add_vat, &sums);
    if (r == 0) {
        r = kee_kernel_list_subclusters(kernel, add_subcluster, &sums);
    }
    if (r == 0 && (sums.failed || out->subclusters == NULL || sums.by_subcluster == NULL)) {
        r = kee_fault(KEE_FAULT_MEMORY, "status");
    }
    json_decref(sums.by_subcluster);
    return r;
}

void kee_status_fini(struct kee_status *status)
{
    json_decref(status->subclusters);
    status->subclusters = NULL;
}
