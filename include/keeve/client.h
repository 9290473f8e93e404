/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client - talks to a kernel that runs elsewhere: its objects as if they were yours, yours as if they
 * were its own.
 *
 *     options.url = "world/captp.sock"               or "tcp://HOST:PORT/SECRET"
 *     keeve_client_open(&client, &options, &error)
 *     keeve_client_bootstrap(client, NULL, NULL, root)
 *     keeve_client_send(client, root, "getStatus", NULL, on_answer, context, NULL)
 *
 *     for (;;) {                                     your own event loop, whatever it is
 *         struct pollfd watched = {keeve_client_fd(client), POLLIN, 0};
 *         poll(&watched, 1, keeve_client_timeout_ms(client));
 *         keeve_client_turn(client);                 calls back: answers, calls of your objects
 *     }
 *     keeve_client_close(client);
 *
 * What is spoken is Endo's CapTP; the other side may be any program that speaks it, such as one with
 * npm's @endo/captp. Nothing here starts threads or processes.
 *
 * References  are text, and mean something on this connection only. Values carry them as
 *             keeve_make_ref() takes them:
 *               "ko3"  "o-1000001"     an object of the other side
 *               "kp7"  "p-1000001"     a promise of the other side
 *               "o+1000001"            an object you made
 *               "p+1000002"            a promise of yours: one you made, the result of a call you
 *                                      sent, or that of a call you are to answer
 *             All of them are targets, too. A promise is as good a target as what it will become: what
 *             is sent to the result of a call that is not yet answered leaves at once (pipelining),
 *             and so does the result of a call as an argument.
 * Holding     what a callback is shown is held until keeve_client_drop(), once, however often it was
 *             named; your own names (with a +) are there until you drop them, or as said where you get
 *             one. What nobody holds any more the other side may forget.
 * Krefs       on an owner's connection to a kernel (captp.sock in its home) its objects and promises
 *             have their krefs for names. These may be written without having been shown. On other
 *             connections names lead nowhere else.
 * Ownership   as in keeve/keeve.h: what is passed in is borrowed until the call returns, callbacks and
 *             their contexts until their last call; what callbacks are shown is borrowed until they
 *             return.
 * Callbacks   come from inside keeve_client_turn(), keeve_client_wait() and keeve_client_close() alone.
 *             They may call any function of the same client but these.
 * Results     are those of keeve/keeve.h; keeve_client_why() then has a sentence for a person. MEMORY:
 *             nothing was done. LOST: the connection is over and does nothing any more; close it, open
 *             another.
 * Loss        when the connection is lost each callback that is still to come comes, with
 *             KEEVE_ANSWER_LOST and a sentence why. What was sent may have been done, or may still be.
 * Threads     all functions of one client are called on one thread at a time. Clients do not know of
 *             each other: a program may have several, and kernels of keeve/keeve.h beside them.
 */
#ifndef KEEVE_CLIENT_H
#define KEEVE_CLIENT_H

#include <keeve/keeve.h>

#ifdef __cplusplus
extern "C" {
#endif

struct keeve_client;

/* ---- opening and closing ---- */

/* All members but size and url may be zero, for the default. */
struct keeve_client_options {
    size_t size; /* sizeof(struct keeve_client_options) */
    const char
        *url; /* the path of a socket, "unix:PATH", "tcp://HOST:PORT" or "tcp://HOST:PORT/SECRET" */
    bool netstrings;       /* texts are cut as netstrings, LENGTH:TEXT, and not as lines */
    size_t text_bytes_max; /* of a text that comes: a longer one ends the connection; 0: 16 MiB */
    /* Once, when the connection is lost, after all other callbacks; not for keeve_client_close(). */
    void (*on_lost)(void *context, const char *why);
    void *context; /* of it */
};

/* Waits until the connection stands: at once on this machine, but the network takes its time. What the
 * other side makes of the secret is heard later, as an answer or a loss. error may be NULL. BAD;
 * REFUSED: nothing listens there, or this program may not connect; MEMORY. */
enum keeve_result keeve_client_open(struct keeve_client **out,
                                    const struct keeve_client_options *options,
                                    struct keeve_error *error);
/* Ends the connection. Every callback not yet called is called with KEEVE_ANSWER_LOST. What has not
 * left is not waited for: see keeve_client_backlog(). NULL is fine. */
void keeve_client_close(struct keeve_client *client);
/* About the last call that did not give KEEVE_OK; valid until the next call. */
const char *keeve_client_why(const struct keeve_client *client);

/* ---- joining an event loop, as in keeve/keeve.h ---- */

/* A descriptor to watch for reading; the same as long as the client is open. Never read from it. */
int keeve_client_fd(const struct keeve_client *client);
/* How long to wait for the descriptor at most, in milliseconds; -1 for ever. Ask anew before each
 * wait. */
int keeve_client_timeout_ms(struct keeve_client *client);
/* Sends what is to be sent, takes what has come, calls back; without waiting, and a bounded slice of
 * it. OK; LOST, when all callbacks have been called; STATE inside a callback. */
enum keeve_result keeve_client_turn(struct keeve_client *client);
/* Sends what is to be sent, waits for at most timeout_ms (-1: for ever) until something has come, and
 * calls back. */
enum keeve_result keeve_client_wait(struct keeve_client *client, int timeout_ms);
/* Bytes that were sent and have not left: the other side does not read. Grows without bound if you send
 * and do not look at it. */
size_t keeve_client_backlog(const struct keeve_client *client);

/* ---- calls ---- */

/* About the callbacks of calls: status of what they are shown is FULFILLED; REJECTED; DECLINED: what
 * came is no value that can be read; or LOST. Members that are about launches are NULL. fn may be NULL.
 *
 * result, if not NULL, gets the name of a promise for what the call will answer, to be dropped by you;
 * dropping it takes nothing back. */

/* What the other side offers: of a kernel's owner its facade, of a grant the granted object. MEMORY,
 * LOST. */
enum keeve_result keeve_client_bootstrap(struct keeve_client *client, keeve_answer_fn *fn,
                                         void *context, char result[KEEVE_NAME_SIZE]);
/* Sends target.method(...args). method NULL: target itself is called; "@@...": a symbol. args is an
 * ARRAY, or NULL for none. Calls of one target are delivered in the order they were sent. BAD, NO_SUCH
 * (a name that is not, or no longer, held), MEMORY, LOST: nothing was sent and fn is not called. */
enum keeve_result keeve_client_send(struct keeve_client *client, const char *target,
                                    const char *method, const struct keeve_value *args,
                                    keeve_answer_fn *fn, void *context,
                                    char result[KEEVE_NAME_SIZE]);
/* Asks for a property: of a record that target is a promise for, or of an object. */
enum keeve_result keeve_client_get(struct keeve_client *client, const char *target,
                                   const char *property, keeve_answer_fn *fn, void *context,
                                   char result[KEEVE_NAME_SIZE]);
/* fn is called when the promise is settled, at the next turn if it is already: not with a promise but
 * with what that becomes. Not of objects. BAD, NO_SUCH, MEMORY, LOST. */
enum keeve_result keeve_client_when(struct keeve_client *client, const char *promise,
                                    keeve_answer_fn *fn, void *context);
/* No callback that waits for this promise is called any more. What was sent stays sent. */
void keeve_client_cancel(struct keeve_client *client, const char *promise);

/* ---- objects and promises of yours ---- */

/* A call of an object of yours. */
struct keeve_delivery {
    const char *object; /* "o+1000001" */
    const char *method; /* NULL: the object itself is called; "@@...": a symbol */
    bool get;           /* the property called method is asked for; args is an empty ARRAY */
    const struct keeve_value *args;
    const char *result; /* "p+1000002", to be settled by you, now or later, which lets go of it */
};
typedef void keeve_deliver_fn(void *context, struct keeve_client *client,
                              const struct keeve_delivery *delivery);
/* Nothing can call the object any more, and its context is not used any more. */
typedef void keeve_gone_fn(void *context);

/* Makes an object. It is there until you have dropped it and the other side has let go of it. gone may
 * be NULL. MEMORY, LOST. */
enum keeve_result keeve_client_export(struct keeve_client *client, keeve_deliver_fn *deliver,
                                      keeve_gone_fn *gone, void *context,
                                      char object[KEEVE_NAME_SIZE]);
/* Makes an object the one that the other side gets by a bootstrap of its own; it is kept. */
enum keeve_result keeve_client_offer(struct keeve_client *client, const char *object);
/* A new promise, which you are to settle; dropped before, it is rejected. */
enum keeve_result keeve_client_new_promise(struct keeve_client *client,
                                           char promise[KEEVE_NAME_SIZE]);
/* Settles a promise of your making, or the result of a delivery. value NULL: undefined. Fulfilled with
 * a promise it becomes what that becomes. BAD, NO_SUCH (settled already, not yours), MEMORY, LOST. */
enum keeve_result keeve_client_fulfil(struct keeve_client *client, const char *promise,
                                      const struct keeve_value *value);
enum keeve_result keeve_client_reject(struct keeve_client *client, const char *promise,
                                      const struct keeve_value *value);
/* The same for the end of a keeve_deliver_fn: frees value. Of a NULL value, which is what want of
 * memory looks like, or one that cannot be sent, the caller hears as a rejection. */
enum keeve_result keeve_client_answer(struct keeve_client *client,
                                      const struct keeve_delivery *delivery,
                                      struct keeve_value *value);
/* Rejects with an ERROR of this name and message. */
enum keeve_result keeve_client_refuse(struct keeve_client *client,
                                      const struct keeve_delivery *delivery, const char *name,
                                      const char *text);

/* ---- references ---- */

/* Lets go of a name, which means nothing afterwards unless you are shown it again. OK too if it was not
 * held. BAD. */
enum keeve_result keeve_client_drop(struct keeve_client *client, const char *ref);
/* The same for all names of the other side in a value: what a callback does with what it was shown and
 * does not keep. */
void keeve_client_drop_all(struct keeve_client *client, const struct keeve_value *value);

/* ref, if it is a kref: "ko3" of an owner's connection. Else NULL. */
const char *keeve_ref_kref(const char *ref);

#ifdef __cplusplus
}
#endif

#endif
