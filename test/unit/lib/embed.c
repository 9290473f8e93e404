/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of keeve/keeve.h and keeve/vat.h: a kernel in this program, with vats in C alone.
 *
 * The vats are of one program, "probe", whose methods do what the tests want to see:
 *   bootstrap(vats)      answers its root, and keeps what it was given
 *   set(k, v) get(k)     rows            list(prefix, after)   the keys behind after
 *   muddle()             a crank with sets and deletes over rows of before; answers what next() shows
 *   fail(k)              sets a row and fails              once(k)  fails in the first incarnation only
 *   make() makeDurable() exports an object: o+7, o+d10/1   which()  the target's own name
 *   ask(obj, method)     asks and answers with the answer  later()  answers with nothing yet
 *   finish(v)            settles what later() left         put(obj) keeps an import over restarts
 *   poke()               sends to it                       trespass() calls keeve.h from inside
 */
#include "cm.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "keeve/keeve.h"
#include "keeve/vat.h"
#include "scratch.h"

#define PATIENCE_TURNS 100000

struct fixture {
    struct scratch scratch;
    struct keeve_kernel *kernel;
    char root[KEEVE_NAME_SIZE]; /* of the latest launch */
    int stops, starts, drops, retires, collects;
    char log[200];
    enum keeve_result trespassed;
};

/* ---- the program ---- */

struct probe {
    struct fixture *fixture;
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

struct heard {
    int count;
    enum keeve_answer_status status;
    char text[600]; /* the value as JSON, or why */
    char root[KEEVE_NAME_SIZE], subcluster[KEEVE_NAME_SIZE], kref[KEEVE_NAME_SIZE];
    size_t warnings;
};

static void on_answer(void *context, const struct keeve_answer *answer)
{
    struct heard *heard = context;

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
    struct fixture *fixture = context;

    (void)snprintf(fixture->log, sizeof fixture->log, "%s %d %s", vat, (int)level, text);
}

static struct keeve_native program; /* its context is the fixture of the test that runs */

static void open_kernel(struct fixture *fixture)
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
    program = (struct keeve_native){
        .size = sizeof program,
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
    assert_int_equal(keeve_register(fixture->kernel, &program), KEEVE_OK);
}

static void reopen(struct fixture *fixture)
{
    keeve_close(fixture->kernel);
    open_kernel(fixture);
}

static void fixture_init(struct fixture *fixture)
{
    *fixture = (struct fixture){0};
    scratch_init_in_memory(&fixture->scratch);
    open_kernel(fixture);
}

static void fixture_fini(struct fixture *fixture)
{
    keeve_close(fixture->kernel);
    assert_int_equal(fixture->starts, fixture->stops);
    scratch_fini(&fixture->scratch);
}

static void wait_for(struct fixture *fixture, const struct heard *heard, int count)
{
    for (int i = 0; heard->count < count; i++) {
        assert_true(i < PATIENCE_TURNS);
        assert_int_equal(keeve_wait(fixture->kernel, 1000), KEEVE_OK);
    }
    assert_int_equal(heard->count, count);
}

static void launch(struct fixture *fixture, const char *config, struct heard *heard)
{
    *heard = (struct heard){0};
    assert_int_equal(keeve_launch(fixture->kernel, config, NULL, on_answer, heard, NULL), KEEVE_OK);
    wait_for(fixture, heard, 1);
    (void)snprintf(fixture->root, sizeof fixture->root, "%s", heard->root);
}

#define PROBE "{\"bundleName\":\"probe\",\"creationOptions\":{\"flavour\":\"native\"}"
#define ONE_VAT "{\"bootstrap\":\"a\",\"vats\":{\"a\":" PROBE "}}}"
#define TWO_VATS "{\"bootstrap\":\"a\",\"vats\":{\"a\":" PROBE "},\"b\":" PROBE "}}}"

static void send_json(struct fixture *fixture, const char *target, const char *method,
                      const char *args_json, struct heard *heard)
{
    struct keeve_value *args = keeve_value_from_json(args_json, NULL, 0);

    *heard = (struct heard){0};
    assert_non_null(args);
    assert_int_equal(keeve_send(fixture->kernel, target, method, args, on_answer, heard, NULL),
                     KEEVE_OK);
    keeve_value_free(args);
}

/* The answer to one call, as JSON. */
static const char *ask(struct fixture *fixture, const char *target, const char *method,
                       const char *args_json, struct heard *heard)
{
    send_json(fixture, target, method, args_json, heard);
    wait_for(fixture, heard, 1);
    return heard->text;
}

static void launch_one(struct fixture *fixture)
{
    struct heard heard;

    launch(fixture, ONE_VAT, &heard);
    assert_int_equal(heard.status, KEEVE_ANSWER_FULFILLED);
    assert_string_equal(heard.subcluster, "s1");
    assert_string_equal(heard.kref, heard.root);
    assert_string_equal(fixture->log, "v1 2 up");
}

static void rows_outlive_the_kernel(void **state)
{
    struct fixture fixture;
    struct heard heard;
    char root[KEEVE_NAME_SIZE];

    (void)state;
    fixture_init(&fixture);
    launch_one(&fixture);
    assert_string_equal(ask(&fixture, fixture.root, "get", "[\"k\"]", &heard), "null");
    (void)ask(&fixture, fixture.root, "set", "[\"k\",\"v\\u0000w\"]", &heard);
    assert_string_equal(ask(&fixture, fixture.root, "get", "[\"k\"]", &heard), "\"v\\u0000w\"");
    reopen(&fixture);
    assert_int_equal(keeve_find_root(fixture.kernel, NULL, "a", root), KEEVE_OK);
    assert_string_equal(root, fixture.root);
    assert_string_equal(ask(&fixture, root, "get", "[\"k\"]", &heard), "\"v\\u0000w\"");
    assert_int_equal(keeve_find_root(fixture.kernel, "s2", "a", root), KEEVE_NO_SUCH);
    assert_int_equal(keeve_find_root(fixture.kernel, NULL, "b", root), KEEVE_NO_SUCH);
    fixture_fini(&fixture);
}

static void a_crank_sees_its_own_rows_in_order(void **state)
{
    struct fixture fixture;
    struct heard heard;

    (void)state;
    fixture_init(&fixture);
    launch_one(&fixture);
    (void)ask(&fixture, fixture.root, "set", "[\"m.b\",\"1\"]", &heard);
    (void)ask(&fixture, fixture.root, "set", "[\"m.d\",\"1\"]", &heard);
    (void)ask(&fixture, fixture.root, "set", "[\"m.f\",\"1\"]", &heard);
    (void)ask(&fixture, fixture.root, "set", "[\"m\",\"1\"]", &heard);
    (void)ask(&fixture, fixture.root, "set", "[\"n\",\"1\"]", &heard);
    assert_string_equal(ask(&fixture, fixture.root, "muddle", "[\"m.\",\"\"]", &heard),
                        "[\"m.a\",\"m.b\",\"m.e\",\"m.f\"]");
    assert_string_equal(ask(&fixture, fixture.root, "list", "[\"m\",\"\"]", &heard),
                        "[\"m\",\"m.a\",\"m.b\",\"m.e\",\"m.f\"]");
    assert_string_equal(ask(&fixture, fixture.root, "list", "[\"\",\"m.b\"]", &heard),
                        "[\"m.e\",\"m.f\",\"n\"]");
    fixture_fini(&fixture);
}

static void a_failed_crank_leaves_nothing(void **state)
{
    struct fixture fixture;
    struct heard heard;

    (void)state;
    fixture_init(&fixture);
    launch_one(&fixture);
    /* Tried twice, then rejected by name. */
    (void)ask(&fixture, fixture.root, "fail", "[\"k\"]", &heard);
    assert_int_equal(heard.status, KEEVE_ANSWER_REJECTED);
    assert_non_null(strstr(heard.text, "[KERNEL:DELIVERY_FAILED]"));
    assert_non_null(strstr(heard.text, "as it was told"));
    assert_string_equal(ask(&fixture, fixture.root, "get", "[\"k\"]", &heard), "null");
    assert_int_equal(fixture.starts, 3);
    fixture_fini(&fixture);
    /* The first time only: the second try is answered, and the first left no row. */
    fixture_init(&fixture);
    launch_one(&fixture);
    assert_string_equal(ask(&fixture, fixture.root, "once", "[\"k\"]", &heard), "null");
    assert_int_equal(heard.status, KEEVE_ANSWER_FULFILLED);
    assert_int_equal(fixture.starts, 2);
    fixture_fini(&fixture);
}

static void promises_go_between_vats(void **state)
{
    struct fixture fixture;
    struct heard heard, later = {0};
    char b[KEEVE_NAME_SIZE], args[200];

    (void)state;
    fixture_init(&fixture);
    launch(&fixture, TWO_VATS, &heard);
    assert_int_equal(keeve_find_root(fixture.kernel, heard.subcluster, "b", b), KEEVE_OK);
    (void)snprintf(args, sizeof args, "[{\"kref\":\"%s\"},\"which\"]", b);
    assert_string_equal(ask(&fixture, fixture.root, "ask", args, &heard), "\"o+0\"");
    /* A rejection arrives as one, with its reason. */
    (void)snprintf(args, sizeof args, "[{\"kref\":\"%s\"},\"nonsense\"]", b);
    assert_string_equal(ask(&fixture, fixture.root, "ask", args, &heard),
                        "{\"@error\":\"no such method\",\"name\":\"TypeError\"}");
    assert_int_equal(heard.status, KEEVE_ANSWER_REJECTED);
    /* An answer that comes in a later crank. */
    send_json(&fixture, b, "later", "[]", &later);
    (void)ask(&fixture, b, "which", "[]", &heard);
    assert_int_equal(later.count, 0);
    (void)ask(&fixture, b, "finish", "[[1,{\"@bigint\":\"2\"}]]", &heard);
    wait_for(&fixture, &later, 1);
    assert_string_equal(later.text, "[1,{\"@bigint\":\"2\"}]");
    fixture_fini(&fixture);
}

static void a_promise_dies_with_the_heap_that_owes_it(void **state)
{
    struct fixture fixture;
    struct heard later;

    (void)state;
    fixture_init(&fixture);
    launch_one(&fixture);
    send_json(&fixture, fixture.root, "later", "[]", &later);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(keeve_wait(fixture.kernel, 10), KEEVE_OK);
    }
    assert_int_equal(keeve_restart(fixture.kernel, "v1", "a test"), KEEVE_OK);
    wait_for(&fixture, &later, 1);
    assert_int_equal(later.status, KEEVE_ANSWER_REJECTED);
    assert_non_null(strstr(later.text, "vatUpgraded"));
    fixture_fini(&fixture);
}

static void exports_are_durable_or_not(void **state)
{
    struct fixture fixture;
    struct heard heard;
    char brief[KEEVE_NAME_SIZE], lasting[KEEVE_NAME_SIZE];

    (void)state;
    fixture_init(&fixture);
    launch_one(&fixture);
    (void)ask(&fixture, fixture.root, "make", "[]", &heard);
    (void)snprintf(brief, sizeof brief, "%s", heard.kref);
    (void)ask(&fixture, fixture.root, "makeDurable", "[]", &heard);
    (void)snprintf(lasting, sizeof lasting, "%s", heard.kref);
    assert_string_equal(ask(&fixture, brief, "which", "[]", &heard), "\"o+7\"");
    assert_string_equal(ask(&fixture, lasting, "which", "[]", &heard), "\"o+d10/1\"");
    assert_string_equal(ask(&fixture, lasting, NULL, "[]", &heard), "\"o+d10/1\"");
    assert_int_equal(keeve_pin(fixture.kernel, lasting), KEEVE_OK);
    reopen(&fixture);
    assert_string_equal(ask(&fixture, lasting, "which", "[]", &heard), "\"o+d10/1\"");
    (void)ask(&fixture, fixture.root, "make", "[]", &heard);
    assert_string_not_equal(heard.kref, brief); /* the number is the vat's, the kref is new */
    assert_int_equal(keeve_unpin(fixture.kernel, lasting), KEEVE_OK);
    assert_int_equal(keeve_unpin(fixture.kernel, lasting), KEEVE_STATE);
    assert_int_equal(keeve_revoke(fixture.kernel, lasting), KEEVE_OK);
    (void)ask(&fixture, fixture.root, "which", "[]", &heard);
    fixture_fini(&fixture);
}

static void what_is_dropped_is_collected(void **state)
{
    struct fixture fixture;
    struct heard heard;
    char made[KEEVE_NAME_SIZE];

    (void)state;
    fixture_init(&fixture);
    launch_one(&fixture);
    (void)ask(&fixture, fixture.root, "make", "[]", &heard);
    (void)snprintf(made, sizeof made, "%s", heard.kref);
    (void)ask(&fixture, fixture.root, "which", "[]", &heard);
    assert_int_equal(fixture.drops, 0);
    assert_int_equal(keeve_hold(fixture.kernel, made),
                     KEEVE_OK); /* holding twice is holding once */
    assert_int_equal(keeve_drop(fixture.kernel, made), KEEVE_OK);
    assert_int_equal(keeve_drop(fixture.kernel, made), KEEVE_OK);
    for (int i = 0; fixture.drops == 0; i++) {
        assert_true(i < PATIENCE_TURNS);
        assert_int_equal(keeve_wait(fixture.kernel, 10), KEEVE_OK);
    }
    (void)ask(&fixture, fixture.root, "which", "[]", &heard);
    assert_int_equal(fixture.drops, 1);
    assert_int_equal(keeve_send(fixture.kernel, made, "which", NULL, NULL, NULL, NULL),
                     KEEVE_NO_SUCH);
    assert_int_equal(keeve_collect(fixture.kernel), KEEVE_OK);
    for (int i = 0; fixture.collects == 0; i++) {
        assert_true(i < PATIENCE_TURNS);
        assert_int_equal(keeve_wait(fixture.kernel, 10), KEEVE_OK);
    }
    fixture_fini(&fixture);
}

/* While an answer that names it is on its way, dropping does not take it away. */
static void dropping_does_not_cross_an_answer(void **state)
{
    struct fixture fixture;
    struct heard first, second;

    (void)state;
    fixture_init(&fixture);
    launch_one(&fixture);
    (void)ask(&fixture, fixture.root, "make", "[]", &first);
    send_json(&fixture, fixture.root, "make", "[]", &second);
    for (int i = 0; second.count == 0; i++) {
        assert_true(i < PATIENCE_TURNS);
        assert_int_equal(keeve_drop(fixture.kernel, first.kref), KEEVE_OK);
        assert_int_equal(keeve_wait(fixture.kernel, 10), KEEVE_OK);
    }
    /* Either it was told anew, or it was collected before and a new one made. */
    assert_string_equal(ask(&fixture, second.kref, "which", "[]", &first), "\"o+7\"");
    fixture_fini(&fixture);
}

static void kept_imports_outlive_restarts(void **state)
{
    struct fixture fixture;
    struct heard heard;
    char b[KEEVE_NAME_SIZE], args[200];

    (void)state;
    fixture_init(&fixture);
    launch(&fixture, TWO_VATS, &heard);
    assert_int_equal(keeve_find_root(fixture.kernel, NULL, "b", b), KEEVE_OK);
    (void)ask(&fixture, b, "makeDurable", "[]", &heard);
    (void)snprintf(args, sizeof args, "[{\"kref\":\"%s\"}]", heard.kref);
    (void)ask(&fixture, fixture.root, "put", args, &heard);
    assert_int_equal(heard.status, KEEVE_ANSWER_FULFILLED);
    reopen(&fixture);
    assert_string_equal(ask(&fixture, fixture.root, "poke", "[]", &heard), "\"o+d10/1\"");
    fixture_fini(&fixture);
}

static void a_vat_that_is_not_there_is_declined(void **state)
{
    struct fixture fixture;
    struct heard heard;
    struct keeve_value *status = NULL;
    int64_t vats = -1;

    (void)state;
    fixture_init(&fixture);
    launch(&fixture,
           "{\"bootstrap\":\"a\",\"vats\":{\"a\":{\"bundleName\":\"nobody\","
           "\"creationOptions\":{\"flavour\":\"native\"}}}}",
           &heard);
    assert_int_equal(heard.status, KEEVE_ANSWER_DECLINED);
    assert_non_null(strstr(heard.text, "registered as \"nobody\""));
    launch(&fixture,
           "{\"bootstrap\":\"a\",\"vats\":{\"a\":" PROBE ",\"parameters\":{\"refuse\":1}}}}",
           &heard);
    assert_int_equal(heard.status, KEEVE_ANSWER_DECLINED);
    assert_non_null(strstr(heard.text, "asked to refuse"));
    fixture.stops++; /* one that did not start is not stopped */
    launch(&fixture,
           "{\"bootstrap\":\"a\",\"vats\":{\"a\":{\"sourceSpec\":\"data:text/javascript,1\"}}}",
           &heard);
    assert_int_equal(heard.status, KEEVE_ANSWER_DECLINED); /* native only */
    assert_int_equal(keeve_status(fixture.kernel, &status), KEEVE_OK);
    assert_true(keeve_value_int64(keeve_value_member(status, "vats"), &vats) && vats == 0);
    keeve_value_free(status);
    fixture_fini(&fixture);
}

static void mistakes_are_told(void **state)
{
    struct fixture fixture;
    struct heard heard = {0};
    struct keeve_value *no_array = keeve_make_number(1);
    struct keeve_value *bad_ref = keeve_value_from_json("[{\"kref\":\"ko999\"}]", NULL, 0);
    struct keeve_kernel *kernel;

    (void)state;
    fixture_init(&fixture);
    launch_one(&fixture);
    kernel = fixture.kernel;
    assert_int_equal(keeve_launch(kernel, "{", NULL, on_answer, &heard, NULL), KEEVE_BAD);
    assert_int_equal(keeve_launch(kernel, "{}", NULL, on_answer, &heard, NULL), KEEVE_BAD);
    assert_non_null(strstr(keeve_why(kernel), "bootstrap"));
    assert_int_equal(keeve_launch(kernel, ONE_VAT, "relative", on_answer, &heard, NULL), KEEVE_BAD);
    assert_int_equal(keeve_send(kernel, "o+0", "x", NULL, on_answer, &heard, NULL), KEEVE_BAD);
    assert_int_equal(keeve_send(kernel, "ko999", "x", NULL, on_answer, &heard, NULL),
                     KEEVE_NO_SUCH);
    assert_int_equal(keeve_send(kernel, fixture.root, "x", no_array, on_answer, &heard, NULL),
                     KEEVE_BAD);
    assert_int_equal(keeve_send(kernel, fixture.root, "x", bad_ref, on_answer, &heard, NULL),
                     KEEVE_NO_SUCH);
    assert_int_equal(keeve_send(kernel, fixture.root, "\xff", NULL, on_answer, &heard, NULL),
                     KEEVE_BAD);
    assert_int_equal(keeve_terminate(kernel, "x"), KEEVE_BAD);
    assert_int_equal(keeve_terminate(kernel, "v99"), KEEVE_NO_SUCH);
    assert_int_equal(keeve_restart(kernel, "s1", NULL), KEEVE_BAD);
    assert_int_equal(keeve_register(kernel, &program), KEEVE_STATE);
    program.size--;
    assert_int_equal(keeve_register(kernel, &program), KEEVE_BAD);
    program.size++;
    assert_int_equal(heard.count, 0);
    (void)ask(&fixture, fixture.root, "trespass", "[]", &heard);
    assert_int_equal(fixture.trespassed, KEEVE_STATE);
    keeve_value_free(no_array);
    keeve_value_free(bad_ref);
    fixture_fini(&fixture);
}

static void a_wrong_system_call_fails_the_crank(void **state)
{
    struct fixture fixture;
    struct heard heard;

    (void)state;
    fixture_init(&fixture);
    launch_one(&fixture);
    (void)ask(&fixture, fixture.root, "ask", "[\"nonsense\",\"x\"]", &heard);
    assert_int_equal(heard.status, KEEVE_ANSWER_REJECTED);
    assert_non_null(strstr(heard.text, "expected the name of an object or a promise"));
    (void)ask(&fixture, fixture.root, "ask", "[\"o-999\",\"x\"]", &heard);
    assert_int_equal(heard.status, KEEVE_ANSWER_REJECTED);
    assert_non_null(strstr(heard.text, "ILLEGAL_SYSCALL"));
    (void)ask(&fixture, fixture.root, "forget", "[\"o+0\"]", &heard);
    assert_int_equal(heard.status, KEEVE_ANSWER_REJECTED);
    assert_string_equal(ask(&fixture, fixture.root, "which", "[]", &heard), "\"o+0\"");
    fixture_fini(&fixture);
}

static void closing_tells_every_call(void **state)
{
    struct fixture fixture;
    struct heard heard, later, cancelled;
    uint64_t call = 0;

    (void)state;
    fixture_init(&fixture);
    launch_one(&fixture);
    send_json(&fixture, fixture.root, "later", "[]", &later);
    cancelled = (struct heard){0};
    assert_int_equal(
        keeve_send(fixture.kernel, fixture.root, "later", NULL, on_answer, &cancelled, &call),
        KEEVE_OK);
    (void)ask(&fixture, fixture.root, "which", "[]", &heard);
    keeve_cancel(fixture.kernel, call);
    keeve_cancel(fixture.kernel, call);
    fixture_fini(&fixture);
    assert_int_equal(later.count, 1);
    assert_int_equal(later.status, KEEVE_ANSWER_LOST);
    assert_int_equal(cancelled.count, 0);
}

static void paused_nothing_is_delivered(void **state)
{
    struct fixture fixture;
    struct heard heard, durable = {0};
    struct keeve_value *status = NULL;

    (void)state;
    fixture_init(&fixture);
    launch_one(&fixture);
    keeve_pause(fixture.kernel);
    assert_true(keeve_is_paused(fixture.kernel));
    send_json(&fixture, fixture.root, "set", "[\"k\",\"v\"]", &heard);
    assert_int_equal(keeve_when_durable(fixture.kernel, on_answer, &durable), KEEVE_OK);
    wait_for(&fixture, &durable, 1);
    assert_int_equal(durable.status, KEEVE_ANSWER_FULFILLED);
    assert_int_equal(heard.count, 0);
    assert_int_equal(keeve_status(fixture.kernel, &status), KEEVE_OK);
    assert_true(keeve_value_is_string(keeve_value_member(status, "state"), "paused"));
    assert_string_equal(
        keeve_value_text(
            keeve_value_member(
                keeve_value_member(
                    keeve_value_member(
                        keeve_value_item(keeve_value_member(status, "subclusters"), 0), "vats"),
                    "a"),
                "root"),
            NULL),
        fixture.root);
    keeve_value_free(status);
    keeve_resume(fixture.kernel);
    wait_for(&fixture, &heard, 1);
    assert_int_equal(keeve_flush(fixture.kernel), KEEVE_OK);
    fixture_fini(&fixture);
}

static void vats_end(void **state)
{
    struct fixture fixture;
    struct heard heard;

    (void)state;
    fixture_init(&fixture);
    launch_one(&fixture);
    (void)ask(&fixture, fixture.root, "exit", "[]", &heard);
    (void)ask(&fixture, fixture.root, "which", "[]", &heard);
    assert_int_equal(heard.status, KEEVE_ANSWER_REJECTED);
    launch(&fixture, ONE_VAT, &heard);
    assert_int_equal(keeve_terminate(fixture.kernel, heard.subcluster), KEEVE_OK);
    (void)ask(&fixture, fixture.root, "which", "[]", &heard);
    assert_int_equal(heard.status, KEEVE_ANSWER_REJECTED);
    fixture_fini(&fixture);
}

static void what_cannot_be_opened_says_why(void **state)
{
    struct scratch scratch;
    struct keeve_kernel *kernel = NULL, *other = NULL;
    struct keeve_error error;
    struct keeve_options options = {.size = sizeof options, .native_only = true};

    (void)state;
    scratch_init_in_memory(&scratch);
    assert_int_equal(keeve_open(&kernel, &options, &error), KEEVE_BAD);
    options.directory = scratch.path;
    options.size = 3;
    assert_int_equal(keeve_open(&kernel, &options, &error), KEEVE_BAD);
    options.size = sizeof options;
    options.native_only = false;
    options.worker_program = "/nonexistent/keeve-vat";
    assert_int_equal(keeve_open(&kernel, &options, &error), KEEVE_REFUSED);
    assert_non_null(strstr(error.text, "/nonexistent/keeve-vat"));
    options.native_only = true;
    assert_int_equal(keeve_open(&kernel, &options, NULL), KEEVE_OK);
    assert_int_equal(keeve_open(&other, &options, &error), KEEVE_REFUSED);
    assert_null(other);
    assert_true(strlen(error.text) > 0);
    keeve_close(kernel);
    keeve_close(NULL);
    options.directory = "/nonexistent/world";
    assert_int_equal(keeve_open(&kernel, &options, &error), KEEVE_REFUSED);
    scratch_fini(&scratch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_outlive_the_kernel),
        cmocka_unit_test(a_crank_sees_its_own_rows_in_order),
        cmocka_unit_test(a_failed_crank_leaves_nothing),
        cmocka_unit_test(promises_go_between_vats),
        cmocka_unit_test(a_promise_dies_with_the_heap_that_owes_it),
        cmocka_unit_test(exports_are_durable_or_not),
        cmocka_unit_test(what_is_dropped_is_collected),
        cmocka_unit_test(dropping_does_not_cross_an_answer),
        cmocka_unit_test(kept_imports_outlive_restarts),
        cmocka_unit_test(a_vat_that_is_not_there_is_declined),
        cmocka_unit_test(mistakes_are_told),
        cmocka_unit_test(a_wrong_system_call_fails_the_crank),
        cmocka_unit_test(closing_tells_every_call),
        cmocka_unit_test(paused_nothing_is_delivered),
        cmocka_unit_test(vats_end),
        cmocka_unit_test(what_cannot_be_opened_says_why),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
