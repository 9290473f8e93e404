/* SPDX-License-Identifier: Apache-2.0 */
/* fault_store - see fault_store.h. */
#include "fault_store.h"

#include "base/assert.h"
#include "base/fault.h"
#include "base/list.h"

static struct fault_store *self_of(struct kee_store *store)
{
    return KEE_CONTAINER(store, struct fault_store, store);
}

static int count_call(struct fault_store *self)
{
    return ++self->calls == self->fail_at ? kee_fault(KEE_FAULT_STORE, "a fault by arrangement")
                                          : 0;
}

static int fault_get(struct kee_store *store, struct kee_bytes key, struct kee_buf *value)
{
    struct fault_store *self = self_of(store);
    int r = count_call(self);

    self->gets++;
    return r < 0 ? r : self->inner->ops->get(self->inner, key, value);
}

static int fault_next(struct kee_store *store, struct kee_bytes after, struct kee_buf *key,
                      struct kee_buf *value)
{
    struct fault_store *self = self_of(store);
    int r = count_call(self);

    self->nexts++;
    return r < 0 ? r : self->inner->ops->next(self->inner, after, key, value);
}

static int fault_write(struct kee_store *store, const struct kee_change *changes, size_t count,
                       kee_store_done_fn *done, void *context)
{
    struct fault_store *self = self_of(store);
    int r = count_call(self);

    kee_assert(!self->writing);
    if (r < 0) {
        return r;
    }
    self->changes = changes;
    self->count = count;
    self->done = done;
    self->context = context;
    self->writing = true;
    self->writes++;
    if (!self->holds) {
        fault_store_finish(self, 0);
    }
    return 0;
}

static int fault_stage(struct kee_store *store, const struct kee_change *changes, size_t count)
{
    struct fault_store *self = self_of(store);
    int r = count_call(self);

    return r < 0 ? r : self->inner->ops->stage(self->inner, changes, count);
}

static void fault_unstage(struct kee_store *store)
{
    self_of(store)->inner->ops->unstage(self_of(store)->inner);
}

static void ignore(void *context, int r)
{
    kee_assert(r == 0);
}

void fault_store_finish(struct fault_store *store, int r)
{
    kee_assert(store->writing);
    if (r == 0) {
        r = store->inner->ops->write(store->inner, store->changes, store->count, ignore, NULL);
    }
    store->writing = false;
    store->done(store->context, r);
}

static void fault_close(struct kee_store *store)
{
    struct fault_store *self = self_of(store);

    if (self->writing) {
        fault_store_finish(self, 0);
    }
    self->inner->ops->close(self->inner);
}

void fault_store_init(struct fault_store *store)
{
    static const struct kee_store_ops ops = {
        .get = fault_get,
        .next = fault_next,
        .write = fault_write,
        .stage = fault_stage,
        .unstage = fault_unstage,
        .close = fault_close,
    };

    *store = (struct fault_store){.store = {&ops}};
    kee_assert(kee_store_memory_open(&store->inner) == 0);
}
