/* SPDX-License-Identifier: Apache-2.0 */
/* capdata_encode - writing capdata, member for member as npm's @endo/marshal does. */
#include <math.h>

#include "base/assert.h"
#include "base/limits.h"
#include "value/body.h"
#include "value/encode.h"
#include "value/text.h"

#define QCLASS KEE_BYTES_LIT("@qclass")

static int put_value(struct kee_encode *encode, const struct kee_value *value,
                     const struct kee_place *place);

/* {"@qclass":CLASS}, or left open for the members that follow. */
static void open_special(struct kee_encode *encode, const char *class)
{
    kee_buf_put_str(&encode->text, "{\"@qclass\":\"");
    kee_buf_put_str(&encode->text, class);
    kee_buf_put_char(&encode->text, '"');
}

static void put_constant(struct kee_encode *encode, const char *class)
{
    open_special(encode, class);
    kee_buf_put_char(&encode->text, '}');
}

static void put_text_member(struct kee_encode *encode, const char *name, struct kee_bytes text)
{
    kee_buf_put_str(&encode->text, ",\"");
    kee_buf_put_str(&encode->text, name);
    kee_buf_put_str(&encode->text, "\":");
    kee_buf_put_json_string(&encode->text, text);
}

static void put_number(struct kee_encode *encode, double number)
{
    if (isnan(number)) {
        put_constant(encode, "NaN");
    } else if (isinf(number)) {
        put_constant(encode, number > 0 ? "Infinity" : "-Infinity");
    } else {
        kee_buf_put_number(&encode->text, number);
    }
}

static void put_named(struct kee_encode *encode, const char *class, const char *member,
                      struct kee_bytes text)
{
    open_special(encode, class);
    put_text_member(encode, member, text);
    kee_buf_put_char(&encode->text, '}');
}

static void put_error(struct kee_encode *encode, const struct kee_value *value)
{
    open_special(encode, "error");
    if (value->as.error.id.size > 0) {
        put_text_member(encode, "errorId", value->as.error.id);
    }
    put_text_member(encode, "message", value->as.error.message);
    put_text_member(encode, "name", value->as.error.name);
    kee_buf_put_char(&encode->text, '}');
}

static int put_ref(struct kee_encode *encode, const struct kee_value *value,
                   const struct kee_place *place)
{
    size_t index = 0;
    bool first = false;
    int r = kee_encode_slot(encode, value->as.ref.slot, place, &index, &first);

    if (r != 0) {
        return r;
    }
    open_special(encode, "slot");
    if (first && value->kind == KEE_VALUE_REMOTABLE && value->as.ref.iface.size > 0) {
        put_text_member(encode, "iface", value->as.ref.iface);
    }
    kee_buf_put_str(&encode->text, ",\"index\":");
    kee_buf_put_decimal(&encode->text, index);
    kee_buf_put_char(&encode->text, '}');
    return 0;
}

static int put_array(struct kee_encode *encode, const struct kee_value *value,
                     const struct kee_place *place)
{
    int r = 0;

    kee_buf_put_char(&encode->text, '[');
    for (size_t i = 0; r == 0 && i < value->as.array.count; i++) {
        struct kee_place inner = kee_place_item(place, i);
        if (i > 0) {
            kee_buf_put_char(&encode->text, ',');
        }
        r = put_value(encode, value->as.array.items[i], &inner);
    }
    kee_buf_put_char(&encode->text, ']');
    return r;
}

/* All members but the one that is hidden, if any. */
static int put_members(struct kee_encode *encode, const struct kee_member *const *sorted,
                       size_t count, const struct kee_member *hidden, const struct kee_place *place)
{
    size_t put = 0;
    int r = 0;

    kee_buf_put_char(&encode->text, '{');
    for (size_t i = 0; r == 0 && i < count; i++) {
        struct kee_place inner;
        if (sorted[i] == hidden) {
            continue;
        }
        inner = kee_place_member(place, sorted[i]->name);
        if (put++ > 0) {
            kee_buf_put_char(&encode->text, ',');
        }
        kee_buf_put_json_string(&encode->text, sorted[i]->name);
        kee_buf_put_char(&encode->text, ':');
        r = put_value(encode, sorted[i]->value, &inner);
    }
    kee_buf_put_char(&encode->text, '}');
    return r;
}

/* A member "@qclass" of the record's own is hidden: {"@qclass":"hilbert","original":...,"rest":{...}}. */
static int put_record(struct kee_encode *encode, const struct kee_value *value,
                      const struct kee_place *place)
{
    const struct kee_member **sorted = NULL;
    const struct kee_member *hidden = NULL;
    struct kee_place inner = kee_place_member(place, QCLASS);
    size_t count = value->as.record.count;
    int r = kee_encode_sorted(encode, value, &sorted);

    for (size_t i = 0; r == 0 && i < count; i++) {
        if (kee_bytes_equal(sorted[i]->name, QCLASS)) {
            hidden = sorted[i];
        }
    }
    if (r != 0 || hidden == NULL) {
        return r != 0 ? r : put_members(encode, sorted, count, NULL, place);
    }
    open_special(encode, "hilbert");
    kee_buf_put_str(&encode->text, ",\"original\":");
    r = put_value(encode, hidden->value, &inner);
    if (r == 0 && count > 1) {
        kee_buf_put_str(&encode->text, ",\"rest\":");
        r = put_members(encode, sorted, count, hidden, place);
    }
    kee_buf_put_char(&encode->text, '}');
    return r;
}

static int put_tagged(struct kee_encode *encode, const struct kee_value *value,
                      const struct kee_place *place)
{
    struct kee_place inner = kee_place_member(place, KEE_BYTES_LIT("payload"));
    int r;

    open_special(encode, "tagged");
    put_text_member(encode, "tag", value->as.tagged.tag);
    kee_buf_put_str(&encode->text, ",\"payload\":");
    r = put_value(encode, value->as.tagged.payload, &inner);
    kee_buf_put_char(&encode->text, '}');
    return r;
}

static int put_value(struct kee_encode *encode, const struct kee_value *value,
                     const struct kee_place *place)
{
    if (place->depth > KEE_LIMIT_VALUE_DEPTH) {
        return kee_encode_too_deep(encode, place);
    }
    switch (value->kind) {
    case KEE_VALUE_NULL:
        kee_buf_put_str(&encode->text, "null");
        return 0;
    case KEE_VALUE_UNDEFINED:
        put_constant(encode, "undefined");
        return 0;
    case KEE_VALUE_BOOLEAN:
        kee_buf_put_str(&encode->text, value->as.boolean ? "true" : "false");
        return 0;
    case KEE_VALUE_NUMBER:
        put_number(encode, value->as.number);
        return 0;
    case KEE_VALUE_BIGINT:
        put_named(encode, "bigint", "digits", value->as.text);
        return 0;
    case KEE_VALUE_STRING:
        kee_buf_put_json_string(&encode->text, value->as.text);
        return 0;
    case KEE_VALUE_SYMBOL:
        put_named(encode, "symbol", "name", value->as.text);
        return 0;
    case KEE_VALUE_ARRAY:
        return put_array(encode, value, place);
    case KEE_VALUE_RECORD:
        return put_record(encode, value, place);
    case KEE_VALUE_TAGGED:
        return put_tagged(encode, value, place);
    case KEE_VALUE_ERROR:
        put_error(encode, value);
        return 0;
    case KEE_VALUE_REMOTABLE:
    case KEE_VALUE_PROMISE:
        return put_ref(encode, value, place);
    }
    kee_assert(false);
}

int kee_capdata_encode(const struct kee_value *value, struct kee_arena *arena, struct kee_body *out,
                       struct kee_buf *why)
{
    struct kee_encode encode = {.arena = arena, .why = why};
    struct kee_place root = KEE_PLACE_ROOT;

    return kee_encode_end(&encode, put_value(&encode, value, &root), out);
}
