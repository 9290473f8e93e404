/* SPDX-License-Identifier: Apache-2.0 */
/*
 * probe_rig - libkeeve in this program over a directory in memory, with vats in C.
 *
 * The vats are of one program, "probe", whose methods do what the tests want to see:
 *   bootstrap(vats)      answers its root, and keeps what it was given
 *   set(k, v) get(k)     rows            list(prefix, after)   the keys behind after
 *   muddle()             a crank with sets and deletes over rows of before; answers what next() shows
 *   fail(k)              sets a row and fails              once(k)  fails in the first incarnation only
 *   make() makeDurable() exports an object: o+7, o+d10/1   which()  the target's own name
 *   ask(obj, method)     asks and answers with the answer  later()  answers with nothing yet
 *   finish(v)            settles what later() left         put(obj) keeps an import over restarts
 *   poke()               sends to it                       trespass() calls keeve.h from inside
 */
#ifndef KEE_TEST_PROBE_RIG_H
#define KEE_TEST_PROBE_RIG_H

#include "keeve/keeve.h"
#include "keeve/vat.h"
#include "scratch.h"

#define PATIENCE_TURNS 100000 /* of a kernel, until what is awaited must have come */

#define PROBE "{\"bundleName\":\"probe\",\"creationOptions\":{\"flavour\":\"native\"}"
#define ONE_VAT "{\"bootstrap\":\"a\",\"vats\":{\"a\":" PROBE "}}}"
#define TWO_VATS "{\"bootstrap\":\"a\",\"vats\":{\"a\":" PROBE "},\"b\":" PROBE "}}}"

struct probe_rig {
    struct scratch scratch;
    struct keeve_kernel *kernel;
    char root[KEEVE_NAME_SIZE]; /* of the latest launch */
    int stops, starts, drops, retires, collects;
    char log[200];
    enum keeve_result trespassed;
};

/* What answers said, the latest last. */
struct probe_heard {
    int count;
    enum keeve_answer_status status;
    char text[600]; /* the value as JSON, or why */
    char root[KEEVE_NAME_SIZE], subcluster[KEEVE_NAME_SIZE], kref[KEEVE_NAME_SIZE];
    size_t warnings;
};

extern struct keeve_native probe_program; /* its context is the rig of the test that runs */

void probe_rig_init(struct probe_rig *fixture);
/* Every vat that was started must have been stopped. */
void probe_rig_fini(struct probe_rig *fixture);
/* Closes, and opens the directory again. */
void probe_rig_reopen(struct probe_rig *fixture);

/* The callback to give with a struct probe_heard. */
void probe_on_answer(void *context, const struct keeve_answer *answer);
/* Until so many answers were heard. */
void probe_wait(struct probe_rig *fixture, const struct probe_heard *heard, int count);
/* Launches and waits; the root is kept. */
void probe_launch(struct probe_rig *fixture, const char *config, struct probe_heard *heard);
void probe_launch_one(struct probe_rig *fixture);
void probe_send(struct probe_rig *fixture, const char *target, const char *method,
                const char *args_json, struct probe_heard *heard);
/* The answer to one call, as JSON. */
const char *probe_ask(struct probe_rig *fixture, const char *target, const char *method,
                      const char *args_json, struct probe_heard *heard);

#endif
