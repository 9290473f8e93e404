/* SPDX-License-Identifier: Apache-2.0 */
/*
 * process - programs started by us, and how they end.
 *
 * A process is named by its pid until it has been waited for; watching its pidfd tells when.
 */
#ifndef KEE_OS_PROCESS_H
#define KEE_OS_PROCESS_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/bytes.h"

struct kee_spawn {
    const char *program;     /* a path, not searched for */
    const char *const *argv; /* ends with NULL */
    int pass_fd;             /* stays open in the child under the same number; -1 for none */
    int stderr_fd;           /* becomes the child's stdout and stderr; -1 keeps ours */
    bool dies_with_us;       /* the system kills it when this process ends, however it ends */
    bool own_group;          /* a process group of its own, named by its pid */
    bool detached;           /* a session of its own, standard input empty, directory "/" */
};

/* Gives the pid. A program that cannot be executed is a fault here, with the reason. */
int kee_process_spawn(pid_t *out, const struct kee_spawn *spawn);

/* The same, with the child's stdout and stderr as a pipe that is read into said until it is closed, at
 * most timeout_ms. Without memory for what is said the child lives all the same: kee_buf_status(said). */
int kee_process_spawn_heard(pid_t *out, const struct kee_spawn *spawn, struct kee_buf *said,
                            int timeout_ms);

/* A descriptor that becomes readable when the process has ended. *out = -1 if there is none. */
int kee_process_watch_fd(int *out, pid_t pid);
void kee_process_kill(pid_t pid);
/* If the child has ended: true, the pid is free, and how it ended is appended to why, for people:
 * "exited with status 3", "was killed by signal 9 (SIGKILL)". Does not wait. */
bool kee_process_reap(pid_t pid, struct kee_buf *why);
/* A child of ours in that group that has ended and was not waited for: its pid, else 0; -1 if no child
 * of ours is in the group any more. Does not wait for it. */
pid_t kee_process_ended_in_group(pid_t group);
/* Waits for a child that was killed. */
void kee_process_wait(pid_t pid);
/* Waits until a process, not need be a child, is gone; false after timeout_ms. */
bool kee_process_wait_gone(pid_t pid, int timeout_ms);

/* The core this thread runs on now. */
int kee_process_core(void);
/* Keeps a process's first thread (pid 0: this thread) on one core; core -1 lets it go anywhere again. Not
 * being allowed to is no fault: it goes on where it is. */
void kee_process_bind(pid_t pid, int core);
pid_t kee_process_self(void);
/* The path of the running program. */
int kee_process_self_path(struct kee_buf *out);
/* The path of the file that a function is in: this program, or a shared library of it. */
int kee_process_code_path(const void *function, struct kee_buf *out);
/* The system can confine a process by a filter of its system calls. */
bool kee_process_can_jail(void);
/* The standard error of this process goes to fd from now on. */
void kee_process_redirect_errors(int fd);
/* As many descriptors as the system allows us without asking anyone. */
void kee_process_raise_file_limit(void);
/* Local time is UTC from now on, as it is in workers. */
void kee_process_set_utc(void);
/* A write to a peer that is gone is an error, not a signal. */
void kee_process_ignore_broken_pipes(void);

#endif
