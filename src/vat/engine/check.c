/* SPDX-License-Identifier: Apache-2.0 */
/* check - see check.h. The try itself is keeveCheck in js/boot.js. */
#include "vat/engine/check.h"

#include <stdio.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/limits.h"
#include "vat/engine/code.h"
#include "vat/engine/engine_internal.h"
#include "vat/engine/jail.h"
#include "vat/liveslots/liveslots.h"

/* A runaway at load ends after a few seconds of engine work. */
#define STEPS_MAX 400000000u
#define HEAP_BYTES_MAX (256u << 20)

struct check {
    struct kee_ls *liveslots;
    struct kee_vp_start start;
    struct kee_buf said;
};

static int no_row(void *context, struct kee_bytes key, struct kee_buf *value)
{
    return 0;
}

static int no_next(void *context, struct kee_bytes prior, struct kee_buf *key,
                   struct kee_buf *value)
{
    return 0;
}

static void no_log(void *context, enum kee_vp_log_level level, struct kee_bytes text)
{
}

static void run(void *context, struct sxMachine *the)
{
    struct check *check = context;
    kee_ls_prepare(check->liveslots, &check->start);
    kee_code_check(the, check->start.code);
    kee_engine_put_text(&check->said, the->stack->value.string);
    mxPop();
}

static int read_code(const char *path, struct kee_buf *out)
{
    FILE *file = fopen(path, "re");
    size_t n = 1;
    bool good = file != NULL;
    while (good && n > 0) {
        good = kee_buf_reserve(out, 65536) == 0 && out->size <= KEE_LIMIT_BUNDLE_BYTES;
        n = good ? fread(out->data + out->size, 1, 65536, file) : 0;
        out->size += n;
    }
    if (!good || ferror(file)) {
        fprintf(stderr, "keeve-vat: expected a file of at most %u bytes at %s\n",
                KEE_LIMIT_BUNDLE_BYTES, path);
        good = false;
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    return good ? 0 : 2;
}

static void say(struct kee_bytes text)
{
    while (text.size > 0) {
        ssize_t n = write(STDOUT_FILENO, text.data, text.size);
        if (n <= 0) {
            _exit(2);
        }
        text = kee_bytes_of(text.data + n, text.size - (size_t)n);
    }
}

/* The engine's own words, in a JSON string. */
static void put_failure(struct kee_buf *out, const char *text)
{
    kee_buf_put_str(out, "{\"error\":\"");
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\') {
            kee_buf_put_char(out, '\\');
        }
        kee_buf_put_char(out, (uint8_t)*text < ' ' ? ' ' : *text);
    }
    kee_buf_put_str(out, "\",\"stack\":\"\"}");
}

int kee_check_run(struct kee_engine *engine, const char *path, bool jailed)
{
    const struct kee_ls_host host = {.store_get = no_row, .store_next = no_next, .log = no_log};
    struct check check = {.said = KEE_BUF_EMPTY};
    const struct kee_engine_crank crank = {.context = &check, .run = run};
    struct kee_buf code = KEE_BUF_EMPTY;
    if (read_code(path, &code) != 0) {
        return 2;
    }
    if (jailed && kee_jail_enter(1) != 0) {
        fprintf(stderr, "keeve-vat: %s\n", kee_fault_text());
        return 2;
    }
    kee_engine_set_limits(engine, STEPS_MAX, HEAP_BYTES_MAX);
    kee_engine_set_seed(engine, kee_bytes_of(NULL, 0));
    check.start.code = kee_buf_bytes(&code);
    if (kee_ls_new(&check.liveslots, kee_engine_machine(engine), &host) != 0) {
        fprintf(stderr, "keeve-vat: %s\n", kee_fault_text());
        return 2;
    }
    kee_ls_begin(check.liveslots);
    if (kee_engine_crank(engine, &crank) != 0 && check.said.size == 0) {
        put_failure(&check.said, kee_engine_failure(engine));
    }
    kee_buf_put_char(&check.said, '\n');
    say(kee_buf_bytes(&check.said));
    /* The process ends: nothing is given back. */
    _exit(kee_bytes_has_prefix(kee_buf_bytes(&check.said), KEE_BYTES_LIT("{\"exports\"")) ? 0 : 1);
}
