/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of captp/ops.h: recorded messages come back as they were, malformed ones are refused by field. */
#include "cm.h"

#include <stdio.h>

#include "base/limits.h"
#include "captp/ops.h"

/* As npm's @endo/captp wrote them. */
static const char *const recorded[] = {
    "{\"type\":\"CTP_BOOTSTRAP\",\"epoch\":0,\"questionID\":\"q-1\"}",
    "{\"type\":\"CTP_RETURN\",\"epoch\":0,\"answerID\":\"q-1\",\"result\":{\"body\":\"{"
    "\\\"@qclass\\\":\\\"slot\\\",\\\"iface\\\":\\\"Alleged: "
    "TestRoot\\\",\\\"index\\\":0}\",\"slots\":[\"o+1\"]}}",
    "{\"type\":\"CTP_CALL\",\"epoch\":0,\"questionID\":\"q-5\",\"target\":\"q-4\",\"method\":{"
    "\"body\":\"[null,[1,2]]\",\"slots\":[]}}",
    "{\"type\":\"CTP_CALL\",\"epoch\":0,\"questionID\":\"q-2\",\"target\":\"o-1\",\"method\":{"
    "\"body\":\"[\\\"callBack\\\",[{\\\"@qclass\\\":\\\"slot\\\",\\\"index\\\":0},41]]\","
    "\"slots\":[\"o+1\",\"p-7\"]}}",
    "{\"type\":\"CTP_RESOLVE\",\"promiseID\":\"p-1\",\"res\":{\"body\":\"\\\"\\\\ud800\\\"\","
    "\"slots\":[]}}",
    "{\"type\":\"CTP_RESOLVE\",\"promiseID\":\"p-1\",\"rej\":{\"body\":\"7\",\"slots\":[]}}",
    "{\"type\":\"CTP_RETURN\",\"epoch\":0,\"answerID\":\"q-3\",\"exception\":{\"body\":\"{"
    "\\\"a\\\":1}\",\"slots\":[]}}",
    "{\"type\":\"CTP_DROP\",\"slotID\":\"o-3\",\"decRefs\":1,\"epoch\":0}",
    "{\"type\":\"CTP_DROP\",\"slotID\":\"o-3\",\"decRefs\":1,\"epoch\":0,\"more\":[{\"slotID\":\"o-"
    "4\",\"decRefs\":2}"
    ",{\"slotID\":\"q-9\",\"decRefs\":1}]}",
    "{\"type\":\"CTP_DISCONNECT\",\"epoch\":0,\"reason\":{}}",
    "{\"type\":\"CTP_DISCONNECT\",\"epoch\":0}",
    "{\"type\":\"CTP_TRAP_ITERATE\",\"epoch\":0,\"questionID\":\"q-1\",\"serialized\":{"
    "\"body\":\"[\\\"next\\\",[]]\",\"slots\":[]}}",
};

static int read_text(struct kee_bytes text, struct kee_arena *arena, struct kee_captp_op *op,
                     struct kee_buf *why)
{
    int r = kee_captp_op_read(text, arena, op, why);

    assert_true(r == 0 || (r == KEE_CAPTP_BAD && why->size > 0));
    return r;
}

static void recorded_messages_are_written_as_they_were_read(void **state)
{
    for (size_t i = 0; i < sizeof recorded / sizeof *recorded; i++) {
        struct kee_arena arena = KEE_ARENA_EMPTY;
        struct kee_buf why = KEE_BUF_EMPTY, again = KEE_BUF_EMPTY;
        struct kee_captp_op op;

        assert_int_equal(read_text(kee_bytes_str(recorded[i]), &arena, &op, &why), 0);
        kee_captp_op_write(&again, &op);
        assert_string_equal(kee_buf_cstr(&again), recorded[i]);
        kee_buf_fini(&again);
        kee_buf_fini(&why);
        kee_arena_fini(&arena);
    }
}

static void fields_are_read(void **state)
{
    struct kee_arena arena = KEE_ARENA_EMPTY;
    struct kee_buf why = KEE_BUF_EMPTY;
    struct kee_captp_op op;

    assert_int_equal(read_text(kee_bytes_str(recorded[3]), &arena, &op, &why), 0);
    assert_int_equal(op.type, KEE_CAPTP_CALL);
    assert_bytes_text(op.id, "q-2");
    assert_bytes_text(op.target, "o-1");
    assert_false(op.trap);
    assert_int_equal(op.value.slot_count, 2);
    assert_bytes_text(op.value.slots[1], "p-7");
    assert_int_equal(read_text(kee_bytes_str(recorded[6]), &arena, &op, &why), 0);
    assert_true(op.rejected);
    assert_bytes_text(op.value.text, "{\"a\":1}");

    /* Order, epoch and what we do not know mean nothing; of two settlements the rejection counts. */
    assert_int_equal(
        read_text(kee_bytes_str(" {\"rej\":{\"slots\":[],\"body\":\"1\"},\"epoch\":{},\"more\":[],"
                                "\"res\":7,\"promiseID\":\"p-1\",\"type\":\"CTP_RESOLVE\"} "),
                  &arena, &op, &why),
        0);
    assert_true(op.rejected);
    assert_int_equal(
        read_text(kee_bytes_str("{\"type\":\"CTP_CALL\",\"trap\":true,\"questionID\":\"q-1\","
                                "\"target\":\"t-1\",\"method\":{\"body\":\"\",\"slots\":[]}}"),
                  &arena, &op, &why),
        0);
    assert_true(op.trap);
    kee_buf_fini(&why);
    kee_arena_fini(&arena);
}

static void drop_counts_are_never_an_error(void **state)
{
    static const struct {
        const char *text;
        uint64_t refs;
    } cases[] = {{"8", 8}, {"0", 0}, {"-3", 0}, {"2.9", 2}, {"1e300", UINT64_MAX}};

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct kee_arena arena = KEE_ARENA_EMPTY;
        struct kee_buf why = KEE_BUF_EMPTY, text = KEE_BUF_EMPTY;
        struct kee_captp_op op;

        kee_buf_printf(&text, "{\"type\":\"CTP_DROP\",\"slotID\":\"o-3\",\"decRefs\":%s}",
                       cases[i].text);
        assert_int_equal(read_text(kee_buf_bytes(&text), &arena, &op, &why), 0);
        assert_true(op.refs == cases[i].refs);
        kee_buf_fini(&text);
        kee_buf_fini(&why);
        kee_arena_fini(&arena);
    }
}

static const struct {
    const char *text, *part;
} refused[] = {
    {"", "JSON"},
    {"{", "JSON"},
    {"null", "expected an object, found null"},
    {"[]", "expected an object, found an array"},
    {"{}", "\"type\""},
    {"{\"type\":7}", "expected text in \"type\""},
    {"{\"type\":\"CTP_HELLO\"}", "unknown type \"CTP_HELLO\""},
    {"{\"type\":\"CTP_BOOTSTRAP\"}", "CTP_BOOTSTRAP: expected a name in \"questionID\""},
    {"{\"type\":\"CTP_BOOTSTRAP\",\"questionID\":\"\"}", "empty"},
    {"{\"type\":\"CTP_CALL\",\"questionID\":\"q-1\"}", "\"target\""},
    {"{\"type\":\"CTP_CALL\",\"questionID\":\"q-1\",\"target\":\"o-1\"}", "\"method\", found none"},
    {"{\"type\":\"CTP_CALL\",\"questionID\":\"q-1\",\"target\":\"o-1\",\"method\":{\"slots\":[]}}",
     "\"method.body\""},
    {"{\"type\":\"CTP_CALL\",\"questionID\":\"q-1\",\"target\":\"o-1\",\"method\":{\"body\":\"1\"}"
     "}",
     "\"method.slots\""},
    {"{\"type\":\"CTP_RETURN\",\"answerID\":\"q-1\",\"result\":{\"body\":\"1\",\"slots\":[7]}}",
     "slot 0"},
    {"{\"type\":\"CTP_RETURN\",\"answerID\":\"q-1\"}", "\"result\""},
    {"{\"type\":\"CTP_DROP\",\"slotID\":\"o-1\",\"decRefs\":\"8\"}", "\"decRefs\""},
    {"{\"type\":\"CTP_DROP\",\"slotID\":\"o-1\",\"more\":1}", "\"more\""},
    {"{\"type\":\"CTP_DROP\",\"slotID\":\"o-1\",\"more\":[7]}", "\"slotID\""},
    {"{\"type\":\"CTP_DROP\",\"slotID\":\"o-1\",\"more\":[{\"slotID\":\"o-2\",\"decRefs\":[]}]}",
     "\"decRefs\""},
    {"{\"type\":\"CTP_RETURN\",\"answerID\":\"q-1\",\"result\":{\"body\":\"\\ud800\",\"slots\":[]}"
     "}",
     "JSON"},
};

static void malformed_messages_are_refused_by_field(void **state)
{
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        struct kee_arena arena = KEE_ARENA_EMPTY;
        struct kee_buf why = KEE_BUF_EMPTY;
        struct kee_captp_op op;
        int r = read_text(kee_bytes_str(refused[i].text), &arena, &op, &why);

        if (r != KEE_CAPTP_BAD || strstr(kee_buf_cstr(&why), refused[i].part) == NULL) {
            fail_msg("%s: got %d, %s", refused[i].text, r, kee_buf_cstr(&why));
        }
        kee_buf_fini(&why);
        kee_arena_fini(&arena);
    }
}

static void names_and_slots_are_bounded(void **state)
{
    struct kee_arena arena = KEE_ARENA_EMPTY;
    struct kee_buf why = KEE_BUF_EMPTY, text = KEE_BUF_EMPTY;
    struct kee_captp_op op;

    kee_buf_put_str(&text, "{\"type\":\"CTP_BOOTSTRAP\",\"questionID\":\"q-");
    for (unsigned i = 0; i < KEE_LIMIT_CAPTP_NAME_BYTES; i++) {
        kee_buf_put_char(&text, '1');
    }
    kee_buf_put_str(&text, "\"}");
    assert_int_equal(read_text(kee_buf_bytes(&text), &arena, &op, &why), KEE_CAPTP_BAD);
    kee_buf_clear(&text);
    kee_buf_put_str(&text,
                    "{\"type\":\"CTP_RETURN\",\"answerID\":\"q-1\",\"result\":{\"body\":\"1\","
                    "\"slots\":[\"o+1\"");
    for (unsigned i = 0; i < KEE_LIMIT_SLOTS; i++) {
        kee_buf_put_str(&text, ",\"o+1\"");
    }
    kee_buf_put_str(&text, "]}}");
    assert_int_equal(read_text(kee_buf_bytes(&text), &arena, &op, &why), KEE_CAPTP_BAD);
    assert_non_null(strstr(kee_buf_cstr(&why), "the limit is"));
    kee_buf_fini(&text);
    kee_buf_fini(&why);
    kee_arena_fini(&arena);
}

static void slots_have_a_letter_and_a_sign(void **state)
{
    static const char *const good[] = {"o+1", "p-ko4", "t+x"}, *const not [] = {"", "o+", "q-1",
                                                                                "oo1"};

    for (size_t i = 0; i < 3; i++) {
        assert_true(kee_captp_is_slot(kee_bytes_str(good[i])));
    }
    for (size_t i = 0; i < 4; i++) {
        assert_false(kee_captp_is_slot(kee_bytes_str(not [i])));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(recorded_messages_are_written_as_they_were_read),
        TEST(fields_are_read),
        TEST(drop_counts_are_never_an_error),
        TEST(malformed_messages_are_refused_by_field),
        TEST(names_and_slots_are_bounded),
        TEST(slots_have_a_letter_and_a_sign),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
