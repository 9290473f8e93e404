/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bundle - keeve bundle: one file of a source that uses npm packages.
 *
 *   FILE ── esbuild ──► OUT~ (script) ──► OUT~ (bundle) ── keeve-vat --check ──► OUT
 *
 * The bundler is a program beside keeve-vat. What it made is loaded once in a jailed worker under
 * lockdown; only what loads becomes OUT.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/fault.h"
#include "base/limits.h"
#include "cli/command.h"
#include "daemon/privileges.h"
#include "os/file.h"
#include "os/file_watch.h"
#include "os/process.h"

#define TOOL_TIMEOUT_MS 120000
/* An editor may write several files at once. */
#define SETTLE_MS 100

/* What a vat imports by its bare name, src/vat/js/packages.js; test/cli/bundle.mjs compares. */
static const char *const built_in[] = {
    "@agoric/store",
    "@agoric/vat-data",
    "@agoric/zone",
    "@agoric/zone/durable.js",
    "@agoric/zone/heap.js",
    "@agoric/zone/virtual.js",
    "@endo/errors",
    "@endo/eventual-send",
    "@endo/exo",
    "@endo/far",
    "@endo/marshal",
    "@endo/pass-style",
    "@endo/patterns",
    "@endo/promise-kit",
    "@keeve/vow",
    "@metamask/kernel-utils/exo",
};
#define BUILT_IN_COUNT (sizeof built_in / sizeof *built_in)

struct bundling {
    struct kee_cli *cli;
    const char *file;
    bool portable;
    struct kee_buf out;    /* paths */
    struct kee_buf script; /* OUT~, first the script, then the bundle */
    struct kee_buf inputs; /* OUT~.json, the bundler's list of what it read */
    struct kee_buf esbuild;
    struct kee_buf vat_program;
};

static int find_programs(struct bundling *b)
{
    struct kee_buf why = KEE_BUF_EMPTY;
    int status = KEE_EXIT_OK;
    int r = kee_privileges_find_vat_program(&b->vat_program, b->cli->helper_dir, &why);

    if (r < 0) {
        status = kee_cli_fault();
    } else if (r > 0) {
        status = kee_cli_error("%s", kee_cli_text(&why));
    } else {
        size_t size = b->vat_program.size - strlen("keeve-vat");
        kee_buf_put(&b->esbuild, b->vat_program.data, size);
        kee_buf_put_str(&b->esbuild, "esbuild");
        if (!kee_file_is_executable(kee_cli_text(&b->esbuild))) {
            status =
                kee_cli_error("expected the bundler at %s, found none; put esbuild's binary for "
                              "this machine there (package @esbuild/linux-x64 of npm, "
                              "bin/esbuild)",
                              kee_cli_text(&b->esbuild));
        }
    }
    kee_buf_fini(&why);
    return status;
}

/* Runs a program to its end; what it says is appended to said. */
static int run_tool(const char *program, const char *const *argv, struct kee_buf *said)
{
    const struct kee_spawn child = {
        .program = program, .argv = argv, .pass_fd = -1, .stderr_fd = -1, .dies_with_us = true};
    pid_t pid = 0;
    int r = kee_process_spawn_heard(&pid, &child, said, TOOL_TIMEOUT_MS);

    if (r == 0) {
        kee_process_kill(pid); /* it has closed its output, or takes too long */
        kee_process_wait(pid);
        r = kee_buf_status(said);
    }
    return r < 0 ? kee_cli_fault() : KEE_EXIT_OK;
}

static int run_esbuild(struct bundling *b)
{
    static const char *const fixed[] = {"esbuild",
                                        "--bundle",
                                        "--format=iife",
                                        "--global-name=__vatExports__",
                                        "--platform=neutral",
                                        "--main-fields=module,main",
                                        "--target=es2022",
                                        "--charset=utf8",
                                        "--legal-comments=none",
                                        "--log-level=warning",
                                        "--define:process.env.NODE_ENV=\"production\"",
                                        "--define:global=globalThis"};
    struct kee_buf outfile = KEE_BUF_EMPTY, metafile = KEE_BUF_EMPTY, said = KEE_BUF_EMPTY;
    struct kee_buf external[BUILT_IN_COUNT] = {0};
    const char *argv[sizeof fixed / sizeof *fixed + BUILT_IN_COUNT + 4];
    size_t count = sizeof fixed / sizeof *fixed;
    int status;

    memcpy(argv, fixed, sizeof fixed);
    kee_buf_printf(&outfile, "--outfile=%s", kee_cli_text(&b->script));
    kee_buf_printf(&metafile, "--metafile=%s", kee_cli_text(&b->inputs));
    argv[count++] = kee_cli_text(&outfile);
    argv[count++] = kee_cli_text(&metafile);
    for (size_t i = 0; !b->portable && i < BUILT_IN_COUNT; i++) {
        kee_buf_printf(&external[i], "--external:%s", built_in[i]);
        argv[count++] = kee_cli_text(&external[i]);
    }
    argv[count++] = b->file;
    argv[count] = NULL;
    kee_file_remove(kee_cli_text(&b->script));
    status = run_tool(kee_cli_text(&b->esbuild), argv, &said);
    if (said.size > 0) {
        (void)fwrite(said.data, 1, said.size, stderr);
    }
    for (size_t i = 0; i < BUILT_IN_COUNT; i++) {
        kee_buf_fini(&external[i]);
    }
    kee_buf_fini(&outfile);
    kee_buf_fini(&metafile);
    kee_buf_fini(&said);
    return status;
}

/* The bundle of a script, with what it exports. */
static json_t *make_bundle(const struct bundling *b, struct kee_bytes script, json_t *exports)
{
    json_t *external = json_array();
    for (size_t i = 0; !b->portable && i < BUILT_IN_COUNT; i++) {
        json_array_append_new(external, json_string(built_in[i]));
    }
    return json_pack("{s:s,s:s#,s:o,s:o}", "moduleFormat", "iife", "code", script.data,
                     (int)script.size, "exports", exports, "external", external);
}

static int write_bundle(struct bundling *b, json_t *bundle)
{
    char *text = bundle == NULL ? NULL : json_dumps(bundle, JSON_COMPACT);
    int status = KEE_EXIT_OK;

    if (text == NULL) {
        status = kee_cli_error("the bundle is not UTF-8 text, or memory is out");
    } else if (kee_file_write(kee_cli_text(&b->script), kee_bytes_str(text)) < 0) {
        status = kee_cli_fault();
    }
    free(text);
    json_decref(bundle);
    return status;
}

/* The module of a line, and the line itself: the bundler heads each module with a comment of its path. */
static struct kee_bytes module_of(struct kee_bytes script, unsigned long line,
                                  struct kee_bytes *text)
{
    struct kee_bytes found = kee_bytes_of(NULL, 0);
    for (unsigned long at = 1; at <= line && script.data != NULL; at++) {
        *text = kee_bytes_cut(&script, '\n');
        while (text->size > 0 && *text->data == ' ') {
            *text = kee_bytes_of(text->data + 1, text->size - 1);
        }
        if (kee_bytes_has_prefix(*text, KEE_BYTES_LIT("// ")) &&
            memchr(text->data + 3, ' ', text->size - 3) == NULL) {
            found = kee_bytes_of(text->data + 3, text->size - 3);
        }
    }
    return found;
}

/* The first line of the bundle that a stack names, 0 if none. */
static unsigned long line_of(const char *stack)
{
    const char *at = stack == NULL ? NULL : strstr(stack, "(bundle:");
    return at == NULL ? 0 : strtoul(at + strlen("(bundle:"), NULL, 10);
}

static int say_failure(struct kee_bytes script, const json_t *result)
{
    const char *error = json_string_value(json_object_get(result, "error"));
    unsigned long line = line_of(json_string_value(json_object_get(result, "stack")));
    struct kee_bytes text = kee_bytes_of(NULL, 0);
    struct kee_bytes module = module_of(script, line, &text);
    bool frozen =
        error != NULL &&
        (strstr(error, "not writable") != NULL || strstr(error, "not extensible") != NULL ||
         strstr(error, "invalid descriptor") != NULL || strstr(error, "no permission") != NULL);

    if (error == NULL) {
        return kee_cli_error("the worker's check of the bundle gave no answer");
    }
    if (module.size == 0) {
        return kee_cli_error("the bundle does not load under lockdown: %s", error);
    }
    return kee_cli_error("%.*s does not load under lockdown: %s\n  at: %.*s%s", (int)module.size,
                         (const char *)module.data, error, text.size > 200 ? 200 : (int)text.size,
                         (const char *)text.data,
                         frozen
                             ? "\n  The objects of the language are frozen in a vat: code may not "
                               "change them, nor assign to a property they have frozen."
                             : "");
}

/* Loads OUT~ in a worker; *exports is what it exports. */
static int check_bundle(struct bundling *b, struct kee_bytes script, json_t **exports)
{
    const char *argv[] = {"keeve-vat", "--check", kee_cli_text(&b->script), NULL};
    struct kee_buf said = KEE_BUF_EMPTY;
    json_t *result = NULL;
    int status = run_tool(kee_cli_text(&b->vat_program), argv, &said);

    if (status == KEE_EXIT_OK) {
        result = json_loadb((const char *)said.data, said.size, 0, NULL);
        *exports = json_incref(json_object_get(result, "exports"));
        if (result == NULL) {
            status = kee_cli_error("the worker's check failed: %.*s", (int)said.size,
                                   said.size > 0 ? (const char *)said.data : "");
        } else if (!json_is_array(*exports)) {
            status = say_failure(script, result);
        }
    }
    json_decref(result);
    kee_buf_fini(&said);
    return status;
}

static bool has_root(const json_t *exports)
{
    for (size_t i = 0; i < json_array_size(exports); i++) {
        const char *name = json_string_value(json_array_get(exports, i));
        if (name != NULL && strcmp(name, "buildRootObject") == 0) {
            return true;
        }
    }
    return false;
}

static void say_done(const struct bundling *b, size_t size)
{
    struct kee_buf out = b->out;
    if (b->cli->json) {
        json_t *json =
            json_pack("{s:s,s:I}", "bundle", kee_cli_text(&out), "bytes", (json_int_t)size);
        char *text = json == NULL ? NULL : json_dumps(json, JSON_COMPACT);
        puts(text == NULL ? "{}" : text);
        free(text);
        json_decref(json);
    } else {
        printf("%s: %zu bytes\n", kee_cli_text(&out), size);
    }
    (void)fflush(stdout);
}

static int finish(struct bundling *b, struct kee_bytes script)
{
    json_t *exports = NULL;
    int status = write_bundle(b, make_bundle(b, script, json_array()));

    if (status == KEE_EXIT_OK) {
        status = check_bundle(b, script, &exports);
    }
    if (status == KEE_EXIT_OK && !has_root(exports)) {
        status = kee_cli_error("%s: expected an export buildRootObject, found none", b->file);
    }
    if (status == KEE_EXIT_OK) {
        status = write_bundle(b, make_bundle(b, script, json_incref(exports)));
    }
    if (status == KEE_EXIT_OK &&
        kee_file_rename(kee_cli_text(&b->script), kee_cli_text(&b->out)) < 0) {
        status = kee_cli_fault();
    }
    if (status == KEE_EXIT_OK) {
        say_done(b, script.size);
    }
    json_decref(exports);
    return status;
}

static int bundle_once(struct bundling *b)
{
    struct kee_buf script = KEE_BUF_EMPTY, why = KEE_BUF_EMPTY;
    int status = run_esbuild(b);

    if (status == KEE_EXIT_OK) {
        int r = kee_file_read(kee_cli_text(&b->script), KEE_LIMIT_BUNDLE_BYTES, &script, &why);
        status = r == 0                 ? finish(b, kee_buf_bytes(&script))
                 : r == KEE_FILE_ABSENT ? kee_cli_error("%s was not bundled", b->file)
                 : r > 0                ? kee_cli_error("%s", kee_cli_text(&why))
                                        : kee_cli_fault();
    }
    kee_file_remove(kee_cli_text(&b->script));
    kee_buf_fini(&script);
    kee_buf_fini(&why);
    return status;
}

/* Adds what went into the last bundle; without a list only the file named. */
static int watch_inputs(struct bundling *b, struct kee_file_watch *watch)
{
    json_t *meta = json_load_file(kee_cli_text(&b->inputs), 0, NULL);
    const char *name;
    json_t *value;
    int r = kee_file_watch_add(watch, b->file);

    json_object_foreach(json_object_get(meta, "inputs"), name, value)
    {
        if (r >= 0) {
            r = kee_file_watch_add(watch, name);
        }
    }
    json_decref(meta);
    return r < 0 ? r : 0;
}

static int bundle_forever(struct bundling *b)
{
    int r = 0;
    while (r == 0) {
        struct kee_file_watch *watch = NULL;
        r = kee_file_watch_new(&watch);
        if (r == 0) {
            /* Watched from before it is read: a change meanwhile is not lost. */
            r = watch_inputs(b, watch);
        }
        if (r == 0) {
            (void)bundle_once(b);
            r = watch_inputs(b, watch);
        }
        if (r == 0) {
            r = kee_file_watch_wait(watch, SETTLE_MS);
        }
        kee_file_watch_free(watch);
    }
    return kee_cli_fault();
}

/* vats/counter.js becomes vats/counter.bundle. */
static void name_files(struct bundling *b, const char *out)
{
    const char *slash = strrchr(b->file, '/');
    const char *dot = strrchr(slash == NULL ? b->file : slash, '.');

    if (out != NULL) {
        kee_buf_put_str(&b->out, out);
    } else {
        kee_buf_put(&b->out, b->file, dot == NULL ? strlen(b->file) : (size_t)(dot - b->file));
        kee_buf_put_str(&b->out, ".bundle");
    }
    kee_buf_printf(&b->script, "%s~", kee_cli_text(&b->out));
    kee_buf_printf(&b->inputs, "%s~inputs", kee_cli_text(&b->out));
}

int kee_cmd_bundle(struct kee_cli *cli)
{
    struct bundling b = {.cli = cli};
    const char *out = kee_cli_take_option(cli, "-o");
    bool watch = kee_cli_take_flag(cli, "--watch");
    int status;

    b.portable = kee_cli_take_flag(cli, "--portable");
    if (!kee_cli_operands(cli, 1, 1)) {
        return KEE_EXIT_USAGE;
    }
    b.file = cli->argv[0];
    name_files(&b, out);
    status = find_programs(&b);
    if (status == KEE_EXIT_OK) {
        status = watch ? bundle_forever(&b) : bundle_once(&b);
    }
    kee_file_remove(kee_cli_text(&b.inputs));
    kee_buf_fini(&b.out);
    kee_buf_fini(&b.script);
    kee_buf_fini(&b.inputs);
    kee_buf_fini(&b.esbuild);
    kee_buf_fini(&b.vat_program);
    return status;
}
