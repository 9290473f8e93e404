/* SPDX-License-Identifier: Apache-2.0 */
/* hp_local - what a send does when its target is a value of this vat. */
#include "vat/liveslots/hp.h"
#include "vat/liveslots/root.h"

/* More arguments would not fit the engine's stack, and running out of that ends the vat. */
#define ARGUMENTS_MAX 1024u
/* Names of methods told in an error. */
#define NAMES_MAX 256u
/* Prototypes looked at for them. */
#define CHAIN_MAX 64u

const char *kee_hp_type_of(txMachine *the, txSlot *value)
{
    switch (value->kind) {
    case XS_UNDEFINED_KIND:
        return "undefined";
    case XS_NULL_KIND:
        return "null";
    case XS_BOOLEAN_KIND:
        return "boolean";
    case XS_INTEGER_KIND:
    case XS_NUMBER_KIND:
        return "number";
    case XS_STRING_KIND:
    case XS_STRING_X_KIND:
        return "string";
    case XS_SYMBOL_KIND:
        return "symbol";
    case XS_BIGINT_KIND:
    case XS_BIGINT_X_KIND:
        return "bigint";
    default:
        return fxIsCallable(the, value) ? "function" : "object";
    }
}

/* Appends the text of a key that is a name, a registered symbol or another symbol. */
static void put_key(struct kee_buf *out, const txSlot *key)
{
    txSlot text = {.kind = XS_STRING_KIND};
    size_t from = out->size;

    if (!key) {
        return;
    }
    text.value.string = key->kind == XS_KEY_KIND || key->kind == XS_KEY_X_KIND
                            ? key->value.key.string
                            : key->value.string;
    kee_ls_put_string(out, &text);
    for (size_t i = from; i < out->size && !out->failed; i++) {
        if (out->data[i] < 0x20) {
            out->data[i] = ' '; /* a message is one line */
        }
    }
}

static void put_quoted_id(txMachine *the, txID id, struct kee_buf *out)
{
    bool name = fxIsKeyName(the, id);

    kee_buf_put_str(out, name ? "\"" : "\"[Symbol(");
    put_key(out, fxGetKey(the, id));
    kee_buf_put_str(out, name ? "\"" : ")]\"");
}

void kee_hp_put_quoted(txMachine *the, txSlot *key, struct kee_buf *out)
{
    if (key->kind == XS_SYMBOL_KIND) {
        put_quoted_id(the, key->value.symbol, out);
        return;
    }
    kee_buf_put_char(out, '"');
    if (kee_is_string(key)) {
        put_key(out, key);
    } else {
        kee_buf_put_str(out, kee_hp_type_of(the, key));
    }
    kee_buf_put_char(out, '"');
}

/* Orders names as npm's does: symbols first, then by their text. */
static int compare_names(txMachine *the, const txSlot *a, const txSlot *b)
{
    bool a_symbol = a->kind == XS_SYMBOL_KIND;
    bool b_symbol = b->kind == XS_SYMBOL_KIND;
    const txSlot *a_key = a_symbol ? fxGetKey(the, a->value.symbol) : NULL;
    const txSlot *b_key = b_symbol ? fxGetKey(the, b->value.symbol) : NULL;

    if (a_symbol != b_symbol) {
        return a_symbol ? -1 : 1;
    }
    if (a_symbol) {
        return strcmp(a_key && a_key->value.key.string ? a_key->value.key.string : "",
                      b_key && b_key->value.key.string ? b_key->value.key.string : "");
    }
    return strcmp(a->value.string, b->value.string);
}

/* Puts the name on the stack into the list, which is in order, unless it is there or the list is full. */
static void add_name(txMachine *the, txSlot *list, unsigned *count)
{
    txSlot **address = &list->next;
    txSlot *slot;

    if (*count == NAMES_MAX) {
        return;
    }
    while (*address) {
        int order = compare_names(the, *address, the->stack);
        if (order == 0 && ((*address)->kind != XS_SYMBOL_KIND ||
                           (*address)->value.symbol == the->stack->value.symbol)) {
            return;
        }
        if (order > 0) {
            break;
        }
        address = &(*address)->next;
    }
    slot = fxNewSlot(the);
    slot->kind = the->stack->kind;
    slot->value = the->stack->value;
    slot->next = *address;
    *address = slot;
    (*count)++;
}

/* Adds those own names of layer that are methods of value. */
static void add_layer(txMachine *the, txSlot *value, txSlot *layer, txSlot *list, unsigned *count)
{
    txSlot *stack = the->stack;
    txSlot *keys = fxNewInstance(the);

    mxBehaviorOwnKeys(the, layer, XS_EACH_NAME_FLAG | XS_EACH_SYMBOL_FLAG, keys);
    for (txSlot *key = keys->next; key; key = key->next) {
        txSlot *name;
        bool method;
        if (layer == mxFunctionPrototype.value.reference &&
            (key->value.at.id == mxID(_caller) || key->value.at.id == mxID(_arguments))) {
            continue; /* getters that only throw, which npm's lockdown removes */
        }
        mxPushUndefined();
        name = the->stack;
        fxKeyAt(the, key->value.at.id, key->value.at.index, name);
        mxPushSlot(value);
        mxPushSlot(name);
        fxGetAt(the);
        method = fxIsCallable(the, the->stack);
        mxPop();
        if (method) {
            add_name(the, list, count);
        }
        mxPop();
    }
    the->stack = stack;
}

void kee_hp_push_method_names(txMachine *the, txSlot *value)
{
    unsigned count = 0;
    unsigned depth = 0;
    txSlot *array;
    txSlot *layer;

    mxPush(mxArrayPrototype);
    array = fxNewArrayInstance(the)->next;
    mxPushUndefined();
    layer = the->stack;
    if (value->kind == XS_REFERENCE_KIND) {
        layer->kind = XS_REFERENCE_KIND;
        layer->value.reference = value->value.reference;
    }
    while (layer->kind == XS_REFERENCE_KIND && depth++ < CHAIN_MAX &&
           layer->value.reference != mxObjectPrototype.value.reference) {
        add_layer(the, value, layer->value.reference, array, &count);
        if (!mxBehaviorGetPrototype(the, layer->value.reference, layer)) {
            layer->kind = XS_UNDEFINED_KIND;
        }
    }
    array->value.array.length = count;
    mxPop();
    fxCacheArray(the, the->stack->value.reference);
}

void kee_hp_put_names(txMachine *the, txSlot *names, struct kee_buf *out)
{
    txSlot *array = names->value.reference->next;

    kee_buf_put_char(out, '[');
    for (txIndex i = 0; i < array->value.array.length; i++) {
        if (i > 0) {
            kee_buf_put_char(out, ',');
        }
        kee_hp_put_quoted(the, array->value.array.address + i, out);
    }
    kee_buf_put_char(out, ']');
}

void kee_hp_throw_text(txMachine *the, txError which, struct kee_buf *text)
{
    char copy[2048];
    int size =
        text->failed || text->size > sizeof(copy) - 1 ? (int)sizeof(copy) - 1 : (int)text->size;

    if (text->failed) {
        size = 0;
    }
    if (size > 0) {
        memcpy(copy, text->data, (size_t)size);
    }
    copy[size] = '\0';
    kee_buf_fini(text);
    kee_ls_throw(the, which, "%s", copy);
}

static void throw_no_method(txMachine *the, txSlot *value, txSlot *prop)
{
    struct kee_buf text = KEE_BUF_EMPTY;

    kee_hp_push_method_names(the, value);
    kee_buf_put_str(&text, "target has no method ");
    kee_hp_put_quoted(the, prop, &text);
    kee_buf_put_str(&text, ", has ");
    kee_hp_put_names(the, the->stack, &text);
    kee_hp_throw_text(the, XS_TYPE_ERROR, &text);
}

static void throw_about(txMachine *the, txError which, const char *before, txSlot *prop,
                        const char *after, txSlot *value)
{
    struct kee_buf text = KEE_BUF_EMPTY;

    kee_buf_put_str(&text, before);
    if (prop) {
        kee_hp_put_quoted(the, prop, &text);
    }
    kee_buf_printf(&text, "%s\"%s\"", after, kee_hp_type_of(the, value));
    kee_hp_throw_text(the, which, &text);
}

/* Pushes value[prop]. A name nobody has used yet is no property of anything, and takes no place in the
 * engine's table of names, which never shrinks: senders choose names. */
static void push_property(txMachine *the, txSlot *value, txSlot *prop)
{
    txIndex index;

    if (kee_is_string(prop)) {
        if (!fxStringToIndex(the->dtoa, prop->value.string, &index) &&
            fxFindName(the, prop->value.string) == XS_NO_ID &&
            !(value->kind == XS_REFERENCE_KIND && mxIsProxy(value->value.reference))) {
            mxPushUndefined();
            return;
        }
    }
    mxPushSlot(value);
    mxPushSlot(prop);
    fxGetAt(the);
}

/* With this and function on the stack, mxCall done: pushes the arguments and runs. */
static void run_with(txMachine *the, txSlot *args)
{
    txSlot *array = args->value.reference->next;
    txIndex count = array->value.array.length;

    if (count > ARGUMENTS_MAX) {
        kee_ls_throw(the, XS_RANGE_ERROR, "too many arguments: %u, at most %u", (unsigned)count,
                     ARGUMENTS_MAX);
    }
    for (txIndex i = 0; i < count; i++) {
        mxPushSlot(array->value.array.address + i);
    }
    mxRunCount((txInteger)count);
}

static void apply_function(txMachine *the, txSlot *value, txSlot *args)
{
    if (!fxIsCallable(the, value)) {
        throw_about(the, XS_TYPE_ERROR, "Cannot invoke target as a function; typeof target is ",
                    NULL, "", value);
    }
    mxPushUndefined();
    mxPushSlot(value);
    mxCall();
    run_with(the, args);
}

void kee_hp_apply_local(txMachine *the, int op, txSlot *value, txSlot *prop, txSlot *args)
{
    if (op == KEE_HP_GET) {
        push_property(the, value, prop);
        return;
    }
    if (op == KEE_HP_APPLY_FUNCTION || prop->kind == XS_UNDEFINED_KIND ||
        prop->kind == XS_NULL_KIND) {
        apply_function(the, value, args);
        return;
    }
    if (value->kind == XS_UNDEFINED_KIND || value->kind == XS_NULL_KIND) {
        throw_about(the, XS_TYPE_ERROR, "Cannot deliver ", prop, " to target; typeof target is ",
                    value);
    }
    mxPushSlot(value);
    push_property(the, value, prop);
    if (the->stack->kind == XS_UNDEFINED_KIND) {
        throw_no_method(the, value, prop);
    }
    if (!fxIsCallable(the, the->stack)) {
        throw_about(the, XS_UNKNOWN_ERROR, "invoked method ", prop, " is not a function; it is a ",
                    the->stack);
    }
    mxCall();
    run_with(the, args);
}
