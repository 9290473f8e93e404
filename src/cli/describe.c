/* SPDX-License-Identifier: Apache-2.0 */
/*
 * describe - keeve describe: what a reference's own letters and digits say, without any daemon; and,
 * with one, what it stands for.
 *
 *   o+d10/7:1   object . made by the vat . durable . kind 10 . instance 7 . facet 1 . base o+d10/7
 */
#include <stdio.h>

#include "base/ids.h"
#include "cli/control.h"
#include "cli/print.h"

static bool is_number(struct kee_bytes text)
{
    uint64_t n;

    return kee_bytes_decimal(text, &n);
}

/* What stands where text goes wrong as K/I or K/I:F. */
static const char *expected_of_virtual(struct kee_bytes rest)
{
    struct kee_bytes kind = kee_bytes_cut(&rest, '/');

    if (!is_number(kind)) {
        return "the number of a kind after the letter, as in o+d10/7";
    }
    if (rest.data == NULL) {
        return "'/' and the number of an instance after the kind, as in o+d10/7";
    }
    if (!is_number(kee_bytes_cut(&rest, ':'))) {
        return "the number of an instance after '/', as in o+d10/7";
    }
    return "the number of a facet after ':', as in o+d10/7:1";
}

/* Of what is neither a kref nor a vref. */
static const char *expected_of(struct kee_bytes text)
{
    uint8_t first = text.size > 0 ? text.data[0] : 0;
    uint8_t third = text.size > 2 ? text.data[2] : 0;

    if (first == 'k') {
        return "ko, kp or kd and a number from 1 without leading zeros, as in ko4";
    }
    if (first == 'v' || first == 's') {
        return "a reference; v2 and s1 name a vat and a subcluster (keeve vats, keeve subclusters)";
    }
    if (first != 'o' && first != 'p' && first != 'd') {
        return "a kref such as ko4, or a vat's own name such as o-50, p+7, d-2 or o+d10/7";
    }
    if (text.size < 2 || (text.data[1] != '+' && text.data[1] != '-')) {
        return "'+' (made by the vat) or '-' (made by the kernel) after the first letter, as in "
               "o-50";
    }
    if (first == 'd' && text.data[1] == '+') {
        return "'-' after d: the kernel numbers devices, as in d-2";
    }
    if (first == 'o' && text.data[1] == '+' && (third == 'v' || third == 'd')) {
        return expected_of_virtual(kee_bytes_of(text.data + 3, text.size - 3));
    }
    if (third == 'v' || third == 'd') {
        return "a number: only objects made by the vat (o+v, o+d) are virtual or durable";
    }
    return "a number without leading zeros after the sign, as in o-50";
}

static bool take(struct kee_bytes text, struct kee_kref *kref, struct kee_vref_parts *parts)
{
    *kref = KEE_KREF_NONE;
    if (kee_kref_parse(text, kref)) {
        return true;
    }
    return kee_vref_parse(text, parts) && (parts->type != KEE_VREF_DEVICE || !parts->exported);
}

/* JSON integers of the library end at 63 bits; a number beyond is shown as text. */
static json_t *number(uint64_t n)
{
    char text[24];

    if (n <= INT64_MAX) {
        return json_integer((json_int_t)n);
    }
    (void)snprintf(text, sizeof text, "%llu", (unsigned long long)n);
    return json_string(text);
}

static json_t *describe_kref(const char *text, struct kee_kref kref)
{
    static const char *const types[] = {"object", "promise", "device"};

    return json_pack("{s:s,s:s,s:s,s:s,s:o}", "reference", text, "of", "kernel", "type",
                     types[kee_kref_kind(kref)], "allocator", "kernel", "number",
                     number(kee_kref_number(kref)));
}

static const char *lifetime_of(const struct kee_vref_parts *parts)
{
    if (parts->type != KEE_VREF_OBJECT || !parts->exported) {
        return NULL; /* an import: its own vat knows */
    }
    return parts->is_durable ? "durable" : parts->is_virtual ? "virtual" : "ephemeral";
}

static json_t *describe_vref(const char *text, const struct kee_vref_parts *parts)
{
    const char *type = parts->type == KEE_VREF_OBJECT    ? "object"
                       : parts->type == KEE_VREF_PROMISE ? "promise"
                                                         : "device";
    size_t base = strcspn(text, ":");
    json_t *json =
        json_pack("{s:s,s:s,s:s,s:s,s:s*}", "reference", text, "of", "vat", "type", type,
                  "allocator", parts->exported ? "vat" : "kernel", "lifetime", lifetime_of(parts));

    if (!parts->is_virtual) {
        (void)json_object_set_new(json, "number", number(parts->id));
    } else {
        (void)json_object_set_new(json, "kind", number(parts->id));
        (void)json_object_set_new(json, "instance", number(parts->instance));
    }
    (void)json_object_set_new(json, "base", json_stringn(text, base));
    if (parts->has_facet) {
        (void)json_object_set_new(json, "facet", number(parts->facet));
    }
    return json;
}

/* Adds what the daemon knows. Gives an enum kee_exit; without a daemon there is nothing to add. */
static int ask(struct kee_cli *cli, const char *vat, json_t *out)
{
    struct kee_control *control = NULL;
    json_t *result = NULL;
    int status = KEE_EXIT_OK;
    int r = kee_control_open(&control, cli->home);

    if (r == 0) {
        r = kee_control_call(control, "describe",
                             json_pack("{s:s,s:s*}", "reference", cli->argv[0], "vat", vat), NULL,
                             NULL, &result);
        if (r == 0) {
            (void)json_object_update(out, result);
        } else if (r > 0) {
            status = kee_cli_error("%s", kee_control_message(control));
        }
    } else if (r > 0 && vat != NULL) {
        status = kee_cli_error("no daemon is running for %s, so that %s cannot be looked into",
                               cli->home, vat);
    }
    if (r < 0) {
        status = kee_cli_fault();
    }
    json_decref(result);
    kee_control_free(control);
    return status;
}

static void print_lines(const json_t *json)
{
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)json, name, value)
    {
        struct kee_buf text = KEE_BUF_EMPTY;
        if (json_is_string(value)) {
            kee_buf_put_visible(&text,
                                kee_bytes_of(json_string_value(value), json_string_length(value)));
        } else {
            kee_buf_printf(&text, "%lld", (long long)json_integer_value(value));
        }
        printf("%-12s  %s\n", name, kee_cli_text(&text));
        kee_buf_fini(&text);
    }
}

int kee_cmd_describe(struct kee_cli *cli)
{
    const char *vat = kee_cli_take_option(cli, "--vat");
    struct kee_vref_parts parts = {0};
    struct kee_kref kref;
    struct kee_bytes text;
    uint64_t n;
    json_t *json;
    int status = KEE_EXIT_OK;

    if (!kee_cli_operands(cli, 1, 1)) {
        return KEE_EXIT_USAGE;
    }
    text = kee_bytes_str(cli->argv[0]);
    if (vat != NULL && !kee_id_parse(kee_bytes_str(vat), 'v', &n)) {
        return kee_cli_usage_error(cli, "--vat: expected a vat such as v2, found \"%s\"", vat);
    }
    if (!take(text, &kref, &parts)) {
        return kee_cli_usage_error(cli, "\"%s\" is not a reference: expected %s", cli->argv[0],
                                   expected_of(text));
    }
    json = kee_kref_is_none(kref) ? describe_vref(cli->argv[0], &parts)
                                  : describe_kref(cli->argv[0], kref);
    if (json == NULL) {
        return kee_cli_error("out of memory");
    }
    if (!kee_kref_is_none(kref) || vat != NULL) {
        status = ask(cli, vat, json);
    }
    if (status == KEE_EXIT_OK && cli->json) {
        kee_print_json(json);
    } else if (status == KEE_EXIT_OK) {
        print_lines(json);
    }
    json_decref(json);
    return status;
}
