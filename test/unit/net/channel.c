/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of net/channel.h and net/door.h over real sockets, also while memory is wanting. */
#include "cm.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "alloc_fault.h"
#include "base/fault.h"
#include "base/limits.h"
#include "net/door.h"
#include "os/tcp.h"
#include "os/unix_socket.h"
#include "scratch.h"

#define SECRET "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

struct fixture {
    struct kee_loop *loop;
    struct kee_timer *timer;
    struct kee_net net;
    struct kee_channel *channel;
    int peer;
    struct kee_buf texts; /* each with '|' behind */
    struct kee_buf why;
    int ended;
    int drained;
    int entered;
    int notes;
    bool echoes;
    bool free_on_text;
    bool close_on_text;
    bool pause_on_text;
    bool close_on_end;
};

static void on_text(void *context, struct kee_bytes text)
{
    struct fixture *f = context;

    kee_buf_put_bytes(&f->texts, text);
    kee_buf_put_char(&f->texts, '|');
    if (f->echoes) {
        kee_channel_send(f->channel, text);
    }
    if (f->pause_on_text) {
        kee_channel_pause(f->channel, true);
    }
    if (f->free_on_text) {
        kee_channel_free(f->channel);
        f->channel = NULL;
    } else if (f->close_on_text) {
        kee_channel_send(f->channel, KEE_BYTES_LIT("bye"));
        kee_channel_close(f->channel);
        f->channel = NULL;
    }
}

static void on_ended(void *context, const char *why)
{
    struct fixture *f = context;

    f->ended++;
    kee_buf_put_str(&f->why, why);
    if (f->close_on_end) {
        kee_channel_send(f->channel, KEE_BYTES_LIT("{\"why\":1}"));
        kee_channel_close(f->channel);
    } else {
        kee_channel_free(f->channel);
    }
    f->channel = NULL;
}

static void on_drained(void *context)
{
    ((struct fixture *)context)->drained++;
}

static const struct kee_channel_handler handler = {on_text, on_ended, on_drained};

static void on_timer(void *context)
{
    kee_loop_stop(((struct fixture *)context)->loop);
}

/* Lets the loop work until nothing happens any more. */
static void settle(struct fixture *f)
{
    for (int quiet = 0; quiet < 3;) {
        quiet = kee_loop_pass(f->loop) ? 0 : quiet + 1;
    }
}

/* Runs until the condition holds; what never comes fails the test after half a minute. */
#define RUN_UNTIL(f, condition)                                                                    \
    do {                                                                                           \
        for (int tries_ = 0; !(condition); tries_++) {                                             \
            assert_true(tries_ < 3000);                                                            \
            kee_timer_set((f)->timer, kee_loop_now_ms((f)->loop) + 10);                            \
            assert_int_equal(kee_loop_run((f)->loop), 0);                                          \
        }                                                                                          \
    } while (0)

static void fixture_init(struct fixture *f)
{
    memset(f, 0, sizeof *f);
    f->peer = -1;
    assert_int_equal(kee_loop_new(&f->loop), 0);
    assert_int_equal(kee_timer_new(&f->timer, f->loop, on_timer, f), 0);
    kee_net_init(&f->net, f->loop);
}

static void connect_pair(struct fixture *f, size_t text_max)
{
    int ends[2];

    assert_int_equal(kee_unix_pair(ends, 0), 0);
    f->peer = ends[1];
    assert_int_equal(kee_channel_new(&f->channel, &f->net, ends[0], KEE_CUT_OPEN, text_max), 0);
    kee_channel_attend(f->channel, &handler, f);
}

static void fixture_fini(struct fixture *f)
{
    kee_channel_free(f->channel);
    kee_net_fini(&f->net);
    kee_timer_free(f->timer);
    kee_loop_free(f->loop);
    kee_unix_close(f->peer);
    kee_buf_fini(&f->texts);
    kee_buf_fini(&f->why);
}

static void say(struct fixture *f, const char *text)
{
    assert_int_equal(send(f->peer, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* What the peer can read without waiting. */
static void assert_heard(struct fixture *f, const char *expected)
{
    char heard[256];
    ssize_t n = recv(f->peer, heard, sizeof heard, MSG_DONTWAIT);

    assert_int_equal(n < 0 ? 0 : n, strlen(expected));
    assert_memory_equal(heard, expected, strlen(expected));
}

static void lines_and_netstrings_are_echoed_in_kind(void **state)
{
    static const char *const said[] = {"{\"a\":1}\n[2]\n", "7:{\"a\":1},3:[2],"};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct fixture f;
        fixture_init(&f);
        connect_pair(&f, 100);
        f.echoes = true;
        say(&f, said[i]);
        settle(&f);
        assert_bytes_text(f.texts, "{\"a\":1}|[2]|");
        assert_heard(&f, said[i]);
        fixture_fini(&f);
    }
}

static void a_bad_text_ends_it_once_with_a_reason_that_arrives(void **state)
{
    struct fixture f;

    (void)state;
    fixture_init(&f);
    connect_pair(&f, 10);
    f.close_on_end = true;
    say(&f, "{}\n{45678901}}}\n{}\n");
    settle(&f);
    assert_bytes_text(f.texts, "{}|");
    assert_int_equal(f.ended, 1);
    assert_bytes_text(f.why, "a line is longer than this connection may send");
    say(&f, "more that nobody reads\n");
    settle(&f);
    assert_int_equal(f.ended, 1);
    assert_heard(&f, "{\"why\":1}\n");
    assert_false(kee_list_is_empty(&f.net.closing)); /* until the other side has seen it */
    kee_unix_close(f.peer);
    f.peer = -1;
    RUN_UNTIL(&f, kee_list_is_empty(&f.net.closing));
    fixture_fini(&f);
}

static void it_may_be_freed_or_closed_while_it_shows_a_text(void **state)
{
    (void)state;
    for (int closes = 0; closes < 2; closes++) {
        struct fixture f;
        char heard[16];
        fixture_init(&f);
        connect_pair(&f, 100);
        f.free_on_text = closes == 0;
        f.close_on_text = closes == 1;
        say(&f, "[1]\n[2]\n");
        settle(&f);
        assert_bytes_text(f.texts, "[1]|");
        assert_int_equal(f.ended, 0);
        assert_int_equal(recv(f.peer, heard, sizeof heard, 0), closes == 0 ? 0 : 4);
        assert_int_equal(recv(f.peer, heard, sizeof heard, 0), 0);
        fixture_fini(&f);
    }
}

static void a_paused_channel_shows_one_text_and_the_rest_when_resumed(void **state)
{
    struct fixture f;

    (void)state;
    fixture_init(&f);
    connect_pair(&f, 100);
    f.pause_on_text = true;
    say(&f, "[1]\n[2]\n[3]\n");
    settle(&f);
    assert_bytes_text(f.texts, "[1]|");
    kee_channel_pause(f.channel, false);
    settle(&f);
    assert_bytes_text(f.texts, "[1]|[2]|");
    f.pause_on_text = false;
    kee_channel_pause(f.channel, false);
    settle(&f);
    assert_bytes_text(f.texts, "[1]|[2]|[3]|");
    fixture_fini(&f);
}

static void what_is_not_read_waits_and_is_counted(void **state)
{
    struct fixture f;
    char *text = malloc(1u << 20);
    size_t heard = 0, sent = 0;

    (void)state;
    assert_non_null(text);
    memset(text, 'x', 1u << 20);
    fixture_init(&f);
    connect_pair(&f, 100);
    for (int i = 0; i < 8; i++) {
        kee_channel_send(f.channel, kee_bytes_of(text, 1u << 20));
        sent += (1u << 20) + 1;
    }
    assert_true(kee_channel_backlog(f.channel) > 4u << 20);
    settle(&f);
    assert_int_equal(f.drained, 0);
    while (heard < sent) {
        ssize_t n = recv(f.peer, text, 1u << 20, MSG_DONTWAIT);
        heard += n > 0 ? (size_t)n : 0;
        settle(&f);
    }
    assert_int_equal(kee_channel_backlog(f.channel), 0);
    assert_int_equal(f.drained, 1);
    free(text);
    fixture_fini(&f);
}

static void a_closed_channel_lets_its_words_leave_first(void **state)
{
    struct fixture f;
    char *text = malloc(1u << 20);
    size_t heard = 0;
    ssize_t n;

    (void)state;
    assert_non_null(text);
    memset(text, 'x', 1u << 20);
    fixture_init(&f);
    connect_pair(&f, 100);
    kee_channel_send(f.channel, kee_bytes_of(text, 1u << 20));
    kee_channel_close(f.channel);
    f.channel = NULL;
    do {
        settle(&f);
        n = recv(f.peer, text, 1u << 20, MSG_DONTWAIT);
        heard += n > 0 ? (size_t)n : 0;
    } while (n != 0);
    assert_int_equal(heard, (1u << 20) + 1);
    free(text);
    fixture_fini(&f);
}

static void what_is_gathered_leaves_with_the_flush_or_the_end(void **state)
{
    struct fixture f;
    char text[16] = "";

    (void)state;
    fixture_init(&f);
    connect_pair(&f, 100);
    kee_channel_gather(f.channel);
    kee_channel_send(f.channel, KEE_BYTES_LIT("[1]"));
    kee_channel_send(f.channel, KEE_BYTES_LIT("[2]"));
    assert_int_equal(kee_channel_backlog(f.channel), 8);
    assert_int_equal(recv(f.peer, text, sizeof text, MSG_DONTWAIT), -1);
    kee_channel_flush(f.channel);
    assert_int_equal(recv(f.peer, text, sizeof text, MSG_DONTWAIT), 8);
    assert_memory_equal(text, "[1]\n[2]\n", 8);
    kee_channel_gather(f.channel);
    kee_channel_send(f.channel, KEE_BYTES_LIT("[3]"));
    kee_channel_close(f.channel);
    f.channel = NULL;
    assert_int_equal(recv(f.peer, text, sizeof text, MSG_DONTWAIT), 4);
    assert_memory_equal(text, "[3]\n", 4);
    fixture_fini(&f);
}

static void a_peer_that_goes_away_is_heard_of(void **state)
{
    struct fixture f;

    (void)state;
    fixture_init(&f);
    connect_pair(&f, 100);
    say(&f, "[1]\n[2");
    kee_unix_close(f.peer);
    f.peer = -1;
    RUN_UNTIL(&f, f.ended == 1);
    assert_bytes_text(f.texts, "[1]|");
    assert_bytes_text(f.why, "the other side closed the connection");
    fixture_fini(&f);
}

/* ---- doors ---- */

static void *knock(void *context, struct kee_bytes secret)
{
    return secret.data == NULL || kee_bytes_equal(secret, KEE_BYTES_LIT(SECRET)) ? context : NULL;
}

static void enter(void *context, void *who, struct kee_channel *channel)
{
    struct fixture *f = context;

    assert_ptr_equal(who, f);
    f->entered++;
    kee_channel_free(f->channel);
    f->channel = channel;
    kee_channel_attend(channel, &handler, f);
}

static void note(void *context, const char *text)
{
    (void)text;
    ((struct fixture *)context)->notes++;
}

static const struct kee_door_handler door_handler = {knock, enter, note};

static void a_unix_door_is_for_its_owner_and_lets_in_at_once(void **state)
{
    struct fixture f;
    struct kee_door *door = NULL;
    struct stat status;
    struct scratch scratch;
    char room[128];
    const char *path;
    int listener;

    (void)state;
    fixture_init(&f);
    scratch_init(&scratch);
    path = scratch_join(&scratch, "door.sock", room);
    assert_int_equal(kee_unix_listen(&listener, path), 0);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    assert_int_equal(kee_door_new_unix(&door, &f.net, listener, &door_handler, &f), 0);
    assert_int_equal(kee_unix_connect(&f.peer, path), 0);
    f.echoes = true;
    say(&f, "[1]\n");
    RUN_UNTIL(&f, f.texts.size > 0);
    assert_heard(&f, "[1]\n");
    kee_door_free(door);
    fixture_fini(&f);
    scratch_fini(&scratch);
}

struct at_tcp {
    struct fixture f;
    struct kee_door *door;
    struct kee_tcp_listener listener;
};

static void at_tcp_init(struct at_tcp *t)
{
    struct kee_buf why = KEE_BUF_EMPTY;
    struct kee_tcp_place place;

    fixture_init(&t->f);
    assert_true(kee_tcp_place_parse(&place, KEE_BYTES_LIT("127.0.0.1:0")));
    assert_int_equal(kee_tcp_listen(&t->listener, &place, &why), 0);
    assert_true(t->listener.place.port != 0);
    assert_true(t->listener.is_local);
    assert_int_equal(kee_door_new_tcp(&t->door, &t->f.net, t->listener.fd, &door_handler, &t->f),
                     0);
    assert_int_equal(kee_tcp_connect(&t->f.peer, &t->listener.place, &why), 0);
    kee_buf_fini(&why);
}

static void at_tcp_fini(struct at_tcp *t)
{
    kee_door_free(t->door);
    fixture_fini(&t->f);
}

static bool is_closed(int fd)
{
    char byte;
    ssize_t n = recv(fd, &byte, 1, MSG_DONTWAIT);

    return n == 0 || (n < 0 && errno != EAGAIN);
}

static void the_first_text_at_a_tcp_door_is_the_secret(void **state)
{
    static const char *const said[] = {"\"" SECRET "\"\n[1]\n", "45:\"" SECRET "\",3:[1],"};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct at_tcp t;
        at_tcp_init(&t);
        say(&t.f, said[i]);
        RUN_UNTIL(&t.f, t.f.texts.size > 0);
        assert_int_equal(t.f.entered, 1);
        assert_bytes_text(t.f.texts, "[1]|");
        at_tcp_fini(&t);
    }
}

static void nobody_enters_with_a_wrong_secret(void **state)
{
    static const char *const said[] = {
        "\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB\"\n[1]\n",
        "\"\"\n[1]\n",
        SECRET "\n[1]\n",
        "{\"type\":\"CTP_BOOTSTRAP\",\"epoch\":0,\"questionID\":\"q-1\"}\n",
        "2000:\"",
        "\xff\n",
    };

    (void)state;
    for (size_t i = 0; i < sizeof said / sizeof *said; i++) {
        struct at_tcp t;
        at_tcp_init(&t);
        say(&t.f, said[i]);
        RUN_UNTIL(&t.f, is_closed(t.f.peer));
        assert_int_equal(t.f.entered, 0);
        at_tcp_fini(&t);
    }
}

static void strangers_are_few_and_the_next_wait(void **state)
{
    struct at_tcp t;
    struct kee_buf why = KEE_BUF_EMPTY;
    int fds[KEE_LIMIT_DOOR_STRANGERS];

    (void)state;
    at_tcp_init(&t); /* one is there already */
    for (size_t i = 0; i < KEE_LIMIT_DOOR_STRANGERS - 1; i++) {
        assert_int_equal(kee_tcp_connect(&fds[i], &t.listener.place, &why), 0);
        settle(&t.f);
    }
    kee_unix_close(t.f.peer);
    RUN_UNTIL(&t.f, kee_loop_pass(t.f.loop) == false);
    assert_int_equal(kee_tcp_connect(&t.f.peer, &t.listener.place, &why), 0);
    say(&t.f, "\"" SECRET "\"\n[1]\n");
    RUN_UNTIL(&t.f, t.f.texts.size > 0);
    for (size_t i = 0; i < KEE_LIMIT_DOOR_STRANGERS - 1; i++) {
        kee_unix_close(fds[i]);
    }
    at_tcp_fini(&t);
    kee_buf_fini(&why);
}

static void places_are_read_and_written(void **state)
{
    static const char *const good[] = {"127.0.0.1:80", "[::1]:0", "localhost:65535",
                                       "a-b.example:1"};
    static const char *const bad[] = {
        "",      ":80",    "host",     "host:",     "host:65536", "::1:80",
        "[]:80", "a b:80", "host:080", "host:80/x", "ho/st:80",   "[::1]"};

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct kee_buf text = KEE_BUF_EMPTY;
        struct kee_tcp_place place;
        assert_true(kee_tcp_place_parse(&place, kee_bytes_str(good[i])));
        kee_tcp_place_put(&text, &place);
        assert_bytes_text(text, good[i]);
        kee_buf_fini(&text);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct kee_tcp_place place;
        assert_false(kee_tcp_place_parse(&place, kee_bytes_str(bad[i])));
    }
    assert_true(kee_tcp_is_address("::1"));
    assert_false(kee_tcp_is_address("localhost"));
}

/* Whichever allocation fails, a door lets in or turns away, and goes on. */
static void a_door_survives_each_single_fault(void **state)
{
    bool fired = true;

    (void)state;
    for (uint64_t nth = 1; fired; nth++) {
        struct at_tcp t;
        at_tcp_init(&t);
        (void)kee_buf_reserve(&t.f.texts, 100);
        (void)kee_buf_reserve(&t.f.why, 100);
        alloc_fault_begin(nth);
        t.f.echoes = true;
        say(&t.f, "\"" SECRET "\"\n[1]\n");
        RUN_UNTIL(&t.f,
                  t.f.texts.size > 0 || t.f.notes > 0 || is_closed(t.f.peer) || t.f.ended > 0);
        fired = alloc_fault_end();
        if (!fired) {
            assert_int_equal(t.f.entered, 1);
            assert_int_equal(t.f.notes, 0);
        }
        at_tcp_fini(&t);
        kee_fault_clear();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(lines_and_netstrings_are_echoed_in_kind),
        TEST(a_bad_text_ends_it_once_with_a_reason_that_arrives),
        TEST(it_may_be_freed_or_closed_while_it_shows_a_text),
        TEST(a_paused_channel_shows_one_text_and_the_rest_when_resumed),
        TEST(what_is_not_read_waits_and_is_counted),
        TEST(a_closed_channel_lets_its_words_leave_first),
        TEST(what_is_gathered_leaves_with_the_flush_or_the_end),
        TEST(a_peer_that_goes_away_is_heard_of),
        TEST(a_unix_door_is_for_its_owner_and_lets_in_at_once),
        TEST(the_first_text_at_a_tcp_door_is_the_secret),
        TEST(nobody_enters_with_a_wrong_secret),
        TEST(strangers_are_few_and_the_next_wait),
        TEST(places_are_read_and_written),
        TEST(a_door_survives_each_single_fault),
    };

    (void)signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
