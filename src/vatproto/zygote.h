/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zygote - what the daemon and `keeve-vat --zygote FD` say to each other. Version 2.
 *
 * FD is one end of a SOCK_SEQPACKET pair: one message is one packet, numbers are little-endian.
 *
 *   zygote to daemon, first and once, when it can fork
 *     READY   u8 1 | u32 version | u8 jailed (1: every worker is confined before it sees user code)
 *   daemon to zygote
 *     FORK    u8 2 | u64 number | u8 shared    with one descriptor (SCM_RIGHTS): the worker's end of
 *                                         its frames; shared 1: for several vats
 *   zygote to daemon, one for each FORK, in order
 *     FORKED  u8 3 | u64 number | u32 pid | u32 errno      (pid 0: there is no worker, errno says why)
 *
 * Workers are children of the daemon (CLONE_PARENT, exit signal SIGCHLD) in the zygote's process group;
 * the daemon waits for them, through the group for one whose FORKED never came. The
 * zygote closes its copy of the descriptor before it answers. It exits with status 0 when the daemon's
 * end is closed; workers exit when theirs is. Options after FD: `--unjailed` runs workers without a
 * system call filter; without it a zygote that cannot confine them exits with a sentence on stderr.
 *
 * A process for several vats runs one at a time. Between the frames of vatproto.h stand
 *
 *   FOR     u64 vat | u64 incarnation   both ways: whose the frames after it are. The daemon's first
 *                                       FOR of an incarnation makes its machine. It sends frames of one
 *                                       vat only while another has a START or DELIVER unanswered.
 *   CLOSE   u64 vat | u64 incarnation   from the daemon: free the machine, if there is one
 *   CLOSED  u64 vat | u64 incarnation   answers each CLOSE, when what was sent before it is done
 *
 * After a DONE that is not OK the machine is freed, and what still comes for it is passed over. The
 * process ends when the daemon's end is closed, and after a frame it does not understand.
 */
#ifndef KEE_VATPROTO_ZYGOTE_H
#define KEE_VATPROTO_ZYGOTE_H

#define KEE_ZYGOTE_VERSION 2u

enum kee_zygote_message {
    KEE_ZYGOTE_READY = 1,
    KEE_ZYGOTE_FORK = 2,
    KEE_ZYGOTE_FORKED = 3,
};

/* Sizes of the messages, in bytes. */
#define KEE_ZYGOTE_READY_BYTES 6
#define KEE_ZYGOTE_FORK_BYTES 10
#define KEE_ZYGOTE_FORKED_BYTES 17

#endif
