/* SPDX-License-Identifier: Apache-2.0 */
/*
 * logs - the last console lines of all vats, in memory.
 */
#ifndef KEE_DAEMON_LOGS_H
#define KEE_DAEMON_LOGS_H

#include "base/ids.h"
#include "vatproto/vatproto.h"

struct kee_log_line {
    uint64_t time_ms;
    struct kee_vat_id vat;
    enum kee_vp_log_level level;
    struct kee_bytes text; /* cut at KEE_LIMIT_LOG_LINE_BYTES */
};

struct kee_logs;

int kee_logs_new(struct kee_logs **out);
void kee_logs_free(struct kee_logs *logs);
/* Keeps a copy; the oldest line goes when there are too many. A line there is no memory for is lost. */
void kee_logs_add(struct kee_logs *logs, const struct kee_log_line *line);
/* Oldest first. */
void kee_logs_walk(const struct kee_logs *logs,
                   void (*fn)(void *context, const struct kee_log_line *line), void *context);
/* {"time_ms":...,"vat":"v1","level":"info","text":...} */
void kee_log_line_put(struct kee_buf *buf, const struct kee_log_line *line);

#endif
