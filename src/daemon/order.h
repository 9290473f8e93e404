/* SPDX-License-Identifier: Apache-2.0 */
/*
 * order - one message to an object of the daemon's own, from its being heard until it is answered.
 *
 *   news ─► order ─► the row of its method ─┬─► returned, rejected
 *                                           └─► waits for an answer, a promise, a vat ─► the same
 *
 * Arguments are taken by position and name; what is not as expected rejects the order with a TypeError
 * that says which argument, what was expected and what was found. Whoever takes one passes on what it
 * gets:
 *
 *     int r = kee_order_take_kref(order, 0, "kref", &kref);
 *
 *     return r != 0 ? r : kee_order_did(order, kee_kernel_pin(kernel, kref));
 *
 * Returns  0 done; <0 fault; DONE: the order has been answered and freed, and is not to be touched.
 */
#ifndef KEE_DAEMON_ORDER_H
#define KEE_DAEMON_ORDER_H

#include <jansson.h>

#include "base/arena.h"
#include "base/list.h"
#include "kernel/kernel.h"
#include "kernel/peer.h"
#include "value/value.h"

enum kee_order_outcome { KEE_ORDER_DONE = 1 };

struct kee_daemon;
struct kee_order;
struct kee_facade;

/* What an object of the daemon's can be asked. */
struct kee_order_method {
    const char *name;
    const char *parameters; /* as in "(kref, iface?)" */
    size_t count_min;       /* of arguments; further ones are not looked at */
    /* Takes order. */
    int (*run)(struct kee_order *order);
};

struct kee_order {
    struct kee_link link;
    struct kee_facade *facade;
    struct kee_buf text;     /* what the next four point into */
    struct kee_bytes target; /* "o+1" */
    struct kee_bytes result; /* "kp4", or empty: nobody waits */
    struct kee_bytes from;   /* "r2", "v3", "console" */
    struct kee_vp_capdata methargs;
    struct kee_arena arena; /* what was read of methargs, and what is being answered */
    struct kee_value **args;
    size_t count;
    const struct kee_order_method *method;
    void *object; /* what target stands for, if its methods need to know */
    /* what it waits for, one of: */
    uint64_t call;            /* a launch */
    struct kee_vat_id vat;    /* the end of a vat's old heap; a crank of it */
    struct kee_bytes promise; /* in arena */
    int (*settled)(struct kee_order *order, bool rejected, struct kee_vp_capdata data);
    struct kee_subcluster_id subcluster; /* that is being launched */
};

/* Copies what news of a message say. */
int kee_order_new(struct kee_order **out, struct kee_facade *facade,
                  const struct kee_peer_news *news);
/* Without an answer. NULL is fine. */
void kee_order_free(struct kee_order *order);
/* Finds the method and runs it. methods ends with a row without a name. Takes order. */
int kee_order_run(struct kee_order *order, const struct kee_order_method *methods);

/* ---- taking arguments ---- */

const struct kee_value *kee_order_arg(const struct kee_order *order, size_t index);
/* A kref as text, or the thing itself. */
int kee_order_take_kref(struct kee_order *order, size_t index, const char *name,
                        struct kee_kref *out);
int kee_order_take_string(struct kee_order *order, size_t index, const char *name,
                          struct kee_bytes *out);
/* "v3", "s3". wanted: "a vat such as v2". */
int kee_order_take_id(struct kee_order *order, size_t index, const char *name, char letter,
                      const char *wanted, uint64_t *out);
/* The member of the record at index; *out is NULL if there is no record or no such member. */
const struct kee_value *kee_order_option(const struct kee_order *order, size_t index,
                                         const char *name);
/* Rejects: "METHOD(PARAMETERS): NAME: expected WANTED, found ...". found NULL: what is there is none. */
int kee_order_expected(struct kee_order *order, const char *name, const char *wanted,
                       const struct kee_value *found);

/* ---- answering: gives DONE, or a fault ---- */

/* value is in order->arena; NULL: memory was out when it was made. */
int kee_order_return(struct kee_order *order, const struct kee_value *value);
int kee_order_return_nothing(struct kee_order *order);
int kee_order_return_text(struct kee_order *order, const char *text);
/* The thing itself. */
int kee_order_return_ref(struct kee_order *order, struct kee_kref kref, struct kee_bytes iface);
int kee_order_settle(struct kee_order *order, bool rejected, struct kee_vp_capdata data);
int kee_order_reject(struct kee_order *order, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* r is what the kernel said: 0 returns undefined, an outcome rejects with its sentence. */
int kee_order_did(struct kee_order *order, int r);

/* ---- what an answer holds ---- */

/* The answer names kref as text: it is held for whoever asked. */
int kee_order_give(struct kee_order *order, struct kee_kref kref);

/* ---- making values, in order->arena; NULL when memory is out, which every maker passes on ---- */

struct kee_value *kee_order_text(struct kee_order *order, struct kee_bytes text);
struct kee_value *kee_order_kref_text(struct kee_order *order, struct kee_kref kref);
struct kee_value *kee_order_json(struct kee_order *order, const json_t *json);
/* A record of name, value, name, value..., NULL. */
struct kee_value *kee_order_record(struct kee_order *order, ...) __attribute__((sentinel));

#endif
