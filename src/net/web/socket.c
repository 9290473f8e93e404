/* SPDX-License-Identifier: Apache-2.0 */
/*
 * socket - a WebSocket as a channel; see net/channel.h.
 *
 * The connection and the channel end each for itself: a connection that is gone leaves a channel that has
 * ended, until its owner frees it; a channel that is closed leaves a connection that sends what is left.
 */
#include <stdlib.h>

#include "base/assert.h"
#include "base/fault.h"
#include "base/limits.h"
#include "net/web/web_internal.h"

#define CLOSING_SECONDS 5
/* The kind of frame that the library's header leaves out of its list, with the number it has there. */
#define WRITE_CLOSE ((enum lws_write_protocol)4)
#define KEPT_BYTES_MAX (64u * 1024)

/* A text that waits: to leave, or, while the channel is paused, to be shown. */
struct waiting {
    struct kee_link link;
    size_t size;
    uint8_t room[]; /* LWS_PRE bytes of the library's, then the text */
};

struct web_channel {
    struct kee_channel base;
    struct visit *visit; /* NULL: the connection is gone */
    struct kee_link out, in;
    size_t backlog;         /* bytes in out, and of what the library keeps */
    size_t handed;          /* of them, given to the library */
    struct kee_buf message; /* what came of the present one */
    size_t text_max;
    enum lws_close_status status;
    bool paused;
    bool ended;
    bool closing; /* its owner has let go: to be closed once all has left */
    bool freed;   /* its owner has let go: to be closed at once */
    bool said_close;
    bool busy; /* inside the handler */
};

static struct web_channel *of(struct kee_channel *channel)
{
    return (struct web_channel *)(void *)channel;
}

static struct waiting *waiting_new(struct kee_link *list, struct kee_bytes text)
{
    struct waiting *waiting = malloc(sizeof *waiting + LWS_PRE + text.size);

    if (waiting != NULL) {
        waiting->size = text.size;
        memcpy(waiting->room + LWS_PRE, text.data, text.size);
        kee_list_append(list, &waiting->link);
    }
    return waiting;
}

static struct waiting *first(struct kee_link *list)
{
    return KEE_CONTAINER(list->next, struct waiting, link);
}

static void drop_first(struct kee_link *list)
{
    struct waiting *waiting = first(list);

    kee_list_remove(&waiting->link);
    free(waiting);
}

static void destroy(struct web_channel *self)
{
    while (!kee_list_is_empty(&self->out)) {
        drop_first(&self->out);
    }
    while (!kee_list_is_empty(&self->in)) {
        drop_first(&self->in);
    }
    kee_buf_fini(&self->message);
    free(self);
}

static void ask_for_turn(struct web_channel *self)
{
    if (self->visit != NULL) {
        (void)lws_callback_on_writable(self->visit->wsi);
    }
}

static void end(struct web_channel *self, enum lws_close_status status, const char *why)
{
    if (self->ended) {
        return;
    }
    self->ended = true;
    self->status = status;
    if (self->base.handler != NULL && !self->closing && !self->freed) {
        bool outer = self->busy;
        self->busy = true;
        self->base.handler->ended(self->base.context, why);
        self->busy = outer;
    }
}

/* ---- the owner's side ---- */

static void op_send(struct kee_channel *channel, struct kee_bytes text)
{
    struct web_channel *self = of(channel);

    if (self->visit == NULL || self->closing || self->freed) {
        return;
    }
    if (waiting_new(&self->out, text) == NULL) {
        /* What was to be said is lost, so nothing may be said after it. */
        lws_set_timeout(self->visit->wsi, PENDING_TIMEOUT_USER_REASON_BASE, LWS_TO_KILL_ASYNC);
        return;
    }
    self->backlog += text.size;
    ask_for_turn(self);
}

static size_t op_backlog(const struct kee_channel *channel)
{
    return ((const struct web_channel *)(const void *)channel)->backlog;
}

static void op_pause(struct kee_channel *channel, bool paused)
{
    struct web_channel *self = of(channel);

    if (self->paused == paused) {
        return;
    }
    self->paused = paused;
    if (self->visit != NULL) {
        (void)lws_rx_flow_control(self->visit->wsi, paused ? 0 : 1);
        if (!paused && !kee_list_is_empty(&self->in)) {
            ask_for_turn(self);
        }
    }
}

static void op_set_text_max(struct kee_channel *channel, size_t text_max)
{
    of(channel)->text_max = text_max;
}

static void op_free(struct kee_channel *channel)
{
    struct web_channel *self = of(channel);

    self->freed = true;
    self->base.handler = NULL;
    if (self->visit != NULL) {
        lws_set_timeout(self->visit->wsi, PENDING_TIMEOUT_USER_REASON_BASE, LWS_TO_KILL_ASYNC);
    } else if (!self->busy) {
        destroy(self);
    }
}

static void op_close(struct kee_channel *channel)
{
    struct web_channel *self = of(channel);

    self->closing = true;
    self->base.handler = NULL;
    if (self->visit == NULL) {
        op_free(channel);
        return;
    }
    lws_set_timeout(self->visit->wsi, PENDING_TIMEOUT_USER_REASON_BASE, CLOSING_SECONDS);
    (void)lws_rx_flow_control(self->visit->wsi, 1);
    ask_for_turn(self);
}

static const struct kee_channel_ops ops = {op_send,  op_backlog, op_pause, op_set_text_max,
                                           op_close, op_free,    NULL,     NULL};

/* ---- the connection's side ---- */

int kee_socket_enter(struct visit *visit)
{
    const struct kee_web_options *options = &visit->web->options;
    struct web_channel *self = calloc(1, sizeof *self);

    if (self == NULL) {
        options->handler->note(options->context, "out of memory for a WebSocket");
        return -1;
    }
    self->base.ops = &ops;
    self->visit = visit;
    self->text_max = KEE_LIMIT_CAPTP_TEXT_BYTES;
    self->status = LWS_CLOSE_STATUS_NORMAL;
    kee_list_init(&self->out);
    kee_list_init(&self->in);
    visit->channel = self;
    visit->is_session = true;
    visit->web->strangers--;
    options->handler->enter(options->context, visit->who, &self->base);
    return self->freed ? -1 : 0;
}

static void show(struct web_channel *self, struct kee_bytes text)
{
    if (self->base.handler != NULL && !self->ended) {
        self->busy = true;
        self->base.handler->text(self->base.context, text);
        self->busy = false;
    }
}

int kee_socket_receive(struct visit *visit, const void *data, size_t size)
{
    struct web_channel *self = visit->channel;
    bool whole =
        lws_is_final_fragment(visit->wsi) != 0 && lws_remaining_packet_payload(visit->wsi) == 0;

    if (self == NULL || self->freed) {
        return -1;
    }
    if (self->ended || self->closing) {
        return 0;
    }
    if (lws_frame_is_binary(visit->wsi) != 0) {
        end(self, LWS_CLOSE_STATUS_UNACCEPTABLE_OPCODE, "expected text, found a binary frame");
        return self->freed ? -1 : 0;
    }
    if (size + lws_remaining_packet_payload(visit->wsi) > self->text_max - self->message.size) {
        end(self, LWS_CLOSE_STATUS_MESSAGE_TOO_LARGE,
            "a message is longer than this connection may send");
        return self->freed ? -1 : 0;
    }
    kee_buf_put(&self->message, data, size);
    if (self->message.failed) {
        kee_fault_clear();
        end(self, LWS_CLOSE_STATUS_UNEXPECTED_CONDITION, "out of memory");
        return self->freed ? -1 : 0;
    }
    if (!whole) {
        return 0;
    }
    if (!kee_bytes_is_utf8(kee_buf_bytes(&self->message))) {
        end(self, LWS_CLOSE_STATUS_INVALID_PAYLOAD, "a text is not UTF-8");
    } else if (self->paused || !kee_list_is_empty(&self->in)) {
        if (waiting_new(&self->in, kee_buf_bytes(&self->message)) == NULL) {
            end(self, LWS_CLOSE_STATUS_UNEXPECTED_CONDITION, "out of memory");
        }
    } else {
        show(self, kee_buf_bytes(&self->message));
    }
    kee_buf_clear(&self->message);
    if (self->message.room > KEPT_BYTES_MAX) {
        kee_buf_fini(&self->message);
    }
    return self->freed ? -1 : 0;
}

/* Shows what came while the channel was paused. */
static void show_waiting(struct web_channel *self)
{
    while (!self->paused && !self->freed && !self->closing && !kee_list_is_empty(&self->in)) {
        struct waiting *waiting = first(&self->in);
        kee_list_remove(&waiting->link);
        show(self, kee_bytes_of(waiting->room + LWS_PRE, waiting->size));
        free(waiting);
    }
}

/* Not left to lws_close_reason(): built for debugging, as Debian has it, and together with libuv, the
 * library closes twice, and the second time without a word. The other side's answer, or the timeout, ends
 * the connection. */
static int say_close(struct web_channel *self)
{
    uint8_t room[LWS_PRE + 2];

    if (self->said_close) {
        return 0;
    }
    self->said_close = true;
    room[LWS_PRE] = (uint8_t)((unsigned)self->status >> 8);
    room[LWS_PRE + 1] = (uint8_t)self->status;
    return lws_write(self->visit->wsi, room + LWS_PRE, 2, WRITE_CLOSE) < 0 ? -1 : 0;
}

int kee_socket_told_to_close(struct visit *visit)
{
    return visit->channel != NULL && visit->channel->said_close ? -1 : 0;
}

int kee_socket_writable(struct visit *visit)
{
    struct web_channel *self = visit->channel;
    struct lws *wsi = visit->wsi;
    bool had = false;

    if (self == NULL || self->freed) {
        return -1;
    }
    show_waiting(self);
    if (self->freed) {
        return -1;
    }
    /* A turn comes when the library keeps nothing any more. */
    self->backlog -= self->handed;
    had = self->handed > 0;
    self->handed = 0;
    while (!kee_list_is_empty(&self->out) && lws_partial_buffered(wsi) == 0 &&
           lws_send_pipe_choked(wsi) == 0) {
        struct waiting *waiting = first(&self->out);
        if (lws_write(wsi, waiting->room + LWS_PRE, waiting->size, LWS_WRITE_TEXT) < 0) {
            return -1;
        }
        had = true;
        if (lws_partial_buffered(wsi) != 0) {
            self->handed += waiting->size;
        } else {
            self->backlog -= waiting->size;
        }
        drop_first(&self->out);
    }
    if (self->backlog > 0) {
        ask_for_turn(self);
        return 0;
    }
    if (self->closing) {
        return say_close(self);
    }
    if (had && self->base.handler != NULL && self->base.handler->drained != NULL) {
        self->busy = true;
        self->base.handler->drained(self->base.context);
        self->busy = false;
    }
    return self->freed ? -1 : 0;
}

void kee_socket_closed(struct visit *visit)
{
    struct web_channel *self = visit->channel;

    if (self == NULL) {
        return;
    }
    kee_assert(!self->busy);
    visit->channel = NULL;
    self->visit = NULL;
    self->backlog = 0;
    end(self, LWS_CLOSE_STATUS_NORMAL, "the other side closed the connection");
    if (self->freed || self->closing) {
        destroy(self);
    }
}
