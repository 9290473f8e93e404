/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory runs out at the n-th allocation, for every n, in what reads and writes passable values, frames,
 * configurations and what the daemon says: each ends with a fault or with the very result it has when
 * nothing fails, never with a refusal, and leaks nothing (a sanitizer sees to that).
 *
 * Jansson's own allocations are left out: without memory it loses characters of a text and says nothing.
 * The program therefore ends when jansson has no memory: that is tried in cli.c.
 */
#include "cm.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "alloc_fault.h"
#include "base/fault.h"
#include "base/map.h"
#include "daemon/json_text.h"
#include "daemon/logs.h"
#include "lib/config.h"
#include "store/escape.h"
#include "value/body.h"
#include "value/json.h"

/* Does the work and says in out what came of it. */
typedef int job_fn(struct kee_buf *out, struct kee_bytes input);

static int text_of_value(struct kee_value *value, struct kee_arena *arena, struct kee_buf *out,
                         struct kee_buf *why)
{
    struct kee_body body;
    int r = kee_body_encode(value, arena, &body, why);

    if (r != 0) {
        return r;
    }
    kee_buf_put_bytes(out, body.text);
    for (size_t i = 0; i < body.slot_count; i++) {
        kee_buf_put_bytes(out, body.slots[i]);
    }
    kee_buf_put_value_json(out, value);
    return kee_buf_status(out);
}

static int read_body(struct kee_buf *out, struct kee_bytes input)
{
    const struct kee_bytes slots[] = {KEE_BYTES_LIT("ko1"), KEE_BYTES_LIT("kp2")};
    struct kee_body body = {input, slots, 2};
    struct kee_arena arena = KEE_ARENA_EMPTY;
    struct kee_buf why = KEE_BUF_EMPTY;
    struct kee_value *value = NULL;
    int r = kee_body_decode(body, &arena, &value, &why);

    if (r == 0) {
        r = text_of_value(value, &arena, out, &why);
    }
    kee_buf_fini(&why);
    kee_arena_fini(&arena);
    return r;
}

static int read_json(struct kee_buf *out, struct kee_bytes input)
{
    struct kee_arena arena = KEE_ARENA_EMPTY;
    struct kee_buf why = KEE_BUF_EMPTY;
    struct kee_value *value = NULL;
    int r = kee_value_from_json_text(input, &arena, &value, &why);

    if (r == 0) {
        r = text_of_value(value, &arena, out, &why);
    }
    kee_buf_fini(&why);
    kee_arena_fini(&arena);
    return r;
}

static char directory[] = "/tmp/keeve-fault-XXXXXX";

static int read_config(struct kee_buf *out, struct kee_bytes input)
{
    struct kee_buf why = KEE_BUF_EMPTY;
    struct kee_config config;
    json_t *json;
    int r;

    alloc_fault_on(false); /* the text was read before */
    json = json_loadb((const char *)input.data, input.size, 0, NULL);
    assert_non_null(json);
    alloc_fault_on(true);
    r = kee_config_read(&config, json, directory, &why);
    for (size_t i = 0; r == 0 && i < config.launch.vat_count; i++) {
        const struct kee_launch_vat *vat = &config.launch.vats[i];
        kee_buf_put_bytes(out, vat->name);
        kee_buf_put_bytes(out, vat->code);
        kee_buf_put_bytes(out, vat->parameters.body);
        kee_buf_put_bytes(out, vat->globals.raw);
    }
    if (r == 0) {
        kee_buf_put_decimal(out, json_array_size(config.warnings));
        r = kee_buf_status(out);
    }
    alloc_fault_on(false);
    kee_config_fini(&config);
    json_decref(json);
    kee_buf_fini(&why);
    return r;
}

static int write_start(struct kee_buf *out, struct kee_bytes input)
{
    struct kee_vp_start start = {.version = KEE_VP_VERSION,
                                 .vat = 3,
                                 .seed = input,
                                 .code = input,
                                 .parameters = {.body = input}};
    struct kee_vp_start again;
    struct kee_bytes fields;
    uint8_t type;
    size_t size;

    kee_vp_start_put(out, &start);
    if (kee_buf_status(out) != 0) {
        return kee_buf_status(out);
    }
    assert_int_equal(kee_vp_frame_cut(kee_buf_bytes(out), &type, &fields, &size), 1);
    assert_true(kee_vp_start_take(fields, &again));
    return 0;
}

static int unescape(struct kee_buf *out, struct kee_bytes input)
{
    struct kee_buf plain = KEE_BUF_EMPTY;
    size_t at;
    int r = 0;

    assert_null(kee_buf_put_unescaped(&plain, input, &at));
    r = kee_buf_status(&plain);
    if (r == 0) {
        kee_buf_put_escaped(out, kee_buf_bytes(&plain));
        r = kee_buf_status(out);
    }
    kee_buf_fini(&plain);
    return r;
}

static int say_record(struct kee_buf *out, struct kee_bytes input)
{
    struct kee_record record = {
        "deliver", 2, {{"body", input, false}, {"seq", KEE_BYTES_LIT("12"), true}}};
    struct kee_log_line line = {.time_ms = 1, .vat = {2}, .text = input};

    kee_json_put_record(out, &record, true);
    kee_log_line_put(out, &line);
    return kee_buf_status(out);
}

static void count_line(void *context, const struct kee_log_line *line)
{
    *(size_t *)context += line->text.size;
}

/* A line may be lost for want of memory; that is no fault, and no other line suffers. */
static int keep_lines(struct kee_buf *out, struct kee_bytes input)
{
    struct kee_log_line line = {.time_ms = 1, .vat = {2}, .text = input};
    struct kee_logs *logs = NULL;
    size_t bytes = 0;
    int r = kee_logs_new(&logs);

    for (int i = 0; i < 20 && r == 0; i++) {
        kee_logs_add(logs, &line);
    }
    if (r == 0) {
        kee_logs_walk(logs, count_line, &bytes);
        assert_true(bytes >= 19 * input.size);
    }
    kee_logs_free(logs);
    (void)out;
    return r;
}

static int fill_map(struct kee_buf *out, struct kee_bytes input)
{
    struct kee_map map = KEE_MAP_EMPTY;
    int r = 0;

    for (uint64_t key = 1; key <= 300 && r == 0; key++) {
        r = kee_map_put(&map, key, &map);
        assert_int_equal(map.count, r == 0 ? key : key - 1);
        assert_true(key == 1 || kee_map_get(&map, key - 1) == &map);
    }
    kee_map_fini(&map);
    (void)out;
    (void)input;
    return r;
}

static const struct {
    job_fn *job;
    const char *input;
} jobs[] = {
    {read_body, "#[\"go\",[\"$0.Alleged: thing\",\"&1\",\"+77\",\"%name\",\"#NaN\",{\"#tag\":\"t\","
                "\"payload\":[1.5,null,true]},{\"#error\":\"no\",\"name\":\"TypeError\"},\"!#\"]]"},
    {read_body, "[\"go\",[{\"@qclass\":\"slot\",\"index\":0,\"iface\":\"Alleged: thing\"},"
                "{\"@qclass\":\"bigint\",\"digits\":\"-7\"},{\"@qclass\":\"undefined\"},"
                "{\"@qclass\":\"hilbert\",\"original\":{\"@qclass\":\"-Infinity\"}}]]"},
    {read_body,
     "#[[[[[[[[[[[[[[[[{\"a\":{\"b\":{\"c\":[\"text\",\"more text\"]}}}]]]]]]]]]]]]]]]]"},
    {read_json,
     "[{\"kref\":\"ko4\"},{\"@bigint\":\"123456789012345678901234567890\"},"
     "{\"@tagged\":\"t\",\"payload\":{\"@record\":{\"@x\":1}}},{\"@error\":\"e\"},\"\u00fc\"]"},
    {read_config,
     "{\"bootstrap\":\"a\",\"vats\":{\"a\":{\"bundleSpec\":\"data:text/javascript;base64,"
     "Y29kZQ==\",\"parameters\":{\"x\":[1,\"+y\",null]},\"globals\":[\"Date\"]},"
     "\"b\":{\"bundle\":{\"moduleFormat\":\"iife\",\"code\":\"1\"}}}}"},
    {read_config, "{\"bootstrap\":\"a\",\"vats\":{\"a\":{\"sourceSpec\":\"a.js\"}}}"},
    {write_start, "a text of some length, so that the buffer has to grow more than once"},
    {unescape, "\\x00\\n\\t\\\\plain \\xff and some more so that it grows ...................."},
    {say_record, "quoted \" and \\ and \x01 and \xff, long enough that the buffer has to grow"},
    {keep_lines, "a line"},
    {fill_map, ""},
};

static void every_allocation_may_fail(void **state)
{
    uint64_t places = 0;

    for (size_t i = 0; i < sizeof jobs / sizeof jobs[0]; i++) {
        struct kee_bytes input = kee_bytes_str(jobs[i].input);
        struct kee_buf expected = KEE_BUF_EMPTY;
        bool fired = true;
        assert_int_equal(jobs[i].job(&expected, input), 0);
        for (uint64_t nth = 1; fired; nth++) {
            struct kee_buf found = KEE_BUF_EMPTY;
            int r;
            alloc_fault_begin(nth);
            r = jobs[i].job(&found, input);
            fired = alloc_fault_end();
            if (r > 0 || (r < 0 && !fired)) {
                fail_msg("job %zu, allocation %u: %d", i, (unsigned)nth, r);
            }
            if (r == 0 && !kee_bytes_equal(kee_buf_bytes(&found), kee_buf_bytes(&expected))) {
                fail_msg("job %zu, allocation %u: %s\ninstead of %s", i, (unsigned)nth,
                         kee_buf_cstr(&found), kee_buf_cstr(&expected));
            }
            kee_fault_clear();
            kee_buf_fini(&found);
            places += fired;
        }
        kee_buf_fini(&expected);
    }
    print_message("%u places\n", (unsigned)places);
    assert_true(places > 100);
}

static void write_file(const char *name, const char *text)
{
    char path[128];
    FILE *file;

    (void)snprintf(path, sizeof path, "%s/%s", directory, name);
    file = fopen(path, "w");
    assert_non_null(file);
    (void)fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static int make_files(void **state)
{
    assert_non_null(mkdtemp(directory));
    write_file("a.js", "import { b } from './b.js';\nimport './c.js';\nexport const a = b;\n");
    write_file("b.js", "export * from './c.js';\nexport const b = 1;\n");
    write_file("c.js", "export const c = 'text';\n");
    return 0;
}

static int remove_files(void **state)
{
    static const char *const names[] = {"a.js", "b.js", "c.js"};
    char path[128];

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", directory, names[i]);
        (void)unlink(path);
    }
    return rmdir(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(every_allocation_may_fail)};

    return cmocka_run_group_tests(tests, make_files, remove_files);
}
