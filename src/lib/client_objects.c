/* SPDX-License-Identifier: Apache-2.0 */
/* client_objects - a host's own objects and promises; see keeve/client.h. */
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/fault.h"
#include "lib/client.h"
#include "lib/tree.h"

enum keeve_result keeve_client_export(struct keeve_client *client, keeve_deliver_fn *deliver,
                                      keeve_gone_fn *gone, void *context,
                                      char object[KEEVE_NAME_SIZE])
{
    enum keeve_result status = kee_client_may(client);
    struct kee_client_event *event = NULL;
    struct kee_client_ref *row;

    if (status != KEEVE_OK) {
        return status;
    }
    if (gone != NULL) {
        event = calloc(1, sizeof *event);
        if (event == NULL) {
            return kee_client_no_memory(client);
        }
        event->kind = KEE_EVENT_GONE;
        event->gone = gone;
        event->context = context;
        kee_list_init(&event->link);
        kee_list_init(&event->waiting);
    }
    row = kee_client_add_own(client, KEE_REF_OWN_OBJECT);
    if (row == NULL) {
        free(event);
        return kee_client_no_memory(client);
    }
    row->as.object.deliver = deliver;
    row->as.object.context = context;
    row->as.object.gone = event;
    kee_list_append(&client->objects, &row->as.object.link);
    row->held = true;
    (void)snprintf(object, KEEVE_NAME_SIZE, "%s", (const char *)row->name.data);
    return KEEVE_OK;
}

enum keeve_result keeve_client_offer(struct keeve_client *client, const char *object)
{
    struct kee_client_ref *row =
        object == NULL ? NULL : kee_client_find(client, kee_bytes_str(object));

    if (row == NULL || row->kind != KEE_REF_OWN_OBJECT) {
        return kee_client_decline(client, KEEVE_NO_SUCH, "%.60s is no object of this side",
                                  object == NULL ? "nothing" : object);
    }
    kee_client_use(row);
    if (client->offered != NULL) {
        kee_client_unuse(client, client->offered);
    }
    client->offered = row;
    kee_client_sweep(client);
    return KEEVE_OK;
}

enum keeve_result keeve_client_new_promise(struct keeve_client *client,
                                           char promise[KEEVE_NAME_SIZE])
{
    enum keeve_result status = kee_client_may(client);
    struct kee_client_ref *row;

    if (status != KEEVE_OK) {
        return status;
    }
    row = kee_client_add_own(client, KEE_REF_OWN_PROMISE);
    if (row == NULL) {
        return kee_client_no_memory(client);
    }
    row->held = row->as.promise.host_settles = true;
    (void)snprintf(promise, KEEVE_NAME_SIZE, "%s", (const char *)row->name.data);
    return KEEVE_OK;
}

static enum keeve_result find_to_settle(struct keeve_client *client, const char *promise,
                                        struct kee_client_ref **out)
{
    enum keeve_result status = kee_client_may(client);

    if (status != KEEVE_OK) {
        return status;
    }
    *out = promise == NULL ? NULL : kee_client_find(client, kee_bytes_str(promise));
    if (*out == NULL || (*out)->kind != KEE_REF_OWN_PROMISE || !(*out)->as.promise.host_settles) {
        return kee_client_decline(client, KEEVE_NO_SUCH,
                                  "expected a promise that is to be settled here, found \"%.60s\"",
                                  promise == NULL ? "" : promise);
    }
    return KEEVE_OK;
}

static enum keeve_result settle(struct keeve_client *client, const char *promise,
                                const struct keeve_value *value, enum keeve_answer_status how)
{
    static const struct kee_value undefined = {.kind = KEE_VALUE_UNDEFINED};
    struct kee_client_ref *row = NULL;
    struct kee_client_data *data = NULL;
    enum keeve_result status = find_to_settle(client, promise, &row);

    if (status == KEEVE_OK) {
        status = kee_client_data_of(client, value == NULL ? &undefined : kee_tree_node(value), true,
                                    how, &data);
    }
    if (status == KEEVE_OK && how == KEEVE_ANSWER_FULFILLED) {
        struct kee_client_ref *to = kee_client_data_row(client, data);
        if (to != NULL && kee_client_is_promise(to) && kee_client_would_circle(row, to)) {
            status = kee_client_decline(client, KEEVE_BAD,
                                        "%s cannot become what it becomes itself", promise);
        }
    }
    if (status == KEEVE_OK) {
        kee_assert(row != NULL && data != NULL);
        row->as.promise.host_settles = false;
        if (row->as.promise.of_delivery) {
            row->held = false;
        }
        kee_client_settle(client, row, data);
        kee_client_idle(client, row);
    }
    kee_client_data_release(client, data);
    kee_client_drain(client);
    kee_client_sweep(client);
    return status;
}

enum keeve_result keeve_client_fulfil(struct keeve_client *client, const char *promise,
                                      const struct keeve_value *value)
{
    return settle(client, promise, value, KEEVE_ANSWER_FULFILLED);
}

enum keeve_result keeve_client_reject(struct keeve_client *client, const char *promise,
                                      const struct keeve_value *value)
{
    return settle(client, promise, value, KEEVE_ANSWER_REJECTED);
}

enum keeve_result keeve_client_refuse(struct keeve_client *client,
                                      const struct keeve_delivery *delivery, const char *name,
                                      const char *text)
{
    struct keeve_value *error = keeve_make_error(name, text);
    enum keeve_result status = error == NULL ? kee_client_no_memory(client)
                                             : keeve_client_reject(client, delivery->result, error);

    keeve_value_free(error);
    return status;
}

enum keeve_result keeve_client_answer(struct keeve_client *client,
                                      const struct keeve_delivery *delivery,
                                      struct keeve_value *value)
{
    enum keeve_result status = value == NULL ? kee_client_no_memory(client)
                                             : keeve_client_fulfil(client, delivery->result, value);

    keeve_value_free(value);
    if (status != KEEVE_OK && status != KEEVE_LOST) {
        struct kee_buf why = KEE_BUF_EMPTY;
        kee_buf_put_str(&why, keeve_client_why(client)); /* refusing may change it */
        (void)keeve_client_refuse(client, delivery, "Error",
                                  kee_buf_cstr(&why) == NULL ? "out of memory"
                                                             : kee_buf_cstr(&why));
        (void)kee_client_decline(client, status, "%s",
                                 kee_buf_cstr(&why) == NULL ? "" : kee_buf_cstr(&why));
        kee_buf_fini(&why);
    }
    return status;
}
