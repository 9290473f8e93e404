/* SPDX-License-Identifier: Apache-2.0 */
/*
 * watched - promises whose settling a durable object is to hear of, also after a restart.
 *
 *   table of watched promises (row watchedPromiseTableID)   vpid to [[watcher, ...args], ...]
 *   table of watchers by kind (row watcherTableID)          kind handle to the watcher of its kind
 *
 * watchPromise enters the watch a turn later, when a send before it has given its result a name. When
 * the promise settles its watches leave the table, and each watcher is told in a turn of its own.
 */
#ifndef KEE_VAT_LIVESLOTS_WATCHED_H
#define KEE_VAT_LIVESLOTS_WATCHED_H

#include "vat/liveslots/vom.h"

/* Members of VatData, and what stands in the heap otherwise. */
void kee_watched_provide(txMachine *the);
void kee_watched_watch(txMachine *the);
void kee_watched_handler(txMachine *the);
void kee_watched_enter_job(txMachine *the);
void kee_watched_settled(txMachine *the);
void kee_watched_tell_job(txMachine *the);

/* START, after buildRootObject: watches of the incarnation before go on. Throws. */
void kee_watched_start(txMachine *the);

#endif
