/* SPDX-License-Identifier: Apache-2.0 */
/* trace - typed events for whoever looks: the kernel says what happened, programs print it. */
#include <stdio.h>

#include "kernel/internal.h"

void kee_event_begin(struct kee_event *event, const char *kind)
{
    event->record.kind = kind;
    event->record.count = 0;
    event->used = 0;
}

static void add(struct kee_event *event, const char *name, struct kee_bytes value, bool is_number)
{
    kee_assert(event->record.count < KEE_RECORD_FIELDS_MAX);
    event->record.fields[event->record.count++] =
        (struct kee_field){.name = name, .value = value, .is_number = is_number};
}

void kee_event_text(struct kee_event *event, const char *name, struct kee_bytes value)
{
    if (value.size > 0) {
        add(event, name, value, false);
    }
}

static char *room(struct kee_event *event)
{
    kee_assert(event->used < sizeof event->text / sizeof *event->text);
    return event->text[event->used++];
}

void kee_event_number(struct kee_event *event, const char *name, uint64_t n)
{
    char *text = room(event);

    (void)snprintf(text, sizeof event->text[0], "%llu", (unsigned long long)n);
    add(event, name, kee_bytes_str(text), true);
}

void kee_event_id(struct kee_event *event, const char *name, char letter, uint64_t n)
{
    char *text = room(event);

    (void)snprintf(text, sizeof event->text[0], "%c%llu", letter, (unsigned long long)n);
    add(event, name, kee_bytes_str(text), false);
}

void kee_event_endpoint(struct kee_event *event, const char *name, struct kee_endpoint_id id)
{
    if (!kee_endpoint_is_none(id)) {
        kee_event_id(event, name, kee_endpoint_peer(id).n != 0 ? 'r' : 'v', id.bits / 2);
    }
}

void kee_event_kref(struct kee_event *event, const char *name, struct kee_kref kref)
{
    static const char letters[] = {'o', 'p', 'd'};
    char *text;

    if (kee_kref_is_none(kref)) {
        return;
    }
    text = room(event);
    (void)snprintf(text, sizeof event->text[0], "k%c%llu", letters[kee_kref_kind(kref)],
                   (unsigned long long)kee_kref_number(kref));
    add(event, name, kee_bytes_str(text), false);
}

void kee_event_emit(struct kee_kernel *kernel, struct kee_event *event)
{
    if (kernel->tracing) {
        kernel->host->trace(kernel->host->context, &event->record);
    }
}

struct kee_bytes kee_methargs_method(struct kee_bytes body)
{
    struct kee_bytes name;

    if (body.size > 0 && body.data[0] == '#') {
        body = kee_bytes_of(body.data + 1, body.size - 1);
    }
    if (!kee_bytes_has_prefix(body, KEE_BYTES_LIT("[\""))) {
        return kee_bytes_of(NULL, 0);
    }
    body = kee_bytes_of(body.data + 2, body.size - 2);
    name = kee_bytes_cut(&body, '"');
    return name;
}
