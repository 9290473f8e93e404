/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of os/stream.h, os/loop.h and os/unix_socket.h over real sockets. */
#include "cm.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fault.h"
#include "os/file.h"
#include "os/stream.h"
#include "os/unix_socket.h"

struct fixture {
    struct kee_loop *loop;
    struct kee_timer *timer;
    struct kee_stream *stream;
    int peer;
    struct kee_buf taken;
    size_t take_max; /* at most so many bytes of one showing; 0 is all */
    int shown;
    int ended;
    int failed;
    bool free_on_data;
    bool stop_on_event;
    bool pause_on_data;
};

static size_t on_data(void *context, struct kee_bytes bytes)
{
    struct fixture *f = context;
    size_t n = f->take_max != 0 && f->take_max < bytes.size ? f->take_max : bytes.size;

    f->shown++;
    kee_buf_put(&f->taken, bytes.data, n);
    if (f->pause_on_data) {
        kee_stream_pause(f->stream, true);
    }
    if (f->free_on_data) {
        kee_stream_free(f->stream);
        f->stream = NULL;
    }
    return n;
}

static void on_ended(void *context, const char *why)
{
    struct fixture *f = context;

    f->ended += why == NULL;
    f->failed += why != NULL;
}

static const struct kee_stream_handler handler = {on_data, on_ended, NULL};

static void on_timer(void *context)
{
    kee_loop_stop(((struct fixture *)context)->loop);
}

static void run_for(struct fixture *f, uint64_t delay_ms)
{
    kee_timer_set(f->timer, kee_loop_now_ms(f->loop) + delay_ms);
    assert_int_equal(kee_loop_run(f->loop), 0);
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    int ends[2];

    *state = f;
    assert_int_equal(kee_loop_new(&f->loop), 0);
    assert_int_equal(kee_timer_new(&f->timer, f->loop, on_timer, f), 0);
    assert_int_equal(kee_unix_pair(ends, 0), 0);
    f->peer = ends[1];
    assert_int_equal(kee_stream_new(&f->stream, f->loop, ends[0], &handler, f), 0);
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    kee_stream_free(f->stream);
    kee_timer_free(f->timer);
    kee_loop_free(f->loop);
    kee_unix_close(f->peer);
    kee_buf_fini(&f->taken);
    free(f);
    return 0;
}

static void what_is_not_taken_is_shown_again(void **state)
{
    struct fixture *f = *state;

    f->take_max = 2;
    assert_int_equal(write(f->peer, "abc", 3), 3);
    run_for(f, 5);
    assert_bytes_text(f->taken, "ab");
    assert_int_equal(f->shown, 1);
    assert_int_equal(write(f->peer, "d", 1), 1);
    run_for(f, 5);
    assert_bytes_text(f->taken, "abcd");
}

static void a_paused_stream_shows_nothing_until_resumed(void **state)
{
    struct fixture *f = *state;

    f->take_max = 1;
    f->pause_on_data = true;
    assert_int_equal(write(f->peer, "ab", 2), 2);
    run_for(f, 5);
    assert_int_equal(write(f->peer, "c", 1), 1);
    run_for(f, 5);
    assert_bytes_text(f->taken, "a");
    f->pause_on_data = false;
    f->take_max = 0;
    kee_stream_pause(f->stream, false);
    assert_bytes_text(f->taken, "a"); /* only from the loop */
    run_for(f, 5);
    assert_bytes_text(f->taken, "abc");
}

static void writing_more_than_the_socket_takes_arrives_in_order(void **state)
{
    struct fixture *f = *state;
    size_t size = 4 * 1024 * 1024, got = 0;
    uint8_t *sent = malloc(size), *seen = malloc(size);

    for (size_t i = 0; i < size; i++) {
        sent[i] = (uint8_t)(i * 31 >> 8);
    }
    for (size_t at = 0; at < size; at += 64 * 1024) {
        kee_stream_write(f->stream, kee_bytes_of(sent + at, 64 * 1024));
    }
    assert_true(kee_stream_backlog(f->stream) > 0);
    while (got < size) {
        ssize_t n = recv(f->peer, seen + got, size - got, MSG_DONTWAIT);
        if (n > 0) {
            got += (size_t)n;
        } else {
            run_for(f, 1);
        }
    }
    assert_memory_equal(sent, seen, size);
    assert_int_equal(kee_stream_backlog(f->stream), 0);
    free(sent);
    free(seen);
}

static void what_is_gathered_leaves_with_the_flush(void **state)
{
    struct fixture *f = *state;
    char text[8] = "";

    kee_stream_gather(f->stream);
    kee_stream_write(f->stream, kee_bytes_str("ab"));
    kee_stream_write(f->stream, kee_bytes_str("c"));
    assert_int_equal(kee_stream_backlog(f->stream), 3);
    run_for(f, 5);
    assert_int_equal(recv(f->peer, text, sizeof text, MSG_DONTWAIT), -1);
    kee_stream_flush(f->stream);
    assert_int_equal(kee_stream_backlog(f->stream), 0);
    assert_int_equal(recv(f->peer, text, sizeof text, MSG_DONTWAIT), 3);
    assert_memory_equal(text, "abc", 3);
    kee_stream_write(f->stream, kee_bytes_str("d")); /* at once again */
    assert_int_equal(recv(f->peer, text, sizeof text, MSG_DONTWAIT), 1);
    kee_stream_flush(f->stream);
    assert_int_equal(recv(f->peer, text, sizeof text, MSG_DONTWAIT), -1);
}

/* What the socket does not take of a flush goes on from the loop, and what follows comes after it. */
static void more_is_gathered_than_the_socket_takes(void **state)
{
    struct fixture *f = *state;
    size_t size = 4 * 1024 * 1024, got = 0;
    uint8_t *sent = malloc(size), *seen = malloc(size);

    for (size_t i = 0; i < size; i++) {
        sent[i] = (uint8_t)(i * 29 >> 7);
    }
    kee_stream_gather(f->stream);
    kee_stream_write(f->stream, kee_bytes_of(sent, size - 1));
    assert_int_equal(kee_stream_backlog(f->stream), size - 1);
    kee_stream_flush(f->stream);
    assert_true(kee_stream_backlog(f->stream) > 0);
    assert_true(kee_stream_backlog(f->stream) < size - 1);
    kee_stream_gather(f->stream);
    kee_stream_write(f->stream, kee_bytes_of(sent + size - 1, 1));
    while (got < size) {
        ssize_t n = recv(f->peer, seen + got, size - got, MSG_DONTWAIT);
        if (n > 0) {
            got += (size_t)n;
        } else {
            run_for(f, 1);
        }
    }
    assert_memory_equal(sent, seen, size);
    assert_int_equal(kee_stream_backlog(f->stream), 0);
    free(sent);
    free(seen);
}

static void the_end_is_reported_once_and_writing_goes_on(void **state)
{
    struct fixture *f = *state;
    char c = 0;

    assert_int_equal(write(f->peer, "x", 1), 1);
    assert_int_equal(shutdown(f->peer, SHUT_WR), 0);
    run_for(f, 5);
    assert_bytes_text(f->taken, "x");
    assert_int_equal(f->ended, 1);
    assert_false(kee_stream_peer_is_gone(f->stream));
    kee_stream_write(f->stream, kee_bytes_str("y"));
    assert_int_equal(read(f->peer, &c, 1), 1);
    assert_int_equal(c, 'y');
    kee_unix_close(f->peer);
    f->peer = -1;
    assert_true(kee_stream_peer_is_gone(f->stream));
    kee_stream_write(f->stream, kee_bytes_str("z")); /* no signal */
    run_for(f, 5);
    assert_int_equal(f->ended, 1);
    assert_int_equal(f->failed, 1);
    kee_stream_write(f->stream, kee_bytes_str("z"));
    run_for(f, 5);
    assert_int_equal(f->failed, 1);
}

static void a_stream_may_be_freed_by_its_own_data(void **state)
{
    struct fixture *f = *state;

    f->free_on_data = true;
    assert_int_equal(write(f->peer, "abc", 3), 3);
    run_for(f, 5);
    assert_null(f->stream);
    assert_bytes_text(f->taken, "abc");
}

static int rounds_left;

static bool count_round(void *context)
{
    if (--rounds_left == 0) {
        kee_loop_stop(context);
        return false;
    }
    return true;
}

static void a_round_that_wants_more_is_called_without_waiting(void **state)
{
    struct fixture *f = *state;

    rounds_left = 100;
    kee_loop_on_round(f->loop, count_round, f->loop);
    assert_int_equal(kee_loop_run(f->loop), 0); /* would wait for ever if the loop slept */
    assert_int_equal(rounds_left, 0);
    kee_loop_on_round(f->loop, NULL, NULL);
}

static void a_listener_is_for_its_owner_and_replaces_what_a_dead_one_left(void **state)
{
    char directory[] = "/tmp/keeve-unit-XXXXXX";
    struct kee_buf path = KEE_BUF_EMPTY;
    struct stat status;
    int first, second, client, server;

    assert_non_null(mkdtemp(directory));
    kee_buf_printf(&path, "%s/control.sock", directory);
    assert_int_equal(kee_unix_connect(&client, kee_buf_cstr(&path)), 0);
    assert_int_equal(client, -1);
    assert_int_equal(kee_unix_listen(&first, kee_buf_cstr(&path)), 0);
    kee_unix_close(first);
    assert_int_equal(kee_unix_connect(&client, kee_buf_cstr(&path)), 0);
    assert_int_equal(client, -1); /* stale */
    assert_int_equal(kee_unix_listen(&second, kee_buf_cstr(&path)), 0);
    assert_int_equal(stat(kee_buf_cstr(&path), &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    assert_int_equal(kee_unix_accept(&server, second), 0);
    assert_int_equal(server, -1);
    assert_int_equal(kee_unix_connect(&client, kee_buf_cstr(&path)), 0);
    assert_true(client >= 0);
    assert_int_equal(kee_unix_accept(&server, second), 0);
    assert_true(server >= 0);
    kee_unix_close(client);
    kee_unix_close(server);
    kee_unix_close(second);
    /* Something else in the way is not deleted. */
    kee_file_remove(kee_buf_cstr(&path));
    assert_int_equal(kee_file_write(kee_buf_cstr(&path), kee_bytes_str("mine")), 0);
    assert_true(kee_unix_listen(&second, kee_buf_cstr(&path)) < 0);
    assert_non_null(strstr(kee_fault_text(), "exists and is not a socket"));
    kee_fault_clear();
    kee_file_remove(kee_buf_cstr(&path));
    assert_int_equal(rmdir(directory), 0);
    kee_buf_fini(&path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_not_taken_is_shown_again, setup, teardown),
        cmocka_unit_test_setup_teardown(a_paused_stream_shows_nothing_until_resumed, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(writing_more_than_the_socket_takes_arrives_in_order, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(what_is_gathered_leaves_with_the_flush, setup, teardown),
        cmocka_unit_test_setup_teardown(more_is_gathered_than_the_socket_takes, setup, teardown),
        cmocka_unit_test_setup_teardown(the_end_is_reported_once_and_writing_goes_on, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_stream_may_be_freed_by_its_own_data, setup, teardown),
        cmocka_unit_test_setup_teardown(a_round_that_wants_more_is_called_without_waiting, setup,
                                        teardown),
        TEST(a_listener_is_for_its_owner_and_replaces_what_a_dead_one_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
