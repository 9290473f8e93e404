/* SPDX-License-Identifier: Apache-2.0 */
/*
 * news - what peers are told: made inside the crank that it follows from, heard when that is durable.
 *
 * All a peer is to know is in the news itself, so that nothing is read again later: the body, and names
 * of the peer's own world, which its c-list has rows for from this crank on.
 */
#include <stdio.h>
#include <stdlib.h>

#include "kernel/internal.h"

/* The parts of an output's text, until it is complete and may be pointed into. */
struct parts {
    size_t body, slots, target, result, from; /* where each ends */
    uint32_t slot_count;
};

static void point(struct kee_output *output, const struct parts *parts)
{
    const uint8_t *text = output->text.data;
    struct kee_peer_news *news = &output->news;

    news->data.body = kee_bytes_of(text, parts->body);
    news->data.slots.raw = kee_bytes_of(text + parts->body, parts->slots - parts->body);
    news->data.slots.count = parts->slot_count;
    news->target = kee_bytes_of(text + parts->slots, parts->target - parts->slots);
    news->result = kee_bytes_of(text + parts->target, parts->result - parts->target);
    news->from = kee_bytes_of(text + parts->result, parts->from - parts->result);
}

static int put_data(struct kee_kernel *kernel, struct kee_peer *peer, struct kee_output *output,
                    struct parts *parts, struct kee_bytes slots, struct kee_bytes body)
{
    int r;

    kee_buf_put_bytes(&output->text, body);
    parts->body = output->text.size;
    r = kee_peer_mention_list(kernel, peer, slots, &output->text, &parts->slot_count);
    parts->slots = output->text.size;
    return r;
}

/* The news is complete, or it is more than the peer may have: then the peer is ended instead. */
static int finish(struct kee_kernel *kernel, struct kee_peer *peer, struct kee_output *output,
                  const struct parts *parts, int r)
{
    char why[120];

    r = r != 0 ? r : kee_buf_status(&output->text);
    if (r == 0) {
        point(output, parts);
        kee_output_counts(kernel, output);
        if (peer->backlog_bytes > KEE_LIMIT_PEER_BACKLOG_BYTES) {
            (void)snprintf(why, sizeof why, "more than %u bytes wait for it",
                           KEE_LIMIT_PEER_BACKLOG_BYTES);
            kee_peer_doom(kernel, peer, why);
            r = KEE_TELL_GONE;
        }
    } else if (r > 0) {
        kee_peer_doom(kernel, peer, kee_kernel_why(kernel));
        r = KEE_TELL_GONE;
    }
    if (r != 0) {
        kee_output_free(kernel, output);
    }
    return r;
}

static void trace_hear(struct kee_kernel *kernel, struct kee_peer_id peer, const char *type,
                       struct kee_kref about, struct kee_bytes slots,
                       const struct kee_output *output)
{
    struct kee_event event;

    if (!kernel->tracing) {
        return;
    }
    kee_event_begin(&event, "hear");
    kee_event_id(&event, "peer", 'r', peer.n);
    kee_event_text(&event, "type", kee_bytes_str(type));
    kee_event_text(&event, "from", output->news.from);
    kee_event_kref(&event, kee_kref_is_promise(about) && type[0] != 'm' ? "promise" : "target",
                   about);
    if (output->news.target.data[0] != 'k') {
        kee_event_text(&event, "name", output->news.target);
    }
    if (output->news.kind == KEE_PEER_MESSAGE) {
        kee_event_text(&event, "method", kee_methargs_method(output->news.data.body));
        kee_event_text(&event, "result", output->news.result);
    }
    kee_event_text(&event, "body", output->news.data.body);
    kee_event_text(&event, "slots", slots.size > 1 ? slots : kee_bytes_of(NULL, 0));
    kee_event_emit(kernel, &event);
}

/* The peer's name for what it owns or decides. */
static int own_name(struct kee_kernel *kernel, struct kee_peer *peer, struct kee_kref kref,
                    struct kee_buf *out)
{
    struct kee_buf *hold = kee_scratch_take(kernel);
    struct kee_peer_row row;
    struct kee_key key;
    int r = kee_peer_row_get(kernel, peer->id, kref, hold, &row);

    if (r == KEE_STORE_ABSENT) {
        r = kee_row_corrupt(kee_key_peer_kref(&key, peer->id, kref), "a row, found none");
    }
    if (r == 0) {
        kee_buf_put_bytes(out, row.name);
    }
    kee_scratch_give(kernel, hold);
    return r;
}

int kee_tell_message(struct kee_kernel *kernel, struct kee_peer_id id, const struct kee_item *item)
{
    struct kee_peer *peer = kee_peer_hearing(kernel, id);
    bool has_result = !kee_kref_is_none(item->result);
    struct kee_output *output;
    struct parts parts = {0};
    int r;

    if (peer == NULL) {
        return KEE_TELL_GONE;
    }
    output = kee_output_new(kernel, 0, peer);
    if (output == NULL) {
        return KEE_FAULT_MEMORY;
    }
    output->news.kind = KEE_PEER_MESSAGE;
    r = put_data(kernel, peer, output, &parts, item->slots, item->body);
    r = r != 0 ? r : own_name(kernel, peer, item->target, &output->text);
    parts.target = output->text.size;
    if (r == 0 && has_result) {
        r = kee_peer_result_add(kernel, peer, item->result, &output->text);
    }
    parts.result = output->text.size;
    kee_buf_put_bytes(&output->text, item->from);
    parts.from = output->text.size;
    r = finish(kernel, peer, output, &parts, r);
    if (r == 0) {
        trace_hear(kernel, id, "message", item->target, item->slots, output);
    }
    /* Last: what waits for the result to have a decider follows this message. */
    return r != 0 || !has_result
               ? r
               : kee_promise_decide(kernel, item->result, kee_endpoint_of_peer(id), false);
}

/* A result that is data needs no rows: the peer keeps it in memory, and drops it there. */
static int keep_in_memory(struct kee_kernel *kernel, struct kee_peer *peer,
                          struct kee_output *output, struct kee_kref promise,
                          const struct kee_peer_row *row)
{
    struct kee_peer_answer *answer = calloc(1, sizeof *answer);
    bool unused;
    int r;

    if (answer == NULL) {
        return kee_fault(KEE_FAULT_MEMORY, "an answer");
    }
    kee_list_init(&answer->link);
    answer->promise = promise;
    answer->rejected = output->news.rejected;
    kee_buf_put_bytes(&answer->body, output->news.data.body);
    output->keeps = answer;
    r = kee_buf_status(&answer->body);
    r = r != 0 ? r : kee_peer_ready_to_keep(peer);
    r = r != 0 ? r : kee_peer_row_remove(kernel, peer, promise, row, &unused);
    return r != 0 ? r : kee_promise_count(kernel, promise, -1);
}

int kee_tell_settled(struct kee_kernel *kernel, struct kee_peer_id id, struct kee_kref promise,
                     bool rejected, struct kee_bytes slots, struct kee_bytes body)
{
    struct kee_peer *peer = kee_peer_hearing(kernel, id);
    struct kee_buf *hold;
    struct kee_peer_row row;
    struct kee_output *output;
    struct parts parts = {0};
    int r;

    if (peer == NULL) {
        return 0;
    }
    hold = kee_scratch_take(kernel);
    r = kee_peer_row_get(kernel, id, promise, hold, &row);
    output = r == 0 ? kee_output_new(kernel, 0, peer) : NULL;
    if (output == NULL) {
        r = r == KEE_STORE_ABSENT ? 0 : r != 0 ? r : KEE_FAULT_MEMORY;
        goto out;
    }
    output->news.kind = KEE_PEER_SETTLED;
    output->news.rejected = rejected;
    r = put_data(kernel, peer, output, &parts, slots, body);
    kee_buf_put_bytes(&output->text, row.name);
    parts.target = parts.result = parts.from = output->text.size;
    r = finish(kernel, peer, output, &parts, r);
    if (r == 0) {
        trace_hear(kernel, id, rejected ? "rejected" : "fulfilled", promise, slots, output);
        if (row.is_answer && row.mentions == 1 && output->news.data.slots.count == 0 &&
            body.size <= KEE_LIMIT_PEER_ANSWER_BYTES) {
            r = keep_in_memory(kernel, peer, output, promise, &row);
        }
    }
    r = r == KEE_TELL_GONE ? 0 : r;
out:
    kee_scratch_give(kernel, hold);
    return r;
}

int kee_tell_dropped(struct kee_kernel *kernel, struct kee_peer *peer, struct kee_kref kref,
                     const struct kee_peer_row *row)
{
    struct kee_output *output = kee_output_new(kernel, 0, peer);
    struct parts parts = {0};
    int r;

    if (output == NULL) {
        return KEE_FAULT_MEMORY;
    }
    output->news.kind = KEE_PEER_DROPPED;
    output->news.mentions = row->mentions;
    kee_buf_put_bytes(&output->text, row->name);
    parts.target = parts.result = parts.from = output->text.size;
    r = finish(kernel, peer, output, &parts, 0);
    if (r == 0) {
        trace_hear(kernel, peer->id, "dropped", kref, kee_bytes_of(NULL, 0), output);
    }
    return r == KEE_TELL_GONE ? 0 : r;
}

static int tell_one(struct kee_kernel *kernel, struct kee_peer_id peer, struct kee_kref kref)
{
    struct kee_buf *hold = kee_scratch_take(kernel);
    struct kee_promise promise;
    struct kee_bytes slots, body;
    bool rejected;
    int r = kee_promise_get(kernel, kref, hold, &promise);

    rejected = r == 0 && promise.state == 'r';
    r = r != 0 ? r : kee_promise_data(kernel, kref, hold, &slots, &body);
    r = r != 0 ? r : kee_tell_settled(kernel, peer, kref, rejected, slots, body);
    kee_scratch_give(kernel, hold);
    return r == KEE_STORE_ABSENT ? 0 : r;
}

int kee_tell_rest(struct kee_kernel *kernel)
{
    struct {
        uint64_t peer, bits;
    } todo;
    int r = 0;

    for (size_t at = 0; r == 0 && at < kernel->tell_todo.size; at += sizeof todo) {
        memcpy(&todo, kernel->tell_todo.data + at, sizeof todo);
        r = tell_one(kernel, (struct kee_peer_id){todo.peer}, (struct kee_kref){todo.bits});
    }
    kee_buf_clear(&kernel->tell_todo);
    return r;
}
