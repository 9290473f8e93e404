/* SPDX-License-Identifier: Apache-2.0 */
/* ops - see ops.h. */
#include "captp/ops.h"

#include <jansson.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/fault.h"
#include "base/limits.h"
#include "value/json.h"
#include "value/text.h"

static const char *const type_names[] = {
    [KEE_CAPTP_BOOTSTRAP] = "CTP_BOOTSTRAP",
    [KEE_CAPTP_CALL] = "CTP_CALL",
    [KEE_CAPTP_RETURN] = "CTP_RETURN",
    [KEE_CAPTP_RESOLVE] = "CTP_RESOLVE",
    [KEE_CAPTP_DROP] = "CTP_DROP",
    [KEE_CAPTP_DISCONNECT] = "CTP_DISCONNECT",
    [KEE_CAPTP_TRAP_ITERATE] = "CTP_TRAP_ITERATE",
};
enum { TYPES = sizeof type_names / sizeof *type_names };

/* The members that hold what a type is about: the thing's name, the value, the value if rejected. */
static const struct {
    const char *id, *value, *reason;
} members[] = {
    [KEE_CAPTP_BOOTSTRAP] = {"questionID", NULL, NULL},
    [KEE_CAPTP_CALL] = {"questionID", "method", NULL},
    [KEE_CAPTP_RETURN] = {"answerID", "result", "exception"},
    [KEE_CAPTP_RESOLVE] = {"promiseID", "res", "rej"},
    [KEE_CAPTP_DROP] = {"slotID", NULL, NULL},
    [KEE_CAPTP_DISCONNECT] = {NULL, NULL, NULL},
    [KEE_CAPTP_TRAP_ITERATE] = {"questionID", "serialized", NULL},
};

const char *kee_captp_type_name(enum kee_captp_op_type type)
{
    kee_assert((unsigned)type < TYPES);
    return type_names[type];
}

/* ---- reading ---- */

struct reading {
    struct kee_arena *arena;
    struct kee_buf *why;
    const char *type; /* for sentences */
};

static int bad(struct reading *reading, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static int bad(struct reading *reading, const char *format, ...)
{
    va_list args;

    kee_buf_clear(reading->why);
    if (reading->type != NULL) {
        kee_buf_printf(reading->why, "%s: ", reading->type);
    }
    va_start(args, format);
    kee_buf_vprintf(reading->why, format, args);
    va_end(args);
    return KEE_CAPTP_BAD;
}

static const char *kind_of(const json_t *json)
{
    return json == NULL ? "none" : kee_json_kind_name(json);
}

static int copy_text(struct reading *reading, const json_t *json, struct kee_bytes *out)
{
    *out = kee_arena_copy(reading->arena,
                          kee_bytes_of(json_string_value(json), json_string_length(json)));
    return out->data != NULL ? 0 : kee_fault(KEE_FAULT_MEMORY, "text of a message");
}

static int read_name(struct reading *reading, const json_t *object, const char *member,
                     struct kee_bytes *out)
{
    const json_t *json = json_object_get(object, member);

    if (!json_is_string(json) || json_string_length(json) == 0) {
        return bad(reading, "expected a name in \"%s\", found %s", member,
                   json_is_string(json) ? "empty text" : kind_of(json));
    }
    if (json_string_length(json) > KEE_LIMIT_CAPTP_NAME_BYTES) {
        return bad(reading, "the name in \"%s\" has %zu bytes; the limit is %u", member,
                   json_string_length(json), KEE_LIMIT_CAPTP_NAME_BYTES);
    }
    return copy_text(reading, json, out);
}

static int read_slots(struct reading *reading, const json_t *slots, const char *member,
                      struct kee_body *out)
{
    size_t count = json_array_size(slots);
    struct kee_bytes *names;

    if (count > KEE_LIMIT_SLOTS) {
        return bad(reading, "\"%s\" has %zu slots; the limit is %u", member, count,
                   KEE_LIMIT_SLOTS);
    }
    names = kee_arena_alloc(reading->arena, count * sizeof *names);
    if (names == NULL) {
        return kee_fault(KEE_FAULT_MEMORY, "the slots of a message");
    }
    for (size_t i = 0; i < count; i++) {
        const json_t *json = json_array_get(slots, i);
        int r;
        if (!json_is_string(json) || json_string_length(json) > KEE_LIMIT_CAPTP_NAME_BYTES) {
            return bad(reading, "expected a name as slot %zu of \"%s\", found %s", i, member,
                       json_is_string(json) ? "a text that is too long" : kind_of(json));
        }
        r = copy_text(reading, json, &names[i]);
        if (r != 0) {
            return r;
        }
    }
    out->slots = names;
    out->slot_count = count;
    return 0;
}

static int read_value(struct reading *reading, const json_t *object, const char *member,
                      struct kee_body *out)
{
    const json_t *json = json_object_get(object, member);
    const json_t *body = json_object_get(json, "body");
    const json_t *slots = json_object_get(json, "slots");
    int r;

    if (!json_is_object(json)) {
        return bad(reading, "expected a value in \"%s\", found %s", member, kind_of(json));
    }
    if (!json_is_string(body)) {
        return bad(reading, "expected text in \"%s.body\", found %s", member, kind_of(body));
    }
    if (!json_is_array(slots)) {
        return bad(reading, "expected an array in \"%s.slots\", found %s", member, kind_of(slots));
    }
    r = copy_text(reading, body, &out->text);
    return r == 0 ? read_slots(reading, slots, member, out) : r;
}

/* Absent is 0. What is less than nothing is nothing, what is too much is more than there can be. */
static int read_refs(struct reading *reading, const json_t *object, uint64_t *out)
{
    const json_t *json = json_object_get(object, "decRefs");
    double number = json_number_value(json);

    *out = 0;
    if (json == NULL) {
        return 0;
    }
    if (!json_is_number(json)) {
        return bad(reading, "expected a number in \"decRefs\", found %s", kind_of(json));
    }
    if (number > 0) {
        *out = number < 9007199254740992.0 ? (uint64_t)number : UINT64_MAX;
    }
    return 0;
}

/* An extension: [{"slotID":"o-4","decRefs":1}...], which who does not know it passes over. */
static int read_more(struct reading *reading, const json_t *object, struct kee_captp_op *op)
{
    const json_t *json = json_object_get(object, "more");
    struct kee_captp_drop *drops;
    int r = 0;

    if (json == NULL) {
        return 0;
    }
    if (!json_is_array(json)) {
        return bad(reading, "expected an array in \"more\", found %s", kind_of(json));
    }
    drops = kee_arena_alloc(reading->arena, json_array_size(json) * sizeof *drops);
    if (drops == NULL) {
        return kee_fault(KEE_FAULT_MEMORY, "the slots of a message");
    }
    for (size_t i = 0; r == 0 && i < json_array_size(json); i++) {
        const json_t *item = json_array_get(json, i);
        r = read_name(reading, item, "slotID", &drops[i].id);
        r = r == 0 ? read_refs(reading, item, &drops[i].refs) : r;
    }
    op->more = drops;
    op->more_count = json_array_size(json);
    return r;
}

static int read_reason(struct reading *reading, const json_t *object, struct kee_bytes *out)
{
    const json_t *json = json_object_get(object, "reason");
    char *text;

    *out = kee_bytes_of(NULL, 0);
    if (json == NULL) {
        return 0;
    }
    text = json_dumps(json, JSON_ENCODE_ANY | JSON_COMPACT);
    if (text == NULL) {
        return kee_fault(KEE_FAULT_MEMORY, "the reason of a disconnect");
    }
    *out = kee_arena_copy(reading->arena, kee_bytes_str(text));
    free(text);
    return out->data != NULL ? 0 : kee_fault(KEE_FAULT_MEMORY, "the reason of a disconnect");
}

static int read_type(struct reading *reading, const json_t *object, enum kee_captp_op_type *out)
{
    const json_t *json = json_object_get(object, "type");

    if (!json_is_string(json)) {
        return bad(reading, "expected text in \"type\", found %s", kind_of(json));
    }
    for (size_t i = 0; i < TYPES; i++) {
        if (strcmp(json_string_value(json), type_names[i]) == 0) {
            *out = (enum kee_captp_op_type)i;
            reading->type = type_names[i];
            return 0;
        }
    }
    return bad(reading, "unknown type \"%.40s\"", json_string_value(json));
}

static int read_members(struct reading *reading, const json_t *object, struct kee_captp_op *op)
{
    const char *value = members[op->type].value;
    const char *reason = members[op->type].reason;
    int r = 0;

    if (members[op->type].id != NULL) {
        r = read_name(reading, object, members[op->type].id, &op->id);
    }
    if (r == 0 && op->type == KEE_CAPTP_CALL) {
        op->trap = json_is_true(json_object_get(object, "trap"));
        r = read_name(reading, object, "target", &op->target);
    }
    if (r == 0 && value != NULL) {
        op->rejected = reason != NULL && json_object_get(object, reason) != NULL;
        r = read_value(reading, object, op->rejected ? reason : value, &op->value);
    }
    if (r == 0 && op->type == KEE_CAPTP_DROP) {
        r = read_refs(reading, object, &op->refs);
        r = r == 0 ? read_more(reading, object, op) : r;
    }
    if (r == 0 && op->type == KEE_CAPTP_DISCONNECT) {
        r = read_reason(reading, object, &op->reason);
    }
    return r;
}

int kee_captp_op_read(struct kee_bytes text, struct kee_arena *arena, struct kee_captp_op *out,
                      struct kee_buf *why)
{
    struct reading reading = {arena, why, NULL};
    json_error_t error;
    json_t *json;
    int r;

    *out = (struct kee_captp_op){.type = KEE_CAPTP_BOOTSTRAP};
    if (text.size > KEE_LIMIT_CAPTP_TEXT_BYTES) {
        return bad(&reading, "the message has %zu bytes; the limit is %u", text.size,
                   KEE_LIMIT_CAPTP_TEXT_BYTES);
    }
    json = json_loadb((const char *)text.data, text.size,
                      JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, &error);
    if (json == NULL) {
        /* For most of the places where memory can run out jansson has no word. */
        if (error.text[0] == '\0' || json_error_code(&error) == json_error_out_of_memory) {
            return kee_fault(KEE_FAULT_MEMORY, "parsing a message");
        }
        return bad(&reading, "expected JSON: %s, at byte %d", error.text, error.position);
    }
    if (!json_is_object(json)) {
        r = bad(&reading, "expected an object, found %s", kind_of(json));
    } else {
        r = read_type(&reading, json, &out->type);
    }
    if (r == 0) {
        r = read_members(&reading, json, out);
    }
    json_decref(json);
    return r;
}

/* ---- writing ---- */

static void put_member(struct kee_buf *buf, const char *member)
{
    kee_buf_put_str(buf, ",\"");
    kee_buf_put_str(buf, member);
    kee_buf_put_str(buf, "\":");
}

static void put_name(struct kee_buf *buf, const char *member, struct kee_bytes name)
{
    put_member(buf, member);
    kee_buf_put_json_string(buf, name);
}

static void put_value(struct kee_buf *buf, const char *member, const struct kee_body *value)
{
    put_member(buf, member);
    kee_buf_put_str(buf, "{\"body\":");
    kee_buf_put_json_string(buf, value->text);
    kee_buf_put_str(buf, ",\"slots\":[");
    for (size_t i = 0; i < value->slot_count; i++) {
        if (i > 0) {
            kee_buf_put_char(buf, ',');
        }
        kee_buf_put_json_string(buf, value->slots[i]);
    }
    kee_buf_put_str(buf, "]}");
}

static void put_refs(struct kee_buf *buf, uint64_t refs)
{
    kee_buf_put_str(buf, ",\"decRefs\":");
    kee_buf_put_decimal(buf, refs);
}

static void put_more(struct kee_buf *buf, const struct kee_captp_op *op)
{
    for (size_t i = 0; i < op->more_count; i++) {
        kee_buf_put_str(buf, i == 0 ? ",\"more\":[{\"slotID\":" : ",{\"slotID\":");
        kee_buf_put_json_string(buf, op->more[i].id);
        put_refs(buf, op->more[i].refs);
        kee_buf_put_char(buf, '}');
    }
    if (op->more_count > 0) {
        kee_buf_put_char(buf, ']');
    }
}

void kee_captp_op_write(struct kee_buf *buf, const struct kee_captp_op *op)
{
    const char *value = op->rejected ? members[op->type].reason : members[op->type].value;

    kee_buf_put_str(buf, "{\"type\":\"");
    kee_buf_put_str(buf, kee_captp_type_name(op->type));
    kee_buf_put_char(buf, '"');
    if (op->type != KEE_CAPTP_RESOLVE && op->type != KEE_CAPTP_DROP) {
        kee_buf_put_str(buf, ",\"epoch\":0");
    }
    if (members[op->type].id != NULL) {
        put_name(buf, members[op->type].id, op->id);
    }
    if (op->trap) {
        kee_buf_put_str(buf, ",\"trap\":true");
    }
    if (op->type == KEE_CAPTP_CALL) {
        put_name(buf, "target", op->target);
    }
    if (value != NULL) {
        put_value(buf, value, &op->value);
    }
    if (op->type == KEE_CAPTP_DROP) {
        put_refs(buf, op->refs);
        kee_buf_put_str(buf, ",\"epoch\":0");
        put_more(buf, op);
    }
    if (op->type == KEE_CAPTP_DISCONNECT && op->reason.size > 0) {
        kee_buf_put_str(buf, ",\"reason\":");
        kee_buf_put_bytes(buf, op->reason);
    }
    kee_buf_put_char(buf, '}');
}
