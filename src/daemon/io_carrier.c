/* SPDX-License-Identifier: Apache-2.0 */
/* io_carrier - what I/O channels lead to: the log, files, sockets. */
#include "base/fault.h"
#include "base/limits.h"
#include "daemon/io_internal.h"
#include "os/blocking.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/unix_socket.h"

#define FILE_PIECE_BYTES (64u * 1024)

/* Something outside cannot be used: its reason is the caller's answer, not our end. */
static int unfit(int r, struct kee_buf *why)
{
    if (r < 0 && r != KEE_FAULT_MEMORY) {
        kee_buf_put_str(why, kee_fault_text());
        kee_fault_clear();
        r = KEE_IO_UNFIT;
    }
    return r > 0 ? KEE_IO_UNFIT : r;
}

/* ---- streams ---- */

static size_t on_data(void *context, struct kee_bytes bytes)
{
    struct kee_io *io = context;
    size_t room = KEE_LIMIT_CHANNEL_BYTES - io->bytes.size;
    size_t size = bytes.size < room ? bytes.size : room;
    int r;

    kee_core_set_now(&io->daemon->core);
    kee_buf_put(&io->bytes, bytes.data, size);
    r = kee_buf_status(&io->bytes);
    if (io->bytes.size >= KEE_LIMIT_CHANNEL_BYTES) {
        kee_stream_pause(io->stream, true); /* until somebody reads */
    }
    (void)kee_core_check(&io->daemon->core, r != 0 ? r : kee_io_go_on(io));
    return size;
}

static void on_ended(void *context, const char *why)
{
    struct kee_io *io = context;
    int r = 0;

    kee_core_set_now(&io->daemon->core);
    kee_stream_free(io->stream);
    io->stream = NULL;
    if (io->type == KEE_CHANNEL_NETWORK && why != NULL) {
        r = kee_io_fail(io, why);
    }
    io->ended = true;
    (void)kee_core_check(&io->daemon->core, r != 0 ? r : kee_io_go_on(io));
    if (io->door != NULL) {
        kee_watch_set(io->door, KEE_WATCH_READ); /* the next client */
    }
}

static void on_drained(void *context)
{
    struct kee_io *io = context;

    kee_core_set_now(&io->daemon->core);
    (void)kee_core_check(&io->daemon->core, kee_io_go_on(io));
}

static const struct kee_stream_handler handler = {on_data, on_ended, on_drained};

/* Takes fd. */
static int attach(struct kee_io *io, int fd)
{
    io->ended = false;
    return kee_stream_new(&io->stream, io->daemon->own.loop, fd, &handler, io);
}

static void on_client(void *context, unsigned events)
{
    struct kee_io *io = context;
    int fd = -1;
    int r;

    (void)events;
    r = io->type == KEE_CHANNEL_SOCKET ? kee_unix_accept(&fd, io->listener)
                                       : kee_tcp_accept(&fd, io->listener);
    if (r == 0 && fd >= 0) {
        /* One at a time: the next ones wait in the queue of the listener. What the one before has sent
         * and nobody has read stays before what this one sends. */
        kee_watch_set(io->door, 0);
        r = attach(io, fd);
    }
    if (r < 0 && r != KEE_FAULT_MEMORY) {
        kee_privileges_log(&io->daemon->own, "note", "text=\"channel %s: %s\"",
                           kee_buf_cstr(&io->service), kee_fault_text());
        kee_fault_clear();
        r = 0;
    }
    if (r == 0 && io->stream != NULL) {
        kee_core_set_now(&io->daemon->core);
        r = kee_io_go_on(io);
    }
    (void)kee_core_check(&io->daemon->core, r);
}

/* ---- opening ---- */

static int listen_at(struct kee_io *io, struct kee_buf *why)
{
    struct kee_tcp_listener tcp = {.fd = -1};
    struct kee_tcp_place place;
    int r;

    if (io->type == KEE_CHANNEL_SOCKET) {
        r = unfit(kee_unix_listen(&io->listener, kee_buf_cstr(&io->place)), why);
    } else if (!kee_tcp_place_parse(&place, kee_buf_bytes(&io->place))) {
        kee_buf_printf(why, "expected a place such as 127.0.0.1:7000, found \"%s\"",
                       kee_buf_cstr(&io->place));
        return KEE_IO_UNFIT;
    } else {
        r = unfit(kee_tcp_listen(&tcp, &place, why), why);
        io->listener = tcp.fd;
    }
    if (r == 0) {
        r = kee_watch_new(&io->door, io->daemon->own.loop, io->listener, on_client, io);
    }
    if (r == 0) {
        kee_watch_set(io->door, KEE_WATCH_READ);
    }
    return r;
}

static int connect_to(struct kee_io *io, struct kee_buf *why)
{
    struct kee_tcp_place place;
    int fd = -1;
    int r;

    if (!kee_tcp_place_parse(&place, kee_buf_bytes(&io->place)) ||
        !kee_tcp_is_address(place.host)) {
        /* Asking a name server would keep everybody waiting. */
        kee_buf_printf(why, "expected an address such as 127.0.0.1:7000, found \"%s\"",
                       kee_buf_cstr(&io->place));
        return KEE_IO_UNFIT;
    }
    r = unfit(kee_tcp_connect_begin(&fd, &place, why), why);
    return r != 0 ? r : attach(io, fd);
}

static int open_file(struct kee_io *io, struct kee_buf *why)
{
    const char *path = kee_buf_cstr(&io->place);
    int r = io->out ? kee_file_open_regular(&io->out_fd, path, true, why) : 0;

    if (r == 0 && io->in) {
        r = kee_file_open_regular(&io->in_fd, path, false, why);
    }
    return unfit(r, why);
}

int kee_io_connect(struct kee_io *io, struct kee_buf *why)
{
    switch (io->type) {
    case KEE_CHANNEL_CONSOLE:
        return 0;
    case KEE_CHANNEL_FILE:
        return open_file(io, why);
    case KEE_CHANNEL_NETWORK:
        return connect_to(io, why);
    default:
        return listen_at(io, why);
    }
}

void kee_io_disconnect(struct kee_io *io)
{
    kee_stream_free(io->stream);
    kee_watch_free(io->door);
    if (io->listener >= 0) {
        kee_unix_close(io->listener);
        if (io->type == KEE_CHANNEL_SOCKET) {
            kee_file_remove(kee_buf_cstr(&io->place));
        }
    }
    kee_fd_close(io->in_fd);
    kee_fd_close(io->out_fd);
}

/* ---- bytes ---- */

static int fill_from_file(struct kee_io *io)
{
    size_t got = 0;
    int r = kee_buf_reserve(&io->bytes, FILE_PIECE_BYTES);

    while (r == 0) {
        r = kee_fd_read(io->in_fd, io->bytes.data + io->bytes.size, FILE_PIECE_BYTES, &got);
        if (r != 0 || got == 0) {
            break;
        }
        io->bytes.size += got;
        if (io->unit != KEE_CHANNEL_LINE || io->bytes.size >= KEE_LIMIT_CHANNEL_BYTES ||
            memchr(io->bytes.data + io->bytes.size - got, '\n', got) != NULL) {
            break;
        }
        r = kee_buf_reserve(&io->bytes, FILE_PIECE_BYTES);
    }
    if (r < 0 && r != KEE_FAULT_MEMORY) {
        kee_fault_clear(); /* a file that cannot be read any more has ended */
        got = 0;
        r = 0;
    }
    io->ended = got == 0;
    return r < 0 ? r : 0;
}

int kee_io_fill(struct kee_io *io)
{
    if (io->type == KEE_CHANNEL_CONSOLE) {
        io->ended = true;
        return 0;
    }
    if (io->type == KEE_CHANNEL_FILE) {
        return fill_from_file(io);
    }
    if (io->stream != NULL) {
        kee_stream_pause(io->stream, false);
    }
    return 0;
}

static void log_line(struct kee_io *io, struct kee_bytes text)
{
    struct kee_log_line line = {
        .time_ms = kee_clock_wall_ms(), .vat = io->writer, .level = KEE_VP_INFO, .text = text};

    kee_daemon_on_log(io->daemon, &line);
}

int kee_io_put(struct kee_io *io, struct kee_bytes bytes, bool *full, struct kee_buf *why)
{
    *full = false;
    if (io->type == KEE_CHANNEL_CONSOLE) {
        log_line(io, bytes);
        return 0;
    }
    if (io->type == KEE_CHANNEL_FILE) {
        return unfit(kee_fd_write_all(io->out_fd, bytes), why);
    }
    if (io->stream == NULL) {
        kee_buf_printf(why, "nobody is connected to the channel %s", kee_buf_cstr(&io->name));
        return KEE_IO_UNFIT;
    }
    kee_stream_write(io->stream, bytes);
    *full = kee_stream_backlog(io->stream) > KEE_LIMIT_CHANNEL_BYTES;
    return 0;
}
