/* SPDX-License-Identifier: Apache-2.0 */
/*
 * canned_daemon - a child process behind a control socket that answers the first request of each
 * connection with lines of the test's own: docs/formats/control.md.
 */
#ifndef KEE_TEST_CANNED_DAEMON_H
#define KEE_TEST_CANNED_DAEMON_H

#include <sys/types.h>

struct canned_answer {
    const char *method;
    const char *lines; /* to the request 1, each with its end */
};

/* answers ends with a method of NULL and is kept. The child ends with this process, or when killed. */
pid_t canned_daemon_start(const char *home, const struct canned_answer *answers);

#endif
