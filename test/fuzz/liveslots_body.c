/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz target: a body read by liveslots into a vat's heap. What is read is written as smallcaps, and
 * that text reads back and is written the same; what is refused is refused by an exception. A new heap
 * is made now and then, since names of properties stay in it.
 */
#include <stdlib.h>

#include "base/assert.h"
#include "vat/engine/engine.h"
#include "vat/liveslots/internal.h"

#define INPUTS_PER_HEAP 500u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
    struct kee_ls *ls;
    struct kee_bytes body;
};

static void install(void *context, txMachine *the)
{
    (void)context;
    kee_ls_install(the);
}

static void begin(void *context, txMachine *the)
{
    struct input *input = context;
    struct kee_vp_start start = {.version = KEE_VP_VERSION, .vat = 1};
    kee_ls_prepare(input->ls, &start);
    mxPop();
}

/* Slots of every kind a body may name. */
static struct kee_vp_strings slots(struct kee_buf *buf)
{
    static const char *const vrefs[] = {"o-1", "p-2", "o-3", "p+4", "d-5", "nonsense"};
    for (size_t i = 0; i < sizeof(vrefs) / sizeof(vrefs[0]); i++) {
        kee_vp_put_string(buf, kee_bytes_str(vrefs[i]));
    }
    return (struct kee_vp_strings){kee_buf_bytes(buf), sizeof(vrefs) / sizeof(vrefs[0])};
}

/* Pushes the value of a body; undefined, and false, if it is refused. */
static bool push_value(txMachine *the, struct kee_bytes body, struct kee_vp_strings vrefs)
{
    txSlot *value;
    volatile bool good = false;

    mxPushUndefined();
    value = the->stack;
    {
        mxTry(the)
        {
            kee_ls_unserialize(the, body, vrefs);
            *value = *the->stack;
            value->next = NULL;
            good = true;
        }
        mxCatch(the)
        {
            kee_assert(mxException.kind == XS_REFERENCE_KIND); /* an error, not a text */
            mxException = mxUndefined;
        }
    }
    the->stack = value;
    return good;
}

static bool write_value(txMachine *the, txSlot *value, struct kee_ls_capdata *out)
{
    volatile bool good = false;

    {
        mxTry(the)
        {
            kee_ls_serialize(the, value, out);
            good = true;
        }
        mxCatch(the)
        {
            mxException = mxUndefined;
        }
    }
    return good;
}

static void check(void *context, txMachine *the)
{
    struct input *input = context;
    struct kee_buf buf = KEE_BUF_EMPTY;
    struct kee_ls_capdata *first = kee_ls_capdata_new(the);
    struct kee_ls_capdata *second = kee_ls_capdata_new(the);

    if (push_value(the, input->body, slots(&buf)) && write_value(the, the->stack, first)) {
        kee_assert(push_value(the, kee_buf_bytes(&first->body), kee_ls_capdata_slots(first)));
        input->ls->error_id = 70000; /* so that the same errors get the same ids */
        kee_assert(write_value(the, the->stack, first));
        input->ls->error_id = 70000;
        kee_assert(write_value(the, the->stack, second));
        kee_assert(kee_bytes_equal(kee_buf_bytes(&first->body), kee_buf_bytes(&second->body)));
        mxPop();
    }
    mxPop();
    kee_buf_fini(&buf);
}

static bool settled(void *context)
{
    struct input *input = context;
    return kee_ls_quiescent(input->ls);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct kee_engine *engine;
    static struct input input;
    static unsigned count;
    static const struct kee_ls_host host;
    const struct kee_engine_crank installing = {.run = install};
    const struct kee_engine_crank beginning = {.context = &input, .run = begin};
    const struct kee_engine_crank checking = {.context = &input, .run = check, .settled = settled};

    if (count++ % INPUTS_PER_HEAP == 0) {
        kee_ls_free(input.ls);
        kee_engine_free(engine);
        if (count == 1) {
            kee_engine_process_init();
        }
        kee_assert(kee_engine_new(&engine) == 0);
        kee_assert(kee_engine_crank(engine, &installing) == 0);
        kee_assert(kee_ls_new(&input.ls, kee_engine_machine(engine), &host) == 0);
        kee_assert(kee_engine_crank(engine, &beginning) == 0);
    }
    input.body = kee_bytes_of(data, size);
    kee_ls_begin(input.ls);
    kee_assert(kee_engine_crank(engine, &checking) == 0);
    return 0;
}
