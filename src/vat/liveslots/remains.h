/* SPDX-License-Identifier: Apache-2.0 */
/*
 * remains - rows of heaps that have ended.
 *
 * A heap ends without a word, and what it alone held stays in the vat's store: objects of virtual kinds
 * and virtual stores, which no later heap can name, with the counts they hold; and durable objects and
 * stores that nothing stored and nobody outside refers to. Counters of ids never go back, so an id below
 * the counter that an incarnation started with is of an earlier one.
 */
#ifndef KEE_VAT_LIVESLOTS_REMAINS_H
#define KEE_VAT_LIVESLOTS_REMAINS_H

#include "base/bytes.h"
#include "vat/engine/xs.h"

struct kee_remains {
    uint64_t kinds_below;       /* virtual kinds with a smaller id are of an earlier heap */
    uint64_t collections_below; /* likewise stores */
    size_t stage;               /* which rows are being walked; behind the last one it is done */
    struct kee_buf at; /* the key the walk has come to; empty at the beginning of a stage */
    uint64_t store;    /* whose entries are being walked; 0 is none */
    bool store_weak;
};

/* START of a vat that has rows: the walk is still to be made, whatever the counters are now. */
void kee_remains_begin(txMachine *the);
/* bringOutYourDead: goes on with the walk, within KEE_LIMIT_REMAINS_PER_REAP rows. Names what may be
 * dead or retired. When rows are left it writes the row vom.remains, for which the kernel brings about
 * another reap. */
void kee_remains_walk(txMachine *the);
void kee_remains_free(struct kee_remains *remains);

#endif
