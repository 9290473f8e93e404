/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a kind hears of the lives of its objects.
 *
 *   cleanup     once, in the crank that deletes the object's row, while its state can still be read
 *   willSleep   when the heap has let go of an object that stored data or the kernel still hold, and
 *               for every object in memory in the last crank of a heap that ends in order
 *
 * Both run inside bringOutYourDead. What they throw goes to the log: collection goes on.
 *
 *   vom.loose.<base vref>   "1": no stored data refers to this object of a tracked kind
 *   vom.sleepers            "1": some kind wants to hear of sleep; the kernel looks for this row
 *
 * An object that only a heap held is garbage once that heap has ended, and no heap is left to say so.
 * Tracked kinds therefore list such objects; the first bringOutYourDead of a life reads the list.
 */
#include "vat/liveslots/kinds.h"
#include "vat/liveslots/kinds_build.h"

#include <stdio.h>

#define LOOSE "vom.loose."
#define SLEEPERS "vom.sleepers"

static void copy_part(struct kee_kind *kind, enum kee_kind_part part, const txSlot *value)
{
    kind->parts[part]->kind = value == NULL ? XS_UNDEFINED_KIND : value->kind;
    if (value != NULL) {
        kind->parts[part]->value = value->value;
    }
}

void kee_hooks_set(txMachine *the, struct kee_kind *kind, const txSlot *cleanup,
                   const txSlot *sleeper)
{
    struct kee_vom *vom = kee_ls_of(the)->vom;
    const struct kee_bytes key = KEE_BYTES_LIT(SLEEPERS);
    struct kee_bytes value;

    copy_part(kind, KEE_KIND_CLEANUP, cleanup);
    copy_part(kind, KEE_KIND_SLEEPER, sleeper);
    if (!kind->durable) {
        return;
    }
    if (kind->foreign || cleanup != NULL) {
        kind->tracked = true;
        vom->tracked = true;
    }
    if (sleeper != NULL && !vom->sleepers_written) {
        if (!kee_vom_get(the, key, &value)) {
            kee_vom_set(the, key, kee_bytes_str("1"));
        }
        vom->sleepers_written = true;
    }
}

/* Pushes a member that must be a function if it is there; gives NULL, pushing too, if it is not. */
static const txSlot *push_hook(txMachine *the, struct kee_kind *kind, const txSlot *options,
                               const char *name)
{
    txSlot *hook = kee_kind_push_member(the, options, name);

    if (hook->kind == XS_UNDEFINED_KIND) {
        return NULL;
    }
    if (!fxIsCallable(the, hook)) {
        kee_ls_throw(the, XS_TYPE_ERROR, "%s of kind \"%.*s\" must be a function", name,
                     (int)kind->tag.size, (const char *)kind->tag.data);
    }
    return hook;
}

void kee_hooks_take(txMachine *the, struct kee_kind *kind, const txSlot *options)
{
    const txSlot *cleanup = push_hook(the, kind, options, "cleanup");
    const txSlot *sleeper = push_hook(the, kind, options, "willSleep");

    if (cleanup != NULL || sleeper != NULL) {
        kee_hooks_set(the, kind, cleanup, sleeper);
    }
    the->stack += 2;
}

/* ---- Objects in whose making or end user code is at work ---- */

void kee_hooks_enter(txMachine *the, struct kee_kind *kind, uint64_t instance, const char *what)
{
    struct kee_vom *vom = kee_ls_of(the)->vom;
    struct kee_ls_vref own = {.size = 0};
    struct kee_key base;

    kee_kind_base(&base, kind, instance);
    for (size_t at = 0; at < vom->busy.size; at += sizeof(own)) {
        memcpy(&own, vom->busy.data + at, sizeof(own));
        if (kee_bytes_equal(kee_ls_vref_bytes(&own), kee_key_bytes(&base))) {
            kee_ls_throw(the, XS_REFERENCE_ERROR,
                         "%.*s (kind \"%.*s\") is just being %s, and not to be had meanwhile",
                         (int)base.size, base.text, (int)kind->tag.size,
                         (const char *)kind->tag.data, what);
        }
    }
    own.size = (uint8_t)base.size;
    memcpy(own.text, base.text, base.size);
    kee_buf_put(&vom->busy, &own, sizeof(own));
    kee_ls_check(the, kee_buf_status(&vom->busy));
}

void kee_hooks_leave(struct kee_vom *vom)
{
    vom->busy.size -= sizeof(struct kee_ls_vref);
}

/* Pushes what a hook is called with: the base vref for a foreign kind, {state} otherwise. */
static void push_subject(txMachine *the, struct kee_kind *kind, uint64_t instance)
{
    struct kee_key base;

    if (kind->foreign) {
        kee_kind_base(&base, kind, instance);
        kee_ls_push_string(the, kee_key_bytes(&base));
        return;
    }
    kee_state_push_accessors(the, kee_state_of(the, kind, instance));
    mxPush(mxObjectPrototype);
    txSlot *record = fxNewObjectInstance(the);
    fxNextSlotProperty(the, record, the->stack + 1, kee_ls_id(the, "state"), XS_NO_FLAG);
    kee_kind_seal(record);
    the->stack[1].kind = XS_REFERENCE_KIND;
    the->stack[1].value.reference = record;
    mxPop();
}

/* Calls a hook and gives whether it said true. */
static bool call(txMachine *the, struct kee_kind *kind, uint64_t instance, enum kee_kind_part part)
{
    volatile bool said = false;
    txSlot *stack = the->stack;

    {
        mxTry(the)
        {
            mxPushUndefined();
            mxPushSlot(kind->parts[part]);
            mxCall();
            push_subject(the, kind, instance);
            mxRunCount(1);
            said = fxToBoolean(the, the->stack);
        }
        mxCatch(the)
        {
            struct kee_key base;
            char what[200];
            kee_kind_base(&base, kind, instance);
            snprintf(what, sizeof(what), "%s of %.*s (kind \"%.*s\")",
                     part == KEE_KIND_CLEANUP ? "cleanup" : "willSleep", (int)base.size, base.text,
                     (int)kind->tag.size, (const char *)kind->tag.data);
            kee_ls_log_exception(the, what);
        }
    }
    the->stack = stack;
    return said;
}

bool kee_hooks_deleted(txMachine *the, struct kee_kind *kind, uint64_t instance)
{
    bool more;

    if (kind->parts[KEE_KIND_CLEANUP]->kind != XS_REFERENCE_KIND ||
        !kee_state_is_stored(the, kind, instance)) {
        return false;
    }
    kee_hooks_enter(the, kind, instance, "deleted");
    more = call(the, kind, instance, KEE_KIND_CLEANUP);
    kee_hooks_leave(kee_ls_of(the)->vom);
    return more;
}

bool kee_vom_will_sleep(txMachine *the, struct kee_ls_entry *entry)
{
    struct kee_kind *kind = kee_kind_of(kee_ls_of(the), entry->number);

    if (kind == NULL || kind->sort != KEE_KIND_USER || entry->told_asleep ||
        kind->parts[KEE_KIND_SLEEPER]->kind != XS_REFERENCE_KIND) {
        return false;
    }
    entry->told_asleep = true;
    (void)call(the, kind, entry->instance, KEE_KIND_SLEEPER);
    return true;
}

/* ---- The list ---- */

void kee_hooks_loose(txMachine *the, struct kee_bytes base, bool loose)
{
    struct kee_ls *ls = kee_ls_of(the);
    struct kee_vref_parts parts;
    struct kee_kind *kind;
    struct kee_key key;

    if (!ls->vom->tracked || !kee_vref_parse(base, &parts) || !parts.is_virtual) {
        return;
    }
    kind = kee_kind_of(ls, parts.id);
    if (kind == NULL || !kind->tracked) {
        return;
    }
    kee_key_begin(&key, LOOSE);
    kee_key_put(&key, base);
    if (loose) {
        kee_vom_set_key(the, &key, kee_bytes_str("1"));
    } else {
        kee_vom_delete(the, kee_key_bytes(&key));
    }
}

/* Looks at one of the list; true if it is to be looked at as dead. */
static bool is_loose(txMachine *the, struct kee_bytes base)
{
    struct kee_ls_entry *entry = kee_ls_entry_of(kee_ls_of(the), base);

    if (entry != NULL && kee_ls_entry_object(entry) != NULL) {
        return false;
    }
    if (kee_vom_is_reachable(the, base)) {
        kee_hooks_loose(the, base, false); /* the kernel holds it, and will say when it does not */
        return false;
    }
    return true;
}

void kee_vom_find_loose(txMachine *the)
{
    const struct kee_bytes prefix = KEE_BYTES_LIT(LOOSE);
    struct kee_vom *vom = kee_ls_of(the)->vom;
    struct kee_bytes found, value;
    struct kee_key at;

    if (!vom->tracked || vom->loose_done) {
        return;
    }
    kee_key_begin(&at, vom->loose.size > 0 ? "" : LOOSE);
    kee_key_put(&at, kee_buf_bytes(&vom->loose));
    for (unsigned count = 0; count < KEE_LIMIT_DEAD_PER_REAP;) {
        if (!kee_vom_next(the, prefix, kee_key_bytes(&at), &found, &value) ||
            !kee_bytes_has_prefix(found, prefix)) {
            vom->loose_done = true;
            break;
        }
        at.size = 0;
        kee_key_put(&at, found);
        struct kee_bytes base = kee_bytes_of(at.text + prefix.size, at.size - prefix.size);
        if (is_loose(the, base)) {
            kee_ls_possibly_dead(kee_ls_of(the), base);
            count++;
        }
    }
    kee_buf_clear(&vom->loose);
    kee_buf_put_bytes(&vom->loose, kee_key_bytes(&at));
    kee_ls_check(the, kee_buf_status(&vom->loose));
}
