/* SPDX-License-Identifier: Apache-2.0 */
/*
 * web - the module: one context of libwebsockets on the owner's loop; see net/web.h.
 *
 * Everything happens inside callbacks of libwebsockets; what our side wants of a connection is asked for
 * (a turn to write, its end) and done in the callback that follows.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <uv.h>

#include "base/limits.h"
#include "net/web/web_internal.h"

#define HEAD_SECONDS (KEE_LIMIT_DOOR_STRANGER_MS / 1000)
#define KEEP_ALIVE_SECONDS 5
#define CLOSING_TURNS 100
#define BUFFER_BYTES (64u * 1024)

__attribute__((visibility("default"))) kee_web_module_fn kee_web_module;

static int on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                    size_t size)
{
    struct visit *visit = lws_get_opaque_user_data(wsi);

    (void)user;
    if (visit == NULL) {
        return 0; /* of the context itself, or before it is ours */
    }
    switch (reason) {
    case LWS_CALLBACK_HTTP:
        return kee_visit_request(visit);
    case LWS_CALLBACK_HTTP_WRITEABLE:
        return kee_visit_send_on(visit);
    case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
        return kee_visit_upgrade(visit, in);
    case LWS_CALLBACK_ESTABLISHED:
        return kee_socket_enter(visit);
    case LWS_CALLBACK_RECEIVE:
        return kee_socket_receive(visit, in, size);
    case LWS_CALLBACK_SERVER_WRITEABLE:
        return kee_socket_writable(visit);
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
        return kee_socket_told_to_close(visit);
    case LWS_CALLBACK_CLOSED:
        kee_socket_closed(visit);
        return 0;
    case LWS_CALLBACK_WSI_DESTROY:
        kee_socket_closed(visit);
        visit->web->strangers -= !visit->is_session;
        if (visit->fd >= 0) {
            (void)close(visit->fd);
        }
        lws_set_opaque_user_data(wsi, NULL);
        free(visit);
        return 0;
    default:
        return 0;
    }
}

static const struct lws_protocols protocols[] = {
    {.name = "captp", .callback = on_event, .rx_buffer_size = BUFFER_BYTES},
    {.name = NULL},
};

/* libwebsockets loads its part for libuv, and lets go of it while libuv is still closing what that part
 * began: so it is held here, until the process ends. */
static bool hold_part_for_libuv(char *why, size_t why_room)
{
    if (dlopen("libwebsockets-evlib_uv.so", RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE) == NULL) {
        (void)snprintf(why, why_room,
                       "libwebsockets lacks its part for libuv; install the package "
                       "libwebsockets-evlib-uv (%s)",
                       dlerror());
        return false;
    }
    return true;
}

static struct kee_web *web_open(const struct kee_web_options *options, char *why, size_t why_room)
{
    struct kee_web *web = calloc(1, sizeof *web);
    void *loops[] = {options->loop};
    const struct lws_context_creation_info info = {
        .port = CONTEXT_PORT_NO_LISTEN_SERVER,
        .protocols = protocols,
        .gid = (gid_t)-1,
        .uid = (uid_t)-1,
        .options = LWS_SERVER_OPTION_LIBUV,
        .foreign_loops = loops,
        .pcontext = web == NULL ? NULL : &web->context,
        .max_http_header_data = KEE_LIMIT_HTTP_HEAD_BYTES,
        .max_http_header_pool = KEE_LIMIT_DOOR_STRANGERS,
        .timeout_secs = HEAD_SECONDS,
        .timeout_secs_ah_idle = HEAD_SECONDS,
        .keepalive_timeout = KEEP_ALIVE_SECONDS,
        .fd_limit_per_thread = KEE_LIMIT_DOOR_STRANGERS + KEE_LIMIT_SESSIONS + 16,
        .pt_serv_buf_size = BUFFER_BYTES,
        .server_string = "keeve",
    };

    if (web == NULL) {
        (void)snprintf(why, why_room, "out of memory");
        return NULL;
    }
    if (!hold_part_for_libuv(why, why_room)) {
        free(web);
        return NULL;
    }
    web->options = *options;
    lws_set_log_level(0, NULL);
    web->context = lws_create_context(&info);
    if (web->context == NULL) {
        (void)snprintf(why, why_room, "libwebsockets cannot begin");
        free(web);
        return NULL;
    }
    return web;
}

static void web_take(struct kee_web *web, int fd)
{
    struct visit *visit = NULL;

    if (web->strangers >= KEE_LIMIT_DOOR_STRANGERS || (visit = calloc(1, sizeof *visit)) == NULL) {
        (void)close(fd);
        return;
    }
    visit->web = web;
    visit->fd = -1;
    visit->wsi = lws_adopt_socket(web->context, fd); /* closes fd if it fails */
    if (visit->wsi == NULL) {
        free(visit);
        return;
    }
    web->strangers++;
    lws_set_opaque_user_data(visit->wsi, visit);
}

static void web_close(struct kee_web *web)
{
    if (web == NULL) {
        return;
    }
    /* It goes in steps, between which the loop turns; the context becomes NULL with the last one. */
    lws_context_destroy(web->context);
    for (int turns = 0; web->context != NULL && turns < CLOSING_TURNS; turns++) {
        (void)uv_run(web->options.loop, UV_RUN_NOWAIT);
    }
    free(web);
}

const struct kee_web_module *kee_web_module(void)
{
    static const struct kee_web_module module = {web_open, web_take, web_close};

    return &module;
}
