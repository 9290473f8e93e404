/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tables - what a session remembers of names, and no more than it has to.
 *
 *   answers     q-N of the other side   ──►  a promise of the kernel, or what was settled here
 *   things      kp7; if granted ko4 too ──►  number, mentions, settled, who waits for it
 *   own         p+N of the other side   ──►  mentions, settled
 *   questions   our own q-N             ──►  the promise the answer settles
 *   orders      for the kernel, which news could not give it
 *
 * What is over and may still be named by a message under way is kept for a while, the oldest going first:
 * answers that were returned, questions that were answered, own promises that are settled, things whose
 * last mention was dropped.
 */
#ifndef KEE_CAPTP_TABLES_H
#define KEE_CAPTP_TABLES_H

#include "base/arena.h"
#include "base/ids.h"
#include "base/list.h"
#include "base/map.h"
#include "captp/captp.h"
#include "value/value.h"

/* Names of granted sessions begin here: the other side counts from 1, and the two never meet (it would
 * take our names for its own in its counts). */
#define KEE_CAPTP_FIRST_NUMBER 1000000u

/* A kernel's body, copied: text, and names in the peer's world as strings of a frame. */
struct kee_captp_word {
    struct kee_buf text;
    struct kee_buf slots;
    uint32_t slot_count;
};

/*
 * An object of the session's own to which it sends a message now and then: when that comes back, all has
 * been heard that was told before. The other side's names never look so (words.c).
 */
#define KEE_CAPTP_MARK "o+~m"

/* A name that other tables know as text. */
struct kee_captp_named {
    struct kee_captp_named *next; /* of the same hash */
    struct kee_bytes name; /* its bytes follow the struct it is in, or are the struct's own */
};

enum kee_captp_answer_state {
    KEE_CAPTP_ANSWER_WAITS, /* its call waits here for something to settle */
    KEE_CAPTP_ANSWER_SENT,  /* thing is the promise of its result */
    KEE_CAPTP_ANSWER_HERE,  /* settled here: word */
};

struct kee_captp_answer {
    struct kee_captp_named named; /* in answers, unless the name was given to a later question */
    struct kee_link link;         /* in unanswered or returned */
    struct kee_link of_thing;     /* in thing->answers */
    struct kee_link ready;        /* in session->ready: what waits for it can go on */
    struct kee_link waiting;      /* calls that wait for it to be more than WAITS */
    struct kee_captp_thing *thing;
    struct kee_captp_word word;
    enum kee_captp_answer_state state;
    bool rejected; /* HERE */
    bool returned;
    bool in_table;
    bool unwanted; /* dropped before it was returned */
    bool rowless;  /* the kernel keeps no row for it that must be let go of */
    uint8_t name[];
};

/* A call that waits for a promise to settle, because it, or one before it, gets a property. */
struct kee_captp_call {
    struct kee_link link;
    struct kee_captp_answer *answer;
    struct kee_captp_word word;
    struct kee_buf property; /* of a get */
    bool gets;
};

struct kee_captp_thing {
    struct kee_kref kref;
    uint64_t number;   /* granted: its name, once it has one */
    uint64_t mentions; /* that the other side has, by its own count */
    bool settled;      /* a promise: heard */
    bool ever;         /* it was mentioned */
    bool again;        /* it was settled before it was mentioned: an order tells it */
    bool pinned;       /* a mention of our own, for what waits */
    bool busy;         /* in use further up: stays */
    struct kee_link answers;
    struct kee_link waiting; /* struct kee_captp_call */
    struct kee_link idle;    /* in session->idle */
};

/*
 * A promise of the other side. Settled with little that names nothing of the other side's own, it keeps
 * no row in the kernel: word has what it came to, and a further mention makes the row anew from that (the
 * reference names a promise again under its old name, and does not resolve it again).
 */
struct kee_captp_own {
    struct kee_captp_named named;
    struct kee_link link;     /* in session->settled */
    struct kee_link dropping; /* in session->dropping or armed: its row is to go */
    struct kee_captp_word word;
    uint64_t mentions;
    bool settled;
    bool small; /* word is there */
    bool rejected;
    bool row; /* settled, and the kernel has a row for it */
    bool old; /* goes when the other side may forget it */
    uint8_t name[];
};

struct kee_captp_question {
    struct kee_link link; /* in asked or answered */
    uint64_t number;
    struct kee_kref result; /* none: nobody waits */
    bool answered;
};

enum kee_captp_order_kind {
    KEE_CAPTP_REJECT, /* the promise kref with word */
    KEE_CAPTP_LET_GO, /* a mention of kref */
    KEE_CAPTP_HOLD,   /* one more mention of kref */
    KEE_CAPTP_RUN,    /* what waits for the promise kref */
    KEE_CAPTP_TELL,   /* how the promise kref has settled */
    KEE_CAPTP_DISARM, /* what the mark was sent for */
};

struct kee_captp_order {
    struct kee_link link;
    enum kee_captp_order_kind kind;
    struct kee_kref kref;
    struct kee_captp_word word;
};

struct kee_captp {
    struct kee_kernel *kernel;
    const struct kee_captp_events *events;
    void *context;
    struct kee_peer_id peer;
    struct kee_kref bootstrap;
    uint64_t questions_max;
    bool owner;
    bool over;
    bool marked; /* a mark is under way */

    struct kee_map answers;   /* hash of a name to struct kee_captp_named */
    struct kee_map own;       /* likewise */
    struct kee_map things;    /* kref bits */
    struct kee_map numbers;   /* number to thing, granted */
    struct kee_map questions; /* number */
    struct kee_map results;   /* kref bits of a result to its question */

    struct kee_link unanswered, returned; /* struct kee_captp_answer */
    struct kee_link asked, answered;      /* struct kee_captp_question */
    struct kee_link settled;              /* struct kee_captp_own */
    struct kee_link dropping, armed;      /* likewise: before a mark is sent, and behind one */
    struct kee_link idle;                 /* struct kee_captp_thing */
    struct kee_link ready;                /* struct kee_captp_answer */
    struct kee_link orders;
    uint64_t unanswered_count, returned_count, answered_count, settled_count, idle_count;
    uint64_t next_question, next_number, next_error;
};

/* ---- names ---- */

struct kee_captp_named *kee_captp_named_get(const struct kee_map *map, struct kee_bytes name);
int kee_captp_named_put(struct kee_map *map, struct kee_captp_named *named);
void kee_captp_named_remove(struct kee_map *map, struct kee_captp_named *named);

/* ---- words ---- */

void kee_captp_word_fini(struct kee_captp_word *word);
/* Copies. */
int kee_captp_word_set(struct kee_captp_word *word, const struct kee_body *body);
struct kee_vp_capdata kee_captp_word_data(const struct kee_captp_word *word);

/* ---- answers ---- */

int kee_captp_answer_new(struct kee_captp *session, struct kee_bytes name,
                         struct kee_captp_answer **out);
struct kee_captp_answer *kee_captp_answer_find(const struct kee_captp *session,
                                               struct kee_bytes name);
int kee_captp_answer_sent(struct kee_captp *session, struct kee_captp_answer *answer,
                          struct kee_kref promise);
void kee_captp_answer_returned(struct kee_captp *session, struct kee_captp_answer *answer);
void kee_captp_answer_used(struct kee_captp *session, struct kee_captp_answer *answer);
/* Out of all tables and freed. Lets go of nothing in the kernel. */
void kee_captp_answer_free(struct kee_captp *session, struct kee_captp_answer *answer);

/* ---- things ---- */

struct kee_captp_thing *kee_captp_thing_get(const struct kee_captp *session, struct kee_kref kref);
/* Makes it if it is not there. */
int kee_captp_thing_need(struct kee_captp *session, struct kee_kref kref,
                         struct kee_captp_thing **out);
/* Nothing may hold it any more: then it is kept among the idle, or goes. */
void kee_captp_thing_rest(struct kee_captp *session, struct kee_captp_thing *thing);
void kee_captp_thing_wake(struct kee_captp *session, struct kee_captp_thing *thing);

/* ---- the rest ---- */

int kee_captp_own_mention(struct kee_captp *session, struct kee_bytes name);
struct kee_captp_own *kee_captp_own_get(const struct kee_captp *session, struct kee_bytes name);
void kee_captp_own_free(struct kee_captp *session, struct kee_captp_own *own);

int kee_captp_question_new(struct kee_captp *session, struct kee_kref result,
                           struct kee_captp_question **out);
void kee_captp_question_answered(struct kee_captp *session, struct kee_captp_question *question);
void kee_captp_question_free(struct kee_captp *session, struct kee_captp_question *question);

/* word may be NULL; copied. */
int kee_captp_order(struct kee_captp *session, enum kee_captp_order_kind kind, struct kee_kref kref,
                    const struct kee_body *word);
void kee_captp_order_free(struct kee_captp_order *order);

void kee_captp_call_free(struct kee_captp_call *call);

void kee_captp_tables_init(struct kee_captp *session);
void kee_captp_tables_fini(struct kee_captp *session);

#endif
