/* SPDX-License-Identifier: Apache-2.0 */
/*
 * code - a vat's code into its compartment. What is taken: module source text whose bare imports name
 * built-in packages, or JSON text of a bundle (docs/formats, facts of ocap-kernel: iife).
 */
#ifndef KEE_VAT_ENGINE_CODE_H
#define KEE_VAT_ENGINE_CODE_H

#include "vat/engine/xs.h"
#include "vatproto/vatproto.h"

/* Inside a crank. On the stack stand two objects whose properties become globals of the vat: those of
 * liveslots (kee_ls_prepare) and, at the top, what it was granted by name (kee_ls_push_inventory). Both
 * are replaced by the namespace of the code. The code of a raw vat finds neither HandledPromise nor
 * VatData, and may import other packages. Throws what the code throws, and a TypeError for an import, a
 * bundle format or a global that is not to be had. */
void kee_code_load(txMachine *the, struct kee_bytes name, struct kee_bytes code,
                   struct kee_vp_strings globals, bool raw);

/* The same for a look: replaces what stands at the top of the stack by a string, JSON as check.h has it.
 * What the code throws is in it. */
void kee_code_check(txMachine *the, struct kee_bytes code);

#endif
