/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Seeded random programs: vats that send, resolve, subscribe, drop, retire, fail and die as a die
 * falls, under a kernel that is crashed now and then, runs out of memory or loses its store. After every
 * event, and after the reopening that a fault asks for, the audit must hold; and between each pair of
 * vats and peers (peers.h), messages are committed in the order they were sent, each once. Meanwhile an operator pins, unpins
 * and revokes, and vats have themselves woken: never before the time, never for what an older heap set.
 *
 * usage: sim_kernel [FIRST-SEED [COUNT [EVENTS [TIMES]]]]: a seed that is run again does the same again,
 * byte for byte of what goes to workers, callers and the trace.
 */
#include <stdio.h>
#include <stdlib.h>

#include "alloc_fault.h"
#include "base/assert.h"
#include "kernel_rig.h"
#include "peers.h"
#include "rng.h"

#define VATS 4
#define NAMES 64
#define NAME_MAX 32

struct names {
    char text[NAMES][NAME_MAX];
    size_t count;
};

struct model {
    struct names objects;  /* imports it may use */
    struct names exports;  /* of its own, that the kernel knows */
    struct names promises; /* known, not its own to settle */
    struct names decided;  /* its own to settle */
    uint64_t next_export, next_promise, sent;
    uint64_t committed_from[SIM_SENDERS]; /* the last number seen of each sender */
    uint64_t wake_ms; /* the earliest this heap has asked for; UINT64_MAX if it has not */
};

struct sim {
    struct rig rig;
    struct rng rng;
    struct model models[VATS + 1];
    struct sim_peers peers;
    uint64_t calls, faults;
    uint64_t seed;
};

static uint32_t pick(struct sim *sim, uint32_t below)
{
    return (uint32_t)rng_below(&sim->rng, below);
}

static bool has(const struct names *names, const char *name)
{
    for (size_t i = 0; i < names->count; i++) {
        if (strcmp(names->text[i], name) == 0) {
            return true;
        }
    }
    return false;
}

static void learn(struct names *names, const char *name)
{
    if (names->count < NAMES && !has(names, name)) {
        (void)snprintf(names->text[names->count++], NAME_MAX, "%s", name);
    }
}

static void forget(struct names *names, const char *name)
{
    for (size_t i = 0; i < names->count; i++) {
        if (strcmp(names->text[i], name) == 0) {
            memmove(names->text[i], names->text[names->count - 1], NAME_MAX);
            names->count--;
            return;
        }
    }
}

static const char *any(struct sim *sim, const struct names *names)
{
    return names->count == 0 ? NULL : names->text[pick(sim, (uint32_t)names->count)];
}

static void learn_vref(struct model *model, struct kee_bytes vref)
{
    char text[NAME_MAX];

    (void)snprintf(text, sizeof text, "%.*s", (int)vref.size, (const char *)vref.data);
    if (text[0] == 'o') {
        learn(text[1] == '-' ? &model->objects : &model->exports, text);
    } else if (!has(&model->decided, text)) {
        learn(&model->promises, text);
    }
}

/* What a new incarnation knows: the durable names its c-list still has. */
static void relearn(void *context, const struct kee_record *record)
{
    struct model *model = context;
    struct kee_bytes vref = record->fields[1].value;

    if (vref.data[0] == 'o') {
        learn_vref(model, vref);
    }
}

static void reborn(struct sim *sim, uint64_t vat)
{
    struct model *model = &sim->models[vat];
    uint64_t fails_at = sim->rig.store_fails_at;

    sim->rig.store_fails_at = 0;
    model->objects.count = model->exports.count = model->promises.count = 0;
    model->decided.count = 0;
    model->wake_ms = UINT64_MAX;
    kee_assert(kee_kernel_list_clist(sim->rig.kernel, (struct kee_vat_id){vat}, relearn, model) ==
               0);
    sim->rig.store_fails_at = fails_at;
}

/* Up to three names, some new, as the slots of a body. */
static void some_slots(struct sim *sim, struct model *model, char out[200], bool with_promises)
{
    uint32_t count = pick(sim, 4);

    out[0] = 0;
    for (uint32_t i = 0; i < count; i++) {
        char fresh[NAME_MAX];
        const char *name = NULL;
        switch (pick(sim, with_promises ? 6 : 3)) {
        case 0:
            name = any(sim, &model->objects);
            break;
        case 1:
            name = any(sim, &model->exports);
            break;
        case 2:
            (void)snprintf(fresh, sizeof fresh, pick(sim, 3) == 0 ? "o+d10/%llu" : "o+%llu",
                           (unsigned long long)++model->next_export);
            name = fresh;
            learn(&model->exports, fresh);
            break;
        case 3:
            name = any(sim, &model->promises);
            break;
        case 4:
            name = any(sim, &model->decided);
            break;
        default:
            (void)snprintf(fresh, sizeof fresh, "p+%llu",
                           (unsigned long long)++model->next_promise);
            name = fresh;
            learn(&model->decided, fresh);
            break;
        }
        if (name != NULL && strstr(out, name) == NULL) {
            size_t at = strlen(out);
            (void)snprintf(out + at, 200 - at, "%s%s", at > 0 ? " " : "", name);
        }
    }
}

static void act_send(struct sim *sim, uint64_t vat, struct rig_reply *reply)
{
    struct model *model = &sim->models[vat];
    char slots[200], body[80], result[NAME_MAX] = "";
    const char *target;
    bool direct = pick(sim, 3) > 0;

    target = direct ? any(sim, &model->objects)
                    : any(sim, pick(sim, 2) ? &model->promises : &model->decided);
    if (target == NULL) {
        return;
    }
    some_slots(sim, model, slots, true);
    if (pick(sim, 2)) {
        (void)snprintf(result, sizeof result, "p+%llu", (unsigned long long)++model->next_promise);
    }
    (void)snprintf(body, sizeof body, "#[\"%c\",[%llu,%llu]]", direct ? 'd' : 'i',
                   (unsigned long long)vat, (unsigned long long)++model->sent);
    rig_reply_send(reply, target, body, slots, result);
    if (result[0] != 0) {
        learn(&model->promises, result);
        if (pick(sim, 2)) {
            rig_reply_subscribe(reply, result);
        }
    }
}

static void act_resolve(struct sim *sim, uint64_t vat, struct rig_reply *reply)
{
    struct model *model = &sim->models[vat];
    const char *name = any(sim, &model->decided);
    char slots[200], vpid[NAME_MAX];

    if (name == NULL) {
        return;
    }
    (void)snprintf(vpid, sizeof vpid, "%s", name);
    forget(&model->decided, vpid);
    some_slots(sim, model, slots, true);
    if (strstr(slots, vpid) != NULL) {
        slots[0] = 0;
    }
    rig_reply_resolve(reply, vpid, pick(sim, 4) == 0,
                      slots[0] != 0 && strchr(slots, ' ') == NULL ? "#\"$0\"" : "#[1]", slots);
}

static void act_wake(struct sim *sim, uint64_t vat, struct rig_reply *reply)
{
    struct model *model = &sim->models[vat];
    uint64_t wait_ms = pick(sim, 3) == 0 ? 0 : pick(sim, 40);
    uint32_t timers = pick(sim, 4);

    rig_reply_wake(reply, wait_ms, timers);
    if (timers > 0 && sim->rig.now_ms + wait_ms < model->wake_ms) {
        model->wake_ms = sim->rig.now_ms + wait_ms;
    }
}

static void act_drop(struct sim *sim, uint64_t vat, struct rig_reply *reply)
{
    struct model *model = &sim->models[vat];
    const char *name = any(sim, &model->objects);
    char vref[NAME_MAX];

    if (name == NULL || sim->rig.vats[vat].in.size > 0) {
        return; /* what is sent ahead may name it */
    }
    (void)snprintf(vref, sizeof vref, "%s", name);
    rig_reply_names(reply, KEE_VP_CALL_DROP_IMPORTS, vref);
    if (pick(sim, 2)) {
        rig_reply_names(reply, KEE_VP_CALL_RETIRE_IMPORTS, vref);
        forget(&model->objects, vref);
    }
}

/* Messages of one pair come in order, each once: the body names sender and number. */
static void check_order(struct sim *sim, uint64_t vat, const struct rig_delivery *delivery)
{
    unsigned long long from, number;
    char body[100];

    (void)snprintf(body, sizeof body, "%.*s", (int)delivery->body.size,
                   (const char *)delivery->body.data);
    if (delivery->kind == KEE_VP_MESSAGE &&
        sscanf(body, "#[\"d\",[%llu,%llu]]", &from, &number) == 2) {
        kee_assert(from < SIM_SENDERS);
        if (number <= sim->models[vat].committed_from[from]) {
            (void)fprintf(stderr, "v%llu got %llu of %llu after %llu\n", (unsigned long long)vat,
                          number, from, (unsigned long long)sim->models[vat].committed_from[from]);
            abort();
        }
        sim->models[vat].committed_from[from] = number;
    }
}

/* A promise that the vat does not know is subscribed to, or is not used: it may have settled it itself,
 * and then its name goes with this delivery. */
static void meet(struct sim *sim, struct model *model, struct kee_bytes vref,
                 struct rig_reply *reply)
{
    char text[NAME_MAX];

    (void)snprintf(text, sizeof text, "%.*s", (int)vref.size, (const char *)vref.data);
    if (text[0] == 'o' || has(&model->promises, text) || has(&model->decided, text)) {
        learn_vref(model, vref);
    } else if (pick(sim, 2)) {
        rig_reply_subscribe(reply, text);
        learn(&model->promises, text);
    }
}

static void meet_all(struct sim *sim, struct model *model, struct kee_vp_strings slots,
                     struct rig_reply *reply)
{
    struct kee_bytes slot;

    while (kee_vp_strings_next(&slots, &slot)) {
        meet(sim, model, slot, reply);
    }
}

/* What outcomes name is met before the names of those that settled are forgotten. */
static void take_outcomes(struct sim *sim, struct model *model, const struct rig_delivery *delivery,
                          struct rig_reply *reply)
{
    struct rig_delivery each = *delivery;
    char name[NAME_MAX];

    do {
        meet_all(sim, model, each.slots, reply);
    } while (rig_further(&each));
    each = *delivery;
    do {
        (void)snprintf(name, sizeof name, "%.*s", (int)each.target.size,
                       (const char *)each.target.data);
        forget(&model->promises, name);
    } while (rig_further(&each));
}

static void take_names(struct sim *sim, struct model *model, const struct rig_delivery *delivery,
                       struct rig_reply *reply)
{
    struct kee_vp_strings slots = delivery->slots;
    struct kee_bytes slot;
    char result[NAME_MAX];

    if (delivery->kind == KEE_VP_MESSAGE) {
        meet_all(sim, model, slots, reply);
    }
    if (delivery->kind == KEE_VP_MESSAGE && delivery->result.size > 0) {
        (void)snprintf(result, sizeof result, "%.*s", (int)delivery->result.size,
                       (const char *)delivery->result.data);
        forget(&model->promises, result);
        learn(&model->decided, result);
    } else if (delivery->kind == KEE_VP_NOTIFY) {
        take_outcomes(sim, model, delivery, reply);
    } else if (delivery->kind == KEE_VP_RETIRE_EXPORTS || delivery->kind == KEE_VP_RETIRE_IMPORTS) {
        slots = delivery->slots;
        while (kee_vp_strings_next(&slots, &slot)) {
            (void)snprintf(result, sizeof result, "%.*s", (int)slot.size, (const char *)slot.data);
            forget(result[1] == '-' ? &model->objects : &model->exports, result);
        }
    }
}

static void worker_dies(struct sim *sim, uint64_t vat)
{
    struct rig_vat *rig_vat = &sim->rig.vats[vat];

    rig_vat->running = false;
    kee_buf_clear(&rig_vat->in);
    if (kee_kernel_worker_gone(sim->rig.kernel, (struct kee_vat_id){vat}, rig_vat->incarnation,
                               "killed by the simulator") < 0) {
        sim->rig.faulted = true;
    }
}

static void one_crank(struct sim *sim, uint64_t vat)
{
    struct model *model = &sim->models[vat];
    struct rig_delivery delivery;
    struct rig_reply reply;
    uint32_t acts = pick(sim, 5);
    bool bad = pick(sim, 40) == 0;

    if (!rig_take(&sim->rig, vat, &delivery)) {
        return;
    }
    if (delivery.kind == 0) {
        reborn(sim, vat);
    } else if (pick(sim, 50) == 0) {
        worker_dies(sim, vat);
        return;
    }
    kee_assert(delivery.kind != KEE_VP_TIMER || sim->rig.now_ms >= model->wake_ms);
    rig_reply_begin(&reply, delivery.number, delivery.kind != 0 && bad ? "thrown" : NULL);
    take_names(sim, model, &delivery, &reply);
    for (uint32_t i = 0; i < acts && !bad && delivery.kind != 0; i++) {
        switch (pick(sim, 10)) {
        case 9:
            act_wake(sim, vat, &reply);
            break;
        case 0:
            act_drop(sim, vat, &reply);
            break;
        case 1:
        case 2:
            act_resolve(sim, vat, &reply);
            break;
        default:
            act_send(sim, vat, &reply);
            break;
        }
    }
    if (!bad && pick(sim, 60) == 0) {
        rig_reply_send(&reply, "o-9999", "#[\"illegal\",[]]", NULL, NULL);
        bad = delivery.kind != 0;
    }
    if (!bad) {
        check_order(sim, vat, &delivery);
    }
    rig_reply_end(&sim->rig, vat, &reply,
                  pick(sim, 3) == 0 && model->objects.count > 0 ? "x=1" : NULL);
}

static void console_send(struct sim *sim)
{
    char root[24];

    rig_root(&sim->rig, 1 + pick(sim, VATS), root);
    if (root[0] != 0) {
        (void)rig_send(&sim->rig, root, "#[\"hi\",[]]", NULL, pick(sim, 2) ? ++sim->calls : 0);
    }
}

struct choice {
    struct sim *sim;
    struct kee_kref kref;
    uint32_t seen;
};

static void choose(void *context, const struct kee_record *record)
{
    struct choice *choice = context;
    struct kee_kref kref;

    if (kee_kref_parse(record->fields[0].value, &kref) && pick(choice->sim, ++choice->seen) == 0) {
        choice->kref = kref;
    }
}

/* The operator pins, unpins and revokes whatever there is. */
static void operate(struct sim *sim)
{
    struct choice choice = {.sim = sim};
    uint64_t fails_at = sim->rig.store_fails_at;
    uint32_t die = pick(sim, 20);
    int r;

    sim->rig.store_fails_at = 0; /* choosing is not what is to fail */
    r = pick(sim, 3) == 0 ? kee_kernel_list_promises(sim->rig.kernel, choose, &choice)
                          : kee_kernel_list_objects(sim->rig.kernel, choose, &choice);
    sim->rig.store_fails_at = fails_at;
    if (r != 0 || choice.seen == 0) {
        return;
    }
    if (die == 0 && kee_kref_number(choice.kref) > VATS) { /* roots are needed to go on */
        (void)rig_order(&sim->rig, kee_kernel_revoke, choice.kref);
    } else {
        (void)rig_order(&sim->rig, die < 12 ? kee_kernel_pin : kee_kernel_unpin, choice.kref);
    }
}

static void crash(struct sim *sim)
{
    rig_crash(&sim->rig);
    sim_peers_crash(&sim->peers);
    for (uint64_t vat = 1; vat <= VATS; vat++) {
        memset(sim->models[vat].committed_from, 0, sizeof sim->models[vat].committed_from);
    }
}

/* Now and then something below the kernel fails during an event. */
static void play_fault(struct sim *sim)
{
    switch (pick(sim, 30)) {
    case 0:
        alloc_fault_arm(1 + pick(sim, 60));
        break;
    case 1:
        sim->rig.store_fails_at = 1 + pick(sim, 20);
        break;
    default:
        break;
    }
}

static void one_event(struct sim *sim)
{
    uint32_t die = pick(sim, 200);

    play_fault(sim);

    if (die == 0) {
        crash(sim);
    } else if (die < 20) {
        console_send(sim);
    } else if (die < 25) {
        (void)kee_kernel_reap(sim->rig.kernel, (struct kee_vat_id){1 + pick(sim, VATS)});
        if (pick(sim, 2) == 0) {
            (void)kee_kernel_collect(sim->rig.kernel);
        }
    } else if (die < 35) {
        operate(sim);
    } else if (die < 100) {
        sim_peers_act(&sim->peers, VATS + 1);
    } else {
        one_crank(sim, 1 + pick(sim, VATS));
    }
    sim->rig.now_ms += 1 + pick(sim, 3);
    rig_run(&sim->rig);
    (void)alloc_fault_disarm();
    sim->rig.store_fails_at = 0;
    if (sim->rig.faulted) {
        sim->faults++;
        crash(sim);
    }
    kee_assert(rig_audit(&sim->rig) == 0);
}

/* Gives the sum of all that the kernel did and said. */
static uint64_t one_seed(uint64_t seed, uint64_t events, uint64_t *faults, uint64_t *heard)
{
    struct sim *sim = calloc(1, sizeof *sim);
    uint64_t traced;

    kee_assert(sim != NULL);
    sim->seed = seed;
    sim->calls = 10;
    sim->rng.state = seed;
    rig_init(&sim->rig);
    sim->rig.tracing = true;
    kee_kernel_trace(sim->rig.kernel, true);
    sim->rig.faults_on = alloc_fault_on;
    rig_launch(&sim->rig, "one two three four", 1);
    sim_peers_init(&sim->peers, &sim->rig, &sim->rng);
    for (uint64_t i = 0; i < events; i++) {
        one_event(sim);
    }
    sim_peers_close(&sim->peers);
    *faults += sim->faults;
    *heard += sim->peers.heard;
    traced = sim->rig.traced;
    rig_fini(&sim->rig);
    free(sim);
    return traced;
}

int main(int argc, char **argv)
{
    uint64_t first = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
    uint64_t count = argc > 2 ? strtoull(argv[2], NULL, 10) : 20;
    uint64_t events = argc > 3 ? strtoull(argv[3], NULL, 10) : 400;
    uint64_t times = argc > 4 ? strtoull(argv[4], NULL, 10) : 1;
    uint64_t faults = 0, heard = 0;

    for (uint64_t seed = first; seed < first + count; seed++) {
        uint64_t traced;
        (void)printf("seed %llu\n", (unsigned long long)seed);
        (void)fflush(stdout);
        traced = one_seed(seed, events, &faults, &heard);
        for (uint64_t again = 1; again < times; again++) {
            kee_assert(one_seed(seed, events, &faults, &heard) ==
                       traced); /* same seed, same trace */
        }
    }
    (void)printf("%llu faults played; peers heard %llu times\n", (unsigned long long)faults,
                 (unsigned long long)heard);
    return 0;
}
