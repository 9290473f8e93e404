/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zygote - what the daemon and `keeve-vat --zygote FD` say to each other. Version 1.
 *
 * FD is one end of a SOCK_SEQPACKET pair: one message is one packet, numbers are little-endian.
 *
 *   zygote to daemon, first and once, when it can fork
 *     READY   u8 1 | u32 version | u8 jailed (1: every worker is confined before it sees user code)
 *   daemon to zygote
 *     FORK    u8 2 | u64 number      with one descriptor (SCM_RIGHTS): the worker's end of its frames
 *   zygote to daemon, one for each FORK, in order
 *     FORKED  u8 3 | u64 number | u32 pid | u32 errno      (pid 0: there is no worker, errno says why)
 *
 * Workers are children of the daemon (CLONE_PARENT, exit signal SIGCHLD), which waits for them. The
 * zygote closes its copy of the descriptor before it answers. It exits with status 0 when the daemon's
 * end is closed; workers exit when theirs is. Options after FD: `--unjailed` runs workers without a
 * system call filter; without it a zygote that cannot confine them exits with a sentence on stderr.
 */
#ifndef KEE_VATPROTO_ZYGOTE_H
#define KEE_VATPROTO_ZYGOTE_H

#define KEE_ZYGOTE_VERSION 1u

enum kee_zygote_message {
    KEE_ZYGOTE_READY = 1,
    KEE_ZYGOTE_FORK = 2,
    KEE_ZYGOTE_FORKED = 3,
};

/* Sizes of the messages, in bytes. */
#define KEE_ZYGOTE_READY_BYTES 6
#define KEE_ZYGOTE_FORK_BYTES 9
#define KEE_ZYGOTE_FORKED_BYTES 17

#endif
