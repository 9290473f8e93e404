/* SPDX-License-Identifier: Apache-2.0 */
/*
 * marshal_read - smallcaps and capdata text to hardened values, in one pass over the JSON.
 *
 * A value is built frozen, so that nothing of it needs to be walked again. What comes in is hostile:
 * every step checks, and the first thing wrong throws.
 */
#include "vat/liveslots/hp.h"
#include "vat/liveslots/marshal.h"
#include "vat/liveslots/pass_style.h"
#include "vat/liveslots/root.h"

#define FIXED (XS_DONT_DELETE_FLAG | XS_DONT_SET_FLAG)
#define HARDENED (XS_DONT_PATCH_FLAG | XS_DONT_MARSHALL_FLAG)
/* Keys that come out of order are looked for among those before them, one by one. */
#define UNSORTED_MAX 1024u

struct reader {
    txMachine *the;
    struct kee_ls *ls;
    const uint8_t *at, *end;
    bool smallcaps;
    size_t slots_from; /* place of our slots in ls->reader_slots */
    uint32_t slot_count;
    uint32_t depth;
};

static void read_value(struct reader *r);

static void malformed(struct reader *r, const char *what)
{
    kee_ls_throw(r->the, XS_SYNTAX_ERROR, "malformed body: %s, %zu bytes before its end", what,
                 (size_t)(r->end - r->at));
}

static void skip_blanks(struct reader *r)
{
    while (r->at < r->end &&
           (*r->at == ' ' || *r->at == '\t' || *r->at == '\n' || *r->at == '\r')) {
        r->at++;
    }
}

static int peek(struct reader *r)
{
    skip_blanks(r);
    return r->at < r->end ? *r->at : -1;
}

static void expect(struct reader *r, char c)
{
    if (peek(r) != c) {
        malformed(r, "a comma, colon or bracket is missing");
    }
    r->at++;
}

static void expect_word(struct reader *r, const char *word)
{
    size_t size = strlen(word);

    if ((size_t)(r->end - r->at) < size || memcmp(r->at, word, size) != 0) {
        malformed(r, "unknown word");
    }
    r->at += size;
}

/* ---- Text ---- */

static unsigned read_hex4(struct reader *r)
{
    unsigned unit = 0;

    for (int i = 0; i < 4; i++) {
        int c = r->at < r->end ? *r->at++ : 0;
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (digit < 0) {
            malformed(r, "bad \\u escape");
        }
        unit = unit << 4 | (unsigned)digit;
    }
    return unit;
}

/* After a backslash: appends what it stands for. Surrogates are appended each by itself, which is how
 * the engine keeps pairs. */
static void read_escape(struct reader *r, struct kee_buf *text)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    int c = r->at < r->end ? *r->at++ : 0;
    const char *found = c ? strchr(from, c) : NULL;

    if (found) {
        kee_buf_put_char(text, to[found - from]);
    } else if (c == 'u') {
        kee_put_utf8(text, read_hex4(r));
    } else {
        malformed(r, "bad escape");
    }
}

/* The text between quotes: in the body itself, or in ls->text if it has escapes. */
static struct kee_bytes read_text(struct reader *r)
{
    struct kee_buf *text = &r->ls->text;
    const uint8_t *from;

    expect(r, '"');
    from = r->at;
    while (r->at < r->end && *r->at >= 0x20 && *r->at != '"' && *r->at != '\\') {
        r->at++;
    }
    if (r->at < r->end && *r->at == '"') {
        return kee_bytes_of(from, (size_t)(r->at++ - from));
    }
    kee_buf_clear(text);
    kee_buf_put(text, from, (size_t)(r->at - from));
    for (;;) {
        if (r->at == r->end || *r->at < 0x20) {
            malformed(r, "unfinished string");
        }
        if (*r->at == '"') {
            r->at++;
            break;
        }
        if (*r->at == '\\') {
            r->at++;
            read_escape(r, text);
        } else {
            kee_buf_put_char(text, (char)*r->at++);
        }
    }
    kee_ls_check(r->the, kee_buf_status(text));
    return kee_buf_bytes(text);
}

static bool is_decimal(struct kee_bytes digits)
{
    for (size_t i = 0; i < digits.size; i++) {
        if (digits.data[i] < '0' || digits.data[i] > '9') {
            return false;
        }
    }
    return digits.size > 0;
}

/* text is [+-]digits */
static void push_bigint(struct reader *r, struct kee_bytes text)
{
    txMachine *the = r->the;
    struct kee_bytes digits = text;

    if (text.size > 0 && (text.data[0] == '+' || text.data[0] == '-')) {
        digits.data++;
        digits.size--;
    }
    if (!is_decimal(digits)) {
        mxSyntaxError("Cannot convert to a BigInt");
    }
    kee_ls_push_string(the, text);
    (void)fxToBigInt(the, the->stack, 1);
}

/* ---- Slots ---- */

static struct kee_bytes slot_at(struct reader *r, uint64_t index)
{
    struct kee_bytes slot;

    if (index >= r->slot_count) {
        kee_ls_throw(r->the, XS_RANGE_ERROR, "slot index %llu out of range (%u slots)",
                     (unsigned long long)index, (unsigned)r->slot_count);
    }
    memcpy(&slot, r->ls->reader_slots.data + r->slots_from + index * sizeof(slot), sizeof(slot));
    return slot;
}

/* promise: -1 either will do. */
static void push_slot(struct reader *r, uint64_t index, struct kee_bytes iface, int promise)
{
    txMachine *the = r->the;
    struct kee_bytes slot = slot_at(r, index);

    kee_ls_value_of_vref(the, slot, iface);
    if (promise >= 0 && (slot.data[0] == KEE_VREF_PROMISE) != promise) {
        kee_ls_throw(the, XS_TYPE_ERROR, "slot %llu (%.*s) must be a %s", (unsigned long long)index,
                     (int)slot.size, (const char *)slot.data, promise ? "promise" : "remotable");
    }
}

/* text is "$0.Alleged: x", "$0" or "&1" */
static void push_encoded_slot(struct reader *r, struct kee_bytes text)
{
    struct kee_bytes iface = {text.data + 1, text.size - 1};
    struct kee_bytes digits = kee_bytes_cut(&iface, '.');
    uint64_t index;

    if (!kee_bytes_decimal(digits, &index)) {
        malformed(r, "bad slot index");
    }
    push_slot(r, index, iface, text.data[0] == '&');
}

/* ---- Strings that mean something ---- */

static void push_constant(struct reader *r, struct kee_bytes text)
{
    txMachine *the = r->the;

    if (kee_bytes_equal(text, KEE_BYTES_LIT("#undefined"))) {
        mxPushUndefined();
    } else if (kee_bytes_equal(text, KEE_BYTES_LIT("#NaN"))) {
        mxPushNumber(NAN);
    } else if (kee_bytes_equal(text, KEE_BYTES_LIT("#Infinity"))) {
        mxPushNumber(INFINITY);
    } else if (kee_bytes_equal(text, KEE_BYTES_LIT("#-Infinity"))) {
        mxPushNumber(-INFINITY);
    } else {
        kee_ls_throw(the, XS_TYPE_ERROR, "unknown constant \"%.*s\"",
                     (int)(text.size > 200 ? 200 : text.size), (const char *)text.data);
    }
}

static bool is_special(struct kee_bytes text)
{
    return text.size > 0 && text.data[0] >= '!' && text.data[0] <= '-';
}

static void push_special(struct reader *r, struct kee_bytes text)
{
    struct kee_bytes rest = {text.data + 1, text.size - 1};

    switch (text.data[0]) {
    case '!':
        kee_ls_push_string(r->the, rest);
        break;
    case '%':
        kee_push_symbol(r->the, rest);
        break;
    case '#':
        push_constant(r, text);
        break;
    case '+':
    case '-':
        push_bigint(r, text);
        break;
    case '$':
    case '&':
        push_encoded_slot(r, text);
        break;
    default:
        kee_ls_throw(r->the, XS_UNKNOWN_ERROR, "Special char \"%c\" reserved for future use",
                     text.data[0]);
    }
}

static void read_string(struct reader *r)
{
    struct kee_bytes text = read_text(r);

    if (r->smallcaps && is_special(text)) {
        push_special(r, text);
    } else {
        kee_ls_push_string(r->the, text);
    }
}

/* ---- Numbers ---- */

static bool is_digit(struct reader *r)
{
    return r->at < r->end && *r->at >= '0' && *r->at <= '9';
}

static void skip_digits(struct reader *r)
{
    if (!is_digit(r)) {
        malformed(r, "bad number");
    }
    while (is_digit(r)) {
        r->at++;
    }
}

static void read_number(struct reader *r)
{
    txMachine *the = r->the;
    const uint8_t *from = r->at;
    bool whole = true;
    struct kee_buf *text = &r->ls->text;

    if (*r->at == '-') {
        r->at++;
    }
    if (r->at < r->end && *r->at == '0') {
        r->at++;
    } else {
        skip_digits(r);
    }
    if (r->at < r->end && *r->at == '.') {
        whole = false;
        r->at++;
        skip_digits(r);
    }
    if (r->at < r->end && (*r->at == 'e' || *r->at == 'E')) {
        whole = false;
        r->at++;
        if (r->at < r->end && (*r->at == '+' || *r->at == '-')) {
            r->at++;
        }
        skip_digits(r);
    }
    if (whole && r->at - from <= 9 && !(*from == '-' && from[1] == '0')) {
        int number = 0;
        for (const uint8_t *p = from + (*from == '-'); p < r->at; p++) {
            number = number * 10 + (*p - '0');
        }
        mxPushInteger(*from == '-' ? -number : number);
        return;
    }
    kee_buf_clear(text);
    kee_buf_put(text, from, (size_t)(r->at - from));
    kee_ls_check(the, kee_buf_status(text));
    mxPushNumber(fxStringToNumber(the->dtoa, (txString)(uintptr_t)kee_buf_cstr(text), 1));
}

/* ---- Arrays ---- */

static void deeper(struct reader *r)
{
    txMachine *the = r->the;

    if (++r->depth > KEE_LIMIT_VALUE_DEPTH) {
        mxRangeError("Cannot read data nested deeper than %u", KEE_LIMIT_VALUE_DEPTH);
    }
}

static void read_array(struct reader *r)
{
    txMachine *the = r->the;
    txSlot *instance;
    txSlot *array;
    txSlot *last;

    deeper(r);
    r->at++;
    mxPush(mxArrayPrototype);
    instance = fxNewArrayInstance(the);
    array = last = instance->next;
    if (peek(r) == ']') {
        r->at++;
    } else {
        for (;;) {
            read_value(r);
            last->next = fxNewSlot(the);
            last = last->next;
            last->kind = the->stack->kind;
            last->value = the->stack->value;
            mxPop();
            array->value.array.length++;
            if (peek(r) != ',') {
                break;
            }
            r->at++;
        }
        expect(r, ']');
        fxCacheArray(the, instance);
        for (txIndex i = 0; i < array->value.array.length; i++) {
            array->value.array.address[i].flag |= FIXED;
        }
    }
    array->flag |= XS_DONT_SET_FLAG;
    instance->flag |= HARDENED;
    r->depth--;
}

/* ---- Objects ----
 *
 * Members are taken into a record as they come. At most one of them says that the object is something
 * else; its value is kept aside until the end.
 */
enum mark { MARK_NONE, MARK_TAG, MARK_ERROR, MARK_QCLASS };

struct object {
    txSlot *record; /* instance */
    txSlot *marked; /* stack slot: the value of the marking member */
    txSlot *last;   /* named property, if count > 0 */
    enum mark mark;
    uint32_t count; /* of named properties */
    bool unsorted;
};

static enum mark mark_of(struct reader *r, struct kee_bytes key)
{
    if (!r->smallcaps) {
        return kee_bytes_equal(key, KEE_BYTES_LIT("@qclass")) ? MARK_QCLASS : MARK_NONE;
    }
    if (kee_bytes_equal(key, KEE_BYTES_LIT("#tag"))) {
        return MARK_TAG;
    }
    if (kee_bytes_equal(key, KEE_BYTES_LIT("#error"))) {
        return MARK_ERROR;
    }
    if (key.size > 0 && key.data[0] == '#') {
        kee_ls_throw(r->the, XS_UNKNOWN_ERROR, "Unrecognized record type \"%.*s\"",
                     (int)(key.size > 200 ? 200 : key.size), (const char *)key.data);
    }
    return MARK_NONE;
}

/* Where keys come in order, as every writer of the field sends them, none can be there already. */
static txSlot *find_member(struct reader *r, struct object *object, txID id)
{
    txMachine *the = r->the;
    txSlot *found;

    if (object->count == 0) {
        return NULL;
    }
    if (!object->unsorted && strcmp(fxGetKey(the, object->last->ID)->value.key.string,
                                    fxGetKey(the, id)->value.key.string) < 0) {
        return NULL;
    }
    object->unsorted = true;
    found = kee_own_property(object->record, id);
    if (!found && object->count > UNSORTED_MAX) {
        mxRangeError("a record with so many keys must have them sorted");
    }
    return found;
}

/* The key on the stack and the value above it become a member; both go. */
static void add_member(struct reader *r, struct object *object)
{
    txMachine *the = r->the;
    txSlot *value = the->stack;
    txSlot *key = the->stack + 1;
    txSlot *property;
    txIndex index;
    txID id;

    if (!kee_is_string(key)) {
        mxTypeError("property name must be a string");
    }
    if (fxStringToIndex(the->dtoa, key->value.string, &index)) {
        property = fxOrdinarySetProperty(the, object->record, XS_NO_ID, index, XS_OWN);
        property->kind = value->kind;
        property->value = value->value;
        property->flag |= FIXED;
        mxPop();
        mxPop();
        return;
    }
    id = fxNewName(the, key);
    property = find_member(r, object, id);
    if (!property) {
        object->last = fxNextSlotProperty(the, fxLastProperty(the, object->last), value, id, FIXED);
        object->count++;
    } else {
        /* Twice the same name: the later one holds. */
        property->kind = value->kind;
        property->value = value->value;
    }
    mxPop();
    mxPop();
}

/* A key of smallcaps may be escaped. Pushes it. */
static void push_key(struct reader *r, struct kee_bytes key)
{
    if (r->smallcaps && is_special(key)) {
        push_special(r, key);
    } else {
        kee_ls_push_string(r->the, key);
    }
}

static void read_members(struct reader *r, struct object *object)
{
    txMachine *the = r->the;

    for (;;) {
        struct kee_bytes key;
        enum mark mark;
        if (peek(r) != '"') {
            malformed(r, "a key is missing");
        }
        key = read_text(r);
        mark = mark_of(r, key);
        if (mark == MARK_NONE) {
            push_key(r, key);
        }
        expect(r, ':');
        read_value(r);
        if (mark == MARK_NONE) {
            add_member(r, object);
        } else {
            if (object->mark != MARK_NONE && object->mark != mark) {
                mxTypeError("a record cannot be both tagged and an error");
            }
            object->mark = mark;
            object->marked->kind = the->stack->kind;
            object->marked->value = the->stack->value;
            mxPop();
        }
        if (peek(r) != ',') {
            break;
        }
        r->at++;
    }
    expect(r, '}');
}

/* The member of a special record, NULL if it has none of that name. */
static txSlot *member(struct reader *r, struct object *object, const char *name)
{
    txID id = fxFindName(r->the, (txString)(uintptr_t)name);

    return id ? kee_own_property(object->record, id) : NULL;
}

static void refuse_others(struct reader *r, struct object *object, uint32_t known)
{
    txMachine *the = r->the;

    if (object->count != known) {
        mxTypeError("special record with unexpected properties");
    }
}

static void finish_tagged(struct reader *r, struct object *object, txSlot *tag)
{
    txMachine *the = r->the;
    txFlag hidden = FIXED | XS_DONT_ENUM_FLAG;
    txSlot *payload = member(r, object, "payload");
    txSlot *instance;
    txSlot *slot;

    if (!tag || !kee_is_string(tag)) {
        mxTypeError("Value of \"#tag\", the tag, must be a string");
    }
    if (!payload) {
        mxTypeError("tagged record without payload");
    }
    mxPush(mxObjectPrototype);
    instance = fxNewObjectInstance(the);
    mxPushStringC("tagged");
    slot = fxNextSlotProperty(the, instance, the->stack, kee_pass_style_id(the), hidden);
    mxPop();
    slot = fxNextSlotProperty(the, slot, tag, mxID(_Symbol_toStringTag), hidden);
    fxNextSlotProperty(the, slot, payload, kee_ls_id(the, "payload"), FIXED);
    instance->flag |= HARDENED;
}

static void keep_error_id(struct reader *r, struct object *object, txSlot *error)
{
    txSlot *id = member(r, object, "errorId");
    txSlot *tag;

    if (id && kee_is_string(id)) {
        tag = kee_tag_make(r->the, error, KEE_TAG_ERROR_ID);
        tag->kind = id->kind;
        tag->value = id->value;
    }
}

static void finish_error(struct reader *r, struct object *object, txSlot *message)
{
    txMachine *the = r->the;
    txSlot *name = member(r, object, "name");
    txSlot *cause = member(r, object, "cause");
    txSlot *error;
    txSlot *last;

    if (!name || !kee_is_string(name)) {
        mxTypeError("invalid error name");
    }
    if (!message || !kee_is_string(message)) {
        mxTypeError("invalid error message");
    }
    mxPushSlot(message);
    kee_push_named_error(the, kee_bytes_str(name->value.string));
    error = the->stack->value.reference;
    if (cause && mxIsReference(cause) && kee_error_class(the, cause->value.reference)) {
        last = fxLastProperty(the, error);
        fxNextSlotProperty(the, last, cause, mxID(_cause), XS_DONT_ENUM_FLAG);
    }
    keep_error_id(r, object, error);
    kee_ls_harden(the, the->stack);
}

static const struct {
    const char *name;
    txError which;
} classes[] = {
    {"Error", XS_UNKNOWN_ERROR},      {"EvalError", XS_EVAL_ERROR},
    {"RangeError", XS_RANGE_ERROR},   {"ReferenceError", XS_REFERENCE_ERROR},
    {"SyntaxError", XS_SYNTAX_ERROR}, {"TypeError", XS_TYPE_ERROR},
    {"URIError", XS_URI_ERROR},       {"AggregateError", XS_AGGREGATE_ERROR},
};

void kee_push_named_error(txMachine *the, struct kee_bytes name)
{
    txError which = XS_UNKNOWN_ERROR;
    txSlot *message = the->stack;
    txSlot *slot;

    for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
        if (kee_bytes_equal(name, kee_bytes_str(classes[i].name))) {
            which = classes[i].which;
        }
    }
    kee_push_error(the, which, kee_bytes_of(NULL, 0));
    slot = kee_own_property(the->stack->value.reference, mxID(_message));
    slot->kind = message->kind;
    slot->value = message->value;
    message->kind = the->stack->kind;
    message->value = the->stack->value;
    mxPop();
}

/* ---- The special records of capdata ---- */

static void finish_capdata_slot(struct reader *r, struct object *object)
{
    txMachine *the = r->the;
    txSlot *index = member(r, object, "index");
    txSlot *iface = member(r, object, "iface");
    struct kee_bytes text = {NULL, 0};

    refuse_others(r, object, iface ? 2 : 1);
    if (!index || index->kind != XS_INTEGER_KIND || index->value.integer < 0 ||
        (iface && !kee_is_string(iface))) {
        mxTypeError("invalid slot record");
    }
    if (iface) {
        kee_buf_clear(&r->ls->text);
        kee_ls_put_string(&r->ls->text, iface);
        kee_ls_check(the, kee_buf_status(&r->ls->text));
        text = kee_buf_bytes(&r->ls->text);
    }
    push_slot(r, (uint64_t)index->value.integer, text, -1);
}

static void finish_hilbert(struct reader *r, struct object *object)
{
    txMachine *the = r->the;
    txSlot *original = member(r, object, "original");
    txSlot *rest = member(r, object, "rest");
    txID id = kee_ls_id(the, "@qclass");

    refuse_others(r, object, rest ? 2 : 1);
    if (!original || (rest && (kee_ls_pass_style(the, rest) != KEE_STYLE_COPY_RECORD ||
                               kee_own_property(rest->value.reference, id)))) {
        mxTypeError("invalid hilbert record");
    }
    /* Nobody else has seen the rest, so it may become the whole. */
    if (rest) {
        mxPushSlot(rest);
    } else {
        mxPush(mxObjectPrototype);
        fxNewObjectInstance(the);
    }
    fxNextSlotProperty(the, fxLastProperty(the, the->stack->value.reference), original, id, FIXED);
    the->stack->value.reference->flag |= HARDENED;
}

static void push_utf8_special(struct reader *r, struct object *object, const char *name,
                              void (*push)(struct reader *r, struct kee_bytes text))
{
    txMachine *the = r->the;
    txSlot *text = member(r, object, name);

    refuse_others(r, object, 1);
    if (!text || !kee_is_string(text)) {
        mxTypeError("invalid special record");
    }
    kee_buf_clear(&r->ls->text);
    kee_ls_put_string(&r->ls->text, text);
    kee_ls_check(the, kee_buf_status(&r->ls->text));
    push(r, kee_buf_bytes(&r->ls->text));
}

static void push_symbol_named(struct reader *r, struct kee_bytes text)
{
    kee_push_symbol(r->the, text);
}

static void finish_qclass(struct reader *r, struct object *object, txSlot *qclass)
{
    txMachine *the = r->the;
    const char *name;

    if (!kee_is_string(qclass)) {
        mxTypeError("invalid qclass");
    }
    name = qclass->value.string;
    if (strcmp(name, "slot") == 0) {
        finish_capdata_slot(r, object);
    } else if (strcmp(name, "undefined") == 0) {
        mxPushUndefined();
    } else if (strcmp(name, "NaN") == 0) {
        mxPushNumber(NAN);
    } else if (strcmp(name, "Infinity") == 0) {
        mxPushNumber(INFINITY);
    } else if (strcmp(name, "-Infinity") == 0) {
        mxPushNumber(-INFINITY);
    } else if (strcmp(name, "bigint") == 0) {
        push_utf8_special(r, object, "digits", push_bigint);
    } else if (strcmp(name, "symbol") == 0) {
        push_utf8_special(r, object, "name", push_symbol_named);
    } else if (strcmp(name, "@@asyncIterator") == 0) {
        mxPushSymbol(_Symbol_asyncIterator);
    } else if (strcmp(name, "error") == 0) {
        finish_error(r, object, member(r, object, "message"));
    } else if (strcmp(name, "tagged") == 0) {
        refuse_others(r, object, 2);
        finish_tagged(r, object, member(r, object, "tag"));
    } else if (strcmp(name, "hilbert") == 0) {
        finish_hilbert(r, object);
    } else {
        kee_ls_throw(the, XS_TYPE_ERROR, "unrecognized qclass \"%.200s\"", name);
    }
}

static void read_object(struct reader *r)
{
    txMachine *the = r->the;
    struct object object = {.mark = MARK_NONE};
    txSlot *result;

    deeper(r);
    r->at++;
    mxPush(mxObjectPrototype);
    object.record = object.last = fxNewObjectInstance(the);
    result = the->stack;
    mxPushUndefined();
    object.marked = the->stack;
    if (peek(r) == '}') {
        r->at++;
    } else {
        read_members(r, &object);
    }
    if (object.mark == MARK_NONE) {
        object.record->flag |= HARDENED;
        mxPop();
    } else {
        if (object.mark == MARK_TAG) {
            refuse_others(r, &object, 1);
            finish_tagged(r, &object, object.marked);
        } else if (object.mark == MARK_ERROR) {
            finish_error(r, &object, object.marked);
        } else {
            finish_qclass(r, &object, object.marked);
        }
        result->kind = the->stack->kind;
        result->value = the->stack->value;
        the->stack = result;
    }
    r->depth--;
}

static void read_value(struct reader *r)
{
    txMachine *the = r->the;
    int c = peek(r);

    switch (c) {
    case '"':
        read_string(r);
        break;
    case '{':
        read_object(r);
        break;
    case '[':
        read_array(r);
        break;
    case 't':
        expect_word(r, "true");
        mxPushBoolean(1);
        break;
    case 'f':
        expect_word(r, "false");
        mxPushBoolean(0);
        break;
    case 'n':
        expect_word(r, "null");
        mxPushNull();
        break;
    default:
        if (c != '-' && (c < '0' || c > '9')) {
            malformed(r, "a value is missing");
        }
        read_number(r);
        break;
    }
}

/* Lays the slots out as an array behind those of readers that are at work further out. */
static void take_slots(struct reader *r, struct kee_vp_strings slots)
{
    struct kee_buf *table = &r->ls->reader_slots;
    struct kee_bytes slot;

    while (table->size % sizeof(slot) != 0) {
        kee_buf_put_char(table, 0);
    }
    r->slots_from = table->size;
    r->slot_count = 0;
    while (kee_vp_strings_next(&slots, &slot)) {
        kee_buf_put(table, &slot, sizeof(slot));
        r->slot_count++;
    }
    kee_ls_check(r->the, kee_buf_status(table));
}

void kee_ls_unserialize(txMachine *the, struct kee_bytes body, struct kee_vp_strings slots)
{
    struct reader r = {.the = the, .ls = kee_ls_of(the)};

    r.at = body.data;
    r.end = body.data + body.size;
    if (body.size > 0 && body.data[0] == '#') {
        r.smallcaps = true;
        r.at++;
    }
    take_slots(&r, slots);
    read_value(&r);
    if (peek(&r) >= 0) {
        malformed(&r, "something follows the value");
    }
    r.ls->reader_slots.size = r.slots_from;
}
