/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_text - what the daemon says, written as JSON text straight into a buffer.
 *
 * Much of it comes from vats, so every text is made valid on the way: what is not UTF-8, and NUL,
 * becomes U+FFFD.
 */
#ifndef KEE_DAEMON_JSON_TEXT_H
#define KEE_DAEMON_JSON_TEXT_H

#include "kernel/kernel.h"

void kee_json_put_text(struct kee_buf *buf, struct kee_bytes text);
/* "name":"text" and "name":number, with a comma before unless the buffer ends in '{' or '['. */
void kee_json_put_text_member(struct kee_buf *buf, const char *name, struct kee_bytes text);
void kee_json_put_number_member(struct kee_buf *buf, const char *name, uint64_t number);
/* {"body":...,"slots":[...]} */
void kee_json_put_capdata(struct kee_buf *buf, struct kee_vp_capdata capdata);
/* An object of the record's fields; the kind comes first, as "event", if with_kind. */
void kee_json_put_record(struct kee_buf *buf, const struct kee_record *record, bool with_kind);

#endif
