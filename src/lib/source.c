/* SPDX-License-Identifier: Apache-2.0 */
/* source - see source.h. */
#include "lib/source.h"

#include "base/base64.h"
#include "base/fault.h"
#include "base/limits.h"
#include "lib/modules.h"
#include "os/file.h"

static int bad(struct kee_buf *why, const char *expected, struct kee_bytes found)
{
    bool cut = found.size > 80;

    kee_buf_printf(why, "expected %s, found \"%.*s%s\"", expected, cut ? 77 : (int)found.size,
                   (const char *)found.data, cut ? "..." : "");
    return KEE_SOURCE_BAD;
}

/* A scheme has two letters at least, so that it is never the first letter of a path. */
static struct kee_bytes scheme_of(struct kee_bytes spec)
{
    size_t i = 0;

    while (i < spec.size && ((spec.data[i] | 0x20) >= 'a' && (spec.data[i] | 0x20) <= 'z')) {
        i++;
    }
    return i >= 2 && i < spec.size && spec.data[i] == ':' ? kee_bytes_of(spec.data, i)
                                                          : kee_bytes_of(NULL, 0);
}

static int digit_of(uint8_t c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Undoes %XX; false if one is malformed. */
static bool unescape(struct kee_buf *out, struct kee_bytes text)
{
    for (size_t i = 0; i < text.size; i++) {
        int high, low;
        if (text.data[i] != '%') {
            kee_buf_put_char(out, (char)text.data[i]);
            continue;
        }
        if (text.size - i < 3 || (high = digit_of(text.data[i + 1])) < 0 ||
            (low = digit_of(text.data[i + 2])) < 0) {
            return false;
        }
        kee_buf_put_u8(out, (uint8_t)(high * 16 + low));
        i += 2;
    }
    return true;
}

static bool unbase64(struct kee_buf *out, struct kee_bytes text)
{
    size_t size;

    if (kee_buf_reserve(out, kee_base64_room(text.size)) != 0) {
        return false; /* the buffer remembers */
    }
    if (!kee_base64_decode(out->data, &size, text)) {
        return false;
    }
    out->size = size;
    return true;
}

static int read_data(struct kee_source *out, struct kee_bytes spec, struct kee_arena *arena,
                     struct kee_buf *why)
{
    struct kee_bytes content = kee_bytes_of(spec.data + 5, spec.size - 5);
    struct kee_bytes head = kee_bytes_cut(&content, ',');
    struct kee_buf plain = KEE_BUF_EMPTY, code = KEE_BUF_EMPTY;
    bool is_base64 = head.size >= 7 && memcmp(head.data + head.size - 7, ";base64", 7) == 0;
    bool good = content.data != NULL && unescape(&plain, content);
    int r;

    if (good && is_base64) {
        good = unbase64(&code, kee_buf_bytes(&plain));
    } else {
        kee_buf_put_bytes(&code, kee_buf_bytes(&plain));
    }
    r = plain.failed ? kee_buf_status(&plain) : kee_buf_status(&code);
    if (r == 0 && !good) {
        r = bad(why, "data:TYPE,TEXT or data:TYPE;base64,TEXT", spec);
    } else if (r == 0) {
        out->name = KEE_BYTES_LIT("data:");
        out->code = kee_arena_copy(arena, kee_buf_bytes(&code));
        r = out->code.data == NULL ? kee_fault(KEE_FAULT_MEMORY, "code of a vat") : 0;
    }
    kee_buf_fini(&plain);
    kee_buf_fini(&code);
    return r;
}

static int read_path(struct kee_source *out, const char *path, const char *directory,
                     struct kee_arena *arena, struct kee_buf *why)
{
    struct kee_buf code = KEE_BUF_EMPTY;
    int r = kee_file_read(path, KEE_LIMIT_BUNDLE_BYTES, &code, why);

    if (r > 0) {
        kee_buf_fini(&code);
        return KEE_SOURCE_BAD;
    }
    if (r == 0) {
        out->name = kee_arena_copy(arena, kee_bytes_str(path));
        out->code = kee_arena_copy(arena, kee_buf_bytes(&code));
        if (out->name.data == NULL || out->code.data == NULL) {
            r = kee_fault(KEE_FAULT_MEMORY, "code of a vat");
        } else {
            r = kee_modules_gather(&out->code, out->name, directory, arena, why);
        }
    }
    kee_buf_fini(&code);
    return r;
}

/* The path a file: URL means: file:///abs, file://localhost/abs or file:/abs. */
static bool path_of_url(struct kee_buf *path, struct kee_bytes spec)
{
    struct kee_bytes rest = kee_bytes_of(spec.data + 5, spec.size - 5);

    if (kee_bytes_has_prefix(rest, KEE_BYTES_LIT("//localhost/"))) {
        rest = kee_bytes_of(rest.data + 11, rest.size - 11);
    } else if (kee_bytes_has_prefix(rest, KEE_BYTES_LIT("///"))) {
        rest = kee_bytes_of(rest.data + 2, rest.size - 2);
    }
    rest = kee_bytes_cut(&(struct kee_bytes){rest.data, rest.size}, '#');
    rest = kee_bytes_cut(&(struct kee_bytes){rest.data, rest.size}, '?');
    return rest.size > 1 && rest.data[0] == '/' && rest.data[1] != '/' && unescape(path, rest) &&
           memchr(path->data, 0, path->size) == NULL;
}

int kee_source_read(struct kee_source *out, struct kee_bytes spec, const char *directory,
                    struct kee_arena *arena, struct kee_buf *why)
{
    struct kee_bytes scheme = scheme_of(spec);
    struct kee_buf path = KEE_BUF_EMPTY;
    int r = 0;

    if (kee_bytes_equal(scheme, KEE_BYTES_LIT("data"))) {
        return read_data(out, spec, arena, why);
    }
    if (kee_bytes_equal(scheme, KEE_BYTES_LIT("http")) ||
        kee_bytes_equal(scheme, KEE_BYTES_LIT("https"))) {
        return bad(why,
                   "a path or a file: or data: URL (code is never fetched from the network: "
                   "download it first)",
                   spec);
    }
    if (kee_bytes_equal(scheme, KEE_BYTES_LIT("file"))) {
        if (!path_of_url(&path, spec)) {
            r = bad(why, "file:///ABSOLUTE/PATH", spec);
        }
    } else if (scheme.size > 0) {
        r = bad(why, "a path or a file: or data: URL", spec);
    } else if (spec.size == 0) {
        r = bad(why, "a path", spec);
    } else if (spec.data[0] != '/' && directory == NULL) {
        r = bad(why, "an absolute path, as the configuration came without a directory", spec);
    } else {
        if (spec.data[0] != '/') {
            kee_buf_printf(&path, "%s/", directory);
        }
        kee_buf_put_bytes(&path, spec);
    }
    if (r == 0) {
        const char *text = kee_buf_cstr(&path);
        r = text == NULL ? kee_buf_status(&path) : read_path(out, text, directory, arena, why);
    }
    kee_buf_fini(&path);
    return r;
}
