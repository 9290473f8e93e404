/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stats - counts what one vat keeps, by walking its rows in three parts, one after the other:
 *
 *   vN.c.k...  the c-list, by its krefs     vN.s...  its store     q.vN.SEQ  its queue
 *
 * Nothing is counted while cranks run, so that counting costs those who ask and nobody else. A call
 * stops after a number of rows and says where, as a key.
 */
#include "kernel/internal.h"

struct counting {
    struct kee_kernel *kernel;
    struct kee_vat *vat;
    struct kee_vat_stats *out;
    uint32_t rows;
    uint64_t bytes;
};

static bool is_spent(const struct counting *counting)
{
    return counting->rows >= KEE_STATS_ROWS_MAX || counting->bytes >= KEE_STATS_BYTES_MAX;
}

static int count_promise(struct counting *counting, struct kee_kref kref)
{
    struct kee_buf *hold = kee_scratch_take(counting->kernel);
    struct kee_promise promise;
    int r = kee_promise_get(counting->kernel, kref, hold, &promise);

    counting->out->promises++;
    if (r == 0) {
        counting->out->decides += promise.state == 'u' &&
                                  kee_endpoint_is_vat(promise.decider, counting->vat->id) &&
                                  !promise.expected;
    }
    kee_scratch_give(counting->kernel, hold);
    return r == KEE_STORE_ABSENT ? 0 : r;
}

/* rest: a kref without its first letter. */
static int count_clist(struct counting *counting, struct kee_bytes rest, struct kee_bytes value)
{
    struct kee_vref_parts parts;
    struct kee_kref kref;
    struct kee_bytes vref = kee_bytes_cut(&value, ' ');

    if (!kee_kref_parse(kee_bytes_of(rest.data - 1, rest.size + 1), &kref) ||
        !kee_vref_parse(vref, &parts)) {
        return 0;
    }
    if (kee_kref_is_promise(kref)) {
        return count_promise(counting, kref);
    }
    if (parts.exported) {
        counting->out->exports++;
        counting->out->durable +=
            parts.is_durable || kee_kref_equal(kref, counting->vat->root); /* o+0 is bound anew */
    } else if (kee_bytes_equal(value, KEE_BYTES_LIT("r"))) {
        counting->out->imports++;
    } else {
        counting->out->weak++;
    }
    return 0;
}

static int count_store(struct counting *counting, struct kee_bytes rest, struct kee_bytes value)
{
    struct kee_bytes key = rest;

    counting->out->rows++;
    counting->out->bytes += rest.size + value.size;
    if (kee_bytes_has_prefix(rest, KEE_BYTES_LIT("vom.o+"))) {
        counting->out->objects++;
    } else if (kee_bytes_has_prefix(rest, KEE_BYTES_LIT("vc."))) {
        (void)kee_bytes_cut(&key, '.');
        (void)kee_bytes_cut(&key, '.');
        counting->out->entries += key.size > 0 && key.data[0] != '|'; /* not what describes it */
    }
    return 0;
}

static int count_queue(struct counting *counting, struct kee_bytes rest, struct kee_bytes value)
{
    (void)rest;
    (void)value;
    counting->out->queued++;
    return 0;
}

typedef int count_fn(struct counting *counting, struct kee_bytes rest, struct kee_bytes value);

/* Rows after *at that start with prefix; *at moves on. ABSENT: there are no more. */
static int count_part(struct counting *counting, const struct kee_key *prefix, struct kee_key *at,
                      count_fn *count)
{
    struct kee_buf *hold = kee_scratch_take(counting->kernel);
    struct kee_bytes key, value;
    int r = 0;

    while (r == 0 && !is_spent(counting)) {
        r = kee_world_next(counting->kernel->world, kee_key_view(prefix), kee_key_view(at), &key,
                           &value);
        if (r != 0) {
            break;
        }
        at->size = 0;
        kee_key_add(at, key);
        counting->rows++;
        counting->bytes += key.size + value.size;
        kee_buf_clear(hold);
        if (count == count_clist) { /* looks further into the store: the value must be its own */
            kee_buf_put_bytes(hold, value);
            value = kee_buf_bytes(hold);
        }
        r = kee_buf_status(hold);
        key = kee_bytes_of(at->text + prefix->size, at->size - prefix->size);
        r = r != 0 ? r : count(counting, key, value);
    }
    kee_scratch_give(counting->kernel, hold);
    return r;
}

static int count_all(struct counting *counting, struct kee_buf *place)
{
    static count_fn *const counts[] = {count_clist, count_store, count_queue};
    struct kee_key prefixes[3], at;
    bool found = place->size == 0; /* which part the place is in */
    int r = 0;

    (void)kee_key_vat(&prefixes[0], counting->vat->id, ".c.k");
    (void)kee_key_vat(&prefixes[1], counting->vat->id, ".s.");
    (void)kee_key_of_vat(&prefixes[2], "q.", counting->vat->id);
    kee_key_add(&prefixes[2], KEE_BYTES_LIT("."));
    for (size_t i = 0; i < 3 && r == 0; i++) {
        at = prefixes[i];
        if (!found) {
            found = place->size <= KEE_LIMIT_KEY_BYTES &&
                    kee_bytes_has_prefix(kee_buf_bytes(place), kee_key_view(&prefixes[i]));
            if (!found) {
                continue;
            }
            at.size = 0;
            kee_key_add(&at, kee_buf_bytes(place));
        }
        r = count_part(counting, &prefixes[i], &at, counts[i]);
        kee_buf_clear(place);
        if (r == 0) { /* spent before the end of this part */
            kee_buf_put_bytes(place, kee_key_view(&at));
            return kee_buf_status(place);
        }
        r = r == KEE_STORE_ABSENT ? 0 : r;
    }
    return r != 0 || found ? r
                           : kee_kernel_decline(counting->kernel, KEE_KERNEL_BAD,
                                                "there is no such place in v%llu to go on from",
                                                (unsigned long long)counting->vat->id.n);
}

int kee_kernel_stats(struct kee_kernel *kernel, struct kee_vat_id id, struct kee_buf *at,
                     struct kee_vat_stats *out)
{
    struct counting counting = {.kernel = kernel, .out = out};
    int r = kee_vat_load(kernel, id, &counting.vat);

    if (r == 0 && counting.vat == NULL) {
        return kee_kernel_decline(kernel, KEE_KERNEL_NO_SUCH, "there is no vat v%llu",
                                  (unsigned long long)id.n);
    }
    return r != 0 ? r : count_all(&counting, at);
}

uint64_t kee_kernel_collecting(const struct kee_kernel *kernel)
{
    size_t at = 0;
    const struct kee_vat *vat;
    uint64_t count = kernel->cycle != NULL || kernel->epochs.wanted;

    while ((vat = kee_map_next(&kernel->vats, &at)) != NULL) {
        const struct kee_flight *first = &vat->flights[vat->flight_first];
        bool told = vat->flight_count > 0 && first->delivery >= KEE_VP_DROP_EXPORTS;

        count += vat->worker != KEE_WORKER_NONE && (vat->reap_wanted || vat->gc_wanted || told);
    }
    return count;
}
