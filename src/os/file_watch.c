/* SPDX-License-Identifier: Apache-2.0 */
/* file_watch - see watch.h. On inotify; names of files are kept with the watch of their directory. */
#include "os/file_watch.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/fault.h"

struct watched {
    struct watched *next;
    int directory; /* inotify's number */
    char name[];
};

struct kee_file_watch {
    int fd;
    struct watched *files;
};

int kee_file_watch_new(struct kee_file_watch **out)
{
    struct kee_file_watch *watch = calloc(1, sizeof *watch);
    if (watch == NULL) {
        return kee_fault(KEE_FAULT_MEMORY, "watching files");
    }
    watch->fd = inotify_init1(IN_CLOEXEC);
    if (watch->fd < 0) {
        free(watch);
        return kee_fault(KEE_FAULT_SYSTEM, "watching files: %s", strerror(errno));
    }
    *out = watch;
    return 0;
}

void kee_file_watch_free(struct kee_file_watch *watch)
{
    if (watch == NULL) {
        return;
    }
    while (watch->files != NULL) {
        struct watched *next = watch->files->next;
        free(watch->files);
        watch->files = next;
    }
    (void)close(watch->fd);
    free(watch);
}

int kee_file_watch_add(struct kee_file_watch *watch, const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash == NULL ? path : slash + 1;
    struct kee_buf directory = KEE_BUF_EMPTY;
    struct watched *file;
    const char *text;
    size_t size;
    int number;

    kee_buf_put(&directory, slash == NULL ? "./" : path, slash == NULL ? 2 : (size_t)(name - path));
    text = kee_buf_cstr(&directory);
    if (text == NULL) {
        kee_buf_fini(&directory);
        return KEE_FAULT_MEMORY;
    }
    number = inotify_add_watch(watch->fd, text,
                               IN_CLOSE_WRITE | IN_MOVED_TO | IN_DELETE | IN_MOVED_FROM);
    kee_buf_fini(&directory);
    if (number < 0) {
        return 1;
    }
    size = strlen(name) + 1;
    file = malloc(sizeof *file + size);
    if (file == NULL) {
        return kee_fault(KEE_FAULT_MEMORY, "watching files");
    }
    file->directory = number;
    memcpy(file->name, name, size);
    file->next = watch->files;
    watch->files = file;
    return 0;
}

static bool is_watched(const struct kee_file_watch *watch, const struct inotify_event *event)
{
    const struct watched *file = watch->files;
    while (file != NULL && (file->directory != event->wd || event->len == 0 ||
                            strcmp(file->name, event->name) != 0)) {
        file = file->next;
    }
    return file != NULL || (event->mask & IN_Q_OVERFLOW) != 0;
}

/* One read; 1 if a watched file is in it, 0 if not, <0 fault. */
static int take_events(struct kee_file_watch *watch)
{
    _Alignas(struct inotify_event) char events[16384];
    ssize_t n = read(watch->fd, events, sizeof events);
    int found = 0;

    if (n < 0 && errno != EINTR) {
        return kee_fault(KEE_FAULT_SYSTEM, "watching files: %s", strerror(errno));
    }
    for (ssize_t at = 0; at < n;) {
        const struct inotify_event *event = (const void *)(events + at);
        found |= is_watched(watch, event) ? 1 : 0;
        at += (ssize_t)(sizeof *event + event->len);
    }
    return found;
}

int kee_file_watch_wait(struct kee_file_watch *watch, int settle_ms)
{
    struct pollfd poll_fd = {.fd = watch->fd, .events = POLLIN};
    int r = 0;

    while (r == 0) {
        r = take_events(watch);
    }
    while (r > 0 && poll(&poll_fd, 1, settle_ms) > 0) {
        r = take_events(watch) < 0 ? -1 : 1;
    }
    return r < 0 ? r : 0;
}
