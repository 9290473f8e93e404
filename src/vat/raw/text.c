/* SPDX-License-Identifier: Apache-2.0 */
/* text - see text.h. Decoding is src/value's work; here is the way back into capdata. */
#include "vat/raw/text.h"

#include <math.h>

#include "base/arena.h"
#include "base/fault.h"
#include "base/ids.h"
#include "value/body.h"
#include "value/text.h"

/* The slots under names of ours, "o+7" for an object in slot 7: the tree then tells where a reference
 * stood, also when one vref stands in several slots. */
static int index_slots(struct kee_vp_strings slots, struct kee_arena *arena, struct kee_bytes **out)
{
    struct kee_bytes *names = kee_arena_alloc(arena, slots.count * sizeof *names);
    struct kee_bytes vref;
    size_t i = 0;

    *out = names;
    while (names != NULL && kee_vp_strings_next(&slots, &vref)) {
        struct kee_buf name = KEE_BUF_EMPTY;
        bool promise = vref.size > 0 && vref.data[0] == 'p';
        kee_buf_put_str(&name, promise ? "p+" : "o+");
        kee_buf_put_decimal(&name, i);
        names[i] = kee_arena_copy(arena, kee_buf_bytes(&name));
        kee_buf_fini(&name);
        if (names[i++].data == NULL) {
            names = NULL;
        }
    }
    return names == NULL ? kee_fault(KEE_FAULT_MEMORY, "the slots of a body") : 0;
}

static int decode(struct kee_vp_capdata data, struct kee_arena *arena, struct kee_value **out,
                  struct kee_buf *why)
{
    struct kee_bytes *names;
    int r = index_slots(data.slots, arena, &names);

    if (r == 0) {
        struct kee_body body = {data.body, names, data.slots.count};
        r = kee_body_decode(body, arena, out, why);
    }
    return r > 0 ? KEE_RAW_BAD : r;
}

/* ---- Capdata text ---- */

static void put_value(struct kee_buf *out, const struct kee_value *value);

static void put_array(struct kee_buf *out, const struct kee_value *value)
{
    kee_buf_put_char(out, '[');
    for (size_t i = 0; i < value->as.array.count; i++) {
        if (i > 0) {
            kee_buf_put_char(out, ',');
        }
        put_value(out, value->as.array.items[i]);
    }
    kee_buf_put_char(out, ']');
}

/* A record that has a member @qclass of its own hides it: {"@qclass":"hilbert","original":...}. */
static void put_record(struct kee_buf *out, const struct kee_value *value)
{
    const struct kee_member *members = value->as.record.members;
    size_t count = value->as.record.count;
    const struct kee_value *hidden = NULL;
    size_t put = 0;

    for (size_t i = 0; i < count; i++) {
        if (kee_bytes_equal(members[i].name, KEE_BYTES_LIT("@qclass"))) {
            hidden = members[i].value;
        }
    }
    if (hidden != NULL) {
        kee_buf_put_str(out, "{\"@qclass\":\"hilbert\",\"original\":");
        put_value(out, hidden);
        if (count == 1) {
            kee_buf_put_char(out, '}');
            return;
        }
        kee_buf_put_str(out, ",\"rest\":");
    }
    kee_buf_put_char(out, '{');
    for (size_t i = 0; i < count; i++) {
        if (members[i].value != hidden) {
            kee_buf_put_str(out, put++ > 0 ? "," : "");
            kee_buf_put_json_string(out, members[i].name);
            kee_buf_put_char(out, ':');
            put_value(out, members[i].value);
        }
    }
    kee_buf_put_str(out, hidden != NULL ? "}}" : "}");
}

/* {"@qclass":CLASS and, if name is there, "name":TEXT}. */
static void put_special(struct kee_buf *out, const char *class, const char *name,
                        struct kee_bytes text)
{
    kee_buf_put_str(out, "{\"@qclass\":\"");
    kee_buf_put_str(out, class);
    kee_buf_put_char(out, '"');
    if (name != NULL) {
        kee_buf_put_str(out, ",\"");
        kee_buf_put_str(out, name);
        kee_buf_put_str(out, "\":");
        kee_buf_put_json_string(out, text);
    }
    kee_buf_put_char(out, '}');
}

static void put_number(struct kee_buf *out, double number)
{
    if (isnan(number)) {
        put_special(out, "NaN", NULL, kee_bytes_of(NULL, 0));
    } else if (isinf(number)) {
        put_special(out, number > 0 ? "Infinity" : "-Infinity", NULL, kee_bytes_of(NULL, 0));
    } else {
        kee_buf_put_number(out, number);
    }
}

static void put_error(struct kee_buf *out, const struct kee_value *value)
{
    kee_buf_put_str(out, "{\"@qclass\":\"error\"");
    if (value->as.error.id.size > 0) {
        kee_buf_put_str(out, ",\"errorId\":");
        kee_buf_put_json_string(out, value->as.error.id);
    }
    kee_buf_put_str(out, ",\"message\":");
    kee_buf_put_json_string(out, value->as.error.message);
    kee_buf_put_str(out, ",\"name\":");
    kee_buf_put_json_string(out, value->as.error.name);
    kee_buf_put_char(out, '}');
}

static void put_slot(struct kee_buf *out, const struct kee_value *value)
{
    struct kee_bytes slot = value->as.ref.slot;

    kee_buf_put_str(out, "{\"@qclass\":\"slot\"");
    if (value->as.ref.iface.size > 0) {
        kee_buf_put_str(out, ",\"iface\":");
        kee_buf_put_json_string(out, value->as.ref.iface);
    }
    kee_buf_put_str(out, ",\"index\":");
    kee_buf_put(out, slot.data + 2, slot.size - 2);
    kee_buf_put_char(out, '}');
}

/* The decoder has seen to it that the tree is not too deep. */
static void put_value(struct kee_buf *out, const struct kee_value *value)
{
    switch (value->kind) {
    case KEE_VALUE_NULL:
        kee_buf_put_str(out, "null");
        break;
    case KEE_VALUE_UNDEFINED:
        put_special(out, "undefined", NULL, kee_bytes_of(NULL, 0));
        break;
    case KEE_VALUE_BOOLEAN:
        kee_buf_put_str(out, value->as.boolean ? "true" : "false");
        break;
    case KEE_VALUE_NUMBER:
        put_number(out, value->as.number);
        break;
    case KEE_VALUE_BIGINT:
        put_special(out, "bigint", "digits", value->as.text);
        break;
    case KEE_VALUE_STRING:
        kee_buf_put_json_string(out, value->as.text);
        break;
    case KEE_VALUE_SYMBOL:
        put_special(out, "symbol", "name", value->as.text);
        break;
    case KEE_VALUE_ARRAY:
        put_array(out, value);
        break;
    case KEE_VALUE_RECORD:
        put_record(out, value);
        break;
    case KEE_VALUE_TAGGED:
        kee_buf_put_str(out, "{\"@qclass\":\"tagged\",\"payload\":");
        put_value(out, value->as.tagged.payload);
        kee_buf_put_str(out, ",\"tag\":");
        kee_buf_put_json_string(out, value->as.tagged.tag);
        kee_buf_put_char(out, '}');
        break;
    case KEE_VALUE_ERROR:
        put_error(out, value);
        break;
    case KEE_VALUE_REMOTABLE:
    case KEE_VALUE_PROMISE:
        put_slot(out, value);
        break;
    }
}

/* ---- At the door ---- */

static int bad(struct kee_buf *why, const char *sentence)
{
    kee_buf_clear(why);
    kee_buf_put_str(why, sentence);
    return KEE_RAW_BAD;
}

static bool is_pair(const struct kee_value *value)
{
    return value->kind == KEE_VALUE_ARRAY && value->as.array.count == 2;
}

int kee_raw_check_data(struct kee_vp_capdata data, struct kee_buf *why)
{
    struct kee_arena arena = KEE_ARENA_EMPTY;
    struct kee_value *value = NULL;
    int r = decode(data, &arena, &value, why);

    kee_arena_fini(&arena);
    return r;
}

int kee_raw_check_message(struct kee_vp_capdata methargs, struct kee_buf *why)
{
    struct kee_arena arena = KEE_ARENA_EMPTY;
    struct kee_value *value = NULL;
    int r = decode(methargs, &arena, &value, why);

    if (r == 0 && !is_pair(value)) {
        r = bad(why, "the arguments must be one JSON text");
    }
    kee_arena_fini(&arena);
    return r;
}

int kee_raw_read_data(struct kee_vp_capdata data, struct kee_buf *text, struct kee_buf *why)
{
    struct kee_arena arena = KEE_ARENA_EMPTY;
    struct kee_value *value = NULL;
    int r = decode(data, &arena, &value, why);

    if (r == 0) {
        put_value(text, value);
        r = kee_buf_status(text);
    }
    kee_arena_fini(&arena);
    return r;
}

int kee_raw_read_message(struct kee_vp_capdata methargs, bool *has_method, struct kee_buf *method,
                         struct kee_buf *args, struct kee_buf *why)
{
    struct kee_arena arena = KEE_ARENA_EMPTY;
    struct kee_value *value = NULL;
    int r = decode(methargs, &arena, &value, why);

    if (r == 0 && !is_pair(value)) {
        r = bad(why, "a message must be [method, arguments]");
    }
    if (r == 0) {
        const struct kee_value *name = value->as.array.items[0];
        *has_method = name->kind == KEE_VALUE_STRING;
        if (*has_method) {
            kee_buf_put_bytes(method, name->as.text);
        } else if (name->kind != KEE_VALUE_UNDEFINED && name->kind != KEE_VALUE_NULL) {
            r = bad(why, "the methods of a raw vat are named by strings");
        }
        put_value(args, value->as.array.items[1]);
    }
    if (r == 0) {
        r = kee_buf_status(method) < 0 ? kee_buf_status(method) : kee_buf_status(args);
    }
    kee_arena_fini(&arena);
    return r;
}
