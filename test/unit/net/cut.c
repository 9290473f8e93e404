/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of net/cut.h: lines and netstrings, cut at every place. */
#include "cm.h"

#include <stdio.h>
#include <stdlib.h>

#include "net/cut.h"

/* Shows input as it would come, in pieces that end at each of the cuts; gives texts, each with '|' behind,
 * and '!' with the reason if it was bad. Every piece is shown in memory of its own size. */
static void run(struct kee_buf *out, const char *input, size_t size, const size_t *cuts,
                size_t count, size_t text_max, enum kee_cut_kind kind)
{
    struct kee_cut cut;
    size_t from = 0;
    bool bad = false;

    kee_buf_clear(out);
    kee_cut_init(&cut, kind, text_max);
    for (size_t i = 0; i <= count && !bad; i++) {
        size_t to = i < count ? cuts[i] : size;
        uint8_t *shown = malloc(to - from + 1);
        struct kee_bytes rest = kee_bytes_of(shown, to - from), text;
        enum kee_cut_result result;

        assert_non_null(shown);
        memcpy(shown, input + from, to - from);
        while ((result = kee_cut_next(&cut, &rest, &text)) != KEE_CUT_MORE && !bad) {
            bad = result == KEE_CUT_BAD;
            if (bad) {
                kee_buf_printf(out, "!%s", cut.why);
            } else if (result == KEE_CUT_TEXT) {
                kee_buf_put_bytes(out, text);
                kee_buf_put_char(out, '|');
            }
        }
        from = to - rest.size;
        free(shown);
    }
}

/* Whatever pieces it comes in, it is the same. */
static void check(const char *input, size_t size, size_t text_max, const char *expected)
{
    struct kee_buf out = KEE_BUF_EMPTY;

    run(&out, input, size, NULL, 0, text_max, KEE_CUT_OPEN);
    assert_bytes_text(out, expected);
    for (size_t first = 0; first <= size; first++) {
        for (size_t second = first; second <= size; second++) {
            const size_t cuts[] = {first, second};
            run(&out, input, size, cuts, 2, text_max, KEE_CUT_OPEN);
            assert_bytes_text(out, expected);
        }
    }
    {
        size_t *all = calloc(size + 1, sizeof *all);
        assert_non_null(all);
        for (size_t i = 0; i < size; i++) {
            all[i] = i;
        }
        run(&out, input, size, all, size, text_max, KEE_CUT_OPEN);
        assert_bytes_text(out, expected);
        free(all);
    }
    kee_buf_fini(&out);
}

#define CHECK(input, text_max, expected) check(input, sizeof(input) - 1, text_max, expected)

static void lines_end_with_a_newline(void **state)
{
    (void)state;
    CHECK("{\"a\":1}\n[2]\n", 100, "{\"a\":1}|[2]|");
    CHECK("{}\r\n\n\r\n[]\nrest", 100, "{}|[]|");
    CHECK("\"h\xc3\xa9\xe2\x82\xac\"\n", 100, "\"h\xc3\xa9\xe2\x82\xac\"|");
}

static void netstrings_say_their_length(void **state)
{
    (void)state;
    CHECK("7:{\"a\":1},3:[2],", 100, "{\"a\":1}|[2]|");
    CHECK("0:,2:{},5:{}\n[]", 100, "|{}|");
    CHECK("4:\xe2\x82\xac.,1:", 100, "\xe2\x82\xac.|");
    /* A newline inside is text, as anything is. */
    CHECK("3:a\nb,", 100, "a\nb|");
}

static void what_is_too_long_is_said_early(void **state)
{
    (void)state;
    CHECK("12345\n123456\n", 5, "!expected a netstring: LENGTH:TEXT,");
    CHECK("{2345\n{23456\n", 5, "{2345|!a line is longer than this connection may send");
    CHECK("{2345\r\n{23456\r\n", 5, "{2345|!a line is longer than this connection may send");
    CHECK("5:12345,6:", 5, "12345|!a netstring is longer than this connection may send");
    CHECK("99999999999999999999:", 5, "!a netstring is longer than this connection may send");
}

static void a_malformed_netstring_ends_it(void **state)
{
    (void)state;
    CHECK("3:abc;", 100, "!a netstring does not end with a comma");
    CHECK("03:abc,", 100, "!a netstring's length begins with 0");
    CHECK("3;abc,", 100, "!expected a netstring: LENGTH:TEXT,");
    CHECK("3:abc,{}\n", 100, "abc|!expected a netstring: LENGTH:TEXT,");
}

static void what_is_no_utf_8_is_not_shown(void **state)
{
    static const char *const wrong[] = {"\xff",     "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80",
                                        "\xe2\x82", "\x80"};

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char text[32];
        int size = snprintf(text, sizeof text, "{}\n{%s}\n[]\n", wrong[i]);
        check(text, (size_t)size, 100, "{}|!a text is not UTF-8");
        size = snprintf(text, sizeof text, "%zu:{%s},", strlen(wrong[i]) + 2, wrong[i]);
        check(text, (size_t)size, 100, "!a text is not UTF-8");
    }
}

static void what_is_sent_goes_the_way_of_what_came(void **state)
{
    uint8_t head[KEE_CUT_HEAD_BYTES];
    struct kee_cut cut;

    (void)state;
    kee_cut_init(&cut, KEE_CUT_NETSTRINGS, 10);
    assert_int_equal(kee_cut_put_head(&cut, head, 1234), 5);
    assert_memory_equal(head, "1234:", 5);
    assert_bytes_text(kee_cut_tail(&cut), ",");
    kee_cut_init(&cut, KEE_CUT_OPEN, 10);
    assert_int_equal(kee_cut_put_head(&cut, head, 1234), 0);
    assert_bytes_text(kee_cut_tail(&cut), "\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(lines_end_with_a_newline),       TEST(netstrings_say_their_length),
        TEST(what_is_too_long_is_said_early), TEST(a_malformed_netstring_ends_it),
        TEST(what_is_no_utf_8_is_not_shown),  TEST(what_is_sent_goes_the_way_of_what_came),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
