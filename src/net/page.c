/* SPDX-License-Identifier: Apache-2.0 */
/* page - see page.h. */
#include "net/page.h"

#include <strings.h>

bool kee_page_name(struct kee_buf *out, struct kee_bytes path)
{
    struct kee_bytes rest, name;

    if (path.size == 0 || path.data[0] != '/') {
        return false;
    }
    for (size_t i = 1; i < path.size; i++) {
        if (path.data[i] < ' ' || path.data[i] == 0x7f || path.data[i] == '\\') {
            return false;
        }
    }
    kee_buf_put(out, path.data + 1, path.size - 1);
    if (out->size == 0 || out->data[out->size - 1] == '/') {
        kee_buf_put_str(out, "index.html");
    }
    rest = kee_buf_bytes(out);
    if (out->failed || !kee_bytes_is_utf8(rest)) {
        return false;
    }
    while (rest.size > 0) {
        name = kee_bytes_cut(&rest, '/');
        if (name.size == 0 || name.data[0] == '.') {
            return false;
        }
    }
    return true;
}

const char *kee_page_type(struct kee_bytes name)
{
    static const struct {
        const char *ending, *type;
    } types[] = {
        {"html", "text/html; charset=utf-8"},
        {"htm", "text/html; charset=utf-8"},
        {"js", "text/javascript; charset=utf-8"},
        {"mjs", "text/javascript; charset=utf-8"},
        {"css", "text/css; charset=utf-8"},
        {"json", "application/json"},
        {"map", "application/json"},
        {"webmanifest", "application/manifest+json"},
        {"txt", "text/plain; charset=utf-8"},
        {"md", "text/plain; charset=utf-8"},
        {"svg", "image/svg+xml"},
        {"png", "image/png"},
        {"jpg", "image/jpeg"},
        {"jpeg", "image/jpeg"},
        {"gif", "image/gif"},
        {"webp", "image/webp"},
        {"avif", "image/avif"},
        {"ico", "image/x-icon"},
        {"wasm", "application/wasm"},
        {"woff", "font/woff"},
        {"woff2", "font/woff2"},
        {"ttf", "font/ttf"},
        {"pdf", "application/pdf"},
        {"xml", "application/xml"},
        {"mp3", "audio/mpeg"},
        {"mp4", "video/mp4"},
        {"webm", "video/webm"},
    };
    size_t dot = name.size;

    while (dot > 0 && name.data[dot - 1] != '.' && name.data[dot - 1] != '/') {
        dot--;
    }
    if (dot > 0 && name.data[dot - 1] == '.') {
        struct kee_bytes ending = kee_bytes_of(name.data + dot, name.size - dot);
        for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
            if (ending.size == strlen(types[i].ending) &&
                strncasecmp((const char *)ending.data, types[i].ending, ending.size) == 0) {
                return types[i].type;
            }
        }
    }
    return "application/octet-stream";
}
