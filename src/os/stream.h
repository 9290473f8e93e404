/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stream - a connected socket with bounded buffers: bytes in as they come, bytes out at once if the
 * socket takes them and later if not.
 *
 * Incoming bytes are shown to data(), which takes as many as it can use; the rest is shown again with
 * what follows. A stream may be freed inside its own callbacks.
 *
 * Owns     the descriptor.
 * Returns  0 done; <0 fault.
 */
#ifndef KEE_OS_STREAM_H
#define KEE_OS_STREAM_H

#include "base/bytes.h"
#include "os/loop.h"

struct kee_stream;

struct kee_stream_handler {
    /* Gives the number of bytes taken from the front. */
    size_t (*data)(void *context, struct kee_bytes bytes);
    /* why NULL: the peer sends no more, writing may still work. Otherwise the socket failed, nothing
     * more will come of it. Each at most once. */
    void (*ended)(void *context, const char *why);
    /* All that was written has left; may be NULL. */
    void (*drained)(void *context);
};

int kee_stream_new(struct kee_stream **out, struct kee_loop *loop, int fd,
                   const struct kee_stream_handler *handler, void *context);
void kee_stream_free(struct kee_stream *stream);
/* Gives it another handler, also inside its callbacks: bytes that were not taken are shown to that one,
 * from the loop. */
void kee_stream_attend(struct kee_stream *stream, const struct kee_stream_handler *handler,
                       void *context);

/* Copies what the socket does not take now. A failed socket is reported by ended(), from the loop. */
void kee_stream_write(struct kee_stream *stream, struct kee_bytes bytes);
/* What is written from now on is kept until kee_stream_flush(), so that it leaves in one piece; it counts
 * in the backlog meanwhile. If earlier bytes still wait for the socket, all goes as usual. drained() is
 * not called for what leaves with the flush at once. */
void kee_stream_gather(struct kee_stream *stream);
/* Nothing happens if nothing is gathered. */
void kee_stream_flush(struct kee_stream *stream);
/* Bytes that wait to leave. The owner decides what is too much. */
size_t kee_stream_backlog(const struct kee_stream *stream);
/* Stops and resumes reading. What was shown and not taken is shown again on resuming, from the loop. */
void kee_stream_pause(struct kee_stream *stream, bool paused);
/* Reads what is there now, as if the loop had said so: for a peer that is known to be dead. Not inside
 * a callback of this stream. */
void kee_stream_read_now(struct kee_stream *stream);
/* Tells the peer that no more is coming. Only when nothing waits to leave. */
void kee_stream_finish(struct kee_stream *stream);
/* True if the peer closed both directions, so that nothing written will be read. */
bool kee_stream_peer_is_gone(const struct kee_stream *stream);

#endif
