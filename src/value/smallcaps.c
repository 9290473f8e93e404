/* SPDX-License-Identifier: Apache-2.0 */
/* smallcaps - reading the JSON of a smallcaps body; see body.h for the forms. */
#include "base/fault.h"
#include "value/decode.h"
#include "value/json.h"

static struct kee_bytes rest_of(struct kee_bytes text)
{
    return kee_bytes_of(text.data + 1, text.size - 1);
}

static bool is_special(struct kee_bytes text)
{
    return text.size > 0 && text.data[0] >= '!' && text.data[0] <= '-';
}

/* "0" or "0.Alleged: thing" after the mark. */
static int decode_ref(struct kee_decode *decode, struct kee_bytes text,
                      const struct kee_place *place, struct kee_value **out)
{
    bool promise = text.data[0] == '&';
    struct kee_bytes iface = rest_of(text);
    struct kee_bytes digits = kee_bytes_cut(&iface, '.');
    uint64_t index;
    int r;

    if (!kee_bytes_decimal(digits, &index)) {
        return kee_place_bad(place, decode->why,
                             "expected a slot number after '%c', found \"%.*s\"", text.data[0],
                             KEE_PLACE_SHOWN(text));
    }
    r = kee_decode_slot(decode, index, iface, place, out);
    if (r == 0 && promise != ((*out)->kind == KEE_VALUE_PROMISE)) {
        return kee_place_bad(place, decode->why, "'%c' names slot \"%.*s\", which is %s",
                             text.data[0], KEE_PLACE_SHOWN((*out)->as.ref.slot),
                             kee_value_kind_name((*out)->kind));
    }
    return r;
}

static int decode_string(struct kee_decode *decode, const json_t *json,
                         const struct kee_place *place, struct kee_value **out)
{
    struct kee_bytes text = kee_decode_text(decode, json);

    if (text.data == NULL) {
        return kee_fault(KEE_FAULT_MEMORY, "a string");
    }
    if (!is_special(text)) {
        return kee_decode_string(decode, text, out);
    }
    switch (text.data[0]) {
    case '!':
        return kee_decode_string(decode, rest_of(text), out);
    case '+':
        if (text.size > 1 && text.data[1] == '-') {
            break;
        }
        return kee_decode_bigint(decode, rest_of(text), place, out);
    case '-':
        return kee_decode_bigint(decode, text, place, out);
    case '#':
        return kee_decode_constant(decode, rest_of(text), place, out);
    case '%':
        return kee_decode_symbol(decode, rest_of(text), out);
    case '$':
    case '&':
        return decode_ref(decode, text, place, out);
    default:
        break;
    }
    return kee_place_bad(place, decode->why,
                         "a string that begins with '%c' is reserved in smallcaps: \"%.*s\"",
                         text.data[0], KEE_PLACE_SHOWN(text));
}

/* A member that must be a string once decoded; absent gives data NULL. */
static int decode_text_member(struct kee_decode *decode, const json_t *json, const char *name,
                              const struct kee_place *place, struct kee_bytes *out)
{
    const json_t *member = json_object_get(json, name);
    struct kee_place inner = kee_place_member(place, kee_bytes_str(name));
    struct kee_value *value = NULL;
    int r;

    *out = kee_bytes_of(NULL, 0);
    if (member == NULL) {
        return 0;
    }
    if (!json_is_string(member)) {
        return kee_place_bad(&inner, decode->why, "expected a string, found %s",
                             kee_json_kind_name(member));
    }
    r = decode_string(decode, member, &inner, &value);
    if (r != 0 || value == NULL) {
        return r;
    }
    if (value->kind != KEE_VALUE_STRING) {
        return kee_place_bad(&inner, decode->why, "expected a string, found %s",
                             kee_value_kind_name(value->kind));
    }
    *out = value->as.text;
    return 0;
}

static int decode_tagged(struct kee_decode *decode, const json_t *json,
                         const struct kee_place *place, struct kee_value **out)
{
    const json_t *payload = json_object_get(json, "payload");
    struct kee_place inner = kee_place_member(place, KEE_BYTES_LIT("payload"));
    struct kee_bytes tag;
    int r;

    if (payload == NULL || json_object_size(json) != 2) {
        return kee_place_bad(place, decode->why,
                             "a tagged value has exactly the members \"#tag\" and \"payload\"");
    }
    r = decode_text_member(decode, json, "#tag", place, &tag);
    if (r != 0) {
        return r;
    }
    *out = kee_value_new(decode->arena, KEE_VALUE_TAGGED);
    if (*out == NULL) {
        return kee_fault(KEE_FAULT_MEMORY, "a tagged value");
    }
    (*out)->as.tagged.tag = tag;
    return kee_decode_smallcaps(decode, payload, &inner, &(*out)->as.tagged.payload);
}

/* cause and errors, which an error may also have, are left where they are: no door shows them. */
static int decode_error(struct kee_decode *decode, const json_t *json,
                        const struct kee_place *place, struct kee_value **out)
{
    struct kee_bytes message;
    struct kee_bytes name;
    struct kee_bytes id;
    int r;

    r = decode_text_member(decode, json, "#error", place, &message);
    if (r == 0) {
        r = decode_text_member(decode, json, "name", place, &name);
    }
    if (r == 0) {
        r = decode_text_member(decode, json, "errorId", place, &id);
    }
    return r == 0 ? kee_decode_error(decode, name, message, id, out) : r;
}

static int decode_record(struct kee_decode *decode, const json_t *json,
                         const struct kee_place *place, struct kee_value **out)
{
    int r = kee_decode_members(decode, json, place, kee_decode_smallcaps, out);
    void *at = json_object_iter((json_t *)json);

    for (size_t i = 0; r == 0 && i < (*out)->as.record.count; i++) {
        struct kee_bytes *name = &(*out)->as.record.members[i].name;
        const char *key = json_object_iter_key(at);
        size_t key_size = json_object_iter_key_len(at);
        at = json_object_iter_next((json_t *)json, at);
        if (!is_special(*name)) {
            continue;
        }
        if (name->data[0] != '!') {
            return kee_place_bad(place, decode->why,
                                 "the member name \"%.*s\" is reserved in smallcaps",
                                 KEE_PLACE_SHOWN(*name));
        }
        *name = rest_of(*name);
        if (!is_special(*name) && json_object_getn(json, key + 1, key_size - 1) != NULL) {
            return kee_place_bad(place, decode->why, "the member \"%.*s\" is there twice",
                                 KEE_PLACE_SHOWN(*name));
        }
    }
    return r;
}

int kee_decode_smallcaps(struct kee_decode *decode, const json_t *json,
                         const struct kee_place *place, struct kee_value **out)
{
    int r = kee_decode_depth(decode, place);

    if (r != 0) {
        return r;
    }
    if (json_is_string(json)) {
        return decode_string(decode, json, place, out);
    }
    if (!json_is_object(json)) {
        return kee_decode_plain(decode, json, place, kee_decode_smallcaps, out);
    }
    if (json_object_get(json, "#tag") != NULL) {
        return decode_tagged(decode, json, place, out);
    }
    if (json_object_get(json, "#error") != NULL) {
        return decode_error(decode, json, place, out);
    }
    return decode_record(decode, json, place, out);
}
