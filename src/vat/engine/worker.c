/* SPDX-License-Identifier: Apache-2.0 */
/* worker - see worker.h. */
#include "vat/engine/worker.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/limits.h"
#include "vat/engine/code.h"
#include "vat/engine/engine_internal.h"
#include "vat/engine/timers.h"
#include "vat/liveslots/liveslots.h"

#define READ_BYTES ((size_t)64 * 1024)
/* A larger buffer is given back once it was written. */
#define KEPT_BYTES ((size_t)1024 * 1024)

struct worker {
    int fd;
    struct kee_engine *engine;
    struct kee_ls *liveslots;
    struct kee_ls_host host;

    struct kee_buf in; /* the stream as read; cut at .taken */
    size_t taken;
    struct kee_buf waiting; /* whole frames that came while a ROW was awaited */
    size_t waiting_taken;
    struct kee_buf out;

    /* The crank at hand. */
    const struct kee_vp_start *start; /* or NULL for a delivery */
    uint8_t delivery;
    struct kee_bytes fields;
};

/* Ends the process. exit_group is all the jail has left; buffers of stdio are not ours. */
static _Noreturn void leave(struct worker *worker, int status, const char *why)
{
    if (why != NULL) {
        fprintf(stderr, "keeve-vat: %s\n", why);
    }
    _exit(status);
}

/* The stream. */

static void flush(struct worker *worker)
{
    size_t done = 0;
    if (kee_buf_status(&worker->out) != 0) {
        leave(worker, KEE_WORKER_FAULT, "no memory for an answer");
    }
    while (done < worker->out.size) {
        ssize_t n = write(worker->fd, worker->out.data + done, worker->out.size - done);
        if (n < 0 && errno != EINTR) {
            leave(worker, KEE_WORKER_CLOSED, NULL);
        }
        done += n > 0 ? (size_t)n : 0;
    }
    if (worker->out.room > KEPT_BYTES) {
        kee_buf_fini(&worker->out);
    }
    kee_buf_clear(&worker->out);
}

/* Reads what there is, at least a byte. */
static void fill(struct worker *worker)
{
    ssize_t n;
    kee_buf_consume(&worker->in, worker->taken);
    worker->taken = 0;
    if (kee_buf_reserve(&worker->in, READ_BYTES) != 0) {
        leave(worker, KEE_WORKER_FAULT, "no memory for a frame");
    }
    do {
        n = read(worker->fd, worker->in.data + worker->in.size, worker->in.room - worker->in.size);
    } while (n < 0 && errno == EINTR);
    if (n <= 0) {
        leave(worker, KEE_WORKER_CLOSED, NULL);
    }
    worker->in.size += (size_t)n;
}

struct frame {
    uint8_t type;
    struct kee_bytes fields; /* valid until the next frame is read */
    struct kee_bytes whole;
};

/* Cuts a whole frame off buf after *taken, if there is one. */
static bool cut(struct worker *worker, const struct kee_buf *buf, size_t *taken, struct frame *out)
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

/* The next frame that is not an answer to a question, flushing before it has to wait. */
static void next_frame(struct worker *worker, struct frame *out)
{
    if (cut(worker, &worker->waiting, &worker->waiting_taken, out)) {
        return;
    }
    kee_buf_clear(&worker->waiting);
    worker->waiting_taken = 0;
    while (!cut(worker, &worker->in, &worker->taken, out)) {
        if (worker->liveslots != NULL) {
            kee_ls_caught_up(worker->liveslots);
        }
        flush(worker);
        fill(worker);
    }
}

/* The answer to a question just put into out. Deliveries that come first wait their turn. */
static int await_row(struct worker *worker, struct kee_buf *key, struct kee_buf *value)
{
    struct frame frame;
    struct kee_vp_reader reader;
    struct kee_bytes row_key;
    struct kee_bytes row_value;
    uint8_t found;
    flush(worker);
    for (;;) {
        while (!cut(worker, &worker->in, &worker->taken, &frame)) {
            fill(worker);
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
    struct worker *worker = context;

    if (worker->out.size > 0) {
        flush(worker);
    }
}

static int store_get(void *context, struct kee_bytes key, struct kee_buf *value)
{
    struct worker *worker = context;
    size_t place = kee_vp_frame_open(&worker->out, KEE_VP_GET);
    kee_vp_put_string(&worker->out, key);
    kee_vp_frame_close(&worker->out, place);
    return await_row(worker, NULL, value);
}

static int store_next(void *context, struct kee_bytes prior, struct kee_buf *key,
                      struct kee_buf *value)
{
    struct worker *worker = context;
    size_t place = kee_vp_frame_open(&worker->out, KEE_VP_NEXT);
    kee_vp_put_string(&worker->out, prior);
    kee_vp_frame_close(&worker->out, place);
    return await_row(worker, key, value);
}

static void log_line(void *context, enum kee_vp_log_level level, struct kee_bytes text)
{
    struct worker *worker = context;
    size_t place = kee_vp_frame_open(&worker->out, KEE_VP_LOG);
    kee_buf_put_u8(&worker->out, (uint8_t)level);
    kee_vp_put_string(&worker->out, text);
    kee_vp_frame_close(&worker->out, place);
    flush(worker);
}

/* Cranks. */

static void run(void *context, struct sxMachine *the)
{
    struct worker *worker = context;
    if (worker->start == NULL && worker->delivery == KEE_VP_TIMER) {
        kee_timers_begin(the);
        return;
    }
    if (worker->start == NULL) {
        kee_ls_deliver(worker->liveslots, worker->delivery, worker->fields);
        return;
    }
    kee_ls_prepare(worker->liveslots, worker->start);
    kee_ls_push_inventory(worker->liveslots, worker->start);
    kee_code_load(the, worker->start->code_name, worker->start->code, worker->start->globals);
    kee_ls_start(worker->liveslots, worker->start);
}

static bool settled(void *context)
{
    struct worker *worker = context;
    txMachine *the = kee_engine_machine(worker->engine);
    if (kee_timers_next(the) || kee_ls_quiescent(worker->liveslots)) {
        return true;
    }
    kee_timers_report(the);
    return false;
}

/* Why the crank failed, with the name of the code if it was being started. */
static void put_error(struct worker *worker, const char *error)
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
static size_t put_done(struct worker *worker, uint64_t seq, const char *error, bool whole)
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
static void run_crank(struct worker *worker, uint64_t seq)
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

static void start(struct worker *worker)
{
    const struct kee_engine_host engine_host = {
        .context = worker, .log = log_line, .goes_on = crank_goes_on};
    struct kee_vp_start start;
    struct frame frame;
    next_frame(worker, &frame);
    if (frame.type != KEE_VP_START || !kee_vp_start_take(frame.fields, &start)) {
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
    /* The frame must outlive the crank, which may read rows into the same buffer. */
    struct kee_buf kept = worker->in;
    worker->in = KEE_BUF_EMPTY;
    kee_buf_put(&worker->in, kept.data + worker->taken, kept.size - worker->taken);
    worker->taken = 0;
    worker->start = &start;
    run_crank(worker, 0);
    worker->start = NULL;
    kee_buf_fini(&kept);
}

static void deliver(struct worker *worker, const struct frame *frame, struct kee_buf *copy)
{
    struct kee_vp_reader reader = {.rest = frame->fields};
    uint64_t seq = kee_vp_take_u64(&reader);
    worker->delivery = kee_vp_take_u8(&reader);
    if (reader.failed) {
        leave(worker, KEE_WORKER_FAULT, "the kernel sent a malformed delivery");
    }
    /* The crank may read rows, which moves what was read before. */
    kee_buf_clear(copy);
    kee_buf_put_bytes(copy, reader.rest);
    if (kee_buf_status(copy) != 0) {
        leave(worker, KEE_WORKER_FAULT, "no memory for a delivery");
    }
    worker->fields = kee_buf_bytes(copy);
    run_crank(worker, seq);
}

int kee_worker_run(struct kee_engine *engine, int fd)
{
    struct worker worker = {.fd = fd, .engine = engine};
    struct kee_buf copy = KEE_BUF_EMPTY;
    struct frame frame;
    start(&worker);
    for (;;) {
        next_frame(&worker, &frame);
        if (frame.type != KEE_VP_DELIVER) {
            leave(&worker, KEE_WORKER_FAULT, "expected a DELIVER frame");
        }
        deliver(&worker, &frame, &copy);
    }
}
