/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of value/json.h and value/text.h: what people write, and numbers as JavaScript writes them. */
#include "cm.h"

#include <stdio.h>

#include "value/json.h"
#include "value/text.h"

static int parse(const char *text, struct kee_arena *arena, struct kee_value **out,
                 struct kee_buf *why)
{
    return kee_value_from_json_text(kee_bytes_str(text), arena, out, why);
}

static void references_need_exactly_one_whole_kref(void **state)
{
    struct kee_arena arena = KEE_ARENA_EMPTY;
    struct kee_buf why = KEE_BUF_EMPTY;
    struct kee_value *value;

    assert_int_equal(parse("{\"kref\":\"ko4\"}", &arena, &value, &why), 0);
    assert_int_equal(value->kind, KEE_VALUE_REMOTABLE);
    assert_int_equal(parse("{\"kref\":\"kp4\"}", &arena, &value, &why), 0);
    assert_int_equal(value->kind, KEE_VALUE_PROMISE);
    assert_int_equal(parse("{\"kref\":\"ko4\",\"x\":1}", &arena, &value, &why), 0);
    assert_int_equal(value->kind, KEE_VALUE_RECORD);
    assert_int_equal(parse("{\"kref\":\"ko4 \"}", &arena, &value, &why), 0);
    assert_int_equal(value->kind, KEE_VALUE_RECORD);
    assert_int_equal(parse("\"ko4\"", &arena, &value, &why), 0);
    assert_int_equal(value->kind, KEE_VALUE_STRING);
    kee_arena_fini(&arena);
    kee_buf_fini(&why);
}

static void slips_are_refused_with_their_place(void **state)
{
    static const char *const slips[][2] = {
        {"{\"a\":[{\"@bigin\":\"7\"}]}", "at .a[0]: expected @bigint"},
        {"{\"@bigint\":7}", "expected a string in \"@bigint\", found a number"},
        {"{\"@bigint\":\"7n\"}", "decimal digits"},
        {"{\"@bigint\":\"7\",\"b\":1}", "beside other members"},
        {"{\"@undefined\":false}", "expected @bigint"},
        {"{\"@number\":\"undefined\"}", "expected undefined, NaN"},
        {"{\"@tagged\":\"t\"}", "a tagged value is written"},
        {"{\"@error\":\"m\",\"nam\":\"x\"}", "an error is written"},
        {"{bad}", "expected JSON"},
        {"1 2", "expected JSON"},
    };
    for (size_t i = 0; i < sizeof slips / sizeof *slips; i++) {
        struct kee_arena arena = KEE_ARENA_EMPTY;
        struct kee_buf why = KEE_BUF_EMPTY;
        struct kee_value *value;
        int r = parse(slips[i][0], &arena, &value, &why);

        if (r != KEE_VALUE_BAD || strstr(kee_buf_cstr(&why), slips[i][1]) == NULL) {
            fail_msg("%s: got %d, %s", slips[i][0], r, kee_buf_cstr(&why));
        }
        kee_arena_fini(&arena);
        kee_buf_fini(&why);
    }
}

static void plain_json_knows_no_forms(void **state)
{
    struct kee_arena arena = KEE_ARENA_EMPTY;
    struct kee_buf why = KEE_BUF_EMPTY;
    struct kee_value *value;
    json_t *json = json_loads("{\"kref\":\"ko4\"}", 0, NULL);

    assert_int_equal(kee_value_from_plain_json(json, &arena, &value, &why), 0);
    assert_int_equal(value->kind, KEE_VALUE_RECORD);
    assert_int_equal(value->as.record.members[0].value->kind, KEE_VALUE_STRING);
    json_decref(json);
    kee_arena_fini(&arena);
    kee_buf_fini(&why);
}

static void numbers_are_written_as_javascript_does(void **state)
{
    static const struct {
        double number;
        const char *text;
    } cases[] = {
        {0, "0"},
        {-0.0, "0"},
        {1, "1"},
        {-1.5, "-1.5"},
        {0.1, "0.1"},
        {100, "100"},
        {123456789012345680000.0, "123456789012345680000"},
        {1e21, "1e+21"},
        {1.5e300, "1.5e+300"},
        {0.000001, "0.000001"},
        {0.0000001, "1e-7"},
        {5e-324, "5e-324"},
        {9007199254740993.0, "9007199254740992"},
        {1.7976931348623157e308, "1.7976931348623157e+308"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct kee_buf buf = KEE_BUF_EMPTY;
        kee_buf_put_number(&buf, cases[i].number);
        assert_string_equal(kee_buf_cstr(&buf), cases[i].text);
        kee_buf_fini(&buf);
    }
}

static void names_sort_by_utf16_units(void **state)
{
    /* U+1F600 is d83d de00, before U+FFFD, though its UTF-8 is greater. */
    assert_true(kee_text_compare_utf16(kee_bytes_str("\xf0\x9f\x98\x80"),
                                       kee_bytes_str("\xef\xbf\xbd")) < 0);
    /* Halves of pairs: dc00 is after d83d, d83d before d83d de00, d83d e000 after it. */
    assert_true(kee_text_compare_utf16(kee_bytes_str("\xed\xb0\x80"),
                                       kee_bytes_str("\xf0\x9f\x98\x80")) > 0);
    assert_true(kee_text_compare_utf16(kee_bytes_str("\xed\xa0\xbd"),
                                       kee_bytes_str("\xf0\x9f\x98\x80")) < 0);
    assert_true(kee_text_compare_utf16(kee_bytes_str("\xf0\x9f\x98\x80"),
                                       kee_bytes_str("\xed\xa0\xbd\xee\x80\x80")) < 0);
    assert_true(
        kee_text_compare_utf16(kee_bytes_str("\xed\xbf\xbf"), kee_bytes_str("\xee\x80\x80")) < 0);
    assert_true(kee_text_compare_utf16(kee_bytes_str("a"), kee_bytes_str("ab")) < 0);
    assert_true(kee_text_compare_utf16(kee_bytes_str("b"), kee_bytes_str("ab")) > 0);
    assert_int_equal(kee_text_compare_utf16(kee_bytes_str("x"), kee_bytes_str("x")), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(references_need_exactly_one_whole_kref),
        TEST(slips_are_refused_with_their_place),
        TEST(plain_json_knows_no_forms),
        TEST(numbers_are_written_as_javascript_does),
        TEST(names_sort_by_utf16_units),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
