/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fake_vat - stands in for keeve-vat where the host of workers is tested: a zygote whose workers do
 * what the first byte of a DELIVER frame's fields says.
 *
 *   e  sends the fields back in a DONE frame       x  exits with status 3
 *   s  ends by SIGSEGV                             y  ends by SIGSYS, as a jailed one would
 *   c  closes its socket and stays                 b  sends a frame of size 0
 *   p  sends half a frame and exits                l  sends a LOG frame and exits at once
 *   k  kills the zygote, then sends DONE           h  never reads again
 *   m  sends 2000 DONE frames of 1 KB            u  has the zygote end after its next fork, untold
 *
 * Under the name spoil-N-HOW its N-th packet to the daemon (0 is READY) is spoiled, once: a file beside
 * the program says that it was done. HOW: end, twice, cut, longer, type, number.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "vatproto/vatproto.h"
#include "vatproto/zygote.h"

static volatile sig_atomic_t end_untold;

static void on_user_signal(int number)
{
    (void)number;
    end_untold = 1;
}

static void send_all(int fd, const void *data, size_t size)
{
    const char *at = data;

    while (size > 0) {
        ssize_t n = send(fd, at, size, MSG_NOSIGNAL);
        if (n <= 0) {
            _exit(0);
        }
        at += n;
        size -= (size_t)n;
    }
}

static void send_frame(int fd, enum kee_vp_type type, struct kee_bytes fields)
{
    struct kee_buf frame = KEE_BUF_EMPTY;
    size_t place = kee_vp_frame_open(&frame, type);

    kee_buf_put_bytes(&frame, fields);
    kee_vp_frame_close(&frame, place);
    kee_assert(kee_buf_status(&frame) == 0);
    send_all(fd, frame.data, frame.size);
    kee_buf_fini(&frame);
}

static void end_by(int number)
{
    struct rlimit none = {0, 0};

    (void)setrlimit(RLIMIT_CORE, &none);
    (void)signal(number, SIG_DFL);
    (void)raise(number);
}

static void obey(int fd, pid_t zygote, struct kee_bytes fields)
{
    static const uint8_t zeros[1024];

    switch (fields.size == 0 ? 0 : fields.data[0]) {
    case 'e':
        send_frame(fd, KEE_VP_DONE, fields);
        break;
    case 'x':
        _exit(3);
    case 's':
        end_by(SIGSEGV);
        break;
    case 'y':
        end_by(SIGSYS);
        break;
    case 'c':
        (void)close(fd);
        for (;;) {
            (void)pause();
        }
    case 'b':
        send_all(fd, zeros, 4);
        break;
    case 'p':
        send_all(fd, "\x20\0\0\0\x41half", 9);
        _exit(0);
    case 'l':
        send_frame(fd, KEE_VP_LOG, KEE_BYTES_LIT("bye"));
        _exit(0);
    case 'k':
        (void)kill(zygote, SIGKILL);
        send_frame(fd, KEE_VP_DONE, fields);
        break;
    case 'u':
        (void)kill(zygote, SIGUSR1);
        send_frame(fd, KEE_VP_DONE, fields);
        break;
    case 'h':
        for (;;) {
            (void)pause();
        }
    case 'm':
        for (int i = 0; i < 2000; i++) {
            send_frame(fd, KEE_VP_DONE, kee_bytes_of(zeros, sizeof zeros));
        }
        break;
    default:
        _exit(9);
    }
}

static _Noreturn void work(int fd, pid_t zygote)
{
    struct kee_buf in = KEE_BUF_EMPTY;
    struct kee_bytes fields;
    uint8_t type;
    size_t size;

    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;) {
        ssize_t n;
        kee_assert(kee_buf_reserve(&in, 65536) == 0);
        n = read(fd, in.data + in.size, 65536);
        if (n <= 0) {
            _exit(0);
        }
        in.size += (size_t)n;
        while (kee_vp_frame_cut(kee_buf_bytes(&in), &type, &fields, &size) == 1) {
            obey(fd, zygote, fields);
            kee_buf_consume(&in, size);
        }
    }
}

static int receive_request(int control, uint8_t *message, size_t room, ssize_t *size)
{
    union {
        struct cmsghdr header;
        char room[CMSG_SPACE(sizeof(int))];
    } ancillary;
    struct iovec part = {message, room};
    struct msghdr envelope = {.msg_iov = &part,
                              .msg_iovlen = 1,
                              .msg_control = ancillary.room,
                              .msg_controllen = sizeof ancillary.room};
    struct cmsghdr *header;
    int fd = -1;

    *size = recvmsg(control, &envelope, MSG_CMSG_CLOEXEC);
    header = *size > 0 ? CMSG_FIRSTHDR(&envelope) : NULL;
    if (header != NULL) {
        memcpy(&fd, CMSG_DATA(header), sizeof fd);
    }
    return fd;
}

struct packets {
    int control;
    const char *program;
    unsigned sent, spoil_at;
    char how[16];
};

/* True if the packet is to be spoiled; never again then, whichever process asks. */
static bool is_chosen(struct packets *packets)
{
    char mark[256];
    int fd;

    if (packets->how[0] == 0 || packets->sent++ != packets->spoil_at) {
        return false;
    }
    (void)snprintf(mark, sizeof mark, "%s.done", packets->program);
    fd = open(mark, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
    if (fd >= 0) {
        (void)close(fd);
    }
    return fd >= 0;
}

static void send_packet(struct packets *packets, struct kee_buf *packet)
{
    kee_assert(kee_buf_status(packet) == 0);
    if (is_chosen(packets)) {
        if (strcmp(packets->how, "end") == 0) {
            _exit(4);
        } else if (strcmp(packets->how, "twice") == 0) {
            send_all(packets->control, packet->data, packet->size);
        } else if (strcmp(packets->how, "cut") == 0) {
            packet->size--;
        } else if (strcmp(packets->how, "longer") == 0) {
            kee_buf_put_u8(packet, 0);
        } else {
            packet->data[strcmp(packets->how, "type") == 0 ? 0 : 1] ^= 0x40;
        }
    }
    send_all(packets->control, packet->data, packet->size);
    kee_buf_clear(packet);
}

int main(int argc, char **argv)
{
    struct packets packets = {.program = argv[0]};
    const char *name = strrchr(argv[0], '/');
    struct kee_buf out = KEE_BUF_EMPTY;
    uint8_t message[64];
    pid_t self = getpid();
    ssize_t size;
    int control, fd;

    if (argc < 3 || strcmp(argv[1], "--zygote") != 0) {
        return 2;
    }
    control = atoi(argv[2]);
    (void)sigaction(
        SIGUSR1, &(struct sigaction){.sa_handler = on_user_signal, .sa_flags = SA_RESTART}, NULL);
    kee_buf_put_u8(&out, KEE_ZYGOTE_READY);
    kee_buf_put_u32(&out, KEE_ZYGOTE_VERSION);
    kee_buf_put_u8(&out, argc == 3); /* only with --unjailed it does not claim to confine */
    (void)sscanf(name == NULL ? argv[0] : name + 1, "spoil-%u-%15s", &packets.spoil_at,
                 packets.how);
    packets.control = control;
    send_packet(&packets, &out);
    for (;;) {
        pid_t pid;
        fd = receive_request(control, message, sizeof message, &size);
        if (size <= 0) {
            kee_buf_fini(&out);
            return 0;
        }
        pid = (pid_t)syscall(SYS_clone, CLONE_PARENT | SIGCHLD, NULL, NULL, NULL, 0);
        if (pid == 0) {
            (void)close(control);
            work(fd, self);
        }
        if (end_untold) {
            kee_buf_fini(&out);
            return 0;
        }
        (void)close(fd);
        kee_buf_put_u8(&out, KEE_ZYGOTE_FORKED);
        kee_buf_put(&out, message + 1, 8);
        kee_buf_put_u32(&out, pid < 0 ? 0 : (uint32_t)pid);
        kee_buf_put_u32(&out, pid < 0 ? (uint32_t)errno : 0);
        send_packet(&packets, &out);
    }
}
