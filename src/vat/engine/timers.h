/* SPDX-License-Identifier: Apache-2.0 */
/*
 * timers - the worker's side of js/timers.js: the callbacks of a vat's timers as cranks, and what the
 * kernel is told of them. A vat that has not been granted timers has none of it.
 */
#ifndef KEE_VAT_ENGINE_TIMERS_H
#define KEE_VAT_ENGINE_TIMERS_H

#include "vat/engine/xs.h"

/* All inside a crank. A crank for timers begins: takes what is due. */
void kee_timers_begin(txMachine *the);
/* Runs one callback of what was taken; false if none is left. Called when no job is queued, so that the
 * jobs of one callback run before the next. */
bool kee_timers_next(txMachine *the);
/* At the end of any crank: has the kernel told what has changed. */
void kee_timers_report(txMachine *the);

/* Of keeveHost: clock(), wake(wait, count), timed(object). */
void kee_timers_host_clock(txMachine *the);
void kee_timers_host_wake(txMachine *the);
void kee_timers_host_timed(txMachine *the);

#endif
