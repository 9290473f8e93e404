/* SPDX-License-Identifier: Apache-2.0 */
/* tree_make - building, copying and freeing passable values on the heap; see keeve/value.h. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "lib/tree.h"

#define ROOM_FIRST 4

bool kee_tree_is_utf8(struct kee_bytes text)
{
    size_t i = 0;

    while (i < text.size) {
        uint8_t c = text.data[i];
        size_t more = c < 0x80 ? 0 : c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : 1;
        uint32_t code = more == 0 ? c : c & (0x3fu >> more);
        if ((c >= 0x80 && c < 0xc2) || c > 0xf4 || text.size - i <= more) {
            return false;
        }
        for (size_t k = 1; k <= more; k++) {
            if ((text.data[i + k] & 0xc0) != 0x80) {
                return false;
            }
            code = code << 6 | (text.data[i + k] & 0x3fu);
        }
        if ((more == 2 && (code < 0x800 || (code >= 0xd800 && code < 0xe000))) ||
            (more == 3 && (code < 0x10000 || code > 0x10ffff))) {
            return false;
        }
        i += more + 1;
    }
    return true;
}

static struct keeve_value *make(enum kee_value_kind kind)
{
    struct keeve_value *value = calloc(1, sizeof *value);

    if (value != NULL) {
        value->node.kind = kind;
    }
    return value;
}

/* A copy on the heap with a NUL after it; data NULL when memory is out. */
static struct kee_bytes copy_text(struct kee_bytes text)
{
    uint8_t *copy = malloc(text.size + 1);

    if (copy == NULL) {
        return kee_bytes_of(NULL, 0);
    }
    if (text.size > 0) {
        memcpy(copy, text.data, text.size);
    }
    copy[text.size] = 0;
    return kee_bytes_of(copy, text.size);
}

static void free_text(struct kee_bytes text)
{
    free((void *)text.data); /* const for readers only */
}

static void free_node(struct kee_value *node);

static void free_parts(struct kee_value *node)
{
    switch (node->kind) {
    case KEE_VALUE_NULL:
    case KEE_VALUE_UNDEFINED:
    case KEE_VALUE_BOOLEAN:
    case KEE_VALUE_NUMBER:
        return;
    case KEE_VALUE_BIGINT:
    case KEE_VALUE_STRING:
    case KEE_VALUE_SYMBOL:
        free_text(node->as.text);
        return;
    case KEE_VALUE_ARRAY:
        for (size_t i = 0; i < node->as.array.count; i++) {
            free_node(node->as.array.items[i]);
        }
        free(node->as.array.items);
        return;
    case KEE_VALUE_RECORD:
        for (size_t i = 0; i < node->as.record.count; i++) {
            free_text(node->as.record.members[i].name);
            free_node(node->as.record.members[i].value);
        }
        free(node->as.record.members);
        return;
    case KEE_VALUE_TAGGED:
        free_text(node->as.tagged.tag);
        free_node(node->as.tagged.payload);
        return;
    case KEE_VALUE_ERROR:
        free_text(node->as.error.name);
        free_text(node->as.error.message);
        free_text(node->as.error.id);
        return;
    case KEE_VALUE_REMOTABLE:
    case KEE_VALUE_PROMISE:
        free_text(node->as.ref.slot);
        free_text(node->as.ref.iface);
        return;
    }
}

static void free_node(struct kee_value *node)
{
    if (node != NULL) {
        free_parts(node);
        free((struct keeve_value *)(void *)node);
    }
}

void keeve_value_free(struct keeve_value *value)
{
    free_node(value == NULL ? NULL : &value->node);
}

/* value, if nothing failed while it was filled. */
static struct keeve_value *made(struct keeve_value *value, bool good)
{
    if (!good) {
        keeve_value_free(value);
        return NULL;
    }
    return value;
}

struct keeve_value *keeve_make_null(void)
{
    return make(KEE_VALUE_NULL);
}

struct keeve_value *keeve_make_undefined(void)
{
    return make(KEE_VALUE_UNDEFINED);
}

struct keeve_value *keeve_make_boolean(bool boolean)
{
    struct keeve_value *value = make(KEE_VALUE_BOOLEAN);

    if (value != NULL) {
        value->node.as.boolean = boolean;
    }
    return value;
}

struct keeve_value *keeve_make_number(double number)
{
    struct keeve_value *value = make(KEE_VALUE_NUMBER);

    if (value != NULL) {
        value->node.as.number = number == 0 ? 0 : number; /* -0 is not passable as itself */
    }
    return value;
}

static struct keeve_value *make_text(enum kee_value_kind kind, struct kee_bytes text)
{
    struct keeve_value *value;

    if (!kee_tree_is_utf8(text)) {
        return NULL;
    }
    value = make(kind);
    if (value != NULL) {
        value->node.as.text = copy_text(text);
    }
    return made(value, value != NULL && value->node.as.text.data != NULL);
}

struct keeve_value *keeve_make_bigint(int64_t number)
{
    char text[32];

    (void)snprintf(text, sizeof text, "%" PRId64, number);
    return make_text(KEE_VALUE_BIGINT, kee_bytes_str(text));
}

struct keeve_value *keeve_make_bigint_text(const char *digits)
{
    return kee_value_is_bigint_text(kee_bytes_str(digits))
               ? make_text(KEE_VALUE_BIGINT, kee_bytes_str(digits))
               : NULL;
}

struct keeve_value *keeve_make_string(const char *text)
{
    return make_text(KEE_VALUE_STRING, kee_bytes_str(text));
}

struct keeve_value *keeve_make_string_sized(const char *text, size_t size)
{
    return make_text(KEE_VALUE_STRING, kee_bytes_of(text, size));
}

struct keeve_value *keeve_make_symbol(const char *name)
{
    return make_text(KEE_VALUE_SYMBOL, kee_bytes_str(name));
}

struct keeve_value *keeve_make_array(void)
{
    return make(KEE_VALUE_ARRAY);
}

struct keeve_value *keeve_make_record(void)
{
    return make(KEE_VALUE_RECORD);
}

struct keeve_value *keeve_make_array_of(size_t count, ...)
{
    struct keeve_value *array = keeve_make_array();
    bool good = array != NULL;
    va_list items;

    va_start(items, count);
    for (size_t i = 0; i < count; i++) {
        struct keeve_value *item = va_arg(items, struct keeve_value *);
        if (!good) {
            keeve_value_free(item);
        } else {
            good = keeve_array_add(array, item);
        }
    }
    va_end(items);
    return made(array, good);
}

struct keeve_value *keeve_make_tagged(const char *tag, struct keeve_value *payload)
{
    struct keeve_value *value =
        payload == NULL || !kee_tree_is_utf8(kee_bytes_str(tag)) ? NULL : make(KEE_VALUE_TAGGED);

    if (value == NULL) {
        keeve_value_free(payload);
        return NULL;
    }
    value->node.as.tagged.payload = &payload->node;
    value->node.as.tagged.tag = copy_text(kee_bytes_str(tag));
    return made(value, value->node.as.tagged.tag.data != NULL);
}

struct keeve_value *keeve_make_error(const char *name, const char *message)
{
    struct keeve_value *value =
        kee_tree_is_utf8(kee_bytes_str(name)) && kee_tree_is_utf8(kee_bytes_str(message))
            ? make(KEE_VALUE_ERROR)
            : NULL;

    if (value == NULL) {
        return NULL;
    }
    value->node.as.error.name = copy_text(kee_bytes_str(name));
    value->node.as.error.message = copy_text(kee_bytes_str(message));
    value->node.as.error.id = copy_text(kee_bytes_of(NULL, 0));
    return made(value, value->node.as.error.name.data != NULL &&
                           value->node.as.error.message.data != NULL &&
                           value->node.as.error.id.data != NULL);
}

struct keeve_value *keeve_make_ref_named(const char *name, const char *iface)
{
    struct keeve_value *value;
    bool promise =
        strncmp(name, "kp", 2) == 0 || strncmp(name, "p+", 2) == 0 || strncmp(name, "p-", 2) == 0;

    if (*name == 0 || !kee_tree_is_utf8(kee_bytes_str(name)) ||
        !kee_tree_is_utf8(kee_bytes_str(iface))) {
        return NULL;
    }
    value = make(promise ? KEE_VALUE_PROMISE : KEE_VALUE_REMOTABLE);
    if (value == NULL) {
        return NULL;
    }
    value->node.as.ref.slot = copy_text(kee_bytes_str(name));
    value->node.as.ref.iface = copy_text(kee_bytes_str(iface));
    return made(value,
                value->node.as.ref.slot.data != NULL && value->node.as.ref.iface.data != NULL);
}

struct keeve_value *keeve_make_ref(const char *name)
{
    return keeve_make_ref_named(name, "");
}

/* Room for one more of size bytes in *list, which has count. */
static bool grow(struct keeve_value *value, void **list, size_t count, size_t size)
{
    size_t room = value->room == 0 ? ROOM_FIRST : value->room * 2;
    void *larger;

    if (count < value->room) {
        return true;
    }
    larger = room > SIZE_MAX / 2 / size ? NULL : realloc(*list, room * size);
    if (larger == NULL) {
        return false;
    }
    *list = larger;
    value->room = room;
    return true;
}

bool keeve_array_add(struct keeve_value *array, struct keeve_value *item)
{
    void *items = array == NULL ? NULL : array->node.as.array.items;
    size_t count = array == NULL ? 0 : array->node.as.array.count;

    if (array == NULL || array->node.kind != KEE_VALUE_ARRAY || item == NULL ||
        !grow(array, &items, count, sizeof(struct kee_value *))) {
        keeve_value_free(item);
        return false;
    }
    array->node.as.array.items = items;
    array->node.as.array.items[count] = &item->node;
    array->node.as.array.count++;
    return true;
}

static struct kee_member *find_member(const struct kee_value *record, struct kee_bytes name)
{
    for (size_t i = 0; i < record->as.record.count; i++) {
        if (kee_bytes_equal(record->as.record.members[i].name, name)) {
            return &record->as.record.members[i];
        }
    }
    return NULL;
}

static bool add_member(struct keeve_value *record, struct kee_bytes name, struct kee_value *value)
{
    void *members = record->node.as.record.members;
    size_t count = record->node.as.record.count;
    struct kee_bytes copy;

    if (!grow(record, &members, count, sizeof(struct kee_member))) {
        return false;
    }
    record->node.as.record.members = members;
    copy = copy_text(name);
    if (copy.data == NULL) {
        return false;
    }
    record->node.as.record.members[count] = (struct kee_member){copy, value};
    record->node.as.record.count++;
    return true;
}

bool keeve_record_set(struct keeve_value *record, const char *name, struct keeve_value *value)
{
    struct kee_bytes key = kee_bytes_str(name);
    struct kee_member *old;

    if (record == NULL || record->node.kind != KEE_VALUE_RECORD || value == NULL ||
        !kee_tree_is_utf8(key)) {
        keeve_value_free(value);
        return false;
    }
    old = find_member(&record->node, key);
    if (old != NULL) {
        free_node(old->value);
        old->value = &value->node;
        return true;
    }
    if (!add_member(record, key, &value->node)) {
        keeve_value_free(value);
        return false;
    }
    return true;
}

static bool copy_items(struct keeve_value *out, const struct kee_value *node)
{
    for (size_t i = 0; i < node->as.array.count; i++) {
        if (!keeve_array_add(out, kee_tree_copy(node->as.array.items[i]))) {
            return false;
        }
    }
    return true;
}

static bool copy_members(struct keeve_value *out, const struct kee_value *node)
{
    for (size_t i = 0; i < node->as.record.count; i++) {
        struct keeve_value *value = kee_tree_copy(node->as.record.members[i].value);
        if (value == NULL || !add_member(out, node->as.record.members[i].name, &value->node)) {
            keeve_value_free(value);
            return false;
        }
    }
    return true;
}

static bool copy_parts(struct keeve_value *out, const struct kee_value *node)
{
    struct keeve_value *payload;

    switch (node->kind) {
    case KEE_VALUE_NULL:
    case KEE_VALUE_UNDEFINED:
        return true;
    case KEE_VALUE_BOOLEAN:
        out->node.as.boolean = node->as.boolean;
        return true;
    case KEE_VALUE_NUMBER:
        out->node.as.number = node->as.number;
        return true;
    case KEE_VALUE_BIGINT:
    case KEE_VALUE_STRING:
    case KEE_VALUE_SYMBOL:
        out->node.as.text = copy_text(node->as.text);
        return out->node.as.text.data != NULL;
    case KEE_VALUE_ARRAY:
        return copy_items(out, node);
    case KEE_VALUE_RECORD:
        return copy_members(out, node);
    case KEE_VALUE_TAGGED:
        out->node.as.tagged.tag = copy_text(node->as.tagged.tag);
        payload = kee_tree_copy(node->as.tagged.payload);
        out->node.as.tagged.payload = payload == NULL ? NULL : &payload->node;
        return out->node.as.tagged.tag.data != NULL && payload != NULL;
    case KEE_VALUE_ERROR:
        out->node.as.error.name = copy_text(node->as.error.name);
        out->node.as.error.message = copy_text(node->as.error.message);
        out->node.as.error.id = copy_text(node->as.error.id);
        return out->node.as.error.name.data != NULL && out->node.as.error.message.data != NULL &&
               out->node.as.error.id.data != NULL;
    case KEE_VALUE_REMOTABLE:
    case KEE_VALUE_PROMISE:
        out->node.as.ref.slot = copy_text(node->as.ref.slot);
        out->node.as.ref.iface = copy_text(node->as.ref.iface);
        return out->node.as.ref.slot.data != NULL && out->node.as.ref.iface.data != NULL;
    }
    kee_assert(false);
}

struct keeve_value *kee_tree_copy(const struct kee_value *node)
{
    struct keeve_value *value = make(node->kind);

    return value == NULL ? NULL : made(value, copy_parts(value, node));
}

struct keeve_value *keeve_value_copy(const struct keeve_value *value)
{
    return value == NULL ? NULL : kee_tree_copy(kee_tree_node(value));
}
