/* SPDX-License-Identifier: Apache-2.0 */
/*
 * embed - a kernel inside a program of your own, beside a poll() loop of its own.
 *
 *     cc -o embed embed.c $(pkg-config --cflags --libs keeve)
 *     ./embed world embed_counter.js      # JavaScript vat "counter", C vat "ledger"
 *
 * The program opens the directory world, launches two vats if it is new, and then reads lines from its
 * standard input, each of which makes the counter count; every count is booked by the ledger, a vat
 * written in C below. End it, or kill it at any moment, start it again, and both go on where they were.
 *
 * Without embed_counter.js only the ledger is launched, and no worker program is needed.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <keeve/keeve.h>
#include <keeve/vat.h>

/* ---- the ledger: a vat in C ---- */

/* Its heap: lost with every restart, so that it is read from the vat's rows at each start. */
struct ledger {
    int64_t entries;
};

static int ledger_start(void *context, struct keeve_vat *vat, const struct keeve_value *parameters,
                        void **state)
{
    struct ledger *ledger = calloc(1, sizeof *ledger);
    const void *row;
    enum keeve_result r;

    (void)context;
    (void)parameters;
    if (ledger == NULL) {
        return keeve_vat_fail(vat, "out of memory");
    }
    r = keeve_vat_get(vat, "entries", &row, NULL);
    if (r == KEEVE_OK) {
        ledger->entries = strtoll(row, NULL, 10); /* a NUL stands after the row */
    } else if (r != KEEVE_NO_SUCH) {
        free(ledger);
        return (int)r;
    }
    *state = ledger;
    return 0;
}

/* bootstrap(): hands itself to the counter, if there is one, and answers with its own root. */
static int ledger_bootstrap(struct keeve_vat *vat, const struct keeve_message *message)
{
    const struct keeve_value *vats = keeve_value_item(message->args, 0);
    const char *counter = keeve_value_text(keeve_value_member(vats, "counter"), NULL);

    if (counter != NULL) {
        struct keeve_value *args = keeve_make_array_of(1, keeve_make_ref(message->target));
        enum keeve_result r =
            args == NULL ? KEEVE_MEMORY : keeve_vat_send(vat, counter, "setLedger", args, NULL);
        keeve_value_free(args);
        if (r != KEEVE_OK) {
            return keeve_vat_fail(vat, "the counter could not be told");
        }
    }
    return keeve_vat_answer(vat, message, keeve_make_string("ready"));
}

/* book(text): a row for the entry and one for their number, in one crank: both or neither. */
static int ledger_book(struct ledger *ledger, struct keeve_vat *vat,
                       const struct keeve_message *message)
{
    size_t size = 0;
    const char *text = keeve_value_text(keeve_value_item(message->args, 0), &size);
    char key[40], count[24];

    if (text == NULL) {
        return keeve_vat_refuse(vat, message, "TypeError", "book() takes a string");
    }
    ledger->entries++;
    (void)snprintf(key, sizeof key, "entry.%012" PRId64, ledger->entries);
    (void)snprintf(count, sizeof count, "%" PRId64, ledger->entries);
    /* What goes wrong here fails the crank, whatever is returned. */
    (void)keeve_vat_set(vat, key, text, size);
    (void)keeve_vat_set(vat, "entries", count, strlen(count));
    return keeve_vat_answer(vat, message, keeve_make_number((double)ledger->entries));
}

/* last(): the latest entry. */
static int ledger_last(struct ledger *ledger, struct keeve_vat *vat,
                       const struct keeve_message *message)
{
    char key[40];
    const void *row;
    size_t size;

    (void)snprintf(key, sizeof key, "entry.%012" PRId64, ledger->entries);
    switch (keeve_vat_get(vat, key, &row, &size)) {
    case KEEVE_OK:
        return keeve_vat_answer(vat, message, keeve_make_string_sized(row, size));
    case KEEVE_NO_SUCH:
        return keeve_vat_answer(vat, message, keeve_make_null());
    default:
        return 1;
    }
}

static int ledger_message(void *state, struct keeve_vat *vat, const struct keeve_message *message)
{
    const char *method = message->method == NULL ? "" : message->method;

    if (strcmp(method, "bootstrap") == 0) {
        return ledger_bootstrap(vat, message);
    }
    if (strcmp(method, "book") == 0) {
        return ledger_book(state, vat, message);
    }
    if (strcmp(method, "last") == 0) {
        return ledger_last(state, vat, message);
    }
    return keeve_vat_refuse(vat, message, "TypeError", "the ledger knows book and last");
}

static const struct keeve_native ledger_program = {
    .size = sizeof ledger_program,
    .name = "ledger",
    .start = ledger_start,
    .message = ledger_message,
    .stop = free,
};

/* ---- the host ---- */

struct host {
    struct keeve_kernel *kernel;
    char target[KEEVE_NAME_SIZE]; /* what a line is sent to: the counter, or the ledger alone */
    const char *method;
    int waiting; /* answers still to come */
    int failed;
};

static void print_answer(const char *what, const struct keeve_answer *answer)
{
    char text[400];

    if (answer->value != NULL) {
        (void)keeve_value_to_json(answer->value, text, sizeof text);
    }
    printf("%s%s: %s\n", what, answer->status == KEEVE_ANSWER_REJECTED ? " rejected" : "",
           answer->value != NULL ? text : answer->why);
    (void)fflush(stdout);
}

static void on_answer(void *context, const struct keeve_answer *answer)
{
    struct host *host = context;

    print_answer("answer", answer);
    host->failed |= answer->status != KEEVE_ANSWER_FULFILLED;
    host->waiting--;
}

static void on_log(void *context, const char *vat, enum keeve_log_level level, const char *text)
{
    (void)context;
    (void)level;
    fprintf(stderr, "%s: %s\n", vat, text);
}

static void on_note(void *context, const char *text)
{
    (void)context;
    fprintf(stderr, "note: %s\n", text);
}

static int complain(const struct host *host, const char *what)
{
    fprintf(stderr, "embed: %s: %s\n", what, keeve_why(host->kernel));
    return 1;
}

/* One turn of the program's own loop: the kernel's descriptor beside ours. */
static int turn(struct host *host, struct pollfd watched[2])
{
    watched[0] = (struct pollfd){.fd = keeve_fd(host->kernel), .events = POLLIN};
    watched[1].revents = 0;
    if (poll(watched, 2, keeve_timeout_ms(host->kernel)) < 0 && errno != EINTR) {
        perror("embed: poll");
        return 1;
    }
    if (keeve_turn(host->kernel) != KEEVE_OK) {
        return complain(host, "the kernel");
    }
    return 0;
}

static int launch(struct host *host, const char *code)
{
    struct pollfd watched[2] = {{.fd = -1}, {.fd = -1}};
    char directory[4096], config[4600];

    /* The name of the file in the configuration is taken from the working directory. */
    if (getcwd(directory, sizeof directory) == NULL) {
        perror("embed: working directory");
        return 1;
    }
    (void)snprintf(config, sizeof config,
                   "{\"bootstrap\":\"ledger\",\"vats\":{"
                   "\"ledger\":{\"bundleName\":\"ledger\","
                   "\"creationOptions\":{\"flavour\":\"native\"}}%s%s%s}}",
                   code == NULL ? "" : ",\"counter\":{\"sourceSpec\":\"", code == NULL ? "" : code,
                   code == NULL ? "" : "\"}");
    if (keeve_launch(host->kernel, config, directory, on_answer, host, NULL) != KEEVE_OK) {
        return complain(host, "launching");
    }
    host->waiting = 1;
    while (host->waiting > 0) {
        if (turn(host, watched) != 0) {
            return 1;
        }
    }
    return host->failed;
}

/* Finds what an earlier run launched, or launches it. */
static int prepare(struct host *host, const char *code)
{
    const char *vat = code == NULL ? "ledger" : "counter";

    host->method = code == NULL ? "book" : "increment";
    if (keeve_find_root(host->kernel, NULL, vat, host->target) == KEEVE_OK) {
        printf("found %s\n", vat);
    } else if (launch(host, code) != 0) {
        return 1; /* it said why */
    } else if (keeve_find_root(host->kernel, NULL, vat, host->target) != KEEVE_OK) {
        return complain(host, "finding the vat");
    }
    (void)fflush(stdout);
    return 0;
}

/* A line of input is an argument. */
static int send_line(struct host *host, char *line)
{
    struct keeve_value *args;
    enum keeve_result r;

    line[strcspn(line, "\n")] = 0;
    args = keeve_make_array_of(1, keeve_make_string(line));
    if (args == NULL) {
        fprintf(stderr, "embed: the line is not UTF-8\n");
        return 0;
    }
    r = keeve_send(host->kernel, host->target, host->method, args, on_answer, host, NULL);
    keeve_value_free(args);
    if (r != KEEVE_OK) {
        return complain(host, "sending");
    }
    host->waiting++;
    return 0;
}

static int run(struct host *host)
{
    struct pollfd watched[2] = {{.fd = -1}, {.fd = STDIN_FILENO, .events = POLLIN}};
    char line[1000];

    (void)setvbuf(stdin, NULL, _IONBF, 0); /* what poll() says and what is left to read are one */
    while (watched[1].fd >= 0 || host->waiting > 0) {
        if (turn(host, watched) != 0) {
            return 1;
        }
        if (watched[1].revents != 0) {
            if (fgets(line, sizeof line, stdin) == NULL) {
                watched[1].fd = -1; /* the end: wait for the answers */
            } else if (send_line(host, line) != 0) {
                return 1;
            }
        }
    }
    return host->failed;
}

int main(int argc, char **argv)
{
    struct host host = {0};
    struct keeve_error error;
    struct keeve_options options = {
        .size = sizeof options,
        .directory = argc > 1 ? argv[1] : NULL,
        .native_only = argc == 2,
        .on_log = on_log,
        .on_note = on_note,
    };
    int r;

    if (argc < 2 || argc > 3) {
        fprintf(stderr, "usage: embed DIRECTORY [embed_counter.js]\n");
        return 2;
    }
    if (keeve_open(&host.kernel, &options, &error) != KEEVE_OK) {
        fprintf(stderr, "embed: %s\n", error.text);
        return 1;
    }
    r = keeve_register(host.kernel, &ledger_program) == KEEVE_OK
            ? 0
            : complain(&host, "registering the ledger");
    if (r == 0) {
        r = prepare(&host, argc > 2 ? argv[2] : NULL);
    }
    if (r == 0) {
        r = run(&host);
    }
    keeve_close(host.kernel);
    return r;
}
