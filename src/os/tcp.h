/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tcp - sockets of the network: listening at and connecting to HOST:PORT.
 *
 * Every descriptor given is closed on exec, does not block, sends small messages at once, and notices
 * within minutes that the other machine is gone.
 *
 * Returns  0 done; <0 fault; >0 outcome UNFIT, with a sentence for a person in why.
 */
#ifndef KEE_OS_TCP_H
#define KEE_OS_TCP_H

#include <stdbool.h>

#include "base/bytes.h"

enum kee_tcp_outcome { KEE_TCP_UNFIT = 1 };

/* The host as given, without the brackets of an IPv6 address; and the port. */
struct kee_tcp_place {
    char host[256];
    uint16_t port;
};

/* Reads "127.0.0.1:8080", "[::1]:8080", "localhost:8080". False if it is none such. */
bool kee_tcp_place_parse(struct kee_tcp_place *out, struct kee_bytes text);
/* Appends it in that form. */
void kee_tcp_place_put(struct kee_buf *buf, const struct kee_tcp_place *place);
/* Is the host an address of digits, which no name server can lead elsewhere? */
bool kee_tcp_is_address(const char *host);

struct kee_tcp_listener {
    int fd;
    struct kee_tcp_place
        place;     /* the address it was bound to; the port that was free, if it was 0 */
    bool is_local; /* only this machine can connect */
};

/* Listens at the host's first IPv4 address, or else at its first address. */
int kee_tcp_listen(struct kee_tcp_listener *out, const struct kee_tcp_place *place,
                   struct kee_buf *why);
/* The next client, or *out = -1 if none waits. */
int kee_tcp_accept(int *out, int listener);
/* Begins to connect to an address of digits: what is written before that is done waits, and if it fails
 * the stream over it ends with the reason. */
int kee_tcp_connect_begin(int *out, const struct kee_tcp_place *place, struct kee_buf *why);
/* Blocks until connected. */
int kee_tcp_connect(int *out, const struct kee_tcp_place *place, struct kee_buf *why);

#endif
