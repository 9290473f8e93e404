/* SPDX-License-Identifier: Apache-2.0 */
/* help - see help.h. */
#include "cli/help.h"

#define KEE_COMMAND(name, function, synopsis, summary, details, example)                           \
    {name, function, synopsis, summary, details, example},
static const struct kee_command commands[] = {
#include "cli/commands.def"
};
#undef KEE_COMMAND

#define COMMAND_COUNT (sizeof commands / sizeof *commands)

const struct kee_command *kee_help_find(const char *name)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (strcmp(commands[i].name, name) == 0) {
            return &commands[i];
        }
    }
    return NULL;
}

static unsigned least(unsigned a, unsigned b, unsigned c)
{
    unsigned ab = a < b ? a : b;

    return ab < c ? ab : c;
}

#define NAME_BYTES_MAX 32u

/* Insertions, deletions and replacements that turn one name into the other. */
static unsigned distance(const char *from, const char *to)
{
    unsigned row[NAME_BYTES_MAX + 1];
    size_t width = strlen(to);

    if (strlen(from) > NAME_BYTES_MAX || width > NAME_BYTES_MAX) {
        return NAME_BYTES_MAX;
    }
    for (unsigned j = 0; j <= width; j++) {
        row[j] = j;
    }
    for (unsigned i = 1; from[i - 1] != '\0'; i++) {
        unsigned diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= width; j++) {
            unsigned above = row[j];
            row[j] = least(above + 1, row[j - 1] + 1, diagonal + (from[i - 1] != to[j - 1]));
            diagonal = above;
        }
    }
    return row[width];
}

const struct kee_command *kee_help_nearest(const char *name)
{
    const struct kee_command *nearest = NULL;
    unsigned best = 3; /* further away is no slip of the hand */

    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        unsigned far = distance(name, commands[i].name);
        if (far < best) {
            best = far;
            nearest = &commands[i];
        }
    }
    return nearest;
}

void kee_help_all(FILE *out)
{
    fputs("keeve - a container of vats: isolated programs that talk through an object-capability "
          "kernel\n\n"
          "usage: keeve [--home DIR] [--json] COMMAND ...\n\n",
          out);
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        fprintf(out, "  %-12s  %s\n", commands[i].name, commands[i].summary);
    }
    fputs(
        "\n"
        "  --home DIR  the directory of the daemon and its store; else KEEVE_HOME, else ~/.keeve\n"
        "  --json      lines of JSON instead of tables; the default when output is not a terminal\n"
        "  --version   print the version\n"
        "\nkeeve COMMAND --help explains a command with an example.\n\n"
        "$ keeve start\n"
        "$ keeve launch examples/counter/cluster.json\n"
        "$ keeve send ko1 greet '\"Ada\"'\n",
        out);
}

void kee_help_of(FILE *out, const struct kee_command *command)
{
    fprintf(out, "keeve %s - %s\n\nusage: keeve %s%s%s\n", command->name, command->summary,
            command->name, command->synopsis[0] == '\0' ? "" : " ", command->synopsis);
    if (command->details[0] != '\0') {
        fprintf(out, "\n%s", command->details);
    }
    fprintf(out, "\nexample:\n%s", command->example);
}

void kee_help_markdown(FILE *out)
{
    fputs("# Commands\n\nWritten by `keeve --help-markdown` from src/cli/commands.def.\n", out);
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        const struct kee_command *command = &commands[i];
        fprintf(out, "\n## keeve %s\n\n    keeve %s%s%s\n\n%s.\n", command->name, command->name,
                command->synopsis[0] == '\0' ? "" : " ", command->synopsis, command->summary);
        if (command->details[0] != '\0') {
            fprintf(out, "\n```\n%s```\n", command->details);
        }
        fprintf(out, "\n```\n%s```\n", command->example);
    }
}
