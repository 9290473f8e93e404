/* SPDX-License-Identifier: Apache-2.0 */
/* args - taking a command's words apart, and saying what was wrong with them; see command.h. */
#include <stdio.h>
#include <stdlib.h>

#include "base/fault.h"
#include "cli/command.h"

static void remove_words(struct kee_cli *cli, int at, int count)
{
    for (int i = at; i + count <= cli->argc; i++) {
        cli->argv[i] = cli->argv[i + count]; /* the NULL at the end moves too */
    }
    cli->argc -= count;
}

/* Where options end: the first "--", or the end. */
static int options_end(const struct kee_cli *cli)
{
    int i = 0;

    while (i < cli->argc && strcmp(cli->argv[i], "--") != 0) {
        i++;
    }
    return i;
}

bool kee_cli_take_flag(struct kee_cli *cli, const char *name)
{
    for (int i = 0; i < options_end(cli); i++) {
        if (strcmp(cli->argv[i], name) == 0) {
            remove_words(cli, i, 1);
            return true;
        }
    }
    return false;
}

const char *kee_cli_take_option(struct kee_cli *cli, const char *name)
{
    size_t size = strlen(name);

    for (int i = 0; i < options_end(cli); i++) {
        const char *word = cli->argv[i];
        if (strncmp(word, name, size) == 0 && word[size] == '=') {
            remove_words(cli, i, 1);
            return word + size + 1;
        }
        if (strcmp(word, name) == 0 && i + 1 == cli->argc) {
            cli->bad_usage = true;
            (void)kee_cli_usage_error(cli, "%s needs a value", name);
            return NULL;
        }
        if (strcmp(word, name) == 0) {
            const char *value = cli->argv[i + 1];
            remove_words(cli, i, 2);
            return value;
        }
    }
    return NULL;
}

static bool looks_like_option(const char *word)
{
    return word[0] == '-' && (word[1] == '-' || (word[1] >= 'a' && word[1] <= 'z') ||
                              (word[1] >= 'A' && word[1] <= 'Z'));
}

bool kee_cli_operands(struct kee_cli *cli, int min, int max)
{
    int end = options_end(cli);

    if (cli->bad_usage) {
        return false;
    }
    for (int i = 0; i < end; i++) {
        if (looks_like_option(cli->argv[i])) {
            (void)kee_cli_usage_error(cli, "'%s' has no option %s", cli->command->name,
                                      cli->argv[i]);
            return false;
        }
    }
    if (end < cli->argc) {
        remove_words(cli, end, 1);
    }
    if (cli->argc < min) {
        (void)kee_cli_usage_error(cli, "'%s' needs at least %d operand%s, found %d",
                                  cli->command->name, min, min == 1 ? "" : "s", cli->argc);
        return false;
    }
    if (max >= 0 && cli->argc > max) {
        (void)kee_cli_usage_error(cli, "'%s' does not take \"%s\"", cli->command->name,
                                  cli->argv[max]);
        return false;
    }
    return true;
}

int kee_cli_error(const char *format, ...)
{
    va_list args;

    fflush(stdout);
    fputs("keeve: ", stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    return KEE_EXIT_FAILED;
}

int kee_cli_usage_error(const struct kee_cli *cli, const char *format, ...)
{
    va_list args;

    fflush(stdout);
    fputs("keeve: ", stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    if (cli->command != NULL) {
        fprintf(stderr, "\nusage: keeve %s%s%s\n       keeve %s --help shows an example\n",
                cli->command->name, cli->command->synopsis[0] == '\0' ? "" : " ",
                cli->command->synopsis, cli->command->name);
    } else {
        fputs("\nkeeve --help lists the commands\n", stderr);
    }
    return KEE_EXIT_USAGE;
}

int kee_cli_fault(void)
{
    return kee_cli_error("%s", kee_fault_text());
}

_Noreturn void kee_cli_out_of_memory(void)
{
    (void)kee_cli_error("out of memory");
    _Exit(
        KEE_EXIT_FAILED); /* a daemon in this process may have threads at work: nothing is undone */
}

const char *kee_cli_text(struct kee_buf *buf)
{
    const char *text = kee_buf_cstr(buf);

    if (text == NULL) {
        kee_cli_out_of_memory();
    }
    return text;
}

struct kee_buf kee_cli_home_path(const struct kee_cli *cli, const char *name)
{
    struct kee_buf path = KEE_BUF_EMPTY;

    kee_buf_printf(&path, "%s/%s", cli->home, name);
    return path;
}
