/* SPDX-License-Identifier: Apache-2.0 */
/* marshal_read_object - what stands between braces in a body: records, tagged values, errors. */
#include "vat/liveslots/marshal_reader.h"
#include "vat/liveslots/pass_style.h"
#include "vat/liveslots/root.h"

/* Keys that come out of order are looked for among those before them, one by one. */
#define UNSORTED_MAX 1024u

static enum kee_read_mark mark_of(struct kee_reader *r, struct kee_bytes key)
{
    if (!r->smallcaps) {
        return kee_bytes_equal(key, KEE_BYTES_LIT("@qclass")) ? KEE_MARK_QCLASS : KEE_MARK_NONE;
    }
    if (kee_bytes_equal(key, KEE_BYTES_LIT("#tag"))) {
        return KEE_MARK_TAG;
    }
    if (kee_bytes_equal(key, KEE_BYTES_LIT("#error"))) {
        return KEE_MARK_ERROR;
    }
    if (key.size > 0 && key.data[0] == '#') {
        kee_ls_throw(r->the, XS_UNKNOWN_ERROR, "Unrecognized record type \"%.*s\"",
                     (int)(key.size > 200 ? 200 : key.size), (const char *)key.data);
    }
    return KEE_MARK_NONE;
}

/* Where keys come in order, as every writer of the field sends them, none can be there already. */
static txSlot *find_member(struct kee_reader *r, struct kee_object *object, txID id)
{
    txMachine *the = r->the;
    txSlot *found;

    if (object->count == 0) {
        return NULL;
    }
    if (!object->unsorted && strcmp(fxGetKey(the, object->last->ID)->value.key.string,
                                    fxGetKey(the, id)->value.key.string) < 0) {
        return NULL;
    }
    object->unsorted = true;
    found = kee_own_property(object->record, id);
    if (!found && object->count > UNSORTED_MAX) {
        mxRangeError("a record with so many keys must have them sorted");
    }
    return found;
}

/* The key on the stack and the value above it become a member; both go. */
static void add_member(struct kee_reader *r, struct kee_object *object)
{
    txMachine *the = r->the;
    txSlot *value = the->stack;
    txSlot *key = the->stack + 1;
    txSlot *property;
    txIndex index;
    txID id;

    if (!kee_is_string(key)) {
        mxTypeError("property name must be a string");
    }
    if (fxStringToIndex(the->dtoa, key->value.string, &index)) {
        property = fxOrdinarySetProperty(the, object->record, XS_NO_ID, index, XS_OWN);
        property->kind = value->kind;
        property->value = value->value;
        property->flag |= KEE_READ_FIXED;
        mxPop();
        mxPop();
        return;
    }
    id = fxNewName(the, key);
    property = find_member(r, object, id);
    if (!property) {
        object->last =
            fxNextSlotProperty(the, fxLastProperty(the, object->last), value, id, KEE_READ_FIXED);
        object->count++;
    } else {
        /* Twice the same name: the later one holds. */
        property->kind = value->kind;
        property->value = value->value;
    }
    mxPop();
    mxPop();
}

/* A key of smallcaps may be escaped. Pushes it. */
static void push_key(struct kee_reader *r, struct kee_bytes key)
{
    if (r->smallcaps && kee_read_is_special(key)) {
        kee_read_special(r, key);
    } else {
        kee_ls_push_string(r->the, key);
    }
}

static void read_members(struct kee_reader *r, struct kee_object *object)
{
    txMachine *the = r->the;

    for (;;) {
        struct kee_bytes key;
        enum kee_read_mark mark;
        if (kee_read_peek(r) != '"') {
            kee_read_malformed(r, "a key is missing");
        }
        key = kee_read_text(r);
        mark = mark_of(r, key);
        if (mark == KEE_MARK_NONE) {
            push_key(r, key);
        }
        kee_read_expect(r, ':');
        kee_read_value(r);
        if (mark == KEE_MARK_NONE) {
            add_member(r, object);
        } else {
            if (object->mark != KEE_MARK_NONE && object->mark != mark) {
                mxTypeError("a record cannot be both tagged and an error");
            }
            object->mark = mark;
            object->marked->kind = the->stack->kind;
            object->marked->value = the->stack->value;
            mxPop();
        }
        if (kee_read_peek(r) != ',') {
            break;
        }
        r->at++;
    }
    kee_read_expect(r, '}');
}

/* The member of a special record, NULL if it has none of that name. */
txSlot *kee_read_member(struct kee_reader *r, struct kee_object *object, const char *name)
{
    txID id = fxFindName(r->the, (txString)(uintptr_t)name);

    return id ? kee_own_property(object->record, id) : NULL;
}

void kee_read_refuse_others(struct kee_reader *r, struct kee_object *object, uint32_t known)
{
    txMachine *the = r->the;

    if (object->count != known) {
        mxTypeError("special record with unexpected properties");
    }
}

void kee_read_tagged(struct kee_reader *r, struct kee_object *object, txSlot *tag)
{
    txMachine *the = r->the;
    txFlag hidden = KEE_READ_FIXED | XS_DONT_ENUM_FLAG;
    txSlot *payload = kee_read_member(r, object, "payload");
    txSlot *instance;
    txSlot *slot;

    if (!tag || !kee_is_string(tag)) {
        mxTypeError("Value of \"#tag\", the tag, must be a string");
    }
    if (!payload) {
        mxTypeError("tagged record without payload");
    }
    mxPush(mxObjectPrototype);
    instance = fxNewObjectInstance(the);
    mxPushStringC("tagged");
    slot = fxNextSlotProperty(the, instance, the->stack, kee_pass_style_id(the), hidden);
    mxPop();
    slot = fxNextSlotProperty(the, slot, tag, mxID(_Symbol_toStringTag), hidden);
    fxNextSlotProperty(the, slot, payload, kee_ls_id(the, "payload"), KEE_READ_FIXED);
    instance->flag |= KEE_READ_HARDENED;
}

static void keep_error_id(struct kee_reader *r, struct kee_object *object, txSlot *error)
{
    txSlot *id = kee_read_member(r, object, "errorId");
    txSlot *tag;

    if (id && kee_is_string(id)) {
        tag = kee_tag_make(r->the, error, KEE_TAG_ERROR_ID);
        tag->kind = id->kind;
        tag->value = id->value;
    }
}

void kee_read_error(struct kee_reader *r, struct kee_object *object, txSlot *message)
{
    txMachine *the = r->the;
    txSlot *name = kee_read_member(r, object, "name");
    txSlot *cause = kee_read_member(r, object, "cause");
    txSlot *error;
    txSlot *last;

    if (!name || !kee_is_string(name)) {
        mxTypeError("invalid error name");
    }
    if (!message || !kee_is_string(message)) {
        mxTypeError("invalid error message");
    }
    mxPushSlot(message);
    kee_push_named_error(the, kee_bytes_str(name->value.string));
    error = the->stack->value.reference;
    if (cause && mxIsReference(cause) && kee_error_class(the, cause->value.reference)) {
        last = fxLastProperty(the, error);
        fxNextSlotProperty(the, last, cause, mxID(_cause), XS_DONT_ENUM_FLAG);
    }
    keep_error_id(r, object, error);
    kee_ls_harden(the, the->stack);
}

static const struct {
    const char *name;
    txError which;
} classes[] = {
    {"Error", XS_UNKNOWN_ERROR},      {"EvalError", XS_EVAL_ERROR},
    {"RangeError", XS_RANGE_ERROR},   {"ReferenceError", XS_REFERENCE_ERROR},
    {"SyntaxError", XS_SYNTAX_ERROR}, {"TypeError", XS_TYPE_ERROR},
    {"URIError", XS_URI_ERROR},       {"AggregateError", XS_AGGREGATE_ERROR},
};

void kee_push_named_error(txMachine *the, struct kee_bytes name)
{
    txError which = XS_UNKNOWN_ERROR;
    txSlot *message = the->stack;
    txSlot *slot;

    for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
        if (kee_bytes_equal(name, kee_bytes_str(classes[i].name))) {
            which = classes[i].which;
        }
    }
    kee_push_error(the, which, kee_bytes_of(NULL, 0));
    slot = kee_own_property(the->stack->value.reference, mxID(_message));
    slot->kind = message->kind;
    slot->value = message->value;
    message->kind = the->stack->kind;
    message->value = the->stack->value;
    mxPop();
}

void kee_read_object(struct kee_reader *r)
{
    txMachine *the = r->the;
    struct kee_object object = {.mark = KEE_MARK_NONE};
    txSlot *result;

    kee_read_deeper(r);
    r->at++;
    mxPush(mxObjectPrototype);
    object.record = object.last = fxNewObjectInstance(the);
    result = the->stack;
    mxPushUndefined();
    object.marked = the->stack;
    if (kee_read_peek(r) == '}') {
        r->at++;
    } else {
        read_members(r, &object);
    }
    if (object.mark == KEE_MARK_NONE) {
        object.record->flag |= KEE_READ_HARDENED;
        mxPop();
    } else {
        if (object.mark == KEE_MARK_TAG) {
            kee_read_refuse_others(r, &object, 1);
            kee_read_tagged(r, &object, object.marked);
        } else if (object.mark == KEE_MARK_ERROR) {
            kee_read_error(r, &object, object.marked);
        } else {
            kee_read_qclass(r, &object, object.marked);
        }
        result->kind = the->stack->kind;
        result->value = the->stack->value;
        the->stack = result;
    }
    r->depth--;
}
