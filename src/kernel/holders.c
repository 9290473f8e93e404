/* SPDX-License-Identifier: Apache-2.0 */
/*
 * holders - who keeps an object or a promise alive: each reference that its counts stand for, by name.
 *
 * An object knows the vats that import it (koN.i.vM); of a promise every vat's c-list is asked, and
 * every peer's of both. Queues and
 * promises are walked whole: this is for a person who looks for a leak, and costs what they hold.
 */
#include "kernel/internal.h"

struct search {
    struct kee_kref kref;
    struct kee_endpoint_id owner;
};

static uint64_t count_in(struct kee_bytes list, struct kee_kref kref)
{
    struct kee_kref one;
    uint64_t count = 0;

    while (kee_krefs_next(&list, &one)) {
        count += kee_kref_equal(one, kref);
    }
    return count;
}

static void tell(struct kee_bytes holder, const char *how, uint64_t references, kee_record_fn *fn,
                 void *context)
{
    struct kee_event event;

    kee_event_begin(&event, "holder");
    kee_event_text(&event, "holder", holder);
    kee_event_text(&event, "how", kee_bytes_str(how));
    kee_event_number(&event, "references", references);
    fn(context, &event.record);
}

/* How often the vat's durable data names it: liveslots keeps that count in a row of its own. */
static int stored_count(struct kee_kernel *kernel, struct kee_vat_id id, struct kee_bytes vref,
                        uint64_t *out)
{
    struct kee_bytes base = kee_bytes_cut(&vref, ':'); /* facets share one */
    struct kee_key key;
    struct kee_bytes value;
    int r;

    *out = 0;
    (void)kee_key_vat(&key, id, ".s.vom.rc.");
    kee_key_add(&key, base);
    r = kee_world_get(kernel->world, kee_key_view(&key), &value);
    if (r == 0) {
        (void)kee_bytes_decimal(value, out);
    }
    return r == KEE_STORE_ABSENT ? 0 : r;
}

/* The c-list row of one vat, if it has one. */
static int tell_vat(struct kee_kernel *kernel, struct kee_vat_id id, const struct search *search,
                    kee_record_fn *fn, void *context)
{
    struct kee_buf *hold = kee_scratch_take(kernel);
    bool promise = kee_kref_is_promise(search->kref);
    bool owner = !promise && kee_endpoint_is_vat(search->owner, id);
    struct kee_clist_row row;
    struct kee_event event;
    struct kee_vat *vat;
    uint64_t stored;
    int r = kee_vat_load(kernel, id, &vat);

    if (r == 0 && vat != NULL) {
        r = kee_clist_find(kernel, vat, search->kref, hold, &row);
        r = r != 0 ? r : stored_count(kernel, id, row.vref, &stored);
        if (r == 0) {
            kee_event_begin(&event, "holder");
            kee_event_id(&event, "holder", 'v', id.n);
            kee_event_text(&event, "how",
                           owner           ? KEE_BYTES_LIT("owner")
                           : promise       ? KEE_BYTES_LIT("c-list")
                           : row.reachable ? KEE_BYTES_LIT("import")
                                           : KEE_BYTES_LIT("import, recognizable only"));
            kee_event_number(&event, "references", !owner && (promise || row.reachable));
            kee_event_text(&event, "vref", row.vref);
            kee_event_number(&event, "stored", stored);
            fn(context, &event.record);
        }
    }
    kee_scratch_give(kernel, hold);
    return r == KEE_STORE_ABSENT ? 0 : r;
}

static int tell_importers(struct kee_kernel *kernel, const struct search *search, kee_record_fn *fn,
                          void *context)
{
    struct kee_key prefix, at = {0};
    struct kee_vat_id id;
    int r;

    (void)kee_key_kref(&prefix, "", search->kref, ".i.");
    while ((r = kee_keys_next_id(kernel, &prefix, &at, 'v', &id.n)) == 0) {
        r = tell_vat(kernel, id, search, fn, context);
        if (r != 0) {
            return r;
        }
    }
    return r == KEE_STORE_ABSENT ? 0 : r;
}

/* What listing the vats passes on to. */
struct asking {
    struct kee_kernel *kernel;
    const struct search *search;
    kee_record_fn *fn;
    void *context;
    int r;
};

/* What it was granted when it was launched. */
static int tell_inventory(struct kee_kernel *kernel, struct kee_vat_id id,
                          const struct asking *asking)
{
    struct kee_buf *hold = kee_scratch_take(kernel);
    struct kee_bytes list, name;
    struct kee_event event;
    struct kee_kref kref;
    int r = kee_inventory_get(kernel, id, hold);

    list = kee_buf_bytes(hold);
    while (r == 0 && kee_inventory_next(&list, &name, &kref)) {
        if (kee_kref_equal(kref, asking->search->kref)) {
            kee_event_begin(&event, "holder");
            kee_event_id(&event, "holder", 'v', id.n);
            kee_event_text(&event, "how", KEE_BYTES_LIT("inventory"));
            kee_event_number(&event, "references", 1);
            kee_event_text(&event, "as", name);
            asking->fn(asking->context, &event.record);
        }
    }
    kee_scratch_give(kernel, hold);
    return r;
}

static void on_vat(void *context, const struct kee_record *record)
{
    struct asking *asking = context;
    struct kee_vat *vat;
    struct kee_vat_id id;

    if (asking->r != 0 || !kee_id_parse(record->fields[0].value, 'v', &id.n)) {
        return;
    }
    if (kee_kref_is_promise(asking->search->kref)) {
        asking->r = tell_vat(asking->kernel, id, asking->search, asking->fn, asking->context);
        return;
    }
    asking->r = kee_vat_load(asking->kernel, id, &vat);
    if (asking->r == 0 && vat != NULL && kee_kref_equal(vat->root, asking->search->kref)) {
        tell(record->fields[0].value, "its root", 1, asking->fn, asking->context);
    }
    asking->r = asking->r != 0 ? asking->r : tell_inventory(asking->kernel, id, asking);
}

static void tell_item(struct kee_bytes holder, const char *how, struct kee_bytes seq,
                      const struct kee_item *item, const struct search *search, kee_record_fn *fn,
                      void *context)
{
    bool message = item->type == 'm';
    bool target = kee_kref_equal(item->target, search->kref);
    bool result = message && kee_kref_equal(item->result, search->kref);
    struct kee_bytes slots = message ? item->slots : kee_bytes_of(NULL, 0);
    struct kee_event event;
    uint64_t references = target + result + count_in(slots, search->kref), n;

    if (references == 0) {
        return;
    }
    kee_event_begin(&event, "holder");
    kee_event_text(&event, "holder", holder);
    kee_event_text(&event, "how", kee_bytes_str(how));
    kee_event_number(&event, "references", references);
    kee_event_text(&event, "as",
                   target   ? message ? KEE_BYTES_LIT("target") : KEE_BYTES_LIT("notification")
                     : result ? KEE_BYTES_LIT("result")
                            : KEE_BYTES_LIT("argument"));
    if (kee_seq_parse(seq, &n)) {
        kee_event_number(&event, "seq", n);
    }
    fn(context, &event.record);
}

static int on_queued(struct kee_kernel *kernel, struct kee_bytes rest, struct kee_bytes value,
                     kee_record_fn *fn, void *context)
{
    const struct asking *asking = context;
    struct kee_bytes holder = kee_bytes_cut(&rest, '.');
    struct kee_item item;
    int r = kee_item_parse(holder, value, &item);

    (void)kernel;
    (void)fn;
    if (r == 0) {
        tell_item(holder, "queue", rest, &item, asking->search, asking->fn, asking->context);
    }
    return r;
}

/* Of the rows kpN, kpN.d and kpN.q.SEQ, the data and what is parked. */
static int on_promise(struct kee_kernel *kernel, struct kee_bytes rest, struct kee_bytes value,
                      kee_record_fn *fn, void *context)
{
    const struct asking *asking = context;
    struct kee_bytes number = kee_bytes_cut(&rest, '.');
    struct kee_bytes holder = kee_bytes_of(number.data - 2, number.size + 2);
    struct kee_bytes kind = kee_bytes_cut(&rest, '.');
    struct kee_item item;
    int r = 0;

    (void)kernel;
    (void)fn;
    if (kee_bytes_equal(kind, KEE_BYTES_LIT("d"))) {
        uint64_t references = count_in(kee_bytes_cut(&value, ' '), asking->search->kref);
        if (references > 0) {
            tell(holder, "settled with it", references, asking->fn, asking->context);
        }
    } else if (kee_bytes_equal(kind, KEE_BYTES_LIT("q"))) {
        r = kee_item_parse(number, value, &item);
        if (r == 0) {
            tell_item(holder, "parked", rest, &item, asking->search, asking->fn, asking->context);
        }
    }
    return r;
}

/* The c-list row of one peer, if it has one. */
static void on_peer(void *context, const struct kee_record *record)
{
    struct asking *asking = context;
    struct kee_peer_row row;
    struct kee_peer_id id;
    struct kee_event event;
    struct kee_buf *hold;
    bool owner;
    int r;

    if (asking->r != 0 || !kee_id_parse(record->fields[0].value, 'r', &id.n)) {
        return;
    }
    hold = kee_scratch_take(asking->kernel);
    r = kee_peer_row_get(asking->kernel, id, asking->search->kref, hold, &row);
    if (r == 0) {
        owner = row.name.data[0] == 'o';
        kee_event_begin(&event, "holder");
        kee_event_id(&event, "holder", 'r', id.n);
        kee_event_text(&event, "how", owner ? KEE_BYTES_LIT("owner") : KEE_BYTES_LIT("c-list"));
        kee_event_number(&event, "references", !owner);
        kee_event_text(&event, "vref", row.name);
        kee_event_number(&event, "mentions", row.mentions);
        asking->fn(asking->context, &event.record);
    }
    asking->r = r == KEE_STORE_ABSENT ? 0 : r;
    kee_scratch_give(asking->kernel, hold);
}

static int on_service(struct kee_kernel *kernel, struct kee_bytes rest, struct kee_bytes value,
                      kee_record_fn *fn, void *context)
{
    const struct asking *asking = context;
    struct kee_event event;
    struct kee_kref kref;

    (void)kernel;
    (void)fn;
    if (kee_kref_parse(kee_bytes_cut(&value, ' '), &kref) &&
        kee_kref_equal(kref, asking->search->kref)) {
        kee_event_begin(&event, "holder");
        kee_event_text(&event, "holder", KEE_BYTES_LIT("kernel"));
        kee_event_text(&event, "how", KEE_BYTES_LIT("service"));
        kee_event_number(&event, "references", 1);
        kee_event_text(&event, "as", rest);
        asking->fn(asking->context, &event.record);
    }
    return 0;
}

/* Holds that are a row of their own. */
static int tell_row(struct kee_kernel *kernel, const char *prefix, const char *holder,
                    const char *how, const struct asking *asking)
{
    struct kee_key key;
    struct kee_bytes value;
    int r =
        kee_world_get(kernel->world, kee_key_kref(&key, prefix, asking->search->kref, ""), &value);

    if (r == 0) {
        tell(kee_bytes_str(holder), how, 1, asking->fn, asking->context);
    }
    return r == KEE_STORE_ABSENT ? 0 : r;
}

int kee_kernel_who_holds(struct kee_kernel *kernel, struct kee_kref kref, kee_record_fn *fn,
                         void *context)
{
    struct search search = {.kref = kref};
    struct asking asking = {kernel, &search, fn, context, 0};
    struct kee_object object = {0};
    int r = kee_kref_need(kernel, kref);

    if (r == 0 && !kee_kref_is_promise(kref)) {
        r = kee_object_get(kernel, kref, &object);
        search.owner = object.owner;
        r = r != 0 || kee_endpoint_vat(search.owner).n == 0
                ? r
                : tell_vat(kernel, kee_endpoint_vat(search.owner), &search, fn, context);
        r = r != 0 ? r : tell_importers(kernel, &search, fn, context);
    }
    r = r != 0 ? r : kee_kernel_list_vats(kernel, on_vat, &asking);
    r = r != 0 ? r : asking.r;
    r = r != 0 ? r : kee_kernel_list_peers(kernel, on_peer, &asking);
    r = r != 0 ? r : asking.r;
    r = r != 0 ? r : kee_rows_each(kernel, KEE_BYTES_LIT("service."), on_service, NULL, &asking);
    r = r != 0 ? r : tell_row(kernel, "pin.", "operator", "pin", &asking);
    r = r != 0 ? r : tell_row(kernel, "hold.", "console", "named in an answer", &asking);
    r = r != 0 ? r : kee_rows_each(kernel, KEE_BYTES_LIT("q."), on_queued, NULL, &asking);
    return r != 0 ? r : kee_rows_each(kernel, KEE_BYTES_LIT("kp"), on_promise, NULL, &asking);
}
