/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of base/bytes.h. */
#include "cm.h"

#include <stdlib.h>

#include "base/bytes.h"
#include "base/fault.h"

static void compare_orders_a_prefix_first(void **state)
{
    struct kee_bytes empty = kee_bytes_of(NULL, 0);

    assert_int_equal(kee_bytes_compare(empty, empty), 0);
    assert_true(kee_bytes_compare(empty, kee_bytes_str("a")) < 0);
    assert_true(kee_bytes_compare(kee_bytes_str("ab"), kee_bytes_str("abc")) < 0);
    assert_true(kee_bytes_compare(kee_bytes_str("b"), kee_bytes_str("abc")) > 0);
    assert_int_equal(kee_bytes_compare(kee_bytes_str("abc"), KEE_BYTES_LIT("abc")), 0);
    /* Bytes are unsigned: 0xff comes after every letter. */
    assert_true(kee_bytes_compare(kee_bytes_of("\xff", 1), kee_bytes_str("z")) > 0);
}

static void prefix_holds_for_itself_and_for_nothing(void **state)
{
    assert_true(kee_bytes_has_prefix(kee_bytes_str("v1."), kee_bytes_str("v1.")));
    assert_true(kee_bytes_has_prefix(kee_bytes_str("v1.c"), kee_bytes_of(NULL, 0)));
    assert_false(kee_bytes_has_prefix(kee_bytes_str("v1"), kee_bytes_str("v1.")));
    assert_false(kee_bytes_has_prefix(kee_bytes_str("v12"), kee_bytes_str("v1.")));
}

static void cut_walks_the_pieces(void **state)
{
    struct kee_bytes rest = kee_bytes_str("a,,b");

    assert_bytes_text(kee_bytes_cut(&rest, ','), "a");
    assert_bytes_text(kee_bytes_cut(&rest, ','), "");
    assert_bytes_text(rest, "b");
    assert_non_null(rest.data);
    assert_bytes_text(kee_bytes_cut(&rest, ','), "b");
    assert_null(rest.data); /* no mark was found: told apart from an empty last piece */
    rest = kee_bytes_str("x,");
    assert_bytes_text(kee_bytes_cut(&rest, ','), "x");
    assert_non_null(rest.data);
    assert_int_equal(rest.size, 0);
}

static void decimal_takes_only_plain_numbers(void **state)
{
    static const char *const refused[] = {
        "",
        "-1",
        "+1",
        " 1",
        "1 ",
        "01",
        "00",
        "1a",
        "0x1",
        "18446744073709551616",
        "184467440737095516150",
    };
    uint64_t n = 7;

    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        assert_false(kee_bytes_decimal(kee_bytes_str(refused[i]), &n));
    }
    assert_int_equal(n, 7); /* untouched by refusals */
    assert_true(kee_bytes_decimal(kee_bytes_str("0"), &n));
    assert_int_equal(n, 0);
    assert_true(kee_bytes_decimal(kee_bytes_str("18446744073709551615"), &n));
    assert_true(n == UINT64_MAX);
}

static void put_decimal_and_decimal_agree(void **state)
{
    static const uint64_t numbers[] = {0, 1, 9, 10, 4294967296u, UINT64_MAX};
    struct kee_buf buf = KEE_BUF_EMPTY;

    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        uint64_t n;
        kee_buf_clear(&buf);
        kee_buf_put_decimal(&buf, numbers[i]);
        assert_true(kee_bytes_decimal(kee_buf_bytes(&buf), &n));
        assert_true(n == numbers[i]);
    }
    kee_buf_fini(&buf);
}

static void appends_grow_and_keep_what_was_there(void **state)
{
    struct kee_buf buf = KEE_BUF_EMPTY;

    for (unsigned i = 0; i < 10000; i++) {
        kee_buf_put_char(&buf, (char)('a' + i % 26));
    }
    kee_buf_put(&buf, NULL, 0);
    kee_buf_put_str(&buf, "");
    assert_int_equal(kee_buf_status(&buf), 0);
    assert_int_equal(buf.size, 10000);
    for (unsigned i = 0; i < 10000; i++) {
        assert_int_equal(buf.data[i], 'a' + i % 26);
    }
    assert_int_equal(strlen(kee_buf_cstr(&buf)), 10000);
    kee_buf_fini(&buf);
    assert_null(buf.data);
    kee_buf_fini(&buf); /* twice is harmless */
}

static void printf_reaches_over_a_growth(void **state)
{
    struct kee_buf buf = KEE_BUF_EMPTY;
    char long_text[300];

    memset(long_text, 'x', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = 0;
    kee_buf_printf(&buf, "%d:%s", 42, long_text);
    assert_int_equal(buf.size, 3 + 299);
    assert_memory_equal(buf.data, "42:x", 4);
    kee_buf_printf(&buf, "%s", "");
    assert_int_equal(buf.size, 3 + 299);
    assert_string_equal(kee_buf_cstr(&buf) + 300, "xx");
    kee_buf_fini(&buf);
}

static void frame_numbers_are_little_endian(void **state)
{
    static const uint8_t expected[] = {0xab, 4, 3, 2, 1, 8, 7, 6, 5, 4, 3, 2, 1};
    struct kee_buf buf = KEE_BUF_EMPTY;

    kee_buf_put_u8(&buf, 0xab);
    kee_buf_put_u32(&buf, 0x01020304);
    kee_buf_put_u64(&buf, 0x0102030405060708);
    assert_int_equal(buf.size, sizeof expected);
    assert_memory_equal(buf.data, expected, sizeof expected);
    kee_buf_fini(&buf);
}

static void consume_takes_from_the_front(void **state)
{
    struct kee_buf buf = KEE_BUF_EMPTY;

    kee_buf_put_str(&buf, "hello world");
    kee_buf_consume(&buf, 6);
    assert_bytes_text(buf, "world");
    kee_buf_consume(&buf, 0);
    assert_bytes_text(buf, "world");
    kee_buf_consume(&buf, 99); /* more than there is: all of it */
    assert_int_equal(buf.size, 0);
    kee_buf_fini(&buf);
}

static void a_failed_append_is_remembered(void **state)
{
    struct kee_buf buf = KEE_BUF_EMPTY;

    kee_buf_put_str(&buf, "kept");
    assert_int_equal(kee_buf_reserve(&buf, SIZE_MAX / 2), KEE_FAULT_MEMORY);
    kee_buf_put_str(&buf, "lost");
    assert_int_equal(kee_buf_status(&buf), KEE_FAULT_MEMORY);
    assert_null(kee_buf_cstr(&buf));
    assert_bytes_text(buf, "kept");
    kee_buf_clear(&buf);
    assert_int_equal(kee_buf_status(&buf), 0);
    kee_buf_put_str(&buf, "again");
    assert_string_equal(kee_buf_cstr(&buf), "again");
    kee_buf_fini(&buf);
    kee_fault_clear();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(compare_orders_a_prefix_first), TEST(prefix_holds_for_itself_and_for_nothing),
        TEST(cut_walks_the_pieces),          TEST(decimal_takes_only_plain_numbers),
        TEST(put_decimal_and_decimal_agree), TEST(appends_grow_and_keep_what_was_there),
        TEST(printf_reaches_over_a_growth),  TEST(frame_numbers_are_little_endian),
        TEST(consume_takes_from_the_front),  TEST(a_failed_append_is_remembered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
