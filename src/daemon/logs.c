/* SPDX-License-Identifier: Apache-2.0 */
/* logs - see logs.h. */
#include "daemon/logs.h"

#include <stdlib.h>

#include "base/fault.h"
#include "base/limits.h"
#include "daemon/json_text.h"

struct kee_logs {
    size_t first; /* of the ring; the oldest */
    size_t count;
    struct kee_log_line lines[KEE_LIMIT_LOG_LINES]; /* text is owned */
};

int kee_logs_new(struct kee_logs **out)
{
    *out = calloc(1, sizeof **out);
    return *out == NULL ? kee_fault(KEE_FAULT_MEMORY, "console lines") : 0;
}

void kee_logs_free(struct kee_logs *logs)
{
    if (logs == NULL) {
        return;
    }
    for (size_t i = 0; i < KEE_LIMIT_LOG_LINES; i++) {
        free((void *)(uintptr_t)logs->lines[i].text.data);
    }
    free(logs);
}

void kee_logs_add(struct kee_logs *logs, const struct kee_log_line *line)
{
    size_t size =
        line->text.size < KEE_LIMIT_LOG_LINE_BYTES ? line->text.size : KEE_LIMIT_LOG_LINE_BYTES;
    struct kee_log_line *at = &logs->lines[(logs->first + logs->count) % KEE_LIMIT_LOG_LINES];
    uint8_t *text = malloc(size + 1);

    if (text == NULL) {
        return;
    }
    if (size > 0) {
        memcpy(text, line->text.data, size);
    }
    if (logs->count == KEE_LIMIT_LOG_LINES) {
        free((void *)(uintptr_t)at->text.data);
        logs->first = (logs->first + 1) % KEE_LIMIT_LOG_LINES;
    } else {
        logs->count++;
    }
    *at = *line;
    at->text = kee_bytes_of(text, size);
}

void kee_logs_walk(const struct kee_logs *logs,
                   void (*fn)(void *context, const struct kee_log_line *line), void *context)
{
    for (size_t i = 0; i < logs->count; i++) {
        fn(context, &logs->lines[(logs->first + i) % KEE_LIMIT_LOG_LINES]);
    }
}

void kee_log_line_put(struct kee_buf *buf, const struct kee_log_line *line)
{
    static const char *const levels[] = {"debug", "log", "info", "warn", "error"};
    bool known = (size_t)line->level < sizeof levels / sizeof *levels;

    kee_buf_put_char(buf, '{');
    kee_json_put_number_member(buf, "time_ms", line->time_ms);
    kee_buf_put_str(buf, ",\"vat\":\"v");
    kee_buf_put_decimal(buf, line->vat.n);
    kee_buf_put_char(buf, '"');
    kee_json_put_text_member(buf, "level", kee_bytes_str(known ? levels[line->level] : "log"));
    kee_json_put_text_member(buf, "text", line->text);
    kee_buf_put_char(buf, '}');
}
