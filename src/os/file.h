/* SPDX-License-Identifier: Apache-2.0 */
/*
 * file - reading files whole, and the daemon's home directory.
 *
 * Returns  0 done; <0 fault; >0 outcome, with a sentence for a person in why.
 */
#ifndef KEE_OS_FILE_H
#define KEE_OS_FILE_H

#include <stdbool.h>

#include "base/bytes.h"

enum kee_file_outcome {
    KEE_FILE_ABSENT = 1,
    KEE_FILE_UNFIT, /* a directory, unreadable, too large, of another user... */
};

/* Appends the content of a regular file of at most size_max bytes. */
int kee_file_read(const char *path, size_t size_max, struct kee_buf *out, struct kee_buf *why);
/* Opens a directory, for the next. Outcome ABSENT or UNFIT. */
int kee_file_open_directory(int *out, const char *path, struct kee_buf *why);
/* The same as kee_file_read, of a file below a directory: no "..", link or mount leads out of it. */
int kee_file_read_beneath(int directory_fd, const char *name, size_t size_max, struct kee_buf *out,
                          struct kee_buf *why);
/* Opens such a file in order to read it in pieces. */
int kee_file_open_beneath(int *out, uint64_t *size, int directory_fd, const char *name,
                          struct kee_buf *why);
/* Reads at most room bytes from where the last call ended; *size 0: that was all. */
int kee_file_read_some(int fd, void *data, size_t room, size_t *size);
/* Opens for reading, blocking. Outcome ABSENT or UNFIT. */
int kee_file_open_read(int *out, const char *path, struct kee_buf *why);
/* Opens a regular file for reading, or (out) for appending, made 0600 if it is not there; never waits for
 * whoever is at the other end of something else. Outcome ABSENT or UNFIT. */
int kee_file_open_regular(int *fd, const char *path, bool out, struct kee_buf *why);
/* Writes or replaces a small file, mode 0600, without fsync. */
int kee_file_write(const char *path, struct kee_bytes content);
void kee_file_remove(const char *path);

/* Appends path, with the working directory before it if it is relative. */
int kee_file_absolute(const char *path, struct kee_buf *out);

/* Makes sure that path is a directory of ours that nobody else can write to or look into, and creates
 * it (0700) if its parent exists. Outcome UNFIT. */
int kee_file_home(const char *path, struct kee_buf *why);
/* Takes the lock file at path until the process ends. Outcome UNFIT if another process has it. */
int kee_file_lock(int *out, const char *path);
/* Opens for appending, mode 0600. */
int kee_file_open_log(int *out, const char *path);
size_t kee_file_size(int fd);
int kee_file_rename(const char *from, const char *to);
void kee_file_append(int fd, struct kee_bytes text);
void kee_file_close(int fd);
bool kee_file_is_executable(const char *path);

#endif
