/* SPDX-License-Identifier: Apache-2.0 */
/* words - see words.h. */
#include "captp/words.h"

#include "base/fault.h"
#include "base/limits.h"
#include "value/body.h"

/* ---- names ---- */

static int refuse(struct kee_buf *why, struct kee_bytes slot, const char *what)
{
    kee_buf_clear(why);
    kee_buf_printf(why, "\"%.*s\" %s", (int)(slot.size < 60 ? slot.size : 60),
                   (const char *)slot.data, what);
    return KEE_VALUE_BAD;
}

static struct kee_bytes after(struct kee_bytes text, size_t size)
{
    return kee_bytes_of(text.data + size, text.size - size);
}

/* Objects for synchronous calls are objects to the kernel, marked in the name; what looks marked is
 * marked, too. */
static int own_name_in(struct kee_bytes slot, struct kee_arena *arena, struct kee_bytes *out)
{
    struct kee_buf name = KEE_BUF_EMPTY;
    bool trap = slot.data[0] == 't';

    if (trap || (slot.data[0] == 'o' && slot.data[2] == '~')) {
        kee_buf_put_str(&name, trap ? "o+~t" : "o+~o");
        kee_buf_put_bytes(&name, after(slot, 2));
    } else {
        kee_buf_put_bytes(&name, slot);
    }
    *out = kee_buf_status(&name) == 0 ? kee_arena_copy(arena, kee_buf_bytes(&name))
                                      : kee_bytes_of(NULL, 0);
    kee_buf_fini(&name);
    return out->data != NULL ? 0 : kee_fault(KEE_FAULT_MEMORY, "a name");
}

void kee_captp_put_own(struct kee_bytes name, struct kee_buf *out)
{
    bool marked = name.size > 4 && name.data[0] == 'o' && name.data[2] == '~';

    kee_buf_put_char(out, marked ? (char)name.data[3] : (char)name.data[0]);
    kee_buf_put_char(out, '-');
    kee_buf_put_bytes(out, after(name, marked ? 4 : 2));
}

/* What the other side means by our thing after the sign; none if it means nothing. */
static struct kee_kref kref_of(const struct kee_captp *session, struct kee_bytes rest)
{
    struct kee_captp_thing *thing;
    struct kee_kref kref;
    uint64_t number;

    if (session->owner) {
        return kee_kref_parse(rest, &kref) ? kref : KEE_KREF_NONE;
    }
    thing = kee_bytes_decimal(rest, &number) && number != 0 ? kee_map_get(&session->numbers, number)
                                                            : NULL;
    return thing != NULL ? thing->kref : KEE_KREF_NONE;
}

int kee_captp_name_in(struct kee_captp *session, struct kee_bytes slot, struct kee_arena *arena,
                      struct kee_bytes *out, struct kee_buf *why)
{
    struct kee_buf name = KEE_BUF_EMPTY;
    struct kee_kref kref;

    if (!kee_captp_is_slot(slot)) {
        return refuse(why, slot, "is no name: expected o, p or t, a sign, and more");
    }
    if (slot.data[1] == '+') {
        return own_name_in(slot, arena, out);
    }
    kref = kref_of(session, after(slot, 2));
    if (kee_kref_is_none(kref) || slot.data[0] == 't') {
        return refuse(why, slot, "is nothing of ours");
    }
    if (kee_kref_is_promise(kref) != (slot.data[0] == 'p')) {
        return refuse(why, slot, kee_kref_is_promise(kref) ? "is a promise" : "is no promise");
    }
    kee_buf_put_kref(&name, kref);
    *out = kee_buf_status(&name) == 0 ? kee_arena_copy(arena, kee_buf_bytes(&name))
                                      : kee_bytes_of(NULL, 0);
    kee_buf_fini(&name);
    return out->data != NULL ? 0 : kee_fault(KEE_FAULT_MEMORY, "a name");
}

void kee_captp_put_thing(const struct kee_captp *session, const struct kee_captp_thing *thing,
                         char sign, struct kee_buf *out)
{
    kee_buf_put_char(out, kee_kref_is_promise(thing->kref) ? 'p' : 'o');
    kee_buf_put_char(out, sign);
    if (session->owner) {
        kee_buf_put_kref(out, thing->kref);
    } else {
        kee_buf_put_decimal(out, thing->number);
    }
}

/* A name of the peer's on the wire. */
static int name_out(struct kee_captp *session, struct kee_bytes name, struct kee_arena *arena,
                    struct kee_bytes *out)
{
    struct kee_captp_thing *thing = NULL;
    struct kee_captp_thing plain = {0};
    struct kee_buf wire = KEE_BUF_EMPTY;
    int r = 0;

    if (!kee_kref_parse(name, &plain.kref)) {
        kee_captp_put_own(name, &wire);
    } else {
        if (!session->owner || kee_kref_is_promise(plain.kref)) {
            r = kee_captp_thing_need(session, plain.kref, &thing);
        }
        if (r == 0 && !session->owner && thing->number == 0) {
            r = kee_map_put(&session->numbers, session->next_number, thing);
            thing->number = r == 0 ? session->next_number++ : 0;
        }
        kee_captp_put_thing(session, thing != NULL ? thing : &plain, '+', &wire);
    }
    r = r != 0 ? r : kee_buf_status(&wire);
    *out = r == 0 ? kee_arena_copy(arena, kee_buf_bytes(&wire)) : kee_bytes_of(NULL, 0);
    kee_buf_fini(&wire);
    return out->data != NULL ? 0 : kee_fault(KEE_FAULT_MEMORY, "a name");
}

/* ---- mentions ---- */

static uint64_t hash_of(struct kee_bytes text)
{
    uint64_t hash = 14695981039346656037u;

    for (size_t i = 0; i < text.size; i++) {
        hash = (hash ^ text.data[i]) * 1099511628211u;
    }
    return hash | 1;
}

/* Has text been seen? Now it is. */
static int see(struct kee_map *seen, struct kee_bytes text, bool *before)
{
    uint64_t key = hash_of(text);

    *before = kee_map_get(seen, key) != NULL;
    return *before ? 0 : kee_map_put(seen, key, seen);
}

static int count_mention(struct kee_captp *session, struct kee_bytes slot)
{
    struct kee_captp_thing *thing;

    if (slot.data[1] == '-') {
        return 0;
    }
    thing = kee_captp_thing_get(session, kref_of(session, after(slot, 2)));
    if (thing == NULL) {
        return 0;
    }
    kee_captp_thing_wake(session, thing);
    thing->ever = true;
    if (thing->mentions++ > 0 || !thing->settled || thing->again) {
        return 0;
    }
    thing->again = true;
    return kee_captp_order(session, KEE_CAPTP_TELL, thing->kref, NULL);
}

/* The names that came are those that went out, but for what no part of the value spoke of. */
static int count_mentions(struct kee_captp *session, const struct kee_vp_capdata *data,
                          const struct kee_bytes *wires, const struct kee_body *out)
{
    struct kee_vp_strings slots = data->slots;
    struct kee_map seen = KEE_MAP_EMPTY;
    struct kee_bytes name;
    struct kee_kref kref;
    bool before;
    int r = 0;

    for (size_t i = 0; r == 0 && i < out->slot_count; i++) {
        r = count_mention(session, out->slots[i]);
    }
    if (r != 0 || out->slot_count == slots.count) {
        return r;
    }
    for (size_t i = 0; r == 0 && i < out->slot_count; i++) {
        r = see(&seen, out->slots[i], &before);
    }
    for (size_t i = 0; r == 0 && kee_vp_strings_next(&slots, &name); i++) {
        r = see(&seen, wires[i], &before);
        if (r == 0 && !before && kee_kref_parse(name, &kref)) {
            r = kee_captp_order(session, KEE_CAPTP_LET_GO, kref, NULL);
        }
    }
    kee_map_fini(&seen);
    return r;
}

/* Things that got a name and are not mentioned after all. */
static void rest_things(struct kee_captp *session, const struct kee_vp_capdata *data)
{
    struct kee_vp_strings slots = data->slots;
    struct kee_captp_thing *thing;
    struct kee_bytes name;
    struct kee_kref kref;

    while (kee_vp_strings_next(&slots, &name)) {
        thing = kee_kref_parse(name, &kref) ? kee_captp_thing_get(session, kref) : NULL;
        if (thing != NULL) {
            kee_captp_thing_rest(session, thing);
        }
    }
}

int kee_captp_unheard(struct kee_captp *session, const struct kee_vp_capdata *data)
{
    struct kee_vp_strings slots = data->slots;
    struct kee_map seen = KEE_MAP_EMPTY;
    struct kee_bytes name;
    struct kee_kref kref;
    bool before;
    int r = 0;

    while (r == 0 && kee_vp_strings_next(&slots, &name)) {
        r = see(&seen, name, &before);
        if (r == 0 && !before && kee_kref_parse(name, &kref)) {
            r = kee_captp_order(session, KEE_CAPTP_LET_GO, kref, NULL);
        }
    }
    kee_map_fini(&seen);
    return r;
}

int kee_captp_unsaid(struct kee_captp *session, const struct kee_body *wire)
{
    struct kee_map seen = KEE_MAP_EMPTY;
    struct kee_buf name = KEE_BUF_EMPTY;
    bool before;
    int r = 0;

    for (size_t i = 0; r == 0 && i < wire->slot_count; i++) {
        struct kee_bytes slot = wire->slots[i];
        if (!kee_captp_is_slot(slot) || slot.data[1] != '+') {
            continue;
        }
        r = see(&seen, slot, &before);
        if (r == 0 && !before) {
            kee_buf_clear(&name);
            kee_buf_put_char(&name, (char)slot.data[0]);
            kee_buf_put_char(&name, '-');
            kee_buf_put_bytes(&name, after(slot, 2));
            r = kee_buf_status(&name);
            r = r != 0 ? r
                       : kee_captp_emit(session, &(struct kee_captp_op){.type = KEE_CAPTP_DROP,
                                                                        .id = kee_buf_bytes(&name),
                                                                        .refs = 1});
        }
    }
    kee_buf_fini(&name);
    kee_map_fini(&seen);
    return r;
}

/* ---- values ---- */

static int bad_method(struct kee_buf *why, const char *what)
{
    kee_buf_clear(why);
    kee_buf_printf(why, "expected a method as [name, arguments], [null, arguments] or [name]: %s",
                   what);
    return KEE_VALUE_BAD;
}

static bool is_falsy(const struct kee_value *value)
{
    switch (value->kind) {
    case KEE_VALUE_NULL:
    case KEE_VALUE_UNDEFINED:
        return true;
    case KEE_VALUE_BOOLEAN:
        return !value->as.boolean;
    case KEE_VALUE_NUMBER:
        return !(value->as.number < 0 || value->as.number > 0);
    case KEE_VALUE_STRING:
        return value->as.text.size == 0;
    default:
        return false;
    }
}

/* Checks [name, args] and says what it is; the kernel's word for calling the target itself is undefined,
 * that of the wire null. */
static int take_method(struct kee_value *value, enum kee_value_kind function,
                       struct kee_captp_method *out, struct kee_buf *why)
{
    struct kee_value **items = value->as.array.items;
    bool call;

    if (value->kind != KEE_VALUE_ARRAY || value->as.array.count == 0) {
        return bad_method(why, "it is no array, or an empty one");
    }
    call = value->as.array.count > 1 && !is_falsy(items[1]);
    if (call && items[1]->kind != KEE_VALUE_ARRAY) {
        return bad_method(why, "the arguments are no array");
    }
    value->as.array.count = call ? 2 : 1;
    out->gets = !call;
    out->property = kee_bytes_of(NULL, 0);
    switch (items[0]->kind) {
    case KEE_VALUE_STRING:
        out->property = items[0]->as.text;
        return 0;
    case KEE_VALUE_SYMBOL:
        return 0;
    case KEE_VALUE_NULL:
    case KEE_VALUE_UNDEFINED:
        items[0]->kind = function;
        return call ? 0 : bad_method(why, "a property has a name");
    default:
        return bad_method(why, "the name is neither a string nor a symbol");
    }
}

int kee_captp_value_in(struct kee_captp *session, const struct kee_body *wire,
                       struct kee_captp_method *method, struct kee_arena *arena,
                       struct kee_body *out, struct kee_buf *why)
{
    struct kee_bytes *names = kee_arena_alloc(arena, wire->slot_count * sizeof *names);
    struct kee_body named = {wire->text, names, wire->slot_count};
    struct kee_value *value = NULL;
    int r = names == NULL ? kee_fault(KEE_FAULT_MEMORY, "names") : 0;

    for (size_t i = 0; r == 0 && i < wire->slot_count; i++) {
        r = kee_captp_name_in(session, wire->slots[i], arena, &names[i], why);
    }
    r = r != 0 ? r : kee_body_decode(named, arena, &value, why);
    if (r == 0 && method != NULL) {
        r = take_method(value, KEE_VALUE_UNDEFINED, method, why);
    }
    return r != 0 ? r : kee_body_encode(value, arena, out, why);
}

int kee_captp_value_tree(const struct kee_vp_capdata *data, struct kee_arena *arena,
                         struct kee_value **out, struct kee_buf *why)
{
    struct kee_bytes *names = kee_arena_alloc(arena, data->slots.count * sizeof *names);
    struct kee_body body = {data->body, names, data->slots.count};
    struct kee_vp_strings slots = data->slots;
    struct kee_bytes name;

    for (size_t i = 0; names != NULL && kee_vp_strings_next(&slots, &name); i++) {
        names[i] = name;
    }
    return names == NULL ? kee_fault(KEE_FAULT_MEMORY, "names")
                         : kee_body_decode(body, arena, out, why);
}

/* Errors are told with an id, by which a person finds them again. */
static int name_errors(struct kee_captp *session, struct kee_value *value, struct kee_arena *arena)
{
    struct kee_buf id = KEE_BUF_EMPTY;
    int r = 0;

    if (value->kind == KEE_VALUE_ERROR && value->as.error.id.size == 0) {
        kee_buf_printf(&id, "error:keeve:r%llu#%llu", (unsigned long long)session->peer.n,
                       (unsigned long long)session->next_error++);
        r = kee_buf_status(&id);
        value->as.error.id = kee_arena_copy(arena, kee_buf_bytes(&id));
        kee_buf_fini(&id);
        return value->as.error.id.data != NULL ? r : kee_fault(KEE_FAULT_MEMORY, "an id");
    }
    if (value->kind == KEE_VALUE_TAGGED) {
        return name_errors(session, value->as.tagged.payload, arena);
    }
    if (value->kind == KEE_VALUE_ARRAY) {
        for (size_t i = 0; r == 0 && i < value->as.array.count; i++) {
            r = name_errors(session, value->as.array.items[i], arena);
        }
    }
    if (value->kind == KEE_VALUE_RECORD) {
        for (size_t i = 0; r == 0 && i < value->as.record.count; i++) {
            r = name_errors(session, value->as.record.members[i].value, arena);
        }
    }
    return r;
}

int kee_captp_value_out(struct kee_captp *session, const struct kee_vp_capdata *data, bool method,
                        struct kee_arena *arena, struct kee_body *out, struct kee_buf *why)
{
    struct kee_bytes *wires = kee_arena_alloc(arena, data->slots.count * sizeof *wires);
    struct kee_body body = {data->body, wires, data->slots.count};
    struct kee_vp_strings slots = data->slots;
    struct kee_captp_method what;
    struct kee_value *value = NULL;
    struct kee_bytes name;
    int r = wires == NULL ? kee_fault(KEE_FAULT_MEMORY, "names") : 0;

    for (size_t i = 0; r == 0 && kee_vp_strings_next(&slots, &name); i++) {
        r = name_out(session, name, arena, &wires[i]);
    }
    r = r != 0 ? r : kee_body_decode(body, arena, &value, why);
    if (r == 0 && method) {
        r = take_method(value, KEE_VALUE_NULL, &what, why);
    }
    r = r != 0 ? r : name_errors(session, value, arena);
    r = r != 0 ? r : kee_capdata_encode(value, arena, out, why);
    r = r != 0 ? r : count_mentions(session, data, wires, out);
    rest_things(session, data);
    return r;
}

int kee_captp_error(struct kee_captp *session, const char *name, struct kee_bytes message,
                    struct kee_arena *arena, struct kee_body *out)
{
    struct kee_value *value = kee_value_new(arena, KEE_VALUE_ERROR);
    struct kee_buf why = KEE_BUF_EMPTY;
    int r = value == NULL ? kee_fault(KEE_FAULT_MEMORY, "an error") : 0;

    if (r == 0) {
        value->as.error.name = kee_bytes_str(name);
        value->as.error.message = message;
        r = name_errors(session, value, arena);
    }
    r = r != 0 ? r : kee_body_encode(value, arena, out, &why);
    kee_buf_fini(&why);
    return r;
}
