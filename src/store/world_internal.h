/* SPDX-License-Identifier: Apache-2.0 */
/* world_internal - what world.c and world_step.c share. */
#ifndef KEE_STORE_WORLD_INTERNAL_H
#define KEE_STORE_WORLD_INTERNAL_H

#include "store/rows.h"
#include "store/world.h"

/* A value that a row had before a change of the crank under way. */
struct past {
    struct kee_row *row;
    struct kee_blob *now; /* owned; unknown: the row was not in memory */
    bool was_dirty;
};

struct kee_world {
    struct kee_store *store;
    struct kee_rows rows;

    struct past *undo;
    size_t undo_count;
    size_t undo_room;
    bool in_crank;

    struct kee_link dirty; /* rows changed in the filling batch; after a commit, with net effect */
    size_t pending_bytes;
    uint64_t commits; /* into the filling batch */
    uint64_t filling;
    uint64_t durable;

    bool writing;
    int failed; /* the fault of the first failed write */
    struct kee_row **sealed;
    struct kee_change *changes;
    size_t sealed_count;
    size_t sealed_room;

    kee_store_done_fn *notify;
    void *notify_context;

    struct kee_buf scratch;
    /* Two keys: what the caller steps on from may lie in the one given last. */
    struct kee_buf step_key[2];
    struct kee_buf step_value;
    unsigned turn;
    /* What the last step learned: the store has no row between these two. Good until a batch has been
     * written, as what is being written lies over the store anyway. Many steps ask for a prefix that
     * nothing on the disk has, such as the queue of a young promise. */
    enum { GAP_NONE, GAP_BOUNDED, GAP_OPEN } gap;
    struct kee_buf gap_from;
    struct kee_buf gap_to; /* of a bounded one */
};

/* The row of key, read from the store if it is not in memory. */
int kee_world_row_of(struct kee_world *world, struct kee_bytes key, struct kee_row **out);

#endif
