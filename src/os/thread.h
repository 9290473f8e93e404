/* SPDX-License-Identifier: Apache-2.0 */
/* thread - one function on a thread of its own, and waiting for it. */
#ifndef KEE_OS_THREAD_H
#define KEE_OS_THREAD_H

struct kee_thread;

/* Starts fn(context). It receives no signals. */
int kee_thread_start(struct kee_thread **out, void (*fn)(void *context), void *context);
/* Waits until fn has returned, and frees. NULL is let pass. */
void kee_thread_join(struct kee_thread *thread);

#endif
