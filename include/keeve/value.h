/* SPDX-License-Identifier: Apache-2.0 */
/*
 * value - passable values: what messages, answers, parameters and rejections are made of.
 *
 *   keeve_make_array_of(3, keeve_make_string("Ada"), keeve_make_number(7), keeve_make_ref("ko4"))
 *
 * A value is a tree. You build one from its leaves, hand it to a call, and free its root; what you are
 * given you only read. The kinds are those that vats know from JavaScript:
 *
 *   kind        made from                         as JSON text (to_json, from_json)
 *   NULL        -                                 null
 *   UNDEFINED   -                                 {"@undefined":true}
 *   BOOLEAN     a bool                            true
 *   NUMBER      a double, NaN and infinite too    7    {"@number":"NaN"}
 *   BIGINT      an int64_t or decimal digits      {"@bigint":"7"}
 *   STRING      UTF-8, may hold NUL               "text"
 *   SYMBOL      its name; well-known: @@...       {"@symbol":"@@asyncIterator"}
 *   ARRAY       values in order                   [...]
 *   RECORD      values with unique names          {...}
 *   TAGGED      a tag and a value                 {"@tagged":"tag","payload":...}
 *   ERROR       a name and a message              {"@error":"message","name":"TypeError"}
 *   REMOTABLE   the name of a reference           {"kref":"ko4"}
 *   PROMISE     the name of a reference           {"kref":"kp7"}
 *
 * The name of a reference is given by whom the value is exchanged with and means something there only:
 * "ko4" to a kernel, "o-50" inside a vat. Kinds may be added: treat one you do not know as unreadable.
 *
 * Ownership   makers give a tree, which its maker frees with keeve_value_free() or gives to another tree.
 *             Values that a callback is shown are borrowed until it returns; keeve_value_copy() keeps
 *             one. Text given in is copied; text given out belongs to the value it was read from.
 * Errors      a maker gives NULL if memory is out, or if a text is not what its kind demands (UTF-8,
 *             digits). A NULL given to a maker or to an add makes that fail too and frees the rest, so
 *             that a tree built in one expression needs one check. Readers take NULL and find nothing
 *             in it. A text made in JavaScript may hold half a surrogate pair: it is read as three bytes.
 * Threads     a value may be read by several threads, or changed by one.
 */
#ifndef KEEVE_VALUE_H
#define KEEVE_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Room for any name of a reference, vat or subcluster, with its NUL. */
#define KEEVE_NAME_SIZE 96

enum keeve_kind {
    KEEVE_NONE = 0, /* of NULL: there is no value */
    KEEVE_NULL,
    KEEVE_UNDEFINED,
    KEEVE_BOOLEAN,
    KEEVE_NUMBER,
    KEEVE_BIGINT,
    KEEVE_STRING,
    KEEVE_SYMBOL,
    KEEVE_ARRAY,
    KEEVE_RECORD,
    KEEVE_TAGGED,
    KEEVE_ERROR,
    KEEVE_REMOTABLE,
    KEEVE_PROMISE
};

struct keeve_value;

/* ---- making ---- */

struct keeve_value *keeve_make_null(void);
struct keeve_value *keeve_make_undefined(void);
struct keeve_value *keeve_make_boolean(bool boolean);
struct keeve_value *keeve_make_number(double number);
struct keeve_value *keeve_make_bigint(int64_t number);
/* Decimal digits without leading zeros, perhaps after a '-'. */
struct keeve_value *keeve_make_bigint_text(const char *digits);
struct keeve_value *keeve_make_string(const char *text);
struct keeve_value *keeve_make_string_sized(const char *text, size_t size);
struct keeve_value *keeve_make_symbol(const char *name);
/* count values, each of type struct keeve_value *, taken: freed if the array cannot be made. */
struct keeve_value *keeve_make_array_of(size_t count, ...);
struct keeve_value *keeve_make_array(void);
struct keeve_value *keeve_make_record(void);
/* Takes payload. */
struct keeve_value *keeve_make_tagged(const char *tag, struct keeve_value *payload);
struct keeve_value *keeve_make_error(const char *name, const char *message);
/* A PROMISE if the name is a promise's ("kp7", "p-60", "p+5"), else a REMOTABLE. */
struct keeve_value *keeve_make_ref(const char *name);
/* The same with an interface name, which is a hint to people: "Alleged: counter". */
struct keeve_value *keeve_make_ref_named(const char *name, const char *iface);

/* At the end. Takes item. false: item was freed and the array is as before. */
bool keeve_array_add(struct keeve_value *array, struct keeve_value *item);
/* Takes value; one of the same name is freed. false: value was freed and the record is as before. */
bool keeve_record_set(struct keeve_value *record, const char *name, struct keeve_value *value);

/* Of a borrowed or an own value; NULL if memory is out. */
struct keeve_value *keeve_value_copy(const struct keeve_value *value);
/* NULL is fine. Not for borrowed values, nor for parts of a tree. */
void keeve_value_free(struct keeve_value *value);

/* ---- reading ---- */

enum keeve_kind keeve_value_kind(const struct keeve_value *value);
/* What a person calls a value of this kind: "an array". */
const char *keeve_kind_name(enum keeve_kind kind);

/* false if the value is of another kind; then *out stays as it was. */
bool keeve_value_boolean(const struct keeve_value *value, bool *out);
bool keeve_value_number(const struct keeve_value *value, double *out);
/* A NUMBER without fraction within plus or minus 2^53 - 1, or a BIGINT that fits. */
bool keeve_value_int64(const struct keeve_value *value, int64_t *out);

/* The text of a STRING; the name of a SYMBOL, REMOTABLE or PROMISE; the digits of a BIGINT; the tag of a
 * TAGGED; the message of an ERROR. NULL for other kinds. A NUL stands after it; size, if not NULL, gets
 * the count of bytes before that. */
const char *keeve_value_text(const struct keeve_value *value, size_t *size);
/* True if the value is a STRING with this text. */
bool keeve_value_is_string(const struct keeve_value *value, const char *text);
/* The name of an ERROR: "TypeError". NULL for other kinds. */
const char *keeve_value_error_name(const struct keeve_value *value);
/* The interface name of a REMOTABLE, "" if it has none. NULL for other kinds. */
const char *keeve_value_iface(const struct keeve_value *value);

/* Items of an ARRAY, members of a RECORD, 1 for TAGGED, else 0. */
size_t keeve_value_count(const struct keeve_value *value);
/* Item, value of a member, or payload; NULL if there is none of this index. */
const struct keeve_value *keeve_value_item(const struct keeve_value *value, size_t index);
/* The name of a member of a RECORD; NULL if there is none of this index. */
const char *keeve_value_member_name(const struct keeve_value *value, size_t index);
/* The member of this name of a RECORD, or NULL. */
const struct keeve_value *keeve_value_member(const struct keeve_value *value, const char *name);

/* Same kind and content. NaN equals itself, 0 equals -0; the order of members and interface names do not
 * count. NULL equals NULL alone. */
bool keeve_value_equal(const struct keeve_value *a, const struct keeve_value *b);

/* ---- as text ---- */

/* Writes JSON text on one line, in the forms above, cut to room bytes with a NUL if room is not 0.
 * Returns the size of the whole text without the NUL, or SIZE_MAX if memory is out. */
size_t keeve_value_to_json(const struct keeve_value *value, char *out, size_t room);
/* Reads such text. NULL if memory is out or the text is wrong; then why (may be NULL), of why_room bytes,
 * gets a sentence that says where, what was expected and what was found. */
struct keeve_value *keeve_value_from_json(const char *text, char *why, size_t why_room);

#ifdef __cplusplus
}
#endif

#endif
