/* SPDX-License-Identifier: Apache-2.0 */
/* print - see print.h. */
#include "cli/print.h"

#include <stdio.h>
#include <stdlib.h>

#include "value/body.h"
#include "value/json.h"

#define COLUMNS_MAX 16u
#define CELL_WIDTH_MIN 6u
#define HEAD_WIDTH_MIN 4u

void kee_buf_put_visible(struct kee_buf *buf, struct kee_bytes text)
{
    for (size_t i = 0; i < text.size; i++) {
        uint8_t c = text.data[i];
        bool c1 = c == 0xc2 && i + 1 < text.size && text.data[i + 1] < 0xa0;
        if (c < 0x20 || c == 0x7f || c1) {
            kee_buf_put_char(buf, '?');
            i += c1;
        } else {
            kee_buf_put_char(buf, (char)c);
        }
    }
}

void kee_print_json(const json_t *json)
{
    char *text = json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY);

    puts(text == NULL ? "null" : text);
    free(text);
}

/* What a cell shows, always a new buffer. */
static struct kee_buf cell_text(const json_t *cell)
{
    struct kee_buf buf = KEE_BUF_EMPTY;
    char *text;

    if (cell == NULL || json_is_null(cell)) {
        kee_buf_put_char(&buf, '-');
    } else if (json_is_string(cell)) {
        kee_buf_put_visible(&buf, kee_bytes_of(json_string_value(cell), json_string_length(cell)));
        if (buf.size == 0) {
            kee_buf_put_char(&buf, '-');
        }
    } else {
        text = json_dumps(cell, JSON_COMPACT | JSON_ENCODE_ANY);
        kee_buf_put_visible(&buf, kee_bytes_str(text == NULL ? "" : text));
        free(text);
    }
    (void)kee_cli_text(&buf);
    return buf;
}

/* Characters, taken as one column each. */
static size_t width_of(struct kee_bytes text)
{
    size_t width = 0;

    for (size_t i = 0; i < text.size; i++) {
        width += (text.data[i] & 0xc0) != 0x80;
    }
    return width;
}

/* Bytes that hold the first width characters. */
static size_t bytes_of_width(struct kee_bytes text, size_t width)
{
    size_t i = 0;

    while (i < text.size && (width > 0 || (text.data[i] & 0xc0) == 0x80)) {
        width -= (text.data[i] & 0xc0) != 0x80;
        i++;
    }
    return i;
}

struct column {
    const char *name;
    size_t width;
    size_t content; /* of the widest cell, the head not counted */
    bool right;     /* numbers stand to the right */
};

struct table {
    struct column columns[COLUMNS_MAX];
    size_t count;
};

/* Rows leave out what is empty, so any row may bring a column. */
static void add_column(struct table *table, const char *name)
{
    for (size_t i = 0; i < table->count; i++) {
        if (strcmp(table->columns[i].name, name) == 0) {
            return;
        }
    }
    if (table->count < COLUMNS_MAX) {
        table->columns[table->count++] = (struct column){name, strlen(name), 0, true};
    }
}

static void measure(struct table *table, const json_t *rows)
{
    const char *name;
    json_t *cell;
    json_t *row;
    size_t index;

    json_array_foreach((json_t *)rows, index, row)
    {
        json_object_foreach(row, name, cell)
        {
            add_column(table, name);
        }
    }
    for (size_t i = 0; i < table->count; i++) {
        struct column *column = &table->columns[i];
        json_array_foreach((json_t *)rows, index, row)
        {
            const json_t *found = json_object_get(row, column->name);
            struct kee_buf text = cell_text(found);
            size_t width = width_of(kee_buf_bytes(&text));
            column->width = width > column->width ? width : column->width;
            column->content = width > column->content ? width : column->content;
            column->right = column->right && (found == NULL || json_is_number(found));
            kee_buf_fini(&text);
        }
    }
}

/* The widest column to take from: of those whose head alone is wider than their cells, if heads. */
static struct column *widest_of(struct table *table, bool heads)
{
    struct column *widest = NULL;

    for (size_t i = 0; i < table->count; i++) {
        struct column *column = &table->columns[i];
        bool spare = heads ? column->width > column->content && column->width > HEAD_WIDTH_MIN
                           : column->width > CELL_WIDTH_MIN;
        if (spare && (widest == NULL || column->width > widest->width)) {
            widest = column;
        }
    }
    return widest;
}

/* Takes from the widest columns until the line fits: from heads first, since help has them whole. */
static void narrow(struct table *table, size_t columns)
{
    size_t total = 0;

    for (size_t i = 0; i < table->count; i++) {
        total += table->columns[i].width + (i > 0 ? 2 : 0);
    }
    for (; total > columns; total--) {
        struct column *widest = widest_of(table, true);
        if (widest == NULL) {
            widest = widest_of(table, false);
        }
        if (widest == NULL) {
            return;
        }
        widest->width--;
    }
}

static void put_spaces(struct kee_buf *line, size_t count)
{
    while (count-- > 0) {
        kee_buf_put_char(line, ' ');
    }
}

static void put_cell(struct kee_buf *line, const struct column *column, struct kee_bytes text,
                     bool last)
{
    size_t width = width_of(text);
    size_t pad;

    if (width > column->width) {
        kee_buf_put_bytes(line, kee_bytes_of(text.data, bytes_of_width(text, column->width - 1)));
        kee_buf_put_str(line, "\xe2\x80\xa6"); /* an ellipsis */
    } else {
        pad = column->width - width;
        put_spaces(line, column->right ? pad : 0);
        kee_buf_put_bytes(line, text);
        put_spaces(line, column->right || last ? 0 : pad);
    }
    if (!last) {
        kee_buf_put_str(line, "  ");
    }
}

static void print_line(const struct table *table, const json_t *row)
{
    struct kee_buf line = KEE_BUF_EMPTY;

    for (size_t i = 0; i < table->count; i++) {
        const struct column *column = &table->columns[i];
        struct kee_buf text = KEE_BUF_EMPTY;
        if (row == NULL) {
            for (const char *c = column->name; *c != '\0'; c++) {
                kee_buf_put_char(&text, *c >= 'a' && *c <= 'z' ? (char)(*c - 'a' + 'A') : *c);
            }
        } else {
            text = cell_text(json_object_get(row, column->name));
        }
        put_cell(&line, column, kee_bytes_str(kee_cli_text(&text)), i + 1 == table->count);
        kee_buf_fini(&text);
    }
    kee_buf_put_char(&line, '\n');
    fputs(kee_cli_text(&line), stdout);
    kee_buf_fini(&line);
}

void kee_print_rows(const struct kee_cli *cli, const json_t *rows, const char *empty)
{
    struct table table = {.count = 0};
    size_t index;
    json_t *row;

    if (cli->json) {
        json_array_foreach((json_t *)rows, index, row)
        {
            kee_print_json(row);
        }
        return;
    }
    if (json_array_size(rows) == 0) {
        puts(empty);
        return;
    }
    measure(&table, rows);
    narrow(&table, cli->columns);
    print_line(&table, NULL);
    json_array_foreach((json_t *)rows, index, row)
    {
        print_line(&table, row);
    }
}

/* An array of names, or in listings and events their text with commas between. */
static size_t take_slots(const json_t *slots, struct kee_arena *arena, struct kee_bytes **out)
{
    struct kee_bytes text = kee_bytes_of(json_string_value(slots), json_string_length(slots));
    size_t count = json_array_size(slots);

    if (kee_bytes_equal(text, KEE_BYTES_LIT("-"))) {
        text.size = 0;
    }
    for (size_t i = 0; i < text.size; i++) {
        count += text.data[i] == ',' || i == 0;
    }
    *out = kee_arena_alloc(arena, count * sizeof **out);
    if (*out == NULL) {
        kee_cli_out_of_memory();
    }
    for (size_t i = 0; i < count; i++) {
        const json_t *slot = json_array_get(slots, i);
        (*out)[i] = slot == NULL ? kee_bytes_cut(&text, ',')
                                 : kee_bytes_of(json_string_value(slot), json_string_length(slot));
    }
    return count;
}

struct kee_value *kee_print_value_of(const json_t *capdata, struct kee_arena *arena,
                                     struct kee_buf *why)
{
    const json_t *body = json_object_get(capdata, "body");
    struct kee_bytes *names = NULL;
    size_t count = take_slots(json_object_get(capdata, "slots"), arena, &names);
    struct kee_value *value = NULL;
    struct kee_body of = {{NULL, 0}, names, count};
    int r;

    if (!json_is_string(body)) {
        kee_buf_put_str(why, "the daemon's answer has no body");
        return NULL;
    }
    of.text = kee_bytes_of(json_string_value(body), json_string_length(body));
    r = kee_body_decode(of, arena, &value, why);
    if (r < 0) {
        kee_cli_out_of_memory(); /* it has no other fault */
    }
    return r == 0 ? value : NULL;
}

void kee_print_value(const struct kee_cli *cli, const struct kee_value *value)
{
    struct kee_buf text = KEE_BUF_EMPTY;
    struct kee_buf visible = KEE_BUF_EMPTY;
    struct kee_buf *shown = &text;

    kee_buf_put_value_json(&text, value);
    if (cli->columns > 0) {
        kee_buf_put_visible(&visible, kee_bytes_str(kee_cli_text(&text)));
        shown = &visible;
    }
    puts(kee_cli_text(shown));
    kee_buf_fini(&visible);
    kee_buf_fini(&text);
}

void kee_buf_put_rejection(struct kee_buf *buf, const struct kee_value *value)
{
    struct kee_buf text = KEE_BUF_EMPTY;

    if (value->kind == KEE_VALUE_ERROR) {
        kee_buf_put_visible(buf, value->as.error.name);
        kee_buf_put_str(buf, ": ");
        kee_buf_put_visible(buf, value->as.error.message);
        return;
    }
    kee_buf_put_value_json(&text, value);
    kee_buf_put_str(buf, "rejected with ");
    kee_buf_put_visible(buf, kee_bytes_str(kee_cli_text(&text)));
    kee_buf_fini(&text);
}
