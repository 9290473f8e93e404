/* SPDX-License-Identifier: Apache-2.0 */
#include "vatrows/vatrows.h"

static const char *const roots[] = {"baggageID", "watcherTableID", "watchedPromiseTableID",
                                    "vom.dkind."};

const char *kee_vatrow_root(size_t i)
{
    return i < sizeof roots / sizeof *roots ? roots[i] : NULL;
}

static struct kee_bytes behind(struct kee_bytes text, size_t skip)
{
    return kee_bytes_of(text.data + skip, text.size - skip);
}

/* "12.r0000000003:o+d10/1": an entry of store 12 whose key is a reference. */
static void read_entry(struct kee_bytes rest, struct kee_vatrow *out)
{
    struct kee_bytes number = kee_bytes_cut(&rest, '.');

    if (!kee_bytes_decimal(number, &out->store)) {
        return;
    }
    out->sort = KEE_VATROW_ENTRY;
    if (rest.size > 0 && rest.data[0] == 'r') {
        (void)kee_bytes_cut(&rest, ':');
        out->key = rest;
    }
}

void kee_vatrow_read(struct kee_bytes key, struct kee_vatrow *out)
{
    struct kee_bytes state = KEE_BYTES_LIT("vom.o+");
    struct kee_bytes entry = KEE_BYTES_LIT("vc.");

    *out = (struct kee_vatrow){.sort = KEE_VATROW_OTHER};
    if (kee_bytes_has_prefix(key, state)) {
        if (kee_vref_parse(behind(key, 4), &out->own) && out->own.is_virtual) {
            out->sort = KEE_VATROW_STATE;
        }
        return;
    }
    if (kee_bytes_has_prefix(key, entry)) {
        read_entry(behind(key, entry.size), out);
        return;
    }
    for (size_t i = 0; i < sizeof roots / sizeof *roots; i++) {
        struct kee_bytes name = kee_bytes_str(roots[i]);
        if (name.data[name.size - 1] == '.' ? kee_bytes_has_prefix(key, name)
                                            : kee_bytes_equal(key, name)) {
            out->sort = name.data[name.size - 1] == '.' ? KEE_VATROW_KIND : KEE_VATROW_TABLE;
            return;
        }
    }
}

/* ---- JSON, as far as it is needed: strings are passed over whole, so that text never counts ---- */

/* Takes a string whose opening quote is at the front; text is what stands between the quotes, with its
 * escapes. False if it has no end. */
static bool take_string(struct kee_bytes *rest, struct kee_bytes *text)
{
    size_t at = 1;

    for (;;) {
        const uint8_t *quote =
            at < rest->size ? memchr(rest->data + at, '"', rest->size - at) : NULL;
        size_t escapes = 0;
        if (quote == NULL) {
            *rest = behind(*rest, rest->size);
            return false;
        }
        at = (size_t)(quote - rest->data);
        while (escapes < at - 1 && rest->data[at - 1 - escapes] == '\\') {
            escapes++;
        }
        if (escapes % 2 == 0) {
            *text = kee_bytes_of(rest->data + 1, at - 1);
            *rest = behind(*rest, at + 1);
            return true;
        }
        at++;
    }
}

/* Moves to the next string; false if there is none. */
static bool next_string(struct kee_bytes *rest, struct kee_bytes *text)
{
    const uint8_t *quote = rest->size > 0 ? memchr(rest->data, '"', rest->size) : NULL;

    if (quote == NULL) {
        return false;
    }
    *rest = behind(*rest, (size_t)(quote - rest->data));
    return take_string(rest, text);
}

bool kee_vatrow_slots_next(struct kee_vatrow_slots *slots, struct kee_bytes *vref)
{
    struct kee_bytes open = KEE_BYTES_LIT(":[");
    struct kee_bytes text;

    for (;;) {
        if (slots->inside) {
            if (slots->rest.size > 0 && slots->rest.data[0] == ',') {
                slots->rest = behind(slots->rest, 1);
            }
            if (slots->rest.size > 0 && slots->rest.data[0] == '"') {
                return take_string(&slots->rest, vref);
            }
            slots->inside = false;
        }
        if (!next_string(&slots->rest, &text)) {
            return false;
        }
        if (kee_bytes_equal(text, KEE_BYTES_LIT("slots")) &&
            kee_bytes_has_prefix(slots->rest, open)) {
            slots->rest = behind(slots->rest, open.size);
            slots->inside = true;
        }
    }
}

/* Is the word in the text? */
static bool names_weak(struct kee_bytes text)
{
    for (size_t i = 0; i + 4 <= text.size; i++) {
        if (memcmp(text.data + i, "Weak", 4) == 0) {
            return true;
        }
    }
    return false;
}

void kee_vatrow_stores_read(struct kee_bytes value, struct kee_vatrow_stores *out)
{
    struct kee_bytes name;

    out->count = 0;
    while (out->count < KEE_VATROW_STORE_KINDS && next_string(&value, &name)) {
        size_t digits = 1;
        while (digits < value.size && value.data[digits] >= '0' && value.data[digits] <= '9') {
            digits++;
        }
        if (value.size > 1 && value.data[0] == ':' &&
            kee_bytes_decimal(kee_bytes_of(value.data + 1, digits - 1),
                              &out->of[out->count].kind)) {
            out->of[out->count++].weak = names_weak(name);
        }
    }
}

bool kee_vatrow_is_store(const struct kee_vatrow_stores *stores, uint64_t kind, bool *weak)
{
    for (size_t i = 0; i < stores->count; i++) {
        if (stores->of[i].kind == kind) {
            *weak = stores->of[i].weak;
            return true;
        }
    }
    return false;
}
