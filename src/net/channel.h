/* SPDX-License-Identifier: Apache-2.0 */
/*
 * channel - a connection that carries whole texts, whatever cuts it into such: lines or netstrings
 * (net/cut.h), or frames of a WebSocket.
 *
 * Of a connection that may carry either lines or netstrings the first byte tells which; what is sent goes
 * the same way as what came.
 *
 * A text over its limit, bytes that are no UTF-8, a bad length: ended() with a reason, nothing of it is
 * shown. A channel may be freed inside its own callbacks.
 *
 * Owns     its connection.
 * Threads  none: lives on one loop.
 */
#ifndef KEE_NET_CHANNEL_H
#define KEE_NET_CHANNEL_H

#include "base/list.h"
#include "net/cut.h"
#include "os/stream.h"

struct kee_channel;

/* What channels of one loop share. */
struct kee_net {
    struct kee_loop *loop;
    struct kee_link closing; /* channels that are closed and still have bytes to get rid of */
};

void kee_net_init(struct kee_net *net, struct kee_loop *loop);
/* Frees what is still closing; all other channels must be gone. */
void kee_net_fini(struct kee_net *net);

struct kee_channel_handler {
    void (*text)(void *context, struct kee_bytes text); /* borrowed */
    void (*ended)(void *context, const char *why);      /* once; nothing more comes */
    void (*drained)(void *context); /* all that was sent has left; may be NULL */
};

/* Lines or netstrings over a socket. Takes fd, also when it fails. Calls back from the loop alone. */
int kee_channel_new(struct kee_channel **out, struct kee_net *net, int fd, enum kee_cut_kind kind,
                    size_t text_max);

/* The handler is given once the channel's owner is known, and again when that changes. */
void kee_channel_attend(struct kee_channel *channel, const struct kee_channel_handler *handler,
                        void *context);
void kee_channel_set_text_max(struct kee_channel *channel, size_t text_max);

void kee_channel_send(struct kee_channel *channel, struct kee_bytes text);
/* What is sent from now on may be kept until kee_channel_flush(), or until the channel is closed, so that
 * many texts leave in one piece; see kee_stream_gather(). */
void kee_channel_gather(struct kee_channel *channel);
void kee_channel_flush(struct kee_channel *channel);
size_t kee_channel_backlog(const struct kee_channel *channel);
void kee_channel_pause(struct kee_channel *channel, bool paused);
/* Lets what was sent leave, for some seconds at most, then closes; frees. */
void kee_channel_close(struct kee_channel *channel);
/* NULL is fine. */
void kee_channel_free(struct kee_channel *channel);

/* ---- for those who carry ---- */

struct kee_channel_ops {
    void (*send)(struct kee_channel *channel, struct kee_bytes text);
    size_t (*backlog)(const struct kee_channel *channel);
    void (*pause)(struct kee_channel *channel, bool paused);
    void (*set_text_max)(struct kee_channel *channel, size_t text_max);
    void (*close)(struct kee_channel *channel);
    void (*free)(struct kee_channel *channel);
    /* Both may be NULL: nothing is gathered. */
    void (*gather)(struct kee_channel *channel);
    void (*flush)(struct kee_channel *channel);
};

/* The first member of what the carrier has. */
struct kee_channel {
    const struct kee_channel_ops *ops;
    const struct kee_channel_handler *handler; /* NULL: nobody attends */
    void *context;
};

#endif
