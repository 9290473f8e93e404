/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of value/body.h: known bodies in both encodings, refusals, random round trips. */
#include "cm.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "value/body.h"
#include "value/json.h"

static const struct kee_bytes slots[] = {
    {(const uint8_t *)"ko4", 3}, {(const uint8_t *)"kp7", 3}, {(const uint8_t *)"kd1", 3}};

static struct kee_body body_of(const char *text)
{
    return (struct kee_body){kee_bytes_str(text), slots, 3};
}

struct known {
    const char *body;
    const char *json;  /* what people read */
    const char *again; /* smallcaps written from it; NULL: the body itself */
};

static const struct known known_bodies[] = {
    {"#null", "null", NULL},
    {"#true", "true", NULL},
    {"#[1,2.5,-3,1e+21,1e-7]", "[1,2.5,-3,1e+21,1e-7]", NULL},
    {"#-0", "0", "#0"},
    {"#\"hello\"", "\"hello\"", NULL},
    {"#\"\"", "\"\"", NULL},
    {"#\"!#undefined\"", "\"#undefined\"", NULL},
    {"#\"!!bang\"", "\"!bang\"", NULL},
    {"#\"!-42\"", "\"-42\"", NULL},
    {"#\".dot\"", "\".dot\"", NULL},
    {"#\"+7\"", "{\"@bigint\":\"7\"}", NULL},
    {"#\"-123456789012345678901234567890\"", "{\"@bigint\":\"-123456789012345678901234567890\"}",
     NULL},
    {"#\"#undefined\"", "{\"@undefined\":true}", NULL},
    {"#\"#NaN\"", "{\"@number\":\"NaN\"}", NULL},
    {"#\"#-Infinity\"", "{\"@number\":\"-Infinity\"}", NULL},
    {"#\"%@@asyncIterator\"", "{\"@symbol\":\"@@asyncIterator\"}", NULL},
    {"#[\"$0.Alleged: counter\",\"$0\"]", "[{\"kref\":\"ko4\"},{\"kref\":\"ko4\"}]", NULL},
    {"#[\"&1\",\"$2\"]", "[{\"kref\":\"kp7\"},{\"kref\":\"kd1\"}]", "#[\"&0\",\"$1\"]"},
    {"#{\"#tag\":\"vow\",\"payload\":[1]}", "{\"@tagged\":\"vow\",\"payload\":[1]}", NULL},
    {"#{\"#error\":\"no\",\"name\":\"TypeError\"}", "{\"@error\":\"no\",\"name\":\"TypeError\"}",
     NULL},
    {"#{\"#error\":\"!#no\",\"errorId\":\"error:x#1\",\"name\":\"Error\"}",
     "{\"@error\":\"#no\",\"name\":\"Error\",\"id\":\"error:x#1\"}", NULL},
    {"#{\"b\":1,\"a\":2}", "{\"b\":1,\"a\":2}", "#{\"a\":2,\"b\":1}"},
    {"#{\"!#tag\":1}", "{\"#tag\":1}", NULL},
    {"#{\"kref\":\"ko4\"}", "{\"@record\":{\"kref\":\"ko4\"}}", NULL},
    {"#{\"kref\":\"tea\"}", "{\"kref\":\"tea\"}", NULL},
    {"#{\"@bigint\":\"7\"}", "{\"@record\":{\"@bigint\":\"7\"}}", NULL},
    {"#\"\\ud800\"", "\"\\ud800\"", NULL},
    {"#[\"a\\uDFFFb\",\"\\ud83d\\ude00\\ud83d\"]", "[\"a\\udfffb\",\"\xf0\x9f\x98\x80\\ud83d\"]",
     "#[\"a\\udfffb\",\"\xf0\x9f\x98\x80\\ud83d\"]"},
    {"#{\"!#\\ud800\":1,\"\\ud800\":\"\xf4\x8f\xbf\xbf\\udbff\\uDFFF\"}",
     "{\"#\\ud800\":1,\"\\ud800\":\"\xf4\x8f\xbf\xbf\xf4\x8f\xbf\xbf\"}",
     "#{\"!#\\ud800\":1,\"\\ud800\":\"\xf4\x8f\xbf\xbf\xf4\x8f\xbf\xbf\"}"},
    {"#\"tab\\tquote\\\"\\u0001\"", "\"tab\\tquote\\\"\\u0001\"", NULL},
    /* capdata */
    {"[\"#plain\",\"+7\"]", "[\"#plain\",\"+7\"]", "#[\"!#plain\",\"!+7\"]"},
    {"{\"@qclass\":\"undefined\"}", "{\"@undefined\":true}", "#\"#undefined\""},
    {"{\"@qclass\":\"bigint\",\"digits\":\"70\"}", "{\"@bigint\":\"70\"}", "#\"+70\""},
    {"[{\"@qclass\":\"slot\",\"iface\":\"Alleged: "
     "a\",\"index\":0},{\"@qclass\":\"slot\",\"index\":1}]",
     "[{\"kref\":\"ko4\"},{\"kref\":\"kp7\"}]", "#[\"$0.Alleged: a\",\"&1\"]"},
    {"{\"@qclass\":\"error\",\"name\":\"RangeError\",\"message\":\"far\"}",
     "{\"@error\":\"far\",\"name\":\"RangeError\"}",
     "#{\"#error\":\"far\",\"name\":\"RangeError\"}"},
    {"{\"@qclass\":\"tagged\",\"tag\":\"t\",\"payload\":{\"@qclass\":\"NaN\"}}",
     "{\"@tagged\":\"t\",\"payload\":{\"@number\":\"NaN\"}}",
     "#{\"#tag\":\"t\",\"payload\":\"#NaN\"}"},
    {"{\"@qclass\":\"@@asyncIterator\"}", "{\"@symbol\":\"@@asyncIterator\"}",
     "#\"%@@asyncIterator\""},
    {"{\"@qclass\":\"hilbert\",\"original\":8,\"rest\":{\"x\":1}}",
     "{\"@record\":{\"@qclass\":8,\"x\":1}}", "#{\"@qclass\":8,\"x\":1}"},
};

static void known_bodies_mean_what_they_mean(void **state)
{
    for (size_t i = 0; i < sizeof known_bodies / sizeof *known_bodies; i++) {
        const struct known *known = &known_bodies[i];
        struct kee_arena arena = KEE_ARENA_EMPTY;
        struct kee_buf why = KEE_BUF_EMPTY;
        struct kee_buf json = KEE_BUF_EMPTY;
        struct kee_value *value = NULL;
        struct kee_value *back = NULL;
        struct kee_body again;

        if (kee_body_decode(body_of(known->body), &arena, &value, &why) != 0) {
            fail_msg("%s: %s", known->body, kee_buf_cstr(&why));
        }
        kee_buf_put_value_json(&json, value);
        assert_string_equal(kee_buf_cstr(&json), known->json);
        assert_int_equal(kee_body_encode(value, &arena, &again, &why), 0);
        assert_string_equal((const char *)again.text.data,
                            known->again == NULL ? known->body : known->again);
        assert_int_equal(kee_value_from_json_text(kee_buf_bytes(&json), &arena, &back, &why), 0);
        assert_true(kee_value_equal(value, back));
        kee_buf_fini(&json);
        kee_buf_fini(&why);
        kee_arena_fini(&arena);
    }
}

static void slots_are_named_once_in_order_of_use(void **state)
{
    struct kee_arena arena = KEE_ARENA_EMPTY;
    struct kee_buf why = KEE_BUF_EMPTY;
    struct kee_value *value;
    struct kee_body body;

    assert_int_equal(
        kee_value_from_json_text(
            kee_bytes_str("[{\"kref\":\"ko9\"},{\"kref\":\"kp2\"},{\"kref\":\"ko9\"}]"), &arena,
            &value, &why),
        0);
    assert_int_equal(kee_body_encode(value, &arena, &body, &why), 0);
    assert_string_equal((const char *)body.text.data, "#[\"$0\",\"&1\",\"$0\"]");
    assert_int_equal(body.slot_count, 2);
    assert_true(kee_bytes_equal(body.slots[0], kee_bytes_str("ko9")));
    assert_true(kee_bytes_equal(body.slots[1], kee_bytes_str("kp2")));
    kee_arena_fini(&arena);
    kee_buf_fini(&why);
}

struct refused {
    const char *body;
    const char *part; /* of the sentence */
};

static const struct refused refused_bodies[] = {
    {"#", "expected JSON"},
    {"#[1,", "expected JSON"},
    {"#\"'x\"", "reserved"},
    {"#\"(x\"", "reserved"},
    {"#[0,{\"a\":\"*\"}]", "at [1].a: "},
    {"#\"+-7\"", "reserved"},
    {"#\"+07\"", "digits"},
    {"#\"-\"", "digits"},
    {"#\"#nope\"", "expected undefined, NaN"},
    {"#\"$3\"", "slot 3"},
    {"#\"$x\"", "slot number"},
    {"#\"$1\"", "a promise"},
    {"#\"&0\"", "an object"},
    {"#{\"#tag\":\"t\"}", "payload"},
    {"#{\"#tag\":7,\"payload\":1}", "at [\"#tag\"]: expected a string"},
    {"#{\"#error\":\"#NaN\"}", "expected a string"},
    {"#{\"#other\":1}", "reserved"},
    {"#{\"!a\":1,\"a\":2}", "twice"},
    {"#{\"!\\ud800\":1,\"\\ud800\":2}", "twice"},
    {"#\"\xed\xa0\x80\"", "expected JSON"},
    {"#\"\\ud80\"", "expected JSON"},
    {"{\"@qclass\":\"ibid\",\"index\":0}", "ibid"},
    {"{\"@qclass\":\"slot\",\"index\":-1}", "index"},
    {"{\"@qclass\":\"slot\",\"index\":3}", "slot 3"},
    {"{\"@qclass\":\"bigint\",\"digits\":\"0x7\"}", "digits"},
    {"{\"@qclass\":7}", "@qclass"},
    {"{\"@qclass\":\"hilbert\",\"original\":1,\"rest\":{\"@qclass\":\"x\"}}", "hilbert"},
    {"", "expected JSON"},
};

static void what_is_malformed_is_refused_by_place(void **state)
{
    for (size_t i = 0; i < sizeof refused_bodies / sizeof *refused_bodies; i++) {
        struct kee_arena arena = KEE_ARENA_EMPTY;
        struct kee_buf why = KEE_BUF_EMPTY;
        struct kee_value *value;
        int r = kee_body_decode(body_of(refused_bodies[i].body), &arena, &value, &why);

        if (r != KEE_VALUE_BAD || strstr(kee_buf_cstr(&why), refused_bodies[i].part) == NULL) {
            fail_msg("%s: got %d, %s", refused_bodies[i].body, r, kee_buf_cstr(&why));
        }
        kee_arena_fini(&arena);
        kee_buf_fini(&why);
    }
}

/* Smallcaps, and what it is in capdata; slots of both in the order of first use. */
static const struct {
    const char *smallcaps, *capdata;
} known_capdata[] = {
    {"#null", "null"},
    {"#[\"#NaN\",\"#-Infinity\",\"#Infinity\",\"#undefined\"]",
     "[{\"@qclass\":\"NaN\"},{\"@qclass\":\"-Infinity\"},{\"@qclass\":\"Infinity\"},"
     "{\"@qclass\":\"undefined\"}]"},
    {"#[\"-12\",\"+7\"]", "[{\"@qclass\":\"bigint\",\"digits\":\"-12\"},{\"@qclass\":"
                          "\"bigint\",\"digits\":\"7\"}]"},
    {"#\"%@@iterator\"", "{\"@qclass\":\"symbol\",\"name\":\"@@iterator\"}"},
    {"#\"!#plain\"", "\"#plain\""},
    {"#\"\\udc00\"", "\"\\udc00\""},
    {"#{\"#tag\":\"t\",\"payload\":\"#NaN\"}",
     "{\"@qclass\":\"tagged\",\"tag\":\"t\",\"payload\":{\"@qclass\":\"NaN\"}}"},
    {"#{\"#error\":\"boom\",\"errorId\":\"e#1\",\"name\":\"RangeError\"}",
     "{\"@qclass\":\"error\",\"errorId\":\"e#1\",\"message\":\"boom\",\"name\":\"RangeError\"}"},
    {"#{\"@qclass\":7}", "{\"@qclass\":\"hilbert\",\"original\":7}"},
    {"#{\"b\":2,\"@qclass\":[1],\"a\":1}",
     "{\"@qclass\":\"hilbert\",\"original\":[1],\"rest\":{\"a\":1,\"b\":2}}"},
    {"#[\"$0.Alleged: x\",\"&1\",\"$0\"]",
     "[{\"@qclass\":\"slot\",\"iface\":\"Alleged: x\",\"index\":0},{\"@qclass\":\"slot\","
     "\"index\":1},{\"@qclass\":\"slot\",\"index\":0}]"},
};

static void capdata_is_written_as_npm_writes_it(void **state)
{
    for (size_t i = 0; i < sizeof known_capdata / sizeof *known_capdata; i++) {
        struct kee_arena arena = KEE_ARENA_EMPTY;
        struct kee_buf why = KEE_BUF_EMPTY;
        struct kee_value *value = NULL, *back = NULL;
        struct kee_body body;

        assert_int_equal(kee_body_decode(body_of(known_capdata[i].smallcaps), &arena, &value, &why),
                         0);
        assert_int_equal(kee_capdata_encode(value, &arena, &body, &why), 0);
        assert_string_equal((const char *)body.text.data, known_capdata[i].capdata);
        assert_int_equal(kee_body_decode(body, &arena, &back, &why), 0);
        assert_true(kee_value_equal(value, back));
        kee_buf_fini(&why);
        kee_arena_fini(&arena);
    }
}

static void depth_is_bounded(void **state)
{
    for (unsigned depth = KEE_LIMIT_VALUE_DEPTH; depth <= KEE_LIMIT_VALUE_DEPTH + 1; depth++) {
        struct kee_arena arena = KEE_ARENA_EMPTY;
        struct kee_buf why = KEE_BUF_EMPTY;
        struct kee_buf text = KEE_BUF_EMPTY;
        struct kee_value *value;
        int r;

        kee_buf_put_char(&text, '#');
        for (unsigned i = 0; i < depth; i++) {
            kee_buf_put_str(&text, i % 2 == 0 ? "[" : "{\"a\":");
        }
        kee_buf_put_char(&text, '1');
        for (unsigned i = depth; i > 0; i--) {
            kee_buf_put_char(&text, (i - 1) % 2 == 0 ? ']' : '}');
        }
        r = kee_body_decode((struct kee_body){kee_buf_bytes(&text), NULL, 0}, &arena, &value, &why);
        assert_int_equal(r, depth > KEE_LIMIT_VALUE_DEPTH ? KEE_VALUE_BAD : 0);
        kee_arena_fini(&arena);
        kee_buf_fini(&why);
        kee_buf_fini(&text);
    }
}

/* ---- random trees ---- */

static uint32_t next_random(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*seed >> 33);
}

static struct kee_bytes random_text(uint64_t *seed, struct kee_arena *arena)
{
    static const char *const pieces[] = {"a",
                                         "!",
                                         "#tag",
                                         "-",
                                         "+7",
                                         "$0",
                                         "@",
                                         "kref",
                                         "ko4",
                                         "\"",
                                         "\\",
                                         "\n",
                                         "\xc3\xa9",
                                         "\xf0\x9f\x98\x80",
                                         "\xef\xbf\xbd",
                                         "\xed\xa0\x80",
                                         "\xf4\x8f\xbf\xbf",
                                         "%"};
    struct kee_buf buf = KEE_BUF_EMPTY;
    struct kee_bytes out;

    for (uint32_t i = next_random(seed) % 4; i > 0; i--) {
        kee_buf_put_str(&buf, pieces[next_random(seed) % 18]);
    }
    out = kee_arena_copy(arena, kee_buf_bytes(&buf));
    kee_buf_fini(&buf);
    return out;
}

static double random_number(uint64_t *seed)
{
    uint64_t bits = ((uint64_t)next_random(seed) << 33) ^ ((uint64_t)next_random(seed) << 11);
    double number;

    memcpy(&number, &bits, sizeof number);
    return next_random(seed) % 2 == 0 || number == 0 ? (double)(next_random(seed) % 1000) : number;
}

static struct kee_value *random_value(uint64_t *seed, struct kee_arena *arena, int depth)
{
    enum kee_value_kind kind = (enum kee_value_kind)(next_random(seed) % 13);
    struct kee_value *value;

    if (depth == 0 && kind >= KEE_VALUE_ARRAY && kind <= KEE_VALUE_TAGGED) {
        kind = KEE_VALUE_STRING;
    }
    if (kind == KEE_VALUE_ARRAY || kind == KEE_VALUE_RECORD) {
        size_t count = next_random(seed) % 4;
        value = kind == KEE_VALUE_ARRAY ? kee_value_array(arena, count)
                                        : kee_value_record(arena, count);
        for (size_t i = 0; i < count; i++) {
            struct kee_value *inner = random_value(seed, arena, depth - 1);
            if (kind == KEE_VALUE_ARRAY) {
                value->as.array.items[i] = inner;
            } else {
                struct kee_buf name = KEE_BUF_EMPTY;
                kee_buf_put_bytes(&name, random_text(seed, arena));
                kee_buf_put_decimal(&name, i); /* unique */
                value->as.record.members[i].name = kee_arena_copy(arena, kee_buf_bytes(&name));
                value->as.record.members[i].value = inner;
                kee_buf_fini(&name);
            }
        }
        return value;
    }
    value = kee_value_new(arena, kind);
    switch (kind) {
    case KEE_VALUE_BOOLEAN:
        value->as.boolean = next_random(seed) % 2;
        break;
    case KEE_VALUE_NUMBER:
        value->as.number = random_number(seed);
        break;
    case KEE_VALUE_BIGINT:
        value->as.text = next_random(seed) % 2 ? KEE_BYTES_LIT("-90") : KEE_BYTES_LIT("0");
        break;
    case KEE_VALUE_STRING:
    case KEE_VALUE_SYMBOL:
        value->as.text = random_text(seed, arena);
        break;
    case KEE_VALUE_TAGGED:
        value->as.tagged.tag = random_text(seed, arena);
        value->as.tagged.payload = random_value(seed, arena, depth - 1);
        break;
    case KEE_VALUE_ERROR:
        value->as.error.name = random_text(seed, arena);
        value->as.error.message = random_text(seed, arena);
        break;
    case KEE_VALUE_REMOTABLE:
        value->as.ref.slot = next_random(seed) % 2 ? KEE_BYTES_LIT("ko4") : KEE_BYTES_LIT("ko5");
        break;
    case KEE_VALUE_PROMISE:
        value->as.ref.slot = KEE_BYTES_LIT("kp7");
        break;
    default:
        break;
    }
    return value;
}

static void random_trees_come_back_equal(void **state)
{
    for (uint64_t round = 1; round <= 20000; round++) {
        struct kee_arena arena = KEE_ARENA_EMPTY;
        struct kee_buf why = KEE_BUF_EMPTY;
        struct kee_buf json = KEE_BUF_EMPTY;
        uint64_t seed = round;
        struct kee_value *value = random_value(&seed, &arena, 5);
        struct kee_value *back = NULL;
        struct kee_body body;

        assert_int_equal(kee_body_encode(value, &arena, &body, &why), 0);
        if (kee_body_decode(body, &arena, &back, &why) != 0 || !kee_value_equal(value, back)) {
            fail_msg("seed %d: %s: %s", (int)round, (const char *)body.text.data,
                     kee_buf_cstr(&why));
        }
        if (kee_capdata_encode(value, &arena, &body, &why) != 0 ||
            kee_body_decode(body, &arena, &back, &why) != 0 || !kee_value_equal(value, back)) {
            fail_msg("seed %d: %s: %s", (int)round, (const char *)body.text.data,
                     kee_buf_cstr(&why));
        }
        kee_buf_put_value_json(&json, value);
        if (kee_value_from_json_text(kee_buf_bytes(&json), &arena, &back, &why) != 0 ||
            !kee_value_equal(value, back)) {
            fail_msg("seed %d: %s: %s", (int)round, kee_buf_cstr(&json), kee_buf_cstr(&why));
        }
        kee_buf_fini(&json);
        kee_buf_fini(&why);
        kee_arena_fini(&arena);
    }
}

/* Bodies with bytes changed: decoded or refused, nothing else. */
static void damaged_bodies_do_no_harm(void **state)
{
    for (uint64_t round = 1; round <= 20000; round++) {
        struct kee_arena arena = KEE_ARENA_EMPTY;
        struct kee_buf why = KEE_BUF_EMPTY;
        uint64_t seed = round;
        const char *text =
            known_bodies[next_random(&seed) % (sizeof known_bodies / sizeof *known_bodies)].body;
        size_t size = strlen(text);
        struct kee_buf damaged = KEE_BUF_EMPTY;
        struct kee_value *value;
        int r;

        kee_buf_put(&damaged, text, size);
        for (uint32_t i = next_random(&seed) % 3; i > 0; i--) {
            damaged.data[next_random(&seed) % size] = (uint8_t)next_random(&seed);
        }
        size -= next_random(&seed) % 2;
        r = kee_body_decode((struct kee_body){kee_bytes_of(damaged.data, size), slots, 3}, &arena,
                            &value, &why);
        assert_true(r == 0 || (r == KEE_VALUE_BAD && why.size > 0));
        kee_buf_fini(&damaged);
        kee_buf_fini(&why);
        kee_arena_fini(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(known_bodies_mean_what_they_mean),
        TEST(slots_are_named_once_in_order_of_use),
        TEST(what_is_malformed_is_refused_by_place),
        TEST(depth_is_bounded),
        TEST(capdata_is_written_as_npm_writes_it),
        TEST(random_trees_come_back_equal),
        TEST(damaged_bodies_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
