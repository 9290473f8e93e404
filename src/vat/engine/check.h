/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check - does code load under lockdown? Evaluates it as a worker would, in the jail, without calling
 * buildRootObject, and prints one line of JSON on standard output:
 *
 *   {"exports":["buildRootObject"]}          or
 *   {"error":"TypeError: ...","stack":" at f (vat.js:7)\n ..."}
 *
 * All globals that can be granted are.
 */
#ifndef KEE_VAT_ENGINE_CHECK_H
#define KEE_VAT_ENGINE_CHECK_H

#include "vat/engine/engine.h"

/* Gives the exit status: 0 it loads, 1 it does not, 2 it could not be tried. */
int kee_check_run(struct kee_engine *engine, const char *path, bool jailed);

#endif
