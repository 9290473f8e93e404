/* SPDX-License-Identifier: Apache-2.0 */
/* control - see control.h. */
#include "daemon/control.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/fault.h"
#include "base/limits.h"
#include "base/list.h"
#include "daemon/json_text.h"
#include "os/stream.h"
#include "os/unix_socket.h"

/* An id comes back with every answer: it may not be used to make answers long. */
#define ID_BYTES_MAX 256
/* How long no client is accepted after accepting failed, for want of descriptors. */
#define ACCEPT_PAUSE_MS 500

struct kee_control_server {
    struct kee_loop *loop;
    int listener;
    struct kee_watch *watch;
    struct kee_timer *pause;
    const struct kee_control_handler *handler;
    void *context;
    struct kee_link clients;
    size_t count;
};

struct client {
    struct kee_link link;
    struct kee_control_server *server;
    struct kee_stream *stream;
    struct kee_link requests;
    size_t under_way;
    size_t scanned;    /* bytes of the unfinished line that hold no newline */
    bool says_no_more; /* it has closed its sending side */
    bool leaving;      /* to be dropped once its answers have left */
    bool busy;         /* inside on_data: dropping waits */
};

struct kee_request {
    struct kee_link link;
    struct client *client;
    char *id; /* as JSON */
    void *data;
};

static void free_request(struct kee_request *request)
{
    kee_list_remove(&request->link);
    request->client->under_way--;
    free(request->id);
    free(request);
}

static void watch_listener(struct kee_control_server *server)
{
    kee_watch_set(server->watch, server->count < KEE_LIMIT_CONTROL_CLIENTS ? KEE_WATCH_READ : 0);
}

static void drop(struct client *client)
{
    struct kee_control_server *server = client->server;

    while (!kee_list_is_empty(&client->requests)) {
        struct kee_request *request =
            KEE_CONTAINER(client->requests.next, struct kee_request, link);
        server->handler->cancelled(server->context, request);
        free_request(request);
    }
    kee_list_remove(&client->link);
    kee_stream_free(client->stream);
    server->count--;
    free(client);
    watch_listener(server);
}

/* Has the client had all it will get? Then lets it go. May free it. */
static void let_go(struct client *client)
{
    bool done = client->leaving || (client->says_no_more && client->under_way == 0);

    if (done && !client->busy && kee_stream_backlog(client->stream) == 0) {
        drop(client);
    }
}

static bool may_send_more(const struct client *client)
{
    return !client->leaving && client->under_way < KEE_LIMIT_CONTROL_REQUESTS &&
           kee_stream_backlog(client->stream) < KEE_LIMIT_CONTROL_BACKLOG_BYTES;
}

/* Writes {"id":ID,"KEY":json}. A client for whom there is no memory loses its connection. */
static void say(struct client *client, const char *id, const char *key, struct kee_bytes json)
{
    struct kee_buf line = KEE_BUF_EMPTY;

    kee_buf_printf(&line, "{\"id\":%s,\"%s\":", id, key);
    kee_buf_put_bytes(&line, json);
    kee_buf_put_str(&line, "}\n");
    if (line.failed) {
        client->leaving = true;
        kee_fault_clear();
    } else {
        kee_stream_write(client->stream, kee_buf_bytes(&line));
    }
    kee_buf_fini(&line);
}

static void say_error(struct client *client, const char *id, const char *code, const char *message)
{
    struct kee_buf json = KEE_BUF_EMPTY;

    kee_buf_put_char(&json, '{');
    kee_json_put_text_member(&json, "code", kee_bytes_str(code));
    kee_json_put_text_member(&json, "message", kee_bytes_str(message));
    kee_buf_put_char(&json, '}');
    if (json.failed) {
        client->leaving = true;
    } else {
        say(client, id, "error", kee_buf_bytes(&json));
    }
    kee_buf_fini(&json);
}

/* After an answer: reads on if that is possible again. */
static void resume(struct client *client)
{
    if (may_send_more(client)) {
        kee_stream_pause(client->stream, false);
    }
}

static void finish(struct kee_request *request)
{
    struct client *client = request->client;

    free_request(request);
    resume(client);
    if (client->under_way == 0) {
        let_go(client);
    }
}

void kee_request_result(struct kee_request *request, struct kee_bytes json)
{
    say(request->client, request->id, "result", json);
    finish(request);
}

void kee_request_error(struct kee_request *request, const char *code, const char *message)
{
    say_error(request->client, request->id, code, message);
    finish(request);
}

bool kee_request_event(struct kee_request *request, struct kee_bytes json)
{
    struct client *client = request->client;
    struct kee_control_server *server = client->server;

    say(client, request->id, "event", json);
    if (kee_stream_backlog(client->stream) <= KEE_LIMIT_CONTROL_STREAM_BYTES) {
        return true;
    }
    server->handler->cancelled(server->context, request);
    kee_request_error(request, "STATE", "the stream was ended: its reader is too slow");
    return false;
}

size_t kee_request_backlog(const struct kee_request *request)
{
    return kee_stream_backlog(request->client->stream);
}

void kee_request_set_data(struct kee_request *request, void *data)
{
    request->data = data;
}

void *kee_request_data(const struct kee_request *request)
{
    return request->data;
}

/* The id as JSON text, or NULL if it is none. */
static char *take_id(const json_t *id)
{
    char *text;

    if (!json_is_string(id) && !json_is_number(id)) {
        return NULL;
    }
    text = json_dumps(id, JSON_ENCODE_ANY | JSON_COMPACT);
    if (text != NULL && strlen(text) > ID_BYTES_MAX) {
        free(text);
        text = NULL;
    }
    return text;
}

/* Takes id. */
static void begin_request(struct client *client, char *id, const char *method, const json_t *params)
{
    struct kee_request *request = calloc(1, sizeof *request);
    struct kee_control_server *server = client->server;
    json_t *none = NULL;

    if (request == NULL) {
        say_error(client, id, "FAULT", "out of memory");
        free(id);
        return;
    }
    request->client = client;
    request->id = id;
    kee_list_append(&client->requests, &request->link);
    client->under_way++;
    if (params == NULL) {
        params = none = json_object();
    }
    server->handler->request(server->context, request, method, params);
    json_decref(none);
}

static void on_line(struct client *client, struct kee_bytes line)
{
    json_error_t error;
    json_t *json = json_loadb((const char *)line.data, line.size, JSON_REJECT_DUPLICATES, &error);
    const json_t *params = json_object_get(json, "params");
    const char *method = json_string_value(json_object_get(json, "method"));
    struct kee_buf message = KEE_BUF_EMPTY;
    char *id = take_id(json_object_get(json, "id"));
    const char *code = "BAD";

    if (json == NULL && error.text[0] == '\0') {
        code = "FAULT";
        kee_buf_put_str(&message, "out of memory");
    } else if (json == NULL) {
        kee_buf_printf(&message, "expected a line of JSON: %s", error.text);
    } else if (!json_is_object(json)) {
        kee_buf_put_str(&message, "expected an object with id, method and params");
    } else if (id == NULL) {
        kee_buf_put_str(&message, "id: expected a number or a short string");
    } else if (method == NULL) {
        kee_buf_put_str(&message, "method: expected a string");
    } else if (params != NULL && !json_is_object(params)) {
        kee_buf_put_str(&message, "params: expected an object");
    }
    if (message.size > 0) {
        say_error(client, id == NULL ? "null" : id, code, kee_buf_cstr(&message));
        free(id);
    } else {
        begin_request(client, id, method, params);
    }
    kee_buf_fini(&message);
    json_decref(json);
}

static size_t on_data(void *context, struct kee_bytes bytes)
{
    struct client *client = context;
    struct kee_bytes rest = bytes;

    client->busy = true;
    while (may_send_more(client)) {
        const uint8_t *end =
            rest.size <= client->scanned
                ? NULL
                : memchr(rest.data + client->scanned, '\n', rest.size - client->scanned);
        size_t size = end == NULL ? rest.size : (size_t)(end - rest.data);

        client->scanned = size;
        if (size > KEE_LIMIT_CONTROL_LINE_BYTES) {
            say_error(client, "null", "BAD",
                      "a line is longer than 64 MB; the connection is closed");
            client->leaving = true;
        }
        if (end == NULL) {
            break;
        }
        client->scanned = 0;
        if (!client->leaving && size > 0) {
            on_line(client, kee_bytes_of(rest.data, size));
        }
        rest = kee_bytes_of(end + 1, rest.size - size - 1);
    }
    client->busy = false;
    if (!may_send_more(client)) {
        kee_stream_pause(client->stream, true);
    }
    size_t taken = bytes.size - rest.size;
    let_go(client);
    return taken;
}

static void on_ended(void *context, const char *why)
{
    struct client *client = context;

    client->says_no_more = true;
    if (why != NULL || kee_stream_peer_is_gone(client->stream)) {
        drop(client);
        return;
    }
    let_go(client);
}

static void on_drained(void *context)
{
    struct client *client = context;

    resume(client);
    let_go(client);
}

static const struct kee_stream_handler stream_handler = {on_data, on_ended, on_drained};

static int add_client(struct kee_control_server *server, int fd)
{
    struct client *client = calloc(1, sizeof *client);
    int r;

    if (client == NULL) {
        kee_unix_close(fd);
        return kee_fault(KEE_FAULT_MEMORY, "control client");
    }
    r = kee_stream_new(&client->stream, server->loop, fd, &stream_handler, client);
    if (r < 0) {
        kee_unix_close(fd);
        free(client);
        return r;
    }
    client->server = server;
    kee_list_init(&client->requests);
    kee_list_append(&server->clients, &client->link);
    server->count++;
    return 0;
}

static void on_connect(void *context, unsigned events)
{
    struct kee_control_server *server = context;

    (void)events;
    while (server->count < KEE_LIMIT_CONTROL_CLIENTS) {
        int fd;
        int r = kee_unix_accept(&fd, server->listener);
        if (r == 0 && fd < 0) {
            break;
        }
        if (r == 0) {
            r = add_client(server, fd);
        }
        if (r < 0) {
            server->handler->note(server->context, kee_fault_text());
            kee_fault_clear();
            kee_watch_set(server->watch, 0);
            kee_timer_set(server->pause, kee_loop_now_ms(server->loop) + ACCEPT_PAUSE_MS);
            return;
        }
    }
    watch_listener(server);
}

static void on_pause_over(void *context)
{
    watch_listener(context);
}

int kee_control_server_new(struct kee_control_server **out, struct kee_loop *loop, int listener,
                           const struct kee_control_handler *handler, void *context)
{
    struct kee_control_server *server = calloc(1, sizeof *server);
    int r;

    if (server == NULL) {
        kee_unix_close(listener);
        return kee_fault(KEE_FAULT_MEMORY, "control server");
    }
    server->loop = loop;
    server->listener = listener;
    server->handler = handler;
    server->context = context;
    kee_list_init(&server->clients);
    r = kee_watch_new(&server->watch, loop, listener, on_connect, server);
    if (r == 0) {
        r = kee_timer_new(&server->pause, loop, on_pause_over, server);
    }
    if (r < 0) {
        kee_control_server_free(server);
        return r;
    }
    watch_listener(server);
    *out = server;
    return 0;
}

void kee_control_server_free(struct kee_control_server *server)
{
    if (server == NULL) {
        return;
    }
    while (!kee_list_is_empty(&server->clients)) {
        struct client *client = KEE_CONTAINER(server->clients.next, struct client, link);
        kee_assert(!client->busy);
        drop(client);
    }
    kee_watch_free(server->watch);
    kee_timer_free(server->pause);
    kee_unix_close(server->listener);
    free(server);
}

size_t kee_control_server_clients(const struct kee_control_server *server)
{
    return server->count;
}
