/* SPDX-License-Identifier: Apache-2.0 */
/* output - see output.h. */
#include "os/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fault.h"
#include "os/blocking.h"

#define ROOM_BYTES (256u * 1024)

struct kee_output {
    int fd;
    struct kee_buf held;
    struct kee_buf path; /* empty for standard output */
    struct kee_buf part;
};

static void free_output(struct kee_output *output)
{
    if (output->fd >= 0 && output->path.size > 0) {
        (void)close(output->fd);
    }
    kee_buf_fini(&output->held);
    kee_buf_fini(&output->path);
    kee_buf_fini(&output->part);
    free(output);
}

int kee_output_open(struct kee_output **out, const char *path)
{
    struct kee_output *output = calloc(1, sizeof *output);

    if (output == NULL) {
        return kee_fault(KEE_FAULT_MEMORY, "an output");
    }
    output->fd = STDOUT_FILENO;
    if (path != NULL) {
        kee_buf_put_str(&output->path, path);
        kee_buf_printf(&output->part, "%s.part", path);
        if (kee_buf_status(&output->path) < 0 || kee_buf_status(&output->part) < 0) {
            output->fd = -1;
            free_output(output);
            return kee_fault(KEE_FAULT_MEMORY, "an output's path");
        }
        output->fd = open(kee_buf_cstr(&output->part),
                          O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR);
        if (output->fd < 0) {
            int error = errno;
            free_output(output);
            return kee_fault(KEE_FAULT_SYSTEM, "writing %s: %s", path, strerror(error));
        }
    }
    *out = output;
    return 0;
}

static int write_held(struct kee_output *output)
{
    int r = kee_fd_write_all(output->fd, kee_buf_bytes(&output->held));

    kee_buf_clear(&output->held);
    return r > 0 ? kee_fault(KEE_FAULT_SYSTEM, "writing: nobody reads any more") : r;
}

int kee_output_put(struct kee_output *output, struct kee_bytes bytes)
{
    int r;

    kee_buf_put_bytes(&output->held, bytes);
    r = kee_buf_status(&output->held);
    return r == 0 && output->held.size >= ROOM_BYTES ? write_held(output) : r;
}

int kee_output_finish(struct kee_output *output)
{
    int r = write_held(output);

    if (r == 0 && output->path.size > 0 &&
        (fsync(output->fd) < 0 ||
         rename(kee_buf_cstr(&output->part), kee_buf_cstr(&output->path)) < 0)) {
        r = kee_fault(KEE_FAULT_SYSTEM, "writing %s: %s", kee_buf_cstr(&output->path),
                      strerror(errno));
    }
    if (r < 0) {
        kee_output_abandon(output);
        return r;
    }
    free_output(output);
    return 0;
}

void kee_output_abandon(struct kee_output *output)
{
    if (output == NULL) {
        return;
    }
    if (output->path.size > 0) {
        (void)unlink(kee_buf_cstr(&output->part));
    }
    free_output(output);
}
