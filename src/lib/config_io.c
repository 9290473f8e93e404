/* SPDX-License-Identifier: Apache-2.0 */
/* config_io - what a configuration asks for from outside: services by name, I/O channels. */
#include "base/fault.h"
#include "base/limits.h"
#include "lib/config_internal.h"

/* ---- services ---- */

int kee_config_read_services(struct kee_config_reading *reading, const json_t *json)
{
    struct kee_vp_strings *out = &reading->config->launch.services;
    struct kee_buf items = KEE_BUF_EMPTY;
    const json_t *item;
    size_t index;
    int r = 0;

    if (json == NULL) {
        return 0;
    }
    if (!json_is_array(json)) {
        return kee_config_expected(reading, "services", "", "an array of names", json);
    }
    json_array_foreach(json, index, item)
    {
        if (!json_is_string(item)) {
            r = kee_config_expected(reading, "services", "", "names of services", item);
            break;
        }
        kee_vp_put_string(&items, kee_bytes_of(json_string_value(item), json_string_length(item)));
        out->count++;
    }
    r = r != 0 ? r : kee_buf_status(&items);
    r = r != 0 ? r : kee_config_keep(reading, &out->raw, kee_buf_bytes(&items));
    kee_buf_fini(&items);
    return r;
}

/* ---- channels ---- */

struct word {
    const char *name;
    int value;
};

static const struct word types[] = {
    {"console", KEE_CHANNEL_CONSOLE}, {"file", KEE_CHANNEL_FILE},
    {"socket", KEE_CHANNEL_SOCKET},   {"listen", KEE_CHANNEL_LISTEN},
    {"network", KEE_CHANNEL_NETWORK}, {NULL, 0},
};

static const struct word units[] = {
    {"line", KEE_CHANNEL_LINE},
    {"string", KEE_CHANNEL_STRING},
    {"chars", KEE_CHANNEL_CHARS},
    {"bytes", KEE_CHANNEL_BYTES},
    {NULL, 0},
};

enum { IN = 1, OUT = 2 };

static const struct word directions[] = {{"in", IN}, {"out", OUT}, {"inout", IN | OUT}, {NULL, 0}};

/* One of the words under key; other if there is none. Negative after saying what was expected. */
static int read_word(struct kee_config_reading *reading, const char *place, const json_t *json,
                     const char *key, const struct word *words, int other)
{
    const json_t *found = json_object_get(json, key);
    struct kee_buf wanted = KEE_BUF_EMPTY;

    if (found == NULL && other >= 0) {
        return other;
    }
    for (const struct word *word = words; word->name != NULL && json_is_string(found); word++) {
        if (strcmp(word->name, json_string_value(found)) == 0) {
            return word->value;
        }
    }
    for (const struct word *word = words; word->name != NULL; word++) {
        kee_buf_printf(&wanted, "%s%s",
                       word == words              ? ""
                       : (word + 1)->name == NULL ? " or "
                                                  : ", ",
                       word->name);
    }
    (void)kee_config_expected(reading, place, key,
                              wanted.failed ? "a known word" : kee_buf_cstr(&wanted), found);
    kee_buf_fini(&wanted);
    return -1;
}

static bool is_name(const char *name)
{
    size_t size = strlen(name);

    if (size == 0 || size > KEE_LIMIT_CHANNEL_NAME_BYTES) {
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        if (name[i] <= ' ' || name[i] > '~') {
            return false;
        }
    }
    return true;
}

static bool is_service(const struct kee_config_reading *reading, const char *name)
{
    struct kee_vp_strings services = reading->config->launch.services;
    struct kee_bytes one;

    while (kee_vp_strings_next(&services, &one)) {
        if (kee_bytes_equal(one, kee_bytes_str(name))) {
            return true;
        }
    }
    return false;
}

static int check_keys(struct kee_config_reading *reading, const char *place, const json_t *json)
{
    static const char *const known[] = {"type", "direction", "unit", "path", "hostport"};
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)json, key, value)
    {
        bool found = false;
        for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
            found = found || strcmp(key, known[i]) == 0;
        }
        if (!found) {
            kee_buf_printf(
                reading->why,
                "configuration, %s.%.80s: there is no such key; known are type direction "
                "unit path hostport",
                place, key);
            return KEE_CONFIG_BAD;
        }
    }
    return 0;
}

/* Where it leads: path or hostport, as the type wants. */
static int read_place(struct kee_config_reading *reading, const char *place, const json_t *json,
                      struct kee_config_channel *channel)
{
    bool by_path = channel->type == KEE_CHANNEL_FILE || channel->type == KEE_CHANNEL_SOCKET;
    const char *key = by_path ? "path" : "hostport";
    const json_t *found = json_object_get(json, key);
    const json_t *other = json_object_get(json, by_path ? "hostport" : "path");
    struct kee_buf text = KEE_BUF_EMPTY;
    int r;

    if (channel->type == KEE_CHANNEL_CONSOLE) {
        other = json_object_get(json, "path");
        found = json_object_get(json, "hostport");
        return other == NULL && found == NULL
                   ? 0
                   : kee_config_expected(reading, place, "type",
                                         "file, socket, listen or network for "
                                         "what has a place",
                                         json_object_get(json, "type"));
    }
    if (other != NULL) {
        return kee_config_expected(reading, place, by_path ? "hostport" : "path",
                                   "nothing, for a channel of this type", other);
    }
    if (!json_is_string(found) || json_string_length(found) == 0 ||
        strlen(json_string_value(found)) != json_string_length(found)) {
        return kee_config_expected(reading, place, key,
                                   by_path ? "a path" : "a place such as 127.0.0.1:7000", found);
    }
    if (by_path && *json_string_value(found) != '/') {
        if (reading->directory == NULL) {
            return kee_config_expected(
                reading, place, key, "an absolute path, since the configuration is no file", found);
        }
        kee_buf_printf(&text, "%s/", reading->directory);
    }
    kee_buf_put_str(&text, json_string_value(found));
    r = kee_buf_status(&text);
    r = r != 0 ? r : kee_config_keep(reading, &channel->place, kee_buf_bytes(&text));
    kee_buf_fini(&text);
    return r;
}

static int read_channel(struct kee_config_reading *reading, const char *name, const json_t *json,
                        struct kee_config_channel *channel)
{
    struct kee_buf text = KEE_BUF_EMPTY;
    const char *place;
    int type = 0, unit = 0, direction = 0;
    int r;

    kee_buf_printf(&text, "io.%.80s", name);
    place = kee_buf_cstr(&text);
    if (place == NULL) {
        r = kee_buf_status(&text);
    } else if (!is_name(name) || is_service(reading, name)) {
        kee_buf_printf(reading->why,
                       "configuration, %s: expected a name of at most %u printable characters that "
                       "is not one of services",
                       place, KEE_LIMIT_CHANNEL_NAME_BYTES);
        r = KEE_CONFIG_BAD;
    } else if (!json_is_object(json)) {
        r = kee_config_expected(reading, place, "", "an object such as {\"type\":\"console\"}",
                                json);
    } else {
        r = check_keys(reading, place, json);
        type = r != 0 ? -1 : read_word(reading, place, json, "type", types, -1);
        unit = type < 0 ? -1 : read_word(reading, place, json, "unit", units, KEE_CHANNEL_LINE);
        direction =
            unit < 0 ? -1 : read_word(reading, place, json, "direction", directions, IN | OUT);
        r = r != 0 ? r : direction < 0 ? KEE_CONFIG_BAD : 0;
    }
    if (r == 0) {
        *channel = (struct kee_config_channel){.type = (enum kee_channel_type)type,
                                               .unit = (enum kee_channel_unit)unit,
                                               .in = (direction & IN) != 0,
                                               .out = (direction & OUT) != 0};
        r = kee_config_keep(reading, &channel->name, kee_bytes_str(name));
    }
    r = r != 0 ? r : read_place(reading, place, json, channel);
    kee_buf_fini(&text);
    return r;
}

/* The channel as it is kept: with an absolute path. */
static int keep_channel(struct kee_config_reading *reading, const char *name, const json_t *json,
                        const struct kee_config_channel *channel)
{
    json_t *copy = json_copy((json_t *)json);

    if (reading->io == NULL) {
        reading->io = json_object();
    }
    if (copy != NULL &&
        (channel->type == KEE_CHANNEL_FILE || channel->type == KEE_CHANNEL_SOCKET) &&
        json_object_set_new(copy, "path", json_string((const char *)channel->place.data)) < 0) {
        json_decref(copy);
        copy = NULL;
    }
    return copy == NULL || json_object_set_new(reading->io, name, copy) < 0
               ? kee_fault(KEE_FAULT_MEMORY, "configuration")
               : 0;
}

int kee_config_read_io(struct kee_config_reading *reading, const json_t *json)
{
    struct kee_config *config = reading->config;
    struct kee_config_channel *channels;
    struct kee_buf names = KEE_BUF_EMPTY;
    size_t count = json_object_size(json);
    const char *name;
    json_t *value;
    int r = 0;

    if (json == NULL || json_is_null(json)) {
        return 0;
    }
    if (!json_is_object(json) || count > KEE_LIMIT_CHANNELS) {
        return kee_config_expected(reading, "io", "",
                                   "an object of names and channels, a few dozen "
                                   "at most",
                                   json);
    }
    channels = kee_arena_alloc(&config->arena, count * sizeof *channels);
    if (channels == NULL) {
        return kee_fault(KEE_FAULT_MEMORY, "configuration");
    }
    json_object_foreach((json_t *)json, name, value)
    {
        struct kee_config_channel *channel = &channels[config->channel_count];
        r = read_channel(reading, name, value, channel);
        r = r != 0 ? r : keep_channel(reading, name, value, channel);
        if (r != 0) {
            break;
        }
        kee_vp_put_string(&names, channel->name);
        config->channel_count++;
    }
    r = r != 0 ? r : kee_buf_status(&names);
    r = r != 0 ? r : kee_config_keep(reading, &config->launch.channels.raw, kee_buf_bytes(&names));
    config->channels = channels;
    config->launch.channels.count = (uint32_t)config->channel_count;
    kee_buf_fini(&names);
    return r;
}

int kee_config_read_channels(struct kee_config *out, const json_t *json, struct kee_buf *why)
{
    struct kee_config_reading reading = {.config = out, .why = why};
    int r;

    *out = (struct kee_config){.warnings = json_array()};
    r = out->warnings == NULL ? kee_fault(KEE_FAULT_MEMORY, "configuration")
                              : kee_config_read_io(&reading, json_object_get(json, "io"));
    json_decref(reading.io);
    return r;
}
