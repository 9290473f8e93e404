/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cycles_vat - a vat in miniature: a heap of names, durable objects and stores in rows as liveslots
 * writes them, and counts of who holds what. What it does in a crank is up to a die.
 */
#ifndef KEE_TEST_CYCLES_VAT_H
#define KEE_TEST_CYCLES_VAT_H

#include "kernel_rig.h"
#include "rng.h"

#define MINI_ROWS 600
#define MINI_NAMES 96
#define MINI_NAME 32
#define MINI_TEXT 200

struct mini_row {
    char key[64], value[MINI_TEXT];
    bool absent, changed;
};

struct mini_names {
    char text[MINI_NAMES][MINI_NAME];
    size_t count;
};

struct mini_vat {
    uint64_t n;
    struct rig *rig;
    struct rng *rng;
    struct mini_row rows[MINI_ROWS];
    size_t row_count;
    struct mini_names heap;     /* imports and own virtual objects in memory */
    struct mini_names known;    /* imports that the kernel has given it */
    struct mini_names promises; /* results it waits for */
    uint64_t next_promise;
    bool idle; /* makes nothing any more */
    bool mute; /* does not say what its heap holds */
};

bool mini_has(const struct mini_names *names, const char *name);
void mini_add(struct mini_names *names, const char *name);
void mini_remove(struct mini_names *names, const char *name);
/* Reads its rows again from the world: after a crash. */
void mini_reload(struct mini_vat *vat);
/* The heap is gone. */
void mini_forget_heap(struct mini_vat *vat);
/* Takes one delivery and answers it; false if there was none. check is told of every object that the
 * kernel calls unreachable. */
bool mini_crank(struct mini_vat *vat, void (*check)(void *context, uint64_t vat, const char *vref),
                void *context);
/* The names that the row of an own object leads to; calls fn for each. */
void mini_edges(const struct mini_vat *vat, const char *vref,
                void (*fn)(void *context, const char *vref), void *context);
bool mini_exists(const struct mini_vat *vat, const char *vref);

#endif
