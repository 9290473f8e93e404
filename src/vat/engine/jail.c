/* SPDX-License-Identifier: Apache-2.0 */
/* jail - see jail.h. The filter is plain BPF: the list is short, and a library would allocate. */
#include "vat/engine/jail.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fault.h"

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#else
#error "the jail has no filter for this processor"
#endif

/* A sanitised program reserves terabytes of shadow and asks the system for more. */
#if defined(__SANITIZE_ADDRESS__)
#define SANITISED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITISED 1
#endif
#endif
#ifndef SANITISED
#define SANITISED 0
#endif

#define FIELD(name) ((uint32_t)offsetof(struct seccomp_data, name))
#define ALLOW(name)                                                                                \
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)SYS_##name, 0, 1),                               \
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

static const struct sock_filter filter[] = {
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, FIELD(arch)),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0),
    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, FIELD(nr)),
    ALLOW(read),
    ALLOW(write),
    ALLOW(munmap),
    ALLOW(mremap),
    ALLOW(brk),
    ALLOW(madvise),
    ALLOW(clock_gettime), /* where the kernel has no vDSO */
    ALLOW(gettimeofday),
    ALLOW(exit),
    ALLOW(exit_group),
    ALLOW(rt_sigreturn),
#if SANITISED
    ALLOW(futex),
    ALLOW(sched_yield),
    ALLOW(mprotect),
    ALLOW(sigaltstack),
    ALLOW(getpid),
    ALLOW(gettid),
    ALLOW(getrandom),
#endif
    /* mmap, if the third argument has no PROT_EXEC: the low half of the register is enough. */
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)SYS_mmap, 0, 3),
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, FIELD(args[2])),
    BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, PROT_EXEC, 1, 0),
    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
};

bool kee_jail_available(void)
{
    uint32_t action = SECCOMP_RET_KILL_PROCESS;
    return syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}

static int limit(int resource, rlim_t value, const char *name)
{
    const struct rlimit both = {.rlim_cur = value, .rlim_max = value};
    if (setrlimit(resource, &both) != 0) {
        return kee_fault(KEE_FAULT_SYSTEM, "jail: limit of %s: %s", name, strerror(errno));
    }
    return 0;
}

static int set_limits(uint64_t address_bytes)
{
    const struct sigaction ignore = {.sa_handler = SIG_IGN};
    int r = 0;
    /* A line for a log file is then lost; it does not end the worker. */
    sigaction(SIGXFSZ, &ignore, NULL);
    if (!SANITISED) {
        r = limit(RLIMIT_AS, address_bytes, "address space");
    }
    if (r == 0 && !SANITISED) {
        r = limit(RLIMIT_DATA, address_bytes, "data");
    }
    if (r == 0) {
        r = limit(RLIMIT_CORE, 0, "core");
    }
    if (r == 0) {
        r = limit(RLIMIT_FSIZE, 0, "file bytes");
    }
    if (r == 0) {
        r = limit(RLIMIT_NPROC, 0, "processes");
    }
    if (r == 0) {
        r = limit(RLIMIT_NOFILE, 0, "descriptors");
    }
    return r;
}

int kee_jail_enter(unsigned vats_max)
{
    const struct sock_fprog program = {
        .len = sizeof filter / sizeof filter[0],
        .filter = (struct sock_filter *)(uintptr_t)filter,
    };
    int r = set_limits(KEE_JAIL_ADDRESS_BYTES + (vats_max - 1) * KEE_JAIL_VAT_BYTES);
    if (r != 0) {
        return r;
    }
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
        return kee_fault(KEE_FAULT_SYSTEM, "jail: no_new_privs: %s", strerror(errno));
    }
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) != 0) {
        return kee_fault(KEE_FAULT_SYSTEM, "jail: system call filter: %s", strerror(errno));
    }
    return 0;
}

/* Probing: exit statuses of the child, told apart from any other end. */
enum { PROBE_ALLOWED = 40, PROBE_REFUSED = 41, PROBE_NO_JAIL = 42 };

static bool try_open(void)
{
    return open("/etc/passwd", O_RDONLY) >= 0;
}

static bool try_connect(void)
{
    return socket(AF_UNIX, SOCK_STREAM, 0) >= 0;
}

static bool try_fork(void)
{
    pid_t pid = fork();
    if (pid == 0) {
        _exit(0);
    }
    return pid > 0;
}

static bool try_exec(void)
{
    /* Returns only if it failed; the program started answers for us. */
    execl("/bin/sh", "sh", "-c", "exit 40", (char *)NULL);
    return false;
}

static const struct {
    const char *name;
    bool (*attempt)(void);
} probes[] = {
    {"open", try_open},
    {"connect", try_connect},
    {"fork", try_fork},
    {"exec", try_exec},
};

static int report_probe(const char *name, int status)
{
    if (WIFSIGNALED(status)) {
        printf("probe %s: denied (killed by SIG%s)\n", name, sigabbrev_np(WTERMSIG(status)));
        return 0;
    }
    switch (WEXITSTATUS(status)) {
    case PROBE_REFUSED:
        printf("probe %s: denied (the call failed)\n", name);
        return 0;
    case PROBE_ALLOWED:
        printf("probe %s: ALLOWED\n", name);
        return 1;
    default:
        printf("probe %s: no jail (status %d)\n", name, WEXITSTATUS(status));
        return 2;
    }
}

int kee_jail_probe(const char *what, bool jailed)
{
    size_t i = 0;
    int status = 0;
    pid_t pid;
    while (i < sizeof probes / sizeof probes[0] && strcmp(probes[i].name, what) != 0) {
        i++;
    }
    if (i == sizeof probes / sizeof probes[0]) {
        fprintf(stderr, "keeve-vat: no probe \"%s\"; there are open, connect, fork and exec\n",
                what);
        return 2;
    }
    pid = fork();
    if (pid < 0) {
        fprintf(stderr, "keeve-vat: cannot fork: %s\n", strerror(errno));
        return 2;
    }
    if (pid == 0) {
        if (jailed && kee_jail_enter(1) != 0) {
            fprintf(stderr, "keeve-vat: %s\n", kee_fault_text());
            _exit(PROBE_NO_JAIL);
        }
        _exit(probes[i].attempt() ? PROBE_ALLOWED : PROBE_REFUSED);
    }
    if (waitpid(pid, &status, 0) != pid) {
        fprintf(stderr, "keeve-vat: cannot wait: %s\n", strerror(errno));
        return 2;
    }
    return report_probe(what, status);
}
