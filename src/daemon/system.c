/* SPDX-License-Identifier: Apache-2.0 */
/* system - see system.h. */
#include "daemon/system.h"

#include <stdlib.h>

#include "base/fault.h"
#include "base/limits.h"
#include "daemon/io.h"
#include "daemon/launch.h"
#include "kernel/peer.h"
#include "os/file.h"
#include "value/json.h"

struct kee_system {
    json_t *list;             /* of the file */
    size_t next;              /* index of the one to be looked at next */
    struct kee_buf directory; /* of the file */
    uint64_t call;            /* that is under way; 0: none */
    bool answered;
    bool failed; /* the one under way came to nothing */
    struct kee_subcluster_id subcluster;
    struct kee_buf service, why;
};

/* ---- the file ---- */

static int refuse(struct kee_buf *why, const char *path, size_t index, const char *wanted)
{
    kee_buf_printf(why, "%s, [%zu]: expected %s", path, index, wanted);
    return KEE_SYSTEM_REFUSED;
}

static const char *name_of(const json_t *list, size_t index)
{
    return json_string_value(json_object_get(json_array_get(list, index), "name"));
}

static bool is_name(const char *name)
{
    size_t size = name == NULL ? 0 : strlen(name);

    for (size_t i = 0; i < size; i++) {
        if (name[i] <= ' ' || name[i] > '~' || name[i] == '/') {
            return false;
        }
    }
    return size > 0 && size <= KEE_LIMIT_CHANNEL_NAME_BYTES;
}

static int check_list(const json_t *list, const char *path, struct kee_buf *why)
{
    if (!json_is_array(list)) {
        kee_buf_printf(why, "%s: expected an array of {\"name\":NAME,\"config\":{...}}, found %s",
                       path, kee_json_kind_name(list));
        return KEE_SYSTEM_REFUSED;
    }
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *one = json_array_get(list, i);
        if (!json_is_object(one) || json_object_size(one) != 2 ||
            !json_is_object(json_object_get(one, "config")) || !is_name(name_of(list, i))) {
            return refuse(why, path, i,
                          "{\"name\":NAME,\"config\":{...}}, the name printable and without blanks "
                          "or slashes");
        }
        for (size_t j = 0; j < i; j++) {
            if (strcmp(name_of(list, i), name_of(list, j)) == 0) {
                return refuse(why, path, i, "a name of its own, found that of another one");
            }
        }
    }
    return 0;
}

static int read_file(struct kee_system *system, const char *path, struct kee_buf *why)
{
    struct kee_buf text = KEE_BUF_EMPTY;
    json_error_t error;
    const char *slash = strrchr(path, '/');
    int r = kee_file_read(path, KEE_LIMIT_CONFIG_BYTES, &text, why);

    if (r == 0) {
        system->list =
            json_loadb((const char *)text.data, text.size, JSON_REJECT_DUPLICATES, &error);
        if (system->list == NULL) {
            kee_buf_printf(why, "%s:%d: %s", path, error.line, error.text);
            r = KEE_SYSTEM_REFUSED;
        } else {
            r = check_list(system->list, path, why);
        }
    }
    kee_buf_put(&system->directory, path, slash == path ? 1 : (size_t)(slash - path));
    r = r != 0 ? r : kee_buf_status(&system->directory);
    kee_buf_fini(&text);
    return r > 0 ? KEE_SYSTEM_REFUSED : r;
}

/* ---- what is there ---- */

struct root {
    struct kee_kref kref;        /* looked for, or found */
    struct kee_subcluster_id of; /* found, or looked for */
    struct kee_bytes name;       /* looked for; empty: any */
    bool found;
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

static bool is_dying(const struct kee_record *record)
{
    return kee_bytes_equal(field(record, "state"), KEE_BYTES_LIT("dying"));
}

static void find_by_root(void *context, const struct kee_record *record)
{
    struct root *root = context;
    struct kee_kref kref;

    if (kee_kref_parse(field(record, "root"), &kref) && kee_kref_equal(kref, root->kref) &&
        !is_dying(record)) {
        root->found = kee_id_parse(field(record, "subcluster"), 's', &root->of.n);
    }
}

static void find_by_name(void *context, const struct kee_record *record)
{
    struct root *root = context;
    uint64_t of;

    if (kee_id_parse(field(record, "subcluster"), 's', &of) && of == root->of.n &&
        kee_bytes_equal(field(record, "name"), root->name)) {
        root->found = kee_kref_parse(field(record, "root"), &root->kref);
    }
}

static int put_service(struct kee_buf *out, const char *name)
{
    kee_buf_clear(out);
    kee_buf_put_str(out, "system:");
    kee_buf_put_str(out, name);
    return kee_buf_status(out);
}

/* The subcluster that has the name. *found: it is there. Outcome: there is no such name. */
static int look(struct kee_daemon *daemon, struct kee_bytes service, struct root *root)
{
    bool system_only;
    int r = kee_service_find(daemon->core.kernel, service, &root->kref, &system_only);

    root->found = false;
    return r != 0 ? r : kee_kernel_list_vats(daemon->core.kernel, find_by_root, root);
}

static void add_name(void *context, const struct kee_record *record)
{
    if (kee_bytes_has_prefix(field(record, "name"), KEE_BYTES_LIT("system:"))) {
        kee_vp_put_string(context, field(record, "name"));
    }
}

static bool is_listed(const struct kee_system *system, struct kee_bytes service)
{
    struct kee_bytes name = kee_bytes_of(service.data + 7, service.size - 7);

    for (size_t i = 0; i < json_array_size(system->list); i++) {
        if (kee_bytes_equal(name, kee_bytes_str(name_of(system->list, i)))) {
            return true;
        }
    }
    return false;
}

static int terminate(struct kee_daemon *daemon, struct kee_subcluster_id id)
{
    int r = kee_kernel_terminate_subcluster(daemon->core.kernel, id);

    return r < 0 ? r : kee_io_close(daemon, id);
}

/* Those that are not listed any more, and names of what is not there. */
static int drop_others(struct kee_daemon *daemon)
{
    struct kee_buf names = KEE_BUF_EMPTY;
    struct kee_vp_strings rest;
    struct kee_bytes service;
    struct root root;
    int r = kee_kernel_list_services(daemon->core.kernel, add_name, &names);

    r = r != 0 ? r : kee_buf_status(&names);
    rest = (struct kee_vp_strings){kee_buf_bytes(&names), UINT32_MAX};
    while (r == 0 && rest.raw.size > 0 && kee_vp_strings_next(&rest, &service)) {
        bool listed = is_listed(daemon->system, service);
        root = (struct root){0};
        r = look(daemon, service, &root);
        if (r == 0 && root.found && !listed) {
            kee_privileges_log(&daemon->own, "note", "text=\"%.*s is not listed any more\"",
                               (int)service.size, (const char *)service.data);
            r = terminate(daemon, root.of);
        }
        if (r == 0 && (!root.found || !listed)) {
            r = kee_service_unregister(daemon->core.kernel, service);
        }
    }
    kee_buf_fini(&names);
    return r;
}

/* ---- launching ---- */

static void tell(struct kee_daemon *daemon, const char *name, const char *why)
{
    kee_privileges_log(&daemon->own, "note", "text=\"system subcluster %s: %s\"", name, why);
}

static int launch(struct kee_daemon *daemon, const json_t *one)
{
    struct kee_system *system = daemon->system;
    const json_t *config = json_object_get(one, "config");
    const char *bootstrap = json_string_value(json_object_get(config, "bootstrap"));
    struct kee_launch_order order = {.config = config,
                                     .directory = kee_buf_cstr(&system->directory),
                                     .system = true,
                                     .call = ++daemon->call_last};
    struct root root = {0};
    json_t *warnings = NULL;
    int r;

    kee_buf_clear(&system->why);
    system->answered = false;
    system->failed = false;
    system->call = order.call;
    r = kee_daemon_begin_launch(daemon, &order, &warnings, &root.of, &system->why);
    json_decref(warnings);
    if (r != 0) {
        system->call = 0;
        if (r > 0) {
            tell(daemon, json_string_value(json_object_get(one, "name")),
                 system->why.failed ? "" : kee_buf_cstr(&system->why));
        }
        return r < 0 ? r : 0;
    }
    /* It has its name before its vats have started: should the daemon end now, the launch is taken back,
     * and the name is found to be nobody's. */
    system->subcluster = root.of;
    root.name = kee_bytes_str(bootstrap == NULL ? "" : bootstrap);
    r = kee_kernel_list_vats(daemon->core.kernel, find_by_name, &root);
    return r != 0 || !root.found
               ? r
               : kee_service_hold(daemon->core.kernel, kee_buf_bytes(&system->service), root.kref);
}

static int launch_next(struct kee_daemon *daemon)
{
    struct kee_system *system = daemon->system;
    struct root root;
    int r = 0;

    while (r == 0 && system->call == 0 && system->next < json_array_size(system->list)) {
        const json_t *one = json_array_get(system->list, system->next);
        root = (struct root){0};
        r = put_service(&system->service, name_of(system->list, system->next));
        system->next++;
        r = r != 0 ? r : look(daemon, kee_buf_bytes(&system->service), &root);
        if (r >= 0 && !root.found) {
            r = launch(daemon, one);
        }
    }
    return r;
}

int kee_system_open(struct kee_daemon *daemon, const char *path, struct kee_buf *why)
{
    struct kee_system *system = calloc(1, sizeof *system);
    int r;

    if (system == NULL) {
        return kee_fault(KEE_FAULT_MEMORY, "system subclusters");
    }
    daemon->system = system;
    kee_core_set_now(&daemon->core);
    r = read_file(system, path, why);
    r = r != 0 ? r : drop_others(daemon);
    return r != 0 ? r : launch_next(daemon);
}

void kee_system_close(struct kee_daemon *daemon)
{
    struct kee_system *system = daemon->system;

    if (system != NULL) {
        json_decref(system->list);
        kee_buf_fini(&system->directory);
        kee_buf_fini(&system->service);
        kee_buf_fini(&system->why);
        free(system);
    }
    daemon->system = NULL;
}

bool kee_system_answer(struct kee_daemon *daemon, uint64_t call, const struct kee_answer *answer)
{
    struct kee_system *system = daemon->system;

    if (system == NULL || system->call != call) {
        return false;
    }
    system->answered = true;
    system->failed = answer->status != KEE_ANSWER_FULFILLED;
    kee_buf_clear(&system->why);
    if (answer->status == KEE_ANSWER_REJECTED) {
        kee_daemon_put_bootstrap_rejected(&system->why, answer);
    } else if (answer->status == KEE_ANSWER_DECLINED) {
        kee_buf_put_str(&system->why, answer->why);
    }
    return true;
}

bool kee_system_wants_round(const struct kee_daemon *daemon)
{
    return daemon->system != NULL && daemon->system->answered;
}

int kee_system_round(struct kee_daemon *daemon)
{
    struct kee_system *system = daemon->system;
    int r = 0;

    if (system == NULL || !system->answered || daemon->leaving) {
        return 0;
    }
    system->answered = false;
    system->call = 0;
    if (system->failed) {
        tell(daemon, name_of(system->list, system->next - 1),
             system->why.failed ? "" : kee_buf_cstr(&system->why));
        r = terminate(daemon, system->subcluster); /* the next start tries again */
        r = r != 0 ? r
                   : kee_service_unregister(daemon->core.kernel, kee_buf_bytes(&system->service));
    }
    return r < 0 ? r : launch_next(daemon);
}
