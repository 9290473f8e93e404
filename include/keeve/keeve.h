/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keeve - a kernel inside your program: vats, their messages and their durable state.
 *
 *     keeve_open(&kernel, &options, &error)          a directory becomes a world at work
 *     keeve_launch(kernel, config, ...)              vats from a configuration; its answer has krefs
 *     keeve_send(kernel, "ko3", "increment", args, on_answer, context, NULL)
 *
 *     for (;;) {                                     your own event loop, whatever it is
 *         struct pollfd watched = {keeve_fd(kernel), POLLIN, 0};
 *         poll(&watched, 1, keeve_timeout_ms(kernel));
 *         keeve_turn(kernel);                        calls back: answers, console lines
 *     }
 *     keeve_close(kernel);
 *
 * Vats in JavaScript run in jailed processes of the program keeve-vat; vats in C (keeve/vat.h) run inside
 * keeve_turn(). Nothing is ever delivered outside keeve_turn().
 *
 * The directory is laid out as a daemon's home: `keeve start --home DIRECTORY` works on the same world
 * while your program does not have it open.
 *
 * Names       krefs are text: "ko3" an object, "kp7" a promise. Vats are "v1", subclusters "s1". A
 *             name is never used again for something else. An answer keeps what it names reachable until
 *             keeve_drop() or until the kernel is closed; keeve_pin() keeps it for good.
 * Ownership   what is passed in is borrowed until the call returns, callbacks and their contexts until
 *             their last call; what callbacks are shown is borrowed until they return.
 * Callbacks   come from inside keeve_turn() and keeve_close() alone. They may call any function of the
 *             same kernel but these two, keeve_wait() and keeve_flush(). Functions of keeve/vat.h are for
 *             native vats, which may call nothing of this header.
 * Results     functions that can fail give an enum keeve_result; keeve_why() then has a sentence for a
 *             person: what was expected, what was found.
 * Threads     all functions of one kernel are called on the thread that opened it, which has to live as
 *             long as the kernel does. Kernels do not know of each other: a program may have several.
 * Processes   a kernel with JavaScript vats has child processes of its own and waits for them itself. Do
 *             not wait for children you did not start (waitpid(-1, ...)), nor set SIGCHLD to SIG_IGN.
 * Durability  an answer is told when what it says, and all that led to it, is on the disk. A program
 *             killed at any moment finds after the next open all it was told, and no half of a crank.
 */
#ifndef KEEVE_KEEVE_H
#define KEEVE_KEEVE_H

#include <keeve/value.h>
#include <keeve/version.h>

#ifdef __cplusplus
extern "C" {
#endif

struct keeve_kernel;
struct keeve_native; /* keeve/vat.h */

enum keeve_result {
    KEEVE_OK = 0,
    KEEVE_BAD,     /* what was asked for is malformed */
    KEEVE_NO_SUCH, /* there is nothing of that name */
    KEEVE_STATE,   /* not possible in the present state */
    KEEVE_REFUSED, /* of keeve_open(): the directory, the system or the installation does not allow it */
    KEEVE_MEMORY, /* memory is out; nothing was done */
    KEEVE_FAULT, /* store, system or memory failed: the kernel does nothing any more. Close it, and open
                    * it again: what was durable is safe */
    KEEVE_LOST /* of keeve/client.h: the connection is over */
};

/* A sentence about a kernel that could not be opened. */
struct keeve_error {
    char text[600];
};

/* ---- opening and closing ---- */

enum keeve_durability {
    KEEVE_DURABILITY_FULL = 0, /* durable means on the disk */
    KEEVE_DURABILITY_NORMAL,   /* outlives a crash of the process; the last cranks may go with the
                                * power */
    KEEVE_DURABILITY_OFF       /* the same, and losing power may damage the store */
};

enum keeve_log_level { KEEVE_DEBUG, KEEVE_LOG, KEEVE_INFO, KEEVE_WARN, KEEVE_ERROR_LEVEL };

/* All members but size and directory may be zero, for the default. */
struct keeve_options {
    size_t size; /* sizeof(struct keeve_options) */
    const char
        *directory; /* made if missing, but not its parent; one process at a time has it open */
    enum keeve_durability durability;
    bool paused;      /* begin without delivering */
    bool native_only; /* no JavaScript vats: no program is looked for, no process started */
    bool unjailed;    /* workers run without a system call filter, where there is none */
    const char *worker_program;   /* path of keeve-vat; NULL: the one installed with this library */
    uint64_t deadline_ms;         /* wall time of a crank in a process; 0: 20 seconds */
    uint64_t steps_per_crank_max; /* engine steps of a crank; 0: some seconds of work */
    uint64_t heap_bytes_max;      /* of the heap of one vat; 0: 256 MiB */
    /* These two may call nothing of this kernel. A console line of a vat, not escaped: */
    void (*on_log)(void *context, const char *vat, enum keeve_log_level level, const char *text);
    /* What an operator may want to know: "v3: its worker was killed by signal 9 (SIGKILL)". */
    void (*on_note)(void *context, const char *text);
    void *context; /* of these two */
};

/* error may be NULL. BAD, REFUSED, MEMORY, FAULT. Takes milliseconds, and waits for nothing but the
 * worker program being ready. */
enum keeve_result keeve_open(struct keeve_kernel **out, const struct keeve_options *options,
                             struct keeve_error *error);
/* What is being delivered is taken as never run; what was committed goes to the disk, and answers that
 * waited for it are told. Every other callback not yet called is called with KEEVE_ANSWER_LOST. NULL is
 * fine. */
void keeve_close(struct keeve_kernel *kernel);
/* About the last call that did not give KEEVE_OK; valid until the next call. */
const char *keeve_why(const struct keeve_kernel *kernel);
/* Of the library in use, which may be newer than KEEVE_VERSION of the headers. */
const char *keeve_library_version(void);

/* ---- joining an event loop ---- */

/* A descriptor to watch for reading; the same as long as the kernel is open. Never read from it. */
int keeve_fd(const struct keeve_kernel *kernel);
/* How long to wait for the descriptor at most, in milliseconds, as poll() takes it: -1 for ever, 0 not at
 * all. Ask anew before each wait: every call may change it. */
int keeve_timeout_ms(struct keeve_kernel *kernel);
/* Does what is due, without waiting; a bounded slice of it, so that your loop stays responsive. To be
 * called when the descriptor is readable or the time is over; at any other time it does no harm. OK or
 * FAULT. */
enum keeve_result keeve_turn(struct keeve_kernel *kernel);
/* Waits for at most timeout_ms (-1: for ever) until there is something to do, then does it: for programs
 * without a loop of their own. OK, FAULT. */
enum keeve_result keeve_wait(struct keeve_kernel *kernel, int timeout_ms);

/* ---- calls ---- */

enum keeve_answer_status {
    KEEVE_ANSWER_FULFILLED,
    KEEVE_ANSWER_REJECTED, /* value is the reason, most often an ERROR */
    KEEVE_ANSWER_DECLINED, /* why says so: of a launch, no vat of it was kept */
    KEEVE_ANSWER_LOST /* the kernel was closed or broke: it may have been done, or may still be */
};

struct keeve_answer {
    enum keeve_answer_status status;
    const struct keeve_value *value; /* FULFILLED, REJECTED; else NULL */
    const char *why;                 /* DECLINED, LOST; else NULL */
    /* Of a launch that was FULFILLED, or whose bootstrap was REJECTED; else NULL. */
    const char *subcluster;             /* "s1" */
    const char *root;                   /* kref of the bootstrap vat's root */
    const struct keeve_value *warnings; /* ARRAY of STRINGs about the configuration */
};

/* Once for each call that was accepted. */
typedef void keeve_answer_fn(void *context, const struct keeve_answer *answer);

/* Launches vats from the JSON text of a configuration, all of them or none. Relative paths in it are
 * taken from directory; NULL: there may be none. value of the answer is what bootstrap() gave. *call (may
 * be NULL) gets a number for keeve_cancel(). BAD, MEMORY, FAULT: then fn is not called. */
enum keeve_result keeve_launch(struct keeve_kernel *kernel, const char *config,
                               const char *directory, keeve_answer_fn *fn, void *context,
                               uint64_t *call);

/* Sends target.method(...args). method NULL: target itself is called. args is an ARRAY, or NULL for none;
 * references in it are krefs. fn NULL: the result is not wanted. A promise is as good a target as an
 * object. BAD, NO_SUCH, MEMORY, FAULT: then nothing was sent and fn is not called. */
enum keeve_result keeve_send(struct keeve_kernel *kernel, const char *target, const char *method,
                             const struct keeve_value *args, keeve_answer_fn *fn, void *context,
                             uint64_t *call);

/* fn of this call is not called any more. What was sent stays sent. */
void keeve_cancel(struct keeve_kernel *kernel, uint64_t call);

/* ---- references ---- */

/* Keeps a reference, from a status or a text, say, until keeve_drop() or until the kernel is closed.
 * Holding twice is holding once. NO_SUCH; STATE: nothing reaches it any more. */
enum keeve_result keeve_hold(struct keeve_kernel *kernel, const char *kref);
/* Lets go of what an answer or keeve_hold() kept. An answer under way that names it keeps it anew. OK
 * too if it was not held. BAD. */
enum keeve_result keeve_drop(struct keeve_kernel *kernel, const char *kref);
/* The same, but durably: until keeve_unpin(), whoever has the directory open. */
enum keeve_result keeve_pin(struct keeve_kernel *kernel, const char *kref);
enum keeve_result keeve_unpin(struct keeve_kernel *kernel, const char *kref);
/* Every send to the object rejects from now on, for good. */
enum keeve_result keeve_revoke(struct keeve_kernel *kernel, const char *kref);
/* The kref of a vat's root, and holds it. subcluster "s1", or NULL: the latest one with a vat of this
 * name. NO_SUCH. */
enum keeve_result keeve_find_root(struct keeve_kernel *kernel, const char *subcluster,
                                  const char *vat, char kref[KEEVE_NAME_SIZE]);

/* ---- orders and looking ---- */

/* While paused nothing is delivered; calls are accepted and wait. */
void keeve_pause(struct keeve_kernel *kernel);
void keeve_resume(struct keeve_kernel *kernel);
bool keeve_is_paused(const struct keeve_kernel *kernel);

/* name: a vat "v1" or a subcluster "s1". Their state goes; sends to their objects reject. */
enum keeve_result keeve_terminate(struct keeve_kernel *kernel, const char *name);
/* A new incarnation of the vat, from its durable state. */
enum keeve_result keeve_restart(struct keeve_kernel *kernel, const char *vat, const char *why);
/* Asks all vats that are awake to say what they no longer use. */
enum keeve_result keeve_collect(struct keeve_kernel *kernel);

/* Orders above take effect at once and are durable a moment later: fn is called when all that was done up
 * to now is, with FULFILLED and UNDEFINED. */
enum keeve_result keeve_when_durable(struct keeve_kernel *kernel, keeve_answer_fn *fn,
                                     void *context);
/* Waits until all that was done up to now is on the disk. STATE inside a callback; FAULT. */
enum keeve_result keeve_flush(struct keeve_kernel *kernel);

/* How it is: a RECORD, given to the caller, of
 *   state "running" or "paused"; vats, awake, queued, cranks, calls NUMBERs
 *   subclusters ARRAY of {id "s1", bootstrap "alice", state, vats {"alice":{vat "v1", root "ko1"}}}
 * Members may be added. cranks: deliveries of all vats since they were last started. */
enum keeve_result keeve_status(struct keeve_kernel *kernel, struct keeve_value **out);

/* ---- vats in C ---- */

/* Makes vats of the flavour "native" whose bundleName is native->name be of this program. Before the
 * first turn, for vats that exist already. Keeps native until the kernel is closed. BAD; STATE: a
 * program of this name is registered. */
enum keeve_result keeve_register(struct keeve_kernel *kernel, const struct keeve_native *native);

#ifdef __cplusplus
}
#endif

#endif
