/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client - calls one object over the control socket again and again, keeping a given number of calls
 * in flight, and prints the rate and the times of the calls as one line of JSON. Each answer is
 * checked: fulfilled, and its body the one expected.
 * usage: bench_client SOCKET KREF ping|bump COUNT IN_FLIGHT
 *
 *   ping   ping(i) must answer i                 nothing durable happens but the answer itself
 *   bump   bump(i) adds one to a durable number  the answer tells the new number
 */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <jansson.h>

enum { LINE_BYTES_MAX = 1 << 16, IN_FLIGHT_MAX = 4096, OUT_BYTES = IN_FLIGHT_MAX * 256 };

struct client {
    int fd;
    const char *target;
    const char *method;
    bool echoes;     /* the answer is the argument */
    long count;      /* calls to make */
    long sent, done; /* so far */
    double *began;   /* by call number, seconds */
    double *took;
    char out
        [OUT_BYTES]; /* requests not yet written: one write for all that an answer makes room for */
    size_t out_size;
    char in[LINE_BYTES_MAX];
    size_t in_size;
};

static double now(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void die(const char *what, const char *why)
{
    (void)fprintf(stderr, "bench_client: %s: %s\n", what, why);
    exit(1);
}

static void dial(struct client *c, const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    if (strlen(path) >= sizeof address.sun_path) {
        die(path, "too long for a socket's path");
    }
    memcpy(address.sun_path, path, strlen(path) + 1);
    c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&address, sizeof address) != 0) {
        die(path, strerror(errno));
    }
}

static void ask(struct client *c)
{
    long i = c->sent++;
    int size =
        snprintf(c->out + c->out_size, sizeof c->out - c->out_size,
                 "{\"id\":%ld,\"method\":\"send\",\"params\":{\"target\":\"%s\",\"methargs\":"
                 "{\"body\":\"#[\\\"%s\\\",[%ld]]\",\"slots\":[]}}}\n",
                 i, c->target, c->method, i);

    if (size < 0 || (size_t)size >= sizeof c->out - c->out_size) {
        die("request", "no room");
    }
    c->out_size += (size_t)size;
    c->began[i] = now();
}

static void push(struct client *c)
{
    size_t at = 0;

    while (at < c->out_size) {
        ssize_t n = write(c->fd, c->out + at, c->out_size - at);
        if (n < 0 && errno != EINTR) {
            die("write", strerror(errno));
        }
        at += n > 0 ? (size_t)n : 0;
    }
    c->out_size = 0;
}

static void check_answer(struct client *c, const char *line, size_t size)
{
    json_error_t error;
    json_t *answer = json_loadb(line, size, 0, &error);
    const char *status = NULL, *body = NULL;
    char expected[32];
    json_int_t id;

    if (answer == NULL || json_unpack(answer, "{s:I,s:{s:s,s:{s:s}}}", "id", &id, "result",
                                      "status", &status, "value", "body", &body) != 0) {
        (void)fprintf(stderr, "%.*s\n", (int)size, line);
        die("answer", "not a result");
    }
    if (strcmp(status, "fulfilled") != 0 || id < 0 || id >= c->sent) {
        die("answer", line);
    }
    if (c->echoes) {
        (void)snprintf(expected, sizeof expected, "#%lld", (long long)id);
        if (strcmp(body, expected) != 0) {
            die("a wrong answer", body);
        }
    }
    c->took[id] = now() - c->began[id];
    c->done++;
    json_decref(answer);
}

static void pull(struct client *c)
{
    ssize_t n = read(c->fd, c->in + c->in_size, sizeof c->in - c->in_size);
    char *from = c->in, *end;

    if (n <= 0) {
        die("read", n == 0 ? "the daemon hung up" : strerror(errno));
    }
    c->in_size += (size_t)n;
    while ((end = memchr(from, '\n', c->in_size - (size_t)(from - c->in))) != NULL) {
        check_answer(c, from, (size_t)(end - from));
        if (c->sent < c->count) {
            ask(c);
        }
        from = end + 1;
    }
    c->in_size -= (size_t)(from - c->in);
    memmove(c->in, from, c->in_size);
    if (c->in_size == sizeof c->in) {
        die("answer", "longer than expected");
    }
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
    static struct client c;
    long in_flight;
    double start, seconds;

    if (argc != 6) {
        die("usage", "bench_client SOCKET KREF ping|bump COUNT IN_FLIGHT");
    }
    c.target = argv[2];
    c.method = argv[3];
    c.echoes = strcmp(c.method, "ping") == 0;
    c.count = strtol(argv[4], NULL, 10);
    in_flight = strtol(argv[5], NULL, 10);
    if (c.count < 1 || in_flight < 1 || in_flight > IN_FLIGHT_MAX) {
        die("usage", "COUNT is at least 1, IN_FLIGHT 1 to 4096");
    }
    c.began = calloc((size_t)c.count, sizeof *c.began);
    c.took = calloc((size_t)c.count, sizeof *c.took);
    if (c.began == NULL || c.took == NULL) {
        die("memory", "none left");
    }
    dial(&c, argv[1]);
    start = now();
    while (c.sent < c.count && c.sent < in_flight) {
        ask(&c);
    }
    while (c.done < c.count) {
        push(&c);
        pull(&c);
    }
    seconds = now() - start;
    qsort(c.took, (size_t)c.count, sizeof *c.took, compare);
    (void)printf("{\"n\":%ld,\"in_flight\":%ld,\"seconds\":%.4f,\"rate\":%.1f,\"p50_us\":%.1f,"
                 "\"p99_us\":%.1f}\n",
                 c.count, in_flight, seconds, (double)c.count / seconds, c.took[c.count / 2] * 1e6,
                 c.took[c.count * 99 / 100] * 1e6);
    (void)close(c.fd);
    free(c.began);
    free(c.took);
    return 0;
}
