/* SPDX-License-Identifier: Apache-2.0 */
/*
 * door - a listener, and those who are before it: strangers, until they have shown whose guests they are.
 *
 *   unix   whoever can connect is let in: the file's mode says who can
 *   tcp    the first text of a connection is a secret, as a JSON string: "SECRET"
 *   web    whoever connects is handed on, to net/web.h
 *
 *   connect ──► stranger ──knock(secret)──► enter(who, channel)
 *                  │
 *                  └── too slow, too long, nobody's secret: closed
 *
 * Strangers are few and have little time and room; when there are too many, the next ones wait in the
 * listener's queue. A wrong secret costs its sender a second.
 *
 * Owns     its listening descriptor and its strangers; who entered is no matter of the door any more.
 * Threads  none: lives on one loop.
 * Returns  0 done; <0 fault.
 */
#ifndef KEE_NET_DOOR_H
#define KEE_NET_DOOR_H

#include "net/channel.h"

struct kee_door;

struct kee_door_handler {
    /* Whose secret is it? NULL: nobody's. A door that asks for none gives one with data NULL. Asked in
     * constant time, whatever the secret. */
    void *(*knock)(void *context, struct kee_bytes secret);
    /* Who is what knock() just gave. Takes the channel; attends to it at once. */
    void (*enter)(void *context, void *who, struct kee_channel *channel);
    void (*note)(void *context, const char *text);
};

/* Takes the listener, also when it fails. Keeps handler and context. */
int kee_door_new_unix(struct kee_door **out, struct kee_net *net, int listener,
                      const struct kee_door_handler *handler, void *context);
int kee_door_new_tcp(struct kee_door **out, struct kee_net *net, int listener,
                     const struct kee_door_handler *handler, void *context);
/* take takes what was accepted, and is called with the handler's context. */
int kee_door_new_web(struct kee_door **out, struct kee_net *net, int listener,
                     void (*take)(void *context, int fd), const struct kee_door_handler *handler,
                     void *context);
/* Lets nobody else come for that long. */
void kee_door_rest(struct kee_door *door, uint64_t delay_ms);
/* NULL is fine. Not from inside its handler. */
void kee_door_free(struct kee_door *door);

#endif
