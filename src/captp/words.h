/* SPDX-License-Identifier: Apache-2.0 */
/*
 * words - between what stands on the wire and what the kernel takes and tells.
 *
 *   the wire       capdata or smallcaps, slots of the wire    o+3 (theirs)   o-ko4 (ours)
 *   the kernel     smallcaps, names of the peer               o+3            ko4
 *
 * Also what is said on the wire: every message that is emitted is written here.
 *
 * Returns  0 done; KEE_VALUE_BAD, with a sentence in why; <0 fault.
 */
#ifndef KEE_CAPTP_WORDS_H
#define KEE_CAPTP_WORDS_H

#include "captp/ops.h"
#include "captp/tables.h"

/* What a call is to do, besides its word. */
struct kee_captp_method {
    bool gets;
    struct kee_bytes property; /* of a get; data NULL if it is a symbol */
};

/* A slot of the wire as a name for the kernel. */
int kee_captp_name_in(struct kee_captp *session, struct kee_bytes slot, struct kee_arena *arena,
                      struct kee_bytes *out, struct kee_buf *why);

/* A value of the wire for the kernel; if method is given, it is one. In the arena. */
int kee_captp_value_in(struct kee_captp *session, const struct kee_body *wire,
                       struct kee_captp_method *method, struct kee_arena *arena,
                       struct kee_body *out, struct kee_buf *why);
/* A value of the kernel for the wire; counts the mentions, and orders to let go of what is not mentioned
 * after all. */
int kee_captp_value_out(struct kee_captp *session, const struct kee_vp_capdata *data, bool method,
                        struct kee_arena *arena, struct kee_body *out, struct kee_buf *why);

/* The kernel's value as a tree, with names of the peer. */
int kee_captp_value_tree(const struct kee_vp_capdata *data, struct kee_arena *arena,
                         struct kee_value **out, struct kee_buf *why);

/* The other side's words with these slots came to nothing: it is told that we let go of its things. */
int kee_captp_unsaid(struct kee_captp *session, const struct kee_body *wire);
/* We hear nothing of it: the mentions in data are let go of, by orders. */
int kee_captp_unheard(struct kee_captp *session, const struct kee_vp_capdata *data);

/* A body of the kernel's for an error, in the arena. */
int kee_captp_error(struct kee_captp *session, const char *name, struct kee_bytes message,
                    struct kee_arena *arena, struct kee_body *out);

int kee_captp_emit(struct kee_captp *session, const struct kee_captp_op *op);
/* Says CTP_DROP of a name of the other side's, "o+3" here and "o-3" there. */
int kee_captp_emit_drop(struct kee_captp *session, struct kee_bytes name, uint64_t refs);
/* Says CTP_RETURN with a value of the kernel's. */
int kee_captp_emit_return(struct kee_captp *session, struct kee_captp_answer *answer, bool rejected,
                          const struct kee_vp_capdata *data);
int kee_captp_emit_resolve(struct kee_captp *session, struct kee_captp_thing *promise,
                           bool rejected, const struct kee_vp_capdata *data);
/* What we call the other side's "o+3" on the wire: "o-3". */
void kee_captp_put_own(struct kee_bytes name, struct kee_buf *out);
/* The name of a thing of ours on the wire, as we write it with sign: "o+ko4". */
void kee_captp_put_thing(const struct kee_captp *session, const struct kee_captp_thing *thing,
                         char sign, struct kee_buf *out);

#endif
