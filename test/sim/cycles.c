/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Seeded random graphs over several vats, changed at random while epochs go on in slices of a few rows;
 * workers die, and the whole kernel. Beside it an oracle that marks everything at once, from all that
 * stands in queues, promises, pins and heaps.
 *
 *   - No object that the oracle reaches is ever named as unreachable.
 *   - When the vats have come to rest, two epochs leave nothing that the oracle does not reach.
 *
 * usage: sim_cycles [FIRST-SEED [COUNT [EVENTS]]]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "cycles_vat.h"
#include "store/schema.h"

#define VATS 3
#define NODES 4096

struct sim {
    struct rig rig;
    struct rng rng;
    struct mini_vat vats[VATS + 1];
    struct kee_kref chosen;
    uint64_t lazy; /* the vat that does nothing for a while, so that its queue grows; 0 none */
    bool slow;     /* time hardly moves: cranks go on faster than marking */
    uint64_t named;
};

static uint32_t pick(struct sim *sim, uint32_t below)
{
    return (uint32_t)rng_below(&sim->rng, below);
}

/* ---- the oracle ---- */

struct node {
    uint64_t vat; /* 0: a kref */
    char name[MINI_NAME];
};

struct oracle {
    struct sim *sim;
    struct node nodes[NODES];
    size_t count;
    uint64_t vat; /* whose names are being added */
};

static bool is_reached(const struct oracle *oracle, uint64_t vat, const char *name)
{
    for (size_t i = 0; i < oracle->count; i++) {
        if (oracle->nodes[i].vat == vat && strcmp(oracle->nodes[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

static void reach(struct oracle *oracle, uint64_t vat, const char *name)
{
    if (!is_reached(oracle, vat, name)) {
        kee_assert(oracle->count < NODES);
        oracle->nodes[oracle->count].vat = vat;
        (void)snprintf(oracle->nodes[oracle->count++].name, MINI_NAME, "%.31s", name);
    }
}

static void reach_edge(void *context, const char *vref)
{
    struct oracle *oracle = context;

    reach(oracle, oracle->vat, vref);
}

/* Every koN in a text. */
static void reach_krefs(struct oracle *oracle, const char *text)
{
    for (const char *at = text; (at = strstr(at, "ko")) != NULL; at += 2) {
        char name[MINI_NAME];
        (void)snprintf(name, sizeof name, "%.*s", (int)(2 + strspn(at + 2, "0123456789")), at);
        if (name[2] != 0) {
            reach(oracle, 0, name);
        }
    }
}

/* What the kernel itself holds: whole rows are searched for names. */
static void reach_rows(struct oracle *oracle, const char *prefix, bool keys)
{
    struct kee_world *world = oracle->sim->rig.world;
    struct kee_bytes key, value;
    struct kee_key at = {0};
    char text[2000];

    kee_key_add(&at, kee_bytes_str(prefix));
    while (kee_world_next(world, kee_bytes_str(prefix), kee_key_view(&at), &key, &value) == 0) {
        (void)snprintf(text, sizeof text, "%.*s", (int)(keys ? key.size : value.size),
                       (const char *)(keys ? key.data : value.data));
        at.size = 0;
        kee_key_add(&at, key);
        reach_krefs(oracle, text);
    }
}

/* A row of the world as text; false if there is none. */
static bool row(struct oracle *oracle, const char *key, char out[200])
{
    struct kee_bytes value;

    if (kee_world_get(oracle->sim->rig.world, kee_bytes_str(key), &value) != 0) {
        return false;
    }
    (void)snprintf(out, 200, "%.*s", (int)value.size, (const char *)value.data);
    return true;
}

static void follow_kref(struct oracle *oracle, const char *kref)
{
    char key[80], text[200];
    unsigned long long owner;

    if (row(oracle, kref, text) && sscanf(text, "v%llu", &owner) == 1) {
        (void)snprintf(key, sizeof key, "v%llu.c.%s", owner, kref);
        if (row(oracle, key, text)) {
            text[strcspn(text, " ")] = 0;
            reach(oracle, owner, text);
        }
    }
}

static void follow_vref(struct oracle *oracle, uint64_t vat, const char *vref)
{
    char key[80], text[200];

    if (vref[1] == '-') {
        (void)snprintf(key, sizeof key, "v%llu.c.%s", (unsigned long long)vat, vref);
        if (row(oracle, key, text)) {
            reach(oracle, 0, text);
        }
        return;
    }
    oracle->vat = vat;
    mini_edges(&oracle->sim->vats[vat], vref, reach_edge, oracle);
}

static void mark_all(struct sim *sim, struct oracle *oracle)
{
    oracle->sim = sim;
    oracle->count = 0;
    reach_rows(oracle, "q.", false);
    reach_rows(oracle, "kp", false);
    reach_rows(oracle, "pin.", true);
    reach_rows(oracle, "hold.", true);
    for (uint64_t vat = 1; vat <= VATS; vat++) {
        char root[24];
        rig_root(&sim->rig, vat, root);
        reach(oracle, 0, root);
        reach(oracle, vat, "o+d6/1");
        reach(oracle, vat, "o+d6/2");
        reach(oracle, vat, "o+d6/3");
        for (size_t i = 0; i < sim->vats[vat].heap.count; i++) {
            reach(oracle, vat, sim->vats[vat].heap.text[i]);
        }
    }
    for (size_t i = 0; i < oracle->count; i++) {
        struct node node = oracle->nodes[i];
        if (node.vat == 0) {
            follow_kref(oracle, node.name);
        } else {
            follow_vref(oracle, node.vat, node.name);
        }
    }
}

static void check_named(void *context, uint64_t vat, const char *vref)
{
    static struct oracle oracle;
    struct sim *sim = context;

    mark_all(sim, &oracle);
    if (is_reached(&oracle, vat, vref)) {
        (void)fprintf(stderr, "v%llu was told that nothing reaches %s\n", (unsigned long long)vat,
                      vref);
        abort();
    }
    sim->named++;
}

/* ---- events ---- */

static bool crank(struct sim *sim, uint64_t vat)
{
    return mini_crank(&sim->vats[vat], check_named, sim);
}

static void console_send(struct sim *sim)
{
    char root[24], other[24];

    rig_root(&sim->rig, 1 + pick(sim, VATS), root);
    rig_root(&sim->rig, 1 + pick(sim, VATS), other);
    if (strcmp(root, other) != 0) {
        (void)rig_send(&sim->rig, root, "#[\"hi\",[]]", other, 0);
    }
}

static void kernel_dies(struct sim *sim)
{
    rig_crash(&sim->rig);
    for (uint64_t vat = 1; vat <= VATS; vat++) {
        mini_reload(&sim->vats[vat]);
        sim->vats[vat].heap.count = 0;
    }
}

static void worker_dies(struct sim *sim, uint64_t vat)
{
    struct rig_vat *rig_vat = &sim->rig.vats[vat];

    bool starting = rig_vat->in.size > 4 && rig_vat->in.data[4] == KEE_VP_START;

    if (rig_vat->running && !starting) { /* a vat that cannot start is given up */
        rig_vat->running = false;
        kee_buf_clear(&rig_vat->in);
        kee_assert(kee_kernel_worker_gone(sim->rig.kernel, (struct kee_vat_id){vat},
                                          rig_vat->incarnation, "killed") == 0);
        mini_forget_heap(&sim->vats[vat]);
    }
}

/* An operator pins an object, whatever it is, or lets go of one. */
static void choose(void *context, const struct kee_record *record)
{
    struct sim *sim = context;
    struct kee_kref kref;

    if (kee_kref_parse(record->fields[0].value, &kref) && pick(sim, 8) == 0) {
        sim->chosen = kref;
    }
}

static void operate(struct sim *sim)
{
    sim->chosen = KEE_KREF_NONE;
    kee_assert(kee_kernel_list_objects(sim->rig.kernel, choose, sim) == 0);
    if (!kee_kref_is_none(sim->chosen)) {
        (void)rig_order(&sim->rig, pick(sim, 3) == 0 ? kee_kernel_pin : kee_kernel_unpin,
                        sim->chosen);
    }
}

static void one_event(struct sim *sim)
{
    uint32_t die = pick(sim, 400);

    if (die == 0) {
        kernel_dies(sim);
    } else if (die < 3) {
        worker_dies(sim, 1 + pick(sim, VATS));
    } else if (die < 8) {
        (void)kee_kernel_reap(sim->rig.kernel, (struct kee_vat_id){1 + pick(sim, VATS)});
    } else if (die < 20) {
        (void)kee_kernel_collect(sim->rig.kernel);
    } else if (die < 24) {
        operate(sim);
    } else if (die < 80) {
        console_send(sim);
    } else if (die < 84) {
        sim->lazy = pick(sim, VATS + 1);
        if (sim->lazy != 0 && pick(sim, 2) == 0) {
            worker_dies(sim, sim->lazy);
        }
    } else if (die < 350) {
        uint64_t vat = 1 + pick(sim, VATS);
        if (vat != sim->lazy) {
            (void)crank(sim, vat);
        }
    }
    sim->rig.now_ms += sim->slow ? pick(sim, 12) == 0 : pick(sim, 3);
    rig_round(&sim->rig);
}

/* ---- at rest ---- */

static void settle(struct sim *sim)
{
    bool more = true;

    for (uint32_t rounds = 0; more; rounds++) {
        kee_assert(rounds < 20000);
        more = false;
        rig_run(&sim->rig);
        for (uint64_t vat = 1; vat <= VATS; vat++) {
            more = crank(sim, vat) || more;
            rig_run(&sim->rig);
        }
        sim->rig.now_ms++;
    }
}

static void reap_all(struct sim *sim)
{
    for (int i = 0; i < 6; i++) {
        (void)kee_kernel_reap(sim->rig.kernel, (struct kee_vat_id){0});
        settle(sim);
    }
}

static void check_gone(void *context, const struct kee_record *record)
{
    const struct oracle *oracle = context;
    char name[MINI_NAME];

    (void)snprintf(name, sizeof name, "%.*s", (int)record->fields[0].value.size,
                   (const char *)record->fields[0].value.data);
    if (!is_reached(oracle, 0, name)) {
        (void)fprintf(stderr, "%s is left, and nothing reaches it\n", name);
        abort();
    }
}

static void check_rows_gone(const struct oracle *oracle, const struct mini_vat *vat)
{
    for (size_t i = 0; i < vat->row_count; i++) {
        const char *key = vat->rows[i].key;
        if (!vat->rows[i].absent && strncmp(key, "vom.o+", 6) == 0 &&
            !is_reached(oracle, vat->n, key + 4)) {
            (void)fprintf(stderr, "v%llu: %s is left\n", (unsigned long long)vat->n, key);
            abort();
        }
    }
}

static void check_all_gone(struct sim *sim)
{
    static struct oracle oracle;

    for (uint64_t vat = 1; vat <= VATS; vat++) {
        char root[24];
        rig_root(&sim->rig, vat, root); /* one that sleeps is told of nothing */
        kee_assert(rig_send(&sim->rig, root, "#[\"hi\",[]]", NULL, 0) == 0);
        sim->vats[vat].idle = true;
        sim->vats[vat].mute = false;
        if (pick(sim, 2)) {
            sim->vats[vat].heap.count = 0;
        }
    }
    settle(sim);
    reap_all(sim);
    for (int i = 0; i < 2; i++) {
        kee_assert(kee_kernel_collect(sim->rig.kernel) == 0);
        settle(sim);
        reap_all(sim);
    }
    mark_all(sim, &oracle);
    kee_assert(kee_kernel_list_objects(sim->rig.kernel, check_gone, &oracle) == 0);
    for (uint64_t vat = 1; vat <= VATS; vat++) {
        check_rows_gone(&oracle, &sim->vats[vat]);
    }
}

int main(int argc, char **argv)
{
    uint64_t first = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
    uint64_t count = argc > 2 ? strtoull(argv[2], NULL, 10) : 20;
    uint64_t events = argc > 3 ? strtoull(argv[3], NULL, 10) : 400;
    uint64_t named = 0, epochs = 0;

    for (uint64_t seed = first; seed < first + count; seed++) {
        struct sim *sim = calloc(1, sizeof *sim);
        struct kee_epoch_stats stats;
        kee_assert(sim != NULL);
        (void)printf("seed %llu\n", (unsigned long long)seed);
        (void)fflush(stdout);
        sim->rng.state = seed;
        sim->slow = seed % 2 == 0;
        rig_init(&sim->rig);
        sim->rig.options.epoch_rows = 1 + (uint32_t)(seed % 5);
        rig_crash(&sim->rig); /* the option counts from the next opening on */
        rig_launch(&sim->rig, "one two three", 1);
        for (uint64_t vat = 1; vat <= VATS; vat++) {
            sim->vats[vat] =
                (struct mini_vat){.n = vat, .rig = &sim->rig, .rng = &sim->rng, .idle = true};
        }
        settle(sim); /* a launch that is not done would be taken back by a crash */
        sim->rig.now_ms += 10;
        settle(sim);
        for (uint64_t vat = 1; vat <= VATS; vat++) {
            sim->vats[vat].idle = false;
            sim->vats[vat].mute = vat == 3 && seed % 4 == 0;
        }
        for (uint64_t i = 0; i < events; i++) {
            one_event(sim);
            kee_assert(i % 20 != 0 || rig_audit(&sim->rig) == 0);
        }
        check_all_gone(sim);
        kee_assert(rig_audit(&sim->rig) == 0);
        kee_kernel_epochs(sim->rig.kernel, &stats);
        epochs += stats.epochs;
        named += sim->named;
        rig_fini(&sim->rig);
        free(sim);
    }
    (void)printf("%llu epochs since the last crashes, %llu objects found unreachable\n",
                 (unsigned long long)epochs, (unsigned long long)named);
    kee_assert(count < 10 || named > 0);
    return 0;
}
