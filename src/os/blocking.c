/* SPDX-License-Identifier: Apache-2.0 */
/* blocking - see blocking.h. */
#include "os/blocking.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fault.h"

static ssize_t write_some(int fd, struct kee_bytes bytes)
{
    ssize_t n = send(fd, bytes.data, bytes.size, MSG_NOSIGNAL);

    return n < 0 && errno == ENOTSOCK ? write(fd, bytes.data, bytes.size) : n;
}

static bool is_gone(int error)
{
    return error == EPIPE || error == ECONNRESET;
}

int kee_fd_write_all(int fd, struct kee_bytes bytes)
{
    while (bytes.size > 0) {
        ssize_t n = write_some(fd, bytes);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0 && is_gone(errno)) {
            return KEE_FD_GONE;
        }
        if (n < 0) {
            return kee_fault(KEE_FAULT_SYSTEM, "writing: %s", strerror(errno));
        }
        bytes = kee_bytes_of(bytes.data + n, bytes.size - (size_t)n);
    }
    return 0;
}

int kee_fd_read(int fd, uint8_t *out, size_t size, size_t *n)
{
    ssize_t got;

    do {
        got = read(fd, out, size);
    } while (got < 0 && errno == EINTR);
    if (got < 0 && is_gone(errno)) {
        return KEE_FD_GONE;
    }
    if (got < 0) {
        return kee_fault(KEE_FAULT_SYSTEM, "reading: %s", strerror(errno));
    }
    *n = (size_t)got;
    return 0;
}

void kee_fd_close(int fd)
{
    if (fd >= 0) {
        (void)close(fd);
    }
}
