/* SPDX-License-Identifier: Apache-2.0 */
/*
 * carrier - what a vat's code runs in, chosen for each vat by its flavour.
 *
 *   process   a jailed process of its own
 *   shared    a jailed process with other vats of its subcluster, each with its own engine machine
 *   inline    a machine of the engine in the kernel's thread, no jail
 *   native    C functions in the kernel's thread, no engine
 *
 * Whatever carries it, a vat speaks the frames of vatproto.h and nothing else:
 *
 *   kernel ──start, send, kill──► carrier        kernel ◄──frame, gone── carrier
 *
 * A carrier runs in the kernel's thread. start, send and kill only take note, they may be called from
 * inside an event; what was sent is worked on, and events are made, in round(). A vat that asks with
 * GET or NEXT inside a crank gets its ROW by send() before the event returns.
 */
#ifndef KEE_VATPROTO_CARRIER_H
#define KEE_VATPROTO_CARRIER_H

#include "base/bytes.h"
#include "base/ids.h"

enum kee_flavour {
    KEE_FLAVOUR_UNSAID = 0,
    KEE_FLAVOUR_PROCESS,
    KEE_FLAVOUR_SHARED,
    KEE_FLAVOUR_INLINE,
    KEE_FLAVOUR_NATIVE,
};
#define KEE_FLAVOURS 5

/* "process" and so on; "" of UNSAID. */
const char *kee_flavour_name(enum kee_flavour flavour);
/* False if text names none. */
bool kee_flavour_parse(struct kee_bytes text, enum kee_flavour *out);

struct kee_carrier_events {
    void *context;
    /* A whole frame; fields are borrowed. <0: the kernel works no more, and no event is wanted. */
    int (*frame)(void *context, struct kee_vat_id vat, uint64_t incarnation, uint8_t type,
                 struct kee_bytes fields);
    /* The incarnation ended though nobody killed it. Once, and the last word of it. */
    void (*gone)(void *context, struct kee_vat_id vat, uint64_t incarnation, const char *why);
};

struct kee_carrier {
    void *context;
    /* Takes the place of an earlier incarnation of the vat. Frames may follow at once. */
    void (*start)(void *context, struct kee_vat_id vat, uint64_t incarnation);
    /* Whole frames, borrowed. Ignored if the vat was not started or has ended. */
    void (*send)(void *context, struct kee_vat_id vat, struct kee_bytes frames);
    /* Ends it without an event. Ignored if there is none. */
    void (*kill)(void *context, struct kee_vat_id vat);
    void (*kill_all)(void *context);
    /* Works on what was sent, as far as is fair to the loop it runs in; true: call again soon. The vat
     * that an event is about may be killed, and others started, before the event returns. */
    bool (*round)(void *context, const struct kee_carrier_events *events);
    /* Ends all vats without an event. */
    void (*free)(void *context);
};

/* The function of the module that carries the flavour inline. It belongs to the thread that calls it
 * first. image: the path of the boot image. Not 0: why says what is wrong. */
typedef int kee_inline_open_fn(struct kee_carrier *out, const char *image, char *why,
                               size_t why_size);
#define KEE_INLINE_SYMBOL "kee_inline_open"

#endif
