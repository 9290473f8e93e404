/* SPDX-License-Identifier: Apache-2.0 */
/* help - the texts of --help, all made from commands.def, and finding a command by its name. */
#ifndef KEE_CLI_HELP_H
#define KEE_CLI_HELP_H

#include <stdio.h>

#include "cli/command.h"

const struct kee_command *kee_help_find(const char *name); /* NULL if there is none */
/* The command whose name is most like name, or NULL if none is near. */
const struct kee_command *kee_help_nearest(const char *name);
void kee_help_all(FILE *out);
void kee_help_of(FILE *out, const struct kee_command *command);
/* All of it as Markdown: docs/commands/reference.md. */
void kee_help_markdown(FILE *out);

#endif
