/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unix_socket - sockets of this machine: listening at a path, connecting to one, pairs.
 *
 * Every descriptor given is closed on exec and does not block, but where said.
 */
#ifndef KEE_OS_UNIX_SOCKET_H
#define KEE_OS_UNIX_SOCKET_H

#include <stdbool.h>

#include "base/bytes.h"

/* The longest path the system takes. */
#define KEE_UNIX_PATH_BYTES_MAX 107u

/* Listens at path, for the owner alone (0600 before anyone can connect). A file left over from a
 * process that is gone is replaced; the caller holds a lock that says no live one is behind it. */
int kee_unix_listen(int *out, const char *path);
/* The next client, or *out = -1 if none waits. */
int kee_unix_accept(int *out, int listener);
/* Connects; the descriptor blocks. *out = -1 if nothing listens there, or no such place can be. */
int kee_unix_connect(int *out, const char *path);

/* Two ends of a stream; the second one blocks. send_bytes asks for that much room in each direction. */
int kee_unix_pair(int out[2], int send_bytes);
/* The same, but of whole messages: one write is one read. */
int kee_unix_message_pair(int out[2]);

/* Sends a message with a descriptor. *sent is false if the socket is full. */
int kee_unix_send_fd(int fd, struct kee_bytes message, int passed_fd, bool *sent);
/* Receives a message. *size: -1 nothing there, 0 the peer is gone. */
int kee_unix_receive(int fd, void *data, size_t room, long *size);
/* False after timeout_ms. */
bool kee_unix_wait_readable(int fd, int timeout_ms);
void kee_unix_close(int fd);

#endif
