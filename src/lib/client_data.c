/* SPDX-License-Identifier: Apache-2.0 */
/* client_data - values on their way, with the references they keep; see client.h. */
#include <stdlib.h>

#include "base/assert.h"
#include "base/fault.h"
#include "lib/client.h"
#include "lib/tree.h"
#include "value/body.h"

struct kee_client_data *kee_client_data_new(enum keeve_answer_status status)
{
    struct kee_client_data *data = calloc(1, sizeof *data);

    if (data == NULL) {
        (void)kee_fault(KEE_FAULT_MEMORY, "a value");
        return NULL;
    }
    data->refs = 1;
    data->status = status;
    return data;
}

void kee_client_data_release(struct keeve_client *client, struct kee_client_data *data)
{
    if (data == NULL || --data->refs > 0) {
        return;
    }
    for (size_t i = 0; i < data->row_count; i++) {
        kee_client_unuse(client, data->rows[i]);
    }
    kee_arena_fini(&data->arena);
    free(data);
}

static void spoil(struct kee_client_data *data, const char *why)
{
    struct kee_bytes text =
        kee_arena_copy(&data->arena, kee_bytes_str(why == NULL ? "out of memory" : why));

    data->status = KEEVE_ANSWER_DECLINED;
    data->why = text.data == NULL ? "out of memory" : (const char *)text.data;
}

static int decode(struct kee_client_data *data, struct kee_buf *why)
{
    struct kee_body body = data->body;
    struct kee_bytes *names = kee_arena_alloc(&data->arena, body.slot_count * sizeof *names);

    if (names == NULL) {
        return kee_fault(KEE_FAULT_MEMORY, "references of a value");
    }
    for (size_t i = 0; i < body.slot_count; i++) {
        names[i] = kee_client_host_name(body.slots[i]);
    }
    body.slots = names;
    return kee_body_decode(body, &data->arena, &data->node, why);
}

const struct kee_value *kee_client_data_node(struct kee_client_data *data)
{
    struct kee_buf why = KEE_BUF_EMPTY;

    if (data->node == NULL && data->status != KEEVE_ANSWER_DECLINED) {
        int r = decode(data, &why);
        if (r != 0) {
            kee_fault_clear();
            data->node = NULL;
            spoil(data, r < 0 ? NULL : kee_buf_cstr(&why));
        }
        kee_buf_fini(&why);
    }
    return data->node;
}

struct kee_client_ref *kee_client_data_row(const struct keeve_client *client,
                                           struct kee_client_data *data)
{
    const struct kee_value *node = data->body.slot_count == 0 ? NULL : kee_client_data_node(data);

    if (node == NULL || (node->kind != KEE_VALUE_REMOTABLE && node->kind != KEE_VALUE_PROMISE)) {
        return NULL;
    }
    return kee_client_find(client, node->as.ref.slot);
}

void kee_client_data_hold(struct kee_client_data *data)
{
    for (size_t i = 0; i < data->row_count; i++) {
        if (data->rows[i]->name.data[1] == '-') {
            data->rows[i]->held = true;
        }
    }
}

static int room_for_rows(struct kee_client_data *data)
{
    data->rows =
        kee_arena_alloc(&data->arena, data->body.slot_count * sizeof(struct kee_client_ref *));
    return data->rows != NULL ? 0 : kee_fault(KEE_FAULT_MEMORY, "references of a value");
}

static void keep_row(struct kee_client_data *data, struct kee_client_ref *row)
{
    kee_client_use(row);
    data->rows[data->row_count++] = row;
}

/* ---- of the host ---- */

/* May the host write this name? An object of its own is there as long as anyone knows it. */
static bool is_known(const struct keeve_client *client, struct kee_bytes name, bool by_host)
{
    const struct kee_client_ref *row = kee_client_find(client, name);

    return kee_client_is_kref(kee_client_host_name(name)) ||
           (row != NULL && (row->held || !by_host || row->kind == KEE_REF_OWN_OBJECT));
}

static enum keeve_result check_names(struct keeve_client *client, const struct kee_body *body,
                                     bool by_host)
{
    for (size_t i = 0; i < body->slot_count; i++) {
        struct kee_bytes name = body->slots[i];
        if (!kee_client_is_name(name)) {
            return kee_client_decline(
                client, KEEVE_BAD, "expected the name of a reference, such as ko3, found \"%.*s\"",
                (int)(name.size < 60 ? name.size : 60), (const char *)name.data);
        }
        if (!is_known(client, name, by_host)) {
            return kee_client_decline(client, KEEVE_NO_SUCH, "%.*s is not held, or not any more",
                                      (int)(name.size < 60 ? name.size : 60),
                                      (const char *)name.data);
        }
    }
    return KEEVE_OK;
}

enum keeve_result kee_client_encode(struct keeve_client *client, const struct kee_value *value,
                                    bool by_host, struct kee_arena *arena, struct kee_body *out)
{
    struct kee_buf why = KEE_BUF_EMPTY;
    enum keeve_result result;
    int r = kee_body_encode(value, arena, out, &why);

    if (r < 0) {
        result = kee_client_no_memory(client);
    } else if (r > 0) {
        result =
            kee_client_decline(client, KEEVE_BAD, "%s", why.failed ? "wrong" : kee_buf_cstr(&why));
    } else {
        result = check_names(client, out, by_host);
    }
    for (size_t i = 0; result == KEEVE_OK && i < out->slot_count; i++) {
        char room[KEEVE_NAME_SIZE];
        struct kee_bytes name = kee_arena_copy(arena, kee_client_wire_name(out->slots[i], room));
        ((struct kee_bytes *)(uintptr_t)out->slots)[i] = name; /* it was the host's */
        result = name.data == NULL ? kee_client_no_memory(client) : KEEVE_OK;
    }
    kee_buf_fini(&why);
    return result;
}

enum keeve_result kee_client_data_of(struct keeve_client *client, const struct kee_value *value,
                                     bool by_host, enum keeve_answer_status status,
                                     struct kee_client_data **out)
{
    struct kee_client_data *data = kee_client_data_new(status);
    enum keeve_result result;

    if (data == NULL) {
        return kee_client_no_memory(client);
    }
    result = kee_client_encode(client, value, by_host, &data->arena, &data->body);
    if (result == KEEVE_OK && room_for_rows(data) < 0) {
        result = kee_client_no_memory(client);
    }
    for (size_t i = 0; result == KEEVE_OK && i < data->body.slot_count; i++) {
        struct kee_bytes name = data->body.slots[i];
        struct kee_client_ref *row = name.data[1] == '-' ? kee_client_add_theirs(client, name)
                                                         : kee_client_find(client, name);
        if (row == NULL) {
            result = kee_client_no_memory(client);
            break;
        }
        keep_row(data, row);
    }
    if (result != KEEVE_OK) {
        kee_client_data_release(client, data);
        return result;
    }
    *out = data;
    return KEEVE_OK;
}

struct kee_client_data *kee_client_data_error(struct keeve_client *client, const char *name,
                                              const char *message)
{
    struct kee_value error = {
        .kind = KEE_VALUE_ERROR,
        .as.error = {.name = kee_bytes_str(name), .message = kee_bytes_str(message)}};
    struct kee_client_data *data = NULL;

    return kee_client_data_of(client, &error, false, KEEVE_ANSWER_REJECTED, &data) == KEEVE_OK
               ? data
               : NULL;
}

/* ---- of the other side ---- */

/* The name as the host writes it: their + is our -. */
static struct kee_bytes turned(struct kee_arena *arena, struct kee_bytes slot)
{
    struct kee_bytes copy = kee_arena_copy(arena, slot);

    if (copy.data != NULL) {
        ((uint8_t *)(uintptr_t)copy.data)[1] = copy.data[1] == '+' ? '-' : '+';
    }
    return copy;
}

int kee_client_data_read(struct keeve_client *client, struct kee_body body,
                         struct kee_client_data *data)
{
    struct kee_bytes *names = kee_arena_alloc(&data->arena, body.slot_count * sizeof *names);
    int r = 0;

    data->body = body;
    data->body.slots = names;
    if (names == NULL || room_for_rows(data) < 0) {
        return kee_fault(KEE_FAULT_MEMORY, "references of a message");
    }
    for (size_t i = 0; i < body.slot_count; i++) {
        struct kee_client_ref *row = NULL;
        bool is_slot = kee_captp_is_slot(body.slots[i]);
        names[i] = is_slot ? turned(&data->arena, body.slots[i]) : body.slots[i];
        if (names[i].data == NULL) {
            return kee_fault(KEE_FAULT_MEMORY, "a reference of a message");
        }
        if (is_slot && names[i].data[1] == '-') {
            row = kee_client_add_theirs(client, names[i]);
            if (row == NULL) {
                return KEE_FAULT_MEMORY;
            }
            row->mentions++;
        } else if (is_slot) {
            row = kee_client_find(client, names[i]);
        }
        if (row != NULL) {
            keep_row(data, row);
        } else if (r == 0) {
            kee_buf_clear(&client->why);
            kee_buf_printf(&client->why, "expected the name of a reference, found \"%.*s\"",
                           (int)(body.slots[i].size < 60 ? body.slots[i].size : 60),
                           (const char *)body.slots[i].data);
            spoil(data, kee_buf_cstr(&client->why));
            r = KEE_CAPTP_BAD;
        }
    }
    return r;
}
