/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of base/base64.h. */
#include "cm.h"

#include "base/base64.h"

static void decodes(const char *text, const char *expected)
{
    uint8_t out[64];
    size_t size = 0;

    assert_true(kee_base64_decode(out, &size, kee_bytes_str(text)));
    assert_true(size <= kee_base64_room(strlen(text)));
    assert_int_equal(size, strlen(expected));
    assert_memory_equal(out, expected, size);
}

static void refuses(const char *text, size_t where)
{
    uint8_t out[64];
    size_t size = 0;

    assert_false(kee_base64_decode(out, &size, kee_bytes_str(text)));
    assert_int_equal(size, where);
}

static void text_comes_back(void **state)
{
    decodes("", "");
    decodes("Zg==", "f");
    decodes("Zm8=", "fo");
    decodes("Zm9v", "foo");
    decodes("Zm9vYmFy", "foobar");
    decodes("Zg", "f"); /* padding may be missing */
    decodes("/+8+", "\xff\xef\x3e");
}

static void what_is_not_base64_is_shown(void **state)
{
    refuses("Zm9v!", 4);
    refuses("Zm 9v", 2);
    refuses("Z", 1); /* six bits make no byte */
    refuses("Zg===", 2);
    refuses("Z-_v", 1); /* another alphabet */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_comes_back),
        cmocka_unit_test(what_is_not_base64_is_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
