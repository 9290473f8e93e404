/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cycle - the collector of cycles: what counts never free, because it holds itself.
 *
 *     root ──► koN ──c-list of its owner──► o+dK/I ──rows of the vat──► o+dK/I, or o-N ──c-list──► koN
 *
 * An epoch marks all that can be reached, in slices, while cranks go on, and then names to each vat the
 * objects of its own that it could not reach. The vat empties them and abandons what it had exported of
 * them; counts do the rest, by the ordinary rules. Marks live in memory alone: an epoch that is lost to
 * a restart was no loss.
 *
 *   MARK   roots: pins, holds, queues, parked messages, data of promises, what peers import, services,
 *          the tables of vats, and heaps.
 *          A vat that was awake when the epoch began says what its heap holds, at a bringOutYourDead; one
 *          that starts later has an empty heap to begin with. A vat that does not say it holds all it
 *          imports, and nothing of its own is named to it.
 *   BURY   the rows of each vat are walked for objects that are not marked.
 *
 *   CY-1   what a vat can reach when the epoch began, and still can when marking ends, is marked by then.
 *          Barriers see to it (cycle_mark.c): a reference that the kernel begins to hold, or moves from
 *          row to row, is marked; so is one that is given to a vat whose heap is known, or stood in a row
 *          which such a vat changes; and so is all that a row is changed to.
 *   CY-2   what did not exist when the epoch began is not named in it.
 *   CY-3   what is unreachable stays so: nothing can make it reachable again but an operator who names
 *          it by its kref, and that is declined (kee_cycle_may_hold) until the vat has abandoned it.
 */
#ifndef KEE_KERNEL_CYCLE_H
#define KEE_KERNEL_CYCLE_H

#include "kernel/internal.h"
#include "kernel/marks.h"
#include "vatrows/vatrows.h"

enum kee_space_sort {
    KEE_SPACE_OBJECTS, /* koN */
    KEE_SPACE_IMPORTS, /* o-N of a vat */
    KEE_SPACE_KIND,    /* instances of a kind of a vat */
    KEE_SPACE_STORES,  /* stores of a vat, by number; those that hold their keys */
    KEE_SPACE_WEAK_STORES,
    KEE_SPACE_TOUCHED, /* stores that were written to in this epoch */
};

struct kee_space {
    struct kee_marks marks; /* first: what take_gray gives is one of these */
    enum kee_space_sort sort;
    struct kee_cycle_vat *vat;
    uint64_t kind;
    bool durable;
};

/* A vat, as far as marks go. */
struct kee_cycle_vat {
    struct kee_vat_id id;
    bool opaque; /* it does not say what its heap holds */
    bool tables_known;
    struct kee_vatrow_stores stores;
    uint64_t handles, makers; /* kinds of what stands for kinds: these lead nowhere and stay */
    struct kee_space imports, strong, weak, touched;
    struct kee_map kinds;    /* kind * 2 + durable -> struct kee_space */
    struct kee_link pending; /* in cycle->opaque until its c-list has been walked */
};

enum kee_cycle_phase { KEE_CYCLE_MARK, KEE_CYCLE_BURY };

struct kee_cycle {
    enum kee_cycle_phase phase;
    bool failed; /* memory or a read failed inside a barrier: the epoch comes to nothing */
    struct kee_link gray;
    struct kee_space objects;
    struct kee_map vats; /* number -> struct kee_cycle_vat */
    uint64_t heaps_due;  /* vats that have yet to say what their heap holds */
    size_t root_part;    /* how far the roots have been walked; see cycle_scan.c */
    struct kee_key root_at;
    struct kee_link opaque; /* vats all of whose imports are roots */
    struct kee_key opaque_at;
    struct kee_space *store_space; /* the store being scanned, if any */
    uint64_t store;
    struct kee_key store_at;
    /* BURY */
    struct kee_key vat_at; /* the vat being walked; empty before the first */
    struct kee_vat_id bury_vat;
    size_t bury_part;
    struct kee_key bury_at;
    uint64_t named; /* objects named to their vats so far */
};

/* How many rows a slice may still look at. */
struct kee_budget {
    uint32_t rows;
};

/* ---- cycle_mark.c ---- */

/* The table of a vat, made if missing. */
int kee_cycle_vat(struct kee_kernel *kernel, struct kee_vat_id id, struct kee_cycle_vat **out);
int kee_cycle_mark_object(struct kee_kernel *kernel, struct kee_kref kref);
int kee_cycle_mark_list(struct kee_kernel *kernel, struct kee_bytes list);
/* What a vat means by vref: an import or a virtual object of its own. Others are the heap's. */
int kee_cycle_mark_vref(struct kee_kernel *kernel, struct kee_cycle_vat *vat,
                        struct kee_bytes vref);
/* All slots of a value. */
int kee_cycle_mark_slots(struct kee_kernel *kernel, struct kee_cycle_vat *vat,
                         struct kee_bytes value);
/* Where a virtual object is marked, made if make; NULL: a kind handle, or there is no such space. */
int kee_cycle_space(struct kee_kernel *kernel, struct kee_cycle_vat *vat,
                    const struct kee_vref_parts *parts, bool make, struct kee_space **out);
/* A vat whose imports are all roots. */
void kee_cycle_make_opaque(struct kee_kernel *kernel, struct kee_cycle_vat *vat);
struct kee_cycle *kee_cycle_new(void);
void kee_cycle_free(struct kee_cycle *cycle);

/* ---- cycle_scan.c: each looks at rows while the budget lasts ---- */

int kee_cycle_scan_roots(struct kee_kernel *kernel, struct kee_budget *budget);
int kee_cycle_scan_gray(struct kee_kernel *kernel, struct kee_budget *budget);
/* Has all been looked at that is known so far? */
bool kee_cycle_is_scanned(const struct kee_cycle *cycle);

/* ---- cycle_bury.c ---- */

/* Names objects to vats. *waits: a vat must answer first. *done: there are none left. */
int kee_cycle_bury(struct kee_kernel *kernel, struct kee_budget *budget, bool *waits, bool *done);

#endif
