/* SPDX-License-Identifier: Apache-2.0 */
/* io_internal - one I/O channel, for the files that carry it. */
#ifndef KEE_DAEMON_IO_INTERNAL_H
#define KEE_DAEMON_IO_INTERNAL_H

#include "daemon/facade_internal.h"
#include "daemon/io.h"
#include "os/stream.h"
#include "os/tcp.h"

struct kee_io {
    struct kee_link link;
    struct kee_daemon *daemon;
    struct kee_subcluster_id subcluster;
    struct kee_buf name, service, place; /* "log", "io:s1:log", a path or HOST:PORT */
    enum kee_channel_type type;
    enum kee_channel_unit unit;
    bool in, out;
    bool stray; /* its launch came to nothing */
    struct kee_kref kref;
    struct kee_vat_id writer; /* of what is being given away; 0: no vat */
    struct kee_buf broken;    /* why it leads nowhere; empty: it does not */
    /* reading and writing */
    struct kee_link readers, writers; /* orders that wait */
    size_t waiting;                   /* their number */
    struct kee_buf bytes;             /* read, and not asked for */
    bool ended;                       /* and nothing comes after them */
    /* what carries it */
    int in_fd, out_fd; /* of a file */
    int listener;
    struct kee_watch *door;
    struct kee_stream *stream; /* NULL: nobody is connected */
};

/* io_carrier.c. Outcome UNFIT. */
int kee_io_connect(struct kee_io *io, struct kee_buf *why);
void kee_io_disconnect(struct kee_io *io);
/* Asks what carries the channel for more bytes; they come at once or later. */
int kee_io_fill(struct kee_io *io);
/* Gives bytes away; *full: no more should be given for now. Outcome UNFIT. */
int kee_io_put(struct kee_io *io, struct kee_bytes bytes, bool *full, struct kee_buf *why);

/* io.c: the connection broke; who waits hears why. */
int kee_io_fail(struct kee_io *io, const char *why);
/* Bytes have come, the end has, or what was given has left. */
int kee_io_go_on(struct kee_io *io);

extern const struct kee_order_method kee_io_methods[];

#endif
