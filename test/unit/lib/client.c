/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of keeve/client.h without a socket: what is asked of a client against what it says, text by text,
 * what it hears against what it tells, and each allocation failing in turn.
 */
#include "cm.h"

#include <stdio.h>
#include <stdlib.h>

#include "alloc_fault.h"
#include "base/fault.h"
#include "base/limits.h"
#include "lib/client.h"

enum { FIRST = KEE_CLIENT_FIRST_NUMBER };

static struct kee_buf said; /* texts, a line each */

static int emit(void *context, struct kee_bytes text)
{
    (void)context;
    if (kee_buf_reserve(&said, text.size + 1) < 0) {
        said.failed = false;
        return KEE_FAULT_MEMORY;
    }
    kee_buf_put_bytes(&said, text);
    kee_buf_put_char(&said, '\n');
    return 0;
}

struct heard {
    int times;
    enum keeve_answer_status status;
    char text[400];
    char ref[KEEVE_NAME_SIZE];
};

static void on_answer(void *context, const struct keeve_answer *answer)
{
    struct heard *heard = context;

    heard->times++;
    heard->status = answer->status;
    heard->text[0] = 0;
    if (answer->value != NULL) {
        const char *ref = keeve_value_text(answer->value, NULL);
        (void)keeve_value_to_json(answer->value, heard->text, sizeof heard->text);
        (void)snprintf(heard->ref, sizeof heard->ref, "%s", ref == NULL ? "" : ref);
    } else {
        (void)snprintf(heard->text, sizeof heard->text, "%s", answer->why);
    }
}

static struct keeve_client *open_one(void)
{
    struct keeve_client *client = NULL;

    kee_buf_clear(&said);
    assert_int_equal(kee_client_new(&client, emit, NULL), 0);
    return client;
}

static void close_one(struct keeve_client *client)
{
    kee_client_break(client, "closed");
    kee_client_tell(client);
    kee_client_free(client);
    kee_buf_fini(&said);
}

static void hear(struct keeve_client *client, const char *text)
{
    kee_client_receive(client, kee_bytes_str(text));
    kee_client_tell(client);
}

/* What was said since the last time. */
static void assert_said(const char *expected)
{
    if (strcmp(kee_buf_cstr(&said), expected) != 0) {
        print_error("expected\n%sfound\n%s", expected, kee_buf_cstr(&said));
    }
    assert_string_equal(kee_buf_cstr(&said), expected);
    kee_buf_clear(&said);
}

#define CALL(id, target, body, slots)                                                              \
    "{\"type\":\"CTP_CALL\",\"epoch\":0,\"questionID\":\"" id "\",\"target\":\"" target            \
    "\",\"method\":{\"body\":\"" body "\",\"slots\":[" slots "]}}\n"
#define RETURN(id, body, slots)                                                                    \
    "{\"type\":\"CTP_RETURN\",\"epoch\":0,\"answerID\":\"" id "\",\"result\":{\"body\":\"" body    \
    "\",\"slots\":[" slots "]}}\n"
#define THROW(id, body)                                                                            \
    "{\"type\":\"CTP_RETURN\",\"epoch\":0,\"answerID\":\"" id "\",\"exception\":{\"body\":\"" body \
    "\",\"slots\":[]}}\n"
#define RESOLVE(id, body, slots)                                                                   \
    "{\"type\":\"CTP_RESOLVE\",\"promiseID\":\"" id "\",\"res\":{\"body\":\"" body                 \
    "\",\"slots\":[" slots "]}}\n"
#define DROP(id, refs)                                                                             \
    "{\"type\":\"CTP_DROP\",\"slotID\":\"" id "\",\"decRefs\":" refs ",\"epoch\":0}\n"

static void a_call_leaves_and_its_answer_is_told(void **state)
{
    struct keeve_client *client = open_one();
    struct heard heard = {0};
    struct keeve_value *args = keeve_make_array_of(2, keeve_make_number(1), keeve_make_ref("ko7"));

    (void)state;
    assert_int_equal(keeve_client_send(client, "ko3", "add", args, on_answer, &heard, NULL),
                     KEEVE_OK);
    assert_said(CALL("q-1000001", "o-ko3", "#[\\\"add\\\",[1,\\\"$0\\\"]]", "\"o-ko7\""));
    assert_int_equal(heard.times, 0);
    hear(client,
         RETURN("q-1000001", "{\\\"@qclass\\\":\\\"slot\\\",\\\"index\\\":0}", "\"o+ko9\""));
    assert_int_equal(heard.times, 1);
    assert_string_equal(heard.ref, "ko9");
    /* Nobody holds the answer itself; the object is held until it is dropped. */
    assert_said(DROP("q-1000001", "1"));
    assert_int_equal(keeve_client_drop(client, "ko9"), KEEVE_OK);
    assert_said(DROP("o-ko9", "1"));
    assert_int_equal(keeve_client_drop(client, "ko9"), KEEVE_OK);
    assert_said("");
    keeve_value_free(args);
    close_one(client);
}

static void mentions_are_counted_and_dropped_at_once(void **state)
{
    struct keeve_client *client = open_one();
    char result[KEEVE_NAME_SIZE];

    (void)state;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(
            keeve_client_send(client, "ko3", "x", NULL, NULL, NULL, i == 2 ? result : NULL),
            KEEVE_OK);
    }
    kee_buf_clear(&said);
    /* Not wanted: what it names is let go of at once. */
    hear(client, RETURN("q-1000001", "#\\\"$0\\\"", "\"o+5\""));
    assert_said(DROP("q-1000001", "1") DROP("o-5", "1"));
    /* What a held result was answered with it keeps. */
    hear(client, RETURN("q-1000003", "#[\\\"$0\\\"]", "\"o+5\""));
    assert_said("");
    hear(client, RETURN("q-1000002", "#\\\"$0\\\"", "\"o+5\""));
    assert_said(DROP("q-1000002", "1"));
    assert_int_equal(keeve_client_drop(client, result), KEEVE_OK);
    assert_said(DROP("q-1000003", "1") DROP("o-5", "2"));
    close_one(client);
}

static void results_are_targets_before_and_after(void **state)
{
    struct keeve_client *client = open_one();
    char first[KEEVE_NAME_SIZE], boot[KEEVE_NAME_SIZE];

    (void)state;
    assert_int_equal(keeve_client_send(client, "ko3", "a", NULL, NULL, NULL, first), KEEVE_OK);
    assert_string_equal(first, "p+1000001");
    assert_int_equal(keeve_client_send(client, first, NULL, NULL, NULL, NULL, NULL), KEEVE_OK);
    assert_int_equal(keeve_client_get(client, first, "b", NULL, NULL, NULL), KEEVE_OK);
    assert_said(CALL("q-1000001", "o-ko3", "#[\\\"a\\\",[]]", "")
                    CALL("q-1000002", "q-1000001", "#[null,[]]", "")
                        CALL("q-1000003", "q-1000001", "#[\\\"b\\\"]", ""));
    hear(client, RETURN("q-1000001", "#\\\"$0\\\"", "\"o+ko4\""));
    assert_int_equal(keeve_client_send(client, first, "c", NULL, NULL, NULL, NULL), KEEVE_OK);
    assert_said(CALL("q-1000004", "o-ko4", "#[\\\"c\\\",[]]", ""));
    /* Nothing is sent to the answer of a bootstrap before it is there: some peers would lose it. */
    assert_int_equal(keeve_client_bootstrap(client, NULL, NULL, boot), KEEVE_OK);
    assert_int_equal(keeve_client_send(client, boot, "d", NULL, NULL, NULL, NULL), KEEVE_OK);
    assert_said("{\"type\":\"CTP_BOOTSTRAP\",\"epoch\":0,\"questionID\":\"q-1000005\"}\n");
    hear(client, RETURN("q-1000005", "#\\\"$0\\\"", "\"o+1\""));
    assert_said(CALL("q-1000006", "o-1", "#[\\\"d\\\",[]]", ""));
    close_one(client);
}

static void a_result_goes_as_an_argument(void **state)
{
    struct keeve_client *client = open_one();
    char first[KEEVE_NAME_SIZE];
    struct keeve_value *args;

    (void)state;
    assert_int_equal(keeve_client_send(client, "ko3", "a", NULL, NULL, NULL, first), KEEVE_OK);
    args = keeve_make_array_of(1, keeve_make_ref(first));
    assert_int_equal(keeve_client_send(client, "ko3", "b", args, NULL, NULL, NULL), KEEVE_OK);
    assert_int_equal(keeve_client_drop(client, first), KEEVE_OK);
    kee_buf_clear(&said);
    hear(client, RETURN("q-1000001", "#\\\"$0\\\"", "\"o+ko4\""));
    assert_said(RESOLVE("p-1000001", "#\\\"$0\\\"", "\"o-ko4\""));
    hear(client, DROP("p-1000001", "1")); /* now nobody knows it any more */
    assert_said(DROP("q-1000001", "1") DROP("o-ko4", "1"));
    keeve_value_free(args);
    close_one(client);
}

static void promises_of_theirs_are_told_when_settled(void **state)
{
    struct keeve_client *client = open_one();
    struct heard kit = {0}, settled = {0}, late = {0};
    char result[KEEVE_NAME_SIZE];

    (void)state;
    assert_int_equal(keeve_client_send(client, "ko3", "kit", NULL, on_answer, &kit, NULL),
                     KEEVE_OK);
    hear(client, RETURN("q-1000001", "#[\\\"&0\\\"]", "\"p+kp8\""));
    assert_string_equal(kit.text, "[{\"kref\":\"kp8\"}]");
    assert_int_equal(keeve_client_when(client, "kp8", on_answer, &settled), KEEVE_OK);
    kee_buf_clear(&said);
    assert_int_equal(keeve_client_send(client, "kp8", "m", NULL, NULL, NULL, result), KEEVE_OK);
    assert_said(CALL("q-1000002", "p-kp8", "#[\\\"m\\\",[]]", ""));
    hear(client, RESOLVE("p-kp8", "#\\\"$0\\\"", "\"o+ko9\""));
    assert_string_equal(settled.ref, "ko9");
    assert_int_equal(keeve_client_send(client, "kp8", "m", NULL, NULL, NULL, NULL), KEEVE_OK);
    assert_said(CALL("q-1000003", "o-ko9", "#[\\\"m\\\",[]]", ""));
    assert_int_equal(keeve_client_when(client, "kp8", on_answer, &late), KEEVE_OK);
    kee_client_tell(client);
    assert_string_equal(late.ref, "ko9");
    assert_int_equal(keeve_client_drop(client, "ko9"), KEEVE_OK);
    assert_said(""); /* the promise is one still */
    assert_int_equal(keeve_client_drop(client, "kp8"), KEEVE_OK);
    assert_said(DROP("p-kp8", "1") DROP("o-ko9", "1"));
    assert_int_equal(settled.times + late.times, 2);
    close_one(client);
}

struct object {
    char name[KEEVE_NAME_SIZE];
    int calls, gone;
    char method[20], result[KEEVE_NAME_SIZE];
    bool get;
};

static void deliver(void *context, struct keeve_client *client,
                    const struct keeve_delivery *delivery)
{
    struct object *object = context;

    (void)client;
    assert_string_equal(delivery->object, object->name);
    assert_int_equal(keeve_value_kind(delivery->args), KEEVE_ARRAY);
    object->calls++;
    object->get = delivery->get;
    (void)snprintf(object->method, sizeof object->method, "%s",
                   delivery->method == NULL ? "()" : delivery->method);
    (void)snprintf(object->result, sizeof object->result, "%s", delivery->result);
    keeve_client_drop_all(client, delivery->args);
}

static void on_gone(void *context)
{
    ((struct object *)context)->gone++;
}

static void give(struct keeve_client *client, struct object *object)
{
    struct keeve_value *args;

    assert_int_equal(keeve_client_export(client, deliver, on_gone, object, object->name), KEEVE_OK);
    args = keeve_make_array_of(1, keeve_make_ref(object->name));
    assert_int_equal(keeve_client_send(client, "ko3", "take", args, NULL, NULL, NULL), KEEVE_OK);
    keeve_value_free(args);
    kee_buf_clear(&said);
}

static void objects_are_called_and_go(void **state)
{
    struct keeve_client *client = open_one();
    struct object object = {.calls = 0};
    struct keeve_value *number = keeve_make_number(5);

    (void)state;
    give(client, &object);
    hear(client, CALL("q-1", "o-1000001",
                      "[\\\"m\\\",[{\\\"@qclass\\\":\\\"slot\\\",\\\"index\\\":0}]]", "\"o+ko5\""));
    assert_int_equal(object.calls, 1);
    assert_said(DROP("o-ko5", "1"));
    /* A call of what it will answer waits, and goes where the answer leads. */
    hear(client, CALL("q-2", "q-1", "#[\\\"n\\\",[]]", ""));
    assert_int_equal(object.calls, 1);
    struct keeve_value *itself = keeve_make_ref(object.name);
    assert_int_equal(keeve_client_fulfil(client, object.result, itself), KEEVE_OK);
    assert_said(RETURN("q-1", "#\\\"$0\\\"", "\"o+1000001\""));
    assert_int_equal(keeve_client_fulfil(client, object.result, itself), KEEVE_NO_SUCH);
    kee_client_tell(client);
    assert_int_equal(object.calls, 2);
    assert_string_equal(object.method, "n");
    assert_int_equal(keeve_client_reject(client, object.result, number), KEEVE_OK);
    assert_said(THROW("q-2", "#5"));
    hear(client, CALL("q-3", "q-2", "#[\\\"o\\\",[]]", ""));
    assert_said(THROW("q-3", "#5")); /* what was rejected rejects */
    hear(client, CALL("q-4", "o-1000001", "#[\\\"p\\\"]", ""));
    assert_true(object.get);
    assert_int_equal(keeve_client_fulfil(client, object.result, number), KEEVE_OK);
    hear(client, CALL("q-5", "q-4", "#[\\\"x\\\"]", ""));
    assert_said(RETURN("q-4", "#5", "") RETURN("q-5", "#\\\"#undefined\\\"", ""));
    /* Dropped on this side, then on theirs: three mentions, of which one is theirs only once it came. */
    assert_int_equal(keeve_client_drop(client, object.name), KEEVE_OK);
    hear(client, DROP("o-1000001", "1"));
    hear(client, DROP("q-1", "1"));
    assert_int_equal(object.gone, 0);
    hear(client, DROP("o-1000001", "7"));
    assert_int_equal(object.gone, 1);
    hear(client, CALL("q-6", "o-1000001", "#[\\\"m\\\",[]]", ""));
    assert_non_null(strstr(kee_buf_cstr(&said), "\"answerID\":\"q-6\",\"exception\""));
    keeve_value_free(itself);
    keeve_value_free(number);
    close_one(client);
    assert_int_equal(object.calls, 3);
    assert_int_equal(object.gone, 1);
}

static void malformed_calls_reject(void **state)
{
    static const char *const bodies[] = {"#7",
                                         "#[]",
                                         "#[7,[]]",
                                         "#[\\\"m\\\",7]",
                                         "#[\\\"m\\\",[],1]",
                                         "nonsense",
                                         "#[\\\"m\\\",[\\\"$4\\\"]]"};
    struct keeve_client *client = open_one();
    struct object object = {.calls = 0};
    char text[300];

    (void)state;
    give(client, &object);
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        (void)snprintf(
            text, sizeof text,
            "{\"type\":\"CTP_CALL\",\"questionID\":\"q-%zu\",\"target\":\"o-1000001\",\"method\":"
            "{\"body\":\"%s\",\"slots\":[]}}",
            i + 1, bodies[i]);
        hear(client, text);
        assert_non_null(strstr(kee_buf_cstr(&said), "\"exception\""));
        kee_buf_clear(&said);
    }
    hear(client, CALL("q-90", "o-1000001", "#[\\\"m\\\",[\\\"$0\\\"]]", "\"o-77\""));
    assert_non_null(strstr(kee_buf_cstr(&said), "\"answerID\":\"q-90\",\"exception\""));
    assert_int_equal(object.calls, 0);
    /* What is no message at all ends the connection, saying why. */
    kee_buf_clear(&said);
    hear(client, "{\"type\":\"CTP_NONSENSE\"}");
    assert_true(client->lost);
    assert_non_null(strstr(kee_buf_cstr(&said), "CTP_DISCONNECT"));
    assert_int_equal(object.gone, 1);
    close_one(client);
}

static void an_answer_that_cannot_be_read_is_declined(void **state)
{
    struct keeve_client *client = open_one();
    struct heard heard = {0}, next = {0};
    char result[KEEVE_NAME_SIZE];

    (void)state;
    assert_int_equal(keeve_client_send(client, "ko3", "x", NULL, on_answer, &heard, result),
                     KEEVE_OK);
    assert_int_equal(keeve_client_send(client, result, "y", NULL, on_answer, &next, NULL),
                     KEEVE_OK);
    hear(client, RETURN("q-1000001", "#\\\"#what\\\"", ""));
    assert_int_equal(heard.status, KEEVE_ANSWER_DECLINED);
    assert_int_equal(keeve_client_send(client, result, "z", NULL, on_answer, &next, NULL),
                     KEEVE_OK);
    kee_client_tell(client);
    assert_int_equal(next.times, 1);
    assert_int_not_equal(next.status, KEEVE_ANSWER_FULFILLED);
    close_one(client);
}

static void own_promises_wait_follow_and_resolve(void **state)
{
    struct keeve_client *client = open_one();
    struct heard heard = {0}, chained = {0};
    char one[KEEVE_NAME_SIZE], two[KEEVE_NAME_SIZE], sent[KEEVE_NAME_SIZE];
    struct keeve_value *ref;
    struct keeve_value *args;

    (void)state;
    assert_int_equal(keeve_client_new_promise(client, one), KEEVE_OK);
    assert_int_equal(keeve_client_new_promise(client, two), KEEVE_OK);
    assert_int_equal(keeve_client_when(client, one, on_answer, &heard), KEEVE_OK);
    args = keeve_make_array_of(1, keeve_make_ref(one));
    assert_int_equal(keeve_client_send(client, one, "m", args, on_answer, &chained, sent),
                     KEEVE_OK);
    keeve_value_free(args);
    ref = keeve_make_ref(two);
    assert_int_equal(keeve_client_fulfil(client, one, ref), KEEVE_OK);
    keeve_value_free(ref);
    ref = keeve_make_ref(one);
    assert_int_equal(keeve_client_fulfil(client, two, ref), KEEVE_BAD); /* a circle */
    keeve_value_free(ref);
    assert_said("");
    ref = keeve_make_ref("ko4");
    assert_int_equal(keeve_client_fulfil(client, two, ref), KEEVE_OK);
    keeve_value_free(ref);
    assert_said(CALL("q-1000003", "o-ko4", "#[\\\"m\\\",[\\\"&0\\\"]]", "\"p+1000001\"")
                    RESOLVE("p-1000001", "#\\\"$0\\\"", "\"o-ko4\""));
    kee_client_tell(client);
    assert_string_equal(heard.ref, "ko4");
    keeve_client_cancel(client, sent);
    hear(client, RETURN("q-1000003", "#1", ""));
    assert_int_equal(chained.times, 0);
    close_one(client);
    assert_int_equal(heard.times, 1);
}

static void loss_is_told_to_all_in_order(void **state)
{
    struct keeve_client *client = open_one();
    struct heard heard[3] = {{0}, {0}, {0}};
    struct object object = {.calls = 0};
    char promise[KEEVE_NAME_SIZE];

    (void)state;
    give(client, &object);
    assert_int_equal(keeve_client_send(client, "ko3", "x", NULL, on_answer, &heard[0], NULL),
                     KEEVE_OK);
    assert_int_equal(keeve_client_new_promise(client, promise), KEEVE_OK);
    assert_int_equal(keeve_client_send(client, promise, "x", NULL, on_answer, &heard[1], NULL),
                     KEEVE_OK);
    assert_int_equal(keeve_client_when(client, promise, on_answer, &heard[2]), KEEVE_OK);
    kee_buf_clear(&said);
    hear(client, "{\"type\":\"CTP_DISCONNECT\",\"epoch\":0,\"reason\":\"enough\"}");
    assert_said("{\"type\":\"CTP_DISCONNECT\",\"epoch\":0,\"reason\":\"enough\"}\n");
    for (int i = 0; i < 3; i++) {
        assert_int_equal(heard[i].times, 1);
        assert_int_equal(heard[i].status, KEEVE_ANSWER_LOST);
        assert_non_null(strstr(heard[i].text, "enough"));
    }
    assert_int_equal(object.gone, 1);
    assert_int_equal(keeve_client_send(client, "ko3", "x", NULL, NULL, NULL, NULL), KEEVE_LOST);
    assert_int_equal(keeve_client_new_promise(client, promise), KEEVE_LOST);
    hear(client, RETURN("q-1000002", "#1", ""));
    assert_int_equal(heard[0].times, 1);
    close_one(client);
}

static void answers_nobody_drops_are_bounded(void **state)
{
    struct keeve_client *client = open_one();
    struct object object = {.calls = 0};
    struct keeve_value *itself;
    char text[200];

    (void)state;
    give(client, &object);
    itself = keeve_make_ref(object.name);
    for (unsigned i = 0; i < KEE_LIMIT_CLIENT_ANSWERS + 10; i++) {
        (void)snprintf(
            text, sizeof text,
            "{\"type\":\"CTP_CALL\",\"questionID\":\"q-%u\",\"target\":\"o-1000001\",\"method\":"
            "{\"body\":\"#[\\\"m\\\",[]]\",\"slots\":[]}}",
            i);
        hear(client, text);
        assert_int_equal(keeve_client_fulfil(client, object.result, itself), KEEVE_OK);
        kee_buf_clear(&said);
    }
    assert_int_equal(client->asked_count, KEE_LIMIT_CLIENT_ANSWERS);
    assert_int_equal(client->own.count,
                     KEE_LIMIT_CLIENT_ANSWERS + 2); /* the object, and the call that gave it */
    keeve_value_free(itself);
    close_one(client);
}

/* ---- each allocation fails once, but jansson's: see test/fault/decode_memory.c ---- */

static int answers; /* told of what was accepted */

static void count_answer(void *context, const struct keeve_answer *answer)
{
    (void)context;
    (void)answer;
    answers++;
}

/* Gives how many answers are to come. */
static int play(struct keeve_client *client, struct object *object)
{
    char first[KEEVE_NAME_SIZE], second[KEEVE_NAME_SIZE];
    struct keeve_value *args = NULL;
    int due = 0;

    due += keeve_client_bootstrap(client, count_answer, NULL, first) == KEEVE_OK;
    if (due == 1) {
        due += keeve_client_send(client, first, "m", NULL, count_answer, NULL, NULL) == KEEVE_OK;
    }
    hear(client, RETURN("q-1000001", "#\\\"$0\\\"", "\"o+ko1\""));
    if (keeve_client_export(client, deliver, on_gone, object, object->name) != KEEVE_OK) {
        object->gone = 1;
        return due;
    }
    args = keeve_make_array_of(2, keeve_make_ref(object->name), keeve_make_string("x"));
    if (args != NULL &&
        keeve_client_send(client, "ko1", "m", args, count_answer, NULL, second) == KEEVE_OK) {
        due++;

        hear(client, CALL("q-1", "o-1000003", "#[\\\"m\\\",[\\\"&0\\\"]]", "\"p+kp4\""));
        hear(client, CALL("q-2", "q-1", "#[\\\"m\\\",[]]", ""));
        due += keeve_client_when(client, second, count_answer, NULL) == KEEVE_OK;
        if (object->calls > 0) {
            (void)keeve_client_fulfil(client, object->result, args);
        }
        hear(client, RESOLVE("p-kp4", "#[1]", ""));
        hear(client,
             RETURN("q-1000004", "{\\\"a\\\":{\\\"@qclass\\\":\\\"slot\\\",\\\"index\\\":0}}",
                    "\"o+ko6\""));
        due += keeve_client_get(client, second, "a", count_answer, NULL, NULL) == KEEVE_OK;
        kee_client_tell(client);
        (void)keeve_client_drop(client, second);
    }
    keeve_value_free(args);
    (void)keeve_client_drop(client, object->name);
    hear(client, DROP("o-1000003", "9"));
    return due;
}

static void each_failing_allocation_is_borne(void **state)
{
    bool fired = true;

    (void)state;
    for (uint64_t nth = 1; fired; nth++) {
        struct keeve_client *client = NULL;
        struct object object = {.calls = 0};
        int due = 0;
        int r;
        answers = 0;
        alloc_fault_begin(nth);
        r = kee_client_new(&client, emit, NULL);
        if (r == 0) {
            due = play(client, &object);
        }
        fired = alloc_fault_end();
        kee_fault_clear();
        if (r == 0) {
            close_one(client);
            assert_int_equal(answers, due); /* each that was accepted, once */
            assert_int_equal(object.gone, 1);
        }
        kee_buf_fini(&said);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call_leaves_and_its_answer_is_told),
        cmocka_unit_test(mentions_are_counted_and_dropped_at_once),
        cmocka_unit_test(results_are_targets_before_and_after),
        cmocka_unit_test(a_result_goes_as_an_argument),
        cmocka_unit_test(promises_of_theirs_are_told_when_settled),
        cmocka_unit_test(objects_are_called_and_go),
        cmocka_unit_test(malformed_calls_reject),
        cmocka_unit_test(an_answer_that_cannot_be_read_is_declined),
        cmocka_unit_test(own_promises_wait_follow_and_resolve),
        cmocka_unit_test(loss_is_told_to_all_in_order),
        cmocka_unit_test(answers_nobody_drops_are_bounded),
        cmocka_unit_test(each_failing_allocation_is_borne),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
