/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of lib/config.h and lib/source.h: good configurations, and the text of every refusal. */
#include "cm.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/limits.h"
#include "lib/config.h"
#include "os/file.h"

static char directory[] = "/tmp/keeve-unit-XXXXXX";

static const char *path_of(const char *name)
{
    static char path[128];

    (void)snprintf(path, sizeof path, "%s/%s", directory, name);
    return path;
}

static int read_text(struct kee_config *config, const char *text, struct kee_buf *why)
{
    json_t *json = json_loads(text, JSON_DECODE_ANY, NULL);
    int r;

    assert_non_null(json);
    r = kee_config_read(config, json, directory, why);
    json_decref(json);
    return r;
}

static void a_cluster_is_read_whole(void **state)
{
    struct kee_buf why = KEE_BUF_EMPTY;
    struct kee_config config;
    struct kee_bytes name;

    assert_int_equal(
        read_text(&config,
                  "{\"bootstrap\":\"b\",\"vats\":{"
                  "\"b\":{\"sourceSpec\":\"a.js\",\"parameters\":{\"x\":[1,\"+y\",null]},"
                  "\"globals\":[\"Date\",\"setTimeout\"],\"inventory\":{\"x\":{\"kref\":\"ko4\"}}},"
                  "\"a\":{\"bundleSpec\":\"data:text/javascript;base64,Y29kZQ==\"},"
                  "\"c\":{\"bundle\":{\"moduleFormat\":\"iife\",\"code\":\"1\"}}}}",
                  &why),
        0);
    assert_int_equal(config.launch.vat_count, 3);
    assert_bytes_text(config.launch.bootstrap, "b");
    /* In the order of the object's entries. */
    assert_bytes_text(config.launch.vats[0].name, "b");
    assert_bytes_text(config.launch.vats[0].code, "code of a");
    assert_bytes_text(config.launch.vats[0].code_name, path_of("a.js"));
    assert_bytes_text(config.launch.vats[0].parameters.body, "#{\"x\":[1,\"!+y\",null]}");
    assert_int_equal(config.launch.vats[0].globals.count, 2);
    assert_int_equal(config.launch.vats[0].inventory.count, 2);
    assert_true(
        kee_vp_strings_next((struct kee_vp_strings *)&config.launch.vats[0].globals, &name));
    assert_bytes_text(name, "Date");
    assert_bytes_text(config.launch.vats[1].code, "code");
    assert_bytes_text(config.launch.vats[1].parameters.body, "#{}");
    assert_bytes_text(config.launch.vats[2].code, "{\"moduleFormat\":\"iife\",\"code\":\"1\"}");
    assert_int_equal(json_array_size(config.warnings), 0);
    kee_config_fini(&config);
    kee_buf_fini(&why);
}

static void code_comes_from_paths_and_urls(void **state)
{
    static const struct {
        const char *spec; /* %s is the directory */
        const char *code;
    } cases[] = {
        {"a.js", "code of a"},
        {"./a.js", "code of a"},
        {"%s/a.js", "code of a"},
        {"file://%s/a.js", "code of a"},
        {"file://localhost%s/a.js", "code of a"},
        {"file:%s/a.js?v=1#top", "code of a"},
        {"file://%s/%%61.js", "code of a"},
        {"sub%%20dir.js", "percent in a path stands for itself"},
        {"data:,a%%20b+c", "a b+c"},
        {"data:text/javascript,", ""},
        {"data:;base64,QUI=", "AB"},
        {"data:;base64,QUI", "AB"},
    };
    struct kee_buf why = KEE_BUF_EMPTY;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct kee_config config;
        char spec[256];
        json_t *json;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        (void)snprintf(spec, sizeof spec, cases[i].spec, directory);
#pragma GCC diagnostic pop
        json = json_pack("{s:s,s:{s:{s:s}}}", "bootstrap", "a", "vats", "a", "bundleSpec", spec);
        assert_int_equal(kee_config_read(&config, json, directory, &why), 0);
        assert_bytes_text(config.launch.vats[0].code, cases[i].code);
        kee_config_fini(&config);
        json_decref(json);
    }
    kee_buf_fini(&why);
}

static void refusals_name_the_key_the_expected_and_the_found(void **state)
{
    static const struct {
        const char *config;
        const char *why;
    } cases[] = {
        {"7", "configuration: expected an object, found a number"},
        {"{}", "configuration, bootstrap: expected the name of a vat, found nothing"},
        {"{\"bootstrap\":1,\"vats\":{}}",
         "configuration, bootstrap: expected the name of a vat, found a number"},
        {"{\"bootstrap\":\"a\"}",
         "configuration, vats: expected an object with one entry for each vat, found nothing"},
        {"{\"bootstrap\":\"a\",\"vats\":[]}",
         "configuration, vats: expected an object with one entry for each vat, found an array"},
        {"{\"bootstrap\":\"z\",\"vats\":{\"a\":{},\"b\":{}}}",
         "configuration, bootstrap: expected the name of one of the vats a b, found \"z\""},
        {"{\"bootstrap\":\"a\",\"vats\":{\"a\":{}},\"vat\":1}",
         "configuration, vat: there is no such key; known are bootstrap vats forceReset services "
         "io "
         "bundles"},
        {"{\"bootstrap\":\"a\",\"vats\":{\"a\":7}}",
         "configuration, vats.a: expected an object with bundleSpec or sourceSpec, found a number"},
        {"{\"bootstrap\":\"a\",\"vats\":{\"a\":{}}}",
         "configuration, vats.a: expected exactly one of bundleSpec, sourceSpec and bundle, found "
         "0 "
         "of them"},
        {"{\"bootstrap\":\"a\",\"vats\":{\"a\":{\"bundleSpec\":\"x\",\"sourceSpec\":\"y\"}}}",
         "configuration, vats.a: expected exactly one of bundleSpec, sourceSpec and bundle, found "
         "2 "
         "of them"},
        {"{\"bootstrap\":\"a\",\"vats\":{\"a\":{\"bundleSpec\":7}}}",
         "configuration, vats.a.bundleSpec: expected a path or a file: or data: URL, found a "
         "number"},
        {"{\"bootstrap\":\"a\",\"vats\":{\"a\":{\"bundleName\":\"q\"}}}",
         "configuration, vats.a.bundleName: expected bundleSpec or sourceSpec in its place (no "
         "bundles are kept by name; only native vats have one), found \"q\""},
        {"{\"bootstrap\":\"a\",\"vats\":{\"a\":{\"bundleSpec\":\"q.js\",\"creationOptions\":{"
         "\"flavour\":\"native\"}}}}",
         "configuration, vats.a.bundleSpec: expected bundleName in its place, since the vat is "
         "native, found \"q.js\""},
        {"{\"bootstrap\":\"a\",\"vats\":{\"a\":{\"bundleName\":\"\",\"creationOptions\":{"
         "\"flavour\":\"native\"}}}}",
         "configuration, vats.a.bundleName: expected the name of a native program, found \"\""},
        {"{\"bootstrap\":\"a\",\"vats\":{\"a\":{\"bundle\":\"q\"}}}",
         "configuration, vats.a.bundle: expected a bundle, as an object, found \"q\""},
        {"{\"bootstrap\":\"a\",\"vats\":{\"a\":{\"bundleSpec\":\"http://x/y.js\"}}}",
         "configuration, vats.a.bundleSpec: expected a path or a file: or data: URL (code is never "
         "fetched from the network: download it first), found \"http://x/y.js\""},
        {"{\"bootstrap\":\"a\",\"vats\":{\"a\":{\"bundleSpec\":\"gopher:x\"}}}",
         "configuration, vats.a.bundleSpec: expected a path or a file: or data: URL, found "
         "\"gopher:x\""},
        {"{\"bootstrap\":\"a\",\"vats\":{\"a\":{\"bundleSpec\":\"\"}}}",
         "configuration, vats.a.bundleSpec: expected a path, found \"\""},
        {"{\"bootstrap\":\"a\",\"vats\":{\"a\":{\"bundleSpec\":\"file:x.js\"}}}",
         "configuration, vats.a.bundleSpec: expected file:///ABSOLUTE/PATH, found \"file:x.js\""},
        {"{\"bootstrap\":\"a\",\"vats\":{\"a\":{\"bundleSpec\":\"file://host/x.js\"}}}",
         "configuration, vats.a.bundleSpec: expected file:///ABSOLUTE/PATH, found "
         "\"file://host/x.js\""},
        {"{\"bootstrap\":\"a\",\"vats\":{\"a\":{\"bundleSpec\":\"file:///x%00y\"}}}",
         "configuration, vats.a.bundleSpec: expected file:///ABSOLUTE/PATH, found "
         "\"file:///x%00y\""},
        {"{\"bootstrap\":\"a\",\"vats\":{\"a\":{\"bundleSpec\":\"data:x\"}}}",
         "configuration, vats.a.bundleSpec: expected data:TYPE,TEXT or data:TYPE;base64,TEXT, "
         "found "
         "\"data:x\""},
        {"{\"bootstrap\":\"a\",\"vats\":{\"a\":{\"bundleSpec\":\"data:;base64,Q*==\"}}}",
         "configuration, vats.a.bundleSpec: expected data:TYPE,TEXT or data:TYPE;base64,TEXT, "
         "found "
         "\"data:;base64,Q*==\""},
        {"{\"bootstrap\":\"a\",\"vats\":{\"a\":{\"bundleSpec\":\"a.js\",\"inventory\":[]}}}",
         "configuration, vats.a.inventory: expected names with objects such as "
         "{\"kref\":\"ko4\"}, found an array"},
        {"{\"bootstrap\":\"a\",\"vats\":{\"a\":{\"bundleSpec\":\"a.js\",\"inventory\":{\"x\":"
         "\"ko4\"}}}}",
         "configuration, vats.a.inventory: expected names with objects such as "
         "{\"kref\":\"ko4\"}, found \"ko4\""},
        {"{\"bootstrap\":\"a\",\"vats\":{\"a\":{\"bundleSpec\":\"a.js\",\"globals\":\"Date\"}}}",
         "configuration, vats.a.globals: expected an array of names, found \"Date\""},
        {"{\"bootstrap\":\"a\",\"vats\":{\"a\":{\"bundleSpec\":\"a.js\",\"globals\":[\"process\"]}}"
         "}",
         "configuration, vats.a.globals: expected names of globals that can be granted, found "
         "\"process\"; known are setTimeout clearTimeout setInterval clearInterval Date Math "
         "crypto "
         "SubtleCrypto fetch Request Headers Response TextEncoder TextDecoder URL URLSearchParams "
         "atob btoa AbortController AbortSignal"},
        {"{\"bootstrap\":\"a\",\"vats\":{\"a\":{\"bundleSpec\":\"a.js\",\"option\":1}}}",
         "configuration, vats.a.option: there is no such key; known are bundleSpec sourceSpec "
         "bundle "
         "bundleName bundleHash parameters globals inventory creationOptions platformConfig "
         "network"},
        {"{\"bootstrap\":\"a\",\"vats\":{\"a\":{\"bundleSpec\":\"a.js\",\"creationOptions\":1}}}",
         "configuration, vats.a.creationOptions: expected an object, found a number"},
        {"{\"bootstrap\":\"a\",\"vats\":{\"a\":{\"bundleSpec\":\"a.js\","
         "\"creationOptions\":{\"raw\":\"yes\"}}}}",
         "configuration, vats.a.creationOptions.raw: expected true or false, found \"yes\""},
        {"{\"bootstrap\":\"a\",\"vats\":{\"a\":{\"bundleSpec\":\"a.js\",\"parameters\":{},"
         "\"creationOptions\":{\"raw\":true}}}}",
         "configuration, vats.a.parameters: a raw vat is given none; send it a message"},
        {"{\"bootstrap\":\"a\",\"vats\":{\"a\":{\"bundleSpec\":\"a.js\","
         "\"inventory\":{\"x\":{\"kref\":\"ko1\"}},\"creationOptions\":{\"raw\":true}}}}",
         "configuration, vats.a.inventory: a raw vat is given none; send it a message"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct kee_buf why = KEE_BUF_EMPTY;
        struct kee_config config;
        assert_int_equal(read_text(&config, cases[i].config, &why), KEE_CONFIG_BAD);
        assert_string_equal(kee_buf_cstr(&why), cases[i].why);
        kee_config_fini(&config);
        kee_buf_fini(&why);
    }
}

static void a_missing_file_is_named(void **state)
{
    struct kee_buf why = KEE_BUF_EMPTY, expected = KEE_BUF_EMPTY;
    struct kee_config config;
    json_t *json;

    assert_int_equal(
        read_text(&config, "{\"bootstrap\":\"a\",\"vats\":{\"a\":{\"bundleSpec\":\"none.js\"}}}",
                  &why),
        KEE_CONFIG_BAD);
    kee_buf_printf(&expected,
                   "configuration, vats.a.bundleSpec: %s/none.js: No such file or directory",
                   directory);
    assert_string_equal(kee_buf_cstr(&why), kee_buf_cstr(&expected));
    kee_config_fini(&config);
    kee_buf_clear(&why);
    /* Without a directory there is nothing a relative path could mean. */
    json = json_pack("{s:s,s:{s:{s:s}}}", "bootstrap", "a", "vats", "a", "bundleSpec", "a.js");
    assert_int_equal(kee_config_read(&config, json, NULL, &why), KEE_CONFIG_BAD);
    assert_string_equal(kee_buf_cstr(&why),
                        "configuration, vats.a.bundleSpec: expected an absolute path, as the "
                        "configuration came without a directory, found \"a.js\"");
    kee_config_fini(&config);
    json_decref(json);
    kee_buf_fini(&why);
    kee_buf_fini(&expected);
}

static void keys_not_used_are_named_in_warnings(void **state)
{
    static const char *const expected[] = {
        "forceReset is not used: a launch takes nothing away",
        "defaultManagerType is ignored: it configures another kernel",
        "vats.a.network is not used yet",
        "vats.a.creationOptions.managerType is ignored: it configures another kernel",
    };
    struct kee_buf why = KEE_BUF_EMPTY;
    struct kee_config config;

    assert_int_equal(
        read_text(&config,
                  "{\"bootstrap\":\"a\",\"forceReset\":true,\"io\":{},"
                  "\"defaultManagerType\":\"local\","
                  "\"vats\":{\"a\":{\"bundleSpec\":\"a.js\",\"creationOptions\":{\"managerType\":"
                  "\"local\"},"
                  "\"platformConfig\":{},\"network\":{\"allowedHosts\":[]}}}}",
                  &why),
        0);
    assert_int_equal(json_array_size(config.warnings), sizeof expected / sizeof *expected);
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        assert_string_equal(json_string_value(json_array_get(config.warnings, i)), expected[i]);
    }
    kee_config_fini(&config);
    kee_buf_fini(&why);
}

static void services_and_channels_are_read(void **state)
{
    struct kee_buf why = KEE_BUF_EMPTY;
    struct kee_config config, again;
    struct kee_bytes name;
    json_t *kept;

    assert_int_equal(
        read_text(&config,
                  "{\"bootstrap\":\"a\",\"vats\":{\"a\":{\"bundleSpec\":\"a.js\"}},"
                  "\"services\":[\"clock\"],\"io\":{\"log\":{\"type\":\"console\"},"
                  "\"news\":{\"type\":\"file\",\"path\":\"news.txt\",\"direction\":\"in\","
                  "\"unit\":\"chars\"},"
                  "\"door\":{\"type\":\"listen\",\"hostport\":\"127.0.0.1:0\"}}}",
                  &why),
        0);
    assert_int_equal(json_array_size(config.warnings), 0);
    assert_int_equal(config.launch.services.count, 1);
    assert_true(kee_vp_strings_next(&config.launch.services, &name));
    assert_bytes_text(name, "clock");
    assert_int_equal(config.launch.channels.count, 3);
    assert_int_equal(config.channel_count, 3);
    assert_int_equal(config.channels[0].type, KEE_CHANNEL_CONSOLE);
    assert_true(config.channels[0].in && config.channels[0].out);
    assert_int_equal(config.channels[1].unit, KEE_CHANNEL_CHARS);
    assert_true(config.channels[1].in && !config.channels[1].out);
    assert_bytes_text(config.channels[1].place, path_of("news.txt"));
    assert_bytes_text(config.channels[2].place, "127.0.0.1:0");
    /* What is kept with the subcluster leads to the same places, wherever it is read. */
    kept = json_loadb((const char *)config.launch.config.data, config.launch.config.size, 0, NULL);
    assert_non_null(kept);
    assert_int_equal(kee_config_read_channels(&again, kept, &why), 0);
    assert_int_equal(again.channel_count, 3);
    assert_bytes_text(again.channels[1].place, path_of("news.txt"));
    json_decref(kept);
    kee_config_fini(&again);
    kee_config_fini(&config);
    kee_buf_fini(&why);
}

static void services_and_channels_that_cannot_be_are_refused(void **state)
{
    static const struct {
        const char *members, *why;
    } cases[] = {
        {"\"services\":7", "configuration, services: expected an array of names, found a number"},
        {"\"services\":[7]", "configuration, services: expected names of services, found a number"},
        {"\"io\":7", "configuration, io: expected an object of names and channels, a few dozen at "
                     "most, found a number"},
        {"\"io\":{\"x\":7}",
         "configuration, io.x: expected an object such as {\"type\":\"console\"}, found a number"},
        {"\"io\":{\"x\":{\"type\":\"tape\"}}",
         "configuration, io.x.type: expected console, file, socket, listen or network, found "
         "\"tape\""},
        {"\"io\":{\"x\":{\"type\":\"console\",\"unit\":\"word\"}}",
         "configuration, io.x.unit: expected line, string, chars or bytes, found \"word\""},
        {"\"io\":{\"x\":{\"type\":\"console\",\"direction\":7}}",
         "configuration, io.x.direction: expected in, out or inout, found a number"},
        {"\"io\":{\"x\":{\"type\":\"socket\"}}",
         "configuration, io.x.path: expected a path, found nothing"},
        {"\"io\":{\"x\":{\"type\":\"listen\",\"path\":\"x\"}}",
         "configuration, io.x.path: expected nothing, for a channel of this type, found \"x\""},
        {"\"services\":[\"x\"],\"io\":{\"x\":{\"type\":\"console\"}}",
         "configuration, io.x: expected a name of at most 64 printable characters that is not one "
         "of "
         "services"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct kee_buf why = KEE_BUF_EMPTY, text = KEE_BUF_EMPTY;
        struct kee_config config;

        kee_buf_printf(&text, "{\"bootstrap\":\"a\",\"vats\":{\"a\":{\"bundleSpec\":\"a.js\"}},%s}",
                       cases[i].members);
        assert_int_equal(read_text(&config, kee_buf_cstr(&text), &why), KEE_CONFIG_BAD);
        assert_string_equal(kee_buf_cstr(&why), cases[i].why);
        kee_config_fini(&config);
        kee_buf_fini(&text);
        kee_buf_fini(&why);
    }
}

static void a_flavour_is_taken_or_refused(void **state)
{
    static const char *const text =
        "{\"bootstrap\":\"a\",\"vats\":{\"a\":{\"bundleSpec\":\"a.js\",\"creationOptions\":{"
        "\"flavour\":\"%s\"}}}}";
    struct kee_buf why = KEE_BUF_EMPTY, json = KEE_BUF_EMPTY;
    struct kee_config config;

    kee_buf_printf(&json, text, "shared");
    assert_int_equal(read_text(&config, kee_buf_cstr(&json), &why), 0);
    assert_int_equal(config.launch.vats[0].flavour, KEE_FLAVOUR_SHARED);
    assert_int_equal(json_array_size(config.warnings), 0);
    kee_config_fini(&config);
    assert_int_equal(read_text(&config,
                               "{\"bootstrap\":\"a\",\"vats\":{\"a\":{\"bundleName\":\"ledger\","
                               "\"creationOptions\":{\"flavour\":\"native\"}}}}",
                               &why),
                     0);
    assert_int_equal(config.launch.vats[0].flavour, KEE_FLAVOUR_NATIVE);
    assert_bytes_text(config.launch.vats[0].code_name, "ledger");
    assert_int_equal(config.launch.vats[0].code.size, 0);
    kee_config_fini(&config);
    kee_buf_clear(&json);
    kee_buf_printf(&json, text, "thread");
    assert_int_equal(read_text(&config, kee_buf_cstr(&json), &why), KEE_CONFIG_BAD);
    assert_string_equal(kee_buf_cstr(&why),
                        "configuration, vats.a.creationOptions.flavour: expected process, shared, "
                        "inline or native, found \"thread\"");
    kee_config_fini(&config);
    kee_buf_fini(&json);
    kee_buf_fini(&why);
}

static void a_vat_is_raw_if_it_says_so(void **state)
{
    struct kee_buf why = KEE_BUF_EMPTY;
    struct kee_config config;

    assert_int_equal(
        read_text(&config,
                  "{\"bootstrap\":\"a\",\"vats\":{"
                  "\"a\":{\"bundleSpec\":\"a.js\",\"creationOptions\":{\"raw\":true}},"
                  "\"b\":{\"bundleSpec\":\"a.js\",\"creationOptions\":{\"raw\":false}},"
                  "\"c\":{\"bundleSpec\":\"a.js\"}}}",
                  &why),
        0);
    assert_true(config.launch.vats[0].raw);
    assert_false(config.launch.vats[1].raw);
    assert_false(config.launch.vats[2].raw);
    kee_config_fini(&config);
    kee_buf_fini(&why);
}

static void too_much_is_refused(void **state)
{
    struct kee_buf why = KEE_BUF_EMPTY;
    struct kee_config config;
    json_t *vats = json_object();
    json_t *json = json_pack("{s:s,s:o}", "bootstrap", "v0", "vats", vats);
    char name[16];

    for (unsigned i = 0; i <= KEE_LIMIT_CONFIG_VATS; i++) {
        (void)snprintf(name, sizeof name, "v%u", i);
        assert_int_equal(
            json_object_set_new(vats, name, json_pack("{s:s}", "bundleSpec", "data:,x")), 0);
    }
    assert_int_equal(kee_config_read(&config, json, directory, &why), KEE_CONFIG_BAD);
    assert_string_equal(kee_buf_cstr(&why),
                        "configuration, vats: expected at most 4096 vats, found 4097");
    kee_config_fini(&config);
    json_decref(json);
    kee_buf_fini(&why);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_cluster_is_read_whole),
        TEST(code_comes_from_paths_and_urls),
        TEST(refusals_name_the_key_the_expected_and_the_found),
        TEST(a_missing_file_is_named),
        TEST(keys_not_used_are_named_in_warnings),
        TEST(services_and_channels_are_read),
        TEST(services_and_channels_that_cannot_be_are_refused),
        TEST(a_flavour_is_taken_or_refused),
        TEST(a_vat_is_raw_if_it_says_so),
        TEST(too_much_is_refused),
    };
    int r;

    if (mkdtemp(directory) == NULL ||
        kee_file_write(path_of("a.js"), kee_bytes_str("code of a")) < 0 ||
        kee_file_write(path_of("sub%20dir.js"),
                       kee_bytes_str("percent in a path stands for itself")) < 0) {
        return 1;
    }
    r = cmocka_run_group_tests(tests, NULL, NULL);
    kee_file_remove(path_of("a.js"));
    kee_file_remove(path_of("sub%20dir.js"));
    (void)rmdir(directory);
    return r;
}
