/* SPDX-License-Identifier: Apache-2.0 */
/*
 * embed - a kernel in a host's program: what the files behind keeve/keeve.h share.
 *
 *   host ── keeve_send ──► kernel            keeve_turn: loop passes ──► core ──► answers, kept here
 *   host ◄── its callbacks ── told at the end of the turn, when nothing of ours is on the stack
 *
 * A call is in the map from when it is accepted until its answer has come; then it is in the list of
 * those to be told, with what the answer says in an arena of its own.
 */
#ifndef KEE_LIB_EMBED_H
#define KEE_LIB_EMBED_H

#include "base/arena.h"
#include "base/list.h"
#include "base/map.h"
#include "keeve/keeve.h"
#include "lib/core.h"
#include "lib/native.h"

struct kee_embed_call {
    struct kee_link link; /* to be told, or waiting for a batch */
    uint64_t number;
    uint64_t batch; /* of one that waits for a batch */
    keeve_answer_fn *fn;
    void *context;
    struct keeve_value *warnings; /* of a launch, else NULL */
    struct kee_arena arena;
    struct keeve_answer answer;
    const struct kee_bytes *slots; /* krefs that the answer names; in the arena */
    size_t slot_count;
    char subcluster[KEEVE_NAME_SIZE], root[KEEVE_NAME_SIZE];
};

struct keeve_kernel {
    struct kee_loop *loop;
    struct kee_core core;
    struct kee_natives *natives;
    struct kee_map calls; /* number to struct kee_embed_call */
    uint64_t call_last;
    struct kee_link told;     /* answers for the end of the turn, in order */
    struct kee_link durables; /* those that wait for a batch, in order */
    void (*on_log)(void *context, const char *vat, enum keeve_log_level level, const char *text);
    void (*on_note)(void *context, const char *text);
    void *context;
    struct kee_buf why;
    bool stirred;     /* something was asked for since the last pass of the loop */
    bool in_callback; /* of the host */
    bool in_log;      /* in one that comes from inside the kernel */
};

extern const struct kee_core_events kee_embed_events;

/* Folds what the kernel gave: 0, an outcome, or a fault, with which the kernel's work ends. */
enum keeve_result kee_embed_fold(struct keeve_kernel *kernel, int r);
enum keeve_result kee_embed_decline(struct keeve_kernel *kernel, enum keeve_result result,
                                    const char *format, ...) __attribute__((format(printf, 3, 4)));
enum keeve_result kee_embed_no_memory(struct keeve_kernel *kernel);
/* OK, unless the kernel has broken, or a native vat asks for what it may not. */
enum keeve_result kee_embed_may(struct keeve_kernel *kernel);
/* Reads "ko3". Result BAD. */
enum keeve_result kee_embed_kref(struct keeve_kernel *kernel, const char *text,
                                 struct kee_kref *out);

/* calls.c: calls back for all that is to be told now, those asked for meanwhile included. */
void kee_embed_tell(struct keeve_kernel *kernel);
/* Everything that still waits is LOST. */
void kee_embed_lose(struct keeve_kernel *kernel, const char *why);
void kee_embed_answer(struct keeve_kernel *kernel, uint64_t number,
                      const struct kee_answer *answer);
void kee_embed_durable(struct keeve_kernel *kernel, uint64_t batch);
/* Does an answer that is to be told name it? */
bool kee_embed_names(const struct keeve_kernel *kernel, const char *kref);

#endif
