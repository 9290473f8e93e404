/* SPDX-License-Identifier: Apache-2.0 */
/* native - vats in C and their cranks; see native.h. */
#include "lib/native.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/fault.h"
#include "lib/native_internal.h"
#include "lib/tree.h"
#include "value/body.h"

/* Cranks in one round: the loop they run in has other things to do. */
#define CRANKS_PER_ROUND 64

struct program {
    struct kee_link link;
    const struct keeve_native *native;
};

/* ---- cranks ---- */

static void begin_crank(struct keeve_vat *vat)
{
    vat->in_crank = true;
    vat->failed = false;
    vat->why[0] = 0;
    vat->call_count = 0;
    kee_buf_clear(&vat->calls);
    vat->natives->running = vat;
}

static void end_crank(struct keeve_vat *vat)
{
    vat->natives->running = NULL;
    vat->in_crank = false;
    kee_omap_fini(&vat->rows);
    vat->rows = KEE_OMAP_EMPTY;
    kee_arena_fini(&vat->arena);
    vat->arena = KEE_ARENA_EMPTY;
}

enum keeve_result kee_native_fail(struct keeve_vat *vat, enum keeve_result result,
                                  const char *format, ...)
{
    va_list args;

    if (!vat->failed) {
        vat->failed = true;
        va_start(args, format);
        (void)vsnprintf(vat->why, sizeof vat->why, format, args);
        va_end(args);
    }
    return result;
}

enum keeve_result kee_native_tell(struct keeve_vat *vat, enum kee_vp_type type,
                                  struct kee_bytes fields)
{
    const struct kee_carrier_events *events = vat->natives->events;

    if (vat->dead || vat->natives->broken) {
        return KEEVE_FAULT;
    }
    if (events->frame(events->context, vat->id, vat->incarnation, (uint8_t)type, fields) < 0) {
        vat->natives->broken = true;
    }
    return vat->dead || vat->natives->broken ? KEEVE_FAULT : KEEVE_OK;
}

static void put_rows(struct keeve_vat *vat, struct kee_buf *fields)
{
    kee_buf_put_u32(fields, (uint32_t)vat->rows.count);
    for (struct kee_omap_item *item = kee_omap_first(&vat->rows); item != NULL;
         item = kee_omap_next(&vat->rows, item->key)) {
        const struct kee_native_row *row = KEE_CONTAINER(item, struct kee_native_row, item);
        kee_buf_put_u8(fields, row->deletes ? 0 : 1);
        kee_vp_put_string(fields, item->key);
        if (!row->deletes) {
            kee_vp_put_string(fields, row->value);
        }
    }
}

/* All of the crank in one frame, or why there is nothing of it. */
static void finish_crank(struct keeve_vat *vat, uint64_t seq)
{
    struct kee_buf fields = KEE_BUF_EMPTY;

    if (vat->calls.failed) {
        (void)kee_native_fail(vat, KEEVE_MEMORY, "out of memory");
    }
    kee_buf_put_u64(&fields, seq);
    kee_buf_put_u8(&fields, vat->failed ? KEE_VP_FAILED : KEE_VP_OK);
    kee_vp_put_string(&fields, kee_bytes_str(vat->why));
    kee_buf_put_u64(&fields, 0); /* no meter */
    kee_buf_put_u64(&fields, 0); /* no heap of its own */
    kee_buf_put_u32(&fields, vat->failed ? 0 : vat->call_count);
    if (!vat->failed) {
        kee_buf_put_bytes(&fields, kee_buf_bytes(&vat->calls));
        put_rows(vat, &fields);
    } else {
        kee_buf_put_u32(&fields, 0);
    }
    end_crank(vat);
    if (fields.failed) {
        /* The kernel hears something it cannot take for a crank, and restarts the vat. */
        kee_buf_clear(&fields);
    }
    (void)kee_native_tell(vat, KEE_VP_DONE, kee_buf_bytes(&fields));
    kee_buf_fini(&fields);
}

/* What a function gave is the word on its crank. */
static void judge(struct keeve_vat *vat, int r)
{
    if (r != 0) {
        (void)kee_native_fail(vat, KEEVE_BAD, "the vat's function gave %d", r);
    }
}

/* Reads a body. NULL: it cannot be, and why says so. */
static const struct kee_value *read_body(struct keeve_vat *vat, struct kee_vp_capdata data,
                                         struct kee_buf *why)
{
    struct kee_bytes *slots =
        kee_arena_alloc(&vat->arena, (size_t)data.slots.count * sizeof *slots);
    struct kee_body body = {.text = data.body, .slots = slots, .slot_count = data.slots.count};
    struct kee_value *value = NULL;
    int r = slots == NULL ? KEE_FAULT_MEMORY : 0;

    for (size_t i = 0; r == 0 && i < body.slot_count; i++) {
        (void)kee_vp_strings_next(&data.slots, &slots[i]);
    }
    r = r != 0 ? r : kee_body_decode(body, &vat->arena, &value, why);
    if (r < 0) {
        kee_fault_clear();
        (void)kee_native_fail(vat, KEEVE_MEMORY, "out of memory");
    }
    return r == 0 ? value : NULL;
}

/* ---- deliveries ---- */

/* The text with a NUL after it; "" when memory is out, and then the crank fails. */
static const char *keep_text(struct keeve_vat *vat, struct kee_bytes text)
{
    struct kee_bytes copy = kee_arena_copy(&vat->arena, text);

    if (copy.data == NULL) {
        (void)kee_native_fail(vat, KEEVE_MEMORY, "out of memory");
        return "";
    }
    return (const char *)copy.data;
}

/* Splits [method, args]; false if it is something else. */
static bool split_methargs(const struct kee_value *value, struct keeve_message *message)
{
    const struct kee_value *method;

    if (value->kind != KEE_VALUE_ARRAY || value->as.array.count != 2 ||
        value->as.array.items[1]->kind != KEE_VALUE_ARRAY) {
        return false;
    }
    method = value->as.array.items[0];
    if (method->kind == KEE_VALUE_STRING || method->kind == KEE_VALUE_SYMBOL) {
        message->method = (const char *)method->as.text.data;
    } else if (method->kind != KEE_VALUE_UNDEFINED) {
        return false;
    }
    message->args = kee_tree_show(value->as.array.items[1]);
    return true;
}

static void deliver_message(struct keeve_vat *vat, struct kee_vp_reader *reader)
{
    struct keeve_message message = {0};
    struct kee_buf why = KEE_BUF_EMPTY;
    struct kee_bytes result;
    const struct kee_value *value;

    message.target = keep_text(vat, kee_vp_take_string(reader));
    result = kee_vp_take_string(reader);
    message.result = result.size == 0 ? NULL : keep_text(vat, result);
    value = read_body(vat, kee_vp_take_capdata(reader), &why);
    if (vat->failed) {
        kee_buf_fini(&why);
        return;
    }
    if (value == NULL || !split_methargs(value, &message)) {
        /* The sender's mistake: it hears of it, and the vat does not. */
        (void)keeve_vat_refuse(vat, &message, "TypeError",
                               why.size > 0 && !why.failed ? kee_buf_cstr(&why)
                                                           : "expected [method, args]");
    } else if (vat->program->message != NULL) {
        judge(vat, vat->program->message(vat->state, vat, &message));
    } else {
        (void)keeve_vat_refuse(vat, &message, "TypeError", "this vat takes no messages");
    }
    kee_buf_fini(&why);
}

static void deliver_notify(struct keeve_vat *vat, struct kee_vp_reader *reader)
{
    uint32_t count = kee_vp_take_u32(reader);

    for (uint32_t i = 0; i < count && !vat->failed && !reader->failed; i++) {
        const char *promise = keep_text(vat, kee_vp_take_string(reader));
        bool rejected = kee_vp_take_u8(reader) != 0;
        struct kee_buf why = KEE_BUF_EMPTY;
        const struct kee_value *value = read_body(vat, kee_vp_take_capdata(reader), &why);
        struct kee_value unreadable = {.kind = KEE_VALUE_ERROR};
        if (value == NULL) {
            unreadable.as.error.name = KEE_BYTES_LIT("TypeError");
            unreadable.as.error.message = kee_bytes_str(why.failed ? "" : kee_buf_cstr(&why));
            value = &unreadable;
            rejected = true;
        }
        if (!vat->failed && vat->program->notify != NULL) {
            judge(vat,
                  vat->program->notify(vat->state, vat, promise, rejected, kee_tree_show(value)));
        }
        kee_buf_fini(&why);
    }
}

static void deliver_names(struct keeve_vat *vat, struct kee_vp_reader *reader,
                          int (*fn)(void *state, struct keeve_vat *vat, const char *name))
{
    struct kee_vp_strings names = kee_vp_take_strings(reader);
    struct kee_bytes name;

    while (fn != NULL && !vat->failed && kee_vp_strings_next(&names, &name)) {
        judge(vat, fn(vat->state, vat, keep_text(vat, name)));
    }
}

static void deliver(struct keeve_vat *vat, struct kee_bytes fields)
{
    struct kee_vp_reader reader = {.rest = fields};
    uint64_t seq = kee_vp_take_u64(&reader);
    const struct keeve_native *program = vat->program;

    begin_crank(vat);
    switch (kee_vp_take_u8(&reader)) {
    case KEE_VP_MESSAGE:
        deliver_message(vat, &reader);
        break;
    case KEE_VP_NOTIFY:
        deliver_notify(vat, &reader);
        break;
    case KEE_VP_DROP_EXPORTS:
        deliver_names(vat, &reader, program->dropped);
        break;
    case KEE_VP_RETIRE_EXPORTS:
        deliver_names(vat, &reader, program->retired);
        break;
    case KEE_VP_RETIRE_IMPORTS:
        deliver_names(vat, &reader, program->import_gone);
        break;
    case KEE_VP_BRING_OUT_YOUR_DEAD:
        if (program->collect != NULL) {
            judge(vat, program->collect(vat->state, vat));
        }
        break;
    default:
        reader.failed = true;
        break;
    }
    kee_assert(!reader.failed); /* the kernel wrote it */
    finish_crank(vat, seq);
}

static const struct keeve_native *find_program(struct kee_natives *natives, struct kee_bytes name)
{
    for (struct kee_link *link = natives->programs.next; link != &natives->programs;
         link = link->next) {
        const struct program *program = KEE_CONTAINER(link, struct program, link);
        if (kee_bytes_equal(kee_bytes_str(program->native->name), name)) {
            return program->native;
        }
    }
    return NULL;
}

static void start_vat(struct keeve_vat *vat, struct kee_bytes fields)
{
    struct kee_buf why = KEE_BUF_EMPTY;
    const struct keeve_native *program;
    const struct kee_value *parameters;
    struct kee_vp_start start;
    bool good = kee_vp_start_take(fields, &start);

    kee_assert(good); /* the kernel wrote it */
    program = find_program(vat->natives, start.code_name);
    begin_crank(vat);
    parameters = read_body(vat, start.parameters, &why);
    if (program == NULL) {
        (void)kee_native_fail(vat, KEEVE_NO_SUCH,
                              "no program for native vats is registered as \"%.*s\"",
                              (int)(start.code_name.size < 80 ? start.code_name.size : 80),
                              (const char *)start.code_name.data);
    } else if (parameters == NULL) {
        (void)kee_native_fail(vat, KEEVE_BAD, "parameters: %s",
                              why.failed ? "unreadable" : kee_buf_cstr(&why));
    } else if (!vat->failed) {
        judge(vat, program->start(program->context, vat, kee_tree_show(parameters), &vat->state));
        vat->program = vat->failed ? NULL : program;
    }
    kee_buf_fini(&why);
    finish_crank(vat, 0);
}

/* ---- the carrier ---- */

static void free_vat(struct keeve_vat *vat)
{
    if (vat->program != NULL && vat->program->stop != NULL) {
        vat->program->stop(vat->state);
    }
    kee_list_remove(&vat->link);
    kee_buf_fini(&vat->in);
    kee_buf_fini(&vat->calls);
    kee_omap_fini(&vat->rows);
    kee_arena_fini(&vat->arena);
    free(vat);
}

/* Freed at once, unless one of its frames is being worked on: then by whoever does. */
static void end_vat(struct keeve_vat *vat, bool is_working)
{
    (void)kee_map_remove(&vat->natives->by_vat, vat->id.n);
    vat->dead = true;
    if (!is_working) {
        free_vat(vat);
    }
}

static void carrier_kill(void *context, struct kee_vat_id id)
{
    struct kee_natives *natives = context;
    struct keeve_vat *vat = kee_map_get(&natives->by_vat, id.n);

    if (vat != NULL) {
        end_vat(vat, kee_list_is_empty(&vat->link));
    }
}

static void carrier_kill_all(void *context)
{
    struct kee_natives *natives = context;
    struct keeve_vat *vat;
    size_t at = 0;

    while ((vat = kee_map_next(&natives->by_vat, &at)) != NULL) {
        carrier_kill(natives, vat->id);
        at = 0; /* removing moves cells */
    }
}

/* Without memory for the vat, its deadline speaks for it. */
static void carrier_start(void *context, struct kee_vat_id id, uint64_t incarnation)
{
    struct kee_natives *natives = context;
    struct keeve_vat *vat = calloc(1, sizeof *vat);

    carrier_kill(natives, id);
    if (vat == NULL || kee_map_put(&natives->by_vat, id.n, vat) < 0) {
        free(vat);
        kee_fault_clear();
        return;
    }
    vat->natives = natives;
    vat->id = id;
    vat->incarnation = incarnation;
    (void)snprintf(vat->name, sizeof vat->name, "v%llu", (unsigned long long)id.n);
    kee_list_append(&natives->vats, &vat->link);
}

static void take_row(struct keeve_vat *vat, struct kee_bytes fields)
{
    struct kee_vp_reader reader = {.rest = fields};

    vat->row_came = true;
    vat->row_found = kee_vp_take_u8(&reader) != 0;
    vat->row_key = kee_arena_copy(&vat->arena, kee_vp_take_string(&reader));
    vat->row_value = kee_arena_copy(&vat->arena, kee_vp_take_string(&reader));
}

static void carrier_send(void *context, struct kee_vat_id id, struct kee_bytes frames)
{
    struct kee_natives *natives = context;
    struct keeve_vat *vat = kee_map_get(&natives->by_vat, id.n);
    struct kee_bytes fields;
    uint8_t type;
    size_t size;

    while (vat != NULL && kee_vp_frame_cut(frames, &type, &fields, &size) == 1) {
        if (type == KEE_VP_ROW) {
            take_row(vat, fields);
        } else {
            kee_buf_put(&vat->in, frames.data, size);
        }
        frames = kee_bytes_of(frames.data + size, frames.size - size);
    }
}

/* One frame. The vat is out of the list meanwhile, and back at its end afterwards. */
static void work(struct keeve_vat *vat)
{
    struct kee_natives *natives = vat->natives;
    struct kee_bytes fields;
    uint8_t type;
    size_t size;
    int cut;

    kee_list_remove(&vat->link);
    if (vat->in.failed) {
        (void)kee_map_remove(&natives->by_vat, vat->id.n);
        vat->dead = true;
        natives->events->gone(natives->events->context, vat->id, vat->incarnation, "out of memory");
    } else {
        /* What is sent meanwhile may move the buffer: the frame is worked on in a copy. */
        struct kee_buf frame = KEE_BUF_EMPTY;
        cut = kee_vp_frame_cut(kee_buf_bytes(&vat->in), &type, &fields, &size);
        kee_assert(cut == 1);
        kee_buf_put(&frame, vat->in.data, size);
        kee_buf_consume(&vat->in, size);
        if (frame.failed) {
            vat->in.failed = true; /* the next round says so */
        } else if (type == KEE_VP_START) {
            start_vat(vat, kee_bytes_of(frame.data + 5, size - 5));
        } else {
            deliver(vat, kee_bytes_of(frame.data + 5, size - 5));
        }
        kee_buf_fini(&frame);
    }
    if (vat->dead) {
        free_vat(vat);
    } else {
        kee_list_append(&natives->vats, &vat->link);
    }
}

static struct keeve_vat *next_to_work(struct kee_natives *natives)
{
    for (struct kee_link *link = natives->vats.next; link != &natives->vats; link = link->next) {
        struct keeve_vat *vat = KEE_CONTAINER(link, struct keeve_vat, link);
        if (vat->in.size > 0 || vat->in.failed) {
            return vat;
        }
    }
    return NULL;
}

static bool carrier_round(void *context, const struct kee_carrier_events *events)
{
    struct kee_natives *natives = context;
    struct keeve_vat *vat;

    natives->events = events;
    for (int i = 0;
         i < CRANKS_PER_ROUND && !natives->broken && (vat = next_to_work(natives)) != NULL; i++) {
        work(vat);
    }
    natives->events = NULL;
    return !natives->broken && next_to_work(natives) != NULL;
}

static void carrier_free(void *context)
{
    struct kee_natives *natives = context;

    carrier_kill_all(natives);
    while (!kee_list_is_empty(&natives->programs)) {
        struct program *program = KEE_CONTAINER(natives->programs.next, struct program, link);
        kee_list_remove(&program->link);
        free(program);
    }
    kee_map_fini(&natives->by_vat);
    free(natives);
}

void kee_natives_carrier(struct kee_natives *natives, struct kee_carrier *out)
{
    *out = (struct kee_carrier){
        .context = natives,
        .start = carrier_start,
        .send = carrier_send,
        .kill = carrier_kill,
        .kill_all = carrier_kill_all,
        .round = carrier_round,
        .free = carrier_free,
    };
}

int kee_natives_new(struct kee_natives **out)
{
    struct kee_natives *natives = calloc(1, sizeof *natives);

    if (natives == NULL) {
        return kee_fault(KEE_FAULT_MEMORY, "native vats");
    }
    kee_list_init(&natives->programs);
    kee_list_init(&natives->vats);
    *out = natives;
    return 0;
}

int kee_natives_register(struct kee_natives *natives, const struct keeve_native *native)
{
    struct program *program;

    if (find_program(natives, kee_bytes_str(native->name)) != NULL) {
        return KEE_NATIVES_TAKEN;
    }
    program = calloc(1, sizeof *program);
    if (program == NULL) {
        return kee_fault(KEE_FAULT_MEMORY, "a native program");
    }
    program->native = native;
    kee_list_append(&natives->programs, &program->link);
    return 0;
}

bool kee_natives_are_running(const struct kee_natives *natives)
{
    return natives->running != NULL;
}
