/* SPDX-License-Identifier: Apache-2.0 */
/* starved_program - see starved_program.h. */
#include "starved_program.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "alloc_fault.h"
#include "base/assert.h"

enum { WORDS_MAX = 24, PATIENCE_S = 120 };

/* The names are the linker's. */
int __real_main(int argc, char **argv);
int __wrap_main(int argc, char **argv);
unsigned __wrap_kee_terminal_columns(void);

static unsigned terminal_columns;
static int out_fd, err_fd;

unsigned __wrap_kee_terminal_columns(void)
{
    return terminal_columns;
}

int __wrap_main(int argc, char **argv)
{
    return argc > 1 ? __real_main(argc, argv) : starved_test();
}

void starved_begin(void)
{
    alloc_fault_share();
    out_fd = memfd_create("out", MFD_CLOEXEC);
    err_fd = memfd_create("err", MFD_CLOEXEC);
    kee_assert(out_fd >= 0 && err_fd >= 0);
}

static _Noreturn void be_program(char *words, unsigned columns, uint64_t nth)
{
    static const int crashes[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGSYS};
    char *argv[WORDS_MAX + 2] = {(char[]){"keeve"}};
    char *rest = NULL;
    int argc = 1;

    for (char *word = strtok_r(words, " ", &rest); word != NULL;
         word = strtok_r(NULL, " ", &rest)) {
        kee_assert(argc <= WORDS_MAX);
        argv[argc++] = word;
    }
    for (size_t i = 0; i < sizeof crashes / sizeof *crashes; i++) {
        (void)signal(crashes[i],
                     SIG_DFL); /* else cmocka takes the program for a test that failed */
    }
    kee_assert(dup2(out_fd, STDOUT_FILENO) >= 0 && dup2(err_fd, STDERR_FILENO) >= 0);
    (void)alarm(PATIENCE_S); /* one that waits for ever dies of it, and that is seen */
    terminal_columns = columns;
    alloc_fault_begin(nth);
    exit(__real_main(argc, argv));
}

static void take(int fd, struct kee_buf *out)
{
    off_t size = lseek(fd, 0, SEEK_END);

    *out = KEE_BUF_EMPTY;
    kee_assert(size >= 0 && kee_buf_reserve(out, (size_t)size + 1) == 0);
    kee_assert(pread(fd, out->data, (size_t)size, 0) == size);
    out->size = (size_t)size;
    out->data[size] = 0;
    kee_assert(ftruncate(fd, 0) == 0 && lseek(fd, 0, SEEK_SET) == 0);
}

void starved_run(struct ended *out, const char *words, unsigned columns, uint64_t nth)
{
    char copy[1024];
    pid_t pid;

    kee_assert(strlen(words) < sizeof copy);
    memcpy(copy, words, strlen(words) + 1);
    (void)fflush(NULL);
    pid = fork();
    kee_assert(pid >= 0);
    if (pid == 0) {
        be_program(copy, columns, nth);
    }
    kee_assert(waitpid(pid, &out->status, 0) == pid);
    out->fired = alloc_fault_end();
    take(out_fd, &out->out);
    take(err_fd, &out->err);
}

void starved_free(struct ended *ended)
{
    kee_buf_fini(&ended->out);
    kee_buf_fini(&ended->err);
}

/* Numbers and the blanks before them: what may differ between two runs that are both whole. */
static void without_numbers(struct kee_buf *text)
{
    size_t to = 0;

    for (size_t i = 0; i < text->size; i++) {
        uint8_t c = text->data[i];
        bool digit = c >= '0' && c <= '9';
        uint8_t last = to > 0 ? text->data[to - 1] : 0;
        if (digit) {
            while (to > 0 && text->data[to - 1] == ' ') {
                to--;
            }
            last = to > 0 ? text->data[to - 1] : 0;
        }
        if (!digit || last != '#') {
            text->data[to++] = digit ? '#' : c;
        }
    }
    text->size = to;
}

static bool same(const struct kee_buf *a, const struct kee_buf *b)
{
    return kee_bytes_equal(kee_buf_bytes(a), kee_buf_bytes(b));
}

static bool says(const struct kee_buf *text, const char *word)
{
    return text->size > 0 && memmem(text->data, text->size, word, strlen(word)) != NULL;
}

const char *starved_wrong(const struct ended *good, const struct ended *now)
{
    bool whole = same(&good->out, &now->out) && same(&good->err, &now->err);

    if (!WIFEXITED(now->status)) {
        return "it crashed";
    }
    if (now->status == good->status && whole) {
        return NULL;
    }
    if (now->status == 0) {
        return "half of it is called done";
    }
    if (!says(&now->err, "keeve: ") || !says(&now->err, "out of memory")) {
        return "it does not say what is wanting";
    }
    if (says(&now->err, "(null)")) {
        return "it says (null)";
    }
    return kee_bytes_has_prefix(kee_buf_bytes(&good->out), kee_buf_bytes(&now->out))
               ? NULL
               : "what it wrote is no part of the whole";
}

void starved_forget_numbers(struct ended *ended)
{
    without_numbers(&ended->out);
    without_numbers(&ended->err);
}
