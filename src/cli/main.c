/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main - the program keeve: finds its home and its output, then hands over to one command.
 *
 * The only place that looks at the environment: KEEVE_HOME, HOME, KEEVE_LIBEXEC.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/fault.h"
#include "cli/command.h"
#include "cli/help.h"
#include "keeve/version.h"
#include "os/file.h"
#include "os/terminal.h"

/* Jansson without memory may lose characters of a text and say nothing: rather, the program ends. */
static void *json_malloc(size_t size)
{
    void *memory = malloc(size);

    if (memory == NULL) {
        kee_cli_out_of_memory();
    }
    return memory;
}

/* Takes --home, --json and --help, wherever they stand before "--", and the command's name. */
struct globals {
    const char *home;
    bool json;
    bool help;
    bool help_markdown;
    bool version;
};

static void take_globals(struct kee_cli *cli, struct globals *globals)
{
    globals->home = kee_cli_take_option(cli, "--home");
    globals->json = kee_cli_take_flag(cli, "--json");
    globals->help = kee_cli_take_flag(cli, "--help") || kee_cli_take_flag(cli, "-h");
    globals->help_markdown = kee_cli_take_flag(cli, "--help-markdown");
    globals->version = kee_cli_take_flag(cli, "--version");
}

/* The home as an absolute path, so that messages and the daemon mean the same. */
static int find_home(struct kee_buf *out, const char *asked)
{
    const char *user_home = getenv("HOME");

    if (asked == NULL && (user_home == NULL || user_home[0] != '/')) {
        return kee_cli_error("no home: HOME is not set; give --home DIR");
    }
    if (asked == NULL) {
        kee_buf_printf(out, "%s/.keeve", user_home);
    } else if (kee_file_absolute(asked, out) < 0) {
        return kee_cli_fault();
    }
    (void)kee_cli_text(out);
    return KEE_EXIT_OK;
}

static int unknown_command(const struct kee_cli *cli, const char *name)
{
    const struct kee_command *nearest = kee_help_nearest(name);

    if (nearest != NULL) {
        return kee_cli_usage_error(cli, "there is no command '%s'; did you mean '%s'?", name,
                                   nearest->name);
    }
    return kee_cli_usage_error(cli, "there is no command '%s'", name);
}

static int run_command(struct kee_cli *cli, const struct globals *globals)
{
    struct kee_buf home = KEE_BUF_EMPTY;
    int status;

    cli->home_asked = globals->home != NULL ? globals->home : getenv("KEEVE_HOME");
    if (cli->home_asked != NULL && cli->home_asked[0] == '\0') {
        cli->home_asked = NULL;
    }
    status = find_home(&home, cli->home_asked);
    if (status == KEE_EXIT_OK) {
        cli->home = kee_cli_text(&home);
        status = cli->command->run(cli);
    }
    if (fflush(stdout) != 0 && status == KEE_EXIT_OK) {
        status = kee_cli_error("writing the output failed");
    }
    kee_buf_fini(&home);
    return status;
}

int main(int argc, char **argv)
{
    struct kee_cli cli = {.argc = argc > 0 ? argc - 1 : 0, .argv = argv + (argc > 0 ? 1 : 0)};
    struct globals globals;
    const char *name;

    json_set_alloc_funcs(json_malloc, free);
    take_globals(&cli, &globals);
    if (cli.bad_usage) {
        return KEE_EXIT_USAGE;
    }
    if (globals.version) {
        printf("keeve %s\n", KEEVE_VERSION);
        return KEE_EXIT_OK;
    }
    if (globals.help_markdown) {
        kee_help_markdown(stdout);
        return KEE_EXIT_OK;
    }
    cli.columns = kee_terminal_columns();
    cli.json_asked = globals.json;
    cli.json = globals.json || cli.columns == 0;
    cli.helper_dir = getenv("KEEVE_LIBEXEC");
    name = cli.argc > 0 ? cli.argv[0] : NULL;
    if (name != NULL && strcmp(name, "help") == 0) {
        globals.help = true;
        name = cli.argc > 1 ? cli.argv[1] : NULL;
    }
    if (name == NULL) {
        kee_help_all(globals.help ? stdout : stderr);
        return globals.help ? KEE_EXIT_OK : KEE_EXIT_USAGE;
    }
    cli.command = kee_help_find(name);
    if (cli.command == NULL) {
        return unknown_command(&cli, name);
    }
    if (globals.help) {
        kee_help_of(stdout, cli.command);
        return KEE_EXIT_OK;
    }
    cli.argc--;
    cli.argv++;
    return run_command(&cli, &globals);
}
