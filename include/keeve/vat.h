/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vat - vats written in C: the same deliveries and system calls as any vat has, as functions.
 *
 *   configuration   {"bootstrap":"c","vats":{"c":{"bundleName":"counter",
 *                                                "creationOptions":{"flavour":"native"}}}}
 *   program         keeve_register(kernel, &(struct keeve_native){.name = "counter", ...})
 *
 *   kernel ──start, message, notify, ...──► your functions ──keeve_vat_send(), _set(), ...──► kernel
 *
 * Each call of one of your functions is a crank: what it asks for takes effect when it has returned 0,
 * all of it together, and nothing of it otherwise. When it returns something else the crank is undone and
 * the vat restarts: stop() for this incarnation, start() for the next. A message is tried once more then,
 * and rejected if it fails a second time.
 *
 * A native vat runs in the kernel's thread, without jail, deadline, meter or limit of memory: it is as
 * trusted as the program around it, and while it runs nothing else does. Keep cranks short.
 *
 * References  are text, and mean something in this vat only:
 *               "o+0"     its root object                   "o-50"   an object of another vat
 *               "o+7"     an object it exports, as number 7, until the vat restarts
 *               "o+d10/7" an object it exports durably, as number 7 of kind 10: it outlives restarts
 *               "p-60"    a promise it was told of          "p+5"    a promise it made
 *             A vat exports an object by mentioning such a name in a message or an answer; whatever
 *             arrives for it is then a message whose target is this name.
 * State       what must survive is in the vat's rows (keeve_vat_set); what state points to is lost with
 *             every restart: of the vat, of the kernel, of the program. References of the other kind are
 *             lost too, but durable exports and what keeve_vat_keep() keeps.
 * Ownership   values, names and rows shown are borrowed until the function returns. What state points
 *             to is the vat's own, from start() until stop().
 * Results     the system calls below give KEEVE_OK, or BAD (a name or value is not right), MEMORY, STATE
 *             (no crank of this vat is under way) or FAULT (the store failed). After anything but
 *             KEEVE_OK and NO_SUCH the crank is failed, whatever the function returns.
 * Threads     the kernel's own. System calls belong inside the vat's functions; nothing of keeve/keeve.h
 *             may be called there.
 */
#ifndef KEEVE_VAT_H
#define KEEVE_VAT_H

#include <keeve/keeve.h>

#ifdef __cplusplus
extern "C" {
#endif

/* One incarnation of a vat, during a crank. */
struct keeve_vat;

struct keeve_message {
    /* Which of the vat's objects: "o+0"; or a promise that is the vat's to settle. Messages are sent
     * ahead, so that one for a promise may come in a crank after the one that settled it. */
    const char *target;
    const char *method;             /* NULL: the object itself is called; "@@...": a symbol */
    const struct keeve_value *args; /* an ARRAY */
    const char *result;             /* the promise the vat is to settle; NULL: nobody waits */
};

/* A program for vats. Members that are NULL do nothing and succeed; start is needed. */
struct keeve_native {
    size_t size;      /* sizeof(struct keeve_native) */
    const char *name; /* the bundleName of its vats */
    void *context;    /* given to start */
    /* A new incarnation, which reads its rows: it has none if this is the first. *state is given to all
     * that follow. If it fails there is no stop(). */
    int (*start)(void *context, struct keeve_vat *vat, const struct keeve_value *parameters,
                 void **state);
    int (*message)(void *state, struct keeve_vat *vat, const struct keeve_message *message);
    /* A promise it subscribed to is settled. promise is not a name of anything afterwards. */
    int (*notify)(void *state, struct keeve_vat *vat, const char *promise, bool rejected,
                  const struct keeve_value *value);
    /* Nobody can reach this export any more; it may still be recognized. */
    int (*dropped)(void *state, struct keeve_vat *vat, const char *exported);
    /* Nobody knows this export any more: its name means nothing. */
    int (*retired)(void *state, struct keeve_vat *vat, const char *exported);
    /* An object of another vat, which this one could only recognize, is gone for good. */
    int (*import_gone)(void *state, struct keeve_vat *vat, const char *imported);
    /* Now and then, and when the host asks for it: the time to drop what is not used. */
    int (*collect)(void *state, struct keeve_vat *vat);
    /* The incarnation is over: frees state. No system calls. */
    void (*stop)(void *state);
};

/* ---- messages and promises ---- */

/* Sends target.method(...args) when the crank ends; method and args as in keeve_send(), with the vat's
 * names. result, if not NULL, gets the name of a new promise for what it answers. */
enum keeve_result keeve_vat_send(struct keeve_vat *vat, const char *target, const char *method,
                                 const struct keeve_value *args, char result[KEEVE_NAME_SIZE]);
/* notify() is to be called when the promise is settled: once, in a later crank. Not for promises that
 * this vat settles itself. */
enum keeve_result keeve_vat_subscribe(struct keeve_vat *vat, const char *promise);
/* A new promise, which this vat is to settle. */
enum keeve_result keeve_vat_new_promise(struct keeve_vat *vat, char promise[KEEVE_NAME_SIZE]);
/* Settles a promise of this vat's making, or the result of a message. value NULL: undefined. A promise in
 * place of a value is not taken: subscribe, and settle when it is settled. */
enum keeve_result keeve_vat_fulfil(struct keeve_vat *vat, const char *promise,
                                   const struct keeve_value *value);
enum keeve_result keeve_vat_reject(struct keeve_vat *vat, const char *promise,
                                   const struct keeve_value *value);
/* For the end of a message: settles its result if it has one, frees value, and gives 0 if that went well:
 * return keeve_vat_answer(vat, message, keeve_make_number(n)); A NULL value fails the crank. */
int keeve_vat_answer(struct keeve_vat *vat, const struct keeve_message *message,
                     struct keeve_value *value);
/* The same with a rejection: an ERROR of this name and message. */
int keeve_vat_refuse(struct keeve_vat *vat, const struct keeve_message *message, const char *name,
                     const char *text);
/* The vat ends with this crank, its state with it. */
enum keeve_result keeve_vat_exit(struct keeve_vat *vat);
/* Says why the crank is about to fail: return keeve_vat_fail(vat, "out of paint"); */
int keeve_vat_fail(struct keeve_vat *vat, const char *why);

/* ---- objects ---- */

/* "o+7" of 7; "o+d10/7" of kind 10 and number 7, which start at 1. */
void keeve_ref_object(uint64_t number, char ref[KEEVE_NAME_SIZE]);
void keeve_ref_durable(uint64_t kind, uint64_t number, char ref[KEEVE_NAME_SIZE]);
/* Imports. drop: it is not used any more; it may come again, under the same name. retire, after drop:
 * it is not even recognized, and comes under another name if it comes. */
enum keeve_result keeve_vat_drop(struct keeve_vat *vat, const char *imported);
enum keeve_result keeve_vat_retire(struct keeve_vat *vat, const char *imported);
/* Exports. retire, after dropped(): the vat forgets it. disown: although others may reach it, whose
 * messages are rejected then. */
enum keeve_result keeve_vat_retire_export(struct keeve_vat *vat, const char *exported);
enum keeve_result keeve_vat_disown(struct keeve_vat *vat, const char *exported);
/* The import's name outlives restarts, to be written down in rows, until it is unkept. */
enum keeve_result keeve_vat_keep(struct keeve_vat *vat, const char *imported);
enum keeve_result keeve_vat_unkeep(struct keeve_vat *vat, const char *imported);

/* ---- rows: the vat's durable state, ordered by key, its alone ---- */

/* A key is a C string of 1 to 900 bytes, a value up to 16 MiB of any bytes. */

/* NO_SUCH if there is no such row. *data is valid until the function returns, with a NUL after it. */
enum keeve_result keeve_vat_get(struct keeve_vat *vat, const char *key, const void **data,
                                size_t *size);
/* The first key after this one that begins with prefix; after "": the first of all. NO_SUCH at the end.
 * *key is valid until the function returns. */
enum keeve_result keeve_vat_next(struct keeve_vat *vat, const char *prefix, const char *after,
                                 const char **key);
enum keeve_result keeve_vat_set(struct keeve_vat *vat, const char *key, const void *data,
                                size_t size);
enum keeve_result keeve_vat_delete(struct keeve_vat *vat, const char *key);

/* ---- about itself ---- */

/* A line of the vat's console, at once. */
void keeve_vat_log(struct keeve_vat *vat, enum keeve_log_level level, const char *text);
/* "v3"; and how often the vat has been started, 0 the first time. */
const char *keeve_vat_name(const struct keeve_vat *vat);
uint64_t keeve_vat_incarnation(const struct keeve_vat *vat);

#ifdef __cplusplus
}
#endif

#endif
