/* SPDX-License-Identifier: Apache-2.0 */
/*
 * socket_channel - lines or netstrings over a socket; see channel.h.
 *
 *   open ──ended──► ended ──┐
 *     └──────close──────────┴──► closing: sends what is left, says that no more comes, reads and throws
 *                                away until the other side has closed too or the time is over
 *
 * A socket that is closed with bytes unread may take away from the other side what it has not read yet:
 * the very words that say what was wrong. Therefore the reading at the end.
 */
#include <stdlib.h>

#include "base/fault.h"
#include "base/limits.h"
#include "net/channel.h"
#include "os/unix_socket.h"

#define CLOSING_MS 5000

struct socket_channel {
    struct kee_channel base;
    struct kee_link link; /* while closing */
    struct kee_net *net;
    struct kee_stream *stream;
    struct kee_timer *timer; /* of closing */
    struct kee_cut cut;
    bool paused;
    bool ended;    /* told; nothing more is cut */
    bool silent;   /* the other side sends no more */
    bool broken;   /* the socket failed: nothing can be sent */
    bool closing;  /* its owner has let go */
    bool finished; /* the other side was told that no more comes */
    bool busy;     /* inside the handler: freeing waits */
    bool freed;
};

static struct socket_channel *of(struct kee_channel *channel)
{
    return (struct socket_channel *)(void *)channel;
}

static void release(struct socket_channel *self)
{
    if (self->freed) {
        return;
    }
    self->freed = true;
    kee_list_remove(&self->link);
    kee_timer_free(self->timer);
    kee_stream_free(self->stream);
    if (!self->busy) {
        free(self);
    }
}

static void op_free(struct kee_channel *channel)
{
    release(of(channel));
}

static void op_send(struct kee_channel *channel, struct kee_bytes text)
{
    struct socket_channel *self = of(channel);
    uint8_t head[KEE_CUT_HEAD_BYTES];
    size_t head_size = kee_cut_put_head(&self->cut, head, text.size);
    struct kee_bytes tail = kee_cut_tail(&self->cut);
    struct kee_buf whole = KEE_BUF_EMPTY;

    if (text.size <= KEE_LIMIT_CHANNEL_JOIN_BYTES) {
        /* In one piece: one packet, one wake-up. */
        kee_buf_put(&whole, head, head_size);
        kee_buf_put_bytes(&whole, text);
        kee_buf_put_bytes(&whole, tail);
    }
    if (whole.size > 0 && !whole.failed) {
        kee_stream_write(self->stream, kee_buf_bytes(&whole));
    } else {
        kee_stream_write(self->stream, kee_bytes_of(head, head_size));
        kee_stream_write(self->stream, text);
        kee_stream_write(self->stream, tail);
    }
    kee_buf_fini(&whole);
}

static void end(struct socket_channel *self, const char *why)
{
    if (!self->ended) {
        self->ended = true;
        if (self->base.handler != NULL) {
            self->base.handler->ended(self->base.context, why);
        }
    }
}

/* One piece of what came. False: no more is to be cut now. */
static bool take_piece(struct socket_channel *self, struct kee_bytes *rest)
{
    struct kee_bytes text;

    switch (kee_cut_next(&self->cut, rest, &text)) {
    case KEE_CUT_TEXT:
        if (self->base.handler != NULL) {
            self->base.handler->text(self->base.context, text);
        }
        return true;
    case KEE_CUT_NOTHING:
        return true;
    case KEE_CUT_BAD:
        end(self, self->cut.why);
        return false;
    case KEE_CUT_MORE:
    default:
        return false;
    }
}

static size_t on_data(void *context, struct kee_bytes bytes)
{
    struct socket_channel *self = context;
    struct kee_bytes rest = bytes;

    self->busy = true;
    while (!self->freed && !self->paused && !self->ended && !self->closing &&
           take_piece(self, &rest)) {
    }
    self->busy = false;
    if (self->freed) {
        free(self);
        return bytes.size;
    }
    /* After the end what comes is thrown away. */
    return self->ended || self->closing ? bytes.size : bytes.size - rest.size;
}

/* Closing goes on as far as it can. May free. */
static void close_on(struct socket_channel *self)
{
    if (self->broken || kee_stream_peer_is_gone(self->stream)) {
        release(self);
    } else if (kee_stream_backlog(self->stream) > 0) {
        return;
    } else if (self->silent) {
        release(self);
    } else if (!self->finished) {
        self->finished = true;
        kee_stream_finish(self->stream);
    }
}

static void on_ended(void *context, const char *why)
{
    struct socket_channel *self = context;

    self->silent = true;
    self->broken = self->broken || why != NULL;
    if (self->closing) {
        close_on(self);
        return;
    }
    self->busy = true;
    end(self, why == NULL ? "the other side closed the connection" : why);
    self->busy = false;
    if (self->freed) {
        free(self);
    }
}

static void on_drained(void *context)
{
    struct socket_channel *self = context;

    if (self->closing) {
        close_on(self);
        return;
    }
    self->busy = true;
    if (self->base.handler != NULL && self->base.handler->drained != NULL) {
        self->base.handler->drained(self->base.context);
    }
    self->busy = false;
    if (self->freed) {
        free(self);
    }
}

static const struct kee_stream_handler stream_handler = {on_data, on_ended, on_drained};

static size_t op_backlog(const struct kee_channel *channel)
{
    return kee_stream_backlog(((const struct socket_channel *)(const void *)channel)->stream);
}

static void op_gather(struct kee_channel *channel)
{
    kee_stream_gather(of(channel)->stream);
}

static void op_flush(struct kee_channel *channel)
{
    kee_stream_flush(of(channel)->stream);
}

static void op_pause(struct kee_channel *channel, bool paused)
{
    of(channel)->paused = paused;
    kee_stream_pause(of(channel)->stream, paused);
}

static void op_set_text_max(struct kee_channel *channel, size_t text_max)
{
    of(channel)->cut.text_max = text_max;
}

static void on_closing_over(void *context)
{
    release(context);
}

static void op_close(struct kee_channel *channel)
{
    struct socket_channel *self = of(channel);

    if (self->freed || self->closing) {
        return;
    }
    self->closing = true;
    self->base.handler = NULL;
    kee_stream_flush(self->stream);
    kee_list_append(&self->net->closing, &self->link);
    if (kee_timer_new(&self->timer, self->net->loop, on_closing_over, self) < 0) {
        kee_fault_clear();
        release(self);
        return;
    }
    kee_timer_set(self->timer, kee_loop_now_ms(self->net->loop) + CLOSING_MS);
    self->paused = false;
    kee_stream_pause(self->stream, false);
    close_on(self);
}

void kee_net_fini(struct kee_net *net)
{
    while (net->loop != NULL && !kee_list_is_empty(&net->closing)) {
        release(KEE_CONTAINER(net->closing.next, struct socket_channel, link));
    }
}

static const struct kee_channel_ops ops = {op_send,  op_backlog, op_pause,  op_set_text_max,
                                           op_close, op_free,    op_gather, op_flush};

int kee_channel_new(struct kee_channel **out, struct kee_net *net, int fd, enum kee_cut_kind kind,
                    size_t text_max)
{
    struct socket_channel *self = calloc(1, sizeof *self);
    int r;

    if (self == NULL) {
        kee_unix_close(fd);
        return kee_fault(KEE_FAULT_MEMORY, "channel");
    }
    r = kee_stream_new(&self->stream, net->loop, fd, &stream_handler, self);
    if (r < 0) {
        kee_unix_close(fd);
        free(self);
        return r;
    }
    self->base.ops = &ops;
    self->net = net;
    kee_list_init(&self->link);
    kee_cut_init(&self->cut, kind, text_max);
    *out = &self->base;
    return 0;
}
