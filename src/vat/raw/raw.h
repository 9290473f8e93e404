/* SPDX-License-Identifier: Apache-2.0 */
/*
 * raw - vats without liveslots: the default export of their code is the dispatch function
 *
 *     deliver(syscall, facet, method, args, slots)
 *
 * called once for each message; what it does to others, it does by the syscall object. No object of the
 * vat has a name: a message says the number of a facet, and the vat knows what it means by it. No value
 * is turned into text or back: args is JSON text in the capdata encoding, slots a list of references. To
 * the kernel such a vat is like any other. docs/raw-vats.md describes all of it to those who write one.
 *
 *   DELIVER ──► names to numbers, body to capdata text ──► deliver(...) ──► syscall.send(...)
 *                                                                               │
 *   DONE  ◄── syscalls, store changes: of liveslots' own buffers ◄──────────────┘
 *
 * It stands on struct kee_ls, of which it uses the buffers of a crank and the vat's rows; its tables stay
 * empty. In the order of liveslots.h, kee_raw_prepare, kee_raw_start, kee_raw_deliver and
 * kee_raw_quiescent take the places of kee_ls_prepare and so on; the rest is kee_ls_*.
 * Threads  none.
 */
#ifndef KEE_VAT_RAW_RAW_H
#define KEE_VAT_RAW_RAW_H

#include "vat/liveslots/liveslots.h"

/* Before the first crank of a raw vat: ls belongs to it from here on. */
int kee_raw_new(struct kee_ls *ls);
/* What kee_raw_new made; ls itself is the caller's. */
void kee_raw_free(struct kee_ls *ls);

/* Pushes two objects without properties: nothing of ours becomes a global of the vat, and it has no
 * inventory. */
void kee_raw_prepare(struct kee_ls *ls, const struct kee_vp_start *start);
/* Pops the namespace. */
void kee_raw_start(struct kee_ls *ls, const struct kee_vp_start *start);
void kee_raw_deliver(struct kee_ls *ls, uint8_t delivery, struct kee_bytes fields);
/* Settles the result of the message if the vat did not take it. */
bool kee_raw_quiescent(struct kee_ls *ls);

#endif
