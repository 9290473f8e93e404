/* SPDX-License-Identifier: Apache-2.0 */
/* listings - the commands that show one table of the kernel as it is. */
#include <stdlib.h>
#include <string.h>

#include "cli/control.h"
#include "cli/print.h"

/* The name of the thing a row is about: its first member. */
static const char *name_of(const json_t *row)
{
    void *iter = json_object_iter((json_t *)row);
    const char *name = iter == NULL ? NULL : json_string_value(json_object_iter_value(iter));

    return name == NULL ? "" : name;
}

/* v2 before v10: of two numbers without leading zeros the longer one is greater. */
static int compare_names(const void *a, const void *b)
{
    const char *left = name_of(*(json_t *const *)a);
    const char *right = name_of(*(json_t *const *)b);
    size_t kind_left = strcspn(left, "0123456789");
    size_t kind_right = strcspn(right, "0123456789");
    size_t size_left = strlen(left);
    size_t size_right = strlen(right);

    if (kind_left == kind_right && strncmp(left, right, kind_left) == 0 &&
        size_left != size_right) {
        return size_left < size_right ? -1 : 1;
    }
    return strcmp(left, right);
}

/* The store has names in the order of their bytes; people count. A listing stays as it is when memory is
 * out. */
static json_t *in_order(const struct kee_cli *cli, json_t *rows)
{
    size_t count = json_array_size(rows);
    json_t **list = calloc(count + 1, sizeof(void *));
    json_t *sorted = list == NULL ? NULL : json_array();

    (void)cli;
    if (sorted == NULL) {
        free(list);
        return rows;
    }
    for (size_t i = 0; i < count; i++) {
        list[i] = json_array_get(rows, i);
    }
    qsort(list, count, sizeof(void *), compare_names);
    for (size_t i = 0; i < count; i++) {
        if (json_array_append(sorted, list[i]) != 0) {
            json_decref(sorted);
            free(list);
            return rows;
        }
    }
    free(list);
    json_decref(rows);
    return sorted;
}

/* arrange: takes the rows, gives what is to be shown. */
static int show_arranged(struct kee_cli *cli, const char *method, json_t *params, const char *empty,
                         json_t *(*arrange)(const struct kee_cli *cli, json_t *rows))
{
    json_t *rows = NULL;
    int status = kee_cli_call(cli, method, params, &rows);

    if (status == KEE_EXIT_OK && !json_is_array(rows)) {
        status = kee_cli_error("the daemon's answer to %s is no listing", method);
    } else if (status == KEE_EXIT_OK) {
        rows = arrange(cli, rows);
        kee_print_rows(cli, rows, empty);
    }
    json_decref(rows);
    return status;
}

static json_t *as_they_are(const struct kee_cli *cli, json_t *rows)
{
    (void)cli;
    return rows;
}

static int show(struct kee_cli *cli, const char *method, json_t *params, const char *empty)
{
    return show_arranged(cli, method, params, empty, as_they_are);
}

/* A listing of things by their names. */
static int show_things(struct kee_cli *cli, const char *method, const char *empty)
{
    return show_arranged(cli, method, NULL, empty, in_order);
}

/* A vat without a process has, for people, none. */
static json_t *vats_in_order(const struct kee_cli *cli, json_t *rows)
{
    json_t *row;
    size_t i;

    json_array_foreach(rows, i, row)
    {
        json_t *pid = json_object_get(row, "pid");
        if (!cli->json && json_is_integer(pid) && json_integer_value(pid) == 0) {
            (void)json_object_set_new(row, "pid", json_null());
        }
    }
    return in_order(cli, rows);
}

int kee_cmd_vats(struct kee_cli *cli)
{
    return kee_cli_operands(cli, 0, 0) ? show_arranged(cli, "vats", NULL, "no vats", vats_in_order)
                                       : KEE_EXIT_USAGE;
}

int kee_cmd_clist(struct kee_cli *cli)
{
    return kee_cli_operands(cli, 1, 1)
               ? show(cli, "clist", json_pack("{s:s}", "vat", cli->argv[0]), "no references")
               : KEE_EXIT_USAGE;
}

int kee_cmd_queue(struct kee_cli *cli)
{
    return kee_cli_operands(cli, 0, 0) ? show(cli, "queue", NULL, "nothing is queued")
                                       : KEE_EXIT_USAGE;
}

int kee_cmd_objects(struct kee_cli *cli)
{
    return kee_cli_operands(cli, 0, 0) ? show_things(cli, "objects", "no objects") : KEE_EXIT_USAGE;
}

int kee_cmd_promises(struct kee_cli *cli)
{
    return kee_cli_operands(cli, 0, 0) ? show_things(cli, "promises", "no promises")
                                       : KEE_EXIT_USAGE;
}

int kee_cmd_who_holds(struct kee_cli *cli)
{
    return kee_cli_operands(cli, 1, 1)
               ? show(cli, "who-holds", json_pack("{s:s}", "kref", cli->argv[0]),
                      "nothing holds it")
               : KEE_EXIT_USAGE;
}

int kee_cmd_grants(struct kee_cli *cli)
{
    return kee_cli_operands(cli, 0, 0) ? show(cli, "grants", NULL, "nothing is granted")
                                       : KEE_EXIT_USAGE;
}

int kee_cmd_services(struct kee_cli *cli)
{
    return kee_cli_operands(cli, 0, 0) ? show(cli, "services", NULL, "no services")
                                       : KEE_EXIT_USAGE;
}

int kee_cmd_subclusters(struct kee_cli *cli)
{
    return kee_cli_operands(cli, 0, 0) ? show_things(cli, "subclusters", "no subclusters")
                                       : KEE_EXIT_USAGE;
}

int kee_cmd_sessions(struct kee_cli *cli)
{
    return kee_cli_operands(cli, 0, 0) ? show(cli, "sessions", NULL, "no sessions")
                                       : KEE_EXIT_USAGE;
}

int kee_cmd_url(struct kee_cli *cli)
{
    if (!kee_cli_operands(cli, 0, 1)) {
        return KEE_EXIT_USAGE;
    }
    return show(cli, "urls", cli->argc == 0 ? NULL : json_pack("{s:s}", "name", cli->argv[0]),
                "no doors");
}
