/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz target: a session of CapTP over a kernel in memory. Each byte of the input chooses what the other
 * side or the vat v1 does next. After every step kernel and session are audited; all that is said on the
 * wire is read as the other side would read it: each question is answered at most once, and what is counted
 * there is what is counted in the kernel. In the end all is answered and dropped, and nothing is left.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "captp/ops.h"
#include "captp_rig.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { NAMES = 200, QUESTIONS = 200, STEPS = 120 };

struct side {
    struct captp_rig rig;
    const uint8_t *data;
    size_t size;
    /* What the other side holds of ours, as it would name it, and how often it was told. */
    struct {
        char name[40];
        uint64_t refs;
    } held[NAMES];
    size_t held_count;
    /* Its questions, by number: how many answers are due; whether it was dropped. */
    uint8_t due[QUESTIONS];
    bool dropped[QUESTIONS];
    uint32_t asked;
    uint32_t heard; /* our questions to it, by number */
    uint32_t own_objects, own_promises;
    bool resolved[NAMES];
    bool hostile; /* it has said what it may not: its counts prove nothing */
};

static uint8_t byte(struct side *side)
{
    if (side->size == 0) {
        return 0;
    }
    side->size--;
    return *side->data++;
}

static void hold(struct side *side, struct kee_bytes slot)
{
    char name[40];
    size_t i = 0;

    kee_assert(kee_captp_is_slot(slot) && slot.size < sizeof name);
    if (slot.data[1] == '-') {
        return;
    }
    (void)snprintf(name, sizeof name, "%c-%.*s", slot.data[0], (int)slot.size - 2,
                   (const char *)slot.data + 2);
    while (i < side->held_count && strcmp(side->held[i].name, name) != 0) {
        i++;
    }
    if (i == NAMES) {
        side->hostile = true; /* more than is kept here */
        return;
    }
    if (i == side->held_count) {
        side->held_count++;
        side->held[i].refs = 0;
        (void)snprintf(side->held[i].name, sizeof name, "%s", name);
    }
    side->held[i].refs++;
}

static uint64_t number_of(struct kee_bytes name)
{
    uint64_t n = 0;

    (void)kee_bytes_decimal(kee_bytes_of(name.data + 2, name.size - 2), &n);
    return n;
}

/* Reads what the session has said. */
static void hear(struct side *side)
{
    const char *line;

    while ((line = captp_rig_take(&side->rig)) != NULL) {
        struct kee_arena arena = KEE_ARENA_EMPTY;
        struct kee_buf why = KEE_BUF_EMPTY;
        struct kee_captp_op op;
        kee_assert(kee_captp_op_read(kee_bytes_str(line), &arena, &op, &why) == 0);
        for (size_t i = 0; i < op.value.slot_count; i++) {
            hold(side, op.value.slots[i]);
        }
        if (op.type == KEE_CAPTP_RETURN && op.id.data[0] == 'q') {
            uint64_t n = number_of(op.id);
            kee_assert(n < QUESTIONS && side->due[n] > 0);
            side->due[n]--;
        }
        if (op.type == KEE_CAPTP_CALL) {
            kee_assert(number_of(op.id) == ++side->heard);
        }
        kee_buf_fini(&why);
        kee_arena_fini(&arena);
    }
}

static void check(struct side *side)
{
    struct kee_buf why = KEE_BUF_EMPTY;

    hear(side);
    kee_assert(rig_audit(&side->rig.rig) == 0);
    if (side->rig.session != NULL && !side->rig.closed &&
        kee_captp_audit(side->rig.session, &why) != 0) {
        (void)fprintf(stderr, "%s", kee_buf_cstr(&why));
        abort();
    }
    kee_buf_fini(&why);
}

static void say(struct side *side, const struct kee_captp_op *op)
{
    struct kee_buf text = KEE_BUF_EMPTY;

    kee_captp_op_write(&text, op);
    (void)captp_rig_say_bytes(&side->rig, kee_buf_bytes(&text));
    kee_buf_fini(&text);
    check(side);
}

/* ---- what the other side does ---- */

/* A name of the wire that it may write, or perhaps may not. */
static const char *pick_name(struct side *side, char out[40])
{
    uint8_t kind = byte(side), which = byte(side);

    switch (kind % 8) {
    case 0:
        (void)snprintf(out, 40, "o+%u", 1 + which % 4);
        break;
    case 1:
        (void)snprintf(out, 40, "p+%u", 1 + which % 6);
        break;
    case 2:
        (void)snprintf(out, 40, "t+%u", 1 + which % 2);
        break;
    case 3:
        (void)snprintf(out, 40, "%c-k%c%u", which & 1 ? 'o' : 'p', which & 2 ? 'o' : 'p',
                       which >> 3);
        break;
    default:
        if (side->held_count == 0) {
            (void)snprintf(out, 40, "o-ko1");
        } else {
            (void)snprintf(out, 40, "%s", side->held[which % side->held_count].name);
        }
    }
    return out;
}

static void put_value(struct side *side, struct kee_buf *body, struct kee_bytes *slots,
                      char names[4][40], size_t *count)
{
    uint8_t kind = byte(side);

    switch (kind % 6) {
    case 0:
    case 1:
        if (*count < 4) {
            slots[*count] = kee_bytes_str(pick_name(side, names[*count]));
            kee_buf_printf(body, "{\"@qclass\":\"slot\",\"index\":%zu}", (*count)++);
            return;
        }
        break;
    case 2:
        kee_buf_put_str(body, "{\"a\":");
        put_value(side, body, slots, names, count);
        kee_buf_put_str(body, "}");
        return;
    case 3:
        kee_buf_put_str(body, "{\"@qclass\":\"error\",\"name\":\"TypeError\",\"message\":\"m\"}");
        return;
    case 4:
        kee_buf_put_str(body, kind & 64 ? "{\"@qclass\":\"oops\"}" : "\"\\ud800\"");
        return;
    default:
        break;
    }
    kee_buf_put_str(body, "7");
}

static void note_promises(struct side *side, const struct kee_bytes *slots, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t n = slots[i].data[0] == 'p' && slots[i].data[1] == '+' ? number_of(slots[i]) : 0;
        if (n > side->own_promises) {
            side->own_promises = (uint32_t)n;
        }
    }
}

static void ask(struct side *side, bool get)
{
    struct kee_buf body = KEE_BUF_EMPTY;
    struct kee_bytes slots[4];
    char names[4][40], id[40], target[40];
    size_t count = 0;
    uint8_t how = byte(side);

    if (side->asked + 1 >= QUESTIONS) {
        return;
    }
    side->asked++;
    side->due[side->asked]++;
    (void)snprintf(id, sizeof id, "q-%u", side->asked);
    if (how % 3 == 0) {
        (void)snprintf(target, sizeof target, "o-ko1");
    } else if (how % 3 == 1) {
        (void)snprintf(target, sizeof target, "q-%u", side->asked - 1 - (how >> 4) % side->asked);
    } else {
        (void)pick_name(side, target);
    }
    if (get) {
        kee_buf_put_str(&body, "[\"a\"]");
    } else {
        kee_buf_put_str(&body, how & 8 ? "[null,[" : "[\"m\",[");
        put_value(side, &body, slots, names, &count);
        kee_buf_put_str(&body, "]]");
    }
    note_promises(side, slots, count);
    say(side, &(struct kee_captp_op){.type = KEE_CAPTP_CALL,
                                     .id = kee_bytes_str(id),
                                     .target = kee_bytes_str(target),
                                     .value = {kee_buf_bytes(&body), slots, count}});
    kee_buf_fini(&body);
}

static void bootstrap(struct side *side)
{
    char id[40];

    if (side->asked + 1 >= QUESTIONS) {
        return;
    }
    side->asked++;
    side->due[side->asked]++;
    (void)snprintf(id, sizeof id, "q-%u", side->asked);
    say(side, &(struct kee_captp_op){.type = KEE_CAPTP_BOOTSTRAP, .id = kee_bytes_str(id)});
}

static void settle(struct side *side, enum kee_captp_op_type type, uint32_t n)
{
    struct kee_buf body = KEE_BUF_EMPTY;
    struct kee_bytes slots[4];
    char names[4][40], id[40];
    size_t count = 0;

    put_value(side, &body, slots, names, &count);
    note_promises(side, slots, count);
    (void)snprintf(id, sizeof id, "%s-%u", type == KEE_CAPTP_RETURN ? "q" : "p", n);
    say(side, &(struct kee_captp_op){.type = type,
                                     .id = kee_bytes_str(id),
                                     .rejected = byte(side) & 1,
                                     .value = {kee_buf_bytes(&body), slots, count}});
    kee_buf_fini(&body);
}

static void drop_held(struct side *side, size_t i, uint64_t refs)
{
    refs = refs < side->held[i].refs ? refs : side->held[i].refs;
    side->held[i].refs -= refs;
    say(side, &(struct kee_captp_op){
                  .type = KEE_CAPTP_DROP, .id = kee_bytes_str(side->held[i].name), .refs = refs});
}

static void drop_question(struct side *side, uint32_t n)
{
    char id[40];

    (void)snprintf(id, sizeof id, "q-%u", n);
    side->dropped[n] = true;
    say(side, &(struct kee_captp_op){.type = KEE_CAPTP_DROP, .id = kee_bytes_str(id), .refs = 1});
}

/* Anything at all; part of the input as text. */
static void babble(struct side *side)
{
    size_t size = byte(side);

    size = size < side->size ? size : side->size;
    side->hostile = true;
    for (size_t n = 0; n < QUESTIONS; n++) {
        side->due[n] = 255; /* it may ask anything */
    }
    (void)captp_rig_say_bytes(&side->rig, kee_bytes_of(side->data, size));
    side->data += size;
    side->size -= size;
    while (captp_rig_take(&side->rig) != NULL) {
    }
    check(side);
}

/* ---- what the vat does ---- */

static void vat_answers(struct side *side, uint8_t how)
{
    static const struct {
        const char *body, *slots;
    } values[] = {{"#1", ""},
                  {"#{\"a\":\"$0\"}", "o+0"},
                  {"#\"$0.Alleged: x\"", "o+9"},
                  {"#{\"a\":\"&0\",\"b\":\"&0\"}", "p+5"},
                  {"#[\"$0\"]", "o-50"},
                  {"#\"$0\"", "o-51"},
                  {"#{\"#error\":\"e\",\"name\":\"Error\"}", ""},
                  {"#{\"a\":{\"a\":[\"$0\",\"$1\",\"&2\"]}}", "o+0 o-50 p+6"}};
    struct rig_delivery message;
    struct rig_reply reply;
    char result[40];
    unsigned value = how % 8;

    if (!captp_rig_vat(&side->rig, &message)) {
        return;
    }
    rig_text(message.result, result);
    rig_reply_begin(&reply, message.number, NULL);
    if (how & 8) {
        rig_reply_send(&reply, how & 16 ? "o-50" : "o-51", "#[\"go\",[]]", "",
                       how & 32 ? "p+7" : "");
    }
    if (how & 64) {
        rig_reply_resolve(&reply, "p+5", false, "#{\"a\":2}", "");
    }
    if (message.kind == KEE_VP_MESSAGE && result[0] != 0 && !(how & 128)) {
        rig_reply_resolve(&reply, result, value == 6, values[value].body, values[value].slots);
    }
    rig_reply_end(&side->rig.rig, 1, &reply, NULL);
    captp_rig_run(&side->rig);
    check(side);
}

/* ---- the end: all is answered, resolved and dropped ---- */

static void count_import(void *context, const struct kee_record *record)
{
    size_t *rows = context;

    for (size_t i = 0; i < record->count; i++) {
        if (strcmp(record->fields[i].name, "vref") == 0 && record->fields[i].value.data[0] == 'k') {
            (*rows)++;
        }
    }
}

static void print_row(void *context, const struct kee_record *record)
{
    for (size_t i = 0; i < record->count; i++) {
        (void)fprintf(stderr, "%s=%.*s ", record->fields[i].name, (int)record->fields[i].value.size,
                      (const char *)record->fields[i].value.data);
    }
    (void)fprintf(stderr, "\n");
}

static void finish_all(struct side *side)
{
    struct rig_delivery message;
    size_t rows = 0;

    side->size = 0; /* only plain values from here on */
    for (bool more = true; more;) {
        uint32_t before = side->heard;
        for (uint32_t n = 1; n <= side->own_promises; n++) {
            settle(side, KEE_CAPTP_RESOLVE, n);
        }
        for (uint32_t n = 1; n <= side->heard; n++) {
            settle(side, KEE_CAPTP_RETURN, n);
        }
        more = captp_rig_vat(&side->rig, &message) || side->heard != before;
        if (more && message.kind == KEE_VP_MESSAGE) {
            captp_rig_answer(&side->rig, &message, false, "#1", "");
        } else if (more) {
            struct rig_reply reply;
            rig_reply_begin(&reply, message.number, NULL);
            rig_reply_end(&side->rig.rig, 1, &reply, NULL);
        }
        captp_rig_run(&side->rig);
        check(side);
    }
    for (uint32_t n = 1; n <= side->asked; n++) {
        if (!side->dropped[n]) {
            drop_question(side, n);
        }
    }
    for (size_t i = 0; i < side->held_count; i++) {
        drop_held(side, i, UINT64_MAX);
    }
    kee_assert(kee_kernel_list_peer_clist(side->rig.rig.kernel, kee_captp_peer(side->rig.session),
                                          count_import, &rows) == 0);
    /* What it began with, and the results of what the vat never answers. */
    if (rows > 1 + kee_captp_questions(side->rig.session)) {
        (void)kee_kernel_list_peer_clist(side->rig.rig.kernel, kee_captp_peer(side->rig.session),
                                         print_row, NULL);
        abort();
    }
}

static void begin(struct side *side, bool owner)
{
    captp_rig_close(&side->rig);
    captp_rig_run(&side->rig);
    hear(side);
    side->held_count = 0;
    side->asked = side->heard = side->own_objects = side->own_promises = 0;
    side->hostile = false;
    memset(side->due, 0, sizeof side->due);
    memset(side->dropped, 0, sizeof side->dropped);
    captp_rig_open(&side->rig, owner, 0);
    check(side);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct side side;

    side = (struct side){.data = data, .size = size};
    captp_rig_init(&side.rig, "alice");
    begin(&side, byte(&side) & 1);
    for (unsigned step = 0; step < STEPS && side.size > 0 && !side.rig.closed; step++) {
        uint8_t what = byte(&side);
        switch (what % 16) {
        case 0:
            bootstrap(&side);
            break;
        case 1:
        case 2:
        case 3:
        case 4:
            ask(&side, false);
            break;
        case 5:
            ask(&side, true);
            break;
        case 6:
            settle(&side, KEE_CAPTP_RETURN, 1 + (what >> 4) % 8);
            break;
        case 7:
            settle(&side, KEE_CAPTP_RESOLVE, 1 + (what >> 4) % 6);
            break;
        case 8:
            if (side.held_count > 0) {
                drop_held(&side, byte(&side) % side.held_count, 1 + (what >> 4));
            }
            break;
        case 9:
            if (side.asked > 0) {
                drop_question(&side, 1 + byte(&side) % side.asked);
            }
            break;
        case 10:
            if (what == 250) {
                babble(&side);
            } else if (what == 234) {
                begin(&side, byte(&side) & 1);
            } else if (what == 218) {
                rig_worker_dies(&side.rig.rig, 1);
                captp_rig_run(&side.rig);
                check(&side);
            }
            break;
        default:
            vat_answers(&side, byte(&side));
        }
    }
    if (!side.rig.closed && !side.hostile) {
        finish_all(&side);
    }
    captp_rig_close(&side.rig);
    captp_rig_run(&side.rig);
    kee_assert(rig_audit(&side.rig.rig) == 0);
    captp_rig_fini(&side.rig);
    return 0;
}
