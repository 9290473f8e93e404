/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stream - see stream.h.
 *
 * While nothing is left over from earlier reads, bytes go from the loop's scratch room straight to
 * data(): a frame that arrives whole is never copied.
 */
#include "os/stream.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/fault.h"

/* Reads of one wake-up, so that a fast sender does not starve the others. */
#define READS_PER_EVENT 16
/* Room a buffer keeps while it is empty. */
#define KEPT_BYTES_MAX (256u * 1024)

struct kee_stream {
    struct kee_loop *loop;
    struct kee_watch *watch;
    struct kee_timer *timer; /* of replays; made when first needed */
    const struct kee_stream_handler *handler;
    void *context;
    struct kee_buf in;  /* shown and not taken */
    struct kee_buf out; /* not yet accepted by the socket; the first sent bytes are gone already */
    size_t sent;
    int fd;
    int error;    /* errno of a failed write, to be reported from the loop */
    bool gathers; /* out has nothing but what was written since, and waits to be flushed */
    bool paused;
    bool ended;  /* nothing more will be read */
    bool failed; /* reported: nothing more will happen */
    bool replay; /* in holds bytes to show again, and the timer is set for it */
    bool busy;   /* inside a callback: freeing waits */
    bool freed;
};

static void watch_what_matters(struct kee_stream *stream)
{
    unsigned events = 0;

    if (stream->failed) {
        kee_watch_set(stream->watch, 0);
        return;
    }
    if ((!stream->paused && !stream->ended) || stream->error != 0) {
        events |= KEE_WATCH_READ;
    }
    if ((stream->out.size > stream->sent && !stream->gathers) || stream->error != 0) {
        events |= KEE_WATCH_WRITE;
    }
    kee_watch_set(stream->watch, events);
}

/* A stream that carried one large frame does not keep its room. */
static void give_back(struct kee_buf *buf)
{
    if (buf->size == 0 && buf->room > KEPT_BYTES_MAX) {
        kee_buf_fini(buf);
    }
}

static void destroy(struct kee_stream *stream)
{
    kee_buf_fini(&stream->in);
    kee_buf_fini(&stream->out);
    free(stream);
}

static void end(struct kee_stream *stream, const char *why)
{
    if (stream->failed || (stream->ended && why == NULL)) {
        return;
    }
    stream->ended = true;
    stream->failed = why != NULL;
    stream->handler->ended(stream->context, why);
}

/* Shows bytes and keeps what is not taken. bytes is either all of in, or fresh while in is empty. */
static void show(struct kee_stream *stream, struct kee_bytes bytes, bool fresh)
{
    size_t taken = stream->handler->data(stream->context, bytes);

    if (stream->freed) {
        return;
    }
    kee_assert(taken <= bytes.size);
    if (!fresh) {
        kee_buf_consume(&stream->in, taken);
        give_back(&stream->in);
        return;
    }
    kee_buf_put(&stream->in, bytes.data + taken, bytes.size - taken);
    if (stream->in.failed) {
        end(stream, "out of memory");
    }
}

/* One read. Gives false when there is nothing more for now. */
static bool read_once(struct kee_stream *stream)
{
    bool fresh = stream->in.size == 0;
    size_t room;
    uint8_t *at = kee_loop_scratch(stream->loop, &room);
    ssize_t n;

    if (!fresh) {
        if (kee_buf_reserve(&stream->in, room) < 0) {
            end(stream, "out of memory");
            return false;
        }
        at = stream->in.data + stream->in.size;
    }
    n = recv(stream->fd, at, room, MSG_DONTWAIT);
    if (n < 0) {
        if (errno != EAGAIN && errno != EINTR) {
            end(stream, strerror(errno));
        }
        return false;
    }
    if (n == 0) {
        end(stream, NULL);
        return false;
    }
    if (fresh) {
        show(stream, kee_bytes_of(at, (size_t)n), true);
    } else {
        stream->in.size += (size_t)n;
        show(stream, kee_buf_bytes(&stream->in), false);
    }
    return (size_t)n == room;
}

static void read_some(struct kee_stream *stream)
{
    for (int i = 0; i < READS_PER_EVENT; i++) {
        if (stream->freed || stream->paused || stream->ended || !read_once(stream)) {
            return;
        }
    }
}

/* Sends what the socket takes. Gives false when the socket failed. */
static bool send_some(struct kee_stream *stream, const uint8_t *data, size_t size, size_t *sent)
{
    while (*sent < size) {
        ssize_t n = send(stream->fd, data + *sent, size - *sent, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n < 0) {
            if (errno == EINTR) {
                continue;
            }
            if (errno == EAGAIN) {
                return true;
            }
            stream->error = errno;
            return false;
        }
        *sent += (size_t)n;
    }
    return true;
}

/* Sends of what waits. True: all of it has left, and there was some. */
static bool send_waiting(struct kee_stream *stream)
{
    if (stream->out.size == stream->sent ||
        !send_some(stream, stream->out.data, stream->out.size, &stream->sent) ||
        stream->sent < stream->out.size) {
        return false;
    }
    kee_buf_clear(&stream->out);
    give_back(&stream->out);
    stream->sent = 0;
    return true;
}

static void drain(struct kee_stream *stream)
{
    if (!stream->gathers && send_waiting(stream) && stream->handler->drained != NULL) {
        stream->handler->drained(stream->context);
    }
}

static void handle(struct kee_stream *stream, unsigned events, bool replays)
{
    stream->busy = true;
    if ((events & KEE_WATCH_WRITE) != 0 && stream->error == 0) {
        drain(stream);
    }
    if (!stream->freed && replays && stream->replay) {
        stream->replay = false;
        if (stream->in.size > 0) {
            show(stream, kee_buf_bytes(&stream->in), false);
        }
    }
    if (!stream->freed && (events & KEE_WATCH_READ) != 0) {
        read_some(stream);
    }
    /* After reading: what the peer said before it went away still counts. */
    if (!stream->freed && stream->error != 0) {
        end(stream, strerror(stream->error));
    }
    if (!stream->freed && (events & KEE_WATCH_BROKEN) != 0) {
        end(stream, "the connection broke");
    }
    stream->busy = false;
    if (stream->freed) {
        destroy(stream);
        return;
    }
    watch_what_matters(stream);
}

static void on_event(void *context, unsigned events)
{
    handle(context, events, false);
}

static void on_timer(void *context)
{
    handle(context, 0, true);
}

int kee_stream_new(struct kee_stream **out, struct kee_loop *loop, int fd,
                   const struct kee_stream_handler *handler, void *context)
{
    struct kee_stream *stream = calloc(1, sizeof *stream);
    int r;

    if (stream == NULL) {
        return kee_fault(KEE_FAULT_MEMORY, "stream");
    }
    r = kee_watch_new(&stream->watch, loop, fd, on_event, stream);
    if (r < 0) {
        free(stream);
        return r;
    }
    stream->loop = loop;
    stream->fd = fd;
    stream->handler = handler;
    stream->context = context;
    watch_what_matters(stream);
    *out = stream;
    return 0;
}

void kee_stream_free(struct kee_stream *stream)
{
    if (stream == NULL || stream->freed) {
        return;
    }
    stream->freed = true;
    kee_watch_free(stream->watch);
    kee_timer_free(stream->timer);
    (void)close(stream->fd);
    if (!stream->busy) {
        destroy(stream);
    }
}

void kee_stream_write(struct kee_stream *stream, struct kee_bytes bytes)
{
    size_t sent = 0;

    if (stream->error != 0 || bytes.size == 0) {
        return;
    }
    if (stream->out.size == stream->sent && !stream->gathers) {
        if (send_some(stream, bytes.data, bytes.size, &sent) && sent == bytes.size) {
            return;
        }
    } else if (stream->sent > stream->out.size / 2) {
        kee_buf_consume(&stream->out, stream->sent);
        stream->sent = 0;
    }
    if (stream->error == 0) {
        kee_buf_put(&stream->out, bytes.data + sent, bytes.size - sent);
        if (stream->out.failed) {
            stream->error = ENOMEM;
        }
    }
    if (!stream->busy) {
        watch_what_matters(stream);
    }
}

void kee_stream_gather(struct kee_stream *stream)
{
    stream->gathers = stream->gathers || stream->out.size == stream->sent;
}

void kee_stream_flush(struct kee_stream *stream)
{
    if (!stream->gathers) {
        return;
    }
    stream->gathers = false;
    if (stream->error == 0) {
        (void)send_waiting(stream);
    }
    if (!stream->busy) {
        watch_what_matters(stream);
    }
}

size_t kee_stream_backlog(const struct kee_stream *stream)
{
    return stream->out.size - stream->sent;
}

static void set_replay(struct kee_stream *stream, bool replay)
{
    stream->replay = replay;
    if (stream->replay && stream->timer == NULL &&
        kee_timer_new(&stream->timer, stream->loop, on_timer, stream) < 0) {
        kee_fault_clear();
        stream->error = ENOMEM;
    }
    if (stream->timer != NULL) {
        kee_timer_set(stream->timer, stream->replay ? kee_loop_now_ms(stream->loop) : KEE_NEVER_MS);
    }
    if (!stream->busy) {
        watch_what_matters(stream);
    }
}

void kee_stream_pause(struct kee_stream *stream, bool paused)
{
    if (stream->paused == paused) {
        return;
    }
    stream->paused = paused;
    set_replay(stream, !paused && (stream->busy || stream->in.size > 0));
}

void kee_stream_attend(struct kee_stream *stream, const struct kee_stream_handler *handler,
                       void *context)
{
    stream->handler = handler;
    stream->context = context;
    /* What the handler before leaves of the bytes it is being shown is known only afterwards. */
    set_replay(stream, !stream->paused && (stream->busy || stream->in.size > 0));
}

void kee_stream_finish(struct kee_stream *stream)
{
    (void)shutdown(stream->fd, SHUT_WR);
}

void kee_stream_read_now(struct kee_stream *stream)
{
    kee_assert(!stream->busy);
    handle(stream, KEE_WATCH_READ, false);
}

bool kee_stream_peer_is_gone(const struct kee_stream *stream)
{
    struct pollfd poll_fd = {.fd = stream->fd};

    return poll(&poll_fd, 1, 0) == 1 && (poll_fd.revents & (POLLHUP | POLLERR)) != 0;
}
