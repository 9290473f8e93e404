/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jail - gives up, for good, every right of this process that a worker does not need.
 *
 *   limits        address space, no new descriptor, no process, no core, no file bytes
 *   no_new_privs  nothing executed could gain rights
 *   filter        read write mmap (not executable) munmap mremap brk madvise clocks exit; anything
 *                 else ends the process with SIGSYS
 *
 * In force before a worker reads its first frame, so before it sees any code of a user.
 */
#ifndef KEE_VAT_ENGINE_JAIL_H
#define KEE_VAT_ENGINE_JAIL_H

#include <stdbool.h>

/* Bound on the address space of a worker: the range of its chunks, its slots at the largest heap
 * limit, the parser's buffers, the program. Each further vat of a process needs the first two. */
#define KEE_JAIL_ADDRESS_BYTES (4ull * 1024 * 1024 * 1024)
#define KEE_JAIL_VAT_BYTES (2ull * 1024 * 1024 * 1024)

/* The kernel has system call filters. */
bool kee_jail_available(void);

/* For a process of at most so many vats. 0, or a fault whose text says which step failed; the process is
 * then to end. */
int kee_jail_enter(unsigned vats_max);

/* Forks a child that enters the jail (unless jailed is false) and tries one of open, connect, fork,
 * exec. Prints one line to stdout. Returns the exit status: 0 denied, 1 allowed, 2 no such probe or
 * no jail. */
int kee_jail_probe(const char *what, bool jailed);

#endif
