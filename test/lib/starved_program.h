/* SPDX-License-Identifier: Apache-2.0 */
/*
 * starved_program - the program keeve, run in a child of the test, with its n-th allocation failing.
 *
 * The test is linked from keeve's own objects with --wrap=malloc, --wrap=calloc, --wrap=realloc,
 * --wrap=main and --wrap=kee_terminal_columns. Started with words, the test is keeve itself and nothing
 * fails: so it runs the daemon that `keeve start` spawns. Started without, it is starved_test().
 */
#ifndef KEE_TEST_STARVED_PROGRAM_H
#define KEE_TEST_STARVED_PROGRAM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"

struct ended {
    int status; /* as wait() gives it */
    bool fired; /* an allocation failed */
    struct kee_buf out, err;
};

/* The test's main. */
int starved_test(void);

/* Once, before the others. */
void starved_begin(void);
/* words: "--home /tmp/x send ko1 greet", cut at blanks. columns: of the terminal that standard output is
 * said to be, 0 for none. nth: the allocation that fails, 0 for none. */
void starved_run(struct ended *out, const char *words, unsigned columns, uint64_t nth);
void starved_free(struct ended *ended);

/* What is wrong with a run in which memory ran out, beside a good one of the same words; NULL: nothing. It
 * may be as good, or fail with a sentence that says so, having written the beginning of what is good. */
const char *starved_wrong(const struct ended *good, const struct ended *now);
/* For comparing two runs that may differ in numbers, and in the blanks before them. */
void starved_forget_numbers(struct ended *ended);

#endif
