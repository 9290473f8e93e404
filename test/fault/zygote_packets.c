/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One packet of a zygote is spoiled, each in turn and in every way, while vats are started one after the
 * other. Each vat answers in the end, whoever had to be started again for it; no descriptor is left and
 * no process goes on.
 */
#include "cm.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fault.h"
#include "scratch.h"
#include "vathost/vathost.h"
#include "vatproto/vatproto.h"

enum { STARTS = 3, PATIENCE_MS = 60000 };

struct fixture {
    struct kee_loop *loop;
    struct kee_timer *timer;
    struct kee_vathost *host;
    uint64_t incarnation;
    uint64_t answered;
    unsigned ends; /* that were reported */
};

static const struct kee_vat_id vat = {7};

static void start_worker(struct fixture *f)
{
    struct kee_buf frame = KEE_BUF_EMPTY;
    size_t place = kee_vp_frame_open(&frame, KEE_VP_DELIVER);

    kee_buf_put_str(&frame, "echo");
    kee_vp_frame_close(&frame, place);
    assert_int_equal(kee_buf_status(&frame), 0);
    kee_vathost_start(f->host, vat, ++f->incarnation, KEE_FLAVOUR_PROCESS,
                      (struct kee_subcluster_id){1});
    kee_vathost_send(f->host, vat, kee_buf_bytes(&frame));
    kee_buf_fini(&frame);
}

static int on_frame(void *context, struct kee_vat_id from, uint64_t incarnation, uint8_t type,
                    struct kee_bytes fields)
{
    struct fixture *f = context;

    assert_int_equal(incarnation, f->incarnation);
    assert_bytes_text(fields, "echo");
    f->answered++;
    return 0;
}

static void on_gone(void *context, struct kee_vat_id from, uint64_t incarnation, const char *why)
{
    struct fixture *f = context;

    assert_int_equal(incarnation, f->incarnation);
    f->ends++;
    start_worker(f); /* as the kernel does */
}

static void on_note(void *context, const char *text)
{
    (void)context;
    (void)text;
}

static bool on_round(void *context)
{
    struct fixture *f = context;

    kee_vathost_round(f->host);
    kee_loop_stop(f->loop);
    return false;
}

static void on_timeout(void *context)
{
    (void)context;
    fail_msg("no answer in %d ms", PATIENCE_MS);
}

static unsigned descriptors(void)
{
    DIR *dir = opendir("/proc/self/fd");
    unsigned count = 0;

    assert_non_null(dir);
    while (readdir(dir) != NULL) {
        count++;
    }
    (void)closedir(dir);
    return count;
}

/* All that were our children have ended; those whose number a spoiled packet kept from us, too. */
static void expect_no_children(void)
{
    for (int waited = 0; waited < PATIENCE_MS; waited++) {
        pid_t pid = waitpid(-1, NULL, WNOHANG);
        if (pid < 0) {
            assert_int_equal(errno, ECHILD);
            return;
        }
        if (pid == 0) {
            (void)usleep(1000);
        }
    }
    fail_msg("a child goes on");
}

static void spoil_one(const struct scratch *scratch, unsigned nth, const char *how)
{
    static const struct kee_vathost_events events = {on_frame, on_gone, on_note, on_gone};
    struct kee_vathost_options options = {.stderr_fd = -1};
    struct fixture f = {0};
    unsigned before = descriptors();
    char name[40], path[128], mark[140];

    (void)snprintf(name, sizeof name, "spoil-%u-%s", nth, how);
    options.program = scratch_join(scratch, name, path);
    assert_int_equal(symlink(FAKE_VAT, path), 0);
    assert_int_equal(kee_loop_new(&f.loop), 0);
    assert_int_equal(kee_timer_new(&f.timer, f.loop, on_timeout, &f), 0);
    assert_int_equal(kee_vathost_new(&f.host, f.loop, &options, &events, &f), 0);
    kee_loop_on_round(f.loop, on_round, &f);
    for (uint64_t i = 1; i <= STARTS; i++) {
        start_worker(&f);
        kee_timer_set(f.timer, kee_loop_now_ms(f.loop) + PATIENCE_MS);
        while (f.answered < i) {
            assert_int_equal(kee_loop_run(f.loop), 0);
        }
    }
    kee_vathost_free(f.host);
    kee_timer_free(f.timer);
    kee_loop_free(f.loop);
    expect_no_children();
    assert_int_equal(descriptors(), before);
    (void)snprintf(mark, sizeof mark, "%s.done", path);
    if (access(mark, F_OK) != 0) {
        fail_msg("packet %u was not spoiled: %s", nth, how);
    }
    assert_true(f.ends < 3);
    kee_fault_clear();
}

static void whichever_packet_is_spoiled(void **state)
{
    static const char *const ways[] = {"end", "twice", "cut", "longer", "type", "number"};
    struct scratch scratch;
    struct kee_loop *first; /* of a process: it opens what it never closes */

    assert_int_equal(kee_loop_new(&first), 0);
    kee_loop_free(first);
    scratch_init_in_memory(&scratch);
    for (unsigned nth = 0; nth < STARTS;
         nth++) { /* the last start may end before its packet comes */
        for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
            spoil_one(&scratch, nth, ways[i]);
        }
    }
    scratch_fini(&scratch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(whichever_packet_is_spoiled)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
