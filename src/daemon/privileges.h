/* SPDX-License-Identifier: Apache-2.0 */
/*
 * privileges - everything of the world that the daemon may touch, opened here, or for hosts in
 * doors.h, and nowhere else.
 *
 *   HOME/                 0700, ours
 *   HOME/daemon.lock      held while a daemon runs
 *   HOME/daemon.pid       its process, for people
 *   HOME/daemon.log       what happened, one `event key=value` line each; daemon.log.1 is the one before
 *   HOME/control.sock     0600
 *   HOME/captp.sock, HOME/grants/, HOME/secrets/    see doors.h, which opens these and what is asked for
 *                                                   of the network
 *   HOME/store/           the store
 *
 * What is opened is handed on as descriptors and pointers: the kernel gets a world, the vat host a
 * program to run, the control server a listening socket.
 *
 * Returns  0 done; <0 fault; KEE_PRIVILEGES_REFUSED with a sentence in why.
 */
#ifndef KEE_DAEMON_PRIVILEGES_H
#define KEE_DAEMON_PRIVILEGES_H

#include "os/loop.h"
#include "store_sqlite/store_sqlite.h"

enum kee_privileges_outcome { KEE_PRIVILEGES_REFUSED = 1 };

struct kee_privileges_options {
    const char *home;       /* absolute */
    const char *helper_dir; /* where keeve-vat is; NULL: beside this program, or in its libexec */
    enum kee_durability durability;
    bool unjailed; /* the user accepts workers without a system call filter */
};

struct kee_privileges {
    const char *home; /* of the options */
    struct kee_loop *loop;
    struct kee_store *store; /* given to the world, and NULL here then */
    int listener;            /* given to the control server, and -1 here then */
    int log_fd;
    size_t log_bytes; /* written to the present log */
    struct kee_buf vat_program;
    bool jailed;
    enum kee_durability durability;
    /* private */
    int lock_fd;
    struct kee_buf path; /* scratch */
};

int kee_privileges_open(struct kee_privileges *out, const struct kee_privileges_options *options,
                        struct kee_buf *why);
/* Closes what was not given away. The loop must be idle. */
void kee_privileges_close(struct kee_privileges *privileges);

/* A line of the log: event, then what format says, as key=value pairs. */
void kee_privileges_log(struct kee_privileges *privileges, const char *event, const char *format,
                        ...) __attribute__((format(printf, 3, 4)));

/* Appends what the log holds from byte start on, as far as it is text of a bearable length. */
void kee_privileges_read_log(struct kee_privileges *privileges, size_t start, struct kee_buf *out);

/* The program in helper_dir, or in the usual places; outcome REFUSED if there is none. */
int kee_privileges_find_vat_program(struct kee_buf *out, const char *helper_dir,
                                    struct kee_buf *why);

#endif
