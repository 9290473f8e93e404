/* SPDX-License-Identifier: Apache-2.0 */
#include "probe_rig.h"

#include "cm.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- the program ---- */

struct probe {
    struct probe_rig *fixture;
    char asked[KEEVE_NAME_SIZE], asker[KEEVE_NAME_SIZE]; /* a question under way */
    char later[KEEVE_NAME_SIZE];
};

static int probe_start(void *context, struct keeve_vat *vat, const struct keeve_value *parameters,
                       void **state)
{
    struct probe *probe = calloc(1, sizeof *probe);

    assert_non_null(probe);
    assert_int_equal(keeve_value_kind(parameters), KEEVE_RECORD);
    probe->fixture = context;
    probe->fixture->starts++;
    *state = probe;
    if (keeve_value_member(parameters, "refuse") != NULL) {
        free(probe);
        return keeve_vat_fail(vat, "asked to refuse");
    }
    return 0;
}

static void probe_stop(void *state)
{
    ((struct probe *)state)->fixture->stops++;
    free(state);
}

static const char *text_arg(const struct keeve_message *message, size_t i)
{
    return keeve_value_text(keeve_value_item(message->args, i), NULL);
}

static int do_set(struct keeve_vat *vat, const struct keeve_message *message)
{
    size_t size;
    const char *value = keeve_value_text(keeve_value_item(message->args, 1), &size);

    (void)keeve_vat_set(vat, text_arg(message, 0), value, size);
    return keeve_vat_answer(vat, message, keeve_make_undefined());
}

static int do_get(struct keeve_vat *vat, const struct keeve_message *message)
{
    const void *data;
    size_t size;
    enum keeve_result r = keeve_vat_get(vat, text_arg(message, 0), &data, &size);

    return keeve_vat_answer(
        vat, message, r == KEEVE_OK ? keeve_make_string_sized(data, size) : keeve_make_null());
}

static int do_list(struct keeve_vat *vat, const struct keeve_message *message)
{
    struct keeve_value *keys = keeve_make_array();
    const char *prefix = text_arg(message, 0);
    const char *key = text_arg(message, 1);

    while (keeve_vat_next(vat, prefix, key, &key) == KEEVE_OK) {
        assert_true(keeve_array_add(keys, keeve_make_string(key)));
    }
    return keeve_vat_answer(vat, message, keys);
}

/* Over rows b, d, f, of an earlier crank. */
static int do_muddle(struct keeve_vat *vat, const struct keeve_message *message)
{
    const void *data;
    size_t size = 99;

    assert_int_equal(keeve_vat_set(vat, "m.a", "1", 1), KEEVE_OK);
    assert_int_equal(keeve_vat_set(vat, "m.b", "2", 1), KEEVE_OK);
    assert_int_equal(keeve_vat_delete(vat, "m.d"), KEEVE_OK);
    assert_int_equal(keeve_vat_set(vat, "m.e", "", 0), KEEVE_OK);
    assert_int_equal(keeve_vat_set(vat, "m.z", "1", 1), KEEVE_OK);
    assert_int_equal(keeve_vat_delete(vat, "m.z"), KEEVE_OK);
    assert_int_equal(keeve_vat_delete(vat, "m.nothing"), KEEVE_OK);
    assert_int_equal(keeve_vat_get(vat, "m.b", &data, &size), KEEVE_OK);
    assert_memory_equal(data, "2", 2);
    assert_int_equal(keeve_vat_get(vat, "m.d", &data, &size), KEEVE_NO_SUCH);
    assert_int_equal(keeve_vat_get(vat, "m.e", &data, &size), KEEVE_OK);
    assert_int_equal(size, 0);
    return do_list(vat, message);
}

static int do_ask(struct probe *probe, struct keeve_vat *vat, const struct keeve_message *message)
{
    (void)snprintf(probe->asker, sizeof probe->asker, "%s", message->result);
    (void)keeve_vat_send(vat, text_arg(message, 0), text_arg(message, 1), NULL, probe->asked);
    return (int)keeve_vat_subscribe(vat, probe->asked);
}

static int do_bootstrap(struct keeve_vat *vat, const struct keeve_message *message)
{
    assert_int_equal(keeve_value_kind(keeve_value_item(message->args, 0)), KEEVE_RECORD);
    keeve_vat_log(vat, KEEVE_INFO, "up");
    return keeve_vat_answer(vat, message, keeve_make_ref(message->target));
}

static int do_put(struct keeve_vat *vat, const struct keeve_message *message)
{
    const char *import = text_arg(message, 0);

    (void)keeve_vat_keep(vat, import);
    (void)keeve_vat_set(vat, "kept", import, strlen(import));
    return keeve_vat_answer(vat, message, keeve_make_undefined());
}

static int do_poke(struct probe *probe, struct keeve_vat *vat, const struct keeve_message *message)
{
    const void *data;

    assert_int_equal(keeve_vat_get(vat, "kept", &data, NULL), KEEVE_OK);
    (void)snprintf(probe->asker, sizeof probe->asker, "%s", message->result);
    (void)keeve_vat_send(vat, data, "which", NULL, probe->asked);
    return (int)keeve_vat_subscribe(vat, probe->asked);
}

static int make_object(struct keeve_vat *vat, const struct keeve_message *message, bool durable)
{
    char name[KEEVE_NAME_SIZE];

    if (durable) {
        keeve_ref_durable(10, 1, name);
    } else {
        keeve_ref_object(7, name);
    }
    return keeve_vat_answer(vat, message, keeve_make_ref(name));
}

static int fail_with_row(struct keeve_vat *vat, const struct keeve_message *message)
{
    (void)keeve_vat_set(vat, text_arg(message, 0), "x", 1);
    (void)keeve_vat_fulfil(vat, message->result, NULL);
    return keeve_vat_fail(vat, "as it was told");
}

static int do_trespass(struct probe *probe, struct keeve_vat *vat,
                       const struct keeve_message *message)
{
    struct keeve_kernel *kernel = probe->fixture->kernel;

    probe->fixture->trespassed = keeve_send(kernel, "ko1", "which", NULL, NULL, NULL, NULL);
    assert_int_equal(keeve_turn(kernel), KEEVE_STATE);
    assert_int_equal(keeve_flush(kernel), KEEVE_STATE);
    return keeve_vat_answer(vat, message, keeve_make_undefined());
}

static int probe_message(void *state, struct keeve_vat *vat, const struct keeve_message *message)
{
    struct probe *probe = state;
    const char *method = message->method == NULL ? "(call)" : message->method;

    if (strcmp(method, "bootstrap") == 0) {
        return do_bootstrap(vat, message);
    } else if (strcmp(method, "set") == 0) {
        return do_set(vat, message);
    } else if (strcmp(method, "get") == 0) {
        return do_get(vat, message);
    } else if (strcmp(method, "list") == 0) {
        return do_list(vat, message);
    } else if (strcmp(method, "muddle") == 0) {
        return do_muddle(vat, message);
    } else if (strcmp(method, "fail") == 0) {
        return fail_with_row(vat, message);
    } else if (strcmp(method, "once") == 0 && keeve_vat_incarnation(vat) == 0) {
        return fail_with_row(vat, message);
    } else if (strcmp(method, "once") == 0) {
        return do_get(vat, message);
    } else if (strcmp(method, "make") == 0) {
        return make_object(vat, message, false);
    } else if (strcmp(method, "makeDurable") == 0) {
        return make_object(vat, message, true);
    } else if (strcmp(method, "which") == 0 || strcmp(method, "(call)") == 0) {
        return keeve_vat_answer(vat, message, keeve_make_string(message->target));
    } else if (strcmp(method, "ask") == 0) {
        return do_ask(probe, vat, message);
    } else if (strcmp(method, "later") == 0) {
        (void)snprintf(probe->later, sizeof probe->later, "%s", message->result);
        return 0;
    } else if (strcmp(method, "finish") == 0) {
        (void)keeve_vat_fulfil(vat, probe->later, keeve_value_item(message->args, 0));
        return keeve_vat_answer(vat, message, keeve_make_undefined());
    } else if (strcmp(method, "put") == 0) {
        return do_put(vat, message);
    } else if (strcmp(method, "poke") == 0) {
        return do_poke(probe, vat, message);
    } else if (strcmp(method, "forget") == 0) {
        return keeve_vat_drop(vat, text_arg(message, 0)) == KEEVE_OK
                   ? keeve_vat_answer(vat, message, keeve_make_undefined())
                   : 1;
    } else if (strcmp(method, "exit") == 0) {
        (void)keeve_vat_exit(vat);
        return keeve_vat_answer(vat, message, keeve_make_undefined());
    } else if (strcmp(method, "trespass") == 0) {
        return do_trespass(probe, vat, message);
    }
    return keeve_vat_refuse(vat, message, "TypeError", "no such method");
}

static int probe_notify(void *state, struct keeve_vat *vat, const char *promise, bool rejected,
                        const struct keeve_value *value)
{
    struct probe *probe = state;

    assert_string_equal(promise, probe->asked);
    return (int)(rejected ? keeve_vat_reject(vat, probe->asker, value)
                          : keeve_vat_fulfil(vat, probe->asker, value));
}

static int probe_dropped(void *state, struct keeve_vat *vat, const char *exported)
{
    ((struct probe *)state)->fixture->drops++;
    return (int)keeve_vat_retire_export(vat, exported);
}

static int probe_retired(void *state, struct keeve_vat *vat, const char *exported)
{
    (void)vat;
    (void)exported;
    ((struct probe *)state)->fixture->retires++;
    return 0;
}

static int probe_collect(void *state, struct keeve_vat *vat)
{
    (void)vat;
    ((struct probe *)state)->fixture->collects++;
    return 0;
}

/* ---- the host ---- */

void probe_on_answer(void *context, const struct keeve_answer *answer)
{
    struct probe_heard *heard = context;

    heard->count++;
    heard->status = answer->status;
    (void)snprintf(heard->text, sizeof heard->text, "%s", answer->why == NULL ? "" : answer->why);
    if (answer->value != NULL) {
        (void)keeve_value_to_json(answer->value, heard->text, sizeof heard->text);
        if (keeve_value_kind(answer->value) == KEEVE_REMOTABLE) {
            (void)snprintf(heard->kref, sizeof heard->kref, "%s",
                           keeve_value_text(answer->value, NULL));
        }
    }
    if (answer->root != NULL) {
        (void)snprintf(heard->root, sizeof heard->root, "%s", answer->root);
        (void)snprintf(heard->subcluster, sizeof heard->subcluster, "%s", answer->subcluster);
        heard->warnings = keeve_value_count(answer->warnings);
    }
}

static void on_log(void *context, const char *vat, enum keeve_log_level level, const char *text)
{
    struct probe_rig *fixture = context;

    (void)snprintf(fixture->log, sizeof fixture->log, "%s %d %s", vat, (int)level, text);
}

struct keeve_native probe_program;

static void open_kernel(struct probe_rig *fixture)
{
    struct keeve_options options = {
        .size = sizeof options,
        .directory = fixture->scratch.path,
        .durability = KEEVE_DURABILITY_NORMAL,
        .native_only = true,
        .on_log = on_log,
        .context = fixture,
    };
    struct keeve_error error = {""};

    if (keeve_open(&fixture->kernel, &options, &error) != KEEVE_OK) {
        fail_msg("%s", error.text);
    }
    probe_program = (struct keeve_native){
        .size = sizeof probe_program,
        .name = "probe",
        .context = fixture,
        .start = probe_start,
        .message = probe_message,
        .notify = probe_notify,
        .dropped = probe_dropped,
        .retired = probe_retired,
        .collect = probe_collect,
        .stop = probe_stop,
    };
    assert_int_equal(keeve_register(fixture->kernel, &probe_program), KEEVE_OK);
}

void probe_rig_reopen(struct probe_rig *fixture)
{
    keeve_close(fixture->kernel);
    open_kernel(fixture);
}

void probe_rig_init(struct probe_rig *fixture)
{
    *fixture = (struct probe_rig){0};
    scratch_init_in_memory(&fixture->scratch);
    open_kernel(fixture);
}

void probe_rig_fini(struct probe_rig *fixture)
{
    keeve_close(fixture->kernel);
    assert_int_equal(fixture->starts, fixture->stops);
    scratch_fini(&fixture->scratch);
}

void probe_wait(struct probe_rig *fixture, const struct probe_heard *heard, int count)
{
    for (int i = 0; heard->count < count; i++) {
        assert_true(i < PATIENCE_TURNS);
        assert_int_equal(keeve_wait(fixture->kernel, 1000), KEEVE_OK);
    }
    assert_int_equal(heard->count, count);
}

void probe_launch(struct probe_rig *fixture, const char *config, struct probe_heard *heard)
{
    *heard = (struct probe_heard){0};
    assert_int_equal(keeve_launch(fixture->kernel, config, NULL, probe_on_answer, heard, NULL),
                     KEEVE_OK);
    probe_wait(fixture, heard, 1);
    (void)snprintf(fixture->root, sizeof fixture->root, "%s", heard->root);
}

void probe_send(struct probe_rig *fixture, const char *target, const char *method,
                const char *args_json, struct probe_heard *heard)
{
    struct keeve_value *args = keeve_value_from_json(args_json, NULL, 0);

    *heard = (struct probe_heard){0};
    assert_non_null(args);
    assert_int_equal(
        keeve_send(fixture->kernel, target, method, args, probe_on_answer, heard, NULL), KEEVE_OK);
    keeve_value_free(args);
}

const char *probe_ask(struct probe_rig *fixture, const char *target, const char *method,
                      const char *args_json, struct probe_heard *heard)
{
    probe_send(fixture, target, method, args_json, heard);
    probe_wait(fixture, heard, 1);
    return heard->text;
}

void probe_launch_one(struct probe_rig *fixture)
{
    struct probe_heard heard;

    probe_launch(fixture, ONE_VAT, &heard);
    assert_int_equal(heard.status, KEEVE_ANSWER_FULFILLED);
    assert_string_equal(heard.subcluster, "s1");
    assert_string_equal(heard.kref, heard.root);
    assert_string_equal(fixture->log, "v1 2 up");
}
