/* SPDX-License-Identifier: Apache-2.0 */
/* audit - the tables against one another; see captp.h. */
#include "captp/tables.h"

static uint64_t length_of(const struct kee_link *head)
{
    uint64_t count = 0;

    for (const struct kee_link *at = head->next; at != head; at = at->next) {
        count++;
    }
    return count;
}

static void check_count(struct kee_buf *why, const char *what, uint64_t counted,
                        const struct kee_link *list)
{
    if (counted != length_of(list)) {
        kee_buf_printf(why, "%s: counted %llu, found %llu\n", what, (unsigned long long)counted,
                       (unsigned long long)length_of(list));
    }
}

static void check_answers(const struct kee_captp *session, const struct kee_link *list,
                          bool returned, struct kee_buf *why)
{
    for (const struct kee_link *at = list->next; at != list; at = at->next) {
        const struct kee_captp_answer *answer =
            KEE_CONTAINER(at, const struct kee_captp_answer, link);
        bool known = answer->thing == NULL ||
                     kee_captp_thing_get(session, answer->thing->kref) == answer->thing;
        if (answer->returned != returned || !known ||
            (answer->state == KEE_CAPTP_ANSWER_SENT) != (answer->thing != NULL)) {
            kee_buf_printf(why, "answer %.*s is in the wrong place\n", (int)answer->named.name.size,
                           (const char *)answer->named.name.data);
        }
        if (answer->in_table && kee_captp_answer_find(session, answer->named.name) != answer) {
            kee_buf_printf(why, "answer %.*s is not found by its name\n",
                           (int)answer->named.name.size, (const char *)answer->named.name.data);
        }
    }
}

static void check_things(const struct kee_captp *session, struct kee_buf *why)
{
    const struct kee_captp_thing *thing;
    size_t at = 0;

    while ((thing = kee_map_next(&session->things, &at)) != NULL) {
        bool idle = thing->mentions == 0 && kee_list_is_empty(&thing->answers) &&
                    kee_list_is_empty(&thing->waiting);
        if (idle == kee_list_is_empty(&thing->idle) || thing->busy ||
            (thing->number != 0 && kee_map_get(&session->numbers, thing->number) != thing)) {
            kee_buf_printf(why, "the row of %llu is in the wrong place\n",
                           (unsigned long long)kee_kref_number(thing->kref));
        }
    }
}

int kee_captp_audit(const struct kee_captp *session, struct kee_buf *why)
{
    size_t before = why->size;

    check_count(why, "unanswered", session->unanswered_count, &session->unanswered);
    check_count(why, "returned", session->returned_count, &session->returned);
    check_count(why, "answered", session->answered_count, &session->answered);
    check_count(why, "settled", session->settled_count, &session->settled);
    check_count(why, "idle", session->idle_count, &session->idle);
    check_answers(session, &session->unanswered, false, why);
    check_answers(session, &session->returned, true, why);
    check_things(session, why);
    if (session->questions.count != length_of(&session->asked) + session->answered_count) {
        kee_buf_put_str(why, "questions are in no list\n");
    }
    if (!kee_list_is_empty(&session->ready)) {
        kee_buf_put_str(why, "something was ready and did not go on\n");
    }
    return why->size == before ? 0 : 1;
}
