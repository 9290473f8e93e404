/* SPDX-License-Identifier: Apache-2.0 */
/* door - see door.h. */
#include "net/door.h"

#include <stdlib.h>

#include "base/fault.h"
#include "base/limits.h"
#include "os/tcp.h"
#include "os/unix_socket.h"

/* How long no client is accepted after accepting failed, for want of descriptors. */
#define ACCEPT_PAUSE_MS 500
/* Of one wake-up, so that a crowd at the door does not starve those inside. */
#define ACCEPTS_PER_EVENT 64

struct kee_door {
    struct kee_net *net;
    int listener;
    void (*take)(void *context, int fd); /* of a web door */
    bool is_open;                        /* lets everyone in */
    struct kee_watch *watch;
    struct kee_timer *pause;
    bool rests; /* until the pause is over */
    const struct kee_door_handler *handler;
    void *context;
    struct kee_link strangers;
    size_t stranger_count;
};

struct stranger {
    struct kee_link link;
    struct kee_door *door;
    struct kee_channel *channel;
    struct kee_timer *timer;
};

static void watch_listener(struct kee_door *door)
{
    if (door->rests) {
        return;
    }
    kee_watch_set(door->watch,
                  door->stranger_count < KEE_LIMIT_DOOR_STRANGERS ? KEE_WATCH_READ : 0);
}

/* The channel is another's by now, or freed. */
static void forget(struct stranger *stranger)
{
    kee_list_remove(&stranger->link);
    stranger->door->stranger_count--;
    watch_listener(stranger->door);
    kee_timer_free(stranger->timer);
    free(stranger);
}

static void turn_away(struct stranger *stranger)
{
    kee_channel_free(stranger->channel);
    forget(stranger);
}

static void on_time_over(void *context)
{
    turn_away(context);
}

static void on_stranger_ended(void *context, const char *why)
{
    (void)why;
    turn_away(context);
}

/* A secret holds no character that JSON would escape. */
static bool unquote(struct kee_bytes *text)
{
    if (text->size < 2 || text->data[0] != '"' || text->data[text->size - 1] != '"') {
        return false;
    }
    *text = kee_bytes_of(text->data + 1, text->size - 2);
    return true;
}

static void on_secret(void *context, struct kee_bytes text)
{
    struct stranger *stranger = context;
    struct kee_door *door = stranger->door;
    struct kee_channel *channel = stranger->channel;
    void *who = unquote(&text) ? door->handler->knock(door->context, text) : NULL;

    if (who == NULL) {
        kee_channel_pause(channel, true);
        kee_timer_set(stranger->timer, kee_loop_now_ms(door->net->loop) + KEE_LIMIT_DOOR_WRONG_MS);
        return;
    }
    forget(stranger);
    kee_channel_set_text_max(channel, KEE_LIMIT_CAPTP_TEXT_BYTES);
    door->handler->enter(door->context, who, channel);
}

static const struct kee_channel_handler stranger_handler = {on_secret, on_stranger_ended, NULL};

/* Takes fd. */
static int add_stranger(struct kee_door *door, int fd)
{
    struct stranger *stranger = calloc(1, sizeof *stranger);
    int r;

    if (stranger == NULL) {
        kee_unix_close(fd);
        return kee_fault(KEE_FAULT_MEMORY, "stranger");
    }
    stranger->door = door;
    r = kee_channel_new(&stranger->channel, door->net, fd, KEE_CUT_OPEN,
                        KEE_LIMIT_DOOR_SECRET_BYTES);
    if (r == 0) {
        r = kee_timer_new(&stranger->timer, door->net->loop, on_time_over, stranger);
    }
    if (r < 0) {
        kee_channel_free(stranger->channel);
        free(stranger);
        return r;
    }
    kee_channel_attend(stranger->channel, &stranger_handler, stranger);
    kee_timer_set(stranger->timer, kee_loop_now_ms(door->net->loop) + KEE_LIMIT_DOOR_STRANGER_MS);
    kee_list_append(&door->strangers, &stranger->link);
    door->stranger_count++;
    return 0;
}

/* Takes fd. */
static int let_in(struct kee_door *door, int fd)
{
    struct kee_channel *channel = NULL;
    void *who = door->handler->knock(door->context, kee_bytes_of(NULL, 0));
    int r;

    if (who == NULL) {
        kee_unix_close(fd);
        return 0;
    }
    r = kee_channel_new(&channel, door->net, fd, KEE_CUT_OPEN, KEE_LIMIT_CAPTP_TEXT_BYTES);
    if (r == 0) {
        door->handler->enter(door->context, who, channel);
    }
    return r;
}

static int accept_one(struct kee_door *door, bool *none)
{
    int fd = -1;
    int r =
        door->is_open ? kee_unix_accept(&fd, door->listener) : kee_tcp_accept(&fd, door->listener);

    *none = r == 0 && fd < 0;
    if (r < 0 || fd < 0) {
        return r;
    }
    if (door->take != NULL) {
        door->take(door->context, fd);
        return 0;
    }
    return door->is_open ? let_in(door, fd) : add_stranger(door, fd);
}

void kee_door_rest(struct kee_door *door, uint64_t delay_ms)
{
    door->rests = true;
    kee_watch_set(door->watch, 0);
    kee_timer_set(door->pause, kee_loop_now_ms(door->net->loop) + delay_ms);
}

static void on_connect(void *context, unsigned events)
{
    struct kee_door *door = context;
    bool none = false;

    (void)events;
    for (int i = 0;
         i < ACCEPTS_PER_EVENT && !door->rests && door->stranger_count < KEE_LIMIT_DOOR_STRANGERS;
         i++) {
        int r = accept_one(door, &none);
        if (r < 0) {
            door->handler->note(door->context, kee_fault_text());
            kee_fault_clear();
            kee_door_rest(door, ACCEPT_PAUSE_MS);
            return;
        }
        if (none) {
            break;
        }
    }
    watch_listener(door);
}

static void on_pause_over(void *context)
{
    struct kee_door *door = context;

    door->rests = false;
    watch_listener(door);
}

static int make(struct kee_door **out, struct kee_net *net, int listener, bool is_open,
                const struct kee_door_handler *handler, void *context)
{
    struct kee_door *door = calloc(1, sizeof *door);
    int r;

    if (door == NULL) {
        kee_unix_close(listener);
        return kee_fault(KEE_FAULT_MEMORY, "door");
    }
    door->net = net;
    door->listener = listener;
    door->is_open = is_open;
    door->handler = handler;
    door->context = context;
    kee_list_init(&door->strangers);
    r = kee_watch_new(&door->watch, net->loop, listener, on_connect, door);
    if (r == 0) {
        r = kee_timer_new(&door->pause, net->loop, on_pause_over, door);
    }
    if (r < 0) {
        kee_door_free(door);
        return r;
    }
    watch_listener(door);
    *out = door;
    return 0;
}

int kee_door_new_unix(struct kee_door **out, struct kee_net *net, int listener,
                      const struct kee_door_handler *handler, void *context)
{
    return make(out, net, listener, true, handler, context);
}

int kee_door_new_tcp(struct kee_door **out, struct kee_net *net, int listener,
                     const struct kee_door_handler *handler, void *context)
{
    return make(out, net, listener, false, handler, context);
}

int kee_door_new_web(struct kee_door **out, struct kee_net *net, int listener,
                     void (*take)(void *context, int fd), const struct kee_door_handler *handler,
                     void *context)
{
    int r = make(out, net, listener, false, handler, context);

    if (r == 0) {
        (*out)->take = take;
    }
    return r;
}

void kee_door_free(struct kee_door *door)
{
    if (door == NULL) {
        return;
    }
    while (!kee_list_is_empty(&door->strangers)) {
        turn_away(KEE_CONTAINER(door->strangers.next, struct stranger, link));
    }
    kee_watch_free(door->watch);
    kee_timer_free(door->pause);
    kee_unix_close(door->listener);
    free(door);
}
