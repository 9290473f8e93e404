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
#include "net/origin.h"
#include "os/file.h"
#include "os/process.h"

/* A store that was not closed may have a long log to read in. */
#define READY_TIMEOUT_MS 120000
/* Its own words, and a pair for each door, origin and directory. */
#define ARGUMENTS_MAX (22 + 2 * (3 * KEE_DOORS_MAX + 1))

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

static size_t put_all(const char **argv, size_t count, const char *name,
                      const char *const values[KEE_DOORS_MAX])
{
    for (size_t i = 0; i < KEE_DOORS_MAX && values[i] != NULL; i++) {
        argv[count++] = name;
        argv[count++] = values[i];
    }
    return count;
}

static int spawn(const struct kee_cli *cli, const struct kee_daemon_options *options,
                 struct kee_buf *said, pid_t *pid)
{
    static const char *const durabilities[] = {"full", "normal", "off"};
    struct kee_buf self = KEE_BUF_EMPTY;
    const char *argv[ARGUMENTS_MAX] = {
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
    if (options->system != NULL) {
        argv[count++] = "--system";
        argv[count++] = options->system;
    }
    argv[count++] = "--flavour";
    argv[count++] = kee_flavour_name(options->flavour);
    count = put_all(argv, count, "--tcp", options->doors.tcp);
    count = put_all(argv, count, "--web", options->doors.web);
    count = put_all(argv, count, "--origin", options->doors.origins);
    if (options->doors.pages != NULL) {
        argv[count++] = "--pages";
        argv[count++] = options->doors.pages;
    }
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
            options->system != NULL || options->flavour != KEE_FLAVOUR_PROCESS ||
            options->doors.tcp[0] != NULL || options->doors.web[0] != NULL ||
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

static bool take_all(struct kee_cli *cli, const char *name, const char *out[KEE_DOORS_MAX])
{
    const char *value;

    for (size_t i = 0; (value = kee_cli_take_option(cli, name)) != NULL; i++) {
        if (i == KEE_DOORS_MAX) {
            (void)kee_cli_usage_error(cli, "%s: at most %u of them", name, KEE_DOORS_MAX);
            return false;
        }
        out[i] = value;
    }
    return true;
}

static bool check_places(struct kee_cli *cli, bool warns, const char *name,
                         const char *const places[KEE_DOORS_MAX])
{
    struct kee_tcp_place place;

    for (size_t i = 0; i < KEE_DOORS_MAX && places[i] != NULL; i++) {
        if (!kee_tcp_place_parse(&place, kee_bytes_str(places[i]))) {
            (void)kee_cli_usage_error(
                cli, "%s: expected HOST:PORT such as 127.0.0.1:0, found \"%s\"", name, places[i]);
            return false;
        }
        if (warns && strcmp(place.host, "localhost") != 0 && strcmp(place.host, "::1") != 0 &&
            strncmp(place.host, "127.", 4) != 0) {
            fprintf(stderr,
                    "warning: %s %s can be reached from other machines, and nothing said there is "
                    "encrypted; 127.0.0.1:%u cannot\n",
                    name, places[i], (unsigned)place.port);
        }
    }
    return true;
}

/* What can be told before anything is opened. */
static bool take_doors(struct kee_cli *cli, bool warns, struct kee_doors_options *out)
{
    if (!take_all(cli, "--tcp", out->tcp) || !take_all(cli, "--web", out->web) ||
        !take_all(cli, "--origin", out->origins) || !check_places(cli, warns, "--tcp", out->tcp) ||
        !check_places(cli, warns, "--web", out->web)) {
        return false;
    }
    out->pages = kee_cli_take_option(cli, "--pages");
    for (size_t i = 0; i < KEE_DOORS_MAX && out->origins[i] != NULL; i++) {
        if (!kee_origin_is_one(kee_bytes_str(out->origins[i]))) {
            (void)kee_cli_usage_error(cli,
                                      "--origin: expected what browsers call one, such as "
                                      "https://shop.example or http://localhost:3000, found \"%s\"",
                                      out->origins[i]);
            return false;
        }
    }
    if ((out->pages != NULL || out->origins[0] != NULL) && out->web[0] == NULL) {
        (void)kee_cli_usage_error(cli, "--pages and --origin are about a web door; open one with "
                                       "--web 127.0.0.1:0");
        return false;
    }
    return true;
}

/* As an absolute path, kept in buf; NULL if the option is not given. */
static const char *take_path(struct kee_cli *cli, const char *option, struct kee_buf *buf)
{
    const char *path = kee_cli_take_option(cli, option);

    if (path == NULL || kee_file_absolute(path, buf) < 0) {
        return path;
    }
    return kee_cli_text(buf);
}

int kee_cmd_start(struct kee_cli *cli)
{
    struct kee_daemon_options options = {.own = {.home = cli->home, .helper_dir = cli->helper_dir}};
    bool foreground = kee_cli_take_flag(cli, "--foreground");
    struct kee_buf pages = KEE_BUF_EMPTY;
    struct kee_buf system = KEE_BUF_EMPTY;
    int status;

    options.detached = kee_cli_take_flag(cli, "--detached");
    options.paused = kee_cli_take_flag(cli, "--paused");
    options.own.unjailed = kee_cli_take_flag(cli, "--unjailed");
    options.system = take_path(cli, "--system", &system);
    if (!take_durability(cli, &options.own.durability)) {
        return kee_cli_usage_error(cli, "--durability: expected full, normal or off");
    }
    if (!take_flavour(cli, &options)) {
        return kee_cli_usage_error(cli, "--flavour: expected process, shared or inline");
    }
    if (!take_doors(cli, !options.detached, &options.doors) || !kee_cli_operands(cli, 0, 0)) {
        return KEE_EXIT_USAGE;
    }
    if (options.doors.pages != NULL) {
        if (kee_file_absolute(options.doors.pages, &pages) < 0) {
            kee_buf_fini(&pages);
            kee_buf_fini(&system);
            return kee_cli_fault();
        }
        options.doors.pages = kee_buf_cstr(&pages);
    }
    status = foreground ? run_here(cli, &options) : start_in_background(cli, &options);
    kee_buf_fini(&pages);
    kee_buf_fini(&system);
    return status;
}
