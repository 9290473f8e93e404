/* SPDX-License-Identifier: Apache-2.0 */
/* process - a worker that has its process to itself; see worker.h. */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/fault.h"
#include "vat/engine/descriptor.h"
#include "vat/engine/worker.h"

static void read_some(void *context, struct kee_buf *in)
{
    if (!kee_descriptor_read(*(int *)context, in)) {
        _exit(KEE_WORKER_CLOSED);
    }
}

static void write_all(void *context, struct kee_bytes frames)
{
    if (!kee_descriptor_write(*(int *)context, frames)) {
        _exit(KEE_WORKER_CLOSED);
    }
}

/* exit_group is all the jail has left; buffers of stdio are not ours. */
static _Noreturn void leave(void *context, int status, const char *why)
{
    (void)context;
    if (why != NULL) {
        fprintf(stderr, "keeve-vat: %s\n", why);
    }
    _exit(status);
}

int kee_worker_run(struct kee_engine **engine, int fd)
{
    const struct kee_worker_link link = {
        .context = &fd, .read = read_some, .write = write_all, .leave = leave};
    struct kee_worker *worker = NULL;
    if (kee_worker_new(&worker, engine, &link) != 0) {
        fprintf(stderr, "keeve-vat: %s\n", kee_fault_text());
        return KEE_WORKER_FAULT;
    }
    for (;;) {
        kee_worker_fill(worker);
        kee_worker_work(worker);
    }
}
