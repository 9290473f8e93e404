/* SPDX-License-Identifier: Apache-2.0 */
/*
 * drive - a client in C against server.mjs: every operation of keeve/client.h, once or more.
 * usage: drive URL [netstrings]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <keeve/client.h>

#define CHECK(condition)                                                                           \
    ((condition) ? (void)0                                                                         \
                 : fail(__LINE__, #condition, client == NULL ? "" : keeve_client_why(client)))

struct heard {
    int times;
    enum keeve_answer_status status;
    char text[4000];
    size_t size; /* of a STRING */
    char ref[KEEVE_NAME_SIZE];
    char why[200];
};

static struct keeve_client *client;

static void fail(int line, const char *what, const char *why)
{
    (void)fprintf(stderr, "drive.c:%d: %s: %s\n", line, what, why);
    exit(1);
}

static void on_answer(void *context, const struct keeve_answer *answer)
{
    struct heard *heard = context;

    heard->times++;
    heard->status = answer->status;
    heard->text[0] = 0;
    if (answer->value != NULL) {
        (void)keeve_value_to_json(answer->value, heard->text, sizeof heard->text);
        if (keeve_value_kind(answer->value) == KEEVE_STRING) {
            (void)keeve_value_text(answer->value, &heard->size);
        }
        if (keeve_value_kind(answer->value) == KEEVE_REMOTABLE) {
            (void)snprintf(heard->ref, sizeof heard->ref, "%s",
                           keeve_value_text(answer->value, NULL));
        }
    }
    (void)snprintf(heard->why, sizeof heard->why, "%s", answer->why == NULL ? "" : answer->why);
}

static void wait_for(struct heard *heard)
{
    for (int i = 0; heard->times == 0; i++) {
        enum keeve_result r = keeve_client_wait(client, 60000);
        if ((r != KEEVE_OK && heard->times == 0) || i > 100000) {
            fail(__LINE__, "no answer", keeve_client_why(client));
        }
    }
}

/* Frees args. The answer as JSON text. */
static const char *call(const char *target, const char *method, struct keeve_value *args)
{
    static struct heard heard;

    memset(&heard, 0, sizeof heard);
    CHECK(keeve_client_send(client, target, method, args, on_answer, &heard, NULL) == KEEVE_OK);
    keeve_value_free(args);
    wait_for(&heard);
    return heard.status == KEEVE_ANSWER_DECLINED ? heard.why : heard.text;
}

static bool same(const char *found, const char *expected)
{
    if (strcmp(found, expected) != 0) {
        (void)fprintf(stderr, "expected %s\nfound    %s\n", expected, found);
        return false;
    }
    return true;
}

/* An error's text ends with an id that its sender made. */
static bool begins(const char *found, const char *expected)
{
    if (strncmp(found, expected, strlen(expected)) != 0) {
        (void)fprintf(stderr, "expected %s...\nfound    %s\n", expected, found);
        return false;
    }
    return true;
}

/* ---- calls ---- */

static void calls(const char *root)
{
    struct heard heard = {0};
    char text[300];

    CHECK(same(call(root, "ping", keeve_make_array_of(1, keeve_make_number(7))), "7"));
    CHECK(same(call(root, "ping", NULL), "{\"@undefined\":true}"));
    CHECK(begins(call(root, "fail", NULL), "{\"@error\":\"boom\",\"name\":\"RangeError\""));
    CHECK(same(call(root, "failWith", keeve_make_array_of(1, keeve_make_string("reason"))),
               "\"reason\""));
    CHECK(same(
        call(root, "values", NULL),
        "[null,{\"@undefined\":true},true,0,-1.5,{\"@number\":\"NaN\"},{\"@number\":\"Infinity\"},"
        "{\"@bigint\":\"1180591620717411303424\"},\"\xc3\xa9\\u0000\\\"\\\\\",{\"@symbol\":\"s\"},"
        "{\"@symbol\":\"@@asyncIterator\"},{\"@tagged\":\"t\",\"payload\":[1]},"
        "{\"@record\":{\"@qclass\":\"x\"}}]"));
    CHECK(same(call(root, "echo",
                    keeve_make_array_of(
                        4, keeve_make_bigint(-3), keeve_make_symbol("@@asyncIterator"),
                        keeve_make_tagged("set", keeve_make_array()), keeve_make_undefined())),
               "[{\"@bigint\":\"-3\"},{\"@symbol\":\"@@asyncIterator\"},{\"@tagged\":\"set\","
               "\"payload\":[]},"
               "{\"@undefined\":true}]"));
    CHECK(begins(call(root, "echo", keeve_make_array_of(1, keeve_make_error("TypeError", "no"))),
                 "[{\"@error\":\"no\",\"name\":\"TypeError\""));
    CHECK(
        begins(call(root, "failWith", keeve_make_array_of(1, keeve_make_error("TypeError", "no"))),
               "{\"@error\":\"no\",\"name\":\"TypeError\""));
    CHECK(keeve_client_send(client, root, "big", NULL, NULL, NULL, NULL) ==
          KEEVE_OK); /* nobody waits */
    struct keeve_value *size = keeve_make_array_of(1, keeve_make_number(1 << 20));
    CHECK(keeve_client_send(client, root, "big", size, on_answer, &heard, NULL) == KEEVE_OK);
    keeve_value_free(size);
    wait_for(&heard);
    CHECK(heard.size == 1 << 20);
    (void)snprintf(text, sizeof text, "%s", call(root, "noSuch", NULL));
    CHECK(strstr(text, "\"@error\"") != NULL && strstr(text, "noSuch") != NULL);
}

static struct keeve_value *kept;

static void keep(void *context, const struct keeve_answer *answer)
{
    (void)context;
    kept = keeve_value_copy(answer->value);
}

/* Half of a surrogate pair, which is no UTF-8, is passed on as it is. */
static void halves(const char *root)
{
    struct heard heard = {0};
    struct keeve_value *args;

    CHECK(keeve_client_send(client, root, "lone", NULL, keep, NULL, NULL) == KEEVE_OK);
    while (kept == NULL) {
        CHECK(keeve_client_wait(client, 60000) == KEEVE_OK);
    }
    args = keeve_make_array_of(1, kept);
    CHECK(keeve_client_send(client, root, "isLone", args, on_answer, &heard, NULL) == KEEVE_OK);
    keeve_value_free(args);
    wait_for(&heard);
    CHECK(same(heard.text, "true"));
}

static void declined(const char *root)
{
    CHECK(keeve_client_send(client, "v3", "x", NULL, NULL, NULL, NULL) == KEEVE_BAD);
    CHECK(keeve_client_send(client, "o-99", "x", NULL, NULL, NULL, NULL) == KEEVE_NO_SUCH);
    CHECK(keeve_client_send(client, "o+99", "x", NULL, NULL, NULL, NULL) == KEEVE_NO_SUCH);
    CHECK(keeve_client_when(client, root, NULL, NULL) == KEEVE_BAD);
    CHECK(keeve_client_fulfil(client, root, NULL) == KEEVE_NO_SUCH);
    struct keeve_value *args = keeve_make_array_of(1, keeve_make_ref("o-99"));
    CHECK(keeve_client_send(client, root, "x", args, NULL, NULL, NULL) == KEEVE_NO_SUCH);
    CHECK(strstr(keeve_client_why(client), "o-99") != NULL);
    keeve_value_free(args);
    args = keeve_make_array_of(1, keeve_make_ref("nonsense"));
    CHECK(keeve_client_send(client, root, "x", args, NULL, NULL, NULL) == KEEVE_BAD);
    keeve_value_free(args);
    args = keeve_make_string("x");
    CHECK(keeve_client_send(client, root, "x", args, NULL, NULL, NULL) == KEEVE_BAD);
    keeve_value_free(args);
    CHECK(keeve_ref_kref(root) == NULL && keeve_ref_kref("o-1") == NULL &&
          same(keeve_ref_kref("ko12"), "ko12"));
}

/* ---- pipelining and promises ---- */

static void pipelines(const char *root)
{
    char child[KEEVE_NAME_SIZE], record[KEEVE_NAME_SIZE], list[KEEVE_NAME_SIZE], f[KEEVE_NAME_SIZE];
    char deep[11][KEEVE_NAME_SIZE];
    struct heard name = {0}, first = {0}, called = {0}, get = {0}, none = {0}, passed = {0};
    struct keeve_value *args = keeve_make_array_of(1, keeve_make_string("ann"));

    CHECK(keeve_client_send(client, root, "makeChild", args, NULL, NULL, child) == KEEVE_OK);
    keeve_value_free(args);
    CHECK(keeve_client_send(client, child, "getName", NULL, on_answer, &name, NULL) == KEEVE_OK);
    CHECK(keeve_client_send(client, root, "record", NULL, NULL, NULL, record) == KEEVE_OK);
    CHECK(keeve_client_get(client, record, "f", NULL, NULL, f) == KEEVE_OK);
    args = keeve_make_array_of(1, keeve_make_number(41));
    CHECK(keeve_client_send(client, f, NULL, args, on_answer, &called, NULL) == KEEVE_OK);
    keeve_value_free(args);
    CHECK(keeve_client_get(client, record, "nested", NULL, NULL, list) == KEEVE_OK);
    CHECK(keeve_client_get(client, list, "list", on_answer, &first, NULL) == KEEVE_OK);
    args = keeve_make_array_of(1, keeve_make_ref(child)); /* the result of a call as an argument */
    CHECK(keeve_client_send(client, root, "whenResolved", args, on_answer, &passed, NULL) ==
          KEEVE_OK);
    keeve_value_free(args);
    wait_for(&name);
    wait_for(&called);
    wait_for(&first);
    wait_for(&passed);
    CHECK(same(name.text, "\"ann\"") && same(called.text, "42"));
    CHECK(strncmp(first.text, "[{\"kref\":\"o-", 12) == 0 &&
          strncmp(passed.text, "[\"resolved\",{\"kref\":\"o-", 22) == 0);
    /* The answers are here now: gets are of what is here, calls go to the object. */
    CHECK(keeve_client_get(client, record, "a", on_answer, &get, NULL) == KEEVE_OK);
    CHECK(keeve_client_get(client, record, "none", on_answer, &none, NULL) == KEEVE_OK);
    wait_for(&none);
    CHECK(get.times == 1 && same(get.text, "1") && same(none.text, "{\"@undefined\":true}"));
    CHECK(same(call(child, "getName", NULL), "\"ann\""));
    (void)snprintf(deep[0], sizeof deep[0], "%s", child);
    for (int i = 0; i < 10; i++) {
        args = keeve_make_array_of(1, keeve_make_ref(deep[i]));
        CHECK(keeve_client_send(client, deep[i], "same", args, NULL, NULL, deep[i + 1]) ==
              KEEVE_OK);
        keeve_value_free(args);
    }
    CHECK(same(call(deep[10], "getName", NULL), "\"ann\""));
    for (int i = 1; i <= 10; i++) {
        CHECK(keeve_client_drop(client, deep[i]) == KEEVE_OK);
    }
    CHECK(strstr(call(record, "x", NULL), "TypeError") != NULL); /* data is no target */
    CHECK(keeve_client_send(client, root, "fail", NULL, NULL, NULL, deep[0]) == KEEVE_OK);
    CHECK(begins(call(deep[0], "x", NULL), "{\"@error\":\"boom\",\"name\":\"RangeError\""));
    CHECK(begins(call(deep[0], "x", NULL),
                 "{\"@error\":\"boom\",\"name\":\"RangeError\"")); /* here, too */
    CHECK(keeve_client_drop(client, child) == KEEVE_OK &&
          keeve_client_drop(client, record) == KEEVE_OK);
    CHECK(keeve_client_send(client, child, "getName", NULL, NULL, NULL, NULL) == KEEVE_NO_SUCH);
}

static void on_kit(void *context, const struct keeve_answer *answer)
{
    const struct keeve_value *promise = keeve_value_member(answer->value, "promise");

    CHECK(keeve_value_kind(promise) == KEEVE_PROMISE);
    (void)snprintf(context, KEEVE_NAME_SIZE, "%s", keeve_value_text(promise, NULL));
}

static void promise_of_theirs(const char *root, const char *name, char promise[KEEVE_NAME_SIZE])
{
    struct keeve_value *args = keeve_make_array_of(1, keeve_make_string(name));

    promise[0] = 0;
    CHECK(keeve_client_send(client, root, "kit", args, on_kit, promise, NULL) == KEEVE_OK);
    keeve_value_free(args);
    while (promise[0] == 0) {
        CHECK(keeve_client_wait(client, 60000) == KEEVE_OK);
    }
}

static void promises(const char *root)
{
    char theirs[KEEVE_NAME_SIZE], mine[KEEVE_NAME_SIZE], other[KEEVE_NAME_SIZE];
    struct heard settled = {0}, name = {0}, again = {0}, mine_heard = {0}, passed = {0},
                 cancelled = {0};
    struct keeve_value *args;

    promise_of_theirs(root, "one", theirs);
    CHECK(keeve_client_when(client, theirs, on_answer, &settled) == KEEVE_OK);
    CHECK(keeve_client_send(client, theirs, "getName", NULL, on_answer, &name, NULL) == KEEVE_OK);
    CHECK(same(call(root, "ping", NULL), "{\"@undefined\":true}") && settled.times == 0 &&
          name.times == 0);
    /* A promise of mine is settled with theirs, passed before and after, and sent to. */
    CHECK(keeve_client_new_promise(client, mine) == KEEVE_OK);
    args = keeve_make_array_of(1, keeve_make_ref(mine));
    CHECK(keeve_client_send(client, root, "whenResolved", args, on_answer, &passed, NULL) ==
          KEEVE_OK);
    keeve_value_free(args);
    CHECK(keeve_client_send(client, mine, "getName", NULL, on_answer, &mine_heard, NULL) ==
          KEEVE_OK);
    CHECK(keeve_client_when(client, mine, on_answer, &cancelled) == KEEVE_OK);
    keeve_client_cancel(client, mine);
    struct keeve_value *itself = keeve_make_ref(mine);
    CHECK(keeve_client_fulfil(client, mine, itself) == KEEVE_BAD);
    keeve_value_free(itself);
    struct keeve_value *value = keeve_make_ref(theirs);
    CHECK(keeve_client_fulfil(client, mine, value) == KEEVE_OK);
    CHECK(keeve_client_fulfil(client, mine, value) == KEEVE_NO_SUCH);
    keeve_value_free(value);
    (void)call(root, "settle",
               keeve_make_array_of(2, keeve_make_string("one"), keeve_make_ref(root)));
    wait_for(&settled);
    CHECK(settled.status == KEEVE_ANSWER_FULFILLED && settled.ref[0] == 'o');
    wait_for(&passed);
    CHECK(strncmp(passed.text, "[\"resolved\",{\"kref\"", 19) == 0);
    wait_for(&name);
    wait_for(&mine_heard);
    CHECK(name.status == KEEVE_ANSWER_REJECTED &&
          mine_heard.status == KEEVE_ANSWER_REJECTED); /* root has no name */
    CHECK(keeve_client_when(client, theirs, on_answer, &again) == KEEVE_OK && again.times == 0);
    wait_for(&again);
    CHECK(same(again.ref, settled.ref) &&
          same(call(theirs, "ping", keeve_make_array_of(1, keeve_make_number(1))), "1"));
    CHECK(cancelled.times == 0);
    /* A rejected one, and one that its maker drops. */
    promise_of_theirs(root, "two", other);
    settled.times = 0;
    CHECK(keeve_client_when(client, other, on_answer, &settled) == KEEVE_OK);
    (void)call(root, "spoil",
               keeve_make_array_of(2, keeve_make_string("two"), keeve_make_error("Error", "bad")));
    wait_for(&settled);
    CHECK(settled.status == KEEVE_ANSWER_REJECTED &&
          begins(settled.text, "{\"@error\":\"bad\",\"name\":\"Error\""));
    CHECK(keeve_client_new_promise(client, other) == KEEVE_OK);
    args = keeve_make_array_of(1, keeve_make_ref(other));
    passed.times = 0;
    CHECK(keeve_client_send(client, root, "whenResolved", args, on_answer, &passed, NULL) ==
          KEEVE_OK);
    keeve_value_free(args);
    CHECK(keeve_client_drop(client, other) == KEEVE_OK);
    wait_for(&passed);
    CHECK(strncmp(passed.text, "[\"rejected\",", 12) == 0);
}

/* ---- objects of this side ---- */

struct object {
    char name[KEEVE_NAME_SIZE];
    int calls, gone;
    char later[KEEVE_NAME_SIZE]; /* a result not yet settled */
};

static void on_gone(void *context)
{
    ((struct object *)context)->gone++;
}

static void deliver(void *context, struct keeve_client *of, const struct keeve_delivery *delivery)
{
    struct object *object = context;
    const char *method = delivery->method == NULL ? "()" : delivery->method;
    double number = 0;

    CHECK(of == client && same(delivery->object, object->name));
    CHECK(keeve_client_turn(client) == KEEVE_STATE);
    object->calls++;
    (void)keeve_value_number(keeve_value_item(delivery->args, 0), &number);
    if (delivery->get) {
        CHECK(keeve_client_answer(client, delivery, keeve_make_string(method)) == KEEVE_OK);
    } else if (strcmp(method, "invoke") == 0 || strcmp(method, "()") == 0) {
        CHECK(keeve_client_answer(client, delivery, keeve_make_number(number + 1)) == KEEVE_OK);
    } else if (strcmp(method, "self") == 0) {
        CHECK(keeve_client_answer(client, delivery, keeve_make_ref(object->name)) == KEEVE_OK);
    } else if (strcmp(method, "hello") == 0) {
        CHECK(keeve_client_answer(client, delivery,
                                  keeve_value_copy(keeve_value_item(delivery->args, 0))) ==
              KEEVE_OK);
    } else if (strcmp(method, "later") == 0) {
        (void)snprintf(object->later, sizeof object->later, "%s", delivery->result);
    } else if (strcmp(method, "count") == 0) {
        CHECK(number == object->calls - 1);
        CHECK(keeve_client_answer(client, delivery, keeve_make_undefined()) == KEEVE_OK);
    } else {
        CHECK(keeve_client_refuse(client, delivery, "TypeError", "no such method") == KEEVE_OK);
    }
    keeve_client_drop_all(client, delivery->args);
}

static struct keeve_value *ref_and(const struct object *object, struct keeve_value *more)
{
    struct keeve_value *args =
        keeve_make_array_of(1, keeve_make_ref_named(object->name, "Alleged: C"));

    if (more != NULL) {
        (void)keeve_array_add(args, more);
    }
    return args;
}

static void objects(const char *root)
{
    static struct object object, counter;
    struct heard answer = {0}, local = {0};
    struct keeve_value *args;
    char back[KEEVE_NAME_SIZE];

    CHECK(keeve_client_export(client, deliver, on_gone, &object, object.name) == KEEVE_OK);
    CHECK(same(call(root, "callBack", ref_and(&object, keeve_make_number(41))), "42"));
    CHECK(same(call(root, "callFunction", ref_and(&object, keeve_make_number(1))), "2"));
    CHECK(same(call(root, "chain", ref_and(&object, NULL)), "\"chain\""));
    CHECK(same(call(root, "getOf", ref_and(&object, keeve_make_string("colour"))), "\"colour\""));
    CHECK(same(call(root, "echo", keeve_make_array_of(1, keeve_make_string("!x"))), "[\"!x\"]"));
    /* Back it comes as itself; an answer that comes later; a call of it from here. */
    CHECK(keeve_client_send(client, root, "echo", args = ref_and(&object, NULL), on_answer, &answer,
                            NULL) == KEEVE_OK);
    keeve_value_free(args);
    wait_for(&answer);
    CHECK(strstr(answer.text, object.name) != NULL);
    CHECK(keeve_client_send(client, object.name, "hello",
                            args = keeve_make_array_of(1, keeve_make_string("here")), on_answer,
                            &local, NULL) == KEEVE_OK);
    keeve_value_free(args);
    wait_for(&local);
    CHECK(same(local.text, "\"here\""));
    answer.times = 0;
    args = ref_and(&object, NULL);
    CHECK(keeve_client_send(client, root, "keep", args, NULL, NULL, NULL) == KEEVE_OK);
    keeve_value_free(args);
    CHECK(keeve_client_send(client, root, "kept", NULL, NULL, NULL, back) == KEEVE_OK);
    CHECK(keeve_client_send(client, back, "later", NULL, on_answer, &answer, NULL) == KEEVE_OK);
    while (object.later[0] == 0) {
        CHECK(keeve_client_wait(client, 60000) == KEEVE_OK);
    }
    CHECK(same(call(root, "ping", NULL), "{\"@undefined\":true}") && answer.times == 0);
    struct keeve_value *settled = keeve_make_string("at last");
    CHECK(keeve_client_fulfil(client, object.later, settled) == KEEVE_OK);
    keeve_value_free(settled);
    wait_for(&answer);
    CHECK(same(answer.text, "\"at last\""));
    CHECK(keeve_client_drop(client, back) == KEEVE_OK);
    /* A bootstrap of this side; in order; an object that both sides have let go of. */
    CHECK(keeve_client_export(client, deliver, on_gone, &counter, counter.name) == KEEVE_OK);
    CHECK(keeve_client_offer(client, object.name) == KEEVE_OK);
    answer.times = 0;
    CHECK(keeve_client_send(client, root, "bootstrapOfClient", NULL, on_answer, &answer, NULL) ==
          KEEVE_OK);
    wait_for(&answer);
    CHECK(strstr(answer.text, object.name) != NULL);
    CHECK(same(call(root, "callLater", ref_and(&counter, keeve_make_number(1000))), "\"called\""));
    while (counter.calls < 1000) {
        CHECK(keeve_client_wait(client, 60000) == KEEVE_OK);
    }
    CHECK(keeve_client_drop(client, counter.name) == KEEVE_OK);
    for (int i = 0; i < 50 && counter.gone == 0; i++) {
        (void)call(root, "collect", NULL);
    }
    CHECK(counter.gone == 1 && object.gone == 0);
}

/* ---- the end ---- */

static void loss(const char *root)
{
    struct heard one = {0}, two = {0};
    static struct object object;
    char name[KEEVE_NAME_SIZE];

    promise_of_theirs(root, "never", name);
    CHECK(keeve_client_export(client, deliver, on_gone, &object, object.name) == KEEVE_OK);
    CHECK(keeve_client_when(client, name, on_answer, &one) == KEEVE_OK);
    CHECK(keeve_client_send(client, name, "x", NULL, on_answer, &two, NULL) == KEEVE_OK);
    CHECK(keeve_client_send(client, root, "cut", NULL, NULL, NULL, NULL) == KEEVE_OK);
    while (keeve_client_wait(client, 60000) == KEEVE_OK) {
    }
    CHECK(keeve_client_turn(client) == KEEVE_LOST);
    CHECK(one.times == 1 && one.status == KEEVE_ANSWER_LOST && one.why[0] != 0);
    CHECK(two.times == 1 && two.status == KEEVE_ANSWER_LOST && object.gone == 1);
    CHECK(keeve_client_send(client, root, "ping", NULL, NULL, NULL, NULL) == KEEVE_LOST);
}

static void on_lost(void *context, const char *why)
{
    (void)snprintf(context, 200, "%s", why);
}

int main(int argc, char **argv)
{
    struct keeve_client_options options = {.size = sizeof options};
    struct keeve_error error = {{0}};
    struct heard bootstrap = {0}, early = {0}, pending = {0};
    char root[KEEVE_NAME_SIZE], lost[200] = "";

    options.url = argv[1];
    options.netstrings = argc > 2 && strcmp(argv[2], "netstrings") == 0;
    options.on_lost = on_lost;
    options.context = lost;
    for (int round = 0; round < 2; round++) {
        memset(&bootstrap, 0, sizeof bootstrap);
        memset(&early, 0, sizeof early);
        if (keeve_client_open(&client, &options, &error) != KEEVE_OK) {
            fail(__LINE__, "open", error.text);
        }
        CHECK(keeve_client_bootstrap(client, on_answer, &bootstrap, root) == KEEVE_OK);
        struct keeve_value *args = keeve_make_array_of(1, keeve_make_string("early"));
        CHECK(keeve_client_send(client, root, "ping", args, on_answer, &early, NULL) == KEEVE_OK);
        keeve_value_free(args);
        wait_for(&early); /* sent before the bootstrap was there */
        CHECK(same(early.text, "\"early\"") && bootstrap.times == 1);
        if (round == 0) {
            calls(root);
            halves(root);
            declined(root);
            pipelines(root);
            promises(root);
            objects(root);
            loss(root);
            CHECK(lost[0] != 0);
        } else {
            char never[KEEVE_NAME_SIZE];
            promise_of_theirs(root, "never", never);
            CHECK(keeve_client_when(client, never, on_answer, &pending) == KEEVE_OK);
        }
        keeve_client_close(client);
        client = NULL;
    }
    CHECK(pending.times == 1 && pending.status == KEEVE_ANSWER_LOST);
    (void)printf("drive: good\n");
    return 0;
}
