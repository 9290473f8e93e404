/* SPDX-License-Identifier: Apache-2.0 */
/* Defining kinds: what VatData's functions for kinds do. */
#include "vat/liveslots/durable.h"
#include "vat/liveslots/kinds_build.h"

static void hand_out(txMachine *the, struct kee_kind *kind, const txSlot *options, const char *name,
                     txCallback callback, const char *function_name)
{
    txSlot *receiver = kee_kind_push_member(the, options, name);
    if (receiver->kind != XS_UNDEFINED_KIND) {
        if (callback == kee_kind_amplify && !kind->multi) {
            kee_kind_error(the, kind,
                           "Only facets of an exo class kit can be amplified, not \"%.*s\"");
        }
        mxPushUndefined();
        mxPushSlot(receiver);
        mxCall();
        kee_kind_push_function(the, kind, callback, 1, kee_ls_id(the, function_name), -1, NULL);
        kee_ls_harden(the, the->stack);
        mxRunCount(1);
        mxPop();
    }
    mxPop();
}

/* Pushes the guard for the kind out of its options, and gives whether methods are thisful. Older
 * callers hand over the kit of guards under the name of the single one. */
static struct kee_kind_options take_options(txMachine *the, struct kee_kind *kind,
                                            const txSlot *options)
{
    struct kee_kind_options out = {NULL, false};
    mxPushUndefined();
    out.guard = the->stack;
    if (options->kind != XS_REFERENCE_KIND) {
        return out;
    }
    kee_kind_push_member(the, options, "thisfulMethods");
    out.thisful = fxToBoolean(the, the->stack);
    mxPop();
    kee_kind_push_member(the, options, "interfaceGuard");
    kee_kind_push_member(the, options, "interfaceGuardKit");
    txSlot *kit = the->stack, *single = the->stack + 1;
    if (!kind->multi && kit->kind != XS_UNDEFINED_KIND) {
        kee_kind_error(the, kind,
                       "Use an interfaceGuard, not interfaceGuardKit, to protect class \"%.*s\"");
    }
    if (kind->multi && kit->kind != XS_UNDEFINED_KIND && single->kind != XS_UNDEFINED_KIND) {
        kee_kind_error(
            the, kind,
            "Use an interfaceGuardKit, not an interfaceGuard, to protect class kit \"%.*s\"");
    }
    txSlot *chosen = kind->multi && kit->kind != XS_UNDEFINED_KIND ? kit : single;
    out.guard->kind = chosen->kind;
    out.guard->value = chosen->value;
    mxPop();
    mxPop();
    return out;
}

/* init, behavior and options are on the stack. The result is the maker. */
static void define(txMachine *the, struct kee_kind *kind, bool multi, txSlot *init,
                   txSlot *behavior, txSlot *options)
{
    enum kee_behavior_shape shape = kee_behavior_shape(the, behavior, false);
    if (shape == KEE_BEHAVIOR_NONE || (shape == KEE_BEHAVIOR_FACETS) != multi) {
        kee_kind_error(
            the, kind,
            multi ? "invalid behavior specifier for \"%.*s\": facets are wanted, each a record of "
                    "functions"
                  : "invalid behavior specifier for \"%.*s\": a record of functions is wanted");
    }
    if (kind->unfaceted && multi) {
        kee_kind_error(the, kind,
                       "defineDurableKindMulti called for unfaceted KindHandle \"%.*s\"");
    }
    if (kind->facets.size > 0 && !multi) {
        kee_kind_error(the, kind, "defineDurableKind called for faceted KindHandle \"%.*s\"");
    }
    kind->multi = multi;
    struct kee_kind_options chosen = take_options(the, kind, options);
    if (multi) {
        kee_kind_settle_facets(the, kind, behavior);
    }
    kee_kind_take_shape(the, kind, options);
    if (kind->durable) {
        kind->unfaceted = !multi;
        kee_kind_save(the, kind);
    }
    kee_kind_set_part(kind, KEE_KIND_INIT, init);
    if (options->kind == XS_REFERENCE_KIND) {
        kee_kind_push_member(the, options, "finish");
        kee_kind_set_part(kind, KEE_KIND_FINISH, the->stack);
        mxPop();
        kee_hooks_take(the, kind, options);
    }
    kee_kind_make_state_proto(the, kind);
    kee_kind_make_protos(the, kind, behavior, &chosen);
    kind->defined = true;
    if (options->kind == XS_REFERENCE_KIND) {
        hand_out(the, kind, options, "receiveAmplifier", kee_kind_amplify, "amplify");
        hand_out(the, kind, options, "receiveInstanceTester", kee_kind_is_instance, "isInstance");
    }
    kee_kind_push_function(the, kind, kee_kind_maker, 0, kee_ls_id(the, "makeNewInstance"), -1,
                           NULL);
    kee_kind_set_maker(the, kind, the->stack);
    kee_ls_harden(the, the->stack);
    mxPullSlot(mxResult);
}

static void take_tag(txMachine *the, struct kee_kind *kind, txSlot *tag)
{
    kee_ls_put_string(&kind->tag, tag);
    kee_ls_check(the, kee_buf_status(&kind->tag));
}

static txSlot *tag_argument(txMachine *the)
{
    txSlot *tag = kee_kind_push_argument(the, 0);
    if (tag->kind != XS_STRING_KIND && tag->kind != XS_STRING_X_KIND) {
        char text[100];
        kee_describe_value(the, tag, text, sizeof(text));
        kee_ls_throw(the, XS_UNKNOWN_ERROR, "the tag of a kind must be a string, not %s", text);
    }
    return tag;
}

static void define_virtual(txMachine *the, bool multi)
{
    kee_kind_require_liveslots(the);
    txSlot *tag = tag_argument(the);
    struct kee_kind *kind =
        kee_kind_add(the, kee_ls_next_export_id(kee_ls_of(the)), KEE_KIND_USER, false);
    take_tag(the, kind, tag);
    kee_kind_save(the, kind);
    txSlot *init = kee_kind_push_argument(the, 1);
    txSlot *behavior = kee_kind_push_argument(the, 2);
    define(the, kind, multi, init, behavior, kee_kind_push_argument(the, 3));
}

static void define_of_handle(txMachine *the, bool multi, txSlot *handle, txSlot *init,
                             txSlot *behavior, txSlot *options)
{
    struct kee_kind *kind;
    kee_kind_require_liveslots(the);
    kind = kee_kind_of_handle(the, handle);
    if (kind == NULL) {
        char text[100];
        kee_describe_value(the, handle, text, sizeof(text));
        kee_ls_throw(the, XS_UNKNOWN_ERROR, "unknown handle %s: makeKindHandle() makes handles",
                     text);
    }
    if (kind->defined) {
        kee_kind_error(the, kind, "redefinition of durable kind \"%.*s\"");
    }
    define(the, kind, multi, init, behavior, options);
}

static void define_durable(txMachine *the, bool multi)
{
    txSlot *handle = kee_kind_push_argument(the, 0);
    txSlot *init = kee_kind_push_argument(the, 1);
    txSlot *behavior = kee_kind_push_argument(the, 2);
    define_of_handle(the, multi, handle, init, behavior, kee_kind_push_argument(the, 3));
}

void kee_kind_define(txMachine *the, txSlot *handle, txSlot *init, txSlot *behavior,
                     txSlot *options)
{
    define_of_handle(the, false, handle, init, behavior, options);
}

void kee_kind_define_virtual(txMachine *the)
{
    define_virtual(the, false);
}
void kee_kind_define_virtual_multi(txMachine *the)
{
    define_virtual(the, true);
}
void kee_kind_define_durable(txMachine *the)
{
    define_durable(the, false);
}
void kee_kind_define_durable_multi(txMachine *the)
{
    define_durable(the, true);
}

void kee_kind_make_handle(txMachine *the)
{
    kee_kind_require_liveslots(the);
    txSlot *tag = tag_argument(the);
    struct kee_key key;
    struct kee_kind *kind =
        kee_kind_add(the, kee_ls_next_export_id(kee_ls_of(the)), KEE_KIND_USER, true);
    take_tag(the, kind, tag);
    kee_kind_save(the, kind);
    kee_key_begin(&key, "vom.dkind.");
    kee_key_decimal(&key, kind->id);
    kee_key_put(&key, kee_bytes_str(".nextID"));
    kee_vom_set_number(the, &key, kind->next_instance);
    kee_kind_push_handle(the, kind->id);
    mxPullSlot(mxResult);
}

void kee_kind_can_be_durable(txMachine *the)
{
    kee_kind_require_liveslots(the);
    struct kee_ls_capdata *capdata = kee_ls_capdata_new(the);
    kee_ls_serialize(the, kee_kind_push_argument(the, 0), capdata);
    mxResult->kind = XS_BOOLEAN_KIND;
    mxResult->value.boolean = kee_durable_all(the, capdata);
    kee_ls_capdata_done(kee_ls_of(the), capdata);
}
