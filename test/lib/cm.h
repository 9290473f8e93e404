/* SPDX-License-Identifier: Apache-2.0 */
/* cm - cmocka with the headers it wants before it, and what the tests share. */
#ifndef KEE_TEST_CM_H
#define KEE_TEST_CM_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* thing has data and size (struct kee_bytes, struct kee_buf); text is a C string. */
#define assert_bytes_text(thing, text)                                                             \
    do {                                                                                           \
        __auto_type seen_ = (thing);                                                               \
        assert_int_equal(seen_.size, strlen(text));                                                \
        if (seen_.size > 0) {                                                                      \
            assert_memory_equal(seen_.data, (text), seen_.size);                                   \
        }                                                                                          \
    } while (0)

/* For the table of tests in main: TEST(reads_back) names the function. */
#define TEST(function) cmocka_unit_test(function)

#endif
