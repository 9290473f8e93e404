/* SPDX-License-Identifier: Apache-2.0 */
/* captp_rig - see captp_rig.h. */
#include "captp_rig.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "captp/ops.h"

static void on_emit(void *context, struct kee_bytes text)
{
    struct captp_rig *rig = context;

    rig_leave(&rig->rig);
    kee_assert(memchr(text.data, '\n', text.size) == NULL && kee_bytes_is_utf8(text));
    kee_buf_put_bytes(&rig->out, text);
    kee_buf_put_char(&rig->out, '\n');
    kee_assert(kee_buf_status(&rig->out) == 0);
    rig_enter(&rig->rig);
}

static void on_closed(void *context, const char *why)
{
    struct captp_rig *rig = context;

    kee_assert(!rig->closed);
    rig->closed = true;
    (void)snprintf(rig->why, sizeof rig->why, "%s", why);
}

static const struct kee_captp_events events = {.emit = on_emit, .closed = on_closed};

static void on_news(void *context, struct kee_peer_id peer, const struct kee_peer_news *news,
                    const char *why)
{
    struct captp_rig *rig = context;

    if (rig->session == NULL || kee_captp_peer(rig->session).n != peer.n) {
        return;
    }
    if (news != NULL) {
        rig_enter(&rig->rig);
        kee_captp_news(rig->session, news);
        rig_leave(&rig->rig);
    } else if (!rig->closed) {
        kee_captp_end(rig->session, why);
        on_closed(rig, why);
    }
}

void captp_rig_init(struct captp_rig *rig, const char *vats)
{
    *rig = (struct captp_rig){.session = NULL};
    rig_init(&rig->rig);
    rig->rig.on_news = on_news;
    rig->rig.news_context = rig;
    rig_launch(&rig->rig, vats, 0);
    while (rig_ok(&rig->rig, 1)) { /* bootstrap() */
        rig_run(&rig->rig);
    }
    rig_root(&rig->rig, 1, rig->root);
    kee_assert(kee_kernel_pin(rig->rig.kernel, rig_kref(rig->root)) == 0);
    rig->rig.now_ms += 1000; /* the batch is old enough to be written */
    rig_run(&rig->rig);
}

void captp_rig_fini(struct captp_rig *rig)
{
    captp_rig_close(rig);
    kee_buf_fini(&rig->out);
    rig_fini(&rig->rig);
}

void captp_rig_open(struct captp_rig *rig, bool owner, uint64_t max)
{
    struct kee_captp_options options = {.label = KEE_BYTES_LIT("test"),
                                        .owner = owner,
                                        .bootstrap = rig_kref(rig->root),
                                        .questions_max = max};
    int r;

    rig->closed = false;
    rig_enter(&rig->rig);
    r = kee_captp_new(&rig->session, rig->rig.kernel, &options, &events, rig);
    if (rig_well(&rig->rig, r)) {
        if (r != 0) {
            (void)fprintf(stderr, "captp_rig: %s\n", kee_kernel_why(rig->rig.kernel));
        }
        kee_assert(r == 0);
    }
}

void captp_rig_close(struct captp_rig *rig)
{
    kee_captp_free(rig->session);
    rig->session = NULL;
}

void captp_rig_run(struct captp_rig *rig)
{
    rig_run(&rig->rig);
    while (!rig->rig.faulted && rig->session != NULL && kee_captp_wants_round(rig->session)) {
        rig_enter(&rig->rig);
        if (rig_well(&rig->rig, kee_captp_round(rig->session))) {
            rig_run(&rig->rig);
        }
    }
}

int captp_rig_say_bytes(struct captp_rig *rig, struct kee_bytes text)
{
    int r;

    rig_enter(&rig->rig);
    r = kee_captp_receive(rig->session, text);
    if (rig_well(&rig->rig, r)) {
        captp_rig_run(rig);
    }
    return r;
}

int captp_rig_say(struct captp_rig *rig, const char *text)
{
    return captp_rig_say_bytes(rig, kee_bytes_str(text));
}

const char *captp_rig_take(struct captp_rig *rig)
{
    struct kee_bytes rest = kee_bytes_of(rig->out.data + rig->taken, rig->out.size - rig->taken);
    struct kee_bytes line;

    if (rest.size == 0) {
        return NULL;
    }
    line = kee_bytes_cut(&rest, '\n');
    rig->taken += line.size + 1;
    kee_assert(line.size < sizeof rig->line);
    memcpy(rig->line, line.data, line.size);
    rig->line[line.size] = 0;
    return rig->line;
}

int captp_rig_call(struct captp_rig *rig, const char *question, const char *target,
                   const char *body, const char *slots)
{
    struct kee_bytes names[64], rest = kee_bytes_str(slots == NULL ? "" : slots);
    struct kee_captp_op op = {.type = KEE_CAPTP_CALL,
                              .id = kee_bytes_str(question),
                              .target = kee_bytes_str(target),
                              .value = {kee_bytes_str(body), names, 0}};
    struct kee_buf text = KEE_BUF_EMPTY;
    int r;

    while (rest.size > 0) {
        names[op.value.slot_count++] = kee_bytes_cut(&rest, ' ');
    }
    kee_captp_op_write(&text, &op);
    r = captp_rig_say_bytes(rig, kee_buf_bytes(&text));
    kee_buf_fini(&text);
    return r;
}

bool captp_rig_vat(struct captp_rig *rig, struct rig_delivery *out)
{
    struct rig_reply reply;

    while (rig_take(&rig->rig, 1, out)) {
        if (out->kind == KEE_VP_MESSAGE || out->kind == KEE_VP_NOTIFY) {
            return true;
        }
        rig_reply_begin(&reply, out->number, NULL);
        rig_reply_end(&rig->rig, 1, &reply, NULL);
        captp_rig_run(rig);
    }
    return false;
}

void captp_rig_answer(struct captp_rig *rig, const struct rig_delivery *message, bool rejected,
                      const char *body, const char *slots)
{
    struct rig_reply reply;
    char result[40];

    rig_text(message->result, result);
    rig_reply_begin(&reply, message->number, NULL);
    if (result[0] != 0) {
        rig_reply_resolve(&reply, result, rejected, body, slots);
    }
    rig_reply_end(&rig->rig, 1, &reply, NULL);
    captp_rig_run(rig);
}
