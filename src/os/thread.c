/* SPDX-License-Identifier: Apache-2.0 */
/* thread - see thread.h. */
#include "os/thread.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/fault.h"

struct kee_thread {
    pthread_t id;
    void (*fn)(void *context);
    void *context;
};

static void *run(void *of)
{
    struct kee_thread *thread = of;

    thread->fn(thread->context);
    return NULL;
}

int kee_thread_start(struct kee_thread **out, void (*fn)(void *context), void *context)
{
    struct kee_thread *thread = calloc(1, sizeof *thread);
    sigset_t all, before;
    int error;

    if (thread == NULL) {
        return kee_fault(KEE_FAULT_MEMORY, "thread");
    }
    thread->fn = fn;
    thread->context = context;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before); /* a new thread inherits it */
    error = pthread_create(&thread->id, NULL, run, thread);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error != 0) {
        free(thread);
        return kee_fault(KEE_FAULT_SYSTEM, "thread: %s", strerror(error));
    }
    *out = thread;
    return 0;
}

void kee_thread_join(struct kee_thread *thread)
{
    if (thread != NULL) {
        (void)pthread_join(thread->id, NULL);
        free(thread);
    }
}
