/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vat - the system calls of native vats; see keeve/vat.h.
 *
 * Calls are written down as the kernel will read them at the end of the crank; rows are changed in the
 * crank's own copy, over what the kernel is asked for.
 *
 *   of a vat's store   vvs.KEY       the rows that its program names KEY
 *                      vom.rc.VREF   an import it keeps: the restart rule looks for this row
 */
#include <inttypes.h>
#include <stdio.h>

#include "base/fault.h"
#include "base/ids.h"
#include "base/limits.h"
#include "lib/native_internal.h"
#include "lib/tree.h"
#include "value/body.h"

#define KEY_BYTES_MAX 900
#define ROWS "vvs."
#define KEPT "vom.rc."

static enum keeve_result no_memory(struct keeve_vat *vat)
{
    return kee_native_fail(vat, KEEVE_MEMORY, "out of memory");
}

/* Is the name one of this type, made by the vat or not, as wanted? */
static bool is_name(const char *name, enum kee_vref_type type, int exported)
{
    struct kee_vref_parts parts;

    return name != NULL && kee_vref_parse(kee_bytes_str(name), &parts) && parts.type == type &&
           (exported < 0 || parts.exported == (exported == 1));
}

static enum keeve_result bad_name(struct keeve_vat *vat, const char *what, const char *name)
{
    return kee_native_fail(vat, KEEVE_BAD, "expected the name of %s, found %s%.80s%s", what,
                           name == NULL ? "none" : "\"", name == NULL ? "" : name,
                           name == NULL ? "" : "\"");
}

/* ---- messages and promises ---- */

/* Appends body and slots. */
static enum keeve_result put_value(struct keeve_vat *vat, const struct kee_value *value)
{
    struct kee_buf why = KEE_BUF_EMPTY;
    struct kee_body body;
    enum keeve_result result = KEEVE_OK;
    int r = kee_body_encode(value, &vat->arena, &body, &why);

    if (r < 0) {
        kee_fault_clear();
        result = no_memory(vat);
    } else if (r > 0) {
        result = kee_native_fail(vat, KEEVE_BAD, "%s",
                                 why.failed ? "a value is wrong" : kee_buf_cstr(&why));
    } else {
        kee_vp_put_string(&vat->calls, body.text);
        kee_buf_put_u32(&vat->calls, (uint32_t)body.slot_count);
        for (size_t i = 0; i < body.slot_count; i++) {
            kee_vp_put_string(&vat->calls, body.slots[i]);
        }
    }
    kee_buf_fini(&why);
    return result;
}

/* The next promise of this vat. Incarnations count in the name, so that none is ever made twice. */
static void new_promise_name(struct keeve_vat *vat, char out[KEEVE_NAME_SIZE])
{
    (void)snprintf(out, KEEVE_NAME_SIZE, "p+%" PRIu64,
                   (vat->incarnation << 32) + ++vat->promises_made);
}

static enum keeve_result put_methargs(struct keeve_vat *vat, const char *method,
                                      const struct keeve_value *args)
{
    struct kee_value none = {.kind = KEE_VALUE_ARRAY};
    struct kee_value name = {.kind = KEE_VALUE_UNDEFINED};
    struct kee_value *items[2] = {&name, &none};
    struct kee_value pair = {.kind = KEE_VALUE_ARRAY, .as.array = {items, 2}};

    if (method != NULL) {
        name.kind = strncmp(method, "@@", 2) == 0 ? KEE_VALUE_SYMBOL : KEE_VALUE_STRING;
        name.as.text = kee_bytes_str(method);
        if (!kee_tree_is_utf8(name.as.text)) {
            return kee_native_fail(vat, KEEVE_BAD, "the name of a method is not UTF-8");
        }
    }
    if (args != NULL) {
        if (keeve_value_kind(args) != KEEVE_ARRAY) {
            return kee_native_fail(vat, KEEVE_BAD, "arguments: expected an array, found %s",
                                   keeve_kind_name(keeve_value_kind(args)));
        }
        items[1] = (struct kee_value *)(void *)kee_tree_node(args); /* only read */
    }
    return put_value(vat, &pair);
}

enum keeve_result keeve_vat_send(struct keeve_vat *vat, const char *target, const char *method,
                                 const struct keeve_value *args, char result[KEEVE_NAME_SIZE])
{
    enum keeve_result r;

    if (!vat->in_crank) {
        return KEEVE_STATE;
    }
    if (!is_name(target, KEE_VREF_OBJECT, -1) && !is_name(target, KEE_VREF_PROMISE, -1)) {
        return bad_name(vat, "an object or a promise", target);
    }
    kee_buf_put_u8(&vat->calls, KEE_VP_CALL_SEND);
    kee_vp_put_string(&vat->calls, kee_bytes_str(target));
    r = put_methargs(vat, method, args);
    if (r != KEEVE_OK) {
        return r;
    }
    if (result != NULL) {
        new_promise_name(vat, result);
    }
    kee_vp_put_string(&vat->calls, kee_bytes_str(result == NULL ? "" : result));
    vat->call_count++;
    return vat->calls.failed ? no_memory(vat) : KEEVE_OK;
}

enum keeve_result keeve_vat_subscribe(struct keeve_vat *vat, const char *promise)
{
    if (!vat->in_crank) {
        return KEEVE_STATE;
    }
    if (!is_name(promise, KEE_VREF_PROMISE, -1)) {
        return bad_name(vat, "a promise", promise);
    }
    kee_buf_put_u8(&vat->calls, KEE_VP_CALL_SUBSCRIBE);
    kee_vp_put_string(&vat->calls, kee_bytes_str(promise));
    vat->call_count++;
    return vat->calls.failed ? no_memory(vat) : KEEVE_OK;
}

enum keeve_result keeve_vat_new_promise(struct keeve_vat *vat, char promise[KEEVE_NAME_SIZE])
{
    if (!vat->in_crank) {
        return KEEVE_STATE;
    }
    new_promise_name(vat, promise);
    return KEEVE_OK;
}

static enum keeve_result settle(struct keeve_vat *vat, const char *promise, bool rejected,
                                const struct keeve_value *value)
{
    static const struct kee_value undefined = {.kind = KEE_VALUE_UNDEFINED};
    enum keeve_result r;

    if (!vat->in_crank) {
        return KEEVE_STATE;
    }
    if (!is_name(promise, KEE_VREF_PROMISE, -1)) {
        return bad_name(vat, "a promise", promise);
    }
    if (!rejected && keeve_value_kind(value) == KEEVE_PROMISE) {
        return kee_native_fail(vat, KEEVE_BAD, "a promise is settled with a value, not with \"%s\"",
                               keeve_value_text(value, NULL));
    }
    kee_buf_put_u8(&vat->calls, KEE_VP_CALL_RESOLVE);
    kee_buf_put_u32(&vat->calls, 1);
    kee_vp_put_string(&vat->calls, kee_bytes_str(promise));
    kee_buf_put_u8(&vat->calls, rejected);
    r = put_value(vat, value == NULL ? &undefined : kee_tree_node(value));
    vat->call_count++;
    return r != KEEVE_OK ? r : vat->calls.failed ? no_memory(vat) : KEEVE_OK;
}

enum keeve_result keeve_vat_fulfil(struct keeve_vat *vat, const char *promise,
                                   const struct keeve_value *value)
{
    return settle(vat, promise, false, value);
}

enum keeve_result keeve_vat_reject(struct keeve_vat *vat, const char *promise,
                                   const struct keeve_value *value)
{
    return settle(vat, promise, true, value);
}

static int settle_result(struct keeve_vat *vat, const struct keeve_message *message, bool rejected,
                         struct keeve_value *value)
{
    enum keeve_result r = KEEVE_OK;

    if (value == NULL) {
        r = no_memory(vat);
    } else if (message->result != NULL) {
        r = settle(vat, message->result, rejected, value);
    }
    keeve_value_free(value);
    return (int)r;
}

int keeve_vat_answer(struct keeve_vat *vat, const struct keeve_message *message,
                     struct keeve_value *value)
{
    return settle_result(vat, message, false, value);
}

int keeve_vat_refuse(struct keeve_vat *vat, const struct keeve_message *message, const char *name,
                     const char *text)
{
    return settle_result(vat, message, true, keeve_make_error(name, text));
}

enum keeve_result keeve_vat_exit(struct keeve_vat *vat)
{
    static const struct kee_value undefined = {.kind = KEE_VALUE_UNDEFINED};

    if (!vat->in_crank) {
        return KEEVE_STATE;
    }
    kee_buf_put_u8(&vat->calls, KEE_VP_CALL_EXIT);
    kee_buf_put_u8(&vat->calls, 0);
    vat->call_count++;
    return put_value(vat, &undefined);
}

int keeve_vat_fail(struct keeve_vat *vat, const char *why)
{
    return (int)kee_native_fail(vat, KEEVE_BAD, "%s", why);
}

/* ---- objects ---- */

void keeve_ref_object(uint64_t number, char ref[KEEVE_NAME_SIZE])
{
    (void)snprintf(ref, KEEVE_NAME_SIZE, "o+%" PRIu64, number);
}

void keeve_ref_durable(uint64_t kind, uint64_t number, char ref[KEEVE_NAME_SIZE])
{
    (void)snprintf(ref, KEEVE_NAME_SIZE, "o+d%" PRIu64 "/%" PRIu64, kind, number);
}

static enum keeve_result release(struct keeve_vat *vat, enum kee_vp_syscall call, const char *name,
                                 bool exported)
{
    if (!vat->in_crank) {
        return KEEVE_STATE;
    }
    if (!is_name(name, KEE_VREF_OBJECT, exported)) {
        return bad_name(vat, exported ? "an object of this vat" : "an object of another vat", name);
    }
    kee_buf_put_u8(&vat->calls, (uint8_t)call);
    kee_buf_put_u32(&vat->calls, 1);
    kee_vp_put_string(&vat->calls, kee_bytes_str(name));
    vat->call_count++;
    return vat->calls.failed ? no_memory(vat) : KEEVE_OK;
}

enum keeve_result keeve_vat_drop(struct keeve_vat *vat, const char *imported)
{
    return release(vat, KEE_VP_CALL_DROP_IMPORTS, imported, false);
}

enum keeve_result keeve_vat_retire(struct keeve_vat *vat, const char *imported)
{
    return release(vat, KEE_VP_CALL_RETIRE_IMPORTS, imported, false);
}

enum keeve_result keeve_vat_retire_export(struct keeve_vat *vat, const char *exported)
{
    return release(vat, KEE_VP_CALL_RETIRE_EXPORTS, exported, true);
}

enum keeve_result keeve_vat_disown(struct keeve_vat *vat, const char *exported)
{
    return release(vat, KEE_VP_CALL_ABANDON_EXPORTS, exported, true);
}

/* ---- rows ---- */

/* head and name as one key in the crank's arena; data NULL when memory is out. */
static struct kee_bytes make_key(struct keeve_vat *vat, const char *head, const char *name)
{
    struct kee_bytes first = kee_bytes_str(head), second = kee_bytes_str(name);
    uint8_t *key = kee_arena_alloc(&vat->arena, first.size + second.size + 1); /* zeroed: a NUL */

    if (key == NULL) {
        (void)no_memory(vat);
        return kee_bytes_of(NULL, 0);
    }
    memcpy(key, first.data, first.size);
    memcpy(key + first.size, second.data, second.size);
    return kee_bytes_of(key, first.size + second.size);
}

/* Writes *row: the crank's own copy of this row, or NULL if it has not touched it. */
static void find_changed(struct keeve_vat *vat, struct kee_bytes key, struct kee_native_row **row)
{
    struct kee_omap_item *item = kee_omap_get(&vat->rows, key);

    *row = item == NULL ? NULL : KEE_CONTAINER(item, struct kee_native_row, item);
}

static enum keeve_result change(struct keeve_vat *vat, struct kee_bytes key, struct kee_bytes value,
                                bool deletes)
{
    struct kee_bytes copy = kee_arena_copy(&vat->arena, value);
    struct kee_native_row *row;

    find_changed(vat, key, &row);
    if (row == NULL) {
        row = kee_arena_alloc(&vat->arena, sizeof *row);
        if (row != NULL) {
            row->item.key = key;
            if (kee_omap_insert(&vat->rows, &row->item) < 0) {
                kee_fault_clear();
                row = NULL;
            }
        }
    }
    if (row == NULL || copy.data == NULL) {
        return no_memory(vat); /* and with it the crank fails: no row has to be put back */
    }
    row->value = copy;
    row->deletes = deletes;
    return KEEVE_OK;
}

/* Asks the kernel, which answers into row_*. */
static enum keeve_result ask(struct keeve_vat *vat, enum kee_vp_type type, struct kee_bytes key)
{
    struct kee_buf fields = KEE_BUF_EMPTY;
    enum keeve_result r;

    kee_vp_put_string(&fields, key);
    vat->row_came = false;
    r = fields.failed ? no_memory(vat) : kee_native_tell(vat, type, kee_buf_bytes(&fields));
    kee_buf_fini(&fields);
    if (r != KEEVE_OK) {
        return r;
    }
    if (!vat->row_came) {
        return kee_native_fail(vat, KEEVE_FAULT, "the kernel did not answer");
    }
    return vat->row_key.data == NULL || vat->row_value.data == NULL ? no_memory(vat) : KEEVE_OK;
}

static bool is_key(const char *key)
{
    return key != NULL && *key != 0 && strlen(key) <= KEY_BYTES_MAX;
}

static enum keeve_result bad_key(struct keeve_vat *vat)
{
    return kee_native_fail(vat, KEEVE_BAD, "a row's key has 1 to %d bytes", KEY_BYTES_MAX);
}

enum keeve_result keeve_vat_get(struct keeve_vat *vat, const char *key, const void **data,
                                size_t *size)
{
    struct kee_native_row *row;
    struct kee_bytes value, full;
    enum keeve_result r = KEEVE_OK;

    if (!vat->in_crank) {
        return KEEVE_STATE;
    }
    if (!is_key(key)) {
        return bad_key(vat);
    }
    full = make_key(vat, ROWS, key);
    if (full.data == NULL) {
        return KEEVE_MEMORY;
    }
    find_changed(vat, full, &row);
    if (row == NULL) {
        r = ask(vat, KEE_VP_GET, full);
        value = vat->row_value;
        r = r == KEEVE_OK && !vat->row_found ? KEEVE_NO_SUCH : r;
    } else {
        value = row->value;
        r = row->deletes ? KEEVE_NO_SUCH : KEEVE_OK;
    }
    if (r == KEEVE_OK) {
        *data = value.data;
        if (size != NULL) {
            *size = value.size;
        }
    }
    return r;
}

/* The first row of the store after this key that the crank has not touched; data NULL: there is none. */
static enum keeve_result next_stored(struct keeve_vat *vat, struct kee_bytes after,
                                     struct kee_bytes *out)
{
    struct kee_native_row *row;
    enum keeve_result r;

    do {
        r = ask(vat, KEE_VP_NEXT, after);
        if (r != KEEVE_OK) {
            return r;
        }
        after = vat->row_key;
        find_changed(vat, after, &row);
    } while (vat->row_found && row != NULL);
    *out = vat->row_found ? after : kee_bytes_of(NULL, 0);
    return KEEVE_OK;
}

/* The same of the rows that the crank has set. */
static struct kee_bytes next_changed(struct keeve_vat *vat, struct kee_bytes after)
{
    struct kee_omap_item *item = kee_omap_next(&vat->rows, after);

    while (item != NULL && KEE_CONTAINER(item, struct kee_native_row, item)->deletes) {
        item = kee_omap_next(&vat->rows, item->key);
    }
    return item == NULL ? kee_bytes_of(NULL, 0) : item->key;
}

enum keeve_result keeve_vat_next(struct keeve_vat *vat, const char *prefix, const char *after,
                                 const char **key)
{
    struct kee_bytes start, stored, changed, first, head;
    enum keeve_result r;

    if (!vat->in_crank) {
        return KEEVE_STATE;
    }
    if (prefix == NULL || after == NULL || strlen(prefix) > KEY_BYTES_MAX ||
        strlen(after) > KEY_BYTES_MAX) {
        return bad_key(vat);
    }
    head = make_key(vat, ROWS, prefix);
    start = make_key(vat, ROWS, after);
    if (head.data == NULL || start.data == NULL) {
        return KEEVE_MEMORY;
    }
    if (kee_bytes_compare(start, head) < 0) {
        /* The prefix itself may be a key, and is the first of all. */
        const void *data;
        if (*prefix != 0 && (r = keeve_vat_get(vat, prefix, &data, NULL)) != KEEVE_NO_SUCH) {
            *key = (const char *)head.data + strlen(ROWS);
            return r;
        }
        start = head;
    }
    r = next_stored(vat, start, &stored);
    if (r != KEEVE_OK) {
        return r;
    }
    changed = next_changed(vat, start);
    first = stored.data == NULL || (changed.data != NULL && kee_bytes_compare(changed, stored) < 0)
                ? changed
                : stored;
    if (first.data == NULL || !kee_bytes_has_prefix(first, head)) {
        return KEEVE_NO_SUCH;
    }
    *key = (const char *)first.data + strlen(ROWS);
    return KEEVE_OK;
}

enum keeve_result keeve_vat_set(struct keeve_vat *vat, const char *key, const void *data,
                                size_t size)
{
    struct kee_bytes full;

    if (!vat->in_crank) {
        return KEEVE_STATE;
    }
    if (!is_key(key)) {
        return bad_key(vat);
    }
    if (size > KEE_LIMIT_VALUE_BYTES) {
        return kee_native_fail(vat, KEEVE_BAD, "a row's value has at most %u bytes",
                               KEE_LIMIT_VALUE_BYTES);
    }
    full = make_key(vat, ROWS, key);
    return full.data == NULL ? KEEVE_MEMORY : change(vat, full, kee_bytes_of(data, size), false);
}

enum keeve_result keeve_vat_delete(struct keeve_vat *vat, const char *key)
{
    struct kee_bytes full;

    if (!vat->in_crank) {
        return KEEVE_STATE;
    }
    if (!is_key(key)) {
        return bad_key(vat);
    }
    full = make_key(vat, ROWS, key);
    return full.data == NULL ? KEEVE_MEMORY : change(vat, full, kee_bytes_of(NULL, 0), true);
}

static enum keeve_result change_kept(struct keeve_vat *vat, const char *imported, bool deletes)
{
    struct kee_bytes key;

    if (!vat->in_crank) {
        return KEEVE_STATE;
    }
    if (!is_name(imported, KEE_VREF_OBJECT, 0)) {
        return bad_name(vat, "an object of another vat", imported);
    }
    key = make_key(vat, KEPT, imported);
    return key.data == NULL ? KEEVE_MEMORY : change(vat, key, KEE_BYTES_LIT("1"), deletes);
}

enum keeve_result keeve_vat_keep(struct keeve_vat *vat, const char *imported)
{
    return change_kept(vat, imported, false);
}

enum keeve_result keeve_vat_unkeep(struct keeve_vat *vat, const char *imported)
{
    return change_kept(vat, imported, true);
}

/* ---- about itself ---- */

void keeve_vat_log(struct keeve_vat *vat, enum keeve_log_level level, const char *text)
{
    struct kee_buf fields = KEE_BUF_EMPTY;

    if (vat->in_crank) {
        kee_buf_put_u8(&fields, (uint8_t)level);
        kee_vp_put_string(&fields, kee_bytes_str(text));
        if (!fields.failed) {
            (void)kee_native_tell(vat, KEE_VP_LOG, kee_buf_bytes(&fields));
        }
        kee_buf_fini(&fields);
    }
}

const char *keeve_vat_name(const struct keeve_vat *vat)
{
    return vat->name;
}

uint64_t keeve_vat_incarnation(const struct keeve_vat *vat)
{
    return vat->incarnation;
}
