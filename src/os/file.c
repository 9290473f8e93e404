/* SPDX-License-Identifier: Apache-2.0 */
/* file - see file.h. */
#include "os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fault.h"

static int unfit(struct kee_buf *why, const char *path, const char *text)
{
    kee_buf_printf(why, "%s: %s", path, text);
    return KEE_FILE_UNFIT;
}

static int read_all(int fd, const char *path, size_t size_max, struct kee_buf *out,
                    struct kee_buf *why)
{
    size_t start = out->size;
    ssize_t n;

    do {
        if (kee_buf_reserve(out, 64 * 1024) < 0) {
            return KEE_FAULT_MEMORY;
        }
        n = read(fd, out->data + out->size, 64 * 1024);
        if (n < 0 && errno != EINTR) {
            return unfit(why, path, strerror(errno));
        }
        out->size += n > 0 ? (size_t)n : 0;
        if (out->size - start > size_max) {
            kee_buf_printf(why, "%s: larger than the limit of %zu bytes", path, size_max);
            return KEE_FILE_UNFIT;
        }
    } while (n != 0);
    return 0;
}

/* Not blocking: opening a pipe nobody writes to must not stop the caller. */
#define READ_FLAGS (O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)

/* Closes fd, which is negative if the file could not be opened, unless it is fit. */
static int check_opened(int fd, const char *path, struct stat *status, struct kee_buf *why)
{
    int r;

    if (fd < 0) {
        int error = errno;
        (void)unfit(why, path, error == EXDEV ? "leads out of its directory" : strerror(error));
        return error == ENOENT ? KEE_FILE_ABSENT : KEE_FILE_UNFIT;
    }
    if (fstat(fd, status) == 0 && S_ISREG(status->st_mode)) {
        return 0;
    }
    r = unfit(why, path, S_ISDIR(status->st_mode) ? "is a directory" : "is not a regular file");
    (void)close(fd);
    return r;
}

/* Takes fd, which is negative if the file could not be opened. */
static int read_opened(int fd, const char *path, size_t size_max, struct kee_buf *out,
                       struct kee_buf *why)
{
    struct stat status = {0};
    int r = check_opened(fd, path, &status, why);

    if (r == 0) {
        r = read_all(fd, path, size_max, out, why);
        (void)close(fd);
    }
    return r;
}

int kee_file_read(const char *path, size_t size_max, struct kee_buf *out, struct kee_buf *why)
{
    return read_opened(open(path, READ_FLAGS), path, size_max, out, why);
}

int kee_file_open_directory(int *out, const char *path, struct kee_buf *why)
{
    int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0) {
        int error = errno;
        (void)unfit(why, path, strerror(error));
        return error == ENOENT ? KEE_FILE_ABSENT : KEE_FILE_UNFIT;
    }
    *out = fd;
    return 0;
}

static int open_beneath(int directory_fd, const char *name)
{
    const struct open_how how = {.flags = READ_FLAGS,
                                 .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};

    return (int)syscall(SYS_openat2, directory_fd, name, &how, sizeof how);
}

int kee_file_read_beneath(int directory_fd, const char *name, size_t size_max, struct kee_buf *out,
                          struct kee_buf *why)
{
    return read_opened(open_beneath(directory_fd, name), name, size_max, out, why);
}

int kee_file_open_beneath(int *out, uint64_t *size, int directory_fd, const char *name,
                          struct kee_buf *why)
{
    struct stat status = {0};
    int fd = open_beneath(directory_fd, name);
    int r = check_opened(fd, name, &status, why);

    if (r == 0) {
        *out = fd;
        *size = (uint64_t)status.st_size;
    }
    return r;
}

int kee_file_read_some(int fd, void *data, size_t room, size_t *size)
{
    ssize_t n;

    do {
        n = read(fd, data, room);
    } while (n < 0 && errno == EINTR);
    if (n < 0) {
        return kee_fault(KEE_FAULT_SYSTEM, "reading a file: %s", strerror(errno));
    }
    *size = (size_t)n;
    return 0;
}

int kee_file_open_read(int *out, const char *path, struct kee_buf *why)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

    if (fd < 0) {
        int error = errno;
        (void)unfit(why, path, strerror(error));
        return error == ENOENT ? KEE_FILE_ABSENT : KEE_FILE_UNFIT;
    }
    *out = fd;
    return 0;
}

int kee_file_open_regular(int *fd, const char *path, bool out, struct kee_buf *why)
{
    int flags =
        O_CLOEXEC | O_NOCTTY | O_NONBLOCK | (out ? O_WRONLY | O_CREAT | O_APPEND : O_RDONLY);
    int opened = open(path, flags, S_IRUSR | S_IWUSR);
    struct stat status;

    if (opened < 0) {
        int error = errno;
        (void)unfit(why, path, strerror(error));
        return error == ENOENT ? KEE_FILE_ABSENT : KEE_FILE_UNFIT;
    }
    if (fstat(opened, &status) < 0 || !S_ISREG(status.st_mode)) {
        (void)close(opened);
        return unfit(why, path, "it is no regular file");
    }
    *fd = opened;
    return 0;
}

int kee_file_write(const char *path, struct kee_bytes content)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR);
    int r = 0;

    if (fd < 0 || write(fd, content.data, content.size) != (ssize_t)content.size) {
        r = kee_fault(KEE_FAULT_SYSTEM, "writing %s: %s", path, strerror(errno));
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    return r;
}

void kee_file_remove(const char *path)
{
    (void)unlink(path);
}

int kee_file_absolute(const char *path, struct kee_buf *out)
{
    if (path[0] != '/') {
        char *directory = getcwd(NULL, 0);
        if (directory == NULL) {
            return kee_fault(KEE_FAULT_SYSTEM, "the working directory: %s", strerror(errno));
        }
        kee_buf_put_str(out, directory);
        kee_buf_put_char(out, '/');
        free(directory);
    }
    kee_buf_put_str(out, path);
    return kee_buf_status(out);
}

int kee_file_home(const char *path, struct kee_buf *why)
{
    struct stat status;

    if (mkdir(path, S_IRWXU) < 0 && errno != EEXIST) {
        kee_buf_printf(why, "cannot create the home directory %s: %s", path, strerror(errno));
        return KEE_FILE_UNFIT;
    }
    if (stat(path, &status) < 0) {
        return unfit(why, path, strerror(errno));
    }
    if (!S_ISDIR(status.st_mode)) {
        return unfit(why, path, "the home must be a directory, this is not one");
    }
    if (status.st_uid != geteuid()) {
        kee_buf_printf(why, "%s belongs to user %u, not to you (user %u); choose another home",
                       path, (unsigned)status.st_uid, (unsigned)geteuid());
        return KEE_FILE_UNFIT;
    }
    if ((status.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
        kee_buf_printf(why,
                       "%s has mode %04o: others could reach the vats' state; run: chmod 700 %s",
                       path, (unsigned)status.st_mode & 07777, path);
        return KEE_FILE_UNFIT;
    }
    return 0;
}

int kee_file_lock(int *out, const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR);
    int error;

    if (fd < 0) {
        return kee_fault(KEE_FAULT_SYSTEM, "lock file %s: %s", path, strerror(errno));
    }
    if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
        *out = fd;
        return 0;
    }
    error = errno;
    (void)close(fd);
    return error == EWOULDBLOCK
               ? KEE_FILE_UNFIT
               : kee_fault(KEE_FAULT_SYSTEM, "locking %s: %s", path, strerror(error));
}

int kee_file_open_log(int *out, const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR);

    if (fd < 0) {
        return kee_fault(KEE_FAULT_SYSTEM, "opening %s: %s", path, strerror(errno));
    }
    *out = fd;
    return 0;
}

size_t kee_file_size(int fd)
{
    struct stat status;

    return fstat(fd, &status) == 0 ? (size_t)status.st_size : 0;
}

int kee_file_rename(const char *from, const char *to)
{
    if (rename(from, to) < 0) {
        return kee_fault(KEE_FAULT_SYSTEM, "renaming %s: %s", from, strerror(errno));
    }
    return 0;
}

void kee_file_append(int fd, struct kee_bytes text)
{
    (void)!write(fd, text.data, text.size); /* a full disk must not stop the daemon's work */
}

void kee_file_close(int fd)
{
    (void)close(fd);
}

bool kee_file_is_executable(const char *path)
{
    struct stat status;

    return stat(path, &status) == 0 && S_ISREG(status.st_mode) && access(path, X_OK) == 0;
}
