/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of daemon/control.h: a server with a handler of its own, and clients that behave badly. */
#include "cm.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/limits.h"
#include "daemon/control.h"
#include "os/unix_socket.h"

#define KEPT_MAX 4096

struct fixture {
    char directory[32];
    char path[64];
    struct kee_loop *loop;
    struct kee_timer *timer;
    struct kee_control_server *server;
    struct kee_request *kept[KEPT_MAX]; /* asked with method "keep", not answered yet */
    size_t kept_count;
    size_t requests;
    size_t cancelled;
};

static void on_request(void *context, struct kee_request *request, const char *method,
                       const json_t *params)
{
    struct fixture *f = context;
    char *text;

    f->requests++;
    if (strcmp(method, "keep") == 0) {
        assert_true(f->kept_count < KEPT_MAX);
        f->kept[f->kept_count++] = request;
        return;
    }
    if (strcmp(method, "fail") == 0) {
        kee_request_error(request, "STATE", "not \"now\"");
        return;
    }
    text = json_dumps(params, JSON_COMPACT);
    kee_request_result(request, kee_bytes_str(text));
    free(text);
}

static void on_cancelled(void *context, struct kee_request *request)
{
    struct fixture *f = context;

    f->cancelled++;
    for (size_t i = 0; i < f->kept_count; i++) {
        if (f->kept[i] == request) {
            f->kept[i] = f->kept[--f->kept_count];
            return;
        }
    }
}

static void on_note(void *context, const char *text)
{
    fail_msg("unexpected: %s", text);
}

static const struct kee_control_handler handler = {on_request, on_cancelled, on_note};

static void on_timer(void *context)
{
    kee_loop_stop(((struct fixture *)context)->loop);
}

/* In pieces, each a round of the loop at least, and then some that wait for nothing: sockets have done what
 * they will after a number of rounds, not after a time, however late this process runs. */
static void run_for(struct fixture *f, uint64_t delay_ms)
{
    for (int round = 0; round < 50; round++) {
        kee_timer_set(f->timer, kee_loop_now_ms(f->loop));
        assert_int_equal(kee_loop_run(f->loop), 0);
    }
    for (uint64_t piece = 0; piece < 10; piece++) {
        kee_timer_set(f->timer, kee_loop_now_ms(f->loop) + (delay_ms + 9) / 10);
        assert_int_equal(kee_loop_run(f->loop), 0);
    }
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    int listener;

    *state = f;
    (void)snprintf(f->directory, sizeof f->directory, "/tmp/keeve-unit-XXXXXX");
    assert_non_null(mkdtemp(f->directory));
    (void)snprintf(f->path, sizeof f->path, "%s/s", f->directory);
    assert_int_equal(kee_loop_new(&f->loop), 0);
    assert_int_equal(kee_timer_new(&f->timer, f->loop, on_timer, f), 0);
    assert_int_equal(kee_unix_listen(&listener, f->path), 0);
    assert_int_equal(kee_control_server_new(&f->server, f->loop, listener, &handler, f), 0);
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    kee_control_server_free(f->server);
    assert_int_equal(f->kept_count, 0); /* every request was answered or cancelled */
    kee_timer_free(f->timer);
    kee_loop_free(f->loop);
    (void)unlink(f->path);
    (void)rmdir(f->directory);
    free(f);
    return 0;
}

static int client(struct fixture *f)
{
    int fd;

    assert_int_equal(kee_unix_connect(&fd, f->path), 0);
    assert_true(fd >= 0);
    return fd;
}

static void say(int fd, const char *text)
{
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

/* What the server has said by now. */
static const char *heard(struct fixture *f, int fd)
{
    static char text[65536];
    ssize_t n;

    run_for(f, 10);
    n = recv(fd, text, sizeof text - 1, MSG_DONTWAIT);
    text[n < 0 ? 0 : n] = 0;
    return text;
}

static void requests_are_answered_with_their_id(void **state)
{
    struct fixture *f = *state;
    int fd = client(f);

    say(fd, "{\"id\":1,\"method\":\"echo\",\"params\":{\"a\":[1,\"x\"]}}\n");
    assert_string_equal(heard(f, fd), "{\"id\":1,\"result\":{\"a\":[1,\"x\"]}}\n");
    say(fd, "{\"id\":\"q\\n\",\"method\":\"fail\"}\n");
    assert_string_equal(heard(f, fd), "{\"id\":\"q\\n\",\"error\":{\"code\":\"STATE\",\"message\":"
                                      "\"not \\\"now\\\"\"}}\n");
    kee_unix_close(fd);
    run_for(f, 10);
    assert_int_equal(kee_control_server_clients(f->server), 0);
}

static void answers_may_come_in_any_order(void **state)
{
    struct fixture *f = *state;
    int fd = client(f);

    say(fd, "{\"id\":1,\"method\":\"keep\"}\n{\"id\":2,\"method\":\"keep\"}\n"
            "{\"id\":3,\"method\":\"echo\"}\n");
    assert_string_equal(heard(f, fd), "{\"id\":3,\"result\":{}}\n");
    assert_int_equal(f->kept_count, 2);
    kee_request_result(f->kept[1], kee_bytes_str("true"));
    assert_true(kee_request_event(f->kept[0], kee_bytes_str("[1]")));
    kee_request_result(f->kept[0], kee_bytes_str("false"));
    f->kept_count = 0;
    assert_string_equal(heard(f, fd), "{\"id\":2,\"result\":true}\n{\"id\":1,\"event\":[1]}\n"
                                      "{\"id\":1,\"result\":false}\n");
    kee_unix_close(fd);
}

static void a_malformed_line_is_told_and_forgiven(void **state)
{
    static const struct {
        const char *line;
        const char *id;
        const char *message;
    } cases[] = {
        {"hello\n", "null", "expected a line of JSON: '[' or '{' expected near 'hello'"},
        {"[1]\n", "null", "expected an object with id, method and params"},
        {"{\"method\":\"echo\"}\n", "null", "id: expected a number or a short string"},
        {"{\"id\":[],\"method\":\"echo\"}\n", "null", "id: expected a number or a short string"},
        {"{\"id\":4}\n", "4", "method: expected a string"},
        {"{\"id\":4,\"method\":7}\n", "4", "method: expected a string"},
        {"{\"id\":4,\"method\":\"echo\",\"params\":[]}\n", "4", "params: expected an object"},
        {"{\"id\":4,\"id\":5,\"method\":\"echo\"}\n", "null",
         "expected a line of JSON: duplicate object key near '\\\"id\\\"'"},
        {"\xff\xfe\n", "null", "expected a line of JSON: unable to decode byte 0xff"},
    };
    struct fixture *f = *state;
    int fd = client(f);

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char expected[256];
        (void)snprintf(expected, sizeof expected,
                       "{\"id\":%s,\"error\":{\"code\":\"BAD\",\"message\":\"%s\"}}\n", cases[i].id,
                       cases[i].message);
        say(fd, cases[i].line);
        assert_string_equal(heard(f, fd), expected);
    }
    assert_int_equal(f->requests, 0);
    say(fd, "\n\n{\"id\":9,\"method\":\"echo\"}\n");
    assert_string_equal(heard(f, fd), "{\"id\":9,\"result\":{}}\n");
    kee_unix_close(fd);
}

static void a_deep_line_does_not_end_us(void **state)
{
    static char line[60001];
    struct fixture *f = *state;
    int fd = client(f);

    memset(line, '[', sizeof line - 2);
    line[sizeof line - 2] = '\n';
    say(fd, line);
    assert_non_null(strstr(heard(f, fd), "maximum parsing depth reached"));
    kee_unix_close(fd);
}

static void lines_may_come_in_pieces(void **state)
{
    struct fixture *f = *state;
    int fd = client(f);
    const char *line = "{\"id\":1,\"method\":\"echo\"}\n";

    for (const char *at = line; *at != 0; at++) {
        char piece[2] = {*at, 0};
        say(fd, piece);
        run_for(f, 1);
    }
    assert_string_equal(heard(f, fd), "{\"id\":1,\"result\":{}}\n");
    say(fd, "{\"id\":2,\"meth"); /* never finished */
    run_for(f, 5);
    kee_unix_close(fd);
    run_for(f, 10);
    assert_int_equal(kee_control_server_clients(f->server), 0);
    assert_int_equal(f->requests, 1);
}

static void a_line_over_the_limit_ends_the_connection(void **state)
{
    struct fixture *f = *state;
    size_t size = 1024 * 1024;
    char *text = malloc(size);
    int fd = client(f);
    char answer[256] = "";
    size_t sent = 0;
    ssize_t n = 0;

    memset(text, ' ', size);
    while (sent < (size_t)KEE_LIMIT_CONTROL_LINE_BYTES + 2 * size) {
        n = send(fd, text, size, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n < 0 && errno != EAGAIN) {
            break;
        }
        sent += n > 0 ? (size_t)n : 0;
        run_for(f, 0);
    }
    run_for(f, 20);
    n = recv(fd, answer, sizeof answer - 1, MSG_DONTWAIT);
    assert_true(n > 0);
    assert_string_equal(answer, "{\"id\":null,\"error\":{\"code\":\"BAD\",\"message\":\"a line is "
                                "longer than 64 MB; the connection is closed\"}}\n");
    assert_int_equal(kee_control_server_clients(f->server), 0);
    kee_unix_close(fd);
    free(text);
}

static void a_client_that_leaves_cancels_its_requests(void **state)
{
    struct fixture *f = *state;
    int fd = client(f), other = client(f);

    say(fd, "{\"id\":1,\"method\":\"keep\"}\n{\"id\":2,\"method\":\"keep\"}\n{\"id\":3,\"me");
    say(other, "{\"id\":1,\"method\":\"keep\"}\n");
    run_for(f, 10);
    assert_int_equal(f->kept_count, 3);
    kee_unix_close(fd);
    run_for(f, 10);
    assert_int_equal(f->cancelled, 2);
    assert_int_equal(f->kept_count, 1);
    kee_request_result(f->kept[0], kee_bytes_str("1"));
    f->kept_count = 0;
    assert_string_equal(heard(f, other), "{\"id\":1,\"result\":1}\n");
    kee_unix_close(other);
}

static void a_client_that_only_listens_gets_its_answers(void **state)
{
    struct fixture *f = *state;
    int fd = client(f);

    say(fd, "{\"id\":1,\"method\":\"keep\"}\n");
    assert_int_equal(shutdown(fd, SHUT_WR), 0);
    run_for(f, 10);
    assert_int_equal(f->cancelled, 0);
    kee_request_result(f->kept[0], kee_bytes_str("1"));
    f->kept_count = 0;
    assert_string_equal(heard(f, fd), "{\"id\":1,\"result\":1}\n");
    assert_int_equal(kee_control_server_clients(f->server), 0); /* nothing more could come */
    kee_unix_close(fd);
}

static void requests_beyond_the_limit_wait(void **state)
{
    struct fixture *f = *state;
    int fd = client(f);
    unsigned most = KEE_LIMIT_CONTROL_REQUESTS;

    for (unsigned i = 0; i < most + 5; i++) {
        say(fd, "{\"id\":1,\"method\":\"keep\"}\n");
        if (i % 64 == 0) {
            run_for(f, 1);
        }
    }
    run_for(f, 20);
    assert_int_equal(f->kept_count, most);
    for (unsigned i = 0; i < 3; i++) {
        kee_request_result(f->kept[--f->kept_count], kee_bytes_str("1"));
    }
    run_for(f, 20);
    assert_int_equal(f->kept_count, most);
    while (f->kept_count > 0) {
        kee_request_result(f->kept[--f->kept_count], kee_bytes_str("1"));
    }
    run_for(f, 20);
    assert_int_equal(f->kept_count, 2);
    assert_int_equal(f->requests, most + 5);
    kee_unix_close(fd);
    run_for(f, 10);
}

static void a_client_that_does_not_read_is_not_read_from(void **state)
{
    struct fixture *f = *state;
    size_t size = 300 * 1024;
    char *text = malloc(size + 1);
    int fd = client(f);
    size_t lines = 0;

    memset(text, 'x', size);
    memcpy(text, "{\"id\":1,\"method\":\"echo\",\"params\":{\"a\":\"", 39);
    memcpy(text + size - 4, "\"}}\n", 5);
    for (int stuck = 0; stuck < 20;) {
        size_t sent = 0;
        while (sent < size && stuck < 20) {
            ssize_t n = send(fd, text + sent, size - sent, MSG_DONTWAIT | MSG_NOSIGNAL);
            sent += n > 0 ? (size_t)n : 0;
            stuck = n > 0 ? 0 : stuck + 1;
            run_for(f, 1);
        }
        lines += sent == size;
    }
    /* It stopped at its bound, not at the number of lines we would have sent for ever. */
    assert_true(f->requests >= 10 && f->requests < 100);
    assert_true(lines < 100);
    kee_unix_close(fd);
    run_for(f, 10);
    assert_int_equal(kee_control_server_clients(f->server), 0);
    free(text);
}

static void a_stream_nobody_reads_is_ended(void **state)
{
    struct fixture *f = *state;
    size_t size = 1024 * 1024;
    char *text = malloc(size);
    int fd = client(f);
    bool live = true;
    int events = 0;

    memset(text, '1', size);
    say(fd, "{\"id\":1,\"method\":\"keep\"}\n");
    run_for(f, 10);
    while (live && events < 1000) {
        live = kee_request_event(f->kept[0], kee_bytes_of(text, size));
        events++;
    }
    assert_false(live);
    assert_int_equal(f->cancelled, 1);
    assert_int_equal(f->kept_count, 0);
    assert_true(events > 32 && events < 100);
    kee_unix_close(fd);
    run_for(f, 10);
    assert_int_equal(kee_control_server_clients(f->server), 0);
    free(text);
}

static void two_hundred_clients_are_served(void **state)
{
    struct fixture *f = *state;
    int fds[200];

    for (int i = 0; i < 200; i++) {
        fds[i] = client(f);
        say(fds[i], i % 2 == 0 ? "{\"id\":1,\"method\":\"echo\"}\n{\"id\":2," : "nonsense\n");
        if (i % 50 == 0) {
            run_for(f, 1);
        }
    }
    run_for(f, 50);
    assert_int_equal(kee_control_server_clients(f->server), 200);
    for (int i = 0; i < 200; i += 2) {
        say(fds[i], "\"method\":\"echo\"}\n");
    }
    run_for(f, 20);
    for (int i = 0; i < 200; i++) {
        const char *text = heard(f, fds[i]);
        if (i % 2 == 0) {
            assert_string_equal(text, "{\"id\":1,\"result\":{}}\n{\"id\":2,\"result\":{}}\n");
        } else {
            assert_non_null(strstr(text, "\"code\":\"BAD\""));
        }
        kee_unix_close(fds[i]);
    }
    run_for(f, 20);
    assert_int_equal(kee_control_server_clients(f->server), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(requests_are_answered_with_their_id, setup, teardown),
        cmocka_unit_test_setup_teardown(answers_may_come_in_any_order, setup, teardown),
        cmocka_unit_test_setup_teardown(a_malformed_line_is_told_and_forgiven, setup, teardown),
        cmocka_unit_test_setup_teardown(a_deep_line_does_not_end_us, setup, teardown),
        cmocka_unit_test_setup_teardown(lines_may_come_in_pieces, setup, teardown),
        cmocka_unit_test_setup_teardown(a_line_over_the_limit_ends_the_connection, setup, teardown),
        cmocka_unit_test_setup_teardown(a_client_that_leaves_cancels_its_requests, setup, teardown),
        cmocka_unit_test_setup_teardown(a_client_that_only_listens_gets_its_answers, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(requests_beyond_the_limit_wait, setup, teardown),
        cmocka_unit_test_setup_teardown(a_client_that_does_not_read_is_not_read_from, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_stream_nobody_reads_is_ended, setup, teardown),
        cmocka_unit_test_setup_teardown(two_hundred_clients_are_served, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
