/* SPDX-License-Identifier: Apache-2.0 */
/* native_internal - what native.c (vats and cranks) and vat.c (system calls) share. */
#ifndef KEE_LIB_NATIVE_INTERNAL_H
#define KEE_LIB_NATIVE_INTERNAL_H

#include "base/arena.h"
#include "base/list.h"
#include "base/map.h"
#include "lib/native.h"
#include "store/omap.h"
#include "vatproto/vatproto.h"

struct kee_natives {
    struct kee_link programs;
    struct kee_link vats;  /* the one worked on last is at the end; being worked on: in none */
    struct kee_map by_vat; /* id to struct keeve_vat */
    const struct kee_carrier_events *events; /* inside a round */
    struct keeve_vat *running;               /* whose function runs */
    bool broken;                             /* the kernel works no more */
};

/* A row the crank has changed; in the crank's arena. */
struct kee_native_row {
    struct kee_omap_item item;
    struct kee_bytes value;
    bool deletes;
};

struct keeve_vat {
    struct kee_link link;
    struct kee_natives *natives;
    struct kee_vat_id id;
    uint64_t incarnation;
    char name[24];
    const struct keeve_native *program; /* NULL until it has started */
    void *state;
    struct kee_buf in; /* frames not yet worked on */
    bool dead;         /* killed, or ended by itself: not in the map */
    bool in_crank;
    uint64_t promises_made;
    /* of the crank under way */
    struct kee_arena arena;
    struct kee_buf calls;
    uint32_t call_count;
    struct kee_omap rows;
    bool failed;
    char why[400];
    bool row_came, row_found;
    struct kee_bytes row_key, row_value; /* of the last ROW, in the arena */
};

/* Gives one frame to the kernel. Result FAULT: the kernel works no more, or the vat was killed
 * meanwhile. */
enum keeve_result kee_native_tell(struct keeve_vat *vat, enum kee_vp_type type,
                                  struct kee_bytes fields);
/* The crank fails for this reason, unless it has another already. Gives result. */
enum keeve_result kee_native_fail(struct keeve_vat *vat, enum keeve_result result,
                                  const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
