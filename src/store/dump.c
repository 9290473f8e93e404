/* SPDX-License-Identifier: Apache-2.0 */
/* dump - see dump.h. */
#include "store/dump.h"

#include <sodium/crypto_hash_sha256.h>
#include <stdlib.h>

#include "base/fault.h"
#include "base/limits.h"
#include "store/escape.h"

#define HEADER "keeve-store 1"

enum {
    PIECE_BYTES = 64 * 1024,
    STAGE_BYTES = 1024 * 1024,
    STAGE_ROWS = 4096,
    FOUND_MAX = 40, /* bytes of a line shown in a text for people */
};

/* A row escaped byte by byte, its tab and its line feed. */
#define LINE_BYTES_MAX (4 * ((size_t)KEE_LIMIT_KEY_BYTES + KEE_LIMIT_VALUE_BYTES) + 2)

/* Appends the sum in hexadecimal. */
static void put_sum(struct kee_buf *buf, crypto_hash_sha256_state *sum)
{
    uint8_t raw[crypto_hash_sha256_BYTES];

    (void)crypto_hash_sha256_final(sum, raw);
    for (size_t i = 0; i < sizeof raw; i++) {
        kee_buf_printf(buf, "%02x", raw[i]);
    }
}

static void put_closing(struct kee_buf *buf, uint64_t rows, crypto_hash_sha256_state *sum)
{
    kee_buf_put_str(buf, "end ");
    kee_buf_put_decimal(buf, rows);
    kee_buf_put_char(buf, ' ');
    put_sum(buf, sum);
}

/* --- out --- */

struct out {
    kee_dump_sink_fn *sink;
    void *context;
    struct kee_buf text;
    crypto_hash_sha256_state sum;
};

static int pass_on(struct out *out)
{
    int r = kee_buf_status(&out->text);

    if (r == 0) {
        (void)crypto_hash_sha256_update(&out->sum, out->text.data, out->text.size);
        r = out->sink(out->context, kee_buf_bytes(&out->text));
    }
    kee_buf_clear(&out->text);
    return r;
}

static int write_rows(struct kee_store *store, struct out *out, uint64_t *rows)
{
    struct kee_buf key = KEE_BUF_EMPTY;
    struct kee_buf value = KEE_BUF_EMPTY;
    int r = 0;

    *rows = 0;
    while (r == 0) {
        r = store->ops->next(store, kee_buf_bytes(&key), &key, &value);
        if (r != 0) {
            break;
        }
        kee_buf_put_escaped(&out->text, kee_buf_bytes(&key));
        kee_buf_put_char(&out->text, '\t');
        kee_buf_put_escaped(&out->text, kee_buf_bytes(&value));
        kee_buf_put_char(&out->text, '\n');
        ++*rows;
        if (out->text.size >= PIECE_BYTES) {
            r = pass_on(out);
        }
    }
    kee_buf_fini(&key);
    kee_buf_fini(&value);
    return r == KEE_STORE_ABSENT ? pass_on(out) : r;
}

int kee_dump_write(struct kee_store *store, kee_dump_sink_fn *sink, void *context)
{
    struct out out = {.sink = sink, .context = context, .text = KEE_BUF_EMPTY};
    uint64_t rows;
    int r;

    (void)crypto_hash_sha256_init(&out.sum);
    kee_buf_put_str(&out.text, HEADER "\n");
    r = write_rows(store, &out, &rows);
    if (r == 0) {
        put_closing(&out.text, rows, &out.sum);
        kee_buf_put_char(&out.text, '\n');
        r = pass_on(&out);
    }
    kee_buf_fini(&out.text);
    return r;
}

/* --- in --- */

struct in {
    kee_dump_source_fn *source;
    void *context;
    struct kee_buf *why;

    struct kee_buf text; /* read, from `at` on not yet taken */
    size_t at;
    bool ended;
    uint64_t line; /* the number of the line taken last */
    crypto_hash_sha256_state sum;

    struct kee_store *store;
    struct kee_buf rows; /* keys and values of the part being filled, one behind the other */
    size_t (*sizes)[2];  /* of key and value */
    struct kee_change *changes;
    size_t count;
    uint64_t total;
    struct kee_buf last_key;
};

static int malformed(struct in *in, const char *expected, struct kee_bytes found)
{
    bool cut = found.size > FOUND_MAX;

    kee_buf_printf(in->why, "line %llu: expected %s, found ", (unsigned long long)in->line,
                   expected);
    if (found.data == NULL) {
        kee_buf_put_str(in->why, "the end of the text");
        return KEE_DUMP_MALFORMED;
    }
    kee_buf_put_char(in->why, '"');
    kee_buf_put_escaped(in->why, kee_bytes_of(found.data, cut ? FOUND_MAX : found.size));
    kee_buf_put_str(in->why, cut ? "...\"" : "\"");
    return KEE_DUMP_MALFORMED;
}

static int read_more(struct in *in)
{
    size_t got = 0;
    int r;

    kee_buf_consume(&in->text, in->at);
    in->at = 0;
    r = kee_buf_reserve(&in->text, PIECE_BYTES);
    if (r == 0) {
        r = in->source(in->context, in->text.data + in->text.size, PIECE_BYTES, &got);
    }
    if (r < 0) {
        return r;
    }
    in->text.size += got;
    in->ended = got == 0;
    return 0;
}

/* The next line without its line feed; data NULL at the end of the text. Borrowed until the next call.
 * *is_whole tells if a line feed ended it. */
static int take_line(struct in *in, struct kee_bytes *line, bool *is_whole)
{
    size_t seen = 0;

    in->line++;
    for (;;) {
        size_t left = in->text.size - in->at;
        const uint8_t *end = NULL;
        int r;
        if (left > seen) {
            end = memchr(in->text.data + in->at + seen, '\n', left - seen);
        }
        *is_whole = end != NULL;
        if (end != NULL) {
            *line = kee_bytes_of(in->text.data + in->at, (size_t)(end - in->text.data) - in->at);
            in->at += line->size + 1;
            return 0;
        }
        if (in->ended) {
            *line = left == 0 ? kee_bytes_of(NULL, 0) : kee_bytes_of(in->text.data + in->at, left);
            in->at += left;
            return 0;
        }
        if (left > LINE_BYTES_MAX) {
            return malformed(in, "a line of at most a row's size",
                             kee_bytes_of(in->text.data + in->at, left));
        }
        seen = left;
        r = read_more(in);
        if (r < 0) {
            return r;
        }
    }
}

static void add_to_sum(struct in *in, struct kee_bytes line)
{
    (void)crypto_hash_sha256_update(&in->sum, line.data, line.size);
    (void)crypto_hash_sha256_update(&in->sum, (const uint8_t *)"\n", 1);
}

/* Turns the rows of the part being filled into changes; the rows no longer move. */
static void list_changes(struct in *in)
{
    const uint8_t *from = in->rows.data;

    for (size_t i = 0; i < in->count; i++) {
        size_t key = in->sizes[i][0];
        size_t value = in->sizes[i][1];
        in->changes[i] = (struct kee_change){.key = kee_bytes_of(from, key),
                                             .value = kee_bytes_of(from + key, value)};
        from += key + value;
    }
}

static int stage(struct in *in)
{
    int r;

    list_changes(in);
    r = in->store->ops->stage(in->store, in->changes, in->count);
    kee_buf_clear(&in->rows);
    in->count = 0;
    return r;
}

static int take_field(struct in *in, struct kee_bytes text, size_t size_max, size_t *size)
{
    size_t before = in->rows.size;
    size_t at;
    const char *expected = kee_buf_put_unescaped(&in->rows, text, &at);

    if (kee_buf_status(&in->rows) < 0) {
        return KEE_FAULT_MEMORY;
    }
    if (expected != NULL) {
        return malformed(in, expected, kee_bytes_of(text.data + at, text.size - at));
    }
    *size = in->rows.size - before;
    if (*size > size_max) {
        return malformed(in, "a key or value within its limit", text);
    }
    return 0;
}

static int take_row(struct in *in, struct kee_bytes line)
{
    struct kee_bytes value = line;
    struct kee_bytes key = kee_bytes_cut(&value, '\t');
    size_t *sizes = in->sizes[in->count];
    struct kee_bytes plain;
    int r;

    if (value.data == NULL) {
        return malformed(in, "a key, a tab and a value, or the closing line", line);
    }
    r = take_field(in, key, KEE_LIMIT_KEY_BYTES, &sizes[0]);
    if (r == 0) {
        r = take_field(in, value, KEE_LIMIT_VALUE_BYTES, &sizes[1]);
    }
    if (r != 0) {
        return r;
    }
    plain = kee_bytes_of(in->rows.data + in->rows.size - sizes[0] - sizes[1], sizes[0]);
    if (kee_bytes_compare(plain, kee_buf_bytes(&in->last_key)) <= 0) {
        return malformed(in, "a key greater than the one before", key);
    }
    kee_buf_clear(&in->last_key);
    kee_buf_put_bytes(&in->last_key, plain);
    in->count++;
    in->total++;
    add_to_sum(in, line);
    if (kee_buf_status(&in->last_key) < 0) {
        return KEE_FAULT_MEMORY;
    }
    return in->rows.size >= STAGE_BYTES || in->count == STAGE_ROWS ? stage(in) : 0;
}

static int compare_closing(struct in *in, struct kee_bytes line, struct kee_buf *expected)
{
    put_closing(expected, in->total, &in->sum);
    if (kee_buf_cstr(expected) == NULL) {
        return KEE_FAULT_MEMORY;
    }
    if (kee_bytes_equal(line, kee_buf_bytes(expected))) {
        return 0;
    }
    kee_buf_printf(in->why, "line %llu: expected the closing line \"%s\", found \"",
                   (unsigned long long)in->line, kee_buf_cstr(expected));
    kee_buf_put_escaped(in->why, line);
    kee_buf_put_str(in->why, "\": the text was changed or cut");
    return KEE_DUMP_MALFORMED;
}

static int check_closing(struct in *in, struct kee_bytes line)
{
    struct kee_buf expected = KEE_BUF_EMPTY;
    struct kee_bytes rest;
    bool is_whole;
    int r = compare_closing(in, line, &expected);

    kee_buf_fini(&expected);
    if (r == 0) {
        r = take_line(in, &rest, &is_whole);
    }
    if (r == 0 && (rest.size > 0 || is_whole)) {
        r = malformed(in, "nothing after the closing line", rest);
    }
    return r;
}

static int take_all(struct in *in)
{
    struct kee_bytes line;
    bool is_whole;
    int r = take_line(in, &line, &is_whole);

    if (r == 0 && !(is_whole && kee_bytes_equal(line, KEE_BYTES_LIT(HEADER)))) {
        r = malformed(in, "\"" HEADER "\"", line);
    }
    if (r != 0) {
        return r;
    }
    add_to_sum(in, line);
    for (;;) {
        r = take_line(in, &line, &is_whole);
        if (r != 0) {
            return r;
        }
        if (kee_bytes_has_prefix(line, KEE_BYTES_LIT("end ")) &&
            memchr(line.data, '\t', line.size) == NULL) {
            return check_closing(in, line);
        }
        r = is_whole ? take_row(in, line) : malformed(in, "a whole row or the closing line", line);
        if (r != 0) {
            return r;
        }
    }
}

static int check_empty(struct kee_store *store, struct kee_buf *why)
{
    struct kee_buf key = KEE_BUF_EMPTY;
    int r = store->ops->next(store, kee_bytes_of(NULL, 0), &key, NULL);

    if (r == 0) {
        kee_buf_put_str(why, "expected an empty store, found a row with the key \"");
        kee_buf_put_escaped(why, kee_buf_bytes(&key));
        kee_buf_put_char(why, '"');
        r = KEE_DUMP_NOT_EMPTY;
    }
    kee_buf_fini(&key);
    return r == KEE_STORE_ABSENT ? 0 : r;
}

static int take_and_write(struct in *in, kee_store_done_fn *done, void *done_context)
{
    int r = take_all(in);

    if (r == 0) {
        r = stage(in);
    }
    if (r == 0) {
        r = in->store->ops->write(in->store, NULL, 0, done, done_context);
    }
    if (r != 0) {
        in->store->ops->unstage(in->store);
    }
    return r;
}

int kee_dump_read(struct kee_store *store, kee_dump_source_fn *source, void *source_context,
                  struct kee_buf *why, kee_store_done_fn *done, void *done_context)
{
    struct in in = {.source = source, .context = source_context, .why = why, .store = store};
    int r = check_empty(store, why);

    if (r != 0) {
        return r;
    }
    (void)crypto_hash_sha256_init(&in.sum);
    in.sizes = calloc(STAGE_ROWS, sizeof *in.sizes);
    in.changes = calloc(STAGE_ROWS, sizeof *in.changes);
    r = in.sizes == NULL || in.changes == NULL
            ? kee_fault(KEE_FAULT_MEMORY, "part of %d rows", STAGE_ROWS)
            : take_and_write(&in, done, done_context);
    free(in.sizes);
    free(in.changes);
    kee_buf_fini(&in.text);
    kee_buf_fini(&in.rows);
    kee_buf_fini(&in.last_key);
    return r;
}
