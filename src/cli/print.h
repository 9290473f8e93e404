/* SPDX-License-Identifier: Apache-2.0 */
/*
 * print - what commands show: tables and sentences for people, lines of JSON for programs.
 *
 * Text that comes from vats never reaches a terminal raw: control characters are shown as "?", so
 * that it cannot move the cursor or hide a line.
 */
#ifndef KEE_CLI_PRINT_H
#define KEE_CLI_PRINT_H

#include <jansson.h>

#include "cli/command.h"
#include "value/value.h"

/* An array of objects: a table with a heading on a terminal, else one line for each object. empty is
 * the sentence for a person when there is none. */
void kee_print_rows(const struct kee_cli *cli, const json_t *rows, const char *empty);

/* One object on a line. */
void kee_print_json(const json_t *json);

/* Appends text as a terminal may show it. */
void kee_buf_put_visible(struct kee_buf *buf, struct kee_bytes text);

/* {"body":..., "slots":[...]} as a value. On failure says why in why and gives NULL. */
struct kee_value *kee_print_value_of(const json_t *capdata, struct kee_arena *arena,
                                     struct kee_buf *why);

/* A value with newline; on a terminal made visible. */
void kee_print_value(const struct kee_cli *cli, const struct kee_value *value);

/* "Name: message" of a rejection, whatever the value is. */
void kee_buf_put_rejection(struct kee_buf *buf, const struct kee_value *value);

/* One event of the trace: a line for people, or JSON. */
void kee_print_event(const struct kee_cli *cli, const json_t *event);

#endif
