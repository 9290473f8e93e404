/* SPDX-License-Identifier: Apache-2.0 */
/* embed - opening, turning and closing a kernel in a host's program; see keeve/keeve.h. */
#include "lib/embed.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/fault.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/process.h"

/* It is ready in milliseconds; a machine may be busy. */
#define WORKERS_TIMEOUT_MS 20000
/* Passes of the loop in one turn: the host's own loop has other things to do. */
#define PASSES_PER_TURN 32
/* A program that has just been killed holds the store until the system has taken it apart. */
#define LOCK_TRIES 100
#define LOCK_PAUSE_MS 20

/* ---- what the core tells ---- */

static void on_answer(void *context, uint64_t call, const struct kee_answer *answer)
{
    kee_embed_answer(context, call, answer);
}

static void on_log(void *context, struct kee_vat_id vat, enum kee_vp_log_level level,
                   struct kee_bytes text)
{
    static const enum keeve_log_level levels[] = {
        [KEE_VP_DEBUG] = KEEVE_DEBUG,       [KEE_VP_LOG_LEVEL] = KEEVE_LOG,
        [KEE_VP_INFO] = KEEVE_INFO,         [KEE_VP_WARN] = KEEVE_WARN,
        [KEE_VP_ERROR] = KEEVE_ERROR_LEVEL,
    };
    struct keeve_kernel *kernel = context;
    struct kee_buf line = KEE_BUF_EMPTY;
    char name[24];

    if (kernel->on_log == NULL) {
        return;
    }
    kee_buf_put_bytes(&line, text);
    if (kee_buf_cstr(&line) != NULL) {
        (void)snprintf(name, sizeof name, "v%llu", (unsigned long long)vat.n);
        kernel->in_log = true;
        kernel->on_log(kernel->context, name, levels[level], kee_buf_cstr(&line));
        kernel->in_log = false;
    }
    kee_buf_fini(&line);
}

static void on_trace(void *context, const struct kee_record *event)
{
    (void)context;
    (void)event; /* never switched on */
}

static void on_note(void *context, const char *text)
{
    struct keeve_kernel *kernel = context;

    if (kernel->on_note != NULL) {
        kernel->in_log = true;
        kernel->on_note(kernel->context, text);
        kernel->in_log = false;
    }
}

static void on_gone(void *context, struct kee_vat_id vat, uint64_t incarnation, const char *why)
{
    struct kee_buf text = KEE_BUF_EMPTY;

    (void)incarnation;
    kee_buf_printf(&text, "v%llu: its worker %s", (unsigned long long)vat.n, why);
    if (!text.failed) {
        on_note(context, kee_buf_cstr(&text));
    }
    kee_buf_fini(&text);
}

static void on_durable(void *context, uint64_t batch)
{
    kee_embed_durable(context, batch);
}

static bool waits(void *context)
{
    return !kee_list_is_empty(&((struct keeve_kernel *)context)->durables);
}

static void nothing(void *context)
{
    (void)context; /* keeve_turn() looks at core.fault; rounds need nothing */
}

const struct kee_core_events kee_embed_events = {
    .answer = on_answer,
    .log = on_log,
    .trace = on_trace,
    .gone = on_gone,
    .note = on_note,
    .durable = on_durable,
    .waits = waits,
    .round = nothing,
    .fault = nothing,
};

/* ---- results ---- */

enum keeve_result kee_embed_decline(struct keeve_kernel *kernel, enum keeve_result result,
                                    const char *format, ...)
{
    va_list args;

    kee_buf_clear(&kernel->why);
    va_start(args, format);
    kee_buf_vprintf(&kernel->why, format, args);
    va_end(args);
    return result;
}

enum keeve_result kee_embed_no_memory(struct keeve_kernel *kernel)
{
    kee_fault_clear();
    return kee_embed_decline(kernel, KEEVE_MEMORY, "out of memory");
}

enum keeve_result kee_embed_fold(struct keeve_kernel *kernel, int r)
{
    static const enum keeve_result results[] = {[KEE_KERNEL_NO_SUCH] = KEEVE_NO_SUCH,
                                                [KEE_KERNEL_BAD] = KEEVE_BAD,
                                                [KEE_KERNEL_STATE] = KEEVE_STATE};

    kernel->stirred = true;
    if (r == 0) {
        return KEEVE_OK;
    }
    if (r > 0) {
        return kee_embed_decline(kernel, results[r], "%s", kee_kernel_why(kernel->core.kernel));
    }
    (void)kee_core_check(&kernel->core, r);
    return kee_embed_decline(kernel, KEEVE_FAULT, "%s", kee_buf_cstr(&kernel->core.fault_text));
}

enum keeve_result kee_embed_may(struct keeve_kernel *kernel)
{
    if (kernel->core.fault < 0) {
        return kee_embed_decline(kernel, KEEVE_FAULT, "%s", kee_buf_cstr(&kernel->core.fault_text));
    }
    if (kee_natives_are_running(kernel->natives)) {
        return kee_embed_decline(kernel, KEEVE_STATE, "called by a native vat");
    }
    if (kernel->in_log) {
        return kee_embed_decline(kernel, KEEVE_STATE, "called from on_log or on_note");
    }
    kee_loop_look_at_clock(kernel->loop); /* the host may have been away for long */
    kee_core_set_now(&kernel->core);
    return KEEVE_OK;
}

enum keeve_result kee_embed_kref(struct keeve_kernel *kernel, const char *text,
                                 struct kee_kref *out)
{
    if (text == NULL || !kee_kref_parse(kee_bytes_str(text), out)) {
        return kee_embed_decline(kernel, KEEVE_BAD, "expected a kref such as ko4, found %s%.60s%s",
                                 text == NULL ? "none" : "\"", text == NULL ? "" : text,
                                 text == NULL ? "" : "\"");
    }
    return kee_embed_may(kernel);
}

const char *keeve_why(const struct keeve_kernel *kernel)
{
    struct kee_buf *why = (struct kee_buf *)&kernel->why; /* gains a NUL, no content */
    const char *text = kee_buf_cstr(why);

    return text == NULL ? "out of memory" : text;
}

const char *keeve_library_version(void)
{
    return KEEVE_VERSION;
}

/* ---- opening ---- */

/* Where the worker program is: as asked; beside the library as it was installed, wherever that now
 * lies; or where it was to be installed. */
static int find_program(struct kee_buf *out, const char *asked, struct kee_buf *why)
{
    static const char *const places[] = {"/" KEEVE_LIBEXEC_FROM_LIB "/keeve-vat",
                                         "/../libexec/keeve/keeve-vat", "/keeve-vat",
                                         "/../vat/keeve-vat"};
    struct kee_buf self = KEE_BUF_EMPTY;
    int r = 1;

    if (asked != NULL) {
        kee_buf_put_str(out, asked);
        r = kee_buf_cstr(out) != NULL && kee_file_is_executable(kee_buf_cstr(out)) ? 0 : 1;
    } else if (kee_process_code_path((const void *)(uintptr_t)keeve_open, &self) == 0) {
        while (self.size > 0 && self.data[self.size - 1] != '/') {
            self.size--;
        }
        for (size_t i = 0; i < sizeof places / sizeof *places && r != 0 && self.size > 0; i++) {
            kee_buf_clear(out);
            kee_buf_put(out, self.data, self.size - 1);
            kee_buf_put_str(out, places[i]);
            r = kee_buf_cstr(out) != NULL && kee_file_is_executable(kee_buf_cstr(out)) ? 0 : 1;
        }
    }
    if (r != 0 && asked == NULL) {
        kee_buf_clear(out);
        kee_buf_put_str(out, KEEVE_LIBEXEC "/keeve-vat");
        r = kee_buf_cstr(out) != NULL && kee_file_is_executable(kee_buf_cstr(out)) ? 0 : 1;
    }
    if (r != 0) {
        kee_buf_printf(why,
                       "expected the program %s, found none: name it in worker_program, or set "
                       "native_only if there are no vats in JavaScript",
                       out->failed ? "keeve-vat" : kee_buf_cstr(out));
    }
    kee_buf_fini(&self);
    kee_fault_clear();
    return r;
}

static int open_store(struct kee_store **out, const struct kee_store_sqlite_options *options,
                      struct kee_buf *why)
{
    int r = kee_store_sqlite_open(out, options, why);

    for (int tries = 0; r == KEE_STORE_SQLITE_BUSY && tries < LOCK_TRIES; tries++) {
        kee_buf_clear(why);
        kee_clock_sleep_ms(LOCK_PAUSE_MS);
        r = kee_store_sqlite_open(out, options, why);
    }
    return r;
}

/* The store in the directory, which is made if it is missing. */
static int open_directory(struct kee_store **out, const struct keeve_options *options,
                          struct kee_buf *why)
{
    static const enum kee_durability durabilities[] = {
        [KEEVE_DURABILITY_FULL] = KEE_DURABILITY_FULL,
        [KEEVE_DURABILITY_NORMAL] = KEE_DURABILITY_NORMAL,
        [KEEVE_DURABILITY_OFF] = KEE_DURABILITY_OFF,
    };
    struct kee_store_sqlite_options store = {.durability = durabilities[options->durability]};
    struct kee_buf path = KEE_BUF_EMPTY;
    int r = kee_file_absolute(options->directory, &path); /* the host may go elsewhere later */

    if (r == 0 && kee_buf_cstr(&path) == NULL) {
        r = kee_buf_status(&path);
    }
    if (r == 0) {
        r = kee_file_home(kee_buf_cstr(&path), why);
    }
    if (r == 0) {
        kee_buf_put_str(&path, "/store");
        store.directory = kee_buf_cstr(&path);
        r = store.directory == NULL ? kee_buf_status(&path) : open_store(out, &store, why);
    }
    kee_buf_fini(&path);
    return r;
}

static int open_core(struct keeve_kernel *kernel, const struct keeve_options *options,
                     struct kee_store **store, const char *program, struct kee_buf *why)
{
    struct kee_core_options core = {
        .vathost = {.program = program, .unjailed = options->unjailed, .stderr_fd = -1},
        .kernel = {.steps_per_crank_max = options->steps_per_crank_max,
                   .heap_bytes_max = options->heap_bytes_max,
                   .deadline_ms = options->deadline_ms,
                   .paused = options->paused},
        .ready_timeout_ms = WORKERS_TIMEOUT_MS,
    };
    struct kee_carrier carrier;
    struct kee_natives *natives = NULL;
    int r =
        kee_core_open_workers(&kernel->core, kernel->loop, &core, &kee_embed_events, kernel, why);

    if (r == 0) {
        r = kee_natives_new(&natives);
    }
    if (r == 0) {
        kernel->natives = natives;
        kee_natives_carrier(natives, &carrier);
        kee_vathost_carry(kernel->core.vathost, KEE_FLAVOUR_NATIVE, &carrier);
        r = kee_core_open_kernel(&kernel->core, store, &core, why);
    }
    return r;
}

static int check_options(const struct keeve_options *options, struct kee_buf *why)
{
    if (options == NULL || options->size != sizeof *options) {
        kee_buf_printf(why, "options.size: expected sizeof(struct keeve_options), %zu, found %zu",
                       sizeof *options, options == NULL ? 0 : options->size);
        return 1;
    }
    if (options->directory == NULL || *options->directory == 0 ||
        (unsigned)options->durability > KEEVE_DURABILITY_OFF) {
        kee_buf_put_str(why, "options: expected a directory and a known durability");
        return 1;
    }
    return 0;
}

static int check_system(const struct keeve_options *options, struct kee_buf *program,
                        struct kee_buf *why)
{
    if (options->native_only) {
        return 0;
    }
    if (!options->unjailed && !kee_process_can_jail()) {
        kee_buf_put_str(why, "this system cannot confine vats: expected seccomp filters in the "
                             "Linux kernel, found none");
        return 1;
    }
    return find_program(program, options->worker_program, why);
}

static void free_kernel(struct keeve_kernel *kernel)
{
    kee_core_close(&kernel->core);
    kee_loop_free(kernel->loop);
    kee_map_fini(&kernel->calls);
    kee_buf_fini(&kernel->why);
    free(kernel);
}

static int open_kernel(struct keeve_kernel *kernel, const struct keeve_options *options,
                       struct kee_buf *why)
{
    struct kee_buf program = KEE_BUF_EMPTY;
    struct kee_store *store = NULL;
    int r = check_system(options, &program, why);

    if (r == 0) {
        r = open_directory(&store, options, why);
    }
    if (r == 0) {
        r = kee_loop_new(&kernel->loop);
    }
    if (r == 0) {
        r = open_core(kernel, options, &store, options->native_only ? NULL : kee_buf_cstr(&program),
                      why);
    }
    if (store != NULL) {
        store->ops->close(store);
    }
    kee_buf_fini(&program);
    return r;
}

enum keeve_result keeve_open(struct keeve_kernel **out, const struct keeve_options *options,
                             struct keeve_error *error)
{
    struct keeve_kernel *kernel = NULL;
    struct kee_buf why = KEE_BUF_EMPTY;
    enum keeve_result result;
    int r = check_options(options, &why);

    result = r > 0 ? KEEVE_BAD : KEEVE_OK;
    if (r == 0) {
        kernel = calloc(1, sizeof *kernel);
        r = kernel == NULL ? kee_fault(KEE_FAULT_MEMORY, "a kernel") : 0;
    }
    if (r == 0) {
        kee_list_init(&kernel->told);
        kee_list_init(&kernel->durables);
        kernel->on_log = options->on_log;
        kernel->on_note = options->on_note;
        kernel->context = options->context;
        kernel->stirred = true;
        r = open_kernel(kernel, options, &why);
        result = r > 0 ? KEEVE_REFUSED : result;
    }
    if (r < 0) {
        result = r == KEE_FAULT_MEMORY ? KEEVE_MEMORY : KEEVE_FAULT;
        kee_buf_clear(&why);
        kee_buf_put_str(&why, kee_fault_text());
        kee_fault_clear();
    }
    if (error != NULL) {
        (void)snprintf(error->text, sizeof error->text, "%s",
                       why.failed ? "out of memory" : kee_buf_cstr(&why));
    }
    kee_buf_fini(&why);
    if (result != KEEVE_OK) {
        if (kernel != NULL) {
            free_kernel(kernel);
        }
        return result;
    }
    *out = kernel;
    return KEEVE_OK;
}

void keeve_close(struct keeve_kernel *kernel)
{
    if (kernel == NULL) {
        return;
    }
    kee_assert(!kernel->in_callback && !kernel->in_log &&
               !kee_natives_are_running(kernel->natives));
    kee_core_settle(&kernel->core);
    kee_embed_tell(kernel);
    kee_embed_lose(kernel, kernel->core.fault < 0 ? kee_buf_cstr(&kernel->core.fault_text)
                                                  : "the kernel was closed");
    free_kernel(kernel);
}

/* ---- turning ---- */

int keeve_fd(const struct keeve_kernel *kernel)
{
    return kee_loop_fd(kernel->loop);
}

int keeve_timeout_ms(struct keeve_kernel *kernel)
{
    return kernel->stirred ? 0 : kee_loop_timeout_ms(kernel->loop);
}

enum keeve_result keeve_turn(struct keeve_kernel *kernel)
{
    if (kernel->in_callback || kernel->in_log || kee_natives_are_running(kernel->natives)) {
        return kee_embed_decline(kernel, KEEVE_STATE, "called from inside a callback");
    }
    kernel->stirred = true;
    for (int i = 0; i < PASSES_PER_TURN && kernel->stirred && kernel->core.fault == 0; i++) {
        kernel->stirred = kee_loop_pass(kernel->loop);
    }
    kee_embed_tell(kernel);
    if (kernel->core.fault < 0) {
        kee_embed_lose(kernel, kee_buf_cstr(&kernel->core.fault_text));
        kernel->stirred = false; /* nothing is to be done any more */
    }
    return kee_embed_may(kernel);
}

enum keeve_result keeve_wait(struct keeve_kernel *kernel, int timeout_ms)
{
    int own_ms = keeve_timeout_ms(kernel);

    if (timeout_ms < 0 || (own_ms >= 0 && own_ms < timeout_ms)) {
        timeout_ms = own_ms;
    }
    if (kernel->core.fault == 0 && !kernel->in_callback) {
        kee_loop_wait(kernel->loop, timeout_ms);
    }
    return keeve_turn(kernel);
}
