/* SPDX-License-Identifier: Apache-2.0 */
/*
 * web - HTTP/1.1 and WebSockets, as the module keeve-web.so has them: on the library libwebsockets, which
 * no program loads that opens no web door.
 *
 *   /captp/SECRET   a WebSocket of text frames: a channel (net/channel.h)
 *   /client.js      the client, one ES module           (own directory)
 *   /               a page: of pages, or else our own
 *   anything else   a file of pages; nothing without pages
 *
 * Connections come from the owner, accepted. Who knocks and enters is a door's matter (net/door.h).
 *
 * Threads  none: lives on one loop, which must be libuv's (kee_loop_uv).
 */
#ifndef KEE_NET_WEB_H
#define KEE_NET_WEB_H

#include "net/door.h"
#include "net/origin.h"

struct uv_loop_s;
struct kee_web;

/* Borrowed until the web is closed. */
struct kee_web_options {
    struct uv_loop_s *loop;
    struct kee_origins origins;
    int pages_fd; /* a directory whose files are shown; -1: none */
    int own_fd;   /* a directory with index.html and client.js; -1: none */
    const struct kee_door_handler *handler;
    void *context;
};

struct kee_web_module {
    /* Gives NULL when it cannot be, with the reason in why. */
    struct kee_web *(*open)(const struct kee_web_options *options, char *why, size_t why_room);
    /* Takes an accepted socket. */
    void (*take)(struct kee_web *web, int fd);
    /* All its connections and channels go; it may turn the loop for that. NULL is fine. */
    void (*close)(struct kee_web *web);
};

#define KEE_WEB_SYMBOL "kee_web_module"
typedef const struct kee_web_module *kee_web_module_fn(void);

#endif
