/* SPDX-License-Identifier: Apache-2.0 */
/* place - see place.h. */
#include "value/place.h"

#include <stdio.h>

#include "value/text.h"
#include "value/value.h"

/* A path longer than this shows its ends only. */
#define STEPS_SHOWN 12u

struct kee_place kee_place_member(const struct kee_place *outer, struct kee_bytes name)
{
    if (name.data == NULL) {
        name = KEE_BYTES_LIT("");
    }
    return (struct kee_place){outer, name, 0, outer->depth + 1};
}

static bool is_plain_name(struct kee_bytes name)
{
    for (size_t i = 0; i < name.size; i++) {
        uint8_t c = name.data[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$';
        if (!letter && (i == 0 || c < '0' || c > '9')) {
            return false;
        }
    }
    return name.size > 0;
}

static void put_place(const struct kee_place *place, struct kee_buf *why, unsigned deepest)
{
    if (place->outer == NULL) {
        return;
    }
    put_place(place->outer, why, deepest);
    if (place->depth > STEPS_SHOWN / 2 && place->depth + STEPS_SHOWN / 2 < deepest) {
        if (place->depth == STEPS_SHOWN / 2 + 1) {
            kee_buf_put_str(why, "...");
        }
        return;
    }
    if (place->name.data == NULL) {
        kee_buf_printf(why, "[%zu]", place->index);
    } else if (is_plain_name(place->name)) {
        kee_buf_put_char(why, '.');
        kee_buf_put_bytes(
            why, kee_bytes_of(place->name.data, place->name.size < 60 ? place->name.size : 60));
    } else {
        kee_buf_put_char(why, '[');
        kee_buf_put_json_string(
            why, kee_bytes_of(place->name.data, place->name.size < 60 ? place->name.size : 60));
        kee_buf_put_char(why, ']');
    }
}

int kee_place_bad(const struct kee_place *place, struct kee_buf *why, const char *format, ...)
{
    char sentence[400];
    va_list args;

    kee_buf_clear(why);
    if (place->outer != NULL) {
        kee_buf_put_str(why, "at ");
        put_place(place, why, place->depth);
        kee_buf_put_str(why, ": ");
    }
    va_start(args, format);
    vsnprintf(sentence, sizeof sentence, format, args);
    va_end(args);
    kee_buf_put_str(why, sentence);
    return KEE_VALUE_BAD;
}
