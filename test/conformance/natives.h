/* SPDX-License-Identifier: Apache-2.0 */
/*
 * natives - the vats of scenarios.mjs in C: what each does there with JavaScript, one file each.
 */
#ifndef CONFORMANCE_NATIVES_H
#define CONFORMANCE_NATIVES_H

#include <keeve/vat.h>

/* Ends with NULL. */
const struct keeve_native *const *conformance_programs(void);

extern const struct keeve_native conformance_talker;
extern const struct keeve_native conformance_durable;

/* Says that the target has no such method. */
int conformance_unknown(struct keeve_vat *vat, const struct keeve_message *message);
int64_t conformance_int(const struct keeve_message *message, size_t index);
/* The text of an argument, "" if it has none. */
const char *conformance_text(const struct keeve_message *message, size_t index);

#endif
