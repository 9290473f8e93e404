/* SPDX-License-Identifier: Apache-2.0 */
/*
 * native - vats written in C (keeve/vat.h), carried in the kernel's thread.
 *
 *   send ──► in (frames) ──round──► start, message, ... ──► calls, rows ──► one DONE frame
 *                                        └─ get, next ──► GET, NEXT ──► ROW, by send, at once
 *
 * A vat may be killed while one of its functions runs: it is forgotten at once and freed when the
 * function has returned, what it asked for unheard.
 *
 * Owns     the vats. Keeps what is registered until it is freed.
 * Threads  none: lives on the kernel's loop.
 */
#ifndef KEE_LIB_NATIVE_H
#define KEE_LIB_NATIVE_H

#include "keeve/vat.h"
#include "vatproto/carrier.h"

enum kee_natives_outcome { KEE_NATIVES_TAKEN = 1 /* the name is registered already */ };

struct kee_natives;

int kee_natives_new(struct kee_natives **out);
/* For the vat host; *out's free() frees natives. */
void kee_natives_carrier(struct kee_natives *natives, struct kee_carrier *out);
int kee_natives_register(struct kee_natives *natives, const struct keeve_native *program);
/* True inside a function of a vat. */
bool kee_natives_are_running(const struct kee_natives *natives);

#endif
