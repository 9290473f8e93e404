/* SPDX-License-Identifier: Apache-2.0 */
/*
 * death - shows that an assertion fires: runs a function in a child process and checks that it ended
 * by abort() with the condition's text on its standard error.
 */
#ifndef KEE_TEST_DEATH_H
#define KEE_TEST_DEATH_H

#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* True if body ended the child by SIGABRT and said text (a part of the failed condition). */
static inline bool death_says(void (*body)(void), const char *text)
{
    char said[512];
    size_t size = 0;
    ssize_t n;
    int pipes[2], status = 0;
    pid_t child;

    if (pipe(pipes) != 0 || (child = fork()) < 0) {
        return false;
    }
    if (child == 0) {
        (void)dup2(pipes[1], STDERR_FILENO);
        (void)close(pipes[0]);
        body();
        _exit(0);
    }
    (void)close(pipes[1]);
    while (size < sizeof said - 1 &&
           (n = read(pipes[0], said + size, sizeof said - 1 - size)) > 0) {
        size += (size_t)n;
    }
    (void)close(pipes[0]);
    said[size] = 0;
    return waitpid(child, &status, 0) == child && WIFSIGNALED(status) &&
           WTERMSIG(status) == SIGABRT && strstr(said, text) != NULL;
}

#endif
