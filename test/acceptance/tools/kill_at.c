/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kill_at - runs a program with all its processes, and kills the one that makes the N-th system call.
 *
 *   kill-at N [--after] [--lose DIR SHADOW] -- PROGRAM ARG...
 *
 * The call is counted over all threads of all processes, the zygote and the workers included. Killed
 * is the process whose thread makes it, before the call takes effect or, with --after, just after it.
 * With --lose, the power goes too: what the files of DIR held that had not been synced is lost. SHADOW
 * is an empty directory where the synced content of each file is kept meanwhile.
 *
 * Prints one line, "killed PID NAME syscall NUMBER", or "not reached COUNT". Ends when all have ended.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define THREADS_MAX 4096
#define PATH_BYTES 4096

struct thread {
    pid_t tid; /* 0: free */
    uint64_t call;
    uint64_t first_argument;
    bool doomed; /* dies at the end of its call */
};

struct tracer {
    uint64_t at;
    bool after;
    const char *dir; /* NULL without --lose */
    const char *shadow;
    uint64_t count;
    bool killed;
    struct thread threads[THREADS_MAX];
};

static _Noreturn void fail(const char *what)
{
    fprintf(stderr, "kill-at: %s: %s\n", what, strerror(errno));
    exit(3);
}

/* Copies a file whole; a source that is not there removes the copy. */
static void copy_file(const char *from, const char *to)
{
    static char room[1 << 16];
    int in = open(from, O_RDONLY | O_CLOEXEC);
    int out;
    ssize_t n;

    if (in < 0) {
        (void)unlink(to);
        return;
    }
    out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (out < 0) {
        fail(to);
    }
    while ((n = read(in, room, sizeof room)) > 0) {
        if (write(out, room, (size_t)n) != n) {
            fail(to);
        }
    }
    (void)close(in);
    (void)close(out);
}

/* Every regular file of one directory to the other; with prune, what the first lacks goes. */
static void copy_directory(const char *from, const char *to, bool prune)
{
    DIR *dir = opendir(prune ? to : from);
    struct dirent *entry;
    char source[PATH_BYTES];
    char target[PATH_BYTES];
    struct stat status;

    if (dir == NULL) {
        fail(from);
    }
    while ((entry = readdir(dir)) != NULL) {
        (void)snprintf(source, sizeof source, "%s/%s", from, entry->d_name);
        (void)snprintf(target, sizeof target, "%s/%s", to, entry->d_name);
        if (lstat(prune ? target : source, &status) == 0 && S_ISREG(status.st_mode)) {
            copy_file(source, target);
        }
    }
    (void)closedir(dir);
}

/* A file of DIR has been synced: its present content is what will be left. */
static void keep_synced(const struct tracer *tracer, pid_t tid, uint64_t fd)
{
    char link[64];
    char path[PATH_BYTES];
    char kept[2 * PATH_BYTES];
    size_t size = strlen(tracer->dir);
    ssize_t n;

    (void)snprintf(link, sizeof link, "/proc/%d/fd/%llu", tid, (unsigned long long)fd);
    n = readlink(link, path, sizeof path - 1);
    if (n < 0) {
        return;
    }
    path[n] = '\0';
    if (strncmp(path, tracer->dir, size) == 0 && path[size] == '/' &&
        strchr(path + size + 1, '/') == NULL) {
        (void)snprintf(kept, sizeof kept, "%s%s", tracer->shadow, path + size);
        copy_file(path, kept);
    }
}

static struct thread *thread_of(struct tracer *tracer, pid_t tid)
{
    struct thread *unused = NULL;

    for (size_t i = 0; i < THREADS_MAX; i++) {
        if (tracer->threads[i].tid == tid) {
            return &tracer->threads[i];
        }
        if (unused == NULL && tracer->threads[i].tid == 0) {
            unused = &tracer->threads[i];
        }
    }
    if (unused == NULL) {
        errno = ENOSPC;
        fail("threads");
    }
    *unused = (struct thread){.tid = tid};
    return unused;
}

static void kill_process_of(struct tracer *tracer, const struct thread *thread)
{
    char path[64];
    char line[256];
    char name[64] = "?";
    pid_t group = thread->tid;
    FILE *status;

    (void)snprintf(path, sizeof path, "/proc/%d/status", thread->tid);
    status = fopen(path, "re");
    while (status != NULL && fgets(line, sizeof line, status) != NULL) {
        if (strncmp(line, "Tgid:", 5) == 0) {
            group = (pid_t)strtol(line + 5, NULL, 10);
        }
        if (strncmp(line, "Name:\t", 6) == 0) {
            (void)snprintf(name, sizeof name, "%.*s", (int)strcspn(line + 6, "\n"), line + 6);
        }
    }
    if (status != NULL) {
        (void)fclose(status);
    }
    printf("killed %d %s syscall %llu\n", group, name, (unsigned long long)thread->call);
    (void)fflush(stdout);
    (void)kill(group, SIGKILL);
    tracer->killed = true;
}

static void on_call(struct tracer *tracer, pid_t tid)
{
    struct __ptrace_syscall_info info;
    struct thread *thread = thread_of(tracer, tid);

    if (ptrace(PTRACE_GET_SYSCALL_INFO, tid, sizeof info, &info) <= 0) {
        return; /* it is dying */
    }
    if (info.op == PTRACE_SYSCALL_INFO_ENTRY || info.op == PTRACE_SYSCALL_INFO_SECCOMP) {
        thread->call = info.entry.nr;
        thread->first_argument = info.entry.args[0];
        if (++tracer->count == tracer->at) {
            thread->doomed = tracer->after;
            if (!tracer->after) {
                kill_process_of(tracer, thread);
            }
        }
    } else if (info.op == PTRACE_SYSCALL_INFO_EXIT) {
        bool syncs = thread->call == SYS_fsync || thread->call == SYS_fdatasync;
        if (syncs && info.exit.rval == 0 && tracer->dir != NULL) {
            keep_synced(tracer, tid, thread->first_argument);
        }
        if (thread->doomed) {
            thread->doomed = false;
            kill_process_of(tracer, thread);
        }
    }
}

static void trace_all(struct tracer *tracer)
{
    int status;
    pid_t tid;

    while ((tid = waitpid(-1, &status, __WALL)) > 0 || errno == EINTR) {
        int deliver = 0;
        if (tid < 0) {
            continue;
        }
        if (WIFEXITED(status) || WIFSIGNALED(status)) {
            thread_of(tracer, tid)->tid = 0;
            continue;
        }
        if (WSTOPSIG(status) == (SIGTRAP | 0x80)) {
            on_call(tracer, tid);
        } else if (status >> 16 == 0 && WSTOPSIG(status) != SIGSTOP) {
            deliver = WSTOPSIG(status); /* the stops of ptrace itself are not passed on */
        }
        (void)ptrace(PTRACE_SYSCALL, tid, 0, deliver);
    }
}

static void start(char **argv)
{
    long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
                   PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL;
    int status;
    pid_t child = fork();

    if (child < 0) {
        fail("fork");
    }
    if (child == 0) {
        (void)ptrace(PTRACE_TRACEME, 0, 0, 0);
        (void)raise(SIGSTOP);
        (void)execv(argv[0], argv);
        _exit(127);
    }
    if (waitpid(child, &status, 0) != child || ptrace(PTRACE_SETOPTIONS, child, 0, options) < 0 ||
        ptrace(PTRACE_SYSCALL, child, 0, 0) < 0) {
        fail("ptrace");
    }
}

int main(int argc, char **argv)
{
    static struct tracer tracer;
    int i = 2;

    tracer.at = argc > 1 ? strtoull(argv[1], NULL, 10) : 0;
    if (i < argc && strcmp(argv[i], "--after") == 0) {
        tracer.after = true;
        i++;
    }
    if (i + 2 < argc && strcmp(argv[i], "--lose") == 0) {
        tracer.dir = argv[i + 1];
        tracer.shadow = argv[i + 2];
        i += 3;
    }
    if (i + 1 >= argc || strcmp(argv[i], "--") != 0) {
        fputs("usage: kill-at N [--after] [--lose DIR SHADOW] -- PROGRAM ARG...\n", stderr);
        return 2;
    }
    if (tracer.dir != NULL) {
        copy_directory(tracer.dir, tracer.shadow, false);
    }
    start(argv + i + 1);
    trace_all(&tracer);
    if (tracer.dir != NULL && tracer.killed) {
        copy_directory(tracer.shadow, tracer.dir, true);
    }
    if (!tracer.killed) {
        printf("not reached %llu\n", (unsigned long long)tracer.count);
    }
    return 0;
}
