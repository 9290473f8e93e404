/* SPDX-License-Identifier: Apache-2.0 */
/*
 * marks - which numbers of a space have been marked, and which of those have been looked into.
 *
 *     white    neither            gray    marked              black    marked and scanned
 *     listed   scanned alone: was white when marking ended, and has been put on a list
 *
 * Two bits for a number, in chunks that are made when a number near is first marked. Chunks that hold
 * gray numbers stand in one list for all spaces, so that marking takes no memory for a stack, however
 * deep what is marked may be.
 *
 * Owns its chunks. Threads: none.
 */
#ifndef KEE_KERNEL_MARKS_H
#define KEE_KERNEL_MARKS_H

#include <stdbool.h>

#include "base/list.h"
#include "base/map.h"

#define KEE_MARKS_CHUNK 512u

struct kee_marks {
    struct kee_map chunks; /* number / KEE_MARKS_CHUNK + 1 */
    struct kee_link *gray; /* of all spaces; the caller's */
    uint64_t marked;       /* how many */
};

static inline void kee_marks_init(struct kee_marks *marks, struct kee_link *gray)
{
    *marks = (struct kee_marks){.gray = gray};
}
void kee_marks_fini(struct kee_marks *marks);

/* Is there a chunk for n? If not, marking it takes memory. */
bool kee_marks_has_room(const struct kee_marks *marks, uint64_t n);
/* Makes a white number gray. 0 or KEE_FAULT_MEMORY. */
int kee_marks_mark(struct kee_marks *marks, uint64_t n);
bool kee_marks_is_marked(const struct kee_marks *marks, uint64_t n);
/* Puts a white number on the caller's list: true the first time. 0, 1 or KEE_FAULT_MEMORY. */
int kee_marks_list(struct kee_marks *marks, uint64_t n);
/* Takes a gray number of any space and makes it black; false if there is none. */
bool kee_marks_take_gray(struct kee_link *gray, struct kee_marks **marks, uint64_t *n);

#endif
