/* SPDX-License-Identifier: Apache-2.0 */
/* tree_read - reading passable values, and values as JSON text; see keeve/value.h. */
#include <math.h>
#include <stdio.h>

#include "base/fault.h"
#include "lib/tree.h"
#include "value/json.h"

/* The largest whole number a double holds along with all smaller ones. */
#define WHOLE_MAX 9007199254740991.0

static enum keeve_kind kind_of(enum kee_value_kind kind)
{
    static const enum keeve_kind kinds[] = {
        [KEE_VALUE_NULL] = KEEVE_NULL,       [KEE_VALUE_UNDEFINED] = KEEVE_UNDEFINED,
        [KEE_VALUE_BOOLEAN] = KEEVE_BOOLEAN, [KEE_VALUE_NUMBER] = KEEVE_NUMBER,
        [KEE_VALUE_BIGINT] = KEEVE_BIGINT,   [KEE_VALUE_STRING] = KEEVE_STRING,
        [KEE_VALUE_SYMBOL] = KEEVE_SYMBOL,   [KEE_VALUE_ARRAY] = KEEVE_ARRAY,
        [KEE_VALUE_RECORD] = KEEVE_RECORD,   [KEE_VALUE_TAGGED] = KEEVE_TAGGED,
        [KEE_VALUE_ERROR] = KEEVE_ERROR,     [KEE_VALUE_REMOTABLE] = KEEVE_REMOTABLE,
        [KEE_VALUE_PROMISE] = KEEVE_PROMISE,
    };

    return kinds[kind];
}

enum keeve_kind keeve_value_kind(const struct keeve_value *value)
{
    return value == NULL ? KEEVE_NONE : kind_of(kee_tree_node(value)->kind);
}

const char *keeve_kind_name(enum keeve_kind kind)
{
    for (enum kee_value_kind of = KEE_VALUE_NULL; of <= KEE_VALUE_PROMISE; of++) {
        if (kind_of(of) == kind) {
            return kee_value_kind_name(of);
        }
    }
    return "nothing";
}

/* The node if it is of this kind, else NULL. */
static const struct kee_value *node_if(const struct keeve_value *value, enum kee_value_kind kind)
{
    const struct kee_value *node = kee_tree_node(value);

    return node != NULL && node->kind == kind ? node : NULL;
}

bool keeve_value_boolean(const struct keeve_value *value, bool *out)
{
    const struct kee_value *node = node_if(value, KEE_VALUE_BOOLEAN);

    if (node != NULL) {
        *out = node->as.boolean;
    }
    return node != NULL;
}

bool keeve_value_number(const struct keeve_value *value, double *out)
{
    const struct kee_value *node = node_if(value, KEE_VALUE_NUMBER);

    if (node != NULL) {
        *out = node->as.number;
    }
    return node != NULL;
}

static bool int64_of_digits(struct kee_bytes digits, int64_t *out)
{
    bool minus = digits.size > 0 && digits.data[0] == '-';
    uint64_t bound = minus ? (uint64_t)INT64_MAX + 1 : INT64_MAX;
    uint64_t n = 0;

    if (!kee_bytes_decimal(kee_bytes_of(digits.data + minus, digits.size - minus), &n) ||
        n > bound) {
        return false;
    }
    *out = minus ? (int64_t)(0 - n) : (int64_t)n;
    return true;
}

bool keeve_value_int64(const struct keeve_value *value, int64_t *out)
{
    const struct kee_value *bigint = node_if(value, KEE_VALUE_BIGINT);
    double number;

    if (bigint != NULL) {
        return int64_of_digits(bigint->as.text, out);
    }
    if (!keeve_value_number(value, &number) || !(fabs(number) <= WHOLE_MAX) ||
        number != trunc(number)) {
        return false;
    }
    *out = (int64_t)number;
    return true;
}

static const char *give_text(struct kee_bytes text, size_t *size)
{
    if (size != NULL) {
        *size = text.size;
    }
    return text.data == NULL ? "" : (const char *)text.data;
}

const char *keeve_value_text(const struct keeve_value *value, size_t *size)
{
    const struct kee_value *node = kee_tree_node(value);

    if (node != NULL) {
        switch (node->kind) {
        case KEE_VALUE_BIGINT:
        case KEE_VALUE_STRING:
        case KEE_VALUE_SYMBOL:
            return give_text(node->as.text, size);
        case KEE_VALUE_TAGGED:
            return give_text(node->as.tagged.tag, size);
        case KEE_VALUE_ERROR:
            return give_text(node->as.error.message, size);
        case KEE_VALUE_REMOTABLE:
        case KEE_VALUE_PROMISE:
            return give_text(node->as.ref.slot, size);
        case KEE_VALUE_NULL:
        case KEE_VALUE_UNDEFINED:
        case KEE_VALUE_BOOLEAN:
        case KEE_VALUE_NUMBER:
        case KEE_VALUE_ARRAY:
        case KEE_VALUE_RECORD:
            break;
        }
    }
    return NULL;
}

bool keeve_value_is_string(const struct keeve_value *value, const char *text)
{
    const struct kee_value *node = node_if(value, KEE_VALUE_STRING);

    return node != NULL && kee_bytes_equal(node->as.text, kee_bytes_str(text));
}

const char *keeve_value_error_name(const struct keeve_value *value)
{
    const struct kee_value *node = node_if(value, KEE_VALUE_ERROR);

    return node == NULL ? NULL : give_text(node->as.error.name, NULL);
}

const char *keeve_value_iface(const struct keeve_value *value)
{
    const struct kee_value *node = node_if(value, KEE_VALUE_REMOTABLE);

    return node == NULL ? NULL : give_text(node->as.ref.iface, NULL);
}

size_t keeve_value_count(const struct keeve_value *value)
{
    const struct kee_value *node = kee_tree_node(value);

    if (node == NULL) {
        return 0;
    }
    return node->kind == KEE_VALUE_ARRAY    ? node->as.array.count
           : node->kind == KEE_VALUE_RECORD ? node->as.record.count
                                            : node->kind == KEE_VALUE_TAGGED;
}

const struct keeve_value *keeve_value_item(const struct keeve_value *value, size_t index)
{
    const struct kee_value *node = kee_tree_node(value);

    if (index >= keeve_value_count(value)) {
        return NULL;
    }
    return kee_tree_show(node->kind == KEE_VALUE_ARRAY    ? node->as.array.items[index]
                         : node->kind == KEE_VALUE_RECORD ? node->as.record.members[index].value
                                                          : node->as.tagged.payload);
}

const char *keeve_value_member_name(const struct keeve_value *value, size_t index)
{
    const struct kee_value *node = node_if(value, KEE_VALUE_RECORD);

    return node == NULL || index >= node->as.record.count
               ? NULL
               : give_text(node->as.record.members[index].name, NULL);
}

const struct keeve_value *keeve_value_member(const struct keeve_value *value, const char *name)
{
    const struct kee_value *node = node_if(value, KEE_VALUE_RECORD);

    for (size_t i = 0; node != NULL && i < node->as.record.count; i++) {
        if (kee_bytes_equal(node->as.record.members[i].name, kee_bytes_str(name))) {
            return kee_tree_show(node->as.record.members[i].value);
        }
    }
    return NULL;
}

bool keeve_value_equal(const struct keeve_value *a, const struct keeve_value *b)
{
    if (a == NULL || b == NULL) {
        return a == b;
    }
    return kee_value_equal(kee_tree_node(a), kee_tree_node(b));
}

size_t keeve_value_to_json(const struct keeve_value *value, char *out, size_t room)
{
    struct kee_buf text = KEE_BUF_EMPTY;
    size_t size;

    if (value != NULL) {
        kee_buf_put_value_json(&text, kee_tree_node(value));
    }
    size = text.failed ? SIZE_MAX : text.size;
    if (room > 0) {
        size_t shown = text.failed ? 0 : text.size < room ? text.size : room - 1;
        if (shown > 0) {
            memcpy(out, text.data, shown);
        }
        out[shown] = 0;
    }
    kee_buf_fini(&text);
    return size;
}

struct keeve_value *keeve_value_from_json(const char *text, char *why, size_t why_room)
{
    struct kee_arena arena = KEE_ARENA_EMPTY;
    struct kee_buf sentence = KEE_BUF_EMPTY;
    struct keeve_value *value = NULL;
    struct kee_value *node;
    int r = kee_value_from_json_text(kee_bytes_str(text), &arena, &node, &sentence);

    if (r == 0) {
        value = kee_tree_copy(node);
    }
    kee_fault_clear();
    if (value == NULL && why != NULL && why_room > 0) {
        (void)snprintf(why, why_room, "%s",
                       r > 0 && !sentence.failed ? kee_buf_cstr(&sentence) : "out of memory");
    }
    kee_buf_fini(&sentence);
    kee_arena_fini(&arena);
    return value;
}
