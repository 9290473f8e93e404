/* SPDX-License-Identifier: Apache-2.0 */
/* inline - the one function of the module keeve-inline.so; vatproto/carrier.h has its contract. */
#ifndef KEE_VAT_INLINE_H
#define KEE_VAT_INLINE_H

#include "vatproto/carrier.h"

__attribute__((visibility("default"))) kee_inline_open_fn kee_inline_open;

#endif
