/* SPDX-License-Identifier: Apache-2.0 */
/* say - what is said on the wire; see words.h. */
#include "base/fault.h"
#include "captp/words.h"

int kee_captp_emit(struct kee_captp *session, const struct kee_captp_op *op)
{
    struct kee_buf text = KEE_BUF_EMPTY;
    int r;

    if (session->over) {
        return 0;
    }
    kee_captp_op_write(&text, op);
    r = kee_buf_status(&text);
    if (r == 0) {
        session->events->emit(session->context, kee_buf_bytes(&text));
    }
    kee_buf_fini(&text);
    return r;
}

int kee_captp_emit_drop(struct kee_captp *session, struct kee_bytes name, uint64_t refs)
{
    struct kee_buf slot = KEE_BUF_EMPTY;
    int r;

    kee_captp_put_own(name, &slot);
    r = kee_buf_status(&slot);
    r = r != 0 ? r
               : kee_captp_emit(session, &(struct kee_captp_op){.type = KEE_CAPTP_DROP,
                                                                .id = kee_buf_bytes(&slot),
                                                                .refs = refs});
    kee_buf_fini(&slot);
    return r;
}

/* The value for the wire, or, if it cannot be said there, an error that says so. */
static int value_or_error(struct kee_captp *session, const struct kee_vp_capdata *data,
                          struct kee_arena *arena, bool *rejected, struct kee_body *out)
{
    struct kee_buf why = KEE_BUF_EMPTY, text = KEE_BUF_EMPTY;
    struct kee_captp_word word = {0};
    struct kee_body error;
    struct kee_vp_capdata instead;
    int r = kee_captp_value_out(session, data, false, arena, out, &why);

    if (r > 0) {
        *rejected = true;
        kee_buf_put_str(&text, "a value cannot be told: ");
        kee_buf_put_bytes(&text, kee_buf_bytes(&why));
        r = kee_buf_status(&text) != 0 ? kee_buf_status(&text) : kee_buf_status(&why);
        r = r != 0 ? r : kee_captp_error(session, "TypeError", kee_buf_bytes(&text), arena, &error);
        r = r != 0 ? r : kee_captp_unheard(session, data);
        r = r != 0 ? r : kee_captp_word_set(&word, &error);
        instead = kee_captp_word_data(&word);
        r = r != 0 ? r : kee_captp_value_out(session, &instead, false, arena, out, &why);
    }
    kee_captp_word_fini(&word);
    kee_buf_fini(&text);
    kee_buf_fini(&why);
    return r;
}

int kee_captp_emit_return(struct kee_captp *session, struct kee_captp_answer *answer, bool rejected,
                          const struct kee_vp_capdata *data)
{
    struct kee_arena arena = KEE_ARENA_EMPTY;
    struct kee_captp_op op = {.type = KEE_CAPTP_RETURN, .id = answer->named.name};
    int r;

    op.rejected = rejected;
    r = value_or_error(session, data, &arena, &op.rejected, &op.value);
    r = r != 0 ? r : kee_captp_emit(session, &op);
    kee_arena_fini(&arena);
    if (r == 0) {
        kee_captp_answer_returned(session, answer);
    }
    return r;
}

int kee_captp_emit_resolve(struct kee_captp *session, struct kee_captp_thing *promise,
                           bool rejected, const struct kee_vp_capdata *data)
{
    struct kee_arena arena = KEE_ARENA_EMPTY;
    struct kee_buf name = KEE_BUF_EMPTY;
    struct kee_captp_op op = {.type = KEE_CAPTP_RESOLVE};
    int r;

    kee_captp_put_thing(session, promise, '-', &name); /* as its importer names it */
    op.rejected = rejected;
    op.id = kee_buf_bytes(&name);
    r = kee_buf_status(&name);
    r = r != 0 ? r : value_or_error(session, data, &arena, &op.rejected, &op.value);
    r = r != 0 ? r : kee_captp_emit(session, &op);
    kee_buf_fini(&name);
    kee_arena_fini(&arena);
    return r;
}
