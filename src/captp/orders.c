/* SPDX-License-Identifier: Apache-2.0 */
/* orders - what news could not do in the kernel, done; see session.h. */
#include "base/assert.h"
#include "base/fault.h"
#include "base/limits.h"
#include "captp/session.h"

/* The promise was settled before it was mentioned, or again: its settlement is looked up and told. */
static int tell(struct kee_captp *session, struct kee_captp_thing *promise, struct kee_bytes name)
{
    struct kee_buf hold = KEE_BUF_EMPTY;
    struct kee_vp_capdata data = {0};
    struct kee_captp_word word = {0};
    struct kee_arena arena = KEE_ARENA_EMPTY;
    struct kee_body error;
    char state = 'u';
    int r = kee_peer_look(session->kernel, session->peer, name, &hold, &state, &data);

    if (r > 0) { /* it has gone with its row: a promise must not stay open for ever */
        state = 'r';
        r = kee_captp_error(session, "Error", KEE_BYTES_LIT("the promise is no longer known"),
                            &arena, &error);
        r = r != 0 ? r : kee_captp_word_set(&word, &error);
        data = kee_captp_word_data(&word);
    }
    promise->again = false;
    if (r == 0 && state != 'u') {
        r = kee_captp_emit_resolve(session, promise, state == 'r', &data);
    }
    kee_captp_word_fini(&word);
    kee_arena_fini(&arena);
    kee_buf_fini(&hold);
    return r;
}

/* ---- settled promises of the other side ---- */

int kee_captp_revive(struct kee_captp *session, struct kee_vp_strings names)
{
    struct kee_captp_own *own;
    struct kee_bytes name;
    int r = 0;

    while (r == 0 && kee_vp_strings_next(&names, &name)) {
        own = kee_bytes_has_prefix(name, KEE_BYTES_LIT("p+")) ? kee_captp_own_get(session, name)
                                                              : NULL;
        if (own == NULL || !own->settled || own->row) {
            continue;
        }
        r = kee_peer_settle(session->kernel, session->peer, name, own->rejected,
                            kee_captp_word_data(&own->word));
        if (r == 0) {
            own->row = true;
            kee_list_remove(&own->dropping);
            kee_list_append(&session->dropping, &own->dropping);
        }
    }
    return r;
}

/* All that was told with the promise's name has been heard: the other side may forget it. */
static int disarm(struct kee_captp *session)
{
    int r = 0;

    session->marked = false;
    while (r == 0 && !kee_list_is_empty(&session->armed)) {
        struct kee_captp_own *own =
            KEE_CONTAINER(session->armed.next, struct kee_captp_own, dropping);
        kee_list_remove(&own->dropping);
        if (own->mentions > 0) {
            r = kee_captp_emit_drop(session, own->named.name, own->mentions);
            own->mentions = 0;
        }
        if (own->old) {
            kee_captp_own_free(session, own);
        }
    }
    return r;
}

/* The rows of settled promises go, so that the kernel names them to us no more. What it has told with
 * their names may not have been heard yet; behind it comes a mark. */
static int arm(struct kee_captp *session)
{
    struct kee_vp_capdata nothing = {.body = KEE_BYTES_LIT("#[\"mark\",[]]")};
    int r = 0;

    if (session->marked || session->over) {
        return 0;
    }
    while (r == 0 && !kee_list_is_empty(&session->dropping)) {
        struct kee_captp_own *own =
            KEE_CONTAINER(session->dropping.next, struct kee_captp_own, dropping);
        r = kee_peer_drop(session->kernel, session->peer, own->named.name, 1);
        r = r > 0 ? 0 : r;
        own->row = false;
        kee_list_remove(&own->dropping);
        kee_list_append(&session->armed, &own->dropping);
    }
    if (r != 0 || kee_list_is_empty(&session->armed)) {
        return r;
    }
    r = kee_peer_send(session->kernel, session->peer, KEE_BYTES_LIT(KEE_CAPTP_MARK), nothing, NULL);
    session->marked = r == 0;
    return r > 0 ? 0 : r; /* no room for it: the next time */
}

static int carry_out(struct kee_captp *session, const struct kee_captp_order *order)
{
    struct kee_captp_thing *thing = kee_captp_thing_get(session, order->kref);
    struct kee_buf name = KEE_BUF_EMPTY;
    int r;

    if (!kee_kref_is_none(order->kref)) {
        kee_buf_put_kref(&name, order->kref);
    }
    r = kee_buf_status(&name);
    if (r != 0) {
        return r;
    }
    switch (order->kind) {
    case KEE_CAPTP_REJECT:
        r = kee_peer_settle(session->kernel, session->peer, kee_buf_bytes(&name), true,
                            kee_captp_word_data(&order->word));
        break;
    case KEE_CAPTP_LET_GO:
        r = kee_peer_drop(session->kernel, session->peer, kee_buf_bytes(&name), 1);
        break;
    case KEE_CAPTP_HOLD:
        r = kee_peer_hold(session->kernel, session->peer, order->kref);
        break;
    case KEE_CAPTP_RUN:
        r = thing != NULL ? kee_captp_run(session, thing) : 0;
        break;
    case KEE_CAPTP_DISARM:
        r = disarm(session);
        break;
    case KEE_CAPTP_TELL:
        if (thing != NULL && thing->again && thing->mentions > 0) {
            r = tell(session, thing, kee_buf_bytes(&name));
        } else if (thing != NULL) {
            thing->again = false;
        }
        break;
    }
    kee_buf_fini(&name);
    return r > 0 ? 0 : r; /* what is not there any more needs nothing */
}

static int forget_oldest(struct kee_captp *session)
{
    int r = 0;

    while (r == 0 && session->returned_count > KEE_LIMIT_CAPTP_RETURNED) {
        r = kee_captp_forget(session,
                             KEE_CONTAINER(session->returned.next, struct kee_captp_answer, link));
    }
    return r;
}

int kee_captp_carry_out(struct kee_captp *session)
{
    int r = forget_oldest(session);

    while (r == 0 && !session->over && !kee_list_is_empty(&session->orders)) {
        struct kee_captp_order *order =
            KEE_CONTAINER(session->orders.next, struct kee_captp_order, link);
        kee_list_remove(&order->link);
        r = carry_out(session, order);
        kee_captp_order_free(order);
        r = r != 0 ? r : kee_captp_run_ready(session);
    }
    return r != 0 ? r : arm(session);
}
