/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of keeve/value.h: building, reading, copying, failing, and values as JSON text. */
#include "cm.h"

#include <math.h>
#include <stdio.h>

#include "alloc_fault.h"
#include "keeve/value.h"

static struct keeve_value *one_of_each(void)
{
    struct keeve_value *record = keeve_make_record();

    if (!keeve_record_set(record, "n", keeve_make_null()) ||
        !keeve_record_set(record, "u", keeve_make_undefined()) ||
        !keeve_record_set(record, "b", keeve_make_boolean(true)) ||
        !keeve_record_set(record, "d", keeve_make_number(0.5)) ||
        !keeve_record_set(record, "i", keeve_make_bigint(INT64_MIN)) ||
        !keeve_record_set(record, "s", keeve_make_string_sized("a\0b", 3)) ||
        !keeve_record_set(record, "y", keeve_make_symbol("@@asyncIterator")) ||
        !keeve_record_set(record, "a",
                          keeve_make_array_of(2, keeve_make_number(1), keeve_make_string("x"))) ||
        !keeve_record_set(record, "t", keeve_make_tagged("set", keeve_make_array())) ||
        !keeve_record_set(record, "e", keeve_make_error("TypeError", "no")) ||
        !keeve_record_set(record, "r", keeve_make_ref_named("ko4", "Alleged: thing")) ||
        !keeve_record_set(record, "p", keeve_make_ref("kp7"))) {
        keeve_value_free(record);
        return NULL;
    }
    return record;
}

static void what_was_made_is_read(void **state)
{
    struct keeve_value *value = one_of_each();
    bool boolean = false;
    double number = 0;
    int64_t whole = 0;
    size_t size = 0;

    (void)state;
    assert_non_null(value);
    assert_int_equal(keeve_value_kind(value), KEEVE_RECORD);
    assert_int_equal(keeve_value_count(value), 12);
    assert_string_equal(keeve_value_member_name(value, 11), "p");
    assert_int_equal(keeve_value_kind(keeve_value_member(value, "n")), KEEVE_NULL);
    assert_int_equal(keeve_value_kind(keeve_value_member(value, "u")), KEEVE_UNDEFINED);
    assert_true(keeve_value_boolean(keeve_value_member(value, "b"), &boolean) && boolean);
    assert_true(keeve_value_number(keeve_value_member(value, "d"), &number) && number == 0.5);
    assert_false(keeve_value_int64(keeve_value_member(value, "d"), &whole));
    assert_true(keeve_value_int64(keeve_value_member(value, "i"), &whole) && whole == INT64_MIN);
    assert_memory_equal(keeve_value_text(keeve_value_member(value, "s"), &size), "a\0b", 4);
    assert_int_equal(size, 3);
    assert_string_equal(keeve_value_text(keeve_value_member(value, "y"), NULL), "@@asyncIterator");
    assert_true(keeve_value_is_string(keeve_value_item(keeve_value_member(value, "a"), 1), "x"));
    assert_string_equal(keeve_value_text(keeve_value_member(value, "t"), NULL), "set");
    assert_int_equal(keeve_value_kind(keeve_value_item(keeve_value_member(value, "t"), 0)),
                     KEEVE_ARRAY);
    assert_string_equal(keeve_value_error_name(keeve_value_member(value, "e")), "TypeError");
    assert_string_equal(keeve_value_text(keeve_value_member(value, "e"), NULL), "no");
    assert_int_equal(keeve_value_kind(keeve_value_member(value, "r")), KEEVE_REMOTABLE);
    assert_string_equal(keeve_value_iface(keeve_value_member(value, "r")), "Alleged: thing");
    assert_int_equal(keeve_value_kind(keeve_value_member(value, "p")), KEEVE_PROMISE);
    keeve_value_free(value);
}

static void nothing_is_found_in_nothing(void **state)
{
    bool boolean = true;
    double number = 7;
    int64_t whole = 7;

    (void)state;
    assert_int_equal(keeve_value_kind(NULL), KEEVE_NONE);
    assert_null(keeve_value_text(NULL, NULL));
    assert_null(keeve_value_member(keeve_value_item(NULL, 0), "x"));
    assert_null(keeve_value_member_name(NULL, 0));
    assert_null(keeve_value_error_name(NULL));
    assert_null(keeve_value_iface(NULL));
    assert_int_equal(keeve_value_count(NULL), 0);
    assert_false(keeve_value_boolean(NULL, &boolean) || keeve_value_number(NULL, &number) ||
                 keeve_value_int64(NULL, &whole));
    assert_true(boolean && number == 7 && whole == 7);
    assert_true(keeve_value_equal(NULL, NULL));
    assert_null(keeve_value_copy(NULL));
    keeve_value_free(NULL);
}

static void whole_numbers_keep_within_their_bounds(void **state)
{
    static const struct {
        const char *json;
        bool fits;
        int64_t whole;
    } cases[] = {
        {"9007199254740991", true, 9007199254740991},
        {"9007199254740992", false, 0},
        {"-3", true, -3},
        {"1.5", false, 0},
        {"{\"@number\":\"NaN\"}", false, 0},
        {"{\"@number\":\"Infinity\"}", false, 0},
        {"{\"@bigint\":\"9223372036854775807\"}", true, INT64_MAX},
        {"{\"@bigint\":\"9223372036854775808\"}", false, 0},
        {"{\"@bigint\":\"-9223372036854775808\"}", true, INT64_MIN},
        {"{\"@bigint\":\"-9223372036854775809\"}", false, 0},
        {"\"7\"", false, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct keeve_value *value = keeve_value_from_json(cases[i].json, NULL, 0);
        int64_t whole = 0;
        assert_non_null(value);
        assert_int_equal(keeve_value_int64(value, &whole), cases[i].fits);
        assert_true(whole == cases[i].whole);
        keeve_value_free(value);
    }
}

static void json_goes_both_ways(void **state)
{
    struct keeve_value *value = one_of_each();
    struct keeve_value *back;
    char text[600], few[8];
    size_t size = keeve_value_to_json(value, text, sizeof text);

    (void)state;
    assert_true(size < sizeof text);
    assert_int_equal(strlen(text), size);
    back = keeve_value_from_json(text, NULL, 0);
    assert_true(keeve_value_equal(value, back));
    assert_int_equal(keeve_value_to_json(value, few, sizeof few), size);
    assert_int_equal(strlen(few), sizeof few - 1);
    assert_int_equal(keeve_value_to_json(value, NULL, 0), size);
    keeve_value_free(back);
    keeve_value_free(value);
    assert_null(keeve_value_from_json("[1,", few, sizeof few));
    assert_true(strlen(few) > 0);
}

static void what_is_wrong_is_not_made(void **state)
{
    static const char *const broken[] = {"\xff",
                                         "a\xc3",
                                         "\xc0\x80",
                                         "\xe0\x80\x80",
                                         "\xed\xa0\x80",
                                         "\xf4\x90\x80\x80",
                                         "\xf5\x80\x80\x80",
                                         "\x80"};
    struct keeve_value *array = keeve_make_array();

    (void)state;
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        assert_null(keeve_make_string(broken[i]));
        assert_null(keeve_make_error("Error", broken[i]));
        assert_null(keeve_make_tagged(broken[i], keeve_make_null()));
    }
    assert_null(keeve_make_bigint_text("07"));
    assert_null(keeve_make_bigint_text("-0"));
    assert_null(keeve_make_ref(""));
    assert_null(keeve_make_tagged("x", NULL));
    assert_null(keeve_make_array_of(3, keeve_make_null(), NULL, keeve_make_string("freed")));
    assert_false(keeve_array_add(array, NULL));
    assert_false(keeve_array_add(NULL, keeve_make_null()));
    assert_false(keeve_record_set(array, "x", keeve_make_null()));
    assert_int_equal(keeve_value_count(array), 0);
    keeve_value_free(array);
    array = keeve_make_string("\xc3\xa4\xe2\x82\xac\xf0\x9f\x8d\xba");
    assert_non_null(array);
    keeve_value_free(array);
}

static void a_member_is_replaced(void **state)
{
    struct keeve_value *record = keeve_make_record();
    struct keeve_value *copy;
    int64_t whole = 0;

    (void)state;
    for (int i = 0; i < 20; i++) {
        char name[8];
        (void)snprintf(name, sizeof name, "m%d", i % 10);
        assert_true(keeve_record_set(record, name, keeve_make_number(i)));
    }
    assert_int_equal(keeve_value_count(record), 10);
    assert_true(keeve_value_int64(keeve_value_member(record, "m3"), &whole) && whole == 13);
    copy = keeve_value_copy(record);
    assert_true(keeve_value_equal(record, copy));
    assert_true(keeve_record_set(copy, "m3", keeve_make_null()));
    assert_false(keeve_value_equal(record, copy));
    keeve_value_free(copy);
    keeve_value_free(record);
}

/* Whichever allocation fails, the tree is made whole or not at all. */
static void memory_that_runs_out_gives_nothing(void **state)
{
    struct keeve_value *whole = one_of_each();
    bool fired = true;

    (void)state;
    for (uint64_t nth = 1; fired; nth++) {
        struct keeve_value *made, *copy;
        alloc_fault_arm(nth);
        alloc_fault_on(true);
        made = one_of_each();
        copy = keeve_value_copy(made);
        alloc_fault_on(false);
        fired = alloc_fault_disarm();
        assert_true(fired == (made == NULL || copy == NULL));
        assert_true(made == NULL || keeve_value_equal(made, whole));
        assert_true(copy == NULL || keeve_value_equal(copy, whole));
        keeve_value_free(copy);
        keeve_value_free(made);
    }
    keeve_value_free(whole);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_made_is_read),
        cmocka_unit_test(nothing_is_found_in_nothing),
        cmocka_unit_test(whole_numbers_keep_within_their_bounds),
        cmocka_unit_test(json_goes_both_ways),
        cmocka_unit_test(what_is_wrong_is_not_made),
        cmocka_unit_test(a_member_is_replaced),
        cmocka_unit_test(memory_that_runs_out_gives_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
