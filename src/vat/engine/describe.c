/* SPDX-License-Identifier: Apache-2.0 */
/*
 * describe - a value in words, for reports, without running any code of the vat: no getter, no
 * proxy trap, no toString.
 */
#include "vat/engine/engine_internal.h"

/* The own or inherited data property of that name; NULL for accessors, and when a proxy is met. */
static const txSlot *data_property(txMachine *the, const txSlot *instance, txID id)
{
    unsigned depth = 0;
    while (instance != NULL && depth++ < 16) {
        const txSlot *property = instance->next;
        if (instance->flag & XS_EXOTIC_FLAG) {
            return NULL;
        }
        while (property != NULL) {
            if (property->ID == id && !(property->flag & XS_INTERNAL_FLAG)) {
                return property->kind == XS_ACCESSOR_KIND ? NULL : property;
            }
            property = property->next;
        }
        instance = instance->value.instance.prototype;
    }
    return NULL;
}

static const char *string_of(const txSlot *slot)
{
    if (slot != NULL && (slot->kind == XS_STRING_KIND || slot->kind == XS_STRING_X_KIND)) {
        return slot->value.string;
    }
    return NULL;
}

/* The name of an error's own kind: the prototypes' name is an accessor once boot has repaired them. */
static const char *error_name(const txSlot *instance)
{
    const txSlot *slot = instance->next;
    while (slot != NULL && (slot->flag & XS_INTERNAL_FLAG) && slot->kind != XS_ERROR_KIND) {
        slot = slot->next;
    }
    if (slot == NULL || slot->kind != XS_ERROR_KIND) {
        return NULL;
    }
    switch (slot->value.error.which) {
    case XS_EVAL_ERROR:
        return "EvalError";
    case XS_RANGE_ERROR:
        return "RangeError";
    case XS_REFERENCE_ERROR:
        return "ReferenceError";
    case XS_SYNTAX_ERROR:
        return "SyntaxError";
    case XS_TYPE_ERROR:
        return "TypeError";
    case XS_URI_ERROR:
        return "URIError";
    case XS_AGGREGATE_ERROR:
        return "AggregateError";
    default:
        return "Error";
    }
}

static void describe_object(txMachine *the, const txSlot *instance, char *text, size_t size)
{
    const char *message = string_of(data_property(the, instance, mxID(_message)));
    const char *name = string_of(data_property(the, instance, mxID(_name)));
    if (name == NULL) {
        name = error_name(instance);
    }
    if (message != NULL && message[0] != '\0') {
        snprintf(text, size, "%s: %s", name == NULL ? "Error" : name, message);
    } else if (name != NULL) {
        snprintf(text, size, "%s", name);
    } else {
        snprintf(text, size, "[object]");
    }
}

/* The text may have been cut: its last character is to be whole. */
static void drop_half_character(char *text)
{
    size_t size = strlen(text);
    size_t start = size;
    while (start > 0 && ((uint8_t)text[start - 1] & 0xc0) == 0x80) {
        start--;
    }
    if (start > 0) {
        uint8_t lead = (uint8_t)text[start - 1];
        size_t whole = lead < 0x80 ? 1 : lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
        if (size - (start - 1) < whole) {
            text[start - 1] = '\0';
        }
    }
}

void kee_engine_describe(txMachine *the, const txSlot *value, char *text, size_t size)
{
    switch (value->kind) {
    case XS_UNDEFINED_KIND:
        snprintf(text, size, "undefined");
        break;
    case XS_NULL_KIND:
        snprintf(text, size, "null");
        break;
    case XS_BOOLEAN_KIND:
        snprintf(text, size, value->value.boolean ? "true" : "false");
        break;
    case XS_INTEGER_KIND:
        snprintf(text, size, "%d", value->value.integer);
        break;
    case XS_NUMBER_KIND:
        snprintf(text, size, "%g", value->value.number);
        break;
    case XS_STRING_KIND:
    case XS_STRING_X_KIND:
        snprintf(text, size, "\"%s\"", value->value.string);
        break;
    case XS_REFERENCE_KIND:
        describe_object(the, value->value.reference, text, size);
        break;
    default:
        snprintf(text, size, "[value]");
        break;
    }
    drop_half_character(text);
}
