/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of a vat, with memory running out at the n-th allocation of its worker, for every n: of the
 * engine, liveslots, its store, the frames. Each ends the worker with a sentence that says memory, or goes
 * on as if nothing had been; what the kernel was told until then is what it is told when nothing fails.
 *
 * The worker runs in this process, as an inline one does, and the kernel is a table of rows. Parsing the
 * vat's code allocates thousands of pieces in one and the same place: of the first crank only each 29th is
 * made to fail, all of them with FULL=1.
 */
#include "cm.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include "alloc_fault.h"
#include "base/fault.h"
#include "vat/engine/image.h"
#include "vat/engine/worker.h"

enum { ROWS_MAX = 512, WENT_ON = -1, NO_ENGINE = -2, STEP_IN_PARSER = 29, PARSER_FROM = 60 };

struct row {
    struct kee_bytes key; /* its bytes are owned */
    struct kee_bytes value;
};

struct rows {
    struct row all[ROWS_MAX];
    size_t count;
};

struct job {
    const char *name;
    const char *code;
    bool raw;
    const char *const *deliveries;
};

/* One life, and what the kernel heard of it. */
struct life {
    struct rows *rows;
    struct kee_buf inbox;
    struct kee_buf told; /* status, syscalls and changes of each crank that was whole */
    struct kee_buf error;
    size_t cranks;
    int status; /* enum kee_worker_exit, WENT_ON or NO_ENGINE */
    jmp_buf over;
};

static struct kee_image *image;

/* ---- Rows ---- */

static struct kee_bytes copy_of(struct kee_bytes bytes)
{
    uint8_t *copy = malloc(bytes.size + 1);

    assert_non_null(copy);
    memcpy(copy, bytes.data, bytes.size);
    copy[bytes.size] = 0;
    return kee_bytes_of(copy, bytes.size);
}

static void free_row(struct rows *rows, size_t at)
{
    free((void *)(uintptr_t)rows->all[at].key.data);
    free((void *)(uintptr_t)rows->all[at].value.data);
    rows->all[at] = rows->all[--rows->count];
}

static void delete_row(struct rows *rows, struct kee_bytes key)
{
    for (size_t i = 0; i < rows->count; i++) {
        if (kee_bytes_equal(rows->all[i].key, key)) {
            free_row(rows, i);
            return;
        }
    }
}

static void set_row(struct rows *rows, struct kee_bytes key, struct kee_bytes value)
{
    delete_row(rows, key);
    assert_true(rows->count < ROWS_MAX);
    rows->all[rows->count++] = (struct row){copy_of(key), copy_of(value)};
}

static void clear_rows(struct rows *rows)
{
    while (rows->count > 0) {
        free_row(rows, rows->count - 1);
    }
}

static void copy_rows(struct rows *to, const struct rows *from)
{
    clear_rows(to);
    for (size_t i = 0; i < from->count; i++) {
        set_row(to, from->all[i].key, from->all[i].value);
    }
}

/* The row of key, or the first one behind it; NULL if there is none. */
static const struct row *find_row(const struct rows *rows, struct kee_bytes key, bool behind)
{
    const struct row *best = NULL;

    for (size_t i = 0; i < rows->count; i++) {
        const struct row *row = &rows->all[i];
        int order = kee_bytes_compare(row->key, key);
        if (!behind && order == 0) {
            return row;
        }
        if (behind && order > 0 && (best == NULL || kee_bytes_compare(row->key, best->key) < 0)) {
            best = row;
        }
    }
    return best;
}

/* ---- The kernel ---- */

static void answer(struct life *life, struct kee_bytes fields, bool behind)
{
    struct kee_vp_reader reader = {.rest = fields};
    const struct row *row = find_row(life->rows, kee_vp_take_string(&reader), behind);
    size_t place = kee_vp_frame_open(&life->inbox, KEE_VP_ROW);

    assert_true(kee_vp_reader_end(&reader));
    kee_buf_put_u8(&life->inbox, row != NULL);
    kee_vp_put_string(&life->inbox, row == NULL ? kee_bytes_str("") : row->key);
    kee_vp_put_string(&life->inbox, row == NULL ? kee_bytes_str("") : row->value);
    kee_vp_frame_close(&life->inbox, place);
    assert_int_equal(kee_buf_status(&life->inbox), 0);
}

/* System calls end where the changes begin, which only reading them shows. */
static void skip_syscall(struct kee_vp_reader *reader)
{
    uint8_t call = kee_vp_take_u8(reader);
    uint32_t count;

    switch (call) {
    case KEE_VP_CALL_SEND:
        (void)kee_vp_take_string(reader);
        (void)kee_vp_take_capdata(reader);
        (void)kee_vp_take_string(reader);
        break;
    case KEE_VP_CALL_SUBSCRIBE:
        (void)kee_vp_take_string(reader);
        break;
    case KEE_VP_CALL_RESOLVE:
        count = kee_vp_take_u32(reader);
        for (uint32_t i = 0; i < count; i++) {
            (void)kee_vp_take_string(reader);
            (void)kee_vp_take_u8(reader);
            (void)kee_vp_take_capdata(reader);
        }
        break;
    case KEE_VP_CALL_EXIT:
        (void)kee_vp_take_u8(reader);
        (void)kee_vp_take_capdata(reader);
        break;
    case KEE_VP_CALL_WAKE:
        (void)kee_vp_take_u64(reader);
        (void)kee_vp_take_u32(reader);
        break;
    default:
        (void)kee_vp_take_strings(reader);
        break;
    }
}

static void take_done(struct life *life, struct kee_bytes fields)
{
    struct kee_vp_reader reader = {.rest = fields};
    uint8_t status;
    uint32_t count;
    struct kee_bytes error;

    (void)kee_vp_take_u64(&reader);
    status = kee_vp_take_u8(&reader);
    error = kee_vp_take_string(&reader);
    (void)kee_vp_take_u64(&reader);
    (void)kee_vp_take_u64(&reader);
    if (status != KEE_VP_OK) {
        kee_buf_put_bytes(&life->error, error);
        return;
    }
    kee_buf_put_bytes(&life->told, reader.rest);
    life->cranks++;
    count = kee_vp_take_u32(&reader);
    for (uint32_t i = 0; i < count; i++) {
        skip_syscall(&reader);
    }
    count = kee_vp_take_u32(&reader);
    for (uint32_t i = 0; i < count; i++) {
        bool set = kee_vp_take_u8(&reader) != 0;
        struct kee_bytes key = kee_vp_take_string(&reader);
        if (set) {
            set_row(life->rows, key, kee_vp_take_string(&reader));
        } else {
            delete_row(life->rows, key);
        }
    }
    assert_true(kee_vp_reader_end(&reader));
}

static void write_frames(void *context, struct kee_bytes frames)
{
    struct life *life = context;
    struct kee_bytes fields;
    uint8_t type;
    size_t size;

    alloc_fault_on(false);
    while (kee_vp_frame_cut(frames, &type, &fields, &size) > 0) {
        frames = kee_bytes_of(frames.data + size, frames.size - size);
        if (type == KEE_VP_DONE) {
            take_done(life, fields);
        } else if (type != KEE_VP_LOG) {
            answer(life, fields, type == KEE_VP_NEXT);
        }
    }
    assert_int_equal(frames.size, 0);
    alloc_fault_on(true);
}

static void read_frames(void *context, struct kee_buf *in)
{
    struct life *life = context;

    assert_true(life->inbox.size > 0); /* else it waits for ever */
    kee_buf_put_bytes(in, kee_buf_bytes(&life->inbox));
    kee_buf_clear(&life->inbox);
}

static _Noreturn void leave(void *context, int status, const char *why)
{
    struct life *life = context;

    alloc_fault_on(false);
    life->status = status;
    kee_buf_put_str(&life->error, why == NULL ? "" : why);
    longjmp(life->over, 1);
}

/* ---- Frames to the worker ---- */

static void put_start(struct kee_buf *out, const struct job *job)
{
    static const uint8_t seed[32] = {7};
    struct kee_vp_start start = {.version = KEE_VP_VERSION,
                                 .vat = 1,
                                 .incarnation = 1,
                                 .raw = job->raw,
                                 .seed = {seed, sizeof seed},
                                 .code_name = KEE_BYTES_LIT("life.js"),
                                 .code = kee_bytes_str(job->code),
                                 .parameters = {.body = KEE_BYTES_LIT("#{\"a\":[1]}")}};

    kee_vp_start_put(out, &start);
}

/* The next word of *rest, up to a blank. */
static struct kee_bytes word(struct kee_bytes *rest)
{
    return kee_bytes_cut(rest, ' ');
}

static void put_list(struct kee_buf *out, struct kee_bytes commas)
{
    size_t place = kee_vp_list_open(out);
    uint32_t count = 0;

    while (commas.size > 0) {
        kee_vp_put_string(out, kee_bytes_cut(&commas, ','));
        count++;
    }
    kee_vp_list_close(out, place, count);
}

/* "m TARGET RESULT SLOTS BODY", "n PROMISE REJECTED SLOTS BODY" with - for nothing; or a number of enum
 * kee_vp_delivery and SLOTS. */
static void put_delivery(struct kee_buf *out, uint64_t seq, const char *text)
{
    struct kee_bytes rest = kee_bytes_str(text);
    struct kee_bytes kind = word(&rest);
    struct kee_bytes first, second, slots;
    size_t place = kee_vp_frame_open(out, KEE_VP_DELIVER);
    bool message = kind.data[0] == 'm';

    kee_buf_put_u64(out, seq);
    if (message || kind.data[0] == 'n') {
        first = word(&rest);
        second = word(&rest);
        slots = word(&rest);
        kee_buf_put_u8(out, message ? KEE_VP_MESSAGE : KEE_VP_NOTIFY);
        if (!message) {
            kee_buf_put_u32(out, 1);
        }
        kee_vp_put_string(out, first);
        if (message) {
            kee_vp_put_string(out, second.data[0] == '-' ? kee_bytes_str("") : second);
        } else {
            kee_buf_put_u8(out, second.data[0] == '1');
        }
        kee_vp_put_string(out, rest);
        put_list(out, slots.data[0] == '-' ? kee_bytes_str("") : slots);
    } else {
        kee_buf_put_u8(out, (uint8_t)(kind.data[0] - '0'));
        if (rest.size > 0) {
            if (kind.data[0] == '0' + KEE_VP_BRING_OUT_YOUR_DEAD) {
                kee_buf_put_u8(out, KEE_VP_REAP_HEAP);
            }
            put_list(out, rest.data[0] == '-' ? kee_bytes_str("") : rest);
        }
    }
    kee_vp_frame_close(out, place);
}

/* ---- Lives ---- */

static void work(struct life *life, struct kee_worker *worker, const struct job *job)
{
    for (size_t i = 0; i == 0 || job->deliveries[i - 1] != NULL; i++) {
        alloc_fault_on(false);
        if (i == 0) {
            put_start(&life->inbox, job);
        } else {
            put_delivery(&life->inbox, i, job->deliveries[i - 1]);
        }
        assert_int_equal(kee_buf_status(&life->inbox), 0);
        alloc_fault_on(true);
        kee_worker_fill(worker);
        kee_worker_work(worker);
    }
}

/* With the nth allocation failing; 0 for none. Says whether it came to that. */
static bool live(struct life *life, const struct job *job, uint64_t nth)
{
    const struct kee_worker_link link = {
        .context = life, .read = read_frames, .write = write_frames, .leave = leave};
    struct kee_worker *volatile worker = NULL;
    struct kee_engine *volatile engine = NULL;
    char why[512] = "";

    alloc_fault_begin(nth);
    life->status = NO_ENGINE;
    if (kee_image_engine((struct kee_engine **)&engine, image, why, sizeof why) == 0 &&
        kee_worker_new((struct kee_worker **)&worker, (struct kee_engine **)&engine, &link) == 0) {
        life->status = WENT_ON;
        if (setjmp(life->over) == 0) {
            work(life, worker, job);
        }
    }
    alloc_fault_on(false);
    if (life->status == NO_ENGINE) {
        kee_buf_put_str(&life->error, why[0] != '\0' ? why : kee_fault_text());
    }
    kee_worker_free(worker);
    kee_engine_free(engine);
    kee_fault_clear();
    return alloc_fault_end();
}

static void end(struct life *life)
{
    kee_buf_fini(&life->inbox);
    kee_buf_fini(&life->told);
    kee_buf_fini(&life->error);
}

/* What it told is what it tells when nothing fails, as far as it came; and it says why it came no further. */
static void check_life(const struct life *life, const struct life *whole, const char *name,
                       uint64_t nth)
{
    struct kee_bytes told = kee_buf_bytes(&life->told);
    struct kee_bytes all = kee_buf_bytes(&whole->told);
    const char *error = kee_buf_cstr((struct kee_buf *)(uintptr_t)&life->error);

    if (told.size > all.size || (told.size > 0 && memcmp(told.data, all.data, told.size) != 0)) {
        fail_msg("%s, allocation %u: crank %zu or one before differs", name, (unsigned)nth,
                 life->cranks);
    }
    if (life->status == WENT_ON ? life->cranks != whole->cranks : strstr(error, "memory") == NULL) {
        fail_msg("%s, allocation %u: status %d after %zu cranks of %zu: %s", name, (unsigned)nth,
                 life->status, life->cranks, whole->cranks, error);
    }
}

static void every_allocation(const struct job *job, struct rows *before, struct rows *after)
{
    struct rows rows = {.count = 0};
    struct life whole = {.rows = after};
    unsigned ends[4] = {0}; /* by status */
    bool fired = true;
    const char *wish = getenv("FULL");
    bool full = wish != NULL && wish[0] == '1';

    copy_rows(after, before);
    (void)live(&whole, job, 0);
    if (whole.status != WENT_ON) {
        fail_msg("%s: %s", job->name, kee_buf_cstr(&whole.error));
    }
    for (uint64_t nth = 1; fired; nth++) {
        struct life life = {.rows = &rows};
        copy_rows(&rows, before);
        fired = live(&life, job, nth);
        check_life(&life, &whole, job->name, nth);
        if (fired) {
            ends[life.status == NO_ENGINE ? 3 : life.status == WENT_ON ? 0 : life.status]++;
            nth += !full && life.cranks == 0 && nth > PARSER_FROM ? STEP_IN_PARSER - 1 : 0;
        }
        end(&life);
    }
    clear_rows(&rows);
    print_message(
        "%s: %zu cranks; %u went on, %u ended at a frame, %u in a crank, %u had no engine\n",
        job->name, whole.cranks, ends[0], ends[1], ends[2], ends[3]);
    assert_true(ends[2] > 0);
    end(&whole);
}

static const char code[] =
    "import { E, Far } from '@endo/far';\n"
    "const { makeKindHandle, defineDurableKind, defineKind, makeScalarBigMapStore,\n"
    "  makeScalarBigSetStore, makeScalarBigWeakMapStore, watchPromise } = VatData;\n"
    "export const buildRootObject = (_powers, parameters, baggage) => {\n"
    "  const provide = (name, make) => {\n"
    "    if (!baggage.has(name)) baggage.init(name, make());\n"
    "    return baggage.get(name);\n"
    "  };\n"
    "  const makeThing = defineDurableKind(provide('thing', () => makeKindHandle('thing')),\n"
    "    n => ({ n, held: undefined }), {\n"
    "      add: ({ state }, n) => { state.n += n; return state.n; },\n"
    "      hold: ({ state }, x) => { state.held = x; },\n"
    "    });\n"
    "  const makeWatcher = defineDurableKind(provide('watcher', () => makeKindHandle('watcher')),\n"
    "    () => ({}), { onFulfilled() {}, onRejected() {} });\n"
    "  const makeCursor = defineKind('cursor', n => ({ n }), { n: ({ state }) => state.n });\n"
    "  const things = provide('things', () => makeScalarBigMapStore('things', { durable: true "
    "}));\n"
    "  const names = provide('names', () => makeScalarBigSetStore('names', { durable: true }));\n"
    "  const watcher = provide('w', () => makeWatcher());\n"
    "  const weak = makeScalarBigWeakMapStore('weak');\n"
    "  const known = new WeakMap();\n"
    "  const kept = [];\n"
    "  return Far('root', {\n"
    "    make: n => { const t = makeThing(n); things.init(`t${n}`, t); names.add(n); return t; },\n"
    "    fill: () => { for (let i = 100; i < 130; i += 1) things.init(`f${i}`, makeThing(i)); },\n"
    "    sum: () => [...things.values()].reduce((sum, t) => sum + t.add(1), 0),\n"
    "    drop: n => { things.delete(`t${n}`); },\n"
    "    cursor: n => makeCursor(n),\n"
    "    keep: x => { kept.push(x); weak.init(x, 'kept'); known.set(x, kept); return weak.has(x); "
    "},\n"
    "    call: x => E(E(x).first('a', [1n, undefined])).second(kept),\n"
    "    watch: p => { watchPromise(E(p).done(), watcher); return p; },\n"
    "    fail: () => { throw RangeError('no'); },\n"
    "    data: () => ({ parameters, list: kept.length, text: 'x'.repeat(3000), big: 7n }),\n"
    "    objects: () => harden(Array.from({ length: 150 }, (_, i) => Far(`o${i}`, {}))),\n"
    "    forget: () => { kept.length = 0; },\n"
    "  });\n"
    "};\n";
static const char *const first_life[] = {
    "m o+0 p-60 - #[\"make\",[1]]",
    "m o+0 p-61 - #[\"make\",[2]]",
    "m o+0 p-62 - #[\"cursor\",[3]]",
    "m o+0 p-63 o-1 #[\"keep\",[\"$0.Alleged: x\"]]",
    "m o+0 p-64 o-1 #[\"call\",[\"$0.Alleged: x\"]]",
    "m o+0 - p-70 #[\"watch\",[\"&0\"]]",
    "n p-70 0 o-2 #\"$0.Alleged: y\"",
    "m o+0 p-65 - #[\"fail\",[]]",
    "m o+0 p-66 - #[\"data\",[]]",
    "m o+0 p-67 - #[\"fill\",[]]",
    "m o+0 p-68 - #[\"sum\",[]]",
    "m o+0 p-69 - #[\"objects\",[]]",
    "m o+0 - - #[\"drop\",[1]]",
    "m o+0 - - #[\"forget\",[]]",
    "6",
    "6 -",
    "5 o-1",
    NULL,
};
static const char *const second_life[] = {
    "m o+0 p-80 - #[\"sum\",[]]",
    "m o+0 p-81 - #[\"drop\",[2]]",
    "m o+0 p-82 - #[\"make\",[5]]",
    "6",
    NULL,
};
static const char raw_code[] =
    "export default function deliver(syscall, facet, method, args, slots) {\n"
    "  const result = syscall.takeResult();\n"
    "  syscall.vatstoreSet('count', String(1 + Number(syscall.vatstoreGet('count') || 0)));\n"
    "  if (slots.length) syscall.send(slots[0], 'hi', args, [4], 'p+1');\n"
    "  if (method === 'delete') syscall.vatstoreDelete(syscall.vatstoreGetNextKey(''));\n"
    "  if (result) syscall.resolve(result, false, JSON.stringify('done'.repeat(1000)));\n"
    "}\n";
static const char *const raw_life[] = {
    "m o+0 p-60 - #[\"go\",[1]]",
    "m o+0 p-61 o-1 #[\"go\",[\"$0.Alleged: x\"]]",
    "m o+4 p-62 - #[\"delete\",[]]",
    NULL,
};

static void whichever_allocation_fails(void **state)
{
    const struct job first = {"first life", code, false, first_life};
    const struct job second = {"second life", code, false, second_life};
    const struct job raw = {"raw", raw_code, true, raw_life};
    struct rows none = {.count = 0}, rows = {.count = 0}, later = {.count = 0};

    every_allocation(&first, &none, &rows);
    every_allocation(&second, &rows, &later);
    clear_rows(&rows);
    clear_rows(&later);
    every_allocation(&raw, &none, &rows);
    clear_rows(&rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(whichever_allocation_fails)};
    char why[512] = "";
    int failed;

    kee_engine_process_init();
    if (kee_image_open(&image, IMAGE, why, sizeof why) != 0) {
        fprintf(stderr, "%s\n", why);
        return 1;
    }
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    kee_image_close(image);
    return failed;
}
