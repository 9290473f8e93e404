/* SPDX-License-Identifier: Apache-2.0 */
/* news - what the kernel tells, told on; it comes from within the kernel, so what is to be done there is
 * put into orders. See session.h. */
#include <stdio.h>

#include "base/fault.h"
#include "base/limits.h"
#include "captp/session.h"
#include "vatproto/vatproto.h"

int kee_captp_order_reject(struct kee_captp *session, struct kee_kref promise, const char *name,
                           const char *message)
{
    struct kee_arena arena = KEE_ARENA_EMPTY;
    struct kee_body body;
    int r = 0;

    if (message == NULL) {
        r = kee_fault(KEE_FAULT_MEMORY, "a sentence");
    } else if (!kee_kref_is_none(promise)) {
        r = kee_captp_error(session, name, kee_bytes_str(message), &arena, &body);
        r = r != 0 ? r : kee_captp_order(session, KEE_CAPTP_REJECT, promise, &body);
    }
    kee_arena_fini(&arena);
    return r;
}

/* ---- messages to the other side ---- */

/* Where it goes, as the other side reads it. False if the question it follows is forgotten. */
static bool put_target(const struct kee_captp *session, struct kee_bytes target,
                       struct kee_buf *out)
{
    const struct kee_captp_question *question;
    struct kee_kref kref;

    if (!kee_kref_parse(target, &kref)) {
        kee_captp_put_own(target, out);
        return true;
    }
    question = kee_map_get(&session->results, kref.bits);
    if (question == NULL) {
        return false;
    }
    kee_buf_put_str(out, "q-");
    kee_buf_put_decimal(out, question->number);
    return true;
}

static int ask(struct kee_captp *session, struct kee_bytes target, struct kee_kref result,
               const struct kee_body *method)
{
    struct kee_captp_question *question;
    struct kee_buf name = KEE_BUF_EMPTY;
    int r = kee_captp_question_new(session, result, &question);

    if (r == 0) {
        kee_buf_put_str(&name, "q-");
        kee_buf_put_decimal(&name, question->number);
        r = kee_buf_status(&name);
    }
    r = r != 0 ? r
               : kee_captp_emit(session, &(struct kee_captp_op){.type = KEE_CAPTP_CALL,
                                                                .id = kee_buf_bytes(&name),
                                                                .target = target,
                                                                .value = *method});
    kee_buf_fini(&name);
    return r;
}

static int hear_call(struct kee_captp *session, const struct kee_peer_news *news)
{
    struct kee_arena arena = KEE_ARENA_EMPTY;
    struct kee_buf target = KEE_BUF_EMPTY, why = KEE_BUF_EMPTY;
    struct kee_kref result = KEE_KREF_NONE;
    struct kee_body method;
    int r = 0;

    (void)kee_kref_parse(news->result, &result);
    if (!put_target(session, news->target, &target)) {
        kee_buf_put_str(&why, "the promise it was sent to is settled and forgotten");
        r = KEE_VALUE_BAD;
    }
    r = r != 0 ? r : kee_buf_status(&target);
    r = r != 0 ? r : kee_captp_value_out(session, &news->data, true, &arena, &method, &why);
    if (r > 0) {
        r = kee_captp_order_reject(session, result, "TypeError", kee_buf_cstr(&why));
        r = r != 0 ? r : kee_captp_unheard(session, &news->data);
    } else if (r == 0) {
        r = ask(session, kee_buf_bytes(&target), result, &method);
    }
    kee_buf_fini(&why);
    kee_buf_fini(&target);
    kee_arena_fini(&arena);
    return r;
}

static int hear_message(struct kee_captp *session, const struct kee_peer_news *news)
{
    if (kee_bytes_equal(news->target, KEE_BYTES_LIT(KEE_CAPTP_MARK))) {
        return kee_captp_order(session, KEE_CAPTP_DISARM, KEE_KREF_NONE, NULL);
    }
    return hear_call(session, news);
}

/* ---- promises that have settled ---- */

/* What is said once more is mentioned once more. */
static int hold_again(struct kee_captp *session, const struct kee_vp_capdata *data)
{
    struct kee_vp_strings slots = data->slots;
    struct kee_bytes name;
    struct kee_kref kref;
    int r = 0;

    while (r == 0 && kee_vp_strings_next(&slots, &name)) {
        if (kee_kref_parse(name, &kref)) {
            r = kee_captp_order(session, KEE_CAPTP_HOLD, kref, NULL);
        }
    }
    return r;
}

static int return_answers(struct kee_captp *session, struct kee_captp_thing *promise,
                          const struct kee_peer_news *news, unsigned *said)
{
    bool rowless = !promise->ever && news->data.slots.count == 0 &&
                   news->data.body.size <= KEE_LIMIT_PEER_ANSWER_BYTES;
    struct kee_link *next;
    int r = 0;

    for (struct kee_link *at = promise->answers.next; r == 0 && at != &promise->answers;
         at = next) {
        struct kee_captp_answer *answer = KEE_CONTAINER(at, struct kee_captp_answer, of_thing);
        next = at->next;
        if (answer->returned) {
            continue;
        }
        answer->rowless = rowless;
        (*said)++; /* a promise is the result of one question */
        r = kee_captp_emit_return(session, answer, news->rejected, &news->data);
        if (r == 0 && answer->unwanted) {
            r = kee_captp_forget(session, answer);
        }
    }
    return r;
}

static int hear_settled(struct kee_captp *session, const struct kee_peer_news *news)
{
    struct kee_captp_thing *promise = NULL;
    struct kee_kref kref;
    unsigned said = 0;
    bool first;
    int r;

    if (kee_kref_parse(news->target, &kref)) {
        promise = kee_captp_thing_get(session, kref);
    }
    if (promise == NULL) {
        return kee_captp_unheard(session, &news->data);
    }
    first = !promise->settled;
    promise->settled = true;
    promise->busy = true;
    r = return_answers(session, promise, news, &said);
    if (r == 0 && promise->mentions > 0 && (first || promise->again)) {
        promise->again = false;
        if (said++ > 0) {
            r = hold_again(session, &news->data);
        }
        r = r != 0 ? r : kee_captp_emit_resolve(session, promise, news->rejected, &news->data);
    }
    if (r == 0 && said == 0) {
        r = kee_captp_unheard(session, &news->data);
    }
    if (r == 0 && !kee_list_is_empty(&promise->waiting)) {
        r = kee_captp_order(session, KEE_CAPTP_RUN, kref, NULL);
    }
    promise->busy = false;
    kee_captp_thing_rest(session, promise);
    return r;
}

void kee_captp_news(struct kee_captp *session, const struct kee_peer_news *news)
{
    int r = 0;

    if (session->over) {
        return;
    }
    switch (news->kind) {
    case KEE_PEER_MESSAGE:
        r = hear_message(session, news);
        break;
    case KEE_PEER_SETTLED:
        r = hear_settled(session, news);
        break;
    case KEE_PEER_DROPPED:
        r = news->mentions > 0 ? kee_captp_emit_drop(session, news->target, news->mentions) : 0;
        break;
    }
    if (r < 0) {
        /* Nobody takes a fault here, and the tables may lack a part: the session is over. */
        kee_fault_clear();
        session->over = true;
        session->events->emit(
            session->context,
            KEE_BYTES_LIT(
                "{\"type\":\"CTP_DISCONNECT\",\"epoch\":0,\"reason\":\"out of memory\"}"));
        session->events->closed(session->context, "out of memory");
    }
}
