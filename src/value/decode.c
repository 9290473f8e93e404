/* SPDX-License-Identifier: Apache-2.0 */
/* decode - see decode.h. */
#include "value/decode.h"

#include <math.h>

#include "base/fault.h"
#include "base/limits.h"
#include "value/json.h"
#include "value/lone.h"

static int parse(struct kee_bytes text, json_t **out, struct kee_buf *why)
{
    struct kee_place root = KEE_PLACE_ROOT;
    json_error_t error;

    *out = json_loadb((const char *)text.data, text.size,
                      JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, &error);
    if (*out == NULL) {
        /* For most of the places where memory can run out jansson has no word. */
        if (error.text[0] == '\0' || json_error_code(&error) == json_error_out_of_memory) {
            return kee_fault(KEE_FAULT_MEMORY, "parsing JSON");
        }
        return kee_place_bad(&root, why, "expected JSON: %s, at byte %d", error.text,
                             error.position);
    }
    return 0;
}

int kee_decode_json(struct kee_decode *decode, struct kee_bytes text, json_t **out)
{
    struct kee_place root = KEE_PLACE_ROOT;
    struct kee_buf plain = KEE_BUF_EMPTY;
    int r;

    if (text.size > KEE_LIMIT_BODY_BYTES) {
        return kee_place_bad(&root, decode->why, "the text has %zu bytes; the limit is %u",
                             text.size, KEE_LIMIT_BODY_BYTES);
    }
    decode->hidden = kee_lone_found(text);
    if (!decode->hidden) {
        return parse(text, out, decode->why);
    }
    kee_lone_hide(text, &plain);
    r = kee_buf_status(&plain);
    if (r == 0) {
        r = parse(kee_buf_bytes(&plain), out, decode->why);
    }
    kee_buf_fini(&plain);
    return r;
}

static int made(struct kee_value **out, struct kee_value *value)
{
    *out = value;
    if (value == NULL) {
        (void)kee_fault(KEE_FAULT_MEMORY, "a value's node");
        return KEE_FAULT_MEMORY;
    }
    return 0;
}

int kee_decode_depth(struct kee_decode *decode, const struct kee_place *place)
{
    return place->depth <= KEE_LIMIT_VALUE_DEPTH
               ? 0
               : kee_place_bad(place, decode->why, "nested deeper than %u levels",
                               KEE_LIMIT_VALUE_DEPTH);
}

static int decode_array(struct kee_decode *decode, const json_t *json,
                        const struct kee_place *place, kee_decode_fn *item, struct kee_value **out)
{
    int r = made(out, kee_value_array(decode->arena, json_array_size(json)));

    for (size_t i = 0; r == 0 && i < json_array_size(json); i++) {
        struct kee_place inner = kee_place_item(place, i);
        r = item(decode, json_array_get(json, i), &inner, &(*out)->as.array.items[i]);
    }
    return r;
}

int kee_decode_plain(struct kee_decode *decode, const json_t *json, const struct kee_place *place,
                     kee_decode_fn *item, struct kee_value **out)
{
    int r;

    switch (json_typeof(json)) {
    case JSON_NULL:
        return made(out, kee_value_new(decode->arena, KEE_VALUE_NULL));
    case JSON_TRUE:
    case JSON_FALSE:
        r = made(out, kee_value_new(decode->arena, KEE_VALUE_BOOLEAN));
        if (r == 0) {
            (*out)->as.boolean = json_is_true(json);
        }
        return r;
    case JSON_INTEGER:
    case JSON_REAL:
        return kee_decode_number(decode, json_number_value(json), out);
    case JSON_ARRAY:
        return decode_array(decode, json, place, item, out);
    case JSON_STRING:
    case JSON_OBJECT:
        break;
    }
    return kee_place_bad(place, decode->why, "expected a plain value, found %s",
                         kee_json_kind_name(json));
}

int kee_decode_members(struct kee_decode *decode, const json_t *json, const struct kee_place *place,
                       kee_decode_fn *item, struct kee_value **out)
{
    int r = made(out, kee_value_record(decode->arena, json_object_size(json)));
    void *at = json_object_iter((json_t *)json);
    size_t i = 0;

    for (; r == 0 && at != NULL; at = json_object_iter_next((json_t *)json, at), i++) {
        struct kee_member *member = &(*out)->as.record.members[i];
        struct kee_place inner;
        member->name = kee_decode_copy(
            decode, kee_bytes_of(json_object_iter_key(at), json_object_iter_key_len(at)));
        if (member->name.data == NULL) {
            return kee_fault(KEE_FAULT_MEMORY, "a member's name");
        }
        inner = kee_place_member(place, member->name);
        r = item(decode, json_object_iter_value(at), &inner, &member->value);
    }
    return r;
}

struct kee_bytes kee_decode_copy(struct kee_decode *decode, struct kee_bytes text)
{
    return decode->hidden ? kee_lone_show(text, decode->arena)
                          : kee_arena_copy(decode->arena, text);
}

struct kee_bytes kee_decode_text(struct kee_decode *decode, const json_t *json)
{
    return kee_decode_copy(decode, kee_bytes_of(json_string_value(json), json_string_length(json)));
}

int kee_decode_string(struct kee_decode *decode, struct kee_bytes text, struct kee_value **out)
{
    return made(out, text.data == NULL ? NULL : kee_value_string(decode->arena, text));
}

int kee_decode_number(struct kee_decode *decode, double number, struct kee_value **out)
{
    int r = made(out, kee_value_new(decode->arena, KEE_VALUE_NUMBER));

    if (r == 0) {
        (*out)->as.number = number == 0 ? 0 : number; /* -0 is not passable as itself */
    }
    return r;
}

int kee_decode_bigint(struct kee_decode *decode, struct kee_bytes digits,
                      const struct kee_place *place, struct kee_value **out)
{
    int r;

    if (!kee_value_is_bigint_text(digits)) {
        return kee_place_bad(place, decode->why,
                             "expected the decimal digits of a bigint, found \"%.*s\"",
                             KEE_PLACE_SHOWN(digits));
    }
    r = made(out, kee_value_new(decode->arena, KEE_VALUE_BIGINT));
    if (r == 0) {
        (*out)->as.text = digits;
    }
    return r;
}

int kee_decode_symbol(struct kee_decode *decode, struct kee_bytes name, struct kee_value **out)
{
    int r = made(out, kee_value_new(decode->arena, KEE_VALUE_SYMBOL));

    if (r == 0) {
        (*out)->as.text = name;
    }
    return r;
}

int kee_decode_slot(struct kee_decode *decode, uint64_t index, struct kee_bytes iface,
                    const struct kee_place *place, struct kee_value **out)
{
    if (index >= decode->slot_count) {
        return kee_place_bad(place, decode->why, "names slot %llu; the body has %zu slots",
                             (unsigned long long)index, decode->slot_count);
    }
    struct kee_bytes slot = kee_arena_copy(decode->arena, decode->slots[index]);
    return made(out, slot.data == NULL ? NULL : kee_value_ref(decode->arena, slot, iface));
}

int kee_decode_error(struct kee_decode *decode, struct kee_bytes name, struct kee_bytes message,
                     struct kee_bytes id, struct kee_value **out)
{
    int r = made(out, kee_value_new(decode->arena, KEE_VALUE_ERROR));

    if (r == 0) {
        (*out)->as.error.name = name.data == NULL ? KEE_BYTES_LIT("Error") : name;
        (*out)->as.error.message = message;
        (*out)->as.error.id = id;
    }
    return r;
}

int kee_decode_constant(struct kee_decode *decode, struct kee_bytes name,
                        const struct kee_place *place, struct kee_value **out)
{
    if (kee_bytes_equal(name, KEE_BYTES_LIT("undefined"))) {
        return made(out, kee_value_new(decode->arena, KEE_VALUE_UNDEFINED));
    }
    if (kee_bytes_equal(name, KEE_BYTES_LIT("NaN"))) {
        return kee_decode_number(decode, NAN, out);
    }
    if (kee_bytes_equal(name, KEE_BYTES_LIT("Infinity"))) {
        return kee_decode_number(decode, INFINITY, out);
    }
    if (kee_bytes_equal(name, KEE_BYTES_LIT("-Infinity"))) {
        return kee_decode_number(decode, -INFINITY, out);
    }
    return kee_place_bad(place, decode->why,
                         "expected undefined, NaN, Infinity or -Infinity, found \"%.*s\"",
                         KEE_PLACE_SHOWN(name));
}
