/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of store/dump.h. */
#include "cm.h"

#include <stdlib.h>

#include "base/fault.h"
#include "fault_store.h"
#include "rng.h"
#include "store/dump.h"

/* A text that is read in pieces of at most `piece` bytes. */
struct text {
    struct kee_bytes rest;
    size_t piece;
    bool fails;
};

static int read_text(void *context, uint8_t *room, size_t size, size_t *got)
{
    struct text *text = context;

    if (text->fails) {
        return kee_fault(KEE_FAULT_SYSTEM, "a fault by arrangement");
    }
    *got = text->rest.size < size ? text->rest.size : size;
    *got = text->piece < *got ? text->piece : *got;
    if (*got > 0) {
        memcpy(room, text->rest.data, *got);
        text->rest = kee_bytes_of(text->rest.data + *got, text->rest.size - *got);
    }
    return 0;
}

static int append(void *context, struct kee_bytes piece)
{
    kee_buf_put_bytes(context, piece);
    return 0;
}

static void take_result(void *context, int r)
{
    int *result = context;

    *result = r;
}

static void put(struct fault_store *store, struct kee_bytes key, struct kee_bytes value)
{
    struct kee_change change = {key, value, false};
    int result = 1;

    assert_int_equal(store->store.ops->write(&store->store, &change, 1, take_result, &result), 0);
    assert_int_equal(result, 0);
}

static void dump(struct fault_store *store, struct kee_buf *out)
{
    kee_buf_clear(out);
    assert_int_equal(kee_dump_write(&store->store, append, out), 0);
    assert_int_equal(kee_buf_status(out), 0);
}

static int load(struct fault_store *store, struct kee_bytes bytes, size_t piece,
                struct kee_buf *why)
{
    struct text text = {bytes, piece, false};
    int result = 1;
    int r = kee_dump_read(&store->store, read_text, &text, why, take_result, &result);

    assert_int_equal(result, r == 0 ? 0 : 1); /* done only when all went well */
    return r;
}

static bool is_empty(struct fault_store *store)
{
    struct kee_buf key = KEE_BUF_EMPTY;
    int r = store->store.ops->next(&store->store, kee_bytes_str(""), &key, NULL);

    kee_buf_fini(&key);
    return r == KEE_STORE_ABSENT;
}

static void close_store(struct fault_store *store)
{
    store->store.ops->close(&store->store);
}

/* The text of docs/formats/store.md, byte for byte. */
static void the_text_is_as_documented(void **state)
{
    static const char expected[] =
        "keeve-store 1\n"
        "kp7\tunsettled\n"
        "v1.vs.note\ttwo\\nlines, \xe2\x82\xac and \\xff\n"
        "v2.idle\t0\n"
        "end 3 df2ff7d14bf9cb501a0ccbc61edfd8238b802a7cbabf0e5cad843e994fde7111\n";
    struct fault_store store;
    struct kee_buf out = KEE_BUF_EMPTY;

    fault_store_init(&store);
    put(&store, kee_bytes_str("v2.idle"), kee_bytes_str("0"));
    put(&store, kee_bytes_str("kp7"), kee_bytes_str("unsettled"));
    put(&store, kee_bytes_str("v1.vs.note"), kee_bytes_str("two\nlines, \xe2\x82\xac and \xff"));
    dump(&store, &out);
    assert_string_equal(kee_buf_cstr(&out), expected);
    close_store(&store);
    kee_buf_fini(&out);
}

static void any_store_comes_back(void **state)
{
    static const size_t pieces[] = {1, 7, 4096, 1 << 20};

    for (uint64_t seed = 1; seed <= 8; seed++) {
        struct rng rng = {seed};
        struct fault_store store;
        struct fault_store other;
        struct kee_buf out = KEE_BUF_EMPTY;
        struct kee_buf again = KEE_BUF_EMPTY;
        struct kee_buf why = KEE_BUF_EMPTY;
        size_t rows = seed == 1 ? 0 : rng_below(&rng, seed < 7 ? 60 : 9000); /* several parts too */
        print_message("seed %u\n", (unsigned)seed);
        fault_store_init(&store);
        fault_store_init(&other);
        for (size_t i = 0; i < rows; i++) {
            uint8_t bytes[400];
            for (size_t j = 0; j < sizeof bytes; j++) {
                bytes[j] = (uint8_t)rng_next(&rng);
            }
            put(&store, kee_bytes_of(bytes, 1 + rng_below(&rng, 40)),
                kee_bytes_of(bytes + 50, rng_below(&rng, 350)));
        }
        dump(&store, &out);
        if (seed < 7 || pieces[seed % 4] > 1) {
            assert_int_equal(load(&other, kee_buf_bytes(&out), pieces[seed % 4], &why), 0);
            dump(&other, &again);
            assert_true(kee_bytes_equal(kee_buf_bytes(&out), kee_buf_bytes(&again)));
        }
        close_store(&store);
        close_store(&other);
        kee_buf_fini(&out);
        kee_buf_fini(&again);
        kee_buf_fini(&why);
    }
}

static void each_defect_is_named(void **state)
{
    static const struct {
        const char *text;
        const char *why;
    } cases[] = {
        {"", "line 1: expected \"keeve-store 1\", found the end of the text"},
        {"keeve-store 2\n", "line 1: expected \"keeve-store 1\", found \"keeve-store 2\""},
        {"keeve-store 1", "line 1: expected \"keeve-store 1\", found \"keeve-store 1\""},
        {"keeve-store 1\n", "line 2: expected a whole row or the closing line, found the end"},
        {"keeve-store 1\na\t1\nb\t2",
         "line 3: expected a whole row or the closing line, found \"b\\t2\""},
        {"keeve-store 1\na\n",
         "line 2: expected a key, a tab and a value, or the closing line, found \"a\""},
        {"keeve-store 1\na\t1\na\t2\n",
         "line 3: expected a key greater than the one before, found \"a\""},
        {"keeve-store 1\nb\t1\na\t2\n",
         "line 3: expected a key greater than the one before, found \"a\""},
        {"keeve-store 1\n\t1\n", "line 2: expected a key greater than the one before, found \"\""},
        {"keeve-store 1\na\t1\\q\n",
         "line 2: expected one of \\\\ \\t \\n \\r \\xHH, found \"\\\\q\""},
        {"keeve-store 1\na\t1\r\n",
         "line 2: expected an escape for a control character, found \"\\r\""},
        {"keeve-store 1\na\t1\t2\n",
         "line 2: expected an escape for a control character, found \"\\t2\""},
        {"keeve-store 1\na\t1\nend 2 0\n", "line 3: expected the closing line \"end 1 "},
        {"keeve-store 1\na\t1\nend ", "was changed or cut"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fault_store store;
        struct kee_buf why = KEE_BUF_EMPTY;
        fault_store_init(&store);
        assert_int_equal(load(&store, kee_bytes_str(cases[i].text), 5, &why), KEE_DUMP_MALFORMED);
        if (strstr(kee_buf_cstr(&why), cases[i].why) == NULL) {
            fail_msg("expected '%s' in: %s", cases[i].why, kee_buf_cstr(&why));
        }
        assert_true(is_empty(&store));
        close_store(&store);
        kee_buf_fini(&why);
    }
}

/* Wherever a text is cut, and whichever byte of it changes, nothing of it is taken. */
static void a_cut_or_changed_text_is_refused(void **state)
{
    struct fault_store store;
    struct kee_buf out = KEE_BUF_EMPTY;
    struct kee_buf why = KEE_BUF_EMPTY;

    fault_store_init(&store);
    put(&store, kee_bytes_str("a"), kee_bytes_str("some value"));
    put(&store, kee_bytes_str("b\xff"), kee_bytes_str("\t"));
    dump(&store, &out);
    close_store(&store);
    fault_store_init(&store);
    for (size_t cut = 0; cut + 1 < out.size; cut++) {
        assert_int_equal(load(&store, kee_bytes_of(out.data, cut), 64, &why), KEE_DUMP_MALFORMED);
        assert_true(is_empty(&store));
    }
    for (size_t at = 0; at < out.size; at++) {
        out.data[at] ^= 1;
        assert_int_equal(load(&store, kee_buf_bytes(&out), 64, &why), KEE_DUMP_MALFORMED);
        assert_true(is_empty(&store));
        out.data[at] ^= 1;
    }
    kee_buf_put_char(&out, 'x');
    kee_buf_clear(&why);
    assert_int_equal(load(&store, kee_buf_bytes(&out), 64, &why), KEE_DUMP_MALFORMED);
    assert_string_equal(kee_buf_cstr(&why),
                        "line 5: expected nothing after the closing line, found \"x\"");
    out.size--;
    assert_int_equal(load(&store, kee_buf_bytes(&out), 64, &why), 0);
    close_store(&store);
    kee_buf_fini(&out);
    kee_buf_fini(&why);
}

static void only_an_empty_store_takes_a_dump(void **state)
{
    struct fault_store store;
    struct kee_buf why = KEE_BUF_EMPTY;

    fault_store_init(&store);
    put(&store, kee_bytes_str("here"), kee_bytes_str("1"));
    assert_int_equal(load(&store, kee_bytes_str(""), 64, &why), KEE_DUMP_NOT_EMPTY);
    assert_string_equal(kee_buf_cstr(&why),
                        "expected an empty store, found a row with the key \"here\"");
    close_store(&store);
    kee_buf_fini(&why);
}

/* Whichever call fails, of the store or of the source, the store is empty afterwards. */
static void a_fault_leaves_the_store_empty(void **state)
{
    struct fault_store store;
    struct kee_buf out = KEE_BUF_EMPTY;
    struct kee_buf why = KEE_BUF_EMPTY;
    struct kee_buf again = KEE_BUF_EMPTY;
    struct text failing = {.fails = true};
    uint64_t nth = 1;
    int result = 1;
    int r;

    fault_store_init(&store);
    for (int i = 0; i < 5000; i++) {
        char key[8] = {'k', (char)('a' + i / 676), (char)('a' + i / 26 % 26), (char)('a' + i % 26)};
        put(&store, kee_bytes_str(key), kee_bytes_str("v"));
    }
    dump(&store, &out);
    close_store(&store);
    do {
        fault_store_init(&store);
        store.fail_at = nth++;
        r = load(&store, kee_buf_bytes(&out), 4096, &why);
        store.fail_at = 0;
        assert_int_equal(is_empty(&store), r < 0);
        if (r < 0) {
            /* Nor does anything come to light with a later batch. */
            put(&store, kee_bytes_str("later"), kee_bytes_str("1"));
            kee_buf_clear(&again);
            dump(&store, &again);
            assert_non_null(strstr(kee_buf_cstr(&again), "\nend 1 "));
        }
        close_store(&store);
    } while (r < 0);
    assert_true(nth > 4); /* looked, staged twice, wrote */
    fault_store_init(&store);
    assert_true(kee_dump_read(&store.store, read_text, &failing, &why, take_result, &result) < 0);
    assert_true(is_empty(&store));
    close_store(&store);
    kee_buf_fini(&out);
    kee_buf_fini(&again);
    kee_buf_fini(&why);
    kee_fault_clear();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_text_is_as_documented),
        TEST(any_store_comes_back),
        TEST(each_defect_is_named),
        TEST(a_cut_or_changed_text_is_refused),
        TEST(only_an_empty_store_takes_a_dump),
        TEST(a_fault_leaves_the_store_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
