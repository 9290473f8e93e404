/* SPDX-License-Identifier: Apache-2.0 */
/* file_watch - waits until one of some files is written, replaced or removed. */
#ifndef KEE_OS_FILE_WATCH_H
#define KEE_OS_FILE_WATCH_H

#include "base/bytes.h"

struct kee_file_watch;

int kee_file_watch_new(struct kee_file_watch **out);
void kee_file_watch_free(struct kee_file_watch *watch);
/* Watches a file by its directory, so that editors which replace files are seen. Outcome 1: its
 * directory cannot be watched. */
int kee_file_watch_add(struct kee_file_watch *watch, const char *path);
/* Waits for a change of a file added, then until nothing has changed for settle_ms. */
int kee_file_watch_wait(struct kee_file_watch *watch, int settle_ms);

#endif
