/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz target: what a client of the daemon says on its socket. Every line of it is answered with a line
 * of JSON, or the connection ends; the server and another client go on.
 */
#include <jansson.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/assert.h"
#include "daemon/control.h"
#include "os/unix_socket.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SAID_MAX 65536u
#define ROUNDS_MAX 100000

struct server {
    struct kee_loop *loop;
    struct kee_timer *timer;
    struct kee_control_server *control;
    char path[64];
};

static void on_request(void *context, struct kee_request *request, const char *method,
                       const json_t *params)
{
    char *text;

    if (method[0] == 'f') {
        kee_request_error(request, "STATE", method);
        return;
    }
    if (method[0] == 'e' && !kee_request_event(request, KEE_BYTES_LIT("[1]"))) {
        return;
    }
    text = json_dumps(params, JSON_COMPACT);
    kee_assert(text != NULL);
    kee_request_result(request, kee_bytes_str(text));
    free(text);
}

static void on_cancelled(void *context, struct kee_request *request)
{
    (void)context;
    (void)request;
}

static void on_note(void *context, const char *text)
{
    (void)context;
    (void)text;
}

static void on_timer(void *context)
{
    kee_loop_stop(((struct server *)context)->loop);
}

static struct server *server_of(void)
{
    static const struct kee_control_handler handler = {on_request, on_cancelled, on_note};
    static struct server server;
    int listener;

    if (server.loop == NULL) {
        char directory[] = "/tmp/keeve-fuzz-XXXXXX";
        kee_assert(mkdtemp(directory) != NULL);
        (void)snprintf(server.path, sizeof server.path, "%s/s", directory);
        kee_assert(kee_loop_new(&server.loop) == 0);
        kee_assert(kee_timer_new(&server.timer, server.loop, on_timer, &server) == 0);
        kee_assert(kee_unix_listen(&listener, server.path) == 0);
        kee_assert(
            kee_control_server_new(&server.control, server.loop, listener, &handler, &server) == 0);
    }
    return &server;
}

static void one_round(struct server *server)
{
    kee_timer_set(server->timer, kee_loop_now_ms(server->loop)); /* it does not wait */
    kee_assert(kee_loop_run(server->loop) == 0);
}

/* All that is said to fd until the server has closed it. */
static void hear(struct server *server, int fd, struct kee_buf *out)
{
    static uint8_t room[65536];
    ssize_t n = -1;

    for (int rounds = 0; n != 0; rounds++) {
        kee_assert(rounds < ROUNDS_MAX);
        one_round(server);
        while ((n = recv(fd, room, sizeof room, MSG_DONTWAIT)) > 0) {
            kee_buf_put(out, room, (size_t)n);
        }
    }
}

static void check_lines(struct kee_bytes said)
{
    while (said.size > 0) {
        struct kee_bytes line = kee_bytes_cut(&said, '\n');
        json_t *json = json_loadb((const char *)line.data, line.size, 0, NULL);
        kee_assert(json != NULL && json_object_get(json, "id") != NULL);
        json_decref(json);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct server *server = server_of();
    struct kee_buf said = KEE_BUF_EMPTY;
    int fd;

    if (size > SAID_MAX) {
        return 0;
    }
    kee_assert(kee_unix_connect(&fd, server->path) == 0 && fd >= 0);
    kee_assert(size == 0 || send(fd, data, size, MSG_NOSIGNAL) == (ssize_t)size);
    kee_assert(shutdown(fd, SHUT_WR) == 0);
    hear(server, fd, &said);
    check_lines(kee_buf_bytes(&said));
    kee_unix_close(fd);
    kee_assert(kee_control_server_clients(server->control) == 0);
    kee_buf_fini(&said);
    return 0;
}
