/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Damaged stores: the rows of a small world with a queue, promises, pins, holds, a peer and services, of
 * which some are
 * lost, garbled, cut or made up as a die falls. Whatever the rows say, opening for a look, auditing and
 * repairing end with 0, an outcome or a fault, never with an assertion; and what two repairs could put
 * right is not found again.
 *
 * usage: sim_damage [FIRST-SEED [COUNT]]
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/fault.h"
#include "base/limits.h"
#include "peer_rig.h"
#include "rng.h"

#define ROWS_MAX 400

struct row {
    struct kee_buf key, value;
};

struct rows {
    struct row row[ROWS_MAX];
    size_t count;
};

static void read_rows(struct kee_store *store, struct rows *out)
{
    struct kee_bytes after = kee_bytes_of(NULL, 0);

    for (out->count = 0; out->count < ROWS_MAX; out->count++) {
        struct row *row = &out->row[out->count];
        *row = (struct row){KEE_BUF_EMPTY, KEE_BUF_EMPTY};
        if (store->ops->next(store, after, &row->key, &row->value) != 0) {
            kee_buf_fini(&row->key);
            kee_buf_fini(&row->value);
            return;
        }
        after = kee_buf_bytes(&row->key);
    }
    kee_assert(false); /* more rows than there is room for */
}

static void free_rows(struct rows *rows)
{
    for (size_t i = 0; i < rows->count; i++) {
        kee_buf_fini(&rows->row[i].key);
        kee_buf_fini(&rows->row[i].value);
    }
}

/* A peer that holds what was sent to it, owns an object and decides promises; and services. */
static void add_peer(struct rig *rig, const char *root)
{
    struct peer_rig *peers = calloc(1, sizeof *peers);
    struct kee_peer_id id;
    struct kee_kref kref;
    char result[24];

    kee_assert(peers != NULL);
    peer_rig_init(peers, rig);
    id = peer_rig_open(peers, "host");
    kee_assert(peer_rig_hold(peers, id, root) == 0);
    kee_assert(peer_rig_send(peers, id, root, "#[\"a\",[\"$0\",\"&1\"]]", "o+1 p+2", result) == 0);
    kee_assert(peer_rig_send(peers, id, "o+1", "#[\"b\",[\"$0\"]]", root, result) == 0);
    kee_assert(kee_service_register(rig->kernel, id, KEE_BYTES_LIT("one"), KEE_BYTES_LIT("o+1"),
                                    true, &kref) == 0);
    kee_assert(kee_service_hold(rig->kernel, KEE_BYTES_LIT("two"), rig_kref(root)) == 0);
    rig_run(rig);
    rig->on_news = NULL;
    free(peers);
}

/* Something of everything: a message in the queue, one parked, a promise settled with an object, a pin. */
static void make_world(struct rows *out)
{
    struct rig rig;
    struct rig_delivery d;
    struct rig_reply reply;
    char a[24], b[24];

    rig_init(&rig);
    rig_launch(&rig, "alice bob", 1);
    rig_root(&rig, 1, a);
    rig_root(&rig, 2, b);
    kee_assert(rig_ok(&rig, 1)); /* bootstrap, whose result stays open */
    kee_assert(rig_send(&rig, a, "#[\"go\",[\"$0\"]]", b, 2) == 0);
    rig_run(&rig);
    kee_assert(rig_take(&rig, 1, &d));
    rig_reply_begin(&reply, d.number, NULL);
    rig_reply_send(&reply, "o-50", "#[\"take\",[\"$0\"]]", "o+d10/1", "p+5");
    rig_reply_send(&reply, "p+5", "#[\"on\",[\"$0\"]]", "o+7", "p+6");
    rig_reply_subscribe(&reply, "p+6");
    rig_reply_end(&rig, 1, &reply, "vom.rc.o+d10/1=1 vom.rc.o-50=1 x=y");
    rig_run(&rig);
    kee_assert(rig_take(&rig, 2, &d));
    rig_reply_begin(&reply, d.number, NULL);
    rig_reply_resolve(&reply, "p-60", false, "#[\"$0\"]", "o-50");
    rig_reply_end(&rig, 2, &reply, "vom.rc.o-50=1");
    kee_kernel_pause(rig.kernel);
    rig_run(&rig);
    kee_assert(rig_send(&rig, b, "#[\"later\",[\"$0\"]]", a, 3) == 0);
    add_peer(&rig, b);
    kee_assert(kee_kernel_pin(rig.kernel, kee_kref_make(KEE_KREF_OBJECT, 2)) == 0);
    kee_assert(kee_kernel_revoke(rig.kernel, kee_kref_make(KEE_KREF_OBJECT, 1)) == 0);
    kee_assert(rig_audit(&rig) == 0);
    kee_assert(kee_world_flush(rig.world) == 0);
    read_rows(rig.store, out);
    rig_fini(&rig);
}

static void written(void *context, int r)
{
    *(int *)context = r;
}

static void put(struct kee_store *store, struct kee_bytes key, struct kee_bytes value, bool deletes)
{
    struct kee_change change = {.key = key, .value = value, .deletes = deletes};
    int r = 0;

    kee_assert(store->ops->write(store, &change, 1, written, &r) == 0 && r == 0);
}

/* One byte other, a piece cut off, a piece of another row instead, or much more than fits anywhere. */
static void garble(struct rng *rng, struct kee_buf *buf, const struct kee_buf *other)
{
    static const char letters[] = "0123456789 ,.-+>_/:korpvdqfnmu\0\xff";

    switch (rng_below(rng, 6)) {
    case 0:
        buf->size = rng_below(rng, buf->size + 1);
        break;
    case 1:
        kee_buf_clear(buf);
        kee_buf_put_bytes(buf, kee_buf_bytes(other));
        break;
    case 2:
        for (int i = 0; i < 1000 / 8; i++) {
            kee_buf_put_str(buf, "12345678");
        }
        break;
    default:
        if (buf->size > 0) {
            buf->data[rng_below(rng, buf->size)] =
                (uint8_t)letters[rng_below(rng, sizeof letters - 1)];
        }
        break;
    }
}

static void damage(struct rng *rng, struct kee_store *store, const struct rows *rows)
{
    const struct row *row = &rows->row[rng_below(rng, rows->count)];
    const struct row *other = &rows->row[rng_below(rng, rows->count)];
    struct kee_buf key = KEE_BUF_EMPTY, value = KEE_BUF_EMPTY;

    kee_buf_put_bytes(&key, kee_buf_bytes(&row->key));
    kee_buf_put_bytes(&value, kee_buf_bytes(&row->value));
    switch (rng_below(rng, 4)) {
    case 0:
        put(store, kee_buf_bytes(&key), kee_bytes_of(NULL, 0), true);
        break;
    case 1: /* another row beside it */
        garble(rng, &key, &other->key);
        if (key.size > 0 && key.size <= KEE_LIMIT_KEY_BYTES) {
            put(store, kee_buf_bytes(&key), kee_buf_bytes(&value), false);
        }
        break;
    default:
        garble(rng, &value, &other->value);
        put(store, kee_buf_bytes(&key), kee_buf_bytes(&value), false);
        break;
    }
    kee_buf_fini(&key);
    kee_buf_fini(&value);
}

/* What a look came to; a repair that ended well must have left nothing that it calls repairable. */
struct look {
    uint32_t findings, repairable;
};

static void on_violation(void *context, const struct kee_record *record)
{
    struct look *look = context;

    look->findings++;
    for (size_t i = 0; i < record->count; i++) {
        look->repairable += strncmp(record->fields[i].name, "repair", 6) == 0 &&
                            kee_bytes_equal(record->fields[i].value, KEE_BYTES_LIT("yes"));
    }
}

static void ignore(void *context, const struct kee_record *record)
{
    (void)context;
    (void)record;
}

/* All that looks at the tables. */
static void look_around(struct kee_kernel *kernel)
{
    struct kee_vat_stats stats = {0};
    struct kee_buf at = KEE_BUF_EMPTY;

    (void)kee_kernel_list_vats(kernel, ignore, NULL);
    (void)kee_kernel_list_queue(kernel, ignore, NULL);
    (void)kee_kernel_list_objects(kernel, ignore, NULL);
    (void)kee_kernel_list_promises(kernel, ignore, NULL);
    (void)kee_kernel_list_subclusters(kernel, ignore, NULL);
    (void)kee_kernel_list_peers(kernel, ignore, NULL);
    (void)kee_kernel_list_services(kernel, ignore, NULL);
    (void)kee_kernel_list_peer_clist(kernel, (struct kee_peer_id){1}, ignore, NULL);
    (void)kee_kernel_describe(kernel, KEE_BYTES_LIT("o+1"),
                              kee_endpoint_of_peer((struct kee_peer_id){1}), ignore, NULL);
    for (uint64_t n = 1; n < 3; n++) {
        (void)kee_kernel_list_clist(kernel, (struct kee_vat_id){n}, ignore, NULL);
        (void)kee_kernel_stats(kernel, (struct kee_vat_id){n}, &at, &stats);
        kee_buf_clear(&at);
    }
    for (uint64_t n = 1; n < 6; n++) {
        (void)kee_kernel_who_holds(kernel, kee_kref_make(KEE_KREF_OBJECT, n), ignore, NULL);
        (void)kee_kernel_who_holds(kernel, kee_kref_make(KEE_KREF_PROMISE, n), ignore, NULL);
    }
    kee_buf_fini(&at);
    kee_fault_clear();
}

/* Gives false if it could not be repaired. */
static bool mend(struct kee_store *store)
{
    static const struct kee_kernel_host nobody = {0};
    static const struct kee_kernel_options options = {.look_only = true};
    struct kee_buf why = KEE_BUF_EMPTY;
    struct kee_world *world;
    struct kee_kernel *kernel = NULL;
    struct look before = {0}, after = {0};
    bool mended = false;

    kee_assert(kee_world_new(&world, store) == 0);
    if (kee_kernel_open(&kernel, world, &nobody, &options, &why) == 0) {
        look_around(kernel);
        if (kee_kernel_audit(kernel, on_violation, &before) >= 0 &&
            kee_kernel_repair(kernel, ignore, NULL) == 0) {
            kee_assert(kee_kernel_audit(kernel, on_violation, &after) >= 0);
            if (after.repairable > 0) { /* what was put right may have let go of more */
                after = (struct look){0};
                kee_assert(kee_kernel_repair(kernel, ignore, NULL) == 0);
                kee_assert(kee_kernel_audit(kernel, on_violation, &after) >= 0);
            }
            kee_assert(after.repairable == 0);
            mended = true;
        }
    }
    kee_fault_clear();
    kee_kernel_free(kernel);
    kee_world_free(world);
    kee_buf_fini(&why);
    return mended;
}

int main(int argc, char **argv)
{
    uint64_t first = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
    uint64_t count = argc > 2 ? strtoull(argv[2], NULL, 10) : 1000;
    static struct rows rows;
    uint64_t mended = 0;

    make_world(&rows);
    for (uint64_t seed = first; seed < first + count; seed++) {
        struct rng rng = {.state = seed};
        struct kee_store *store;
        kee_assert(kee_store_memory_open(&store) == 0);
        for (size_t i = 0; i < rows.count; i++) {
            put(store, kee_buf_bytes(&rows.row[i].key), kee_buf_bytes(&rows.row[i].value), false);
        }
        for (uint64_t n = 1 + rng_below(&rng, 4); n > 0; n--) {
            damage(&rng, store, &rows);
        }
        (void)fprintf(stderr, "seed %llu\r", (unsigned long long)seed);
        mended += mend(store);
    }
    free_rows(&rows);
    (void)printf("%zu rows, %llu worlds damaged, %llu repaired as far as they can be\n", rows.count,
                 (unsigned long long)count, (unsigned long long)mended);
    return 0;
}
