/* SPDX-License-Identifier: Apache-2.0 */
/* tcp - see tcp.h. */
#include "os/tcp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/fault.h"

#define CLIENTS_WAITING_MAX 4096
/* Seconds without a word, seconds between questions, questions without answer: then it is gone. */
#define ALIVE_IDLE_S 60
#define ALIVE_AGAIN_S 15
#define ALIVE_TRIES 4

bool kee_tcp_place_parse(struct kee_tcp_place *out, struct kee_bytes text)
{
    struct kee_bytes host, port;
    size_t colon = text.size;
    uint64_t number;

    while (colon > 0 && text.data[colon - 1] != ':') {
        colon--;
    }
    if (colon < 2) {
        return false;
    }
    host = kee_bytes_of(text.data, colon - 1);
    port = kee_bytes_of(text.data + colon, text.size - colon);
    if (!kee_bytes_decimal(port, &number) || number > UINT16_MAX) {
        return false;
    }
    if (host.data[0] == '[' && host.data[host.size - 1] == ']') {
        host = kee_bytes_of(host.data + 1, host.size - 2);
    } else if (memchr(host.data, ':', host.size) != NULL) {
        return false;
    }
    if (host.size == 0 || host.size >= sizeof out->host) {
        return false;
    }
    for (size_t i = 0; i < host.size; i++) {
        uint8_t c = host.data[i];
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
              c == '.' || c == '-' || c == '_' || c == ':' || c == '%')) {
            return false;
        }
    }
    memcpy(out->host, host.data, host.size);
    out->host[host.size] = '\0';
    out->port = (uint16_t)number;
    return true;
}

void kee_tcp_place_put(struct kee_buf *buf, const struct kee_tcp_place *place)
{
    bool brackets = strchr(place->host, ':') != NULL;

    kee_buf_printf(buf, "%s%s%s:%u", brackets ? "[" : "", place->host, brackets ? "]" : "",
                   (unsigned)place->port);
}

bool kee_tcp_is_address(const char *host)
{
    uint8_t address[sizeof(struct in6_addr)];

    return inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1;
}

static int look_up(struct addrinfo **out, const struct kee_tcp_place *place, struct kee_buf *why)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    char port[8];
    int r;

    (void)snprintf(port, sizeof port, "%u", (unsigned)place->port);
    r = getaddrinfo(place->host, port, &hints, out);
    if (r == EAI_MEMORY) {
        return kee_fault(KEE_FAULT_MEMORY, "address of %s", place->host);
    }
    if (r != 0) {
        kee_buf_printf(why, "there is no address for the host %s: %s", place->host,
                       r == EAI_SYSTEM ? strerror(errno) : gai_strerror(r));
        return KEE_TCP_UNFIT;
    }
    return 0;
}

static int unfit(struct kee_buf *why, const char *what, const struct kee_tcp_place *place)
{
    int error = errno;

    kee_buf_printf(why, "%s ", what);
    kee_tcp_place_put(why, place);
    kee_buf_printf(why, ": %s", strerror(error));
    return KEE_TCP_UNFIT;
}

/* None of these is worth refusing a connection for. */
static void set_options(int fd)
{
    const int on = 1, idle = ALIVE_IDLE_S, again = ALIVE_AGAIN_S, tries = ALIVE_TRIES;

    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &again, sizeof again);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &tries, sizeof tries);
}

/* What the socket is bound to, in digits. */
static void look_at_name(struct kee_tcp_listener *out)
{
    struct sockaddr_storage bound = {0};
    socklen_t size = sizeof bound;

    (void)getsockname(out->fd, (struct sockaddr *)&bound, &size);
    if (bound.ss_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)(const void *)&bound;
        (void)inet_ntop(AF_INET6, &v6->sin6_addr, out->place.host, sizeof out->place.host);
        out->place.port = ntohs(v6->sin6_port);
        out->is_local = IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
    } else {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)&bound;
        (void)inet_ntop(AF_INET, &v4->sin_addr, out->place.host, sizeof out->place.host);
        out->place.port = ntohs(v4->sin_port);
        out->is_local = ntohl(v4->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
    }
}

int kee_tcp_listen(struct kee_tcp_listener *out, const struct kee_tcp_place *place,
                   struct kee_buf *why)
{
    struct addrinfo *found = NULL;
    const struct addrinfo *chosen;
    const int on = 1;
    int r = look_up(&found, place, why);

    out->fd = -1;
    if (r != 0) {
        return r;
    }
    chosen = found;
    while (chosen != NULL && chosen->ai_family != AF_INET) {
        chosen = chosen->ai_next;
    }
    chosen = chosen == NULL ? found : chosen;
    kee_assert(chosen != NULL); /* a look-up that goes well finds something */
    out->fd = socket(chosen->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (out->fd >= 0) {
        /* What is left of connections before a restart does not keep the port from us. */
        (void)setsockopt(out->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    }
    if (out->fd < 0 || bind(out->fd, chosen->ai_addr, chosen->ai_addrlen) < 0 ||
        listen(out->fd, CLIENTS_WAITING_MAX) < 0) {
        r = unfit(why, "cannot listen at", place);
        if (out->fd >= 0) {
            (void)close(out->fd);
        }
        out->fd = -1;
    } else {
        look_at_name(out);
    }
    freeaddrinfo(found);
    return r;
}

int kee_tcp_accept(int *out, int listener)
{
    *out = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (*out >= 0) {
        set_options(*out);
        return 0;
    }
    /* A client that went away before it was accepted, in the words of various networks. */
    if (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED || errno == EPROTO ||
        errno == ENETDOWN || errno == ENETUNREACH || errno == EHOSTUNREACH) {
        return 0;
    }
    return kee_fault(KEE_FAULT_SYSTEM, "accept: %s", strerror(errno));
}

int kee_tcp_connect(int *out, const struct kee_tcp_place *place, struct kee_buf *why)
{
    struct addrinfo *found = NULL;
    int r = look_up(&found, place, why);
    int fd = -1;

    *out = -1;
    if (r != 0) {
        return r;
    }
    for (const struct addrinfo *at = found; at != NULL && *out < 0; at = at->ai_next) {
        fd = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd >= 0 && connect(fd, at->ai_addr, at->ai_addrlen) == 0 &&
            fcntl(fd, F_SETFL, O_NONBLOCK) == 0) {
            *out = fd;
        } else if (fd >= 0) {
            int error = errno;
            (void)close(fd);
            errno = error;
        }
    }
    if (*out < 0) {
        r = unfit(why, "cannot connect to", place);
    } else {
        set_options(*out);
    }
    freeaddrinfo(found);
    return r;
}

int kee_tcp_connect_begin(int *out, const struct kee_tcp_place *place, struct kee_buf *why)
{
    struct addrinfo *found = NULL;
    int r = look_up(&found, place, why);

    *out = -1;
    if (r != 0) {
        return r;
    }
    *out = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (*out < 0 ||
        (connect(*out, found->ai_addr, found->ai_addrlen) < 0 && errno != EINPROGRESS)) {
        r = unfit(why, "cannot connect to", place);
        if (*out >= 0) {
            (void)close(*out);
        }
        *out = -1;
    } else {
        set_options(*out);
    }
    freeaddrinfo(found);
    return r;
}
