/* SPDX-License-Identifier: Apache-2.0 */
/* The zygote as the daemon sees it: ready, forks on request, its workers ours and jailed. */
#include "cm.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vatproto/vatproto.h"
#include "vatproto/zygote.h"

#define CONTROL_FD 9

struct fixture {
    pid_t zygote;
    int control;
};

static void spawn(struct fixture *f, const char *option)
{
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
    f->zygote = fork();
    assert_true(f->zygote >= 0);
    if (f->zygote == 0) {
        char number[16];
        snprintf(number, sizeof number, "%d", CONTROL_FD);
        dup2(pair[1], CONTROL_FD);
        execl(KEEVE_VAT, KEEVE_VAT, "--zygote", number, option, (char *)NULL);
        _exit(99);
    }
    close(pair[1]);
    f->control = pair[0];
}

static void expect_ready(const struct fixture *f, uint8_t jailed)
{
    uint8_t packet[32];
    const uint8_t expected[] = {KEE_ZYGOTE_READY, KEE_ZYGOTE_VERSION, 0, 0, 0, jailed};
    assert_int_equal(read(f->control, packet, sizeof packet), KEE_ZYGOTE_READY_BYTES);
    assert_memory_equal(packet, expected, sizeof expected);
}

static void send_fork(const struct fixture *f, uint64_t number, int fd)
{
    struct kee_buf packet = KEE_BUF_EMPTY;
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control = {{0}};
    struct iovec vector;
    struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};
    kee_buf_put_u8(&packet, KEE_ZYGOTE_FORK);
    kee_buf_put_u64(&packet, number);
    kee_buf_put_u8(&packet, 0);
    vector = (struct iovec){.iov_base = packet.data, .iov_len = packet.size};
    if (fd >= 0) {
        struct cmsghdr *header;
        message.msg_control = control.bytes;
        message.msg_controllen = sizeof control.bytes;
        header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof fd);
        memcpy(CMSG_DATA(header), &fd, sizeof fd);
    }
    assert_int_equal(sendmsg(f->control, &message, 0), KEE_ZYGOTE_FORK_BYTES);
    kee_buf_fini(&packet);
}

/* Gives the pid; *error is what the zygote said. */
static pid_t expect_forked(const struct fixture *f, uint64_t number, uint32_t *error)
{
    uint8_t packet[32];
    struct kee_vp_reader reader = {.rest = kee_bytes_of(packet, KEE_ZYGOTE_FORKED_BYTES)};
    uint32_t pid;
    assert_int_equal(read(f->control, packet, sizeof packet), KEE_ZYGOTE_FORKED_BYTES);
    assert_int_equal(kee_vp_take_u8(&reader), KEE_ZYGOTE_FORKED);
    assert_int_equal(kee_vp_take_u64(&reader), number);
    pid = kee_vp_take_u32(&reader);
    *error = kee_vp_take_u32(&reader);
    assert_true(kee_vp_reader_end(&reader));
    return (pid_t)pid;
}

/* Asks for a worker; gives its pid and our end of its frames. */
static pid_t open_worker(const struct fixture *f, uint64_t number, int *out)
{
    uint32_t error;
    int pair[2];
    pid_t pid;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    send_fork(f, number, pair[1]);
    close(pair[1]);
    pid = expect_forked(f, number, &error);
    assert_int_equal(error, 0);
    assert_true(pid > 0);
    *out = pair[0];
    return pid;
}

static void expect_exit(pid_t pid, int status)
{
    int seen = 0;
    assert_int_equal(waitpid(pid, &seen, 0), pid);
    assert_true(WIFEXITED(seen));
    assert_int_equal(WEXITSTATUS(seen), status);
}

static void close_zygote(struct fixture *f)
{
    close(f->control);
    expect_exit(f->zygote, 0);
}

/* Starts a vat and reads the type of the last frame it sends before it waits: a DONE. */
static void start_vat(int fd)
{
    struct kee_vp_start start = {
        .version = KEE_VP_VERSION,
        .vat = 1,
        .incarnation = 1,
        .seed = KEE_BYTES_LIT("0123456789abcdef0123456789abcdef"),
        .code_name = KEE_BYTES_LIT("vat.js"),
        .code = KEE_BYTES_LIT("import { Far } from '@endo/far';"
                              "export const buildRootObject = () => Far('root', {});"),
        .parameters = {.body = KEE_BYTES_LIT("#{}")},
    };
    struct kee_buf frame = KEE_BUF_EMPTY;
    kee_vp_start_put(&frame, &start);
    assert_int_equal(kee_buf_status(&frame), 0);
    assert_int_equal(write(fd, frame.data, frame.size), frame.size);
    kee_buf_fini(&frame);
}

/* Answers every question with "no such row" until the DONE comes; gives its status. */
static uint8_t await_done(int fd)
{
    uint8_t stream[65536];
    size_t size = 0;
    for (;;) {
        uint8_t type;
        struct kee_bytes fields;
        size_t frame;
        ssize_t n;
        while (kee_vp_frame_cut(kee_bytes_of(stream, size), &type, &fields, &frame) == 1) {
            struct kee_vp_reader reader = {.rest = fields};
            if (type == KEE_VP_DONE) {
                assert_int_equal(kee_vp_take_u64(&reader), 0);
                return kee_vp_take_u8(&reader);
            }
            if (type == KEE_VP_GET || type == KEE_VP_NEXT) {
                const uint8_t absent[] = {10, 0, 0, 0, KEE_VP_ROW, 0, 0, 0, 0, 0, 0, 0, 0, 0};
                assert_int_equal(write(fd, absent, sizeof absent), sizeof absent);
            }
            memmove(stream, stream + frame, size - frame);
            size -= frame;
        }
        n = read(fd, stream + size, sizeof stream - size);
        assert_true(n > 0);
        size += (size_t)n;
    }
}

/* A line of /proc/PID/status, cut at its end. */
static void status_line(pid_t pid, const char *name, char *out, size_t size)
{
    char path[64];
    FILE *file;
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    file = fopen(path, "r");
    assert_non_null(file);
    out[0] = '\0';
    while (fgets(out, (int)size, file) != NULL && strncmp(out, name, strlen(name)) != 0) {
    }
    fclose(file);
    out[strcspn(out, "\n")] = '\0';
}

static void forks_workers_that_are_ours(void **state)
{
    struct fixture f;
    pid_t pids[3];
    int fds[3];
    spawn(&f, NULL);
    expect_ready(&f, 1);
    for (int i = 0; i < 3; i++) {
        pids[i] = open_worker(&f, 100 + (uint64_t)i, &fds[i]);
        start_vat(fds[i]);
    }
    for (int i = 0; i < 3; i++) {
        assert_int_equal(await_done(fds[i]), KEE_VP_OK);
    }
    for (int i = 0; i < 3; i++) {
        close(fds[i]);
        expect_exit(pids[i], 0);
    }
    close_zygote(&f);
}

/* What holds a worker back, as the system itself tells it. */
static void workers_are_confined(void **state)
{
    struct fixture f;
    char line[256];
    char path[64];
    char target[64] = "";
    int fd;
    pid_t pid;
    spawn(&f, NULL);
    expect_ready(&f, 1);
    pid = open_worker(&f, 1, &fd);
    start_vat(fd);
    assert_int_equal(await_done(fd), KEE_VP_OK);
    status_line(pid, "Seccomp:", line, sizeof line);
    assert_string_equal(line, "Seccomp:\t2");
    status_line(pid, "NoNewPrivs:", line, sizeof line);
    assert_string_equal(line, "NoNewPrivs:\t1");
    for (int i = 0; i < 16; i++) { /* null null stderr socket, and nothing else */
        ssize_t n;
        snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)pid, i);
        n = readlink(path, target, sizeof target - 1);
        assert_int_equal(n > 0, i <= 3);
        target[n > 0 ? n : 0] = '\0';
        if (i <= 1) {
            assert_string_equal(target, "/dev/null");
        }
        if (i == 3) {
            assert_memory_equal(target, "socket:", 7);
        }
    }
    close(fd);
    expect_exit(pid, 0);
    close_zygote(&f);
}

static void unjailed_only_when_told(void **state)
{
    struct fixture f;
    char line[256];
    int fd;
    pid_t pid;
    spawn(&f, "--unjailed");
    expect_ready(&f, 0);
    pid = open_worker(&f, 1, &fd);
    start_vat(fd);
    assert_int_equal(await_done(fd), KEE_VP_OK);
    status_line(pid, "Seccomp:", line, sizeof line);
    assert_string_equal(line, "Seccomp:\t0");
    close(fd);
    expect_exit(pid, 0);
    close_zygote(&f);
}

static void refuses_a_request_without_a_descriptor(void **state)
{
    struct fixture f;
    uint32_t error;
    spawn(&f, NULL);
    expect_ready(&f, 1);
    send_fork(&f, 7, -1);
    assert_int_equal(expect_forked(&f, 7, &error), 0);
    assert_int_equal(error, EBADF);
    close_zygote(&f);
}

static void ends_at_a_malformed_request(void **state)
{
    struct fixture f;
    spawn(&f, NULL);
    expect_ready(&f, 1);
    assert_int_equal(write(f.control, "what", 4), 4);
    expect_exit(f.zygote, 1);
    close(f.control);
}

/* The workers live on when the zygote goes, and end with their own descriptor. */
static void workers_outlive_the_zygote(void **state)
{
    struct fixture f;
    int fd;
    pid_t pid;
    spawn(&f, NULL);
    expect_ready(&f, 1);
    pid = open_worker(&f, 1, &fd);
    close_zygote(&f);
    start_vat(fd);
    assert_int_equal(await_done(fd), KEE_VP_OK);
    close(fd);
    expect_exit(pid, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(forks_workers_that_are_ours), TEST(workers_are_confined),
        TEST(unjailed_only_when_told),     TEST(refuses_a_request_without_a_descriptor),
        TEST(ends_at_a_malformed_request), TEST(workers_outlive_the_zygote),
    };
    return cmocka_run_group_tests_name("zygote", tests, NULL, NULL);
}
