/* SPDX-License-Identifier: Apache-2.0 */
/* value - see value.h. */
#include "value/value.h"

#include <math.h>

#include "base/assert.h"

struct kee_value *kee_value_new(struct kee_arena *arena, enum kee_value_kind kind)
{
    struct kee_value *value = kee_arena_alloc(arena, sizeof *value);

    if (value != NULL) {
        value->kind = kind;
    }
    return value;
}

struct kee_value *kee_value_string(struct kee_arena *arena, struct kee_bytes text)
{
    struct kee_value *value = kee_value_new(arena, KEE_VALUE_STRING);

    if (value != NULL) {
        value->as.text = text;
    }
    return value;
}

struct kee_value *kee_value_array(struct kee_arena *arena, size_t count)
{
    struct kee_value *value = kee_value_new(arena, KEE_VALUE_ARRAY);

    if (value == NULL || count > SIZE_MAX / sizeof(struct kee_value *)) {
        return NULL;
    }
    value->as.array.count = count;
    value->as.array.items = kee_arena_alloc(arena, count * sizeof(struct kee_value *));
    return value->as.array.items == NULL ? NULL : value;
}

struct kee_value *kee_value_record(struct kee_arena *arena, size_t count)
{
    struct kee_value *value = kee_value_new(arena, KEE_VALUE_RECORD);

    if (value == NULL || count > SIZE_MAX / sizeof(struct kee_member)) {
        return NULL;
    }
    value->as.record.count = count;
    value->as.record.members = kee_arena_alloc(arena, count * sizeof(struct kee_member));
    return value->as.record.members == NULL ? NULL : value;
}

struct kee_value *kee_value_ref(struct kee_arena *arena, struct kee_bytes slot,
                                struct kee_bytes iface)
{
    bool promise = kee_bytes_has_prefix(slot, KEE_BYTES_LIT("kp")) ||
                   kee_bytes_has_prefix(slot, KEE_BYTES_LIT("p+")) ||
                   kee_bytes_has_prefix(slot, KEE_BYTES_LIT("p-"));
    struct kee_value *value =
        kee_value_new(arena, promise ? KEE_VALUE_PROMISE : KEE_VALUE_REMOTABLE);

    if (value != NULL) {
        value->as.ref.slot = slot;
        value->as.ref.iface = iface;
    }
    return value;
}

static bool arrays_equal(const struct kee_value *a, const struct kee_value *b)
{
    if (a->as.array.count != b->as.array.count) {
        return false;
    }
    for (size_t i = 0; i < a->as.array.count; i++) {
        if (!kee_value_equal(a->as.array.items[i], b->as.array.items[i])) {
            return false;
        }
    }
    return true;
}

static bool records_equal(const struct kee_value *a, const struct kee_value *b)
{
    if (a->as.record.count != b->as.record.count) {
        return false;
    }
    for (size_t i = 0; i < a->as.record.count; i++) {
        const struct kee_member *mine = &a->as.record.members[i];
        size_t j = 0;
        while (j < b->as.record.count &&
               !kee_bytes_equal(b->as.record.members[j].name, mine->name)) {
            j++;
        }
        if (j == b->as.record.count ||
            !kee_value_equal(mine->value, b->as.record.members[j].value)) {
            return false;
        }
    }
    return true;
}

bool kee_value_equal(const struct kee_value *a, const struct kee_value *b)
{
    if (a->kind != b->kind) {
        return false;
    }
    switch (a->kind) {
    case KEE_VALUE_NULL:
    case KEE_VALUE_UNDEFINED:
        return true;
    case KEE_VALUE_BOOLEAN:
        return a->as.boolean == b->as.boolean;
    case KEE_VALUE_NUMBER:
        return a->as.number == b->as.number || (isnan(a->as.number) && isnan(b->as.number));
    case KEE_VALUE_BIGINT:
    case KEE_VALUE_STRING:
    case KEE_VALUE_SYMBOL:
        return kee_bytes_equal(a->as.text, b->as.text);
    case KEE_VALUE_ARRAY:
        return arrays_equal(a, b);
    case KEE_VALUE_RECORD:
        return records_equal(a, b);
    case KEE_VALUE_TAGGED:
        return kee_bytes_equal(a->as.tagged.tag, b->as.tagged.tag) &&
               kee_value_equal(a->as.tagged.payload, b->as.tagged.payload);
    case KEE_VALUE_ERROR:
        return kee_bytes_equal(a->as.error.name, b->as.error.name) &&
               kee_bytes_equal(a->as.error.message, b->as.error.message) &&
               kee_bytes_equal(a->as.error.id, b->as.error.id);
    case KEE_VALUE_REMOTABLE:
    case KEE_VALUE_PROMISE:
        return kee_bytes_equal(a->as.ref.slot, b->as.ref.slot);
    }
    kee_assert(false);
}

const char *kee_value_kind_name(enum kee_value_kind kind)
{
    switch (kind) {
    case KEE_VALUE_NULL:
        return "null";
    case KEE_VALUE_UNDEFINED:
        return "undefined";
    case KEE_VALUE_BOOLEAN:
        return "a boolean";
    case KEE_VALUE_NUMBER:
        return "a number";
    case KEE_VALUE_BIGINT:
        return "a bigint";
    case KEE_VALUE_STRING:
        return "a string";
    case KEE_VALUE_SYMBOL:
        return "a symbol";
    case KEE_VALUE_ARRAY:
        return "an array";
    case KEE_VALUE_RECORD:
        return "a record";
    case KEE_VALUE_TAGGED:
        return "a tagged value";
    case KEE_VALUE_ERROR:
        return "an error";
    case KEE_VALUE_REMOTABLE:
        return "a reference to an object";
    case KEE_VALUE_PROMISE:
        return "a reference to a promise";
    }
    kee_assert(false);
}

bool kee_value_is_bigint_text(struct kee_bytes text)
{
    size_t at = text.size > 0 && text.data[0] == '-' ? 1 : 0;

    if (at == text.size || (text.data[at] == '0' && text.size > 1)) {
        return false;
    }
    for (; at < text.size; at++) {
        if (text.data[at] < '0' || text.data[at] > '9') {
            return false;
        }
    }
    return true;
}
