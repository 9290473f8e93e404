/* SPDX-License-Identifier: Apache-2.0 */
/* kernel_rig - see kernel_rig.h. */
#include "kernel_rig.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/fault.h"

/* ---- a store whose close is not the end of its rows ---- */

struct lasting {
    struct kee_store base;
    struct kee_store *inner;
    struct rig *rig;
};

static bool store_fails(struct kee_store *store)
{
    struct rig *rig = ((struct lasting *)store)->rig;

    return rig->store_fails_at > 0 && --rig->store_fails_at == 0;
}

static int lasting_get(struct kee_store *store, struct kee_bytes key, struct kee_buf *value)
{
    struct kee_store *inner = ((struct lasting *)store)->inner;

    if (store_fails(store)) {
        return KEE_FAULT_STORE;
    }
    return inner->ops->get(inner, key, value);
}

static int lasting_next(struct kee_store *store, struct kee_bytes after, struct kee_buf *key,
                        struct kee_buf *value)
{
    struct kee_store *inner = ((struct lasting *)store)->inner;

    if (store_fails(store)) {
        return KEE_FAULT_STORE;
    }
    return inner->ops->next(inner, after, key, value);
}

static int lasting_write(struct kee_store *store, const struct kee_change *changes, size_t count,
                         kee_store_done_fn *done, void *context)
{
    struct kee_store *inner = ((struct lasting *)store)->inner;

    if (store_fails(store)) {
        return KEE_FAULT_STORE;
    }
    ((struct lasting *)store)->rig->writes += count;
    return inner->ops->write(inner, changes, count, done, context);
}

static int lasting_stage(struct kee_store *store, const struct kee_change *changes, size_t count)
{
    struct kee_store *inner = ((struct lasting *)store)->inner;

    if (store_fails(store)) {
        return KEE_FAULT_STORE;
    }
    return inner->ops->stage(inner, changes, count);
}

static void lasting_unstage(struct kee_store *store)
{
    struct kee_store *inner = ((struct lasting *)store)->inner;

    inner->ops->unstage(inner);
}

static void lasting_close(struct kee_store *store)
{
    free(store);
}

static const struct kee_store_ops lasting_ops = {.get = lasting_get,
                                                 .next = lasting_next,
                                                 .write = lasting_write,
                                                 .stage = lasting_stage,
                                                 .unstage = lasting_unstage,
                                                 .close = lasting_close};

static struct kee_store *lasting_new(struct rig *rig)
{
    struct lasting *lasting = calloc(1, sizeof *lasting);

    kee_assert(lasting != NULL);
    lasting->base.ops = &lasting_ops;
    lasting->inner = rig->store;
    lasting->rig = rig;
    return &lasting->base;
}

/* ---- faults ---- */

void rig_enter(struct rig *rig)
{
    if (rig->faults_on != NULL) {
        rig->faults_on(true);
    }
}

void rig_leave(struct rig *rig)
{
    if (rig->faults_on != NULL) {
        rig->faults_on(false);
    }
}

bool rig_well(struct rig *rig, int r)
{
    rig_leave(rig);
    if (r < 0) {
        kee_assert(rig->faults_on != NULL);
        kee_fault_clear();
        rig->faulted = true;
    }
    return r >= 0;
}

/* ---- the host ---- */

static struct rig_vat *vat_of(struct rig *rig, struct kee_vat_id vat)
{
    kee_assert(vat.n < RIG_VATS);
    return &rig->vats[vat.n];
}

/* FNV-1a. */
static void fold(struct rig *rig, const char *what, uint64_t number, struct kee_bytes bytes)
{
    uint64_t sum = rig->traced == 0 ? 0xcbf29ce484222325u : rig->traced;

    for (; *what != 0; what++) {
        sum = (sum ^ (uint8_t)*what) * 0x100000001b3u;
    }
    sum = (sum ^ number) * 0x100000001b3u;
    for (size_t i = 0; i < bytes.size; i++) {
        sum = (sum ^ bytes.data[i]) * 0x100000001b3u;
    }
    rig->traced = sum;
}

static void on_start(void *context, struct kee_vat_id id, uint64_t incarnation,
                     enum kee_flavour flavour, struct kee_subcluster_id owner)
{
    struct rig_vat *vat = vat_of(context, id);

    kee_assert(flavour == KEE_FLAVOUR_PROCESS && owner.n > 0);
    kee_assert(!vat->running);
    fold(context, "start", id.n, kee_bytes_of(NULL, 0));
    vat->running = true;
    vat->incarnation = incarnation;
    vat->starts++;
    kee_buf_clear(&vat->in);
}

static void on_send(void *context, struct kee_vat_id id, struct kee_bytes frames)
{
    struct rig_vat *vat = vat_of(context, id);

    rig_leave(context);
    kee_assert(vat->running);
    fold(context, "send", id.n, frames);
    kee_buf_put_bytes(&vat->in, frames);
    rig_enter(context);
}

static void on_kill(void *context, struct kee_vat_id id)
{
    struct rig_vat *vat = vat_of(context, id);

    fold(context, "kill", id.n, kee_bytes_of(NULL, 0));
    vat->running = false;
    vat->kills++;
    kee_buf_clear(&vat->in);
}

static void on_answer(void *context, uint64_t call, const struct kee_answer *answer)
{
    struct rig *rig = context;
    struct rig_answer *out = &rig->answers[rig->answer_count++ % 64];
    struct kee_vp_strings slots = answer->data.slots;
    struct kee_bytes slot;

    rig_leave(context);
    fold(rig, "answer", call, answer->data.body);
    *out = (struct rig_answer){.call = call, .status = answer->status};
    (void)snprintf(out->body, sizeof out->body, "%.*s", (int)answer->data.body.size,
                   (const char *)answer->data.body.data);
    (void)snprintf(out->why, sizeof out->why, "%s", answer->why == NULL ? "" : answer->why);
    while (kee_vp_strings_next(&slots, &slot)) {
        size_t at = strlen(out->slots);
        (void)snprintf(out->slots + at, sizeof out->slots - at, "%s%.*s", at > 0 ? " " : "",
                       (int)slot.size, (const char *)slot.data);
    }
    rig_enter(context);
}

static void on_news(void *context, struct kee_peer_id peer, const struct kee_peer_news *news)
{
    struct rig *rig = context;

    rig_leave(context);
    fold(rig, "news", peer.n * 4 + news->kind, news->data.body);
    fold(rig, "of", news->mentions, news->target);
    fold(rig, "slots", news->data.slots.count, news->data.slots.raw);
    if (rig->on_news != NULL) {
        rig->on_news(rig->news_context, peer, news, NULL);
    }
    rig_enter(context);
}

static void on_lost(void *context, struct kee_peer_id peer, const char *why)
{
    struct rig *rig = context;

    rig_leave(context);
    fold(rig, "lost", peer.n, kee_bytes_str(why));
    if (rig->on_news != NULL) {
        rig->on_news(rig->news_context, peer, NULL, why);
    }
    rig_enter(context);
}

static void on_log(void *context, struct kee_vat_id vat, enum kee_vp_log_level level,
                   struct kee_bytes text)
{
    (void)vat;
    (void)level;
    (void)text;
    ((struct rig *)context)->logs++;
}

static void on_trace(void *context, const struct kee_record *event)
{
    struct rig *rig = context;

    for (size_t i = 0; i < event->count; i++) {
        fold(context, event->fields[i].name, i, event->fields[i].value);
    }
    if (rig->on_event != NULL) {
        rig->on_event(rig->event_context, event);
    }
}

static void on_entropy(void *context, uint8_t *out, size_t size)
{
    (void)context;
    memset(out, 7, size);
}

static void open_kernel(struct rig *rig)
{
    struct kee_buf why = KEE_BUF_EMPTY;

    kee_assert(kee_world_new(&rig->world, lasting_new(rig)) == 0);
    rig->host = (struct kee_kernel_host){.context = rig,
                                         .worker_start = on_start,
                                         .worker_send = on_send,
                                         .worker_kill = on_kill,
                                         .answer = on_answer,
                                         .peer_news = on_news,
                                         .peer_lost = on_lost,
                                         .log = on_log,
                                         .trace = on_trace,
                                         .entropy = on_entropy};
    kee_assert(kee_kernel_open(&rig->kernel, rig->world, &rig->host, &rig->options, &why) == 0);
    kee_kernel_trace(rig->kernel, rig->tracing);
    kee_buf_fini(&why);
}

void rig_init(struct rig *rig)
{
    *rig = (struct rig){.now_ms = 1000};
    kee_assert(kee_store_memory_open(&rig->store) == 0);
    open_kernel(rig);
}

static void close_kernel(struct rig *rig)
{
    kee_kernel_free(rig->kernel);
    kee_world_free(rig->world);
    for (size_t i = 0; i < RIG_VATS; i++) {
        rig->vats[i].running = false;
        kee_buf_clear(&rig->vats[i].in);
    }
}

void rig_crash(struct rig *rig)
{
    close_kernel(rig);
    rig->faulted = false;
    rig->store_fails_at = 0;
    open_kernel(rig);
}

void rig_fini(struct rig *rig)
{
    close_kernel(rig);
    rig->store->ops->close(rig->store);
    for (size_t i = 0; i < RIG_VATS; i++) {
        kee_buf_fini(&rig->vats[i].in);
    }
}

void rig_worker_dies(struct rig *rig, uint64_t n)
{
    struct rig_vat *vat = &rig->vats[n];

    vat->running = false;
    kee_buf_clear(&vat->in);
    rig_enter(rig);
    (void)rig_well(rig, kee_kernel_worker_gone(rig->kernel, (struct kee_vat_id){n},
                                               vat->incarnation, "killed by the test"));
}

static bool one_round(struct rig *rig)
{
    bool more = false;
    int r;

    rig_enter(rig);
    r = kee_kernel_run(rig->kernel, rig->now_ms, &more);
    if (r == 0 && kee_kernel_flush_due(rig->kernel, rig->now_ms)) {
        r = kee_world_flush(rig->world);
    }
    r = r < 0 ? r : kee_kernel_durable(rig->kernel);
    (void)rig_well(rig, r);
    return more;
}

void rig_round(struct rig *rig)
{
    if (!rig->faulted) {
        (void)one_round(rig);
    }
}

void rig_run(struct rig *rig)
{
    bool more = true;

    for (uint32_t rounds = 0; more && !rig->faulted; rounds++) {
        kee_assert(rounds < 100000);
        more = one_round(rig);
    }
}

static void print_violation(void *context, const struct kee_record *record)
{
    (void)context;
    for (size_t i = 0; i < record->count; i++) {
        (void)fprintf(stderr, "%s=%.*s ", record->fields[i].name, (int)record->fields[i].value.size,
                      (const char *)record->fields[i].value.data);
    }
    (void)fprintf(stderr, "\n");
}

int rig_audit(struct rig *rig)
{
    uint64_t fails_at = rig->store_fails_at;
    int r;

    rig->store_fails_at = 0;
    r = kee_kernel_audit(rig->kernel, print_violation, NULL);
    rig->store_fails_at = fails_at;
    return r;
}

/* Space-separated words as the strings of a frame. */
static uint32_t put_words(struct kee_buf *out, const char *words)
{
    struct kee_bytes rest = kee_bytes_str(words == NULL ? "" : words);
    uint32_t count = 0;

    while (rest.size > 0) {
        kee_vp_put_string(out, kee_bytes_cut(&rest, ' '));
        count++;
    }
    return count;
}

void rig_launch(struct rig *rig, const char *names, uint64_t call)
{
    struct kee_launch_vat vats[RIG_VATS];
    struct kee_launch launch = {
        .config = KEE_BYTES_LIT("{}"), .vats = vats, .services = rig->services};
    struct kee_bytes rest = kee_bytes_str(names);

    while (rest.size > 0) {
        struct kee_bytes name = kee_bytes_cut(&rest, ' ');
        vats[launch.vat_count++] = (struct kee_launch_vat){
            .name = name,
            .code_name = KEE_BYTES_LIT("test.js"),
            .code = KEE_BYTES_LIT("export const buildRootObject = 1;"),
            .parameters = {.body = KEE_BYTES_LIT("#{}")},
            .raw = kee_bytes_has_prefix(name, KEE_BYTES_LIT("raw")),
        };
    }
    launch.bootstrap = vats[0].name;
    kee_assert(kee_kernel_launch(rig->kernel, &launch, call) == 0);
    for (size_t i = 0; i < launch.vat_count; i++) {
        rig_run(rig);
        for (uint64_t n = 1; n < RIG_VATS; n++) {
            if (rig->vats[n].running && rig->vats[n].in.size > 0 &&
                rig->vats[n].in.data[4] == KEE_VP_START) {
                kee_assert(rig_ok(rig, n));
            }
        }
    }
    rig_run(rig);
}

bool rig_further(struct rig_delivery *delivery)
{
    struct kee_vp_reader reader = {.rest = delivery->rest};

    if (delivery->further == 0) {
        kee_assert(delivery->rest.size == 0);
        return false;
    }
    delivery->further--;
    delivery->target = kee_vp_take_string(&reader);
    delivery->rejected = kee_vp_take_u8(&reader) != 0;
    delivery->body = kee_vp_take_string(&reader);
    delivery->slots = kee_vp_take_strings(&reader);
    delivery->rest = reader.rest;
    kee_assert(!reader.failed);
    return true;
}

bool rig_take(struct rig *rig, uint64_t n, struct rig_delivery *out)
{
    struct rig_vat *vat = &rig->vats[n];
    static _Thread_local struct kee_buf taken[RIG_VATS];
    struct kee_vp_reader reader;
    struct kee_bytes fields;
    size_t size;
    uint8_t type;

    if (kee_vp_frame_cut(kee_buf_bytes(&vat->in), &type, &fields, &size) != 1) {
        return false;
    }
    kee_buf_clear(&taken[n]);
    kee_buf_put_bytes(&taken[n], fields);
    kee_buf_consume(&vat->in, size);
    reader = (struct kee_vp_reader){.rest = kee_buf_bytes(&taken[n])};
    *out = (struct rig_delivery){0};
    if (type == KEE_VP_START) {
        return true;
    }
    kee_assert(type == KEE_VP_DELIVER);
    out->number = kee_vp_take_u64(&reader);
    out->kind = kee_vp_take_u8(&reader);
    switch (out->kind) {
    case KEE_VP_MESSAGE:
        out->target = kee_vp_take_string(&reader);
        out->result = kee_vp_take_string(&reader);
        out->body = kee_vp_take_string(&reader);
        out->slots = kee_vp_take_strings(&reader);
        break;
    case KEE_VP_NOTIFY:
        out->further = kee_vp_take_u32(&reader);
        out->rest = reader.rest;
        kee_assert(rig_further(out));
        return true;
    case KEE_VP_BRING_OUT_YOUR_DEAD:
        if (reader.rest.size > 0) {
            out->asks_heap = (kee_vp_take_u8(&reader) & KEE_VP_REAP_HEAP) != 0;
            out->slots = kee_vp_take_strings(&reader);
        }
        break;
    case KEE_VP_TIMER:
        break;
    default:
        out->slots = kee_vp_take_strings(&reader);
        break;
    }
    kee_assert(kee_vp_reader_end(&reader));
    return true;
}

void rig_reply_begin(struct rig_reply *reply, uint64_t number, const char *error)
{
    reply->buf = KEE_BUF_EMPTY;
    reply->calls = 0;
    kee_buf_put_u64(&reply->buf, number);
    kee_buf_put_u8(&reply->buf, error == NULL ? KEE_VP_OK : KEE_VP_FAILED);
    kee_vp_put_string(&reply->buf, kee_bytes_str(error == NULL ? "" : error));
    kee_buf_put_u64(&reply->buf, 10);
    kee_buf_put_u64(&reply->buf, 1000);
    reply->calls_at = kee_vp_list_open(&reply->buf);
}

static void put_capdata(struct kee_buf *out, const char *body, const char *slots)
{
    size_t place;

    kee_vp_put_string(out, kee_bytes_str(body));
    place = kee_vp_list_open(out);
    kee_vp_list_close(out, place, put_words(out, slots));
}

void rig_reply_send(struct rig_reply *reply, const char *target, const char *body,
                    const char *slots, const char *result)
{
    reply->calls++;
    kee_buf_put_u8(&reply->buf, KEE_VP_CALL_SEND);
    kee_vp_put_string(&reply->buf, kee_bytes_str(target));
    put_capdata(&reply->buf, body, slots);
    kee_vp_put_string(&reply->buf, kee_bytes_str(result == NULL ? "" : result));
}

void rig_reply_subscribe(struct rig_reply *reply, const char *vpid)
{
    reply->calls++;
    kee_buf_put_u8(&reply->buf, KEE_VP_CALL_SUBSCRIBE);
    kee_vp_put_string(&reply->buf, kee_bytes_str(vpid));
}

void rig_reply_resolve(struct rig_reply *reply, const char *vpid, bool rejected, const char *body,
                       const char *slots)
{
    reply->calls++;
    kee_buf_put_u8(&reply->buf, KEE_VP_CALL_RESOLVE);
    kee_buf_put_u32(&reply->buf, 1);
    kee_vp_put_string(&reply->buf, kee_bytes_str(vpid));
    kee_buf_put_u8(&reply->buf, rejected);
    put_capdata(&reply->buf, body, slots);
}

void rig_reply_resolve_pair(struct rig_reply *reply, const char *first, const char *first_body,
                            const char *first_slot, const char *second, const char *second_body,
                            const char *second_slot)
{
    reply->calls++;
    kee_buf_put_u8(&reply->buf, KEE_VP_CALL_RESOLVE);
    kee_buf_put_u32(&reply->buf, 2);
    kee_vp_put_string(&reply->buf, kee_bytes_str(first));
    kee_buf_put_u8(&reply->buf, false);
    put_capdata(&reply->buf, first_body, first_slot);
    kee_vp_put_string(&reply->buf, kee_bytes_str(second));
    kee_buf_put_u8(&reply->buf, false);
    put_capdata(&reply->buf, second_body, second_slot);
}

void rig_reply_names(struct rig_reply *reply, enum kee_vp_syscall call, const char *vrefs)
{
    size_t place;

    reply->calls++;
    kee_buf_put_u8(&reply->buf, (uint8_t)call);
    place = kee_vp_list_open(&reply->buf);
    kee_vp_list_close(&reply->buf, place, put_words(&reply->buf, vrefs));
}

void rig_reply_exit(struct rig_reply *reply, bool failure, const char *body)
{
    reply->calls++;
    kee_buf_put_u8(&reply->buf, KEE_VP_CALL_EXIT);
    kee_buf_put_u8(&reply->buf, failure);
    put_capdata(&reply->buf, body, NULL);
}

void rig_reply_wake(struct rig_reply *reply, uint64_t wait_ms, uint32_t timers)
{
    reply->calls++;
    kee_buf_put_u8(&reply->buf, KEE_VP_CALL_WAKE);
    kee_buf_put_u64(&reply->buf, wait_ms);
    kee_buf_put_u32(&reply->buf, timers);
}

static void hand_over(struct rig *rig, uint64_t n, struct kee_buf *fields)
{
    enum rig_way way = rig->on_done == NULL ? RIG_WAY_ONCE : rig->on_done(rig, n, fields);

    for (int times = way == RIG_WAY_LOST ? 0 : way == RIG_WAY_TWICE ? 2 : 1; times > 0; times--) {
        rig_enter(rig);
        (void)rig_well(rig, kee_kernel_frame(rig->kernel, (struct kee_vat_id){n},
                                             rig->vats[n].incarnation, KEE_VP_DONE,
                                             kee_buf_bytes(fields)));
    }
}

void rig_reply_end(struct rig *rig, uint64_t n, struct rig_reply *reply, const char *rows)
{
    struct kee_bytes rest = kee_bytes_str(rows == NULL ? "" : rows);
    uint32_t count = 0;
    size_t place;

    kee_vp_list_close(&reply->buf, reply->calls_at, reply->calls);
    place = kee_vp_list_open(&reply->buf);
    while (rest.size > 0) {
        struct kee_bytes value = kee_bytes_cut(&rest, ' ');
        struct kee_bytes key = kee_bytes_cut(&value, '=');
        kee_buf_put_u8(&reply->buf, value.data != NULL);
        kee_vp_put_string(&reply->buf, key);
        if (value.data != NULL) {
            kee_vp_put_string(&reply->buf, value);
        }
        count++;
    }
    kee_vp_list_close(&reply->buf, place, count);
    hand_over(rig, n, &reply->buf);
    kee_buf_fini(&reply->buf);
}

bool rig_ok(struct rig *rig, uint64_t n)
{
    struct rig_delivery delivery;
    struct rig_reply reply;

    if (!rig_take(rig, n, &delivery)) {
        return false;
    }
    rig_reply_begin(&reply, delivery.number, NULL);
    rig_reply_end(rig, n, &reply, NULL);
    return true;
}

int rig_send(struct rig *rig, const char *kref, const char *body, const char *slots, uint64_t call)
{
    struct kee_buf raw = KEE_BUF_EMPTY;
    struct kee_vp_capdata methargs = {.body = kee_bytes_str(body)};
    struct kee_kref target;
    int r;

    kee_assert(kee_kref_parse(kee_bytes_str(kref), &target));
    methargs.slots.count = put_words(&raw, slots);
    methargs.slots.raw = kee_buf_bytes(&raw);
    rig_enter(rig);
    r = kee_kernel_send(rig->kernel, target, methargs, call);
    (void)rig_well(rig, r);
    kee_buf_fini(&raw);
    return r;
}

int rig_order(struct rig *rig, int (*order)(struct kee_kernel *kernel, struct kee_kref kref),
              struct kee_kref kref)
{
    int r;

    rig_enter(rig);
    r = order(rig->kernel, kref);
    (void)rig_well(rig, r);
    return r;
}

const struct rig_answer *rig_answer(struct rig *rig, uint64_t call)
{
    for (size_t i = 0; i < rig->answer_count && i < 64; i++) {
        if (rig->answers[i].call == call) {
            return &rig->answers[i];
        }
    }
    return NULL;
}

struct root_search {
    uint64_t vat;
    char *out;
};

static void match_root(void *context, const struct kee_record *record)
{
    struct root_search *search = context;
    uint64_t n;

    if (!kee_id_parse(record->fields[0].value, 'v', &n) || n != search->vat) {
        return;
    }
    for (size_t i = 0; i < record->count; i++) {
        if (strcmp(record->fields[i].name, "root") == 0) {
            (void)snprintf(search->out, 24, "%.*s", (int)record->fields[i].value.size,
                           (const char *)record->fields[i].value.data);
        }
    }
}

void rig_root(struct rig *rig, uint64_t vat, char out[24])
{
    struct root_search search = {vat, out};

    uint64_t fails_at = rig->store_fails_at;

    out[0] = 0;
    rig->store_fails_at = 0;
    kee_assert(kee_kernel_list_vats(rig->kernel, match_root, &search) == 0);
    rig->store_fails_at = fails_at;
}

void rig_text(struct kee_bytes bytes, char out[40])
{
    (void)snprintf(out, 40, "%.*s", (int)bytes.size, (const char *)bytes.data);
}

struct kee_kref rig_kref(const char *text)
{
    struct kee_kref kref;
    bool good = kee_kref_parse(kee_bytes_str(text), &kref);

    kee_assert(good);
    return kref;
}
