/* SPDX-License-Identifier: Apache-2.0 */
/* view - listings: the rows of the world as records, for people and tools. Nothing is changed. */
#include "kernel/internal.h"

int kee_rows_each(struct kee_kernel *kernel, struct kee_bytes prefix, kee_row_fn *view,
                  kee_record_fn *fn, void *context)
{
    struct kee_buf *hold = kee_scratch_take(kernel);
    struct kee_bytes key, value;
    struct kee_key at;
    int r;

    at.size = 0;
    kee_key_add(&at, prefix);
    for (;;) {
        r = kee_world_next(kernel->world, prefix, kee_key_view(&at), &key, &value);
        if (r != 0) {
            break;
        }
        at.size = 0;
        kee_key_add(&at, key);
        kee_buf_clear(hold);
        kee_buf_put_bytes(hold, value);
        r = kee_buf_status(hold);
        r = r != 0 ? r
                   : view(kernel, kee_bytes_of(at.text + prefix.size, at.size - prefix.size),
                          kee_buf_bytes(hold), fn, context);
        if (r != 0) {
            break;
        }
    }
    kee_scratch_give(kernel, hold);
    return r == KEE_STORE_ABSENT ? 0 : r;
}

static void flag(struct kee_event *event, const char *name, bool yes)
{
    kee_event_text(event, name, yes ? KEE_BYTES_LIT("yes") : KEE_BYTES_LIT("no"));
}

/* ---- vats ---- */

static const char *vat_state(const struct kee_vat *vat)
{
    if (vat->life == KEE_VAT_DYING) {
        return "dying";
    }
    if (vat->broken) {
        return "broken";
    }
    if (vat->worker != KEE_WORKER_NONE) {
        return vat->worker == KEE_WORKER_STARTING ? "starting" : "awake";
    }
    return vat->life == KEE_VAT_NEW ? "new" : "asleep";
}

static int count_queue(struct kee_kernel *kernel, struct kee_vat *vat, uint64_t *count)
{
    struct kee_buf *hold = kee_scratch_take(kernel);
    struct kee_item item;
    uint64_t seq = 0;
    int r = 0;

    for (*count = 0; r == 0; (*count)++) {
        r = kee_queue_next(kernel, vat, seq, hold, &seq, &item);
        if (r != 0) {
            break;
        }
    }
    *count += vat->timer.fired;
    kee_scratch_give(kernel, hold);
    return r == KEE_STORE_ABSENT ? 0 : r;
}

/* Until the first timer is due; 0 if one is. */
static uint64_t timer_wait_ms(const struct kee_kernel *kernel, const struct kee_vat *vat)
{
    const struct kee_timer *timer = &vat->timer;

    if (timer->place == 0) {
        return timer->fired ? 0 : timer->wait_ms;
    }
    return timer->due_ms > kernel->now_ms ? timer->due_ms - kernel->now_ms : 0;
}

static int view_vat(struct kee_kernel *kernel, struct kee_vat_id id, kee_record_fn *fn,
                    void *context)
{
    struct kee_event event;
    struct kee_buf *name;
    struct kee_vat *vat;
    struct kee_key key;
    struct kee_bytes text;
    uint64_t queued;
    int r;

    r = kee_vat_load(kernel, id, &vat);
    if (r != 0 || vat == NULL) {
        return r;
    }
    name = kee_scratch_take(kernel);
    r = kee_world_get(kernel->world, kee_key_vat(&key, id, ".name"), &text);
    if (r == 0) {
        kee_buf_put_bytes(name, text);
    }
    r = r < 0 ? r : count_queue(kernel, vat, &queued);
    if (r == 0) {
        kee_event_begin(&event, "vat");
        kee_event_id(&event, "vat", 'v', id.n);
        kee_event_text(&event, "name", kee_buf_bytes(name));
        kee_event_id(&event, "subcluster", 's', vat->subcluster.n);
        kee_event_text(&event, "state", kee_bytes_str(vat_state(vat)));
        kee_event_text(&event, "flavour", kee_bytes_str(kee_flavour_name(vat->flavour)));
        kee_event_number(&event, "incarnation", vat->incarnation);
        kee_event_kref(&event, "root", vat->root);
        kee_event_number(&event, "deliveries", vat->deliveries);
        kee_event_number(&event, "queued", queued);
        kee_event_number(&event, "in_crank", vat->flight_count > 0);
        kee_event_number(&event, "timers", vat->timer.count);
        if (vat->timer.count > 0) {
            kee_event_number(&event, "timer_in_ms", timer_wait_ms(kernel, vat));
        }
        kee_event_text(&event, "why",
                       vat->broken ? kee_bytes_str(vat->broken_why) : kee_bytes_of(NULL, 0));
        fn(context, &event.record);
    }
    kee_scratch_give(kernel, name);
    return r;
}

int kee_kernel_list_vats(struct kee_kernel *kernel, kee_record_fn *fn, void *context)
{
    struct kee_key prefix = {0}, at = {0};
    struct kee_vat_id id;
    int r;

    kee_key_add(&prefix, KEE_BYTES_LIT("v"));
    while ((r = kee_keys_next_vat(kernel, &prefix, &at, &id)) == 0) {
        r = view_vat(kernel, id, fn, context);
        if (r != 0) {
            return r;
        }
    }
    return r == KEE_STORE_ABSENT ? 0 : r;
}

/* ---- c-list ---- */

static int view_clist(struct kee_kernel *kernel, struct kee_bytes rest, struct kee_bytes value,
                      kee_record_fn *fn, void *context)
{
    struct kee_buf *hold = kee_scratch_take(kernel);
    struct kee_event event;
    struct kee_object object;
    struct kee_promise promise;
    struct kee_kref kref;
    struct kee_bytes vref;
    int r = 0;

    vref = kee_kref_parse(rest, &kref) ? kee_bytes_cut(&value, ' ') : kee_bytes_of(NULL, 0);
    if (vref.size > 1) {
        kee_event_begin(&event, "clist");
        kee_event_kref(&event, "kref", kref);
        kee_event_text(&event, "vref", vref);
        kee_event_text(&event, "direction",
                       vref.data[1] == '+' ? KEE_BYTES_LIT("export") : KEE_BYTES_LIT("import"));
        flag(&event, "reachable", kee_bytes_equal(value, KEE_BYTES_LIT("r")));
        if (kee_kref_is_promise(kref)) {
            r = kee_promise_get(kernel, kref, hold, &promise);
            if (r == 0) {
                kee_event_endpoint(&event, "decider", promise.decider);
            }
        } else {
            r = kee_object_get(kernel, kref, &object);
            if (r == 0) {
                kee_event_endpoint(&event, "owner", object.owner);
            }
        }
        fn(context, &event.record);
    }
    kee_scratch_give(kernel, hold);
    return r < 0 ? r : 0;
}

int kee_kernel_list_clist(struct kee_kernel *kernel, struct kee_vat_id id, kee_record_fn *fn,
                          void *context)
{
    struct kee_vat *vat;
    struct kee_key key;
    int r = kee_vat_load(kernel, id, &vat);

    if (r == 0 && vat == NULL) {
        return kee_kernel_decline(kernel, KEE_KERNEL_NO_SUCH, "there is no vat v%llu",
                                  (unsigned long long)id.n);
    }
    return r != 0 ? r
                  : kee_rows_each(kernel, kee_key_vat(&key, id, ".c."), view_clist, fn, context);
}

/* ---- queue ---- */

static void view_item(const char *where, struct kee_bytes place, uint64_t seq, bool flight,
                      const struct kee_item *item, kee_record_fn *fn, void *context)
{
    struct kee_event event;

    kee_event_begin(&event, "queue");
    kee_event_number(&event, "seq", seq);
    kee_event_text(&event, where, place);
    kee_event_text(&event, "type",
                   item->type == 'm' ? KEE_BYTES_LIT("message") : KEE_BYTES_LIT("notify"));
    kee_event_text(&event, "from", item->from);
    kee_event_kref(&event, "target", item->target);
    if (item->type == 'm') {
        kee_event_text(&event, "method", kee_methargs_method(item->body));
        kee_event_kref(&event, "result", item->result);
    }
    kee_event_number(&event, "tries", item->tries);
    flag(&event, "flight", flight);
    if (item->type == 'm') {
        kee_event_text(&event, "body", item->body);
        kee_event_text(&event, "slots", item->slots.size > 1 ? item->slots : kee_bytes_of(NULL, 0));
    }
    fn(context, &event.record);
}

static int view_queued(struct kee_kernel *kernel, struct kee_bytes rest, struct kee_bytes value,
                       kee_record_fn *fn, void *context)
{
    struct kee_bytes name = kee_bytes_cut(&rest, '.');
    struct kee_item item;
    struct kee_vat_id id;
    struct kee_vat *vat = NULL;
    bool flight = false;
    uint64_t seq;
    int r = kee_item_parse(name, value, &item);

    if (r == 0 && !kee_seq_parse(rest, &seq)) {
        return kee_row_corrupt(name, "a SEQ of 16 digits after it");
    }
    if (r == 0 && kee_id_parse(name, 'v', &id.n)) {
        vat = kee_map_get(&kernel->vats, id.n);
    }
    if (r == 0) {
        for (uint32_t i = 0; vat != NULL && i < vat->flight_count; i++) {
            flight = flight || kee_vat_flight(vat, i)->item_seq == seq;
        }
        view_item("vat", name, seq, flight, &item, fn, context);
    }
    return r;
}

static int view_parked(struct kee_kernel *kernel, struct kee_bytes rest, struct kee_bytes value,
                       kee_record_fn *fn, void *context)
{
    struct kee_bytes number = kee_bytes_cut(&rest, '.');
    struct kee_bytes kind = kee_bytes_cut(&rest, '.');
    struct kee_item item;
    uint64_t seq;
    int r;

    (void)kernel;
    if (!kee_bytes_equal(kind, KEE_BYTES_LIT("q"))) {
        return 0;
    }
    r = kee_item_parse(number, value, &item);
    if (r == 0 && !kee_seq_parse(rest, &seq)) {
        return kee_row_corrupt(number, "a SEQ of 16 digits after it");
    }
    if (r == 0) {
        view_item("parked_at", kee_bytes_of(number.data - 2, number.size + 2), seq, false, &item,
                  fn, context);
    }
    return r;
}

/* A timer that is due waits like a message, but has no row. */
static void view_timers(struct kee_kernel *kernel, kee_record_fn *fn, void *context)
{
    struct kee_event event;
    struct kee_vat *vat;
    size_t at = 0;

    while ((vat = kee_map_next(&kernel->vats, &at)) != NULL) {
        bool flight = false;
        for (uint32_t i = 0; i < vat->flight_count; i++) {
            flight = flight || kee_vat_flight(vat, i)->delivery == KEE_VP_TIMER;
        }
        if (flight || vat->timer.fired) {
            kee_event_begin(&event, "queue");
            kee_event_number(&event, "seq", vat->timer.seq);
            kee_event_id(&event, "vat", 'v', vat->id.n);
            kee_event_text(&event, "type", KEE_BYTES_LIT("timer"));
            kee_event_text(&event, "from", KEE_BYTES_LIT("kernel"));
            kee_event_number(&event, "tries", 0);
            flag(&event, "flight", flight);
            fn(context, &event.record);
        }
    }
}

int kee_kernel_list_queue(struct kee_kernel *kernel, kee_record_fn *fn, void *context)
{
    int r = kee_rows_each(kernel, KEE_BYTES_LIT("q."), view_queued, fn, context);

    if (r == 0) {
        view_timers(kernel, fn, context);
    }

    return r != 0 ? r : kee_rows_each(kernel, KEE_BYTES_LIT("kp"), view_parked, fn, context);
}

/* ---- subclusters, objects, promises ---- */

static void collect_name(void *context, const struct kee_record *record)
{
    struct kee_buf *names = context;

    if (names->size > 0) {
        kee_buf_put_char(names, ' ');
    }
    kee_buf_put_bytes(names, record->fields[0].value);
}

static int view_member(struct kee_kernel *kernel, struct kee_bytes rest, struct kee_bytes value,
                       kee_record_fn *fn, void *context)
{
    struct kee_event event;

    (void)kernel;
    (void)value;
    kee_event_begin(&event, "member");
    kee_event_text(&event, "vat", rest);
    fn(context, &event.record);
    return 0;
}

static int view_subcluster(struct kee_kernel *kernel, struct kee_bytes rest, struct kee_bytes value,
                           kee_record_fn *fn, void *context)
{
    struct kee_subcluster_id id;
    struct kee_event event;
    struct kee_buf *names;
    struct kee_key key;
    int r;

    if (!kee_bytes_decimal(rest, &id.n)) {
        return 0;
    }
    names = kee_scratch_take(kernel);
    r = kee_rows_each(kernel, kee_key_subcluster(&key, id, ".v."), view_member, collect_name,
                      names);
    if (r == 0) {
        kee_event_begin(&event, "subcluster");
        kee_event_id(&event, "subcluster", 's', id.n);
        kee_event_text(&event, "state", kee_bytes_cut(&value, ' '));
        kee_event_text(&event, "bootstrap", value);
        kee_event_text(&event, "vats", kee_buf_bytes(names));
        fn(context, &event.record);
    }
    kee_scratch_give(kernel, names);
    return r;
}

int kee_kernel_list_subclusters(struct kee_kernel *kernel, kee_record_fn *fn, void *context)
{
    return kee_rows_each(kernel, KEE_BYTES_LIT("s"), view_subcluster, fn, context);
}

static int view_object(struct kee_kernel *kernel, struct kee_bytes rest, struct kee_bytes value,
                       kee_record_fn *fn, void *context)
{
    struct kee_event event;
    struct kee_bytes owner, reachable, recognizable;
    bool pinned, late;
    uint64_t n;
    int r;

    if (!kee_bytes_decimal(rest, &n) || n == 0) {
        return 0;
    }
    r = kee_is_pinned(kernel, kee_kref_make(KEE_KREF_OBJECT, n), &pinned);
    if (r != 0) {
        return r;
    }
    owner = kee_bytes_cut(&value, ' ');
    reachable = kee_bytes_cut(&value, ' ');
    recognizable = kee_bytes_cut(&value, ' ');
    kee_event_begin(&event, "object");
    kee_event_kref(&event, "kref", kee_kref_make(KEE_KREF_OBJECT, n));
    late = owner.size > 1 && owner.data[0] == '-';
    kee_event_text(&event, "owner", late ? KEE_BYTES_LIT("-") : owner);
    kee_event_text(&event, "reachable", reachable);
    kee_event_text(&event, "recognizable", recognizable);
    event.record.fields[2].is_number = event.record.fields[3].is_number = true;
    if (late) {
        kee_event_text(&event, "was_of", kee_bytes_of(owner.data + 1, owner.size - 1));
    }
    flag(&event, "pinned", pinned);
    flag(&event, "revoked", kee_bytes_equal(value, KEE_BYTES_LIT("revoked")));
    fn(context, &event.record);
    return 0;
}

int kee_kernel_list_objects(struct kee_kernel *kernel, kee_record_fn *fn, void *context)
{
    return kee_rows_each(kernel, KEE_BYTES_LIT("ko"), view_object, fn, context);
}

static int view_promise(struct kee_kernel *kernel, struct kee_bytes rest, struct kee_bytes value,
                        kee_record_fn *fn, void *context)
{
    struct kee_buf *hold, *data;
    struct kee_event event;
    struct kee_promise promise;
    struct kee_bytes slots, body;
    struct kee_kref kref;
    uint64_t n;
    int r;

    (void)value;
    if (!kee_bytes_decimal(rest, &n) || n == 0) {
        return 0;
    }
    hold = kee_scratch_take(kernel);
    data = kee_scratch_take(kernel);
    kref = kee_kref_make(KEE_KREF_PROMISE, n);
    r = kee_promise_get(kernel, kref, hold, &promise);
    if (r == 0) {
        kee_event_begin(&event, "promise");
        kee_event_kref(&event, "kref", kref);
        kee_event_text(&event, "state",
                       promise.state == 'u'   ? KEE_BYTES_LIT("unresolved")
                       : promise.state == 'f' ? KEE_BYTES_LIT("fulfilled")
                                              : KEE_BYTES_LIT("rejected"));
        kee_event_endpoint(&event, "decider", promise.decider);
        kee_event_text(&event, "subscribers", promise.subscribers);
        kee_event_number(&event, "references", promise.references);
        if (promise.state != 'u') {
            r = kee_promise_data(kernel, kref, data, &slots, &body);
            if (r == 0) {
                kee_event_text(&event, "body", body);
                kee_event_text(&event, "slots", slots.size > 1 ? slots : kee_bytes_of(NULL, 0));
            }
        }
        fn(context, &event.record);
    }
    kee_scratch_give(kernel, data);
    kee_scratch_give(kernel, hold);
    return r < 0 ? r : 0;
}

int kee_kernel_list_promises(struct kee_kernel *kernel, kee_record_fn *fn, void *context)
{
    return kee_rows_each(kernel, KEE_BYTES_LIT("kp"), view_promise, fn, context);
}

int kee_kernel_show(struct kee_kernel *kernel, struct kee_kref kref, kee_record_fn *fn,
                    void *context)
{
    bool promise = kee_kref_is_promise(kref);
    struct kee_key key;
    struct kee_bytes value, number;
    int r = kee_kref_need(kernel, kref);

    (void)kee_key_kref(&key, "", kref, "");
    number = kee_bytes_of(key.text + 2, key.size - 2);
    r = r != 0 ? r : kee_row_need(kernel, kee_key_view(&key), &value);
    if (r != 0) {
        return r;
    }
    return promise ? view_promise(kernel, number, value, fn, context)
                   : view_object(kernel, number, value, fn, context);
}
