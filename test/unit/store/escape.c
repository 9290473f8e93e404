/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of store/escape.h. */
#include "cm.h"

#include "rng.h"
#include "store/escape.h"

static void expect_escaped(const char *bytes, size_t size, const char *text)
{
    struct kee_buf out = KEE_BUF_EMPTY;
    struct kee_buf back = KEE_BUF_EMPTY;
    size_t at;

    kee_buf_put_escaped(&out, kee_bytes_of(bytes, size));
    assert_bytes_text(out, text);
    assert_null(kee_buf_put_unescaped(&back, kee_buf_bytes(&out), &at));
    assert_true(kee_bytes_equal(kee_buf_bytes(&back), kee_bytes_of(bytes, size)));
    kee_buf_fini(&out);
    kee_buf_fini(&back);
}

#define EXPECT(bytes, text) expect_escaped(bytes, sizeof(bytes) - 1, text)

static void text_stands_for_itself(void **state)
{
    EXPECT("", "");
    EXPECT("v1.c.ko2 {\"a\": [1, 2]}", "v1.c.ko2 {\"a\": [1, 2]}");
    EXPECT("K\xc3\xbc"
           "be \xe2\x82\xac \xf0\x9f\x8d\xba",
           "K\xc3\xbc"
           "be \xe2\x82\xac \xf0\x9f\x8d\xba");
}

static void controls_and_other_bytes_are_escaped(void **state)
{
    EXPECT("a\\b\tc\nd\re", "a\\\\b\\tc\\nd\\re");
    EXPECT("\0\x1f\x7f", "\\x00\\x1f\\x7f");
    EXPECT("\xc2\x80\xc2\xa0", "\\xc2\\x80\xc2\xa0"); /* a control, and a no-break space */
    EXPECT("\xff\xc3", "\\xff\\xc3");                 /* never in UTF-8; cut short */
    EXPECT("\xc0\xaf\xe0\x80\xaf", "\\xc0\\xaf\\xe0\\x80\\xaf"); /* longer than needed */
    EXPECT("\xed\xa0\x80", "\\xed\\xa0\\x80");                   /* half of a surrogate pair */
    EXPECT("\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80");          /* beyond the last character */
}

static void any_bytes_come_back(void **state)
{
    struct rng rng = {7};

    print_message("seed 7\n");
    for (int round = 0; round < 5000; round++) {
        static const uint8_t likely[] = {0,    9,    10,   13,   '\\', 'x', 'a',
                                         0x7f, 0x80, 0xbf, 0xc2, 0xe2, 0xf0};
        uint8_t bytes[24];
        struct kee_bytes whole = kee_bytes_of(bytes, rng_below(&rng, sizeof bytes));
        struct kee_buf out = KEE_BUF_EMPTY;
        struct kee_buf back = KEE_BUF_EMPTY;
        size_t at;
        for (size_t i = 0; i < whole.size; i++) {
            bytes[i] =
                round % 2 == 0 ? likely[rng_below(&rng, sizeof likely)] : (uint8_t)rng_next(&rng);
        }
        kee_buf_put_escaped(&out, whole);
        for (size_t i = 0; i < out.size; i++) {
            assert_true(out.data[i] >= 0x20 && out.data[i] != 0x7f);
        }
        assert_null(kee_buf_put_unescaped(&back, kee_buf_bytes(&out), &at));
        assert_true(kee_bytes_equal(kee_buf_bytes(&back), whole));
        kee_buf_fini(&out);
        kee_buf_fini(&back);
    }
}

static void bad_escapes_are_found(void **state)
{
    static const struct {
        const char *text;
        size_t at;
    } cases[] = {{"ab\\", 2},  {"\\q", 0},   {"a\\x4", 1},
                 {"\\xG0", 0}, {"\\x4A", 0}, {"ok\\t\x01", 4}};

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct kee_buf out = KEE_BUF_EMPTY;
        size_t at;
        assert_non_null(kee_buf_put_unescaped(&out, kee_bytes_str(cases[i].text), &at));
        assert_int_equal(at, cases[i].at);
        kee_buf_fini(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(text_stands_for_itself),
        TEST(controls_and_other_bytes_are_escaped),
        TEST(any_bytes_come_back),
        TEST(bad_escapes_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
