/* SPDX-License-Identifier: Apache-2.0 */
/*
 * capdata - reading the JSON of a capdata body, the older encoding that CapTP speaks: special forms
 * are records with a member "@qclass".
 */
#include "base/fault.h"
#include "value/decode.h"
#include "value/json.h"

/* A string member; data NULL if absent and not needed. */
static int text_member(struct kee_decode *decode, const json_t *json, const char *name, bool needed,
                       const struct kee_place *place, struct kee_bytes *out)
{
    const json_t *member = json_object_get(json, name);

    *out = kee_bytes_of(NULL, 0);
    if (member == NULL && !needed) {
        return 0;
    }
    if (!json_is_string(member)) {
        return kee_place_bad(place, decode->why, "expected a string member \"%s\", found %s", name,
                             member == NULL ? "none" : kee_json_kind_name(member));
    }
    *out = kee_decode_text(decode, member);
    return out->data != NULL ? 0 : kee_fault(KEE_FAULT_MEMORY, "a string");
}

static int decode_slot(struct kee_decode *decode, const json_t *json, const struct kee_place *place,
                       struct kee_value **out)
{
    const json_t *index = json_object_get(json, "index");
    double number = json_number_value(index);
    struct kee_bytes iface;
    int r;

    if (!json_is_number(index) || number < 0 || number > 1e9 ||
        number != (double)(uint64_t)number) {
        return kee_place_bad(place, decode->why, "a slot needs a whole number \"index\"");
    }
    r = text_member(decode, json, "iface", false, place, &iface);
    return r == 0 ? kee_decode_slot(decode, (uint64_t)number, iface, place, out) : r;
}

static int decode_error(struct kee_decode *decode, const json_t *json,
                        const struct kee_place *place, struct kee_value **out)
{
    struct kee_bytes name;
    struct kee_bytes message;
    struct kee_bytes id;
    int r = text_member(decode, json, "name", true, place, &name);

    if (r == 0) {
        r = text_member(decode, json, "message", true, place, &message);
    }
    if (r == 0) {
        r = text_member(decode, json, "errorId", false, place, &id);
    }
    return r == 0 ? kee_decode_error(decode, name, message, id, out) : r;
}

static int decode_tagged(struct kee_decode *decode, const json_t *json,
                         const struct kee_place *place, struct kee_value **out)
{
    const json_t *payload = json_object_get(json, "payload");
    struct kee_place inner = kee_place_member(place, KEE_BYTES_LIT("payload"));
    struct kee_bytes tag;
    int r = text_member(decode, json, "tag", true, place, &tag);

    if (r != 0) {
        return r;
    }
    if (payload == NULL) {
        return kee_place_bad(place, decode->why, "a tagged value needs a member \"payload\"");
    }
    *out = kee_value_new(decode->arena, KEE_VALUE_TAGGED);
    if (*out == NULL) {
        return kee_fault(KEE_FAULT_MEMORY, "a tagged value");
    }
    (*out)->as.tagged.tag = tag;
    return kee_decode_capdata(decode, payload, &inner, &(*out)->as.tagged.payload);
}

/* A record that itself has a member "@qclass": that member's value is "original", the others are
 * "rest". */
static int decode_hilbert(struct kee_decode *decode, const json_t *json,
                          const struct kee_place *place, struct kee_value **out)
{
    const json_t *original = json_object_get(json, "original");
    const json_t *rest = json_object_get(json, "rest");
    struct kee_place inner = kee_place_member(place, KEE_BYTES_LIT("@qclass"));
    struct kee_value *others = NULL;
    struct kee_member *first;
    int r;

    if (original == NULL || (rest != NULL && !json_is_object(rest)) ||
        json_object_get(rest, "@qclass") != NULL) {
        return kee_place_bad(place, decode->why,
                             "a hilbert form needs \"original\", and perhaps a record \"rest\" "
                             "without a member \"@qclass\"");
    }
    if (rest != NULL) {
        r = kee_decode_members(decode, rest, place, kee_decode_capdata, &others);
        if (r != 0) {
            return r;
        }
    }
    *out = kee_value_record(decode->arena, 1 + json_object_size(rest));
    if (*out == NULL) {
        return kee_fault(KEE_FAULT_MEMORY, "a record");
    }
    first = (*out)->as.record.members;
    first->name = KEE_BYTES_LIT("@qclass");
    if (others != NULL && others->as.record.count > 0) {
        memcpy(first + 1, others->as.record.members, others->as.record.count * sizeof *first);
    }
    return kee_decode_capdata(decode, original, &inner, &first->value);
}

static int decode_special(struct kee_decode *decode, const json_t *json, const char *class,
                          const struct kee_place *place, struct kee_value **out)
{
    struct kee_bytes text;
    int r;

    if (strcmp(class, "slot") == 0) {
        return decode_slot(decode, json, place, out);
    }
    if (strcmp(class, "error") == 0) {
        return decode_error(decode, json, place, out);
    }
    if (strcmp(class, "tagged") == 0) {
        return decode_tagged(decode, json, place, out);
    }
    if (strcmp(class, "hilbert") == 0) {
        return decode_hilbert(decode, json, place, out);
    }
    if (strcmp(class, "bigint") == 0) {
        r = text_member(decode, json, "digits", true, place, &text);
        return r == 0 ? kee_decode_bigint(decode, text, place, out) : r;
    }
    if (strcmp(class, "symbol") == 0) {
        r = text_member(decode, json, "name", true, place, &text);
        return r == 0 ? kee_decode_symbol(decode, text, out) : r;
    }
    if (strcmp(class, "@@asyncIterator") == 0) {
        return kee_decode_symbol(decode, KEE_BYTES_LIT("@@asyncIterator"), out);
    }
    return kee_decode_constant(decode, kee_bytes_str(class), place, out);
}

int kee_decode_capdata(struct kee_decode *decode, const json_t *json, const struct kee_place *place,
                       struct kee_value **out)
{
    const json_t *class = json_object_get(json, "@qclass");
    int r = kee_decode_depth(decode, place);

    if (r != 0) {
        return r;
    }
    if (json_is_string(json)) {
        return kee_decode_string(decode, kee_decode_text(decode, json), out);
    }
    if (!json_is_object(json)) {
        return kee_decode_plain(decode, json, place, kee_decode_capdata, out);
    }
    if (class == NULL) {
        return kee_decode_members(decode, json, place, kee_decode_capdata, out);
    }
    if (!json_is_string(class)) {
        return kee_place_bad(place, decode->why, "expected text in \"@qclass\", found %s",
                             kee_json_kind_name(class));
    }
    return decode_special(decode, json, json_string_value(class), place, out);
}
