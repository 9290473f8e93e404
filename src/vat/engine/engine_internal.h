/* SPDX-License-Identifier: Apache-2.0 */
/* engine_internal - the fields of an engine, for the files of this directory. */
#ifndef KEE_VAT_ENGINE_INTERNAL_H
#define KEE_VAT_ENGINE_INTERNAL_H

#include "vat/engine/engine.h"
#include "vat/engine/xs.h"

/* The address range of a machine's chunks: reserved whole, touched as needed, so that the block can
 * grow in place. The largest string a vat can hold is below it. */
#define KEE_ENGINE_CHUNK_RANGE ((size_t)1024 * 1024 * 1024)
/* The meter is looked at this often. A crank overshoots its limit by at most this many steps. */
#define KEE_ENGINE_METER_INTERVAL 1000u
#define KEE_ENGINE_LONG_STEPS 100000u /* some half of a millisecond */
/* Unhandled rejections reported per crank; the rest is counted. */
#define KEE_ENGINE_REJECTIONS_REPORTED 16u

struct kee_engine {
    txMachine *machine;
    struct kee_engine_host host;

    uint64_t steps;       /* of this crank, up to meter_seen */
    uint64_t steps_max;   /* 0: none */
    uint64_t steps_limit; /* of this crank; raised by more_steps */
    txU4 meter_seen;

    uint64_t heap_charged;
    uint64_t heap_max; /* 0: none; raised by more_memory */

    txSize live_slots; /* after the last collection */
    txSize live_chunks;

    bool has_timers;     /* the vat has been granted some (timers.c) */
    unsigned rejections; /* of this crank */
    uint64_t random[4];
    uint8_t secret_key[32]; /* of the stream that random bytes come from */
    uint64_t secret_calls;  /* the stream's nonce */
    int making_failed;      /* why there is no machine: a status of fxAbort */
    char failure[1024];
};

/* What of the machine's allocations goes over the limit is refused (false). heap.c */
bool kee_engine_charge(struct kee_engine *engine, size_t bytes);
/* True if bytes more would stay inside the limit, asking nobody. */
bool kee_engine_has_room(const struct kee_engine *engine, size_t bytes);
/* Sets how much the machine asks for when it grows next: in proportion to what lives. heap.c */
void kee_engine_scale_steps(struct kee_engine *engine);
void kee_engine_reset_steps(struct kee_engine *engine);
/* After a crank: collects if the heap has doubled, and makes room in proportion to what lives. */
void kee_engine_settle_heap(struct kee_engine *engine);

/* Writes a value in words, running no code of the vat: "TypeError: x", "\"text\"", "[object]". */
void kee_engine_describe(txMachine *the, const txSlot *value, char *text, size_t size);

/* Appends a string of the engine as UTF-8; half of a surrogate pair becomes U+FFFD. */
void kee_engine_put_text(struct kee_buf *out, const char *string);
/* The other way. text_room throws a SyntaxError on what is not UTF-8 or has a NUL, else gives the size
 * of the engine's string, which text_copy writes with its end. push_text does both, and text must not
 * lie in the heap. */
size_t kee_engine_text_room(txMachine *the, struct kee_bytes text);
void kee_engine_text_copy(char *out, struct kee_bytes text);
void kee_engine_push_text(txMachine *the, struct kee_bytes text);
/* The engine gave up with a status of its own: longjmps out of the crank, except for a rejection. */
void kee_engine_aborted(struct kee_engine *engine, int status);

#endif
