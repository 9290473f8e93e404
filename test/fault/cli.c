/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory runs out at the n-th allocation of the program keeve, for every n, in every command: it does all
 * as if nothing had been, or says that memory is out and fails; what it has written by then is how
 * the whole begins. Daemon, homes and files are whole afterwards.
 *
 *   live    a home whose daemon runs all the time      canned  a socket that gives answers of our own
 *   rest    a home at rest, with a store               hurt    the same, with a count that is wrong
 *   new     made anew for each try                     own     whose daemon comes and goes
 *
 * Allocations of the C library itself and of SQLite are not reached. Long commands fail at some places
 * only, at all of them with FULL=1.
 */
#include "cm.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "canned_daemon.h"
#include "dump_text.h"
#include "scratch.h"
#include "starved_program.h"

enum { COLUMNS = 80, WORDS_BYTES = 1024, SHOWN_FAILURES_MAX = 40 };

struct job {
    const char *home;
    const char *words; /* @: what was launched, or its root */
    void (*before)(void);
    void (*after)(const struct ended *ended);
    unsigned step; /* 0 and 1: every place */
    bool declined; /* it fails even so */
    bool varies;   /* numbers differ from run to run */
};

static struct scratch scratch;
static char launched[24], launched_root[24];
static unsigned failures, places;

/* ---- Running keeve ---- */

static void words_of(char out[WORDS_BYTES], const char *home, const char *words)
{
    int n = snprintf(out, WORDS_BYTES, "--home %s/%s ", scratch.path, home);

    for (; *words != 0; words++) {
        assert_true(n < WORDS_BYTES - 80);
        if (*words == '@') {
            n += snprintf(out + n, WORDS_BYTES - (size_t)n, "%s",
                          words[1] == 's' ? launched : launched_root);
            words++;
        } else if (*words == '%') {
            n += snprintf(out + n, WORDS_BYTES - (size_t)n, "%s", scratch.path);
        } else {
            out[n++] = *words;
        }
    }
    out[n] = 0;
}

static int keeve(struct ended *ended, const char *home, const char *words)
{
    char all[WORDS_BYTES];

    words_of(all, home, words);
    starved_run(ended, all, 0, 0);
    return ended->status;
}

static void must(const char *home, const char *words)
{
    struct ended ended;

    if (keeve(&ended, home, words) != 0) {
        fail_msg("keeve %s: %s", words, kee_buf_cstr(&ended.err));
    }
    starved_free(&ended);
}

static void may(const char *home, const char *words)
{
    struct ended ended;

    (void)keeve(&ended, home, words);
    starved_free(&ended);
}

/* ---- What a try came to ---- */

static void expect(const struct ended *good, struct ended *now, const char *words, unsigned columns,
                   uint64_t nth)
{
    const char *wrong = starved_wrong(good, now);

    if (wrong == NULL) {
        return;
    }
    if (++failures <= SHOWN_FAILURES_MAX) {
        print_error("allocation %u of keeve %s, %u columns: %s\n  status %x\n  out %.300s\n  err "
                    "%.300s\n",
                    (unsigned)nth, words, columns, wrong, (unsigned)now->status,
                    kee_buf_cstr(&now->out), kee_buf_cstr(&now->err));
    }
}

static void try(struct ended *ended, const struct job *job, unsigned columns, uint64_t nth)
{
    char words[WORDS_BYTES];

    if (job->before != NULL) {
        job->before();
    }
    words_of(words, job->home, job->words);
    starved_run(ended, words, columns, nth);
    if (job->varies) {
        starved_forget_numbers(ended);
    }
    if (job->after != NULL) {
        job->after(ended);
    }
}

static void each_allocation(const struct job *job, unsigned columns)
{
    unsigned step = job->step == 0 || getenv("FULL") != NULL ? 1 : job->step;
    struct ended good, now;
    bool fired = true;
    unsigned count = 0;

    try(&good, job, columns, 0); /* may find something to do that is done then */
    starved_free(&good);
    try(&good, job, columns, 0);
    if ((good.status != 0) != job->declined) {
        fail_msg("keeve %s: %s", job->words, kee_buf_cstr(&good.err));
    }
    for (uint64_t nth = 1; fired; nth += step) {
        try(&now, job, columns, nth);
        expect(&good, &now, job->words, columns, nth);
        fired = now.fired;
        count += fired;
        starved_free(&now);
    }
    starved_free(&good);
    places += count;
    if (getenv("FULL") != NULL) {
        print_message("%5u %s %s%s\n", count, job->home, job->words, columns > 0 ? " (table)" : "");
    }
}

static void do_jobs(const struct job *jobs, size_t count, bool tables)
{
    failures = places = 0;
    for (size_t i = 0; i < count; i++) {
        each_allocation(&jobs[i], 0);
        if (tables) {
            each_allocation(&jobs[i], COLUMNS);
        }
    }
    print_message("%u places\n", places);
    assert_int_equal(failures, 0);
    assert_true(places > count);
}

#define DO_JOBS(jobs, tables) do_jobs(jobs, sizeof(jobs) / sizeof *(jobs), tables)

/* ---- Before and after ---- */

static bool says(const struct kee_buf *text, const char *word)
{
    return text->size > 0 && memmem(text->data, text->size, word, strlen(word)) != NULL;
}

/* "name":"value" in text, up to 23 characters. */
static bool field_of(const struct kee_buf *text, const char *name, char out[24])
{
    char quoted[40];
    const char *at;

    (void)snprintf(quoted, sizeof quoted, "\"%s\":\"", name);
    at = strstr((const char *)text->data, quoted);
    return at != NULL && sscanf(at + strlen(quoted), "%23[^\"]", out) == 1;
}

static void launch_one(void)
{
    struct ended ended;

    if (keeve(&ended, "live", "launch %/one.json") != 0) {
        fail_msg("launch: %s", kee_buf_cstr(&ended.err));
    }
    assert_true(field_of(&ended.out, "subclusterId", launched));
    assert_true(field_of(&ended.out, "rootKref", launched_root));
    starved_free(&ended);
}

/* Whatever was launched but the first. */
static void end_launched(const struct ended *now)
{
    struct ended ended;
    char words[64], id[24];
    char *rest = NULL;

    (void)now;
    assert_int_equal(keeve(&ended, "live", "subclusters"), 0);
    for (char *line = strtok_r((char *)ended.out.data, "\n", &rest); line != NULL;
         line = strtok_r(NULL, "\n", &rest)) {
        const char *at = strstr(line, "\"subcluster\":\"");
        if (at != NULL && strstr(line, "\"running\"") != NULL &&
            sscanf(at, "\"subcluster\":\"%23[^\"]", id) == 1 && strcmp(id, "s1") != 0) {
            (void)snprintf(words, sizeof words, "terminate %s", id);
            must("live", words);
        }
    }
    starved_free(&ended);
}

static void pin(void)
{
    must("live", "pin ko1");
}

static void unpin(void)
{
    may("live", "unpin ko1");
}

static void read_file(const char *name, struct kee_buf *out)
{
    char path[128];
    FILE *file = fopen(scratch_join(&scratch, name, path), "re");
    uint8_t piece[4096];
    size_t n;

    kee_buf_clear(out);
    if (file != NULL) {
        while ((n = fread(piece, 1, sizeof piece, file)) > 0) {
            kee_buf_put(out, piece, n);
        }
        (void)fclose(file);
    }
}

static void remove_export(void)
{
    scratch_remove(&scratch, "written.keeve");
}

/* The file is there whole or not at all; it is there if all went well. */
static void expect_export(const struct ended *now)
{
    struct kee_buf written = KEE_BUF_EMPTY;

    read_file("written.keeve", &written);
    assert_true(now->status != 0 || written.size > 0);
    assert_true(written.size == 0 ||
                (says(&written, "keeve-store 1\n") && says(&written, "\nend ")));
    kee_buf_fini(&written);
}

static void remove_new(void)
{
    scratch_remove(&scratch, "new");
}

/* Nothing is in it, or all. A second import fills what is empty, and none else. */
static void expect_import(const struct ended *now)
{
    struct kee_buf of = KEE_BUF_EMPTY;
    struct ended ended;

    read_file("small.keeve", &of);
    if (now->status != 0) {
        may("new", "import %/small.keeve");
    }
    assert_int_equal(keeve(&ended, "new", "export"), 0);
    assert_true(kee_bytes_equal(kee_buf_bytes(&ended.out), kee_buf_bytes(&of)));
    starved_free(&ended);
    kee_buf_fini(&of);
}

static void hurt(void)
{
    scratch_remove(&scratch, "hurt");
    must("hurt", "import %/hurt.keeve");
}

/* Either as it was, or mended; and another repair ends well. */
static void expect_repair(const struct ended *now)
{
    may("hurt", "doctor --repair");
    must("hurt", "doctor");
    (void)now;
}

static void remove_bundle(void)
{
    scratch_remove(&scratch, "vat.bundle");
}

static void expect_bundle(const struct ended *now)
{
    struct kee_buf written = KEE_BUF_EMPTY;

    read_file("vat.bundle", &written);
    assert_true(now->status != 0 || written.size > 0);
    assert_true(written.size == 0 || (written.data[0] == '{' && says(&written, "buildRootObject") &&
                                      written.data[written.size - 1] == '}'));
    kee_buf_fini(&written);
}

static void stop_own(void)
{
    must("own", "stop");
}

static void start_own(void)
{
    must("own", "start");
}

static pid_t stopper;

/* Says stop to whoever serves the home, again and again. */
static _Noreturn void stop_for_ever(const char *path, pid_t parent)
{
    static const char line[] = "{\"id\":1,\"method\":\"stop\"}\n";
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char answer[4096];

    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    while (getppid() == parent) {
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (connect(fd, (const struct sockaddr *)&address, sizeof address) == 0 &&
            send(fd, line, sizeof line - 1, MSG_NOSIGNAL) > 0) {
            (void)!read(fd, answer, sizeof answer);
        }
        (void)close(fd);
        (void)usleep(1000);
    }
    _exit(0);
}

static void begin_stopping(void)
{
    pid_t parent = getpid();
    char path[128];

    may("own", "stop");
    (void)scratch_join(&scratch, "own/control.sock", path);
    stopper = fork();
    assert_true(stopper >= 0);
    if (stopper == 0) {
        stop_for_ever(path, parent);
    }
}

/* Started or not, it can be started and works. */
static void expect_own(const struct ended *now)
{
    (void)now;
    if (stopper > 0) {
        (void)kill(stopper, SIGKILL);
        (void)waitpid(stopper, NULL, 0);
        stopper = 0;
    }
    must("own", "start");
    must("own", "audit");
}

/* ---- The jobs ---- */

#define EVENT(fields) "{\"id\":1,\"event\":{" fields "}}\n"
#define RESULT(result) "{\"id\":1,\"result\":" result "}\n"
#define CAPDATA(body, slots) "{\"body\":\"" body "\",\"slots\":[" slots "]}"
#define DELIVER                                                                                    \
    "\"event\":\"deliver\",\"vat\":\"v1\",\"delivery\":3,\"type\":\"message\",\"target\":\"o+0\"," \
    "\"kref\":\"ko1\",\"method\":\"greet\",\"result\":\"p-60\",\"slots\":\"ko4,ko5\","             \
    "\"body\":\"#[\\\"greet\\\",[\\\"$0.Alleged: a\\\",\\\"$1\\\",{\\\"a\\\":[\\\"+7\\\"]}]]\""
#define COMMIT                                                                                     \
    "\"event\":\"commit\",\"crank\":7,\"vat\":\"v1\",\"steps\":115,\"why\":\"\\u001b[2J\""

static const struct canned_answer answers[] = {
    {"trace", EVENT(DELIVER) EVENT(COMMIT) RESULT("{}")},
    {"logs", EVENT("\"time_ms\":1700000000123,\"vat\":\"v1\",\"level\":\"log\","
                   "\"text\":\"one \\u001b line\"") EVENT("\"text\":\"another\"") RESULT("{}")},
    {"step", RESULT("{\"events\":[{" DELIVER "},{" COMMIT "}]}")},
    {"launch",
     RESULT(
         "{\"subclusterId\":\"s1\",\"rootKref\":\"ko1\",\"warnings\":[\"first\",\"second\"],"
         "\"bootstrapResult\":" CAPDATA("#{\\\"b\\\":[\\\"$0\\\",\\\"+12\\\"]}", "\"ko4\"") "}")},
    {"queue",
     RESULT("[{\"seq\":7,\"vat\":\"v1\",\"type\":\"message\",\"body\":\"a body that is too "
            "long for a line of a table of eighty columns: more of it follows\"},"
            "{\"seq\":12,\"vat\":\"v2\",\"from\":\"console\",\"flight\":true}]")},
    {"audit",
     RESULT("{\"violations\":[{\"invariant\":\"K-1\",\"where\":\"ko3\",\"found\":\"9\"}]}")},
    {"status",
     RESULT(
         "{\"state\":\"paused\",\"home\":\"/x\",\"version\":\"0\",\"pid\":7,\"uptime_ms\":99999999,"
         "\"jail\":false,\"inline\":true,\"flavour\":\"shared\",\"durability\":\"off\","
         "\"cycles\":{\"state\":\"marking\",\"epochs\":2},\"subclusters\":[{\"id\":\"s1\","
         "\"state\":\"running\",\"bootstrap\":\"v1\",\"vats\":{\"a\":{\"vat\":\"v1\"}}}]}")},
    {NULL, NULL},
};

static void commands_that_ask(void **state)
{
    static const struct job jobs[] = {
        {"live", .words = "export"},
        {"live", .words = "status", .varies = true},
        {"live", .words = "vats", .varies = true},
        {"live", .words = "clist v1"},
        {"live", .words = "queue"},
        {"live", .words = "objects"},
        {"live", .words = "promises"},
        {"live", .words = "subclusters"},
        {"live", .words = "who-holds ko3"},
        {"live", .words = "describe ko3"},
        {"live", .words = "describe o+d10/1 --vat v2"},
        {"live", .words = "describe o+d10/1:2"},
        {"live", .words = "stats v1"},
        {"live", .words = "stats"},
        {"live", .words = "audit"},
        {"live", .words = "logs v1"},
        {"live", .words = "send ko2 read"},
        {"live", .varies = true,
         .words = "send ko1 greet {\"a\":[1,{\"@bigint\":\"7\"},{\"kref\":\"ko2\"}]}"},
        {"live", .words = "send ko2 noSuchMethod", .declined = true},
        {"live", .words = "--json send ko2 noSuchMethod \"Ada\"", .declined = true, .varies = true},
        {"live", .words = "start"},
        {"live", .words = "doctor", .declined = true},
        {"rest", .words = "status", .declined = true},
        {"rest", .words = "stop"},
        {"canned", .words = "trace"},
        {"canned", .words = "logs --follow"},
        {"canned", .words = "step"},
        {"canned", .words = "launch %/one.json"},
        {"canned", .words = "queue"},
        {"canned", .words = "audit", .declined = true},
        {"canned", .words = "status"},
    };
    DO_JOBS(jobs, true);
}

static void commands_that_change(void **state)
{
    static const struct job jobs[] = {
        {"live", .words = "pause"},
        {"live", .words = "run"},
        {"live", .words = "reap"},
        {"live", .words = "reap v1"},
        {"live", .words = "pin ko1", .before = unpin},
        {"live", .words = "unpin ko1", .before = pin},
        {"live", .words = "restart-vat v1"},
        {"live", .words = "gc v1", .step = 11, .varies = true},
        {"live", .words = "gc", .step = 29, .varies = true},
        {"live", .words = "launch %/one.json", .after = end_launched, .varies = true},
        {"live", .words = "terminate @s", .before = launch_one, .after = end_launched,
         .varies = true},
        {"live", .words = "revoke @r", .before = launch_one, .after = end_launched, .varies = true},
    };
    DO_JOBS(jobs, false);
    must("live", "audit");
    must("live", "send ko2 read");
}

static void commands_on_files(void **state)
{
    static const struct job jobs[] = {
        {"live", .words = "export %/written.keeve", .before = remove_export,
         .after = expect_export},
        {"rest", .words = "export"},
        {"rest", .words = "export %/written.keeve", .before = remove_export,
         .after = expect_export},
        {"rest", .words = "doctor"},
        {"new", .words = "import %/small.keeve", .before = remove_new, .after = expect_import},
        {"hurt", .words = "doctor", .declined = true},
        {"hurt", .words = "doctor --repair", .before = hurt, .after = expect_repair, .step = 7},
        {"rest", .words = "bundle %/vat.js", .before = remove_bundle, .after = expect_bundle,
         .step = 5, .varies = true},
    };
    DO_JOBS(jobs, false);
}

static void daemons_that_come_and_go(void **state)
{
    static const struct job jobs[] = {
        {"own", .words = "start", .before = stop_own, .after = expect_own, .varies = true},
        {"own", .words = "start --foreground", .before = begin_stopping, .after = expect_own,
         .varies = true},
        {"own", .words = "stop", .before = start_own, .after = expect_own, .varies = true},
    };
    DO_JOBS(jobs, false);
    must("own", "stop");
}

/* ---- Homes and files ---- */

static void write_file(const char *name, const char *text, size_t size)
{
    char path[128];
    FILE *file = fopen(scratch_join(&scratch, name, path), "we");

    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

/* The rows of text with its last line made anew. */
static void write_dump(const char *name, const char *text)
{
    struct kee_buf dump = KEE_BUF_EMPTY;

    kee_buf_put(&dump, text, (size_t)(strstr(text, "\nend ") + 1 - text));
    dump_text_close(&dump);
    write_file(name, (const char *)dump.data, dump.size);
    kee_buf_fini(&dump);
}

static int set_up(void **state)
{
    static const char vat[] =
        "import { Far } from '@endo/far';\n"
        "export const buildRootObject = () => Far('root', { bootstrap: () => ['started'] });\n";
    static const char one[] =
        "{\"bootstrap\":\"one\",\"vats\":{\"one\":{\"bundleSpec\":\"vat.js\"}}}";
    struct ended ended;
    char path[128];
    char *at;

    starved_begin();
    assert_int_equal(setenv("KEEVE_LIBEXEC", LIBEXEC, 1), 0);
    scratch_init_in_memory(&scratch);
    write_file("vat.js", vat, sizeof vat - 1);
    write_file("one.json", one, sizeof one - 1);
    must("live", "start");
    must("own", "start");
    assert_int_equal(keeve(&ended, "live", "launch " EXAMPLE), 0);
    starved_free(&ended);
    must("live", "gc"); /* nothing moves by itself any more */
    assert_int_equal(keeve(&ended, "live", "export"), 0);
    write_dump("small.keeve", kee_buf_cstr(&ended.out));
    at = strstr((char *)ended.out.data, "\nko3\tv2 ");
    assert_non_null(at);
    at[strlen("\nko3\tv2 ")] = '9';
    write_dump("hurt.keeve", kee_buf_cstr(&ended.out));
    starved_free(&ended);
    must("rest", "import %/small.keeve");
    hurt();
    assert_int_equal(mkdir(scratch_join(&scratch, "canned", path), S_IRWXU), 0);
    (void)canned_daemon_start(path, answers);
    return 0;
}

static int tear_down(void **state)
{
    may("live", "stop");
    may("own", "stop");
    scratch_fini(&scratch);
    return 0;
}

int starved_test(void)
{
    const struct CMUnitTest tests[] = {
        TEST(commands_that_ask),
        TEST(commands_that_change),
        TEST(commands_on_files),
        TEST(daemons_that_come_and_go),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
