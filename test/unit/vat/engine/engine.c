/* SPDX-License-Identifier: Apache-2.0 */
/* The engine's crank: jobs drained, limits met, outcomes named. */
#include "cm.h"

#include <stdlib.h>

#include "vat/engine/engine.h"
#include "vat/engine/xs.h"

/* A crank that is aborted leaves what the parser had taken: its process is to end. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:fxParseScript\n";
}

#define MILLION UINT64_C(1000000)
#define MEBI (UINT64_C(1) << 20)

struct fixture {
    struct kee_engine *engine;
    const char *source;
    char result[256];
    char log[1024];
    uint64_t grants; /* times a limit may still be raised */
};

static void log_line(void *context, enum kee_vp_log_level level, struct kee_bytes text)
{
    struct fixture *f = context;
    size_t used = strlen(f->log);
    snprintf(f->log + used, sizeof f->log - used, "%d %.*s\n", (int)level, (int)text.size,
             (const char *)text.data);
}

static uint64_t more(void *context, uint64_t used, uint64_t limit)
{
    struct fixture *f = context;
    return f->grants == 0 ? limit : (f->grants--, limit * 2);
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    struct kee_engine_host host = {.context = f, .log = log_line};
    kee_engine_process_init();
    assert_int_equal(kee_engine_new(&f->engine), 0);
    kee_engine_set_host(f->engine, &host);
    kee_engine_set_limits(f->engine, 50 * MILLION, 128 * MEBI);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    kee_engine_free(f->engine);
    free(f);
    return 0;
}

/* Evaluates the source in the start realm; the completion value, as a string, is the result. */
static void evaluate(void *context, txMachine *the)
{
    struct fixture *f = context;
    mxPushUndefined();
    mxPush(mxGlobal);
    mxGetID(fxID(the, "eval"));
    mxCall();
    mxPushStringC((txString)f->source);
    mxRunCount(1);
    snprintf(f->result, sizeof f->result, "%s", fxToString(the, the->stack));
    mxPop();
}

static int run(struct fixture *f, const char *source)
{
    const struct kee_engine_crank crank = {.context = f, .run = evaluate};
    f->source = source;
    f->result[0] = '\0';
    return kee_engine_crank(f->engine, &crank);
}

static void evaluates(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(run(f, "[1,2,3].map(x => x * 2).join()"), 0);
    assert_string_equal(f->result, "2,4,6");
}

/* A crank ends when no promise job is left, however they were queued. */
static void drains_promise_jobs(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(run(f, "globalThis.n = 0; (async () => { for (let i = 0; i < 1000; i++) "
                            "{ await null; globalThis.n++; } })(); n"),
                     0);
    assert_string_equal(f->result, "0");
    assert_int_equal(run(f, "n"), 0);
    assert_string_equal(f->result, "1000");
}

/* Jobs run in the order they were queued, also when thousands wait. */
static void keeps_the_order_of_jobs(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(run(f, "globalThis.seen = []; for (let i = 0; i < 20000; i++) "
                            "Promise.resolve(i).then(x => seen.push(x)); 0"),
                     0);
    assert_int_equal(run(f, "seen.length + ' ' + seen.every((x, i) => x === i)"), 0);
    assert_string_equal(f->result, "20000 true");
}

static void reports_unhandled_rejections_at_the_end(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(run(f, "Promise.reject(new TypeError('lost')); Promise.reject(7);"
                            "const held = Promise.reject(Error('held')); held.catch(() => 0);"
                            "const late = Promise.reject(Error('late'));"
                            "Promise.resolve().then(() => late.catch(() => 0)); 0"),
                     0);
    assert_non_null(strstr(f->log, "4 unhandled rejection: TypeError: lost\n"));
    assert_non_null(strstr(f->log, "4 unhandled rejection: 7\n"));
    assert_null(strstr(f->log, "held"));
    assert_null(strstr(f->log, "late"));
}

static void names_an_exception(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(run(f, "throw new RangeError('too far')"), KEE_ENGINE_THROWN);
    assert_string_equal(kee_engine_failure(f->engine), "RangeError: too far");
    assert_int_equal(run(f, "1"), 0);
}

/* Programs that would not end, or would take everything: each ends its crank with a name, whatever
 * the program catches, and the machine still answers. */
static void stops_hostile_programs(void **state)
{
    static const struct {
        const char *source;
        int outcome;
    } cases[] = {
        {"for (;;) ;", KEE_ENGINE_NO_STEPS},
        {"for (;;) { try { for (;;) ; } catch (e) {} finally { continue; } }", KEE_ENGINE_NO_STEPS},
        {"(function f() { f(); })()", KEE_ENGINE_STACK},
        {"function g() { try { g(); } catch (e) { g(); } } g()", KEE_ENGINE_STACK},
        {"const a = []; for (;;) a.push(new Array(1000).fill(0))", KEE_ENGINE_NO_MEMORY},
        {"let s = 'x'; for (;;) s += s", KEE_ENGINE_NO_MEMORY},
        {"const o = {}; 'x'.repeat(2 ** 30 - 1) + 'y'", KEE_ENGINE_NO_MEMORY},
        {"new ArrayBuffer(2 ** 30)", KEE_ENGINE_NO_MEMORY},
        {"'a'.padStart(2 ** 29)", KEE_ENGINE_NO_MEMORY},
        {"new Array(2 ** 26).fill(0)", KEE_ENGINE_NO_MEMORY},
        {"/(a+)+$/.test('a'.repeat(40) + 'b')", KEE_ENGINE_NO_STEPS},
        {"(async () => { for (;;) await null; })()", KEE_ENGINE_NO_STEPS},
        {"let p = {}; for (let i = 0; i < 1e5; i++) p = new Proxy(p, {}); p.x", KEE_ENGINE_STACK},
        {"Math.max(...new Array(1e6).fill(1))", KEE_ENGINE_STACK},
        {"JSON.parse('['.repeat(1e6))", KEE_ENGINE_STACK},
        {"let a = []; for (let i = 0; i < 1e5; i++) a = [a]; JSON.stringify(a)", KEE_ENGINE_STACK},
        {"const b = []; b[0] = b; b.flat(Infinity)", KEE_ENGINE_STACK},
        {"function* g() { yield* g(); } [...g()]", KEE_ENGINE_STACK},
        {"const t = { toString() { return '' + t; } }; '' + t", KEE_ENGINE_STACK},
        {"'a'.replace(/a/, () => { for (;;) ; })", KEE_ENGINE_NO_STEPS},
        {"[3, 2, 1].sort(() => { for (;;) ; })", KEE_ENGINE_NO_STEPS},
        {"const s = new Set(); for (;;) s.add(s.size)", KEE_ENGINE_NO_MEMORY},
        {"2n ** 1000000n << 10000000n", KEE_ENGINE_NO_MEMORY},
        {"2n ** 1000000000n", KEE_ENGINE_THROWN},
        {"eval('('.repeat(1e5))", KEE_ENGINE_THROWN},
        {"throw new Proxy({}, { get() { for (;;) ; } })", KEE_ENGINE_THROWN},
        {"let n = []; for (let i = 0; i < 3e5; i++) n = [n]; 0", KEE_ENGINE_STACK},
    };
    struct fixture *f = *state;
    kee_engine_set_limits(f->engine, 40 * MILLION, 64 * MEBI);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int outcome = run(f, cases[i].source);
        if (outcome != cases[i].outcome) {
            print_error("%s: %d %s\n", cases[i].source, outcome, kee_engine_failure(f->engine));
        }
        assert_int_equal(outcome, cases[i].outcome);
        assert_int_equal(teardown(state), 0);
        setup(state);
        f = *state;
        kee_engine_set_limits(f->engine, 40 * MILLION, 64 * MEBI);
    }
}

static void names_the_limits(void **state)
{
    struct fixture *f = *state;
    run(f, "for (;;) ;");
    assert_string_equal(kee_engine_failure(f->engine),
                        "ran out of computation (limit 50000000 steps)");
    run(f, "const a = []; for (;;) a.push([1, 2, 3])");
    assert_string_equal(kee_engine_failure(f->engine), "ran out of memory (limit 128 MB)");
    run(f, "(function f() { f(); })()");
    assert_string_equal(kee_engine_failure(f->engine), "stack overflow");
}

/* A machine whose crank was stopped can still say what it holds. */
static void answers_after_an_abort(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(run(f, "globalThis.kept = 41; 0"), 0);
    assert_int_equal(run(f, "(function f() { f(); })()"), KEE_ENGINE_STACK);
    assert_int_equal(run(f, "kept + 1"), 0);
    assert_string_equal(f->result, "42");
}

/* The meter asks, and what runs does not notice: same value, same steps. */
static void goes_on_when_given_more(void **state)
{
    static const char program[] = "let n = 0; for (let i = 0; i < 300000; i++) n += i; n";
    struct fixture *f = *state;
    struct kee_engine_host host = {
        .context = f, .log = log_line, .more_steps = more, .more_memory = more};
    uint64_t steps;
    assert_int_equal(run(f, program), 0);
    steps = kee_engine_steps(f->engine);
    kee_engine_set_host(f->engine, &host);
    kee_engine_set_limits(f->engine, steps / 10, 0);
    f->grants = 4;
    assert_int_equal(run(f, program), 0);
    assert_string_equal(f->result, "44999850000");
    assert_int_equal(kee_engine_steps(f->engine), steps);
    f->grants = 2;
    assert_int_equal(run(f, program), KEE_ENGINE_NO_STEPS);

    kee_engine_set_limits(f->engine, 0, 4 * MEBI);
    f->grants = 8;
    assert_int_equal(run(f, "const a = []; for (let i = 0; i < 1e5; i++) a.push({ i }); a.length"),
                     0);
    assert_string_equal(f->result, "100000");
    assert_true(f->grants < 8);
}

/* Allocation never clears a weak reference; only the explicit collection does. */
static void clears_weak_references_on_request(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(run(f, "globalThis.w = new WeakRef({}); 0"), 0);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(run(f, "for (let i = 0; i < 20000; i++) ({ i }); 0"), 0);
    }
    assert_int_equal(run(f, "String(w.deref())"), 0);
    assert_string_equal(f->result, "[object Object]");
    kee_engine_collect(f->engine);
    assert_int_equal(run(f, "String(w.deref())"), 0);
    assert_string_equal(f->result, "undefined");
}

/* With much alive, a crank that makes little garbage is not a collection each time. */
static void makes_room_in_proportion(void **state)
{
    struct fixture *f = *state;
    uint64_t charged;
    assert_int_equal(run(f, "globalThis.live = []; for (let i = 0; i < 100000; i++) "
                            "live.push({ i, s: 'x' + i }); 0"),
                     0);
    assert_true(kee_engine_heap_live(f->engine) > 6 * MILLION);
    charged = kee_engine_heap_charged(f->engine);
    for (int i = 0; i < 50; i++) {
        assert_int_equal(run(f, "for (let i = 0; i < 1000; i++) ({ i, s: 'y' + i }); 0"), 0);
    }
    assert_true(kee_engine_heap_charged(f->engine) <= charged + MEBI);
}

static void random_follows_the_seed(void **state)
{
    struct fixture *f = *state;
    double first;
    kee_engine_set_seed(f->engine, KEE_BYTES_LIT("0123456789abcdef0123456789abcdef"));
    first = kee_engine_random(f->engine);
    assert_true(first >= 0 && first < 1);
    assert_true(kee_engine_random(f->engine) != first);
    kee_engine_set_seed(f->engine, KEE_BYTES_LIT("0123456789abcdef0123456789abcdef"));
    assert_true(kee_engine_random(f->engine) == first);
    kee_engine_set_seed(f->engine, KEE_BYTES_LIT("1123456789abcdef0123456789abcdef"));
    assert_true(kee_engine_random(f->engine) != first);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(evaluates),
        CASE(drains_promise_jobs),
        CASE(keeps_the_order_of_jobs),
        CASE(reports_unhandled_rejections_at_the_end),
        CASE(names_an_exception),
        CASE(stops_hostile_programs),
        CASE(names_the_limits),
        CASE(answers_after_an_abort),
        CASE(goes_on_when_given_more),
        CASE(clears_weak_references_on_request),
        CASE(makes_room_in_proportion),
        CASE(random_follows_the_seed),
    };
    return cmocka_run_group_tests_name("engine", tests, NULL, NULL);
}
