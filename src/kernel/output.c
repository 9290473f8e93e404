/* SPDX-License-Identifier: Apache-2.0 */
/*
 * output - what the kernel says to the outside, which waits for the disk: answers of calls, and news of
 * peers. One list, in the order of commits: what the crank under way adds goes with it if it is undone.
 */
#include <stdlib.h>

#include "kernel/internal.h"

struct kee_output *kee_output_new(struct kee_kernel *kernel, uint64_t call, struct kee_peer *peer)
{
    struct kee_output *output = calloc(1, sizeof *output);

    if (output == NULL) {
        (void)kee_fault(KEE_FAULT_MEMORY, "an answer");
        return NULL;
    }
    output->call = call;
    output->batch = kee_world_filling(kernel->world);
    if (peer != NULL) {
        output->peer = peer->id;
    }
    kee_list_append(&kernel->outputs_new, &output->link);
    return output;
}

/* What it counts for in its peer's backlog. */
static size_t weight(const struct kee_output *output)
{
    return sizeof *output + output->text.size;
}

/* News is under way for its peer, or no longer. */
static void count(struct kee_kernel *kernel, const struct kee_output *output, bool gone)
{
    struct kee_peer *peer =
        output->peer.n != 0 ? kee_map_get(&kernel->peers, output->peer.n) : NULL;

    if (peer != NULL && !output->lost) {
        peer->backlog += gone ? (uint64_t)-1 : 1;
        peer->backlog_bytes += gone ? (uint64_t)0 - weight(output) : weight(output);
    }
}

void kee_output_counts(struct kee_kernel *kernel, struct kee_output *output)
{
    output->counted = true;
    count(kernel, output, false);
}

void kee_output_free(struct kee_kernel *kernel, struct kee_output *output)
{
    if (output->counted) {
        count(kernel, output, true);
    }
    kee_list_remove(&output->link);
    kee_buf_fini(&output->text);
    if (output->keeps != NULL) {
        kee_buf_fini(&output->keeps->body);
        free(output->keeps);
    }
    free(output);
}

void kee_outputs_commit(struct kee_kernel *kernel)
{
    while (!kee_list_is_empty(&kernel->outputs_new)) {
        struct kee_link *link = kernel->outputs_new.next;
        struct kee_output *output = KEE_CONTAINER(link, struct kee_output, link);

        if (output->call != 0) {
            kee_kernel_forget_call(kernel, output->call);
        }
        if (output->keeps != NULL) {
            kee_peer_keep_answer(kernel, output->peer, output->keeps);
            output->keeps = NULL;
        }
        kee_list_remove(link);
        kee_list_append(&kernel->outputs, link);
    }
}

static void free_all(struct kee_kernel *kernel, struct kee_link *list)
{
    while (!kee_list_is_empty(list)) {
        kee_output_free(kernel, KEE_CONTAINER(list->next, struct kee_output, link));
    }
}

void kee_outputs_undo(struct kee_kernel *kernel)
{
    free_all(kernel, &kernel->outputs_new);
}

void kee_outputs_free(struct kee_kernel *kernel)
{
    free_all(kernel, &kernel->outputs_new);
    free_all(kernel, &kernel->outputs);
}

void kee_outputs_forget(struct kee_kernel *kernel, struct kee_peer *peer)
{
    struct kee_link *next;

    for (struct kee_link *link = kernel->outputs.next; link != &kernel->outputs; link = next) {
        struct kee_output *output = KEE_CONTAINER(link, struct kee_output, link);
        next = link->next;
        if (output->peer.n == peer->id.n) {
            kee_output_free(kernel, output);
        }
    }
}

bool kee_outputs_wait(const struct kee_kernel *kernel)
{
    const struct kee_link *last = kernel->outputs.prev;

    return last != &kernel->outputs &&
           KEE_CONTAINER(last, struct kee_output, link)->batch == kee_world_filling(kernel->world);
}

static void let_out(struct kee_kernel *kernel, struct kee_output *output)
{
    const struct kee_kernel_host *host = kernel->host;

    if (output->peer.n == 0) {
        host->answer(host->context, output->call, &output->answer);
    } else if (output->lost && host->peer_lost != NULL) {
        host->peer_lost(host->context, output->peer, kee_buf_cstr(&output->text));
    } else if (!output->lost && host->peer_news != NULL) {
        host->peer_news(host->context, output->peer, &output->news);
    }
}

int kee_kernel_durable(struct kee_kernel *kernel)
{
    uint64_t durable = kee_world_durable(kernel->world);

    while (!kee_list_is_empty(&kernel->outputs)) {
        struct kee_output *output = KEE_CONTAINER(kernel->outputs.next, struct kee_output, link);
        if (output->batch > durable) {
            break;
        }
        let_out(kernel, output);
        kee_output_free(kernel, output);
    }
    return 0;
}
