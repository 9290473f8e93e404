/* SPDX-License-Identifier: Apache-2.0 */
/* privileges - see privileges.h. */
#include "daemon/privileges.h"

#include "base/fault.h"
#include "keeve/version.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/process.h"
#include "os/unix_socket.h"

/* The log begins anew beyond this size; the one before is kept. */
/* A daemon that has just been killed holds its locks until the system has taken it apart. */
#define LOCK_TRIES 100
#define LOCK_PAUSE_MS 20
#define LOG_BYTES_MAX (16u * 1024 * 1024)
#define LOG_SHOWN_BYTES 4096u

/* No name of a file in the home is longer: room is made once, so that path_of() needs no memory. */
#define NAME_BYTES_MAX 32u

static const char *path_of(struct kee_privileges *privileges, const char *name)
{
    kee_buf_clear(&privileges->path);
    kee_buf_printf(&privileges->path, "%s/%s", privileges->home, name);
    return kee_buf_cstr(&privileges->path);
}

int kee_privileges_find_vat_program(struct kee_buf *out, const char *helper_dir,
                                    struct kee_buf *why)
{
    /* Beside keeve when installed flat, in libexec, and where the build puts it. */
    static const char *const places[] = {"/keeve-vat", "/../libexec/keeve/keeve-vat",
                                         "/../libexec/keeve-vat", "/../vat/keeve-vat"};
    struct kee_buf self = KEE_BUF_EMPTY;
    const char *path;
    int r = 0;

    if (helper_dir != NULL) {
        kee_buf_printf(out, "%s/keeve-vat", helper_dir);
        path = kee_buf_cstr(out);
        if (path == NULL) {
            return KEE_FAULT_MEMORY;
        }
        if (!kee_file_is_executable(path)) {
            kee_buf_printf(why, "expected the program %s, found none", path);
            r = KEE_PRIVILEGES_REFUSED;
        }
        return r;
    }
    r = kee_process_self_path(&self);
    if (r == 0) {
        while (self.size > 0 && self.data[self.size - 1] != '/') {
            self.size--;
        }
        r = KEE_PRIVILEGES_REFUSED;
        for (size_t i = 0; i < sizeof places / sizeof *places && r > 0; i++) {
            kee_buf_clear(out);
            kee_buf_put(out, self.data, self.size - 1);
            kee_buf_put_str(out, places[i]);
            path = kee_buf_cstr(out);
            r = path == NULL                   ? KEE_FAULT_MEMORY
                : kee_file_is_executable(path) ? 0
                                               : KEE_PRIVILEGES_REFUSED;
        }
        if (r > 0) {
            kee_buf_printf(why,
                           "the program keeve-vat is missing: expected it beside %s or in "
                           "../libexec/keeve; set KEEVE_LIBEXEC to the directory it is in",
                           kee_buf_cstr(&self));
        }
    }
    kee_buf_fini(&self);
    return r;
}

static int take_home(struct kee_privileges *out, struct kee_buf *why)
{
    struct kee_buf pid = KEE_BUF_EMPTY, unread = KEE_BUF_EMPTY;
    int r = kee_file_home(out->home, why);

    if (r != 0) {
        return r < 0 ? r : KEE_PRIVILEGES_REFUSED;
    }
    r = kee_file_lock(&out->lock_fd, path_of(out, "daemon.lock"));
    for (int tries = 0; r > 0 && tries < LOCK_TRIES; tries++) {
        kee_clock_sleep_ms(LOCK_PAUSE_MS);
        r = kee_file_lock(&out->lock_fd, path_of(out, "daemon.lock"));
    }
    if (r > 0) {
        out->lock_fd = -1;
        (void)kee_file_read(path_of(out, "daemon.pid"), 32, &pid, &unread);
        kee_buf_printf(why, "another daemon%s%.*s%s is running in %s; one home has one daemon",
                       pid.size > 1 ? " (process " : "", pid.size > 1 ? (int)pid.size - 1 : 0,
                       (const char *)pid.data, pid.size > 1 ? ")" : "", out->home);
        kee_buf_fini(&pid);
        kee_buf_fini(&unread);
        return KEE_PRIVILEGES_REFUSED;
    }
    return r;
}

static int open_log(struct kee_privileges *out)
{
    struct kee_buf text = KEE_BUF_EMPTY;
    int r = kee_file_open_log(&out->log_fd, path_of(out, "daemon.log"));

    if (r < 0) {
        return r;
    }
    out->log_bytes = kee_file_size(out->log_fd);
    kee_buf_put_decimal(&text, (uint64_t)kee_process_self());
    kee_buf_put_char(&text, '\n');
    r = kee_buf_status(&text);
    if (r == 0) {
        r = kee_file_write(path_of(out, "daemon.pid"), kee_buf_bytes(&text));
    }
    kee_buf_fini(&text);
    return r;
}

static int open_store(struct kee_privileges *out, struct kee_buf *why)
{
    struct kee_store_sqlite_options options = {.directory = path_of(out, "store"),
                                               .durability = out->durability};
    int r = kee_store_sqlite_open(&out->store, &options, why);

    for (int tries = 0; r == KEE_STORE_SQLITE_BUSY && tries < LOCK_TRIES; tries++) {
        kee_buf_clear(why);
        kee_clock_sleep_ms(LOCK_PAUSE_MS);
        r = kee_store_sqlite_open(&out->store, &options, why);
    }
    return r > 0 ? KEE_PRIVILEGES_REFUSED : r;
}

static int check_jail(struct kee_privileges *out, bool unjailed, struct kee_buf *why)
{
    out->jailed = !unjailed;
    if (unjailed || kee_process_can_jail()) {
        return 0;
    }
    kee_buf_put_str(why, "this system cannot confine vats: expected seccomp filters in the Linux "
                         "kernel, found none; --unjailed starts without, and then vats are only as "
                         "safe as the code in them");
    return KEE_PRIVILEGES_REFUSED;
}

int kee_privileges_open(struct kee_privileges *out, const struct kee_privileges_options *options,
                        struct kee_buf *why)
{
    int r;

    *out = (struct kee_privileges){.home = options->home,
                                   .listener = -1,
                                   .log_fd = -1,
                                   .lock_fd = -1,
                                   .durability = options->durability};
    r = kee_buf_reserve(&out->path, strlen(out->home) + 1 + NAME_BYTES_MAX);
    if (r == 0) {
        r = check_jail(out, options->unjailed, why);
    }
    if (r == 0) {
        r = kee_privileges_find_vat_program(&out->vat_program, options->helper_dir, why);
    }
    if (r == 0) {
        r = take_home(out, why);
    }
    if (r == 0) {
        r = open_log(out);
    }
    if (r == 0) {
        r = open_store(out, why);
    }
    if (r == 0) {
        r = kee_loop_new(&out->loop);
    }
    if (r == 0) {
        r = kee_unix_listen(&out->listener, path_of(out, "control.sock"));
    }
    if (r != 0) {
        if (out->log_fd >= 0) {
            kee_privileges_log(out, "refused", "why=\"%s\"",
                               r < 0 ? kee_fault_text() : kee_buf_cstr(why));
        }
        kee_privileges_close(out);
    }
    return r;
}

void kee_privileges_close(struct kee_privileges *privileges)
{
    if (privileges->lock_fd >= 0) {
        kee_file_remove(path_of(privileges, "control.sock"));
        kee_file_remove(path_of(privileges, "daemon.pid"));
    }
    kee_unix_close(privileges->listener);
    kee_loop_free(privileges->loop);
    if (privileges->store != NULL) {
        privileges->store->ops->close(privileges->store);
    }
    if (privileges->log_fd >= 0) {
        kee_file_close(privileges->log_fd);
    }
    if (privileges->lock_fd >= 0) {
        kee_file_close(privileges->lock_fd); /* last: now another daemon may come */
    }
    kee_buf_fini(&privileges->vat_program);
    kee_buf_fini(&privileges->path);
}

void kee_privileges_read_log(struct kee_privileges *privileges, size_t start, struct kee_buf *out)
{
    struct kee_buf log = KEE_BUF_EMPTY, why = KEE_BUF_EMPTY;

    if (kee_file_read(path_of(privileges, "daemon.log"), 2 * LOG_BYTES_MAX, &log, &why) == 0 &&
        log.size > start) {
        size_t size = log.size - start;
        kee_buf_put(out, log.data + start, size < LOG_SHOWN_BYTES ? size : LOG_SHOWN_BYTES);
        while (out->size > 0 && out->data[out->size - 1] == '\n') {
            out->size--;
        }
    }
    kee_fault_clear();
    kee_buf_fini(&log);
    kee_buf_fini(&why);
}

/* Gives way to a new file; if that cannot be made, goes on in the old one. */
static void turn_log_over(struct kee_privileges *privileges)
{
    struct kee_buf old = KEE_BUF_EMPTY;
    int fd;

    kee_buf_printf(&old, "%s/daemon.log.1", privileges->home);
    if (!old.failed &&
        kee_file_rename(path_of(privileges, "daemon.log"), kee_buf_cstr(&old)) == 0 &&
        kee_file_open_log(&fd, path_of(privileges, "daemon.log")) == 0) {
        kee_file_close(privileges->log_fd);
        privileges->log_fd = fd;
    }
    kee_fault_clear();
    privileges->log_bytes = 0;
    kee_buf_fini(&old);
}

void kee_privileges_log(struct kee_privileges *privileges, const char *event, const char *format,
                        ...)
{
    struct kee_buf line = KEE_BUF_EMPTY;
    struct kee_buf rest = KEE_BUF_EMPTY;
    va_list args;

    if (privileges->log_bytes > LOG_BYTES_MAX) {
        turn_log_over(privileges);
    }
    va_start(args, format);
    kee_buf_vprintf(&rest, format, args);
    va_end(args);
    kee_buf_printf(&line, "%s time_ms=%llu ", event, (unsigned long long)kee_clock_wall_ms());
    /* One line each, whatever a vat's name or a reason holds. */
    for (size_t i = 0; i < rest.size; i++) {
        kee_buf_put_char(&line, rest.data[i] < ' ' ? ' ' : (char)rest.data[i]);
    }
    kee_buf_put_char(&line, '\n');
    if (!line.failed) {
        kee_file_append(privileges->log_fd, kee_buf_bytes(&line));
        privileges->log_bytes += line.size;
    }
    kee_buf_fini(&line);
    kee_buf_fini(&rest);
}
