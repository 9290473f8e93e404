/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vatproto - the frames between the kernel and one vat worker, over one descriptor. Version 1.
 *
 *   frame    u32 size of what follows | u8 type | fields
 *   numbers  little-endian u8, u32, u64      string  u32 size | bytes      list  u32 count | items
 *   slots    list of strings, each a vref in the vat's own naming
 *   capdata  string body | slots             (the body is opaque here: smallcaps or capdata text)
 *
 *   kernel to worker                       worker to kernel
 *   START   first and once: code,          DONE   one for each START (seq 0) and DELIVER, in order:
 *           parameters, limits                    status, usage, syscalls in order, store changes
 *   DELIVER one crank; several may be      GET    asks for a store row during a crank; waits
 *           sent ahead                     NEXT   asks for the first row after a key; waits
 *   ROW     answers GET and NEXT, in order LOG    a console line, when it happens
 *
 * After a DONE that is not OK the worker runs nothing more of what was sent ahead and exits; the
 * kernel takes those deliveries as never run. The worker names store keys without the prefix of its
 * vat. What a worker sends is hostile: decoders check everything, and a malformed frame ends it.
 *
 * Delivery and syscall meanings: agoric-sdk packages/swingset-liveslots/src/types.js.
 */
#ifndef KEE_VATPROTO_VATPROTO_H
#define KEE_VATPROTO_VATPROTO_H

#include "base/bytes.h"

#define KEE_VP_VERSION 1u

enum kee_vp_type {
    KEE_VP_START = 1,
    KEE_VP_DELIVER = 2,
    KEE_VP_ROW = 3,
    KEE_VP_DONE = 65,
    KEE_VP_GET = 66,
    KEE_VP_NEXT = 67,
    KEE_VP_LOG = 68,
    /* Around the frames of several vats in one process: zygote.h. */
    KEE_VP_FOR = 129,
    KEE_VP_CLOSE = 130,
    KEE_VP_CLOSED = 131,
};

enum kee_vp_delivery {
    KEE_VP_MESSAGE = 1,
    KEE_VP_NOTIFY = 2,
    KEE_VP_DROP_EXPORTS = 3,
    KEE_VP_RETIRE_EXPORTS = 4,
    KEE_VP_RETIRE_IMPORTS = 5,
    KEE_VP_BRING_OUT_YOUR_DEAD = 6,
    KEE_VP_TIMER = 7,
};

enum kee_vp_reap {
    /* When it is done the vat says in one HEAP which imports and which virtual objects of its own stand
     * in memory. */
    KEE_VP_REAP_HEAP = 1,
    KEE_VP_REAP_LAST = 2, /* the heap ends in order after this crank */
};

enum kee_vp_syscall {
    KEE_VP_CALL_SEND = 1,            /* target, capdata of [method, args], result vpid or "" */
    KEE_VP_CALL_SUBSCRIBE = 2,       /* vpid */
    KEE_VP_CALL_RESOLVE = 3,         /* list of (vpid, u8 rejected, capdata) */
    KEE_VP_CALL_DROP_IMPORTS = 4,    /* slots */
    KEE_VP_CALL_RETIRE_IMPORTS = 5,  /* slots */
    KEE_VP_CALL_RETIRE_EXPORTS = 6,  /* slots */
    KEE_VP_CALL_ABANDON_EXPORTS = 7, /* slots */
    KEE_VP_CALL_EXIT = 8,            /* u8 failure, capdata */
    KEE_VP_CALL_WAKE = 9,            /* u64 ms until the first timer is due, u32 timers set */
    KEE_VP_CALL_HEAP = 10,           /* slots; see BRING_OUT_YOUR_DEAD */
};

enum kee_vp_status {
    KEE_VP_OK = 0,
    KEE_VP_FAILED = 1, /* the crank is to be undone; error says why; the worker ends */
};

enum kee_vp_log_level { KEE_VP_DEBUG, KEE_VP_LOG_LEVEL, KEE_VP_INFO, KEE_VP_WARN, KEE_VP_ERROR };

/* A list of strings inside a frame: borrowed, already checked. */
struct kee_vp_strings {
    struct kee_bytes raw; /* the items, without the count */
    uint32_t count;
};

/* Takes the next string off the front; false at the end. */
bool kee_vp_strings_next(struct kee_vp_strings *strings, struct kee_bytes *out);

struct kee_vp_capdata {
    struct kee_bytes body;
    struct kee_vp_strings slots;
};

/* Reading: fields are taken in order; the first thing wrong makes it failed for good, and every later
 * take gives empty values. Check kee_vp_reader_end() last. */
struct kee_vp_reader {
    struct kee_bytes rest;
    bool failed;
};

uint8_t kee_vp_take_u8(struct kee_vp_reader *reader);
uint32_t kee_vp_take_u32(struct kee_vp_reader *reader);
uint64_t kee_vp_take_u64(struct kee_vp_reader *reader);
struct kee_bytes kee_vp_take_string(struct kee_vp_reader *reader);
struct kee_vp_strings kee_vp_take_strings(struct kee_vp_reader *reader);
struct kee_vp_capdata kee_vp_take_capdata(struct kee_vp_reader *reader);
/* True if nothing failed and all was taken. */
bool kee_vp_reader_end(const struct kee_vp_reader *reader);

/* Writing into a buffer whose status is checked at the end. A frame is opened, filled, closed. */
size_t kee_vp_frame_open(struct kee_buf *buf, enum kee_vp_type type); /* gives the frame's place */
void kee_vp_frame_close(struct kee_buf *buf, size_t place);
void kee_vp_put_string(struct kee_buf *buf, struct kee_bytes string);

/* A list whose count is not known yet: open, put items, close with the count. */
size_t kee_vp_list_open(struct kee_buf *buf);
void kee_vp_list_close(struct kee_buf *buf, size_t place, uint32_t count);

/* Cutting a stream: if stream holds a whole frame, gives its type and fields (borrowed) and its full
 * size, and returns 1; 0 if more bytes are needed; -1 if the size is over the limit or zero. */
int kee_vp_frame_cut(struct kee_bytes stream, uint8_t *type, struct kee_bytes *fields,
                     size_t *frame_size);

/*
 * START fields, in order. Lists and text are borrowed.
 */
struct kee_vp_start {
    uint32_t version; /* KEE_VP_VERSION, refused otherwise */
    uint64_t vat;
    uint64_t incarnation;
    uint64_t steps_per_crank_max;  /* engine steps; 0 is no limit */
    uint64_t heap_bytes_max;       /* 0 is no limit */
    bool raw;                      /* u8: the code is a dispatch function, without liveslots */
    struct kee_bytes seed;         /* 32 random bytes for the vat's own randomness */
    struct kee_bytes code_name;    /* for messages: "counter.js" */
    struct kee_bytes code;         /* module source text, or JSON text of a bundle */
    struct kee_vp_strings globals; /* names granted from the allow-list */
    struct kee_vp_capdata parameters;
    struct kee_vp_strings rows; /* key, value, key, value...: store rows the vat will surely read */
    struct kee_vp_strings inventory; /* name, vref, name, vref...: objects granted as globals */
};

bool kee_vp_start_take(struct kee_bytes fields, struct kee_vp_start *out);
void kee_vp_start_put(struct kee_buf *buf, const struct kee_vp_start *start);

/*
 * DELIVER fields: u64 seq | u8 delivery | then by kind:
 *   MESSAGE  string target | string result vpid or "" | capdata methargs
 *   NOTIFY   list of (string vpid | u8 rejected | capdata)
 *   DROP_EXPORTS, RETIRE_EXPORTS, RETIRE_IMPORTS  slots
 *   TIMER    nothing
 *   BRING_OUT_YOUR_DEAD  nothing, or u8 flags of enum kee_vp_reap | slots
 *            slots: virtual objects of the vat that nothing reaches, which it empties first.
 *
 * ROW fields: u8 found | string key | string value        (GET and NEXT alike)
 * GET fields: string key          NEXT fields: string prior key
 * LOG fields: u8 level | string text
 *
 * DONE fields: u64 seq | u8 status | string error | u64 steps used | u64 heap bytes live |
 *              u32 count, then syscalls (u8 kind and fields, as named above) |
 *              u32 count, then store changes (u8 1 set | string key | string value, or
 *                                             u8 0 delete | string key)
 */

#endif
