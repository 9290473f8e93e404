/* SPDX-License-Identifier: Apache-2.0 */
#include "vat/liveslots/durable.h"

#include <stdarg.h>
#include <stdio.h>

struct path {
    struct kee_bytes wanted; /* the vref looked for */
    char text[400];
    size_t size;
};

static void path_cut(struct path *path, size_t size)
{
    path->size = size;
    path->text[size] = '\0';
}

static void path_add(struct path *path, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static void path_add(struct path *path, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int size =
        vsnprintf(path->text + path->size, sizeof(path->text) - path->size, format, arguments);
    va_end(arguments);
    if (size > 0) {
        path->size += (size_t)size;
    }
    if (path->size >= sizeof(path->text)) {
        path->size = sizeof(path->text) - 1;
    }
}

static bool find(txMachine *the, txSlot *value, struct path *path, unsigned depth);

/* Looks into the own properties of value, which is hardened data. */
static bool find_inside(txMachine *the, txSlot *value, bool is_array, struct path *path,
                        unsigned depth)
{
    size_t size = path->size;
    bool found = false;
    mxPush(mxArrayPrototype);
    txSlot *keys = fxNewArrayInstance(the)->next;
    mxBehaviorOwnKeys(the, value->value.reference, XS_EACH_NAME_FLAG, keys);
    for (txSlot *key = keys->next; key != NULL && !found; key = key->next) {
        txID id = key->value.at.id;
        txIndex index = key->value.at.index;
        mxPushUndefined();
        fxKeyAt(the, id, index, the->stack);
        if (is_array && id == XS_NO_ID) {
            path_add(path, "[%u]", (unsigned)index);
        } else {
            fxToString(the, the->stack);
            path_add(path, ".%s", the->stack->value.string);
        }
        mxPop();
        mxPushSlot(value);
        fxGetAll(the, id, index);
        found = find(the, the->stack, path, depth - 1);
        mxPop();
        if (!found) {
            path_cut(path, size);
        }
    }
    mxPop();
    return found;
}

static bool find(txMachine *the, txSlot *value, struct path *path, unsigned depth)
{
    struct kee_ls_vref vref;
    if (value->kind != XS_REFERENCE_KIND || depth == 0) {
        return false;
    }
    if (kee_ls_vref_of(the, value, &vref)) {
        return kee_bytes_equal(kee_ls_vref_bytes(&vref), path->wanted);
    }
    switch (kee_ls_pass_style(the, value)) {
    case KEE_STYLE_COPY_ARRAY:
        return find_inside(the, value, true, path, depth);
    case KEE_STYLE_COPY_RECORD:
    case KEE_STYLE_TAGGED:
        return find_inside(the, value, false, path, depth);
    default:
        return false;
    }
}

static const char *what_it_is(const struct kee_vref_parts *parts)
{
    if (parts->type == KEE_VREF_PROMISE) {
        return "a promise";
    }
    return parts->is_virtual ? "an object of a virtual kind, which ends with this incarnation"
                             : "an object of the heap, which ends with this incarnation";
}

void kee_durable_insist(txMachine *the, txSlot *value, const struct kee_ls_capdata *capdata,
                        const char *format, ...)
{
    struct kee_vp_strings slots = kee_ls_capdata_slots(capdata);
    struct kee_vref_parts parts;
    struct path path = {.size = 0};
    va_list arguments;
    do {
        if (!kee_vp_strings_next(&slots, &path.wanted)) {
            return;
        }
    } while (kee_refs_is_durable(the, path.wanted));

    kee_vom_parse(the, path.wanted, &parts);
    va_start(arguments, format);
    int size = vsnprintf(path.text, sizeof(path.text), format, arguments);
    va_end(arguments);
    path.size = size < 0                           ? 0
                : (size_t)size < sizeof(path.text) ? (size_t)size
                                                   : sizeof(path.text) - 1;
    find(the, value, &path, KEE_LIMIT_VALUE_DEPTH);
    kee_ls_throw(the, XS_UNKNOWN_ERROR,
                 "value is not durable: %s is %s; use a durable kind or store", path.text,
                 what_it_is(&parts));
}

bool kee_durable_all(txMachine *the, const struct kee_ls_capdata *capdata)
{
    struct kee_vp_strings slots = kee_ls_capdata_slots(capdata);
    struct kee_bytes vref;
    while (kee_vp_strings_next(&slots, &vref)) {
        if (!kee_refs_is_durable(the, vref)) {
            return false;
        }
    }
    return true;
}

void kee_describe_value(txMachine *the, txSlot *value, char *text, size_t size)
{
    switch (value->kind) {
    case XS_STRING_KIND:
    case XS_STRING_X_KIND:
        snprintf(text, size, "\"%s\"", value->value.string);
        return;
    case XS_REFERENCE_KIND:
        break;
    default:
        mxPushSlot(value);
        if (value->kind == XS_SYMBOL_KIND) {
            snprintf(text, size, "a symbol");
        } else {
            bool big = value->kind == XS_BIGINT_KIND || value->kind == XS_BIGINT_X_KIND;
            fxToString(the, the->stack);
            snprintf(text, size, "%s%s", the->stack->value.string, big ? "n" : "");
        }
        mxPop();
        return;
    }
    mxTry(the)
    {
        if (fxIsCallable(the, value)) {
            snprintf(text, size, "a function");
        } else if (kee_ls_pass_style(the, value) == KEE_STYLE_REMOTABLE) {
            kee_ls_push_interface(the, value);
            snprintf(text, size, "\"[%s]\"",
                     the->stack->kind == XS_STRING_KIND || the->stack->kind == XS_STRING_X_KIND
                         ? the->stack->value.string
                         : "remotable");
            mxPop();
        } else {
            snprintf(text, size, "an object");
        }
    }
    mxCatch(the)
    {
        snprintf(text, size, "an object");
    }
}
