/* SPDX-License-Identifier: Apache-2.0 */
/* What the session machine of CapTP costs, in nanoseconds for each call, over a kernel that does nothing. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/assert.h"
#include "captp/captp.h"
#include "kernel/kernel.h"

enum { CALLS = 200000 };

/* ---- a kernel that does nothing ---- */

static uint64_t promises;

int kee_peer_open(struct kee_kernel *kernel, const struct kee_peer_options *options,
                  struct kee_peer_id *out)
{
    out->n = 1;
    return 0;
}

int kee_peer_close(struct kee_kernel *kernel, struct kee_peer_id peer, const char *why)
{
    return 0;
}

int kee_peer_send(struct kee_kernel *kernel, struct kee_peer_id peer, struct kee_bytes target,
                  struct kee_vp_capdata methargs, struct kee_kref *result)
{
    *result = kee_kref_make(KEE_KREF_PROMISE, ++promises);
    return 0;
}

int kee_peer_settle(struct kee_kernel *kernel, struct kee_peer_id peer, struct kee_bytes promise,
                    bool rejected, struct kee_vp_capdata data)
{
    return 0;
}

int kee_peer_drop(struct kee_kernel *kernel, struct kee_peer_id peer, struct kee_bytes name,
                  uint64_t count)
{
    return 0;
}

int kee_peer_hold(struct kee_kernel *kernel, struct kee_peer_id peer, struct kee_kref kref)
{
    return 0;
}

int kee_peer_look(struct kee_kernel *kernel, struct kee_peer_id peer, struct kee_bytes promise,
                  struct kee_buf *hold, char *state, struct kee_vp_capdata *data)
{
    return KEE_KERNEL_NO_SUCH;
}

const char *kee_kernel_why(const struct kee_kernel *kernel)
{
    return "";
}

/* ---- calls ---- */

/* Of this process alone: others may be at work. */
static double now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void on_emit(void *context, struct kee_bytes text)
{
    *(uint64_t *)context += text.size;
}

static void on_closed(void *context, const char *why)
{
    (void)fprintf(stderr, "bench: %s\n", why);
    exit(1);
}

static const struct kee_captp_events events = {on_emit, on_closed};

/* body: of the call's arguments, JSON in JSON; slots: of the wire. result: a body of the kernel's. */
static void measure(const char *what, bool owner, const char *body, const char *slots,
                    const char *result, const char *result_slot)
{
    struct kee_captp_options options = {.owner = owner,
                                        .bootstrap = kee_kref_make(KEE_KREF_OBJECT, 1)};
    struct kee_buf text = KEE_BUF_EMPTY, name = KEE_BUF_EMPTY, names = KEE_BUF_EMPTY;
    struct kee_captp *session;
    uint64_t said = 0;
    double start;

    kee_assert(kee_captp_new(&session, NULL, &options, &events, &said) == 0);
    if (result_slot != NULL) {
        kee_vp_put_string(&names, kee_bytes_str(result_slot));
    }
    start = now_ns();
    for (unsigned i = 0; i < CALLS; i++) {
        struct kee_peer_news news = {.kind = KEE_PEER_SETTLED};
        kee_buf_clear(&text);
        kee_buf_printf(&text,
                       "{\"type\":\"CTP_CALL\",\"epoch\":0,\"questionID\":\"q-%u\",\"target\":\"o-"
                       "ko1\",\"method\":{\"body\":\"%s\",\"slots\":[%s]}}",
                       i, body, slots);
        kee_assert(kee_captp_receive(session, kee_buf_bytes(&text)) == 0);
        kee_buf_clear(&name);
        kee_buf_put_kref(&name, kee_kref_make(KEE_KREF_PROMISE, promises));
        news.target = kee_buf_bytes(&name);
        news.data.body = kee_bytes_str(result);
        news.data.slots.raw = kee_buf_bytes(&names);
        news.data.slots.count = result_slot != NULL;
        kee_captp_news(session, &news);
    }
    (void)printf("%-44s %8.0f ns\n", what, (now_ns() - start) / CALLS);
    kee_captp_free(session);
    kee_buf_fini(&text);
    kee_buf_fini(&name);
    kee_buf_fini(&names);
}

int main(void)
{
    measure("increment() -> 7", true, "[\\\"increment\\\",[]]", "", "#7", NULL);
    measure("echo(1, text, {a, b}) -> a record", true,
            "[\\\"echo\\\",[1,\\\"a piece of text\\\",{\\\"a\\\":1,\\\"b\\\":[true,null]}]]", "",
            "#{\"a\":1,\"b\":[true,null],\"text\":\"a piece of text\"}", NULL);
    measure("a reference each way, owner", true,
            "[\\\"echo\\\",[{\\\"@qclass\\\":\\\"slot\\\",\\\"index\\\":0}]]", "\"o-ko1\"",
            "#\"$0.Alleged: thing\"", "ko2");
    return 0;
}
