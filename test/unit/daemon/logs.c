/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of daemon/logs.h and daemon/json_text.h. */
#include "cm.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "daemon/json_text.h"
#include "daemon/logs.h"

struct seen {
    size_t count;
    uint64_t first_ms;
    uint64_t last_ms;
    size_t last_size;
};

static void see(void *context, const struct kee_log_line *line)
{
    struct seen *seen = context;

    if (seen->count++ == 0) {
        seen->first_ms = line->time_ms;
    } else {
        assert_int_equal(line->time_ms, seen->last_ms + 1); /* in order, none missing */
    }
    seen->last_ms = line->time_ms;
    seen->last_size = line->text.size;
}

static void the_last_thousand_lines_are_kept(void **state)
{
    struct kee_logs *logs;
    struct seen seen = {0};
    char *text = malloc(3 * KEE_LIMIT_LOG_LINE_BYTES);

    memset(text, 'x', 3 * KEE_LIMIT_LOG_LINE_BYTES);
    assert_int_equal(kee_logs_new(&logs), 0);
    kee_logs_walk(logs, see, &seen);
    assert_int_equal(seen.count, 0);
    for (uint64_t i = 1; i <= 2 * KEE_LIMIT_LOG_LINES + 7; i++) {
        struct kee_log_line line = {
            .time_ms = i, .vat = {1}, .text = kee_bytes_of(text, i % 3 * KEE_LIMIT_LOG_LINE_BYTES)};
        kee_logs_add(logs, &line);
    }
    kee_logs_walk(logs, see, &seen);
    assert_int_equal(seen.count, KEE_LIMIT_LOG_LINES);
    assert_int_equal(seen.first_ms, KEE_LIMIT_LOG_LINES + 8);
    assert_int_equal(seen.last_ms, 2 * KEE_LIMIT_LOG_LINES + 7);
    assert_true(seen.last_size <= KEE_LIMIT_LOG_LINE_BYTES);
    kee_logs_free(logs);
    free(text);
}

static void a_line_is_json_whatever_it_holds(void **state)
{
    static const struct {
        const char *text;
        size_t size;
        const char *read;
    } cases[] = {
        {"plain", 5, "plain"},
        {"q\"\\\n\x01", 5, "q\"\\\n\x01"},
        {"a\0b", 3,
         "a\xef\xbf\xbd"
         "b"},
        {"\xff\xfe", 2, "\xef\xbf\xbd\xef\xbf\xbd"},
        {"\xc3\xa4", 2, "\xc3\xa4"},
        {"\xc3", 1, "\xef\xbf\xbd"},
        {"\xed\xa0\x80", 3, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"}, /* a surrogate */
        {"\xc0\xaf", 2, "\xef\xbf\xbd\xef\xbf\xbd"},                 /* too long a form */
        {"\xf0\x9f\x98\x80", 4, "\xf0\x9f\x98\x80"},
        {"\xf5\x80\x80\x80", 4, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct kee_log_line line = {.time_ms = 7,
                                    .vat = {3},
                                    .level = KEE_VP_WARN,
                                    .text = kee_bytes_of(cases[i].text, cases[i].size)};
        struct kee_buf buf = KEE_BUF_EMPTY;
        json_t *json;

        kee_log_line_put(&buf, &line);
        json = json_loadb((const char *)buf.data, buf.size, 0, NULL);
        assert_non_null(json);
        assert_string_equal(json_string_value(json_object_get(json, "text")), cases[i].read);
        assert_string_equal(json_string_value(json_object_get(json, "vat")), "v3");
        assert_string_equal(json_string_value(json_object_get(json, "level")), "warn");
        json_decref(json);
        kee_buf_fini(&buf);
    }
}

static void a_record_keeps_the_order_of_its_fields(void **state)
{
    const struct kee_record record = {
        .kind = "deliver",
        .count = 4,
        .fields = {{"crank", KEE_BYTES_LIT("18446744073709551615"), true},
                   {"vat", KEE_BYTES_LIT("v1"), false},
                   {"empty", KEE_BYTES_LIT(""), true}, /* no number after all: shown as text */
                   {"body", KEE_BYTES_LIT("#\"x\""), false}},
    };
    struct kee_buf buf = KEE_BUF_EMPTY;

    kee_json_put_record(&buf, &record, true);
    assert_bytes_text(buf, "{\"event\":\"deliver\",\"crank\":18446744073709551615,\"vat\":\"v1\","
                           "\"empty\":\"\",\"body\":\"#\\\"x\\\"\"}");
    kee_buf_clear(&buf);
    kee_json_put_record(&buf, &record, false);
    assert_true(kee_bytes_has_prefix(kee_buf_bytes(&buf), KEE_BYTES_LIT("{\"crank\":")));
    kee_buf_fini(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_last_thousand_lines_are_kept),
        TEST(a_line_is_json_whatever_it_holds),
        TEST(a_record_keeps_the_order_of_its_fields),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
