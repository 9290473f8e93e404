/* SPDX-License-Identifier: Apache-2.0 */
/* ids - see ids.h. */
#include "base/ids.h"

#include "base/assert.h"

bool kee_kref_parse(struct kee_bytes text, struct kee_kref *out)
{
    uint64_t n;
    enum kee_kref_kind kind;

    if (text.size < 3 || text.data[0] != 'k') {
        return false;
    }
    switch (text.data[1]) {
    case 'o':
        kind = KEE_KREF_OBJECT;
        break;
    case 'p':
        kind = KEE_KREF_PROMISE;
        break;
    case 'd':
        kind = KEE_KREF_DEVICE;
        break;
    default:
        return false;
    }
    if (!kee_bytes_decimal(kee_bytes_of(text.data + 2, text.size - 2), &n) || n == 0 ||
        n > UINT64_MAX / 4) {
        return false;
    }
    *out = kee_kref_make(kind, n);
    return true;
}

void kee_buf_put_kref(struct kee_buf *buf, struct kee_kref kref)
{
    static const char letters[] = {'o', 'p', 'd'};
    char head[2] = {'k', 0};

    kee_assert(!kee_kref_is_none(kref));
    head[1] = letters[kee_kref_kind(kref)];
    kee_buf_put(buf, head, 2);
    kee_buf_put_decimal(buf, kee_kref_number(kref));
}

bool kee_id_parse(struct kee_bytes text, char letter, uint64_t *out)
{
    return text.size >= 2 && text.data[0] == (uint8_t)letter &&
           kee_bytes_decimal(kee_bytes_of(text.data + 1, text.size - 1), out) && *out != 0;
}

bool kee_endpoint_parse(struct kee_bytes text, struct kee_endpoint_id *out)
{
    uint64_t n;

    if (kee_id_parse(text, 'v', &n) && n <= UINT64_MAX / 2) {
        *out = kee_endpoint_of_vat((struct kee_vat_id){n});
        return true;
    }
    if (kee_id_parse(text, 'r', &n) && n <= UINT64_MAX / 4) {
        *out = kee_endpoint_of_peer((struct kee_peer_id){n});
        return true;
    }
    return false;
}

void kee_buf_put_endpoint(struct kee_buf *buf, struct kee_endpoint_id id)
{
    if (kee_endpoint_is_none(id)) {
        kee_buf_put_char(buf, '-');
        return;
    }
    kee_buf_put_char(buf, kee_endpoint_peer(id).n != 0 ? 'r' : 'v');
    kee_buf_put_decimal(buf, id.bits / 2);
}

/* What follows "o+v" or "o+d": K/I or K/I:F. */
static bool parse_virtual(struct kee_bytes rest, struct kee_vref_parts *out)
{
    struct kee_bytes kind = kee_bytes_cut(&rest, '/');
    struct kee_bytes instance = kee_bytes_cut(&rest, ':');

    if (!kee_bytes_decimal(kind, &out->id) || !kee_bytes_decimal(instance, &out->instance)) {
        return false;
    }
    if (rest.data == NULL) {
        return true;
    }
    out->has_facet = true;
    return kee_bytes_decimal(rest, &out->facet);
}

bool kee_vref_parse(struct kee_bytes text, struct kee_vref_parts *out)
{
    struct kee_vref_parts parts = {.type = KEE_VREF_OBJECT};

    if (text.size < 3 || (text.data[1] != '+' && text.data[1] != '-')) {
        return false;
    }
    switch (text.data[0]) {
    case 'o':
    case 'p':
    case 'd':
        parts.type = (enum kee_vref_type)text.data[0];
        break;
    default:
        return false;
    }
    parts.exported = text.data[1] == '+';
    if (parts.type == KEE_VREF_OBJECT && parts.exported &&
        (text.data[2] == 'v' || text.data[2] == 'd')) {
        parts.is_virtual = true;
        parts.is_durable = text.data[2] == 'd';
        if (!parse_virtual(kee_bytes_of(text.data + 3, text.size - 3), &parts)) {
            return false;
        }
    } else if (!kee_bytes_decimal(kee_bytes_of(text.data + 2, text.size - 2), &parts.id)) {
        return false;
    }
    *out = parts;
    return true;
}
