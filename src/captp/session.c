/* SPDX-License-Identifier: Apache-2.0 */
/* session - see captp.h; here is what the other side says, message by message. */
#include "captp/session.h"

#include <stdlib.h>

#include "base/fault.h"
#include "base/limits.h"
#include "kernel/kernel.h"
#include "value/text.h"

/* ---- coming and going ---- */

int kee_captp_new(struct kee_captp **out, struct kee_kernel *kernel,
                  const struct kee_captp_options *options, const struct kee_captp_events *events,
                  void *context)
{
    struct kee_captp *session = calloc(1, sizeof *session);
    struct kee_peer_options peer = {
        .label = options->label, .privileged = options->owner, .rows_max = options->rows_max};
    int r;

    *out = NULL;
    if (session == NULL) {
        return kee_fault(KEE_FAULT_MEMORY, "a session");
    }
    r = kee_peer_open(kernel, &peer, &session->peer);
    if (r != 0) {
        free(session);
        return r;
    }
    session->kernel = kernel;
    session->events = events;
    session->context = context;
    session->owner = options->owner;
    session->bootstrap = options->bootstrap;
    session->questions_max =
        options->questions_max != 0 ? options->questions_max : KEE_LIMIT_CAPTP_QUESTIONS;
    kee_captp_tables_init(session);
    r = kee_kref_is_none(session->bootstrap)
            ? 0
            : kee_peer_hold(kernel, session->peer, session->bootstrap);
    if (r != 0) {
        kee_captp_free(session);
        return r;
    }
    *out = session;
    return 0;
}

void kee_captp_free(struct kee_captp *session)
{
    if (session == NULL) {
        return;
    }
    if (kee_peer_close(session->kernel, session->peer, "its connection ended") < 0) {
        kee_fault_clear(); /* the next boot lets go of what it held */
    }
    kee_captp_tables_fini(session);
    free(session);
}

struct kee_peer_id kee_captp_peer(const struct kee_captp *session)
{
    return session->peer;
}

uint64_t kee_captp_questions(const struct kee_captp *session)
{
    return session->unanswered_count;
}

void kee_captp_end(struct kee_captp *session, const char *why)
{
    struct kee_buf reason = KEE_BUF_EMPTY;
    struct kee_captp_op op = {.type = KEE_CAPTP_DISCONNECT};

    kee_buf_put_json_string(&reason, kee_bytes_str(why));
    if (kee_buf_status(&reason) == 0) {
        op.reason = kee_buf_bytes(&reason);
    }
    if (kee_captp_emit(session, &op) < 0) {
        kee_fault_clear(); /* the carrier is closed all the same */
    }
    session->over = true;
    kee_buf_fini(&reason);
}

int kee_captp_fail(struct kee_captp *session, const char *why)
{
    kee_captp_end(session, why);
    session->events->closed(session->context, why);
    return KEE_CAPTP_ENDED;
}

/* ---- questions ---- */

static int hear_question(struct kee_captp *session, const struct kee_captp_op *op)
{
    struct kee_captp_answer *answer;
    struct kee_bytes name;
    struct kee_body body = {.slots = &name, .slot_count = 1};
    struct kee_buf kref = KEE_BUF_EMPTY;
    int r;

    if (session->unanswered_count >= session->questions_max) {
        return kee_captp_fail(session, "too many questions are unanswered");
    }
    r = kee_captp_answer_new(session, op->id, &answer);
    if (r != 0 || op->type == KEE_CAPTP_CALL) {
        return r != 0 ? r : kee_captp_call(session, op, answer);
    }
    if (kee_kref_is_none(session->bootstrap)) {
        session->bootstrap = session->events->bootstrap(session->context);
        if (kee_kref_is_none(session->bootstrap)) {
            return kee_captp_refuse(session, answer, "Error", "there is nothing to begin with");
        }
        r = kee_peer_hold(session->kernel, session->peer, session->bootstrap);
        if (r != 0) {
            return r < 0 ? r
                         : kee_captp_refuse(session, answer, "Error",
                                            kee_kernel_why(session->kernel));
        }
    }
    kee_buf_put_kref(&kref, session->bootstrap);
    name = kee_buf_bytes(&kref);
    body.text = session->owner ? KEE_BYTES_LIT("#\"$0.Alleged: kernel\"")
                               : KEE_BYTES_LIT("#\"$0.Alleged: granted\"");
    r = kee_buf_status(&kref);
    r = r != 0 ? r : kee_captp_settle_here(session, answer, false, &body);
    kee_buf_fini(&kref);
    return r;
}

/* ---- answers to our questions, promises of the other side ---- */

/* What a promise of the other side came to is kept here, if it is little and names nothing of its own. */
static int keep_word(struct kee_captp *session, struct kee_captp_own *own,
                     const struct kee_body *body, bool rejected)
{
    int r;

    own->settled = own->row = true;
    own->rejected = rejected;
    kee_list_append(&session->settled, &own->link);
    session->settled_count++;
    if (body->text.size > KEE_LIMIT_PEER_ANSWER_BYTES) {
        return 0;
    }
    for (size_t i = 0; i < body->slot_count; i++) {
        if (body->slots[i].data[0] != 'k') {
            return 0;
        }
    }
    r = kee_captp_word_set(&own->word, body);
    if (r == 0) {
        own->small = true;
        kee_list_append(&session->dropping, &own->dropping);
    }
    return r;
}

/* Settles a promise of the kernel's with what the other side said, or, if that cannot be, with an error
 * that says why. */
static int settle(struct kee_captp *session, struct kee_bytes promise,
                  const struct kee_captp_op *op, struct kee_captp_own *own)
{
    struct kee_arena arena = KEE_ARENA_EMPTY;
    struct kee_buf why = KEE_BUF_EMPTY;
    struct kee_captp_word word = {0};
    struct kee_body body;
    bool rejected = op->rejected;
    int r = kee_captp_value_in(session, &op->value, NULL, &arena, &body, &why);

    if (r == 0) {
        r = kee_captp_word_set(&word, &body);
        r = r != 0 ? r : kee_captp_revive(session, kee_captp_word_data(&word).slots);
        r = r != 0 ? r
                   : kee_peer_settle(session->kernel, session->peer, promise, op->rejected,
                                     kee_captp_word_data(&word));
        if (r > 0) {
            kee_buf_clear(&why);
            kee_buf_put_str(&why, kee_kernel_why(session->kernel));
        }
        for (size_t i = 0; r == 0 && i < body.slot_count; i++) {
            if (kee_bytes_has_prefix(body.slots[i], KEE_BYTES_LIT("p+"))) {
                r = kee_captp_own_mention(session, body.slots[i]);
            }
        }
    }
    if (r > 0) {
        rejected = true;
        r = kee_captp_unsaid(session, &op->value);
        r = r != 0 ? r : kee_captp_error(session, "TypeError", kee_buf_bytes(&why), &arena, &body);
        r = r != 0 ? r : kee_captp_word_set(&word, &body);
        r = r != 0 ? r
                   : kee_peer_settle(session->kernel, session->peer, promise, true,
                                     kee_captp_word_data(&word));
        r = r > 0 ? 0 : r; /* it is settled already: nobody waits */
    }
    if (r == 0 && own != NULL) {
        r = keep_word(session, own, &body, rejected);
    }
    kee_captp_word_fini(&word);
    kee_buf_fini(&why);
    kee_arena_fini(&arena);
    return r;
}

/* The oldest of our answered questions is forgotten, and the other side may forget it, too. */
static int drop_oldest_question(struct kee_captp *session)
{
    struct kee_captp_question *oldest =
        KEE_CONTAINER(session->answered.next, struct kee_captp_question, link);
    struct kee_buf name = KEE_BUF_EMPTY;
    int r;

    kee_buf_put_str(&name, "q-");
    kee_buf_put_decimal(&name, oldest->number);
    kee_captp_question_free(session, oldest);
    r = kee_buf_status(&name);
    r = r != 0 ? r
               : kee_captp_emit(session, &(struct kee_captp_op){.type = KEE_CAPTP_DROP,
                                                                .id = kee_buf_bytes(&name),
                                                                .refs = 1});
    kee_buf_fini(&name);
    return r;
}

static int hear_return(struct kee_captp *session, const struct kee_captp_op *op)
{
    struct kee_bytes rest = op->id;
    struct kee_captp_question *question = NULL;
    struct kee_buf name = KEE_BUF_EMPTY;
    uint64_t number;
    int r;

    if (kee_bytes_has_prefix(rest, KEE_BYTES_LIT("q-")) &&
        kee_bytes_decimal(kee_bytes_of(rest.data + 2, rest.size - 2), &number) && number != 0) {
        question = kee_map_get(&session->questions, number);
    }
    if (question == NULL || question->answered) {
        return kee_captp_unsaid(session, &op->value);
    }
    if (kee_kref_is_none(question->result)) {
        r = kee_captp_unsaid(session, &op->value);
    } else {
        kee_buf_put_kref(&name, question->result);
        r = kee_buf_status(&name);
        r = r != 0 ? r : settle(session, kee_buf_bytes(&name), op, NULL);
    }
    kee_buf_fini(&name);
    if (r == 0) {
        kee_captp_question_answered(session, question);
    }
    return r == 0 && session->answered_count > KEE_LIMIT_CAPTP_KEPT ? drop_oldest_question(session)
                                                                    : r;
}

static int forget_oldest_own(struct kee_captp *session)
{
    struct kee_captp_own *oldest = KEE_CONTAINER(session->settled.next, struct kee_captp_own, link);
    struct kee_arena arena = KEE_ARENA_EMPTY;
    struct kee_body body;
    int r = 0;

    kee_list_remove(&oldest->link);
    session->settled_count--;
    oldest->old = true;
    if (oldest->row && !oldest->small) {
        /* Is it named once more before the other side hears of it, it is this. */
        r = kee_captp_error(session, "Error", KEE_BYTES_LIT("the promise is no longer known"),
                            &arena, &body);
        r = r != 0 ? r : kee_captp_word_set(&oldest->word, &body);
        oldest->rejected = true;
        kee_list_append(&session->dropping, &oldest->dropping);
    } else if (kee_list_is_empty(&oldest->dropping)) {
        kee_captp_own_free(session, oldest);
    }
    kee_arena_fini(&arena);
    return r;
}

static int hear_resolve(struct kee_captp *session, const struct kee_captp_op *op)
{
    struct kee_buf name = KEE_BUF_EMPTY;
    struct kee_captp_own *own = NULL;
    int r = 0;

    if (kee_captp_is_slot(op->id) && op->id.data[0] == 'p' && op->id.data[1] == '-') {
        kee_buf_put_str(&name, "p+"); /* it was named as we name it */
        kee_buf_put(&name, op->id.data + 2, op->id.size - 2);
        r = kee_buf_status(&name);
        own = r == 0 ? kee_captp_own_get(session, kee_buf_bytes(&name)) : NULL;
    }
    kee_buf_fini(&name);
    if (r != 0 || own == NULL || own->settled) {
        return r != 0 ? r : kee_captp_unsaid(session, &op->value);
    }
    r = settle(session, own->named.name, op, own);
    return r == 0 && session->settled_count > KEE_LIMIT_CAPTP_KEPT ? forget_oldest_own(session) : r;
}

/* ---- what the other side lets go of ---- */

static int drop_thing(struct kee_captp *session, struct kee_captp_thing *thing,
                      struct kee_bytes name, uint64_t refs)
{
    int r = 0;

    refs = refs < thing->mentions ? refs : thing->mentions;
    thing->mentions -= refs;
    if (!kee_list_is_empty(&thing->waiting) && !thing->pinned && thing->mentions == 0) {
        thing->pinned = true;
        r = kee_peer_hold(session->kernel, session->peer, thing->kref);
        r = r > 0 ? 0 : r;
    }
    r = r != 0 || refs == 0 ? r : kee_peer_drop(session->kernel, session->peer, name, refs);
    if (r == 0 && thing->mentions > 0 && thing->settled && !thing->again && refs > 0) {
        /* A mention crossed the drop: there it is a new promise, to be told anew. */
        thing->again = true;
        r = kee_captp_order(session, KEE_CAPTP_TELL, thing->kref, NULL);
    }
    if (r == 0) {
        kee_captp_thing_rest(session, thing);
    }
    return r;
}

static int drop_named(struct kee_captp *session, struct kee_bytes id, uint64_t refs)
{
    struct kee_captp_answer *answer = kee_captp_answer_find(session, id);
    struct kee_arena arena = KEE_ARENA_EMPTY;
    struct kee_buf why = KEE_BUF_EMPTY;
    struct kee_captp_thing *thing;
    struct kee_bytes name;
    struct kee_kref kref;
    int r;

    if (answer != NULL) {
        answer->unwanted = true;
        return answer->returned ? kee_captp_forget(session, answer) : 0;
    }
    r = kee_captp_name_in(session, id, &arena, &name, &why);
    if (r == 0 && kee_kref_parse(name, &kref)) {
        thing = kee_captp_thing_get(session, kref);
        if (thing != NULL) {
            r = drop_thing(session, thing, name, refs);
        } else if (session->owner && !kee_kref_is_promise(kref) && refs > 0) {
            r = kee_peer_drop(session->kernel, session->peer, name, refs);
        }
    }
    kee_buf_fini(&why);
    kee_arena_fini(&arena);
    return r < 0 ? r : 0; /* what is not there need not be let go of */
}

static int hear_drop(struct kee_captp *session, const struct kee_captp_op *op)
{
    int r = drop_named(session, op->id, op->refs);

    for (size_t i = 0; r == 0 && i < op->more_count; i++) {
        r = drop_named(session, op->more[i].id, op->more[i].refs);
    }
    return r;
}

static int hear_disconnect(struct kee_captp *session, const struct kee_captp_op *op)
{
    struct kee_buf why = KEE_BUF_EMPTY;
    int r = kee_captp_emit(session, op); /* the echo, with the same reason */

    session->over = true;
    kee_buf_put_str(&why, "the other side has ended it");
    if (op->reason.size > 0 && op->reason.size <= 200) {
        kee_buf_put_str(&why, ": ");
        kee_buf_put_bytes(&why, op->reason);
    }
    r = r != 0 ? r : kee_buf_status(&why);
    session->events->closed(session->context,
                            r == 0 ? kee_buf_cstr(&why) : "the other side has ended it");
    kee_buf_fini(&why);
    return r != 0 ? r : KEE_CAPTP_ENDED;
}

/* ---- all of it ---- */

static int hear(struct kee_captp *session, const struct kee_captp_op *op)
{
    switch (op->type) {
    case KEE_CAPTP_BOOTSTRAP:
    case KEE_CAPTP_CALL:
        return hear_question(session, op);
    case KEE_CAPTP_RETURN:
        return hear_return(session, op);
    case KEE_CAPTP_RESOLVE:
        return hear_resolve(session, op);
    case KEE_CAPTP_DROP:
        return hear_drop(session, op);
    case KEE_CAPTP_DISCONNECT:
        return hear_disconnect(session, op);
    case KEE_CAPTP_TRAP_ITERATE:
        return 0; /* the call it belongs to was refused */
    }
    return 0;
}

int kee_captp_receive(struct kee_captp *session, struct kee_bytes text)
{
    struct kee_arena arena = KEE_ARENA_EMPTY;
    struct kee_buf why = KEE_BUF_EMPTY;
    struct kee_captp_op op;
    int r;

    if (session->over) {
        return KEE_CAPTP_ENDED;
    }
    r = kee_captp_carry_out(session); /* before anything that might overtake it */
    r = r != 0 ? r : kee_captp_op_read(text, &arena, &op, &why);
    if (r > 0) {
        const char *reason = kee_buf_cstr(&why);
        r = reason != NULL ? kee_captp_fail(session, reason)
                           : kee_fault(KEE_FAULT_MEMORY, "a reason");
    } else if (r == 0) {
        r = hear(session, &op);
        r = r != 0 ? r : kee_captp_run_ready(session);
        r = r != 0 ? r : kee_captp_carry_out(session);
    }
    kee_buf_fini(&why);
    kee_arena_fini(&arena);
    return r;
}

int kee_captp_round(struct kee_captp *session)
{
    return session->over ? KEE_CAPTP_ENDED : kee_captp_carry_out(session);
}

bool kee_captp_wants_round(const struct kee_captp *session)
{
    return !session->over && !kee_list_is_empty(&session->orders);
}
