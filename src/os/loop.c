/* SPDX-License-Identifier: Apache-2.0 */
/* loop - on libuv; see loop.h. */
#include "os/loop.h"

#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <time.h>
#include <uv.h>

#include "base/assert.h"
#include "base/fault.h"

/* Large enough that one read empties a socket buffer in the usual case. */
#define SCRATCH_BYTES (256u * 1024)
#define EXPECT_NS 80000

struct kee_loop {
    uv_loop_t uv;
    uv_prepare_t prepare;
    uv_idle_t idle; /* active while the round wants to be called again at once */
    bool (*round)(void *context);
    void *context;
    bool again;
    bool expects;
    uint64_t events; /* called back so far */
    uint8_t *scratch;
};

struct kee_watch {
    uv_poll_t uv;
    struct kee_loop *loop;
    void (*fn)(void *context, unsigned events);
    void *context;
    unsigned events;
};

struct kee_timer {
    uv_timer_t uv;
    struct kee_loop *loop;
    void (*fn)(void *context);
    void *context;
    uint64_t at_ms;
};

struct kee_signal {
    uv_signal_t uv;
    struct kee_loop *loop;
    void (*fn)(void *context);
    void *context;
};

static void on_idle(uv_idle_t *idle)
{
    (void)idle; /* its being active is what keeps the loop from sleeping */
}

static long elapsed_ns(const struct timespec *since)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (now.tv_sec - since->tv_sec) * 1000000000L + (now.tv_nsec - since->tv_nsec);
}

static void look_out(const struct kee_loop *loop)
{
    struct pollfd watched = {.fd = uv_backend_fd(&loop->uv), .events = POLLIN};
    struct timespec since;

    (void)clock_gettime(CLOCK_MONOTONIC, &since);
    while (poll(&watched, 1, 0) == 0 && elapsed_ns(&since) < EXPECT_NS) {
        (void)sched_yield();
    }
}

static void on_prepare(uv_prepare_t *prepare)
{
    struct kee_loop *loop = prepare->data;
    bool again = loop->round != NULL && loop->round(loop->context);

    if (again != loop->again) {
        loop->again = again;
        if (again) {
            (void)uv_idle_start(&loop->idle, on_idle);
        } else {
            (void)uv_idle_stop(&loop->idle);
        }
    }
    if (loop->expects && !again) {
        look_out(loop);
    }
    loop->expects = false;
}

void kee_loop_expect(struct kee_loop *loop)
{
    loop->expects = true;
}

/* What libuv says, as a fault. */
static int code_of(int error)
{
    return error == UV_ENOMEM ? KEE_FAULT_MEMORY : KEE_FAULT_SYSTEM;
}

int kee_loop_new(struct kee_loop **out)
{
    struct kee_loop *loop = calloc(1, sizeof *loop);
    int r;

    if (loop == NULL || (loop->scratch = malloc(SCRATCH_BYTES)) == NULL) {
        free(loop);
        return kee_fault(KEE_FAULT_MEMORY, "event loop");
    }
    r = uv_loop_init(&loop->uv);
    if (r < 0) {
        free(loop->scratch);
        free(loop);
        return kee_fault(code_of(r), "event loop: %s", uv_strerror(r));
    }
    (void)uv_prepare_init(&loop->uv, &loop->prepare);
    (void)uv_idle_init(&loop->uv, &loop->idle);
    loop->prepare.data = loop;
    (void)uv_prepare_start(&loop->prepare, on_prepare);
    *out = loop;
    return 0;
}

void kee_loop_free(struct kee_loop *loop)
{
    if (loop == NULL) {
        return;
    }
    uv_close((uv_handle_t *)&loop->prepare, NULL);
    uv_close((uv_handle_t *)&loop->idle, NULL);
    (void)uv_run(&loop->uv, UV_RUN_DEFAULT); /* lets closed handles free themselves */
    kee_assert(uv_loop_close(&loop->uv) == 0);
    free(loop->scratch);
    free(loop);
}

int kee_loop_run(struct kee_loop *loop)
{
    (void)uv_run(&loop->uv, UV_RUN_DEFAULT);
    return 0;
}

void kee_loop_stop(struct kee_loop *loop)
{
    uv_stop(&loop->uv);
}

int kee_loop_fd(const struct kee_loop *loop)
{
    return uv_backend_fd(&loop->uv);
}

int kee_loop_timeout_ms(struct kee_loop *loop)
{
    uv_update_time(&loop->uv); /* the owner may have been away for long */
    return uv_backend_timeout(&loop->uv);
}

void kee_loop_wait(const struct kee_loop *loop, int timeout_ms)
{
    struct pollfd watched = {.fd = kee_loop_fd(loop), .events = POLLIN};

    (void)poll(&watched, 1, timeout_ms);
}

bool kee_loop_pass(struct kee_loop *loop)
{
    uint64_t events = loop->events;

    (void)uv_run(&loop->uv, UV_RUN_NOWAIT);
    return loop->again || loop->events != events;
}

struct uv_loop_s *kee_loop_uv(struct kee_loop *loop)
{
    return &loop->uv;
}

uint64_t kee_loop_now_ms(const struct kee_loop *loop)
{
    return uv_now(&loop->uv);
}

void kee_loop_look_at_clock(struct kee_loop *loop)
{
    uv_update_time(&loop->uv);
}

void kee_loop_on_round(struct kee_loop *loop, bool (*round)(void *context), void *context)
{
    loop->round = round;
    loop->context = context;
}

uint8_t *kee_loop_scratch(struct kee_loop *loop, size_t *size)
{
    *size = SCRATCH_BYTES;
    return loop->scratch;
}

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct kee_watch *watch = poll->data;
    unsigned seen = 0;

    if (status < 0) {
        watch->events = 0; /* libuv has stopped it */
        seen = KEE_WATCH_READ | KEE_WATCH_BROKEN;
    }
    if ((events & UV_READABLE) != 0) {
        seen |= KEE_WATCH_READ;
    }
    if ((events & UV_WRITABLE) != 0) {
        seen |= KEE_WATCH_WRITE;
    }
    watch->loop->events++;
    watch->fn(watch->context, seen);
}

int kee_watch_new(struct kee_watch **out, struct kee_loop *loop, int fd,
                  void (*fn)(void *context, unsigned events), void *context)
{
    struct kee_watch *watch = calloc(1, sizeof *watch);
    int r;

    if (watch == NULL) {
        return kee_fault(KEE_FAULT_MEMORY, "watch");
    }
    r = uv_poll_init(&loop->uv, &watch->uv, fd);
    if (r < 0) {
        free(watch);
        return kee_fault(code_of(r), "watching descriptor %d: %s", fd, uv_strerror(r));
    }
    watch->uv.data = watch;
    watch->loop = loop;
    watch->fn = fn;
    watch->context = context;
    *out = watch;
    return 0;
}

void kee_watch_set(struct kee_watch *watch, unsigned events)
{
    int wanted = 0;

    if (events == watch->events) {
        return;
    }
    watch->events = events;
    if ((events & KEE_WATCH_READ) != 0) {
        wanted |= UV_READABLE;
    }
    if ((events & KEE_WATCH_WRITE) != 0) {
        wanted |= UV_WRITABLE;
    }
    if (wanted == 0) {
        (void)uv_poll_stop(&watch->uv);
    } else {
        (void)uv_poll_start(&watch->uv, wanted, on_poll);
    }
}

void kee_watch_free(struct kee_watch *watch)
{
    if (watch != NULL) {
        uv_close((uv_handle_t *)&watch->uv, on_closed);
    }
}

int kee_timer_new(struct kee_timer **out, struct kee_loop *loop, void (*fn)(void *context),
                  void *context)
{
    struct kee_timer *timer = calloc(1, sizeof *timer);

    if (timer == NULL) {
        return kee_fault(KEE_FAULT_MEMORY, "timer");
    }
    (void)uv_timer_init(&loop->uv, &timer->uv);
    timer->uv.data = timer;
    timer->loop = loop;
    timer->fn = fn;
    timer->context = context;
    timer->at_ms = KEE_NEVER_MS;
    *out = timer;
    return 0;
}

static void on_timer(uv_timer_t *uv)
{
    struct kee_timer *timer = uv->data;

    timer->at_ms = KEE_NEVER_MS;
    timer->loop->events++;
    timer->fn(timer->context);
}

void kee_timer_set(struct kee_timer *timer, uint64_t at_ms)
{
    uint64_t now_ms;

    if (at_ms == timer->at_ms) {
        return;
    }
    timer->at_ms = at_ms;
    if (at_ms == KEE_NEVER_MS) {
        (void)uv_timer_stop(&timer->uv);
        return;
    }
    now_ms = kee_loop_now_ms(timer->loop);
    (void)uv_timer_start(&timer->uv, on_timer, at_ms > now_ms ? at_ms - now_ms : 0, 0);
}

void kee_timer_free(struct kee_timer *timer)
{
    if (timer != NULL) {
        uv_close((uv_handle_t *)&timer->uv, on_closed);
    }
}

static void on_signal(uv_signal_t *uv, int number)
{
    struct kee_signal *signal = uv->data;

    (void)number;
    signal->loop->events++;
    signal->fn(signal->context);
}

int kee_signal_new(struct kee_signal **out, struct kee_loop *loop, int number,
                   void (*fn)(void *context), void *context)
{
    struct kee_signal *signal = calloc(1, sizeof *signal);
    int r;

    if (signal == NULL) {
        return kee_fault(KEE_FAULT_MEMORY, "signal");
    }
    r = uv_signal_init(&loop->uv, &signal->uv);
    if (r < 0) {
        free(signal);
        return kee_fault(code_of(r), "signal %d: %s", number, uv_strerror(r));
    }
    signal->uv.data = signal;
    signal->loop = loop;
    signal->fn = fn;
    signal->context = context;
    r = uv_signal_start(&signal->uv, on_signal, number);
    if (r < 0) {
        kee_signal_free(signal);
        return kee_fault(code_of(r), "signal %d: %s", number, uv_strerror(r));
    }
    *out = signal;
    return 0;
}

void kee_signal_free(struct kee_signal *signal)
{
    if (signal != NULL) {
        uv_close((uv_handle_t *)&signal->uv, on_closed);
    }
}
