/* SPDX-License-Identifier: Apache-2.0 */
/* embed_orders - references, orders and looking; see keeve/keeve.h. */
#include <stdio.h>
#include <stdlib.h>

#include "base/fault.h"
#include "lib/embed.h"
#include "lib/status.h"
#include "lib/tree.h"
#include "value/json.h"

/* ---- references ---- */

typedef int order_fn(struct kee_kernel *kernel, struct kee_kref kref);

static enum keeve_result order(struct keeve_kernel *kernel, const char *text, order_fn *fn)
{
    struct kee_kref kref;
    enum keeve_result result = kee_embed_kref(kernel, text, &kref);

    return result != KEEVE_OK ? result : kee_embed_fold(kernel, fn(kernel->core.kernel, kref));
}

enum keeve_result keeve_hold(struct keeve_kernel *kernel, const char *kref)
{
    return order(kernel, kref, kee_kernel_hold);
}

enum keeve_result keeve_drop(struct keeve_kernel *kernel, const char *kref)
{
    if (kref != NULL && kee_embed_names(kernel, kref)) {
        return KEEVE_OK; /* the host is about to hear of it anew */
    }
    return order(kernel, kref, kee_kernel_drop);
}

enum keeve_result keeve_pin(struct keeve_kernel *kernel, const char *kref)
{
    return order(kernel, kref, kee_kernel_pin);
}

enum keeve_result keeve_unpin(struct keeve_kernel *kernel, const char *kref)
{
    return order(kernel, kref, kee_kernel_unpin);
}

enum keeve_result keeve_revoke(struct keeve_kernel *kernel, const char *kref)
{
    return order(kernel, kref, kee_kernel_revoke);
}

struct search {
    struct kee_bytes subcluster; /* empty: any */
    struct kee_bytes name;
    uint64_t best; /* the subcluster found so far */
    struct kee_kref root;
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

static void look_at_vat(void *context, const struct kee_record *record)
{
    struct search *search = context;
    struct kee_bytes subcluster = field(record, "subcluster");
    uint64_t number;

    if (kee_bytes_equal(field(record, "name"), search->name) &&
        (search->subcluster.size == 0 || kee_bytes_equal(subcluster, search->subcluster)) &&
        kee_id_parse(subcluster, 's', &number) && number >= search->best) {
        search->best = number;
        (void)kee_kref_parse(field(record, "root"), &search->root);
    }
}

enum keeve_result keeve_find_root(struct keeve_kernel *kernel, const char *subcluster,
                                  const char *vat, char kref[KEEVE_NAME_SIZE])
{
    struct search search = {.root = KEE_KREF_NONE};
    struct kee_buf text = KEE_BUF_EMPTY;
    enum keeve_result result = kee_embed_may(kernel);

    if (result != KEEVE_OK) {
        return result;
    }
    if (vat == NULL) {
        return kee_embed_decline(kernel, KEEVE_BAD, "expected the name of a vat, found none");
    }
    search.subcluster = kee_bytes_str(subcluster == NULL ? "" : subcluster);
    search.name = kee_bytes_str(vat);
    result =
        kee_embed_fold(kernel, kee_kernel_list_vats(kernel->core.kernel, look_at_vat, &search));
    if (result == KEEVE_OK && kee_kref_is_none(search.root)) {
        return kee_embed_decline(kernel, KEEVE_NO_SUCH, "there is no vat named \"%.80s\"%s%.40s",
                                 vat, subcluster == NULL ? "" : " in ",
                                 subcluster == NULL ? "" : subcluster);
    }
    if (result != KEEVE_OK) {
        return result;
    }
    kee_buf_put_kref(&text, search.root);
    if (kee_buf_cstr(&text) == NULL) {
        result = kee_embed_no_memory(kernel);
    } else {
        (void)snprintf(kref, KEEVE_NAME_SIZE, "%s", kee_buf_cstr(&text));
        result = keeve_hold(kernel, kref);
    }
    kee_buf_fini(&text);
    return result;
}

/* ---- orders ---- */

void keeve_pause(struct keeve_kernel *kernel)
{
    if (kee_embed_may(kernel) == KEEVE_OK) {
        kee_kernel_pause(kernel->core.kernel);
    }
}

void keeve_resume(struct keeve_kernel *kernel)
{
    if (kee_embed_may(kernel) == KEEVE_OK) {
        kee_kernel_resume(kernel->core.kernel);
        kernel->stirred = true;
    }
}

bool keeve_is_paused(const struct keeve_kernel *kernel)
{
    return kee_kernel_is_paused(kernel->core.kernel);
}

enum keeve_result keeve_terminate(struct keeve_kernel *kernel, const char *name)
{
    struct kee_vat_id vat;
    struct kee_subcluster_id subcluster;
    enum keeve_result result = kee_embed_may(kernel);

    if (result != KEEVE_OK) {
        return result;
    }
    if (name != NULL && kee_id_parse(kee_bytes_str(name), 'v', &vat.n)) {
        return kee_embed_fold(kernel, kee_kernel_terminate_vat(kernel->core.kernel, vat));
    }
    if (name != NULL && kee_id_parse(kee_bytes_str(name), 's', &subcluster.n)) {
        return kee_embed_fold(kernel,
                              kee_kernel_terminate_subcluster(kernel->core.kernel, subcluster));
    }
    return kee_embed_decline(
        kernel, KEEVE_BAD, "expected a vat such as v1 or a subcluster such as s1, found \"%.60s\"",
        name == NULL ? "" : name);
}

enum keeve_result keeve_restart(struct keeve_kernel *kernel, const char *vat, const char *why)
{
    struct kee_vat_id id;
    enum keeve_result result = kee_embed_may(kernel);

    if (result != KEEVE_OK) {
        return result;
    }
    if (vat == NULL || !kee_id_parse(kee_bytes_str(vat), 'v', &id.n)) {
        return kee_embed_decline(kernel, KEEVE_BAD, "expected a vat such as v1, found \"%.60s\"",
                                 vat == NULL ? "" : vat);
    }
    return kee_embed_fold(
        kernel, kee_kernel_restart_vat(kernel->core.kernel, id, why == NULL ? "asked for" : why));
}

enum keeve_result keeve_collect(struct keeve_kernel *kernel)
{
    enum keeve_result result = kee_embed_may(kernel);

    return result != KEEVE_OK ? result
                              : kee_embed_fold(kernel, kee_kernel_reap(kernel->core.kernel,
                                                                       (struct kee_vat_id){0}));
}

enum keeve_result keeve_flush(struct keeve_kernel *kernel)
{
    enum keeve_result result = kee_embed_may(kernel);

    if (result == KEEVE_OK && kernel->in_callback) {
        result = kee_embed_decline(kernel, KEEVE_STATE, "called from inside a callback");
    }
    return result != KEEVE_OK ? result : kee_embed_fold(kernel, kee_core_flush(&kernel->core));
}

/* ---- looking ---- */

static json_t *status_json(const struct keeve_kernel *kernel, const struct kee_status *status)
{
    return json_pack("{s:s,s:I,s:I,s:I,s:I,s:I,s:O}", "state",
                     keeve_is_paused(kernel) ? "paused" : "running", "vats",
                     (json_int_t)status->vats, "awake", (json_int_t)status->awake, "queued",
                     (json_int_t)status->queued, "cranks", (json_int_t)status->cranks, "calls",
                     (json_int_t)kernel->calls.count, "subclusters", status->subclusters);
}

enum keeve_result keeve_status(struct keeve_kernel *kernel, struct keeve_value **out)
{
    struct kee_arena arena = KEE_ARENA_EMPTY;
    struct kee_buf why = KEE_BUF_EMPTY;
    struct kee_status status;
    struct kee_value *value;
    json_t *json = NULL;
    enum keeve_result result = kee_embed_may(kernel);
    bool stirred = kernel->stirred;
    int r;

    if (result != KEEVE_OK) {
        return result;
    }
    r = kee_status_read(&status, kernel->core.kernel);
    result = kee_embed_fold(kernel, r);
    kernel->stirred = stirred; /* looking changes nothing */
    if (result == KEEVE_OK) {
        json = status_json(kernel, &status);
        r = json == NULL ? KEE_FAULT_MEMORY : kee_value_from_plain_json(json, &arena, &value, &why);
        *out = r != 0 ? NULL : kee_tree_copy(value);
        result = *out == NULL ? kee_embed_no_memory(kernel) : KEEVE_OK;
    }
    json_decref(json);
    kee_status_fini(&status);
    kee_buf_fini(&why);
    kee_arena_fini(&arena);
    return result;
}

/* ---- vats in C ---- */

enum keeve_result keeve_register(struct keeve_kernel *kernel, const struct keeve_native *native)
{
    enum keeve_result result = kee_embed_may(kernel);
    int r;

    if (result != KEEVE_OK) {
        return result;
    }
    if (native == NULL || native->size != sizeof *native || native->name == NULL ||
        *native->name == 0 || native->start == NULL) {
        return kee_embed_decline(kernel, KEEVE_BAD,
                                 "a native program: expected size %zu, a name and start",
                                 sizeof *native);
    }
    r = kee_natives_register(kernel->natives, native);
    if (r > 0) {
        return kee_embed_decline(kernel, KEEVE_STATE,
                                 "a program is registered as \"%.80s\" already", native->name);
    }
    return r < 0 ? kee_embed_no_memory(kernel) : KEEVE_OK;
}
