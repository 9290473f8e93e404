/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zygote - keeps one `keeve-vat --zygote` alive and asks it for workers; see vatproto/zygote.h.
 *
 *   requests   sent, sent, sent, │ waiting (the socket is full, or the zygote is being started)
 *              └ answered in order
 *
 * A zygote that ends takes the requests it was sent with it: those workers are reported gone. It is
 * started again, at once if it had worked before, after a growing pause if not.
 *
 * It may have forked before it ended, and not have said so. Such a stray ends by itself, since its
 * descriptor is closed at our end, and is our child: it is found through its process group, the zygote's.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "os/unix_socket.h"
#include "vathost/vathost_internal.h"
#include "vatproto/vatproto.h"
#include "vatproto/zygote.h"

#define PAUSE_MS_FIRST 50
#define PAUSE_MS_MAX 5000

/* Strays are looked for so often. */
#define STRAY_PAUSE_MS 50
#define STRAY_TRIES 200

#define NOT_OURS "is of another version, or does not confine its workers"

struct kee_zygote {
    struct kee_vathost *host;
    char *program;
    bool unjailed;
    int stderr_fd;
    pid_t pid; /* 0 while there is none */
    int fd;    /* -1 while there is none */
    struct kee_watch *watch;
    struct kee_timer *again;
    uint64_t pause_ms; /* before the next start; 0 once a zygote has worked */
    struct kee_link sent;
    struct kee_link waiting;
    uint64_t number; /* of the oldest request in sent */
    uint64_t numbers_given;
    struct kee_link strays; /* of zygotes that are gone */
    struct kee_timer *stray_timer;
};

/* Requests a zygote took with it. */
struct stray {
    struct kee_link link;
    pid_t group;
    size_t count; /* children there may be of which we were not told */
    unsigned tries;
};

static void on_event(void *context, unsigned events);

static int start(struct kee_zygote *zygote)
{
    struct kee_buf text = KEE_BUF_EMPTY;
    const char *argv[5] = {zygote->program, "--zygote", NULL, NULL, NULL};
    struct kee_spawn spawn = {.program = zygote->program,
                              .argv = argv,
                              .stderr_fd = zygote->stderr_fd,
                              .dies_with_us = true,
                              .own_group = true};
    int ends[2];
    int r = kee_unix_message_pair(ends);

    if (r < 0) {
        return r;
    }
    kee_buf_put_decimal(&text, (uint64_t)ends[1]);
    argv[2] = kee_buf_cstr(&text);
    argv[3] = zygote->unjailed ? "--unjailed" : NULL;
    spawn.pass_fd = ends[1];
    r = argv[2] == NULL ? kee_buf_status(&text) : kee_process_spawn(&zygote->pid, &spawn);
    kee_buf_fini(&text);
    kee_unix_close(ends[1]);
    if (r == 0) {
        r = kee_watch_new(&zygote->watch, zygote->host->loop, ends[0], on_event, zygote);
        if (r < 0) {
            kee_process_kill(zygote->pid);
            kee_process_wait(zygote->pid);
        }
    }
    if (r < 0) {
        zygote->pid = 0;
        kee_unix_close(ends[0]);
        return r;
    }
    zygote->fd = ends[0];
    return 0;
}

/* Sends what waits, in order, as far as the socket takes it. */
static void send_requests(struct kee_zygote *zygote)
{
    while (zygote->fd >= 0 && !kee_list_is_empty(&zygote->waiting)) {
        struct kee_worker *worker = KEE_CONTAINER(zygote->waiting.next, struct kee_worker, request);
        struct kee_buf message = KEE_BUF_EMPTY;
        bool sent = false;
        int r;

        kee_buf_put_u8(&message, KEE_ZYGOTE_FORK);
        kee_buf_put_u64(&message, zygote->numbers_given);
        kee_buf_put_u8(&message, worker->shared != NULL);
        r = kee_buf_status(&message);
        if (r == 0) {
            r = kee_unix_send_fd(zygote->fd, kee_buf_bytes(&message), worker->passed_fd, &sent);
        }
        kee_buf_fini(&message);
        if (r < 0 || !sent) {
            kee_fault_clear(); /* a broken socket shows as readable: the zygote is gone */
            break;
        }
        zygote->numbers_given++;
        kee_unix_close(worker->passed_fd);
        worker->passed_fd = -1;
        kee_list_remove(&worker->request);
        kee_list_append(&zygote->sent, &worker->request);
    }
    if (zygote->fd >= 0) {
        kee_watch_set(zygote->watch, kee_list_is_empty(&zygote->waiting)
                                         ? KEE_WATCH_READ
                                         : KEE_WATCH_READ | KEE_WATCH_WRITE);
    }
}

static void on_again(void *context)
{
    struct kee_zygote *zygote = context;

    if (start(zygote) < 0) {
        zygote->host->events->note(zygote->host->context, kee_fault_text());
        kee_fault_clear();
        zygote->pause_ms = zygote->pause_ms == 0 ? PAUSE_MS_FIRST : zygote->pause_ms * 2;
        if (zygote->pause_ms > PAUSE_MS_MAX) {
            zygote->pause_ms = PAUSE_MS_MAX;
        }
        kee_timer_set(zygote->again, kee_loop_now_ms(zygote->host->loop) + zygote->pause_ms);
        return;
    }
    send_requests(zygote);
}

static bool is_known(const struct kee_zygote *zygote, pid_t pid)
{
    const struct kee_link *head = &zygote->host->workers;

    for (const struct kee_link *link = head->next; link != head; link = link->next) {
        if (KEE_CONTAINER(link, struct kee_worker, link)->pid == pid) {
            return true;
        }
    }
    return pid == zygote->pid;
}

/* True when there is nothing more to wait for. A worker we know of is its own watch's to wait for, and
 * can stand before the stray in the system's eyes: hence the tries. */
static bool reap_strays(struct kee_zygote *zygote, struct stray *stray)
{
    while (stray->count > 0) {
        pid_t pid = kee_process_ended_in_group(stray->group);
        if (pid <= 0 || is_known(zygote, pid)) {
            return pid < 0 || ++stray->tries == STRAY_TRIES;
        }
        kee_process_wait(pid);
        stray->count--;
    }
    return true;
}

static void free_stray(struct stray *stray)
{
    kee_list_remove(&stray->link);
    free(stray);
}

static void on_stray_timer(void *context)
{
    struct kee_zygote *zygote = context;
    struct kee_link *link = zygote->strays.next;

    while (link != &zygote->strays) {
        struct stray *stray = KEE_CONTAINER(link, struct stray, link);
        link = link->next;
        if (reap_strays(zygote, stray)) {
            free_stray(stray);
        }
    }
    if (!kee_list_is_empty(&zygote->strays)) {
        kee_timer_set(zygote->stray_timer, kee_loop_now_ms(zygote->host->loop) + STRAY_PAUSE_MS);
    }
}

static void remember_strays(struct kee_zygote *zygote)
{
    struct stray *stray = calloc(1, sizeof *stray);

    if (stray == NULL) {
        return; /* a zombie then, until we end */
    }
    stray->group = zygote->pid;
    for (struct kee_link *link = zygote->sent.next; link != &zygote->sent; link = link->next) {
        stray->count++;
    }
    kee_list_append(&zygote->strays, &stray->link);
    kee_timer_set(zygote->stray_timer, kee_loop_now_ms(zygote->host->loop));
}

/* The zygote ended, or said something it must not say: then it is ended. */
static void lost(struct kee_zygote *zygote, const char *why)
{
    struct kee_vathost *host = zygote->host;
    struct kee_buf text = KEE_BUF_EMPTY;

    kee_watch_free(zygote->watch);
    zygote->watch = NULL;
    kee_unix_close(zygote->fd);
    zygote->fd = -1;
    kee_buf_put_str(&text, "no worker: the zygote ");
    if (why != NULL) {
        kee_process_kill(zygote->pid);
        kee_process_wait(zygote->pid);
        kee_buf_put_str(&text, why);
    } else if (!kee_process_wait_gone(zygote->pid, 1000) || !kee_process_reap(zygote->pid, &text)) {
        kee_process_kill(zygote->pid);
        kee_process_wait(zygote->pid);
        kee_buf_put_str(&text, "closed its socket");
    }
    if (!kee_list_is_empty(&zygote->sent)) {
        remember_strays(zygote);
    }
    zygote->pid = 0;
    host->events->note(host->context, kee_buf_cstr(&text));
    while (!kee_list_is_empty(&zygote->sent)) {
        kee_worker_forked(KEE_CONTAINER(zygote->sent.next, struct kee_worker, request), 0,
                          kee_buf_cstr(&text));
    }
    zygote->number = zygote->numbers_given;
    kee_buf_fini(&text);
    zygote->pause_ms = zygote->pause_ms * 2 > PAUSE_MS_MAX ? PAUSE_MS_MAX : zygote->pause_ms * 2;
    kee_timer_set(zygote->again, kee_loop_now_ms(host->loop) + zygote->pause_ms);
    if (zygote->pause_ms == 0) {
        zygote->pause_ms = PAUSE_MS_FIRST; /* until the next one has worked */
    }
}

static bool on_forked(struct kee_zygote *zygote, struct kee_vp_reader *reader)
{
    uint64_t number = kee_vp_take_u64(reader);
    uint32_t pid = kee_vp_take_u32(reader);
    uint32_t error = kee_vp_take_u32(reader);

    if (!kee_vp_reader_end(reader) || kee_list_is_empty(&zygote->sent) ||
        number != zygote->number || pid > INT32_MAX || pid == 1) {
        return false;
    }
    zygote->number++;
    zygote->pause_ms = 0;
    kee_worker_forked(KEE_CONTAINER(zygote->sent.next, struct kee_worker, request), (pid_t)pid,
                      pid == 0 ? strerror((int)error) : NULL);
    return true;
}

static bool on_ready(struct kee_zygote *zygote, struct kee_vp_reader *reader)
{
    uint32_t version = kee_vp_take_u32(reader);
    bool jailed = kee_vp_take_u8(reader) == 1;

    return kee_vp_reader_end(reader) && version == KEE_ZYGOTE_VERSION &&
           (jailed || zygote->unjailed);
}

static bool on_message(struct kee_zygote *zygote, struct kee_bytes message)
{
    struct kee_vp_reader reader = {.rest = message};

    switch (kee_vp_take_u8(&reader)) {
    case KEE_ZYGOTE_READY:
        return on_ready(zygote, &reader);
    case KEE_ZYGOTE_FORKED:
        return on_forked(zygote, &reader);
    default:
        return false;
    }
}

static void on_event(void *context, unsigned events)
{
    struct kee_zygote *zygote = context;
    uint8_t message[64];
    long size = -1;

    if ((events & KEE_WATCH_WRITE) != 0) {
        send_requests(zygote);
    }
    while (zygote->fd >= 0) {
        if (kee_unix_receive(zygote->fd, message, sizeof message, &size) < 0) {
            kee_fault_clear();
            size = 0;
        }
        if (size < 0) {
            return;
        }
        if (size == 0) {
            lost(zygote, NULL);
        } else if (!on_message(zygote, kee_bytes_of(message, (size_t)size))) {
            lost(zygote, NOT_OURS);
        }
    }
}

int kee_zygote_wait_ready(struct kee_zygote *zygote, int timeout_ms, struct kee_buf *why)
{
    uint8_t message[64];
    long size = -1;

    kee_buf_put_str(why, "the program for vats ");
    if (!kee_unix_wait_readable(zygote->fd, timeout_ms)) {
        kee_buf_printf(why, "was not ready after %d seconds", timeout_ms / 1000);
        return KEE_VATHOST_NOT_READY;
    }
    if (kee_unix_receive(zygote->fd, message, sizeof message, &size) < 0) {
        kee_fault_clear();
        size = 0;
    }
    if (size > 0 && message[0] == KEE_ZYGOTE_READY &&
        on_message(zygote, kee_bytes_of(message, (size_t)size))) {
        kee_buf_clear(why);
        return 0;
    }
    if (size > 0) {
        kee_buf_put_str(why, NOT_OURS);
    } else {
        (void)kee_process_wait_gone(zygote->pid, 1000);
        if (kee_process_reap(zygote->pid, why)) {
            zygote->pid = 0;
        }
    }
    return KEE_VATHOST_NOT_READY;
}

void kee_zygote_fork(struct kee_zygote *zygote, struct kee_worker *worker)
{
    kee_list_append(&zygote->waiting, &worker->request);
    send_requests(zygote);
}

int kee_zygote_new(struct kee_zygote **out, struct kee_vathost *host,
                   const struct kee_vathost_options *options)
{
    struct kee_zygote *zygote = calloc(1, sizeof *zygote);
    int r;

    if (zygote == NULL || (zygote->program = strdup(options->program)) == NULL) {
        free(zygote);
        return kee_fault(KEE_FAULT_MEMORY, "zygote");
    }
    kee_list_init(&zygote->sent);
    kee_list_init(&zygote->waiting);
    kee_list_init(&zygote->strays);
    zygote->host = host;
    zygote->unjailed = options->unjailed;
    zygote->stderr_fd = options->stderr_fd;
    zygote->fd = -1;
    zygote->pause_ms = PAUSE_MS_FIRST;
    r = kee_timer_new(&zygote->again, host->loop, on_again, zygote);
    if (r == 0) {
        r = kee_timer_new(&zygote->stray_timer, host->loop, on_stray_timer, zygote);
    }
    if (r == 0) {
        r = start(zygote);
    }
    if (r < 0) {
        kee_zygote_free(zygote);
        return r;
    }
    send_requests(zygote);
    *out = zygote;
    return 0;
}

void kee_zygote_free(struct kee_zygote *zygote)
{
    if (zygote == NULL) {
        return;
    }
    kee_watch_free(zygote->watch);
    kee_unix_close(zygote->fd);
    if (zygote->pid > 0) {
        kee_process_kill(zygote->pid);
        kee_process_wait(zygote->pid);
    }
    while (!kee_list_is_empty(&zygote->sent)) {
        kee_list_remove(zygote->sent.next);
    }
    while (!kee_list_is_empty(&zygote->waiting)) {
        kee_list_remove(zygote->waiting.next);
    }
    while (!kee_list_is_empty(&zygote->strays)) {
        struct stray *stray = KEE_CONTAINER(zygote->strays.next, struct stray, link);
        (void)reap_strays(zygote, stray);
        free_stray(stray);
    }
    kee_timer_free(zygote->again);
    kee_timer_free(zygote->stray_timer);
    free(zygote->program);
    free(zygote);
}
