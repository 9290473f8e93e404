/* SPDX-License-Identifier: Apache-2.0 */
/* marshal_read_capdata - the special records of the older encoding: those with @qclass. */
#include "vat/liveslots/marshal_reader.h"
#include "vat/liveslots/pass_style.h"
#include "vat/liveslots/root.h"

static void finish_capdata_slot(struct kee_reader *r, struct kee_object *object)
{
    txMachine *the = r->the;
    txSlot *index = kee_read_member(r, object, "index");
    txSlot *iface = kee_read_member(r, object, "iface");
    struct kee_bytes text = {NULL, 0};

    kee_read_refuse_others(r, object, iface ? 2 : 1);
    if (!index || index->kind != XS_INTEGER_KIND || index->value.integer < 0 ||
        (iface && !kee_is_string(iface))) {
        mxTypeError("invalid slot record");
    }
    if (iface) {
        kee_buf_clear(&r->ls->text);
        kee_ls_put_string(&r->ls->text, iface);
        kee_ls_check(the, kee_buf_status(&r->ls->text));
        text = kee_buf_bytes(&r->ls->text);
    }
    kee_read_slot(r, (uint64_t)index->value.integer, text, -1);
}

static void finish_hilbert(struct kee_reader *r, struct kee_object *object)
{
    txMachine *the = r->the;
    txSlot *original = kee_read_member(r, object, "original");
    txSlot *rest = kee_read_member(r, object, "rest");
    txID id = kee_ls_id(the, "@qclass");

    kee_read_refuse_others(r, object, rest ? 2 : 1);
    if (!original || (rest && (kee_ls_pass_style(the, rest) != KEE_STYLE_COPY_RECORD ||
                               kee_own_property(rest->value.reference, id)))) {
        mxTypeError("invalid hilbert record");
    }
    /* Nobody else has seen the rest, so it may become the whole. */
    if (rest) {
        mxPushSlot(rest);
    } else {
        mxPush(mxObjectPrototype);
        fxNewObjectInstance(the);
    }
    fxNextSlotProperty(the, fxLastProperty(the, the->stack->value.reference), original, id,
                       KEE_READ_FIXED);
    the->stack->value.reference->flag |= KEE_READ_HARDENED;
}

static void push_utf8_special(struct kee_reader *r, struct kee_object *object, const char *name,
                              void (*push)(struct kee_reader *r, struct kee_bytes text))
{
    txMachine *the = r->the;
    txSlot *text = kee_read_member(r, object, name);

    kee_read_refuse_others(r, object, 1);
    if (!text || !kee_is_string(text)) {
        mxTypeError("invalid special record");
    }
    kee_buf_clear(&r->ls->text);
    kee_ls_put_string(&r->ls->text, text);
    kee_ls_check(the, kee_buf_status(&r->ls->text));
    push(r, kee_buf_bytes(&r->ls->text));
}

static void push_symbol_named(struct kee_reader *r, struct kee_bytes text)
{
    kee_push_symbol(r->the, text);
}

void kee_read_qclass(struct kee_reader *r, struct kee_object *object, txSlot *qclass)
{
    txMachine *the = r->the;
    const char *name;

    if (!kee_is_string(qclass)) {
        mxTypeError("invalid qclass");
    }
    name = qclass->value.string;
    if (strcmp(name, "slot") == 0) {
        finish_capdata_slot(r, object);
    } else if (strcmp(name, "undefined") == 0) {
        mxPushUndefined();
    } else if (strcmp(name, "NaN") == 0) {
        mxPushNumber(NAN);
    } else if (strcmp(name, "Infinity") == 0) {
        mxPushNumber(INFINITY);
    } else if (strcmp(name, "-Infinity") == 0) {
        mxPushNumber(-INFINITY);
    } else if (strcmp(name, "bigint") == 0) {
        push_utf8_special(r, object, "digits", kee_read_bigint);
    } else if (strcmp(name, "symbol") == 0) {
        push_utf8_special(r, object, "name", push_symbol_named);
    } else if (strcmp(name, "@@asyncIterator") == 0) {
        mxPushSymbol(_Symbol_asyncIterator);
    } else if (strcmp(name, "error") == 0) {
        kee_read_error(r, object, kee_read_member(r, object, "message"));
    } else if (strcmp(name, "tagged") == 0) {
        kee_read_refuse_others(r, object, 2);
        kee_read_tagged(r, object, kee_read_member(r, object, "tag"));
    } else if (strcmp(name, "hilbert") == 0) {
        finish_hilbert(r, object);
    } else {
        kee_ls_throw(the, XS_TYPE_ERROR, "unrecognized qclass \"%.200s\"", name);
    }
}
