/* SPDX-License-Identifier: Apache-2.0 */
/* unix_socket - see unix_socket.h. */
#include "os/unix_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fault.h"

/* Hundreds of hosts may come back at once, and one there is no room for is refused, not kept waiting. */
#define CLIENTS_WAITING_MAX 4096

static int address_of(struct sockaddr_un *address, const char *path)
{
    if (strlen(path) >= sizeof address->sun_path) {
        return kee_fault(KEE_FAULT_SYSTEM,
                         "the socket path %s is too long: the system allows %zu bytes", path,
                         sizeof address->sun_path - 1);
    }
    memset(address, 0, sizeof *address);
    address->sun_family = AF_UNIX;
    memcpy(address->sun_path, path, strlen(path));
    return 0;
}

int kee_unix_listen(int *out, const char *path)
{
    struct sockaddr_un address;
    struct stat status;
    int fd, r;

    r = address_of(&address, path);
    if (r < 0) {
        return r;
    }
    if (lstat(path, &status) == 0) {
        if (!S_ISSOCK(status.st_mode)) {
            return kee_fault(KEE_FAULT_SYSTEM, "%s exists and is not a socket", path);
        }
        (void)unlink(path);
    }
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return kee_fault(KEE_FAULT_SYSTEM, "socket: %s", strerror(errno));
    }
    /* Nobody can connect before listen(), so the mode is right in time. */
    if (bind(fd, (const struct sockaddr *)&address, sizeof address) < 0 ||
        chmod(path, S_IRUSR | S_IWUSR) < 0 || listen(fd, CLIENTS_WAITING_MAX) < 0) {
        r = kee_fault(KEE_FAULT_SYSTEM, "listening at %s: %s", path, strerror(errno));
        (void)close(fd);
        return r;
    }
    *out = fd;
    return 0;
}

int kee_unix_accept(int *out, int listener)
{
    *out = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (*out >= 0 || errno == EAGAIN || errno == EINTR || errno == ECONNABORTED) {
        return 0;
    }
    return kee_fault(KEE_FAULT_SYSTEM, "accept: %s", strerror(errno));
}

int kee_unix_connect(int *out, const char *path)
{
    struct sockaddr_un address;
    int fd, r;

    r = address_of(&address, path);
    if (r < 0) {
        return r;
    }
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return kee_fault(KEE_FAULT_SYSTEM, "socket: %s", strerror(errno));
    }
    if (connect(fd, (const struct sockaddr *)&address, sizeof address) < 0) {
        int error = errno;
        (void)close(fd);
        *out = -1;
        if (error == ENOENT || error == ENOTDIR || error == ECONNREFUSED) {
            return 0;
        }
        return kee_fault(KEE_FAULT_SYSTEM, "connecting to %s: %s", path, strerror(error));
    }
    *out = fd;
    return 0;
}

static int pair(int out[2], int type, int send_bytes)
{
    if (socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, out) < 0) {
        return kee_fault(KEE_FAULT_SYSTEM, "socket pair: %s", strerror(errno));
    }
    /* Smaller buffers than asked for cost speed, not correctness. */
    for (int i = 0; i < 2 && send_bytes > 0; i++) {
        (void)setsockopt(out[i], SOL_SOCKET, SO_SNDBUF, &send_bytes, sizeof send_bytes);
    }
    if (fcntl(out[0], F_SETFL, O_NONBLOCK) < 0) {
        int r = kee_fault(KEE_FAULT_SYSTEM, "socket pair: %s", strerror(errno));
        (void)close(out[0]);
        (void)close(out[1]);
        return r;
    }
    return 0;
}

int kee_unix_pair(int out[2], int send_bytes)
{
    return pair(out, SOCK_STREAM, send_bytes);
}

int kee_unix_message_pair(int out[2])
{
    return pair(out, SOCK_SEQPACKET, 0);
}

int kee_unix_send_fd(int fd, struct kee_bytes message, int passed_fd, bool *sent)
{
    union {
        struct cmsghdr header;
        char room[CMSG_SPACE(sizeof(int))];
    } control = {.room = {0}};
    struct iovec part = {.iov_base = (void *)(uintptr_t)message.data, .iov_len = message.size};
    struct msghdr envelope = {.msg_iov = &part,
                              .msg_iovlen = 1,
                              .msg_control = control.room,
                              .msg_controllen = sizeof control.room};
    struct cmsghdr *header = CMSG_FIRSTHDR(&envelope);
    ssize_t n;

    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(header), &passed_fd, sizeof passed_fd);
    do {
        n = sendmsg(fd, &envelope, MSG_DONTWAIT | MSG_NOSIGNAL);
    } while (n < 0 && errno == EINTR);
    *sent = n >= 0;
    if (n >= 0 || errno == EAGAIN) {
        return 0;
    }
    return kee_fault(KEE_FAULT_SYSTEM, "passing a descriptor: %s", strerror(errno));
}

int kee_unix_receive(int fd, void *data, size_t room, long *size)
{
    ssize_t n;

    do {
        n = recv(fd, data, room, MSG_DONTWAIT);
    } while (n < 0 && errno == EINTR);
    *size = n;
    if (n >= 0 || errno == EAGAIN) {
        return 0;
    }
    if (errno == ECONNRESET) {
        *size = 0;
        return 0;
    }
    return kee_fault(KEE_FAULT_SYSTEM, "receiving: %s", strerror(errno));
}

bool kee_unix_wait_readable(int fd, int timeout_ms)
{
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
    int r;

    do {
        r = poll(&poll_fd, 1, timeout_ms);
    } while (r < 0 && errno == EINTR);
    return r == 1;
}

void kee_unix_close(int fd)
{
    if (fd >= 0) {
        (void)close(fd);
    }
}
