/* SPDX-License-Identifier: Apache-2.0 */
/* What the operations of a crank cost, in nanoseconds, over a memory store and keys like the kernel's. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/fault.h"
#include "store/world.h"

enum { KEYS = 8192, ROUNDS = 200, CRANK = 16 };

static char keys[KEYS][24];
static size_t key_sizes[KEYS];

static struct kee_bytes key_at(size_t i)
{
    return kee_bytes_of(keys[i], key_sizes[i]);
}

/* Of this process alone: others may be at work. */
static double now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void must(int r)
{
    if (r < 0) {
        (void)fprintf(stderr, "bench: %s\n", kee_fault_text());
        exit(1);
    }
}

static void report(const char *what, double start, size_t count)
{
    printf("%-44s %8.1f ns\n", what, (now_ns() - start) / (double)count);
}

/* Visits the keys in an order that caches cannot guess. */
static size_t scatter(size_t i)
{
    return (i * 2654435761u) % KEYS;
}

static void bench_gets(struct kee_world *world)
{
    struct kee_bytes value;
    double start = now_ns();

    for (size_t i = 0; i < (size_t)KEYS * ROUNDS; i++) {
        must(kee_world_get(world, key_at(scatter(i)), &value));
    }
    report("get, row in memory", start, (size_t)KEYS * ROUNDS);
    start = now_ns();
    for (size_t i = 0; i < (size_t)KEYS * ROUNDS; i++) {
        must(kee_world_get(world, key_at(i % 32), &value));
    }
    report("get, one of 32 rows", start, (size_t)KEYS * ROUNDS);
}

static void bench_overwrites(struct kee_world *world)
{
    char text[24];
    double start = now_ns();

    for (size_t i = 0; i < (size_t)KEYS * ROUNDS; i += CRANK) {
        kee_world_begin(world);
        for (size_t j = 0; j < CRANK; j++) {
            int size = snprintf(text, sizeof text, "%zu", i + j);
            must(kee_world_put(world, key_at(scatter(i + j)), kee_bytes_of(text, (size_t)size)));
        }
        kee_world_commit(world);
    }
    report("put over a row, 16 a crank (snprintf too)", start, (size_t)KEYS * ROUNDS);
}

static void bench_come_and_go(struct kee_world *world)
{
    char text[24];
    double start = now_ns();

    for (size_t i = 0; i < (size_t)KEYS * ROUNDS; i++) {
        int size = snprintf(text, sizeof text, "v12.q.%zu", i);
        struct kee_bytes key = kee_bytes_of(text, (size_t)size);
        kee_world_begin(world);
        must(kee_world_put_new(world, key, KEE_BYTES_LIT("{\"a message of some length\":[]}")));
        kee_world_commit(world);
        kee_world_begin(world);
        must(kee_world_delete(world, key));
        kee_world_commit(world);
    }
    report("put_new, commit, delete, commit (both)", start, (size_t)KEYS * ROUNDS);
}

/* A crank much like the kernel's: a message comes and the one before goes, a promise is made and settled,
 * its queue is looked for, some rows of long life change. */
static void bench_cranks(struct kee_world *world)
{
    enum { CRANKS = 200000, FLUSH_AFTER = 100 };
    char text[24];
    char promise[24];
    struct kee_bytes key;
    struct kee_bytes value;
    double start = now_ns();

    for (size_t i = 1; i <= CRANKS; i++) {
        kee_world_begin(world);
        must(kee_world_put_new(
            world, kee_bytes_of(text, (size_t)snprintf(text, sizeof text, "q.v2.%zu", i)),
            KEE_BYTES_LIT("{\"a message of some length\":[]}")));
        must(kee_world_delete(
            world, kee_bytes_of(text, (size_t)snprintf(text, sizeof text, "q.v2.%zu", i - 1))));
        key = kee_bytes_of(promise, (size_t)snprintf(promise, sizeof promise, "kp9%zu", i));
        must(kee_world_put_new(world, key, KEE_BYTES_LIT("unresolved")));
        must(kee_world_get(world, key, &value));
        must(kee_world_next(world, key,
                            kee_bytes_of(text, (size_t)snprintf(text, sizeof text, "kp9%zu.q.", i)),
                            &key, NULL));
        must(kee_world_delete(world, kee_bytes_str(promise)));
        for (size_t j = 0; j < 4; j++) {
            must(kee_world_put(world, key_at(scatter(i % 64 * 4 + j)),
                               kee_bytes_of(text, (size_t)snprintf(text, sizeof text, "%zu", i))));
        }
        kee_world_commit(world);
        if (i % FLUSH_AFTER == 0) {
            must(kee_world_flush(world));
        }
    }
    report("a crank of nine operations, one a step", start, CRANKS);
}

static void bench_steps(struct kee_world *world)
{
    struct kee_bytes key = KEE_BYTES_LIT("");
    struct kee_bytes value;
    size_t count = 0;
    double start = now_ns();

    while (kee_world_next(world, KEE_BYTES_LIT(""), key, &key, &value) == 0) {
        count++;
    }
    report("next, over all", start, count);
}

int main(void)
{
    struct kee_store *store;
    struct kee_world *world;
    double start;

    must(kee_store_memory_open(&store));
    must(kee_world_new(&world, store));
    for (size_t i = 0; i < KEYS; i++) {
        int size = i % 2 == 0 ? snprintf(keys[i], sizeof keys[i], "v%zu.c.ko%zu", i % 20, i * 7)
                              : snprintf(keys[i], sizeof keys[i], "kp%zu", i * 13);
        key_sizes[i] = (size_t)size;
    }
    start = now_ns();
    kee_world_begin(world);
    for (size_t i = 0; i < KEYS; i++) {
        must(kee_world_put_new(world, key_at(i), KEE_BYTES_LIT("o+12 r")));
    }
    kee_world_commit(world);
    report("put_new, one large crank", start, KEYS);
    start = now_ns();
    must(kee_world_flush(world));
    report("flush to memory, per row", start, KEYS);
    bench_gets(world);
    bench_overwrites(world);
    bench_come_and_go(world);
    bench_cranks(world);
    bench_steps(world);
    must(kee_world_flush(world));
    bench_steps(world);
    kee_world_free(world);
    return 0;
}
