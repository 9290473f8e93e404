/* SPDX-License-Identifier: Apache-2.0 */
/* json - see json.h. */
#include "value/json.h"

#include <math.h>

#include "base/assert.h"
#include "base/fault.h"
#include "base/ids.h"
#include "value/decode.h"
#include "value/text.h"

static kee_decode_fn decode_with_forms;
static kee_decode_fn decode_without_forms;

static bool is_kref(const json_t *json)
{
    struct kee_kref kref;

    return json_is_string(json) &&
           kee_kref_parse(kee_bytes_of(json_string_value(json), json_string_length(json)), &kref);
}

static bool is_ref_form(const json_t *json)
{
    return json_object_size(json) == 1 && is_kref(json_object_get(json, "kref"));
}

/* The first member name that begins with '@', or NULL. */
static const char *form_of(const json_t *json)
{
    const char *name;
    json_t *member;

    json_object_foreach((json_t *)json, name, member)
    {
        if (name[0] == '@') {
            return name;
        }
    }
    return NULL;
}

/* The form's text member, which must be there and must be a string. */
static int form_text(struct kee_decode *decode, const json_t *json, const char *name,
                     const struct kee_place *place, struct kee_bytes *out)
{
    const json_t *member = json_object_get(json, name);

    *out = kee_bytes_of(NULL, 0);
    if (!json_is_string(member)) {
        return kee_place_bad(place, decode->why, "expected a string in \"%s\", found %s", name,
                             member == NULL ? "none" : kee_json_kind_name(member));
    }
    *out = kee_decode_text(decode, member);
    return out->data != NULL ? 0 : kee_fault(KEE_FAULT_MEMORY, "a string");
}

static int decode_tagged(struct kee_decode *decode, const json_t *json,
                         const struct kee_place *place, struct kee_value **out)
{
    const json_t *payload = json_object_get(json, "payload");
    struct kee_place inner = kee_place_member(place, KEE_BYTES_LIT("payload"));
    struct kee_bytes tag;
    int r = form_text(decode, json, "@tagged", place, &tag);

    if (r != 0) {
        return r;
    }
    if (payload == NULL || json_object_size(json) != 2) {
        return kee_place_bad(place, decode->why,
                             "a tagged value is written {\"@tagged\":\"tag\",\"payload\":...}");
    }
    *out = kee_value_new(decode->arena, KEE_VALUE_TAGGED);
    if (*out == NULL) {
        return kee_fault(KEE_FAULT_MEMORY, "a tagged value");
    }
    (*out)->as.tagged.tag = tag;
    return decode_with_forms(decode, payload, &inner, &(*out)->as.tagged.payload);
}

static int decode_error(struct kee_decode *decode, const json_t *json,
                        const struct kee_place *place, struct kee_value **out)
{
    struct kee_bytes name = {NULL, 0};
    struct kee_bytes id = {NULL, 0};
    struct kee_bytes message;
    size_t members = 1;
    int r = form_text(decode, json, "@error", place, &message);

    if (r == 0 && json_object_get(json, "name") != NULL) {
        members++;
        r = form_text(decode, json, "name", place, &name);
    }
    if (r == 0 && json_object_get(json, "id") != NULL) {
        members++;
        r = form_text(decode, json, "id", place, &id);
    }
    if (r == 0 && json_object_size(json) != members) {
        return kee_place_bad(place, decode->why,
                             "an error is written {\"@error\":\"message\",\"name\":\"TypeError\"}");
    }
    return r == 0 ? kee_decode_error(decode, name, message, id, out) : r;
}

static int decode_form(struct kee_decode *decode, const json_t *json, const char *form,
                       const struct kee_place *place, struct kee_value **out)
{
    const json_t *content = json_object_get(json, form);
    struct kee_bytes text;
    int r;

    if (strcmp(form, "@tagged") == 0) {
        return decode_tagged(decode, json, place, out);
    }
    if (strcmp(form, "@error") == 0) {
        return decode_error(decode, json, place, out);
    }
    if (json_object_size(json) != 1) {
        return kee_place_bad(place, decode->why,
                             "\"%.40s\" stands beside other members; a record with such a name is "
                             "written {\"@record\":{...}}",
                             form);
    }
    if (strcmp(form, "@undefined") == 0 && json_is_true(content)) {
        return kee_decode_constant(decode, KEE_BYTES_LIT("undefined"), place, out);
    }
    if (strcmp(form, "@record") == 0 && json_is_object(content)) {
        return kee_decode_members(decode, content, place, decode_with_forms, out);
    }
    if (strcmp(form, "@bigint") == 0) {
        r = form_text(decode, json, form, place, &text);
        return r == 0 ? kee_decode_bigint(decode, text, place, out) : r;
    }
    if (strcmp(form, "@number") == 0) {
        r = form_text(decode, json, form, place, &text);
        if (r == 0 && kee_bytes_equal(text, KEE_BYTES_LIT("undefined"))) {
            text = KEE_BYTES_LIT("?");
        }
        return r == 0 ? kee_decode_constant(decode, text, place, out) : r;
    }
    if (strcmp(form, "@symbol") == 0) {
        r = form_text(decode, json, form, place, &text);
        return r == 0 ? kee_decode_symbol(decode, text, out) : r;
    }
    return kee_place_bad(
        place, decode->why,
        "expected @bigint, @undefined (true), @number, @symbol, @tagged, @error or "
        "@record (an object), found \"%.40s\" with %s",
        form, kee_json_kind_name(content));
}

static int decode_with_forms(struct kee_decode *decode, const json_t *json,
                             const struct kee_place *place, struct kee_value **out)
{
    const char *form;
    int r = kee_decode_depth(decode, place);

    if (r != 0) {
        return r;
    }
    if (json_is_string(json)) {
        return kee_decode_string(decode, kee_decode_text(decode, json), out);
    }
    if (!json_is_object(json)) {
        return kee_decode_plain(decode, json, place, decode_with_forms, out);
    }
    if (is_ref_form(json)) {
        struct kee_bytes slot = kee_decode_text(decode, json_object_get(json, "kref"));
        *out = slot.data == NULL ? NULL : kee_value_ref(decode->arena, slot, kee_bytes_of(NULL, 0));
        return *out != NULL ? 0 : kee_fault(KEE_FAULT_MEMORY, "a reference");
    }
    form = form_of(json);
    if (form != NULL) {
        return decode_form(decode, json, form, place, out);
    }
    return kee_decode_members(decode, json, place, decode_with_forms, out);
}

static int decode_without_forms(struct kee_decode *decode, const json_t *json,
                                const struct kee_place *place, struct kee_value **out)
{
    int r = kee_decode_depth(decode, place);

    if (r != 0) {
        return r;
    }
    if (json_is_string(json)) {
        return kee_decode_string(decode, kee_decode_text(decode, json), out);
    }
    if (json_is_object(json)) {
        return kee_decode_members(decode, json, place, decode_without_forms, out);
    }
    return kee_decode_plain(decode, json, place, decode_without_forms, out);
}

int kee_value_from_json_text(struct kee_bytes text, struct kee_arena *arena, struct kee_value **out,
                             struct kee_buf *why)
{
    struct kee_decode decode = {.arena = arena, .why = why};
    struct kee_place root = KEE_PLACE_ROOT;
    json_t *json = NULL;
    int r = kee_decode_json(&decode, text, &json);

    if (r == 0) {
        r = decode_with_forms(&decode, json, &root, out);
        json_decref(json);
    }
    return r;
}

int kee_value_from_plain_json(const json_t *json, struct kee_arena *arena, struct kee_value **out,
                              struct kee_buf *why)
{
    struct kee_decode decode = {.arena = arena, .why = why};
    struct kee_place root = KEE_PLACE_ROOT;

    return decode_without_forms(&decode, json, &root, out);
}

static void put_form(struct kee_buf *buf, const char *form, struct kee_bytes text)
{
    kee_buf_put_str(buf, "{\"");
    kee_buf_put_str(buf, form);
    kee_buf_put_str(buf, "\":");
    kee_buf_put_json_string(buf, text);
    kee_buf_put_char(buf, '}');
}

static void put_number(struct kee_buf *buf, double number)
{
    if (isnan(number)) {
        put_form(buf, "@number", KEE_BYTES_LIT("NaN"));
    } else if (isinf(number)) {
        put_form(buf, "@number",
                 number > 0 ? KEE_BYTES_LIT("Infinity") : KEE_BYTES_LIT("-Infinity"));
    } else {
        kee_buf_put_number(buf, number);
    }
}

/* Would this record be read back as something else? */
static bool needs_wrapping(const struct kee_value *record)
{
    const struct kee_member *members = record->as.record.members;
    struct kee_kref kref;

    for (size_t i = 0; i < record->as.record.count; i++) {
        if (members[i].name.size > 0 && members[i].name.data[0] == '@') {
            return true;
        }
    }
    return record->as.record.count == 1 &&
           kee_bytes_equal(members[0].name, KEE_BYTES_LIT("kref")) &&
           members[0].value->kind == KEE_VALUE_STRING &&
           kee_kref_parse(members[0].value->as.text, &kref);
}

static void put_record(struct kee_buf *buf, const struct kee_value *value)
{
    bool wrapped = needs_wrapping(value);

    kee_buf_put_str(buf, wrapped ? "{\"@record\":{" : "{");
    for (size_t i = 0; i < value->as.record.count; i++) {
        if (i > 0) {
            kee_buf_put_char(buf, ',');
        }
        kee_buf_put_json_string(buf, value->as.record.members[i].name);
        kee_buf_put_char(buf, ':');
        kee_buf_put_value_json(buf, value->as.record.members[i].value);
    }
    kee_buf_put_str(buf, wrapped ? "}}" : "}");
}

static void put_error(struct kee_buf *buf, const struct kee_value *value)
{
    kee_buf_put_str(buf, "{\"@error\":");
    kee_buf_put_json_string(buf, value->as.error.message);
    kee_buf_put_str(buf, ",\"name\":");
    kee_buf_put_json_string(buf, value->as.error.name);
    if (value->as.error.id.size > 0) {
        kee_buf_put_str(buf, ",\"id\":");
        kee_buf_put_json_string(buf, value->as.error.id);
    }
    kee_buf_put_char(buf, '}');
}

void kee_buf_put_value_json(struct kee_buf *buf, const struct kee_value *value)
{
    switch (value->kind) {
    case KEE_VALUE_NULL:
        kee_buf_put_str(buf, "null");
        return;
    case KEE_VALUE_UNDEFINED:
        kee_buf_put_str(buf, "{\"@undefined\":true}");
        return;
    case KEE_VALUE_BOOLEAN:
        kee_buf_put_str(buf, value->as.boolean ? "true" : "false");
        return;
    case KEE_VALUE_NUMBER:
        put_number(buf, value->as.number);
        return;
    case KEE_VALUE_BIGINT:
        put_form(buf, "@bigint", value->as.text);
        return;
    case KEE_VALUE_STRING:
        kee_buf_put_json_string(buf, value->as.text);
        return;
    case KEE_VALUE_SYMBOL:
        put_form(buf, "@symbol", value->as.text);
        return;
    case KEE_VALUE_ARRAY:
        kee_buf_put_char(buf, '[');
        for (size_t i = 0; i < value->as.array.count; i++) {
            if (i > 0) {
                kee_buf_put_char(buf, ',');
            }
            kee_buf_put_value_json(buf, value->as.array.items[i]);
        }
        kee_buf_put_char(buf, ']');
        return;
    case KEE_VALUE_RECORD:
        put_record(buf, value);
        return;
    case KEE_VALUE_TAGGED:
        kee_buf_put_str(buf, "{\"@tagged\":");
        kee_buf_put_json_string(buf, value->as.tagged.tag);
        kee_buf_put_str(buf, ",\"payload\":");
        kee_buf_put_value_json(buf, value->as.tagged.payload);
        kee_buf_put_char(buf, '}');
        return;
    case KEE_VALUE_ERROR:
        put_error(buf, value);
        return;
    case KEE_VALUE_REMOTABLE:
    case KEE_VALUE_PROMISE:
        put_form(buf, "kref", value->as.ref.slot);
        return;
    }
    kee_assert(false);
}

const char *kee_json_kind_name(const json_t *json)
{
    if (json == NULL) {
        return "nothing";
    }
    switch (json_typeof(json)) {
    case JSON_OBJECT:
        return "an object";
    case JSON_ARRAY:
        return "an array";
    case JSON_STRING:
        return "a string";
    case JSON_INTEGER:
    case JSON_REAL:
        return "a number";
    case JSON_TRUE:
        return "true";
    case JSON_FALSE:
        return "false";
    case JSON_NULL:
        return "null";
    }
    return "nothing";
}
