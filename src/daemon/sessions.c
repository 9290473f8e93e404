/* SPDX-License-Identifier: Apache-2.0 */
/* sessions - see sessions.h. */
#include "daemon/sessions.h"

#include <stdlib.h>

#include "base/fault.h"
#include "base/limits.h"
#include "captp/captp.h"
#include "daemon/daemon_internal.h"
#include "daemon/doors.h"
#include "daemon/facade.h"

struct session {
    struct kee_link link; /* in all, or over */
    struct kee_link waking;
    struct kee_link saying;
    bool held; /* not read from for now */
    struct kee_sessions *sessions;
    const struct kee_guest *guest; /* NULL once it is no longer one */
    const char *door;
    struct kee_channel *channel; /* NULL once it is closed */
    struct kee_captp *captp;
    struct kee_peer_id peer;
    uint64_t since_ms;
    bool over;
};

static struct kee_daemon *daemon_of(const struct session *session)
{
    return session->sessions->daemon;
}

/* Nothing more comes of it, and nothing more is taken from it; the rest is the round's. */
static void finish(struct session *session)
{
    if (session->over) {
        return;
    }
    session->over = true;
    (void)kee_map_remove(&session->sessions->by_peer, session->peer.n);
    kee_list_remove(&session->waking);
    kee_list_remove(&session->link);
    kee_list_append(&session->sessions->over, &session->link);
}

static void note_end(const struct session *session, const char *why)
{
    kee_privileges_log(&daemon_of(session)->own, "session-end", "peer=r%llu door=%s why=\"%s\"",
                       (unsigned long long)session->peer.n, session->door, why);
}

/* Does the other side say more than it reads? Its calls that are not answered are no reason not to
 * listen: they may wait for what it is still to say. */
static bool is_ahead(const struct session *session)
{
    return kee_channel_backlog(session->channel) > KEE_LIMIT_SESSION_BACKLOG_BYTES;
}

/* What was gathered leaves. */
static void say(struct session *session)
{
    kee_list_remove(&session->saying);
    if (session->channel != NULL) {
        kee_channel_flush(session->channel);
    }
}

/* Only what the socket does not take is unread. */
static void hold_if_ahead(struct session *session)
{
    if (!session->over && !session->held && is_ahead(session)) {
        say(session);
    }
    if (!session->over && !session->held && is_ahead(session)) {
        session->held = true;
        kee_channel_pause(session->channel, true);
    }
}

/* ---- what the session machine says ---- */

static void on_emit(void *context, struct kee_bytes text)
{
    struct session *session = context;

    if (session->channel == NULL) {
        return;
    }
    /* One packet for the texts of a round: at both sides a packet costs more than a text. */
    if (kee_list_is_empty(&session->saying)) {
        kee_channel_gather(session->channel);
        kee_list_append(&session->sessions->saying, &session->saying);
    }
    kee_channel_send(session->channel, text);
    if (is_ahead(session)) {
        say(session);
    }
    if (kee_channel_backlog(session->channel) > KEE_LIMIT_SESSION_UNREAD_BYTES) {
        note_end(session, "it does not read what it is told");
        kee_channel_free(session->channel);
        session->channel = NULL;
        finish(session);
    }
}

static void on_closed(void *context, const char *why)
{
    struct session *session = context;

    if (!session->over) {
        note_end(session, why);
        finish(session);
    }
}

/* The facade is made when somebody asks for it, and many an owner only calls what it knows. */
static struct kee_kref on_bootstrap(void *context)
{
    return kee_facade_kref(daemon_of(context));
}

static const struct kee_captp_events captp_events = {on_emit, on_closed, on_bootstrap};

/* ---- what comes from the host ---- */

static void on_text(void *context, struct kee_bytes text)
{
    struct session *session = context;
    struct kee_daemon *daemon = daemon_of(session);
    int r;

    if (session->over || daemon->core.fault < 0 || daemon->leaving || daemon->stopping) {
        return;
    }
    kee_core_set_now(&daemon->core);
    r = kee_captp_receive(session->captp, text);
    if (r < 0) {
        (void)kee_core_check(&daemon->core, r);
    } else if (r > 0) {
        finish(session);
    } else {
        hold_if_ahead(session);
    }
}

static void on_ended(void *context, const char *why)
{
    struct session *session = context;

    if (!session->over) {
        note_end(session, why);
        kee_captp_end(session->captp, why);
        finish(session);
    }
}

static void on_drained(void *context)
{
    struct session *session = context;

    if (!session->over && session->held) {
        session->held = false;
        kee_channel_pause(session->channel, false);
    }
}

static const struct kee_channel_handler channel_handler = {on_text, on_ended, on_drained};

/* ---- coming and going ---- */

static void destroy(struct session *session)
{
    kee_list_remove(&session->link);
    kee_list_remove(&session->saying); /* closing the channel flushes */
    session->sessions->count--;
    kee_captp_free(session->captp);
    if (session->channel != NULL) {
        kee_channel_close(session->channel);
    }
    free(session);
}

static int open_session(struct session *session)
{
    struct kee_daemon *daemon = daemon_of(session);
    struct kee_captp_options options = {
        .label = kee_buf_bytes(&session->guest->label),
        .owner = session->guest->owner,
        .bootstrap = session->guest->owner ? KEE_KREF_NONE : session->guest->bootstrap};
    int r;

    if (daemon->core.fault < 0) {
        return daemon->core.fault;
    }
    r = kee_captp_new(&session->captp, daemon->core.kernel, &options, &captp_events, session);

    if (r != 0) {
        return r;
    }
    session->peer = kee_captp_peer(session->captp);
    return kee_map_put(&session->sessions->by_peer, session->peer.n, session);
}

void kee_sessions_enter(struct kee_sessions *sessions, const struct kee_guest *guest,
                        const char *door, struct kee_channel *channel)
{
    struct kee_daemon *daemon = sessions->daemon;
    struct session *session = NULL;
    int r = 0;

    if (sessions->count >= KEE_LIMIT_SESSIONS || daemon->core.fault < 0 || daemon->leaving ||
        daemon->stopping || (session = calloc(1, sizeof *session)) == NULL) {
        kee_privileges_log(&daemon->own, "session-refused", "door=%s sessions=%zu", door,
                           sessions->count);
        kee_channel_close(channel);
        return;
    }
    session->sessions = sessions;
    session->guest = guest;
    session->door = door;
    session->channel = channel;
    session->since_ms = kee_loop_now_ms(daemon->own.loop);
    kee_list_init(&session->waking);
    kee_list_init(&session->saying);
    kee_list_append(&sessions->all, &session->link);
    sessions->count++;
    kee_core_set_now(&daemon->core);
    r = open_session(session);
    if (r != 0) {
        /* One that cannot be opened is refused; the kernel's fault is everybody's. */
        kee_privileges_log(&daemon->own, "session-refused", "door=%s why=\"%s\"", door,
                           r < 0 ? kee_fault_text() : kee_kernel_why(daemon->core.kernel));
        (void)kee_core_check(&daemon->core, r);
        destroy(session);
        return;
    }
    kee_channel_attend(channel, &channel_handler, session);
    kee_privileges_log(&daemon->own, "session", "peer=r%llu label=\"%.*s\" door=%s",
                       (unsigned long long)session->peer.n, (int)guest->label.size,
                       (const char *)guest->label.data, door);
}

void kee_sessions_cut(struct kee_sessions *sessions, const struct kee_guest *guest, const char *why)
{
    struct kee_link *next;

    for (struct kee_link *at = sessions->all.next; at != &sessions->all; at = next) {
        struct session *session = KEE_CONTAINER(at, struct session, link);
        next = at->next;
        if (session->guest == guest) {
            session->guest = NULL;
            on_ended(session, why);
        }
    }
}

void kee_sessions_end_all(struct kee_sessions *sessions, const char *fault)
{
    while (!kee_list_is_empty(&sessions->all)) {
        struct session *session = KEE_CONTAINER(sessions->all.next, struct session, link);
        bool owner = session->guest != NULL && session->guest->owner;
        on_ended(session, fault == NULL ? "the daemon is stopping"
                          : owner       ? fault
                                        : "the daemon broke down");
    }
}

/* ---- news ---- */

void kee_sessions_news(struct kee_sessions *sessions, struct kee_peer_id peer,
                       const struct kee_peer_news *news)
{
    struct session *session = kee_map_get(&sessions->by_peer, peer.n);

    if (session == NULL) {
        return; /* it is over, and the kernel does not know yet */
    }
    kee_captp_news(session->captp, news);
    if (!session->over && kee_list_is_empty(&session->waking) &&
        kee_captp_wants_round(session->captp)) {
        kee_list_append(&sessions->waking, &session->waking);
    }
    hold_if_ahead(session);
}

void kee_sessions_lost(struct kee_sessions *sessions, struct kee_peer_id peer, const char *why)
{
    struct session *session = kee_map_get(&sessions->by_peer, peer.n);

    if (session != NULL) {
        on_ended(session, why);
    }
}

/* ---- rounds ---- */

static void wake_all(struct kee_sessions *sessions)
{
    struct kee_daemon *daemon = sessions->daemon;
    struct kee_link now;

    /* Those that want yet another round come after these. */
    kee_list_init(&now);
    while (!kee_list_is_empty(&sessions->waking)) {
        struct kee_link *link = sessions->waking.next;
        kee_list_remove(link);
        kee_list_append(&now, link);
    }
    while (!kee_list_is_empty(&now)) {
        struct session *session = KEE_CONTAINER(now.next, struct session, waking);
        int r = 0;
        kee_list_remove(&session->waking);
        if (daemon->core.fault == 0) {
            r = kee_captp_round(session->captp);
            (void)kee_core_check(&daemon->core, r);
        }
        if (r > 0) {
            finish(session);
        } else if (!session->over && kee_captp_wants_round(session->captp)) {
            kee_list_append(&sessions->waking, &session->waking);
        }
    }
}

void kee_sessions_flush(struct kee_sessions *sessions)
{
    while (!kee_list_is_empty(&sessions->saying)) {
        say(KEE_CONTAINER(sessions->saying.next, struct session, saying));
    }
}

void kee_sessions_round(struct kee_sessions *sessions)
{
    wake_all(sessions);
    kee_sessions_flush(sessions);
    while (!kee_list_is_empty(&sessions->over) && sessions->daemon->core.fault == 0) {
        destroy(KEE_CONTAINER(sessions->over.next, struct session, link));
    }
}

bool kee_sessions_want_round(const struct kee_sessions *sessions)
{
    return !kee_list_is_empty(&sessions->waking) || !kee_list_is_empty(&sessions->over);
}

void kee_sessions_init(struct kee_sessions *sessions, struct kee_daemon *daemon)
{
    *sessions = (struct kee_sessions){.daemon = daemon, .by_peer = KEE_MAP_EMPTY};
    kee_list_init(&sessions->all);
    kee_list_init(&sessions->over);
    kee_list_init(&sessions->waking);
    kee_list_init(&sessions->saying);
}

void kee_sessions_fini(struct kee_sessions *sessions)
{
    kee_sessions_end_all(sessions, "the daemon is stopping");
    while (!kee_list_is_empty(&sessions->over)) {
        destroy(KEE_CONTAINER(sessions->over.next, struct session, link));
    }
    kee_map_fini(&sessions->by_peer);
}

/* ---- the listing ---- */

struct listing {
    struct kee_sessions *sessions;
    kee_record_fn *fn;
    void *context;
};

static void put_number(struct kee_record *record, const char *name, uint64_t number,
                       struct kee_buf *text)
{
    kee_buf_put_decimal(text, number);
    if (!text->failed && record->count < KEE_RECORD_FIELDS_MAX) {
        record->fields[record->count++] =
            (struct kee_field){.name = name, .value = kee_buf_bytes(text), .is_number = true};
    }
}

static struct kee_bytes value_of(const struct kee_record *record, const char *name)
{
    for (size_t i = 0; i < record->count; i++) {
        if (strcmp(record->fields[i].name, name) == 0) {
            return record->fields[i].value;
        }
    }
    return kee_bytes_of(NULL, 0);
}

/* The kernel knows its peers, and not what is behind them. */
static void on_peer(void *context, const struct kee_record *peer)
{
    struct listing *listing = context;
    struct kee_record row = {.kind = "session"};
    struct kee_peer_id id = {0};
    struct session *session = NULL;
    struct kee_buf age = KEE_BUF_EMPTY, calls = KEE_BUF_EMPTY, unread = KEE_BUF_EMPTY;
    uint64_t now_ms = kee_loop_now_ms(listing->sessions->daemon->own.loop);

    if (kee_id_parse(value_of(peer, "peer"), 'r', &id.n)) {
        session = kee_map_get(&listing->sessions->by_peer, id.n);
    }
    if (session == NULL) {
        return;
    }
    row.fields[row.count++] = (struct kee_field){.name = "peer", .value = value_of(peer, "peer")};
    row.fields[row.count++] = (struct kee_field){.name = "label", .value = value_of(peer, "label")};
    row.fields[row.count++] =
        (struct kee_field){.name = "door", .value = kee_bytes_str(session->door)};
    put_number(&row, "age_ms", now_ms - session->since_ms, &age);
    row.fields[row.count++] =
        (struct kee_field){.name = "rows", .value = value_of(peer, "rows"), .is_number = true};
    put_number(&row, "calls", kee_captp_questions(session->captp), &calls);
    put_number(&row, "unread", kee_channel_backlog(session->channel), &unread);
    listing->fn(listing->context, &row);
    kee_buf_fini(&age);
    kee_buf_fini(&calls);
    kee_buf_fini(&unread);
}

int kee_sessions_list(struct kee_sessions *sessions, kee_record_fn *fn, void *context)
{
    struct listing listing = {sessions, fn, context};

    return kee_kernel_list_peers(sessions->daemon->core.kernel, on_peer, &listing);
}
