/* SPDX-License-Identifier: Apache-2.0 */
/* config - see config.h. */
#include "lib/config_internal.h"

#include "base/fault.h"
#include "base/limits.h"
#include "lib/globals.h"
#include "lib/source.h"
#include "value/body.h"
#include "value/json.h"

/* What a key is to us. */
enum key_use {
    KEY_USED,
    KEY_UNUSED,     /* of the format, not used yet */
    KEY_OF_RESET,   /* of the format, and to stay without effect */
    KEY_OF_ANOTHER, /* of SwingSet's format: says how that kernel works, not what the vats are */
};

struct key {
    const char *name;
    enum key_use use;
};

static const struct key top_keys[] = {
    {"bootstrap", KEY_USED},
    {"vats", KEY_USED},
    {"forceReset", KEY_OF_RESET},
    {"services", KEY_USED},
    {"io", KEY_USED},
    {"bundles", KEY_UNUSED},
    {"devices", KEY_OF_ANOTHER},
    {"defaultManagerType", KEY_OF_ANOTHER},
    {"defaultReapInterval", KEY_OF_ANOTHER},
    {"defaultReapGCKrefs", KEY_OF_ANOTHER},
    {"snapshotInitial", KEY_OF_ANOTHER},
    {"snapshotInterval", KEY_OF_ANOTHER},
    {"relaxDurabilityRules", KEY_OF_ANOTHER},
    {"includeDevDependencies", KEY_OF_ANOTHER},
    {"bundleCachePath", KEY_OF_ANOTHER},
    {"bundleFormat", KEY_OF_ANOTHER},
    {"pinBootstrapRoot", KEY_OF_ANOTHER},
    {NULL, KEY_USED},
};

static const struct key vat_keys[] = {
    {"bundleSpec", KEY_USED},
    {"sourceSpec", KEY_USED},
    {"bundle", KEY_USED},
    {"bundleName", KEY_USED}, /* refused with a sentence of their own */
    {"bundleHash", KEY_USED},
    {"parameters", KEY_USED},
    {"globals", KEY_USED},
    {"inventory", KEY_USED},
    {"creationOptions", KEY_USED},
    {"platformConfig", KEY_UNUSED},
    {"network", KEY_UNUSED},
    {NULL, KEY_USED},
};

static const struct key creation_keys[] = {
    {"flavour", KEY_USED},
    {"raw", KEY_USED},
    {"name", KEY_OF_ANOTHER},
    {"managerType", KEY_OF_ANOTHER},
    {"enablePipelining", KEY_OF_ANOTHER},
    {"enableSetup", KEY_OF_ANOTHER},
    {"enableDisavow", KEY_OF_ANOTHER},
    {"enableVatstore", KEY_OF_ANOTHER},
    {"useTranscript", KEY_OF_ANOTHER},
    {"reapInterval", KEY_OF_ANOTHER},
    {"reapGCKrefs", KEY_OF_ANOTHER},
    {"neverReap", KEY_OF_ANOTHER},
    {"critical", KEY_OF_ANOTHER},
    {"nodeOptions", KEY_OF_ANOTHER},
    {"meter", KEY_OF_ANOTHER},
    {"virtualObjectCacheSize", KEY_OF_ANOTHER},
    {NULL, KEY_USED},
};

int kee_config_expected(struct kee_config_reading *reading, const char *place, const char *key,
                        const char *wanted, const json_t *found)
{
    kee_buf_printf(reading->why, "configuration, %s%s%s: expected %s, found ", place,
                   *place == 0 || *key == 0 ? "" : ".", key, wanted);
    if (json_is_string(found)) {
        kee_buf_printf(reading->why, "\"%.80s\"", json_string_value(found));
    } else {
        kee_buf_put_str(reading->why, kee_json_kind_name(found));
    }
    return KEE_CONFIG_BAD;
}

static int warn(struct kee_config_reading *reading, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static int warn(struct kee_config_reading *reading, const char *format, ...)
{
    va_list args;
    json_t *text;

    va_start(args, format);
    text = json_vsprintf(format, args);
    va_end(args);
    if (json_array_append_new(reading->config->warnings, text) < 0) {
        return kee_fault(KEE_FAULT_MEMORY, "warnings of a configuration");
    }
    return 0;
}

static const struct key *find_key(const struct key *keys, const char *name)
{
    for (; keys->name != NULL; keys++) {
        if (strcmp(keys->name, name) == 0) {
            return keys;
        }
    }
    return NULL;
}

/* What says nothing need not be warned of. */
static bool is_empty(const json_t *json)
{
    return json_is_false(json) || json_is_null(json) ||
           (json_is_array(json) && json_array_size(json) == 0) ||
           (json_is_object(json) && json_object_size(json) == 0);
}

static int check_keys(struct kee_config_reading *reading, const char *place, const json_t *object,
                      const struct key *keys)
{
    const char *dot = *place == 0 ? "" : ".";
    const char *name;
    json_t *value;
    int r = 0;

    json_object_foreach((json_t *)object, name, value)
    {
        const struct key *key = find_key(keys, name);
        if (key == NULL) {
            kee_buf_printf(reading->why,
                           "configuration, %s%s%.80s: there is no such key; known are", place, dot,
                           name);
            for (; keys->name != NULL; keys++) {
                if (keys->use != KEY_OF_ANOTHER) {
                    kee_buf_printf(reading->why, " %s", keys->name);
                }
            }
            return KEE_CONFIG_BAD;
        }
        if (key->use == KEY_UNUSED && !is_empty(value)) {
            r = warn(reading, "%s%s%s is not used yet", place, dot, name);
        } else if (key->use == KEY_OF_RESET && !is_empty(value)) {
            r = warn(reading, "%s%s%s is not used: a launch takes nothing away", place, dot, name);
        } else if (key->use == KEY_OF_ANOTHER) {
            r = warn(reading, "%s%s%s is ignored: it configures another kernel", place, dot, name);
        }
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

int kee_config_keep(struct kee_config_reading *reading, struct kee_bytes *out,
                    struct kee_bytes bytes)
{
    *out = kee_arena_copy(&reading->config->arena, bytes);
    return out->data == NULL ? kee_fault(KEE_FAULT_MEMORY, "configuration") : 0;
}

static int read_globals(struct kee_config_reading *reading, const char *place, const json_t *json,
                        struct kee_vp_strings *out)
{
    struct kee_buf items = KEE_BUF_EMPTY;
    const json_t *item;
    size_t index;
    int r = 0;

    if (json == NULL) {
        return 0;
    }
    if (!json_is_array(json)) {
        return kee_config_expected(reading, place, "globals", "an array of names", json);
    }
    json_array_foreach(json, index, item)
    {
        if (!json_is_string(item) || !kee_global_is_known(json_string_value(item))) {
            r = kee_config_expected(reading, place, "globals",
                                    "names of globals that can be granted", item);
            kee_buf_put_str(reading->why, "; known are");
            kee_buf_put_globals(reading->why);
            break;
        }
        kee_vp_put_string(&items, kee_bytes_str(json_string_value(item)));
        out->count++;
    }
    if (r == 0) {
        r = kee_buf_status(&items);
    }
    if (r == 0) {
        r = kee_config_keep(reading, &out->raw, kee_buf_bytes(&items));
    }
    kee_buf_fini(&items);
    return r;
}

/* {"clock":{"kref":"ko7"}}: what is granted by name. The kernel knows which names and objects can be. */
static int read_inventory(struct kee_config_reading *reading, const char *place, const json_t *json,
                          struct kee_vp_strings *out)
{
    static const char wanted[] = "names with objects such as {\"kref\":\"ko4\"}";
    struct kee_buf items = KEE_BUF_EMPTY;
    const char *name;
    json_t *value;
    int r = 0;

    if (json == NULL) {
        return 0;
    }
    if (!json_is_object(json)) {
        return kee_config_expected(reading, place, "inventory", wanted, json);
    }
    json_object_foreach((json_t *)json, name, value)
    {
        const json_t *kref = json_object_get(value, "kref");
        if (!json_is_string(kref) || json_object_size(value) != 1) {
            r = kee_config_expected(reading, place, "inventory", wanted, value);
            break;
        }
        kee_vp_put_string(&items, kee_bytes_str(name));
        kee_vp_put_string(&items, kee_bytes_of(json_string_value(kref), json_string_length(kref)));
        out->count += 2;
    }
    r = r != 0 ? r : kee_buf_status(&items);
    r = r != 0 ? r : kee_config_keep(reading, &out->raw, kee_buf_bytes(&items));
    kee_buf_fini(&items);
    return r;
}

static int read_parameters(struct kee_config_reading *reading, const char *place,
                           const json_t *json, struct kee_vp_capdata *out)
{
    struct kee_arena *arena = &reading->config->arena;
    struct kee_buf why = KEE_BUF_EMPTY;
    struct kee_value *value;
    struct kee_body body;
    int r;

    if (json == NULL) {
        out->body = KEE_BYTES_LIT("#{}");
        return 0;
    }
    r = kee_value_from_plain_json(json, arena, &value, &why);
    if (r == 0) {
        r = kee_body_encode(value, arena, &body, &why);
    }
    if (r == 0) {
        out->body = body.text;
    } else if (r > 0) {
        kee_buf_printf(reading->why, "configuration, %s.parameters: %s", place, kee_buf_cstr(&why));
        r = KEE_CONFIG_BAD;
    }
    kee_buf_fini(&why);
    return r;
}

static int read_flavour(struct kee_config_reading *reading, const char *place, const json_t *json,
                        enum kee_flavour *out)
{
    if (json == NULL) {
        return 0;
    }
    if (!json_is_string(json) ||
        !kee_flavour_parse(kee_bytes_of(json_string_value(json), json_string_length(json)), out)) {
        return kee_config_expected(reading, place, "flavour", "process, shared, inline or native",
                                   json);
    }
    return 0;
}

/* A raw vat is given nothing but messages. */
static int read_raw(struct kee_config_reading *reading, const char *place, const json_t *json,
                    const json_t *options, bool *out)
{
    static const char *const given[] = {"parameters", "inventory"};
    const json_t *raw = json_object_get(options, "raw");

    if (raw != NULL && !json_is_boolean(raw)) {
        return kee_config_expected(reading, place, "creationOptions.raw", "true or false", raw);
    }
    *out = json_is_true(raw);
    for (size_t i = 0; *out && i < sizeof given / sizeof *given; i++) {
        if (json_object_get(json, given[i]) != NULL) {
            kee_buf_printf(reading->why,
                           "configuration, %s.%s: a raw vat is given none; send it a message",
                           place, given[i]);
            return KEE_CONFIG_BAD;
        }
    }
    return 0;
}

/* creationOptions of the vat json at place. */
static int read_creation(struct kee_config_reading *reading, const char *place, const json_t *json,
                         struct kee_launch_vat *vat)
{
    const json_t *options = json_object_get(json, "creationOptions");
    struct kee_buf inner = KEE_BUF_EMPTY;
    int r = 0;

    kee_buf_printf(&inner, "%s.creationOptions", place);
    if (kee_buf_status(&inner) != 0) {
        r = kee_buf_status(&inner);
    } else if (options != NULL && !json_is_object(options)) {
        r = kee_config_expected(reading, place, "creationOptions", "an object", options);
    } else if (options != NULL) {
        r = check_keys(reading, kee_buf_cstr(&inner), options, creation_keys);
    }
    if (r == 0) {
        r = read_flavour(reading, kee_buf_cstr(&inner), json_object_get(options, "flavour"),
                         &vat->flavour);
    }
    if (r == 0) {
        r = read_raw(reading, place, json, options, &vat->raw);
    }
    kee_buf_fini(&inner);
    return r;
}

/* Which one key says where the code is? */
static int find_spec(struct kee_config_reading *reading, const char *place, const json_t *json,
                     const char **key)
{
    static const char *const specs[] = {"bundleSpec", "sourceSpec", "bundle", "bundleName",
                                        "bundleHash"};
    size_t found = 0;

    for (size_t i = 0; i < sizeof specs / sizeof *specs; i++) {
        if (json_object_get(json, specs[i]) != NULL) {
            *key = specs[i];
            found++;
        }
    }
    if (found == 1) {
        return 0;
    }
    kee_buf_printf(reading->why,
                   "configuration, %s: expected exactly one of bundleSpec, sourceSpec and bundle, "
                   "found %zu of them",
                   place, found);
    return KEE_CONFIG_BAD;
}

static int read_inline_bundle(struct kee_config_reading *reading, const char *place,
                              const json_t *json, struct kee_launch_vat *vat)
{
    char *text;
    int r;

    if (!json_is_object(json)) {
        return kee_config_expected(reading, place, "bundle", "a bundle, as an object", json);
    }
    text = json_dumps(json, JSON_COMPACT);
    if (text == NULL) {
        return kee_fault(KEE_FAULT_MEMORY, "bundle in a configuration");
    }
    vat->code_name = KEE_BYTES_LIT("bundle");
    r = kee_config_keep(reading, &vat->code, kee_bytes_str(text));
    free(text);
    return r;
}

/* A vat in C has no code of its own: its program is registered under this name. */
static int read_native(struct kee_config_reading *reading, const char *place, const char *key,
                       const json_t *spec, struct kee_launch_vat *vat)
{
    if (strcmp(key, "bundleName") != 0) {
        return kee_config_expected(reading, place, key,
                                   "bundleName in its place, since the vat is native", spec);
    }
    if (!json_is_string(spec) || json_string_length(spec) == 0) {
        return kee_config_expected(reading, place, key, "the name of a native program", spec);
    }
    vat->code = KEE_BYTES_LIT("");
    return kee_config_keep(reading, &vat->code_name,
                           kee_bytes_of(json_string_value(spec), json_string_length(spec)));
}

static int read_code(struct kee_config_reading *reading, const char *place, const json_t *json,
                     struct kee_launch_vat *vat)
{
    struct kee_buf why = KEE_BUF_EMPTY;
    struct kee_source source;
    const json_t *spec;
    const char *key = NULL;
    int r = find_spec(reading, place, json, &key);

    if (r != 0) {
        return r;
    }
    spec = json_object_get(json, key);
    if (vat->flavour == KEE_FLAVOUR_NATIVE) {
        return read_native(reading, place, key, spec, vat);
    }
    if (strcmp(key, "bundle") == 0) {
        return read_inline_bundle(reading, place, spec, vat);
    }
    if (strcmp(key, "bundleName") == 0 || strcmp(key, "bundleHash") == 0) {
        return kee_config_expected(
            reading, place, key,
            "bundleSpec or sourceSpec in its place (no bundles are kept by name; only "
            "native vats have one)",
            spec);
    }
    if (!json_is_string(spec)) {
        return kee_config_expected(reading, place, key, "a path or a file: or data: URL", spec);
    }
    r = kee_source_read(&source, kee_bytes_of(json_string_value(spec), json_string_length(spec)),
                        reading->directory, &reading->config->arena, &why);
    if (r == 0) {
        vat->code_name = source.name;
        vat->code = source.code;
    } else if (r > 0) {
        kee_buf_printf(reading->why, "configuration, %s.%s: %s", place, key, kee_buf_cstr(&why));
        r = KEE_CONFIG_BAD;
    }
    kee_buf_fini(&why);
    return r;
}

static int read_vat(struct kee_config_reading *reading, const char *name, const json_t *json,
                    struct kee_launch_vat *vat)
{
    struct kee_buf text = KEE_BUF_EMPTY;
    const char *place;
    int r;

    kee_buf_printf(&text, "vats.%.80s", name);
    place = kee_buf_cstr(&text);
    if (place == NULL) {
        r = kee_buf_status(&text);
    } else if (!json_is_object(json)) {
        r = kee_config_expected(reading, place, "", "an object with bundleSpec or sourceSpec",
                                json);
    } else {
        r = check_keys(reading, place, json, vat_keys);
        if (r == 0) {
            r = kee_config_keep(reading, &vat->name, kee_bytes_str(name));
        }
        if (r == 0) {
            r = read_parameters(reading, place, json_object_get(json, "parameters"),
                                &vat->parameters);
        }
        if (r == 0) {
            r = read_globals(reading, place, json_object_get(json, "globals"), &vat->globals);
        }
        if (r == 0) {
            r = read_inventory(reading, place, json_object_get(json, "inventory"), &vat->inventory);
        }
        if (r == 0) {
            r = read_creation(reading, place, json, vat);
        }
        if (r == 0) {
            r = read_code(reading, place, json, vat);
        }
        reading->code_bytes += vat->code.size;
        if (r == 0 && reading->code_bytes > KEE_LIMIT_CONFIG_CODE_BYTES) {
            kee_buf_printf(reading->why,
                           "configuration, vats: expected at most %u bytes of code in one launch, "
                           "found more at %s",
                           KEE_LIMIT_CONFIG_CODE_BYTES, place);
            r = KEE_CONFIG_BAD;
        }
    }
    kee_buf_fini(&text);
    return r;
}

static int read_vats(struct kee_config_reading *reading, const json_t *json)
{
    struct kee_config *config = reading->config;
    struct kee_launch_vat *vats;
    const char *name;
    json_t *value;
    size_t count = json_object_size(json);
    size_t at = 0;
    int r;

    if (!json_is_object(json) || count == 0) {
        return kee_config_expected(reading, "vats", "", "an object with one entry for each vat",
                                   json);
    }
    if (count > KEE_LIMIT_CONFIG_VATS) {
        kee_buf_printf(reading->why, "configuration, vats: expected at most %u vats, found %zu",
                       KEE_LIMIT_CONFIG_VATS, count);
        return KEE_CONFIG_BAD;
    }
    vats = kee_arena_alloc(&config->arena, count * sizeof *vats);
    if (vats == NULL) {
        return kee_fault(KEE_FAULT_MEMORY, "configuration");
    }
    json_object_foreach((json_t *)json, name, value)
    {
        r = read_vat(reading, name, value, &vats[at++]);
        if (r != 0) {
            return r;
        }
    }
    config->launch.vats = vats;
    config->launch.vat_count = count;
    return 0;
}

static int read_bootstrap(struct kee_config_reading *reading, const json_t *json)
{
    const json_t *bootstrap = json_object_get(json, "bootstrap");
    const json_t *vats = json_object_get(json, "vats");
    const char *name;
    json_t *value;

    if (!json_is_string(bootstrap)) {
        return kee_config_expected(reading, "bootstrap", "", "the name of a vat", bootstrap);
    }
    if (json_is_object(vats) && json_object_get(vats, json_string_value(bootstrap)) == NULL) {
        kee_buf_put_str(reading->why,
                        "configuration, bootstrap: expected the name of one of the vats");
        json_object_foreach((json_t *)vats, name, value)
        {
            if (reading->why->size < 300) {
                kee_buf_printf(reading->why, " %.80s", name);
            }
        }
        kee_buf_printf(reading->why, ", found \"%.80s\"", json_string_value(bootstrap));
        return KEE_CONFIG_BAD;
    }
    return kee_config_keep(reading, &reading->config->launch.bootstrap,
                           kee_bytes_str(json_string_value(bootstrap)));
}

static int keep_text(struct kee_config_reading *reading, const json_t *json)
{
    json_t *copy = json_copy((json_t *)json);
    char *text;
    int r;

    /* Where channels lead is kept as found from here: they are opened again at every start. */
    if (copy == NULL || (reading->io != NULL && json_object_set(copy, "io", reading->io) < 0)) {
        json_decref(copy);
        return kee_fault(KEE_FAULT_MEMORY, "configuration");
    }
    text = json_dumps(copy, JSON_COMPACT);
    json_decref(copy);
    if (text == NULL) {
        return kee_fault(KEE_FAULT_MEMORY, "configuration");
    }
    if (strlen(text) > KEE_LIMIT_CONFIG_BYTES) {
        kee_buf_printf(reading->why, "configuration: expected at most %u bytes, found %zu",
                       KEE_LIMIT_CONFIG_BYTES, strlen(text));
        r = KEE_CONFIG_BAD;
    } else {
        r = kee_config_keep(reading, &reading->config->launch.config, kee_bytes_str(text));
    }
    free(text);
    return r;
}

int kee_config_read(struct kee_config *out, const json_t *json, const char *directory,
                    struct kee_buf *why)
{
    struct kee_config_reading reading = {.config = out, .directory = directory, .why = why};
    int r;

    *out = (struct kee_config){.warnings = json_array()};
    if (out->warnings == NULL) {
        return kee_fault(KEE_FAULT_MEMORY, "configuration");
    }
    if (!json_is_object(json)) {
        kee_buf_printf(why, "configuration: expected an object, found %s",
                       kee_json_kind_name(json));
        return KEE_CONFIG_BAD;
    }
    r = check_keys(&reading, "", json, top_keys);
    if (r == 0) {
        r = read_bootstrap(&reading, json);
    }
    if (r == 0) {
        r = read_vats(&reading, json_object_get(json, "vats"));
    }
    if (r == 0) {
        r = kee_config_read_services(&reading, json_object_get(json, "services"));
    }
    if (r == 0) {
        r = kee_config_read_io(&reading, json_object_get(json, "io"));
    }
    if (r == 0) {
        r = keep_text(&reading, json);
    }
    json_decref(reading.io);
    return r;
}

void kee_config_fini(struct kee_config *config)
{
    kee_arena_fini(&config->arena);
    json_decref(config->warnings);
    config->warnings = NULL;
}
