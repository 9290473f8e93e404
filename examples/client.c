/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client - calls objects of a kernel that runs elsewhere, from a program with a poll() loop of its own.
 *
 *     cc -o client client.c $(pkg-config --cflags --libs keeve)
 *     keeve start
 *     ./client ~/.keeve/captp.sock
 *     ko3.increment                   each line of the standard input is a call: OBJECT.METHOD ARGUMENTS,
 *     answer: 1                       the arguments as JSON, as for keeve send
 *     getStatus                       without an object: of what the other side offers, its bootstrap
 *     answer: {"vats":...}
 *     ko3.subscribe @                 @ is an object of this program, which may be called from then on
 *     called: changed [2]
 *
 * Without a kref's object - on a connection that was granted one object - lines are METHOD ARGUMENTS.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <keeve/client.h>

struct host {
    struct keeve_client *client;
    char bootstrap
        [KEEVE_NAME_SIZE]; /* a promise, which is as good a target as what it will become */
    char listener[KEEVE_NAME_SIZE];
    int waiting; /* answers still to come */
    int failed;
};

static void print_value(const char *what, const struct keeve_value *value)
{
    char text[2000];

    (void)keeve_value_to_json(value, text, sizeof text);
    printf("%s: %s\n", what, text);
    (void)fflush(stdout);
}

static void on_answer(void *context, const struct keeve_answer *answer)
{
    struct host *host = context;

    host->waiting--;
    host->failed |= answer->status != KEEVE_ANSWER_FULFILLED;
    switch (answer->status) {
    case KEEVE_ANSWER_FULFILLED:
        print_value("answer", answer->value);
        break;
    case KEEVE_ANSWER_REJECTED:
        print_value("rejected", answer->value);
        break;
    default:
        printf("no answer: %s\n", answer->why);
        break;
    }
    /* What the value names is held until it is dropped; on an owner's connection krefs lead back to it. */
    keeve_client_drop_all(host->client, answer->value);
}

/* Somebody calls our object: any vat that was given it, at any time. */
static void on_delivery(void *context, struct keeve_client *client,
                        const struct keeve_delivery *delivery)
{
    char what[100];

    (void)context;
    (void)snprintf(what, sizeof what, "called: %.80s",
                   delivery->method == NULL ? "()" : delivery->method);
    print_value(what, delivery->args);
    keeve_client_drop_all(client, delivery->args);
    (void)keeve_client_answer(client, delivery, keeve_make_string("heard"));
}

/* The words after the method: each is JSON, or @ for our object. Gives NULL if one is wrong. */
static struct keeve_value *read_arguments(const struct host *host, char *words)
{
    struct keeve_value *args = keeve_make_array();
    char why[300];

    for (char *next, *word = words; word != NULL && *word != 0; word = next) {
        next = strchr(word, ' ');
        if (next != NULL) {
            *next++ = 0;
        }
        struct keeve_value *value = strcmp(word, "@") == 0
                                        ? keeve_make_ref_named(host->listener, "Alleged: listener")
                                        : keeve_value_from_json(word, why, sizeof why);
        if (value == NULL) {
            fprintf(stderr, "client: %s: %s\n", word, why);
            keeve_value_free(args);
            return NULL;
        }
        if (!keeve_array_add(args, value)) {
            keeve_value_free(args);
            return NULL;
        }
    }
    return args;
}

static void call(struct host *host, char *line)
{
    char target[KEEVE_NAME_SIZE];
    char *words = strchr(line, ' ');
    char *method = strchr(line, '.');
    struct keeve_value *args;

    if (words != NULL) {
        *words++ = 0;
    }
    (void)snprintf(target, sizeof target, "%s", host->bootstrap);
    if (method != NULL && (words == NULL || method < words)) {
        *method++ = 0;
        (void)snprintf(target, sizeof target, "%s", line);
    } else {
        method = line;
    }
    args = read_arguments(host, words);
    if (args == NULL) {
        return;
    }
    if (keeve_client_send(host->client, target, method, args, on_answer, host, NULL) == KEEVE_OK) {
        host->waiting++;
    } else {
        fprintf(stderr, "client: %s\n", keeve_client_why(host->client));
    }
    keeve_value_free(args);
}

/* Our own loop: the client's descriptor beside the standard input. Ends with the input, once every call is
 * answered. */
static void run(struct host *host)
{
    static char input[4096];
    size_t size = 0;
    int open = 1;

    while (open || host->waiting > 0) {
        struct pollfd watched[2] = {{.fd = keeve_client_fd(host->client), .events = POLLIN},
                                    {.fd = open ? STDIN_FILENO : -1, .events = POLLIN}};
        if (poll(watched, 2, keeve_client_timeout_ms(host->client)) < 0 && errno != EINTR) {
            perror("client: poll");
            return;
        }
        if (open && (watched[1].revents & (POLLIN | POLLHUP)) != 0) {
            ssize_t n = read(STDIN_FILENO, input + size, sizeof input - 1 - size);
            char *end;
            open = n > 0;
            size += n > 0 ? (size_t)n : 0;
            input[size] = 0;
            while ((end = strchr(input, '\n')) != NULL) {
                *end = 0;
                call(host, input);
                size -= (size_t)(end + 1 - input);
                memmove(input, end + 1, size + 1);
            }
            if (size == sizeof input - 1) {
                size = 0; /* nobody writes such a line */
            }
        }
        if (keeve_client_turn(host->client) != KEEVE_OK) {
            fprintf(stderr, "client: %s\n", keeve_client_why(host->client));
            host->failed = 1;
            return;
        }
    }
}

int main(int argc, char **argv)
{
    struct keeve_client_options options = {.size = sizeof options};
    struct keeve_error error;
    struct host host = {.waiting = 0};

    if (argc != 2) {
        fprintf(stderr, "usage: client SOCKET | tcp://HOST:PORT/SECRET\n");
        return 2;
    }
    options.url = argv[1];
    if (keeve_client_open(&host.client, &options, &error) != KEEVE_OK) {
        fprintf(stderr, "client: %s\n", error.text);
        return 1;
    }
    if (keeve_client_bootstrap(host.client, NULL, NULL, host.bootstrap) != KEEVE_OK ||
        keeve_client_export(host.client, on_delivery, NULL, &host, host.listener) != KEEVE_OK) {
        fprintf(stderr, "client: %s\n", keeve_client_why(host.client));
        host.failed = 1;
    } else {
        run(&host);
    }
    keeve_client_close(host.client);
    return host.failed;
}
