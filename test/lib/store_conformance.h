/* SPDX-License-Identifier: Apache-2.0 */
/* store_conformance - what every implementation of store/store.h must do. */
#ifndef KEE_TEST_STORE_CONFORMANCE_H
#define KEE_TEST_STORE_CONFORMANCE_H

#include "store/store.h"

struct conformance {
    struct kee_store *store;                 /* empty; stays the caller's to close */
    void (*settle)(struct kee_store *store); /* returns when the write under way is done */
};

/* One batch of one row; ends when it is done and fails the test unless it went well. */
void conformance_put(struct conformance *c, const char *key, const char *value);
void conformance_write(struct conformance *c, const struct kee_change *changes, size_t count);
/* value NULL: the key must be absent. */
void conformance_expect(struct conformance *c, const char *key, const char *value);

/* Each runs a part on an empty store. */
void conformance_rows_come_back(struct conformance *c);
void conformance_any_byte_and_size(struct conformance *c);
void conformance_walks(struct conformance *c);
void conformance_stages(struct conformance *c);
void conformance_random(struct conformance *c, uint64_t seed);

#endif
