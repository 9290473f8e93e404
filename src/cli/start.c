/* SPDX-License-Identifier: Apache-2.0 */
/*
 * start - keeve start: runs the daemon here, or starts one in the background and waits for it.
 *
 * The one in the background is this program again, with --foreground --detached. Its standard error is
 * a pipe to us until it serves clients or has ended: then the pipe closes, and what came through it is
 * the reason it gives.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/fault.h"
#include "cli/control.h"
#include "daemon/daemon.h"
#include "os/process.h"

/* A store that was not closed may have a long log to read in. */
#define READY_TIMEOUT_MS 120000

static void say_ready(void *context)
{
    const struct kee_cli *cli = context;

    printf("keeve: ready, home %s, process %d\n", cli->home, (int)kee_process_self());
    (void)fflush(stdout);
}

static void say_nothing(void *context)
{
    (void)context; /* the closing of our standard error tells whoever waits */
}

static int run_here(struct kee_cli *cli, const struct kee_daemon_options *options)
{
    struct kee_buf why = KEE_BUF_EMPTY;
    int status = KEE_EXIT_OK;
    int r = kee_daemon_run(options, options->detached ? say_nothing : say_ready, cli, &why);

    if (r > 0) {
        status = kee_cli_error("%s", kee_cli_text(&why));
    } else if (r < 0) {
        status = kee_cli_fault();
    }
    kee_buf_fini(&why);
    return status;
}

/* Is a daemon serving this home? Then its process, else 0. <0 fault. */
static int find_daemon(const struct kee_cli *cli, json_int_t *pid)
{
    struct kee_control *control = NULL;
    json_t *result = NULL;
    int r = kee_control_open(&control, cli->home);

    *pid = 0;
    if (r == 0) {
        /* LOST: one that has just been killed and is about to let go of its socket. */
        r = kee_control_call(control, "status", NULL, NULL, NULL, &result);
    }
    if (r == 0) {
        *pid = json_integer_value(json_object_get(result, "pid"));
    }
    json_decref(result);
    kee_control_free(control);
    return r < 0 ? r : 0;
}

static int say_running(const struct kee_cli *cli, json_int_t pid, const char *how)
{
    if (cli->json) {
        json_t *json = json_pack("{s:s,s:I,s:b}", "home", cli->home, "pid", pid, "already",
                                 strcmp(how, "started") != 0);
        char *text = json == NULL ? NULL : json_dumps(json, JSON_COMPACT);
        puts(text == NULL ? "{}" : text);
        free(text);
        json_decref(json);
    } else {
        printf("%s: home %s, process %lld\n", how, cli->home, (long long)pid);
    }
    return KEE_EXIT_OK;
}

static int spawn(const struct kee_cli *cli, const struct kee_daemon_options *options,
                 struct kee_buf *said, pid_t *pid)
{
    static const char *const durabilities[] = {"full", "normal", "off"};
    struct kee_buf self = KEE_BUF_EMPTY;
    const char *argv[16] = {
        "keeve",        "--home",     cli->home,      "start",
        "--foreground", "--detached", "--durability", durabilities[options->own.durability]};
    struct kee_spawn child = {.argv = argv, .pass_fd = -1, .detached = true};
    size_t count = 8;
    int r = kee_process_self_path(&self);

    if (options->own.unjailed) {
        argv[count++] = "--unjailed";
    }
    if (options->paused) {
        argv[count++] = "--paused";
    }
    if (options->allow_inline) {
        argv[count++] = "--inline";
    }
    argv[count++] = "--flavour";
    argv[count++] = kee_flavour_name(options->flavour);
    if (r == 0) {
        child.program = kee_cli_text(&self);
        r = kee_process_spawn_heard(pid, &child, said, READY_TIMEOUT_MS);
    }
    kee_buf_fini(&self);
    return r;
}

static int start_in_background(struct kee_cli *cli, const struct kee_daemon_options *options)
{
    struct kee_buf said = KEE_BUF_EMPTY;
    json_int_t running = 0;
    pid_t pid = 0;
    int status = KEE_EXIT_OK;
    int r = find_daemon(cli, &running);

    if (r == 0 && running != 0) {
        if (options->paused || options->own.unjailed || options->allow_inline ||
            options->flavour != KEE_FLAVOUR_PROCESS ||
            options->own.durability != KEE_DURABILITY_FULL) {
            fputs("warning: options of start do nothing to a daemon that is running already; "
                  "keeve stop ends it\n",
                  stderr);
        }
        return say_running(cli, running, "already running");
    }
    if (r == 0) {
        r = spawn(cli, options, &said, &pid);
    }
    if (r == 0) {
        r = find_daemon(cli, &running);
    }
    if (r < 0) {
        status = kee_cli_fault();
    } else if (running != 0) {
        status = say_running(cli, running, "started");
    } else if (kee_buf_status(&said) < 0) {
        status = kee_cli_fault();
    } else if (said.size > 0) {
        (void)fwrite(said.data, 1, said.size, stderr);
        status = KEE_EXIT_FAILED;
    } else {
        status = kee_cli_error("the daemon does not answer; see %s/daemon.log", cli->home);
    }
    kee_buf_fini(&said);
    return status;
}

static bool take_durability(struct kee_cli *cli, enum kee_durability *out)
{
    const char *text = kee_cli_take_option(cli, "--durability");

    *out = KEE_DURABILITY_FULL;
    if (text == NULL || strcmp(text, "full") == 0) {
        return true;
    }
    if (strcmp(text, "normal") == 0) {
        *out = KEE_DURABILITY_NORMAL;
        return true;
    }
    *out = KEE_DURABILITY_OFF;
    return strcmp(text, "off") == 0;
}

/* Asking for inline by name is asking for what it costs. */
static bool take_flavour(struct kee_cli *cli, struct kee_daemon_options *options)
{
    const char *text = kee_cli_take_option(cli, "--flavour");

    options->allow_inline = kee_cli_take_flag(cli, "--inline");
    options->flavour = KEE_FLAVOUR_PROCESS;
    if (text != NULL && (!kee_flavour_parse(kee_bytes_str(text), &options->flavour) ||
                         options->flavour == KEE_FLAVOUR_NATIVE)) {
        return false;
    }
    options->allow_inline = options->allow_inline || options->flavour == KEE_FLAVOUR_INLINE;
    return true;
}

int kee_cmd_start(struct kee_cli *cli)
{
    struct kee_daemon_options options = {.own = {.home = cli->home, .helper_dir = cli->helper_dir}};
    bool foreground = kee_cli_take_flag(cli, "--foreground");

    options.detached = kee_cli_take_flag(cli, "--detached");
    options.paused = kee_cli_take_flag(cli, "--paused");
    options.own.unjailed = kee_cli_take_flag(cli, "--unjailed");
    if (!take_durability(cli, &options.own.durability)) {
        return kee_cli_usage_error(cli, "--durability: expected full, normal or off");
    }
    if (!take_flavour(cli, &options)) {
        return kee_cli_usage_error(cli, "--flavour: expected process, shared or inline");
    }
    if (!kee_cli_operands(cli, 0, 0)) {
        return KEE_EXIT_USAGE;
    }
    return foreground ? run_here(cli, &options) : start_in_background(cli, &options);
}
