/* SPDX-License-Identifier: Apache-2.0 */
/*
 * drive - runs a scenario against liveslots in this process and prints what came out: the transcript
 * that test/golden keeps. usage: drive [--collect] PACKAGES.js SCENARIO
 *
 * A scenario is JavaScript up to a line "---": an expression whose value has buildRootObject. Then
 * deliveries, one a line:
 *
 *   message TARGET BODY [slots VREF,VREF...] [-> RESULT]
 *   notify VPID fulfilled|rejected BODY [slots VREF,VREF...] [; VPID ...]
 *   drop-exports|retire-exports|retire-imports VREF,VREF...
 *   bring-out-your-dead
 *   ahead ANY OF THESE, which the kernel sent before it saw the end of the crank before
 *   # a remark, which goes into the transcript
 *
 * With --collect a whole collection precedes each crank; in a build with -Dc_args=-DmxStress=1 each
 * allocation inside cranks collects as well.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vat/engine/engine.h"
#include "vat/liveslots/internal.h"

#if defined(mxStress) && mxStress
extern int gxStress;
#define collect_always(on) (gxStress = (on))
#else
#define collect_always(on) ((void)(on))
#endif

struct drive {
    struct kee_engine *engine;
    struct kee_ls *ls;
    bool collect;
    uint8_t delivery;
    struct kee_buf fields;
    const char *script;
    bool starting;
    bool repeating;
};

static void fatal(const char *what)
{
    fprintf(stderr, "drive: %s\n", what);
    exit(2);
}

/* ---- Host ---- */

static int no_row(void *context, struct kee_bytes key, struct kee_buf *value)
{
    (void)context;
    (void)key;
    (void)value;
    return 0;
}

static int no_next(void *context, struct kee_bytes prior, struct kee_buf *key,
                   struct kee_buf *value)
{
    (void)context;
    (void)prior;
    (void)key;
    (void)value;
    return 0;
}

static void print_log(void *context, enum kee_vp_log_level level, struct kee_bytes text)
{
    (void)context;
    (void)level;
    printf("log %.*s\n", (int)text.size, (const char *)text.data);
}

static void js_print(txMachine *the)
{
    printf("print %s\n", fxToString(the, mxArgv(0)));
}

static void js_gc(txMachine *the)
{
    fxCollectGarbage(the);
}

/* ---- Cranks ---- */

static void install(void *context, txMachine *the)
{
    (void)context;
    static const struct {
        const char *name;
        txCallback callback;
    } functions[] = {
        {"harden", fx_harden}, {"lockdown", fx_lockdown}, {"print", js_print}, {"gc", js_gc}};
    for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
        fxNewHostFunction(the, functions[i].callback, 1, XS_NO_ID, XS_NO_ID);
        mxPush(mxGlobal);
        fxDefineID(the, fxID(the, (txString)(uintptr_t)functions[i].name), XS_DONT_ENUM_FLAG,
                   XS_DONT_ENUM_FLAG | XS_DONT_DELETE_FLAG | XS_DONT_SET_FLAG);
        mxPop();
    }
    kee_ls_install(the);
}

static void push_evaluated(txMachine *the, const char *script)
{
    mxPushUndefined();
    mxPush(mxGlobal);
    fxGetID(the, fxID(the, (txString)(uintptr_t) "eval"));
    mxCall();
    mxPushStringC((txString)(uintptr_t)script);
    mxRunCount(1);
}

static void evaluate(void *context, txMachine *the)
{
    struct drive *drive = context;
    push_evaluated(the, drive->script);
    mxPop();
}

static void run(void *context, txMachine *the)
{
    struct drive *drive = context;
    if (drive->starting) {
        struct kee_vp_start start = {.version = KEE_VP_VERSION, .vat = 1, .incarnation = 1};
        start.code_name = KEE_BYTES_LIT("scenario");
        start.parameters.body = KEE_BYTES_LIT("#{\"parameter\":\"value\"}");
        kee_ls_prepare(drive->ls, &start);
        mxPop();
        push_evaluated(the, drive->script);
        kee_ls_start(drive->ls, &start);
        return;
    }
    kee_ls_deliver(drive->ls, drive->delivery, kee_buf_bytes(&drive->fields));
}

static bool settled(void *context)
{
    struct drive *drive = context;
    return kee_ls_quiescent(drive->ls);
}

/* ---- Printing ---- */

static void print_bytes(struct kee_bytes bytes)
{
    fwrite(bytes.data, 1, bytes.size, stdout);
}

static void print_slots(struct kee_vp_strings slots)
{
    struct kee_bytes slot;
    char c = ' ';
    while (kee_vp_strings_next(&slots, &slot)) {
        putchar(c);
        print_bytes(slot);
        c = ',';
    }
}

static void print_capdata(struct kee_vp_capdata data)
{
    putchar(' ');
    print_bytes(data.body);
    if (data.slots.count > 0) {
        printf(" slots");
        print_slots(data.slots);
    }
}

static void print_syscall(struct kee_vp_reader *reader)
{
    static const char *const lists[] = {[KEE_VP_CALL_DROP_IMPORTS] = "drop-imports",
                                        [KEE_VP_CALL_RETIRE_IMPORTS] = "retire-imports",
                                        [KEE_VP_CALL_RETIRE_EXPORTS] = "retire-exports",
                                        [KEE_VP_CALL_ABANDON_EXPORTS] = "abandon-exports"};
    uint8_t call = kee_vp_take_u8(reader);
    struct kee_bytes result;
    uint32_t count;

    printf("  ");
    switch (call) {
    case KEE_VP_CALL_SEND:
        printf("send ");
        print_bytes(kee_vp_take_string(reader));
        print_capdata(kee_vp_take_capdata(reader));
        result = kee_vp_take_string(reader);
        if (result.size > 0) {
            printf(" -> ");
            print_bytes(result);
        }
        break;
    case KEE_VP_CALL_SUBSCRIBE:
        printf("subscribe ");
        print_bytes(kee_vp_take_string(reader));
        break;
    case KEE_VP_CALL_RESOLVE:
        count = kee_vp_take_u32(reader);
        printf("resolve");
        for (uint32_t i = 0; i < count; i++) {
            printf(i == 0 ? " " : "; ");
            print_bytes(kee_vp_take_string(reader));
            printf(kee_vp_take_u8(reader) ? " rejected" : " fulfilled");
            print_capdata(kee_vp_take_capdata(reader));
        }
        break;
    case KEE_VP_CALL_EXIT:
        printf(kee_vp_take_u8(reader) ? "exit failure" : "exit");
        print_capdata(kee_vp_take_capdata(reader));
        break;
    default:
        if (call < KEE_VP_CALL_DROP_IMPORTS || call > KEE_VP_CALL_ABANDON_EXPORTS) {
            fatal("unknown syscall");
        }
        printf("%s", lists[call]);
        print_slots(kee_vp_take_strings(reader));
        break;
    }
    putchar('\n');
}

static void crank(struct drive *drive)
{
    const struct kee_engine_crank what = {.context = drive, .run = run, .settled = settled};
    struct kee_buf out = KEE_BUF_EMPTY;
    struct kee_vp_reader reader;
    uint32_t count;
    int outcome;

    if (drive->collect) {
        kee_engine_collect(drive->engine);
    }
    kee_ls_begin(drive->ls);
    collect_always(drive->collect);
    outcome = kee_engine_crank(drive->engine, &what);
    collect_always(false);
    if (outcome != 0 || kee_ls_error(drive->ls)) {
        printf("  failed: %s\n",
               outcome != 0 ? kee_engine_failure(drive->engine) : kee_ls_error(drive->ls));
    }
    if (kee_ls_audit(drive->ls)) {
        fatal(kee_ls_audit(drive->ls));
    }
    kee_ls_done(drive->ls, &out);
    reader = (struct kee_vp_reader){kee_buf_bytes(&out), false};
    count = kee_vp_take_u32(&reader);
    for (uint32_t i = 0; i < count; i++) {
        print_syscall(&reader);
    }
    kee_buf_fini(&out);
}

/* ---- Scenarios ---- */

static char *read_whole(const char *path)
{
    FILE *file = fopen(path, "rb");
    char *text = NULL;
    size_t size = 0, room = 0;
    if (!file) {
        fatal(path);
    }
    for (;;) {
        size_t got;
        if (room - size < 2) {
            room = room ? room * 2 : 65536;
            text = realloc(text, room);
            if (!text) {
                fatal("no memory");
            }
        }
        got = fread(text + size, 1, room - size - 1, file);
        if (got == 0) {
            break;
        }
        size += got;
    }
    text[size] = '\0';
    fclose(file);
    return text;
}

/* The next word of *rest, ended in place; NULL at the end. */
static char *word(char **rest)
{
    char *start = *rest + strspn(*rest, " ");
    if (*start == '\0') {
        return NULL;
    }
    *rest = start + strcspn(start, " ");
    if (**rest) {
        *(*rest)++ = '\0';
    }
    return start;
}

static void put_list(struct kee_buf *buf, char *commas)
{
    size_t place = kee_vp_list_open(buf);
    uint32_t count = 0;
    struct kee_bytes rest = kee_bytes_str(commas ? commas : "");
    while (rest.size > 0) {
        kee_vp_put_string(buf, kee_bytes_cut(&rest, ','));
        count++;
    }
    kee_vp_list_close(buf, place, count);
}

/* A body runs to " slots ", " -> ", " ; " or the end of the line. */
static char *body(char **rest)
{
    static const char *const ends[] = {" slots ", " -> ", " ; "};
    char *start = *rest;
    char *end = start + strlen(start);
    for (size_t i = 0; i < 3; i++) {
        char *found = strstr(start, ends[i]);
        if (found && found < end) {
            end = found;
        }
    }
    *rest = *end ? end + 1 : end;
    *end = '\0';
    return start;
}

static void put_capdata(struct kee_buf *buf, char **rest)
{
    char *text = body(rest);
    kee_vp_put_string(buf, kee_bytes_str(text));
    if (strncmp(*rest, "slots ", 6) == 0) {
        (void)word(rest);
        put_list(buf, word(rest));
    } else {
        put_list(buf, NULL);
    }
}

static void take_message(struct drive *drive, char *rest)
{
    struct kee_buf capdata = KEE_BUF_EMPTY;
    char *target = word(&rest);
    char *arrow;
    put_capdata(&capdata, &rest);
    arrow = word(&rest);
    kee_vp_put_string(&drive->fields, kee_bytes_str(target));
    kee_vp_put_string(&drive->fields, kee_bytes_str(arrow ? word(&rest) : ""));
    kee_buf_put_bytes(&drive->fields, kee_buf_bytes(&capdata));
    kee_buf_fini(&capdata);
}

static void take_notify(struct drive *drive, char *rest)
{
    size_t place = kee_vp_list_open(&drive->fields);
    uint32_t count = 0;
    for (char *vpid = word(&rest); vpid; vpid = word(&rest)) {
        if (strcmp(vpid, ";") == 0) {
            continue;
        }
        kee_vp_put_string(&drive->fields, kee_bytes_str(vpid));
        kee_buf_put_u8(&drive->fields, strcmp(word(&rest), "rejected") == 0);
        put_capdata(&drive->fields, &rest);
        count++;
    }
    kee_vp_list_close(&drive->fields, place, count);
}

static void line(struct drive *drive, char *text)
{
    char *rest = text;
    char *verb;
    printf("%s\n", text);
    if (text[0] == '#' || text[0] == '\0') {
        return;
    }
    verb = word(&rest);
    if (strcmp(verb, "ahead") == 0) {
        verb = word(&rest);
    } else {
        kee_ls_caught_up(drive->ls);
    }
    kee_buf_clear(&drive->fields);
    if (strcmp(verb, "message") == 0) {
        drive->delivery = KEE_VP_MESSAGE;
        take_message(drive, rest);
    } else if (strcmp(verb, "notify") == 0) {
        drive->delivery = KEE_VP_NOTIFY;
        take_notify(drive, rest);
    } else if (strcmp(verb, "bring-out-your-dead") == 0) {
        drive->delivery = KEE_VP_BRING_OUT_YOUR_DEAD;
    } else {
        drive->delivery = strcmp(verb, "drop-exports") == 0     ? KEE_VP_DROP_EXPORTS
                          : strcmp(verb, "retire-exports") == 0 ? KEE_VP_RETIRE_EXPORTS
                                                                : KEE_VP_RETIRE_IMPORTS;
        put_list(&drive->fields, word(&rest));
    }
    crank(drive);
}

int main(int argc, char **argv)
{
    static const struct kee_ls_host host = {NULL, no_row, no_next, print_log};
    struct kee_engine_host engine_host = {.log = print_log};
    struct kee_engine_crank installing = {.run = install};
    struct drive drive = {.collect = argc > 3 && strcmp(argv[1], "--collect") == 0};
    struct kee_engine_crank evaluating = {.context = &drive, .run = evaluate};
    char *packages, *scenario, *next;

    if (argc < 3) {
        fatal("usage: drive [--collect] PACKAGES.js SCENARIO");
    }
    packages = read_whole(argv[argc - 2]);
    scenario = read_whole(argv[argc - 1]);
    kee_engine_process_init();
    if (kee_engine_new(&drive.engine) != 0) {
        fatal("no engine");
    }
    kee_engine_set_host(drive.engine, &engine_host);
    drive.script = packages;
    if (kee_engine_crank(drive.engine, &installing) != 0 ||
        kee_engine_crank(drive.engine, &evaluating) != 0) {
        fatal(kee_engine_failure(drive.engine));
    }
    kee_ls_packages_loaded(kee_engine_machine(drive.engine));
    if (kee_ls_new(&drive.ls, kee_engine_machine(drive.engine), &host) != 0) {
        fatal("no liveslots");
    }
    next = strstr(scenario, "\n---\n");
    if (!next) {
        fatal("the scenario has no line ---");
    }
    *next = '\0';
    next += 5;
    drive.script = scenario;
    drive.starting = true;
    printf("start\n");
    crank(&drive);
    drive.starting = false;
    while (*next) {
        char *end = next + strcspn(next, "\n");
        bool last = *end == '\0';
        *end = '\0';
        line(&drive, next);
        next = last ? end : end + 1;
    }
    kee_buf_fini(&drive.fields);
    kee_ls_free(drive.ls);
    kee_engine_free(drive.engine);
    free(packages);
    free(scenario);
    return 0;
}
