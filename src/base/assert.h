/* SPDX-License-Identifier: Apache-2.0 */
/*
 * assert - for what can only be false if we are wrong. On in every build; stops the process at once,
 * before anything is committed. What a vat, peer, user or file can cause is never an assertion.
 */
#ifndef KEE_BASE_ASSERT_H
#define KEE_BASE_ASSERT_H

#define kee_assert(condition)                                                                      \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            kee_assert_failed(#condition, __FILE__, __LINE__);                                     \
        }                                                                                          \
    } while (0)

_Noreturn void kee_assert_failed(const char *condition, const char *file, int line);

#endif
