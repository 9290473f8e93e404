/* SPDX-License-Identifier: Apache-2.0 */
/*
 * control - the daemon's end of docs/formats/control.md: clients, their lines, requests and answers.
 *
 *   line ──► request ──handler──► ... ──► one of result, error        (or, of a stream:
 *                                         event, event, ..., result)
 *
 * What the requests mean is the handler's matter. A request is answered once, at any time, and is gone
 * then. If its client leaves first, the request is cancelled and is gone then.
 *
 * A client that sends more than it may have under way, or does not read its answers, is not read from
 * until that changes. Streams to a client that does not read them are ended.
 *
 * Threads  none: lives on one loop.
 */
#ifndef KEE_DAEMON_CONTROL_H
#define KEE_DAEMON_CONTROL_H

#include <jansson.h>

#include "base/bytes.h"
#include "os/loop.h"

struct kee_control_server;
struct kee_request;

struct kee_control_handler {
    /* params is an object (empty if the client gave none), borrowed. */
    void (*request)(void *context, struct kee_request *request, const char *method,
                    const json_t *params);
    /* The client left: the request must not be touched after this returns. Comes from the loop; for a
     * stream's request also from kee_request_event(). */
    void (*cancelled)(void *context, struct kee_request *request);
    void (*note)(void *context, const char *text);
};

/* Takes listener. Keeps handler and context until free. */
int kee_control_server_new(struct kee_control_server **out, struct kee_loop *loop, int listener,
                           const struct kee_control_handler *handler, void *context);
/* Drops all clients; requests are cancelled. Not from inside the handler. */
void kee_control_server_free(struct kee_control_server *server);
size_t kee_control_server_clients(const struct kee_control_server *server);

/* json is the text of one JSON value. These end the request. */
void kee_request_result(struct kee_request *request, struct kee_bytes json);
void kee_request_error(struct kee_request *request, const char *code, const char *message);
/* One event of a stream. False if the client reads too slowly: the stream was ended with an error,
 * cancelled() was called, and the request is gone. */
bool kee_request_event(struct kee_request *request, struct kee_bytes json);
/* Bytes that wait for this client: a long listing goes on when it is small. */
size_t kee_request_backlog(const struct kee_request *request);

/* A place for the handler's own data. */
void kee_request_set_data(struct kee_request *request, void *data);
void *kee_request_data(const struct kee_request *request);

#endif
