/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of vat/raw/text.h: either encoding comes in as capdata; what goes out is looked through. */
#include "cm.h"

#include <stdlib.h>

#include "base/limits.h"
#include "vat/raw/text.h"

/* count names with spaces between, as in a frame; the storage is the caller's to fini. */
static struct kee_vp_strings slots_of(struct kee_buf *hold, const char *names)
{
    struct kee_vp_strings slots = {.count = 0};
    struct kee_bytes rest = kee_bytes_str(names);

    while (rest.size > 0) {
        kee_vp_put_string(hold, kee_bytes_cut(&rest, ' '));
        slots.count++;
    }
    slots.raw = kee_buf_bytes(hold);
    return slots;
}

static void both_encodings_come_in_as_capdata(void **state)
{
    static const struct {
        const char *body, *slots, *text;
    } rows[] = {
        {"#[1,-2.5,\"a\",null,true]", "", "[1,-2.5,\"a\",null,true]"},
        {"#\"!!x\"", "", "\"!x\""},
        {"#[\"+7\",\"-7\"]", "",
         "[{\"@qclass\":\"bigint\",\"digits\":\"7\"},{\"@qclass\":\"bigint\",\"digits\":\"-7\"}]"},
        {"#[\"#undefined\",\"#NaN\",\"#Infinity\",\"#-Infinity\"]", "",
         "[{\"@qclass\":\"undefined\"},{\"@qclass\":\"NaN\"},{\"@qclass\":\"Infinity\"},"
         "{\"@qclass\":\"-Infinity\"}]"},
        {"#\"%@@asyncIterator\"", "", "{\"@qclass\":\"symbol\",\"name\":\"@@asyncIterator\"}"},
        {"#{\"#tag\":\"t\",\"payload\":[1]}", "",
         "{\"@qclass\":\"tagged\",\"payload\":[1],\"tag\":\"t\"}"},
        {"#{\"#error\":\"m\",\"name\":\"RangeError\",\"errorId\":\"e1\"}", "",
         "{\"@qclass\":\"error\",\"errorId\":\"e1\",\"message\":\"m\",\"name\":\"RangeError\"}"},
        {"#{\"@qclass\":1}", "", "{\"@qclass\":\"hilbert\",\"original\":1}"},
        {"#{\"a\":2,\"@qclass\":1}", "",
         "{\"@qclass\":\"hilbert\",\"original\":1,\"rest\":{\"a\":2}}"},
        /* The same vref twice, and a slot that nothing names: indices stay. */
        {"#[\"$2.Alleged: x\",\"&1\"]", "o-50 p-60 o-50",
         "[{\"@qclass\":\"slot\",\"iface\":\"Alleged: x\",\"index\":2},"
         "{\"@qclass\":\"slot\",\"index\":1}]"},
        {"{\"@qclass\":\"slot\",\"index\":0}", "o+3", "{\"@qclass\":\"slot\",\"index\":0}"},
        {"[{\"@qclass\":\"bigint\",\"digits\":\"7\"},\"+7\"]", "",
         "[{\"@qclass\":\"bigint\",\"digits\":\"7\"},\"+7\"]"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct kee_buf hold = KEE_BUF_EMPTY, text = KEE_BUF_EMPTY, why = KEE_BUF_EMPTY;
        struct kee_vp_capdata data = {kee_bytes_str(rows[i].body), slots_of(&hold, rows[i].slots)};
        assert_int_equal(kee_raw_read_data(data, &text, &why), 0);
        assert_string_equal(kee_buf_cstr(&text), rows[i].text);
        /* What came in can go out again, and means the same. */
        data.body = kee_buf_bytes(&text);
        assert_int_equal(kee_raw_check_data(data, &why), 0);
        kee_buf_fini(&hold);
        kee_buf_fini(&text);
        kee_buf_fini(&why);
    }
}

static void what_is_no_body_is_bad(void **state)
{
    static const struct {
        const char *body, *slots;
    } rows[] = {
        {"", ""},
        {"#", ""},
        {"{", ""},
        {"[1]x", ""},
        {"#\"$0\"", ""},
        {"#\"&0\"", "o-50"},
        {"{\"@qclass\":\"slot\",\"index\":1}", "o-50"},
        {"{\"@qclass\":\"nonsense\"}", ""},
        {"\"\xff\"", ""},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct kee_buf hold = KEE_BUF_EMPTY, text = KEE_BUF_EMPTY, why = KEE_BUF_EMPTY;
        struct kee_vp_capdata data = {kee_bytes_str(rows[i].body), slots_of(&hold, rows[i].slots)};
        assert_int_equal(kee_raw_read_data(data, &text, &why), KEE_RAW_BAD);
        assert_int_equal(kee_raw_check_data(data, &why), KEE_RAW_BAD);
        assert_true(why.size > 0);
        kee_buf_fini(&hold);
        kee_buf_fini(&text);
        kee_buf_fini(&why);
    }
}

static void depth_is_bounded(void **state)
{
    struct kee_buf body = KEE_BUF_EMPTY, text = KEE_BUF_EMPTY, why = KEE_BUF_EMPTY;
    struct kee_vp_capdata data = {.slots = {.count = 0}};

    for (unsigned i = 0; i < 100000; i++) {
        kee_buf_put_char(&body, '[');
    }
    for (unsigned i = 0; i < 100000; i++) {
        kee_buf_put_char(&body, ']');
    }
    data.body = kee_buf_bytes(&body);
    assert_int_equal(kee_raw_read_data(data, &text, &why), KEE_RAW_BAD);
    kee_buf_fini(&body);
    kee_buf_fini(&text);
    kee_buf_fini(&why);
}

static void a_message_has_a_method_and_arguments(void **state)
{
    static const struct {
        const char *body;
        int r;
        bool has_method;
        const char *method, *args;
    } rows[] = {
        {"#[\"foo\",[1,\"!!x\"]]", 0, true, "foo", "[1,\"!x\"]"},
        {"[\"#foo\",{\"a\":1}]", 0, true, "#foo", "{\"a\":1}"},
        {"#[\"\",[]]", 0, true, "", "[]"},
        {"#[\"#undefined\",[]]", 0, false, "", "[]"},
        {"#[null,[]]", 0, false, "", "[]"},
        {"#[\"%@@asyncIterator\",[]]", KEE_RAW_BAD, false, NULL, NULL},
        {"#[7,[]]", KEE_RAW_BAD, false, NULL, NULL},
        {"#[\"foo\"]", KEE_RAW_BAD, false, NULL, NULL},
        {"#[\"foo\",[],[]]", KEE_RAW_BAD, false, NULL, NULL},
        {"#7", KEE_RAW_BAD, false, NULL, NULL},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct kee_buf method = KEE_BUF_EMPTY, args = KEE_BUF_EMPTY, why = KEE_BUF_EMPTY;
        struct kee_vp_capdata data = {.body = kee_bytes_str(rows[i].body)};
        bool has_method = false;
        assert_int_equal(kee_raw_read_message(data, &has_method, &method, &args, &why), rows[i].r);
        if (rows[i].r == 0) {
            assert_int_equal(has_method, rows[i].has_method);
            assert_bytes_text(kee_buf_bytes(&method), rows[i].method);
            assert_bytes_text(kee_buf_bytes(&args), rows[i].args);
        } else {
            assert_true(why.size > 0);
        }
        kee_buf_fini(&method);
        kee_buf_fini(&args);
        kee_buf_fini(&why);
    }
}

static void one_text_cannot_be_made_two(void **state)
{
    struct kee_buf why = KEE_BUF_EMPTY;
    struct kee_vp_capdata data = {.body = KEE_BYTES_LIT("[\"foo\",[1],[2]]")};

    assert_int_equal(kee_raw_check_message(data, &why), KEE_RAW_BAD);
    data.body = KEE_BYTES_LIT("[\"foo\",[1]],[\"bar\",[]]");
    assert_int_equal(kee_raw_check_message(data, &why), KEE_RAW_BAD);
    data.body = KEE_BYTES_LIT("[\"foo\",[1]]");
    assert_int_equal(kee_raw_check_message(data, &why), 0);
    kee_buf_fini(&why);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(both_encodings_come_in_as_capdata),
        TEST(what_is_no_body_is_bad),
        TEST(depth_is_bounded),
        TEST(a_message_has_a_method_and_arguments),
        TEST(one_text_cannot_be_made_two),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
