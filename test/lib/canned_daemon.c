/* SPDX-License-Identifier: Apache-2.0 */
/* canned_daemon - see canned_daemon.h. */
#include "canned_daemon.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/assert.h"

static void serve(int fd, const struct canned_answer *answers)
{
    char text[65536];
    char quoted[64];
    size_t size = 0;
    ssize_t n;

    do {
        n = read(fd, text + size, sizeof text - 1 - size);
        size += n > 0 ? (size_t)n : 0;
    } while (n > 0 && memchr(text, '\n', size) == NULL && size < sizeof text - 1);
    text[size] = 0;
    for (; size > 0 && answers->method != NULL; answers++) {
        (void)snprintf(quoted, sizeof quoted, "\"method\":\"%s\"", answers->method);
        if (strstr(text, quoted) != NULL) {
            (void)!send(fd, answers->lines, strlen(answers->lines), MSG_NOSIGNAL);
            return;
        }
    }
}

pid_t canned_daemon_start(const char *home, const struct canned_answer *answers)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    pid_t parent = getpid();
    pid_t pid;

    kee_assert(listener >= 0);
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s/control.sock", home);
    kee_assert(bind(listener, (const struct sockaddr *)&address, sizeof address) == 0);
    kee_assert(listen(listener, 16) == 0);
    pid = fork();
    kee_assert(pid >= 0);
    if (pid > 0) {
        (void)close(listener);
        return pid;
    }
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    while (getppid() == parent) {
        int fd = accept(listener, NULL, NULL);
        if (fd >= 0) {
            serve(fd, answers);
            (void)close(fd);
        }
    }
    _exit(0);
}
