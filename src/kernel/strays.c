/* SPDX-License-Identifier: Apache-2.0 */
/*
 * strays - rows that stand for something that is not there.
 *
 *   ST-1  gc.vN.koM, awake.vN, dying.vN, q.vN.SEQ and code.HASH.vN are of a vat that exists, rN.c rows
 *         of a peer; hold.KREF, pin.KREF and service.NAME name what has a row. (gc.vN.koM may outlive
 *         the object: the vat, when it is awake and idle, looks and lets go of the row.)
 *
 * All but queue rows only take room, and go when they are mended; a queue row names others.
 */
#include "kernel/internal.h"

static int vat_exists(struct kee_kernel *kernel, struct kee_bytes name, bool *out)
{
    struct kee_bytes value;
    struct kee_vat_id id;
    struct kee_key key;
    int r;

    *out = false;
    if (!kee_id_parse(name, 'v', &id.n)) {
        return 0;
    }
    r = kee_world_get(kernel->world, kee_key_vat(&key, id, ""), &value);
    *out = r == 0;
    return r == KEE_STORE_ABSENT ? 0 : r;
}

static int kref_exists(struct kee_kernel *kernel, struct kee_bytes name, bool *out)
{
    struct kee_bytes value;
    struct kee_kref kref;
    struct kee_key key;
    int r;

    *out = false;
    if (!kee_kref_parse(name, &kref)) {
        return 0;
    }
    r = kee_world_get(kernel->world, kee_key_kref(&key, "", kref, ""), &value);
    *out = r == 0;
    return r == KEE_STORE_ABSENT ? 0 : r;
}

/* key is wholly there: rows_each keeps the prefix in front of the rest. */
static int stray(struct kee_audit *audit, struct kee_bytes key, bool mendable,
                 struct kee_bytes what)
{
    kee_audit_violation(audit, "ST-1", key, mendable, "there is no %.*s",
                        (int)(what.size < 40 ? what.size : 40), (const char *)what.data);
    return audit->mends && mendable ? kee_world_delete(audit->kernel->world, key) : 0;
}

static struct kee_bytes whole(struct kee_bytes rest, size_t prefix)
{
    return kee_bytes_of(rest.data - prefix, rest.size + prefix);
}

static int on_gc(struct kee_kernel *kernel, struct kee_bytes rest, struct kee_bytes value,
                 kee_record_fn *fn, void *context)
{
    struct kee_bytes key = whole(rest, strlen("gc."));
    struct kee_bytes vat = kee_bytes_cut(&rest, '.');
    bool exists;
    int r = vat_exists(kernel, vat, &exists);

    (void)value;
    (void)fn;
    return r != 0 || exists ? r : stray(context, key, true, vat);
}

static int check_kref(struct kee_audit *audit, size_t prefix, struct kee_bytes name)
{
    bool exists;
    int r = kref_exists(audit->kernel, name, &exists);

    return r != 0 || exists ? r : stray(audit, whole(name, prefix), true, name);
}

static int on_hold(struct kee_kernel *kernel, struct kee_bytes rest, struct kee_bytes value,
                   kee_record_fn *fn, void *context)
{
    (void)kernel;
    (void)value;
    (void)fn;
    return check_kref(context, strlen("hold."), rest);
}

static int on_pin(struct kee_kernel *kernel, struct kee_bytes rest, struct kee_bytes value,
                  kee_record_fn *fn, void *context)
{
    (void)kernel;
    (void)value;
    (void)fn;
    return check_kref(context, strlen("pin."), rest);
}

/* awake.vN and dying.vN: both prefixes are as long. */
static int on_state(struct kee_kernel *kernel, struct kee_bytes rest, struct kee_bytes value,
                    kee_record_fn *fn, void *context)
{
    bool exists;
    int r = vat_exists(kernel, rest, &exists);

    (void)value;
    (void)fn;
    return r != 0 || exists ? r : stray(context, whole(rest, strlen("awake.")), true, rest);
}

static int on_queue(struct kee_kernel *kernel, struct kee_bytes rest, struct kee_bytes value,
                    kee_record_fn *fn, void *context)
{
    struct kee_bytes key = whole(rest, strlen("q."));
    struct kee_bytes vat = kee_bytes_cut(&rest, '.');
    bool exists;
    int r = vat_exists(kernel, vat, &exists);

    (void)value;
    (void)fn;
    return r != 0 || exists ? r : stray(context, key, false, vat);
}

/* code.HASH and code.HASH.vN. */
static int on_code(struct kee_kernel *kernel, struct kee_bytes rest, struct kee_bytes value,
                   kee_record_fn *fn, void *context)
{
    struct kee_bytes key = whole(rest, strlen("code."));
    bool exists;
    int r;

    (void)value;
    (void)fn;
    (void)kee_bytes_cut(&rest, '.');
    if (rest.data == NULL) {
        return 0;
    }
    r = vat_exists(kernel, rest, &exists);
    return r != 0 || exists ? r : stray(context, key, true, rest);
}

/* rN.c.KREF and rN.c.NAME. */
static int on_peer(struct kee_kernel *kernel, struct kee_bytes rest, struct kee_bytes value,
                   kee_record_fn *fn, void *context)
{
    struct kee_bytes row = whole(rest, strlen("r"));
    struct kee_bytes number = kee_bytes_cut(&rest, '.');
    struct kee_peer_id peer;
    struct kee_key key;
    int r;

    (void)fn;
    if (rest.data == NULL || !kee_bytes_decimal(number, &peer.n)) {
        return 0;
    }
    r = kee_world_get(kernel->world, kee_key_peer(&key, peer, ""), &value);
    return r != KEE_STORE_ABSENT ? r : stray(context, row, true, kee_key_view(&key));
}

static int on_service(struct kee_kernel *kernel, struct kee_bytes rest, struct kee_bytes value,
                      kee_record_fn *fn, void *context)
{
    struct kee_bytes name = kee_bytes_cut(&value, ' ');
    bool exists;
    int r = kref_exists(kernel, name, &exists);

    (void)fn;
    return r != 0 || exists ? r : stray(context, whole(rest, strlen("service.")), true, name);
}

int kee_audit_strays(struct kee_audit *audit)
{
    static const struct {
        const char *prefix;
        kee_row_fn *check;
    } tables[] = {{"gc.", on_gc},       {"hold.", on_hold},   {"pin.", on_pin},
                  {"awake.", on_state}, {"dying.", on_state}, {"q.", on_queue},
                  {"code.", on_code},   {"r", on_peer},       {"service.", on_service}};
    int r = 0;

    for (size_t i = 0; r == 0 && i < sizeof tables / sizeof *tables; i++) {
        r = kee_rows_each(audit->kernel, kee_bytes_str(tables[i].prefix), tables[i].check, NULL,
                          audit);
    }
    return r;
}
