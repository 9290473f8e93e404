/* SPDX-License-Identifier: Apache-2.0 */
/*
 * text - bodies at the door of a raw vat, which sees and writes the capdata encoding alone: JSON whose
 * strings stand for themselves, so that JSON.parse and JSON.stringify are all that plain data needs.
 *
 *   in    either encoding of the field  ──►  capdata text, with the slots as they came
 *   out   capdata text                  ──►  looked through, then sent as it stands
 *
 * Returns  0 done; KEE_RAW_BAD with a sentence in why; <0 fault.
 */
#ifndef KEE_VAT_RAW_TEXT_H
#define KEE_VAT_RAW_TEXT_H

#include "vatproto/vatproto.h"

enum kee_raw_outcome { KEE_RAW_BAD = 1 };

/* Is it a body whose references are among its slots? */
int kee_raw_check_data(struct kee_vp_capdata data, struct kee_buf *why);
/* The same of [method, arguments]. */
int kee_raw_check_message(struct kee_vp_capdata methargs, struct kee_buf *why);

/* Appends the body to text as capdata. */
int kee_raw_read_data(struct kee_vp_capdata data, struct kee_buf *text, struct kee_buf *why);
/* The same of a message: its method and its arguments. *has_method is false for a call of the target
 * itself. BAD if the method is no string. */
int kee_raw_read_message(struct kee_vp_capdata methargs, bool *has_method, struct kee_buf *method,
                         struct kee_buf *args, struct kee_buf *why);

#endif
