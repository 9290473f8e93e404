/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fault - the channel for failures of the world below us: memory, store, system.
 *
 * A fault is a negative int. It is never matched on, always passed up, each level adding a line of
 * context with kee_fault(). What someone outside asked for and we decline is an outcome (> 0), not a
 * fault. What can only happen if we are wrong is an assertion.
 *
 * Threads  the context lines live in the thread that failed (the one thread-local of the tree: a
 *          fault may be reported where no argument can carry its text, as in a full memory).
 */
#ifndef KEE_BASE_FAULT_H
#define KEE_BASE_FAULT_H

enum kee_fault_code {
    KEE_FAULT_MEMORY = -1,  /* an allocation failed */
    KEE_FAULT_STORE = -2,   /* the store could not read or write */
    KEE_FAULT_SYSTEM = -3,  /* a system call failed */
    KEE_FAULT_CORRUPT = -4, /* a stored row is not what its format says */
};

/* Adds a line of context and returns code unchanged. The first line is where the fault arose; if that
 * is want of memory, it says so. */
#define kee_fault(code, ...) (kee_fault_open(code), kee_fault_note(__VA_ARGS__), (code))

void kee_fault_open(int code);

/* How often memory was wanting in this thread: each fault of memory that arose, and each call of
 * kee_fault_starve(). A crank during which it grew may have lost a piece of what it built. */
unsigned long kee_fault_starved(void);
void kee_fault_starve(void);

/* What kee_fault() says, without its code: that the code is seen where it arises lets compiler and
 * analyzer know that a fault is never 0. */
void kee_fault_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The context of the last fault of this thread, innermost first, joined by "; in ". Never NULL. */
const char *kee_fault_text(void);

/* Forgets the context: called where a fault is finally handled. */
void kee_fault_clear(void);

#endif
