/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client - what a client in C hears: each line of the input is a text of the other side. In between the
 * host does what hosts do, led by the first byte of the input: answers deliveries with what it was shown,
 * sends to it, waits for it, drops it. Every call that was accepted must be told once.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/fault.h"
#include "lib/client.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct host {
    unsigned act;
    long due, told;
    char ref[KEEVE_NAME_SIZE];    /* the one shown last */
    char result[KEEVE_NAME_SIZE]; /* of the last delivery */
    long objects, gone;
};

static int emit(void *context, struct kee_bytes text)
{
    (void)context;
    kee_assert(text.size > 2 && text.data[0] == '{' && text.data[text.size - 1] == '}');
    kee_assert(memchr(text.data, '\n', text.size) == NULL);
    return 0;
}

static void look(struct host *host, const struct keeve_value *value)
{
    enum keeve_kind kind = keeve_value_kind(value);

    if (kind == KEEVE_REMOTABLE || kind == KEEVE_PROMISE) {
        (void)snprintf(host->ref, sizeof host->ref, "%s", keeve_value_text(value, NULL));
    }
    for (size_t i = 0; i < keeve_value_count(value); i++) {
        look(host, keeve_value_item(value, i));
    }
}

static void on_answer(void *context, const struct keeve_answer *answer)
{
    struct host *host = context;

    host->told++;
    kee_assert((answer->value == NULL) ==
               (answer->status == KEEVE_ANSWER_DECLINED || answer->status == KEEVE_ANSWER_LOST));
    look(host, answer->value);
}

static void on_gone(void *context)
{
    ((struct host *)context)->gone++;
}

static void deliver(void *context, struct keeve_client *client,
                    const struct keeve_delivery *delivery)
{
    struct host *host = context;

    kee_assert(keeve_value_kind(delivery->args) == KEEVE_ARRAY);
    look(host, delivery->args);
    (void)snprintf(host->result, sizeof host->result, "%s", delivery->result);
    if ((host->act & 1) != 0) {
        (void)keeve_client_answer(client, delivery, keeve_value_copy(delivery->args));
    }
    if ((host->act & 2) != 0) {
        keeve_client_drop_all(client, delivery->args);
    }
}

static void act(struct keeve_client *client, struct host *host)
{
    struct keeve_value *ref = keeve_make_ref(host->ref);
    struct keeve_value *args = keeve_make_array_of(1, keeve_make_ref(host->ref));
    char name[KEEVE_NAME_SIZE];

    host->act = host->act * 5 + 3;
    switch (host->act >> 3 & 7) {
    case 0:
        host->due +=
            keeve_client_send(client, host->ref, "m", args, on_answer, host, host->ref) == KEEVE_OK;
        break;
    case 1:
        host->due += keeve_client_when(client, host->ref, on_answer, host) == KEEVE_OK;
        break;
    case 2:
        (void)keeve_client_drop(client, host->ref);
        break;
    case 3:
        (void)keeve_client_fulfil(client, host->result, ref);
        break;
    case 4:
        (void)keeve_client_reject(client, host->result, args);
        break;
    case 5:
        if (keeve_client_new_promise(client, name) == KEEVE_OK) {
            (void)snprintf(host->result, sizeof host->result, "%s", name);
            (void)snprintf(host->ref, sizeof host->ref, "%s", name);
        }
        break;
    case 6:
        host->due += keeve_client_get(client, host->ref, "a", on_answer, host, NULL) == KEEVE_OK;
        break;
    default:
        if (keeve_client_export(client, deliver, on_gone, host, host->ref) == KEEVE_OK) {
            host->objects++;
        }
        break;
    }
    keeve_value_free(ref);
    keeve_value_free(args);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct host host = {.act = size > 0 ? data[0] : 0, .ref = "ko1"};
    struct kee_bytes rest = kee_bytes_of(data, size);
    struct keeve_client *client = NULL;
    char object[KEEVE_NAME_SIZE];

    kee_assert(kee_client_new(&client, emit, NULL) == 0);
    kee_assert(keeve_client_export(client, deliver, on_gone, &host, object) == KEEVE_OK);
    kee_assert(keeve_client_offer(client, object) == KEEVE_OK);
    host.objects = 1;
    host.due = keeve_client_bootstrap(client, on_answer, &host, NULL) == KEEVE_OK;
    while (rest.size > 0) {
        struct kee_bytes line = kee_bytes_cut(&rest, '\n');
        if (kee_bytes_is_utf8(line)) {
            kee_client_receive(client, line);
            act(client, &host);
            kee_client_tell(client);
        }
    }
    kee_client_break(client, "the end");
    kee_client_tell(client);
    kee_client_free(client);
    kee_assert(host.told == host.due);
    kee_assert(host.gone == host.objects);
    kee_fault_clear();
    return 0;
}
