/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz target: a body in either encoding, and JSON as people write it. What is read can be written,
 * and reads back equal; what is refused is refused with a sentence.
 */
#include "value/body.h"
#include "base/arena.h"
#include "base/assert.h"
#include "value/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_why(int r, const struct kee_buf *why)
{
    kee_assert(r == 0 || r == KEE_VALUE_BAD);
    kee_assert(r == 0 || why->size > 0);
}

/* Through both encodings and back. A value may be too deep or large to be written though it could be read. */
static void check_body(const struct kee_value *value, struct kee_arena *arena)
{
    struct kee_buf why = KEE_BUF_EMPTY;
    struct kee_value *again = NULL;
    struct kee_body body;
    int r = kee_body_encode(value, arena, &body, &why);

    check_why(r, &why);
    if (r == 0) {
        kee_assert(kee_body_decode(body, arena, &again, &why) == 0);
        kee_assert(kee_value_equal(value, again));
    }
    r = kee_capdata_encode(value, arena, &body, &why);
    check_why(r, &why);
    if (r == 0) {
        kee_assert(kee_body_decode(body, arena, &again, &why) == 0);
        kee_assert(kee_value_equal(value, again));
    }
    kee_buf_fini(&why);
}

static void check_json(const struct kee_value *value, struct kee_arena *arena)
{
    struct kee_buf text = KEE_BUF_EMPTY, why = KEE_BUF_EMPTY;
    struct kee_value *again = NULL;

    kee_buf_put_value_json(&text, value);
    kee_assert(kee_buf_status(&text) == 0);
    kee_assert(kee_value_from_json_text(kee_buf_bytes(&text), arena, &again, &why) == 0);
    kee_assert(kee_value_equal(value, again));
    kee_buf_fini(&text);
    kee_buf_fini(&why);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = {"ko4", "kp7", "ko9", "kd1"};
    struct kee_bytes slots[4];
    struct kee_body body = {kee_bytes_of(data, size), slots, 4};
    struct kee_arena arena = KEE_ARENA_EMPTY;
    struct kee_buf why = KEE_BUF_EMPTY;
    struct kee_value *value = NULL;
    int r;

    for (size_t i = 0; i < 4; i++) {
        slots[i] = kee_bytes_str(names[i]);
    }
    r = kee_body_decode(body, &arena, &value, &why);
    check_why(r, &why);
    if (r == 0) {
        check_body(value, &arena);
        check_json(value, &arena);
    }
    kee_buf_clear(&why);
    r = kee_value_from_json_text(body.text, &arena, &value, &why);
    check_why(r, &why);
    if (r == 0) {
        check_body(value, &arena);
        check_json(value, &arena);
    }
    kee_buf_fini(&why);
    kee_arena_fini(&arena);
    return 0;
}
