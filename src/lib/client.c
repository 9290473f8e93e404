/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client - a connection's socket, and its place in the host's event loop; see keeve/client.h.
 *
 * What is emitted is gathered and leaves in one piece: at the beginning of a turn or of a wait, and after
 * the callbacks of a turn.
 */
#include "lib/client.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/fault.h"
#include "base/limits.h"
#include "net/cut.h"
#include "os/blocking.h"
#include "os/stream.h"
#include "os/tcp.h"
#include "os/unix_socket.h"
#include "value/text.h"

struct kee_client_line {
    struct keeve_client *client;
    struct kee_loop *loop;
    struct kee_stream *stream;
    struct kee_cut cut;
    struct kee_buf out; /* emitted, and not yet given to the stream */
    void (*on_lost)(void *context, const char *why);
    void *context;
};

/* ---- texts and bytes ---- */

static int emit(void *context, struct kee_bytes text)
{
    struct kee_client_line *line = context;
    uint8_t head[KEE_CUT_HEAD_BYTES];
    size_t head_size = kee_cut_put_head(&line->cut, head, text.size);
    struct kee_bytes tail = kee_cut_tail(&line->cut);

    if (kee_buf_reserve(&line->out, head_size + text.size + tail.size) < 0) {
        line->out.failed = false; /* what is in it is whole */
        return KEE_FAULT_MEMORY;
    }
    kee_buf_put(&line->out, head, head_size);
    kee_buf_put_bytes(&line->out, text);
    kee_buf_put_bytes(&line->out, tail);
    return 0;
}

static void flush(struct kee_client_line *line)
{
    if (line->out.size > 0) {
        kee_stream_write(line->stream, kee_buf_bytes(&line->out));
        kee_buf_clear(&line->out);
        if (line->out.room > KEE_LIMIT_CAPTP_TEXT_BYTES) {
            kee_buf_fini(&line->out);
        }
        /* What did not leave is watched for from the next pass of the loop on. */
        line->client->stirred |= kee_stream_backlog(line->stream) > 0;
    }
}

static size_t on_data(void *context, struct kee_bytes bytes)
{
    struct kee_client_line *line = context;
    struct kee_bytes rest = bytes;
    struct kee_bytes text;

    while (!line->client->lost) {
        switch (kee_cut_next(&line->cut, &rest, &text)) {
        case KEE_CUT_TEXT:
            kee_client_receive(line->client, text);
            break;
        case KEE_CUT_NOTHING:
            break;
        case KEE_CUT_MORE:
            return bytes.size - rest.size;
        case KEE_CUT_BAD:
            kee_client_hang_up(line->client, line->cut.why);
            break;
        }
    }
    return bytes.size;
}

static void on_ended(void *context, const char *why)
{
    struct kee_client_line *line = context;

    kee_client_break(line->client, "the connection ended%s%s",
                     why == NULL ? ": the other side closed it" : ": ", why == NULL ? "" : why);
}

static const struct kee_stream_handler handler = {.data = on_data, .ended = on_ended};

/* ---- opening ---- */

static int dial_unix(int *fd, const char *path, struct kee_buf *why)
{
    int r = kee_unix_connect(fd, path);

    if (r == 0 && *fd < 0) {
        kee_buf_printf(why, "nothing listens at %s", path);
        return 1;
    }
    if (r == KEE_FAULT_SYSTEM) { /* of a host's own program: what it asked for was refused */
        kee_buf_put_str(why, kee_fault_text());
        kee_fault_clear();
        return 1;
    }
    return r;
}

/* "HOST:PORT", "HOST:PORT/SECRET". The secret is the first text. */
static enum keeve_result dial_tcp(struct kee_client_line *line, int *fd, const char *url,
                                  struct kee_buf *why)
{
    struct kee_bytes secret = kee_bytes_str(url);
    struct kee_bytes at = kee_bytes_cut(&secret, '/');
    struct kee_buf text = KEE_BUF_EMPTY;
    struct kee_tcp_place place;
    int r;

    if (!kee_tcp_place_parse(&place, at) || !kee_bytes_is_utf8(secret)) {
        kee_buf_put_str(why, "url: expected tcp://HOST:PORT or tcp://HOST:PORT/SECRET");
        return KEEVE_BAD;
    }
    r = kee_tcp_connect(fd, &place, why);
    if (r == 0 && secret.size > 0) {
        kee_buf_put_json_string(&text, secret);
        r = kee_buf_status(&text);
        r = r < 0 ? r : emit(line, kee_buf_bytes(&text));
    }
    kee_buf_fini(&text);
    return r == 0                  ? KEEVE_OK
           : r > 0                 ? KEEVE_REFUSED
           : r == KEE_FAULT_MEMORY ? KEEVE_MEMORY
                                   : KEEVE_REFUSED;
}

static enum keeve_result dial(struct kee_client_line *line, int *fd, const char *url,
                              struct kee_buf *why)
{
    int r;

    if (strncmp(url, "tcp://", 6) == 0) {
        return dial_tcp(line, fd, url + 6, why);
    }
    if (strncmp(url, "unix:", 5) == 0) {
        url += 5;
    } else if (strstr(url, "://") != NULL) {
        kee_buf_printf(why, "url: expected a path, unix:PATH or tcp://HOST:PORT, found \"%.60s\"",
                       url);
        return KEEVE_BAD;
    }
    r = dial_unix(fd, url, why);
    return r == 0 ? KEEVE_OK : r > 0 ? KEEVE_REFUSED : KEEVE_MEMORY;
}

static void free_line(struct kee_client_line *line)
{
    if (line != NULL) {
        kee_stream_free(line->stream);
        if (line->loop != NULL) {
            kee_loop_free(line->loop);
        }
        kee_buf_fini(&line->out);
        free(line);
    }
}

static int open_line(struct keeve_client **out, const struct keeve_client_options *options)
{
    struct kee_client_line *line = calloc(1, sizeof *line);
    int r = line == NULL ? kee_fault(KEE_FAULT_MEMORY, "a connection") : 0;

    if (r == 0) {
        kee_cut_init(&line->cut, options->netstrings ? KEE_CUT_NETSTRINGS : KEE_CUT_LINES,
                     options->text_bytes_max == 0 ? KEE_LIMIT_CAPTP_TEXT_BYTES
                                                  : options->text_bytes_max);
        line->on_lost = options->on_lost;
        line->context = options->context;
        r = kee_client_new(out, emit, line);
    }
    if (r == 0) {
        (*out)->line = line;
        (*out)->stirred = true; /* the loop is to look at the socket */
        line->client = *out;
        r = kee_loop_new(&line->loop);
    } else {
        free_line(line);
    }
    return r;
}

static enum keeve_result check_options(const struct keeve_client_options *options,
                                       struct kee_buf *why)
{
    if (options == NULL || options->size != sizeof *options) {
        kee_buf_printf(why,
                       "options.size: expected sizeof(struct keeve_client_options), %zu, found %zu",
                       sizeof *options, options == NULL ? 0 : options->size);
        return KEEVE_BAD;
    }
    if (options->url == NULL || *options->url == 0 ||
        options->text_bytes_max > KEE_LIMIT_CAPTP_TEXT_BYTES) {
        kee_buf_printf(why, "options: expected a url, and a text_bytes_max of at most %u",
                       KEE_LIMIT_CAPTP_TEXT_BYTES);
        return KEEVE_BAD;
    }
    return KEEVE_OK;
}

static enum keeve_result open_client(struct keeve_client **out,
                                     const struct keeve_client_options *options,
                                     struct kee_buf *why)
{
    enum keeve_result result = check_options(options, why);
    int fd = -1;

    if (result == KEEVE_OK && open_line(out, options) < 0) {
        result = KEEVE_MEMORY; /* the loop may lack descriptors, too: see why */
    }
    if (result == KEEVE_OK) {
        result = dial((*out)->line, &fd, options->url, why);
    }
    if (result == KEEVE_OK &&
        kee_stream_new(&(*out)->line->stream, (*out)->line->loop, fd, &handler, (*out)->line) < 0) {
        kee_fd_close(fd);
        result = KEEVE_MEMORY;
    }
    return result;
}

static void free_client(struct keeve_client *client)
{
    if (client != NULL) {
        struct kee_client_line *line = client->line;
        kee_client_free(client);
        free_line(line);
    }
}

enum keeve_result keeve_client_open(struct keeve_client **out,
                                    const struct keeve_client_options *options,
                                    struct keeve_error *error)
{
    struct keeve_client *client = NULL;
    struct kee_buf why = KEE_BUF_EMPTY;
    enum keeve_result result = open_client(&client, options, &why);

    if (result == KEEVE_MEMORY && why.size == 0) {
        kee_buf_put_str(&why, kee_fault_text());
    }
    kee_fault_clear();
    if (error != NULL) {
        (void)snprintf(error->text, sizeof error->text, "%s",
                       kee_buf_cstr(&why) == NULL ? "out of memory" : kee_buf_cstr(&why));
    }
    kee_buf_fini(&why);
    if (result != KEEVE_OK) {
        free_client(client);
        return result;
    }
    *out = client;
    return KEEVE_OK;
}

void keeve_client_close(struct keeve_client *client)
{
    if (client == NULL) {
        return;
    }
    kee_assert(!client->in_callback);
    kee_client_hang_up(client, "the client was closed");
    flush(client->line);
    kee_client_tell(client);
    free_client(client);
}

/* ---- turning ---- */

int keeve_client_fd(const struct keeve_client *client)
{
    return kee_loop_fd(client->line->loop);
}

int keeve_client_timeout_ms(struct keeve_client *client)
{
    bool due = client->stirred || client->line->out.size > 0 || !kee_list_is_empty(&client->told) ||
               (client->lost && !client->lost_told);

    return due ? 0 : kee_loop_timeout_ms(client->line->loop);
}

size_t keeve_client_backlog(const struct keeve_client *client)
{
    return client->line->out.size + kee_stream_backlog(client->line->stream);
}

enum keeve_result keeve_client_turn(struct keeve_client *client)
{
    struct kee_client_line *line = client->line;

    if (client->in_callback) {
        return kee_client_decline(client, KEEVE_STATE, "called from inside a callback");
    }
    flush(line);
    client->stirred = false;
    (void)kee_loop_pass(line->loop);
    kee_client_tell(client);
    flush(line);
    if (client->lost && kee_list_is_empty(&client->told)) {
        client->stirred = false; /* nothing is to be done any more */
        if (line->on_lost != NULL) {
            void (*on_lost)(void *context, const char *why) = line->on_lost;
            line->on_lost = NULL;
            client->in_callback = true;
            on_lost(line->context, client->lost_why);
            client->in_callback = false;
        }
    }
    return kee_client_may(client);
}

enum keeve_result keeve_client_wait(struct keeve_client *client, int timeout_ms)
{
    if (client->in_callback || client->lost) {
        return keeve_client_turn(client);
    }
    flush(client->line);
    if (client->stirred && kee_list_is_empty(&client->told)) {
        (void)kee_loop_pass(client->line->loop); /* what is to be watched is, from now on */
        client->stirred = false;
    }
    if (kee_list_is_empty(&client->told) && !client->lost) {
        int own_ms = keeve_client_timeout_ms(client);
        if (timeout_ms < 0 || (own_ms >= 0 && own_ms < timeout_ms)) {
            timeout_ms = own_ms;
        }
        kee_loop_wait(client->line->loop, timeout_ms);
    }
    return keeve_client_turn(client);
}
