/* SPDX-License-Identifier: Apache-2.0 */
/* body - writing smallcaps, and choosing the decoder; see body.h. */
#include "value/body.h"

#include <math.h>

#include "base/assert.h"
#include "base/fault.h"
#include "base/limits.h"
#include "value/decode.h"
#include "value/encode.h"
#include "value/text.h"

static bool looks_special(struct kee_bytes text)
{
    return text.size > 0 && text.data[0] >= '!' && text.data[0] <= '-';
}

static void put_string(struct kee_encode *encode, struct kee_bytes text)
{
    if (looks_special(text)) {
        kee_buf_put_json_string_marked(&encode->text, '!', text);
    } else {
        kee_buf_put_json_string(&encode->text, text);
    }
}

static int put_ref(struct kee_encode *encode, const struct kee_value *value,
                   const struct kee_place *place)
{
    struct kee_buf name = KEE_BUF_EMPTY;
    size_t index = 0;
    bool first = false;
    int r = kee_encode_slot(encode, value->as.ref.slot, place, &index, &first);

    if (r != 0) {
        return r;
    }
    kee_buf_put_char(&name, value->kind == KEE_VALUE_PROMISE ? '&' : '$');
    kee_buf_put_decimal(&name, index);
    if (first && value->as.ref.iface.size > 0) {
        kee_buf_put_char(&name, '.');
        kee_buf_put_bytes(&name, value->as.ref.iface);
    }
    r = kee_buf_status(&name);
    kee_buf_put_json_string(&encode->text, kee_buf_bytes(&name));
    kee_buf_fini(&name);
    return r;
}

static void put_number(struct kee_encode *encode, double number)
{
    if (isnan(number)) {
        kee_buf_put_str(&encode->text, "\"#NaN\"");
    } else if (isinf(number)) {
        kee_buf_put_str(&encode->text, number > 0 ? "\"#Infinity\"" : "\"#-Infinity\"");
    } else {
        kee_buf_put_number(&encode->text, number);
    }
}

static int put_value(struct kee_encode *encode, const struct kee_value *value,
                     const struct kee_place *place);

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

static int put_record(struct kee_encode *encode, const struct kee_value *value,
                      const struct kee_place *place)
{
    size_t count = value->as.record.count;
    const struct kee_member **sorted = NULL;
    int r = kee_encode_sorted(encode, value, &sorted);

    if (r != 0) {
        return r;
    }
    kee_buf_put_char(&encode->text, '{');
    for (size_t i = 0; r == 0 && i < count; i++) {
        struct kee_place inner = kee_place_member(place, sorted[i]->name);
        if (i > 0) {
            kee_buf_put_char(&encode->text, ',');
        }
        put_string(encode, sorted[i]->name);
        kee_buf_put_char(&encode->text, ':');
        r = put_value(encode, sorted[i]->value, &inner);
    }
    kee_buf_put_char(&encode->text, '}');
    return r;
}

static int put_tagged(struct kee_encode *encode, const struct kee_value *value,
                      const struct kee_place *place)
{
    struct kee_place inner = kee_place_member(place, KEE_BYTES_LIT("payload"));
    int r;

    kee_buf_put_str(&encode->text, "{\"#tag\":");
    put_string(encode, value->as.tagged.tag);
    kee_buf_put_str(&encode->text, ",\"payload\":");
    r = put_value(encode, value->as.tagged.payload, &inner);
    kee_buf_put_char(&encode->text, '}');
    return r;
}

static void put_error(struct kee_encode *encode, const struct kee_value *value)
{
    kee_buf_put_str(&encode->text, "{\"#error\":");
    put_string(encode, value->as.error.message);
    if (value->as.error.id.size > 0) {
        kee_buf_put_str(&encode->text, ",\"errorId\":");
        put_string(encode, value->as.error.id);
    }
    kee_buf_put_str(&encode->text, ",\"name\":");
    put_string(encode, value->as.error.name);
    kee_buf_put_char(&encode->text, '}');
}

static int put_value(struct kee_encode *encode, const struct kee_value *value,
                     const struct kee_place *place)
{
    struct kee_buf *text = &encode->text;

    if (place->depth > KEE_LIMIT_VALUE_DEPTH) {
        return kee_encode_too_deep(encode, place);
    }
    switch (value->kind) {
    case KEE_VALUE_NULL:
        kee_buf_put_str(text, "null");
        return 0;
    case KEE_VALUE_UNDEFINED:
        kee_buf_put_str(text, "\"#undefined\"");
        return 0;
    case KEE_VALUE_BOOLEAN:
        kee_buf_put_str(text, value->as.boolean ? "true" : "false");
        return 0;
    case KEE_VALUE_NUMBER:
        put_number(encode, value->as.number);
        return 0;
    case KEE_VALUE_BIGINT:
        kee_buf_put_str(text, value->as.text.data[0] == '-' ? "\"" : "\"+");
        kee_buf_put_bytes(text, value->as.text);
        kee_buf_put_char(text, '"');
        return 0;
    case KEE_VALUE_STRING:
        put_string(encode, value->as.text);
        return 0;
    case KEE_VALUE_SYMBOL:
        kee_buf_put_json_string_marked(text, '%', value->as.text);
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

int kee_body_encode(const struct kee_value *value, struct kee_arena *arena, struct kee_body *out,
                    struct kee_buf *why)
{
    struct kee_encode encode = {.arena = arena, .why = why};
    struct kee_place root = KEE_PLACE_ROOT;

    kee_buf_put_char(&encode.text, '#');
    return kee_encode_end(&encode, put_value(&encode, value, &root), out);
}

int kee_body_decode(struct kee_body body, struct kee_arena *arena, struct kee_value **out,
                    struct kee_buf *why)
{
    struct kee_decode decode = {arena, why, body.slots, body.slot_count, false};
    struct kee_place root = KEE_PLACE_ROOT;
    bool smallcaps = body.text.size > 0 && body.text.data[0] == '#';
    struct kee_bytes text =
        smallcaps ? kee_bytes_of(body.text.data + 1, body.text.size - 1) : body.text;
    json_t *json = NULL;
    int r;

    r = kee_decode_json(&decode, text, &json);
    if (r != 0) {
        return r;
    }
    r = smallcaps ? kee_decode_smallcaps(&decode, json, &root, out)
                  : kee_decode_capdata(&decode, json, &root, out);
    json_decref(json);
    return r;
}
