/* SPDX-License-Identifier: Apache-2.0 */
/*
 * host - calls one object through keeve/client.h again and again, keeping a given number of calls in
 * flight, and prints the rate and the times of the calls as one line of JSON. Each answer is checked.
 * usage: bench_host URL TARGET ping|bump COUNT IN_FLIGHT
 *
 *   TARGET   a kref, or "bootstrap": what the other side offers
 *   ping     ping(i) must answer i                 nothing durable happens but the answer itself
 *   bump     bump(i) adds one to a durable number  the answer tells the new number
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <keeve/client.h>

enum { IN_FLIGHT_MAX = 4096 };

struct bench;

struct call {
    struct bench *bench;
    long number;
    double began;
};

struct bench {
    struct keeve_client *client;
    char target[KEEVE_NAME_SIZE];
    const char *method;
    bool echoes;            /* the answer is the argument */
    long count, sent, done; /* calls */
    double *took;           /* seconds, in the order of answers */
    struct call calls[IN_FLIGHT_MAX];
};

static double now(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void die(const char *what, const char *why)
{
    (void)fprintf(stderr, "bench_host: %s: %s\n", what, why);
    exit(1);
}

static void on_answer(void *context, const struct keeve_answer *answer);

static void ask(struct call *call)
{
    struct bench *bench = call->bench;
    struct keeve_value *args;

    call->number = bench->sent++;
    call->began = now();
    args = keeve_make_array_of(1, keeve_make_number((double)call->number));
    if (keeve_client_send(bench->client, bench->target, bench->method, args, on_answer, call,
                          NULL) != KEEVE_OK) {
        die("send", keeve_client_why(bench->client));
    }
    keeve_value_free(args);
}

static void on_answer(void *context, const struct keeve_answer *answer)
{
    struct call *call = context;
    struct bench *bench = call->bench;
    double number = -1;

    if (answer->status != KEEVE_ANSWER_FULFILLED || !keeve_value_number(answer->value, &number) ||
        (bench->echoes && number != (double)call->number)) {
        char text[300] = "";
        (void)keeve_value_to_json(answer->value, text, sizeof text);
        die("a wrong answer", answer->why == NULL ? text : answer->why);
    }
    bench->took[bench->done++] = now() - call->began;
    if (bench->sent < bench->count) {
        ask(call);
    }
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static void measure(struct bench *bench, long in_flight)
{
    double start = now(), seconds;

    for (long i = 0; i < in_flight && bench->sent < bench->count; i++) {
        bench->calls[i].bench = bench;
        ask(&bench->calls[i]);
    }
    while (bench->done < bench->count) {
        if (keeve_client_wait(bench->client, -1) != KEEVE_OK) {
            die("wait", keeve_client_why(bench->client));
        }
    }
    seconds = now() - start;
    qsort(bench->took, (size_t)bench->count, sizeof *bench->took, compare);
    (void)printf("{\"n\":%ld,\"in_flight\":%ld,\"seconds\":%.4f,\"rate\":%.1f,\"p50_us\":%.1f,"
                 "\"p99_us\":%.1f}\n",
                 bench->count, in_flight, seconds, (double)bench->count / seconds,
                 bench->took[bench->count / 2] * 1e6, bench->took[bench->count * 99 / 100] * 1e6);
}

int main(int argc, char **argv)
{
    static struct bench bench;
    struct keeve_client_options options = {.size = sizeof options};
    struct keeve_error error;
    long in_flight;

    if (argc != 6) {
        die("usage", "bench_host URL TARGET ping|bump COUNT IN_FLIGHT");
    }
    options.url = argv[1];
    (void)snprintf(bench.target, sizeof bench.target, "%s", argv[2]);
    bench.method = argv[3];
    bench.echoes = strcmp(bench.method, "ping") == 0;
    bench.count = strtol(argv[4], NULL, 10);
    in_flight = strtol(argv[5], NULL, 10);
    if (bench.count < 1 || in_flight < 1 || in_flight > IN_FLIGHT_MAX) {
        die("usage", "COUNT is at least 1, IN_FLIGHT 1 to 4096");
    }
    bench.took = calloc((size_t)bench.count, sizeof *bench.took);
    if (bench.took == NULL) {
        die("memory", "none left");
    }
    if (keeve_client_open(&bench.client, &options, &error) != KEEVE_OK) {
        die(options.url, error.text);
    }
    if (strcmp(argv[2], "bootstrap") == 0 &&
        keeve_client_bootstrap(bench.client, NULL, NULL, bench.target) != KEEVE_OK) {
        die("bootstrap", keeve_client_why(bench.client));
    }
    measure(&bench, in_flight);
    keeve_client_close(bench.client);
    free(bench.took);
    return 0;
}
