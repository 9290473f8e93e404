/* SPDX-License-Identifier: Apache-2.0 */
/* process - see process.h. */
#include "os/process.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/fault.h"

extern char **environ;

/* Between fork and exec. Reports errno through report and ends if anything fails. */
static _Noreturn void become(const struct kee_spawn *spawn, pid_t parent, int report)
{
    static char *const no_environment[] = {NULL};
    sigset_t none;
    int error;

    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)signal(SIGPIPE, SIG_DFL);
    if (spawn->dies_with_us) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent) {
            _exit(1); /* we were gone before the request was in force */
        }
    }
    if (spawn->own_group) {
        (void)setpgid(0, 0);
    }
    if (spawn->detached) {
        int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
        (void)setsid();
        if (null_fd < 0 || dup2(null_fd, STDIN_FILENO) < 0 || dup2(null_fd, STDOUT_FILENO) < 0 ||
            chdir("/") < 0) {
            goto failed;
        }
    }
    if (spawn->stderr_fd >= 0 &&
        (dup2(spawn->stderr_fd, STDERR_FILENO) < 0 || dup2(spawn->stderr_fd, STDOUT_FILENO) < 0)) {
        goto failed;
    }
    if (spawn->pass_fd >= 0 && fcntl(spawn->pass_fd, F_SETFD, 0) < 0) {
        goto failed;
    }
    /* A program of ours reads nothing from its environment; only a detached daemon keeps it. */
    (void)execve(spawn->program, (char *const *)(const void *)spawn->argv,
                 spawn->detached ? environ : no_environment);
failed:
    error = errno;
    (void)!write(report, &error, sizeof error);
    _exit(127);
}

int kee_process_spawn(pid_t *out, const struct kee_spawn *spawn)
{
    pid_t parent = getpid();
    int report[2], error = 0;
    ssize_t n;
    pid_t pid;

    if (pipe2(report, O_CLOEXEC) < 0) {
        return kee_fault(KEE_FAULT_SYSTEM, "pipe: %s", strerror(errno));
    }
    pid = fork();
    if (pid == 0) {
        become(spawn, parent, report[1]);
    }
    error = pid < 0 ? errno : 0;
    (void)close(report[1]);
    if (pid > 0) {
        do {
            n = read(report[0], &error, sizeof error);
        } while (n < 0 && errno == EINTR);
    }
    (void)close(report[0]);
    if (error != 0) {
        if (pid > 0) {
            (void)waitpid(pid, NULL, 0);
        }
        return kee_fault(KEE_FAULT_SYSTEM, "starting %s: %s", spawn->program, strerror(error));
    }
    *out = pid;
    return 0;
}

/* What one says before it serves or ends is a few lines. */
#define SAID_BYTES_MAX 65536

static void hear(int fd, struct kee_buf *said, int timeout_ms)
{
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
    char text[4096];
    ssize_t n = 1;

    while (n > 0 && said->size < SAID_BYTES_MAX && poll(&poll_fd, 1, timeout_ms) == 1) {
        n = read(fd, text, sizeof text);
        kee_buf_put(said, text, n > 0 ? (size_t)n : 0);
    }
}

int kee_process_spawn_heard(pid_t *out, const struct kee_spawn *spawn, struct kee_buf *said,
                            int timeout_ms)
{
    struct kee_spawn child = *spawn;
    int ends[2];
    int r;

    if (pipe2(ends, O_CLOEXEC) < 0) {
        return kee_fault(KEE_FAULT_SYSTEM, "pipe: %s", strerror(errno));
    }
    child.stderr_fd = ends[1];
    r = kee_process_spawn(out, &child);
    (void)close(ends[1]);
    if (r == 0) {
        hear(ends[0], said, timeout_ms);
    }
    (void)close(ends[0]);
    return r;
}

pid_t kee_process_ended_in_group(pid_t group)
{
    siginfo_t info = {0};

    if (waitid(P_PGID, (id_t)group, &info, WEXITED | WNOHANG | WNOWAIT) < 0) {
        return -1;
    }
    return info.si_pid;
}

int kee_process_watch_fd(int *out, pid_t pid)
{
    int fd = (int)syscall(SYS_pidfd_open, pid, 0);

    *out = fd;
    if (fd >= 0 || errno == ESRCH) {
        return 0;
    }
    return kee_fault(KEE_FAULT_SYSTEM, "watching process %d: %s", (int)pid, strerror(errno));
}

void kee_process_kill(pid_t pid)
{
    if (pid > 0) {
        (void)kill(pid, SIGKILL);
    }
}

void kee_process_wait(pid_t pid)
{
    int status;

    while (waitpid(pid, &status, __WALL) < 0 && errno == EINTR) {
    }
}

bool kee_process_wait_gone(pid_t pid, int timeout_ms)
{
    struct pollfd poll_fd;
    int r;

    if (kee_process_watch_fd(&poll_fd.fd, pid) < 0 || poll_fd.fd < 0) {
        return true;
    }
    poll_fd.events = POLLIN;
    r = poll(&poll_fd, 1, timeout_ms);
    (void)close(poll_fd.fd);
    return r == 1;
}

static void put_reason(struct kee_buf *out, int status)
{
    if (WIFSIGNALED(status)) {
        int number = WTERMSIG(status);
        const char *name = sigabbrev_np(number);
        if (number == SIGSYS) {
            kee_buf_put_str(out, "made a forbidden system call");
            return;
        }
        kee_buf_printf(out, "was killed by signal %d (SIG%s)", number, name == NULL ? "?" : name);
        return;
    }
    kee_buf_printf(out, "exited with status %d", WEXITSTATUS(status));
}

bool kee_process_reap(pid_t pid, struct kee_buf *why)
{
    int status = 0;
    pid_t r;

    do {
        r = waitpid(pid, &status, WNOHANG | __WALL);
    } while (r < 0 && errno == EINTR);
    if (r > 0) {
        put_reason(why, status);
    } else if (r < 0) {
        kee_buf_put_str(why, "ended"); /* not ours any more: there is nothing to learn */
    }
    return r != 0;
}

pid_t kee_process_self(void)
{
    return getpid();
}

int kee_process_self_path(struct kee_buf *out)
{
    char path[4096];
    ssize_t size = readlink("/proc/self/exe", path, sizeof path);

    if (size < 0 || (size_t)size == sizeof path) {
        return kee_fault(KEE_FAULT_SYSTEM, "the path of the running program: %s",
                         size < 0 ? strerror(errno) : "too long");
    }
    kee_buf_put(out, path, (size_t)size);
    return kee_buf_status(out);
}

int kee_process_code_path(const void *function, struct kee_buf *out)
{
    Dl_info info;

    if (dladdr(function, &info) == 0 || info.dli_fname == NULL) {
        return kee_fault(KEE_FAULT_SYSTEM, "the file that a function is in is not known");
    }
    /* Of the program itself only the name it was called by is given. */
    if (strchr(info.dli_fname, '/') == NULL) {
        return kee_process_self_path(out);
    }
    kee_buf_put_str(out, info.dli_fname);
    return kee_buf_status(out);
}

bool kee_process_can_jail(void)
{
    unsigned action = SECCOMP_RET_KILL_PROCESS;

    return syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}

void kee_process_redirect_errors(int fd)
{
    (void)dup2(fd, STDERR_FILENO);
    (void)dup2(fd, STDOUT_FILENO);
}

void kee_process_raise_file_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

void kee_process_ignore_broken_pipes(void)
{
    (void)signal(SIGPIPE, SIG_IGN);
}

int kee_process_core(void)
{
    int core = sched_getcpu();

    return core < 0 ? 0 : core;
}

void kee_process_bind(pid_t pid, int core)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    for (int i = 0; i < CPU_SETSIZE; i++) {
        if (core < 0 || i == core) {
            CPU_SET(i, &set); /* the system leaves out what it does not have */
        }
    }
    (void)sched_setaffinity(pid, sizeof set, &set);
}

void kee_process_set_utc(void)
{
    (void)setenv("TZ", "UTC0", 1); /* tidy: allow banned (the C library asks there) */
    tzset();
}
