/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of lib/modules.h, on files. */
#include "cm.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"
#include "lib/modules.h"
#include "lib/source.h"
#include "os/file.h"

static char directory[] = "/tmp/keeve-unit-XXXXXX";
static char config_directory[64];

static const char *path_of(const char *name)
{
    static char path[160];

    (void)snprintf(path, sizeof path, "%s/%s", directory, name);
    return path;
}

static void put(const char *name, const char *text)
{
    assert_int_equal(kee_file_write(path_of(name), kee_bytes_str(text)), 0);
}

/* The bundle of a vat at that path; NULL if it stayed as it is. */
static json_t *gather(const char *path, const char *text, int expected, struct kee_buf *why)
{
    struct kee_arena arena = KEE_ARENA_EMPTY;
    struct kee_bytes code = kee_bytes_str(text);
    json_t *json = NULL;

    assert_int_equal(
        kee_modules_gather(&code, kee_bytes_str(path_of(path)), config_directory, &arena, why),
        expected);
    if (code.data != (const uint8_t *)text) {
        json = json_loadb((const char *)code.data, code.size, 0, NULL);
        assert_non_null(json);
        assert_string_equal(json_string_value(json_object_get(json, "moduleFormat")),
                            "keeveModules");
    }
    kee_arena_fini(&arena);
    return json;
}

static const char *text_of(const json_t *bundle, const char *where, const char *name)
{
    return json_string_value(json_object_get(json_object_get(bundle, where), name));
}

static void a_graph_is_read_once(void **state)
{
    json_t *bundle = gather("c/vats/v.js", "import '../lib/a.js'; import './gone.js'", 0, NULL);

    assert_string_equal(json_string_value(json_object_get(bundle, "entry")), "vats/v.js");
    assert_int_equal(json_object_size(json_object_get(bundle, "modules")), 3);
    assert_string_equal(text_of(bundle, "modules", "lib/a.js"), "import './b.js'");
    assert_string_equal(text_of(bundle, "modules", "lib/b.js"), "import '../vats/v.js'");
    assert_int_equal(json_object_size(json_object_get(bundle, "missing")), 1);
    assert_non_null(strstr(text_of(bundle, "missing", "vats/gone.js"), "No such file"));
    json_decref(bundle);
}

static void a_vat_outside_has_its_own_directory(void **state)
{
    json_t *bundle = gather("c/../o.js", "import './c/lib/b.js'", 0, NULL);

    assert_string_equal(json_string_value(json_object_get(bundle, "entry")), "o.js");
    assert_string_equal(text_of(bundle, "modules", "c/lib/b.js"), "import '../vats/v.js'");
    json_decref(bundle);
}

static void nothing_outside_is_read(void **state)
{
    json_t *bundle = gather("c/v.js",
                            "import '../secret.js'; import './link.js'; import './up/secret.js';"
                            "import './lib'; import './inside.js'",
                            0, NULL);

    assert_int_equal(json_object_size(json_object_get(bundle, "modules")), 2);
    assert_string_equal(text_of(bundle, "modules", "inside.js"), "import './b.js'");
    assert_non_null(strstr(text_of(bundle, "missing", "link.js"), "leads out of its directory"));
    assert_non_null(strstr(text_of(bundle, "missing", "up/secret.js"), "leads out of its"));
    assert_non_null(strstr(text_of(bundle, "missing", "lib"), "is a directory"));
    json_decref(bundle);
}

static void what_imports_no_file_stays(void **state)
{
    assert_null(gather("c/v.js", "import { E } from '@endo/far';", 0, NULL));
    assert_null(
        gather("c/v.js", " {\"moduleFormat\":\"iife\",\"code\":\"from './a.js'\"}", 0, NULL));
    assert_null(gather("c/v.js", "import './lib/a.js'; \xff", 0, NULL));
}

static void there_is_a_bound(void **state)
{
    struct kee_buf text = KEE_BUF_EMPTY, why = KEE_BUF_EMPTY;

    for (unsigned i = 0; i < KEE_LIMIT_MODULE_FILES; i++) {
        kee_buf_printf(&text, "import './m%u.js';\n", i);
    }
    assert_null(gather("c/v.js", kee_buf_cstr(&text), KEE_SOURCE_BAD, &why));
    assert_non_null(strstr(kee_buf_cstr(&why), "expected at most 4096 modules in one vat, found"));
    kee_buf_fini(&text);
    kee_buf_fini(&why);
}

static int set_up(void **state)
{
    char target[128];

    if (mkdtemp(directory) == NULL) {
        return -1;
    }
    (void)snprintf(config_directory, sizeof config_directory, "%s/c", directory);
    assert_int_equal(mkdir(path_of("c"), 0700), 0);
    assert_int_equal(mkdir(path_of("c/lib"), 0700), 0);
    assert_int_equal(mkdir(path_of("c/vats"), 0700), 0);
    put("c/lib/a.js", "import './b.js'");
    put("c/lib/b.js", "import '../vats/v.js'");
    put("secret.js", "secret");
    (void)snprintf(target, sizeof target, "%s/secret.js", directory);
    assert_int_equal(symlink(target, path_of("c/link.js")), 0);
    assert_int_equal(symlink("..", path_of("c/up")), 0);
    assert_int_equal(symlink("lib/a.js", path_of("c/inside.js")), 0);
    return 0;
}

static int tear_down(void **state)
{
    static const char *const names[] = {"c/lib/a.js", "c/lib/b.js", "secret.js",
                                        "c/link.js",  "c/up",       "c/inside.js"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        kee_file_remove(path_of(names[i]));
    }
    (void)rmdir(path_of("c/lib"));
    (void)rmdir(path_of("c/vats"));
    (void)rmdir(path_of("c"));
    return rmdir(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_graph_is_read_once),
        cmocka_unit_test(a_vat_outside_has_its_own_directory),
        cmocka_unit_test(nothing_outside_is_read),
        cmocka_unit_test(what_imports_no_file_stays),
        cmocka_unit_test(there_is_a_bound),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
