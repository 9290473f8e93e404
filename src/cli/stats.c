/* SPDX-License-Identifier: Apache-2.0 */
/* stats - keeve stats: what each vat keeps. Asks a piece at a time and adds up. */
#include "cli/stats.h"

#include "cli/print.h"

/* Adds the numbers of a piece to those before. */
static void add(json_t *sum, const json_t *piece)
{
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)piece, name, value)
    {
        if (json_is_integer(value)) {
            json_int_t before = json_integer_value(json_object_get(sum, name));
            (void)json_object_set_new(sum, name, json_integer(before + json_integer_value(value)));
        } else if (strcmp(name, "next") != 0) {
            (void)json_object_set(sum, name, value);
        }
    }
}

int kee_stats_of(struct kee_cli *cli, const char *vat, json_t **out)
{
    json_t *sum = json_object();
    json_t *piece = NULL;
    json_t *place = NULL;
    int status = KEE_EXIT_OK;

    do {
        status =
            kee_cli_call(cli, "stats", json_pack("{s:s,s:o*}", "vat", vat, "from", place), &piece);
        place = status == KEE_EXIT_OK ? json_incref(json_object_get(piece, "next")) : NULL;
        add(sum, piece);
        json_decref(piece);
        piece = NULL;
    } while (status == KEE_EXIT_OK && place != NULL);
    if (status != KEE_EXIT_OK) {
        json_decref(sum);
        sum = NULL;
    }
    *out = sum;
    return status;
}

int kee_stats_of_all(struct kee_cli *cli, json_t **out)
{
    json_t *vats = NULL;
    json_t *rows = json_array();
    json_t *row;
    json_t *one;
    size_t index;
    int status = kee_cli_call(cli, "vats", NULL, &vats);

    json_array_foreach(vats, index, row)
    {
        const char *vat = json_string_value(json_object_get(row, "vat"));
        if (status == KEE_EXIT_OK && vat != NULL) {
            status = kee_stats_of(cli, vat, &one);
            if (status == KEE_EXIT_OK) {
                (void)json_object_set(one, "name", json_object_get(row, "name"));
                (void)json_array_append_new(rows, one);
            }
        }
    }
    json_decref(vats);
    *out = rows;
    return status;
}

int kee_cmd_stats(struct kee_cli *cli)
{
    json_t *rows = NULL;
    json_t *one = NULL;
    int status;

    if (!kee_cli_operands(cli, 0, 1)) {
        return KEE_EXIT_USAGE;
    }
    if (cli->argc == 0) {
        status = kee_stats_of_all(cli, &rows);
    } else {
        rows = json_array();
        status = kee_stats_of(cli, cli->argv[0], &one);
        if (status == KEE_EXIT_OK) {
            (void)json_array_append_new(rows, one);
        }
    }
    if (status == KEE_EXIT_OK) {
        kee_print_rows(cli, rows, "no vats");
    }
    json_decref(rows);
    return status;
}
