/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz target: the text of a store. What is taken is written again the same; and whatever rows it held,
 * opening it for a look, listing, auditing and mending end without an assertion. An input without the
 * closing line gets a right one, so that rows are reached.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/fault.h"
#include "dump_text.h"
#include "kernel/kernel.h"
#include "store/dump.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void written(void *context, int r)
{
    *(int *)context = r;
}

static void ignore(void *context, const struct kee_record *record)
{
    (void)context;
    (void)record;
}

static void look(struct kee_store *store)
{
    static const struct kee_kernel_host nobody = {0};
    static const struct kee_kernel_options options = {.look_only = true};
    struct kee_buf why = KEE_BUF_EMPTY, at = KEE_BUF_EMPTY;
    struct kee_vat_stats stats = {0};
    struct kee_kernel *kernel = NULL;
    struct kee_world *world;

    kee_assert(kee_world_new(&world, store) == 0);
    if (kee_kernel_open(&kernel, world, &nobody, &options, &why) == 0) {
        (void)kee_kernel_list_vats(kernel, ignore, NULL);
        (void)kee_kernel_list_queue(kernel, ignore, NULL);
        (void)kee_kernel_list_objects(kernel, ignore, NULL);
        (void)kee_kernel_list_promises(kernel, ignore, NULL);
        (void)kee_kernel_list_subclusters(kernel, ignore, NULL);
        (void)kee_kernel_list_clist(kernel, (struct kee_vat_id){1}, ignore, NULL);
        (void)kee_kernel_stats(kernel, (struct kee_vat_id){1}, &at, &stats);
        (void)kee_kernel_who_holds(kernel, kee_kref_make(KEE_KREF_OBJECT, 1), ignore, NULL);
        (void)kee_kernel_audit(kernel, ignore, NULL);
        (void)kee_kernel_repair(kernel, ignore, NULL);
        (void)kee_kernel_audit(kernel, ignore, NULL);
    }
    kee_kernel_free(kernel);
    kee_world_free(world);
    kee_buf_fini(&why);
    kee_buf_fini(&at);
}

/* Gives false if it was refused. */
static bool check(struct dump_text *text)
{
    struct kee_buf why = KEE_BUF_EMPTY;
    struct dump_text again = {KEE_BUF_EMPTY, 0};
    struct kee_store *store;
    int done = 1;
    int r;

    kee_assert(kee_store_memory_open(&store) == 0);
    text->at = 0;
    r = kee_dump_read(store, dump_text_take, text, &why, written, &done);
    if (r == 0) {
        kee_assert(done == 0);
        kee_assert(kee_dump_write(store, dump_text_append, &again) == 0);
        look(store); /* which closes it */
    } else {
        kee_assert(r < 0 || why.size > 0);
        store->ops->close(store);
    }
    kee_fault_clear();
    kee_buf_fini(&again.all);
    kee_buf_fini(&why);
    return r == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct dump_text text = {KEE_BUF_EMPTY, 0};

    kee_buf_put(&text.all, data, size);
    if (!check(&text)) {
        dump_text_close(&text.all);
        (void)check(&text);
    }
    kee_buf_fini(&text.all);
    return 0;
}
