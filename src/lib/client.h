/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client - what the files behind keeve/client.h share: one connection's tables, and what is done to
 * them.
 *
 *   texts ──► kee_client_receive ──┐                       ┌──► emit: texts
 *                                  ├──► rows, promises ────┤
 *   host  ──► keeve_client_... ────┘                       └──► told: callbacks, at the end of a turn
 *
 * Pure, but for client.c, which has the socket: without a line a client is fed and heard by whoever
 * made it.
 *
 * A row stands for one reference. Its name is that on the wire as this side writes it: in what comes,
 * signs are turned. A body in a kee_client_data has such names, too, so that it can be sent on at any
 * time; it is decoded when somebody looks, with names as the host writes them, which differ where they
 * are krefs.
 *
 *   row             is kept by
 *   o-... p-...     the host (held), uses; when it goes, a drop of all its mentions is emitted
 *   o+... p+...     the host (held), uses, mentions that the other side has not dropped; a question of
 *                   ours until it is answered
 *
 * uses: by waiters, queued messages, followers, questions of the other side, and values that name it.
 * What may have lost its last keeper is put into the list idle, which kee_client_sweep() works off:
 * nothing is freed in the midst of something else, and nothing recurses along a chain that the other
 * side made.
 *
 * Faults: what cannot be undone ends the connection: kee_client_break() marks it so, and everything
 * that waits is told when the tables are at rest.
 */
#ifndef KEE_LIB_CLIENT_H
#define KEE_LIB_CLIENT_H

#include "base/list.h"
#include "base/map.h"
#include "captp/ops.h"
#include "keeve/client.h"

struct kee_client_line; /* client.c: the socket */

enum kee_ref_kind {
    KEE_REF_THEIR_OBJECT,
    KEE_REF_THEIR_PROMISE,
    KEE_REF_OWN_OBJECT,
    KEE_REF_OWN_PROMISE,
};

/* What a promise was settled with, or a message consists of; counted. */
struct kee_client_data {
    unsigned refs;
    enum keeve_answer_status status;
    const char *why; /* DECLINED */
    struct kee_arena arena;
    struct kee_body body;
    struct kee_value *node;       /* NULL until decoded */
    struct kee_client_ref **rows; /* those it names, each used */
    size_t row_count;
};

/* Something to be told. */
struct kee_client_event {
    struct kee_link link;    /* of a promise's waiters, then of told */
    struct kee_link waiting; /* of an answer not yet there: client->waiting */
    enum { KEE_EVENT_ANSWER, KEE_EVENT_DELIVERY, KEE_EVENT_GONE } kind;
    keeve_answer_fn *fn; /* ANSWER */
    void (*gone)(void *context);
    void *context;
    struct kee_client_ref *row;    /* used: the promise, or the object called */
    struct kee_client_ref *result; /* of a DELIVERY; used */
    struct kee_client_data *data;  /* NULL of an ANSWER: lost */
};

/* A message that waits for its target. */
struct kee_client_message {
    struct kee_link link;
    struct kee_client_data *data; /* [method, args] or [property] */
    struct kee_client_ref *result;
};

/* A question of the other side: its name, until it is dropped. */
struct kee_client_asked {
    struct kee_client_asked *next; /* of the same hash */
    struct kee_link link;          /* of client->asked_order */
    uint64_t hash;
    bool listed, returned;
    struct kee_client_ref *row; /* used */
    struct kee_bytes id;        /* behind the struct */
};

struct kee_client_promise {
    bool asked;        /* our question is not answered yet */
    bool was_asked;    /* there was one, to be dropped */
    bool bootstrap;    /* which it was of: the other side cannot be sent to its answer yet */
    bool host_settles; /* fulfil() and reject() are for it */
    bool of_delivery;  /* which lets go of it */
    bool exported;     /* named to the other side, which is to be told... */
    bool resolved;     /* ...and was */
    bool due;          /* in client->due */
    struct kee_client_data *data; /* settled if not NULL */
    struct kee_client_ref *follows;
    struct kee_client_asked *answers;
    struct kee_link follower; /* of followers of the one it follows */
    struct kee_link followers, waiters, queue;
    struct kee_link due_link;
};

struct kee_client_ref {
    struct kee_client_ref *next; /* of the same hash */
    uint64_t key;                /* hash of a name of theirs; our number */
    enum kee_ref_kind kind;
    bool held;
    bool is_idle;
    uint32_t uses;
    uint64_t mentions;
    struct kee_link idle;
    struct kee_bytes name; /* behind the struct, with a NUL */
    union {
        struct kee_client_promise promise;
        struct {
            keeve_deliver_fn *deliver;
            void *context;
            struct kee_client_event *gone;
            struct kee_link link; /* of client->objects */
        } object;
    } as;
};

struct keeve_client {
    struct kee_client_line *line;
    int (*emit)(void *context, struct kee_bytes text); /* <0: memory */
    void *emit_context;
    struct kee_map theirs; /* hash to struct kee_client_ref */
    struct kee_map own;    /* number to struct kee_client_ref */
    struct kee_map asked;  /* hash to struct kee_client_asked */
    struct kee_link asked_order;
    size_t asked_count;
    uint64_t last; /* of our numbers */
    struct kee_client_ref *offered;
    struct kee_link objects, waiting, told, due, idle;
    struct kee_buf text; /* of one message */
    struct kee_buf why;
    char lost_why[600];
    bool lost, lost_told;
    bool stirred; /* the loop is to be passed through before anything can wake it */
    bool in_callback;
};

/* Our numbers begin above those of peers of which some take a call of their object 1 for a mention of
 * ours. */
#define KEE_CLIENT_FIRST_NUMBER 1000001u

/* client_core.c */
int kee_client_new(struct keeve_client **out, int (*emit)(void *context, struct kee_bytes text),
                   void *context);
void kee_client_free(struct keeve_client *client);
/* A text of the other side. Faults and bad texts end the connection. */
void kee_client_receive(struct keeve_client *client, struct kee_bytes text);
/* Calls back for what is to be told. */
void kee_client_tell(struct keeve_client *client);
/* The connection is over. Nothing is freed. */
void kee_client_break(struct keeve_client *client, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* The same, having said so to the other side. */
void kee_client_hang_up(struct keeve_client *client, const char *why);
enum keeve_result kee_client_decline(struct keeve_client *client, enum keeve_result result,
                                     const char *format, ...) __attribute__((format(printf, 3, 4)));
enum keeve_result kee_client_no_memory(struct keeve_client *client);
/* OK, unless the connection is lost. */
enum keeve_result kee_client_may(struct keeve_client *client);

static inline uint64_t kee_client_hash(struct kee_bytes text)
{
    uint64_t hash = 14695981039346656037u;

    for (size_t i = 0; i < text.size; i++) {
        hash = (hash ^ text.data[i]) * 1099511628211u;
    }
    return hash | 1;
}

/* client_refs.c */
/* The row of a name as the host writes it; NULL if there is none. */
struct kee_client_ref *kee_client_find(const struct keeve_client *client, struct kee_bytes name);
/* A new row of ours, with uses 0 and not held; NULL: memory. */
struct kee_client_ref *kee_client_add_own(struct keeve_client *client, enum kee_ref_kind kind);
/* The row of a name of theirs, made if it is new. NULL: memory. */
struct kee_client_ref *kee_client_add_theirs(struct keeve_client *client, struct kee_bytes name);
/* Takes back what was just added and nobody knows. */
void kee_client_remove(struct keeve_client *client, struct kee_client_ref *row);
static inline void kee_client_use(struct kee_client_ref *row)
{
    row->uses++;
}
void kee_client_unuse(struct keeve_client *client, struct kee_client_ref *row);
/* What lost its last keeper goes. */
void kee_client_idle(struct keeve_client *client, struct kee_client_ref *row);
void kee_client_sweep(struct keeve_client *client);
static inline bool kee_client_is_promise(const struct kee_client_ref *row)
{
    return row->kind == KEE_REF_THEIR_PROMISE || row->kind == KEE_REF_OWN_PROMISE;
}
/* "ko3" and the like, which the host writes for what is "o-ko3" on the wire. */
bool kee_client_is_kref(struct kee_bytes name);
/* Either that or a slot. */
bool kee_client_is_name(struct kee_bytes name);
struct kee_bytes kee_client_wire_name(struct kee_bytes name, char room[KEEVE_NAME_SIZE]);
/* A part of slot. */
struct kee_bytes kee_client_host_name(struct kee_bytes slot);
/* Counts the mentions that a body makes of ours which has just been emitted. */
void kee_client_mention(struct keeve_client *client, const struct kee_body *body);

/* client_data.c */
/* A value as a body whose names are there, and held if it is the host that wrote them. BAD, NO_SUCH,
 * MEMORY. */
enum keeve_result kee_client_encode(struct keeve_client *client, const struct kee_value *value,
                                    bool by_host, struct kee_arena *arena, struct kee_body *out);
/* The same, with its references used. *out has refs 1. */
enum keeve_result kee_client_data_of(struct keeve_client *client, const struct kee_value *value,
                                     bool by_host, enum keeve_answer_status status,
                                     struct kee_client_data **out);
/* Of a message of the other side, in whose data->arena body already lies. Outcome BAD, with a sentence
 * in client->why: it names what is not there; then data is DECLINED. */
int kee_client_data_read(struct keeve_client *client, struct kee_body body,
                         struct kee_client_data *data);
struct kee_client_data *kee_client_data_new(enum keeve_answer_status status); /* NULL: memory */
/* A rejection with an error; NULL: memory. */
struct kee_client_data *kee_client_data_error(struct keeve_client *client, const char *name,
                                              const char *message);
void kee_client_data_release(struct keeve_client *client, struct kee_client_data *data);
/* Decoded; NULL: DECLINED. */
const struct kee_value *kee_client_data_node(struct kee_client_data *data);
/* The row that the whole value is a reference to, or NULL. */
struct kee_client_ref *kee_client_data_row(const struct keeve_client *client,
                                           struct kee_client_data *data);
/* What a host was shown it holds. */
void kee_client_data_hold(struct kee_client_data *data);

/* client_promise.c */
/* data is borrowed. A promise in it is followed. */
void kee_client_settle(struct keeve_client *client, struct kee_client_ref *promise,
                       struct kee_client_data *data);
/* Rejects with an error made here. */
void kee_client_spoil(struct keeve_client *client, struct kee_client_ref *promise, const char *name,
                      const char *message);
/* Works off what settling has brought about. */
void kee_client_drain(struct keeve_client *client);
/* What the other side is now told of this promise when it is settled. */
void kee_client_due(struct keeve_client *client, struct kee_client_ref *promise);
/* The end of a chain of promises that follow each other, and of what they were settled with. */
struct kee_client_ref *kee_client_end_of(const struct keeve_client *client,
                                         struct kee_client_ref *row);
/* The name on the wire to send to for row, an end; data NULL: it cannot be sent there now. */
struct kee_bytes kee_client_wire_target(const struct kee_client_ref *row,
                                        char room[KEEVE_NAME_SIZE]);
/* Sends, queues, delivers or answers. <0: memory, nothing was done. */
int kee_client_route(struct keeve_client *client, struct kee_client_ref *target,
                     struct kee_client_data *data, struct kee_client_ref *result);
/* Emits the question of result. */
int kee_client_ask(struct keeve_client *client, struct kee_bytes target,
                   const struct kee_body *body, struct kee_client_ref *result);
int kee_client_emit(struct keeve_client *client, const struct kee_captp_op *op);
bool kee_client_would_circle(struct kee_client_ref *promise, struct kee_client_ref *followed);
/* fn is to be told of the promise. <0: memory. */
int kee_client_wait_for(struct keeve_client *client, struct kee_client_ref *promise,
                        keeve_answer_fn *fn, void *context);

/* client_asked.c */
/* Their question gets a promise, used. NULL: memory. */
struct kee_client_asked *kee_client_asked_add(struct keeve_client *client, struct kee_bytes id);
struct kee_client_asked *kee_client_asked_find(const struct keeve_client *client,
                                               struct kee_bytes id);
/* Its name means nothing any more; the row stays until it was returned. */
void kee_client_asked_drop(struct keeve_client *client, struct kee_client_asked *asked);
/* It was returned. */
void kee_client_asked_done(struct keeve_client *client, struct kee_client_asked *asked);

#endif
