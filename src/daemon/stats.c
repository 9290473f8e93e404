/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stats - what a vat keeps, counted a few thousand rows at a time: a client that wants to know asks as
 * often as it takes, and between two answers the daemon does its other work.
 */
#include "base/fault.h"
#include "daemon/daemon_internal.h"
#include "daemon/json_text.h"

static int hex_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* A place is a key: bytes of any value, so in JSON it is hexadecimal. */
static bool take_place(const json_t *json, struct kee_buf *out)
{
    const char *text = json_string_value(json);
    size_t size = json_string_length(json);

    if (json == NULL) {
        return true;
    }
    if (text == NULL || size == 0 || size % 2 != 0) {
        return false;
    }
    for (size_t i = 0; i < size; i += 2) {
        int high = hex_digit(text[i]);
        int low = hex_digit(text[i + 1]);
        if (high < 0 || low < 0) {
            return false;
        }
        kee_buf_put_u8(out, (uint8_t)(high << 4 | low));
    }
    return !out->failed;
}

static void put_place(struct kee_buf *json, const struct kee_buf *place)
{
    static const char digits[] = "0123456789abcdef";
    struct kee_buf text = KEE_BUF_EMPTY;

    for (size_t i = 0; i < place->size; i++) {
        kee_buf_put_char(&text, digits[place->data[i] >> 4]);
        kee_buf_put_char(&text, digits[place->data[i] & 15]);
    }
    kee_json_put_text_member(json, "next", kee_buf_bytes(&text));
    json->failed = json->failed || text.failed;
    kee_buf_fini(&text);
}

static void put_stats(struct kee_buf *json, struct kee_vat_id vat,
                      const struct kee_vat_stats *stats, const struct kee_buf *place)
{
    struct kee_buf name = KEE_BUF_EMPTY;

    kee_buf_printf(&name, "v%llu", (unsigned long long)vat.n);
    kee_buf_put_char(json, '{');
    kee_json_put_text_member(json, "vat", kee_buf_bytes(&name));
    kee_json_put_number_member(json, "exports", stats->exports);
    kee_json_put_number_member(json, "durable", stats->durable);
    kee_json_put_number_member(json, "imports", stats->imports);
    kee_json_put_number_member(json, "weak", stats->weak);
    kee_json_put_number_member(json, "promises", stats->promises);
    kee_json_put_number_member(json, "decides", stats->decides);
    kee_json_put_number_member(json, "objects", stats->objects);
    kee_json_put_number_member(json, "entries", stats->entries);
    kee_json_put_number_member(json, "rows", stats->rows);
    kee_json_put_number_member(json, "bytes", stats->bytes);
    kee_json_put_number_member(json, "queued", stats->queued);
    if (place->size > 0) {
        put_place(json, place);
    }
    kee_buf_put_char(json, '}');
    json->failed = json->failed || name.failed;
    kee_buf_fini(&name);
}

void kee_daemon_stats(struct kee_daemon *daemon, struct kee_request *request, const json_t *params)
{
    const char *name = json_string_value(json_object_get(params, "vat"));
    struct kee_buf place = KEE_BUF_EMPTY, json = KEE_BUF_EMPTY;
    struct kee_vat_stats stats = {0};
    struct kee_vat_id vat;
    int r;

    if (name == NULL || !kee_id_parse(kee_bytes_str(name), 'v', &vat.n)) {
        kee_daemon_bad(request, "vat: expected a vat such as v2, found %.40s",
                       name == NULL ? "no string" : name);
    } else if (!take_place(json_object_get(params, "from"), &place)) {
        kee_daemon_bad(request, "from: expected the \"next\" of an answer");
    } else {
        r = kee_kernel_stats(daemon->core.kernel, vat, &place, &stats);
        if (r != 0) {
            kee_daemon_decline(daemon, request, r);
        } else {
            put_stats(&json, vat, &stats, &place);
            if (json.failed) {
                kee_request_error(request, "FAULT", "out of memory");
            } else {
                kee_request_result(request, kee_buf_bytes(&json));
            }
        }
    }
    kee_buf_fini(&json);
    kee_buf_fini(&place);
}
