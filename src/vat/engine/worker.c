/* SPDX-License-Identifier: Apache-2.0 */
/* worker - see worker.h. */
#include "vat/engine/worker.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/fault.h"
#include "base/limits.h"
#include "vat/engine/code.h"
#include "vat/engine/engine_internal.h"
#include "vat/engine/timers.h"
#include "vat/liveslots/liveslots.h"
#include "vat/raw/raw.h"

/* A larger buffer is given back once it was written. */
#define KEPT_BYTES ((size_t)1024 * 1024)

struct kee_worker {
    struct kee_worker_link link;
    struct kee_engine *engine;
    struct kee_ls *liveslots;
    struct kee_ls_host host;
    bool started;
    bool raw; /* the vat has no liveslots */

    struct kee_buf in; /* the stream as read; cut at .taken */
    size_t taken;
    struct kee_buf waiting; /* whole frames that came while a ROW was awaited */
    size_t waiting_taken;
    struct kee_buf out;
    struct kee_buf copy; /* the delivery at hand */
    struct kee_buf kept; /* the START at hand */

    /* The crank at hand. */
    const struct kee_vp_start *start; /* or NULL for a delivery */
    uint8_t delivery;
    struct kee_bytes fields;
};

static _Noreturn void leave(struct kee_worker *worker, int status, const char *why)
{
    worker->link.leave(worker->link.context, status, why);
}

/* The stream. */

static void flush(struct kee_worker *worker)
{
    if (kee_buf_status(&worker->out) != 0) {
        leave(worker, KEE_WORKER_FAULT, "no memory for an answer");
    }
    if (worker->out.size > 0) {
        worker->link.write(worker->link.context, kee_buf_bytes(&worker->out));
    }
    if (worker->out.room > KEPT_BYTES) {
        kee_buf_fini(&worker->out);
    }
    kee_buf_clear(&worker->out);
}

void kee_worker_fill(struct kee_worker *worker)
{
    kee_buf_consume(&worker->in, worker->taken);
    worker->taken = 0;
    worker->link.read(worker->link.context, &worker->in);
    if (kee_buf_status(&worker->in) != 0) {
        leave(worker, KEE_WORKER_FAULT, "no memory for a frame");
    }
}

struct frame {
    uint8_t type;
    struct kee_bytes fields; /* valid until the next frame is read */
    struct kee_bytes whole;
};

/* Cuts a whole frame off buf after *taken, if there is one. */
static bool cut(struct kee_worker *worker, const struct kee_buf *buf, size_t *taken,
                struct frame *out)
{
    struct kee_bytes rest;
    size_t size = 0;
    int r;
    if (buf->size == *taken) {
        return false;
    }
    rest = kee_bytes_of(buf->data + *taken, buf->size - *taken);
    r = kee_vp_frame_cut(rest, &out->type, &out->fields, &size);
    if (r < 0) {
        leave(worker, KEE_WORKER_FAULT, "the kernel sent a malformed frame");
    }
    if (r == 0) {
        return false;
    }
    out->whole = kee_bytes_of(rest.data, size);
    *taken += size;
    return true;
}

/* The next frame that is not an answer to a question, if there is a whole one. */
static bool next_frame(struct kee_worker *worker, struct frame *out)
{
    if (cut(worker, &worker->waiting, &worker->waiting_taken, out)) {
        return true;
    }
    kee_buf_clear(&worker->waiting);
    worker->waiting_taken = 0;
    return cut(worker, &worker->in, &worker->taken, out);
}

/* The answer to a question just put into out. Deliveries that come first wait their turn. */
static int await_row(struct kee_worker *worker, struct kee_buf *key, struct kee_buf *value)
{
    struct frame frame;
    struct kee_vp_reader reader;
    struct kee_bytes row_key;
    struct kee_bytes row_value;
    uint8_t found;
    flush(worker);
    for (;;) {
        while (!cut(worker, &worker->in, &worker->taken, &frame)) {
            kee_worker_fill(worker);
        }
        if (frame.type == KEE_VP_ROW) {
            break;
        }
        kee_buf_put_bytes(&worker->waiting, frame.whole);
        if (kee_buf_status(&worker->waiting) != 0) {
            leave(worker, KEE_WORKER_FAULT, "no memory for a frame");
        }
    }
    reader = (struct kee_vp_reader){.rest = frame.fields};
    found = kee_vp_take_u8(&reader);
    row_key = kee_vp_take_string(&reader);
    row_value = kee_vp_take_string(&reader);
    if (!kee_vp_reader_end(&reader)) {
        leave(worker, KEE_WORKER_FAULT, "the kernel sent a malformed row");
    }
    if (found == 0) {
        return 0;
    }
    if (key != NULL) {
        kee_buf_put_bytes(key, row_key);
    }
    kee_buf_put_bytes(value, row_value);
    return 1;
}

/* What liveslots and the engine ask for. */

/* A crank that takes its time does not hold back the ends of those before it. */
static void crank_goes_on(void *context)
{
    struct kee_worker *worker = context;

    if (worker->out.size > 0) {
        flush(worker);
    }
}

static int store_get(void *context, struct kee_bytes key, struct kee_buf *value)
{
    struct kee_worker *worker = context;
    size_t place = kee_vp_frame_open(&worker->out, KEE_VP_GET);
    kee_vp_put_string(&worker->out, key);
    kee_vp_frame_close(&worker->out, place);
    return await_row(worker, NULL, value);
}

static int store_next(void *context, struct kee_bytes prior, struct kee_buf *key,
                      struct kee_buf *value)
{
    struct kee_worker *worker = context;
    size_t place = kee_vp_frame_open(&worker->out, KEE_VP_NEXT);
    kee_vp_put_string(&worker->out, prior);
    kee_vp_frame_close(&worker->out, place);
    return await_row(worker, key, value);
}

static void log_line(void *context, enum kee_vp_log_level level, struct kee_bytes text)
{
    struct kee_worker *worker = context;
    size_t place = kee_vp_frame_open(&worker->out, KEE_VP_LOG);
    kee_buf_put_u8(&worker->out, (uint8_t)level);
    kee_vp_put_string(&worker->out, text);
    kee_vp_frame_close(&worker->out, place);
    flush(worker);
}

/* Cranks. */

static void run(void *context, struct sxMachine *the)
{
    struct kee_worker *worker = context;
    const struct kee_vp_start *start = worker->start;
    struct kee_ls *ls = worker->liveslots;
    if (start == NULL && worker->delivery == KEE_VP_TIMER) {
        kee_timers_begin(the);
        return;
    }
    if (start == NULL) {
        (worker->raw ? kee_raw_deliver : kee_ls_deliver)(ls, worker->delivery, worker->fields);
        return;
    }
    if (worker->raw) {
        kee_raw_prepare(ls, start);
    } else {
        kee_ls_prepare(ls, start);
        kee_ls_push_inventory(ls, start);
    }
    kee_code_load(the, start->code_name, start->code, start->globals, worker->raw);
    (worker->raw ? kee_raw_start : kee_ls_start)(ls, start);
}

static bool settled(void *context)
{
    struct kee_worker *worker = context;
    txMachine *the = kee_engine_machine(worker->engine);
    if (kee_timers_next(the) ||
        (worker->raw ? kee_raw_quiescent : kee_ls_quiescent)(worker->liveslots)) {
        return true;
    }
    kee_timers_report(the);
    return false;
}

/* Why the crank failed, with the name of the code if it was being started. */
static void put_error(struct kee_worker *worker, const char *error)
{
    struct kee_buf text = KEE_BUF_EMPTY;
    if (worker->start != NULL && error[0] != '\0') {
        kee_buf_put_bytes(&text, worker->start->code_name);
        kee_buf_put_str(&text, ": ");
    }
    kee_engine_put_text(&text, error);
    if (kee_buf_status(&text) != 0) {
        leave(worker, KEE_WORKER_FAULT, "no memory for an error");
    }
    kee_vp_put_string(&worker->out, kee_buf_bytes(&text));
    kee_buf_fini(&text);
}

/* Appends the DONE of a crank: with its effects if it is whole. Gives the size of the frame. */
static size_t put_done(struct kee_worker *worker, uint64_t seq, const char *error, bool whole)
{
    struct kee_engine *engine = worker->engine;
    struct kee_buf *out = &worker->out;
    size_t place = kee_vp_frame_open(out, KEE_VP_DONE);
    kee_buf_put_u64(out, seq);
    kee_buf_put_u8(out, error == NULL ? KEE_VP_OK : KEE_VP_FAILED);
    put_error(worker, error == NULL ? "" : error);
    kee_buf_put_u64(out, kee_engine_steps(engine));
    kee_buf_put_u64(out, kee_engine_heap_live(engine));
    if (whole) {
        kee_ls_done(worker->liveslots, out);
    } else { /* half done: nothing of it is to be trusted */
        kee_buf_put_u32(out, 0);
        kee_buf_put_u32(out, 0);
    }
    kee_vp_frame_close(out, place);
    return out->size - place;
}

/* Runs the crank described in worker and appends its DONE. Leaves after one that failed. */
static void run_crank(struct kee_worker *worker, uint64_t seq)
{
    const struct kee_engine_crank crank = {.context = worker, .run = run, .settled = settled};
    const char *error;
    size_t size;
    int outcome;

    kee_ls_begin(worker->liveslots);
    outcome = kee_engine_crank(worker->engine, &crank);
    error = outcome == 0 ? kee_ls_error(worker->liveslots) : kee_engine_failure(worker->engine);
    size = put_done(worker, seq, error, outcome == 0);
    if (size > KEE_LIMIT_FRAME_BYTES) {
        char text[96];
        snprintf(text, sizeof text, "the crank sent and stored %zu MB (limit %u MB)", size >> 20,
                 KEE_LIMIT_FRAME_BYTES >> 20);
        worker->out.size -= size;
        error = text;
        put_done(worker, seq, error, false);
    }
    if (error != NULL) {
        flush(worker);
        leave(worker, KEE_WORKER_FAILED, NULL);
    }
}

static void start(struct kee_worker *worker, const struct frame *frame)
{
    const struct kee_engine_host engine_host = {
        .context = worker, .log = log_line, .goes_on = crank_goes_on};
    struct kee_vp_start start;
    if (frame->type != KEE_VP_START || !kee_vp_start_take(frame->fields, &start)) {
        leave(worker, KEE_WORKER_FAULT, "the first frame is not a START");
    }
    if (start.version != KEE_VP_VERSION) {
        leave(worker, KEE_WORKER_FAULT, "the kernel speaks another version of the frames");
    }
    kee_engine_set_host(worker->engine, &engine_host);
    kee_engine_set_limits(worker->engine, start.steps_per_crank_max, start.heap_bytes_max);
    kee_engine_set_seed(worker->engine, start.seed);
    worker->host = (struct kee_ls_host){
        .context = worker, .store_get = store_get, .store_next = store_next, .log = log_line};
    if (kee_ls_new(&worker->liveslots, kee_engine_machine(worker->engine), &worker->host) != 0) {
        leave(worker, KEE_WORKER_FAULT, kee_fault_text());
    }
    worker->raw = start.raw;
    if (start.raw && kee_raw_new(worker->liveslots) != 0) {
        leave(worker, KEE_WORKER_FAULT, kee_fault_text());
    }
    /* The frame must outlive the crank, which may read rows into the same buffer. */
    worker->kept = worker->in;
    worker->in = KEE_BUF_EMPTY;
    kee_buf_put(&worker->in, worker->kept.data + worker->taken, worker->kept.size - worker->taken);
    worker->taken = 0;
    worker->start = &start;
    run_crank(worker, 0);
    worker->start = NULL;
    worker->started = true;
    kee_buf_fini(&worker->kept);
}

static void deliver(struct kee_worker *worker, const struct frame *frame)
{
    struct kee_vp_reader reader = {.rest = frame->fields};
    uint64_t seq = kee_vp_take_u64(&reader);
    worker->delivery = kee_vp_take_u8(&reader);
    if (frame->type != KEE_VP_DELIVER) {
        leave(worker, KEE_WORKER_FAULT, "expected a DELIVER frame");
    }
    if (reader.failed) {
        leave(worker, KEE_WORKER_FAULT, "the kernel sent a malformed delivery");
    }
    /* The crank may read rows, which moves what was read before. */
    kee_buf_clear(&worker->copy);
    kee_buf_put_bytes(&worker->copy, reader.rest);
    if (kee_buf_status(&worker->copy) != 0) {
        leave(worker, KEE_WORKER_FAULT, "no memory for a delivery");
    }
    worker->fields = kee_buf_bytes(&worker->copy);
    run_crank(worker, seq);
}

void kee_worker_work(struct kee_worker *worker)
{
    struct frame frame;
    while (next_frame(worker, &frame)) {
        if (worker->started) {
            deliver(worker, &frame);
        } else {
            start(worker, &frame);
        }
    }
    if (worker->liveslots != NULL) {
        kee_ls_caught_up(worker->liveslots);
    }
    flush(worker);
}

int kee_worker_new(struct kee_worker **out, struct kee_engine **engine,
                   const struct kee_worker_link *link)
{
    struct kee_worker *worker = calloc(1, sizeof *worker);
    if (worker == NULL) {
        return kee_fault(KEE_FAULT_MEMORY, "a worker");
    }
    worker->link = *link;
    worker->engine = *engine;
    *engine = NULL;
    *out = worker;
    return 0;
}

void kee_worker_take(struct kee_worker *worker, struct kee_bytes frames)
{
    kee_buf_consume(&worker->in, worker->taken);
    worker->taken = 0;
    kee_buf_put_bytes(&worker->in, frames);
}

void kee_worker_free(struct kee_worker *worker)
{
    if (worker == NULL) {
        return;
    }
    if (worker->liveslots != NULL) {
        kee_raw_free(worker->liveslots);
    }
    kee_ls_free(worker->liveslots);
    kee_engine_free(worker->engine);
    kee_buf_fini(&worker->in);
    kee_buf_fini(&worker->waiting);
    kee_buf_fini(&worker->out);
    kee_buf_fini(&worker->copy);
    kee_buf_fini(&worker->kept);
    free(worker);
}
