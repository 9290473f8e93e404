/* SPDX-License-Identifier: Apache-2.0 */
/* origin - see origin.h. */
#include "net/origin.h"

#include <stdio.h>
#include <strings.h>

#include "os/tcp.h"

static bool same_name(struct kee_bytes a, struct kee_bytes b)
{
    return a.size == b.size &&
           (a.size == 0 || strncasecmp((const char *)a.data, (const char *)b.data, a.size) == 0);
}

static bool has_prefix(struct kee_bytes text, const char *prefix)
{
    size_t size = strlen(prefix);

    return text.size >= size && strncasecmp((const char *)text.data, prefix, size) == 0;
}

/* HOST, or HOST:PORT. */
static bool parse_host(struct kee_tcp_place *out, struct kee_bytes host)
{
    char whole[sizeof out->host + 16];
    bool has_port = host.size > 0 && host.data[host.size - 1] != ']' &&
                    memchr(host.data, ':', host.size) != NULL;

    if (has_port || host.size == 0 || host.size > sizeof out->host) {
        return host.size > 0 && kee_tcp_place_parse(out, host);
    }
    (void)snprintf(whole, sizeof whole, "%.*s:80", (int)host.size, (const char *)host.data);
    return kee_tcp_place_parse(out, kee_bytes_str(whole));
}

/* What follows the scheme. */
static bool cut_scheme(struct kee_bytes *out, struct kee_bytes origin)
{
    size_t size = has_prefix(origin, "http://") ? 7 : has_prefix(origin, "https://") ? 8 : 0;

    *out = kee_bytes_of(origin.data + size, origin.size - size);
    return size > 0;
}

bool kee_origin_is_one(struct kee_bytes text)
{
    struct kee_tcp_place place;
    struct kee_bytes rest;

    return kee_bytes_equal(text, KEE_BYTES_LIT("null")) ||
           (cut_scheme(&rest, text) && parse_host(&place, rest));
}

bool kee_origin_is_given(const struct kee_origins *origins, struct kee_bytes origin)
{
    for (size_t i = 0; i < origins->count; i++) {
        if (same_name(origin, kee_bytes_str(origins->given[i]))) {
            return true;
        }
    }
    return false;
}

bool kee_origin_is_welcome(const struct kee_origins *origins, struct kee_bytes origin,
                           struct kee_bytes host)
{
    if (origin.data == NULL || kee_origin_is_given(origins, origin)) {
        return true;
    }
    return has_prefix(origin, "http://") &&
           same_name(kee_bytes_of(origin.data + 7, origin.size - 7), host);
}

bool kee_host_is_ours(const struct kee_origins *origins, struct kee_bytes host)
{
    struct kee_tcp_place place, given;
    struct kee_bytes rest;

    if (!parse_host(&place, host)) {
        return false;
    }
    if (kee_tcp_is_address(place.host) || strcasecmp(place.host, "localhost") == 0 ||
        strcasecmp(place.host, origins->host) == 0) {
        return true;
    }
    for (size_t i = 0; i < origins->count; i++) {
        if (cut_scheme(&rest, kee_bytes_str(origins->given[i])) && parse_host(&given, rest) &&
            strcasecmp(place.host, given.host) == 0) {
            return true;
        }
    }
    return false;
}
