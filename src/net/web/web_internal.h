/* SPDX-License-Identifier: Apache-2.0 */
/* web_internal - what the files of the module share. */
#ifndef KEE_NET_WEB_INTERNAL_H
#define KEE_NET_WEB_INTERNAL_H

#include <libwebsockets.h>

#include "base/list.h"
#include "net/web.h"

struct kee_web {
    struct kee_web_options options;
    struct lws_context *context; /* NULL again once it is destroyed */
    size_t strangers;            /* visits that are no sessions */
};

/* One connection. */
struct visit {
    struct kee_web *web;
    struct lws *wsi;
    void *who;                   /* of a WebSocket, between knocking and entering */
    struct web_channel *channel; /* of a WebSocket that is open */
    bool is_session;             /* is, or was, one */
    int fd;                      /* of the file being sent, or -1 */
    uint64_t left;
};

/* request.c: requests. Give what the callback is to give. */
int kee_visit_request(struct visit *visit);
int kee_visit_send_on(struct visit *visit);
/* May it become a WebSocket? protocol: what it is to become. */
int kee_visit_upgrade(struct visit *visit, const char *protocol);

/* socket.c: WebSockets. */
int kee_socket_enter(struct visit *visit);
int kee_socket_receive(struct visit *visit, const void *data, size_t size);
int kee_socket_writable(struct visit *visit);
/* The other side has said that it closes. */
int kee_socket_told_to_close(struct visit *visit);
void kee_socket_closed(struct visit *visit);

#endif
