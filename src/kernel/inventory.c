/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inventory - objects that a vat was granted by name when it was launched.
 *
 *   RC-4  the row vN.inventory holds one reference to each object it names, from the launch until the
 *         vat is buried.
 *
 * Each start of the vat names them in its c-list and in the START frame; the worker makes them globals.
 */
#include "kernel/internal.h"

bool kee_inventory_next(struct kee_bytes *list, struct kee_bytes *name, struct kee_kref *kref)
{
    struct kee_bytes entry;

    if (list->size == 0) {
        return false;
    }
    entry = kee_bytes_cut(list, ',');
    *name = kee_bytes_cut(&entry, ' ');
    return kee_kref_parse(entry, kref);
}

int kee_inventory_get(struct kee_kernel *kernel, struct kee_vat_id vat, struct kee_buf *hold)
{
    struct kee_bytes value;
    struct kee_key key;
    int r = kee_world_get(kernel->world, kee_key_vat(&key, vat, ".inventory"), &value);

    kee_buf_clear(hold);
    if (r == 0) {
        kee_buf_put_bytes(hold, value);
    }
    return r == 0 ? kee_buf_status(hold) : r == KEE_STORE_ABSENT ? 0 : r;
}

static bool is_word(uint8_t c)
{
    return c == '_' || c == '$' || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
           (c >= 'a' && c <= 'z');
}

/* A variable of that name can be written in a program. */
static bool is_name(struct kee_bytes name)
{
    if (name.size == 0 || name.size > KEE_LIMIT_INVENTORY_NAME_BYTES ||
        (name.data[0] >= '0' && name.data[0] <= '9')) {
        return false;
    }
    for (size_t i = 0; i < name.size; i++) {
        if (!is_word(name.data[i])) {
            return false;
        }
    }
    return true;
}

static int check_one(struct kee_kernel *kernel, struct kee_bytes name, struct kee_bytes text)
{
    int shown = (int)(name.size < 80 ? name.size : 80);
    struct kee_kref kref;

    if (!is_name(name)) {
        return kee_kernel_decline(kernel, KEE_KERNEL_BAD,
                                  "inventory: expected a name of at most %u letters, digits, _ and "
                                  "$, not beginning with a digit, found \"%.*s\"",
                                  KEE_LIMIT_INVENTORY_NAME_BYTES, shown, (const char *)name.data);
    }
    if (!kee_kref_parse(text, &kref) || kee_kref_kind(kref) != KEE_KREF_OBJECT) {
        return kee_kernel_decline(kernel, KEE_KERNEL_BAD,
                                  "inventory, %.*s: expected an object such as ko4, found \"%.*s\"",
                                  shown, (const char *)name.data,
                                  (int)(text.size < 80 ? text.size : 80), (const char *)text.data);
    }
    return kee_kref_need_reachable(kernel, kref);
}

int kee_inventory_check(struct kee_kernel *kernel, struct kee_vp_strings inventory)
{
    struct kee_bytes name, kref;
    int r = 0;

    if (inventory.count > 2 * KEE_LIMIT_INVENTORY) {
        return kee_kernel_decline(kernel, KEE_KERNEL_BAD,
                                  "inventory: expected at most %u objects, found %u",
                                  KEE_LIMIT_INVENTORY, inventory.count / 2);
    }
    while (r == 0 && kee_vp_strings_next(&inventory, &name) &&
           kee_vp_strings_next(&inventory, &kref)) {
        r = check_one(kernel, name, kref);
    }
    return r;
}

int kee_inventory_put(struct kee_kernel *kernel, const struct kee_vat *vat,
                      struct kee_vp_strings inventory)
{
    struct kee_buf *row = kee_scratch_take(kernel);
    struct kee_bytes name, text;
    struct kee_kref kref;
    struct kee_key key;
    int r = 0;

    while (r == 0 && kee_vp_strings_next(&inventory, &name) &&
           kee_vp_strings_next(&inventory, &text) && kee_kref_parse(text, &kref)) {
        if (row->size > 0) {
            kee_buf_put_char(row, ',');
        }
        kee_buf_put_bytes(row, name);
        kee_buf_put_char(row, ' ');
        kee_buf_put_kref(row, kref);
        r = kee_kref_hold(kernel, kref);
    }
    if (r == 0 && row->size > 0) {
        r = kee_row_put(kernel, kee_key_vat(&key, vat->id, ".inventory"), row, true);
    }
    kee_scratch_give(kernel, row);
    return r;
}

int kee_inventory_name(struct kee_kernel *kernel, struct kee_vat *vat, struct kee_buf *out,
                       uint32_t *count)
{
    struct kee_buf *hold = kee_scratch_take(kernel);
    struct kee_buf *vref = kee_scratch_take(kernel);
    struct kee_bytes list, name;
    struct kee_kref kref;
    int r = kee_inventory_get(kernel, vat->id, hold);

    list = kee_buf_bytes(hold);
    for (*count = 0; r == 0 && kee_inventory_next(&list, &name, &kref); *count += 2) {
        kee_buf_clear(vref);
        r = kee_clist_vref_of(kernel, vat, kref, vref);
        kee_vp_put_string(out, name);
        kee_vp_put_string(out, kee_buf_bytes(vref));
    }
    kee_scratch_give(kernel, vref);
    kee_scratch_give(kernel, hold);
    return r != 0 ? r : kee_buf_status(out);
}

int kee_inventory_release(struct kee_kernel *kernel, struct kee_vat_id vat)
{
    struct kee_buf *hold = kee_scratch_take(kernel);
    struct kee_bytes list, name;
    struct kee_kref kref;
    struct kee_key key;
    int r = kee_inventory_get(kernel, vat, hold);

    list = kee_buf_bytes(hold);
    while (r == 0 && kee_inventory_next(&list, &name, &kref)) {
        r = kee_kref_release(kernel, kref);
    }
    if (r == 0 && hold->size > 0) {
        r = kee_world_delete(kernel->world, kee_key_vat(&key, vat, ".inventory"));
    }
    kee_scratch_give(kernel, hold);
    return r;
}
