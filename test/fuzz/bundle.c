/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz target: the code of a vat, loaded and started by a machine of the boot image, as a worker does it.
 * Whatever the text is, the crank ends with a named outcome, refusals come with words that are UTF-8, and
 * a second machine does the same with it, step for step: a vat is replayed from its code.
 *
 * An input is what is loaded, a module or JSON of a bundle, but for what chance would never get right:
 *
 *   PK...                          a zip archive, wrapped into a bundle of format endoZipBase64
 *   archive\n== NAME\nTEXT\n== ... files, stored in such an archive with their checksums
 *   modules\n== NAME\nTEXT\n== ... files of a plain vat, the first the entry, as a keeveModules bundle
 */
#include <stdlib.h>

#include <sodium.h>
#include <zlib.h>

#include "base/assert.h"
#include "base/fault.h"
#include "base/limits.h"
#include "vat/engine/code.h"
#include "vat/engine/engine_internal.h"
#include "vat/engine/image.h"
#include "vat/engine/timers.h"
#include "vat/liveslots/liveslots.h"

enum { FILES_MAX = 16, STEPS_MAX = 2000000, HEAP_BYTES_MAX = 64 << 20, HEAD_BYTES = 26 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* ---- From an input to code ---- */

struct file {
    struct kee_bytes name;
    struct kee_bytes text;
};

/* Cuts what follows the first line. Gives the number of files. */
static uint32_t cut_files(struct kee_bytes rest, struct file *files)
{
    uint32_t count = 0;

    while (rest.size > 0) {
        struct kee_bytes line = kee_bytes_cut(&rest, '\n');
        if (kee_bytes_has_prefix(line, KEE_BYTES_LIT("== "))) {
            if (count == FILES_MAX) {
                return count;
            }
            files[count++] = (struct file){kee_bytes_of(line.data + 3, line.size - 3),
                                           kee_bytes_of(rest.data, 0)};
        } else if (count > 0) {
            struct file *file = &files[count - 1];
            file->text.size = (size_t)(line.data + line.size - file->text.data);
        }
    }
    return count;
}

static void put_le(struct kee_buf *out, unsigned size, uint64_t n)
{
    for (; size > 0; size--, n >>= 8) {
        kee_buf_put_u8(out, (uint8_t)n);
    }
}

/* What a file's own header and that in the directory have in common. */
static void put_zip_head(struct kee_buf *out, const struct file *file)
{
    put_le(out, 2, 20);
    put_le(out, 8, 0); /* no flags, stored, no time */
    put_le(out, 4, crc32(0, file->text.data, (uInt)file->text.size));
    put_le(out, 4, file->text.size);
    put_le(out, 4, file->text.size);
    put_le(out, 2, file->name.size);
    put_le(out, 2, 0);
}

static void put_zip(struct kee_buf *out, const struct file *files, uint32_t count)
{
    struct kee_buf directory = KEE_BUF_EMPTY;

    for (uint32_t i = 0; i < count; i++) {
        kee_buf_put_str(&directory, "PK\1\2");
        put_le(&directory, 2, 20);
        put_zip_head(&directory, &files[i]);
        put_le(&directory, 10, 0);
        put_le(&directory, 4, out->size);
        kee_buf_put_bytes(&directory, files[i].name);
        kee_buf_put_str(out, "PK\3\4");
        put_zip_head(out, &files[i]);
        kee_buf_put_bytes(out, files[i].name);
        kee_buf_put_bytes(out, files[i].text);
    }
    put_le(&directory, 4, 0x06054b50);
    put_le(&directory, 4, 0);
    put_le(&directory, 2, count);
    put_le(&directory, 2, count);
    put_le(&directory, 4, directory.size - 12);
    put_le(&directory, 4, out->size);
    put_le(&directory, 2, 0);
    kee_buf_put_bytes(out, kee_buf_bytes(&directory));
    kee_buf_fini(&directory);
}

static void put_archive(struct kee_buf *out, struct kee_bytes zip)
{
    size_t room = sodium_base64_encoded_len(zip.size, sodium_base64_VARIANT_ORIGINAL);
    char *text = malloc(room);

    kee_assert(text != NULL);
    sodium_bin2base64(text, room, zip.data, zip.size, sodium_base64_VARIANT_ORIGINAL);
    kee_buf_put_str(out, "{\"moduleFormat\":\"endoZipBase64\",\"endoZipBase64\":\"");
    kee_buf_put_str(out, text);
    kee_buf_put_str(out, "\"}");
    free(text);
}

static void put_json(struct kee_buf *out, struct kee_bytes text)
{
    kee_buf_put_char(out, '"');
    for (size_t i = 0; i < text.size; i++) {
        uint8_t c = text.data[i];
        if (c < ' ' || c == '"' || c == '\\') {
            kee_buf_printf(out, "\\u%04x", c);
        } else {
            kee_buf_put_u8(out, c);
        }
    }
    kee_buf_put_char(out, '"');
}

static void put_modules(struct kee_buf *out, const struct file *files, uint32_t count)
{
    kee_buf_put_str(out, "{\"moduleFormat\":\"keeveModules\",\"entry\":");
    put_json(out, count > 0 ? files[0].name : kee_bytes_str(""));
    kee_buf_put_str(out, ",\"modules\":{");
    for (uint32_t i = 0; i < count; i++) {
        kee_buf_put_str(out, i == 0 ? "" : ",");
        put_json(out, files[i].name);
        kee_buf_put_char(out, ':');
        put_json(out, files[i].text);
    }
    kee_buf_put_str(out, "}}");
}

static void put_code(struct kee_buf *out, struct kee_bytes input)
{
    struct kee_bytes rest = input;
    struct kee_bytes line = kee_bytes_cut(&rest, '\n');
    struct file files[FILES_MAX];
    struct kee_buf zip = KEE_BUF_EMPTY;

    if (kee_bytes_equal(line, KEE_BYTES_LIT("archive"))) {
        put_zip(&zip, files, cut_files(rest, files));
        put_archive(out, kee_buf_bytes(&zip));
    } else if (kee_bytes_equal(line, KEE_BYTES_LIT("modules"))) {
        put_modules(out, files, cut_files(rest, files));
    } else if (kee_bytes_has_prefix(input, KEE_BYTES_LIT("PK"))) {
        put_archive(out, input);
    } else {
        kee_buf_put_bytes(out, input);
    }
    kee_assert(kee_buf_status(out) == 0 && kee_buf_status(&zip) == 0);
    kee_buf_fini(&zip);
}

/* ---- Loading ---- */

struct loading {
    struct kee_engine *engine;
    struct kee_ls *ls;
    struct kee_vp_start start;
    struct kee_buf said; /* log, error, what the crank did */
};

static void log_line(void *context, enum kee_vp_log_level level, struct kee_bytes text)
{
    struct loading *loading = context;

    kee_assert(kee_bytes_is_utf8(text));
    kee_buf_put_u8(&loading->said, (uint8_t)level);
    kee_buf_put_bytes(&loading->said, text);
}

/* The kernel has no rows yet. */
static int no_row(void *context, struct kee_bytes key, struct kee_buf *value)
{
    (void)context, (void)key, (void)value;
    return 0;
}

static int no_next(void *context, struct kee_bytes prior, struct kee_buf *key,
                   struct kee_buf *value)
{
    (void)context, (void)prior, (void)key, (void)value;
    return 0;
}

static void run(void *context, txMachine *the)
{
    struct loading *loading = context;

    kee_ls_prepare(loading->ls, &loading->start);
    kee_ls_push_inventory(loading->ls, &loading->start);
    kee_code_load(the, loading->start.code_name, loading->start.code, loading->start.globals,
                  false);
    kee_ls_start(loading->ls, &loading->start);
}

static bool settled(void *context)
{
    struct loading *loading = context;
    txMachine *the = kee_engine_machine(loading->engine);

    if (kee_timers_next(the) || kee_ls_quiescent(loading->ls)) {
        return true;
    }
    kee_timers_report(the);
    return false;
}

static void load(const struct kee_image *image, struct loading *loading)
{
    const struct kee_engine_host engine_host = {.context = loading, .log = log_line};
    const struct kee_ls_host host = {
        .context = loading, .store_get = no_row, .store_next = no_next, .log = log_line};
    const struct kee_engine_crank crank = {.context = loading, .run = run, .settled = settled};
    char why[512] = "";
    const char *error;
    size_t before;
    int outcome;

    kee_assert(kee_image_engine(&loading->engine, image, why, sizeof why) == 0);
    kee_engine_set_host(loading->engine, &engine_host);
    kee_engine_set_limits(loading->engine, STEPS_MAX, HEAP_BYTES_MAX);
    kee_engine_set_seed(loading->engine, loading->start.seed);
    kee_assert(kee_ls_new(&loading->ls, kee_engine_machine(loading->engine), &host) == 0);
    kee_ls_begin(loading->ls);
    outcome = kee_engine_crank(loading->engine, &crank);
    kee_assert(outcome >= 0 && outcome != KEE_ENGINE_BROKEN);
    error = outcome == 0 ? kee_ls_error(loading->ls) : kee_engine_failure(loading->engine);
    kee_assert(outcome == 0 || error[0] != '\0');
    kee_buf_put_u8(&loading->said, (uint8_t)outcome);
    kee_buf_put_u64(&loading->said, kee_engine_steps(loading->engine));
    before = loading->said.size;
    kee_engine_put_text(&loading->said, error == NULL ? "" : error);
    kee_assert(
        kee_bytes_is_utf8(kee_bytes_of(loading->said.data + before, loading->said.size - before)));
    if (outcome == 0) {
        kee_ls_done(loading->ls, &loading->said);
    }
    kee_assert(kee_buf_status(&loading->said) == 0);
    kee_ls_free(loading->ls);
    kee_engine_free(loading->engine);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct kee_image *image;
    static const uint8_t seed[32] = {7};
    struct kee_buf code = KEE_BUF_EMPTY;
    struct loading twice[2] = {{.said = KEE_BUF_EMPTY}, {.said = KEE_BUF_EMPTY}};
    char why[512] = "";

    if (image == NULL) {
        kee_engine_process_init();
        kee_assert(kee_image_open(&image, IMAGE, why, sizeof why) == 0);
    }
    put_code(&code, kee_bytes_of(data, size));
    for (int i = 0; i < 2; i++) {
        twice[i].start = (struct kee_vp_start){.version = KEE_VP_VERSION,
                                               .vat = 1,
                                               .incarnation = 1,
                                               .seed = {seed, sizeof seed},
                                               .code_name = KEE_BYTES_LIT("vat.js"),
                                               .code = kee_buf_bytes(&code),
                                               .parameters = {.body = KEE_BYTES_LIT("#{}")}};
        load(image, &twice[i]);
    }
    kee_assert(kee_bytes_equal(kee_buf_bytes(&twice[0].said), kee_buf_bytes(&twice[1].said)));
    kee_buf_fini(&twice[0].said);
    kee_buf_fini(&twice[1].said);
    kee_buf_fini(&code);
    return 0;
}
