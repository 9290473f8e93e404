/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plain_vom - liveslots without durable state, for tests of the rest: no stored object exists, nothing
 * is held by data, baggage is an empty record.
 */
#include "vat/liveslots/internal.h"
#include "vat/liveslots/remains.h"

const struct kee_ls_function *kee_vom_functions(size_t *count)
{
    *count = 0;
    return NULL;
}

void kee_vom_install(txMachine *the)
{
    (void)the;
}

int kee_vom_new(struct kee_ls *ls)
{
    (void)ls;
    return 0;
}

void kee_vom_free(struct kee_ls *ls)
{
    (void)ls;
}

void kee_vom_begin(struct kee_ls *ls)
{
    (void)ls;
}

void kee_vom_prefetch(struct kee_ls *ls, struct kee_vp_strings rows)
{
    (void)ls;
    (void)rows;
}

void kee_vom_start(txMachine *the)
{
    kee_ls_of(the)->ids.export_id = 10;
}

void kee_vom_push_baggage(txMachine *the)
{
    kee_ls_push_functions(the, NULL, 0);
}

void kee_vom_push_vatdata(txMachine *the)
{
    kee_ls_push_functions(the, NULL, 0);
}

void kee_vom_started(txMachine *the)
{
    (void)the;
}

void kee_vom_value_of_vref(txMachine *the, struct kee_bytes vref,
                           const struct kee_vref_parts *parts)
{
    (void)parts;
    kee_ls_throw(the, XS_TYPE_ERROR, "no virtual objects here: %.*s", (int)vref.size,
                 (const char *)vref.data);
}

bool kee_vom_vref_of(txMachine *the, txSlot *instance, struct kee_ls_vref *out)
{
    (void)the;
    (void)instance;
    (void)out;
    return false;
}

void kee_vom_set_export_status(txMachine *the, struct kee_bytes vref, enum kee_vom_export status)
{
    (void)the;
    (void)vref;
    (void)status;
}

bool kee_vom_is_reachable(txMachine *the, struct kee_bytes base_vref)
{
    (void)the;
    (void)base_vref;
    return false;
}

bool kee_vom_is_recognizable(txMachine *the, struct kee_bytes vref)
{
    (void)the;
    (void)vref;
    return false;
}

bool kee_vom_empty_virtual(txMachine *the, struct kee_bytes base_vref,
                           void (*abandon)(struct kee_ls *ls, struct kee_bytes vref))
{
    (void)the;
    (void)base_vref;
    (void)abandon;
    return false;
}

bool kee_vom_delete_virtual(txMachine *the, struct kee_bytes base_vref,
                            void (*retire)(struct kee_ls *ls, struct kee_bytes vref))
{
    (void)the;
    (void)base_vref;
    (void)retire;
    return false;
}

bool kee_vom_cease_recognition(txMachine *the, struct kee_bytes vref)
{
    (void)the;
    (void)vref;
    return false;
}

void kee_vom_flush(txMachine *the)
{
    (void)the;
}

void kee_vom_put_changes(struct kee_ls *ls, struct kee_buf *out)
{
    (void)ls;
    kee_buf_put_u32(out, 0);
}

bool kee_vom_name_maker(txMachine *the, txSlot *value, struct kee_ls_vref *out)
{
    (void)the;
    (void)value;
    (void)out;
    return false;
}

bool kee_vom_will_sleep(txMachine *the, struct kee_ls_entry *entry)
{
    (void)the;
    (void)entry;
    return false;
}

void kee_vom_find_loose(txMachine *the)
{
    (void)the;
}

void kee_remains_walk(txMachine *the)
{
    (void)the;
}
