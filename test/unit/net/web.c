/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of net/web.h, the module loaded as the daemon does, and of the names a web door knows. */
#include "cm.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/limits.h"
#include "net/page.h"
#include "net/web.h"
#include "os/file.h"
#include "os/module.h"
#include "os/tcp.h"
#include "os/unix_socket.h"
#include "scratch.h"

#define SECRET "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
/* The example of RFC 6455. */
#define KEY "dGhlIHNhbXBsZSBub25jZQ=="
#define ACCEPT "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

struct guest {
    struct fixture *f;
    struct kee_channel *channel;
    bool ended;
};

struct fixture {
    struct kee_loop *loop;
    struct kee_timer *timer;
    struct kee_net net;
    struct kee_door *door;
    struct kee_web *web;
    const struct kee_web_module *module;
    struct kee_tcp_listener listener;
    struct scratch scratch;
    int pages_fd;
    int peer;
    struct kee_buf heard; /* what the peer was told */
    struct kee_buf texts; /* what sessions were told, each with '|' behind */
    struct kee_buf why;
    struct guest guests[16];
    size_t entered;
    size_t ended;
    bool pauses;
    bool closes;
};

static void on_text(void *context, struct kee_bytes text)
{
    struct guest *guest = context;
    struct fixture *f = guest->f;

    kee_buf_put_bytes(&f->texts, text);
    kee_buf_put_char(&f->texts, '|');
    kee_channel_send(guest->channel, text);
    if (f->pauses) {
        kee_channel_pause(guest->channel, true);
    }
    if (f->closes) {
        kee_channel_close(guest->channel);
        guest->channel = NULL;
    }
}

static void on_ended(void *context, const char *why)
{
    struct guest *guest = context;

    guest->f->ended++;
    kee_buf_clear(&guest->f->why);
    kee_buf_put_str(&guest->f->why, why);
    kee_channel_close(guest->channel);
    guest->channel = NULL;
}

static const struct kee_channel_handler handler = {on_text, on_ended, NULL};

static void *knock(void *context, struct kee_bytes secret)
{
    return kee_bytes_equal(secret, KEE_BYTES_LIT(SECRET)) ? context : NULL;
}

static void enter(void *context, void *who, struct kee_channel *channel)
{
    struct fixture *f = context;
    struct guest *guest = &f->guests[f->entered++];

    assert_ptr_equal(who, f);
    guest->f = f;
    guest->channel = channel;
    kee_channel_attend(channel, &handler, guest);
}

static void note(void *context, const char *text)
{
    (void)context;
    print_error("note: %s\n", text);
}

static const struct kee_door_handler door_handler = {knock, enter, note};

static void on_timer(void *context)
{
    kee_loop_stop(((struct fixture *)context)->loop);
}

static void on_accepted(void *context, int fd)
{
    struct fixture *f = context;

    f->module->take(f->web, fd);
}

static void turn(struct fixture *f)
{
    char bytes[65536];
    ssize_t n;

    kee_timer_set(f->timer, kee_loop_now_ms(f->loop) + 5);
    assert_int_equal(kee_loop_run(f->loop), 0);
    while (f->peer >= 0 && (n = recv(f->peer, bytes, sizeof bytes, MSG_DONTWAIT)) > 0) {
        kee_buf_put(&f->heard, bytes, (size_t)n);
    }
}

#define RUN_UNTIL(f, condition)                                                                    \
    do {                                                                                           \
        for (int tries_ = 0; !(condition); tries_++) {                                             \
            assert_true(tries_ < 6000);                                                            \
            turn(f);                                                                               \
        }                                                                                          \
    } while (0)

static bool has(struct fixture *f, const char *text)
{
    return memmem(f->heard.data, f->heard.size, text, strlen(text)) != NULL;
}

static bool is_closed(struct fixture *f)
{
    char byte;
    ssize_t n = recv(f->peer, &byte, 1, MSG_DONTWAIT | MSG_PEEK);

    return n == 0 || (n < 0 && errno != EAGAIN);
}

static void write_file(struct fixture *f, const char *name, const char *content)
{
    char room[128];

    assert_int_equal(kee_file_write(scratch_join(&f->scratch, name, room), kee_bytes_str(content)),
                     0);
}

static int setup(void **state)
{
    static const char *const given[] = {"https://shop.example", "http://other.example:3000"};
    struct fixture *f = calloc(1, sizeof *f);
    struct kee_buf why = KEE_BUF_EMPTY;
    struct kee_tcp_place place;
    struct kee_web_options options;
    kee_web_module_fn *load = NULL;
    char text[256] = "", room[128];

    *state = f;
    f->peer = -1;
    assert_int_equal(kee_loop_new(&f->loop), 0);
    assert_int_equal(kee_timer_new(&f->timer, f->loop, on_timer, f), 0);
    kee_net_init(&f->net, f->loop);
    scratch_init(&f->scratch);
    assert_int_equal(mkdir(scratch_join(&f->scratch, "pages", room), 0700), 0);
    assert_int_equal(kee_file_open_directory(&f->pages_fd, room, &why), 0);
    write_file(f, "pages/index.html", "<p>hello");
    write_file(f, "pages/app.js", "export {};");
    write_file(f, "pages/.hidden", "secret");
    write_file(f, "outside", "secret");
    assert_int_equal(symlink("../outside", scratch_join(&f->scratch, "pages/link", room)), 0);
    *(void **)&load = kee_module_symbol(KEEVE_WEB, KEE_WEB_SYMBOL, &why);
    assert_bytes_text(why, "");
    f->module = load();
    options = (struct kee_web_options){
        .loop = kee_loop_uv(f->loop),
        .origins = {.host = "keeve.example", .given = given, .count = 2},
        .pages_fd = f->pages_fd,
        .own_fd = -1,
        .handler = &door_handler,
        .context = f,
    };
    f->web = f->module->open(&options, text, sizeof text);
    assert_string_equal(text, "");
    assert_true(kee_tcp_place_parse(&place, KEE_BYTES_LIT("127.0.0.1:0")));
    assert_int_equal(kee_tcp_listen(&f->listener, &place, &why), 0);
    assert_int_equal(
        kee_door_new_web(&f->door, &f->net, f->listener.fd, on_accepted, &door_handler, f), 0);
    return 0;
}

static void leave(struct fixture *f)
{
    kee_unix_close(f->peer);
    f->peer = -1;
    kee_buf_clear(&f->heard);
}

static void come(struct fixture *f)
{
    struct kee_buf why = KEE_BUF_EMPTY;

    leave(f);
    assert_int_equal(kee_tcp_connect(&f->peer, &f->listener.place, &why), 0);
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    leave(f);
    kee_door_free(f->door);
    for (size_t i = 0; i < f->entered; i++) {
        kee_channel_free(f->guests[i].channel);
    }
    f->module->close(f->web);
    kee_net_fini(&f->net);
    kee_timer_free(f->timer);
    kee_loop_free(f->loop);
    kee_buf_fini(&f->heard);
    kee_buf_fini(&f->texts);
    kee_buf_fini(&f->why);
    kee_file_close(f->pages_fd);
    scratch_fini(&f->scratch);
    free(f);
    return 0;
}

static void say(struct fixture *f, const void *data, size_t size)
{
    const uint8_t *at = data;

    while (size > 0) {
        ssize_t n = send(f->peer, at, size, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno == EAGAIN) {
            turn(f);
            continue;
        }
        assert_true(n > 0);
        at += n;
        size -= (size_t)n;
    }
}

static void say_text(struct fixture *f, const char *text)
{
    say(f, text, strlen(text));
}

static void get(struct fixture *f, const char *path, const char *headers)
{
    char text[512];

    come(f);
    (void)snprintf(text, sizeof text, "GET %s HTTP/1.1\r\n%s\r\n", path, headers);
    say_text(f, text);
    RUN_UNTIL(f, has(f, "\r\n\r\n") || is_closed(f));
}

#define HOST "Host: 127.0.0.1:8080\r\n"
#define UPGRADE                                                                                    \
    "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"                   \
    "Sec-WebSocket-Key: " KEY "\r\n"

static void files_are_shown_with_their_kinds_and_a_policy(void **state)
{
    struct fixture *f = *state;

    get(f, "/", HOST);
    RUN_UNTIL(f, has(f, "<p>hello"));
    assert_true(has(f, "HTTP/1.1 200"));
    assert_true(has(f, "text/html; charset=utf-8"));
    assert_true(has(f, "connect-src 'self' ws://127.0.0.1:8080;"));
    assert_true(has(f, "nosniff"));
    get(f, "/app.js", HOST "Origin: https://shop.example\r\n");
    RUN_UNTIL(f, has(f, "export {};"));
    assert_true(has(f, "text/javascript"));
    assert_true(has(f, "https://shop.example"));
    get(f, "/app.js", HOST "Origin: https://foreign.example\r\n");
    assert_false(has(f, "foreign.example"));
}

static void nothing_else_is_shown(void **state)
{
    static const char *const paths[] = {"/.hidden",    "/link",           "/outside",
                                        "/../outside", "/%2e%2e/outside", "/pages/../../outside",
                                        "/nope",       "//app.js",        "/app.js/",
                                        "/client.js",  "/%2ehidden",      "/..%2foutside",
                                        "/./.hidden",  "/captp"};
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        get(f, paths[i], HOST);
        RUN_UNTIL(f, has(f, "\n") || is_closed(f));
        if (has(f, "HTTP/1.1 200")) {
            /* Resolved before we see it, to a name that may be shown. */
            assert_false(has(f, "secret"));
        }
        assert_false(has(f, "secret"));
    }
    come(f);
    say_text(f, "POST / HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc");
    RUN_UNTIL(f, is_closed(f) || has(f, "405"));
    assert_false(has(f, " 200"));
}

static void only_known_names_and_origins_come_in(void **state)
{
    static const struct {
        const char *headers;
        bool good;
    } tries[] = {
        {HOST UPGRADE, true},
        {HOST UPGRADE "Origin: http://127.0.0.1:8080\r\n", true},
        {HOST UPGRADE "Origin: http://127.0.0.1:8081\r\n", false},
        {HOST UPGRADE "Origin: https://127.0.0.1:8080\r\n", false},
        {HOST UPGRADE "Origin: https://shop.example\r\n", true},
        {HOST UPGRADE "Origin: https://shop.example.org\r\n", false},
        {HOST UPGRADE "Origin: null\r\n", false},
        {UPGRADE "Host: keeve.example:80\r\nOrigin: http://keeve.example:80\r\n", true},
        {UPGRADE "Host: evil.example\r\nOrigin: http://evil.example\r\n", false},
        {UPGRADE "Host: evil.example\r\n", false},
        {UPGRADE, false},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof tries / sizeof *tries; i++) {
        size_t before = f->entered;
        get(f, "/captp/" SECRET, tries[i].headers);
        if (has(f, ACCEPT) != tries[i].good) {
            print_error("try %zu: %.*s\n", i, (int)f->heard.size, (const char *)f->heard.data);
        }
        assert_int_equal(has(f, ACCEPT), tries[i].good);
        assert_int_equal(has(f, "HTTP/1.1 101"), tries[i].good);
        assert_int_equal(f->entered - before, tries[i].good);
    }
}

static void a_wrong_secret_opens_nothing(void **state)
{
    static const char *const paths[] = {"/captp/", "/captp/AAAA",        "/captp",
                                        "/",       "/captp/" SECRET "A", "/captp/" SECRET "/"};
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        get(f, paths[i], HOST UPGRADE);
        assert_false(has(f, "HTTP/1.1 101"));
        assert_int_equal(f->entered, 0);
    }
    get(f, "/captp/" SECRET, HOST);
    assert_true(has(f, "HTTP/1.1 426"));
}

/* ---- frames ---- */

static void frame(struct fixture *f, unsigned first, const char *payload, size_t size)
{
    static const uint8_t mask[4] = {1, 2, 3, 4};
    uint8_t head[14] = {(uint8_t)first};
    size_t head_size = 2;
    uint8_t *masked = malloc(size + 1);

    assert_non_null(masked);
    if (size < 126) {
        head[1] = (uint8_t)(0x80 | size);
    } else {
        head[1] = 0x80 | 127;
        for (int i = 0; i < 8; i++) {
            head[2 + i] = (uint8_t)((uint64_t)size >> (8 * (7 - i)));
        }
        head_size = 10;
    }
    memcpy(head + head_size, mask, 4);
    for (size_t i = 0; i < size; i++) {
        masked[i] = (uint8_t)payload[i] ^ mask[i % 4];
    }
    say(f, head, head_size + 4);
    say(f, masked, size);
    free(masked);
}

#define FRAME(f, first, text) frame(f, first, text, sizeof(text) - 1)

static void open_session(struct fixture *f)
{
    get(f, "/captp/" SECRET, HOST UPGRADE);
    assert_true(has(f, ACCEPT));
    kee_buf_clear(&f->heard);
}

static void texts_go_both_ways_in_one_or_more_frames(void **state)
{
    struct fixture *f = *state;

    open_session(f);
    FRAME(f, 0x81, "{\"a\":1}");
    FRAME(f, 0x01, "[1,");
    FRAME(f, 0x89, "ping");
    FRAME(f, 0x00, "2,");
    FRAME(f, 0x80, "3]");
    RUN_UNTIL(f, f->texts.size >= 16 && f->heard.size >= 9 + 9 + 6);
    assert_bytes_text(f->texts, "{\"a\":1}|[1,2,3]|");
    assert_true(has(f, "\x81\x07{\"a\":1}"));
    assert_true(has(f, "\x81\x07[1,2,3]"));
    assert_true(has(f, "\x8a\x04ping"));
}

static void a_large_text_goes_both_ways(void **state)
{
    const size_t size = 5u << 20;
    struct fixture *f = *state;
    char *text = malloc(size);

    assert_non_null(text);
    memset(text, 'x', size);
    open_session(f);
    frame(f, 0x81, text, size);
    RUN_UNTIL(f, f->heard.size >= size + 10);
    assert_int_equal(f->texts.size, size + 1);
    free(text);
}

static void a_paused_channel_shows_one_text_and_the_rest_when_resumed(void **state)
{
    struct fixture *f = *state;

    open_session(f);
    f->pauses = true;
    FRAME(f, 0x81, "[1]");
    FRAME(f, 0x81, "[2]");
    FRAME(f, 0x81, "[3]");
    RUN_UNTIL(f, f->texts.size > 0);
    for (int i = 0; i < 5; i++) {
        turn(f);
    }
    assert_bytes_text(f->texts, "[1]|");
    f->pauses = false;
    kee_channel_pause(f->guests[0].channel, false);
    RUN_UNTIL(f, f->texts.size >= 12);
    assert_bytes_text(f->texts, "[1]|[2]|[3]|");
}

/* What a host does that is told that the other side closes; without it the other side waits some seconds. */
static void answer_close(struct fixture *f)
{
    static const uint8_t masked[] = {0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe8};

    (void)send(f->peer, masked, sizeof masked, MSG_NOSIGNAL);
}

static void what_is_wrong_ends_that_session_alone(void **state)
{
    static const struct {
        unsigned first;
        const char *payload;
        size_t size;
        const char *why; /* NULL: the library's matter */
    } wrong[] = {
        {0x81, "\xff", 1, "a text is not UTF-8"},
        {0x82, "abc", 3, "expected text, found a binary frame"},
        {0x80, "abc", 3, NULL},
        {0x83, "abc", 3, NULL},
        {0xc1, "abc", 3, NULL},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        open_session(f);
        frame(f, wrong[i].first, wrong[i].payload, wrong[i].size);
        RUN_UNTIL(f, has(f, "\x88\x02") || is_closed(f));
        answer_close(f);
        RUN_UNTIL(f, f->ended == i + 1);
        if (wrong[i].why != NULL) {
            assert_bytes_text(f->why, wrong[i].why);
        }
        RUN_UNTIL(f, is_closed(f));
        assert_bytes_text(f->texts, "");
    }
    open_session(f);
    FRAME(f, 0x81, "[1]");
    RUN_UNTIL(f, f->texts.size > 0);
}

static void a_message_over_its_limit_is_refused_before_it_came(void **state)
{
    struct fixture *f = *state;
    uint8_t head[14] = {0x81, 0xff};
    uint64_t size = (uint64_t)KEE_LIMIT_CAPTP_TEXT_BYTES + 1;

    open_session(f);
    for (int i = 0; i < 8; i++) {
        head[2 + i] = (uint8_t)(size >> (8 * (7 - i)));
    }
    say(f, head, sizeof head);
    say_text(f, "x");
    RUN_UNTIL(f, f->ended == 1);
    assert_bytes_text(f->why, "a message is longer than this connection may send");
    RUN_UNTIL(f, has(f, "\x88\x02\x03\xf1"));
    answer_close(f);
    RUN_UNTIL(f, is_closed(f));
}

static void a_closed_channel_says_its_last_words(void **state)
{
    struct fixture *f = *state;

    open_session(f);
    f->closes = true;
    FRAME(f, 0x81, "[1]");
    RUN_UNTIL(f, has(f, "\x81\x03[1]") && has(f, "\x88\x02\x03\xe8"));
    FRAME(f, 0x88, "\x03\xe8");
    RUN_UNTIL(f, is_closed(f));
    assert_int_equal(f->ended, 0);
}

static void a_host_that_goes_away_is_heard_of(void **state)
{
    struct fixture *f = *state;

    open_session(f);
    leave(f);
    RUN_UNTIL(f, f->ended == 1);
    open_session(f);
    FRAME(f, 0x88, "\x03\xe8");
    RUN_UNTIL(f, f->ended == 2);
    assert_bytes_text(f->why, "the other side closed the connection");
}

static void a_head_that_is_too_long_is_refused(void **state)
{
    struct fixture *f = *state;

    come(f);
    say_text(f, "GET / HTTP/1.1\r\n" HOST);
    for (int i = 0; i < 2000 && !is_closed(f); i++) {
        char line[64];
        int size = snprintf(line, sizeof line, "X-Long-%d: aaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n", i);
        if (send(f->peer, line, (size_t)size, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 && errno != EAGAIN) {
            break;
        }
        turn(f);
    }
    RUN_UNTIL(f, is_closed(f) || f->heard.size > 0);
    assert_false(has(f, " 200"));
}

/* ---- pure ---- */

static void names_of_files_are_checked(void **state)
{
    static const char *const good[][2] = {{"/", "index.html"},
                                          {"/a/", "a/index.html"},
                                          {"/a/b.js", "a/b.js"},
                                          {"/\xc3\xa9.txt", "\xc3\xa9.txt"}};
    static const char *const bad[] = {"",      "a",     "//",    "/a//b", "/.a",  "/a/.b",
                                      "/../a", "/a\\b", "/a\nb", "/\xff", "/a/.", "/a/.."};

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct kee_buf name = KEE_BUF_EMPTY;
        assert_true(kee_page_name(&name, kee_bytes_str(good[i][0])));
        assert_bytes_text(name, good[i][1]);
        kee_buf_fini(&name);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct kee_buf name = KEE_BUF_EMPTY;
        assert_false(kee_page_name(&name, kee_bytes_str(bad[i])));
        kee_buf_fini(&name);
    }
    assert_string_equal(kee_page_type(KEE_BYTES_LIT("a/B.WASM")), "application/wasm");
    assert_string_equal(kee_page_type(KEE_BYTES_LIT("a.js/b")), "application/octet-stream");
}

static void origins_are_of_the_forms_that_browsers_send(void **state)
{
    static const char *const good[] = {"http://a", "https://a.example:8443", "http://[::1]:80",
                                       "null", "http://127.0.0.1"};
    static const char *const bad[] = {
        "",          "a.example",  "*",         "http://", "ftp://a",
        "http://a/", "http://a b", "http://a:", "file://", "http://a:99999"};

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_true(kee_origin_is_one(kee_bytes_str(good[i])));
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_false(kee_origin_is_one(kee_bytes_str(bad[i])));
    }
}

#define WEB_TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WEB_TEST(files_are_shown_with_their_kinds_and_a_policy),
        WEB_TEST(nothing_else_is_shown),
        WEB_TEST(only_known_names_and_origins_come_in),
        WEB_TEST(a_wrong_secret_opens_nothing),
        WEB_TEST(texts_go_both_ways_in_one_or_more_frames),
        WEB_TEST(a_large_text_goes_both_ways),
        WEB_TEST(a_paused_channel_shows_one_text_and_the_rest_when_resumed),
        WEB_TEST(what_is_wrong_ends_that_session_alone),
        WEB_TEST(a_message_over_its_limit_is_refused_before_it_came),
        WEB_TEST(a_closed_channel_says_its_last_words),
        WEB_TEST(a_host_that_goes_away_is_heard_of),
        WEB_TEST(a_head_that_is_too_long_is_refused),
        TEST(names_of_files_are_checked),
        TEST(origins_are_of_the_forms_that_browsers_send),
    };

    (void)signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
