/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of vatproto/vatproto.h: what is written reads back; what is malformed is refused, never read. */
#include "cm.h"

#include <stdlib.h>

#include "base/limits.h"
#include "vatproto/vatproto.h"

static struct kee_vp_strings strings_of(struct kee_buf *store, const char *const *texts,
                                        size_t count)
{
    kee_buf_clear(store);
    for (size_t i = 0; i < count; i++) {
        kee_vp_put_string(store, kee_bytes_str(texts[i]));
    }
    return (struct kee_vp_strings){kee_buf_bytes(store), (uint32_t)count};
}

struct fixture {
    struct kee_buf globals, slots, rows, inventory, frame;
};

/* A START frame with something in every field. */
static void fixture_init(struct fixture *f)
{
    struct kee_vp_start start = {
        .version = KEE_VP_VERSION,
        .vat = 3,
        .incarnation = 5,
        .steps_per_crank_max = 1000000,
        .heap_bytes_max = (uint64_t)1 << 40,
        .raw = true,
        .seed = kee_bytes_str("0123456789abcdef0123456789abcdef"),
        .code_name = kee_bytes_str("counter.js"),
        .code = kee_bytes_str("export const buildRootObject = () => {};"),
    };

    memset(f, 0, sizeof *f);
    start.globals = strings_of(&f->globals, (const char *const[]){"console", "URL"}, 2);
    start.parameters.body = kee_bytes_str("#{\"name\":\"$0\"}");
    start.parameters.slots = strings_of(&f->slots, (const char *const[]){"o-50"}, 1);
    start.rows = strings_of(&f->rows, (const char *const[]){"idCounters", "{}"}, 2);
    start.inventory = strings_of(&f->inventory, (const char *const[]){"clock", "o-51"}, 2);
    kee_vp_start_put(&f->frame, &start);
    assert_int_equal(kee_buf_status(&f->frame), 0);
}

static void fixture_fini(struct fixture *f)
{
    kee_buf_fini(&f->globals);
    kee_buf_fini(&f->slots);
    kee_buf_fini(&f->rows);
    kee_buf_fini(&f->inventory);
    kee_buf_fini(&f->frame);
}

static struct kee_bytes fields_of(const struct fixture *f)
{
    return kee_bytes_of(f->frame.data + 5, f->frame.size - 5);
}

static void start_reads_back(void **state)
{
    struct fixture f;
    struct kee_vp_start start;
    struct kee_bytes fields, text;
    uint8_t type;
    size_t size;

    fixture_init(&f);
    assert_int_equal(kee_vp_frame_cut(kee_buf_bytes(&f.frame), &type, &fields, &size), 1);
    assert_int_equal(type, KEE_VP_START);
    assert_int_equal(size, f.frame.size);
    assert_true(kee_vp_start_take(fields, &start));
    assert_int_equal(start.vat, 3);
    assert_int_equal(start.incarnation, 5);
    assert_int_equal(start.steps_per_crank_max, 1000000);
    assert_true(start.heap_bytes_max == (uint64_t)1 << 40);
    assert_true(start.raw);
    assert_int_equal(start.seed.size, 32);
    assert_bytes_text(start.code_name, "counter.js");
    assert_int_equal(start.inventory.count, 2);
    assert_true(kee_vp_strings_next(&start.inventory, &text));
    assert_bytes_text(text, "clock");
    assert_true(kee_vp_strings_next(&start.inventory, &text));
    assert_bytes_text(text, "o-51");
    assert_bytes_text(start.code, "export const buildRootObject = () => {};");
    assert_bytes_text(start.parameters.body, "#{\"name\":\"$0\"}");
    assert_true(kee_vp_strings_next(&start.globals, &text));
    assert_bytes_text(text, "console");
    assert_true(kee_vp_strings_next(&start.globals, &text));
    assert_bytes_text(text, "URL");
    assert_false(kee_vp_strings_next(&start.globals, &text));
    assert_true(kee_vp_strings_next(&start.parameters.slots, &text));
    assert_bytes_text(text, "o-50");
    assert_int_equal(start.rows.count, 2);
    fixture_fini(&f);
}

static void start_cut_short_anywhere_is_refused(void **state)
{
    struct fixture f;
    struct kee_vp_start start;
    struct kee_bytes fields;

    fixture_init(&f);
    fields = fields_of(&f);
    for (size_t size = 0; size < fields.size; size++) {
        /* An exact copy on the heap, so that a sanitizer sees a read past the end. */
        uint8_t *copy = malloc(size + 1);
        assert_non_null(copy);
        memcpy(copy, fields.data, size);
        copy = realloc(copy, size == 0 ? 1 : size);
        assert_non_null(copy);
        assert_false(kee_vp_start_take(kee_bytes_of(copy, size), &start));
        free(copy);
    }
    kee_buf_put_u8(&f.frame, 0); /* one byte too many is as wrong */
    assert_false(kee_vp_start_take(fields_of(&f), &start));
    fixture_fini(&f);
}

static void start_of_another_version_is_refused(void **state)
{
    struct fixture f;
    struct kee_vp_start start;

    fixture_init(&f);
    f.frame.data[5]++;
    assert_false(kee_vp_start_take(fields_of(&f), &start));
    fixture_fini(&f);
}

static void start_with_a_key_without_value_is_refused(void **state)
{
    struct kee_vp_start start = {.version = KEE_VP_VERSION}, out;
    struct kee_buf store = KEE_BUF_EMPTY, frame = KEE_BUF_EMPTY;

    start.rows = strings_of(&store, (const char *const[]){"k", "v", "alone"}, 3);
    kee_vp_start_put(&frame, &start);
    assert_false(kee_vp_start_take(kee_bytes_of(frame.data + 5, frame.size - 5), &out));
    start.rows = strings_of(&store, (const char *const[]){"k", "v"}, 2);
    kee_buf_clear(&frame);
    kee_vp_start_put(&frame, &start);
    assert_true(kee_vp_start_take(kee_bytes_of(frame.data + 5, frame.size - 5), &out));
    start.inventory = strings_of(&store, (const char *const[]){"alone"}, 1);
    start.rows = (struct kee_vp_strings){0};
    kee_buf_clear(&frame);
    kee_vp_start_put(&frame, &start);
    assert_false(kee_vp_start_take(kee_bytes_of(frame.data + 5, frame.size - 5), &out));
    kee_buf_fini(&store);
    kee_buf_fini(&frame);
}

/* Every byte of a frame set to each of a few nasty values: refused or read, never a crash, and
 * whatever is read lies inside the frame. */
static void start_with_any_byte_changed_stays_in_bounds(void **state)
{
    static const uint8_t nasty[] = {0x00, 0x01, 0x7f, 0x80, 0xff};
    struct fixture f;
    struct kee_bytes fields, text;
    unsigned refused = 0;

    fixture_init(&f);
    fields = fields_of(&f);
    for (size_t at = 5; at < f.frame.size; at++) {
        uint8_t kept = f.frame.data[at];
        for (size_t i = 0; i < sizeof nasty; i++) {
            struct kee_vp_start start;
            f.frame.data[at] = nasty[i];
            if (!kee_vp_start_take(fields, &start)) {
                refused++;
                continue;
            }
            while (kee_vp_strings_next(&start.rows, &text)) {
                assert_true(text.data >= fields.data &&
                            text.data + text.size <= fields.data + fields.size);
            }
        }
        f.frame.data[at] = kept;
    }
    assert_true(refused > 20); /* sizes and counts were among the bytes */
    fixture_fini(&f);
}

static void a_reader_that_failed_stays_failed(void **state)
{
    static const uint8_t raw[] = {5, 0, 0, 0, 'a', 'b'}; /* a string of five bytes, two there */
    struct kee_vp_reader reader = {.rest = kee_bytes_of(raw, sizeof raw)};

    assert_int_equal(kee_vp_take_string(&reader).size, 0);
    assert_true(reader.failed);
    assert_int_equal(kee_vp_take_u8(&reader), 0); /* though bytes are left */
    assert_int_equal(kee_vp_take_u64(&reader), 0);
    assert_int_equal(kee_vp_take_strings(&reader).count, 0);
    assert_false(kee_vp_reader_end(&reader));
}

static void numbers_at_the_edge(void **state)
{
    static const uint8_t raw[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4, 9};
    struct kee_vp_reader reader = {.rest = kee_bytes_of(raw, sizeof raw)};

    assert_true(kee_vp_take_u64(&reader) == UINT64_MAX);
    assert_int_equal(kee_vp_take_u32(&reader), 0x04030201);
    assert_false(kee_vp_reader_end(&reader)); /* one byte left */
    assert_int_equal(kee_vp_take_u8(&reader), 9);
    assert_true(kee_vp_reader_end(&reader));
    assert_int_equal(kee_vp_take_u8(&reader), 0);
    assert_false(kee_vp_reader_end(&reader));
}

/* A count that promises more items than the frame can hold must not be believed or looped over. */
static void a_lying_count_is_refused(void **state)
{
    static const uint32_t counts[] = {2, 1000, KEE_LIMIT_FRAME_BYTES / 4 + 1, UINT32_MAX};
    struct kee_buf buf = KEE_BUF_EMPTY;

    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        struct kee_vp_reader reader;
        kee_buf_clear(&buf);
        kee_buf_put_u32(&buf, counts[i]);
        kee_vp_put_string(&buf, kee_bytes_str("only one"));
        reader = (struct kee_vp_reader){.rest = kee_buf_bytes(&buf)};
        assert_int_equal(kee_vp_take_strings(&reader).count, 0);
        assert_true(reader.failed);
    }
    kee_buf_fini(&buf);
}

static void lists_close_with_their_count(void **state)
{
    struct kee_buf buf = KEE_BUF_EMPTY;
    struct kee_vp_reader reader;
    struct kee_vp_strings strings;
    struct kee_bytes text;
    size_t place;

    kee_buf_put_u8(&buf, 7);
    place = kee_vp_list_open(&buf);
    kee_vp_put_string(&buf, kee_bytes_str("o+1"));
    kee_vp_put_string(&buf, kee_bytes_str(""));
    kee_vp_list_close(&buf, place, 2);
    reader = (struct kee_vp_reader){.rest = kee_buf_bytes(&buf)};
    assert_int_equal(kee_vp_take_u8(&reader), 7);
    strings = kee_vp_take_strings(&reader);
    assert_true(kee_vp_reader_end(&reader));
    assert_true(kee_vp_strings_next(&strings, &text));
    assert_bytes_text(text, "o+1");
    assert_true(kee_vp_strings_next(&strings, &text));
    assert_int_equal(text.size, 0);
    assert_false(kee_vp_strings_next(&strings, &text));
    kee_buf_fini(&buf);
}

static void a_stream_is_cut_only_at_whole_frames(void **state)
{
    struct fixture f;
    struct kee_bytes fields = {NULL, 0};
    uint8_t type = 0;
    size_t size = 0;

    fixture_init(&f);
    for (size_t have = 0; have < f.frame.size; have++) {
        assert_int_equal(kee_vp_frame_cut(kee_bytes_of(f.frame.data, have), &type, &fields, &size),
                         0);
    }
    kee_buf_put_str(&f.frame, "next");
    assert_int_equal(kee_vp_frame_cut(kee_buf_bytes(&f.frame), &type, &fields, &size), 1);
    assert_int_equal(size, f.frame.size - 4);
    fixture_fini(&f);
}

static void a_frame_size_out_of_bounds_ends_the_stream(void **state)
{
    static const uint8_t zero[] = {0, 0, 0, 0, 1}, huge[] = {0xff, 0xff, 0xff, 0xff, 1};
    uint32_t over = KEE_LIMIT_FRAME_BYTES + 1;
    uint8_t just_over[] = {(uint8_t)over, (uint8_t)(over >> 8), (uint8_t)(over >> 16),
                           (uint8_t)(over >> 24)};
    struct kee_bytes fields;
    uint8_t type;
    size_t size;

    assert_int_equal(kee_vp_frame_cut(kee_bytes_of(zero, 5), &type, &fields, &size), -1);
    assert_int_equal(kee_vp_frame_cut(kee_bytes_of(huge, 5), &type, &fields, &size), -1);
    assert_int_equal(kee_vp_frame_cut(kee_bytes_of(just_over, 4), &type, &fields, &size), -1);
    just_over[0]--; /* exactly the limit: more bytes are needed */
    assert_int_equal(kee_vp_frame_cut(kee_bytes_of(just_over, 4), &type, &fields, &size), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(start_reads_back),
        TEST(start_cut_short_anywhere_is_refused),
        TEST(start_of_another_version_is_refused),
        TEST(start_with_a_key_without_value_is_refused),
        TEST(start_with_any_byte_changed_stays_in_bounds),
        TEST(a_reader_that_failed_stays_failed),
        TEST(numbers_at_the_edge),
        TEST(a_lying_count_is_refused),
        TEST(lists_close_with_their_count),
        TEST(a_stream_is_cut_only_at_whole_frames),
        TEST(a_frame_size_out_of_bounds_ends_the_stream),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
