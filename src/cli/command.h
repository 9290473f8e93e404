/* SPDX-License-Identifier: Apache-2.0 */
/*
 * command - what every command of the program keeve is given, and what it gives back.
 *
 * commands.def lists the commands; the table, --help, the functions' declarations and docs/commands
 * come from it. A command takes its options first, then its operands:
 *
 *     bool follow = kee_cli_take_flag(cli, "--follow");
 *     const char *vat = kee_cli_take_option(cli, "--vat");
 *     if (!kee_cli_operands(cli, 0, 1)) {
 *         return KEE_EXIT_USAGE;
 *     }
 *     ... cli->argv[0] to cli->argv[cli->argc - 1] ...
 */
#ifndef KEE_CLI_COMMAND_H
#define KEE_CLI_COMMAND_H

#include <stdbool.h>

#include "base/bytes.h"

enum kee_exit {
    KEE_EXIT_OK = 0,
    KEE_EXIT_FAILED = 1, /* understood, but it did not work; or a rejected result */
    KEE_EXIT_USAGE = 2,  /* not understood */
};

struct kee_cli;

struct kee_command {
    const char *name;
    int (*run)(struct kee_cli *cli); /* gives an enum kee_exit */
    const char *synopsis;            /* what follows the name: "KREF METHOD [ARG...]" */
    const char *summary;             /* half a line */
    const char *details;             /* further help: sentences, options */
    const char *example;             /* lines that begin with "$ " and what they print */
};

struct kee_cli {
    const struct kee_command *command;
    const char *home;       /* the daemon's directory; absolute */
    const char *home_asked; /* as given by --home or KEEVE_HOME; NULL for the default */
    const char *helper_dir; /* KEEVE_LIBEXEC: where keeve-vat is; NULL for the usual places */
    bool json;        /* print lines of JSON: asked for, or standard output is not a terminal */
    bool json_asked;  /* --json was given */
    unsigned columns; /* of the terminal; 0 when there is none */
    int argc;         /* of the command alone; global options are already gone */
    char **argv;
    bool bad_usage; /* an option lacked its value: kee_cli_operands() will say so */
};

/* Takes the option out of argv if it is there. */
bool kee_cli_take_flag(struct kee_cli *cli, const char *name);
/* "--name VALUE" or "--name=VALUE"; NULL if it is not there. */
const char *kee_cli_take_option(struct kee_cli *cli, const char *name);
/* What is left must be from min to max operands (max < 0: any number). If not, says so on standard
 * error, with the usage, and gives false. "-5" is an operand; "-f" and "--x" are unknown options;
 * after "--" all are operands. */
bool kee_cli_operands(struct kee_cli *cli, int min, int max);

/* "keeve: text" on standard error, with the newline. Gives KEE_EXIT_FAILED. */
int kee_cli_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The same for what was not understood, with the usage line. Gives KEE_EXIT_USAGE. */
int kee_cli_usage_error(const struct kee_cli *cli, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Reports the thread's last fault. Gives KEE_EXIT_FAILED. */
int kee_cli_fault(void);

/* Ends the program, with the reason: for what a command has no use going on without. As by a kill, the
 * daemon and what is on the disk take no harm; what is printed already is how the whole begins. */
_Noreturn void kee_cli_out_of_memory(void);
/* What a buffer holds, whole; ends the program if memory was wanting for a piece of it. */
const char *kee_cli_text(struct kee_buf *buf);

/* The path of a file in the home. The caller frees with kee_buf_fini(). */
struct kee_buf kee_cli_home_path(const struct kee_cli *cli, const char *name);

#define KEE_COMMAND(name, function, synopsis, summary, details, example)                           \
    int function(struct kee_cli *cli);
#include "cli/commands.def"
#undef KEE_COMMAND

#endif
