/* SPDX-License-Identifier: Apache-2.0 */
/* modules - see modules.h. */
#include "lib/modules.h"

#include <jansson.h>
#include <stdlib.h>

#include "base/fault.h"
#include "base/limits.h"
#include "lib/imports.h"
#include "lib/source.h"
#include "os/file.h"

struct gathering {
    int root_fd;
    json_t *modules; /* path to text */
    json_t *missing; /* path to reason */
    json_t *queue;   /* paths whose text is to be looked at */
    size_t bytes;
    struct kee_buf *why;
};

static int out_of_memory(void)
{
    return kee_fault(KEE_FAULT_MEMORY, "modules of a vat");
}

static int put_missing(struct gathering *all, const char *name, const char *reason)
{
    return json_object_set_new(all->missing, name, json_string(reason)) == 0 ? 0 : out_of_memory();
}

static int put_module(struct gathering *all, const char *name, struct kee_bytes text)
{
    if (!kee_bytes_is_utf8(text)) {
        return put_missing(all, name, "is not UTF-8 text");
    }
    if (json_object_set_new(all->modules, name, json_stringn((const char *)text.data, text.size)) !=
            0 ||
        json_array_append_new(all->queue, json_string(name)) != 0) {
        return out_of_memory();
    }
    all->bytes += text.size;
    return 0;
}

static int read_module(struct gathering *all, const char *name)
{
    struct kee_buf text = KEE_BUF_EMPTY;
    struct kee_buf reason = KEE_BUF_EMPTY;
    int r = kee_file_read_beneath(all->root_fd, name, KEE_LIMIT_BUNDLE_BYTES - all->bytes, &text,
                                  &reason);
    if (r > 0) {
        const char *said = kee_buf_cstr(&reason);
        r = said == NULL ? kee_buf_status(&reason) : put_missing(all, name, said);
    } else if (r == 0) {
        r = put_module(all, name, kee_buf_bytes(&text));
    }
    kee_buf_fini(&text);
    kee_buf_fini(&reason);
    return r;
}

/* One import of a module: reads its file unless that was tried. */
static int follow(struct gathering *all, const char *module, struct kee_bytes specifier)
{
    struct kee_buf path = KEE_BUF_EMPTY;
    int r = 0;
    /* What leads out of the root is refused by the worker in the same words as here it would be. */
    if (kee_imports_resolve(&path, kee_bytes_str(module), specifier) && path.size > 0) {
        const char *name = kee_buf_cstr(&path);
        if (name == NULL) {
            r = kee_buf_status(&path);
        } else if (json_object_get(all->modules, name) == NULL &&
                   json_object_get(all->missing, name) == NULL) {
            if (json_object_size(all->modules) + json_object_size(all->missing) >=
                KEE_LIMIT_MODULE_FILES) {
                kee_buf_printf(all->why, "expected at most %u modules in one vat, found more at %s",
                               KEE_LIMIT_MODULE_FILES, name);
                r = KEE_SOURCE_BAD;
            } else {
                r = read_module(all, name);
            }
        }
    }
    r = r == 0 ? kee_buf_status(&path) : r;
    kee_buf_fini(&path);
    return r;
}

static int follow_all(struct gathering *all)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < json_array_size(all->queue); i++) {
        const char *name = json_string_value(json_array_get(all->queue, i));
        const json_t *text = json_object_get(all->modules, name);
        struct kee_bytes rest = kee_bytes_of(json_string_value(text), json_string_length(text));
        struct kee_bytes specifier;
        while (r == 0 && kee_imports_next(&rest, &specifier)) {
            r = follow(all, name, specifier);
        }
    }
    return r;
}

/* The bundle's text. */
static int put_together(struct gathering *all, const char *entry, struct kee_bytes *code,
                        struct kee_arena *arena)
{
    json_t *bundle = json_pack("{s:s,s:s,s:O,s:O}", "moduleFormat", "keeveModules", "entry", entry,
                               "modules", all->modules, "missing", all->missing);
    char *text = bundle == NULL ? NULL : json_dumps(bundle, JSON_COMPACT);
    int r = text == NULL ? out_of_memory() : 0;
    if (r == 0 && strlen(text) > KEE_LIMIT_BUNDLE_BYTES) {
        kee_buf_printf(all->why, "expected at most %u bytes of code in one vat, found %zu",
                       KEE_LIMIT_BUNDLE_BYTES, strlen(text));
        r = KEE_SOURCE_BAD;
    } else if (r == 0) {
        *code = kee_arena_copy(arena, kee_bytes_str(text));
        r = code->data == NULL ? out_of_memory() : 0;
    }
    free(text);
    json_decref(bundle);
    return r;
}

static bool imports_files(struct kee_bytes code)
{
    static const char blanks[] = {' ', '\t', '\r', '\n'};
    struct kee_bytes specifier;
    size_t i = 0;
    while (i < code.size && memchr(blanks, code.data[i], sizeof blanks) != NULL) {
        i++;
    }
    /* A module may begin with a brace, too, but one that imports does so before its first block. */
    return i < code.size && code.data[i] != '{' && kee_imports_next(&code, &specifier);
}

/* Cuts path, which has no dots in it, into root and the rest. */
static void choose_root(struct kee_bytes path, struct kee_bytes directory, struct kee_bytes *root,
                        struct kee_bytes *entry)
{
    size_t cut = path.size;
    while (directory.size > 0 && directory.data[directory.size - 1] == '/') {
        directory.size--;
    }
    if (directory.size > 0 && directory.size < path.size && path.data[directory.size] == '/' &&
        kee_bytes_has_prefix(path, directory)) {
        cut = directory.size + 1;
    } else {
        while (cut > 0 && path.data[cut - 1] != '/') {
            cut--;
        }
    }
    *root = kee_bytes_of(path.data, cut);
    *entry = kee_bytes_of(path.data + cut, path.size - cut);
}

/* An absolute path without "." and "..". */
static bool plain_path(struct kee_buf *out, struct kee_bytes path)
{
    kee_buf_put_char(out, '/');
    return kee_imports_resolve(out, kee_bytes_of(NULL, 0), path) && kee_buf_cstr(out) != NULL;
}

int kee_modules_gather(struct kee_bytes *code, struct kee_bytes path, const char *directory,
                       struct kee_arena *arena, struct kee_buf *why)
{
    struct gathering all = {.root_fd = -1, .why = why};
    struct kee_buf plain = KEE_BUF_EMPTY, base = KEE_BUF_EMPTY, root_path = KEE_BUF_EMPTY;
    struct kee_bytes root, entry;
    struct kee_buf entry_name = KEE_BUF_EMPTY;
    int r = 0;

    if (!imports_files(*code)) {
        return 0;
    }
    if (!plain_path(&plain, path) ||
        (directory != NULL && !plain_path(&base, kee_bytes_str(directory)))) {
        r = plain.failed || base.failed ? out_of_memory() : 0; /* 0: above "/", nothing to gather */
        goto out;
    }
    choose_root(kee_buf_bytes(&plain), kee_buf_bytes(&base), &root, &entry);
    kee_buf_put_bytes(&root_path, root);
    kee_buf_put_bytes(&entry_name, entry);
    all.modules = json_object();
    all.missing = json_object();
    all.queue = json_array();
    if (!entry_name.failed && !kee_bytes_is_utf8(kee_buf_bytes(&entry_name))) {
        goto out; /* a file: URL can say such a name, and no module can */
    }
    if (kee_buf_cstr(&root_path) == NULL || kee_buf_cstr(&entry_name) == NULL ||
        all.modules == NULL || all.missing == NULL || all.queue == NULL) {
        r = out_of_memory();
        goto out;
    }
    r = kee_file_open_directory(&all.root_fd, kee_buf_cstr(&root_path), why);
    if (r > 0) {
        r = KEE_SOURCE_BAD;
        goto out;
    }
    if (r == 0) {
        r = put_module(&all, kee_buf_cstr(&entry_name), *code);
    }
    if (r == 0) {
        r = follow_all(&all);
    }
    /* An entry that is no text stays as it is, and the worker says so. */
    if (r == 0 && json_object_size(all.modules) > 0) {
        r = put_together(&all, kee_buf_cstr(&entry_name), code, arena);
    }
out:
    if (all.root_fd >= 0) {
        kee_file_close(all.root_fd);
    }
    json_decref(all.modules);
    json_decref(all.missing);
    json_decref(all.queue);
    kee_buf_fini(&plain);
    kee_buf_fini(&base);
    kee_buf_fini(&root_path);
    kee_buf_fini(&entry_name);
    return r;
}
