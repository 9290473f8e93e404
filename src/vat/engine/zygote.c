/* SPDX-License-Identifier: Apache-2.0 */
/* zygote - see zygote.h. */
#include "vat/engine/zygote.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <malloc.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/limits.h"
#include "vat/engine/jail.h"
#include "vat/engine/shared.h"
#include "vat/engine/worker.h"
#include "vatproto/zygote.h"

/* The one descriptor of a worker, beside stderr. */
#define WORKER_FD 3

static int send_packet(int fd, const struct kee_buf *packet)
{
    ssize_t n;
    do {
        n = send(fd, packet->data, packet->size, MSG_NOSIGNAL);
    } while (n < 0 && errno == EINTR);
    return n == (ssize_t)packet->size ? 0 : -1;
}

static int send_ready(int fd, bool jailed)
{
    struct kee_buf packet = KEE_BUF_EMPTY;
    int r;
    kee_buf_put_u8(&packet, KEE_ZYGOTE_READY);
    kee_buf_put_u32(&packet, KEE_ZYGOTE_VERSION);
    kee_buf_put_u8(&packet, jailed ? 1 : 0);
    r = kee_buf_status(&packet) == 0 ? send_packet(fd, &packet) : -1;
    kee_buf_fini(&packet);
    return r;
}

static int send_forked(int fd, uint64_t number, pid_t pid, int error)
{
    struct kee_buf packet = KEE_BUF_EMPTY;
    int r;
    kee_buf_put_u8(&packet, KEE_ZYGOTE_FORKED);
    kee_buf_put_u64(&packet, number);
    kee_buf_put_u32(&packet, (uint32_t)pid);
    kee_buf_put_u32(&packet, (uint32_t)error);
    r = kee_buf_status(&packet) == 0 ? send_packet(fd, &packet) : -1;
    kee_buf_fini(&packet);
    return r;
}

struct request {
    uint64_t number;
    bool shared;
    int fd; /* -1 if none came */
};

/* 1 a request, 0 the daemon is gone, -1 nonsense. */
static int receive(int control_fd, struct request *out)
{
    uint8_t bytes[KEE_ZYGOTE_FORK_BYTES + 1];
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control;
    struct iovec vector = {.iov_base = bytes, .iov_len = sizeof bytes};
    struct msghdr message = {
        .msg_iov = &vector,
        .msg_iovlen = 1,
        .msg_control = control.bytes,
        .msg_controllen = sizeof control.bytes,
    };
    struct cmsghdr *header;
    ssize_t n;
    do {
        n = recvmsg(control_fd, &message, MSG_CMSG_CLOEXEC);
    } while (n < 0 && errno == EINTR);
    out->fd = -1;
    header = n <= 0 ? NULL : CMSG_FIRSTHDR(&message);
    if (header != NULL && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS) {
        memcpy(&out->fd, CMSG_DATA(header), sizeof out->fd);
    }
    if (n <= 0) {
        return 0;
    }
    if (n != KEE_ZYGOTE_FORK_BYTES || bytes[0] != KEE_ZYGOTE_FORK) {
        return -1;
    }
    memcpy(&out->number, bytes + 1, sizeof out->number);
    out->shared = bytes[9] != 0;
    return 1;
}

int kee_zygote_become_worker(struct kee_zygote *zygote, int fd, bool shared)
{
    int null_fd = open("/dev/null", O_RDWR);
    if (null_fd < 0 || dup2(null_fd, STDIN_FILENO) < 0 || dup2(null_fd, STDOUT_FILENO) < 0) {
        fprintf(stderr, "keeve-vat: /dev/null: %s\n", strerror(errno));
        return KEE_WORKER_FAULT;
    }
    if (fd != WORKER_FD && dup2(fd, WORKER_FD) < 0) {
        fprintf(stderr, "keeve-vat: descriptor %d: %s\n", fd, strerror(errno));
        return KEE_WORKER_FAULT;
    }
    close_range(WORKER_FD + 1, ~0u, 0);
    if (zygote->jailed && kee_jail_enter(shared ? KEE_LIMIT_SHARED_VATS : 1) != 0) {
        fprintf(stderr, "keeve-vat: %s\n", kee_fault_text());
        return KEE_WORKER_FAULT;
    }
    return shared ? kee_shared_run(&zygote->engine, zygote->image, WORKER_FD)
                  : kee_worker_run(&zygote->engine, WORKER_FD);
}

/* A plain clone: glibc's fork sets flags and calls the system again in the child, and could not make
 * the child the daemon's. */
static pid_t fork_for_parent(void)
{
    return (pid_t)syscall(SYS_clone, CLONE_PARENT | SIGCHLD, NULL, NULL, NULL, 0);
}

static int serve(struct kee_zygote *zygote, int control_fd, const struct request *request)
{
    pid_t pid = 0;
    int error = EBADF;
    if (request->fd >= 0) {
        pid = fork_for_parent();
        error = pid < 0 ? errno : 0;
        if (pid == 0) {
            _exit(kee_zygote_become_worker(zygote, request->fd, request->shared));
        }
        close(request->fd);
    }
    return send_forked(control_fd, request->number, pid < 0 ? 0 : pid, error);
}

int kee_zygote_run(struct kee_zygote *zygote, int control_fd)
{
    struct request request;
    int r;
    malloc_trim(0);
    if (send_ready(control_fd, zygote->jailed) != 0) {
        return 0; /* the daemon is gone already */
    }
    while ((r = receive(control_fd, &request)) > 0) {
        if (serve(zygote, control_fd, &request) != 0) {
            return 0;
        }
    }
    if (r < 0) {
        fprintf(stderr, "keeve-vat: the daemon sent a malformed request\n");
        return 1;
    }
    return 0;
}
