/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory runs out at the n-th allocation, for every n, in what src/os does for the others: files, outputs,
 * streams, timers, processes, threads. Each ends with a fault that says memory, or with what it ends with
 * when nothing fails; no descriptor stays open, no child and no half of a file stays behind.
 *
 * Of libuv's allocations those are made to fail that it can report; it ends the process when the table of
 * what it watches cannot grow. blocking, clock, entropy, terminal and unix_socket allocate nothing.
 */
#include "cm.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

#include "alloc_fault.h"
#include "base/fault.h"
#include "os/blocking.h"
#include "os/file.h"
#include "os/file_watch.h"
#include "os/loop.h"
#include "os/module.h"
#include "os/output.h"
#include "os/process.h"
#include "os/stream.h"
#include "os/thread.h"
#include "os/unix_socket.h"
#include "scratch.h"

enum { PATIENCE_S = 120, PATIENCE_MS = 60000, LARGE_BYTES = 600000, SAID_BYTES = 5000 };

/* Does the work and says in told what came of it; gives what the functions gave. */
typedef int job_fn(struct kee_buf *told);

static struct scratch scratch;

static void tell(struct kee_buf *told, const char *text)
{
    alloc_fault_on(false);
    kee_buf_put_str(told, text);
    kee_buf_put_char(told, ' ');
    alloc_fault_on(true);
}

/* Ends with why: what it lacks is a fault. */
static int with_reason(int r, struct kee_buf *why, struct kee_buf *told)
{
    int status = kee_buf_status(why);

    if (status == 0 && why->size > 0) {
        tell(told, kee_buf_cstr(why) == NULL ? "" : kee_buf_cstr(why));
        status = kee_buf_status(why);
    }
    kee_buf_fini(why);
    return r < 0 ? r : status < 0 ? status : r;
}

/* ---- Files ---- */

static int read_file(struct kee_buf *told)
{
    struct kee_buf text = KEE_BUF_EMPTY, why = KEE_BUF_EMPTY;
    char path[128];
    int r = kee_file_read(scratch_join(&scratch, "large", path), 2 * LARGE_BYTES, &text, &why);

    if (r == 0) {
        assert_int_equal(text.size, LARGE_BYTES);
    }
    kee_buf_fini(&text);
    return with_reason(r, &why, told);
}

static int read_beneath(struct kee_buf *told)
{
    struct kee_buf text = KEE_BUF_EMPTY, why = KEE_BUF_EMPTY;
    int fd = -1;
    int r = kee_file_open_directory(&fd, scratch.path, &why);

    if (r == 0) {
        r = kee_file_read_beneath(fd, "large", 2 * LARGE_BYTES, &text, &why);
        if (r == 0) {
            assert_int_equal(text.size, LARGE_BYTES);
        }
        kee_file_close(fd);
    }
    kee_buf_fini(&text);
    return with_reason(r, &why, told);
}

static int read_nothing(struct kee_buf *told)
{
    struct kee_buf text = KEE_BUF_EMPTY, why = KEE_BUF_EMPTY;
    char path[128];
    int fd = -1;
    int r = kee_file_read(scratch_join(&scratch, "none", path), 10, &text, &why);

    assert_true(r == KEE_FILE_ABSENT);
    r = kee_file_open_read(&fd, path, &why);
    assert_true(r == KEE_FILE_ABSENT);
    r = kee_file_open_directory(&fd, path, &why);
    assert_true(r == KEE_FILE_ABSENT);
    r = kee_file_home(scratch_join(&scratch, "large", path), &why);
    assert_true(r == KEE_FILE_UNFIT);
    r = kee_file_read(path, 10, &text, &why);
    kee_buf_fini(&text);
    return with_reason(r, &why, told);
}

static int absolute(struct kee_buf *told)
{
    struct kee_buf path = KEE_BUF_EMPTY;
    int r = kee_file_absolute("some/file", &path);

    return with_reason(r, &path, told);
}

static int output(struct kee_buf *told)
{
    struct kee_output *out = NULL;
    struct kee_buf why = KEE_BUF_EMPTY, text = KEE_BUF_EMPTY;
    uint8_t piece[1000];
    char path[128];
    int fd = -1;
    int r = kee_output_open(&out, scratch_join(&scratch, "written", path));

    memset(piece, 'x', sizeof piece);
    for (int i = 0; r == 0 && i < 600; i++) {
        r = kee_output_put(out, kee_bytes_of(piece, sizeof piece));
        if (r != 0) {
            kee_output_abandon(out);
        }
    }
    r = r != 0 ? r : kee_output_finish(out);
    alloc_fault_on(false);
    assert_int_equal(kee_file_open_read(&fd, path, &text), r == 0 ? 0 : KEE_FILE_ABSENT);
    if (r == 0) {
        assert_int_equal(kee_file_size(fd), 600 * sizeof piece);
        kee_file_close(fd);
        kee_file_remove(path);
    }
    assert_int_equal(kee_file_open_read(&fd, scratch_join(&scratch, "written.part", path), &text),
                     KEE_FILE_ABSENT);
    kee_buf_fini(&text);
    alloc_fault_on(true);
    return with_reason(r, &why, told);
}

static int file_watch(struct kee_buf *told)
{
    struct kee_file_watch *watch = NULL;
    char path[128];
    int r = kee_file_watch_new(&watch);

    r = r != 0 ? r : kee_file_watch_add(watch, scratch_join(&scratch, "watched", path));
    if (r == 0) {
        r = kee_file_write(path, kee_bytes_str("new"));
        r = r != 0 ? r : kee_file_watch_wait(watch, 0);
        tell(told, "seen");
    }
    kee_file_watch_free(watch);
    return r;
}

static int module(struct kee_buf *told)
{
    struct kee_buf why = KEE_BUF_EMPTY;
    char path[128];

    assert_null(kee_module_symbol(scratch_join(&scratch, "none.so", path), "x", &why));
    return with_reason(0, &why, told);
}

/* ---- Processes and threads ---- */

static int spawn(struct kee_buf *told)
{
    static const char *const argv[] = {"sh", "-c", "head -c 5000 /dev/zero | tr '\\0' x", NULL};
    const struct kee_spawn child = {.program = "/bin/sh", .argv = argv, .pass_fd = -1};
    struct kee_buf said = KEE_BUF_EMPTY, why = KEE_BUF_EMPTY;
    pid_t pid = 0;
    int r = kee_process_spawn_heard(&pid, &child, &said, PATIENCE_MS);

    if (r == 0) {
        while (!kee_process_reap(pid, &why)) {
            (void)usleep(1000);
        }
        r = kee_buf_status(&said);
        if (r == 0) {
            assert_int_equal(said.size, SAID_BYTES);
        }
    }
    kee_buf_fini(&said);
    return with_reason(r, &why, told);
}

static int paths(struct kee_buf *told)
{
    struct kee_buf self = KEE_BUF_EMPTY, code = KEE_BUF_EMPTY;
    int r = kee_process_self_path(&self);

    r = with_reason(r, &self, told);
    if (r != 0) {
        return r;
    }
    r = kee_process_code_path((const void *)(uintptr_t)uv_version, &code);
    return with_reason(r, &code, told);
}

static void on_thread(void *context)
{
    *(bool *)context = true;
}

static int thread(struct kee_buf *told)
{
    struct kee_thread *of = NULL;
    bool ran = false;
    int r = kee_thread_start(&of, on_thread, &ran);

    kee_thread_join(of);
    assert_true(ran == (r == 0));
    return r;
}

/* ---- The loop ---- */

struct turns {
    struct kee_loop *loop;
    struct kee_timer *timer;
    struct kee_signal *signal;
    struct kee_watch *watch;
    int ends[2];
    unsigned seen; /* a bit for each */
};

static void see(struct turns *turns, unsigned bit)
{
    turns->seen |= bit;
    if (turns->seen == 7) {
        kee_loop_stop(turns->loop);
    }
}

static void on_timer(void *context)
{
    see(context, 1);
    (void)raise(SIGUSR1);
}

static void on_signal(void *context)
{
    struct turns *turns = context;

    see(turns, 2);
    (void)!write(turns->ends[1], "x", 1);
}

static void on_watch(void *context, unsigned events)
{
    struct turns *turns = context;

    kee_watch_set(turns->watch, 0);
    see(turns, 4);
}

static int turn(struct turns *turns)
{
    int r = kee_loop_new(&turns->loop);

    r = r != 0 ? r : kee_timer_new(&turns->timer, turns->loop, on_timer, turns);
    r = r != 0 ? r : kee_signal_new(&turns->signal, turns->loop, SIGUSR1, on_signal, turns);
    r = r != 0 ? r : kee_watch_new(&turns->watch, turns->loop, turns->ends[0], on_watch, turns);
    if (r == 0) {
        kee_watch_set(turns->watch, KEE_WATCH_READ);
        kee_timer_set(turns->timer, kee_loop_now_ms(turns->loop));
        r = kee_loop_run(turns->loop);
    }
    return r;
}

static int loop(struct kee_buf *told)
{
    struct turns turns = {.ends = {-1, -1}};
    int r = kee_unix_pair(turns.ends, 0);

    r = r != 0 ? r : turn(&turns);
    assert_int_equal(turns.seen, r == 0 ? 7 : 0);
    kee_watch_free(turns.watch);
    kee_signal_free(turns.signal);
    kee_timer_free(turns.timer);
    kee_loop_free(turns.loop);
    kee_unix_close(turns.ends[0]);
    kee_unix_close(turns.ends[1]);
    return r;
}

/* ---- Streams: a peer says a little, takes much, says more, goes ---- */

struct talk {
    struct kee_loop *loop;
    struct kee_stream *stream;
    struct kee_buf *told;
    int peer;
    size_t taken;  /* by the peer */
    unsigned part; /* of the talk */
    bool failed;
};

static void peer_says(struct talk *talk, const char *text)
{
    assert_int_equal(kee_fd_write_all(talk->peer, kee_bytes_str(text)), 0);
}

/* Takes a piece of what is there, but for the last bytes: those are kept for later. */
static size_t on_data(void *context, struct kee_bytes bytes)
{
    struct talk *talk = context;
    char text[32];

    (void)snprintf(text, sizeof text, "%.*s", (int)bytes.size, (const char *)bytes.data);
    tell(talk->told, text);
    talk->part++;
    if (talk->part == 1) {
        peer_says(talk, " and more");
        return 2; /* the rest comes again, with what follows */
    }
    if (talk->part == 2) {
        kee_stream_pause(talk->stream, true);
        return 3;
    }
    return bytes.size;
}

static void on_ended(void *context, const char *why)
{
    struct talk *talk = context;

    talk->failed = why != NULL;
    talk->part = 99;
    tell(talk->told, why == NULL ? "end" : why);
}

static void take_from(struct talk *talk)
{
    uint8_t room[65536];
    size_t n = 0;

    while (talk->taken < LARGE_BYTES && kee_unix_wait_readable(talk->peer, 0)) {
        assert_int_equal(kee_fd_read(talk->peer, room, sizeof room, &n), 0);
        talk->taken += n;
    }
}

static int converse(struct talk *talk, int fd)
{
    static const struct kee_stream_handler handler = {.data = on_data, .ended = on_ended};
    static uint8_t large[LARGE_BYTES];
    int r = kee_stream_new(&talk->stream, talk->loop, fd, &handler, talk);
    bool closed = false, resumed = false;

    if (r != 0) {
        kee_unix_close(fd);
        return r;
    }
    peer_says(talk, "hello");
    kee_stream_write(talk->stream, kee_bytes_of(large, sizeof large));
    while (talk->part < 99) {
        kee_loop_wait(talk->loop, kee_loop_timeout_ms(talk->loop));
        (void)kee_loop_pass(talk->loop);
        take_from(talk);
        if (talk->part == 2 && !resumed) {
            resumed = true;
            kee_stream_pause(talk->stream, false);
        }
        if (talk->part == 3 && talk->taken == LARGE_BYTES && !closed) {
            closed = true;
            assert_int_equal(kee_stream_backlog(talk->stream), 0);
            (void)close(talk->peer);
            talk->peer = -1;
        }
    }
    return talk->failed ? kee_fault(KEE_FAULT_MEMORY, "it said so") : 0;
}

static int stream(struct kee_buf *told)
{
    struct talk talk = {.told = told, .peer = -1};
    int ends[2] = {-1, -1};
    int r = kee_unix_pair(ends, 0);

    assert_int_equal(r, 0);
    talk.peer = ends[1];
    r = kee_loop_new(&talk.loop);
    if (r == 0) {
        r = converse(&talk, ends[0]);
    } else {
        kee_unix_close(ends[0]);
    }
    kee_stream_free(talk.stream);
    kee_loop_free(talk.loop);
    kee_unix_close(talk.peer);
    if (talk.failed) {
        assert_non_null(memmem(told->data, told->size, "memory", strlen("memory")));
    }
    return r;
}

/* ---- All of them ---- */

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

static unsigned each_allocation(const char *name, job_fn *job)
{
    struct kee_buf good = KEE_BUF_EMPTY, told = KEE_BUF_EMPTY;
    int expected = job(&good); /* the first one may open what a process opens once */
    unsigned before = descriptors();
    unsigned count = 0;
    bool fired = true;

    alloc_fault_on(false);
    assert_true(expected >= 0);
    for (uint64_t nth = 1; fired; nth++) {
        bool says_so, whole;
        int r;

        kee_buf_clear(&told);
        kee_fault_clear();
        alloc_fault_begin(nth);
        r = job(&told);
        fired = alloc_fault_end();
        says_so = fired && r < 0 && strncmp(kee_fault_text(), "out of memory", 13) == 0;
        whole = r == expected && kee_bytes_equal(kee_buf_bytes(&told), kee_buf_bytes(&good));
        if (!says_so && !whole) {
            fail_msg("allocation %u of %s: %d, not %d: %s; it told %.*s", (unsigned)nth, name, r,
                     expected, kee_fault_text(), (int)told.size, (const char *)told.data);
        }
        assert_int_equal(descriptors(), before);
        assert_true(waitpid(-1, NULL, WNOHANG) < 0);
        count += fired;
    }
    kee_buf_fini(&good);
    kee_buf_fini(&told);
    return count;
}

static void whichever_allocation_fails(void **state)
{
    static const struct {
        const char *name;
        job_fn *job;
    } jobs[] = {
        {"read_file", read_file},
        {"read_beneath", read_beneath},
        {"read_nothing", read_nothing},
        {"absolute", absolute},
        {"output", output},
        {"file_watch", file_watch},
        {"module", module},
        {"spawn", spawn},
        {"paths", paths},
        {"thread", thread},
        {"loop", loop},
        {"stream", stream},
    };
    unsigned places = 0;

    for (size_t i = 0; i < sizeof jobs / sizeof *jobs; i++) {
        unsigned count = each_allocation(jobs[i].name, jobs[i].job);
        if (count == 0) {
            fail_msg("%s allocates nothing", jobs[i].name);
        }
        places += count;
    }
    print_message("%u places\n", places);
}

static void *uv_calloc(size_t count, size_t size)
{
    return calloc(count, size);
}

/* Never fails: only the table of what is watched grows so. */
static void *uv_realloc(void *old, size_t size)
{
    void *grown;

    alloc_fault_on(false);
    grown = realloc(old, size);
    alloc_fault_on(true);
    return grown;
}

static int set_up(void **state)
{
    static uint8_t large[LARGE_BYTES];
    char path[128];

    assert_int_equal(uv_replace_allocator(alloc_fault_malloc, uv_realloc, uv_calloc, free), 0);
    scratch_init_in_memory(&scratch);
    memset(large, 'x', sizeof large);
    assert_int_equal(
        kee_file_write(scratch_join(&scratch, "large", path), kee_bytes_of(large, sizeof large)),
        0);
    (void)alarm(PATIENCE_S);
    return 0;
}

static int tear_down(void **state)
{
    scratch_fini(&scratch);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(whichever_allocation_fails)};

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
