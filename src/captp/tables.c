/* SPDX-License-Identifier: Apache-2.0 */
/* tables - see tables.h. */
#include "captp/tables.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/fault.h"
#include "base/limits.h"
#include "vatproto/vatproto.h"

/* ---- names ---- */

static uint64_t hash_of(struct kee_bytes text)
{
    uint64_t hash = 14695981039346656037u;

    for (size_t i = 0; i < text.size; i++) {
        hash = (hash ^ text.data[i]) * 1099511628211u;
    }
    return hash | 1;
}

struct kee_captp_named *kee_captp_named_get(const struct kee_map *map, struct kee_bytes name)
{
    struct kee_captp_named *named = kee_map_get(map, hash_of(name));

    while (named != NULL && !kee_bytes_equal(named->name, name)) {
        named = named->next;
    }
    return named;
}

int kee_captp_named_put(struct kee_map *map, struct kee_captp_named *named)
{
    uint64_t key = hash_of(named->name);

    named->next = kee_map_get(map, key);
    return kee_map_put(map, key, named);
}

void kee_captp_named_remove(struct kee_map *map, struct kee_captp_named *named)
{
    uint64_t key = hash_of(named->name);
    struct kee_captp_named *first = kee_map_get(map, key);
    struct kee_captp_named **at = &first;

    while (*at != named) {
        kee_assert(*at != NULL);
        at = &(*at)->next;
    }
    *at = named->next;
    if (first == NULL) {
        (void)kee_map_remove(map, key);
    } else {
        (void)kee_map_put(map, key, first); /* replaces: needs no memory */
    }
}

/* ---- words ---- */

void kee_captp_word_fini(struct kee_captp_word *word)
{
    kee_buf_fini(&word->text);
    kee_buf_fini(&word->slots);
    word->slot_count = 0;
}

int kee_captp_word_set(struct kee_captp_word *word, const struct kee_body *body)
{
    kee_buf_clear(&word->text);
    kee_buf_clear(&word->slots);
    kee_buf_put_bytes(&word->text, body->text);
    for (size_t i = 0; i < body->slot_count; i++) {
        kee_vp_put_string(&word->slots, body->slots[i]);
    }
    word->slot_count = (uint32_t)body->slot_count;
    return kee_buf_status(&word->text) != 0 ? kee_buf_status(&word->text)
                                            : kee_buf_status(&word->slots);
}

struct kee_vp_capdata kee_captp_word_data(const struct kee_captp_word *word)
{
    return (struct kee_vp_capdata){
        .body = kee_buf_bytes(&word->text),
        .slots = {.raw = kee_buf_bytes(&word->slots), .count = word->slot_count}};
}

/* ---- answers ---- */

int kee_captp_answer_new(struct kee_captp *session, struct kee_bytes name,
                         struct kee_captp_answer **out)
{
    struct kee_captp_answer *answer = calloc(1, sizeof *answer + name.size);
    struct kee_captp_answer *older = kee_captp_answer_find(session, name);

    if (answer == NULL) {
        return kee_fault(KEE_FAULT_MEMORY, "an answer");
    }
    memcpy(answer->name, name.data, name.size);
    answer->named.name = kee_bytes_of(answer->name, name.size);
    kee_list_init(&answer->link);
    kee_list_init(&answer->of_thing);
    kee_list_init(&answer->ready);
    kee_list_init(&answer->waiting);
    if (older != NULL) { /* as the reference does: the later question has the name */
        kee_captp_named_remove(&session->answers, &older->named);
        older->in_table = false;
    }
    if (kee_captp_named_put(&session->answers, &answer->named) < 0) {
        free(answer);
        return KEE_FAULT_MEMORY;
    }
    answer->in_table = true;
    kee_list_append(&session->unanswered, &answer->link);
    session->unanswered_count++;
    *out = answer;
    return 0;
}

struct kee_captp_answer *kee_captp_answer_find(const struct kee_captp *session,
                                               struct kee_bytes name)
{
    return (struct kee_captp_answer *)(void *)kee_captp_named_get(&session->answers, name);
}

int kee_captp_answer_sent(struct kee_captp *session, struct kee_captp_answer *answer,
                          struct kee_kref promise)
{
    struct kee_captp_thing *thing = NULL;
    int r = kee_captp_thing_need(session, promise, &thing);

    if (r == 0) {
        answer->state = KEE_CAPTP_ANSWER_SENT;
        answer->thing = thing;
        kee_list_append(&thing->answers, &answer->of_thing);
        kee_captp_thing_wake(session, thing);
    }
    return r;
}

void kee_captp_answer_returned(struct kee_captp *session, struct kee_captp_answer *answer)
{
    kee_assert(!answer->returned);
    answer->returned = true;
    session->unanswered_count--;
    session->returned_count++;
    kee_list_remove(&answer->link);
    kee_list_append(&session->returned, &answer->link);
}

/* What is still spoken to stays longer. */
void kee_captp_answer_used(struct kee_captp *session, struct kee_captp_answer *answer)
{
    if (answer->returned) {
        kee_list_remove(&answer->link);
        kee_list_append(&session->returned, &answer->link);
    }
}

void kee_captp_answer_free(struct kee_captp *session, struct kee_captp_answer *answer)
{
    struct kee_captp_thing *thing = answer->thing;

    if (answer->returned) {
        session->returned_count--;
    } else {
        session->unanswered_count--;
    }
    if (answer->in_table) {
        kee_captp_named_remove(&session->answers, &answer->named);
    }
    while (!kee_list_is_empty(&answer->waiting)) {
        kee_captp_call_free(KEE_CONTAINER(answer->waiting.next, struct kee_captp_call, link));
    }
    kee_list_remove(&answer->link);
    kee_list_remove(&answer->of_thing);
    kee_list_remove(&answer->ready);
    kee_captp_word_fini(&answer->word);
    free(answer);
    if (thing != NULL) {
        kee_captp_thing_rest(session, thing);
    }
}

void kee_captp_call_free(struct kee_captp_call *call)
{
    kee_list_remove(&call->link);
    kee_captp_word_fini(&call->word);
    kee_buf_fini(&call->property);
    free(call);
}

/* ---- things ---- */

struct kee_captp_thing *kee_captp_thing_get(const struct kee_captp *session, struct kee_kref kref)
{
    return kee_map_get(&session->things, kref.bits);
}

static void thing_free(struct kee_captp *session, struct kee_captp_thing *thing)
{
    while (!kee_list_is_empty(&thing->waiting)) {
        kee_captp_call_free(KEE_CONTAINER(thing->waiting.next, struct kee_captp_call, link));
    }
    (void)kee_map_remove(&session->things, thing->kref.bits);
    if (thing->number != 0) {
        (void)kee_map_remove(&session->numbers, thing->number);
    }
    free(thing);
}

int kee_captp_thing_need(struct kee_captp *session, struct kee_kref kref,
                         struct kee_captp_thing **out)
{
    struct kee_captp_thing *thing = kee_captp_thing_get(session, kref);

    *out = thing;
    if (thing != NULL) {
        return 0;
    }
    thing = calloc(1, sizeof *thing);
    if (thing == NULL || kee_map_put(&session->things, kref.bits, thing) < 0) {
        free(thing);
        return kee_fault(KEE_FAULT_MEMORY, "a row of a session");
    }
    thing->kref = kref;
    kee_list_init(&thing->answers);
    kee_list_init(&thing->waiting);
    kee_list_init(&thing->idle);
    *out = thing;
    return 0;
}

void kee_captp_thing_wake(struct kee_captp *session, struct kee_captp_thing *thing)
{
    if (!kee_list_is_empty(&thing->idle)) {
        kee_list_remove(&thing->idle);
        session->idle_count--;
    }
}

void kee_captp_thing_rest(struct kee_captp *session, struct kee_captp_thing *thing)
{
    if (thing->busy || thing->mentions > 0 || !kee_list_is_empty(&thing->answers) ||
        !kee_list_is_empty(&thing->waiting) || !kee_list_is_empty(&thing->idle)) {
        return;
    }
    if (!kee_kref_is_promise(thing->kref)) {
        thing_free(session, thing);
        return;
    }
    kee_list_append(&session->idle, &thing->idle);
    if (++session->idle_count > KEE_LIMIT_CAPTP_KEPT) {
        thing = KEE_CONTAINER(session->idle.next, struct kee_captp_thing, idle);
        kee_captp_thing_wake(session, thing);
        thing_free(session, thing);
    }
}

/* ---- own promises of the other side ---- */

struct kee_captp_own *kee_captp_own_get(const struct kee_captp *session, struct kee_bytes name)
{
    return (struct kee_captp_own *)(void *)kee_captp_named_get(&session->own, name);
}

int kee_captp_own_mention(struct kee_captp *session, struct kee_bytes name)
{
    struct kee_captp_own *own = kee_captp_own_get(session, name);

    if (own == NULL) {
        own = calloc(1, sizeof *own + name.size);
        if (own == NULL) {
            return kee_fault(KEE_FAULT_MEMORY, "a promise of the other side");
        }
        memcpy(own->name, name.data, name.size);
        own->named.name = kee_bytes_of(own->name, name.size);
        kee_list_init(&own->link);
        kee_list_init(&own->dropping);
        if (kee_captp_named_put(&session->own, &own->named) < 0) {
            free(own);
            return KEE_FAULT_MEMORY;
        }
    }
    own->mentions++;
    return 0;
}

void kee_captp_own_free(struct kee_captp *session, struct kee_captp_own *own)
{
    kee_captp_named_remove(&session->own, &own->named);
    if (!kee_list_is_empty(&own->link)) {
        session->settled_count--;
    }
    kee_list_remove(&own->link);
    kee_list_remove(&own->dropping);
    kee_captp_word_fini(&own->word);
    free(own);
}

/* ---- questions of ours ---- */

int kee_captp_question_new(struct kee_captp *session, struct kee_kref result,
                           struct kee_captp_question **out)
{
    struct kee_captp_question *question = calloc(1, sizeof *question);

    if (question == NULL) {
        return kee_fault(KEE_FAULT_MEMORY, "a question");
    }
    kee_list_init(&question->link);
    question->number = session->next_question;
    if (kee_map_put(&session->questions, question->number, question) < 0) {
        free(question);
        return KEE_FAULT_MEMORY;
    }
    if (!kee_kref_is_none(result) && kee_map_put(&session->results, result.bits, question) < 0) {
        (void)kee_map_remove(&session->questions, question->number);
        free(question);
        return KEE_FAULT_MEMORY;
    }
    question->result = result;
    session->next_question++;
    kee_list_append(&session->asked, &question->link);
    *out = question;
    return 0;
}

void kee_captp_question_answered(struct kee_captp *session, struct kee_captp_question *question)
{
    question->answered = true;
    session->answered_count++;
    kee_list_remove(&question->link);
    kee_list_append(&session->answered, &question->link);
}

void kee_captp_question_free(struct kee_captp *session, struct kee_captp_question *question)
{
    (void)kee_map_remove(&session->questions, question->number);
    if (!kee_kref_is_none(question->result) &&
        kee_map_get(&session->results, question->result.bits) == question) {
        (void)kee_map_remove(&session->results, question->result.bits);
    }
    session->answered_count -= question->answered;
    kee_list_remove(&question->link);
    free(question);
}

/* ---- orders ---- */

int kee_captp_order(struct kee_captp *session, enum kee_captp_order_kind kind, struct kee_kref kref,
                    const struct kee_body *word)
{
    struct kee_captp_order *order = calloc(1, sizeof *order);

    if (order == NULL) {
        return kee_fault(KEE_FAULT_MEMORY, "an order for the kernel");
    }
    kee_list_init(&order->link);
    order->kind = kind;
    order->kref = kref;
    if (word != NULL && kee_captp_word_set(&order->word, word) < 0) {
        kee_captp_order_free(order);
        return KEE_FAULT_MEMORY;
    }
    kee_list_append(&session->orders, &order->link);
    return 0;
}

void kee_captp_order_free(struct kee_captp_order *order)
{
    kee_list_remove(&order->link);
    kee_captp_word_fini(&order->word);
    free(order);
}

/* ---- all ---- */

void kee_captp_tables_init(struct kee_captp *session)
{
    kee_list_init(&session->unanswered);
    kee_list_init(&session->returned);
    kee_list_init(&session->asked);
    kee_list_init(&session->answered);
    kee_list_init(&session->settled);
    kee_list_init(&session->dropping);
    kee_list_init(&session->armed);
    kee_list_init(&session->idle);
    kee_list_init(&session->ready);
    kee_list_init(&session->orders);
    session->next_question = 1;
    session->next_number = KEE_CAPTP_FIRST_NUMBER;
    session->next_error = 1;
}

static void free_answers(struct kee_captp *session, struct kee_link *list)
{
    while (!kee_list_is_empty(list)) {
        kee_captp_answer_free(session, KEE_CONTAINER(list->next, struct kee_captp_answer, link));
    }
}

static void free_questions(struct kee_captp *session, struct kee_link *list)
{
    while (!kee_list_is_empty(list)) {
        kee_captp_question_free(session,
                                KEE_CONTAINER(list->next, struct kee_captp_question, link));
    }
}

void kee_captp_tables_fini(struct kee_captp *session)
{
    struct kee_captp_thing *thing;
    struct kee_captp_named *named;
    size_t at = 0;

    while ((thing = kee_map_next(&session->things, &at)) != NULL) {
        while (!kee_list_is_empty(&thing->waiting)) {
            kee_captp_call_free(KEE_CONTAINER(thing->waiting.next, struct kee_captp_call, link));
        }
    }
    free_answers(session, &session->unanswered);
    free_answers(session, &session->returned);
    free_questions(session, &session->asked);
    free_questions(session, &session->answered);
    for (at = 0; (named = kee_map_next(&session->own, &at)) != NULL;) {
        while (named != NULL) {
            struct kee_captp_named *next = named->next;
            kee_captp_word_fini(&((struct kee_captp_own *)(void *)named)->word);
            free(named);
            named = next;
        }
    }
    for (at = 0; (thing = kee_map_next(&session->things, &at)) != NULL;) {
        free(thing);
    }
    while (!kee_list_is_empty(&session->orders)) {
        kee_captp_order_free(KEE_CONTAINER(session->orders.next, struct kee_captp_order, link));
    }
    kee_map_fini(&session->answers);
    kee_map_fini(&session->own);
    kee_map_fini(&session->things);
    kee_map_fini(&session->numbers);
    kee_map_fini(&session->questions);
    kee_map_fini(&session->results);
}
