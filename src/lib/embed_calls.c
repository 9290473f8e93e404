/* SPDX-License-Identifier: Apache-2.0 */
/* embed_calls - launches, messages and their answers; see keeve/keeve.h. */
#include <stdio.h>
#include <stdlib.h>

#include "base/fault.h"
#include "lib/config.h"
#include "lib/embed.h"
#include "lib/tree.h"
#include "value/body.h"

static void free_call(struct kee_embed_call *call)
{
    kee_list_remove(&call->link);
    keeve_value_free(call->warnings);
    kee_arena_fini(&call->arena);
    free(call);
}

/* For a host that does not want to know what always has an answer. */
static void ignore(void *context, const struct keeve_answer *answer)
{
    (void)context;
    (void)answer;
}

static struct kee_embed_call *new_call(keeve_answer_fn *fn, void *context)
{
    struct kee_embed_call *call = calloc(1, sizeof *call);

    if (call != NULL) {
        kee_list_init(&call->link);
        call->fn = fn == NULL ? ignore : fn;
        call->context = context;
    }
    return call;
}

/* One with a number, in the map. NULL: memory is out. */
static struct kee_embed_call *add_call(struct keeve_kernel *kernel, keeve_answer_fn *fn,
                                       void *context)
{
    struct kee_embed_call *call = new_call(fn, context);

    if (call != NULL) {
        call->number = ++kernel->call_last;
        if (kee_map_put(&kernel->calls, call->number, call) < 0) {
            free_call(call);
            return NULL;
        }
    }
    return call;
}

static void take_back(struct keeve_kernel *kernel, struct kee_embed_call *call)
{
    (void)kee_map_remove(&kernel->calls, call->number);
    free_call(call);
}

void keeve_cancel(struct keeve_kernel *kernel, uint64_t number)
{
    struct kee_embed_call *call = kee_map_get(&kernel->calls, number);

    if (call != NULL) {
        if (kernel->core.fault == 0) {
            kee_kernel_forget_call(kernel->core.kernel, number);
        }
        take_back(kernel, call);
        return;
    }
    for (struct kee_link *link = kernel->told.next; link != &kernel->told; link = link->next) {
        call = KEE_CONTAINER(link, struct kee_embed_call, link);
        if (call->number == number) {
            free_call(call);
            return;
        }
    }
}

/* ---- answers ---- */

/* An answer whose body cannot be read is told as one that did not come. */
static void unreadable(struct kee_embed_call *call, const char *why)
{
    struct kee_bytes text = kee_arena_copy(&call->arena, kee_bytes_str(why));

    call->answer.status = KEEVE_ANSWER_DECLINED;
    call->answer.value = NULL;
    call->answer.why = text.data == NULL ? "out of memory" : (const char *)text.data;
}

static void read_value(struct kee_embed_call *call, struct kee_vp_capdata data)
{
    struct kee_bytes *slots =
        kee_arena_alloc(&call->arena, (size_t)data.slots.count * sizeof *slots);
    struct kee_body body = {.text = data.body, .slots = slots, .slot_count = data.slots.count};
    struct kee_buf why = KEE_BUF_EMPTY;
    struct kee_value *value = NULL;
    int r = slots == NULL ? KEE_FAULT_MEMORY : 0;

    for (size_t i = 0; r == 0 && i < body.slot_count; i++) {
        (void)kee_vp_strings_next(&data.slots, &slots[i]);
        slots[i] = kee_arena_copy(&call->arena, slots[i]);
        r = slots[i].data == NULL ? KEE_FAULT_MEMORY : 0;
    }
    if (r == 0) {
        call->slots = slots;
        call->slot_count = body.slot_count;
        r = kee_body_decode(body, &call->arena, &value, &why);
    }
    if (r != 0) {
        kee_fault_clear();
        unreadable(call, r < 0 || why.failed ? "out of memory" : kee_buf_cstr(&why));
    } else {
        call->answer.value = kee_tree_show(value);
    }
    kee_buf_fini(&why);
}

static void name_launched(struct kee_embed_call *call, const struct kee_answer *answer)
{
    struct kee_buf root = KEE_BUF_EMPTY;

    if (call->warnings == NULL || answer->status == KEE_ANSWER_DECLINED) {
        return;
    }
    (void)snprintf(call->subcluster, sizeof call->subcluster, "s%llu",
                   (unsigned long long)answer->subcluster.n);
    kee_buf_put_kref(&root, answer->root);
    if (kee_buf_cstr(&root) != NULL) {
        (void)snprintf(call->root, sizeof call->root, "%s", kee_buf_cstr(&root));
    }
    kee_buf_fini(&root);
    call->answer.subcluster = call->subcluster;
    call->answer.root = call->root;
    call->answer.warnings = call->warnings;
}

void kee_embed_answer(struct keeve_kernel *kernel, uint64_t number, const struct kee_answer *answer)
{
    struct kee_embed_call *call = kee_map_remove(&kernel->calls, number);

    if (call == NULL) {
        return;
    }
    if (answer->status == KEE_ANSWER_DECLINED) {
        unreadable(call, answer->why);
    } else {
        call->answer.status =
            answer->status == KEE_ANSWER_FULFILLED ? KEEVE_ANSWER_FULFILLED : KEEVE_ANSWER_REJECTED;
        read_value(call, answer->data);
    }
    name_launched(call, answer);
    kee_list_append(&kernel->told, &call->link);
}

bool kee_embed_names(const struct keeve_kernel *kernel, const char *kref)
{
    for (struct kee_link *link = kernel->told.next; link != &kernel->told; link = link->next) {
        const struct kee_embed_call *call = KEE_CONTAINER(link, struct kee_embed_call, link);
        for (size_t i = 0; i < call->slot_count; i++) {
            if (kee_bytes_equal(call->slots[i], kee_bytes_str(kref))) {
                return true;
            }
        }
    }
    return false;
}

void kee_embed_tell(struct keeve_kernel *kernel)
{
    kernel->in_callback = true;
    while (!kee_list_is_empty(&kernel->told)) {
        struct kee_embed_call *call = KEE_CONTAINER(kernel->told.next, struct kee_embed_call, link);
        kee_list_remove(&call->link);
        call->fn(call->context, &call->answer);
        free_call(call);
    }
    kernel->in_callback = false;
}

void kee_embed_lose(struct keeve_kernel *kernel, const char *why)
{
    struct kee_embed_call *call;
    size_t at = 0;

    while ((call = kee_map_next(&kernel->calls, &at)) != NULL) {
        (void)kee_map_remove(&kernel->calls, call->number);
        kee_list_append(&kernel->durables, &call->link);
        at = 0; /* removing moves cells */
    }
    while (!kee_list_is_empty(&kernel->durables)) {
        call = KEE_CONTAINER(kernel->durables.next, struct kee_embed_call, link);
        kee_list_remove(&call->link);
        call->answer = (struct keeve_answer){.status = KEEVE_ANSWER_LOST, .why = why};
        kee_list_append(&kernel->told, &call->link);
    }
    kee_embed_tell(kernel);
}

void kee_embed_durable(struct keeve_kernel *kernel, uint64_t batch)
{
    static const struct kee_value undefined = {.kind = KEE_VALUE_UNDEFINED};

    while (!kee_list_is_empty(&kernel->durables)) {
        struct kee_embed_call *call =
            KEE_CONTAINER(kernel->durables.next, struct kee_embed_call, link);
        if (call->batch > batch) {
            break;
        }
        kee_list_remove(&call->link);
        call->answer = (struct keeve_answer){.status = KEEVE_ANSWER_FULFILLED,
                                             .value = kee_tree_show(&undefined)};
        kee_list_append(&kernel->told, &call->link);
    }
}

enum keeve_result keeve_when_durable(struct keeve_kernel *kernel, keeve_answer_fn *fn,
                                     void *context)
{
    enum keeve_result result = kee_embed_may(kernel);
    struct kee_embed_call *call;

    if (result != KEEVE_OK) {
        return result;
    }
    call = new_call(fn, context);
    if (call == NULL) {
        return kee_embed_no_memory(kernel);
    }
    call->batch = kee_world_filling(kernel->core.world);
    kee_list_append(&kernel->durables, &call->link);
    kernel->stirred = true;
    return KEEVE_OK;
}

/* ---- sending ---- */

static void put_slots(struct kee_buf *out, struct kee_vp_capdata *data, const struct kee_body *body)
{
    for (size_t i = 0; i < body->slot_count; i++) {
        kee_vp_put_string(out, body->slots[i]);
    }
    data->body = body->text;
    data->slots = (struct kee_vp_strings){kee_buf_bytes(out), (uint32_t)body->slot_count};
}

/* [method, args] as a body in the arena. */
static enum keeve_result encode(struct keeve_kernel *kernel, const char *method,
                                const struct keeve_value *args, struct kee_arena *arena,
                                struct kee_body *body)
{
    struct kee_value none = {.kind = KEE_VALUE_ARRAY};
    struct kee_value name = {.kind = KEE_VALUE_UNDEFINED};
    struct kee_value *items[2] = {&name, &none};
    struct kee_value pair = {.kind = KEE_VALUE_ARRAY, .as.array = {items, 2}};
    struct kee_buf why = KEE_BUF_EMPTY;
    enum keeve_result result = KEEVE_OK;
    int r;

    if (method != NULL) {
        name.kind = strncmp(method, "@@", 2) == 0 ? KEE_VALUE_SYMBOL : KEE_VALUE_STRING;
        name.as.text = kee_bytes_str(method);
        if (!kee_tree_is_utf8(name.as.text)) {
            return kee_embed_decline(kernel, KEEVE_BAD, "the name of a method is not UTF-8");
        }
    }
    if (args != NULL && keeve_value_kind(args) != KEEVE_ARRAY) {
        return kee_embed_decline(kernel, KEEVE_BAD, "arguments: expected an array, found %s",
                                 keeve_kind_name(keeve_value_kind(args)));
    }
    if (args != NULL) {
        items[1] = (struct kee_value *)(void *)kee_tree_node(args); /* only read */
    }
    r = kee_body_encode(&pair, arena, body, &why);
    if (r < 0) {
        result = kee_embed_no_memory(kernel);
    } else if (r > 0) {
        result = kee_embed_decline(kernel, KEEVE_BAD, "arguments: %s",
                                   why.failed ? "wrong" : kee_buf_cstr(&why));
    }
    kee_buf_fini(&why);
    return result;
}

/* What the kernel said to a call: if it declined, nobody waits. */
static enum keeve_result settle_call(struct keeve_kernel *kernel, struct kee_embed_call *call,
                                     int r, uint64_t *number)
{
    if (r != 0 && call != NULL) {
        take_back(kernel, call);
    } else if (r == 0 && number != NULL) {
        *number = call == NULL ? 0 : call->number;
    }
    return kee_embed_fold(kernel, r);
}

enum keeve_result keeve_send(struct keeve_kernel *kernel, const char *target, const char *method,
                             const struct keeve_value *args, keeve_answer_fn *fn, void *context,
                             uint64_t *number)
{
    struct kee_arena arena = KEE_ARENA_EMPTY;
    struct kee_buf slots = KEE_BUF_EMPTY;
    struct kee_vp_capdata methargs;
    struct kee_embed_call *call = NULL;
    struct kee_kref kref;
    struct kee_body body;
    enum keeve_result result = kee_embed_kref(kernel, target, &kref);

    if (result != KEEVE_OK) {
        return result;
    }
    result = encode(kernel, method, args, &arena, &body);
    if (result == KEEVE_OK) {
        put_slots(&slots, &methargs, &body);
        call = fn == NULL ? NULL : add_call(kernel, fn, context);
        if (slots.failed || (fn != NULL && call == NULL)) {
            if (call != NULL) {
                take_back(kernel, call);
            }
            result = kee_embed_no_memory(kernel);
        } else {
            result = settle_call(kernel, call,
                                 kee_kernel_send(kernel->core.kernel, kref, methargs,
                                                 call == NULL ? 0 : call->number),
                                 number);
        }
    }
    kee_buf_fini(&slots);
    kee_arena_fini(&arena);
    return result;
}

/* The warnings of a configuration as an array of strings. */
static struct keeve_value *warnings_of(const json_t *json)
{
    struct keeve_value *array = keeve_make_array();
    const json_t *item;
    size_t index;

    json_array_foreach(json, index, item)
    {
        if (!keeve_array_add(array, keeve_make_string(json_string_value(item)))) {
            keeve_value_free(array);
            return NULL;
        }
    }
    return array;
}

static enum keeve_result launch(struct keeve_kernel *kernel, const struct kee_config *config,
                                keeve_answer_fn *fn, void *context, uint64_t *number)
{
    struct kee_embed_call *call = add_call(kernel, fn, context);

    if (call == NULL || (call->warnings = warnings_of(config->warnings)) == NULL) {
        if (call != NULL) {
            take_back(kernel, call);
        }
        return kee_embed_no_memory(kernel);
    }
    return settle_call(kernel, call,
                       kee_kernel_launch(kernel->core.kernel, &config->launch, call->number),
                       number);
}

enum keeve_result keeve_launch(struct keeve_kernel *kernel, const char *config,
                               const char *directory, keeve_answer_fn *fn, void *context,
                               uint64_t *call)
{
    enum keeve_result result = kee_embed_may(kernel);
    struct kee_buf why = KEE_BUF_EMPTY;
    struct kee_config read;
    json_error_t error;
    json_t *json;
    int r;

    if (result != KEEVE_OK) {
        return result;
    }
    json = config == NULL ? NULL : json_loads(config, JSON_REJECT_DUPLICATES, &error);
    if (json == NULL) {
        return kee_embed_decline(kernel, KEEVE_BAD, "configuration: expected JSON, found %s",
                                 config == NULL ? "none" : error.text);
    }
    if (directory != NULL && *directory != '/') {
        json_decref(json);
        return kee_embed_decline(kernel, KEEVE_BAD, "directory: expected an absolute path");
    }
    r = kee_config_read(&read, json, directory, &why);
    if (r < 0) {
        result = kee_embed_no_memory(kernel);
    } else if (r > 0) {
        result = kee_embed_decline(kernel, KEEVE_BAD, "%s",
                                   why.failed ? "configuration" : kee_buf_cstr(&why));
    } else if (read.channel_count > 0) {
        result = kee_embed_decline(kernel, KEEVE_BAD,
                                   "configuration, io: only a daemon has channels to give");
    } else {
        result = launch(kernel, &read, fn, context, call);
    }
    kee_config_fini(&read);
    kee_buf_fini(&why);
    json_decref(json);
    return result;
}
