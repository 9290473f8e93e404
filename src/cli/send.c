/* SPDX-License-Identifier: Apache-2.0 */
/*
 * send - keeve send: one call, its arguments and its result as JSON.
 *
 * The call goes through the owner's door, as a host's would. What its result names the session holds no
 * longer than it lasts, which is until this program ends; the console is asked to hold it on.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/ids.h"
#include "cli/control.h"
#include "cli/print.h"
#include "keeve/client.h"
#include "lib/tree.h"
#include "value/json.h"

struct sending {
    const struct kee_cli *cli;
    struct kee_control *control; /* NULL until something is to be held */
    bool done;
    int status;
};

/* The arguments as an array. Gives an enum kee_exit. */
static int read_arguments(const struct kee_cli *cli, struct kee_arena *arena,
                          struct kee_value **out)
{
    int count = cli->argc - 2;
    struct kee_value *args = kee_value_array(arena, (size_t)count);
    struct kee_buf why = KEE_BUF_EMPTY;
    int status = KEE_EXIT_OK;

    if (args == NULL) {
        kee_cli_out_of_memory();
    }
    for (int i = 0; i < count && status == KEE_EXIT_OK; i++) {
        const char *text = cli->argv[2 + i];
        int r =
            kee_value_from_json_text(kee_bytes_str(text), arena, &args->as.array.items[i], &why);
        if (r < 0) {
            status = kee_cli_fault();
        } else if (r > 0) {
            status =
                kee_cli_usage_error(cli, "argument %d, %s: %s%s", i + 1, text, kee_cli_text(&why),
                                    text[0] != '"' && text[0] != '{' && text[0] != '['
                                        ? "; a string is written '\"text\"'"
                                        : "");
        }
    }
    kee_buf_fini(&why);
    *out = args;
    return status;
}

/* ---- what a result names ---- */

static int hold_kref(struct sending *sending, const char *kref)
{
    json_t *params = json_pack("{s:s}", "kref", kref);
    json_t *result = NULL;
    int r = 0;

    if (sending->control == NULL) {
        r = kee_control_open(&sending->control, sending->cli->home);
    }
    if (r != 0) {
        json_decref(params);
    } else {
        r = kee_control_call(sending->control, "hold", params, NULL, NULL, &result);
    }
    json_decref(result);
    return r < 0 ? kee_cli_fault() : KEE_EXIT_OK; /* what is gone meanwhile is nothing to hold */
}

static int hold_all(struct sending *sending, const struct keeve_value *value)
{
    enum keeve_kind kind = keeve_value_kind(value);
    int status = KEE_EXIT_OK;

    if (kind == KEEVE_REMOTABLE || kind == KEEVE_PROMISE) {
        const char *kref = keeve_ref_kref(keeve_value_text(value, NULL));
        return kref == NULL ? KEE_EXIT_OK : hold_kref(sending, kref);
    }
    for (size_t i = 0; status == KEE_EXIT_OK && i < keeve_value_count(value); i++) {
        status = hold_all(sending, keeve_value_item(value, i));
    }
    return status;
}

/* ---- the result ---- */

/* Sessions give a name to each error that has none, which says nothing to a person. Gives true if value
 * is such an error. */
static bool take_session_ids(struct kee_value *value)
{
    bool taken = false;

    switch (value->kind) {
    case KEE_VALUE_ERROR:
        taken = kee_bytes_has_prefix(value->as.error.id, KEE_BYTES_LIT("error:keeve:"));
        if (taken) {
            value->as.error.id = kee_bytes_of(NULL, 0);
        }
        break;
    case KEE_VALUE_ARRAY:
        for (size_t i = 0; i < value->as.array.count; i++) {
            (void)take_session_ids(value->as.array.items[i]);
        }
        break;
    case KEE_VALUE_RECORD:
        for (size_t i = 0; i < value->as.record.count; i++) {
            (void)take_session_ids(value->as.record.members[i].value);
        }
        break;
    case KEE_VALUE_TAGGED:
        (void)take_session_ids(value->as.tagged.payload);
        break;
    default:
        break;
    }
    return taken;
}

static int show_result(const struct kee_cli *cli, struct kee_value *value, bool rejected)
{
    bool by_session = take_session_ids(value);
    struct kee_buf text = KEE_BUF_EMPTY;

    if (rejected && by_session &&
        kee_bytes_has_prefix(value->as.error.message, KEE_BYTES_LIT("there is no "))) {
        kee_buf_put_visible(&text, value->as.error.message); /* nothing was called */
        (void)kee_cli_error("%s", kee_cli_text(&text));
        kee_buf_fini(&text);
        return KEE_EXIT_FAILED;
    }
    if (!rejected || cli->json_asked) {
        kee_print_value(cli, value);
    } else {
        kee_buf_put_rejection(&text, value);
        fflush(stdout);
        fprintf(stderr, "error: %s\n", kee_cli_text(&text));
        kee_buf_fini(&text);
    }
    return rejected ? KEE_EXIT_FAILED : KEE_EXIT_OK;
}

/* A daemon that could still speak said why. */
static int show_loss(const char *why)
{
    static const char said[] = "the other side ended the connection: \"";
    size_t size = strlen(why);

    if (strncmp(why, said, sizeof said - 1) == 0 && why[size - 1] == '"') {
        return kee_cli_error("%.*s", (int)(size - sizeof said), why + sizeof said - 1);
    }
    if (strstr(why, "out of memory") != NULL || strstr(why, strerror(ENOMEM)) != NULL) {
        kee_cli_out_of_memory();
    }
    return kee_cli_error("the daemon ended before it answered");
}

static void on_answer(void *context, const struct keeve_answer *answer)
{
    struct sending *sending = context;

    sending->done = true;
    switch (answer->status) {
    case KEEVE_ANSWER_FULFILLED:
    case KEEVE_ANSWER_REJECTED:
        sending->status = hold_all(sending, answer->value);
        if (sending->status == KEE_EXIT_OK) {
            sending->status =
                show_result(sending->cli, (struct kee_value *)(void *)kee_tree_node(answer->value),
                            answer->status == KEEVE_ANSWER_REJECTED);
        }
        break;
    case KEEVE_ANSWER_DECLINED:
        sending->status = kee_cli_error("the result cannot be shown as a value: %s", answer->why);
        break;
    case KEEVE_ANSWER_LOST:
        sending->status = show_loss(answer->why);
        break;
    }
}

static int send_call(struct kee_cli *cli, const struct kee_value *args)
{
    struct kee_buf path = kee_cli_home_path(cli, "captp.sock");
    struct keeve_client_options options = {.size = sizeof options, .url = kee_cli_text(&path)};
    struct sending sending = {.cli = cli, .status = KEE_EXIT_OK};
    struct keeve_client *client = NULL;
    struct keeve_error error;
    enum keeve_result r = keeve_client_open(&client, &options, &error);

    if (r == KEEVE_REFUSED) {
        sending.status =
            kee_cli_error("no daemon is running for %s; start it with: keeve start", cli->home);
    } else if (r != KEEVE_OK) {
        sending.status = kee_cli_error("%s", error.text);
    } else if (keeve_client_send(client, cli->argv[0], cli->argv[1], kee_tree_show(args), on_answer,
                                 &sending, NULL) != KEEVE_OK) {
        sending.status = kee_cli_error("%s", keeve_client_why(client));
    } else {
        while (!sending.done) {
            (void)keeve_client_wait(client, -1); /* a loss is told as an answer */
        }
    }
    keeve_client_close(client);
    kee_control_free(sending.control);
    kee_buf_fini(&path);
    return sending.status;
}

int kee_cmd_send(struct kee_cli *cli)
{
    struct kee_arena arena = KEE_ARENA_EMPTY;
    struct kee_value *args = NULL;
    struct kee_kref target;
    int status;

    if (!kee_cli_operands(cli, 2, -1)) {
        return KEE_EXIT_USAGE;
    }
    if (!kee_kref_parse(kee_bytes_str(cli->argv[0]), &target)) {
        return kee_cli_usage_error(cli, "expected a reference such as ko4, found \"%s\"",
                                   cli->argv[0]);
    }
    status = read_arguments(cli, &arena, &args);
    if (status == KEE_EXIT_OK) {
        status = send_call(cli, args);
    }
    kee_arena_fini(&arena);
    return status;
}
