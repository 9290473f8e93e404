/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of vathost/vathost.h, with real processes that misbehave on request (test/lib/fake_vat.c). */
#include "cm.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fault.h"
#include "vathost/vathost.h"
#include "vatproto/vatproto.h"

static const struct kee_vat_id vat = {7};

struct fixture {
    struct kee_loop *loop;
    struct kee_timer *timer;
    struct kee_vathost *host;
    bool timed_out;
    int frames;
    int frames_wanted;
    int gone;
    int gone_wanted;
    uint64_t gone_incarnation;
    uint8_t last_type;
    struct kee_buf last;
    struct kee_buf why;
    struct kee_buf notes;
    char kill_on_frame;
    int fault_on_frame;
};

static int on_frame(void *context, struct kee_vat_id from, uint64_t incarnation, uint8_t type,
                    struct kee_bytes fields)
{
    struct fixture *f = context;

    assert_int_equal(from.n, vat.n);
    f->frames++;
    f->last_type = type;
    kee_buf_clear(&f->last);
    kee_buf_put_bytes(&f->last, fields);
    if (f->kill_on_frame != 0) {
        kee_vathost_kill(f->host, from);
    }
    return f->fault_on_frame;
}

static void on_gone(void *context, struct kee_vat_id from, uint64_t incarnation, const char *why)
{
    struct fixture *f = context;

    f->gone++;
    f->gone_incarnation = incarnation;
    kee_buf_clear(&f->why);
    kee_buf_put_str(&f->why, why);
}

static void on_note(void *context, const char *text)
{
    kee_buf_printf(&((struct fixture *)context)->notes, "%s\n", text);
}

static const struct kee_vathost_events events = {on_frame, on_gone, on_note, NULL};

static bool on_round(void *context)
{
    struct fixture *f = context;

    kee_vathost_round(f->host);
    if (f->frames >= f->frames_wanted && f->gone >= f->gone_wanted) {
        kee_loop_stop(f->loop);
    }
    return false;
}

static void on_timeout(void *context)
{
    struct fixture *f = context;

    f->timed_out = true;
    kee_loop_stop(f->loop);
}

static void wait_for(struct fixture *f, int frames, int gone)
{
    f->frames_wanted = frames;
    f->gone_wanted = gone;
    f->timed_out = false;
    kee_timer_set(f->timer, kee_loop_now_ms(f->loop) + 20000);
    assert_int_equal(kee_loop_run(f->loop), 0);
    kee_timer_set(f->timer, KEE_NEVER_MS);
    assert_false(f->timed_out);
}

/* Lets the loop go on for a while, to see that nothing more happens. */
static void linger(struct fixture *f, uint64_t delay_ms)
{
    f->frames_wanted = f->gone_wanted = 1 << 30;
    kee_timer_set(f->timer, kee_loop_now_ms(f->loop) + delay_ms);
    assert_int_equal(kee_loop_run(f->loop), 0);
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    struct kee_vathost_options options = {.program = FAKE_VAT, .stderr_fd = -1};

    *state = f;
    assert_int_equal(kee_loop_new(&f->loop), 0);
    assert_int_equal(kee_timer_new(&f->timer, f->loop, on_timeout, f), 0);
    assert_int_equal(kee_vathost_new(&f->host, f->loop, &options, &events, f), 0);
    kee_loop_on_round(f->loop, on_round, f);
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    kee_vathost_free(f->host);
    kee_timer_free(f->timer);
    kee_loop_free(f->loop);
    kee_buf_fini(&f->last);
    kee_buf_fini(&f->why);
    kee_buf_fini(&f->notes);
    free(f);
    return 0;
}

static void start(struct fixture *f, uint64_t incarnation)
{
    kee_vathost_start(f->host, vat, incarnation, KEE_FLAVOUR_PROCESS,
                      (struct kee_subcluster_id){1});
}

static void command(struct fixture *f, const char *text)
{
    struct kee_buf frame = KEE_BUF_EMPTY;
    size_t place = kee_vp_frame_open(&frame, KEE_VP_DELIVER);

    kee_buf_put_str(&frame, text);
    kee_vp_frame_close(&frame, place);
    kee_vathost_send(f->host, vat, kee_buf_bytes(&frame));
    kee_buf_fini(&frame);
}

static void frames_go_both_ways(void **state)
{
    struct fixture *f = *state;

    start(f, 1);
    command(f, "e first"); /* before the process exists */
    command(f, "e second");
    wait_for(f, 2, 0);
    assert_int_equal(f->last_type, KEE_VP_DONE);
    assert_bytes_text(f->last, "e second");
    command(f, "m");
    wait_for(f, 2002, 0);
    assert_int_equal(f->gone, 0);
    assert_int_equal(kee_vathost_count(f->host), 1);
}

static void a_large_frame_arrives_whole(void **state)
{
    struct fixture *f = *state;
    size_t size = 9 * 1024 * 1024;
    char *text = malloc(size + 1);

    memset(text, 'z', size);
    text[0] = 'e';
    text[size] = 0;
    start(f, 1);
    command(f, text);
    wait_for(f, 1, 0);
    assert_int_equal(f->last.size, size);
    assert_memory_equal(f->last.data, text, size);
    free(text);
}

static void the_end_of_a_worker_is_explained(void **state)
{
    static const struct {
        const char *command;
        const char *why;
    } cases[] = {
        {"x", "exited with status 3"},
        {"s", "was killed by signal 11 (SIGSEGV)"},
        {"y", "made a forbidden system call"},
        {"c", "was killed by signal 9 (SIGKILL)"},
        {"b", "sent something that is not a frame"},
        {"p", "exited with status 0"},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        start(f, 10 + i);
        command(f, cases[i].command);
        wait_for(f, 0, (int)i + 1);
        assert_bytes_text(f->why, cases[i].why);
        assert_int_equal(f->gone_incarnation, 10 + i);
        assert_int_equal(f->frames, 0);
        assert_int_equal(kee_vathost_count(f->host), 0);
    }
}

static void the_last_frame_comes_before_the_end(void **state)
{
    struct fixture *f = *state;

    for (int i = 1; i <= 50; i++) {
        start(f, (uint64_t)i);
        command(f, "l");
        wait_for(f, 0, i);
        assert_int_equal(f->frames, i);
        assert_int_equal(f->last_type, KEE_VP_LOG);
    }
}

static void a_killed_worker_is_not_reported(void **state)
{
    struct fixture *f = *state;

    start(f, 1); /* killed before it exists */
    kee_vathost_kill(f->host, vat);
    start(f, 2);
    command(f, "e");
    wait_for(f, 1, 0);
    kee_vathost_kill(f->host, vat); /* killed while it runs */
    command(f, "e ignored");
    kee_vathost_kill(f->host, vat);
    linger(f, 100);
    assert_int_equal(f->frames, 1);
    assert_int_equal(f->gone, 0);
    assert_int_equal(kee_vathost_count(f->host), 0);
}

static void a_worker_may_be_killed_by_its_own_frame(void **state)
{
    struct fixture *f = *state;

    f->kill_on_frame = 1;
    start(f, 1);
    command(f, "m");
    wait_for(f, 1, 0);
    linger(f, 50);
    assert_int_equal(f->frames, 1); /* the other 1999 are not shown */
    assert_int_equal(f->gone, 0);
    assert_int_equal(kee_vathost_count(f->host), 0);
}

static void a_fault_stops_everything(void **state)
{
    struct fixture *f = *state;

    f->fault_on_frame = KEE_FAULT_STORE;
    start(f, 1);
    command(f, "m");
    command(f, "x");
    wait_for(f, 1, 0);
    linger(f, 50);
    assert_int_equal(f->frames, 1);
    assert_int_equal(f->gone, 0);
}

static void a_zygote_that_dies_is_replaced(void **state)
{
    struct fixture *f = *state;

    start(f, 1);
    linger(f, 200); /* the zygote has answered: its death is not that of the fork */
    command(f, "k");
    wait_for(f, 1, 0);
    command(f, "e still here"); /* the worker goes on */
    wait_for(f, 2, 0);
    assert_bytes_text(f->last, "e still here");
    linger(f, 200);
    assert_bytes_text(f->notes, "no worker: the zygote was killed by signal 9 (SIGKILL)\n");
    start(f, 2);
    command(f, "e again");
    wait_for(f, 3, 0);
    assert_bytes_text(f->last, "e again");
    assert_int_equal(f->gone, 0);
}

static size_t children(void)
{
    char path[64], text[256] = "";
    size_t count = 0;
    FILE *file;

    (void)snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
    file = fopen(path, "r");
    assert_non_null(file);
    (void)!fgets(text, sizeof text, file);
    (void)fclose(file);
    for (const char *c = text; *c != 0; c++) {
        count += *c == ' ';
    }
    return count;
}

/* It forked a worker that we were not told of: our child all the same. */
static void a_zygote_that_ends_untold_leaves_no_zombie(void **state)
{
    struct fixture *f = *state;

    start(f, 1);
    command(f, "u");
    wait_for(f, 1, 0);
    start(f, 2);
    wait_for(f, 1, 1);
    assert_bytes_text(f->why, "no worker: the zygote exited with status 0");
    for (int i = 0; i < 300 && children() > 1; i++) {
        linger(f, 100);
    }
    assert_int_equal(children(), 1); /* the next zygote */
    start(f, 3);
    command(f, "e");
    wait_for(f, 2, 1);
}

static void a_worker_that_does_not_read_is_ended(void **state)
{
    struct fixture *f = *state;
    size_t size = 32 * 1024 * 1024;
    char *text = malloc(size + 1);

    memset(text, 'h', size);
    text[size] = 0;
    start(f, 1);
    for (int i = 0; i < 10; i++) {
        command(f, text);
    }
    wait_for(f, 0, 1);
    assert_bytes_text(f->why, "does not read what it is sent");
    free(text);
}

static void a_program_that_is_not_there_is_named(void **state)
{
    struct kee_vathost_options options = {.program = "/nonexistent/keeve-vat", .stderr_fd = -1};
    struct fixture *f = *state;
    struct kee_vathost *host = NULL;

    assert_true(kee_vathost_new(&host, f->loop, &options, &events, f) < 0);
    assert_null(host);
    assert_string_equal(kee_fault_text(),
                        "starting /nonexistent/keeve-vat: No such file or directory");
    kee_fault_clear();
}

static void readiness_is_waited_for(void **state)
{
    struct kee_vathost_options options = {.program = FAKE_VAT, .stderr_fd = -1};
    struct fixture *f = *state;
    struct kee_buf why = KEE_BUF_EMPTY;

    for (int unjailed = 0; unjailed < 2; unjailed++) {
        kee_vathost_free(f->host);
        options.unjailed = unjailed != 0;
        assert_int_equal(kee_vathost_new(&f->host, f->loop, &options, &events, f), 0);
        assert_int_equal(kee_vathost_wait_ready(f->host, 20000, &why), 0);
        assert_int_equal(why.size, 0);
        start(f, 1);
        command(f, "e");
        wait_for(f, unjailed + 1, 0);
    }
    kee_vathost_free(f->host);
    options.program = "/bin/false";
    assert_int_equal(kee_vathost_new(&f->host, f->loop, &options, &events, f), 0);
    assert_int_equal(kee_vathost_wait_ready(f->host, 20000, &why), KEE_VATHOST_NOT_READY);
    assert_bytes_text(why, "the program for vats exited with status 1");
    kee_buf_fini(&why);
}

static void a_program_that_ends_at_once_is_reported(void **state)
{
    struct kee_vathost_options options = {.program = "/bin/false", .stderr_fd = -1};
    struct fixture *f = *state;

    kee_vathost_free(f->host);
    assert_int_equal(kee_vathost_new(&f->host, f->loop, &options, &events, f), 0);
    start(f, 1);
    wait_for(f, 0, 1);
    assert_bytes_text(f->why, "no worker: the zygote exited with status 1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(frames_go_both_ways, setup, teardown),
        cmocka_unit_test_setup_teardown(a_large_frame_arrives_whole, setup, teardown),
        cmocka_unit_test_setup_teardown(the_end_of_a_worker_is_explained, setup, teardown),
        cmocka_unit_test_setup_teardown(the_last_frame_comes_before_the_end, setup, teardown),
        cmocka_unit_test_setup_teardown(a_zygote_that_ends_untold_leaves_no_zombie, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_killed_worker_is_not_reported, setup, teardown),
        cmocka_unit_test_setup_teardown(a_worker_may_be_killed_by_its_own_frame, setup, teardown),
        cmocka_unit_test_setup_teardown(a_fault_stops_everything, setup, teardown),
        cmocka_unit_test_setup_teardown(a_zygote_that_dies_is_replaced, setup, teardown),
        cmocka_unit_test_setup_teardown(a_worker_that_does_not_read_is_ended, setup, teardown),
        cmocka_unit_test_setup_teardown(a_program_that_is_not_there_is_named, setup, teardown),
        cmocka_unit_test_setup_teardown(readiness_is_waited_for, setup, teardown),
        cmocka_unit_test_setup_teardown(a_program_that_ends_at_once_is_reported, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
