/* SPDX-License-Identifier: Apache-2.0 */
/*
 * io - I/O channels of subclusters, as their configurations name them: read() gives a unit or null,
 * write() takes a string.
 *
 *   console   writes lines to the log of vats; reads null
 *   file      reads from its beginning, writes at its end; a regular file
 *   socket    listens at a path, for one client at a time
 *   listen    listens at HOST:PORT, likewise
 *   network   connects to HOST:PORT when it is first used
 *
 * A channel is an object of the daemon's peer and the service io:sN:NAME; it is made anew from the
 * configuration at every start. What can lead nowhere declines the launch; at a later start its methods
 * reject with the reason.
 *
 * Returns  0 done; <0 fault; >0 outcome UNFIT, with a sentence in why.
 */
#ifndef KEE_DAEMON_IO_H
#define KEE_DAEMON_IO_H

#include "daemon/daemon_internal.h"
#include "lib/config.h"

enum kee_io_outcome { KEE_IO_UNFIT = 1 };

/* Of channels whose subcluster has no number yet. */
#define KEE_IO_UNBOUND ((struct kee_subcluster_id){UINT64_MAX})

/* Before a launch: all channels of a configuration, or none. */
int kee_io_open(struct kee_daemon *daemon, const struct kee_config *config, struct kee_buf *why);
/* What was opened is this subcluster's. */
int kee_io_bind(struct kee_daemon *daemon, struct kee_subcluster_id subcluster);
/* Those of a subcluster that is there no more; of every one of them if it is 0, without a word to the
 * kernel, which is about to be closed. */
int kee_io_close(struct kee_daemon *daemon, struct kee_subcluster_id subcluster);
/* From within the kernel: the launch of this subcluster came to nothing; the next round closes its
 * channels. */
void kee_io_stray(struct kee_daemon *daemon, struct kee_subcluster_id subcluster);
int kee_io_round(struct kee_daemon *daemon);
/* At every start: channels of the subclusters there are; names of others go. */
int kee_io_rebind(struct kee_daemon *daemon);

#endif
