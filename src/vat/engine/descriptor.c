/* SPDX-License-Identifier: Apache-2.0 */
/* descriptor - see descriptor.h. */
#include "vat/engine/descriptor.h"

#include <errno.h>
#include <unistd.h>

#define READ_BYTES ((size_t)64 * 1024)

bool kee_descriptor_read(int fd, struct kee_buf *in)
{
    ssize_t n;
    if (kee_buf_reserve(in, READ_BYTES) != 0) {
        return true;
    }
    do {
        n = read(fd, in->data + in->size, in->room - in->size);
    } while (n < 0 && errno == EINTR);
    if (n > 0) {
        in->size += (size_t)n;
    }
    return n > 0;
}

bool kee_descriptor_write(int fd, struct kee_bytes bytes)
{
    size_t done = 0;
    while (done < bytes.size) {
        ssize_t n = write(fd, bytes.data + done, bytes.size - done);
        if (n < 0 && errno != EINTR) {
            return false;
        }
        done += n > 0 ? (size_t)n : 0;
    }
    return true;
}
