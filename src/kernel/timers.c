/* SPDX-License-Identifier: Apache-2.0 */
/* timers - see timers.h. */
#include "kernel/timers.h"

#include <stdlib.h>

#include "kernel/internal.h"

void kee_timers_init(struct kee_timers *timers)
{
    *timers = (struct kee_timers){0};
    kee_list_init(&timers->asking);
}

void kee_timers_fini(struct kee_timers *timers)
{
    free(timers->heap);
    timers->heap = NULL;
}

/* ---- the heap ---- */

static void put_at(struct kee_timers *timers, size_t at, struct kee_vat *vat)
{
    timers->heap[at] = vat;
    vat->timer.place = at + 1;
}

/* Vats of one due time go by number, so that the order is the same whenever it is played again. */
static bool is_before(const struct kee_vat *a, const struct kee_vat *b)
{
    return a->timer.due_ms != b->timer.due_ms ? a->timer.due_ms < b->timer.due_ms
                                              : a->id.n < b->id.n;
}

/* Moves the vat at a place to where it belongs. */
static void sift(struct kee_timers *timers, size_t at)
{
    struct kee_vat *vat = timers->heap[at];

    while (at > 0 && is_before(vat, timers->heap[(at - 1) / 2])) {
        put_at(timers, at, timers->heap[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    for (;;) {
        size_t child = 2 * at + 1;
        if (child + 1 < timers->count && is_before(timers->heap[child + 1], timers->heap[child])) {
            child++;
        }
        if (child >= timers->count || !is_before(timers->heap[child], vat)) {
            break;
        }
        put_at(timers, at, timers->heap[child]);
        at = child;
    }
    put_at(timers, at, vat);
}

static void take_out(struct kee_timers *timers, struct kee_vat *vat)
{
    size_t at = vat->timer.place - 1;
    struct kee_vat *last;

    if (vat->timer.place == 0) {
        return;
    }
    kee_assert(at < timers->count && timers->heap[at] == vat); /* TI-2 */
    vat->timer.place = 0;
    last = timers->heap[--timers->count];
    if (last != vat) {
        put_at(timers, at, last);
        sift(timers, at);
    }
}

static int put_in(struct kee_timers *timers, struct kee_vat *vat)
{
    if (vat->timer.place == 0) {
        if (timers->count == timers->room) {
            size_t room = timers->room == 0 ? 16 : 2 * timers->room;
            struct kee_vat **more = realloc(timers->heap, room * sizeof(struct kee_vat *));
            if (more == NULL) {
                return kee_fault(KEE_FAULT_MEMORY, "timers of %zu vats", room);
            }
            timers->heap = more;
            timers->room = room;
        }
        put_at(timers, timers->count++, vat);
    }
    sift(timers, vat->timer.place - 1);
    return 0;
}

/* ---- what vats ask, and what they get ---- */

/* Behind the crank at hand. */
static bool is_on_the_way(struct kee_vat *vat)
{
    for (uint32_t i = 1; i < vat->flight_count; i++) {
        if (kee_vat_flight(vat, i)->delivery == KEE_VP_TIMER) {
            return true;
        }
    }
    return false;
}

void kee_timer_ask(struct kee_kernel *kernel, struct kee_vat *vat, uint64_t wait_ms, uint32_t count)
{
    struct kee_timer *timer = &vat->timer;

    if (count == 0) {
        kee_timer_forget(kernel, vat);
        return;
    }
    timer->count = count;
    if (is_on_the_way(vat)) {
        return;
    }
    timer->wait_ms = wait_ms;
    if (timer->fired && wait_ms == 0) {
        return; /* it keeps its place in the queue, however often the vat says so */
    }
    timer->fired = false;
    if (kee_list_is_empty(&timer->asking)) {
        kee_list_append(&kernel->timers.asking, &timer->asking);
    }
}

void kee_timer_forget(struct kee_kernel *kernel, struct kee_vat *vat)
{
    take_out(&kernel->timers, vat);
    kee_list_remove(&vat->timer.asking);
    vat->timer.count = 0;
    vat->timer.fired = false;
}

int kee_timers_run(struct kee_kernel *kernel)
{
    struct kee_timers *timers = &kernel->timers;
    int r;

    while (!kee_list_is_empty(&timers->asking)) {
        struct kee_vat *vat = KEE_CONTAINER(timers->asking.next, struct kee_vat, timer.asking);
        uint64_t wait_ms = vat->timer.wait_ms;
        vat->timer.due_ms =
            wait_ms > UINT64_MAX - kernel->now_ms ? UINT64_MAX : kernel->now_ms + wait_ms;
        r = put_in(timers, vat);
        if (r != 0) {
            return r;
        }
        kee_list_remove(&vat->timer.asking);
    }
    while (timers->count > 0 && timers->heap[0]->timer.due_ms <= kernel->now_ms) {
        struct kee_vat *vat = timers->heap[0];
        kee_assert(vat->worker == KEE_WORKER_READY); /* TI-1 */
        take_out(timers, vat);
        vat->timer.fired = true;
        vat->timer.seq = kernel->next.seq;
        kee_vat_mark_busy(kernel, vat);
    }
    return 0;
}

uint64_t kee_timers_wake_at_ms(const struct kee_kernel *kernel)
{
    return kernel->timers.count > 0 ? kernel->timers.heap[0]->timer.due_ms : UINT64_MAX;
}
