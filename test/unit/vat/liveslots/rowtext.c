/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of vat/liveslots/rowtext.h: what JSON.stringify writes, and whatever JSON a row may hold. */
#include "cm.h"

#include "vat/liveslots/rowtext.h"

static void strings_are_written_as_json_stringify_does(void **state)
{
    struct kee_buf out = KEE_BUF_EMPTY;
    kee_row_put_string(&out, KEE_BYTES_LIT("a\"b\\\b\f\n\r\t\x01\x1f\x7f\xc3\xbc"
                                           "\xf0\x9f\x98\x80"));
    assert_bytes_text(out, "\"a\\\"b\\\\\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\xc3\xbc"
                           "\xf0\x9f\x98\x80\"");
    kee_buf_clear(&out);
    /* A lone surrogate; a character that merely begins with the same byte. */
    kee_row_put_string(&out, KEE_BYTES_LIT("\xed\xa0\x80x\xed\x9f\xbf"));
    assert_bytes_text(out, "\"\\ud800x\xed\x9f\xbf\"");
    kee_buf_fini(&out);
}

static void strings_are_read_back(void **state)
{
    static const struct {
        const char *json;
        const char *text; /* NULL: to be refused */
    } rows[] = {
        {"\"\"", ""},
        {"\"a\\\"\\\\\\/\\b\\f\\n\\r\\tz\"", "a\"\\/\b\f\n\r\tz"},
        {"\"\\u00fc\\ud83d\\ude00\"", "\xc3\xbc\xf0\x9f\x98\x80"},
        {"\"\\ud83dx\"", "\xed\xa0\xbdx"},
        {"\"\\ud83d\\ud83d\"", "\xed\xa0\xbd\xed\xa0\xbd"},
        {"\"", NULL},
        {"\"\\", NULL},
        {"\"\\u12\"", NULL},
        {"\"\\q\"", NULL},
        {"x", NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct kee_buf out = KEE_BUF_EMPTY;
        struct kee_row_cursor cursor = kee_row_read(kee_bytes_str(rows[i].json));
        kee_row_string(&cursor, &out);
        assert_int_equal(cursor.failed, rows[i].text == NULL);
        if (rows[i].text != NULL) {
            assert_bytes_text(out, rows[i].text);
        }
        kee_buf_fini(&out);
    }
}

static void capdata_goes_there_and_back(void **state)
{
    struct kee_buf row = KEE_BUF_EMPTY, body = KEE_BUF_EMPTY, slots = KEE_BUF_EMPTY;
    kee_vp_put_string(&slots, KEE_BYTES_LIT("o+d10/1"));
    kee_vp_put_string(&slots, KEE_BYTES_LIT("o-5"));
    struct kee_vp_strings both = {kee_buf_bytes(&slots), 2};
    kee_row_put_capdata(&row, KEE_BYTES_LIT("#[\"$0\",\"$1\"]"), both);
    assert_bytes_text(row,
                      "{\"body\":\"#[\\\"$0\\\",\\\"$1\\\"]\",\"slots\":[\"o+d10/1\",\"o-5\"]}");

    struct kee_buf read = KEE_BUF_EMPTY;
    struct kee_row_cursor cursor = kee_row_read(kee_buf_bytes(&row));
    assert_int_equal(kee_row_capdata(&cursor, &body, &read), 2);
    assert_false(cursor.failed);
    assert_bytes_text(body, "#[\"$0\",\"$1\"]");
    assert_true(kee_bytes_equal(kee_buf_bytes(&read), kee_buf_bytes(&slots)));
    kee_buf_fini(&row);
    kee_buf_fini(&body);
    kee_buf_fini(&slots);
    kee_buf_fini(&read);
}

/* Every way to cut a row short, and bytes that are not JSON, fail; none reads past the end. */
static void what_is_cut_short_fails(void **state)
{
    static const char row[] = "{\"a\":{\"body\":\"#\\u0031\",\"slots\":[\"o-1\"]},\"b\":[1,{}]}";
    for (size_t size = 0; size < sizeof(row) - 1; size++) {
        struct kee_row_cursor cursor = kee_row_read(kee_bytes_of(row, size));
        kee_row_value(&cursor);
        assert_true(cursor.failed);
    }
    struct kee_row_cursor cursor = kee_row_read(KEE_BYTES_LIT(row));
    struct kee_bytes value = kee_row_value(&cursor);
    assert_false(cursor.failed);
    assert_int_equal(value.size, sizeof(row) - 1);
    cursor = kee_row_read(KEE_BYTES_LIT("{\"slots\":[]}"));
    kee_row_capdata(&cursor, NULL, NULL);
    assert_true(cursor.failed); /* a capdata has a body */
}

static void members_come_in_order(void **state)
{
    struct kee_buf name = KEE_BUF_EMPTY;
    struct kee_row_cursor cursor =
        kee_row_read(KEE_BYTES_LIT(" { \"x\" : 12 , \"y\":[true,null] } "));
    kee_row_enter(&cursor, '{');
    assert_true(kee_row_member(&cursor, &name));
    assert_bytes_text(name, "x");
    assert_int_equal(kee_row_number(&cursor), 12);
    kee_buf_clear(&name);
    assert_true(kee_row_member(&cursor, &name));
    assert_bytes_text(name, "y");
    assert_bytes_text(kee_row_value(&cursor), "[true,null]");
    assert_false(kee_row_member(&cursor, &name));
    assert_false(cursor.failed);
    kee_buf_fini(&name);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(strings_are_written_as_json_stringify_does),
        TEST(strings_are_read_back),
        TEST(capdata_goes_there_and_back),
        TEST(what_is_cut_short_fails),
        TEST(members_come_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
