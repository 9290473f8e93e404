/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of os/loop.h: who is called, and when the loop sleeps. */
#include "cm.h"

#include <unistd.h>

#include "os/loop.h"

struct fixture {
    struct kee_loop *loop;
    struct kee_watch *watch;
    struct kee_timer *timer;
    int ends[2];
    unsigned rounds, events;
    bool expects;
};

static bool on_round(void *context)
{
    struct fixture *f = context;

    f->rounds++;
    if (f->expects) {
        kee_loop_expect(f->loop);
    }
    return false;
}

static void on_readable(void *context, unsigned events)
{
    struct fixture *f = context;
    char byte;

    (void)events;
    assert_int_equal(read(f->ends[0], &byte, 1), 1);
    f->events++;
    kee_loop_stop(f->loop);
}

static void on_timer(void *context)
{
    kee_loop_stop(((struct fixture *)context)->loop);
}

static void fixture_init(struct fixture *f)
{
    *f = (struct fixture){0};
    assert_int_equal(pipe(f->ends), 0);
    assert_int_equal(kee_loop_new(&f->loop), 0);
    kee_loop_on_round(f->loop, on_round, f);
    assert_int_equal(kee_watch_new(&f->watch, f->loop, f->ends[0], on_readable, f), 0);
    kee_watch_set(f->watch, KEE_WATCH_READ);
    assert_int_equal(kee_timer_new(&f->timer, f->loop, on_timer, f), 0);
}

static void fixture_fini(struct fixture *f)
{
    kee_timer_free(f->timer);
    kee_watch_free(f->watch);
    kee_loop_free(f->loop);
    (void)close(f->ends[0]);
    (void)close(f->ends[1]);
}

/* What is there already is seen, and what never comes does not keep the loop from its timer, nor awake:
 * rounds are as few as without expecting anything. */
static void a_loop_that_expects_an_event_goes_on_without_it(void **state)
{
    struct fixture f;

    for (int expects = 0; expects < 2; expects++) {
        fixture_init(&f);
        f.expects = expects != 0;
        kee_timer_set(f.timer, kee_loop_now_ms(f.loop) + 50);
        assert_int_equal(kee_loop_run(f.loop), 0);
        assert_int_equal(f.events, 0);
        assert_true(f.rounds < 10);
        assert_int_equal(write(f.ends[1], "x", 1), 1);
        kee_timer_set(f.timer, KEE_NEVER_MS);
        assert_int_equal(kee_loop_run(f.loop), 0);
        assert_int_equal(f.events, 1);
        fixture_fini(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_loop_that_expects_an_event_goes_on_without_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
